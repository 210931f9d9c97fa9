// openapi.json is made of the table of routes: it is whole, its schemas are schemas, and what
// routes answer is what it says.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import {embeddingModel, startServer} from "./server.mjs";

const ACCESS = ["open", "models", "account", "person", "admin", "operator"];
const KINDS = ["none", "read", "write", "chat", "upload"];
let server, document, ajv;
before(async () => {
  server = await startServer({args: ["--embedding-model", embeddingModel]});
  document = await (await fetch(server.url + "/openapi.json")).json();
  ajv = new Ajv({strict: false, allErrors: true});
  addFormats(ajv);
  ajv.addSchema({$id: "doc", ...document});
});
after(() => server.stop());

const operations = () => Object.entries(document.paths).flatMap(([route, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({route, method, ...operation})));
const schemasOf = ({requestBody, responses}) => [requestBody, ...Object.values(responses)]
  .flatMap((part) => Object.values(part?.content ?? {})).map((content) => content.schema).filter(Boolean);
const check = (schema, value, what) => {
  const resolved = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components'));
  assert.ok(ajv.validate(resolved, value), `${what}: ${ajv.errorsText()} in ${JSON.stringify(value).slice(0, 500)}`);
};

test("every route says who may use it, and is described", () => {
  assert.match(document.openapi, /^3\.1/);
  assert.ok(operations().length > 15);
  for (const {route, method, summary, parameters = [], ...operation} of operations()) {
    const name = `${method} ${route}`;
    assert.ok(ACCESS.includes(operation["x-access"]), name);
    assert.ok(KINDS.includes(operation["x-limit"]), name);
    assert.ok(summary?.length > 3, name);
    assert.deepEqual(parameters.map((parameter) => parameter.name),
      [...route.matchAll(/\{(\w+)\}/g)].map((match) => match[1]), name);
  }
});

test("its schemas are schemas", () => {
  for (const operation of operations())
    for (const schema of schemasOf(operation))
      assert.ok(ajv.validateSchema(schema), `${operation.method} ${operation.route}: ${ajv.errorsText()}`);
});

test("what the operator may get without more is as the document says", async () => {
  const key = {authorization: `Bearer ${server.key}`};
  for (const {route, method, responses, ...operation} of operations()) {
    if (method !== "get" || route.includes("{") || !["open", "models", "operator"].includes(operation["x-access"]))
      continue;
    const answer = await fetch(server.url + route, {headers: key, redirect: "manual"});
    assert.ok(answer.status < 500, `${route}: ${answer.status}`);
    const schema = (answer.ok ? responses["2XX"] : responses.default).content?.["application/json"]?.schema;
    if (schema) check(schema, await answer.json(), `${method} ${route}`);
    else await answer.arrayBuffer();
  }
});

test("what models answer is as the document says", async () => {
  const bodies = {
    "/v1/chat/completions": {messages: [{role: "user", content: "Hi"}], max_tokens: 3},
    "/v1/completions": {prompt: "Once", max_tokens: 3},
    "/v1/embeddings": {input: ["a", "b"]},
    "/v1/rerank": {query: "a", documents: ["a", "b"]},
    "/rerank": {query: "a", documents: ["a", "b"]},
    "/tokenize": {content: "Once"},
    "/detokenize": {tokens: [300, 301]},
  };
  for (const {route, method, requestBody, responses, ...operation} of operations()) {
    if (method !== "post" || operation["x-access"] !== "models" || route.startsWith("/v2/")) continue;
    assert.ok(bodies[route], `a body for ${route} is missing in this test`);
    check(requestBody.content["application/json"].schema, bodies[route], `body of ${route}`);
    const answer = await server.post(route, bodies[route]);
    assert.equal(answer.status, 200, route);
    check(responses["2XX"].content["application/json"].schema, await answer.json(), route);
    const refused = await server.post(route, "[");
    assert.equal(refused.status, 400);
    check(responses.default.content["application/json"].schema, await refused.json(), `error of ${route}`);
  }
});

test("strangers are refused in the same form everywhere", async () => {
  for (const {route, method, responses, ...operation} of operations()) {
    if (operation["x-access"] === "open" || method === "head") continue;
    const answer = await fetch(server.url + route.replaceAll(/\{\w+\}/g, "x"),
      {method: method.toUpperCase(), redirect: "manual"});
    assert.ok([401, 303].includes(answer.status), `${method} ${route}: ${answer.status}`);
    const schema = responses.default.content?.["application/json"]?.schema;
    if (schema) check(schema, await answer.json(), `${method} ${route}`);
  }
});

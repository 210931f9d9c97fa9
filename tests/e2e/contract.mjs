// contract.mjs - the document of the API (/openapi.json) as something that requests and answers can
// be held to.
import assert from "node:assert/strict";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

export async function contractOf(server) {
  const document = await (await fetch(server.url + "/openapi.json")).json();
  const ajv = new Ajv({strict: false, allErrors: true});
  addFormats(ajv);
  ajv.addSchema({$id: "doc", ...document});
  const seen = new Set();
  const routes = Object.entries(document.paths).map(([path, methods]) => ({path, methods,
    pattern: new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, "[^/]+")}$`)}))
    .sort((a, b) => a.path.split("{").length - b.path.split("{").length); // literal paths first

  const holds = (schema, value, what) => {
    const resolved = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components'));
    assert.ok(ajv.validate(resolved, value), `${what}: ${ajv.errorsText()} in ${JSON.stringify(value).slice(0, 500)}`);
  };
  return {
    seen, // "post /v1/auth/login", of what was answered well
    // An answer of `method route` to `body`, if it is JSON, is as the document says.
    hold(method, route, body, {code, body: answer}) {
      if (answer === undefined) return;
      const {path, methods} = routes.find(({pattern}) => pattern.test(route.split("?")[0])) ?? {};
      const operation = methods?.[method.toLowerCase()];
      assert.ok(operation, `${method} ${route} is not in the document`);
      const what = `${method} ${path}, ${code}`;
      const isGood = code < 300;
      const schema = (isGood ? operation.responses["2XX"] : operation.responses.default).content?.["application/json"]?.schema;
      if (schema) holds(schema, answer, what);
      if (!isGood) return;
      seen.add(`${method.toLowerCase()} ${path}`);
      const wanted = operation.requestBody?.content?.["application/json"]?.schema;
      if (wanted) holds(wanted, body, `the body of ${what}`);
    },
    // Of these paths, which no answer has been seen of yet?
    unseen: (pattern) => routes.flatMap(({path, methods}) => Object.keys(methods).map((method) => `${method} ${path}`))
      .filter((name) => pattern.test(name) && !seen.has(name)),
  };
}

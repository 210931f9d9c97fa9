// openai_structured.test.mjs - answers held to a form, by the official client and by ajv's judgement.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import OpenAI from "openai";
import {answersAreValid, validatorOf} from "./random_schemas.mjs";
import {idle, startServer} from "./server.mjs";

const SCHEMAS = 300; // random ones; thousands in tests/e2e/deep
let server, client;
before(async () => {
  server = await startServer();
  client = new OpenAI({baseURL: server.url + "/v1", apiKey: server.key, maxRetries: 0});
});
after(() => server?.stop());

const ask = {model: "local-llm", messages: [{role: "user", content: "Once upon a time"}], temperature: 1, max_tokens: 200};
const person = {
  type: "object",
  properties: {
    name: {type: "string", maxLength: 20},
    age: {type: "integer", minimum: 0, maximum: 120},
    kind: {enum: ["cat", "dog"]},
    tags: {type: "array", items: {type: "string", maxLength: 10}, maxItems: 3},
  },
  required: ["name", "age", "kind", "tags"],
  additionalProperties: false,
};
const format = (schema, strict = true) => ({type: "json_schema", json_schema: {name: "answer", strict, schema}});
const refused = (request, pattern, param) => assert.rejects(
  client.chat.completions.create({...ask, ...request}),
  (error) => error instanceof OpenAI.BadRequestError && error.param === param && pattern.test(error.message));

test("a schema: whatever is drawn, the answer is valid", async () => {
  const isValid = validatorOf(person);
  for (let seed = 1; seed <= 8; seed++) {
    const answer = await client.chat.completions.create({...ask, seed, response_format: format(person)});
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.ok(isValid(JSON.parse(answer.choices[0].message.content)), answer.choices[0].message.content);
  }
});

test("a schema: n answers and streams too, each by itself", async () => {
  const isValid = validatorOf(person);
  const request = {...ask, seed: 5, n: 3, response_format: format(person)};
  const whole = await client.chat.completions.create(request);
  const texts = ["", "", ""];
  for await (const {choices} of await client.chat.completions.create({...request, stream: true}))
    for (const choice of choices) texts[choice.index] += choice.delta.content ?? "";
  assert.deepEqual(texts, whole.choices.map((choice) => choice.message.content));
  for (const text of texts) assert.ok(isValid(JSON.parse(text)), text);
});

test("a schema: the client's parse helper", async () => {
  const answer = await client.chat.completions.parse({...ask, seed: 2, response_format: format(person)});
  assert.ok(["cat", "dog"].includes(answer.choices[0].message.parsed.kind));
});

test("json_object: some object", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const {choices: [choice]} = await client.chat.completions.create(
      {...ask, seed, max_tokens: 400, response_format: {type: "json_object"}});
    if (choice.finish_reason === "length") continue; // a text of the object's beginning
    assert.equal(Object.getPrototypeOf(JSON.parse(choice.message.content)), Object.prototype);
  }
});

test("an answer that is cut says so", async () => {
  const {choices: [choice]} = await client.chat.completions.create(
    {...ask, max_tokens: 4, response_format: format(person)});
  assert.equal(choice.finish_reason, "length");
  assert.match(choice.message.content, /^\{/);
});

test("strict closes objects, and without it they are open", async () => {
  const schema = {type: "object", properties: {a: {type: "integer"}}};
  const isClosed = validatorOf({...schema, additionalProperties: false});
  for (let seed = 1; seed <= 5; seed++) {
    const {choices: [choice]} = await client.chat.completions.create({...ask, seed, response_format: format(schema)});
    assert.ok(isClosed(JSON.parse(choice.message.content)), choice.message.content);
  }
});

test("grammar, regex, and the names that vLLM's users know", async () => {
  const cases = [
    [{grammar: 'root ::= "it is " ("hot" | "cold") "."'}, /^it is (hot|cold)\.$/],
    [{regex: "[a-c]{3}-\\d{1,3}?x"}, /^[a-c]{3}-\d{1,3}x$/],
    [{guided_regex: "yes|no"}, /^(yes|no)$/],
    [{guided_choice: ["red", "green"]}, /^(red|green)$/],
    [{guided_grammar: 'root ::= "a"{1,5} "b"'}, /^a+b$/],
    [{guided_json: {const: [1, {a: null}]}}, /^\[1, ?\{"a": ?null\}\]$/],
    [{structured_outputs: {choice: ["one"]}}, /^one$/],
    [{structured_outputs: {json: {type: "boolean"}}}, /^(true|false)$/],
    [{response_format: {type: "json_object", schema: {enum: ["x"]}}}, /^"x"$/],
  ];
  for (const [form, pattern] of cases) {
    const chat = await client.chat.completions.create({...ask, ...form});
    assert.match(chat.choices[0].message.content, pattern, JSON.stringify(form));
    const text = await client.completions.create(
      {model: "local-llm", prompt: "Once", temperature: 1, max_tokens: 60, ...form});
    assert.match(text.choices[0].text, pattern, JSON.stringify(form));
  }
});

// SentencePiece puts a space in front of a text, which is taken off an answer again, but not off what a form asks for.
test("a form that begins with a space keeps it", async () => {
  for (const [regex, pattern] of [[" yes", /^ yes$/], [" {2}(a|b)", /^ {2}[ab]$/], ["yes| no", /^(yes| no)$/]])
    for (let seed = 1; seed <= 3; seed++) {
      const chat = await client.chat.completions.create({...ask, seed, regex});
      assert.match(chat.choices[0].message.content, pattern);
      const text = await client.completions.create({model: "local-llm", prompt: "Once", seed, max_tokens: 20, regex});
      assert.match(text.choices[0].text, pattern);
    }
});

test("what cannot be honoured is refused by its place", async () => {
  const bad = (schema) => ({response_format: format(schema)});
  await refused(bad({properties: {a: {pattern: "(a)\\1"}}}), /#\/properties\/a\/pattern: .*back reference/, "response_format");
  await refused(bad({items: {$ref: "http://example.com/x"}}), /#\/items\/\$ref: /, "response_format");
  await refused(bad({type: "object", minProperties: 2}), /#\/minProperties: /, "response_format");
  await refused(bad({type: "strong"}), /#\/type: /, "response_format");
  await refused(bad(5), /needs a JSON Schema/, "response_format");
  await refused({response_format: {type: "yaml"}}, /text, json_object or json_schema/, "response_format");
  await refused({response_format: {type: "json_schema"}}, /json_schema must be an object/, "response_format");
  await refused({grammar: "root ::= nowhere"}, /^400 grammar: /, "grammar");
  await refused({regex: "(a"}, /^400 regex: /, "regex");
  await refused({guided_choice: []}, /array of 1 to/, "guided_choice");
  await refused({regex: "a", guided_choice: ["a"]}, /cannot be used together/, "guided_choice");
  assert.equal(await server.metric("liminal_engine_running"), 0);
});

test(`${SCHEMAS} random schemas: every whole answer is valid`, async (t) => {
  const told = await answersAreValid(server, {from: 1, count: SCHEMAS});
  t.diagnostic(`${told.whole} of ${told.judged} answers came to their end, ${told.refused} schemas refused`);
  assert.ok(told.whole > SCHEMAS / 4);
  await idle(server);
});

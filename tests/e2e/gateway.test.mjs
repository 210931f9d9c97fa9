// What every request passes: keys that make a request happen once, paths that tell strangers
// nothing, what the server depends on.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {call, newKey, newPerson} from "./people.mjs";
import {startServer, until} from "./server.mjs";

let server;
before(async () => { server = await startServer(); });
after(() => server.stop());

const chat = {messages: [{role: "user", content: "Once upon a time"}], max_tokens: 6, temperature: 1};
const ask = (key, body = chat, route = "/v1/chat/completions") =>
  server.post(route, body, {"idempotency-key": key});

test("a request with a key is done once, and answered alike", async () => {
  const first = await ask("once-1");
  assert.equal(first.status, 200);
  assert.equal(first.headers.get("idempotent-replayed"), null);
  const text = await first.text();
  const made = await server.metric("liminal_engine_generated_tokens_total");
  await until(async () => { // the record is stored behind the answer's back
    const again = await ask("once-1");
    const same = await again.text();
    if (again.status === 409) return false;
    assert.equal(again.headers.get("idempotent-replayed"), "true");
    assert.equal(same, text);
    return true;
  }, "the answer is replayed");
  assert.equal(await server.metric("liminal_engine_generated_tokens_total"), made);
});

test("a stream is replayed as it was", async () => {
  const body = {...chat, stream: true};
  const text = await (await ask("once-2", body)).text();
  assert.match(text, /data: \[DONE\]\n\n$/);
  await until(async () => {
    const again = await ask("once-2", body);
    const same = await again.text();
    if (again.status === 409) return false;
    assert.match(again.headers.get("content-type"), /^text\/event-stream/);
    assert.equal(same, text);
    return true;
  }, "the stream is replayed");
});

test("a key stands for one request only", async () => {
  await (await ask("once-3")).text();
  for (const [body, route] of [[{...chat, max_tokens: 7}], [{input: "a"}, "/v1/embeddings"]]) {
    const other = await ask("once-3", body, route);
    assert.equal(other.status, 409);
    const {error} = await other.json();
    assert.match(error.message, /another request/);
    assert.equal(error.param, "Idempotency-Key");
  }
});

test("while it is being answered, nobody else gets it done", async () => {
  const running = await ask("once-4", {...chat, stream: true, max_tokens: 200, n: 4});
  const reader = running.body.getReader();
  await reader.read();
  const second = await ask("once-4", {...chat, stream: true, max_tokens: 200, n: 4});
  assert.equal(second.status, 409);
  assert.match((await second.json()).error.message, /being answered/);
  await reader.cancel(); // who leaves may come again
  await until(async () => {
    const again = await ask("once-4", {...chat, stream: true, max_tokens: 200, n: 4});
    const code = again.status;
    await again.body.cancel();
    return code === 200;
  }, "the key is free again");
});

test("keys are short and visible", async () => {
  for (const key of ["a b", "k".repeat(201)]) {
    const refused = await ask(key);
    assert.equal(refused.status, 400);
    assert.equal((await refused.json()).error.param, "Idempotency-Key");
  }
});

test("a refused request is refused again", async () => {
  const refusals = await Promise.all([1, 2].map(async () => {
    const answer = await ask("once-5", {messages: []});
    return answer.status;
  }));
  for (const code of refusals) assert.ok([400, 409].includes(code), `${code}`);
});

test("what the server depends on", async () => {
  const answer = await fetch(server.url + "/healthz");
  assert.equal(answer.status, 200);
  const {status, checks, uptime_seconds: uptime} = await answer.json();
  assert.equal(status, "ok");
  assert.deepEqual(checks, {model: "ok", database: "ok", hot_state: "ok", files: "ok"});
  assert.ok(uptime >= 0);
});

test("what a key spends is counted, of answers and of vectors", async () => {
  const ada = await newPerson(server, "spender@example.com");
  const {token, id} = await newKey(server, ada, {limits: {spend_cap_tokens: 100000}});
  const key = {authorization: `Bearer ${token}`};
  const spent = async () => (await call(server, "GET", "/v1/auth/tokens", undefined, ada.bearer))
    .body.data.tokens.find((one) => one.id === id)?.spent_tokens;
  const {body: answer} = await call(server, "POST", "/v1/chat/completions", chat, key);
  await until(async () => await spent() === answer.usage.total_tokens, "the answer is counted");
  const {body: vectors} = await call(server, "POST", "/v1/embeddings", {input: ["one", "two words"]}, key);
  await until(async () => await spent() === answer.usage.total_tokens + vectors.usage.total_tokens, "so are vectors");
  const poor = await newKey(server, ada, {limits: {spend_cap_tokens: 3}});
  for (const [route, body] of [["/v1/chat/completions", chat], ["/v1/embeddings", {input: "one"}]]) {
    const refused = await call(server, "POST", route, body, {authorization: `Bearer ${poor.token}`});
    assert.equal(refused.code, 403, refused.text);
    assert.match(refused.body.error.message, /3 tokens|cap/);
  }
});

test("what one key was answered, another key of the same person is not", async () => {
  const ada = await newPerson(server, "twokeys@example.com");
  const [wide, narrow] = [await newKey(server, ada), await newKey(server, ada, {scopes: {models: ["another"]}})];
  const twice = (key) => call(server, "POST", "/v1/chat/completions", {model: "local-llm", ...chat},
    {authorization: `Bearer ${key.token}`, "idempotency-key": "shared"});
  assert.equal((await twice(wide)).code, 200);
  await until(async () => (await twice(wide)).headers.get("idempotent-replayed"), "it is kept");
  assert.equal((await twice(narrow)).code, 403);
});

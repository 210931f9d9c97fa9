// openai_load.test.mjs - many clients at once, and clients that leave, stall, or come too many.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {embeddingModel, idle, startServer, until} from "./server.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server?.stop());

const endless = {1: -100, 2: -100}; // no end token: until max_tokens or the context
const long = {prompt: "Once upon a time", max_tokens: 250, logit_bias: endless};

async function text(body, on = server) {
  const answer = await on.json("/v1/completions", body);
  assert.equal(answer.code, 200, JSON.stringify(answer.body));
  return answer.body.choices[0].text;
}

// The server-sent events of a raw answer.
function events(raw) {
  return raw.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
}

test("32 requests at once read what each reads alone, in shared steps", async (t) => {
  const bodies = Array.from({length: 32}, (_, i) => ({
    prompt: ["Once upon a time", "The dog", "One day, Tom", "A bird"][i % 4], seed: i,
    temperature: i % 3 ? 1 : 0, max_tokens: 20 + i, logit_bias: endless}));
  const alone = [];
  const start = Date.now();
  for (const body of bodies) alone.push(await text(body));
  const steps = await server.metric("liminal_engine_steps_total");
  const between = Date.now();
  assert.deepEqual(await Promise.all(bodies.map((body) => text(body))), alone);
  const shared = await server.metric("liminal_engine_steps_total") - steps;
  const tokens = bodies.reduce((sum, body) => sum + body.max_tokens, 0);
  assert.ok(shared < tokens / 4, `${shared} steps for ${tokens} tokens`);
  t.diagnostic(`alone ${between - start} ms, together ${Date.now() - between} ms, ${shared} steps`);
});

for (const [what, route, body] of [
  ["a stream", "/v1/completions", {...long, stream: true, n: 8}],
  ["an answer that is not streamed, so nothing is being written", "/v1/completions", {...long, n: 8}],
  ["a chat", "/v1/chat/completions",
    {messages: [{role: "user", content: "Hi"}], max_tokens: 250, logit_bias: endless, n: 8}],
])
  test(`a client leaves: ${what}`, async () => {
    await idle(server);
    const cancelled = await server.metric("liminal_engine_cancelled_total");
    const socket = await server.connect(route, body);
    await until(async () => await server.metric("liminal_engine_running") === 8, "8 run");
    const made = await server.metric("liminal_engine_generated_tokens_total");
    socket.destroy();
    await idle(server);
    assert.equal(await server.metric("liminal_engine_cancelled_total"), cancelled + 8);
    const after = await server.metric("liminal_engine_generated_tokens_total") - made;
    assert.ok(after < 8 * 60, `${after} tokens were made for nobody`);
    await until(() => server.log.some((line) => line.client_gone && line.path === route),
      "the log tells that the client left");
  });

test("a client that never reads is given up, and the others do not notice", async () => {
  await idle(server);
  const cancelled = await server.metric("liminal_engine_cancelled_total");
  // Some 4 kB a token, so that the bound on unsent bytes is reached long before the end.
  const socket = await server.connect("/v1/chat/completions",
    {messages: [{role: "user", content: "Once upon a time"}], max_tokens: 250, n: 8, stream: true,
      logit_bias: endless, logprobs: true, top_logprobs: 20});
  socket.pause();
  assert.match(await text({prompt: "Once upon a time", temperature: 0, max_tokens: 20}),
    /^, there was/);
  await idle(server);
  const lost = await server.metric("liminal_engine_cancelled_total") - cancelled;
  assert.ok(lost === 0 || lost === 8, `${lost} cancelled`); // 0 where the kernel buffers it all
  socket.destroy();
});

test("no piece of a stream holds half a character", async () => {
  // Bytes of UTF-8 sequences, whole and broken, in random order: ids 3..258 are the bytes.
  const bias = Object.fromEntries([0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xc3, 0xa9, 0x41, 0x20]
    .map((byte) => [byte + 3, 100]));
  let seen = "";
  for (let seed = 0; seed < 3; seed++) {
    const body = {prompt: "Once", temperature: 2, max_tokens: 120, logit_bias: bias, seed};
    const whole = await text(body);
    seen += whole;
    const answer = await server.post("/v1/completions", {...body, stream: true});
    const bytes = Buffer.from(await answer.arrayBuffer());
    const raw = new TextDecoder("utf-8", {fatal: true}).decode(bytes);
    const pieces = events(raw).filter((data) => data !== "[DONE]").map((data) => JSON.parse(data));
    assert.equal(pieces.map((piece) => piece.choices[0].text).join(""), whole);
  }
  assert.match(seen, /[€😀é]/u);
  assert.match(seen, /\ufffd/); // and what never became a character
});

test("the last event of a stream is [DONE], and the connection lives on", async () => {
  const answer = await server.post("/v1/completions", {...long, max_tokens: 3, stream: true});
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  assert.match(answer.headers.get("cache-control"), /no-cache/);
  const data = events(await answer.text());
  assert.equal(data.at(-1), "[DONE]");
  assert.equal(JSON.parse(data.at(-2)).choices[0].finish_reason, "length");
});

test("a full line answers 429 with Retry-After, and recovers", async () => {
  const small = await startServer({args: ["--sequences", "1", "--queue", "2"]});
  try {
    const running = small.connect("/v1/completions", {...long, stream: true});
    await until(async () => await small.metric("liminal_engine_running") === 1, "one runs");
    // Several answers are refused as one, and none of them was ever started.
    assert.equal((await small.json("/v1/completions", {...long, n: 3})).code, 429);
    assert.equal(await small.metric("liminal_engine_requests_total"), 1);
    const never = await small.json("/v1/completions", {...long, n: 4});
    assert.equal(never.code, 400, "trying again would never help");
    assert.equal(never.body.error.param, "n");
    const waiting = await small.connect("/v1/completions", {...long, stream: true, n: 2});
    await until(async () => await small.metric("liminal_engine_queue_depth") === 2, "two wait");
    const refused = await small.json("/v1/completions", long);
    assert.equal(refused.code, 429);
    assert.equal(refused.body.error.type, "rate_limit_error");
    assert.equal(refused.body.error.code, "rate_limit_exceeded");
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
    assert.equal((await small.fetch("/health")).status, 200); // X68: busy is not ill
    waiting.destroy(); // leaves while it waits
    (await running).destroy();
    await idle(small);
    assert.equal((await small.json("/v1/completions", {...long, max_tokens: 2})).code, 200);
  } finally {
    await small.stop();
  }
});

test("conversations that do not fit into memory together take turns", async () => {
  // 40 pages of 16 tokens (6 layers of 288 keys and values in 16 bits), 16 a conversation.
  const pageBytes = 16 * 6 * 2 * 288 * 2;
  const small = await startServer({
    args: ["--kv-memory", String(Math.ceil(40 * pageBytes / 1e6))]});
  try {
    const bodies = Array.from({length: 6}, (_, seed) => ({...long, temperature: 1, seed}));
    const expected = await Promise.all(bodies.map((body) => text(body)));
    assert.deepEqual(await Promise.all(bodies.map((body) => text(body, small))), expected);
    assert.ok(await small.metric("liminal_engine_preempted_total") > 0);
    await idle(small);
  } finally {
    await small.stop();
  }
});

test("many long embeddings take turns: neither a short one nor a probe waits for them", async () => {
  const other = await startServer({args: ["--embedding-model", embeddingModel]});
  try {
    const leaving = new AbortController();
    const input = Array(2000).fill("The dog ran after the ball, and the cat looked on. ".repeat(8));
    const crowd = Array.from({length: 24}, () => other.fetch("/v1/embeddings",
      {method: "POST", body: JSON.stringify({input}), signal: leaving.signal}).catch((error) => error.name));
    await new Promise((resolve) => setTimeout(resolve, 1000)); // all have arrived
    const start = Date.now();
    assert.equal((await other.fetch("/healthz", {signal: AbortSignal.timeout(5000)})).status, 200);
    assert.ok(Date.now() - start < 2000, `a probe waited ${Date.now() - start} ms`);
    const short = await other.json("/v1/embeddings", {input: ["a", "b"]});
    assert.equal(short.body.data.length, 2);
    const more = Array.from({length: 100}, () => other.json("/v1/embeddings", {input: "a"}));
    const refused = (await Promise.all(more)).filter(({code}) => code !== 200);
    assert.ok(refused.length > 0, "the line is not endless");
    for (const {code, body, headers} of refused)
      assert.deepEqual([code, body.error.code, headers.get("retry-after")], [429, "rate_limit_exceeded", "1"]);
    leaving.abort();
    assert.deepEqual(new Set(await Promise.all(crowd)), new Set(["AbortError"]));
    await until(() => other.log.filter((line) => line.client_gone).length === 24, "all are given up");
  } finally {
    await other.stop();
  }
});

test("health: a real generation; metrics count it and everything else", async () => {
  await idle(server);
  const steps = await server.metric("liminal_engine_generated_tokens_total");
  await new Promise((resolve) => setTimeout(resolve, 5200)); // what is remembered is forgotten
  const health = await server.fetch("/health");
  assert.equal(health.status, 200);
  const body = await health.json();
  assert.equal(body.status, "healthy");
  assert.match(body.backend, /cpu/);
  assert.equal(await server.metric("liminal_engine_generated_tokens_total"), steps + 5);
  await server.fetch("/health");
  assert.equal(await server.metric("liminal_engine_generated_tokens_total"), steps + 5);
  const ready = await (await server.fetch("/healthz")).json();
  assert.equal(ready.status, "ok");
  assert.ok(ready.version);

  const count = () => server.metric('inference_requests_total{status="success"}');
  const before = await count();
  const failed = await server.metric('inference_requests_total{status="error"}');
  const seen = server.log.length;
  await server.json("/v1/chat/completions", {messages: [{role: "user", content: "Hi"}], max_tokens: 3});
  await server.json("/v1/chat/completions", {messages: []});
  await until(async () => await count() === before + 1, "it is counted");
  assert.equal(await server.metric('inference_requests_total{status="error"}'), failed + 1);
  await until(() => server.log.slice(seen).filter((line) => line.path === "/v1/chat/completions").length === 2,
    "two lines");
  const [good, bad] = server.log.slice(seen).filter((line) => line.path === "/v1/chat/completions");
  assert.equal(good.message, "Inference completed successfully");
  assert.equal(good.prompt_length, 2);
  assert.equal(good.max_tokens, 3);
  assert.equal(good.completion_tokens, 3);
  assert.match(good.request_id, /^[0-9a-f-]{36}$/);
  assert.equal(bad.status, 400);
  assert.equal(bad.error_type, "invalid");
});

test("the metrics are in Prometheus' format", async () => {
  const answer = await server.fetch("/metrics");
  assert.match(answer.headers.get("content-type"), /^text\/plain/);
  const body = await answer.text();
  const types = new Map();
  for (const line of body.split("\n").filter(Boolean)) {
    const type = line.match(/^# TYPE (\S+) (counter|gauge|histogram)$/);
    if (type) {
      assert.ok(!types.has(type[1]), `${type[1]} declared twice`);
      types.set(type[1], type[2]);
    } else if (!line.startsWith("# HELP ")) {
      const sample = line.match(/^([a-z_]+)(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+-]+$/);
      assert.ok(sample, line);
      assert.ok(types.has(sample[1]) || types.has(sample[1].replace(/_(bucket|sum|count)$/, "")), line);
    }
  }
  for (const name of ["inference_requests_total", "inference_duration_seconds",
    "inference_tokens_total", "active_users", "liminal_time_to_first_token_seconds",
    "liminal_engine_queue_depth", "liminal_engine_batch_rows", "liminal_tokens_per_second",
    "liminal_engine_kv_pages_used"])
    assert.ok(types.has(name), name);
  for (const bound of ["0.1", "0.5", "1", "2", "5", "10", "30", "+Inf"])
    assert.ok(body.includes(`inference_duration_seconds_bucket{le="${bound}"}`), bound);
});

test("stopping lets running answers finish and refuses new ones", async () => {
  const other = await startServer({args: ["--grace", "20"]});
  const answer = await other.post("/v1/completions", {...long, max_tokens: 150, stream: true});
  const reading = answer.text();
  const code = other.stop();
  assert.equal(events(await reading).at(-1), "[DONE]");
  assert.equal(await code, 0);
});

test("at the end of the grace the server, not the client, ends what runs, and says so", async () => {
  const stopping = await startServer({args: ["--sequences", "1", "--grace", "0"]});
  const embedding = stopping.json("/v1/embeddings", {input: Array(500).fill("dog ".repeat(50))});
  const streamed = await stopping.post("/v1/completions", {...long, n: 8, stream: true});
  const whole = stopping.json("/v1/chat/completions",
    {messages: [{role: "user", content: "Hi"}], max_tokens: 250, logit_bias: endless});
  await until(async () => await stopping.metric("liminal_engine_requests_total") === 9, "all wait");
  const code = stopping.stop();

  const data = events(await streamed.text()); // throws when the answer is cut off
  assert.ok(data.length > 1);
  const {error} = JSON.parse(data.at(-1));
  assert.deepEqual([error.type, error.code], ["server_error", "server_shutting_down"]);
  assert.match(error.message, /server is stopping/);
  for (const refused of [await whole, await embedding]) {
    assert.equal(refused.code, 503);
    assert.equal(refused.body.error.code, "server_shutting_down");
  }

  assert.equal(await code, 0);
  const posts = stopping.log.filter((line) => line.method === "POST");
  assert.deepEqual(posts.map((line) => [line.status, line.error_type]).sort(),
    [[200, "stopping"], [503, "stopping"], [503, "stopping"]]);
  const lines = posts.filter((line) => line.path !== "/v1/embeddings");
  assert.deepEqual(lines.map((line) => [line.status, line.message, line.finish, line.error_type]).sort(),
    [200, 503].map((status) => [status, "Inference failed", "error", "stopping"]));
  for (const line of posts) assert.ok(!("client_gone" in line), JSON.stringify(line));
});

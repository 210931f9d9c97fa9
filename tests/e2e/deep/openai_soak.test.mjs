// openai_soak.test.mjs - a minute of clients of every kind on too little memory: those who stay read
// what they would read alone, and in the end nothing is left behind.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {idle, startServer} from "../server.mjs";

const SECONDS = 60;
const CLIENTS = 16;
let server;
before(async () => { // 60 pages for 8 sequences of up to 16
  const pageBytes = 16 * 6 * 2 * 288 * 2;
  server = await startServer({args: ["--sequences", "8", "--queue", "4",
    "--kv-memory", String(Math.ceil(60 * pageBytes / 1e6))]});
});
after(() => server?.stop());

const beginnings = ["Once upon a time", "The little dog", "One day, a bird",
  "Lily and Tom went to the park. They saw a big tree and a small house. In the house there was a"];
const bodies = Array.from({length: 24}, (_, i) => ({
  prompt: beginnings[i % 4], seed: i, temperature: i % 3 ? 1 : 0, max_tokens: 10 + i * 9,
  logit_bias: {1: -100, 2: -100}}));

// A generator of its own, so that a failing run can be repeated.
function generator(seed) {
  let state = seed;
  return (bound) => {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    return Math.floor(state / 2 ** 32 * bound);
  };
}

const counts = {whole: 0, streamed: 0, left: 0, refused: 0, wrong: 0};

// Clients of good manners wait a little before they try again.
async function refused() {
  counts.refused++;
  await new Promise((resolve) => setTimeout(resolve, 200));
}

async function whole(body, expected) {
  const answer = await server.json("/v1/completions", body);
  if (answer.code === 429) return refused();
  assert.equal(answer.code, 200, JSON.stringify(answer.body));
  assert.equal(answer.body.choices[0].text, expected);
  counts.whole++;
}

async function streamed(body, expected) {
  const answer = await server.post("/v1/completions", {...body, stream: true});
  const raw = await answer.text();
  if (answer.status === 429) return refused();
  const pieces = raw.split("\n").filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)).choices[0].text);
  assert.equal(pieces.join(""), expected);
  counts.streamed++;
}

async function leaves(body, random) {
  const socket = await server.connect("/v1/completions", {...body, stream: random(2) === 0});
  await new Promise((resolve) => setTimeout(resolve, random(300)));
  socket.destroy();
  counts.left++;
}

async function wrong(random) {
  const bad = [{}, {prompt: 5}, {prompt: "x".repeat(20000)}, {prompt: "a", n: 99}][random(4)];
  assert.equal((await server.json("/v1/completions", bad)).code, 400);
  counts.wrong++;
}

async function client(seed, expected, end) {
  const random = generator(seed);
  while (Date.now() < end) {
    const which = random(bodies.length);
    const kind = random(10);
    if (kind < 4) await whole(bodies[which], expected[which]);
    else if (kind < 7) await streamed(bodies[which], expected[which]);
    else if (kind < 9) await leaves(bodies[which], random);
    else await wrong(random);
  }
}

test("a minute of everything", {timeout: 300000}, async (t) => {
  const expected = [];
  for (const body of bodies)
    expected.push((await server.json("/v1/completions", body)).body.choices[0].text);
  await idle(server);
  const end = Date.now() + SECONDS * 1000;
  const clients = Array.from({length: CLIENTS}, (_, i) => client(i + 1, expected, end));
  let middle = 0;
  setTimeout(async () => { middle = await server.metric("process_resident_memory_bytes"); },
    SECONDS * 500);
  await Promise.all(clients);
  await idle(server);
  const resident = await server.metric("process_resident_memory_bytes");
  t.diagnostic(`${JSON.stringify(counts)}, resident ${(middle / 1e6).toFixed(1)} MB half way, ` +
    `${(resident / 1e6).toFixed(1)} MB in the end, ` +
    `parked ${await server.metric("liminal_engine_preempted_total")} times`);
  for (const [kind, count] of Object.entries(counts)) assert.ok(count > 0, kind);
  assert.ok(await server.metric("liminal_engine_preempted_total") > 0);
  assert.ok(resident < middle + 10e6, "memory does not grow");
  assert.equal(await server.stop(), 0);
  server = undefined;
});

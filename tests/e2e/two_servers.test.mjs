// Two servers on one PostgreSQL and one Redis are one service; and with Redis away it says so and
// goes on as far as it safely can.
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {randomBytes} from "node:crypto";
import path from "node:path";
import {after, before, test} from "node:test";
import {PASSWORD, call, letterLink, newKey, newPerson, signIn} from "./people.mjs";
import {startServer, until} from "./server.mjs";

const service = (name, ...words) => execFileSync(
  path.join(import.meta.dirname, "..", "services", `${name}.sh`), words, {encoding: "utf8"}).trim().split("\n").at(-1);

let postgres, redis, first, second;
before(async () => {
  postgres = service("postgres", "start");
  redis = service("redis", "start");
  const env = {
    LIMINAL_DATABASE: postgres, LIMINAL_REDIS: redis,
    LIMINAL_SERVER_KEY: randomBytes(32).toString("hex"), LIMINAL_RATE_LIMITS: "read=40",
  };
  [first, second] = await Promise.all([startServer({env}), startServer({env})]); // both migrate
});
after(async () => {
  await Promise.all([first, second].map((server) => server?.stop()));
  if (redis) service("redis", "stop", redis);
  if (postgres) service("postgres", "stop", postgres);
});

test("who signs up at one confirms at the other", async () => {
  const email = "ada@example.com";
  assert.equal((await call(first, "POST", "/v1/auth/signup", {email, password: PASSWORD})).code, 201);
  // One of the two shows the letter: there is one queue.
  const link = await Promise.any([first, second].map((server) => letterLink(server, email, "/verify?code=")));
  const code = link.searchParams.get("code");
  assert.equal((await call(second, "POST", "/v1/auth/verify", {code})).code, 200);
  assert.equal((await call(first, "POST", "/v1/auth/verify", {code})).code, 400); // used
  const shown = [first, second].map((server) => server.log.filter((line) =>
    line.component === "mail" && JSON.stringify(line).includes(code)).length);
  assert.equal(shown[0] + shown[1], 1);
});

test("who signs out at one is signed out at the other", async () => {
  const here = await signIn(first, "ada@example.com");
  const me = (server) => call(server, "GET", "/v1/auth/me", undefined, here.bearer);
  assert.equal((await me(second)).code, 200);
  assert.equal((await call(first, "POST", "/v1/auth/logout", {}, here.bearer)).code, 200);
  assert.equal((await me(second)).code, 401);
});

test("a refresh token that was used at one is used", async () => {
  const {refresh_token: refresh} = await signIn(first, "ada@example.com");
  const use = (server) => call(server, "POST", "/v1/auth/refresh", {refresh_token: refresh});
  const codes = (await Promise.all([use(first), use(second)])).map(({code}) => code).sort();
  assert.deepEqual(codes, [200, 401]);
});

test("limits are of both together", async () => {
  const {bearer} = await signIn(first, "ada@example.com");
  const started = Date.now();
  const codes = await Promise.all(Array.from({length: 90}, async (_, i) =>
    (await call(i % 2 ? first : second, "GET", "/v1/auth/sessions", undefined, bearer)).code));
  const served = codes.filter((code) => code === 200).length;
  const refilled = (Date.now() - started) / 1000 * 40 / 60;
  assert.ok(served <= 40 + refilled + 1, `${served} served`); // each alone would have served 40
  assert.ok(codes.includes(429) && served >= 20, `${served} served`);
  assert.ok(codes.every((code) => code === 200 || code === 429));
});

test("a request with a key happens once, whichever server it comes to", async () => {
  const {bearer} = await signIn(first, "ada@example.com");
  const make = (server) => call(server, "POST", "/v1/conversations", {title: "once"},
    {...bearer, "idempotency-key": "two-servers"});
  const answers = await Promise.all([make(first), make(second), make(first), make(second)]);
  assert.ok(answers.every(({code}) => [200, 201, 409].includes(code)), answers.map(({code}) => code).join());
  await until(async () => (await make(first)).code !== 409 && (await make(second)).code !== 409, "it is answered");
  const ids = new Set([...answers, await make(first), await make(second)]
    .filter(({code}) => code !== 409).map(({body}) => body.data.id));
  assert.equal(ids.size, 1);
});

test("a revoked key stops at both", async () => {
  const person = await signIn(first, "ada@example.com");
  const {token, id} = await newKey(first, person);
  const ask = (server) => call(server, "GET", "/v1/models", undefined, {"x-api-key": token});
  await until(async () => (await ask(second)).code === 200, "limits have room again");
  assert.equal((await call(first, "DELETE", `/v1/auth/tokens/${id}`, undefined, person.bearer)).code < 300, true);
  assert.equal((await ask(second)).code, 401);
});

test("without Redis it says so, goes on, and lets nobody in who is not welcome", async () => {
  const bob = await newPersonAtEither("bob@example.com");
  const gone = await signIn(first, "bob@example.com");
  await call(first, "POST", "/v1/auth/logout", {}, gone.bearer);
  const health = async () => (await fetch(first.url + "/healthz")).json();
  assert.equal((await health()).status, "ok");
  service("redis", "kill", redis);
  try {
    await until(async () => (await health()).checks.hot_state === "unavailable", "it is noticed");
    const answer = await fetch(second.url + "/healthz");
    assert.equal(answer.status, 200); // nobody is taken out of service for it
    assert.equal((await answer.json()).status, "degraded");
    assert.equal((await call(second, "GET", "/v1/auth/me", undefined, bob.bearer)).code, 200);
    assert.equal((await call(second, "GET", "/v1/auth/me", undefined, gone.bearer)).code, 401); // signed out stays out
    const guess = await call(first, "POST", "/v1/auth/login", {email: "bob@example.com", password: PASSWORD});
    assert.equal(guess.code, 503); // guessing can't be counted: nobody signs in
    const once = await call(first, "POST", "/v1/conversations", {}, {...bob.bearer, "idempotency-key": "dark"});
    assert.equal(once.code, 503); // and nobody could promise that
    assert.ok((await call(first, "POST", "/v1/conversations", {}, bob.bearer)).code < 300);
  } finally {
    service("redis", "restart", redis);
  }
  await until(async () => (await health()).status === "ok", "it is back");
  await until(async () => (await call(first, "POST", "/v1/auth/login",
    {email: "bob@example.com", password: PASSWORD})).code === 200, "people sign in again");
});

// The letter is shown by one of the two.
async function newPersonAtEither(email) {
  const both = {url: first.url, get log() { return [...first.log, ...second.log]; }};
  return newPerson(both, email);
}

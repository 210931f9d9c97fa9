// Nobody gets at what is another's: every route of the server x every kind of credential x the ids
// of somebody else's things, made from the server's own table of routes (/openapi.json). A route
// with a parameter that this test knows no thing for fails it; one without a check can't exist.
import assert from "node:assert/strict";
import {after, before, describe, test} from "node:test";
import {newKey, newPerson, call, signIn} from "./people.mjs";
import {startServer} from "./server.mjs";

let server, operations, ada, bob, carol;
const SECRET = "ada's secret words";

before(async () => {
  server = await startServer({env: {LIMINAL_RATE_LIMITS: "off"}});
  const document = await (await fetch(server.url + "/openapi.json")).json();
  operations = Object.entries(document.paths).flatMap(([route, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      ({route, method: method.toUpperCase(), access: operation["x-access"]})));
  [ada, bob, carol] = await Promise.all(["ada", "bob", "carol"].map((name) => newPerson(server, `${name}@example.com`)));
  for (const person of [ada, bob, carol]) {
    person.key = await newKey(server, person);
    person.conversation = (await call(server, "POST", "/v1/conversations", {title: `${SECRET} title`}, person.bearer)).body.data;
    person.message = (await call(server, "POST", `/v1/conversations/${person.conversation.id}/messages`,
      {role: "user", content: SECRET}, person.bearer)).body.data;
    person.other = await signIn(server, person.email); // a second session
  }
});
after(() => server.stop());

// What of Ada's stands in a path, by the path up to the parameter.
const THINGS = {
  "/v1/conversations/{id}": () => ada.conversation.id,
  "/v1/auth/sessions/{id}": () => ada.other.session_id,
  "/account/sessions/{id}": () => ada.other.session_id,
  "/v1/auth/tokens/{id}": () => ada.key.id,
  "/tokens/{id}": () => ada.key.id,
  "/dashboard/tokens/{id}": () => ada.key.id,
  "/v1/models/{id}": () => "local-llm", // everybody's
  "/v1/auth/oauth/{provider}": () => "nowhere", // everybody's
  "/login/{provider}": () => "nowhere",
  "/v1/admin/users/{id}": () => ada.user_id,
  "/admin/users/{id}": () => ada.user_id,
  "/v1/admin/invitations/{id}": () => ada.user_id,
  "/admin/invitations/{id}": () => ada.user_id,
};
const OWNED = (route) => /\{/.test(route) && !/^\/v1\/models|\{provider\}/.test(route);

function pathOf(route) {
  return route.replace(/^(.*?\{(\w+)\})/, (_, upTo) => {
    const thing = THINGS[upTo];
    assert.ok(thing, `tests/e2e/isolation.test.mjs knows no thing of Ada's for ${route}: add one`);
    return upTo.replace(/\{\w+\}/, thing());
  });
}

const bodyOf = (method) => ["GET", "HEAD", "DELETE"].includes(method) ? undefined : {};
const ask = ({route, method}, headers) => call(server, method, pathOf(route), bodyOf(method), headers);
const ENDS_ONESELF = /logout|\/sessions\/end|DELETE \/v1\/auth\/me/;
const name = ({route, method}) => `${method} ${route}`;

// Of Ada's, nothing may be in an answer to somebody else.
function holdsNothingOfAdas({text}, what) {
  for (const mine of [ada.email, ada.user_id, ada.key.id, ada.conversation.id, ada.session_id])
    assert.ok(!text.includes(mine), `${what} shows ${mine}: ${text.slice(0, 400)}`);
}

describe("strangers", () => {
  const FORGED = {
    "nothing": {},
    "a made-up token": {authorization: "Bearer lim_" + "A".repeat(43)},
    "a made-up session": {authorization: "Bearer lat_" + "A".repeat(54)},
    "a made-up cookie": {cookie: "liminal_session=lct_" + "A".repeat(54)},
    "the id of a user": {"x-user-id": "ada"},
    "an empty key": {"x-api-key": ""},
  };
  for (const [what, headers] of Object.entries(FORGED))
    test(`with ${what} get nowhere`, async () => {
      for (const operation of operations.filter(({access}) => access !== "open")) {
        const answer = await ask(operation, headers);
        const isPage = answer.code === 303 && answer.headers.get("location").startsWith("/login");
        assert.ok(answer.code === 401 || isPage, `${name(operation)}: ${answer.code}`);
        holdsNothingOfAdas(answer, name(operation));
      }
    });

  test("who broke a token get nowhere", async () => {
    const flip = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
    for (const secret of [ada.access_token, ada.key.token])
      for (let at = 0; at < secret.length; at += 5) {
        const {code} = await call(server, "GET", "/v1/auth/me", undefined, {authorization: `Bearer ${flip(secret, at)}`});
        assert.equal(code, 401);
      }
  });
});

describe("somebody else", () => {
  const credentials = () => ({
    "an access token": bob.bearer,
    "a cookie": {cookie: bob.cookie},
    "a key": {authorization: `Bearer ${bob.key.token}`},
    "a key in the other header": {"x-api-key": bob.key.token},
    "a key and Ada's id": {"x-api-key": bob.key.token, "x-user-id": ada.user_id},
  });

  test("finds nothing of Ada's, by any credential, at any route", async () => {
    for (const operation of operations) {
      if (ENDS_ONESELF.test(name(operation))) continue;
      for (const [what, headers] of Object.entries(credentials())) {
        const answer = await ask(operation, headers);
        const said = `${name(operation)} with ${what}`;
        assert.ok(answer.code < 500 || operation.route === "/healthz" || answer.code === 503, `${said}: ${answer.code} ${answer.text}`);
        const isSeeds = name(operation) === "POST /tokens/{id}/revoke"; // R43: 400, in R33's words
        if (isSeeds && answer.code === 400) assert.match(answer.text, /not found or does not belong/);
        else if (OWNED(operation.route) && answer.code !== 303)
          assert.ok([403, 404].includes(answer.code), `${said}: ${answer.code} ${answer.text.slice(0, 300)}`);
        holdsNothingOfAdas(answer, said);
      }
    }
  });

  test("leaves Ada's things as they were", async () => {
    const mine = await call(server, "GET", `/v1/conversations/${ada.conversation.id}`, undefined, ada.bearer);
    assert.equal(mine.code, 200);
    assert.equal(mine.body.data.title, `${SECRET} title`);
    assert.equal((await call(server, "GET", "/v1/auth/me", undefined, {authorization: `Bearer ${ada.key.token}`})).code, 200);
    assert.equal((await call(server, "GET", "/v1/auth/me", undefined, ada.other.bearer)).code, 200);
  });

  test("in searches and lists finds only what is theirs", async () => {
    for (const route of ["/v1/conversations", `/v1/conversations/search?q=${encodeURIComponent("secret")}`, "/v1/auth/tokens", "/v1/auth/sessions"]) {
      const {code, text} = await call(server, "GET", route, undefined, bob.bearer);
      assert.equal(code, 200, route);
      holdsNothingOfAdas({text}, route);
    }
  });
});

describe("keys", () => {
  test("do no more by one header than by the other", async () => {
    for (const operation of operations) {
      if (operation.access === "open" || ENDS_ONESELF.test(name(operation))) continue;
      const codes = await Promise.all([{authorization: `Bearer ${bob.key.token}`}, {"x-api-key": bob.key.token}]
        .map(async (headers) => (await ask(operation, headers)).code));
      assert.equal(codes[0], codes[1], name(operation));
      if (["person", "admin", "operator"].includes(operation.access))
        assert.ok([403, 303].includes(codes[0]), `${name(operation)}: ${codes[0]}`);
    }
  });

  test("that only read, write nothing", async () => {
    const {token} = await newKey(server, bob, {scopes: {read_only: true}});
    for (const operation of operations) {
      if (["GET", "HEAD"].includes(operation.method) || operation.access === "open") continue;
      for (const headers of [{authorization: `Bearer ${token}`}, {"x-api-key": token}])
        assert.equal((await ask(operation, headers)).code, 403, name(operation));
    }
  });

  test("for one route open no other", async () => {
    const {token} = await newKey(server, bob, {scopes: {routes: ["GET /v1/models"]}});
    for (const operation of operations) {
      if (operation.access === "open") continue;
      const {code} = await ask(operation, {"x-api-key": token});
      assert.equal(code, name(operation) === "GET /v1/models" ? 200 : 403, name(operation));
    }
  });

  test("of the operator own nothing", async () => {
    for (const operation of operations.filter(({access}) => ["account", "person", "admin"].includes(access))) {
      const answer = await ask(operation, {authorization: `Bearer ${server.key}`});
      assert.ok([403, 303].includes(answer.code), `${name(operation)}: ${answer.code}`);
      holdsNothingOfAdas(answer, name(operation));
    }
  });
});

describe("what ended", () => {
  test("a session that was signed out, a key that was revoked", async () => {
    const session = await signIn(server, carol.email);
    const key = await newKey(server, carol);
    assert.equal((await call(server, "POST", "/v1/auth/logout", {}, session.bearer)).code, 200);
    await call(server, "DELETE", `/v1/auth/tokens/${key.id}`, undefined, carol.bearer);
    for (const headers of [session.bearer, {cookie: session.cookie}, {"x-api-key": key.token}])
      for (const operation of operations.filter(({access}) => access !== "open")) {
        const {code} = await ask(operation, headers);
        assert.ok([401, 303].includes(code), `${name(operation)}: ${code}`);
      }
  });
});

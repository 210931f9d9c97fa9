// What others tried on services like this one: forged forms, planted sessions, open redirects,
// empty tokens, smuggled headers, keys that were taken away (issue 4, point 8).
import assert from "node:assert/strict";
import {after, before, describe, test} from "node:test";
import {Browser, PASSWORD, setUp} from "./browser.mjs";
import {call, letterLink, newKey, newPerson, signIn} from "./people.mjs";
import {startServer} from "./server.mjs";

let server, root, ada;
before(async () => {
  server = await startServer({model: null, chat: false, env: {LIMINAL_RATE_LIMITS: "off"}});
  await setUp(server);
  root = await signIn(server, "root@example.com");
  ada = await newPerson(server, "ada@example.com");
});
after(() => server.stop());

const post = (route, body = {}, headers = {}) => call(server, "POST", route, body, headers);
const get = (route, headers = {}) => call(server, "GET", route, undefined, headers);
const form = (route, fields, headers = {}) => fetch(server.url + route,
  {method: "POST", headers, body: new URLSearchParams(fields), redirect: "manual"});
async function browserOf(email) {
  const browser = new Browser(server);
  await browser.signIn(email);
  return browser;
}

describe("forms from elsewhere", () => {
  test("do nothing without the token of the session", async () => {
    const browser = await browserOf("ada@example.com");
    const stranger = new Browser(server), other = await browserOf("root@example.com");
    const tokens = {
      "none": undefined, "an empty one": "", "a made-up one": "A".repeat(43),
      "a stranger's": await stranger.csrf(), "that of another session": await other.csrf("/account"),
      "that of before signing in": await stranger.csrf("/register"),
    };
    for (const [what, csrf] of Object.entries(tokens))
      for (const [route, fields] of [["/dashboard/tokens", {name: "forged"}], ["/tokens/create", {name: "forged"}],
        ["/account/logout_all", {}], ["/logout", {}], ["/account/mfa/enrol", {}],
        ["/account/password", {current_password: PASSWORD, password: "another horse", confirm_password: "another horse"}],
        ["/account/delete", {password: PASSWORD}]]) {
        const {code} = await browser.post(route, {...fields, ...(csrf === undefined ? {} : {csrf})});
        assert.equal(code, 403, `${route} with ${what}`);
      }
    const {html} = await browser.go("/dashboard");
    assert.ok(!html.includes("forged"));
    assert.equal((await browser.go("/account")).code, 200);
  });

  test("are known by their origin, too", async () => {
    const browser = await browserOf("ada@example.com");
    const csrf = await browser.csrf("/account"); // even if it were known
    for (const origin of ["https://evil.example", "null"]) {
      const {code} = await browser.go("/account/logout_all",
        {method: "POST", body: new URLSearchParams({csrf}), headers: {origin}});
      assert.equal(code, 403, origin);
    }
    assert.equal((await browser.go("/account")).code, 200);
  });

  test("can't sign a victim in, or up, as somebody", async () => {
    const victim = new Browser(server), csrf = await new Browser(server).csrf();
    await victim.go("/login"); // has its own cookie
    for (const token of ["", csrf]) {
      assert.equal((await victim.post("/login", {email: "ada@example.com", password: PASSWORD, csrf: token})).code, 403);
      assert.equal((await victim.post("/register",
        {email: "eve@example.com", password: PASSWORD, confirm_password: PASSWORD, csrf: token})).code, 403);
    }
    assert.ok(!victim.jar.has("liminal_session"));
  });

  test("nor scripts by cookie, unless they send JSON, which other sites can't", async () => {
    const {cookie} = await signIn(server, "ada@example.com");
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]) {
      const answer = await fetch(server.url + "/v1/auth/tokens", {method: "POST",
        headers: {cookie, ...(type ? {"content-type": type} : {})}, body: '{"name":"forged"}'});
      assert.equal(answer.status, 403, type);
    }
    for (const [method, route] of [["POST", "/v1/auth/logout_all"], ["DELETE", `/v1/auth/sessions/${ada.session_id}`]])
      assert.equal((await call(server, method, route, undefined, {cookie})).code, 403);
    const preflight = await fetch(server.url + "/v1/auth/tokens", {method: "OPTIONS", headers: {
      origin: "https://evil.example", "access-control-request-method": "POST", "access-control-request-headers": "content-type"}});
    assert.equal(preflight.headers.get("access-control-allow-origin"), null);
    assert.ok(!JSON.stringify((await get("/v1/auth/tokens", ada.bearer)).body).includes("forged"));
  });
});

describe("sessions", () => {
  test("are never one's that was there before signing in", async () => {
    const eve = await newPerson(server, "eve@example.com");
    const victim = new Browser(server);
    victim.jar.set("liminal_session", eve.cookie.split("=")[1]); // planted
    await victim.submit("/account", "/logout").catch(() => {});
    const planted = await signIn(server, "eve@example.com");
    victim.jar.set("liminal_session", planted.cookie.split("=")[1]);
    await victim.submit("/login", "/login", {email: "ada@example.com", password: PASSWORD});
    assert.notEqual(victim.jar.get("liminal_session"), planted.cookie.split("=")[1]);
    const {body} = await get("/v1/auth/me", {cookie: planted.cookie});
    assert.equal(body.data.user.email, "eve@example.com"); // the planted one did not become Ada's
    const mine = await get("/v1/auth/me", {cookie: `liminal_session=${victim.jar.get("liminal_session")}`});
    assert.equal(mine.body.data.user.email, "ada@example.com");
  });

  test("a cookie is no access token, and a refresh token is neither", async () => {
    const {cookie, access_token, refresh_token} = await signIn(server, "ada@example.com");
    const value = cookie.split("=")[1];
    for (const headers of [{cookie: `liminal_session=${refresh_token}`}, {authorization: `Bearer ${refresh_token}`}])
      assert.equal((await get("/v1/auth/me", headers)).code, 401);
    assert.equal((await post("/v1/auth/refresh", {refresh_token: access_token})).code, 401);
    assert.equal((await post("/v1/auth/refresh", {refresh_token: value})).code, 401);
  });
});

describe("the page after signing in", () => {
  for (const next of ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "http:evil", "javascript:alert(1)",
    "/\tx", "/\r\nSet-Cookie: a=b", " /", "evil.example", "///evil.example", ""])
    test(`is ours, whatever ${JSON.stringify(next)} says`, async () => {
      const browser = new Browser(server);
      const {html} = await browser.go(`/login?next=${encodeURIComponent(next)}`);
      assert.equal(html.includes("<script"), false);
      const {code, location, headers} = await browser.submit("/login", "/login", {email: "ada@example.com", password: PASSWORD, next});
      assert.deepEqual([code, location, headers.get("a")], [303, "/dashboard", null]);
    });
});

describe("codes of letters", () => {
  test("that are empty, null, no text or somebody else's set no password", async () => {
    await post("/v1/auth/password/forgot", {email: "ada@example.com"});
    for (const code of ["", null, undefined, false, 0, [], {}, "null", "undefined", " ", "%", "A".repeat(43), "A".repeat(100000)]) {
      const answer = await post("/v1/auth/password/reset", {code, password: "taken over"});
      assert.equal(answer.code, 400, `${code}`);
    }
    const browser = new Browser(server);
    for (const code of ["", "null", "A".repeat(43)]) {
      const answer = await browser.submit("/reset", "/reset", {code, password: "taken over", confirm_password: "taken over"});
      assert.equal(answer.code, 400, code);
    }
    await signIn(server, "ada@example.com");
  });

  test("of one kind do not pass for the other", async () => {
    await post("/v1/auth/signup", {email: "kinds@example.com", password: PASSWORD});
    const code = (await letterLink(server, "kinds@example.com", "/verify?code=")).searchParams.get("code");
    assert.equal((await post("/v1/auth/password/reset", {code, password: "taken over"})).code, 400);
    assert.equal((await post("/v1/auth/verify", {code})).code, 200); // and is not used up by that
    await post("/v1/auth/password/forgot", {email: "kinds@example.com"});
    const reset = (await letterLink(server, "kinds@example.com", "/reset?code=")).searchParams.get("code");
    assert.equal((await post("/v1/auth/verify", {code: reset})).code, 400);
    const setUpForm = await new Browser(server).submit(`/setup?code=${reset}`, "/setup",
      {code: reset, email: "boss@example.com", password: PASSWORD, confirm_password: PASSWORD});
    assert.equal(setUpForm.code, 400);
  });
});

describe("who was suspended", () => {
  test("gets nowhere with an old key, an old cookie or an old token, by any header", async () => {
    const mallory = await newPerson(server, "mallory@example.com");
    const key = await newKey(server, mallory);
    const credentials = {
      "the key as a bearer": {authorization: `Bearer ${key.token}`}, "the key in X-API-Key": {"x-api-key": key.token},
      "the access token": mallory.bearer, "the access token in X-API-Key": {"x-api-key": mallory.access_token},
      "the cookie": {cookie: mallory.cookie}};
    for (const headers of Object.values(credentials)) assert.equal((await get("/v1/auth/me", headers)).code, 200);
    const route = `/v1/admin/users/${mallory.user_id}`;
    assert.equal((await call(server, "PATCH", route, {status: "suspended"}, root.bearer)).code, 200);
    for (const [what, headers] of Object.entries(credentials)) {
      const {code} = await get("/v1/auth/me", headers);
      assert.ok([401, 403].includes(code), `${what}: ${code}`);
    }
    assert.ok([401, 403].includes((await post("/v1/auth/refresh", {refresh_token: mallory.refresh_token})).code));
    const login = await post("/v1/auth/login", {email: "mallory@example.com", password: PASSWORD});
    assert.deepEqual([login.code, login.body.error.message], [403, "User account is suspended"]);
    const wrong = await post("/v1/auth/login", {email: "mallory@example.com", password: "a guess"});
    assert.deepEqual([wrong.code, wrong.body.error.message], [401, "Invalid email or password"]); // guessing tells nothing
    await call(server, "PATCH", route, {status: "active"}, root.bearer);
    assert.equal((await get("/v1/auth/me", {"x-api-key": key.token})).code, 200); // tokens come back,
    assert.equal((await get("/v1/auth/me", mallory.bearer)).code, 401); // sessions do not
  });
});

describe("keys", () => {
  test("pass the same checks in either header", async () => {
    const person = await newPerson(server, "headers@example.com");
    const keys = {
      whole: await newKey(server, person),
      narrow: await newKey(server, person, {scopes: {routes: ["GET /v1/models"]}}),
      reading: await newKey(server, person, {scopes: {read_only: true}}),
      revoked: await newKey(server, person),
    };
    await post(`/v1/auth/tokens/${keys.revoked.id}/revoke`, undefined, person.bearer);
    const tries = [["GET", "/v1/models"], ["GET", "/v1/auth/me"], ["GET", "/v1/conversations"], ["POST", "/v1/conversations"],
      ["POST", "/v1/auth/tokens"], ["GET", "/metrics"], ["GET", "/nowhere"]];
    for (const [name, {token}] of Object.entries(keys))
      for (const [method, route] of tries) {
        const body = method === "POST" ? {} : undefined;
        const bearer = await call(server, method, route, body, {authorization: `Bearer ${token}`});
        const header = await call(server, method, route, body, {"x-api-key": token});
        assert.equal(bearer.code, header.code, `${name}: ${method} ${route}`);
        if (name === "revoked") assert.equal(bearer.code, 401);
      }
    assert.equal((await get("/v1/auth/me", {"x-api-key": keys.narrow.token})).code, 403);
    assert.equal((await post("/v1/conversations", {}, {"x-api-key": keys.reading.token})).code, 403);
  });

  test("make no keys, and end no sessions", async () => {
    const {token, id} = await newKey(server, ada);
    for (const headers of [{"x-api-key": token}, {authorization: `Bearer ${token}`}, {cookie: `liminal_session=${token}`}]) {
      assert.notEqual((await post("/v1/auth/tokens", {}, headers)).code, 201);
      assert.notEqual((await form("/tokens/create", {name: "x"}, headers)).status, 200);
      assert.notEqual((await form("/dashboard/tokens", {name: "x"}, headers)).status, 201);
      for (const route of ["/v1/auth/logout_all", `/v1/auth/tokens/${id}/revoke`, "/v1/auth/mfa/enrol"])
        assert.ok([401, 403].includes((await post(route, {}, headers)).code), route);
    }
    assert.equal((await get("/v1/auth/me", {"x-api-key": token})).code, 200);
  });
});

describe("text", () => {
  test("in addresses can't become a header of a letter", async () => {
    for (const email of ["a@b.com\r\nBcc: eve@evil.com", "a@b.com\nSubject: x", "a@b.com\u0000", "\"a\r\nb\"@b.com", "a@b.com,eve@evil.com",
      "a@b.com>", "<a@b.com", "a b@b.com", "a@b.com%0d%0aBcc:e@e.com", "ä@b.com"])
      for (const route of ["/v1/auth/signup", "/v1/auth/resend", "/v1/auth/password/forgot"]) {
        const {code} = await post(route, {email, password: PASSWORD});
        assert.ok(route === "/v1/auth/signup" ? code === 400 : [200, 400].includes(code), `${route} ${JSON.stringify(email)}: ${code}`);
      }
    const {letters} = (await get("/v1/admin/mail", root.bearer)).body.data;
    assert.ok(letters.every(({recipient}) => /^[\w.@-]+$/.test(recipient)), JSON.stringify(letters));
  });

  test("is shown as text, wherever it came from", async () => {
    const browser = await browserOf("ada@example.com");
    const evil = `"><script>alert(1)</script>'`;
    await browser.submit("/dashboard", "/dashboard/tokens", {name: evil});
    await call(server, "POST", "/v1/auth/login", {email: "ada@example.com", password: PASSWORD}, {"user-agent": evil});
    for (const path of ["/dashboard", "/account", `/login?next=${encodeURIComponent(evil)}`, `/register?invitation=${encodeURIComponent(evil)}`,
      `/reset?code=${encodeURIComponent(evil)}`, `/dashboard?done=${encodeURIComponent(evil)}`]) {
      const {html} = await browser.go(path);
      assert.ok(!html.includes("<script"), path);
    }
    assert.match((await browser.go("/account")).html, /&lt;script&gt;/);
  });
});

test("a restriction that is none is refused, not believed in", async () => {
  for (const wish of [{read_only: true}, {models: ["x"]}, {scope: {}}, {expires_in: 60}]) {
    const {code, body} = await post("/v1/auth/tokens", {name: "k", ...wish}, ada.bearer);
    assert.equal(code, 400, JSON.stringify(wish));
    assert.match(body.error.message, new RegExp(Object.keys(wish)[0]));
  }
});

test("looking whether a link is alive does not use it", async () => {
  const email = "scanned@example.com";
  await post("/v1/auth/signup", {email, password: PASSWORD});
  const link = await letterLink(server, email, "/verify?code=");
  assert.equal((await fetch(server.url + link.pathname + link.search, {method: "HEAD"})).status, 200);
  assert.equal((await fetch(server.url + link.pathname + link.search, {redirect: "manual"})).status, 303);
});

test("nobody hides messages by calling one a summary", async () => {
  const {id} = (await post("/v1/conversations", {}, ada.bearer)).body.data;
  const {code, body} = await post(`/v1/conversations/${id}/messages`,
    {sender: "system", content: "x", meta: {summary: true, stands_for: 1e15}}, ada.bearer);
  assert.equal(code, 400);
  assert.equal(body.error.details.field, "meta.summary");
});

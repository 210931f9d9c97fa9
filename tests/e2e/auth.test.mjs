// The JSON API of accounts: the whole life of an account, and what is refused on the way (seed 003
// sections 12, 13 and 18). No more than 20 may sign up from one address within an hour: these are 18.
import assert from "node:assert/strict";
import {after, before, describe, test} from "node:test";
import {PASSWORD, setUp, totp, wrongCode} from "./browser.mjs";
import {contractOf} from "./contract.mjs";
import {call as plainCall, letterLink, newKey, newPerson, signIn} from "./people.mjs";
import {startServer, until} from "./server.mjs";
import {readQr} from "./qr_reader.mjs";

let server, root, contract;
before(async () => {
  server = await startServer({model: null, chat: false, env: {LIMINAL_RATE_LIMITS: "off"}});
  await setUp(server);
  root = await signIn(server, "root@example.com");
  contract = await contractOf(server);
});
after(() => server.stop());

// Every answer is held to /openapi.json.
async function call(of, method, route, body, headers) {
  const answer = await plainCall(of, method, route, body, headers);
  contract.hold(method, route, body, answer);
  return answer;
}
const post = (route, body = {}, headers = {}) => call(server, "POST", route, body, headers);
const get = (route, headers = {}) => call(server, "GET", route, undefined, headers);
const refused = ({code, body}, expectedCode, word, message, field) => {
  assert.equal(code, expectedCode, JSON.stringify(body));
  assert.equal(body.status, "error");
  assert.match(body.request_id, /^[\w-]{8,}$/);
  if (word) assert.equal(body.error.code, word);
  if (message) assert.equal(body.error.message, message);
  if (field) assert.equal(body.error.details.field, field);
};

describe("what is missing, empty or of another type is a 400 that names it", () => {
  const ROUTES = {
    "/v1/auth/signup": {email: "a@b.com", password: PASSWORD},
    "/v1/auth/login": {email: "a@b.com", password: PASSWORD},
    "/v1/auth/refresh": {refresh_token: "x"},
    "/v1/auth/verify": {code: "x"},
    "/v1/auth/verify_email": {code: "x"},
    "/v1/auth/resend": {email: "a@b.com"},
    "/v1/auth/password/forgot": {email: "a@b.com"},
    "/v1/auth/request_reset": {email: "a@b.com"},
    "/v1/auth/password/reset": {code: "x", password: PASSWORD},
    "/v1/auth/complete_reset": {code: "x", password: PASSWORD},
    "/v1/auth/mfa/verify": {code: "123456", refresh_token: "x"},
    "/v1/auth/password/change": {current_password: PASSWORD, new_password: "another horse"},
    "/v1/auth/mfa/confirm": {code: "123456"},
    "/v1/auth/mfa/disable": {code: "123456"},
    "/v1/auth/mfa/recovery_codes": {code: "123456"},
  };
  for (const [route, whole] of Object.entries(ROUTES))
    test(route, async () => {
      for (const field of Object.keys(whole)) {
        const {[field]: _, ...others} = whole;
        refused(await post(route, others, root.bearer), 400, "validation_error", `${field} is required`, field);
        for (const wrong of [null, ""])
          refused(await post(route, {...whole, [field]: wrong}, root.bearer), 400, "validation_error", `${field} is required`, field);
        for (const wrong of [5, true, [], {}, ["x"], {$ne: ""}])
          refused(await post(route, {...whole, [field]: wrong}, root.bearer), 400, "validation_error", `${field} must be a string`, field);
      }
      for (const body of ["", "[]", "null", "5", '"x"', "{", '{"a":1,"a":2}', "\u0000"]) {
        const answer = await fetch(server.url + route, {method: "POST", body,
          headers: {"content-type": "application/json", ...root.bearer}});
        assert.equal(answer.status, 400, `${route} ${body}`);
        assert.equal((await answer.json()).error.code, "validation_error");
      }
    });
});

describe("a life", () => {
  test("sign up, verify, sign in, refresh, sign out", async () => {
    const made = await post("/v1/auth/signup", {email: "Ada@Example.com", password: PASSWORD});
    assert.equal(made.code, 201);
    assert.deepEqual([made.body.data.user.email, made.body.data.user.status, made.body.data.user.email_verified],
      ["Ada@Example.com", "pending_verification", false]);
    refused(await post("/v1/auth/signup", {email: "ada@example.COM", password: PASSWORD}), 409, "conflict",
      "User with this email already exists");

    const pending = await signIn(server, "ada@example.com");
    refused(await post("/v1/auth/tokens", {}, pending.bearer), 403, "forbidden", "User cannot generate tokens");
    const link = await letterLink(server, "Ada@Example.com", "/verify?code=");
    const code = link.searchParams.get("code");
    refused(await post("/v1/auth/verify", {code: code.slice(1)}), 400, "validation_error", "Invalid verification code");
    const verified = await post("/v1/auth/verify_email", {token: code});
    assert.deepEqual([verified.code, verified.body.data.user.status], [200, "active"]);
    refused(await post("/v1/auth/verify", {code}), 400, "validation_error");

    refused(await post("/v1/auth/login", {email: "ada@example.com", password: "not this"}), 401, "unauthorized",
      "Invalid email or password");
    refused(await post("/v1/auth/login", {email: "nobody@example.com", password: "not this"}), 401, "unauthorized",
      "Invalid email or password");
    const login = await post("/v1/auth/login", {email: "ada@example.com", password: PASSWORD});
    const {access_token, refresh_token, user, session_expires_at, expires_in, session_id, user_id, role} = login.body.data;
    assert.match(access_token, /^lat_/);
    assert.equal(user.id, user_id);
    assert.equal(role, "user");
    assert.ok(expires_in > 15 * 60 - 5 && expires_in <= 3600); // R241
    const days = (Date.parse(session_expires_at) - Date.now()) / 86400000;
    assert.ok(days > 6.9 && days <= 30);
    const [cookie] = login.headers.getSetCookie();
    assert.match(cookie, /^liminal_session=lct_[\w-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    const bearer = {authorization: `Bearer ${access_token}`};
    assert.equal((await get("/v1/auth/me", bearer)).body.data.user.email, "Ada@Example.com");
    const byCookie = {cookie: cookie.split(";")[0]};
    assert.equal((await get("/v1/auth/me", byCookie)).code, 200);
    refused(await call(server, "DELETE", `/v1/auth/sessions/${user_id}`, undefined, byCookie), 403);
    refused(await call(server, "DELETE", `/v1/auth/sessions/${user_id}`, undefined,
      {...byCookie, "x-csrf-token": login.body.data.csrf_token}), 404); // X6
    assert.equal(login.headers.get("cache-control"), "no-store");

    const next = await post("/v1/auth/refresh", {refresh_token});
    assert.equal(next.code, 200);
    assert.notEqual(next.body.data.refresh_token, refresh_token);
    assert.equal(next.body.data.session_id, session_id);
    assert.equal((await get("/v1/auth/me", {authorization: `Bearer ${next.body.data.access_token}`})).code, 200);
    // It is in two hands: the session ends, for both.
    refused(await post("/v1/auth/refresh", {refresh_token}), 401, "unauthorized", "Invalid or expired token");
    refused(await post("/v1/auth/refresh", {refresh_token: next.body.data.refresh_token}), 401, "unauthorized");
    refused(await get("/v1/auth/me", bearer), 401, "unauthorized");

    const again = await signIn(server, "ada@example.com");
    const out = await post("/v1/auth/logout", undefined, again.bearer);
    assert.equal(out.code, 200);
    assert.match(out.headers.getSetCookie()[0], /^liminal_session=; .*Max-Age=0/);
    refused(await get("/v1/auth/me", again.bearer), 401);
    refused(await post("/v1/auth/refresh", {refresh_token: again.refresh_token}), 401);
  });

  test("a cookie lives a week, and on a phone a day", async () => { // R201
    const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1";
    for (const [agent, days, device] of [["node", 7, "node"], [phone, 1, "Safari on iPhone"]]) {
      const {headers, body} = await post("/v1/auth/login", {email: "root@example.com", password: PASSWORD}, {"user-agent": agent});
      const [, seconds] = /Max-Age=(\d+)/.exec(headers.getSetCookie()[0]);
      assert.ok(Math.abs(seconds - days * 86400) < 60, seconds);
      const {sessions} = (await get("/v1/auth/sessions", {authorization: `Bearer ${body.data.access_token}`})).body.data;
      assert.equal(sessions.find(({is_current}) => is_current).device, device);
    }
  });

  test("sessions are listed, and end one by one or together", async () => {
    const here = await newPerson(server, "sessions@example.com");
    const there = await signIn(server, "sessions@example.com");
    const third = await signIn(server, "sessions@example.com");
    const {sessions} = (await get("/v1/auth/sessions", here.bearer)).body.data;
    assert.equal(sessions.length, 3);
    assert.deepEqual(sessions.filter(({is_current}) => is_current).map(({id}) => id), [here.session_id]);
    assert.ok(sessions.every(({ip, user_agent}) => ip === "127.0.0.1" && user_agent === "node"));
    assert.equal((await call(server, "DELETE", `/v1/auth/sessions/${there.session_id}`, undefined, here.bearer)).code, 200);
    refused(await get("/v1/auth/me", there.bearer), 401);
    refused(await call(server, "DELETE", `/v1/auth/sessions/${there.session_id}`, undefined, here.bearer), 404, "not_found");
    refused(await call(server, "DELETE", `/v1/auth/sessions/${root.session_id}`, undefined, here.bearer), 404, "not_found");
    refused(await call(server, "DELETE", "/v1/auth/sessions/none", undefined, here.bearer), 404, "not_found");
    assert.equal((await get("/v1/auth/me", root.bearer)).code, 200);
    assert.equal((await post("/v1/auth/logout_all", undefined, here.bearer)).code, 200);
    for (const {bearer} of [here, third]) refused(await get("/v1/auth/me", bearer), 401);
  });

  test("a password is changed, forgotten and set anew", async () => {
    const here = await newPerson(server, "password@example.com");
    const there = await signIn(server, "password@example.com");
    const change = (current_password, new_password) =>
      post("/v1/auth/password/change", {current_password, new_password}, here.bearer);
    refused(await change("wrong horse", "another horse"), 403, "forbidden", "the current password is another one");
    refused(await change(PASSWORD, "short"), 400, "validation_error", "Password must be at least 8 characters");
    assert.equal((await change(PASSWORD, "another horse")).code, 200);
    assert.equal((await get("/v1/auth/me", here.bearer)).code, 200);
    refused(await get("/v1/auth/me", there.bearer), 401);

    const known = await post("/v1/auth/password/forgot", {email: "password@example.com"});
    const unknown = await post("/v1/auth/request_reset", {email: "nobody@example.com"});
    assert.deepEqual([known.code, known.body.data], [unknown.code, unknown.body.data]);
    assert.deepEqual(known.body.data, {sent: true});
    const code = (await letterLink(server, "password@example.com", "/reset?code=")).searchParams.get("code");
    refused(await post("/v1/auth/password/reset", {code: code.slice(1), password: "third horse"}), 400, "validation_error");
    refused(await post("/v1/auth/password/reset", {code, password: "short"}), 400, "validation_error");
    assert.equal((await post("/v1/auth/complete_reset", {token: code, new_password: "third horse"})).code, 200);
    refused(await get("/v1/auth/me", here.bearer), 401);
    refused(await post("/v1/auth/password/reset", {code, password: "fourth horse"}), 400, "validation_error");
    await signIn(server, "password@example.com", "third horse");
  });

  test("a second factor", async () => {
    const person = await newPerson(server, "mfa@example.com");
    assert.deepEqual((await get("/v1/auth/mfa", person.bearer)).body.data,
      {enabled: false, since: null, recovery_codes_left: 0});
    const {secret, otpauth_uri, qr_svg} = (await post("/v1/auth/mfa/enable", undefined, person.bearer)).body.data;
    assert.ok(otpauth_uri.startsWith("otpauth://totp/") && otpauth_uri.includes(secret) && qr_svg.startsWith("<svg"));
    assert.equal(readQr(qr_svg), otpauth_uri);
    const older = await signIn(server, "mfa@example.com"); // not needed yet
    refused(await post("/v1/auth/mfa/confirm", {code: wrongCode(secret)}, person.bearer), 400, "validation_error");
    const {recovery_codes} = (await post("/v1/auth/mfa/confirm", {code: totp(secret)}, person.bearer)).body.data;
    assert.equal(new Set(recovery_codes).size, 10);
    assert.equal((await get("/v1/auth/me", person.bearer)).code, 200);
    for (const headers of [older.bearer, {cookie: older.cookie}]) // which may be a thief's
      refused(await get("/v1/auth/me", headers), 401, "unauthorized", null, "mfa_required");

    const credentials = {email: "mfa@example.com", password: PASSWORD};
    refused(await post("/v1/auth/login", credentials), 401, "unauthorized", null, "mfa_required");
    refused(await post("/v1/auth/login", {...credentials, mfa_code: wrongCode(secret)}), 401, "unauthorized", null, "mfa_code");
    refused(await post("/v1/auth/login", {...credentials, password: "wrong", mfa_code: totp(secret, 1)}), 401, "unauthorized",
      "Invalid email or password");
    const mfa_code = totp(secret, 1);
    assert.equal((await post("/v1/auth/login", {...credentials, mfa_code})).code, 200);
    refused(await post("/v1/auth/login", {...credentials, mfa_code}), 401); // a code works once
    const byCode = await post("/v1/auth/login", {...credentials, mfa_code: recovery_codes[0]});
    assert.equal(byCode.code, 200);
    assert.equal((await get("/v1/auth/mfa", person.bearer)).body.data.recovery_codes_left, 9);
    const renewed = await post("/v1/auth/mfa/recovery_codes", {code: recovery_codes[1]}, person.bearer);
    assert.equal(renewed.body.data.recovery_codes.length, 10);
    refused(await post("/v1/auth/mfa/disable", {code: renewed.body.data.recovery_codes[0], password: "wrong"}, person.bearer), 403);
    const off = await post("/v1/auth/mfa/disable", {code: renewed.body.data.recovery_codes[0], password: PASSWORD}, person.bearer);
    assert.equal(off.code, 200, off.text);
    assert.equal((await post("/v1/auth/login", credentials)).code, 200);
  });

  test("letters come again, and routes have the other names that clients use", async () => { // X28, X65, X66
    const email = "names@example.com";
    const codeOf = async (mark) => (await letterLink(server, email, mark)).searchParams.get("code");
    await post("/v1/auth/signup", {email, password: PASSWORD});
    const first = await codeOf("/verify?code=");
    assert.deepEqual((await post("/v1/auth/resend", {email})).body.data, {sent: true});
    await until(async () => await codeOf("/verify?code=") !== first, "another letter");
    assert.equal((await post("/v1/auth/verify", {code: await codeOf("/verify?code=")})).code, 200);
    await post("/v1/auth/reset/request", {email});
    const code = await codeOf("/reset?code=");
    assert.equal((await post("/v1/auth/reset/confirm", {token: code, new_password: "another horse"})).code, 200);
    await post("/v1/auth/password/forgot", {email});
    await until(async () => await codeOf("/reset?code=") !== code, "another letter");
    assert.equal((await post("/v1/auth/password/reset", {code: await codeOf("/reset?code="), password: PASSWORD})).code, 200);
    assert.equal((await post("/v1/auth/tokens", {name: "mine"}, (await signIn(server, email)).bearer)).code, 201);
  });

  test("a session from before the second factor must show it to go on", async () => { // R202
    const here = await newPerson(server, "before@example.com");
    const there = await signIn(server, "before@example.com");
    const {secret} = (await post("/v1/auth/mfa/request", undefined, here.bearer)).body.data;
    await post("/v1/auth/mfa/confirm", {code: totp(secret)}, here.bearer);
    const {refresh_token} = there;
    refused(await post("/v1/auth/refresh", {refresh_token}), 401, "unauthorized", null, "mfa_required");
    refused(await post("/v1/auth/mfa/verify", {refresh_token, code: wrongCode(secret)}), 401);
    const shown = await post("/v1/auth/mfa/verify", {refresh_token, code: totp(secret, 1)});
    assert.equal(shown.body.data.session_id, there.session_id);
    assert.equal((await post("/v1/auth/refresh", {refresh_token: here.refresh_token})).code, 200);
  });

  test("five wrong codes lock the second factor, not the account of others", async () => {
    const person = await newPerson(server, "locked@example.com");
    const {secret} = (await post("/v1/auth/mfa/enrol", undefined, person.bearer)).body.data;
    await post("/v1/auth/mfa/confirm", {code: totp(secret)}, person.bearer);
    const login = (mfa_code) => post("/v1/auth/login", {email: "locked@example.com", password: PASSWORD, mfa_code});
    for (let i = 0; i < 5; i++) refused(await login(wrongCode(secret)), 401);
    refused(await login(totp(secret, 1)), 429, "rate_limited");
    assert.equal((await get("/v1/auth/me", person.bearer)).code, 200);
  });

  test("everything is taken along, and deleted", async () => {
    const person = await newPerson(server, "leaving@example.com");
    const key = await newKey(server, person, {name: "mine"});
    const kept = (await get("/v1/auth/export", person.bearer)).body.data;
    assert.equal(kept.account.email, "leaving@example.com");
    assert.equal(kept.api_tokens[0].name, "mine");
    assert.ok(!JSON.stringify(kept).includes(key.token));
    const remove = (body, headers) => call(server, "DELETE", "/v1/auth/me", body, headers);
    refused(await remove({password: "wrong"}, person.bearer), 403);
    refused(await remove({password: PASSWORD}, {"x-api-key": key.token}), 403);
    assert.equal((await remove({password: PASSWORD}, person.bearer)).code, 200);
    refused(await get("/v1/auth/me", person.bearer), 401);
    assert.equal((await get("/v1/models", {"x-api-key": key.token})).code, 401);
    refused(await remove({password: PASSWORD}, root.bearer), 409, "conflict"); // the last administrator
  });
});

describe("API keys", () => {
  test("are shown once, listed, used and revoked", async () => {
    const person = await newPerson(server, "keys@example.com");
    const key = await newKey(server, person, {name: "laptop", limits: {requests_per_minute: 100}, scopes: {read_only: true}});
    assert.match(key.token, /^lim_[\w-]{43}$/);
    assert.deepEqual([key.name, key.limits, key.scopes], ["laptop", {requests_per_minute: 100}, {read_only: true}]);
    const year = (Date.parse(key.expires_at) - Date.now()) / 86400000;
    assert.ok(year > 364 && year < 366); // R29
    const unnamed = await newKey(server, person);
    const forever = await newKey(server, person, {expires_at: null});
    assert.equal(forever.expires_at, null);
    const {text, body} = await get("/v1/auth/tokens", person.bearer);
    assert.ok(!text.includes(key.token) && !text.includes(unnamed.token));
    assert.deepEqual(body.data.tokens.map(({id}) => id), [forever.id, unnamed.id, key.id]);
    for (const header of ["x-api-key", "authorization"]) {
      const headers = {[header]: header === "x-api-key" ? key.token : `Bearer ${key.token}`};
      assert.equal((await get("/v1/auth/me", headers)).code, 200);
    }
    assert.equal((await post(`/v1/auth/tokens/${key.id}/revoke`, undefined, person.bearer)).code, 200);
    assert.equal((await call(server, "DELETE", `/v1/auth/tokens/${unnamed.id}`, undefined, person.bearer)).code, 200);
    refused(await post(`/v1/auth/tokens/${key.id}/revoke`, undefined, root.bearer), 404, "not_found",
      "Token not found or does not belong to user");
    refused(await post("/v1/auth/tokens/none/revoke", undefined, person.bearer), 404, "not_found");
    for (const {token} of [key, unnamed]) refused(await get("/v1/auth/me", {"x-api-key": token}), 401);
  });

  for (const [field, wish] of [["name", {name: 5}], ["name", {name: "x".repeat(101)}], ["scopes", {scopes: "all"}],
    ["limits", {limits: []}], ["expires_at", {expires_at: "tomorrow"}], ["expires_at", {expires_at: 5}],
    ["expires_at", {expires_at: "1999-01-01T00:00:00Z"}]])
    test(`refuse ${JSON.stringify(wish).slice(0, 40)}`, async () => {
      const {code, body} = await post("/v1/auth/tokens", wish, root.bearer);
      assert.deepEqual([code, body.error.details.field], [400, field], JSON.stringify(body));
    });

  test("as the seed has them: a form, and answers without an envelope", async () => {
    const person = await newPerson(server, "seed@example.com");
    const form = (route, fields) => fetch(server.url + route,
      {method: "POST", headers: person.bearer, body: new URLSearchParams(fields)});
    const made = await form("/tokens/create", {name: "my key", user_id: root.user_id});
    assert.equal(made.status, 200);
    const {token, name, ...rest} = await made.json();
    assert.deepEqual([name, rest], ["my key", {}]);
    assert.equal((await get("/v1/auth/me", {"x-api-key": token})).body.data.user.email, "seed@example.com");
    const {tokens} = (await get("/tokens", person.bearer)).body;
    assert.equal(tokens.length, 1);
    assert.equal(tokens[0].name, "my key");
    assert.equal(tokens[0].is_active, true);
    assert.ok("created_at" in tokens[0] && "last_used_at" in tokens[0] && !JSON.stringify(tokens).includes(token));
    const revoked = await form(`/tokens/${tokens[0].id}/revoke`);
    assert.deepEqual([revoked.status, await revoked.json()], [200, {status: "success"}]);
    const nobodys = await form(`/tokens/${root.user_id}/revoke`);
    assert.equal(nobodys.status, 400);
    assert.equal((await nobodys.json()).detail, "Token not found or does not belong to user"); // R33, R43
  });
});

describe("administration", () => {
  test("finds people, page by page", async () => {
    for (const name of ["page1", "page2", "page3"]) await newPerson(server, `${name}@pages.example.com`);
    const seen = [];
    for (let cursor = ""; cursor !== null;) {
      const {code, body} = await get(`/v1/admin/users?search=@pages.example&limit=2&cursor=${cursor}`, root.bearer);
      assert.equal(code, 200, JSON.stringify(body));
      seen.push(...body.data.map(({email}) => email));
      cursor = body.next_cursor;
    }
    assert.deepEqual(seen, ["page3", "page2", "page1"].map((name) => `${name}@pages.example.com`));
    for (const query of ["limit=x", "limit=101", "limit=-1", "cursor=x", "status=odd"])
      refused(await get(`/v1/admin/users?${query}`, root.bearer), 400, "validation_error");
  });

  test("changes people", async () => {
    const person = await newPerson(server, "changed@example.com");
    const route = `/v1/admin/users/${person.user_id}`;
    const change = (wish) => call(server, "PATCH", route, wish, root.bearer);
    refused(await change({role: "king", plan: "pro"}), 400, "validation_error", null, "role");
    refused(await change({status: "deleted"}), 400, "validation_error");
    refused(await change({plan: "No Plan!"}), 400, "validation_error", null, "plan");
    refused(await change({second_factor: false}), 404, "not_found"); // has none
    assert.equal((await get(route, root.bearer)).body.data.user.plan, "free");
    const {body} = await change({role: "admin", plan: "pro"});
    assert.deepEqual([body.data.user.role, body.data.user.plan], ["admin", "pro"]);
    assert.equal((await get("/v1/admin/users", person.bearer)).code, 200);
    await change({role: "user"});
    refused(await get("/v1/admin/users", person.bearer), 403, "forbidden");
    assert.equal((await call(server, "DELETE", route, undefined, root.bearer)).code, 200);
    refused(await get("/v1/auth/me", person.bearer), 401);
    refused(await call(server, "PATCH", `/v1/admin/users/${root.user_id}`, {role: "user"}, root.bearer), 409, "conflict");
  });

  test("invites, and takes back", async () => {
    const made = await post("/v1/admin/invitations", {email: "guest@example.com", plan: "pro"}, root.bearer);
    assert.equal(made.code, 201);
    const signedUp = await post("/v1/auth/signup", {email: "guest@example.com", password: PASSWORD, invitation: made.body.data.code});
    assert.deepEqual([signedUp.body.data.user.status, signedUp.body.data.user.plan], ["active", "pro"]);
    refused(await post("/v1/auth/signup", {email: "two@example.com", password: PASSWORD, invitation: made.body.data.code}), 403);
    const other = await post("/v1/admin/invitations", {}, root.bearer);
    const route = `/v1/admin/invitations/${other.body.data.id}`;
    assert.equal((await call(server, "DELETE", route, undefined, root.bearer)).code, 200);
    refused(await post("/v1/auth/signup", {email: "three@example.com", password: PASSWORD, invitation: other.body.data.code}), 403);
    const {invitations} = (await get("/v1/admin/invitations", root.bearer)).body.data;
    assert.ok(invitations.some(({email, used_at}) => email === "guest@example.com" && used_at));
  });

  test("sees what became of letters", async () => {
    const {letters} = (await get("/v1/admin/mail", root.bearer)).body.data;
    assert.ok(letters.some(({state, link}) => state === "shown" && link.includes("/verify?code=")));
  });
});

test("every route of the API was tried, and answered as its document says", () => {
  assert.deepEqual(contract.unseen(/ \/v1\/(auth|admin)\//).filter((name) => !/\/oauth\//.test(name)), []);
});

// Signing in with an account at another service, in a browser, against a real OpenID Connect
// provider (npm: oidc-provider).
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {fileURLToPath} from "node:url";
import {after, before, test} from "node:test";
import {Browser, PASSWORD, hidden, problemOf, totp, wrongCode} from "./browser.mjs";
import {call, newPerson} from "./people.mjs";
import {startServer} from "./server.mjs";

const script = fileURLToPath(new URL("../services/oidc.sh", import.meta.url));
let service, issuer, server;
before(async () => {
  service = execFileSync(script, ["start"], {encoding: "utf8"}).trim().split("\n").at(-1);
  issuer = `http://127.0.0.1:${service.split(" ")[0]}`;
  server = await startServer({model: null, chat: false, args: ["--public-url", "https://app.example.com"],
    env: {LIMINAL_RATE_LIMITS: "off", LIMINAL_SIGN_IN_WITH: `test issuer=${issuer} id=liminal secret=s3cret:&% label=The <Test>`}});
});
after(async () => {
  await server?.stop();
  if (service) execFileSync(script, ["stop", service]);
});

// Goes there, signs in as `login`, and comes back: the callback's path.
async function travel(browser, login, query = "") {
  const there = await browser.go(`/v1/auth/oauth/test/start${query}`);
  assert.equal(there.code, 303, there.html);
  const url = new URL(there.location);
  assert.equal(url.origin, issuer);
  for (const [name, value] of [["response_type", "code"], ["code_challenge_method", "S256"],
    ["redirect_uri", "https://app.example.com/v1/auth/oauth/test/callback"]])
    assert.equal(url.searchParams.get(name), value);
  const brought = await (await fetch(`${issuer}/test/visit?${new URLSearchParams({url: there.location, login})}`)).json();
  return `/v1/auth/oauth/test/callback?${new URLSearchParams(brought)}`;
}

test("the pages offer it, and somebody new gets an account by it", async () => {
  const browser = new Browser(server);
  const {html} = await browser.go("/login?next=/account");
  assert.ok(html.includes('href="/v1/auth/oauth/test/start?next=/account">Sign in with The &lt;Test&gt;</a>'), html);
  const back = await browser.go(await travel(browser, "sub-1,new@example.com,true", "?next=/account"));
  assert.deepEqual([back.code, back.location], [303, "/account"]);
  assert.match(back.headers.getSetCookie().join("\n"), /liminal_session=lct_[^;]+;.*HttpOnly; SameSite=Lax; Secure/);
  const me = await browser.go("/v1/auth/me");
  assert.equal(JSON.parse(me.html).data.user.email, "new@example.com");
  const again = new Browser(server);
  await again.go(await travel(again, "sub-1,new@example.com,true"));
  assert.equal(JSON.parse((await again.go("/v1/auth/me")).html).data.user.id, JSON.parse(me.html).data.user.id);
});

test("an address that was not verified there signs nobody in", async () => {
  await newPerson(server, "victim@example.com");
  const browser = new Browser(server);
  const back = await browser.go(await travel(browser, "sub-2,victim@example.com,false"));
  assert.equal(back.code, 403);
  assert.ok(problemOf(back.html).length > 0);
  assert.ok(!browser.jar.has("liminal_session"));
});

test("what comes back is believed once, and only in the browser that left", async () => {
  const browser = new Browser(server);
  const callback = await travel(browser, "sub-3,once@example.com,true");
  const other = new Browser(server);
  assert.equal((await other.go(callback)).code, 401); // sign-in of the victim as somebody else
  assert.equal((await browser.go(callback)).code, 401); // and it is used up by that
  const second = await travel(browser, "sub-3,once@example.com,true");
  assert.equal((await browser.go(second)).code, 303);
  assert.equal((await browser.go(second)).code, 401);
  for (const query of ["", "?state=&code=", "?state=x&code=y", "?error=access_denied"])
    assert.equal((await browser.go(`/v1/auth/oauth/test/callback${query}`)).code, 401, query);
  assert.equal((await browser.go("/v1/auth/oauth/nowhere/start")).code, 404);
  assert.equal((await browser.go("/v1/auth/oauth/test/start?next=//evil.example")).code, 400);
});

test("a second factor is asked for afterwards", async () => {
  const person = await newPerson(server, "careful@example.com");
  const {secret} = (await call(server, "POST", "/v1/auth/mfa/enrol", undefined, person.bearer)).body.data;
  await call(server, "POST", "/v1/auth/mfa/confirm", {code: totp(secret)}, person.bearer);
  const browser = new Browser(server);
  const asked = await browser.go(await travel(browser, "sub-4,careful@example.com,true", "?next=/account"));
  assert.equal(asked.code, 200);
  assert.ok(!browser.jar.has("liminal_session"));
  const fields = hidden(asked.html, "/login/code");
  const wrong = await browser.post("/login/code", {...fields, mfa_code: wrongCode(secret)});
  assert.equal(wrong.code, 401);
  const right = await browser.post("/login/code", {...hidden(wrong.html, "/login/code"), mfa_code: totp(secret, 1)});
  assert.deepEqual([right.code, right.location], [303, "/account"], right.html);
  assert.equal((await browser.go("/account")).code, 200);
  const forged = await call(server, "POST", "/v1/auth/mfa/verify", {ticket: "A".repeat(43), code: totp(secret)});
  assert.equal(forged.code, 401);
  assert.equal((await new Browser(server).submit("/login", "/login", {email: "careful@example.com", password: PASSWORD})).code, 401);
});

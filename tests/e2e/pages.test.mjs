// The pages, as a browser without scripts sees them: sign up, verify, sign in, make a key that
// works, and everything else that a person does (R38..R44).
import assert from "node:assert/strict";
import {after, before, describe, test} from "node:test";
import {Browser, PASSWORD, hidden, problemOf, setUp, totp, wrongCode} from "./browser.mjs";
import {letterLink, newPerson} from "./people.mjs";
import {startServer} from "./server.mjs";

let server, admin;
before(async () => {
  server = await startServer({env: {LIMINAL_RATE_LIMITS: "off"}});
  admin = await setUp(server);
});
after(() => server.stop());

// A browser of somebody new, who is verified and signed in.
async function somebody(email) {
  await newPerson(server, email);
  const browser = new Browser(server);
  await browser.signIn(email);
  return browser;
}

describe("signing up", () => {
  const both = (password) => ({password, confirm_password: password});

  test("from the first page to a key that works", async () => {
    const browser = new Browser(server);
    const home = await browser.go("/");
    assert.equal(home.code, 200);
    assert.ok(home.html.includes('href="/register"') && home.html.includes(`curl ${server.url}/v1/chat/completions`));
    const signedUp = await browser.submit("/register", "/register", {email: "ada@example.com", ...both(PASSWORD)});
    assert.deepEqual([signedUp.code, signedUp.location], [303, "/register/success"]);
    assert.equal((await browser.go("/register/success")).code, 200);

    const signedIn = await browser.signIn("ada@example.com"); // X69: already before
    assert.equal(signedIn.location, "/dashboard");
    const pending = await browser.go("/dashboard");
    assert.match(problemOf(pending.html), /Verify your address/);
    assert.ok(!pending.html.includes('action="/dashboard/tokens"'));

    const link = await letterLink(server, "ada@example.com", "/verify?code=");
    const verified = await browser.go(link.pathname + link.search);
    assert.deepEqual([verified.code, verified.location], [303, "/verify/success"]);
    assert.equal((await browser.go("/verify/success")).code, 200);

    const made = await browser.submit("/dashboard", "/dashboard/tokens", {name: "My <laptop> & more"});
    assert.equal(made.code, 201);
    const [secret] = /lim_[\w-]{43}/.exec(made.html);
    assert.ok(made.html.includes(`curl ${server.url}/v1/chat/completions`));
    assert.ok(made.html.includes("My &lt;laptop&gt; &amp; more") && !made.html.includes("<laptop>"));
    const answer = await fetch(server.url + "/v1/chat/completions", {
      method: "POST",
      headers: {authorization: `Bearer ${secret}`, "content-type": "application/json"},
      body: JSON.stringify({messages: [{role: "user", content: "Hello!"}], max_tokens: 4}),
    });
    assert.equal(answer.status, 200);
    assert.ok((await answer.json()).usage.completion_tokens > 0);

    const later = await browser.go("/dashboard");
    assert.ok(!later.html.includes(secret) && later.html.includes(secret.slice(0, 12)));
    const [revoke] = /\/dashboard\/tokens\/[\w-]+\/revoke/.exec(later.html);
    const revoked = await browser.submit("/dashboard", revoke);
    assert.deepEqual([revoked.code, revoked.location], [303, "/dashboard?done=revoked"]);
    const models = await fetch(server.url + "/v1/models", {headers: {"x-api-key": secret}});
    assert.equal(models.status, 401);
    assert.match((await browser.go("/dashboard?done=revoked")).html, /revoked/);
  });

  for (const [what, fields, code, field, sentence] of [
    ["no address", {email: "", ...both(PASSWORD)}, 400, "email", "Email is required"],
    ["no address at all", both(PASSWORD), 400, "email", "Email is required"],
    ["an address that is none", {email: "ada", ...both(PASSWORD)}, 400, "email", "Invalid email format"],
    ["a header in the address", {email: "a@b.com\r\nBcc: eve@evil.com", ...both(PASSWORD)}, 400, "email", "Invalid email format"],
    ["passwords that differ", {email: "x@example.com", password: PASSWORD, confirm_password: "other"}, 400,
      "confirm_password", "Passwords do not match"],
    ["a short password", {email: "x@example.com", ...both("1234567")}, 400, "password",
      "Password must be at least 8 characters"],
    ["no password", {email: "x@example.com"}, 400, "password", "Password is required"],
    ["an address that is taken", {email: "ROOT@example.com", ...both(PASSWORD)}, 409, "email",
      "User with this email already exists"],
  ])
    test(`with ${what}`, async () => {
      const {code: got, html} = await new Browser(server).submit("/register", "/register", fields);
      assert.equal(got, code, html);
      if (!field) return;
      assert.equal(problemOf(html, field), sentence);
      assert.match(html, new RegExp(`id="${field}"[^>]*aria-invalid="true" aria-describedby="${field}-error"`));
      assert.ok(!html.includes(PASSWORD) && !html.includes('value="1234567"')); // passwords are never sent back
    });

  test("a verification code works once, and others get a page that helps", async () => {
    const browser = new Browser(server);
    for (const query of ["", "?code=", "?code=nonsense", "?code=" + "A".repeat(43)]) {
      const {code, html} = await browser.go(`/verify${query}`);
      assert.equal(code, 400, query);
      assert.equal(problemOf(html), "Invalid verification code");
      assert.ok(html.includes('action="/verify/resend"'));
    }
    await browser.submit("/register", "/register", {email: "twice@example.com", ...both(PASSWORD)});
    const link = await letterLink(server, "twice@example.com", "/verify?code=");
    assert.equal((await browser.go(link.pathname + link.search)).code, 303);
    assert.equal((await browser.go(link.pathname + link.search)).code, 400);
    const another = await browser.submit("/verify?code=x", "/verify/resend", {email: "nobody@example.com"});
    assert.deepEqual([another.code, another.location], [303, "/letter"]); // whoever asks
  });
});

describe("signing in and out", () => {
  test("the page that was asked for comes after it", async () => {
    await newPerson(server, "next@example.com");
    const browser = new Browser(server);
    const stranger = await browser.go("/account");
    assert.deepEqual([stranger.code, stranger.location], [303, "/login?next=/account"]);
    const signedIn = await browser.submit("/login?next=/account", "/login", {email: "next@example.com", password: PASSWORD});
    assert.deepEqual([signedIn.code, signedIn.location], [303, "/account"]);
    assert.equal((await browser.go("/account")).code, 200);
    const out = await browser.submit("/account", "/logout");
    assert.deepEqual([out.code, out.location], [303, "/"]);
    assert.ok(!browser.jar.has("liminal_session"));
    assert.equal((await browser.go("/account")).code, 303);
  });

  test("a wrong password and an unknown address are told in the same words", async () => {
    const browser = new Browser(server);
    for (const email of ["root@example.com", "nobody@example.com"]) {
      const {code, html} = await browser.submit("/login", "/login", {email, password: "not this one"});
      assert.deepEqual([code, problemOf(html)], [401, "Invalid email or password"]);
      assert.ok(html.includes(`value="${email}"`) && !html.includes("not this one"));
    }
  });

  test("a forgotten password, a link, a new one", async () => {
    const old = await somebody("forgot@example.com");
    const browser = new Browser(server);
    const asked = await browser.submit("/forgot", "/forgot", {email: "forgot@example.com"});
    const unknown = await browser.submit("/forgot", "/forgot", {email: "never@example.com"});
    assert.deepEqual([asked.code, asked.location, asked.html], [unknown.code, unknown.location, unknown.html]);
    assert.equal((await browser.go("/letter")).code, 200);
    const link = await letterLink(server, "forgot@example.com", "/reset?code=");
    const page = link.pathname + link.search;
    const differ = await browser.submit(page, "/reset", {password: "another horse", confirm_password: "an other"});
    assert.deepEqual([differ.code, problemOf(differ.html, "confirm_password")], [400, "Passwords do not match"]);
    const set = await browser.post("/reset",
      {...hidden(differ.html, "/reset"), password: "another horse", confirm_password: "another horse"});
    assert.deepEqual([set.code, set.location], [303, "/login?done=reset"]);
    assert.equal((await old.go("/dashboard")).code, 303); // all sessions ended
    await browser.signIn("forgot@example.com", "another horse");
    const again = await new Browser(server).submit(page, "/reset",
      {password: "third horse", confirm_password: "third horse"});
    assert.equal(again.code, 400);
  });
});

describe("the account", () => {
  test("shows where one is signed in, and ends it", async () => {
    const here = await somebody("sessions@example.com");
    const there = new Browser(server);
    await there.signIn("sessions@example.com");
    const {html} = await here.go("/account");
    const ends = [...html.matchAll(/\/account\/sessions\/[\w-]+\/end/g)].map(([path]) => path);
    assert.equal(ends.length, 2); // the one of newPerson, and `there`; not this one
    for (const end of ends)
      assert.equal((await here.submit("/account", end)).location, "/account?done=ended");
    assert.equal((await there.go("/account")).code, 303);
    assert.equal((await here.go("/account")).code, 200);
    assert.equal((await here.submit("/account", "/account/logout_all")).location, "/login");
    assert.equal((await here.go("/account")).code, 303);
  });

  test("a new password ends the other sessions", async () => {
    const here = await somebody("password@example.com");
    const there = new Browser(server);
    await there.signIn("password@example.com");
    const wanted = {password: "another horse", confirm_password: "another horse"};
    const wrong = await here.submit("/account/password", "/account/password", {current_password: "wrong one", ...wanted});
    assert.deepEqual([wrong.code, problemOf(wrong.html, "current_password")], [403, "the current password is another one"]);
    const right = await here.submit("/account/password", "/account/password", {current_password: PASSWORD, ...wanted});
    assert.equal(right.location, "/account?done=password");
    assert.equal((await here.go("/account")).code, 200);
    assert.equal((await there.go("/account")).code, 303);
  });

  test("a second factor: on, needed, and off", async () => {
    const browser = await somebody("mfa@example.com");
    const enrol = await browser.submit("/account", "/account/mfa/enrol");
    const [, secret] = /<code>([A-Z2-7]{32})<\/code>/.exec(enrol.html);
    assert.match(enrol.html, /<div class="qr"><svg /);
    const wrong = await browser.post("/account/mfa/confirm",
      {...hidden(enrol.html, "/account/mfa/confirm"), mfa_code: wrongCode(secret)});
    assert.equal(wrong.code, 400);
    assert.match(problemOf(wrong.html, "mfa_code"), /code is wrong/);
    const on = await browser.post("/account/mfa/confirm",
      {...hidden(wrong.html, "/account/mfa/confirm"), mfa_code: totp(secret)});
    assert.equal(on.code, 200, on.html);
    const codes = [...on.html.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, code]) => code);
    assert.equal(new Set(codes).size, 10);

    const other = new Browser(server);
    const asked = await other.submit("/login", "/login", {email: "mfa@example.com", password: PASSWORD});
    assert.equal(asked.code, 401);
    assert.match(asked.html, /name="mfa_code"/);
    await other.signIn("mfa@example.com", PASSWORD, {mfa_code: totp(secret, 1)});
    await new Browser(server).signIn("mfa@example.com", PASSWORD, {mfa_code: codes[0]});
    const twice = await new Browser(server).submit("/login", "/login",
      {email: "mfa@example.com", password: PASSWORD, mfa_code: codes[0]});
    assert.equal(twice.code, 401);

    const renewed = await other.submit("/account/mfa/codes", "/account/mfa/codes", {mfa_code: codes[1]});
    assert.equal(renewed.code, 200, renewed.html);
    const [, fresh] = /<li><code>([^<]+)<\/code>/.exec(renewed.html);
    const off = await other.submit("/account/mfa/off", "/account/mfa/off", {password: PASSWORD, mfa_code: fresh});
    assert.equal(off.location, "/account?done=mfa_off", off.html);
    await new Browser(server).signIn("mfa@example.com");
  });

  test("goes along as a file, and goes for good", async () => {
    const browser = await somebody("leaving@example.com");
    const made = await browser.submit("/dashboard", "/dashboard/tokens", {name: "mine"});
    const [key] = /lim_[\w-]{43}/.exec(made.html);
    const file = await browser.go("/account/export");
    assert.match(file.headers.get("content-disposition"), /^attachment/);
    const kept = JSON.parse(file.html);
    assert.equal(kept.account.email, "leaving@example.com");
    assert.ok(!file.html.includes(key) && !file.html.includes("argon2"));
    const wrong = await browser.submit("/account/delete", "/account/delete", {password: "wrong one"});
    assert.equal(wrong.code, 403);
    const gone = await browser.submit("/account/delete", "/account/delete", {password: PASSWORD});
    assert.equal(gone.location, "/login?done=deleted");
    assert.equal((await fetch(server.url + "/v1/models", {headers: {"x-api-key": key}})).status, 401);
    const back = await browser.submit("/login", "/login", {email: "leaving@example.com", password: PASSWORD});
    assert.equal(back.code, 401);
  });
});

describe("administration", () => {
  test("is nobody's who is none", async () => {
    const browser = await somebody("user@example.com");
    const {code, html} = await browser.go("/admin");
    assert.equal(code, 403);
    assert.ok(!html.includes("root@example.com"));
    assert.ok(!(await browser.go("/dashboard")).html.includes('href="/admin"'));
  });

  test("a set-up link works once", async () => {
    const {pathname, search} = new URL(server.log.find((line) => line.link?.includes("/setup")).link);
    const {code, html} = await new Browser(server).submit(pathname + search, "/setup",
      {email: "second@example.com", password: PASSWORD, confirm_password: PASSWORD});
    assert.equal(code, 400);
    assert.match(html, /Invalid set-up code/);
  });

  test("suspends, lets in again, and deletes", async () => {
    const victim = await somebody("victim@example.com");
    const press = async (action) => {
      const {html} = await admin.go("/admin?search=victim@");
      const [form] = /\/admin\/users\/[\w-]+/.exec(html);
      return admin.post(form, {csrf: hidden(html, form).csrf, action});
    };
    assert.equal((await press("suspend")).location, "/admin?done=changed");
    assert.notEqual((await victim.go("/dashboard")).code, 200);
    const refused = await new Browser(server).submit("/login", "/login", {email: "victim@example.com", password: PASSWORD});
    assert.deepEqual([refused.code, problemOf(refused.html)], [403, "User account is suspended"]);
    assert.equal((await press("activate")).code, 303);
    await new Browser(server).signIn("victim@example.com");
    assert.equal((await press("nonsense")).code, 400);
    assert.equal((await press("delete")).code, 303);
    const gone = await new Browser(server).submit("/login", "/login", {email: "victim@example.com", password: PASSWORD});
    assert.equal(gone.code, 401);
  });

  test("the last administrator stays", async () => {
    const {html} = await admin.go("/account/delete");
    const answer = await admin.post("/account/delete", {...hidden(html, "/account/delete"), password: PASSWORD});
    assert.equal(answer.code, 409);
  });

  test("invites by a link that works once", async () => {
    const made = await admin.submit("/admin", "/admin/invitations", {email: "guest@example.com"});
    assert.equal(made.code, 201);
    const [, code] = /\/register\?invitation=([\w-]+)/.exec(made.html);
    const guest = new Browser(server);
    const joined = await guest.submit(`/register?invitation=${code}`, "/register",
      {email: "guest@example.com", password: PASSWORD, confirm_password: PASSWORD, invitation: code});
    assert.equal(joined.code, 303, joined.html);
    await guest.signIn("guest@example.com"); // the address counts as proven
    assert.ok((await guest.go("/dashboard")).html.includes('action="/dashboard/tokens"'));
    assert.match((await admin.go("/admin")).html, /used/);
  });

  test("shows the links of letters that nobody could send", async () => {
    const {html} = await admin.go("/admin");
    assert.match(html, /<a href="http[^"]*\/(verify|reset)\?code=/);
    assert.match(html, /shown/);
  });
});

describe("every page", () => {
  test("forbids scripts, frames and telling others where one came from", async () => {
    for (const path of ["/", "/login", "/register", "/forgot", "/verify?code=x", "/dashboard", "/account", "/admin", "/setup"]) {
      const {headers, html} = await admin.go(path);
      const policy = headers.get("content-security-policy");
      for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"])
        assert.ok(policy.includes(part), `${path}: ${policy}`);
      assert.ok(!/unsafe|\*/.test(policy));
      assert.equal(headers.get("x-frame-options"), "DENY");
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("referrer-policy"), "same-origin");
      assert.equal(headers.get("cache-control"), "no-store");
      assert.ok(!/<script|<style|\son\w+=|style="/.test(html), path);
      assert.match(html, /^<!DOCTYPE html>\n<html lang="en">/);
    }
  });

  test("has a label for each field, and a token in each form that posts", async () => {
    for (const path of ["/login", "/register", "/forgot", "/reset?code=x", "/setup?code=x", "/verify?code=x", "/dashboard",
      "/account", "/account/password", "/account/mfa/off", "/account/mfa/codes", "/account/delete", "/admin"]) {
      const {html} = await admin.go(path);
      const inputs = [...html.matchAll(/<input (?![^>]*type="hidden")[^>]*id="(\w+)"/g)].map(([, id]) => id);
      for (const id of inputs) assert.ok(html.includes(`<label for="${id}">`), `${path}: ${id}`);
      assert.equal(new Set(inputs).size, inputs.length, path);
      for (const form of html.split("<form").slice(1))
        if (/method="post"/.test(form)) assert.match(form, /name="csrf" value="[\w-]{43}"/, path);
      assert.equal((html.match(/<h1>/g) ?? []).length, 1, path);
    }
  });

  test("loads a style sheet that is asked for by its digest", async () => {
    const first = await fetch(server.url + "/static/style.css");
    assert.equal(first.status, 200);
    assert.match(first.headers.get("content-type"), /^text\/css/);
    assert.match(await first.text(), /prefers-color-scheme: dark/);
    const again = await fetch(server.url + "/static/style.css", {headers: {"if-none-match": first.headers.get("etag")}});
    assert.equal(again.status, 304);
    assert.equal((await fetch(server.url + "/static/../api-key")).status, 401); // there is no such path
    assert.match((await fetch(server.url + "/static/icon.svg")).headers.get("content-type"), /^image\/svg/);
  });
});

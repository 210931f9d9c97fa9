// Mails as people get them: `liminal serve` sends them through a real SMTP server with STARTTLS and a
// password, a mail program reads them, and their links work.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import OpenAI from "openai";
import {Browser, PASSWORD, setUp} from "./browser.mjs";
import {linkIn, startMailServer} from "./mail_server.mjs";
import {startServer, until} from "./server.mjs";

const PUBLIC_URL = "http://ai.example.org";

let server, mailServer, admin;
before(async () => {
  mailServer = startMailServer();
  server = await startServer({
    env: {...mailServer.env, LIMINAL_PUBLIC_URL: PUBLIC_URL, LIMINAL_RATE_LIMITS: "off"},
  });
  admin = await setUp(server);
});
after(async () => {
  await server?.stop();
  mailServer?.stop();
});

async function register(email) {
  const browser = new Browser(server);
  const answer = await browser.submit("/register", "/register",
    {email, password: PASSWORD, confirm_password: PASSWORD});
  assert.deepEqual([answer.code, answer.location], [303, "/register/success"], answer.html);
  return browser;
}

// The link's path here: nobody answers at ai.example.org.
const pathIn = (mail) => linkIn(mail).pathname + linkIn(mail).search;

test("somebody new signs up in a browser, follows the letter, and uses a key (R35)", async () => {
  const email = "ada@example.com";
  const browser = await register(email);
  const mail = await mailServer.mailTo(email);
  assert.equal(mail.subject, "Verify your email address");
  assert.deepEqual(mail.from, {address: "no-reply@liminal.example", name: "Liminal"});
  assert.deepEqual([mail.secure, mail.user, mail.type], [true, "liminal", "multipart/alternative"]);
  assert.equal(linkIn(mail).origin, PUBLIC_URL);
  assert.ok(mail.html.includes(`href="${linkIn(mail)}"`));
  assert.doesNotMatch(mail.html, /<(img|script|link|iframe)|url\(/i); // loads nothing from anywhere
  assert.equal((await browser.go(pathIn(mail))).location, "/verify/success");
  await browser.signIn(email);
  const {html} = await browser.submit("/dashboard", "/dashboard/tokens", {name: "laptop"});
  const [apiKey] = /lim_[\w-]{43}/.exec(html);
  const client = new OpenAI({baseURL: server.url + "/v1", apiKey, maxRetries: 0});
  const answer = await client.chat.completions.create(
    {model: "local-llm", messages: [{role: "user", content: "Once upon a time"}], max_tokens: 4});
  assert.ok(answer.usage.completion_tokens > 0);
});

test("a forgotten password is replaced through a letter", async () => {
  const email = "bob@example.com";
  const browser = await register(email);
  assert.equal((await browser.go(pathIn(await mailServer.mailTo(email)))).code, 303);
  await browser.submit("/forgot", "/forgot", {email});
  const mail = await mailServer.mailTo(email, 2);
  assert.equal(mail.subject, "Reset your password");
  assert.match(mail.text, /15 minutes/);
  const page = pathIn(mail), password = "a battery of horses";
  const done = await browser.submit(page, "/reset", {password, confirm_password: password});
  assert.equal(done.code, 303, done.html);
  await browser.signIn(email, password);
});

test("an invitation comes by mail, and lets in", async () => {
  const email = "carol@example.com";
  await admin.submit("/admin", "/admin/invitations", {email});
  const mail = await mailServer.mailTo(email);
  assert.equal(mail.subject, "You are invited");
  const browser = new Browser(server);
  const joined = await browser.submit(pathIn(mail), "/register",
    {email, password: PASSWORD, confirm_password: PASSWORD});
  assert.equal(joined.code, 303, joined.html);
});

test("what the mail server refuses is told to administrators, with its link", async () => {
  const email = "refused@example.com";
  await register(email);
  let letter;
  await until(async () => {
    const {code, html} = await admin.go("/v1/admin/mail", {headers: {accept: "application/json"}});
    assert.equal(code, 200, html);
    letter = JSON.parse(html).data.letters.find(({recipient}) => recipient === email);
    return letter?.state === "failed";
  }, "the letter is given up");
  assert.match(letter.error, /550 no such mailbox here/);
  assert.ok(letter.link.startsWith(`${PUBLIC_URL}/verify?code=`));
});

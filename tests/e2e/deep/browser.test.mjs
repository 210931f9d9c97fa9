// A new user in a real browser (Debian's Chromium, driven by npm's playwright-core, with scripts
// switched off): from the first page to a key that the official OpenAI client uses.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import OpenAI from "openai";
import {chromium} from "playwright-core";
import {PASSWORD, totp} from "../browser.mjs";
import {letterLink} from "../people.mjs";
import {startServer} from "../server.mjs";

let server, browser, page;
const wrongs = []; // what the browser complains of: refused styles, scripts, pictures
before(async () => {
  server = await startServer({env: {LIMINAL_RATE_LIMITS: "off"}});
  browser = await chromium.launch({executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"]});
  const context = await browser.newContext({javaScriptEnabled: false});
  page = await context.newPage();
  page.on("console", (message) => /Content Security|MIME|Refused/.test(message.text()) && wrongs.push(message.text()));
  page.on("requestfailed", (request) => wrongs.push(`${request.url()} ${request.failure()?.errorText}`));
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const at = () => new URL(page.url()).pathname;
const press = (name) => page.getByRole("button", {name, exact: true}).click();
async function fill(fields) {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, {exact: true}).fill(value);
}

test("somebody new signs up, proves the address, signs in and makes a key that works", async () => {
  await page.goto(server.url);
  await page.getByRole("link", {name: "Make an account"}).click();
  await fill({"Email": "ada@example.com", "Password": PASSWORD, "Password again": "something else"});
  await press("Sign up");
  assert.equal(await page.getByRole("alert").textContent(), "Passwords do not match");
  await fill({"Password": PASSWORD, "Password again": PASSWORD});
  await press("Sign up");
  assert.equal(at(), "/register/success");
  const {pathname, search} = await letterLink(server, "ada@example.com", "/verify?code=");
  await page.goto(server.url + pathname + search);
  assert.equal(at(), "/verify/success");
  await page.getByRole("link", {name: "Your API keys"}).click();
  assert.equal(at(), "/login");
  await fill({"Email": "ada@example.com", "Password": PASSWORD});
  await press("Sign in");
  assert.equal(at(), "/dashboard");
  await fill({"Name of a new key": "My laptop"});
  await press("Make a key");
  const key = await page.locator(".secret pre").first().textContent();
  const client = new OpenAI({baseURL: `${server.url}/v1`, apiKey: key.trim(), maxRetries: 0});
  const answer = await client.chat.completions.create({model: "local-llm", max_tokens: 4, messages: [{role: "user", content: "Hello!"}]});
  assert.ok(answer.usage.completion_tokens > 0);
  await press("Revoke My laptop");
  await assert.rejects(client.models.list(), (error) => error.status === 401);
});

test("a second factor is turned on, and needed", async () => {
  await page.getByRole("link", {name: "Account"}).click();
  await press("Turn on");
  const secret = await page.locator("p.center code").textContent();
  assert.ok(await page.locator(".qr svg").isVisible());
  await fill({Code: totp(secret)});
  await press("Turn it on");
  assert.equal(await page.locator(".codes li").count(), 10);
  await press("Sign out");
  await page.goto(server.url + "/account");
  await fill({"Email": "ada@example.com", "Password": PASSWORD});
  await press("Sign in");
  await fill({"Password": PASSWORD, "Code": totp(secret, 1)});
  await press("Sign in");
  assert.equal(at(), "/account");
});

test("on a phone nothing is wider than the screen, in light and in dark", async () => {
  await page.setViewportSize({width: 360, height: 740});
  const strange = await browser.newContext({viewport: {width: 360, height: 740}}); // with scripts, to measure
  await strange.addCookies(await page.context().cookies());
  const phone = await strange.newPage();
  for (const colorScheme of ["light", "dark"]) {
    await phone.emulateMedia({colorScheme});
    for (const path of ["/", "/dashboard", "/account", "/account/password", "/account/mfa/off", "/account/delete"]) {
      await phone.goto(server.url + path);
      assert.equal(new URL(phone.url()).pathname, path);
      const [wide, contrast] = await phone.evaluate(() => {
        const channels = (color) => color.match(/[\d.]+/g).slice(0, 3).map(Number);
        const light = (color) => channels(color).map((c) => c / 255)
          .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
          .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const body = getComputedStyle(document.body);
        const pairs = [body.color, getComputedStyle(document.querySelector("footer")).color,
          getComputedStyle(document.querySelector("main a, nav a")).color];
        const paper = light(body.backgroundColor);
        return [document.documentElement.scrollWidth, Math.min(...pairs.map((color) => {
          const [high, low] = [light(color), paper].sort((a, b) => b - a);
          return (high + 0.05) / (low + 0.05); // WCAG 2.1
        }))];
      });
      assert.ok(wide <= 360, `${path} is ${wide} pixels wide`);
      assert.ok(contrast >= 4.5, `${path} in ${colorScheme}: a contrast of ${contrast}`);
    }
  }
  await strange.close();
});

test("the browser had nothing to complain of", () => {
  assert.deepEqual(wrongs, []);
});

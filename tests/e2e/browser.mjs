// browser.mjs - a browser without scripts, by hand: cookies, pages, forms and their hidden fields.
import assert from "node:assert/strict";
import {createHmac} from "node:crypto";
import {until} from "./server.mjs";

export const PASSWORD = "correct horse battery";

export class Browser {
  constructor(server) {
    this.server = server;
    this.jar = new Map();
  }

  // Follows no redirects: {code, location, html, headers}.
  async go(path, {method = "GET", body, headers = {}} = {}) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(this.server.url + path, {
      method, body, redirect: "manual",
      headers: {accept: "text/html", ...(cookie ? {cookie} : {}), ...headers},
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) this.jar.set(name, value);
      else this.jar.delete(name);
    }
    this.policy = answer.headers.get("referrer-policy");
    return {code: answer.status, location: answer.headers.get("location"), headers: answer.headers,
      html: await answer.text()};
  }

  // As browsers do, it says from where: "null" for pages that forbid to tell.
  post(path, fields) {
    const origin = this.policy === "no-referrer" ? "null" : this.server.url;
    return this.go(path, {method: "POST", body: new URLSearchParams(fields), headers: {origin}});
  }

  // What a person does: look at `page`, fill in its form that posts to `action`, and send it.
  async submit(page, action, fields = {}) {
    const {html} = await this.go(page);
    return this.post(action, {...hidden(html, action), ...fields});
  }

  async csrf(page = "/login") {
    return hidden((await this.go(page)).html).csrf;
  }

  async signIn(email, password = PASSWORD, more = {}) {
    const answer = await this.submit("/login", "/login", {email, password, ...more});
    assert.equal(answer.code, 303, answer.html);
    return answer;
  }
}

// The hidden fields of the form that posts to `action`; of all forms without it.
export function hidden(html, action) {
  const form = action ? html.split("<form").find((part) => part.includes(`action="${action}"`)) : html;
  assert.ok(form, `the page has no form for ${action}:\n${html}`);
  return Object.fromEntries([...form.split("</form>")[0].matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)]
    .map(([, name, value]) => [name, unescape(value)]));
}

const unescape = (html) => html.replace(/&(amp|lt|gt|quot|#39);/g,
  (_, name) => ({amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'"})[name]);

// The sentence beside a field, or above the form.
export function problemOf(html, field) {
  const pattern = field ? new RegExp(`id="${field}-error"[^>]*>([^<]*)<`) : /class="problem"[^>]*>([^<]*)</;
  return unescape(pattern.exec(html)?.[1] ?? "");
}

// The first administrator, by the link that the log shows.
export async function setUp(server, email = "root@example.com") {
  const link = () => server.log.find((line) => line.link?.includes("/setup?code="))?.link;
  await until(link, "the link to set up");
  const {pathname, search} = new URL(link());
  const browser = new Browser(server);
  const answer = await browser.submit(pathname + search, "/setup",
    {email, password: PASSWORD, confirm_password: PASSWORD});
  assert.equal(answer.location, "/login?done=set_up", answer.html);
  await browser.signIn(email);
  return browser;
}

// What an app shows for a secret (RFC 6238); `steps` of half a minute from now.
export function totp(secret, steps = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const mac = createHmac("sha1", key).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1000000).padStart(6, "0");
}

export function wrongCode(secret) {
  const right = [-3, -2, -1, 0, 1, 2, 3].map((steps) => totp(secret, steps));
  return ["000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777"]
    .find((code) => !right.includes(code));
}

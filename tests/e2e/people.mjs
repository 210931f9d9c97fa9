// people.mjs - people with accounts on a server under test: they sign up, follow the link that the
// log shows (no mail server is set), sign in, and make keys.
import assert from "node:assert/strict";
import {until} from "./server.mjs";

export const PASSWORD = "correct horse battery";

const linkTo = (server, email) => server.log.findLast((line) =>
  line.component === "mail" && JSON.stringify(line).includes(email));

export async function call(server, method, route, body, headers = {}) {
  const answer = await fetch(server.url + route, {
    method, redirect: "manual",
    headers: {...(body === undefined ? {} : {"content-type": "application/json"}), ...headers},
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  let parsed;
  try {
    parsed = JSON.parse(text);
  } catch { /* a page */ }
  return {code: answer.status, body: parsed, text, headers: answer.headers};
}

// The link in the newest letter to somebody; `mark` is a part of it.
export async function letterLink(server, email, mark) {
  let link;
  await until(() => {
    const line = linkTo(server, email);
    link = line && JSON.stringify(line).match(/https?:[^"\\\s<]+/g)?.find((url) => url.includes(mark));
    return link;
  }, `a letter to ${email} with ${mark}`);
  return new URL(link);
}

export async function signIn(server, email, password = PASSWORD) {
  const {code, body, headers} = await call(server, "POST", "/v1/auth/login", {email, password});
  assert.equal(code, 200, JSON.stringify(body));
  const cookie = headers.getSetCookie().find((line) => line.startsWith("liminal_session="))?.split(";")[0];
  return {...body.data, cookie, bearer: {authorization: `Bearer ${body.data.access_token}`}};
}

export async function newPerson(server, email) {
  const made = await call(server, "POST", "/v1/auth/signup", {email, password: PASSWORD});
  assert.ok([200, 201].includes(made.code), made.text);
  const link = await letterLink(server, email, "/verify?code=");
  const verified = await call(server, "POST", "/v1/auth/verify", {code: link.searchParams.get("code")});
  assert.equal(verified.code, 200, verified.text);
  return {email, ...await signIn(server, email)};
}

// {token, id}
export async function newKey(server, person, wish = {}) {
  const {code, body, text} = await call(server, "POST", "/v1/auth/tokens", {name: "test", ...wish}, person.bearer);
  assert.ok([200, 201].includes(code), text);
  return body.data;
}

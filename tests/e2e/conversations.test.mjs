// conversations.test.mjs - conversations over HTTP as a client uses them, on SQLite and PostgreSQL.
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import path from "node:path";
import {after, before, describe, test} from "node:test";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import {call, newPerson} from "./people.mjs";
import {startServer} from "./server.mjs";

const postgres = (...words) => execFileSync(
  path.join(import.meta.dirname, "..", "services", "postgres.sh"), words, {encoding: "utf8"}).trim().split("\n").at(-1);

const ROUTE = "/v1/conversations";
const NOWHERE = `${ROUTE}/01a1f91f-9822-7e1b-ba1a-d8e48dcf057a`;

for (const database of ["SQLite", "PostgreSQL"]) describe(database, () => {
  let server, url, ada, bob, document, ajv;
  before(async () => {
    url = database === "PostgreSQL" ? postgres("start") : undefined;
    server = await startServer({model: null, chat: false,
      env: {LIMINAL_RATE_LIMITS: "off", ...(url && {LIMINAL_DATABASE: url})}});
    [ada, bob] = await Promise.all(["ada", "bob"].map((name) => newPerson(server, `${name}@example.com`)));
    document = await (await fetch(server.url + "/openapi.json")).json();
    ajv = new Ajv({strict: false});
    addFormats(ajv);
  });
  after(async () => {
    await server?.stop();
    if (url) postgres("stop", url);
  });

  // Each answer is as openapi.json says.
  function fits(method, route, answer) {
    const pattern = route.split("?")[0].replace(/conversations\/(?!search)[^/]+/, "conversations/{id}");
    const {responses} = document.paths[pattern][method.toLowerCase()];
    const schema = responses[answer.code < 300 ? "2XX" : "default"].content?.["application/json"].schema;
    const resolved = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"doc#/components'));
    if (!ajv.getSchema("doc")) ajv.addSchema({$id: "doc", ...document});
    assert.ok(ajv.validate(resolved, answer.body), `${method} ${route}: ${ajv.errorsText()}: ${answer.text}`);
  }
  async function ask(method, route, body, person = ada) {
    const answer = await call(server, method, route, body, person.bearer);
    if (!route.includes("/export")) fits(method, route, answer);
    return answer;
  }
  async function ok(method, route, body, person) {
    const answer = await ask(method, route, body, person);
    assert.ok(answer.code === 200 || answer.code === 201, `${method} ${route}: ${answer.text}`);
    assert.equal(answer.body.status, "ok");
    assert.match(answer.body.request_id, /^[0-9a-f-]{36}$/);
    return answer.body;
  }
  async function refused(code, field, ...request) {
    const answer = await ask(...request);
    assert.equal(answer.code, code, answer.text);
    assert.equal(answer.body.status, "error");
    assert.equal(answer.body.error.code, {400: "validation_error", 404: "not_found", 413: "validation_error"}[code]);
    assert.equal(answer.body.error.details.field, field, answer.text);
  }
  const create = async (title, person) => (await ok("POST", ROUTE, title === undefined ? undefined : {title}, person)).data;
  const say = async ({id}, content, more = {}) => (await ok("POST", `${ROUTE}/${id}/messages`, {content, ...more})).data;

  test("a conversation is made, read, renamed, archived, opened again, and deleted", async () => {
    const made = await create("Plans");
    assert.equal(made.title, "Plans");
    assert.equal(made.status, "open");
    const route = `${ROUTE}/${made.id}`;
    assert.deepEqual((await ok("GET", route)).data, made);
    const renamed = (await ok("PATCH", route, {title: "Caf\u00e9", meta: {color: "red"}})).data;
    assert.equal(renamed.title, "Caf\u00e9");
    assert.deepEqual(renamed.meta, {color: "red"});
    assert.ok(renamed.updated_at > made.updated_at);
    const titles = async (query) => (await ok("GET", `${ROUTE}?limit=100${query}`)).data.map(({id}) => id);
    assert.equal((await ok("PATCH", route, {status: "archived"})).data.status, "archived");
    assert.ok(!(await titles("")).includes(made.id));
    assert.ok((await titles("&status=archived")).includes(made.id));
    assert.equal((await ok("PATCH", route, {status: "open", title: null})).data.title, null);
    assert.ok((await titles("")).includes(made.id));
    assert.deepEqual((await ok("DELETE", route)).data, {id: made.id, deleted: true});
    await refused(404, undefined, "GET", route);
    await refused(404, undefined, "DELETE", route);
  });

  test("without a title the first question gives one", async () => {
    const made = await create();
    assert.equal(made.title, null);
    await say(made, "# Why is the sky blue?\nI wonder");
    assert.equal((await ok("GET", `${ROUTE}/${made.id}`)).data.title, "Why is the sky blue?");
  });

  test("what is wrong is said by its field", async () => {
    const {id} = await create("x");
    const one = `${ROUTE}/${id}`;
    await refused(400, "title", "POST", ROUTE, {title: 5});
    await refused(400, "title", "POST", ROUTE, {title: "x".repeat(201)});
    await refused(400, "title", "POST", ROUTE, {title: "two\nlines"});
    await refused(400, "meta", "POST", ROUTE, {meta: []});
    await refused(400, "status", "PATCH", one, {status: "gone"});
    await refused(400, "active_context_id", "PATCH", one, {active_context_id: "x"});
    await refused(400, "limit", "GET", `${ROUTE}?limit=0`);
    await refused(400, "limit", "GET", `${ROUTE}?limit=101`);
    await refused(400, "limit", "GET", `${ROUTE}?limit=x`);
    await refused(400, "cursor", "GET", `${ROUTE}?cursor=x`);
    await refused(400, "status", "GET", `${ROUTE}?status=x`);
    await refused(400, "content", "POST", `${one}/messages`, {});
    await refused(400, "content", "POST", `${one}/messages`, {content: [1]});
    await refused(400, "sender", "POST", `${one}/messages`, {content: "x", sender: "god"});
    await refused(400, "order", "GET", `${one}/messages?order=up`);
    await refused(400, "q", "GET", `${ROUTE}/search`);
    await refused(400, "message_id", "POST", `${one}/fork`, {});
    await refused(400, "message_id", "POST", `${one}/fork`, {message_id: "x"});
    await refused(404, "message_id", "POST", `${one}/fork`, {message_id: id});
    await refused(404, undefined, "GET", `${ROUTE}/not-an-id`);
    for (const [method, rest, body] of [["GET", ""], ["PATCH", "", {}], ["DELETE", ""], ["GET", "/messages"],
      ["POST", "/messages", {content: "x"}], ["GET", "/export"], ["POST", "/fork", {message_id: id}]])
      assert.equal((await ask(method, NOWHERE + rest, body)).code, 404, `${method} ${rest}`);
    const long = await ask("POST", `${one}/messages`, {content: "x".repeat((4 << 20) + 1)});
    assert.equal(long.code, 413);
    assert.equal(long.body.error.details.field, "content");
  });

  test("pages of conversations are stable while others come", async () => {
    const carol = await newPerson(server, "carol@example.com");
    const made = [];
    for (let i = 0; i < 7; i++) made.unshift((await create(`number ${i}`, carol)).id);
    const seen = [];
    for (let cursor = ""; cursor !== null;) {
      const page = await ok("GET", `${ROUTE}?limit=2${cursor && `&cursor=${cursor}`}`, undefined, carol);
      assert.ok(page.data.length <= 2);
      seen.push(...page.data.map(({id}) => id));
      cursor = page.next_cursor;
      await create("new", carol);
    }
    assert.deepEqual(seen, made);
  });

  test("messages come in their order, either way", async () => {
    const made = await create();
    for (let i = 1; i <= 5; i++) await say(made, `message ${i}`, {sender: i % 2 ? "user" : "assistant"});
    for (const [order, wanted] of [["asc", [1, 2, 3, 4, 5]], ["desc", [5, 4, 3, 2, 1]]]) {
      const seen = [];
      for (let cursor = ""; cursor !== null;) {
        const page = await ok("GET", `${ROUTE}/${made.id}/messages?order=${order}&limit=2${cursor && `&cursor=${cursor}`}`);
        seen.push(...page.data.map(({seq}) => seq));
        cursor = page.next_cursor;
      }
      assert.deepEqual(seen, wanted);
    }
  });

  test("many append to one conversation at once", async () => {
    const made = await create();
    const said = await Promise.all(Array.from({length: 40}, (_, i) => say(made, `message ${i}`)));
    assert.deepEqual(said.map(({seq}) => seq).sort((a, b) => a - b), Array.from({length: 40}, (_, i) => i + 1));
    assert.equal((await ok("GET", `${ROUTE}/${made.id}`)).data.message_count, 40);
  });

  test("the parts of a message are brought to their form", async () => {
    const said = await say(await create(), "look here", {role: "critic", meta: {from: "test"}, content_struct: {
      segments: [{type: "code", text: "x", language: "c", secret: 1, meta: {kept: [1]}},
        {type: "citation", source_id: "doc-1", start: 0, end: 99}, {type: "video"}, "bad"],
      summary: {highlights: "short", other: 1}, other: 1,
    }});
    assert.deepEqual(said.content_struct, {
      segments: [{type: "code", text: "x", language: "c", meta: {kept: [1]}}], summary: {highlights: "short"}});
    assert.equal(said.role, "critic");
    assert.deepEqual(said.meta, {from: "test"});
    assert.equal((await say(await create(), "x", {content_struct: "no object"})).content_struct, null);
  });

  test("search finds words and phrases of one's own messages", async () => {
    const made = await create("Animals");
    const said = await say(made, "The quick brown wombat jumps over the lazy dog");
    await say(made, "A wombat that is brown and quick");
    const search = async (q, person) => (await ok("GET", `${ROUTE}/search?q=${encodeURIComponent(q)}`, undefined, person)).data;
    assert.equal((await search("wombat")).length, 2);
    const [hit, ...others] = await search('"quick brown"');
    assert.equal(others.length, 0);
    assert.equal(hit.message_id, said.id);
    assert.equal(hit.conversation_id, made.id);
    assert.equal(hit.title, "Animals");
    assert.ok(hit.matches.some(([from, to]) => [...hit.snippet].slice(from, to).join("").includes("quick")), JSON.stringify(hit));
    assert.deepEqual(await search("wombat", bob), []);
    for (const odd of ["wombat*", "wombat AND", "(wombat", "wombat'--", "wombat:*", "-wombat"]) await search(odd);
    await ok("DELETE", `${ROUTE}/${made.id}`);
    assert.deepEqual(await search("wombat"), []);
  });

  test("an export holds everything, as Markdown and as JSON", async () => {
    const made = await create("All \"of\" it");
    for (let i = 0; i < 120; i++) await say(made, `message number ${i}`, {sender: i % 2 ? "assistant" : "user"});
    const markdown = await ask("GET", `${ROUTE}/${made.id}/export?format=md`);
    assert.match(markdown.headers.get("content-type"), /^text\/markdown/);
    assert.equal(markdown.headers.get("content-disposition"), 'attachment; filename="All-of-it.md"');
    assert.match(markdown.text, /^# All "of" it\n/);
    const json = (await ask("GET", `${ROUTE}/${made.id}/export?format=json`)).body;
    assert.equal(json.format, "liminal.conversation");
    assert.deepEqual(json.messages.map(({content}) => content), Array.from({length: 120}, (_, i) => `message number ${i}`));
    for (const {content} of json.messages) assert.ok(markdown.text.includes(`\n${content}\n`), content);
    await refused(400, "format", "GET", `${ROUTE}/${made.id}/export?format=pdf`);
  });

  test("a fork goes its own way", async () => {
    const made = await create("Two ways");
    const said = [];
    for (let i = 0; i < 4; i++) said.push(await say(made, `message ${i}`));
    const fork = (await ok("POST", `${ROUTE}/${made.id}/fork`, {message_id: said[1].id})).data;
    assert.equal(fork.message_count, 2);
    assert.deepEqual(fork.meta.forked_from, {conversation_id: made.id, message_id: said[1].id});
    await say(fork, "elsewhere");
    const contents = async ({id}) => (await ok("GET", `${ROUTE}/${id}/messages`)).data.map(({content}) => content);
    assert.deepEqual(await contents(fork), ["message 0", "message 1", "elsewhere"]);
    assert.equal((await contents(made)).length, 4);
  });

  test("a request with a key appends once", async () => {
    const made = await create();
    const headers = {...ada.bearer, "idempotency-key": `append-${database}`};
    const answers = await Promise.all(Array.from({length: 4}, () =>
      call(server, "POST", `${ROUTE}/${made.id}/messages`, {content: "once"}, headers)));
    for (const {code, text} of answers) assert.ok([201, 409].includes(code), text);
    assert.equal((await ok("GET", `${ROUTE}/${made.id}/messages`)).data.length, 1);
  });
});

// conversations_chat.test.mjs - POST /v2/chat/completions (R60): a chat within a conversation, with
// the real program; and what is left of an answer when its client leaves or its server is killed.
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {randomBytes} from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {after, before, describe, test} from "node:test";
import OpenAI from "openai";
import {call, newKey, newPerson} from "./people.mjs";
import {program, startServer, until} from "./server.mjs";
import {makeTinyModel} from "./tiny_models.mjs";

const ROUTE = "/v2/chat/completions";
const QUIET = {LIMINAL_RATE_LIMITS: "off"};
const user = (content) => ({role: "user", content});
const short = {max_tokens: 8, temperature: 0};

const chat = (server, person, body) => call(server, "POST", ROUTE, body, person.bearer);
async function answered(server, person, body) {
  const {code, body: answer, text} = await chat(server, person, body);
  assert.equal(code, 200, text);
  return answer;
}
async function messagesOf(server, person, id) {
  const {code, body, text} = await call(server, "GET", `/v1/conversations/${id}/messages?limit=100`, undefined, person.bearer);
  assert.equal(code, 200, text);
  return body.data;
}

// The events of a stream as they come.
async function* events(answer) {
  let rest = "";
  for await (const bytes of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + bytes).split("\n\n");
    rest = lines.pop();
    for (const line of lines) if (line !== "data: [DONE]") yield JSON.parse(line.slice("data: ".length));
  }
}
const stream = (server, person, body, more = {}) => fetch(server.url + ROUTE, {
  method: "POST", headers: {"content-type": "application/json", ...person.bearer},
  body: JSON.stringify({...body, stream: true}), ...more});

describe("a chat that is kept", () => {
  let server, ada, bob;
  before(async () => {
    server = await startServer({env: QUIET});
    [ada, bob] = await Promise.all(["ada", "bob"].map((name) => newPerson(server, `${name}@example.com`)));
  });
  after(() => server.stop());

  test("question and answer are kept, and told again", async () => {
    const first = await answered(server, ada, {messages: [user("Once upon a time")], ...short, metadata: {from: "test"}});
    assert.match(first.id, /^chatcmpl-/);
    const plain = await server.json("/v1/chat/completions", {messages: [user("Once upon a time")], ...short});
    assert.deepEqual(first.choices, plain.body.choices, "as /v1 answers");
    const conversation = (await call(server, "GET", `/v1/conversations/${first.conversation_id}`, undefined, ada.bearer)).body.data;
    assert.equal(conversation.title, "Once upon a time");
    assert.deepEqual(conversation.meta, {from: "test"});

    const second = await answered(server, ada,
      {messages: [user(" And then")], conversation_id: first.conversation_id, user_id: ada.user_id, ...short});
    const said = first.choices[0].message.content;
    const whole = await server.json("/v1/chat/completions", {...short, messages:
      [user("Once upon a time"), {role: "assistant", content: said}, user(" And then")]});
    assert.deepEqual(second.choices, whole.body.choices, "the model was told all that was said");
    assert.equal(second.usage.prompt_tokens, whole.body.usage.prompt_tokens);

    const messages = await messagesOf(server, ada, first.conversation_id);
    assert.deepEqual(messages.map(({sender, content, state}) => [sender, content, state]), [
      ["user", "Once upon a time", "complete"], ["assistant", said, "complete"],
      ["user", " And then", "complete"], ["assistant", second.choices[0].message.content, "complete"]]);
    assert.equal(messages[3].id, second.message_id);
    assert.equal(messages[3].token_count_in, second.usage.prompt_tokens);
    assert.equal(messages[3].token_count_out, second.usage.completion_tokens);
    assert.equal(messages[3].meta.finish_reason, "length");
  });

  test("a stream says where it is kept in each of its events", async () => {
    let text = "", ids = new Set();
    const answer = await stream(server, ada, {messages: [user("Once upon a time")], ...short});
    assert.equal(answer.status, 200);
    for await (const {conversation_id, message_id, choices} of events(answer)) {
      ids.add(`${conversation_id} ${message_id}`);
      text += choices[0].delta.content ?? "";
    }
    assert.equal(ids.size, 1);
    const [conversation, message] = [...ids][0].split(" ");
    const messages = await messagesOf(server, ada, conversation);
    assert.equal(messages[1].id, message);
    assert.equal(messages[1].content, text); // at once: the last event comes behind the disk
    assert.equal(messages[1].state, "complete");
  });

  test("the openai client speaks it", async () => {
    const {token} = await newKey(server, ada);
    const client = new OpenAI({baseURL: server.url + "/v2", apiKey: token});
    const answer = await client.chat.completions.create({model: "local-llm", messages: [user("Once")], ...short});
    assert.equal((await messagesOf(server, ada, answer.conversation_id))[1].content, answer.choices[0].message.content);
  });

  test("instructions are kept once, however often they are sent", async () => {
    const system = {role: "system", content: "Be kind. "};
    const {conversation_id} = await answered(server, ada, {messages: [system, user("Once")], ...short});
    await answered(server, ada, {messages: [system, user("more")], conversation_id, ...short});
    const senders = (await messagesOf(server, ada, conversation_id)).map(({sender}) => sender);
    assert.deepEqual(senders, ["system", "user", "assistant", "user", "assistant"]);
  });

  test("what is refused is not kept", async () => {
    const {conversation_id} = await answered(server, ada, {messages: [user("Once")], ...short});
    const refusals = [
      [400, "messages", {}],
      [400, "messages[1].role", {messages: [user("x"), {role: "god", content: "x"}]}],
      [400, "messages", {messages: [user("  ")]}],
      [400, "n", {messages: [user("x")], n: 2}],
      [400, "temperature", {messages: [user("x")], temperature: 5}],
      [400, "metadata", {messages: [user("x")], metadata: 5}],
      [403, "user_id", {messages: [user("x")], user_id: bob.user_id}],
      [400, "user_id", {messages: [user("x")], user_id: "me"}],
      [404, "model", {messages: [user("x")], model: "no-such-model"}],
    ];
    for (const [code, param, body] of refusals) {
      const refused = await chat(server, ada, {conversation_id, ...body});
      assert.equal(refused.code, code, refused.text);
      assert.equal(refused.body.error.param, param, refused.text);
    }
    assert.equal((await messagesOf(server, ada, conversation_id)).length, 2);
    assert.equal((await chat(server, ada, {messages: [user("x")], conversation_id: "x"})).body.error.param, "conversation_id");
    const another = await chat(server, bob, {messages: [user("x")], conversation_id});
    assert.equal(another.code, 404, another.text);
    assert.equal((await server.post(ROUTE, {messages: [user("x")]})).status, 403); // the operator has no conversations
    assert.equal((await call(server, "POST", ROUTE, {messages: [user("x")]})).code, 401);
  });

  test("what can't be answered now is taken back", async () => {
    const {conversation_id} = await answered(server, ada, {messages: [user("Once")], ...short});
    const {token} = await newKey(server, ada, {limits: {spend_cap_tokens: 3}});
    const poor = {bearer: {authorization: `Bearer ${token}`}};
    const count = async () => (await call(server, "GET", "/v1/conversations?limit=100", undefined, ada.bearer)).body.data.length;
    const before = await count();
    for (const more of [{conversation_id}, {}]) {
      const refused = await chat(server, poor, {messages: [user("and then")], ...short, ...more});
      assert.equal(refused.code, 403, refused.text);
    }
    await until(async () => (await messagesOf(server, ada, conversation_id)).length === 2, "the question is gone");
    await until(async () => await count() === before, "the new conversation is gone");
    await answered(server, ada, {messages: [user("and then")], conversation_id, ...short});
    assert.deepEqual((await messagesOf(server, ada, conversation_id)).map(({seq}) => seq), [1, 2, 3, 4]);
  });

  test("a conversation beyond the model's context goes on with a summary", async () => {
    const length = {max_tokens: 60, temperature: 0, ignore_eos: true};
    const {conversation_id} = await answered(server, ada, {messages: [user("Once upon a time there was a dog.")], ...length});
    const isSummary = ({meta}) => meta?.summary === true;
    for (let i = 0; i < 6; i++) {
      const answer = await answered(server, ada, {messages: [user(` And then came number ${i}.`)], conversation_id, ...length});
      assert.ok(answer.usage.total_tokens <= 256);
    }
    const messages = await messagesOf(server, ada, conversation_id);
    const summaries = messages.filter(isSummary);
    assert.ok(summaries.length > 0);
    for (const {sender, role, state, meta, seq, content} of summaries) {
      assert.deepEqual([sender, role, state], ["system", "system", "complete"]);
      assert.ok(meta.stands_for > 0 && meta.stands_for < seq);
      assert.ok(content.length > 0);
    }
    assert.equal(messages.filter(({sender}) => sender === "user").length, 7, "nothing is gone");
    const long = await chat(server, ada, {messages: [user("dog ".repeat(400))], conversation_id, ...length});
    assert.equal(long.code, 413, long.text);
    assert.match(long.body.error.message, /longer context/);
  });

  test("a client that leaves leaves its question and what was said", async () => {
    const leaving = new AbortController();
    const answer = await stream(server, ada,
      {messages: [user("Once upon a time")], max_tokens: 240, ignore_eos: true}, {signal: leaving.signal});
    let id, seen = "";
    await assert.rejects(async () => {
      for await (const {conversation_id, choices} of events(answer)) {
        id = conversation_id;
        seen += choices[0].delta.content ?? "";
        if (seen.length > 20) leaving.abort();
      }
      throw new Error("the whole answer came"); // too fast for us to leave: nothing to see here
    });
    let messages;
    await until(async () => {
      messages = await messagesOf(server, ada, id);
      return messages[1].state !== "writing";
    }, "the answer is over");
    assert.equal(messages[0].content, "Once upon a time");
    assert.ok(messages[1].content.startsWith(seen), `${messages[1].content} does not begin with ${seen}`);
    if (messages[1].state === "complete") return; // it had been made before we left
    assert.equal(messages[1].state, "interrupted");
    assert.ok(messages[1].token_count_out > 0);
  });
});

describe("tools in a chat that is kept", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-kept-tools-"));
  after(() => fs.rmSync(folder, {recursive: true, force: true}));

  for (const isStream of [false, true]) test(`calls and results are told again, ${isStream ? "streamed" : "whole"}`, async (t) => {
    const server = await startServer({model: makeTinyModel("qwen2.5", folder), chat: false, env: QUIET});
    t.after(() => server.stop());
    const ada = await newPerson(server, "ada@example.com");
    const tools = [{type: "function", function: {name: "clock", parameters: {type: "object", additionalProperties: false,
      properties: {city: {enum: ["Bonn", "Ulm"]}}, required: ["city"]}}}];
    const body = {messages: [user("What time is it?")], tools, tool_choice: "required", max_tokens: 200, seed: 1, stream: isStream};
    let id;
    if (isStream)
      for await (const {conversation_id} of events(await stream(server, ada, body))) id = conversation_id;
    else id = (await answered(server, ada, body)).conversation_id;
    const [, {content_struct: {segments}, meta, state}] = await messagesOf(server, ada, id);
    assert.equal(state, "complete");
    assert.equal(meta.finish_reason, "tool_calls");
    const {type, name, arguments: {city}, meta: {id: call}} = segments[0];
    assert.deepEqual([type, name], ["tool_call", "clock"]);
    assert.ok(["Bonn", "Ulm"].includes(city));

    // The result alone is enough: the call is in the conversation.
    const results = segments.map((segment) => ({role: "tool", tool_call_id: segment.meta.id, content: "noon"}));
    await answered(server, ada, {messages: results, conversation_id: id, tools, max_tokens: 4});
    const [, , result] = await messagesOf(server, ada, id);
    assert.deepEqual([result.sender, result.content, result.meta.tool_call_id], ["tool", "noon", call]);
    const unknown = await chat(server, ada,
      {messages: [{role: "tool", tool_call_id: "call_nobody", content: "x"}], conversation_id: id, tools});
    assert.equal(unknown.code, 400);
    assert.equal(unknown.body.error.param, "messages[0].tool_call_id");
  });
});

describe("a server that is killed while it answers", () => {
  const postgres = (...words) => execFileSync(
    path.join(import.meta.dirname, "..", "services", "postgres.sh"), words, {encoding: "utf8"}).trim().split("\n").at(-1);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-killed-"));
  // Large enough that no answer of 2,000 tokens ends before it was seen to be saved, however slow we are here.
  const model = path.join(folder, "slow.gguf");
  before(() => execFileSync(program, ["synth", "smollm2-135m", "-o", model, "--type", "Q4_0"], {stdio: "ignore"}));
  after(() => fs.rmSync(folder, {recursive: true, force: true}));

  const STREAMS = 8;
  for (const database of ["SQLite", "PostgreSQL"]) test(`leaves question and answer so far, on ${database}`, async (t) => {
    const url = database === "PostgreSQL" ? postgres("start") : `sqlite:${path.join(folder, "liminal.db")}`;
    if (database === "PostgreSQL") t.after(() => postgres("stop", url));
    const options = {model, args: ["--threads", "1"],
      env: {...QUIET, LIMINAL_DATABASE: url, LIMINAL_SERVER_KEY: randomBytes(32).toString("hex")}};
    const first = await startServer(options);
    const ada = await newPerson(first, "ada@example.com");
    const streams = Array.from({length: STREAMS}, async (_, i) => {
      const seen = {text: ""};
      const answer = await stream(first, ada, {messages: [user(`Go ${i}`)], max_tokens: 2000, ignore_eos: true, seed: i});
      seen.done = (async () => {
        for await (const {conversation_id, choices} of events(answer)) {
          seen.id = conversation_id;
          seen.text += choices[0]?.delta.content ?? "";
        }
      })().catch(() => {}); // it is cut off
      return seen;
    });
    const all = await Promise.all(streams);
    await until(() => all.every(({id}) => id), "all have begun");
    await until(async () => {
      const [, answer] = await messagesOf(first, ada, all[0].id);
      return answer.content.length > 0;
    }, "something of the answer is saved");
    await first.stop("SIGKILL");
    await Promise.all(all.map(({done}) => done));

    const second = await startServer(options);
    t.after(() => second.stop());
    let interrupted = 0;
    for (const [i, {id, text}] of all.entries()) {
      let messages;
      await until(async () => {
        messages = await messagesOf(second, ada, id);
        return messages[1].state !== "writing";
      }, "nobody holds it any more");
      assert.equal(messages.length, 2);
      assert.equal(messages[0].content, `Go ${i}`);
      const [, {content, state}] = messages;
      const said = text.replaceAll("\0", "\ufffd"); // databases take no NUL
      assert.ok(said.startsWith(content) || content.startsWith(said), "it is what was said");
      interrupted += state === "interrupted" && content.length > 0;
    }
    assert.ok(interrupted > 0, "it was killed in mid-answer");
    const more = await answered(second, ada, {messages: [user("go on")], conversation_id: all[0].id, max_tokens: 4});
    const kept = (await messagesOf(second, ada, all[0].id)).filter(({sender}) => sender !== "system"); // but summaries
    assert.deepEqual(kept.map(({sender}) => sender), ["user", "assistant", "user", "assistant"]);
    assert.equal(more.conversation_id, all[0].id);
  });
});

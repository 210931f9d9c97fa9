// prefix_sharing.test.mjs - what was read once is not read again: by a crowd, in a conversation, after a restart; and
// nobody learns from it what others asked.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {after, before, test} from "node:test";
import {newKey, newPerson} from "./people.mjs";
import {idle, startServer, until} from "./server.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server?.stop());

const endless = {1: -100, 2: -100}; // no end token: until max_tokens
const story = "Once upon a time there was a little girl who had a red ball and a blue ball. ".repeat(4);

async function complete(body, on = server) {
  const answer = await on.json("/v1/completions", {temperature: 0, logit_bias: endless, ...body});
  assert.equal(answer.code, 200, JSON.stringify(answer.body));
  const {choices, usage} = answer.body;
  return {text: choices[0].text, prompt: usage.prompt_tokens, cached: usage.prompt_tokens_details.cached_tokens};
}

test("8 equal prompts at once are read once", async () => {
  const rows = await server.metric("liminal_engine_rows_total");
  const answers = await Promise.all(Array.from({length: 8}, () => complete({prompt: story, max_tokens: 10})));
  await idle(server);
  const {prompt, text} = answers[0];
  for (const answer of answers) assert.equal(answer.text, text);
  const computed = await server.metric("liminal_engine_rows_total") - rows;
  // The prompt, the last token of it for each of the others, and nine tokens of each answer.
  assert.equal(computed, prompt + 7 + 8 * 9);
  assert.equal(answers.reduce((sum, answer) => sum + answer.cached, 0), 7 * (prompt - 1));
});

test("each turn of a conversation reads only what is new", async () => {
  const messages = [];
  let known = 0;
  for (let turn = 0; turn < 8; turn++) {
    messages.push({role: "user", content: `Tell me of day ${turn}.`});
    const answer = await server.json("/v1/chat/completions",
      {messages, max_tokens: 8, temperature: 0, logit_bias: endless});
    const {usage, choices} = answer.body;
    assert.ok(usage.prompt_tokens_details.cached_tokens >= known,
      `turn ${turn}: ${usage.prompt_tokens_details.cached_tokens} of ${known} known tokens were found`);
    // All of the prompt. An answer may be cut into other tokens when it is read than when it was written.
    known = usage.prompt_tokens;
    messages.push(choices[0].message);
  }
  assert.ok(known > 64);
});

test("prompts are shared only among requests with the same prompt_cache_key", async () => {
  const prompt = "The sun was warm and the bird sang in the tall green tree. " + story;
  const first = await complete({prompt, max_tokens: 4, prompt_cache_key: "a"});
  for (const [prompt_cache_key, isKnown] of [["b", false], [undefined, false], ["a", true], ["b", true]]) {
    const answer = await complete({prompt, max_tokens: 4, prompt_cache_key});
    // The first token is everybody's.
    assert.ok(isKnown ? answer.cached === first.prompt - 1 : answer.cached <= 1, `${prompt_cache_key}: ${answer.cached}`);
    assert.equal(answer.text, first.text);
  }
  const wrong = await server.json("/v1/completions", {prompt, prompt_cache_key: 7});
  assert.equal(wrong.code, 400);
  assert.equal(wrong.body.error.param, "prompt_cache_key");
});

test("a form is compiled once for all who share, and its timing tells nobody else", async () => {
  const forms = async () => [await server.metric("liminal_engine_forms_compiled_total"),
    await server.metric("liminal_engine_forms_reused_total")];
  const chat = {messages: [{role: "user", content: "Hi"}], max_tokens: 1};
  const secret = {type: "object", properties: {patient: {enum: ["Ada", "Grace"]}}, required: ["patient"]};
  for (const [route, request] of [
    ["/v1/completions", {prompt: "Hi", max_tokens: 1, regex: "Ada|Grace"}],
    ["/v1/chat/completions", {...chat, response_format: {type: "json_schema", json_schema: {name: "s", schema: secret}}}],
    ["/v1/chat/completions", {...chat, tools: [{type: "function", function: {name: "admit", parameters: secret}}]}],
  ])
    for (const [prompt_cache_key, isKnown] of [["a", false], ["a", true], ["b", false], [undefined, false], ["b", true]]) {
      const [compiled, reused] = await forms();
      const {code, body} = await server.json(route, {...request, prompt_cache_key});
      assert.equal(code, 200, JSON.stringify(body));
      assert.deepEqual(await forms(), [compiled + !isKnown, reused + isKnown], `${route} ${prompt_cache_key}`);
    }
});

test("accounts share nothing with each other; the keys of one do", async () => {
  const prompt = "Fish dream of nothing, said the old cat by the fire. " + story;
  const [ada, grace] = [await newPerson(server, "ada@example.com"), await newPerson(server, "grace@example.com")];
  const [first, second] = [(await newKey(server, ada)).token, (await newKey(server, ada)).token];
  const regex = "(fire|fish){3}";
  for (const [key, isKnown] of [[first, false], [second, true], [(await newKey(server, grace)).token, false], [server.key, false]]) {
    const compiled = await server.metric("liminal_engine_forms_compiled_total");
    const answer = await server.post("/v1/completions", {prompt, regex, max_tokens: 2}, {authorization: `Bearer ${key}`});
    const {usage} = await answer.json();
    const {cached_tokens} = usage.prompt_tokens_details;
    assert.ok(isKnown ? cached_tokens === usage.prompt_tokens - 1 : cached_tokens <= 1, `${cached_tokens} were known`);
    assert.equal(await server.metric("liminal_engine_forms_compiled_total"), compiled + !isKnown);
  }
});

test("a prompt survives a restart, and a server that was killed", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-kv-"));
  const args = ["--kv-spill-mb", "64", "--kv-spill-dir", folder];
  const ask = (on) => complete({prompt: story, max_tokens: 12}, on);
  try {
    let spilling = await startServer({args});
    const first = await ask(spilling);
    assert.equal(first.cached, 0);
    assert.equal(await spilling.stop(), 0);
    const [file] = fs.readdirSync(folder);
    assert.equal(fs.statSync(path.join(folder, file)).mode & 0o777, 0o600);

    spilling = await startServer({args});
    const again = await ask(spilling);
    assert.ok(again.cached >= Math.floor((first.prompt - 1) / 16) * 16, `${again.cached} cached`);
    assert.equal(again.text, first.text);
    assert.ok(await spilling.metric("liminal_engine_kv_pages_restored_total") > 0);
    const other = await complete({prompt: story + "And then", max_tokens: 12}, spilling);
    const written = await spilling.metric("liminal_engine_kv_pages_spilled_total");
    await until(async () => await spilling.metric("liminal_engine_kv_pages_spilled_total") > written ||
      await spilling.metric("liminal_engine_kv_pages_stored") > first.prompt / 16, "what is new is on disk");
    await spilling.stop("SIGKILL");

    spilling = await startServer({args});
    const third = await complete({prompt: story + "And then", max_tokens: 12}, spilling);
    assert.ok(third.cached >= again.cached);
    assert.equal(third.text, other.text);
    await spilling.stop();

    // Of another model: nothing fits, nothing is wrong.
    fs.writeFileSync(path.join(folder, file), Buffer.concat([fs.readFileSync(path.join(folder, file)).subarray(0, 30),
      Buffer.alloc(100000)]));
    spilling = await startServer({args});
    const last = await ask(spilling);
    assert.deepEqual(last, first);
    assert.ok(spilling.log.some((line) => /begun anew/.test(line.message)));
    await spilling.stop();
  } finally {
    fs.rmSync(folder, {recursive: true, force: true});
  }
});

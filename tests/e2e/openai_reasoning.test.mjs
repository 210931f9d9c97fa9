// openai_reasoning.test.mjs - what a model thinks comes apart from what it says. The model is one of random weights with Qwen
// 3's tokenizer; QwQ's template opens <think> in the prompt, and a bias on </think> lets nonsense come to its end.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {after, before, test} from "node:test";
import OpenAI from "openai";
import {faultOf} from "./random_tools.mjs";
import {idle, startServer} from "./server.mjs";
import {makeTinyModel, realTemplate} from "./tiny_models.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-tiny-"));
after(() => fs.rmSync(folder, {recursive: true, force: true}));

const ask = {model: "local-llm", messages: [{role: "user", content: "Well?"}], max_tokens: 400, temperature: 1, seed: 3};
const tools = [{type: "function", function: {name: "now", parameters: {type: "object", properties: {zone: {enum: ["UTC", "CET"]}}}}}];

let qwen, qwq, closing;
const clientOf = (server) => new OpenAI({baseURL: server.url + "/v1", apiKey: server.key, maxRetries: 0}).chat.completions;
before(async () => {
  const model = makeTinyModel("qwen3", folder), template = path.join(folder, "qwq.jinja");
  fs.writeFileSync(template, realTemplate("ollama/qwq:32b (2)"));
  qwen = await startServer({model, chat: false});
  qwq = await startServer({model, chat: false, args: ["--chat-template", template]});
  const {body} = await qwq.json("/tokenize", {content: "</think>", parse_special: true});
  assert.equal(body.tokens.length, 1);
  closing = {logit_bias: {[body.tokens[0]]: 9}};
});
after(async () => {
  await qwen?.stop();
  await qwq?.stop();
});

test("an answer that never ends its reasoning is nothing else", async () => {
  const {choices: [{message, finish_reason}], usage} = await clientOf(qwq).create({...ask, max_tokens: 50});
  assert.equal(finish_reason, "length");
  assert.equal(usage.completion_tokens_details.reasoning_tokens, 50);
  assert.equal(message.content, "");
  assert.ok(message.reasoning_content.length > 50);
});

test("a call that is required comes after the reasoning", async () => {
  const {choices: [{message, finish_reason}], usage} =
    await clientOf(qwq).create({...ask, ...closing, tools, tool_choice: "required"});
  assert.equal(finish_reason, "tool_calls");
  const {reasoning_tokens} = usage.completion_tokens_details;
  assert.ok(reasoning_tokens > 3 && reasoning_tokens < usage.completion_tokens - 5);
  assert.ok(message.reasoning_content.length > 5);
  assert.doesNotMatch(message.reasoning_content, /think>|^\s|\s$/);
  assert.equal(message.content, null);
  for (const call of message.tool_calls) assert.equal(faultOf(call, tools), null);
});

test("a form that is wanted is the content's", async () => {
  const response_format = {type: "json_schema", json_schema: {name: "s", schema: {enum: [{answer: 42}]}}};
  const {choices: [{message, finish_reason}]} = await clientOf(qwq).create({...ask, ...closing, response_format});
  assert.equal(finish_reason, "stop");
  assert.deepEqual(JSON.parse(message.content), {answer: 42});
  assert.ok(message.reasoning_content.length > 5);
});

test("a stream tells it in deltas of its own", async () => {
  const request = {...ask, ...closing, tools, tool_choice: "required"};
  const whole = (await clientOf(qwq).create(request)).choices[0].message;
  const seen = {content: "", reasoning_content: "", arguments: ""}, order = [];
  for await (const {choices: [{delta}]} of await clientOf(qwq).create({...request, stream: true})) {
    const kind = delta.tool_calls ? "arguments" : Object.keys(delta).find((key) => key !== "role" && delta[key]);
    if (!kind) continue;
    if (order.at(-1) !== kind) order.push(kind);
    seen[kind] += delta.tool_calls?.[0].function.arguments ?? delta[kind];
  }
  assert.deepEqual(order, ["reasoning_content", "arguments"]);
  assert.equal(seen.reasoning_content, whole.reasoning_content);
  assert.equal(seen.arguments, whole.tool_calls.map((call) => call.function.arguments).join(""));
});

test("a template that ends the reasoning in the prompt leaves none", async () => {
  const {choices: [{message}]} = await clientOf(qwen).create(
    {...ask, max_tokens: 30, chat_template_kwargs: {enable_thinking: false}});
  assert.equal(message.reasoning_content, undefined);
  assert.ok(message.content.length > 20);
});

test("earlier reasoning goes back to a template that wants it", async () => {
  const length = async (more) => (await clientOf(qwen).create({...ask, max_tokens: 1, tools, messages: [
    ...ask.messages,
    {role: "assistant", content: null, ...more, tool_calls: [{id: "a", type: "function", function: {name: "now", arguments: "{}"}}]},
    {role: "tool", tool_call_id: "a", content: "noon"},
  ]})).usage.prompt_tokens;
  assert.ok(await length({reasoning_content: "What may the time be?"}) > await length({}) + 5);
});

test("nothing is left behind", async () => {
  await idle(qwen);
  await idle(qwq);
});

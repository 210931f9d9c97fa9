// openai_chat.test.mjs - a real chat model with its own template, through the official client.
import assert from "node:assert/strict";
import path from "node:path";
import {after, before, test} from "node:test";
import OpenAI from "openai";
import {idle, modelsFolder, startServer} from "../server.mjs";

let server, client;
before(async () => {
  server = await startServer(
    {model: path.join(modelsFolder, "tinyllama-1.1b-chat-v1.0.IQ2_XXS.gguf"), chat: false});
  client = new OpenAI({baseURL: server.url + "/v1", apiKey: server.key, maxRetries: 0});
});
after(() => server?.stop());

const ask = (messages, changes) => client.chat.completions.create(
  {model: "local-llm", messages, temperature: 0, max_tokens: 40, ...changes});
const user = (content) => ({role: "user", content});

test("it knows the capital of France, and when it is done", async () => {
  const answer = await ask([user("What is the capital of France? Answer in one sentence.")]);
  assert.match(answer.choices[0].message.content, /Paris/);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.doesNotMatch(answer.choices[0].message.content, /<\||<\/s>/);
});

test("the template is the model's own: the same prompt by hand gives the same answer", async () => {
  const messages = [{role: "system", content: "You are brief."}, user("Name three colours.")];
  const chat = await ask(messages);
  const hand = await client.completions.create({model: "local-llm", temperature: 0, max_tokens: 40,
    prompt: "<|system|>\nYou are brief.</s>\n<|user|>\nName three colours.</s>\n<|assistant|>\n"});
  assert.equal(hand.choices[0].text, chat.choices[0].message.content);
  assert.equal(hand.usage.prompt_tokens, chat.usage.prompt_tokens);
});

test("a conversation remembers, and does not read its past again", async () => {
  const messages = [user("My name is Ottilie and I live in Bremen with two cats. Please greet me.")];
  const first = await ask(messages);
  messages.push(first.choices[0].message, user("What is my name?"));
  const second = await ask(messages);
  assert.match(second.choices[0].message.content, /Ottilie/);
  assert.ok(second.usage.prompt_tokens_details.cached_tokens >= 32);
});

test("somebody's long prompt does not stop another's answer", async (t) => {
  await idle(server);
  const stream = await ask([user("Tell me a long story about the sea.")],
    {max_tokens: 80, stream: true, logit_bias: {2: -100}});
  const gaps = [];
  let last = Date.now();
  let other;
  for await (const chunk of stream) {
    assert.ok(chunk.choices);
    gaps.push(Date.now() - last);
    last = Date.now();
    if (gaps.length === 10)
      other = ask([user("The river was cold and dark. ".repeat(100))], {max_tokens: 1})
        .then(({usage}) => ({tokens: usage.prompt_tokens, at: gaps.length}));
  }
  const {tokens, at} = await other;
  t.diagnostic(`longest silence ${Math.max(...gaps)} ms, while ${tokens} tokens were read`);
  assert.ok(at > 15, "tokens came while the prompt was read");
});

test("eight people at once get the answers that each would get alone", async (t) => {
  const questions = ["What is rain?", "Name a fruit.", "Why do cats purr?", "What is 2 + 2?",
    "Who wrote Hamlet?", "Say hello.", "What is a poem?", "What is snow?"];
  let start = Date.now();
  const alone = [];
  for (const question of questions) alone.push(await ask([user(question)], {max_tokens: 24}));
  const one = Date.now() - start;
  start = Date.now();
  const together = await Promise.all(
    questions.map((question) => ask([user(question)], {max_tokens: 24})));
  t.diagnostic(`one after the other ${one} ms, together ${Date.now() - start} ms`);
  together.forEach((answer, i) => assert.equal(answer.choices[0].message.content,
    alone[i].choices[0].message.content));
});

// openai_client.test.mjs - the official client, unchanged, against the server.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import OpenAI from "openai";
import {embeddingModel, idle, startServer} from "./server.mjs";

let server, client;
before(async () => {
  server = await startServer({args: ["--embedding-model", embeddingModel], key: "sesame"});
  client = new OpenAI({baseURL: server.url + "/v1", apiKey: "sesame", maxRetries: 0});
});
after(() => server?.stop());

const story = [{role: "user", content: "Once upon a time"}];
const greedy = {model: "local-llm", messages: story, temperature: 0, max_tokens: 40};

test("models: listed and retrieved, by the alias and by name", async () => {
  const list = await client.models.list();
  assert.deepEqual(list.data.map((model) => model.id), ["local-llm", "stories15m", "minilm"]);
  assert.equal(list.data[0].object, "model");
  assert.equal(list.data[0].owned_by, "local");
  assert.equal((await client.models.retrieve("stories15m")).id, "stories15m");
  await assert.rejects(client.models.retrieve("gpt-9"), OpenAI.NotFoundError);
});

test("chat: a whole answer", async () => {
  const answer = await client.chat.completions.create(greedy);
  assert.match(answer.id, /^chatcmpl-[0-9a-f]{8}$/);
  assert.equal(answer.object, "chat.completion");
  assert.ok(Math.abs(answer.created - Date.now() / 1000) < 10);
  assert.equal(answer.model, "local-llm");
  assert.equal(answer.choices.length, 1);
  assert.equal(answer.choices[0].message.role, "assistant");
  assert.match(answer.choices[0].message.content, /there was a little girl named Lily/);
  assert.equal(answer.choices[0].finish_reason, "length");
  assert.equal(answer.usage.prompt_tokens, 5); // <s> Once upon a time
  assert.equal(answer.usage.completion_tokens, 40);
  assert.equal(answer.usage.total_tokens, 45);
});

test("chat: a stream says the same, in OpenAI's order", async () => {
  const whole = await client.chat.completions.create(greedy);
  const stream = await client.chat.completions.create(
    {...greedy, stream: true, stream_options: {include_usage: true}});
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.deepEqual(chunks[0].choices[0].delta, {role: "assistant", content: ""});
  assert.ok(chunks.length > 30, "pieces come as they are made");
  assert.equal(chunks.slice(1, -2).map((chunk) => chunk.choices[0].delta.content).join(""),
    whole.choices[0].message.content);
  const [last, usage] = chunks.slice(-2);
  assert.equal(last.choices[0].finish_reason, "length");
  assert.deepEqual(last.choices[0].delta, {});
  assert.deepEqual(usage.choices, []);
  // How many drafts were tried depends on what steps cost at that moment; the text does not.
  assert.deepEqual({...usage.usage, completion_tokens_details: null}, {...whole.usage, completion_tokens_details: null});
  for (const chunk of chunks) {
    assert.equal(chunk.object, "chat.completion.chunk");
    assert.equal(chunk.id, chunks[0].id);
  }
  assert.equal(chunks[0].usage, null);
});

test("chat: the client's stream helper adds it up", async () => {
  const runner = client.chat.completions.stream({...greedy, max_tokens: 10});
  const final = await runner.finalChatCompletion();
  assert.match(final.choices[0].message.content, /there was/);
});

test("chat: without stream_options there is no usage chunk", async () => {
  const stream = await client.chat.completions.create({...greedy, max_tokens: 3, stream: true});
  for await (const chunk of stream) {
    assert.equal(chunk.choices.length, 1);
    assert.equal(chunk.usage, undefined);
  }
});

test("chat: the whole history counts, and text parts are text", async () => {
  const asParts = await client.chat.completions.create({...greedy, messages: [
    {role: "system", content: "Once"}, {role: "assistant", content: " upon"},
    {role: "user", content: [{type: "text", text: " a time"}]}]});
  const asOne = await client.chat.completions.create(greedy);
  assert.equal(asParts.choices[0].message.content, asOne.choices[0].message.content);
  assert.equal(asParts.usage.prompt_tokens, asOne.usage.prompt_tokens);
});

test("chat: the same seed, the same text, whatever else runs", async () => {
  const ask = (seed) => client.chat.completions.create({...greedy, temperature: 1, seed});
  const text = (answer) => answer.choices[0].message.content;
  const alone = text(await ask(7));
  const crowd = await Promise.all([ask(1), ask(7), ask(2), ask(7), ask(3)]);
  assert.equal(text(crowd[1]), alone);
  assert.equal(text(crowd[3]), alone);
  assert.notEqual(text(crowd[0]), alone);
  const unseeded = await Promise.all([1, 2].map(() =>
    client.chat.completions.create({...greedy, temperature: 1.5})));
  assert.notEqual(text(unseeded[0]), text(unseeded[1]));
});

test("chat: n answers to one prompt, the first as without n", async () => {
  const one = await client.chat.completions.create({...greedy, temperature: 1, seed: 5});
  const three = await client.chat.completions.create({...greedy, temperature: 1, seed: 5, n: 3});
  assert.deepEqual(three.choices.map((choice) => choice.index), [0, 1, 2]);
  assert.equal(three.choices[0].message.content, one.choices[0].message.content);
  assert.notEqual(three.choices[1].message.content, one.choices[0].message.content);
  assert.equal(three.usage.prompt_tokens, one.usage.prompt_tokens);
  assert.equal(three.usage.completion_tokens, 120);
  const texts = ["", "", ""];
  const stream = await client.chat.completions.create(
    {...greedy, temperature: 1, seed: 5, n: 3, stream: true});
  for await (const {choices: [choice]} of stream) texts[choice.index] += choice.delta.content ?? "";
  assert.deepEqual(texts, three.choices.map((choice) => choice.message.content));
});

test("chat: stop strings end the answer and never show", async () => {
  const whole = (await client.chat.completions.create(greedy)).choices[0].message.content;
  for (const stop of ["little girl", ["zzz", "irl nam"], ["\n", "ily"]]) {
    const strings = [stop].flat();
    const first = Math.min(...strings.map((s) => whole.indexOf(s)).filter((at) => at >= 0));
    const answer = await client.chat.completions.create({...greedy, stop});
    assert.equal(answer.choices[0].message.content, whole.slice(0, first));
    assert.equal(answer.choices[0].finish_reason, "stop");
    const stream = await client.chat.completions.create({...greedy, stop, stream: true});
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0].delta.content ?? "";
    assert.equal(text, whole.slice(0, first));
  }
});

test("chat: logprobs are probabilities of the raw distribution", async () => {
  const {choices: [choice]} = await client.chat.completions.create(
    {...greedy, max_tokens: 12, logprobs: true, top_logprobs: 20});
  const entries = choice.logprobs.content;
  assert.equal(entries.length, 12);
  assert.equal(Buffer.from(entries.flatMap((entry) => entry.bytes)).toString(),
    choice.message.content);
  for (const entry of entries) {
    assert.equal(entry.top_logprobs.length, 20);
    const sum = entry.top_logprobs.reduce((total, top) => total + Math.exp(top.logprob), 0);
    assert.ok(sum > 0.5 && sum <= 1.0001, `sum ${sum}`);
    for (let i = 1; i < 20; i++)
      assert.ok(entry.top_logprobs[i - 1].logprob >= entry.top_logprobs[i].logprob);
    assert.equal(entry.token, entry.top_logprobs[0].token); // greedy
    assert.equal(entry.logprob, entry.top_logprobs[0].logprob);
  }
  const hot = await client.chat.completions.create(
    {...greedy, max_tokens: 1, temperature: 2, seed: 3, logprobs: true, top_logprobs: 20});
  assert.deepEqual(hot.choices[0].logprobs.content[0].top_logprobs, entries[0].top_logprobs);
  const streamed = [];
  for await (const chunk of await client.chat.completions.create(
    {...greedy, max_tokens: 12, logprobs: true, top_logprobs: 20, stream: true}))
    streamed.push(...chunk.choices[0].logprobs?.content ?? []);
  assert.deepEqual(streamed, entries);
});

test("chat: logit_bias and penalties change what is said", async () => {
  const whole = await client.chat.completions.create(greedy);
  assert.ok(whole.choices[0].message.content.startsWith(","));
  const {body: {tokens}} = await server.json("/tokenize", {content: "Once upon a time,"});
  const biased = await client.chat.completions.create(
    {...greedy, logit_bias: {[tokens.at(-1)]: -100}});
  assert.ok(!biased.choices[0].message.content.startsWith(","));
  const text = (answer) => answer.choices[0].message.content;
  for (const penalty of [{repetition_penalty: 1.8}, {presence_penalty: 2}, {frequency_penalty: 2}])
    assert.notEqual(text(await client.chat.completions.create({...greedy, ...penalty})),
      text(whole));
  // The narrowest filters leave only the best token, however hot.
  for (const filter of [{top_k: 1}, {top_p: 0}, {min_p: 1}])
    assert.equal(text(await client.chat.completions.create({...greedy, temperature: 2, ...filter})),
      text(whole));
});

test("chat: max_completion_tokens, and more than the context leaves", async () => {
  const short = await client.chat.completions.create(
    {...greedy, max_tokens: undefined, max_completion_tokens: 4});
  assert.equal(short.usage.completion_tokens, 4);
  const long = await client.chat.completions.create({...greedy, max_tokens: 1e9,
    logit_bias: {1: -100, 2: -100}}); // no end token: until the context is full
  assert.equal(long.choices[0].finish_reason, "length");
  assert.equal(long.usage.total_tokens, 256);
});

test("chat: ignore_eos goes on to max_tokens", async () => {
  const ended = {...greedy, max_tokens: 9, logit_bias: {2: 100}}; // the end token at once
  assert.equal((await client.chat.completions.create(ended)).choices[0].finish_reason, "stop");
  const whole = await client.chat.completions.create({...ended, ignore_eos: true});
  assert.equal(whole.usage.completion_tokens, 9);
  assert.equal(whole.choices[0].finish_reason, "length");
});

test("completions: a string, several, and tokens; echo and several answers", async () => {
  const ask = {model: "stories15m", temperature: 0, max_tokens: 12};
  const one = await client.completions.create({...ask, prompt: "Once upon a time"});
  assert.equal(one.object, "text_completion");
  assert.match(one.id, /^cmpl-[0-9a-f]{8}$/);
  assert.match(one.choices[0].text, /^, there was a little girl/);
  const two = await client.completions.create(
    {...ask, prompt: ["Once upon a time", "The little dog"], n: 2});
  assert.deepEqual(two.choices.map((choice) => choice.index), [0, 1, 2, 3]);
  assert.equal(two.choices[0].text, one.choices[0].text);
  assert.equal(two.choices[1].text, one.choices[0].text);
  assert.notEqual(two.choices[2].text, one.choices[0].text);
  const {body: {tokens}} = await server.json("/tokenize",
    {content: "Once upon a time", add_special: true});
  for (const prompt of [tokens, [tokens]])
    assert.equal((await client.completions.create({...ask, prompt})).choices[0].text,
      one.choices[0].text);
  const echo = await client.completions.create({...ask, prompt: "Once upon a time", echo: true});
  assert.equal(echo.choices[0].text, "Once upon a time" + one.choices[0].text);
  let text = "";
  let finish;
  for await (const {choices: [choice]} of await client.completions.create(
    {...ask, prompt: "Once upon a time", echo: true, stream: true})) {
    text += choice.text;
    finish = choice.finish_reason;
  }
  assert.equal(text, echo.choices[0].text);
  assert.equal(finish, "length");
});

test("completions: the legacy logprobs", async () => {
  const {choices: [choice]} = await client.completions.create({model: "local-llm",
    prompt: "Once upon a time", temperature: 0, max_tokens: 8, logprobs: 3});
  const {tokens, token_logprobs, top_logprobs, text_offset} = choice.logprobs;
  assert.equal(tokens.join(""), choice.text);
  assert.equal(token_logprobs.length, 8);
  let offset = 0;
  tokens.forEach((token, i) => {
    assert.equal(text_offset[i], offset);
    offset += token.length;
    assert.equal(Object.keys(top_logprobs[i]).length, 3);
    assert.equal(Math.max(...Object.values(top_logprobs[i])), token_logprobs[i]);
  });
});

test("embeddings: floats, base64 and tokens, of unit length and meaningful", async () => {
  const input = ["A cat sits on the mat.", "A kitten rests on a rug.", "Shares fell on Monday."];
  const asFloats = await client.embeddings.create(
    {model: "minilm", input, encoding_format: "float"});
  assert.equal(asFloats.object, "list");
  assert.deepEqual(asFloats.data.map((row) => row.index), [0, 1, 2]);
  const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const [cat, kitten, shares] = asFloats.data.map((row) => row.embedding);
  assert.equal(cat.length, 384);
  assert.ok(Math.abs(dot(cat, cat) - 1) < 1e-4);
  assert.ok(dot(cat, kitten) > dot(cat, shares) + 0.2);
  assert.ok(asFloats.usage.prompt_tokens >= 18);
  assert.equal(asFloats.usage.total_tokens, asFloats.usage.prompt_tokens);
  const asClientAsks = await client.embeddings.create({model: "local-llm", input}); // base64
  asClientAsks.data.forEach((row, i) => row.embedding.forEach((x, j) =>
    assert.ok(Math.abs(x - asFloats.data[i].embedding[j]) < 1e-6)));
  const {body: {tokens}} = await server.json("/tokenize",
    {model: "minilm", content: input[0], add_special: true});
  const asTokens = await client.embeddings.create(
    {model: "minilm", input: [tokens], encoding_format: "float"});
  assert.deepEqual(asTokens.data[0].embedding, cat);
  await assert.rejects(client.embeddings.create({model: "minilm", input, dimensions: 7}),
    (error) => error instanceof OpenAI.BadRequestError && error.param === "dimensions");
});

test("errors come as the client's own classes", async () => {
  const ask = (changes) => client.chat.completions.create({...greedy, ...changes});
  await assert.rejects(ask({model: "gpt-9"}), (error) =>
    error instanceof OpenAI.NotFoundError && error.code === "model_not_found" &&
    error.param === "model" && error.type === "not_found_error");
  await assert.rejects(ask({messages: [{role: "user", content: "dog ".repeat(400)}]}), (error) =>
    error instanceof OpenAI.BadRequestError && error.code === "context_length_exceeded" &&
    error.param === "messages" && /256/.test(error.message) && /\b40\d\b/.test(error.message));
  await assert.rejects(ask({temperature: 9}), OpenAI.BadRequestError);
  const stranger = new OpenAI({baseURL: server.url + "/v1", apiKey: "guess", maxRetries: 0});
  await assert.rejects(stranger.models.list(), (error) =>
    error instanceof OpenAI.AuthenticationError && error.code === "invalid_api_key" &&
    error.message.includes("Invalid or expired token"));
});

test("an aborted stream stops the engine", async () => {
  await idle(server);
  const before = await server.metric("liminal_engine_cancelled_total");
  const stream = await client.chat.completions.create({...greedy, max_tokens: 250, n: 8,
    logit_bias: {1: -100, 2: -100}, stream: true});
  for await (const chunk of stream) {
    assert.ok(chunk.choices);
    break; // the client aborts its connection
  }
  await idle(server);
  assert.equal(await server.metric("liminal_engine_cancelled_total"), before + 8);
});

// openai_tools.test.mjs - tools and reasoning with the official client, on models of random weights with the tokenizers and
// templates of Qwen 3 (<tool_call>, <think>), Qwen 2.5, Llama 3.2 (bare JSON) and Mistral ([TOOL_CALLS], a special token):
// whatever such a model writes, it is a call that fits, in OpenAI's shape.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {after, before, describe, test} from "node:test";
import OpenAI from "openai";
import {faultOf, randomNumbers, randomTool} from "./random_tools.mjs";
import {idle, startServer} from "./server.mjs";
import {makeTinyModel} from "./tiny_models.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-tiny-"));
after(() => fs.rmSync(folder, {recursive: true, force: true}));

const tool = (name, properties, required = Object.keys(properties)) => ({type: "function", function: {
  name, description: `Call ${name}`, parameters: {type: "object", properties, required, additionalProperties: false},
}});
const weather = tool("get_weather", {city: {enum: ["Bern", "Oslo"]}, days: {type: "integer", minimum: 1, maximum: 9}}, ["city"]);
const clock = tool("now", {});
const tools = [weather, clock];
const messages = [{role: "user", content: "What is the weather in Bern?"}];
const ask = {model: "local-llm", messages, tools, max_tokens: 400, temperature: 1, seed: 7};
// What two answers to the same request must have in common: all but the ids.
const essence = ({message, finish_reason}) => ({content: message.content, finish_reason,
  calls: message.tool_calls?.map((call) => call.function)});

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

for (const family of ["qwen3", "qwen2.5", "llama3.2", "mistral"]) {
  describe(family, () => {
    // A model that reasons may do so at any length: here its template tells it not to.
    const required = {...ask, tool_choice: "required", chat_template_kwargs: {enable_thinking: false}};
    let server, client;
    before(async () => {
      server = await startServer({model: makeTinyModel(family, folder), chat: false});
      client = new OpenAI({baseURL: server.url + "/v1", apiKey: server.key, maxRetries: 0});
    });
    after(() => server?.stop());

    test("a call that is required comes, and fits", async () => {
      const {choices: [choice], usage} = await client.chat.completions.create(required);
      assert.equal(choice.finish_reason, "tool_calls");
      assert.equal(choice.message.role, "assistant");
      assert.equal(choice.message.content, null);
      assert.ok(choice.message.tool_calls.length >= 1);
      for (const call of choice.message.tool_calls) {
        assert.match(call.id, /^call_[0-9A-Za-z]{9}$/);
        assert.equal(call.type, "function");
        assert.equal(faultOf(call, tools), null);
      }
      assert.equal(new Set(choice.message.tool_calls.map((call) => call.id)).size, choice.message.tool_calls.length);
      assert.ok(usage.completion_tokens > 5);
    });

    test("a stream says the same, in OpenAI's deltas", async () => {
      const whole = await client.chat.completions.create(required);
      const chunks = await collect(await client.chat.completions.create({...required, stream: true}));
      const deltas = chunks.map((chunk) => chunk.choices[0].delta);
      assert.deepEqual(deltas[0], {role: "assistant", content: null});
      assert.deepEqual(deltas.at(-1), {});
      const calls = [];
      for (const {tool_calls: [piece]} of deltas.slice(1, -1)) {
        if (piece.id) {
          assert.deepEqual(piece, {index: calls.length, id: piece.id, type: "function",
            function: {name: piece.function.name, arguments: ""}});
          calls.push({...piece.function});
        } else {
          assert.deepEqual(Object.keys(piece), ["index", "function"]);
          assert.deepEqual(Object.keys(piece.function), ["arguments"]);
          assert.equal(piece.index, calls.length - 1);
          calls[piece.index].arguments += piece.function.arguments;
        }
      }
      assert.deepEqual(calls, essence(whole.choices[0]).calls);
      assert.equal(chunks.at(-1).choices[0].finish_reason, "tool_calls");
      assert.ok(deltas.length > 5, "arguments come as they are made");
    });

    test("the client's helper for streams understands it", async () => {
      const whole = await client.chat.completions.create(required);
      const stream = client.chat.completions.stream(required);
      const seen = [];
      stream.on("tool_calls.function.arguments.done", ({name, index}) => seen.push([name, index]));
      const final = await stream.finalChatCompletion();
      assert.deepEqual(essence(final.choices[0]), essence(whole.choices[0]));
      assert.deepEqual(seen, final.choices[0].message.tool_calls.map((call, i) => [call.function.name, i]));
    });

    test("the client's loop calls the functions and tells the model what they gave", async () => {
      const asked = [];
      const function_ = (name) => ({type: "function", function: {
        ...tools.find((each) => each.function.name === name).function,
        parse: JSON.parse,
        function: (args) => {
          asked.push([name, args]);
          return {answer: "12 degrees \"Celsius\""};
        },
      }});
      // Ids of calls are drawn, and some templates show them to the model: only one call has a length that is known.
      const runner = client.chat.completions.runTools(
        {...required, parallel_tool_calls: false, tools: [function_("get_weather"), function_("now")]}, {maxChatCompletions: 3});
      await runner.done();
      const roles = runner.messages.map((message) => message.role);
      assert.equal(roles.filter((role) => role === "assistant").length, 3);
      assert.equal(roles.filter((role) => role === "tool").length, asked.length);
      assert.ok(asked.length >= 3);
    });

    test("a named tool is called once, and only it", async () => {
      for (const name of ["get_weather", "now"]) {
        const {choices} = await client.chat.completions.create(
          {...required, n: 3, tool_choice: {type: "function", function: {name}}});
        for (const {message, finish_reason} of choices) {
          assert.deepEqual(message.tool_calls.map((call) => call.function.name), [name]);
          assert.equal(finish_reason, "tool_calls");
        }
      }
      const {choices: [some]} = await client.chat.completions.create({...required, tool_choice: {
        type: "allowed_tools", allowed_tools: {mode: "required", tools: [{type: "function", function: {name: "now"}}]},
      }});
      assert.ok(some.message.tool_calls.every((call) => call.function.name === "now"));
    });

    test("parallel_tool_calls: false means one call", async () => {
      const {choices} = await client.chat.completions.create({...required, n: 8, parallel_tool_calls: false});
      for (const {message} of choices) assert.equal(message.tool_calls.length, 1);
    });

    test("a choice of none, or of the model's, is a text without halves of calls", async () => {
      for (const tool_choice of ["none", "auto"]) {
        const {choices: [{message}]} = await client.chat.completions.create({...ask, tool_choice, max_tokens: 40});
        assert.doesNotMatch(message.content + message.reasoning_content, /<tool_call>|"name":/);
        assert.ok(message.content.length + (message.reasoning_content ?? "").length > 20);
      }
    });

    test("an answer that was cut has the calls as far as they came", async () => {
      const whole = essence((await client.chat.completions.create(required)).choices[0]);
      for (const max_tokens of [1, 4, 8, 14]) {
        const cut = essence((await client.chat.completions.create({...required, max_tokens})).choices[0]);
        assert.equal(cut.finish_reason, "length");
        assert.doesNotMatch(cut.content ?? "", /[<{]/);
        const last = cut.calls?.length - 1;
        cut.calls?.forEach((call, i) => {
          assert.equal(call.name, whole.calls[i].name);
          assert.ok(whole.calls[i].arguments.startsWith(call.arguments));
          if (i < last) assert.equal(call.arguments, whole.calls[i].arguments);
        });
      }
    });

    test("log-probabilities are of all that was written", async () => {
      const {choices: [choice], usage} = await client.chat.completions.create({...required, logprobs: true});
      const written = choice.logprobs.content.map((entry) => entry.token).join("");
      for (const call of choice.message.tool_calls) assert.ok(written.includes(call.function.arguments));
      assert.ok(choice.logprobs.content.length >= usage.completion_tokens - 1); // the end has none
      if (family === "mistral") // one token, not its letters
        assert.ok(choice.logprobs.content.some((entry) => entry.token === "[TOOL_CALLS]"));
      const chunks = await collect(await client.chat.completions.create({...required, logprobs: true, stream: true}));
      const streamed = chunks.flatMap((chunk) => chunk.choices[0].logprobs?.content ?? []);
      assert.deepEqual(streamed, choice.logprobs.content);
    });

    test("arguments fit every schema", async () => {
      const random = randomNumbers(family.length);
      let ended = 0, calls = 0;
      const one = async (seed) => {
        const some = Array.from({length: 1 + random(3)}, (_, i) => randomTool(random, `tool_${i}`));
        const {choices: [{message, finish_reason}]} = await client.chat.completions.create(
          {...required, tools: some, max_tokens: 600, seed});
        const whole = finish_reason === "length" ? message.tool_calls.slice(0, -1) : message.tool_calls;
        for (const call of whole) assert.equal(faultOf(call, some), null, JSON.stringify(some));
        ended += finish_reason === "tool_calls";
        calls += whole.length;
      };
      for (let i = 0; i < 40; i += 8) await Promise.all(Array.from({length: 8}, (_, k) => one(i + k)));
      assert.ok(ended >= 20 && calls >= 40, `${ended} of 40 came to an end, with ${calls} calls`);
    });

    test("a conversation with calls of other makers is told to the model", async () => {
      const call = (id, name, args) => ({id, type: "function", function: {name, arguments: args}});
      const {choices: [{finish_reason}]} = await client.chat.completions.create({...ask, max_tokens: 5, messages: [
        {role: "system", content: "Be brief."}, ...messages,
        {role: "assistant", content: null, tool_calls: [call("toolu_01A", "get_weather", "{\"city\": \"Bern\"}"), call("x", "now", "")]},
        {role: "tool", tool_call_id: "toolu_01A", content: "12 degrees"},
        {role: "tool", tool_call_id: "x", content: [{type: "text", text: "noon"}]},
        {role: "assistant", content: "12 degrees.", reasoning_content: "Hm."},
        {role: "user", content: "Thanks"},
      ]});
      assert.equal(finish_reason, "length");
    });

    test("nothing is left behind", () => idle(server));
  });
}

// openai_tools.test.mjs - a real chat model, whose template knows no tools, asks for one and tells what it gave; and
// hundreds of random tools on models of random weights.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {after, before, describe, test} from "node:test";
import OpenAI from "openai";
import {faultOf, randomNumbers, randomTool} from "../random_tools.mjs";
import {modelsFolder, startServer} from "../server.mjs";
import {makeTinyModel} from "../tiny_models.mjs";

const clientOf = (server) => new OpenAI({baseURL: server.url + "/v1", apiKey: server.key, maxRetries: 0}).chat.completions;

describe("the default model", () => {
  const tools = [{type: "function", function: {
    name: "get_weather", description: "Get the current weather in a city",
    parameters: {type: "object", properties: {city: {type: "string", description: "The city's name"}}, required: ["city"]},
  }}];
  const ask = {model: "local-llm", tools, temperature: 0, max_tokens: 120};
  let server;
  before(async () => {
    server = await startServer(
      {model: path.join(modelsFolder, "tinyllama-1.1b-chat-v1.0.IQ2_XXS.gguf"), chat: false});
  });
  after(() => server?.stop());

  test("it asks for the weather, hears it, and tells of it", async () => {
    const messages = [{role: "user", content: "What is the weather in Paris?"}];
    const asked = await clientOf(server).create({...ask, messages, tool_choice: {type: "function", function: {name: "get_weather"}}});
    const {message} = asked.choices[0];
    assert.equal(asked.choices[0].finish_reason, "tool_calls");
    assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), {city: "Paris"});
    messages.push(message, {role: "tool", tool_call_id: message.tool_calls[0].id,
      content: "{\"city\": \"Paris\", \"temperature\": \"31 degrees\", \"sky\": \"heavy rain\"}"});
    const told = await clientOf(server).create({...ask, messages});
    assert.equal(told.choices[0].finish_reason, "stop");
    assert.match(told.choices[0].message.content, /31 degrees/);
    // The call goes back as the model wrote it: it need not be read again.
    assert.ok(told.usage.prompt_tokens_details.cached_tokens >= 16 * Math.floor(asked.usage.prompt_tokens / 16));
  });
});

describe("random tools", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-tiny-"));
  after(() => fs.rmSync(folder, {recursive: true, force: true}));
  const REQUESTS = 320, AT_ONCE = 16;

  for (const family of ["qwen3", "qwen2.5", "llama3.2", "mistral"])
    test(`${family}: the arguments of every call fit`, async (t) => {
      const server = await startServer({model: makeTinyModel(family, folder), chat: false});
      const random = randomNumbers(1000 + family.length);
      let ended = 0, calls = 0;
      const one = async (seed) => {
        const tools = Array.from({length: 1 + random(4)}, (_, i) => randomTool(random, `tool_${i}`));
        const {choices: [{message, finish_reason}]} = await clientOf(server).create({
          model: "local-llm", messages: [{role: "user", content: "Go on."}], tools, seed, temperature: 1, max_tokens: 600,
          tool_choice: "required", chat_template_kwargs: {enable_thinking: false},
        });
        const whole = finish_reason === "length" ? message.tool_calls.slice(0, -1) : message.tool_calls;
        for (const call of whole) assert.equal(faultOf(call, tools), null, JSON.stringify(tools));
        ended += finish_reason === "tool_calls";
        calls += whole.length;
      };
      try {
        for (let i = 0; i < REQUESTS; i += AT_ONCE)
          await Promise.all(Array.from({length: AT_ONCE}, (_, k) => one(i + k)));
      } finally {
        await server.stop();
      }
      t.diagnostic(`${ended} of ${REQUESTS} answers came to their end; ${calls} calls`);
      assert.ok(ended >= REQUESTS / 2);
    });
});

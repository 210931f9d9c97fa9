// template_conversations.mjs - the conversations that every chat template is rendered with.

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Get the current weather in a city.\nAnswers in °C.",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string", description: "The city's name, e.g. \"Zürich\"" },
        unit: { type: "string", enum: ["celsius", "fahrenheit"], default: "celsius" },
        days: { type: "integer", minimum: 1 },
        tags: { type: "array", items: { type: "string" } },
      },
      required: ["city"],
    },
  },
};
const clock = {
  type: "function",
  function: { name: "now", description: "The time", parameters: { type: "object", properties: {} } },
};

const say = (role, content, more = {}) => ({ role, content, ...more });
const system = say("system", "You are a helpful assistant.\nBe brief.");
const hello = say("user", "Hello, how are you?");
const fine = say("assistant", "I'm fine, thanks. And <b>you</b> & yours?");
const question = say("user", "What's the weather in Zürich? ☀️");
const toolCall = (name, args, id) => ({ id, type: "function", function: { name, arguments: args } });
const call = (args, content) =>
  say("assistant", content, { tool_calls: [toolCall("get_weather", args, "call12345")] });
const result = say("tool", '{"temperature": 21.5, "sky": "clear"}', {
  tool_call_id: "call12345",
  name: "get_weather",
});
const answer = say("assistant", "It is 21.5 °C and clear.");
const part = (text) => ({ type: "text", text });

const base = { add_generation_prompt: true, bos_token: "<s>", eos_token: "</s>", pad_token: "<pad>", unk_token: "<unk>" };
const of = (name, messages, more = {}) => ({ name, context: { messages, ...base, ...more } });

export const conversations = [
  of("user", [hello]),
  of("user, no prompt", [hello], { add_generation_prompt: false }),
  of("system and user", [system, hello]),
  of("several turns", [system, hello, fine, say("user", "Good.\n")]),
  of("several turns without system, no prompt", [hello, fine, say("user", "Good."), fine], { add_generation_prompt: false }),
  of("unicode and white space", [say("system", "  ¿Qué? 日本語 \n"), say("user", "\n 👩‍👩‍👧 '\"\\ {{ x }} {% y %} \t")]),
  of("empty contents", [say("system", ""), say("user", ""), say("assistant", ""), say("user", "?")]),
  of("text parts", [say("system", [part("Be kind.")]), say("user", [part("Part one."), part(" Part two.")])]),
  of("tools", [system, question], { tools: [weather, clock] }),
  of("tools without system", [question], { tools: [weather] }),
  of("tool call and result", [system, question, call({ city: "Zürich", days: 2 }, ""), result], { tools: [weather, clock] }),
  of("tool call, answered", [question, call({ city: "Zürich", tags: ["a", true, null, 1.5] }, ""), result, answer, say("user", "Thanks!")], { tools: [weather] }),
  of("tool call as the API sends it", [question, call('{"city": "Zürich"}', null), result], { tools: [weather] }),
  of("two tool calls", [question, say("assistant", "Let me look.", { tool_calls: [toolCall("get_weather", { city: "Bern" }, "call00001"), toolCall("now", {}, "call00002")] }), result, say("tool", "12:00", { tool_call_id: "call00002", name: "now" })], { tools: [weather, clock] }),
  of("reasoning", [hello, say("assistant", "<think>\nHm.\n</think>\n\nFine.", { reasoning_content: "Hm." }), say("user", "And now?")]),
  of("no thinking", [hello], { enable_thinking: false, thinking: false }),
  of("roles do not alternate", [hello, hello, fine]),
  of("developer", [say("developer", "Talk like a pirate."), hello]),
];

// openai_errors.test.mjs - what is wrong with a request is said in OpenAI's shape, naming the field,
// and no body, however odd, hurts the server.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";
import {embeddingModel, startServer} from "./server.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server?.stop());

const chat = {messages: [{role: "user", content: "Hi"}], max_tokens: 1};
const routes = {
  "/v1/chat/completions": chat,
  "/v1/completions": {prompt: "Hi", max_tokens: 1},
  "/v1/embeddings": {input: "Hi"},
  "/tokenize": {content: "Hi"},
  "/detokenize": {tokens: [5]},
};

// The error of a request that must be refused, checked for its shape.
async function refusal(route, body, code = 400) {
  const answer = await server.json(route, body);
  const what = `${route} ${JSON.stringify(body).slice(0, 200)} -> ${JSON.stringify(answer.body)}`;
  assert.equal(answer.code, code, what);
  const {error, detail} = answer.body;
  assert.deepEqual(Object.keys(answer.body), ["error", "detail"], what);
  assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"], what);
  assert.equal(typeof error.message, "string");
  assert.ok(error.message.length > 5, what);
  assert.equal(detail, error.message);
  assert.match(answer.headers.get("content-type"), /^application\/json/);
  assert.ok(answer.headers.get("x-request-id"));
  return error;
}

// One value of every JSON type; a field must refuse those that are not its own.
const values = {
  string: "x", integer: 1, number: 0.5, true: true, array: [], object: {}, filled: [{}],
};
const number = ["integer", "number"];
const fields = {
  "/v1/chat/completions": {
    model: ["string"], messages: [], temperature: number, top_p: number, min_p: number,
    top_k: ["integer"], max_tokens: ["integer"], max_completion_tokens: ["integer"],
    stop: ["string", "array"], n: ["integer"], seed: ["integer"], presence_penalty: number,
    frequency_penalty: number, repetition_penalty: number, logit_bias: ["object"],
    logprobs: ["true"], top_logprobs: [], stream: ["true"], stream_options: ["object"],
    user: ["string"], response_format: ["object"], tools: ["array"], functions: ["array"],
    modalities: ["array"], ignore_eos: ["true"], tool_choice: [], parallel_tool_calls: ["true"],
    function_call: [], chat_template_kwargs: ["object"], reasoning_effort: ["string"],
  },
  "/v1/completions": {
    model: ["string"], prompt: ["string"], temperature: number, max_tokens: ["integer"],
    logprobs: ["integer"], echo: ["true"], suffix: [], best_of: ["integer"], stop: ["string", "array"],
    n: ["integer"], stream: ["true"], user: ["string"],
  },
  "/v1/embeddings": {
    model: ["string"], input: ["string"], encoding_format: [], dimensions: [], user: ["string"],
  },
  "/tokenize": {
    content: ["string"], add_special: ["true"], parse_special: ["true"], model: ["string"],
  },
  "/detokenize": {tokens: ["array"]},
};
for (const [route, types] of Object.entries(fields))
  test(`${route}: wrong types are refused by name, null counts as absent`, async () => {
    for (const [field, allowed] of Object.entries(types)) {
      for (const [type, value] of Object.entries(values)) {
        if (allowed.includes(type)) continue;
        const error = await refusal(route, {...routes[route], [field]: value});
        assert.ok(error.param.startsWith(field), `${field}=${type}: param ${error.param}`);
      }
      const required = field in routes[route] && field !== "max_tokens";
      const asNull = await server.json(route, {...routes[route], [field]: null});
      assert.equal(asNull.code, required ? 400 : 200, `${field}: null -> ${asNull.code}`);
    }
  });

test("messages: every fault names its place", async () => {
  const cases = [
    [[], "messages"],
    [[{role: "user", content: "a"}, 5], "messages[1]"],
    [[{content: "a"}], "messages[0].role"],
    [[{role: 5, content: "a"}], "messages[0].role"],
    [[{role: "user", content: "a"}, {role: "robot", content: "a"}], "messages[1].role"],
    [[{role: "user", content: "a"}, {role: "tool", content: "a", tool_call_id: "x"}], "messages[1].tool_call_id"],
    [[{role: "user"}], "messages[0].content"],
    [[{role: "user", content: null}], "messages[0].content"],
    [[{role: "user", content: 7}], "messages[0].content"],
    [[{role: "user", content: {}}], "messages[0].content"],
    [[{role: "user", content: [{type: "text", text: "a"}, "b"]}], "messages[0].content[1]"],
    [[{role: "user", content: [{type: "text"}]}], "messages[0].content[0]"],
    [[{role: "user", content: [{type: "image_url", image_url: {url: "x"}}]}], "messages[0].content[0]"],
    [[{role: "user", content: "a"}, {role: "assistant", tool_calls: [{}]}], "messages[1].tool_calls[0].id"],
    [[{role: "user", content: "a"}, {role: "function", name: "f", content: "a"}], "messages[1].role"],
  ];
  for (const [messages, param] of cases)
    assert.equal((await refusal("/v1/chat/completions", {...chat, messages})).param, param);
  const {message} = await refusal("/v1/chat/completions", {...chat, messages: cases[12][0]});
  assert.match(message, /image_url/);
});

test("tools: every fault names its place", async () => {
  const named = (more) => ({type: "function", function: {name: "f", ...more}});
  const use = (name) => ({type: "function", function: {name}});
  const cases = [
    [{tools: [named(), 5]}, "tools[1]"],
    [{tools: [{function: {name: "f"}}]}, "tools[0].type"],
    [{tools: [{type: "web_search"}]}, "tools[0].type"],
    [{tools: [named({name: "my function"})]}, "tools[0].function.name"],
    [{tools: [named(), named()]}, "tools[1].function.name"],
    [{tools: [named({parameters: {type: "array"}})]}, "tools[0].function.parameters"],
    [{tools: [named(), named({name: "g", parameters: {type: "object", properties: {a: {type: "colour"}}}})]},
      "tools[1].function.parameters"],
    [{tools: Array.from({length: 129}, (_, i) => named({name: `f${i}`}))}, "tools"],
    [{tools: [named()], tool_choice: "always"}, "tool_choice"],
    [{tools: [named()], tool_choice: use("g")}, "tool_choice"],
    [{tool_choice: use("f")}, "tool_choice"],
    [{tools: [named()], tool_choice: {type: "allowed_tools", allowed_tools: {mode: "auto", tools: [use("g")]}}},
      "tool_choice.allowed_tools.tools"],
  ];
  for (const [changes, param] of cases)
    assert.equal((await refusal("/v1/chat/completions", {...chat, ...changes})).param, param);
});

test("the seed's sentences", async () => {
  const say = async (changes) => (await refusal("/v1/chat/completions", {...chat, ...changes})).message;
  for (const content of ["", " \n\t "])
    assert.equal(await say({messages: [{role: "user", content}]}), "Prompt cannot be empty");
  for (const temperature of [-0.01, 2.01, 1e30])
    assert.equal(await say({temperature}), "Temperature must be between 0 and 2");
  for (const max_tokens of [0, -1, -(2 ** 53)])
    assert.equal(await say({max_tokens}), "Max tokens must be between 1 and 4096");
  assert.equal(await say({messages: [{role: "system", content: "a"}]}), "No user message found");
  assert.equal((await refusal("/v1/completions", {prompt: " "})).message, "Prompt cannot be empty");
  assert.equal((await refusal("/v1/completions", {prompt: []})).message, "Prompt cannot be empty");
  for (const input of ["", " ", [], [[]], ["a", ""]])
    assert.equal((await refusal("/v1/embeddings", {input})).message, "input must not be empty");
});

test("values out of range are refused by name", async () => {
  const cases = {
    n: [0, -1, 9, 1e9], top_p: [-0.1, 1.1], min_p: [2], top_k: [-2], top_logprobs: [-1, 21, 5],
    presence_penalty: [3, -3], frequency_penalty: [3], repetition_penalty: [0, -1, 11],
    stop: ["", ["a", "b", "c", "d", "e"], [1], [""]],
    logit_bias: [{a: 1}, {"-1": 1}, {5: "x"}, {5: 101}, {32000: 1}, {99999999999: 1}],
    response_format: [{type: "yaml"}, {type: "json_schema", json_schema: {}}, {type: 5}],
    modalities: [["audio"]], audio: [{}], functions: [[{name: "f"}]],
    stream_options: [{include_usage: 1}],
  };
  for (const [field, bad] of Object.entries(cases))
    for (const value of bad) {
      const error = await refusal("/v1/chat/completions", {...chat, [field]: value});
      assert.ok(error.param === field || error.param.startsWith(field + "."),
        `${field}: ${JSON.stringify(value)}: ${error.param}`);
    }
  for (const changes of [{suffix: "end"}, {best_of: 3}, {echo: true, logprobs: 1},
    {prompt: [32000]}, {prompt: [-1]}, {prompt: [1.5]}, {prompt: ["a", 5]}, {prompt: [[]]},
    {prompt: Array(65).fill("a")}, {logprobs: 6}])
    assert.equal((await refusal("/v1/completions", {...routes["/v1/completions"], ...changes})).param,
      Object.keys(changes)[0]);
  for (const changes of [{input: [[]]}, {input: [99999999]}, {input: ""}, {input: ["a", ""]},
    {input: Array(2049).fill("a")}, {encoding_format: "hex"}, {dimensions: 0}, {dimensions: 5},
    {input: "dog ".repeat(400)}])
    assert.equal((await refusal("/v1/embeddings", {input: "a", ...changes})).param,
      Object.keys(changes)[0]);
  assert.equal((await refusal("/detokenize", {tokens: [32000]})).param, "tokens");
});

test("what is allowed but useless is accepted", async () => {
  for (const changes of [{tools: []}, {tools: [], tool_choice: "none"}, {functions: []},
    {response_format: {type: "text"}}, {user: "me"}, {unknown_field: {deep: [1]}}, {stop: []},
    {logit_bias: {}}, {top_k: -1}, {seed: -5}, {max_tokens: 1e15}, {modalities: ["text"]},
    {stream_options: {include_usage: true}}, {metadata: {a: "b"}}, {store: false}])
    assert.equal((await server.json("/v1/chat/completions", {...chat, ...changes})).code, 200,
      JSON.stringify(changes));
});

test("a prompt longer than the context is refused with both numbers", async () => {
  for (const [route, field, value] of [
    ["/v1/chat/completions", "messages", [{role: "user", content: "dog ".repeat(300)}]],
    ["/v1/completions", "prompt", "dog ".repeat(300)],
    ["/v1/completions", "prompt", Array(256).fill(5)]]) {
    const error = await refusal(route, {max_tokens: 1, [field]: value});
    assert.equal(error.code, "context_length_exceeded");
    assert.equal(error.param, field);
    assert.match(error.message, /256/);
    assert.match(error.message, Array.isArray(value) && route === "/v1/completions" ? /256/ : /30\d/);
  }
});

const nest = (open, close, depth) => open.repeat(depth) + close.repeat(depth);
const hostile = {
  "nothing": "",
  "white space": "  \n ",
  "no JSON": "hello",
  "an array": "[]",
  "a string": '"x"',
  "null": "null",
  "cut off": '{"messages":[{"role":"user"',
  "trailing bytes": '{"prompt":"a"} x',
  "a trailing comma": '{"prompt":"a",}',
  "single quotes": "{'prompt':'a'}",
  "NaN": '{"prompt":"a","temperature":NaN}',
  "a duplicate key": '{"prompt":"a","prompt":"b"}',
  "a huge number": '{"prompt":"a","temperature":1e999}',
  "half a surrogate": '{"prompt":"\\ud800"}',
  "a NUL": '{"prompt":"a\\u0000b"}',
  "deep arrays": '{"prompt":' + nest("[", "]", 100000) + "}",
  "deep objects": '{"a":'.repeat(100000) + "1" + "}".repeat(100000),
  "only openings": "[".repeat(1000000),
  "a million objects": `{"a":[${"{},".repeat(1000000)}{}]}`,
  "a million members": `{${Array.from({length: 1e6}, (_, i) => `"${i}":1`).join(",")}}`,
  "millions of numbers": `{"a":[${"1,".repeat(3000000)}1]}`,
};
for (const [name, body] of Object.entries(hostile))
  test(`hostile JSON: ${name}`, async () => {
    for (const route of Object.keys(routes)) {
      const error = await refusal(route, body);
      assert.deepEqual([error.type, error.code], ["invalid_request_error", "invalid_json"]);
    }
    assert.equal((await server.json("/tokenize", {content: "still alive"})).code, 200);
  });

test("an integer beyond 63 bits is a number, but none that a field could mean", async () => {
  for (const field of ["max_tokens", "seed", "n", "top_k"]) {
    const error = await refusal("/v1/completions", `{"prompt":"a","${field}":123456789012345678901234567890}`);
    assert.deepEqual([error.param, error.code], [field, "invalid_value"]);
  }
});

test("invalid UTF-8 is no JSON", async () => {
  const bytes = Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from([0xff, 0xc3]), Buffer.from('"}')]);
  const answer = await server.fetch("/v1/completions", {method: "POST", body: bytes});
  assert.equal(answer.status, 400);
});

test("unknown routes and methods have the same shape", async () => {
  await refusal("/v1/nothing", {}, 404);
  const answer = await server.fetch("/v1/chat/completions");
  assert.equal(answer.status, 405);
  assert.ok((await answer.json()).error.message);
  const model = await server.fetch("/v1/models/" + encodeURIComponent("../../etc/passwd"));
  assert.equal(model.status, 400); // a path that climbs
  const named = await server.fetch("/v1/models/" + encodeURIComponent("org/model:file"));
  assert.equal(named.status, 404);
});

test("without a chat template, chat says how to get one and completions still work", async () => {
  const plain = await startServer({chat: false});
  try {
    const answer = await plain.json("/v1/chat/completions", chat);
    assert.equal(answer.code, 400);
    assert.match(answer.body.error.message, /--chat-template/);
    assert.equal((await plain.json("/v1/completions", routes["/v1/completions"])).code, 200);
  } finally {
    await plain.stop();
  }
});

test("a model that only embeds embeds, and says what it cannot do", async () => {
  const other = await startServer({model: embeddingModel, chat: false});
  try {
    const answer = await other.json("/v1/embeddings", {input: "a"});
    assert.equal(answer.code, 200);
    assert.equal(answer.body.data[0].embedding.length, 384);
    for (const route of ["/v1/chat/completions", "/v1/completions"]) {
      const refused = await other.json(route, routes[route]);
      assert.equal(refused.code, 400);
      assert.equal(refused.body.error.param, "model");
      assert.match(refused.body.error.message, /cannot generate/);
    }
    assert.equal((await other.fetch("/health")).status, 200);
    assert.deepEqual((await (await other.fetch("/v1/models")).json()).data.map(({id}) => id),
      ["minilm"]);
  } finally {
    await other.stop();
  }
});

test("a server without a model says so", async () => {
  const empty = await startServer({model: null, chat: false, env: {LIMINAL_MODELS: "/nonexistent"}});
  try {
    const answer = await empty.json("/v1/chat/completions", chat);
    assert.equal(answer.code, 503);
    assert.match(answer.body.error.message, /^Model not loaded: .*liminal pull/);
    const health = await empty.fetch("/health");
    assert.equal(health.status, 503);
    assert.equal((await health.json()).detail, "Model not loaded");
    assert.deepEqual((await (await empty.fetch("/v1/models")).json()).data, []);
    assert.equal((await empty.fetch("/metrics")).status, 200);
    assert.ok(await empty.metric("process_resident_memory_bytes") < 40e6);
  } finally {
    await empty.stop();
  }
});

test("whoever asks what this is hears it without a key, but nothing of the models", async () => {
  const locked = await startServer({key: "open sesame"});
  try {
    for (const route of ["/", "/v1"]) {
      const answer = await fetch(locked.url + route);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-type"), "application/json");
      const text = await answer.text();
      const {name, version, base_url, models} = JSON.parse(text);
      assert.deepEqual([name, base_url, models], ["Liminal", "/v1", "/v1/models"]);
      const page = await fetch(locked.url + route, {headers: {accept: "text/html,*/*;q=0.8"}});
      assert.match(page.headers.get("content-type"), /^text\/html/);
      const html = await page.text();
      assert.ok(html.includes(`Liminal ${version}`), html);
      assert.ok(!/stories|local-llm/.test(text + html));
    }
    assert.equal((await fetch(locked.url + "/", {method: "HEAD"})).status, 200);
    assert.equal((await locked.fetch("/", {method: "POST"})).status, 405);
  } finally {
    await locked.stop();
  }
});

test("a JSON body ends with a newline, whole and counted", async () => {
  const answers = [server.post("/v1/chat/completions", chat), server.post("/v1/embeddings", {}),
    ...["/v1/models", "/health", "/nothing"].map((route) => server.fetch(route))];
  for (const answer of await Promise.all(answers)) {
    const text = await answer.text();
    assert.match(text, /\}\n$/, answer.url);
    assert.equal(Number(answer.headers.get("content-length")), Buffer.byteLength(text));
  }
});

test("the API key in both usual places, and the seed's words without (R21)", async () => {
  const locked = await startServer({key: "open sesame"});
  try {
    const ask = async (headers, route = "/v1/models") => {
      const answer = await fetch(locked.url + route, {headers});
      return [answer.status, (await answer.json()).error?.message];
    };
    const [code, message] = await ask({});
    assert.equal(code, 401);
    assert.match(message, /^Missing authorization header: .*a key/); // and where to get one
    assert.deepEqual(await ask({authorization: "Basic eDp5"}), [401, "Invalid authorization format"]);
    for (const key of ["open", "open sesamE", "open sesame!", "x".repeat(5000)])
      assert.deepEqual(await ask({authorization: `Bearer ${key}`}), [401, "Invalid or expired token"]);
    assert.deepEqual(await ask({"x-api-key": "wrong"}), [401, "Invalid or expired token"]);
    assert.equal((await ask({authorization: "Bearer open sesame"}))[0], 200);
    assert.equal((await ask({authorization: "bearer open sesame"}))[0], 200);
    assert.equal((await ask({"x-api-key": "open sesame"}))[0], 200);
    assert.equal((await ask({}, "/metrics"))[0], 401);
    assert.equal((await ask({}, "/nothing"))[0], 401);
    assert.equal((await ask({}, "/health"))[0], 200);
    assert.equal((await ask({}, "/healthz"))[0], 200);
    assert.ok(!JSON.stringify(locked.log).includes("sesame"), "keys are not logged");
  } finally {
    await locked.stop();
  }
});

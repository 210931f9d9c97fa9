// Several models in one server: loaded when a request names them, kept within bounds, unloaded when
// nobody uses them. The models are small and random; what they say is different from each other.
import assert from "node:assert/strict";
import {spawnSync} from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {after, before, test} from "node:test";
import OpenAI from "openai";
import {embeddingModel, program, startServer, until} from "./server.mjs";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-models-"));
const shapes = {alpha: "tiny-llama", beta: "tiny-qwen3", gamma: "tiny-phi3"};
const names = Object.keys(shapes);
const env = {LIMINAL_MODELS: folder};
const fileOf = (name) => path.join(folder, `${name}.gguf`);

function synth(shape, file) {
  const made = spawnSync(program, ["synth", shape, "-o", file, "--type", "F32"]);
  assert.equal(made.status, 0, String(made.stderr));
}

before(() => {
  for (const name of names) synth(shapes[name], fileOf(name));
  fs.symlinkSync(embeddingModel, fileOf("minilm"));
});
after(() => fs.rmSync(folder, {recursive: true, force: true}));

// A server of these models; it ends with the test.
async function serve(t, {model = fileOf("alpha"), args = [], ...more} = {}) {
  const server = await startServer({model, chat: false, args, ...more, env: {...env, ...more.env}});
  t.after(() => server.child.exitCode ?? server.stop());
  server.ask = (name, more = {}) => server.json("/v1/completions",
    {model: name, prompt: "fa", max_tokens: 6, temperature: 0, ...more});
  // A stream that uses the model for a second or several.
  server.occupy = (name) => server.post("/v1/completions",
    {model: name, prompt: "fa", n: 8, max_tokens: 2000, stream: true, ignore_eos: true});
  server.ps = async () => (await (await server.fetch("/api/ps")).json()).models;
  server.loaded = async () => (await server.ps()).filter(({state}) => state === "ready").map(({name}) => name).sort();
  server.gone = (name) => until(async () => !(await server.ps()).some((model) => model.name === name), `${name} is gone`);
  return server;
}

test("a model is loaded when a request names it, and the main one stays", async (t) => {
  const server = await serve(t, {args: ["--keep-alive", "300ms"]});
  assert.deepEqual(await server.loaded(), ["alpha"]);
  const said = {};
  for (const name of names) {
    const {code, body} = await server.ask(name);
    assert.equal(code, 200, JSON.stringify(body));
    assert.equal(body.model, name);
    said[name] = body.choices[0].text;
  }
  assert.equal(new Set(Object.values(said)).size, names.length, "each says its own");
  await server.gone("beta");
  await server.gone("gamma");
  assert.deepEqual(await server.loaded(), ["alpha"]);
  assert.equal((await server.ask("beta")).body.choices[0].text, said.beta);
  assert.equal((await server.ask("local-llm")).body.choices[0].text, said.alpha);
  const messages = server.log.map(({message, model}) => `${message} ${model}`);
  for (const line of ["loading model beta", "model loaded beta", "model unloaded beta"])
    assert.ok(messages.includes(line), line);
});

test("the official client lists every model, and how far it is", async (t) => {
  const server = await serve(t, {args: ["--keep-alive", "-1"]});
  const client = new OpenAI({baseURL: server.url + "/v1", apiKey: server.key});
  const list = (await client.models.list()).data;
  assert.deepEqual(list.map(({id}) => id), ["local-llm", "alpha", "beta", "gamma", "minilm"]);
  assert.deepEqual(list.map(({state}) => state), ["ready", "ready", ...Array(3).fill("available")]);
  assert.equal(list[0].root, "alpha");
  await client.completions.create({model: "gamma", prompt: "fa", max_tokens: 1});
  const gamma = await client.models.retrieve("gamma");
  assert.equal(gamma.loaded, true);
  assert.equal(gamma.architecture, "phi3");
  assert.ok(gamma.memory_bytes > 5e6);
  await assert.rejects(client.models.retrieve("omega"), {status: 404});
});

test("embeddings by the name of a model that is not there yet", async (t) => {
  const server = await serve(t);
  const {code, body} = await server.json("/v1/embeddings", {model: "minilm", input: "a cat"});
  assert.equal(code, 200);
  assert.equal(body.data[0].embedding.length, 384);
  const refused = await server.ask("minilm");
  assert.equal(refused.code, 400);
  assert.match(refused.body.error.message, /cannot generate/);
});

test("what is not there is refused with what is; a path is no name", async (t) => {
  const server = await serve(t);
  for (const name of ["omega", "../alpha", fileOf("beta"), "beta.gguf", "", "-x", "a\nb", "x".repeat(5000)]) {
    const {code, body} = await server.ask(name);
    assert.equal(code, 404, name);
    assert.equal(body.error.code, "model_not_found");
    for (const known of names) assert.ok(body.error.message.includes(`"${known}"`), body.error.message);
  }
  assert.equal((await server.ask(["beta"])).code, 400);
});

test("keep_alive: at once, for ever, and nonsense", async (t) => {
  const server = await serve(t, {args: ["--keep-alive", "1h"]});
  assert.equal((await server.ask("beta", {keep_alive: 0})).code, 200);
  await server.gone("beta");
  assert.equal((await server.ask("beta", {keep_alive: "-1"})).code, 200);
  assert.equal((await server.ask("gamma", {keep_alive: "90s"})).code, 200);
  const [alpha, beta, gamma] = await server.ps();
  assert.deepEqual([alpha.stays, beta.stays, beta.expires_at], [true, false, null]);
  const left = Date.parse(gamma.expires_at) - Date.now();
  assert.ok(left > 60e3 && left < 91e3, `${left} ms`);
  for (const keep_alive of ["soon", true, {}, "5x"]) {
    const {code, body} = await server.ask("beta", {keep_alive});
    assert.deepEqual([code, body.error.param], [400, "keep_alive"]);
  }
  assert.equal((await server.ask("alpha", {keep_alive: 0})).code, 200);
  assert.ok((await server.loaded()).includes("alpha"), "the main model was named at the start: it stays");
});

test("room for two: the one used longest ago goes", async (t) => {
  const server = await serve(t, {args: ["--models-max", "3"]});
  fs.copyFileSync(fileOf("beta"), fileOf("delta"));
  t.after(() => fs.rmSync(fileOf("delta")));
  for (const name of ["beta", "gamma", "beta", "delta"]) assert.equal((await server.ask(name)).code, 200);
  assert.deepEqual(await server.loaded(), ["alpha", "beta", "delta"]);
});

test("what can never fit says both numbers", async (t) => {
  const server = await serve(t, {args: ["--model-memory-mb", "30"]});
  const {code, body} = await server.json("/v1/embeddings", {model: "minilm", input: "a"});
  assert.equal(code, 503);
  assert.match(body.error.message, /minilm takes about 46 MB.* 30 MB .*--model-memory-mb.* only 2\d MB/);
  assert.equal((await server.ask("beta")).code, 200);
});

test("eight clients, three models, room for two beside the main one", async (t) => {
  fs.copyFileSync(fileOf("alpha"), fileOf("delta"));
  t.after(() => fs.rmSync(fileOf("delta")));
  const wanted = ["beta", "gamma", "delta"];
  const server = await serve(t, {args: ["--models-max", "3", "--keep-alive", "1m"]});
  const expected = {};
  for (const name of wanted) expected[name] = (await server.ask(name)).body.choices[0].text;
  const clients = Array.from({length: 8}, async (_, i) => {
    for (let round = 0; round < 6; round++) {
      const name = wanted[(i * 7 + round * (i % 3 + 1)) % 3];
      const {code, body} = await server.ask(name);
      assert.equal(code, 200, JSON.stringify(body));
      assert.equal(body.choices[0].text, expected[name]);
      assert.ok((await server.loaded()).length <= 3);
    }
  });
  await Promise.all(clients);
  assert.ok(await server.metric("liminal_model_loads_total") > 4);
  assert.equal(await server.metric("liminal_model_load_failures_total"), 0);
  assert.equal(await server.metric("liminal_model_waiting"), 0);
});

test("a model in use stays, and who waits for its place is served after it", async (t) => {
  const server = await serve(t, {args: ["--models-max", "2"]});
  const stream = await server.occupy("beta");
  const reader = stream.body.getReader();
  await reader.read();
  const other = server.ask("gamma");
  await until(async () => (await server.ps()).some(({name, waiting}) => name === "gamma" && waiting === 1), "gamma is waited for");
  const listed = (await (await server.fetch("/v1/models")).json()).data;
  assert.equal(listed.find(({id}) => id === "gamma").state, "waiting");
  assert.deepEqual(await server.loaded(), ["alpha", "beta"]);
  let pieces = 0;
  while (!(await reader.read()).done) pieces++;
  assert.ok(pieces > 10, "the answer was not cut");
  assert.equal((await other).code, 200);
  assert.deepEqual(await server.loaded(), ["alpha", "gamma"]);
});

test("a client that does not wait for its model costs no load", async (t) => {
  const server = await serve(t, {args: ["--models-max", "2"]});
  const stream = await server.occupy("beta");
  const impatient = await server.connect("/v1/completions", {model: "gamma", prompt: "fa"});
  await until(async () => (await server.ps()).some(({name}) => name === "gamma"), "gamma is waited for");
  impatient.destroy();
  await stream.text();
  await server.gone("gamma");
  assert.equal(await server.metric("liminal_model_loads_total"), 2);
});

test("too many who wait are refused, with when to come again", async (t) => {
  const server = await serve(t, {args: ["--models-max", "2", "--queue", "2"]});
  const stream = await server.post("/v1/completions",
    {model: "beta", prompt: "fa", max_tokens: 2000, stream: true, ignore_eos: true});
  const waiting = [server.ask("gamma"), server.ask("gamma")];
  await until(async () => await server.metric("liminal_model_waiting") === 2, "two wait");
  const refused = await server.ask("gamma");
  assert.equal(refused.code, 503);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  assert.match(refused.body.error.message, /2 requests wait/);
  await stream.text();
  for (const answer of await Promise.all(waiting)) assert.equal(answer.code, 200);
});

test("a damaged file fails only those who want it, and may be mended", async (t) => {
  const server = await serve(t);
  fs.writeFileSync(fileOf("broken"), fs.readFileSync(fileOf("beta")).subarray(0, 3_000_000));
  t.after(() => fs.rmSync(fileOf("broken")));
  const stream = await server.post("/v1/completions",
    {model: "alpha", prompt: "fa", max_tokens: 300, stream: true, ignore_eos: true});
  const answers = await Promise.all([server.ask("broken"), server.ask("broken"), server.ask("beta")]);
  assert.deepEqual(answers.map(({code}) => code), [503, 503, 200]);
  assert.match(answers[0].body.error.message, /broken cannot be loaded: its file is damaged/);
  assert.match(await stream.text(), /\[DONE\]/);
  fs.copyFileSync(fileOf("beta"), fileOf("broken"));
  assert.equal((await server.ask("broken")).code, 200);
});

test("what goes wrong with files names them in the log, and never to a client", async (t) => {
  const own = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-models-"));
  const file = (name) => path.join(own, `${name}.gguf`);
  t.after(() => fs.rmSync(own, {recursive: true, force: true}));
  fs.writeFileSync(file("cut"), fs.readFileSync(fileOf("beta")).subarray(0, 3_000_000));
  fs.writeFileSync(file("text"), "not a model");
  fs.mkdirSync(file("folder"));
  fs.copyFileSync(fileOf("beta"), file("leaves"));
  const server = await serve(t, {env: {LIMINAL_MODELS: own}});
  const refused = async (name, code, kind) => {
    const answer = await server.ask(name);
    assert.equal(answer.code, code, JSON.stringify(answer.body));
    assert.match(answer.body.error.message, kind);
    assert.doesNotMatch(JSON.stringify(answer.body), /\//, "no path of the server");
  };
  const logged = (text) => until(async () =>
    server.log.some(({level, message}) => level === "error" && message.includes(text)), `${text} in the log`);
  await refused("cut", 503, /model cut cannot be loaded: its file is damaged/);
  await refused("text", 503, /model text cannot be loaded: its file is damaged/);
  await refused("folder", 503, /model folder cannot be loaded: its file cannot be read/);
  for (const name of ["cut", "text", "folder"]) await logged(file(name));
  fs.rmSync(file("leaves"));
  await refused("leaves", 404, /"leaves" is not here/);
  fs.rmSync(own, {recursive: true});
  fs.writeFileSync(own, "in the way");
  await refused("leaves", 503, /cannot look up its models/);
  const list = await server.fetch("/v1/models");
  assert.doesNotMatch(JSON.stringify((await list.json()).error ?? {}), /\//);
  await logged(own);
  assert.equal((await server.ask("alpha")).code, 200, "what is in memory goes on");
});

test("a file that was replaced is used at the next load", async (t) => {
  const server = await serve(t, {args: ["--keep-alive", "1h"]});
  const file = fileOf("changing");
  t.after(() => fs.rmSync(file));
  fs.copyFileSync(fileOf("beta"), file);
  const first = (await server.ask("changing")).body.choices[0].text;
  fs.copyFileSync(fileOf("gamma"), file + ".new");
  fs.renameSync(file + ".new", file);
  assert.equal((await server.ask("changing", {keep_alive: 0})).body.choices[0].text, first);
  await server.gone("changing");
  assert.notEqual((await server.ask("changing")).body.choices[0].text, first);
});

test("several models named at the start; the first is the main one", async (t) => {
  const server = await serve(t, {args: ["--model", "beta", "--embedding-model", "minilm", "--keep-alive", "0"]});
  assert.deepEqual(await server.loaded(), ["alpha", "beta", "minilm"]);
  const mains = (await server.ps()).filter(({main}) => main).map(({name}) => name);
  assert.deepEqual(mains, ["alpha", "minilm"]);
  assert.equal((await server.json("/v1/embeddings", {input: "a"})).body.data[0].embedding.length, 384);
  await server.ask("beta");
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(await server.loaded(), ["alpha", "beta", "minilm"]);
});

test("a model that was fetched while the server runs is there", async (t) => {
  const own = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-models-"));
  t.after(() => fs.rmSync(own, {recursive: true}));
  const server = await serve(t, {model: null, env: {LIMINAL_MODELS: own}});
  assert.equal((await server.ask("local-llm")).code, 503);
  fs.copyFileSync(fileOf("beta"), path.join(own, "beta.gguf"));
  assert.equal((await server.ask("local-llm")).code, 200);
  assert.deepEqual(await server.loaded(), ["beta"]);
});

test("liminal ps shows what is in memory, and until when", async (t) => {
  const server = await serve(t, {args: ["--models-max", "3", "--keep-alive", "1h"]});
  const ps = (...more) => String(spawnSync(program, ["ps", "--server", server.url, ...more],
    {env: {...process.env, LIMINAL_API_KEY: server.key}}).stdout);
  await server.ask("gamma", {keep_alive: "80s"});
  const stream = await server.occupy("beta");
  const rows = ps().trim().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows[0], ["NAME", "TYPE", "ARCH", "MEMORY", "CONTEXT", "RUNNING", "WAITING", "UNTIL"]);
  assert.deepEqual(rows.slice(1).map(([name]) => name).sort(), ["alpha", "beta", "gamma"]);
  const until = Object.fromEntries(rows.slice(1).map((row) => [row[0], row[7]]));
  assert.equal(until.alpha, "stays");
  assert.equal(until.beta, "in use");
  assert.match(until.gamma, /^in [78]\d s$/);
  assert.match(rows[1][3], /^\d+\.\d MB$/);
  await stream.text();
  const json = JSON.parse(ps("--json"));
  assert.equal(json.models.find(({name}) => name === "beta").in_use, 0);
  assert.match(ps(), /beta .* in (59|60) min$/m);
});

test("stopping ends the wait for a model", async (t) => {
  const server = await serve(t, {args: ["--models-max", "2", "--grace", "0"]});
  const stream = await server.occupy("beta");
  const waiting = server.ask("gamma");
  await until(async () => await server.metric("liminal_model_waiting") === 1, "one waits");
  const stopped = server.stop();
  const {code, body} = await waiting;
  assert.deepEqual([code, body.error.code], [503, "server_shutting_down"]);
  assert.match(await stream.text(), /server_shutting_down/);
  assert.equal(await stopped, 0);
});

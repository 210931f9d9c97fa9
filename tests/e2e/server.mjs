// server.mjs - a real `liminal serve` on a free port for one test file, with the small real models.
import {spawn} from "node:child_process";
import {once} from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";

const here = path.dirname(new URL(import.meta.url).pathname);
const cache = process.env.LIMINAL_CACHE ?? path.join(os.homedir(), ".cache", "liminal");
export const modelsFolder = process.env.LIMINAL_TEST_MODELS ?? path.join(cache, "models");
export const program = process.env.LIMINAL_BIN ?? path.join(here, "..", "..", "build", "liminal");

export const storyModel = path.join(modelsFolder, "stories15m.gguf");
export const embeddingModel = path.join(modelsFolder, "minilm.gguf");
const STOP_PATIENCE_MS = 60000;

// The story model knows no chat; this template just lets it go on with what was said.
const template = path.join(here, "story.jinja");

// Resolves when the server says that it is ready. All helpers send its key: `key`, or the one that
// the server made for its operator. `log` collects its lines as objects.
export async function startServer(
  {args = [], env = {}, model = storyModel, chat = true, key = ""} = {}) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-e2e-"));
  const child = spawn(program,
    ["serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", home, "--threads", "2",
      ...(model ? ["--model", model] : []), ...(chat ? ["--chat-template", template] : []), ...args],
    {stdio: ["ignore", "ignore", "pipe"],
      // the models of whoever runs the tests are not theirs
      env: {...process.env, LIMINAL_LOG: "info", LIMINAL_API_KEY: key, LIMINAL_MODELS: path.join(home, "models"), ...env}});
  const exited = once(child, "exit");
  process.on("exit", () => child.kill("SIGKILL")); // a test that failed leaves nothing behind
  const log = [];
  const ready = new Promise((resolve, reject) => {
    readline.createInterface({input: child.stderr}).on("line", (text) => {
      let line = {message: text};
      try {
        line = JSON.parse(text);
      } catch { /* a sentence for a person: kept as it is */ }
      log.push(line);
      if (line.message === "ready") resolve(line.url);
    });
    exited.then(([code]) => reject(new Error(
      `liminal ended with ${code}: ${log.map((line) => line.message).join("\n")}`)));
  });
  const url = await ready;
  key ||= fs.readFileSync(path.join(home, "api-key"), "utf8").trim();
  const authorization = {authorization: `Bearer ${key}`};
  const server = {
    url, log, child, key, home,
    port: Number(new URL(url).port),
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
      const [code] = await exited; // null when it had to be killed
      clearTimeout(late);
      fs.rmSync(home, {recursive: true, force: true});
      return code;
    },
    fetch: (route, options = {}) => fetch(url + route, {
      ...options, headers: {...authorization, ...options.headers}}),
    post: (route, body, headers = {}) => server.fetch(route, {
      method: "POST",
      headers: {"content-type": "application/json", ...headers},
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
    async json(route, body) {
      const answer = await server.post(route, body);
      return {code: answer.status, body: await answer.json(), headers: answer.headers};
    },
    // The value of one sample, summed over its labels.
    async metric(name) {
      const text = await (await server.fetch("/metrics")).text();
      return text.split("\n")
        .filter((line) => line === name || line.startsWith(name + " ") || line.startsWith(name + "{"))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    // A bare connection, for clients that misbehave.
    async connect(route, body, headers = "") {
      const text = JSON.stringify(body);
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => {}); // resets are what some tests are about
      await once(socket, "connect");
      socket.write(`POST ${route} HTTP/1.1\r\nHost: localhost\r\n` +
        `Authorization: Bearer ${key}\r\n${headers}` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
      return socket;
    },
  };
  return server;
}

// Until `condition` (may be async) holds, or an error naming it.
export async function until(condition, what, patienceMs = 30000) {
  for (const end = Date.now() + patienceMs; Date.now() < end;) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`still not so after ${patienceMs} ms: ${what}`);
}

// Nothing runs, waits, or holds a page of the cache.
export function idle(server) {
  return until(async () => await server.metric("liminal_engine_running") === 0 &&
    await server.metric("liminal_engine_queue_depth") === 0 &&
    await server.metric("liminal_engine_kv_pages_used") === 0, "the engine is idle");
}

// The server as other programs see it: Node's HTTP clients, and nginx as a proxy that keeps its
// connections alive.
import assert from "node:assert/strict";
import {spawn} from "node:child_process";
import {once} from "node:events";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import {after, before, describe, test} from "node:test";
import zlib from "node:zlib";
import {idle, startServer, until} from "./server.mjs";

let server;
before(async () => { server = await startServer(); });
after(() => server.stop());

const story = {
  model: "local-llm", stream: true, temperature: 0, max_tokens: 200,
  messages: [{role: "user", content: "Once upon a time"}],
};

// One request with Node's http module; resolves with the code, headers and body.
function request(options, body) {
  return new Promise((resolve, reject) => {
    const headers = {authorization: `Bearer ${server.key}`, ...options.headers};
    const asked = http.request({host: "127.0.0.1", port: server.port, ...options, headers}, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => resolve(
        {code: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces).toString()}));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const jsonPost = (headers = {}) =>
  ({method: "POST", path: "/tokenize", headers: {"content-type": "application/json", ...headers}});

describe("Node's clients", () => {
  test("five hundred requests on one connection", async () => {
    const agent = new http.Agent({keepAlive: true, maxSockets: 1});
    let connections = 0;
    const create = agent.createConnection.bind(agent);
    agent.createConnection = (...args) => { connections++; return create(...args); };
    for (let i = 0; i < 500; i++)
      assert.equal((await request({path: "/v1/models", agent})).code, 200);
    agent.destroy();
    assert.equal(connections, 1);
  });

  test("a chunked and a packed body are read like a plain one", async () => {
    const body = JSON.stringify({content: "Once upon a time", model: "local-llm"});
    const plain = await request(jsonPost({"content-length": body.length}), body);
    assert.equal(plain.code, 200, plain.body);
    const chunked = await request(jsonPost({"transfer-encoding": "chunked"}), body);
    const packed = zlib.gzipSync(body);
    const inflated = await request(
      jsonPost({"content-encoding": "gzip", "content-length": packed.length}), packed);
    assert.equal(chunked.body, plain.body);
    assert.equal(inflated.body, plain.body);
  });

  test("fetch may send a body as a stream", async () => {
    const body = new Blob([JSON.stringify({content: "Once upon", model: "local-llm"})]).stream();
    const answer = await server.fetch(`/tokenize`, {
      method: "POST", headers: {"content-type": "application/json"}, body, duplex: "half"});
    assert.equal(answer.status, 200, await answer.text());
  });

  test("a client that waits for 100 Continue gets it", async () => {
    const body = JSON.stringify({content: "Once", model: "local-llm"});
    const asked = http.request({host: "127.0.0.1", port: server.port,
      ...jsonPost({authorization: `Bearer ${server.key}`, expect: "100-continue", "content-length": body.length})});
    asked.flushHeaders();
    await once(asked, "continue");
    asked.end(body);
    const [answer] = await once(asked, "response");
    assert.equal(answer.statusCode, 200);
    answer.resume();
  });

  test("HEAD tells the length and sends nothing", async () => {
    const got = await request({path: "/v1/models"});
    const headed = await request({method: "HEAD", path: "/v1/models"});
    assert.equal(headed.headers["content-length"], got.headers["content-length"]);
    assert.equal(headed.body, "");
  });

  test("the id of a request comes back and is in the log", async () => {
    const answer = await request({path: "/v1/models", headers: {"x-request-id": "interop-1"}});
    assert.equal(answer.headers["x-request-id"], "interop-1");
    await until(() => server.log.some((line) => JSON.stringify(line).includes("interop-1")),
      "the log has the id");
  });
});

// ---- nginx ----

async function freePort() {
  const listener = net.createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const {port} = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}

async function startNginx(upstreamPort) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-nginx-"));
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  fs.writeFileSync(`${folder}/nginx.conf`, `
    daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events {}
    http {
      access_log off; ${temporary}
      upstream liminal { server 127.0.0.1:${upstreamPort}; keepalive 4; }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://liminal;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header Host $host;
        }
      }
    }`);
  const child = spawn("nginx", ["-p", folder, "-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`],
    {stdio: "inherit", env: {...process.env, PATH: `${process.env.PATH}:/usr/sbin`}});
  const exited = once(child, "exit");
  const url = `http://127.0.0.1:${port}`;
  await until(() => fetch(`${url}/health`).then((answer) => answer.ok, () => false), "nginx serves");
  return {url, async stop() {
    child.kill();
    await exited;
    fs.rmSync(folder, {recursive: true, force: true});
  }};
}

describe("behind nginx", () => {
  let nginx;
  before(async () => { nginx = await startNginx(server.port); });
  after(() => nginx.stop());

  const ask = (signal) => fetch(`${nginx.url}/v1/chat/completions`, {
    method: "POST", body: JSON.stringify(story), signal,
    headers: {"content-type": "application/json", authorization: `Bearer ${server.key}`}});

  test("tokens come as they are made, not all at the end", async () => {
    const answer = await ask();
    assert.equal(answer.status, 200);
    const arrivals = [];
    let text = "";
    for await (const piece of answer.body) {
      arrivals.push(performance.now());
      text += Buffer.from(piece).toString();
    }
    assert.match(text, /data: \[DONE\]\n\n$/);
    assert.ok(arrivals.length > 5, `${arrivals.length} pieces`);
    assert.ok(arrivals.at(-1) - arrivals[0] > 5, "the first came well before the last");
  });

  test("a client that leaves stops the generation behind the proxy", async () => {
    await idle(server);
    const cancelled = await server.metric("liminal_engine_cancelled_total");
    const leaving = new AbortController();
    const answer = await fetch(`${nginx.url}/v1/chat/completions`, {
      method: "POST", signal: leaving.signal,
      headers: {"content-type": "application/json", authorization: `Bearer ${server.key}`},
      body: JSON.stringify({...story, n: 8, max_tokens: 250, logit_bias: {1: -100, 2: -100}})});
    await answer.body.getReader().read();
    leaving.abort();
    await idle(server);
    assert.equal(await server.metric("liminal_engine_cancelled_total"), cancelled + 8);
  });

  test("many requests share connections and none gets another's answer", async () => {
    const ids = Array.from({length: 200}, (_, index) => `shared-${index}`);
    await Promise.all(ids.map(async (id) => {
      const answer = await fetch(`${nginx.url}/v1/models`, {headers: {"x-request-id": id, authorization: `Bearer ${server.key}`}});
      await answer.arrayBuffer();
      assert.equal(answer.headers.get("x-request-id"), id);
    }));
  });
});

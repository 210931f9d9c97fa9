// server.mjs - the two servers side by side, each with one model, and the clients that load them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { threads } from './measure.mjs';

const freePort = async () => {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
};

const KEY = 'bench'; // the operator's, who has no limits

async function start(program, args, port, name) {
  const child = spawn(program, args,
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LIMINAL_API_KEY: KEY } });
  let said = '';
  child.stderr.on('data', (data) => { said = (said + data).slice(-2000); });
  process.on('exit', () => child.kill('SIGKILL'));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${said}`);
    const healthy = await fetch(`http://127.0.0.1:${port}/health`).then((r) => r.ok, () => false);
    if (healthy) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    name, port, pid: child.pid, headers: { authorization: `Bearer ${KEY}` },
    agent: new http.Agent({ keepAlive: false }),
    stop: async () => { child.kill('SIGTERM'); await once(child, 'exit'); },
  };
}

// `context`: tokens that one sequence may have.
export async function startOurs(model, { streams, context, args = [] }) {
  const port = await freePort();
  const home = mkdtempSync(join(tmpdir(), 'liminal-bench-'));
  const server = await start(process.env.LIMINAL_BIN, ['serve', '--model', model, '--port', String(port),
    '--data-dir', home, '--threads', String(threads), '--ctx', String(context), '--sequences', String(streams), ...args],
  port, 'liminal');
  return { ...server, stop: async () => { await server.stop(); rmSync(home, { recursive: true, force: true }); } };
}

export async function startPeer(model, { streams, context, args = [] }) {
  const port = await freePort();
  return start(join(process.env.LIMINAL_PEER, 'llama-server'), ['-m', model, '--port', String(port), '-t', String(threads),
    '-c', String(streams * context), '-np', String(streams), '--no-webui', ...args], port, 'llama-server');
}

// Tokens, so that all servers read prompts of exactly this length; every prompt is another one, so that
// no cache helps. Small ids are common words, and special tokens in none of the vocabularies.
let seed = 1;
export const randomPrompt = (tokens) => Array.from({ length: tokens }, () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return 300 + (seed >>> 8) % 20000;
});

// One streamed completion. Times in milliseconds: to the first token, and between its pieces.
export function complete(server, body, route = '/v1/completions') {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const result = { first: undefined, gaps: [], tokens: 0, text: '', ended: undefined };
    let last, unread = '';
    const take = (line) => {
      if (!line.startsWith('data: ') || line === 'data: [DONE]') return;
      const event = JSON.parse(line.slice(6));
      if (event.error) throw new Error(`${server.name}: ${JSON.stringify(event.error)}`);
      if (event.usage) result.tokens = event.usage.completion_tokens;
      const choice = event.choices?.[0];
      const piece = choice?.text ?? choice?.delta?.content;
      if (!piece) return;
      const now = performance.now();
      if (last === undefined) result.first = now - started;
      else result.gaps.push(now - last);
      last = now;
      result.text += piece;
    };
    const request = http.request({
      host: '127.0.0.1', port: server.port, agent: server.agent, method: 'POST', path: route,
      headers: { 'content-type': 'application/json', ...server.headers },
    }, (response) => {
      response.setEncoding('utf8');
      response.on('data', (data) => {
        try {
          unread += data;
          const lines = unread.split('\n');
          unread = lines.pop();
          lines.forEach(take);
        } catch (error) { reject(error); }
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) reject(new Error(`${server.name} answers ${response.statusCode}: ${unread}`));
        result.ended = performance.now();
        resolve(result);
      });
    });
    request.on('error', reject);
    request.end(JSON.stringify({
      model: 'local-llm', stream: true, stream_options: { include_usage: true }, ignore_eos: true, ...body,
    }));
  });
}

// A closed loop: `streams` clients, each asks again when it has its answer, `requests` in all.
export async function closedLoop(server, streams, requests, makeBody) {
  let next = 0;
  const results = [];
  const started = performance.now();
  const client = async () => {
    while (next < requests) results.push(await complete(server, makeBody(next++)));
  };
  await Promise.all(Array.from({ length: streams }, client));
  const seconds = (performance.now() - started) / 1000;
  return {
    tps: results.reduce((sum, result) => sum + result.tokens, 0) / seconds,
    firsts: results.map((result) => result.first),
    gaps: results.flatMap((result) => result.gaps),
    results,
  };
}

// api.mjs - what an account's requests cost, on SQLite and on PostgreSQL: a page of 20 conversations
// of a user who has 100, and a message appended durably, by 64 connections of `wrk` on the same
// cores; whether memory stays flat over a million requests; and what 2,000 streams cost that wait.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newKey, newPerson, call } from '../tests/e2e/people.mjs';
import { startServer, until } from '../tests/e2e/server.mjs';
import { addRow, median, pairs, progress } from './measure.mjs';

const CONNECTIONS = 64, SECONDS = 5, CONVERSATIONS = 100, MANY = 1e6, STREAMS = 2000;

const postgres = (...words) => execFileSync('tests/services/postgres.sh', words, { encoding: 'utf8' })
  .trim().split('\n').at(-1);
const residentMb = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1000;

// {rate, p50, p99} of GETs, or of what a script of wrk's says.
async function load(url, key, { seconds = SECONDS, script } = {}) {
  const child = spawn('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}`, '--latency',
    '-H', `Authorization: Bearer ${key}`, ...(script ? ['-s', script] : []), url]);
  let text = '';
  child.stdout.on('data', (data) => { text += data; });
  await once(child, 'close');
  const bad = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(text);
  if (bad) throw new Error(`${url}: ${bad[0]}`);
  const ms = (share) => {
    const [, number, unit] = new RegExp(`${share}%\\s+([\\d.]+)(us|ms|s)`).exec(text);
    return Number(number) * { us: 1e-3, ms: 1, s: 1e3 }[unit];
  };
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]), p50: ms(50), p99: ms(99) };
}

async function openServer(databaseUrl) {
  const server = await startServer({ env: { LIMINAL_RATE_LIMITS: 'off', LIMINAL_LOG: 'warn,app=info,mail=info',
    ...(databaseUrl ? { LIMINAL_DATABASE: databaseUrl } : {}) } });
  const ada = await newPerson(server, 'ada@example.com');
  const { token } = await newKey(server, ada);
  let conversation;
  for (let i = 0; i < CONVERSATIONS; i++)
    conversation = (await call(server, 'POST', '/v1/conversations', { title: `Conversation ${i}` }, ada.bearer)).body.data;
  const list = `${server.url}/v1/conversations?limit=20`;
  const append = `${server.url}/v1/conversations/${conversation.id}/messages`;
  return { server, token, list, append };
}

async function measure(name, databaseUrl, script) {
  const { server, token, list, append } = await openServer(databaseUrl);
  const runs = { list: [], append: [] };
  for (let i = 0; i < pairs; i++) {
    progress(`api ${name} ${i + 1}/${pairs}`);
    runs.list.push(await load(list, token));
    runs.append.push(await load(append, token, { script }));
  }
  for (const [what, label] of [['list', 'page of 20 conversations'], ['append', 'message appended']])
    for (const [metric, unit] of [['rate', 'requests/s'], ['p50', 'ms'], ['p99', 'ms']])
      addRow({ suite: 'api', name: `${name} ${CONNECTIONS} connections`, metric: `${label} ${metric}`, unit,
        ours: median(runs[what].map((run) => run[metric])) });
  if (name === 'SQLite') {
    progress('api: a million requests');
    const before = residentMb(server.child.pid);
    const { rate } = runs.list[0];
    await load(list, token, { seconds: Math.ceil(MANY / rate) });
    addRow({ suite: 'api', name: `${name} a million requests`, metric: 'growth of memory', unit: 'MB',
      ours: residentMb(server.child.pid) - before });
  }
  await server.stop();
}

// Streams that wait for their turn: the engine answers one at a time.
async function measureStreams() {
  progress('api: waiting streams');
  const server = await startServer({ args: ['--sequences', '1', '--queue', String(STREAMS)] });
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Once' }], stream: true, max_tokens: 200, n: 1 });
  const before = residentMb(server.child.pid);
  const requests = Array.from({ length: STREAMS }, () => {
    const request = http.request(server.url + '/v1/chat/completions', { method: 'POST', agent: false,
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' } });
    request.on('error', () => {}); // they are cut off at the end
    request.end(body);
    return request;
  });
  await until(async () => await server.metric('liminal_engine_queue_depth') > STREAMS * 0.9, 'the streams wait', 120000);
  addRow({ suite: 'api', name: `${STREAMS} streams that wait`, metric: 'memory', unit: 'MB',
    ours: residentMb(server.child.pid) - before });
  requests.forEach((request) => request.destroy());
  await server.stop('SIGKILL');
}

export async function benchApi() {
  const folder = mkdtempSync(join(tmpdir(), 'liminal-bench-api-'));
  const script = join(folder, 'append.lua');
  writeFileSync(script, 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
    + 'wrk.body = \'{"role":"user","content":"Hello there, how are you today?"}\'\n');
  const url = postgres('start');
  try {
    await measure('SQLite', undefined, script);
    await measure('PostgreSQL', url, script);
    await measureStreams();
  } finally {
    postgres('stop', url);
    rmSync(folder, { recursive: true });
  }
}

// Fetching models from a server that drops connections, lies, and vanishes.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Terminal, run, runAsync, world } from './cli_support.mjs';

let model;      // bytes of a small true model
let digest;
let server;
let base;
let requests;   // of the current test
let behave;     // how the server answers: (request, response, body) => void

// Answers ranges as a good server does.
function answer(request, response, body, { etag = '"v1"', cutAfter = Infinity } = {}) {
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const wantsRest = request.headers.range && (!request.headers['if-range'] || request.headers['if-range'] === etag);
  if (wantsRest && from >= body.length) return response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
  const rest = wantsRest ? body.subarray(from) : body;
  const headers = { 'content-length': rest.length, etag, 'accept-ranges': 'bytes' };
  if (wantsRest) headers['content-range'] = `bytes ${from}-${body.length - 1}/${body.length}`;
  response.writeHead(wantsRest ? 206 : 200, headers);
  if (rest.length <= cutAfter) return response.end(rest);
  response.write(rest.subarray(0, cutAfter), () => response.destroy());
}

before(async () => {
  const env = world();
  const path = join(env.HOME, 'model.gguf');
  const shape = run(env, ['synth', '--list']).out.split('\n').find((name) => name.startsWith('tiny'));
  const made = run(env, ['synth', shape, '-o', path, '--type', 'F32']);
  assert.equal(made.code, 0, made.err);
  model = readFileSync(path);
  digest = createHash('sha256').update(model).digest('hex');
  server = createServer((request, response) => {
    requests.push({ url: request.url, headers: request.headers });
    behave(request, response, model);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.closeAllConnections() ?? server.close());

async function pull(env, args, behaviour = answer, options) {
  requests = [];
  behave = behaviour;
  return runAsync(env, ['pull', ...args], options);
}
const stored = (env, name) => join(env.LIMINAL_MODELS, `${name}.gguf`);
const leftovers = (env) => readdirSync(env.LIMINAL_MODELS).filter((file) => !/\.(gguf|json)$/.test(file));

describe('pull', () => {
  test('a URL, whole and known afterwards', async () => {
    const env = world();
    const { code, out, err } = await pull(env, [`${base}/deep/small.gguf?download=true`, '--sha256', digest]);
    assert.equal(code, 0, err);
    assert.match(out, /^small \(\d.* is in .*small\.gguf\n$/);
    assert.deepEqual(readFileSync(stored(env, 'small')), model);
    assert.deepEqual(leftovers(env), []);
    const shown = JSON.parse(run(env, ['show', 'small', '--json']).out);
    assert.equal(shown.sha256, digest);
    assert.equal(shown.url, `${base}/deep/small.gguf?download=true`);
    requests = [];
    const again = await pull(env, [`${base}/deep/small.gguf?download=true`]);
    assert.equal(again.code, 0, again.err);
    assert.equal(requests.length, 0, 'what is here is not fetched again');
  });

  test('org/repo:file on the hub', async () => {
    const env = { ...world(), LIMINAL_HF_ENDPOINT: `${base}/` };
    assert.equal((await pull(env, ['some-org/Some_Repo:sub/file-Q8_0.gguf'])).code, 0);
    assert.equal(requests[0].url, '/some-org/Some_Repo/resolve/main/sub/file-Q8_0.gguf');
    assert.ok(existsSync(stored(env, 'file-Q8_0')));
    assert.equal((await pull(env, ['some-org/Some_Repo/other.gguf', '--as', 'mine', '--endpoint', base])).code, 0);
    assert.ok(existsSync(stored(env, 'mine')));
  });

  test('the token goes to the hub and to nobody else', async () => {
    const env = { ...world(), LIMINAL_HF_ENDPOINT: base, HF_TOKEN: 'hf-secret' };
    assert.equal((await pull(env, ['org/repo:gated.gguf'], (request, response, body) =>
      request.headers.authorization === 'Bearer hf-secret' ? answer(request, response, body) : response.writeHead(401).end())).code, 0);
    assert.equal((await pull(env, [`${base}/free.gguf`])).code, 0);
    for (const request of requests) assert.equal(request.headers.authorization, undefined);
  });

  test('redirects are followed', async () => {
    const env = world();
    const { code, err } = await pull(env, [`${base}/small.gguf`], (request, response, body) =>
      request.url === '/small.gguf' ? response.writeHead(302, { location: '/elsewhere' }).end() : answer(request, response, body));
    assert.equal(code, 0, err);
    assert.deepEqual(readFileSync(stored(env, 'small')), model);
  });

  test('dropped connections go on where they stopped', async () => {
    const env = world();
    const { code, err } = await pull(env, [`${base}/small.gguf`, '--sha256', digest],
      (request, response, body) => answer(request, response, body, { cutAfter: Math.ceil(model.length / 3) }));
    assert.equal(code, 0, err);
    assert.deepEqual(readFileSync(stored(env, 'small')), model);
    assert.ok(requests.length >= 3);
    for (const request of requests.slice(1)) assert.match(request.headers.range, /^bytes=\d+-$/);
  });

  test('a killed fetch is continued by the next', async () => {
    const env = world();
    const half = model.length >> 1;
    const child = pull(env, [`${base}/small.gguf`], (request, response, body) => {
      response.writeHead(200, { 'content-length': body.length, etag: '"v1"', 'accept-ranges': 'bytes' });
      response.write(body.subarray(0, half)); // and then silence
    }, { onSpawn: (process) => setTimeout(() => process.kill('SIGINT'), 1500) });
    const stopped = await child;
    assert.equal(stopped.code, 130);
    assert.match(stopped.err, /goes on where/);
    assert.equal(existsSync(stored(env, 'small')), false);
    const { code } = await pull(env, [`${base}/small.gguf`]);
    assert.equal(code, 0);
    assert.equal(requests.length, 1);
    const from = Number(/bytes=(\d+)-/.exec(requests[0].headers.range)[1]);
    assert.ok(from > 0 && from <= half);
    assert.deepEqual(readFileSync(stored(env, 'small')), model);
  });

  test('a file that changed meanwhile starts anew', async () => {
    const env = world();
    let first = true;
    const { code, err } = await pull(env, [`${base}/small.gguf`, '--sha256', digest], (request, response, body) => {
      if (first) {
        first = false;
        return answer(request, response, Buffer.alloc(model.length, 7), { etag: '"old"', cutAfter: 1000 });
      }
      return answer(request, response, body, { etag: '"new"' });
    });
    assert.equal(code, 0, err);
    assert.deepEqual(readFileSync(stored(env, 'small')), model);
  });

  test('another digest than asked for is refused', async () => {
    const env = world();
    const { code, err } = await pull(env, [`${base}/small.gguf`, '--sha256', '0'.repeat(64)]);
    assert.equal(code, 8);
    assert.match(err, /sha256|SHA-256/);
    assert.deepEqual(readdirSync(env.LIMINAL_MODELS), []);
  });

  test('what is no model is not kept', async () => {
    const env = world();
    const { code, err } = await pull(env, [`${base}/small.gguf`], (request, response) => response.end('<html>login</html>'));
    assert.equal(code, 8);
    assert.match(err, /no model we can read/);
    assert.deepEqual(readdirSync(env.LIMINAL_MODELS), []);
  });

  for (const [status, code] of [[404, 3], [401, 4], [403, 4]]) {
    test(`HTTP ${status}`, async () => {
      const env = world();
      const result = await pull(env, [`${base}/small.gguf`], (request, response) => response.writeHead(status).end('no'));
      assert.equal(result.code, code);
      assert.match(result.err, new RegExp(`^liminal: .*\\b${status}\\b.*\n$`));
      assert.doesNotMatch(result.err, /^liminal: [A-Z]|\.\n$/);
      assert.deepEqual(leftovers(env).filter((file) => !file.endsWith('.part')), []);
    });
  }

  test('no server', async () => {
    const { code, err } = await pull(world(), ['http://127.0.0.1:1/small.gguf']);
    assert.equal(code, 6);
    assert.match(err, /^liminal: given up after \d+ attempts: cannot connect to [^\n]+\n$/);
  });

  test('a model of the same name stays what it is', async () => {
    const env = world();
    writeFileSync(stored(env, 'small'), 'by hand');
    const { code, err } = await pull(env, [`${base}/small.gguf`]);
    assert.equal(code, 5);
    assert.match(err, /--as/);
    assert.equal(readFileSync(stored(env, 'small'), 'utf8'), 'by hand');
    assert.equal(requests.length, 0);
  });

  test('names and references that are refused before anything is asked', async () => {
    const env = world();
    for (const words of [['name'], ['a/b'], ['a/b:../c'], ['ftp://x/y.gguf'], ['file:///etc/passwd'], [`${base}/`],
      [`${base}/x.gguf`, '--as', '../x'], [`${base}/x.gguf`, '--as=-x'], [`${base}/x.gguf`, '--as', 'local-llm'], [`${base}/x.gguf`, '--sha256', 'abc'],
      [`${base}/..`]]) {
      const { code } = await pull(env, words);
      assert.equal(code, 2, words.join(' '));
      assert.equal(requests.length, 0);
    }
    assert.deepEqual(readdirSync(env.LIMINAL_MODELS), []);
  });

  test('a terminal sees a bar with rate and time left, a pipe plain lines', async () => {
    const env = world();
    const slowly = async (request, response, body) => {
      response.writeHead(200, { 'content-length': body.length });
      for (let i = 0; i < 20; i++) {
        response.write(body.subarray(Math.floor(body.length * i / 20), Math.floor(body.length * (i + 1) / 20)));
        await new Promise((soon) => setTimeout(soon, 100));
      }
      response.end();
    };
    requests = [];
    behave = slowly;
    const terminal = new Terminal(env, ['pull', `${base}/small.gguf`]);
    assert.equal(await terminal.ended, 0, terminal.text);
    assert.match(terminal.text, /\r\x1b\[Ksmall \[#+\.+\] +\d+% .*B of .*B, .*B\/s, \d+ s left/);
    assert.match(terminal.text, /small \(.*\) is in/);
    const piped = await pull(env, [`${base}/again.gguf`], slowly);
    assert.equal(piped.code, 0);
    assert.match(piped.err, /^(again: +\d+% .*\n)+$/);
    const dumb = new Terminal({ ...env, TERM: 'dumb' }, ['pull', `${base}/dumb.gguf`]);
    assert.equal(await dumb.ended, 0);
    assert.equal(dumb.text.includes('\x1b'), false);
  });
});

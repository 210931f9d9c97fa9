// The server as whoever runs it meets it: starting, settings, what `ps` sees, stopping.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { Terminal, liminal, run, runAsync, serve, world } from './cli_support.mjs';

const settings = (env, args = []) => {
  const { code, out, err } = run(env, ['serve', '--show-settings', ...args]);
  assert.equal(code, 0, err);
  return Object.fromEntries(out.trim().split('\n').map((line) => {
    const [, name, source, value] = /^(\S+) +(default|file|environment|command line) +(.*)$/.exec(line);
    return [name, { source, value }];
  }));
};

const tell = (server, body) => server.fetch('/v1/completions', {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('settings', () => {
  test('command line over environment over file over default', () => {
    const env = world();
    mkdirSync(env.LIMINAL_HOME);
    assert.deepEqual(settings(env).port, { source: 'default', value: '8000' });
    writeFileSync(join(env.LIMINAL_HOME, 'liminal.conf'), '# test\nport = 1\napi-key = secret-of-file\n');
    assert.deepEqual(settings(env).port, { source: 'file', value: '1' });
    assert.deepEqual(settings({ ...env, LIMINAL_PORT: '2' }).port, { source: 'environment', value: '2' });
    assert.deepEqual(settings({ ...env, LIMINAL_PORT: '2' }, ['--port', '3']).port, { source: 'command line', value: '3' });
    assert.deepEqual(settings({ ...env, LIMINAL_CONFIG: join(env.LIMINAL_HOME, 'liminal.conf'), LIMINAL_HOME: '/nowhere' }).port, { source: 'file', value: '1' });
    assert.equal(run(env, ['serve', '--show-settings']).out.includes('secret-of-file'), false);
  });

  test('what nobody set shows what stands for it', () => {
    const bare = world('stories15m');
    delete bare.LIMINAL_HOME;
    const shown = settings(bare);
    assert.deepEqual(shown['data-dir'], { source: 'default', value: join(bare.HOME, '.local/share/liminal') });
    assert.deepEqual(shown.model, { source: 'default', value: join(bare.LIMINAL_MODELS, 'stories15m.gguf') });
    assert.deepEqual(shown['api-key'], { source: 'default', value: '(none)' });
    assert.deepEqual(settings(world()).model, { source: 'default', value: '(none)' });
  });

  test('mistakes are told with their place', () => {
    const env = world();
    const file = join(env.HOME, 'x.conf');
    for (const [text, pattern] of [['prot = 1', /x\.conf.*did you mean "port"/], ['port = yes', /x\.conf.*whole number/],
      ['nonsense', /x\.conf line 1/]]) {
      writeFileSync(file, text);
      const { code, err } = run(env, ['serve', '--config', file]);
      assert.equal(code, 2);
      assert.match(err, pattern);
    }
    assert.equal(run(env, ['serve', '--config', join(env.HOME, 'none.conf')]).code, 3);
    assert.match(run({ ...env, LIMINAL_PORT: 'x' }, ['serve']).err, /LIMINAL_PORT must be a whole number/);
    assert.match(run(env, ['serve', '--log', 'loud']).err, /no log level/);
  });
});

describe('serve', () => {
  test('answers, is seen by ps, and stops when asked', async () => {
    const env = world('stories15m');
    const server = await serve(env);
    assert.equal(server.ready.model, 'stories15m');
    assert.ok(server.ready.seconds < 2, `ready after ${server.ready.seconds} s`);
    const models = (await (await server.fetch(`/v1/models`)).json()).data.map((model) => model.id);
    assert.deepEqual(models, ['local-llm', 'stories15m']);
    const answer = await (await tell(server, { prompt: 'Once upon a time', max_tokens: 8, temperature: 0 })).json();
    assert.match(answer.choices[0].text, /there was a little/);
    const ps = run(env, ['ps', '--server', server.url]);
    assert.equal(ps.code, 0, ps.err);
    assert.match(ps.out, /^NAME +TYPE +ARCH +MEMORY +CONTEXT +RUNNING +WAITING +UNTIL\nstories15m +F32 +llama +\d+\.\d MB +256 +0 +0 +stays\n$/);
    for (const more of ['/', '/v1', '/v1/']) assert.equal(run(env, ['ps', '--server', server.url + more]).out, ps.out);
    const json = JSON.parse(run({ ...env, LIMINAL_PORT: new URL(server.url).port }, ['ps', '--json']).out);
    assert.equal(json.models[0].name, 'stories15m');
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    assert.equal(server.log.at(-1).message, 'stopped');
    const gone = run(env, ['ps', '--server', server.url]);
    assert.equal(gone.code, 6);
    assert.match(gone.err, /no server answers at/);
  });

  test('by path, with the name of its file; with a model for embeddings', async () => {
    const env = world('stories15m', 'minilm');
    const server = await serve(env, ['--model', join(env.LIMINAL_MODELS, 'stories15m.gguf'), '--embedding-model', 'minilm']);
    const names = JSON.parse(run(env, ['ps', '--server', server.url, '--json']).out).models.map((model) => model.name);
    assert.deepEqual(names, ['stories15m', 'minilm']);
    const answer = await (await server.fetch(`/v1/embeddings`, { method: 'POST',
      headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'minilm', input: 'hello' }) })).json();
    assert.equal(answer.data[0].embedding.length, 384);
    assert.equal((await server.stop('SIGINT')).code, 0);
  });

  test('an asked-for model that is missing or damaged is no start', () => {
    const env = world();
    assert.equal(run(env, ['serve', '--model', 'nothing', '--port', '0']).code, 3);
    assert.equal(run({ ...env, MODEL_PATH: '/nowhere/x.gguf' }, ['serve', '--port', '0']).code, 3);
    writeFileSync(join(env.LIMINAL_MODELS, 'bad.gguf'), 'GGUF\x03\0\0\0');
    assert.equal(run(env, ['serve', '--model', 'bad', '--port', '0']).code, 8);
    assert.equal(run(env, ['serve', '--chat-template', '/nowhere/x', '--port', '0']).code, 3);
  });

  test('without any model it serves, says so, and is small', async () => {
    const env = world();
    const server = await serve(env);
    assert.equal(server.ready.model, null);
    const answer = await server.fetch(`/v1/chat/completions`, { method: 'POST',
      headers: { 'content-type': 'application/json' }, body: '{"messages":[{"role":"user","content":"Hi"}]}' });
    assert.equal(answer.status, 503);
    assert.match((await answer.json()).error.message, /liminal pull/);
    assert.equal((await tell(server, { prompt: 'x' })).status, 503);
    assert.deepEqual((await (await server.fetch(`/v1/models`)).json()).data, []);
    assert.equal(run(env, ['ps', '--server', server.url]).code, 0);
    const resident = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))[1]) / 1000;
    if (!process.env.ASAN_OPTIONS) assert.ok(resident < 40, `${resident} MB`);
    assert.equal((await server.stop()).code, 0);
  });

  test('a port that is taken is told in one sentence', async () => {
    const env = world('stories15m');
    const other = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((done) => other.on('listening', done));
    const result = await runAsync(env, ['serve', '--port', String(other.address().port)]);
    other.close();
    assert.equal(result.code, 5);
    assert.match(result.err.trim().split('\n').at(-1), /^liminal: port \d+ on 127\.0\.0\.1 is taken: [^\n]+[^.]$/);
    const first = await serve(env);
    const second = await runAsync(env, ['serve', '--port', new URL(first.url).port]);
    assert.equal(second.code, 5);
    await first.stop();
  });

  test('a key is asked for, and ps can give it', async () => {
    const env = world('stories15m');
    const server = await serve({ ...env, LIMINAL_API_KEY: 'k-123' });
    assert.equal((await fetch(`${server.url}/v1/models`)).status, 401);
    assert.equal(run(env, ['ps', '--server', server.url]).code, 4);
    assert.equal(run(env, ['ps', '--server', server.url, '--api-key', 'k-123']).code, 0);
    assert.equal(server.err.includes('k-123'), false);
    await server.stop();
  });

  test('an answer that is running ends well when the server is asked to stop', async () => {
    const server = await serve(world('stories15m'), ['--threads', '1']);
    const answer = await tell(server, { prompt: 'Once upon a time', max_tokens: 120, temperature: 0, stream: true });
    const reader = answer.body.getReader();
    await reader.read();
    const ended = server.stop();
    let text = '';
    for (let piece; !(piece = await reader.read()).done;) text += Buffer.from(piece.value);
    assert.match(text, /data: \[DONE\]\s*$/);
    assert.equal((await ended).code, 0);
  });

  test('grace is bounded, and a second signal stops at once', async () => {
    const env = world('stories15m');
    const stuck = async (server) => {
      const answer = await tell(server, { prompt: 'Once', max_tokens: 250, stream: true, n: 4 });
      await answer.body.getReader().read();
    };
    const hasty = await serve(env, ['--grace', '0', '--threads', '1']);
    await stuck(hasty);
    const from = Date.now();
    assert.equal((await hasty.stop()).code, 0);
    assert.ok(Date.now() - from < 5000);
    const patient = await serve(env, ['--grace', '600', '--threads', '1', '--sequences', '1']);
    for (let i = 0; i < 8; i++) stuck(patient).catch(() => {});
    await new Promise((soon) => setTimeout(soon, 300));
    patient.child.kill('SIGINT');
    for (let i = 0; i < 200 && !/stopping on signal/.test(patient.err); i++) await new Promise((soon) => setTimeout(soon, 50));
    assert.deepEqual(await patient.stop('SIGINT'), { code: null, signal: 'SIGINT' });
  });

  test('a person at a terminal gets an address and a line to paste', async () => {
    const terminal = new Terminal(world('stories15m'), ['serve', '--port', '0']);
    await terminal.sees(/stories15m is ready at http:\/\/127\.0\.0\.1:\d+/);
    await terminal.sees(/Your key, for programs on this machine: lim_\S{43}\s/);
    await terminal.sees(/curl http:\/\/127\.0\.0\.1:\d+\/v1\/chat\/completions/);
    await terminal.sees(/-H "Authorization: Bearer \$\(cat '\S+\/home\/api-key'\)"/);
    terminal.type('\x03');
    assert.equal(await terminal.ended, 0);
    const locked = new Terminal({ ...world('stories15m'), LIMINAL_API_KEY: 'k-123' }, ['serve', '--port', '0']);
    await locked.sees('-H "Authorization: Bearer $LIMINAL_API_KEY"');
    assert.doesNotMatch(locked.text, /k-123/);
    locked.type('\x03');
    assert.equal(await locked.ended, 0);
  });
});

describe('scripts/start.sh', () => {
  const script = resolve(import.meta.dirname ?? '.', '../../scripts/start.sh');
  const start = (env) => {
    const child = spawn('bash', [script], { env: { ...env, LIMINAL_BIN: liminal, LIMINAL_MODEL: 'stories15m' }, detached: true });
    const result = { child, out: '', err: '' };
    child.stdout.on('data', (data) => { result.out += data; });
    child.stderr.on('data', (data) => { result.err += data; });
    result.ended = new Promise((done) => child.on('close', (code) => done(code)));
    after(() => { try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it has ended */ } });
    return result;
  };
  const freePort = async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => probe.on('listening', done));
    const { port } = probe.address();
    await new Promise((done) => probe.close(done));
    return String(port);
  };
  const until = async (condition) => {
    for (let i = 0; i < 600 && !condition(); i++) await new Promise((soon) => setTimeout(soon, 50));
    assert.ok(condition());
  };

  test('starts, says what to type, is content when it runs already, stops with Ctrl-C', async () => {
    const port = await freePort();
    const env = { ...world('stories15m'), LIMINAL_PORT: port };
    const first = start(env);
    await until(() => first.out.includes('Ctrl-C stops it'));
    assert.match(first.out, new RegExp(`Liminal answers at http://127.0.0.1:${port}`));
    assert.match(first.out, /curl http.*\n +-H "Authorization: Bearer \$\(cat '.*home\/api-key'\)" \\\n +-d '\{"model":"local-llm"/);
    assert.match(first.out, /liminal run local-llm/);
    const second = start(env);
    assert.equal(await second.ended, 0);
    assert.match(second.out, /running already/);
    process.kill(-first.child.pid, 'SIGINT');
    assert.equal(await first.ended, 0);
    assert.match(first.err, /"message":"stopped"/);
    assert.doesNotMatch(first.err, /"message":"ready"|healthz/, 'the log begins after the words for a person');
    await assert.rejects(fetch(`http://127.0.0.1:${port}/v1/models`));
  });

  test('another program on the port is told, also one that speaks the API of OpenAI', async () => {
    const list = JSON.stringify({ object: 'list', data: [{ id: 'x', object: 'model', owned_by: 'local' }] });
    for (const body of ['hello', list, '{"status":"ok"}']) {
      const other = createServer((request, response) => response.end(body)).listen(0, '127.0.0.1');
      await new Promise((done) => other.on('listening', done));
      const result = start({ ...world('stories15m'), LIMINAL_PORT: String(other.address().port) });
      assert.equal(await result.ended, 1, body);
      assert.match(result.err, /^Port \d+ is taken by another program: [^\n]+\n$/);
      other.close();
    }
  });

  test('with a key, the line to paste sends it and does not show it', async () => {
    const env = { ...world('stories15m'), LIMINAL_PORT: await freePort(), LIMINAL_API_KEY: 'k-123' };
    const result = start(env);
    await until(() => result.out.includes('Ctrl-C stops it'));
    process.kill(-result.child.pid, 'SIGINT');
    assert.equal(await result.ended, 0);
    const line = /^ {2}curl [^]*?\}'$/m.exec(result.out)[0];
    assert.match(line, /-H "Authorization: Bearer \$LIMINAL_API_KEY"/);
    assert.doesNotMatch(result.out + result.err, /k-123/);
  });

  test('a port that is none names the variable it came from', async () => {
    const env = world('stories15m');
    for (const [name, value] of [['PORT', 'abc'], ['LIMINAL_PORT', '70000'], ['PORT', '0']]) {
      const result = start({ ...env, [name]: value });
      assert.equal(await result.ended, 1);
      assert.equal(result.err, `${name} must be a number from 1 to 65535, not "${value}".\n`);
    }
  });

  test('a server that cannot start says why', async () => {
    const env = { ...world('stories15m'), LIMINAL_PORT: await freePort(), LIMINAL_RATE_LIMITS: 'much' };
    const result = start(env);
    assert.equal(await result.ended, 1);
    assert.match(result.err, /`much` is no limit/);
  });
});

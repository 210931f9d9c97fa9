// What the fetching scripts share, against a registry of our own that drops connections and lies.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, test } from 'node:test';
import { scratch } from './cli_support.mjs';

const shared = fileURLToPath(new URL('../../scripts/fetch.sh', import.meta.url));
const tarball = randomBytes(300_000);
const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
let registry;
let base;
let requests;
let send; // (request, response, from) => void

before(async () => {
  registry = createServer((request, response) => {
    if (!request.url.endsWith('.tgz')) {
      const dist = { tarball: `${base}/parcel-1.0.0.tgz`, integrity, shasum: '0'.repeat(40) };
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify({ name: 'parcel', 'dist-tags': { latest: '1.0.0' },
        versions: { '1.0.0': { name: 'parcel', version: '1.0.0', dist } } }));
    }
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    requests.push(from);
    if (from >= tarball.length) return response.writeHead(416).end();
    return send(request, response, from);
  });
  await new Promise((done) => registry.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${registry.address().port}`;
});
after(() => { registry.closeAllConnections(); registry.close(); });

function whole(request, response, from, bytes = tarball) {
  response.writeHead(from ? 206 : 200, { 'content-length': bytes.length - from,
    ...(from && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }) });
  response.end(bytes.subarray(from));
}

function bash(command, env = {}) {
  return new Promise((done) => {
    const child = spawn('bash', ['-euc', `. '${shared}'; ${command}`], {
      env: { PATH: process.env.PATH, HOME: env.HOME ?? '/tmp', npm_config_registry: base,
        npm_config_fetch_retries: '0', npm_config_update_notifier: 'false', ...env } });
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => { out += data; });
    child.stderr.on('data', (data) => { err += data; });
    child.on('close', (code) => done({ code, out: out.trim(), err }));
  });
}

async function fetchParcel(behaviour, prepare) {
  const folder = scratch();
  const tarballs = join(folder, 'npm');
  mkdirSync(tarballs);
  prepare?.(join(tarballs, 'parcel-1.0.0.tgz'));
  requests = [];
  send = behaviour;
  return bash(`tarballs='${tarballs}'; npm_tarball parcel@1.0.0`, { HOME: folder });
}

describe('fetching what npm carries', () => {
  test('whole and right', async () => {
    const { code, out, err } = await fetchParcel(whole);
    assert.equal(code, 0, err);
    assert.deepEqual(readFileSync(out), tarball);
    assert.deepEqual(requests, [0]);
  });

  test('what is here is not fetched again', async () => {
    const { code, out } = await fetchParcel(whole, (file) => writeFileSync(file, tarball));
    assert.equal(code, 0);
    assert.match(out, /parcel-1\.0\.0\.tgz$/);
    assert.deepEqual(requests, []);
  });

  test('an interrupted fetch goes on', async () => {
    const { code, out } = await fetchParcel(whole, (file) => writeFileSync(file, tarball.subarray(0, 100_000)));
    assert.equal(code, 0);
    assert.deepEqual(requests, [100_000]);
    assert.deepEqual(readFileSync(out), tarball);
  });

  test('a dropped connection goes on', async () => {
    let drops = 1;
    const { code, out, err } = await fetchParcel((request, response, from) => {
      if (!drops--) return whole(request, response, from);
      response.writeHead(200, { 'content-length': tarball.length });
      return response.write(tarball.subarray(0, 120_000), () => setTimeout(() => response.destroy(), 100));
    });
    assert.equal(code, 0, err);
    assert.equal(requests.length, 2);
    assert.ok(requests[1] > 0);
    assert.deepEqual(readFileSync(out), tarball);
  });

  for (const [name, length] of [['part', 100_000], ['whole', 300_000]]) {
    test(`a damaged ${name} is fetched anew`, async () => {
      const { code, out, err } = await fetchParcel(whole, (file) => writeFileSync(file, Buffer.alloc(length, 1)));
      assert.equal(code, 0, err);
      assert.match(err, /damaged; fetching it again/);
      assert.deepEqual(requests, [length, 0]);
      assert.deepEqual(readFileSync(out), tarball);
    });
  }

  test('what stays damaged is told', async () => {
    const { code, out, err } = await fetchParcel((request, response, from) =>
      whole(request, response, from, Buffer.alloc(300_000, 2)));
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.match(err, /parcel@1\.0\.0 arrives damaged or not at all/);
  });

  test('no registry is told', async () => {
    const { code, err } = await bash(`tarballs='${scratch()}'; npm_tarball parcel@1.0.0`, { npm_config_registry: 'http://127.0.0.1:1/', HOME: scratch() });
    assert.equal(code, 1);
    assert.match(err, /npm cannot tell where parcel@1\.0\.0 is: is the network there/);
  });

  test('no room and missing programs are told', async () => {
    const folder = scratch();
    const full = await bash(`need_space '${folder}' 900000000000000000`);
    assert.equal(full.code, 1);
    assert.match(full.err, /MB free, but .* MB are needed/);
    const missing = await bash('need_commands no-such-program');
    assert.equal(missing.code, 1);
    assert.match(missing.err, /no-such-program is missing: run 'make deps'/);
  });

  test('folders follow the program', async () => {
    const env = { HOME: '/home/x', XDG_DATA_HOME: '/data' };
    assert.equal((await bash('models_folder', env)).out, '/data/liminal/models');
    assert.equal((await bash('models_folder', { ...env, XDG_DATA_HOME: 'relative' })).out, '/home/x/.local/share/liminal/models');
    assert.equal((await bash('models_folder', { ...env, LIMINAL_MODELS: '/m' })).out, '/m');
    assert.equal((await bash('cache_folder', { HOME: '/home/x' })).out, '/home/x/.cache/liminal');
  });
});

describe('tools/deps.sh', () => {
  const script = fileURLToPath(new URL('../../tools/deps.sh', import.meta.url));

  // As on a fresh machine, for somebody who is not root: nothing is installed, there is no sudo.
  function deps(...args) {
    const folder = scratch();
    const programs = { 'dpkg-query': 'exit 1', 'apt-get': 'exit 1', id: 'echo 1000' };
    for (const [name, does] of Object.entries(programs))
      writeFileSync(join(folder, name), `#!/bin/sh\n${does}\n`, { mode: 0o755 });
    for (const name of ['bash', 'grep']) symlinkSync(`/bin/${name}`, join(folder, name));
    const { status, stderr } = spawnSync('/bin/bash', [script, ...args], { env: { PATH: folder } });
    return { code: status, err: stderr.toString() };
  }

  test('what is missing is told with the target that installs it', () => {
    for (const [target, sets] of [['deps', ['build', 'run']], ['deps-test', ['build', 'run', 'test']]])
      for (const check of [[], ['--check']]) {
        const { code, err } = deps(...check, ...sets);
        assert.equal(code, 1);
        assert.match(err, new RegExp(`^Packages [^\n]*gcc[^\n]*: run 'make ${target}' [^\n]+\n$`));
      }
  });
});

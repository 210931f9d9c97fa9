// Fetching over TLS that can and can't be trusted, and onto a disk that is full.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { liminal, run, runAsync, scratch, world } from './cli_support.mjs';

let model;
const folder = scratch();
const certificate = join(folder, 'certificate.pem'); // signed by nobody but itself
let plain, secure; // servers
const base = (server) => `${server === secure ? 'https' : 'http'}://localhost:${server.address().port}`;

function answer(request, response) {
  if (request.url === '/down') return response.writeHead(302, { location: `${base(plain)}/small.gguf` }).end();
  const untold = request.url.startsWith('/untold'); // chunked: its length is a secret
  response.writeHead(200, untold ? {} : { 'content-length': model.length });
  response.end(model);
}

before(async () => {
  const env = world();
  const path = join(env.HOME, 'small.gguf');
  const shape = run(env, ['synth', '--list']).out.split('\n').find((name) => name.startsWith('tiny'));
  assert.equal(run(env, ['synth', shape, '-o', path, '--type', 'F32']).code, 0);
  model = readFileSync(path);

  const key = join(folder, 'key.pem');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
    '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  plain = http.createServer(answer).listen(0, '127.0.0.1');
  secure = https.createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer).listen(0, '127.0.0.1');
  await Promise.all([plain, secure].map((server) => server.listening || new Promise((done) => server.on('listening', done))));
});
after(() => [plain, secure].forEach((server) => server.closeAllConnections() ?? server.close()));

const stored = (env) => readdirSync(env.LIMINAL_MODELS).filter((name) => name.endsWith('.gguf'));

describe('TLS', () => {
  test('a certificate that nobody vouches for is refused, with what to check', async () => {
    const env = world();
    const { code, err } = await runAsync(env, ['pull', `${base(secure)}/small.gguf`]);
    assert.notEqual(code, 0);
    assert.match(err, /no trustworthy TLS connection.*certificate/s);
    assert.deepEqual(stored(env), []);
  });

  test('one that SSL_CERT_FILE vouches for is fine', async () => {
    const env = { ...world(), SSL_CERT_FILE: certificate };
    const { code, err } = await runAsync(env, ['pull', `${base(secure)}/small.gguf`]);
    assert.equal(code, 0, err);
    assert.deepEqual(stored(env), ['small.gguf']);
  });

  test('no redirect leads from https to http', async () => {
    const env = { ...world(), SSL_CERT_FILE: certificate };
    const { code, err } = await runAsync(env, ['pull', `${base(secure)}/down`, '--as', 'down']);
    assert.notEqual(code, 0);
    assert.match(err, /Protocol "http" not supported or disabled/);
    assert.deepEqual(stored(env), []);
  });
});

// A file system of 64 kB, in a mount namespace of its own.
const namespaces = spawnSync('unshare', ['-rm', 'true']).status === 0;

describe('a full disk', { skip: !namespaces && 'this machine allows no mount namespaces' }, () => {
  function pullOntoSmallDisk(url) {
    const env = world();
    const script = 'mount -t tmpfs -o size=64k none "$LIMINAL_MODELS" && exec "$0" pull "$1"';
    return new Promise((done) => {
      const child = spawn('unshare', ['-rm', 'sh', '-c', script, liminal, url], { env });
      let err = '';
      child.stderr.on('data', (data) => { err += data; });
      child.on('close', (code) => done({ code, err, env }));
    });
  }

  test('is noticed before the first byte when the length is told', async () => {
    const { code, err, env } = await pullOntoSmallDisk(`${base(plain)}/small.gguf`);
    assert.notEqual(code, 0);
    assert.match(err, /disk is too full.*are free/);
    assert.ok(!existsSync(join(env.LIMINAL_MODELS, 'small.gguf')));
  });

  test('is said clearly when it fills up on the way', async () => {
    const { code, err } = await pullOntoSmallDisk(`${base(plain)}/untold.gguf`);
    assert.notEqual(code, 0);
    assert.match(err, /the disk is full.*free some space/);
  });
});

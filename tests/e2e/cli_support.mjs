// cli_support.mjs - running the program as a person or a script would: piped, or in a terminal of
// its own. Every test file gets a folder of its own for models and data.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, existsSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';

export const liminal = resolve(process.env.LIMINAL_BIN ?? 'build/liminal');
export const testModels = process.env.LIMINAL_TEST_MODELS ??
  join(process.env.LIMINAL_CACHE ?? join(homedir(), '.cache', 'liminal'), 'models');

// A folder that is gone after the tests of the file.
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), 'liminal-cli-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// An environment with nothing of the person who runs the tests in it. `models` are names of test
// models that it can see.
export function world(...models) {
  const folder = scratch();
  const env = { PATH: process.env.PATH, HOME: folder, LANG: 'C.UTF-8', TERM: 'xterm',
    LIMINAL_HOME: join(folder, 'home'), LIMINAL_MODELS: join(folder, 'models') };
  for (const name of Object.keys(process.env))
    if (/^(ASAN|UBSAN|TSAN|LSAN)_OPTIONS$/.test(name)) env[name] = process.env[name];
  mkdirSync(env.LIMINAL_MODELS);
  for (const name of models) {
    const file = join(testModels, `${name}.gguf`);
    if (!existsSync(file)) throw new Error(`${file} is missing: run scripts/fetch-test-models.sh`);
    symlinkSync(file, join(env.LIMINAL_MODELS, `${name}.gguf`));
  }
  return env;
}

// Run to the end with pipes; `input` is standard input.
export function run(env, args, { input = '', timeout = 120_000 } = {}) {
  const result = spawnSync(liminal, args, { env, input, timeout, maxBuffer: 1 << 28 });
  return { code: result.status, signal: result.signal, out: result.stdout.toString(), err: result.stderr.toString() };
}

// The same, for tests that must not block this process (it is the server).
export function runAsync(env, args, { input = '', onSpawn } = {}) {
  return new Promise((done) => {
    const child = spawn(liminal, args, { env });
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => { out += data; });
    child.stderr.on('data', (data) => { err += data; });
    child.on('close', (code, signal) => done({ code, signal, out, err }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    onSpawn?.(child);
  });
}

const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;

// A test that failed midway must not leave its program waiting for keys.
const openTerminals = new Set();
after(() => { for (const child of openTerminals) child.kill('SIGKILL'); });

// A program in a pseudo-terminal. What the screen got is in `text`; `type` sends keys.
export class Terminal {
  constructor(env, args, program = liminal) {
    this.text = '';
    this.child = spawn('script', ['-qefc', `exec ${[program, ...args].map(quote).join(' ')}`, '/dev/null'], { env });
    this.child.stdout.on('data', (data) => { this.text += data; });
    this.ended = new Promise((done) => this.child.on('close', (code) => done(code)));
    openTerminals.add(this.child);
    this.child.on('close', () => openTerminals.delete(this.child));
  }

  type(keys) {
    this.child.stdin.write(keys);
  }

  // Wait until the screen has got `pattern` after position `from`; answers where it ended.
  async sees(pattern, from = 0, seconds = 20) {
    const wanted = typeof pattern === 'string' ? new RegExp(pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : pattern;
    for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
      const match = wanted.exec(this.text.slice(from));
      if (match) return from + match.index + match[0].length;
      await new Promise((soon) => setTimeout(soon, 20));
    }
    throw new Error(`the terminal never showed ${wanted}; it shows:\n${this.text.slice(from)}`);
  }
}

// A server on a free port. `url`, `log` (parsed lines so far), `stop(signal)` answers the exit code.
export async function serve(env, args = []) {
  const child = spawn(liminal, ['serve', '--port', '0', ...args], { env });
  const server = { child, log: [], err: '' };
  let rest = '';
  const ready = new Promise((done, failed) => {
    child.stderr.on('data', (data) => {
      server.err += data;
      rest += data;
      const lines = rest.split('\n');
      rest = lines.pop();
      for (const line of lines.filter((l) => l.startsWith('{'))) {
        const entry = JSON.parse(line);
        server.log.push(entry);
        if (entry.message === 'ready') done(entry);
      }
    });
    child.on('close', (code) => failed(new Error(`serve ended with ${code}: ${server.err}`)));
  });
  server.ended = new Promise((done) => child.on('close', (code, signal) => done({ code, signal })));
  server.stop = (signal = 'SIGTERM') => { child.kill(signal); return server.ended; };
  after(() => child.kill('SIGKILL'));
  server.ready = await ready;
  server.url = server.ready.url;
  server.key = env.LIMINAL_API_KEY || readFileSync(join(env.LIMINAL_HOME, 'api-key'), 'utf8').trim();
  server.fetch = (route, options = {}) => fetch(server.url + route, {
    ...options, headers: { authorization: `Bearer ${server.key}`, ...options.headers } });
  return server;
}

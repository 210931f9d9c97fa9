// Every verb as a script meets it: piped, with exit codes, bad input, and JSON.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { liminal, run, scratch, testModels, world } from './cli_support.mjs';

const VERBS = ['serve', 'run', 'pull', 'list', 'show', 'rm', 'ps', 'tokenize', 'embed', 'convert',
  'quantize', 'synth', 'bench', 'migrate', 'db', 'backup', 'restore', 'version'];

const env = world('stories15m', 'minilm');
const folder = scratch();
const template = join(folder, 'plain.jinja');
writeFileSync(template, '{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}');
const tale = (...args) => ['run', 'stories15m', '--raw', 'Once upon a time', '--max-tokens', '20', ...args];

// One sentence on stderr, nothing on stdout, this code.
function refused(args, code, pattern, options) {
  const result = run(env, args, options);
  assert.equal(result.code, code, `${args.join(' ')}: ${result.err}`);
  assert.equal(result.out, '');
  assert.match(result.err, /^liminal: [^\n]+\n$/);
  assert.match(result.err, pattern);
}

describe('help', () => {
  test('the overview lists every verb', () => {
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, out } = run(env, args);
      assert.equal(code, 0);
      for (const verb of VERBS) assert.match(out, new RegExp(`^  ${verb} `, 'm'));
      assert.match(out, /Examples:/);
    }
  });

  test('no verb is wrong usage, and the overview goes to stderr', () => {
    const { code, out, err } = run(env, []);
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.match(err, /Usage: liminal VERB/);
  });

  for (const verb of VERBS) {
    test(`${verb} --help`, () => {
      const { code, out } = run(env, [verb, '--help']);
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^Usage: liminal ${verb}`));
      assert.match(out, /-h, --help/);
      if (verb !== 'version') assert.match(out, new RegExp(`Examples?:\n(.*\n)*.*liminal ${verb}`));
      for (const line of out.split('\n')) assert.ok(line.length <= 92 && !line.endsWith(' '), line);
      assert.equal(run(env, ['help', verb]).out, out);
    });
  }

  test('a slip of the fingers is understood', () => {
    refused(['lst'], 2, /did you mean "list"/);
    refused(['quantise'], 2, /did you mean "quantize"/);
    refused(['xylophone'], 2, /--help/);
    refused(['run', 'x', '--tmep', '1'], 2, /did you mean --temp/);
    refused(['help', 'srve'], 2, /did you mean "serve"/);
  });

  test('arguments that are missing or too many', () => {
    refused(['run'], 2, /^liminal: MODEL is missing; usage: liminal run MODEL \[PROMPT\.\.\.\]\n/);
    refused(['rm'], 2, /^liminal: MODEL is missing; usage: liminal rm MODEL\.\.\.\n/);
    refused(['quantize', 'a'], 2, /OUT is missing; usage: liminal quantize IN OUT TYPE\n/);
    refused(['quantize', 'a', 'b'], 2, /TYPE is missing/);
    refused(['show', 'a', 'b'], 2, /"b" is one argument too many; usage: liminal show MODEL\n/);
    refused(['list', 'x'], 2, /"x" is one argument too many; usage: liminal list\n/);
    refused(['run', 'stories15m', 'x', '--temp'], 2, /--temp needs a value/);
    refused(['run', 'stories15m', 'x', '--temp', '9'], 2, /between 0 and 2/);
    refused(['run', 'stories15m', 'x', '--seed=-1'], 2, /whole number/);
  });

  test('the manuals name every verb, setting and exit code', () => {
    const cli = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    const configuration = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
    for (const verb of VERBS) assert.match(cli, new RegExp(`^\\| \`${verb}[ \`]`, 'm'));
    for (const line of run(env, ['serve', '--show-settings']).out.trim().split('\n'))
      assert.match(configuration, new RegExp(`^\\| \`${line.split(' ')[0]}\` \\|`, 'm'));
    const codes = run(env, ['--help']).out.match(/Exit codes:[\s\S]*/)[0].matchAll(/\b(\d+) [a-z]/g);
    for (const [, code] of codes) assert.match(cli, new RegExp(`^\\| ${code} \\|`, 'm'));
    const help = run(env, ['serve', '--help']).out;
    for (const [, variable] of help.matchAll(/\[((?:LIMINAL_|MODEL_)[A-Z_\s]+)\]/g))
      for (const name of variable.split(/\s+/)) assert.ok(configuration.includes(`\`${name}\``), name);
  });
});

describe('version', () => {
  test('plain and as JSON', () => {
    assert.match(run(env, ['version']).out, /^liminal \d+\.\d+\.\d+\b.*\n$/);
    assert.equal(run(env, ['--version']).out, run(env, ['version']).out);
    assert.match(JSON.parse(run(env, ['version', '--json']).out).version, /^\d+\.\d+\.\d+$/);
  });
});

describe('list', () => {
  test('prints its header also when there is nothing and nobody looks', () => {
    const { code, out, err } = run(world(), ['list']);
    assert.equal(code, 0);
    assert.match(out, /^NAME +SIZE +TYPE +ARCH +CONTEXT +MODIFIED\n$/);
    assert.match(err, /liminal pull/);
    assert.deepEqual(JSON.parse(run(world(), ['list', '--json']).out), []);
  });

  test('a folder that does not exist is an empty one', () => {
    const nowhere = { ...env, LIMINAL_MODELS: join(folder, 'nowhere') };
    assert.equal(run(nowhere, ['list']).code, 0);
  });

  test('chat model first, embedding model after it, damaged last', () => {
    const own = world('stories15m', 'minilm');
    writeFileSync(join(own.LIMINAL_MODELS, 'aaa.gguf'), 'GGUF\x03\x00\x00\x00 and then nonsense');
    const rows = run(own, ['list']).out.trim().split('\n').map((line) => line.split(/ {2,}/));
    assert.deepEqual(rows.map((row) => row[0]), ['NAME', 'stories15m', 'minilm', 'aaa']);
    assert.equal(rows[1][2], 'F32');
    assert.match(rows[1][5], /^\d{4}-\d\d-\d\d \d\d:\d\d$/);
    assert.equal(rows[3][2], 'damaged');
    const json = JSON.parse(run(own, ['list', '--json']).out);
    assert.equal(json[0].default, true);
    assert.equal(json[1].embedding, true);
    assert.ok(json[2].problem);
    assert.equal(json[0].bytes, statSync(join(testModels, 'stories15m.gguf')).size);
  });
});

describe('show', () => {
  test('for people and for scripts', () => {
    const { out } = run(env, ['show', 'stories15m']);
    assert.match(out, /^ {2}architecture {2}llama$/m);
    assert.match(out, /^ {2}F32 +\d+ +\d+\.\d MB$/m);
    const json = JSON.parse(run(env, ['show', 'stories15m', '--json']).out);
    assert.equal(json.context_length, 256);
    assert.equal(json.metadata['llama.embedding_length'], 288);
    assert.equal(json.tensors.F32.bytes > 50e6, true);
    assert.equal(JSON.parse(run(env, ['show', 'local-llm', '--json']).out).name, 'stories15m');
  });

  test('what is not there, and what is no model', () => {
    const text = join(folder, 'text.gguf');
    const cut = join(folder, 'cut.gguf');
    writeFileSync(text, 'hello');
    writeFileSync(cut, readFileSync(join(testModels, 'stories15m.gguf')).subarray(0, 1 << 20));
    refused(['show', 'nothing'], 3, /no model "nothing"; `liminal list`/);
    refused(['show', join(folder, 'nothing.gguf')], 3, /no file/);
    refused(['show', text], 8, /text\.gguf/);
    refused(['show', cut], 8, /cut\.gguf/);
    refused(['show', 'stories15m', '--template'], 3, /no chat template/);
    const err = run(env, ['run', text, '--raw', 'x']).err;
    assert.equal(err.split('text.gguf').length, 2, `the file is named once: ${err}`);
  });
});

describe('names', () => {
  test('cannot leave the folder', () => {
    const own = world();
    writeFileSync(join(own.HOME, 'victim.gguf'), 'precious');
    for (const name of ['../victim', '../victim.gguf', join(own.HOME, 'victim.gguf'), 'a/../../victim', '..', '.', '', 'a\nb', '\x1b[2J'])
      assert.equal(run(own, ['rm', '--', name]).code, 2, name);
    assert.equal(run(own, ['rm', '--', '-rf']).code, 2);
    assert.equal(run(own, ['rm', 'unknown']).code, 3);
    assert.equal(readFileSync(join(own.HOME, 'victim.gguf'), 'utf8'), 'precious');
  });

  test('a slip of the fingers is understood, and capitals do not matter', () => {
    for (const [word, meant] of [['stories15n', 'stories15m'], ['Stories15M', 'stories15m'], ['miniml', 'minilm'],
      ['stories', 'stories15m'], ['local-lm', 'local-llm']]) {
      refused(['show', word], 3, new RegExp(`no model "${word}"; did you mean "${meant}"\\?`));
      refused(['run', word, 'x'], 3, new RegExp(`did you mean "${meant}"`));
    }
    const { code, err } = run(env, ['rm', 'minilmm']);
    assert.equal(code, 3);
    assert.match(err, /did you mean "minilm"/);
    const own = world();
    writeFileSync(join(own.LIMINAL_MODELS, 'damaged.gguf'), 'nonsense');
    assert.match(run(own, ['show', 'damagde']).err, /did you mean "damaged"/);
  });

  test('rm removes the model, and a link only itself', () => {
    const own = world('stories15m');
    assert.match(run(own, ['rm', 'stories15m']).out, /removed stories15m/);
    assert.equal(existsSync(join(own.LIMINAL_MODELS, 'stories15m.gguf')), false);
    assert.equal(existsSync(join(testModels, 'stories15m.gguf')), true);
  });

  test('the setting names the default model', () => {
    const named = (more) => JSON.parse(run({ ...env, ...more }, ['show', 'local-llm', '--json']).out).name;
    assert.equal(named({ LIMINAL_MODEL: 'minilm' }), 'minilm');
    assert.equal(named({ LIMINAL_MODEL: 'minilm', MODEL_PATH: join(testModels, 'stories15m.gguf') }), 'stories15m');
  });
});

describe('tokenize', () => {
  test('there and back', () => {
    const text = 'Once upon a time, 日本 and 🙂\n  two  spaces';
    const ids = run(env, ['tokenize', 'stories15m', '--ids', text]).out.trim();
    assert.match(ids, /^1( \d+)+$/);
    assert.equal(run(env, ['tokenize', 'stories15m', '--plain', '--ids', text]).out.trim(), ids.slice(2));
    const plain = ids.slice(2);
    assert.equal(run(env, ['tokenize', 'stories15m', '--decode', ...plain.split(' ')]).out, `${text}\n`);
    assert.equal(run(env, ['tokenize', 'stories15m', '--ids'], { input: `${text}\n` }).out.trim(), ids);
    const json = JSON.parse(run(env, ['tokenize', 'stories15m', '--json', text]).out);
    assert.deepEqual(json.tokens, ids.split(' ').map(Number));
    assert.equal(json.count, json.tokens.length);
    assert.equal(run(env, ['tokenize', 'stories15m', '-d'], { input: JSON.stringify(json.tokens.slice(1)) }).out, `${text}\n`);
  });

  test('a row per token', () => {
    assert.match(run(env, ['tokenize', 'stories15m', 'Once']).out, /^ +1 {2}"<s>"\n +\d+ {2}" ?Once"\n$/);
  });

  test('numbers that are no tokens', () => {
    refused(['tokenize', 'stories15m', '-d', '99999999'], 2, /0 to 31999/);
    refused(['tokenize', 'stories15m', '-d', 'x'], 2, /no token/);
  });
});

describe('embed', () => {
  const cosine = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

  test('vectors of unit length, near when the meaning is', () => {
    const { code, out, err } = run(env, ['embed', 'minilm', '--json', 'A cat sits.', 'A kitten rests.', 'Taxes are due.']);
    assert.equal(code, 0, err);
    const [cat, kitten, taxes] = JSON.parse(out);
    assert.equal(cat.length, 384);
    for (const vector of [cat, kitten, taxes]) assert.ok(Math.abs(cosine(vector, vector) - 1) < 1e-5);
    assert.ok(cosine(cat, kitten) > cosine(cat, taxes) + 0.2);
    const lines = run(env, ['embed', 'minilm'], { input: 'A cat sits.\nA kitten rests.\n' }).out.trim().split('\n');
    assert.equal(lines.length, 2);
    assert.deepEqual(lines[0].split(' ').map(Number), cat);
  });
});

describe('making models', () => {
  test('synth, quantize, convert, by path and by name', () => {
    const own = world('stories15m');
    const shapes = run(own, ['synth', '--list']).out.trim().split('\n');
    assert.ok(shapes.includes('llama-3.2-1b') && shapes.includes('qwen2.5-0.5b') && shapes.includes('smollm2-135m'));
    const tiny = shapes.find((shape) => shape.startsWith('tiny'));
    const made = run(own, ['synth', tiny, '-o', 'random', '--type', 'F32']);
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /random\.gguf \(/);
    const small = run(own, ['quantize', 'stories15m', join(own.HOME, 'small.gguf'), 'q8_0']);
    assert.equal(small.code, 0, small.err);
    assert.ok(statSync(join(own.HOME, 'small.gguf')).size < 25e6);
    assert.equal(run(own, ['quantize', 'stories15m', 'small', 'Q4_0']).code, 0);
    assert.deepEqual(JSON.parse(run(own, ['list', '--json']).out).map((model) => model.name).sort(),
      ['random', 'small', 'stories15m']);
    const again = run(own, ['quantize', 'stories15m', 'small', 'Q4_0']);
    assert.equal(again.code, 5);
    assert.match(again.err, /liminal rm small/);
  });

  test('what cannot be made', () => {
    refused(['synth', 'no-such-shape', '-o', join(folder, 'x.gguf')], 3, /smollm2-135m/);
    refused(['synth'], 2, /--list/);
    const unknown = run(env, ['quantize', 'stories15m', join(folder, 'x.gguf'), 'Q9']);
    assert.equal(unknown.code, 2);
    const writable = /no type "Q9"; choose one of (.*)\n/.exec(unknown.err)[1];
    refused(['quantize', 'stories15m', join(folder, 'x.gguf'), 'IQ2_XXS'], 7, new RegExp(`choose one of ${writable}\n`));
    const help = run(env, ['quantize', '--help']).out.replaceAll('\n', ' ');
    assert.ok(help.includes(`TYPE is one of ${writable};`), writable);
    refused(['quantize', 'stories15m', join(folder, 'no/such/x.gguf'), 'Q8_0'], 10, /no\/such/);
    refused(['quantize', 'stories15m', '--', '-x', 'Q8_0'], 2, /dash/);
    refused(['convert', join(folder, 'nowhere'), join(folder, 'x.gguf')], 3, /nowhere/);
    refused(['convert', template, join(folder, 'x.gguf')], 8, /./);
    refused(['convert', folder, join(folder, 'x.gguf')], 3, /config\.json/);
    refused(['convert', folder, join(folder, 'x.gguf'), '--tokenizer', template], 2, /--tokenizer/);
    assert.equal(existsSync(join(folder, 'x.gguf')), false);
  });
});

describe('bench', () => {
  test('speed and limits of one run', () => {
    const { code, out, err } = run(env, ['bench', 'stories15m', '--json', '--prefill', '32', '--decode', '8', '--repetitions', '1']);
    assert.equal(code, 0, err);
    const json = JSON.parse(out);
    for (const key of ['prefill_tps', 'decode_tps', 'prefill_gops', 'decode_gbs', 'limit_int8_gops',
      'limit_read_gbs', 'prefill_share', 'decode_share']) assert.ok(json[key] > 0, `${key} is ${json[key]}`);
    assert.ok(json.limit_bf16_gflops >= 0);
    assert.equal(json.batch, 1);
    for (const key of ['handover_us', 'barrier_us']) assert.ok(json[key] >= 0, `${key} is ${json[key]}`);
    const batch = run(env, ['bench', 'stories15m', '--prefill', '32', '--decode', '4', '--repetitions', '1', '--batch', '3']);
    assert.match(batch.out, /^decode x3 +\d/m);
    assert.equal(JSON.parse(JSON.stringify(json)).model, 'stories15m');
    refused(['bench', 'minilm'], 7, /embed/);
  });
});

describe('run', () => {
  test('goes on with a text, the same way each time', () => {
    const greedy = run(env, tale('--temp', '0'));
    assert.equal(greedy.code, 0, greedy.err);
    assert.match(greedy.out, /there was a little girl named/);
    assert.equal(run(env, tale('--temp', '0', '--threads', '1')).out, greedy.out);
    const seeded = run(env, tale('--temp', '1', '--seed', '7')).out;
    assert.equal(run(env, tale('--temp', '1', '--seed', '7')).out, seeded);
    assert.notEqual(run(env, tale('--temp', '1', '--seed', '8')).out, seeded);
  });

  test('takes the prompt from standard input, also in the middle of words', () => {
    const words = run(env, tale('--temp', '0')).out;
    const flags = ['--raw', '--temp', '0', '--max-tokens', '20'];
    assert.equal(run(env, ['run', 'stories15m', ...flags], { input: 'Once upon a time\n' }).out, words);
    assert.equal(run(env, ['run', 'stories15m', ...flags, 'Once', '-', 'time'], { input: 'upon a' }).out, words);
    assert.equal(run(env, ['run', 'stories15m', ...flags, 'Once upon a time'], { input: 'not read' }).out, words);
  });

  test('as JSON', () => {
    const json = JSON.parse(run(env, tale('--temp', '0', '--json')).out);
    assert.equal(json.finish_reason, 'length');
    assert.equal(json.usage.completion_tokens, 20);
    assert.equal(json.usage.total_tokens, json.usage.prompt_tokens + 20);
    assert.match(json.text, /little girl/);
    const seconds = /"seconds": \{\s*"prefill": (\d+\.\d+),\s*"decode": (\d+\.\d+)/.exec(run(env, tale('--json')).out);
    for (const shown of seconds.slice(1)) assert.match(shown, /^\d+\.\d{1,3}$/);
    const drawn = JSON.parse(run(env, tale('--json')).out);
    const replayed = JSON.parse(run(env, tale('--json', '--seed', String(drawn.seed))).out);
    assert.equal(replayed.text, drawn.text);
  });

  test('stops at a text that is not shown', () => {
    const json = JSON.parse(run(env, tale('--temp', '0', '--json', '--stop', ' girl')).out);
    assert.match(json.text, /a little$/);
    assert.equal(json.finish_reason, 'stop');
  });

  test('a chat template from a file', () => {
    const args = ['run', 'stories15m', 'Once upon a time', '--chat-template', template, '--temp', '0', '--max-tokens', '20'];
    assert.match(run(env, args).out, /there was a little girl named/);
    const system = run(env, [...args, '--system', 'Lily loves']);
    assert.equal(system.code, 0, system.err);
    assert.notEqual(system.out, run(env, args).out);
  });

  test('what cannot be answered', () => {
    refused(['run', 'nothing', 'x'], 3, /no model "nothing"/);
    refused(['run', 'stories15m', 'x'], 7, /no chat template.*--chat-template.*--raw/);
    refused(['run', 'stories15m', '--raw', ''], 2, /prompt is empty/);
    refused(['run', 'stories15m', '--raw'], 2, /prompt is empty/, { input: ' \n' });
    refused(['run', 'stories15m', '--raw'], 2, /UTF-8/, { input: Buffer.from([0x61, 0xff]) });
    refused(['run', 'stories15m', '--raw'], 2, /\d+ .*256|256 .*\d+/, { input: 'word '.repeat(400) });
    refused(['run', 'stories15m', '--raw', '--ctx', '999', 'x'], 2, /: stories15m: a context of 999 tokens is more than the model's 256\n/);
    refused(['run', 'minilm', '--raw', 'x'], 7, /./);
    refused(['run', 'stories15m', '--raw', 'x', '--chat-template', join(folder, 'nowhere')], 3, /nowhere/);
    writeFileSync(join(folder, 'bad.jinja'), '{% for %}');
    refused(['run', 'stories15m', 'x', '--chat-template', join(folder, 'bad.jinja')], 8, /line 1/);
  });

  test('no model at all: what to do is said', () => {
    const { code, err } = run(world(), ['run', 'local-llm', 'x']);
    assert.equal(code, 3);
    assert.match(err, /liminal pull/);
  });

  test('streams: the beginning is there before the end', async () => {
    const child = spawn(liminal, ['run', 'stories15m', '--raw', 'Once upon a time', '--temp', '0', '--max-tokens', '200'], { env });
    const times = [];
    child.stdout.on('data', () => times.push(Date.now()));
    await new Promise((done) => child.on('close', done));
    assert.ok(times.length > 20, `${times.length} pieces`);
  });

  test('Ctrl-C ends the answer with code 130, what was said stays said', async () => {
    const child = spawn(liminal, ['run', 'stories15m', '--raw', 'Once upon a time', '--max-tokens', '230', '--threads', '1'], { env });
    let out = '';
    child.stdout.on('data', (data) => { if (!out) child.kill('SIGINT'); out += data; });
    const code = await new Promise((done) => child.on('close', done));
    assert.equal(code, 130);
    assert.ok(out.length > 0 && out.endsWith('\n'));
  });

  test('nothing on either stream moves a cursor when nobody looks', () => {
    for (const args of [tale('--temp', '0', '-v'), ['list'], ['quantize', 'stories15m', join(folder, 'q.gguf'), 'Q8_0']]) {
      const { out, err } = run(env, args);
      assert.equal((out + err).includes('\x1b'), false);
      assert.equal((out + err).includes('\r'), false);
    }
  });

  test('a full disk is told', () => {
    const full = spawnSync('sh', ['-c', `'${liminal}' list >/dev/full`], { env });
    assert.equal(full.status, 10);
    assert.match(full.stderr.toString(), /cannot write the output/);
  });
});

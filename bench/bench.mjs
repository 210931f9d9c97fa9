// The measuring behind `make bench`: for each case, PAIRS interleaved runs of Liminal and the peer,
// medians of each, the ratio, and the share of the machine's limit that Liminal measured beside it.
// Writes build/bench.csv and prints it as a table.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const liminal = process.env.LIMINAL_BIN;
const peerFolder = process.env.LIMINAL_PEER;
const models = join(process.env.LIMINAL_CACHE, 'models');
const pairs = Number(process.env.PAIRS ?? 5);
const threads = Number(process.env.THREADS ?? 2);

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

const runJson = (program, args) => {
  const out = execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'] });
  return JSON.parse(out);
};

const runOurs = (model) => runJson(liminal, ['bench', model, '--threads', String(threads), '--json']);

// llama-bench answers one object per test: n_prompt > 0 is prefill, n_gen > 0 is decode.
const runPeer = (model) => {
  const tests = runJson(join(peerFolder, 'llama-bench'),
    ['-m', model, '-p', '512', '-n', '128', '-t', String(threads), '-r', '1', '-o', 'json']);
  return {
    prefill_tps: tests.find((t) => t.n_prompt > 0 && t.n_gen === 0).avg_ts,
    decode_tps: tests.find((t) => t.n_gen > 0).avg_ts,
  };
};

const rows = [];
const row = (suite, name, metric, unit, ours, peer, limit, share) =>
  rows.push({ suite, case: name, metric, unit, ours, peer, ratio: ours / peer, limit, share });

function benchEngine() {
  const cases = [
    ['llama-3.2-1b Q8_0', join(models, 'bench', 'llama-3.2-1b-Q8_0.gguf')],
    ['llama-3.2-1b Q4_0', join(models, 'bench', 'llama-3.2-1b-Q4_0.gguf')],
    ['tinyllama IQ2_XXS', join(models, 'tinyllama-1.1b-chat.gguf')],
  ];
  for (const [name, model] of cases) {
    if (!existsSync(model)) throw new Error(`${model} is missing`);
    const ours = [];
    const peer = [];
    for (let pair = 0; pair < pairs; pair++) {
      process.stderr.write(`\r${name}: pair ${pair + 1} of ${pairs} `);
      ours.push(runOurs(model));
      peer.push(runPeer(model));
    }
    process.stderr.write('\n');
    const of = (runs, key) => median(runs.map((run) => run[key]));
    row('engine', name, 'prefill 512', 'tok/s', of(ours, 'prefill_tps'), of(peer, 'prefill_tps'),
      of(ours, 'limit_int8_gops'), of(ours, 'prefill_share'));
    row('engine', name, 'decode 128', 'tok/s', of(ours, 'decode_tps'), of(peer, 'decode_tps'),
      of(ours, 'limit_read_gbs'), of(ours, 'decode_share'));
  }
}

const suites = { engine: benchEngine };
const wanted = process.argv.slice(2).length ? process.argv.slice(2) : Object.keys(suites);
for (const name of wanted) {
  if (!suites[name]) throw new Error(`no suite is called ${name}; there are: ${Object.keys(suites).join(', ')}`);
  suites[name]();
}

const columns = ['suite', 'case', 'metric', 'unit', 'ours', 'peer', 'ratio', 'limit', 'share'];
const shown = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(4))) : value);
mkdirSync('build', { recursive: true });
writeFileSync('build/bench.csv',
  [columns.join(','), ...rows.map((r) => columns.map((c) => shown(r[c])).join(','))].join('\n') + '\n');
const table = [columns, ...rows.map((r) => columns.map((c) => shown(r[c])))];
const widths = columns.map((_, i) => Math.max(...table.map((line) => line[i].length)));
for (const line of table) console.log(line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
console.log('\nratio: ours over the peer; share: of the limit measured in the same run '
  + '(prefill: int8 GOP/s, decode: GB/s read). Written to build/bench.csv.');

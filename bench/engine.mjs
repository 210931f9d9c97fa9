// engine.mjs - the engine alone: `liminal bench` and llama-bench on the same model files, with the
// share of the limit that Liminal measured in the same run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addRow, median, pairs, progress, runJson, runJsonLines, threads } from './measure.mjs';

const liminal = process.env.LIMINAL_BIN;
const models = join(process.env.LIMINAL_CACHE, 'models');
const shape = (name, type) => [`${name} ${type}`, join(models, 'bench', `${name}-${type}.gguf`)];

const ours = (model, depth) => runJson(liminal,
  ['bench', model, '--threads', String(threads), '--depth', String(depth), '--repetitions', '1', '--json']);

// llama-bench answers one object per test: n_prompt > 0 is prefill, n_gen > 0 is decode.
const peers = (model, depth) => {
  const tests = runJson(join(process.env.LIMINAL_PEER, 'llama-bench'),
    ['-m', model, '-p', '512', '-n', '128', '-d', String(depth), '-t', String(threads), '-r', '1', '-o', 'json']);
  return {
    prefill_tps: tests.find((t) => t.n_prompt > 0 && t.n_gen === 0).avg_ts,
    decode_tps: tests.find((t) => t.n_gen > 0).avg_ts,
  };
};

// What a prefill's share is of: the products of the weights' kind.
const prefillLimit = (name) => (/ B?F16$/.test(name) ? 'limit_bf16_gflops' : 'limit_int8_gops');

function compare(suite, cases, depth) {
  for (const [name, model] of cases) {
    if (!existsSync(model)) throw new Error(`${model} is missing`);
    const mine = [], theirs = [];
    for (let pair = 0; pair < pairs; pair++) {
      progress(`${suite}: ${name}, pair ${pair + 1} of ${pairs}`);
      mine.push(ours(model, depth));
      theirs.push(peers(model, depth));
    }
    const of = (runs, key) => median(runs.map((run) => run[key]));
    const row = (metric, key, limit) => addRow({
      suite, name, metric, unit: 'tok/s', ours: of(mine, `${key}_tps`), peer: of(theirs, `${key}_tps`),
      limit: of(mine, limit), share: of(mine, `${key}_share`),
    });
    row('prefill 512', 'prefill', prefillLimit(name));
    row('decode 128', 'decode', 'limit_read_gbs');
  }
}

const engineTypes = ['Q8_0', 'Q4_0', 'Q4_K_M', 'Q5_K_M', 'Q6_K', 'IQ4_XS', 'F16', 'BF16'];

export function benchEngine() {
  compare('engine', [
    ...engineTypes.map((type) => shape('llama-3.2-1b', type)),
    ['tinyllama IQ2_XXS', join(models, 'tinyllama-1.1b-chat.gguf')],
    shape('qwen2.5-0.5b', 'Q4_0'),
    shape('smollm2-135m', 'Q8_0'), shape('smollm2-135m', 'Q4_0'),
  ], 0);
}

export function benchDepth() {
  compare('depth 2048', [shape('llama-3.2-1b', 'Q8_0'), shape('llama-3.2-1b', 'Q4_0')], 2048);
}

const BATCHES = [1, 2, 4, 16], BATCH_DEPTH = 16, BATCH_ANSWER = 64;

// Several answers are written at once, all of their tokens counted: `liminal bench --batch` and llama-batched-bench.
export function benchBatch() {
  const most = BATCHES.at(-1) * (BATCH_DEPTH + BATCH_ANSWER);
  for (const [name, model] of [shape('llama-3.2-1b', 'Q4_0'), shape('qwen2.5-0.5b', 'Q4_0')]) {
    const mine = BATCHES.map(() => []), theirs = BATCHES.map(() => []);
    for (let pair = 0; pair < pairs; pair++) {
      progress(`batch: ${name}, pair ${pair + 1} of ${pairs}`);
      BATCHES.forEach((batch, i) => mine[i].push(runJson(liminal,
        ['bench', model, '--threads', String(threads), '--batch', String(batch), '--depth', String(BATCH_DEPTH),
          '--prefill', '16', '--decode', String(BATCH_ANSWER), '--repetitions', '1', '--json'])));
      runJsonLines(join(process.env.LIMINAL_PEER, 'llama-batched-bench'),
        ['-m', model, '-c', String(most), '-npp', String(BATCH_DEPTH), '-ntg', String(BATCH_ANSWER), '-npl', BATCHES.join(','),
          '-t', String(threads), '--output-format', 'jsonl']).forEach((run, i) => theirs[i].push(run));
    }
    BATCHES.forEach((batch, i) => addRow({
      suite: 'batch', name: `${name} ${batch} at once`, metric: `decode ${BATCH_ANSWER}`, unit: 'tok/s',
      ours: median(mine[i].map((run) => run.decode_tps)), peer: median(theirs[i].map((run) => run.speed_tg)),
      limit: median(mine[i].map((run) => run.limit_read_gbs)), share: median(mine[i].map((run) => run.decode_share)),
    }));
  }
}

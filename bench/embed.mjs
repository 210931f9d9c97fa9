// embed.mjs - embeddings: 1,000 sentences through /v1/embeddings in one request, beside
// @lat.md/embed (candle in WebAssembly, one thread) in this process, with the same MiniLM; and the
// share of the machine's limit in 16-bit products that was reached.
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { addRow, median, pairs, progress, runJson, threads } from './measure.mjs';
import { startOurs } from './server.mjs';
import { openEmbedder } from '../tests/oracle/embedder.mjs';

const models = join(process.env.LIMINAL_CACHE, 'models');
const model = join(models, 'minilm.gguf');
const SENTENCES = 1000;
const PEER_SENTENCES = Number(process.env.PEER_SENTENCES ?? SENTENCES); // fewer, when time is short

// MiniLM-L6: per token and layer four products of 384 x 384 and two of 384 x 1536.
const PRODUCTS_PER_TOKEN = 6 * (4 * 384 * 384 + 2 * 384 * 1536);

const WORDS = ('the a of old river house garden light stone morning letter song winter bread window street children '
  + 'market story blue green quiet slowly under over between runs holds sees brings finds keeps').split(' ');

// The same every time: 8 to 25 words.
function sentences(count) {
  let seed = 7;
  const below = (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % n;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 8 + below(18) }, () => WORDS[below(WORDS.length)]).join(' '));
}

async function ours(server, input) {
  const started = performance.now();
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/embeddings`, {
    method: 'POST', headers: { 'content-type': 'application/json', ...server.headers },
    body: JSON.stringify({ model: 'local-llm', input, encoding_format: 'base64' }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer.error));
  return { perSecond: input.length / (performance.now() - started) * 1000, tokens: answer.usage.prompt_tokens };
}

async function theirs(embedder, input) {
  const started = performance.now();
  await embedder.embed(input);
  return { perSecond: input.length / (performance.now() - started) * 1000 };
}

// What this machine multiplies at most in 16 bits; where it cannot, there is no share to tell.
function limitGflops() {
  return runJson(process.env.LIMINAL_BIN,
    ['bench', join(models, 'stories15m.gguf'), '--json', '--prefill', '16', '--decode', '4', '--repetitions', '1', '--threads', String(threads)])
    .limit_bf16_gflops;
}

export async function benchEmbed() {
  const input = sentences(SENTENCES);
  const server = await startOurs(model, { streams: 1, context: 512 });
  const embedder = await openEmbedder();
  const runs = { ours: [], theirs: [] };
  try {
    await ours(server, input.slice(0, 50));
    await theirs(embedder, input.slice(0, 5));
    for (let pair = 0; pair < pairs; pair++) {
      progress(`embeddings, pair ${pair + 1} of ${pairs}`);
      runs.ours.push(await ours(server, input));
      runs.theirs.push(await theirs(embedder, input.slice(0, PEER_SENTENCES)));
    }
  } finally {
    await server.stop();
  }
  const perSecond = median(runs.ours.map((run) => run.perSecond));
  const gflops = 2e-9 * PRODUCTS_PER_TOKEN * runs.ours[0].tokens / SENTENCES * perSecond;
  const limit = limitGflops();
  addRow({ suite: 'embed', name: 'MiniLM 1000 sentences', metric: 'embedded', unit: 'sentences/s', ours: perSecond,
    peer: median(runs.theirs.map((run) => run.perSecond)), limit: perSecond * limit / gflops, share: gflops / limit });
}

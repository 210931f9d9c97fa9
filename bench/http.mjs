// http.mjs - many users at once over HTTP: `liminal serve` beside llama-server, the same prompts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addRow, median, pairs, percentile, progress } from './measure.mjs';
import { closedLoop, complete, randomPrompt, startOurs, startPeer } from './server.mjs';

const models = join(process.env.LIMINAL_CACHE, 'models');
const STREAMS = [1, 4, 8, 16, 32];
const PROMPT_TOKENS = 128, ANSWER_TOKENS = 64;

const ask = (tokens, answer) => ({ prompt: randomPrompt(tokens), max_tokens: answer, temperature: 0 });

async function together(model, options, work) {
  // Models of random weights soon repeat themselves, and drafts would feast on that: without.
  const servers = [await startOurs(model, { ...options, args: ['--speculation', 'off'] }), await startPeer(model, options)];
  try {
    for (const server of servers) await complete(server, ask(PROMPT_TOKENS, 8)); // pages touched, clocks up
    return await work(servers);
  } finally {
    for (const server of servers) await server.stop();
  }
}

// Runs per server, interleaved.
async function interleaved(servers, label, run) {
  const runs = servers.map(() => []);
  for (let pair = 0; pair < pairs; pair++)
    for (const [i, server] of servers.entries()) {
      progress(`${label}, ${server.name}, pair ${pair + 1} of ${pairs}`);
      runs[i].push(await run(server));
    }
  return runs;
}

function throughputRows(name, [ours, peer]) {
  const row = (metric, unit, of) => addRow({
    suite: 'http', name, metric, unit, ours: median(ours.map(of)), peer: median(peer.map(of)),
  });
  row('generated', 'tok/s', (run) => run.tps);
  row('first token p50', 'ms', (run) => percentile(run.firsts, 0.5));
  row('first token p95', 'ms', (run) => percentile(run.firsts, 0.95));
  row('gap p95', 'ms', (run) => percentile(run.gaps, 0.95));
}

// Four answers are being written when a prompt of 2,000 tokens arrives: how much slower do they get?
async function intruder(server) {
  const write = () => Promise.all(Array.from({ length: 4 }, () => complete(server, ask(PROMPT_TOKENS, 160))));
  const gaps = (results) => percentile(results.flatMap((result) => result.gaps), 0.95);
  const alone = gaps(await write());
  const writers = write();
  await new Promise((resolve) => setTimeout(resolve, 600));
  const intruding = complete(server, ask(2000, 8));
  const disturbed = gaps(await writers);
  await intruding;
  return disturbed / alone;
}

// A prompt of 2,000 tokens is computed, and after a restart read back from disk. The peer is ourselves, computing.
async function readBack(name, model) {
  const TOKENS = 2000, folder = mkdtempSync(join(tmpdir(), 'liminal-bench-kv-'));
  const options = { streams: 1, context: 4096,
    args: ['--speculation', 'off', '--kv-spill-mb', '1024', '--kv-spill-dir', folder] };
  const speeds = { computed: [], restored: [] };
  try {
    for (let pair = 0; pair < pairs; pair++) {
      const prompt = randomPrompt(TOKENS);
      for (const how of ['computed', 'restored']) {
        progress(`a prompt is ${how}, pair ${pair + 1} of ${pairs}`);
        const server = await startOurs(model, options);
        await complete(server, ask(PROMPT_TOKENS, 8)); // clocks up
        const { first } = await complete(server, { prompt, max_tokens: 1, temperature: 0 });
        speeds[how].push(TOKENS / first * 1000);
        await server.stop(); // what is not on disk yet is written
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  addRow({ suite: 'http', name: `${name} a prompt of ${TOKENS} read back`, metric: 'prefill', unit: 'tok/s',
    ours: median(speeds.restored), peer: median(speeds.computed) });
}

export async function benchHttp() {
  const cases = [
    ['qwen2.5-0.5b Q4_0', join(models, 'bench', 'qwen2.5-0.5b-Q4_0.gguf')],
    ['tinyllama IQ2_XXS', join(models, 'tinyllama-1.1b-chat.gguf')],
  ];
  for (const [name, model] of cases) {
    await together(model, { streams: 32, context: 256 }, async (servers) => {
      for (const streams of STREAMS) {
        const label = `${name} ${streams} streams`;
        const requests = Math.max(4, 3 * streams);
        throughputRows(label, await interleaved(servers, label, (server) =>
          closedLoop(server, streams, requests, () => ask(PROMPT_TOKENS, ANSWER_TOKENS))));
      }
    });
  }
  const [name, model] = cases[0];
  await together(model, { streams: 8, context: 4096 }, async (servers) => {
    const [ours, peer] = await interleaved(servers, 'a 2,000-token prompt arrives', intruder);
    addRow({ suite: 'http', name: `${name} 4 streams and a prompt of 2000`, metric: 'gap p95', unit: 'x alone',
      ours: median(ours), peer: median(peer) });
  });
  await readBack(name, model);
}

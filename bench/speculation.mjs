// speculation.mjs - drafts: the same answers with --speculation off and lookup, where the text
// repeats itself and where it does not. The peer of these rows is ourselves without drafts.
import { join } from 'node:path';
import { addRow, median, pairs, progress } from './measure.mjs';
import { closedLoop, startOurs } from './server.mjs';

const model = join(process.env.LIMINAL_CACHE, 'models', 'tinyllama-1.1b-chat.gguf');

const LIST = Array.from({ length: 24 }, (_, i) => `{"id": ${100 + i}, "name": "user ${i}", "active": true}`).join(',\n');
const PROSE = 'Once there was an old lighthouse keeper who';
// Greedy, this small model soon repeats itself; drawn at temperature 1 it never does.
const CASES = [
  ['a list is continued', `[${LIST},`, 0, 1],
  ['a list is continued, 4 streams', `[${LIST},`, 0, 4],
  ['greedy prose', PROSE, 0, 1],
  ['greedy prose, 4 streams', PROSE, 0, 4],
  ['drawn prose', PROSE, 1, 1],
  ['drawn prose, 4 streams', PROSE, 1, 4],
];

export async function benchSpeculation() {
  const servers = [];
  try {
    for (const how of ['lookup', 'off'])
      servers.push(await startOurs(model, { streams: 4, context: 2048, args: ['--speculation', how] }));
    for (const [name, prompt, temperature, streams] of CASES) {
      const runs = [[], []];
      for (let pair = 0; pair <= pairs; pair++) // the first warms up
        for (const [i, server] of servers.entries()) {
          progress(`drafts, ${name}, pair ${pair} of ${pairs}`);
          const run = await closedLoop(server, streams, streams, (n) =>
            ({ prompt, max_tokens: 128, temperature, seed: n }));
          if (pair > 0) runs[i].push(run);
        }
      const texts = runs.map((list) => list[0].results.map((result) => result.text).sort().join('\n'));
      if (texts[0] !== texts[1]) throw new Error(`${name}: drafts changed the text`);
      addRow({ suite: 'speculation', name, metric: 'generated', unit: 'tok/s',
        ours: median(runs[0].map((run) => run.tps)), peer: median(runs[1].map((run) => run.tps)) });
    }
  } finally {
    for (const server of servers) await server.stop();
  }
}

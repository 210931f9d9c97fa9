// speculation.mjs - drafts: the same answers without any, with those looked up in the text, and with a
// small model's, where the text repeats itself and where it does not. The peer of these rows is ourselves
// without drafts.
import { join } from 'node:path';
import { addRow, median, pairs, progress } from './measure.mjs';
import { closedLoop, startOurs } from './server.mjs';

const models = join(process.env.LIMINAL_CACHE, 'models');
const model = join(models, 'tinyllama-1.1b-chat.gguf');
// Of the same vocabulary, and knows nothing but stories.
const drafter = join(models, 'stories15m.gguf');

const LIST = Array.from({ length: 24 }, (_, i) => `{"id": ${100 + i}, "name": "user ${i}", "active": true}`).join(',\n');
const PROSE = 'Once there was an old lighthouse keeper who';
const STORY = 'Once upon a time there was a little girl named Lily. She loved to play outside in the park. One day she';
// Greedy, this small model soon repeats itself; drawn at temperature 1 it never does.
const CASES = [
  ['a list is continued', `[${LIST},`, 0, 1],
  ['a list is continued, 4 streams', `[${LIST},`, 0, 4],
  ['greedy prose', PROSE, 0, 1],
  ['greedy prose, 4 streams', PROSE, 0, 4],
  ['drawn prose', PROSE, 1, 1],
  ['drawn prose, 4 streams', PROSE, 1, 4],
  ['a greedy story', STORY, 0, 1],
  ['a drawn story', STORY, 1, 1],
];
const HOW = {
  off: ['--speculation', 'off'],
  'looked up': ['--speculation', 'lookup'],
  'by a draft model': ['--speculation', 'lookup', '--draft-model', drafter],
};

const textsOf = (run) => run.results.map((result) => result.text).sort().join('\n');

export async function benchSpeculation() {
  const servers = {}, hows = Object.keys(HOW);
  try {
    for (const how of hows) servers[how] = await startOurs(model, { streams: 4, context: 2048, args: HOW[how] });
    for (const [name, prompt, temperature, streams] of CASES) {
      const runs = Object.fromEntries(hows.map((how) => [how, []]));
      for (let pair = 0; pair <= pairs; pair++) // the first warms up
        for (const how of hows) {
          progress(`drafts, ${name}, pair ${pair} of ${pairs}`);
          const run = await closedLoop(servers[how], streams, streams, (n) =>
            ({ prompt, max_tokens: 128, temperature, seed: n }));
          if (pair > 0) runs[how].push(run);
        }
      const speed = (how) => median(runs[how].map((run) => run.tps));
      for (const how of hows.slice(1)) {
        if (textsOf(runs[how][0]) !== textsOf(runs.off[0])) throw new Error(`${name}: drafts ${how} changed the text`);
        addRow({ suite: 'speculation', name, metric: `drafts ${how}`, unit: 'tok/s', ours: speed(how), peer: speed('off') });
      }
    }
  } finally {
    for (const server of Object.values(servers)) await server.stop();
  }
}

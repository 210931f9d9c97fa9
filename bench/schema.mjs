// schema.mjs - what it costs to hold answers to a JSON schema: tokens a second with one over tokens a
// second without, on a vocabulary of 152 k tokens, with one stream and with eight.
import { join } from 'node:path';
import { addRow, median, pairs, progress } from './measure.mjs';
import { closedLoop, complete, randomPrompt, startOurs, startPeer } from './server.mjs';

const model = join(process.env.LIMINAL_CACHE, 'models', 'bench', 'qwen2.5-0.5b-Q4_0.gguf');

// Strings too long to end within the answer: both kinds of answer have the same number of tokens.
const long = { type: 'string', minLength: 2000 };
const schema = {
  type: 'object', required: ['kind', 'title', 'pages', 'body'], additionalProperties: false,
  properties: { kind: { enum: ['book', 'letter', 'note'] }, title: { type: 'string', minLength: 5, maxLength: 20 },
    pages: { type: 'integer', minimum: 1, maximum: 900 }, body: long },
};
const held = {
  liminal: { response_format: { type: 'json_schema', json_schema: { name: 'text', strict: true, schema } } },
  'llama-server': { json_schema: schema },
};

export async function benchSchema() {
  const options = { streams: 8, context: 256 };
  const servers = [await startOurs(model, { ...options, args: ['--speculation', 'off'] }), await startPeer(model, options)];
  try {
    for (const streams of [1, 8]) {
      const ratios = servers.map(() => []);
      for (let pair = 0; pair < pairs; pair++) {
        for (const [i, server] of servers.entries()) {
          progress(`schema: ${streams} streams, ${server.name}, pair ${pair + 1} of ${pairs}`);
          const ask = (more) => () => ({ prompt: randomPrompt(32), max_tokens: 64, temperature: 0, ...more });
          await complete(server, ask(held[server.name])()); // compiled, as for whoever asks again
          const free = await closedLoop(server, streams, 2 * streams, ask({}));
          const bound = await closedLoop(server, streams, 2 * streams, ask(held[server.name]));
          ratios[i].push(bound.tps / free.tps);
        }
      }
      addRow({ suite: 'schema', name: `qwen2.5-0.5b Q4_0 ${streams} streams`, metric: 'with a schema', unit: 'x without',
        ours: median(ratios[0]), peer: median(ratios[1]), limit: 1, share: median(ratios[0]) });
    }
  } finally {
    for (const server of servers) await server.stop();
  }
}

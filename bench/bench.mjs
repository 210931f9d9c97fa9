// The measuring behind `make bench`: suites of interleaved runs of Liminal and a peer, medians of
// each, the ratio, and the share of the machine's limit where there is one. Writes build/bench.csv
// after each suite, and prints what was measured as a table.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { columns, progress, rowCells } from './measure.mjs';
import { benchApi } from './api.mjs';
import { benchEmbed } from './embed.mjs';
import { benchBatch, benchDepth, benchEngine } from './engine.mjs';
import { benchHttp } from './http.mjs';
import { benchSchema } from './schema.mjs';
import { benchSpeculation } from './speculation.mjs';

const suites = {
  engine: benchEngine, depth: benchDepth, batch: benchBatch, http: benchHttp, schema: benchSchema, embed: benchEmbed,
  speculation: benchSpeculation, api: benchApi,
};
const wanted = process.argv.slice(2).length ? process.argv.slice(2) : Object.keys(suites);
const suiteOf = (line) => line.split(',')[0].split(' ')[0];
const order = (line) => Object.keys(suites).indexOf(suiteOf(line));
for (const name of wanted)
  if (!suites[name]) throw new Error(`no suite is called ${name}; there are: ${Object.keys(suites).join(', ')}`);

// What was measured before stays, but for the suites that are measured again.
const FILE = 'build/bench.csv';
const kept = existsSync(FILE)
  ? readFileSync(FILE, 'utf8').trim().split('\n').slice(1).filter((line) => !wanted.includes(suiteOf(line))) : [];
mkdirSync('build', { recursive: true });
for (const name of wanted) {
  await suites[name]();
  const measured = rowCells().map((cells) => cells.join(','));
  const all = [...measured, ...kept].sort((a, b) => order(a) - order(b)); // stable: rows of a suite stay as they are
  writeFileSync(FILE, [columns.join(','), ...all].join('\n') + '\n');
}
progress('');

const table = [columns, ...rowCells()];
const widths = columns.map((_, i) => Math.max(...table.map((line) => line[i].length)));
for (const line of table) console.log(line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
console.log('\nratio: ours over the peer; share: of the limit measured in the same run '
  + '(prefill: int8 GOP/s, decode: GB/s read). Written to build/bench.csv.');

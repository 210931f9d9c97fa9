// report.mjs - `make bench-report`: from build/bench.csv to the tables and pictures of docs/performance.md, and a
// copy of the figures with the machine and the commit in bench/history.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { chart, COLOURS } from './chart.mjs';

const csv = readFileSync('build/bench.csv', 'utf8').trim().split('\n');
const columns = csv[0].split(',');
const rows = csv.slice(1).map((line) => {
  const cells = line.split(',');
  return Object.fromEntries(columns.map((name, i) =>
    [name, ['suite', 'case', 'metric', 'unit'].includes(name) ? cells[i] : Number(cells[i])]));
});
const find = (suite, name, metric) => rows.find((row) => row.suite === suite && row.case === name && row.metric === metric);
const save = (name, picture) => {
  mkdirSync('docs/pictures', { recursive: true });
  writeFileSync(`docs/pictures/${name}.svg`, picture);
  console.log(`docs/pictures/${name}.svg`);
};

// Where each model's prefill and decode stand under the roof: work per second over work per byte of
// weights. A prompt of 512 tokens reads the weights about once for all its tokens.
function roofline() {
  const names = [...new Set(rows.filter((row) => row.suite === 'engine').map((row) => row.case))];
  const points = { ours: [], peer: [] }, found = [];
  let peak = 0, bandwidth = 0;
  for (const name of names) {
    const prefill = find('engine', name, 'prefill 512'), decode = find('engine', name, 'decode 128');
    if (!/^llama-3.2-1b|^tinyllama/.test(name) || !prefill || !decode || /F16/.test(name)) continue;
    peak = Math.max(peak, prefill.limit);
    bandwidth = Math.max(bandwidth, decode.limit);
    found.push({ name, prefill, decode });
  }
  for (const { name, prefill, decode } of found) {
    const gopsPerToken = prefill.share * prefill.limit / prefill.ours;
    const gbPerToken = decode.share * decode.limit / decode.ours;
    const intensity = gopsPerToken / gbPerToken;
    // One roof for all: each stands as far under it as under the limit that was measured beside it.
    for (const who of ['ours', 'peer']) {
      points[who].push([intensity, decode[who] * gopsPerToken * bandwidth / decode.limit, `${name} decode`]);
      points[who].push([intensity * 512, prefill[who] * gopsPerToken * peak / prefill.limit, `${name} prefill`]);
    }
  }
  if (!points.ours.length) return;
  const knee = peak / bandwidth;
  save('roofline', chart({
    title: 'Under the roof: 1B models, one user',
    x: { label: 'operations per byte of weights', from: 1, to: 10000, log: true, ticks: [1, 10, 100, 1000, 10000] },
    y: { label: 'Gop/s', from: 10, to: 4000, log: true, ticks: [10, 30, 100, 300, 1000, 3000] },
    series: [
      { points: [[1, bandwidth], [knee, peak], [10000, peak]], colour: '#9aa0a8', label: 'limit', dots: false },
      { points: points.peer, colour: COLOURS.peer, label: 'llama.cpp', line: false },
      { points: points.ours, colour: COLOURS.ours, label: 'Liminal', line: false },
    ],
  }));
}

// A line per server over the number of streams.
function overStreams(file, title, metric, unit, log) {
  const series = [];
  let most = 0, least = Infinity;
  for (const [who, label] of [['ours', 'Liminal'], ['peer', 'llama.cpp']]) {
    const lines = {};
    for (const row of rows) {
      const [, model, streams] = /^(.*) (\d+) streams$/.exec(row.case) ?? [];
      if (row.suite !== 'http' || row.metric !== metric || !model) continue;
      (lines[model] ??= []).push([Number(streams), row[who]]);
      most = Math.max(most, row[who]);
      least = Math.min(least, row[who]);
    }
    Object.entries(lines).forEach(([model, points], i) => series.push({
      points, colour: COLOURS[who], label: `${label} ${model.split(' ')[0]}`, dashed: i > 0,
    }));
  }
  if (!series.length) return;
  const nice = (value) => { const p = 10 ** Math.floor(Math.log10(value)); return Math.ceil(value / p) * p; };
  const top = nice(most * 1.05);
  const ticks = log ? [10, 30, 100, 300, 1000, 3000, 10000, 30000].filter((t) => t >= least / 2 && t <= top * 1.5)
    : [0, 0.25, 0.5, 0.75, 1].map((share) => share * top);
  save(file, chart({
    title,
    x: { label: 'concurrent streams', from: 1, to: 32, log: true, ticks: [1, 4, 8, 16, 32] },
    y: { label: unit, from: log ? Math.min(ticks[0], least) : 0, to: log ? Math.max(ticks.at(-1), most) : top, log, ticks },
    series,
  }));
}

// A table of docs/performance.md, between the lines that name it.
function table(name, header, lines) {
  if (!lines.length) return;
  const path = 'docs/performance.md', text = readFileSync(path, 'utf8');
  const begin = `<!-- ${name}: written by make bench-report -->\n`, end = '<!-- end -->';
  const from = text.indexOf(begin) + begin.length, to = text.indexOf(end, from);
  if (from < begin.length || to < 0) throw new Error(`${path} has no place for the table "${name}"`);
  const written = [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
  writeFileSync(path, text.slice(0, from) + '\n' + written + '\n' + text.slice(to));
  console.log(`${path}: ${name}`);
}

const percent = (share) => `${Math.round(share * 100)} %`;
const short = (value) => String(value < 1000 ? Number(value.toPrecision(3)) : Math.round(value));
const casesOf = (...suites) => [...new Set(rows.filter((row) => suites.includes(row.suite)).map((row) => row.case))];

function engineTable(name, suite) {
  table(name, ['model', 'prefill tok/s', 'of the limit', 'over llama.cpp', 'decode tok/s', 'of the limit', 'over llama.cpp'],
    casesOf(suite).map((model) => [model, ...['prefill 512', 'decode 128'].flatMap((metric) => {
      const row = find(suite, model, metric);
      return [short(row.ours), percent(row.share), row.ratio.toFixed(2)];
    })]));
}

engineTable('one user', 'engine');
engineTable('deep', 'depth 2048');
table('batches', ['model, answers', 'decode tok/s', 'of the bandwidth', 'over llama.cpp'],
  rows.filter((row) => row.suite === 'batch').map((row) => [row.case, short(row.ours), percent(row.share), row.ratio.toFixed(2)]));
table('many users',
  ['model, streams', 'tokens/s', 'over llama.cpp', 'first token p50 (ms)', "llama.cpp's", 'gap p95 (ms)', "llama.cpp's"],
  casesOf('http').filter((name) => / streams$/.test(name)).map((name) => {
    const [generated, first, gap] = ['generated', 'first token p50', 'gap p95'].map((metric) => find('http', name, metric));
    return [name, short(generated.ours), generated.ratio.toFixed(2), short(first.ours), short(first.peer), short(gap.ours), short(gap.peer)];
  }));
table('more', ['what', 'measure', 'Liminal', 'the peer', 'ratio'],
  rows.filter((row) => ['schema', 'embed'].includes(row.suite) || (row.suite === 'http' && !/ streams$/.test(row.case)))
    .map((row) => [row.case, `${row.metric}, ${row.unit}`, short(row.ours), short(row.peer), row.ratio.toFixed(2)]));
roofline();
overStreams('throughput', 'Generated tokens a second, all streams together', 'generated', 'tokens/s', false);
overStreams('first-token', 'Time to the first token, median', 'first token p50', 'milliseconds', true);

const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const commit = git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'src') ? '-changed' : '');
const day = new Date().toISOString().slice(0, 10);
const machine = `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GB`;
mkdirSync('bench/history', { recursive: true });
writeFileSync(`bench/history/${day}-${commit}.csv`, [`# ${day}, commit ${commit}, ${machine}`, ...csv].join('\n') + '\n');
console.log(`bench/history/${day}-${commit}.csv`);

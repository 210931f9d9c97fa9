// measure.mjs - what all suites share: medians, percentiles, running a program, and the rows of the
// result.
import { execFileSync } from 'node:child_process';

export const pairs = Number(process.env.PAIRS ?? 5);
export const threads = Number(process.env.THREADS ?? 2);

export const percentile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
};
export const median = (values) => percentile(values, 0.5);

const outputOf = (program, args) => execFileSync(program, args,
  { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'] });
export const runJson = (program, args) => JSON.parse(outputOf(program, args));
// Of a program that prints an object a line, with blank lines between.
export const runJsonLines = (program, args) => outputOf(program, args).split('\n').filter(Boolean).map((line) => JSON.parse(line));

export const progress = (text) => process.stderr.write(`\r\x1b[K${text}`);

// One line of build/bench.csv: our figure beside the peer's, and what the machine could do at most.
const rows = [];
export const addRow = ({ suite, name, metric, unit, ours, peer, limit, share }) => rows.push({
  suite, case: name, metric, unit, ours, peer, ratio: ours / peer, limit, share,
});
export const columns = ['suite', 'case', 'metric', 'unit', 'ours', 'peer', 'ratio', 'limit', 'share'];
const shown = (value) => {
  if (value === undefined || Number.isNaN(value)) return '';
  return typeof value === 'number' ? String(Number(value.toPrecision(4))) : value;
};
export const rowCells = () => rows.map((row) => columns.map((column) => shown(row[column])));

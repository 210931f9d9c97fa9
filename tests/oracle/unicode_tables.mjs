// unicode_tables.mjs - writes src/model/template/unicode_tables.h from the Unicode data that Node
// carries: letter case as runs of code points with one distance, and what repr() escapes.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const isSurrogate = (c) => c >= 0xd800 && c < 0xe000;
const chars = (text) => [...text].map((c) => c.codePointAt(0));

function* codePoints(from = 0x80) {
  for (let c = from; c < 0x110000; c++) if (!isSurrogate(c)) yield c;
}

/** Runs {first, last, step, delta} of the characters that `convert` maps to one other. */
function caseRuns(convert) {
  const single = [];
  for (const c of codePoints()) {
    const to = chars(convert(String.fromCodePoint(c)));
    if (to.length === 1 && to[0] !== c) single.push([c, to[0] - c]);
  }
  const runs = [];
  for (let i = 0; i < single.length; ) {
    let best = { end: i, step: 1 };
    for (const step of [1, 2]) {
      let j = i;
      while (single[j + 1]?.[0] === single[j][0] + step && single[j + 1][1] === single[i][1]) j++;
      if (j > best.end) best = { end: j, step };
    }
    runs.push(`{0x${single[i][0].toString(16)}, 0x${single[best.end][0].toString(16)}, ${best.step}, ${single[i][1]}}`);
    i = best.end + 1;
  }
  return runs;
}

const specials = [];
for (const c of codePoints()) {
  const to = chars(String.fromCodePoint(c).toUpperCase());
  if (to.length > 1) specials.push(`{0x${c.toString(16)}, {${to.map((t) => "0x" + t.toString(16)).join(", ")}}}`);
}

const hidden = [];
for (const c of codePoints(0)) {
  if (c === 0x20 || !/[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}\p{Zs}]/u.test(String.fromCodePoint(c))) continue;
  const last = hidden.at(-1);
  if (last && last[1] === c - 1) last[1] = c;
  else hidden.push([c, c]);
}

const table = (rows) => "    " + rows.join(",\n    ") + ",\n";
const text = `/* unicode_tables.h - written by tests/oracle/unicode_tables.mjs; do not edit. */
#ifndef LIMINAL_TEMPLATE_UNICODE_TABLES_H
#define LIMINAL_TEMPLATE_UNICODE_TABLES_H

#include <stdint.h>

/* Each step-th code point from first to last becomes itself plus delta. */
struct case_run {
    uint32_t first, last;
    int step, delta;
};

/* clang-format off */
static const struct case_run UPPER_RUNS[] = {
${table(caseRuns((c) => c.toUpperCase()))}};

static const struct case_run LOWER_RUNS[] = {
${table(caseRuns((c) => c.toLowerCase()))}};

/* Characters whose upper case is more than one. */
static const struct {
    uint32_t from, to[3];
} UPPER_SPECIALS[] = {
${table(specials)}};

/* Controls, formats, private use and spaces: what repr() writes as an escape. */
static const struct {
    uint32_t first, last;
} HIDDEN[] = {
${table(hidden.map(([a, b]) => `{0x${a.toString(16)}, 0x${b.toString(16)}}`))}};
/* clang-format on */

#endif
`;
writeFileSync(fileURLToPath(new URL("../../src/model/template/unicode_tables.h", import.meta.url)), text);

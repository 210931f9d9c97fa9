// unicode_categories.mjs - writes src/inference/grammar/unicode_category_data.h from the Unicode data that Node carries:
// where a run of characters of one general category begins.
import {writeFileSync} from "node:fs";

const names = ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
  "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn"];
const patterns = names.map((name) => new RegExp(`^\\p{${name}}$`, "u"));
const surrogate = names.length; // no character: of no category
let last = -1;
const runs = [];
for (let c = 0; c < 0x110000; c++) {
  const isSurrogate = c >= 0xd800 && c < 0xe000;
  const letter = String.fromCodePoint(c);
  const category = isSurrogate ? surrogate
    : last >= 0 && last < surrogate && patterns[last].test(letter) ? last : patterns.findIndex((one) => one.test(letter));
  if (category !== last) runs.push("0x" + ((c << 5 | category) >>> 0).toString(16));
  last = category;
}
const lines = [];
for (let i = 0; i < runs.length; i += 10) lines.push("    " + runs.slice(i, i + 10).join(", ") + ",");
writeFileSync(new URL("../../src/inference/grammar/unicode_category_data.h", import.meta.url),
  `/* unicode_category_data.h - the general categories of Unicode ${process.versions.unicode}, written by
 * tests/oracle/unicode_categories.mjs: do not edit. Long because it is data. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_UNICODE_CATEGORY_DATA_H
#define LIMINAL_INFERENCE_GRAMMAR_UNICODE_CATEGORY_DATA_H

#include <stdint.h>

/* clang-format off */
enum {
${names.map((name, i) => `    CATEGORY_${name.toUpperCase()} = ${i},`).join("\n")}
};

/* The first character of each run, times 32, and its category. */
static const uint32_t UNICODE_RUNS[] = {
${lines.join("\n")}
};
/* clang-format on */

#endif
`);

// grammar_rows.mjs - what the makers of the grammars' vectors share: chance numbers, and rows kept in a file.
import fs from "node:fs";
import path from "node:path";

// The same numbers for the same seed (mulberry32).
export function chanceNumbers(seed) {
    let state = seed;
    const random = (below) => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) % below;
    };
    return {random, pick: (list) => list[random(list.length)]};
}

// Rows {pattern, yes, no}, one a line. With --check they are only compared with the file: exit 1 when it would change.
export function keepRows(file, rows) {
    const checkOnly = process.argv.includes("--check");
    const fresh = `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`;
    const changed = !fs.existsSync(file) || fs.readFileSync(file, "utf8") !== fresh;
    if (changed && !checkOnly) fs.writeFileSync(file, fresh);
    const sum = (key) => rows.reduce((n, row) => n + row[key].length, 0);
    console.log(`${path.basename(file)}: ${changed ? (checkOnly ? "differs" : "written") : "unchanged"}, ` +
        `${rows.length} patterns, ${sum("yes")} texts that fit, ${sum("no")} that do not`);
    process.exit(checkOnly && changed ? 1 : 0);
}

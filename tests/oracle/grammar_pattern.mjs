// grammar_pattern.mjs - golden vectors: in which chance texts JavaScript's RegExp (flag u) finds chance patterns that look
// ahead and behind, and such patterns as people write them. Texts that the pattern is found in, and others.
//   node tests/oracle/grammar_pattern.mjs            write tests/vectors/grammar/pattern.json again
//   node tests/oracle/grammar_pattern.mjs --check    only say whether it would change; exit 1 then
import {chanceNumbers, keepRows} from "./grammar_rows.mjs";

const {random, pick} = chanceNumbers(20261121);

const written = [
    "^((?!ab|c).)*$", "^(?!-)(?!.{0,3}--)[a-c-]{1,6}(?<!-)$", "\\bab\\b", "\\b[ab]{2}\\b-\\b1{1,2}\\b", "^([a1](?:(?!.*--)[a1-]*[a1])?)$",
    "(?!(^aa$|^b--|-c$))^[a-c][a-c-]{0,4}[a-c]$", "^a(?!$)(b1*)?(c(?=1)1?a?)?$", "^(?=.*\\d)(?=.*[a-c]).{3,}$", "(?<=^a?|\\sb?)1+\\b",
    "^((b(?!b)c)?\\w+-?)+$", "^(?=(.{1,3}-)?.{1,3}$)([a-c]+-)?[a-c]+$", "\\Ba\\B", "(?<!a)b(?!c)", "^[\\p{L}\\p{N}-]+$", "\\P{Letter}{2}",
    "[\\p{Lu}é]\\p{Ll}", "^(?:a|(?<=b)c|b)*$", "(?=a)(?!ab)a|^$", "^(?!(?=a)ab)a?b?$", "a(?=$)|^(?<=^)b",
];
const letters = ["a", "b", "c", "1", " ", "-", "é", "É", "\n"];
const atoms = ["a", "b", "c", "1", "-", ".", "\\d", "\\w", "[ab]", "[^a]", "é", "a", "b"];
const counts = ["*", "+", "?", "{2}", "{1,3}"];

function pattern(depth, within = "") {
    const items = [];
    for (let n = 1 + random(3); n > 0; n--) {
        const kind = random(within ? 4 : 8);
        let item = depth > 0 && kind === 0 ? `(?:${pattern(depth - 1, within)}|${pattern(depth - 1, within)})` : pick(atoms);
        if (random(4) === 0) item += pick(counts);
        if (depth > 0 && kind >= 4) {
            const sign = pick(["=", "!", "<=", "<!"]), inner = sign.startsWith("<") ? "behind" : "ahead";
            item = (kind < 6 ? `(?${sign}${pattern(1, inner)})` : pick(["\\b", "\\B", "^", "$", ""])) + item;
        }
        if (within === "ahead" && random(6) === 0) item += "$";
        if (within === "behind" && random(6) === 0) item = "^" + item;
        items.push(item);
    }
    return items.join("");
}

function text() {
    let t = "";
    for (let n = random(7); n > 0; n--) t += pick(letters);
    return t;
}

const rows = [];
for (let i = 0; i < 420; i++) {
    const source = i < written.length ? written[i] : pattern(2);
    const found = new RegExp(source, "u");
    const row = {pattern: source, yes: [], no: []}, texts = new Set([""]);
    for (let n = 0; n < 80; n++) texts.add(text());
    for (const t of texts) {
        const list = found.test(t) ? row.yes : row.no;
        if (list.length < 12) list.push(t);
    }
    rows.push(row);
}
keepRows(new URL("../vectors/grammar/pattern.json", import.meta.url).pathname, rows);

// grammar_regex.mjs - golden vectors: what JavaScript's RegExp (flag u, the whole text) says of chance
// texts and chance patterns, and of patterns as people write them.
//   node tests/oracle/grammar_regex.mjs            write tests/vectors/grammar/regex.json again
//   node tests/oracle/grammar_regex.mjs --check    only say whether it would change; exit 1 then
import {chanceNumbers, keepRows} from "./grammar_rows.mjs";

const {random, pick} = chanceNumbers(20261120);

const written = [
    "\\d{4}-\\d{2}-\\d{2}", "[A-Z]{2}\\d{2}[A-Z0-9]{1,30}", "(\\+\\d{1,3} )?\\(?\\d{3}\\)?[ -]?\\d{3}-\\d{4}",
    "[\\w.%+-]+@[\\w-]+(\\.[\\w-]+)*\\.[a-z]{2,}", "#(?:[0-9a-fA-F]{3}){1,2}", "-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?",
    "(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}", "[^\\s]+( [^\\s]+)*", "(?<year>\\d+)|none",
    "\\x41\\u00e9\\u{1F600}?\\t*", "[\\]\\-\\\\^]+", ".*", "[^]a*?b+?", "(|a)(b|)", "a{0}b{0,0}", "\\/\\.\\*\\$\\^\\{\\}\\[\\]\\(\\)\\|\\?\\+",
    "(a|ab)(c|bcd)(d*)", "((a{2,3}){2,3}b){1,2}", "\\S\\W\\D", "[\\d\\s_-]{2,}", "\\cJ|\\0|\\f|\\v|\\r",
];

const letters = ["a", "b", "c", "1", " ", "-", "é", "😀", "\n"];
const atoms = ["a", "b", "c", "1", "-", "é", "😀", ".", "\\d", "\\w", "\\s", "[ab]", "[^a]", "[a-c1]", "[^\\w]", "\\D", "[é-😀]"];
const counts = ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "+?", "{1,70}"];

function pattern(depth) {
    const items = [];
    for (let n = 1 + random(3); n > 0; n--) {
        let item = depth > 0 && random(3) === 0 ? `(${pick(["", "?:"])}${pattern(depth - 1)}${random(2) ? "|" + pattern(depth - 1) : ""})` : pick(atoms);
        if (random(3) === 0) item += pick(counts);
        items.push(item);
    }
    return items.join("");
}

// Texts that come close: letters by chance, and for written patterns pieces of what people write.
const pieces = ["2026-11-20", "DE89370400440532013000", "+49 555 123-4567", "ada@example.org", "#09aFfF", "-1.5e+10", "0", "192.168.0.255",
    "one two", "none", "7", "Aé😀\t", "]-\\^", "", "ab", "abcd", "aaaab", "aab", "/.*$^{}[]()|?+", "a-b", "1 _-", "Éa", "Ab", "\n", "\0", "x"];
function text() {
    let t = random(4) === 0 ? pick(pieces) : "";
    for (let n = random(t ? 3 : 7); n > 0; n--) t += pick(letters);
    return t;
}

const rows = [];
for (let i = 0; i < 260; i++) {
    const source = i < written.length ? written[i] : pattern(2);
    const whole = new RegExp(`^(?:${source})$`, "u");
    const row = {pattern: source, yes: [], no: []};
    const texts = new Set(i < written.length ? pieces : []);
    for (let n = 0; n < 60; n++) texts.add(text());
    for (const t of texts) {
        const list = whole.test(t) ? row.yes : row.no;
        if (list.length < 14) list.push(t);
    }
    rows.push(row);
}
keepRows(new URL("../vectors/grammar/regex.json", import.meta.url).pathname, rows);

// grammar_checker.mjs - tools/check_grammar as a process to ask, and JSON texts as its grammars write them.
import {spawn} from "node:child_process";
import path from "node:path";
import readline from "node:readline";

const here = path.dirname(new URL(import.meta.url).pathname);
const program = process.env.LIMINAL_CHECK_GRAMMAR ?? path.join(here, "..", "..", "build", "tools", "check_grammar");

// `model`: a GGUF file whose vocabulary the random walks use.
export function startChecker(model) {
  const child = spawn(program, model ? [model] : [], {stdio: ["pipe", "pipe", "inherit"]});
  const waiting = [];
  readline.createInterface({input: child.stdout}).on("line", (line) => waiting.shift().resolve(JSON.parse(line)));
  child.on("exit", (code) => {
    for (const {reject} of waiting) reject(new Error(`check_grammar ended with ${code}`));
  });
  return {
    ask(job) {
      return new Promise((resolve, reject) => {
        waiting.push({resolve, reject});
        child.stdin.write(JSON.stringify(job) + "\n");
      });
    },
    stop: () => child.stdin.end(),
  };
}

function* orders(list) {
  if (list.length < 2) yield list;
  for (let i = 0; i < list.length; i++)
    for (const rest of orders([...list.slice(0, i), ...list.slice(i + 1)])) yield [list[i], ...rest];
}

// The compact texts of a value: one for each order of each object's members, but at most `limit`; a
// grammar knows one of them. Members stay in their order where there are too many.
export function* textsOf(value, limit = 800) {
  let count = 0;
  for (const text of writings(value, limit)) {
    yield text;
    if (++count >= limit) return;
  }
}

function* writings(value, limit) {
  if (Array.isArray(value)) {
    yield* joined(value, (item) => writings(item, limit), "[", "]");
  } else if (value !== null && typeof value === "object") {
    const members = Object.entries(value);
    for (const order of members.length > 6 ? [members] : orders(members))
      yield* joined(order, function* ([name, member]) {
        for (const text of writings(member, limit)) yield JSON.stringify(name) + ":" + text;
      }, "{", "}");
  } else {
    yield numberText(value);
  }
}

// Numbers without an exponent, as limits are written.
function numberText(value) {
  const text = JSON.stringify(value);
  return typeof value === "number" && /e/.test(text) && Math.abs(value) < 1e15
    ? value.toFixed(15).replace(/\.?0+$/, "") : text;
}

function* joined(items, textsOfItem, open, close) {
  function* from(i) {
    if (i === items.length) yield [];
    else
      for (const text of textsOfItem(items[i]))
        for (const rest of from(i + 1)) yield [text, ...rest];
  }
  for (const texts of from(0)) yield open + texts.join(",") + close;
}

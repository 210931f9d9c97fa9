// random_schemas.mjs - random JSON Schemas, and random values near them; the same for the same seed. And whether what a
// server writes when it is asked for them is valid.
import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

export const validatorOf = (schema) => {
  const ajv = new Ajv2020({strict: false, multipleOfPrecision: 9});
  addFormats(ajv);
  return ajv.compile(schema);
};

export function chanceOf(seed) { // xorshift32
  let state = (seed * 2654435761 + 12345) >>> 0 || 1;
  const below = (n) => {
    state ^= state << 13; state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5; state >>>= 0;
    return state % n;
  };
  return {below, one: (list) => list[below(list.length)], in: (n) => below(n) === 0};
}

const NAMES = ["a", "b", "c", "id", "x\"y", "é"];
const WORDS = ["", "a", "b", "ab", "aab", "id", "ü", "a\"b", "\n", "zz", "2024-02-29", "x-y"];
const PATTERNS = ["^a", "b$", "^[ab]*$", "^(a|b){1,3}$", "a|z", "^\\w+$", "^x-", "^[^a]*$", "^.{2}$", "\\d", "^(?!a)",
  "\\bab?\\b", "^(?:(?!ab).)*$", "(?<!a)b$", "^[\\p{L}-]+$", "z(?=z)|^a"];
const FORMATS = ["date", "time", "date-time", "uuid", "email", "ipv4", "ipv6", "uri", "hostname", "duration"];
const NUMBERS = [0, 1, -1, 2, 3, 5, 7, 10, 12, 99, 100, -5, -12, 0.5, 1.5, -0.5, 2.25, 0.1, 1000];

export function randomValue(chance, depth = 3) {
  switch (chance.below(depth > 0 ? 8 : 6)) {
    case 0: return chance.one(NUMBERS);
    case 1: return chance.below(200) - 100;
    case 2: return chance.one(WORDS);
    case 3: return chance.one([true, false]);
    case 4: return null;
    case 5: return chance.one(["a", "b", "ab", 1, 2]);
    case 6: return Array.from({length: chance.below(4)}, () => randomValue(chance, depth - 1));
    default: return Object.fromEntries(Array.from({length: chance.below(4)},
      () => [chance.one(NAMES), randomValue(chance, depth - 1)]));
  }
}

// `exact`: only what is written in full, for judging that each valid value is known.
export function randomSchema(chance, {depth = 3, exact = false, root = true} = {}) {
  const inner = () => randomSchema(chance, {depth: depth - 1, exact, root: false});
  const schema = {};
  const kind = chance.below(depth > 0 ? 14 : 6);
  const numeric = () => {
    if (chance.in(2)) schema[chance.one(["minimum", "exclusiveMinimum"])] = chance.one(NUMBERS);
    if (chance.in(2)) schema[chance.one(["maximum", "exclusiveMaximum"])] = chance.one(NUMBERS);
    if (chance.in(4)) schema.multipleOf = chance.one([1, 2, 3, 7, 0.5, 0.1, 0.25, 10]);
  };
  if (kind === 0) {
    schema.type = "integer";
    numeric();
  } else if (kind === 1) {
    schema.type = "number";
    numeric();
  } else if (kind === 2 || kind === 3) {
    schema.type = "string";
    if (chance.in(3)) schema.minLength = chance.below(4);
    if (chance.in(3)) schema.maxLength = chance.below(6) + (schema.minLength ?? 0);
    if (chance.in(3)) schema.pattern = chance.one(PATTERNS);
    else if (!exact && chance.in(4)) schema.format = chance.one(FORMATS);
  } else if (kind === 4) {
    if (chance.in(2)) schema.enum = Array.from({length: 1 + chance.below(4)}, () => randomValue(chance, 2));
    else schema.const = randomValue(chance, 2);
    schema.enum &&= schema.enum.filter((v, i) => schema.enum.findIndex((w) => JSON.stringify(w) === JSON.stringify(v)) === i);
  } else if (kind === 5) {
    schema.type = chance.one(["boolean", "null", ["string", "null"], ["integer", "boolean"], "string"]);
  } else if (kind <= 8) {
    schema.type = "object";
    const names = NAMES.filter(() => chance.in(2));
    if (names.length) schema.properties = Object.fromEntries(names.map((name) => [name, inner()]));
    if (chance.in(2)) schema.required = NAMES.filter(() => chance.in(4));
    if (chance.in(2)) schema.additionalProperties = chance.in(2) ? false : inner();
    if (chance.in(5)) schema.patternProperties = {[chance.one(PATTERNS)]: inner()};
    if (chance.in(8)) schema.propertyNames = {pattern: chance.one(PATTERNS)};
    if (chance.in(6)) schema.maxProperties = 1 + chance.below(3);
    if (chance.in(8)) schema.minProperties = 1;
    if (chance.in(8)) schema.dependentRequired = {[chance.one(NAMES)]: [chance.one(NAMES)]};
  } else if (kind <= 10) {
    schema.type = "array";
    if (chance.in(2)) schema.items = inner();
    if (chance.in(4)) schema.prefixItems = Array.from({length: 1 + chance.below(2)}, inner);
    if (chance.in(4)) schema.minItems = chance.below(3);
    if (chance.in(4)) schema.maxItems = (schema.minItems ?? 0) + chance.below(3);
    if (!exact && chance.in(5) && !schema.prefixItems) schema.uniqueItems = true;
    else if (chance.in(6) && !schema.prefixItems) schema.contains = inner(); // ajv errs on both with []
  } else if (kind === 11) {
    schema[chance.one(["anyOf", "allOf"])] = Array.from({length: 2}, inner);
  } else if (kind === 12) {
    if (!exact) schema.oneOf = Array.from({length: 2 + chance.below(2)}, inner);
    else schema.anyOf = [{type: "string"}, inner()];
  } else {
    if (exact) schema.if = {type: chance.one(["string", "integer"])};
    else if (chance.in(2)) schema.if = inner();
    if (schema.if) Object.assign(schema, {then: inner(), else: inner()});
    else schema.not = inner();
  }
  if (root && chance.in(4)) {
    schema.$defs = {node: {type: "object", properties: {next: {$ref: "#/$defs/node"}, v: inner()},
      required: chance.in(2) ? ["v"] : [], additionalProperties: false}};
    schema.anyOf ??= [{$ref: "#/$defs/node"}, inner()];
  }
  return schema;
}

// A model of random weights hardly ever closes what it opened: these tokens are made likelier.
async function closers(server) {
  const bias = {};
  for (const content of ['"', "]", "}", "\"}", "\"]", "}}"]) {
    const {body: {tokens}} = await server.json("/tokenize", {content, add_special: false});
    const id = tokens.at(-1);
    bias[id] = 7;
  }
  return bias;
}

// Asks for random schemas, one for each seed, `atOnce` at a time: every whole answer must be valid. How many there were.
export async function answersAreValid(server, {from, count, atOnce = 16, maxTokens = 120}) {
  const told = {judged: 0, whole: 0, refused: 0}, logit_bias = await closers(server);
  const one = async (seed) => {
    const schema = randomSchema(chanceOf(seed));
    const {code, body} = await server.json("/v1/completions", {prompt: "Once", seed, temperature: 1, logit_bias,
      max_tokens: maxTokens,
      response_format: {type: "json_schema", json_schema: {name: "answer", strict: false, schema}}});
    if (code === 400) {
      assert.match(body.error.message, /^response_format: (#|no text)/);
      told.refused++;
      return;
    }
    assert.equal(code, 200, JSON.stringify(body));
    told.judged++;
    const [{text, finish_reason}] = body.choices;
    if (finish_reason !== "stop") return;
    told.whole++;
    assert.ok(validatorOf(schema)(JSON.parse(text)), `seed ${seed}: ${JSON.stringify(schema)}: ${text}`);
  };
  let next = from;
  const worker = async () => {
    while (next < from + count) await one(next++);
  };
  await Promise.all(Array.from({length: atOnce}, worker));
  return told;
}

// random_tools.mjs - tools with random schemas of bounded size, so that even a model that writes nonsense comes to the
// end of a call; and ajv's word on whether the arguments of a call fit.
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const ajv = addFormats(new Ajv({strict: false}));

// The same numbers for the same seed.
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

const scalars = [
  (random) => ({type: "string", maxLength: random(12)}),
  (random) => ({type: "string", minLength: 1 + random(3), maxLength: 5 + random(5)}),
  (random) => ({enum: ["a", "b \"quoted\"", 3, null, true, "}</tool_call>"].slice(0, 1 + random(6))}),
  (random) => ({type: "integer", minimum: -random(50), maximum: random(1000)}),
  () => ({type: "boolean"}),
  () => ({type: ["boolean", "null"]}),
  (random) => ({const: ["x", 7, false, "ü😀"][random(4)]}),
  () => ({type: "string", pattern: "^[a-z]{2,6}-[0-9]{1,3}$"}),
  () => ({type: "string", format: "date"}),
];
const pick = (random, list) => list[random(list.length)];

function randomSchema(random, depth) {
  const kind = random(depth > 0 ? 8 : 5);
  if (kind < 5) return pick(random, scalars)(random);
  if (kind === 5) return {type: "array", items: randomSchema(random, depth - 1), maxItems: 1 + random(3)};
  if (kind === 6) return {anyOf: [randomSchema(random, 0), randomSchema(random, depth - 1)]};
  return randomObject(random, depth - 1);
}

function randomObject(random, depth) {
  const names = ["city", "unit", "days", "größe", "x y", "tags"].slice(0, random(6));
  const properties = Object.fromEntries(names.map((name) => [name, randomSchema(random, depth)]));
  return {
    type: "object", properties, required: names.filter(() => random(2)),
    ...(random(2) && {additionalProperties: false}),
  };
}

export function randomTool(random, name) {
  return {type: "function", function: {
    name, description: "Does something.",
    ...(random(10) && {parameters: randomObject(random, 2)}),
    ...(random(3) === 0 && {strict: true}),
  }};
}

// Why a call does not fit the tools; null when it does.
export function faultOf(call, tools) {
  const tool = tools.find((each) => each.function.name === call.function.name);
  if (!tool) return `there is no tool ${call.function.name}`;
  let value;
  try {
    value = JSON.parse(call.function.arguments);
  } catch (error) {
    return `${call.function.arguments}: ${error.message}`;
  }
  const validate = ajv.compile(tool.function.parameters ?? {type: "object", maxProperties: 0});
  return validate(value) ? null : `${call.function.arguments}: ${ajv.errorsText(validate.errors)}`;
}

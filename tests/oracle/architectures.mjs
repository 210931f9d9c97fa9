// architectures.mjs - golden vectors: llama.cpp's log-probabilities (or embeddings) for tiny random
// models of every architecture, and for variants whose numbers are chosen so that they show.
//   node tests/oracle/architectures.mjs [NAME ...]    (needs build/liminal, or LIMINAL_BIN, for `synth`)
// Writes tests/vectors/architectures/NAME.json. model_architectures_test.c makes the same models
// again and compares.
import {execFileSync} from "node:child_process";
import {createHash} from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {edited} from "./gguf_edit.mjs";
import {logProbabilities, openModel, oracleName} from "./llama.mjs";

const factors = (count, step) => Array.from({length: count}, (_, i) => 1 + i * step);
const heads = (prefix, count, shared, width) => Object.fromEntries(Object.entries({
    "attention.head_count": count, "attention.head_count_kv": shared, "attention.key_length": width,
    "attention.value_length": width, "rope.dimension_count": width,
}).map(([key, value]) => [`${prefix}.${key}`, ["u32", value]]));
const models = [
    {name: "llama"}, {name: "qwen2"}, {name: "qwen3"}, {name: "gemma2"}, {name: "gemma3"}, {name: "phi3"},
    {name: "bert", encoder: true},
    {name: "llama-linear", set: {"llama.rope.scaling.type": ["string", "linear"], "llama.rope.scaling.factor": ["f32", 4]}},
    {name: "llama-yarn", set: {"llama.rope.scaling.type": ["string", "yarn"], "llama.rope.scaling.factor": ["f32", 4],
        "llama.rope.scaling.original_context_length": ["u32", 64], "llama.rope.freq_base": ["f32", 100]}},
    {name: "gemma2-softcaps", set: {"gemma2.attn_logit_softcapping": ["f32", 0.5], "gemma2.final_logit_softcapping": ["f32", 0.8]}},
    {name: "gemma3-linear", set: {"gemma3.rope.scaling.type": ["string", "linear"], "gemma3.rope.scaling.factor": ["f32", 8],
        "gemma3.rope.freq_base": ["f32", 500], "gemma3.attention.sliding_window_pattern": ["u32", 2]}},
    // LongRoPE takes the long factors when the context is longer than the original one
    {name: "phi3-long", set: {"phi3.rope.scaling.original_context_length": ["u32", 16], "phi3.rope.scaling.attn_factor": ["f32", 1.3]},
        add: {"rope_factors_long.weight": factors(16, 0.5), "rope_factors_short.weight": factors(16, 0.1)}},
    {name: "phi3-short", set: {"phi3.rope.scaling.attn_factor": ["f32", 1.3]},
        add: {"rope_factors_long.weight": factors(16, 0.5), "rope_factors_short.weight": factors(16, 0.1)}},
    // heads as narrow, or as uneven, as no kernel likes them
    {name: "qwen2-narrow", set: heads("qwen2", 32, 8, 8)},
    {name: "phi3-uneven", set: heads("phi3", 8, 8, 24)},
];
const liminal = process.env.LIMINAL_BIN ?? new URL("../../build/liminal", import.meta.url).pathname;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-oracle-"));

// Ids spread over the vocabulary, the same every time.
function tokens(count, vocabulary, seed) {
    let state = seed;
    return Array.from({length: count}, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state >>> 8) % vocabulary;
    });
}

const round = (values) => Array.from(values, (x) => +x.toFixed(4));

async function nextTokens(model, vocabulary) {
    const ids = tokens(60, vocabulary, 5), at = [0, 17, 59];
    const rows = await logProbabilities(model, ids, at);
    return rows.map((row, i) => ({ids: ids.slice(0, at[i] + 1), logprobs: round(row)}));
}

async function embeddings(model, vocabulary) {
    const context = await model.createEmbeddingContext({threads: 1});
    const cases = [];
    for (const [count, seed] of [[2, 1], [17, 2], [40, 3]]) {
        const ids = tokens(count, vocabulary, seed);
        context._prepareInput(ids); // what it will put around them anyway
        const {vector} = await context.getEmbeddingFor([...ids]);
        const length = Math.hypot(...vector);
        cases.push({ids, vector: round(vector.map((x) => x / length))});
    }
    return cases;
}

const wanted = process.argv.slice(2);
for (const {name, encoder, set = {}, add = {}} of models) {
    if (wanted.length && !wanted.includes(name)) continue;
    const shape = `tiny-${name.split("-")[0]}`, file = path.join(folder, `${name}.gguf`);
    execFileSync(liminal, ["synth", shape, "-o", file, "--type", "F32"], {stdio: ["ignore", "ignore", "inherit"]});
    const bytes = fs.readFileSync(file);
    fs.writeFileSync(file, edited(bytes, {set, add}));
    const model = await openModel(file);
    const vocabulary = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
    const cases = await (encoder ? embeddings : nextTokens)(model, vocabulary);
    await model.dispose();
    const head = {shape, type: "F32", sha256: createHash("sha256").update(bytes).digest("hex"), set, add, oracle: oracleName};
    const rows = cases.map((c) => JSON.stringify(c)).join(",\n");
    fs.writeFileSync(new URL(`../vectors/architectures/${name}.json`, import.meta.url),
        `${JSON.stringify(head).slice(0, -1)},"cases":[\n${rows}\n]}\n`);
    console.log(`${name}: ${cases.length} rows`);
}
fs.rmSync(folder, {recursive: true});
process.exit(0);

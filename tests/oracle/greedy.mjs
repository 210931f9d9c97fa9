// greedy.mjs - golden vectors: what llama.cpp answers greedily to ten prompts per model.
//   node tests/oracle/greedy.mjs [MODEL.gguf ...]     (default: those below that are there)
// Writes tests/vectors/greedy/NAME.json: ids of the prompt and of the answer, and per answered
// token the best candidates with how far behind the best they are (in logits).
// model_greedy_test.c reads them.
//
// With quantised weights llama.cpp rounds activations to 8 bits, which alone moves logits by some
// tenths. So candidates come from a second run over the same tokens, of the same weights as F16
// (made by `liminal quantize`), where activations keep 11 bits: it tells what the model says
// without that noise.
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {forced, greedy, modelsFolder, openModel, oracleName} from "./llama.mjs";

const count = 72;
const stories = [
    "Once upon a time", "Lily and Tom went to the park.", "The little dog was sad because",
    "One day, a boy named Tim found a", "\"Mom, can I have a cookie?\" asked", "There was a big red ball",
    "In the forest lived", "Sara loved to dance. She", "The sun was hot and", "It was raining. Ben",
];
const chat = (question) => `<|user|>\n${question}</s>\n<|assistant|>\n`;
const questions = [
    "What is the capital of France?", "Write a short poem about the sea.",
    "Explain what a binary search does.", "List three fruits and their colours.",
    "Wie heißt die Hauptstadt von Deutschland?", "Write a Python function that adds two numbers.",
    "Why is the sky blue?", "Who wrote Romeo and Juliet?", "Give me a recipe for pancakes.",
    "What is 12 times 12?",
];
const suites = [
    {model: "stories15m.gguf", prompts: stories},
    {model: "tinyllama-1.1b-chat-v1.0.IQ2_XXS.gguf", prompts: questions.map(chat), quantised: true},
];

// The best and all within one logit of it, at most four: [[id, behind], ...].
function candidates(ranked) {
    const behind = ranked.slice(0, 4).map(([id, p]) => [id, +Math.log(ranked[0][1] / p).toFixed(3)]);
    return behind.filter(([, gap], i) => i < 2 || gap < 1);
}

function withFloatWeights(file, folder) {
    const liminal = process.env.LIMINAL_BIN ?? new URL("../../build/liminal", import.meta.url).pathname;
    const out = path.join(folder, "f16.gguf");
    execFileSync(liminal, ["quantize", path.resolve(modelsFolder, file), out, "F16"], {stdio: "inherit"});
    return out;
}

async function answers(file, prompts) {
    const model = await openModel(file);
    const cases = [];
    for (const prompt of prompts) {
        const promptIds = [model.tokens.bos, ...model.tokenize(prompt, prompt.startsWith("<|"))];
        const steps = await greedy(model, promptIds, count);
        cases.push({prompt, prompt_ids: promptIds, ids: steps.map((ranked) => ranked[0][0]),
            candidates: steps.map(candidates)});
        console.log(`${file}: ${prompt.trim()} -> ${model.detokenize(cases.at(-1).ids)}`);
    }
    await model.dispose();
    return cases;
}

async function preciseCandidates(file, cases) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-oracle-"));
    const model = await openModel(withFloatWeights(file, folder));
    for (const c of cases)
        c.candidates = (await forced(model, c.prompt_ids, c.ids)).map(candidates);
    await model.dispose();
    fs.rmSync(folder, {recursive: true});
}

const wanted = process.argv.slice(2);
for (const {model: file, prompts, quantised} of suites) {
    if (wanted.length && !wanted.includes(file)) continue;
    if (!fs.existsSync(path.resolve(modelsFolder, file))) {
        console.error(`${file}: not in ${modelsFolder}, skipped`);
        continue;
    }
    const cases = await answers(file, prompts);
    if (quantised) await preciseCandidates(file, cases);
    const rows = cases.map((c) => JSON.stringify(c)).join(",\n");
    const out = new URL(`../vectors/greedy/${path.basename(file, ".gguf")}.json`, import.meta.url);
    fs.writeFileSync(out, `{"model":"${file}","oracle":"${oracleName}","cases":[\n${rows}\n]}\n`);
}
process.exit(0);

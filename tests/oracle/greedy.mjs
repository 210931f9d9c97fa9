// greedy.mjs - golden vectors: what llama.cpp answers greedily to ten prompts per model.
//   node tests/oracle/greedy.mjs [MODEL.gguf ...]     (default: those below that are there)
// Writes tests/vectors/greedy/NAME.json: ids of the prompt and of the answer, and per answered
// token the runner-up and how far behind it was (in logits). model_greedy_test.c reads them.
import fs from "node:fs";
import path from "node:path";
import {greedy, modelsFolder, openModel, oracleName} from "./llama.mjs";

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
    {model: "tinyllama-1.1b-chat-v1.0.IQ2_XXS.gguf", prompts: questions.map(chat), special: true},
];

const wanted = process.argv.slice(2);
for (const {model: file, prompts, special} of suites) {
    if (wanted.length && !wanted.includes(file)) continue;
    if (!fs.existsSync(path.resolve(modelsFolder, file))) {
        console.error(`${file}: not in ${modelsFolder}, skipped`);
        continue;
    }
    const model = await openModel(file);
    const cases = [];
    for (const prompt of prompts) {
        const promptIds = [model.tokens.bos, ...model.tokenize(prompt, special ?? false)];
        const steps = await greedy(model, promptIds, count);
        cases.push({
            prompt, prompt_ids: promptIds,
            ids: steps.map((ranked) => ranked[0][0]),
            runners_up: steps.map((ranked) => ranked[1][0]),
            gaps: steps.map((ranked) => +Math.log(ranked[0][1] / ranked[1][1]).toFixed(4)),
        });
        console.log(`${file}: ${prompt.trim()} -> ${model.detokenize(cases.at(-1).ids)}`);
    }
    const rows = cases.map((c) => JSON.stringify(c)).join(",\n");
    const out = new URL(`../vectors/greedy/${path.basename(file, ".gguf")}.json`, import.meta.url);
    fs.writeFileSync(out, `{"model":"${file}","oracle":"${oracleName}","cases":[\n${rows}\n]}\n`);
    await model.dispose();
}
process.exit(0);

// llama.mjs - llama.cpp (through node-llama-cpp's prebuilt library) as an oracle: what it answers
// greedily, with the log-probabilities it saw. Knows nothing of Liminal.
import {getLlama} from "node-llama-cpp";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const pinned = JSON.parse(fs.readFileSync(new URL("package.json", import.meta.url))).dependencies;
export const oracleName = `llama.cpp of node-llama-cpp ${pinned["node-llama-cpp"]}`;

export const modelsFolder = process.env.LIMINAL_TEST_MODELS ??
    path.join(process.env.LIMINAL_CACHE ?? path.join(os.homedir(), ".cache", "liminal"), "models");

let llama;
export async function openModel(file) {
    llama ??= await getLlama({gpu: false, build: "never", logLevel: "error"});
    return llama.loadModel({modelPath: path.resolve(modelsFolder, file)});
}

// Plain softmax of the logits: no temperature, no cuts.
const asIs = {generateNext: {probabilities: true, options: {temperature: 1, topK: 0, topP: 1, minP: 0}}};

const ranked = (result) => [...result.next.probabilities].sort((a, b) => b[1] - a[1]);

// After `prompt` and each of `answer` but the last, all tokens: [[id, p], ...] best first.
export async function forced(model, prompt, answer) {
    const ids = [...prompt, ...answer.slice(0, -1)];
    const context = await model.createContext({contextSize: ids.length + 8, threads: 1, flashAttention: false});
    const input = ids.map((id, i) => (i >= prompt.length - 1 ? [id, asIs] : id));
    const results = await context.getSequence().controlledEvaluate(input);
    await context.dispose();
    return results.slice(prompt.length - 1).map(ranked);
}

// The log-probabilities of all tokens after ids[0..i], for each i of `at`.
export async function logProbabilities(model, ids, at) {
    const context = await model.createContext({contextSize: ids.length + 8, threads: 1, flashAttention: false});
    const input = ids.map((id, i) => (at.includes(i) ? [id, asIs] : id));
    const results = await context.getSequence().controlledEvaluate(input);
    const rows = at.map((i) => {
        const row = [];
        for (const [id, p] of results[i].next.probabilities) row[id] = Math.log(p);
        return row;
    });
    await context.dispose();
    return rows;
}

// Feed `prompt` (token ids), then `count` times its own best token. Per step: [[id, p], ...] best first.
export async function greedy(model, prompt, count) {
    const context = await model.createContext({contextSize: prompt.length + count + 8, threads: 1, flashAttention: false});
    const sequence = context.getSequence();
    const steps = [];
    let input = [...prompt.slice(0, -1), [prompt.at(-1), asIs]];
    for (let i = 0; i < count; i++) {
        const results = await sequence.controlledEvaluate(input);
        steps.push(ranked(results.at(-1)));
        input = [[steps.at(-1)[0][0], asIs]];
    }
    await context.dispose();
    return steps;
}

// Drafts through the HTTP API: with and without them, with a draft model and with a prediction, the
// answers are the same, and what became of the guesses is told.
import {test, before, after} from "node:test";
import assert from "node:assert/strict";
import {spawnSync} from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {startServer, storyModel, embeddingModel} from "./server.mjs";

const program = process.env.LIMINAL_BIN ?? path.join(import.meta.dirname, "..", "..", "build", "liminal");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "liminal-drafts-"));
const small = path.join(folder, "stories-q4.gguf"); // much like the story model, and yet another

let plain, drafting;
before(async () => {
  const made = spawnSync(program, ["quantize", storyModel, small, "Q4_0"], {encoding: "utf8"});
  assert.equal(made.status, 0, made.stderr);
  plain = await startServer({args: ["--speculation", "off"]});
  drafting = await startServer({args: ["--speculation", "always", "--draft-model", small]});
});
after(async () => {
  assert.equal(await plain.stop(), 0);
  assert.equal(await drafting.stop(), 0);
  fs.rmSync(folder, {recursive: true, force: true});
});

const ask = (server, changes) => server.json("/v1/completions",
  {prompt: "Once upon a time", max_tokens: 60, temperature: 0, ignore_eos: true, ...changes});
const details = (answer) => answer.body.usage.completion_tokens_details;

test("the same text, greedy and drawn, alone and at once", async () => {
  const kinds = Array.from({length: 6}, (_, seed) => ({seed, temperature: seed % 3 * 0.5}));
  const expected = [];
  for (const kind of kinds) expected.push(await ask(plain, kind));
  const answers = await Promise.all(kinds.map((kind) => ask(drafting, kind)));
  answers.forEach((answer, i) => {
    assert.equal(answer.code, 200);
    assert.equal(answer.body.choices[0].text, expected[i].body.choices[0].text);
    assert.equal(answer.body.usage.completion_tokens, 60);
    assert.equal(details(expected[i]).accepted_prediction_tokens, 0);
    assert.equal(details(expected[i]).rejected_prediction_tokens, 0);
  });
});

test("a draft model that is much like the model is mostly right, and the metrics tell", async () => {
  const before = await drafting.metric("liminal_engine_accepted_tokens_total");
  const answer = await ask(drafting, {});
  const {accepted_prediction_tokens: accepted, rejected_prediction_tokens: rejected} = details(answer);
  assert.ok(accepted > 30 && rejected < accepted, JSON.stringify(details(answer)));
  assert.equal(await drafting.metric("liminal_engine_accepted_tokens_total") - before, accepted);
  assert.ok(await drafting.metric("liminal_engine_drafted_tokens_total") >= accepted + rejected);
  assert.equal(await plain.metric("liminal_engine_drafted_tokens_total"), 0);
});

test("a prediction saves steps and changes nothing", async () => {
  const chat = {messages: [{role: "user", content: "One day, a bird"}], max_tokens: 60, temperature: 0.7, seed: 5,
    ignore_eos: true};
  const server = await startServer({args: ["--speculation", "always"]});
  try {
    const {body} = await plain.json("/v1/chat/completions", chat);
    const content = body.choices[0].message.content;
    for (const prediction of [{type: "content", content}, {type: "content", content: [{type: "text", text: content}]}]) {
      const before = await server.metric("liminal_engine_steps_total");
      const predicted = await server.json("/v1/chat/completions", {...chat, prediction});
      assert.equal(predicted.body.choices[0].message.content, content);
      assert.ok(details(predicted).accepted_prediction_tokens > 30);
      assert.ok(await server.metric("liminal_engine_steps_total") - before < 30);
    }
    for (const prediction of [{type: "other", content}, {type: "content"}, {type: "content", content: [7]}, "text"]) {
      const {code, body: {error}} = await server.json("/v1/chat/completions", {...chat, prediction});
      assert.equal(code, 400);
      assert.equal(error.param, "prediction");
    }
  } finally {
    await server.stop();
  }
});

test("a draft model of another vocabulary, and an unknown way to draft, are refused at the start", async () => {
  await assert.rejects(startServer({args: ["--draft-model", embeddingModel]}), /cannot draft/);
  await assert.rejects(startServer({args: ["--speculation", "sometimes"]}), /"lookup", "off" or "always"/);
});

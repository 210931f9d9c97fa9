// Embeddings of many texts at once, and reranking, through the HTTP API with the real MiniLM.
import {test, before, after} from "node:test";
import assert from "node:assert/strict";
import {embeddingModel, startServer} from "./server.mjs";

let server;
before(async () => {
  server = await startServer({args: ["--embedding-model", embeddingModel]});
});
after(async () => assert.equal(await server.stop(), 0));

const words = "a cat sat on the mat while shares fell sharply in Paris and nobody baked bread".split(" ");
// The same texts every time, of 1 to 12 words.
const texts = (count) => Array.from({length: count}, (_, i) =>
  Array.from({length: 1 + (i * 7) % 12}, (_, j) => words[(i * 31 + j * j) % words.length]).join(" "));
const vectorsOf = async (input) => {
  const {code, body} = await server.json("/v1/embeddings", {model: "minilm", input});
  assert.equal(code, 200, JSON.stringify(body.error));
  return body;
};

test("2,048 texts in one request have the vectors that each has alone", async () => {
  const input = texts(2048);
  const {data, usage} = await vectorsOf(input);
  assert.equal(data.length, 2048);
  data.forEach((row, i) => assert.equal(row.index, i));
  let tokens = 0;
  for (const i of [0, 1, 63, 64, 777, 2047]) {
    const alone = await vectorsOf(input[i]);
    assert.deepEqual(alone.data[0].embedding, data[i].embedding, `text ${i}`);
    tokens += alone.usage.prompt_tokens;
  }
  assert.ok(usage.prompt_tokens > 2048 * 5 && tokens > 0);
  const {code, body} = await server.json("/v1/embeddings", {model: "minilm", input: texts(2049)});
  assert.equal(code, 400);
  assert.equal(body.error.param, "input");
});

test("a client that leaves stops costing: the next is answered at once", async () => {
  const input = Array.from({length: 2000}, () => "word ".repeat(400));
  const leaving = new AbortController();
  const gone = server.fetch("/v1/embeddings", {
    method: "POST", headers: {"content-type": "application/json"}, signal: leaving.signal,
    body: JSON.stringify({model: "minilm", input}),
  }).catch((error) => error.name);
  await new Promise((resolve) => setTimeout(resolve, 300));
  leaving.abort();
  assert.equal(await gone, "AbortError");
  const start = performance.now();
  await vectorsOf("short");
  assert.ok(performance.now() - start < 5000);
});

test("an input that the model can't read is named", async () => {
  const long = "word ".repeat(600);
  for (const [input, param] of [[long, "input"], [[...texts(70), long], "input[70]"], [["a", [101, 99999999]], "input[1]"]]) {
    const {code, body} = await server.json("/v1/embeddings", {model: "minilm", input});
    assert.deepEqual([code, body.error.param], [400, param]);
    assert.ok(body.error.message.startsWith(param), body.error.message);
  }
});

const documents = ["Berlin is the capital of Germany.", "Bake the bread for forty minutes.",
  "Paris is the capital of France.", "The capital gains tax rose."];
const query = "What is the capital of France?";

for (const route of ["/v1/rerank", "/rerank"])
  test(`${route} puts what answers the query first`, async () => {
    const {code, body} = await server.json(route, {model: "minilm", query, documents});
    assert.equal(code, 200);
    assert.match(body.id, /^rerank-/);
    assert.equal(body.model, "minilm");
    assert.deepEqual(body.results.map((result) => result.index).sort(), [0, 1, 2, 3]);
    assert.equal(body.results[0].index, 2);
    assert.equal(body.results[3].index, 1);
    assert.equal("document" in body.results[0], false);
    for (let i = 1; i < 4; i++)
      assert.ok(body.results[i].relevance_score <= body.results[i - 1].relevance_score);
    assert.ok(body.usage.total_tokens > 20 && body.usage.total_tokens === body.usage.prompt_tokens);
  });

test("the score is the cosine of the vectors that /v1/embeddings gives", async () => {
  const {body} = await server.json("/v1/rerank", {query, documents});
  const {data} = await vectorsOf([query, ...documents]);
  const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  for (const {index, relevance_score} of body.results)
    assert.ok(Math.abs(relevance_score - dot(data[0].embedding, data[index + 1].embedding)) < 1e-5);
});

test("top_n, return_documents and objects with a text", async () => {
  const {body} = await server.json("/v1/rerank", {query, top_n: 2, return_documents: true,
    documents: documents.map((text) => ({text}))});
  assert.equal(body.results.length, 2);
  assert.deepEqual(body.results[0].document, {text: documents[2]});
  const all = await server.json("/v1/rerank", {query, top_n: 100, documents});
  assert.equal(all.body.results.length, 4);
});

test("what cannot be ranked is refused by name", async () => {
  const cases = [[{documents}, "query"], [{query: "  ", documents}, "query"], [{query}, "documents"],
    [{query, documents: []}, "documents"], [{query, documents: ["a", 7]}, "documents[1]"],
    [{query, documents: ["a", {title: "b"}]}, "documents[1]"], [{query, documents: ["a", ""]}, "documents[1]"],
    [{query, documents, top_n: 0}, "top_n"], [{query, documents, return_documents: "yes"}, "return_documents"],
    [{query, documents: Array(2048).fill("a")}, "documents"],
    [{query, documents: ["a", "word ".repeat(600)]}, "documents[1]"], [{query: "word ".repeat(600), documents}, "query"]];
  for (const [request, param] of cases) {
    const {code, body} = await server.json("/v1/rerank", {model: "minilm", ...request});
    assert.equal(code, 400, JSON.stringify(request).slice(0, 80));
    assert.equal(body.error.param, param);
  }
  assert.equal((await server.json("/v1/rerank", {model: "gpt-9", query, documents})).code, 404);
});

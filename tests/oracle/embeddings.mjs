// embeddings.mjs - golden vectors: what @lat.md/embed (candle, in WebAssembly) makes of 50 texts with
// all-MiniLM-L6-v2.
//   node tests/oracle/embeddings.mjs
// Writes tests/vectors/embeddings/minilm.json; numbers are times 10000. model_embed_test.c reads it.
import fs from "node:fs";
import {openEmbedder} from "./embedder.mjs";

const texts = [
    "Hello, world!", "The quick brown fox jumps over the lazy dog.", "a", "42", "?!",
    "How do I reset my password?", "I forgot my login credentials and cannot sign in.",
    "The mitochondria is the powerhouse of the cell.", "Photosynthesis turns light into sugar.",
    "Paris is the capital of France.", "Berlin ist die Hauptstadt von Deutschland.",
    "La capital de España es Madrid.", "Où est la bibliothèque ?", "naïve café résumé coöperation",
    "東京は日本の首都です。", "我喜欢吃苹果。", "Привет, как дела?", "مرحبا بالعالم", "नमस्ते दुनिया", "Γειά σου Κόσμε",
    "🙂 emoji are fun 🚀", "C++ templates vs. Rust traits", "int main(void) { return 0; }",
    "SELECT name FROM users WHERE id = 7;", "def f(x):\n    return x ** 2", "https://example.org/a?b=c&d=e#f",
    "user@example.org", "  leading and trailing spaces  ", "tabs\tand\nnewlines\r\nmixed",
    "UPPER lower MiXeD CaSe", "don't won't can't it's we'll", "3.14159 2,718 1e-9 0xFF", "$100 €200 ¥300 ₹400",
    "supercalifragilisticexpialidocious", "antidisestablishmentarianism is a long word", "...", "a b c d e f g",
    "The stock market fell sharply today.", "Shares dropped by five percent on Monday.",
    "A cat sat on the mat.", "A kitten rested on the rug.", "Nuclear fusion may power cities one day.",
    "The recipe needs two eggs and a cup of flour.", "Bake at 180 degrees for forty minutes.",
    "She sells sea shells by the sea shore.", "To be, or not to be, that is the question.",
    "All happy families are alike; each unhappy family is unhappy in its own way.",
    "In the beginning the Universe was created. This has made a lot of people very angry and been widely regarded as a bad move.",
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of Darkness, it was the spring of hope, it was the winter of despair.",
    "word ".repeat(120).trim(),
];

const embedder = await openEmbedder();
const cases = [];
for (const text of texts) {
    const [vector] = await embedder.embed([text]);
    cases.push(JSON.stringify({text, vector: Array.from(vector, (x) => Math.round(x * 10000))}));
}
const pinned = JSON.parse(fs.readFileSync(new URL("package.json", import.meta.url))).dependencies;
fs.writeFileSync(new URL("../vectors/embeddings/minilm.json", import.meta.url),
    `{"model":"minilm.gguf","oracle":"@lat.md/embed ${pinned["@lat.md/embed"]}","cases":[\n${cases.join(",\n")}\n]}\n`);
console.log(`${cases.length} texts of ${embedder.dimensions} dimensions`);
process.exit(0);

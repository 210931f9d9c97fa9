/* model_open_test.c - what a model file says of itself is believed only after checking: each case
 * breaks a good file in one way and must be refused with a sentence that names the fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "model/file/synth.h"
#include "model/model_private.h"
#include "model/model_test_support.h"
#include "platform/platform.h"

enum value_kind { VALUE_NONE, VALUE_U32, VALUE_F32, VALUE_STRING };

/* One change to a good file. */
struct edit {
    const char *shape; /* of the good file */
    const char *key;   /* this entry goes, or gets another value: */
    enum value_kind kind;
    double number;
    const char *string;
    const char *tensor; /* this tensor goes, or is renamed, or loses its last column or row: */
    const char *new_name;
    bool shorter, lower;
    enum status status;
    const char *message; /* part of what the person reads */
};

static char folder[] = "/tmp/liminal-model-open-XXXXXX";

static void path_of(char *out, size_t capacity, const char *name)
{
    snprintf(out, capacity, "%s/%s.gguf", folder, name);
}

static void add_entries(struct gguf_writer *writer, const struct gguf *gguf,
                        const struct edit *edit)
{
    for (size_t i = 0; i < gguf_entry_count(gguf); i++) {
        const struct gguf_entry *entry = gguf_entry_at(gguf, i);
        if (edit->key && text_equal(entry->key, text_of(edit->key))) continue;
        gguf_writer_add_value(writer, entry->key, &entry->value);
    }
    if (edit->kind == VALUE_U32) gguf_writer_add_u32(writer, edit->key, (uint32_t)edit->number);
    if (edit->kind == VALUE_F32) gguf_writer_add_f32(writer, edit->key, (float)edit->number);
    if (edit->kind == VALUE_STRING)
        gguf_writer_add_string(writer, edit->key, text_of(edit->string));
}

/* Declare all tensors, or write their data. */
static void add_tensors(struct gguf_writer *writer, const struct gguf *gguf,
                        const struct edit *edit, bool data)
{
    struct fault fault = {0};
    for (size_t i = 0; i < gguf_tensor_count(gguf); i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(gguf, i);
        struct text name = tensor->name;
        uint64_t dimensions[4];
        memcpy(dimensions, tensor->dimensions, sizeof dimensions);
        if (edit->tensor && text_equal(name, text_of(edit->tensor))) {
            if (edit->new_name)
                name = text_of(edit->new_name);
            else if (edit->shorter)
                dimensions[0] -= 32;
            else if (edit->lower)
                dimensions[1] -= 1;
            else
                continue;
        }
        uint64_t bytes;
        uint64_t values = dimensions[0] * dimensions[1];
        assert_true(tensor_type_bytes(tensor->type, values, &bytes));
        if (!data)
            gguf_writer_declare(writer, name, tensor->type, dimensions, tensor->dimension_count);
        else if (gguf_writer_data(writer, tensor->data, bytes, &fault) != OK)
            fail_msg("%s", fault.message);
    }
}

static void write_edited(const char *out_path, const struct edit *edit)
{
    char good[128];
    path_of(good, sizeof good, edit->shape);
    struct fault fault = {0};
    if (access(good, F_OK) != 0 && synth_model(edit->shape, "Q8_0", good, NULL, &fault) != OK)
        fail_msg("%s", fault.message);
    struct gguf *gguf;
    struct gguf_writer *writer;
    if (gguf_open(&gguf, good, &fault) != OK) fail_msg("%s", fault.message);
    if (gguf_writer_open(&writer, out_path, &fault) != OK) fail_msg("%s", fault.message);
    add_entries(writer, gguf, edit);
    add_tensors(writer, gguf, edit, false);
    add_tensors(writer, gguf, edit, true);
    if (gguf_writer_finish(writer, &fault) != OK) fail_msg("%s", fault.message);
    gguf_close(gguf);
}

static void check_edits(const struct edit *edits, size_t count)
{
    struct compute *compute = test_compute(1);
    char path[128];
    path_of(path, sizeof path, "edited");
    for (size_t i = 0; i < count; i++) {
        write_edited(path, &edits[i]);
        struct model *model = NULL;
        struct fault fault = {0};
        enum status status = model_open(&model, compute, path, NULL, &fault);
        if (status != edits[i].status || (status != OK && !strstr(fault.message, edits[i].message)))
            fail_msg("case %zu (%s): expected %s with \"%s\", got %s with \"%s\"", i,
                     edits[i].key ? edits[i].key : edits[i].tensor, status_name(edits[i].status),
                     edits[i].message, status_name(status), fault.message);
        model_close(model);
        unlink(path);
    }
    compute_close(compute);
}

#define REFUSED(words) .status = STATUS_CORRUPT, .message = words

static void impossible_numbers_are_refused(void **state)
{
    const struct edit edits[] = {
        {"tiny-llama", "llama.block_count", VALUE_U32, 0, REFUSED("block_count is 0")},
        {"tiny-llama", "llama.block_count", VALUE_U32, 100000, REFUSED("block_count is 100000")},
        {"tiny-llama", "llama.block_count", VALUE_U32, 999, REFUSED("999 layers cannot come from")},
        {"tiny-llama", "llama.block_count", REFUSED("lacks llama.block_count")},
        {"tiny-llama", "llama.block_count", VALUE_STRING, .string = "2",
         REFUSED("llama.block_count")},
        {"tiny-llama", "llama.attention.head_count", VALUE_U32, 0, REFUSED("head_count is 0")},
        {"tiny-llama", "llama.attention.head_count_kv", VALUE_U32, 0,
         REFUSED("head_count_kv is 0")},
        {"tiny-llama", "llama.attention.head_count_kv", VALUE_U32, 7,
         REFUSED("cannot share 7 key/value heads")},
        {"tiny-llama", "llama.attention.key_length", VALUE_U32, 0, REFUSED("key_length is 0")},
        {"tiny-llama", "llama.attention.value_length", VALUE_U32, 8, .status = STATUS_UNSUPPORTED,
         .message = "values of width 8"},
        {"tiny-llama", "llama.embedding_length", VALUE_U32, 4000000000.0,
         REFUSED("embedding_length is 4000000000")},
        {"tiny-llama", "llama.embedding_length", VALUE_U32, 96, REFUSED("it must be 96 x")},
        {"tiny-llama", "llama.feed_forward_length", VALUE_U32, 0,
         REFUSED("feed_forward_length is 0")},
        {"tiny-llama", "llama.context_length", VALUE_U32, 0, REFUSED("context_length is 0")},
        {"tiny-llama", "llama.attention.layer_norm_rms_epsilon", VALUE_F32, 0,
         REFUSED("layer_norm_rms_epsilon is 0")},
        {"tiny-llama", "llama.attention.layer_norm_rms_epsilon",
         REFUSED("lacks llama.attention.layer_norm_rms_epsilon")},
        {"tiny-llama", "llama.rope.freq_base", VALUE_F32, -1, REFUSED("freq_base is -1")},
        {"tiny-llama", "llama.rope.dimension_count", VALUE_U32, 3, REFUSED("must be even")},
        {"tiny-llama", "llama.rope.scaling.type", VALUE_STRING, .string = "magic",
         .status = STATUS_UNSUPPORTED, .message = "is \"magic\"; supported are none, linear"},
        {"tiny-llama", "llama.expert_count", VALUE_U32, 8, .status = STATUS_UNSUPPORTED,
         .message = "mixtures of experts"},
        {"tiny-llama", "tokenizer.ggml.tokens", REFUSED("lacks tokenizer.ggml.tokens")},
    };
    check_edits(edits, ARRAY_COUNT(edits));
}

static void unknown_architectures_are_refused_by_name(void **state)
{
    const struct edit edits[] = {
        {"tiny-llama", "general.architecture", VALUE_STRING, .string = "mamba",
         .status = STATUS_UNSUPPORTED,
         .message = "architecture \"mamba\" is not supported; supported are llama, qwen2"},
        {"tiny-llama", "general.architecture", REFUSED("lacks general.architecture")},
    };
    check_edits(edits, ARRAY_COUNT(edits));
}

static void tensors_must_be_what_the_shape_says(void **state)
{
    const struct edit edits[] = {
        {"tiny-llama", .tensor = "blk.1.attn_k.weight",
         REFUSED("lacks tensor blk.1.attn_k.weight")},
        {"tiny-llama", .tensor = "output_norm.weight", REFUSED("lacks tensor output_norm.weight")},
        {"tiny-llama", .tensor = "blk.0.ffn_down.weight", .shorter = true,
         REFUSED("tensor blk.0.ffn_down.weight is ")},
        {"tiny-llama", .tensor = "blk.0.attn_q.weight", .lower = true,
         REFUSED("tensor blk.0.attn_q.weight is ")},
        {"tiny-llama", .tensor = "token_embd.weight", .lower = true,
         REFUSED("tensor token_embd.weight is ")},
        {"tiny-qwen2", .tensor = "blk.0.attn_q.bias", REFUSED("lacks tensor blk.0.attn_q.bias")},
        {"tiny-qwen3", .tensor = "blk.0.attn_q_norm.weight",
         REFUSED("lacks tensor blk.0.attn_q_norm.weight")},
        {"tiny-gemma2", .tensor = "blk.1.post_ffw_norm.weight",
         REFUSED("lacks tensor blk.1.post_ffw_norm.weight")},
        {"tiny-phi3", .tensor = "blk.0.attn_qkv.weight", .lower = true,
         REFUSED("tensor blk.0.attn_qkv.weight is ")},
        {"tiny-bert", .tensor = "position_embd.weight",
         REFUSED("lacks tensor position_embd.weight")},
    };
    check_edits(edits, ARRAY_COUNT(edits));
}

/* Computing without a tensor that means something would be wrong in silence. */
static void tensors_without_a_use_are_refused(void **state)
{
    const struct edit edits[] = {
        {"tiny-qwen3", .tensor = "blk.0.attn_q_norm.weight", .new_name = "blk.0.attn_sinks.weight",
         REFUSED("lacks tensor")},
        {"tiny-llama", "llama.block_count", VALUE_U32, 1, .status = STATUS_UNSUPPORTED,
         .message = "tensor blk.1."},
    };
    check_edits(edits, ARRAY_COUNT(edits));
}

static void a_good_file_describes_itself(void **state)
{
    const struct edit untouched = {.shape = "tiny-gemma3"};
    char path[128];
    path_of(path, sizeof path, "good");
    write_edited(path, &untouched);
    struct compute *compute = test_compute(1);
    struct model *model = test_model_at(compute, path);
    const struct model_info *info = model_info(model);
    assert_string_equal(info->architecture, "gemma3");
    assert_string_equal(info->file_type, "Q8_0");
    assert_true(info->layers > 0 && info->width > 0 && info->vocabulary > 0);
    assert_int_equal(info->kv_page_bytes,
                     info->layers * compute_kv_layer_bytes(info->kv_heads, info->head_width));
    assert_true(info->weight_bytes > 0 && info->weight_bytes <= info->file_bytes);
    assert_false(info->is_embedding);
    assert_int_equal(model_batch_limit(model), 512);

    /* rows that no model could compute are refused, not computed */
    struct private_sequence sequence;
    struct fault fault = {0};
    assert_int_equal(private_sequence_init(&sequence, model, 1, &fault), OK);
    const int32_t bad_token = (int32_t)info->vocabulary, good_token = 1;
    const int32_t bad_position = (int32_t)info->context_length;
    const uint8_t wanted = 0;
    struct model_batch batch = {.count = 1,
                                .tokens = &bad_token,
                                .positions = sequence.positions,
                                .pages = sequence.row_pages,
                                .wants_logits = &wanted};
    assert_int_equal(model_forward(model, &batch, NULL, &fault), STATUS_INVALID);
    batch.tokens = &good_token;
    batch.positions = &bad_position;
    assert_int_equal(model_forward(model, &batch, NULL, &fault), STATUS_TOO_LARGE);
    batch.count = 0;
    assert_int_equal(model_forward(model, &batch, NULL, &fault), OK);
    private_sequence_deinit(&sequence);
    model_close(model);
    compute_close(compute);
    unlink(path);
}

/* ---- random damage ---- */

/* 0 .. below-1 */
static size_t choose_below(size_t below, uint32_t *random)
{
    *random = *random * 1664525U + 1013904223U;
    return (uint64_t)*random * below >> 32;
}

/* Where the file describes a number or a tensor: damage goes deepest there. */
static size_t find_marks(const struct buffer *file, size_t *marks, size_t capacity)
{
    size_t count = 0;
    for (size_t at = 0; at + 8 < file->length && count < capacity; at++)
        if (memcmp(file->data + at, "llama.", 6) == 0 || memcmp(file->data + at, "blk.", 4) == 0)
            marks[count++] = at;
    return count;
}

static void use_if_it_opens(struct compute *compute, const char *path)
{
    struct model *model = NULL;
    struct fault fault = {0};
    if (model_open(&model, compute, path, NULL, &fault) != OK) {
        assert_true(fault.message[0] != '\0');
        return;
    }
    float *vector = malloc(model_info(model)->width * sizeof *vector);
    assert_non_null(vector);
    const int32_t tokens[] = {1, 2, 3};
    enum status status = model_embed(model, tokens, ARRAY_COUNT(tokens), vector, &fault);
    assert_true(status == OK || fault.message[0] != '\0');
    free(vector);
    model_close(model);
}

/* Whatever a few changed bytes do to a file, it is refused or computed, and nothing breaks. */
static void damaged_files_never_break_anything(void **state)
{
    const struct edit untouched = {.shape = "tiny-llama"};
    char path[128];
    path_of(path, sizeof path, "damaged");
    write_edited(path, &untouched);
    struct buffer good;
    buffer_init(&good);
    struct fault fault = {0};
    assert_int_equal(file_read(path, (size_t)64 << 20, &good, &fault), OK);
    struct compute *compute = test_compute(1);
    size_t marks[128], mark_count = find_marks(&good, marks, ARRAY_COUNT(marks));
    assert_in_range(mark_count, 20, ARRAY_COUNT(marks) - 1);
    uint32_t random = 2024;
    for (int i = 0; i < 250; i++) {
        size_t changed[3];
        char kept[ARRAY_COUNT(changed)];
        size_t count = 1 + choose_below(ARRAY_COUNT(changed), &random);
        for (size_t j = 0; j < count; j++) {
            changed[j] = marks[choose_below(mark_count, &random)] + choose_below(56, &random);
            kept[j] = good.data[changed[j]];
            good.data[changed[j]] = (char)choose_below(256, &random);
        }
        assert_int_equal(file_write_atomic(path, good.data, good.length, 0600, &fault), OK);
        use_if_it_opens(compute, path);
        for (size_t j = count; j-- > 0;) good.data[changed[j]] = kept[j];
    }
    compute_close(compute);
    buffer_deinit(&good);
    unlink(path);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    const char *const shapes[] = {"tiny-llama",  "tiny-qwen2", "tiny-qwen3", "tiny-gemma2",
                                  "tiny-gemma3", "tiny-phi3",  "tiny-bert"};
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
        char path[128];
        path_of(path, sizeof path, shapes[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_numbers_are_refused),
        cmocka_unit_test(unknown_architectures_are_refused_by_name),
        cmocka_unit_test(tensors_must_be_what_the_shape_says),
        cmocka_unit_test(tensors_without_a_use_are_refused),
        cmocka_unit_test(a_good_file_describes_itself),
        cmocka_unit_test(damaged_files_never_break_anything),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* quantise_file_test.c - whole files to other types: what stays, what changes, what is told. */
#include "model/file/quantise_file.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/test_support.h"
#include "model/file/file_type.h"
#include "model/file/gguf.h"
#include "model/file/synth.h"
#include "model/file/test_folder.h"

struct story {
    double last;
    int reports, notes;
    char note[512];
};

static void on_report(void *argument, double done)
{
    struct story *story = argument;
    assert_true(done >= story->last && done <= 1);
    story->last = done;
    story->reports++;
}

static void on_note(void *argument, const char *line)
{
    struct story *story = argument;
    snprintf(story->note, sizeof story->note, "%s", line);
    story->notes++;
}

static struct progress listen(struct story *story)
{
    *story = (struct story){.last = 0};
    return (struct progress){.report = on_report, .note = on_note, .argument = story};
}

static double relative_error(const struct gguf_tensor *a, const struct gguf_tensor *b)
{
    size_t n = (size_t)(a->dimensions[0] * a->dimensions[1]);
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    assert_true(x && y);
    dequantise_row(a->type, a->data, x, n);
    dequantise_row(b->type, b->data, y, n);
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        error += (x[i] - y[i]) * (x[i] - y[i]);
        size += x[i] * x[i];
    }
    free(x);
    free(y);
    return sqrt(error / size);
}

static void every_type_keeps_shapes_entries_and_values(void **state)
{
    static const struct {
        const char *name;
        double error; /* of the whole, relative; random weights are nearly normal */
        enum tensor_type up;
    } types[] = {
        {"F32", 0, TENSOR_F32},        {"F16", 0.0005, TENSOR_F16},
        {"BF16", 0.003, TENSOR_BF16},  {"Q8_0", 0.008, TENSOR_Q8_0},
        {"Q4_0", 0.1, TENSOR_Q4_0},    {"Q4_K", 0.09, TENSOR_Q4_K},
        {"q4_k_s", 0.09, TENSOR_Q4_K}, {"Q5_K_M", 0.05, TENSOR_Q5_K},
        {"Q6_K", 0.025, TENSOR_Q6_K},  {"IQ4_XS", 0.09, TENSOR_IQ4_XS},
    };
    synth("tiny-llama", "F32", "in.gguf");
    struct gguf *in = open_result("in.gguf");
    for (size_t t = 0; t < ARRAY_COUNT(types); t++) {
        struct fault fault;
        struct story story;
        struct progress progress = listen(&story);
        assert_ok(quantise_file(test_path("in.gguf"), test_path("out.gguf"), types[t].name, 2,
                                &progress, &fault),
                  &fault);
        assert_true(story.last == 1);
        assert_int_equal(story.notes, 0);
        struct gguf *out = open_result("out.gguf");
        assert_int_equal(gguf_entry_count(out), gguf_entry_count(in));
        assert_int_equal(gguf_tensor_count(out), gguf_tensor_count(in));
        assert_int_equal(gguf_find_tensor(out, "blk.0.ffn_up.weight")->type, types[t].up);
        assert_int_equal(gguf_find_tensor(out, "blk.0.ffn_norm.weight")->type, TENSOR_F32);
        for (size_t i = 0; i < gguf_tensor_count(in); i++) {
            const struct gguf_tensor *before = gguf_tensor_at(in, i),
                                     *after = gguf_tensor_at(out, i);
            assert_true(text_equal(before->name, after->name));
            assert_memory_equal(before->dimensions, after->dimensions, sizeof before->dimensions);
            assert_true(relative_error(before, after) <= types[t].error);
        }
        gguf_close(out);
    }
    gguf_close(in);
}

static void fallbacks_are_told(void **state)
{
    struct fault fault;
    struct story story;
    struct progress progress = listen(&story);
    synth("tiny-phi3", "F32", "in.gguf"); /* 192 columns */
    assert_ok(
        quantise_file(test_path("in.gguf"), test_path("out.gguf"), "Q4_K", 1, &progress, &fault),
        &fault);
    assert_true(story.notes >= 1);
    assert_contains(story.note, "instead of");
    struct gguf *out = open_result("out.gguf");
    assert_int_equal(gguf_find_tensor(out, "blk.0.attn_output.weight")->type, TENSOR_Q5_0);
    assert_int_equal(gguf_find_tensor(out, "blk.1.ffn_down.weight")->type, TENSOR_Q6_K); /* 512 */
    gguf_close(out);
}

static void threads_do_not_change_the_file(void **state)
{
    struct fault fault;
    struct file_map one, three;
    synth("tiny-qwen2", "F16", "in.gguf");
    assert_ok(quantise_file(test_path("in.gguf"), test_path("1.gguf"), "Q4_K_M", 1, NULL, &fault),
              &fault);
    assert_ok(quantise_file(test_path("in.gguf"), test_path("3.gguf"), "Q4_K_M", 3, NULL, &fault),
              &fault);
    assert_ok(file_map_open(&one, test_path("1.gguf"), &fault), &fault);
    assert_ok(file_map_open(&three, test_path("3.gguf"), &fault), &fault);
    assert_int_equal(one.length, three.length);
    assert_memory_equal(one.data, three.data, one.length);
    file_map_close(&one);
    file_map_close(&three);
}

/* A file that was quantised to 2 bits can still be made another type. */
static void quantised_input_is_read(void **state)
{
    struct fault fault;
    synth("tiny-llama", "IQ2_XXS", "in.gguf");
    assert_ok(quantise_file(test_path("in.gguf"), test_path("out.gguf"), "Q8_0", 2, NULL, &fault),
              &fault);
    struct gguf *in = open_result("in.gguf"), *out = open_result("out.gguf");
    assert_true(relative_error(gguf_find_tensor(in, "blk.0.attn_q.weight"),
                               gguf_find_tensor(out, "blk.0.attn_q.weight")) < 0.01);
    uint32_t file_type;
    assert_ok(gguf_u32(out, "general.file_type", 0, &file_type, &fault), &fault);
    assert_int_equal(file_type, 7);
    gguf_close(in);
    gguf_close(out);
}

/* The words of the help text are those that work. */
static void the_list_of_types_is_true(void **state)
{
    const struct file_type *type;
    int writable = 0, listed = 1;
    for (size_t i = 0; (type = file_type_at(i)); i++) {
        writable += type->can_quantise;
        if (type->can_quantise) assert_contains(quantise_file_types(), type->name);
    }
    for (const char *c = quantise_file_types(); *c; c++) listed += *c == ',';
    assert_int_equal(listed, writable);
}

static void what_cannot_be_done_is_said(void **state)
{
    struct fault fault;
    synth("tiny-llama", "F16", "in.gguf");
    const char *in = test_path("in.gguf"), *out = test_path("out.gguf");
    assert_status(quantise_file(in, out, "Q7", 1, NULL, &fault), STATUS_INVALID);
    assert_contains(fault.message, "Q7");
    assert_status(quantise_file(in, out, "IQ2_XXS", 1, NULL, &fault), STATUS_UNSUPPORTED);
    assert_status(quantise_file(test_path("no.gguf"), out, "Q8_0", 1, NULL, &fault),
                  STATUS_NOT_FOUND);
    assert_status(quantise_file(in, "/nowhere/out.gguf", "Q8_0", 1, NULL, &fault), STATUS_IO);
    assert_false(file_exists(out));
}

static void a_full_disk_leaves_nothing(void **state)
{
    struct fault fault;
    struct rlimit old;
    synth("tiny-llama", "F16", "in.gguf");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = 500000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum status status =
        quantise_file(test_path("in.gguf"), test_path("out.gguf"), "Q8_0", 2, NULL, &fault);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, STATUS_IO);
    assert_contains(fault.message, "free some space");
    assert_false(file_exists(test_path("out.gguf")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TEST_FOLDER(every_type_keeps_shapes_entries_and_values),
        IN_TEST_FOLDER(fallbacks_are_told),
        IN_TEST_FOLDER(threads_do_not_change_the_file),
        IN_TEST_FOLDER(quantised_input_is_read),
        cmocka_unit_test(the_list_of_types_is_true),
        IN_TEST_FOLDER(what_cannot_be_done_is_said),
        IN_TEST_FOLDER(a_full_disk_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

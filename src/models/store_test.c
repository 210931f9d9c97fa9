/* store_test.c - the folder of models: listing in order, finding, removing, pulling in place. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test_support.h"
#include "model/file/gguf.h"
#include "models/models.h"
#include "platform/platform.h"

struct fixture {
    char folder[64];
    struct arena arena;
    struct fault fault;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.folder = "/tmp/liminal-models-XXXXXX"};
    arena_init(&f.arena, 0);
    *state = &f;
    return mkdtemp(f.folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    arena_deinit(&f->arena);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    return system(command);
}

static const char *path_in(struct fixture *f, const char *file)
{
    return arena_printf(&f->arena, "%s/%s", f->folder, file);
}

/* The smallest file that is a model to a listing. */
static void write_model(struct fixture *f, const char *file, const char *architecture, bool causal)
{
    struct gguf_writer *writer;
    char key[64];
    uint64_t dimensions[] = {32, 2};
    float values[64] = {0};
    assert_ok(gguf_writer_open(&writer, path_in(f, file), &f->fault), &f->fault);
    gguf_writer_add_string(writer, "general.architecture", text_of(architecture));
    snprintf(key, sizeof key, "%s.context_length", architecture);
    gguf_writer_add_u32(writer, key, 2048);
    snprintf(key, sizeof key, "%s.attention.causal", architecture);
    if (!causal) gguf_writer_add_bool(writer, key, false);
    if (strcmp(architecture, "qwen2") == 0) /* one family that was taught to chat will do */
        gguf_writer_add_string(writer, "tokenizer.chat_template", TEXT("{{ messages }}"));
    gguf_writer_declare(writer, TEXT("token_embd.weight"), TENSOR_F32, dimensions, 2);
    assert_ok(gguf_writer_data(writer, values, sizeof values, &f->fault), &f->fault);
    assert_ok(gguf_writer_finish(writer, &f->fault), &f->fault);
}

static void write_text(struct fixture *f, const char *file, const char *text)
{
    assert_ok(file_write_atomic(path_in(f, file), text, strlen(text), 0600, &f->fault), &f->fault);
}

static struct models_listing list(struct fixture *f)
{
    struct models_listing listing;
    assert_ok(models_list(f->folder, &f->arena, &listing, &f->fault), &f->fault);
    return listing;
}

static void a_folder_that_is_not_there_is_empty(void **state)
{
    struct fixture *f = *state;
    struct models_listing listing;
    assert_ok(models_list("/nowhere/at/all", &f->arena, &listing, &f->fault), &f->fault);
    assert_int_equal(listing.count, 0);
}

static void chat_models_come_before_embeddings_and_damage(void **state)
{
    struct fixture *f = *state;
    write_text(f, "aaa-damaged.gguf", "GGUF and then nothing of sense");
    write_model(f, "aa-embeds.gguf", "bert", false);
    write_model(f, "zeta.gguf", "qwen2", true);
    write_model(f, "beta.gguf", "llama", true);
    write_model(f, "gamma.gguf", "qwen2", true);
    write_text(f, "notes.txt", "no model");
    write_text(f, "beta.json", "{}");
    write_text(f, ".hidden.gguf", "no model");
    assert_int_equal(mkdir(path_in(f, "folder.gguf"), 0700), 0);
    struct models_listing listing = list(f);
    static const char *const ORDER[] = {"gamma", "zeta", "beta", "aa-embeds", "aaa-damaged"};
    assert_int_equal(listing.count, ARRAY_COUNT(ORDER));
    for (size_t i = 0; i < listing.count; i++) {
        assert_string_equal(listing.entries[i].name, ORDER[i]);
        assert_int_equal(listing.entries[i].is_default, i == 0);
    }
    assert_string_equal(listing.entries[0].architecture, "qwen2");
    assert_string_equal(listing.entries[0].type, "F32");
    assert_int_equal(listing.entries[0].context_length, 2048);
    assert_true(listing.entries[3].is_embedding);
    assert_non_null(listing.entries[4].problem);
}

static void the_preferred_model_is_the_default(void **state)
{
    struct fixture *f = *state;
    char *path;
    write_model(f, "aaa.gguf", "llama", true);
    assert_ok(models_find(f->folder, MODELS_ALIAS, &f->arena, &path, &f->fault), &f->fault);
    assert_string_equal(path, path_in(f, "aaa.gguf"));
    write_model(f, MODELS_PREFERRED ".gguf", "llama", true);
    assert_string_equal(list(f).entries[0].name, MODELS_PREFERRED);
    assert_ok(models_find(f->folder, MODELS_ALIAS, &f->arena, &path, &f->fault), &f->fault);
    assert_string_equal(path, path_in(f, MODELS_PREFERRED ".gguf"));
}

static void without_a_chat_model_there_is_no_default(void **state)
{
    struct fixture *f = *state;
    char *path;
    write_model(f, "embeds.gguf", "bert", false);
    assert_status(models_find(f->folder, MODELS_ALIAS, &f->arena, &path, &f->fault),
                  STATUS_NOT_FOUND);
    assert_contains(f->fault.message, "liminal pull");
}

static void models_are_found_by_name_and_path(void **state)
{
    struct fixture *f = *state;
    char *path;
    write_model(f, "a.gguf", "llama", true);
    assert_ok(models_find(f->folder, "a", &f->arena, &path, &f->fault), &f->fault);
    assert_string_equal(path, path_in(f, "a.gguf"));
    assert_ok(models_find(f->folder, path_in(f, "a.gguf"), &f->arena, &path, &f->fault), &f->fault);
    assert_status(models_find(f->folder, "b", &f->arena, &path, &f->fault), STATUS_NOT_FOUND);
    assert_contains(f->fault.message, "liminal list");
    assert_status(models_find(f->folder, "./b.gguf", &f->arena, &path, &f->fault),
                  STATUS_NOT_FOUND);
    assert_status(models_find(f->folder, "-b", &f->arena, &path, &f->fault), STATUS_INVALID);
    assert_status(models_find(f->folder, "..", &f->arena, &path, &f->fault), STATUS_INVALID);
}

static void slips_in_names_are_understood(void **state)
{
    struct fixture *f = *state;
    char *path;
    write_model(f, "stories15m.gguf", "llama", true);
    write_model(f, "tinyllama-1.1b-chat.gguf", "llama", true);
    write_text(f, "damaged.gguf", "no model");
    static const char *const SLIPS[][2] = {
        {"storeis15m", "stories15m"}, {"Stories15M", "stories15m"},
        {"STO", "stories15m"},        {"tinylama", "tinyllama-1.1b-chat"},
        {"damagde", "damaged"},       {"local-lm", MODELS_ALIAS}};
    for (size_t i = 0; i < ARRAY_COUNT(SLIPS); i++) {
        char expected[80];
        snprintf(expected, sizeof expected, "did you mean \"%s\"?", SLIPS[i][1]);
        assert_status(models_find(f->folder, SLIPS[i][0], &f->arena, &path, &f->fault),
                      STATUS_NOT_FOUND);
        assert_contains(f->fault.message, expected);
        assert_status(models_remove(f->folder, SLIPS[i][0], &f->fault), STATUS_NOT_FOUND);
        assert_contains(f->fault.message, expected);
    }
    assert_status(models_find("/nowhere", "stories", &f->arena, &path, &f->fault),
                  STATUS_NOT_FOUND);
    assert_contains(f->fault.message, "liminal list");
}

static void removal_stays_inside_the_folder(void **state)
{
    struct fixture *f = *state;
    write_model(f, "a.gguf", "llama", true);
    write_text(f, "a.json", "{}");
    write_text(f, "a.pulled.part", "half");
    assert_int_equal(mkdir(path_in(f, "inner"), 0700), 0);
    write_model(f, "inner/victim.gguf", "llama", true);
    static const char *const REFUSED[] = {"inner/victim", "../x", "/etc/passwd", "", "..", "-a"};
    for (size_t i = 0; i < ARRAY_COUNT(REFUSED); i++)
        assert_status(models_remove(f->folder, REFUSED[i], &f->fault), STATUS_INVALID);
    assert_status(models_remove(f->folder, path_in(f, "a.gguf"), &f->fault), STATUS_INVALID);
    assert_true(file_exists(path_in(f, "inner/victim.gguf")));
    assert_status(models_remove(f->folder, "b", &f->fault), STATUS_NOT_FOUND);
    assert_ok(models_remove(f->folder, "a", &f->fault), &f->fault);
    assert_false(file_exists(path_in(f, "a.gguf")));
    assert_false(file_exists(path_in(f, "a.json")));
    assert_false(file_exists(path_in(f, "a.pulled.part")));
}

static void where_a_model_came_from_is_read_with_suspicion(void **state)
{
    struct fixture *f = *state;
    struct models_origin origin;
    const char *path = path_in(f, "a.gguf");
    assert_status(models_origin(path, &f->arena, &origin, &f->fault), STATUS_NOT_FOUND);
    static const char *const BAD[] = {"", "[]", "{\"url\":1}", "{\"url\":\"u\"}", "nonsense"};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        write_text(f, "a.json", BAD[i]);
        assert_status(models_origin(path, &f->arena, &origin, &f->fault), STATUS_CORRUPT);
    }
    write_text(f, "a.json", "{\"url\":\"http://h/a\",\"sha256\":\"00\",\"bytes\":5,\"pulled\":6}");
    assert_ok(models_origin(path, &f->arena, &origin, &f->fault), &f->fault);
    assert_string_equal(origin.url, "http://h/a");
    assert_int_equal(origin.bytes, 5);
}

/* No server is needed to see that a name which is taken stays what it was. */
static void a_pull_never_replaces_another_model(void **state)
{
    struct fixture *f = *state;
    char *path;
    struct models_pull pull = {
        .reference = {.url = (char *)"http://127.0.0.1:1/a.gguf", .name = (char *)"a"}};
    write_model(f, "a.gguf", "llama", true);
    assert_status(models_pull(f->folder, &pull, &f->arena, &path, &f->fault), STATUS_CONFLICT);
    assert_contains(f->fault.message, "put there by hand");
    char origin[160];
    snprintf(
        origin, sizeof origin,
        "{\"url\":\"http://127.0.0.1:1/a.gguf\",\"sha256\":\"ab\",\"bytes\":%lld,\"pulled\":1}",
        (long long)file_size(path_in(f, "a.gguf")));
    write_text(f, "a.json", origin);
    assert_ok(models_pull(f->folder, &pull, &f->arena, &path, &f->fault), &f->fault);
    pull.sha256 = "AB"; /* the same file by digest, wherever it is said to be */
    pull.reference.url = (char *)"http://127.0.0.1:1/mirror.gguf";
    assert_ok(models_pull(f->folder, &pull, &f->arena, &path, &f->fault), &f->fault);
    pull.sha256 = "cd";
    assert_status(models_pull(f->folder, &pull, &f->arena, &path, &f->fault), STATUS_CONFLICT);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_folder_that_is_not_there_is_empty),
        CASE(chat_models_come_before_embeddings_and_damage),
        CASE(the_preferred_model_is_the_default),
        CASE(without_a_chat_model_there_is_no_default),
        CASE(models_are_found_by_name_and_path),
        CASE(slips_in_names_are_understood),
        CASE(removal_stays_inside_the_folder),
        CASE(where_a_model_came_from_is_read_with_suspicion),
        CASE(a_pull_never_replaces_another_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tokenizer_memory_test.c - memory runs out at each allocation in turn: every call says so and
 * nothing breaks. (Where a sanitizer owns the allocator the same calls run without failures, for
 * leaks.) */
#include "base/test_support.h"
#include "model/tokenizer/tokenizer_testing.h"

static long allocations_left = -1; /* -1: as many as wished */
static long blocks_live;

#ifndef SANITIZED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static bool is_refused(void)
{
    if (allocations_left < 0) return false;
    if (allocations_left == 0) return true;
    allocations_left--;
    return false;
}

void *malloc(size_t size)
{
    void *block = is_refused() ? NULL : __libc_malloc(size);
    blocks_live += block != NULL;
    return block;
}

void *calloc(size_t count, size_t size)
{
    void *block = is_refused() ? NULL : __libc_calloc(count, size);
    blocks_live += block != NULL;
    return block;
}

void *realloc(void *old, size_t size)
{
    void *block = is_refused() ? NULL : __libc_realloc(old, size);
    blocks_live += block != NULL && old == NULL;
    return block;
}

void free(void *block)
{
    blocks_live -= block != NULL;
    __libc_free(block);
}
#endif

/* Open, encode, decode, stream; the first failure ends it. */
static enum status use_tokenizer(struct text json, struct fault *fault)
{
    struct tokenizer *tokenizer = NULL;
    struct token_list ids = {0};
    struct buffer decoded, streamed;
    struct detokenizer detokenizer;
    struct text t =
        TEXT("abc ab\u00E9 12  <s>a\u0301, b. abababababababababababababababababababab");
    buffer_init(&decoded);
    buffer_init(&streamed);
    enum status status = tokenizer_from_json(&tokenizer, json, TEXT(""), fault);
    if (status != OK) return status;
    detokenizer_init(&detokenizer, tokenizer);
    TRY_DONE(tokenizer_encode(tokenizer, t, TOKENIZE_ADD_SPECIAL, &ids, fault));
    TRY_DONE(tokenizer_encode(tokenizer, t, TOKENIZE_PARSE_SPECIAL, &ids, fault));
    TRY_DONE(tokenizer_decode(tokenizer, ids.ids, ids.count, true, &decoded, fault));
    for (size_t i = 0; i < ids.count; i++) detokenizer_add(&detokenizer, ids.ids[i], &streamed);
    detokenizer_finish(&detokenizer, &streamed);
    status = buffer_status(&streamed, fault);
done:
    detokenizer_deinit(&detokenizer);
    buffer_deinit(&decoded);
    buffer_deinit(&streamed);
    token_list_deinit(&ids);
    tokenizer_free(tokenizer);
    return status;
}

static void exhaust(const char *name, struct text json)
{
    for (long allowed = 0;; allowed++) {
        struct fault fault = {0};
        long live_before = blocks_live;
        allocations_left = allowed;
        enum status status = use_tokenizer(json, &fault);
        bool ran_out = allocations_left == 0;
        allocations_left = -1;
        if (blocks_live != live_before) fail_msg("%s, after %ld allocations: leak", name, allowed);
        if (status == OK && !ran_out) break;
        /* What is only kept for speed may be left out: then all is well. And to Jansson a string
         * that it has no memory for is a syntax error. */
        bool is_jansson = status == STATUS_CORRUPT && strstr(fault.message, "tokenizer.json: ");
        if (status != OK && status != STATUS_NO_MEMORY && !is_jansson)
            fail_msg("%s, after %ld allocations: %s: %s", name, allowed, status_name(status),
                     fault.message);
#ifdef SANITIZED
        break;
#endif
    }
}

static void each_allocation_may_fail(void **state)
{
    json_t *schemes = testing_read_golden("schemes.json");
    for (size_t i = 0; i < json_array_size(schemes); i++) {
        const json_t *scheme = json_array_get(schemes, i);
        const char *name = json_string_value(json_object_get(scheme, "name"));
        char *json = json_dumps(json_object_get(scheme, "tokenizer"), 0);
        exhaust(name, text_of(json));
        free(json);
    }
    json_decref(schemes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

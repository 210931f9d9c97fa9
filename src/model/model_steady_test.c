/* model_steady_test.c - while a model reads and writes, nothing is allocated and no mutex is taken,
 * on any thread: a step's time depends on the arithmetic alone. */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "base/test_support.h"
#include "model/file/synth.h"
#include "model/model_private.h"
#include "model/model_test_support.h"

enum { PROMPT = 40, STEPS = 20, SEQUENCES = 3, LENGTH = PROMPT + STEPS };

/* ---- what is counted ---- */

static atomic_bool watching;
static atomic_int allocations, locks;

#ifndef SANITIZED /* which own the allocator */
static void count(atomic_int *what)
{
    if (atomic_load(&watching)) atomic_fetch_add(what, 1);
}

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t size)
{
    count(&allocations);
    return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    count(&allocations);
    return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    count(&allocations);
    return __libc_realloc(ptr, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count(&allocations);
    return __libc_memalign(alignment, size);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static int (*_Atomic next)(pthread_mutex_t *);
    if (!next) next = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
    count(&locks);
    return next(mutex);
}
#endif

/* ---- the tests ---- */

static void forward(struct model *model, const struct private_sequence *sequences, size_t n,
                    size_t position, size_t tokens, float *logits)
{
    int32_t token[SEQUENCES * PROMPT], positions[SEQUENCES * PROMPT];
    void *const *pages[SEQUENCES * PROMPT];
    uint8_t wanted[SEQUENCES * PROMPT];
    size_t rows = 0;
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < tokens; i++, rows++) {
            token[rows] = (int32_t)((7 * position + 31 * i + s) % 1000);
            positions[rows] = (int32_t)(position + i);
            pages[rows] = sequences[s].pages;
            wanted[rows] = i + 1 == tokens;
        }
    const struct model_batch batch = {.count = rows,
                                      .tokens = token,
                                      .positions = positions,
                                      .pages = pages,
                                      .wants_logits = wanted};
    struct fault fault = {0};
    assert_int_equal(model_forward(model, &batch, logits, &fault), OK);
}

static void steps_neither_allocate_nor_lock(void **state)
{
    static const char *const shapes[] = {"tiny-llama",  "tiny-qwen2",  "tiny-qwen3",
                                         "tiny-gemma2", "tiny-gemma3", "tiny-phi3"};
    struct compute *compute = test_compute(2);
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
        char path[] = "/tmp/liminal-steady-XXXXXX";
        int file = mkstemp(path);
        assert_true(file >= 0);
        close(file);
        struct fault fault = {0};
        if (synth_model(shapes[i], "Q4_0", path, NULL, &fault) != OK) fail_msg("%s", fault.message);
        struct model *model = test_model_at(compute, path);
        unlink(path);
        struct private_sequence sequences[SEQUENCES];
        for (size_t s = 0; s < SEQUENCES; s++)
            assert_int_equal(private_sequence_init(&sequences[s], model, LENGTH, &fault), OK);
        float *logits = calloc((size_t)SEQUENCES * model_info(model)->vocabulary, sizeof *logits);
        assert_non_null(logits);

        atomic_store(&watching, true);
        forward(model, sequences, SEQUENCES, 0, PROMPT, logits);
        for (size_t step = 0; step < STEPS; step++)
            forward(model, sequences, 1 + step % SEQUENCES, PROMPT + step, 1, logits);
        atomic_store(&watching, false);
        assert_int_equal(atomic_load(&allocations), 0);
        assert_int_equal(atomic_load(&locks), 0);

        free(logits);
        for (size_t s = 0; s < SEQUENCES; s++) private_sequence_deinit(&sequences[s]);
        model_close(model);
    }
    compute_close(compute);
}

#ifndef SANITIZED
static void what_is_watched_for_is_seen(void **state)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    atomic_store(&watching, true);
    void *volatile memory = malloc(1);
    pthread_mutex_lock(&mutex);
    atomic_store(&watching, false);
    pthread_mutex_unlock(&mutex);
    free(memory);
    assert_int_equal(atomic_exchange(&allocations, 0), 1);
    assert_int_equal(atomic_exchange(&locks, 0), 1);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef SANITIZED
        cmocka_unit_test(what_is_watched_for_is_seen),
#endif
        cmocka_unit_test(steps_neither_allocate_nor_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

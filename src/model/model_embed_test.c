/* model_embed_test.c - MiniLM's vectors point where @lat.md/embed's do
 * (tests/oracle/embeddings.mjs), and what cannot be embedded is refused. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "model/model.h"
#include "model/model_test_support.h"
#include "model/tokenizer/tokenizer.h"

struct fixture {
    struct compute *compute;
    struct model *model;
};

static int open_model(void **state)
{
    static struct fixture fixture;
    *state = &fixture;
    fixture.compute = test_compute(2);
    fixture.model = test_model(fixture.compute, "minilm.gguf");
    return 0;
}

static int close_model(void **state)
{
    struct fixture *fixture = *state;
    model_close(fixture->model);
    compute_close(fixture->compute);
    return 0;
}

static void embed_text(struct model *model, struct text t, float *vector)
{
    struct token_list tokens = {0};
    struct fault fault = {0};
    enum status status =
        tokenizer_encode(model_tokenizer(model), t, TOKENIZE_ADD_SPECIAL, &tokens, &fault);
    if (status == OK) status = model_embed(model, tokens.ids, tokens.count, vector, &fault);
    token_list_deinit(&tokens);
    if (status != OK) fail_msg("%s", fault.message);
}

static double cosine(const float *ours, const json_t *theirs, size_t width)
{
    double product = 0, our_square = 0, their_square = 0;
    for (size_t i = 0; i < width; i++) {
        double a = ours[i], b = json_number_value(json_array_get(theirs, i));
        product += a * b;
        our_square += a * a;
        their_square += b * b;
    }
    return product / sqrt(our_square * their_square);
}

static void vectors_equal_the_oracles(void **state)
{
    const struct fixture *fixture = *state;
    json_t *golden =
        json_load_file(LIMINAL_SOURCE_DIR "/tests/vectors/embeddings/minilm.json", 0, NULL);
    const json_t *cases = json_object_get(golden, "cases");
    assert_int_equal(json_array_size(cases), 50);
    uint32_t width = model_info(fixture->model)->width;
    assert_int_equal(width, 384);
    double worst = 1;
    size_t i;
    const json_t *item;
    json_array_foreach(cases, i, item)
    {
        const json_t *t = json_object_get(item, "text");
        struct text input = {json_string_value(t), json_string_length(t)};
        float vector[384];
        embed_text(fixture->model, input, vector);
        double square = 0;
        for (uint32_t j = 0; j < width; j++) square += (double)vector[j] * vector[j];
        assert_true(fabs(square - 1) < 1e-5);
        double c = cosine(vector, json_object_get(item, "vector"), width);
        if (!(c > 0.999)) fail_msg("cosine %.5f for \"%s\"", c, input.data);
        if (c < worst) worst = c;
    }
    print_message("worst cosine of %zu: %.6f\n", i, worst);
    json_decref(golden);
}

/* Texts of all lengths, in an order that fills some passes and not others. */
static void embed_together(struct model *model, size_t count, size_t longest)
{
    size_t width = model_info(model)->width;
    uint32_t vocabulary = model_info(model)->vocabulary;
    struct embedding_text *texts = calloc(count, sizeof *texts);
    int32_t *tokens = calloc(count * longest, sizeof *tokens);
    float *vectors = calloc(2 * count * width, sizeof *vectors);
    assert_true(texts && tokens && vectors);
    struct fault fault = {0};
    srand(1);
    for (size_t i = 0; i < count; i++) {
        size_t length = i == 3 ? longest : 1 + (size_t)rand() % (i % 5 ? longest / 16 : longest);
        int32_t *own = tokens + i * longest;
        for (size_t j = 0; j < length; j++) own[j] = (int32_t)((uint32_t)rand() % vocabulary);
        texts[i] = (struct embedding_text){own, length, vectors + i * width};
        assert_int_equal(model_embed(model, own, length, vectors + (count + i) * width, &fault),
                         OK);
    }
    assert_int_equal(model_embed_texts(model, texts, count, &fault), OK);
    assert_memory_equal(vectors, vectors + count * width, count * width * sizeof *vectors);
    free(texts);
    free(tokens);
    free(vectors);
}

static void texts_together_have_the_vectors_of_each_alone(void **state)
{
    const struct fixture *fixture = *state;
    embed_together(fixture->model, 60, 512);
    embed_together(fixture->model, 150, 16); /* more texts than pages */
    struct model *decoder = test_model(fixture->compute, "stories15m.gguf");
    embed_together(decoder, 40, 256);
    model_close(decoder);
}

static void a_text_that_does_not_fit_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    const struct model_info *info = model_info(fixture->model);
    assert_true(info->is_embedding);
    assert_true(model_batch_limit(fixture->model) >= info->context_length);
    float vector[384];
    struct fault fault = {0};
    size_t count = info->context_length + 1;
    int32_t *tokens = calloc(count, sizeof *tokens);
    assert_non_null(tokens);
    assert_int_equal(model_embed(fixture->model, tokens, count, vector, &fault), STATUS_TOO_LARGE);
    assert_non_null(strstr(fault.message, "at most 512"));
    assert_int_equal(model_embed(fixture->model, tokens, count - 1, vector, &fault), OK);
    assert_int_equal(model_embed(fixture->model, tokens, 0, vector, &fault), STATUS_INVALID);
    tokens[0] = -1;
    assert_int_equal(model_embed(fixture->model, tokens, 1, vector, &fault), STATUS_INVALID);
    tokens[0] = (int32_t)info->vocabulary;
    assert_int_equal(model_embed(fixture->model, tokens, 1, vector, &fault), STATUS_INVALID);
    free(tokens);
}

static void an_encoder_writes_no_text(void **state)
{
    const struct fixture *fixture = *state;
    const struct model_batch batch = {0};
    struct fault fault = {0};
    assert_int_equal(model_forward(fixture->model, &batch, NULL, &fault), STATUS_UNSUPPORTED);
    assert_non_null(strstr(fault.message, "embedding model"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_equal_the_oracles),
        cmocka_unit_test(texts_together_have_the_vectors_of_each_alone),
        cmocka_unit_test(a_text_that_does_not_fit_is_refused),
        cmocka_unit_test(an_encoder_writes_no_text),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}

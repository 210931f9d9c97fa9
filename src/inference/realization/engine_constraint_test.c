/* engine_constraint_test.c - constrained answers: whatever the model would say and whoever shares
 * its steps, what is said fits the grammar, and drafts and parking change nothing of it. */
#include "inference/grammar/constraint.h"
#include "inference/realization/engine_test_support.h"

/* A constraint by its GBNF. */
static struct constraint *compile(struct engine *engine, const char *source, struct grammar **copy)
{
    struct fault fault;
    struct constraint *constraint = NULL;
    for (int i = 0; i < 2; i++) {
        struct grammar *grammar;
        grammar_part root;
        assert_ok(grammar_new(&grammar, &fault), &fault);
        assert_ok(grammar_add_gbnf(grammar, text_of(source), &root, &fault), &fault);
        grammar_set_root(grammar, root);
        assert_ok(grammar_finish(grammar, &fault), &fault);
        if (i == 0)
            *copy = grammar;
        else
            assert_ok(constraint_new(&constraint, grammar, engine_token_trie(engine), &fault),
                      &fault);
    }
    return constraint;
}

static struct matcher *follow(struct constraint *constraint)
{
    struct matcher *matcher;
    struct fault fault;
    assert_ok(matcher_new(&matcher, constraint, &fault), &fault);
    return matcher;
}

static struct told *start_constrained(struct engine *engine, const struct ask *ask,
                                      struct constraint *constraint, const struct logit_bias *bias)
{
    struct token_list prompt;
    struct generation_request request = request_for(engine, ask, told_new(), &prompt);
    request.ignore_end = false;
    request.matcher = follow(constraint);
    request.sampling.biases = bias;
    request.sampling.bias_count = bias ? 1 : 0;
    struct told *told = start_request(engine, &request);
    token_list_deinit(&prompt);
    return told;
}

static struct told *answer_constrained(struct engine *engine, const struct ask *ask,
                                       struct constraint *constraint)
{
    struct told *told = start_constrained(engine, ask, constraint, NULL);
    told_wait(told, SIZE_MAX);
    return told;
}

static const char LIST[] =
    "root ::= \"[\" item (\", \" item){2,5} \"]\"\n"
    "item ::= \"\\\"\" [a-z]{1,6} \"\\\"\" | [1-9] [0-9]{0,3}\n";

static void what_is_said_fits(void **state)
{
    struct engine *engine = open_default();
    struct grammar *grammar;
    struct constraint *constraint = compile(engine, LIST, &grammar);
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct ask ask = {BEGINNINGS[seed % 4], 150, seed % 3 ? 1.5f : 0, seed, NULL, 0};
        struct told *told = answer_constrained(engine, &ask, constraint);
        assert_int_equal(told->end, END_STOP); /* nothing may follow, so nothing is asked */
        if (!grammar_matches(grammar, buffer_text(&told->text))) fail_msg("%s", told->text.data);
        told_free(told);
    }
    constraint_release(constraint);
    grammar_free(grammar);
    engine_close(engine);
}

static void no_bias_says_what_is_forbidden(void **state)
{
    struct engine *engine = open_default();
    struct grammar *grammar;
    struct constraint *constraint = compile(engine, "root ::= \"no\" | \"yes\"\n", &grammar);
    struct ask ask = {BEGINNINGS[0], 20, 0, 0, NULL, 0};
    struct told *free_told = answer(engine, &ask);
    struct logit_bias bias = {free_told->tokens[0], 100};
    struct told *told = start_constrained(engine, &ask, constraint, &bias);
    told_wait(told, SIZE_MAX);
    assert_true(grammar_matches(grammar, buffer_text(&told->text)));
    told_free(told);
    told_free(free_told);
    constraint_release(constraint);
    grammar_free(grammar);
    engine_close(engine);
}

enum { CROWD = 12 };

static void answer_crowd(struct engine *engine, struct constraint *constraint,
                         struct told *told[CROWD])
{
    struct told *hold = engine_hold(engine); /* all of them at once */
    for (int i = 0; i < CROWD; i++) {
        struct ask ask = nth_ask(i);
        ask.max_tokens = 60;
        if (i % 4 == 3)
            told[i] = start(engine, &ask); /* some are free */
        else
            told[i] = start_constrained(engine, &ask, constraint, NULL);
    }
    engine_release(hold);
    for (int i = 0; i < CROWD; i++) told_wait(told[i], SIZE_MAX);
}

/* Alone, in a crowd, with and without drafts, and with so few pages that sequences are parked. */
static void company_and_drafts_change_nothing(void **state)
{
    static const struct engine_options OPTIONS[] = {
        {.speculation = SPECULATION_OFF, .sequences = 1},
        {.speculation = SPECULATION_OFF},
        {.speculation = SPECULATION_ALWAYS, .audit = true},
        {.speculation = SPECULATION_ALWAYS, .prefill_chunk = 3, .sequences = 5, .audit = true},
        {.speculation = SPECULATION_ALWAYS, .context_length = 80, .audit = true},
    };
    struct told *expected[CROWD] = {NULL};
    for (size_t o = 0; o < ARRAY_COUNT(OPTIONS); o++) {
        struct engine_options options = OPTIONS[o];
        struct engine *engine = open_engine(&options);
        if (options.context_length) { /* now that a page's size is known */
            options.kv_budget_bytes = 16 * (engine_model(engine)->kv_page_bytes + 64);
            engine_close(engine);
            engine = open_engine(&options);
        }
        struct grammar *grammar;
        struct constraint *constraint = compile(engine, LIST, &grammar);
        struct told *told[CROWD];
        answer_crowd(engine, constraint, told);
        if (options.context_length) assert_true(counters_of(engine).preempted > 0);
        for (int i = 0; i < CROWD; i++) {
            if (expected[i]) {
                expect_same(expected[i], told[i]);
                told_free(told[i]);
            } else {
                expected[i] = told[i];
            }
        }
        constraint_release(constraint);
        grammar_free(grammar);
        engine_close(engine);
    }
    for (int i = 0; i < CROWD; i++) told_free(expected[i]);
}

/* A grammar may want what no token of the vocabulary says. */
static void a_dead_end_is_a_fault(void **state)
{
    struct engine *engine = open_default();
    struct grammar *grammar;
    struct constraint *constraint = compile(engine, "root ::= \"a\" [\\x00-\\x01]\n", &grammar);
    struct ask ask = {BEGINNINGS[0], 20, 0, 0, NULL, 0};
    struct told *told = answer_constrained(engine, &ask, constraint);
    if (told->end == END_ERROR)
        assert_true(strlen(told->fault.message) > 20);
    else
        assert_true(grammar_matches(grammar, buffer_text(&told->text)));
    told_free(told);
    constraint_release(constraint);
    grammar_free(grammar);
    engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_fits),
        cmocka_unit_test(no_bias_says_what_is_forbidden),
        cmocka_unit_test(company_and_drafts_change_nothing),
        cmocka_unit_test(a_dead_end_is_a_fault),
    };
    return cmocka_run_group_tests(tests, open_compute, close_compute);
}

/* tokenizer_parts_test.c - the parts of a tokenizer one by one: merging, cutting, normal forms,
 * added tokens, the byte alphabet, the vocabulary, the unigram model. */
#include "model/tokenizer/tokenizer_testing.h"

#include <string.h>

#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/merges.h"
#include "model/tokenizer/pattern.h"
#include "model/tokenizer/pretokenizer_family.h"
#include "model/tokenizer/unicode.h"
#include "model/tokenizer/unigram.h"

/* ---- merges ---- */

/* The rule itself, as slow as it is plain. */
static size_t merge_plainly(const struct merge_table *table, uint32_t *ids, size_t count)
{
    for (;;) {
        const struct merge *best = NULL;
        size_t at = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            const struct merge *merge = merge_table_find(table, ids[i], ids[i + 1]);
            if (!merge || (best && best->rank <= merge->rank)) continue;
            best = merge;
            at = i;
        }
        if (!best) return count;
        ids[at] = best->result;
        memmove(ids + at + 1, ids + at + 2, (count - at - 2) * sizeof *ids);
        count--;
    }
}

static void merging_follows_the_rule(void **state)
{
    enum { SYMBOLS = 6, LONGEST = 120 };
    uint64_t random = 3;
    struct merge_work work = {0};
    for (size_t round = 0; round < 3000; round++) {
        struct merge_table table = {0};
        uint32_t ids[LONGEST], symbols = SYMBOLS;
        size_t count = testing_random(&random) % LONGEST, merged = count;
        for (uint32_t i = 0; i < 24; i++) {
            struct merge merge = {testing_random(&random) % symbols,
                                  testing_random(&random) % symbols, testing_random(&random) % 16,
                                  symbols};
            symbols++;
            assert_int_equal(merge_table_add(&table, merge, NULL), OK);
        }
        assert_int_equal(merge_work_reserve(&work, count, NULL), OK);
        for (uint32_t i = 0; i < count; i++) {
            ids[i] = testing_random(&random) % SYMBOLS;
            work.symbols[i] = (struct symbol){ids[i], i};
        }
        assert_int_equal(merge_symbols(&table, &work, &merged, NULL), OK);
        assert_int_equal(merged, merge_plainly(&table, ids, count));
        for (size_t i = 0; i < merged; i++) assert_int_equal(work.symbols[i].id, ids[i]);
        for (size_t i = 1; i < merged; i++)
            assert_true(work.symbols[i].start > work.symbols[i - 1].start);
        merge_table_deinit(&table);
    }
    merge_work_deinit(&work);
}

/* ---- cutting ---- */

static enum status append_piece(void *context, struct text piece)
{
    buffer_append_char(context, '[');
    buffer_append_text(context, piece);
    buffer_append_char(context, ']');
    return OK;
}

static void expect_pieces(const char *pattern, bool is_literal, enum split_behavior behavior,
                          bool invert, const char *t, const char *expected)
{
    struct splitter splitter;
    struct splitter_work work = {0};
    struct buffer out;
    struct fault fault = {0};
    buffer_init(&out);
    if (splitter_open(&splitter, text_of(pattern), is_literal, behavior, invert, &fault) != OK)
        fail_msg("%s", fault.message);
    assert_int_equal(splitter_run(&splitter, text_of(t), &work, append_piece, &out, NULL), OK);
    assert_string_equal(out.data ? out.data : "", expected);
    splitter_close(&splitter);
    splitter_work_deinit(&work);
    buffer_deinit(&out);
}

/* The cases of Hugging Face's own documentation of the five behaviours. */
static void five_ways_to_split(void **state)
{
    const char *t = "the-final--countdown";
    expect_pieces("-", true, SPLIT_REMOVED, false, t, "[the][final][countdown]");
    expect_pieces("-", true, SPLIT_ISOLATED, false, t, "[the][-][final][-][-][countdown]");
    expect_pieces("-", true, SPLIT_MERGED_WITH_PREVIOUS, false, t, "[the-][final-][-][countdown]");
    expect_pieces("-", true, SPLIT_MERGED_WITH_NEXT, false, t, "[the][-final][-][-countdown]");
    expect_pieces("-", true, SPLIT_CONTIGUOUS, false, t, "[the][-][final][--][countdown]");
    expect_pieces("[a-z]+", false, SPLIT_REMOVED, true, "ab12cd", "[ab][cd]");
    expect_pieces("x*", false, SPLIT_ISOLATED, false, "abxxäx", "[ab][xx][ä][x]");
    expect_pieces("-", true, SPLIT_REMOVED, false, "", "");
    expect_pieces("-", true, SPLIT_REMOVED, false, "---", "");
    expect_pieces("-", true, SPLIT_MERGED_WITH_NEXT, false, "--", "[-][-]");
}

/* Oniguruma's meaning where PCRE2's differs. */
static void patterns_mean_what_they_mean_to_oniguruma(void **state)
{
    expect_pieces("\\s", false, SPLIT_REMOVED, false,
                  "a\xC2\x85"
                  "b\u180Ec\u2003d",
                  "[a][b\u180Ec][d]");
    expect_pieces("[^\\S]", false, SPLIT_REMOVED, false, "a\u180Eb c", "[a\u180Eb][c]");
    expect_pieces("\\S+", false, SPLIT_ISOLATED, false, "a\u180Eb c", "[a\u180Eb][ ][c]");
    expect_pieces("\\w+", false, SPLIT_ISOLATED, false, "e\u0301.x", "[e\u0301][.][x]");
    expect_pieces("\\W", false, SPLIT_ISOLATED, false, "e\u0301.x", "[e\u0301][.][x]");
    expect_pieces("(?i:'s)", false, SPLIT_ISOLATED, false, "a'S'\u017F", "[a]['S]['\u017F]");
    expect_pieces("^b", false, SPLIT_ISOLATED, false, "a\nb", "[a\n][b]");
}

static void foreign_constructs_are_refused(void **state)
{
    static const char *const patterns[] = {
        "[a[b]]", "[a&&b]", "a{1,3}+", "\\h",   "\\R",     "\\K", "\\X", "\\b",
        "(a)\\1", "[\\W]",  "\\",      "\\p{L", "\\Qa\\E", "(",   "[a",  "\\p{Nonsense}"};
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        struct splitter splitter;
        struct fault fault = {0};
        assert_int_equal(
            splitter_open(&splitter, text_of(patterns[i]), false, SPLIT_ISOLATED, false, &fault),
            STATUS_UNSUPPORTED);
        assert_true(strstr(fault.message, "regular expression") != NULL);
    }
}

static void backtracking_is_bounded(void **state)
{
    static const char *const patterns[] = {"(a+)+$", "(a|a)*b", "(?:a|aa)+c"};
    struct splitter_work work = {0};
    char t[4096];
    memset(t, 'a', sizeof t);
    t[sizeof t - 1] = '!';
    for (size_t i = 0; i < ARRAY_COUNT(patterns); i++) {
        struct splitter splitter;
        struct fault fault = {0};
        size_t start, end;
        assert_int_equal(
            splitter_open(&splitter, text_of(patterns[i]), false, SPLIT_ISOLATED, false, NULL), OK);
        enum status status =
            splitter_find(&splitter, (struct text){t, sizeof t}, 0, &work, &start, &end, &fault);
        /* PCRE2 sees through some of them; none may run for ever. */
        assert_true(status == OK || status == STATUS_TOO_LARGE);
        splitter_close(&splitter);
    }
    splitter_work_deinit(&work);
}

static void families_compile_and_strangers_are_named(void **state)
{
    static const char *const names[] = {"",       "default", "gpt-2",  "llama-bpe", "qwen2",
                                        "smollm", "falcon",  "gpt-4o", "tekken",    "roberta-bpe"};
    const struct pretokenizer_family *family;
    struct fault fault = {0};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        assert_int_equal(pretokenizer_family_find(text_of(names[i]), &family, NULL), OK);
        for (size_t k = 0; k < ARRAY_COUNT(family->patterns) && family->patterns[k]; k++) {
            struct splitter splitter;
            assert_int_equal(splitter_open(&splitter, text_of(family->patterns[k]), false,
                                           SPLIT_ISOLATED, false, NULL),
                             OK);
            splitter_close(&splitter);
        }
    }
    assert_int_equal(pretokenizer_family_find(TEXT("gpt"), &family, &fault), STATUS_UNSUPPORTED);
    assert_non_null(strstr(fault.message, "\"gpt\""));
    assert_non_null(strstr(fault.message, "llama-bpe"));
}

/* ---- normal forms ---- */

static void expect_form(const char *t, enum normal_form form, const char *expected)
{
    struct codepoints work = {0};
    struct buffer out;
    buffer_init(&out);
    assert_int_equal(unicode_normalize(text_of(t), form, &work, &out, NULL), OK);
    assert_string_equal(out.data ? out.data : "", expected);
    buffer_deinit(&out);
    codepoints_deinit(&work);
}

/* Cases of the Unicode Standard and its Annex 15. */
static void normal_forms(void **state)
{
    expect_form("", NORMAL_FORM_C, "");
    expect_form("e\u0301", NORMAL_FORM_C, "\u00E9");
    expect_form("\u1E0B\u0323", NORMAL_FORM_C, "\u1E0D\u0307");
    expect_form("q\u0307\u0323", NORMAL_FORM_C, "q\u0323\u0307");
    expect_form("\u212B\u2126", NORMAL_FORM_C, "\u00C5\u03A9");
    expect_form("\u0958", NORMAL_FORM_C, "\u0915\u093C"); /* excluded from composition */
    expect_form("\u1112\u1161\u11AB", NORMAL_FORM_C, "\uD55C");
    expect_form("\uD558\u11AB", NORMAL_FORM_C, "\uD55C");
    expect_form("\uD55C", NORMAL_FORM_D, "\u1112\u1161\u11AB");
    expect_form(
        "a\u0300\u0315\u05AE"
        "b",
        NORMAL_FORM_C, "\u00E0\u05AE\u0315b");
    expect_form("\u09C7\u09BE", NORMAL_FORM_C, "\u09CB"); /* two starters compose */
    expect_form("\u1E9B\u0323", NORMAL_FORM_D, "\u017F\u0323\u0307");
    expect_form("\U0001D15E", NORMAL_FORM_C, "\U0001D157\U0001D165");
    expect_form("\u0344", NORMAL_FORM_C, "\u0308\u0301");
    expect_form(
        "\xFF"
        "e\u0301\xC3",
        NORMAL_FORM_C, "\xFF\u00E9\xC3");
}

static void normal_forms_are_stable(void **state)
{
    uint64_t random = 4;
    struct codepoints work = {0};
    struct buffer in, c, d, again;
    buffer_init(&in);
    buffer_init(&c);
    buffer_init(&d);
    buffer_init(&again);
    for (size_t round = 0; round < 2000; round++) {
        buffer_clear(&in), buffer_clear(&c), buffer_clear(&d), buffer_clear(&again);
        for (size_t i = testing_random(&random) % 60; i > 0; i--) {
            static const uint32_t blocks[] = {0x41, 0xC0, 0x300, 0x900, 0x1100, 0x1E00, 0xAC00};
            unicode_append(blocks[testing_random(&random) % ARRAY_COUNT(blocks)] +
                               testing_random(&random) % 0x70,
                           &in);
        }
        assert_int_equal(unicode_normalize(buffer_text(&in), NORMAL_FORM_C, &work, &c, NULL), OK);
        assert_int_equal(unicode_normalize(buffer_text(&in), NORMAL_FORM_D, &work, &d, NULL), OK);
        assert_int_equal(unicode_normalize(buffer_text(&d), NORMAL_FORM_C, &work, &again, NULL),
                         OK);
        assert_true(text_equal(buffer_text(&c), buffer_text(&again)));
        buffer_clear(&again);
        assert_int_equal(unicode_normalize(buffer_text(&c), NORMAL_FORM_D, &work, &again, NULL),
                         OK);
        assert_true(text_equal(buffer_text(&d), buffer_text(&again)));
    }
    buffer_deinit(&in);
    buffer_deinit(&c);
    buffer_deinit(&d);
    buffer_deinit(&again);
    codepoints_deinit(&work);
}

static void properties(void **state)
{
    assert_true(unicode_is_space(' ') && unicode_is_space(0x3000) && unicode_is_space(0x85));
    assert_false(unicode_is_space(0x200B) || unicode_is_space(0x180E) || unicode_is_space('x'));
    assert_true(unicode_is_nonspacing_mark(0x301) && unicode_is_mark(0x903));
    assert_false(unicode_is_nonspacing_mark(0x903) || unicode_is_mark('a'));
    assert_true(unicode_is_control(0) && unicode_is_control(0x200D) && unicode_is_control(0xE000));
    assert_false(unicode_is_control('a') || unicode_is_control(0x378)); /* unassigned */
    assert_int_equal(unicode_space_prefix(TEXT(" \u3000\tx ")), 5);
    assert_int_equal(unicode_space_suffix(TEXT("x \u3000\t")), 5);
    assert_int_equal(unicode_valid_prefix(TEXT("12345678\u00E9\xC3")), 10);
}

/* ---- added tokens ---- */

static void added_tokens(void **state)
{
    static const struct {
        const char *text;
        struct added_token token;
    } list[] = {
        {"<a>", {.id = 1, .is_special = true}},
        {"<a><b>", {.id = 2}},
        {"<m>", {.id = 3, .strip_left = true}},
        {"<r>", {.id = 4, .strip_right = true}},
        {"a><", {.id = 5}},
        {"", {.id = 6}},
    };
    struct arena memory;
    struct added_tokens added;
    struct added_match match;
    arena_init(&memory, 0);
    assert_int_equal(added_tokens_init(&added, 6, 64, &memory, NULL), OK);
    for (size_t i = 0; i < ARRAY_COUNT(list); i++)
        added_tokens_add(&added, text_of(list[i].text), list[i].token);

    assert_true(added_tokens_find(&added, TEXT("x<a><b>"), 0, true, &match));
    assert_true(match.id == 2 && match.start == 1 && match.end == 7); /* the longest */
    assert_true(added_tokens_find(&added, TEXT("<a><c"), 0, true, &match));
    assert_true(match.id == 1 && match.end == 3); /* the leftmost, though a>< is there as well */
    assert_true(added_tokens_find(&added, TEXT("<a><c"), 0, false, &match));
    assert_true(match.id == 5 && match.start == 1); /* special ones are text here */
    assert_true(added_tokens_find(&added, TEXT("a \t<m> b"), 0, true, &match));
    assert_true(match.id == 3 && match.start == 1 && match.end == 6);
    assert_true(added_tokens_find(&added, TEXT("a <r> \n b"), 0, true, &match));
    assert_true(match.id == 4 && match.start == 2 && match.end == 8);
    assert_true(added_tokens_find(&added, TEXT("  <m>"), 1, true, &match));
    assert_int_equal(match.start, 1); /* never back into what was encoded */
    assert_false(added_tokens_find(&added, TEXT("<a"), 0, true, &match));
    assert_false(added_tokens_find(&added, TEXT(""), 0, true, &match));
    arena_deinit(&memory);
}

/* ---- bytes and vocabulary ---- */

static void the_byte_alphabet_is_a_bijection(void **state)
{
    struct buffer out;
    char letter[4];
    buffer_init(&out);
    for (unsigned byte = 0; byte < 256; byte++) {
        size_t length = byte_alphabet_letter((unsigned char)byte, letter);
        buffer_clear(&out);
        assert_true(byte_alphabet_decode((struct text){letter, length}, &out));
        assert_true(out.length == 1 && (unsigned char)out.data[0] == byte);
    }
    assert_int_equal(byte_alphabet_letter(' ', letter), 2);
    assert_memory_equal(letter, "Ġ", 2);
    assert_memory_equal((byte_alphabet_letter('\n', letter), letter), "Ċ", 2);
    buffer_clear(&out);
    assert_false(byte_alphabet_decode(TEXT("a漢"), &out));
    assert_int_equal(out.length, 0);
    buffer_deinit(&out);
}

static void vocabularies(void **state)
{
    struct arena memory;
    struct vocabulary vocabulary;
    struct fault fault = {0};
    char text[2000] = {0};
    arena_init(&memory, 0);
    assert_int_equal(vocabulary_init(&vocabulary, 0, &memory, NULL), STATUS_CORRUPT);
    assert_int_equal(vocabulary_init(&vocabulary, VOCABULARY_LIMIT + 1, &memory, NULL),
                     STATUS_TOO_LARGE);
    assert_int_equal(vocabulary_init(&vocabulary, 6, &memory, NULL), OK);
    const char *const texts[] = {"a", "b", "a", ""};
    for (uint32_t id = 0; id < ARRAY_COUNT(texts); id++)
        assert_int_equal(
            vocabulary_set(&vocabulary, id, text_of(texts[id]), TOKEN_NORMAL, &memory, NULL), OK);
    assert_int_equal(vocabulary_set(&vocabulary, 6, TEXT("x"), TOKEN_NORMAL, &memory, &fault),
                     STATUS_CORRUPT);
    assert_int_equal(vocabulary_set(&vocabulary, 4, TEXT("x"), 9, &memory, &fault), STATUS_CORRUPT);
    assert_int_equal(vocabulary_set(&vocabulary, 4, (struct text){text, sizeof text}, TOKEN_NORMAL,
                                    &memory, &fault),
                     STATUS_CORRUPT);
    assert_int_equal(vocabulary_index(&vocabulary, &memory, NULL), OK);
    assert_int_equal(vocabulary_find(&vocabulary, TEXT("a")), 2); /* the last of two */
    assert_int_equal(vocabulary_find(&vocabulary, TEXT("b")), 1);
    assert_int_equal(vocabulary_find(&vocabulary, TEXT("")), -1);
    assert_int_equal(vocabulary_find(&vocabulary, TEXT("c")), -1);
    arena_deinit(&memory);
}

/* ---- unigram ---- */

static void unigram_takes_the_best_way(void **state)
{
    static const struct {
        const char *text;
        float score;
    } tokens[] = {{"<unk>", 0}, {"a", -1}, {"b", -1}, {"ab", -1.5f}, {"abc", -4}, {"bc", -1.2f}};
    struct arena memory;
    struct vocabulary vocabulary;
    struct unigram unigram;
    struct unigram_work work = {0};
    struct token_list ids = {0};
    float scores[ARRAY_COUNT(tokens)];
    arena_init(&memory, 0);
    assert_int_equal(vocabulary_init(&vocabulary, ARRAY_COUNT(tokens), &memory, NULL), OK);
    for (uint32_t id = 0; id < ARRAY_COUNT(tokens); id++) {
        scores[id] = tokens[id].score;
        assert_int_equal(vocabulary_set(&vocabulary, id, text_of(tokens[id].text),
                                        id ? TOKEN_NORMAL : TOKEN_UNKNOWN, &memory, NULL),
                         OK);
    }
    assert_int_equal(vocabulary_index(&vocabulary, &memory, NULL), OK);
    assert_int_equal(unigram_init(&unigram, &vocabulary, scores, 0, false, NULL), OK);
    /* a+bc is -2.2, abc -4, ab+? -15.5; then two unknown characters are one. */
    assert_int_equal(unigram_encode(&unigram, &vocabulary, TEXT("abc漢字ab"), &work, &ids, NULL),
                     OK);
    const int32_t expected[] = {1, 5, 0, 3};
    assert_int_equal(ids.count, ARRAY_COUNT(expected));
    assert_memory_equal(ids.ids, expected, sizeof expected);
    unigram_work_deinit(&work);
    token_list_deinit(&ids);
    arena_deinit(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merging_follows_the_rule),
        cmocka_unit_test(five_ways_to_split),
        cmocka_unit_test(patterns_mean_what_they_mean_to_oniguruma),
        cmocka_unit_test(foreign_constructs_are_refused),
        cmocka_unit_test(backtracking_is_bounded),
        cmocka_unit_test(families_compile_and_strangers_are_named),
        cmocka_unit_test(normal_forms),
        cmocka_unit_test(normal_forms_are_stable),
        cmocka_unit_test(properties),
        cmocka_unit_test(added_tokens),
        cmocka_unit_test(the_byte_alphabet_is_a_bijection),
        cmocka_unit_test(vocabularies),
        cmocka_unit_test(unigram_takes_the_best_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* splitter.c - see splitter.h. */
#include "model/tokenizer/splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "model/tokenizer/pattern.h"

enum {
    /* Backtracking of one match; honest patterns need a handful of steps per character. */
    MATCH_LIMIT = 50 * 1000 * 1000,
    STACK_START_BYTES = 32 * 1024,
    STACK_LIMIT_BYTES = 16 * 1024 * 1024,
};

void splitter_work_deinit(struct splitter_work *work)
{
    pcre2_match_data_free(work->match);
    pcre2_match_context_free(work->context);
    pcre2_jit_stack_free(work->stack);
    *work = (struct splitter_work){0};
}

static enum status work_prepare(struct splitter_work *work, struct fault *fault)
{
    if (work->stack) return OK;
    splitter_work_deinit(work);
    work->match = pcre2_match_data_create(1, NULL);
    work->context = pcre2_match_context_create(NULL);
    work->stack = pcre2_jit_stack_create(STACK_START_BYTES, STACK_LIMIT_BYTES, NULL);
    if (!work->match || !work->context || !work->stack) {
        splitter_work_deinit(work);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to match a regular expression");
    }
    pcre2_set_match_limit(work->context, MATCH_LIMIT);
    pcre2_jit_stack_assign(work->context, NULL, work->stack);
    return OK;
}

static enum status compile(void **code, struct text pattern, bool is_literal, struct fault *fault)
{
    uint32_t options =
        PCRE2_UTF |
        (is_literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C);
    int error;
    PCRE2_SIZE at;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a regular expression");
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    *code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.length, options, &error, &at, context);
    pcre2_compile_context_free(context);
    if (!*code) {
        char reason[160];
        pcre2_get_error_message(error, (PCRE2_UCHAR *)reason, sizeof reason);
        return fault_set(fault,
                         error == PCRE2_ERROR_HEAP_FAILED ? STATUS_NO_MEMORY : STATUS_UNSUPPORTED,
                         "the regular expression is not understood at byte %zu: %s", at, reason);
    }
    error = pcre2_jit_compile(*code, PCRE2_JIT_COMPLETE);
    if (error == 0 || error == PCRE2_ERROR_JIT_BADOPTION) return OK; /* no JIT on this machine */
    pcre2_code_free(*code);
    *code = NULL;
    return fault_set(fault, STATUS_NO_MEMORY, "no memory to compile a regular expression");
}

enum status splitter_open(struct splitter *splitter, struct text pattern, bool is_literal,
                          enum split_behavior behavior, bool invert, struct fault *fault)
{
    struct buffer translated;
    enum status status = OK;
    *splitter = (struct splitter){.behavior = behavior, .invert = invert};
    buffer_init(&translated);
    if (!is_literal) {
        TRY_DONE(pattern_translate(pattern, &translated, fault));
        pattern = buffer_text(&translated);
    }
    status = compile(&splitter->code, pattern, is_literal, fault);
done:
    buffer_deinit(&translated);
    return status;
}

void splitter_close(struct splitter *splitter)
{
    pcre2_code_free(splitter->code);
    splitter->code = NULL;
}

enum status splitter_find(const struct splitter *splitter, struct text t, size_t from,
                          struct splitter_work *work, size_t *start, size_t *end,
                          struct fault *fault)
{
    *start = *end = t.length;
    TRY(work_prepare(work, fault));
    /* A pattern may match nothing; the longest-looking from the next character on may not. */
    while (from < t.length) {
        int found = pcre2_match(splitter->code, (PCRE2_SPTR)t.data, t.length, from,
                                PCRE2_NO_UTF_CHECK, work->match, work->context);
        if (found == PCRE2_ERROR_NOMATCH) return OK;
        if (found < 0)
            return fault_set(fault,
                             found == PCRE2_ERROR_NOMEMORY ? STATUS_NO_MEMORY : STATUS_TOO_LARGE,
                             "the pre-tokenizer's regular expression gives up on this text "
                             "(PCRE2 error %d)",
                             found);
        const PCRE2_SIZE *span = pcre2_get_ovector_pointer(work->match);
        if (span[0] < span[1]) {
            *start = span[0];
            *end = span[1];
            return OK;
        }
        from = span[0] + 1;
        while (from < t.length && ((unsigned char)t.data[from] & 0xC0) == 0x80) from++;
    }
    return OK;
}

/* ---- pieces ---- */

/* Stretches of text become pieces: the one at hand is kept back until it is known to be whole. */
struct assembly {
    const struct splitter *splitter;
    enum status (*emit)(void *context, struct text piece);
    void *context;
    struct text pending;
    bool pending_is_match;
};

static enum status flush(struct assembly *assembly)
{
    struct text piece = assembly->pending;
    assembly->pending = (struct text){"", 0};
    return piece.length ? assembly->emit(assembly->context, piece) : OK;
}

/* Does the stretch that follows the pending one belong to it? */
static bool joins(const struct assembly *assembly, bool is_match)
{
    if (assembly->pending.length == 0) return false;
    switch (assembly->splitter->behavior) {
    case SPLIT_CONTIGUOUS: return is_match == assembly->pending_is_match;
    case SPLIT_MERGED_WITH_PREVIOUS: return is_match && !assembly->pending_is_match;
    case SPLIT_MERGED_WITH_NEXT: return !is_match && assembly->pending_is_match;
    case SPLIT_REMOVED:
    case SPLIT_ISOLATED: return false;
    }
    return false;
}

static enum status add_stretch(struct assembly *assembly, struct text stretch, bool is_match)
{
    if (stretch.length == 0) return OK;
    is_match = is_match != assembly->splitter->invert;
    enum split_behavior behavior = assembly->splitter->behavior;
    if (behavior == SPLIT_REMOVED && is_match) return OK;
    if (joins(assembly, is_match))
        assembly->pending.length += stretch.length;
    else {
        TRY(flush(assembly));
        assembly->pending = stretch;
    }
    assembly->pending_is_match = is_match;
    return OK;
}

enum status splitter_run(const struct splitter *splitter, struct text t, struct splitter_work *work,
                         enum status (*emit)(void *context, struct text piece), void *context,
                         struct fault *fault)
{
    struct assembly assembly = {splitter, emit, context, {"", 0}, false};
    for (size_t at = 0; at < t.length;) {
        size_t start, end;
        TRY(splitter_find(splitter, t, at, work, &start, &end, fault));
        TRY(add_stretch(&assembly, text_slice(t, at, start), false));
        TRY(add_stretch(&assembly, text_slice(t, start, end), true));
        at = end;
    }
    return flush(&assembly);
}

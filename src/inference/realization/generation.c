/* generation.c - see generation.h. */
#include "inference/realization/generation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/constraint.h"

/* Text of one token and of the longest tail that may be held back fits without growing. */
enum { PIECE_BYTES = 512 };

static bool copy_stops(struct generation *generation, const struct generation_request *request)
{
    size_t bytes = 0;
    for (size_t i = 0; i < request->stop_count; i++) bytes += request->stop[i].length;
    generation->stop_bytes = malloc(bytes + 1);
    if (!generation->stop_bytes) return false;
    char *at = generation->stop_bytes;
    for (size_t i = 0; i < request->stop_count; i++) {
        memcpy(at, request->stop[i].data, request->stop[i].length);
        generation->stops[i] = (struct text){at, request->stop[i].length};
        at += request->stop[i].length;
    }
    stop_matcher_init(&generation->stop_matcher, generation->stops, request->stop_count);
    return buffer_reserve(&generation->stop_matcher.held, bytes + PIECE_BYTES) &&
           buffer_reserve(&generation->detokenizer.pending, PIECE_BYTES) &&
           buffer_reserve(&generation->piece, PIECE_BYTES) &&
           buffer_reserve(&generation->shown, bytes + PIECE_BYTES);
}

static bool copy_biases(struct generation *generation, const struct sampling *sampling)
{
    if (sampling->bias_count == 0) return true;
    size_t bytes = sampling->bias_count * sizeof *generation->biases;
    generation->biases = malloc(bytes);
    if (!generation->biases) return false;
    memcpy(generation->biases, sampling->biases, bytes);
    generation->sampling.biases = generation->biases;
    return true;
}

static bool copy_prompt(struct generation *generation, const struct generation_request *request)
{
    generation->tokens = malloc((size_t)generation->limit * sizeof *generation->tokens);
    generation->pages = calloc(generation_pages_for(generation->limit), sizeof *generation->pages);
    if (!generation->tokens || !generation->pages) return false;
    memcpy(generation->tokens, request->prompt, request->prompt_count * sizeof(int32_t));
    generation->prompt_count = generation->count = (uint32_t)request->prompt_count;
    return true;
}

static bool copy_prediction(struct generation *generation, const struct generation_request *request)
{
    size_t count = request->prediction_count, bytes = count * sizeof *generation->prediction;
    if (count > 0 && !(generation->prediction = malloc(bytes))) return false;
    if (count > 0) memcpy(generation->prediction, request->prediction, bytes);
    drafting_init(&generation->drafting, generation->prediction, count);
    return true;
}

enum status generation_new(struct generation **out, const struct generation_request *request,
                           uint32_t limit, const struct tokenizer *tokenizer, struct fault *fault)
{
    assert(request->prompt_count < limit);
    struct generation *generation = calloc(1, sizeof *generation);
    if (!generation) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a request");
    atomic_init(&generation->references, 1);
    generation->sampling = request->sampling;
    generation->ignore_end = request->ignore_end;
    generation->keep_special = request->keep_special;
    memcpy(generation->marks, request->marks, sizeof generation->marks);
    generation->mark_count = request->mark_count;
    generation->top_logprobs = request->top_logprobs;
    generation->on_event = request->on_event;
    generation->argument = request->argument;
    generation->limit = limit;
    generation->scope = (struct prefix_scope){request->tenant, request->adapters};
    detokenizer_init(&generation->detokenizer, tokenizer);
    generation->detokenizer.started = request->continues_text;
    buffer_init(&generation->piece);
    buffer_init(&generation->shown);
    if (!copy_stops(generation, request) || !copy_biases(generation, &request->sampling) ||
        !copy_prompt(generation, request) || !copy_prediction(generation, request)) {
        generation_release(generation);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a request of %u tokens", limit);
    }
    *out = generation;
    return OK;
}

struct generation *generation_share_handle(struct generation *generation)
{
    atomic_fetch_add(&generation->references, 1);
    return generation;
}

void generation_release(struct generation *generation)
{
    if (!generation || atomic_fetch_sub(&generation->references, 1) != 1) return;
    assert(generation->page_count == 0);
    detokenizer_deinit(&generation->detokenizer);
    stop_matcher_deinit(&generation->stop_matcher);
    buffer_deinit(&generation->piece);
    buffer_deinit(&generation->shown);
    free(generation->stop_bytes);
    free(generation->biases);
    matcher_free(generation->matcher);
    free(generation->prediction);
    free(generation->tokens);
    free(generation->pages);
    free(generation);
}

/* ---- pages ---- */

static struct prefix prefix_of(const struct generation *generation, uint32_t count)
{
    return (struct prefix){
        .scope = generation->scope,
        .tokens = generation->tokens,
        .count = count,
        .pages = generation->pages,
        .known = generation->known_pages,
    };
}

struct prefix generation_prefix(const struct generation *generation)
{
    return prefix_of(generation, generation->count - 1);
}

void generation_adopt(struct generation *generation, struct prefix_cache *cache)
{
    if (generation->computed % KV_PAGE_TOKENS != 0) return;
    assert(generation->known_pages == generation->page_count);
    struct prefix prefix = generation_prefix(generation);
    prefix_cache_find(cache, &prefix);
    generation->known_pages = generation->page_count = prefix.known;
    generation->computed = prefix.known * KV_PAGE_TOKENS;
}

void generation_adopt_part(struct generation *generation, struct prefix_cache *cache)
{
    if (generation->computed % KV_PAGE_TOKENS != 0) return;
    struct prefix prefix = generation_prefix(generation);
    uint32_t tokens = prefix_cache_find_part(cache, &prefix);
    generation->computed += tokens;
    generation->page_count += tokens > 0;
}

bool generation_follows(const struct generation *generation, const struct generation *ahead)
{
    uint32_t page = generation->computed / KV_PAGE_TOKENS, from = page * KV_PAGE_TOKENS;
    uint32_t end = from + KV_PAGE_TOKENS;
    if (end > generation->count - 1) end = generation->count - 1;
    if (generation->computed != from || end == from) return false;
    if (ahead->computed / KV_PAGE_TOKENS != page || ahead->count < end) return false;
    bool begins_alike = page == 0 ? prefix_scope_equal(ahead->scope, generation->scope)
                                  : ahead->pages[page - 1] == generation->pages[page - 1];
    return begins_alike && memcmp(ahead->tokens + from, generation->tokens + from,
                                  (end - from) * sizeof *ahead->tokens) == 0;
}

bool generation_reserve(struct generation *generation, struct prefix_cache *cache, uint32_t tokens)
{
    uint32_t needed = generation_pages_for(tokens);
    while (generation->page_count < needed) {
        void *page = prefix_cache_take(cache);
        if (!page) return false;
        generation->pages[generation->page_count++] = page;
    }
    return true;
}

static void share(struct generation *generation, struct prefix_cache *cache, uint32_t count)
{
    struct prefix prefix = prefix_of(generation, count);
    prefix_cache_add(cache, &prefix);
    generation->known_pages = prefix.known;
}

void generation_share(struct generation *generation, struct prefix_cache *cache)
{
    share(generation, cache, generation->computed / KV_PAGE_TOKENS * KV_PAGE_TOKENS);
}

void generation_share_part(struct generation *generation, struct prefix_cache *cache)
{
    share(generation, cache, generation->computed);
}

void generation_park(struct generation *generation, struct prefix_cache *cache)
{
    generation_share_part(generation, cache);
    while (generation->page_count > 0)
        prefix_cache_release(cache, generation->pages[--generation->page_count]);
    generation->computed = generation->known_pages = 0;
    generation->waits = generation->follows = false;
}

uint32_t generation_note_rows(struct generation *generation, uint32_t rows)
{
    uint32_t adopted = generation->computed < generation->prompt_count ? generation->computed
                                                                       : generation->prompt_count;
    uint32_t gained = adopted > generation->reached ? adopted - generation->reached : 0;
    generation->cached += gained;
    if (generation->computed + rows > generation->reached)
        generation->reached = generation->computed + rows;
    return gained;
}

void generation_guess(struct generation *generation)
{
    const struct draft_text text = {.tokens = generation->tokens,
                                    .prompt_count = generation->prompt_count,
                                    .count = generation->count,
                                    .limit = generation->limit};
    drafting_guess(&generation->drafting, &text);
}

/* ---- events ---- */

static uint64_t span_ns(uint64_t from_ns, uint64_t to_ns)
{
    return from_ns && to_ns > from_ns ? to_ns - from_ns : 0;
}

static void tell(struct generation *generation, struct generation_event *event, uint64_t now_ns)
{
    uint64_t admitted_ns = generation->admitted_ns ? generation->admitted_ns : now_ns;
    uint64_t first_ns = generation->first_token_ns ? generation->first_token_ns : now_ns;
    event->text = buffer_text(&generation->shown);
    event->prompt_tokens = generation->prompt_count;
    event->completion_tokens = generation->count - generation->prompt_count;
    event->cached_tokens = generation->cached;
    event->drafted_tokens = generation->drafting.drafted;
    event->accepted_tokens = generation->drafting.accepted;
    event->queued_ns = span_ns(generation->submitted_ns, admitted_ns);
    event->prefill_ns = span_ns(generation->admitted_ns, first_ns);
    event->decode_ns = span_ns(generation->first_token_ns, now_ns);
    generation->on_event(generation->argument, event);
}

/* Though it is special. */
static bool is_shown(const struct generation *generation, int32_t token)
{
    bool shown = generation->keep_special;
    for (size_t i = 0; i < generation->mark_count; i++)
        shown = shown || generation->marks[i] == token;
    return shown;
}

static void detokenise(struct generation *generation, const struct tokenizer *tokenizer,
                       int32_t token)
{
    buffer_clear(&generation->piece);
    if (is_shown(generation, token) && tokenizer_is_special(tokenizer, token)) {
        detokenizer_finish(&generation->detokenizer, &generation->piece);
        tokenizer_piece(tokenizer, token, true, &generation->piece);
    } else {
        detokenizer_add(&generation->detokenizer, token, &generation->piece);
    }
}

static bool lost_text(const struct generation *generation)
{
    return generation->piece.failed || generation->shown.failed ||
           generation->stop_matcher.held.failed || generation->detokenizer.pending.failed;
}

enum generation_end generation_accept(struct generation *generation,
                                      const struct sampler_choice *choice,
                                      const struct tokenizer *tokenizer, uint64_t now_ns)
{
    assert(generation->count < generation->limit);
    if (!generation->first_token_ns) generation->first_token_ns = now_ns;
    drafting_learn(&generation->drafting, generation->tokens[generation->count], choice->token);
    generation->tokens[generation->count++] = choice->token;
    if (!generation->ignore_end && tokenizer_is_end(tokenizer, choice->token)) return END_STOP;

    detokenise(generation, tokenizer, choice->token);
    buffer_clear(&generation->shown);
    generation->stopped = stop_matcher_add(&generation->stop_matcher,
                                           buffer_text(&generation->piece), &generation->shown);
    if (lost_text(generation)) return END_ERROR;
    struct generation_event event = {
        .token = choice->token,
        .logprob = choice->logprob,
        .top = choice->top,
        .top_count = choice->top_count,
    };
    tell(generation, &event, now_ns);
    if (generation->stopped) return END_STOP;
    return generation->count == generation->limit ? END_LENGTH : END_NONE;
}

void generation_finish(struct generation *generation, enum generation_end end,
                       const struct fault *fault, uint64_t now_ns)
{
    buffer_clear(&generation->shown);
    if ((end == END_STOP || end == END_LENGTH) && !generation->stopped) {
        buffer_clear(&generation->piece);
        detokenizer_finish(&generation->detokenizer, &generation->piece);
        if (!stop_matcher_add(&generation->stop_matcher, buffer_text(&generation->piece),
                              &generation->shown))
            stop_matcher_finish(&generation->stop_matcher, &generation->shown);
    }
    struct generation_event event = {.token = -1, .end = end, .fault = fault};
    tell(generation, &event, now_ns);
}

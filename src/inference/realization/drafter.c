/* drafter.c - see drafter.h. */
#include "inference/realization/drafter.h"

#include <assert.h>
#include <stdlib.h>

#include "inference/kv_pages.h"
#include "platform/platform.h"

enum { READING_ROWS = 256 }; /* of what it missed, per call: nobody's stream may stall */

/* What the model knows of one sequence. It stays until another sequence needs the place. */
struct place {
    const struct generation *owner;
    void **pages;
    uint32_t page_count, computed;
    bool is_wanted; /* by one of this call */
};

struct drafter {
    struct model *model;
    struct sampler *sampler;
    struct kv_pages *pages;
    struct place *places;
    uint32_t place_count, context_length;
    uint64_t pass_ns;
    /* one pass */
    struct model_batch batch;
    int32_t *tokens, *positions;
    void *const **row_pages;
    uint8_t *wants_logits;
    struct generation **askers; /* whose the i-th logits are */
    uint32_t asker_count;
    float *logits;
};

/* ---- opening ---- */

static enum status check_vocabulary(const struct model *model, const struct model *target,
                                    struct fault *fault)
{
    const struct tokenizer *ours = model_tokenizer(model), *theirs = model_tokenizer(target);
    uint32_t count = tokenizer_size(ours);
    bool is_same = count == tokenizer_size(theirs) &&
                   model_info(model)->vocabulary == model_info(target)->vocabulary;
    for (uint32_t i = 0; is_same && i < count; i++)
        is_same = text_equal(tokenizer_token_text(ours, (int32_t)i),
                             tokenizer_token_text(theirs, (int32_t)i));
    if (is_same) return OK;
    return fault_set_param(fault, STATUS_INVALID, "draft-model",
                           "%s cannot draft for %s: its vocabulary is another one",
                           model_info(model)->name, model_info(target)->name);
}

static enum status allocate(struct drafter *drafter, struct fault *fault)
{
    uint32_t rows = READING_ROWS + drafter->place_count, places = drafter->place_count;
    uint32_t vocabulary = model_info(drafter->model)->vocabulary;
    drafter->tokens = calloc(rows, sizeof *drafter->tokens);
    drafter->positions = calloc(rows, sizeof *drafter->positions);
    drafter->row_pages = calloc(rows, sizeof *drafter->row_pages);
    drafter->wants_logits = calloc(rows, sizeof *drafter->wants_logits);
    drafter->askers = calloc(places, sizeof *drafter->askers);
    drafter->logits = calloc((size_t)places * vocabulary, sizeof *drafter->logits);
    drafter->places = calloc(places, sizeof *drafter->places);
    bool is_whole = drafter->tokens && drafter->positions && drafter->row_pages &&
                    drafter->wants_logits && drafter->askers && drafter->logits && drafter->places;
    for (uint32_t i = 0; is_whole && i < places; i++) {
        struct place *place = &drafter->places[i];
        place->pages = calloc(generation_pages_for(drafter->context_length), sizeof *place->pages);
        is_whole = place->pages != NULL;
    }
    if (!is_whole) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the draft model");
    drafter->batch = (struct model_batch){.tokens = drafter->tokens,
                                          .positions = drafter->positions,
                                          .pages = drafter->row_pages,
                                          .wants_logits = drafter->wants_logits};
    return OK;
}

static enum status prepare(struct drafter *drafter, const struct model *target,
                           uint32_t context_length, struct fault *fault)
{
    const struct model_info *info = model_info(drafter->model);
    if (info->is_embedding)
        return fault_set_param(fault, STATUS_INVALID, "draft-model",
                               "%s makes embeddings and cannot draft", info->name);
    TRY(check_vocabulary(drafter->model, target, fault));
    assert(READING_ROWS + drafter->place_count <= model_batch_limit(drafter->model));
    drafter->context_length =
        context_length < info->context_length ? context_length : info->context_length;
    TRY(allocate(drafter, fault));
    TRY(sampler_new(&drafter->sampler, model_compute(drafter->model), info->vocabulary, fault));
    /* each sequence whole, if an eighth of the free memory has room for that */
    uint64_t whole = (uint64_t)drafter->place_count *
                     generation_pages_for(drafter->context_length) * info->kv_page_bytes;
    uint64_t room = machine_memory_available() / 8;
    return kv_pages_open(&drafter->pages, info->kv_page_bytes, whole < room ? whole : room, fault);
}

enum status drafter_open(struct drafter **out, const char *path, const struct model *target,
                         uint32_t sequence_limit, uint32_t context_length, struct fault *fault)
{
    struct drafter *drafter = calloc(1, sizeof *drafter);
    if (!drafter) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the draft model");
    drafter->place_count = sequence_limit;
    enum status status = model_open(&drafter->model, model_compute(target), path, NULL, fault);
    if (status == OK) status = prepare(drafter, target, context_length, fault);
    if (status != OK) {
        drafter_close(drafter);
        return status;
    }
    *out = drafter;
    return OK;
}

void drafter_close(struct drafter *drafter)
{
    if (!drafter) return;
    for (uint32_t i = 0; drafter->places && i < drafter->place_count; i++)
        free(drafter->places[i].pages);
    free(drafter->places);
    kv_pages_close(drafter->pages);
    sampler_free(drafter->sampler);
    model_close(drafter->model);
    free(drafter->tokens);
    free(drafter->positions);
    free(drafter->row_pages);
    free(drafter->wants_logits);
    free(drafter->askers);
    free(drafter->logits);
    free(drafter);
}

uint64_t drafter_memory_bytes(const struct drafter *drafter)
{
    return model_info(drafter->model)->memory_bytes;
}

uint64_t drafter_pass_ns(const struct drafter *drafter)
{
    return drafter->pass_ns;
}

/* ---- places ---- */

/* A generation's own place, if no other took it meanwhile. Both sides must say so: a new generation
 * may lie where an old one lay. */
static struct place *place_of(const struct drafter *drafter, const struct generation *generation)
{
    if (generation->draft_place == 0) return NULL;
    struct place *place = &drafter->places[generation->draft_place - 1];
    return place->owner == generation ? place : NULL;
}

static void empty_place(struct drafter *drafter, struct place *place)
{
    while (place->page_count > 0)
        kv_page_release(drafter->pages, place->pages[--place->page_count]);
    place->owner = NULL;
    place->computed = 0;
}

/* There are as many places as sequences, so one is not wanted. */
static struct place *take_place(struct drafter *drafter, struct generation *generation)
{
    uint32_t i = 0;
    while (drafter->places[i].is_wanted) i++;
    assert(i < drafter->place_count);
    struct place *place = &drafter->places[i];
    empty_place(drafter, place);
    place->owner = generation;
    place->is_wanted = true;
    generation->draft_place = i + 1;
    return place;
}

void drafter_follow(struct drafter *drafter, struct generation **generations, uint32_t count)
{
    for (uint32_t i = 0; i < drafter->place_count; i++) drafter->places[i].is_wanted = false;
    for (uint32_t i = 0; i < count; i++) {
        struct place *place = place_of(drafter, generations[i]);
        if (place) place->is_wanted = true;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct place *place = place_of(drafter, generations[i]);
        if (!place) place = take_place(drafter, generations[i]);
        /* the newest token is none that was guessed, and what was guessed behind it is void */
        uint32_t sure = generations[i]->count - 1;
        if (place->computed > sure) place->computed = sure;
    }
}

static void *take_page(struct drafter *drafter)
{
    void *page = kv_page_new(drafter->pages);
    for (uint32_t i = 0; !page && i < drafter->place_count; i++) {
        if (drafter->places[i].is_wanted) continue;
        empty_place(drafter, &drafter->places[i]);
        page = kv_page_new(drafter->pages);
    }
    return page;
}

static bool reserve(struct drafter *drafter, struct place *place, uint32_t tokens)
{
    if (tokens > drafter->context_length) return false;
    while (place->page_count < generation_pages_for(tokens)) {
        void *page = take_page(drafter);
        if (!page) return false;
        place->pages[place->page_count++] = page;
    }
    return true;
}

/* ---- passes ---- */

/* The tokens up to `end`, at most `rows` of them; true when that is all of them: then the token
 * behind them is asked for. */
static bool add_rows(struct drafter *drafter, struct generation *generation, uint32_t end,
                     uint32_t rows)
{
    struct place *place = place_of(drafter, generation);
    uint32_t to = end - place->computed > rows ? place->computed + rows : end;
    if (!reserve(drafter, place, to)) return false;
    for (; place->computed < to; place->computed++) {
        size_t row = drafter->batch.count++;
        drafter->tokens[row] = generation->tokens[place->computed];
        drafter->positions[row] = (int32_t)place->computed;
        drafter->row_pages[row] = place->pages;
        drafter->wants_logits[row] = place->computed + 1 == end;
    }
    return to == end;
}

/* With the settings and the random number with which the target will draw. */
static bool guess_one(struct drafter *drafter, struct generation *generation, float *logits)
{
    struct drafting *drafting = &generation->drafting;
    uint32_t count = generation->count + drafting->guessed;
    const struct sampler_input input = {.logits = logits,
                                        .sampling = &generation->sampling,
                                        .tokens = generation->tokens,
                                        .token_count = count,
                                        .prompt_count = generation->prompt_count,
                                        .index = count - generation->prompt_count,
                                        .top_logprobs = -1};
    struct sampler_choice choice;
    if (!sampler_choose(drafter->sampler, &input, &choice)) return false;
    generation->tokens[count] = choice.token;
    drafting->guessed++;
    drafting->matched = DRAFT_BY_MODEL;
    return true;
}

/* Compute what was added, and take in what comes next. Who gets nothing is no asker any more. */
static bool run_pass(struct drafter *drafter)
{
    struct fault fault;
    uint32_t vocabulary = model_info(drafter->model)->vocabulary, kept = 0;
    if (model_forward(drafter->model, &drafter->batch, drafter->logits, &fault) != OK) {
        log_write("inference", LOG_WARN, NULL, "the draft model fails: %s", fault.message);
        return false;
    }
    for (uint32_t i = 0; i < drafter->asker_count; i++) {
        struct generation *asker = drafter->askers[i];
        if (guess_one(drafter, asker, drafter->logits + (size_t)i * vocabulary))
            drafter->askers[kept++] = asker;
    }
    drafter->asker_count = kept;
    return kept > 0;
}

/* What each of them missed, shared by all in turn. */
static void add_missed(struct drafter *drafter, struct generation **generations, uint32_t count)
{
    uint32_t left = READING_ROWS;
    drafter->batch.count = drafter->asker_count = 0;
    for (uint32_t i = 0; i < count && left > 0; i++) {
        struct generation *generation = generations[i];
        if (generation->drafting.guessed > 0 || generation->count + 1 >= generation->limit)
            continue;
        size_t before = drafter->batch.count;
        if (add_rows(drafter, generation, generation->count, left))
            drafter->askers[drafter->asker_count++] = generation;
        left -= (uint32_t)(drafter->batch.count - before);
    }
}

/* The guesses themselves, one token more of each. */
static void add_guessed(struct drafter *drafter)
{
    uint32_t kept = 0;
    drafter->batch.count = 0;
    for (uint32_t i = 0; i < drafter->asker_count; i++) {
        struct generation *asker = drafter->askers[i];
        uint32_t end = asker->count + asker->drafting.guessed;
        if (end + 1 < asker->limit && add_rows(drafter, asker, end, 1))
            drafter->askers[kept++] = asker;
    }
    drafter->asker_count = kept;
}

void drafter_guess(struct drafter *drafter, struct generation **generations, uint32_t count,
                   uint32_t most)
{
    add_missed(drafter, generations, count);
    if (drafter->batch.count == 0 || !run_pass(drafter)) return;
    for (uint32_t done = 1; done < most; done++) {
        add_guessed(drafter);
        uint64_t start_ns = clock_monotonic_ns();
        if (drafter->asker_count == 0 || !run_pass(drafter)) return;
        uint64_t pass_ns = clock_monotonic_ns() - start_ns;
        drafter->pass_ns = drafter->pass_ns ? (3 * drafter->pass_ns + pass_ns) / 4 : pass_ns;
    }
}

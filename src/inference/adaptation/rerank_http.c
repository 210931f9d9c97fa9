/* rerank_http.c - POST /v1/rerank: documents in order of what they have to do with a query, in the
 * shape that Cohere, Jina and vLLM share. Relevance is the cosine between the vectors of an
 * embedding model. */
#include <stdlib.h>

#include "http/json_body.h"
#include "inference/adaptation/embedding_run.h"
#include "model/model.h"
#include "platform/platform.h"

struct rerank {
    struct embedding_run run; /* first; input 0 is the query, the others are the documents */
    size_t top_n;
    bool return_documents;
    struct ranked *ranked; /* room for all documents */
};

struct ranked {
    size_t document;
    float score;
};

/* ---- the answer ---- */

/* Both vectors have length 1. */
static float cosine(const float *a, const float *b, uint32_t width)
{
    double sum = 0;
    for (uint32_t i = 0; i < width; i++) sum += (double)a[i] * (double)b[i];
    return (float)sum;
}

static int best_first(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    return (a->document > b->document) - (a->document < b->document);
}

static void rank(const struct rerank *rerank)
{
    const struct embedding_run *run = &rerank->run;
    uint32_t width = engine_model(run->lease->engine)->width;
    size_t count = run->input_count - 1;
    for (size_t i = 0; i < count; i++)
        rerank->ranked[i] = (struct ranked){
            i, cosine(run->vectors, embedding_run_vector(run, i + 1, width), width)};
    qsort(rerank->ranked, count, sizeof *rerank->ranked, best_first);
}

static void append_answer(struct buffer *out, const struct embedding_run *run)
{
    const struct rerank *rerank = (const struct rerank *)run;
    unsigned char id[4];
    entropy_fill(id, sizeof id);
    rank(rerank);
    buffer_printf(out, "{\"id\":\"rerank-%02x%02x%02x%02x\",\"model\":", id[0], id[1], id[2],
                  id[3]);
    buffer_append_json_string(out, run->model);
    buffer_append_string(out, ",\"results\":[");
    for (size_t i = 0; i < rerank->top_n; i++) {
        const struct ranked *ranked = &rerank->ranked[i];
        buffer_printf(out, "%s{\"index\":%zu,\"relevance_score\":%.9g", i ? "," : "",
                      ranked->document, (double)ranked->score);
        if (rerank->return_documents) {
            buffer_append_string(out, ",\"document\":{\"text\":");
            buffer_append_json_string(out, run->inputs[ranked->document + 1].text);
            buffer_append_char(out, '}');
        }
        buffer_append_char(out, '}');
    }
    buffer_printf(out, "],\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}", run->tokens,
                  run->tokens);
}

/* ---- the request ---- */

/* A string, or {"text": "..."}. */
static enum status read_text(const json_t *value, const char *name, struct prompt_input *input,
                             struct fault *fault)
{
    const json_t *text = json_is_object(value) ? json_object_get(value, "text") : value;
    if (!json_is_string(text))
        return fault_set_param(fault, STATUS_INVALID, name,
                               "%s must be a string or an object with a text", name);
    *input = (struct prompt_input){.text = json_text_of(text)};
    if (text_trim(input->text).length == 0)
        return fault_set_param(fault, STATUS_INVALID, name, "%s must not be empty", name);
    return OK;
}

static enum status read_inputs(struct rerank *rerank, const json_t *root, struct arena *arena,
                               struct fault *fault)
{
    json_t *documents;
    TRY(json_read_array(root, "documents", &documents, fault));
    size_t count = json_array_size(documents);
    if (count == 0 || count >= REQUEST_INPUT_LIMIT)
        return fault_set_param(fault, STATUS_INVALID, "documents",
                               "documents must be an array of 1 to %d texts",
                               REQUEST_INPUT_LIMIT - 1);
    struct prompt_input *inputs = arena_alloc_array(arena, count + 1, sizeof *inputs);
    rerank->ranked = arena_alloc_array(arena, count, sizeof *rerank->ranked);
    if (!inputs || !rerank->ranked)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    const json_t *query = json_body_field(root, "query");
    if (!query) return fault_set_param(fault, STATUS_INVALID, "query", "query is missing");
    TRY(read_text(query, "query", &inputs[0], fault));
    for (size_t i = 0; i < count; i++) {
        char name[40];
        snprintf(name, sizeof name, "documents[%zu]", i);
        TRY(read_text(json_array_get(documents, i), name, &inputs[i + 1], fault));
    }
    rerank->run.inputs = inputs;
    rerank->run.input_count = count + 1;
    return OK;
}

static enum status read_request(struct rerank *rerank, const json_t *root, struct arena *arena,
                                struct fault *fault)
{
    *rerank = (struct rerank){.run = {.model = TEXT("local-llm"),
                                      .input_name = "documents",
                                      .first_name = "query",
                                      .append_answer = append_answer}};
    TRY(json_read_text(root, "model", &rerank->run.model, fault));
    TRY(read_inputs(rerank, root, arena, fault));
    TRY(json_read_bool(root, "return_documents", &rerank->return_documents, fault));
    size_t count = rerank->run.input_count - 1;
    int64_t top_n = (int64_t)count;
    TRY(json_read_integer(root, "top_n", &top_n, fault));
    if (top_n < 1) return fault_set_param(fault, STATUS_INVALID, "top_n", "top_n must be positive");
    rerank->top_n = (uint64_t)top_n < count ? (size_t)top_n : count;
    return OK;
}

void rerank_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                   struct model_lease *lease)
{
    struct fault fault;
    struct rerank *rerank = arena_alloc(http_arena(exchange), sizeof *rerank);
    enum status status = rerank ? read_request(rerank, root, http_arena(exchange), &fault)
                                : fault_set(&fault, STATUS_NO_MEMORY, "no memory for the request");
    if (status == OK)
        embedding_run_start(&rerank->run, exchange, api, lease);
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}

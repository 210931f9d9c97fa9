/* token_trie.c - the bytes of all tokens as a tree, laid out in the order in which it is walked. */
#include "inference/grammar/token_trie.h"

#include <stdlib.h>
#include <string.h>

#include "model/tokenizer/tokenizer.h"

static enum status no_memory(struct fault *fault)
{
    (void)fault_set(fault, STATUS_NO_MEMORY, "no memory for the tree of tokens");
    return STATUS_NO_MEMORY;
}

static int by_bytes(const void *a, const void *b, void *trie)
{
    struct text x = token_trie_text(trie, *(const int32_t *)a);
    struct text y = token_trie_text(trie, *(const int32_t *)b);
    int order = memcmp(x.data, y.data, x.length < y.length ? x.length : y.length);
    if (order) return order;
    if (x.length != y.length) return x.length < y.length ? -1 : 1;
    return *(const int32_t *)a < *(const int32_t *)b ? -1 : 1;
}

static size_t common_length(struct text a, struct text b)
{
    size_t n = 0;
    while (n < a.length && n < b.length && a.data[n] == b.data[n]) n++;
    return n;
}

/* Nodes of the tokens in order of their bytes; `open[d]` is the node of depth d on the way down. */
static void grow_nodes(struct token_trie *trie, const int32_t *sorted, uint32_t *open)
{
    struct text before = {"", 0};
    trie->nodes[0] = (struct trie_node){.token = NO_TOKEN};
    trie->node_count = 1;
    open[0] = 0;
    for (uint32_t i = 0; i < trie->text_count; i++) {
        struct text t = token_trie_text(trie, sorted[i]);
        size_t shared = common_length(before, t);
        for (size_t depth = before.length; depth > shared; depth--)
            trie->nodes[open[depth]].end = trie->node_count;
        for (size_t depth = shared + 1; depth <= t.length; depth++) {
            open[depth] = trie->node_count;
            trie->nodes[trie->node_count++] =
                (struct trie_node){.token = NO_TOKEN,
                                   .depth = (uint16_t)depth,
                                   .byte = (unsigned char)t.data[depth - 1]};
        }
        struct trie_node *node = &trie->nodes[open[t.length]];
        trie->next_same[sorted[i]] = node->token;
        node->has_same = node->token != NO_TOKEN;
        node->token = sorted[i];
        before = t;
    }
    for (size_t depth = before.length; depth > 0; depth--)
        trie->nodes[open[depth]].end = trie->node_count;
    trie->nodes[0].end = trie->node_count;
    for (uint32_t i = 1; i < trie->node_count; i = trie->nodes[i].end)
        trie->below_root[trie->nodes[i].byte] = i;
}

static enum status build(struct token_trie *trie, struct fault *fault)
{
    enum status status = OK;
    int32_t *sorted = calloc((size_t)trie->vocabulary + 1, sizeof *sorted);
    uint32_t *open = calloc((size_t)trie->longest_bytes + 1, sizeof *open);
    trie->nodes = calloc((size_t)trie->text_from[trie->vocabulary] + 1, sizeof *trie->nodes);
    if (!sorted || !open || !trie->nodes) TRY_DONE(no_memory(fault));
    for (uint32_t i = 0; i < trie->vocabulary; i++)
        if (token_trie_text(trie, (int32_t)i).length) sorted[trie->text_count++] = (int32_t)i;
    qsort_r(sorted, trie->text_count, sizeof *sorted, by_bytes, trie);
    grow_nodes(trie, sorted, open);
    struct trie_node *fitted = realloc(trie->nodes, trie->node_count * sizeof *trie->nodes);
    if (fitted) trie->nodes = fitted;
done:
    free(sorted);
    free(open);
    return status;
}

enum status token_trie_make(struct token_trie **out, const struct text *texts, const bool *is_end,
                            uint32_t count, struct fault *fault)
{
    enum status status = OK;
    size_t total = 0;
    struct token_trie *trie = *out = calloc(1, sizeof *trie);
    if (!trie) return no_memory(fault);
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].length > UINT16_MAX)
            TRY_DONE(fault_set(fault, STATUS_UNSUPPORTED, "token %u has %zu bytes, at most %d", i,
                               texts[i].length, UINT16_MAX));
        total += texts[i].length;
    }
    if (total >= UINT32_MAX)
        TRY_DONE(fault_set(fault, STATUS_UNSUPPORTED, "the tokens have %zu bytes", total));
    trie->vocabulary = count;
    trie->next_same = calloc((size_t)count + 1, sizeof *trie->next_same);
    trie->text_from = calloc((size_t)count + 1, sizeof *trie->text_from);
    trie->is_end = calloc((size_t)count + 1, sizeof *trie->is_end);
    trie->ends = calloc((size_t)count + 1, sizeof *trie->ends);
    trie->bytes = malloc(total + 1);
    if (!trie->next_same || !trie->text_from || !trie->is_end || !trie->ends || !trie->bytes)
        TRY_DONE(no_memory(fault));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = trie->text_from[i], length = (uint32_t)texts[i].length;
        if (length) memcpy(trie->bytes + from, texts[i].data, length);
        for (uint32_t j = 0; j < length; j++) trie->has_byte[trie->bytes[from + j]] = true;
        trie->text_from[i + 1] = from + length;
        trie->is_end[i] = is_end[i];
        if (is_end[i]) trie->ends[trie->end_count++] = (int32_t)i;
        if (length > trie->longest_bytes) trie->longest_bytes = length;
    }
    TRY_DONE(build(trie, fault));
done:
    if (status != OK) {
        token_trie_free(trie);
        *out = NULL;
    }
    return status;
}

/* What a token stands for: its text; for a special one, what grammar_special_token says. A token
 * that is no UTF-8 because of the byte that marks those is never said. */
static void append_token(const struct tokenizer *tokenizer, int32_t token, struct buffer *pieces)
{
    size_t from = pieces->length;
    bool is_special = tokenizer_is_special(tokenizer, token);
    if (is_special) buffer_append_char(pieces, (char)GRAMMAR_SPECIAL);
    tokenizer_piece(tokenizer, token, is_special, pieces);
    bool has_mark = pieces->length > from &&
                    memchr(pieces->data + from, GRAMMAR_SPECIAL, pieces->length - from);
    if (is_special)
        buffer_append_char(pieces, (char)GRAMMAR_SPECIAL);
    else if (has_mark)
        pieces->length = from;
}

enum status token_trie_new(struct token_trie **out, const struct tokenizer *tokenizer,
                           struct fault *fault)
{
    enum status status = OK;
    uint32_t count = tokenizer_size(tokenizer);
    struct buffer pieces;
    size_t *ends = calloc((size_t)count + 1, sizeof *ends);
    struct text *texts = calloc((size_t)count + 1, sizeof *texts);
    bool *is_end = calloc((size_t)count + 1, sizeof *is_end);
    *out = NULL;
    buffer_init(&pieces);
    if (!ends || !texts || !is_end) TRY_DONE(no_memory(fault));
    for (uint32_t i = 0; i < count; i++) {
        is_end[i] = tokenizer_is_end(tokenizer, (int32_t)i);
        if (!is_end[i]) append_token(tokenizer, (int32_t)i, &pieces);
        ends[i] = pieces.length;
    }
    TRY_DONE(buffer_status(&pieces, fault));
    for (uint32_t i = 0; i < count; i++)
        texts[i] = text_slice(buffer_text(&pieces), i ? ends[i - 1] : 0, ends[i]);
    TRY_DONE(token_trie_make(out, texts, is_end, count, fault));
done:
    free(ends);
    free(texts);
    free(is_end);
    buffer_deinit(&pieces);
    return status;
}

void token_trie_free(struct token_trie *trie)
{
    if (!trie) return;
    free(trie->nodes);
    free(trie->next_same);
    free(trie->text_from);
    free(trie->bytes);
    free(trie->is_end);
    free(trie->ends);
    free(trie);
}

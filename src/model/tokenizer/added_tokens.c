/* added_tokens.c - see added_tokens.h. */
#include "model/tokenizer/added_tokens.h"

#include <assert.h>

#include "model/tokenizer/unicode.h"

struct added_node {
    uint32_t child, sibling; /* 0: none */
    uint32_t token;          /* index + 1, 0: none ends here */
    unsigned char byte;
};

enum status added_tokens_init(struct added_tokens *added, uint32_t count, size_t total_bytes,
                              struct arena *memory, struct fault *fault)
{
    *added = (struct added_tokens){.node_count = 1, .token_capacity = count};
    if (total_bytes >= UINT32_MAX)
        return fault_set(fault, STATUS_TOO_LARGE, "the added tokens are too long");
    added->node_capacity = (uint32_t)total_bytes + 1;
    added->nodes = arena_alloc_array(memory, added->node_capacity, sizeof *added->nodes);
    added->tokens = arena_alloc_array(memory, count, sizeof *added->tokens);
    if (!added->nodes || !added->tokens)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for %u added tokens", count);
    return OK;
}

/* The node for `byte` in the list that *link starts, made if it is not there. */
static uint32_t node_get(struct added_tokens *added, uint32_t *link, unsigned char byte)
{
    for (uint32_t at = *link; at; at = added->nodes[at].sibling)
        if (added->nodes[at].byte == byte) return at;
    assert(added->node_count < added->node_capacity);
    uint32_t fresh = added->node_count++;
    added->nodes[fresh] = (struct added_node){.sibling = *link, .byte = byte};
    return *link = fresh;
}

void added_tokens_add(struct added_tokens *added, struct text t, struct added_token token)
{
    if (t.length == 0) return;
    uint32_t at =
        node_get(added, &added->roots[(unsigned char)t.data[0]], (unsigned char)t.data[0]);
    for (size_t i = 1; i < t.length; i++)
        at = node_get(added, &added->nodes[at].child, (unsigned char)t.data[i]);
    assert(added->token_count < added->token_capacity);
    added->tokens[added->token_count++] = token;
    added->nodes[at].token = added->token_count;
}

/* The longest acceptable token that starts right at `at`, or NULL; *end is where it ends. */
static const struct added_token *match_at(const struct added_tokens *added, struct text t,
                                          size_t at, bool parse_special, size_t *end)
{
    const struct added_token *best = NULL;
    uint32_t node = added->roots[(unsigned char)t.data[at]];
    while (node) {
        at++;
        const struct added_node *here = &added->nodes[node];
        const struct added_token *token = here->token ? &added->tokens[here->token - 1] : NULL;
        if (token && (parse_special || !token->is_special)) {
            best = token;
            *end = at;
        }
        if (at == t.length) break;
        node = here->child;
        while (node && added->nodes[node].byte != (unsigned char)t.data[at])
            node = added->nodes[node].sibling;
    }
    return best;
}

bool added_tokens_find(const struct added_tokens *added, struct text t, size_t from,
                       bool parse_special, struct added_match *match)
{
    if (added->token_count == 0) return false;
    for (size_t at = from; at < t.length; at++) {
        size_t end;
        if (!added->roots[(unsigned char)t.data[at]]) continue;
        const struct added_token *token = match_at(added, t, at, parse_special, &end);
        if (!token) continue;
        struct text before = text_slice(t, from, at), behind = text_slice(t, end, t.length);
        *match = (struct added_match){at, end, token->id};
        if (token->strip_left) match->start -= unicode_space_suffix(before);
        if (token->strip_right) match->end += unicode_space_prefix(behind);
        return true;
    }
    return false;
}

/* tokenize_http.c - POST /tokenize and /detokenize: what the model's tokenizer makes of a text.
 *
 * {"content": "text", "add_special": false, "parse_special": false} -> {"tokens": [..], "count": n}
 * {"tokens": [..]} -> {"content": "text"} */
#include "http/json_body.h"
#include "inference/adaptation/api_private.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

static enum status missing(const char *name, const char *what, struct fault *fault)
{
    return fault_set_param(fault, STATUS_INVALID, name, "%s must be %s", name, what);
}

static enum status tokenize(const struct tokenizer *tokenizer, const json_t *root,
                            struct buffer *out, struct fault *fault)
{
    struct text content = {NULL, 0};
    bool add_special = false, parse_special = false;
    TRY(json_read_text(root, "content", &content, fault));
    if (!content.data) return missing("content", "a string", fault);
    TRY(json_read_bool(root, "add_special", &add_special, fault));
    TRY(json_read_bool(root, "parse_special", &parse_special, fault));

    struct token_list list = {.ids = NULL};
    unsigned flags =
        (add_special ? TOKENIZE_ADD_SPECIAL : 0u) | (parse_special ? TOKENIZE_PARSE_SPECIAL : 0u);
    enum status status = tokenizer_encode(tokenizer, content, flags, &list, fault);
    if (status == OK) {
        buffer_append_string(out, "{\"tokens\":[");
        for (size_t i = 0; i < list.count; i++) buffer_printf(out, i ? ",%d" : "%d", list.ids[i]);
        buffer_printf(out, "],\"count\":%zu}", list.count);
    }
    token_list_deinit(&list);
    return status;
}

static enum status read_token(const struct tokenizer *tokenizer, const json_t *value, size_t index,
                              struct token_list *list, struct fault *fault)
{
    json_int_t id = json_integer_value(value);
    if (!json_is_integer(value) || id < 0 || id >= tokenizer_size(tokenizer))
        return fault_set_param(fault, STATUS_INVALID, "tokens",
                               "tokens[%zu] must be an integer from 0 to %u", index,
                               tokenizer_size(tokenizer) - 1);
    return token_list_add(list, (int32_t)id, fault);
}

static enum status detokenize(const struct tokenizer *tokenizer, const json_t *root,
                              struct buffer *out, struct fault *fault)
{
    json_t *tokens;
    TRY(json_read_array(root, "tokens", &tokens, fault));
    if (!tokens) return missing("tokens", "an array of integers", fault);

    struct token_list list = {.ids = NULL};
    struct buffer text;
    buffer_init(&text);
    enum status status = OK;
    for (size_t i = 0; i < json_array_size(tokens); i++)
        TRY_DONE(read_token(tokenizer, json_array_get(tokens, i), i, &list, fault));
    TRY_DONE(tokenizer_decode(tokenizer, list.ids, list.count, true, &text, fault));
    TRY_DONE(buffer_status(&text, fault));
    buffer_append_string(out, "{\"content\":");
    buffer_append_json_string(out, buffer_text(&text));
    buffer_append_char(out, '}');
done:
    buffer_deinit(&text);
    token_list_deinit(&list);
    return status;
}

static void answer(struct http_exchange *exchange, const struct model_lease *lease,
                   const json_t *root,
                   enum status (*work)(const struct tokenizer *, const json_t *, struct buffer *,
                                       struct fault *))
{
    struct fault fault;
    struct buffer out;
    buffer_init(&out);
    enum status status = work(engine_tokenizer(lease->engine), root, &out, &fault);
    if (status == OK) status = buffer_status(&out, &fault);
    if (status == OK)
        http_reply_json(exchange, 200, buffer_text(&out));
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
    buffer_deinit(&out);
}

void tokenize_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                     struct model_lease *lease)
{
    answer(exchange, lease, root, tokenize);
}

void detokenize_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                       struct model_lease *lease)
{
    answer(exchange, lease, root, detokenize);
}

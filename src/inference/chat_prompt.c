/* chat_prompt.c - see chat_prompt.h. */
#include "inference/chat_prompt.h"

#include "model/template/chat_template.h"
#include "model/tokenizer/tokenizer.h"

/* The text of a special token for the template's globals; empty when the model has none. */
static json_t *token_text(const struct tokenizer *tokenizer, int32_t id)
{
    struct text t = id < 0 ? TEXT("") : tokenizer_token_text(tokenizer, id);
    return json_stringn(t.data, t.length);
}

/* The options first, so that they stand for nothing that is told here. */
static json_t *context_of(const struct tokenizer *tokenizer, const struct chat_prompt *prompt)
{
    json_t *context = prompt->options ? json_copy(prompt->options) : json_object();
    json_t *told = json_pack("{s:O, s:O*, s:b, s:o, s:o}", "messages", prompt->messages, "tools",
                             prompt->tools, "add_generation_prompt", 1, "bos_token",
                             token_text(tokenizer, tokenizer_bos(tokenizer)), "eos_token",
                             token_text(tokenizer, tokenizer_eos(tokenizer)));
    int failed = !context || !told || json_object_update(context, told) != 0;
    json_decref(told);
    if (!failed) return context;
    json_decref(context);
    return NULL;
}

static enum status render(const struct chat_template *compiled, const struct tokenizer *tokenizer,
                          const struct chat_prompt *prompt, struct buffer *out, struct fault *fault)
{
    json_t *context = context_of(tokenizer, prompt);
    if (!context) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the conversation");
    enum status status = chat_template_render(compiled, context, prompt->now_unix, out, fault);
    json_decref(context);
    return status;
}

static bool starts_with_bos(const struct tokenizer *tokenizer, struct text prompt)
{
    int32_t bos = tokenizer_bos(tokenizer);
    return bos >= 0 && text_starts_with(prompt, tokenizer_token_text(tokenizer, bos));
}

enum status text_prompt_encode(const struct tokenizer *tokenizer, struct text prompt,
                               struct token_list *out, struct fault *fault)
{
    /* Only the start token may be missing: an end token after the prompt would end the answer
     * before it begins, so TOKENIZE_ADD_SPECIAL is not for here. */
    if (tokenizer_adds_bos(tokenizer) && !starts_with_bos(tokenizer, prompt))
        TRY(token_list_add(out, tokenizer_bos(tokenizer), fault));
    return tokenizer_encode(tokenizer, prompt, TOKENIZE_PARSE_SPECIAL, out, fault);
}

enum status chat_prompt_encode(const struct chat_template *compiled,
                               const struct tokenizer *tokenizer, const struct chat_prompt *prompt,
                               const struct chat_format *format, struct token_list *out,
                               enum chat_reasoning *reasoning, struct fault *fault)
{
    struct buffer text;
    buffer_init(&text);
    enum status status;
    TRY_DONE(render(compiled, tokenizer, prompt, &text, fault));
    TRY_DONE(buffer_status(&text, fault));
    TRY_DONE(text_prompt_encode(tokenizer, buffer_text(&text), out, fault));
    if (format) *reasoning = chat_format_reasoning(format, buffer_text(&text));
done:
    buffer_deinit(&text);
    return status;
}

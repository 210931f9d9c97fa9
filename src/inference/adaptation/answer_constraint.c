/* answer_constraint.c - see answer_constraint.h. */
#include "inference/adaptation/answer_constraint.h"

#include "http/json_body.h"
#include "inference/constraint_cache.h"

struct wanted {
    const struct openai_constraint *form;
    const struct answer_rules *rules;
};

/* Tools that must not be called rule too: a text must not look like a call. */
static bool has_tools(const struct answer_rules *rules)
{
    return rules && rules->tools;
}

static enum status build(struct grammar *grammar, grammar_part *root, const void *argument,
                         struct fault *fault)
{
    const struct wanted *wanted = argument;
    grammar_part content = 0;
    bool has_form = wanted->form->form != FORM_ANY;
    if (has_form) TRY(openai_constraint_add(grammar, wanted->form, &content, fault));
    if (!wanted->rules) {
        *root = content;
        return OK;
    }
    struct answer_rules rules = *wanted->rules;
    rules.content = has_form ? &content : NULL;
    return answer_grammar_add(grammar, &rules, root, fault);
}

/* All but the format, which is the model's. */
static void append_rules(struct buffer *key, const struct answer_rules *rules)
{
    buffer_printf(key, "%d %d %d %d ", (int)rules->choice, (int)rules->reasoning,
                  rules->is_one_call, has_tools(rules));
    if (rules->choice == TOOLS_NONE) return;
    json_append(key, rules->tools);
    json_append(key, rules->allowed);
}

enum status answer_constraint_get(const struct model_lease *lease,
                                  const struct openai_generation *generation,
                                  const struct answer_rules *rules, struct constraint **out,
                                  struct fault *fault)
{
    const struct openai_constraint *form = &generation->constraint;
    *out = NULL;
    if (form->form == FORM_ANY && !has_tools(rules)) return OK;
    const struct wanted wanted = {form, rules};
    struct buffer key;
    buffer_init(&key);
    buffer_printf(&key, "%llx ", (unsigned long long)generation->tenant);
    if (rules) append_rules(&key, rules);
    buffer_append_char(&key, '\n');
    openai_constraint_key(form, &key);
    enum status status = buffer_status(&key, fault);
    if (status == OK)
        status =
            constraint_cache_get(lease->constraints, buffer_text(&key), build, &wanted, out, fault);
    buffer_deinit(&key);
    return openai_constraint_fault(form, status, fault);
}

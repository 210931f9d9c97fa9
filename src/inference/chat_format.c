/* chat_format.c - see chat_format.h.
 *
 * Three conversations tell it all: in one the answer is plain text, which shows where an answer
 * begins and what ends it; in one it is a call, which shows what stands around name and arguments;
 * in one it is two calls, which shows what stands between them. How the template wants to be told
 * of calls is tried until it writes one. */
#include "inference/chat_format.h"

#include <string.h>

#include "inference/text_steps.h"
#include "model/template/chat_template.h"
#include "model/tokenizer/tokenizer.h"

#define ANSWER     "probe_answer"
#define RESULT     "probe_result"
#define KEY        "\"probe_key\""
#define VALUE      "\"probe_value\""
#define TOOL       "probe_tool"
#define PYTHON_TAG "<|python_tag|>"

#define LITERAL(string)             \
    {                               \
        string, sizeof(string) - 1, \
    } /* TEXT() for constants */

static const char *const NAMES[] = {"probe_alpha", "probe_beta"};
static const char *const SHORT_IDS[] = {"probe0001", "probe0002"};
static const char *const LONG_IDS[] = {"call_probe_0001", "call_probe_0002"};

const struct tool_format GENERIC_TOOL_FORMAT = {
    .opening = LITERAL("<tool_call>\n{\"name\": \""),
    .mark = LITERAL("<tool_call>"),
    .between = LITERAL("\", \"arguments\": "),
    .middle = LITERAL("}\n</tool_call>\n<tool_call>\n{\"name\": \""),
    .end = LITERAL("}\n</tool_call>"),
};

static const struct {
    struct text open, close;
} REASONING_MARKS[] = {
    {LITERAL("<think>"), LITERAL("</think>")},
    {LITERAL("[THINK]"), LITERAL("[/THINK]")},
    {LITERAL("<seed:think>"), LITERAL("</seed:think>")},
};

struct learner {
    struct chat_format *format;
    const struct chat_template *compiled;
    struct text source;
    struct buffer plain, one, two; /* the three conversations */
    bool has_own_notation;
    bool is_hopeless; /* the template met a bound: it is not asked again */
    bool out_of_memory;
};

/* ---- conversations to try ---- */

static const char *const *probe_ids(const struct chat_format *format)
{
    return format->ids_are_short ? SHORT_IDS : LONG_IDS;
}

static json_t *probe_message(const char *role, const char *content)
{
    return json_pack("{s:s, s:s}", "role", role, "content", content);
}

static json_t *probe_call(const struct chat_format *format, size_t nth)
{
    json_t *arguments = format->arguments_are_text ? json_string("{" KEY ": " VALUE "}")
                                                   : json_pack("{s:s}", "probe_key", "probe_value");
    return json_pack("{s:s, s:s, s:{s:s, s:o}}", "id", probe_ids(format)[nth], "type", "function",
                     "function", "name", NAMES[nth], "arguments", arguments);
}

static json_t *probe_calls(const struct chat_format *format, size_t count)
{
    json_t *calls = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(calls, probe_call(format, i));
    json_t *content = format->content_is_null ? json_null() : json_string("");
    return json_pack("{s:s, s:o, s:o}", "role", "assistant", "content", content, "tool_calls",
                     calls);
}

static json_t *probe_result(const struct chat_format *format)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "role", "tool", "content", RESULT, "tool_call_id",
                     probe_ids(format)[0], "name", NAMES[0]);
}

static json_t *probe_tools(void)
{
    return json_pack("[{s:s, s:{s:s, s:s, s:{s:s, s:{s:{s:s, s:s}}, s:[s]}}}]", "type", "function",
                     "function", "name", TOOL, "description", "probe_description", "parameters",
                     "type", "object", "properties", "probe_key", "type", "string", "description",
                     "probe_property", "required", "probe_key");
}

/* What the template makes of the messages (taken). False when it refuses them. */
static bool render(struct learner *learner, json_t *messages, struct buffer *out)
{
    if (learner->is_hopeless) {
        json_decref(messages);
        return false;
    }
    json_t *context =
        json_pack("{s:o, s:o, s:b, s:s, s:s}", "messages", messages, "tools", probe_tools(),
                  "add_generation_prompt", 0, "bos_token", "", "eos_token", "");
    struct fault fault = {.status = STATUS_NO_MEMORY};
    buffer_clear(out);
    enum status status = STATUS_NO_MEMORY;
    if (context) status = chat_template_render(learner->compiled, context, 0, out, &fault);
    json_decref(context);
    if (status == STATUS_NO_MEMORY || out->failed) learner->out_of_memory = true;
    if (status == STATUS_TOO_LARGE) learner->is_hopeless = true;
    return status == OK && !out->failed;
}

static json_t *conversation(json_t *first, json_t *second)
{
    return json_pack("[o, o]", first, second);
}

static json_t *question(void)
{
    return probe_message("user", "probe_question");
}

/* ---- what was written ---- */

bool call_name_has(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-';
}

static bool contains(struct text t, const char *word)
{
    return text_find(t, text_of(word)) != SIZE_MAX;
}

/* Step over white space and `word`. */
static bool skip_word(struct text t, size_t *at, struct text word)
{
    size_t from = skip_space(t, *at);
    if (!text_starts_with(text_from(t, from), word)) return false;
    *at = from + word.length;
    return true;
}

/* The object around the key: its offsets in `t`. */
static bool find_arguments(struct text t, size_t key, size_t *from, size_t *to)
{
    *from = key;
    while (*from > 0 && is_space(t.data[*from - 1])) --*from;
    if (*from == 0 || t.data[--*from] != '{') return false;
    *to = key;
    return skip_word(t, to, TEXT(KEY)) && skip_word(t, to, TEXT(":")) &&
           skip_word(t, to, TEXT(VALUE)) && skip_word(t, to, TEXT("}"));
}

/* A text with one call, cut at its name and its arguments. */
struct written_call {
    struct text before, between, after;
};

static bool cut_call(struct text t, const char *name, struct written_call *call)
{
    size_t name_at = text_find(t, text_of(name)), from, to;
    if (name_at == SIZE_MAX) return false;
    size_t name_end = name_at + strlen(name);
    size_t key_at = text_find(text_from(t, name_end), TEXT(KEY));
    if (key_at == SIZE_MAX || !find_arguments(t, name_end + key_at, &from, &to)) return false;
    if (from < name_end) return false;
    *call = (struct written_call){
        .before = text_slice(t, 0, name_at),
        .between = text_slice(t, name_end, from),
        .after = text_from(t, to),
    };
    return true;
}

/* Where the answer begins in `called`: as far as it is the same as the conversation with a plain
 * answer, but not into a word that only begins alike ("<t" of <think> and <tool_call>). */
static size_t find_answer(struct text called, struct text plain)
{
    size_t same = 0;
    while (same < called.length && same < plain.length && called.data[same] == plain.data[same])
        same++;
    while (same > 0 && !is_space(called.data[same - 1]) && called.data[same - 1] != '>' &&
           called.data[same - 1] != ']')
        same--;
    return same;
}

/* Without leading white space, and the reasoning that some templates write though there is none. */
static struct text without_reasoning(const struct chat_format *format, struct text answer)
{
    answer = text_from(answer, skip_space(answer, 0));
    size_t close = text_find(answer, format->reasoning_close);
    if (!format->reasoning_open.length || close == SIZE_MAX ||
        !text_starts_with(answer, format->reasoning_open))
        return answer;
    return text_from(answer, skip_space(answer, close + format->reasoning_close.length));
}

/* Cut off what ends every answer: `ending`, which may have lost white space. */
static bool cut_ending(struct text *after, struct text ending)
{
    ending = text_trim(ending);
    struct text t = text_trim(*after);
    if (!text_ends_with(t, ending)) return false;
    size_t kept = (size_t)(t.data - after->data) + t.length - ending.length;
    after->length = trimmed_length(text_slice(*after, 0, kept));
    return true;
}

/* ---- the format ---- */

static struct text keep(struct learner *learner, struct text t)
{
    const char *copy = arena_copy(&learner->format->memory, t.data ? t.data : "", t.length);
    if (!copy) learner->out_of_memory = true;
    return (struct text){copy, copy ? t.length : 0};
}

/* A copy in which CALL_ID stands for the ids of the probes. */
static struct text keep_without_ids(struct learner *learner, struct text t)
{
    const char *const *ids = probe_ids(learner->format);
    struct buffer copy;
    buffer_init(&copy);
    for (size_t at = 0; at < t.length;) {
        struct text rest = text_from(t, at);
        bool is_id =
            text_starts_with(rest, text_of(ids[0])) || text_starts_with(rest, text_of(ids[1]));
        buffer_append_char(&copy, is_id ? CALL_ID : t.data[at]);
        at += is_id ? strlen(ids[0]) : 1;
    }
    struct text kept = keep(learner, buffer_text(&copy));
    if (copy.failed) learner->out_of_memory = true;
    buffer_deinit(&copy);
    return kept;
}

/* The tag that `opening` begins with: "<tool_call>", "[TOOL_CALLS]", "<function="; or none. */
static struct text leading_tag(struct text opening)
{
    if (opening.length < 2 || (opening.data[0] != '<' && opening.data[0] != '[')) return TEXT("");
    if (strchr("{[\"' \n", opening.data[1])) return TEXT("");
    const char *close = memchr(opening.data, opening.data[0] == '<' ? '>' : ']', opening.length);
    return text_slice(opening, 0, close ? (size_t)(close - opening.data) + 1 : opening.length);
}

/* Calls that no tag announces are only known where an answer begins with one; Llama may put its
 * tag for programs in front. */
static void set_opening(struct learner *learner, struct text opening)
{
    struct tool_format *tools = &learner->format->tools;
    tools->mark = leading_tag(opening);
    tools->opening = opening;
    if (tools->mark.length > 0) return;
    tools->opening_at_start = opening;
    tools->opening = TEXT("");
    if (!contains(learner->source, PYTHON_TAG)) return;
    tools->mark = TEXT(PYTHON_TAG);
    tools->opening =
        text_of(arena_printf(&learner->format->memory, PYTHON_TAG "%.*s", TEXT_FORMAT(opening)));
}

/* From the conversation with one call. */
static bool learn_call(struct learner *learner)
{
    struct tool_format *tools = &learner->format->tools;
    struct text plain = buffer_text(&learner->plain), one = buffer_text(&learner->one);
    size_t answer = text_find(plain, TEXT(ANSWER));
    struct written_call call;
    if (answer == SIZE_MAX || !cut_call(text_from(one, find_answer(one, plain)), NAMES[0], &call) ||
        !cut_ending(&call.after, text_from(plain, answer + strlen(ANSWER))))
        return false;
    struct text opening = without_reasoning(learner->format, call.before);
    if (opening.length < 2 || contains(opening, "probe")) return false;
    if (call.between.length == 0 || call_name_has(call.between.data[0])) return false;
    set_opening(learner, keep(learner, opening));
    tools->between = keep_without_ids(learner, call.between);
    tools->end = keep_without_ids(learner, call.after);
    return !contains(tools->between, "probe") && !contains(tools->end, "probe");
}

/* From the one with two calls. A template that refuses it, or writes the second call in another
 * way, leaves it at one call per answer. */
static void learn_middle(struct learner *learner)
{
    struct tool_format *tools = &learner->format->tools;
    struct text two = buffer_text(&learner->two);
    size_t second = text_find(two, text_of(NAMES[1]));
    struct written_call first, last;
    tools->middle = TEXT("");
    if (second == SIZE_MAX || !cut_call(text_slice(two, 0, second), NAMES[0], &first) ||
        !cut_call(text_from(two, second), NAMES[1], &last))
        return;
    struct text middle = keep_without_ids(learner, first.after);
    struct text between = keep_without_ids(learner, last.between);
    if (text_equal(between, tools->between) && !contains(middle, "probe")) tools->middle = middle;
}

/* Does the template tell of tools and of what they gave? */
static bool knows_tools(struct learner *learner)
{
    const struct chat_format *format = learner->format;
    json_t *messages =
        json_pack("[o, o, o]", question(), probe_calls(format, 1), probe_result(format));
    return render(learner, messages, &learner->one) && contains(buffer_text(&learner->one), TOOL) &&
           contains(buffer_text(&learner->one), RESULT);
}

/* A template that writes an object neither as JSON nor as Python prints it has a notation of its
 * own, which JSON as a string would only hide. */
static bool has_own_notation(struct text written)
{
    return contains(written, "probe_value") && !contains(written, "{'probe_key': 'probe_value'}");
}

enum { CONTENT_IS_NULL = 1, IDS_ARE_SHORT = 2, ARGUMENTS_ARE_TEXT = 4, HABITS = 8 };

/* Try one way to tell of calls. */
static bool learn_as(struct learner *learner, unsigned habits)
{
    struct chat_format *format = learner->format;
    format->content_is_null = habits & CONTENT_IS_NULL;
    format->ids_are_short = habits & IDS_ARE_SHORT;
    format->arguments_are_text = habits & ARGUMENTS_ARE_TEXT;
    if (format->arguments_are_text && learner->has_own_notation) return false;
    if (!knows_tools(learner) ||
        !render(learner, conversation(question(), probe_calls(format, 1)), &learner->one))
        return false;
    if (!learn_call(learner)) {
        learner->has_own_notation |= has_own_notation(buffer_text(&learner->one));
        return false;
    }
    if (render(learner, conversation(question(), probe_calls(format, 2)), &learner->two))
        learn_middle(learner);
    return true;
}

static void learn_reasoning(struct learner *learner)
{
    for (size_t i = 0; i < ARRAY_COUNT(REASONING_MARKS); i++) {
        if (text_find(learner->source, REASONING_MARKS[i].close) == SIZE_MAX) continue;
        learner->format->reasoning_open = REASONING_MARKS[i].open;
        learner->format->reasoning_close = REASONING_MARKS[i].close;
        return;
    }
}

static void learn_tools(struct learner *learner)
{
    json_t *answer = probe_message("assistant", ANSWER);
    if (render(learner, conversation(question(), answer), &learner->plain))
        for (unsigned habits = 0; habits < HABITS; habits++)
            if (learn_as(learner, habits)) return;
    struct chat_format *format = learner->format;
    format->is_generic = true;
    format->content_is_null = format->arguments_are_text = format->ids_are_short = false;
    format->tools = GENERIC_TOOL_FORMAT;
    json_t *system = probe_message("system", ANSWER);
    format->takes_system = render(learner, conversation(system, question()), &learner->plain) &&
                           contains(buffer_text(&learner->plain), ANSWER);
}

/* ---- special tokens ---- */

static bool has_special(const struct chat_format *format, int32_t token)
{
    for (size_t i = 0; i < format->special_count; i++)
        if (format->specials[i].token == token) return true;
    return false;
}

/* Those in one of the format's texts. More than there is room for stay plain text, as does what the
 * vocabulary cannot say. */
static enum status learn_specials(struct chat_format *format, const struct tokenizer *tokenizer,
                                  struct text t, struct fault *fault)
{
    struct token_list tokens = {.ids = NULL};
    enum status status = tokenizer_encode(tokenizer, t, TOKENIZE_PARSE_SPECIAL, &tokens, fault);
    for (size_t i = 0; i < tokens.count && format->special_count < CHAT_SPECIALS_LIMIT; i++) {
        int32_t token = tokens.ids[i];
        if (!tokenizer_is_special(tokenizer, token) || has_special(format, token)) continue;
        format->specials[format->special_count++] =
            (struct chat_special){tokenizer_token_text(tokenizer, token), token};
    }
    token_list_deinit(&tokens);
    return status == STATUS_NO_MEMORY ? status : OK;
}

static enum status learn_all_specials(struct chat_format *format, const struct tokenizer *tokenizer,
                                      struct fault *fault)
{
    const struct tool_format *tools = &format->tools;
    const struct text texts[] = {format->reasoning_open, format->reasoning_close, tools->opening,
                                 tools->between,         tools->middle,           tools->end};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        TRY(learn_specials(format, tokenizer, texts[i], fault));
    return OK;
}

enum status chat_format_learn(struct chat_format *format, const struct chat_template *compiled,
                              struct text source, const struct tokenizer *tokenizer,
                              struct fault *fault)
{
    *format = (struct chat_format){.is_generic = false};
    arena_init(&format->memory, 0);
    struct learner learner = {.format = format, .compiled = compiled, .source = source};
    buffer_init(&learner.plain);
    buffer_init(&learner.one);
    buffer_init(&learner.two);
    learn_reasoning(&learner);
    learn_tools(&learner);
    buffer_deinit(&learner.plain);
    buffer_deinit(&learner.one);
    buffer_deinit(&learner.two);
    enum status status = OK;
    if (learner.out_of_memory)
        status =
            fault_set(fault, STATUS_NO_MEMORY, "no memory for the format of the chat template");
    else if (tokenizer)
        status = learn_all_specials(format, tokenizer, fault);
    if (status != OK) chat_format_deinit(format);
    return status;
}

enum chat_reasoning chat_format_reasoning(const struct chat_format *format, struct text prompt)
{
    struct text t = text_trim(prompt);
    if (format->reasoning_open.length == 0) return REASONING_AHEAD;
    if (text_ends_with(t, format->reasoning_open)) return REASONING_BEGUN;
    return text_ends_with(t, format->reasoning_close) ? REASONING_OVER : REASONING_AHEAD;
}

void chat_format_deinit(struct chat_format *format)
{
    arena_deinit(&format->memory);
    *format = (struct chat_format){.is_generic = false};
}

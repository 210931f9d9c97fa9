/* pretokenizer_family.c - see pretokenizer_family.h.
 *
 * A name stands for the regular expressions of a model family's tokenizer.json; which name stands
 * for which is llama.cpp's convention. A pattern need not cover all of a text: what lies between
 * two matches is a word as well. */
#include "model/tokenizer/pretokenizer_family.h"

#include <string.h>

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define WORDS_AND_REST(digits)                            \
    CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits \
                 "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"        \
                 "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
/* o200k: words are cut where lower case turns to upper case. */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED_WORDS_AND_REST(contractions, digits)                                            \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" contractions "|[^\\r\\n\\p{L}\\p{N}]?" UPPER \
    "+" LOWER "*" contractions "|" digits                                                     \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

#define GPT2   "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define LLAMA3 WORDS_AND_REST("\\p{N}{1,3}")
#define QWEN2  WORDS_AND_REST("\\p{N}")

static const struct pretokenizer_family FAMILIES[] = {
    {.names = "default",
     .patterns = {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {.names = "gpt-2 phi-2 jina-es jina-de jina-v2-es jina-v2-de gigachat a.x-4.0 mellum "
              "modern-bert mpt olmo jais trillion granite-docling exaone4",
     .patterns = {GPT2}},
    {.names = "roberta-bpe jina-v1-en jina-v2-code",
     .patterns = {GPT2},
     .adds_bos = true,
     .adds_eos = true},
    {.names = "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     .patterns = {LLAMA3},
     .whole_words = true,
     .adds_bos = true},
    {.names = "dbrx smaug-bpe glm4 chatglm-bpe", .patterns = {LLAMA3}},
    {.names = "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2",
     .patterns = {QWEN2}},
    {.names = "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2",
     .patterns = {"\\p{N}", GPT2}},
    {.names = "falcon", .patterns = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {.names = "gpt-4o llama4 kanana2 talkie minimax-m2",
     .patterns = {CASED_WORDS_AND_REST(CONTRACTIONS "?", "\\p{N}{1,3}")}},
    {.names = "tekken",
     .patterns = {CASED_WORDS_AND_REST("", "\\p{N}")},
     .whole_words = true,
     .adds_bos = true},
};

/* Is `name` one of the words of `names`? */
static bool is_among(const char *names, struct text name)
{
    while (*names) {
        size_t length = strcspn(names, " ");
        if (text_equal((struct text){names, length}, name)) return true;
        names += length + (names[length] == ' ');
    }
    return false;
}

enum status pretokenizer_family_find(struct text name, const struct pretokenizer_family **family,
                                     struct fault *fault)
{
    struct buffer known;
    if (name.length == 0) name = TEXT("default");
    for (size_t i = 0; i < ARRAY_COUNT(FAMILIES); i++) {
        *family = &FAMILIES[i];
        if (is_among(FAMILIES[i].names, name)) return OK;
    }
    buffer_init(&known);
    for (size_t i = 0; i < ARRAY_COUNT(FAMILIES); i++)
        buffer_printf(&known, " %s", FAMILIES[i].names);
    enum status status = fault_set(
        fault, STATUS_UNSUPPORTED, "the pre-tokenizer \"%.*s\" is not supported; these are:%.*s",
        TEXT_FORMAT(text_slice(name, 0, 64)), TEXT_FORMAT(buffer_text(&known)));
    buffer_deinit(&known);
    return status;
}

/* synth_tokenizer.c - see synth_tokenizer.h.
 *
 * Characters, then words with all their beginnings (so that pairs can merge up to the word), then
 * made-up words of syllables until the vocabulary has its size. */
#include "model/file/synth_tokenizer.h"

#include <assert.h>
#include <string.h>

#include "model/file/token_table.h"

struct word_maker {
    struct arena *arena;
    struct token_table table;
    uint32_t filled;
    bool failed;
};

static void add_token(struct word_maker *maker, const char *token, enum token_type type)
{
    struct token_table *table = &maker->table;
    if (!token) maker->failed = true;
    if (maker->failed || maker->filled == table->count) return;
    table->tokens[maker->filled] = text_of(token);
    table->types[maker->filled] = (int32_t)type;
    table->scores[maker->filled] = type == TOKEN_NORMAL ? -(float)maker->filled : 0;
    maker->filled++;
}

static bool has_token(const struct word_maker *maker, struct text token)
{
    for (uint32_t i = 0; i < maker->filled; i++)
        if (text_equal(maker->table.tokens[i], token)) return true;
    return false;
}

/* "▁t", "▁th", "▁the" */
static void add_word(struct word_maker *maker, const char *word)
{
    for (size_t length = 1; length <= strlen(word); length++) {
        const char *token = arena_printf(maker->arena, SPACE_MARK "%.*s", (int)length, word);
        if (!token || !has_token(maker, text_of(token))) add_token(maker, token, TOKEN_NORMAL);
    }
}

static const char *const words[] = {"the",  "and", "that", "with", "this", "from", "have", "you",
                                    "what", "can", "user", "once", "upon", "time", "was",  "little",
                                    "girl", "he",  "she",  "it",   "in",   "of",   "to",   "is"};

/* Each number has a word of its own: "▁bobaba", "▁bobabe", ... */
static void add_made_up_words(struct word_maker *maker)
{
    static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
    enum { SYLLABLES = (sizeof consonants - 1) * (sizeof vowels - 1) };
    for (uint32_t number = 0; maker->filled < maker->table.count && !maker->failed; number++) {
        char word[3 * 8 + 1] = "";
        size_t length = 0;
        for (uint32_t rest = number + SYLLABLES * SYLLABLES; rest; rest /= SYLLABLES) {
            word[length++] = consonants[rest % SYLLABLES / (sizeof vowels - 1)];
            word[length++] = vowels[rest % (sizeof vowels - 1)];
        }
        add_token(maker, arena_printf(maker->arena, SPACE_MARK "%s", word), TOKEN_NORMAL);
    }
}

static void fill_sentencepiece(struct word_maker *maker)
{
    add_token(maker, "<unk>", TOKEN_UNKNOWN);
    add_token(maker, "<s>", TOKEN_CONTROL);
    add_token(maker, "</s>", TOKEN_CONTROL);
    for (unsigned byte = 0; byte < 256; byte++)
        add_token(maker, arena_printf(maker->arena, "<0x%02X>", byte), TOKEN_BYTE);
    add_token(maker, "<|im_start|>", TOKEN_CONTROL);
    add_token(maker, "<|im_end|>", TOKEN_CONTROL);
    add_token(maker, "<|endoftext|>", TOKEN_CONTROL); /* llama.cpp wants it in a phi3 */
    add_token(maker, SPACE_MARK, TOKEN_NORMAL);
    for (int c = '!'; c <= '~'; c++)
        add_token(maker, arena_printf(maker->arena, "%c", c), TOKEN_NORMAL);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) add_word(maker, words[i]);
}

static void fill_wordpiece(struct word_maker *maker)
{
    static const char *const controls[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (size_t i = 0; i < ARRAY_COUNT(controls); i++) add_token(maker, controls[i], TOKEN_CONTROL);
    for (int c = '!'; c <= '~'; c++) {
        add_token(maker, arena_printf(maker->arena, "%c", c), TOKEN_NORMAL); /* within a word */
        add_token(maker, arena_printf(maker->arena, SPACE_MARK "%c", c), TOKEN_NORMAL);
    }
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) add_word(maker, words[i]);
}

static void add_sentencepiece_entries(struct gguf_writer *writer)
{
    static const char chat_template[] =
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
        "{{ message['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    gguf_writer_add_u32(writer, "tokenizer.ggml.bos_token_id", 1);
    gguf_writer_add_u32(writer, "tokenizer.ggml.eos_token_id", 2);
    gguf_writer_add_u32(writer, "tokenizer.ggml.unknown_token_id", 0);
    gguf_writer_add_bool(writer, "tokenizer.ggml.add_bos_token", true);
    gguf_writer_add_bool(writer, "tokenizer.ggml.add_eos_token", false);
    gguf_writer_add_string(writer, "tokenizer.chat_template", text_of(chat_template));
}

static void add_wordpiece_entries(struct gguf_writer *writer)
{
    gguf_writer_add_u32(writer, "tokenizer.ggml.padding_token_id", 0);
    gguf_writer_add_u32(writer, "tokenizer.ggml.unknown_token_id", 1);
    gguf_writer_add_u32(writer, "tokenizer.ggml.bos_token_id", 2);
    gguf_writer_add_u32(writer, "tokenizer.ggml.cls_token_id", 2);
    gguf_writer_add_u32(writer, "tokenizer.ggml.eos_token_id", 3);
    gguf_writer_add_u32(writer, "tokenizer.ggml.seperator_token_id", 3); /* spelt so */
    gguf_writer_add_u32(writer, "tokenizer.ggml.mask_token_id", 4);
}

enum status synth_tokenizer_add_entries(uint32_t count, bool is_encoder, struct gguf_writer *writer,
                                        struct arena *arena, struct fault *fault)
{
    assert(count >= 1000);
    struct word_maker maker = {.arena = arena};
    TRY(token_table_init(&maker.table, count, arena, fault));
    if (is_encoder)
        fill_wordpiece(&maker);
    else
        fill_sentencepiece(&maker);
    add_made_up_words(&maker);
    if (maker.failed)
        return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for a vocabulary");

    token_table_add_entries(&maker.table, is_encoder ? "bert" : "llama", "default", writer);
    if (is_encoder)
        add_wordpiece_entries(writer);
    else
        add_sentencepiece_entries(writer);
    return OK;
}

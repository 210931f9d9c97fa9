/* tokenizer_gguf_fuzz.c - any bytes as a model file's vocabulary: refused with a sentence, or a
 * tokenizer that works. */
#include <assert.h>
#include <stdint.h>

#include "model/file/gguf.h"
#include "model/tokenizer/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct tokenizer *tokenizer)
{
    struct token_list ids = {0};
    struct buffer text;
    buffer_init(&text);
    for (unsigned flags = 0; flags < 4; flags++) {
        struct text sample = TEXT("Hello  world, don't \xF0\x9F\x99\x82 <s>a\xCC\x81\xFF\n123");
        ids.count = 0;
        if (tokenizer_encode(tokenizer, sample, flags, &ids, NULL) != OK) continue;
        for (size_t i = 0; i < ids.count; i++)
            assert(ids.ids[i] >= 0 && (uint32_t)ids.ids[i] < tokenizer_size(tokenizer));
        assert(tokenizer_decode(tokenizer, ids.ids, ids.count, true, &text, NULL) == OK);
    }
    buffer_deinit(&text);
    token_list_deinit(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gguf *gguf;
    struct tokenizer *tokenizer;
    struct fault fault = {0};
    if (gguf_open_memory(&gguf, data, size, &fault) != OK) return 0;
    if (tokenizer_from_gguf(&tokenizer, gguf, &fault) == OK) {
        use(tokenizer);
        tokenizer_free(tokenizer);
    } else {
        assert(fault.message[0] != '\0');
    }
    gguf_close(gguf);
    return 0;
}

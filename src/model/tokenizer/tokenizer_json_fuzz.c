/* tokenizer_json_fuzz.c - any bytes as tokenizer.json: refused with a sentence, or a tokenizer that
 * works. Everything up to the first NUL is the file, what follows is a text for it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "model/tokenizer/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char TEXT_AT_HAND[] = "Hello  world, don't \xF0\x9F\x99\x82 <s>a\xCC\x81\xFF\n123";
    struct fault fault = {0};
    struct tokenizer *tokenizer;
    struct token_list ids = {0};
    struct buffer text;
    const uint8_t *nul = memchr(data, 0, size);
    size_t length = nul ? (size_t)(nul - data) : size;
    struct text json = {(const char *)data, length};
    struct text sample = nul ? (struct text){(const char *)nul + 1, size - length - 1}
                             : (struct text){TEXT_AT_HAND, sizeof TEXT_AT_HAND - 1};
    if (tokenizer_from_json(&tokenizer, json, TEXT(""), &fault) != OK) {
        assert(fault.message[0] != '\0');
        return 0;
    }
    buffer_init(&text);
    for (unsigned flags = 0; flags < 4; flags++) {
        ids.count = 0;
        if (tokenizer_encode(tokenizer, sample, flags, &ids, &fault) != OK) continue;
        for (size_t i = 0; i < ids.count; i++)
            assert(ids.ids[i] >= 0 && (uint32_t)ids.ids[i] < tokenizer_size(tokenizer));
        assert(tokenizer_decode(tokenizer, ids.ids, ids.count, true, &text, &fault) == OK);
    }
    buffer_deinit(&text);
    token_list_deinit(&ids);
    tokenizer_free(tokenizer);
    return 0;
}

/* id_token_fuzz.c - whatever a provider sends for a token and for keys. The input is both, with a
 * NUL between. */
#include "accounts/id_token.h"

#include <string.h>

#include "http/json_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t token_length = end ? (size_t)(end - data) : size;
    struct text token = {(const char *)data, token_length};
    struct text keys_json = {(const char *)data + token_length, size - token_length};
    const struct id_expectation expected = {
        .issuer = TEXT("https://issuer.example.com"),
        .client_id = TEXT("liminal"),
        .nonce = TEXT("n-0S6_WzA2Mj"),
        .now_s = 1795000000,
    };
    struct arena job;
    struct id_claims claims;
    json_t *keys = NULL;
    if (end) keys_json = text_slice(keys_json, 1, keys_json.length);
    if (json_body_parse(keys_json, &keys, NULL) != OK) keys = NULL;
    arena_init(&job, 1 << 20);
    enum status status = id_token_verify(token, keys, &expected, &job, &claims, NULL);
    if (status == OK && claims.subject.length == 0) __builtin_trap();
    json_decref(keys);
    arena_deinit(&job);
    return 0;
}

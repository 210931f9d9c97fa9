/* grammar_gbnf_fuzz.c - any bytes as GBNF: refused with a sentence, or an answer can be written
 * with it. Everything up to the first NUL is the grammar, what follows chooses tokens. */
#include "inference/grammar/grammar_fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault fault = {0};
    struct grammar *grammar;
    grammar_part root;
    const uint8_t *nul = memchr(data, 0, size);
    size_t length = nul ? (size_t)(nul - data) : size;
    if (grammar_new(&grammar, &fault) != OK) return 0;
    struct text source = {(const char *)data, length};
    if (grammar_add_gbnf(grammar, source, &root, &fault) != OK) {
        assert(fault.message[0]);
        grammar_free(grammar);
        return 0;
    }
    grammar_set_root(grammar, root);
    fuzzing_write(grammar, data + length, size - length);
    return 0;
}

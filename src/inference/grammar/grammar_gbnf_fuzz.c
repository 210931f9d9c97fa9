/* grammar_gbnf_fuzz.c - any bytes as GBNF. */
#include "inference/grammar/grammar_fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzing_read(grammar_add_gbnf, data, size);
    return 0;
}

/* grammar_regex_fuzz.c - any bytes as a regular expression. */
#include "inference/grammar/grammar_fuzzing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzzing_read(grammar_add_regex, data, size);
    return 0;
}

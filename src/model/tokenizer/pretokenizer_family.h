/* pretokenizer_family.h - the pre-tokenizers that GGUF files name in tokenizer.ggml.pre. */
#ifndef LIMINAL_MODEL_TOKENIZER_PRETOKENIZER_FAMILY_H
#define LIMINAL_MODEL_TOKENIZER_PRETOKENIZER_FAMILY_H

#include "model/tokenizer/pretokenizer.h"

struct pretokenizer_family {
    const char *names;       /* separated by spaces */
    const char *patterns[5]; /* applied one after the other; NULL ends */
    bool whole_words;        /* a word that is a token as it stands is not merged */
    bool adds_bos;           /* unless the file says otherwise */
    bool adds_eos;
};

/* STATUS_UNSUPPORTED says which ones are known. The empty name is "default". */
enum status pretokenizer_family_find(struct text name, const struct pretokenizer_family **family,
                                     struct fault *fault) MUST_USE;

#endif

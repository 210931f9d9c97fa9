/* content_struct_fuzz.c - any JSON: what comes out is a structure of known segments, and stays what
 * it is when it goes in again. The corpus holds segments of all types. */
#include "conversations/content_struct.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_segments(const json_t *made)
{
    size_t index;
    const json_t *segment;
    const json_t *segments = json_object_get(made, "segments");
    if (!json_is_array(segments)) __builtin_trap();
    json_array_foreach(segments, index,
                       segment) if (!json_is_string(json_object_get(segment, "type")))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const struct text content = TEXT("What the message says, in f\xc3\xbcnf words.");
    struct fault fault;
    json_t *given = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL), *made, *again;
    if (content_struct_normalise(given, content, &made, &fault) == OK && made) {
        check_segments(made);
        if (content_struct_normalise(made, content, &again, &fault) != OK) __builtin_trap();
        if (!json_equal(made, again)) __builtin_trap();
        json_decref(again);
        json_decref(made);
    }
    json_decref(given);
    return 0;
}

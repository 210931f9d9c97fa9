/* backup_fuzz.c - the parts of a backup that somebody else may have written: headers and extended
 * headers, the manifest, and rows. The first byte says which. */
#include <stdlib.h>
#include <string.h>

#include "operations/archive.h"
#include "operations/manifest.h"
#include "operations/realization/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_header(struct text input)
{
    unsigned char block[ARCHIVE_BLOCK_BYTES] = {0};
    struct archive_entry entry;
    enum archive_block kind;
    memcpy(block, input.data, input.length < sizeof block ? input.length : sizeof block);
    if (archive_read_header(block, &entry, &kind, NULL) != OK) return;
    struct text rest = text_slice(input, sizeof block, input.length);
    if (archive_read_extension(rest, &entry, NULL) == OK &&
        strnlen(entry.path, sizeof entry.path) == sizeof entry.path)
        abort();
}

static void fuzz_extension(struct text input)
{
    struct archive_entry entry = {0};
    if (archive_read_extension(input, &entry, NULL) == OK && entry.path[0] &&
        !archive_path_is_safe(text_of(entry.path)))
        abort();
}

static void fuzz_part(struct text rest, struct arena *job)
{
    struct schema_table table;
    struct text line;
    if (!part_next_line(&rest, &line) || part_read_columns(line, job, &table, NULL) != OK) return;
    enum sql_type *types = arena_alloc_array(job, table.column_count, sizeof *types);
    struct sql_value *values = arena_alloc_array(job, table.column_count, sizeof *values);
    if (!types || !values) return;
    for (size_t i = 0; i < table.column_count; i++) types[i] = table.columns[i].type;
    while (part_next_line(&rest, &line)) {
        struct buffer again;
        if (row_text_parse(line, types, table.column_count, job, values, NULL) != OK) continue;
        buffer_init(&again);
        if (row_text_append(&again, &table, values, ROW_EXACT, NULL) != OK ||
            row_text_append(&again, &table, values, ROW_CANONICAL, NULL) != OK)
            abort(); /* what was read can be written */
        buffer_deinit(&again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena job;
    struct manifest manifest;
    if (size == 0) return 0;
    struct text input = {(const char *)data + 1, size - 1};
    arena_init(&job, 64 << 20);
    switch (data[0] % 4) {
    case 0: fuzz_header(input); break;
    case 1: fuzz_extension(input); break;
    case 2: fuzz_part(input, &job); break;
    case 3:
        if (manifest_parse(input, &job, &manifest, NULL) == OK && !manifest.program) abort();
        break;
    }
    arena_deinit(&job);
    return 0;
}

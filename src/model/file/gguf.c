/* gguf.c - reading GGUF: see gguf.h and docs/format-gguf.md.
 *
 * Owns the map and the tables of entries and tensors. Knows nothing of what the keys mean, save
 * general.alignment, which is part of the format. A cursor walks the header once; every count is
 * held against the bytes that are left before anything is allocated for it, so that a hostile file
 * costs no more memory than a few times its own size. */
#include "model/file/gguf.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "model/file/name_list.h"
#include "platform/platform.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF numbers are read as they lie");

enum {
    DEFAULT_ALIGNMENT = 32,
    ENTRY_BYTES_MIN = 8 + 4 + 1,      /* key length, kind, smallest value */
    TENSOR_BYTES_MIN = 8 + 4 + 4 + 8, /* name length, dimension count, type, offset */
    STRING_BYTES_MIN = 8,
    NAME_BYTES_SHOWN = 80,
};

struct gguf {
    struct file_map map; /* empty when the bytes are the caller's */
    const unsigned char *data;
    size_t length;
    struct arena arena;
    uint32_t version;
    struct gguf_entry *entries;
    size_t entry_count;
    struct gguf_tensor *tensors;
    size_t tensor_count;
    const struct gguf_entry **entries_by_key; /* sorted: look-ups that no file can slow down */
    const struct gguf_tensor **tensors_by_name;
};

/* ---- the cursor ---- */

struct cursor {
    const unsigned char *data;
    size_t length, at;
    struct fault *fault;
};

static size_t bytes_left(const struct cursor *cursor)
{
    return cursor->length - cursor->at;
}

static enum status cut_off(const struct cursor *cursor, const char *what)
{
    return fault_set(cursor->fault, STATUS_CORRUPT,
                     "the file ends inside %s at byte %zu of %zu; was it downloaded whole?", what,
                     cursor->at, cursor->length);
}

static enum status take(struct cursor *cursor, void *out, size_t length, const char *what)
{
    if (bytes_left(cursor) < length) return cut_off(cursor, what);
    memcpy(out, cursor->data + cursor->at, length);
    cursor->at += length;
    return OK;
}

static enum status take_u32(struct cursor *cursor, uint32_t *out, const char *what)
{
    return take(cursor, out, sizeof *out, what);
}

static enum status take_u64(struct cursor *cursor, uint64_t *out, const char *what)
{
    return take(cursor, out, sizeof *out, what);
}

static enum status take_text(struct cursor *cursor, struct text *out, const char *what)
{
    uint64_t length = 0;
    TRY(take_u64(cursor, &length, what));
    if (length > bytes_left(cursor))
        return fault_set(cursor->fault, STATUS_CORRUPT,
                         "%s at byte %zu claims %" PRIu64 " bytes, but only %zu are left", what,
                         cursor->at, length, bytes_left(cursor));
    *out = (struct text){(const char *)cursor->data + cursor->at, (size_t)length};
    cursor->at += (size_t)length;
    return OK;
}

/* A count whose every element takes at least `bytes_min` must fit into what is left. */
static enum status check_count(const struct cursor *cursor, uint64_t count, size_t bytes_min,
                               const char *what)
{
    if (count <= bytes_left(cursor) / bytes_min) return OK;
    return fault_set(cursor->fault, STATUS_CORRUPT,
                     "%" PRIu64 " %s at byte %zu cannot fit into the %zu bytes that are left",
                     count, what, cursor->at, bytes_left(cursor));
}

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for the tables of a model file");
}

/* Names in messages are the file's: cut, and shown as they are. */
static int shown(struct text name)
{
    return name.length < NAME_BYTES_SHOWN ? (int)name.length : NAME_BYTES_SHOWN;
}

/* ---- values ---- */

size_t gguf_kind_bytes(uint32_t kind)
{
    switch (kind) {
    case GGUF_U8:
    case GGUF_I8:
    case GGUF_BOOL: return 1;
    case GGUF_U16:
    case GGUF_I16: return 2;
    case GGUF_U32:
    case GGUF_I32:
    case GGUF_F32: return 4;
    case GGUF_U64:
    case GGUF_I64:
    case GGUF_F64: return 8;
    default: return 0;
    }
}

static const char *kind_name(enum gguf_kind kind)
{
    static const char *const names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                        "bool", "string", "array", "u64", "i64", "f64"};
    return names[kind];
}

static enum status take_number(struct cursor *cursor, struct gguf_value *value)
{
    unsigned char raw[8] = {0};
    TRY(take(cursor, raw, gguf_kind_bytes(value->kind), "a value"));
    float narrow;
    switch (value->kind) {
    case GGUF_I8: value->i = raw[0] < 128 ? raw[0] : raw[0] - 256; break;
    case GGUF_I16: value->i = (int16_t)(raw[0] | raw[1] << 8); break;
    case GGUF_I32: {
        int32_t number;
        memcpy(&number, raw, sizeof number);
        value->i = number;
        break;
    }
    case GGUF_F32:
        memcpy(&narrow, raw, sizeof narrow);
        value->f = narrow;
        break;
    case GGUF_BOOL:
        if (raw[0] > 1)
            return fault_set(cursor->fault, STATUS_CORRUPT, "a bool at byte %zu is %u, not 0 or 1",
                             cursor->at - 1, raw[0]);
        value->u = raw[0];
        break;
    default: memcpy(&value->u, raw, sizeof raw); break; /* unsigned, and the kinds of 64 bits */
    }
    return OK;
}

static enum status take_strings(struct gguf *gguf, struct cursor *cursor, struct gguf_value *value)
{
    uint64_t count = value->array.count;
    TRY(check_count(cursor, count, STRING_BYTES_MIN, "strings of an array"));
    struct text *strings = arena_alloc_array(&gguf->arena, (size_t)count, sizeof *strings);
    if (!strings) return no_memory(cursor->fault);
    for (uint64_t i = 0; i < count; i++)
        TRY(take_text(cursor, &strings[i], "a string of an array"));
    value->array.strings = strings;
    return OK;
}

static enum status take_array(struct gguf *gguf, struct cursor *cursor, struct gguf_value *value)
{
    uint32_t kind = 0;
    TRY(take_u32(cursor, &kind, "an array"));
    TRY(take_u64(cursor, &value->array.count, "an array"));
    value->array.kind = (enum gguf_kind)kind;
    if (kind == GGUF_STRING) return take_strings(gguf, cursor, value);
    size_t bytes = gguf_kind_bytes(kind);
    if (bytes == 0)
        return fault_set(cursor->fault, kind == GGUF_ARRAY ? STATUS_UNSUPPORTED : STATUS_CORRUPT,
                         "an array at byte %zu has elements of kind %" PRIu32 ", which is %s",
                         cursor->at, kind,
                         kind == GGUF_ARRAY ? "an array again: not supported" : "unknown");
    TRY(check_count(cursor, value->array.count, bytes, "numbers of an array"));
    value->array.data = cursor->data + cursor->at;
    cursor->at += (size_t)value->array.count * bytes;
    return OK;
}

static enum status take_value(struct gguf *gguf, struct cursor *cursor, struct gguf_value *value)
{
    uint32_t kind = 0;
    TRY(take_u32(cursor, &kind, "the kind of a value"));
    value->kind = (enum gguf_kind)kind;
    if (kind == GGUF_STRING) return take_text(cursor, &value->string, "a string");
    if (kind == GGUF_ARRAY) return take_array(gguf, cursor, value);
    if (gguf_kind_bytes(kind) == 0)
        return fault_set(cursor->fault, STATUS_CORRUPT,
                         "a value at byte %zu has unknown kind %" PRIu32, cursor->at, kind);
    return take_number(cursor, value);
}

static int compare_text(struct text a, struct text b)
{
    int order = memcmp(a.data, b.data, a.length < b.length ? a.length : b.length);
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_entries(const void *a, const void *b)
{
    const struct gguf_entry *const *left = a, *const *right = b;
    return compare_text((*left)->key, (*right)->key);
}

static enum status take_entries(struct gguf *gguf, struct cursor *cursor)
{
    size_t count = gguf->entry_count;
    gguf->entries = arena_alloc_array(&gguf->arena, count, sizeof *gguf->entries);
    gguf->entries_by_key = arena_alloc_array(&gguf->arena, count, sizeof(struct gguf_entry *));
    if (!gguf->entries || !gguf->entries_by_key) return no_memory(cursor->fault);
    for (size_t i = 0; i < count; i++) {
        struct gguf_entry *entry = &gguf->entries[i];
        TRY(take_text(cursor, &entry->key, "a key"));
        enum status status = take_value(gguf, cursor, &entry->value);
        if (status != OK) {
            fault_prefix(cursor->fault, "key \"%.*s\"", shown(entry->key), entry->key.data);
            return status;
        }
        gguf->entries_by_key[i] = entry;
    }
    qsort(gguf->entries_by_key, count, sizeof(struct gguf_entry *), compare_entries);
    for (size_t i = 1; i < count; i++)
        if (compare_entries(&gguf->entries_by_key[i - 1], &gguf->entries_by_key[i]) == 0) {
            struct text key = gguf->entries_by_key[i]->key;
            return fault_set(cursor->fault, STATUS_CORRUPT, "the key \"%.*s\" appears twice",
                             shown(key), key.data);
        }
    return OK;
}

/* ---- tensors ---- */

/* Types that exist in the format but have no place here, for the message. */
static const char *foreign_type_name(int64_t type)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{9, "Q8_1"},   {15, "Q8_K"},  {19, "IQ1_S"}, {24, "I8"},    {25, "I16"},
                 {26, "I32"},   {27, "I64"},   {28, "F64"},   {29, "IQ1_M"}, {34, "TQ1_0"},
                 {35, "TQ2_0"}, {39, "MXFP4"}, {40, "NVFP4"}};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (names[i].number == type) return names[i].name;
    return "unknown";
}

static enum status refuse_type(struct fault *fault, int64_t type)
{
    struct name_list supported = {""};
    for (int known = 0; known < TENSOR_TYPE_COUNT; known++)
        if (tensor_type_info(known)) name_list_add(&supported, tensor_type_info(known)->name);
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "type %" PRId64 " (%s) is not supported; these are: %s", type,
                     foreign_type_name(type), supported.text);
}

/* Dimensions and type; `bytes` is set from them. */
static enum status take_shape(struct cursor *cursor, struct gguf_tensor *tensor)
{
    TRY(take_u32(cursor, &tensor->dimension_count, "a tensor"));
    if (tensor->dimension_count < 1 || tensor->dimension_count > 4)
        return fault_set(cursor->fault, STATUS_CORRUPT, "%" PRIu32 " dimensions, not 1 to 4",
                         tensor->dimension_count);
    uint64_t values = 1;
    for (uint32_t i = 0; i < 4; i++) {
        tensor->dimensions[i] = 1;
        if (i < tensor->dimension_count) TRY(take_u64(cursor, &tensor->dimensions[i], "a tensor"));
        if (tensor->dimensions[i] == 0 || tensor->dimensions[i] > INT64_MAX ||
            __builtin_mul_overflow(values, tensor->dimensions[i], &values))
            return fault_set(cursor->fault, STATUS_CORRUPT,
                             "dimension %" PRIu32 " is %" PRIu64 ", out of range", i,
                             tensor->dimensions[i]);
    }
    int32_t type = 0;
    TRY(take(cursor, &type, sizeof type, "a tensor"));
    const struct tensor_type_info *info = tensor_type_info(type);
    if (!info) return refuse_type(cursor->fault, type);
    tensor->type = (enum tensor_type)type;
    if (tensor->dimensions[0] % info->block_values != 0)
        return fault_set(cursor->fault, STATUS_CORRUPT,
                         "rows of %" PRIu64 " values do not divide into %s blocks of %" PRIu32,
                         tensor->dimensions[0], info->name, info->block_values);
    if (!tensor_type_bytes(tensor->type, values, &tensor->bytes))
        return fault_set(cursor->fault, STATUS_CORRUPT, "its size overflows 64 bits");
    return OK;
}

static int compare_tensors(const void *a, const void *b)
{
    const struct gguf_tensor *const *left = a, *const *right = b;
    return compare_text((*left)->name, (*right)->name);
}

static int compare_places(const void *a, const void *b)
{
    const struct gguf_tensor *const *left = a, *const *right = b;
    return ((*left)->data > (*right)->data) - ((*left)->data < (*right)->data);
}

/* Offsets are given relative to the data section, which starts only after all of this: until then
 * `offsets` keeps them. */
static enum status take_tensors(struct gguf *gguf, struct cursor *cursor, uint64_t *offsets)
{
    for (size_t i = 0; i < gguf->tensor_count; i++) {
        struct gguf_tensor *tensor = &gguf->tensors[i];
        TRY(take_text(cursor, &tensor->name, "the name of a tensor"));
        enum status status = take_shape(cursor, tensor);
        if (status == OK) status = take_u64(cursor, &offsets[i], "a tensor");
        if (status != OK) {
            fault_prefix(cursor->fault, "tensor \"%.*s\"", shown(tensor->name), tensor->name.data);
            return status;
        }
        gguf->tensors_by_name[i] = tensor;
    }
    return OK;
}

static enum status place_tensors(struct gguf *gguf, const struct cursor *cursor,
                                 const uint64_t *offsets, uint32_t alignment)
{
    uint64_t start = ((uint64_t)cursor->at + alignment - 1) / alignment * alignment;
    uint64_t room = start <= cursor->length ? cursor->length - start : 0;
    for (size_t i = 0; i < gguf->tensor_count; i++) {
        struct gguf_tensor *tensor = &gguf->tensors[i];
        if (offsets[i] % alignment != 0)
            return fault_set(cursor->fault, STATUS_CORRUPT,
                             "tensor \"%.*s\": its offset %" PRIu64
                             " is no multiple of the "
                             "alignment %" PRIu32,
                             shown(tensor->name), tensor->name.data, offsets[i], alignment);
        if (offsets[i] > room || tensor->bytes > room - offsets[i])
            return fault_set(cursor->fault, STATUS_CORRUPT,
                             "tensor \"%.*s\": its %" PRIu64 " bytes at offset %" PRIu64
                             " reach beyond the end of the file; was it downloaded whole?",
                             shown(tensor->name), tensor->name.data, tensor->bytes, offsets[i]);
        tensor->data = gguf->data + start + offsets[i];
    }
    return OK;
}

/* No two tensors may share a name, or bytes: a small file that is repacked into many large matrices
 * would exhaust memory. Leaves tensors_by_name sorted by name. */
static enum status check_distinct(struct gguf *gguf, struct fault *fault)
{
    const struct gguf_tensor **sorted = gguf->tensors_by_name;
    size_t count = gguf->tensor_count;
    qsort(sorted, count, sizeof(struct gguf_tensor *), compare_places);
    for (size_t i = 1; i < count; i++) {
        const unsigned char *before = sorted[i - 1]->data;
        if (before + sorted[i - 1]->bytes > (const unsigned char *)sorted[i]->data)
            return fault_set(fault, STATUS_CORRUPT, "tensors \"%.*s\" and \"%.*s\" overlap",
                             shown(sorted[i - 1]->name), sorted[i - 1]->name.data,
                             shown(sorted[i]->name), sorted[i]->name.data);
    }
    qsort(sorted, count, sizeof(struct gguf_tensor *), compare_tensors);
    for (size_t i = 1; i < count; i++)
        if (compare_tensors(&sorted[i - 1], &sorted[i]) == 0)
            return fault_set(fault, STATUS_CORRUPT, "the tensor \"%.*s\" appears twice",
                             shown(sorted[i]->name), sorted[i]->name.data);
    return OK;
}

static enum status read_alignment(const struct gguf *gguf, uint32_t *alignment, struct fault *fault)
{
    TRY(gguf_u32(gguf, "general.alignment", DEFAULT_ALIGNMENT, alignment, fault));
    if (*alignment == 0 || (*alignment & (*alignment - 1)) != 0)
        return fault_set(fault, STATUS_CORRUPT, "general.alignment %" PRIu32 " is no power of two",
                         *alignment);
    return OK;
}

/* ---- the whole ---- */

static enum status take_header(struct gguf *gguf, struct cursor *cursor)
{
    char magic[4] = "";
    uint64_t tensor_count = 0, entry_count = 0;
    TRY(take(cursor, magic, sizeof magic, "the magic number"));
    if (memcmp(magic, "GGUF", 4) != 0)
        return fault_set(cursor->fault, STATUS_CORRUPT,
                         "not a GGUF file: it does not start with "
                         "\"GGUF\"");
    TRY(take_u32(cursor, &gguf->version, "the version"));
    if (gguf->version != 2 && gguf->version != 3)
        return fault_set(cursor->fault, STATUS_UNSUPPORTED,
                         "GGUF version %" PRIu32 "%s is not supported; versions 2 and 3 are",
                         gguf->version, (gguf->version & 0xffff) == 0 ? " (big-endian?)" : "");
    TRY(take_u64(cursor, &tensor_count, "the header"));
    TRY(take_u64(cursor, &entry_count, "the header"));
    TRY(check_count(cursor, entry_count, ENTRY_BYTES_MIN, "entries"));
    TRY(check_count(cursor, tensor_count, TENSOR_BYTES_MIN, "tensors"));
    gguf->entry_count = (size_t)entry_count;
    gguf->tensor_count = (size_t)tensor_count;
    return OK;
}

static enum status parse(struct gguf *gguf, struct fault *fault)
{
    struct cursor cursor = {.data = gguf->data, .length = gguf->length, .fault = fault};
    TRY(take_header(gguf, &cursor));
    TRY(take_entries(gguf, &cursor));
    uint32_t alignment;
    TRY(read_alignment(gguf, &alignment, fault));
    size_t count = gguf->tensor_count;
    uint64_t *offsets = arena_alloc_array(&gguf->arena, count, sizeof *offsets);
    gguf->tensors = arena_alloc_array(&gguf->arena, count, sizeof *gguf->tensors);
    gguf->tensors_by_name = arena_alloc_array(&gguf->arena, count, sizeof(struct gguf_tensor *));
    if (!offsets || !gguf->tensors || !gguf->tensors_by_name) return no_memory(fault);
    TRY(take_tensors(gguf, &cursor, offsets));
    TRY(place_tensors(gguf, &cursor, offsets, alignment));
    return check_distinct(gguf, fault);
}

enum status gguf_open_memory(struct gguf **gguf, const void *data, size_t length,
                             struct fault *fault)
{
    *gguf = NULL;
    struct gguf *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return no_memory(fault);
    fresh->data = data;
    fresh->length = length;
    arena_init(&fresh->arena, 0);
    enum status status = parse(fresh, fault);
    if (status == OK)
        *gguf = fresh;
    else
        gguf_close(fresh);
    return status;
}

enum status gguf_open(struct gguf **gguf, const char *path, struct fault *fault)
{
    *gguf = NULL;
    struct file_map map;
    TRY(file_map_open(&map, path, fault));
    enum status status = gguf_open_memory(gguf, map.data, map.length, fault);
    if (*gguf) {
        (*gguf)->map = map;
    } else {
        file_map_close(&map);
        fault_prefix(fault, "%s", path);
    }
    return status;
}

void gguf_close(struct gguf *gguf)
{
    if (!gguf) return;
    arena_deinit(&gguf->arena);
    if (gguf->map.length) file_map_close(&gguf->map);
    free(gguf);
}

void gguf_release_tensor(const struct gguf *gguf, const struct gguf_tensor *tensor)
{
    if (gguf->map.length)
        file_map_release(&gguf->map, (size_t)((const unsigned char *)tensor->data - gguf->data),
                         (size_t)tensor->bytes);
}

/* ---- looking up ---- */

uint32_t gguf_version(const struct gguf *gguf)
{
    return gguf->version;
}

size_t gguf_entry_count(const struct gguf *gguf)
{
    return gguf->entry_count;
}

const struct gguf_entry *gguf_entry_at(const struct gguf *gguf, size_t index)
{
    assert(index < gguf->entry_count);
    return &gguf->entries[index];
}

size_t gguf_tensor_count(const struct gguf *gguf)
{
    return gguf->tensor_count;
}

const struct gguf_tensor *gguf_tensor_at(const struct gguf *gguf, size_t index)
{
    assert(index < gguf->tensor_count);
    return &gguf->tensors[index];
}

const struct gguf_value *gguf_find(const struct gguf *gguf, const char *key)
{
    const struct gguf_entry wanted = {.key = text_of(key)}, *wanted_at = &wanted;
    const struct gguf_entry **found = bsearch(&wanted_at, gguf->entries_by_key, gguf->entry_count,
                                              sizeof(struct gguf_entry *), compare_entries);
    return found ? &(*found)->value : NULL;
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf *gguf, const char *name)
{
    const struct gguf_tensor wanted = {.name = text_of(name)}, *wanted_at = &wanted;
    const struct gguf_tensor **found =
        bsearch(&wanted_at, gguf->tensors_by_name, gguf->tensor_count, sizeof(struct gguf_tensor *),
                compare_tensors);
    return found ? *found : NULL;
}

static enum status wrong_kind(struct fault *fault, const char *key, const char *wanted,
                              enum gguf_kind kind)
{
    return fault_set(fault, STATUS_CORRUPT, "the key \"%s\" should be %s but is %s", key, wanted,
                     kind_name(kind));
}

enum status gguf_u32(const struct gguf *gguf, const char *key, uint32_t fallback, uint32_t *out,
                     struct fault *fault)
{
    *out = fallback;
    const struct gguf_value *value = gguf_find(gguf, key);
    if (!value) return OK;
    switch (value->kind) {
    case GGUF_U8:
    case GGUF_U16:
    case GGUF_U32:
    case GGUF_U64:
        if (value->u > UINT32_MAX)
            return fault_set(fault, STATUS_CORRUPT, "the key \"%s\" is %" PRIu64 ", out of range",
                             key, value->u);
        *out = (uint32_t)value->u;
        return OK;
    case GGUF_I8:
    case GGUF_I16:
    case GGUF_I32:
    case GGUF_I64:
        if (value->i < 0 || value->i > UINT32_MAX)
            return fault_set(fault, STATUS_CORRUPT, "the key \"%s\" is %" PRId64 ", out of range",
                             key, value->i);
        *out = (uint32_t)value->i;
        return OK;
    default: return wrong_kind(fault, key, "an integer", value->kind);
    }
}

enum status gguf_f32(const struct gguf *gguf, const char *key, float fallback, float *out,
                     struct fault *fault)
{
    *out = fallback;
    const struct gguf_value *value = gguf_find(gguf, key);
    if (!value) return OK;
    if (value->kind != GGUF_F32 && value->kind != GGUF_F64)
        return wrong_kind(fault, key, "a float", value->kind);
    *out = (float)value->f;
    return OK;
}

enum status gguf_bool(const struct gguf *gguf, const char *key, bool fallback, bool *out,
                      struct fault *fault)
{
    *out = fallback;
    const struct gguf_value *value = gguf_find(gguf, key);
    if (!value) return OK;
    if (value->kind != GGUF_BOOL) return wrong_kind(fault, key, "a bool", value->kind);
    *out = value->u != 0;
    return OK;
}

enum status gguf_string(const struct gguf *gguf, const char *key, struct text fallback,
                        struct text *out, struct fault *fault)
{
    *out = fallback;
    const struct gguf_value *value = gguf_find(gguf, key);
    if (!value) return OK;
    if (value->kind != GGUF_STRING) return wrong_kind(fault, key, "a string", value->kind);
    *out = value->string;
    return OK;
}

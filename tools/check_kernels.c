/* check_kernels.c - every kernel of every instruction set this machine has, on random and extreme
 * input.
 *
 * Two judgements: the scalar kernels must agree with the plain reference (in double, within the
 * rounding that 8-bit activations and floats allow), and every other instruction set, with one
 * thread and with two, must agree with the scalar kernels to the last bit.
 *
 *     check_kernels            all checks; exit status 1 when something differs
 *     check_kernels --quick    fewer shapes, for builds with sanitizers
 *     check_kernels --bench    also the speed of every type, and its share of the machine's limits
 */
#include <stdio.h>
#include <time.h>

#include "check_kernels_reference.h"
#include "compute/cpu/tile.h"

enum { MACHINES_MAX = 8, OPERATIONS_MAX = 64 };

/* An opened compute: the first is the scalar one with one thread. */
static struct {
    struct compute *compute;
    unsigned threads;
} machines[MACHINES_MAX];
static unsigned machine_count;
static bool quick;

/* Results of one operation on one machine. */
static struct operation {
    char name[32];
    unsigned passed[MACHINES_MAX], failed[MACHINES_MAX];
} operations[OPERATIONS_MAX], *operation;
static unsigned operation_count;

static void begin_operation(const char *name)
{
    operation = &operations[operation_count++];
    snprintf(operation->name, sizeof operation->name, "%s", name);
}

static void record(unsigned machine, bool good, const char *detail)
{
    if (good) {
        operation->passed[machine]++;
        return;
    }
    if (operation->failed[machine]++ < 3)
        fprintf(stderr, "%s on %s with %u threads differs: %s\n", operation->name,
                compute_isa_name(machines[machine].compute), machines[machine].threads, detail);
}

/* ---- input ---- */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint32_t random_bits(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

static float random_float(void) /* -1..1 */
{
    return (float)(int32_t)random_bits() * 0x1p-31f;
}

enum filling { FILL_RANDOM, FILL_ZERO, FILL_HUGE, FILL_TINY, FILL_SPIKE, FILL_COUNT };
static const char *const filling_names[] = {"random", "zero", "huge", "denormal", "spikes"};

static void fill(float *values, size_t count, enum filling filling)
{
    for (size_t i = 0; i < count; i++) {
        float value = random_float();
        switch (filling) {
        case FILL_ZERO: value = 0; break;
        case FILL_HUGE: value *= 1e15f; break;
        case FILL_TINY: value *= 1e-39f; break;
        case FILL_SPIKE: value = random_bits() % 40 ? value * 1e-3f : 1000; break;
        default: break;
        }
        values[i] = value;
    }
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fprintf(stderr, "no memory\n");
        exit(2);
    }
    return memory;
}

static void must(enum status status, const struct fault *fault)
{
    if (status == OK) return;
    fprintf(stderr, "%s\n", fault->message);
    exit(2);
}

/* ---- judging ---- */

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool same_bits(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bits_of(a[i]) != bits_of(b[i]) && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}

/* |value - expected| within relative x size + absolute. */
static bool close_to(const float *values, const double *expected, const double *sizes, size_t count,
                     double relative, double absolute)
{
    for (size_t i = 0; i < count; i++) {
        double size = sizes ? sizes[i] : fabs(expected[i]);
        if (!(fabs((double)values[i] - expected[i]) <= relative * size + absolute)) return false;
    }
    return true;
}

/* Record `y` on a machine: against the reference on the first, against the first on the others. */
static void judge(unsigned machine, const float *y, float *first, const double *expected,
                  const double *sizes, size_t count, double relative, double absolute,
                  const char *detail)
{
    if (machine == 0) {
        memcpy(first, y, count * sizeof *y);
        record(0, close_to(y, expected, sizes, count, relative, absolute), detail);
    } else {
        record(machine, same_bits(y, first, count), detail);
    }
}

/* ---- weights ---- */

/* Bytes of a matrix of any type whose scales are finite: random codes, F16 scales of a chosen
 * size. */
static void fill_weights(enum tensor_type type, uint32_t rows, uint32_t cols, enum filling filling,
                         uint8_t *data)
{
    const struct tensor_type_info *info = tensor_type_info(type);
    size_t blocks = (size_t)rows * cols / info->block_values;
    if (info->block_values == 1) {
        for (size_t i = 0; i < blocks; i++) {
            float value;
            fill(&value, 1, filling);
            if (filling == FILL_HUGE && type != TENSOR_F32) value *= 6e-11f; /* up to 60000 */
            /* As BF16 where rows are odd: such F16 is multiplied in pairs. */
            if (rows % 2) value = type == TENSOR_F16 ? bf16_to_f32(f32_to_bf16(value)) : value;
            uint16_t half = type == TENSOR_F16 ? f32_to_f16(value) : f32_to_bf16(value);
            memcpy(data + i * info->block_bytes, info->block_bytes == 4 ? (void *)&value : &half,
                   info->block_bytes);
        }
        return;
    }
    /* Where the F16 scale and minimum are in a block: the K types keep them at the end, except
     * Q4_K and Q5_K. */
    bool at_end = type == TENSOR_Q2_K || type == TENSOR_Q3_K || type == TENSOR_Q6_K;
    bool two = type == TENSOR_Q4_1 || type == TENSOR_Q5_1 || type == TENSOR_Q2_K ||
               type == TENSOR_Q4_K || type == TENSOR_Q5_K;
    for (size_t b = 0; b < blocks; b++, data += info->block_bytes) {
        for (uint32_t i = 0; i < info->block_bytes; i++) data[i] = (uint8_t)random_bits();
        if (filling == FILL_SPIKE) memset(data, b % 2 ? 0xff : 0x80, info->block_bytes);
        uint16_t *scales = (uint16_t *)(at_end ? data + info->block_bytes - (two ? 4 : 2) : data);
        for (int i = 0; i <= two; i++) {
            uint16_t half = f32_to_f16(random_float());
            if (filling == FILL_ZERO) half = 0;
            if (filling == FILL_HUGE) half = 0x7bff;
            if (filling == FILL_TINY) half = (uint16_t)(random_bits() & 0x83ff);
            memcpy(&scales[i], &half, sizeof half);
        }
    }
}

/* ---- operations ---- */

/* How far a product may be off, of the sum of its terms' magnitudes. 8-bit activations err by up to
 * 1/254 of the block's largest, spikes make all others vanish; those in BF16 by up to 2^-9 each. */
static double product_error(const struct matrix *matrix, enum filling inputs)
{
    if (tensor_type_info(matrix->type)->block_values > 1) return inputs == FILL_SPIKE ? 2 : 0.02;
    return matrix->layout == TILE_PAIRS ? 0.002 : 1e-5;
}

static void check_multiply_case(enum tensor_type type, uint32_t rows, uint32_t cols, size_t n,
                                enum filling weights, enum filling inputs)
{
    uint64_t row_bytes;
    if (!tensor_type_bytes(type, cols, &row_bytes)) return;
    uint8_t *data = allocate(rows, row_bytes);
    float *w = allocate((size_t)rows * cols, sizeof *w), *x = allocate(n * cols, sizeof *x);
    float *y = allocate(n * rows, sizeof *y), *first = allocate(n * rows, sizeof *first);
    float *row = allocate(cols, sizeof *row), *alone = allocate(rows, sizeof *alone);
    double *expected = allocate(n * rows, sizeof *expected);
    double *sizes = allocate(n * rows, sizeof *sizes);
    char detail[128];
    snprintf(detail, sizeof detail, "%u x %u, %zu tokens, %s weights, %s input", rows, cols, n,
             filling_names[weights], filling_names[inputs]);
    fill_weights(type, rows, cols, weights, data);
    for (uint32_t r = 0; r < rows; r++)
        dequantise_row(type, data + r * row_bytes, w + (size_t)r * cols, cols);
    fill(x, n * cols, inputs);
    reference_multiply(w, rows, cols, x, n, expected, sizes);
    double absolute = 1e-27; /* activations below 1e-30 count as 0 */

    for (unsigned m = 0; m < machine_count; m++) {
        struct matrix matrix;
        struct fault fault;
        must(matrix_pack(machines[m].compute, &matrix, type, rows, cols, data, &fault), &fault);
        double relative = product_error(&matrix, inputs);
        bool rows_equal = true;
        for (uint32_t r = 0; r < rows; r++) {
            matrix_row(&matrix, r, row);
            rows_equal &= same_bits(row, w + (size_t)r * cols, cols);
        }
        record(m, rows_equal, "a row read back");
        struct product product = {&matrix, y, rows};
        compute_multiply(machines[m].compute, x, cols, n, &product, 1);
        judge(m, y, first, expected, sizes, n * rows, relative, absolute, detail);
        size_t token = random_bits() % n;
        product.y = alone;
        compute_multiply(machines[m].compute, x + token * cols, cols, 1, &product, 1);
        record(m, same_bits(alone, y + token * rows, rows), "one token alone and among others");
        matrix_free(&matrix);
    }
    free(data), free(w), free(x), free(y), free(first), free(row), free(alone);
    free(expected), free(sizes);
}

static void check_multiply(enum tensor_type type)
{
    static const struct {
        uint32_t rows, cols, n;
    } shapes[] = {{1, 256, 1},   {16, 512, 2},   {17, 768, 3},  {33, 256, 4},   {64, 1024, 5},
                  {88, 1280, 6}, {15, 512, 7},   {31, 2048, 8}, {100, 256, 11}, {48, 768, 12},
                  {32, 512, 13}, {130, 512, 17}, {16, 256, 40}, {50, 512, 61}};
    begin_operation(tensor_type_info(type)->name);
    for (unsigned i = 0; i < (quick ? 5 : ARRAY_COUNT(shapes)); i++)
        check_multiply_case(type, shapes[i].rows, shapes[i].cols, shapes[i].n, FILL_RANDOM,
                            FILL_RANDOM);
    for (int weights = 0; weights < FILL_COUNT; weights++)
        for (int inputs = 0; inputs < FILL_COUNT; inputs++)
            if (!quick || weights == inputs)
                check_multiply_case(type, 19, 512, 3, (enum filling)weights, (enum filling)inputs);
    if (tensor_type_info(type)->block_values == 1) check_multiply_case(type, 21, 77, 5, 0, 0);
    if (tensor_type_info(type)->block_values == 32) check_multiply_case(type, 21, 96, 5, 0, 0);
}

static const size_t widths[] = {1, 15, 16, 17, 64, 100, 576, 2048};

static void check_norms(void)
{
    for (int layer = 0; layer < 2; layer++) {
        begin_operation(layer ? "layer norm" : "rms norm");
        for (unsigned i = 0; i < ARRAY_COUNT(widths); i++)
            for (int filling = 0; filling < FILL_COUNT; filling++) {
                size_t width = widths[i], n = i % 2 ? 3 : 40;
                float *x = allocate(n * width, sizeof *x), *y = allocate(n * width, sizeof *y);
                float *first = allocate(n * width, sizeof *first);
                float *w = allocate(2 * width, sizeof *w);
                double *expected = allocate(n * width, sizeof *expected);
                fill(x, n * width, (enum filling)filling);
                fill(w, 2 * width, FILL_RANDOM);
                for (size_t r = 0; r < n; r++)
                    if (layer)
                        reference_layer_norm(x + r * width, w, w + width, 1e-5,
                                             expected + r * width, width);
                    else
                        reference_rms_norm(x + r * width, w, 1e-5, expected + r * width, width);
                for (unsigned m = 0; m < machine_count; m++) {
                    struct compute *c = machines[m].compute;
                    if (layer)
                        compute_layer_norm(c, x, width, w, w + width, 1e-5f, y, width, n, width);
                    else
                        compute_rms_norm(c, x, width, w, 1e-5f, y, width, n, width);
                    judge(m, y, first, expected, NULL, n * width, 2e-5, 1e-4,
                          filling_names[filling]);
                }
                free(x), free(y), free(first), free(w), free(expected);
            }
    }
}

static void check_activations(void)
{
    static const char *const names[] = {"silu", "gelu tanh", "gelu erf"};
    for (int a = 0; a < 3; a++) {
        begin_operation(names[a]);
        for (unsigned i = 0; i < ARRAY_COUNT(widths); i++) {
            size_t width = widths[i], n = 11, count = n * width;
            float *gate = allocate(count, sizeof *gate), *up = allocate(count, sizeof *up);
            float *y = allocate(count, sizeof *y), *first = allocate(count, sizeof *first);
            double *expected = allocate(count, sizeof *expected);
            fill(gate, count, FILL_RANDOM);
            fill(up, count, FILL_RANDOM);
            for (size_t k = 0; k < count; k++) {
                gate[k] *= k % 7 == 0 ? 200 : 8;
                expected[k] =
                    reference_activation((enum activation)a, (double)gate[k]) * (double)up[k];
            }
            for (unsigned m = 0; m < machine_count; m++) {
                memcpy(y, gate, count * sizeof *y);
                compute_activate(machines[m].compute, (enum activation)a, y, width, up, width, n,
                                 width);
                judge(m, y, first, expected, NULL, count, 1e-6, 2e-6, "random");
            }
            free(gate), free(up), free(y), free(first), free(expected);
        }
    }
}

static void check_add(void)
{
    begin_operation("add, add bias");
    for (unsigned i = 0; i < ARRAY_COUNT(widths); i++) {
        size_t width = widths[i], n = 23, count = n * width;
        float *x = allocate(count, sizeof *x), *start = allocate(count, sizeof *start);
        float *y = allocate(count, sizeof *y), *first = allocate(count, sizeof *first);
        double *expected = allocate(count, sizeof *expected);
        fill(x, count, FILL_RANDOM);
        fill(start, count, FILL_RANDOM);
        for (size_t k = 0; k < count; k++)
            expected[k] = (double)start[k] + (double)x[k] + (double)x[k % width];
        for (unsigned m = 0; m < machine_count; m++) {
            memcpy(y, start, count * sizeof *y);
            compute_add(machines[m].compute, y, width, x, width, n, width);
            compute_add_bias(machines[m].compute, y, width, x, n, width);
            judge(m, y, first, expected, NULL, count, 1e-6, 1e-6, "random");
        }
        free(x), free(start), free(y), free(first), free(expected);
    }
}

/* Numbers that are none weigh nothing, and are never the largest. */
static void check_logits(void)
{
    begin_operation("logits");
    for (unsigned i = 0; i < ARRAY_COUNT(widths); i++) {
        size_t width = widths[i], blocks = (width + WEIGHT_BLOCK - 1) / WEIGHT_BLOCK;
        size_t count = width + blocks + 3;
        float *logits = allocate(width, sizeof *logits), *y = allocate(count, sizeof *y);
        float *first = allocate(count, sizeof *first);
        double *expected = allocate(count, sizeof *expected);
        fill(logits, width, FILL_RANDOM);
        for (size_t k = 0; k < width; k++) logits[k] *= k % 9 == 0 ? 90 : 10;
        for (size_t k = 5; k < width; k += 11)
            logits[k] = k % 2 ? k % 3 ? NAN : INFINITY : -INFINITY;
        reference_weigh_logits(logits, width, 1.25, 0.25, 0.01, expected);
        for (unsigned m = 0; m < machine_count; m++) {
            const struct compute *c = machines[m].compute;
            float largest = compute_logits_largest(c, logits, width);
            double sum = compute_logits_weigh(c, logits, width, largest, 1.25f, y, y + width);
            y[count - 3] = largest;
            y[count - 2] = (float)sum;
            y[count - 1] = (float)compute_weights_above(c, y, width, 0.25f);
            compute_weights_cut(c, y, width, 0.01f, y + width);
            judge(m, y, first, expected, NULL, count, 1e-6, 2e-5, "random");
        }
        free(logits), free(y), free(first), free(expected);
    }
}

static void check_rope_case(uint32_t heads, uint32_t head_width, uint32_t rope_width, bool halves,
                            int32_t base)
{
    const size_t n = 9, width = (size_t)heads * head_width, count = n * width;
    float *x = allocate(count, sizeof *x), *y = allocate(count, sizeof *y);
    float *first = allocate(count, sizeof *first);
    float *frequencies = allocate(rope_width / 2, sizeof *frequencies);
    double *expected = allocate(count, sizeof *expected);
    int32_t positions[9];
    char detail[96];
    snprintf(detail, sizeof detail, "%u of %u, %s, from position %d", rope_width, head_width,
             halves ? "halves" : "neighbours", base);
    fill(x, count, FILL_RANDOM);
    for (uint32_t i = 0; i < rope_width / 2; i++)
        frequencies[i] = powf(10000, -2.0f * (float)i / (float)rope_width);
    for (size_t r = 0; r < n; r++) {
        positions[r] = base + (int32_t)(r * r);
        for (uint32_t h = 0; h < heads; h++)
            reference_rope(x + r * width + (size_t)h * head_width,
                           expected + r * width + (size_t)h * head_width, positions[r], head_width,
                           rope_width, frequencies, 1.25, halves);
    }
    for (unsigned m = 0; m < machine_count; m++) {
        memcpy(y, x, count * sizeof *y);
        compute_rope(machines[m].compute, y, width, positions, n, heads, head_width, rope_width,
                     frequencies, 1.25f, halves);
        judge(m, y, first, expected, NULL, count, 1e-6, 2e-6, detail);
    }
    free(x), free(y), free(first), free(frequencies), free(expected);
}

static void check_rope(void)
{
    static const uint32_t shapes[][3] = {{4, 64, 64},  {1, 80, 80}, {3, 96, 96},
                                         {2, 128, 64}, {5, 6, 6},   {40, 128, 128}};
    static const int32_t bases[] = {0, 511, 131071, 10000000};
    begin_operation("rope");
    for (unsigned i = 0; i < ARRAY_COUNT(shapes); i++)
        for (unsigned b = 0; b < ARRAY_COUNT(bases); b++)
            for (int halves = 0; halves < 2; halves++)
                check_rope_case(shapes[i][0], shapes[i][1], shapes[i][2], halves, bases[b]);
}

struct attention_case {
    uint32_t heads, kv_heads, head_width, window;
    int32_t start; /* position of the first row of the sequence of `rows` rows */
    uint32_t rows;
    float softcap;
    bool encoder;
    float spread; /* of keys: large ones make the softmax sharp */
};

/* Two sequences in one batch: `rows` rows of one, then one row of another. */
static void check_attention_case(const struct attention_case *c)
{
    const uint32_t n = c->rows + 1;
    const int32_t tokens = c->start + (int32_t)c->rows;
    const size_t kv_width = (size_t)c->kv_heads * c->head_width;
    const size_t width = (size_t)c->heads * c->head_width, count = n * width;
    const size_t page_bytes = compute_kv_layer_bytes(c->kv_heads, c->head_width);
    const size_t pages = (size_t)(tokens + KV_PAGE_TOKENS - 1) / KV_PAGE_TOKENS;
    char detail[128];
    snprintf(detail, sizeof detail, "%u heads, %u kv heads of %u, rows %d..%d, window %u", c->heads,
             c->kv_heads, c->head_width, c->start, tokens - 1, c->window);
    float *k = allocate((size_t)tokens * kv_width, sizeof *k);
    float *v = allocate((size_t)tokens * kv_width, sizeof *v);
    float *q = allocate(count, sizeof *q), *y = allocate(count, sizeof *y);
    float *first = allocate(count, sizeof *first);
    double *expected = allocate(count, sizeof *expected);
    char *memory = allocate(pages, page_bytes + 64);
    void **table = allocate(pages, sizeof *table), **copy = allocate(pages, sizeof *copy);
    void *const **row_pages = allocate((size_t)tokens + 1, sizeof *row_pages);
    int32_t *positions = allocate((size_t)tokens + 1, sizeof *positions);
    int32_t *lengths = allocate(n, sizeof *lengths);
    fill(q, count, FILL_RANDOM);
    for (size_t i = 0; i < (size_t)tokens * kv_width; i++) {
        k[i] = f16_to_f32(f32_to_f16(random_float() * c->spread));
        v[i] = f16_to_f32(f32_to_f16(random_float()));
    }
    for (size_t p = 0; p < pages; p++) copy[p] = table[p] = memory + p * (page_bytes + 64);
    struct kv_shape shape = {c->kv_heads, c->head_width, 64};
    struct attention attention = {c->heads, 0.125f, c->softcap, c->window, !c->encoder};

    for (uint32_t r = 0; r < n; r++) {
        bool other = r == c->rows; /* sees the same pages through a table of its own */
        int32_t position = other ? tokens / 2 : c->start + (int32_t)r;
        lengths[r] = position / 2 + 1;
        int32_t end = c->encoder ? lengths[r] : position + 1, begin = 0;
        if (c->window && position >= (int32_t)c->window) begin = position - (int32_t)c->window + 1;
        for (uint32_t h = 0; h < c->heads; h++)
            reference_attention(q + r * width + (size_t)h * c->head_width,
                                k + (size_t)(h / (c->heads / c->kv_heads)) * c->head_width,
                                v + (size_t)(h / (c->heads / c->kv_heads)) * c->head_width,
                                kv_width, c->head_width, begin, end, 0.125, (double)c->softcap,
                                expected + r * width + (size_t)h * c->head_width);
    }
    for (unsigned m = 0; m < machine_count; m++) {
        memset(memory, 0x7f, pages * (page_bytes + 64)); /* not a number in F16 */
        for (int32_t t = 0; t < tokens; t++) row_pages[t] = table, positions[t] = t;
        compute_kv_store(machines[m].compute, &shape, k, kv_width, v, kv_width,
                         (void *const *const *)row_pages, positions, (size_t)tokens);
        for (uint32_t r = 0; r < n; r++) {
            row_pages[r] = r == c->rows ? copy : table;
            positions[r] = r == c->rows ? tokens / 2 : c->start + (int32_t)r;
        }
        memset(y, 0, count * sizeof *y);
        compute_attention(machines[m].compute, &attention, &shape, q, width, y, width,
                          (void *const *const *)row_pages, positions, lengths, n);
        judge(m, y, first, expected, NULL, count, 1e-4, 2e-5, detail);
        uint32_t row = random_bits() % n;
        compute_attention(machines[m].compute, &attention, &shape, q + row * width, width, y, width,
                          (void *const *const *)row_pages + row, positions + row, lengths + row, 1);
        record(m, same_bits(y, first + row * width, width), "a row alone and among others");
    }
    free(k), free(v), free(q), free(y), free(first), free(expected), free(memory), free(table);
    free(copy), free(row_pages), free(positions), free(lengths);
}

static void check_attention(void)
{
    static const struct attention_case cases[] = {
        {4, 4, 32, 0, 0, 1, 0, false, 1},       {8, 2, 64, 0, 0, 40, 0, false, 4},
        {9, 3, 64, 0, 300, 33, 0, false, 4},    {32, 4, 64, 0, 1000, 3, 0, false, 8},
        {4, 1, 128, 0, 17, 21, 0, false, 2},    {8, 4, 256, 100, 500, 9, 50, false, 4},
        {14, 2, 64, 0, 777, 1, 0, false, 30},   {2, 2, 80, 33, 60, 70, 0, false, 4},
        {12, 12, 32, 0, 0, 60, 0, true, 3},     {40, 1, 40, 0, 260, 5, 0, false, 4},
        {4, 2, 100, 16, 250, 20, 30, false, 4}, {2, 1, 512, 0, 30, 4, 0, false, 1}};
    begin_operation("attention");
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) check_attention_case(&cases[i]);
}

/* ---- speed ---- */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The best of `times` runs. */
static double time_multiply(struct compute *compute, const struct product *product, const float *x,
                            size_t n, int times)
{
    double best = 1e9;
    while (times--) {
        double start = seconds();
        compute_multiply(compute, x, product->matrix->cols, n, product, 1);
        double took = seconds() - start;
        if (took < best) best = took;
    }
    return best;
}

/* 64 MB and more of weights, so that one token's product comes from memory. */
static void bench_type(struct compute *compute, enum tensor_type type,
                       const struct compute_limits *limits)
{
    const uint32_t cols = 4096, rows = 32768;
    const size_t n = 256;
    uint64_t row_bytes;
    if (!tensor_type_bytes(type, cols, &row_bytes)) return;
    uint8_t *data = allocate(rows, row_bytes);
    float *x = allocate(n * cols, sizeof *x), *y = allocate(n * rows, sizeof *y);
    fill_weights(type, 64, cols, FILL_RANDOM, data);
    for (uint32_t r = 64; r < rows; r += 64) memcpy(data + r * row_bytes, data, 64 * row_bytes);
    fill(x, n * cols, FILL_RANDOM);
    struct matrix matrix;
    struct fault fault;
    double start = seconds();
    must(matrix_pack(compute, &matrix, type, rows, cols, data, &fault), &fault);
    double pack = seconds() - start;
    matrix.rows = 4096; /* a part of the tiles: the many-token run need not be long */
    struct product product = {&matrix, y, rows};
    double many = time_multiply(compute, &product, x, n, 3);
    matrix.rows = rows;
    double one = 1e9, read_gbs = 0;
    for (int i = 0; i < 5; i++) {
        one = fmin(one, time_multiply(compute, &product, x, 1, 1));
        read_gbs =
            fmax(read_gbs, compute_measure_read(compute, matrix.packed, matrix.packed_bytes));
    }
    double gops = 2.0 * 4096 * cols * (double)n / many * 1e-9;
    double gbs = (double)matrix.packed_bytes / one * 1e-9;
    bool whole = tensor_type_info(type)->block_values == 1;
    double peak = whole ? limits->fp32_gflops : limits->int8_gops;
    printf(
        "%-8s %7.0f GOP/s %3.0f%%  %6.1f GB/s %3.0f%%  %.3f of the file  packed in %.2f ns a "
        "weight\n",
        tensor_type_info(type)->name, gops, 100 * gops / peak, gbs, 100 * gbs / read_gbs,
        (double)matrix.packed_bytes / ((double)row_bytes * rows), pack * 1e9 / rows / cols);
    matrix_free(&matrix);
    free(data), free(x), free(y);
}

static void bench(struct compute *compute)
{
    struct compute_limits limits;
    compute_measure_limits(compute, &limits);
    printf("\n%s, %u threads: int8 %.0f GOP/s, bf16 %.0f, fp32 %.0f GFLOP/s\n",
           compute_isa_name(compute), compute_threads(compute), limits.int8_gops,
           limits.bf16_gflops, limits.fp32_gflops);
    printf("type       256 tokens          1 token\n");
    for (int type = 0; type < TENSOR_TYPE_COUNT; type++)
        if (tensor_type_info(type)) bench_type(compute, (enum tensor_type)type, &limits);
}

static void open_machines(void)
{
    static const enum compute_isa isas[] = {ISA_SCALAR, ISA_AVX2, ISA_AVX512, ISA_NEON};
    for (unsigned i = 0; i < ARRAY_COUNT(isas); i++)
        for (unsigned threads = 1; threads <= 2; threads++) {
            struct compute_options options = {.threads = threads, .isa = isas[i]};
            if (compute_open(&machines[machine_count].compute, &options, NULL) == OK)
                machines[machine_count++].threads = threads;
        }
}

static unsigned print_table(void)
{
    unsigned passed = 0, failed = 0;
    printf("%-14s", "");
    for (unsigned m = 0; m < machine_count; m++)
        printf(" %12s/%u", compute_isa_name(machines[m].compute), machines[m].threads);
    printf("\n");
    for (unsigned i = 0; i < operation_count; i++) {
        printf("%-14s", operations[i].name);
        for (unsigned m = 0; m < machine_count; m++) {
            passed += operations[i].passed[m];
            failed += operations[i].failed[m];
            if (operations[i].failed[m])
                printf(" %4u, %4u bad", operations[i].passed[m], operations[i].failed[m]);
            else
                printf(" %14u", operations[i].passed[m]);
        }
        printf("\n");
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed;
}

int main(int argc, char **argv)
{
    bool speeds = argc == 2 && strcmp(argv[1], "--bench") == 0;
    quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    if (argc > 1 && !speeds && !quick) {
        fprintf(stderr, "usage: check_kernels [--quick | --bench]\n");
        return 2;
    }
    open_machines();
    for (int type = 0; type < TENSOR_TYPE_COUNT; type++)
        if (tensor_type_info(type)) check_multiply((enum tensor_type)type);
    check_norms();
    check_activations();
    check_add();
    check_logits();
    check_rope();
    check_attention();
    if (speeds) bench(machines[machine_count - 1].compute);
    unsigned failed = print_table();
    for (unsigned m = 0; m < machine_count; m++) compute_close(machines[m].compute);
    return failed ? 1 : 0;
}

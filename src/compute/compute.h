/* compute.h - the face of the arithmetic: weights as matrices, and the operations a transformer's
 * forward pass needs on float rows.
 *
 * Everything runs on one `struct compute`: a pool of threads and the kernels chosen from cpuid.
 * The caller is the engine thread; it takes part as thread 0. Calls are not re-entrant.
 *
 * Determinism: the order of every reduction depends on the shape of one row alone, never on the
 * number of rows in the batch, the threads, or the chunking. A row's result is bit for bit the same
 * whatever else is computed beside it.
 *
 * Layout: activations are float, row-major, one row per token, `stride` floats apart. */
#ifndef LIMINAL_COMPUTE_H
#define LIMINAL_COMPUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "compute/tensor_type.h"

struct compute;
struct kernels;

enum compute_isa { ISA_AUTO, ISA_SCALAR, ISA_AVX2, ISA_AVX512, ISA_NEON };

/* Packing weights can be cut into pieces of some tenths of a millisecond. `enter` is called before
 * each of them, and `leave` where more has to be fetched from the file first; both on the caller's
 * thread. */
struct compute_gate {
    void (*enter)(void *argument); /* NULL: all in one piece */
    void (*leave)(void *argument);
    void *argument;
};

struct compute_options {
    unsigned threads;     /* 0: machine_cores() */
    enum compute_isa isa; /* ISA_AUTO: the best that cpuid allows */
    struct compute_gate gate;
};

enum status compute_open(struct compute **compute, const struct compute_options *options,
                         struct fault *fault) MUST_USE;
void compute_close(struct compute *compute);
unsigned compute_threads(const struct compute *compute);
const char *compute_isa_name(const struct compute *compute); /* "avx512-vnni", "scalar", ... */

/* Run work(argument, thread, threads) on every thread; returns when all are done. */
void compute_parallel(struct compute *compute,
                      void (*work)(void *argument, unsigned thread, unsigned threads),
                      void *argument);

/* ---- weights ---- */

/* A weight matrix of rows x cols (outputs x inputs), repacked into tiles for the instruction set.
 * y = W x. Once packed, the bytes it was made from are not read again. */
struct matrix {
    enum tensor_type type; /* of the file */
    uint32_t rows, cols;
    int layout; /* private to compute/cpu, like the following */
    void *packed;
    bool is_owner; /* of packed */
    const struct kernels *kernels;
    size_t packed_bytes;
};

/* `data` holds rows x cols values of `type` as in a GGUF file (row after row). Runs on the pool.
 * STATUS_UNSUPPORTED for a type without a kernel, STATUS_NO_MEMORY. */
enum status matrix_pack(struct compute *compute, struct matrix *matrix, enum tensor_type type,
                        uint32_t rows, uint32_t cols, const void *data,
                        struct fault *fault) MUST_USE;
/* The same into memory of the caller's, MATRIX_ALIGNMENT bytes aligned, which outlives the matrix:
 * many matrices share huge pages. */
enum { MATRIX_ALIGNMENT = 64 };
enum status matrix_pack_into(struct compute *compute, struct matrix *matrix, void *memory,
                             enum tensor_type type, uint32_t rows, uint32_t cols, const void *data,
                             struct fault *fault) MUST_USE;
/* What it takes, a multiple of MATRIX_ALIGNMENT; the status is matrix_pack's. */
enum status matrix_pack_bytes(enum tensor_type type, uint32_t rows, uint32_t cols, size_t *bytes,
                              struct fault *fault) MUST_USE;
void matrix_free(struct matrix *matrix);
/* Room for products with matrices of up to `cols` columns. matrix_pack sees to it for its own
 * compute; whoever packs on one and multiplies on another says it here, between the other's calls.
 */
enum status compute_reserve(struct compute *compute, uint32_t cols, struct fault *fault) MUST_USE;
/* Row `row` as floats (token embedding look-up, also of a matrix that serves as output too). */
void matrix_row(const struct matrix *matrix, uint32_t row, float *values);

enum { MULTIPLY_GROUP_MAX = 8 };

/* One product of a group that shares its input: y[r] = W x[r] for r < n. */
struct product {
    const struct matrix *matrix;
    float *y;
    size_t y_stride; /* floats */
};
/* All products of `group` on the same n input rows (q, k, v; gate and up): the input is quantised
 * once. All matrices have the same cols; at most MULTIPLY_GROUP_MAX of them. */
void compute_multiply(struct compute *compute, const float *x, size_t x_stride, size_t n,
                      const struct product *group, size_t group_count);

/* ---- rows ---- all run on the pool when there is enough to share */

/* y = x / rms(x) * w. w may be NULL (then 1). In place allowed. */
void compute_rms_norm(struct compute *compute, const float *x, size_t x_stride, const float *w,
                      float epsilon, float *y, size_t y_stride, size_t n, size_t width);
void compute_layer_norm(struct compute *compute, const float *x, size_t x_stride, const float *w,
                        const float *bias, float epsilon, float *y, size_t y_stride, size_t n,
                        size_t width);
/* Add a bias row to each row. */
void compute_add_bias(struct compute *compute, float *y, size_t y_stride, const float *bias,
                      size_t n, size_t width);
/* y += x */
void compute_add(struct compute *compute, float *y, size_t y_stride, const float *x,
                 size_t x_stride, size_t n, size_t width);
enum activation { ACTIVATION_SILU, ACTIVATION_GELU_TANH, ACTIVATION_GELU_ERF };
/* gate = activation(gate) * up; up NULL: gate = activation(gate). */
void compute_activate(struct compute *compute, enum activation activation, float *gate,
                      size_t gate_stride, const float *up, size_t up_stride, size_t n,
                      size_t width);

/* Rotary embedding of `heads` heads of head_width each, in place; the first rope_width values of a
 * head turn. `frequencies` has rope_width/2 entries (theta_i, all scaling applied), positions one
 * per row, magnitude multiplies cos and sin (YaRN; else 1). neox: pairs are (i, i+rope_width/2),
 * else (2i, 2i+1). */
void compute_rope(struct compute *compute, float *x, size_t x_stride, const int32_t *positions,
                  size_t n, uint32_t heads, uint32_t head_width, uint32_t rope_width,
                  const float *frequencies, float magnitude, bool neox);

/* ---- attention over a paged cache ---- */

enum { KV_PAGE_TOKENS = 16, COMPUTE_HEAD_WIDTH_MAX = 512 };

/* Keys and values of one layer, in pages of KV_PAGE_TOKENS tokens. Page p of a sequence is at
 * pages[p] + layer_offset, and holds, in F16, for each kv head: first 16 x head_width keys, then
 * 16 x head_width values. compute/cpu may interleave inside that space as it likes; only
 * compute_kv_store and compute_attention look inside. */
struct kv_shape {
    uint32_t kv_heads, head_width;
    size_t layer_offset; /* bytes from the start of a page */
};
/* Bytes of one layer in one page. */
size_t compute_kv_layer_bytes(uint32_t kv_heads, uint32_t head_width);

/* Write row r's key and value (kv_heads x head_width floats) at position[r] of the sequence whose
 * page table is pages[r]. */
void compute_kv_store(struct compute *compute, const struct kv_shape *shape, const float *k,
                      size_t k_stride, const float *v, size_t v_stride, void *const *const *pages,
                      const int32_t *positions, size_t n);

struct attention {
    uint32_t heads;  /* query heads, a multiple of kv_heads */
    float scale;     /* of q.k */
    float softcap;   /* 0: none; else s = softcap * tanh(s / softcap) */
    uint32_t window; /* 0: all; else keys with position > query position - window */
    bool causal;     /* false (encoders): a row sees all lengths[r] positions */
};
/* out[r] = softmax(q[r] K) V per head. Row r sees positions 0..positions[r] (causal) of its own
 * sequence. q and out: heads x head_width floats a row. lengths is read only if !causal. */
void compute_attention(struct compute *compute, const struct attention *attention,
                       const struct kv_shape *shape, const float *q, size_t q_stride, float *out,
                       size_t out_stride, void *const *const *pages, const int32_t *positions,
                       const int32_t *lengths, size_t n);

/* ---- a row of logits ---- on the calling thread, which may be any, also several at once */

enum { WEIGHT_BLOCK = 256 };
/* The largest finite number; -INFINITY when there is none. */
float compute_logits_largest(const struct compute *compute, const float *logits, size_t n);
/* weights[i] = e^(scale (logits[i] - largest)), 0 where a logit is no finite number. block_sums has
 * the sum of each WEIGHT_BLOCK of them, the result is the sum of all. largest and scale must be
 * finite. */
double compute_logits_weigh(const struct compute *compute, const float *logits, size_t n,
                            float largest, float scale, float *weights, float *block_sums);
/* The sum of those of n weights that are greater than `threshold` (not negative). */
double compute_weights_above(const struct compute *compute, const float *weights, size_t n,
                             float threshold);
/* The others become 0; block_sums as above. */
void compute_weights_cut(const struct compute *compute, float *weights, size_t n, float threshold,
                         float *block_sums);

/* ---- the machine's limits, measured (for bench) ---- */
struct compute_limits {
    double int8_gops;   /* 8-bit dot products, 2 operations per multiply-add */
    double bf16_gflops; /* bf16 dot products; 0 when the machine has none */
    double fp32_gflops;
    double handover_us; /* an empty job on all threads, there and back */
    double barrier_us;  /* all threads meet inside a job */
};
void compute_measure_limits(struct compute *compute, struct compute_limits *limits);
/* All threads read `bytes` (1 kB a thread at least) once, from front to back: GB/s. Bandwidth
 * changes from second to second, so it is measured right beside what it is the limit of, and on the
 * same memory. */
double compute_measure_read(struct compute *compute, const void *memory, size_t bytes);

#endif

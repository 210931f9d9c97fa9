/* tensor_types.c - golden vectors of the tensor types, made with llama.cpp's own libggml-base,
 * which tools/peer.sh builds. tests/oracle/tensor_types.sh compiles and runs this:
 *
 *   tensor_types FOLDER STORIES15M.GGUF
 *
 * writes FOLDER/dequantise.txt: a line for each type with random blocks and their values, in hex;
 *        FOLDER/inputs.f32:     rows of 4096 floats of several distributions;
 *        FOLDER/quantise.txt:   the squared error of ggml's quantisers on each of these rows. */
#include <ggml.h>
#include <gguf.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW = 4096, ROWS = 4, BLOCKS = 4 };

static uint64_t state = 88172645463325252ull;

static uint32_t random_bits(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static float random_normal(void)
{
    double u = (random_bits() + 1.0) / 4294967297.0, v = random_bits() / 4294967296.0;
    return (float)(sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v));
}

static FILE *open_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

static void print_hex(FILE *file, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) fprintf(file, "%02x", ((const unsigned char *)bytes)[i]);
}

/* ---- dequantising ---- */

static int all_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i])) return 0;
    return 1;
}

/* Random bytes are valid blocks of every type, but their F16 scales may be no numbers: try again.
 */
static void write_dequantised(FILE *file, enum ggml_type type)
{
    const struct ggml_type_traits *traits = ggml_get_type_traits(type);
    size_t bytes = traits->type_size, values = (size_t)traits->blck_size;
    fprintf(file, "%s ", traits->type_name);
    unsigned char blocks[BLOCKS * 512];
    float floats[BLOCKS * 256];
    for (int b = 0; b < BLOCKS; b++) do {
            for (size_t i = 0; i < bytes; i++) blocks[b * bytes + i] = random_bits() >> 24;
            traits->to_float(blocks + b * bytes, floats + b * values, (int64_t)values);
        } while (!all_finite(floats + b * values, values));
    print_hex(file, blocks, BLOCKS * bytes);
    fputc(' ', file);
    print_hex(file, floats, BLOCKS * values * sizeof *floats);
    fputc('\n', file);
}

/* ---- quantising ---- */

/* The first query matrix, which the converted stories15M keeps as F32. */
static void read_weights(const char *model, float row[ROW])
{
    struct gguf_context *gguf =
        gguf_init_from_file(model, (struct gguf_init_params){.no_alloc = true});
    FILE *file = fopen(model, "rb");
    int64_t tensor = gguf ? gguf_find_tensor(gguf, "blk.0.attn_q.weight") : -1;
    if (!file || tensor < 0 || gguf_get_tensor_type(gguf, tensor) != GGML_TYPE_F32 ||
        fseek(file, (long)(gguf_get_data_offset(gguf) + gguf_get_tensor_offset(gguf, tensor)),
              SEEK_SET) ||
        fread(row, sizeof(float), ROW, file) != ROW) {
        fprintf(stderr, "%s: no blk.0.attn_q.weight in F32\n", model);
        exit(1);
    }
    fclose(file);
    gguf_free(gguf);
}

/* Plain normal; one in a hundred values eight times larger; skewed with heavy tails; real weights.
 */
static void make_inputs(float inputs[ROWS][ROW], const char *model)
{
    for (int i = 0; i < ROW; i++) {
        inputs[0][i] = 0.02f * random_normal();
        inputs[1][i] = 0.02f * random_normal() * (random_bits() % 100 == 0 ? 8 : 1);
        inputs[2][i] = 0.02f * random_normal() * expf(0.5f * random_normal()) + 0.005f;
    }
    read_weights(model, inputs[3]);
}

static void write_quantised(FILE *file, enum ggml_type type, int row, const float *input)
{
    static unsigned char blocks[ROW * sizeof(float)];
    static float back[ROW];
    ggml_quantize_chunk(type, input, blocks, 0, 1, ROW, NULL);
    ggml_get_type_traits(type)->to_float(blocks, back, ROW);
    double error = 0;
    for (int i = 0; i < ROW; i++)
        error += ((double)back[i] - input[i]) * ((double)back[i] - input[i]);
    fprintf(file, "%s %d %.9g\n", ggml_get_type_traits(type)->type_name, row, error);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: tensor_types FOLDER STORIES15M.GGUF\n");
        return 2;
    }
    static const enum ggml_type all[] = {
        GGML_TYPE_F32,     GGML_TYPE_F16,    GGML_TYPE_BF16,  GGML_TYPE_Q4_0,    GGML_TYPE_Q4_1,
        GGML_TYPE_Q5_0,    GGML_TYPE_Q5_1,   GGML_TYPE_Q8_0,  GGML_TYPE_Q2_K,    GGML_TYPE_Q3_K,
        GGML_TYPE_Q4_K,    GGML_TYPE_Q5_K,   GGML_TYPE_Q6_K,  GGML_TYPE_IQ4_NL,  GGML_TYPE_IQ4_XS,
        GGML_TYPE_IQ2_XXS, GGML_TYPE_IQ2_XS, GGML_TYPE_IQ2_S, GGML_TYPE_IQ3_XXS, GGML_TYPE_IQ3_S};
    static const enum ggml_type written[] = {GGML_TYPE_F16,    GGML_TYPE_BF16,  GGML_TYPE_Q8_0,
                                             GGML_TYPE_Q4_0,   GGML_TYPE_Q5_0,  GGML_TYPE_Q5_1,
                                             GGML_TYPE_Q4_K,   GGML_TYPE_Q5_K,  GGML_TYPE_Q6_K,
                                             GGML_TYPE_IQ4_NL, GGML_TYPE_IQ4_XS};
    static float inputs[ROWS][ROW];

    FILE *file = open_file(arguments[1], "dequantise.txt");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] != GGML_TYPE_F32) write_dequantised(file, all[i]);
    fclose(file);

    make_inputs(inputs, arguments[2]);
    file = open_file(arguments[1], "inputs.f32");
    fwrite(inputs, sizeof inputs, 1, file);
    fclose(file);

    file = open_file(arguments[1], "quantise.txt");
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        for (int row = 0; row < ROWS; row++) write_quantised(file, written[i], row, inputs[row]);
    fclose(file);
    return 0;
}

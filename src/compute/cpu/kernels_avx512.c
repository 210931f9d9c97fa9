/* kernels_avx512.c - the kernels for AVX-512 with VNNI and VBMI (Ice Lake, Zen 4 and later). */
#define LANES_AVX512
#define KERNELS_NAME  kernels_avx512
#define KERNELS_LABEL "avx512-vnni"
#include "compute/cpu/kernels_template.h"

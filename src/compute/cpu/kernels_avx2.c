/* kernels_avx2.c - the kernels for AVX2 with FMA and F16C (Haswell, Zen and later). */
#define LANES_AVX2
#define KERNELS_NAME  kernels_avx2
#define KERNELS_LABEL "avx2"
#include "compute/cpu/kernels_template.h"

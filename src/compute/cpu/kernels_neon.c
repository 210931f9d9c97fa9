/* kernels_neon.c - the kernels for AArch64 with dot products (Cortex-A76, Apple M1 and later). */
#define LANES_NEON
#define KERNELS_NAME  kernels_neon
#define KERNELS_LABEL "neon-dotprod"
#include "compute/cpu/kernels_template.h"

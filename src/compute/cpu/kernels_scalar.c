/* kernels_scalar.c - the kernels in portable C. */
#define KERNELS_NAME  kernels_scalar
#define KERNELS_LABEL "scalar"
#include "compute/cpu/kernels_template.h"

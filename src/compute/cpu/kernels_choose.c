/* kernels_choose.c - which kernels this machine can run. */
#include "compute/cpu/kernels.h"

#if defined(__x86_64__)

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("gfni");
}

const struct kernels *kernels_choose(enum compute_isa isa)
{
    switch (isa) {
    case ISA_SCALAR: return &kernels_scalar;
    case ISA_AVX2: return has_avx2() ? &kernels_avx2 : NULL;
    case ISA_AVX512: return has_avx512() ? &kernels_avx512 : NULL;
    case ISA_NEON: return NULL;
    case ISA_AUTO: break;
    }
    if (has_avx512()) return &kernels_avx512;
    return has_avx2() ? &kernels_avx2 : &kernels_scalar;
}

bool kernels_have_bf16(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

static bool has_dot_products(void)
{
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
}

const struct kernels *kernels_choose(enum compute_isa isa)
{
    switch (isa) {
    case ISA_SCALAR: return &kernels_scalar;
    case ISA_AVX2:
    case ISA_AVX512: return NULL;
    case ISA_NEON: return has_dot_products() ? &kernels_neon : NULL;
    case ISA_AUTO: break;
    }
    return has_dot_products() ? &kernels_neon : &kernels_scalar;
}

bool kernels_have_bf16(void)
{
    return false;
}

#else

const struct kernels *kernels_choose(enum compute_isa isa)
{
    return isa == ISA_SCALAR || isa == ISA_AUTO ? &kernels_scalar : NULL;
}

bool kernels_have_bf16(void)
{
    return false;
}

#endif

/* cpu.h - what the files of compute/cpu share and nobody else sees. */
#ifndef LIMINAL_COMPUTE_CPU_CPU_H
#define LIMINAL_COMPUTE_CPU_CPU_H

#include "compute/compute.h"
#include "compute/cpu/thread_pool.h"

struct compute {
    struct thread_pool *pool;
};

#endif

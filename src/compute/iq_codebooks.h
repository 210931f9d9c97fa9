/* iq_codebooks.h - the codebooks that the IQ types index: facts of the format.
 *
 * A grid entry is the magnitudes of 8 (IQ2) or 4 (IQ3) neighbouring values, lowest byte first; the
 * signs are stored apart. */
#ifndef LIMINAL_COMPUTE_IQ_CODEBOOKS_H
#define LIMINAL_COMPUTE_IQ_CODEBOOKS_H

#include <stdint.h>

extern const uint64_t iq2_xxs_grid[256];
extern const uint64_t iq2_xs_grid[512];
extern const uint64_t iq2_s_grid[1024];
extern const uint32_t iq3_xxs_grid[256];
extern const uint32_t iq3_s_grid[512];
extern const int8_t iq4_values[16];

/* Eight sign bits from seven: the number of negative values of a group is always even. */
static inline uint8_t iq_signs(uint32_t index)
{
    index &= 127;
    return (uint8_t)(index | (uint32_t)(__builtin_popcount(index) & 1) << 7);
}

#endif

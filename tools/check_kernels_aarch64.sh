#!/bin/sh
# Compiles the kernels and check_kernels for AArch64 and runs them under qemu-user. Needs no ARM
# libraries but libc: only compute, and the few functions of base and platform that it uses.
#
#     tools/check_kernels_aarch64.sh [FOLDER]     FOLDER: where to build (build/aarch64)
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/aarch64}
compiler=aarch64-linux-gnu-gcc

for tool in $compiler qemu-aarch64; do
    command -v $tool >/dev/null || {
        echo "$tool is missing: apt install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2
        exit 1
    }
done
if command -v ccache >/dev/null; then compiler="ccache $compiler"; fi

flags="-std=gnu17 -O2 -Wall -Wextra -Werror -Wshadow -Wno-unused-parameter -fno-math-errno
    -fno-trapping-math -ffp-contract=off -D_GNU_SOURCE -Isrc"
mkdir -p "$build"
objects=
for source in src/compute/cpu/*.c src/compute/tensor_type.c src/compute/dequantise.c \
    src/compute/iq_codebooks.c src/base/status.c src/platform/machine.c tools/check_kernels.c; do
    case $source in
    *_test.c | *_avx2.c | *_avx512.c) continue ;;
    *_neon.c) isa=-march=armv8.2-a+dotprod+fp16 ;;
    *) isa= ;;
    esac
    object=$build/$(basename "$source" .c).o
    # shellcheck disable=SC2086
    $compiler $flags $isa -c "$source" -o "$object"
    objects="$objects $object"
done
# shellcheck disable=SC2086
$compiler $objects -o "$build/check_kernels" -lm -lpthread
exec qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu "$build/check_kernels"

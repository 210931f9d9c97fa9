#!/usr/bin/env bash
# Golden vectors of the tensor types, from llama.cpp's libggml-base (tools/peer.sh builds it):
#   tests/oracle/tensor_types.sh        writes tests/vectors/tensor_types/
# tensor_type_test.c compares; it needs neither llama.cpp nor a network.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${LIMINAL_CACHE:-$HOME/.cache/liminal}
peer=$cache/peer
[ -e "$peer/build/bin/libggml-base.so" ] || { echo "tests/oracle/tensor_types.sh: llama.cpp is missing; run 'make peer'" >&2; exit 1; }
program=$(mktemp)
trap 'rm -f "$program"' EXIT
cc -O1 -I"$peer/source/ggml/include" tests/oracle/tensor_types.c -o "$program" \
    -L"$peer/build/bin" -lggml-base -lm -Wl,-rpath,"$peer/build/bin"
"$program" tests/vectors/tensor_types "${LIMINAL_TEST_MODELS:-$cache/models}/stories15m.gguf"
echo "tests/vectors/tensor_types: $(wc -l <tests/vectors/tensor_types/dequantise.txt) types read, $(wc -l <tests/vectors/tensor_types/quantise.txt) rows written"

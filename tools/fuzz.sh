#!/usr/bin/env bash
# Fuzz every parser of foreign bytes, SECONDS_EACH (60), on the corpora in tests/corpus.
#   tools/fuzz.sh [SECONDS_EACH] [TARGET...]
#   FUZZ_SEED=1 tools/fuzz.sh ...    the checks: the same inputs in the same order wherever they run
# What crashes, hangs (10 s) or takes 2 GB fails, and its input is left in build/fuzz-findings. What was
# learned stays in build/fuzz-corpus for the next run. 'N passed, N failed' last, N being targets.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "usage: tools/fuzz.sh [SECONDS_EACH] [TARGET...]" >&2; exit 2; }
build=${LIMINAL_FUZZ_BUILD:-build/fuzz}
findings=build/fuzz-findings
learned=build/fuzz-corpus
mkdir -p "$build" "$findings" "$learned"

cmake -G Ninja -B "$build" -DCMAKE_C_COMPILER=clang -DLIMINAL_FUZZ=ON >"$build/build.log" 2>&1 &&
    cmake --build "$build" ${@:+--target "$@"} >>"$build/build.log" 2>&1 || {
    grep -E -A6 'error|FAILED' "$build/build.log" | head -40
    echo "0 passed, 1 failed"
    exit 1
}

fuzz_one() {
    local target=$1 committed=tests/corpus/$1 log=$findings/$1.log executions rc=0
    mkdir -p "$findings/$target" "$learned/$target"
    if [ -z "$(ls "$committed" 2>/dev/null)" ]; then
        echo "$target: FAILED, there is no corpus in $committed"
        return
    fi
    "$build/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -seed="${FUZZ_SEED:-0}" -artifact_prefix="$findings/$target/" "$learned/$target" "$committed" >"$log" 2>&1 </dev/null || rc=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
    if [ "$rc" -ne 0 ] || [ "${executions:-0}" -eq 0 ]; then
        grep -E 'ERROR|SUMMARY|runtime error|^ +#[0-9]+ .* src/|Test unit written' "$log" | head -12
        echo "$target: FAILED with exit $rc after ${executions:-0} executions, see $log"
    else
        echo "$target: ok, $executions executions, corpus $(find "$committed" -type f | wc -l) + $(find "$learned/$target" -type f | wc -l) learned"
    fi
}
export -f fuzz_one
export seconds build findings learned

if [ $# -gt 0 ]; then printf '%s\n' "$@"; else find "$build/fuzz" -maxdepth 1 -name '*_fuzz' -printf '%f\n' | sort; fi |
    xargs -r -P "$(nproc)" -I{} bash -c 'fuzz_one {}' | tee "$findings/summary"
passed=$(grep -c ': ok, ' "$findings/summary")
failed=$(grep -c ': FAILED' "$findings/summary")
[ "$passed" -eq 0 ] && [ "$failed" -eq 0 ] && failed=1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

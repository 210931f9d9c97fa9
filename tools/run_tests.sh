#!/usr/bin/env bash
# Run the cmocka programs of a build folder, two at a time.
#   tools/run_tests.sh BUILD_FOLDER [REGEX of program names]
# Prints the output of what failed, and 'N passed, N failed' last.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=$1 pattern=${2:-.}
logs=$folder/test-logs
rm -rf "$logs"
mkdir -p "$logs"
export folder logs
run_one() {
    local name=$1 rc=0
    timeout "${TEST_TIMEOUT_S:-300}" "$folder/tests/$name" >"$logs/$name.log" 2>&1 </dev/null || rc=$?
    echo "$rc" >"$logs/$name.rc"
}
export -f run_one
find "$folder/tests" -maxdepth 1 -name '*_test' -printf '%f\n' | grep -E "$pattern" | sort >"$logs/programs"
xargs -r -P "$(nproc)" -I{} bash -c 'run_one {}' <"$logs/programs"

passed=0 failed=0 skipped=0
while read -r name; do
    ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$logs/$name.log" | tail -1)
    bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$logs/$name.log" | head -1)
    aside=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' "$logs/$name.log" | head -1)
    rc=$(cat "$logs/$name.rc" 2>/dev/null || echo 1)
    # A program that crashed, or ran nothing, has failed whatever it printed. Tests that fail
    # allocations skip themselves where a sanitizer owns malloc.
    if [ "$rc" -ne 0 ] && [ "${bad:-0}" -eq 0 ]; then bad=1; fi
    if [ "$rc" -eq 0 ] && [ "${ok:-0}" -eq 0 ] && [ "${aside:-0}" -eq 0 ]; then bad=1; fi
    passed=$((passed + ${ok:-0}))
    failed=$((failed + ${bad:-0}))
    skipped=$((skipped + ${aside:-0}))
    if [ "${bad:-0}" -ne 0 ]; then
        echo "--- $name failed (exit $rc):"
        grep -vE '^\[ +(RUN|OK) ' "$logs/$name.log" | tail -40
    fi
done <"$logs/programs"
skips=
[ "$skipped" -eq 0 ] || skips=", $skipped skipped"
echo "$passed passed, $failed failed$skips"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

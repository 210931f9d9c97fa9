#!/usr/bin/env bash
# What holds for every source: clang-format, clang-tidy (.clang-tidy), and the dependency rule.
#   tools/lint.sh [BUILD_FOLDER]
# clang-tidy runs on all processors and only on what changed since it last found nothing: a file counts as
# the same when it is the same after preprocessing. Prints findings, one line for each check, and
# 'N passed, N failed' last, N being files.
set -uo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
seen=$build/lint
mkdir -p "$seen"
passed=0 failed=0

for program in clang-format clang-tidy clang python3 nm; do
    command -v "$program" >/dev/null || { echo "$program is missing: run 'make deps-test'" >&2; exit 1; }
done
# The compile commands tell clang-tidy each file's flags.
cmake -G Ninja -B "$build" >"$seen/configure.log" 2>&1 || {
    tail -30 "$seen/configure.log"
    echo "0 passed, 1 failed"
    exit 1
}

count() { # NAME PASSED FAILED
    printf '%-14s %d passed, %d failed\n' "$1" "$2" "$3"
    passed=$((passed + $2)) failed=$((failed + $3))
}

# The last line of a program that ends in 'N passed, N failed'; what it said before goes on screen.
count_own() { # NAME COMMAND...
    local name=$1 output line
    shift
    output=$("$@" 2>&1)
    line=$(tail -1 <<<"$output")
    head -n -1 <<<"$output"
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        count "$name" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    else
        echo "$line"
        count "$name" 0 1
    fi
}

sources() { find src tools tests -name node_modules -prune -o -name "$1" -type f -print | sort; }

format_all() {
    local total bad
    { sources '*.c'; sources '*.h'; } >"$seen/sources"
    total=$(wc -l <"$seen/sources")
    xargs -r -P "$(nproc)" -n 20 clang-format --dry-run -Werror <"$seen/sources" 2>&1 | tee "$seen/format.log"
    bad=$(grep -oE '^[^:]+' "$seen/format.log" | grep -E '\.[ch]$' | sort -u | wc -l)
    count clang-format $((total - bad)) "$bad"
}

# The flags of a file: from the build folder, or, for a fuzz target, those of its neighbours there.
flags_of() { # FILE
    local commands=$build/compile_commands.json
    if grep -q "\"file\".*/$1\"" "$commands"; then
        echo "-p $build"
    else
        echo "-- -std=gnu17 $(grep -F "/$(dirname "$1")/" "$commands" | grep '"command"' | head -1 |
            grep -oE -- '-I ?[^ ]+|-isystem [^ ]+|-D_GNU_SOURCE' | sort -u | tr '\n' ' ')"
    fi
}

# One file: its findings and "dirty FILE", or "clean" and a mark, so that it is skipped until it changes.
# Tests and tools are spared the slow analyzer, and may compare floats by their bits.
tidy_one() { # FILE
    local file=$1 key checks= output
    case $file in
    *_neon.c) echo clean && return ;; # for another processor
    *_test.c | *_fuzz.c | tools/*) checks=--checks=-clang-analyzer-*,-bugprone-suspicious-memory-comparison ;;
    esac
    key=$({ clang -E -C -Isrc -D_GNU_SOURCE -DLIMINAL_SOURCE_DIR='""' "$file" 2>&1
        cat .clang-tidy; } | sha256sum | cut -c1-24)
    [ -e "$seen/$key.clean" ] && echo clean && return
    # shellcheck disable=SC2046,SC2086 # the flags are words
    output=$(clang-tidy --quiet $checks "$file" $(flags_of "$file") 2>/dev/null)
    if grep -qE '(warning|error): ' <<<"$output"; then
        echo "$output"
        echo "dirty $file"
    else
        : >"$seen/$key.clean"
        echo clean
    fi
}

tidy_all() {
    export -f tidy_one flags_of
    export seen build
    find "$seen" -name '*.clean' -mtime +30 -delete
    # Each file's findings in one piece, though several files are looked at at once.
    sources '*.c' | grep -E '^(src|tools)/' | xargs -r -P "$(nproc)" -I{} bash -c 'findings=$(tidy_one {}); echo "$findings"' \
        >"$seen/tidy.log"
    grep -vE '^(clean|dirty .*)$' "$seen/tidy.log"
    count clang-tidy "$(grep -cx clean "$seen/tidy.log")" "$(grep -c '^dirty ' "$seen/tidy.log")"
}

# The objects tell the symbols.
layers_all() {
    cmake --build "$build" >"$seen/build.log" 2>&1 && tools/check_layers "$build" && return
    grep -E -A6 'error|FAILED' "$seen/build.log" | head -20
    return 1
}

format_all
tidy_all
count_own check_layers layers_all
count_own layers-test tools/check_layers_test
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

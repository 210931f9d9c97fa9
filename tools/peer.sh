#!/usr/bin/env bash
# Build the peer that the benchmarks compare with: llama.cpp's own llama-bench, -batched-bench and -server,
# natively for this machine, outside the tree, from the sources that npm's node-llama-cpp carries.
# Idempotent. Prints the folder that holds the programs on its last line.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}
peer=$cache/peer
bundle=$(tools/oracles.sh)/node_modules/node-llama-cpp/llama/gitRelease.bundle
stamp=$peer/built-from-$(sha256sum "$bundle" | cut -c1-16)
if [ ! -e "$stamp" ] || [ ! -x "$peer/build/bin/llama-batched-bench" ]; then
    echo "Building llama.cpp for comparison in $peer (about 5 minutes, once)" >&2
    rm -rf "$peer"
    mkdir -p "$peer"
    git clone -q "$bundle" "$peer/source" 2>&1 | grep -v '^warning' >&2 || true
    cmake -G Ninja -S "$peer/source" -B "$peer/build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
        -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
        -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_WEBUI=OFF -DGGML_CCACHE=OFF \
        >"$peer/configure.log" 2>&1 || { tail -5 "$peer/configure.log" >&2; exit 1; }
    ninja -C "$peer/build" llama-bench llama-batched-bench llama-server >"$peer/build.log" 2>&1 || {
        tail -20 "$peer/build.log" >&2
        echo "llama.cpp did not build; the whole log is $peer/build.log" >&2
        exit 1
    }
    touch "$stamp"
fi
echo "$peer/build/bin"

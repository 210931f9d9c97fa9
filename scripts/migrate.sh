#!/usr/bin/env bash
# The database's schema: scripts/migrate.sh up|down|status [VERSION]; `liminal migrate --help`.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${LIMINAL_BIN:-build/liminal}" migrate "$@"

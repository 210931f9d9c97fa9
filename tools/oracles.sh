#!/usr/bin/env bash
# Install the independent implementations (npm, versions pinned in tests/oracle) that the tests
# compare with, once per lock file, outside the tree; link them where Node looks for them.
# Idempotent. Prints the folder that holds node_modules on its last line.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}
oracle=$cache/oracle
lock=tests/oracle/package-lock.json
stamp=$oracle/installed-$(sha256sum "$lock" | cut -c1-16)
if [ ! -e "$stamp" ]; then
    command -v npm >/dev/null || { echo "npm is missing: run 'make deps'" >&2; exit 1; }
    mkdir -p "$oracle"
    free_mib=$(df -Pm "$oracle" | awk 'NR==2 {print $4}')
    [ "$free_mib" -ge 2500 ] || { echo "the test oracles need 2500 MiB in $oracle, $free_mib are free" >&2; exit 1; }
    echo "Installing the test oracles from npm in $oracle (1.6 GB, a minute, once)" >&2
    rm -rf "$oracle"/installed-* "$oracle/node_modules"
    cp tests/oracle/package.json "$lock" "$oracle/"
    # Install scripts would download from elsewhere; nothing here needs them. Not `npm ci`, which
    # wants the lock file to name the optional packages of other systems, some of which are not
    # published; `npm install` takes the same locked versions.
    (cd "$oracle" && npm install --ignore-scripts --omit=optional --omit=peer --no-save --no-audit \
        --no-fund --loglevel=error) >&2 || { echo "npm could not install the oracles: is the registry reachable?" >&2; exit 1; }
    touch "$stamp"
fi
for folder in tests/oracle tests/e2e; do
    ln -sfn "$oracle/node_modules" "$folder/node_modules"
done
echo "$oracle"

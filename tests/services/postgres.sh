#!/usr/bin/env bash
# A private PostgreSQL for tests: own folder, own socket, no network.
#   tests/services/postgres.sh start    prints its URL on the last line
#   tests/services/postgres.sh stop URL
#   tests/services/postgres.sh kill URL     as kill -9 would
#   tests/services/postgres.sh restart URL  after a kill
# Runs as the user postgres when called as root, who must not run a server.
set -euo pipefail
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$programs" ] || { echo "PostgreSQL is not installed: run 'make deps-test'." >&2; exit 1; }

as_server() {
    if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

folder_of() { sed -E 's/.*host=([^&]*).*/\1/' <<<"$1"; }

launch() {
    as_server "$programs/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 \
        -o "-k $1 -c listen_addresses='' -c max_connections=60 -c shared_buffers=32MB" start >/dev/null || {
        tail -20 "$1/log" >&2
        exit 1
    }
}

case ${1:-} in
start)
    folder=$(mktemp -d "${TMPDIR:-/tmp}/liminal-postgres.XXXXXX")
    if [ "$(id -u)" -eq 0 ]; then chown postgres "$folder"; fi
    cd "$folder"
    as_server "$programs/initdb" -D "$folder/data" -U liminal_owner -A trust -E UTF8 --locale=C.UTF-8 \
        --no-sync >"$folder/initdb.log" 2>&1 || { tail "$folder/initdb.log" >&2; exit 1; }
    launch "$folder"
    as_server "$programs/createdb" -h "$folder" -U liminal_owner liminal
    echo "postgresql://liminal_owner@/liminal?host=$folder"
    ;;
stop)
    folder=$(folder_of "$2")
    cd /
    as_server "$programs/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null || true
    rm -rf "$folder"
    ;;
kill)
    folder=$(folder_of "$2")
    pid=$(head -1 "$folder/data/postmaster.pid")
    kill -9 "$pid"
    # its children see that it is gone, and go; who reaps it may take its time
    while ps -e -o ppid= -o stat= | awk -v p="$pid" '$1 == p && $2 !~ /Z/ {found = 1} END {exit !found}' ||
        [[ $(ps -o stat= -p "$pid") == [^Z]* ]]; do sleep 0.05; done
    rm -f "$folder/data/postmaster.pid" "$folder"/.s.PGSQL.*
    ;;
restart)
    folder=$(folder_of "$2")
    cd "$folder"
    launch "$folder"
    ;;
*)
    echo "usage: tests/services/postgres.sh start | stop URL | kill URL | restart URL" >&2
    exit 2
    ;;
esac

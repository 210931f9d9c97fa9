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

launch() { # FOLDER ATTEMPTS
    local attempt
    for attempt in $(seq "$2"); do
        if as_server "$programs/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 \
            -o "-k $1 -c listen_addresses='' -c max_connections=60 -c shared_buffers=32MB" start >/dev/null 2>&1; then
            return
        fi
        [ "$attempt" -eq "$2" ] || sleep 0.1
    done
    tail -20 "$1/log" >&2
    exit 1
}

case ${1:-} in
start)
    folder=$(mktemp -d "${TMPDIR:-/tmp}/liminal-postgres.XXXXXX")
    if [ "$(id -u)" -eq 0 ]; then chown postgres "$folder"; fi
    cd "$folder"
    as_server "$programs/initdb" -D "$folder/data" -U liminal_owner -A trust -E UTF8 --locale=C.UTF-8 \
        --no-sync >"$folder/initdb.log" 2>&1 || { tail "$folder/initdb.log" >&2; exit 1; }
    launch "$folder" 1
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
    children=$(ps -o pid= --ppid "$pid" || true)
    kill -9 "$pid"
    # its children see that it is gone, and go; who reaps it, or them, may take its time
    for one in $pid $children; do
        while [[ $(ps -o stat= -p "$one") == [^Z]* ]]; do sleep 0.05; done
    done
    rm -f "$folder/data/postmaster.pid" "$folder"/.s.PGSQL.*
    ;;
restart)
    folder=$(folder_of "$2")
    cd "$folder"
    launch "$folder" 100 # a process born just before the kill may still hold its shared memory
    ;;
*)
    echo "usage: tests/services/postgres.sh start | stop URL | kill URL | restart URL" >&2
    exit 2
    ;;
esac

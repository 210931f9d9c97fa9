#!/usr/bin/env bash
# A private Redis for tests: own folder, own socket, no network, nothing on disk.
#   tests/services/redis.sh start         prints its URL on the last line
#   tests/services/redis.sh stop URL      also: kill URL, stop-server URL, restart URL
set -euo pipefail
command -v redis-server >/dev/null || { echo "Redis is not installed: run 'make deps-test'." >&2; exit 1; }

launch() {
    redis-server --port 0 --unixsocket "$1/redis.sock" --dir "$1" --save '' --appendonly no \
        --daemonize yes --pidfile "$1/pid" --logfile "$1/log" >/dev/null
    for _ in $(seq 200); do
        if [ "$(redis-cli -s "$1/redis.sock" ping 2>/dev/null)" = PONG ]; then return; fi
        sleep 0.02
    done
    tail -20 "$1/log" >&2
    exit 1
}

folder=
if [ $# -gt 1 ]; then folder=$(dirname "${2#unix:}"); fi
case ${1:-} in
start)
    folder=$(mktemp -d "${TMPDIR:-/tmp}/liminal-redis.XXXXXX")
    launch "$folder"
    echo "unix:$folder/redis.sock"
    ;;
kill)
    kill -9 "$(cat "$folder/pid")"
    while redis-cli -s "$folder/redis.sock" ping >/dev/null 2>&1; do sleep 0.02; done
    ;;
stop-server) # in order, keeping the folder
    redis-cli -s "$folder/redis.sock" shutdown nosave >/dev/null 2>&1 || true
    while redis-cli -s "$folder/redis.sock" ping >/dev/null 2>&1; do sleep 0.02; done
    ;;
restart) launch "$folder" ;;
stop)
    redis-cli -s "$folder/redis.sock" shutdown nosave >/dev/null 2>&1 || true
    rm -rf "$folder"
    ;;
*)
    echo "usage: tests/services/redis.sh start | stop URL | kill URL | stop-server URL | restart URL" >&2
    exit 2
    ;;
esac

#!/usr/bin/env bash
# What `make run` does once the program is built: fetch the default model, start the server, wait
# until it answers, and say what to type next. Ctrl-C stops it.
#   HOST, PORT     where to listen, default 127.0.0.1 and 8000 (also LIMINAL_HOST, LIMINAL_PORT)
# Running it again while the server runs only says so.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/fetch.sh

liminal=${LIMINAL_BIN:-build/liminal}
host=${LIMINAL_HOST:-${HOST:-127.0.0.1}}
port=${LIMINAL_PORT:-${PORT:-8000}}
export LIMINAL_HOST=$host LIMINAL_PORT=$port
reach=$host
[[ $reach == 0.0.0.0 || $reach == localhost ]] && reach=127.0.0.1
[[ $reach == *:* ]] && reach="[$reach]"
url=http://$reach:$port

[ -x "$liminal" ] || fail "$liminal is missing: run 'make' first."
need_commands curl

answers() { curl --silent --max-time 2 "$url/v1/models" 2>/dev/null; }
listens() { (exec 3<>"/dev/tcp/${reach//[\[\]]/}/$port") 2>/dev/null; }

say_next() {
    cat <<NEXT
Liminal answers at $url  (OpenAI clients: base URL $url/v1)

Ask it from another terminal:

  curl $url/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{"model":"local-llm","messages":[{"role":"user","content":"Name three rivers."}]}'

or chat with it:

  $liminal run local-llm

NEXT
}

if listens; then
    if answers | grep -q '"object": *"list"' || [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 2 "$url/v1/models")" = 401 ]; then
        echo "Liminal is running already."
        say_next
        exit 0
    fi
    fail "Port $port is taken by another program: stop it, or choose another with 'make run PORT=8001'."
fi

scripts/fetch-model.sh
log=$(mktemp)
"$liminal" serve >"$log" 2>&1 &
server=$!
stop() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    rm -f "$log"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
for ((i = 0; ; i++)); do
    listens && break
    kill -0 "$server" 2>/dev/null || {
        grep -v '^{' "$log" >&2 || cat "$log" >&2
        fail "The server did not start; the lines above say why."
    }
    [ $i -lt 1200 ] || fail "The server has not answered for two minutes; its log is $(cat "$log" | tail -3)"
    sleep 0.1
done
say_next
echo "Ctrl-C stops it. Its log:"
tail -n +1 -f "$log" --pid="$server" &
wait "$server"

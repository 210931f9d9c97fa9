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

listens() { (exec 3<>"/dev/tcp/${reach//[\[\]]/}/$port") 2>/dev/null; }

# Is what listens there a Liminal? With a key it asks for that, in the words of the API.
is_liminal() {
    curl --silent --max-time 5 "$url/v1/models" | grep -qE '"owned_by":"local"|"object":"list"|"invalid_api_key"'
}

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
    is_liminal || fail "Port $port is taken by another program: stop it, or choose another with 'make run PORT=8001'."
    echo "Liminal is running already."
    say_next
    exit 0
fi

# Whoever chose a model need not fetch the default one.
[ -n "${MODEL_PATH:-}${LIMINAL_MODEL:-}" ] || scripts/fetch-model.sh
set -m # a process group of its own, so that one Ctrl-C is one signal: a second stops it at once
"$liminal" serve >/dev/null & # what it says to a person is said below; its log goes to stderr
server=$!
set +m
stopping=
stop() {
    stopping=yes
    kill "$server" 2>/dev/null || true
}
trap stop INT TERM HUP
trap 'kill "$server" 2>/dev/null || true' EXIT
runs() { kill -0 "$server" 2>/dev/null; }

for ((i = 0; ; i++)); do
    listens && is_liminal && break
    [ -z "$stopping" ] || exit 0
    runs || fail "The server did not start; the line above says why."
    [ $i -lt 1200 ] || fail "The server has not answered for two minutes."
    sleep 0.1
done
say_next
echo "Ctrl-C stops it. Its log follows."
code=0
while runs; do # each signal interrupts a wait
    wait "$server" || code=$?
done
[ -z "$stopping" ] || exit 0
exit "$code"

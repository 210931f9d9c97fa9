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
port_name=${LIMINAL_PORT:+LIMINAL_}PORT # whose value it is
[[ $port =~ ^[0-9]{1,5}$ ]] && ((10#$port >= 1 && 10#$port <= 65535)) ||
    fail "$port_name must be a number from 1 to 65535, not \"$port\"."
export LIMINAL_HOST=$host LIMINAL_PORT=$port
reach=$host
[[ $reach == 0.0.0.0 || $reach == localhost ]] && reach=127.0.0.1
[[ $reach == :: ]] && reach=::1
[[ $reach == *:* ]] && reach="[$reach]"
url=http://$reach:$port

[ -x "$liminal" ] || fail "$liminal is missing: run 'make' first."
need_commands curl

listens() { (exec 3<>"/dev/tcp/${reach//[\[\]]/}/$port") 2>/dev/null; }

# Is what listens there a Liminal? Others speak the API of OpenAI too, but have no such /healthz.
is_liminal() {
    curl --silent --max-time 5 "$url/healthz" |
        grep -qE '^\{"status":"[a-z]+","version":"[^"]+","uptime_seconds":[0-9]+,"checks":\{"model":'
}

# How a shell gets the key, so that the line works as it stands and shows no secret.
key_words() {
    if [ -n "${LIMINAL_API_KEY:-}" ]; then
        echo '$LIMINAL_API_KEY'
    else
        "$liminal" serve --show-settings | sed -nE "s/^data-dir +(default|file|environment) +(.*)$/\$(cat '\\2\/api-key')/p"
    fi
}

say_next() {
    local key
    key=$(key_words)
    cat <<NEXT
Liminal answers at $url  (OpenAI clients: base URL $url/v1)

Ask it from another terminal:

  curl $url/v1/chat/completions -H 'Content-Type: application/json' \\
    -H "Authorization: Bearer $key" \\
    -d '{"model":"local-llm","messages":[{"role":"user","content":"What is the capital of France?"}]}'

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

work=$(mktemp -d)
mkfifo "$work/log"
touch "$work/starting"

# Until it is ready, only what a person should know: progress, warnings, why it did not start.
show_log() {
    local line
    while IFS= read -r line; do
        [[ -e $work/starting && $line =~ ^\{.*\"level\":\"(debug|info)\" ]] && continue
        printf '%s\n' "$line" >&2
    done
}
(
    trap '' INT TERM HUP # it ends with the server
    show_log
) <"$work/log" &
log=$!
set -m # a process group of its own, so that one Ctrl-C is one signal: a second stops it at once
"$liminal" serve >/dev/null 2>"$work/log" & # what it says to a person is said below
server=$!
set +m
stopping=
stop() {
    stopping=yes
    kill "$server" 2>/dev/null || true
}
trap stop INT TERM HUP
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
runs() { kill -0 "$server" 2>/dev/null; }
did_not_start() {
    wait "$log"
    fail "The server did not start; the line above says why."
}

for ((i = 0; ; i++)); do
    listens && is_liminal && break
    [ -z "$stopping" ] || exit 0
    runs || did_not_start
    [ $i -lt 1200 ] || fail "The server has not answered for two minutes."
    sleep 0.1 || true
done
say_next
echo "Ctrl-C stops it. Its log follows."
# The lines of our own questions are still on their way. A Ctrl-C ends the sleep only.
sleep 0.2 || true
rm "$work/starting"
code=0
while runs; do # each signal interrupts a wait
    wait "$server" || code=$?
done
wait "$log" || true
[ -z "$stopping" ] || exit 0
exit "$code"

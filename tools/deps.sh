#!/usr/bin/env bash
# Debian packages that Liminal needs, by purpose.
#   tools/deps.sh build run test    install what is missing of these sets
#   tools/deps.sh --check build     only say what is missing, in one sentence; exit 1 then
# Works as root and with sudo; does nothing, without the network, when all is there.
set -euo pipefail

build=(gcc libc6-dev cmake ninja-build pkg-config libuv1-dev node-llhttp libssl-dev libjansson-dev
    libpcre2-dev libcurl4-openssl-dev libinih-dev zlib1g-dev libedit-dev libsqlite3-dev libpq-dev libhiredis-dev
    libsodium-dev libcrypt-dev libqrencode-dev)
run=(ca-certificates curl)
test=(libcmocka-dev clang llvm libclang-rt-14-dev clang-format clang-tidy gcc-aarch64-linux-gnu
    libc6-dev-arm64-cross qemu-user binutils python3 python3-jinja2 bsdutils procps nginx-light postgresql redis-server sqlite3 openssl wrk)
browser=(chromium fonts-dejavu-core) # 90 MB to fetch, 400 MB on disk: for make check-deep only

check_only=false
[ "${1:-}" = --check ] && { check_only=true; shift; }

installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# Who is told to install it is told the target of the Makefile for these sets.
target=deps
[[ " $* " == *" test "* ]] && target=deps-test

missing=()
for set_name in "$@"; do
    case $set_name in
    build) wanted=("${build[@]}") ;;
    run) wanted=("${run[@]}") ;;
    test) wanted=("${test[@]}") ;;
    browser) wanted=("${browser[@]}") ;;
    *) echo "tools/deps.sh: no set of packages is called '$set_name'" >&2; exit 2 ;;
    esac
    for package in "${wanted[@]}"; do
        installed "$package" || missing+=("$package")
    done
    # Node comes from Debian unless the machine has one of its own: the two exclude each other.
    if [ "$set_name" != build ] && ! { command -v node && command -v npm; } >/dev/null; then
        missing+=(nodejs npm)
    fi
done
[ ${#missing[@]} -eq 0 ] && exit 0

if $check_only; then
    echo "Packages are missing (${missing[*]}): run 'make $target' to install them." >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "This is not a Debian system: install the equivalents of: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "Packages must be installed (${missing[*]}): run 'make $target' as root, or install sudo." >&2
        exit 1
    }
    as_root=(sudo)
fi
echo "Installing Debian packages: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_packages() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        "${missing[@]}" >"$log" 2>&1
}
# The lists of a fresh machine are empty or old: refresh them first.
"${as_root[@]}" apt-get update >"$log" 2>&1 || {
    tail -3 "$log" >&2
    echo "apt-get update failed: is the network there?" >&2
    exit 1
}
install_packages || {
    tail -5 "$log" >&2
    echo "The packages could not be installed; the lines above are apt-get's." >&2
    exit 1
}

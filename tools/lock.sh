#!/bin/sh
# Writes requirements.lock: every package of the four programs and of development, by hash, without addresses.
# The tools of `make audit` are locked apart, in requirements-audit.lock: nothing else needs them.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}

"$uv" lock --quiet "$@"
write() {
    file=$1; shift
    {
        echo "# Written by \`make lock\`. Versions and hashes only: where packages come from is the machine's business."
        "$uv" export --quiet --locked --no-emit-workspace --no-header --no-annotate --format requirements-txt "$@"
    } >"$file.new"
    mv "$file.new" "$file"
}

write requirements.lock --all-groups --no-group audit
write requirements-audit.lock --only-group audit

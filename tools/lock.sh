#!/bin/sh
# Writes requirements.lock: every package of the four programs and of development, by hash, without addresses.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}

"$uv" lock --quiet "$@"
{
    echo "# Written by \`make lock\`. Versions and hashes only: where packages come from is the machine's business."
    "$uv" export --quiet --locked --no-emit-workspace --all-groups --no-header --no-annotate \
        --format requirements-txt
} >requirements.lock.new
mv requirements.lock.new requirements.lock

#!/bin/sh
# Provides what the Makefile needs; it changes nothing but the environment folder and, as root on Debian, packages.
#
#   provide.sh system run|test    programs: git and Python's venv module; for tests what they start beside it
#   provide.sh venv FOLDER        the Python environment, from requirements.lock by hash, and its stamp
#   provide.sh audit FOLDER       the tools of `make audit`, from requirements-audit.lock by hash, and their stamp
set -eu
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
MISSING=""

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

retry() {
    attempt=1
    until "$@"; do
        [ "$attempt" -lt 4 ] || { say "error: gave up after $attempt attempts: $*"; return 1; }
        say "attempt $attempt of 4 failed: $*"
        sleep $((attempt * 3)); attempt=$((attempt + 1))
    done
}

# The server programs of PostgreSQL live outside PATH on Debian.
have_postgres() {
    have initdb && return 0
    for program in /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb; do
        [ -x "$program" ] && return 0
    done
    return 1
}

# What tests of the agent drive for real: some in namespaces of their own, some on a copy of this machine that
# boots its own systemd.
look_linux() {
    PATH="$PATH:/usr/sbin:/sbin"
    have nft || MISSING="$MISSING nftables"
    have ufw || MISSING="$MISSING ufw"
    have ip || MISSING="$MISSING iproute2"
    have wg-quick || MISSING="$MISSING wireguard-tools"
    have sysctl || MISSING="$MISSING procps"
    have update-ca-certificates || MISSING="$MISSING ca-certificates"
    have systemd-nspawn || MISSING="$MISSING systemd-container"
    have bwrap || MISSING="$MISSING bubblewrap"
    have cron || MISSING="$MISSING cron"
    have dbus-daemon || MISSING="$MISSING dbus"
    have swtpm || MISSING="$MISSING swtpm"
    have tpm2_unseal || MISSING="$MISSING tpm2-tools"       # with the libraries by which systemd-creds reaches a TPM
    have groff || MISSING="$MISSING groff-base"
    have man || MISSING="$MISSING man-db"
    have chromium || have chromium-browser || have google-chrome || MISSING="$MISSING chromium"
}

look_test() {
    have_postgres || MISSING="$MISSING postgresql"
    have ssh-keygen || MISSING="$MISSING openssh-client"
    have softhsm2-util || MISSING="$MISSING softhsm2"
    have gpg || MISSING="$MISSING gnupg"
    have xmlsec1 || MISSING="$MISSING xmlsec1"              # by it the identity provider of the tests signs
    for shell in bash zsh fish; do have "$shell" || MISSING="$MISSING $shell"; done     # completion is tried in each
    if [ "$(uname -s)" = Linux ]; then look_linux; fi
}

look() {
    have git || MISSING="$MISSING git"
    if [ ! -x .venv/bin/python ]; then
        have "$PYTHON" || MISSING="$MISSING python3"
        "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || MISSING="$MISSING python3-venv"
    fi
    if [ "$1" = test ]; then look_test; fi
}

# The command that installs $MISSING with this machine's package manager.
advice() {
    if have apt-get; then echo "sudo apt-get install$1"
    elif have dnf; then echo "sudo dnf install$1" | sed 's/python3-venv/python3/; s/postgresql/postgresql-server/'
    elif have zypper; then echo "sudo zypper install$1" | sed 's/python3-venv/python3/; s/postgresql/postgresql-server/'
    elif have pacman; then echo "sudo pacman -S$1" | sed 's/python3-venv/python/; s/python3/python/'
    elif have apk; then echo "sudo apk add$1" | sed 's/python3-venv/python3/'
    elif have brew; then echo "brew install$1" | sed 's/python3-venv/python/; s/python3/python/'
    else echo "your package manager's install command for:$1"; fi
}

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    retry apt-get update -qq -o Acquire::Retries=5 </dev/null >&2
    # shellcheck disable=SC2086 - a list of package names
    retry apt-get install -qq -y --no-install-recommends -o Acquire::Retries=5 -o Dpkg::Use-Pty=0 $1 </dev/null >&2
}

system() {
    look "$1"
    if [ -n "$MISSING" ] && have apt-get && [ "$(id -u)" = 0 ]; then
        say "installing:$MISSING"
        apt_install "$MISSING"
        MISSING=""; look "$1"
    fi
    [ -z "$MISSING" ] || {
        say "error: this needs$MISSING"
        say "hint: $(advice "$MISSING")"
        exit 1
    }
    [ -x .venv/bin/python ] || "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        say "error: $("$PYTHON" --version 2>&1) is too old; GuruRMM needs Python 3.11 or later"
        say "hint: install a newer one and name it: make PYTHON=python3.12 ..."
        exit 1
    }
}

# uv is quick but does not read pip's configuration, so a machine with a mirror in pip.conf is served by pip.
packages() {
    "$1/bin/uv" pip install --quiet --python "$1/bin/python" --require-hashes -r requirements.lock 2>"$1/uv.log" ||
        "$1/bin/python" -m pip install --quiet --retries 8 --require-hashes -r requirements.lock
}

workspace() {
    "$1/bin/uv" pip install --quiet --offline --python "$1/bin/python" --no-deps --no-build-isolation \
        -e policies -e agent -e server -e gurucli
}

environment() {
    export UV_PYTHON_DOWNLOADS=never UV_HTTP_TIMEOUT=120 UV_LINK_MODE=copy PIP_DISABLE_PIP_VERSION_CHECK=1
    export PIP_ROOT_USER_ACTION=ignore
    rm -f "$1/.ready"
    [ -x "$1/bin/pip" ] || { say "making the environment in $1"; "$PYTHON" -m venv "$1"; }
    sed -n '/^uv==/,/[^\\]$/p' requirements.lock >"$1/uv.txt"
    retry "$1/bin/python" -m pip install --quiet --retries 8 --require-hashes -r "$1/uv.txt"
    retry packages "$1"
    workspace "$1"
    "$1/bin/python" -m compileall -q "$1"/lib/python*/site-packages policies agent server gurucli >/dev/null || true
    touch "$1/.ready"
}

audit() {
    rm -f "$1/.ready"
    [ -x "$1/bin/pip" ] || { say "making the environment in $1"; "$PYTHON" -m venv "$1"; }
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
        retry "$1/bin/python" -m pip install --quiet --retries 8 --require-hashes -r requirements-audit.lock
    touch "$1/.ready"
}

case "${1:-}" in
    system) system "${2:-run}" ;;
    venv) environment "${2:?the folder of the environment}" ;;
    audit) audit "${2:?the folder of the environment}" ;;
    *) say "usage: provide.sh system run|test, or provide.sh venv|audit FOLDER"; exit 2 ;;
esac

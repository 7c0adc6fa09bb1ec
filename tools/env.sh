#!/bin/sh
# Makes ./.env, where all of the Makefile runs; does nothing where it is up to date.
#
#   ENV=conda|uv|venv   the way to make it; else that of the present ./.env, else the first found of
#                       micromamba, mamba, conda, uv, venv + pip
#   PYTHON=...          the interpreter, by uv or venv; else the first on PATH that fits
#
# It runs before any environment exists, perhaps without a Python: hence a POSIX shell.

set -eu
cd "$(dirname "$0")/.."

prefix=$PWD/.env
oldest=11 # of Python 3; a test compares both with pyproject.toml
newest=13
started_at=$(date +%s)
# A conda environment would see the user's own site-packages, and take what is there for installed.
export PYTHONNOUSERSITE=1
# The three conda tools do not agree on an option that keeps them from asking.
export CONDA_ALWAYS_YES=true MAMBA_ALWAYS_YES=true

say() { printf 'env: %s\n' "$*"; }
fail() {
    printf 'env: %s\n' "$*" >&2
    exit 1
}
found() { command -v "$1" >/dev/null 2>&1; }
version() { "$1" -c 'import platform; print(platform.python_version())' 2>/dev/null; }
fits() {
    range="(3, $oldest) <= sys.version_info[:2] <= (3, $newest)"
    "$1" -c "import sys; sys.exit(not $range)" 2>/dev/null
}
minor() { version "$1" | cut -d . -f 1,2; }

# attempt WHAT COMMAND...: a tool says itself what it lacks, and not always what is to be done.
attempt() {
    what=$1
    shift
    "$@" && return
    status=$?
    fail "$what (it ended with $status), for the reason above: is the network within reach, or the" \
        "package index that you have set? Then \`make env\` again; it begins anew"
}

conda_tool() {
    for tool in micromamba mamba conda; do
        if found "$tool"; then
            echo "$tool"
            return
        fi
    done
    return 1
}

# Who names an interpreter wants that one, and conda brings its own.
wants_conda() { [ -z "${PYTHON:-}" ] && conda_tool >/dev/null; }

choose_way() {
    case "${ENV:-}" in
    conda | uv | venv) echo "$ENV" ;;
    '' | */*) # a path is the start-up file of an interactive shell, which has the same name
        present=$(cut -d ' ' -f 1 "$prefix/locked" 2>/dev/null || true)
        case "$present" in
        conda) if wants_conda; then echo conda && return; fi ;;
        uv) if found uv; then echo uv && return; fi ;;
        venv) echo venv && return ;;
        esac
        if wants_conda; then
            echo conda
        elif found uv; then
            echo uv
        else
            echo venv
        fi
        ;;
    *) fail "ENV=$ENV is unknown: use ENV=conda, ENV=uv or ENV=venv, or leave it out" ;;
    esac
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.13 python3.12 python3.11
    fi
    for python in "$@"; do
        if fits "$python"; then
            command -v "$python"
            return
        fi
    done
    fail "Python 3.$oldest to 3.$newest is needed, but $1 is $(version "$1" || echo missing);" \
        "install one, or name it: make env PYTHON=/path/to/python3.$oldest"
}

is_ready() {
    [ "$(cat "$prefix/locked" 2>/dev/null)" = "$locked" ] || return 1
    # An interpreter that was removed or upgraded takes the packages with it. uv is a small one.
    "$prefix/bin/python" -c 'import uv' 2>/dev/null || return 1
    [ -z "${PYTHON:-}" ] ||
        [ "$(minor "$PYTHON")" = "$(minor "$prefix/bin/python")" ]
}

install_locked() {
    case "$way" in
    conda)
        tool=$(conda_tool) || fail "ENV=conda, but micromamba, mamba or conda is not on PATH"
        say "making ./.env with $tool from environment.yml; it may take some minutes"
        remove_old
        # Absolute paths: older versions of micromamba take a relative prefix for a name.
        case "$tool" in
        micromamba) set -- create ;;
        *) set -- env create ;;
        esac
        attempt "$tool could not make ./.env" \
            "$tool" "$@" --prefix "$prefix" --file "$PWD/environment.yml"
        ;;
    uv)
        found uv || fail "ENV=uv, but uv is not on PATH"
        python=$(find_python)
        say "making ./.env with uv on $python ($(version "$python"))"
        remove_old
        uv venv --quiet --python "$python" "$prefix"
        attempt "uv could not install requirements.lock" \
            uv pip sync --quiet --python "$prefix/bin/python" --require-hashes requirements.lock
        ;;
    venv)
        python=$(find_python)
        # Debian ships venv without ensurepip, in a package of its own.
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "$python cannot make environments with pip in them: install what is missing" \
                "(Debian, Ubuntu: apt-get install python$(minor "$python")-venv), or install uv"
        say "making ./.env with venv + pip on $python ($(version "$python"));" \
            "it may take some minutes"
        remove_old
        "$python" -m venv "$prefix"
        attempt "pip could not install requirements.lock" \
            "$prefix/bin/python" -m pip install --quiet --disable-pip-version-check \
            --require-hashes --requirement requirements.lock
        ;;
    esac
}

remove_old() {
    if [ -f "$prefix" ]; then
        fail "./.env is a file, and the environment belongs there: move it away first"
    fi
    # First of all what says that it is whole: whoever is stopped in between leaves a part of it.
    rm -f "$prefix/locked"
    rm -rf "$prefix"
}

# Without dependencies and isolation: the lock holds all of them, what builds the project too.
install_project() {
    case "$way" in
    uv) set -- uv pip install --python "$prefix/bin/python" ;;
    *) set -- "$prefix/bin/python" -m pip install --disable-pip-version-check ;;
    esac
    attempt "the project could not be installed" \
        "$@" --quiet --no-deps --no-build-isolation --editable .
    # Else the first start does it, or where PYTHONDONTWRITEBYTECODE is set every one: 0.1 s each.
    "$prefix/bin/python" -m compileall -q taskkit server worker || true
}

# Each stamp is written when its step is done; a step that failed half-way is repeated.
way=$(choose_way)
[ "$way" != conda ] || [ -z "${PYTHON:-}" ] ||
    fail "PYTHON= is for ENV=uv and ENV=venv: conda brings its own Python, as environment.yml says;" \
        "leave one of the two out"
# The folder is part of it: scripts in an environment hold its path, so a moved one is broken.
locked="$way $(cat environment.yml requirements.lock tools/env.sh | cksum) $PWD"
# The version is in a module; what is installed says it, too.
set -- pyproject.toml
[ ! -f taskkit/__init__.py ] || set -- "$@" taskkit/__init__.py
project=$(cat "$@" | cksum)
if is_ready && [ "$(cat "$prefix/project" 2>/dev/null)" = "$project" ]; then
    say "./.env is up to date ($way)"
    exit
fi
if ! is_ready; then
    install_locked
    echo "$locked" >"$prefix/locked"
fi
install_project
echo "$project" >"$prefix/project"
say "./.env is ready after $(($(date +%s) - started_at)) s ($way)"

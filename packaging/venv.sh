#!/bin/sh
# Set up a virtual environment with kfkd, its tests' packages and all they need:
#
#     sh packaging/venv.sh [FOLDER]          (.venv without FOLDER)
#
# A suitable Python is looked for unless PYTHON says which. What is set up already is
# left alone; after a change of the requirements it is brought up to date; what an
# interruption left half done is begun anew.
set -eu
cd "$(dirname "$0")/.."

venv=${1:-.venv}
stamp=$venv/kfkd-is-set-up
log=$venv/pip.log

say() { printf '%s\n' "$*" >&2; }
fail() { say "Error: $*"; exit 1; }

# The Pythons that kfkd is tested on are 3.$oldest to 3.$newest.
read -r oldest limit <<END
$(sed -n 's/^requires-python = ">=3\.\([0-9]*\),<3\.\([0-9]*\)"$/\1 \2/p' pyproject.toml)
END
newest=$((limit - 1))

# Does it run (a shim of pyenv may not), and is it one of those?
suits() {
    "$1" -c 'import sys
oldest, limit = map(int, sys.argv[1:])
sys.exit(not (3, oldest) <= sys.version_info < (3, limit))
' "$oldest" "$limit" 2>/dev/null
}
makes_venvs() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
identity() { "$1" -c 'import sys; print(sys.version, sys.base_prefix)' 2>/dev/null; }

# Set $python to the first Python that will do.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set --
        minor=$newest
        while [ "$minor" -ge "$oldest" ]; do
            set -- "$@" "python3.$minor"
            minor=$((minor - 1))
        done
        set -- "$@" python3
    fi
    lacking=
    for python do
        if suits "$python"; then
            if makes_venvs "$python"; then return; fi
            lacking=${lacking:-$python}
        fi
    done
    if [ -n "$lacking" ]; then
        version=$("$lacking" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fail "$lacking comes without venv or ensurepip, so it cannot make a virtual" \
            "environment. On Debian and Ubuntu: apt install python$version-venv. Or" \
            "name another Python, 3.$oldest to 3.$newest: make PYTHON=/path/to/python3"
    fi
    if [ -n "${PYTHON:-}" ]; then
        fail "PYTHON=$PYTHON is no Python 3.$oldest to 3.$newest that runs; asked for" \
            "its version, it says: $("$PYTHON" --version 2>&1 | head -n 1)"
    fi
    other=$(python3 --version 2>/dev/null) || other=
    fail "kfkd needs Python 3.$oldest to 3.$newest, and none runs as" \
        "$*${other:+ (which is $other)}." \
        "Install Python 3.$newest, with venv: from https://www.python.org, by" \
        "'uv python install 3.$newest', or on Debian and Ubuntu, where they have it, by" \
        "'apt install python3.$newest-venv'. One that is elsewhere is named by" \
        "make PYTHON=/path/to/python3"
}

# Print what must be unchanged for the environment to be up to date. The folder is part
# of it, since kfkd is installed as a pointer to it.
wanted() {
    pwd
    cat requirements.txt requirements-demo.txt requirements-onnx.txt \
        requirements-photos.txt requirements-test.txt setup.py pyproject.toml \
        packaging/venv.sh packaging/*/*.toml packaging/*/*.txt packaging/*/*.py \
        packaging/*/*/*.py | cksum
}

# Show the larger downloads and, if pip fails, the end of what it said.
pip_install() {
    {
        "$venv/bin/python" -m pip install --disable-pip-version-check \
            --progress-bar off "$@" 2>&1 && echo 'pip is done'
    } | tee "$log" | sed -n \
        -e 's/^  Downloading \([^-]*\)-\([^-]*\)-.* (\([0-9.]* MB\))$/    \1 \2, \3/p' \
        -e 's/^Building wheels.*/    building/p' \
        -e 's/^Installing collected.*/    installing/p' >&2
    if ! grep -q '^pip is done$' "$log"; then
        tail -n 30 "$log" >&2
        fail "pip did not succeed; all it said is in $log. Once that is fixed, the" \
            "same command begins again."
    fi
}

runs=$(identity "$venv/bin/python") || runs=
if [ -n "${PYTHON:-}" ] && [ "$runs" != "$(identity "$PYTHON")" ]; then
    runs=  # it is there, but made with another Python than the one asked for
fi
if [ -n "$runs" ] && [ "$(wanted)" = "$(cat "$stamp" 2>/dev/null)" ]; then exit; fi

began=$(date +%s)
if [ -n "$runs" ] && [ -e "$stamp" ]; then
    say "Bringing $venv up to date, as the requirements have changed."
    rm "$stamp"
else
    find_python
    if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ]; then
        fail "$venv is there and is no virtual environment; remove it, or name another" \
            "folder: make VENV=folder"
    fi
    say "Setting up $venv with $("$python" --version) ($python): it takes" \
        "a minute or two, and downloads about 300 MB."
    "$python" -m venv --clear "$venv"
fi
pip_install --upgrade pip
pip_install -r requirements.txt -r requirements-demo.txt -r requirements-onnx.txt \
    -r requirements-photos.txt -r requirements-test.txt
wanted >"$stamp"
say "$venv is ready after $(($(date +%s) - began)) s."

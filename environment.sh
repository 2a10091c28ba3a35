#!/usr/bin/env bash
# Makes .venv with exactly the versions of constraints.txt, unless it is there already.
#
# Takes the first Python 3.9 to 3.11 that really runs (a pyenv shim may exist and not run), or the one in $PYTHON.
# The stamp holds what the environment was made from and is written last, so an interrupted install is made anew.
set -euo pipefail
cd "$(dirname "$0")"

stamp=.venv/installed-from
log=.venv/install.log
probe='import sys, ensurepip, venv; print("%d.%d" % sys.version_info[:2])'

made_from() { cat setup.py constraints.txt environment.sh | cksum; }

# The version of a Python that runs and can make environments, as "3.11"; nothing otherwise.
version_of() { "$1" -c "$probe" 2>/dev/null </dev/null || true; }

supported() { case "$1" in 3.9 | 3.10 | 3.11) true ;; *) false ;; esac; }

why_not() {
    if ! command -v "$1" >/dev/null; then
        echo "not found"
    elif ! version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null); then
        echo "found, but it does not run"
    elif supported "$version"; then
        echo "Python $version, but without the venv module (Debian: apt install python$version-venv)"
    else
        echo "Python $version"
    fi
}

find_python() {
    local candidates=(python3.11 python3.10 python3.9 python3 python) python
    for minor in 11 10 9; do
        for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python; do
            [ -x "$python" ] && candidates+=("$python")
        done
    done
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for python in "${candidates[@]}"; do
        if supported "$(version_of "$python")"; then
            echo "$python"
            return
        fi
    done
    {
        echo "largebatch needs Python 3.9, 3.10 or 3.11 (TensorFlow 2.15 has no other), and found none:"
        for python in "${candidates[@]}"; do echo "  $python: $(why_not "$python")"; done
        echo "Install one of them (pyenv install 3.11, apt install python3.11 python3.11-venv, conda create python=3.11),"
        echo "or name one: make PYTHON=/path/to/python3.11 ..."
    } >&2
    return 1
}

is_current() {
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(made_from)" ] || return 1
    local made_with
    made_with=$(version_of .venv/bin/python)
    supported "$made_with" && { [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$made_with" ]; }
}

# Runs pip, all of its words into the log, the downloads to the screen; the log's end if it fails.
install() {
    if ! .venv/bin/python -m pip install --disable-pip-version-check "$@" 2>&1 | tee -a "$log" |
        sed -n -u -E -e 's/^ *(Downloading|Using cached) ([^ ]+)( .*)?$/  \2\3/p' -e 's/^Installing collected packages.*/  unpacking .../p'; then
        echo "The install failed; the end of $log:" >&2
        grep -v '^WARNING: Location' "$log" | tail -n 20 >&2
        return 1
    fi
}

is_current && exit 0
python=$(find_python)
echo "Making .venv with $python (Python $(version_of "$python")): about 700 MB to download and 3 GB on disk, once."
rm -rf .venv
"$python" -m venv .venv
install -c constraints.txt pip setuptools wheel
install -c constraints.txt --build-constraint constraints.txt -e '.[test]'
made_from >"$stamp"
echo "The environment is complete."

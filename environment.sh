#!/usr/bin/env bash
# Makes an environment with exactly the versions of constraints.txt, unless it is there already.
#
# The Python decides the stack (docs/install.md): 3.9 to 3.11 classic, 3.12 and 3.13 modern. Takes the first that
# really runs (a pyenv shim may exist and not run), or the one in $PYTHON, and makes .venv. With STACK=classic or
# STACK=modern it takes a Python of that stack and makes .venv-$STACK, which is .venv itself where that one fits.
# Installs with uv where uv is (INSTALLER=pip: without it), which also downloads a Python where there is none.
# The stamp holds what the environment was made from and is written last, so an interrupted install is made anew.
set -euo pipefail
cd "$(dirname "$0")"

stack=${STACK:-}
case "$stack" in
    "") pythons="11 10 9 12 13" wanted="Python 3.9 to 3.13" example=3.12 ;;
    classic) pythons="11 10 9" wanted="Python 3.9, 3.10 or 3.11 (STACK=classic)" example=3.11 ;;
    modern) pythons="12 13" wanted="Python 3.12 or 3.13 (STACK=modern)" example=3.12 ;;
    *) echo "STACK=$stack is neither classic nor modern" >&2; exit 1 ;;
esac
venv=.venv${stack:+-$stack}
probe='import sys, ensurepip, venv; print("%d.%d" % sys.version_info[:2])'

made_from() { cat setup.py constraints.txt environment.sh | cksum; }

has_uv() { [ "${INSTALLER:-uv}" = uv ] && command -v uv >/dev/null; }

# The version of a Python that runs and can make environments, as "3.11"; nothing otherwise.
version_of() {
    local wanted_of=$probe
    ! has_uv || wanted_of='import sys; print("%d.%d" % sys.version_info[:2])' # uv needs no venv module
    "$1" -c "$wanted_of" 2>/dev/null </dev/null || true
}

supported() { case " $pythons " in *" ${1#3.} "*) [ "$1" != "${1#3.}" ] ;; *) false ;; esac; }

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
    local candidates=() python minor
    for minor in $pythons; do candidates+=("python3.$minor"); done
    candidates+=(python3 python)
    for minor in $pythons; do
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
    if [ -z "${PYTHON:-}" ] && has_uv && uv python install --quiet "$example" >&2; then
        uv python find "$example"
        return
    fi
    {
        echo "largebatch needs $wanted, and found none:"
        for python in "${candidates[@]}"; do echo "  $python: $(why_not "$python")"; done
        echo "Install one of them (uv python install $example, pyenv install $example, apt install python$example" \
            "python$example-venv,"
        echo "conda create python=$example), or name one: make PYTHON=/path/to/python$example ..."
    } >&2
    return 3 # not 1: see .ci/run
}

is_current() {
    [ -f "$1/installed-from" ] && [ "$(cat "$1/installed-from")" = "$(made_from)" ] || return 1
    local made_with
    made_with=$(version_of "$1/bin/python")
    supported "$made_with" && { [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$made_with" ]; }
}

# Installs with uv or pip, all of its words into the log, the downloads to the screen; the log's end if it fails.
install() {
    local installer=("$venv/bin/python" -m pip install --disable-pip-version-check)
    ! has_uv || installer=(uv pip install --python "$venv/bin/python")
    if ! "${installer[@]}" -c constraints.txt "$@" 2>&1 | tee -a "$log" |
        sed -n -u -E -e 's/^ *(Downloading|Using cached) ([^ ]+)( .*)?$/  \2\3/p' -e 's/^(Installing collected packages|Prepared ).*/  unpacking .../p'; then
        echo "The install failed; the end of $log:" >&2
        grep -v '^WARNING: Location' "$log" | tail -n 20 >&2
        return 4 # not 1: see .ci/run
    fi
}

is_current "$venv" && exit 0
if [ -n "$stack" ] && [ ! -L .venv ] && is_current .venv; then
    rm -rf "$venv"
    ln -s .venv "$venv"
    exit 0
fi
python=$(find_python)
log=$venv/install.log
echo "Making $venv with $python (Python $(version_of "$python")): up to 900 MB to download and 3 GB on disk, once."
rm -rf "$venv"
if has_uv; then
    uv venv --quiet --python "$(command -v "$python")" "$venv" # a bare name is a version for uv to find, or download
    install --build-constraint constraints.txt pip setuptools wheel -e '.[test]'
else
    "$python" -m venv "$venv"
    install pip setuptools wheel
    install --build-constraint constraints.txt -e '.[test]'
fi
made_from >"$venv/installed-from"
echo "The environment is complete."

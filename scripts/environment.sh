# Read by run.sh and test.sh: `environment FOLDER EXTRAS` makes FOLDER a virtual environment with this checkout in it,
# editable, and with these extras. It asks for no network where what is needed is there already.

fail() {
    echo "gradsim: $*" >&2
    exit 1
}

# The first Python that is new enough, by the bound in pyproject.toml.
find_python() {
    local minor candidate
    minor=$(sed -n 's/^requires-python = ">=3\.\([0-9]*\)"$/\1/p' pyproject.toml)
    for candidate in "${PYTHON:-python3}" ${PYTHON:-python3.14 python3.13 python3.12 python3.11}; do
        "$candidate" -c "import sys; sys.exit(sys.version_info < (3, $minor))" 2>/dev/null && echo "$candidate" && return
    done
    candidate=${PYTHON:-python3}
    fail "Python 3.$minor or later is needed; $candidate is $("$candidate" --version 2>/dev/null || echo "not there")." \
        "Name another one before the command: PYTHON=/path/to/python3"
}

# What is installed for which pyproject.toml, and where gradsim is found: in a copy of it, edits would not be seen.
state() {
    "$1/bin/python" -I -c '
import hashlib, importlib.util, pathlib, sys, sysconfig
print(sys.version, hashlib.sha256(pathlib.Path("pyproject.toml").read_bytes()).hexdigest())
print(importlib.util.find_spec("gradsim").origin)
print(*sorted(path.name for path in pathlib.Path(sysconfig.get_path("purelib")).glob("*.dist-info")))
' 2>/dev/null
}

environment() {
    local folder=$1 extras=$2 python stamp="$1/installed.txt" log="$1/pip.log"
    [ -f "$stamp" ] && [ "$(state "$folder")" = "$(cat "$stamp")" ] && return
    echo "setting up $folder ..." >&2
    if ! "$folder/bin/python" -c "" 2>/dev/null; then
        python=$(find_python) || exit 1
        if ! "$python" -m venv --clear "$folder" >/dev/null 2>&1; then
            rm -rf "$folder"
            fail "$python makes no virtual environment in $PWD: it needs Python's venv module" \
                "(Debian and Ubuntu: apt install python3-venv) and a folder that can be written"
        fi
    fi
    set -- "$folder/bin/python" -m pip --disable-pip-version-check install
    # With setuptools in it, the environment can be put right later without a network.
    if ! "$@" 'setuptools>=77' >"$log" 2>&1 || ! "$@" --no-build-isolation -e ".[$extras]" >>"$log" 2>&1; then
        fail "pip cannot install what is needed, which takes a network or a package index the first time:" \
            "$(grep -m 1 '^ERROR' "$log" || grep -m 1 . "$log")"
    fi
    state "$folder" >"$stamp"
}

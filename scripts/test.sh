#!/usr/bin/env bash
# Sets up a virtual environment of its own and runs the whole test suite.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv-test/bin/python ] || python3 -m venv .venv-test
.venv-test/bin/python -m pip install --quiet -e '.[test]'
exec .venv-test/bin/python -m pytest -q "$@"

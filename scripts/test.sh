#!/usr/bin/env bash
# Sets up a virtual environment of its own, then checks the format and the style and runs the whole test suite.
set -euo pipefail
CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
environment .venv-test test
.venv-test/bin/ruff format --quiet --check . || fail "not as ruff formats it; mend it with .venv-test/bin/ruff format"
.venv-test/bin/ruff check --quiet .
# Each kernel is compiled once, by two processes; the workers of the suite would compile them all, each for itself
for part in 'warm_up(), warm_up_apart()' 'warm_up("float32"), warm_up("float64")'; do
    .venv-test/bin/python -c "from gradsim.simulation.simulate import warm_up, warm_up_apart; $part" &
done
wait
# On all cores; a file of tests stays with one worker, since tests of a file share what they make, and they keep their order
exec .venv-test/bin/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder "$@"

#!/usr/bin/env bash
# Sets up a virtual environment of its own and does the main job: the classic sweep into classic.h5 and classic.png.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip install --quiet -e '.[all]'
exec .venv/bin/gradsim sweep classic --out classic.h5 --plot classic.png --overwrite "$@"

#!/usr/bin/env bash
# Sets up a virtual environment of its own and does the main job: the classic sweep into classic.h5 and classic.png.
set -euo pipefail
CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
environment .venv all
.venv/bin/gradsim sweep classic --out classic.h5 --plot classic.png --overwrite "$@"
echo "To go on: source .venv/bin/activate, then gradsim --help; or call .venv/bin/gradsim as it is."

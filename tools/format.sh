#!/usr/bin/env bash
# Formats every C++ file of the project. With --check it changes nothing, and fails if it would.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1-}" in
    "") mode=(-i) ;;
    --check) mode=(--dry-run --Werror) ;;
    *) echo "usage: tools/format.sh [--check]" >&2; exit 2 ;;
esac

# Other versions of clang-format disagree about details, so take Debian 12's where it is installed.
formatter=$(command -v clang-format-14 || command -v clang-format)
find . \( -path ./build -o -name '.?*' \) -prune -o \( -name '*.h' -o -name '*.cc' \) -print0 |
    xargs -0 --no-run-if-empty "$formatter" "${mode[@]}"

#!/usr/bin/env bash
# Breaks each part of a real cluster, and judges what became of every message: the rows of the fault
# matrix. Needs build/release (or $STORM_BIN_DIR) with storm-driver, and python3; as root, all rows.
#
#     tools/faults.sh [--json] [ROW…]     --help lists the rows
#
# Exit code: 0 all rows are ok, 1 one is not or was skipped, 2 usage.
set -euo pipefail
exec python3 "$(dirname "$0")/lab/faults.py" "$@"

#!/usr/bin/env bash
# Measures how long a real cluster takes to submit, kill and recover: the worst of all runs counts.
# Needs build/release (or $STORM_BIN_DIR) with storm-driver, and python3.
#
#     tools/cluster-bench.sh [--json] [ROW…]     --help lists the rows
#
# Exit code: 0 all rows are ok, 1 one is not or was skipped, 2 usage.
set -euo pipefail
exec python3 "$(dirname "$0")/lab/bench.py" "$@"

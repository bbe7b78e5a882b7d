#!/usr/bin/env bash
# Measures each row of the table of speeds: is it where it must be, and where we aim?
#
#   bench/check.sh [PATH/TO/storm-bench]
#
# A row is the median of five runs. Exits 1 when one misses its "must". Takes about nine minutes;
# the machine should have nothing else to do.
set -euo pipefail
cd "$(dirname "$0")/.."

bench=${1:-build/release/bin/storm-bench}
runs=5
if [[ ! -x $bench ]]; then
    echo "check.sh: there is no $bench; build the preset \"release\" first" >&2
    exit 2
fi
results=$(mktemp)
trap 'rm -f "$results"' EXIT

echo "check.sh: load before: $(cut -d' ' -f1-3 /proc/loadavg), cores: $(nproc)" >&2
# Each command once a round, so that a disturbance hits one run of several rows, not all of one.
mapfile -t commands < <(cd bench && python3 -c '
from rows import rows
print("\n".join(sorted({row.command for row in rows()})))')
for ((run = 1; run <= runs; ++run)); do
    for command in "${commands[@]}"; do
        read -ra arguments <<<"$command"
        echo "check.sh: $run of $runs: $command" >&2
        if line=$("$bench" "${arguments[@]}" --seconds 3 --json); then
            printf '%s\t%s\n' "$command" "$line" >>"$results"
        else
            echo "check.sh: failed: $bench $command" >&2
        fi
    done
done

PYTHONPATH=bench python3 - "$results" "$runs" <<'PYTHON'
import collections
import json
import statistics
import sys

from rows import rows

path, runs = sys.argv[1], int(sys.argv[2])
measured = collections.defaultdict(list)
with open(path) as lines:
    for line in lines:
        command, result = line.split("\t", 1)
        measured[command].append(json.loads(result))

trips = [each["core_round_trip_ns"] for runs_of in measured.values() for each in runs_of]
trips = sorted(trip for trip in trips if trip is not None)
if trips:
    print(f"a cache line went to the other core and back in {statistics.median(trips):.0f} ns "
          f"({trips[0]:.0f} to {trips[-1]:.0f}); bench/README.md says what hangs on it")
missed = 0
print(f"{'':22} {'measured':>10}   {'must':>7}  {'aim':>7}")
for row in rows():
    values = [row.value(result) for result in measured[row.command]]
    if len(values) < runs or None in values:
        value, verdict = float("nan"), "FAILED"
    else:
        value = statistics.median(values) / row.one
        verdict = ("" if row.holds(value, row.aim) else
                   "below the aim" if row.holds(value, row.must) else "MISSED")
    missed += verdict.isupper()
    print(f"{row.name:22} {value:10.4g} {row.sign} {row.must:7g}  {row.aim:7g} {row.unit:10} "
          f"{verdict}".rstrip())
print(f"{missed} missed")
sys.exit(missed > 0)
PYTHON

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

table=$(grep -v '^#' bench/rows.txt)

echo "check.sh: load before: $(cut -d' ' -f1-3 /proc/loadavg), cores: $(nproc)" >&2
# Each command once a round, so that a disturbance hits one run of several rows, not all of one.
mapfile -t commands < <(awk -F'|' 'NF > 1 {sub(/ +$/, "", $2); print $2}' <<<"$table" | sort -u)
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

python3 - "$results" "$runs" "$table" <<'PYTHON'
import collections
import json
import statistics
import sys

path, runs, table = sys.argv[1], int(sys.argv[2]), sys.argv[3]
measured = collections.defaultdict(list)
with open(path) as lines:
    for line in lines:
        command, result = line.split("\t", 1)
        measured[command].append(json.loads(result))


def look_up(result, key):
    for part in key.split("."):
        result = result[part] if result is not None else None
    return result


trips = [each["core_round_trip_ns"] for runs_of in measured.values() for each in runs_of]
trips = sorted(trip for trip in trips if trip is not None)
if trips:
    print(f"a cache line went to the other core and back in {statistics.median(trips):.0f} ns "
          f"({trips[0]:.0f} to {trips[-1]:.0f}); bench/README.md says what hangs on it")
missed = 0
print(f"{'':22} {'measured':>10}   {'must':>7}  {'aim':>7}")
for row in filter(str.strip, table.split("\n")):
    name, command, key, sign, must, aim, one, unit = (cell.rstrip() for cell in row.split("|"))
    must, aim, one = float(must), float(aim), float(one)
    values = [look_up(result, key) for result in measured[command]]
    if len(values) < runs or None in values:
        value, verdict = float("nan"), "FAILED"
    else:
        value = statistics.median(values) / one
        holds = (lambda bound: value >= bound) if sign == "≥" else (lambda bound: value <= bound)
        verdict = "" if holds(aim) else "below the aim" if holds(must) else "MISSED"
    missed += verdict.isupper()
    print(f"{name:22} {value:10.4g} {sign} {must:7g}  {aim:7g} {unit:10} {verdict}".rstrip())
print(f"{missed} missed")
sys.exit(missed > 0)
PYTHON

#!/usr/bin/env python3
"""How does a build compare with another? Runs both in turns, row by row of bench/rows.txt.

    bench/turns.py OLD NEW                the paths of two storm-bench: all rows, about 20 minutes
    bench/turns.py OLD NEW PART…          only rows that have such a part in their name
    bench/turns.py --rounds N --seconds S OLD NEW

A round is one run of each, first one and then the other first, so that what disturbs the machine
meets both. Printed is the median over the rounds of new/old within a round, with its quartiles;
"better" has been turned so that more than 1 is better, whatever the row's sign.
"""
import argparse
import json
import statistics
import subprocess
import sys

from rows import rows


def run(bench, command, seconds):
    arguments = [bench, *command.split(), "--seconds", str(seconds), "--json"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"turns.py: {' '.join(arguments)} exited {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("part", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()

    chosen = [row for row in rows()
              if not options.part
              or any(part in row.name or part in row.command for part in options.part)]
    if not chosen:
        sys.exit("turns.py: no row has such a name; bench/rows.txt has them all")
    by_command = {}
    for row in chosen:
        by_command.setdefault(row.command, []).append(row)
    print(f"{'':22} {'old':>10} {'new':>10}  better (quartiles)")
    for command, rows_of in by_command.items():
        pairs = []
        for number in range(options.rounds):
            order = [options.old, options.new] if number % 2 == 0 else [options.new, options.old]
            results = {bench: run(bench, command, options.seconds) for bench in order}
            pairs.append((results[options.old], results[options.new]))
        for row in rows_of:
            olds = [row.value(old) for old, _ in pairs]
            news = [row.value(new) for _, new in pairs]
            if None in olds + news:
                print(f"{row.name:22} not printed by both", flush=True)
                continue
            ratios = [new / old if row.sign == "≥" else old / new for old, new in zip(olds, news)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            print(f"{row.name:22} {statistics.median(olds):10.4g} {statistics.median(news):10.4g}  "
                  f"{middle:.3f} ({low:.3f} to {high:.3f})", flush=True)


if __name__ == "__main__":
    main()

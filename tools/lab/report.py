"""Runs experiments, and tells of each in one line: for people, or as JSON (contract: --json)."""
import argparse
import json
import subprocess
import sys
import time

from lab import Failed


class Skipped(Exception):
    """It cannot be shown here."""


def row(name, value=None, unit=None, *, ok=True, runs=1, failed=0, replayed=0, skipped_why=None,
        why=None):
    """`why`: in what way it is not ok."""
    return {"row": name, "ok": ok, "value": value, "unit": unit, "runs": runs, "failed": failed,
            "replayed": replayed, "skipped_why": skipped_why} | ({"why": why} if why else {})


def told(found):
    if found["skipped_why"]:
        return f"{found['row']:<28} SKIPPED  {found['skipped_why']}"
    value = "" if found["value"] is None else f"{found['value']} {found['unit'] or ''}"
    return (f"{found['row']:<28} {'ok' if found['ok'] else 'NOT OK':<8} {value:<16} "
            f"runs {found['runs']}, failed {found['failed']}, replayed {found['replayed']}"
            + (f": {found['why']}" if found.get("why") else ""))


def run(experiments, description, argv=None):
    """`experiments`: by name, functions that give rows."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="one line of JSON for each row")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="all, unless named: "
                        + ", ".join(experiments))
    wanted = parser.parse_args(argv)
    unknown = [name for name in wanted.rows if name not in experiments]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; there are {', '.join(experiments)}")
    all_ok = True
    for name in wanted.rows or experiments:
        started = time.monotonic()
        try:
            found = experiments[name]()
            rows = found if isinstance(found, list) else [found]
        except Skipped as skipped:
            rows = [row(name, ok=False, runs=0, skipped_why=str(skipped))]
        except Failed as failure:
            rows = [row(name, ok=False, why=str(failure))]
        except (OSError, ValueError, LookupError, subprocess.SubprocessError) as error:
            rows = [row(name, ok=False, why=f"{type(error).__name__}: {error}")]
        for found in rows:
            all_ok = all_ok and found["ok"]
            print(json.dumps(found) if wanted.json else told(found), flush=True)
        if not wanted.json:
            print(f"  {time.monotonic() - started:.1f} s", file=sys.stderr)
    return 0 if all_ok else 1

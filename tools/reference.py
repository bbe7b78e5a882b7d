#!/usr/bin/env python3
"""Writes docs/settings.md and docs/metrics.md from what the programs themselves say.

    tools/reference.py [FOLDER]           FOLDER has the programs; else build/release/bin
    tools/reference.py FOLDER --check     fails if a page is not what they say; a test runs this

Settings come from `storm config explain`. Metrics come from /metrics of a topology, a Nimbus and a
Supervisor, which run here for a moment, without ZooKeeper.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
WAIT_SECS = 30
METRIC = re.compile(r'"(storm_(?:worker|nimbus|supervisor)_[a-z_]+)"')

# What is there only while a cluster runs: name, type, labels, what. The name must stand in a source.
ON_A_CLUSTER = [("storm_worker_lease_age_seconds", "gauge", ["holder", "topology", "worker"],
                 "Since somebody has vouched for the worker, and who")]

SETTINGS_HEAD = """# Settings

All settings of Storm, as `storm config explain` prints them; `storm config explain KEY` also says what one is here, and which
file set it. Where they are set, and which wins: [guide](guide.md#settings). Unknown ones with these prefixes are errors. Made
by `tools/reference.py`; do not edit.
"""

GROUPS = {
    "topology.": ("of a topology: in its program's `-c` and files, or with `storm-submit`; by `set()` of a component too,\n"
                  "where \"set by\" names it"),
    "storm.": "of all daemons and tools",
    "nimbus.": "of Nimbus, and for those who look for it",
    "supervisor.": "of a Supervisor",
}

METRICS_HEAD = """# Metrics

What `/metrics` of each process has, in the text format of Prometheus. A program on its own serves it with
`--metrics-port N`; on a cluster Nimbus lists all processes for Prometheus ([operating](operating.md#prometheus)). Made by
`tools/reference.py`; do not edit.

Counts are of this process since its start: after a restart they begin at 0, which `rate()` understands. Counters of your
own, `TaskContext::counter("name")`, are `storm_task_<name>_total`, with the labels of a worker's.
"""


def cell(text):
    return text.replace("|", "\\|")


def settings_page(programs):
    # No file of this machine is to be read.
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home}
        environment.pop("STORM_CONFIG", None)
        said = subprocess.run([programs / "storm", "config", "explain", "-o", "json"], check=True,
                              capture_output=True, text=True, env=environment).stdout
    settings = json.loads(said)["settings"]
    page = SETTINGS_HEAD
    for prefix, whose in GROUPS.items():
        own = any(s["set_by"] for s in settings if s["key"].startswith(prefix))
        page += (f"\n## {prefix}\\*\n\nSettings {whose}.\n\n| setting | takes | default |"
                 f"{' set by |' if own else ''} what |\n|---|---|---|{'---|' if own else ''}---|\n")
        for setting in settings:
            if not setting["key"].startswith(prefix):
                continue
            default = f"`{setting['default']}`" if setting["default"] else "not set"
            page += (f"| `{setting['key']}` | {cell(setting['type'])} | {cell(default)} | "
                     f"{setting['set_by'] + ' | ' if own else ''}{cell(setting['description'])} |\n")
    rest = [s["key"] for s in settings if not s["key"].startswith(tuple(GROUPS))]
    assert not rest, f"no group of GROUPS has {rest}"
    return page


def wait_for(look, process):
    end = time.monotonic() + WAIT_SECS
    while time.monotonic() < end and process.poll() is None:
        try:
            found = look()
            if found:
                return found
        except (OSError, ValueError):
            pass  # Not yet.
        time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not serve /metrics")


def fetch(port):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()


def of_topology(programs, folder):
    pipe, log = folder / "pipe", folder / "log"
    os.mkfifo(pipe)
    with log.open("w") as stderr:
        program = subprocess.Popen([programs / "guide-orders", "-c", f"input={pipe}",
                                    "--metrics-port", "0"],
                                   stdout=subprocess.DEVNULL, stderr=stderr)
    with pipe.open("w"):  # Its input has no end as long as this is open.
        port = wait_for(lambda: re.search(r"127\.0\.0\.1:(\d+)", log.read_text()), program)[1]
        text = wait_for(lambda: fetch(port), program)
    program.wait(timeout=WAIT_SECS)
    return text


def of_daemon(programs, folder, name):
    config = folder / "storm.yaml"
    config.write_text(f"storm.local.dir: {folder / 'local'}\nnimbus.port: 0\nsupervisor.port: 0\n"
                      "supervisor.slots.ports: [0]\nstorm.zookeeper.port: 1\n")
    said = folder / "local" / f"{name}.json"
    with (folder / f"{name}.log").open("w") as log:
        daemon = subprocess.Popen([programs / f"storm-{name}", "--config", config], stderr=log)
    try:
        port = wait_for(lambda: json.loads(said.read_text())["port"], daemon)
        fetch(port)  # Some are there after the first request.
        return wait_for(lambda: fetch(port), daemon)
    finally:
        daemon.terminate()
        daemon.wait(timeout=WAIT_SECS)


def metrics_in(text):
    """Of the text format of Prometheus: name, type, labels, what."""
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        if name.startswith("storm_task_"):
            continue  # The topology's own.
        labels = set()
        for line in re.findall(rf"^{name}(?:_bucket)?\{{(.*)\}} ", text, re.MULTILINE):
            labels.update(re.findall(r'(\w+)="', line))
        yield name, kind, sorted(labels - {"le"}), helps[name]


def metrics_page(programs):
    page, named = METRICS_HEAD, set()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        groups = {"A worker, or a program that runs by itself":
                      [*metrics_in(of_topology(programs, folder)), *ON_A_CLUSTER],
                  "Nimbus": metrics_in(of_daemon(programs, folder, "nimbus")),
                  "A Supervisor": metrics_in(of_daemon(programs, folder, "supervisor"))}
        for title, metrics in groups.items():
            page += f"\n## {title}\n\n| metric | type | labels | what |\n|---|---|---|---|\n"
            for name, kind, labels, what in sorted(metrics):
                named.add(name)
                page += f"| `{name}` | {kind} | {', '.join(labels)} | {cell(what)} |\n"
    in_code = {name for room in ("worker", "nimbus", "supervisor")
               for path in (ROOT / room).rglob("*.cc") for name in METRIC.findall(path.read_text())}
    assert in_code <= named, f"not served here: {in_code - named}; see ON_A_CLUSTER"
    gone = {metric[0] for metric in ON_A_CLUSTER} - in_code
    assert not gone, f"in no source: {gone}"
    return page


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    programs = pathlib.Path(arguments[0] if arguments else ROOT / "build/release/bin").resolve()
    stale = 0
    for name, page in (("settings.md", settings_page(programs)),
                       ("metrics.md", metrics_page(programs))):
        path = ROOT / "docs" / name
        if "--check" not in sys.argv:
            path.write_text(page)
        elif not path.is_file() or path.read_text() != page:
            print(f"docs/{name} is not what the programs say; run tools/reference.py")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())

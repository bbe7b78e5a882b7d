#!/usr/bin/env python3
"""A cluster as docker/systemd and docs/operating.md, or docker/compose.yaml, say: it starts, runs a
topology, and is back after a kill -9.

    installed_test.py FOLDER-OF-THE-PROGRAMS systemd|compose

Method: neither systemd nor Docker. The units and the compose file are read, and what they say of users,
capabilities, folders, limits and commands is done within network and mount namespaces of our own. Not
done: control groups, system call filters, private devices, health checks, and the images. Needs root;
exit code 77 without."""
import configparser
import json
import os
import pathlib
import re
import resource
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSIDE = "STORM_INSTALLED_TEST"  # Set within our namespaces.
STORM_ID = 9900  # The user that Nimbus runs as.
BOOK = "/etc/storm/book.txt"


def run(*words, **keys):
    return subprocess.run([str(word) for word in words], check=True, text=True, **keys)


def wait(seconds, what, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"in vain waited {seconds} s until {what}")
        time.sleep(0.05)


class Machine:
    """Folders as on a machine where Storm has been installed, with a user for it."""

    def __init__(self, folder, programs):
        self.folder = folder
        self.processes = {}
        run("ip", "link", "set", "lo", "up")
        run("cp", "-a", "/etc", folder / "etc")
        run("mount", "--bind", folder / "etc", "/etc")
        with open("/etc/passwd", "a", encoding="utf-8") as users:
            users.write(f"storm:x:{STORM_ID}:{STORM_ID}::/var/lib/storm:/usr/sbin/nologin\n")
        with open("/etc/group", "a", encoding="utf-8") as groups:
            groups.write(f"storm:x:{STORM_ID}:\n")
        for path in ("/var/lib", "/run"):
            run("mount", "-t", "tmpfs", "tmpfs", path)
        os.mkdir("/var/lib/storm")
        os.chown("/var/lib/storm", STORM_ID, STORM_ID)
        run("mount", "--bind", programs, "/usr/local/bin")
        os.makedirs("/etc/storm", exist_ok=True)
        pathlib.Path(BOOK).write_text("the quick brown fox\n" * 1000, encoding="utf-8")

    def folder_for_storm(self, path, mode=0o700, owner=STORM_ID):
        path = pathlib.Path(path)
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, owner, owner)
        path.chmod(mode)
        return path

    def hosts(self, addresses):
        with open("/etc/hosts", "a", encoding="utf-8") as hosts:
            for name, address in addresses.items():
                hosts.write(f"{address} {name}\n")

    def zookeeper(self, address):
        run(ROOT / "tools/zookeeper.sh", "start", self.folder / "zookeeper", 2181,
            env=os.environ | {"STORM_ZOOKEEPER_ADDRESS": address})

    @staticmethod
    def boxed(command, binds=(), read_only=(), private=(), descriptors=None, umask="022", env=None,
              root_may=None):
        """`binds`: (source, target, read-only); `read_only`: folders that are; `private`: those that are
        empty and the process' own; `root_may`: it is root with these capabilities alone."""
        lines = ["set -e"]
        for source, target, fixed in binds:
            lines.append(f"mount --bind {source} {target}")
            if fixed:
                lines.append(f"mount -o remount,ro,bind {target}")
        for path in read_only:
            if path != "/":
                lines.append(f"mount --rbind {path} {path}")
            lines.append(f"mount -o remount,ro,bind {path}")
        lines += [f"mount -t tmpfs -o mode=1777 tmpfs {path}" for path in private]
        lines.append(f"umask {umask}; cd /")
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # A container may have no more.
        descriptors = min(int(descriptors or most), most)
        limit = ["prlimit", f"--nofile={descriptors}:{descriptors}"]
        user = STORM_ID if root_may is None else 0
        kept = "".join(f",+{name.lower().removeprefix('cap_')}" for name in root_may or [])
        lines.append("exec " + shlex.join([*limit, "setpriv", f"--reuid={user}", f"--regid={user}",
                                           "--clear-groups", "--no-new-privs",
                                           f"--bounding-set=-all{kept}", "--inh-caps=-all", *command]))
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/var/lib/storm"} | (env or {})
        return ["unshare", "-m", "sh", "-c", "\n".join(lines)], environment

    def start(self, name, boxed):
        words, environment = boxed
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(words, env=environment, stdout=log, stderr=log,
                                                    stdin=subprocess.DEVNULL, start_new_session=True)

    def kill(self, name):
        self.processes[name].kill()
        self.processes[name].wait()

    def call(self, boxed, what, seconds=60):
        words, environment = boxed
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False,
                              timeout=seconds, stdin=subprocess.DEVNULL)
        if done.returncode:
            sys.exit(f"{what}: exit code {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def show_logs(self):
        for log in sorted(self.folder.glob("*.log")):
            print(f"--- {log.name}:", *log.read_text(errors="replace").splitlines()[-12:],
                  sep="\n", file=sys.stderr)

    def end(self):
        for process in self.processes.values():
            process.kill()
        # Workers too; nobody else is in this namespace.
        own = os.readlink("/proc/self/ns/net")
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(proc / "ns/net") == own and int(proc.name) != os.getpid():
                    os.kill(int(proc.name), signal.SIGKILL)
            except OSError:
                pass
        subprocess.run([ROOT / "tools/zookeeper.sh", "stop", self.folder / "zookeeper"], check=False)


def runs(machine, box, name):
    """The topology's worker has executed something."""
    topology = json.loads(machine.call(box(["storm", "status", name, "-o", "json"]), "storm status"))
    return any(component["executed"] > 0 for component in topology["components"])


def answers(box):
    words, environment = box
    return subprocess.run(words, env=environment, capture_output=True, check=False).returncode == 0


SUBMIT = ["storm-submit", "/usr/local/bin/word-count", "--name", "wc", "-c", f"input={BOOK}",
          "-c", "repeat=1000000", "-c", "rate=1000"]


# ---- systemd, by the operator's page


def unit(name):
    read = configparser.RawConfigParser(strict=False, comment_prefixes=("#",))
    read.optionxform = str
    read.read(ROOT / f"docker/systemd/{name}.service")
    return read["Service"]


def boxed_unit(machine, name):
    service = unit(name)
    state = f"/var/lib/{service['StateDirectory']}"
    may = service["CapabilityBoundingSet"].split()
    if (service["User"], bool(may)) not in (("storm", False), ("root", True)) or \
            service["NoNewPrivileges"] != "yes":
        sys.exit(f"{name}: the user, or what it may do, is not what this test does")
    machine.folder_for_storm(state, int(service["StateDirectoryMode"], 8), 0 if may else STORM_ID)
    strict = service["ProtectSystem"] == "strict"
    command = shlex.split(service["ExecStart"])
    return machine.boxed(
        command, binds=[(state, state, False)], read_only=["/"] if strict else ["/usr", "/etc"],
        private=["/tmp"] if service.get("PrivateTmp") == "yes" else [],
        descriptors=service["LimitNOFILE"], umask=service["UMask"], root_may=may or None)


def commands_of_page(page):
    """Of the table of daily use, with our topology's name; what ends it last."""
    section = page[page.index("## Daily use"):page.index("## Prometheus")]
    cells = "".join(line.split("|")[1] for line in section.splitlines() if line.startswith("|"))
    found = []
    for text in re.findall(r"`(storm [^`]*)`", cells):
        text = re.sub(r"\[[^]]*\]| -f\b", "", text).replace("NAME", "wc").replace("SECS", "1")
        found.append(text.split())
    return sorted(found, key=lambda words: words[1] == "kill")


def systemd(machine):
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    settings = next(block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
                    if "storm.zookeeper.servers" in block)
    pathlib.Path("/etc/storm/storm.yaml").write_text(settings, encoding="utf-8")
    token = pathlib.Path("/etc/storm/token")
    token.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
    token.chmod(0o600)
    os.chown(token, STORM_ID, STORM_ID)
    machine.hosts({"alpha": "127.0.0.1", "beta": "127.0.0.9", "zk-1": "127.0.0.1",
                   "zk-2": "127.0.0.1", "zk-3": "127.0.0.1"})
    machine.zookeeper("127.0.0.1")
    machine.call(machine.boxed(["storm", "config", "check"]), "storm config check")

    daemons = {name: boxed_unit(machine, name) for name in ("storm-nimbus", "storm-supervisor")}
    for name, box in daemons.items():
        machine.start(name, box)
    wait(30, "a Supervisor is there", lambda: answers(machine.boxed(["storm", "health"])) and
         json.loads(machine.call(machine.boxed(["storm", "supervisors", "-o", "json"]),
                                 "storm supervisors"))["supervisors"])
    machine.call(machine.boxed(SUBMIT), "storm-submit")
    wait(20, "words are counted", lambda: runs(machine, machine.boxed, "wc"))
    for name, box in daemons.items():  # As Restart=always does.
        machine.kill(name)
        time.sleep(0.5)
        machine.start(name, box)
    wait(30, "both are back", lambda: answers(machine.boxed(["storm", "health"])) and
         answers(machine.boxed(["storm", "logs", "wc"])))
    words = commands_of_page(page)
    if len(words) < 8:
        sys.exit(f"the page has other commands than it had: {words}")
    for command in words:
        machine.call(machine.boxed(command), " ".join(command))
    wait(20, "it is gone", lambda: "wc" not in machine.call(
        machine.boxed(["storm", "list", "-o", "names"]), "storm list").split())


# ---- Compose


def compose(machine):
    try:
        import yaml
    except ImportError:
        print("python3-yaml is not installed")
        sys.exit(77)
    services = yaml.safe_load((ROOT / "docker/compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = {name: service for name, service in services.items() if service.get("image") == "storm"}
    machine.hosts({name: f"127.77.0.{index + 1}"
                   for index, name in enumerate(["zookeeper", *ours])})
    machine.zookeeper("127.77.0.1")
    pathlib.Path("/etc/storm/storm.yaml").touch()
    machine.folder_for_storm("/run/storm")
    volumes = machine.folder / "volumes"

    def box_of(name):
        service = ours[name]
        may = service.get("cap_add")
        if not service["read_only"] or service["cap_drop"] != ["ALL"] or \
                service.get("user") != ("root" if may else None):
            sys.exit(f"{name}: what it may do is not what this test does")
        binds = []
        for volume in service["volumes"]:
            source, target, *how = volume.split(":")
            source = (ROOT / "docker" / source if source.startswith(".")
                      else machine.folder_for_storm(volumes / source, owner=0 if may and
                                                    how != ["ro"] else STORM_ID))
            binds.append((source, target, how == ["ro"]))
        def box(command):
            return machine.boxed(command, binds=binds, read_only=["/"],
                                 private=service.get("tmpfs", []),
                                 env={"STORM_CONFIG": "/etc/storm/storm.yaml"}, root_may=may)
        return box

    boxes = {name: box_of(name) for name in ours}
    machine.start("nimbus-1", boxes["nimbus-1"](ours["nimbus-1"]["command"]))
    test = ours["nimbus-1"]["healthcheck"]["test"][1:]
    wait(30, "nimbus-1 is well", lambda: answers(boxes["nimbus-1"](test)))
    for name in ours:
        if name != "nimbus-1":
            machine.start(name, boxes[name](ours[name]["command"]))
    box = boxes["nimbus-1"]
    wait(30, "both Supervisors are there", lambda: len(machine.call(
        box(["storm", "supervisors", "-o", "names"]), "storm supervisors").split()) == 2)
    wait(30, "both Nimbuses are there", lambda: len(machine.call(
        box(["storm", "nimbuses", "-o", "names"]), "storm nimbuses").split()) == 2)
    machine.call(boxes["nimbus-2"]([*SUBMIT, "-c", "topology.workers=2"]), "storm-submit")
    wait(20, "words are counted", lambda: runs(machine, box, "wc"))
    machine.kill("nimbus-1")
    wait(30, "nimbus-2 leads", lambda: answers(boxes["nimbus-2"](["storm", "kill", "wc", "-w", "1"])))


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in ("systemd", "compose"):
        sys.exit(__doc__)
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", "prlimit", "ip"))):
        print("namespaces of our own need root, and unshare, setpriv, prlimit and ip")
        sys.exit(77)
    if INSIDE not in os.environ:
        os.execvpe("unshare", ["unshare", "-n", "-m", sys.executable, *sys.argv],
                   os.environ | {INSIDE: "1"})
    folder = pathlib.Path(tempfile.mkdtemp(prefix="storm-installed-"))
    folder.chmod(0o755)
    machine = None
    try:
        machine = Machine(folder, pathlib.Path(sys.argv[1]).resolve())
        {"systemd": systemd, "compose": compose}[sys.argv[2]](machine)
    except SystemExit as end:
        if machine and end.code != 77:
            machine.show_logs()
        raise
    finally:
        if machine:
            machine.end()
        subprocess.run(["umount", "-l", "/etc"], check=False)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

"""A real cluster for experiments: started by tools/cluster.sh in a folder of its own, ended with it.

Times are seconds of the monotonic clock, which storm-driver's logs have too (in microseconds)."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("STORM_BIN_DIR", ROOT / "build/release/bin")).resolve()
CLUSTER = ROOT / "tools/cluster.sh"
LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # Whatever $http_proxy says.


class Failed(Exception):
    """What was to be seen was not; or what is needed is not here."""


def now():
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def wait(seconds, what, condition, pause=0.01):
    """What the condition gives, once that is true."""
    end = now() + seconds
    while True:
        found = condition()
        if found:
            return found
        if now() > end:
            raise Failed(f"in vain waited {seconds} s until {what}")
        time.sleep(pause)


def check(condition, what):
    if not condition:
        raise Failed(what)


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def is_stopped(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
    return False


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise Failed(f"process {pid} has no size")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Lab:
    """with Lab(supervisors=2) as lab: …"""

    def __init__(self, *, supervisors=2, nimbuses=1, slots=4, settings=(), start=True):
        self.sizes = ["--supervisors", supervisors, "--nimbuses", nimbuses, "--slots", slots]
        self.settings = [word for setting in settings for word in ("-c", setting)]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="storm-lab-"))
        self.folder.chmod(0o711)  # Workers are users of their own, and pass through it.
        self.dir = self.folder / "cluster"
        self.env = {key: value for key, value in os.environ.items()
                    if not key.startswith("STORM_")}
        self.env |= {"STORM_CLUSTER_DIR": str(self.dir), "STORM_BIN_DIR": str(BIN),
                     "HOME": str(self.folder), "STORM_CONFIG": str(self.dir / "storm.yaml")}
        self.start_now = start
        self.nimbus = "nimbus-1"  # That is asked, unless another one is named.
        self.others = []  # Processes that were started besides.

    def __enter__(self):
        try:
            if self.start_now:
                self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.others:
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()
        if os.environ.get("STORM_LAB_KEEP"):
            print(f"kept: {self.folder}", flush=True)
        self.down()
        if not os.environ.get("STORM_LAB_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- The cluster

    def run(self, command, check_exit=True, env=None, timeout=120):
        done = subprocess.run([str(word) for word in command], env=env or self.env,
                              capture_output=True, text=True, errors="replace",
                              timeout=timeout, check=False, stdin=subprocess.DEVNULL,
                              cwd=self.folder)
        if check_exit and done.returncode:
            raise Failed(f"{' '.join(map(str, command[:4]))} …: exit code {done.returncode}: "
                         + done.stderr[-1500:])
        return done

    def up(self):
        self.run([CLUSTER, "up", *self.sizes, *self.settings],
                 env=self.env | {"STORM_CONFIG": ""})
        self.leader()

    def down(self):
        self.run([CLUSTER, "down"], check_exit=False, env=self.env | {"STORM_CONFIG": ""})

    def start_zookeeper(self):
        """Again, where it was."""
        port = (self.dir / "kept/zookeeper.port").read_text().strip()
        self.run([ROOT / "tools/zookeeper.sh", "start", self.dir / "zookeeper", port])

    def add_supervisor(self):
        self.sizes[1] += 1
        self.up()

    def storm(self, *words, check_exit=True, **keys):
        return self.run([BIN / "storm", *words], check_exit, **keys)

    def pid(self, daemon):
        return int((self.dir / daemon / "pid").read_text())

    def kill(self, *daemons):
        pids = [self.pid(daemon) for daemon in daemons]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            wait(5, f"process {pid} has gone", lambda pid=pid: not is_alive(pid))

    def restart(self, daemon, prefix=(), env=None):
        """Without waiting; as cluster.sh has started it. Gives when."""
        command = [*prefix, *self.commands[daemon]]
        with open(self.dir / daemon / "log", "ab") as log:
            ready = self.dir / daemon / (daemon.split("-")[0] + ".json")
            ready.unlink(missing_ok=True)
            started = now()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, env=self.env | (env or {}), cwd=self.folder)
        self.others.append(process)
        (self.dir / daemon / "pid").write_text(f"{process.pid}\n")
        return started

    def remember_commands(self):
        """So that restart() can do it as it was, ports and all."""
        self.commands = {}
        for folder in self.dir.iterdir():
            if (folder / "pid").exists() and folder.name != "zookeeper":
                words = pathlib.Path(f"/proc/{self.pid(folder.name)}/cmdline").read_bytes()
                self.commands[folder.name] = words.rstrip(b"\0").split(b"\0")
                if folder.name.startswith("nimbus-"):  # Others know its port.
                    self.commands[folder.name] += [
                        b"-c", b"nimbus.port=" + str(self.port(folder.name)).encode()]

    def is_ready(self, daemon):
        try:
            ready = json.loads((self.dir / daemon / (daemon.split("-")[0] + ".json")).read_text())
        except (OSError, ValueError):
            return False
        return ready["pid"] == self.pid(daemon)

    def port(self, daemon):
        ready = self.dir / daemon / (daemon.split("-")[0] + ".json")
        return json.loads(ready.read_text())["port"]

    def get(self, target, daemon=None):
        address = f"http://127.0.0.1:{self.port(daemon or self.nimbus)}{target}"
        with LOCAL.open(address, timeout=5) as answer:
            return json.load(answer)

    def leads(self, daemon):
        with contextlib.suppress(OSError, ValueError):
            return self.get("/health", daemon)["is_leader"]
        return False

    def leader(self, seconds=20):
        """Which of the Nimbuses leads; it is asked from now on."""
        names = [f"nimbus-{i + 1}" for i in range(self.sizes[3])]
        self.nimbus = wait(seconds, "a Nimbus leads",
                           lambda: next((name for name in names if is_alive(self.pid(name))
                                         and not is_stopped(self.pid(name))
                                         and self.leads(name)), None))
        return self.nimbus

    def log(self, daemon):
        return (self.dir / daemon / "log").read_text(errors="replace")

    # ---- Topologies

    def status(self, name):
        return self.get(f"/api/v1/topologies/{name}")

    def has_status(self, name, wanted):
        with contextlib.suppress(OSError, ValueError):
            return self.status(name)["status"] == wanted
        return False

    def workers(self, name):
        """By number; those of which all is prepared."""
        with contextlib.suppress(OSError, ValueError):
            return {worker["id"]: worker for worker in self.status(name)["workers"]
                    if worker["pid"] > 0 and worker["state"] == "RUNNING"}
        return {}

    def total(self, name, component, count):
        for found in self.status(name)["components"]:
            if found["id"] == component:
                return found[count]
        raise Failed(f"{name} has no {component}")


LOG_BYTES = 1 << 20  # Some 30 s of a source or a sink.


class Driver:
    """A submitted storm-driver."""

    def __init__(self, lab, name="driver", submit=(), journal=True, program=BIN / "storm-driver",
                 **settings):
        self.lab, self.name = lab, name
        self.state = lab.folder / name
        self.state.mkdir(exist_ok=True)
        self.state.chmod(0o1777)
        self.journal = lab.folder / f"{name}-journal" if journal else None
        settings = {"state": self.state} | settings
        if self.journal:
            self.journal.mkdir(exist_ok=True)
            self.journal.chmod(0o1777)
            settings["topology.journal.dir"] = self.journal
        words = [word for key, value in settings.items()
                 for word in ("-c", f"{key.replace('__', '.')}={value}")]
        self.submitted = now()
        self.answer = lab.run([BIN / "storm-submit", program, "--name", name, *submit, *words],
                              check_exit=False)

    def must_run(self):
        check(self.answer.returncode == 0, f"storm-submit: {self.answer.stderr[-1500:]}")
        return self

    # ---- What its logs say: lists of times, in seconds

    @staticmethod
    def rows(path, width):
        try:
            with path.open("rb") as log:  # What is asked for is at the end.
                log.seek(max(0, path.stat().st_size - LOG_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return []
        # The first may be cut off, and the last one of a killed worker.
        rows = [line.split() for line in lines[1:]]
        return [[int(word) for word in row] for row in rows if len(row) == width]

    def source(self):
        """(time, all below are acked, next, failed), of the source with index 0."""
        return [(us / 1e6, low, high, failed)
                for us, low, high, failed in self.rows(self.state / "source-0.log", 4)]

    def sinks(self):
        """For each sink: (executed at, emitted at)."""
        return [[(us / 1e6, emitted / 1e6) for us, emitted in self.rows(path, 2)]
                for path in sorted(self.state.glob("sink-*.log"))]

    def flows(self, seconds=20):
        wait(seconds, f"{self.name} acks messages", lambda: any(row[1] > 0 for row in self.source()))
        return self

    def flows_again(self, since, seconds=20):
        """After `since`: when the last of the sinks first executed what was emitted later."""
        def found():
            firsts = [next((at for at, emitted in rows if emitted > since and at > since), None)
                      for rows in self.sinks()]
            return firsts and None not in firsts and max(firsts)
        return wait(seconds, "all sinks execute what was emitted later", found) - since

    def all_acked(self, since, seconds=30):
        """After `since`: when every message was acked that had been emitted before, and those of
        the few milliseconds until the source noted it."""
        def found():
            rows = [row for row in self.source() if row[0] > since]
            return next((row[0] for row in rows if row[1] >= rows[0][2]), None)
        return wait(seconds, "all that was pending is acked", found) - since

    def failed(self):
        rows = self.source()
        return rows[-1][3] if rows else 0

    def source_worker(self):
        """The number of the worker that hosts the source."""
        for number, worker in self.lab.workers(self.name).items():
            with LOCAL.open(worker["metrics_url"], timeout=5) as answer:
                if 'component="source"' in answer.read().decode():
                    return number
        raise Failed("no worker has the source")

    def finish(self, seconds=300):
        """All is acked; the journals are judged."""
        wait(seconds, f"{self.name} has finished",
             lambda: self.lab.has_status(self.name, "FINISHED"), 0.05)
        return self.judge()

    def judge(self):
        if not self.journal:
            return {}
        done = subprocess.run([ROOT / "tools/check-journal", self.journal, "--through", "relay",
                               "--through", "sink", "--json"],
                              capture_output=True, text=True, check=False)
        if done.returncode == 2:
            raise Failed("the journals are empty: this worker writes none")
        judged = json.loads(done.stdout)
        check(judged["ok"], f"promises are broken: {judged['breaches'][:3]}")
        return judged

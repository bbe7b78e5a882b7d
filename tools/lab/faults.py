"""The rows of the fault matrix (docs/testing.md), on a real cluster: each breaks one thing, and judges
what became of every message. A row that cannot be shown here says why. Called by tools/faults.sh."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from hosts import Hosts
from lab import BIN, Driver, Failed, Lab, check, is_alive, now, resident_mb, wait
from report import Skipped, row, run

MESSAGES = 60_000
RATE = 4_000
SPREAD = {"topology__workers": 2, "sinks": 2, "fan": 2}
ZOOKEEPER_DOWN = NIMBUS_DOWN = 30
CUT_SECONDS = [5, 13, 20]
LINK_SECONDS = 8  # Silence and grace of a link.
if os.environ.get("STORM_FAULTS_QUICK"):
    ZOOKEEPER_DOWN = NIMBUS_DOWN = 5
    CUT_SECONDS = [5, 13]
NAMESPACE = "STORM_FAULTS_NAMESPACE"  # Set within a network of our own.


def judged(name, value, unit, limit, driver=None, runs=1):
    judgement = driver.finish() if driver else {}
    value = round(value, 3)
    return row(name, value, unit, ok=value <= limit, runs=runs,
               failed=judgement.get("fail", 0),
               replayed=judgement.get("emit", 0) - judgement.get("messages", 0),
               why=None if value <= limit else f"the limit is {limit} {unit}")


def started(lab, **settings):
    settings = SPREAD | {"count": MESSAGES, "rate": RATE} | settings
    driver = Driver(lab, **settings).must_run().flows()
    wait(20, "both workers run", lambda: len(lab.workers(driver.name)) == 2)
    return driver


def needs_root(what):
    if os.geteuid() != 0:
        raise Skipped(f"{what} needs root")


# ---- Processes die


def worker_dies(name, with_source):
    with Lab() as lab:
        driver = started(lab)
        time.sleep(1)
        workers = lab.workers(driver.name)
        source = driver.source_worker()
        victim, other = (source, 1 - source) if with_source else (1 - source, source)
        killed = now()
        os.kill(workers[victim]["pid"], signal.SIGKILL)
        flow = driver.flows_again(killed)
        replayed = 0 if with_source else driver.all_acked(killed)
        after = wait(10, "both workers run", lambda: len(lab.workers(driver.name)) == 2
                     and lab.workers(driver.name))
        check(after[other]["pid"] == workers[other]["pid"], "the other worker was restarted too")
        check(after[victim]["port"] == workers[victim]["port"], "it came back in another slot")
        check(replayed <= 2, f"what was pending was acked only after {replayed:.2f} s")
        return judged(name, flow, "s", 1.0, driver)


def supervisor_dies():
    with Lab() as lab:
        lab.remember_commands()
        driver = started(lab)
        before = lab.workers(driver.name)
        lab.kill("supervisor-1")
        time.sleep(2)
        check(all(is_alive(worker["pid"]) for worker in before.values()), "a worker died with it")
        again = lab.restart("supervisor-1")
        wait(10, "it is ready", lambda: lab.is_ready("supervisor-1"))
        adopted = now() - again
        wait(10, "Nimbus hears of its workers", lambda: len(lab.workers(driver.name)) == 2)
        same_workers(lab, driver, before)
        return none_failed(judged("4", adopted, "s", 1.0, driver))


def same_workers(lab, driver, before):
    after = lab.workers(driver.name)
    check({w["pid"] for w in after.values()} == {w["pid"] for w in before.values()},
          "workers were restarted")


def none_failed(found):
    if found["failed"]:
        found |= {"ok": False, "why": "tuples failed although only a daemon died"}
    return found


def nimbus_dies():
    with Lab() as lab:
        lab.remember_commands()
        driver = started(lab, count=RATE * (NIMBUS_DOWN + 15))
        before, topology = lab.workers(driver.name), lab.status(driver.name)["id"]
        lab.kill("nimbus-1")
        down = now()
        while now() < down + NIMBUS_DOWN:
            start = now()
            driver.flows_again(start, 5)
            time.sleep(1)
        refused = Driver(lab, "other", journal=False).answer
        check(refused.returncode == 5 and "no Nimbus answers" in refused.stderr,
              f"submit says: {refused.stderr}")
        again = lab.restart("nimbus-1")
        wait(10, "it is ready", lambda: lab.is_ready("nimbus-1"))
        ready = now() - again
        wait(20, "it knows the workers", lambda: len(lab.workers(driver.name)) == 2)
        check(lab.status(driver.name)["id"] == topology, "it is another topology now")
        same_workers(lab, driver, before)
        return none_failed(judged("5", ready, "s", 1.0, driver))


def zookeeper_dies():
    with Lab() as lab:
        driver = started(lab, count=RATE * (ZOOKEEPER_DOWN + 25))
        before = lab.workers(driver.name)
        lab.kill("zookeeper")
        down = now()
        while now() < down + ZOOKEEPER_DOWN:
            driver.flows_again(now(), 5)
            time.sleep(1)
        port = (lab.dir / "kept/zookeeper.port").read_text().strip()
        lab.run([pathlib.Path(__file__).parents[1] / "zookeeper.sh", "start",
                 lab.dir / "zookeeper", port])
        back = now()
        wait(30, "the cluster is well", lambda: lab.storm("health", check_exit=False).returncode == 0
             and len(lab.get("/api/v1/supervisors")["supervisors"]) == 2
             and len(lab.workers(driver.name)) == 2, 0.1)
        converged = now() - back
        time.sleep(12)  # Nobody may think better of it later.
        same_workers(lab, driver, before)
        return none_failed(judged("8", converged, "s", 10.0, driver))


# ---- The network breaks


def own_network(name):
    """Again, within a network namespace that has nothing but its loopback: rules are for us alone."""
    needs_root("a network of its own")
    if not shutil.which("ip") or not shutil.which("unshare"):
        raise Skipped("ip or unshare is not installed: apt-get install iproute2")
    done = subprocess.run(["unshare", "-n", "-m", sys.executable, __file__, "--json", name],
                          env=os.environ | {NAMESPACE: "1"}, capture_output=True, text=True,
                          check=False)
    lines = done.stdout.strip().splitlines()
    if not lines:
        raise Failed(f"in a network of its own: {done.stderr[-1000:]}")
    return json.loads(lines[-1])


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True)


def prepare_network():
    ip("link", "set", "lo", "up")
    ip("rule", "add", "pref", 100, "lookup", "local")
    ip("rule", "del", "pref", 0)


def cut(ports):
    """Nothing goes to or from them any more, and nobody is told."""
    for index, port in enumerate(ports):
        ip("rule", "add", "pref", 10 + 2 * index, "ipproto", "tcp", "dport", port, "blackhole")
        ip("rule", "add", "pref", 11 + 2 * index, "ipproto", "tcp", "sport", port, "blackhole")


def heal(ports):
    for index in range(2 * len(ports)):
        ip("rule", "del", "pref", 10 + index)


def links_down(lab, driver):
    """How often workers have written down that a link to a peer is down."""
    return sum(path.read_text(errors="replace").count("link down")
               for path in lab.dir.glob("supervisor-*/logs/*/*/stderr"))


def partition(name, kill_peer):
    if NAMESPACE not in os.environ:
        return own_network(name)
    prepare_network()
    with Lab() as lab:
        driver = started(lab)
        workers = lab.workers(driver.name)
        peer = workers[1 - driver.source_worker()]
        ports = [worker["port"] for worker in workers.values()]
        size = {worker["pid"]: resident_mb(worker["pid"]) for worker in workers.values()}
        downs = links_down(lab, driver)
        cut(ports)
        started_at = now()
        if kill_peer:
            os.kill(peer["pid"], signal.SIGKILL)
        wait(15, "a worker notices", lambda: links_down(lab, driver) > downs)
        noticed = now() - started_at
        time.sleep(5)
        for pid, mb in size.items():
            if is_alive(pid):
                check(resident_mb(pid) < mb + 100, "a worker grows while its peer is away")
        heal(ports)
        healed = now()
        driver.flows_again(healed, 30)
        return judged(name, noticed, "s", 4.0, driver)


def cut_off_hosts(name):
    """Each of three hosts in turn, for less and for more than the grace of a link: nobody ends but
    the worker that was cut off, and that only after a long time."""
    if NAMESPACE not in os.environ:
        return own_network(name)
    ended_besides = 0
    with Hosts() as lab:
        driver = Driver(lab, topology__workers=3, sinks=3, fan=2, rate=1_000,
                        count=60_000 * len(CUT_SECONDS)).must_run().flows()
        wait(20, "all workers run", lambda: len(lab.workers(driver.name)) == 3)
        for seconds in CUT_SECONDS:
            for alone in range(3):
                before = lab.workers(driver.name)
                lab.cut_off(before[alone]["supervisor"], True)
                time.sleep(seconds)
                lab.cut_off(before[alone]["supervisor"], False)
                healed = now()
                ends = seconds > LINK_SECONDS
                wait(30, "all run again", lambda: len(lab.workers(driver.name)) == 3 and ends ==
                     (lab.workers(driver.name)[alone]["pid"] != before[alone]["pid"]))
                driver.flows_again(healed, 60)
                after = lab.workers(driver.name)
                ended_besides += sum(after[other]["pid"] != before[other]["pid"]
                                     for other in range(3) if other != alone)
        return judged(name, ended_besides, "workers", 0, driver, runs=3 * len(CUT_SECONDS))


# ---- Strangers send garbage


def connections(port, count, payload, wait_for_end):
    for _ in range(count):
        with socket.socket() as stranger:
            stranger.settimeout(5)
            with contextlib.suppress(OSError):
                stranger.connect(("127.0.0.1", port))
                stranger.sendall(payload)
                if wait_for_end:
                    stranger.shutdown(socket.SHUT_WR)
                    while stranger.recv(4096):
                        pass


def garbage():
    random = os.urandom(4096)
    payloads = [random, b"\xff" * 4096, b"\0" * 4096, b"GET / HTTP/1.1\r\n",
                b"POST /api/v1/topologies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: "
                b"99999999999999\r\n\r\n", b"PUT /api/v1/blobs/../../x HTTP/1.1\r\nHost: a\r\n\r\n",
                b"\x01\0\0\0", b"A" * 70_000]
    with Lab() as lab:
        driver = started(lab, count=RATE * 60)
        before = lab.workers(driver.name)
        pids = {f"worker {n}": w["pid"] for n, w in before.items()}
        pids |= {name: lab.pid(name) for name in ("nimbus-1", "supervisor-1")}
        ports = {f"worker {n}": w["port"] for n, w in before.items()}
        ports |= {name: lab.port(name) for name in ("nimbus-1", "supervisor-1")}
        for port in ports.values():  # What is allocated once.
            connections(port, 100, random, True)
        sizes = {name: resident_mb(pid) for name, pid in pids.items()}
        slow = []  # They send a byte, and then nothing.
        for port in ports.values():
            for _ in range(30):
                stranger = socket.create_connection(("127.0.0.1", port), timeout=5)
                stranger.sendall(b"G")
                slow.append(stranger)
        count = 0
        for index, payload in enumerate(payloads):
            for port in ports.values():
                connections(port, 125, payload, index % 2 == 0)
                count += 125
        for stranger in slow:
            stranger.close()
        driver.flows_again(now())
        for name, pid in pids.items():
            check(is_alive(pid), f"{name} has died of it")
        check(lab.storm("list").returncode == 0, "Nimbus answers no more")
        same_workers(lab, driver, before)
        grown = max(resident_mb(pid) - sizes[name] for name, pid in pids.items()
                    if name not in ("worker 0", "worker 1"))
        worker_grown = max(resident_mb(pid) - sizes[name] for name, pid in pids.items())
        check(worker_grown < 20, f"a worker has grown by {worker_grown:.1f} MB")
        failed = driver.failed()
        lab.storm("kill", driver.name, "-w", "0")
        return row("18", round(max(grown, 0), 2), "MB", ok=grown < 1 and failed == 0, runs=count,
                   failed=failed, why=None if grown < 1 and failed == 0 else "it leaves traces")


# ---- Files are bad, disks are full


def flip(path):
    mode = path.stat().st_mode
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    path.chmod(mode & 0o777)


def corrupt_blob():
    digest = hashlib.sha256((BIN / "storm-driver").read_bytes()).hexdigest()
    with Lab(supervisors=1, settings=()) as lab:
        driver = started(lab, topology__workers=2)
        # The Supervisor's copy: refused, and fetched again.
        copy = next(lab.dir.glob(f"supervisor-1/**/{digest}"))
        copy_before = copy.read_bytes()
        replaced = copy.with_name("flipped")
        shutil.copy(copy, replaced)
        flip(replaced)
        os.rename(replaced, copy)  # A running program cannot be written.
        victim = lab.workers(driver.name)[1 - driver.source_worker()]
        os.kill(victim["pid"], signal.SIGKILL)
        killed = now()
        flow = driver.flows_again(killed, 30)
        check(copy.read_bytes() == copy_before, "the bad copy was not replaced")
        worker = wait(10, "both run", lambda: len(lab.workers(driver.name)) == 2
                      and lab.workers(driver.name))[victim["id"]]
        program = pathlib.Path(f"/proc/{worker['pid']}/exe").read_bytes()
        check(hashlib.sha256(program).hexdigest() == digest, "a bad program was started")
        found = judged("19", flow, "s", 5.0, driver)
        lab.storm("kill", driver.name, "-w", "0")
        # Nimbus' own: not handed out.
        blob = next(lab.dir.glob(f"nimbus-1/**/{digest}"))
        flip(blob)
        copy.unlink()
        other = Driver(lab, "other", ["--timeout", "4s"], journal=False)
        check(other.answer.returncode != 0 or len(lab.workers("other")) == 1, "no answer")
        for worker in lab.workers("other").values():
            program = pathlib.Path(f"/proc/{worker['pid']}/exe").read_bytes()
            check(hashlib.sha256(program).hexdigest() == digest, "a bad program was started")
        check(is_alive(lab.pid("supervisor-1")) and is_alive(lab.pid("nimbus-1")), "a daemon died")
        return found


@contextlib.contextmanager
def small_disk(path, megabytes=1):
    needs_root("mounting a small disk")
    path.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs",
                           str(path)], check=False, capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)


def disk_full():
    with Lab(supervisors=1, start=False) as lab:
        (lab.dir / "nimbus-1").mkdir(parents=True)
        with small_disk(lab.dir / "nimbus-1"):
            lab.up()
            refused = Driver(lab, "big", journal=False).answer
            check(refused.returncode == 1 and "space" in refused.stderr.lower(),
                  f"submit says: {refused.stderr[-500:]}")
            left = [p for p in (lab.dir / "nimbus-1").rglob("*")
                    if p.is_file() and p.stat().st_size > 100_000]
            check(not left, f"half-written files are left: {left}")
            check(is_alive(lab.pid("nimbus-1")), "Nimbus has died of it")
            lab.storm("health")
            lab.down()
    with Lab(supervisors=1, start=False) as lab:
        (lab.dir / "supervisor-1").mkdir(parents=True)
        with small_disk(lab.dir / "supervisor-1"):
            lab.up()
            stuck = Driver(lab, "big", ["--timeout", "4s"], journal=False).answer
            check(stuck.returncode == 1, "it runs without room for its program")
            check(is_alive(lab.pid("supervisor-1")), "the Supervisor has died of it")
            check("space" in lab.log("supervisor-1").lower() or "space" in stuck.stderr.lower(),
                  "nobody says that the disk is full")
            lab.storm("kill", "big", "-w", "0", "--detach")
            lab.down()
    logs = pathlib.Path(tempfile.mkdtemp(prefix="storm-logs-"))
    try:
        with small_disk(logs), Lab(settings=[f"storm.log.dir={logs}"]) as lab:
            driver = started(lab, sink="throw")
            (logs / "filler").write_bytes(b"x" * min(2 << 20, max(0, free_bytes(logs) - 4096)))
            time.sleep(2)
            driver.flows_again(now())
            before = lab.workers(driver.name)
            check(len(before) == 2 and all(w["restarts"] == 0 for w in before.values()),
                  "a worker has died because its log is full")
            return judged("20", 0, "crashes", 0, driver, runs=3)
    finally:
        shutil.rmtree(logs, ignore_errors=True)


def free_bytes(path):
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


# ---- Programs are bad


ZOO = {
    "crash": ("kill -SEGV $$", "crashed: ended by SIGSEGV"),
    "loop": ("while :; do :; done", "it does not end"),
    "memory": ("exec python3 -c 'x = []\nwhile True: x.append(bytearray(1 << 20))'", "of memory"),
    "nothing": ("exit 0", "without describing a topology"),
    "chatter": ("head -c 3000000 /dev/urandom; exit 1", "exit code 1"),
    "throw": ("echo 'error: no database' >&2; exit 1", "no database"),
    "fork": ("sleep 300 & sleep 300 & exit 3", "exit code 3"),
    "garbage": ("echo '}{' >&3", "of no use"),
}


def describe_zoo():
    with Lab(supervisors=1) as lab:
        pids = {name: lab.pid(name) for name in ("nimbus-1", "supervisor-1")}
        slowest = 0
        def refused(program, words, because):
            nonlocal slowest
            start = now()
            done = lab.run([BIN / "storm-submit", program, "--name", "zoo", *words],
                           check_exit=False)
            slowest = max(slowest, now() - start)
            check(done.returncode in (1, 2), f"{program.name}: exit code {done.returncode}")
            check(because in done.stderr, f"{program.name}: {done.stderr[-500:]}")
        for name, (script, because) in ZOO.items():
            program = lab.folder / name
            program.write_text(f"#!/bin/bash\n{script}\n")
            program.chmod(0o755)
            refused(program, [], because)
        foreign = lab.folder / "aarch64"
        head = bytearray((BIN / "storm-driver").read_bytes()[:4096])
        head[18] = 183
        foreign.write_bytes(head)
        foreign.chmod(0o755)
        refused(foreign, [], "is built for aarch64")
        foreign.chmod(0o644)
        refused(foreign, [], "is not executable")
        refused(BIN / "storm-driver", [], 'setting "state" is not set')
        check(lab.get("/api/v1/topologies")["topologies"] == [], "one of them is submitted")
        for name, pid in pids.items():
            check(is_alive(pid) and lab.pid(name) == pid, f"{name} has died")
        return judged("23", slowest, "s", 6.0, runs=len(ZOO) + 3)


def bad_topologies():
    seconds = 15 if os.environ.get("STORM_FAULTS_QUICK") else 60
    with Lab() as lab:
        # prepare() throws: said at submit; tried again, but not in a hot loop.
        answer = Driver(lab, "prepare", ["--timeout", "20s"], journal=False, sink="prepare").answer
        check(answer.returncode == 1 and "sink=prepare was asked for" in answer.stderr,
              f"submit says: {answer.stderr[-500:]}")
        # A bolt ends its process again and again.
        crash = Driver(lab, "segv", journal=False, rate=RATE, sink="segv",
                       topology__workers=1)
        wait(30, "it is in a crash loop", lambda: any(
            worker["state"] in ("CRASH_LOOP", "BACK_OFF") and "SIGSEGV" in worker["exit"]
            for worker in lab.status(crash.name)["workers"]), 0.005)
        time.sleep(seconds)
        restarts = max(worker["restarts"] for name in ("prepare", "segv")
                       for worker in lab.status(name)["workers"])
        for name in ("prepare", "segv"):
            lab.storm("kill", name, "-w", "0")
        # execute() throws: the message fails and comes again, the worker lives.
        driver = started(lab, sink="throw")
        found = judged("25", restarts, "restarts", 20, driver)
        check(found["failed"] > 0, "nothing has failed although execute() throws")
        check(all(worker["restarts"] == 0 for worker in lab.status(driver.name)["workers"]),
              "a worker died of an exception")
        check(any("sink=throw" in error["error"] for error in lab.status(driver.name)["errors"]),
              "the exception is told nowhere")
        return found


# ---- Two of one name, a port that is taken


def refused(lab, command, what):
    """A Supervisor that does not stay. What it says, and how long that took."""
    start = now()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env=lab.env, cwd=lab.folder)
    try:
        _, said = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        raise Failed(f"{what} is not refused; it says: "
                     + process.communicate()[1].decode(errors="replace")[-500:]) from None
    check(process.returncode != 0, f"{what} ends with 0")
    return said.decode(errors="replace"), now() - start


def two_supervisors():
    with Lab(supervisors=1) as lab:
        lab.remember_commands()
        pid = lab.pid("supervisor-1")
        said, took = refused(lab, lab.commands["supervisor-1"], "one for the same folder")
        check(str(pid) in said, f"one for the same folder says: {said[-500:]}")
        command = [b"storm.local.dir=" + os.fsencode(lab.folder / "other")
                   if word.startswith(b"storm.local.dir=") else word
                   for word in lab.commands["supervisor-1"]]
        said, _ = refused(lab, command, "one with the same id")
        check("supervisor-1" in said, f"one with the same id says: {said[-500:]}")
        check(is_alive(pid), "the first one has ended")
        listed = lab.get("/api/v1/supervisors")["supervisors"]
        check(len(listed) == 1, f"Nimbus lists {len(listed)}")
        return judged("28", took, "s", 1.0, runs=2)


def taken_port():
    with socket.socket() as taken, Lab(supervisors=1, slots=1) as lab:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        lab.remember_commands()
        lab.kill("supervisor-1")
        identity = lab.dir / "supervisor-1/identity.json"
        identity.write_text(json.dumps(json.loads(identity.read_text()) | {"ports": []}))
        lab.commands["supervisor-1"] = [
            f"supervisor.slots.ports=[{port},0,0]".encode()
            if word.startswith(b"supervisor.slots.ports=") else word
            for word in lab.commands["supervisor-1"]]
        lab.restart("supervisor-1")
        wait(10, "it is ready", lambda: lab.is_ready("supervisor-1"))
        driver = started(lab)
        restarts = sum(worker["restarts"] for worker in lab.workers(driver.name).values())
        check(port not in [w["port"] for w in lab.workers(driver.name).values()],
              "a worker is said to have a port that is taken")
        return judged("29", restarts, "restarts", 0, driver)


ROWS = {"1": lambda: worker_dies("1", False), "2": lambda: worker_dies("2", True),
        "4": supervisor_dies, "5": nimbus_dies, "8": zookeeper_dies,
        "12": lambda: partition("12", False), "14": lambda: partition("14", True),
        "13": lambda: cut_off_hosts("13"),
        "18": garbage, "19": corrupt_blob, "20": disk_full, "23": describe_zoo,
        "25": bad_topologies, "28": two_supervisors, "29": taken_port}

if __name__ == "__main__":
    sys.exit(run(ROWS, __doc__))

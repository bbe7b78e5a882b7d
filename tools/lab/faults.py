"""The rows of the fault matrix (docs/testing.md), on a real cluster: each breaks one thing, and judges
what became of every message. A row that cannot be shown here says why. Called by tools/faults.sh."""
import contextlib
import ctypes
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from hosts import Hosts
from lab import BIN, Driver, Failed, Lab, check, is_alive, now, resident_mb, wait
from report import Skipped, row, run

MESSAGES = 60_000
RATE = 4_000
SPREAD = {"topology__workers": 2, "sinks": 2, "fan": 2}
ZOOKEEPER_DOWN = NIMBUS_DOWN = 30
ZOOKEEPER_STOPPED = 25
CUT_SECONDS = [5, 13, 20]
AWAY = 20  # Longer than Nimbus waits for a Supervisor.
LINK_SECONDS = 8  # Silence and grace of a link.
LEADER_GRACE = 10  # A Nimbus that has just begun to lead moves nothing for so long.
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


def begun(pid):
    ticks = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK")


def ended(pids, seconds=60):
    """When each of them has ended."""
    ends = {}
    def all_have():
        ends.update({pid: now() for pid in pids if pid not in ends and not is_alive(pid)})
        return len(ends) == len(pids)
    wait(seconds, f"processes {pids} have ended", all_have)
    return ends


LEASE = 3  # Of a topology that sets none: a question each second, and the answer.


def supervisor_is_gone(name, stop, workers):
    """A Supervisor that never returns, with all workers of a topology: they end when others have their
    slots, though no peer fences them."""
    with Lab(supervisors=1) as lab:
        driver = Driver(lab, topology__workers=workers, rate=1_000, count=25_000).must_run().flows()
        wait(20, "all run", lambda: len(lab.workers(driver.name)) == workers)
        old = {worker["pid"] for worker in lab.workers(driver.name).values()}
        lab.add_supervisor()
        supervisor = lab.pid("supervisor-1")
        os.kill(supervisor, stop)
        try:
            ends = ended(old)
            new = wait(20, "others take their places", lambda: len(lab.workers(driver.name)) == workers
                       and {w["pid"] for w in lab.workers(driver.name).values()} - old)
            together = max(0, max(ends.values()) - min(begun(pid) for pid in new))
            driver.finish()
        finally:
            with contextlib.suppress(OSError):
                os.kill(supervisor, signal.SIGKILL)
        return judged(name, together, "s", LEASE + 1, driver)


def killed_without_supervisor():
    """storm kill reaches a worker whose Supervisor is gone."""
    with Lab(supervisors=1) as lab:
        driver = started(lab)
        old = {worker["pid"] for worker in lab.workers(driver.name).values()}
        lab.kill("supervisor-1")
        asked = now()
        lab.storm("kill", driver.name, "-w", "2", "--detach")
        ends = ended(old)
        return judged("gone-kill", max(ends.values()) - asked, "s", 10, runs=1)


class Stranger(http.server.BaseHTTPRequestHandler):
    """Says to whoever asks that all was removed."""
    asked = 0

    def do_GET(self):
        type(self).asked += 1
        self.send_response(410)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def stranger_at(port):
    """How often it was asked, in a function."""
    def listening():
        with contextlib.suppress(OSError):  # A connection of somebody else's may have the port.
            return http.server.ThreadingHTTPServer(("127.0.0.1", port), Stranger)
        return None

    with wait(20, "a stranger has Nimbus' port", listening, 0.1) as server:
        before = Stranger.asked
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield lambda: Stranger.asked - before
        finally:
            server.shutdown()
            thread.join()


def removed_without_supervisor():
    """A worker whose Supervisor is gone does not believe a stranger at Nimbus' address that its topology
    was removed. It believes Nimbus, though that was started anew since the removal."""
    with Lab(supervisors=1) as lab:
        lab.remember_commands()
        driver = started(lab)
        old = {worker["pid"] for worker in lab.workers(driver.name).values()}
        lab.kill("supervisor-1")
        port = lab.port("nimbus-1")
        lab.kill("nimbus-1")
        with stranger_at(port) as asked:
            wait(20, "all workers have asked the stranger", lambda: asked() >= 3 * len(old), 0.1)
        check(all(is_alive(pid) for pid in old), "a worker believed a stranger")
        for pid in old:
            os.kill(pid, signal.SIGSTOP)  # Else they would drain when it is killed.
        try:
            lab.restart("nimbus-1")
            wait(20, "Nimbus is back", lambda: lab.leads("nimbus-1"), 0.1)
            lab.storm("kill", driver.name, "-w", "0", "--detach")
            wait(60, "it is removed",
                 lambda: not lab.get("/api/v1/topologies")["topologies"], 0.1)
            lab.kill("nimbus-1")
            lab.restart("nimbus-1")
            wait(20, "Nimbus is back", lambda: lab.leads("nimbus-1"), 0.1)
        finally:
            for pid in old:
                os.kill(pid, signal.SIGCONT)
        asked = now()
        ends = ended(old)
        return judged("gone-removed", max(ends.values()) - asked, "s", LEASE + 1, runs=1)


def lease_runs_out():
    """With a lease of 5 s: the whole host is cut off, so to speak. Its workers end, and those that their
    Supervisor starts again do nothing before it knows better."""
    lease = 5
    with Lab(supervisors=1) as lab:
        lab.remember_commands()
        driver = started(lab, count=RATE * 30, topology__worker__lease__secs=lease)
        old = {worker["pid"] for worker in lab.workers(driver.name).values()}
        lab.kill("nimbus-1", "zookeeper")
        gone = now()
        took = max(ended(old).values()) - gone
        time.sleep(3 * lease)
        late = [at for rows in driver.sinks() for at, _ in rows if at > gone + took + 0.5]
        check(not late, f"{len(late)} tuples were executed by those that were started again")
        lab.start_zookeeper()
        lab.restart("nimbus-1")
        driver.flows_again(now(), 60)
        return judged("lease", took, "s", lease + 1, driver)


def daemons_are_away():
    """All daemons, for long: nothing takes the workers' places, so they run on."""
    with Lab(supervisors=1) as lab:
        lab.remember_commands()
        driver = started(lab, count=RATE * (2 * AWAY + 15))
        before = lab.workers(driver.name)
        lab.kill("supervisor-1")  # No other slot is free: theirs stay theirs.
        time.sleep(AWAY)
        driver.flows_again(now(), 5)
        check({w["lease"] for w in lab.status(driver.name)["workers"]} == {"nimbus"},
              "Nimbus does not say that they ask it")
        lab.kill("nimbus-1", "zookeeper")
        time.sleep(AWAY)
        driver.flows_again(now(), 5)
        check(all(is_alive(worker["pid"]) for worker in before.values()), "a worker has ended")
        lab.start_zookeeper()
        lab.restart("nimbus-1")
        back = lab.restart("supervisor-1")
        wait(30, "the workers are adopted", lambda: len(lab.workers(driver.name)) == 2)
        converged = now() - back
        wait(10, "the Supervisor vouches for them", lambda: {
            w["lease"] for w in lab.status(driver.name)["workers"]} == {"supervisor"})
        same_workers(lab, driver, before)
        return none_failed(judged("away", converged, "s", 20, driver))


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


def leader_is_lost(name, stop, seconds):
    """With a standby: another one leads, and of one that was only stopped nothing is written any more."""
    with Lab(nimbuses=2) as lab:
        driver = started(lab, count=RATE * 40)
        before = lab.workers(driver.name)
        old = lab.leader()
        other = next(n for n in ("nimbus-1", "nimbus-2") if n != old)
        os.kill(lab.pid(old), stop)
        lost = now()
        took = wait(20, "the other one leads", lambda: lab.leads(other) and now() - lost)
        lab.nimbus = other
        if stop == signal.SIGSTOP:
            lab.storm("deactivate", driver.name)
            lab.storm("activate", driver.name)
            time.sleep(max(0, seconds - (now() - lost)))
            os.kill(lab.pid(old), signal.SIGCONT)
            wait(1, "the old one does not lead", lambda: not lab.leads(old))
            time.sleep(3)
            check(lab.leads(other) and not lab.leads(old), "both lead, or the wrong one")
        wait(20, "it knows the workers", lambda: len(lab.workers(driver.name)) == 2)
        check(lab.status(driver.name)["status"] == "ACTIVE", "an older status is back")
        same_workers(lab, driver, before)
        driver.flows_again(now())
        return none_failed(judged(name, took, "s", 7.0, driver))


def wrong_exits(lab, rounds, trouble):
    """Submits and kills, by seeds of which the first is a standby as often as not. `trouble(i)` gives when
    a leader was lost last. Exit code 5, which says to try again, is right while there is none."""
    wrong = []
    for i in range(rounds):
        lost = trouble(i)
        for words in ([BIN / "storm-submit", BIN / "storm-driver", "--name", f"t{i}", "-c",
                       f"state={lab.folder}", "-c", "rate=1"],
                      [BIN / "storm", "kill", f"t{i}", "-w", "0"]):
            done = lab.run(words, check_exit=False)
            if done.returncode == 5 and lost and now() - lost < 20:
                lab.leader()
                time.sleep(0.5)
                done = lab.run(words, check_exit=False)
                # What was done the first time, too.
                if done.returncode in (3, 4) and words[0].name == "storm-submit" or (
                        done.returncode == 3 and words[1] == "kill"):
                    done.returncode = 0
            if done.returncode:
                wrong.append(f"{words[0].name} {words[1]} #{i}: exit code {done.returncode}: "
                             + done.stderr.strip()[-200:])
    return wrong


def standby_first():
    """Leaders are killed, stopped and woken between 200 submits and kills."""
    rounds = 10 if os.environ.get("STORM_FAULTS_QUICK") else 200
    with Lab(nimbuses=3) as lab:
        lab.remember_commands()
        lost = None
        stopped = None
        def trouble(i):
            nonlocal lost, stopped
            if i % 10 == 4:
                stopped = lab.leader()
                os.kill(lab.pid(stopped), signal.SIGSTOP)
                lost = now()
            elif i % 10 == 6 and stopped:
                os.kill(lab.pid(stopped), signal.SIGCONT)
            elif i % 10 == 8:
                victim = lab.leader()
                lab.kill(victim)
                lost = now()
                lab.restart(victim)
            return lost
        wrong = wrong_exits(lab, rounds, trouble)
        check(not wrong, f"{len(wrong)} wrong exit codes: {wrong[:3]}")
        return judged("seeds", len(wrong), "exits", 0, runs=2 * rounds)


def first_seed_hangs():
    """Each command, with the first of three seeds well, stopped and dead: no more than 1 s longer."""
    with Lab(nimbuses=3) as lab:
        leader = lab.leader()
        standby = next(n for n in ("nimbus-3", "nimbus-2", "nimbus-1") if n != leader)
        others = [n for n in ("nimbus-1", "nimbus-2", "nimbus-3") if n != standby]
        seeds = json.dumps([f"127.0.0.1:{lab.port(n)}" for n in [standby, *others]])
        by = ["-c", f"nimbus.seeds={seeds}"]
        def took(state):
            times = {}
            for words in ([BIN / "storm-submit", *by, BIN / "storm-driver", "--name", "t", "-c",
                           f"state={lab.folder}", "-c", "rate=1"],
                          ["list"], ["status", "t"], ["errors"], ["supervisors"], ["nimbuses"],
                          ["health"], ["logs", "t"], ["deactivate", "t"], ["activate", "t"],
                          ["kill", "t", "-w", "0"]):
                if isinstance(words[0], str):
                    words = [BIN / "storm", words[0], *by, *words[1:]]
                start = now()
                done = lab.run(words, check_exit=False)
                name = words[0].name if "submit" in words[0].name else words[1]
                times[name] = now() - start
                check(done.returncode == 0, f"{name}, the first seed {state}: exit code "
                      f"{done.returncode}: {done.stderr[-300:]}")
            return times
        well = took("well")
        os.kill(lab.pid(standby), signal.SIGSTOP)
        hung = took("hung")
        time.sleep(8)  # Its session is over.
        hung_for_long = took("hung for long")
        os.kill(lab.pid(standby), signal.SIGKILL)
        dead = took("dead")
        worst, which = max((times[name] - well[name], name) for times in (hung, hung_for_long, dead)
                           for name in times)
        found = judged("first-seed", worst, "s", 1.0, runs=3 * len(well))
        return found | ({} if found["ok"] else {"why": f"{found['why']}; it was storm {which}"})


def zookeeper_dies():
    with Lab() as lab:
        driver = started(lab, count=RATE * (ZOOKEEPER_DOWN + 25))
        before = lab.workers(driver.name)
        lab.kill("zookeeper")
        down = now()
        while now() < down + ZOOKEEPER_DOWN:
            driver.flows_again(now(), 5)
            time.sleep(1)
        lab.start_zookeeper()
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

                def all_run_again():
                    at = lab.workers(driver.name)
                    return len(at) == 3 and ends == (at[alone]["pid"] != before[alone]["pid"])
                wait(30, "all run again", all_run_again)
                driver.flows_again(healed, 60)
                after = lab.workers(driver.name)
                ended_besides += sum(after[other]["pid"] != before[other]["pid"]
                                     for other in range(3) if other != alone)
        return judged(name, ended_besides, "workers", 0, driver, runs=3 * len(CUT_SECONDS))


def host_is_lost(name):
    """The host of one worker is cut off for long, and returns: its work goes on elsewhere ("10"), and what
    it still ran ends ("11")."""
    if NAMESPACE not in os.environ:
        return own_network(name)
    with Hosts(task_timeout=4) as lab:  # Three hosts of one slot each: one is spare.
        driver = Driver(lab, topology__workers=2, sinks=2, fan=2, rate=1_000,
                        count=60_000).must_run().flows()
        wait(20, "both workers run", lambda: len(lab.workers(driver.name)) == 2)
        time.sleep(LEADER_GRACE)
        victim = lab.workers(driver.name)[1]
        lab.cut_off(victim["supervisor"], True)
        cut_at = now()
        flow = driver.flows_again(cut_at, 60)
        time.sleep(max(0, 25 - (now() - cut_at)))
        check(is_alive(victim["pid"]), "the worker that was cut off ended without a word")
        lab.cut_off(victim["supervisor"], False)
        healed = now()
        back = ended([victim["pid"]])[victim["pid"]] - healed
        driver.flows_again(healed)
        return judged(name, *((flow, "s", 8.0) if name == "10" else (back, "s", 2.0)), driver)


# ---- Clocks, descriptors, loops


def clock_is_set_back():
    """By an hour, as the daemons see it, which were killed a moment ago."""
    if not shutil.which("cc"):
        raise Skipped("cc is not installed: apt-get install gcc")
    with Lab() as lab:
        lab.remember_commands()
        library = lab.folder / "back.so"
        (lab.folder / "back.c").write_text("""#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec* at) {
    int done = (int)syscall(SYS_clock_gettime, clock, at);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) at->tv_sec -= 3600;
    return done;
}
int gettimeofday(struct timeval* restrict at, void* restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    at->tv_sec = exact.tv_sec;
    at->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
time_t time(time_t* at) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (at) *at = exact.tv_sec;
    return exact.tv_sec;
}
""")
        lab.run(["cc", "-shared", "-fPIC", "-o", library, lab.folder / "back.c"])
        driver = started(lab)
        before = lab.workers(driver.name)
        slowest = 0
        for daemon in ("supervisor-1", "nimbus-1"):
            lab.kill(daemon)
            again = lab.restart(daemon, env={"LD_PRELOAD": str(library)})
            wait(10, f"{daemon} is ready", lambda daemon=daemon: lab.is_ready(daemon))
            time.sleep(1)
            check(is_alive(lab.pid(daemon)), f"{daemon} has ended: {lab.log(daemon)[-300:]}")
            slowest = max(slowest, now() - again - 1)
        lab.leader()
        wait(20, "Nimbus knows the workers", lambda: len(lab.workers(driver.name)) == 2)
        time.sleep(8)  # Nobody may think better of it later.
        same_workers(lab, driver, before)
        return none_failed(judged("26", slowest, "s", 10.0, driver))


def no_descriptors():
    """More connections than a daemon has descriptors for: it goes on when they have gone."""
    if not shutil.which("prlimit"):
        raise Skipped("prlimit is not installed: apt-get install util-linux")
    with Lab(supervisors=1) as lab:
        lab.remember_commands()
        driver = started(lab)
        before = lab.workers(driver.name)
        worst = 0
        for daemon in ("nimbus-1", "supervisor-1"):
            lab.kill(daemon)
            lab.restart(daemon, prefix=["prlimit", "--nofile=64:64"])
            wait(10, f"{daemon} is ready", lambda daemon=daemon: lab.is_ready(daemon))
            strangers = [socket.create_connection(("127.0.0.1", lab.port(daemon)), timeout=5)
                         for _ in range(100)]
            time.sleep(3)
            check(is_alive(lab.pid(daemon)), f"{daemon} has died of it: {lab.log(daemon)[-300:]}")
            for stranger in strangers:
                stranger.close()
            left = now()
            wait(20, f"{daemon} answers again", lambda daemon=daemon: lab.get("/health", daemon), 0.1)
            worst = max(worst, now() - left)
        lab.leader()
        wait(20, "Nimbus knows the workers", lambda: len(lab.workers(driver.name)) == 2)
        same_workers(lab, driver, before)
        return none_failed(judged("32", worst, "s", 2.0, driver))


def readers_that_never_read():
    """They ask for much, and read nothing."""
    with Lab(supervisors=1) as lab:
        driver = started(lab, count=RATE * 40)
        workers = lab.workers(driver.name)
        ports = {f"worker {n}": int(w["metrics_url"].split(":")[2].split("/")[0])
                 for n, w in workers.items()}
        ports |= {name: lab.port(name) for name in ("nimbus-1", "supervisor-1")}
        pids = {f"worker {n}": w["pid"] for n, w in workers.items()}
        pids |= {name: lab.pid(name) for name in ("nimbus-1", "supervisor-1")}
        sizes = {name: resident_mb(pid) for name, pid in pids.items()}
        readers = []
        for name, port in ports.items():
            target = "/api/v1/openapi.json" if name == "nimbus-1" else "/metrics"
            request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
            for _ in range(100):
                reader = socket.socket()
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                reader.connect(("127.0.0.1", port))
                reader.settimeout(0.05)
                with contextlib.suppress(OSError):
                    reader.sendall(request * 200)
                readers.append(reader)
        since = now()
        driver.flows_again(since)
        start = now()
        lab.storm("list")
        took = now() - start
        time.sleep(5)
        grown = max(resident_mb(pid) - sizes[name] for name, pid in pids.items()
                    if is_alive(pid))
        for reader in readers:
            reader.close()
        check(all(is_alive(pid) for pid in pids.values()), "somebody has died of it")
        check(took < 2, f"storm list takes {took:.1f} s meanwhile")
        same_workers(lab, driver, workers)
        return none_failed(judged("33", max(grown, 0), "MB", 30, driver))


@contextlib.contextmanager
def main_thread_stopped(pid):
    """Only it: the others go on."""
    seize, interrupt, detach, wait_all = 0x4206, 0x4207, 17, 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(seize, pid, None, None) or libc.ptrace(interrupt, pid, None, None):
        raise Skipped("a thread cannot be stopped here: " + os.strerror(ctypes.get_errno()))
    os.waitpid(pid, wait_all)
    try:
        yield
    finally:
        libc.ptrace(detach, pid, None, None)


def loop_hangs(name):
    """The loop of a daemon hangs, while its threads for ZooKeeper go on: others take over."""
    with Lab(nimbuses=2) as lab:
        driver = Driver(lab, topology__workers=1, rate=1_000, count=40_000).must_run().flows()
        if name == "hung-nimbus":
            old = lab.leader()
            other = next(n for n in ("nimbus-1", "nimbus-2") if n != old)
            with main_thread_stopped(lab.pid(old)):
                hangs = now()
                wait(30, "the other one leads", lambda: lab.leads(other))
                took = now() - hangs
            lab.nimbus = other
        else:
            worker = lab.workers(driver.name)[0]
            with main_thread_stopped(lab.pid(worker["supervisor"])):
                hangs = now()
                os.kill(worker["pid"], signal.SIGKILL)
                took = driver.flows_again(hangs, 40)
        return judged(name, took, "s", 15.0, driver)


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


# ---- ZooKeeper


def zookeeper_stands_still():
    with Lab() as lab:
        driver = started(lab, count=RATE * (ZOOKEEPER_STOPPED + 25))
        before = lab.workers(driver.name)
        os.kill(lab.pid("zookeeper"), signal.SIGSTOP)
        stopped = now()
        while now() < stopped + ZOOKEEPER_STOPPED:
            driver.flows_again(now(), 5)
            time.sleep(1)
        os.kill(lab.pid("zookeeper"), signal.SIGCONT)
        back = now()
        well_again(lab, driver)
        converged = now() - back
        time.sleep(12)  # Nobody may think better of it later.
        same_workers(lab, driver, before)
        return none_failed(judged("zk-stop", converged, "s", 10.0, driver))


def well_again(lab, driver, seconds=60):
    wait(seconds, "the cluster is well",
         lambda: lab.storm("health", check_exit=False).returncode == 0
         and len(lab.get("/api/v1/supervisors")["supervisors"]) == lab.sizes[1]
         and len(lab.workers(driver.name)) == 2, 0.1)


def zookeeper_forgets(name):
    """ZooKeeper comes back empty, or as it was a while ago: all daemons find it without being restarted,
    and the workers of what it knew live on."""
    with Lab() as lab:
        driver = started(lab, count=RATE * 60)
        before = lab.workers(driver.name)
        lab.remember_commands()
        folder = lab.dir / "zookeeper"
        copied = lab.folder / "copy"
        lab.kill("zookeeper")
        if name == "zk-restored":
            shutil.copytree(folder, copied)
            lab.start_zookeeper()
            well_again(lab, driver)
            Driver(lab, "later", journal=False, rate=10)
            later = lab.workers("later")
            lab.kill("zookeeper")
        for data in folder.glob("**/version-2"):
            shutil.rmtree(data)
        if name == "zk-restored":
            shutil.copytree(copied, folder, dirs_exist_ok=True)
            (folder / "pid").unlink(missing_ok=True)
        lab.start_zookeeper()
        back = now()
        # Not "ok": that a topology has vanished is a problem to be told.
        wait(60, "all daemons have found it", lambda: lab.leads("nimbus-1")
             and len(lab.get("/api/v1/supervisors")["supervisors"]) == 2, 0.1)
        converged = now() - back
        other = Driver(lab, "other", ["--detach"], journal=False, rate=10)
        check(other.answer.returncode == 0, f"nothing can be submitted: {other.answer.stderr[-300:]}")
        check(all(is_alive(worker["pid"]) for worker in before.values()),
              "healthy workers were ended for what ZooKeeper has forgotten")
        if name == "zk-restored":
            # More elections than there were before, and no Nimbus that remembers.
            for _ in range(3):
                lab.kill("nimbus-1")
                lab.restart("nimbus-1")
                wait(20, "it leads", lambda: lab.leads("nimbus-1"), 0.1)
            wait(20, "later is MISSING", lambda: lab.has_status("later", "MISSING"), 0.1)
            check(all(is_alive(worker["pid"]) for worker in later.values()),
                  "healthy workers were ended for what ZooKeeper has forgotten")
            lab.storm("kill", "later", "-w", "0")
            check(not any(is_alive(worker["pid"]) for worker in later.values()),
                  "a lost topology lives though it was killed")
            same_workers(lab, driver, before)
            return judged(name, converged, "s", 60.0, driver)
        return judged(name, converged, "s", 60.0)


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
            starts_when_full(lab, "nimbus-1")
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
            starts_when_full(lab, "supervisor-1")
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


def fill(path):
    with contextlib.suppress(OSError), open(path / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)


def starts_when_full(lab, daemon):
    fill(lab.dir / daemon)
    log = lab.folder / f"{daemon}.log"  # Its own is full, too.
    lab.remember_commands()
    lab.kill(daemon)
    with open(log, "wb") as out:
        process = subprocess.Popen(lab.commands[daemon], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=out, start_new_session=True, env=lab.env, cwd=lab.folder)
    lab.others.append(process)
    time.sleep(2)
    check(process.poll() is None,
          f"{daemon} does not start on a full disk: {log.read_text()[-300:]}")
    lab.storm("health")
    process.kill()
    process.wait()
    (lab.dir / daemon / "filler").unlink(missing_ok=True)


def read_only():
    """A Supervisor's disk is read-only for a while: workers go on; one that dies waits for it."""
    with Lab(supervisors=1, start=False) as lab:
        folder = lab.dir / "supervisor-1"
        folder.mkdir(parents=True)
        with small_disk(folder, 256):
            lab.up()
            driver = started(lab)
            workers = lab.workers(driver.name)
            victim = workers[1 - driver.source_worker()]
            # Its log is open for writing: that goes elsewhere.
            lab.remember_commands()
            lab.kill("supervisor-1")
            log = lab.folder / "supervisor.log"
            with open(log, "wb") as out:
                process = subprocess.Popen(lab.commands["supervisor-1"], stdin=subprocess.DEVNULL,
                                           stdout=out, stderr=out, start_new_session=True,
                                           env=lab.env, cwd=lab.folder)
            lab.others.append(process)
            wait(20, "the workers are adopted", lambda: log.read_text().count("worker adopted") == 2
                 and "supervisor is ready" in log.read_text())
            subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
            try:
                wait(5, "nobody writes there", lambda: subprocess.run(
                    ["mount", "-o", "remount,ro,bind", str(folder)], check=False,
                    capture_output=True).returncode == 0, 0.05)
                driver.flows_again(now())
                os.kill(victim["pid"], signal.SIGKILL)
                time.sleep(3)
                check(process.poll() is None,
                      f"the Supervisor has died of it: {log.read_text()[-400:]}")
            finally:
                subprocess.run(["umount", "-l", str(folder)], check=False)
            writable = now()
            took = driver.flows_again(writable, 60)
            found = judged("21", took, "s", 31.0, driver)
            process.kill()
            process.wait()
            return found


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


def in_another_folder(lab, command):
    return [b"storm.local.dir=" + os.fsencode(lab.folder / "other")
            if word.startswith(b"storm.local.dir=") else word for word in command]


def two_supervisors():
    with Lab(supervisors=1) as lab:
        lab.remember_commands()
        pid = lab.pid("supervisor-1")
        said, took = refused(lab, lab.commands["supervisor-1"], "one for the same folder")
        check(str(pid) in said, f"one for the same folder says: {said[-500:]}")
        command = in_another_folder(lab, lab.commands["supervisor-1"])
        said, _ = refused(lab, command, "one with the same id")
        check("supervisor-1" in said, f"one with the same id says: {said[-500:]}")
        check(is_alive(pid), "the first one has ended")
        listed = lab.get("/api/v1/supervisors")["supervisors"]
        check(len(listed) == 1, f"Nimbus lists {len(listed)}")
        return judged("28", took, "s", 1.0, runs=2)


def two_nimbuses():
    with Lab(supervisors=1) as lab:
        lab.remember_commands()
        pid = lab.pid("nimbus-1")
        said, took = refused(lab, lab.commands["nimbus-1"], "one for the same folder")
        check(str(pid) in said, f"one for the same folder says: {said[-500:]}")
        command = in_another_folder(lab, lab.commands["nimbus-1"])
        if not any(word.startswith(b"nimbus.port=") and word != b"nimbus.port=0" for word in command):
            command += [b"-c", b"nimbus.port=" + str(lab.port("nimbus-1")).encode()]
        said, took_port = refused(lab, command, "one with the same address")
        check("nimbus.port" in said, f"one with the same address says: {said[-500:]}")
        check(is_alive(pid) and lab.leads("nimbus-1"), "the first one leads no more")
        return judged("27", max(took, took_port), "s", 1.0, runs=2)


def orders_under_load():
    """deactivate, activate and kill, each while a worker has just died."""
    with Lab() as lab:
        driver = started(lab)
        def strike():
            workers = lab.workers(driver.name)
            victim = workers[1 - driver.source_worker()]["pid"]
            os.kill(victim, signal.SIGKILL)
        strike()
        lab.storm("deactivate", driver.name)
        wait(10, "both run again", lambda: len(lab.workers(driver.name)) == 2)
        time.sleep(1)
        strike()
        lab.storm("activate", driver.name)
        driver.flows_again(now())
        wait(10, "both run again", lambda: len(lab.workers(driver.name)) == 2)
        driver.finish()
        lab.storm("kill", driver.name, "-w", "0")
        other = Driver(lab, "other", journal=False, **SPREAD, rate=RATE).must_run()
        wait(20, "both workers run", lambda: len(lab.workers(other.name)) == 2)
        pids = [worker["pid"] for worker in lab.workers(other.name).values()]
        os.kill(pids[0], signal.SIGKILL)
        start = now()
        lab.storm("kill", other.name, "-w", "5")
        ended(pids)
        return judged("30", now() - start, "s", 8.0, runs=3)


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
        "6": lambda: leader_is_lost("6", signal.SIGKILL, 0),
        "7": lambda: leader_is_lost("7", signal.SIGSTOP, 15),
        "seeds": standby_first, "first-seed": first_seed_hangs,
        "gone": lambda: supervisor_is_gone("gone", signal.SIGKILL, 1),
        "gone-all": lambda: supervisor_is_gone("gone-all", signal.SIGKILL, 2),
        "lease": lease_runs_out, "gone-kill": killed_without_supervisor,
        "gone-removed": removed_without_supervisor, "away": daemons_are_away,
        "9": lambda: supervisor_is_gone("9", signal.SIGSTOP, 1),
        "12": lambda: partition("12", False), "14": lambda: partition("14", True),
        "13": lambda: cut_off_hosts("13"),
        "10": lambda: host_is_lost("10"), "11": lambda: host_is_lost("11"),
        "zk-stop": zookeeper_stands_still, "zk-wiped": lambda: zookeeper_forgets("zk-wiped"),
        "zk-restored": lambda: zookeeper_forgets("zk-restored"),
        "21": read_only, "26": clock_is_set_back, "27": two_nimbuses, "30": orders_under_load,
        "32": no_descriptors, "33": readers_that_never_read,
        "hung-nimbus": lambda: loop_hangs("hung-nimbus"),
        "hung-supervisor": lambda: loop_hangs("hung-supervisor"),
        "18": garbage, "19": corrupt_blob, "20": disk_full, "23": describe_zoo,
        "25": bad_topologies, "28": two_supervisors, "29": taken_port}

if __name__ == "__main__":
    sys.exit(run(ROWS, __doc__))

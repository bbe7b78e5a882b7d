"""The cluster's rows of the speed table: how long it takes to submit, kill and recover, and what
daemons cost while nothing happens. The worst of all runs counts. Called by tools/cluster-bench.sh."""
import os
import signal
import sys
import time

from lab import Driver, Lab, check, cpu_seconds, is_alive, now, resident_mb, wait
from report import row, run

KILLS = int(os.environ.get("STORM_BENCH_KILLS", "10"))
RUNS = 5
IDLE_SECONDS = 10
SPREAD = {"topology__workers": 2, "sinks": 2}


def judged(name, values, unit, limit, **keys):
    worst = round(max(values), 4)
    return row(name, worst, unit, ok=worst <= limit, runs=len(values),
               why=None if worst <= limit else f"the limit is {limit} {unit}", **keys)


def submit_and_kill():
    first, gone, listed = [], [], []
    with Lab() as lab:
        for index in range(RUNS):
            driver = Driver(lab, f"d{index}", ["--detach"], journal=False, rate=1000, **SPREAD)
            driver.must_run()
            first.append(driver.flows_again(driver.submitted))
            workers = wait(10, "it runs", lambda d=driver: len(lab.workers(d.name)) == 2
                           and lab.workers(d.name))
            pids = [worker["pid"] for worker in workers.values()]
            for _ in range(RUNS):
                start = now()
                lab.storm("list")
                listed.append(now() - start)
            start = now()
            lab.storm("kill", driver.name, "-w", "0")
            wait(10, "its processes have gone", lambda p=pids: not any(map(is_alive, p)), 0.002)
            gone.append(now() - start)
    return [judged("submit_first_tuple", first, "s", 0.8), judged("kill_gone", gone, "s", 0.5),
            judged("list", listed, "s", 0.03)]


def half_rate(lab):
    """Of what the driver does in this cluster when nothing holds it back."""
    driver = Driver(lab, "full", journal=False, **SPREAD).must_run().flows()
    time.sleep(3)
    rows = driver.source()
    lab.storm("kill", "full", "-w", "0")
    rows = [r for r in rows if r[0] > rows[-1][0] - 2]
    return max(1000, int((rows[-1][1] - rows[0][1]) / (rows[-1][0] - rows[0][0]) / 2))


def settled(lab, driver):
    return wait(30, "both workers run", lambda: len(lab.workers(driver.name)) == 2
                and lab.workers(driver.name))


# A worker that dies sooner after its start than this is started again with a growing delay
# (supervisor/limits.h, kRanWell): that is for crashes of its own.
RAN_WELL = 10.5


def worker_kills():
    flow, replayed, before = [], [], 0
    with Lab() as lab:
        driver = Driver(lab, journal=False, rate=half_rate(lab), **SPREAD).must_run().flows()
        for _ in range(KILLS):
            time.sleep(RAN_WELL)
            workers = settled(lab, driver)
            victim = workers[1 - driver.source_worker()]["pid"]
            killed = now()
            os.kill(victim, signal.SIGKILL)
            flow.append(driver.flows_again(killed))
            replayed.append(driver.all_acked(killed))
        failed = driver.failed() - before
    return [judged("worker_kill_flow", flow, "s", 0.25, failed=failed),
            judged("worker_kill_replayed", replayed, "s", 2.5, failed=failed, replayed=failed)]


def supervisor_kills():
    flow = []
    with Lab() as lab:
        lab.remember_commands()
        driver = Driver(lab, journal=False, rate=half_rate(lab), **SPREAD).must_run().flows()
        for _ in range(KILLS):
            time.sleep(2)
            worker = settled(lab, driver)[1 - driver.source_worker()]
            killed = now()
            os.kill(lab.pid(worker["supervisor"]), signal.SIGKILL)
            os.kill(worker["pid"], signal.SIGKILL)
            lab.others[:] = [p for p in lab.others if p.poll() is None]
            lab.restart(worker["supervisor"])
            flow.append(driver.flows_again(killed, 30))
        failed = driver.failed()
    return judged("supervisor_and_worker_kill_flow", flow, "s", 1.0, failed=failed)


def daemon_kills():
    with Lab() as lab:
        driver = Driver(lab, journal=False, rate=half_rate(lab), **SPREAD).must_run().flows()
        workers = {w["pid"] for w in settled(lab, driver).values()}
        for daemon in ("supervisor-1", "nimbus-1", "zookeeper", "supervisor-2"):
            lab.kill(daemon)
            time.sleep(1)
            lab.up()
            driver.flows_again(now())
        check({w["pid"] for w in settled(lab, driver).values()} == workers,
              "workers were restarted")
        failed = driver.failed()
    return row("daemon_kills_failed", failed, "tuples", ok=failed == 0, runs=4, failed=failed)


def idle():
    with Lab(supervisors=1) as lab:
        driver = Driver(lab, "idle", ["--inactive"], journal=False).must_run()
        worker = wait(10, "its worker runs", lambda: lab.workers(driver.name))[0]
        pids = {"nimbus": lab.pid("nimbus-1"), "supervisor": lab.pid("supervisor-1"),
                "idle_worker": worker["pid"]}
        time.sleep(5)  # What is left from the start.
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(IDLE_SECONDS)
        rows = []
        for name, pid in pids.items():
            rows.append(judged(f"resident_{name}", [resident_mb(pid)], "MB",
                               15 if name == "idle_worker" else 12))
            percent = 100 * (cpu_seconds(pid) - before[name]) / IDLE_SECONDS
            rows.append(judged(f"idle_cpu_{name}", [percent], "%", 0.2))
    return rows


if __name__ == "__main__":
    sys.exit(run({"submit_and_kill": submit_and_kill, "worker_kills": worker_kills,
                  "supervisor_kills": supervisor_kills, "daemon_kills": daemon_kills,
                  "idle": idle}, __doc__))

"""A cluster on three hosts, each a network namespace with a cable to a bridge, and Nimbus and
ZooKeeper on a fourth. To be used within network and mount namespaces of its own (unshare -n -m),
which take all of it along when they end."""
import contextlib
import json
import os
import secrets
import subprocess

from lab import BIN, Lab, ROOT, wait

SUPERVISORS = 3
MIDDLE = "10.77.0.1"


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True)


class Hosts(Lab):
    """with Hosts() as lab: …; lab.cut_off(supervisor, True). `task_timeout`: of Nimbus; the longer one
    lets it move nothing."""

    def __init__(self, task_timeout=600):
        super().__init__()
        self.task_timeout = task_timeout

    def up(self):
        self.dir.mkdir()
        # The names of our hosts are nobody else's.
        os.makedirs("/run/netns", exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "hosts", "/run/netns"], check=True)
        ip("link", "set", "lo", "up")
        ip("link", "add", "middle", "type", "bridge")
        ip("addr", "add", f"{MIDDLE}/24", "dev", "middle")
        ip("link", "set", "middle", "up")
        self.run([ROOT / "tools/zookeeper.sh", "start", self.dir / "zookeeper", 2181],
                 env=self.env | {"STORM_ZOOKEEPER_ADDRESS": MIDDLE})
        (self.dir / "token").write_text(secrets.token_hex(32))
        (self.dir / "token").chmod(0o600)
        (self.dir / "storm.yaml").write_text(f"""nimbus.seeds: ["{MIDDLE}:6627"]
nimbus.port: 6627
storm.zookeeper.servers: ["{MIDDLE}:2181"]
storm.insecure: true
storm.token.file: "{self.dir}/token"
nimbus.task.timeout.secs: {self.task_timeout}
""")
        self.start([], "storm-nimbus", "nimbus", MIDDLE)
        for index in range(SUPERVISORS):
            self.add_host(index)
        wait(60, "all Supervisors are there",
             lambda: len(self.storm("supervisors", "-o", "names", check_exit=False)
                         .stdout.split()) == SUPERVISORS)

    def add_host(self, index):
        host, address = f"host-{index}", f"10.77.0.1{index}"
        ip("netns", "add", host)
        ip("-n", host, "link", "set", "lo", "up")
        ip("link", "add", f"cable-{index}", "type", "veth", "peer", "name", "eth0", "netns", host)
        ip("link", "set", f"cable-{index}", "master", "middle", "up")
        ip("-n", host, "addr", "add", f"{address}/24", "dev", "eth0")
        ip("-n", host, "link", "set", "eth0", "up")
        self.start(["ip", "netns", "exec", host], "storm-supervisor", host, address,
                   f"supervisor.id={host}", "supervisor.port=8000", "supervisor.slots.ports=[6700]")

    def start(self, prefix, program, name, address, *settings):
        words = [word for setting in (f"storm.local.dir={self.dir}/{name}",
                                      f"storm.local.hostname={address}", *settings)
                 for word in ("-c", setting)]
        with open(self.dir / f"{name}.log", "ab") as log:
            self.others.append(subprocess.Popen(
                [*prefix, BIN / program, "--config", self.dir / "storm.yaml", *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=self.env, cwd=self.folder))

    def down(self):
        for index in range(SUPERVISORS):
            with contextlib.suppress(subprocess.CalledProcessError):
                found = subprocess.run(["ip", "netns", "pids", f"host-{index}"],
                                       capture_output=True, text=True, check=True)
                for pid in found.stdout.split():
                    with contextlib.suppress(OSError):
                        os.kill(int(pid), 9)
        self.run([ROOT / "tools/zookeeper.sh", "stop", self.dir / "zookeeper"], check_exit=False)

    def status(self, name):
        return json.loads(self.storm("status", name, "-o", "json").stdout)

    @staticmethod
    def cut_off(host, cut):
        ip("link", "set", host.replace("host", "cable"), "down" if cut else "up")

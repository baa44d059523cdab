"""Open vSwitch with its DPDK datapath, as Debian ships it, in folders and a namespace of its own.

The uplinks are in one bridge, which has the address that tunnels end at; the local ports and the
tunnels are in another. Destinations are static entries, sources are learned. Its limit on flows and
their time to live are raised, so that none is evicted while it is measured.
"""

import os
import re
import shutil
import subprocess

from benchlib import cpu, frames
from benchlib.errors import BenchError, Unable
from benchlib.process import Process, wait_for
from benchlib.sample import Counters
from benchlib.settle import settle
from benchlib.unixctl import Unixctl

DAEMON = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
# Its packet pool has 262,144 buffers, of which the source keeps one for each packet of the file.
MOST_PACKETS = 200_000
# 262,144 buffers of 3,008 bytes, and what DPDK takes.
MEMORY = 1_100 << 20
PORTS = ["uplink", "lan", "lan2", "uplink2"]
BRIDGES = {"uplink": "br-phy", "lan": "br-int", "lan2": "br-int", "uplink2": "br-phy"}
TUNNELS = {
    "vx10": ("br-int", 10, "192.0.2.1"),
    "vx11": ("br-int", 10, "192.0.2.3"),
    "vx20": ("br20", 20, "192.0.2.1"),
}
TARGETS = {"decap": "lan", "encap": "vx10", "bridge": "lan2"}
MAC_TABLE = "other-config:mac-table-size=1000000"


class Ovs:
    """A database and a daemon of its own."""

    def __init__(self, point, options, scratch):
        if point.replayed and point.traffic.packets > MOST_PACKETS:
            raise Unable(f"its packet pool has no room for {point.traffic.packets} packets")
        self.point, self.cpu, self.folder = point, point.worker_cpu, scratch
        self.processes, self.control = [], None
        self.database = f"unix:{scratch}/db.sock"
        names = ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR")
        self.environment = dict(os.environ, **{name: scratch for name in names})

    def open(self):
        """Waits until its ports are open; the source is the last."""
        self._start_daemons()
        self._make_bridges()
        source = PORTS[self.point.source_port]
        for name in PORTS:
            if name != source:
                self._add_port(name)
        self._make_entries()
        self._add_port(source)
        self.thread = cpu.worker_thread(self.pid, self.cpu)

    def settle(self):
        """Waits until every flow is in the datapath."""
        wait_for("Open vSwitch to forward", lambda: self.counters().sent > 100_000, 120)
        # Its workers publish their coverage counters once a second.
        settle(self, 1.5)

    def _spawn(self, name, *command):
        log = os.path.join(self.folder, f"{name}.log")
        process = Process(name, command, self.cpus, log, env=self.environment)
        self.processes.append(process)
        return process

    @property
    def cpus(self):
        """Its threads start here; the one that polls goes to the worker's CPU by itself."""
        return {self.point.main_cpu}

    def _start_daemons(self):
        for program in ("ovsdb-tool", "ovsdb-server", "ovs-vsctl", "unshare", "nsenter"):
            if not shutil.which(program):
                raise BenchError(f"{program} is missing: scripts/install-deps bench")
        data = os.path.join(self.folder, "conf.db")
        self._run("ovsdb-tool", "create", data, SCHEMA)
        self._spawn(
            "ovsdb-server", "ovsdb-server", data, f"--remote=p{self.database}",
            f"--unixctl={self.folder}/ovsdb.ctl",
        )  # fmt: skip
        wait_for("ovsdb-server", lambda: os.path.exists(os.path.join(self.folder, "db.sock")))
        self._vsctl("--no-wait", "init")
        # It gives lcores to DPDK by itself.
        extra = [word for word in self.point.eal_words() if not word.startswith("--lcores")]
        self._vsctl(
            "--no-wait", "set", "Open_vSwitch", ".",
            "other_config:dpdk-init=true",
            f"other_config:dpdk-lcore-mask={1 << self.point.main_cpu:#x}",
            f"other_config:pmd-cpu-mask={1 << self.point.worker_cpu:#x}",
            f'other_config:dpdk-extra="{" ".join(extra)}"',
            "other_config:max-idle=600000",
            f"other_config:flow-limit={2 * MOST_PACKETS}",
        )  # fmt: skip
        daemon = DAEMON if os.path.exists(DAEMON) else "ovs-vswitchd"
        path = f"{self.folder}/vswitchd.ctl"
        # A network namespace without a name: it goes with the daemon.
        vswitchd = self._spawn(
            "ovs-vswitchd", "unshare", "--net", daemon, self.database, f"--unixctl={path}"
        )
        self.pid = vswitchd.pid
        wait_for("ovs-vswitchd", lambda: vswitchd.check() and os.path.exists(path))
        self.control = Unixctl(path)

    def _make_bridges(self):
        self._add_bridge("br-phy", f"other-config:hwaddr={self.point.uplink_mac.hex(':')}")
        self._add_bridge("br-int")
        self._add_bridge("br20")
        inside = ("nsenter", "--net", f"--target={self.pid}", "ip")
        self._run(*inside, "link", "set", "lo", "up")
        self._run(*inside, "address", "add", "192.0.2.2/24", "dev", "br-phy")
        self._run(*inside, "link", "set", "br-phy", "up")
        wait_for("a route", lambda: "192.0.2.2" in self.control("ovs/route/show"))
        for name, (bridge, vni, remote) in TUNNELS.items():
            self._vsctl(
                "add-port", bridge, name, "--", "set", "Interface", name, "type=vxlan",
                f"options:remote_ip={remote}", "options:local_ip=192.0.2.2", f"options:key={vni}",
            )  # fmt: skip
        self.control("tnl/arp/set", "br-phy", "192.0.2.1", frames.REMOTE_MAC.hex(":"))
        self.control("tnl/arp/set", "br-phy", "192.0.2.3", frames.SECOND_REMOTE_MAC.hex(":"))

    def _add_bridge(self, name, *more):
        self._vsctl("add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev",
                    MAC_TABLE, *more)  # fmt: skip

    def _add_port(self, name):
        device = self.point.devices()[PORTS.index(name)]
        self._vsctl(
            "add-port", BRIDGES[name], name, "--", "set", "Interface", name, "type=dpdk",
            f'options:dpdk-devargs="{device}"',
        )  # fmt: skip
        error = self._vsctl("get", "Interface", name, "error").strip()
        if error not in ("[]", '""'):
            raise BenchError(f"Open vSwitch cannot open {name}: {error}")

    def _make_entries(self):
        target = TARGETS[self.point.work]
        entries = [
            ("fdb/add", "br-int", target, "0", frames.destination_mac(station).hex(":"))
            for station in range(self.point.traffic.stations)
        ]
        entries.append(("fdb/add", "br-phy", "uplink", "0", frames.REMOTE_MAC.hex(":")))
        self.control("upcall/set-flow-limit", str(2 * MOST_PACKETS))
        if self.point.work == "decap":
            entries.pop()
        self.control.all(entries)

    def counters(self):
        """Packets of the source and of the sink, drops by name, and misses of all caches."""
        ports, drops = self._ports()
        source, sink = PORTS[self.point.source_port], PORTS[self.point.sink_port]
        if not self.point.replayed:
            # What a NIC misses shows that there was always enough to do.
            drops.pop(f"{source} RX", None)
        coverage = self.control("coverage/show")
        for name, total in re.findall(r"^(\w+) .*total: (\d+)", coverage, re.M):
            if name.startswith(("datapath_drop", "drop_action")):
                drops[name] = int(total)
        stats = self.control("dpif-netdev/pmd-stats-show")
        misses = sum(int(n) for n in re.findall(r"miss with \w+ upcall: (\d+)", stats))
        return Counters(ports[source][0], ports[sink][1], drops, misses)

    def _ports(self):
        packets, drops, name = {}, {}, None
        for line in self.control("dpctl/show", "-s").splitlines():
            if port := re.match(r"\s+port \d+: (\S+)", line):
                name = port.group(1)
                packets[name] = [0, 0]
            elif found := re.match(r"\s+(RX|TX) packets:(\d+) errors:\S+ dropped:(\d+)", line):
                way, number, dropped = found.groups()
                packets[name][way == "TX"] = int(number)
                drops[f"{name} {way}"] = int(dropped)
        return packets, drops

    def _vsctl(self, *words):
        return self._run("ovs-vsctl", f"--db={self.database}", "--timeout=60", *words)

    def _run(self, *words):
        done = subprocess.run(
            words, env=self.environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode:
            raise BenchError(f"{' '.join(words)}: {done.stdout.strip()}")
        return done.stdout

    def finish(self):
        """Ends it after a measurement."""
        self.stop()

    def stop(self):
        """Ends both daemons."""
        if self.control:
            self.control.close()
        for process in reversed(self.processes):
            process.stop()

"""overpath: the release binary as shipped, learning, with two or more entries in every list."""

import json
import os
import socket

from benchlib import cpu, frames
from benchlib.errors import BenchError, Invalid
from benchlib.process import Process, wait_for
from benchlib.sample import Counters
from benchlib.settle import settle

PORTS = ["uplink", "lan", "lan2", "uplink2"]
PORT_LINES = [
    'mtu = 1600\naddresses = ["192.0.2.2/24", "192.0.2.22/24"]',
    "",
    "",
    'mtu = 1600\naddresses = ["198.51.100.2/24"]',
]
TABLES = """
[[bridge]]
name = "br10"
ports = ["lan", "lan2"]

[[bridge]]
name = "br20"

[[tunnel]]
name = "vx10"
bridge = "br10"
vni = 10
local = "192.0.2.2"
remotes = ["192.0.2.1", "192.0.2.3"]

[[tunnel]]
name = "vx20"
bridge = "br20"
vni = 20
local = "192.0.2.2"
remotes = ["192.0.2.1", "192.0.2.3"]
"""
TARGETS = {
    "decap": 'port = "lan"',
    "encap": 'tunnel = "vx10"\nremote = "192.0.2.1"',
    "bridge": 'port = "lan2"',
}


def mac_text(mac):
    """A MAC as it is written in a configuration."""
    return mac.hex(":")


def configuration(point):
    """The configuration: the destinations are static entries, the sources are learned."""
    stations = point.traffic.stations
    entries = 65536
    while entries < 2 * min(point.flows, point.traffic.packets):
        entries *= 2
    lines = [f"[switch]\nmbufs = {max(point.buffers, 16384)}"]
    lines += [f"cache_entries = {entries}\nfdb_entries = {max(65536, 2 * stations + 1024)}\n"]
    for name, device, more in zip(PORTS, point.devices(), PORT_LINES):
        lines.append(f'[[port]]\nname = "{name}"\ndevice = "{device}"\n{more}\n')
    lines.append(TABLES)
    head = '[[fdb]]\nbridge = "br10"\nmac = "'
    tail = f'"\n{TARGETS[point.work]}\n'
    for station in range(stations):
        lines.append(head + mac_text(frames.destination_mac(station)) + tail)
    return "\n".join(lines)


class Overpath:
    """A daemon of its own, asked over its socket."""

    def __init__(self, point, options, scratch):
        self.point, self.cpu = point, point.worker_cpu
        self.path = os.path.join(scratch, "overpath.sock")
        config = os.path.join(scratch, "overpath.toml")
        with open(config, "w") as file:
            file.write(configuration(point))
        words = [os.path.join(options.bin, "overpathd"), *point.eal_words()]
        words += ["--", "--config", config, "--store", "none", "--socket", self.path]
        words += ["--log", "info,dpdk=error"]
        log = os.path.join(scratch, "overpathd.log")
        self.process = Process("overpathd", words, point.cpus, log)
        self.pid, self.socket = self.process.pid, None

    def open(self):
        """Waits until its ports are open."""
        self.process.wait_output("forwarding:", 180)
        if "4 of 4 ports started" not in self.process.output():
            raise BenchError(f"overpathd: a port did not start:\n{self.process.output()[-2000:]}")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.path)
        self.answers = self.socket.makefile()
        self.thread = cpu.worker_thread(self.pid, self.cpu)

    def settle(self):
        """Waits until every source is learned and the cache has every flow."""
        wait_for("overpathd to forward", lambda: self.counters().sent > 100_000, 120)
        settle(self)

    def counters(self):
        """Packets of the source and of the sink, drops by name and misses of the cache."""
        self.socket.sendall(b'{"jsonrpc":"2.0","id":1,"method":"stats.show"}\n')
        stats = json.loads(self.answers.readline())["result"]
        ports = {port["port"]: port for port in stats["ports"]}
        return Counters(
            ports[PORTS[self.point.source_port]]["received"],
            ports[PORTS[self.point.sink_port]]["sent"],
            stats["drops"],
            sum(worker["cache"]["misses"] for worker in stats["workers"]),
            stats["events"].get("fdb_learned", 0),
        )

    def finish(self):
        """Ends it after a measurement: its account has to close, and every packet to come back."""
        self.stop()
        if self.process.child.returncode:
            tail = "\n".join(self.process.output().splitlines()[-5:])
            raise Invalid(f"ended with status {self.process.child.returncode}:\n{tail}")

    def stop(self):
        """Ends it."""
        if self.socket:
            self.socket.close()
        self.process.stop()

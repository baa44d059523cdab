"""Traffic from a process of its own: over virtio-user, or from the NIC of another machine."""

import os
import shutil

from benchlib.bench import OTHER_BYTES, eal_words
from benchlib.cpu import dpdk_worker
from benchlib.errors import BenchError
from benchlib.process import Process
from benchlib.sample import Sender
from benchlib.testpmd import PROGRAM, Testpmd

KINDS = ["testpmd", "pktgen"]
PKTGEN = "pktgen"
# What Pktgen-DPDK does when it has started: all that the port takes.
PKTGEN_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.pkt")


def _eal(device, cpu):
    # Lcores of a number each on one CPU: the generator waits for nobody but itself.
    eal = eal_words([device], f"--lcores=0@{cpu},1@{cpu}", "generator")
    return [*eal, "--single-file-segments"]


class TestpmdGenerator:
    """testpmd, which plays the traffic file into the device."""

    def __init__(self, device, traffic_file, buffers, cpu, scratch):
        eal = _eal(device, cpu)
        eal += ["--vdev", f"net_pcap0,rx_pcap={traffic_file},infinite_rx=1"]
        arguments = [f"--total-num-mbufs={buffers}"]
        if device.startswith("net_"):
            eal += ["--vdev", device]
            ports = "0,1"
        else:
            # NICs have the first numbers.
            ports = "1,0"
        self.port = int(ports[2])
        log = os.path.join(scratch, "generator.log")
        self.testpmd = Testpmd(eal, [*arguments, f"--portlist={ports}"], {cpu}, log)

    def start(self):
        """Begins to send."""
        self.testpmd.wait()
        self.testpmd.begin()

    def sender(self):
        """What tells whether the switch always had enough to do."""
        return Sender(self.testpmd.pid, dpdk_worker(self.testpmd.pid), self._refused)

    def _refused(self):
        pattern = rf"statistics for port {self.port} .*?TX-dropped: (\d+)"
        return int(self.testpmd.ask("show fwd stats all", pattern).group(1))

    def check(self):
        """Fails if it has ended."""
        self.testpmd.process.check()

    def stop(self):
        """Ends it."""
        self.testpmd.stop()


class PktgenGenerator:
    """Pktgen-DPDK, which plays the same file."""

    def __init__(self, device, traffic_file, buffers, cpu, scratch):
        eal = _eal(device, cpu)
        if device.startswith("net_"):
            eal += ["--vdev", device]
        words = [PKTGEN, *eal, "--", "-P", "-m", "1.0", "-s", f"0:{traffic_file}"]
        log = os.path.join(scratch, "generator.log")
        self.process = Process(PKTGEN, [*words, "-f", PKTGEN_SCRIPT], {cpu}, log)

    def start(self):
        """Its script begins to send."""
        self.process.check()

    def sender(self):
        """It does not say what it could not hand over: None."""
        return None

    def check(self):
        """Fails if it has ended."""
        self.process.check()

    def stop(self):
        """Ends it."""
        self.process.stop()


def require(kind):
    """Fails if the program of a generator is missing."""
    program = PKTGEN if kind == "pktgen" else PROGRAM
    if not shutil.which(program):
        pktgen = "build https://github.com/pktgen/Pktgen-DPDK"
        advice = pktgen if kind == "pktgen" else "scripts/install-deps bench"
        raise BenchError(f"--generator: {program} is missing: {advice}")


def make(kind, *arguments):
    """A generator: (kind, device, traffic file, buffers, CPU, folder for its log)."""
    return (PktgenGenerator if kind == "pktgen" else TestpmdGenerator)(*arguments)


def memory(point):
    """Bytes of huge pages that a generator takes."""
    return point.memory - OTHER_BYTES // 2

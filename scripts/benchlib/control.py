"""The control: dpdk-testpmd, which moves packets from port to port and looks at none."""

import os
import re
import subprocess

from benchlib import cpu
from benchlib.process import Process, wait_for
from benchlib.sample import Counters

PROMPT = "testpmd> "


class Control:
    """testpmd's io forwarding over the same devices; ports are paired, so the source comes first."""

    name = "control"

    def __init__(self, bench, options, scratch):
        self.cpu = bench.worker_cpu
        devices = bench.devices()
        order = [bench.source_port, bench.sink_port]
        order += [i for i in range(len(devices)) if i not in order]
        words = ["stdbuf", "-oL", "dpdk-testpmd", "--in-memory", "--no-pci"]
        words += [f"--file-prefix=bench{os.getpid()}", f"-l{bench.main_cpu},{bench.worker_cpu}"]
        for port in order:
            words += ["--vdev", devices[port]]
        words += ["--", "-i", "--forward-mode=io", "--no-flush-rx", "--rxd=1024", "--txd=1024"]
        words += [f"--total-num-mbufs={bench.buffers}"]
        log = os.path.join(scratch, "testpmd.log")
        self.process = Process("dpdk-testpmd", words, bench.cpus, log, stdin=subprocess.PIPE)
        self.pid = self.process.pid

    def start(self):
        """Waits until packets move."""
        self.process.wait_output(PROMPT, 120)
        self._ask("start", r"packets/burst=\d+")
        wait_for("testpmd to forward", lambda: self.counters().received > 100_000)
        self.thread = cpu.worker_thread(self.pid, self.cpu)

    def counters(self):
        """Packets of the source and of the sink."""
        pattern = r"statistics for port 0.*?RX-packets: (\d+).*?RX-missed: (\d+).*?RX-nombuf: +(\d+)"
        pattern += r".*?statistics for port 1.*?TX-packets: (\d+) +TX-errors"
        found = self._ask("show port stats all", pattern)
        received, missed, no_buffer, sent = (int(n) for n in found.groups())
        return Counters(received, sent, {"missed": missed, "nombuf": no_buffer})

    def _ask(self, command, pattern):
        before = len(self.process.output())
        self.process.child.stdin.write(command.encode() + b"\n")
        self.process.child.stdin.flush()
        answer = lambda: self.process.check() and re.search(
            pattern, self.process.output()[before:], re.S
        )
        return wait_for(f"testpmd's answer to {command!r}", answer, pause=0.001)

    def stop(self):
        """Ends it."""
        self.process.stop()

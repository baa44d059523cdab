"""The control: testpmd's io forwarding over the same devices, which looks at no packet."""

import os
import re

from benchlib import cpu
from benchlib.process import wait_for
from benchlib.sample import Counters
from benchlib.testpmd import Testpmd


class Control:
    """Ports are paired: the source with the sink, the other two with each other."""

    def __init__(self, point, options, scratch):
        self.cpu, self.replayed = point.worker_cpu, point.replayed
        source, sink = point.source_port, point.sink_port
        others = [port for port in range(len(point.devices())) if port not in (source, sink)]
        numbers = point.port_numbers()
        self.source, self.sink = numbers[source], numbers[sink]
        eal = point.eal_words()
        for device in point.virtual_devices():
            eal += ["--vdev", device]
        ports = ",".join(str(numbers[port]) for port in (source, sink, *others))
        arguments = [f"--portlist={ports}", f"--total-num-mbufs={point.buffers}"]
        log = os.path.join(scratch, "testpmd.log")
        self.testpmd = Testpmd(eal, arguments, point.cpus, log)
        self.pid = self.testpmd.pid

    def open(self):
        """Waits until its ports are open, and begins."""
        self.testpmd.wait()
        self.testpmd.begin()
        self.thread = cpu.worker_thread(self.pid, self.cpu)

    def settle(self):
        """Waits until packets move."""
        wait_for("testpmd to forward", lambda: self.counters().received > 100_000, 120)

    def counters(self):
        """Packets of the source and of the sink."""
        found = self.testpmd.ask("show port stats all", r"(.*statistics for port 3 .*)testpmd> ")
        _, *ports = re.split(r"statistics for port \d+ ", found.group(1))

        def counter(port, name):
            return int(re.search(rf"{name}: +(\d+)", ports[port]).group(1))

        # What a NIC misses shows that there was always enough to do; a file has to come whole.
        names = ["RX-nombuf", "RX-missed"] if self.replayed else ["RX-nombuf"]
        drops = {name: counter(self.source, name) for name in names}
        return Counters(counter(self.source, "RX-packets"), counter(self.sink, "TX-packets"), drops)

    def finish(self):
        """Ends it after a measurement."""
        self.stop()

    def stop(self):
        """Ends it."""
        self.testpmd.stop()

"""One bench: a work, its traffic, and the four ports that every contestant gets."""

import os
from dataclasses import dataclass

from benchlib import frames, traffic

# net_pcap numbers its devices in the order of their creation, and the uplink comes first.
UPLINK_MAC = bytes([2, ord("p"), ord("c"), ord("a"), ord("p"), 0])
SPARE_PACKETS = 32_768
# A packet buffer with its header, headroom and alignment.
BUFFER_BYTES = 2560
# What a contestant takes beside packets.
OTHER_BYTES = 256 << 20


@dataclass(frozen=True)
class Bench:
    """What is measured, and where its files are."""

    case: str
    traffic: traffic.Traffic
    folder: str
    main_cpu: int
    worker_cpu: int

    @property
    def work(self):
        """decap, encap or bridge."""
        return self.traffic.work

    @property
    def flows(self):
        """Distinct pairs of MACs, drawn or cycled through."""
        return self.traffic.flows

    @property
    def arrivals(self):
        """cycle or random."""
        return self.traffic.arrivals

    @property
    def buffers(self):
        """Packet buffers: net_pcap keeps one for each packet of the file."""
        return self.traffic.packets + SPARE_PACKETS

    @property
    def memory(self):
        """Bytes of huge pages that a contestant needs."""
        return self.buffers * BUFFER_BYTES + OTHER_BYTES

    @property
    def cpus(self):
        """Where processes may run."""
        return {self.main_cpu, self.worker_cpu}

    def source(self, number):
        """The device that traffic comes from, without end."""
        path = os.path.join(self.folder, self.traffic.name)
        return f"net_pcap{number},rx_pcap={path},infinite_rx=1"

    def hello(self, number):
        """A device on which the remotes introduce themselves once; it swallows what is sent."""
        path = os.path.join(self.folder, "hello.pcap")
        return f"net_pcap{number},rx_pcap={path}"

    def devices(self):
        """The devices: uplink, lan, lan2, uplink2. Traffic comes from `source_port` alone."""
        sinks = ["net_null0,no-rx=1", "net_null1,no-rx=1"]
        if self.work == "decap":
            return [self.source(0), *sinks, "net_null2,no-rx=1"]
        return [self.hello(0), self.source(1), *sinks]

    @property
    def source_port(self):
        """The index in `devices` of the port that traffic comes from."""
        return 0 if self.work == "decap" else 1

    @property
    def sink_port(self):
        """The index of the port that traffic leaves by."""
        return {"decap": 1, "encap": 0, "bridge": 2}[self.work]

    def make_files(self):
        """Makes the files that are not there yet."""
        traffic.write(self.traffic, self.folder, UPLINK_MAC)
        hello = [
            frames.arp_request(frames.REMOTE_MAC, frames.REMOTE),
            frames.arp_request(frames.SECOND_REMOTE_MAC, frames.SECOND_REMOTE),
        ]
        path = os.path.join(self.folder, "hello.pcap")
        if not os.path.exists(path):
            traffic.write_pcap(path, hello)

"""The traffic files: which flow each packet of a file belongs to, and the file itself."""

import os
import random
import struct
from dataclasses import dataclass

from benchlib import frames

# A mesh has this many stations on each side, and so many pairs.
MESH_STATIONS = 1000
MESH_FLOWS = MESH_STATIONS * MESH_STATIONS
# Few flows are repeated up to so many packets, so that a burst is never the whole file.
FEWEST_PACKETS = 1024
# Drawn at random: long enough that nothing learns the order of the file.
RANDOM_PACKETS = 131_072
SEED = 1


@dataclass(frozen=True)
class Traffic:
    """What is sent: the work that it makes, the flows that there may be, and their order."""

    work: str
    flows: int
    arrivals: str
    mesh: bool = False

    @property
    def stations(self):
        """Stations on each side."""
        return MESH_STATIONS if self.mesh else self.flows

    @property
    def packets(self):
        """Packets in the file."""
        if self.arrivals == "random":
            return max(RANDOM_PACKETS, 0 if self.mesh else self.flows)
        return self.flows * -(-FEWEST_PACKETS // self.flows)

    def name(self, uplink_mac):
        """The name of the file, without its folder."""
        kind = "mesh" if self.mesh else self.arrivals
        towards = f"-{uplink_mac.hex()}" if self.work == "decap" else ""
        return f"{self.work}-{self.flows}-{kind}-{self.packets}{towards}.pcap"

    def order(self):
        """The flow of each packet."""
        generator = random.Random(SEED)
        if self.arrivals == "random":
            return [generator.randrange(self.flows) for _ in range(self.packets)]
        order = list(range(self.flows))
        generator.shuffle(order)
        return order * (self.packets // self.flows)

    def frame(self, flow, uplink_mac):
        """A packet of a flow."""
        source, destination = flow, flow
        if self.mesh:
            source, destination = flow % MESH_STATIONS, flow // MESH_STATIONS
        inner = frames.inner_frame(flow, source, destination)
        return frames.vxlan_frame(inner, uplink_mac) if self.work == "decap" else inner


def write_pcap(path, packets):
    """Writes frames as a capture file (version 2.4, microseconds, Ethernet)."""
    partial = f"{path}.{os.getpid()}"
    try:
        with open(partial, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for packet in packets:
                file.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)))
                file.write(packet)
        os.rename(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def write(traffic, path, uplink_mac):
    """Writes the file of some traffic, if it is not there yet."""
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_pcap(path, (traffic.frame(flow, uplink_mac) for flow in traffic.order()))

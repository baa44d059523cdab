"""A point of the bench: a case, its traffic, and the four ports that every contestant gets."""

import os
import re
from dataclasses import dataclass

from benchlib import hello, traffic

# Both drivers number the MACs of their devices; the uplink is the first device and the first port.
PCAP_MAC = bytes([2, ord("p"), ord("c"), ord("a"), ord("p"), 0])
VHOST_MAC = bytes([0x56, ord("H"), ord("O"), ord("S"), ord("T"), 0])
SPARE_PACKETS = 32_768
# A packet buffer with its header, headroom and alignment.
BUFFER_BYTES = 2560
# What a contestant takes beside packets.
OTHER_BYTES = 256 << 20


def is_pci(device):
    """Whether a device is a NIC by its PCI address, with or without devargs."""
    return re.match(r"([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.\d", device) is not None


def eal_words(devices, lcores, prefix):
    """EAL's arguments for a process with these devices; virtual ones are added by itself."""
    words = ["--in-memory", lcores, f"--file-prefix=bench{os.getpid()}{prefix}"]
    nics = [device for device in devices if is_pci(device)]
    for nic in nics:
        words += ["-a", nic]
    return words if nics else [*words, "--no-pci"]


@dataclass(frozen=True)
class Place:
    """Where the bench runs: its files, its CPUs, and devices that it is given."""

    folder: str
    main_cpu: int
    worker_cpu: int
    # The socket of a generator on this machine, the device that another one sends to.
    socket: str | None = None
    source: str | None = None
    sink: str | None = None
    uplink_mac: bytes | None = None


@dataclass(frozen=True)
class Bench:
    """What is measured, and where."""

    case: str
    traffic: traffic.Traffic
    place: Place

    @property
    def work(self):
        """decap, encap or bridge."""
        return self.traffic.work

    @property
    def flows(self):
        """Pairs of MACs that a packet may have."""
        return self.traffic.flows

    @property
    def arrivals(self):
        """cycle or random."""
        return self.traffic.arrivals

    @property
    def replayed(self):
        """Whether the switch plays the file itself; else a generator does."""
        return not (self.place.socket or self.place.source)

    @property
    def buffers(self):
        """Packet buffers: net_pcap keeps one for each packet of the file."""
        return self.traffic.packets + SPARE_PACKETS

    @property
    def memory(self):
        """Bytes of huge pages that a contestant needs."""
        return self.buffers * BUFFER_BYTES + OTHER_BYTES

    @property
    def worker_cpu(self):
        """The CPU of the worker."""
        return self.place.worker_cpu

    @property
    def main_cpu(self):
        """The CPU of everything else."""
        return self.place.main_cpu

    @property
    def cpus(self):
        """Where a contestant may run."""
        return {self.main_cpu, self.worker_cpu}

    @property
    def uplink_mac(self):
        """The MAC that the remote sends to."""
        mac = VHOST_MAC if self.place.socket else PCAP_MAC
        return self.place.uplink_mac or mac

    @property
    def traffic_file(self):
        """The path of the traffic."""
        return os.path.join(self.place.folder, self.traffic.name(self.uplink_mac))

    @property
    def source_port(self):
        """The index in `devices` of the port that traffic comes from."""
        return 0 if self.work == "decap" else 1

    @property
    def sink_port(self):
        """The index of the port that traffic leaves by."""
        return {"decap": 1, "encap": 0, "bridge": 2}[self.work]

    def devices(self):
        """The devices: uplink, lan, lan2, uplink2."""
        found = [f"net_null{number},no-rx=1" for number in range(4)]
        if self.work != "decap":
            # The remotes introduce themselves once; what is sent there is swallowed.
            found[0] = f"net_pcap0,rx_pcap={self._hello_file}"
        found[self.source_port] = self._source()
        if self.place.sink:
            found[self.sink_port] = self.place.sink
        return found

    @property
    def _hello_file(self):
        return os.path.join(self.place.folder, "hello-1.pcap")

    def _source(self):
        if self.place.socket:
            return f"net_vhost0,iface={self.place.socket},queues=1"
        number = self.source_port
        return self.place.source or f"net_pcap{number},rx_pcap={self.traffic_file},infinite_rx=1"

    def virtual_devices(self):
        """The devices that are no NICs, in the order of their ports."""
        return [device for device in self.devices() if not is_pci(device)]

    def port_numbers(self):
        """DPDK's number of each device, where NICs come first, in the order of their addresses."""
        devices = self.devices()
        order = sorted(filter(is_pci, devices)) + self.virtual_devices()
        return [order.index(device) for device in devices]

    def eal_words(self):
        """EAL's arguments for a contestant."""
        lcores = f"--lcores=0@{self.main_cpu},1@{self.worker_cpu}"
        return eal_words(self.devices(), lcores, "")

    def make_files(self):
        """Makes the files that are not there yet."""
        traffic.write(self.traffic, self.traffic_file, self.uplink_mac)
        hello.write(self._hello_file, PCAP_MAC)

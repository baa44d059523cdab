"""Counters at one time, and what two of them say."""

import time
from dataclasses import dataclass

from benchlib import cpu
from benchlib.errors import Invalid

# Packets between two counters that are not read at the same moment.
ON_THE_WAY = 16_384


@dataclass(frozen=True)
class Counters:
    """What a contestant has counted since its start."""

    received: int
    sent: int
    drops: dict
    misses: int = 0
    learned: int = 0


@dataclass(frozen=True)
class Reading:
    """What a worker did between two samples."""

    packets: int
    ran_ns: int
    wall_ns: int
    stolen: float
    # Of a million packets, those that no entry of a cache decided.
    misses: float

    @property
    def share(self):
        """The share of its CPU that the worker had."""
        return self.ran_ns / self.wall_ns - self.stolen

    @property
    def mpps(self):
        """Millions of packets in a second that the worker ran."""
        return self.packets * 1e3 / self.ran_ns

    def cycles(self, tsc_hz):
        """TSC cycles for each packet."""
        return tsc_hz * self.ran_ns / 1e9 / self.packets


def read(contestant):
    """Counters with their time: (counters, ns of the wall, ns that the worker ran, ticks stolen)."""
    began = time.monotonic_ns()
    counters = contestant.counters()
    wall = (began + time.monotonic_ns()) // 2
    ran = cpu.ran_ns(contestant.pid, contestant.thread)
    return counters, wall, ran, cpu.stolen_ticks(contestant.cpu)


def measure(contestant, seconds):
    """Measures for some seconds; raises Invalid if a packet was lost or the switch had not settled."""
    first, wall0, ran0, stolen0 = read(contestant)
    time.sleep(seconds)
    last, wall1, ran1, stolen1 = read(contestant)
    packets = last.received - first.received
    lost = {name: n - first.drops.get(name, 0) for name, n in last.drops.items()}
    lost = [f"{name}={n}" for name, n in lost.items() if n]
    if lost:
        raise Invalid(f"dropped {' '.join(lost)} of {packets} packets")
    if packets <= 0:
        raise Invalid("no packet was received")
    missing = packets - (last.sent - first.sent)
    if abs(missing) > max(ON_THE_WAY, packets // 100):
        raise Invalid(f"received {packets} packets, sent {packets - missing}")
    wall = wall1 - wall0
    # A tick is 10 ms for user space, whatever the kernel's is.
    stolen = (stolen1 - stolen0) * 10_000_000 / wall
    misses = (last.misses - first.misses) * 1e6 / packets
    return Reading(packets, ran1 - ran0, wall, stolen, misses)

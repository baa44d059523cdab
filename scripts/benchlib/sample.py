"""Counters at one time, and what two of them say."""

import time
from dataclasses import dataclass

from benchlib import cpu
from benchlib.errors import Invalid

# An answer that came in so short a time is as good as any.
PROMPT_NS = 2_000_000
MOST_READS = 8
# A generator that had less of its CPU left the switch without work.
LEAST_SENDER_SHARE = 0.9
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
    """Counters with their time: (counters, ns of the wall, ns that the worker ran, ticks stolen).

    An answer that was long in coming may be of any moment in between: it is asked for again.
    """
    best, shortest = None, None
    for _ in range(MOST_READS):
        began = time.monotonic_ns()
        counters = contestant.counters()
        ran = cpu.ran_ns(contestant.pid, contestant.thread)
        ended = time.monotonic_ns()
        if shortest is None or ended - began < shortest:
            wall = (began + ended) // 2
            best = counters, wall, ran, cpu.stolen_ticks(contestant.cpu)
            shortest = ended - began
        if shortest < PROMPT_NS:
            break
    return best


@dataclass(frozen=True)
class Sender:
    """A generator on this machine: its thread, and what it could not hand over."""

    pid: int
    thread: str
    refused: object

    def read(self):
        """Now, as (packets refused, ns that it ran)."""
        return self.refused(), cpu.ran_ns(self.pid, self.thread)


def check_sender(before, after, packets, wall_ns):
    """Raises Invalid unless the generator always had more than the switch could take."""
    refused, ran = after[0] - before[0], after[1] - before[1]
    if ran < LEAST_SENDER_SHARE * wall_ns:
        share = f"{ran / wall_ns:.0%}"
        raise Invalid(f"the generator had {share} of its CPU: the switch may have waited")
    if refused < packets // 100:
        rate = packets * 1e3 / wall_ns
        raise Invalid(f"waited for the generator, which sent {rate:.2f} Mpps: cycles say nothing")


def measure(contestant, seconds, sender=None):
    """Measures for some seconds; raises Invalid if a packet was lost, or the switch had to wait."""
    sender_first = sender and sender.read()
    first, wall0, ran0, stolen0 = read(contestant)
    time.sleep(seconds)
    last, wall1, ran1, stolen1 = read(contestant)
    packets = last.received - first.received
    if sender:
        check_sender(sender_first, sender.read(), packets, wall1 - wall0)
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

"""Turns: at a point each contestant in turn, several times, each started for it and ended."""

import contextlib
import os
import shutil
import tempfile

from benchlib import generator, sample, summary, watched
from benchlib.control import Control
from benchlib.errors import Invalid, Unable
from benchlib.overpath import Overpath
from benchlib.ovs import Ovs

CONTESTANTS = {"control": Control, "overpath": Overpath, "ovs": Ovs}
CONTESTANTS |= {f"overpath+{look}": watched.contestant(look) for look in watched.LOOKS}
# A worker that lost its core, or a packet, is measured at most so many times.
TRIES = 3


def start_generator(point, options, scratch):
    """A generator on this machine, on the other end of the contestant's socket."""
    device = f"net_virtio_user0,path={point.place.socket},queues=1"
    arguments = (point.traffic_file, point.buffers, options.generator_cpu, scratch)
    return generator.make(options.generator, device, *arguments)


def least_disturbed(contestant, options, sender):
    """The measurement in which the worker had most of its CPU, of a few if need be."""
    best, reason = None, None
    for _ in range(TRIES):
        try:
            reading = sample.measure(contestant, options.seconds, sender)
        except Invalid as error:
            reason = error
            continue
        if best is None or reading.share > best.share:
            best = reading
        if best.share >= options.least_share:
            break
    if best is None:
        raise reason
    return best


def measure(who, point, options):
    """One run of a contestant, which is started for it and ended."""
    with contextlib.ExitStack() as stack:
        scratch = tempfile.mkdtemp(prefix="overpath-bench.")
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        contestant = CONTESTANTS[who](point, options, scratch)
        stack.callback(contestant.stop)
        contestant.open()
        sender = None
        if point.place.socket:
            driver = start_generator(point, options, scratch)
            stack.callback(driver.stop)
            driver.start()
            sender = driver.sender()
        contestant.settle()
        reading = least_disturbed(contestant, options, sender)
        contestant.finish()
        return reading


def one_run(who, point, options, progress):
    """A reading of a contestant, or None if it does not count. May raise Unable."""
    where = f"{point.case}/{point.work} {point.flows} {point.arrivals} {who}"
    progress.step(where)
    try:
        return measure(who, point, options)
    except Invalid as reason:
        progress.note(f"not counted: {where}: {reason}")
    except Unable as reason:
        progress.note(f"left out: {where}: {reason}")
        raise
    return None


def point_records(point, options, tsc_hz, progress):
    """The results of all contestants at a point, and whether one is missing that could be there."""
    readings = {who: [] for who in options.who}
    for _ in range(options.repeat):
        for who in list(readings):
            try:
                readings[who].append(one_run(who, point, options, progress))
            except Unable:
                del readings[who]
                progress.skip(options.repeat - 1)
    found = []
    for who, some in readings.items():
        some = [reading for reading in some if reading]
        # Runs that had their core count; the others only where there are none.
        calm = [reading for reading in some if reading.share >= options.least_share] or some
        if calm:
            found.append(summary.record(who, point, calm, tsc_hz))
    return summary.compare(found), len(found) < len(readings)

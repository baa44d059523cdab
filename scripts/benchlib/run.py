"""The run: each point in turn, at each point each contestant in turn, several times."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time

from benchlib import cpu, generator, options as command_line, plot, sample, summary
from benchlib.bench import Bench, Place
from benchlib.control import Control
from benchlib.errors import BenchError, Invalid, Unable
from benchlib.hugepages import HugePages
from benchlib.ovs import MEMORY as OVS_MEMORY, Ovs
from benchlib.overpath import Overpath
from benchlib.progress import Progress
from benchlib.traffic import MESH_FLOWS, Traffic

CONTESTANTS = {"control": Control, "overpath": Overpath, "ovs": Ovs}
# A worker that lost its core, or a packet, is measured at most so many times.
TRIES = 3


def points(options, place):
    """What is to be measured, in order."""
    found = []
    for case in options.cases:
        if case == "mesh":
            works = command_line.WORKS
            found += [(case, Traffic(work, MESH_FLOWS, "random", mesh=True)) for work in works]
            continue
        for arrivals in options.arrivals:
            found += [(case, Traffic(case, flows, arrivals)) for flows in options.flows]
    return [Bench(case, traffic, place) for case, traffic in found]


def build(options, root):
    """Installs what is missing and builds the release binaries."""
    if not options.no_build:
        install = [os.path.join(root, "scripts", "install-deps"), "build", "bench"]
        if subprocess.run(install, check=False).returncode:
            raise BenchError("not all is installed that the bench needs; --no-build goes on without")
        command = ["cargo", "build", "--release", "-p", "control", "--features", "control/dpdk"]
        if subprocess.run(command, cwd=root, check=False).returncode:
            raise BenchError("the build failed; --no-build takes the binaries as they are")
    if "overpath" in options.who and not os.access(os.path.join(options.bin, "overpathd"), os.X_OK):
        raise BenchError(f"--bin: no overpathd in {options.bin}")


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


def write_results(path, records):
    """Writes the records as a JSON array."""
    with open(path, "w") as file:
        json.dump([summary.rounded(record) for record in records], file, indent=1)
        file.write("\n")


def measure_all(options, todo, results):
    """Measures all points, prints and writes them as they come; tells whether one is missing."""
    progress = Progress(len(todo) * len(options.who) * options.repeat)
    tsc_hz = cpu.tsc_hz()
    progress.note(f"TSC {tsc_hz / 1e9:.3f} GHz, worker on CPU {options.cpus[1]}")
    print(summary.HEAD, flush=True)
    records, failed = [], False
    for point in todo:
        point.make_files()
        some, missing = point_records(point, options, tsc_hz, progress)
        progress.finish()
        for record in some:
            print(summary.line(record), flush=True)
        records += some
        failed |= missing
        write_results(results, records)
    return failed


def memory_of(todo, options):
    """Bytes of huge pages for the largest point."""
    needed = max(point.memory for point in todo)
    if "ovs" in options.who:
        needed = max(needed, OVS_MEMORY)
    if options.generator and not options.source:
        needed += max(generator.memory(point) for point in todo)
    return needed


def drive(options, todo):
    """Is the generator for a switch on another machine, until it is interrupted."""
    if len(todo) != 1:
        raise BenchError("--drive sends one traffic: give one case and one number of --flows")
    point = todo[0]
    point.make_files()
    with tempfile.TemporaryDirectory(prefix="overpath-bench.") as scratch:
        with HugePages(generator.memory(point)), contextlib.ExitStack() as stack:
            arguments = (point.traffic_file, point.buffers, options.generator_cpu, scratch)
            sender = generator.make(options.generator, options.drive, *arguments)
            stack.callback(sender.stop)
            sender.start()
            print(f"sending {point.traffic_file} to {options.drive} until Ctrl-C", flush=True)
            while True:
                time.sleep(1)
                sender.check()


def run(words, root):
    """The whole program; gives back its exit status."""
    options = command_line.parse(words, root)
    python = plot.find_python() if options.plot else None
    if options.generator and not (options.source and not options.drive):
        generator.require(options.generator)
    with tempfile.TemporaryDirectory(prefix="overpath-bench.") as scratch:
        local = options.generator and not options.source and not options.drive
        place = Place(
            folder=options.traffic,
            main_cpu=options.cpus[0],
            worker_cpu=options.cpus[1],
            socket=os.path.join(scratch, "vhost.sock") if local else None,
            source=options.source,
            sink=options.sink,
            uplink_mac=options.uplink_mac,
        )
        todo = points(options, place)
        if options.drive:
            return drive(options, todo)
        build(options, root)
        os.sched_setaffinity(0, {options.cpus[0]})
        results = options.json or os.path.join(scratch, "results.json")
        with HugePages(memory_of(todo, options)):
            failed = measure_all(options, todo, results)
        if options.plot:
            plot.draw_elsewhere(python, results, options.plot)
    return 1 if failed else 0

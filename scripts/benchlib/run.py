"""The program: builds, takes huge pages, measures each point, writes and draws."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time

from benchlib import cpu, generator, options as command_line, plot, summary, turns
from benchlib.bench import Bench, Place
from benchlib.errors import BenchError
from benchlib.hugepages import HugePages
from benchlib.ovs import MEMORY as OVS_MEMORY
from benchlib.progress import Progress
from benchlib.traffic import MESH_FLOWS, Traffic


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
            raise BenchError("packages are missing; --no-build goes on without them")
        command = ["cargo", "build", "--release", "-p", "control", "--features", "control/dpdk"]
        if subprocess.run(command, cwd=root, check=False).returncode:
            raise BenchError("the build failed; --no-build takes the binaries as they are")
    if any(who.startswith("overpath") for who in options.who) and not os.access(os.path.join(options.bin, "overpathd"), os.X_OK):
        raise BenchError(f"--bin: no overpathd in {options.bin}")
    for who, program in (("control", "dpdk-testpmd"), ("ovs", "ovs-vsctl")):
        if who in options.who and not shutil.which(program):
            raise BenchError(f"--who {who}: {program} is missing: scripts/install-deps bench")


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
        some, missing = turns.point_records(point, options, tsc_hz, progress)
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

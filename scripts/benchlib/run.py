"""The run: each point in turn, at each point each contestant in turn, several times."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile

from benchlib import cpu, options as command_line, plot, sample, summary
from benchlib.bench import Bench
from benchlib.control import Control
from benchlib.errors import BenchError, Invalid
from benchlib.hugepages import HugePages
from benchlib.ovs import MEMORY as OVS_MEMORY, Ovs
from benchlib.overpath import Overpath
from benchlib.progress import Progress
from benchlib.traffic import MESH_FLOWS, Traffic

CONTESTANTS = {"control": Control, "overpath": Overpath, "ovs": Ovs}
# A worker that lost its core is measured again at most so many times.
TRIES = 3


def points(options):
    """What is to be measured, in order."""
    found = []
    for case in options.cases:
        if case == "mesh":
            works = command_line.WORKS
            found += [(case, Traffic(work, MESH_FLOWS, "random", mesh=True)) for work in works]
            continue
        for arrivals in options.arrivals:
            found += [(case, Traffic(case, flows, arrivals)) for flows in options.flows]
    main_cpu, worker_cpu = options.cpus
    return [Bench(case, traffic, options.traffic, main_cpu, worker_cpu) for case, traffic in found]


def build(options, root):
    """Builds the release binaries."""
    if not options.no_build:
        command = ["cargo", "build", "--release", "-p", "control", "--features", "control/dpdk"]
        if subprocess.run(command, cwd=root, check=False).returncode:
            raise BenchError("the build failed; --no-build takes the binaries as they are")
    if "overpath" in options.who and not os.access(os.path.join(options.bin, "overpathd"), os.X_OK):
        raise BenchError(f"--bin: no overpathd in {options.bin}")


def measure(who, point, options):
    """One run of a contestant: the least disturbed of some measurements."""
    with contextlib.ExitStack() as stack:
        scratch = tempfile.mkdtemp(prefix="overpath-bench.")
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        contestant = CONTESTANTS[who](point, options, scratch)
        stack.callback(contestant.stop)
        contestant.start()
        best = None
        for _ in range(TRIES):
            reading = sample.measure(contestant, options.seconds)
            if best is None or reading.share > best.share:
                best = reading
            if best.share >= options.least_share:
                break
        return best


def point_records(point, options, tsc_hz, progress):
    """The results of all contestants at a point."""
    readings = {who: [] for who in options.who}
    for turn in range(options.repeat):
        for who in options.who:
            where = f"{point.case}/{point.work} {point.flows} {point.arrivals} {who}"
            progress.step(f"{where}, run {turn + 1} of {options.repeat}")
            try:
                readings[who].append(measure(who, point, options))
            except Invalid as reason:
                progress.note(f"not counted: {where}: {reason}")
    found = []
    for who, some in readings.items():
        # Runs that had their core count; the others only where there are none.
        calm = [reading for reading in some if reading.share >= options.least_share] or some
        if calm:
            found.append(summary.record(who, point, calm, tsc_hz))
    return summary.compare(found)


def write_results(path, records):
    """Writes the records as a JSON array."""
    with open(path, "w") as file:
        json.dump([summary.rounded(record) for record in records], file, indent=1)
        file.write("\n")


def measure_all(options, todo, results):
    """Measures all points, prints them and writes them as they come."""
    progress = Progress(len(todo) * len(options.who) * options.repeat)
    tsc_hz = cpu.tsc_hz()
    progress.note(f"TSC {tsc_hz / 1e9:.3f} GHz, worker on CPU {options.cpus[1]}")
    print(summary.HEAD, flush=True)
    records = []
    for point in todo:
        point.make_files()
        some = point_records(point, options, tsc_hz, progress)
        progress.finish()
        for record in some:
            print(summary.line(record), flush=True)
        records += some
        write_results(results, records)
    return records


def run(words, root):
    """The whole program; gives back its exit status."""
    options = command_line.parse(words, root)
    python = plot.find_python() if options.plot else None
    build(options, root)
    os.sched_setaffinity(0, {options.cpus[0]})
    todo = points(options)
    memory = max(point.memory for point in todo)
    if "ovs" in options.who:
        memory = max(memory, OVS_MEMORY)
    with tempfile.TemporaryDirectory(prefix="overpath-bench.") as scratch:
        results = options.json or os.path.join(scratch, "results.json")
        with HugePages(memory):
            records = measure_all(options, todo, results)
        if options.plot:
            plot.draw_elsewhere(python, results, options.plot)
    return 0 if records else 1

"""Instructions for each packet, counted by callgrind on bursts within one process."""

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile

from benchlib.errors import BenchError

CASES = ["bridge", "decap", "encap", "decap-turns", "encap-turns", "decap-tagged", "decap-summed",
         "encap-summed", "encap-left"]
LOOKS = ["filter", "drops"]
NICS = ["t1", "t2", "t3"]
# Without outer headers there is nothing to be counted of these.
STRIPPED = ["decap", "decap-turns", "decap-tagged", "decap-summed"]
BURST = 64
# Two lengths of a run: what comes before and after its rounds is the same, and so in no difference.
ROUNDS = (250, 750)

DESCRIPTION = """\
Count the instructions of a worker for each packet, by callgrind, on bursts of 64 packets that one
process makes and swallows: the same on every machine of a kind, so comparable between commits.

  bridge  frames of 64 bytes from port to port
  decap   VXLAN frames of 114 bytes in, inner frames of 64 bytes out
  encap   the reverse
  decap-turns, encap-turns
          from and to two remotes in turns: packets that follow each other have little in common
  decap-tagged
          by a link that is a VLAN, whose packets no memo knows
  decap-summed
          with a checksum in the outer UDP header
  encap-summed, encap-left
          frames of 1442 bytes, whose outer UDP checksum is made, or left to the NIC
"""

EPILOG = """\
With --look somebody looks at the port that the packets come in by: `filter` for an address that none
of them has, `drops` for those that are dropped, of which there are none.

With --nic the packets come from a NIC that knows the tunnel's UDP port and verifies the outer checksum
(`t1`), that also has a rule for the tunnel and marks its packets (`t2`), or that takes their outer
headers off (`t3`, of `decap` and its like alone; so it does for `control`).

`control` is what the packets themselves cost: moved from the same source to the same sink without
a worker. `worker` is with one, and `above` the difference. What a processor does with instructions
is another matter: see scripts/bench.
"""


def parse(words):
    """The options; ends the program with a message if they are wrong."""
    p = argparse.ArgumentParser(
        prog="scripts/instructions",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("cases", nargs="*", metavar="case",
                   help=f"of {', '.join(CASES)}; all of them if none")
    p.add_argument("--look", choices=LOOKS, help="what somebody looks for; nobody looks if not given")
    p.add_argument("--nic", choices=NICS, help="what the NIC does of the tunnel; nothing if not given")
    p.add_argument("--json", metavar="FILE", help="write the counts as an array of records")
    p.add_argument("--against", metavar="FILE", help="print the change since an earlier --json")
    p.add_argument("--no-build", action="store_true", help="take the release build as it is")
    options = p.parse_args(words)
    if options.look and options.nic:
        p.error("argument --nic: not allowed with argument --look")
    for case in options.cases:
        if case not in CASES:
            p.error(f"argument case: '{case}' is not one of {', '.join(CASES)}")
    known = STRIPPED if options.nic == "t3" else CASES
    for case in options.cases:
        if case not in known:
            p.error(f"argument case: '{case}' has no outer headers to be taken off")
    options.cases = [case for case in known if case in options.cases] or known
    folder = os.path.dirname(os.path.abspath(options.json or "."))
    if options.json and not os.access(folder, os.W_OK):
        p.error(f"argument --json: '{options.json}' cannot be written")
    return options


def build(root):
    """Builds what is counted."""
    command = ["cargo", "build", "--release", "-p", "fastpath", "--example", "bursts"]
    if subprocess.run(command, cwd=root).returncode:
        raise BenchError("the build failed")


def total(text):
    """The instructions of a whole run, from the file that callgrind wrote."""
    found = re.search(r"^totals: (\d+)", text, re.MULTILINE)
    if not found:
        raise BenchError("callgrind wrote no total")
    return int(found[1])


def count(binary, who, case, rounds):
    """The instructions of one run."""
    with tempfile.TemporaryDirectory(prefix="overpath-instructions-") as folder:
        out = os.path.join(folder, "callgrind.out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
                   binary, who, case, str(rounds)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            tail = "\n".join(done.stderr.splitlines()[-15:])
            raise BenchError(f"{' '.join(command)} ended with status {done.returncode}:\n{tail}")
        with open(out) as file:
            return total(file.read())


def per_packet(count_rounds):
    """Instructions for each packet, given a function from rounds to instructions."""
    short, long = ROUNDS
    return (count_rounds(long) - count_rounds(short)) / ((long - short) * BURST)


def record(case, worker, control):
    """What is written of a case."""
    figures = {"worker": worker, "control": control, "above_control": worker - control}
    return {"case": case} | {name: round(value, 2) for name, value in figures.items()}


def earlier(path):
    """The figures of an earlier run above its control, by case."""
    try:
        with open(path) as file:
            return {one["case"]: float(one["above_control"]) for one in json.load(file)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{path}: is no result of --json: {error}") from error


def head(against):
    """The line above the table."""
    change = f" {'before':>8} {'change':>16}" if against is not None else ""
    return f"{'case':12} {'worker':>8} {'control':>8} {'above':>8}{change}"


def line(found, against):
    """The line of a record; against are the earlier figures, or None if there are none at all."""
    text = (f"{found['case']:12} {found['worker']:8.1f} {found['control']:8.1f}"
            f" {found['above_control']:8.1f}")
    if against is None:
        return text
    before = against.get(found["case"])
    if before is None:
        return f"{text} {'-':>8} {'-':>16}"
    change = found["above_control"] - before
    share = f" ({100 * change / before:+.1f}%)" if before else ""
    return f"{text} {before:8.1f} {f'{change:+.1f}{share}':>16}"


def run(words, root):
    """Counts all that is wanted, and prints and writes it."""
    options = parse(words)
    against = earlier(options.against) if options.against else None
    if not shutil.which("valgrind"):
        raise BenchError("valgrind is missing; scripts/install-deps test installs it")
    if not options.no_build:
        build(root)
    target = os.path.join(root, os.environ.get("CARGO_TARGET_DIR", "target"))
    binary = os.path.join(target, "release", "examples", "bursts")
    if not os.path.exists(binary):
        raise BenchError(f"{binary} is missing; leave --no-build out")
    print(head(against), flush=True)
    records = []
    for case in options.cases:
        worker, control = (
            per_packet(lambda rounds: count(binary, who, case, rounds))
            for who in (options.look or options.nic or "worker",
                        "control-t3" if options.nic == "t3" else "control")
        )
        records.append(record(case, worker, control))
        print(line(records[-1], against), flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(records, file, indent=1)
            file.write("\n")
    return 0

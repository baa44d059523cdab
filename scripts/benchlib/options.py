"""The command line."""

import argparse
import os
import re

from benchlib.watched import LOOKS

CASES = ["decap", "encap", "bridge", "mesh"]
WORKS = ["decap", "encap", "bridge"]
CONTESTANTS = ["control", "overpath", "ovs"]
ALL_CONTESTANTS = CONTESTANTS + [f"overpath+{look}" for look in LOOKS]
ARRIVALS = ["cycle", "random"]
MOST_FLOWS = 1_000_000
# The remotes are known for half a minute: see hello.py.
MOST_SECONDS = 10
# Flows, runs and seconds where they are not given.
FULL = ([1, 10_000, 100_000, 1_000_000], 5, 4.0)
QUICK = ([1, 10_000], 1, 2.0)

DESCRIPTION = """\
Measure overpath beside dpdk-testpmd (the control: it moves packets between the same ports and
looks at none) and Open vSwitch, in turn, on one worker, and print medians, spread and ratios.

  decap   VXLAN frames of 114 bytes in, inner frames of 64 bytes out
  encap   the reverse
  bridge  frames of 64 bytes from port to port
  mesh    1,000 MACs on each side, all to all, drawn at random: decap, encap and bridge
"""

EPILOG = """\
Cycles are TSC cycles of the time that the worker really ran, for each packet. A run in which a
packet was dropped does not count, and is named. `above` is cycles above the control's; /control and
/ovs are packet rates as a multiple of theirs.
"""


def list_of(allowed):
    """A parser of comma lists of known words."""

    def parse(text):
        words = [word for word in text.split(",") if word]
        for word in words:
            if word not in allowed:
                raise argparse.ArgumentTypeError(f"'{word}' is not one of {', '.join(allowed)}")
        if not words:
            raise argparse.ArgumentTypeError(f"give some of {', '.join(allowed)}")
        return [word for word in allowed if word in words]

    return parse


def number(least, most, kind=int):
    """A parser of numbers within limits."""

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is no number from {least} to {most}")
        return value

    return parse


def flows(text):
    """Parses a comma list of numbers of flows."""
    parse = number(1, MOST_FLOWS)
    return sorted({parse(word) for word in text.split(",")})


def cpus(text):
    """Parses the CPU of everything else and that of the worker."""
    words = text.split(",")
    if len(words) != 2 or words[0] == words[1] or not all(word.isdecimal() for word in words):
        raise argparse.ArgumentTypeError(f"'{text}' is not two CPUs, as in 0,1")
    chosen = tuple(int(word) for word in words)
    if not set(chosen) <= os.sched_getaffinity(0):
        raise argparse.ArgumentTypeError(f"'{text}': this process may not run there")
    return chosen


def mac(text):
    """Parses an Ethernet address."""
    octets = text.split(":")
    if len(octets) != 6 or not all(re.fullmatch("[0-9a-fA-F]{2}", octet) for octet in octets):
        raise argparse.ArgumentTypeError(f"'{text}' is no MAC, as in 02:00:00:00:00:01")
    return bytes.fromhex("".join(octets))


def parser(root):
    """The parser of the command line; root is the folder of the checkout."""
    target = os.path.join(root, os.environ.get("CARGO_TARGET_DIR", "target"), "release")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    p = argparse.ArgumentParser(
        prog="scripts/bench",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = p.add_argument
    add("cases", nargs="*", metavar="case", help=f"of {', '.join(CASES)}; all of them if none")
    add("--flows", type=flows, metavar="LIST",
        help="distinct MAC pairs, as in 1,10000 (1,10000,100000,1000000)")
    add("--arrivals", type=list_of(ARRIVALS), default=["cycle"], metavar="LIST",
        help="cycle: one random order, played over and over (default); random: drawn at random")
    add("--who", type=list_of(ALL_CONTESTANTS), default=CONTESTANTS, metavar="LIST",
        help="of control, overpath, ovs (all of them), and overpath while somebody looks: "
        + ", ".join(ALL_CONTESTANTS[len(CONTESTANTS):]))
    add("--repeat", type=number(1, 99), metavar="N", help="runs of each (5)")
    add("--seconds", type=number(0.1, MOST_SECONDS, float), metavar="S",
        help="length of a measurement, at most 10 (4)")
    add("--least-share", type=number(0, 1, float), default=0.9, metavar="X",
        help="measure again if the worker had less of its CPU (0.9)")
    add("--cpus", type=cpus, metavar="A,B",
        help="CPU of all else, and of the worker (the first two)")
    add("--bin", metavar="DIR", default=target, help="where overpathd is (target/release)")
    add("--traffic", metavar="DIR", default=os.path.join(cache, "overpath", "bench"),
        help="where traffic files are kept (~/.cache/overpath/bench)")
    add("--no-build", action="store_true", help="take the release build as it is")
    add("--quick", action="store_true",
        help="show that all of it works: 1 and 10000 flows, one run of 2 s; not for figures")
    add("--json", metavar="FILE", help="write the results as an array of records")
    add("--plot", metavar="DIR", help="draw cycles against flows, as SVG and PNG")
    add("--generator", choices=["testpmd", "pktgen"],
        help="send from a process of its own, over virtio-user or to --source")
    add("--generator-cpu", type=number(0, 1023), metavar="N",
        help="its CPU (the third, or that of all else)")
    add("--source", metavar="DEVICE", help="take traffic from this device, such as a NIC")
    add("--sink", metavar="DEVICE", help="send to this device")
    add("--uplink-mac", type=mac, metavar="MAC", help="the MAC of --source, for decap")
    add("--drive", metavar="DEVICE",
        help="be the generator for a switch on another machine: send there until Ctrl-C")
    return p


def check(p, options):
    """Refuses options that do not go together, and places that nothing can be written to."""
    for name, path in (("--json", options.json), ("--plot", options.plot)):
        folder = os.path.dirname(os.path.abspath(path or "."))
        if path and not os.access(folder, os.W_OK):
            p.error(f"argument {name}: '{path}' cannot be written")
    if options.source and not options.generator:
        p.error("argument --source: say by --generator what sends there")
    if options.drive and not options.generator:
        p.error("argument --drive: say by --generator what is to send")
    if options.source and options.drive:
        p.error("argument --drive: the switch with its --source is another machine")
    elsewhere = options.source or options.drive
    if elsewhere and not options.uplink_mac and {"decap", "mesh"} & set(options.cases):
        p.error("argument --uplink-mac: decap needs the MAC of the switch's uplink")


def parse(words, root):
    """The options; ends the program with a message if they are wrong."""
    p = parser(root)
    options = p.parse_args(words)
    for case in options.cases:
        if case not in CASES:
            p.error(f"argument case: '{case}' is not one of {', '.join(CASES)}")
    options.cases = [case for case in CASES if case in options.cases] or CASES
    if options.cpus is None:
        own = sorted(os.sched_getaffinity(0))
        if len(own) < 2:
            p.error("argument --cpus: two CPUs are needed, this process has one")
        options.cpus = tuple(own[:2])
    if options.generator_cpu is None:
        free = sorted(os.sched_getaffinity(0) - set(options.cpus))
        options.generator_cpu = (free or options.cpus)[0]
    check(p, options)
    defaults = QUICK if options.quick else FULL
    for name, value in zip(("flows", "repeat", "seconds"), defaults):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options

"""overpath while somebody looks: what that costs the packets that are looked at, and the others."""

import os
import signal

from benchlib.errors import Invalid
from benchlib.overpath import PORTS, Overpath
from benchlib.process import Process, wait_for

# An address that no packet of the bench has.
NOBODY = "host 203.0.113.99"


def words(look, port):
    """What is said to the command line, for traffic that comes in by `port`."""
    return {
        # All counters each second.
        "stats": ["stats", "-w", "1", "--json"],
        # A filter on every packet that comes in and leaves, and no packet that matches.
        "filter": ["capture", "port", port, *NOBODY.split(), "-w", "/dev/null"],
        # Every packet that comes in: more than anybody can take, so that most copies are lost.
        "capture": ["capture", "port", port, "-w", "/dev/null"],
        # Every packet is held until it is known that it is not dropped.
        "drops": ["capture", "drops", "-w", "/dev/null"],
        # Each packet that comes in is to be explained: far more than can be, so that most are lost.
        "explain": ["explain", port, "--next", "1000000000"],
    }[look]


LOOKS = ["stats", "filter", "capture", "drops", "explain"]


class Watched(Overpath):
    """A daemon, and somebody who looks from the time when it is measured."""

    look = ""

    def __init__(self, point, options, scratch):
        super().__init__(point, options, scratch)
        self.program = os.path.join(options.bin, "overpath")
        self.log = os.path.join(scratch, "look.log")
        self.looker = None

    def settle(self):
        """Lets it settle, and begins to look."""
        super().settle()
        command = [self.program, "--socket", self.path]
        command += words(self.look, PORTS[self.point.source_port])
        cpus = {self.point.main_cpu}
        self.looker = Process(f"overpath {self.look}", command, cpus, self.log)
        wait_for("somebody to look", self.looks, 10)

    def looks(self):
        """Whether there is a client beside us, if it is one that stays."""
        self.looker.check()
        if self.look == "stats":
            return True
        with open("/proc/net/unix") as table:
            return sum(self.path in line for line in table) > 2

    def finish(self):
        """Looks no more; the rest is that of any daemon."""
        if self.looker.child.poll() is not None:
            raise Invalid(f"looked no more: {self.looker.output()[-500:]}")
        self.end_look()
        super().finish()

    def end_look(self):
        """Ends who looks, as a user does."""
        if self.looker and self.looker.child.poll() is None:
            self.looker.child.send_signal(signal.SIGINT)
            self.looker.stop()

    def stop(self):
        """Ends both."""
        self.end_look()
        super().stop()


def contestant(look):
    """The class of a daemon that is looked at in this way."""
    return type(f"Watched{look.title()}", (Watched,), {"look": look})

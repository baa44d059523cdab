"""dpdk-testpmd at its prompt, moving packets between pairs of ports and looking at none."""

import re
import subprocess

from benchlib.errors import BenchError
from benchlib.process import Process, wait_for

PROGRAM = "dpdk-testpmd"
PROMPT = "testpmd> "


class Testpmd:
    """A running testpmd; it forwards once it is told to start."""

    def __init__(self, eal, arguments, cpus, log):
        words = ["stdbuf", "-oL", PROGRAM, *eal, "--", "-i", "--forward-mode=io"]
        # Traffic may be there before the start; flushing an endless port takes seconds.
        words += ["--no-flush-rx", "--rxd=1024", "--txd=1024", *arguments]
        self.process = Process(PROGRAM, words, cpus, log, stdin=subprocess.PIPE)
        self.pid = self.process.pid

    def wait(self):
        """Waits for the prompt."""
        self.process.wait_output(PROMPT, 120)

    def begin(self):
        """Starts to forward."""
        self.ask("start", r"packets/burst=\d+")

    def ask(self, command, pattern):
        """Gives a command, and gives back the match of a pattern in the answer."""
        before = len(self.process.output())
        self.process.child.stdin.write(command.encode() + b"\n")
        self.process.child.stdin.flush()

        def answer():
            self.process.check()
            return re.search(pattern, self.process.output()[before:], re.S)

        try:
            return wait_for(f"testpmd's answer to {command!r}", answer, pause=0.001)
        except BenchError as error:
            said = self.process.output()[before:].splitlines()[-15:]
            raise BenchError("\n".join([f"{error}, which said:", *said])) from error

    def stop(self):
        """Ends it."""
        self.process.stop()

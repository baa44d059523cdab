"""Processes of the bench: on their CPUs, in a session of their own, ended by their id."""

import os
import signal
import subprocess
import time

from benchlib.errors import BenchError

# The kernel shares a CPU between sessions first; this one comes before the others.
AUTOGROUP_NICE = -10


def wait_for(what, test, seconds=60.0, pause=0.05):
    """Waits until a test gives something that is true, and gives it back."""
    end = time.monotonic() + seconds
    while True:
        result = test()
        if result:
            return result
        if time.monotonic() > end:
            raise BenchError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(pause)


class Process:
    """A child, its log in a file."""

    def __init__(self, name, command, cpus, log, **options):
        self.name, self.log = name, log
        with open(log, "wb") as output:
            self.child = subprocess.Popen(
                [str(word) for word in command],
                stdin=options.pop("stdin", subprocess.DEVNULL),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cpus),
                **options,
            )
        try:
            with open(f"/proc/{self.child.pid}/autogroup", "w") as file:
                file.write(f"{AUTOGROUP_NICE}\n")
        except OSError:
            pass  # This kernel shares the CPU by threads: what is lost is corrected for.

    @property
    def pid(self):
        """Its process id."""
        return self.child.pid

    def output(self):
        """What it has printed."""
        with open(self.log, errors="replace") as file:
            return file.read()

    def check(self):
        """Fails if it has ended, with the end of its log."""
        if self.child.poll() is not None:
            tail = "\n".join(self.output().splitlines()[-15:])
            status = self.child.returncode
            raise BenchError(f"{self.name} ended with status {status}:\n{tail}")
        return True

    def wait_output(self, text, seconds=60.0):
        """Waits until it has printed a text."""
        said = lambda: self.check() and text in self.output()
        wait_for(f"{self.name} to say {text!r}", said, seconds)

    def stop(self, seconds=60.0):
        """Ends it: asks, and insists after some time, or at once if we are interrupted."""
        if self.child.poll() is not None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if self.child.poll() is None:
                self.child.kill()
                self.child.wait()

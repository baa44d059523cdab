"""What the bench takes from the host, and gives back."""

import io
import os
import tempfile
import time
import unittest
from unittest import mock

from benchlib import cpu, hugepages
from benchlib.errors import BenchError
from benchlib.hugepages import PAGE_BYTES, HugePages
from benchlib.process import Process, wait_for
from benchlib.progress import Progress


class Kernel:
    """Huge pages of a host that has memory for so many, of which some are in use."""

    def __init__(self, total, used, most):
        self.total, self.used, self.most = total, used, most
        self.denied = False

    def read(self, name):
        """As hugepages._read."""
        return self.total if name == "nr_hugepages" else self.total - self.used

    def write(self, pages):
        """As hugepages._write."""
        if self.denied:
            raise PermissionError(13, "Permission denied")
        self.total = min(pages, self.most)


class Pages(unittest.TestCase):
    def host(self, *numbers):
        """A kernel in the place of this one."""
        kernel = Kernel(*numbers)
        for name in ("read", "write"):
            patch = mock.patch.object(hugepages, f"_{name}", getattr(kernel, name))
            patch.start()
            self.addCleanup(patch.stop)
        compact = mock.patch("builtins.open", side_effect=OSError)
        compact.start()
        self.addCleanup(compact.stop)
        return kernel

    def test_missing_pages_are_added_and_given_back(self):
        kernel = self.host(10, 8, 1000)
        with HugePages(5 * PAGE_BYTES - 1):
            self.assertEqual(kernel.total, 13)
        self.assertEqual(kernel.total, 10)

    def test_an_error_gives_them_back_too(self):
        kernel = self.host(0, 0, 1000)
        with self.assertRaises(KeyboardInterrupt), HugePages(PAGE_BYTES):
            raise KeyboardInterrupt
        self.assertEqual(kernel.total, 0)

    def test_pages_that_are_there_are_left_alone(self):
        kernel = self.host(10, 2, 1000)
        kernel.denied = True
        with HugePages(8 * PAGE_BYTES):
            self.assertEqual(kernel.total, 10)

    def test_too_little_memory_is_said_and_nothing_is_kept(self):
        kernel = self.host(4, 0, 6)
        with self.assertRaisesRegex(BenchError, "got 6 of 9 huge pages"):
            with HugePages(9 * PAGE_BYTES):
                self.fail("not enough")
        self.assertEqual(kernel.total, 4)

    def test_missing_rights_come_with_a_command(self):
        self.host(0, 0, 100).denied = True
        with self.assertRaisesRegex(BenchError, "run as root, or\n  echo 3 > /sys/"):
            with HugePages(3 * PAGE_BYTES):
                self.fail("no rights")


class Processes(unittest.TestCase):
    def started(self, *command):
        """A process with its log in a folder that goes away."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        process = Process("it", command, os.sched_getaffinity(0), os.path.join(folder.name, "log"))
        self.addCleanup(process.stop)
        return process

    def test_a_process_that_ends_early_shows_its_log(self):
        process = self.started("sh", "-c", "echo no luck; exit 3")
        with self.assertRaisesRegex(BenchError, "it ended with status 3:\nno luck"):
            process.wait_output("never")

    def test_a_process_is_ended_by_its_id_even_if_it_will_not(self):
        process = self.started("sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done")
        process.wait_output("up")
        process.stop(seconds=0.1)
        self.assertEqual(process.child.returncode, -9)

    def test_waiting_in_vain_says_for_what(self):
        with self.assertRaisesRegex(BenchError, "in vain for a miracle"):
            wait_for("a miracle", lambda: None, seconds=0.01, pause=0.001)


class Telling(unittest.TestCase):
    def test_without_a_terminal_each_step_is_a_plain_line(self):
        stream = io.StringIO()
        progress = Progress(3, stream)
        progress.step("one")
        progress.note("lost")
        progress.skip(1)
        progress.step("two")
        progress.finish()
        first, note, second = stream.getvalue().splitlines()
        self.assertEqual((first, note), ("[1/3] one", "lost"))
        self.assertRegex(second, r"^\[2/2, about \d+ s left\] two$")

    def test_on_a_terminal_one_line_changes(self):
        stream = io.StringIO()
        stream.isatty = lambda: True
        progress = Progress(2, stream)
        progress.step("one")
        progress.finish()
        self.assertNotIn("\n", stream.getvalue())
        self.assertTrue(stream.getvalue().endswith("\r\x1b[K"))


class Clock(unittest.TestCase):
    def test_the_rate_of_the_tsc_is_measured(self):
        read = cpu.tsc_reader()
        cycles, began = read(), time.monotonic()
        time.sleep(0.2)
        cycles, seconds = read() - cycles, time.monotonic() - began
        self.assertAlmostEqual(cpu.tsc_hz(0.05) / (cycles / seconds), 1, delta=0.1)


if __name__ == "__main__":
    unittest.main()

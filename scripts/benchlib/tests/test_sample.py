"""What two samples say, and when they do not count."""

import os
import threading
import unittest
from unittest import mock

from benchlib import sample
from benchlib.errors import Invalid
from benchlib.sample import Counters, Reading


class Contestant:
    """Gives these counters, one after the other."""

    def __init__(self, *counters):
        self.pid, self.thread, self.cpu = os.getpid(), threading.get_native_id(), 0
        self.left = list(counters)

    def counters(self):
        """The next ones."""
        return self.left.pop(0)


def measured(*counters):
    """The reading of some counters, however long the machine takes for them."""
    with mock.patch.object(sample, "PROMPT_NS", 10**12):
        return sample.measure(Contestant(*counters), 0.01)


class Measured(unittest.TestCase):
    def test_only_what_happened_in_between_counts(self):
        first = Counters(1_000_000, 900_000, {"resolve_budget": 5}, misses=7)
        last = Counters(3_000_000, 2_900_000, {"resolve_budget": 5}, misses=27)
        reading = measured(first, last)
        self.assertEqual(reading.packets, 2_000_000)
        self.assertEqual(reading.misses, 10)
        self.assertGreaterEqual(reading.wall_ns, 10_000_000)

    def test_a_drop_is_named(self):
        first = Counters(0, 0, {"tx_full": 1, "no_buffer": 0})
        last = Counters(1000, 997, {"tx_full": 1, "no_buffer": 2, "port_down": 1})
        with self.assertRaisesRegex(Invalid, "^dropped no_buffer=2 port_down=1 of 1000 packets$"):
            measured(first, last)

    def test_packets_that_do_not_come_out_do_not_count(self):
        with self.assertRaisesRegex(Invalid, "received 1000000 packets, sent 900000"):
            measured(Counters(0, 0, {}), Counters(1_000_000, 900_000, {}))
        measured(Counters(0, 0, {}), Counters(1_000_000, 995_000, {}))

    def test_silence_does_not_count(self):
        with self.assertRaisesRegex(Invalid, "no packet"):
            measured(Counters(5, 5, {}), Counters(5, 5, {}))

    def test_a_slow_answer_is_asked_for_again(self):
        same = Counters(1, 1, {})
        contestant = Contestant(*[same] * 20)
        with mock.patch.object(sample, "PROMPT_NS", 0):
            sample.read(contestant)
        self.assertEqual(len(contestant.left), 20 - sample.MOST_READS)


class Sender(unittest.TestCase):
    def test_a_generator_that_lost_its_cpu_proves_nothing(self):
        with self.assertRaisesRegex(Invalid, "80% of its CPU"):
            sample.check_sender((0, 0), (10**6, 800), 10**6, 1000)

    def test_a_switch_that_waits_is_not_measured(self):
        with self.assertRaisesRegex(Invalid, "waited for the generator, which sent 1.00 Mpps"):
            sample.check_sender((50, 0), (60, 10**9), 10**6, 10**9)
        sample.check_sender((50, 0), (10_050, 10**9), 10**6, 10**9)


class Arithmetic(unittest.TestCase):
    def test_cycles_are_of_the_time_that_the_worker_ran(self):
        reading = Reading(packets=1000, ran_ns=50_000, wall_ns=100_000, stolen=0.1, misses=0)
        self.assertEqual(reading.cycles(2e9), 100)
        self.assertEqual(reading.mpps, 20)
        self.assertAlmostEqual(reading.share, 0.4)


if __name__ == "__main__":
    unittest.main()

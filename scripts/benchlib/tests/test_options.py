"""The command line: what is chosen, and what is refused."""

import contextlib
import io
import unittest
from unittest import mock

from benchlib import options

TWO = mock.patch("os.sched_getaffinity", lambda _: {0, 1})


def parse(line):
    """The options of a line, on a machine with two CPUs."""
    with TWO:
        return options.parse(line.split(), "/nowhere")


class Chosen(unittest.TestCase):
    def test_all_cases_and_contestants_are_run_by_default(self):
        found = parse("")
        self.assertEqual(found.cases, ["decap", "encap", "bridge", "mesh"])
        self.assertEqual(found.who, ["control", "overpath", "ovs"])
        self.assertEqual(found.flows, [1, 10_000, 100_000, 1_000_000])
        self.assertEqual(found.cpus, (0, 1))

    def test_lists_are_put_in_order(self):
        found = parse("mesh decap --who overpath,control --flows 1000,1 --arrivals random,cycle")
        self.assertEqual(found.cases, ["decap", "mesh"])
        self.assertEqual(found.who, ["control", "overpath"])
        self.assertEqual(found.flows, [1, 1000])
        self.assertEqual(found.arrivals, ["cycle", "random"])

    def test_a_quick_run_is_short_unless_it_is_told_otherwise(self):
        found = parse("--quick")
        self.assertEqual((found.flows, found.repeat, found.seconds), ([1, 10_000], 1, 2.0))
        found = parse("--quick --flows 7 --seconds 1")
        self.assertEqual((found.flows, found.repeat, found.seconds), ([7], 1, 1.0))
        found = parse("--repeat 3")
        self.assertEqual((len(found.flows), found.repeat, found.seconds), (4, 3, 4.0))

    def test_the_generator_takes_a_third_cpu_if_there_is_one(self):
        self.assertEqual(parse("--cpus 1,0 --generator testpmd").generator_cpu, 1)
        with mock.patch("os.sched_getaffinity", lambda _: {2, 4, 6}):
            self.assertEqual(options.parse([], "/nowhere").generator_cpu, 6)

    def test_a_mac_is_read(self):
        line = "--generator testpmd --source 01:00.0 --uplink-mac 02:00:00:00:0a:01"
        self.assertEqual(parse(line).uplink_mac, bytes.fromhex("020000000a01"))


class Refused(unittest.TestCase):
    def refused(self, line, *words):
        """The line ends the program, with an error that has these words."""
        error = io.StringIO()
        with contextlib.redirect_stderr(error), self.assertRaises(SystemExit) as end:
            parse(line)
        self.assertEqual(end.exception.code, 2)
        for word in words:
            self.assertIn(word, error.getvalue())

    def test_an_error_names_the_option_and_the_value(self):
        self.refused("dekap", "case", "'dekap'", "decap, encap, bridge, mesh")
        self.refused("--flows 0", "--flows", "'0'", "1 to 1000000")
        self.refused("--flows 1,x", "--flows", "'x'")
        self.refused("--flows 1000001", "--flows")
        self.refused("--who control,vpp", "--who", "'vpp'")
        self.refused("--who overpath+vpp", "--who", "overpath+capture")
        self.refused("--who ,", "--who")
        self.refused("--arrivals burst", "--arrivals", "'burst'")
        self.refused("--repeat 0", "--repeat", "'0'")
        self.refused("--seconds soon", "--seconds", "'soon'")
        self.refused("--seconds 11", "--seconds", "0.1 to 10")
        self.refused("--cpus 0", "--cpus", "'0'")
        self.refused("--cpus 1,1", "--cpus")
        self.refused("--cpus 0,7", "--cpus", "'0,7'")
        self.refused("--generator moongen", "--generator", "'moongen'")
        self.refused("--uplink-mac 02:00", "--uplink-mac", "'02:00'")

    def test_results_are_not_lost_for_want_of_a_folder(self):
        self.refused("--json /nowhere/at/all.json", "--json", "'/nowhere/at/all.json'")
        self.refused("--plot /nowhere/at/all", "--plot")

    def test_options_that_need_each_other_come_together(self):
        self.refused("bridge --source 01:00.0", "--source", "--generator")
        self.refused("bridge --drive 01:00.0", "--drive", "--generator")
        self.refused("bridge --drive 01:00.0 --source 02:00.0 --generator testpmd", "--drive")
        self.refused("decap --source 01:00.0 --generator testpmd", "--uplink-mac")

    def test_one_cpu_is_too_few(self):
        with mock.patch("os.sched_getaffinity", lambda _: {3}):
            with contextlib.redirect_stderr(io.StringIO()) as error:
                with self.assertRaises(SystemExit):
                    options.parse([], "/nowhere")
        self.assertIn("--cpus", error.getvalue())


if __name__ == "__main__":
    unittest.main()

"""Instructions for each packet: the difference of two runs, and the change since an earlier one."""

import contextlib
import io
import json
import os
import tempfile
import unittest

from benchlib import instructions
from benchlib.errors import BenchError


class Counts(unittest.TestCase):
    def test_what_is_done_once_is_not_counted(self):
        found = instructions.per_packet(lambda rounds: 1_000_000 + instructions.BURST * 70 * rounds)
        self.assertEqual(found, 70)

    def test_the_total_is_read_from_the_file_of_callgrind(self):
        self.assertEqual(instructions.total("events: Ir\nfn=1\n7 8\ntotals: 1234\n"), 1234)
        with self.assertRaises(BenchError):
            instructions.total("events: Ir\n")

    def test_a_run_that_fails_is_told_with_what_it_said(self):
        if not instructions.shutil.which("valgrind"):
            self.skipTest("valgrind is missing")
        with self.assertRaisesRegex(BenchError, "status 1"):
            instructions.count("false", "worker", "bridge", 1)


class Table(unittest.TestCase):
    found = instructions.record("decap", 150.004, 50)

    def test_a_record_has_the_difference_to_the_control(self):
        wanted = {"case": "decap", "worker": 150, "control": 50, "above_control": 100}
        self.assertEqual(self.found, wanted)

    def test_the_change_is_told_in_instructions_and_percent(self):
        self.assertIn("+20.0 (+25.0%)", instructions.line(self.found, {"decap": 80.0}))
        self.assertIn("-25.0 (-20.0%)", instructions.line(self.found, {"decap": 125.0}))

    def test_a_case_that_was_not_counted_before_has_no_change(self):
        self.assertTrue(instructions.line(self.found, {"encap": 1.0}).endswith(" -"))
        self.assertTrue(instructions.line(self.found, None).endswith(" 100.0"))

    def test_columns_stand_under_their_names(self):
        for against in (None, {}, {"decap": 80.0}):
            lines = instructions.head(against), instructions.line(self.found, against)
            self.assertEqual(*map(len, lines))

    def test_results_are_read_back_and_other_files_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "counts.json")
            with open(path, "w") as file:
                json.dump([self.found], file)
            self.assertEqual(instructions.earlier(path), {"decap": 100})
            for text in ("", "{}x", '[{"case": "decap"}]', "[1]", "1"):
                with open(path, "w") as file:
                    file.write(text)
                with self.assertRaises(BenchError):
                    instructions.earlier(path)


class Options(unittest.TestCase):
    def test_cases_come_in_their_order_and_unknown_ones_are_refused(self):
        self.assertEqual(instructions.parse(["encap", "bridge"]).cases, ["bridge", "encap"])
        self.assertEqual(instructions.parse([]).cases, instructions.CASES)
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit):
            instructions.parse(["route"])


if __name__ == "__main__":
    unittest.main()

"""The order of runs, and what becomes of those that do not count."""

import io
import unittest
from types import SimpleNamespace
from unittest import mock

from benchlib import run, turns
from benchlib.bench import Place
from benchlib.errors import Invalid, Unable
from benchlib.progress import Progress
from benchlib.sample import Reading

PLACE = Place("/t", 0, 1)
POINT = SimpleNamespace(case="decap", work="decap", flows=10, arrivals="cycle")


def options(**more):
    """Options as the command line gives them."""
    fields = dict(cases=["decap"], flows=[1], arrivals=["cycle"])
    fields["who"] = ["control", "overpath", "ovs"]
    return SimpleNamespace(**{**fields, "repeat": 2, "least_share": 0.9, "seconds": 1, **more})


def reading(cycles, share=1.0):
    """A reading of so many cycles for each packet, at 1 GHz."""
    return Reading(1000, cycles * 1000, cycles * 1000 / share, 0.0, 0.0)


class Points(unittest.TestCase):
    def test_a_mesh_is_measured_once_for_each_work(self):
        found = run.points(options(cases=["decap", "mesh"], flows=[1, 10]), PLACE)
        about = [(point.case, point.work, point.flows) for point in found]
        mesh = [("mesh", work, 1_000_000) for work in ("decap", "encap", "bridge")]
        self.assertEqual(about, [("decap", "decap", 1), ("decap", "decap", 10), *mesh])

    def test_memory_is_enough_for_the_largest_point_and_for_open_vswitch(self):
        todo = run.points(options(flows=[1, 1_000_000]), PLACE)
        common = dict(generator=None, source=None)
        alone = run.memory_of(todo, options(who=["overpath"], **common))
        self.assertGreater(alone, 1_000_000 * 2400)
        small = run.points(options(flows=[1]), PLACE)
        self.assertEqual(run.memory_of(small, options(**common)), run.OVS_MEMORY)
        self.assertLess(run.memory_of(small, options(who=["control"], **common)), run.OVS_MEMORY)


class Runs(unittest.TestCase):
    def results(self, outcomes, **more):
        """The records at a point when runs have these outcomes, and who ran in which order."""
        ran, notes = [], io.StringIO()

        def measure(who, _point, _options):
            ran.append(who)
            outcome = outcomes[who].pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        with mock.patch.object(turns, "measure", measure):
            found, missing = turns.point_records(POINT, options(**more), 1e9, Progress(6, notes))
        return {record.who: record for record in found}, missing, ran, notes.getvalue()

    def test_contestants_take_turns(self):
        two = [reading(10), reading(20)]
        outcomes = {who: list(two) for who in ("control", "overpath", "ovs")}
        found, missing, ran, _ = self.results(outcomes)
        self.assertEqual(ran, ["control", "overpath", "ovs"] * 2)
        self.assertEqual([found[who].cycles for who in ("control", "ovs")], [15, 15])
        self.assertFalse(missing)

    def test_a_run_that_does_not_count_is_named_and_left_out(self):
        outcomes = {"control": [reading(10), Invalid("dropped tx_full=1 of 9 packets")]}
        found, missing, _, notes = self.results(outcomes, who=["control"])
        self.assertEqual((found["control"].cycles, found["control"].runs), (10, 1))
        self.assertIn("not counted: decap/decap 10 cycle control: dropped tx_full=1", notes)
        self.assertFalse(missing)

    def test_a_contestant_without_a_run_that_counts_is_missing(self):
        outcomes = {"overpath": [Invalid("a"), Invalid("b")], "control": [reading(1), reading(1)]}
        found, missing, _, _ = self.results(outcomes, who=["control", "overpath"])
        self.assertEqual(set(found), {"control"})
        self.assertTrue(missing)

    def test_a_contestant_that_cannot_is_asked_once_and_not_missing(self):
        outcomes = {"ovs": [Unable("too many")], "control": [reading(1), reading(1)]}
        found, missing, ran, notes = self.results(outcomes, who=["control", "ovs"])
        self.assertEqual(ran, ["control", "ovs", "control"])
        self.assertEqual(notes.count("left out"), 1)
        self.assertFalse(missing)

    def test_a_run_that_lost_its_core_counts_only_if_there_is_no_other(self):
        found, *_ = self.results({"ovs": [reading(99, 0.5), reading(40)]}, who=["ovs"])
        self.assertEqual((found["ovs"].cycles, found["ovs"].runs), (40, 1))
        found, *_ = self.results({"ovs": [reading(99, 0.5), reading(40, 0.6)]}, who=["ovs"])
        self.assertEqual((found["ovs"].cycles, found["ovs"].share), (69.5, 0.5))

    def test_what_lost_its_core_is_measured_again(self):
        outcomes = [reading(9, 0.5), Invalid("x"), reading(8, 0.7), reading(7)]
        with mock.patch.object(turns.sample, "measure", side_effect=outcomes):
            best = turns.least_disturbed(None, options(), None)
        self.assertEqual(best.cycles(1e9), 8)
        outcomes = [reading(9, 0.5), reading(8, 0.7), reading(7, 0.6)]
        with mock.patch.object(turns.sample, "measure", side_effect=outcomes):
            best = turns.least_disturbed(None, options(), None)
        self.assertEqual(best.cycles(1e9), 8)
        with mock.patch.object(turns.sample, "measure", side_effect=[Invalid("x")] * 3):
            with self.assertRaises(Invalid):
                turns.least_disturbed(None, options(), None)


if __name__ == "__main__":
    unittest.main()

"""Medians, spread, ratios, and what is drawn of them."""

import unittest
from types import SimpleNamespace

from benchlib import plot, summary
from benchlib.sample import Reading

POINT = SimpleNamespace(case="decap", work="decap", flows=10, arrivals="cycle")
HZ = 1e9


def reading(cycles, share=1.0):
    """A reading of so many cycles for each packet, at 1 GHz."""
    return Reading(1000, cycles * 1000, cycles * 1000 / share, 0.0, 0.0)


def record(who, *cycles):
    """The record of some readings."""
    return summary.record(who, POINT, [reading(one) for one in cycles], HZ)


class Records(unittest.TestCase):
    def test_the_median_and_the_spread_are_told(self):
        found = summary.record("ovs", POINT, [reading(50), reading(40, 0.8), reading(90)], HZ)
        self.assertEqual((found.cycles, found.least, found.most, found.runs), (50, 40, 90, 3))
        self.assertEqual(found.mpps, 20)
        self.assertAlmostEqual(found.share, 0.8)

    def test_ratios_are_of_packet_rates(self):
        control, overpath, ovs = summary.compare(
            [record("control", 50), record("overpath", 100), record("ovs", 400)]
        )
        self.assertEqual(overpath.above_control, 50)
        self.assertEqual(overpath.ratio_to_control, 0.5)
        self.assertEqual(overpath.ratio_to_ovs, 4)
        self.assertEqual((control.above_control, control.ratio_to_control), (0, 1))
        self.assertEqual(ovs.ratio_to_ovs, 1)

    def test_what_was_not_run_is_not_compared_with(self):
        (alone,) = summary.compare([record("overpath", 100)])
        self.assertIsNone(alone.above_control)
        self.assertIsNone(alone.ratio_to_control)
        self.assertIsNone(alone.ratio_to_ovs)
        self.assertIn(" - ", summary.line(alone))

    def test_a_json_record_has_the_fields_that_readers_look_for(self):
        fields = summary.rounded(record("overpath", 3))
        wanted = "who case flows arrivals mpps cycles above_control ratio_to_control ratio_to_ovs"
        self.assertLessEqual(set(wanted.split()), set(fields))
        self.assertEqual(fields["mpps"], 333.3333)

    def test_a_line_is_as_wide_as_the_head(self):
        line = summary.line(summary.compare([record("control", 50)])[0])
        self.assertEqual(len(line), len(summary.HEAD))


class Drawn(unittest.TestCase):
    def test_a_curve_is_of_one_work_and_contestant_by_flows(self):
        def one(who, work, flows, arrivals="cycle", case=None):
            return dict(who=who, case=case or work, work=work, flows=flows, arrivals=arrivals)

        records = [
            one("ovs", "decap", 100),
            one("ovs", "decap", 1),
            one("control", "decap", 1),
            one("ovs", "encap", 1, "random"),
            one("ovs", "encap", 1000, "random", "mesh"),
            # Who is looked at is no curve of its own.
            one("overpath+stats", "decap", 1),
            one("overpath+stats", "decap", 1000, "random", "mesh"),
        ]
        curves = plot.curves(records)
        flows = [record["flows"] for record in curves["cycle"]["decap"]["ovs"]]
        self.assertEqual(flows, [1, 100])
        self.assertEqual(set(curves["cycle"]["decap"]), {"ovs", "control"})
        self.assertEqual(set(curves["random"]), {"encap"})
        self.assertEqual(len(curves["random"]["encap"]["ovs"]), 1)
        self.assertEqual(set(plot.meshes(records)), {"ovs"})


if __name__ == "__main__":
    unittest.main()

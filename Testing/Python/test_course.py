"""Waterfall, spider and swimmer: the numbers behind the plots."""

import math
import unittest

from response_case import make_case, row, uid_of

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.course import EventKind, spider, swimmer, waterfall
from HCCResponseLib.response.criteria import Category, assess

TARGET = dict(kind="target")


def case_of_three(**more):
    values = {
        ("L1", "LONG_AXIS"): [40.0, 30.0, 50.0],
        ("L2", "LONG_AXIS"): [20.0, 22.0, 21.0],
        ("N1", "SHORT_AXIS"): [20.0, 10.0, 12.0], ("N1", "LONG_AXIS"): [40.0, 40.0, 40.0],
    }  # fmt: skip
    return make_case({"L1": TARGET, "L2": TARGET, "N1": TARGET | dict(lymph_node=True)}, values, **more)


class WaterfallTest(unittest.TestCase):
    def test_the_best_change_of_each_lesion_and_of_the_sum(self):
        case = case_of_three()
        found = waterfall(case, result=assess(case).criteria["RECIST 1.1"])
        self.assertEqual([one.label for one in found.bars], ["Sum of targets", "L2", "L1", "N1"])
        # Sums 80, 62, 83 mm; the node by its short axis.
        for one, percent, index in zip(found.bars, (-22.5, 5.0, -25.0, -50.0), (1, 2, 1, 1), strict=True):
            self.assertAlmostEqual(one.percent, percent)
            self.assertEqual(one.time_point, index)
        self.assertEqual(found.bars[0].category, Category.SD)
        self.assertEqual(found.title, "Long axis (RECIST 1.1)")

    def test_what_rises_when_a_tumour_responds(self):
        values = {("L1", "ADC"): [1e-3, 2e-3, 1.1e-3], ("L1", "T1_GRADE"): [2.0] * 3}
        found = waterfall(make_case({"L1": {}}, values), "ADC").bars[0]
        self.assertAlmostEqual(found.percent, 100.0)
        self.assertFalse(found.inside_repeatability)

    def test_lesions_without_a_change_are_named(self):
        values = {
            ("no follow-up", "LONG_AXIS"): [10.0], ("no baseline", "LONG_AXIS"): [None, 10.0, 8.0], ("nothing", "T2_GRADE"): [3.0],
            ("NaN", "LONG_AXIS"): [math.nan, 10.0], ("zero", "LONG_AXIS"): [0.0, 10.0],
        }  # fmt: skip
        case = make_case({name: {} for name, _ in values}, values, rows=[
            row("methods", "LONG_AXIS", 0, 10.0), row("methods", "LONG_AXIS", 1, 9.0, method="otherwise"),
        ])  # fmt: skip
        case = make_case({name: {} for name in (*(name for name, _ in values), "methods")}, values, rows=case.measurements[-2:])
        found = waterfall(case)
        self.assertEqual(found.bars, ())
        self.assertEqual(
            found.missing,
            (
                "no follow-up: there is no follow-up value.",
                "no baseline: there is no baseline value.",
                "NaN: there is no baseline value.",
                "zero: the baseline value is 0.",
                "methods: baseline and follow-up were measured by different methods.",
            ),
        )

    def test_a_lesion_left_out_has_no_bar(self):
        self.assertNotIn("L2", [one.label for one in waterfall(case_of_three(excluded={"L2": "a cyst"})).bars])

    def test_readers_are_not_mixed(self):
        with self.assertRaisesRegex(InputError, "choose one"):
            waterfall(case_of_three(rows=[row("L1", "LONG_AXIS", 0, 1.0, reader="B")]))


class SpiderTest(unittest.TestCase):
    def test_changes_over_weeks(self):
        case = case_of_three()
        found = spider(case, result=assess(case).criteria["RECIST 1.1"])
        self.assertEqual([one.label for one in found.lines], ["Sum of targets", "L1", "L2", "N1"])
        self.assertEqual([one.x for one in found.lines[0].points], [0.0, 4.0, 8.0])
        for line, percents in zip(found.lines, ((0, -22.5, 3.75), (0, -25, 25), (0, 10, 5), (0, -50, -40)), strict=True):
            for point, percent in zip(line.points, percents, strict=True):
                self.assertAlmostEqual(point.percent, percent)
        self.assertEqual([one.value for one in found.lines[0].points], [80.0, 62.0, 83.0])
        self.assertEqual(found.x_label, "weeks from baseline")

    def test_unknown_weeks_become_examinations(self):
        found = spider(case_of_three(weeks=(0.0, None, 8.0)))
        self.assertEqual(found.x_label, "examination")
        self.assertEqual([one.x for one in found.lines[0].points], [0.0, 1.0, 2.0])

    def test_a_gap_is_no_point(self):
        found = spider(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [20.0, math.nan, 10.0]}))
        self.assertEqual([(one.time_point, one.percent) for one in found.lines[0].points], [(0, 0.0), (2, -50.0)])

    def test_one_examination(self):
        found = spider(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [20.0]}))
        self.assertEqual((found.lines, found.missing), ((), ("L1: there is no follow-up value.",)))


class SwimmerTest(unittest.TestCase):
    def test_criteria_and_lesions(self):
        values = {
            ("L1", "LONG_AXIS"): [40.0, 42.0, 50.0], ("L1", "NECROTIC_FRACTION"): [0.0, 0.4, 0.8], ("L1", "T1_GRADE"): [2.0, 2.0, 5.0],
            ("L2", "LONG_AXIS"): [None, 12.0, 14.0],
        }  # fmt: skip
        case = make_case(
            {"L1": TARGET, "L2": dict(kind="new")}, values, findings=[("L2", 2, "equivocal")],
            treatment=("", "sorafenib", "sorafenib"), dose=("", "", ""),
        )  # fmt: skip
        found = swimmer(case, assess(case), criteria=["RECIST 1.1", "not there"])
        self.assertEqual([one.label for one in found.lanes], ["RECIST 1.1", "L1", "L2"])
        recist, first, second = found.lanes
        self.assertEqual([(one.x, one.category) for one in recist.events], [(4.0, Category.PD), (8.0, Category.PD)])
        self.assertEqual(
            [(one.time_point, one.kind, one.label) for one in first.events],
            [(2, EventKind.SIGNAL_RISE, "T1 grade above baseline"), (1, EventKind.NECROSIS, "necrosis new")],
        )
        self.assertEqual((second.start, second.stop, second.lesion_uid), (4.0, 8.0, uid_of("L2")))
        self.assertEqual([one.label for one in second.events], ["equivocal"])
        self.assertEqual([(one.label, one.start, one.stop) for one in found.treatments], [("sorafenib", 0.0, 8.0)])
        self.assertEqual(found.ticks, ((0.0, "baseline"), (4.0, "week 4"), (8.0, "week 8")))

    def test_treatments_change_and_pause(self):
        case = case_of_three(treatment=("none", "TACE", ""), dose=("", "50 Gy", ""))
        self.assertEqual([(one.label, one.start, one.stop) for one in swimmer(case, assess(case)).treatments], [("TACE, 50 Gy", 0.0, 4.0)])

    def test_one_examination_and_nothing_measured(self):
        found = swimmer(case := make_case({"L1": {}}, {}), assess(case))
        self.assertEqual((found.lanes, found.treatments, found.ticks), ((), (), ((0.0, "baseline"),)))


if __name__ == "__main__":
    unittest.main()

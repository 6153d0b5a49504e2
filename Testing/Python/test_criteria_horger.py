"""Signal grades and necrosis after Horger: rises, course, early response, age of the signals."""

import math
import unittest

from response_case import make_case, row

from HCCResponseLib.lesions.necrosis_score import NecrosisScore
from HCCResponseLib.lesions.necrosis_trend import NecrosisTrend
from HCCResponseLib.response.case import Case, TimePoint
from HCCResponseLib.response.criteria import first_rise, horger, necrosis_increases, score_rises

NONE, UNDER_25, UNDER_50, OVER_75 = NecrosisScore.NONE, NecrosisScore.UNDER_25, NecrosisScore.UNDER_50, NecrosisScore.OVER_75


def course(**values):
    (found,) = horger(make_case({"L1": {}}, {("L1", quantity): list(series) for quantity, series in values.items()}))
    return found


class RisesTest(unittest.TestCase):
    def test_first_rise_is_above_the_baseline_not_the_previous(self):
        self.assertEqual(first_rise([2, 1, 2, 3, 4]), 3)
        self.assertIsNone(first_rise([4, 2, 3, 4]))
        self.assertEqual(first_rise([2, None, 3]), 2)
        for values in ([], [2], [None, 5], [2, None]):
            self.assertIsNone(first_rise(values))

    def test_scores_that_are_not_known_cannot_be_told(self):
        self.assertTrue(score_rises([UNDER_25, None, UNDER_50]))
        self.assertFalse(score_rises([UNDER_25, UNDER_25]))
        self.assertIsNone(score_rises([UNDER_25, None]))
        self.assertIsNone(score_rises([None, OVER_75]))
        self.assertIsNone(score_rises([]))

    def test_necrosis_increases(self):
        self.assertTrue(necrosis_increases([None, NecrosisTrend.DE_NOVO]))
        self.assertTrue(necrosis_increases([NecrosisTrend.PRESENT_AT_BASELINE, NecrosisTrend.INCREASE, NecrosisTrend.DECREASE]))
        self.assertFalse(necrosis_increases([NecrosisTrend.PRESENT_AT_BASELINE, NecrosisTrend.UNCHANGED, None]))


class CourseTest(unittest.TestCase):
    def test_early_signal_response_reports_the_first_examination(self):
        found = course(T1_GRADE=[2.0, 2.0, 4.0], T2_GRADE=[4.0, 5.0, 4.0])
        self.assertEqual((found.t1_response, found.t2_response), (2, 1))
        self.assertEqual(
            found.reason,
            "L1: signal response on T1 since week 8; signal response on T2 since week 4; course of necrosis not known.",
        )
        self.assertIn("T1 grade 4, above baseline (2); T2 grade 4, as baseline; necrosis not known", found.assessments[2].reason)

    def test_no_response_and_not_known_are_told_apart(self):
        found = course(T1_GRADE=[4.0, 2.0], T2_GRADE=[None, 5.0])
        self.assertEqual((found.t1_response, found.t2_response), (None, None))
        self.assertTrue(found.reason.startswith("L1: no signal response on T1; T2 response not known;"))
        self.assertIn("T1 grade 2, below baseline (4)", found.assessments[1].reason)
        self.assertTrue(course(T1_GRADE=[4.0, None, 2.0]).reason.startswith("L1: no signal response on T1; T2 response not known;"))

    def test_necrosis_from_the_measured_fraction(self):
        found = course(NECROTIC_FRACTION=[0.0, 0.1, 0.12, 0.5, 0.2, 0.0])
        trends = [one.trend for one in found.assessments]
        self.assertEqual(
            trends,
            [
                NecrosisTrend.ABSENT_AT_BASELINE,
                NecrosisTrend.DE_NOVO,
                NecrosisTrend.UNCHANGED,
                NecrosisTrend.INCREASE,
                NecrosisTrend.DECREASE,
                NecrosisTrend.DECREASE,
            ],
        )
        self.assertEqual([one.score for one in found.assessments], [NONE, UNDER_25, UNDER_25, NecrosisScore.UNDER_75, UNDER_25, NONE])
        self.assertEqual((found.necrosis_increase, found.de_novo, found.score_rise), (1, True, True))
        self.assertEqual(
            found.assessments[3].reason,
            "L1 at week 12: T1 grade not known; T2 grade not known; necrosis <75 % (NV/TV 50.0 %), increase.",
        )
        self.assertTrue(found.reason.endswith("necrosis new since week 4."))

    def test_necrosis_from_a_readers_class(self):
        found = course(NECROSIS_SCORE=[1.0, 1.0, 2.0, 1.0])
        self.assertEqual(
            [one.trend for one in found.assessments],
            [NecrosisTrend.PRESENT_AT_BASELINE, NecrosisTrend.UNCHANGED, NecrosisTrend.INCREASE, NecrosisTrend.DECREASE],
        )
        self.assertEqual((found.necrosis_increase, found.de_novo), (2, False))
        self.assertTrue(math.isnan(found.assessments[0].necrotic_fraction))
        self.assertIs(course(NECROSIS_SCORE=[0.0, 4.0]).assessments[1].trend, NecrosisTrend.DE_NOVO)
        self.assertIn("necrosis none, absent at baseline", course(NECROSIS_SCORE=[0.0, 4.0]).assessments[0].reason)

    def test_a_gap_is_compared_across(self):
        found = course(NECROTIC_FRACTION=[0.1, None, 0.3])
        self.assertEqual([one.trend for one in found.assessments], [NecrosisTrend.PRESENT_AT_BASELINE, None, NecrosisTrend.INCREASE])
        self.assertIsNone(course(NECROTIC_FRACTION=[0.3, None]).score_rise)

    def test_no_necrosis_at_all(self):
        found = course(NECROTIC_FRACTION=[0.3, 0.3])
        self.assertEqual((found.necrosis_increase, found.score_rise), (None, False))
        self.assertTrue(found.reason.endswith("no increase of necrosis."))

    def test_values_that_are_no_grades_are_left_out_and_told(self):
        found = course(T1_GRADE=[2.0, 6.0], T2_GRADE=[2.0, 2.5], NECROSIS_SCORE=[0.0, 5.0])
        self.assertEqual((found.assessments[1].t1_grade, found.assessments[1].t2_grade, found.assessments[1].score), (None, None, None))
        self.assertEqual(
            found.assessments[1].notes,
            tuple(f"{value} of L1 at week 4 is not a signal grade 1 to 5; it is left out." for value in ("6", "2.5")),
        )

    def test_necrosis_of_another_source_is_not_mixed_in_but_named(self):
        rows = [row("L1", "NECROTIC_FRACTION", index, 0.3, reader="") for index in (0, 1)] + [row("L1", "NECROSIS_SCORE", 1, 4.0)]
        (found,) = horger(make_case({"L1": {}}, {}, rows=rows, examinations=2))
        self.assertEqual([one.score for one in found.assessments], [None, OVER_75])
        self.assertEqual(
            found.assessments[0].notes,
            ("Necrosis of L1 at baseline is not known from this source (measured by the program, which is not mixed in).",),
        )

    def test_without_a_baseline_examination_there_is_no_response(self):
        whole = make_case({"L1": {}}, {("L1", "T1_GRADE"): [None, 2.0, 4.0], ("L1", "NECROTIC_FRACTION"): [None, 0.0, 0.5]})
        points = [TimePoint(1, weeks_from_baseline=4.0), TimePoint(2, weeks_from_baseline=8.0)]
        case = Case("P", time_points=points, lesions=whole.lesions, measurements=whole.measurements)
        (found,) = horger(case)
        self.assertEqual((found.t1_response, found.necrosis_increase, found.score_rise), (None, None, None))
        self.assertEqual([one.trend for one in found.assessments], [None, NecrosisTrend.DE_NOVO])
        self.assertIn("L1 at week 8: T1 grade 4; T2", found.assessments[1].reason)

    def test_the_age_of_the_signals_is_a_hint_of_follow_ups(self):
        found = course(T1_GRADE=[4.0, 4.0], T2_GRADE=[4.0, 4.0])
        self.assertIsNone(found.assessments[0].hint)
        self.assertTrue(found.assessments[1].hint.agrees)
        self.assertIn("extracellular methaemoglobin", found.assessments[1].reason)
        self.assertIn("Horger", found.assessments[1].reason)

    def test_only_lesions_that_were_graded_or_measured(self):
        case = make_case({"L1": {}, "L2": {}}, {("L1", "LONG_AXIS"): [20.0], ("L2", "T1_GRADE"): [2.0]})
        self.assertEqual([one.lesion.identifier for one in horger(case)], ["L2"])


if __name__ == "__main__":
    unittest.main()

"""Published counts and p-values come out of the code; numbers that a paper's own table contradicts do not."""

import unittest

import numpy as np

from HCCResponseLib.lesions.necrosis_score import NecrosisScore
from HCCResponseLib.lesions.necrosis_trend import NecrosisTrend
from HCCResponseLib.response.change import percent_change
from HCCResponseLib.response.criteria import Category, convert_as_cha, first_rise, necrosis_increases, response_rate, score_rises
from HCCResponseLib.response.criteria.functional_change import ADC_CUT_OFF_PERCENT
from HCCResponseLib.response.criteria.limits import above
from HCCResponseLib.response.horger2009 import examinations
from HCCResponseLib.statistics.association import cross_table, fisher_exact, pearson_chi_square
from HCCResponseLib.statistics.comparison import mann_whitney, wilcoxon_exact
from HCCResponseLib.statistics.proportion import auc_interval

PATIENTS = tuple(range(1, 22))


def rows(patient):
    return examinations()[patient]


def t1_up(patient):
    return first_rise([row.t1_grade for row in rows(patient)]) is not None


def t2_up(patient):
    return first_rise([row.t2_grade for row in rows(patient)]) is not None


def necrosis_up(patient):
    return necrosis_increases(row.necrosis for row in rows(patient))


def score_up(patient):
    return score_rises([row.score for row in rows(patient)])


def patients_with(feature):
    return {patient for patient in PATIENTS if feature(patient)}


def largest_growth(patient, value):
    first, *later = [value(row) for row in rows(patient)]
    return max(percent_change(first, one) for one in later)


class HorgerTest(unittest.TestCase):
    """BMC Cancer 2009;9:208."""

    def table(self, first, second):
        # 10: necrosis could not be quantified; 15: ill-defined bone lesion.
        return cross_table((bool(first(patient)), bool(second(patient))) for patient in PATIENTS if patient not in (10, 15))

    def test_associations(self):
        for first, second, table, p_value in (
            (t1_up, necrosis_up, [[12, 1], [2, 4]], 0.01729),
            (necrosis_up, score_up, [[12, 2], [0, 5]], 0.00181),
            (t1_up, score_up, [[10, 3], [2, 4]], 0.12874),
        ):
            self.assertEqual(self.table(first, second), table)
            self.assertAlmostEqual(fisher_exact(table), p_value, places=5)

    def test_the_excluded_patient_has_no_score_to_compare(self):
        self.assertIsNone(score_up(10))

    def test_signal(self):
        self.assertEqual((len(patients_with(t1_up)), len(patients_with(t2_up))), (15, 15))
        self.assertEqual(patients_with(lambda patient: len({row.t1_grade for row in rows(patient)}) == 1), {5, 11, 12, 14, 18})

        def t2_only_falls(patient):
            grades = [row.t2_grade for row in rows(patient) if row.t2_grade is not None]
            return max(grades) == grades[0] > min(grades)

        self.assertEqual(patients_with(t2_only_falls), {3, 13})

    def test_necrosis(self):
        increasing = patients_with(necrosis_up)
        de_novo = {patient for patient in increasing if rows(patient)[0].score is NecrosisScore.NONE}
        self.assertEqual((len(increasing), len(de_novo), len(increasing - de_novo)), (16, 7, 9))
        self.assertEqual(len(patients_with(lambda patient: NecrosisScore.OVER_75 in [row.score for row in rows(patient)])), 7)
        falling = patients_with(lambda patient: NecrosisTrend.DECREASE in [row.necrosis for row in rows(patient)])
        self.assertEqual(falling, {7, 18, 21})

    def test_growth_of_lesions_whose_t1_grade_rose(self):
        # The text has +58 % as the largest growth and 3 of 13 above 20 %; the table has 4, and patient 11 (T1 unchanged) at +110 %.
        growth = {patient: largest_growth(patient, lambda row: row.size_mm) for patient in patients_with(t1_up) - {10, 15}}
        self.assertEqual(len(growth), 13)
        self.assertEqual(max(growth, key=growth.get), 21)
        self.assertAlmostEqual(growth[21], 58.06, places=2)
        self.assertEqual({patient for patient, percent in growth.items() if percent > 20.0}, {1, 8, 13, 21})
        self.assertAlmostEqual(largest_growth(11, lambda row: row.size_mm), 110.0)

    def test_sums_that_the_text_calls_reduced_rose(self):
        for patient, percent in ((1, 36.0), (13, 44.74), (15, 29.53)):
            self.assertAlmostEqual(largest_growth(patient, lambda row: row.sum_mm), percent, places=2)


class LeeTest(unittest.TestCase):
    """Lee, Yoo et al., Sci Rep 2021;11:10459."""

    def test_table_3_signed_rank_of_ten_patients(self):
        # kep fell in all ten (0.002); ADC and ve rose but for ranks that add up to 6 (0.027).
        before = np.arange(1.0, 11.0)
        self.assertEqual(round(wilcoxon_exact(before, np.zeros(10)).p_value, 3), 0.002)
        change = np.arange(1.0, 11.0) * np.where(np.isin(np.arange(1, 11), (1, 2, 3)), -1.0, 1.0)
        found = wilcoxon_exact(before, before + change)
        self.assertEqual((found.statistic, round(found.p_value, 3)), (6.0, 0.027))

    def test_table_4_six_against_four(self):
        for u, p_value in ((24, 0.011), (19, 0.136), (17, 0.286), (15, 0.522), (14, 0.670), (12, 1.000)):
            first, second = self.samples(u)
            found = mann_whitney(first, second)
            self.assertEqual((found.u, round(found.p_value, 3)), (u, p_value))
            self.assertAlmostEqual(found.auc, u / 24)

    def samples(self, u):
        """Six and four numbers, all different, of which ``u`` pairs have the larger number among the six."""
        below = [min(4, max(0, u - 4 * index)) for index in range(6)]
        return [count + 0.1 + 0.01 * index for index, count in enumerate(below)], [1.0, 2.0, 3.0, 4.0]

    def test_auc_intervals_are_clopper_pearson(self):
        low, high = auc_interval(1.0, 10)
        self.assertAlmostEqual(low, 0.025**0.1)
        self.assertEqual(high, 1.0)

    def test_cut_off_divides_the_published_ranges(self):
        # Progressive -6.16 to 6.79 %, others 7.71 to 112.81 %.
        percents = (-6.16, -1.35, 6.79, 7.71, 46.71, 112.81)
        self.assertEqual([above(percent, ADC_CUT_OFF_PERCENT) for percent in percents], [False] * 3 + [True] * 3)


class ChaTest(unittest.TestCase):
    """Cha et al., Yonsei Med J 2013;54:1178, Table 3."""

    def test_response_rates_of_table_3(self):
        for complete, partial, stable, progressive, percent in ((0, 7, 0, 4, 64), (0, 2, 5, 4, 18)):
            counts = {Category.CR: complete, Category.PR: partial, Category.SD: stable, Category.PD: progressive}
            found = response_rate([category for category, count in counts.items() for _ in range(count)])
            self.assertEqual((found.total, round(100 * found.rate)), (11, percent))
            self.assertEqual({category: found.counts[category] for category in counts}, counts)

    def test_response_rates_in_the_field(self):
        for responders, percent in ((11, 100), (3, 27)):
            found = response_rate([Category.PR] * responders + [Category.SD] * (11 - responders))
            self.assertEqual(round(100 * found.rate), percent)

    def test_skin_events_against_partial_response(self):
        self.assertEqual(round(pearson_chi_square([[7, 0], [4, 3]]).p_value, 3), 0.051)

    def test_doses(self):
        for dose, fraction, ratio, converted in (
            (58.42, 2.54, 10.0, 61.2),
            (50.4, 1.8, 10.0, 50.4),
            (39.0, 3.0, 10.0, 43.2),
            (30.0, 6.0, 10.0, 41.4),
            (39.0, 3.0, 3.0, 48.6),
        ):
            self.assertEqual(convert_as_cha(dose, fraction, ratio).dose_gy, converted)


if __name__ == "__main__":
    unittest.main()

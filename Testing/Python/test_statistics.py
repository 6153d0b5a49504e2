"""Statistics against published and hand-counted values, and against input that cannot be."""

import itertools
import math
import unittest

import numpy as np

from HCCResponseLib.errors import InputError
from HCCResponseLib.statistics.agreement import Agreement, agreement_of_icc
from HCCResponseLib.statistics.association import cross_table, fisher_exact, pearson_chi_square
from HCCResponseLib.statistics.comparison import mann_whitney, wilcoxon_exact
from HCCResponseLib.statistics.proportion import auc_interval, clopper_pearson


class AssociationTest(unittest.TestCase):
    def test_tea_tasting_lady(self):
        self.assertAlmostEqual(fisher_exact([[3, 1], [1, 3]]), 34 / 70)
        self.assertAlmostEqual(fisher_exact([[4, 0], [0, 4]]), 2 / 70)

    def test_chi_square_by_hand(self):
        found = pearson_chi_square([[10, 20], [20, 10]])
        self.assertAlmostEqual(found.statistic, 60 * (100 - 400) ** 2 / 30**4)
        self.assertEqual(found.degrees_of_freedom, 1)
        self.assertAlmostEqual(found.p_value, math.erfc(math.sqrt(found.statistic / 2.0)))

    def test_cross_table(self):
        pairs = [(True, True), (True, False), (False, True), (False, False), (False, False)]
        self.assertEqual(cross_table(pairs), [[1, 1], [1, 2]])

    def test_tables_that_cannot_be_are_refused(self):
        for table in ([[1, 2]], [[1, 2], [3, -1]], [[1.5, 2], [3, 4]], [[1, 2, 3], [4, 5, 6]]):
            for test in (fisher_exact, pearson_chi_square):
                with self.assertRaises(InputError):
                    test(table)
        for table in ([[0, 0], [3, 4]], [[0, 3], [0, 4]]):
            with self.assertRaises(InputError):
                pearson_chi_square(table)


class ComparisonTest(unittest.TestCase):
    def test_signed_rank_of_ten_pairs(self):
        before = np.zeros(10)
        for negative, statistic, count in (((), 0, 1), ((1,), 1, 2), ((6,), 6, 14), ((8,), 8, 25), ((10, 9), 19, None)):
            after = np.array([-one if one in negative else one for one in range(1, 11)], dtype=float)
            found = wilcoxon_exact(before, after)
            self.assertEqual((found.statistic, found.pairs), (statistic, 10))
            if count is not None:
                self.assertAlmostEqual(found.p_value, 2 * count / 1024)

    def test_ties_are_counted_pattern_by_pattern(self):
        after = np.array([1.0, 1.0, -2.0, 2.0, 3.0])
        ranks = [1.5, 1.5, 3.5, 3.5, 5.0]
        sums = [sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign) for signs in itertools.product((0, 1), repeat=5)]
        expected = min(1.0, 2.0 * sum(one <= 3.5 for one in sums) / 32)
        self.assertAlmostEqual(wilcoxon_exact(np.zeros(5), after).p_value, expected)

    def test_pairs_without_difference_are_left_out(self):
        found = wilcoxon_exact([1.0, 2.0, 3.0], [1.0, 3.0, 5.0])
        self.assertEqual((found.pairs, found.p_value), (2, 0.5))

    def test_twenty_pairs_are_the_most(self):
        self.assertAlmostEqual(wilcoxon_exact(np.zeros(20), np.arange(1.0, 21.0)).p_value, 2 / 2**20)

    def test_no_direction_is_never_more_than_1(self):
        self.assertEqual(wilcoxon_exact([0.0, 0.0], [1.0, -1.0]).p_value, 1.0)

    def test_mann_whitney_by_hand(self):
        found = mann_whitney([4.0, 5.0, 6.0], [1.0, 2.0, 3.0])
        self.assertEqual((found.u, found.auc), (9.0, 1.0))
        self.assertAlmostEqual(found.p_value, math.erfc((9.0 - 4.5) / math.sqrt(9.0 * 7.0 / 12.0) / math.sqrt(2.0)))

    def test_samples_that_cannot_be_are_refused(self):
        for before, after in (
            ([1.0], [1.0, 2.0]),
            ([1.0, 2.0], [3.0, math.nan]),
            ([[1.0]], [[2.0]]),
            ([], []),
            ([1.0, 2.0], [1.0, 2.0]),
            ([0.0] * 21, range(1, 22)),
        ):
            with self.assertRaises(InputError):
                wilcoxon_exact(before, after)
        for first, second in (([], [1.0]), ([1.0], [math.inf]), ([1.0, 1.0], [1.0])):
            with self.assertRaises(InputError):
                mann_whitney(first, second)


class ProportionTest(unittest.TestCase):
    def test_bounds_are_where_the_binomial_tails_are(self):
        low, high = clopper_pearson(7, 11)
        tail = sum(math.comb(11, k) * low**k * (1 - low) ** (11 - k) for k in range(7, 12))
        self.assertAlmostEqual(tail, 0.025)
        tail = sum(math.comb(11, k) * high**k * (1 - high) ** (11 - k) for k in range(8))
        self.assertAlmostEqual(tail, 0.025)

    def test_none_and_all(self):
        self.assertEqual(clopper_pearson(0, 10)[0], 0.0)
        self.assertEqual(clopper_pearson(10, 10)[1], 1.0)
        self.assertAlmostEqual(clopper_pearson(10, 10)[0], 0.025**0.1)
        self.assertAlmostEqual(auc_interval(1.0, 10)[0], 0.6915, places=4)

    def test_what_cannot_be_is_refused(self):
        for successes, total, confidence in ((1, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0), (1, 2, 0.0), (math.nan, 2, 0.95)):
            with self.assertRaises(InputError):
                clopper_pearson(successes, total, confidence)
        for auc in (-0.1, 1.1, math.nan):
            with self.assertRaises(InputError):
                auc_interval(auc, 10)


class AgreementTest(unittest.TestCase):
    def test_bands(self):
        for icc, band in (
            (1.0, Agreement.ALMOST_PERFECT),
            (0.81, Agreement.ALMOST_PERFECT),
            (0.80, Agreement.SUBSTANTIAL),
            (0.61, Agreement.SUBSTANTIAL),
            (0.60, Agreement.MODERATE),
            (0.41, Agreement.MODERATE),
            (0.40, Agreement.FAIR),
            (0.21, Agreement.FAIR),
            (0.20, Agreement.SLIGHT),
            (-0.3, Agreement.SLIGHT),
        ):
            self.assertIs(agreement_of_icc(icc), band)
        for icc in (1.01, math.nan):
            with self.assertRaises(InputError):
                agreement_of_icc(icc)


if __name__ == "__main__":
    unittest.main()

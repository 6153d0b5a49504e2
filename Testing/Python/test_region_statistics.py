"""Statistics inside a region: numeric truth, and what is rejected never counts."""

import math
import statistics
import unittest

import numpy as np

from HCCResponseLib.errors import InputError
from HCCResponseLib.lesions.region_statistics import RegionStatistics, region_statistics

NAMES = ("mean", "median", "standard_deviation", "percentile_10", "percentile_25", "percentile_75", "percentile_90", "minimum", "maximum")


class TestRegionStatistics(unittest.TestCase):
    def test_one_to_eleven(self):
        values = np.arange(1.0, 12.0).reshape(1, 1, 11)
        found = region_statistics(values, np.ones(values.shape, bool), voxel_volume_ml=0.5)
        expected = RegionStatistics(
            n=11,
            mean=6.0,
            median=6.0,
            standard_deviation=math.sqrt(11.0),
            percentile_10=2.0,
            percentile_25=3.5,
            percentile_75=8.5,
            percentile_90=10.0,
            minimum=1.0,
            maximum=11.0,
            volume_ml=5.5,
            rejected=0,
        )
        self.assertEqual(found, expected)

    def test_only_the_region_counts(self):
        rng = np.random.default_rng(1)
        values = rng.lognormal(size=(5, 6, 7)).astype(np.float32)
        mask = rng.random(values.shape) < 0.4
        found = region_statistics(values, mask, voxel_volume_ml=0.01)
        inside = [float(value) for value in values[mask]]
        self.assertEqual(found.n, len(inside))
        self.assertAlmostEqual(found.mean, statistics.fmean(inside), delta=1e-12)
        self.assertAlmostEqual(found.median, statistics.median(inside), delta=1e-12)
        self.assertAlmostEqual(found.standard_deviation, statistics.stdev(inside), delta=1e-12)
        self.assertAlmostEqual(found.percentile_90, statistics.quantiles(inside, n=10, method="inclusive")[-1], delta=1e-12)
        self.assertAlmostEqual(found.volume_ml, len(inside) * 0.01, delta=1e-12)

    def test_float32_values_are_summed_in_float64(self):
        values = np.full((100, 100, 100), 1.1e-3, np.float32)
        found = region_statistics(values, np.ones(values.shape, bool), voxel_volume_ml=1.0)
        self.assertAlmostEqual(found.mean, float(np.float32(1.1e-3)), delta=1e-15)
        self.assertLess(found.standard_deviation, 1e-15)

    def test_rejected_voxels_change_nothing_but_their_number_and_the_volume(self):
        rng = np.random.default_rng(2)
        values = rng.normal(size=(4, 5, 6))
        mask = np.zeros(values.shape, bool)
        mask[1:3, 1:4, 1:5] = True
        without = mask.copy()
        without[1, 1, 1:5] = False
        reference = region_statistics(values, without, voxel_volume_ml=0.1)
        spoiled = values.copy()
        spoiled[1, 1, 1:5] = [np.nan, np.inf, -np.inf, 1e30]
        valid = np.ones(values.shape, bool)
        valid[1, 1, 4] = False
        found = region_statistics(spoiled, mask, voxel_volume_ml=0.1, valid=valid)
        for name in ("n", *NAMES):
            self.assertEqual(getattr(found, name), getattr(reference, name), name)
        self.assertEqual(found.rejected, 4)
        self.assertAlmostEqual(found.volume_ml, mask.sum() * 0.1)

    def test_all_rejected_is_no_number(self):
        values = np.full((2, 2, 2), np.nan)
        found = region_statistics(values, np.ones(values.shape, bool), voxel_volume_ml=1.0)
        self.assertEqual((found.n, found.rejected, found.volume_ml), (0, 8, 8.0))
        for name in NAMES:
            self.assertTrue(math.isnan(getattr(found, name)), name)

    def test_one_voxel_has_no_standard_deviation(self):
        mask = np.zeros((2, 2, 2), bool)
        mask[0, 1, 0] = True
        found = region_statistics(np.arange(8).reshape(2, 2, 2), mask, voxel_volume_ml=1.0)
        self.assertEqual((found.n, found.mean, found.percentile_10, found.maximum), (1, 2.0, 2.0, 2.0))
        self.assertTrue(math.isnan(found.standard_deviation))

    def test_any_shape_and_memory_order(self):
        values = np.asfortranarray(np.random.default_rng(3).normal(size=(3, 4)))
        mask = np.asfortranarray(values > 0)
        self.assertEqual(
            region_statistics(values, mask, voxel_volume_ml=1.0),
            region_statistics(np.ascontiguousarray(values).ravel(), mask.ravel(), voxel_volume_ml=1.0),
        )

    def test_input_is_not_touched(self):
        values = np.array([[1.0, np.nan]])
        kept = values.copy()
        region_statistics(values, np.ones((1, 2), bool), voxel_volume_ml=1.0)
        np.testing.assert_array_equal(values, kept)


class TestBadInput(unittest.TestCase):
    def test_empty_region(self):
        with self.assertRaisesRegex(InputError, "empty"):
            region_statistics(np.ones((2, 2)), np.zeros((2, 2), bool), voxel_volume_ml=1.0)

    def test_shapes_differ(self):
        with self.assertRaisesRegex(InputError, "resample"):
            region_statistics(np.ones((2, 2)), np.ones((2, 3), bool), voxel_volume_ml=1.0)
        with self.assertRaisesRegex(InputError, "validity"):
            region_statistics(np.ones((2, 2)), np.ones((2, 2), bool), voxel_volume_ml=1.0, valid=np.ones(4, bool))

    def test_a_labelmap_is_not_a_mask(self):
        with self.assertRaisesRegex(InputError, "uint8"):
            region_statistics(np.ones((2, 2)), np.array([[0, 1], [2, 0]], np.uint8), voxel_volume_ml=1.0)

    def test_voxel_volume(self):
        for volume in (0.0, -1.0, math.nan, math.inf):
            with self.assertRaisesRegex(InputError, "positive"):
                region_statistics(np.ones((2, 2)), np.ones((2, 2), bool), voxel_volume_ml=volume)


if __name__ == "__main__":
    unittest.main()

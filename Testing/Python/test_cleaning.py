"""Cleaning outlines: empty and one-voxel masks, islands, holes, smoothing that keeps the volume, slices in between."""

import unittest

import numpy as np
from scipy import ndimage

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.outlining import fill_between_slices, fill_holes, remove_islands, smooth_outline
from HCCResponseLib.lesions.outlining.grid import kji_to_lps

GRID = Geometry.from_parts((24, 60, 60), (1.0, 1.0, 3.0))


def ball(geometry, centre_lps, radius_mm):
    points = kji_to_lps(geometry, np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1))
    return np.linalg.norm(points - np.asarray(centre_lps), axis=-1) <= radius_mm


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


class BadInputTest(unittest.TestCase):
    def test_empty_masks_and_other_grids(self):
        for clean in (remove_islands, fill_holes, smooth_outline, fill_between_slices):
            with self.assertRaisesRegex(InputError, "empty"):
                clean(np.zeros(GRID.shape, bool), GRID)
            with self.assertRaises(GeometryError):
                clean(np.ones((3, 3, 3), bool), GRID)

    def test_one_voxel_stays(self):
        mask = np.zeros(GRID.shape, bool)
        mask[23, 0, 59] = True
        for clean in (remove_islands, fill_holes, smooth_outline):
            np.testing.assert_array_equal(clean(mask, GRID).mask, mask)
        with self.assertRaisesRegex(InputError, "at least two"):
            fill_between_slices(mask, GRID)

    def test_the_whole_image_stays(self):
        mask = np.ones((4, 5, 6), bool)
        grid = Geometry.from_parts(mask.shape, (1, 1, 1))
        for clean in (remove_islands, fill_holes, smooth_outline, fill_between_slices):
            np.testing.assert_array_equal(clean(mask, grid).mask, mask)

    def test_width_and_volume_out_of_range(self):
        mask = ball(GRID, (30, 30, 36), 5)
        for width in (0, -1, np.nan):
            with self.assertRaises(InputError):
                smooth_outline(mask, GRID, width_mm=width)
        with self.assertRaisesRegex(InputError, "No piece"):
            remove_islands(mask, GRID, smallest_ml=1000)


class IslandTest(unittest.TestCase):
    def setUp(self):
        self.large, self.middle, self.small = (ball(GRID, c, r) for c, r in (((20, 20, 30), 9), ((45, 45, 40), 6), ((50, 10, 60), 2)))
        self.mask = self.large | self.middle | self.small

    def test_largest(self):
        cleaned = remove_islands(self.mask, GRID)
        np.testing.assert_array_equal(cleaned.mask, self.large)
        self.assertIn("2 of 3 pieces", cleaned.note)

    def test_by_volume(self):
        np.testing.assert_array_equal(remove_islands(self.mask, GRID, smallest_ml=0.5).mask, self.large | self.middle)

    def test_at_a_point_in_or_near_the_piece(self):
        for point in ((45, 45, 40), (52, 50, 42)):
            np.testing.assert_array_equal(remove_islands(self.mask, GRID, keep_at_lps=point).mask, self.middle)
        np.testing.assert_array_equal(
            remove_islands(self.mask, GRID, smallest_ml=0.5, keep_at_lps=(50, 10, 60)).mask, self.mask,
        )

    def test_voxels_that_touch_by_a_corner_hang_together(self):
        mask = np.zeros((4, 4, 4), bool)
        mask[1, 1, 1] = mask[2, 2, 2] = True
        np.testing.assert_array_equal(remove_islands(mask, Geometry.from_parts(mask.shape, (1, 1, 1))).mask, mask)


class HoleTest(unittest.TestCase):
    def test_holes_by_size_and_by_slice(self):
        solid = ball(GRID, (30, 30, 36), 14)
        holed = solid & ~ball(GRID, (30, 30, 36), 5) & ~ball(GRID, (38, 30, 36), 1)
        np.testing.assert_array_equal(fill_holes(holed, GRID).mask, solid)
        partly = fill_holes(holed, GRID, largest_ml=0.1)
        np.testing.assert_array_equal(partly.mask, solid & ~ball(GRID, (30, 30, 36), 5))
        self.assertIn("1 holes", partly.note)

    def test_a_tunnel_is_closed_slice_by_slice_only(self):
        solid = ball(GRID, (30, 30, 36), 14)
        tunnel = solid.copy()
        tunnel[:, 28:33, 28:33] = False
        np.testing.assert_array_equal(fill_holes(tunnel, GRID).mask, tunnel)
        closed = fill_holes(tunnel, GRID, slice_axis=0).mask
        np.testing.assert_array_equal(closed[10:15], solid[10:15])
        np.testing.assert_array_equal(fill_holes(tunnel, GRID, slice_axis=1).mask, tunnel)


class SmoothingTest(unittest.TestCase):
    def test_volume_within_one_percent_for_every_size_and_spacing(self):
        for spacing in ((1, 1, 1), (1, 1, 3), (0.8, 0.8, 6), (2, 0.7, 1.3)):
            for radius in (1.2, 3.0, 6.0, 12.0):
                shape = tuple(int(36 / s) for s in spacing[::-1])
                grid = Geometry.from_parts(shape, spacing)
                mask = ball(grid, (17.3, 18.1, 17.7), radius)
                if not mask.any():
                    continue
                for width in (0.5, 1.5, 4.0):
                    smooth = smooth_outline(mask, grid, width_mm=width).mask
                    with self.subTest(spacing=spacing, radius=radius, width=width):
                        self.assertLessEqual(abs(np.count_nonzero(smooth) / np.count_nonzero(mask) - 1), 0.01)

    def test_a_noisy_outline_comes_nearer_to_the_truth(self):
        truth = ball(GRID, (30, 30, 36), 12)
        rng = np.random.default_rng(0)
        edge = ndimage.binary_dilation(truth) & ~ndimage.binary_erosion(truth)
        noisy = truth ^ (edge & (rng.random(truth.shape) < 0.4))
        smooth = smooth_outline(noisy, GRID).mask
        self.assertGreater(dice(smooth, truth), dice(noisy, truth) + 0.02)
        self.assertEqual(np.count_nonzero(smooth), np.count_nonzero(noisy))

    def test_each_of_two_pieces_keeps_its_volume(self):
        one, two = ball(GRID, (18, 30, 36), 9), ball(GRID, (36, 30, 36), 4)
        smooth = smooth_outline(one | two, GRID, width_mm=2).mask
        left = np.zeros_like(smooth)
        left[:, :, :30] = True
        self.assertEqual(np.count_nonzero(smooth & left), np.count_nonzero(one))
        self.assertEqual(np.count_nonzero(smooth & ~left), np.count_nonzero(two))

    def test_the_image_border_is_no_edge(self):
        half = ball(GRID, (30, 30, 0), 12)
        smooth = smooth_outline(half, GRID, width_mm=2).mask
        self.assertLessEqual(abs(np.count_nonzero(smooth[0]) / np.count_nonzero(half[0]) - 1), 0.05)


class BetweenSlicesTest(unittest.TestCase):
    def test_a_ball_outlined_on_every_fourth_slice(self):
        for axis in (0, 1, 2):
            grid = Geometry.from_parts((40, 40, 40), (1, 1, 1))
            truth = ball(grid, (20, 20, 20), 12)
            sparse = np.zeros_like(truth)
            every = [slice(None)] * 3
            every[axis] = slice(8, 33, 4)
            sparse[tuple(every)] = truth[tuple(every)]
            filled = fill_between_slices(sparse, grid, axis=axis)
            self.assertGreater(dice(filled.mask, truth), 0.95)
            np.testing.assert_array_equal(filled.mask[tuple(every)], truth[tuple(every)])

    def test_an_oblique_tube_stays_whole_where_outlines_do_not_overlap(self):
        grid = Geometry.from_parts((9, 40, 60), (1, 1, 3))
        truth = np.zeros(grid.shape, bool)
        for k in range(9):
            truth[k] = ball(Geometry.from_parts((1, 40, 60), (1, 1, 3)), (10 + 5 * k, 20, 0), 6)[0]
        sparse = truth.copy()
        sparse[1:8] = False
        self.assertGreater(dice(fill_between_slices(sparse, grid).mask, truth), 0.97)

    def test_nothing_to_fill(self):
        mask = ball(GRID, (30, 30, 36), 9)
        cleaned = fill_between_slices(mask, GRID)
        np.testing.assert_array_equal(cleaned.mask, mask)
        self.assertIn("0 slices", cleaned.note)

    def test_outline_at_the_border(self):
        mask = np.zeros((7, 20, 20), bool)
        mask[0, :8, :8] = mask[6, :8, :8] = True
        filled = fill_between_slices(mask, Geometry.from_parts(mask.shape, (1, 1, 2))).mask
        np.testing.assert_array_equal(filled, np.broadcast_to(mask[0], mask.shape))


if __name__ == "__main__":
    unittest.main()

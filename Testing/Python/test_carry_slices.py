"""Carrying an outline from slice to slice: bad input, truth, and why it stops."""

import unittest

import numpy as np
from scipy import ndimage

from HCCResponseLib.errors import Cancelled, GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.outlining import carry_slices
from HCCResponseLib.phantom.lesion_images import LESION_KINDS, lesion_image, rigid_lps


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def middle_slice(mask, axis=0):
    """The mask on its middle slice only."""
    index = [slice(None)] * 3
    index[axis] = round(ndimage.center_of_mass(mask)[axis])
    sparse = np.zeros_like(mask)
    sparse[tuple(index)] = mask[tuple(index)]
    return sparse


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scan = lesion_image("hypovascular", 1, shape=(20, 72, 72))

    def test_empty_mask_and_other_grid(self):
        with self.assertRaisesRegex(InputError, "empty"):
            carry_slices(self.scan.image, self.scan.geometry, np.zeros(self.scan.geometry.shape, bool))
        with self.assertRaises(GeometryError):
            carry_slices(self.scan.image[1:], self.scan.geometry, self.scan.lesions[0])

    def test_no_edge_to_follow(self):
        outline = middle_slice(self.scan.lesions[0])
        noise = 100 + 8 * np.random.default_rng(0).standard_normal(self.scan.image.shape)
        for image in (noise, np.full(noise.shape, 3.0), np.full(noise.shape, np.nan)):
            with self.assertRaisesRegex(InputError, "no visible edge"):
                carry_slices(image, self.scan.geometry, outline)

    def test_one_voxel(self):
        outline = np.zeros(self.scan.geometry.shape, bool)
        outline[10, 36, 36] = True
        with self.assertRaisesRegex(InputError, "fewer than 6 pixels"):
            carry_slices(self.scan.image, self.scan.geometry, outline)

    def test_cancel_leaves_the_outline_alone(self):
        outline = middle_slice(self.scan.lesions[0])
        before = outline.copy()
        with self.assertRaises(Cancelled):
            carry_slices(self.scan.image, self.scan.geometry, outline, progress=lambda fraction: fraction < 0.1)
        np.testing.assert_array_equal(outline, before)


class TruthTest(unittest.TestCase):
    def test_every_kind_to_within_two_slices_of_its_ends(self):
        for kind in LESION_KINDS:
            overlaps = []
            for seed in (0, 1):
                scan = lesion_image(kind, seed, shape=(20, 72, 72))
                truth = scan.lesions[0]
                drawn = middle_slice(truth)
                fractions = []
                carried = carry_slices(scan.image, scan.geometry, drawn, progress=fractions.append)
                ends = np.flatnonzero(truth.any(axis=(1, 2)))[[0, -1]]
                overlaps.append(dice(carried.mask, truth))
                with self.subTest(kind=kind, seed=seed):
                    self.assertLessEqual(abs(carried.first.last_slice - ends[0]), 2)
                    self.assertLessEqual(abs(carried.last.last_slice - ends[1]), 2)
                    self.assertIn("caudal", carried.first.sentence)
                    self.assertIn("cranial", carried.last.sentence)
                    for stop in (carried.first, carried.last):
                        self.assertIn(stop.reason, ("edge lost", "area collapsed"))
                    k = np.flatnonzero(drawn.any(axis=(1, 2)))[0]
                    np.testing.assert_array_equal(carried.mask[k], drawn[k])
                    self.assertEqual(fractions, sorted(fractions))
                    self.assertEqual(fractions[-1], 1.0)
            self.assertGreaterEqual(np.median(overlaps), 0.90)

    def test_other_array_axis_and_oblique_grid(self):
        direction = rigid_lps(degrees=40, axis=(1, 0.5, 0))[:3, :3]
        scan = lesion_image("blurred", 3, shape=(36, 36, 60), spacing_mm=(1.4, 2.2, 2.2), direction_lps=direction)
        carried = carry_slices(scan.image, scan.geometry, middle_slice(scan.lesions[0], axis=1), axis=1)
        self.assertGreaterEqual(dice(carried.mask, scan.lesions[0]), 0.90)


class StopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scan = lesion_image("necrotic_core", 2, shape=(20, 72, 72))
        cls.drawn = middle_slice(cls.scan.lesions[0])
        cls.k = int(np.flatnonzero(cls.drawn.any(axis=(1, 2)))[0])

    def test_border_of_the_image(self):
        kept = slice(self.k - 2, self.k + 3)
        grid = Geometry(self.scan.image[kept].shape, self.scan.geometry.ijk_to_lps)
        carried = carry_slices(self.scan.image[kept], grid, self.drawn[kept])
        self.assertEqual((carried.first.reason, carried.last.reason), ("image border", "image border"))
        self.assertEqual((carried.first.last_slice, carried.last.last_slice), (0, 4))
        self.assertIn("beyond", carried.last.sentence)

    def test_limit(self):
        carried = carry_slices(self.scan.image, self.scan.geometry, self.drawn, most_slices=1)
        self.assertEqual((carried.first.last_slice, carried.last.last_slice), (self.k - 1, self.k + 1))
        self.assertEqual(carried.first.reason, "limit")

    def test_edge_vanishes_at_once(self):
        image = self.scan.image.copy()
        rng = np.random.default_rng(0)
        image[self.k + 1 :] = 100 + 8 * rng.standard_normal(image[self.k + 1 :].shape)
        carried = carry_slices(image, self.scan.geometry, self.drawn)
        self.assertEqual((carried.last.reason, carried.last.last_slice), ("edge lost", self.k))
        image[self.k + 1 :] = np.nan
        carried = carry_slices(image, self.scan.geometry, self.drawn)
        self.assertEqual(carried.last.last_slice, self.k)
        self.assertTrue(np.isfinite(image[carried.mask]).all())

    def test_outline_jumps_in_size(self):
        shape = (5, 80, 80)
        j, i = np.mgrid[:80, :80]
        distance = np.hypot(j - 40, i - 40)
        radii = (10, 10, 10, 16, 16)
        image = np.stack([np.where(distance < radius, 60.0, 100.0) for radius in radii])
        image += np.random.default_rng(1).normal(0, 4, shape)
        drawn = np.zeros(shape, bool)
        drawn[1] = distance < 10
        carried = carry_slices(image, Geometry.from_parts(shape, (1, 1, 5)), drawn)
        self.assertEqual((carried.last.reason, carried.last.last_slice), ("area exploded", 2))
        self.assertEqual((carried.first.reason, carried.first.last_slice), ("image border", 0))


if __name__ == "__main__":
    unittest.main()

"""Growing an outline from one click: bad input, truth on noisy lesions, nested strengths, borders, neighbours."""

import unittest

import numpy as np
from scipy import ndimage

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.outlining import LesionGrowth, grow_lesion
from HCCResponseLib.lesions.outlining.grid import kji_to_lps
from HCCResponseLib.phantom.lesion_images import LESION_KINDS, LesionModel, lesion_image, rigid_lps

SMALL = {"shape": (24, 72, 72), "spacing_mm": (1.25, 1.25, 3.0)}


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def middle_of(scan, number=0):
    return kji_to_lps(scan.geometry, ndimage.center_of_mass(scan.lesions[number]))


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scan = lesion_image("hypovascular", 1, **SMALL)
        cls.seed = middle_of(cls.scan)

    def test_click_outside_the_image(self):
        for kji in ([-2, 30, 30], [30, 30, 30], [10, -1, 30], [10, 72, 30], [10, 30, 90]):
            with self.assertRaisesRegex(InputError, "outside the image"):
                grow_lesion(self.scan.image, self.scan.geometry, kji_to_lps(self.scan.geometry, kji))
        with self.assertRaisesRegex(InputError, "outside the image"):
            grow_lesion(self.scan.image, self.scan.geometry, [np.nan, 0, 0])

    def test_click_on_a_voxel_without_value(self):
        image = self.scan.image.copy()
        image[12, 36, 36] = np.nan
        with self.assertRaisesRegex(InputError, "no value"):
            grow_lesion(image, self.scan.geometry, kji_to_lps(self.scan.geometry, [12, 36, 36]))

    def test_constant_image(self):
        with self.assertRaisesRegex(InputError, "does not vary"):
            grow_lesion(np.full_like(self.scan.image, 7), self.scan.geometry, self.seed)

    def test_noise_has_no_edge(self):
        rng = np.random.default_rng(3)
        for _repeat in range(3):
            with self.assertRaisesRegex(InputError, "No edge"):
                grow_lesion(100 + 8 * rng.standard_normal(self.scan.image.shape), self.scan.geometry, self.seed)

    def test_image_that_does_not_fit_its_geometry(self):
        with self.assertRaises(GeometryError):
            grow_lesion(self.scan.image[1:], self.scan.geometry, self.seed)

    def test_sheared_grid(self):
        matrix = self.scan.geometry.ijk_to_lps.copy()
        matrix[:3, 2] += 0.3 * matrix[:3, 1] * 3
        with self.assertRaisesRegex(GeometryError, "sheared"):
            grow_lesion(self.scan.image, Geometry(self.scan.geometry.shape, matrix), self.seed)

    def test_a_single_slice(self):
        with self.assertRaisesRegex(InputError, "three slices"):
            grow_lesion(self.scan.image[:1], Geometry((1, 72, 72), self.scan.geometry.ijk_to_lps), self.seed)

    def test_image_without_numbers(self):
        with self.assertRaises(InputError):
            grow_lesion(self.scan.lesions[0], self.scan.geometry, self.seed)

    def test_strength_and_size_out_of_range(self):
        growth = LesionGrowth(self.scan.image, self.scan.geometry, self.seed)
        for strength in (-0.1, 1.1, np.nan):
            with self.assertRaises(InputError):
                growth.outline(strength)
        for diameter in (0, -5, np.nan, np.inf):
            with self.assertRaises(InputError):
                LesionGrowth(self.scan.image, self.scan.geometry, self.seed, max_diameter_mm=diameter)


class TruthTest(unittest.TestCase):
    def test_every_kind_from_a_click_near_the_middle_and_on_the_edge(self):
        for kind in LESION_KINDS:
            middle, edge = [], []
            for seed in range(3):
                scan = lesion_image(kind, seed, **SMALL)
                truth = scan.lesions[0]
                rng = np.random.default_rng(seed)
                before = scan.image.copy()
                found = grow_lesion(scan.image, scan.geometry, middle_of(scan) + rng.normal(0, 2, 3))
                middle.append(dice(found.mask, truth))
                np.testing.assert_array_equal(scan.image, before)
                rim = np.argwhere(truth & ~ndimage.binary_erosion(truth))
                click = kji_to_lps(scan.geometry, rim[rng.integers(len(rim))])
                edge.append(dice(grow_lesion(scan.image, scan.geometry, click).mask, truth))
            with self.subTest(kind=kind):
                self.assertGreaterEqual(np.median(middle), 0.90)
                self.assertGreaterEqual(np.median(edge), 0.90)

    def test_integers_give_the_same_outline(self):
        scan = lesion_image("blurred", 5, **SMALL)
        whole = np.rint(scan.image * 10).astype(np.int16)
        found = grow_lesion(whole, scan.geometry, middle_of(scan)).mask
        self.assertGreater(dice(found, grow_lesion(whole.astype(float), scan.geometry, middle_of(scan)).mask), 0.999)

    def test_oblique_grid(self):
        direction = rigid_lps(degrees=35, axis=(1, 1, 0.4))[:3, :3]
        scan = lesion_image("necrotic_core", 2, direction_lps=direction, **SMALL)
        self.assertGreaterEqual(dice(grow_lesion(scan.image, scan.geometry, middle_of(scan)).mask, scan.lesions[0]), 0.90)

    def test_only_the_clicked_one_of_two_touching_lesions(self):
        centre = np.array([-75.0, 0.0, 0.0])
        neighbour = LesionModel("hypovascular", tuple(centre + (25, 10, 0)), 24.0, 3)
        scan = lesion_image("hypovascular", 4, centre_lps=tuple(centre), neighbours=(neighbour,), shape=(24, 80, 80))
        clicked, other = scan.lesions
        found = grow_lesion(scan.image, scan.geometry, middle_of(scan)).mask
        self.assertGreaterEqual(dice(found, clicked & ~other), 0.85)
        self.assertLess(np.count_nonzero(found & other & ~clicked), 0.15 * np.count_nonzero(other))


class CoreInRimTest(unittest.TestCase):
    """The bright core of a dark-rimmed lesion may stand out more than the rim."""

    def grow(self, seed, noise):
        scan = lesion_image("dark_rim", seed, contrast_to_noise=noise)
        click = middle_of(scan) + np.random.default_rng(seed).normal(0, 3.0, 3)
        grown = grow_lesion(scan.image, scan.geometry, click)
        return dice(grown.mask, scan.lesions[0]), grown

    def test_the_rim_is_found_from_the_core(self):
        for seed, noise in ((2005, 3.0), (2037, 5.0)):  # once 0.62 and 0.63
            overlap, grown = self.grow(seed, noise)
            self.assertGreater(overlap, 0.9)
            self.assertEqual(grown.problems, ())

    def test_a_core_taken_for_the_lesion_is_said(self):
        overlap, grown = self.grow(1045, 5.0)
        self.assertTrue(overlap > 0.85 or grown.problems, overlap)
        if grown.problems:
            self.assertIn("core of a larger lesion", grown.problems[0])
            self.assertEqual(grown.notes[: len(grown.problems)], grown.problems)

    def test_right_outlines_have_no_problem(self):
        for kind in LESION_KINDS:
            scan = lesion_image(kind, 7, **SMALL)
            self.assertEqual(grow_lesion(scan.image, scan.geometry, middle_of(scan)).problems, ())


class StrengthTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scan = lesion_image("bright_rim", 7, **SMALL)
        cls.growth = LesionGrowth(cls.scan.image, cls.scan.geometry, middle_of(cls.scan), max_diameter_mm=60)

    def test_nested(self):
        before = None
        for strength in np.linspace(0, 1, 41):
            mask = self.growth.outline(strength).mask
            if before is not None:
                self.assertFalse((before & ~mask).any())
            before = mask

    def test_volume_from_an_eighth_to_eight_times(self):
        size = {strength: np.count_nonzero(self.growth.outline(strength).mask) for strength in (0, 0.25, 0.5, 0.75)}
        for strength, factor in ((0, 1 / 8), (0.25, 8**-0.5), (0.75, 8**0.5)):
            self.assertAlmostEqual(size[strength] / size[0.5], factor, delta=0.02 * factor)

    def test_bounded_and_connected(self):
        for diameter in (60, 36):
            growth = LesionGrowth(self.scan.image, self.scan.geometry, middle_of(self.scan), max_diameter_mm=diameter)
            for strength in (0.0, 0.5, 1.0):
                mask = growth.outline(strength).mask
                distance = np.linalg.norm(kji_to_lps(self.scan.geometry, np.argwhere(mask)) - growth.centre_lps, axis=1)
                self.assertLessEqual(distance.max(), diameter / 2 + 1e-3)
                self.assertEqual(ndimage.label(mask)[1], 1)

    def test_too_small_a_bound_is_refused(self):
        with self.assertRaisesRegex(InputError, "up to 16 mm"):
            LesionGrowth(self.scan.image, self.scan.geometry, middle_of(self.scan), max_diameter_mm=16)

    def test_voxels_larger_than_the_bound_are_refused(self):
        matrix = self.scan.geometry.ijk_to_lps.copy()
        matrix[:3, :3] *= 8
        thick = Geometry(self.scan.geometry.shape, matrix)
        with self.assertRaises(InputError):
            LesionGrowth(self.scan.image, thick, kji_to_lps(thick, [12.5, 36.5, 36.5]), max_diameter_mm=6)

    def test_reaching_the_largest_size_is_said(self):
        scan = lesion_image("hypovascular", 3, diameter_mm=30, **SMALL)
        found = grow_lesion(scan.image, scan.geometry, middle_of(scan), max_diameter_mm=31)
        self.assertTrue(any("largest size" in note for note in found.notes), found.notes)


class BorderTest(unittest.TestCase):
    def test_voxels_without_value_are_outside_and_it_is_said(self):
        scan = lesion_image("hypovascular", 6, **SMALL)
        middle = np.rint(ndimage.center_of_mass(scan.lesions[0])).astype(int)
        for bad in (np.nan, np.inf):
            image = scan.image.copy()
            image[:, :, middle[2] + 4 :] = bad
            found = grow_lesion(image, scan.geometry, middle_of(scan) - (3, 0, 0))
            self.assertFalse(found.mask[~np.isfinite(image)].any())
            self.assertGreaterEqual(dice(found.mask, scan.lesions[0] & np.isfinite(image)), 0.88)
            self.assertTrue(any("without a value" in note for note in found.notes), found.notes)

    def test_lesion_cut_by_the_last_slice_and_by_a_side(self):
        scan = lesion_image("blurred", 8, **SMALL)
        k, j, _i = np.rint(ndimage.center_of_mass(scan.lesions[0])).astype(int)
        for cut in (np.s_[: k + 2, :, :], np.s_[:, j - 3 :, :]):
            image, truth = scan.image[cut], scan.lesions[0][cut]
            matrix = scan.geometry.ijk_to_lps.copy()
            matrix[:3, 3] = kji_to_lps(scan.geometry, [part.start or 0 for part in cut])
            geometry = Geometry(image.shape, matrix)
            found = grow_lesion(image, geometry, kji_to_lps(geometry, ndimage.center_of_mass(truth)))
            self.assertGreaterEqual(dice(found.mask, truth), 0.88)
            self.assertTrue(any("border of the image" in note for note in found.notes), found.notes)


if __name__ == "__main__":
    unittest.main()

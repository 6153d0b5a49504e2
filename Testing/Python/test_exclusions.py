"""Sharpness of a lesion's edge, confluent lesions, exclusion flags."""

import unittest

import numpy as np
from lesion_shapes import box_geometry, ellipsoid, positions, rotation
from scipy.special import erf

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.edge_sharpness import EdgeSharpness, measure_edge_sharpness
from HCCResponseLib.lesions.exclusions import ExclusionReason, exclusion_flags, find_confluent_lesions


class TestEdgeSharpness(unittest.TestCase):
    def setUp(self):
        self.geometry = box_geometry(56.0, (1.2, 1.2, 3.0), rotation((1.0, 0.2, 0.1), 20.0))
        centre = np.array([0.4, -0.2, 0.3])
        self.lesion = ellipsoid(self.geometry, centre, (14.0,) * 3)
        self.depth = 14.0 - np.linalg.norm(positions(self.geometry) - centre, axis=-1)
        self.noise = np.random.default_rng(1).normal(size=self.geometry.shape)

    def measure(self, blur_mm, contrast=40.0, noise=4.0, rim=0.0):
        image = 100.0 + contrast * 0.5 * (1 + erf(self.depth / (np.sqrt(2.0) * blur_mm)))
        image += rim * np.exp(-0.5 * ((self.depth - 1.5) / 1.0) ** 2)
        return measure_edge_sharpness(image + noise * self.noise, self.lesion, self.geometry)

    def test_width_is_two_and_a_half_times_the_blur(self):
        for blur in (1.5, 2.5, 3.5):
            result = self.measure(blur)
            # The profile is smoothed by 1 mm, and the pixels blur a little more.
            self.assertAlmostEqual(result.width_mm, np.sqrt(2 * np.pi) * np.hypot(blur, 1.0), delta=0.9)
            self.assertGreater(result.visible_fraction, 0.95)
            self.assertAlmostEqual(result.noise_sd, 4.0, delta=0.6)

    def test_dark_lesion_and_bright_rim(self):
        self.assertAlmostEqual(self.measure(1.0, -40.0).width_mm, self.measure(1.0, 40.0).width_mm, delta=0.3)
        rim = self.measure(1.0, 0.0, rim=60.0)
        self.assertGreater(rim.visible_fraction, 0.95)
        self.assertLess(rim.width_mm, 4.5)

    def test_no_edge(self):
        result = self.measure(1.0, contrast=0.0)
        self.assertEqual(result.visible_fraction, 0.0)
        self.assertTrue(np.isnan(result.width_mm))

    def test_edge_on_one_side_only(self):
        image = 100.0 + 40.0 * self.lesion + 40.0 * (positions(self.geometry)[..., 0] > 0.4) * ~self.lesion
        result = measure_edge_sharpness(image + 4.0 * self.noise, self.lesion, self.geometry)
        self.assertAlmostEqual(result.visible_fraction, 0.5, delta=0.12)

    def test_bad_input(self):
        image = 100.0 + self.noise
        with self.assertRaisesRegex(InputError, "noise"):
            measure_edge_sharpness(np.full(image.shape, 5.0), self.lesion, self.geometry)
        with self.assertRaisesRegex(InputError, "cannot be measured"):
            measure_edge_sharpness(np.full(image.shape, np.nan), self.lesion, self.geometry)
        with self.assertRaises(GeometryError):
            measure_edge_sharpness(image[:-1], self.lesion, self.geometry)
        with self.assertRaises(InputError):
            measure_edge_sharpness(image, np.zeros_like(self.lesion), self.geometry)

    def test_nan_and_border_leave_profiles_out(self):
        image = 100.0 + 40.0 * self.lesion + 4.0 * self.noise
        whole = measure_edge_sharpness(image, self.lesion, self.geometry)
        image[:, :, : image.shape[2] // 2] = np.nan
        half = measure_edge_sharpness(image, self.lesion, self.geometry)
        self.assertLess(half.profiles, 0.55 * whole.profiles)
        self.assertGreater(half.profiles, 0.2 * whole.profiles)
        self.assertAlmostEqual(half.width_mm, whole.width_mm, delta=0.5)


class TestConfluent(unittest.TestCase):
    def setUp(self):
        self.geometry = Geometry.from_parts((6, 10, 12), (1.0, 1.0, 2.0))

    def mask(self, *box):
        mask = np.zeros(self.geometry.shape, dtype=bool)
        mask[tuple(slice(*part) for part in box)] = True
        return mask

    def test_touching_overlapping_and_apart(self):
        lesion = self.mask((0, 3), (0, 5), (0, 5))
        others = {
            "face": self.mask((0, 3), (0, 5), (5, 8)),
            "corner": self.mask((3, 5), (5, 7), (5, 7)),
            "inside": self.mask((1, 2), (1, 2), (1, 2)),
            "one voxel apart": self.mask((0, 3), (6, 9), (0, 5)),
            "far": self.mask((5, 6), (9, 10), (11, 12)),
        }
        self.assertEqual(find_confluent_lesions(lesion, others, self.geometry), ("face", "corner", "inside"))

    def test_empty_or_other_grid(self):
        lesion = self.mask((0, 3), (0, 5), (0, 5))
        with self.assertRaisesRegex(InputError, "HCC 2"):
            find_confluent_lesions(lesion, {"HCC 2": np.zeros_like(lesion)}, self.geometry)
        with self.assertRaises(GeometryError):
            find_confluent_lesions(lesion, {"HCC 2": lesion[1:]}, self.geometry)


class TestFlags(unittest.TestCase):
    def reasons(self, **facts):
        return [flag.reason for flag in exclusion_flags(**facts)]

    def sharpness(self, width, visible):
        return EdgeSharpness(width, visible, 5.0, 1.0, 100, "", {})

    def test_ordinary_lesion(self):
        self.assertEqual(self.reasons(diameters_mm=(25.0, 27.0), sharpness=self.sharpness(3.5, 1.0)), [])
        self.assertEqual(self.reasons(), [])

    def test_small_stable_unproven(self):
        small = [ExclusionReason.SMALL_AND_STABLE]
        self.assertEqual(self.reasons(diameters_mm=(8.0, 9.0, 8.5)), small)
        self.assertEqual(self.reasons(diameters_mm=(8.0, 9.0, 8.5), proven=True), [])
        self.assertEqual(self.reasons(diameters_mm=(8.0,)), [])  # stability is not known
        self.assertEqual(self.reasons(diameters_mm=(7.0, 9.5)), [])  # grew
        self.assertEqual(self.reasons(diameters_mm=(9.0, 10.0)), [])  # not under 10 mm
        self.assertIn("8.0 to 9.0 mm in 3 examinations", exclusion_flags(diameters_mm=(8.0, 9.0, 8.5))[0].sentence)
        for diameters in ((8.0, -1.0), (8.0, float("nan"))):
            with self.assertRaises(InputError):
                exclusion_flags(diameters_mm=diameters)

    def test_the_others(self):
        self.assertEqual(self.reasons(previous_treatment="TACE"), [ExclusionReason.TREATED_BEFORE])
        self.assertEqual(self.reasons(sharpness=self.sharpness(7.5, 1.0)), [ExclusionReason.ILL_DEFINED])
        self.assertEqual(self.reasons(sharpness=self.sharpness(3.0, 0.4)), [ExclusionReason.ILL_DEFINED])
        self.assertEqual(self.reasons(sharpness=self.sharpness(float("nan"), 0.0)), [ExclusionReason.ILL_DEFINED])
        self.assertEqual(self.reasons(confluent_with=("HCC 2", "HCC 3")), [ExclusionReason.CONFLUENT])
        self.assertIn("HCC 2 and HCC 3", exclusion_flags(confluent_with=("HCC 2", "HCC 3"))[0].sentence)
        everything = self.reasons(
            diameters_mm=(8.0, 8.0),
            previous_treatment="RFA",
            sharpness=self.sharpness(9.0, 1.0),
            confluent_with=("HCC 2",),
        )
        self.assertEqual(everything, list(ExclusionReason))


if __name__ == "__main__":
    unittest.main()

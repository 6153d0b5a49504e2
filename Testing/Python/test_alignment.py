"""Whether images before and after contrast lie on each other."""

import unittest

import numpy as np
from lesion_shapes import box_geometry, ellipsoid, positions, rotation
from scipy.special import erf

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.lesions.alignment import check_alignment


class TestAlignment(unittest.TestCase):
    def setUp(self):
        self.geometry = box_geometry(84.0, (1.5, 1.5, 3.0), rotation((1.0, 0.3, 0.2), 15.0))
        self.lesion = ellipsoid(self.geometry, (0.0, 0.0, 0.0), (12.0,) * 3)
        rng = np.random.default_rng(1)
        # A lesion, the surface of the liver, and thirty pieces of vessel; each with its own signal before and after contrast.
        self.places = np.vstack([[0.0, 0.0, 0.0], [30.0, 0.0, 0.0], rng.uniform(-35, 35, (30, 3))])
        self.radii = np.concatenate([[12.0, 45.0], rng.uniform(2.5, 4.0, 30)])
        self.before = np.concatenate([[-15.0, 20.0], np.full(30, -12.0)])
        self.after = np.concatenate([[25.0, 30.0], np.full(30, 45.0)])
        self.rng = rng

    def image(self, signals, shift=(0.0, 0.0, 0.0), noise=5.0):
        at = positions(self.geometry) - np.asarray(shift)
        image = np.full(self.geometry.shape, 60.0)
        for place, radius, signal in zip(self.places, self.radii, signals, strict=True):
            image += signal * 0.5 * (1 + erf(radius - np.linalg.norm(at - place, axis=-1)))
        return image + self.rng.normal(size=image.shape) * noise

    def check(self, shift, **options):
        return check_alignment(self.image(self.before), self.image(self.after, shift), self.lesion, self.geometry, **options)

    def test_shifts_are_found_although_contrast_reverses_the_edges(self):
        for shift in ((0.0, 0.0, 0.0), (3.0, -2.0, 1.0), (-6.0, 1.0, 4.5)):
            result = self.check(shift)
            np.testing.assert_allclose(result.shift_lps, shift, atol=0.5)
            self.assertAlmostEqual(result.shift_mm, np.linalg.norm(result.shift_lps))
            self.assertTrue(result.clear)
            self.assertEqual(result.aligned, not any(shift))
            self.assertGreaterEqual(result.best_similarity, result.similarity)
        self.assertIn("Not aligned", result.sentence)

    def test_tolerance(self):
        self.assertTrue(self.check((0.6, 0.0, 0.0)).aligned)
        self.assertFalse(self.check((2.2, 0.0, 0.0)).aligned)
        self.assertTrue(self.check((2.2, 0.0, 0.0), tolerance_voxels=2.0).aligned)

    def test_nothing_in_common_is_said(self):
        noise = self.rng.normal(size=(2, *self.geometry.shape))
        result = check_alignment(noise[0], noise[1], self.lesion, self.geometry)
        self.assertFalse(result.clear)
        self.assertFalse(result.aligned)
        self.assertIn("too few edges", result.sentence)

    def test_lesion_at_the_border_and_voxels_without_signal(self):
        pre, post = self.image(self.before), self.image(self.after, (3.0, 0.0, 0.0))
        lesion = np.zeros_like(self.lesion)
        lesion[-3:, :10, :10] = True
        pre[:4] = np.nan
        post[:, :, -6:] = np.inf
        result = check_alignment(pre, post, lesion, self.geometry)
        np.testing.assert_allclose(result.shift_lps, (3.0, 0.0, 0.0), atol=1.0)

    def test_one_slice(self):
        geometry = box_geometry(84.0, (1.5, 1.5, 90.0))
        self.geometry = geometry
        lesion = ellipsoid(geometry, (0.0, 0.0, 0.0), (12.0,) * 3)
        result = check_alignment(self.image(self.before), self.image(self.after, (3.0, 0.0, 0.0)), lesion, geometry)
        np.testing.assert_allclose(result.shift_lps, (3.0, 0.0, 0.0), atol=0.6)

    def test_bad_input(self):
        pre, post = self.image(self.before), self.image(self.after)
        with self.assertRaisesRegex(GeometryError, "post-contrast"):
            check_alignment(pre, post[1:], self.lesion, self.geometry)
        with self.assertRaisesRegex(InputError, "empty"):
            check_alignment(pre, post, np.zeros_like(self.lesion), self.geometry)
        with self.assertRaisesRegex(InputError, "pre-contrast image has no edges"):
            check_alignment(np.full(pre.shape, np.nan), post, self.lesion, self.geometry)
        with self.assertRaisesRegex(InputError, "post-contrast image has no edges"):
            check_alignment(pre, np.full(pre.shape, 7.0), self.lesion, self.geometry)
        with self.assertRaises(InputError):
            check_alignment(pre, post, self.lesion, self.geometry, margin_mm=0.0)


if __name__ == "__main__":
    unittest.main()

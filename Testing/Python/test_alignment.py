"""Whether images before and after contrast lie on each other."""

import unittest

import numpy as np
from lesion_shapes import box_geometry, ellipsoid, positions, rotation
from scipy.special import erf

from HCCResponseLib.errors import Cancelled, GeometryError, InputError
from HCCResponseLib.lesions.alignment import align_images, check_alignment


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

    def image(self, signals, shift=(0.0, 0.0, 0.0), noise=5.0, turn=None):
        at = positions(self.geometry) - np.asarray(shift)
        at = at if turn is None else at @ turn  # turned back into the tissue's own frame
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

    def test_rigid_registration(self):
        turn, shift = rotation((0.2, 1.0, 0.3), 4.0), np.array([5.0, -3.0, 4.0])
        pre, post = self.image(self.before), self.image(self.after, shift, turn=turn)
        told = []
        result = align_images(pre, post, self.lesion, self.geometry, progress=told.append)
        self.assertTrue(result.improved, result.sentence)
        self.assertFalse(result.before.aligned)
        self.assertTrue(result.after.aligned, result.after.sentence)
        corners = np.array([[x, y, z] for x in (-15, 15) for y in (-15, 15) for z in (-15, 15)], dtype=float)
        moved = corners @ result.matrix[:3, :3].T + result.matrix[:3, 3]
        self.assertLess(np.linalg.norm(moved - (corners @ turn.T + shift), axis=1).max(), 1.0)
        clean = self.image(self.after, noise=0.0)
        near = np.linalg.norm(positions(self.geometry), axis=-1) < 25.0
        self.assertLess(np.abs(result.image - clean)[near].mean(), 0.6 * np.abs(post - clean)[near].mean())
        self.assertEqual(told, sorted(told))
        self.assertAlmostEqual(told[-1], 1.0)

    def test_registration_that_does_not_help_changes_nothing(self):
        noise = self.rng.normal(size=(2, *self.geometry.shape))
        result = align_images(noise[0], noise[1], self.lesion, self.geometry)
        self.assertFalse(result.improved)
        np.testing.assert_array_equal(result.image, noise[1])
        np.testing.assert_array_equal(result.matrix, np.eye(4))
        self.assertIn("did not help", result.sentence)

    def test_images_that_fit_are_left_as_they_are(self):
        post = self.image(self.after)
        result = align_images(self.image(self.before), post, self.lesion, self.geometry)
        self.assertFalse(result.improved, result.sentence)
        self.assertTrue(result.after.aligned)
        np.testing.assert_array_equal(result.image, post)

    def test_registration_can_be_stopped(self):
        with self.assertRaises(Cancelled):
            align_images(self.image(self.before), self.image(self.after), self.lesion, self.geometry, progress=lambda part: part < 0.2)

    def test_bad_grids_for_a_registration(self):
        thin = box_geometry(84.0, (1.5, 1.5, 40.0))
        self.geometry, whole = thin, self.geometry
        lesion = ellipsoid(thin, (0.0, 0.0, 0.0), (25.0,) * 3)
        with self.assertRaisesRegex(InputError, "too thin"):
            align_images(self.image(self.before), self.image(self.after), lesion, thin)
        matrix = whole.ijk_to_lps.copy()
        matrix[:3, 2] += 0.5 * matrix[:3, 0]
        self.geometry = type(whole)(whole.shape, matrix)
        with self.assertRaisesRegex(GeometryError, "sheared"):
            align_images(self.image(self.before), self.image(self.after), self.lesion, self.geometry)

    def test_registration_with_voxels_without_signal(self):
        pre, post = self.image(self.before), self.image(self.after, (6.0, 0.0, 0.0))
        pre[:3] = np.nan
        post[:, :4] = np.nan
        result = align_images(pre, post, self.lesion, self.geometry)
        self.assertTrue(result.improved, result.sentence)
        self.assertLess(result.after.shift_mm, 1.0)
        self.assertTrue(np.isnan(result.image).any())


if __name__ == "__main__":
    unittest.main()

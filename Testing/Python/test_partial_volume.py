"""Voxels of one tissue alone, and the signal of a tissue that is thinner than the voxels."""

import unittest

import numpy as np

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.half_enhancement import half_enhancement
from HCCResponseLib.lesions.inputs import require_reference
from HCCResponseLib.lesions.partial_volume import part_fractions, part_signal, pure_voxels

FINE = Geometry.from_parts((30, 60, 60), (1.0, 1.0, 2.0), (-29.5, -29.5, -29.0))
COARSE = Geometry.from_parts((15, 20, 20), (3.0, 3.0, 4.0), (-28.5, -28.5, -28.0))
k, j, i = np.indices(FINE.shape)
RADIUS = np.sqrt((i - 29.5) ** 2 + (j - 29.5) ** 2 + (2 * k - 29.0) ** 2)
LESION, CORE = RADIUS < 20.0, RADIUS < 16.0


def shares(inside) -> np.ndarray:
    """True share of each coarse voxel inside a shape, from a lattice of 0.25 mm."""
    steps = [np.arange(-28.0 + o - s / 2 + 0.125, 30.0, 0.25) for o, s in ((0, 4.0), (-0.5, 3.0), (-0.5, 3.0))]
    z, y, x = (along[: n * int(s * 4)] for along, n, s in zip(steps, COARSE.shape, (4.0, 3.0, 3.0), strict=True))
    fine = inside(np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2))
    return fine.reshape(15, 16, 20, 12, 20, 12).mean(axis=(1, 3, 5))


class TestPureVoxels(unittest.TestCase):
    def test_they_are_those_filled_by_the_region(self):
        pure = pure_voxels(LESION, FINE, COARSE)
        true = shares(lambda r: r < 20.0)
        self.assertGreater(true[pure].min(), 0.9)
        self.assertGreater(true[pure].mean(), 0.99)
        self.assertGreater(np.count_nonzero(pure), 0.95 * np.count_nonzero(true > 0.999))

    def test_the_same_grid_without_a_margin_is_the_region_itself(self):
        np.testing.assert_array_equal(pure_voxels(LESION, FINE, FINE), LESION)

    def test_a_margin_takes_a_layer_away(self):
        box = np.zeros(FINE.shape, bool)
        box[5:25, 10:50, 10:50] = True
        found = pure_voxels(box, FINE, FINE, erode_mm=0.9)
        expected = np.zeros_like(box)
        expected[6:24, 11:49, 11:49] = True
        np.testing.assert_array_equal(found, expected)

    def test_a_region_thinner_than_the_voxels_has_none(self):
        self.assertFalse(pure_voxels(LESION & (RADIUS > 18.5), FINE, COARSE).any())

    def test_a_region_beside_the_image_has_none(self):
        far = Geometry.from_parts(COARSE.shape, COARSE.spacing_mm, (500.0, 0.0, 0.0))
        self.assertFalse(pure_voxels(LESION, FINE, far).any())

    def test_bad_input(self):
        for arguments, error in (
            ((np.zeros(FINE.shape, bool), FINE, COARSE, 0.0), InputError),
            ((LESION, COARSE, FINE, 0.0), GeometryError),
            ((LESION, FINE, COARSE, -1.0), InputError),
            ((LESION, FINE, COARSE, np.nan), InputError),
        ):
            with self.assertRaises(error):
                pure_voxels(*arguments[:3], erode_mm=arguments[3])


class TestParts(unittest.TestCase):
    def test_shares_are_those_of_the_shapes(self):
        found = part_fractions(LESION, CORE, FINE, COARSE)
        for part, true in ((found.dead, shares(lambda r: r < 16.0)), (found.viable, shares(lambda r: (r < 20.0) & (r >= 16.0)))):
            self.assertLess(np.abs(part - true[found.box]).max(), 0.08)
            self.assertAlmostEqual(part.sum(), true.sum(), delta=0.01 * true.sum())
        np.testing.assert_allclose(found.viable + found.dead + found.around, 1.0, atol=1e-12)

    def test_signal_of_a_rim_of_four_millimetres(self):
        viable, dead, around = np.array([100.0, 60.0]), np.array([300.0, 250.0]), np.array([150.0, 90.0])
        outer, inner = shares(lambda r: r < 20.0), shares(lambda r: r < 16.0)
        signals = (outer - inner)[..., None] * viable + inner[..., None] * dead + (1 - outer)[..., None] * around
        signals += np.random.default_rng(3).normal(0, 2, signals.shape)
        mean = signals[(outer - inner) > 0.5].mean(axis=0)
        self.assertGreater(mean[0], 115.0)
        found, voxels = part_signal(signals, part_fractions(LESION, CORE, FINE, COARSE), "viable")
        np.testing.assert_allclose(found, viable, rtol=0.03)
        self.assertGreater(voxels, 8)
        np.testing.assert_allclose(part_signal(signals, part_fractions(LESION, CORE, FINE, COARSE), "dead")[0], dead, rtol=0.01)

    def test_a_lesion_without_a_dead_part(self):
        outer = shares(lambda r: r < 20.0)
        signals = (outer * 100.0 + (1 - outer) * 50.0)[..., None]
        fractions = part_fractions(LESION, np.zeros_like(LESION), FINE, COARSE)
        np.testing.assert_allclose(part_signal(signals, fractions, "viable")[0], [100.0], rtol=0.005)
        with self.assertRaisesRegex(InputError, "Only 0 voxels"):
            part_signal(signals, fractions, "dead")
        with self.assertRaisesRegex(InputError, "viable and dead"):
            part_signal(signals, fractions, "liver")


class TestHalfEnhancement(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(5)
        self.pre = self.rng.normal(100.0, 5.0, FINE.shape)
        self.liver = RADIUS > 25.0

    def reference(self, post):
        return require_reference((post - self.pre)[self.liver], np.ones(self.liver.sum(), bool), "liver", quantity="subtraction")

    def post(self, gain):
        return self.pre + np.where(self.liver, 80.0, gain) + self.rng.normal(0.0, 5.0, FINE.shape)

    def test_half_of_the_viable_level_whatever_its_share(self):
        for dead in (0.0, 12.0, 18.0):
            post = self.post(np.where(RADIUS < dead, 0.0, 120.0))
            found = half_enhancement(self.pre, post, LESION, FINE, self.reference(post))
            self.assertAlmostEqual(found.enhancement, 120.0, delta=1.0)
            self.assertAlmostEqual(found.value, 60.0, delta=0.5)

    def test_noise_is_not_viable_tissue(self):
        post = self.post(0.0)
        found = half_enhancement(self.pre, post, LESION, FINE, self.reference(post))
        self.assertTrue(np.isnan(found.enhancement))
        self.assertAlmostEqual(found.value, 20.0, delta=0.5)
        self.assertEqual(found.parameters["viable_enhancement"], "none")

    def test_bad_input(self):
        post = self.post(50.0)
        swapped = require_reference((self.pre - post)[self.liver], np.ones(self.liver.sum(), bool), "liver", quantity="subtraction")
        with self.assertRaisesRegex(InputError, "does not enhance"):
            half_enhancement(self.pre, post, LESION, FINE, swapped)
        before = require_reference(self.pre[self.liver], np.ones(self.liver.sum(), bool), "liver", quantity="signal before contrast")
        with self.assertRaisesRegex(InputError, "not on the subtraction"):
            half_enhancement(self.pre, post, LESION, FINE, before)


if __name__ == "__main__":
    unittest.main()

"""Noise of diffusion images: the level told from air, or honestly not, and the warning of the noise floor."""

import unittest

import numpy as np
from reference_data import reference_path, requires_reference

from HCCResponseLib.errors import InputError
from HCCResponseLib.phantom import noise, signals
from HCCResponseLib.quantification.diffusion import estimate_noise, fit_adc, noise_floor

B_VALUES = np.array([0.0, 50.0, 400.0, 800.0])


def body():
    """A round body in air: which voxels are body, and its noise-free signals."""
    _slices, rows, columns = np.mgrid[:10, :64, :64]
    inside = (rows - 32) ** 2 + (columns - 32) ** 2 < 26**2
    s0 = np.where(inside, 300 * (1 + 0.3 * np.sin(rows / 5)), 0)
    return inside, signals.diffusion(s0, np.where(columns < 32, 1e-3, 1.6e-3), B_VALUES)


class NoiseTest(unittest.TestCase):
    def setUp(self):
        self.inside, self.clean = body()

    def images(self, sigma, seed=0):
        return noise.rician(self.clean, sigma, seed)

    def assert_not_told(self, estimate, words):
        self.assertTrue(np.isnan(estimate.sigma))
        self.assertFalse(estimate.plain)
        self.assertEqual(estimate.voxels, 0)
        self.assertRegex(estimate.message, words)

    def test_from_the_air(self):
        for sigma in (2.0, 10.0, 40.0):
            for samples in (self.images(sigma), self.images(sigma).astype(np.float32), np.round(self.images(sigma)).astype(">i2")):
                estimate = estimate_noise(samples)
                self.assertTrue(estimate.plain, estimate.message)
                self.assertAlmostEqual(estimate.sigma / sigma, 1, delta=0.02)
                self.assertAlmostEqual(estimate.voxels / np.count_nonzero(~self.inside), 1, delta=0.05)
                self.assertIn(f"{estimate.sigma:.3g} from {estimate.voxels} voxels of air", estimate.message)

    def test_from_a_drawn_region(self):
        samples = self.images(10)
        self.assertAlmostEqual(estimate_noise(samples, background=~self.inside).sigma, 10, delta=0.2)
        self.assertAlmostEqual(estimate_noise(samples[..., 3:], background=~self.inside).sigma, 10, delta=0.2)
        self.assert_not_told(estimate_noise(samples[..., 3:]), "cannot be told")

    def test_a_region_of_tissue_is_not_taken_for_air(self):
        self.assert_not_told(estimate_noise(self.images(10), background=self.inside), "cannot be told")
        self.assert_not_told(estimate_noise(self.images(10)[self.inside]), "cannot be told")
        uniform = noise.rician(np.broadcast_to([100.0, 95.0, 70.0, 45.0], (5000, 4)), 2, seed=1)
        self.assert_not_told(estimate_noise(uniform), "cannot be told")

    def test_air_set_to_zero(self):
        samples = self.images(10)
        samples[~self.inside] = 0
        self.assert_not_told(estimate_noise(samples), r"the scanner set \d+ % of the voxels to zero\)\. Draw a region of air or enter")
        self.assert_not_told(estimate_noise(samples, background=~self.inside), "100 % of the voxels")

    def test_air_partly_set_to_zero(self):
        samples = self.images(10)
        samples[~self.inside & (np.random.default_rng(2).random(self.inside.shape) < 0.8)] = 0
        self.assertAlmostEqual(estimate_noise(samples).sigma, 10, delta=0.2)

    def test_bad_voxels_do_not_matter(self):
        samples = self.images(10)
        samples[::3, ::5] = np.nan
        samples[1, ::7, :, 2] = np.inf
        self.assertAlmostEqual(estimate_noise(samples).sigma, 10, delta=0.2)

    def test_averaged_and_combined_images_tell_the_floor_only(self):
        averaged = np.mean([self.images(10, seed) for seed in range(4)], axis=0)
        trace = self.images(10)
        trace[..., 1:] = np.exp(np.mean([np.log(self.images(10, seed)) for seed in range(3)], axis=0))[..., 1:]
        for samples in (averaged, trace):
            estimate = estimate_noise(samples)
            self.assertFalse(estimate.plain)
            self.assertIn("noise floor, not the noise of a single image", estimate.message)
            self.assertAlmostEqual(estimate.sigma / (samples[~self.inside].mean() / np.sqrt(np.pi / 2)), 1, delta=0.02)

    def test_too_little_to_tell(self):
        for samples in (np.zeros((0, 4)), np.ones((3, 4)), np.full((2000, 4), 7.0), np.zeros((2000, 4)), np.ones(4)):
            self.assert_not_told(estimate_noise(samples), "cannot be told")

    def test_many_voxels_are_thinned_out(self):
        samples = np.tile(self.images(10), (8, 1, 1, 1))
        estimate = estimate_noise(samples)
        self.assertLess(estimate.voxels, 200_000)
        self.assertAlmostEqual(estimate.sigma, 10, delta=0.2)

    def test_errors(self):
        with self.assertRaisesRegex(InputError, "complex"):
            estimate_noise(self.images(10) * 1j)
        with self.assertRaisesRegex(InputError, "mask has the shape"):
            estimate_noise(self.images(10), background=np.ones(3, bool))
        with self.assertRaisesRegex(InputError, "found a single number"):
            estimate_noise(5.0)


class NoiseFloorTest(unittest.TestCase):
    def test_share_of_each_b_value(self):
        samples = np.full((100, 4), 50.0)
        samples[:30, 3] = samples[:10, 2] = samples[:2, 1] = 20.0
        floor = noise_floor(samples, B_VALUES, 10)
        np.testing.assert_allclose(floor.share, [0, 0.02, 0.1, 0.3])
        np.testing.assert_array_equal(floor.b_values, B_VALUES)
        self.assertEqual((floor.voxels, floor.sigma), (100, 10.0))
        self.assertEqual(
            floor.warning,
            "Voxels within 3 standard deviations of the noise (10): 10 % at b = 400, 30 % at b = 800. "
            "Their ADC comes out too low; leave these b-values out or read those regions with care.",
        )
        self.assertEqual(noise_floor(samples, B_VALUES, 5).warning, "")

    def test_no_advice_that_leaves_one_b_value(self):
        self.assertNotIn("leave", noise_floor([[100.0, 20.0]], [0, 800], 10).warning)

    def test_repeats_are_averaged_and_order_does_not_matter(self):
        floor = noise_floor([[20.0, 100, 50, 50], [50.0, 100, 50, 50]], [800, 0, 400, 800], 10)
        np.testing.assert_array_equal(floor.b_values, [0, 400, 800])
        np.testing.assert_allclose(floor.share, [0, 0, 0.25])

    def test_air_counts_only_inside_a_mask(self):
        inside, clean = body()
        samples = noise.rician(clean, 10, seed=3)
        self.assertEqual(noise_floor(samples, B_VALUES, 10).warning, "")
        self.assertAlmostEqual(noise_floor(samples, B_VALUES, 10).voxels / np.count_nonzero(inside), 1, delta=0.02)
        everywhere = noise_floor(samples, B_VALUES, 10, mask=np.ones_like(inside))
        np.testing.assert_allclose(everywhere.share, np.mean(~inside), atol=0.02)

    def test_dark_lesion_inside_a_mask_counts(self):
        self.assertIn("100 % at b = 0", noise_floor(np.full((5, 4), 12.0), B_VALUES, 10, mask=np.ones(5, bool)).warning)

    def test_nothing_to_look_at(self):
        for samples in (np.zeros((0, 4)), np.full((5, 4), np.nan), np.ones((5, 4))):
            floor = noise_floor(samples, B_VALUES, 10)
            self.assertEqual(floor.voxels, 0)
            self.assertTrue(np.isnan(floor.share).all())
            self.assertIn("No voxel stands clear of the noise", floor.warning)

    def test_whole_numbers_and_input_kept(self):
        samples, mask = np.full((4, 4), 20, ">i2"), np.ones(4, bool)
        np.testing.assert_allclose(noise_floor(samples, B_VALUES, 10, mask=mask).share, 1)
        self.assertTrue(mask.all())

    def test_errors(self):
        for sigma in (0, -1, np.nan, np.inf):
            with self.assertRaisesRegex(InputError, "must be a positive number"):
                noise_floor(np.ones((2, 4)), B_VALUES, sigma)
        with self.assertRaisesRegex(InputError, "4 b-values but 3"):
            noise_floor(np.ones((2, 3)), B_VALUES, 1)

    def test_the_floor_lowers_the_adc_and_is_warned_of(self):
        """A signal-to-noise ratio of 20 at b = 0 leaves less than the noise at b = 1400."""
        b = [0, 400, 1400]
        samples = noise.rician(np.tile(signals.diffusion(100, 2.2e-3, b), (20000, 1)), 100 / 20, seed=4)
        bias = {method: np.nanmean(fit_adc(samples, b, method=method).adc) / 2.2e-3 - 1 for method in ("lls", "wlls", "nlls")}
        self.assertAlmostEqual(bias["lls"], -0.11, delta=0.01)
        self.assertAlmostEqual(bias["wlls"], -0.06, delta=0.01)
        self.assertAlmostEqual(bias["nlls"], -0.025, delta=0.01)
        self.assertIn("b = 1400", noise_floor(samples, b, 5).warning)


class TissueIsNoAirTest(unittest.TestCase):
    """Images whose air was set to zero: speckled tissue must not be taken for noise, or a mask made of it would cut the organ out."""

    def test_tissue_that_decays(self):
        generator = np.random.default_rng(5)
        tissue = np.stack([generator.rayleigh(600.0, 60_000), generator.rayleigh(270.0, 60_000)], axis=-1)
        signals = np.concatenate([np.zeros((30_000, 2)), tissue])
        self.assertTrue(np.isnan(estimate_noise(signals).sigma))

    def test_a_group_that_is_not_the_darkest(self):
        generator = np.random.default_rng(6)
        dark = generator.uniform(1.0, 60.0, (12_000, 2)) * [1.0, 0.3]
        speckle = generator.rayleigh(400.0, (60_000, 2))
        self.assertTrue(np.isnan(estimate_noise(np.concatenate([dark, speckle])).sigma))
        self.assertAlmostEqual(estimate_noise(speckle).sigma, 400.0, delta=8.0)

    @requires_reference("dwi_philips")
    def test_philips_series_with_air_set_to_zero(self):
        from HCCResponseLib.dicom import read_diffusion, scan_folder

        signals = read_diffusion(scan_folder(reference_path("dwi_philips")).series[0]).signals
        sigma = estimate_noise(signals).sigma
        self.assertFalse(sigma > 60.0, f"tissue was taken for air (sigma {sigma})")


if __name__ == "__main__":
    unittest.main()

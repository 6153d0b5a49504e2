"""ADC maps: bad input and bad voxels first, then numeric truth, SciPy's answers, uncertainty, and any layout of the arrays."""

import csv
import tracemalloc
import unittest

import numpy as np
from reference_data import reference_path, requires_reference
from scipy.optimize import curve_fit

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.phantom import noise, signals
from HCCResponseLib.quantification.diffusion import ADC_METHODS, AdcFit, DiffusionStatus, fit_adc
from HCCResponseLib.quantification.diffusion.voxels import SAMPLES_PER_BLOCK

B_VALUES = np.array([0.0, 50.0, 400.0, 800.0])
MAPS = ("adc", "s0", "r_squared", "adc_standard_error", "valid", "status")


def tissue(count, b_values=B_VALUES, seed=0):
    """S0, ADC [mm2/s] and noise-free signals."""
    generator = np.random.default_rng(seed)
    s0, adc = generator.uniform(50, 2000, count), generator.uniform(0.2e-3, 3.5e-3, count)
    return s0, adc, signals.diffusion(s0, adc, b_values)


def noisy(count, sigma=20.0, b_values=B_VALUES, seed=0):
    return noise.rician(tissue(count, b_values, seed)[2], sigma, seed)


class SameBits(unittest.TestCase):
    def assert_same_bits(self, one: AdcFit, other: AdcFit, where=..., where_other=...):
        for name in MAPS:
            first, second = getattr(one, name)[where], getattr(other, name)[where_other]
            self.assertEqual(first.dtype, second.dtype)
            np.testing.assert_array_equal(first, second, err_msg=name)


class ErrorsTest(unittest.TestCase):
    def setUp(self):
        self.signals = tissue(3)[2]

    def refuse(self, words, *arguments, **keywords):
        with self.assertRaisesRegex(InputError, words):
            fit_adc(*arguments, **keywords)

    def test_one_b_value(self):
        words = r"[Oo]nly one b-value \(b = 800\) was found; an ADC map needs two or more"
        self.refuse(words, self.signals[:, :1], [800])
        self.refuse(words, self.signals[:, :3], [800, 800, 800])

    def test_b_values_that_count_as_one(self):
        self.refuse("0, 0.001, 0.002 lie within 10 s/mm2 and count as one", self.signals[:, :3], [0, 0.001, 0.002])
        self.refuse("Check that they are in s/mm2", self.signals, [0, 0.05, 0.4, 0.8])

    def test_b_values_that_are_none(self):
        self.refuse("must be finite and not negative", self.signals, [0, 50, -400, 800])
        self.refuse("must be finite and not negative", self.signals, [0, 50, np.nan, 800])
        self.refuse("must be finite and not negative", self.signals, [0, 50, np.inf, 800])
        self.refuse("list of numbers", self.signals, ["zero", "fifty", 400, 800])
        self.refuse("list of numbers", self.signals, [[0, 50, 400, 800]])
        self.refuse("list of numbers", self.signals, [])
        self.refuse("list of numbers", self.signals, 800)

    def test_shapes(self):
        self.refuse("4 b-values but 3 diffusion images", self.signals[:, :3], B_VALUES)
        self.refuse("4 b-values but 0 diffusion images", 5.0, B_VALUES)
        self.refuse(r"mask has the shape \(4,\) but the diffusion images have \(3,\)", self.signals, B_VALUES, mask=np.ones(4, bool))
        self.refuse("mask must be an array of true/false", self.signals, B_VALUES, mask=np.ones(3))

    def test_kinds_of_numbers(self):
        self.refuse("complex; diffusion maps need magnitude", self.signals.astype(complex), B_VALUES)
        self.refuse("must be numbers", self.signals.astype(str), B_VALUES)
        self.refuse("must be numbers", self.signals > 0, B_VALUES)

    def test_method_and_noise(self):
        self.refuse("Unknown ADC method 'ols'; choose one of wlls, lls, nlls", self.signals, B_VALUES, method="ols")
        for sigma in (0, -1, np.nan, np.inf):
            self.refuse("noise's standard deviation must be a positive number", self.signals, B_VALUES, noise_sigma=sigma)


class RejectedVoxelsTest(SameBits):
    BAD = {
        DiffusionStatus.NOT_FINITE: [[np.nan, 90, 60, 40], [100, 90, np.inf, 40], [100, -np.inf, 60, 40], [np.nan] * 4],
        DiffusionStatus.NO_SIGNAL: [[0, 0, 0, 0], [-1, -2, -3, -4], [0, 0, -1, 0]],
        DiffusionStatus.NOT_POSITIVE: [[100, 90, 60, 0], [0, 90, 60, 40], [100, 90, -60, 40]],
        DiffusionStatus.NO_DECAY: [[40, 60, 90, 100], [70, 70, 70, 70]],
    }

    def test_every_reason_is_named_and_leaves_no_number(self):
        for method in ADC_METHODS:
            for dtype in (np.float32, np.float64):
                for status, voxels in self.BAD.items():
                    with self.subTest(method=method, dtype=dtype, status=status.name):
                        fit = fit_adc(np.array(voxels, dtype), B_VALUES, method=method)
                        np.testing.assert_array_equal(fit.status, np.full(len(voxels), status))
                        self.assertFalse(fit.valid.any())
                        for name in MAPS[:4]:
                            self.assertTrue(np.isnan(getattr(fit, name)).all(), name)

    def test_falling_beyond_measure(self):
        steep = fit_adc([1.0, 1e-300, 1e-300], [0, 100, 200], method="nlls")
        self.assertEqual(steep.status, DiffusionStatus.NO_SOLUTION)
        too_large = np.array([1e30, 1.0], np.float32)  # extrapolates to S0 = 1e60
        self.assertEqual(fit_adc(too_large, [1000, 2000]).status, DiffusionStatus.NO_SOLUTION)
        self.assertEqual(fit_adc(too_large.astype(float), [1000, 2000]).status, DiffusionStatus.OK)

    def test_neighbours_keep_every_bit(self):
        bad = [voxel for voxels in self.BAD.values() for voxel in voxels]
        generator = np.random.default_rng(1)
        for method in ADC_METHODS:
            for dtype in (np.float32, np.float64):
                clean = noisy(500, 60).astype(dtype)
                expected = fit_adc(clean, B_VALUES, method=method)
                for count in (1, 2, 7, 250, 499):
                    spoiled = clean.copy()
                    where = generator.choice(500, count, replace=False)
                    spoiled[where] = [bad[index] for index in generator.integers(0, len(bad), count)]
                    good = np.setdiff1d(np.arange(500), where)
                    self.assert_same_bits(fit_adc(spoiled, B_VALUES, method=method), expected, good, good)

    def test_place_in_the_array_does_not_matter(self):
        for method in ADC_METHODS:
            for dtype in (np.float32, np.float64):
                for b in (B_VALUES, np.linspace(0, 1000, 11)):
                    samples = noisy(70, b_values=b).astype(dtype)
                    expected = fit_adc(samples, b, method=method)
                    for first in range(0, 70, 3):
                        for last in (first + 1, first + 2, first + 9, 70):
                            self.assert_same_bits(fit_adc(samples[first:last], b, method=method), expected, ..., slice(first, last))

    def test_place_in_a_block_does_not_matter(self):
        size = SAMPLES_PER_BLOCK // B_VALUES.size
        samples = noisy(size + 40)
        for method in ADC_METHODS:
            whole = fit_adc(samples, B_VALUES, method=method)
            self.assert_same_bits(fit_adc(samples[size - 3 :], B_VALUES, method=method), whole, ..., slice(size - 3, None))


class TruthTest(unittest.TestCase):
    SERIES = ([0, 800], [400, 1400], [0, 400, 1400], B_VALUES, [800, 0, 400, 50], [0, 0, 0, 500, 500, 1000], np.linspace(0, 1500, 16))

    def test_noise_free(self):
        for b in self.SERIES:
            s0, adc, samples = tissue(2000, np.array(b))
            for method in ADC_METHODS:
                with self.subTest(method=method, b=b):
                    fit = fit_adc(samples, b, method=method)
                    self.assertTrue(fit.valid.all())
                    np.testing.assert_allclose(fit.adc, adc, rtol=1e-9)
                    np.testing.assert_allclose(fit.s0, s0, rtol=1e-9)
                    if len(b) > 2:
                        np.testing.assert_allclose(fit.r_squared, 1, atol=1e-9)
                        np.testing.assert_allclose(fit.adc_standard_error / adc, 0, atol=1e-9)

    def test_from_very_slow_to_very_fast(self):
        for adc, b in ((1e-7, [0, 500, 1000]), (0.1, [0, 5, 10, 20]), (0.7, [0, 5, 10, 20])):
            for method in ADC_METHODS:
                np.testing.assert_allclose(fit_adc(signals.diffusion(100, adc, b), b, method=method).adc, adc, rtol=1e-7)

    def test_types(self):
        _s0, adc, samples = tissue(500)
        for method in ADC_METHODS:
            single = fit_adc(samples.astype(np.float32), B_VALUES, method=method)
            for name in MAPS[:4]:
                self.assertEqual(getattr(single, name).dtype, np.float32)
            self.assertEqual(single.valid.dtype, bool)
            self.assertEqual(single.status.dtype, np.uint8)
            np.testing.assert_allclose(single.adc, adc, rtol=2e-6)
            self.assertEqual(fit_adc(samples.astype(np.float16), B_VALUES, method=method).adc.dtype, np.float32)

    def test_whole_numbers_do_not_overflow(self):
        samples = np.array([[32767, 30000, 21000, 14000], [1, 1, 1, 1], [-32768, 5, 5, 5]], np.int16)
        for method in ADC_METHODS:
            fit, expected = fit_adc(samples, B_VALUES, method=method), fit_adc(samples.astype(float), B_VALUES, method=method)
            self.assertEqual(fit.adc.dtype, np.float64)
            np.testing.assert_array_equal(fit.adc, expected.adc)
            np.testing.assert_array_equal(fit.status, [DiffusionStatus.OK, DiffusionStatus.NO_DECAY, DiffusionStatus.NOT_POSITIVE])
        large = np.array([2**32 - 1, 2**31], np.uint32)
        np.testing.assert_allclose(fit_adc(large, [0, 1000]).adc, np.log(2) / 1000, rtol=1e-9)

    def test_two_images(self):
        samples = noisy(200, b_values=[100, 900])
        expected = np.log(samples[:, 0] / samples[:, 1]) / 800
        for method in ADC_METHODS:
            fit = fit_adc(samples, [100, 900], method=method)
            np.testing.assert_allclose(fit.adc[fit.valid], expected[expected > 0], rtol=1e-12)
            self.assertTrue(np.isnan(fit.r_squared).all())
            self.assertTrue(np.isnan(fit.adc_standard_error).all())

    def test_signal_scale_does_not_matter(self):
        samples = noisy(200)
        for method in ADC_METHODS:
            expected = fit_adc(samples, B_VALUES, method=method)
            for scale in (1e-30, 1e30):
                fit = fit_adc(samples * scale, B_VALUES, method=method)
                np.testing.assert_allclose(fit.adc, expected.adc, rtol=1e-9)
                np.testing.assert_allclose(fit.s0, expected.s0 * scale, rtol=1e-9)

    def test_perfusion_at_b_0(self):
        """f = 0.25: b = 0 pulls the ADC up, and each estimator differently; without b = 0 all agree on the tissue."""
        b = np.array([0.0, 400.0, 1400.0])
        samples = signals.ivim(100, 1.1e-3, 0.05, 0.25, b)
        for method, expected in (("lls", 1.27e-3), ("nlls", 1.59e-3), ("wlls", 1.53e-3)):
            self.assertAlmostEqual(float(fit_adc(samples, b, method=method).adc), expected, delta=5e-6)
            self.assertAlmostEqual(float(fit_adc(samples[1:], b[1:], method=method).adc), 1.10e-3, delta=1e-7)

    @requires_reference("madym", "madym_t1_dwi.csv")
    def test_madym(self):
        with open(reference_path("madym", "madym_t1_dwi.csv"), encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["case"] == "ADC"]
        b, samples = [float(row["x"]) for row in rows], [float(row["signal"]) for row in rows]
        for method in ADC_METHODS:
            fit = fit_adc(samples, b, method=method)
            np.testing.assert_allclose([fit.adc, fit.s0], [0.8e-3, 100], rtol=1e-9)


class EstimatorsTest(unittest.TestCase):
    """Against independent solutions of the same problems on noisy data."""

    def setUp(self):
        self.samples = noisy(60, 30)
        self.fits = {method: fit_adc(self.samples, B_VALUES, method=method) for method in ADC_METHODS}

    @staticmethod
    def line(logs, weights):
        """Weighted straight line by the normal equations' QR: ln S0, ADC."""
        root = np.sqrt(weights)
        matrix = np.stack([np.ones(B_VALUES.size), -B_VALUES], axis=1)
        return np.linalg.lstsq(matrix * root[:, None], logs * root, rcond=None)[0]

    def test_linear(self):
        for index, samples in enumerate(self.samples):
            start = self.line(np.log(samples), np.ones(B_VALUES.size))
            weights = signals.diffusion(np.exp(start[0]), start[1], B_VALUES) ** 2
            for method, (log_s0, adc) in (("lls", start), ("wlls", self.line(np.log(samples), weights))):
                fit = self.fits[method]
                if adc <= 0:
                    self.assertEqual(fit.status[index], DiffusionStatus.NO_DECAY)
                    continue
                np.testing.assert_allclose([fit.adc[index], fit.s0[index]], [adc, np.exp(log_s0)], rtol=1e-9)
                used = np.ones(B_VALUES.size) if method == "lls" else weights
                around = np.log(samples) - np.average(np.log(samples), weights=used)
                residual = np.log(samples) - log_s0 + B_VALUES * adc
                r_squared = 1 - (used * residual**2).sum() / (used * around**2).sum()
                self.assertAlmostEqual(fit.r_squared[index], r_squared, places=9)

    def test_nonlinear_equals_scipy(self):
        fit = self.fits["nlls"]
        for index in np.flatnonzero(fit.valid):
            samples = self.samples[index]
            (s0, adc), covariance = curve_fit(
                signals_at_b, B_VALUES, samples, p0=[fit.s0[index] * 1.05, fit.adc[index] * 1.1],
                method="trf", x_scale=[100, 1e-3], xtol=1e-14, ftol=1e-14,
            )
            np.testing.assert_allclose([fit.adc[index], fit.s0[index]], [adc, s0], rtol=1e-5)
            np.testing.assert_allclose(fit.adc_standard_error[index], np.sqrt(covariance[1, 1]), rtol=1e-4)
            squares = ((samples - signals.diffusion(s0, adc, B_VALUES)) ** 2).sum()
            self.assertAlmostEqual(fit.r_squared[index], 1 - squares / ((samples - samples.mean()) ** 2).sum(), places=6)

    def test_nonlinear_finds_the_global_minimum_of_anything(self):
        generator = np.random.default_rng(3)
        dense = np.concatenate([[0.0], np.geomspace(1e-7, 1, 4000)])
        for b in ([0, 400, 1400], [100, 500, 501, 3000], [0, 10, 20, 30, 50, 100, 200, 400, 600, 800, 1000]):
            b = np.array(b, float)
            shape = 400, b.size
            samples = np.concatenate(
                [generator.random(shape), generator.exponential(size=shape) ** 3, np.exp(generator.uniform(-12, 0, shape))],
            )
            fit = fit_adc(samples, b, method="nlls")
            shapes = np.exp(-np.outer(dense, b - b.min()))
            shapes /= np.sqrt((shapes**2).sum(axis=1, keepdims=True))
            scanned = (samples @ shapes.T).max(axis=1)
            rate = np.where(fit.status == DiffusionStatus.NO_DECAY, 0, np.where(fit.status == DiffusionStatus.NO_SOLUTION, 1, fit.adc))
            found = np.exp(-rate[:, None] * (b - b.min()))
            found = (samples * found).sum(axis=1) / np.sqrt((found**2).sum(axis=1))
            self.assertLess(np.max(scanned / found - 1), 1e-9)

    def test_weights_pay(self):
        """The weighted fit is nearly as precise as the non-linear one, the unweighted one is not."""
        samples = noise.rician(np.tile(signals.diffusion(100, 2e-3, [0, 400, 800, 1200]), (20000, 1)), 4, seed=4)
        spread = {method: np.nanstd(fit_adc(samples, [0, 400, 800, 1200], method=method).adc) for method in ADC_METHODS}
        self.assertLess(spread["wlls"], 1.05 * spread["nlls"])
        self.assertGreater(spread["lls"], 1.5 * spread["nlls"])


def signals_at_b(b, s0, adc):
    return s0 * np.exp(-b * adc)


class StandardErrorTest(unittest.TestCase):
    """The standard error against the scatter of simulated measurements."""

    COUNT = 40000
    SIGMA = 2.0

    def simulated(self, b, adc=1.2e-3, sigma=SIGMA):
        return noise.gaussian(np.tile(signals.diffusion(100, adc, b), (self.COUNT, 1)), sigma, seed=5)

    def test_known_noise(self):
        for b in ([0, 800], [0, 400, 1400], [100, 200, 600, 900, 1000]):
            for method in ADC_METHODS:
                fit = fit_adc(self.simulated(b), b, method=method, noise_sigma=self.SIGMA)
                scatter = fit.adc.std()
                with self.subTest(b=b, method=method):
                    self.assertAlmostEqual(np.sqrt(np.mean(fit.adc_standard_error**2)) / scatter, 1, delta=0.03)
                    self.assertAlmostEqual(((fit.adc - 1.2e-3) / fit.adc_standard_error).std(), 1, delta=0.03)

    def test_noise_from_the_residual(self):
        for b in ([0, 400, 1400], [0, 50, 400, 800], np.linspace(0, 1000, 12)):
            for method in ADC_METHODS:
                fit = fit_adc(self.simulated(b), b, method=method)
                with self.subTest(b=b, method=method):
                    self.assertAlmostEqual(np.sqrt(np.mean(fit.adc_standard_error**2)) / fit.adc.std(), 1, delta=0.03)

    def test_covers(self):
        """With Student's t for n - 2 degrees of freedom the 95 % interval holds the truth 95 times in 100."""
        b = np.linspace(0, 1000, 8)
        for method in ADC_METHODS:
            fit = fit_adc(self.simulated(b), b, method=method)
            inside = np.abs(fit.adc - 1.2e-3) < 2.447 * fit.adc_standard_error  # t(0.975, 6)
            self.assertAlmostEqual(inside.mean(), 0.95, delta=0.01)

    def test_scales_with_the_noise(self):
        samples = noisy(50)
        one, three = (fit_adc(samples, B_VALUES, noise_sigma=sigma) for sigma in (1, 3))
        np.testing.assert_allclose(three.adc_standard_error, 3 * one.adc_standard_error, rtol=1e-12)
        np.testing.assert_array_equal(three.adc, one.adc)


class LayoutTest(SameBits):
    def setUp(self):
        self.samples = noisy(6 * 5 * 7, 60).reshape(6, 5, 7, 4)
        self.mask = np.random.default_rng(6).random((6, 5, 7)) < 0.4
        self.expected = fit_adc(self.samples, B_VALUES)

    def test_any_memory_layout(self):
        padded = np.zeros((9, 8, 10, 6))
        padded[2:8, 1:6, 3:10, 1:5] = self.samples
        layouts = {
            "Fortran": np.asfortranarray(self.samples),
            "b first": np.moveaxis(np.ascontiguousarray(np.moveaxis(self.samples, -1, 0)), 0, -1),
            "cropped": padded[2:8, 1:6, 3:10, 1:5],
            "backwards": self.samples[::-1, :, ::-1, ::-1].copy()[::-1, :, ::-1, ::-1],
            "big-endian": self.samples.astype(">f8"),
            "axes exchanged": np.ascontiguousarray(self.samples.transpose(2, 0, 1, 3)).transpose(1, 2, 0, 3),
        }
        for name, samples in layouts.items():
            with self.subTest(name):
                self.assert_same_bits(fit_adc(samples, B_VALUES), self.expected)
                masked = fit_adc(samples, B_VALUES, mask=np.asfortranarray(self.mask))
                self.assert_same_bits(masked, self.expected, self.mask, self.mask)

    def test_big_endian_single_precision_and_whole_numbers(self):
        single = self.samples.astype(np.float32)
        self.assert_same_bits(fit_adc(single.astype(">f4"), B_VALUES), fit_adc(single, B_VALUES))
        self.assert_same_bits(fit_adc(single.astype(">i2"), B_VALUES), fit_adc(single.astype(np.int16), B_VALUES))

    def test_input_is_not_changed(self):
        kept = self.samples.copy()
        for method in ADC_METHODS:
            fit_adc(self.samples, B_VALUES, method=method, mask=self.mask)
        np.testing.assert_array_equal(self.samples, kept)

    def test_mask(self):
        for mask in (self.mask, self.mask.astype(np.uint8) * 3):
            fit = fit_adc(self.samples, B_VALUES, mask=mask)
            self.assert_same_bits(fit, self.expected, self.mask, self.mask)
            np.testing.assert_array_equal(fit.status[~self.mask], DiffusionStatus.MASKED_OUT)
            self.assertTrue(np.isnan(fit.adc[~self.mask]).all())
        nothing = fit_adc(self.samples, B_VALUES, mask=np.zeros_like(self.mask))
        self.assertFalse(nothing.valid.any())

    def test_any_number_of_axes(self):
        one = fit_adc(self.samples[1, 2, 3], B_VALUES)
        self.assertEqual(one.adc.shape, ())
        self.assertEqual(one.adc, self.expected.adc[1, 2, 3])
        self.assertEqual(fit_adc(self.samples[1, 2, 3], B_VALUES, mask=np.array(False)).status, DiffusionStatus.MASKED_OUT)
        self.assertEqual(fit_adc(self.samples[None, ..., None, :], B_VALUES).adc.shape, (1, 6, 5, 7, 1))
        self.assert_same_bits(fit_adc(self.samples.tolist(), B_VALUES.tolist()), self.expected)

    def test_no_voxels(self):
        for shape in ((0,), (3, 0, 5), (0, 4)):
            fit = fit_adc(np.empty((*shape, 4), np.float32), B_VALUES)
            self.assertEqual((fit.adc.shape, fit.status.shape, fit.adc.dtype), (shape, shape, np.float32))

    def test_what_was_used_is_recorded(self):
        fit = fit_adc(self.samples, B_VALUES.tolist(), method="nlls")
        self.assertEqual(fit.method, "nlls")
        np.testing.assert_array_equal(fit.b_values, B_VALUES)


class LongWorkTest(unittest.TestCase):
    def test_progress_rises_to_one(self):
        told = []
        fit_adc(noisy(100_000), B_VALUES, progress=told.append)
        self.assertGreater(len(told), 3)
        self.assertEqual(told, sorted(told))
        self.assertEqual(told[-1], 1.0)

    def test_cancel(self):
        with self.assertRaises(Cancelled):
            fit_adc(noisy(100_000), B_VALUES, progress=lambda fraction: fraction < 0.3)

    def test_memory_stays_flat(self):
        padded = np.zeros((40, 110, 110, 4), np.float32)
        samples = padded[:, 5:105, 5:105]  # 400 000 voxels that cannot be seen as one block
        samples[...] = noisy(100).astype(np.float32)
        for mask in (None, samples[..., 0] > 500):
            tracemalloc.start()
            fit = fit_adc(samples, B_VALUES, mask=mask)
            _now, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            output = sum(getattr(fit, name).nbytes for name in MAPS)
            self.assertLess(peak - output, 8e6)


if __name__ == "__main__":
    unittest.main()

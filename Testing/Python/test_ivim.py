"""IVIM maps: bad input and bad voxels first, then numeric truth, published tissues, and the residuals against SciPy."""

import csv
import unittest

import numpy as np
from reference_data import reference_path, requires_reference
from scipy.optimize import least_squares

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.phantom import noise, signals
from HCCResponseLib.quantification.diffusion import D_LIMITS, D_STAR_LIMITS, IVIM_METHODS, DiffusionStatus, IvimFit, fit_ivim
from HCCResponseLib.quantification.diffusion.biexponential import fit_biexponential

B_VALUES = np.array([0, 1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 250, 350, 400, 550, 700, 850, 1000], float)
CLINICAL = np.array([0, 10, 20, 40, 80, 150, 200, 400, 800], float)
LIVER = {"f": 0.25, "d": 1.1e-3, "d_star": 0.05}
# f, D, D* in mm2/s of fourteen tissues of the trunk, in the manner of the OSIPI reference tissues.
TISSUES = np.array(
    [
        [0.15, 0.0024, 0.08], [0.07, 0.0015, 0.07], [0.1, 0.00137, 0.0263], [0.11, 0.0015, 0.1], [0.32, 0.00167, 0.03],
        [0.3, 0.0015, 0.012], [0.15, 0.0013, 0.01], [0.097, 0.00212, 0.02], [0.158, 0.00209, 0.019], [0.2, 0.0013, 0.03],
        [0.178, 0.00041, 0.0289], [0.145, 0.00043, 0.05], [0.69, 0.00131, 0.029], [0.07, 0.003, 0.01],
    ],
)  # fmt: skip
MAPS = ("d", "d_star", "f", "s0", "rmse", "valid", "status")


def tissues(repeats, b_values=B_VALUES):
    """Parameters (tissues x repeats, 3) and noise-free signals of S0 = 1."""
    truth = np.repeat(TISSUES, repeats, axis=0)
    return truth, signals.ivim(np.ones(len(truth)), truth[:, 1], truth[:, 2], truth[:, 0], b_values)


def some_noisy(count, sigma=0.03, seed=0, b_values=B_VALUES):
    samples = noise.rician(tissues(-(-count // len(TISSUES)), b_values)[1], sigma, seed)
    return np.random.default_rng(seed).permutation(samples)[:count]


class SameBits(unittest.TestCase):
    def assert_same_bits(self, one: IvimFit, other: IvimFit, where=..., where_other=...):
        for name in MAPS:
            np.testing.assert_array_equal(getattr(one, name)[where], getattr(other, name)[where_other], err_msg=name)


class ErrorsTest(unittest.TestCase):
    def setUp(self):
        self.signals = some_noisy(3, b_values=CLINICAL)

    def refuse(self, words, *arguments, **keywords):
        with self.assertRaisesRegex(InputError, words):
            fit_ivim(*arguments, **keywords)

    def test_as_for_the_adc(self):
        self.refuse("9 b-values but 8 diffusion images", self.signals[:, :8], CLINICAL)
        self.refuse("mask has the shape", self.signals, CLINICAL, mask=np.ones(4, bool))
        self.refuse("complex", self.signals * 1j, CLINICAL)
        self.refuse("not negative", self.signals, -CLINICAL)
        self.refuse("[Oo]nly one b-value", self.signals[:, :1], [0])
        self.refuse("Unknown IVIM method 'bayes'; choose one of segmented, biexponential", self.signals, CLINICAL, method="bayes")

    def test_missing_b_0(self):
        for method in IVIM_METHODS:
            self.refuse("needs images at b = 0; the lowest b-value found is 10", self.signals[:, 1:], CLINICAL[1:], method=method)

    def test_too_few_high_b_values(self):
        for method in IVIM_METHODS:
            for threshold, found in ((800, "b = 800"), (900, "none")):
                words = f"two or more b-values from {threshold} s/mm2 upwards, found {found}"
                self.refuse(words, self.signals, CLINICAL, b_threshold=threshold, method=method)

    def test_too_few_low_b_values(self):
        words = "between 0 and 200 s/mm2, found b = 50; the segmented fit gives D and f"
        self.refuse(words, np.ones((2, 4)), [0, 50, 400, 800], method="biexponential")
        self.refuse("found none", np.ones((2, 3)), [0, 400, 1400], method="biexponential")

    def test_threshold(self):
        for threshold in (0, -200, np.nan, np.inf):
            self.refuse("threshold must be a positive number", self.signals, CLINICAL, b_threshold=threshold)


class RejectedVoxelsTest(SameBits):
    def status(self, samples, method, b=CLINICAL):
        fit = fit_ivim(samples, b, method=method)
        if not fit.valid:
            self.assertTrue(all(np.isnan(getattr(fit, name)) for name in MAPS[:5]))
        return fit.status

    def test_bad_signals(self):
        good = signals.ivim(100, LIVER["d"], LIVER["d_star"], LIVER["f"], CLINICAL)
        for method in IVIM_METHODS:
            for value, status in ((np.nan, "NOT_FINITE"), (np.inf, "NOT_FINITE"), (0, "NOT_POSITIVE"), (-5, "NOT_POSITIVE")):
                for place in (0, 4, 8):
                    bad = good.copy()
                    bad[place] = value
                    self.assertEqual(self.status(bad, method), DiffusionStatus[status])
            self.assertEqual(self.status(0 * good, method), DiffusionStatus.NO_SIGNAL)

    def test_signals_that_tell_nothing(self):
        rising, constant, vessel = 100 + CLINICAL, np.full(9, 70.0), 100 * np.exp(-CLINICAL * 0.02) + 1e-30
        self.assertEqual(self.status(rising, "segmented"), DiffusionStatus.NO_DECAY)
        self.assertEqual(self.status(constant, "segmented"), DiffusionStatus.NO_DECAY)
        for samples in (rising, constant):
            self.assertEqual(self.status(samples, "biexponential"), DiffusionStatus.D_AT_LIMIT)
        self.assertIn(self.status(vessel, "biexponential"), (DiffusionStatus.NO_TISSUE, DiffusionStatus.D_AT_LIMIT))

    def test_no_perfusion(self):
        samples = signals.diffusion(100, 1.3e-3, CLINICAL)
        samples[0] *= 0.97
        for method in IVIM_METHODS:
            fit = fit_ivim(samples, CLINICAL, method=method)
            self.assertEqual(fit.status, DiffusionStatus.NO_PERFUSION)
            self.assertTrue(fit.valid)
            self.assertEqual(fit.f, 0)
            self.assertTrue(np.isnan(fit.d_star))
            self.assertAlmostEqual(float(fit.d), 1.3e-3, delta=0.05e-3)

    def test_pseudo_diffusion_beyond_the_limits(self):
        for method in IVIM_METHODS:
            fast = fit_ivim(signals.ivim(100, 1e-3, 2.0, 0.2, CLINICAL), CLINICAL, method=method)
            self.assertEqual(fast.status, DiffusionStatus.D_STAR_AT_LIMIT)
            np.testing.assert_allclose([fast.d, fast.f], [1e-3, 0.2], rtol=0.05)
            self.assertTrue(np.isnan(fast.d_star))
        slow = fit_ivim(signals.ivim(100, 0.5e-3, 2e-3, 0.3, CLINICAL), CLINICAL, method="biexponential")
        self.assertEqual(slow.status, DiffusionStatus.NOT_SEPARATED)
        self.assertTrue(np.isnan(slow.f))

    def test_neighbours_keep_every_bit(self):
        generator = np.random.default_rng(1)
        for method in IVIM_METHODS:
            for dtype in (np.float32, np.float64):
                clean = some_noisy(120, 0.05).astype(dtype)
                expected = fit_ivim(clean, B_VALUES, method=method)
                for count in (1, 60, 119):
                    spoiled = clean.copy()
                    where = generator.choice(120, count, replace=False)
                    spoiled[where, generator.integers(0, B_VALUES.size, count)] = generator.choice([np.nan, np.inf, 0, -1], count)
                    good = np.setdiff1d(np.arange(120), where)
                    self.assert_same_bits(fit_ivim(spoiled, B_VALUES, method=method), expected, good, good)

    def test_place_in_the_array_does_not_matter(self):
        for method in IVIM_METHODS:
            samples = some_noisy(40, 0.05)
            expected = fit_ivim(samples, B_VALUES, method=method)
            for first in range(0, 40, 7):
                for last in (first + 1, first + 3, 40):
                    self.assert_same_bits(fit_ivim(samples[first:last], B_VALUES, method=method), expected, ..., slice(first, last))


class TruthTest(unittest.TestCase):
    def test_noise_free_biexponential(self):
        truth, samples = tissues(1)
        fit = fit_ivim(samples * 300, B_VALUES, method="biexponential")
        np.testing.assert_allclose(np.stack([fit.f, fit.d, fit.d_star], axis=1), truth, rtol=1e-6)
        np.testing.assert_allclose(fit.s0, 300, rtol=1e-9)
        np.testing.assert_allclose(fit.rmse, 0, atol=1e-7)
        np.testing.assert_array_equal(fit.status, DiffusionStatus.OK)

    def test_noise_free_segmented(self):
        """Exact where the blood has vanished at the threshold; else the leftover blood goes to the tissue."""
        truth, samples = tissues(1)
        fit = fit_ivim(samples * 300, B_VALUES)
        vanished = truth[:, 2] * 250 > 12
        self.assertEqual(np.count_nonzero(vanished), 4)
        np.testing.assert_allclose(np.stack([fit.f, fit.d, fit.d_star], axis=1)[vanished], truth[vanished], rtol=1e-4)
        np.testing.assert_allclose(fit.f, truth[:, 0], atol=0.025)
        np.testing.assert_allclose(fit.s0, 300, rtol=1e-9)
        np.testing.assert_array_equal(fit.status, DiffusionStatus.OK)

    def test_segmented_by_hand(self):
        """Each step against NumPy and SciPy."""
        b = CLINICAL
        for samples in some_noisy(10, 0.01, b_values=b) * 100:
            fit = fit_ivim(samples, b)
            high = b >= 200
            line = np.polyfit(b[high], np.log(samples[high]), 1)
            line = np.polyfit(b[high], np.log(samples[high]), 1, w=np.exp(np.polyval(line, b[high])))
            d, intercept = -line[0], np.exp(line[1])
            np.testing.assert_allclose([fit.d, fit.f, fit.s0], [d, 1 - intercept / samples[0], samples[0]], rtol=1e-8)
            if fit.status == DiffusionStatus.OK:
                def residual(q, d=d, slow=intercept, samples=samples):
                    return slow * np.exp(-b * d) + (samples[0] - slow) * np.exp(-b * np.exp(q)) - samples

                scan = np.linspace(*np.log(D_STAR_LIMITS), 2000)
                start = scan[np.argmin([(residual(q) ** 2).sum() for q in scan])]
                best = least_squares(residual, [start], xtol=1e-14, ftol=1e-14, gtol=1e-14)
                np.testing.assert_allclose(fit.d_star, np.exp(best.x[0]), rtol=1e-5)
                np.testing.assert_allclose(fit.rmse, np.sqrt(np.mean(best.fun**2)), rtol=1e-6)

    def test_three_b_values_tell_d_and_f_only(self):
        b = np.array([0.0, 400.0, 1400.0])
        fit = fit_ivim(signals.ivim(100, 1.1e-3, 0.05, 0.25, b), b)
        self.assertEqual(fit.status, DiffusionStatus.D_STAR_UNKNOWN)
        self.assertTrue(fit.valid)
        np.testing.assert_allclose([fit.d, fit.f, fit.s0], [1.1e-3, 0.25, 100], rtol=1e-6)
        self.assertTrue(np.isnan(fit.d_star) and np.isnan(fit.rmse))
        rising = fit_ivim([100.0, 50.0, 60.0], b)
        self.assertEqual(rising.status, DiffusionStatus.NO_DECAY)

    def test_repeated_and_unsorted_b_values(self):
        b = np.array([800.0, 0, 20, 400, 60, 0, 150, 800])
        samples = signals.ivim(100, LIVER["d"], LIVER["d_star"], LIVER["f"], b)
        for method, tolerance in (("segmented", 1e-3), ("biexponential", 1e-6)):
            fit = fit_ivim(samples, b, method=method)
            np.testing.assert_allclose([fit.f, fit.d, fit.d_star], [LIVER["f"], LIVER["d"], LIVER["d_star"]], rtol=tolerance)
        samples[1], samples[5] = 104, 96  # S0 is their mean
        self.assertAlmostEqual(float(fit_ivim(samples, b).s0), 100, places=9)

    def test_b_0_under_another_label(self):
        """Some scanners label repeats of b = 0 as 0.001 and so on: they are b = 0, not low b-values."""
        b = np.array([0, 0.001, 0.002, 400, 800])
        samples = signals.ivim(100, 1.1e-3, 0.05, 0.25, b)
        fit = fit_ivim(samples, b)
        self.assertEqual(fit.status, DiffusionStatus.D_STAR_UNKNOWN)
        self.assertAlmostEqual(float(fit.s0), samples[:3].mean(), places=9)
        with self.assertRaisesRegex(InputError, "between 0 and 200 s/mm2, found none"):
            fit_ivim(samples, b, method="biexponential")

    def test_threshold_decides_what_is_high(self):
        samples = signals.ivim(100, 1e-3, 0.02, 0.2, CLINICAL)
        errors = [abs(float(fit_ivim(samples, CLINICAL, b_threshold=threshold).f) - 0.2) for threshold in (40, 150, 400)]
        self.assertEqual(errors, sorted(errors, reverse=True))

    def test_types_and_shapes(self):
        samples = some_noisy(24, 0.02).reshape(2, 3, 4, -1) * 1000
        for method in IVIM_METHODS:
            double = fit_ivim(samples, B_VALUES, method=method)
            single = fit_ivim(np.asfortranarray(samples.astype(np.float32)), B_VALUES, method=method)
            self.assertEqual((single.f.shape, single.f.dtype, double.f.dtype), ((2, 3, 4), np.float32, np.float64))
            np.testing.assert_array_equal(single.status, double.status)
            np.testing.assert_allclose(single.f, double.f, atol=1e-5)
            whole = samples.astype(np.int16)
            np.testing.assert_array_equal(
                fit_ivim(whole, B_VALUES, method=method).f, fit_ivim(whole.astype(">f8"), B_VALUES, method=method).f,
            )
            empty = fit_ivim(np.empty((0, 3, B_VALUES.size)), B_VALUES, method=method)
            self.assertEqual(empty.f.shape, (0, 3))

    def test_mask(self):
        samples = some_noisy(60, 0.02)
        mask = np.arange(60) % 3 == 0
        for method in IVIM_METHODS:
            fit, whole = (fit_ivim(samples, B_VALUES, method=method, mask=inside) for inside in (mask, None))
            np.testing.assert_array_equal(fit.f[mask], whole.f[mask])
            np.testing.assert_array_equal(fit.status[~mask], DiffusionStatus.MASKED_OUT)
            self.assertFalse(fit.valid[~mask].any())

    def test_progress_and_cancel(self):
        samples = np.tile(some_noisy(100, b_values=CLINICAL), (1000, 1))
        told = []
        fit_ivim(samples, CLINICAL, progress=told.append)
        self.assertEqual((told, told[-1]), (sorted(told), 1.0))
        with self.assertRaises(Cancelled):
            fit_ivim(samples, CLINICAL, progress=lambda fraction: False)

    @requires_reference("madym", "madym_t1_dwi.csv")
    def test_madym(self):
        with open(reference_path("madym", "madym_t1_dwi.csv"), encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["case"] == "IVIM"]
        b, samples = [float(row["x"]) for row in rows], [float(row["signal"]) for row in rows]
        fit = fit_ivim(samples, b, method="biexponential")
        np.testing.assert_allclose([fit.s0, fit.d, fit.f, fit.d_star], [100, 0.8e-3, 0.2, 15e-3], rtol=1e-6)
        segmented = fit_ivim(samples, b)
        np.testing.assert_allclose([segmented.d, segmented.f], [0.8e-3, 0.2], rtol=0.03)

    @requires_reference("ivim", "generic.csv")
    def test_published_tissues(self):
        with open(reference_path("ivim", "generic.csv"), encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = [name for name in rows[0] if name.startswith("S_b")]
        b = [float(name[3:]) for name in names]
        samples = np.array([[float(row[name]) for name in names] for row in rows])
        f, d, d_star = (np.array([float(row[name]) for row in rows]) for name in ("f", "D_mm2_s", "Dstar_mm2_s"))
        fit = fit_ivim(samples, b, method="biexponential")
        np.testing.assert_array_equal(fit.status, DiffusionStatus.OK)
        np.testing.assert_allclose(fit.f, f, atol=0.005)
        np.testing.assert_allclose(fit.d, d, rtol=0.01)
        np.testing.assert_allclose(fit.d_star, d_star, rtol=0.04)
        segmented = fit_ivim(samples, b)
        np.testing.assert_allclose(segmented.d, d, rtol=0.04)
        np.testing.assert_allclose(segmented.f, f, atol=0.025)


class OptimalityTest(unittest.TestCase):
    """The biexponential fit against SciPy from five starts with the same limits, and against what noise allows at all."""

    def test_no_residual_larger_than_scipys(self):
        starts = [(0.1, 1e-3, 0.02), (0.3, 0.7e-3, 0.008), (0.2, 2e-3, 0.15), (0.5, 1.5e-3, 0.04), (0.05, 2.8e-3, 0.1)]
        for sigma, seed in ((0.005, 1), (0.02, 2), (0.1, 3), (1.0, 4)):
            samples = some_noisy(12, sigma, seed)
            fit = fit_ivim(samples, B_VALUES, method="biexponential")
            squares = fit_squares(samples)
            np.testing.assert_allclose(fit.rmse[fit.valid], np.sqrt(squares / B_VALUES.size)[fit.valid], rtol=1e-9)
            for index, sample in enumerate(samples):
                scale = sample.max()

                def residual(x, sample=sample, scale=scale):
                    return scale * (x[0] * np.exp(-B_VALUES * np.exp(x[2])) + x[1] * np.exp(-B_VALUES * np.exp(x[3]))) - sample

                bounds = [0, 0, *np.log([D_LIMITS[0], D_STAR_LIMITS[0]])], [3, 3, *np.log([D_LIMITS[1], D_STAR_LIMITS[1]])]
                best = min(
                    2 * least_squares(
                        residual, [1 - f, f, np.log(d), np.log(d_star)], bounds=bounds, xtol=1e-12, ftol=1e-12, gtol=1e-12, max_nfev=200,
                    ).cost
                    for f, d, d_star in starts
                )
                self.assertLessEqual(squares[index], best * (1 + 1e-6), f"sigma {sigma}, voxel {index}")

    def test_f_at_a_signal_to_noise_ratio_of_50(self):
        """The median error over the tissues is that of the Cramer-Rao bound: no unbiased estimator does better."""
        truth, samples = tissues(300)
        fit = fit_ivim(noise.rician(samples, 1 / 50, seed=7), B_VALUES, method="biexponential")
        error = np.abs(fit.f - truth[:, 0]).reshape(len(TISSUES), -1)
        self.assertLess(np.median(np.nanmedian(error, axis=1)), 0.017)
        self.assertLess(np.nanmedian(error), 1.05 * np.median(np.abs(bound_of_f(1 / 50)[:, None] * normal_quantiles())))
        self.assertGreater(fit.valid.mean(), 0.97)

    def test_f_improves_with_the_noise(self):
        truth, samples = tissues(50)
        errors = []
        for sigma in (0.05, 0.01, 0.002):
            fit = fit_ivim(noise.rician(samples, sigma, seed=8), B_VALUES, method="biexponential")
            errors.append(np.nanmedian(np.abs(fit.f - truth[:, 0])))
        self.assertGreater(errors[0], 3 * errors[1])
        self.assertGreater(errors[1], 3 * errors[2])


def fit_squares(samples):
    """Sum of squares of the biexponential fit, also of voxels it rejects."""
    with np.errstate(all="ignore"):
        return fit_biexponential(np.ascontiguousarray(samples.T), B_VALUES).squares


def bound_of_f(sigma):
    """Cramer-Rao bound of the standard deviation of f for each tissue, S0 = 1."""
    bounds = []
    for f, d, d_star in TISSUES:
        slow, fast = np.exp(-B_VALUES * d), np.exp(-B_VALUES * d_star)
        jacobian = np.stack([(1 - f) * slow + f * fast, fast - slow, -B_VALUES * (1 - f) * slow, -B_VALUES * f * fast], axis=1)
        bounds.append(sigma * np.sqrt(np.linalg.inv(jacobian.T @ jacobian)[1, 1]))
    return np.array(bounds)


def normal_quantiles():
    return np.random.default_rng(9).standard_normal(20000)


if __name__ == "__main__":
    unittest.main()

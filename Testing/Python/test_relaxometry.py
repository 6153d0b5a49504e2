"""T1 from variable flip angles: bad input first, then numeric truth, the traps, and the public reference tables."""

import csv
import unittest

import numpy as np
from reference_data import reference_path, requires_reference
from scipy.optimize import least_squares

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.phantom import noise, signals
from HCCResponseLib.quantification.relaxometry import T1Fit, T1Status, fit_t1_vfa

ANGLES = (2.0, 5.0, 12.0)
TR = 0.0054
METHODS = ("nonlinear", "linear")


def voxels(count, seed=0, angles=ANGLES, b1=1.0):
    """T1 [s], M0 and noise-free signals of liver, tumour, blood and cyst alike."""
    generator = np.random.default_rng(seed)
    t1, m0 = np.exp(generator.uniform(np.log(0.05), np.log(5.0), count)), generator.uniform(200, 4000, count)
    return t1, m0, signals.variable_flip_angle(m0, t1, angles, TR, b1)


def fields(fit: T1Fit):
    return fit.t1, fit.m0, fit.t1_standard_error, fit.valid, fit.status


class ErrorsTest(unittest.TestCase):
    def setUp(self):
        self.signals = voxels(4)[2]

    def refuse(self, words, *arguments, **keywords):
        with self.assertRaisesRegex(InputError, words):
            fit_t1_vfa(*arguments, **keywords)

    def test_flip_angles(self):
        self.refuse("two or more different flip angles", self.signals[:, :1], [5.0], TR)
        self.refuse("two or more different flip angles", self.signals, [5.0, 5.0, 5.0], TR)
        self.refuse("radians", self.signals, np.radians(ANGLES), TR)
        for wrong in (0.0, -2.0, 180.0, np.nan):
            self.refuse("above 0 and below 180 degrees", self.signals, [2.0, 5.0, wrong], TR)
        self.refuse("3 flip angles were given but the signals have 2", self.signals[:, :2], ANGLES, TR)
        self.refuse("3 flip angles were given but the signals have 0", 5.0, ANGLES, TR)

    def test_repetition_time(self):
        self.refuse("looks like milliseconds", self.signals, ANGLES, 5.4)
        self.refuse("above 0", self.signals, ANGLES, 0.0)
        self.refuse("above 0", self.signals, ANGLES, np.nan)
        self.refuse("different TR", self.signals, ANGLES, [0.005, 0.005, 0.006])

    def test_b1(self):
        self.refuse("looks like percent", self.signals, ANGLES, TR, b1=np.full(4, 97.0))
        self.refuse("looks like percent", self.signals, ANGLES, TR, b1=100)
        self.refuse(r"B1 map has the shape \(5,\)", self.signals, ANGLES, TR, b1=np.ones(5))
        self.refuse("fraction above 0", self.signals, ANGLES, TR, b1=0.0)
        self.refuse("fraction above 0", self.signals, ANGLES, TR, b1=np.nan)

    def test_others(self):
        self.refuse("'nonlinear' or 'linear'", self.signals, ANGLES, TR, method="novifast")
        self.refuse("mask has the shape", self.signals, ANGLES, TR, mask=np.ones(3, bool))
        self.refuse("magnitude images", self.signals + 1j, ANGLES, TR)

    def test_cancel(self):
        calls = []
        with self.assertRaises(Cancelled):
            fit_t1_vfa(self.signals, ANGLES, TR, progress=lambda fraction: calls.append(fraction) or False)
        self.assertEqual(calls, [0.0])

    def test_progress_rises_to_one(self):
        calls = []
        fit_t1_vfa(voxels(20_000)[2], ANGLES, TR, progress=calls.append)
        self.assertEqual(calls, sorted(calls))
        self.assertEqual((calls[0], calls[-1]), (0.0, 1.0))


class BadVoxelsTest(unittest.TestCase):
    def test_each_kind_is_named(self):
        good = voxels(1)[2][0]
        flat_top = signals.spgr(1000.0, 1e9, np.array(ANGLES), TR)
        cases = [
            (good, T1Status.OK),
            ([np.nan, 5.0, 4.0], T1Status.NOT_FINITE),
            ([3.0, np.inf, 4.0], T1Status.NOT_FINITE),
            ([3.0, -np.inf, np.inf], T1Status.NOT_FINITE),
            ([0.0, 0.0, 0.0], T1Status.NOT_POSITIVE),
            ([3.0, 0.0, 4.0], T1Status.NOT_POSITIVE),
            ([-3.0, -5.0, -4.0], T1Status.NOT_POSITIVE),
            (np.sin(np.radians(ANGLES)) * 1.1 ** np.arange(3), T1Status.NO_SOLUTION),  # beyond E = 0: T1 = 0
            (1 / np.tan(np.radians(ANGLES) / 2) * 1.1 ** np.arange(3)[::-1], T1Status.NO_SOLUTION),  # beyond E = 1: T1 infinite
        ]
        for method in METHODS:
            fit = fit_t1_vfa(np.array([case[0] for case in cases]), ANGLES, TR, method=method)
            self.assertEqual([T1Status(code).name for code in fit.status], [case[1].name for case in cases], method)
            np.testing.assert_array_equal(fit.valid, fit.status == T1Status.OK)
            self.assertTrue(np.all(np.isnan(fit.t1[1:])) and np.all(np.isnan(fit.m0[1:])))
            self.assertTrue(np.all(np.isnan(fit.t1_standard_error[1:])))
        # A T1 of 30 years is still a T1: nothing is clipped.
        np.testing.assert_allclose(fit_t1_vfa(flat_top, ANGLES, TR).t1, 1e9, rtol=1e-3)

    def test_invalid_b1_and_mask(self):
        data = voxels(6)[2]
        b1 = np.array([1.0, np.nan, 0.0, -1.0, np.inf, 1.0])
        fit = fit_t1_vfa(data, ANGLES, TR, b1=b1, mask=[True, True, True, True, True, False])
        expected = [T1Status.OK] + [T1Status.B1_INVALID] * 4 + [T1Status.MASKED_OUT]
        self.assertEqual(fit.status.tolist(), expected)
        turned = fit_t1_vfa(signals.variable_flip_angle(1000.0, 0.8, [30.0, 100.0], TR), [30.0, 100.0], TR, b1=1.9)
        self.assertEqual(turned.status, T1Status.B1_INVALID)

    def test_every_code_explains_itself(self):
        self.assertTrue(all(code.explanation for code in T1Status))

    def test_neighbours_are_bit_identical(self):
        count = 9001
        clean = noise.rician(voxels(count)[2], 8.0, seed=4)
        b1 = np.random.default_rng(1).uniform(0.8, 1.2, count)
        places = np.unique(np.r_[0:9, 13, 500:517, 4095:4098, 8189:8196, count - 5 : count])
        rest = np.setdiff1d(np.arange(count), places)
        wrong = [[np.nan, 1, 1], [np.inf, 1, 1], [0, 0, 0], [-1, -2, -3], [1e-30, 1e30, 1.0], [5, 5, 5]]
        for dtype in (np.float32, np.float64):
            for method in METHODS:
                for field in (None, b1):
                    spoilt = clean.astype(dtype)
                    before = fit_t1_vfa(spoilt, ANGLES, TR, method=method, b1=field)
                    spoilt[places] = np.array(wrong * 20)[: places.size]
                    after = fit_t1_vfa(spoilt, ANGLES, TR, method=method, b1=field)
                    for old, new in zip(fields(before), fields(after), strict=True):
                        self.assertEqual(old.dtype, new.dtype)
                        self.assertEqual(old[rest].tobytes(), new[rest].tobytes())

    def test_place_does_not_matter(self):
        data = noise.rician(voxels(3000)[2], 8.0, seed=9)
        for method in METHODS:
            whole = fit_t1_vfa(data, ANGLES, TR, method=method)
            for first in (1, 2, 3, 5, 8, 2990, 2999):
                part = fit_t1_vfa(data[first:], ANGLES, TR, method=method)
                self.assertEqual(part.t1.tobytes(), whole.t1[first:].tobytes())
            mask = np.random.default_rng(2).random(3000) < 0.3
            masked = fit_t1_vfa(data, ANGLES, TR, method=method, mask=mask)
            self.assertEqual(masked.t1[mask].tobytes(), whole.t1[mask].tobytes())


class TruthTest(unittest.TestCase):
    def test_noise_free_is_exact(self):
        for angles in (ANGLES, (2.0, 15.0), (3, 6, 9, 12, 15, 20, 30), (5.0, 90.0, 120.0)):
            t1, m0, data = voxels(500, angles=angles)
            for method in METHODS:
                fit = fit_t1_vfa(data, angles, TR, method=method)
                self.assertTrue(fit.valid.all())
                np.testing.assert_allclose(fit.t1, t1, rtol=1e-9)
                np.testing.assert_allclose(fit.m0, m0, rtol=1e-9)

    def test_b1_map_is_exact(self):
        b1 = np.random.default_rng(3).uniform(0.5, 1.5, 500)
        t1, m0, data = voxels(500, b1=b1)
        for method in METHODS:
            fit = fit_t1_vfa(data, ANGLES, TR, b1=b1, method=method)
            np.testing.assert_allclose(fit.t1, t1, rtol=1e-9)
            np.testing.assert_allclose(fit.m0, m0, rtol=1e-9)
        same = fit_t1_vfa(voxels(5, b1=0.85)[2], ANGLES, TR, b1=0.85)
        np.testing.assert_allclose(same.t1, voxels(5)[0], rtol=1e-9)

    def test_nonlinear_is_the_least_squares_optimum(self):
        generator = np.random.default_rng(8)
        for sigma, angles in ((2.0, ANGLES), (15.0, ANGLES), (10.0, (2, 4, 7, 11, 16))):
            data = noise.rician(signals.variable_flip_angle(1000.0, generator.uniform(0.3, 2.0, 40), angles, TR), sigma, seed=3)
            fit = fit_t1_vfa(data, angles, TR)
            for voxel in np.flatnonzero(fit.valid):
                def residual(p, measured=data[voxel], angles=angles):
                    return signals.spgr(p[1], np.exp(p[0]), np.array(angles), TR) - measured

                mine = np.sum(residual([np.log(fit.t1[voxel]), fit.m0[voxel]]) ** 2)
                starts = [[np.log(start), scale] for start in (0.1, 0.5, 2.0, 10.0) for scale in (500.0, 2000.0)]
                best = min(2 * least_squares(residual, start, x_scale=[1.0, 1000.0], xtol=1e-12, ftol=1e-12).cost for start in starts)
                self.assertLessEqual(mine, best * (1 + 1e-6) + 1e-15)

    def test_pure_noise_gets_the_best_of_several_optima(self):
        data = np.random.default_rng(5).uniform(0.01, 1.0, (1500, 3))
        fit = fit_t1_vfa(data, ANGLES, TR)
        t = np.tan(np.radians(ANGLES) / 2)
        rho = np.r_[0.0, np.exp(np.linspace(np.log(1e-8), 0.0, 4001))]
        weights = t / (rho[:, None] + t**2)
        scores = data @ (weights / np.linalg.norm(weights, axis=1, keepdims=True)).T
        best = scores.argmax(axis=1)
        np.testing.assert_array_equal(fit.valid, (best > 0) & (best < rho.size - 1))
        mine = t / (np.tanh(TR / 2 / fit.t1)[:, None] + t**2)
        explained = np.sum(data * mine, axis=1) / np.linalg.norm(mine, axis=1)
        self.assertTrue(np.all(explained[fit.valid] >= scores.max(axis=1)[fit.valid] * (1 - 1e-7)))

    def test_standard_error_is_the_spread(self):
        for angles in (ANGLES, (2, 4, 6, 10, 15, 20)):
            data = noise.gaussian(np.broadcast_to(signals.variable_flip_angle(1000.0, 0.9, angles, TR), (8000, len(angles))), 0.4, seed=2)
            for method in METHODS:
                fit = fit_t1_vfa(data, angles, TR, method=method)
                estimated = np.sqrt(np.mean(fit.t1_standard_error**2))
                self.assertAlmostEqual(estimated / fit.t1.std(), 1.0, delta=0.1 if method == "linear" else 0.03)

    def test_two_angles_leave_no_residual(self):
        fit = fit_t1_vfa(voxels(3, angles=(2.0, 12.0))[2], (2.0, 12.0), TR)
        self.assertTrue(fit.valid.all() and np.isnan(fit.t1_standard_error).all())


class TrapsTest(unittest.TestCase):
    def test_t1_goes_with_b1_squared(self):
        for b1 in (0.8, 0.9, 1.1):
            data = signals.variable_flip_angle(1000.0, 0.8, ANGLES, TR, b1)
            ignored = fit_t1_vfa(data, ANGLES, TR).t1
            self.assertAlmostEqual(ignored / (b1**2 * 0.8), 1.0, delta=0.01)
            self.assertAlmostEqual(float(fit_t1_vfa(data, ANGLES, TR, b1=b1).t1), 0.8, delta=1e-9)

    def test_rounded_repetition_time(self):
        data = signals.variable_flip_angle(1000.0, 0.8, ANGLES, 0.00818)
        self.assertAlmostEqual(float(fit_t1_vfa(data, ANGLES, 0.0080).t1) / 0.8 - 1, -0.022, delta=0.0005)

    def test_types(self):
        t1, _m0, data = voxels(50)
        for dtype, expected, tolerance in ((np.float32, np.float32, 1e-4), (np.float64, np.float64, 1e-9), (np.uint16, np.float64, 0.5)):
            fit = fit_t1_vfa((data * (10 if dtype == np.uint16 else 1)).astype(dtype), ANGLES, TR)
            self.assertEqual({fit.t1.dtype, fit.m0.dtype, fit.t1_standard_error.dtype}, {np.dtype(expected)})
            self.assertEqual((fit.valid.dtype, fit.status.dtype), (np.dtype(bool), np.dtype(np.uint8)))
            np.testing.assert_allclose(fit.t1, t1, rtol=tolerance)

    def test_shapes(self):
        t1, _m0, data = voxels(24)
        volume = np.moveaxis(data.reshape(2, 3, 4, 3), -1, 0).copy()
        fit = fit_t1_vfa(np.moveaxis(volume, 0, -1), ANGLES, TR)
        np.testing.assert_allclose(fit.t1, t1.reshape(2, 3, 4), rtol=1e-9)
        self.assertEqual(fit_t1_vfa(data[0], ANGLES, TR).t1.shape, ())
        self.assertEqual(fit_t1_vfa(data[:0], ANGLES, TR).t1.shape, (0,))

    def test_linear_fit_is_biased_by_noise_and_nonlinear_is_not(self):
        data = noise.gaussian(np.broadcast_to(signals.variable_flip_angle(1000.0, 1.5, (2, 5, 10, 15, 20), TR), (20_000, 5)), 1.5, seed=6)
        linear = fit_t1_vfa(data, (2, 5, 10, 15, 20), TR, method="linear").t1.mean()
        nonlinear = fit_t1_vfa(data, (2, 5, 10, 15, 20), TR).t1.mean()
        self.assertLess(abs(nonlinear - 1.5), 0.01)
        self.assertGreater(abs(linear - 1.5), abs(nonlinear - 1.5))


class ReferenceTest(unittest.TestCase):
    @requires_reference("osipi", "t1_brain_data.csv")
    def test_brain_of_osipi(self):
        with open(reference_path("osipi", "t1_brain_data.csv"), newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 76)
        for row in rows:
            angles, measured, times = (np.array(row[name].split(), float) for name in ("FA", "s", "TR"))
            fit = fit_t1_vfa(measured, angles, times[0])
            self.assertAlmostEqual(1 / float(fit.t1) / float(row["R1"]), 1.0, delta=1e-4, msg=row["label"])
            self.assertAlmostEqual(float(fit.m0) / float(row["s0"]), 1.0, delta=1e-4, msg=row["label"])

    @requires_reference("madym", "madym_t1_dwi.csv")
    def test_voxel_of_madym(self):
        with open(reference_path("madym", "madym_t1_dwi.csv"), newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["case"] == "VFA"]
        fit = fit_t1_vfa([float(row["signal"]) for row in rows], [float(row["x"]) for row in rows], 0.0035)
        self.assertAlmostEqual(float(fit.t1), 1.5, delta=1e-9)
        self.assertAlmostEqual(float(fit.m0), 1000.0, delta=1e-6)


if __name__ == "__main__":
    unittest.main()

"""Signal to concentration and back: bad input first, then the exact inverse, the traps, and the public reference table."""

import csv
import unittest

import numpy as np
from reference_data import reference_path, requires_reference

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.phantom import noise, signals
from HCCResponseLib.phantom.reference_object import make_reference_object
from HCCResponseLib.quantification.arrival import detect_arrival
from HCCResponseLib.quantification.contrast import (
    ConcentrationStatus,
    baseline_image_count,
    concentration_to_signal,
    convert_signals,
    maximum_enhancement,
    signal_to_concentration,
)

SEQUENCE = dict(flip_angle_deg=15.0, repetition_time_s=0.0045, relaxivity=4.5)
STATUS = ConcentrationStatus


def curves(count, seed=0):
    """True concentrations [mM], T1 [s] and M0 of some voxels."""
    generator = np.random.default_rng(seed)
    made = make_reference_object("extended_tofts", min(count, 20), seed=seed)
    concentration = np.tile(made.concentration, (-(-count // 20), 1))[:count]
    return concentration, generator.uniform(0.4, 1.8, count), generator.uniform(200, 2000, count)


def dynamic(count, seed=0, b1=1.0):
    concentration, t1, m0 = curves(count, seed)
    return concentration, t1, signals.dynamic_spgr(concentration, m0=m0, t1_s=t1, b1=b1, **SEQUENCE)


class ErrorsTest(unittest.TestCase):
    def setUp(self):
        self.signals = dynamic(3)[2]

    def refuse(self, words, signals=None, **changes):
        arguments = dict(baseline=(0, 4), t1_s=0.8, **SEQUENCE) | changes
        with self.assertRaisesRegex(InputError, words):
            signal_to_concentration(self.signals if signals is None else signals, **arguments)

    def test_baseline(self):
        self.refuse("Which images are the baseline", baseline=5)
        for wrong in ((0, 0), (3, 2), (0, 71), (70, 75), slice(80, 90)):
            self.refuse("not all among the 70 images", baseline=wrong)
        self.refuse(r"baseline signals have the shape \(2,\)", baseline=np.ones(2))

    def test_units(self):
        self.refuse("T1 is about 800, which looks like milliseconds", t1_s=800.0)
        self.refuse("repetition time of 4.5 s looks like milliseconds", repetition_time_s=4.5)
        self.refuse("looks like radians", flip_angle_deg=0.26)
        self.refuse("looks like percent", b1=np.full(3, 95.0))

    def test_shapes_and_values(self):
        self.refuse(r"T1 map has the shape \(4,\)", t1_s=np.ones(4))
        self.refuse(r"B1 map has the shape \(4,\)", b1=np.ones(4))
        self.refuse("one flip angle", flip_angle_deg=[10, 15])
        self.refuse("above 0 and below 180", flip_angle_deg=0.0)
        self.refuse("different TR", repetition_time_s=[0.004, 0.005])
        for wrong in (0.0, -4.5, np.nan, np.inf, [4.5, 4.5]):
            self.refuse("relaxivity must be one number above 0", relaxivity=wrong)
        self.refuse("4500 1/\\(s M\\) are 4.5", relaxivity=4500.0)
        self.refuse("along the last axis", signals=np.float64(3.0))
        self.refuse("magnitude images", signals=self.signals.astype(complex))
        with self.assertRaisesRegex(InputError, "baseline signals have the shape"):
            concentration_to_signal(np.zeros((3, 4)), baseline=np.ones(2), t1_s=0.8, **SEQUENCE)

    def test_cancel(self):
        with self.assertRaises(Cancelled):
            convert_signals(self.signals, baseline=(0, 4), t1_s=0.8, progress=lambda _fraction: False, **SEQUENCE)


class BadVoxelsTest(unittest.TestCase):
    def test_each_kind_is_named(self):
        good = dynamic(1)[2][0]
        top = good[0] * maximum_enhancement(0.8, 15.0, 0.0045)

        def changed(*samples):
            curve = good.copy()
            for index, value in samples:
                curve[index] = value
            return curve

        cases = [
            (good, STATUS.OK, 0),
            (changed((30, 0.95 * top)), STATUS.NEAR_SATURATION, 0),
            (changed((30, 0.0), (31, -5.0)), STATUS.NOT_POSITIVE, 2),
            (changed((30, 1.0001 * top)), STATUS.SATURATED, 1),
            (changed((30, 1.5 * top), (31, -1.0)), STATUS.SATURATED, 2),
            (changed((30, np.nan), (31, np.inf), (32, -np.inf)), STATUS.NOT_FINITE, 3),
            (np.zeros(70), STATUS.BASELINE_INVALID, 70),
            (-good, STATUS.BASELINE_INVALID, 70),
            (changed((1, np.nan)), STATUS.BASELINE_INVALID, 70),
        ]
        data = np.array([case[0] for case in cases])
        result = convert_signals(data, baseline=(0, 4), t1_s=0.8, **SEQUENCE)
        self.assertEqual([STATUS(code).name for code in result.status], [case[1].name for case in cases])
        self.assertEqual(np.isnan(result.concentration).sum(axis=1).tolist(), [case[2] for case in cases])
        np.testing.assert_array_equal(result.valid, ~np.isnan(result.concentration).any(axis=1))
        # What has no solution is not clipped, and the other samples of the curve stay.
        reference = result.concentration[0]
        np.testing.assert_array_equal(result.concentration[3, :30], reference[:30])

    def test_invalid_maps(self):
        data = np.repeat(dynamic(1)[2], 8, axis=0)
        t1 = np.array([0.8, np.nan, 0.0, -1.0, np.inf, 0.8, 0.8, 0.8])
        b1 = np.array([1.0, 1.0, 1.0, 1.0, 1.0, np.nan, 0.0, -1.0])
        result = convert_signals(data, baseline=(0, 4), t1_s=t1, b1=b1, **SEQUENCE)
        self.assertEqual(result.status.tolist(), [STATUS.OK] + [STATUS.T1_INVALID] * 4 + [STATUS.B1_INVALID] * 3)
        self.assertTrue(np.all(np.isnan(result.concentration[1:])) and not np.isnan(result.concentration[0]).any())

    def test_neighbours_are_bit_identical(self):
        count = 2300
        _concentration, t1, data = dynamic(count)
        places = np.unique(np.r_[0:5, 11, 300:309, 934:938, 1870:1875, count - 4 : count])
        rest = np.setdiff1d(np.arange(count), places)
        for dtype in (np.float32, np.float64):
            for b1 in (None, np.linspace(0.8, 1.2, count)):
                spoilt = data.astype(dtype)
                before = convert_signals(spoilt, baseline=slice(1, 4), t1_s=t1, b1=b1, **SEQUENCE)
                spoilt[places[::2]] = np.nan
                spoilt[places[1::3], 20:] = 1e9
                spoilt[places[1::4]] = 0
                after = convert_signals(spoilt, baseline=slice(1, 4), t1_s=t1, b1=b1, **SEQUENCE)
                self.assertEqual(before.concentration.dtype, dtype)
                self.assertEqual(before.concentration[rest].tobytes(), after.concentration[rest].tobytes())
                self.assertEqual(before.status[rest].tobytes(), after.status[rest].tobytes())
                for first in (1, 3, 8, 2298):
                    part = None if b1 is None else b1[first:]
                    moved = convert_signals(data.astype(dtype)[first:], baseline=slice(1, 4), t1_s=t1[first:], b1=part, **SEQUENCE)
                    self.assertEqual(moved.concentration.tobytes(), before.concentration[first:].tobytes())


class TruthTest(unittest.TestCase):
    def test_concentration_of_the_reference_object(self):
        b1 = np.random.default_rng(4).uniform(0.7, 1.3, 60)
        for field in (1.0, b1):
            concentration, t1, data = dynamic(60, b1=field)
            result = convert_signals(data, baseline=(0, 4), t1_s=t1, b1=field, **SEQUENCE)
            np.testing.assert_allclose(result.concentration, concentration, atol=1e-10)
            np.testing.assert_allclose(result.baseline, data[:, :4].mean(axis=1), rtol=1e-14)
            # The baseline need not be the first images' mean: their signals can be given.
            given = signal_to_concentration(data, baseline=data[:, 0], t1_s=t1, b1=field, **SEQUENCE)
            np.testing.assert_allclose(given, concentration, atol=1e-10)

    def test_exact_inverses(self):
        concentration, before = np.linspace(-0.05, 10.0, 200).reshape(4, 50), np.array([1.0, 20.0, 300.0, 4e3])
        for angle in (10.0, 25.0, 100.0):
            for b1 in (None, 0.8):
                arguments = SEQUENCE | dict(t1_s=np.array([0.3, 0.8, 1.5, 3.0]), flip_angle_deg=angle, b1=b1)
                made = concentration_to_signal(concentration, baseline=before, **arguments)
                back = signal_to_concentration(made, baseline=before, **arguments)
                np.testing.assert_allclose(back, concentration, rtol=1e-10, atol=1e-10)
                np.testing.assert_allclose(concentration_to_signal(back, baseline=before, **arguments), made, rtol=1e-10)

    def test_inversion_equals_the_published_form(self):
        data, t1, tr, angle = dynamic(5)[2], 0.8, 0.0045, np.radians(15.0)
        e0 = np.exp(-tr / t1)
        x = data / data[:, :1] * (1 - e0) / (1 - e0 * np.cos(angle))
        e = (1 - x) / (1 - x * np.cos(angle))
        expected = (-np.log(e) / tr - 1 / t1) / 4.5
        np.testing.assert_allclose(signal_to_concentration(data, baseline=data[:, 0], t1_s=t1, **SEQUENCE), expected, atol=1e-10)

    def test_no_signal_without_positive_relaxation(self):
        made = concentration_to_signal([0.0, -0.2, -0.3], baseline=100.0, t1_s=0.8, **SEQUENCE)  # R1 = 1.25 - 4.5 * 0.3 < 0
        self.assertEqual(np.isnan(made).tolist(), [False, False, True])
        for wrong in (0.0, -3.0, np.nan):
            self.assertTrue(np.isnan(concentration_to_signal([0.1], baseline=wrong, t1_s=0.8, **SEQUENCE)).all())

    def test_types_and_shapes(self):
        concentration, t1, data = dynamic(24)
        for dtype, expected, tolerance in ((np.float32, np.float32, 2e-4), (np.uint16, np.float64, 0.3)):
            result = convert_signals((data * 20).astype(dtype), baseline=(0, 4), t1_s=t1, **SEQUENCE)
            self.assertEqual((result.concentration.dtype, result.baseline.dtype), (np.dtype(expected), np.dtype(expected)))
            np.testing.assert_allclose(result.concentration, concentration, atol=tolerance)
        volume = np.moveaxis(np.moveaxis(data.reshape(2, 3, 4, 70), -1, 0).copy(), 0, -1)
        result = convert_signals(volume, baseline=range(4), t1_s=t1.reshape(2, 3, 4), **SEQUENCE)
        np.testing.assert_allclose(result.concentration, concentration.reshape(2, 3, 4, 70), atol=1e-10)
        single = convert_signals(data[0], baseline=slice(4), t1_s=t1[0], **SEQUENCE)
        self.assertEqual((single.concentration.shape, single.valid.shape, bool(single.valid)), ((70,), (), True))
        self.assertEqual(signal_to_concentration(data[:0], baseline=(0, 4), t1_s=0.8, **SEQUENCE).shape, (0, 70))


class TrapsTest(unittest.TestCase):
    def test_largest_possible_enhancement(self):
        self.assertAlmostEqual(float(maximum_enhancement(0.8, 10.0, 0.0045)), 3.7, delta=0.05)
        self.assertAlmostEqual(float(maximum_enhancement(0.8, 15.0, 0.0045)), 7.0, delta=0.05)
        tiny_t1 = signals.spgr(1.0, 1e-6, 10.0, 0.0045) / signals.spgr(1.0, 0.8, 10.0, 0.0045)
        self.assertAlmostEqual(float(maximum_enhancement(0.8, 10.0, 0.0045)), tiny_t1, delta=1e-12)
        self.assertEqual(np.isnan(maximum_enhancement([0.8, 0.0, np.nan], 10.0, 0.0045)).tolist(), [False, True, True])

    def test_concentration_explodes_near_saturation(self):
        top = float(maximum_enhancement(0.8, 10.0, 0.0045))
        arguments = dict(baseline=np.float64(1.0), t1_s=0.8, flip_angle_deg=10.0, repetition_time_s=0.0045, relaxivity=4.5)
        low = np.diff(signal_to_concentration([1.00, 1.01], **arguments))
        high = np.diff(signal_to_concentration([0.95 * top, 0.95 * top + 0.01], **arguments))
        self.assertGreater(float(high[0] / low[0]), 50)

    def test_t1_and_b1_errors_carry_over(self):
        concentration, t1, data = dynamic(20, b1=0.9)
        wrong = signal_to_concentration(data, baseline=(0, 4), t1_s=t1, **SEQUENCE)
        self.assertGreater(np.max(np.abs(wrong - concentration)), 0.1)
        np.testing.assert_allclose(signal_to_concentration(data, baseline=(0, 4), t1_s=t1, b1=0.9, **SEQUENCE), concentration, atol=1e-10)

    def test_negative_concentrations_are_kept(self):
        data = noise.gaussian(np.full((200, 30), 100.0), 2.0, seed=1)
        result = signal_to_concentration(data, baseline=(0, 30), t1_s=0.8, **SEQUENCE)
        self.assertTrue(np.all(np.isfinite(result)))
        self.assertAlmostEqual(float((result < 0).mean()), 0.5, delta=0.03)


class BaselineTest(unittest.TestCase):
    def setUp(self):
        self.made = make_reference_object("extended_tofts", 1, seed=2)
        self.artery = self.made.arterial(self.made.time_s)

    def test_images_before_arrival(self):
        # The bolus arrives at 20 s: images 0 to 4 (17.2 s) precede it; the last of them is not counted.
        self.assertEqual(baseline_image_count(self.artery, self.made.time_s), 4)
        for seed in range(20):
            noisy = noise.gaussian(self.artery, 0.1, seed)
            self.assertIn(baseline_image_count(noisy), (3, 4, 5))
            arrival = detect_arrival(noisy, self.made.time_s)
            self.assertAlmostEqual(arrival.time_s, 20.0, delta=4.3)
            self.assertEqual(arrival.peak_index, 7)
        estimates = [detect_arrival(noise.gaussian(self.artery, 0.1, seed), self.made.time_s).noise for seed in range(50)]
        self.assertAlmostEqual(float(np.mean(estimates)), 0.1, delta=0.02)

    def test_nothing_to_find(self):
        for seed in range(100):
            with self.assertRaises(InputError):
                detect_arrival(noise.gaussian(np.ones(70), 0.1, seed), self.made.time_s)
        for curve, words in (
            (-self.made.time_s, "highest in its first image"),
            (np.where(np.arange(70) == 9, np.nan, self.artery), "not numbers"),
            (np.zeros(70), "does not rise"),
        ):
            with self.assertRaisesRegex(InputError, words):
                detect_arrival(curve, self.made.time_s)
        with self.assertRaisesRegex(InputError, "three or more images"):
            detect_arrival([0.0, 1.0], [0.0, 4.0])

    def test_times(self):
        for times, words in (
            (self.made.time_s / 60, "looks like minutes"),
            (self.made.time_s * 1000, "looks like milliseconds"),
            (self.made.time_s[::-1], "must increase"),
            (self.made.time_s[:-1], "70 images need 70 times"),
            (np.full(70, np.nan), "no valid time"),
        ):
            with self.assertRaisesRegex(InputError, words):
                baseline_image_count(self.artery, times)


class ReferenceTest(unittest.TestCase):
    @requires_reference("osipi", "SI2Conc_vox_1_2.csv")
    def test_curves_of_osipi(self):
        with open(reference_path("osipi", "SI2Conc_vox_1_2.csv"), newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                result = signal_to_concentration(
                    np.array(row["s"].split(), float),
                    baseline=slice(1, int(row["numbaselinepts"])),
                    t1_s=float(row["T1base"]),
                    flip_angle_deg=float(row["FA"]),
                    repetition_time_s=float(row["TR"]),
                    relaxivity=float(row["r1"]),
                )
                np.testing.assert_allclose(result[1:], np.array(row["conc"].split(), float)[1:], rtol=0, atol=1e-10, err_msg=row["label"])


if __name__ == "__main__":
    unittest.main()

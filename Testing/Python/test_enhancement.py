"""Model-free enhancement: bad input first, then numeric truth on concentration and on S/S0, and the public reference."""

import csv
import unittest

import numpy as np
from reference_data import reference_path, requires_reference

from HCCResponseLib.errors import InputError
from HCCResponseLib.phantom import signals, tissue
from HCCResponseLib.phantom.input_function import arterial_input
from HCCResponseLib.quantification.enhancement import (
    arterial_enhancement_fraction,
    iauc,
    relative_enhancement,
    subtract,
    time_to_peak,
    wash_in,
    wash_out,
)

TIMES = np.array([0.0, 4, 9, 15, 20, 26, 40, 60, 90, 120])
TENT = np.array([0.0, 0, 0, 3, 8, 5, 4.3, 3.3, 1.8, 0.3])  # peak at 20 s; from 26 s on minus 0.05 per second
MEASURES = (iauc, time_to_peak, wash_in, wash_out)


class ErrorsTest(unittest.TestCase):
    def test_times(self):
        for measure in MEASURES:
            for times, words in (
                (TIMES / 60, "looks like minutes"),
                (TIMES * 1000, "looks like milliseconds"),
                (TIMES[::-1], "must increase"),
                (np.r_[TIMES[:-1], TIMES[-2]], "must increase"),
                (TIMES[:-1], "10 images need 10 times"),
            ):
                with self.assertRaisesRegex(InputError, words):
                    measure(TENT, times, 9.0)
            with self.assertRaisesRegex(InputError, "arrives at 121 s but the last image is at 120 s"):
                measure(TENT, TIMES, 121.0)
            with self.assertRaisesRegex(InputError, "arrives at nan s"):
                measure(TENT, TIMES, np.nan)
            with self.assertRaisesRegex(InputError, r"arrival times have the shape \(3,\)"):
                measure(np.stack([TENT, TENT]), TIMES, np.zeros(3))
            with self.assertRaisesRegex(InputError, "two or more images"):
                measure(TENT[:1], TIMES[:1], 0.0)
            with self.assertRaisesRegex(InputError, "magnitude images"):
                measure(TENT.astype(complex), TIMES, 9.0)

    def test_area_needs_its_interval(self):
        for arrival, duration in ((61.0, 60.0), (-1.0, 60.0), (9.0, 112.0)):
            with self.assertRaisesRegex(InputError, "is not inside the series"):
                iauc(TENT, TIMES, arrival, duration)
        for duration in (0.0, -60.0, np.nan, np.inf):
            with self.assertRaisesRegex(InputError, "duration above 0 s"):
                iauc(TENT, TIMES, 9.0, duration)

    def test_images_must_fit_together(self):
        with self.assertRaisesRegex(InputError, "different shapes"):
            subtract(np.ones((2, 3)), np.ones((3, 2)))
        with self.assertRaisesRegex(InputError, "different shapes"):
            arterial_enhancement_fraction(np.ones(3), np.ones(3), np.ones(4))
        with self.assertRaisesRegex(InputError, "Which images are the baseline"):
            relative_enhancement(TENT, 3)
        with self.assertRaisesRegex(InputError, "not all among"):
            relative_enhancement(TENT, (8, 11))
        with self.assertRaisesRegex(InputError, "type complex"):
            subtract(np.ones(3, complex), np.ones(3))


class BadVoxelsTest(unittest.TestCase):
    def test_only_what_is_looked_at_matters(self):
        early, late = TENT.copy(), TENT.copy()
        early[0], late[-1] = np.nan, np.inf
        data = np.stack([TENT, early, late, np.full(10, np.nan)])
        self.assertEqual(np.isnan(iauc(data, TIMES, 9.0)).tolist(), [False, False, False, True])
        for measure in (time_to_peak, wash_in, wash_out):
            values = measure(data, TIMES, 9.0)
            self.assertEqual(np.isnan(values).tolist(), [False, False, True, True], measure.__name__)
            self.assertEqual(values[0], values[1])

    def test_arrival_of_a_voxel_may_be_outside(self):
        arrivals = np.array([9.0, np.nan, 130.0, 61.0, -1.0])
        data = np.tile(TENT, (5, 1))
        self.assertEqual(np.isnan(iauc(data, TIMES, arrivals)).tolist(), [False, True, True, True, True])
        self.assertEqual(np.isnan(time_to_peak(data, TIMES, arrivals)).tolist(), [False, True, True, False, False])

    def test_no_baseline_no_ratio(self):
        data = np.array([[100.0, 150], [0.0, 5], [-3.0, 5], [np.nan, 5], [100, np.nan]])
        result = relative_enhancement(data, (0, 1))
        self.assertEqual(result[0].tolist(), [0.0, 0.5])
        self.assertTrue(np.all(np.isnan(result[1:4])))
        self.assertEqual(np.isnan(result[4]).tolist(), [False, True])

    def test_fraction_needs_portal_venous_enhancement(self):
        fraction = arterial_enhancement_fraction([100.0] * 6, [150.0, 150, 150, 90, np.nan, 150], [180.0, 100, 90, 120, 150, np.inf])
        np.testing.assert_allclose(fraction, [0.625, np.nan, np.nan, -0.5, np.nan, np.nan])

    def test_neighbours_are_bit_identical(self):
        count = 4200
        data = np.random.default_rng(1).normal(1.0, 0.3, (count, 10)) + TENT
        places = np.unique(np.r_[0:5, 9, 2000:2017, 4093:4099, count - 3 : count])
        rest = np.setdiff1d(np.arange(count), places)
        arrivals = np.linspace(2, 12, count)
        for dtype in (np.float32, np.float64):
            spoilt = data.astype(dtype)
            spoilt[places[::2]], spoilt[places[1::2], 4] = np.nan, np.inf
            for measure in MEASURES:
                for arrival in (9.0, arrivals):
                    before, after = measure(data.astype(dtype), TIMES, arrival), measure(spoilt, TIMES, arrival)
                    self.assertEqual((before.dtype, before.shape), (dtype, (count,)))
                    self.assertEqual(before[rest].tobytes(), after[rest].tobytes())


class TruthTest(unittest.TestCase):
    def test_area_of_straight_lines(self):
        # 9 to 15 s: 9; to 20 s: 27.5; to 26 s: 39; then the line from 5 at 26 s down by 0.05 per second.
        def area(end):
            return 9 + 27.5 + 39 + (end - 26) * (5 + (5 - 0.05 * (end - 26))) / 2

        for arrival in (4.0, 5.5, 9.0):
            for duration in (31.0, 60.0, 90.0):
                self.assertAlmostEqual(float(iauc(TENT, TIMES, arrival, duration)), area(arrival + duration), delta=1e-12)
        self.assertAlmostEqual(float(iauc(TENT, TIMES, 16.0, 2.0)), 2 * 5.0, delta=1e-12)  # inside one interval
        self.assertAlmostEqual(float(iauc(TENT, TIMES, 0.0, 120.0)), np.trapezoid(TENT, TIMES), delta=1e-12)

    def test_area_with_arrivals_by_voxel(self):
        arrivals = np.array([[4.0, 5.5, 9.0], [12.3, 15.0, 20.0]])
        together = iauc(np.broadcast_to(TENT, (2, 3, 10)), TIMES, arrivals, 50.0)
        for index in np.ndindex(2, 3):
            self.assertEqual(together[index], iauc(TENT, TIMES, arrivals[index], 50.0))

    def test_area_of_the_reference_object(self):
        plasma, parameters = arterial_input(bolus_arrival_s=20.0), dict(ktrans=0.3, ve=0.25, vp=0.05)
        times = np.arange(0, 130, 2.0)
        curve = tissue.extended_tofts(times, plasma, **parameters)
        fine = np.arange(0.0, 110.01, 0.1)
        smooth = tissue.extended_tofts(fine, plasma, **parameters)
        for duration in (60.0, 90.0):
            truth = np.trapezoid(smooth[(fine >= 20 - 1e-9) & (fine <= 20 + duration + 1e-9)], dx=0.1)
            self.assertAlmostEqual(float(iauc(curve, times, 20.0, duration)) / truth, 1.0, delta=2e-3)

    def test_peak_and_slopes(self):
        self.assertEqual(float(time_to_peak(TENT, TIMES, 9.0)), 11.0)
        self.assertEqual(float(time_to_peak(TENT, TIMES, 7.5)), 12.5)
        self.assertEqual(float(wash_in(TENT, TIMES, 9.0)), 1.0)  # 15 to 20 s
        late = TENT.copy()
        late[4:] = 8 - 0.05 * (TIMES[4:] - 20)
        self.assertAlmostEqual(float(wash_out(late, TIMES, 9.0)), -0.05, delta=1e-12)
        after = TIMES >= 20
        self.assertAlmostEqual(float(wash_out(TENT, TIMES, 9.0)), np.polyfit(TIMES[after], TENT[after], 1)[0], delta=1e-12)

    def test_slopes_do_not_look_before_arrival_or_after_the_peak(self):
        curve = TENT.copy()
        curve[0] = 30.0  # the first image, before the steady state
        curve[9] = 5.0
        self.assertEqual(float(time_to_peak(curve, TIMES, 9.0)), 11.0)
        self.assertEqual(float(wash_in(curve, TIMES, 9.0)), 1.0)

    def test_rising_to_the_end(self):
        rising = TIMES / 100
        self.assertEqual(float(time_to_peak(rising, TIMES, 9.0)), 111.0)
        self.assertAlmostEqual(float(wash_in(rising, TIMES, 9.0)), 0.01, delta=1e-15)
        self.assertTrue(np.isnan(wash_out(rising, TIMES, 9.0)))
        self.assertAlmostEqual(float(wash_out(TENT, TIMES, 60.0)), -0.05, delta=1e-12)  # two images follow
        self.assertTrue(np.isnan(wash_out(TENT, TIMES, 90.0)))  # one does
        self.assertTrue(np.isnan(wash_in(-TIMES, TIMES, 0.0)))  # highest in the first image

    def test_concentration_and_ratio_differ(self):
        # Saturation of the signal: twice the concentration is less than twice the relative enhancement.
        curve = np.stack([TENT, 2 * TENT]) / 10
        measured = signals.dynamic_spgr(curve, m0=1000.0, t1_s=[0.8, 0.8], flip_angle_deg=12, repetition_time_s=0.0045, relaxivity=4.5)
        ratio = relative_enhancement(measured, (0, 3))
        self.assertAlmostEqual(float(np.divide(*iauc(curve, TIMES, 9.0)[::-1])), 2.0, delta=1e-12)
        self.assertLess(float(np.divide(*iauc(ratio, TIMES, 9.0)[::-1])), 1.8)
        np.testing.assert_array_equal(time_to_peak(ratio, TIMES, 9.0), time_to_peak(curve, TIMES, 9.0))

    def test_subtraction_never_wraps(self):
        for dtype in (np.uint8, np.uint16, np.int16):
            difference = subtract(np.array([10, 200], dtype), np.array([30, 100], dtype))
            self.assertEqual((difference.dtype, difference.tolist()), (np.dtype(np.float64), [-20.0, 100.0]))
        self.assertEqual(subtract(np.ones(2, np.float32), np.ones(2, np.float32)).dtype, np.float32)

    def test_relative_enhancement(self):
        data = np.array([[90.0, 110, 150, 200]], np.float32)
        result = relative_enhancement(data, slice(0, 2))
        self.assertEqual(result.dtype, np.float32)
        np.testing.assert_allclose(result, [[-0.1, 0.1, 0.5, 1.0]], rtol=1e-6)
        np.testing.assert_allclose(relative_enhancement(data.astype(np.int16), np.array([50.0])), [[0.8, 1.2, 2.0, 3.0]])

    def test_types_and_shapes(self):
        for measure in MEASURES:
            self.assertEqual(measure(TENT.astype(np.float32), TIMES, 9.0).dtype, np.float32)
            self.assertEqual(measure((TENT * 10).astype(np.int16), TIMES, 9.0).dtype, np.float64)
            volume = np.moveaxis(np.broadcast_to(TENT[:, None, None], (10, 2, 3)), 0, -1)
            self.assertEqual(measure(volume, TIMES, 9.0).shape, (2, 3))
            self.assertEqual(measure(np.zeros((0, 10)), TIMES, 9.0).shape, (0,))


class ReferenceTest(unittest.TestCase):
    @requires_reference("madym", "madym_etm_curve.csv")
    def test_area_of_madym(self):
        with open(reference_path("madym", "madym_etm_curve.csv"), newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with open(reference_path("madym", "madym_etm_truth.csv"), newline="", encoding="utf-8") as file:
            truth = {row["parameter"]: float(row["value"]) for row in csv.DictReader(file)}
        times, curve = (np.array([float(row[name]) for row in rows]) for name in ("t_min", "ETM"))
        for duration in (60, 90, 120):
            # Injection at the ninth image. madym counts the interval before it too, and takes part of a trapezoid at the end.
            area = float(iauc(curve, times * 60, 40.0, float(duration))) / 60
            self.assertAlmostEqual(area / truth[f"IAUC{duration}s_mM_min"], 1.0, delta=1e-3)


if __name__ == "__main__":
    unittest.main()

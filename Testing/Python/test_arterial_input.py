"""Arterial input: bad input first, then the published curves, the measured input with its doubts, and the portal vein."""

import csv
import unittest

import numpy as np
from reference_data import reference_path, requires_reference

from HCCResponseLib.errors import InputError
from HCCResponseLib.phantom import input_function, noise
from HCCResponseLib.quantification.arterial_input import (
    Vessel,
    from_region,
    georgiou,
    georgiou_blood,
    parker,
    parker_blood,
    portal_from_arterial,
    weinmann,
)

TIMES = np.arange(70) * 4.3
BLOOD = input_function.arterial_input(bolus_arrival_s=21.0, hematocrit=0.0)


def codes(measured):
    return [warning.code for warning in measured.warnings]


class PopulationTest(unittest.TestCase):
    def test_errors(self):
        with self.assertRaisesRegex(InputError, "looks like percent"):
            parker(TIMES, hematocrit=42)
        for wrong in (-0.1, 1.0, np.nan, 0.9):
            with self.assertRaisesRegex(InputError, "fraction between 0 and 0.75"):
                georgiou(TIMES, hematocrit=wrong)
        for wrong in (0.0, -0.1, np.nan):
            with self.assertRaisesRegex(InputError, "dose must be above 0"):
                weinmann(TIMES, dose_mmol_per_kg=wrong)
        for function in (parker, weinmann, georgiou):
            with self.assertRaisesRegex(InputError, "not a number"):
                function([0.0, np.nan])

    def test_parker_is_that_of_the_reference_object(self):
        fine = np.linspace(-20, 600, 5001)
        for arrival in (0.0, 17.3, -5.0):
            truth = input_function.arterial_input(bolus_arrival_s=arrival, hematocrit=0.4)(fine)
            np.testing.assert_allclose(parker(fine, bolus_arrival_s=arrival, hematocrit=0.4), truth, rtol=1e-12)

    def test_hematocrit(self):
        np.testing.assert_allclose(parker(TIMES), parker_blood(TIMES) / 0.58, rtol=1e-14)
        np.testing.assert_allclose(georgiou(TIMES), georgiou_blood(TIMES) / 0.65, rtol=1e-14)

    def test_weinmann(self):
        self.assertAlmostEqual(float(weinmann(0.0)), 0.877, delta=1e-12)
        later = 0.2 * (3.99 * np.exp(-0.288) + 4.78 * np.exp(-0.0222))
        self.assertAlmostEqual(float(weinmann(120.0, dose_mmol_per_kg=0.2)), later, delta=1e-12)

    def test_georgiou_is_the_published_curve(self):
        # Time [min] and concentration [mM] from the table in the supporting information of the paper (mrm27524-sup-0002).
        published = {0.125: 8.645453, 0.25: 2.684651, 0.5: 2.007173, 1.0: 1.276626, 2.0: 1.014515, 4.0: 0.732715, 5.0: 0.649310}
        for minutes, concentration in published.items():
            self.assertAlmostEqual(float(georgiou_blood(60 * minutes)), concentration, delta=0.06)
            self.assertAlmostEqual(float(georgiou_blood(60 * minutes)) / concentration, 1.0, delta=0.02)
        fine = np.arange(0, 60, 0.1)
        self.assertAlmostEqual(fine[np.argmax(georgiou_blood(fine))], 7.5, delta=1e-6)

    def test_georgiou_recirculates_to_a_plateau(self):
        # In the long run the passages add up to one over their mean interval: 1 / ((alpha + 1) beta + tau).
        minutes = np.array([10.0, 30.0, 120.0])
        plateau = 1 / (6.26 * 0.032 + 0.129)
        np.testing.assert_allclose(georgiou_blood(60 * minutes), 0.37 * np.exp(-0.11 * minutes) * plateau, rtol=1e-4)

    def test_nothing_before_arrival_and_any_shape(self):
        for function in (parker, parker_blood, weinmann, georgiou, georgiou_blood):
            self.assertEqual(float(function(9.99, bolus_arrival_s=10.0)), 0.0)
            self.assertEqual(function(TIMES.reshape(7, 10)).shape, (7, 10))
            np.testing.assert_allclose(function(TIMES + 31.0, bolus_arrival_s=31.0), function(TIMES), rtol=1e-9, atol=1e-12)
            self.assertTrue(np.all(np.isfinite(function(np.array([0.0, 1e4, 36_000.0])))))

    @requires_reference("osipi", "ParkerAIF_ref.csv")
    def test_parker_of_osipi(self):
        with open(reference_path("osipi", "ParkerAIF_ref.csv"), newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertGreater(len(rows), 100)
        computed = parker_blood(60 * np.array([float(row["time"]) for row in rows]))
        np.testing.assert_allclose(computed, [float(row["Cb"]) for row in rows], atol=1e-12)


class MeasuredErrorsTest(unittest.TestCase):
    def refuse(self, words, curves=None, times=TIMES, **keywords):
        with self.assertRaisesRegex(InputError, words):
            from_region(BLOOD(TIMES) if curves is None else curves, times, **keywords)

    def test_input(self):
        self.refuse("looks like percent", hematocrit=42)
        self.refuse("'average' or 'peak_voxels'", np.ones((4, 70)), selection="highest")
        self.refuse("part of the voxels", peak_fraction=0.0)
        self.refuse("not in the 'aorta'", vessel="aorta")
        self.refuse("dose must be above 0", dose_mmol_per_kg=0.0)
        self.refuse("four or more", np.ones((5, 3)), TIMES[:3])
        self.refuse("look", BLOOD(TIMES), TIMES / 60)
        self.refuse("70 images need 70 times", BLOOD(TIMES), TIMES[:-1])
        self.refuse("four or more", BLOOD(TIMES).astype(complex))

    def test_region(self):
        self.refuse("No voxel of the artery has a complete", np.where(np.arange(70) == 9, np.nan, np.ones((5, 70))))
        self.refuse("does not rise above its noise", noise.gaussian(np.zeros((5, 70)), 0.1, seed=3))
        self.refuse("highest in its first image", BLOOD(TIMES + 31.2))


class MeasuredTest(unittest.TestCase):
    def test_clean_artery(self):
        measured = from_region(BLOOD(TIMES), TIMES)
        self.assertEqual(codes(measured), [])
        np.testing.assert_allclose(measured.plasma, parker(TIMES, bolus_arrival_s=21.0), rtol=1e-12)
        self.assertAlmostEqual(measured.arrival_s, 21.0, delta=2.2)
        quality = measured.quality
        self.assertAlmostEqual(quality.peak_mM, measured.plasma.max(), delta=1e-12)
        self.assertAlmostEqual(quality.time_to_peak_s, 10.2, delta=2.5)
        fine = np.linspace(21, 60, 4001)
        above = fine[BLOOD(fine) > BLOOD(fine).max() / 2]
        self.assertAlmostEqual(quality.first_pass_width_s, above[-1] - above[0], delta=1.5)
        self.assertAlmostEqual(quality.sampling_interval_s, 4.3, delta=1e-9)
        self.assertFalse(measured.low_confidence)

    def test_noise_figures(self):
        times = np.arange(200) * 1.5
        figures = [from_region(noise.gaussian(BLOOD(times), 0.1, seed), times, hematocrit=0.4).quality for seed in range(20)]
        self.assertAlmostEqual(float(np.mean([quality.baseline_noise_mM for quality in figures])), 0.1 / 0.6, delta=0.02)
        for quality in figures:
            self.assertAlmostEqual(quality.snr, quality.peak_mM / quality.baseline_noise_mM, delta=2)
            self.assertAlmostEqual(quality.late_mM, BLOOD(times[42:82]).mean() / 0.6, delta=0.1)

    def test_hematocrit_is_divided_out_once(self):
        np.testing.assert_allclose(from_region(BLOOD(TIMES), TIMES, hematocrit=0.35).plasma, BLOOD(TIMES) / 0.65, rtol=1e-14)
        np.testing.assert_allclose(from_region(BLOOD(TIMES), TIMES, hematocrit=0.0).plasma, BLOOD(TIMES), rtol=1e-14)

    def test_peak_voxels_avoid_the_wall(self):
        filling = np.r_[np.full(40, 0.5), np.ones(20)][:, None]
        voxels = noise.gaussian(filling * BLOOD(TIMES), 0.2, seed=1).reshape(3, 20, 70)
        average = from_region(voxels, TIMES)
        chosen = from_region(voxels, TIMES, selection="peak_voxels")
        self.assertEqual((average.selected.shape, int(average.selected.sum())), ((3, 20), 60))
        self.assertEqual(int(chosen.selected.sum()), 6)
        self.assertTrue(chosen.selected[2].sum() == 6)
        self.assertAlmostEqual(average.quality.peak_mM / parker(TIMES, bolus_arrival_s=21.0).max(), 2 / 3, delta=0.03)
        self.assertAlmostEqual(chosen.quality.peak_mM / parker(TIMES, bolus_arrival_s=21.0).max(), 1.0, delta=0.04)
        few = from_region(voxels[2, :3], TIMES, selection="peak_voxels")
        self.assertEqual(int(few.selected.sum()), 3)

    def test_saturated_voxels_are_left_out(self):
        voxels = np.tile(BLOOD(TIMES), (6, 1))
        voxels[1, 8], voxels[4, 9] = np.nan, np.inf
        measured = from_region(voxels, TIMES)
        self.assertEqual(codes(measured), ["incomplete_voxels"])
        self.assertIn("2 voxel(s)", measured.warnings[0].sentence)
        self.assertEqual(measured.selected.tolist(), [True, False, True, True, False, True])
        np.testing.assert_allclose(measured.plasma, BLOOD(TIMES) / 0.58, rtol=1e-12)

    def test_interpolation_is_cubic(self):
        fine = np.linspace(0, 290, 2901)
        truth = parker(fine, bolus_arrival_s=21.0)
        measured = from_region(BLOOD(TIMES), TIMES)
        linear = np.interp(fine, TIMES, measured.plasma)
        np.testing.assert_allclose(measured(TIMES), measured.plasma, rtol=1e-12, atol=1e-12)
        self.assertLess(np.sqrt(np.mean((measured(fine) - truth) ** 2)), 0.5 * np.sqrt(np.mean((linear - truth) ** 2)))
        self.assertEqual(measured([-5.0, -0.1]).tolist(), [0.0, 0.0])
        self.assertAlmostEqual(float(measured(TIMES[-1] + 10)), measured.plasma[-1], delta=1e-12)
        with self.assertRaisesRegex(InputError, "was measured until 296.7 s but is asked for at 400 s"):
            measured(400.0)


class DoubtsTest(unittest.TestCase):
    def test_coarse_sampling(self):
        for interval, coarse in ((2.0, False), (5.9, False), (6.5, True), (10.0, True)):
            times = np.arange(0, 300, interval)
            self.assertEqual("coarse_sampling" in codes(from_region(BLOOD(times), times)), coarse, interval)
        # What counts is the interval during the first pass, not the usual one.
        mixed = np.r_[np.arange(0, 80, 3.0), np.arange(80, 400, 20.0)]
        self.assertNotIn("coarse_sampling", codes(from_region(BLOOD(mixed), mixed)))

    def test_truncated_baseline(self):
        for first, truncated in ((0.0, False), (6.0, False), (14.5, True)):
            times = first + np.arange(60) * 4.3
            self.assertEqual("truncated_baseline" in codes(from_region(BLOOD(times), times)), truncated, first)

    def test_low_peak(self):
        self.assertEqual(codes(from_region(0.3 * BLOOD(TIMES), TIMES)), ["low_peak"])
        self.assertIn("partial volume", from_region(0.3 * BLOOD(TIMES), TIMES).warnings[0].sentence)
        # A quarter of the dose (gadoxetate) gives a quarter of the peak: no doubt when the dose is known.
        self.assertEqual(codes(from_region(0.25 * BLOOD(TIMES), TIMES, dose_mmol_per_kg=0.025)), [])
        self.assertEqual(codes(from_region(0.25 * BLOOD(TIMES), TIMES)), ["low_peak"])

    def test_flat_peak(self):
        cut = np.minimum(BLOOD(TIMES), 1.5)
        self.assertIn("flat_peak", codes(from_region(cut, TIMES, dose_mmol_per_kg=0.05)))

    def test_in_flow(self):
        times = np.arange(150) * 2.0
        steady = noise.gaussian(BLOOD(times - 40), 0.05, seed=2)
        self.assertEqual(codes(from_region(steady, times)), [])
        pulsation = 0.4 * np.sin(times * 2.1) * (times < 60)
        self.assertIn("in_flow", codes(from_region(steady + pulsation, times)))

    def test_truncated_first_pass(self):
        self.assertIn("truncated_first_pass", codes(from_region(BLOOD(TIMES[:8]), TIMES[:8])))

    def test_portal_vein_has_its_own_expectation(self):
        vein = input_function.portal_input(BLOOD, delay_s=6.0, transit_s=10.0)(TIMES)
        self.assertEqual(codes(from_region(vein, TIMES, vessel="portal vein")), [])
        self.assertEqual(from_region(vein, TIMES, vessel=Vessel.PORTAL_VEIN).vessel, Vessel.PORTAL_VEIN)
        self.assertEqual(codes(from_region(0.1 * vein, TIMES, vessel=Vessel.PORTAL_VEIN)), ["low_peak"])


class DerivedPortalVeinTest(unittest.TestCase):
    def test_is_the_compartment_of_the_reference_object(self):
        truth = input_function.portal_input(input_function.arterial_input(bolus_arrival_s=20.0), delay_s=4.0, transit_s=9.0)
        derived = portal_from_arterial(lambda time_s: parker(time_s, bolus_arrival_s=20.0), TIMES, delay_s=4.0, transit_s=9.0)
        np.testing.assert_allclose(derived(TIMES), truth(TIMES), atol=1e-3)
        self.assertAlmostEqual(derived.arrival_s, 24.0, delta=1.5)

    def test_is_marked(self):
        artery = from_region(0.3 * BLOOD(TIMES), TIMES)
        derived = portal_from_arterial(artery, TIMES)
        self.assertTrue(derived.low_confidence)
        self.assertEqual(codes(derived), ["low_peak", "derived_portal_vein"])
        self.assertEqual((derived.vessel, derived.hematocrit, derived.quality), (Vessel.PORTAL_VEIN, 0.42, None))
        self.assertAlmostEqual(derived.arrival_s, artery.arrival_s + 5.0, delta=1e-9)
        self.assertLess(derived(TIMES).max(), artery.plasma.max() / 2)

    def test_errors(self):
        for keywords in (dict(delay_s=-1.0), dict(transit_s=0.0), dict(transit_s=np.nan)):
            with self.assertRaisesRegex(InputError, "delay must be 0 s or more"):
                portal_from_arterial(parker, TIMES, **keywords)
        for function in (np.zeros_like, lambda t: t * np.nan, lambda t: 1.0):
            with self.assertRaisesRegex(InputError, "finite concentration at every time"):
                portal_from_arterial(function, TIMES)
        with self.assertRaisesRegex(InputError, "two or more image times"):
            portal_from_arterial(parker, [3.0])


if __name__ == "__main__":
    unittest.main()

"""Pharmacokinetic fits that looked right and were not: each must be refused, flagged or exact."""

import threading
import unittest

import numpy as np

from HCCResponseLib.errors import InputError
from HCCResponseLib.quantification.arterial_input import georgiou, parker, weinmann
from HCCResponseLib.quantification.baseline import checked_baseline
from HCCResponseLib.quantification.contrast import concentration_to_signal, convert_signals
from HCCResponseLib.quantification.diffusion import D_LIMITS, DiffusionStatus, fit_ivim
from HCCResponseLib.quantification.enhancement import subtract, time_to_peak, wash_in
from HCCResponseLib.quantification.pharmacokinetics import Status, choose_model, evaluate, fit
from HCCResponseLib.quantification.pharmacokinetics.enhancement_test import smallest_share
from HCCResponseLib.quantification.pharmacokinetics.threads import one_blas_thread
from HCCResponseLib.quantification.pharmacokinetics.voxels import check_times
from HCCResponseLib.quantification.relaxometry import fit_t1_vfa
from HCCResponseLib.quantification.time_axis import checked_time


TIME = np.arange(70) * 4.3


def plasma(time_s):
    return parker(time_s, bolus_arrival_s=20.0)


class JumpTest(unittest.TestCase):
    """A fitted delay needs curves that are smooth between two delays."""

    def fitted(self, aif, **keywords):
        curves = evaluate({"ktrans": 0.2, "kep": 0.8, "vp": 0.05, "delay_s": 2.0}, TIME, plasma, model="extended_tofts")
        return fit(curves, TIME, aif, threads=1, **keywords)

    def test_no_delay_is_fitted_with_an_input_that_jumps(self):
        for arrival in (0.0, 20.0, 20.13):
            with self.assertRaisesRegex(InputError, "arterial input function rises at once.*Parker input, or give a fixed delay"):
                self.fitted(lambda time_s, arrival=arrival: weinmann(time_s, bolus_arrival_s=arrival), delay_s=(-4, 8))
        every_second = np.arange(301.0)
        with self.assertRaisesRegex(InputError, "rises at once"):
            self.fitted(weinmann(every_second, bolus_arrival_s=20.0), aif_time_s=every_second, delay_s=(-4, 8))

    def test_nor_with_one_that_is_smooth_but_as_steep(self):
        def steep(time_s):
            return 9 / (1 + np.exp(-(time_s - 20) / 0.1))

        with self.assertRaisesRegex(InputError, "rises at once"):
            self.fitted(steep, delay_s=(-4, 8))

    def test_nor_in_the_portal_vein(self):
        def jumps(time_s):
            return weinmann(time_s, bolus_arrival_s=30.0)

        with self.assertRaisesRegex(InputError, "portal-vein input function rises at once"):
            self.fitted(plasma, pvf=jumps, model="dual_input", portal_delay_s=(0, 4))
        self.assertTrue(self.fitted(plasma, pvf=jumps, model="dual_input", delay_s=(0, 4)).valid)

    def test_a_fixed_delay_is_exact_with_any_input(self):
        def jumps(time_s):
            return weinmann(time_s, bolus_arrival_s=20.0)

        curve = evaluate({"ktrans": 0.2, "kep": 0.8, "vp": 0.05, "delay_s": 2.0}, TIME, jumps, model="extended_tofts")
        self.assertAlmostEqual(float(fit(curve, TIME, jumps, delay_s=2.0, threads=1).ktrans), 0.2, places=5)

    def test_usual_inputs_pass(self):
        for aif in (parker, plasma, lambda time_s: georgiou(time_s, bolus_arrival_s=20.13)):
            self.fitted(aif, delay_s=(-4, 8))
        every_image = np.arange(0, 301, 4.3)
        self.assertAlmostEqual(float(self.fitted(plasma(every_image), aif_time_s=every_image, delay_s=(-4, 8)).delay_s), 2.0, delta=0.5)


class StartTest(unittest.TestCase):
    """What happened before the first sample of an input is not known."""

    def test_an_input_that_begins_after_the_bolus(self):
        images = np.arange(0, 300, 4.3)
        for began in (28.0, 40.0):
            late = images + began
            curve = evaluate({"ktrans": 0.2, "kep": 0.8, "vp": 0.05}, late, plasma, model="extended_tofts")
            for ahead in (0, 3):
                with self.assertRaisesRegex(InputError, "arrival of the bolus is missing"):
                    fit(curve[ahead:], late[ahead:], plasma(late), aif_time_s=late, threads=1)

    def test_an_offset_of_a_few_percent_is_noise(self):
        values = plasma(TIME) + 0.05 * plasma(TIME).max()
        self.assertTrue(fit(0.1 * values, TIME, values, aif_time_s=TIME, threads=1).valid)

    def test_a_callable_knows_what_was_before(self):
        late = TIME + 30
        curve = evaluate({"ktrans": 0.2, "kep": 0.8, "vp": 0.05}, late, plasma, model="extended_tofts")
        self.assertAlmostEqual(float(fit(curve, late, plasma, threads=1).ktrans), 0.2, places=5)


class FastPlasmaTest(unittest.TestCase):
    """The cap of alpha is no flow."""

    def setUp(self):
        parameters = {"ktrans": np.array([0.1, 0.2, 0.3, 0.0, 0.2]), "kep": np.array([0.5, 0.8, 1, 1, 0]), "vp": 0.05}
        self.curves = evaluate(parameters, TIME, plasma, model="extended_tofts")

    def fitted(self, curves):
        return fit(curves, TIME, plasma, model="two_compartment_exchange", threads=1)

    def test_no_flow_is_given_where_the_plasma_follows_the_artery(self):
        result = self.fitted(self.curves)
        self.assertTrue((result.status & Status.PLASMA_FLOW_TOO_FAST).all())
        self.assertTrue(result.valid.all())
        self.assertTrue(np.isnan(result.plasma_flow).all() and np.isnan(result.standard_error["plasma_flow"]).all())
        np.testing.assert_allclose(result.ktrans[[0, 1, 4]], [0.1, 0.2, 0.2], rtol=0.1)

    def test_the_residual_can_still_be_computed(self):
        for noise in (0.0, 0.03):
            curves = self.curves + np.random.default_rng(1).normal(scale=noise, size=self.curves.shape)
            result = self.fitted(curves)
            rmse = np.sqrt(np.mean((curves - evaluate(result, TIME, plasma)) ** 2, axis=-1))
            np.testing.assert_allclose(rmse, result.rmse, rtol=1e-3)

    def test_a_flow_that_can_be_told_is_given(self):
        parameters = {"plasma_flow": 0.6, "ps": 0.1, "vp": 0.1, "ve": 0.3}
        result = self.fitted(evaluate(parameters, TIME, plasma, model="two_compartment_exchange"))
        self.assertEqual(result.status, Status.FITTED)
        self.assertAlmostEqual(float(result.plasma_flow), 0.6, places=3)


class ShortSeriesTest(unittest.TestCase):
    def test_it_is_said_that_enhancement_was_not_tested(self):
        noise = np.random.default_rng(2).normal(size=(50, 14))
        for model, parameters in (("tofts", 2), ("patlak", 2), ("extended_tofts", 3)):
            for images, tested in ((parameters + 9, False), (parameters + 10, True)):
                time_s = np.linspace(0, 300, images)
                result = fit(noise[:, :images], time_s, plasma, model=model, threads=1)
                enhancing = (result.status & Status.NOT_ENHANCING) == 0
                self.assertTrue(enhancing.any() or tested)
                self.assertEqual((result.status[enhancing] & Status.ENHANCEMENT_NOT_TESTED > 0).all(), not tested or not enhancing.any())
                self.assertFalse((result.status[~enhancing] & Status.ENHANCEMENT_NOT_TESTED).any())
        unasked = fit(noise[:, :8], np.linspace(0, 300, 8), plasma, enhancement_level=None, threads=1)
        self.assertFalse((unasked.status & Status.ENHANCEMENT_NOT_TESTED).any())


class UnitsTest(unittest.TestCase):
    """Every function that takes image times refuses minutes and milliseconds alike."""

    def assert_refused(self, time_s, message):
        time_s = np.asarray(time_s, float)
        with self.assertRaisesRegex(InputError, message):
            checked_time(time_s, time_s.size)
        with self.assertRaisesRegex(InputError, message):
            fit(np.ones(time_s.size), time_s, plasma, model="tofts", threads=1)

    def test_minutes(self):
        self.assert_refused([0, 0.25, 0.5, 0.75, 1.2, 3, 5, 10, 20], "looks like minutes; give seconds")
        self.assert_refused(np.arange(30) * 0.5, "looks like minutes; give seconds")
        self.assert_refused(np.arange(100) * 0.07, "looks like minutes; give seconds")

    def test_milliseconds(self):
        self.assert_refused(np.arange(20) * 4300.0, "looks like milliseconds; give seconds")

    def test_seconds(self):
        for time_s in (np.arange(40) * 1.0, np.arange(100) * 0.7, [0.0, 15, 30, 60, 180, 1200], [-10.0, 20, 35], [0.0, 1200]):
            time_s = np.asarray(time_s, float)
            np.testing.assert_array_equal(checked_time(time_s, time_s.size), time_s)
            np.testing.assert_array_equal(check_times(time_s), time_s)


class ThreadsTest(unittest.TestCase):
    def test_blas_stays_at_one_thread_until_the_last_fit_ends(self):
        try:
            from threadpoolctl import threadpool_info, threadpool_limits
        except ImportError:
            self.skipTest("threadpoolctl is not installed")

        def blas_threads():
            return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

        with threadpool_limits(limits=2, user_api="blas"):
            before = blas_threads()
            inside, leave = threading.Event(), threading.Event()

            def other():
                with one_blas_thread():
                    inside.set()
                    leave.wait(60)
                found.append(blas_threads())

            # Whichever thread begins and whichever ends last.
            for ends_last in ("this", "other"):
                inside.clear(), leave.clear()
                found, thread = [], threading.Thread(target=other)
                with one_blas_thread():
                    thread.start()
                    self.assertTrue(inside.wait(60))
                    self.assertEqual(blas_threads(), {1})
                    if ends_last == "this":
                        leave.set()
                        thread.join()
                        self.assertEqual((found, blas_threads()), ([{1}], {1}))
                if ends_last == "other":
                    self.assertEqual(blas_threads(), {1})
                    leave.set()
                    thread.join()
                    self.assertEqual(found, [before])
                self.assertEqual(blas_threads(), before)
            with self.assertRaises(ZeroDivisionError), one_blas_thread():
                raise ZeroDivisionError
            self.assertEqual(blas_threads(), before)


class ArgumentsTest(unittest.TestCase):
    def refuses(self, message, **keywords):
        keywords = {"aif": plasma} | keywords
        with self.assertRaisesRegex(InputError, message):
            fit(0.1 * plasma(TIME), TIME, keywords.pop("aif"), **keywords)

    def test_whole_numbers(self):
        self.refuses("whole number; found 1.5", chunk=1.5)
        self.refuses("whole number; found 'a'", chunk="a")
        self.refuses("whole number of at least 1, found 'a'", threads="a")
        self.refuses("whole number of at least 1, found 1.5", threads=1.5)
        for wrong in ((0.0, 3.0), (0, "3"), slice(0, 3.5), slice(0, 3, 0)):
            with self.assertRaisesRegex(InputError, "counted in whole numbers"):
                checked_baseline(wrong, (2,), 10)
        self.assertEqual(checked_baseline((np.int64(0), np.int64(3)), (2,), 10), slice(0, 3))

    def test_arguments_that_would_not_be_used(self):
        self.refuses("must be 'cubic' or 'linear'", aif_interpolation="nearest")
        self.refuses("must be 'cubic' or 'linear'", aif=plasma(TIME[:3]), aif_time_s=TIME[:3], aif_interpolation="nearest")
        self.refuses("the input is a function of time", aif_time_s=TIME)
        self.refuses("no portal-vein input that could be delayed", portal_delay_s=3.0)
        self.refuses("no portal-vein input that could be delayed", portal_delay_s=(0, 3))
        with self.assertRaisesRegex(InputError, "the input is a function of time"):
            evaluate({"ktrans": 0.1, "kep": 1.0}, TIME, plasma, model="tofts", aif_time_s=TIME)

    def test_times_of_one_input_beside_a_function_for_the_other(self):
        keywords = {"model": "dual_input", "aif_time_s": TIME, "threads": 1}
        self.assertTrue(fit(0.1 * plasma(TIME), TIME, plasma, pvf=plasma(TIME - 8), **keywords).valid)


class PrecisionTest(unittest.TestCase):
    """float32 in, float32 out, whatever the byte order of the file it came from."""

    def test_big_endian(self):
        curves = (100 + 10 * plasma(TIME)).astype(np.float32)[None]
        agent = {"flip_angle_deg": 15, "repetition_time_s": 0.005, "relaxivity": 4.5}
        results = {}
        for order in "<>":
            swapped = curves.astype(f"{order}f4")
            results[order] = [
                convert_signals(swapped, baseline=(0, 4), t1_s=0.8, **agent).concentration,
                concentration_to_signal(swapped, baseline=100, t1_s=0.8, **agent),
                fit_t1_vfa(swapped[:, [10, 0]], (2, 15), 0.005).t1,
                time_to_peak(swapped, TIME, 20.0),
                subtract(swapped, swapped[:, ::-1]),
            ]
        for little, big in zip(results["<"], results[">"], strict=True):
            np.testing.assert_array_equal(big, little)
            self.assertEqual(big.dtype, np.dtype(np.float32))


class ByHandTest(unittest.TestCase):
    """Degrees of freedom matter where there are few images: formulas written out."""

    def setUp(self):
        self.time_s = np.arange(12) * 12.0
        truth = evaluate({"ktrans": 0.15, "kep": 0.6, "vp": 0.06}, self.time_s, plasma, model="extended_tofts")
        self.curve = truth + np.random.default_rng(4).normal(scale=0.02, size=12)

    def test_standard_errors(self):
        for model, names in (("patlak", ("ktrans", "vp")), ("tofts", ("ktrans", "kep")), ("extended_tofts", ("ktrans", "kep", "vp"))):
            for images in (10, 12):
                time_s, curve = self.time_s[:images], self.curve[:images]
                result = fit(curve, time_s, plasma, model=model, enhancement_level=None, threads=1)
                best = {name: float(getattr(result, name)) for name in names}
                self.assertTrue(all(value > 0 for value in best.values()))

                def curve_at(name, step, best=best, time_s=time_s, model=model):
                    return evaluate(best | {name: best[name] * (1 + step)}, time_s, plasma, model=model)

                slopes = np.stack([(curve_at(name, 1e-4) - curve_at(name, -1e-4)) / (2e-4 * best[name]) for name in names], axis=1)
                squares = np.sum((curve - curve_at(names[0], 0.0)) ** 2)
                covariance = squares / (images - len(names)) * np.linalg.inv(slopes.T @ slopes)
                for name, expected in zip(names, np.sqrt(np.diag(covariance)), strict=True):
                    self.assertAlmostEqual(float(result.standard_error[name]) / expected, 1, delta=0.01, msg=f"{model} {images} {name}")

    def test_corrected_information_criterion(self):
        choice = choose_model(self.curve, self.time_s, plasma, enhancement_level=None, threads=1)
        self.assertEqual(choice.models, ("patlak", "tofts", "extended_tofts"))
        criterion = np.array(
            [
                12 * np.log(float(choice.fits["patlak"].rmse) ** 2) + 2 * 3 + 24 / 8,
                12 * np.log(float(choice.fits["tofts"].rmse) ** 2) + 2 * 3 + 24 / 8,
                12 * np.log(float(choice.fits["extended_tofts"].rmse) ** 2) + 2 * 4 + 40 / 7,
            ],
        )
        weight = np.exp(-(criterion - criterion.min()) / 2)
        np.testing.assert_allclose(choice.weight, weight / weight.sum(), rtol=1e-9)

    def test_level_of_the_enhancement_test(self):
        # Tables of the F-distribution: F(2, 10) at 1 %, F(3, 12) at 5 %, F(3, 20) at 1 %.
        for samples, parameters, level, table in ((12, 2, 0.01, 7.559), (15, 3, 0.05, 3.490), (23, 3, 0.01, 4.938)):
            share = smallest_share(samples, parameters, level)
            self.assertAlmostEqual(share * (samples - parameters) / parameters, table, delta=6e-4)
        self.assertEqual(smallest_share(12, 3, 0.01), 0.0)

    def test_wash_in_with_the_arrival_between_two_images(self):
        time_s = [0.0, 10, 20, 30, 40]
        # The interval that holds the arrival counts, the one before does not.
        self.assertAlmostEqual(float(wash_in([0.0, 0, 5, 6, 4], time_s, 15.0)), 0.5)
        self.assertAlmostEqual(float(wash_in([0.0, 8, 3, 9, 5], time_s, 15.0)), 0.6)
        self.assertAlmostEqual(float(wash_in([0.0, 8, 3, 9, 5], time_s, 9.0)), 0.8)

    def test_diffusion_above_its_limit(self):
        b = np.array([0, 10, 20, 40, 80, 150, 200, 300, 400.0])
        above = 700 * np.exp(-b * 1.4 * D_LIMITS[1]) + 300 * np.exp(-b * 0.1)
        below = 700 * np.exp(-b * 0.6 * D_LIMITS[1]) + 300 * np.exp(-b * 0.1)
        result = fit_ivim(np.stack([above, below]), b, method="biexponential")
        self.assertEqual(result.status.tolist(), [DiffusionStatus.D_AT_LIMIT, DiffusionStatus.OK])
        self.assertEqual(result.valid.tolist(), [False, True])
        self.assertTrue(np.isnan(result.d[0]))


if __name__ == "__main__":
    unittest.main()

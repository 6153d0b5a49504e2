"""Bad input of the pharmacokinetic fit: a clear error, or a marked voxel beside which nothing changes by a bit."""

import unittest
import warnings

import numpy as np

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.phantom.input_function import arterial_input
from HCCResponseLib.phantom.reference_object import make_reference_object
from HCCResponseLib.quantification.pharmacokinetics import MODELS, Bounds, CoarseSamplingWarning, Status, choose_model, evaluate, fit

TIME = np.arange(70) * 4.3


def noisy(model="extended_tofts", voxels=200, sd=0.05, seed=1, **options):
    """A reference object with noise, and the keywords its fit needs."""
    truth = make_reference_object(model, voxels, seed=seed, **options)
    curves = truth.concentration + np.random.default_rng(seed).normal(scale=sd, size=truth.concentration.shape)
    return truth, curves, {"model": model, "threads": 1} | ({"pvf": truth.portal} if truth.portal else {})


def arrays(result):
    """Every map of a fit by name, standard errors included."""
    errors = {f"standard error of {name}": values for name, values in result.standard_error.items()}
    return result.maps | errors | {name: getattr(result, name) for name in ("valid", "status", "rmse", "r_squared")}


class InputTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.truth, cls.curves, cls.keywords = noisy(voxels=5)
        cls.aif = cls.truth.arterial

    def refuses(self, message, concentration=None, time_s=TIME, aif=None, **keywords):
        with self.assertRaisesRegex(InputError, message):
            fit(self.curves if concentration is None else concentration, time_s, self.aif if aif is None else aif, **keywords)

    def assert_same(self, one, two, which=slice(None)):
        """Every bit of ``one`` at the voxels ``which`` equals ``two``."""
        one, two = arrays(one), arrays(two)
        self.assertEqual(one.keys(), two.keys())
        for name, values in one.items():
            np.testing.assert_array_equal(values[which], two[name], err_msg=name)


class TimesTest(InputTestCase):
    def test_unsorted_or_repeated_times(self):
        repeated, swapped = TIME.copy(), TIME.copy()
        repeated[20] = repeated[19]
        swapped[[20, 21]] = swapped[[21, 20]]
        self.refuses("do not increase: image 21", time_s=repeated)
        self.refuses("Sort the images", time_s=swapped)

    def test_minutes_and_milliseconds(self):
        self.refuses("looks like minutes", time_s=TIME / 60)
        self.refuses("looks like minutes", concentration=np.ones((1, 1050)), time_s=np.arange(1050) * 4.3 / 60)
        self.refuses("looks like milliseconds", time_s=TIME * 1000)

    def test_times_that_are_not_numbers(self):
        broken = TIME.copy()
        broken[3] = np.nan
        self.refuses("not finite", time_s=broken)
        self.refuses("list of seconds", time_s="0 4.3 8.6")
        self.refuses("list of seconds", time_s=TIME[None])

    def test_too_few_images(self):
        for model, fewest in (("patlak", 3), ("tofts", 3), ("extended_tofts", 4), ("two_compartment_exchange", 5)):
            times = np.linspace(0, 300, fewest - 1)
            self.refuses("more than as many images", concentration=np.ones((2, fewest - 1)), time_s=times, model=model)
        self.refuses("more than as many images", concentration=np.ones((2, 2)), time_s=[0.0, 60.0])
        self.refuses("70 images, 3 of them after its arrival", aif=arterial_input(bolus_arrival_s=286.0))
        self.refuses("70 images, 1 of them after its arrival", aif=lambda time_s: np.where(time_s > 296, 1.0, 0.0), model="patlak")
        self.refuses("more than as many images", concentration=np.ones((2, 4)), time_s=np.linspace(0, 300, 4), delay_s=(0, 5))

    def test_times_and_concentrations_of_different_length(self):
        self.refuses("70 image times but 69", concentration=self.curves[:, 1:])
        self.refuses("70 image times but 5", concentration=self.curves.T)

    def test_any_zero_and_any_spacing(self):
        truth = make_reference_object("extended_tofts", 20, seed=2, time_s=np.sort(np.random.default_rng(0).uniform(-10, 290, 80)))
        result = fit(truth.concentration, truth.time_s, truth.arterial, threads=1)
        np.testing.assert_allclose(result.ktrans, truth.truth["ktrans"], rtol=1e-4)
        later = fit(truth.concentration, truth.time_s + 3600, lambda time_s: truth.arterial(time_s - 3600), threads=1)
        np.testing.assert_allclose(later.ktrans, truth.truth["ktrans"], rtol=1e-4)


class ArterialInputTest(InputTestCase):
    def samples(self, **keywords):
        return {"aif": self.aif(TIME), "aif_time_s": TIME} | keywords

    def test_samples_need_times_of_their_length(self):
        self.refuses("without their times", **self.samples(aif_time_s=None))
        self.refuses("lists of one length", **self.samples(aif_time_s=TIME[:-1]))
        self.refuses("lists of one length", aif=np.ones((2, 70)), aif_time_s=np.ones((2, 70)))
        self.refuses("lists of numbers", aif=["a"] * 70, aif_time_s=TIME)

    def test_samples_must_be_sorted_and_finite(self):
        times, values = TIME.copy(), self.aif(TIME)
        times[5] = times[4]
        values[7] = np.inf
        self.refuses("not increasing", **self.samples(aif_time_s=times))
        self.refuses("not finite", **self.samples(aif=values))

    def test_samples_must_cover_the_series(self):
        self.refuses("ends at 249.4 s but is needed until 296.7 s", aif=self.aif(TIME[:59]), aif_time_s=TIME[:59])
        # The tissue that enhances ten seconds later needs ten seconds less.
        needed = TIME[TIME <= TIME[-1] - 10 + 4.3]
        result = fit(self.curves, TIME, self.aif(needed), aif_time_s=needed, delay_s=10.0, threads=1)
        self.assertTrue(result.valid.all())

    def test_samples_must_hold_the_arrival(self):
        late = TIME[8:]
        self.refuses("arrival of the bolus is missing", aif=self.aif(late), aif_time_s=late)

    def test_times_in_minutes_beside_images_in_seconds(self):
        self.refuses("ends at 4.945 s", **self.samples(aif_time_s=TIME / 60))

    def test_no_contrast_agent(self):
        self.refuses("does not rise above zero", **self.samples(aif=np.zeros(70)))
        self.refuses("does not rise above zero", **self.samples(aif=-self.aif(TIME)))
        self.refuses("does not rise above zero", aif=np.zeros_like)
        self.refuses("some 1 to 20", **self.samples(aif=1e-9 * self.aif(TIME)))

    def test_callables_that_misbehave(self):
        self.refuses("not finite", aif=lambda time_s: np.full(time_s.shape, np.nan))
        self.refuses("one for each time", aif=lambda time_s: np.ones(3))

    def test_unknown_interpolation(self):
        self.refuses("must be 'cubic' or 'linear'", **self.samples(aif_interpolation="nearest"))

    def test_warns_of_coarse_sampling(self):
        coarse = np.arange(0, 301, 10.0)
        with self.assertWarnsRegex(CoarseSamplingWarning, "every 10 s"):
            fit(self.curves, TIME, self.aif(coarse), aif_time_s=coarse, threads=1)
        slow_after_the_bolus = np.concatenate([np.arange(0, 60, 3.0), np.arange(60, 301, 30.0)])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit(self.curves, TIME, **self.samples(), threads=1)
            fit(self.curves, TIME, self.aif(slow_after_the_bolus), aif_time_s=slow_after_the_bolus, threads=1)

    def test_portal_vein(self):
        self.refuses("needs the plasma concentration in the portal vein", model="dual_input")
        self.refuses("has one input", pvf=self.aif)


class ArgumentsTest(InputTestCase):
    def test_unknown_model(self):
        self.refuses("no pharmacokinetic model 'kety'", model="kety")

    def test_delays(self):
        self.refuses("must be a number of seconds or a range", delay_s=(0, 1, 2))
        self.refuses("must be a number of seconds or a range", delay_s="late")
        self.refuses("must be a number of seconds or a range", delay_s=np.nan)
        self.refuses(r"must be \(low, high\)", delay_s=(5, -5))
        self.refuses("no bolus delay", delay_s=(0, 5000))

    def test_both_delays_of_the_extended_dual_input_model(self):
        truth, curves, keywords = noisy("dual_input_extended_tofts", voxels=2)
        self.refuses("one of the two delays", curves, aif=truth.arterial, delay_s=(0, 5), portal_delay_s=(0, 5), **keywords)

    def test_masks(self):
        self.refuses("shape", mask=np.ones(4, bool))
        self.refuses("true/false", mask=np.full(5, "inside"))

    def test_concentrations_that_are_no_numbers(self):
        self.refuses("real numbers", concentration=self.curves.astype(complex))
        self.refuses("real numbers", concentration=np.full((5, 70), "x"))

    def test_bounds_levels_threads_and_chunks(self):
        for wrong in ({"ve": 0}, {"ve": 1.5}, {"vp": -1}, {"kep": np.nan}, {"kep": 1e4}):
            with self.assertRaises(InputError):
                Bounds(**wrong)
        self.refuses("probability", enhancement_level=1.0)
        self.refuses("at least 1", threads=0)
        self.refuses("at least one voxel", chunk=0)

    def test_evaluate(self):
        with self.assertRaisesRegex(InputError, "vp not given"):
            evaluate({"ktrans": 0.1, "ve": 0.2}, TIME, self.aif, model="extended_tofts")
        with self.assertRaisesRegex(InputError, "different shapes"):
            evaluate({"ktrans": np.ones(2), "vp": np.ones(3)}, TIME, self.aif, model="patlak")

    def test_choose_model(self):
        with self.assertRaisesRegex(InputError, "two or more different models"):
            choose_model(self.curves, TIME, self.aif, models=("tofts", "tofts"))

    def test_no_voxels(self):
        self.assertEqual(fit(np.empty((0, 3, 70)), TIME, self.aif).ktrans.shape, (0, 3))

    def test_cancelled(self):
        told = []

        def stop(fraction):
            told.append(fraction)
            return fraction < 0.3

        curves = np.tile(self.curves, (400, 1))
        for threads in (1, 2):
            with self.assertRaises(Cancelled):
                fit(curves, TIME, self.aif, progress=stop, chunk=500, threads=threads)
            self.assertLess(max(told), 1)

    def test_progress_rises_to_the_end(self):
        told = []
        fit(self.curves, TIME, self.aif, progress=told.append, chunk=2, threads=2)
        self.assertEqual(told, sorted(told))
        self.assertEqual((told[0], told[-1]), (0.0, 1.0))


class VoxelsTest(InputTestCase):
    def test_spoilt_voxels_are_marked_and_change_no_bit_beside_them(self):
        for model, delay_s in (("extended_tofts", 0.0), ("extended_tofts", (-2, 4)), ("patlak", 0.0), ("two_compartment_exchange", 0.0)):
            with self.subTest(model=model, delay_s=delay_s):
                truth, curves, keywords = noisy(model, sd=0.2)
                keywords |= {"delay_s": delay_s}
                spoilt = np.arange(3, 200, 10)
                bad = curves.copy()
                bad[spoilt, 5] = np.resize([np.nan, np.inf, -np.inf, 1e200], spoilt.size)
                good = np.setdiff1d(np.arange(200), spoilt)
                result = fit(bad, TIME, truth.arterial, **keywords)
                self.assert_same(result, fit(curves[good], TIME, truth.arterial, **keywords), good)
                self.assertTrue((result.status[spoilt] == Status.NOT_FINITE).all())
                self.assertFalse(result.valid[spoilt].any())
                for name in ("ktrans", "vp", "rmse", "r_squared"):
                    self.assertTrue(np.isnan(getattr(result, name)[spoilt]).all(), name)

    def test_a_voxel_does_not_depend_on_the_others(self):
        for model in MODELS:
            with self.subTest(model=model):
                truth, curves, keywords = noisy(model, sd=0.3)
                keywords |= {"enhancement_level": None}
                result = fit(curves, TIME, truth.arterial, **keywords)
                order = np.random.default_rng(0).permutation(200)
                self.assert_same(result, fit(curves[order], TIME, truth.arterial, **keywords), order)
                for one in (0, 77):
                    self.assert_same(result, fit(curves[one : one + 1], TIME, truth.arterial, **keywords), slice(one, one + 1))
                self.assert_same(result, fit(curves, TIME, truth.arterial, **(keywords | {"threads": 2, "chunk": 33})))

    def test_any_layout(self):
        truth, curves, keywords = noisy(voxels=24)
        result = fit(curves.reshape(2, 3, 4, 70), TIME, truth.arterial, **keywords)
        flat = fit(curves, TIME, truth.arterial, **keywords)
        np.testing.assert_array_equal(result.ktrans, flat.ktrans.reshape(2, 3, 4))
        time_first = np.moveaxis(np.ascontiguousarray(np.moveaxis(curves.reshape(2, 3, 4, 70), -1, 0)), 0, -1)
        padded = np.zeros((4, 5, 6, 70))
        padded[1:3, 1:4, 1:5] = curves.reshape(2, 3, 4, 70)
        for array in (time_first, padded[1:3, 1:4, 1:5], np.asfortranarray(curves.reshape(2, 3, 4, 70))):
            self.assert_same(fit(array, TIME, truth.arterial, **keywords), result)
        one = fit(curves[0], TIME, truth.arterial, **keywords)
        self.assertEqual(one.ktrans.shape, ())
        self.assertEqual(one.ktrans, flat.ktrans[0])

    def test_mask(self):
        truth, curves, keywords = noisy()
        inside = np.random.default_rng(1).random(200) < 0.3
        result = fit(curves, TIME, truth.arterial, mask=inside, **keywords)
        self.assert_same(result, fit(curves[inside], TIME, truth.arterial, **keywords), inside)
        self.assertTrue((result.status[~inside] == Status.MASKED_OUT).all())
        self.assertTrue(np.isnan(result.ktrans[~inside]).all())
        nothing = fit(curves, TIME, truth.arterial, mask=np.zeros(200, int), **keywords)
        self.assertFalse(nothing.valid.any())

    def test_types(self):
        truth, curves, keywords = noisy(voxels=20)
        single = fit(curves.astype(np.float32), TIME, truth.arterial, **keywords)
        for name, values in arrays(single).items():
            if name not in ("valid", "status"):
                self.assertEqual(values.dtype, np.float32, name)
        exact = fit(curves.astype(np.float32).astype(np.float64), TIME, truth.arterial, **keywords)
        np.testing.assert_array_equal(single.ktrans, exact.ktrans.astype(np.float32))
        self.assertEqual(evaluate(single, TIME, truth.arterial).dtype, np.float32)
        whole = np.round(1000 * curves).astype(np.int16)
        micromolar = fit(whole, TIME, lambda time_s: 1000 * truth.arterial(time_s), **keywords)
        self.assertEqual(micromolar.ktrans.dtype, np.float64)
        np.testing.assert_allclose(micromolar.ktrans, exact.ktrans, rtol=0.02)
        swapped = fit(curves.astype(">f8"), TIME, truth.arterial, **keywords)
        np.testing.assert_array_equal(swapped.ktrans, fit(curves, TIME, truth.arterial, **keywords).ktrans)


if __name__ == "__main__":
    unittest.main()

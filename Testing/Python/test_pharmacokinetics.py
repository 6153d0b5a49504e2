"""The pharmacokinetic fit against truth: own reference objects, published tables, SciPy, and the traps of the field."""

import csv
import sys
import unittest

import numpy as np
from reference_data import reference_path, requires_reference
from scipy.optimize import least_squares
from scipy.signal import lfilter

from HCCResponseLib.phantom import tissue
from HCCResponseLib.phantom.input_function import arterial_input, portal_input
from HCCResponseLib.phantom.reference_object import make_reference_object
from HCCResponseLib.quantification.pharmacokinetics import Status, evaluate, fit
from HCCResponseLib.quantification.pharmacokinetics.bounds import Region, bounded_pair
from HCCResponseLib.quantification.pharmacokinetics.input_function import InputFunction

TIME = np.arange(70) * 4.3
AIF = arterial_input(bolus_arrival_s=20.0)


def noise(shape, sd, seed=0):
    return np.random.default_rng(seed).normal(scale=sd, size=shape)


class ReferenceObjectTest(unittest.TestCase):
    """Noise-free curves of the phantom, integrated by Runge-Kutta, give their parameters back."""

    def assert_recovered(self, values, truth, percentile_95, largest):
        errors = np.abs(values - truth) / np.abs(truth)
        self.assertLess(np.percentile(errors, 95), percentile_95)
        self.assertLess(errors.max(), largest)

    def test_extended_tofts(self):
        truth = make_reference_object("extended_tofts", 2000, seed=3)
        result = fit(truth.concentration, TIME, truth.arterial)
        self.assertTrue((result.status == Status.FITTED).all())
        self.assert_recovered(result.ktrans, truth.truth["ktrans"], 1e-5, 5e-5)
        self.assert_recovered(result.ve, truth.truth["ve"], 1e-5, 5e-5)
        self.assert_recovered(result.kep, truth.truth["ktrans"] / truth.truth["ve"], 1e-5, 5e-5)
        self.assertLess(np.abs(result.vp - truth.truth["vp"]).max(), 1e-5)
        self.assertLess(result.rmse.max(), 1e-5)
        self.assertGreater(result.r_squared.min(), 1 - 1e-8)

    def test_tofts_and_patlak(self):
        for model in ("tofts", "patlak"):
            truth = make_reference_object(model, 1000, seed=4)
            result = fit(truth.concentration, TIME, truth.arterial, model=model)
            for name in ("ktrans", "ve" if model == "tofts" else "vp"):
                self.assert_recovered(getattr(result, name), truth.truth[name], 1e-5, 5e-5)

    def test_two_compartment_exchange(self):
        truth = make_reference_object("two_compartment_exchange", 500, seed=5)
        result = fit(truth.concentration, TIME, truth.arterial, model="two_compartment_exchange")
        for name in ("plasma_flow", "ps", "vp", "ve"):
            self.assert_recovered(getattr(result, name), truth.truth[name], 2e-4, 1e-2)
        flow, ps = truth.truth["plasma_flow"], truth.truth["ps"]
        self.assert_recovered(result.ktrans, flow * ps / (flow + ps), 2e-4, 1e-2)

    def dual_input_object(self, voxels, delay=0.0):
        """Liver and tumour whose distribution volume is below 1."""
        draw = np.random.default_rng(6).uniform
        fraction, flow, volume = draw(0.1, 0.9, voxels), draw(0.3, 2.0, voxels), draw(0.15, 0.6, voxels)
        portal = portal_input(AIF)
        rates = {"k1a": fraction * flow, "k1p": (1 - fraction) * flow, "k2": flow / volume}
        curves = tissue.dual_input(TIME, AIF, portal, **rates, arterial_delay_s=delay, portal_delay_s=delay / 2)
        return portal, curves, fraction, flow, volume

    def test_dual_input(self):
        portal, curves, fraction, flow, volume = self.dual_input_object(300)
        result = fit(curves, TIME, AIF, model="dual_input", pvf=portal)
        self.assertTrue((result.status == Status.FITTED).all())
        self.assert_recovered(result.arterial_fraction, fraction, 1e-4, 1e-3)
        self.assert_recovered(result.plasma_flow, flow, 1e-4, 1e-3)
        self.assert_recovered(result.distribution_volume, volume, 1e-4, 1e-3)
        self.assert_recovered(result.mean_transit_time_s, 60 * volume / flow, 1e-4, 1e-3)

    def test_dual_input_with_both_delays(self):
        portal, curves, fraction, _flow, volume = self.dual_input_object(60, delay=3.0)
        result = fit(curves, TIME, AIF, model="dual_input", pvf=portal, delay_s=(0, 5), portal_delay_s=(-1, 3))
        self.assertLess(np.percentile(np.abs(result.delay_s - 3.0), 90), 0.1)
        self.assertLess(np.percentile(np.abs(result.portal_delay_s - 1.5), 90), 0.1)
        self.assert_recovered(result.distribution_volume, volume, 5e-3, 5e-2)
        self.assertLess(np.percentile(np.abs(result.arterial_fraction - fraction), 90), 0.01)

    def test_dual_input_extended_tofts(self):
        truth = make_reference_object("dual_input_extended_tofts", 300, seed=7)
        result = fit(truth.concentration, TIME, truth.arterial, model="dual_input_extended_tofts", pvf=truth.portal)
        for name in ("ktrans", "ve", "vp", "arterial_fraction"):
            self.assert_recovered(getattr(result, name), truth.truth[name], 2e-4, 1e-2)

    def test_delays_also_negative(self):
        for model, names in (("extended_tofts", ("ktrans", "ve", "vp")), ("patlak", ("ktrans", "vp")), ("tofts", ("ktrans", "ve"))):
            truth = make_reference_object(model, 300, seed=8, delay_range_s=(-3.0, 6.0))
            result = fit(truth.concentration, TIME, truth.arterial, model=model, delay_s=(-4, 8))
            # The population input jumps at arrival, so a delay is known to a hundredth of a second only.
            self.assertLess(np.abs(result.delay_s - truth.truth["delay_s"]).max(), 0.05)
            for name in names:
                self.assert_recovered(getattr(result, name), truth.truth[name], 5e-3, 0.1)

    def test_fixed_delays(self):
        for delay in (-3.3, 5.1):
            truth = make_reference_object("extended_tofts", 100, seed=9, delay_range_s=(delay, delay))
            result = fit(truth.concentration, TIME, truth.arterial, delay_s=delay)
            self.assert_recovered(result.ktrans, truth.truth["ktrans"], 1e-5, 5e-5)
            self.assertEqual(result.delay_s.shape, (100,))
            self.assertTrue((result.delay_s == delay).all())

    def test_long_series(self):
        time_s = np.arange(1050) * 4.3
        truth = make_reference_object("extended_tofts", 100, seed=10, time_s=time_s)
        result = fit(truth.concentration, time_s, truth.arterial)
        self.assert_recovered(result.ktrans, truth.truth["ktrans"], 1e-5, 1e-4)
        self.assert_recovered(result.ve, truth.truth["ve"], 1e-5, 1e-4)


class OptimalityTest(unittest.TestCase):
    """No voxel's residual is worse than the best of SciPy's from five starts with the same bounds."""

    STARTS = ((0.2, 0.02, 0.5), (0.05, 0.1, 5.0), (0.5, 0.0, 0.05), (0.9, 0.3, 20.0), (0.3, 0.05, 2.0))
    REFINEMENT = 10

    @classmethod
    def setUpClass(cls):
        # Both fit the same straight lines, so that only the search differs.
        cls.step = 4.3 / cls.REFINEMENT
        cls.fine = np.arange(69 * cls.REFINEMENT + 1) * cls.step
        cls.plasma = AIF(cls.fine)

    def exchange(self, kep):
        """Plasma convolved with exp(-kep t) [mM min], exactly; kep above 0."""
        x = kep / 60 * self.step
        p1 = -np.expm1(-x) / x
        p2 = (1 - p1) / x if x > 1e-3 else 0.5 - x / 6 + x * x / 24
        gain = np.zeros_like(self.plasma)
        gain[1:] = self.step / 60 * (self.plasma[:-1] * (p1 - p2) + self.plasma[1:] * p2)
        return lfilter([1.0], [1.0, -np.exp(-x)], gain)[:: self.REFINEMENT]

    def model(self, ve, vp, kep):
        return ve * kep * self.exchange(kep) + vp * self.plasma[:: self.REFINEMENT]

    def best_of_scipy(self, curve):
        return min(
            2 * least_squares(
                lambda p: self.model(*p) - curve, start, bounds=([0, 0, 1e-6], [1, 1, 30]), xtol=1e-10, ftol=1e-10, gtol=1e-10,
            ).cost
            for start in self.STARTS
        )

    def test_never_worse_than_scipy(self):
        draw = np.random.default_rng(11).uniform
        count = 12
        clean = np.array([self.model(draw(0.02, 0.6), draw(0, 0.15), np.exp(draw(np.log(0.02), np.log(8)))) for _ in range(count)])
        for kind, signal, sd in (("clean", 1, 0), ("noisy", 1, 0.02), ("very noisy", 1, 0.3), ("noise only", 0, 0.05)):
            with self.subTest(kind):
                curves = signal * clean + noise(clean.shape, sd, seed=int(100 * sd))
                result = fit(curves, TIME, self.plasma, aif_time_s=self.fine, aif_interpolation="linear", enhancement_level=None)
                for number, curve in enumerate(curves):
                    ktrans, kep, vp = result.ktrans[number], result.kep[number], result.vp[number]
                    uptake = ktrans * self.exchange(max(kep, 1e-9)) if ktrans > 0 else 0.0
                    residual = np.sum((uptake + vp * self.plasma[:: self.REFINEMENT] - curve) ** 2)
                    best = self.best_of_scipy(curve)
                    # A millionth of the residual, or the rounding of a curve without noise.
                    self.assertLess(residual - best, 1e-6 * best + 1e-14 * np.sum(curve**2))
                    self.assertAlmostEqual(np.sqrt(residual / 70), result.rmse[number], delta=1e-6)
                    self.assertTrue(0 <= vp <= 1 and (np.isnan(kep) or 0 <= kep <= 30))
                    self.assertTrue(np.isnan(result.ve[number]) or 0 <= result.ve[number] <= 1)

    def assert_not_worse_than_a_dense_search(self, time_s, noise_levels):
        rates = np.expm1(np.linspace(0, np.log1p(150), 3001)[1:]) / 5
        plasma = InputFunction(AIF, 0.0, time_s[-1])
        uptake, vascular = plasma.convolved(rates, time_s) * rates, plasma(time_s)
        draw = np.random.default_rng(16)
        ve, vp, rate = draw.uniform(0, 1.2, (500, 1)), draw.uniform(-0.02, 0.2, (500, 1)), draw.integers(0, rates.size, 500)
        tissues = ve * uptake[:, rate].T + vp * vascular
        for amplitude, sd in noise_levels:
            curves = amplitude * tissues + draw.normal(scale=sd, size=tissues.shape)
            for model, second in (("extended_tofts", vascular), ("tofts", np.zeros(time_s.size))):
                result = fit(curves, time_s, AIF, model=model, enhancement_level=None)
                p1, p2 = curves @ uptake, (curves @ second)[:, None]
                gram = (uptake * uptake).sum(axis=0), second @ uptake, second @ second
                searched = bounded_pair(p1, p2 + np.zeros(p1.shape), *gram, Region(1.0, 1.0))[2].max(axis=1)
                residual = np.sum(curves**2, axis=1) - searched
                self.assertLess(np.max(time_s.size * result.rmse**2 / residual - 1), 1e-6)

    def test_never_worse_than_a_dense_search(self):
        self.assert_not_worse_than_a_dense_search(TIME, ((1, 0.02), (0.05, 0.02), (1, 1.0), (0, 1.0)))

    def test_images_that_miss_the_bolus(self):
        # Uptake and plasma then are nearly one curve, and what tells them apart turns quickly with kep.
        time_s = np.concatenate([[0.0, 5.0], np.sort(np.random.default_rng(2).uniform(75, 600, 43))])
        self.assert_not_worse_than_a_dense_search(time_s, ((1, 0.05), (0, 0.5)))

    def test_never_worse_than_the_truth(self):
        for model, options in (
            ("tofts", {}), ("patlak", {}), ("two_compartment_exchange", {}), ("dual_input_extended_tofts", {}),
            ("extended_tofts", {"delay_s": (-2, 6)}), ("patlak", {"delay_s": (-2, 6)}),
        ):
            with self.subTest(model=model, **options):
                # Without the jump of the population input, at which the residual jumps with the delay.
                aif = portal_input(AIF, transit_s=3.0) if options else AIF
                truth = make_reference_object(model, 200, seed=12, arterial=aif, delay_range_s=options.get("delay_s", (0.0, 0.0)))
                inputs = {"pvf": truth.portal} if truth.portal else {}
                curves = truth.concentration + noise(truth.concentration.shape, 0.03)
                result = fit(curves, TIME, truth.arterial, model=model, enhancement_level=None, **options, **inputs)
                at_truth = np.sum((curves - truth.concentration) ** 2, axis=1)
                self.assertLess(np.max(70 * result.rmse**2 - at_truth), 1e-4)
                fitted = evaluate(result, TIME, truth.arterial, **inputs)
                known = np.isfinite(fitted).all(axis=1)
                self.assertGreater(known.mean(), 0.9)
                rmse = np.sqrt(np.mean((curves - fitted) ** 2, axis=1))
                np.testing.assert_allclose(rmse[known], result.rmse[known], rtol=5e-4 if options else 1e-5)


class EvaluateTest(unittest.TestCase):
    def test_agrees_with_the_reference_object(self):
        for model in ("tofts", "extended_tofts", "patlak", "two_compartment_exchange", "dual_input_extended_tofts"):
            truth = make_reference_object(model, 50, seed=13, delay_range_s=(-2.0, 5.0))
            parameters = dict(truth.truth)
            if truth.portal:
                parameters["delay_s"] = parameters.pop("arterial_delay_s")
            curves = evaluate(parameters, TIME, truth.arterial, model=model, pvf=truth.portal)
            np.testing.assert_allclose(curves, truth.concentration, atol=1e-5)
        truth = make_reference_object("dual_input", 50, seed=13)
        k1a, k1p, k2 = (truth.truth[name] for name in ("k1a", "k1p", "k2"))
        parameters = {"arterial_fraction": k1a / (k1a + k1p), "plasma_flow": k1a + k1p, "mean_transit_time_s": 60 / k2}
        curves = evaluate(parameters, TIME, truth.arterial, model="dual_input", pvf=truth.portal)
        np.testing.assert_allclose(curves, truth.concentration, atol=1e-5)

    def test_numbers_and_maps_mix(self):
        curves = evaluate({"ktrans": np.full((2, 3), 0.2), "ve": 0.3, "vp": 0.05}, TIME, AIF, model="extended_tofts")
        self.assertEqual(curves.shape, (2, 3, 70))
        np.testing.assert_allclose(curves[1, 2], tissue.extended_tofts(TIME, AIF, ktrans=0.2, ve=0.3, vp=0.05), atol=1e-5)

    def test_unknown_parameters_give_no_curve(self):
        curves = evaluate({"ktrans": [np.nan, 0.0], "kep": [1.0, np.nan], "vp": [0.1, 0.1]}, TIME, AIF, model="extended_tofts")
        self.assertTrue(np.isnan(curves[0]).all())
        np.testing.assert_allclose(curves[1], 0.1 * AIF(TIME))


class TrapsTest(unittest.TestCase):
    def test_coarse_input_joined_linearly(self):
        truth = make_reference_object("extended_tofts", 200, seed=14)
        errors = {}
        for interpolation in ("linear", "cubic"):
            result = fit(truth.concentration, TIME, truth.arterial(TIME), aif_time_s=TIME, aif_interpolation=interpolation)
            errors[interpolation] = np.median(np.abs(result.ktrans / truth.truth["ktrans"] - 1))
        self.assertLess(errors["cubic"], 3e-3)
        self.assertGreater(errors["linear"], 2 * errors["cubic"])

    def test_a_rectangle_rule_would_shift_vp(self):
        # vp of the exact convolution has no such shift: Ktrans dt / 2 would be 0.018 here.
        curve = tissue.extended_tofts(TIME, AIF, ktrans=0.5, ve=0.4, vp=0.02)
        self.assertAlmostEqual(float(fit(curve, TIME, AIF).vp), 0.02, delta=1e-5)

    def test_input_early_or_late(self):
        curves = tissue.extended_tofts(TIME, AIF, ktrans=0.25, ve=0.3, vp=0.05)
        early = fit(curves, TIME, AIF, delay_s=-2.0)
        self.assertGreater(early.ktrans / 0.25, 1.02)
        self.assertLess(early.vp / 0.05, 0.9)
        fitted = fit(curves, TIME, AIF, delay_s=(-4, 4))
        self.assertAlmostEqual(float(fitted.delay_s), 0.0, delta=0.02)
        shifted = fit(curves, TIME, lambda time_s: AIF(time_s - 2.0), delay_s=(-4, 4))
        self.assertAlmostEqual(float(shifted.delay_s), -2.0, delta=0.02)
        self.assertAlmostEqual(float(shifted.ktrans), 0.25, delta=1e-3)

    def test_plasma_left_out_of_the_model(self):
        curve = tissue.extended_tofts(TIME, AIF, ktrans=0.1, ve=0.2, vp=0.05)
        self.assertGreater(fit(curve, TIME, AIF, model="tofts").ktrans / 0.1, 1.4)
        self.assertAlmostEqual(float(fit(curve, TIME, AIF).ktrans), 0.1, delta=1e-5)

    def test_vanishing_ve_stops_at_the_cap_of_kep(self):
        curve = tissue.extended_tofts(TIME, AIF, ktrans=0.3, ve=0.005, vp=0.05)
        result = fit(curve, TIME, AIF)
        self.assertAlmostEqual(float(result.kep), 30.0, delta=1e-9)
        self.assertTrue(result.status & Status.KEP_AT_MAXIMUM)

    def test_without_washout_ktrans_is_that_of_patlak(self):
        curves = tissue.patlak(TIME, AIF, ktrans=np.array([0.01, 0.05, 0.2]), vp=0.04)
        for sd in (0.0, 1e-3):
            noisy = curves + noise(curves.shape, sd)
            result, patlak = fit(noisy, TIME, AIF), fit(noisy, TIME, AIF, model="patlak")
            endless = (result.status & Status.NO_WASHOUT) > 0
            self.assertTrue(endless.any() if sd else endless.all())
            np.testing.assert_allclose(result.ktrans[endless], patlak.ktrans[endless], rtol=1e-9)
            self.assertTrue((result.kep[endless] == 0).all())
            np.testing.assert_allclose(patlak.ktrans, [0.01, 0.05, 0.2], rtol=0.02 if sd else 1e-5)
            self.assertTrue(np.isnan(result.ve[endless]).all())
            self.assertTrue((result.ve[~endless] <= 1).all())

    def test_vessels(self):
        plasma = AIF(TIME)
        for model in ("extended_tofts", "patlak"):
            result = fit(np.stack([plasma, 0.3 * plasma, 1.5 * plasma]), TIME, AIF, model=model)
            np.testing.assert_allclose(result.vp, [1.0, 0.3, 1.0], atol=1e-6)
            np.testing.assert_allclose(result.ktrans[:2], 0, atol=1e-6)
            self.assertTrue(result.status[2] & Status.VP_AT_MAXIMUM)
        result = fit(0.3 * plasma, TIME, AIF)
        self.assertTrue(result.status & Status.NO_EXCHANGE)
        self.assertTrue(np.isnan(result.kep) and np.isnan(result.ve) and result.ktrans == 0)

    def test_no_plasma(self):
        truth = make_reference_object("tofts", 100, seed=15)
        result = fit(truth.concentration + noise(truth.concentration.shape, 0.02), TIME, truth.arterial)
        at_zero = (result.status & Status.VP_AT_ZERO) > 0
        self.assertTrue(0.2 < at_zero.mean() < 0.8)
        tofts = fit(truth.concentration + noise(truth.concentration.shape, 0.02), TIME, truth.arterial, model="tofts")
        np.testing.assert_allclose(result.ktrans[at_zero], tofts.ktrans[at_zero], rtol=1e-6)
        self.assertTrue((result.vp[at_zero] == 0).all())

    def test_large_ve_stops_at_one(self):
        curve = tissue.tofts(TIME, AIF, ktrans=0.3, ve=1.6)
        result = fit(curve, TIME, AIF)
        self.assertEqual(float(result.ve), 1.0)
        self.assertTrue(result.status & Status.VE_AT_MAXIMUM)
        self.assertAlmostEqual(float(result.kep), float(result.ktrans), delta=1e-9)

    def test_curves_of_zeros_and_negative_curves_do_not_enhance(self):
        curves = np.stack([np.zeros(70), -AIF(TIME), np.full(70, -0.1)])
        for model in ("tofts", "extended_tofts", "patlak", "two_compartment_exchange"):
            result = fit(curves, TIME, AIF, model=model)
            self.assertTrue((result.status == Status.NOT_ENHANCING).all())
            self.assertTrue(result.valid.all())
            self.assertTrue((result.ktrans == 0).all() if model != "two_compartment_exchange" else (result.plasma_flow == 0).all())
        self.assertTrue(np.isnan(fit(curves, TIME, AIF).kep).all())

    def test_one_compartment_is_not_two(self):
        curve = tissue.tofts(TIME, AIF, ktrans=0.5, ve=0.3)
        result = fit(curve, TIME, AIF, model="two_compartment_exchange")
        self.assertAlmostEqual(float(result.plasma_flow), 0.5, delta=1e-3)
        if not result.status & Status.ONE_COMPARTMENT:
            self.assertLess(float(np.nan_to_num(result.ps)), 0.01)


class PublishedTablesTest(unittest.TestCase):
    """OSIPI's reference voxels (DCE-DSC-MRI code collection) and a curve of madym, at a fraction of their tolerances."""

    @staticmethod
    def rows(*parts):
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        with reference_path(*parts).open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    @staticmethod
    def vector(text):
        return np.array(text.split(), float)

    @requires_reference("osipi", "dce_DRO_data_extended_tofts.csv")
    def test_osipi_extended_tofts(self):
        for row in self.rows("osipi", "dce_DRO_data_extended_tofts.csv"):
            curve, time_s, plasma, plasma_time_s = (self.vector(row[name]) for name in ("C", "t", "ca", "ta"))
            truth = {name: float(row[name]) for name in ("Ktrans", "ve", "vp")}
            for interpolation in ("cubic", "linear"):
                result = fit(curve, time_s, plasma, aif_time_s=plasma_time_s, aif_interpolation=interpolation)
                with self.subTest(row["label"], interpolation=interpolation):
                    self.assertAlmostEqual(float(result.ktrans), truth["Ktrans"], delta=0.0025)
                    self.assertAlmostEqual(float(result.ve), truth["ve"], delta=0.005)
                    self.assertAlmostEqual(float(result.vp), truth["vp"], delta=0.0015)
                    if row["label"].endswith("highSNR"):
                        self.assertAlmostEqual(float(result.ktrans) / truth["Ktrans"], 1, delta=0.0015)
                        self.assertAlmostEqual(float(result.ve) / truth["ve"], 1, delta=0.0015)
                        self.assertAlmostEqual(float(result.vp), truth["vp"], delta=5e-5)

    @requires_reference("osipi", "dce_DRO_data_extended_tofts.csv")
    def test_osipi_delay(self):
        by_input = {}
        for row in self.rows("osipi", "dce_DRO_data_extended_tofts.csv"):
            by_input.setdefault((row["t"], row["ca"], row["ta"]), []).append(self.vector(row["C"]))
        for (time_s, plasma, plasma_time_s), curves in by_input.items():
            curves = np.array(curves)
            late = np.concatenate([np.zeros((len(curves), 5)), curves[:, :-5]], axis=1)
            result = fit(
                np.stack([curves, late]), self.vector(time_s), self.vector(plasma), aif_time_s=self.vector(plasma_time_s), delay_s=(-5, 10),
            )
            np.testing.assert_allclose(result.delay_s, [[0] * len(curves), [5] * len(curves)], atol=0.75)

    @requires_reference("osipi", "patlak_sd_0.02_delay_0.csv")
    def test_osipi_patlak(self):
        for row in self.rows("osipi", "patlak_sd_0.02_delay_0.csv"):
            curve, time_s, plasma = (self.vector(row[name]) for name in ("C_t", "t", "cp_aif"))
            fixed = fit(curve, time_s, plasma, aif_time_s=time_s, model="patlak")
            fitted = fit(curve, time_s, plasma, aif_time_s=time_s, model="patlak", delay_s=(-5, 5))
            for result in (fixed, fitted):
                self.assertAlmostEqual(float(result.ktrans), float(row["ps"]), delta=0.0005)
                self.assertAlmostEqual(float(result.vp), float(row["vp"]), delta=0.002)
            self.assertAlmostEqual(float(fitted.delay_s), 0, delta=0.1)

    @requires_reference("madym", "madym_etm_curve.csv")
    def test_madym(self):
        rows = self.rows("madym", "madym_etm_curve.csv")
        time_s, plasma, curve = (np.array([float(row[name]) for row in rows]) for name in ("t_min", "aif_plasma_mM", "ETM"))
        time_s = time_s * 60
        result = fit(curve, time_s, plasma, aif_time_s=time_s, delay_s=(0, 12))
        self.assertAlmostEqual(float(result.ktrans), 0.25, delta=0.0025)
        self.assertAlmostEqual(float(result.ve), 0.2, delta=0.001)
        self.assertAlmostEqual(float(result.vp), 0.1, delta=0.001)
        self.assertAlmostEqual(float(result.delay_s), 6, delta=0.1)


if __name__ == "__main__":
    unittest.main()

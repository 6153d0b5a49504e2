"""The digital reference objects are true: checked against adaptive quadrature, closed forms and the equations of the sequences."""

import ast
import itertools
import unittest

import numpy as np
from reference_data import REPOSITORY
from scipy.integrate import quad
from scipy.linalg import expm

from HCCResponseLib.errors import InputError
from HCCResponseLib.phantom import noise, signals, tissue
from HCCResponseLib.phantom.input_function import InputFunction, arterial_input, portal_input, sampled_input
from HCCResponseLib.phantom.reference_object import MODELS, make_reference_object

TIMES = np.arange(70) * 4.3
CONSTANT = InputFunction(np.ones_like)


def convolved(plasma, rate, time, start):
    """Integral of plasma(s) exp(-rate (time - s)) from start to time, adaptively."""
    edges = np.linspace(start, time, 12)
    return sum(
        quad(lambda s: float(plasma(s)) * np.exp(-rate * (time - s)), low, high, epsabs=1e-13, epsrel=1e-12)[0]
        for low, high in itertools.pairwise(edges)
    )


class ErrorsTest(unittest.TestCase):
    def test_unknown_model(self):
        with self.assertRaisesRegex(InputError, "no reference object for the model 'kety'"):
            make_reference_object("kety", 3, seed=0)

    def test_times_must_increase(self):
        for times in ([0.0, 2.0, 2.0], [0.0, 4.0, 1.0], [[0.0, 1.0]]):
            with self.assertRaisesRegex(InputError, "increasing"):
                tissue.patlak(times, CONSTANT, ktrans=0.1, vp=0.1)

    def test_step_may_not_be_long(self):
        for step in (0.06, 0.0, -1.0):
            with self.assertRaisesRegex(InputError, "at most 0.05 s"):
                tissue.patlak(TIMES, CONSTANT, ktrans=0.1, vp=0.1, step_s=step)

    def test_impossible_tissue(self):
        with self.assertRaisesRegex(InputError, "ve must be above 0"):
            tissue.tofts(TIMES, CONSTANT, ktrans=0.1, ve=[0.2, 0.0])
        with self.assertRaisesRegex(InputError, "vp and ve must be above 0"):
            tissue.two_compartment_exchange(TIMES, CONSTANT, plasma_flow=0.5, ps=0.1, vp=0.0, ve=0.2)

    def test_negative_noise(self):
        for function in (noise.gaussian, noise.rician):
            with self.assertRaisesRegex(InputError, "0 or more"):
                function(np.ones(3), -0.1, seed=1)

    def test_unsorted_samples_of_an_input(self):
        with self.assertRaisesRegex(InputError, "increasing time"):
            sampled_input([0.0, 2.0, 1.0], [0.0, 1.0, 2.0])


class TissueTest(unittest.TestCase):
    def test_extended_tofts_is_the_convolution(self):
        plasma = arterial_input(bolus_arrival_s=21.3)
        ktrans, ve, vp = np.array([0.25, 2.0]), np.array([0.3, 0.07]), np.array([0.05, 0.02])
        for delay in (0.0, 3.7, -2.5):
            curves = tissue.extended_tofts(TIMES, plasma, ktrans=ktrans, ve=ve, vp=vp, delay_s=delay)
            self.assertEqual(curves.shape, (2, 70))
            for voxel in range(2):
                for index in (8, 20, 69):
                    time = TIMES[index] - delay
                    rate = ktrans[voxel] / ve[voxel] / 60
                    truth = vp[voxel] * float(plasma(time)) + ktrans[voxel] / 60 * convolved(plasma, rate, time, 21.3)
                    self.assertAlmostEqual(curves[voxel, index] / truth, 1.0, delta=1e-8)
            self.assertTrue(np.all(curves[:, TIMES < 21.3 + delay] == 0))

    def test_constant_input_has_closed_forms(self):
        minutes = TIMES / 60
        tofts = tissue.tofts(TIMES, CONSTANT, ktrans=0.3, ve=0.2)
        np.testing.assert_allclose(tofts, 0.2 * -np.expm1(-1.5 * minutes), rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(tissue.patlak(TIMES, CONSTANT, ktrans=0.03, vp=0.1), 0.1 + 0.03 * minutes, rtol=1e-12)
        dual = tissue.dual_input(TIMES, CONSTANT, CONSTANT, k1a=0.2, k1p=0.6, k2=4.0)
        np.testing.assert_allclose(dual, 0.2 * -np.expm1(-4.0 * minutes), rtol=1e-9, atol=1e-14)

    def test_two_compartment_exchange_is_the_matrix_exponential(self):
        flow, ps, vp, ve = 0.8, 0.2, 0.06, 0.25
        rates = np.array([[-(flow + ps) / vp, ps / ve], [ps / vp, -ps / ve]])
        curves = tissue.two_compartment_exchange(TIMES, CONSTANT, plasma_flow=flow, ps=ps, vp=vp, ve=ve)
        for index in (1, 5, 69):
            amounts = np.linalg.solve(rates, (expm(rates * TIMES[index] / 60) - np.eye(2)) @ [flow, 0.0])
            self.assertAlmostEqual(curves[index] / amounts.sum(), 1.0, delta=1e-8)

    def test_limits_of_the_models(self):
        plasma = arterial_input(bolus_arrival_s=20.0)
        ktrans, ve = np.array([0.1, 0.6]), np.array([0.15, 0.4])
        tofts = tissue.tofts(TIMES, plasma, ktrans=ktrans, ve=ve)
        np.testing.assert_array_equal(tissue.extended_tofts(TIMES, plasma, ktrans=ktrans, ve=ve, vp=0.0), tofts)
        dual = tissue.dual_input(TIMES, plasma, portal_input(plasma), k1a=ktrans, k1p=0.0, k2=ktrans / ve)
        np.testing.assert_allclose(dual, tofts, rtol=1e-12, atol=1e-15)
        single = tissue.dual_input_extended_tofts(TIMES, plasma, plasma, arterial_fraction=0.4, ktrans=ktrans, ve=ve, vp=0.05)
        np.testing.assert_allclose(single, tissue.extended_tofts(TIMES, plasma, ktrans=ktrans, ve=ve, vp=0.05), rtol=1e-12, atol=1e-15)
        # Fast flow turns exchange into extended Tofts with Ktrans = PS.
        fast = tissue.two_compartment_exchange(TIMES[:20], plasma, plasma_flow=20.0, ps=0.2, vp=0.05, ve=0.2)
        np.testing.assert_allclose(fast, tissue.extended_tofts(TIMES[:20], plasma, ktrans=0.2, ve=0.2, vp=0.05), atol=0.02)

    def test_step_is_fine_enough(self):
        plasma = arterial_input(bolus_arrival_s=20.0)
        for function, parameters in (
            (tissue.extended_tofts, dict(ktrans=3.0, ve=0.1, vp=0.05)),
            (tissue.two_compartment_exchange, dict(plasma_flow=1.5, ps=0.5, vp=0.03, ve=0.05)),
        ):
            coarse = function(TIMES[:20], plasma, **parameters)
            fine = function(TIMES[:20], plasma, **parameters, step_s=0.005)
            np.testing.assert_allclose(coarse, fine, rtol=1e-7, atol=1e-9)

    def test_delay_shifts_the_curve(self):
        plasma = arterial_input(bolus_arrival_s=20.0)
        parameters = dict(ktrans=0.3, ve=0.2, vp=0.05)
        delays = np.array([0.0, 6.1, -4.0])
        together = tissue.extended_tofts(TIMES, plasma, **parameters, delay_s=delays)
        for curve, delay in zip(together, delays, strict=True):
            np.testing.assert_allclose(curve, tissue.extended_tofts(TIMES - delay, plasma, **parameters), rtol=1e-7, atol=1e-10)

    def test_times_may_be_uneven_and_start_anywhere(self):
        plasma = arterial_input(bolus_arrival_s=-3.0)
        uneven = np.array([-10.0, -1.0, 7.5, 8.0, 40.0, 200.0])
        even = np.arange(-10.0, 200.5, 0.5)
        curve = tissue.tofts(uneven, plasma, ktrans=0.3, ve=0.2)
        reference = tissue.tofts(even, plasma, ktrans=0.3, ve=0.2)
        np.testing.assert_allclose(curve, reference[np.searchsorted(even, uneven)], rtol=1e-8, atol=1e-12)

    def test_every_model_makes_an_object(self):
        for model in MODELS:
            made = make_reference_object(model, 6, seed=5, delay_range_s=(-2.0, 6.0))
            again = make_reference_object(model, 6, seed=5, delay_range_s=(-2.0, 6.0))
            self.assertEqual(made.concentration.shape, (6, 70))
            np.testing.assert_array_equal(made.concentration, again.concentration)
            self.assertTrue(np.all(np.isfinite(made.concentration)) and made.concentration.max() > 0.05, model)
            inputs = [made.arterial] + ([made.portal] if model.startswith("dual_input") else [])
            voxel = {name: value[2] for name, value in made.truth.items()}
            np.testing.assert_allclose(getattr(tissue, model)(made.time_s, *inputs, **voxel), made.concentration[2], rtol=1e-6, atol=1e-9)


class InputFunctionTest(unittest.TestCase):
    def test_hematocrit_makes_plasma_of_blood(self):
        blood, plasma = arterial_input(hematocrit=0.0), arterial_input(hematocrit=0.42)
        np.testing.assert_allclose(plasma(TIMES) / blood(TIMES), 1 / 0.58, rtol=1e-14)
        self.assertAlmostEqual(1 / 0.58, 1.72, delta=0.005)  # the error of forgetting it: +72 %

    def test_nothing_before_arrival(self):
        plasma = arterial_input(bolus_arrival_s=12.0)
        self.assertEqual(float(plasma(11.999)), 0.0)
        self.assertGreater(float(plasma(12.0)), 0.1)
        self.assertAlmostEqual(float(plasma(22.2)), float(arterial_input()(10.2)), delta=1e-12)

    def test_portal_vein_is_late_dispersed_and_whole(self):
        artery = InputFunction(lambda t: np.where(t < 40, np.sin(np.pi * t / 40) ** 2, 0.0))
        vein = portal_input(artery, delay_s=6.0, transit_s=8.0)
        fine = np.linspace(0, 200, 40001)
        self.assertAlmostEqual(np.trapezoid(vein(fine), fine), np.trapezoid(artery(fine), fine), delta=1e-5)
        mean_transit = np.trapezoid(vein(fine) * fine, fine) / np.trapezoid(vein(fine), fine) - 20.0
        self.assertAlmostEqual(mean_transit, 14.0, delta=1e-3)
        self.assertEqual(float(vein(5.9)), 0.0)

    def test_sampled_input_joins_its_samples(self):
        curve = sampled_input([0.0, 4.0, 8.0], [0.0, 2.0, 1.0])
        np.testing.assert_allclose(curve([-1.0, 2.0, 6.0, 9.0]), [0.0, 1.0, 1.5, 1.0])


class SignalsTest(unittest.TestCase):
    def test_spoiled_gradient_echo(self):
        angle, e = np.radians(12.0 * 0.9), np.exp(-0.005 / 0.8)
        expected = 1000 * np.sin(angle) * (1 - e) / (1 - np.cos(angle) * e)
        self.assertAlmostEqual(float(signals.spgr(1000.0, 0.8, 12.0, 0.005, 0.9)), expected, delta=1e-9)
        # The Ernst angle gives the most signal.
        ernst = np.degrees(np.arccos(e))
        nearby = signals.spgr(1.0, 0.8, [ernst - 0.2, ernst, ernst + 0.2], 0.005)
        self.assertEqual(int(np.argmax(nearby)), 1)

    def test_shapes_and_contrast(self):
        vfa = signals.variable_flip_angle(np.full((2, 3), 900.0), np.full((2, 3), 1.1), [2, 5, 12], 0.005)
        self.assertEqual(vfa.shape, (2, 3, 3))
        curves = np.array([[0.0, 1.0, 2.0]])
        dynamic = signals.dynamic_spgr(curves, m0=900.0, t1_s=[0.8], flip_angle_deg=10, repetition_time_s=0.005, relaxivity=4.5)
        rates = 1 / 0.8 + 4.5 * curves
        np.testing.assert_allclose(dynamic, signals.spgr(900.0, 1 / rates, 10, 0.005), rtol=1e-14)

    def test_diffusion(self):
        b = np.array([0.0, 50, 400, 1000])
        np.testing.assert_allclose(signals.diffusion([100.0], [1.1e-3], b), 100 * np.exp(-b * 1.1e-3)[None], rtol=1e-14)
        ivim = signals.ivim(100.0, 1.0e-3, 0.05, 0.2, b)
        np.testing.assert_allclose(ivim, 80 * np.exp(-b * 1e-3) + 20 * np.exp(-b * 0.05), rtol=1e-14)


class NoiseTest(unittest.TestCase):
    def test_seeded(self):
        for function in (noise.gaussian, noise.rician):
            np.testing.assert_array_equal(function(np.ones(50), 0.1, seed=3), function(np.ones(50), 0.1, seed=3))
            self.assertTrue(np.any(function(np.ones(50), 0.1, seed=3) != function(np.ones(50), 0.1, seed=4)))

    def test_moments(self):
        gaussian = noise.gaussian(np.full(200_000, 5.0), 0.5, seed=1)
        self.assertAlmostEqual(gaussian.mean(), 5.0, delta=0.005)
        self.assertAlmostEqual(gaussian.std(), 0.5, delta=0.005)
        floor = noise.rician(np.zeros(200_000), 0.5, seed=1)
        self.assertAlmostEqual(floor.mean(), 0.5 * np.sqrt(np.pi / 2), delta=0.003)
        self.assertAlmostEqual(np.mean(floor**2), 0.5, delta=0.005)
        self.assertAlmostEqual(noise.rician(np.full(200_000, 10.0), 0.5, seed=2).mean(), 10.0125, delta=0.005)


class IndependenceTest(unittest.TestCase):
    def test_truth_shares_nothing_with_the_estimators(self):
        folder = REPOSITORY / "HCCResponseLib" / "phantom"
        for name in ("input_function", "integration", "noise", "reference_object", "signals", "tissue"):
            tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
            imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            self.assertFalse([module for module in imported if "quantification" in module], name)


if __name__ == "__main__":
    unittest.main()

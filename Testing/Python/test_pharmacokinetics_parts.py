"""The parts of the pharmacokinetic fit, each against an independent answer: convolution, bounds, uncertainty, tests, model choice."""

import itertools
import unittest

import numpy as np
from scipy.integrate import quad
from scipy.optimize import lsq_linear

from HCCResponseLib.errors import InputError
from HCCResponseLib.phantom import tissue
from HCCResponseLib.phantom.input_function import arterial_input
from HCCResponseLib.phantom.reference_object import make_reference_object
from HCCResponseLib.quantification.pharmacokinetics import EXPLANATIONS, Status, choose_model, fit
from HCCResponseLib.quantification.pharmacokinetics.axis import linear_axis, rate_axis
from HCCResponseLib.quantification.pharmacokinetics.bounds import Region, bounded_pair
from HCCResponseLib.quantification.pharmacokinetics.convolution import convolve_exponential, segment_weights
from HCCResponseLib.quantification.pharmacokinetics.input_function import InputFunction
from HCCResponseLib.quantification.pharmacokinetics.interpolation import lagrange_weights, polynomial_jet, window_index
from HCCResponseLib.quantification.pharmacokinetics.small_matrix import inverse_positive, solve_positive
from HCCResponseLib.quantification.pharmacokinetics.threads import one_blas_thread, thread_count

TIME = np.arange(70) * 4.3
AIF = arterial_input(bolus_arrival_s=20.0)


class ConvolutionTest(unittest.TestCase):
    KNOTS = np.array([1.0, 1.5, 4.0, 4.2, 9.0, 20.0])
    VALUES = np.array([2.0, 0.0, 5.0, 1.0, 3.0, 2.5])

    def by_quadrature(self, rate, at):
        def integrand(s):
            return np.interp(s, self.KNOTS, self.VALUES) * np.exp(-rate * (at - s))

        ends = [*self.KNOTS[self.KNOTS < at], at]
        return sum(quad(integrand, a, b, epsabs=1e-13)[0] for a, b in itertools.pairwise(ends))

    def test_exact_at_any_time_for_any_rate(self):
        rates, at = np.array([0.0, 1e-7, 1e-3, 0.0499, 0.7, 30.0]), np.array([20.0, 3.3, 4.2, 0.5, 1.0, 15.0])
        found = convolve_exponential(self.KNOTS, self.VALUES, rates, at)
        expected = [[self.by_quadrature(rate, time) for rate in rates] for time in at]
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)

    def test_every_rate_at_its_own_times(self):
        rates, at = np.array([0.1, 2.0]), np.array([[3.0, 7.0], [12.0, 20.0]])
        together = convolve_exponential(self.KNOTS, self.VALUES, rates, at.ravel())
        each = convolve_exponential(self.KNOTS, self.VALUES, rates, at)
        np.testing.assert_array_equal(each[:, 0], together[[0, 2], 0])
        np.testing.assert_array_equal(each[:, 1], together[[1, 3], 1])

    def test_weights_join_smoothly_where_the_series_takes_over(self):
        x = np.array([-0.01, -1e-5, 0.0, 1e-8, 0.00999999, 0.01, 0.0100001, 3.0])
        fading, first, second = segment_weights(x)
        np.testing.assert_allclose(fading, np.exp(-x))
        both = [quad(lambda s, k: np.exp(-k * s), 0, 1, args=(k,))[0] for k in x]
        later = [quad(lambda s, k: (1 - s) * np.exp(-k * s), 0, 1, args=(k,))[0] for k in x]
        np.testing.assert_allclose(first + second, both, rtol=1e-13)
        np.testing.assert_allclose(second, later, rtol=1e-12)


class InputFunctionTest(unittest.TestCase):
    def test_straight_lines_follow_an_analytic_curve_and_its_jump(self):
        plasma = InputFunction(AIF, 0.0, 300.0)
        times = np.linspace(0, 300, 7919)
        lines = np.interp(times, plasma._knots, plasma._values)
        away = np.abs(times - 20.0) > 0.01
        self.assertLess(np.abs(lines - AIF(times))[away].max(), 1e-5 * plasma.peak)
        area = plasma.convolved([0.0], 300.0)[0]
        expected = quad(lambda s: float(AIF(s)), 20, 300, limit=200, epsabs=1e-10)[0] / 60
        self.assertAlmostEqual(area, expected, delta=1e-6 * expected)

    def test_samples_hold_their_ends(self):
        plasma = InputFunction.from_argument([0.0, 1.0, 2.0], [10.0, 12.0, 14.0], 10.0, 14.0, interpolation="linear", name="input")
        np.testing.assert_allclose(plasma([9.0, 10.0, 11.0, 14.0, 20.0]), [0, 0, 0.5, 2, 2])
        np.testing.assert_allclose(plasma.convolved([0.0], [14.0, 20.0])[:, 0] * 60, [4, 16])

    def test_a_callable_counts_from_time_zero(self):
        plasma = InputFunction.from_argument(lambda s: np.exp(-s / 100), None, 50.0, 300.0, interpolation="cubic", name="input")
        self.assertAlmostEqual(plasma.convolved([0.0], 50.0)[0] * 60, 100 * (1 - np.exp(-0.5)), delta=1e-4)


class AxisTest(unittest.TestCase):
    def test_rates_from_nothing_to_the_cap(self):
        axis = rate_axis("kep", 30.0, 5.0, 96)
        self.assertEqual(axis.value(axis.lower), 0)
        self.assertAlmostEqual(float(axis.value(axis.upper)), 30, delta=1e-9)
        self.assertEqual(axis.nodes.size, axis.size)

    def test_delays(self):
        axis = linear_axis("delay_s", -1.0, 4.0, 0.5, reach=3)
        np.testing.assert_allclose(axis.nodes, np.arange(-2.5, 5.51, 0.5))


class InterpolationTest(unittest.TestCase):
    def test_polynomials_are_reproduced_with_their_derivatives(self):
        axes = [linear_axis("a", 0.0, 5.0, 1.0, reach=3), linear_axis("b", 0.0, 4.0, 1.0, reach=2)]
        x, y = np.ix_(np.arange(axes[0].size, dtype=float), np.arange(axes[1].size, dtype=float))
        table = 1 + x**3 * y**2 - 2 * x * y + 0.5 * x**5
        position = np.array([[4.3, 6.9], [3.6, 5.2]])
        centre = np.rint(position).astype(int)
        weights = [lagrange_weights(position[number] - centre[number], axis.reach) for number, axis in enumerate(axes)]
        value, gradient, hessian = polynomial_jet(table.take(window_index(axes, table.shape, centre)), weights)
        x, y = position
        np.testing.assert_allclose(value, 1 + x**3 * y**2 - 2 * x * y + 0.5 * x**5)
        np.testing.assert_allclose(gradient, [3 * x**2 * y**2 - 2 * y + 2.5 * x**4, 2 * x**3 * y - 2 * x])
        np.testing.assert_allclose(hessian[0, 0], 6 * x * y**2 + 10 * x**3)
        np.testing.assert_allclose(hessian[0, 1], 6 * x**2 * y - 2)
        np.testing.assert_allclose(hessian[1, 1], 2 * x**3)

    def test_tables_that_do_not_depend_on_an_axis(self):
        axes = [linear_axis("a", 0.0, 5.0, 1.0, reach=3), linear_axis("b", 0.0, 4.0, 1.0, reach=2)]
        centre = np.array([[5], [4]])
        table = (np.arange(axes[1].size, dtype=float) ** 2)[None]
        weights = [lagrange_weights(np.array([0.2]), axis.reach) for axis in axes]
        value, gradient, hessian = polynomial_jet(table.take(window_index(axes, table.shape, centre)), weights)
        np.testing.assert_allclose(value, 4.2**2)
        np.testing.assert_allclose(gradient[:, 0], [0, 8.4], atol=1e-12)
        np.testing.assert_allclose(hessian[..., 0], [[0, 0], [0, 2]], atol=1e-12)


class SmallMatrixTest(unittest.TestCase):
    def test_agrees_with_lapack_and_tells_what_is_not_positive(self):
        generator = np.random.default_rng(0)
        factors = generator.normal(size=(50, 4, 4))
        matrices = factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(4)
        matrices[7] -= 20 * np.eye(4)
        right = generator.normal(size=(50, 4))
        solution, positive = solve_positive(np.moveaxis(matrices, 0, -1), right.T)
        self.assertEqual(np.flatnonzero(~positive).tolist(), [7])
        np.testing.assert_allclose(solution[:, positive].T, np.linalg.solve(matrices, right[..., None])[positive, :, 0], rtol=1e-8)
        inverses, _positive = inverse_positive(np.moveaxis(matrices, 0, -1))
        np.testing.assert_allclose(np.moveaxis(inverses, -1, 0)[positive], np.linalg.inv(matrices)[positive], rtol=1e-8)


class BoundsTest(unittest.TestCase):
    def test_agrees_with_bounded_least_squares(self):
        generator = np.random.default_rng(1)
        for _trial in range(60):
            curves, data = np.abs(generator.normal(size=(8, 2))), generator.normal(size=8) * 3
            p, g = curves.T @ data, curves.T @ curves
            for region in (Region(), Region(1.0, 1.0), Region(np.inf, 0.5)):
                upper = np.array([region.upper1, region.upper2])
                expected = lsq_linear(curves, data, bounds=(np.zeros(2), upper), tol=1e-14)
                c1, c2, reached, _inverse = bounded_pair(p[:1], p[1:], g[0, 0], g[0, 1], g[1, 1], region)
                np.testing.assert_allclose([c1[0], c2[0]], expected.x, atol=1e-6)
                self.assertAlmostEqual(reached[0], data @ data - 2 * expected.cost, delta=1e-6)

    def test_coefficients_that_share_one_bound(self):
        generator = np.random.default_rng(2)
        share = np.linspace(0, 1, 401)
        one, two = (array[np.add.outer(share, share) <= 1] for array in np.meshgrid(share, share, indexing="ij"))
        for _trial in range(20):
            curves, data = np.abs(generator.normal(size=(8, 2))), generator.normal(size=8) * 2
            p, g = curves.T @ data, curves.T @ curves
            c1, c2, reached, _inverse = bounded_pair(p[:1], p[1:], g[0, 0], g[0, 1], g[1, 1], Region(simplex=True))
            on_grid = 2 * (one * p[0] + two * p[1]) - one**2 * g[0, 0] - 2 * one * two * g[0, 1] - two**2 * g[1, 1]
            self.assertTrue(c1[0] >= 0 and c2[0] >= 0 and c1[0] + c2[0] <= 1 + 1e-12)
            self.assertGreaterEqual(reached[0], on_grid.max() - 1e-12)
            self.assertLess(reached[0], on_grid.max() + 1e-2)

    def test_a_curve_that_is_missing(self):
        c1, c2, reached, _inverse = bounded_pair(np.array([2.0, -2.0]), np.zeros(2), 4.0, 0.0, 0.0, Region())
        np.testing.assert_array_equal((c1, c2, reached), ([0.5, 0], [0, 0], [1, 0]))


class UncertaintyTest(unittest.TestCase):
    """The standard error is the scatter of repeated measurements."""

    def assert_scatter(self, curve, names, sd=0.02, repeats=1500, tolerance=0.1, **options):
        noisy = curve + np.random.default_rng(3).normal(scale=sd, size=(repeats, curve.size))
        result = fit(noisy, TIME, options.pop("aif", AIF), **options)
        for name in names:
            values, errors = getattr(result, name), result.standard_error[name]
            known = np.isfinite(values) & np.isfinite(errors)
            self.assertGreater(known.mean(), 0.95, name)
            self.assertAlmostEqual(np.median(errors[known]) / values[known].std(), 1, delta=tolerance, msg=name)
            # Two standard errors hold the truth in 95 % of the cases.
        return result

    def test_extended_tofts(self):
        curve = tissue.extended_tofts(TIME, AIF, ktrans=0.2, ve=0.3, vp=0.05)
        result = self.assert_scatter(curve, ("ktrans", "kep", "ve", "vp"))
        for name, truth in (("ktrans", 0.2), ("ve", 0.3), ("vp", 0.05)):
            inside = np.abs(getattr(result, name) - truth) < 2 * result.standard_error[name]
            self.assertAlmostEqual(inside.mean(), 0.954, delta=0.02)

    def test_other_models(self):
        self.assert_scatter(tissue.tofts(TIME, AIF, ktrans=0.2, ve=0.3), ("ktrans", "kep", "ve"), model="tofts")
        self.assert_scatter(tissue.patlak(TIME, AIF, ktrans=0.05, vp=0.05), ("ktrans", "vp"), model="patlak")
        curve = tissue.two_compartment_exchange(TIME, AIF, plasma_flow=0.6, ps=0.3, vp=0.1, ve=0.2)
        names = ("plasma_flow", "ps", "ktrans", "ve", "vp")
        self.assert_scatter(curve, names, sd=0.005, repeats=600, tolerance=0.15, model="two_compartment_exchange")

    def test_fitted_delay(self):
        curve = tissue.extended_tofts(TIME, AIF, ktrans=0.2, ve=0.3, vp=0.1, delay_s=2.0)
        self.assert_scatter(curve, ("ktrans", "ve", "delay_s"), repeats=600, tolerance=0.2, delay_s=(-1, 5))

    def test_no_error_at_a_bound(self):
        curves = np.stack([tissue.patlak(TIME, AIF, ktrans=0.1, vp=0.05), tissue.tofts(TIME, AIF, ktrans=0.3, ve=1.6), 0.3 * AIF(TIME)])
        curves = curves + np.random.default_rng(4).normal(scale=1e-4, size=curves.shape)
        result = fit(curves, TIME, AIF)
        self.assertTrue(np.isnan(result.standard_error["ve"][:2]).all())
        self.assertTrue(np.isfinite(result.standard_error["vp"][[0, 2]]).all())

    def test_can_be_left_out(self):
        self.assertEqual(fit(AIF(TIME), TIME, AIF, standard_errors=False).standard_error, {})


class EnhancementTestTest(unittest.TestCase):
    def test_noise_passes_no_more_often_than_the_level_says(self):
        noise = np.random.default_rng(5).normal(size=(3000, 70))
        for model, options in (("tofts", {}), ("extended_tofts", {}), ("patlak", {}), ("extended_tofts", {"delay_s": (-2, 6)})):
            for level in (0.01, 0.05):
                result = fit(noise, TIME, AIF, model=model, enhancement_level=level, **options)
                passed = (result.status & Status.NOT_ENHANCING) == 0
                self.assertLess(passed.mean(), level, model)
                self.assertTrue((result.ktrans[~passed] == 0).all() and np.isnan(result.standard_error["ktrans"][~passed]).all())

    def test_few_images(self):
        few = np.array([0.0, 30, 45, 70, 180])
        curves = tissue.extended_tofts(few, AIF, ktrans=np.array([0.05, 0.2]), ve=0.3, vp=0.05)
        for model in ("tofts", "patlak", "extended_tofts"):
            result = fit(np.concatenate([curves, np.zeros((1, 5)), -curves[:1]]), few, AIF, model=model)
            self.assertEqual((result.status & Status.NOT_ENHANCING > 0).tolist(), [False, False, True, True])
            self.assertTrue((result.ktrans[:2] > 0.01).all())

    def test_weak_enhancement_passes(self):
        curve = tissue.extended_tofts(TIME, AIF, ktrans=0.02, ve=0.2, vp=0.005)
        noisy = curve + np.random.default_rng(6).normal(scale=0.05, size=(500, 70))
        self.assertGreater((fit(noisy, TIME, AIF).status & Status.NOT_ENHANCING == 0).mean(), 0.98)


class ModelChoiceTest(unittest.TestCase):
    def test_every_tissue_gets_its_model(self):
        generator = np.random.default_rng(7)
        curves, expected = [], []
        tissues = (
            tissue.patlak(TIME, AIF, ktrans=0.05, vp=0.08),
            tissue.tofts(TIME, AIF, ktrans=0.3, ve=0.3),
            tissue.extended_tofts(TIME, AIF, ktrans=0.2, ve=0.3, vp=0.08),
        )
        for number, curve in enumerate(tissues):
            curves.append(curve + generator.normal(scale=0.01, size=(100, 70)))
            expected += [number] * 100
        curves.append(generator.normal(scale=0.01, size=(100, 70)))
        choice = choose_model(np.concatenate(curves), TIME, AIF)
        agree = choice.best[:300] == np.array(expected)
        for number in range(3):
            self.assertGreater(agree[100 * number : 100 * number + 100].mean(), 0.75, choice.models[number])
        self.assertGreater((choice.best[300:] == -1).mean(), 0.97)
        known = choice.best >= 0
        np.testing.assert_allclose(choice.weight[known].sum(axis=-1), 1)
        np.testing.assert_array_equal(choice.weight[known].argmax(axis=-1), choice.best[known])
        self.assertTrue(np.isnan(choice.weight[~known]).all())

    def test_without_noise_the_smallest_model_that_fits(self):
        truth = make_reference_object("extended_tofts", 20, seed=8)
        self.assertTrue((choose_model(truth.concentration, TIME, truth.arterial).best == 2).all())

    def test_too_few_images(self):
        with self.assertRaisesRegex(InputError, "more than 5 images"):
            choose_model(np.ones((2, 5)), np.linspace(0, 300, 5), lambda s: np.exp(-s / 100), enhancement_level=None)


class ThreadsTest(unittest.TestCase):
    def test_blas_gets_its_threads_back(self):
        try:
            from threadpoolctl import threadpool_info
        except ImportError:
            self.skipTest("threadpoolctl is not installed")

        def blas_threads():
            return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

        before = blas_threads()
        with one_blas_thread():
            self.assertTrue(all(count == 1 for count in blas_threads()))
        self.assertEqual(blas_threads(), before)

    def test_counts(self):
        self.assertEqual(thread_count(3), 3)
        self.assertGreaterEqual(thread_count(None), 1)
        with self.assertRaises(InputError):
            thread_count(1.5)


class StatusTest(unittest.TestCase):
    def test_every_flag_is_explained(self):
        self.assertEqual(set(EXPLANATIONS), set(Status) | {Status.FITTED})
        self.assertLess(max(Status), 2**16)


if __name__ == "__main__":
    unittest.main()

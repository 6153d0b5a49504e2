"""A model tabulated once gives what a fit of its own gives, to the last bit."""

import unittest

import numpy as np

from HCCResponseLib.errors import InputError
from HCCResponseLib.quantification.arterial_input import parker
from HCCResponseLib.quantification.pharmacokinetics import evaluate, fit, prepare_fit
from HCCResponseLib.quantification.pharmacokinetics.input_function import InputFunction

TIMES = 4.3 * np.arange(50)


def aif(time_s):
    return parker(time_s, bolus_arrival_s=20.0)


def curves() -> np.ndarray:
    rng = np.random.default_rng(1)
    tissue = {"ktrans": rng.uniform(0.05, 0.4, 60), "ve": rng.uniform(0.1, 0.4, 60), "vp": rng.uniform(0, 0.1, 60)}
    return evaluate(tissue, TIMES, aif, model="extended_tofts") + rng.normal(0, 0.02, (60, TIMES.size))


class TestPreparedFit(unittest.TestCase):
    def test_equal_to_a_fit_whole_in_pieces_and_one_by_one(self):
        concentration = curves()
        for options in ({}, dict(delay_s=(-2.0, 4.0)), dict(model="tofts", delay_s=1.0), dict(model="patlak", standard_errors=False)):
            whole = fit(concentration, TIMES, aif, **options)
            ready = prepare_fit(TIMES, aif, **options)
            self.assertEqual(whole.model, ready.fit(concentration).model)
            for piece in (slice(None), slice(10, 20), 7):
                part = ready.fit(concentration[piece])
                for name, values in {**part.maps, **{f"error {key}": one for key, one in part.standard_error.items()}}.items():
                    expected = whole.standard_error[name[6:]] if name.startswith("error ") else whole.maps[name]
                    np.testing.assert_array_equal(values, expected[piece], err_msg=name)
                np.testing.assert_array_equal(part.status, whole.status[piece])

    def test_an_input_made_before_is_used_as_it_is(self):
        made = InputFunction(aif, 0.0, TIMES[-1] + 60)
        self.assertIs(InputFunction.from_argument(made, None, 0.0, TIMES[-1], interpolation="cubic", name="input"), made)
        self.assertIsNot(InputFunction.from_argument(made, None, 0.0, TIMES[-1] + 61, interpolation="cubic", name="input"), made)
        one, other = fit(curves(), TIMES, made), fit(curves(), TIMES, aif)
        np.testing.assert_allclose(one.ktrans, other.ktrans, rtol=1e-5)

    def test_bad_input_is_refused_when_prepared_and_bad_curves_when_fitted(self):
        with self.assertRaisesRegex(InputError, "no pharmacokinetic model"):
            prepare_fit(TIMES, aif, model="other")
        with self.assertRaisesRegex(InputError, "probability"):
            prepare_fit(TIMES, aif, enhancement_level=2)
        ready = prepare_fit(TIMES, aif)
        with self.assertRaises(InputError):
            ready.fit(np.zeros((3, 7)))
        with self.assertRaisesRegex(InputError, "chunk"):
            ready.fit(curves(), chunk=0)


if __name__ == "__main__":
    unittest.main()

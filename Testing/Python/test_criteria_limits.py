"""Limits hold at the limit, and no shown number reads as the other side of one."""

import math
import unittest

from hypothesis import given, settings
from hypothesis import strategies as st

from HCCResponseLib.response.change import percent_change
from HCCResponseLib.response.criteria.limits import above, at_least, show, show_change


class LimitsTest(unittest.TestCase):
    def test_binary_arithmetic_does_not_move_a_limit(self):
        self.assertLess(percent_change(10.1, 12.12), 20.0)
        self.assertTrue(at_least(percent_change(10.1, 12.12), 20.0))
        self.assertFalse(above(percent_change(10.1, 12.12), 20.0))
        self.assertFalse(at_least(19.9999, 20.0))
        self.assertTrue(above(20.0001, 20.0))

    def test_nothing_is_on_any_side_of_a_limit_when_it_is_not_a_number(self):
        for compare in (above, at_least):
            self.assertFalse(compare(math.nan, 20.0))

    @settings(max_examples=200, deadline=None)
    @given(st.integers(1, 2000), st.integers(5, 15))
    def test_every_tenth_of_a_millimetre_grows_by_exactly_20_percent(self, tenths, factor):
        nadir = 5 * tenths / 10
        self.assertTrue(at_least(percent_change(nadir, 6 * tenths / 10), 20.0))
        self.assertFalse(at_least(percent_change(nadir, (6 * tenths - 0.01) / 10), 20.0))

    def test_numbers_are_short_unless_rounding_would_cross_a_limit(self):
        self.assertEqual(show(45.0, "mm"), "45 mm")
        self.assertEqual(show(45.25, "mm"), "45.2 mm")
        self.assertEqual(show(4.96, "mm", 5.0), "4.96 mm")
        self.assertEqual(show(4.999996, "mm", 5.0), "4.999996 mm")
        self.assertEqual(show(5.0, "mm", 5.0, sign=True), "+5 mm")
        self.assertEqual(show(0.04, "mL"), "0.04 mL")
        self.assertEqual(show(0.0, "mL"), "0 mL")
        self.assertEqual(show_change(20.0, 20.0), "+20.0 %")
        self.assertEqual(show_change(19.999999999999996, 20.0), "+20.0 %")
        self.assertEqual(show_change(19.96, 20.0), "+19.96 %")
        self.assertEqual(show_change(19.96), "+20.0 %")
        self.assertEqual(show_change(-29.97, -30.0), "-29.97 %")
        self.assertEqual(show_change(-0.01), "+0.0 %")


if __name__ == "__main__":
    unittest.main()

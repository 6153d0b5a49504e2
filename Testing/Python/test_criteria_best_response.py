"""Best overall response, with and without confirmation (RECIST 1.1, table 3)."""

import unittest

from response_case import make_case

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.criteria import Category, best_of_categories, best_response, recist

CR, PR, SD, PD, NE, NON = Category.CR, Category.PR, Category.SD, Category.PD, Category.NE, Category.NON_CR_NON_PD


def best(categories, weeks=None, **more):
    return best_of_categories(categories, weeks or [8.0 * (one + 1) for one in range(len(categories))], **more).category


class WithoutConfirmationTest(unittest.TestCase):
    def test_the_best_before_progression(self):
        for categories, expected in (
            ([SD, PR, SD], PR),
            ([PR, CR], CR),
            ([SD, PD, CR], SD),
            ([PD, CR], PD),
            ([NE, SD], SD),
            ([NE, PD], PD),
            ([NE, NE], NE),
            ([], NE),
            ([NON, NON], NON),
            ([NON, PD], NON),
            ([NE, PR, NE], PR),
        ):
            with self.subTest(categories):
                self.assertIs(best(categories), expected)

    def test_reason_names_the_examination(self):
        found = best_of_categories([SD, PR], [4.0, 8.0], labels=["week 4", "week 8"])
        self.assertEqual((found.position, found.reason), (1, "PR: at week 8."))
        self.assertEqual(best_of_categories([], []).reason, "NE: there is no follow-up.")
        self.assertEqual(best_of_categories([NE], [4.0]).reason, "NE: no follow-up could be evaluated.")

    def test_stable_disease_may_have_to_last(self):
        self.assertIs(best([SD], [5.9], minimum_stable_weeks=6.0), NE)
        self.assertIs(best([SD], [6.0], minimum_stable_weeks=6.0), SD)
        self.assertIs(best([SD, PD], [4.0, 8.0], minimum_stable_weeks=6.0), PD)
        self.assertIs(best([SD], [None], minimum_stable_weeks=6.0), NE)
        reason = best_of_categories([SD, PD], [4.0, 8.0], minimum_stable_weeks=6.0).reason
        self.assertEqual(reason, "PD: at follow-up 2; stable disease lasted less than 6 weeks, or its week is not known.")


class WithConfirmationTest(unittest.TestCase):
    def test_table_3_of_recist(self):
        for categories, expected in (
            ([CR, CR], CR),
            ([CR, PR], PR),
            ([CR, SD], SD),
            ([CR, PD], SD),
            ([CR, NE], SD),
            ([PR, CR], PR),
            ([PR, PR], PR),
            ([PR, SD], SD),
            ([PR, PD], SD),
            ([PR, NE], SD),
            ([NE, NE], NE),
            ([PR, NE, PR], PR),
            ([PR, SD, PR], PR),
            ([CR, NE, CR], CR),
            ([PR, CR, CR], CR),
            ([PR, PD, PR], SD),
            ([NON, NON], NON),
        ):
            with self.subTest(categories):
                self.assertIs(best(categories, confirmation=True), expected)

    def test_unconfirmed_response_that_was_too_short_to_be_stable(self):
        for categories, expected in (([PR, PD], PD), ([PR, NE], NE), ([CR, PD], PD), ([CR], NE)):
            weeks = [4.0, 8.0][: len(categories)]
            self.assertIs(best(categories, weeks, confirmation=True, minimum_stable_weeks=6.0), expected)

    def test_four_weeks_and_not_less(self):
        self.assertIs(best([PR, PR], [8.0, 12.0], confirmation=True), PR)
        self.assertIs(best([PR, PR], [8.0, 11.9], confirmation=True), SD)
        self.assertIs(best([PR, PR, PR], [8.0, 10.0, 12.0], confirmation=True), PR)
        self.assertIs(best([PR, PR], [8.0, 14.0], confirmation=True, confirmation_weeks=8.0), SD)

    def test_unknown_weeks_confirm_nothing(self):
        self.assertIs(best([PR, PR], [8.0, None], confirmation=True), SD)
        found = best_of_categories([PR, PR], [None, None], confirmation=True)
        self.assertEqual(found.reason, "SD: at follow-up 1; PR at follow-up 1 was not confirmed after 4 weeks.")

    def test_reason_names_both_examinations(self):
        found = best_of_categories([SD, PR, PR], [4.0, 8.0, 12.0], labels=["week 4", "week 8", "week 12"], confirmation=True)
        self.assertEqual(found.reason, "PR: at week 8, confirmed at week 12.")


class OfACaseTest(unittest.TestCase):
    def test_weeks_and_names_come_from_the_case(self):
        case = make_case({"L1": dict(kind="target")}, {("L1", "LONG_AXIS"): [20.0, 14.0, 14.0, 30.0]})
        found = best_response(case, recist(case), confirmation=True)
        self.assertEqual((found.category, found.time_point, found.reason), (PR, 1, "PR: at week 4, confirmed at week 8."))
        self.assertIsNone(best_response(case, recist(make_case({}, {}))).time_point)

    def test_input_that_does_not_fit_is_refused(self):
        for categories, weeks in (([PR], []), ([Category.BASELINE, PR], [0.0, 4.0])):
            with self.assertRaises(InputError):
                best_of_categories(categories, weeks)


if __name__ == "__main__":
    unittest.main()

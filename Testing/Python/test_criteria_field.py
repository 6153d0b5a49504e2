"""Response inside and outside the radiation field, and in total."""

import unittest

from response_case import make_case

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.criteria import Category, field_response

CR, PR, SD, PD, NE, NON = Category.CR, Category.PR, Category.SD, Category.PD, Category.NE, Category.NON_CR_NON_PD


def case(state=None, sizes=(40.0, 20.0), lesions=None, quantity="LONG_AXIS"):
    lesions = lesions or {"IN": dict(kind="target", in_field=True), "OUT": dict(kind="target", in_field=False)}
    findings = [("OUT", 0, "present"), *([("OUT", 1, state)] if state else [])]
    return make_case(lesions, {("IN", quantity): list(sizes)}, findings=findings)


def at_week_4(found):
    return tuple(one.at(1).category for one in (found.in_field, found.out_of_field, found.total))


class FieldTest(unittest.TestCase):
    def test_inside_outside_and_total(self):
        for sizes, state, expected in (
            ((40.0, 20.0), "present", (PR, NON, PR)),
            ((40.0, 0.0), "absent", (CR, CR, CR)),
            ((40.0, 0.0), "present", (CR, NON, PR)),
            ((40.0, 40.0), "absent", (SD, CR, SD)),
            ((40.0, 20.0), "unequivocal progression", (PR, PD, PD)),
            ((40.0, 50.0), "absent", (PD, CR, PD)),
            ((40.0, 20.0), "not evaluable", (PR, NE, PR)),
            ((40.0, None), "present", (NE, NON, NE)),
        ):
            with self.subTest(sizes=sizes, state=state):
                self.assertEqual(at_week_4(field_response(case(state, sizes), "RECIST 1.1")), expected)

    def test_names_say_where(self):
        found = field_response(case("present"), "RECIST 1.1")
        self.assertEqual(found.in_field.criterion, "RECIST 1.1, in field")
        self.assertEqual(found.out_of_field.at(1).criterion, "RECIST 1.1, out of field")
        self.assertEqual(found.total.at(1).reason, "PR: sum 20 mm, -50.0 % from 40 mm at baseline; non-target OUT still present.")

    def test_mrecist_is_the_default(self):
        found = field_response(case("present", quantity="VIABLE_DIAMETER"))
        self.assertEqual(found.in_field.criterion, "mRECIST, in field")
        self.assertEqual(at_week_4(found), (PR, NON, PR))

    def test_a_new_lesion_counts_on_its_side_and_in_total(self):
        for in_field, expected in ((True, (PD, NON, PD)), (False, (PR, PD, PD)), (None, (PR, NON, PD))):
            lesions = {
                "IN": dict(kind="target", in_field=True),
                "OUT": dict(kind="non-target", in_field=False),
                "X": dict(kind="new", in_field=in_field),
            }
            values = {("IN", "LONG_AXIS"): [40.0, 20.0], ("X", "LONG_AXIS"): [None, 12.0]}
            found = field_response(make_case(lesions, values, findings=[("OUT", 1, "present")]), "RECIST 1.1")
            self.assertEqual(at_week_4(found), expected)

    def test_lesions_outside_take_no_place_among_the_targets(self):
        lesions = {"A": dict(in_field=False), "B": dict(in_field=False, kind="target"), "C": dict(in_field=True), "D": dict(in_field=True)}
        values = {(name, "LONG_AXIS"): [size, size / 2] for name, size in zip("ABCD", (90.0, 80.0, 30.0, 20.0), strict=True)}
        found = field_response(make_case(lesions, values), "RECIST 1.1")
        self.assertEqual(found.in_field.at(1).numbers["baseline_mm"], 50.0)
        self.assertEqual(found.total.at(1).numbers["baseline_mm"], 50.0)
        self.assertEqual(at_week_4(found), (PR, NON, PR))

    def test_a_lesion_of_unknown_side_keeps_the_total_from_being_told(self):
        lesions = {"IN": dict(kind="target", in_field=True), "U": dict(kind="target")}
        found = field_response(make_case(lesions, {("IN", "LONG_AXIS"): [40.0, 20.0], ("U", "LONG_AXIS"): [20.0, 20.0]}), "RECIST 1.1")
        self.assertEqual(at_week_4(found), (PR, NE, NE))
        self.assertIn("U is not decided on (nobody said whether it lies inside the radiation field)", found.total.at(1).reason)

    def test_without_a_field_or_for_another_criterion(self):
        with self.assertRaises(InputError):
            field_response(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [20.0]}), "RECIST 1.1")
        with self.assertRaises(InputError):
            field_response(case("present"), "WHO")


if __name__ == "__main__":
    unittest.main()

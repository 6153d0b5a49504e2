"""Target selection: the rule's proposal, the user's choice kept, and notes where the two part."""

import unittest

from response_case import make_case, row

from HCCResponseLib.response.case import Image, LesionKind
from HCCResponseLib.response.criteria import recist, select_mrecist_lesions, select_recist_lesions
from HCCResponseLib.response.criteria.category import Category

TARGET, NON_TARGET, NEW = LesionKind.TARGET, LesionKind.NON_TARGET, LesionKind.NEW


def sized(quantity="LONG_AXIS", **sizes):
    return {(name, quantity): [size] for name, size in sizes.items()}


def kinds(selection):
    return {one.lesion.identifier: one.kind for one in selection.choices}


def reasons(selection):
    return {one.lesion.identifier: one.reason for one in selection.choices}


class RecistSelectionTest(unittest.TestCase):
    def test_the_two_largest_of_an_organ(self):
        selection = select_recist_lesions(make_case({"A": {}, "B": {}, "C": {}}, sized(A=20.0, B=40.0, C=30.0)))
        self.assertEqual(kinds(selection), {"A": NON_TARGET, "B": TARGET, "C": TARGET})
        self.assertEqual(reasons(selection)["A"], "there are 2 targets in liver already")
        self.assertEqual(selection.notes, ("Targets proposed by the rule, not chosen by the user: B, C.",))
        self.assertFalse(any(one.by_user for one in selection.choices))

    def test_equally_large_lesions_go_by_the_order_of_the_case(self):
        selection = select_recist_lesions(make_case({"A": {}, "B": {}, "C": {}}, sized(A=20.0, B=20.0, C=20.0)))
        self.assertEqual(kinds(selection), {"A": TARGET, "B": TARGET, "C": NON_TARGET})

    def test_five_in_all(self):
        organs = ["liver", "liver", "lung", "Lung ", "adrenal", "bowel"]
        lesions = {f"L{index}": dict(organ=organ) for index, organ in enumerate(organs)}
        selection = select_recist_lesions(make_case(lesions, sized(**{name: 60.0 - 5 * index for index, name in enumerate(lesions)})))
        self.assertEqual([one.kind for one in selection.choices], [TARGET] * 5 + [NON_TARGET])
        self.assertEqual(reasons(selection)["L5"], "there are 5 targets already")

    def test_all_lymph_nodes_are_one_organ(self):
        lesions = {name: dict(lymph_node=True, organ=f"station {name}") for name in "ABC"}
        selection = select_recist_lesions(make_case(lesions, sized("SHORT_AXIS", A=16.0, B=18.0, C=20.0)))
        self.assertEqual(kinds(selection), {"A": NON_TARGET, "B": TARGET, "C": TARGET})
        self.assertEqual(reasons(selection)["A"], "there are 2 targets in lymph nodes already")

    def test_size_limits(self):
        self.assertEqual(kinds(select_recist_lesions(make_case({"A": {}}, sized(A=10.0)))), {"A": TARGET})
        selection = select_recist_lesions(make_case({"A": {}}, sized(A=9.96)))
        self.assertEqual(kinds(selection), {"A": NON_TARGET})
        self.assertEqual(reasons(selection), {"A": "9.96 mm at baseline, under 10 mm"})

    def test_node_limits(self):
        for size, kind in ((15.0, TARGET), (14.9, NON_TARGET), (10.0, NON_TARGET), (9.9, None)):
            case = make_case({"A": dict(lymph_node=True)}, sized("SHORT_AXIS", A=size) | sized(A=40.0))
            self.assertIs(kinds(select_recist_lesions(case))["A"], kind)
        self.assertEqual(
            reasons(select_recist_lesions(case)), {"A": "lymph node with a short axis under 10 mm, not taken for malignant"},
        )

    def test_a_small_node_that_the_reader_calls_a_lesion_is_a_non_target(self):
        case = make_case({"A": dict(lymph_node=True)}, sized("SHORT_AXIS", A=9.0), findings=[("A", 0, "present")])
        self.assertEqual(kinds(select_recist_lesions(case)), {"A": NON_TARGET})

    def test_thick_slices_raise_the_limit(self):
        for thickness, size, kind in ((5.0, 10.0, TARGET), (8.0, 15.9, NON_TARGET), (8.0, 16.0, TARGET)):
            rows = [row("A", "LONG_AXIS", 0, size, source_series="1.2.8, 1.2.9")]
            images = [
                Image(0, "T1", "1.2.9", slice_thickness_mm=thickness),
                Image(0, "T1", "1.2.8", slice_thickness_mm=3.0),
                Image(0, "T2", "1.2.5", slice_thickness_mm=40.0),
                Image(1, "T1", "1.2.9", slice_thickness_mm=40.0),
            ]
            selection = select_recist_lesions(make_case({"A": {}}, {}, rows=rows, images=images, examinations=2))
            self.assertIs(kinds(selection)["A"], kind)
        rows = [row("A", "LONG_AXIS", 0, 15.9, source_series="1.2.9")]
        images = [Image(0, "T1", "1.2.9", slice_thickness_mm=8.0)]
        selection = select_recist_lesions(make_case({"A": {}}, {}, rows=rows, images=images))
        self.assertEqual(reasons(selection)["A"], "15.9 mm at baseline, under 16 mm, twice the slice thickness of 8 mm")

    def test_what_cannot_be_measured_reliably_is_a_non_target(self):
        for fields, says in (
            (dict(ill_defined=True), "ill-defined"),
            (dict(tumour_thrombus=True), "tumour thrombus"),
            (dict(previously_treated=True), "treated locally before"),
            (dict(organ="bone"), "bone lesion"),
        ):
            selection = select_recist_lesions(make_case({"A": fields}, sized(A=40.0)))
            self.assertEqual(kinds(selection), {"A": NON_TARGET})
            self.assertIn(says, reasons(selection)["A"])

    def test_a_lesion_that_is_only_seen_is_a_non_target(self):
        selection = select_recist_lesions(make_case({"A": {}}, {}, findings=[("A", 0, "present")]))
        self.assertEqual(reasons(selection), {"A": "not measured at baseline"})
        self.assertEqual(kinds(selection), {"A": NON_TARGET})

    def test_the_users_choice_is_kept_and_takes_its_place(self):
        case = make_case({"A": dict(kind="target"), "B": {}, "C": {}, "D": dict(kind="non-target")}, sized(A=12.0, B=40.0, C=30.0, D=50.0))
        selection = select_recist_lesions(case)
        self.assertEqual(kinds(selection), {"A": TARGET, "B": TARGET, "C": NON_TARGET, "D": NON_TARGET})
        self.assertEqual(reasons(selection)["A"], "target by the user's choice")
        self.assertEqual([one.by_user for one in selection.choices], [True, False, False, True])

    def test_a_choice_beyond_the_rule_is_kept_and_told(self):
        lesions = {f"L{index}": dict(kind="target") for index in range(6)}
        selection = select_recist_lesions(make_case(lesions, sized(**{name: 9.0 if name == "L0" else 20.0 for name in lesions})))
        self.assertEqual(len(selection.targets), 6)
        self.assertEqual(
            selection.notes,
            (
                "6 targets were chosen; the rule allows 5.",
                "6 targets were chosen in liver; the rule allows 2.",
                "L0 is a target by the user's choice, although the rule does not take it: 9 mm at baseline, under 10 mm.",
            ),
        )

    def test_a_late_lesion_is_not_decided_on(self):
        case = make_case({"A": dict(kind="target"), "X": {}}, {("A", "LONG_AXIS"): [20.0, 20.0], ("X", "LONG_AXIS"): [None, 12.0]})
        selection = select_recist_lesions(case)
        self.assertIsNone(kinds(selection)["X"])
        self.assertEqual([one.lesion.identifier for one in selection.undecided], ["X"])
        self.assertIn("X is not decided on (first seen at week 4: new, or overlooked at baseline); say what it is", selection.notes[-1])

    def test_what_no_examination_shows_and_parts_count_as_nothing(self):
        case = make_case({"A": dict(kind="target"), "B": {}, "C": dict(split_from="A")}, sized(A=20.0, C=12.0))
        selection = select_recist_lesions(case)
        self.assertEqual(reasons(selection) | {"A": ""}, {"A": "", "B": "no examination shows it", "C": "part of A"})
        self.assertEqual((kinds(selection)["B"], kinds(selection)["C"]), (None, None))

    def test_a_new_lesion_of_the_user_stays_new(self):
        self.assertEqual(len(select_recist_lesions(make_case({"X": dict(kind="new")}, sized(X=12.0))).new), 1)

    def test_the_proposal_is_what_recist_adds_up(self):
        values = {("A", "LONG_AXIS"): [20.0, 10.0], ("B", "LONG_AXIS"): [40.0, 20.0], ("C", "LONG_AXIS"): [30.0, 15.0]}
        case = make_case({"A": {}, "B": {}, "C": {}}, values)
        result = recist(case)
        self.assertEqual(result.at(1).numbers["sum_mm"], 35.0)
        self.assertIs(result.at(1).non_target, Category.NON_CR_NON_PD)
        self.assertIn("Targets proposed by the rule, not chosen by the user: B, C.", result.notes)


class MrecistSelectionTest(unittest.TestCase):
    def test_by_the_viable_diameter(self):
        case = make_case({"A": {}, "B": {}}, sized("VIABLE_DIAMETER", A=9.0, B=10.0) | sized(A=60.0, B=12.0))
        self.assertEqual(kinds(select_mrecist_lesions(case)), {"A": NON_TARGET, "B": TARGET})

    def test_a_treated_lesion_may_be_a_target_by_its_viable_part(self):
        case = make_case({"A": dict(previously_treated=True)}, sized("VIABLE_DIAMETER", A=10.0))
        self.assertEqual(kinds(select_mrecist_lesions(case)), {"A": TARGET})

    def test_infiltrative_tumour_and_thrombus_are_non_targets(self):
        for fields in (dict(ill_defined=True), dict(tumour_thrombus=True)):
            self.assertEqual(kinds(select_mrecist_lesions(make_case({"A": fields}, sized("VIABLE_DIAMETER", A=50.0)))), {"A": NON_TARGET})

    def test_nodes_of_the_porta_hepatis_from_20_mm(self):
        for porta_hepatis, size, kind in ((True, 19.9, None), (True, 20.0, TARGET), (False, 15.0, TARGET)):
            case = make_case({"A": dict(lymph_node=True, porta_hepatis=porta_hepatis)}, sized("SHORT_AXIS", A=size))
            self.assertIs(kinds(select_mrecist_lesions(case))["A"], kind)

    def test_a_liver_lesion_without_viable_diameter_is_a_non_target(self):
        selection = select_mrecist_lesions(make_case({"A": {}}, sized(A=30.0)))
        self.assertEqual(reasons(selection), {"A": "not measured at baseline"})

    def test_outside_the_liver_the_whole_diameter_counts_where_no_viable_one_was_measured(self):
        self.assertEqual(kinds(select_mrecist_lesions(make_case({"A": dict(organ="lung")}, sized(A=30.0)))), {"A": TARGET})
        case = make_case({"A": dict(organ="lung")}, sized(A=30.0) | sized("VIABLE_DIAMETER", A=5.0))
        self.assertEqual(kinds(select_mrecist_lesions(case)), {"A": NON_TARGET})


if __name__ == "__main__":
    unittest.main()

"""mRECIST and EASL: viable tumour, new nodules, enhancement again in treated lesions."""

import unittest

from response_case import make_case

from HCCResponseLib.response.criteria import Category, easl, mrecist, recist

CR, PR, SD, PD, NE, BASELINE = Category.CR, Category.PR, Category.SD, Category.PD, Category.NE, Category.BASELINE
TARGET = dict(kind="target")


class MrecistTest(unittest.TestCase):
    def case(self, *viable, **more):
        return make_case({"L1": TARGET}, {("L1", "VIABLE_DIAMETER"): list(viable), ("L1", "LONG_AXIS"): [40.0] * len(viable)}, **more)

    def test_the_limits_of_recist_on_viable_tumour(self):
        for now, category in ((36.0, PD), (35.9, SD), (21.0, PR), (21.1, SD), (0.0, CR)):
            self.assertIs(mrecist(self.case(30.0, now)).at(1).category, category)
        self.assertEqual(
            mrecist(self.case(30.0, 36.0)).at(1).reason,
            "PD: viable sum 36 mm, +20.0 % and +6 mm over the nadir of 30 mm at baseline.",
        )
        self.assertIs(mrecist(self.case(20.0, 24.9)).at(1).category, SD)

    def test_the_5_mm_that_the_paper_does_not_have_are_named_where_they_decide(self):
        (note,) = mrecist(self.case(20.0, 24.9)).at(1).notes
        self.assertEqual(
            note,
            "The viable sum is +24.5 % over the nadir, but less than the 5 mm of RECIST 1.1, which are kept here; Lencioni "
            "and Llovet (2010) name no such minimum and would call it progression.",
        )
        # of a partial response too, and of exactly 20 %
        self.assertIn("+24.0 % over the nadir", mrecist(self.case(20.0, 10.0, 12.4)).at(2).notes[0])
        self.assertIn("+20.0 % over the nadir", mrecist(self.case(20.0, 24.0)).at(1).notes[0])
        for silent in (self.case(20.0, 23.9), self.case(20.0, 25.0), self.case(20.0, 0.0, 4.0), self.case(20.0, None)):
            self.assertFalse([note for note in mrecist(silent).assessments[-1].notes if "Llovet" in note])

    def test_bone_is_no_target_as_in_recist(self):
        case = make_case({"B": dict(organ="Bone")}, {("B", "LONG_AXIS"): [40.0, 30.0], ("B", "SHORT_AXIS"): [30.0, 20.0]})
        for found in (mrecist(case), easl(case), recist(case)):
            self.assertEqual((found.at(1).category, found.at(1).target), (Category.NON_CR_NON_PD, None))
        chosen = make_case({"B": TARGET | dict(organ="Bone")}, {("B", "LONG_AXIS"): [40.0, 20.0]})
        self.assertIs(mrecist(chosen).at(1).category, PR)
        self.assertIn("although the rule does not take it: bone lesion", mrecist(chosen).notes[0])

    def test_no_enhancement_left_is_complete_response_whatever_the_size(self):
        case = self.case(30.0, 0.0)
        self.assertIs(mrecist(case).at(1).category, CR)
        self.assertIs(recist(case).at(1).category, SD)
        case = self.case(30.0, 12.0, findings=[("L1", 1, "no arterial enhancement")])
        self.assertIs(mrecist(case).at(1).category, CR)

    def test_nothing_viable_at_baseline(self):
        self.assertEqual(mrecist(self.case(0.0, 12.0)).at(1).reason, "NE: the viable sum at baseline is 0 mm, there is nothing to follow.")

    def test_nodes_by_their_short_axis_and_lesions_outside_the_liver(self):
        lesions = {"L1": TARGET, "N1": dict(kind="target", lymph_node=True), "P1": dict(kind="target", organ="lung")}
        values = {
            ("L1", "VIABLE_DIAMETER"): [20.0, 10.0],
            ("N1", "SHORT_AXIS"): [20.0, 12.0],
            ("P1", "LONG_AXIS"): [30.0, 20.0],
        }
        assessment = mrecist(make_case(lesions, values)).at(1)
        self.assertEqual((assessment.numbers["baseline_mm"], assessment.numbers["sum_mm"]), (70.0, 42.0))
        self.assertIs(assessment.category, PR)

    def test_no_enhancement_is_no_size_where_the_whole_lesion_is_measured(self):
        lesions = {"P1": dict(kind="target", organ="lung"), "Q": dict(kind="non-target", organ="lung")}
        values = {("P1", "LONG_AXIS"): [30.0, 30.0], ("Q", "LONG_AXIS"): [9.0, 9.0]}
        findings = [(name, 1, "no arterial enhancement") for name in lesions]
        assessment = mrecist(make_case(lesions, values, findings=findings)).at(1)
        self.assertEqual((assessment.category, assessment.non_target), (SD, Category.NON_CR_NON_PD))

    def test_a_non_target_without_enhancement_is_gone(self):
        for size, category in ((0.0, CR), (4.0, PR), (None, PR)):
            values = {("L1", "VIABLE_DIAMETER"): [20.0, 0.0], ("N", "VIABLE_DIAMETER"): [9.0, size]}
            self.assertIs(mrecist(make_case({"L1": TARGET, "N": dict(kind="non-target")}, values)).at(1).category, category)
        case = make_case(
            {"L1": TARGET, "N": dict(kind="non-target")},
            {("L1", "VIABLE_DIAMETER"): [20.0, 0.0]},
            findings=[("N", 1, "no arterial enhancement")],
        )
        self.assertIs(mrecist(case).at(1).category, CR)


class NewNoduleTest(unittest.TestCase):
    def result(self, sizes, **fields):
        quantity = "SHORT_AXIS" if fields.get("lymph_node") else "LONG_AXIS"
        values = {("L1", "VIABLE_DIAMETER"): [20.0, 20.0, 20.0, 20.0], ("X", quantity): [None, *sizes]}
        return mrecist(make_case({"L1": TARGET, "X": dict(kind="new") | fields}, values))

    def test_10_mm_with_typical_enhancement(self):
        self.assertEqual(self.result([10.0], typical_enhancement=True).categories, (BASELINE, PD, PD, PD))
        result = self.result([9.9], typical_enhancement=True)
        self.assertEqual(result.categories, (BASELINE, SD, SD, SD))
        self.assertEqual(result.at(1).notes, ("New lesion X since week 4 does not count: 9.9 mm, under 10 mm.",))

    def test_typical_enhancement_reached_later_counts_from_the_first_sighting(self):
        self.assertEqual(self.result([6.0, 11.0], typical_enhancement=True).categories, (BASELINE, PD, PD, PD))

    def test_growth_by_10_mm_without_typical_enhancement(self):
        self.assertEqual(self.result([8.0, 18.0], typical_enhancement=False).categories, (BASELINE, PD, PD, PD))
        result = self.result([8.0, 17.9], typical_enhancement=False)
        self.assertEqual(result.categories, (BASELINE, SD, SD, SD))
        self.assertIn("17.9 mm without typical enhancement, and it has not grown by 10 mm", result.at(1).notes[0])
        # Shrinkage is no growth.
        self.assertEqual(self.result([28.0, 12.0], typical_enhancement=False).categories, (BASELINE, SD, SD, SD))

    def test_unknown_enhancement_and_unknown_size_cannot_be_told(self):
        result = self.result([12.0])
        self.assertEqual(result.categories, (BASELINE, NE, NE, NE))
        self.assertIn("12 mm; say whether it enhances as typical", result.at(1).reason)
        values = {("L1", "VIABLE_DIAMETER"): [20.0, 20.0]}
        case = make_case({"L1": TARGET, "X": dict(kind="new")}, values, findings=[("X", 1, "present")])
        self.assertIn("NE: new lesion X since week 4 may count: its long axis was not measured", mrecist(case).at(1).reason)

    def test_outside_the_liver_every_new_lesion_counts(self):
        self.assertEqual(self.result([4.0], organ="lung").categories, (BASELINE, PD, PD, PD))

    def test_nodes(self):
        for size, porta_hepatis, category in ((12.0, False, PD), (9.0, False, SD), (19.9, True, SD), (20.0, True, PD)):
            result = self.result([size], lymph_node=True, porta_hepatis=porta_hepatis)
            self.assertIs(result.at(1).category, category)
        notes = self.result([19.9], lymph_node=True, porta_hepatis=True).at(1).notes
        self.assertIn("a lymph node of 19.9 mm is not taken for malignant under 20 mm", notes[0])


class EaslTest(unittest.TestCase):
    def case(self, diameters, short_axes, **more):
        values = {("L1", "VIABLE_DIAMETER"): diameters, ("L1", "VIABLE_SHORT_AXIS"): short_axes}
        return make_case({"L1": TARGET}, values, **more)

    def test_limits_of_the_product(self):
        for now, category in ((10.0, PR), (10.1, SD), (25.0, SD), (25.1, PD), (0.0, CR)):
            with self.subTest(now):
                self.assertIs(easl(self.case([20.0, 20.0 if now else 0.0], [20.0, now])).at(1).category, category)

    def test_exactly_25_percent_is_stable_more_is_progression(self):
        result = easl(self.case([20.0, 20.0], [20.0, 25.02]))
        self.assertEqual(
            result.at(1).reason,
            "PD: sum of enhancing products 500.4 mm², +25.1 % and +100.4 mm² over the nadir of 400 mm² at baseline.",
        )
        result = easl(self.case([20.0, 20.0], [20.0, 25.008]))
        self.assertIn("+25.04 %", result.at(1).reason)
        self.assertEqual(easl(self.case([20.0, 20.0], [20.0, 25.0])).at(1).numbers["change_from_nadir_percent"], 25.0)

    def test_enhancement_again_in_a_treated_lesion_is_progression(self):
        lesions = {"L1": TARGET, "L2": TARGET}
        values = {
            ("L1", "VIABLE_DIAMETER"): [30.0, 20.0, 20.0], ("L1", "VIABLE_SHORT_AXIS"): [30.0, 20.0, 20.0],
            ("L2", "VIABLE_DIAMETER"): [10.0, 0.0, 3.0], ("L2", "VIABLE_SHORT_AXIS"): [10.0, 0.0, 2.0],
        }  # fmt: skip
        result = easl(make_case(lesions, values))
        self.assertEqual(result.categories, (BASELINE, PR, PD))
        self.assertEqual(
            result.at(2).reason,
            "PD: L2 enhances again, with nothing at week 4; sum of enhancing products 406 mm², -59.4 % from 1000 mm² at baseline.",
        )

    def test_a_dark_lesion_that_merged_with_a_bright_one_does_not_enhance_again(self):
        values = {
            ("L1", "VIABLE_DIAMETER"): [20.0, 20.0, 20.0], ("L1", "VIABLE_SHORT_AXIS"): [20.0, 20.0, 20.0],
            ("L2", "VIABLE_DIAMETER"): [10.0, 0.0], ("L2", "VIABLE_SHORT_AXIS"): [10.0, 0.0],
        }  # fmt: skip
        case = make_case({"L1": TARGET, "L2": TARGET}, values, findings=[("L2", 2, "merged", "L1")])
        self.assertEqual(easl(case).categories, (BASELINE, SD, SD))

    def test_a_lesion_treated_before_that_starts_to_enhance(self):
        values = {
            ("L1", "VIABLE_DIAMETER"): [30.0, 30.0], ("L1", "VIABLE_SHORT_AXIS"): [30.0, 30.0],
            ("N", "VIABLE_DIAMETER"): [0.0, 8.0], ("N", "VIABLE_SHORT_AXIS"): [0.0, 6.0],
        }  # fmt: skip
        for treated, category in ((True, PD), (False, SD)):
            case = make_case({"L1": TARGET, "N": dict(kind="non-target", previously_treated=treated)}, values)
            self.assertIs(easl(case).at(1).category, category)

    def test_a_new_lesion_is_progression(self):
        values = {("L1", "VIABLE_DIAMETER"): [20.0, 20.0], ("L1", "VIABLE_SHORT_AXIS"): [20.0, 10.0], ("X", "LONG_AXIS"): [None, 8.0]}
        self.assertIs(easl(make_case({"L1": TARGET, "X": dict(kind="new")}, values)).at(1).category, PD)

    def test_too_small_counts_5_by_5_mm(self):
        case = self.case([20.0, None], [20.0, None], findings=[("L1", 1, "too small to measure")])
        self.assertEqual(easl(case).at(1).numbers["sum_mm2"], 25.0)

    def test_both_diameters_are_needed(self):
        self.assertEqual(easl(self.case([20.0, 20.0], [20.0])).at(1).reason, "NE: L1 has no viable short axis at week 4.")

    def test_nodes_count_with_their_whole_product(self):
        lesions = {"L1": TARGET, "N1": dict(kind="target", lymph_node=True)}
        values = {
            ("L1", "VIABLE_DIAMETER"): [20.0, 0.0], ("L1", "VIABLE_SHORT_AXIS"): [20.0, 0.0],
            ("N1", "LONG_AXIS"): [30.0, 12.0], ("N1", "SHORT_AXIS"): [20.0, 9.0],
        }  # fmt: skip
        assessment = easl(make_case(lesions, values)).at(1)
        self.assertEqual((assessment.numbers["baseline_mm2"], assessment.numbers["sum_mm2"]), (1000.0, 108.0))
        self.assertEqual(assessment.reason, "CR: all targets gone; N1 is a normal node of 9 mm.")


if __name__ == "__main__":
    unittest.main()

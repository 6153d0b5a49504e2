"""RECIST 1.1: every branch, every limit, nodes, merged and split lesions, non-targets, new lesions, and what cannot be told."""

import math
import unittest

from hypothesis import given, settings
from hypothesis import strategies as st
from response_case import make_case, row, uid_of

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.case import Case, Lesion, TimePoint
from HCCResponseLib.response.criteria import Category, examination_label, overall_response, recist, select_recist_lesions, week_of

CR, PR, SD, PD, NE = Category.CR, Category.PR, Category.SD, Category.PD, Category.NE
NON, BASELINE = Category.NON_CR_NON_PD, Category.BASELINE
TARGET = dict(kind="target")
NODE = dict(kind="target", lymph_node=True, organ="lymph node")


def one_lesion(*diameters, **more):
    return make_case({"L1": TARGET}, {("L1", "LONG_AXIS"): list(diameters)}, **more)


def categories(case, **more):
    return list(recist(case, **more).categories)


class LimitsOfTheSumTest(unittest.TestCase):
    def test_growth_of_exactly_20_percent_and_5_mm_is_progression(self):
        result = recist(one_lesion(25.0, 30.0))
        self.assertEqual(result.categories, (BASELINE, PD))
        self.assertEqual(result.at(1).reason, "PD: sum 30 mm, +20.0 % and +5 mm over the nadir of 25 mm at baseline.")
        self.assertEqual(recist(one_lesion(30.0, 36.0)).at(1).numbers["change_from_nadir_percent"], 20.0)
        self.assertEqual(categories(one_lesion(30.0, 36.0)), [BASELINE, PD])

    def test_tenths_of_a_millimetre_do_not_move_the_limit(self):
        # 30.3 -> 36.36 is 19.999999999999996 % in binary arithmetic.
        self.assertEqual(categories(one_lesion(30.3, 36.36)), [BASELINE, PD])
        self.assertEqual(categories(one_lesion(30.3, 36.35)), [BASELINE, SD])

    def test_growth_just_below_either_limit_is_stable(self):
        result = recist(one_lesion(100.0, 119.96))
        self.assertIs(result.at(1).category, SD)
        self.assertIn("+20.0 %", recist(one_lesion(100.0, 120.0)).at(1).reason)
        self.assertEqual(categories(one_lesion(20.0, 24.9)), [BASELINE, SD])  # +24.5 %, +4.9 mm
        self.assertEqual(categories(one_lesion(20.0, 25.0)), [BASELINE, PD])  # +25 %, +5 mm
        self.assertEqual(categories(one_lesion(24.0, 28.999)), [BASELINE, SD])  # +20.8 %, +4.999 mm

    def test_a_shown_number_never_contradicts_the_category(self):
        reason = recist(one_lesion(20.0, 10.0, 14.96)).at(2).reason
        self.assertEqual(
            reason,
            "SD: sum 15 mm, -25.2 % from 20 mm at baseline and +49.6 % and +4.96 mm over the nadir of 10 mm at week 4; "
            "growth under 5 mm is no progression.",
        )
        self.assertEqual(
            recist(one_lesion(20.0, 24.9)).at(1).reason,
            "SD: sum 24.9 mm, +24.5 % from 20 mm at baseline; growth under 5 mm is no progression.",
        )

    def test_decrease_of_exactly_30_percent_is_partial_response(self):
        result = recist(one_lesion(30.0, 21.0))
        self.assertIs(result.at(1).category, PR)
        self.assertEqual(result.at(1).reason, "PR: sum 21 mm, -30.0 % from 30 mm at baseline.")
        self.assertEqual(categories(one_lesion(30.0, 21.01)), [BASELINE, SD])

    def test_stable_says_both_changes(self):
        self.assertEqual(recist(one_lesion(50.0, 50.0)).at(1).reason, "SD: sum 50 mm, +0.0 % from 50 mm at baseline.")

    def test_a_sum_under_the_nadir_is_the_smallest_so_far(self):
        self.assertEqual(
            recist(one_lesion(50.0, 45.0, 40.0)).at(2).reason, "SD: sum 40 mm, -20.0 % from 50 mm at baseline, the smallest so far.",
        )

    def test_the_nadir_may_be_any_earlier_examination(self):
        case = one_lesion(50.0, 38.0, 40.0, 45.6)
        result = recist(case)
        self.assertEqual(result.categories, (BASELINE, SD, SD, PD))
        self.assertEqual(result.at(3).reason, "PD: sum 45.6 mm, +20.0 % and +7.6 mm over the nadir of 38 mm at week 4.")
        self.assertEqual(result.at(3).numbers["nadir_time_point"], 1.0)
        self.assertAlmostEqual(result.at(3).numbers["change_from_baseline_percent"], -8.8)

    def test_the_nadir_does_not_look_ahead_and_skips_what_was_not_measured(self):
        self.assertEqual(categories(one_lesion(50.0, 48.0, 30.0)), [BASELINE, SD, PR])
        result = recist(one_lesion(50.0, None, 60.0))
        self.assertEqual(result.categories, (BASELINE, NE, PD))
        self.assertIn("nadir of 50 mm at baseline", result.at(2).reason)

    def test_measurements_used_are_those_of_now_the_baseline_and_the_nadir(self):
        case = one_lesion(50.0, 38.0, 40.0, 46.0)
        used = recist(case).at(3).measurements
        self.assertEqual([key[1] for key in used], [3, 0, 1])
        self.assertTrue(set(used) <= {one.key for one in case.measurements})

    def test_sum_over_several_targets(self):
        case = make_case({"L1": TARGET, "L2": TARGET}, {("L1", "LONG_AXIS"): [20.0, 10.0], ("L2", "LONG_AXIS"): [20.0, 18.0]})
        assessment = recist(case).at(1)
        self.assertIs(assessment.category, PR)
        self.assertEqual((assessment.numbers["baseline_mm"], assessment.numbers["sum_mm"]), (40.0, 28.0))
        self.assertEqual(recist(case).at(0).reason, "baseline: sum 40 mm of 2 targets.")

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.integers(0, 60), min_size=2, max_size=6).filter(lambda sums: sums[0] > 0))
    def test_agrees_with_the_rule_in_whole_numbers(self, sums):
        expected, had_complete = [BASELINE], False
        for position, now in enumerate(sums[1:], start=1):
            nadir = min(sums[:position])
            if now == 0:
                category = CR
            elif had_complete or (5 * (now - nadir) >= nadir and now - nadir >= 5):
                category = PD
            elif 10 * now <= 7 * sums[0]:
                category = PR
            else:
                category = SD
            had_complete = had_complete or category is CR
            expected.append(category)
        self.assertEqual(categories(one_lesion(*map(float, sums))), expected)


class CompleteResponseTest(unittest.TestCase):
    def test_all_targets_gone(self):
        result = recist(one_lesion(20.0, 0.0))
        self.assertEqual(result.at(1).reason, "CR: all targets gone.")
        case = one_lesion(20.0, None, findings=[("L1", 1, "absent")], examinations=2)
        self.assertEqual(categories(case), [BASELINE, CR])

    def test_nodes_are_normal_under_10_mm(self):
        case = make_case({"L1": TARGET, "N1": NODE}, {("L1", "LONG_AXIS"): [20.0, 0.0], ("N1", "SHORT_AXIS"): [18.0, 9.9]})
        result = recist(case)
        self.assertEqual(result.at(1).reason, "CR: all targets gone; N1 is a normal node of 9.9 mm.")
        self.assertEqual(result.at(1).numbers["sum_mm"], 9.9)
        case = make_case({"L1": TARGET, "N1": NODE}, {("L1", "LONG_AXIS"): [20.0, 0.0], ("N1", "SHORT_AXIS"): [18.0, 10.0]})
        self.assertEqual(categories(case), [BASELINE, PR])

    def test_a_node_too_small_to_measure_is_normal(self):
        case = make_case({"N1": NODE}, {("N1", "SHORT_AXIS"): [16.0]}, findings=[("N1", 1, "too small to measure")], examinations=2)
        self.assertEqual(recist(case).at(1).reason, "CR: all targets gone; N1 is too small to measure, taken as 5 mm.")

    def test_nodes_are_measured_by_their_short_axis(self):
        case = make_case({"N1": NODE}, {("N1", "LONG_AXIS"): [40.0, 40.0], ("N1", "SHORT_AXIS"): [20.0, 14.0]})
        self.assertEqual(recist(case).at(1).reason, "PR: sum 14 mm, -30.0 % from 20 mm at baseline.")

    def test_normal_nodes_are_complete_response_even_when_they_grow(self):
        case = make_case({"N1": NODE, "N2": NODE}, {("N1", "SHORT_AXIS"): [16.0, 3.0, 9.0], ("N2", "SHORT_AXIS"): [16.0, 3.0, 9.0]})
        self.assertEqual(categories(case), [BASELINE, CR, CR])

    def test_what_is_there_again_after_complete_response_is_progression(self):
        result = recist(one_lesion(20.0, 0.0, 3.0, 3.0))
        self.assertEqual(result.categories, (BASELINE, CR, PD, PD))
        self.assertEqual(result.at(2).reason, "PD: L1 (3 mm) is there again after complete response.")

    def test_a_node_is_there_again_from_10_mm(self):
        case = make_case({"N1": NODE}, {("N1", "SHORT_AXIS"): [16.0, 8.0, 9.9, 10.0]})
        self.assertEqual(categories(case), [BASELINE, CR, CR, PD])

    def test_without_complete_response_overall_a_small_lesion_is_added_to_the_sum(self):
        case = make_case(
            {"L1": TARGET, "N": dict(kind="non-target")},
            {("L1", "LONG_AXIS"): [20.0, 0.0, 3.0, 5.0]},
            findings=[("N", index, "present") for index in range(4)],
        )
        result = recist(case)
        # Over a nadir of 0 any growth is more than 20 %; 5 mm are needed.
        self.assertEqual(result.categories, (BASELINE, PR, PR, PD))
        self.assertEqual(result.at(3).reason, "PD: sum 5 mm, +5 mm over the nadir of 0 mm at week 4; non-target N still present.")
        self.assertTrue(math.isnan(result.at(3).numbers["change_from_nadir_percent"]))

    def test_a_non_target_there_again_after_complete_response_is_progression(self):
        case = make_case(
            {"L1": TARGET, "N": dict(kind="non-target")},
            {("L1", "LONG_AXIS"): [20.0, 0.0, 0.0]},
            findings=[("N", 0, "present"), ("N", 1, "absent"), ("N", 2, "present")],
        )
        result = recist(case)
        self.assertEqual(result.categories, (BASELINE, CR, PD))
        self.assertEqual(result.at(2).reason, "PD: non-target N is there again after complete response; all targets gone.")

    def test_a_non_target_node_is_there_again_only_where_a_reader_says_so(self):
        lesions = {"L1": TARGET, "N": dict(kind="non-target", lymph_node=True)}
        values = {("L1", "LONG_AXIS"): [20.0, 0.0, 0.0], ("N", "SHORT_AXIS"): [12.0, 8.0, 11.0]}
        result = recist(make_case(lesions, values))
        self.assertEqual(result.categories, (BASELINE, CR, PR))
        self.assertEqual(
            result.at(2).reason,
            "PR: all targets gone; non-target lymph node N is there again after complete response, no progression unless a reader says so.",
        )
        said = make_case(lesions, values, findings=[("N", 2, "unequivocal progression")])
        self.assertEqual(recist(said).categories, (BASELINE, CR, PD))

    def test_several_that_are_there_again(self):
        lesions = {"L1": TARGET, "L2": TARGET, "A": dict(kind="non-target"), "B": dict(kind="non-target")}
        values = {(name, "LONG_AXIS"): [20.0, 0.0, 6.0] for name in lesions}
        self.assertEqual(
            recist(make_case(lesions, values)).at(2).reason,
            "PD: L1 (6 mm) and L2 (6 mm) are there again after complete response; "
            "non-target A and B are there again after complete response.",
        )


class ReadersWordTest(unittest.TestCase):
    def test_too_small_to_measure_counts_5_mm(self):
        case = one_lesion(20.0, None, findings=[("L1", 1, "too small to measure")], examinations=2)
        result = recist(case)
        self.assertEqual(result.at(1).reason, "PR: sum 5 mm (L1: too small to measure, taken as 5 mm), -75.0 % from 20 mm at baseline.")

    def test_a_true_measurement_below_5_mm_counts_as_it_is(self):
        self.assertEqual(recist(one_lesion(20.0, 3.0)).at(1).numbers["sum_mm"], 3.0)

    def test_the_readers_word_stands_above_a_number_and_says_so(self):
        for state, total in (("too small to measure", 5.0), ("absent", 0.0), ("normal signal", 0.0)):
            with self.subTest(state):
                assessment = recist(one_lesion(20.0, 12.0, findings=[("L1", 1, state)])).at(1)
                self.assertEqual(assessment.numbers["sum_mm"], total)
                self.assertEqual(assessment.notes, (f"The reader says L1 at week 4 is {state}; its measured size is not used.",))

    def test_progression_of_a_target_is_told_by_its_size_alone(self):
        assessment = recist(one_lesion(20.0, 21.0, findings=[("L1", 1, "unequivocal progression")])).at(1)
        self.assertIs(assessment.category, SD)
        self.assertIn("of a lesion that is measured only its size counts", assessment.notes[0])

    def test_no_enhancement_says_nothing_of_the_size(self):
        self.assertEqual(categories(one_lesion(20.0, 20.0, findings=[("L1", 1, "no arterial enhancement")])), [BASELINE, SD])

    def test_not_evaluable(self):
        case = make_case(
            {"L1": TARGET, "L2": TARGET},
            {("L1", "LONG_AXIS"): [20.0, 10.0], ("L2", "LONG_AXIS"): [20.0, None]},
            findings=[("L2", 1, "not evaluable")],
        )
        assessment = recist(case).at(1)
        self.assertEqual((assessment.category, assessment.reason), (NE, "NE: L2 is not evaluable at week 4."))
        self.assertTrue(math.isnan(assessment.numbers["sum_mm"]))

    def test_not_measured_and_not_measurable_are_told_apart(self):
        case = make_case({"L1": TARGET, "N1": NODE}, {("L1", "LONG_AXIS"): [20.0, math.nan], ("N1", "SHORT_AXIS"): [20.0, None]})
        self.assertEqual(
            recist(case).at(1).reason,
            "NE: the long axis of L1 could not be measured at week 4; N1 has no short axis at week 4.",
        )

    def test_growth_of_the_measured_targets_alone_is_progression_whatever_the_missing_one_is(self):
        case = make_case({"L1": TARGET, "L2": TARGET}, {("L1", "LONG_AXIS"): [20.0, 48.0], ("L2", "LONG_AXIS"): [20.0, None]})
        assessment = recist(case).at(1)
        self.assertEqual(
            assessment.reason,
            "PD: sum at least 48 mm (L2 has no long axis at week 4), +20.0 % and +8 mm over the nadir of 40 mm at baseline.",
        )

    def test_without_a_complete_baseline_nothing_can_be_told(self):
        case = make_case({"L1": TARGET, "L2": TARGET}, {("L1", "LONG_AXIS"): [20.0, 10.0], ("L2", "LONG_AXIS"): [None, 10.0]})
        self.assertEqual(recist(case).at(1).reason, "NE: L2 has no long axis at baseline.")

    def test_a_baseline_sum_of_0_has_nothing_to_follow(self):
        self.assertEqual(recist(one_lesion(0.0, 10.0)).at(1).reason, "NE: the sum at baseline is 0 mm, there is nothing to follow.")

    def test_a_negative_size_is_refused(self):
        with self.assertRaises(InputError) as raised:
            recist(one_lesion(20.0, -3.0))
        self.assertIn("Long axis of L1 at week 4 is -3", str(raised.exception))


class MergedAndSplitTest(unittest.TestCase):
    def test_merged_lesions_have_their_joint_diameter_once(self):
        case = make_case(
            {"L1": TARGET, "L2": TARGET},
            {("L1", "LONG_AXIS"): [20.0, 50.0], ("L2", "LONG_AXIS"): [20.0, 15.0]},
            findings=[("L2", 1, "merged", "L1")],
        )
        assessment = recist(case).at(1)
        self.assertEqual(assessment.numbers["sum_mm"], 50.0)
        self.assertEqual(
            assessment.reason,
            "PD: sum 50 mm (L1: joint size of L1 and L2), +25.0 % and +10 mm over the nadir of 40 mm at baseline.",
        )

    def test_a_target_merged_with_a_non_target_has_the_joint_diameter(self):
        case = make_case(
            {"L1": TARGET, "N": dict(kind="non-target")},
            {("L1", "LONG_AXIS"): [20.0, None], ("N", "LONG_AXIS"): [12.0, 34.0]},
            findings=[("L1", 1, "merged", "N")],
        )
        assessment = recist(case).at(1)
        self.assertEqual((assessment.category, assessment.numbers["sum_mm"]), (PD, 34.0))

    def test_lesions_that_come_apart_again_are_measured_alone_again(self):
        case = make_case(
            {"L1": TARGET, "L2": TARGET},
            {("L1", "LONG_AXIS"): [20.0, 45.0, 20.0], ("L2", "LONG_AXIS"): [20.0, None, 20.0]},
            findings=[("L2", 1, "merged", "L1")],
        )
        self.assertEqual([one.numbers["sum_mm"] for one in recist(case).assessments], [40.0, 45.0, 40.0])

    def test_a_circle_of_mergers_is_refused(self):
        case = make_case(
            {"L1": TARGET, "L2": TARGET},
            {("L1", "LONG_AXIS"): [20.0, 45.0], ("L2", "LONG_AXIS"): [20.0, 45.0]},
            findings=[("L2", 1, "merged", "L1"), ("L1", 1, "merged", "L2")],
        )
        with self.assertRaises(InputError) as raised:
            recist(case)
        self.assertIn("one of them must carry the joint size", str(raised.exception))

    def test_a_split_lesion_is_the_sum_of_its_parts_and_no_part_is_new(self):
        case = make_case(
            {"L1": TARGET, "L1b": dict(split_from="L1")},
            {("L1", "LONG_AXIS"): [40.0, 38.0, 15.0], ("L1b", "LONG_AXIS"): [None, None, 10.0]},
        )
        result = recist(case)
        self.assertEqual([one.numbers["sum_mm"] for one in result.assessments], [40.0, 38.0, 25.0])
        self.assertEqual(result.categories, (BASELINE, SD, PR))

    def test_a_part_that_was_seen_once_must_be_measured_on(self):
        case = make_case(
            {"L1": TARGET, "L1b": dict(split_from="L1")},
            {("L1", "LONG_AXIS"): [40.0, 15.0, 15.0], ("L1b", "LONG_AXIS"): [None, 10.0, None]},
        )
        self.assertEqual(recist(case).at(2).reason, "NE: L1b has no long axis at week 8.")

    def test_a_lesion_said_to_be_split_is_only_its_parts(self):
        values = {("L1", "LONG_AXIS"): [40.0, None], ("A", "LONG_AXIS"): [None, 12.0], ("B", "LONG_AXIS"): [None, 10.0]}
        lesions = {"L1": TARGET, "A": dict(split_from="L1"), "B": dict(split_from="L1")}
        self.assertEqual(recist(make_case(lesions, values, findings=[("L1", 1, "split")])).at(1).numbers["sum_mm"], 22.0)
        self.assertIn("(A: part of L1, ", recist(make_case(lesions, values, findings=[("L1", 1, "split")])).at(1).reason)
        values = {("L1", "LONG_AXIS"): [40.0, None]}
        case = make_case({"L1": TARGET}, values, findings=[("L1", 1, "split")], examinations=2)
        self.assertEqual(recist(case).at(1).reason, "NE: L1 is split at week 4, but no part of it is there.")

    def test_a_part_that_merged_back_is_not_counted_twice(self):
        case = make_case(
            {"L1": TARGET, "L1b": dict(split_from="L1")},
            {("L1", "LONG_AXIS"): [40.0, 15.0, 30.0], ("L1b", "LONG_AXIS"): [None, 10.0, None]},
            findings=[("L1b", 2, "merged", "L1")],
        )
        self.assertEqual(recist(case).at(2).numbers["sum_mm"], 30.0)


class NonTargetTest(unittest.TestCase):
    def case(self, state, diameters=(20.0, 0.0), **fields):
        findings = [("N", 0, "present"), *([("N", 1, state)] if state else [])]
        lesions = {"L1": TARGET, "N": dict(kind="non-target") | fields}
        return make_case(lesions, {("L1", "LONG_AXIS"): list(diameters)}, findings=findings)

    def test_with_all_targets_gone(self):
        for state, category, non_target in (
            ("absent", CR, CR),
            ("normal signal", CR, CR),
            ("present", PR, NON),
            ("too small to measure", PR, NON),
            ("no arterial enhancement", PR, NON),
            ("not evaluable", PR, NE),
            (None, PR, NE),
            ("unequivocal progression", PD, PD),
        ):
            with self.subTest(state):
                assessment = recist(self.case(state)).at(1)
                self.assertEqual((assessment.category, assessment.target, assessment.non_target), (category, CR, non_target))

    def test_unequivocal_progression_outweighs_response(self):
        assessment = recist(self.case("unequivocal progression", (20.0, 10.0))).at(1)
        self.assertEqual(
            assessment.reason,
            "PD: unequivocal progression of non-target N, says reader A; sum 10 mm, -50.0 % from 20 mm at baseline.",
        )

    def test_growth_of_a_measured_non_target_is_not_progression(self):
        lesions = {"L1": TARGET, "N": dict(kind="non-target")}
        case = make_case(lesions, {("L1", "LONG_AXIS"): [20.0, 20.0], ("N", "LONG_AXIS"): [12.0, 30.0]})
        self.assertEqual(categories(case), [BASELINE, SD])

    def test_a_measured_non_target_needs_no_word(self):
        for size, non_target in ((0.0, CR), (8.0, NON), (math.nan, NE)):
            lesions = {"L1": TARGET, "N": dict(kind="non-target")}
            case = make_case(lesions, {("L1", "LONG_AXIS"): [20.0, 0.0], ("N", "LONG_AXIS"): [12.0, size]})
            self.assertIs(recist(case).at(1).non_target, non_target)

    def test_a_non_target_node_is_gone_under_10_mm(self):
        for size, non_target in ((9.0, CR), (10.0, NON)):
            lesions = {"L1": TARGET, "N": dict(kind="non-target", lymph_node=True)}
            case = make_case(lesions, {("L1", "LONG_AXIS"): [20.0, 0.0], ("N", "SHORT_AXIS"): [12.0, size]})
            self.assertIs(recist(case).at(1).non_target, non_target)

    def test_present_stands_above_not_evaluated(self):
        lesions = {"L1": TARGET, "N": dict(kind="non-target"), "M": dict(kind="non-target")}
        findings = [("N", 1, "present"), ("M", 1, "not evaluable")]
        case = make_case(lesions, {("L1", "LONG_AXIS"): [20.0, 0.0]}, findings=findings)
        self.assertIs(recist(case).at(1).non_target, NON)

    def test_patients_without_targets(self):
        for state, category in (("absent", CR), ("present", NON), ("not evaluable", NE), ("unequivocal progression", PD)):
            case = make_case({"N": dict(kind="non-target")}, {}, findings=[("N", 0, "present"), ("N", 1, state)], examinations=2)
            self.assertEqual(categories(case), [BASELINE, category])
        self.assertEqual(recist(make_case({}, {}, examinations=2)).at(1).reason, "NE: there are no lesions to assess.")


class NewLesionTest(unittest.TestCase):
    def case(self, sizes, findings=(), diameters=(20.0, 10.0, 10.0), **fields):
        values = {("L1", "LONG_AXIS"): list(diameters), ("X", "SHORT_AXIS" if fields.get("lymph_node") else "LONG_AXIS"): sizes}
        return make_case({"L1": TARGET, "X": dict(kind="new") | fields}, values, findings=findings)

    def test_a_new_lesion_is_progression_from_its_first_sighting_on(self):
        result = recist(self.case([None, 12.0, 0.0]))
        self.assertEqual(result.categories, (BASELINE, PD, PD))
        self.assertEqual(result.at(1).reason, "PD: new lesion X (12 mm) since week 4; sum 10 mm, -50.0 % from 20 mm at baseline.")
        self.assertEqual(result.at(1).new_lesions, (uid_of("X"),))

    def test_after_complete_response(self):
        result = recist(self.case([None, None, 6.0], diameters=(20.0, 0.0, 0.0)))
        self.assertEqual(result.categories, (BASELINE, CR, PD))
        self.assertEqual(result.at(2).reason, "PD: new lesion X (6 mm) since week 8; all targets gone.")

    def test_a_new_lesion_needs_no_size(self):
        self.assertEqual(categories(self.case([None], [("X", 1, "present")])), [BASELINE, PD, PD])

    def test_an_equivocal_lesion_waits(self):
        result = recist(self.case([None, 6.0, 6.0], [("X", 1, "equivocal"), ("X", 2, "equivocal")]))
        self.assertEqual(result.categories, (BASELINE, PR, PR))
        self.assertEqual(result.at(1).notes, ("New lesion X is equivocal since week 4 and not confirmed.",))

    def test_a_confirmed_lesion_counts_from_its_first_sighting(self):
        result = recist(self.case([None, 6.0, 8.0], [("X", 1, "equivocal")]))
        self.assertEqual(result.categories, (BASELINE, PD, PD))
        self.assertIn("new lesion X (6 mm) since week 4, confirmed at week 8", result.at(1).reason)

    def test_a_new_node_counts_from_the_examination_where_it_has_10_mm(self):
        result = recist(self.case([None, 9.9], lymph_node=True))
        self.assertEqual(result.categories, (BASELINE, PR, PR))
        self.assertEqual(
            result.at(1).notes,
            ("New lesion X since week 4 does not count: a lymph node of 9.9 mm is not taken for malignant under 10 mm.",),
        )
        # Normal at baseline and in week 4.
        result = recist(self.case([8.0, 9.0, 11.0], lymph_node=True))
        self.assertEqual(result.categories, (BASELINE, PR, PD))
        self.assertIn("new lesion X (11 mm) since week 8", result.at(2).reason)
        self.assertEqual(categories(self.case([10.0, 12.0], lymph_node=True)), [BASELINE, NE, NE])
        self.assertEqual(categories(self.case([None], [("X", 1, "present")], lymph_node=True)), [BASELINE, NE, NE])

    def test_a_new_lesion_that_cannot_be_new_keeps_the_response_from_being_told(self):
        result = recist(self.case([8.0, 12.0]))
        self.assertEqual(result.categories, (BASELINE, NE, NE))
        self.assertIn("X is marked as new, but the baseline shows it", result.at(1).reason)
        self.assertIn("no examination shows it", recist(self.case([None])).at(1).reason)

    def test_a_normal_node_that_grew_is_to_be_decided_on_from_then(self):
        values = {("L1", "LONG_AXIS"): [20.0, 20.0, 20.0], ("X", "SHORT_AXIS"): [8.0, 9.0, 12.0]}
        result = recist(make_case({"L1": TARGET, "X": dict(lymph_node=True)}, values))
        self.assertEqual(result.categories, (BASELINE, SD, NE))
        self.assertIn("X is not decided on (lymph node of 12 mm at week 8, not so at baseline: new disease or not)", result.at(2).reason)
        values["X", "SHORT_AXIS"] = [None, 8.0, 9.0]
        self.assertEqual(categories(make_case({"L1": TARGET, "X": dict(lymph_node=True)}, values)), [BASELINE, SD, SD])

    def test_a_lesion_that_the_user_left_out_has_no_effect(self):
        lesions = {"L1": TARGET, "L2": TARGET, "X": dict(kind="new")}
        values = {("L1", "LONG_AXIS"): [20.0, 20.0], ("L2", "LONG_AXIS"): [20.0, 90.0], ("X", "LONG_AXIS"): [None, 12.0]}
        case = make_case(lesions, values, excluded={"L2": "ill-defined", "X": "a cyst"})
        result = recist(case)
        self.assertEqual((result.at(1).category, result.at(1).numbers["sum_mm"]), (SD, 20.0))
        self.assertEqual(select_recist_lesions(case).choices[1].reason, "left out by the user: ill-defined")

    def test_a_late_lesion_that_nobody_decided_on_keeps_the_response_from_being_told(self):
        case = make_case({"L1": TARGET, "X": {}}, {("L1", "LONG_AXIS"): [20.0, 10.0, 30.0], ("X", "LONG_AXIS"): [None, 12.0, 12.0]})
        result = recist(case)
        self.assertEqual(result.categories, (BASELINE, NE, PD))
        self.assertEqual(
            result.at(1).reason,
            "NE: X is not decided on (first seen at week 4: new, or overlooked at baseline); sum 10 mm, -50.0 % from 20 mm at baseline.",
        )


class TimeTest(unittest.TestCase):
    def test_one_examination_only(self):
        self.assertEqual(categories(one_lesion(20.0)), [BASELINE])

    def test_no_examination_and_no_baseline(self):
        self.assertEqual(categories(Case("P")), [])
        lesion = Lesion(uid_of("L1"), "L1", "target")
        case = Case("P", time_points=[TimePoint(1)], lesions=[lesion], measurements=[row("L1", "LONG_AXIS", 1, 9.0)])
        self.assertEqual(recist(case).at(1).reason, "NE: there is no baseline examination (time point 0).")

    def test_missing_weeks_are_named_by_their_number(self):
        case = one_lesion(50.0, 38.0, 46.0, weeks=(None, None, None))
        self.assertIn("over the nadir of 38 mm at time point 1", recist(case).at(2).reason)

    def test_dates_give_the_weeks(self):
        case = one_lesion(50.0, 38.0, 46.0, weeks=(None,) * 3, date=("2026-03-01", "2026-03-30", "2026-05-01"))
        self.assertIn("over the nadir of 38 mm at week 4.1", recist(case).at(2).reason)

    def test_week_of_the_baseline_and_of_an_examination_without_a_date(self):
        case = one_lesion(50.0, 38.0, weeks=(None, None))
        self.assertEqual((week_of(case, 0), week_of(case, 1)), (0.0, None))
        self.assertEqual((week_of(one_lesion(50.0, 38.0), 1), examination_label(case, 0)), (4.0, "baseline"))

    def test_examinations_out_of_order_are_refused(self):
        for more, says in (
            (dict(weeks=(0.0, 8.0, 4.0)), "Time point 2 (week 4) lies before time point 1 (week 8)"),
            (dict(weeks=(None,) * 3, date=("2026-03-01", "2026-04-01", "2026-03-15")), "(date 2026-03-15)"),
        ):
            with self.assertRaises(InputError) as raised:
                recist(one_lesion(50.0, 40.0, 30.0, **more))
            self.assertIn(says, str(raised.exception))

    def test_an_earlier_partial_response_is_remembered_beside_the_numbers(self):
        result = recist(one_lesion(100.0, 70.0, 80.0, 80.0, 90.0, 92.0))
        self.assertEqual(result.categories, (BASELINE, PR, SD, SD, PD, PD))
        self.assertIn("continues until progression", result.at(2).notes[0])
        self.assertEqual(recist(one_lesion(100.0, 80.0)).at(1).notes, ())


class MethodsTest(unittest.TestCase):
    def test_another_method_than_at_baseline_is_told(self):
        rows = [row("L1", "LONG_AXIS", 0, 20.0, method="Diameter: line 1.5"), row("L1", "LONG_AXIS", 1, 20.0, method="Diameter: caliper")]
        self.assertEqual(
            recist(make_case({"L1": TARGET}, {}, rows=rows, examinations=2)).at(1).notes,
            ("L1 was measured in another way (Diameter: caliper) than at baseline (Diameter: line 1.5).",),
        )
        rows[1] = row("L1", "LONG_AXIS", 1, 20.0, method="Diameter: line 2.5e-3")
        self.assertEqual(recist(make_case({"L1": TARGET}, {}, rows=rows, examinations=2)).at(1).notes, ())

    def test_the_latest_of_several_counts_and_is_told(self):
        rows = [
            row("L1", "LONG_AXIS", 1, 12.0, method="new", datetime="2026-03-02T09:00:00+00:00"),
            row("L1", "LONG_AXIS", 1, 20.0, method="old", datetime="2026-03-02T09:30:00+01:00"),
        ]
        assessment = recist(one_lesion(20.0, None, rows=rows, examinations=2)).at(1)
        self.assertEqual(assessment.numbers["sum_mm"], 12.0)
        self.assertIn("Long axis of L1 at week 4: the latest of 2 measurements (new) was used.", assessment.notes)

    def test_of_equally_late_ones_the_last_row_counts(self):
        rows = [row("L1", "LONG_AXIS", 1, value, method=f"m{value:g}") for value in (12.0, 13.0)]
        self.assertEqual(recist(one_lesion(20.0, None, rows=rows, examinations=2)).at(1).numbers["sum_mm"], 13.0)


class OverallTest(unittest.TestCase):
    def test_every_combination(self):
        expected = {
            (CR, CR): CR, (CR, None): CR, (CR, NON): PR, (CR, NE): PR,
            (PR, CR): PR, (PR, None): PR, (PR, NON): PR, (PR, NE): PR,
            (SD, CR): SD, (SD, None): SD, (SD, NON): SD, (SD, NE): SD,
            (NE, CR): NE, (NE, None): NE, (NE, NON): NE, (NE, NE): NE,
            (None, CR): CR, (None, None): NE, (None, NON): NON, (None, NE): NE,
        }  # fmt: skip
        for target in (CR, PR, SD, PD, NE, None):
            for non_target in (CR, NON, PD, NE, None):
                with self.subTest(target=target, non_target=non_target):
                    self.assertIs(overall_response(target, non_target), expected.get((target, non_target), PD))
                    self.assertIs(overall_response(target, non_target, True), PD)

    def test_categories_in_words(self):
        self.assertEqual([PD.title, NON.title], ["progressive disease", "neither complete response nor progression"])

    def test_what_cannot_be_is_refused(self):
        for target, non_target in ((NON, CR), (CR, PR), (CR, SD), (BASELINE, None)):
            with self.assertRaises(InputError):
                overall_response(target, non_target)


if __name__ == "__main__":
    unittest.main()

"""The lesion x time grid: which row is taken, what is withheld, what is compared."""

import math
import unittest
from dataclasses import replace

from response_case import make_case, row, uid_of

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.criteria import adc_changes
from HCCResponseLib.response.finding import LesionState
from HCCResponseLib.response.lesion_grid import grid_quantities, lesion_grid
from HCCResponseLib.response.methods import join_methods, same_method

ADC = {("L1", "ADC"): [1.0e-3, 1.2e-3, 1.5e-3], ("L1", "T1_GRADE"): [2.0, 2.0, 5.0]}


def cells(case, quantity, lesion="L1", **more):
    return lesion_grid(case, quantity, **more).row(uid_of(lesion)).cells


class BadInputTest(unittest.TestCase):
    def test_unknown_quantity(self):
        with self.assertRaisesRegex(InputError, "not known"):
            lesion_grid(make_case({"L1": {}}, {}), "SIZE")

    def test_several_readers_and_none_chosen(self):
        case = make_case({"L1": {}}, {("L1", "LONG_AXIS"): [10.0]}, rows=[row("L1", "LONG_AXIS", 0, 11.0, reader="B")])
        with self.assertRaisesRegex(InputError, "choose one"):
            lesion_grid(case, "LONG_AXIS")

    def test_examinations_that_run_backwards(self):
        with self.assertRaisesRegex(InputError, "lies before"):
            lesion_grid(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [10.0, 9.0]}, weeks=(0.0, -4.0)), "LONG_AXIS")

    def test_a_case_with_nothing(self):
        grid = lesion_grid(make_case({}, {}), "ADC")
        self.assertEqual((grid.rows, len(grid.columns), grid_quantities(make_case({}, {}))), ((), 1, ()))

    def test_a_value_that_is_not_a_number_is_said_to_be_so_and_compared_with_nothing(self):
        found = cells(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [20.0, math.nan, 10.0]}), "LONG_AXIS")
        self.assertEqual([one.number for one in found], ["20.0", "not measurable", "10.0"])
        self.assertTrue(math.isnan(found[1].change_percent))
        found = cells(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [math.nan, 10.0]}), "LONG_AXIS")
        self.assertTrue(math.isnan(found[1].change_percent))
        self.assertIn("There is no baseline value to compare with.", found[1].notes)

    def test_a_lesion_without_baseline(self):
        found = cells(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [None, 10.0]}), "LONG_AXIS")
        self.assertEqual((found[0].text, found[1].text, found[1].change_text), ("–", "10.0 mm", ""))

    def test_negative_and_zero_baselines_have_no_percentage(self):
        found = cells(make_case({"L1": {}}, {("L1", "T1_CONTRAST"): [-4.0, 6.0]}), "T1_CONTRAST")
        self.assertTrue(math.isnan(found[1].change_percent))
        self.assertEqual((found[0].text, found[1].change_text), ("-4.0 spreads", "+10.0"))
        found = cells(make_case({"L1": {}}, {("L1", "NECROTIC_FRACTION"): [0.0, 0.4]}), "NECROTIC_FRACTION")
        self.assertTrue(math.isnan(found[1].change_percent))
        self.assertEqual((found[1].text, found[1].change_text), ("40.0 %", "+40.0 points"))


class ValuesTest(unittest.TestCase):
    def test_values_units_and_changes(self):
        grid = lesion_grid(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [40.0, 30.0, 50.0]}), "LONG_AXIS")
        found = grid.row(uid_of("L1")).cells
        self.assertEqual([one.text for one in found], ["40.0 mm", "30.0 mm", "50.0 mm"])
        self.assertEqual([one.change_text for one in found], ["", "-25.0 %", "+25.0 %"])
        self.assertEqual([one.change_percent for one in found[1:]], [-25.0, 25.0])
        self.assertEqual([one.label for one in grid.columns], ["baseline", "week 4", "week 8"])
        self.assertEqual((grid.title, grid.statistic, grid.reader), ("Long axis, mm", "", "A"))

    def test_grades_and_scores_change_by_steps(self):
        found = cells(make_case({"L1": {}}, {("L1", "T2_GRADE"): [4.0, 1.0]}), "T2_GRADE")
        self.assertEqual((found[1].text, found[1].change_text), ("1", "-3"))
        found = cells(make_case({"L1": {}}, {("L1", "NECROSIS_SCORE"): [0.0, 3.0, 2.5, 4.0]}), "NECROSIS_SCORE")
        self.assertEqual([one.text for one in found], ["none", "<75 %", "2", ">75 %"])
        self.assertEqual((found[1].change_text, found[3].value), ("+3", 4.0))

    def test_no_minus_zero(self):
        found = cells(make_case({"L1": {}}, {("L1", "VOLUME"): [100.0, 99.999]}), "VOLUME")
        self.assertEqual(found[1].change_text, "±0.0 %")

    def test_the_change_is_that_of_the_functional_change(self):
        case = make_case({"L1": {}}, ADC)
        for one, change in zip(cells(case, "ADC")[1:], adc_changes(case), strict=True):
            self.assertEqual((one.change_percent, one.inside_repeatability), (change.percent, change.inside_repeatability))

    def test_quantities_in_their_order(self):
        self.assertEqual(grid_quantities(make_case({"L1": {}}, {**ADC, ("L1", "LONG_AXIS"): [10.0]})), ("ADC", "LONG_AXIS", "T1_GRADE"))


class AdcTest(unittest.TestCase):
    def test_adc_stands_beside_the_t1_grade(self):
        found = cells(make_case({"L1": {}}, ADC), "ADC")
        self.assertEqual(found[0].text, "1.00 10⁻³ mm²/s, T1 grade 2")
        self.assertEqual([one.number for one in found], ["1.00", "1.20", "1.50"])
        self.assertEqual([one.t1_grade for one in found], [2, 2, 5])
        self.assertIn("T1 has risen from grade 2 to 5: haemorrhage may confound ADC.", found[2].notes)

    def test_without_the_t1_grade_there_is_no_adc(self):
        found = cells(make_case({"L1": {}}, ADC | {("L1", "T1_GRADE"): [2.0, None, 5.0]}), "ADC")
        self.assertEqual(found[1].text, "T1 grade missing")
        self.assertTrue(math.isnan(found[1].value))
        self.assertNotIn("1.2", found[1].text + found[1].number + "".join(found[1].notes))
        found = cells(make_case({"L1": {}}, {("L1", "ADC"): [1e-3, 2e-3]}), "ADC")
        self.assertTrue(all(math.isnan(one.value) and math.isnan(one.change_percent) for one in found))

    def test_a_proposed_grade_stands_in_for_one_that_nobody_gave(self):
        values = ADC | {("L1", "T1_GRADE"): [2.0, None, None]}
        rows = [row("L1", "T1_GRADE_PROPOSAL", index, grade, reader="") for index, grade in enumerate((3.0, 4.0))]
        found = cells(make_case({"L1": {}}, values, rows=rows), "ADC")
        self.assertEqual(found[0].text, "1.00 10⁻³ mm²/s, T1 grade 2")
        self.assertEqual(found[1].text, "1.20 10⁻³ mm²/s, T1 grade 4 (proposed)")
        self.assertEqual([one.t1_grade_proposed for one in found], [False, True, False])
        self.assertEqual(found[2].text, "T1 grade missing")

    def test_repeatability_is_exactly_at_the_limit_inside(self):
        case = make_case({"L1": {}}, {("L1", "ADC"): [1.0e-3, 1.27e-3, 1.2701e-3], ("L1", "T1_GRADE"): [2.0] * 3})
        self.assertEqual([one.inside_repeatability for one in cells(case, "ADC")], [False, True, False])
        self.assertEqual([one.inside_repeatability for one in cells(case, "ADC", repeatability_percent=10.0)], [False] * 3)
        self.assertTrue(math.isnan(lesion_grid(case, "LONG_AXIS").repeatability_percent))

    def test_repeatability_is_not_that_of_a_spread(self):
        case = make_case({"L1": {}}, {}, rows=[row("L1", "ADC", 0, 1e-4, statistic="standard_deviation")])
        self.assertTrue(math.isnan(lesion_grid(case, "ADC").repeatability_percent))


class WhichRowTest(unittest.TestCase):
    def test_the_latest_counts_and_a_note_says_so(self):
        later = row("L1", "LONG_AXIS", 0, 44.0, method="line moved", datetime="2026-03-02T12:00:00")
        found = cells(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [40.0]}, rows=[later]), "LONG_AXIS")
        self.assertEqual((found[0].value, found[0].measurement), (44.0, later.key))
        self.assertIn("latest of 2 measurements (line moved)", found[0].notes[0])

    def test_one_method_alone(self):
        later = row("L1", "LONG_AXIS", 0, 44.0, method="line moved", datetime="2026-03-02T12:00:00")
        case = make_case({"L1": {}}, {("L1", "LONG_AXIS"): [40.0]}, rows=[later])
        self.assertEqual(cells(case, "LONG_AXIS", method="by hand")[0].value, 40.0)
        self.assertEqual(cells(case, "LONG_AXIS", method="nobody's")[0].text, "–")

    def test_readers_are_not_mixed(self):
        other = row("L1", "LONG_AXIS", 1, 20.0, reader="B")
        case = make_case({"L1": {}}, {("L1", "LONG_AXIS"): [40.0, None]}, rows=[other])
        found = cells(case, "LONG_AXIS", reader="A")
        self.assertEqual([one.text for one in found], ["40.0 mm", "–"])
        self.assertIn("reader B", found[1].notes[0])
        self.assertEqual([one.text for one in cells(case, "LONG_AXIS", reader="B")], ["–", "20.0 mm"])

    def test_what_the_program_measured_stands_in_where_the_reader_measured_nothing(self):
        case = make_case({"L1": {}}, {("L1", "T2_GRADE"): [4.0]}, rows=[row("L1", "VOLUME", 0, 30.0, reader="")])
        grid = lesion_grid(case, "VOLUME")
        self.assertEqual(grid.row(uid_of("L1")).cells[0].value, 30.0)
        self.assertEqual(grid.notes, ("Volume: measured by the program, not by reader A.",))

    def test_statistic(self):
        rows = [row("L1", "KTRANS", 0, value, statistic=name) for name, value in (("mean", 0.3), ("median", 0.2), ("n", 55.0))]
        rows += [row("L1", "ENHANCEMENT", 0, value, statistic=name) for name, value in (("mean", 0.8), ("median", 0.7))]
        case = make_case({"L1": {}}, {}, rows=rows)
        self.assertEqual(cells(case, "KTRANS")[0].value, 0.2)
        self.assertEqual(cells(case, "KTRANS", statistic="mean")[0].value, 0.3)
        self.assertEqual(cells(case, "ENHANCEMENT")[0].value, 0.8)
        counted = lesion_grid(case, "KTRANS", statistic="n")
        self.assertEqual((counted.row(uid_of("L1")).cells[0].text, counted.unit, counted.title), ("55 voxels", "", "Ktrans (n)"))


class MethodTest(unittest.TestCase):
    def test_values_by_different_methods_are_not_compared(self):
        case = make_case({"L1": {}}, {}, rows=[row("L1", "ADC", 0, 1e-3, method="WLLS, b = 0, 800 s/mm2"),
                                                row("L1", "ADC", 1, 2e-3, method="WLLS, b = 50, 800 s/mm2"),
                                                row("L1", "ADC", 2, 3e-3, method="WLLS, b = 0, 800 s/mm2; 12 % outside the image"),
                                                *(row("L1", "T1_GRADE", index, 2.0) for index in range(3))], examinations=3)  # fmt: skip
        found = cells(case, "ADC")
        self.assertEqual([one.comparable for one in found], [True, False, True])
        self.assertTrue(math.isnan(found[1].change_percent))
        self.assertEqual((found[1].change_text, found[1].value), ("other method", 2e-3))
        self.assertIn("Not compared", " ".join(found[1].notes))
        self.assertAlmostEqual(found[2].change_percent, 200.0)
        self.assertIn("12 % outside the image", " ".join(found[2].notes))

    def test_methods_are_joined_with_the_range_of_their_settings(self):
        methods = ("N: k = 2, value = 31.2, pattern = none", "parts as drawn", "N: k = 2, value = 9, pattern = rim", "N: k = 2, value = 28")
        self.assertEqual(
            join_methods("VIABLE_VOLUME", methods),
            {"N: k = 2, value = 9 to 31.2": (methods[0], methods[2], methods[3]), "parts as drawn": ("parts as drawn",)},
        )
        self.assertEqual(list(join_methods("ADC", ("b = 0 800", "b = 50 800"))), ["b = 0 800", "b = 50 800"])

    def test_which_numbers_are_settings_found_anew(self):
        self.assertTrue(same_method("VIABLE_VOLUME", "Necrosis: threshold = 31.2, k = 2", "Necrosis: threshold = 28, k = 2"))
        self.assertFalse(same_method("VIABLE_VOLUME", "Necrosis: threshold = 31.2", "Necrosis: parts as drawn"))
        self.assertFalse(same_method("ADC", "WLLS, b = 0 800", "WLLS, b = 0 400"))
        self.assertFalse(same_method("LONG_AXIS", "", "by hand"))
        self.assertTrue(same_method("VIABLE_DIAMETER", "V: line, gap mm = 6.4", "V: line, gap mm = 6.4, joint over pieces = 2"))
        self.assertTrue(same_method("VIABLE_VOLUME", "N: k = 2, pattern = none, voxels left out = 0", "N: k = 2, pattern = central"))


class FindingTest(unittest.TestCase):
    def found(self, state, quantity="LONG_AXIS", *more):
        case = make_case({"L1": {}, "L2": {}}, {("L1", quantity): [40.0, 30.0]}, findings=[("L1", 1, state, *more)])
        return cells(case, quantity)[1]

    def test_the_readers_word_stands_above_a_number(self):
        for state, number, value in (
            ("absent", "absent", 0.0),
            ("normal signal", "normal signal", 0.0),
            ("too small to measure", "too small to measure", math.nan),
            ("not evaluable", "not evaluable", math.nan),
            ("split", "split", math.nan),
        ):
            one = self.found(state)
            self.assertEqual((one.number, one.text, one.finding), (number, number, LesionState(state)))
            self.assertTrue(one.value == value or (math.isnan(one.value) and math.isnan(value)), state)
            self.assertIn("the measured 30.0 mm are not used", " ".join(one.notes))
        self.assertEqual(self.found("absent").change_text, "-100.0 %")

    def test_a_merged_lesion_says_with_which(self):
        self.assertEqual(self.found("merged", "LONG_AXIS", "L2").text, "merged with L2")

    def test_no_enhancement_ends_the_viable_part_only(self):
        self.assertEqual(self.found("no arterial enhancement", "VIABLE_DIAMETER").value, 0.0)
        self.assertEqual(self.found("no arterial enhancement").value, 30.0)

    def test_an_absent_lesion_has_no_signal(self):
        self.assertTrue(math.isnan(self.found("absent", "KTRANS").value))

    def test_progression_leaves_the_number(self):
        self.assertEqual(self.found("unequivocal progression").value, 30.0)

    def test_a_finding_without_a_number_and_a_lesion_left_out(self):
        case = make_case({"L1": {}, "L2": {}}, {("L1", "LONG_AXIS"): [40.0, None]}, findings=[("L1", 1, "present")],
                         excluded={"L1": "a cyst"})  # fmt: skip
        grid = lesion_grid(case, "LONG_AXIS")
        first, second = grid.rows
        self.assertEqual((first.cells[1].text, first.excluded, first.is_empty, second.is_empty), ("present", "a cyst", False, True))

    def test_comment(self):
        case = make_case({"L1": {}}, {("L1", "LONG_AXIS"): [40.0]}, findings=[("L1", 0, "present")])
        case = replace(case, findings=[replace(case.findings[0], comment="rim only")])
        self.assertEqual(cells(case, "LONG_AXIS")[0].notes, ("Reader's comment: rim only.",))


if __name__ == "__main__":
    unittest.main()

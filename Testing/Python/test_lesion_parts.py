"""Parts of lesions: found by their UIDs, shown in the report beside the T1 grade of their lesion."""

import unittest
from dataclasses import replace

from response_case import make_case, row, uid_of

from HCCResponseLib.report.deidentification import deidentified
from HCCResponseLib.report.parts import hidden_sentences, part_grids
from HCCResponseLib.response.lesion_parts import lesion_parts, part_uid, with_parts_as_lesions
from HCCResponseLib.response.region_types import RegionType


def part_row(lesion: str, kind: RegionType, quantity: str, time_point: int, value: float, **changed):
    part = part_uid(uid_of(lesion), kind.value)
    return replace(row(lesion, quantity, time_point, value, **changed), lesion_uid=part, lesion_name=f"{lesion}: part")


def case_with_parts(grades=(2.0, 2.0), **changed):
    rows = [
        part_row("L1", RegionType.VIABLE, "ADC", 0, 1.0e-3),
        part_row("L1", RegionType.VIABLE, "ADC", 1, 1.2e-3),
        part_row("L1", RegionType.NECROTIC, "ADC", 1, 2.0e-3),
        part_row("L1", RegionType.VIABLE, "T1", 0, 0.8, statistic="median"),
    ]
    values = {("L1", "ADC"): [1.0e-3, 1.9e-3], ("L2", "LONG_AXIS"): [20.0, 20.0], ("L1", "T1_GRADE"): list(grades)}
    return make_case({"L1": {}, "L2": {}}, values, rows=rows, **changed)


class PartsTest(unittest.TestCase):
    def test_uids_are_those_that_pydicom_makes(self):
        # Written into files by earlier runs: they must never change.
        self.assertEqual(part_uid("1.2.3", "VIABLE"), "1.2.826.0.1.3680043.8.498.11169880139657176818055336884837177218")
        from pydicom.uid import generate_uid

        for number in range(200):
            self.assertEqual(part_uid(f"1.2.{number}", "NECROTIC"), generate_uid(entropy_srcs=[f"1.2.{number}", "NECROTIC"]))

    def test_only_measured_parts(self):
        self.assertEqual([one.name for one in lesion_parts(case_with_parts())], ["L1: viable tumour", "L1: necrosis"])
        self.assertEqual(lesion_parts(make_case({"L1": {}}, {})), ())

    def test_what_is_said_of_a_lesion_holds_for_its_parts(self):
        case = with_parts_as_lesions(case_with_parts(findings=[("L1", 1, "not evaluable")], excluded={"L1": "clip"}))
        part = part_uid(uid_of("L1"), "VIABLE")
        self.assertEqual([str(one.state) for one in case.findings if one.lesion_uid == part], ["not evaluable"])
        self.assertEqual(case.exclusion(part), "clip")


class GridTest(unittest.TestCase):
    def test_adc_of_a_part_stands_beside_the_grade_of_its_lesion(self):
        grids = part_grids(case_with_parts(), "A")
        self.assertEqual(list(grids), ["ADC", "T1"])
        viable, necrotic = grids["ADC"].rows
        self.assertEqual([one.text for one in viable.cells], [f"{value} 10⁻³ mm²/s, T1 grade 2" for value in ("1.00", "1.20")])
        self.assertAlmostEqual(viable.cells[1].change_percent, 20.0)
        self.assertTrue(viable.cells[1].inside_repeatability)
        self.assertEqual([one.number for one in necrotic.cells], ["–", "2.00"])
        self.assertEqual([row.name for row in grids["T1"].rows], ["L1: viable tumour"])

    def test_without_a_grade_there_is_no_adc(self):
        grid = part_grids(case_with_parts(grades=(2.0, None)), "A")["ADC"]
        self.assertEqual([one.number for one in grid.rows[0].cells], ["1.00", "T1 grade missing"])

    def test_a_lesion_that_cannot_be_evaluated_has_no_numbers_of_parts(self):
        grid = part_grids(case_with_parts(findings=[("L1", 1, "not evaluable")]), "A")["ADC"]
        self.assertEqual([one.number for one in grid.rows[0].cells], ["1.00", "not evaluable"])

    def test_no_parts_no_grids(self):
        self.assertEqual(part_grids(make_case({"L1": {}}, {("L1", "ADC"): [1e-3]}), "A"), {})

    def test_parts_stay_parts_without_a_name(self):
        plain = deidentified(case_with_parts())
        found = part_grids(plain.case, plain.readers["A"])["ADC"]
        self.assertEqual([row.name for row in found.rows], ["L1: viable tumour", "L1: necrosis"])
        self.assertEqual(hidden_sentences(plain.case, plain.readers["A"]), ())


class HiddenTest(unittest.TestCase):
    def test_regions_and_readers_that_are_not_shown_are_named(self):
        liver = replace(row("L1", "ADC", 0, 1e-3), lesion_uid="anything", lesion_name="Liver")
        other = row("L1", "LONG_AXIS", 0, 30.0, reader="B")
        case = make_case({"L1": {}}, {("L1", "LONG_AXIS"): [31.0]}, rows=[liver, other])
        regions, readers = hidden_sentences(case, "A")
        self.assertEqual(regions, "Measured in regions that are no lesions of this case, and not shown: Liver (ADC).")
        self.assertEqual(readers, "Not shown: what B measured or found.")
        self.assertEqual(hidden_sentences(case_with_parts(), "A"), ())


if __name__ == "__main__":
    unittest.main()

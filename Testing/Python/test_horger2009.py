"""The published table of Horger et al. 2009: its rows, and its 21 patients through RECIST 1.1 on the published sums."""

import csv
import unittest

from reference_data import reference_path, requires_reference

from HCCResponseLib.errors import InputError
from HCCResponseLib.lesions.necrosis_score import NecrosisScore
from HCCResponseLib.lesions.necrosis_trend import NecrosisTrend
from HCCResponseLib.response import horger2009
from HCCResponseLib.response.case import Case, Lesion, TimePoint
from HCCResponseLib.response.criteria import best_response, recist
from HCCResponseLib.response.measurement import Measurement

UID = "2.25.1"


def case_of(patient: int) -> Case:
    """The published sums as one target: the sum is what RECIST looks at."""
    rows = horger2009.examinations()[patient]
    return Case(
        f"Horger {patient}",
        time_points=[TimePoint(index, weeks_from_baseline=row.week) for index, row in enumerate(rows)],
        lesions=[Lesion(UID, "sum", "target", organ=rows[0].site)],
        measurements=[
            Measurement(f"Horger {patient}", index, UID, "LONG_AXIS", row.sum_mm, "mm", "2009-06-28")
            for index, row in enumerate(rows)
        ],
    )


class TableTest(unittest.TestCase):
    def test_21_patients_and_80_examinations(self):
        examinations = horger2009.examinations()
        self.assertEqual(sorted(examinations), list(range(1, 22)))
        self.assertEqual(sum(map(len, examinations.values())), 80)
        self.assertEqual([one.number for one in horger2009.patients()], list(range(1, 22)))
        for rows in examinations.values():
            self.assertEqual(rows[0].week, 0)
            self.assertEqual([row.week for row in rows], sorted({row.week for row in rows}))

    def test_rows_are_read_as_printed(self):
        first, second, *_ = horger2009.examinations()[1]
        self.assertEqual((first.dose_mg, first.necrosis, first.score), (None, None, NecrosisScore.NONE))
        self.assertEqual((second.week, second.dose_mg, second.t1_grade, second.t2_grade), (3, 800, 4, 4))
        self.assertEqual((second.necrosis, second.score, second.sum_mm), (NecrosisTrend.INCREASE, NecrosisScore.UNDER_25, 30.0))
        not_quantifiable, gone = horger2009.examinations()[10][1], horger2009.examinations()[10][3]
        self.assertIsNone(not_quantifiable.score)
        self.assertEqual((gone.size_mm, gone.t1_grade, gone.t2_grade), (0.0, None, None))
        self.assertIs(horger2009.examinations()[21][-1].necrosis, NecrosisTrend.DECREASE)
        sixth = horger2009.patients()[5]
        self.assertEqual((sixth.age, sixth.histology, sixth.differentiation, sixth.child_pugh), (65, "HCC/CC", "+/-", "none"))

    def test_a_table_that_is_not_installed_is_told(self):
        with self.assertRaises(InputError) as raised:
            horger2009._rows("horger2009_table3.csv")
        self.assertIn("horger2009_table3.csv is missing", str(raised.exception))

    @requires_reference("horger2009_table2.csv")
    def test_the_files_are_the_checked_ones(self):
        for name in ("horger2009_table1.csv", "horger2009_table2.csv"):
            with self.subTest(name):
                own = horger2009.files("HCCResponseLib").joinpath("Resources", name).read_text(encoding="utf-8")
                self.assertEqual(list(csv.reader(own.splitlines())), list(csv.reader(reference_path(name).read_text("utf-8").splitlines())))


class RecistOnPublishedSumsTest(unittest.TestCase):
    def test_patient_1_is_exactly_at_both_limits_in_week_3(self):
        result = recist(case_of(1))
        self.assertEqual(result.at(1).reason, "PD: sum 30 mm, +20.0 % and +5 mm over the nadir of 25 mm at baseline.")
        self.assertEqual((result.at(1).numbers["change_from_nadir_percent"], result.at(1).numbers["change_from_nadir_mm"]), (20.0, 5.0))

    def test_patient_10_responds_in_week_7_completely_in_week_15(self):
        result = recist(case_of(10))
        self.assertEqual([str(one) for one in result.categories], ["baseline", "SD", "PR", "CR", "CR"])
        self.assertEqual(best_response(case_of(10), result).reason, "CR: at week 15.")
        self.assertEqual(best_response(case_of(10), result, confirmation=True).reason, "CR: at week 15, confirmed at week 23.")

    def test_patient_12_stays_stable_at_28_percent_less(self):
        result = recist(case_of(12))
        self.assertEqual([str(one) for one in result.categories], ["baseline", "SD", "SD", "SD"])
        self.assertEqual(min(one.numbers["change_from_baseline_percent"] for one in result.assessments[1:]), -28.0)
        self.assertEqual(str(best_response(case_of(12), result).category), "SD")

    def test_every_patient(self):
        expected = {
            1: "PD PD PD",
            2: "SD SD SD",
            3: "SD SD SD",
            4: "SD",
            5: "SD SD SD PD",
            6: "SD SD",
            7: "SD SD SD",
            8: "SD SD",
            9: "SD SD SD",
            10: "SD PR CR CR",
            11: "PD PD PD PD",
            12: "SD SD SD",
            13: "SD PD SD",
            14: "SD SD SD SD",
            15: "SD PD SD SD SD SD",
            16: "SD SD",
            17: "SD",
            18: "SD",
            19: "SD SD",
            20: "SD",
            21: "SD SD SD PD",
        }
        found = {patient: " ".join(map(str, recist(case_of(patient)).categories[1:])) for patient in expected}
        self.assertEqual(found, expected)

    def test_best_responses(self):
        best = [str(best_response(case_of(patient), recist(case_of(patient))).category) for patient in range(1, 22)]
        self.assertEqual({one: best.count(one) for one in set(best)}, {"SD": 18, "PD": 2, "CR": 1})


if __name__ == "__main__":
    unittest.main()

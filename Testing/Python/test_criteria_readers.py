"""Readers are chosen, never mixed."""

import unittest

from response_case import make_case, row, uid_of

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.criteria import Category, assess, readers_of, recist
from HCCResponseLib.response.finding import Finding

TARGET = {"L1": dict(kind="target")}


def two_readers():
    rows = [row("L1", "LONG_AXIS", 0, 20.0, reader="B"), row("L1", "LONG_AXIS", 1, 30.0, reader="B")]
    return make_case(TARGET, {("L1", "LONG_AXIS"): [20.0, 10.0]}, rows=rows)


class ReadersTest(unittest.TestCase):
    def test_several_readers_must_be_chosen_from(self):
        case = two_readers()
        self.assertEqual(readers_of(case), ("A", "B"))
        for function in (recist, assess):
            with self.assertRaises(InputError) as raised:
                function(case)
            self.assertIn("2 readers measured this case (A, B); choose one", str(raised.exception))

    def test_each_reader_has_his_own_answer(self):
        case = two_readers()
        self.assertIs(recist(case, reader="A").at(1).category, Category.PR)
        self.assertIs(recist(case, reader="B").at(1).category, Category.PD)
        self.assertEqual({key[-1] for key in recist(case, reader="B").at(1).measurements}, {"B"})

    def test_an_unknown_reader_is_refused(self):
        with self.assertRaises(InputError) as raised:
            recist(two_readers(), reader="C")
        self.assertIn("Reader 'C' measured nothing in this case; known are A, B", str(raised.exception))

    def test_a_gap_is_not_filled_with_another_readers_number(self):
        rows = [row("L1", "LONG_AXIS", 1, 20.0, reader="B"), row("L1", "LONG_AXIS", 1, 19.0, reader="")]
        case = make_case(TARGET, {("L1", "LONG_AXIS"): [20.0]}, rows=rows, examinations=2)
        self.assertEqual(
            recist(case, reader="A").at(1).reason,
            "NE: L1 has no long axis at week 4 (measured by the program and reader B, which is not mixed in).",
        )

    def test_the_programs_measurements_serve_a_reader_who_measured_none_of_them(self):
        rows = [row("L1", "LONG_AXIS", index, 20.0, reader="") for index in (0, 1)]
        case = make_case(TARGET, {("L1", "T1_GRADE"): [2.0, 4.0]}, rows=rows)
        result = recist(case, reader="A")
        self.assertIs(result.at(1).category, Category.SD)
        self.assertEqual(result.notes, ("Long axis: measured by the program, not by reader A.",))

    def test_other_readers_measurements_never_do(self):
        rows = [row("L1", "LONG_AXIS", index, 20.0, reader="B") for index in (0, 1)]
        case = make_case(TARGET, {("L1", "T1_GRADE"): [2.0, 4.0]}, rows=rows)
        self.assertIs(recist(case, reader="A").at(1).category, Category.NE)

    def test_a_lesion_that_only_another_reader_saw_is_not_there(self):
        for reader, categories in (("A", ("baseline", "SD")), ("B", ("baseline", "NE"))):
            rows = [row("X", "LONG_AXIS", 1, 12.0, reader="B")]
            case = make_case({**TARGET, "X": {}}, {("L1", "LONG_AXIS"): [20.0, 20.0]}, rows=rows)
            self.assertEqual(recist(case, reader=reader).categories, categories)

    def test_measurements_without_a_reader_can_be_asked_for(self):
        rows = [row("L1", "LONG_AXIS", index, size, reader="") for index, size in enumerate((20.0, 26.0))]
        case = make_case(TARGET, {("L1", "LONG_AXIS"): [20.0, 10.0]}, rows=rows)
        self.assertIs(recist(case, reader="").at(1).category, Category.PD)
        self.assertIs(recist(case).at(1).category, Category.PR)

    def test_findings_are_one_readers_too(self):
        case = two_readers()
        findings = (Finding(1, uid_of("L1"), "absent", reader="B"),)
        case = type(case)("P", time_points=case.time_points, lesions=case.lesions, measurements=case.measurements, findings=findings)
        self.assertIs(recist(case, reader="A").at(1).category, Category.PR)
        self.assertIs(recist(case, reader="B").at(1).category, Category.CR)


if __name__ == "__main__":
    unittest.main()

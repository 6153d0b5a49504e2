"""CSV files without formulas that lose nothing, and file names that every system takes."""

import csv
import io
import math
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from report_case import full_case, hostile_case
from response_case import make_case, row

from HCCResponseLib.errors import InputError
from HCCResponseLib.report import read_measurements
from HCCResponseLib.report.tables import ENCODING, measurements_csv, response_csv
from HCCResponseLib.report.text import plain_text, safe_file_name
from HCCResponseLib.response.criteria import assess

FORMULAS = (
    "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "  =1+1", "＝1+1", "'=1", "''=1", "a;=1+1", "a; -b", "a, -b", "plain", "",
    "a = b", "'",
)  # fmt: skip


def cells(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def round_trip(rows, folder: Path):
    path = folder / "measurements.csv"
    case = replace(make_case({"L1": {}}, {}), measurements=rows)
    path.write_text(measurements_csv(case), encoding=ENCODING, newline="")
    return read_measurements(path)


class BadInputTest(unittest.TestCase):
    def read(self, content: bytes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "found.csv"
            path.write_bytes(content)
            return read_measurements(path)

    def test_files_that_are_not_ours(self):
        header = measurements_csv(make_case({}, {})).encode()
        for content, pattern in (
            (b"\xff\xfe\x00", "UTF-8"),
            (b"a,b\r\n1,2\r\n", "no column patient"),
            (b'"patient"\r\n"unfinished', "not a CSV file|no column"),
            (header + b'"P",zero,"1.2","VOLUME",1.0,"ml","2026-01-01","","","","",""\r\n', "line 2: the time point or the value"),
            (header + b'"P",0,"1.2","SIZE",1.0,"ml","2026-01-01","","","","",""\r\n', "not known"),
        ):
            with self.assertRaisesRegex(InputError, pattern):
                self.read(content)


class FormulaTest(unittest.TestCase):
    def test_no_cell_begins_with_a_formula(self):
        case = hostile_case()
        for text in (measurements_csv(case), response_csv(case, assess(case))):
            # Countries with a decimal comma split cells at semicolons.
            for delimiter in (",", ";", "\t"):
                for line in cells(text, delimiter):
                    for cell in line:
                        if not _is_number(cell.split(",")[0]):
                            self.assertNotRegex(cell, r"^\s*[=+\-@＝＋－＠\t\r]", cell[:80])

    def test_numbers_stay_numbers(self):
        case = make_case({"L1": {}}, {("L1", "T1_CONTRAST"): [-4.25]})
        line = dict(zip(*cells(measurements_csv(case)), strict=True))
        self.assertEqual((line["value"], line["shown"], line["shown_unit"], line["week"]), ("-4.25", "-4.2", "spreads", "0.0"))

    def test_no_control_characters(self):
        self.assertNotRegex(response_csv(hostile_case(), assess(hostile_case())), "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class RoundTripTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_formulas_come_back_as_they_were(self):
        rows = [row("L1", "VOLUME", 0, 1.5, method=text, lesion_name=text, source_series=text, reader=text) for text in FORMULAS]
        self.assertEqual(round_trip(rows, self.folder), rows)

    def test_all_digits_come_back(self):
        rows = [row("L1", "ADC", index, value) for index, value in enumerate((1 / 3, 1e-300, -0.1, 1.7976931348623157e308, 0.0))]
        self.assertEqual(round_trip(rows, self.folder), rows)

    def test_nan_is_an_empty_cell(self):
        found = round_trip([row("L1", "VOLUME", 0, math.nan)], self.folder)
        self.assertTrue(math.isnan(found[0].value))

    def test_the_full_case(self):
        rows = [one for one in full_case().measurements if not math.isnan(one.value)]
        self.assertEqual(round_trip(rows, self.folder), rows)

    def test_units_are_said_beside_the_shown_value(self):
        case = make_case({"L1": {}}, {}, rows=[row("L1", "ADC", 0, 1.234e-3), row("L1", "ADC", 0, 55.0, statistic="n")])
        lines = cells(measurements_csv(case))
        self.assertEqual([line[-2:] for line in lines[1:]], [["1.23", "10⁻³ mm²/s"], ["55.0", ""]])

    @settings(max_examples=60, deadline=None)
    @given(st.text(st.sampled_from("='+-@;, a|＝\""), max_size=8))
    def test_any_text_comes_back(self, text):
        rows = [row("L1", "VOLUME", 0, 1.0, method=text)]
        self.assertEqual(round_trip(rows, self.folder), rows)


class ResponseTest(unittest.TestCase):
    def test_a_row_for_each_criterion_and_examination(self):
        case = full_case()
        assessment = assess(case)
        header, *lines = cells(response_csv(case, assessment))
        self.assertEqual(len(lines), 3 * len(assessment.criteria))
        line = dict(zip(header, lines[2], strict=True))
        one = assessment.criteria["RECIST 1.1"].at(2)
        self.assertEqual((line["criterion"], line["examination"], line["category"]), ("RECIST 1.1", "week 8", str(one.category)))
        self.assertEqual(line["reason"], one.reason)
        self.assertAlmostEqual(float(line["change_percent"]), one.change_percent, places=5)


class FileNameTest(unittest.TestCase):
    def test_paths_and_reserved_names(self):
        for text, name in (
            ("PAT-4711", "PAT-4711"), ("../../x", "x"), ("..\\..\\x", "x"), ("/etc/passwd", "etc-passwd"), ("C:\\Windows", "C-Windows"),
            ("", "case"), (".", "case"), ("..", "case"), ("...hidden", "hidden"), ("con", "con-case"), ("NUL", "NUL-case"),
            ("COM1", "COM1-case"), ("lpt9.txt", "lpt9-txt"), ("com¹", "com1-case"), ("a\x00b\nc", "a-b-c"), ("Müller^Zoë", "Muller-Zoe"),
            ("日本", "case"), ("a b ", "a-b"), ("~x", "x"), ("-rf", "rf"), ("$(rm)", "rm"), ("x" * 10_000, "x" * 60),
        ):  # fmt: skip
            self.assertEqual(safe_file_name(text), name, text[:40])

    def test_one_line_of_text(self):
        self.assertEqual(plain_text("a\x00\x1b[31m\u202eb\udc80\nc"), "a  [31m b  c")
        self.assertEqual(plain_text("x" * 10_000, 5), "xxxx…")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    unittest.main()

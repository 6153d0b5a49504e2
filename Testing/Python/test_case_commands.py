"""hccresponse assess and hccresponse report: from a case file to text and to a folder."""

import argparse
import contextlib
import io
import json
import re
import sys
import tempfile
import unittest
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

from report_case import full_case, hostile_case, picture
from response_case import row

from HCCResponseLib.command import assess as assess_job
from HCCResponseLib.command import report as report_job
from HCCResponseLib.errors import InputError
from HCCResponseLib.report import save_pictures
from HCCResponseLib.response.case import Case
from HCCResponseLib.response.criteria import assess


class CommandCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, case: Case, name: str = "case.json") -> str:
        path = self.folder / name
        path.write_text(case.to_json(), encoding="utf-8", errors="backslashreplace")
        return str(path)

    def run_job(self, *arguments: str) -> str:
        top = argparse.ArgumentParser()
        jobs = top.add_subparsers()
        for job in (assess_job, report_job):
            job.add_parser(jobs)
        chosen = top.parse_args(arguments)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            self.assertEqual(chosen.run(chosen), 0)
        return output.getvalue()


class BadInputTest(CommandCase):
    def test_files_that_are_no_case(self):
        for content, pattern in ((b"\xff\xfe", "UTF-8"), (b"{", "'bad.json': The case is not valid JSON"), (b"{}", "schema version")):
            path = self.folder / "bad.json"
            path.write_bytes(content)
            for job in ("assess", "report"):
                with self.assertRaisesRegex(InputError, pattern):
                    self.run_job(job, str(path))

    def test_no_such_file(self):
        with self.assertRaises(FileNotFoundError):
            self.run_job("assess", str(self.folder / "absent.json"))

    def test_several_readers(self):
        case = full_case()
        path = self.write(replace(case, measurements=[*case.measurements, row("L1", "VOLUME", 0, 1.0, reader="B")]))
        with self.assertRaisesRegex(InputError, "choose one"):
            self.run_job("assess", path)
        self.assertIn("reader A", self.run_job("assess", path, "--reader", "A"))

    def test_no_pictures_in_the_folder(self):
        with self.assertRaisesRegex(InputError, "no pictures"):
            self.run_job("report", self.write(full_case()), "--pictures", str(self.folder))


class AssessTest(CommandCase):
    def test_criteria_and_reasons(self):
        text = " ".join(self.run_job("assess", self.write(full_case())).split())
        found = assess(full_case())
        self.assertIn("The criteria contradict each other at week 8.", text)
        for name, result in found.criteria.items():
            self.assertIn(name, text)
            for one in result.assessments:
                self.assertIn(one.reason, text)
        for one in (*found.cautions, *found.changes, *found.horger, *found.doses, *found.afp):
            self.assertIn(getattr(one, "reason", None) or one.sentence, text)

    def test_columns_stand_below_each_other(self):
        lines = self.run_job("assess", self.write(full_case())).splitlines()
        header = next(line for line in lines if line.lstrip().startswith("baseline"))
        rows = [line for line in lines if line.startswith(("RECIST 1.1  ", "mRECIST  "))]
        self.assertEqual(len(rows), 2)
        for line in rows:
            self.assertEqual(line[header.index("week 4") - 1], " ")
            self.assertRegex(line[header.index("week 4") :], r"^(CR|PR|SD|PD|NE)")

    def test_json(self):
        text = self.run_job("assess", self.write(hostile_case(50)), "--json")
        self.assertEqual(set(json.loads(text)["criteria"]), set(assess(hostile_case(50)).criteria))
        self.assertTrue(text.isascii())

    def test_a_terminal_gets_no_escape_sequences(self):
        text = self.run_job("assess", self.write(hostile_case()))
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]")

    def test_an_ascii_terminal(self):
        path = self.write(full_case())
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        chosen = argparse.Namespace(case=Path(path), reader=None, confirmation=False, json=False)
        with mock.patch.object(sys, "stdout", stream):
            self.assertEqual(assess_job.run(chosen), 0)
        stream.seek(0)
        self.assertIn("RECIST 1.1", stream.read())


@unittest.skipUnless(find_spec("matplotlib") and find_spec("jinja2"), "matplotlib and jinja2 are not installed here")
class ReportTest(CommandCase):
    def test_the_report_lies_beside_the_case(self):
        case = full_case()
        save_pictures(self.folder / "pictures", [picture(case, 0), picture(case, 2)])
        text = self.run_job("report", self.write(case), "--pictures", str(self.folder / "pictures"))
        self.assertIn("report.html", text)
        page = (self.folder / "report-PAT-4711" / "report.html").read_text(encoding="utf-8")
        self.assertEqual(page.count("data:image/png"), 2)

    def test_a_path_in_the_identifier_stays_in_the_folder(self):
        self.run_job("report", self.write(hostile_case(20)))
        made = [path for path in self.folder.iterdir() if path.is_dir()]
        self.assertEqual(len(made), 1)
        self.assertTrue(re.fullmatch(r"report-[A-Za-z0-9_-]+", made[0].name), made[0].name)

    def test_deidentified(self):
        self.run_job("report", self.write(full_case()), "--deidentify")
        page = (self.folder / "report" / "report.html").read_text(encoding="utf-8")
        self.assertNotIn("4711", page)
        self.run_job("report", self.write(full_case()), "--deidentify", "--output", str(self.folder / "elsewhere"))
        self.assertTrue((self.folder / "elsewhere" / "case.json").is_file())


if __name__ == "__main__":
    unittest.main()

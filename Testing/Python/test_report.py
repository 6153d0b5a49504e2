"""The report of a case: complete, loads nothing, runs nothing, and tells nobody who the patient is when asked not to."""

import base64
import json
import re
import sys
import tempfile
import unittest
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

from report_case import HOSTILE, full_case, hostile_case, picture
from response_case import make_case, row, uid_of

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.report import write_report
from HCCResponseLib.report.deidentification import deidentified
from HCCResponseLib.report.sections import answer_of, caution_sentences, criterion_rows, grids_of
from HCCResponseLib.response.case import Case
from HCCResponseLib.response.criteria import Category, assess
from HCCResponseLib.response.lesion_parts import part_uid

HAS_PACKAGES = all(find_spec(name) for name in ("matplotlib", "jinja2"))


class Page(HTMLParser):
    """What a browser sees: tags with attributes, and the text outside of style sheets."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.texts, self._open = [], [], []
        self.unclosed = []
        self.feed(html)
        self.close()
        self.unclosed += self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.unclosed.append(f"/{tag}")

    def handle_data(self, data):
        if "style" not in self._open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


@cache
def written(kind: str) -> dict[str, str]:
    """The files of a report by name."""
    case, options = {
        "full": lambda: (full_case(), {}),
        "hostile": lambda: (hostile_case(), {}),
        "deidentified": lambda: (full_case(), dict(deidentify=True)),
        "hostile, deidentified": lambda: (hostile_case(), dict(deidentify=True)),
    }[kind]()
    title = HOSTILE[0] if kind.startswith("hostile") else "T2"
    pictures = [picture(case, 0, title), picture(case, 2, title), picture(case, 2, "ADC", colour_map="viridis", unit="10⁻³ mm²/s")]
    with tempfile.TemporaryDirectory() as folder:
        write_report(case, Path(folder) / "out", pictures=pictures, warnings=["One series could not be read."], **options)
        return {path.name: path.read_bytes().decode("utf-8") for path in (Path(folder) / "out").iterdir()}


def page(kind: str) -> Page:
    return Page(written(kind)["report.html"])


@unittest.skipUnless(HAS_PACKAGES, "matplotlib and jinja2 are not installed here")
class BadInputTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(self._remove)

    def _remove(self):
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.folder.rmdir()

    def fails(self, pattern, case, **options):
        with self.assertRaisesRegex(InputError, pattern):
            write_report(case, self.folder / "out", **options)
        self.assertFalse((self.folder / "out").exists())

    def test_several_readers_and_none_chosen(self):
        self.fails("choose one", replace(full_case(), measurements=[*full_case().measurements, row("L1", "VOLUME", 0, 1.0, reader="B")]))

    def test_a_picture_of_another_case(self):
        self.fails("which the case does not have", full_case(), pictures=[picture(full_case(), 7)])
        self.fails("which the case does not have", full_case(), pictures=[picture(full_case(), 0, lesion="XX")])

    def test_missing_packages_are_named(self):
        for name in ("matplotlib", "jinja2"):
            with mock.patch.dict(sys.modules, {name: None}):
                self.fails(rf"{name}: install with  pip install 'hccresponse\[report\]'", full_case())

    def test_an_unknown_colour_map(self):
        self.fails("no colour map", full_case(), pictures=[picture(full_case(), colour_map="no such")])

    def test_a_cancelled_report_writes_nothing(self):
        with self.assertRaises(Cancelled):
            write_report(full_case(), self.folder / "out", pictures=[picture(full_case())], progress=lambda _fraction: False)
        self.assertFalse((self.folder / "out").exists())

    def test_small_and_empty_cases(self):
        for case, words in (
            (Case("P"), "One examination only"),
            (make_case({"L1": {}}, {}), "One examination only"),
            (make_case({"L1": {}}, {("L1", "LONG_AXIS"): [20.0]}), "One examination only"),
            (make_case({"L1": {}}, {("L1", "LONG_AXIS"): [None, 20.0]}), "No response can be told at week 4"),
            (make_case({"L1": {}}, {("L1", "LONG_AXIS"): [float("nan"), float("nan")]}), "No response can be told at week 4"),
            (make_case({"L1": {}}, {("L1", "T1_GRADE"): [2.0, 5.0]}, weeks=(None, None)), "No response can be told"),
            (make_case({"L1": {}}, {("L1", "LONG_AXIS"): [20.0, 20.0]}), "RECIST 1.1 at week 4: stable disease."),
        ):
            files = write_report(case, self.folder / "out")
            found = Page(files.report.read_text(encoding="utf-8"))
            self.assertIn(words, found.text)
            self.assertEqual(found.unclosed, [])
            self._remove()
            self.folder.mkdir()


@unittest.skipUnless(HAS_PACKAGES, "matplotlib and jinja2 are not installed here")
class ContentTest(unittest.TestCase):
    maxDiff = None

    def test_all_criteria_and_reasons_are_in_it(self):
        text = page("full").text
        assessment = assess(full_case())
        self.assertGreaterEqual(len(assessment.criteria), 6)
        for name, result in assessment.criteria.items():
            self.assertIn(name, text)
            for one in result.assessments:
                self.assertIn(one.reason, text)
            self.assertIn(assessment.best[name].reason, text)
        for name, why in assessment.not_applicable.items():
            self.assertIn(f"{name} : {why}.", text.replace(": ", " : "))
        sentences = [one.reason for one in assessment.horger] + [one.sentence for one in assessment.cautions]
        sentences += [one.reason for one in (*assessment.doses, *assessment.afp)]
        sentences += [part.reason for one in assessment.field.values() for part in one.total.assessments]
        for sentence in sentences:
            self.assertIn(sentence, text)
        for change in assessment.changes:
            self.assertIn(change.reason[1:], text)

    def test_the_disagreement_stands_at_the_top(self):
        text = page("full").text
        discordance = assess(full_case()).discordances[-1]
        self.assertTrue(discordance.opposite)
        shown = discordance.reason.replace("->", "→").replace("(-", "(−")
        self.assertLess(text.index("The criteria contradict each other at week 8."), text.index("Criteria over time"))
        self.assertLess(text.index(shown), text.index("Criteria over time"))
        self.assertIn("Growth is necrotic: L2", text)

    def test_progression_by_a_new_lesion_is_not_explained_by_the_sum(self):
        case = make_case(
            {"L1": dict(kind="target"), "N": dict(kind="new")},
            {("L1", "LONG_AXIS"): [40.0, 30.0, 20.0], ("N", "LONG_AXIS"): [None, None, 15.0]},
        )
        answer = answer_of(case, assess(case), {})
        self.assertEqual((answer.chips[0].category, answer.chips[0].change), (Category.PD, "new lesion"))
        rows = criterion_rows(case, assess(case))
        self.assertEqual([one.change for one in rows[0].chips], ["", "-25.0 %", "new lesion"])

    def test_haemorrhage_is_flagged_by_a_proposed_grade_too(self):
        case = full_case()
        rows = [replace(one, quantity="T1_GRADE_PROPOSAL", reader="") if one.quantity == "T1_GRADE" else one for one in case.measurements]
        case = replace(case, measurements=rows)
        assessment, grids = assess(case), grids_of(case, "A")
        flags = {one.title: one.lesions for one in answer_of(case, assessment, grids).flags}
        self.assertEqual(flags["haemorrhage may confound ADC"], ("L2",))
        sentence = "L2 at week 8: T1 has risen from grade 2 to 5 (proposed): haemorrhage may confound ADC."
        self.assertIn(("haemorrhage may confound ADC", sentence), caution_sentences(case, assessment, grids))

    def test_many_examinations_have_their_changes_below_their_values(self):
        values = {("L1", quantity): [value] * 6 for quantity, value in (("LONG_AXIS", 40.0), ("ADC", 1e-3), ("T1_GRADE", 2.0))}
        case = make_case({"L1": {}, "L2": {}}, values, findings=[("L1", 5, "not evaluable"), ("L2", 0, "present")])
        with tempfile.TemporaryDirectory() as folder:
            found = Page(write_report(case, folder).report.read_text(encoding="utf-8"))
        self.assertEqual(found.unclosed, [])
        self.assertEqual(found.text.count("Week 20: The reader says not evaluable; the measured numbers are not used."), 1)
        self.assertIn("L2", found.text)

    def test_numbers_methods_examinations_and_warnings(self):
        text = page("full").text
        for words in (
            "Doe^Jane", "PAT-4711", "2026-03-29", "sorafenib 800 mg", "T2-weighted", "t2_tse", "by hand", "not evaluable",
            "70.0 +133.3 %", "1.60T1 grade 5 +60.0 %", "One series could not be read.", "There are no pictures of L2.", "±27 %",
        ):  # fmt: skip
            self.assertIn(words, text)

    def test_adc_stands_nowhere_without_its_t1_grade(self):
        case = replace(full_case(), measurements=[one for one in full_case().measurements if one.quantity != "T1_GRADE"])
        with tempfile.TemporaryDirectory() as folder:
            text = Page(write_report(case, folder).report.read_text(encoding="utf-8")).text
        self.assertIn("T1 grade missing", text)
        for value in ("1.60", "1.10"):
            self.assertNotIn(value, text)

    def test_a_picture_of_adc_has_its_t1_grade_too(self):
        case = full_case()
        ungraded = replace(case, measurements=[one for one in case.measurements if one.quantity != "T1_GRADE"])
        proposed = [replace(one, quantity="T1_GRADE_PROPOSAL", reader="") for one in case.measurements if one.quantity == "T1_GRADE"]
        proposed = replace(ungraded, measurements=[*ungraded.measurements, *proposed])
        for one, words, count in ((case, "T1 grade 2", 2), (proposed, "T1 grade 2, proposed", 2), (ungraded, "T1 grade missing", 1)):
            pictures = [picture(one, 0, "T2"), picture(one, 0, "ADC", colour_map="viridis")]
            with tempfile.TemporaryDirectory() as folder:
                html = write_report(one, folder, pictures=pictures).report.read_text(encoding="utf-8")
            self.assertIn(f'<span class="below">{words}</span>', html)
            self.assertEqual(html.count("data:image/png"), count)

    def test_parts_of_lesions_are_shown_and_what_is_hidden_is_named(self):
        case = full_case()
        viable = [
            replace(one, lesion_uid=part_uid(one.lesion_uid, "VIABLE"), value=1.37e-3) for one in case.find(quantity="ADC", time_point=1)
        ]
        liver = replace(viable[0], lesion_uid="2.25.999", lesion_name="Liver")
        with tempfile.TemporaryDirectory() as folder:
            found = write_report(replace(case, measurements=[*case.measurements, *viable, liver]), folder)
            text = Page(found.report.read_text(encoding="utf-8")).text
        self.assertEqual(text.count("1.37T1 grade"), 2)
        self.assertIn("L2: viable tumour", text)
        self.assertIn("Parts of lesions: ADC (median)", text)
        self.assertIn("not shown: Liver (ADC).", text)

    def test_an_adc_by_another_method_is_compared_nowhere(self):
        case = full_case()
        rows = [replace(one, method="otherwise") if one.quantity == "ADC" and one.time_point == 1 else one for one in case.measurements]
        with tempfile.TemporaryDirectory() as folder:
            text = Page(write_report(replace(case, measurements=rows), folder).report.read_text(encoding="utf-8")).text
        self.assertIn("ADC of L2: measured in different ways; week 4 is not compared with the baseline.", text)
        self.assertIn("L2 at week 4: T1 has risen from grade 2 to 5: haemorrhage may confound ADC.", text)
        self.assertNotIn("+60.0 % from 1.00 10⁻³ mm²/s", text)
        self.assertIn("+100.0 % from 1.00 10⁻³ mm²/s", text)

    def test_only_a_changed_method_is_said_to_have_changed(self):
        case = full_case()
        same = ("N: value = 31, pattern = none", "N: value = 28, pattern = central")
        for methods, said in ((same, False), (("by hand", "N: value = 28"), True)):
            rows = [replace(one, method=methods[one.time_point > 0]) for one in case.measurements if one.quantity == "VIABLE_DIAMETER"]
            rows += [one for one in case.measurements if one.quantity != "VIABLE_DIAMETER"]
            found = replace(case, measurements=rows)
            row = next(one for one in criterion_rows(found, assess(found)) if one.criterion == "mRECIST")
            notes = [one for one in row.notes if "another way" in one]
            self.assertEqual(bool(notes), said)
            self.assertTrue(all(one.endswith("L1 was measured in another way than at baseline; see the methods.") for one in notes[:1]))

    def test_what_readers_did_not_measure_is_said_once(self):
        case = full_case()
        rows = [one if one.quantity.endswith("GRADE") else replace(one, reader="") for one in case.measurements]
        with tempfile.TemporaryDirectory() as folder:
            text = Page(write_report(replace(case, measurements=rows), folder).report.read_text(encoding="utf-8")).text
        self.assertEqual(text.count("easured by the program, not by reader A"), 1)

    def test_beside_it_lie_the_case_and_the_response(self):
        files = written("full")
        self.assertEqual(files["case.json"], full_case().to_json())
        self.assertEqual(files["response.json"], assess(full_case()).to_json())
        self.assertEqual(sorted(files), ["case.json", "measurements.csv", "report.html", "response.csv", "response.json"])

    def test_the_same_case_gives_the_same_page(self):
        with tempfile.TemporaryDirectory() as folder:
            first, second = (write_report(full_case(), folder, deidentify=True).report.read_bytes() for _ in range(2))
        self.assertEqual(first, second)


@unittest.skipUnless(HAS_PACKAGES, "matplotlib and jinja2 are not installed here")
class SafetyTest(unittest.TestCase):
    def test_the_page_loads_nothing(self):
        for kind in ("full", "hostile", "deidentified"):
            for tag, attributes in page(kind).tags:
                self.assertNotIn(tag, ("script", "link", "iframe", "object", "embed", "base", "form", "svg", "a"))
                for name, value in attributes.items():
                    self.assertFalse(name.startswith("on"), name)
                    if name in ("src", "href", "srcset", "action"):
                        self.assertRegex(value, r"^data:image/(png|svg\+xml);base64,[A-Za-z0-9+/=]+$")
                    if name == "style":
                        self.assertRegex(value, r"^background: #[0-9a-fA-F]{6}$")
            style = re.search(r"<style>(.*?)</style>", written(kind)["report.html"], re.DOTALL).group(1)
            self.assertNotIn("url(", style)
            self.assertNotIn("@import", style)
            self.assertIn("default-src 'none'", written(kind)["report.html"])

    def test_the_plots_run_nothing(self):
        images = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", written("hostile")["report.html"])
        self.assertGreater(len(images), 4)
        for image in images:
            text = base64.b64decode(image).decode()
            self.assertNotRegex(text, r"(?i)<script|onerror|evil\.example|<!|<foreign")

    def test_hostile_headers_are_text(self):
        found = page("hostile")
        self.assertEqual(found.unclosed, [])
        images = [attributes["src"][:11] for tag, attributes in found.tags if tag == "img"]
        self.assertEqual(set(images), {"data:image/"})
        self.assertIn("<script>alert(1)</script>", found.text)
        self.assertIn("{{ 7 * 191 }}", found.text)
        self.assertNotIn("1337", found.text)

    def test_the_hostile_page_has_the_tags_of_the_harmless_one(self):
        kinds = [[tag for tag, _ in page(kind).tags] for kind in ("full", "hostile")]
        self.assertEqual(set(kinds[0]) - set(kinds[1]), set())
        self.assertEqual(set(kinds[1]) - set(kinds[0]), set())

    def test_no_control_character_and_no_endless_name(self):
        html = written("hostile")["report.html"]
        self.assertNotRegex(html, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff\ufffd]")
        self.assertNotIn("N" * 1001, html)
        self.assertNotIn("L" * 1001, html)

    def test_the_style_sheet_holds_no_text_of_a_header(self):
        style = re.search(r"<style>(.*?)</style>", written("hostile")["report.html"], re.DOTALL).group(1)
        self.assertNotIn("<", style)
        self.assertNotIn("evil.example", style)

    def test_hostile_json_is_json(self):
        files = written("hostile")
        self.assertEqual(Case.from_json(files["case.json"]).to_json(), hostile_case().to_json())
        json.loads(files["response.json"])

    def test_files_never_take_their_names_from_the_case(self):
        self.assertEqual(sorted(written("hostile")), sorted(written("full")))


@unittest.skipUnless(HAS_PACKAGES, "matplotlib and jinja2 are not installed here")
class DeidentificationTest(unittest.TestCase):
    def test_nobody_is_named(self):
        case = full_case()
        secrets = [case.patient, "Doe", "Jane", *(one.date for one in case.time_points), *(one.study_uid for one in case.time_points)]
        secrets += [one.uid for one in case.lesions] + [one.series_uid for one in case.images] + ["t2_tse", "2026-0"]
        for name, text in written("deidentified").items():
            # Pictures are checked by their chunks; three letters stand in their code by chance.
            text = re.sub(r"base64,[A-Za-z0-9+/=]*", "", text)
            for secret in secrets:
                self.assertFalse(secret in text, f"{secret} in {name}")
        for code in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]*)", written("deidentified")["report.html"]):
            content = base64.b64decode(code)
            self.assertFalse([one for one in (b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME") if one in content])
        self.assertIn("week 8", page("deidentified").text)
        self.assertIn("De-identified".lower(), page("deidentified").text.lower())

    def test_the_answer_is_the_same(self):
        plain, full = (json.loads(written(kind)["response.json"])["criteria"] for kind in ("deidentified", "full"))
        for name, result in full.items():
            self.assertEqual([one["reason"] for one in plain[name]["assessments"]], [one["reason"] for one in result["assessments"]])

    def test_pictures_keep_their_lesion(self):
        self.assertEqual(
            written("deidentified")["report.html"].count("data:image/png"),
            written("full")["report.html"].count("data:image/png"),
        )

    def test_a_hostile_case_too(self):
        Case.from_json(written("hostile, deidentified")["case.json"])
        self.assertNotIn("N" * 100, written("hostile, deidentified")["report.html"])

    def test_free_text(self):
        case = full_case()
        texts = (
            "for DOE, jane since 12.03.2026", "PAT-4711 on 2026-03-01", "March 4, 2025, study 1.2.840.113619.2.55",
            "20260301", "4 Mar 2025", "TACE in March 2025", "since 3/2025", "from 2025-03 on", "am 4. März 2025", "4 de mayo 2025",
        )  # fmt: skip
        for text in texts:
            found = deidentified(replace(case, time_points=[replace(case.time_points[0], treatment=text), *case.time_points[1:]]))
            self.assertNotRegex(found.case.time_points[0].treatment, r"(?i)doe|jane|4711|202[56]|113619")
        for name, text, left in (
            ("Li^Na", "seen by Li, lipiodol", "seen by [removed], lipiodol"),
            ("Wang^XiaoDong=王^小东", "王小东的肝", "[removed][removed]的肝"),
            ("Müller^Jörg", "Herr MÜLLER, jörg", "Herr [removed], [removed]"),
        ):
            points = [replace(case.time_points[0], treatment=text), *case.time_points[1:]]
            found = deidentified(replace(case, name=name, time_points=points))
            self.assertEqual(found.case.time_points[0].treatment, left)
        text = "sorafenib 800 mg, 50.4 Gy, b = 0, 800, 15 deg, AIF Parker 2006, Horger 2009, marked"
        found = deidentified(replace(case, time_points=[replace(case.time_points[0], treatment=text), *case.time_points[1:]]))
        self.assertEqual(found.case.time_points[0].treatment, text)

    def test_order_in_time_stays_and_rows_stay_apart(self):
        case = make_case({"L1": {}}, {}, rows=[
            row("L1", "VOLUME", 0, 2.0, method="by Doe", datetime="2026-03-02T00:00:00", source_series="1.2.3"),
            row("L1", "VOLUME", 0, 1.0, method="by Jane", datetime="2026-03-01T00:00:00", source_series="1.2.3"),
        ])  # fmt: skip
        found = deidentified(replace(case, name="Doe^Jane")).case
        self.assertEqual(len(found.measurements), 2)
        self.assertEqual(found.latest(quantity="VOLUME").value, 2.0)
        self.assertEqual(found.measurements[0].lesion_uid, found.lesions[0].uid)

    def test_dates_become_weeks(self):
        case = full_case()
        points = [replace(one, weeks_from_baseline=None) for one in case.time_points]
        self.assertEqual([one.weeks_from_baseline for one in deidentified(replace(case, time_points=points)).case.time_points], [0, 4, 8])

    def test_links_between_lesions_and_findings_stay(self):
        case = make_case({"L1": {}, "L2": dict(split_from="L1")}, {}, findings=[("L2", 0, "merged", "L1")], excluded={"L2": "Doe says so"})
        found = deidentified(replace(case, name="Doe^Jane"))
        first, second = found.case.lesions
        self.assertEqual((second.split_from, found.case.findings[0].merged_with), (first.uid, first.uid))
        self.assertEqual(found.case.exclusion(second.uid), "[removed] says so")
        self.assertEqual(found.lesion_uids[uid_of("L1")], first.uid)


if __name__ == "__main__":
    unittest.main()

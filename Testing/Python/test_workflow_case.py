"""The whole job on a case folder: what it finds, measures and leaves, and that nothing is lost or done twice."""

import contextlib
import csv
import functools
import importlib.util
import io
import json
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import SimpleITK as sitk
from dicom_folder import other_object
from dicom_segmentation_file import write_dicom_segmentation

from HCCResponseLib.command import main
from HCCResponseLib.command.comparison import compare_with_truth
from HCCResponseLib.dicom import scan_folder
from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.phantom.reference_patient import reference_patient
from HCCResponseLib.report import read_measurements
from HCCResponseLib.report.picture_files import load_pictures
from HCCResponseLib.response.case import Case, TimePoint
from HCCResponseLib.response.measurement import Measurement
from HCCResponseLib.response.rows import procedure_of
from HCCResponseLib.workflow.case_files import write_case
from HCCResponseLib.workflow.case_inputs import find_case
from HCCResponseLib.workflow.image_files import geometry_of_image, image_from_array
from HCCResponseLib.workflow.label_maps import Region, resample_mask, write_segmentation
from HCCResponseLib.workflow.lesion_identities import lesion_outlines
from HCCResponseLib.workflow.map_files import read_map, write_map_picture
from HCCResponseLib.workflow.run_case import _case, run_case

QUICK = ("003_", "005_", "006_", "010_", "012_")
"""Series that are enough for everything but T1 and perfusion: T1, T2, diffusion, native, arterial."""

_demo = {}


@functools.cache
def scan_once(folder: Path, **_options):
    """A scan of the demo's images, which stay as they are; reading 1500 headers again and again would take longer than the tests."""
    return scan_folder(folder)


def draw_one(folder: Path, entry: dict, *rest):
    """Draw one map of the demo: drawing all takes long, and shows no more."""
    return write_map_picture(folder, entry, *rest) if entry["name"] == "adc" else ""


def setUpModule():
    """Run the demo once, in coarse images; all tests start from its case and its results."""
    folder = Path(tempfile.mkdtemp(prefix="hccresponse-"))
    unittest.addModuleCleanup(shutil.rmtree, folder)
    unittest.addModuleCleanup(_demo.clear)
    unittest.addModuleCleanup(scan_once.cache_clear)
    out = io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
        mock.patch("HCCResponseLib.dicom.scan_folder", scan_once),
        mock.patch("HCCResponseLib.workflow.case_inputs.scan_folder", scan_once),
        mock.patch("HCCResponseLib.workflow.run_case.write_map_picture", draw_one),
    ):
        status = main(["demo", "--small", "--output", str(folder / "demo")])
    _demo.update(status=status, out=out.getvalue(), folder=folder / "demo", patient=reference_patient(small=True))
    _demo["places"] = sorted(path for path in (folder / "demo" / "case").iterdir() if path.is_dir())


def outlines(index: int) -> list[Region]:
    names = {"HCC 1": "HCC 1", "HCC 2": "HCC 2", "HCC 3": "HCC 3", "liver": "liver reference", "aorta": "aorta"}
    return [Region(names[one.name], one.mask) for one in _demo["patient"].examinations[index].outlines("dynamic") if one.name in names]


def geometry(index: int):
    return _demo["patient"].examinations[index].geometry("dynamic")


def steps(run, index: int = 0) -> set[str]:
    return set(run.examinations[index].steps)


def redone(run, index: int = 0) -> set[str]:
    one = run.examinations[index]
    return set(one.steps) - set(one.reused)


class TestWholeCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.case_folder, cls.output = _demo["folder"] / "case", _demo["folder"] / "results"
        path = cls.case_folder / "hccresponse.json"
        settings = json.loads(path.read_text())
        for index, one in enumerate(settings["examinations"].values()):
            one["afp_ng_ml"] = 100.0 - index
        settings |= {"lesions": {"hcc 1": {"kind": "target", "proven": True}}}
        settings |= {"findings": [{"time_point": 2, "lesion": "HCC 1", "state": "present", "reader": "A"}]}
        path.write_text(json.dumps(settings))
        cls.enterClassContext(mock.patch("HCCResponseLib.workflow.case_inputs.scan_folder", scan_once))
        cls.job = run_case(cls.case_folder, cls.output)

    def test_the_demo_shows_what_it_measured_and_where_it_is(self):
        out = _demo["out"]
        self.assertEqual(_demo["status"], 0, out)
        for words in ("week 12   HCC 3   NV/TV", "values are", "case.json", "Done in"):
            self.assertIn(words, out)
        self.assertIn("report.html" if importlib.util.find_spec("jinja2") else "No report", out)
        self.assertIn("scene.mrb" if importlib.util.find_spec("slicer") else "needs the package slicer-core", out)
        with contextlib.redirect_stderr(io.StringIO()) as err:
            self.assertEqual(main(["demo", "--small", "--output", str(_demo["places"][0])]), 1)
        self.assertIn("not of an earlier demo", err.getvalue())

    def test_the_job_did_not_see_the_truth(self):
        self.assertEqual(list(self.case_folder.rglob("truth*")), [])

    def test_there_are_pictures(self):
        self.assertTrue((self.job.examinations[0].steps["map_pictures"].folder / "adc.png").is_file())
        self.assertEqual(len(load_pictures(self.output / "pictures")), 3 * 3 * 5)

    def test_everything_is_done(self):
        self.assertTrue(self.job.complete, [one.problems for one in self.job.examinations])
        expected = {"adc", "ivim", "t1", "perfusion", "lesions", "tissue", "map_pictures", "lesion_pictures"}
        for index in range(3):
            self.assertEqual(steps(self.job, index), expected)

    def test_the_case_says_who_and_when(self):
        case = Case.from_json((self.output / "case.json").read_text())
        self.assertEqual(case.to_json(), self.job.case.to_json())
        self.assertEqual([one.weeks_from_baseline for one in case.time_points], [0.0, 4.0, 12.0])
        self.assertEqual(case.time_points[1].treatment, "sorafenib 800 mg daily")
        self.assertEqual(case.time_points[2].afp_ng_ml, 98.0)
        self.assertEqual([one.identifier for one in case.lesions], ["HCC 1", "HCC 2", "HCC 3"])
        self.assertEqual([one.kind for one in case.lesions], ["target", None, None])
        self.assertEqual(case.findings[0].reader, "A")

    def test_values_are_near_the_truth_even_in_coarse_images(self):
        rows = compare_with_truth(self.job.case, _demo["folder"] / "truth.json", 3.2)
        checked = [one for one in rows if one.what in ("volume", "longest diameter", "NV/TV", "Ktrans, population AIF")]
        checked = [one for one in checked if np.isfinite(one.error)]
        self.assertGreater(len(checked), 30)
        for one in checked:
            self.assertLess(abs(one.error), 4.0 * one.tolerance, one)

    def test_maps_are_the_same_as_nrrd_and_nifti(self):
        step = self.job.examinations[0].steps["adc"]
        values, grid = read_map(step.folder, step.record["maps"][0])
        nifti = sitk.ReadImage(str(step.folder / "adc.nii.gz"))
        self.assertTrue(geometry_of_image(nifti).matches(grid))
        valid = np.isfinite(values)
        np.testing.assert_allclose(sitk.GetArrayFromImage(nifti)[valid] / 1e3, values[valid], rtol=1e-6)
        self.assertTrue(np.all(sitk.GetArrayFromImage(nifti)[~valid] == 0.0))

    def test_both_inputs_are_reported_and_the_measured_one_counts(self):
        uid = self.job.case.lesions[0].uid
        methods = [row.method for row in self.job.case.find(lesion_uid=uid, time_point=0, quantity="KTRANS", statistic="median")]
        self.assertEqual(len(methods), 2)
        self.assertIn("AIF Parker 2006", methods[0])
        self.assertIn("AIF measured in the aorta", methods[1])

    def test_procedures_are_those_of_the_scene(self):
        found = {procedure_of(row.method) for row in self.job.case.measurements if not row.statistic and ": " in row.method}
        wanted = {"Volume", "3D diameter", "Diameter", "Necrosis", "Viable diameter", "T1 grade proposal", "T2 grade proposal"}
        self.assertLessEqual(wanted, found)

    def test_a_report_says_what_was_done(self):
        text = (self.output / "report.txt").read_text()
        for words in ("Arterial phase", "Time point 2", "voxels wholly inside the aorta", "hematocrit 0.38"):
            self.assertIn(words, text)

    def test_the_second_run_does_nothing_and_a_change_only_what_hangs_on_it(self):
        self.enterContext(mock.patch("HCCResponseLib.workflow.run_case.write_map_picture", return_value=""))
        before = (self.output / "case.json").read_bytes()
        again = run_case(self.case_folder, self.output)
        self.assertEqual([redone(again, index) for index in range(3)], [set()] * 3)
        self.assertEqual((self.output / "case.json").read_bytes(), before)

        path = self.case_folder / _demo["places"][1].name / "outlines.seg.nrrd"
        kept = path.read_bytes()
        regions = outlines(1)
        grown = next(one for one in regions if one.name == "HCC 1")
        grown.mask[:] |= np.roll(grown.mask, 1, axis=2)
        free = ~np.logical_or.reduce([one.mask for one in regions if one.name != "HCC 1"])
        grown.mask[:] &= free
        write_segmentation(path, regions, geometry(1))
        changed = run_case(self.case_folder, self.output)
        self.assertEqual(redone(changed, 1), {"lesions", "tissue", "map_pictures", "lesion_pictures"})
        self.assertEqual([redone(changed, index) for index in (0, 2)], [set(), set()])
        path.write_bytes(kept)
        restored = run_case(self.case_folder, self.output)
        self.assertEqual(len(restored.case.measurements), len(self.job.case.measurements))


class QuickCase(unittest.TestCase):
    """A case of some series of the baseline, without outlines at first."""

    indices = (0,)

    def setUp(self):
        # Drawing takes longer than all else of these cases; that it is done is seen in the whole case.
        self.enterContext(mock.patch("HCCResponseLib.workflow.run_case.write_map_picture", return_value=""))
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.case_folder, self.output = folder / "case", folder / "results"
        self.places = []
        for index in self.indices:
            place = _demo["places"][index]
            for series in place.iterdir():
                if series.name.startswith(QUICK):
                    shutil.copytree(series, self.case_folder / place.name / series.name)
            self.places.append(self.case_folder / place.name)

    def add_outlines(self, path: Path, index: int = 0, regions=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_segmentation(path, outlines(index) if regions is None else regions, geometry(index))

    def settings(self, **content):
        (self.case_folder / "hccresponse.json").write_text(json.dumps(content))


class TestOutlineFiles(QuickCase):
    def test_without_outlines_there_are_maps_and_a_sentence(self):
        run = run_case(self.case_folder, self.output)
        self.assertTrue(run.complete)
        self.assertEqual(steps(run), {"adc", "ivim", "map_pictures"})
        self.assertEqual(run.case.measurements, ())
        skipped = " ".join(run.examinations[0].skipped)
        for words in ("No lesion is outlined", "No T1 map: there are no images at several flip angles", "No perfusion maps"):
            self.assertIn(words, skipped)
        self.assertEqual(Case.from_json((self.output / "case.json").read_text()).lesions, ())

    def test_a_dicom_segmentation_and_a_label_map_are_the_same_outlines(self):
        regions = outlines(0)
        self.add_outlines(self.places[0] / "outlines.seg.nrrd")
        plain = self.lesions()
        (self.places[0] / "outlines.seg.nrrd").unlink()
        labels = np.zeros(geometry(0).shape, np.uint8)
        for number, one in enumerate(regions, start=1):
            labels[one.mask] = number
        sitk.WriteImage(image_from_array(labels, geometry(0)), str(self.places[0] / "labels.nii.gz"))
        self.settings(labels={str(number): one.name for number, one in enumerate(regions, start=1)})
        nifti = self.lesions()
        (self.places[0] / "labels.nii.gz").unlink()
        study = find_case(self.case_folder).examinations[0].examination.study_uid
        uid_of = {outline.name: uid for uid, outline in plain.items()}
        write_dicom_segmentation(self.case_folder / "elsewhere" / "seg.dcm", regions, geometry(0), study, uid_of)
        dicom = self.lesions()
        self.assertEqual(len(plain), 3)
        for found in (nifti, dicom):
            self.assertEqual(found.keys(), plain.keys())
            for uid, outline in plain.items():
                self.assertEqual(found[uid].name, outline.name)
                # A DICOM segmentation may be cut to the slices that it has.
                on_its_grid = resample_mask(found[uid].mask, found[uid].geometry, outline.geometry)
                np.testing.assert_array_equal(on_its_grid, outline.mask)

    def lesions(self) -> dict:
        """Outlines of the first examination by tracking UID."""
        inputs = find_case(self.case_folder)
        self.assertEqual(inputs.problems, ())
        _lesions, found, doubts = lesion_outlines("P", inputs.examinations, inputs.settings)
        self.assertEqual(doubts, ())
        return found[0]

    def test_a_damaged_outline_file_is_named_and_loses_nothing(self):
        place = self.places[0]
        (place / "broken.seg.nrrd").write_bytes(b"NRRD0004\nnonsense")
        write_dicom_segmentation(place / "half.dcm", outlines(0)[:1], geometry(0), "1.2.3", {})
        (place / "half.dcm").write_bytes((place / "half.dcm").read_bytes()[:-2000])
        grey = np.arange(np.prod(geometry(0).shape)).reshape(geometry(0).shape) % 500
        sitk.WriteImage(image_from_array(grey.astype(np.uint16), geometry(0)), str(place / "t2.nii.gz"))
        sitk.WriteImage(image_from_array(np.zeros(grey.shape, np.uint8), geometry(0)), str(place / "only background.nrrd"))
        self.add_outlines(place / "sound.seg.nrrd")
        found = find_case(self.case_folder)
        self.assertEqual([path.name for path in found.examinations[0].outline_files], ["sound.seg.nrrd"])
        for problem, words in zip(
            found.problems,
            ("broken.seg.nrrd.*cannot be read", "half.dcm. is damaged", "background.nrrd.*no label", "t2.nii.gz. looks like an image"),
            strict=True,
        ):
            self.assertRegex(problem, words)

    def test_names_of_segments_in_latin_1(self):
        path = self.places[0] / "outlines.seg.nrrd"
        self.add_outlines(path)
        path.write_bytes(path.read_bytes().replace(b"Segment0_Name:=HCC 1", b"Segment0_Name:=L\xe4sion"))
        self.assertIn("Läsion", [one.name for one in find_case(self.case_folder).examinations[0].outlines])

    def test_a_damaged_file_is_a_problem_whatever_its_name_and_other_files_are_none(self):
        image = next(self.places[0].glob("003_*/*.dcm"))
        (self.places[0] / "copy of it.dcm").write_bytes(image.read_bytes())
        (self.places[0] / "IM_0001").write_bytes(next(self.places[0].glob("006_*/*.dcm")).read_bytes()[:-10])
        other_object(self.places[0] / "report.dcm", "1.2.840.10008.5.1.4.1.1.88.33", "SR")
        (self.places[0] / "notes.txt").write_text("seen")
        found = find_case(self.case_folder)
        place = self.places[0].name
        self.assertEqual(found.problems, (f"{place}/IM_0001: the file ends before its pixels do (truncated)",))
        self.assertEqual(len(found.passed_over), 3)

    def test_an_outline_beside_the_images_fails_by_itself(self):
        regions = outlines(0)
        corner = np.zeros(geometry(0).shape, bool)
        corner[0, :3, :3] = True
        self.add_outlines(self.places[0] / "outlines.seg.nrrd", regions=[*regions, Region("HCC 9", corner)])
        run = run_case(self.case_folder, self.output)
        self.assertTrue(any(problem.startswith("HCC 9: ") for problem in run.examinations[0].problems))
        self.assertIn("NECROTIC_FRACTION", {row.quantity for row in run.case.measurements if row.lesion_name == "HCC 2"})

    def test_what_an_examination_does_not_hold_is_no_failure(self):
        shutil.rmtree(next(self.places[0].glob("005_*")))
        self.add_outlines(self.places[0] / "outlines.seg.nrrd", regions=[one for one in outlines(0) if one.name.startswith("HCC")])
        run = run_case(self.case_folder, self.output)
        self.assertTrue(run.complete, run.examinations[0].problems)
        skipped = run.examinations[0].skipped
        for sentence in (
            "No T2 grades: there are no T2-weighted images before contrast.",
            "No necrosis: there is no liver reference among the outlines.",
        ):
            self.assertIn(sentence, skipped)
        self.assertIn("T1_GRADE_PROPOSAL", {row.quantity for row in run.case.measurements})

    def test_hostile_names_do_no_harm(self):
        name = '=HYPERLINK("http://x","y")'
        region = next(one for one in outlines(0) if one.name == "HCC 1")
        self.add_outlines(self.places[0] / "outlines.seg.nrrd", regions=[Region(name, region.mask)])
        run = run_case(self.case_folder, self.output)
        self.assertEqual(run.case.lesions[0].identifier, name)
        cells = [cell for row in csv.reader(io.StringIO((self.output / "measurements.csv").read_text())) for cell in row]
        self.assertTrue(any(cell == f"'{name}" for cell in cells))
        self.assertFalse(any(cell.startswith(("=", "+", "@")) for cell in cells))


class TestFailures(QuickCase):
    indices = (0, 1)

    def test_a_damaged_examination_does_not_lose_the_other(self):
        for place, index in zip(self.places, self.indices, strict=True):
            self.add_outlines(place / "outlines.seg.nrrd", index)
        damaged = next(self.places[1].glob("006_*/*"))
        damaged.write_bytes(damaged.read_bytes()[:-20000])
        run = run_case(self.case_folder, self.output)
        self.assertFalse(run.complete)
        self.assertIn(damaged.name, " ".join([*run.problems, *run.examinations[1].problems]))
        self.assertIn("adc", steps(run, 0))
        self.assertNotIn("adc", steps(run, 1))
        self.assertIn("lesions", steps(run, 1))
        self.assertTrue(run.case.find(time_point=1, quantity="VOLUME"))

    def test_outlines_find_their_examination(self):
        self.add_outlines(self.case_folder / "drawn" / "reader A 2024-04-01.seg.nrrd", 1)
        self.add_outlines(self.case_folder / "drawn" / "baseline.seg.nrrd", 0)
        self.add_outlines(self.case_folder / "drawn" / "second.seg.nrrd", 1)
        self.settings(outlines={"drawn/second.seg.nrrd": "2024-04-01"})
        found = find_case(self.case_folder)
        names = [[path.name for path in one.outline_files] for one in found.examinations]
        self.assertEqual(names, [["baseline.seg.nrrd"], ["reader A 2024-04-01.seg.nrrd", "second.seg.nrrd"]])
        self.assertEqual(found.problems, ())
        self.add_outlines(self.case_folder / "drawn" / "mine.seg.nrrd", 1)
        self.add_outlines(self.case_folder / "drawn" / "baseline and week 4.seg.nrrd", 1)
        problems = find_case(self.case_folder).problems
        self.assertEqual(len(problems), 2)
        self.assertIn("points to several examinations", problems[0])
        self.assertIn("not told which examination", problems[1])
        self.assertIn("2024-03-04, 2024-04-01", problems[1])

    def test_a_stopped_run_goes_on_where_it_was(self):
        for place, index in zip(self.places, self.indices, strict=True):
            self.add_outlines(place / "outlines.seg.nrrd", index)
        with self.assertRaises(Cancelled):
            run_case(self.case_folder, self.output, progress=lambda fraction: fraction < 0.6)
        self.assertFalse((self.output / "case.json").exists())
        self.assertEqual(list(self.output.rglob(".unfinished*")), [])
        run = run_case(self.case_folder, self.output)
        self.assertTrue(run.complete)
        self.assertEqual(redone(run, 0), set())
        self.assertIn("tissue", redone(run, 1))
        # A folder without its record is no result.
        (run.examinations[0].folder / "adc" / "step.json").write_text("{")
        self.assertIn("adc", redone(run_case(self.case_folder, self.output), 0))

    def test_what_cannot_be_is_said(self):
        self.enterContext(mock.patch("HCCResponseLib.workflow.case_inputs.scan_folder", scan_once))
        for content, words in (
            ({"examinations": {"2020-01-01": {}}}, "names examination 2020-01-01, which is not there; found are 2024-03-04"),
            ({"examinations": {"2024-03-04": {"hematocrit": 42}}}, "hematocrit .a fraction. must be a number above 0 and below 1"),
            ({"examinations": {"2024-03-04": {"roles": {"12": "LATE"}}}}, "role 'LATE' of series 12 is not known"),
            ({"examinations": {"2024-03-04": {"afp_ng_ml": -1}}}, "AFP must be 0 ng/mL or more"),
            ({"examinations": {"2024-03-04": {"afp_ng_ml": "12"}}}, "afp_ng_ml must be a number, found '12'"),
            ({"examinations": {"2024-03-04": {"weeks_from_baseline": "4"}}}, "weeks_from_baseline must be a number, found '4'"),
            ({"examinations": {"2024-03-04": {"roles": {"99": None}}}}, "series 99 of 2024-03-04, which is not there; found are 3, 5, 6"),
            ({"outlines": {"drawn/mine.nrrd": "2024-03-04"}}, "drawn/mine.nrrd; there is no such file"),
            ({"lesions": {"HCC 1": "target"}}, "lesion 'HCC 1': an object with fields was expected, found 'target'"),
            ({"exclusions": {"HCC 1": 3}}, "exclusions of 'HCC 1' must be text"),
            ({"patients": 1}, "unknown field patients"),
            ({"lesions": {"HCC 8": {}}}, "HCC 8, which is not outlined"),
            ({"examinations": {"2024-03-04": {"time_point": 1}, "2024-04-01": {"time_point": 1}}}, "the same time point"),
        ):
            self.settings(**content)
            with self.assertRaisesRegex(InputError, words):
                run_case(self.case_folder, self.output)
        (self.case_folder / "hccresponse.json").write_text("{")
        with self.assertRaisesRegex(InputError, "not valid JSON"):
            run_case(self.case_folder, self.output)
        (self.case_folder / "hccresponse.json").unlink()
        empty = self.case_folder.parent / "empty"
        empty.mkdir()
        with self.assertRaisesRegex(InputError, "holds no DICOM image"):
            run_case(empty, self.output)

    def test_results_of_an_earlier_run_are_no_outlines(self):
        run_case(self.case_folder, self.case_folder / "first results")
        run = run_case(self.case_folder, self.case_folder / "second results")
        self.assertTrue(run.complete, run.problems)
        self.assertEqual(run.case.lesions, ())

    def test_lesions_as_the_settings_describe_them(self):
        self.enterContext(mock.patch("HCCResponseLib.workflow.case_inputs.scan_folder", scan_once))
        self.add_outlines(self.places[0] / "outlines.seg.nrrd")

        def lesions(**content):
            self.settings(lesions=content)
            # As editors on Windows write it.
            path = self.case_folder / "hccresponse.json"
            path.write_text(path.read_text(), encoding="utf-8-sig")
            inputs = find_case(self.case_folder)
            return lesion_outlines("P", inputs.examinations, inputs.settings)[0]

        first, second = lesions(**{"hcc  2": {"split_from": "HCC 1", "kind": "new"}})[:2]
        self.assertEqual((second.split_from, second.kind), (first.uid, "new"))
        for fields, words in (
            ({"knd": "new"}, "lesion 'HCC 1': unknown field knd; known are kind, organ"),
            ({"kind": "nwe"}, "'nwe' is none of target, non-target, new"),
            ({"dose_gy": "50", "fractions": 2}, "'HCC 1' has a field of the wrong type"),
            ({"lymph_node": "no"}, "lymph_node must be true or false, found 'no'"),
        ):
            with self.assertRaisesRegex(InputError, words):
                lesions(**{"HCC 1": fields})

    def test_a_finding_that_cannot_be_is_a_sentence(self):
        self.add_outlines(self.places[0] / "outlines.seg.nrrd")
        self.settings(
            findings=[{"time_point": 7, "lesion": "HCC 1", "state": "absent"}, {"time_point": 0, "lesion": "HCC 5", "state": "absent"}],
            exclusions={"hcc 6": "treated before"},
        )
        inputs = find_case(self.case_folder)
        lesions = lesion_outlines("P", inputs.examinations, inputs.settings)[0]
        case, sentences = _case(inputs, "P", lesions, [])
        self.assertEqual(case.findings, ())
        self.assertIn("no time point 7", sentences[0])
        self.assertIn("lesion 'HCC 5' is not outlined; outlined are HCC 1, HCC 2, HCC 3", sentences[1])
        self.assertIn("the exclusion of 'hcc 6' cannot be used", sentences[2])
        self.assertEqual(len(sentences), 3)

    def test_two_patients_are_refused(self):
        import pydicom

        for path in self.places[1].rglob("*.dcm"):
            dataset = pydicom.dcmread(path)
            dataset.PatientID = "OTHER"
            dataset.save_as(path)
        with self.assertRaisesRegex(InputError, "images of 2 patients"):
            run_case(self.case_folder, self.output)

    def test_roles_can_be_overridden(self):
        self.settings(examinations={"2024-03-04": {"roles": {"6": None}}})
        run = run_case(self.case_folder, self.output)
        self.assertNotIn("adc", steps(run, 0))
        self.assertIn("adc", steps(run, 1))


class TestCaseFiles(unittest.TestCase):
    def test_text_in_a_broken_character_set_is_no_reason_to_lose_a_case(self):
        row = Measurement("P1", 0, "1.2", "T1_CONTRAST", -2.5, "1", "2024-03-04T10:00:00", method="=1+1", lesion_name="L\udce4sion")
        case = Case("P1", name="M\udcfcller", time_points=(TimePoint(0),), measurements=(row,))
        with tempfile.TemporaryDirectory() as folder:
            paths = write_case(Path(folder), case, "Case of M\udcfcller\n")
            self.assertEqual(sorted(path.name for path in Path(folder).iterdir()), sorted(paths))
            self.assertEqual(Case.from_json(paths["case.json"].read_text(encoding="utf-8")).to_json(), case.to_json())
            found = read_measurements(paths["measurements.csv"])[0]
            self.assertEqual((found.value, found.method, found.lesion_name), (-2.5, "=1+1", "L?sion"))
            self.assertEqual(paths["report.txt"].read_text(), "Case of M?ller\n")


del QuickCase

if __name__ == "__main__":
    unittest.main()

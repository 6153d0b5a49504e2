"""The reference patient is what its truth says: outlines, signals, times, files."""

import json
import shutil
import subprocess
import tempfile
import unittest
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial.distance import pdist

from HCCResponseLib.dicom import find_examinations, read_diffusion, read_dynamic, scan_folder
from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.signal_grade import propose_signal_grade
from HCCResponseLib.phantom.reference_patient import GRIDS, patient_truth, reference_patient, write_patient
from HCCResponseLib.phantom.reference_patient.lattice import paint_labels
from HCCResponseLib.phantom.reference_patient.lesions import LESIONS
from HCCResponseLib.phantom.reference_patient.organs import liver

VALIDATOR = shutil.which("dciodvfy")
PHASES = ("native", "arterial_15s", "arterial_30s", "portal_venous_60s", "delayed_120s", "delayed_300s")


@cache
def patient():
    return reference_patient(small=True)


@cache
def truth() -> dict:
    return patient_truth(patient())


@cache
def images(index: int) -> dict[str, np.ndarray]:
    """Volumes (volumes, k, j, i) of every series of an examination."""
    return {one.plan.key: np.stack(list(one.volumes)) for one in patient().examinations[index].images()}


@cache
def outlines(index: int, grid: str, **options) -> dict[str, np.ndarray]:
    return {one.name: one.mask for one in patient().examinations[index].outlines(grid, **options)}


def spgr(t1_s, angle_deg: float, repetition_time_s: float = 0.0045):
    """Steady state of a spoiled gradient echo, written out once more."""
    e, a = np.exp(-repetition_time_s / t1_s), np.radians(angle_deg)
    return np.sin(a) * (1 - e) / (1 - e * np.cos(a))


class WrittenCase(unittest.TestCase):
    """The small patient on disk, written once for all."""

    @classmethod
    def setUpClass(cls):
        cls.root = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.fractions = []
        cls.written = write_patient(patient(), cls.root / "one", progress=cls.fractions.append)
        cls.truth = json.loads(cls.written.truth.read_text(encoding="utf-8"))

    def series_folder(self, index: int, key: str) -> Path:
        return self.written.examinations[index] / self.truth["examinations"][index]["series"][key]["folder"]


class FilesTest(WrittenCase):
    def test_equal_seeds_give_equal_files(self):
        first = replace(patient(), examinations=patient().examinations[:1])
        again = write_patient(first, self.root / "again").examinations[0]
        original = self.written.examinations[0]
        paths = sorted(path.relative_to(again) for path in again.rglob("*.dcm"))
        self.assertEqual(paths, sorted(path.relative_to(original) for path in original.rglob("*.dcm")))
        different = [path for path in paths if (again / path).read_bytes() != (original / path).read_bytes()]
        self.assertEqual(different, [])

    def test_the_truth_in_the_file_is_that_of_the_patient(self):
        known, written = json.loads(json.dumps(truth())), json.loads(self.written.truth.read_text(encoding="utf-8"))
        self.assertEqual(written["tissues"], known["tissues"])
        for there, here in zip(written["examinations"], known["examinations"], strict=True):
            self.assertTrue(there.pop("study_uid") and there.pop("folder"))
            for one in there["series"].values():
                self.assertTrue(one.pop("series_uid") and one.pop("folder"))
            self.assertEqual(there, here)

    def test_progress_rises_to_one(self):
        self.assertTrue(np.all(np.diff(self.fractions) >= 0))
        self.assertEqual(self.fractions[-1], 1.0)
        self.assertGreater(len(self.fractions), 60)

    def test_a_cancelled_examination_leaves_nothing(self):
        with self.assertRaises(Cancelled):
            write_patient(patient(), self.root / "cancelled", progress=lambda fraction: fraction < 0.2)
        self.assertEqual(list((self.root / "cancelled").iterdir()), [])

    def test_the_folder_is_one_patient_with_three_studies(self):
        scan = scan_folder(self.root / "one")
        self.assertEqual([one.path.name for one in scan.skipped], ["truth.json"])
        self.assertEqual(len(scan.patients), 1)
        self.assertEqual(len(scan.series), 3 * len(self.truth["examinations"][0]["series"]))
        examinations = find_examinations(scan)
        self.assertEqual([str(one.study_date) for one in examinations], [one["date"] for one in self.truth["examinations"]])
        for examination, known in zip(examinations, self.truth["examinations"], strict=True):
            self.assertEqual(examination.study_uid, known["study_uid"])
            roles = {series.series_uid: one.role for one in examination.recognitions for series in one.series}
            self.assertEqual(
                {key: str(roles[one["series_uid"]]) for key, one in known["series"].items()},
                {key: one["role"] for key, one in known["series"].items()},
            )

    def test_diffusion_is_read_with_its_b_values_and_place(self):
        for index, examination in enumerate(patient().examinations):
            series = scan_folder(self.series_folder(index, "DWI")).series
            diffusion = read_diffusion(series)
            self.assertEqual(list(diffusion.b_values), [0.0, 50.0, 400.0, 800.0])
            self.assertTrue(diffusion.geometry.matches(examination.geometry("diffusion")))
            np.testing.assert_array_equal(np.moveaxis(diffusion.signals, -1, 0), np.rint(images(index)["DWI"]))

    def test_perfusion_phases_are_in_order_and_4_3_seconds_apart(self):
        dynamic = read_dynamic(scan_folder(self.series_folder(1, "DCE")).series[0])
        known = self.truth["examinations"][1]["perfusion"]
        np.testing.assert_allclose(dynamic.time_s, known["frame_times_s"], atol=1e-5)
        np.testing.assert_allclose(np.diff(dynamic.time_s), 4.3, atol=1e-5)
        self.assertAlmostEqual(dynamic.injection_s, known["injection_s"], places=4)
        self.assertTrue(dynamic.geometry.matches(patient().examinations[1].geometry("perfusion")))
        np.testing.assert_array_equal(np.moveaxis(dynamic.signals, -1, 0), np.rint(images(1)["DCE"]))

    def test_simpleitk_sees_the_same_grids(self):
        for index, key in ((0, "T2_fat_suppressed"), (2, "arterial_15s")):
            with self.subTest(key):
                reader = sitk.ImageSeriesReader()
                reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(self.series_folder(index, key))))
                image = reader.Execute()
                examination = patient().examinations[index]
                grid = self.truth["examinations"][index]["series"][key]["grid"]
                spacing, direction = np.array(image.GetSpacing()), np.array(image.GetDirection()).reshape(3, 3)
                found = Geometry.from_parts(image.GetSize()[::-1], spacing, image.GetOrigin(), direction)
                self.assertTrue(found.matches(examination.geometry(grid)))
                np.testing.assert_array_equal(sitk.GetArrayFromImage(image), np.rint(images(index)[key][0]))

    def test_phases_tell_their_time_after_the_injection(self):
        for key, seconds in (("arterial_15s", 15.0), ("delayed_300s", 300.0)):
            header = pydicom.dcmread(next(self.series_folder(0, key).iterdir()), stop_before_pixels=True)
            injected, acquired = (datetime.strptime(t, "%H%M%S.%f") for t in (header.ContrastBolusStartTime, header.AcquisitionTime))
            self.assertAlmostEqual((acquired - injected).total_seconds(), seconds, places=5)
        native = pydicom.dcmread(next(self.series_folder(0, "native").iterdir()), stop_before_pixels=True)
        self.assertNotIn("ContrastBolusAgent", native)

    @unittest.skipUnless(VALIDATOR, "dciodvfy is not installed (Debian package dicom3tools)")
    def test_dciodvfy_finds_no_error(self):
        paths = [sorted(folder.iterdir())[-1] for folder in self.written.examinations[1].iterdir()]
        first = replace(patient(), examinations=patient().examinations[:1])
        paths += write_patient(first, self.root / "enhanced", enhanced=True).examinations[0].rglob("*.dcm")
        for path in paths:
            with self.subTest(path.relative_to(self.root)):
                answer = subprocess.run([VALIDATOR, str(path)], capture_output=True, text=True, check=False)
                self.assertEqual([line for line in answer.stderr.splitlines() if "Error" in line], [])


class LesionTruthTest(unittest.TestCase):
    """Volumes, diameters and places against masks half a millimetre fine."""

    SPACING_MM = 0.6

    def fine_masks(self, index: int, number: int) -> tuple[np.ndarray, np.ndarray, Geometry]:
        """Whole lesion, dead part, and their grid, parallel to the slices of the examination."""
        examination, known = patient().examinations[index], truth()["examinations"][index]["lesions"][number]
        half = known["longest_diameter_mm"] / 2 + 4
        count = int(2 * half / self.SPACING_MM)
        direction = examination.lattice.direction_lps
        origin = np.array(known["centre_lps"]) - direction @ np.full(3, self.SPACING_MM * (count - 1) / 2)
        geometry = Geometry.from_parts((count,) * 3, (self.SPACING_MM,) * 3, origin, direction)
        pieces = [one for one in examination.structures if one.tissue.startswith(known["identifier"])]
        labels = paint_labels(geometry, pieces, examination.motions, list(examination.tissues))
        viable = list(examination.tissues).index(f"{known['identifier']} viable")
        return labels > 0, (labels > 0) & (labels != viable), geometry

    def test_volumes_diameters_and_parts(self):
        for index, examination in enumerate(truth()["examinations"]):
            for number, known in enumerate(examination["lesions"]):
                with self.subTest(known["identifier"], examination=examination["name"]):
                    whole, dead, geometry = self.fine_masks(index, number)
                    self.assertFalse(whole[[0, -1]].any() or whole[:, [0, -1]].any() or whole[:, :, [0, -1]].any())
                    volume = whole.sum() * geometry.voxel_volume_ml
                    self.assertAlmostEqual(volume / known["volume_ml"], 1, delta=0.005)
                    self.assertAlmostEqual(dead.sum() / whole.sum(), known["nv_over_tv"], delta=0.005)
                    self.assertAlmostEqual(
                        known["viable_ml"] + known["necrotic_ml"] + known["haemorrhagic_ml"], known["volume_ml"], places=9,
                    )
                    long_axis, short_axis = self.diameters(whole)
                    self.assertAlmostEqual(long_axis, known["longest_diameter_mm"], delta=1.0)
                    self.assertAlmostEqual(short_axis, known["perpendicular_diameter_mm"], delta=1.2)
                    ends = np.array(known["longest_diameter_ends_lps"])
                    self.assertAlmostEqual(np.linalg.norm(ends[1] - ends[0]), known["longest_diameter_mm"], places=6)
                    self.assertAlmostEqual(float((ends[1] - ends[0]) @ geometry.direction_lps[:, 2]), 0, places=6)
                    self.assertLessEqual(known["viable_diameter_mm"], known["longest_diameter_mm"] + 1e-9)

    def diameters(self, mask: np.ndarray) -> tuple[float, float]:
        """Longest diameter of any slice by brute force over the centres on the rim, and its longest perpendicular, a voxel added."""
        best = (0.0, None)
        for plane in mask:
            rim = np.argwhere(plane & ~ndimage.binary_erosion(plane)) * self.SPACING_MM
            if len(rim) > 2:
                best = max(best, (pdist(rim).max(), plane.tobytes()), key=lambda one: one[0])
        plane = np.frombuffer(best[1], bool).reshape(mask.shape[1:])
        rim = np.argwhere(plane & ~ndimage.binary_erosion(plane)) * self.SPACING_MM
        apart = np.linalg.norm(rim[:, None] - rim[None], axis=-1)
        start, stop = np.unravel_index(apart.argmax(), apart.shape)
        along = (rim[stop] - rim[start]) / apart.max()
        points = np.argwhere(plane) * self.SPACING_MM
        places, heights = np.rint(points @ along / self.SPACING_MM).astype(int), points @ [-along[1], along[0]]
        widths = [np.ptp(heights[places == place]) for place in np.unique(places)]
        return best[0] + self.SPACING_MM, max(widths) + self.SPACING_MM

    def test_the_longest_viable_line_meets_no_dead_tissue(self):
        known = truth()["examinations"][2]["lesions"][1]
        whole, dead, _ = self.fine_masks(2, 1)
        longest = 0.0
        for plane, core in zip(whole[::4], dead[::4], strict=True):
            rim = np.argwhere(plane & ~ndimage.binary_erosion(plane))[::4].astype(float)
            for n, start in enumerate(rim):
                steps = rim[n + 1 :] - start
                places = np.rint(start + steps[:, None] * np.linspace(0, 1, 100)[:, None]).astype(int)
                free = ~core[places[..., 0], places[..., 1]].any(axis=1)
                longest = max(longest, *np.linalg.norm(steps[free], axis=1), 0.0)
        self.assertAlmostEqual(longest * self.SPACING_MM + self.SPACING_MM, known["viable_diameter_mm"], delta=1.5)

    def test_lesions_move_as_the_truth_says(self):
        for index, examination in enumerate(truth()["examinations"]):
            motion = np.array(examination["motion"]["organs_from_baseline"])
            for known, before in zip(examination["lesions"], truth()["examinations"][0]["lesions"], strict=True):
                np.testing.assert_allclose((motion @ [*before["centre_lps"], 1.0])[:3], known["centre_lps"], atol=1e-9)
                mask = outlines(index, "dynamic")[known["identifier"]]
                geometry = patient().examinations[index].geometry("dynamic")
                middle = geometry.ijk_to_lps @ [*np.argwhere(mask).mean(axis=0)[::-1], 1.0]
                # lobulated: the centroid is near the point that the shape is given around
                np.testing.assert_allclose(middle[:3], known["centre_lps"], atol=4.0)

    def test_lesions_lie_inside_the_liver_and_dead_parts_inside_lesions(self):
        directions = np.random.default_rng(0).normal(size=(2000, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        for lesion in LESIONS:
            for index in range(3):
                shape, dead = lesion.shape(index), lesion.dead_shape(index)
                surface = np.array(shape.centre) + directions * shape.radius(*directions.T)[:, None]
                self.assertLess(liver().depth(*surface.T).max(), -2.0, lesion.identifier)
                if dead is not None:
                    surface = np.array(dead.centre) + directions * dead.radius(*directions.T)[:, None]
                    self.assertLess(shape.depth(*surface.T).max(), -1.0, lesion.identifier)

    def test_the_full_patient_has_the_same_lesions(self):
        full = patient_truth(reference_patient())
        for there, here in zip(full["examinations"], truth()["examinations"], strict=True):
            self.assertEqual(there["lesions"], here["lesions"])
            self.assertEqual(len(there["perfusion"]["frame_times_s"]), 70)

    def test_the_course_is_that_of_the_story(self):
        first, second, third = truth()["examinations"]
        for earlier, later in ((first, second), (second, third)):
            self.assertGreater(later["lesions"][1]["nv_over_tv"], earlier["lesions"][1]["nv_over_tv"])
            self.assertGreater(later["lesions"][1]["volume_ml"], earlier["lesions"][1]["volume_ml"])
            self.assertLess(later["lesions"][1]["viable_ml"], earlier["lesions"][1]["viable_ml"])
        self.assertEqual([one["lesions"][2]["t1_grade"] for one in (first, second, third)], [2, 5, 5])
        self.assertEqual([one["lesions"][2]["t2_grade"] for one in (first, second, third)], [4, 1, 5])
        # stable by RECIST, partial response by mRECIST
        self.assertLess(abs(third["sum_longest_diameters_mm"] / first["sum_longest_diameters_mm"] - 1), 0.2)
        self.assertLess(third["sum_viable_diameters_mm"], 0.7 * first["sum_viable_diameters_mm"])


class OutlinesTest(unittest.TestCase):
    def test_parts_make_up_the_lesions_and_nothing_overlaps(self):
        for grid in GRIDS:
            whole, parts, pure = (outlines(2, grid, **options) for options in ({}, {"parts": True}, {"parts": True, "pure": True}))
            self.assertEqual(sum(whole.values()).max(), 1)
            self.assertEqual(sum(parts.values()).max(), 1)
            for lesion in LESIONS:
                union = sum(mask for name, mask in parts.items() if name.startswith(lesion.identifier))
                np.testing.assert_array_equal(union, whole[lesion.identifier])
            for name, mask in pure.items():
                self.assertTrue(np.all(parts[name] >= mask))
            self.assertEqual(whole["liver"].shape, patient().examinations[2].geometry(grid).shape)

    def test_an_unknown_grid(self):
        with self.assertRaisesRegex(InputError, "no images on a grid 'T2'; there are anatomy, diffusion"):
            patient().examinations[0].outlines("T2")

    def test_lesions_lie_inside_every_image(self):
        full = reference_patient()
        for examination, known in zip(full.examinations, truth()["examinations"], strict=True):
            for grid in GRIDS:
                geometry = examination.geometry(grid)
                for lesion in known["lesions"]:
                    middle = (np.linalg.inv(geometry.ijk_to_lps) @ [*lesion["centre_lps"], 1.0])[:3]
                    margin = (lesion["longest_diameter_mm"] / 2 + 1) / np.array(geometry.spacing_mm)
                    inside = (middle > margin) & (middle < np.array(geometry.shape[::-1]) - 1 - margin)
                    self.assertTrue(inside.all(), (examination.name, grid, lesion["identifier"]))

    def test_the_full_patient_fits_on_150_megabytes(self):
        total = 0
        for examination in reference_patient().examinations:
            for plan in examination.plans:
                slices, rows, columns = examination.geometry(plan.grid).shape
                total += plan.volumes * slices * (2 * rows * columns + 2600)
        self.assertLess(total, 150e6)


class SignalsTest(unittest.TestCase):
    """Ratios of signals in pure voxels against the equations, written out once more: coil sensitivity and texture cancel in them."""

    def ratio(self, index: int, region: np.ndarray, key: str, other: str, volume: int = 0, reference: int = 0) -> float:
        one, two = images(index)[key][volume][region], images(index)[other][reference][region]
        return float(np.median(one) / np.median(two))

    def tissue(self, index: int, name: str) -> dict:
        """Parameters by the name of an outline."""
        regions = truth()["examinations"][index]["outlines"]
        if name in regions:
            return truth()["tissues"][regions[name]]
        lesion, part = name.rsplit(" ", 1)
        return next(one for one in truth()["examinations"][index]["lesions"] if one["identifier"] == lesion)["parts"][part]

    def regions(self, index: int, grid: str, least: int = 15):
        for name, mask in outlines(index, grid, parts=True, pure=True).items():
            if mask.sum() >= least and name != "portal vein":
                yield name, mask, self.tissue(index, name)

    def test_flip_angles(self):
        for index in range(3):
            for name, mask, known in self.regions(index, "perfusion"):
                with self.subTest(name, examination=index):
                    expected = spgr(known["t1_s"], 15.0) / spgr(known["t1_s"], 5.0)
                    self.assertAlmostEqual(self.ratio(index, mask, "VFA_15deg", "VFA_5deg") / expected, 1, delta=0.02)

    def test_diffusion(self):
        for index in range(3):
            for name, mask, known in self.regions(index, "diffusion"):
                if name == "aorta":
                    continue  # no signal is left
                with self.subTest(name, examination=index):
                    f, d, d_star = known["perfusion_fraction"], known["adc"], known["d_star"] or 0.0
                    for volume, b in ((2, 400.0), (3, 800.0)):
                        expected = (1 - f) * np.exp(-b * d) + f * np.exp(-b * d_star)
                        found = self.ratio(index, mask, "DWI", "DWI", volume)
                        tolerance = 0.02 if mask.sum() > 200 else 0.06
                        self.assertAlmostEqual(found / expected, 1, delta=tolerance)

    def test_adc_over_the_b_values_is_stated(self):
        known = truth()["tissues"]
        self.assertAlmostEqual(known["muscle"]["adc_weighted"], known["muscle"]["adc"], places=12)
        self.assertGreater(known["liver"]["adc_weighted"], known["liver"]["adc"])
        b, f, d, d_star = np.array([0.0, 50, 400, 800]), *(known["liver"][key] for key in ("perfusion_fraction", "adc", "d_star"))
        line = np.linalg.lstsq(np.stack([b, np.ones(4)], 1), np.log((1 - f) * np.exp(-b * d) + f * np.exp(-b * d_star)), rcond=None)[0]
        self.assertAlmostEqual(known["liver"]["adc_log_linear"], -line[0], places=12)

    def test_relaxation_between_tissues(self):
        # two places in the coil's field: 8 %
        masks = outlines(0, "anatomy", pure=True)
        for key in ("T1_opposed_phase", "T2_fat_suppressed"):
            known = {}
            for name in ("liver", "spleen"):
                tissue, series = self.tissue(0, name), truth()["examinations"][0]["series"][key]
                te, tr = series["echo_time_s"], series["repetition_time_s"]
                if key == "T2_fat_suppressed":
                    signal = (1 - np.exp(-tr / tissue["t1_s"])) * np.exp(-te / tissue["t2_s"])
                else:
                    signal = spgr(tissue["t1_s"], series["flip_angle_deg"], tr) * np.exp(-te / tissue["t2_star_s"])
                known[name] = tissue["density"] * signal
            found = np.median(images(0)[key][0][masks["spleen"]]) / np.median(images(0)[key][0][masks["liver"]])
            self.assertAlmostEqual(found / (known["spleen"] / known["liver"]), 1, delta=0.08)

    @staticmethod
    def blood(times_s, start_s: float) -> np.ndarray:
        """Parker's population input in whole blood [mM], written out once more."""
        minutes = (times_s - start_s) / 60
        curve = 1.050 * np.exp(-0.1685 * minutes) / (1 + np.exp(-38.078 * (minutes - 0.483)))
        for area, centre, width in ((0.809, 0.17046, 0.0563), (0.330, 0.365, 0.132)):
            curve += area / (width * np.sqrt(2 * np.pi)) * np.exp(-((minutes - centre) ** 2) / (2 * width**2))
        return np.where(minutes < 0, 0.0, curve)

    def concentration(self, known: dict, times_s, examination: dict) -> np.ndarray:
        """Contrast agent after an injection at 0, by Euler's rule."""
        step = 0.05
        fine = np.arange(0.0, 330.0, step)
        perfusion = examination["perfusion"]
        blood = self.blood(fine, perfusion["arterial_input_start_s"] - perfusion["injection_s"])
        plasma = blood / (1 - examination["hematocrit"])
        if known["model"] == "extended_tofts":
            held = np.zeros_like(plasma)
            for n in range(1, len(fine)):
                held[n] = held[n - 1] + step / 60 * known["ktrans"] * (plasma[n - 1] - held[n - 1] / known["ve"])
            curve = held + known["vp"] * plasma
        else:
            curve = blood if known["model"] == "blood" else np.zeros_like(blood)
        return np.interp(times_s, fine, curve, left=0)

    def test_the_stated_input_is_parkers(self):
        for examination in truth()["examinations"]:
            perfusion = examination["perfusion"]
            blood = self.blood(np.array(perfusion["frame_times_s"]), perfusion["arterial_input_start_s"])
            np.testing.assert_allclose(blood / (1 - examination["hematocrit"]), perfusion["arterial_plasma_mm"], rtol=1e-9)

    def test_dynamic_phases_and_perfusion_follow_the_tissue_model(self):
        for index, examination in enumerate(truth()["examinations"]):
            frames = np.array(examination["perfusion"]["frame_times_s"]) - examination["perfusion"]["injection_s"]
            phases = np.array([-1.0, 15.0, 30.0, 60.0, 120.0, 300.0])
            for grid, keys, angle, times, before in (("dynamic", PHASES, 12.0, phases, 1), ("perfusion", ("DCE",), 15.0, frames, 5)):
                for name, mask, known in self.regions(index, grid):
                    if known["model"] not in {"extended_tofts", "blood", "none"} or known.get("delay_s") or known["fat"]:
                        continue
                    with self.subTest(name, examination=index, grid=grid):
                        found = np.array([np.median(volume[mask]) for key in keys for volume in images(index)[key]])
                        found /= found[:before].mean()
                        rate = 1 / known["t1_s"] + truth()["relaxivity_per_s_mm"] * self.concentration(known, times, examination)
                        expected = spgr(1 / rate, angle) / spgr(known["t1_s"], angle)
                        many = mask.sum() > 100
                        np.testing.assert_allclose(found, expected, rtol=0.05 if many else 0.12)
                        self.assertAlmostEqual(float(np.mean(found / expected)), 1, delta=0.015 if many else 0.04)

    def test_noise_is_rician_with_the_stated_sigma(self):
        for key in ("T2_fat_suppressed", "DCE", "delayed_300s"):
            sigma = truth()["examinations"][0]["series"][key]["noise_sigma"]
            corner = images(0)[key][:, :, :6, :6]
            self.assertAlmostEqual(float(np.mean(corner)) / (sigma * np.sqrt(np.pi / 2)), 1, delta=0.05)

    def test_grades_are_those_of_the_contrast(self):
        for index, examination in enumerate(truth()["examinations"]):
            masks = outlines(index, "anatomy")
            geometry = patient().examinations[index].geometry("anatomy")
            for known in examination["lesions"]:
                for key, grade in (("T1_opposed_phase", "t1_grade"), ("T1_in_phase", "t1_grade"), ("T2_fat_suppressed", "t2_grade")):
                    with self.subTest(known["identifier"], examination=index, image=key):
                        contrast = known["contrasts"][key]
                        self.assertEqual(int(np.searchsorted((-3, -1, 1, 3), contrast)) + 1, known[grade])
                        proposal = propose_signal_grade(images(index)[key][0], masks[known["identifier"]], masks["liver"], geometry)
                        self.assertEqual(int(proposal.grade), known[grade])

    def test_another_seed_gives_other_noise(self):
        other = reference_patient(small=True, seed=1).examinations[0]
        one = next(iter(other.images()))
        self.assertGreater(np.mean(np.stack(list(one.volumes)) != images(0)[one.plan.key]), 0.99)


if __name__ == "__main__":
    unittest.main()

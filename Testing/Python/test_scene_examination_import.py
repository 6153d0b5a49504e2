"""Whole examinations from DICOM folders into the scene: roles, times, geometry; repeated, damaged, mixed, cancelled."""

import shutil
import tempfile
import unittest
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
from dicom_folder import GRIDS, place_signals
from reference_data import reference_path, requires_reference
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.phantom.dicom_series import SeriesHeader, Volume, write_series
from HCCResponseLib.phantom.reference_patient import patient_truth, reference_patient, write_patient
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.acquisition import (
    acquired,
    contrast_agent,
    echo_time_s,
    field_strength_t,
    injected,
    injection_s,
    seconds_after_injection,
    slice_thickness_mm,
)
from HCCResponseLib.scene.b_values import b_value
from HCCResponseLib.scene.dynamic_series import dynamic_geometry, dynamic_signals, shown_volume
from HCCResponseLib.scene.examination_import import import_dynamic_series, import_examinations
from HCCResponseLib.scene.flip_angles import flip_angle_deg, repetition_time_s
from HCCResponseLib.scene.roles import role, role_reason, set_role
from HCCResponseLib.scene.study_nodes import volumes_of_study
from HCCResponseLib.scene.subject_hierarchy import patient_of, series_uid
from HCCResponseLib.scene.time_points import patients, set_time_point, studies, time_point
from HCCResponseLib.scene.volumes import volume_array, volume_geometry

GRID = GRIDS["oblique"]


def nodes_in_scene() -> list[str]:
    names = ("Volume", "Sequence", "SequenceBrowser", "Segmentation", "Display", "Storage")
    return sorted(node.GetID() for name in names for node in slicer.util.getNodesByClass(f"vtkMRML{name}Node"))


def write(folder: Path, number: int = 1, *, values=0, **options) -> Path:
    """A T1-weighted series of one volume; returns its folder."""
    header = SeriesHeader(**{"description": f"t1_vibe_{number}", "number": number, "echo_time_s": 0.002, "repetition_time_s": 0.0045,
                             "flip_angle_deg": 12.0} | options)
    where = folder / f"{options.get('patient_id', 'one')}_{header.start:%Y%m%d}_{number}"
    write_series(where, [Volume(place_signals(GRID) + values)], GRID, header)
    return where


class TestReferencePatient(SceneTestCase):
    """The small reference patient, generated once."""

    @classmethod
    def setUpClass(cls):
        cls.patient = reference_patient(small=True)
        cls.dicom = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.dicom, ignore_errors=True)
        cls.truth = patient_truth(cls.patient)
        cls.baseline = write_patient(cls.patient, cls.dicom, enhanced=True).examinations[0]

    def test_everything_has_its_place_role_and_values(self):
        result = import_examinations(self.dicom)
        self.assertEqual(result.problems, [])
        self.assertEqual(patients(), result.patients)
        self.assertEqual(studies(result.patients[0]), result.studies)
        self.assertEqual(len(result.sequences), 3)
        self.assertEqual([patient_of(node) for node in result.volumes + result.sequences], ["HCC-REFERENCE"] * 51)
        self.assertIn("Reference^Patient (ID HCC-REFERENCE), 2024-04-01", result.report)
        for study, known, examination in zip(result.studies, self.truth["examinations"], self.patient.examinations, strict=True):
            with self.subTest(examination.name):
                point = time_point(study)
                self.assertEqual((point.index, point.date), (known["index"], known["date"]))
                self.assertEqual(point.weeks_from_baseline, known["weeks_from_baseline"])
                self._check_study(study, examination)

    def _check_study(self, study, examination):
        plans = examination.plans
        nodes = [node for node in volumes_of_study(study) if role(node) is not None]
        wanted = [plan.role for plan in plans for _ in range(plan.volumes if plan.role is Role.DWI else 1)]
        self.assertEqual([role(node) for node in nodes], wanted)
        self.assertEqual([role(node) for node in volumes_of_study(study, Role.VFA)], [Role.VFA] * 3)
        self.assertEqual([b_value(node) for node in volumes_of_study(study, Role.DWI)], [0.0, 50.0, 400.0, 800.0])
        self.assertEqual([flip_angle_deg(node) for node in volumes_of_study(study, Role.VFA)], [5.0, 10.0, 15.0])
        by_plan = [plan for plan in plans for _ in range(plan.volumes if plan.role is Role.DWI else 1)]
        for node, plan in zip(nodes, by_plan, strict=True):
            self.assertTrue(role_reason(node).endswith("."), node.GetName())
            self.assertEqual(repetition_time_s(node), plan.sequence.repetition_time_s)
            self.assertAlmostEqual(echo_time_s(node), plan.sequence.echo_time_s, 12)
            self.assertEqual(field_strength_t(node), 1.5)
            self.assertTrue(series_uid(node))
            grid = examination.geometry(plan.grid)
            self.assertAlmostEqual(slice_thickness_mm(node), grid.spacing_mm[2], 6)
            geometry = dynamic_geometry(node) if plan.role is Role.DCE else volume_geometry(node)
            self.assertTrue(geometry.matches(grid, 0.01), plan.key)
            if plan.role is Role.DCE:
                continue
            self.assertEqual(acquired(node), examination.acquired(plan))
            if plan.grid == "dynamic":
                seconds = plan.after_injection_s[0] if plan.after_injection_s else -120.0
                self.assertEqual(seconds_after_injection(node), seconds)
            display = node.GetDisplayNode()
            self.assertFalse(display.GetAutoWindowLevel())
            low, high = display.GetLevel() - display.GetWindow() / 2, display.GetLevel() + display.GetWindow() / 2
            self.assertGreater(high, np.percentile(volume_array(node), 90))
            self.assertLess(low, np.percentile(volume_array(node), 60))
        contrast = volumes_of_study(study, Role.DELAYED)[0]
        self.assertEqual(contrast_agent(contrast), "Gadobutrol")
        self.assertEqual(injected(contrast), examination.injected(next(plan for plan in plans if plan.role is Role.DELAYED)))
        self._check_dynamic(volumes_of_study(study, Role.DCE)[0], examination)

    def _check_dynamic(self, sequence, examination):
        plan = next(plan for plan in examination.plans if plan.role is Role.DCE)
        signals, times = dynamic_signals(sequence)
        self.assertEqual((signals.dtype, signals.shape), (np.float32, (*examination.geometry("perfusion").shape, 32)))
        np.testing.assert_allclose(times, np.arange(32) * 4.3, atol=1e-6)
        self.assertAlmostEqual(injection_s(sequence), -plan.after_injection_s[0], 3)
        self.assertEqual((flip_angle_deg(sequence), repetition_time_s(sequence)), (15.0, 0.0045))
        self.assertEqual(acquired(sequence), examination.acquired(plan))
        self.assertIsNone(role(shown_volume(sequence)))
        # the aorta peaks ten seconds after time zero of its input
        aorta = next(one.mask for one in examination.outlines("perfusion", pure=True) if one.name == "aorta")
        peak = times[np.argmax(signals[aorta].mean(axis=0))]
        self.assertLess(abs(peak - (injection_s(sequence) + examination.bolus_transit_s + 10)), 4.3)

    def test_import_again_changes_nothing(self):
        first = import_examinations(self.baseline)
        chosen = first.volumes[0]
        set_role(chosen, Role.T1)
        set_time_point(first.studies[0], None)
        before = nodes_in_scene()
        again = import_examinations(self.baseline)
        self.assertEqual((again.volumes, again.sequences), ([], []))
        self.assertEqual(len(again.present), len(first.volumes) + len(first.sequences))
        self.assertEqual(nodes_in_scene(), before)
        self.assertEqual((again.patients, again.studies), (first.patients, first.studies))
        self.assertIs(role(chosen), Role.T1, "the user's choice stays")
        self.assertEqual(time_point(first.studies[0]).index, 0)

    def test_what_was_removed_comes_back(self):
        first = import_examinations(self.baseline)
        slicer.mrmlScene.RemoveNode(first.volumes[2])
        again = import_examinations(self.baseline)
        self.assertEqual([role(node) for node in again.volumes], [Role.T2_FAT_SUPPRESSED])
        self.assertEqual(again.sequences, [])

    def test_cancelled_at_any_time_nothing_is_left(self):
        before, items = nodes_in_scene(), slicer.mrmlScene.GetSubjectHierarchyNode().GetNumberOfItems()
        for last in (0.2, 0.5, 0.75, 0.99):
            with self.subTest(last), self.assertRaises(Cancelled):
                import_examinations(self.baseline, progress=lambda fraction, last=last: fraction < last)
            self.assertEqual(nodes_in_scene(), before)
            self.assertEqual(patients(), [])
            self.assertEqual(slicer.mrmlScene.GetSubjectHierarchyNode().GetNumberOfItems(), items)

    def test_only_some_roles(self):
        result = import_examinations(self.baseline, roles=[Role.T2_FAT_SUPPRESSED, Role.DCE])
        self.assertEqual({role(node) for node in result.volumes}, {Role.T2_FAT_SUPPRESSED})
        self.assertEqual(len(result.sequences), 1)

    def test_saved_and_loaded(self):
        first = import_examinations(self.baseline, roles=[Role.ARTERIAL, Role.DCE])
        name, reason = first.volumes[0].GetName(), role_reason(first.volumes[0])
        signals, times = dynamic_signals(first.sequences[0])
        reopen(self.folder / "scene.mrb")
        study = studies(patients()[0])[0]
        node = volumes_of_study(study, Role.ARTERIAL)[0]
        self.assertEqual((node.GetName(), role_reason(node), seconds_after_injection(node)), (name, reason, 15.0))
        loaded, loaded_times = dynamic_signals(volumes_of_study(study, Role.DCE)[0])
        np.testing.assert_array_equal(loaded, signals)
        np.testing.assert_array_equal(loaded_times, times)
        self.assertEqual(len(import_examinations(self.baseline, roles=[Role.ARTERIAL, Role.DCE]).volumes), 0)


class TestOtherFolders(SceneTestCase):
    def test_two_patients_are_kept_apart(self):
        write(self.folder, patient_id="A", patient_name="Alpha")
        write(self.folder, patient_id="B", patient_name="Beta", values=500)
        write(self.folder, patient_id="A", patient_name="Alpha", start=datetime(2024, 6, 1, 9))
        result = import_examinations(self.folder)
        self.assertEqual([len(studies(item)) for item in result.patients], [2, 1])
        self.assertEqual([patient_of(node) for node in result.volumes], ["A", "A", "B"])
        self.assertEqual([time_point(item).index for item in result.studies], [0, 1, 0])
        self.assertIn("2 patients", result.report)

    def test_patient_without_id_is_one_patient(self):
        write(self.folder, patient_id="", patient_name="Doe^Jane")
        write(self.folder, 2, patient_id="", patient_name="Doe^Jane", start=datetime(2024, 6, 1, 9))
        result = import_examinations(self.folder)
        self.assertEqual((len(patients()), len(result.studies)), (1, 2))

    def test_values_and_places_are_those_of_the_files(self):
        write(self.folder)
        node = import_examinations(self.folder).volumes[0]
        np.testing.assert_array_equal(volume_array(node), place_signals(GRID))
        self.assertTrue(volume_geometry(node).matches(GRID, 1e-3))
        uids = node.GetAttribute("DICOM.instanceUIDs").split()
        self.assertEqual(len(uids), GRID.shape[0])

    def test_truncated_file_loses_its_series_only(self):
        write(self.folder, 1)
        damaged = sorted(write(self.folder, 2).iterdir())[1]
        damaged.write_bytes(damaged.read_bytes()[:-20])
        (self.folder / "notes.txt").write_text("no image")
        result = import_examinations(self.folder)
        self.assertEqual([node.GetName() for node in result.volumes], ["t1_vibe_1"])
        self.assertTrue(any("truncated" in one and damaged.name in one for one in result.problems), result.problems)
        self.assertTrue(any("t1_vibe_2" in one for one in result.problems), result.problems)
        self.assertFalse(any("notes.txt" in one for one in result.problems))
        self.assertIn("notes.txt", result.report)

    def test_times_that_headers_do_not_tell_are_entered(self):
        header = SeriesHeader("t1_vibe_dyn", 7, echo_time_s=0.0014, repetition_time_s=0.0045, flip_angle_deg=15.0)
        volumes = [Volume(place_signals(GRID) + n, seconds=4.3 * n) for n in range(12)]
        for file in write_series(self.folder / "dyn", volumes, GRID, header):
            dataset = pydicom.dcmread(file)
            for name in ("AcquisitionTime", "AcquisitionDate", "AcquisitionDateTime", "ContentTime", "ContentDate", "TriggerTime"):
                if name in dataset:
                    delattr(dataset, name)
            dataset.save_as(file)
        result = import_examinations(self.folder)
        (unread,) = result.unread
        self.assertEqual((unread.role, unread.study, result.sequences), (Role.DCE, result.studies[0], []))
        self.assertIn(unread.reason, result.problems[0])
        times = np.arange(12) * 5.0
        with self.assertRaisesRegex(InputError, "t1_vibe_dyn"):
            import_dynamic_series(self.folder, unread.series_uid, times[:5])
        with self.assertRaisesRegex(InputError, "UID 1.2.3"):
            import_dynamic_series(self.folder, "1.2.3", times)
        node = import_dynamic_series(self.folder, unread.series_uid, times)
        signals, found = dynamic_signals(node)
        np.testing.assert_array_equal(found, times)
        np.testing.assert_array_equal(signals[..., 3], place_signals(GRID) + 3)
        self.assertEqual(import_examinations(self.folder).present, [node])

    def test_odd_header_values_do_not_stop_it(self):
        for file in write(self.folder).iterdir():
            dataset = pydicom.dcmread(file)
            dataset.FlipAngle, dataset.RepetitionTime, dataset.WindowWidth = 270, 60000, -5
            dataset.save_as(file)
        (node,) = import_examinations(self.folder).volumes
        self.assertEqual((flip_angle_deg(node), repetition_time_s(node)), (None, None))
        self.assertGreater(node.GetDisplayNode().GetWindow(), 0)

    def test_nothing_to_import_leaves_nothing(self):
        before = nodes_in_scene()
        with self.assertRaisesRegex(InputError, "No DICOM images"):
            import_examinations(self.folder)
        with self.assertRaisesRegex(InputError, "not a folder"):
            import_examinations(self.folder / "elsewhere")
        self.assertEqual((nodes_in_scene(), patients()), (before, []))

    @requires_reference("dwi_philips")
    def test_philips_diffusion(self):
        self._check_diffusion("dwi_philips")

    @requires_reference("dwi_ge")
    def test_ge_diffusion(self):
        self._check_diffusion("dwi_ge")

    def _check_diffusion(self, name: str):
        result = import_examinations(reference_path(name))
        found = [node for node in result.volumes if role(node) is Role.DWI]
        self.assertGreaterEqual(len(found), 2, result.report)
        self.assertEqual(len({b_value(node) for node in found}), len(found))
        self.assertEqual(b_value(found[0]), min(b_value(node) for node in found))
        signal = [float(np.mean(volume_array(node))) for node in sorted(found, key=b_value)]
        self.assertEqual(signal, sorted(signal, reverse=True))


if __name__ == "__main__":
    unittest.main()

"""Images that Slicer's own import or the user loaded: roles by header and by name, copies over seconds, nothing overwritten."""

import dataclasses
import shutil
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.dicom import Series, read_dynamic, read_volume, scan_folder
from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.phantom.reference_patient import reference_patient, write_patient
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.acquisition import injection_s, seconds_after_injection, slice_thickness_mm
from HCCResponseLib.scene.adoption import adopt_volumes, adoptable_nodes
from HCCResponseLib.scene.b_values import b_value
from HCCResponseLib.scene.dynamic_series import add_dynamic_series, dynamic_signals, sequence_shown_by, shown_volume
from HCCResponseLib.scene.examination_import import import_examinations
from HCCResponseLib.scene.flip_angles import flip_angle_deg, repetition_time_s, set_flip_angle_deg
from HCCResponseLib.scene.role_by_name import dynamic_named, role_named
from HCCResponseLib.scene.roles import role, role_reason, set_role
from HCCResponseLib.scene.sequence_times import copy_with_times, originals_of
from HCCResponseLib.scene.study_nodes import volumes_of_study
from HCCResponseLib.scene.subject_hierarchy import study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import studies, time_point
from HCCResponseLib.scene.volumes import add_volume, volume_array, volume_geometry

GEOMETRY = Geometry.from_parts((3, 5, 4), (2.5, 2.5, 6.0))
FRAMES = 12


def database(series: list[Series]):
    """What Slicer's DICOM database answers about these series."""
    by_uid = {one.series_uid: one for one in series}
    path = {frame.sop_instance_uid: str(frame.path) for one in series for frame in one.frames}
    return types.SimpleNamespace(
        isOpen=True,
        seriesForStudy=lambda study: [uid for uid, one in by_uid.items() if one.study_uid == study],
        filesForSeries=lambda uid: [str(frame.path) for frame in by_uid[uid].frames],
        fileForInstance=lambda uid: path.get(uid, ""),
    )


def place(node, one: Series, uids) -> None:
    """Put a node where Slicer's DICOM import puts it."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    study = study_item(patient_id=one.patient_id, patient_name=one.patient_name, study_uid=one.study_uid, study_date=str(one.study_date))
    item = subject_hierarchy_item(node)
    hierarchy.SetItemParent(item, study)
    hierarchy.SetItemUID(item, "DICOM", one.series_uid)
    hierarchy.SetItemUID(item, "DICOMInstanceUID", " ".join(uids))


def loaded(one: Series, frames=None):
    """A scalar volume as Slicer's DICOM import leaves it; of some frames only where given."""
    part = dataclasses.replace(one, frames=tuple(frames or one.frames))
    images = read_volume(part)
    node = add_volume(images.array, images.geometry, f"{one.number}: {one.description}")
    node.SetAttribute("DICOM.instanceUIDs", " ".join(part.sop_instance_uids))
    place(node, one, part.sop_instance_uids)
    return node


def multi_volume_sequence(one: Series, *, labels: str = ""):
    """A volume sequence as the MultiVolumeImporter leaves it: frame numbers for its index."""
    images = read_dynamic(one)
    node = add_dynamic_series(images.signals, images.time_s, images.geometry, "16: perf - 32 frames Volume Sequence by AcquisitionTime")
    frames = [node.GetNthDataNode(t) for t in range(node.GetNumberOfDataNodes())]
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", node.GetName())
    sequence.SetIndexName("")
    sequence.SetIndexUnit("")
    for n, frame in enumerate(frames):
        sequence.SetDataNodeAtValue(frame, str(n))
    if labels:
        sequence.SetAttribute("MultiVolume.FrameIdentifyingDICOMTagName", "AcquisitionTime")
        sequence.SetAttribute("MultiVolume.FrameIdentifyingDICOMTagUnits", "ms")
        sequence.SetAttribute("MultiVolume.FrameLabels", labels)
    for helper in (slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")[-1], shown_volume(node), node):
        slicer.mrmlScene.RemoveNode(helper)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    shown = browser.AddProxyNode(frames[0], sequence, True)
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    place(shown, one, one.sop_instance_uids)
    return sequence


class TestByHeader(SceneTestCase):
    """The baseline of the small reference patient, generated once."""

    @classmethod
    def setUpClass(cls):
        folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        patient = reference_patient(small=True)
        patient = dataclasses.replace(patient, examinations=patient.examinations[:1])
        write_patient(patient, folder)
        cls.dicom = folder
        cls.plans = {plan.number: plan for plan in patient.examinations[0].plans}
        cls.series = {one.number: one for one in scan_folder(folder).series}

    def setUp(self):
        super().setUp()
        patch = mock.patch.object(slicer, "dicomDatabase", database(list(self.series.values())), create=True)
        patch.start()
        self.addCleanup(patch.stop)

    def test_single_volumes(self):
        numbers = [3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15]
        nodes = [loaded(self.series[number]) for number in numbers]
        self.assertEqual(adoptable_nodes(), nodes)
        result = adopt_volumes()
        self.assertEqual([one.node for one in result.nodes], nodes)
        self.assertEqual([one.role for one in result.nodes], [self.plans[number].role for number in numbers])
        self.assertEqual([role(node) for node in nodes], [one.role for one in result.nodes])
        self.assertEqual({one.source for one in result.nodes}, {"DICOM header"})
        self.assertTrue(all(role_reason(node) == one.reason != "" for node, one in zip(nodes, result.nodes, strict=True)))
        self.assertEqual([flip_angle_deg(node) for node in nodes[3:6]], [5.0, 10.0, 15.0])
        self.assertEqual([repetition_time_s(node) for node in nodes[3:6]], [0.0045] * 3)
        self.assertEqual([seconds_after_injection(node) for node in nodes[7:]], [15.0, 30.0, 60.0, 120.0, 300.0])
        self.assertEqual(slice_thickness_mm(nodes[0]), 10.0)
        self.assertEqual([time_point(study).index for study in result.studies], [0])
        self.assertEqual(result.problems, [])
        self.assertEqual(adoptable_nodes(), [])

    def test_b_values_one_by_one(self):
        one = self.series[6]
        nodes = [loaded(one, [frame for frame in one.frames if frame.b_value == b]) for b in (0.0, 400.0)]
        adopt_volumes()
        self.assertEqual([(role(node), b_value(node)) for node in nodes], [(Role.DWI, 0.0), (Role.DWI, 400.0)])
        # what Slicer could not load is brought by an import, and only that
        imported = import_examinations(self.dicom, roles=[Role.DWI])
        self.assertEqual([b_value(node) for node in imported.volumes], [50.0, 800.0])

    def test_nothing_that_was_set_is_changed(self):
        chosen, none, angle = (loaded(self.series[number]) for number in (5, 10, 7))
        set_role(chosen, Role.T1)
        set_role(none, None, "Set by hand.")
        set_flip_angle_deg(angle, 6.0)
        self.assertEqual(adoptable_nodes(), [angle])
        adopt_volumes()
        self.assertEqual((role(chosen), role(none), role(angle)), (Role.T1, None, Role.VFA))
        self.assertEqual(flip_angle_deg(angle), 6.0)
        adopt_volumes([chosen, angle])
        self.assertEqual((role(chosen), flip_angle_deg(angle)), (Role.T1, 6.0))

    def test_sequence_over_frame_numbers_is_copied_over_seconds(self):
        sequence = multi_volume_sequence(self.series[16])
        before = [sequence.GetNthIndexValue(n) for n in range(32)]
        result = adopt_volumes()
        (one,) = result.nodes
        self.assertEqual((one.role, one.originals), (Role.DCE, (sequence,)))
        self.assertEqual((one.node.GetIndexName(), one.node.GetIndexUnit()), ("time", "s"))
        signals, times = dynamic_signals(one.node)
        np.testing.assert_allclose(times, np.arange(32) * 4.3, atol=1e-6)
        np.testing.assert_array_equal(signals, read_dynamic(self.series[16]).signals)
        self.assertAlmostEqual(injection_s(one.node), 21.5, 3)
        self.assertEqual((flip_angle_deg(one.node), repetition_time_s(one.node)), (15.0, 0.0045))
        self.assertIn("unchanged", one.reason)
        self.assertEqual([sequence.GetNthIndexValue(n) for n in range(32)], before)
        self.assertIsNone(role(sequence))
        self.assertEqual(volumes_of_study(result.studies[0], Role.DCE), [one.node])
        self.assertEqual((adoptable_nodes(), adopt_volumes().nodes), ([], []))

    def test_volumes_of_a_dynamic_series_are_put_together(self):
        one = self.series[16]
        numbers = sorted({frame.acquisition_number for frame in one.frames})
        volumes = [loaded(one, [frame for frame in one.frames if frame.acquisition_number == number]) for number in numbers[::-1]]
        result = adopt_volumes()
        (adopted,) = result.nodes
        sequence = adopted.node
        self.assertEqual(adopted.originals, tuple(volumes[::-1]))
        self.assertEqual((role(sequence), originals_of(sequence)), (Role.DCE, volumes[::-1]))
        signals, times = dynamic_signals(sequence)
        np.testing.assert_allclose(times, np.arange(32) * 4.3, atol=1e-6)
        np.testing.assert_array_equal(signals, read_dynamic(one).signals)
        self.assertEqual({role(volume) for volume in volumes}, {None})
        self.assertEqual(adoptable_nodes(), [])
        # the import finds that series in the scene
        self.assertEqual(import_examinations(self.dicom, roles=[Role.DCE]).sequences, [])

    def test_part_of_a_dynamic_series_is_no_series(self):
        one = self.series[16]
        node = loaded(one, [frame for frame in one.frames if frame.acquisition_number == 3])
        result = adopt_volumes()
        self.assertIsNone(role(node))
        self.assertRegex(" ".join(result.problems), "31 of the 32 images")
        self.assertEqual(slicer.util.getNodesByClass("vtkMRMLSequenceNode"), [])

    def test_moved_volumes_give_a_moved_series(self):
        one = self.series[16]
        numbers = sorted({frame.acquisition_number for frame in one.frames})
        volumes = [loaded(one, [frame for frame in one.frames if frame.acquisition_number == number]) for number in numbers]
        moved = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = np.eye(4)
        matrix[2, 3] = 7.0
        moved.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        volumes[0].SetAndObserveTransformNodeID(moved.GetID())
        self.assertRegex(" ".join(adopt_volumes().problems), "do not lie on one grid")
        for volume in volumes:
            volume.SetAndObserveTransformNodeID(moved.GetID())
        (adopted,) = adopt_volumes().nodes
        self.assertTrue(volume_geometry(shown_volume(adopted.node), world=True).matches(volume_geometry(volumes[0], world=True)))

    def test_images_that_philips_displays_in_different_scales_are_left(self):
        # what Slicer loads is as displayed: T1 and enhancement from that would be wrong
        with mock.patch("HCCResponseLib.dicom.examination.read.suitable_scaling", return_value="philips_private"):
            nodes = [loaded(self.series[number]) for number in (7, 8, 10, 11)]
            result = adopt_volumes()
        self.assertEqual([role(node) for node in nodes], [None] * 4)
        for one in result.nodes:
            self.assertIn("import the DICOM folder instead", one.reason)

    def test_mixed_volume_is_left(self):
        node = loaded(self.series[5])
        uids = (*self.series[5].sop_instance_uids, *self.series[10].sop_instance_uids)
        node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
        (one,) = adopt_volumes().nodes
        self.assertIsNone(one.role)
        self.assertIn("several kinds", one.reason)
        self.assertIsNone(role(node))


class TestWithoutHeaders(SceneTestCase):
    def volume(self, name: str):
        return add_volume(np.ones(GEOMETRY.shape, np.float32), GEOMETRY, name)

    def sequence(self, name: str, values, *, unit: str = "", index: str = "", frames: int = FRAMES):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
        node.SetIndexName(index)
        node.SetIndexUnit(unit)
        for n, value in zip(range(frames), values, strict=True):
            volume = add_volume(np.full(GEOMETRY.shape, n, np.int16), GEOMETRY, "frame")
            node.SetDataNodeAtValue(volume, str(value))
            slicer.mrmlScene.RemoveNode(volume)
        return node

    def test_names(self):
        for name, wanted in (
            ("t2_tse_fs_tra", Role.T2_FAT_SUPPRESSED), ("T2 TSE axial", Role.T2), ("t2_haste_cor", Role.HASTE), ("SSFSE", Role.HASTE),
            ("ep2d_diff_b400", Role.DWI), ("DWI b=800", Role.DWI), ("DWI ADC", Role.ADC), ("t1_vibe_fs_arterial", Role.ARTERIAL),
            ("LAVA portal venous", Role.PORTAL_VENOUS), ("arterial phase", Role.ARTERIAL), ("t1_vibe_native", Role.NATIVE),
            ("hepatobiliary 20 min", Role.HEPATOBILIARY), ("t1_vibe_fa10", Role.VFA), ("t1_fl2d_in_phase", Role.T1_IN_PHASE),
            ("t1_opp_phase", Role.T1_OPPOSED_PHASE), ("t1_vibe_fs", Role.T1_FAT_SUPPRESSED), ("T1 SE", Role.T1),
            ("sub t1 vibe", Role.SUBTRACTION),
            ("native", None), ("pre", None), ("t1 t2 fused", None), ("image", None), ("Volume_1", None), ("ADC b800", None),
            ("t2 dwi", None), ("MRHead", None), ("art", Role.ARTERIAL), ("", None),
        ):
            self.assertEqual(role_named(name), wanted, name)
        self.assertTrue(dynamic_named("t1_vibe_dyn_perf"))
        self.assertFalse(dynamic_named("t1_vibe_art"))

    def test_volumes_by_name_with_care(self):
        named, unnamed = self.volume("t2_tse_fs"), self.volume("Volume_3")
        diffusion = self.volume("dwi_b400")
        result = adopt_volumes()
        self.assertEqual([one.role for one in result.nodes], [Role.T2_FAT_SUPPRESSED, None, Role.DWI])
        self.assertIn("choose its role", result.nodes[1].reason)
        self.assertIn("Check it", role_reason(named))
        self.assertEqual(named.GetAttribute("HCC.RoleConfidence"), "doubtful")
        self.assertEqual(b_value(diffusion), 400.0)
        self.assertRegex(" ".join(result.problems), "Below no patient and study: 't2_tse_fs', 'dwi_b400'")
        self.assertEqual(adoptable_nodes(), [unnamed])

    def test_time_in_seconds_is_taken_as_it_is(self):
        node = self.sequence("dce", np.arange(FRAMES) * 5.0 + 2, unit="s", index="time")
        (one,) = adopt_volumes().nodes
        self.assertEqual((one.node, one.role, one.originals), (node, Role.DCE, ()))
        self.assertEqual(len(slicer.util.getNodesByClass("vtkMRMLSequenceNode")), 1)

    def test_milliseconds_are_copied_into_seconds(self):
        node = self.sequence("perf dyn", np.arange(FRAMES) * 4300, unit="ms", index="TriggerTime")
        (one,) = adopt_volumes().nodes
        self.assertEqual(one.originals, (node,))
        np.testing.assert_allclose(dynamic_signals(one.node)[1], np.arange(FRAMES) * 4.3)
        self.assertEqual((node.GetIndexUnit(), node.GetNthIndexValue(1)), ("ms", "4300"))

    def test_labels_of_the_multi_volume_importer(self):
        echoes = self.sequence("dyn", np.arange(1, FRAMES + 1) * 2.3, unit="ms", index="EchoTime")
        self.assertIn("nothing tells the times", adopt_volumes([echoes]).nodes[0].reason)
        for tag, unit, adopted in (("AcquisitionTime", "ms", True), ("EchoTime", "ms", False), ("FlipAngle", "degrees", False)):
            slicer.mrmlScene.Clear(0)
            node = self.sequence("dce", range(FRAMES))
            node.SetAttribute("MultiVolume.FrameIdentifyingDICOMTagName", tag)
            node.SetAttribute("MultiVolume.FrameIdentifyingDICOMTagUnits", unit)
            node.SetAttribute("MultiVolume.FrameLabels", ",".join(str(500 + 6000.0 * n) for n in range(FRAMES)))
            (one,) = adopt_volumes().nodes
            self.assertEqual(one.role is Role.DCE, adopted, tag)
            if adopted:
                np.testing.assert_allclose(dynamic_signals(one.node)[1], np.arange(FRAMES) * 6.0)
            else:
                self.assertIn("nothing tells the times", one.reason)

    def test_times_entered_by_hand(self):
        node = self.sequence("film", range(FRAMES))
        set_flip_angle_deg(node, 12)
        self.assertIsNone(adopt_volumes().nodes[0].role)
        copy = copy_with_times(node, np.arange(FRAMES) ** 1.5)
        np.testing.assert_allclose(dynamic_signals(copy)[1], np.arange(FRAMES) ** 1.5, rtol=1e-6)
        self.assertEqual((flip_angle_deg(copy), repetition_time_s(copy)), (12.0, None))
        with self.assertRaises(InputError):
            copy_with_times(node, np.arange(3))

    def test_shown_hidden_and_copied_are_no_candidates(self):
        node = add_dynamic_series(np.ones((*GEOMETRY.shape, 3)), [0, 1, 2], GEOMETRY, "dce")
        self.assertIs(sequence_shown_by(shown_volume(node)), node)
        self.volume("t2").SetHideFromEditors(True)
        self.assertEqual(adoptable_nodes(), [])
        self.assertEqual(adopt_volumes().nodes, [])
        self.assertEqual(volume_array(shown_volume(node)).max(), 1)
        self.assertEqual(studies(slicer.mrmlScene.GetSubjectHierarchyNode().GetSceneItemID()), [])


if __name__ == "__main__":
    unittest.main()

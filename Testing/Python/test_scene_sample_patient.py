"""The sample patient: a scene as after a day of work, true in every outline; cancelled, it was never there."""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.errors import Cancelled
from HCCResponseLib.phantom.reference_patient import patient_truth, reference_patient
from HCCResponseLib.response.case import LesionKind
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.dynamic_series import dynamic_signals
from HCCResponseLib.scene.lesion_attributes import lesion_of
from HCCResponseLib.scene.sample_patient import load_sample_patient
from HCCResponseLib.scene.segment_masks import reference_volume
from HCCResponseLib.scene.segment_types import segment_site, segment_type, segments_of_type
from HCCResponseLib.scene.segments import segment_mask
from HCCResponseLib.scene.study_nodes import lesions_of_study, segmentation_of_study, volumes_of_study
from HCCResponseLib.scene.time_points import patients, studies, time_point
from HCCResponseLib.scene.volumes import volume_array

REFERENCES = (RegionType.LIVER_REFERENCE, RegionType.AORTA, RegionType.PORTAL_VEIN, RegionType.MUSCLE)


class TestSamplePatient(SceneTestCase):
    def test_everything_is_there_and_true(self):
        folder, told = self.folder / "kept", []
        item = load_sample_patient(small=True, folder=folder, progress=told.append)
        self.assertEqual((told, told[-1]), (sorted(told), 1.0))
        self.assertEqual(len(list(folder.glob("*/*/*.dcm"))), 42)
        patient = reference_patient(small=True)
        truth = patient_truth(patient)
        self.assertEqual(patients(), [item])
        self.assertEqual(slicer.mrmlScene.GetSubjectHierarchyNode().GetItemName(item), "Reference^Patient (HCC-REFERENCE)")
        for study, known, examination in zip(studies(item), truth["examinations"], patient.examinations, strict=True):
            with self.subTest(examination.name):
                point = time_point(study)
                self.assertEqual((point.index, point.weeks_from_baseline), (known["index"], known["weeks_from_baseline"]))
                self.assertEqual((point.date, point.treatment), (known["date"], known["treatment"]))
                self._check_lesions(study, known, examination)
                self._check_references(study, examination)
        node = segmentation_of_study(studies(item)[0])
        kinds = [lesion_of(node, segment_id).kind for segment_id in lesions_of_study(studies(item)[0]).values()]
        self.assertEqual(sorted(kinds), [LesionKind.NON_TARGET, LesionKind.TARGET, LesionKind.TARGET])
        self.assertEqual(load_sample_patient(small=True), item, "it is there already")
        slicer.mrmlScene.Clear(0)
        with mock.patch("HCCResponseLib.phantom.reference_patient.write_patient", side_effect=AssertionError("written again")):
            item = load_sample_patient(small=True, folder=folder)
        self.assertEqual([len(lesions_of_study(study)) for study in studies(item)], [3, 3, 3])
        names = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")]
        self.assertEqual(len(names), 3)
        reopen(self.folder / "sample.mrb")
        self.assertEqual([len(lesions_of_study(study)) for study in studies(patients()[0])], [3, 3, 3])

    def _check_lesions(self, study, known, examination):
        node = segmentation_of_study(study)
        lesions = lesions_of_study(study)
        self.assertEqual(list(lesions), [one["tracking_uid"] for one in known["lesions"]])
        volume = volumes_of_study(study, Role.T2_FAT_SUPPRESSED)[0]
        self.assertEqual(reference_volume(node), volume)
        true = {one.name: one.mask for one in examination.outlines("anatomy")}
        colors = set()
        for one, segment_id in zip(known["lesions"], lesions.values(), strict=True):
            self.assertEqual(lesion_of(node, segment_id).identifier, one["identifier"])
            self.assertIs(segment_type(node, segment_id), RegionType.HEPATOCELLULAR_CARCINOMA)
            self.assertEqual(segment_site(node, segment_id), "liver")
            np.testing.assert_array_equal(segment_mask(node, segment_id, volume), true[one["identifier"]])
            colors.add(node.GetSegmentation().GetSegment(segment_id).GetColor())
        self.assertEqual(len(colors), 3)

    def _check_references(self, study, examination):
        """What is measured in a reference region is that tissue alone."""
        node = segmentation_of_study(study)
        dynamic = volumes_of_study(study, Role.DCE)[0]
        native = volumes_of_study(study, Role.NATIVE)[0]
        pure = {one.name: one.mask for one in examination.outlines("perfusion", pure=True)}
        # too thin for voxels of 6 mm
        pure |= {one.name: one.mask for one in examination.outlines("perfusion") if one.name == "portal vein"}
        flip_angle_volume = volumes_of_study(study, Role.VFA)[0]
        for region, name in zip(REFERENCES, ("liver", "aorta", "portal vein", "muscle"), strict=True):
            (segment_id,) = segments_of_type(node, region)
            mask = segment_mask(node, segment_id, flip_angle_volume)
            self.assertTrue((mask <= pure[name]).all(), name)
            self.assertGreater(mask.sum(), 3, name)
            if name in ("aorta", "portal vein"):
                np.testing.assert_array_equal(mask, pure[name], name)
            self.assertGreater(segment_mask(node, segment_id, native).sum(), 3)
        (aorta,) = segments_of_type(node, RegionType.AORTA)
        signals, _ = dynamic_signals(dynamic)
        curve = signals[segment_mask(node, aorta, flip_angle_volume)].mean(axis=0)
        self.assertGreater(curve.max() / curve[:5].mean(), 3)
        self.assertEqual(volume_array(native).dtype, np.float32)

    def test_another_patient_in_the_folder_is_not_taken(self):
        patient = reference_patient(small=True)
        (self.folder / "truth.json").write_text(json.dumps(patient_truth(patient) | {"seed": 1}))
        with self.assertRaises(Cancelled):
            load_sample_patient(small=True, folder=self.folder, progress=lambda fraction: fraction < 0.01)
        self.assertEqual(patients(), [])

    def test_cancelled_nothing_is_left(self):
        names = ("Volume", "Sequence", "SequenceBrowser", "Segmentation", "Display")

        def nodes():
            return sum(len(slicer.util.getNodesByClass(f"vtkMRML{name}Node")) for name in names)

        before, items = nodes(), slicer.mrmlScene.GetSubjectHierarchyNode().GetNumberOfItems()
        temporary = Path(tempfile.mkdtemp(dir=self.folder))
        for last in (0.1, 0.94):
            with mock.patch.object(tempfile, "tempdir", str(temporary)), self.subTest(last), self.assertRaises(Cancelled):
                load_sample_patient(small=True, progress=lambda fraction, last=last: fraction < last)
            self.assertEqual((nodes(), patients()), (before, []))
            self.assertEqual(slicer.mrmlScene.GetSubjectHierarchyNode().GetNumberOfItems(), items)
            self.assertEqual(list(temporary.iterdir()), [], "generated files are gone")


if __name__ == "__main__":
    unittest.main()

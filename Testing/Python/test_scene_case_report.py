"""Pictures of every lesion of a patient in the scene, and the report with them."""

import importlib.util
import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, slicer

from HCCResponseLib.errors import Cancelled
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.scene.case_pictures import case_pictures
from HCCResponseLib.scene.case_report import write_case_report
from HCCResponseLib.scene.lesion_volume import measure_volume
from HCCResponseLib.scene.linked_segments import set_linked_mask
from HCCResponseLib.scene.measurement_rows import reading_of
from HCCResponseLib.scene.proposals import mark_proposed
from HCCResponseLib.scene.sample_patient import load_sample_patient
from HCCResponseLib.scene.segment_masks import reference_volume
from HCCResponseLib.scene.segments import segment_mask
from HCCResponseLib.scene.study_nodes import examinations_of_patient, lesions_of_study, segmentation_of_study


class CaseReportTest(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.patient = load_sample_patient(small=True)
        self.studies = examinations_of_patient(self.patient)

    def test_every_lesion_is_seen_at_every_examination_in_one_field_of_view(self):
        first = segmentation_of_study(self.studies[0])
        uid, segment_id = next(iter(lesions_of_study(self.studies[0]).items()))
        volume = reference_volume(first)
        whole = segment_mask(first, segment_id, volume)
        half = whole & (np.arange(whole.shape[2]) < np.median(np.nonzero(whole)[2]))
        set_linked_mask(first, segment_id, RegionType.NECROTIC, half, volume)
        last = segmentation_of_study(self.studies[2])
        mark_proposed(last, lesions_of_study(self.studies[2])[uid], "the examination before")

        pictures, problems = case_pictures(self.patient)
        self.assertEqual(problems, [])
        self.assertEqual({one.title for one in pictures}, {"T1", "T2", "Subtraction"})
        self.assertEqual(len(pictures), 3 * (3 + 3 + 2))
        for lesion in {one.lesion_uid for one in pictures}:
            self.assertEqual(len({one.field_mm for one in pictures if one.lesion_uid == lesion}), 1)
        labels = {overlay.label for one in pictures if one.title == "Subtraction" for overlay in one.overlays}
        self.assertIn("necrotic", labels)
        self.assertEqual([one for one in pictures if one.lesion_uid == uid and one.time_point == 2], [])

    @unittest.skipUnless(importlib.util.find_spec("jinja2") and importlib.util.find_spec("matplotlib"), "needs the extra 'report'")
    def test_the_report_holds_the_numbers_and_not_the_name(self):
        for study in self.studies:
            node = segmentation_of_study(study)
            for segment_id in lesions_of_study(study).values():
                measure_volume(node, segment_id, reading_of(node, "AB"))
        with self.assertRaises(Cancelled):
            write_case_report(self.patient, self.folder / "report", progress=lambda fraction: False)
        self.assertFalse((self.folder / "report").exists())
        path = write_case_report(self.patient, self.folder / "report", deidentify=True)
        text = path.read_text(encoding="utf-8")
        name = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemAttribute(self.patient, "DICOM.PatientName")
        self.assertNotIn(name, text)
        self.assertGreater(text.count("data:image/png"), 9)
        self.assertIn("HCC 3", text)


if __name__ == "__main__":
    unittest.main()

"""Coded segment types: what is written is what Slicer's terminology logic reads, and the other way round."""

import unittest

from slicer_core_scene import IN_APPLICATION, SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer
from test_scene_segments import add_segmentation

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.region_types import SITES, RegionType
from HCCResponseLib.scene.segment_types import CONTEXT_NAME, segment_site, segment_type, segments_of_type, set_segment_type
from HCCResponseLib.scene.terminology import load_terminology, terminology_context


def add_empty(segmentation_node, name: str) -> str:
    return segmentation_node.GetSegmentation().AddEmptySegment("", name)


class TestSegmentTypes(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.node = add_segmentation("Baseline")
        self.segment_id = add_empty(self.node, "Lesion 1")
        self.segment = self.node.GetSegmentation().GetSegment(self.segment_id)

    def test_a_new_segment_is_of_no_type(self):
        self.assertIsNone(segment_type(self.node, self.segment_id))
        self.assertIsNone(segment_site(self.node, self.segment_id))
        self.segment.RemoveTag("TerminologyEntry")
        self.assertIsNone(segment_type(self.node, self.segment_id))

    def test_every_type_comes_back(self):
        for one in RegionType:
            set_segment_type(self.node, self.segment_id, one)
            self.assertIs(segment_type(self.node, self.segment_id), one)

    def test_the_site_stays_when_the_type_changes(self):
        for site in SITES:
            set_segment_type(self.node, self.segment_id, RegionType.LESION, site=site)
            set_segment_type(self.node, self.segment_id, RegionType.SECONDARY_NEOPLASM)
            self.assertEqual(segment_site(self.node, self.segment_id), site)

    def test_lesions_keep_their_colour_and_parts_get_theirs(self):
        self.segment.SetColor(0.1, 0.2, 0.3)
        set_segment_type(self.node, self.segment_id, RegionType.HEPATOCELLULAR_CARCINOMA)
        self.assertEqual(self.segment.GetColor(), (0.1, 0.2, 0.3))
        set_segment_type(self.node, self.segment_id, RegionType.AORTA)
        self.assertEqual([round(255 * component) for component in self.segment.GetColor()], [224, 97, 76])

    def test_segments_are_found_by_code_whatever_their_names(self):
        ids = [self.segment_id] + [add_empty(self.node, name) for name in ("Liver", "Aorta")]
        for segment_id, one in zip(ids, (RegionType.AORTA, RegionType.LESION, RegionType.LIVER_REFERENCE), strict=True):
            set_segment_type(self.node, segment_id, one)
        self.assertEqual(segments_of_type(self.node, RegionType.AORTA), [ids[0]])
        self.assertEqual(segments_of_type(self.node, RegionType.LIVER), [])
        self.assertEqual(segments_of_type(self.node, RegionType.LIVER_REFERENCE, RegionType.LESION), ids[1:])

    def test_types_chosen_from_slicers_own_terminology_are_understood(self):
        for text, expected in (
            ("SCT^10200004^Liver~^^", RegionType.LIVER),
            ("SCT^32764006^Portal vein~SCT^24028007^Right", RegionType.PORTAL_VEIN),
            ("SCT^6574001^Tissue death~^^", RegionType.NECROTIC),
            ("SCT^78961009^Spleen~^^", None),
        ):
            self.segment.SetTerminology(f"Another list~SCT^123037004^Anatomical Structure~{text}~Anatomic codes - DICOM master list~^^~^^")
            self.assertIs(segment_type(self.node, self.segment_id), expected, text)

    def test_a_missing_segment_is_named(self):
        with self.assertRaisesRegex(InputError, "Baseline.*Segment_9"):
            set_segment_type(self.node, "Segment_9", RegionType.LESION)

    def test_survives_a_saved_scene(self):
        set_segment_type(self.node, self.segment_id, RegionType.VIABLE, site="lumbar spine")
        reopen(self.folder / "case.mrb")
        node = slicer.util.getNode("Baseline")
        self.assertEqual(segments_of_type(node, RegionType.VIABLE), [self.segment_id])
        self.assertEqual(segment_site(node, self.segment_id), "lumbar spine")


class TestTerminology(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.logic = slicer.modules.terminologies.logic() if IN_APPLICATION else slicer.vtkSlicerTerminologiesModuleLogic()

    def test_slicer_reads_what_is_written(self):
        node = add_segmentation()
        segment_id = add_empty(node, "Part")
        set_segment_type(node, segment_id, RegionType.VIABLE, site="liver")
        entry = slicer.vtkSlicerTerminologyEntry()
        terminology = node.GetSegmentation().GetSegment(segment_id).GetTerminology()
        self.assertTrue(self.logic.DeserializeTerminologyEntry(terminology, entry))
        self.assertEqual(entry.GetTerminologyContextName(), CONTEXT_NAME)
        for found, code in (
            (entry.GetCategoryObject(), RegionType.VIABLE.category),
            (entry.GetTypeObject(), RegionType.VIABLE.code),
            (entry.GetTypeModifierObject(), RegionType.VIABLE.modifier),
            (entry.GetRegionObject(), SITES["liver"].code),
        ):
            self.assertEqual((found.GetCodeValue(), found.GetCodingSchemeDesignator(), found.GetCodeMeaning()), tuple(code))

    def test_every_type_can_be_chosen_with_its_colour(self):
        load_terminology(self.logic)
        load_terminology(self.logic)
        self.assertTrue(self.logic.IsTerminologyContextLoaded(CONTEXT_NAME))
        entry = slicer.vtkSlicerTerminologyEntry()
        for one in RegionType:
            self.assertTrue(self.logic.FindTypeInTerminologyBy3dSlicerLabel(CONTEXT_NAME, one.title, entry), one.title)
            self.assertEqual(entry.GetTypeObject().GetCodeValue(), one.code.value)
            found = entry.GetTypeObject() if one.modifier is None else entry.GetTypeModifierObject()
            self.assertEqual(tuple(found.GetRecommendedDisplayRGBValue()), one.color)

    def test_a_type_stands_once_in_its_category(self):
        for category in terminology_context()["SegmentationCodes"]["Category"]:
            values = [one["CodeValue"] for one in category["Type"]]
            self.assertEqual(len(values), len(set(values)))


if __name__ == "__main__":
    unittest.main()

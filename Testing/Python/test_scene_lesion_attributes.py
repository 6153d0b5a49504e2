"""Lesions as segments: identity, what they count as, parts, proposals, rows; all by code, all back after saving."""

import dataclasses
import math
import typing
import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer
from test_scene_segments import add_segmentation

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import Lesion, LesionKind, TimePoint
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.scene.lesion_attributes import (
    exclusion,
    lesion_of,
    lesion_segments,
    segments_of_lesion,
    set_exclusion,
    set_lesion,
)
from HCCResponseLib.scene.lesion_identity import ensure_lesion_identity, lesion_identity, set_lesion_identity
from HCCResponseLib.scene.linked_segments import (
    link_segment,
    linked_lesion,
    linked_segment,
    linked_segments,
    reference_segment,
    set_linked_mask,
)
from HCCResponseLib.scene.measured_outlines import outdated_procedures
from HCCResponseLib.scene.measurement_rows import Reading, method_text, reading_of, rows_of, write_rows
from HCCResponseLib.scene.measurement_table import measurements
from HCCResponseLib.scene.proposals import accept_proposal, mark_proposed, proposal, proposals
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.segment_tags import get_tag
from HCCResponseLib.scene.segment_types import segment_site, segment_type, set_segment_type
from HCCResponseLib.scene.segments import segment_ids, segment_mask
from HCCResponseLib.scene.subject_hierarchy import source_uid, study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import set_time_point
from HCCResponseLib.scene.volumes import add_volume

READING = Reading("P1", 1, "A")


class LesionTestCase(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.node = add_segmentation("Baseline")
        self.segment_id = add_segment(self.node, "Lesion 1")


class TestLesionAttributes(LesionTestCase):
    def test_a_segment_without_identity_is_no_lesion(self):
        self.assertIsNone(lesion_of(self.node, self.segment_id))
        self.assertEqual(lesion_segments(self.node), [])

    def test_every_attribute_comes_back(self):
        for lesion in (
            Lesion("2.25.1", "L1"),
            Lesion("2.25.1", "L1", LesionKind.TARGET, "bone", lymph_node=True, previously_treated=True, in_field=True),
            Lesion("2.25.1", "L1", LesionKind.NEW, "lung", previously_treated=True, in_field=False),
            Lesion("2.25.1", "so-called: L1", LesionKind.NON_TARGET, in_field=None),
        ):
            set_lesion(self.node, self.segment_id, lesion)
            self.assertEqual(lesion_of(self.node, self.segment_id), lesion)
        self.assertEqual(lesion_segments(self.node), [self.segment_id])

    def test_type_and_site_are_codes(self):
        set_segment_type(self.node, self.segment_id, RegionType.HEPATOCELLULAR_CARCINOMA)
        set_lesion(self.node, self.segment_id, Lesion("2.25.1", "L1", organ="bone"), site="sacrum")
        self.assertIs(segment_type(self.node, self.segment_id), RegionType.HEPATOCELLULAR_CARCINOMA)
        self.assertEqual(segment_site(self.node, self.segment_id), "sacrum")
        set_segment_type(self.node, self.segment_id, RegionType.MUSCLE)
        set_lesion(self.node, self.segment_id, Lesion("2.25.1", "L1"))
        self.assertIs(segment_type(self.node, self.segment_id), RegionType.LESION)

    def test_the_lesion_of_other_examinations_follows_and_others_do_not(self):
        follow_up = add_segmentation("Week 4")
        same, other = (add_segment(follow_up, name) for name in ("renamed", "Lesion 1"))
        identity = ensure_lesion_identity(self.node, self.segment_id)
        set_lesion_identity(follow_up, same, identity)
        ensure_lesion_identity(follow_up, other)
        lesion = Lesion(identity.uid, "L1", LesionKind.TARGET, in_field=True)
        set_lesion(self.node, self.segment_id, lesion)
        set_exclusion(follow_up, same, "treated before")
        self.assertEqual(lesion_of(follow_up, same), lesion)
        self.assertIsNone(lesion_of(follow_up, other).kind)
        self.assertEqual(exclusion(follow_up, other), "")
        self.assertEqual(exclusion(self.node, self.segment_id), "treated before")
        self.assertEqual(segments_of_lesion(identity.uid), [(self.node, self.segment_id), (follow_up, same)])
        set_exclusion(self.node, self.segment_id, "")
        self.assertEqual(exclusion(follow_up, same), "")

    def test_every_field_of_any_type_comes_back(self):
        others = {"uid": "2.25.1", "identifier": "L1", "kind": LesionKind.TARGET, "organ": "bone", "split_from": "2.25.2"}
        values = {}
        for field in dataclasses.fields(Lesion):
            kinds = typing.get_args(field.type) or (field.type,)
            number = 1.0 / 3.0 if float in kinds else 25 if int in kinds else None
            values[field.name] = others.get(field.name, True if bool in kinds else number)
        lesion = Lesion(**values)
        set_lesion(self.node, self.segment_id, lesion)
        self.assertEqual(lesion_of(self.node, self.segment_id), lesion)

    def test_a_damaged_tag_is_named(self):
        ensure_lesion_identity(self.node, self.segment_id)
        segment = self.node.GetSegmentation().GetSegment(self.segment_id)
        segment.SetTag("HCC.InField", "perhaps")
        with self.assertRaisesRegex(InputError, "Lesion 1.*perhaps"):
            lesion_of(self.node, self.segment_id)
        segment.RemoveTag("HCC.InField")
        segment.SetTag("HCC.Kind", "old")
        with self.assertRaisesRegex(InputError, "old"):
            lesion_of(self.node, self.segment_id)

    def test_a_segment_of_another_patient_cannot_be_asked_for(self):
        with self.assertRaisesRegex(InputError, "Segment_9"):
            set_lesion(self.node, "Segment_9", Lesion("2.25.1", "L1"))


class TestLinkedSegments(LesionTestCase):
    def setUp(self):
        super().setUp()
        self.geometry = Geometry.from_parts((5, 6, 7), (1, 2, 3))
        self.volume_node = add_volume(np.zeros(self.geometry.shape, np.float32), self.geometry, "T1")
        self.other_id = add_segment(self.node, "Lesion 2")
        self.mask = np.random.default_rng(1).random(self.geometry.shape) < 0.4

    def test_a_part_is_found_by_lesion_and_code_and_rewritten_in_place(self):
        part_id = set_linked_mask(self.node, self.segment_id, RegionType.NECROTIC, self.mask, self.volume_node)
        self.node.GetSegmentation().GetSegment(part_id).SetName("renamed")
        again = set_linked_mask(self.node, self.segment_id, RegionType.NECROTIC, ~self.mask, self.volume_node)
        other = set_linked_mask(self.node, self.other_id, RegionType.NECROTIC, self.mask, self.volume_node)
        self.assertEqual(again, part_id)
        uid = lesion_identity(self.node, self.segment_id).uid
        self.assertEqual(linked_segment(self.node, uid, RegionType.NECROTIC), part_id)
        self.assertIsNone(linked_segment(self.node, uid, RegionType.VIABLE))
        self.assertEqual(linked_segments(self.node, uid), [part_id])
        self.assertEqual(linked_lesion(self.node, other), lesion_identity(self.node, self.other_id).uid)
        np.testing.assert_array_equal(segment_mask(self.node, part_id, self.volume_node), ~self.mask)
        self.assertIsNone(lesion_identity(self.node, part_id))
        self.assertEqual(lesion_segments(self.node), [])

    def test_a_part_may_be_empty(self):
        part_id = set_linked_mask(self.node, self.segment_id, RegionType.VIABLE, np.zeros_like(self.mask), self.volume_node)
        self.assertIs(segment_type(self.node, part_id), RegionType.VIABLE)

    def test_an_error_leaves_no_segment_behind(self):
        with self.assertRaises(InputError):
            set_linked_mask(self.node, self.segment_id, RegionType.VIABLE, self.mask[1:], self.volume_node)
        self.assertEqual(segment_ids(self.node), [self.segment_id, self.other_id])

    def test_a_lesion_prefers_its_own_reference(self):
        uid = ensure_lesion_identity(self.node, self.segment_id).uid
        self.assertIsNone(reference_segment(self.node, uid, RegionType.LIVER_REFERENCE))
        of_other = set_linked_mask(self.node, self.other_id, RegionType.LIVER_REFERENCE, self.mask, self.volume_node)
        self.assertIsNone(reference_segment(self.node, uid, RegionType.LIVER_REFERENCE))
        common = add_segment(self.node, "Liver")
        set_segment_type(self.node, common, RegionType.LIVER_REFERENCE)
        self.assertEqual(reference_segment(self.node, uid, RegionType.LIVER_REFERENCE), common)
        link_segment(self.node, of_other, self.segment_id, RegionType.LIVER_REFERENCE)
        self.assertEqual(reference_segment(self.node, uid, RegionType.LIVER_REFERENCE), of_other)


class TestProposals(LesionTestCase):
    def test_until_it_is_accepted(self):
        self.assertEqual(proposals(self.node), [])
        mark_proposed(self.node, self.segment_id, "grown from a click: T1")
        self.assertEqual(proposal(self.node, self.segment_id), "grown from a click: T1")
        self.assertEqual(proposals(self.node), [self.segment_id])
        with self.assertRaisesRegex(InputError, "'Lesion 1' is only a proposal"):
            write_rows(self.node, self.segment_id, {"VOLUME": 1.0}, READING, "Volume: by hand")
        self.assertEqual(measurements(), [])
        accept_proposal(self.node, self.segment_id)
        self.assertEqual(proposals(self.node), [])
        write_rows(self.node, self.segment_id, {"VOLUME": 1.0}, READING, "Volume: by hand")
        self.assertEqual(len(measurements()), 1)

    def test_slicer_shows_the_status(self):
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        segment = self.node.GetSegmentation().GetSegment(self.segment_id)
        accept_proposal(self.node, self.segment_id)
        self.assertEqual(logic.GetSegmentStatus(segment), logic.NotStarted)
        mark_proposed(self.node, self.segment_id, "")
        self.assertEqual(logic.GetSegmentStatus(segment), logic.InProgress)
        self.assertEqual(get_tag(segment, "DICOM.SegmentAlgorithmType"), "SEMIAUTOMATIC")
        accept_proposal(self.node, self.segment_id)
        self.assertEqual(logic.GetSegmentStatus(segment), logic.Completed)


class TestRows(LesionTestCase):
    def values(self, **wanted) -> dict[str, float]:
        return {row.quantity: row.value for row in rows_of(self.node, self.segment_id, READING, **wanted)}

    def test_a_procedure_replaces_all_its_rows_and_no_others(self):
        write_rows(self.node, self.segment_id, {"VOLUME": 2.0}, READING, "Volume: surface")
        write_rows(self.node, self.segment_id, {"NECROTIC_VOLUME": 1.0, "HAEMORRHAGIC_VOLUME": 0.5}, READING, "Necrosis: k = 2")
        write_rows(self.node, self.segment_id, {"NECROTIC_VOLUME": 0.7}, READING, "Necrosis: k = 3")
        self.assertEqual(self.values(), {"VOLUME": 2.0, "NECROTIC_VOLUME": 0.7})
        self.assertEqual([row.method for row in measurements()], ["Volume: surface", "Necrosis: k = 3"])

    def test_other_readers_time_points_and_lesions_stand_beside(self):
        other_id = add_segment(self.node, "Lesion 2")
        for reading in (READING, Reading("P1", 1, "B"), Reading("P1", 2, "A")):
            write_rows(self.node, self.segment_id, {"VOLUME": 1.0}, reading, "Volume: a")
        write_rows(self.node, other_id, {"VOLUME": 3.0}, READING, "Volume: a")
        write_rows(self.node, self.segment_id, {"VOLUME": 2.0}, READING, "Volume: b")
        self.assertEqual(sorted(row.value for row in measurements()), [1.0, 1.0, 2.0, 3.0])
        self.assertEqual(self.values(), {"VOLUME": 2.0})

    def test_the_row_says_everything(self):
        volume_node = add_volume(np.zeros((2, 2, 2), np.float32), Geometry.from_parts((2, 2, 2), (1, 1, 1)), "T1")
        method = method_text("Diameter", "longest line", {"plane": "axial", "gap_mm": 2.5, "reformatted": False, "k": None})
        rows = write_rows(self.node, self.segment_id, {"LONG_AXIS": 31.5}, READING, method, source_nodes=[volume_node, None])
        self.assertEqual(measurements(), rows)
        row = rows[0]
        self.assertEqual(row.method, "Diameter: longest line, plane = axial, gap mm = 2.5, reformatted = no")
        self.assertEqual((row.patient, row.time_point, row.reader, row.lesion_name), ("P1", 1, "A", "Lesion 1"))
        self.assertEqual((row.unit, row.source_series), ("mm", source_uid(volume_node)))
        self.assertEqual(row.lesion_uid, lesion_identity(self.node, self.segment_id).uid)

    def test_an_error_changes_nothing(self):
        write_rows(self.node, self.segment_id, {"VOLUME": 2.0}, READING, "Volume: a")
        before = measurements()
        for values, words in (({"VOLUME": 1.0, "SUV": 2.0}, "SUV"), ({"VOLUME": math.inf}, "infinite")):
            with self.assertRaisesRegex(InputError, words):
                write_rows(self.node, self.segment_id, values, READING, "Volume: b")
        twin = add_segment(self.node, "Twin")
        set_lesion_identity(self.node, twin, lesion_identity(self.node, self.segment_id))
        with self.assertRaisesRegex(InputError, "identity of 'Twin'"):
            write_rows(self.node, twin, {"VOLUME": 9.0}, READING, "Volume: b")
        self.assertEqual(measurements(), before)

    def test_nothing_passes_from_patient_to_patient(self):
        geometry = Geometry.from_parts((2, 2, 2), (1, 1, 1))
        other = add_volume(np.zeros(geometry.shape, np.float32), geometry, "T1")
        study = study_item(patient_id="P2", patient_name="N", study_uid="1.2.3")
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(other), study)
        with self.assertRaisesRegex(InputError, "different patients .P1, P2"):
            write_rows(self.node, self.segment_id, {"VOLUME": 1.0}, READING, "Volume: a", source_nodes=[other])
        write_rows(self.node, self.segment_id, {"VOLUME": 1.0}, READING, "Volume: a")
        with self.assertRaisesRegex(InputError, "measured as a lesion of patient P1 and cannot be one of patient P2"):
            write_rows(self.node, self.segment_id, {"VOLUME": 1.0}, Reading("P2", 1, "A"), "Volume: a")
        self.assertEqual(len(measurements()), 1)

    def test_rows_tell_whether_they_still_hold(self):
        geometry = Geometry.from_parts((6, 6, 6), (1, 1, 1))
        volume_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "T1")
        mask = np.random.default_rng(3).random(geometry.shape) < 0.4
        part_id = add_segment(self.node, "part")
        for segment_id in (self.segment_id, part_id):
            set_segment_mask(self.node, segment_id, mask, volume_node)
        write_rows(self.node, self.segment_id, {"VOLUME": 1.0}, READING, "Volume: a")
        write_rows(self.node, self.segment_id, {"NECROTIC_VOLUME": 1.0}, READING, "Necrosis: a", outline_ids=[self.segment_id, part_id])
        write_rows(self.node, self.segment_id, {"T1_GRADE": 4.0}, READING, "T1 grade: by eye", outline_ids=[])
        other_id = add_segment(self.node, "elsewhere")
        set_segment_mask(self.node, other_id, ~mask, volume_node)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), [])
        changed = mask.copy()
        changed[0, 0, 0] ^= True
        set_segment_mask(self.node, part_id, changed, volume_node)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), ["Necrosis"])
        set_segment_mask(self.node, self.segment_id, changed, volume_node)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), ["Volume", "Necrosis"])
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "B"), [])
        set_segment_mask(self.node, self.segment_id, mask, volume_node)
        reopen(self.folder / "case.mrb")
        self.node = slicer.util.getNode("Baseline")
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), ["Necrosis"])
        write_rows(self.node, self.segment_id, {"NECROTIC_VOLUME": 1.0}, READING, "Necrosis: b")
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), [])

    def test_the_reading_comes_from_the_study(self):
        study = study_item(patient_id="P7", patient_name="N", study_uid="1.2.3")
        with self.assertRaisesRegex(InputError, "'Baseline' belongs to no time point"):
            reading_of(self.node, "A")
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(self.node), study)
        with self.assertRaises(InputError):
            reading_of(self.node, "A")
        set_time_point(study, TimePoint(2))
        self.assertEqual(reading_of(self.node, "A"), Reading("P7", 2, "A"))


class TestSavedScene(LesionTestCase):
    def test_everything_comes_back(self):
        lesion = Lesion("2.25.77", 'so-called: "L1"', LesionKind.TARGET, previously_treated=True, in_field=False)
        set_lesion(self.node, self.segment_id, lesion, site="liver")
        set_exclusion(self.node, self.segment_id, "ill-defined: edge 9 mm wide")
        mark_proposed(self.node, self.segment_id, "carried from week 4")
        volume_node = add_volume(np.zeros((4, 4, 4), np.float32), Geometry.from_parts((4, 4, 4), (1, 1, 1)), "T1")
        mask = np.random.default_rng(2).random((4, 4, 4)) < 0.5
        part_id = set_linked_mask(self.node, self.segment_id, RegionType.VIABLE, mask, volume_node)
        empty_id = set_linked_mask(self.node, self.segment_id, RegionType.NECROTIC, np.zeros_like(mask), volume_node)
        for _ in range(2):
            reopen(self.folder / "case.mrb")
            node = slicer.util.getNode("Baseline")
            self.assertEqual(lesion_of(node, self.segment_id), lesion)
            self.assertEqual(exclusion(node, self.segment_id), "ill-defined: edge 9 mm wide")
            self.assertEqual(proposal(node, self.segment_id), "carried from week 4")
            self.assertEqual(linked_segment(node, lesion.uid, RegionType.VIABLE), part_id)
            self.assertEqual(linked_segment(node, lesion.uid, RegionType.NECROTIC), empty_id)
            np.testing.assert_array_equal(segment_mask(node, part_id, slicer.util.getNode("T1")), mask)


if __name__ == "__main__":
    unittest.main()

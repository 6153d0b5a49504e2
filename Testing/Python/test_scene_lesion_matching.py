"""Lesions of two examinations outlined apart: proposals, the reader's word, and everything that follows an identity."""

import unittest

import numpy as np
import slicer
from slicer_core_scene import SceneTestCase, reopen
from test_scene_segments import add_segmentation, add_transform, rigid

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import LPS_TO_RAS, Geometry
from HCCResponseLib.lesions.outlining.registration import Registration
from HCCResponseLib.response.case import Lesion, LesionKind, TimePoint
from HCCResponseLib.response.finding import Finding, LesionState
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.scene.diameter_lines import diameter_lines, line_lesion_uid
from HCCResponseLib.scene.findings import finding_of, findings, set_finding
from HCCResponseLib.scene.identity_change import change_identity
from HCCResponseLib.scene.lesion_attributes import lesion_of, set_lesion
from HCCResponseLib.scene.lesion_diameters import measure_diameters
from HCCResponseLib.scene.lesion_identity import lesion_identity, new_lesion_identity, segment_of_lesion
from HCCResponseLib.scene.lesion_matching import apply_match, match_lesions, match_sentences
from HCCResponseLib.scene.linked_segments import linked_segments, set_linked_mask
from HCCResponseLib.scene.measurement_rows import Reading, rows_of
from HCCResponseLib.scene.measurement_table import measurements
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.subject_hierarchy import study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import set_time_point
from HCCResponseLib.scene.undo import Undo
from HCCResponseLib.scene.volumes import add_volume

BEFORE, AFTER = Reading("P1", 0, "A"), Reading("P1", 1, "A")
SHAPE = (16, 64, 64)


def ball(centre, radius) -> np.ndarray:
    return ((np.indices(SHAPE) - np.reshape(centre, (3, 1, 1, 1))) ** 2).sum(axis=0) <= radius**2


class MatchingTestCase(SceneTestCase):
    """Two examinations on one grid; the later one moved by a known motion, which the registration undoes."""

    def setUp(self):
        super().setUp()
        self.geometry = Geometry.from_parts(SHAPE, (1.5, 1.5, 2.0), (3, 4, 5))
        self.motion = rigid(np.random.default_rng(1))
        self.registration = Registration(LPS_TO_RAS @ self.motion @ LPS_TO_RAS)
        self.before, self.after = add_segmentation("Baseline"), add_segmentation("Week 4")
        self.studies = []
        for reading, node in ((BEFORE, self.before), (AFTER, self.after)):
            study = study_item(patient_id=reading.patient, patient_name="N", study_uid=f"1.2.{reading.time_point}")
            set_time_point(study, TimePoint(reading.time_point))
            slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), study)
            self.studies.append(study)
        self.volumes = [add_volume(np.zeros(SHAPE, np.float32), self.geometry, name) for name in ("T1 before", "T1 after")]
        transform_id = add_transform(self.motion).GetID()
        for node in (self.after, self.volumes[1]):
            node.SetAndObserveTransformNodeID(transform_id)

    def draw(self, segmentation_node, name: str, uid: str, *balls, **attributes) -> str:
        segment_id = add_segment(segmentation_node, name)
        volume_node = self.volumes[segmentation_node is self.after]
        set_segment_mask(segmentation_node, segment_id, np.logical_or.reduce([ball(*one) for one in balls]), volume_node)
        set_lesion(segmentation_node, segment_id, Lesion(uid, name, **attributes))
        return segment_id

    def match(self, **settings):
        return match_lesions(self.before, self.after, registration=self.registration, **settings)

    def decided(self, before, after):
        matching = self.match().decide(before, after, "A")
        return next(one for one in matching.matches if one.decided_by and (one.before, one.after) == (tuple(before), tuple(after)))


class TestProposals(MatchingTestCase):
    def test_kinds_and_reasons_with_names(self):
        self.draw(self.before, "one", "2.25.1", ((8, 16, 16), 6))
        self.draw(self.before, "gone", "2.25.11", ((8, 50, 12), 5))
        self.draw(self.after, "first", "2.25.111", ((8, 17, 16), 6))
        self.draw(self.after, "fresh", "2.25.12", ((8, 45, 50), 5))
        matching = self.match()
        self.assertEqual({one.kind for one in matching.matches}, {"same", "vanished", "new"})
        same = next(one for one in matching.matches if one.kind == "same")
        self.assertEqual((same.before, same.after), (("2.25.1",), ("2.25.111",)))
        sentence = match_sentences(same, self.before, self.after)[0]
        self.assertIn("'one' (Baseline) and 'first' (Week 4):", sentence)
        self.assertNotIn("2.25", sentence)
        self.assertEqual(lesion_identity(self.after, segment_of_lesion(self.after, "2.25.111")).uid, "2.25.111")

    def test_only_the_readers_word_is_written(self):
        self.draw(self.before, "one", "2.25.1", ((8, 16, 16), 6))
        self.draw(self.after, "first", "2.25.2", ((8, 17, 16), 6))
        with self.assertRaisesRegex(InputError, "only a proposal"):
            apply_match(self.match().matches[0], self.before, self.after, AFTER)

    def test_what_is_missing_is_named(self):
        with self.assertRaisesRegex(InputError, "'Baseline' was outlined on"):
            self.match()
        self.draw(self.before, "one", "2.25.1", ((8, 16, 16), 6))
        self.draw(self.after, "first", "2.25.2", ((8, 17, 16), 6))
        with self.assertRaisesRegex(InputError, "not registered safely"):
            match_lesions(self.before, self.after, registration=Registration(np.eye(4), problems=("Too far apart.",)))
        self.draw(self.after, "twin", "2.25.2", ((8, 40, 40), 6))
        with self.assertRaisesRegex(InputError, "'Week 4' carries the identity of 'twin'"):
            self.match()


class TestDecisions(MatchingTestCase):
    def test_the_same_lesion_takes_identity_and_all_that_belongs_to_it(self):
        target = dict(kind=LesionKind.TARGET, previously_treated=True)
        self.draw(self.before, "one", "2.25.1", ((8, 16, 16), 6), **target)
        later_id = self.draw(self.after, "first", "2.25.2", ((8, 17, 16), 6))
        set_linked_mask(self.after, later_id, RegionType.VIABLE, ball((8, 17, 16), 4), self.volumes[1])
        lines = measure_diameters(self.after, later_id, AFTER).lines
        apply_match(self.decided(["2.25.1"], ["2.25.2"]), self.before, self.after, AFTER)
        self.assertEqual(lesion_of(self.after, later_id), Lesion("2.25.1", "one", **target))
        self.assertEqual(len(linked_segments(self.after, "2.25.1")), 1)
        self.assertEqual({line_lesion_uid(line) for line in lines}, {"2.25.1"})
        self.assertEqual({row.lesion_uid for row in measurements()}, {"2.25.1"})
        self.assertEqual(len(rows_of(self.after, later_id, AFTER)), 2)
        self.assertEqual(self.after.GetSegmentation().GetSegment(later_id).GetName(), "first")

    def test_decisions_are_kept_through_a_saved_scene(self):
        self.draw(self.before, "one", "2.25.1", ((8, 16, 16), 6))
        self.draw(self.before, "other", "2.25.3", ((8, 50, 12), 5))
        self.draw(self.after, "first", "2.25.2", ((8, 45, 50), 5))
        apply_match(self.decided(["2.25.1"], ["2.25.2"]), self.before, self.after, AFTER)
        reopen(self.folder / "case.mrb")
        self.before, self.after = slicer.util.getNode("Baseline"), slicer.util.getNode("Week 4")
        matching = self.match()
        decided = [one for one in matching.matches if one.decided_by]
        self.assertEqual([(one.kind, one.before, one.after, one.decided_by) for one in decided], [("same", ("2.25.1",), ("2.25.1",), "A")])
        self.assertEqual(matching.notes, ())
        # another matching against an examination without these lesions does not hear of them
        self.assertEqual(match_lesions(self.after, self.after).notes, ())

    def test_new_and_vanished(self):
        self.draw(self.before, "gone", "2.25.1", ((8, 16, 16), 6))
        fresh_id = self.draw(self.after, "fresh", "2.25.2", ((8, 45, 50), 5))
        self.assertEqual(apply_match(self.decided([], ["2.25.2"]), self.before, self.after, AFTER), ())
        self.assertIs(lesion_of(self.after, fresh_id).kind, LesionKind.NEW)
        found = apply_match(self.decided(["2.25.1"], []), self.before, self.after, AFTER)
        self.assertEqual(found, (Finding(1, "2.25.1", LesionState.ABSENT, reader="A"),))
        self.assertEqual(findings(self.studies[1]), list(found))

    def test_merged_lesions_share_the_largest_ones_outline(self):
        self.draw(self.before, "small", "2.25.1", ((8, 16, 16), 4))
        self.draw(self.before, "large", "2.25.2", ((8, 16, 28), 7))
        later_id = self.draw(self.after, "both", "2.25.3", ((8, 16, 16), 6), ((8, 16, 26), 7))
        self.assertEqual([one.kind for one in self.match().matches], ["merged"])
        match = self.decided(["2.25.1", "2.25.2"], ["2.25.3"])
        with self.assertRaisesRegex(InputError, "one of those that merged"):
            apply_match(match, self.before, self.after, AFTER, carrier="2.25.3")
        found = apply_match(match, self.before, self.after, AFTER)
        self.assertEqual(findings(self.studies[1]), list(found))
        self.assertEqual(found, (Finding(1, "2.25.1", LesionState.MERGED, merged_with="2.25.2", reader="A"),))
        self.assertEqual(lesion_identity(self.after, later_id).uid, "2.25.2")

    def test_pieces_of_a_split_lesion_are_lesions_of_their_own(self):
        self.draw(self.before, "whole", "2.25.1", ((8, 16, 16), 6), ((8, 16, 28), 6), kind=LesionKind.TARGET)
        carried_id = self.draw(self.after, "left", "2.25.1", ((8, 16, 14), 5), kind=LesionKind.TARGET)
        other_id = self.draw(self.after, "right", "2.25.2", ((8, 16, 30), 5))
        measure_diameters(self.after, carried_id, AFTER)
        found = apply_match(self.decided(["2.25.1"], ["2.25.1", "2.25.2"]), self.before, self.after, AFTER)
        self.assertEqual(found, (Finding(1, "2.25.1", LesionState.SPLIT, reader="A"),))
        self.assertEqual(findings(self.studies[1]), list(found))
        pieces = [lesion_of(self.after, one) for one in (carried_id, other_id)]
        self.assertEqual([one.split_from for one in pieces], ["2.25.1"] * 2)
        self.assertEqual([one.kind for one in pieces], [LesionKind.TARGET] * 2)
        self.assertNotEqual(pieces[0].uid, "2.25.1")
        self.assertEqual({row.lesion_uid for row in measurements()}, {pieces[0].uid})
        decided = [one for one in self.match().matches if one.decided_by]
        self.assertEqual(decided[0].after, tuple(one.uid for one in pieces))

    def test_errors_change_nothing_and_undo_brings_back(self):
        self.draw(self.before, "one", "2.25.1", ((8, 16, 16), 6))
        later_id = self.draw(self.after, "first", "2.25.2", ((8, 17, 16), 6))
        match = self.decided(["2.25.1"], ["2.25.2"])
        measure_diameters(self.after, later_id, AFTER)
        undo, rows = Undo(), measurements()
        undo.save(self.before, self.after)
        apply_match(match, self.before, self.after, AFTER)
        with self.assertRaisesRegex(InputError, "no longer in 'Week 4'"):
            apply_match(match, self.before, self.after, AFTER)
        undo.undo()
        self.assertEqual(lesion_identity(self.after, later_id).uid, "2.25.2")
        self.assertEqual(measurements(), rows)
        self.assertEqual({line_lesion_uid(line) for line in diameter_lines(self.after)}, {"2.25.2"})
        self.assertFalse([one for one in self.match().matches if one.decided_by])
        taken_id = self.draw(self.after, "carried", "2.25.1", ((8, 40, 40), 5))
        with self.assertRaisesRegex(InputError, "'carried' of 'Week 4' is that lesion already"):
            apply_match(match, self.before, self.after, AFTER)
        self.assertEqual(lesion_identity(self.after, taken_id).uid, "2.25.1")
        self.assertEqual(measurements(), rows)

    def test_undo_takes_the_finding_back(self):
        self.draw(self.before, "gone", "2.25.1", ((8, 16, 16), 6))
        self.draw(self.after, "fresh", "2.25.2", ((8, 45, 50), 5))
        set_finding(self.studies[0], Finding(0, "2.25.1", LesionState.PRESENT, reader="A"))
        match, undo = self.decided(["2.25.1"], []), Undo()
        undo.save(self.before, self.after)
        apply_match(match, self.before, self.after, AFTER)
        undo.undo()
        self.assertEqual(findings(self.studies[1]), [])
        self.assertIsNotNone(finding_of(self.studies[0], "2.25.1", "A"))
        undo.redo()
        self.assertIs(finding_of(self.studies[1], "2.25.1", "A").state, LesionState.ABSENT)

    def test_without_an_examination_nothing_is_said_and_nothing_changed(self):
        self.draw(self.before, "gone", "2.25.1", ((8, 16, 16), 6))
        self.draw(self.after, "fresh", "2.25.2", ((8, 45, 50), 5))
        match = self.decided(["2.25.1"], [])
        set_time_point(self.studies[1], TimePoint(2))
        with self.assertRaisesRegex(InputError, "is not time point 1"):
            apply_match(match, self.before, self.after, AFTER)
        self.assertFalse([one for one in self.match().matches if one.decided_by])

    def test_a_group_of_several_and_several_is_not_written(self):
        for number, centre in enumerate(((8, 16, 16), (8, 16, 26))):
            self.draw(self.before, "b", f"2.25.{number + 1}", (centre, 6))
            self.draw(self.after, "a", f"2.25.{number + 3}", (centre, 6))
        match = self.decided(["2.25.1", "2.25.2"], ["2.25.3", "2.25.4"])
        with self.assertRaisesRegex(InputError, "sort them into pairs"):
            apply_match(match, self.before, self.after, AFTER)


class TestIdentityChange(MatchingTestCase):
    def test_rows_of_other_examinations_stay(self):
        segment_id = self.draw(self.after, "one", "2.25.1", ((8, 16, 16), 6))
        measure_diameters(self.after, segment_id, AFTER)
        other_id = self.draw(self.before, "one", "2.25.1", ((8, 16, 16), 6))
        measure_diameters(self.before, other_id, BEFORE)
        set_finding(self.studies[1], Finding(1, "2.25.1", LesionState.TOO_SMALL, reader="A", comment="4 mm | 5 mm"))
        set_finding(self.studies[0], Finding(0, "2.25.1", LesionState.PRESENT, reader="A"))
        identity = new_lesion_identity("apart")
        change_identity(self.after, segment_id, identity, AFTER.time_point)
        self.assertEqual({row.time_point: row.lesion_uid for row in measurements()}, {0: "2.25.1", 1: identity.uid})
        self.assertEqual(lesion_identity(self.before, other_id).uid, "2.25.1")
        self.assertEqual(lesion_identity(self.after, segment_id), identity)
        self.assertEqual(finding_of(self.studies[1], identity.uid, "A").comment, "4 mm | 5 mm")
        self.assertIs(finding_of(self.studies[0], "2.25.1", "A").state, LesionState.PRESENT)


if __name__ == "__main__":
    unittest.main()

"""The list of lesions of an examination: added, named, placed, deleted, merged, split, measured; words on all matches at once."""

import unittest

import numpy as np
import slicer
from slicer_core_scene import SceneTestCase, reopen
from test_scene_segments import add_segmentation

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import Lesion, LesionKind, TimePoint
from HCCResponseLib.response.finding import LesionState
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.diameter_lines import diameter_lines, line_quantity
from HCCResponseLib.scene.examination_registration import register_outlined
from HCCResponseLib.scene.examination_views import images_to_outline_on, jump_to_diameter, show_outlines_of
from HCCResponseLib.scene.findings import findings
from HCCResponseLib.scene.lesion_attributes import lesion_of, lesion_segments, set_lesion
from HCCResponseLib.scene.lesion_editing import (
    add_lesion,
    adopt_lesion,
    delete_lesion,
    merge_lesions,
    next_lesion_name,
    place_lesion,
    rename_lesion,
    split_lesion,
)
from HCCResponseLib.scene.lesion_identity import lesion_identity
from HCCResponseLib.scene.lesion_list import list_lesions, measured_by
from HCCResponseLib.scene.lesion_matching import match_lesions
from HCCResponseLib.scene.lesion_measuring import measure_lesion, remarks_of
from HCCResponseLib.scene.match_decisions import MatchWord, apply_word, proposed_word
from HCCResponseLib.scene.measurement_rows import Reading
from HCCResponseLib.scene.measurement_table import measurements
from HCCResponseLib.scene.moved_lines import update_moved_lines
from HCCResponseLib.scene.proposals import mark_proposed
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.segments import segment_mask
from HCCResponseLib.scene.subject_hierarchy import study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import set_time_point
from HCCResponseLib.scene.undo import Undo
from HCCResponseLib.scene.volumes import add_volume

BEFORE, AFTER = Reading("P1", 0, "A"), Reading("P1", 1, "A")
SHAPE = (20, 64, 64)


def ball(centre, radius) -> np.ndarray:
    """Voxels of 1.5 mm within a radius, in voxels."""
    return ((np.indices(SHAPE) - np.reshape(centre, (3, 1, 1, 1))) ** 2).sum(axis=0) <= radius**2


class EditingTestCase(SceneTestCase):
    """Two examinations of one patient on one grid, each with an image and an empty segmentation."""

    def setUp(self):
        super().setUp()
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        geometry = Geometry.from_parts(SHAPE, (1.5, 1.5, 1.5), (3, 4, 5))
        self.nodes, self.volumes, self.studies = [], [], []
        for reading, name in ((BEFORE, "Baseline"), (AFTER, "Week 4")):
            study = study_item(patient_id="P1", patient_name="N", study_uid=f"1.2.{reading.time_point}")
            set_time_point(study, TimePoint(reading.time_point))
            node = add_segmentation(name)
            volume = add_volume(np.random.default_rng(0).normal(100, 2, SHAPE).astype(np.float32), geometry, f"T1 {name}")
            set_role(volume, Role.T1)
            for one in (node, volume):
                hierarchy.SetItemParent(subject_hierarchy_item(one), study)
            node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
            self.nodes.append(node)
            self.volumes.append(volume)
            self.studies.append(study)
        self.before, self.after = self.nodes

    def draw(self, node, name, uid, *balls, **attributes) -> str:
        segment_id = add_segment(node, name)
        self.paint(node, segment_id, np.logical_or.reduce([ball(*one) for one in balls]))
        set_lesion(node, segment_id, Lesion(uid, name, **attributes))
        return segment_id

    def paint(self, node, segment_id, mask) -> None:
        set_segment_mask(node, segment_id, mask, self.volumes[self.nodes.index(node)])

    def mask(self, node, segment_id) -> np.ndarray:
        return segment_mask(node, segment_id, self.volumes[self.nodes.index(node)])


class TestAddingAndNaming(EditingTestCase):
    def test_an_added_lesion_is_empty_named_and_known(self):
        self.draw(self.before, "Lesion 1", "2.25.1", ((10, 20, 20), 6))
        self.assertEqual(next_lesion_name(self.after), "Lesion 2")
        segment_id = add_lesion(self.after)
        (listed,) = list_lesions(self.after)
        self.assertEqual((listed.segment_id, listed.name, listed.site, listed.empty), (segment_id, "Lesion 2", "liver", True))
        self.assertTrue(listed.uid)
        self.assertTrue(np.isnan(listed.long_axis_mm))
        with self.assertRaisesRegex(InputError, "another name"):
            add_lesion(self.after, "Lesion 1")
        self.assertEqual(len(list_lesions(self.after)), 1)

    def test_a_name_is_that_of_all_examinations(self):
        one = self.draw(self.before, "Lesion 1", "2.25.1", ((10, 20, 20), 6))
        other = self.draw(self.after, "Lesion 1", "2.25.1", ((10, 20, 20), 6))
        self.draw(self.after, "Lesion 2", "2.25.2", ((10, 45, 45), 6))
        rename_lesion(self.after, other, " Dome ")
        self.assertEqual(self.before.GetSegmentation().GetSegment(one).GetName(), "Dome")
        self.assertEqual(lesion_identity(self.before, one).identifier, "Dome")
        self.assertEqual(lesion_identity(self.before, one).uid, "2.25.1")
        for wrong in ("", "Lesion 2"):
            with self.assertRaises(InputError):
                rename_lesion(self.before, one, wrong)
        self.assertEqual(list_lesions(self.before)[0].name, "Dome")

    def test_the_site_says_the_organ_and_whether_it_is_a_lymph_node(self):
        segment_id = self.draw(self.before, "Node", "2.25.1", ((10, 20, 20), 6))
        place_lesion(self.before, segment_id, "lymph node")
        lesion = lesion_of(self.before, segment_id)
        self.assertEqual((lesion.organ, lesion.lymph_node), ("lymph node", True))
        place_lesion(self.before, segment_id, "lung")
        lesion = lesion_of(self.before, segment_id)
        self.assertEqual((lesion.organ, lesion.lymph_node), ("lung", False))
        self.assertEqual(list_lesions(self.before)[0].site, "lung")

    def test_a_segment_without_a_type_is_adopted_once(self):
        segment_id = add_segment(self.before, "Segment_1")
        self.assertEqual(list_lesions(self.before), [])
        adopt_lesion(self.before, segment_id)
        self.assertEqual(list_lesions(self.before)[0].name, "Segment_1")
        with self.assertRaisesRegex(InputError, "already"):
            adopt_lesion(self.before, segment_id)


class TestMeasuring(EditingTestCase):
    def test_sizes_and_remarks_stand_in_the_list_until_the_outline_changes(self):
        segment_id = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6))
        other = self.draw(self.before, "Two", "2.25.2", ((10, 20, 32), 6), previously_treated=True)
        for one in (segment_id, other):
            measure_lesion(self.before, one, BEFORE)
        listed = list_lesions(self.before, "A")
        self.assertAlmostEqual(listed[0].long_axis_mm, 18.5, delta=1.5)
        self.assertAlmostEqual(listed[0].volume_ml, 4 / 3 * np.pi * 9.0**3 / 1000, delta=0.3)
        self.assertTrue(any("Treated before" in remark for remark in listed[1].remarks))
        self.assertEqual(listed[1].remarks, remarks_of(self.before, other, "A"))
        self.assertEqual(remarks_of(self.before, other, "B"), ())
        self.assertTrue(np.isnan(list_lesions(self.before, "B")[0].long_axis_mm))
        self.paint(self.before, segment_id, ball((10, 20, 20), 5))
        self.assertEqual([one.outdated for one in list_lesions(self.before, "A")], [True, False])

    def test_a_proposal_is_not_measured_and_nothing_changes(self):
        segment_id = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6))
        mark_proposed(self.before, segment_id, "test")
        with self.assertRaisesRegex(InputError, "proposal"):
            measure_lesion(self.before, segment_id, BEFORE)
        self.assertEqual(measurements(), [])
        self.assertEqual(diameter_lines(self.before), [])

    def test_rows_follow_moved_lines_and_undo(self):
        segment_id = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6))
        measure_lesion(self.before, segment_id, BEFORE)
        self.assertEqual(update_moved_lines(self.before, BEFORE), [])
        line = next(one for one in diameter_lines(self.before) if line_quantity(one) == "LONG_AXIS")
        undo = Undo()
        undo.save(self.before)
        start, end = ([0.0] * 3, [0.0] * 3)
        line.GetNthControlPointPositionWorld(0, start)
        line.GetNthControlPointPositionWorld(1, end)
        line.SetNthControlPointPositionWorld(1, *(a + 2 * (b - a) for a, b in zip(start, end, strict=True)))
        self.assertEqual(update_moved_lines(self.before, Reading("P1", 0, "B")), [])
        before = list_lesions(self.before, "A")[0].long_axis_mm
        (row,) = update_moved_lines(self.before, BEFORE)
        self.assertAlmostEqual(row.value, 2 * before, places=6)
        self.assertIn("by hand", row.method)
        self.assertEqual(update_moved_lines(self.before, BEFORE), [])
        undo.undo()
        self.assertEqual(update_moved_lines(self.before, BEFORE), [])
        self.assertAlmostEqual(list_lesions(self.before, "A")[0].long_axis_mm, before, places=6)

    def test_the_list_is_the_same_after_saving(self):
        segment_id = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6), kind=LesionKind.TARGET, previously_treated=True)
        measure_lesion(self.before, segment_id, BEFORE)
        listed = list_lesions(self.before, "A")
        reopen(self.folder / "case.mrb")
        node = slicer.util.getNode("Baseline")
        self.assertEqual(list_lesions(node, "A"), listed)


class TestDeletingMergingSplitting(EditingTestCase):
    def test_deleting_takes_the_readers_rows_and_no_others(self):
        segment_id = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6))
        self.draw(self.after, "One", "2.25.1", ((10, 20, 20), 6))
        for node, reading in ((self.before, BEFORE), (self.before, Reading("P1", 0, "B")), (self.after, AFTER)):
            measure_lesion(node, lesion_segments(node)[0], reading)
        removed = delete_lesion(self.before, segment_id, BEFORE)
        self.assertGreater(removed, 3)
        self.assertEqual({(row.time_point, row.reader) for row in measurements()}, {(0, "B"), (1, "A")})
        self.assertEqual(list_lesions(self.before), [])

    def test_lesions_drawn_apart_become_one(self):
        one = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6))
        two = self.draw(self.before, "Two", "2.25.2", ((10, 20, 30), 5))
        measure_lesion(self.before, two, BEFORE)
        sentence = merge_lesions(self.before, one, two, BEFORE)
        self.assertIn("'Two' became a part of 'One'", sentence)
        np.testing.assert_array_equal(self.mask(self.before, one), ball((10, 20, 20), 6) | ball((10, 20, 30), 5))
        self.assertEqual(measurements(), [])
        self.assertEqual(findings(self.studies[0]), [])
        with self.assertRaises(InputError):
            merge_lesions(self.before, one, one, BEFORE)

    def test_lesions_that_grew_together_are_found_to_be_merged(self):
        for node in self.nodes:
            self.draw(node, "One", "2.25.1", ((10, 20, 20), 6))
            self.draw(node, "Two", "2.25.2", ((10, 20, 30), 5))
        one, two = lesion_segments(self.after)
        with self.assertRaisesRegex(InputError, "time point"):
            merge_lesions(self.after, one, two, None)
        self.assertEqual(len(lesion_segments(self.after)), 2)
        merge_lesions(self.after, one, two, AFTER)
        (finding,) = findings(self.studies[1])
        self.assertEqual((finding.state, finding.lesion_uid, finding.merged_with), (LesionState.MERGED, "2.25.2", "2.25.1"))
        self.assertEqual(findings(self.studies[0]), [])

    def test_lesions_drawn_as_one_are_parted(self):
        segment_id = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6), ((10, 45, 45), 4), kind=LesionKind.TARGET)
        ids = split_lesion(self.before, segment_id, BEFORE)
        self.assertEqual([lesion.name for lesion in list_lesions(self.before)], ["One", "One b"])
        np.testing.assert_array_equal(self.mask(self.before, ids[0]), ball((10, 20, 20), 6))
        np.testing.assert_array_equal(self.mask(self.before, ids[1]), ball((10, 45, 45), 4))
        first, second = (lesion_of(self.before, one) for one in ids)
        self.assertEqual((first.uid, first.split_from, second.split_from), ("2.25.1", "", ""))
        self.assertEqual(second.kind, LesionKind.TARGET)
        self.assertEqual(findings(self.studies[0]), [])

    def test_a_lesion_that_came_apart_is_found_to_be_split(self):
        self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6))
        segment_id = self.draw(self.after, "One", "2.25.1", ((10, 20, 20), 6), ((10, 45, 45), 4))
        measure_lesion(self.after, segment_id, AFTER)
        ids = split_lesion(self.after, segment_id, AFTER)
        lesions = [lesion_of(self.after, one) for one in ids]
        self.assertEqual([one.split_from for one in lesions], ["2.25.1", "2.25.1"])
        self.assertNotIn("2.25.1", [one.uid for one in lesions])
        self.assertEqual([one.identifier for one in lesions], ["One a", "One b"])
        (finding,) = findings(self.studies[1])
        self.assertEqual((finding.state, finding.lesion_uid), (LesionState.SPLIT, "2.25.1"))
        self.assertEqual(measurements(time_point=1), [])
        self.assertEqual(list_lesions(self.before)[0].name, "One")

    def test_one_piece_or_a_speck_is_not_split(self):
        segment_id = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6), ((10, 45, 45), 1))
        with self.assertRaisesRegex(InputError, "specks"):
            split_lesion(self.before, segment_id, BEFORE)
        self.assertEqual(len(lesion_segments(self.before)), 1)

    def test_undo_of_a_split_and_of_a_step_that_did_not_come_about(self):
        segment_id = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6), ((10, 45, 45), 4))
        whole, undo = self.mask(self.before, segment_id), Undo()
        undo.save(self.before)
        split_lesion(self.before, segment_id, BEFORE)
        undo.undo()
        self.assertEqual([one.name for one in list_lesions(self.before)], ["One"])
        np.testing.assert_array_equal(self.mask(self.before, segment_id), whole)
        undo.save(self.before)
        add_lesion(self.before)
        undo.cancel()
        self.assertEqual([one.name for one in list_lesions(self.before)], ["One"])
        self.assertFalse(undo.can_undo or undo.can_redo)


class TestMatchWords(EditingTestCase):
    def match(self):
        return match_lesions(self.before, self.after)

    def test_the_proposal_is_written_as_the_readers_word(self):
        self.draw(self.before, "One", "2.25.1", ((10, 16, 16), 6))
        self.draw(self.before, "Gone", "2.25.2", ((10, 50, 12), 5))
        self.draw(self.after, "First", "2.25.11", ((10, 17, 16), 6))
        self.draw(self.after, "Fresh", "2.25.12", ((10, 45, 50), 5))
        matching = self.match()
        word = proposed_word(matching)
        self.assertEqual((word.origin, word.fate), ({"2.25.11": "2.25.1", "2.25.12": ""}, {"2.25.2": ""}))
        with self.assertRaisesRegex(InputError, "who reads"):
            apply_word(matching, word, self.before, self.after, Reading("P1", 1))
        self.assertEqual(sorted(apply_word(matching, word, self.before, self.after, AFTER)), ["new", "same", "vanished"])
        first, fresh = list_lesions(self.after)
        self.assertEqual((first.uid, fresh.lesion.kind), ("2.25.1", LesionKind.NEW))
        (finding,) = findings(self.studies[1])
        self.assertEqual((finding.lesion_uid, finding.state, finding.reader), ("2.25.2", LesionState.ABSENT, "A"))

    def test_the_readers_word_is_final(self):
        self.draw(self.before, "One", "2.25.1", ((10, 16, 16), 6))
        self.draw(self.before, "Two", "2.25.2", ((10, 16, 30), 6))
        self.draw(self.before, "Three", "2.25.3", ((10, 50, 50), 5))
        self.draw(self.after, "Joint", "2.25.11", ((10, 16, 16), 6), ((10, 16, 30), 6))
        self.draw(self.after, "Other", "2.25.12", ((10, 50, 12), 5))
        word = MatchWord({"2.25.11": "2.25.2", "2.25.12": "2.25.3"}, {"2.25.1": "2.25.11"})
        self.assertEqual(sorted(apply_word(self.match(), word, self.before, self.after, AFTER)), ["merged", "same"])
        self.assertEqual([one.uid for one in list_lesions(self.after)], ["2.25.2", "2.25.3"])
        (finding,) = findings(self.studies[1])
        self.assertEqual((finding.lesion_uid, finding.merged_with), ("2.25.1", "2.25.2"))

    def test_pieces_of_one_lesion_and_what_is_left_open(self):
        self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 8))
        self.draw(self.before, "Two", "2.25.2", ((10, 50, 50), 5))
        self.draw(self.after, "a", "2.25.11", ((10, 20, 15), 4))
        self.draw(self.after, "b", "2.25.12", ((10, 20, 26), 4))
        word = MatchWord({"2.25.11": "2.25.1", "2.25.12": "2.25.1"}, {"2.25.2": None})
        self.assertEqual(apply_word(self.match(), word, self.before, self.after, AFTER), ["split"])
        self.assertEqual({one.lesion.split_from for one in list_lesions(self.after)}, {"2.25.1"})
        self.assertEqual([one.lesion_uid for one in findings(self.studies[1])], ["2.25.1"])

    def test_a_lesion_cannot_merge_into_a_new_one(self):
        self.draw(self.before, "One", "2.25.1", ((10, 16, 16), 6))
        self.draw(self.after, "a", "2.25.11", ((10, 16, 16), 6))
        with self.assertRaisesRegex(InputError, "which earlier lesion"):
            apply_word(self.match(), MatchWord({"2.25.11": ""}, {"2.25.1": "2.25.11"}), self.before, self.after, AFTER)
        self.assertEqual(list_lesions(self.after)[0].uid, "2.25.11")


class TestExaminationView(EditingTestCase):
    def test_images_the_best_first_without_series_over_time(self):
        geometry = Geometry.from_parts(SHAPE, (1.5, 1.5, 1.5))
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        for name, role in (("plain", None), ("dynamic", Role.DCE), ("arterial", Role.ARTERIAL)):
            node = add_volume(np.zeros(SHAPE, np.float32), geometry, name)
            set_role(node, role)
            hierarchy.SetItemParent(subject_hierarchy_item(node), self.studies[0])
        self.assertEqual([node.GetName() for node in images_to_outline_on(self.studies[0])], ["arterial", "T1 Baseline", "plain"])

    def test_one_examination_alone_with_the_lines_of_its_reader(self):
        foreign = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "of no examination")
        for node in (*self.nodes, foreign):
            node.CreateDefaultDisplayNodes()
        segment_id = self.draw(self.before, "One", "2.25.1", ((10, 20, 20), 6))
        measure_lesion(self.before, segment_id, BEFORE)
        self.before.GetDisplayNode().SetSegmentVisibility(segment_id, False)
        self.assertEqual([measured_by(node) for node in self.nodes], [["A"], []])
        lines = diameter_lines(self.before)
        show_outlines_of(self.studies[1], "A")
        self.assertEqual([node.GetDisplayVisibility() for node in (self.before, self.after, foreign)], [0, 1, 1])
        self.assertFalse(any(line.GetDisplayVisibility() for line in lines))
        show_outlines_of(self.studies[0], "A")
        self.assertEqual([node.GetDisplayVisibility() for node in (self.before, self.after, foreign)], [1, 0, 1])
        self.assertTrue(self.before.GetDisplayNode().GetSegmentVisibility(segment_id))
        self.assertTrue(lines and all(line.GetDisplayVisibility() for line in lines))
        show_outlines_of(self.studies[0], "B")
        self.assertFalse(any(line.GetDisplayVisibility() for line in lines))
        self.assertTrue(jump_to_diameter(self.before, "2.25.1", "A"))
        self.assertFalse(jump_to_diameter(self.before, "2.25.1", "B"))

    def test_registration_needs_an_outline(self):
        with self.assertRaisesRegex(InputError, "no outline"):
            register_outlined(self.before, self.volumes[0], self.volumes[1])


if __name__ == "__main__":
    unittest.main()

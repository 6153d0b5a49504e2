"""Undo and redo of segments, tags, lines and measurements together, as the Segment Editor undoes segments."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
import slicer
from test_scene_segments import add_segmentation

from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import Lesion, LesionKind
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.scene.diameter_lines import (
    add_diameter_line,
    diameter_lines,
    line_length_mm,
    line_segmentation,
    remove_line,
)
from HCCResponseLib.scene.lesion_attributes import lesion_of, set_lesion
from HCCResponseLib.scene.lesion_identity import lesion_identity
from HCCResponseLib.scene.linked_segments import set_linked_mask
from HCCResponseLib.scene.measurement_rows import Reading, write_rows
from HCCResponseLib.scene.measurement_table import measurement_table, measurements
from HCCResponseLib.scene.segment_masks import add_segment, segment_on_own_grid, set_segment_mask
from HCCResponseLib.scene.segments import segment_ids, segment_mask
from HCCResponseLib.scene.undo import Undo
from HCCResponseLib.scene.volumes import add_volume

READING = Reading("P1", 1, "A")


class TestUndo(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.geometry = Geometry.from_parts((6, 7, 8), (1, 1, 2))
        self.volume_node = add_volume(np.zeros(self.geometry.shape, np.float32), self.geometry, "T1")
        self.node = add_segmentation("Baseline")
        self.segment_id = add_segment(self.node, "Lesion 1")
        self.other_id = add_segment(self.node, "Lesion 2")
        rng = np.random.default_rng(1)
        self.masks = [rng.random(self.geometry.shape) < 0.4 for _ in range(4)]
        set_segment_mask(self.node, self.other_id, self.masks[3], self.volume_node)
        self.undo = Undo()

    def mask(self) -> np.ndarray:
        return segment_mask(self.node, self.segment_id, self.volume_node)

    def test_masks_step_by_step_and_back_again(self):
        for mask in self.masks[:3]:
            self.undo.save(self.node)
            set_segment_mask(self.node, self.segment_id, mask, self.volume_node)
        for mask in (self.masks[1], self.masks[0]):
            self.undo.undo()
            np.testing.assert_array_equal(self.mask(), mask)
            np.testing.assert_array_equal(segment_mask(self.node, self.other_id, self.volume_node), self.masks[3])
        for mask in self.masks[1:3]:
            self.undo.redo()
            np.testing.assert_array_equal(self.mask(), mask)
        self.assertFalse(self.undo.can_redo)
        for _ in range(5):
            self.undo.undo()
        self.assertFalse(self.undo.can_undo)
        self.assertEqual(segment_ids(self.node), [self.segment_id, self.other_id])
        with self.assertRaisesRegex(ValueError, "empty"):
            segment_on_own_grid(self.node, self.segment_id)

    def test_tags_alone(self):
        set_lesion(self.node, self.segment_id, Lesion("2.25.1", "L1"))
        self.undo.save(self.node)
        set_lesion(self.node, self.segment_id, Lesion("2.25.1", "L1", LesionKind.TARGET))
        self.undo.undo()
        self.assertEqual(lesion_of(self.node, self.segment_id), Lesion("2.25.1", "L1"))
        self.undo.redo()
        self.assertIs(lesion_of(self.node, self.segment_id).kind, LesionKind.TARGET)

    def test_new_and_removed_segments(self):
        self.undo.save(self.node)
        set_linked_mask(self.node, self.segment_id, RegionType.VIABLE, self.masks[0], self.volume_node)
        self.undo.save(self.node)
        self.node.GetSegmentation().RemoveSegment(self.other_id)
        self.undo.undo()
        self.assertEqual(len(segment_ids(self.node)), 3)
        np.testing.assert_array_equal(segment_mask(self.node, self.other_id, self.volume_node), self.masks[3])
        self.undo.undo()
        self.assertEqual(segment_ids(self.node), [self.segment_id, self.other_id])
        self.assertIsNone(lesion_identity(self.node, self.segment_id))

    def test_a_step_that_changed_no_segment_goes_back_no_further(self):
        self.undo.save(self.node)
        set_segment_mask(self.node, self.segment_id, self.masks[0], self.volume_node)
        write_rows(self.node, self.segment_id, {"VOLUME": 1.0}, READING, "Volume: a")
        self.undo.save(self.node)
        write_rows(self.node, self.segment_id, {"VOLUME": 2.0}, READING, "Volume: a")
        self.undo.undo()
        np.testing.assert_array_equal(self.mask(), self.masks[0])
        self.assertEqual([row.value for row in measurements()], [1.0])
        self.undo.undo()
        self.assertEqual(measurements(), [])
        self.assertIsNone(measurement_table(create=False))
        self.undo.redo()
        self.undo.redo()
        self.assertEqual([row.value for row in measurements()], [2.0])

    def test_lines_moved_added_and_removed(self):
        line_node = add_diameter_line(self.node, self.segment_id, "LONG_AXIS", (0, 0, 0), (10, 0, 0))
        line_node.GetDisplayNode().SetTextScale(7)
        self.undo.save(self.node)
        line_node.SetNthControlPointPosition(1, 0, 20, 0)
        self.undo.save(self.node)
        remove_line(line_node)
        add_diameter_line(self.node, self.segment_id, "SHORT_AXIS", (0, 0, 0), (0, 5, 0))
        self.undo.undo()
        self.assertEqual(diameter_lines(self.node), [line_node])
        self.assertEqual(line_length_mm(line_node), 20.0)
        self.assertIs(line_segmentation(line_node), self.node)
        self.assertEqual(line_node.GetDisplayNode().GetTextScale(), 7)
        self.undo.undo()
        self.assertEqual(line_length_mm(line_node), 10.0)
        self.undo.redo()
        self.assertEqual(line_length_mm(line_node), 20.0)
        self.undo.redo()
        self.assertEqual([line_length_mm(line) for line in diameter_lines(self.node)], [5.0])
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsDisplayNode"), 1)

    def test_what_the_user_set_in_the_display_stays(self):
        display_node = self.node.GetDisplayNode()
        display_node.SetSegmentVisibility(self.other_id, False)
        self.undo.save(self.node)
        set_segment_mask(self.node, self.segment_id, self.masks[0], self.volume_node)
        self.undo.undo()
        self.assertFalse(display_node.GetSegmentVisibility(self.other_id))

    def test_only_some_states_are_kept(self):
        undo = Undo(depth=2)
        for mask in self.masks[:3]:
            undo.save(self.node)
            set_segment_mask(self.node, self.segment_id, mask, self.volume_node)
        undo.undo()
        undo.undo()
        self.assertFalse(undo.can_undo)
        np.testing.assert_array_equal(self.mask(), self.masks[0])

    def test_a_segmentation_that_is_gone_is_passed_over(self):
        self.undo.save(self.node)
        slicer.mrmlScene.Clear(0)
        other = add_segmentation("Another case")
        write_rows(other, add_segment(other, "Lesion 1"), {"VOLUME": 1.0}, READING, "Volume: a")
        self.undo.undo()
        self.assertEqual(len(measurements()), 1)
        self.undo.clear()
        self.assertFalse(self.undo.can_redo)

    def test_the_segment_editors_history_brings_everything_back_too(self):
        history = slicer.vtkSegmentationHistory()
        history.SetSegmentation(self.node.GetSegmentation())
        history.SaveState()
        set_segment_mask(self.node, self.other_id, self.masks[0], self.volume_node)
        set_lesion(self.node, self.other_id, Lesion("2.25.1", "L1"))
        history.RestorePreviousState()
        np.testing.assert_array_equal(segment_mask(self.node, self.other_id, self.volume_node), self.masks[3])
        self.assertIsNone(lesion_of(self.node, self.other_id))


if __name__ == "__main__":
    unittest.main()

"""Diameters and volumes of segments: true in the world whatever the transforms; lines that the reader moved are the reader's."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer
from lesion_shapes import box_geometry, ellipsoid
from lesion_shapes import rotation as turn
from test_scene_segments import add_segmentation, add_transform, rigid

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.scene.diameter_lines import attach_line, diameter_lines, line_ends_ras, line_length_mm, line_was_moved, remove_line
from HCCResponseLib.scene.lesion_diameters import measure_diameters, measure_viable_diameters, update_from_line
from HCCResponseLib.scene.lesion_identity import lesion_identity
from HCCResponseLib.scene.lesion_volume import measure_volume
from HCCResponseLib.scene.linked_segments import set_linked_mask
from HCCResponseLib.scene.measured_outlines import outdated_procedures
from HCCResponseLib.scene.measurement_rows import Reading, rows_of
from HCCResponseLib.scene.measurement_table import measurements
from HCCResponseLib.scene.proposals import mark_proposed
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.subject_hierarchy import source_uid
from HCCResponseLib.scene.volumes import add_volume

A, B = Reading("P1", 1, "A"), Reading("P1", 1, "B")
AXES_MM = np.array([16.0, 11.0, 9.0])


class MeasuringTestCase(SceneTestCase):
    """An ellipsoid whose long axes lie in the slices of an oblique volume, volume and segmentation each under its transform."""

    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(1)
        self.axes = turn((0.3, 1.0, 0.2), 35.0)
        self.geometry = box_geometry(44.0, (1.1, 1.3, 2.0), self.axes, (20.0, -30.0, 40.0))
        self.mask = ellipsoid(self.geometry, (20.0, -30.0, 40.0), AXES_MM, self.axes)
        self.volume_node = add_volume(np.zeros(self.geometry.shape, np.float32), self.geometry, "T1")
        self.node = add_segmentation("Baseline")
        self.of_volume = rigid(rng)
        self.volume_node.SetAndObserveTransformNodeID(add_transform(self.of_volume, "of volume").GetID())
        self.node.SetAndObserveTransformNodeID(add_transform(rigid(rng), "of segmentation").GetID())
        self.segment_id = add_segment(self.node, "Lesion 1")
        set_segment_mask(self.node, self.segment_id, self.mask, self.volume_node)

    def rows(self, reading=A) -> dict[str, float]:
        return {row.quantity: row.value for row in rows_of(self.node, self.segment_id, reading)}

    def centre_ras(self) -> np.ndarray:
        return (self.of_volume @ [-20.0, 30.0, 40.0, 1.0])[:3]


class TestDiameters(MeasuringTestCase):
    def test_lines_lie_on_the_lesion_in_the_world_and_rows_have_their_lengths(self):
        found = measure_diameters(self.node, self.segment_id, A)
        self.assertAlmostEqual(found.measured.long_axis.length_mm, 32.0, delta=0.6)
        self.assertAlmostEqual(found.measured.short_axis.length_mm, 22.0, delta=0.6)
        directions = self.of_volume[:3, :3] @ np.diag([-1.0, -1.0, 1.0]) @ self.axes
        for line_node, quantity, axis in zip(found.lines, ("LONG_AXIS", "SHORT_AXIS"), (0, 1), strict=True):
            self.assertAlmostEqual(line_length_mm(line_node), self.rows()[quantity], places=6)
            self.assertAlmostEqual(line_node.GetLineLengthWorld(), self.rows()[quantity], places=6)
            start, end = line_ends_ras(line_node)
            np.testing.assert_allclose((start + end) / 2, self.centre_ras(), atol=1.5)
            self.assertGreater(abs((end - start) @ directions[:, axis]) / line_length_mm(line_node), 0.995)
            self.assertFalse(line_was_moved(line_node))
        self.assertEqual(measurements(), list(found.rows))
        self.assertIn("plane = acquisition", found.rows[0].method)
        self.assertEqual(found.rows[0].source_series, source_uid(self.volume_node))

    def test_measuring_again_leaves_one_pair_of_lines(self):
        for plane in ("acquisition", "axial"):
            measure_diameters(self.node, self.segment_id, A, plane=plane)
        self.assertEqual(len(diameter_lines(self.node)), 2)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsDisplayNode"), 2)
        self.assertEqual(len(measurements()), 2)
        self.assertIn("plane = axial", measurements()[0].method)

    def test_a_transform_moves_lesion_and_lines_together(self):
        lines = measure_diameters(self.node, self.segment_id, A).lines
        before = np.array([line_ends_ras(line) for line in lines])
        shift = np.eye(4)
        shift[:3, 3] = 5.0, -7.0, 9.0
        parent = self.node.GetParentTransformNode()
        parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift @ slicer.util.arrayFromTransformMatrix(parent)))
        np.testing.assert_allclose([line_ends_ras(line) for line in lines], before + shift[:3, 3], atol=1e-6)
        self.assertFalse(any(line_was_moved(line) for line in lines))

    def test_a_scaling_transform_counts_in_the_world(self):
        parent = self.node.GetParentTransformNode()
        scaled = slicer.util.arrayFromTransformMatrix(parent) @ np.diag([2.0, 2.0, 2.0, 1.0])
        parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(scaled))
        found = measure_diameters(self.node, self.segment_id, A)
        self.assertAlmostEqual(self.rows()["LONG_AXIS"], 64.0, delta=1.2)
        self.assertAlmostEqual(line_length_mm(found.lines[0]), self.rows()["LONG_AXIS"], places=6)

    def test_a_line_moved_by_hand_becomes_the_readers_measurement(self):
        long_line, short_line = measure_diameters(self.node, self.segment_id, A).lines
        short = self.rows()["SHORT_AXIS"]
        start, end = line_ends_ras(long_line)
        long_line.SetNthControlPointPositionWorld(1, *(start + (end - start) * 1.25))
        self.assertTrue(line_was_moved(long_line))
        row = update_from_line(long_line, A)
        self.assertEqual(row.method, "Diameter: line moved by hand")
        self.assertAlmostEqual(row.value, line_length_mm(long_line))
        self.assertEqual(self.rows(), {"LONG_AXIS": row.value, "SHORT_AXIS": short})
        self.assertEqual(len(measurements()), 2)

        kept = measure_diameters(self.node, self.segment_id, A)
        self.assertEqual(kept.lines, (long_line, short_line))
        self.assertIsNone(kept.measured)
        self.assertEqual(self.rows()["LONG_AXIS"], row.value)

        long_line.SetNthControlPointPositionWorld(1, *end)
        self.assertIn("longest line", update_from_line(long_line, A).method)
        long_line.SetNthControlPointPositionWorld(1, *start + 1)
        replaced = measure_diameters(self.node, self.segment_id, A, replace_moved=True)
        self.assertAlmostEqual(self.rows()["LONG_AXIS"], replaced.measured.long_axis.length_mm)
        self.assertEqual(len(diameter_lines(self.node)), 2)

    def test_another_readers_lines_and_rows_stand_beside(self):
        of_a = measure_diameters(self.node, self.segment_id, A).lines
        of_a[0].SetNthControlPointPositionWorld(1, *self.centre_ras())
        update_from_line(of_a[0], A)
        of_b = measure_diameters(self.node, self.segment_id, B).lines
        self.assertEqual(len(diameter_lines(self.node)), 4)
        self.assertEqual(diameter_lines(self.node, None, "LONG_AXIS", reader="B"), [of_b[0]])
        self.assertNotEqual(self.rows(A)["LONG_AXIS"], self.rows(B)["LONG_AXIS"])

    def test_an_outline_changed_later_makes_diameters_outdated_moved_lines_too(self):
        lines = measure_diameters(self.node, self.segment_id, A).lines
        lines[0].SetNthControlPointPositionWorld(1, *self.centre_ras())
        update_from_line(lines[0], A)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), [])
        set_segment_mask(self.node, self.segment_id, np.roll(self.mask, 1, axis=0), self.volume_node)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), ["Diameter"])
        measure_diameters(self.node, self.segment_id, A)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), [])

    def test_a_line_drawn_by_the_reader(self):
        measure_diameters(self.node, self.segment_id, A)
        drawn = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "L")
        with self.assertRaisesRegex(InputError, "'L' does not have two ends"):
            attach_line(drawn, self.node, self.segment_id, "LONG_AXIS", reader="A")
        with self.assertRaisesRegex(InputError, "'L' belongs to no lesion"):
            update_from_line(drawn, A)
        for point in ((0, 0, 0), (3, 4, 12)):
            drawn.AddControlPointWorld(*map(float, point))
        with self.assertRaisesRegex(InputError, "VOLUME"):
            attach_line(drawn, self.node, self.segment_id, "VOLUME", reader="A")
        attach_line(drawn, self.node, self.segment_id, "LONG_AXIS", reader="A")
        row = update_from_line(drawn, A)
        self.assertEqual((row.value, row.method), (13.0, "Diameter: line drawn by hand"))
        self.assertEqual(diameter_lines(self.node, None, "LONG_AXIS"), [drawn])

    def test_a_line_whose_segment_is_gone_is_named(self):
        line_node = measure_diameters(self.node, self.segment_id, A).lines[0]
        self.node.GetSegmentation().RemoveSegment(self.segment_id)
        with self.assertRaisesRegex(InputError, "Lesion 1: long axis"):
            update_from_line(line_node, A)

    def test_an_empty_or_proposed_lesion_changes_nothing(self):
        empty_id = add_segment(self.node, "Lesion 2")
        with self.assertRaisesRegex(InputError, "'Lesion 2'.*empty"):
            measure_diameters(self.node, empty_id, A)
        self.assertIsNone(lesion_identity(self.node, empty_id))
        mark_proposed(self.node, self.segment_id, "grown")
        for measure in (measure_diameters, measure_volume):
            with self.assertRaisesRegex(InputError, "only a proposal"):
                measure(self.node, self.segment_id, A)
        self.assertEqual(diameter_lines(self.node), [])
        self.assertEqual(measurements(), [])


class TestViableDiameters(MeasuringTestCase):
    def test_of_the_viable_part(self):
        shell = self.mask & ~ellipsoid(self.geometry, (20.0, -30.0, 40.0), AXES_MM - 2.0, self.axes)
        set_linked_mask(self.node, self.segment_id, RegionType.VIABLE, shell, self.volume_node)
        found = measure_viable_diameters(self.node, self.segment_id, A, gap_mm=0.0)
        self.assertLess(self.rows()["VIABLE_DIAMETER"], 24.0)
        np.testing.assert_allclose([line_length_mm(line) for line in found.lines], [row.value for row in found.rows])
        self.assertIn("gap mm = 0", found.rows[0].method)
        self.assertNotIn("LONG_AXIS", self.rows())

    def test_nothing_viable_is_zero(self):
        set_linked_mask(self.node, self.segment_id, RegionType.VIABLE, self.mask, self.volume_node)
        measure_viable_diameters(self.node, self.segment_id, A)
        set_linked_mask(self.node, self.segment_id, RegionType.VIABLE, np.zeros_like(self.mask), self.volume_node)
        found = measure_viable_diameters(self.node, self.segment_id, A)
        self.assertEqual(self.rows(), {"VIABLE_DIAMETER": 0.0, "VIABLE_SHORT_AXIS": 0.0})
        self.assertIn("nothing viable", found.rows[0].method)
        self.assertEqual(diameter_lines(self.node), [])

    def test_a_part_not_looked_for_is_not_zero(self):
        with self.assertRaisesRegex(InputError, "'Lesion 1' has no viable part yet"):
            measure_viable_diameters(self.node, self.segment_id, A)


class TestVolume(MeasuringTestCase):
    def test_of_the_outline_as_it_was_drawn(self):
        found = measure_volume(self.node, self.segment_id, A)
        exact = 4.0 / 3.0 * np.pi * AXES_MM.prod() / 1000.0
        self.assertAlmostEqual(self.rows()["VOLUME"] / exact, 1.0, delta=0.005)
        self.assertAlmostEqual(self.rows()["COUNTED_VOLUME"], self.mask.sum() * self.geometry.voxel_volume_ml)
        self.assertAlmostEqual(self.rows()["FERET_DIAMETER"], 32.0, delta=0.6)
        self.assertAlmostEqual(self.rows()["SPHERE_DIAMETER"], 2 * np.cbrt(AXES_MM.prod()), delta=0.1)
        self.assertEqual(self.rows()["VOLUME_UNCERTAINTY"], found.standard_uncertainty_ml)
        self.assertEqual(found.warnings, ())
        self.assertFalse(found.touches_border)

    def test_a_lesion_cut_by_the_image_says_so(self):
        cut = self.mask.copy()
        cut[: cut.shape[0] // 2] = False
        shift = np.roll(cut, -(cut.shape[0] // 2), axis=0)
        set_segment_mask(self.node, self.segment_id, shift, self.volume_node)
        self.assertTrue(measure_volume(self.node, self.segment_id, A).touches_border)
        self.assertIn("reaches the image border = yes", rows_of(self.node, self.segment_id, A, quantity="VOLUME")[0].method)
        self.assertIn("reaches the image border = yes", measure_diameters(self.node, self.segment_id, A).rows[0].method)


class TestSavedScene(MeasuringTestCase):
    def test_lines_and_rows_come_back_and_measuring_goes_on(self):
        lines = measure_diameters(self.node, self.segment_id, A).lines
        start, end = line_ends_ras(lines[0])
        lines[0].SetNthControlPointPositionWorld(1, *(start + (end - start) * 0.8))
        update_from_line(lines[0], A)
        remove_line(lines[1])
        rows, ends = measurements(), line_ends_ras(lines[0])
        reopen(self.folder / "case.mrb")
        self.node = slicer.util.getNode("Baseline")
        self.assertEqual(measurements(), rows)
        line_node = diameter_lines(self.node, lesion_identity(self.node, self.segment_id).uid)[0]
        np.testing.assert_allclose(line_ends_ras(line_node), ends, atol=1e-3)
        self.assertTrue(line_was_moved(line_node))
        self.assertEqual(measure_diameters(self.node, self.segment_id, A).lines, (line_node,))
        again = measure_diameters(self.node, self.segment_id, A, replace_moved=True)
        reopen(self.folder / "case.mrb")
        self.node = slicer.util.getNode("Baseline")
        self.assertFalse(any(line_was_moved(line) for line in diameter_lines(self.node)))
        self.assertAlmostEqual(self.rows()["LONG_AXIS"], again.measured.long_axis.length_mm)

    def test_any_readers_name_and_method_come_back_with_the_line(self):
        reading = Reading("P1", 1, 'Dr. "O\'B"; x: 50 % <Ä病>')
        rows = measure_diameters(self.node, self.segment_id, reading, plane="axial").rows
        reopen(self.folder / "case.mrb")
        self.node = slicer.util.getNode("Baseline")
        line_node = diameter_lines(self.node, None, "LONG_AXIS", reader=reading.reader)[0]
        self.assertEqual(update_from_line(line_node, reading).method, rows[0].method)


if __name__ == "__main__":
    unittest.main()

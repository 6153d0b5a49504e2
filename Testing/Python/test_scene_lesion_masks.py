"""Masks into segments and out of them: no voxel lost, no other segment touched, whatever the grids and transforms."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer
from test_scene_segments import add_segmentation, add_transform, box_surface, centres, oblique_geometry, rigid, rotation

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import LPS_TO_RAS, Geometry
from HCCResponseLib.scene.segment_masks import add_segment, reference_volume, segment_on_own_grid, set_segment_mask
from HCCResponseLib.scene.segments import segment_mask
from HCCResponseLib.scene.volumes import add_volume, volume_geometry


def empty_volume(geometry: Geometry, name: str = "T1"):
    return add_volume(np.zeros(geometry.shape, np.float32), geometry, name)


class TestOnTheSameGrid(SceneTestCase):
    def test_every_voxel_goes_in_and_comes_out_under_any_transforms(self):
        rng = np.random.default_rng(1)
        for _ in range(3):
            geometry = oblique_geometry(rng)
            volume_node, segmentation_node = empty_volume(geometry), add_segmentation()
            volume_node.SetAndObserveTransformNodeID(add_transform(rigid(rng)).GetID())
            segmentation_node.SetAndObserveTransformNodeID(add_transform(rigid(rng)).GetID())
            masks = {}
            for number in range(4):
                mask = np.zeros(geometry.shape, bool)
                mask[number : number + 7, 3:12, 2 : 14 - number] = rng.random((7, 9, 12 - number)) < 0.5
                segment_id = add_segment(segmentation_node, f"Lesion {number}")
                set_segment_mask(segmentation_node, segment_id, mask, volume_node)
                masks[segment_id] = mask
            for segment_id, mask in masks.items():
                np.testing.assert_array_equal(segment_mask(segmentation_node, segment_id, volume_node), mask)
                own, grid = segment_on_own_grid(segmentation_node, segment_id)
                np.testing.assert_array_equal(own, mask)
                self.assertTrue(grid.matches(volume_geometry(volume_node, world=True)))

    def test_a_new_mask_replaces_the_old_one_and_leaves_the_others(self):
        geometry = Geometry.from_parts((8, 9, 10), (1.5, 2, 3), (5, 6, 7))
        volume_node, segmentation_node = empty_volume(geometry), add_segmentation()
        first, second = (add_segment(segmentation_node, name) for name in "AB")
        rng = np.random.default_rng(2)
        a, b, again = (rng.random(geometry.shape) < 0.3 for _ in range(3))
        for segment_id, mask in ((first, a), (second, b), (first, again), (first, again & b)):
            set_segment_mask(segmentation_node, segment_id, mask, volume_node)
        np.testing.assert_array_equal(segment_mask(segmentation_node, first, volume_node), again & b)
        np.testing.assert_array_equal(segment_mask(segmentation_node, second, volume_node), b)

    def test_without_a_reference_image_the_edge_of_the_paint_is_no_border(self):
        geometry = Geometry.from_parts((8, 9, 10), (1.5, 2, 3), (5, 6, 7))
        volume_node, segmentation_node = empty_volume(geometry), add_segmentation()
        segment_id = add_segment(segmentation_node, "A")
        lesion = np.zeros(geometry.shape, bool)
        lesion[3:6, 3:7, 2:8] = True
        set_segment_mask(segmentation_node, segment_id, lesion, volume_node)
        parameter = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
        segmentation_node.GetSegmentation().SetConversionParameter(parameter, "")
        own, grid = segment_on_own_grid(segmentation_node, segment_id)
        self.assertEqual(np.count_nonzero(own), np.count_nonzero(lesion))
        for axis in range(3):
            for end in (0, -1):
                self.assertFalse(own.take(end, axis=axis).any())
        inside = np.argwhere(own)[0][::-1]
        there = np.argwhere(lesion)[0][::-1]
        world = volume_geometry(volume_node, world=True).ijk_to_lps
        np.testing.assert_allclose(grid.ijk_to_lps @ [*inside, 1.0], world @ [*there, 1.0], atol=1e-6)

    def test_adding_keeps_what_was_there_and_the_others(self):
        geometry = Geometry.from_parts((8, 9, 10), (1, 1, 1))
        volume_node, segmentation_node = empty_volume(geometry), add_segmentation()
        rng = np.random.default_rng(7)
        drawn = np.zeros(geometry.shape, bool)
        drawn[3:5, 3:6, 3:6] = True
        for overlap in (False, True):
            other, more = np.zeros_like(drawn), np.zeros_like(drawn)
            other[6:] = True
            more[0 : 7 if overlap else 3] = rng.random((7 if overlap else 3, 9, 10)) < 0.5
            other_id, segment_id = (add_segment(segmentation_node, name) for name in ("other", "lesion"))
            set_segment_mask(segmentation_node, other_id, other, volume_node)
            set_segment_mask(segmentation_node, segment_id, drawn, volume_node)
            set_segment_mask(segmentation_node, segment_id, more, volume_node, add=True)
            set_segment_mask(segmentation_node, segment_id, np.zeros_like(more), volume_node, add=True)
            np.testing.assert_array_equal(segment_mask(segmentation_node, segment_id, volume_node), drawn | more)
            np.testing.assert_array_equal(segment_mask(segmentation_node, other_id, volume_node), other)

    def test_no_voxels_empty_the_segment(self):
        geometry = Geometry.from_parts((4, 4, 4), (1, 1, 1))
        volume_node, segmentation_node = empty_volume(geometry), add_segmentation()
        ids = [add_segment(segmentation_node, name) for name in "AB"]
        none = np.zeros(geometry.shape, bool)
        set_segment_mask(segmentation_node, ids[0], none, volume_node)
        for segment_id in ids:
            set_segment_mask(segmentation_node, segment_id, ~none, volume_node)
        set_segment_mask(segmentation_node, ids[0], none, volume_node)
        with self.assertRaisesRegex(InputError, "'A'.*empty"):
            segment_on_own_grid(segmentation_node, ids[0])
        self.assertTrue(segment_mask(segmentation_node, ids[1], volume_node).all())

    def test_the_first_mask_sets_the_reference_geometry(self):
        geometry = Geometry.from_parts((4, 5, 6), (1, 2, 3))
        volume_node, segmentation_node = empty_volume(geometry), add_segmentation()
        self.assertIsNone(reference_volume(segmentation_node))
        set_segment_mask(segmentation_node, add_segment(segmentation_node, "A"), np.ones(geometry.shape, bool), volume_node)
        self.assertIs(reference_volume(segmentation_node), volume_node)

    def test_a_surface_shown_beside_follows(self):
        geometry = Geometry.from_parts((12, 12, 12), (1, 1, 1))
        volume_node, segmentation_node = empty_volume(geometry), add_segmentation()
        segment_id = add_segment(segmentation_node, "A")
        small = np.zeros(geometry.shape, bool)
        small[4:7, 4:7, 4:7] = True
        set_segment_mask(segmentation_node, segment_id, small, volume_node)
        segmentation_node.CreateClosedSurfaceRepresentation()
        large = np.zeros(geometry.shape, bool)
        large[2:10, 2:10, 2:10] = True
        set_segment_mask(segmentation_node, segment_id, large, volume_node)
        surface = segmentation_node.GetSegmentation().GetSegment(segment_id).GetRepresentation("Closed surface")
        self.assertGreater(np.ptp(surface.GetBounds()[:2]), 6)


class TestOnAnotherGrid(SceneTestCase):
    def test_the_segmentation_keeps_its_grid_and_its_other_segments(self):
        rng = np.random.default_rng(3)
        for _ in range(6):
            fine = Geometry.from_parts((40, 36, 44), rng.uniform(0.6, 1.4, 3), rng.uniform(-40, 40, 3), rotation(rng))
            segmentation_node, fine_node = add_segmentation(), empty_volume(fine)
            segmentation_node.SetAndObserveTransformNodeID(add_transform(rigid(rng)).GetID())
            first = rng.random(fine.shape) < 0.2
            first_id = add_segment(segmentation_node, "first")
            set_segment_mask(segmentation_node, first_id, first, fine_node)

            middle = (LPS_TO_RAS @ volume_geometry(fine_node).ijk_to_ras @ [22, 18, 20, 1])[:3]
            spacing, direction = rng.uniform(1.5, 4.0, 3), rotation(rng)
            coarse = Geometry.from_parts((10, 9, 11), spacing, middle - direction @ (spacing * [5, 4, 5]), direction)
            coarse_node = empty_volume(coarse, "DWI")
            box = np.zeros(coarse.shape, bool)
            box[3:7, 2:7, 3:8] = True
            box_id = add_segment(segmentation_node, "box")
            set_segment_mask(segmentation_node, box_id, box, coarse_node)

            np.testing.assert_array_equal(segment_mask(segmentation_node, first_id, fine_node), first)
            index = centres(np.linalg.inv(coarse.ijk_to_ras) @ fine.ijk_to_ras, fine.shape)
            inside = np.all((index >= np.array([3, 2, 3]) - 0.5) & (index < np.array([7, 6, 6]) + 0.5), axis=-1)
            np.testing.assert_array_equal(segment_mask(segmentation_node, box_id, fine_node), inside)
            own, grid = segment_on_own_grid(segmentation_node, box_id)
            self.assertAlmostEqual(grid.voxel_volume_ml, fine.voxel_volume_ml)
            # beyond the fine image the outline goes on: nothing is cut off
            exact = np.count_nonzero(box) * coarse.voxel_volume_ml
            self.assertAlmostEqual(np.count_nonzero(own) * grid.voxel_volume_ml / exact, 1.0, delta=0.03)

    def test_a_grid_shifted_by_whole_voxels_is_the_same_grid(self):
        geometry = Geometry.from_parts((10, 11, 12), (1.1, 1.3, 2.7), (3, 4, 5), rotation(np.random.default_rng(4)))
        crop = Geometry((4, 5, 6), geometry.ijk_to_lps @ np.array([[1, 0, 0, 3], [0, 1, 0, 2], [0, 0, 1, 5], [0, 0, 0, 1]]))
        segmentation_node, volume_node = add_segmentation(), empty_volume(geometry)
        whole_id, part_id = (add_segment(segmentation_node, name) for name in ("whole", "part"))
        set_segment_mask(segmentation_node, whole_id, np.ones(geometry.shape, bool), volume_node)
        part = np.random.default_rng(5).random(crop.shape) < 0.5
        set_segment_mask(segmentation_node, part_id, part, empty_volume(crop, "crop"))
        expected = np.zeros(geometry.shape, bool)
        expected[5:9, 2:7, 3:9] = part
        np.testing.assert_array_equal(segment_mask(segmentation_node, part_id, volume_node), expected)

    def test_what_would_vanish_is_an_error_and_changes_nothing(self):
        coarse = Geometry.from_parts((4, 4, 4), (5, 5, 5))
        fine = Geometry.from_parts((4, 4, 4), (0.5, 0.5, 0.5), (1.6, 1.6, 1.6))
        segmentation_node = add_segmentation("Baseline")
        ids = [add_segment(segmentation_node, name) for name in ("large", "Speck")]
        set_segment_mask(segmentation_node, ids[0], np.ones(coarse.shape, bool), empty_volume(coarse))
        for segment_id in ids:
            with self.assertRaisesRegex(InputError, "smaller than a voxel.*'Baseline'"):
                set_segment_mask(segmentation_node, segment_id, np.ones(fine.shape, bool), empty_volume(fine))
        self.assertEqual(np.count_nonzero(segment_on_own_grid(segmentation_node, ids[0])[0]), 64)


class TestWhatCannotBeWritten(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.geometry = Geometry.from_parts((4, 5, 6), (1, 2, 3))
        self.volume_node, self.segmentation_node = empty_volume(self.geometry), add_segmentation("Baseline")
        self.segment_id = add_segment(self.segmentation_node, "Lesion 1")

    def test_wrong_masks_are_named(self):
        for mask, words in (
            (np.ones(self.geometry.shape), "'Lesion 1'.*true or false"),
            (np.ones((4, 5, 7), bool), r"'Lesion 1' has \(4, 5, 7\) voxels, volume 'T1' \(4, 5, 6\)"),
        ):
            with self.assertRaisesRegex(InputError, words):
                set_segment_mask(self.segmentation_node, self.segment_id, mask, self.volume_node)
        with self.assertRaisesRegex(InputError, "Segment_9"):
            set_segment_mask(self.segmentation_node, "Segment_9", np.ones(self.geometry.shape, bool), self.volume_node)

    def test_a_segmentation_kept_as_surfaces_is_not_written(self):
        node = add_segmentation("RT", source="Closed surface")
        with self.assertRaisesRegex(InputError, "'RT' is kept as 'Closed surface'"):
            add_segment(node, "Lesion")
        to_world = np.eye(4)
        segment_id = node.AddSegmentFromClosedSurfaceRepresentation(box_surface(to_world), "box", [1, 0, 0])
        with self.assertRaisesRegex(InputError, "'RT' is kept as 'Closed surface'"):
            set_segment_mask(node, segment_id, np.ones(self.geometry.shape, bool), self.volume_node)
        with self.assertRaisesRegex(InputError, "'box' is a surface"):
            segment_on_own_grid(node, segment_id)
        mask, grid = segment_on_own_grid(node, segment_id, self.volume_node)
        self.assertEqual(mask.shape, grid.shape)

    def test_a_bent_space_is_an_error(self):
        bent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Deformable")
        bent.SetAndObserveTransformToParent(slicer.vtkOrientedBSplineTransform())
        self.assertFalse(bent.IsTransformToWorldLinear())
        self.volume_node.SetAndObserveTransformNodeID(bent.GetID())
        with self.assertRaisesRegex(GeometryError, "'T1'.*'Deformable'"):
            set_segment_mask(self.segmentation_node, self.segment_id, np.ones(self.geometry.shape, bool), self.volume_node)


class TestSavedScenes(SceneTestCase):
    def test_overlapping_masks_come_back(self):
        rng = np.random.default_rng(6)
        geometry = oblique_geometry(rng)
        volume_node, segmentation_node = empty_volume(geometry), add_segmentation("Baseline")
        masks = {name: rng.random(geometry.shape) < 0.3 for name in "ABC"}
        for name, mask in masks.items():
            set_segment_mask(segmentation_node, add_segment(segmentation_node, name), mask, volume_node)
        reopen(self.folder / "case.mrb")
        segmentation_node, volume_node = slicer.util.getNode("Baseline"), slicer.util.getNode("T1")
        segmentation = segmentation_node.GetSegmentation()
        for name, mask in masks.items():
            segment_id = segmentation.GetSegmentIdBySegmentName(name)
            np.testing.assert_array_equal(segment_mask(segmentation_node, segment_id, volume_node), mask)
            own, grid = segment_on_own_grid(segmentation_node, segment_id)
            np.testing.assert_array_equal(own, mask)
            self.assertTrue(grid.matches(geometry))


if __name__ == "__main__":
    unittest.main()

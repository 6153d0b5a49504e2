"""Segments on the grid of a volume: exactly the voxels whose centre is inside, whatever the grids and transforms."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
import slicer
import vtk

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.scene.segments import fraction_outside, segment_ids, segment_mask, union_mask
from HCCResponseLib.scene.volumes import add_volume

BOX_HALF_MM = np.array([11.0, 8.0, 14.0])


def rotation(rng) -> np.ndarray:
    """Random orthogonal matrix, mirrored or not."""
    return np.linalg.qr(rng.normal(size=(3, 3)))[0]


def rigid(rng, shift_mm: float = 30.0) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(rng)
    matrix[:3, 3] = rng.uniform(-shift_mm, shift_mm, 3)
    return matrix


def oblique_geometry(rng, shape=(14, 20, 18)) -> Geometry:
    return Geometry.from_parts(shape, rng.uniform(1.2, 4.5, 3), rng.uniform(-40, 40, 3), rotation(rng))


def centres(ijk_to_world: np.ndarray, shape) -> np.ndarray:
    """World coordinates (k, j, i, 3) of all voxel centres."""
    k, j, i = np.meshgrid(*map(np.arange, shape), indexing="ij")
    return (np.stack([i, j, k, np.ones_like(i)], axis=-1) @ ijk_to_world.T)[..., :3]


def add_transform(matrix, name: str = "Move"):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


def add_segmentation(name: str = "Lesions", source: str = "Binary labelmap"):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.GetSegmentation().SetSourceRepresentationName(source)
    return node


def add_labelmap_segment(segmentation_node, array, geometry: Geometry, name: str) -> str:
    volume_node = add_volume(array.astype(np.uint8), geometry, "painted", node_class="vtkMRMLLabelMapVolumeNode")
    segmentation_node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    segment_id = segmentation_node.GetSegmentation().AddEmptySegment("", name)
    slicer.util.updateSegmentBinaryLabelmapFromArray(array.astype(np.uint8), segmentation_node, segment_id, volume_node)
    slicer.mrmlScene.RemoveNode(volume_node)
    return segment_id


def box_surface(to_world: np.ndarray, half_mm=BOX_HALF_MM):
    cube = vtk.vtkCubeSource()
    cube.SetXLength(2 * half_mm[0])
    cube.SetYLength(2 * half_mm[1])
    cube.SetZLength(2 * half_mm[2])
    transform = vtk.vtkTransform()
    transform.SetMatrix(slicer.util.vtkMatrixFromArray(to_world))
    place = vtk.vtkTransformPolyDataFilter()
    place.SetTransform(transform)
    place.SetInputConnection(cube.GetOutputPort())
    place.Update()
    return place.GetOutput()


class TestMaskFromLabelmap(SceneTestCase):
    def test_on_the_grid_it_was_painted_on_every_voxel_comes_back(self):
        rng = np.random.default_rng(1)
        for _ in range(4):
            geometry = oblique_geometry(rng)
            volume_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "map")
            segmentation_node = add_segmentation()
            painted = rng.random(geometry.shape) < 0.2
            other = rng.random(geometry.shape) < 0.2
            segment_id = add_labelmap_segment(segmentation_node, painted, geometry, "painted")
            add_labelmap_segment(segmentation_node, other, geometry, "overlapping")
            mask = segment_mask(segmentation_node, segment_id, volume_node)
            self.assertEqual(mask.dtype, bool)
            np.testing.assert_array_equal(mask, painted)

    def test_a_box_of_whole_voxels_on_another_grid_holds_exactly_the_centres_inside(self):
        rng = np.random.default_rng(2)
        for _ in range(8):
            fine = Geometry.from_parts((40, 36, 44), rng.uniform(0.6, 1.4, 3), rng.uniform(-40, 40, 3), rotation(rng))
            painted = np.zeros(fine.shape, bool)
            painted[6:33, 5:30, 8:40] = True
            low, high = np.array([8, 5, 6]) - 0.5, np.array([39, 29, 32]) + 0.5
            segmentation_node = add_segmentation()
            segment_id = add_labelmap_segment(segmentation_node, painted, fine, "box")
            middle = (fine.ijk_to_lps @ [22, 18, 20, 1])[:3]
            spacing, direction = rng.uniform(1.5, 5.0, 3), rotation(rng)
            coarse = Geometry.from_parts((12, 15, 13), spacing, middle - direction @ (spacing * [6, 7, 6]), direction)
            volume_node = add_volume(np.zeros(coarse.shape, np.float32), coarse, "map")
            index = centres(np.linalg.inv(fine.ijk_to_ras) @ coarse.ijk_to_ras, coarse.shape)
            expected = np.all((index >= low) & (index < high), axis=-1)
            mask = segment_mask(segmentation_node, segment_id, volume_node)
            self.assertGreater(expected.sum(), 20)
            np.testing.assert_array_equal(mask, expected)

    def test_parent_transforms_of_both_nodes_are_honoured(self):
        rng = np.random.default_rng(3)
        for _ in range(8):
            fine = Geometry.from_parts((30, 30, 30), (1.1, 0.9, 1.3), (-10, -20, -15), rotation(rng))
            painted = np.zeros(fine.shape, bool)
            painted[4:26, 7:25, 3:28] = True
            low, high = np.array([3, 7, 4]) - 0.5, np.array([27, 24, 25]) + 0.5
            segmentation_node = add_segmentation()
            segment_id = add_labelmap_segment(segmentation_node, painted, fine, "box")
            outer, inner, of_volume = rigid(rng), rigid(rng), rigid(rng)
            outer_node, inner_node = add_transform(outer, "outer"), add_transform(inner, "inner")
            inner_node.SetAndObserveTransformNodeID(outer_node.GetID())
            segmentation_node.SetAndObserveTransformNodeID(inner_node.GetID())
            segmentation_to_world = outer @ inner @ fine.ijk_to_ras
            # the volume's grid is put about the middle of the box, in the volume's own coordinates
            middle = np.linalg.inv(of_volume) @ segmentation_to_world @ [15, 15, 15, 1]
            spacing, direction = np.array([2.3, 1.9, 3.7]), rotation(rng)
            own = np.eye(4)
            own[:3, :3] = direction * spacing
            own[:3, 3] = middle[:3] - own[:3, :3] @ [7, 8, 5]
            coarse = Geometry((11, 17, 15), np.diag([-1.0, -1, 1, 1]) @ own)
            volume_node = add_volume(np.zeros(coarse.shape, np.float32), coarse, "map")
            volume_node.SetAndObserveTransformNodeID(add_transform(of_volume, "of volume").GetID())
            index = centres(np.linalg.inv(segmentation_to_world) @ of_volume @ own, coarse.shape)
            expected = np.all((index >= low) & (index < high), axis=-1)
            self.assertGreater(expected.sum(), 20)
            np.testing.assert_array_equal(segment_mask(segmentation_node, segment_id, volume_node), expected)

    def test_a_shift_by_half_a_voxel_gives_no_ragged_border(self):
        rng = np.random.default_rng(7)
        for _ in range(10):
            geometry = oblique_geometry(rng)
            painted = rng.random(geometry.shape) < 0.3
            segmentation_node = add_segmentation()
            segment_id = add_labelmap_segment(segmentation_node, painted, geometry, "dots")
            shift = np.eye(4)
            shift[:3, 3] = geometry.ijk_to_ras[:3, :3] @ [0.5, 0.5, -0.5]
            segmentation_node.SetAndObserveTransformNodeID(add_transform(shift).GetID())
            volume_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "map")
            expected = np.zeros(geometry.shape, bool)
            expected[:-1] = painted[1:]
            np.testing.assert_array_equal(segment_mask(segmentation_node, segment_id, volume_node), expected)

    def test_a_labelmap_whose_extent_does_not_start_at_zero(self):
        geometry = Geometry.from_parts((8, 9, 10), (1.5, 2, 3), (5, 6, 7))
        image = slicer.vtkOrientedImageData()
        image.SetExtent(4, 7, 2, 5, -3, 3)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        image.GetPointData().GetScalars().Fill(1)
        image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(geometry.ijk_to_ras))
        segmentation_node = add_segmentation()
        segment = slicer.vtkSegment()
        segment.SetName("cropped")
        segment.AddRepresentation("Binary labelmap", image)
        segmentation_node.GetSegmentation().AddSegment(segment, "cropped")
        volume_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "map")
        expected = np.zeros(geometry.shape, bool)
        expected[0:4, 2:6, 4:8] = True
        np.testing.assert_array_equal(segment_mask(segmentation_node, "cropped", volume_node), expected)

    def test_agrees_with_slicer_where_slicer_resamples_nothing(self):
        rng = np.random.default_rng(4)
        geometry = oblique_geometry(rng)
        volume_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "map")
        segmentation_node = add_segmentation()
        segment_id = add_labelmap_segment(segmentation_node, rng.random(geometry.shape) < 0.1, geometry, "dots")
        exported = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation_node, segment_id, volume_node)
        np.testing.assert_array_equal(segment_mask(segmentation_node, segment_id, volume_node), exported == 1)

    def test_asking_leaves_no_node_behind(self):
        geometry = Geometry.from_parts((4, 4, 4), (1, 1, 1))
        volume_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "map")
        segmentation_node = add_segmentation()
        segment_id = add_labelmap_segment(segmentation_node, np.ones(geometry.shape, bool), geometry, "all")
        before = slicer.mrmlScene.GetNumberOfNodes()
        segment_mask(segmentation_node, segment_id, volume_node)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)


class TestMaskFromSurface(SceneTestCase):
    def test_an_oblique_box_holds_exactly_the_centres_inside(self):
        rng = np.random.default_rng(5)
        for _ in range(10):
            geometry = oblique_geometry(rng, (16, 22, 20))
            to_world = rigid(rng)
            to_world[:3, 3] = (geometry.ijk_to_ras @ [9.3, 10.2, 7.6, 1])[:3]
            segmentation_node = add_segmentation(source="Closed surface")
            of_segmentation, of_volume = rigid(rng), rigid(rng)
            surface = box_surface(np.linalg.inv(of_segmentation) @ of_volume @ to_world)
            segment_id = segmentation_node.AddSegmentFromClosedSurfaceRepresentation(surface, "box", [1, 0, 0])
            segmentation_node.SetAndObserveTransformNodeID(add_transform(of_segmentation).GetID())
            volume_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "map")
            volume_node.SetAndObserveTransformNodeID(add_transform(of_volume).GetID())
            relative = (centres(geometry.ijk_to_ras, geometry.shape) - to_world[:3, 3]) @ to_world[:3, :3]
            distance = np.abs(relative) / BOX_HALF_MM
            mask = segment_mask(segmentation_node, segment_id, volume_node)
            # a surface is float32: what lies within 1e-4 of its face is on the face
            clear = np.abs(distance.max(axis=-1) - 1) > 1e-4
            self.assertGreater(mask.sum(), 50)
            np.testing.assert_array_equal(mask[clear], (distance.max(axis=-1) < 1)[clear])

    def test_faces_on_voxel_centres_are_shared_out_as_between_labelmap_voxels(self):
        geometry = Geometry((10, 10, 10), np.diag([-1.0, -1, 1, 1]))
        to_world = np.eye(4)
        to_world[:3, 3] = 4.5
        segmentation_node = add_segmentation(source="Closed surface")
        surface = box_surface(to_world, half_mm=np.array([2.5, 2.5, 2.5]))
        segment_id = segmentation_node.AddSegmentFromClosedSurfaceRepresentation(surface, "cube", [1, 0, 0])
        volume_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "map")
        expected = np.zeros(geometry.shape, bool)
        expected[2:7, 2:7, 2:7] = True
        np.testing.assert_array_equal(segment_mask(segmentation_node, segment_id, volume_node), expected)

    def test_a_painted_segment_shown_as_surface_is_still_read_from_its_labelmap(self):
        geometry = Geometry.from_parts((8, 10, 12), (1, 1.5, 3))
        painted = np.random.default_rng(6).random(geometry.shape) < 0.3
        segmentation_node = add_segmentation()
        segment_id = add_labelmap_segment(segmentation_node, painted, geometry, "dots")
        segmentation_node.CreateClosedSurfaceRepresentation()
        volume_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "map")
        np.testing.assert_array_equal(segment_mask(segmentation_node, segment_id, volume_node), painted)


class TestWhatCannotBeAMask(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.geometry = Geometry.from_parts((5, 6, 7), (2, 2, 4))
        self.volume_node = add_volume(np.zeros(self.geometry.shape, np.float32), self.geometry, "ADC")
        self.segmentation_node = add_segmentation("Baseline")

    def assert_input_error(self, segment_id: str, *words: str):
        with self.assertRaises(InputError) as caught:
            segment_mask(self.segmentation_node, segment_id, self.volume_node)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_an_empty_segment_is_named(self):
        segment_id = self.segmentation_node.GetSegmentation().AddEmptySegment("", "Lesion 7")
        self.assert_input_error(segment_id, "Lesion 7", "Baseline", "empty")
        add_labelmap_segment(self.segmentation_node, np.ones(self.geometry.shape, bool), self.geometry, "full")
        self.assert_input_error(segment_id, "Lesion 7", "empty")

    def test_an_erased_segment_is_named(self):
        segment_id = add_labelmap_segment(self.segmentation_node, np.ones(self.geometry.shape, bool), self.geometry, "Erased")
        slicer.vtkSlicerSegmentationsModuleLogic.ClearSegment(self.segmentation_node, segment_id)
        self.assert_input_error(segment_id, "Erased", "empty")

    def test_an_empty_surface_is_named(self):
        self.segmentation_node.GetSegmentation().SetSourceRepresentationName("Closed surface")
        segment_id = self.segmentation_node.AddSegmentFromClosedSurfaceRepresentation(vtk.vtkPolyData(), "Hollow", [1, 0, 0])
        self.assert_input_error(segment_id, "Hollow", "empty")

    def test_a_segment_of_another_representation_says_what_to_do(self):
        segment_id = self.segmentation_node.GetSegmentation().AddEmptySegment("", "RT structure")
        self.segmentation_node.GetSegmentation().GetSegment(segment_id).RemoveAllRepresentations()
        self.segmentation_node.GetSegmentation().SetSourceRepresentationName("Planar contour")
        self.assert_input_error(segment_id, "RT structure", "Planar contour", "binary labelmap")

    def test_an_unknown_segment_is_named(self):
        self.assert_input_error("Segment_99", "Baseline", "Segment_99")

    def test_a_segment_beside_the_volume_is_named(self):
        far = Geometry.from_parts((5, 6, 7), (2, 2, 4), (500, 0, 0))
        segment_id = add_labelmap_segment(self.segmentation_node, np.ones(far.shape, bool), far, "Far away")
        self.assert_input_error(segment_id, "Far away", "ADC", "beside")

    def test_a_segment_between_voxel_centres_is_named(self):
        tiny = Geometry.from_parts((2, 2, 2), (0.2, 0.2, 0.2), (0.8, 0.8, 0.8))
        segment_id = add_labelmap_segment(self.segmentation_node, np.ones(tiny.shape, bool), tiny, "Speck")
        self.assert_input_error(segment_id, "Speck", "smaller than a voxel")

    def test_a_bent_space_is_an_error_that_names_node_and_transform(self):
        segment_id = add_labelmap_segment(self.segmentation_node, np.ones(self.geometry.shape, bool), self.geometry, "all")
        bent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Deformable registration")
        warp = vtk.vtkThinPlateSplineTransform()
        points = vtk.vtkPoints()
        for point in ((0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10), (10, 10, 10)):
            points.InsertNextPoint(point)
        moved = vtk.vtkPoints()
        moved.DeepCopy(points)
        moved.SetPoint(4, 14, 9, 10)
        warp.SetSourceLandmarks(points)
        warp.SetTargetLandmarks(moved)
        warp.SetBasisToR()
        bent.SetAndObserveTransformToParent(warp)
        for node in (self.segmentation_node, self.volume_node):
            with self.subTest(node=node.GetName()):
                node.SetAndObserveTransformNodeID(bent.GetID())
                with self.assertRaises(GeometryError) as caught:
                    segment_mask(self.segmentation_node, segment_id, self.volume_node)
                with self.assertRaises(GeometryError):
                    union_mask(self.segmentation_node, [segment_id], self.volume_node)
                self.assertIn(node.GetName(), str(caught.exception))
                self.assertIn("Deformable registration", str(caught.exception))
                node.SetAndObserveTransformNodeID(None)


class TestUnion(SceneTestCase):
    def test_what_is_empty_adds_nothing(self):
        geometry = Geometry.from_parts((3, 4, 5), (1, 1, 1))
        volume_node, segmentation_node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "t2"), add_segmentation()
        masks = np.zeros((2, *geometry.shape), bool)
        masks[0, 0, 1], masks[1, 2, 1] = True, True
        ids = [add_labelmap_segment(segmentation_node, mask, geometry, "part") for mask in masks]
        empty = segmentation_node.GetSegmentation().AddEmptySegment("", "empty")
        np.testing.assert_array_equal(union_mask(segmentation_node, [*ids, empty], volume_node), masks.any(axis=0))
        self.assertIsNone(union_mask(segmentation_node, [empty], volume_node))


class TestSegmentIds(SceneTestCase):
    def test_order_and_visibility(self):
        segmentation_node = add_segmentation()
        ids = [segmentation_node.GetSegmentation().AddEmptySegment("", name) for name in "ABC"]
        self.assertEqual(segment_ids(segmentation_node), ids)
        segmentation_node.GetDisplayNode().SetSegmentVisibility(ids[1], False)
        self.assertEqual(segment_ids(segmentation_node, visible_only=True), [ids[0], ids[2]])


class TestFractionOutside(SceneTestCase):
    GEOMETRY = Geometry.from_parts((10, 10, 10), (2, 2, 4))

    def add_map(self):
        return add_volume(np.zeros(self.GEOMETRY.shape, np.float32), self.GEOMETRY, "map")

    def test_labelmap_on_a_finer_and_larger_grid(self):
        fine = Geometry.from_parts((60, 40, 40), (1, 1, 1), (-10.5, -10.5, -11.5))
        node = add_segmentation()
        volume_node = self.add_map()
        for limits, expected in (
            ((slice(10, 20), slice(10, 30), slice(10, 30)), 0.0),  # k from z = -1.5: the voxels of the map begin at -2
            ((slice(5, 20), slice(10, 30), slice(10, 30)), 5 / 15),
            ((slice(10, 20), slice(10, 30), slice(0, 20)), 0.5),
        ):
            painted = np.zeros(fine.shape, bool)
            painted[limits] = True
            segment_id = add_labelmap_segment(node, painted, fine, "box")
            self.assertAlmostEqual(fraction_outside(node, segment_id, volume_node), expected)

    def test_the_whole_grid_is_inside(self):
        rng = np.random.default_rng(5)
        geometry = oblique_geometry(rng)
        node = add_segmentation()
        segment_id = add_labelmap_segment(node, np.ones(geometry.shape, bool), geometry, "all")
        self.assertEqual(fraction_outside(node, segment_id, add_volume(np.zeros(geometry.shape), geometry, "map")), 0.0)

    def test_surface(self):
        node = add_segmentation(source="Closed surface")
        volume_node = self.add_map()
        for shift, expected in ((0.0, 0.0), (9.0, 0.5), (100.0, 1.0)):
            to_world = np.eye(4)
            to_world[:3, 3] = (-9 - shift, -9, 18)
            segment_id = f"box {shift:g}"
            self.add_surface(node, segment_id, box_surface(to_world, np.array([9.9, 5.0, 9.0])))
            self.assertAlmostEqual(fraction_outside(node, segment_id, volume_node), expected, delta=0.06)

    def add_surface(self, node, segment_id, surface):
        segment = slicer.vtkSegment()
        segment.SetName(segment_id)
        segment.AddRepresentation("Closed surface", surface)
        node.GetSegmentation().AddSegment(segment, segment_id)

    def test_an_empty_segment_is_told(self):
        node = add_segmentation()
        with self.assertRaisesRegex(InputError, "empty"):
            fraction_outside(node, node.GetSegmentation().AddEmptySegment("", "none"), self.add_map())


if __name__ == "__main__":
    unittest.main()

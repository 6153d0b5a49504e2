"""Volume nodes from arrays with geometry and back; roles, b-values, subject hierarchy."""

import types
import unittest
from unittest import mock

import numpy as np
from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
import slicer
import vtk

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.b_values import b_value, propose_b_value, set_b_value
from HCCResponseLib.scene.roles import role, set_role
from HCCResponseLib.scene.subject_hierarchy import add_folder, patient_of, place_beside, series_uid, study_item, subject_hierarchy_item
from HCCResponseLib.scene.volumes import add_volume, ijk_to_world, update_volume, volume_array, volume_geometry


def oblique(rng, shape=(4, 5, 6)) -> Geometry:
    return Geometry.from_parts(shape, rng.uniform(0.5, 5, 3), rng.uniform(-100, 100, 3), np.linalg.qr(rng.normal(size=(3, 3)))[0])


def add_transform(matrix):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


class TestVolumes(SceneTestCase):
    def test_array_and_geometry_come_back(self):
        rng = np.random.default_rng(1)
        for dtype in (np.float32, np.float64, np.int16, np.uint8, np.uint16):
            geometry = oblique(rng)
            array = (rng.random(geometry.shape) * 200).astype(dtype)
            node = add_volume(array, geometry, "image")
            self.assertEqual(volume_array(node).dtype, dtype)
            np.testing.assert_array_equal(volume_array(node), array)
            self.assertTrue(volume_geometry(node).matches(geometry, tolerance_mm=1e-9))

    def test_voxels_lie_where_the_geometry_says(self):
        geometry = Geometry.from_parts((2, 3, 4), (1.5, 2.5, 4.0), (10.0, -20.0, 30.0))
        node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "image")
        point = ijk_to_world(node) @ [3, 2, 1, 1]
        np.testing.assert_allclose(point[:3], [-(10 + 4.5), -(-20 + 5.0), 30 + 4.0])

    def test_the_array_is_copied_in_and_read_only_out(self):
        geometry = Geometry.from_parts((2, 3, 4), (1, 1, 1))
        array = np.zeros(geometry.shape, np.float32)
        node = add_volume(array, geometry, "image")
        array[:] = 7
        self.assertEqual(volume_array(node).max(), 0)
        with self.assertRaises(ValueError):
            volume_array(node)[0, 0, 0] = 1

    def test_a_mask_becomes_numbers(self):
        geometry = Geometry.from_parts((2, 2, 2), (1, 1, 1))
        node = add_volume(np.eye(2, dtype=bool)[None].repeat(2, 0), geometry, "mask", node_class="vtkMRMLLabelMapVolumeNode")
        self.assertEqual(volume_array(node).dtype, np.uint8)
        self.assertEqual(volume_array(node).sum(), 4)

    def test_update_is_in_place_and_announced(self):
        geometry = Geometry.from_parts((2, 3, 4), (1, 1, 1))
        node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "image")
        image, seen = node.GetImageData(), []
        scalars = image.GetPointData().GetScalars()
        before = scalars.GetMTime()
        node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: seen.append(1))
        update_volume(node, np.full(geometry.shape, 2.5, np.float32))
        self.assertIs(node.GetImageData().GetPointData().GetScalars(), scalars)
        self.assertEqual(seen, [1])
        self.assertGreater(scalars.GetMTime(), before)
        self.assertEqual(volume_array(node).min(), 2.5)

    def test_update_to_another_grid_and_type(self):
        node = add_volume(np.zeros((2, 3, 4), np.int16), Geometry.from_parts((2, 3, 4), (1, 1, 1)), "image")
        other = oblique(np.random.default_rng(2))
        update_volume(node, np.full(other.shape, 0.25, np.float32), other)
        self.assertEqual(volume_array(node).dtype, np.float32)
        self.assertTrue(volume_geometry(node).matches(other))

    def test_what_does_not_fit_changes_nothing(self):
        geometry = Geometry.from_parts((2, 3, 4), (1, 1, 1))
        node = add_volume(np.ones(geometry.shape, np.float32), geometry, "T1")
        count = slicer.mrmlScene.GetNumberOfNodes()
        for array in (np.zeros((4, 3, 2)), np.zeros((2, 3, 4, 1)), np.zeros((2, 3, 4), complex), np.full((2, 3, 4), "x")):
            with self.assertRaisesRegex(InputError, "T1"):
                update_volume(node, array)
            with self.assertRaisesRegex(InputError, "new"):
                add_volume(array, geometry, "new")
        self.assertEqual(volume_array(node).min(), 1)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_no_image_is_a_clear_error(self):
        empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Not loaded")
        colour = slicer.util.addVolumeFromArray(np.zeros((2, 2, 2, 3), np.uint8), name="Photo", nodeClassName="vtkMRMLVectorVolumeNode")
        for node, words in ((empty, "Not loaded"), (colour, "Photo"), (None, "chosen")):
            with self.assertRaisesRegex(InputError, words):
                volume_array(node)


class TestParentTransforms(SceneTestCase):
    def test_world_geometry_is_the_product_of_all_parents(self):
        rng = np.random.default_rng(3)
        geometry = oblique(rng)
        node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "image")
        outer, inner = np.eye(4), np.eye(4)
        outer[:3] = rng.normal(size=(3, 4))
        inner[:3] = rng.normal(size=(3, 4))
        outer_node, inner_node = add_transform(outer), add_transform(inner)
        inner_node.SetAndObserveTransformNodeID(outer_node.GetID())
        node.SetAndObserveTransformNodeID(inner_node.GetID())
        np.testing.assert_allclose(volume_geometry(node, world=True).ijk_to_ras, outer @ inner @ geometry.ijk_to_ras, atol=1e-9)
        self.assertTrue(volume_geometry(node).matches(geometry, tolerance_mm=1e-9))

    def test_a_bent_space_has_no_geometry(self):
        geometry = Geometry.from_parts((2, 2, 2), (1, 1, 1))
        node = add_volume(np.zeros(geometry.shape, np.float32), geometry, "Warped T2")
        warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "B-spline")
        node.SetAndObserveTransformNodeID(warp.GetID())
        with self.assertRaisesRegex(GeometryError, "Warped T2.*B-spline"):
            volume_geometry(node, world=True)
        self.assertTrue(volume_geometry(node).matches(geometry))


class TestRoles(SceneTestCase):
    def test_set_read_find_remove(self):
        geometry = Geometry.from_parts((1, 1, 1), (1, 1, 1))
        nodes = [add_volume(np.zeros((1, 1, 1), np.float32), geometry, name) for name in "abc"]
        self.assertIsNone(role(nodes[0]))
        set_role(nodes[0], Role.DWI)
        set_role(nodes[2], "DWI")
        self.assertEqual(nodes[0].GetAttribute("HCC.Role"), "DWI")
        self.assertIs(role(nodes[0]), Role.DWI)
        self.assertEqual([node for node in nodes if role(node) is Role.DWI], [nodes[0], nodes[2]])
        set_role(nodes[0], None)
        self.assertIsNone(role(nodes[0]))
        self.assertIsNone(nodes[0].GetAttribute("HCC.Role"))

    def test_a_role_of_a_later_version_is_no_role(self):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        node.SetAttribute("HCC.Role", "ELASTOGRAPHY")
        self.assertIsNone(role(node))
        with self.assertRaises(ValueError):
            set_role(node, "ELASTOGRAPHY")


class TestBValues(SceneTestCase):
    def volume(self, name="volume"):
        return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)

    def test_set_and_read(self):
        node = self.volume()
        self.assertIsNone(b_value(node))
        for value in (0, 400, 1400.0, 0.1 + 0.2, "50"):
            set_b_value(node, value)
            self.assertEqual(b_value(node), float(value))
        set_b_value(node, None)
        self.assertIsNone(b_value(node))

    def test_what_is_no_b_value(self):
        node = self.volume("ep2d_diff")
        set_b_value(node, 800)
        for value in (-1, float("nan"), float("inf"), "b800", ""):
            with self.assertRaisesRegex(InputError, "ep2d_diff"):
                set_b_value(node, value)
        self.assertEqual(b_value(node), 800)
        node.SetAttribute("HCC.BValue", "eight hundred")
        self.assertIsNone(b_value(node))

    def test_proposed_from_the_name(self):
        for name, expected in (
            ("ep2d_diff b800", 800.0),
            ("DWI_b50", 50.0),
            ("dwi b=1000_trace", 1000.0),
            ("5: DWI b-value 400", 400.0),
            ("B0", 0.0),
            ("tab800", None),
            ("ep2d_diff_b50_800", None),
            ("dwi b0 b800", None),
            ("T1 vibe", None),
        ):
            with self.subTest(name=name):
                self.assertEqual(propose_b_value(self.volume(name))[0], expected)

    def test_what_is_set_goes_before_the_name(self):
        node = self.volume("b800")
        self.assertEqual(propose_b_value(node), (800.0, "name"))
        set_b_value(node, 750)
        self.assertEqual(propose_b_value(node), (750.0, "attribute"))

    def test_proposed_from_the_headers_that_slicer_loaded(self):
        from pydicom.dataset import Dataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

        def write(uid: str, b) -> str:
            dataset = Dataset()
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = MRImageStorage
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid
            dataset.Modality, dataset.Manufacturer = "MR", "SIEMENS"
            if isinstance(b, float):
                dataset.DiffusionBValue = b
            elif b is not None:
                block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
                block.add_new(0x0C, "IS", str(b))
            path = self.folder / uid
            dataset.save_as(path, enforce_file_format=True)
            return str(path)

        files = {uid: write(uid, b) for uid, b in (("1.1", 600), ("1.2", 600), ("1.3", 50), ("1.4", None), ("1.5", 0.001), ("1.6", 0.004))}
        database = types.SimpleNamespace(isOpen=True, fileForInstance=lambda uid: files.get(uid, ""))
        with mock.patch.object(slicer, "dicomDatabase", database, create=True):
            for uids, expected in (
                ("1.1 1.2", (600.0, "DICOM header")),
                ("1.1 1.3", (None, "")),
                ("1.4", (None, "")),
                ("1.5 1.6", (0.0, "DICOM header")),
                ("1.1 9.9", (None, "")),
                ("", (None, "")),
            ):
                with self.subTest(uids=uids):
                    node = self.volume("series")
                    node.SetAttribute("DICOM.instanceUIDs", uids)
                    self.assertEqual(propose_b_value(node), expected)
            database.isOpen = False
            node.SetAttribute("DICOM.instanceUIDs", "1.1")
            self.assertEqual(propose_b_value(node), (None, ""))


class TestSubjectHierarchy(SceneTestCase):
    def node(self, name):
        return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)

    def test_folder_and_neighbour(self):
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        first, second, other = self.node("a"), self.node("b"), self.node("c")
        folder = add_folder("DWI", [first, second])
        place_beside(other, second)
        children = vtk.vtkIdList()
        hierarchy.GetItemChildren(folder, children)
        found = [hierarchy.GetItemDataNode(children.GetId(n)) for n in range(children.GetNumberOfIds())]
        self.assertEqual(found, [first, second, other])

    def test_patient_and_study_are_made_once(self):
        facts = dict(patient_id="P7", patient_name="Doe^Jane", study_uid="1.2.3")
        study = study_item(**facts, study_description="Liver MRI", study_date="2026-08-21")
        self.assertEqual(study_item(**facts), study)
        later = study_item(**(facts | {"study_uid": "1.2.4"}))
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        self.assertNotEqual(later, study)
        self.assertEqual(hierarchy.GetItemParent(later), hierarchy.GetItemParent(study))
        node = self.node("a")
        self.assertEqual(patient_of(node), "")
        add_folder("DWI", [node], parent=study)
        self.assertEqual(patient_of(node), "P7")

    def test_studies_without_patient_id_are_not_one_patient(self):
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        first, second = (study_item(patient_id="", patient_name="", study_uid=uid) for uid in ("1.2.3", "1.2.4"))
        self.assertNotEqual(hierarchy.GetItemParent(first), hierarchy.GetItemParent(second))
        node = self.node("a")
        add_folder("DWI", [node], parent=first)
        self.assertEqual(patient_of(node), "Patient-1.2.3")

    def test_series_uid_as_slicer_leaves_it_or_as_we_set_it(self):
        node = self.node("a")
        self.assertEqual(series_uid(node), "")
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemUID(subject_hierarchy_item(node), "DICOM", "1.2.840.1")
        self.assertEqual(series_uid(node), "1.2.840.1")
        node.SetAttribute("HCC.SeriesInstanceUID", "1.2.840.2")
        self.assertEqual(series_uid(node), "1.2.840.2")


if __name__ == "__main__":
    unittest.main()

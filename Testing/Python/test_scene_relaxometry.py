"""T1 maps in the scene: what is said before, numbers against truth, provenance, refusal."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.map_set import maps_of
from HCCResponseLib.scene.parameter_maps import map_provenance, map_quantity, map_values, validity_node
from HCCResponseLib.scene.relaxometry import check_flip_angles, compute_t1, outdated_t1, t1_map_of
from HCCResponseLib.scene.roles import role
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.subject_hierarchy import study_item, subject_hierarchy_item
from HCCResponseLib.scene.volumes import add_volume, volume_array, volume_geometry

ANGLES, TR = (5.0, 10.0, 15.0), 0.0045
GEOMETRY = Geometry.from_parts((4, 9, 7), (2.5, 2.5, 6.0), (-20, 30, 12), [[0.8, 0, -0.6], [0, 1, 0], [0.6, 0, 0.8]])


def true_t1() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.3, 2.2, GEOMETRY.shape)


def spgr(t1, angle_deg, tr=TR):
    e, angle = np.exp(-tr / t1), np.radians(angle_deg)
    return np.sin(angle) * (1 - e) / (1 - e * np.cos(angle))


def add_vfa(angles=ANGLES, tr=TR, b1=1.0, m0=9000.0):
    slicer.mrmlScene.GetSubjectHierarchyNode()  # the application has it from the start
    nodes = []
    for angle in angles:
        node = add_volume(np.float32(m0 * spgr(true_t1(), angle * b1, tr)), GEOMETRY, f"vfa {angle:g}")
        node.SetAttribute("HCC.FlipAngle", f"{angle}")
        node.SetAttribute("HCC.RepetitionTime", f"{tr}")
        nodes.append(node)
    return nodes


def told(nodes, *arguments, level="error", **keywords) -> str:
    return " ".join(finding.text for finding in check_flip_angles(nodes, *arguments, **keywords) if finding.level == level)


def add_region(mask, volume_node, name="Lesion 1"):
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
    segmentation.CreateDefaultDisplayNodes()
    segment_id = add_segment(segmentation, name)
    set_segment_mask(segmentation, segment_id, mask, volume_node)
    return segmentation, segment_id


class TestBeforeComputing(SceneTestCase):
    def test_nothing_wrong(self):
        self.assertEqual({str(finding.level) for finding in check_flip_angles(add_vfa())}, {"good"})

    def test_nothing_chosen(self):
        self.assertIn("No volumes", told([]))

    def test_missing_settings_are_named(self):
        nodes = add_vfa()
        nodes[1].SetAttribute("HCC.FlipAngle", None)
        nodes[2].SetAttribute("HCC.RepetitionTime", None)
        self.assertIn("The flip angle of 'vfa 10' is not known", told(nodes))
        self.assertIn("The repetition time of 'vfa 15' is not known", told(nodes))
        self.assertEqual(told(nodes, ANGLES, TR), "")

    def test_one_angle_radians_milliseconds_and_several_tr(self):
        nodes = add_vfa()
        self.assertIn("Only one flip angle (15 degrees)", told(nodes[2:]))
        self.assertIn("3 volumes have 2 flip angles", told(nodes, [5, 10]))
        self.assertIn("radians", told(nodes, [0.1, 0.2, 0.3]))
        self.assertIn("milliseconds", told(nodes, ANGLES, 4.5))
        nodes[0].SetAttribute("HCC.RepetitionTime", "0.005")
        self.assertIn("different repetition times (4.5, 5 ms)", told(nodes))

    def test_angles_close_together_and_only_two(self):
        nodes = add_vfa((9.0, 10.0))
        self.assertIn("close together", told(nodes, level="warning"))
        self.assertIn("two flip angles", told(nodes, level="information"))

    def test_another_grid_and_a_map_are_named(self):
        nodes = add_vfa()
        other = add_volume(np.ones((4, 9, 7), np.float32), Geometry.from_parts((4, 9, 7), (1, 1, 1)), "other")
        self.assertIn("'other' does not lie on the grid", told([*nodes, other], [*ANGLES, 20], TR))
        self.assertIn("is a map", told([*nodes, compute_t1(nodes)], [*ANGLES, 20], TR))

    def test_b1_in_percent_is_told_and_one_without_values_refused(self):
        nodes = add_vfa()
        b1 = add_volume(np.full(GEOMETRY.shape, 93, np.int16), GEOMETRY, "B1")
        self.assertIn("the median is 93 %", told(nodes, b1_node=b1, level="good"))
        empty = add_volume(np.zeros(GEOMETRY.shape, np.int16), GEOMETRY, "no B1")
        self.assertIn("'no B1' has no value above 0", told(nodes, b1_node=empty))
        self.assertIn("far from", told(nodes, b1_node=add_volume(np.full(GEOMETRY.shape, 2.0), GEOMETRY, "B1x"), level="warning"))

    def test_images_of_another_examination_are_named(self):
        nodes = add_vfa()
        study = study_item(patient_id="P1", patient_name="X", study_uid="1.2.3")
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(nodes[2]), study)
        self.assertIn("'vfa 15' is of another examination than 'vfa 5'", told(nodes))

    def test_errors_stop_the_computation(self):
        nodes = add_vfa()
        count = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaisesRegex(InputError, "Only one flip angle"):
            compute_t1(nodes[:1])
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)


class TestT1(SceneTestCase):
    def test_truth_in_any_order(self):
        nodes = add_vfa()
        for method in ("nonlinear", "linear"):
            node = compute_t1([nodes[2], nodes[0], nodes[1]], method=method)
            values, quantity = map_values(node)
            self.assertEqual(quantity.key, "T1")
            np.testing.assert_allclose(values, true_t1(), rtol=1e-4)
        np.testing.assert_allclose(volume_array(node), 1e3 * true_t1(), rtol=1e-4)
        self.assertIs(role(node), Role.T1_MAP)
        self.assertTrue(volume_geometry(node).matches(GEOMETRY, 1e-9))
        self.assertEqual(map_provenance(node).method, "VFA 5, 10, 15 deg, TR 4.5 ms, linear")

    def test_b1_as_fraction_or_percent_on_another_grid(self):
        nodes = add_vfa(b1=0.9)
        coarse = Geometry.from_parts((8, 12, 12), (4, 4, 10), (-40, 20, -30))
        for scale, dtype in ((1.0, np.float32), (100.0, np.int16)):
            b1 = add_volume(np.full(coarse.shape, 0.9 * scale).astype(dtype), coarse, "B1")
            node = compute_t1(nodes, b1_node=b1)
            valid = volume_array(validity_node(node)) == 1
            self.assertGreater(valid.mean(), 0.8)
            np.testing.assert_allclose(map_values(node)[0][valid], true_t1()[valid], rtol=1e-4)
            self.assertIn("B1 map", map_provenance(node).method)
            self.assertIs(node.GetNodeReference("HCC.B1Map"), b1)

    def test_m0_and_only_in_a_region(self):
        nodes = add_vfa()
        mask = np.zeros(GEOMETRY.shape, bool)
        mask[1:3, 2:6, 1:5] = True
        segmentation, segment_id = add_region(mask, nodes[0])
        node = compute_t1(nodes, region=(segmentation, [segment_id]), with_m0=True)
        np.testing.assert_array_equal(volume_array(validity_node(node)) == 1, mask)
        self.assertEqual(node.GetAttribute("HCC.Region"), "Lesion 1")
        m0 = maps_of(nodes, ["M0"])["M0"]
        np.testing.assert_allclose(map_values(m0)[0][mask], 9000, rtol=1e-4)
        self.assertIs(compute_t1(nodes, region=(segmentation, None), map_node=node, m0_node=m0), node)
        self.assertEqual(maps_of(nodes, ["M0"]), {})  # not computed this time
        with self.assertRaisesRegex(InputError, "no segment 'nothing'"):
            compute_t1(nodes, region=(segmentation, ["nothing"]))

    def test_voxels_without_t1_are_marked(self):
        nodes = add_vfa()
        array = volume_array(nodes[0]).copy()
        array[0, 0, 0], array[1, 1, 1] = 0, np.nan
        slicer.util.updateVolumeFromArray(nodes[0], array)
        values, _ = map_values(compute_t1(nodes))
        self.assertTrue(np.isnan(values[0, 0, 0]) and np.isnan(values[1, 1, 1]))
        self.assertEqual(np.count_nonzero(np.isnan(values)), 2)

    def test_no_t1_at_all_says_why(self):
        nodes = add_vfa()
        for node in nodes:
            slicer.util.updateVolumeFromArray(node, np.zeros(GEOMETRY.shape, np.float32))
        count = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaisesRegex(InputError, "No voxel of 'vfa 5'.*zero or negative"):
            compute_t1(nodes)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_air_left_out(self):
        geometry = Geometry.from_parts((8, 40, 40), (2, 2, 5))
        rng = np.random.default_rng(3)
        tissue = np.zeros(geometry.shape, bool)
        tissue[:, 8:32, 8:32] = True
        nodes = []
        for angle in ANGLES:
            clean = np.where(tissue, 9000 * spgr(0.8, angle), 0)
            noisy = np.abs(clean + rng.normal(0, 4, clean.shape) + 1j * rng.normal(0, 4, clean.shape))
            nodes.append(add_volume(np.float32(noisy), geometry, f"{angle}"))
        node = compute_t1(nodes, ANGLES, TR, without_air=True)
        np.testing.assert_array_equal(volume_array(validity_node(node)) == 1, tissue)
        self.assertTrue(map_provenance(node).method.endswith("air left out"))
        self.assertAlmostEqual(np.nanmedian(map_values(node)[0]), 0.8, delta=0.01)

    def test_cancelled_changes_nothing(self):
        nodes = add_vfa()
        node = compute_t1(nodes)
        before, count = volume_array(node).copy(), slicer.mrmlScene.GetNumberOfNodes()
        for map_node in (None, node):
            with self.assertRaises(Cancelled):
                compute_t1(nodes[1:], map_node=map_node, progress=lambda fraction: False)
        np.testing.assert_array_equal(volume_array(node), before)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_maps_of_other_images_are_not_overwritten(self):
        first, second = add_vfa(), add_vfa((4.0, 12.0))
        node = compute_t1(first)
        with self.assertRaisesRegex(InputError, "another series"):
            compute_t1(second, map_node=node)
        m0 = maps_of([compute_t1(second, with_m0=True), *second], ["M0"])["M0"]
        with self.assertRaisesRegex(InputError, "is a map of M0"):
            compute_t1(second, map_node=m0)
        image, count = first[0], slicer.mrmlScene.GetNumberOfNodes()
        before = volume_array(node).copy()
        for options in (dict(m0_node=image), dict(m0_node=image, with_m0=True)):
            with self.assertRaisesRegex(InputError, "holds an image that would be lost"):
                compute_t1(first, map_node=node, method="linear", **options)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)
        np.testing.assert_array_equal(volume_array(node), before)
        self.assertIs(t1_map_of(first), node)
        self.assertIsNot(t1_map_of(second), node)

    def test_a_map_that_is_not_made_again_goes_with_all_that_is_its_own(self):
        nodes = add_vfa()
        count = slicer.mrmlScene.GetNumberOfNodes()
        t1_map = compute_t1(nodes)
        with_t1 = slicer.mrmlScene.GetNumberOfNodes()
        compute_t1(nodes, map_node=t1_map, with_m0=True)
        compute_t1(nodes, map_node=t1_map, m0_node=maps_of(nodes, ["M0"])["M0"])
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), with_t1)
        self.assertGreater(with_t1, count)

    def test_out_of_date_and_through_a_saved_scene(self):
        nodes = add_vfa()
        node = compute_t1(nodes)
        self.assertEqual(outdated_t1(node), "")
        nodes[2].SetAttribute("HCC.FlipAngle", "20")
        self.assertRegex(outdated_t1(node), "5, 10, 20 deg now.*5, 10, 15")
        nodes[2].SetAttribute("HCC.FlipAngle", "15")
        for one in nodes:
            one.SetAttribute("HCC.RepetitionTime", "0.005")
        self.assertRegex(outdated_t1(node), "TR of 5 ms now.*4.5 ms")
        reopen(self.folder / "case.mrb")
        node = slicer.util.getNode("T1")
        self.assertIs(map_quantity(node).key, "T1")
        self.assertRegex(outdated_t1(node), "TR of 5 ms now")


if __name__ == "__main__":
    unittest.main()

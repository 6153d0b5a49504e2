"""IVIM maps in the scene: what is said before, numbers against truth, maps of one computation stay together."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.scene.b_values import set_b_value
from HCCResponseLib.scene.diffusion import compute_adc
from HCCResponseLib.scene.ivim import check_ivim, compute_ivim, ivim_maps_of, outdated_ivim
from HCCResponseLib.scene.parameter_maps import map_provenance, map_values, validity_node
from HCCResponseLib.scene.volumes import add_volume, volume_array

B_VALUES = (0.0, 20.0, 50.0, 100.0, 200.0, 400.0, 800.0)
GEOMETRY = Geometry.from_parts((3, 8, 7), (2.5, 2.5, 6.0), (-20, 30, 12))


def truth():
    rng = np.random.default_rng(1)
    uniform = lambda low, high: rng.uniform(low, high, GEOMETRY.shape)
    return {"D": uniform(0.7e-3, 1.5e-3), "D_STAR": uniform(20e-3, 60e-3), "PERFUSION_FRACTION": uniform(0.1, 0.3)}


def add_series(b_values=B_VALUES):
    slicer.mrmlScene.GetSubjectHierarchyNode()  # the application has it from the start
    d, d_star, f = truth().values()
    nodes = []
    for b in b_values:
        node = add_volume(np.float32(900 * ((1 - f) * np.exp(-b * d) + f * np.exp(-b * d_star))), GEOMETRY, f"dwi b{b:g}")
        set_b_value(node, b)
        nodes.append(node)
    return nodes


def told(nodes, level="error", **keywords) -> str:
    return " ".join(finding.text for finding in check_ivim(nodes, **keywords) if finding.level == level)


class TestBeforeComputing(SceneTestCase):
    def test_nothing_wrong(self):
        self.assertEqual({str(finding.level) for finding in check_ivim(add_series(), noise=False)}, {"good"})

    def test_b_values_that_do_not_suffice(self):
        self.assertIn("No diffusion volume", told([]))
        self.assertIn("needs images at b = 0", told(add_series((50.0, 400.0, 800.0))))
        self.assertIn("two or more b-values from 200", told(add_series((0.0, 50.0, 400.0))))
        few = add_series((0.0, 400.0, 800.0))
        self.assertIn("D* cannot", told(few, "warning"))
        self.assertIn("between 0 and 200", told(few, method="biexponential"))
        self.assertIn("Unknown IVIM method", told(few, method="other"))

    def test_errors_stop_the_computation(self):
        nodes = add_series((0.0, 50.0, 400.0))
        count = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaisesRegex(InputError, "two or more b-values from 200"):
            compute_ivim(nodes)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)


class TestMaps(SceneTestCase):
    def test_truth(self):
        nodes = add_series()
        maps = compute_ivim(nodes[::-1], method="biexponential")
        self.assertEqual(list(maps), ["D", "D_STAR", "PERFUSION_FRACTION"])
        for key, expected in truth().items():
            values, quantity = map_values(maps[key])
            self.assertEqual(quantity.key, key)
            np.testing.assert_allclose(values, expected, rtol=2e-3)
        method = "IVIM biexponential, b = 0, 20, 50, 100, 200, 400, 800 s/mm2"
        self.assertEqual(map_provenance(maps["D"]).method, method)
        segmented = compute_ivim(nodes)
        np.testing.assert_allclose(map_values(segmented["D"])[0], truth()["D"], rtol=0.05)
        self.assertTrue(map_provenance(segmented["D"]).method.endswith("threshold 200 s/mm2"))

    def test_without_low_b_values_there_is_no_d_star(self):
        nodes = add_series()
        maps = compute_ivim(nodes)
        adc = compute_adc(nodes)
        self.assertEqual(set(ivim_maps_of(nodes)), {"D", "D_STAR", "PERFUSION_FRACTION"})
        chosen = [nodes[0], *nodes[5:]]
        again = compute_ivim(chosen, map_nodes=maps)
        self.assertEqual(set(again), {"D", "PERFUSION_FRACTION"})
        self.assertIs(again["D"], maps["D"])
        self.assertEqual(set(ivim_maps_of(nodes)), {"D", "PERFUSION_FRACTION"})  # the D* of the other computation is gone
        with self.assertRaisesRegex(InputError, "is a map of ADC"):
            compute_ivim(nodes, map_nodes={"D": adc})

    def test_region_and_cancel(self):
        nodes = add_series()
        maps = compute_ivim(nodes)
        before, count = volume_array(maps["D"]).copy(), slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(Cancelled):
            compute_ivim(nodes[1:2] + nodes[:1] + nodes[2:], map_nodes=maps, progress=lambda fraction: False)
        np.testing.assert_array_equal(volume_array(maps["D"]), before)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)
        mask = np.zeros(GEOMETRY.shape, bool)
        mask[1, 2:5, 2:5] = True
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(nodes[0])
        segment_id = segmentation.GetSegmentation().AddEmptySegment("", "Lesion")
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), segmentation, segment_id, nodes[0])
        maps = compute_ivim(nodes, region=(segmentation, [segment_id]))
        np.testing.assert_array_equal(volume_array(validity_node(maps["D"])) == 1, mask)

    def test_out_of_date(self):
        nodes = add_series()
        maps = compute_ivim(nodes)
        self.assertEqual(outdated_ivim(maps["PERFUSION_FRACTION"]), "")
        set_b_value(nodes[-1], 1000)
        self.assertIn("1000 s/mm2 now", outdated_ivim(maps["PERFUSION_FRACTION"]))


if __name__ == "__main__":
    unittest.main()

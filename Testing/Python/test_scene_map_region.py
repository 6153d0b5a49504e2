"""Where maps are computed: segments together, their cores, the body."""

import unittest

import numpy as np
from dynamic_scene import AORTA, GEOMETRY, TISSUE, DynamicScene
import slicer

from HCCResponseLib.errors import InputError
from HCCResponseLib.scene.map_region import core_of, region_mask, region_text


class TestRegion(DynamicScene):
    def test_segments_together(self):
        volume = self.add_series(self.signals()[..., :3], [0, 4, 8]).GetNthDataNode(0)
        segmentation, aorta, tissue = self.add_outlines(self.add_series())
        self.assertIsNone(region_mask(None, volume))
        np.testing.assert_array_equal(region_mask((segmentation, [aorta]), volume), AORTA)
        np.testing.assert_array_equal(region_mask((segmentation, [aorta, tissue]), volume), AORTA | TISSUE)
        self.assertEqual((region_text(None), region_text((segmentation, [tissue]))), ("", "Lesion 1"))
        segmentation.GetDisplayNode().SetSegmentVisibility(aorta, False)
        np.testing.assert_array_equal(region_mask((segmentation, None), volume), TISSUE)
        for region, message in (((None, None), "No segmentation"), ((segmentation, []), "No segment"), ((segmentation, ["x"]), "'x'")):
            with self.assertRaisesRegex(InputError, message):
                region_mask(region, volume)
        slicer.mrmlScene.RemoveNode(segmentation)

    def test_a_margin_is_in_millimetres(self):
        volume = self.add_series(self.signals()[..., :3], [0, 4, 8]).GetNthDataNode(0)
        segmentation, aorta, _tissue = self.add_outlines(self.add_series())
        larger = region_mask((segmentation, [aorta], 3.0), volume)
        expected = AORTA.copy()
        for axis in (1, 2):  # voxels of 2.5 mm in plane, 6 mm between slices, so neither diagonals nor slices are reached
            expected |= np.roll(AORTA, 1, axis) | np.roll(AORTA, -1, axis)
        np.testing.assert_array_equal(larger, expected)
        self.assertEqual(region_text((segmentation, [aorta], 3.0)), "Aorta + 3 mm")

    def test_the_core_lacks_the_rim_in_plane(self):
        core = core_of(AORTA)
        np.testing.assert_array_equal(core[:, 2:5, 2:5], True)
        self.assertEqual(core.sum(), 3 * 9)
        self.assertFalse(core_of(np.zeros(GEOMETRY.shape, bool)).any())
        edge = np.ones((2, 4, 4), bool)
        self.assertEqual(core_of(edge).sum(), 2 * 4)  # beyond the image nothing is known


if __name__ == "__main__":
    unittest.main()

"""Enhancement maps in the scene against the curves they come from, and whether maps of any kind are out of date."""

import unittest

import numpy as np
from dynamic_scene import ARRIVAL_S, GEOMETRY, RELAXIVITY, TIMES, TISSUE, DynamicScene
import slicer

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.quantification.enhancement import iauc
from HCCResponseLib.response.quantities import QUANTITIES
from HCCResponseLib.scene.enhancement import compute_enhancement, enhancement_maps_of
from HCCResponseLib.scene.flip_angles import set_flip_angle_deg
from HCCResponseLib.scene.frame_interval import set_typed_interval
from HCCResponseLib.scene.outdated_maps import outdated_map
from HCCResponseLib.scene.parameter_maps import make_parameter_map, map_provenance, map_values


class TestEnhancement(DynamicScene):
    def setUp(self):
        super().setUp()
        self.sequence = self.add_series()
        self.segmentation, _aorta, tissue = self.add_outlines(self.sequence)
        self.options = dict(arrival_s=ARRIVAL_S, region=(self.segmentation, [tissue]))

    def test_relative_enhancement(self):
        signals = self.signals()
        maps = compute_enhancement(self.sequence, **self.options)
        self.assertEqual(set(maps), {"ENHANCEMENT", "ENHANCEMENT_AREA60", "TIME_TO_PEAK", "WASH_IN"})
        ratio = signals[TISSUE].astype(float) / signals[TISSUE][:, :1] - 1
        peak = ratio.argmax(axis=1)
        for key, expected in (
            ("ENHANCEMENT", ratio.max(axis=1)),
            ("TIME_TO_PEAK", TIMES[peak] - ARRIVAL_S),
            ("WASH_IN", np.diff(ratio, axis=1).max(axis=1) / 4.3),
            ("ENHANCEMENT_AREA60", iauc(ratio, TIMES, ARRIVAL_S)),
        ):
            values, quantity = map_values(maps[key])
            self.assertEqual(quantity.key, key)
            np.testing.assert_allclose(values[TISSUE], expected, rtol=1e-4, err_msg=key)
            self.assertTrue(np.isnan(values[~TISSUE]).all())
        self.assertEqual(enhancement_maps_of(self.sequence), maps)
        self.assertEqual(map_provenance(maps["WASH_IN"]).method, "relative enhancement S/S0 - 1")

    def test_area_of_concentration(self):
        t1_map = make_parameter_map(self.on_grid("t1"), None, GEOMETRY, QUANTITIES["T1"], "T1")
        maps = compute_enhancement(self.sequence, relaxivity=RELAXIVITY, t1_map=t1_map, **self.options)
        expected = iauc(self.concentration(), TIMES, ARRIVAL_S)
        np.testing.assert_allclose(map_values(maps["IAUC60"])[0][TISSUE], expected, rtol=1e-3)
        self.assertEqual(map_provenance(maps["IAUC60"]).method, "concentration, T10 map, r1 5 /(s mM), 15 deg, TR 4.5 ms")
        self.assertEqual(outdated_map(maps["IAUC60"]), "")
        set_flip_angle_deg(self.sequence, 10)
        self.assertIn("flip angle of 'dce' is 10 now", outdated_map(maps["IAUC60"]))
        self.assertEqual(outdated_map(maps["WASH_IN"]), "")
        set_typed_interval(self.sequence, "5")
        self.assertIn("times of the images", outdated_map(maps["WASH_IN"]))
        set_typed_interval(self.sequence, "4.3")
        again = compute_enhancement(self.sequence, map_nodes=maps, **self.options)
        self.assertEqual(set(again), {"ENHANCEMENT", "ENHANCEMENT_AREA60", "TIME_TO_PEAK", "WASH_IN"})
        self.assertEqual(enhancement_maps_of(self.sequence), again)

    def test_what_cannot_be_computed_says_why_and_changes_nothing(self):
        count = slicer.mrmlScene.GetNumberOfNodes()
        for changes, message in (
            (dict(arrival_s=0.0), "no image before"),
            (dict(arrival_s=240.0), "not inside the series"),
            (dict(relaxivity=5.0), "choose a T1 map"),
            (dict(region=(self.segmentation, ["x"])), "no segment 'x'"),
        ):
            with self.assertRaisesRegex(InputError, message):
                compute_enhancement(self.sequence, **(self.options | changes))
        with self.assertRaises(Cancelled):
            compute_enhancement(self.sequence, progress=lambda fraction: False, **self.options)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_a_volume_that_is_no_map_is_never_out_of_date(self):
        self.assertEqual(outdated_map(self.sequence.GetNthDataNode(0)), "")


if __name__ == "__main__":
    unittest.main()

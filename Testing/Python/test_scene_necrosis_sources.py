"""Necrosis from other sources than two plain phases, and comparisons that say what they compare; maps in pure voxels and proposals."""

import math
import unittest

import numpy as np
from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
from test_scene_lesion_necrosis import READING, NecrosisTestCase

from HCCResponseLib.errors import InputError
from HCCResponseLib.lesions.necrosis_threshold import ReferenceThreshold, RelativeThreshold
from HCCResponseLib.response.quantities import QUANTITIES
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.lesion_necrosis import LesionNecrosis, compare_necrosis, measure_parts
from HCCResponseLib.scene.linked_segments import set_linked_mask
from HCCResponseLib.scene.map_measurement import measure_map, measured_values
from HCCResponseLib.scene.measured_outlines import outdated_procedures
from HCCResponseLib.scene.measurement_rows import Reading, rows_of
from HCCResponseLib.scene.measurement_table import measurements
from HCCResponseLib.scene.parameter_maps import make_parameter_map
from HCCResponseLib.scene.proposals import accept_proposal, mark_proposed
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.segment_types import set_segment_type
from HCCResponseLib.scene.volumes import add_volume


class TestSources(NecrosisTestCase):
    def test_half_of_the_viable_tissue_s_enhancement(self):
        necrosis = self.analysis(median=False)
        threshold = necrosis.half_enhancement()
        self.assertAlmostEqual(threshold.value, 35.0, delta=0.5)
        rows = necrosis.apply(necrosis.classify(threshold), READING)
        self.assertAlmostEqual(self.rows()["NECROTIC_FRACTION"], 0.125)
        self.assertIn("threshold = half of the viable tissue's enhancement", rows[0].method)

    def test_a_subtraction_made_by_the_scanner(self):
        subtraction = add_volume(self.post - self.pre, self.geometry, "SUB portal")
        set_role(subtraction, Role.SUBTRACTION)
        necrosis = LesionNecrosis(self.node, self.segment_id, subtraction, median=False)
        threshold = ReferenceThreshold(necrosis.measure_reference(), k=-5.0)
        rows = necrosis.apply(necrosis.classify(threshold), READING)
        self.assertAlmostEqual(self.rows()["NECROTIC_FRACTION"], 0.125)
        self.assertNotIn("alignment", rows[0].method)
        with self.assertRaisesRegex(InputError, "'SUB portal' is a subtraction"):
            necrosis.classify(RelativeThreshold(20.0))
        with self.assertRaisesRegex(InputError, "no volume before contrast"):
            necrosis.measure_reference(before_contrast=True)
        with self.assertRaisesRegex(InputError, "no volume before contrast"):
            necrosis.check_alignment()
        both = LesionNecrosis(self.node, self.segment_id, subtraction, self.pre_node, median=False)
        blood = ReferenceThreshold(both.measure_reference(before_contrast=True), k=5.0)
        both.apply(both.classify(ReferenceThreshold(both.measure_reference(), k=-5.0), haemorrhage=blood), READING)
        self.assertAlmostEqual(self.rows()["HAEMORRHAGIC_FRACTION"], 0.0625)
        with self.assertRaisesRegex(InputError, "does not tell how its images were aligned"):
            both.check_alignment()

    def test_only_the_references_that_were_used_count(self):
        muscle_id = add_segment(self.node, "muscle")
        set_segment_mask(self.node, muscle_id, np.roll(self.liver, 2, axis=1), self.post_node)
        set_segment_type(self.node, muscle_id, RegionType.MUSCLE)
        necrosis = self.analysis(median=False)
        necrosis.measure_reference(RegionType.MUSCLE)
        liver = ReferenceThreshold(necrosis.measure_reference(), k=-5.0)
        necrosis.apply(necrosis.classify(liver), READING)
        set_segment_mask(self.node, muscle_id, self.liver, self.post_node)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), [])
        set_segment_mask(self.node, self.liver_id, np.roll(self.liver, 1, axis=1), self.post_node)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), ["Necrosis"])

    def test_viable_and_haemorrhagic_parts_leave_the_rest_to_necrosis(self):
        for region_type, mask in ((RegionType.VIABLE, self.lesion & ~self.core), (RegionType.HAEMORRHAGIC, self.blood)):
            set_linked_mask(self.node, self.segment_id, region_type, mask, self.post_node)
        measure_parts(self.node, self.segment_id, READING)
        self.assertAlmostEqual(self.rows()["NECROTIC_FRACTION"], 0.125)
        self.assertAlmostEqual(self.rows()["HAEMORRHAGIC_FRACTION"], 0.0625)

    def test_a_comparison_across_settings_says_so(self):
        before = Reading("P1", 0, "A")
        for reading, rim in ((before, 0), (READING, 1)):
            necrosis = self.analysis(rim_layers=rim)
            necrosis.apply(necrosis.classify(necrosis.half_enhancement()), reading)
        change, _caution = compare_necrosis(self.node, self.segment_id, READING, 0)
        self.assertIn("Measured differently now and before (rim layers 1 and 0)", change.sentence)
        self.assertFalse(change.comparable)
        necrosis = self.analysis(rim_layers=1)
        necrosis.apply(necrosis.classify(necrosis.half_enhancement()), before)
        change, _caution = compare_necrosis(self.node, self.segment_id, READING, 0)
        self.assertNotIn("differently", change.sentence)
        self.assertTrue(change.comparable)


class TestMapVoxels(NecrosisTestCase):
    def setUp(self):
        super().setUp()
        values = np.where(self.lesion & ~self.core, 1.0, 2.0) * 1e-3
        self.map_node = make_parameter_map(values, None, self.geometry, QUANTITIES["ADC"], "ADC", method="WLLS, b = 0, 800 s/mm2")

    def test_a_proposal_is_not_measured(self):
        mark_proposed(self.node, self.segment_id, "grown from a click")
        result = measure_map(self.map_node, self.node, [self.segment_id, self.liver_id], patient="P1")[0]
        self.assertIsNone(result.statistics)
        self.assertIn("'Lesion 1' is only a proposal; accept it", result.problem)
        self.assertEqual({row.lesion_name for row in measurements()}, {"reference"})
        accept_proposal(self.node, self.segment_id)
        self.assertEqual(measure_map(self.map_node, self.node, [self.segment_id], patient="P1")[0].problem, "")

    def test_pure_voxels_stand_beside_all_voxels(self):
        measure_map(self.map_node, self.node, [self.segment_id], patient="P1", reader="A", time_point=1)
        inner = measure_map(self.map_node, self.node, [self.segment_id], patient="P1", reader="A", time_point=1, pure=True, erode_mm=1.4)
        self.assertEqual(inner[0].statistics.n, 10 * 10 * 10)
        methods = {row.method for row in rows_of(self.node, self.segment_id, READING)}
        plain = "WLLS, b = 0, 800 s/mm2"
        self.assertEqual(methods, {plain, f"{plain}; voxels wholly inside by 1.4 mm"})
        found = measured_values(self.map_node, self.node, time_point=1, reader="A", pure=True, erode_mm=1.4)
        self.assertEqual((found[0].statistics.n, found[0].outdated), (1000, False))
        self.assertTrue(math.isnan(found[0].statistics.volume_ml))
        self.assertEqual(measured_values(self.map_node, self.node, time_point=1, reader="A")[0].statistics.n, 12**3)

    def test_a_part_thinner_than_the_voxels_is_not_measurable(self):
        result = measure_map(self.map_node, self.node, [self.segment_id], patient="P1", pure=True, erode_mm=30.0)[0]
        self.assertIn("No voxel of 'ADC' lies wholly inside 'Lesion 1'", result.problem)


del SceneTestCase, NecrosisTestCase

if __name__ == "__main__":
    unittest.main()

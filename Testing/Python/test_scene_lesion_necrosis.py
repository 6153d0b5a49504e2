"""Necrosis in the scene: numbers of the images where their transforms place them, parts as segments, rows, the course."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer
from test_scene_segments import add_segmentation, add_transform, rigid, rotation

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import LPS_TO_RAS, Geometry
from HCCResponseLib.lesions.necrosis_threshold import PhaseThreshold, ReferenceThreshold, RelativeThreshold
from HCCResponseLib.lesions.necrosis_trend import NecrosisTrend
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.scene.examination_volumes import array_on_grid_of
from HCCResponseLib.scene.lesion_identity import lesion_identity
from HCCResponseLib.scene.lesion_necrosis import LesionNecrosis, compare_necrosis, measure_parts
from HCCResponseLib.scene.linked_segments import linked_segment, linked_segments
from HCCResponseLib.scene.measured_outlines import outdated_procedures
from HCCResponseLib.scene.measurement_rows import Reading, rows_of, write_rows
from HCCResponseLib.scene.measurement_table import measurements
from HCCResponseLib.scene.proposals import mark_proposed
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.segment_types import set_segment_type
from HCCResponseLib.scene.segments import segment_mask
from HCCResponseLib.scene.subject_hierarchy import source_uid
from HCCResponseLib.scene.undo import Undo
from HCCResponseLib.scene.volumes import add_volume, update_volume

READING = Reading("P1", 1, "A")
SHAPE = (20, 32, 32)


class NecrosisTestCase(SceneTestCase):
    """A lesion of 12 x 12 x 12 voxels: outer layers viable, the core necrotic, one half of the core bright before contrast."""

    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(1)
        self.geometry = Geometry.from_parts(SHAPE, (1.5, 1.5, 2.0), (10, -20, 30), rotation(rng))
        self.lesion, self.core, self.blood, self.liver = (np.zeros(SHAPE, bool) for _ in range(4))
        self.lesion[4:16, 8:20, 8:20] = True
        self.core[7:13, 11:17, 11:17] = True
        self.blood[7:10, 11:17, 11:17] = True
        self.liver[4:16, 22:30, 4:28] = True
        pre = np.where(self.lesion, 80.0, 100.0) + 80.0 * self.blood
        gain = np.where(self.lesion & ~self.core, 70.0, np.where(self.core, 2.0, 40.0))
        self.pre = (pre + rng.normal(0, 2, SHAPE)).astype(np.float32)
        self.post = (pre + gain + rng.normal(0, 2, SHAPE)).astype(np.float32)
        self.pre_node = add_volume(self.pre, self.geometry, "native")
        self.post_node = add_volume(self.post, self.geometry, "portal")
        self.node = add_segmentation("Week 4")
        self.segment_id = add_segment(self.node, "Lesion 1")
        set_segment_mask(self.node, self.segment_id, self.lesion, self.post_node)
        self.liver_id = add_segment(self.node, "reference")
        set_segment_mask(self.node, self.liver_id, self.liver, self.post_node)
        set_segment_type(self.node, self.liver_id, RegionType.LIVER_REFERENCE)

    def analysis(self, **settings) -> LesionNecrosis:
        return LesionNecrosis(self.node, self.segment_id, self.post_node, self.pre_node, **settings)

    def rows(self, reading=READING) -> dict[str, float]:
        return {row.quantity: row.value for row in rows_of(self.node, self.segment_id, reading)}

    def part(self, region_type) -> np.ndarray:
        part_id = linked_segment(self.node, lesion_identity(self.node, self.segment_id).uid, region_type)
        return segment_mask(self.node, part_id, self.post_node)


class TestNecrosis(NecrosisTestCase):
    def test_parts_and_rows_are_the_truth(self):
        necrosis = self.analysis(median=False)
        threshold = ReferenceThreshold(necrosis.measure_reference(), k=-5.0)
        haemorrhage = ReferenceThreshold(necrosis.measure_reference(before_contrast=True), k=5.0)
        result = necrosis.classify(threshold, haemorrhage=haemorrhage)
        self.assertEqual(measurements(), [])
        self.assertIsNone(lesion_identity(self.node, self.segment_id))
        rows = necrosis.apply(result, READING)
        ml = self.geometry.voxel_volume_ml
        expected = {
            "COUNTED_VOLUME": self.lesion.sum() * ml,
            "NECROTIC_VOLUME": self.core.sum() * ml,
            "VIABLE_VOLUME": (self.lesion & ~self.core).sum() * ml,
            "NECROTIC_FRACTION": 0.125,
            "NECROSIS_SCORE": 1.0,
            "HAEMORRHAGIC_VOLUME": self.blood.sum() * ml,
            "HAEMORRHAGIC_FRACTION": 0.0625,
        }
        self.assertEqual(self.rows().keys(), expected.keys())
        for key, value in expected.items():
            self.assertAlmostEqual(self.rows()[key], value, places=9, msg=key)
        np.testing.assert_array_equal(self.part(RegionType.VIABLE), self.lesion & ~self.core)
        np.testing.assert_array_equal(self.part(RegionType.NECROTIC), self.core & ~self.blood)
        np.testing.assert_array_equal(self.part(RegionType.HAEMORRHAGIC), self.blood)
        self.assertEqual(rows[0].source_series, f"{source_uid(self.pre_node)}, {source_uid(self.post_node)}")
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), [])
        self.assertNotIn("outside", rows[0].method)
        for words in ("Necrosis: threshold on subtraction", "k = -5", "reference = liver reference", "pattern = central", "mm apart"):
            self.assertIn(words, rows[0].method)

    def test_another_threshold_replaces_parts_and_rows(self):
        necrosis = self.analysis(median=False)
        blood = ReferenceThreshold(necrosis.measure_reference(before_contrast=True), k=5.0)
        necrosis.apply(necrosis.classify(RelativeThreshold(20.0), haemorrhage=blood), READING)
        necrosis.apply(necrosis.classify(RelativeThreshold(500.0)), READING)
        self.assertEqual(self.rows()["NECROTIC_FRACTION"], 1.0)
        self.assertNotIn("HAEMORRHAGIC_VOLUME", self.rows())
        self.assertEqual(len(measurements()), 5)
        uid = lesion_identity(self.node, self.segment_id).uid
        self.assertEqual(len(linked_segments(self.node, uid)), 2)
        np.testing.assert_array_equal(self.part(RegionType.NECROTIC), self.lesion)

    def test_an_outline_changed_meanwhile_is_not_written_over(self):
        necrosis = self.analysis()
        result = necrosis.classify(RelativeThreshold(20.0))
        changed = self.lesion.copy()
        changed[4] = False
        set_segment_mask(self.node, self.segment_id, changed, self.post_node)
        with self.assertRaisesRegex(InputError, "'Lesion 1' or its image changed"):
            necrosis.apply(result, READING)
        self.assertEqual(measurements(), [])

    def test_another_reference_makes_the_rows_outdated(self):
        necrosis = self.analysis()
        necrosis.apply(necrosis.classify(ReferenceThreshold(necrosis.measure_reference(), k=-5.0)), READING)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), [])
        set_segment_mask(self.node, self.liver_id, np.roll(self.liver, 1, axis=1), self.post_node)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), ["Necrosis"])

    def test_one_phase_alone(self):
        necrosis = LesionNecrosis(self.node, self.segment_id, self.post_node)
        result = necrosis.classify(PhaseThreshold(120.0))
        self.assertAlmostEqual(result.necrotic_fraction, (self.core & ~self.blood).sum() / self.lesion.sum(), delta=0.02)
        with self.assertRaisesRegex(InputError, "before contrast"):
            necrosis.check_alignment()
        with self.assertRaisesRegex(InputError, "before contrast"):
            necrosis.measure_reference()

    def test_a_missing_reference_says_so(self):
        with self.assertRaisesRegex(InputError, "'Week 4' has no reference region of the type 'Muscle'"):
            self.analysis().measure_reference(RegionType.MUSCLE)

    def test_a_proposal_is_not_measured_and_nothing_changes(self):
        mark_proposed(self.node, self.segment_id, "grown")
        necrosis = self.analysis()
        with self.assertRaisesRegex(InputError, "only a proposal"):
            necrosis.apply(necrosis.classify(RelativeThreshold(20.0)), READING)
        self.assertEqual(measurements(), [])
        self.assertEqual(self.node.GetSegmentation().GetNumberOfSegments(), 2)

    def test_images_are_taken_where_transforms_place_them(self):
        rng = np.random.default_rng(2)
        # the same anatomy, before contrast: shifted by half a patient on a finer grid, then moved back by a transform
        shift = rigid(rng)
        fine = Geometry((40, 40, 40), self.geometry.ijk_to_lps @ np.diag([0.8, 0.8, 0.5, 1.0]))
        coordinates = np.indices(fine.shape) * np.array([0.5, 0.8, 0.8])[:, None, None, None]
        nearest = tuple(np.clip(np.rint(axis).astype(int), 0, size - 1) for axis, size in zip(coordinates, SHAPE, strict=True))
        moved = Geometry(fine.shape, LPS_TO_RAS @ np.linalg.inv(shift) @ fine.ijk_to_ras)
        self.pre_node = add_volume(self.pre[nearest], moved, "native fine")
        self.pre_node.SetAndObserveTransformNodeID(add_transform(shift).GetID())
        necrosis = self.analysis(median=False)
        result = necrosis.classify(ReferenceThreshold(necrosis.measure_reference(), k=-5.0))
        self.assertAlmostEqual(result.necrotic_fraction, 0.125, delta=0.02)
        self.assertTrue(necrosis.check_alignment().aligned)

    def test_a_lesion_partly_outside_the_image_is_told(self):
        crop = Geometry((8, 32, 32), self.geometry.ijk_to_lps)
        self.pre_node, self.post_node = (add_volume(one[:8], crop, "crop") for one in (self.pre, self.post))
        necrosis = self.analysis()
        rows = necrosis.apply(necrosis.classify(RelativeThreshold(20.0)), READING)
        self.assertIn("outside the image = 67 %", rows[0].method)

    def test_misaligned_images_are_told(self):
        off = np.eye(4)
        off[:3, 3] = self.geometry.ijk_to_ras[:3, :3] @ [3.0, 0.0, 0.0]
        self.pre_node.SetAndObserveTransformNodeID(add_transform(off).GetID())
        check = self.analysis().check_alignment()
        self.assertFalse(check.aligned)
        self.assertAlmostEqual(check.shift_mm, 4.5, delta=0.7)
        necrosis = self.analysis()
        rows = necrosis.apply(necrosis.classify(RelativeThreshold(20.0)), READING)
        self.assertIn("mm apart, not aligned", rows[0].method)

    def test_undo_takes_parts_and_rows_away_and_redo_brings_them_back(self):
        undo, necrosis = Undo(), self.analysis(median=False)
        for percent in (20.0, 500.0):
            undo.save(self.node)
            necrosis.apply(necrosis.classify(RelativeThreshold(percent)), READING)
        undo.undo()
        self.assertAlmostEqual(self.rows()["NECROTIC_FRACTION"], 0.125)
        np.testing.assert_array_equal(self.part(RegionType.NECROTIC), self.core)
        self.assertEqual(outdated_procedures(self.node, self.segment_id, "A"), [])
        undo.undo()
        self.assertEqual(measurements(), [])
        self.assertEqual(self.node.GetSegmentation().GetNumberOfSegments(), 2)
        undo.redo()
        undo.redo()
        np.testing.assert_array_equal(self.part(RegionType.NECROTIC), self.lesion)
        self.assertEqual(self.rows()["NECROTIC_FRACTION"], 1.0)

    def test_survives_a_saved_scene(self):
        necrosis = self.analysis()
        necrosis.apply(necrosis.classify(RelativeThreshold(20.0)), READING)
        rows, viable = measurements(), self.part(RegionType.VIABLE)
        reopen(self.folder / "case.mrb")
        self.node, self.post_node = slicer.util.getNode("Week 4"), slicer.util.getNode("portal")
        self.assertEqual(measurements(), rows)
        np.testing.assert_array_equal(self.part(RegionType.VIABLE), viable)


class TestPartsAsDrawn(NecrosisTestCase):
    def draw(self, region_type, mask):
        from HCCResponseLib.scene.linked_segments import set_linked_mask

        return set_linked_mask(self.node, self.segment_id, region_type, mask, self.post_node)

    def test_all_three(self):
        self.draw(RegionType.VIABLE, self.lesion & ~self.core)
        self.draw(RegionType.NECROTIC, self.core & ~self.blood)
        self.draw(RegionType.HAEMORRHAGIC, self.blood)
        measure_parts(self.node, self.segment_id, READING)
        self.assertAlmostEqual(self.rows()["NECROTIC_FRACTION"], 0.125)
        self.assertAlmostEqual(self.rows()["HAEMORRHAGIC_FRACTION"], 0.0625)
        self.assertEqual(rows_of(self.node, self.segment_id, READING)[0].method, "Necrosis: parts as drawn")

    def test_one_part_tells_the_other(self):
        part_id = self.draw(RegionType.NECROTIC, self.core)
        measure_parts(self.node, self.segment_id, READING)
        self.assertAlmostEqual(self.rows()["NECROTIC_FRACTION"], 0.125)
        self.node.GetSegmentation().RemoveSegment(part_id)
        self.draw(RegionType.VIABLE, np.zeros_like(self.core))
        measure_parts(self.node, self.segment_id, READING)
        self.assertEqual(self.rows()["NECROTIC_FRACTION"], 1.0)
        self.assertEqual(self.rows()["NECROSIS_SCORE"], 4.0)

    def test_what_lies_outside_the_outline_does_not_count(self):
        self.draw(RegionType.NECROTIC, self.core | self.liver)
        measure_parts(self.node, self.segment_id, READING)
        self.assertAlmostEqual(self.rows()["NECROTIC_FRACTION"], 0.125)

    def test_bad_parts_are_named_and_write_nothing(self):
        with self.assertRaisesRegex(InputError, "'Lesion 1' has no viable or necrotic part"):
            measure_parts(self.node, self.segment_id, READING)
        self.draw(RegionType.VIABLE, self.lesion)
        self.draw(RegionType.NECROTIC, self.core)
        with self.assertRaisesRegex(InputError, "'Lesion 1' overlap"):
            measure_parts(self.node, self.segment_id, READING)
        self.draw(RegionType.VIABLE, self.liver)
        self.draw(RegionType.NECROTIC, np.zeros_like(self.core))
        with self.assertRaisesRegex(InputError, "inside its outline"):
            measure_parts(self.node, self.segment_id, READING)
        self.assertEqual(measurements(), [])


class TestCourse(NecrosisTestCase):
    def test_trend_and_caution_of_growth(self):
        before = Reading("P1", 0, "A")
        write_rows(self.node, self.segment_id, {"NECROTIC_FRACTION": 0.0}, before, "Necrosis: a")
        with self.assertRaisesRegex(InputError, "'Lesion 1' was not measured at time point 1"):
            compare_necrosis(self.node, self.segment_id, READING, 0)
        write_rows(self.node, self.segment_id, {"NECROTIC_FRACTION": 0.3}, READING, "Necrosis: b")
        change, caution = compare_necrosis(self.node, self.segment_id, READING, 0)
        self.assertIs(change.trend, NecrosisTrend.DE_NOVO)
        self.assertIsNone(caution)
        # volumes that a map was measured in do not count: they are of another grid
        write_rows(self.node, self.segment_id, {"VOLUME": 10.0}, before, "WLLS, b = 0, 800 s/mm2")
        for reading, volume in ((before, 10.0), (READING, 12.5)):
            write_rows(self.node, self.segment_id, {"VOLUME": volume}, reading, "Volume: surface")
        caution = compare_necrosis(self.node, self.segment_id, READING, 0)[1]
        self.assertTrue(caution.caution)
        self.assertAlmostEqual(caution.volume_growth_percent, 25.0)


class TestVolumesOnAGrid(SceneTestCase):
    def test_resampling_is_linear_and_marks_what_is_beyond(self):
        rng = np.random.default_rng(3)
        direction = rotation(rng)
        source = Geometry.from_parts((12, 13, 14), (1.5, 1.2, 2.0), (1, 2, 3), direction)
        target = Geometry((8, 9, 10), source.ijk_to_lps @ np.array([[0.7, 0, 0, 2], [0, 0.9, 0, 1.5], [0, 0, 0.6, -1], [0, 0, 0, 1]]))

        def ramp(geometry):
            k, j, i = np.indices(geometry.shape)
            return np.einsum("a,a...->...", [2.0, -3.0, 0.5, 100.0], np.tensordot(geometry.ijk_to_lps, np.stack([i, j, k, 1 + 0 * i]), 1))

        source_node, target_node = (add_volume(np.zeros(one.shape, np.float32), one, "v") for one in (source, target))
        update_volume(source_node, ramp(source).astype(np.float32))
        found = array_on_grid_of(source_node, target_node)
        inside = np.zeros(target.shape, bool)
        inside[2:] = True
        np.testing.assert_allclose(found[inside], ramp(target)[inside], atol=1e-3)
        self.assertTrue(np.isnan(found[:1]).all())


if __name__ == "__main__":
    unittest.main()

"""Outlines with help in the scene: grown, carried to other slices, cleaned, reference regions; proposals until accepted."""

import unittest

import numpy as np
import slicer
from scipy import ndimage
from slicer_core_scene import SceneTestCase, reopen
from test_scene_segments import add_segmentation, add_transform, rigid

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.geometry import LPS_TO_RAS, Geometry
from HCCResponseLib.phantom.lesion_images import LesionModel, lesion_image
from HCCResponseLib.response.case import Lesion
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.scene.diameter_lines import diameter_lines
from HCCResponseLib.scene.lesion_attributes import lesion_segments, set_lesion
from HCCResponseLib.scene.lesion_diameters import measure_diameters
from HCCResponseLib.scene.lesion_identity import lesion_identity
from HCCResponseLib.scene.linked_segments import linked_lesion, remove_lesion, set_linked_mask
from HCCResponseLib.scene.measurement_rows import Reading
from HCCResponseLib.scene.outline_cleaning import fill_between_slices, fill_holes, remove_islands, smooth_outline
from HCCResponseLib.scene.outline_growth import SegmentGrowth
from HCCResponseLib.scene.outline_slices import carry_to_slices
from HCCResponseLib.scene.proposals import accept_proposal, proposal, proposals, reject_proposal
from HCCResponseLib.scene.reference_segments import add_liver_ring, add_sphere, add_vessel
from HCCResponseLib.scene.segment_masks import add_segment, segment_on_own_grid, set_segment_mask
from HCCResponseLib.scene.segment_types import segment_type, segments_of_type, set_segment_type
from HCCResponseLib.scene.segments import segment_ids, segment_mask
from HCCResponseLib.scene.undo import Undo
from HCCResponseLib.scene.volumes import add_volume

READING = Reading("P1", 1, "A")


def dice(a, b) -> float:
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


class OutliningTestCase(SceneTestCase):
    """A noisy liver with a lesion and a neighbour, the volume under one transform, the segmentation under another."""

    @classmethod
    def setUpClass(cls):
        neighbour = LesionModel("hypovascular", (-84.0, 10.0, 0.0), 14.0, 5)
        cls.scan = lesion_image(
            "hypovascular", 1, shape=(24, 72, 72), diameter_mm=24.0, centre_lps=(-60.0, 0.0, 0.0), neighbours=[neighbour],
        )

    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(1)
        self.lesion = self.scan.lesions[0]
        self.volume_node = add_volume(self.scan.image.astype(np.float32), self.scan.geometry, "T1")
        self.node = add_segmentation("Baseline")
        self.moved = rigid(rng)
        self.volume_node.SetAndObserveTransformNodeID(add_transform(self.moved, "of volume").GetID())
        self.node.SetAndObserveTransformNodeID(add_transform(rigid(rng), "of segmentation").GetID())

    def point_ras(self, mask) -> np.ndarray:
        k, j, i = ndimage.center_of_mass(mask)
        return (self.moved @ self.scan.geometry.ijk_to_ras @ [i, j, k, 1.0])[:3]

    def mask(self, segment_id) -> np.ndarray:
        return segment_mask(self.node, segment_id, self.volume_node)

    def draw(self, mask, name="Lesion 1", uid="2.25.1") -> str:
        segment_id = add_segment(self.node, name)
        set_segment_mask(self.node, segment_id, mask, self.volume_node)
        set_lesion(self.node, segment_id, Lesion(uid, name))
        return segment_id


class TestGrowth(OutliningTestCase):
    def test_a_click_in_the_world_makes_a_proposed_lesion(self):
        growth = SegmentGrowth(self.volume_node, self.point_ras(self.lesion))
        segment_id, outline = growth.write(self.node)
        self.assertGreater(dice(self.mask(segment_id), self.lesion), 0.85)
        np.testing.assert_array_equal(self.mask(segment_id), outline.mask)
        self.assertEqual(lesion_segments(self.node), [segment_id])
        self.assertIn("grown from a click on T1", proposal(self.node, segment_id))
        self.assertIsNotNone(lesion_identity(self.node, segment_id))
        self.assertEqual(self.node.GetSegmentation().GetSegment(segment_id).GetName(), "Lesion 1")
        self.assertEqual(growth.write(self.node)[0], segment_ids(self.node)[1])
        self.assertEqual(self.node.GetSegmentation().GetNthSegment(1).GetName(), "Lesion 2")

    def test_the_strength_is_changed_in_place(self):
        growth = SegmentGrowth(self.volume_node, self.point_ras(self.lesion))
        segment_id, _outline = growth.write(self.node, strength=0.7)
        identity, larger = lesion_identity(self.node, segment_id), self.mask(segment_id)
        growth.write(self.node, segment_id, strength=0.4)
        smaller = self.mask(segment_id)
        self.assertLess(smaller.sum(), larger.sum())
        self.assertFalse((smaller & ~larger).any())
        self.assertEqual(lesion_identity(self.node, segment_id), identity)
        self.assertIn("strength 0.40", proposal(self.node, segment_id))

    def test_an_accepted_outline_is_not_grown_over(self):
        segment_id = self.draw(self.lesion)
        growth = SegmentGrowth(self.volume_node, self.point_ras(self.lesion))
        with self.assertRaisesRegex(InputError, "'Lesion 1' is outlined and accepted"):
            growth.write(self.node, segment_id)
        np.testing.assert_array_equal(self.mask(segment_id), self.lesion)

    def test_an_empty_segment_of_the_user_is_grown_into(self):
        segment_id = add_segment(self.node, "Mine")
        set_segment_type(self.node, segment_id, RegionType.SECONDARY_NEOPLASM)
        self.assertEqual(SegmentGrowth(self.volume_node, self.point_ras(self.lesion)).write(self.node, segment_id)[0], segment_id)
        self.assertIs(segment_type(self.node, segment_id), RegionType.SECONDARY_NEOPLASM)

    def test_errors_leave_the_scene_as_it_was(self):
        with self.assertRaisesRegex(InputError, "outside the image"):
            SegmentGrowth(self.volume_node, self.point_ras(self.lesion) + 500)
        growth = SegmentGrowth(self.volume_node, self.point_ras(self.lesion))
        with self.assertRaisesRegex(InputError, "strength"):
            growth.write(self.node, strength=2.0)
        self.node.GetSegmentation().SetSourceRepresentationName("Closed surface")
        with self.assertRaisesRegex(InputError, "Closed surface"):
            growth.write(self.node)
        self.assertEqual(segment_ids(self.node), [])

    def test_accept_reject_and_undo(self):
        undo = Undo()
        growth = SegmentGrowth(self.volume_node, self.point_ras(self.lesion))
        undo.save(self.node)
        segment_id, outline = growth.write(self.node)
        undo.save(self.node)
        reject_proposal(self.node, segment_id)
        self.assertEqual(segment_ids(self.node), [])
        undo.undo()
        np.testing.assert_array_equal(self.mask(segment_id), outline.mask)
        self.assertEqual(proposals(self.node), [segment_id])
        accept_proposal(self.node, segment_id)
        with self.assertRaisesRegex(InputError, "'Lesion 1' is not a proposal"):
            reject_proposal(self.node, segment_id)
        undo.undo()
        self.assertEqual(segment_ids(self.node), [])

    def test_survives_a_saved_scene(self):
        segment_id, outline = SegmentGrowth(self.volume_node, self.point_ras(self.lesion)).write(self.node)
        reopen(self.folder / "case.mrb")
        self.node, self.volume_node = slicer.util.getNode("Baseline"), slicer.util.getNode("T1")
        np.testing.assert_array_equal(self.mask(segment_id), outline.mask)
        self.assertIn("strength 0.50", proposal(self.node, segment_id))


class TestSlices(OutliningTestCase):
    def test_what_was_drawn_stays_and_the_rest_is_proposed(self):
        drawn = np.zeros_like(self.lesion)
        drawn[11:13] = self.lesion[11:13]
        other_id = self.draw(np.roll(drawn, 3, axis=0), "Neighbour", "2.25.2")
        segment_id = self.draw(drawn)
        found = carry_to_slices(self.node, segment_id, self.volume_node)
        np.testing.assert_array_equal(self.mask(segment_id), found.mask)
        np.testing.assert_array_equal(self.mask(segment_id)[11:13], self.lesion[11:13])
        np.testing.assert_array_equal(self.mask(other_id), np.roll(drawn, 3, axis=0))
        self.assertGreater(dice(found.mask, self.lesion), 0.8)
        self.assertEqual(proposals(self.node), [segment_id])

    def test_nothing_to_carry_changes_nothing(self):
        segment_id = self.draw(self.lesion)
        carry_to_slices(self.node, segment_id, self.volume_node, most_slices=0)
        self.assertEqual(proposals(self.node), [])
        with self.assertRaises(Cancelled):
            carry_to_slices(self.node, segment_id, self.volume_node, progress=lambda fraction: False)
        np.testing.assert_array_equal(self.mask(segment_id), self.lesion)


class TestCleaning(OutliningTestCase):
    def test_each_step_works_on_the_segments_own_grid(self):
        dirty = self.lesion.copy()
        dirty[2, 5, 5] = True
        middle = tuple(round(index) for index in ndimage.center_of_mass(self.lesion))
        dirty[middle] = False
        segment_id = self.draw(dirty)
        self.assertIn("1 of 2 pieces removed", remove_islands(self.node, segment_id))
        self.assertIn("1 holes filled", fill_holes(self.node, segment_id))
        np.testing.assert_array_equal(self.mask(segment_id), self.lesion)
        self.assertIn("volume is unchanged", smooth_outline(self.node, segment_id))
        self.assertEqual(self.mask(segment_id).sum(), self.lesion.sum())
        mask, geometry = segment_on_own_grid(self.node, segment_id)
        self.assertEqual(mask.shape, self.lesion.shape)
        self.assertTrue(geometry.matches(Geometry(mask.shape, LPS_TO_RAS @ self.moved @ self.scan.geometry.ijk_to_ras)))

    def test_between_slices(self):
        gaps = self.lesion.copy()
        gaps[1::2] = False
        segment_id = self.draw(gaps)
        self.assertIn("slices filled", fill_between_slices(self.node, segment_id))
        self.assertGreater(dice(self.mask(segment_id), self.lesion), 0.9)

    def test_an_empty_segment_is_named(self):
        with self.assertRaisesRegex(InputError, "'Lesion 7'.*empty"):
            smooth_outline(self.node, add_segment(self.node, "Lesion 7"))


class TestReferenceRegions(OutliningTestCase):
    def test_the_liver_ring_belongs_to_its_lesion_and_leaves_others_out(self):
        segment_id = self.draw(self.lesion)
        self.draw(self.scan.lesions[1], "Lesion 2", "2.25.2")
        ring_id, found = add_liver_ring(self.node, segment_id, self.volume_node)
        ring = self.mask(ring_id)
        np.testing.assert_array_equal(ring, found.mask)
        self.assertFalse((ring & (self.scan.lesions[0] | self.scan.lesions[1])).any())
        self.assertGreater((ring & self.scan.liver).sum() / ring.sum(), 0.97)
        self.assertEqual(linked_lesion(self.node, ring_id), "2.25.1")
        self.assertIs(segment_type(self.node, ring_id), RegionType.LIVER_REFERENCE)
        again_id, _found = add_liver_ring(self.node, segment_id, self.volume_node, width_mm=15.0)
        self.assertEqual(again_id, ring_id)

    def test_the_liver_segment_bounds_the_ring(self):
        segment_id = self.draw(self.lesion)
        half = np.zeros_like(self.lesion)
        half[:, :, 36:] = True
        liver_id = add_segment(self.node, "organ")
        set_segment_mask(self.node, liver_id, half, self.volume_node)
        set_segment_type(self.node, liver_id, RegionType.LIVER)
        ring_id, _found = add_liver_ring(self.node, segment_id, self.volume_node)
        self.assertFalse((self.mask(ring_id) & ~half).any())

    def test_sphere_and_vessel_are_common_and_rewritten(self):
        image = np.full((20, 60, 60), 100.0) + np.random.default_rng(2).normal(0, 3, (20, 60, 60))
        j, i = np.indices((60, 60))
        lumen = (j - 20) ** 2 + (i - 20) ** 2 < 9**2
        image[:, lumen] += 120
        geometry = Geometry.from_parts(image.shape, (1.0, 1.0, 2.0), (3, 4, 5))
        volume_node = add_volume(image.astype(np.float32), geometry, "arterial")
        node = add_segmentation("Reference")
        at = {name: (geometry.ijk_to_ras @ [*ijk, 1.0])[:3] for name, ijk in (("aorta", (20, 20, 10)), ("muscle", (45, 45, 10)))}
        aorta_id, aorta = add_vessel(node, volume_node, at["aorta"])
        muscle_id, muscle = add_sphere(node, volume_node, at["muscle"])
        self.assertAlmostEqual(aorta.reference.mean, 220, delta=2)
        self.assertAlmostEqual(muscle.reference.mean, 100, delta=2)
        self.assertEqual(segments_of_type(node, RegionType.AORTA, RegionType.MUSCLE), [aorta_id, muscle_id])
        self.assertFalse((segment_mask(node, aorta_id, volume_node) & ~lumen).any())
        self.assertEqual(add_vessel(node, volume_node, at["aorta"] + 1)[0], aorta_id)
        with self.assertRaisesRegex(InputError, "does not stand out"):
            add_vessel(node, volume_node, at["muscle"], RegionType.PORTAL_VEIN)
        self.assertEqual(len(segment_ids(node)), 2)


class TestRemoval(OutliningTestCase):
    def test_parts_and_lines_go_with_the_lesion(self):
        segment_id, other_id = self.draw(self.lesion), self.draw(self.scan.lesions[1], "Lesion 2", "2.25.2")
        for one in (segment_id, other_id):
            set_linked_mask(self.node, one, RegionType.VIABLE, self.mask(one), self.volume_node)
            measure_diameters(self.node, one, READING)
        remove_lesion(self.node, segment_id)
        self.assertEqual(len(segment_ids(self.node)), 2)
        self.assertEqual(len(diameter_lines(self.node)), 2)
        self.assertEqual(diameter_lines(self.node, "2.25.1"), [])


if __name__ == "__main__":
    unittest.main()

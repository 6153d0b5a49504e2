"""Lesions carried to another examination of the scene: same identity, proposed until accepted; phases moved onto each other."""

import unittest

import numpy as np
import slicer
from slicer_core_scene import SceneTestCase
from test_scene_segments import add_segmentation, add_transform

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.outlining.registration import Registration
from HCCResponseLib.phantom.lesion_images import two_examinations
from HCCResponseLib.response.case import Lesion, LesionKind
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.scene.lesion_attributes import lesion_of, set_lesion
from HCCResponseLib.scene.lesion_carrying import carry_lesions
from HCCResponseLib.scene.phase_alignment import align_volume
from HCCResponseLib.scene.proposals import accept_proposal, proposal, proposals
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.segment_types import segment_type, set_segment_type
from HCCResponseLib.scene.segments import segment_ids, segment_mask
from HCCResponseLib.scene.undo import Undo
from HCCResponseLib.scene.volumes import add_volume


def dice(a, b) -> float:
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


class TestOtherExaminations(SceneTestCase):
    @classmethod
    def setUpClass(cls):
        cls.patient = two_examinations(0)
        cls.truth = Registration(cls.patient.before_to_after)

    def setUp(self):
        super().setUp()
        self.volumes, self.nodes = [], []
        for name, one in (("Baseline", self.patient.before), ("Week 4", self.patient.after)):
            self.volumes.append(add_volume(one.image.astype(np.float32), one.geometry, f"T1 {name}"))
            self.nodes.append(add_segmentation(name))
        self.ids = {}
        for number, (name, mask) in enumerate(self.patient.before.lesions.items()):
            self.ids[name] = add_segment(self.nodes[0], name)
            set_segment_mask(self.nodes[0], self.ids[name], mask, self.volumes[0])
            set_lesion(self.nodes[0], self.ids[name], Lesion(f"2.25.{number + 1}", name, LesionKind.TARGET), site="liver")
        set_segment_type(self.nodes[0], self.ids["hcc-2"], RegionType.SECONDARY_NEOPLASM)

    def carry(self, **settings):
        return carry_lesions(self.nodes[0], self.volumes[0], self.nodes[1], self.volumes[1], **settings)

    def test_registered_and_carried_with_identity_as_proposals(self):
        fractions = []
        found = self.carry(progress=fractions.append)
        self.assertTrue(found.registration.trusted)
        self.assertEqual(fractions, sorted(fractions))
        for (name, source_id), lesion in zip(self.ids.items(), found.lesions, strict=True):
            mask = segment_mask(self.nodes[1], lesion.segment_id, self.volumes[1])
            self.assertGreater(dice(mask, self.patient.after.lesions[name]), 0.85)
            self.assertEqual(lesion_of(self.nodes[1], lesion.segment_id), lesion_of(self.nodes[0], source_id))
            self.assertIs(segment_type(self.nodes[1], lesion.segment_id), segment_type(self.nodes[0], source_id))
            self.assertEqual(proposal(self.nodes[1], lesion.segment_id), "carried from Baseline on T1 Baseline")
        self.assertEqual(proposals(self.nodes[0]), [])

    def test_accepted_outlines_stay_and_proposals_are_replaced(self):
        first = self.carry(registration=self.truth).lesions
        accept_proposal(self.nodes[1], first[0].segment_id)
        again = self.carry(registration=self.truth, chosen_segment_ids=[self.ids["hcc-1"], self.ids["hcc-2"]]).lesions
        self.assertIsNone(again[0].segment_id)
        self.assertIn("'hcc-1' is outlined and accepted in 'Week 4' already", again[0].notes[0])
        self.assertEqual(again[1].segment_id, first[1].segment_id)
        self.assertEqual(len(segment_ids(self.nodes[1])), 3)

    def test_a_registration_that_failed_carries_nothing(self):
        bad = Registration(np.eye(4), problems=("They show different parts of the body.",))
        with self.assertRaisesRegex(InputError, "different parts of the body"):
            self.carry(registration=bad)
        self.assertEqual(segment_ids(self.nodes[1]), [])
        far = np.eye(4)
        far[0, 3] = 1000.0
        outside = self.carry(registration=Registration(far)).lesions
        self.assertEqual([one.segment_id for one in outside], [None] * 3)
        self.assertIn("outside the later image", outside[0].notes[0])
        with self.assertRaises(Cancelled):
            self.carry(registration=self.truth, progress=lambda fraction: False)
        self.assertEqual(segment_ids(self.nodes[1]), [])

    def test_a_segmentation_without_lesions_is_named(self):
        with self.assertRaisesRegex(InputError, "'Week 4' has no lesion"):
            carry_lesions(self.nodes[1], self.volumes[1], self.nodes[0], self.volumes[0])

    def test_undo_takes_carried_lesions_away(self):
        undo = Undo()
        undo.save(*self.nodes)
        self.carry(registration=self.truth)
        undo.undo()
        self.assertEqual(segment_ids(self.nodes[1]), [])
        self.assertEqual(len(segment_ids(self.nodes[0])), 3)

    def test_a_phase_is_moved_by_a_transform_node(self):
        off = np.eye(4)
        off[:3, 3] = 6.3, -4.1, 5.2
        image, geometry = self.patient.before.image[:-1, :-1, :-1], self.patient.before.geometry
        later = add_volume(image.astype(np.float32), Geometry(image.shape, geometry.ijk_to_lps), "later")
        later.SetAndObserveTransformNodeID(add_transform(off).GetID())
        region_id = add_segment(self.nodes[0], "liver")
        set_segment_mask(self.nodes[0], region_id, self.patient.before.liver, self.volumes[0])
        transform_node, found = align_volume(self.volumes[0], later, self.nodes[0], region_id)
        self.assertIs(self.volumes[0].GetParentTransformNode(), transform_node)
        self.assertTrue(found.trusted)
        np.testing.assert_allclose(slicer.util.arrayFromTransformMatrix(transform_node), off, atol=0.5)


if __name__ == "__main__":
    unittest.main()

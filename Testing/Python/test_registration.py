"""Registration of two examinations and carrying outlines: bad input, truth, honest failures, cancelling."""

import unittest
from dataclasses import replace

import numpy as np

from HCCResponseLib.errors import Cancelled, GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.outlining import Registration, carry_outlines, register_examinations
from HCCResponseLib.lesions.outlining.grid import kji_to_lps, sub_geometry
from HCCResponseLib.lesions.outlining.registration import locally_normalised
from HCCResponseLib.lesions.outlining.local_shift import SHIFTED_MM
from HCCResponseLib.phantom.lesion_images import examination, rigid_lps, two_examinations
from HCCResponseLib.phantom.reference_patient import reference_patient
from HCCResponseLib.phantom.reference_patient.structure import ORGANS

COARSE = {"shape": (36, 66, 88), "spacing_mm": (4.0, 4.0, 5.3)}


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def errors_mm(registration, patient):
    return np.linalg.norm(registration.to_target(patient.landmarks_before) - patient.landmarks_after, axis=1)


def register(patient, image=None, geometry=None, **options):
    """Register the later examination, or another image in its place, to the liver of the earlier one."""
    options.setdefault("region", patient.before.liver)
    image = patient.after.image if image is None else image
    geometry = patient.after.geometry if geometry is None else geometry
    return register_examinations(patient.before.image, patient.before.geometry, image, geometry, **options)


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.patient = two_examinations(0, **COARSE)

    def test_empty_or_tiny_region(self):
        empty = np.zeros(self.patient.before.geometry.shape, bool)
        with self.assertRaisesRegex(InputError, "empty"):
            register(self.patient, region=empty)
        empty[0, 0, 0] = True
        with self.assertRaisesRegex(InputError, "too few voxels"):
            register(self.patient, region=empty)

    def test_grids_that_do_not_fit(self):
        with self.assertRaises(GeometryError):
            register(self.patient, region=self.patient.before.liver[1:])
        with self.assertRaises(GeometryError):
            register(self.patient, image=self.patient.after.image[1:])
        sheared = self.patient.after.geometry.ijk_to_lps.copy()
        sheared[0, 2] += 2
        with self.assertRaisesRegex(GeometryError, "sheared"):
            register(self.patient, geometry=Geometry(self.patient.after.geometry.shape, sheared))

    def test_images_that_show_nothing(self):
        shape = self.patient.after.geometry.shape
        for image in (np.zeros(shape), np.full(shape, np.nan)):
            with self.assertRaisesRegex(InputError, "does not vary"):
                register(self.patient, image=image)
        with self.assertRaisesRegex(InputError, "too few slices"):
            box = (slice(0, 2), slice(0, shape[1]), slice(0, shape[2]))
            register(self.patient, image=self.patient.after.image[:2], geometry=sub_geometry(self.patient.after.geometry, box))


class TruthTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.patient = two_examinations(1)
        cls.fractions = []
        cls.registration = register(cls.patient, progress=cls.fractions.append)

    def test_shift_of_25_mm_and_5_degrees_to_under_a_millimetre(self):
        self.assertLess(errors_mm(self.registration, self.patient).max(), 1.0)
        self.assertTrue(self.registration.trusted, self.registration.problems)
        self.assertGreater(self.registration.overlap, 0.95)
        self.assertEqual(self.fractions, sorted(self.fractions))
        self.assertEqual((self.fractions[0], self.fractions[-1]), (0.0, 1.0))

    def test_outlines_arrive_where_the_lesions_are(self):
        patient = self.patient
        for method, least_dice, volume_change in (("distance", 0.88, 0.05), ("nearest", 0.8, 0.3)):
            carried = carry_outlines(
                patient.before.lesions, patient.before.geometry, patient.after.geometry, self.registration, method=method,
            )
            self.assertEqual(list(carried), list(patient.before.lesions))
            for uid, outline in carried.items():
                self.assertEqual((outline.tracking_uid, outline.status, outline.inside), (uid, "proposed", 1.0))
                self.assertGreater(dice(outline.mask, patient.after.lesions[uid]), least_dice)
                self.assertAlmostEqual(outline.volume_ml / outline.source_ml, 1, delta=volume_change)

    def test_an_image_onto_itself_stays_where_it_is(self):
        # Trial shifts of half a voxel put points exactly on the border of the image.
        before = self.patient.before
        found = register_examinations(before.image, before.geometry, before.image, before.geometry, region=before.liver)
        points = self.patient.landmarks_before
        self.assertLess(np.linalg.norm(found.to_target(points) - points, axis=1).max(), 0.1)

    def test_normalising_does_not_shift(self):
        # A box of an even number of voxels has no middle; the shading it takes off would be that of half a voxel beside.
        values = np.random.default_rng(0).gamma(3, 30, (24, 30, 36))
        usable = np.ones(values.shape, bool)
        for spacing in ((5.0, 4.0, 2.0), (3.0, 2.5, 1.7)):
            straight = locally_normalised(values, usable, np.array(spacing))
            mirrored = locally_normalised(values[::-1, ::-1, ::-1], usable, np.array(spacing))
            np.testing.assert_allclose(mirrored[::-1, ::-1, ::-1], straight, atol=1e-3)

    def test_far_apart_and_of_another_contrast_and_with_missing_voxels(self):
        moved = self.patient.after.geometry.ijk_to_lps.copy()
        moved[:3, 3] += (300, -200, 700)
        image = 200 - self.patient.after.image
        image[:, :, :6] = np.nan
        found = register(self.patient, image, Geometry(image.shape, moved))
        off = found.to_target(self.patient.landmarks_before) - (300, -200, 700) - self.patient.landmarks_after
        self.assertLess(np.linalg.norm(off, axis=1).max(), 1.0)
        self.assertTrue(found.trusted, found.problems)


class DeformableTest(unittest.TestCase):
    def test_a_pushed_liver_is_followed_and_the_inverse_is_exact(self):
        patient = two_examinations(2, deformation_mm=15, **COARSE)
        stiff = register(patient)
        soft = register(patient, deformable=True)
        self.assertGreater(errors_mm(stiff, patient).mean(), 2.0)
        self.assertLess(errors_mm(soft, patient).mean(), 0.6 * errors_mm(stiff, patient).mean())
        back = soft.to_source(soft.to_target(patient.landmarks_before))
        self.assertLess(np.abs(back - patient.landmarks_before).max(), 0.01)
        np.testing.assert_allclose(soft.to_target(patient.landmarks_before[0]), soft.to_target(patient.landmarks_before)[0])
        truth = patient.after.lesions["hcc-1"]
        arguments = patient.before.lesions, patient.before.geometry, patient.after.geometry
        self.assertFalse(stiff.trusted)
        self.assertTrue(soft.trusted, soft.problems)
        overlaps = [
            dice(carry_outlines(*arguments, found, despite_problems=True)["hcc-1"].mask, truth) for found in (stiff, soft)
        ]
        self.assertGreater(overlaps[1], max(0.8, overlaps[0]))


class LocalShiftTest(unittest.TestCase):
    """Averages over the liver hide that a part of it was pushed aside; its blocks do not."""

    def test_a_rigid_registration_of_a_deformed_liver_is_not_trusted(self):
        patient = two_examinations(1, deformation_mm=25, **COARSE)
        stiff = register(patient)
        worst = errors_mm(stiff, patient).max()
        self.assertGreater(worst, 15)
        self.assertFalse(stiff.trusted)
        self.assertRegex(stiff.problems[0], r"deformed by about \d+ mm near [RL] \d+, [AP] \d+, [IS] \d+ mm; use the deformable")
        length, place = stiff.local.largest()
        self.assertAlmostEqual(length, worst, delta=5)
        self.assertLess(np.linalg.norm(place - (-80, -10, 10)), 50)  # the middle of the push
        carried = carry_outlines(
            patient.before.lesions, patient.before.geometry, patient.after.geometry, stiff, despite_problems=True,
        )
        told = {uid: any("where the registration puts it" in note for note in outline.notes) for uid, outline in carried.items()}
        self.assertTrue(told["hcc-1"])
        self.assertFalse(told["hcc-3"])

    def test_noise_and_other_sequences_are_no_deformation(self):
        for seed, noise, invert in ((0, 2.5, False), (3, 5.0, True)):
            patient = two_examinations(seed, contrast_to_noise=noise, **COARSE)
            found = register(patient, 200 - patient.after.image if invert else None)
            length, _place = found.local.largest()
            self.assertLess(length, 0.6 * SHIFTED_MM)
            self.assertFalse(any("deformed" in problem for problem in found.problems))


class ReferencePatientTest(unittest.TestCase):
    def test_shift_of_25_mm_and_5_degrees_to_under_a_millimetre(self):
        # Week 4, lying otherwise: the lesions have changed, and breathing moved the organs 12 mm against the trunk. No deformation.
        patient = reference_patient()
        before, after = patient.examinations[:2]
        truth = rigid_lps((12, -9, 20), 5, (0.3, 1, 0.5), (-40, 0, 0))
        to_truth = truth @ np.linalg.inv(after.motions[ORGANS])
        after = replace(after, motions={name: to_truth @ motion for name, motion in after.motions.items()})
        images = [next(one for one in exam.images() if one.plan.key == "T2_fat_suppressed") for exam in (before, after)]
        (image, geometry), later = [(next(iter(one.volumes)), one.geometry) for one in images]
        outlines = {one.name: one.mask for one in before.outlines("anatomy")}
        liver = np.logical_or.reduce([outlines[name] for name in ("liver", "HCC 1", "HCC 2", "HCC 3")])
        found = register_examinations(image, geometry, *later, region=liver)
        points = kji_to_lps(geometry, np.argwhere(liver)[::50])
        self.assertLess(np.linalg.norm(found.to_target(points) - Registration(truth).to_target(points), axis=1).max(), 1.0)
        self.assertTrue(found.trusted, found.problems)
        self.assertLess(found.local.largest()[0], 0.75 * SHIFTED_MM)


class FailureTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.patient = two_examinations(0, **COARSE)

    def test_another_part_of_the_body(self):
        down = rigid_lps((0, 0, -230))
        pelvis = examination(self.patient.after.geometry, (), seed=5, anatomy_from_patient=down)
        found = register(self.patient, pelvis.image)
        self.assertFalse(found.trusted)
        with self.assertRaisesRegex(InputError, "not registered safely"):
            carry_outlines(self.patient.before.lesions, self.patient.before.geometry, self.patient.after.geometry, found)
        carried = carry_outlines(
            self.patient.before.lesions, self.patient.before.geometry, self.patient.after.geometry, found, despite_problems=True,
        )
        for outline in carried.values():
            self.assertTrue(set(found.problems) <= set(outline.notes))

    def test_noise(self):
        found = register(self.patient, np.random.default_rng(0).normal(100, 10, self.patient.after.geometry.shape))
        self.assertFalse(found.trusted)
        self.assertLess(found.similarity, 0.05)
        again = register(self.patient, np.random.default_rng(0).normal(100, 10, self.patient.after.geometry.shape))
        np.testing.assert_array_equal(again.matrix, found.matrix)

    def test_region_not_in_the_later_image(self):
        geometry = self.patient.after.geometry
        for first, words in ((27, "different parts"), (18, "Only")):
            box = (slice(first, geometry.shape[0]), *(slice(0, n) for n in geometry.shape[1:]))
            found = register(self.patient, self.patient.after.image[box], sub_geometry(geometry, box))
            self.assertTrue(any(words in problem for problem in found.problems), found.problems)

    def test_a_lesion_that_is_gone_is_found_by_the_body(self):
        patient = self.patient
        gone = examination(patient.after.geometry, (), seed=9, anatomy_from_patient=np.linalg.inv(patient.before_to_after))
        found = register(patient, gone.image, region=patient.before.lesions["hcc-1"])
        self.assertLess(errors_mm(found, patient).max(), 3.0)
        self.assertTrue(any("whole body" in note for note in found.notes), found.notes)

    def test_cancel_at_every_stage(self):
        for stop in (0.0, 0.3, 0.62, 0.8):
            seen = []

            def progress(fraction, stop=stop, seen=seen):
                seen.append(fraction)
                return fraction < stop

            with self.assertRaises(Cancelled):
                register(self.patient, deformable=True, progress=progress)
            self.assertLess(seen[-1], stop + 0.15)


class CarryOutlinesTest(unittest.TestCase):
    def setUp(self):
        self.source = Geometry.from_parts((12, 40, 40), (1.5, 1.5, 4.0))
        self.still = Registration(np.eye(4))

    def ball(self, geometry, centre, radius):
        points = kji_to_lps(geometry, np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1))
        return np.linalg.norm(points - np.asarray(centre, float), axis=-1) <= radius

    def test_same_grid_is_exact(self):
        rng = np.random.default_rng(0)
        outlines = {"a": self.ball(self.source, (30, 30, 22), 9), "b": rng.random(self.source.shape) < 0.1}
        corner = np.zeros(self.source.shape, bool)
        corner[-1, 0, -1] = True
        outlines["c"] = corner
        for method in ("distance", "nearest"):
            for uid, outline in carry_outlines(outlines, self.source, self.source, self.still, method=method).items():
                np.testing.assert_array_equal(outline.mask, outlines[uid])
                self.assertEqual(outline.notes, ())

    def test_finer_oblique_grid(self):
        direction = rigid_lps(degrees=30, axis=(1, 1, 0))[:3, :3]
        fine = Geometry.from_parts((40, 60, 60), (1, 1, 1), np.array([30, 30, 22]) - direction @ np.array([30, 30, 20]), direction)
        truth = self.ball(fine, (30, 30, 22), 10)
        outlines = {"a": self.ball(self.source, (30, 30, 22), 10)}
        overlap = {}
        for method in ("distance", "nearest"):
            overlap[method] = dice(carry_outlines(outlines, self.source, fine, self.still, method=method)["a"].mask, truth)
        self.assertGreater(overlap["distance"], 0.93)
        self.assertGreater(overlap["distance"], overlap["nearest"])

    def test_a_lesion_smaller_than_a_voxel_is_marked(self):
        fine = Geometry.from_parts((20, 20, 20), (1, 1, 1))
        mask = np.zeros(fine.shape, bool)
        mask[9, 9, 9] = True
        coarse = Geometry.from_parts((5, 5, 5), (5, 5, 5))
        for method in ("distance", "nearest"):
            outline = carry_outlines({"a": mask}, fine, coarse, self.still, method=method)["a"]
            self.assertEqual(np.argwhere(outline.mask).tolist(), [[2, 2, 2]])
            self.assertTrue(any("smaller than a voxel" in note for note in outline.notes))

    def test_outside_and_partly_outside(self):
        mask = self.ball(self.source, (30, 30, 22), 9)
        for shift, inside in (((500, 0, 0), 0.0), ((30, 0, 0), 0.5)):
            outline = carry_outlines({"a": mask}, self.source, self.source, Registration(rigid_lps(shift)))["a"]
            self.assertAlmostEqual(outline.inside, inside, delta=0.12)
            self.assertEqual(outline.mask.any(), inside > 0)
            self.assertTrue(any("within" in note or "outside" in note for note in outline.notes))

    def test_bad_input_and_cancel(self):
        mask = self.ball(self.source, (30, 30, 22), 9)
        with self.assertRaisesRegex(InputError, "lesion b is empty"):
            carry_outlines({"a": mask, "b": mask & False}, self.source, self.source, self.still)
        with self.assertRaises(GeometryError):
            carry_outlines({"a": mask[1:]}, self.source, self.source, self.still)
        with self.assertRaises(InputError):
            carry_outlines({"a": mask}, self.source, self.source, self.still, method="magic")
        with self.assertRaises(Cancelled):
            carry_outlines({"a": mask}, self.source, self.source, self.still, progress=lambda fraction: False)
        self.assertEqual(carry_outlines({}, self.source, self.source, self.still), {})

    def test_there_and_back(self):
        motion = Registration(rigid_lps((3, -4, 5), 20, (1, 2, 3), (10, 20, 30)))
        points = np.random.default_rng(0).uniform(-50, 50, (20, 3))
        np.testing.assert_allclose(motion.to_source(motion.to_target(points)), points, atol=1e-9)


if __name__ == "__main__":
    unittest.main()

"""Reference regions: bad input, purity of the liver ring, the aorta's lumen, an even sphere of muscle."""

import unittest

import numpy as np
from scipy import ndimage

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.outlining import aorta_region, liver_ring, sphere_region
from HCCResponseLib.lesions.outlining.grid import kji_to_lps
from HCCResponseLib.phantom.lesion_images import LesionModel, examination, rigid_lps

AORTA, MUSCLE = (13.0, 34.0, 2.0), (-36.0, 84.0, 2.0)


def abdomen(direction=None, contrast_to_noise=5.0):
    """A lesion beside vessels, a second one near, aorta and muscle in view."""
    lesions = (LesionModel("hypovascular", (-75.0, -15.0, 0.0), 30.0, 3), LesionModel("necrotic_core", (-40.0, -2.0, 4.0), 20.0, 5))
    shape, spacing = (22, 90, 120), np.array([2.2, 2.2, 4.0])
    direction = np.eye(3) if direction is None else direction
    half = (np.array(shape[::-1]) - 1) / 2
    geometry = Geometry.from_parts(shape, spacing, np.array([-20.0, 0.0, 0.0]) - (direction * spacing) @ half, direction)
    return examination(geometry, lesions, seed=1, contrast_to_noise=contrast_to_noise)


class LiverRingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scan = abdomen()

    def test_empty_lesion_and_other_grids(self):
        image, geometry = self.scan.image, self.scan.geometry
        with self.assertRaisesRegex(InputError, "empty"):
            liver_ring(image, geometry, np.zeros(geometry.shape, bool))
        with self.assertRaises(GeometryError):
            liver_ring(image[1:], geometry, self.scan.lesions[0])
        with self.assertRaises(GeometryError):
            liver_ring(image, geometry, self.scan.lesions[0], liver=self.scan.liver[1:])
        with self.assertRaises(InputError):
            liver_ring(image, geometry, self.scan.lesions[0], width_mm=0)

    def test_constant_image_and_no_tissue_left(self):
        with self.assertRaisesRegex(InputError, "does not vary"):
            liver_ring(np.full(self.scan.geometry.shape, 5.0), self.scan.geometry, self.scan.lesions[0])
        far = np.zeros(self.scan.geometry.shape, bool)
        far[0, 0, 0] = True
        with self.assertRaisesRegex(InputError, "No tissue is left"):
            liver_ring(self.scan.image, self.scan.geometry, self.scan.lesions[0], liver=far)

    def test_holds_liver_and_nearly_nothing_else(self):
        for scan in (self.scan, abdomen(rigid_lps(degrees=25, axis=(1, 0.3, 0.2))[:3, :3])):
            region = liver_ring(scan.image, scan.geometry, scan.lesions[0])
            self.assertFalse((region.mask & scan.lesions[0]).any())
            self.assertGreater(np.mean(scan.liver[region.mask]), 0.98)
            self.assertEqual(region.notes, ())
            # The liver next to the lesion: its mean within 1 %, its spread (noise, texture, bias field) not trimmed away.
            near = ndimage.distance_transform_edt(~scan.lesions[0], sampling=scan.geometry.spacing_mm[::-1]) < 13
            near &= ndimage.binary_erosion(scan.liver, iterations=2)
            self.assertAlmostEqual(region.reference.mean, scan.image[near].mean(), delta=1.0)
            self.assertAlmostEqual(region.reference.sd, scan.image[near].std(), delta=0.6)

    def test_liver_mask_and_excluded_lesions_are_obeyed(self):
        scan = self.scan
        region = liver_ring(scan.image, scan.geometry, scan.lesions[0], liver=scan.liver, exclude=scan.lesions[1] | scan.vessels)
        self.assertTrue(scan.liver[region.mask].all())
        distance = ndimage.distance_transform_edt(~scan.lesions[1], sampling=scan.geometry.spacing_mm[::-1])
        self.assertGreater(distance[region.mask].min(), 3.0)

    def test_voxels_without_value_are_left_out(self):
        image = self.scan.image.copy()
        image[:, :40] = np.nan
        region = liver_ring(image, self.scan.geometry, self.scan.lesions[0])
        self.assertTrue(np.isfinite(image[region.mask]).all())

    def test_one_voxel_lesion_in_the_last_slice(self):
        lesion = np.zeros(self.scan.geometry.shape, bool)
        lesion[-1, 40, 35] = True
        region = liver_ring(self.scan.image, self.scan.geometry, lesion, gap_mm=1, width_mm=6)
        self.assertGreater(np.mean(self.scan.liver[region.mask]), 0.95)

    def test_a_ring_of_two_tissues_is_said(self):
        lesion = self.scan.lesions[0]
        image = self.scan.image.copy()
        middle = round(ndimage.center_of_mass(lesion)[2])
        image[:, :, middle - 1 :] += 80
        region = liver_ring(image, self.scan.geometry, lesion)
        self.assertTrue(any("left out" in note for note in region.notes), region.notes)


class AortaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scan = abdomen()

    def test_lumen_only_on_straight_and_oblique_slices_and_off_centre_clicks(self):
        for scan in (self.scan, abdomen(rigid_lps(degrees=90, axis=(1, 0, 0))[:3, :3])):
            for offset in ((0, 0, 0), (5, 0, 0), (0, -5, 3)):
                region = aorta_region(scan.image, scan.geometry, np.add(AORTA, offset))
                self.assertTrue(scan.aorta[region.mask].all())
                self.assertEqual(region.notes, ())
                self.assertAlmostEqual(region.reference.mean, scan.image[scan.aorta & region.mask].mean(), places=3)
                self.assertGreater(region.reference.voxels, 60)

    def test_refusals(self):
        scan = self.scan
        with self.assertRaisesRegex(InputError, "outside"):
            aorta_region(scan.image, scan.geometry, (0, 0, 500))
        with self.assertRaisesRegex(InputError, "stand out"):
            aorta_region(scan.image, scan.geometry, (-80, 30, 0))
        with self.assertRaisesRegex(InputError, "stand out"):
            aorta_region(np.ones(scan.geometry.shape), scan.geometry, AORTA)
        image = scan.image.copy()
        image[:] = np.nan
        with self.assertRaisesRegex(InputError, "no value"):
            aorta_region(image, scan.geometry, AORTA)

    def test_a_thin_vessel_is_said_to_be_no_aorta(self):
        geometry = Geometry.from_parts((16, 60, 60), (1.0, 1.0, 3.0))
        points = kji_to_lps(geometry, np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1))
        vessel = np.linalg.norm(points[..., :2] - (30, 30), axis=-1) < 4
        image = 100 + 90 * vessel + np.random.default_rng(0).normal(0, 5, geometry.shape)
        region = aorta_region(image, geometry, (30, 30, 20))
        self.assertTrue(vessel[region.mask].all())
        self.assertTrue(any("wide" in note for note in region.notes), region.notes)


class SphereTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scan = abdomen()

    def test_muscle(self):
        region = sphere_region(self.scan.image, self.scan.geometry, MUSCLE)
        self.assertTrue(self.scan.muscle[region.mask].all())
        self.assertEqual(region.notes, ())
        points = kji_to_lps(self.scan.geometry, np.argwhere(region.mask))
        self.assertLessEqual(np.linalg.norm(points - points.mean(axis=0), axis=1).max(), 7.0 + 1e-6)

    def test_two_tissues_are_said(self):
        region = sphere_region(self.scan.image, self.scan.geometry, (12, 33, 2), radius_mm=15, search_mm=0)
        self.assertTrue(region.notes)
        edge = sphere_region(self.scan.image, self.scan.geometry, (-75, -85, 2), search_mm=0, radius_mm=12)
        self.assertTrue(edge.notes)

    def test_does_not_fit(self):
        corner = kji_to_lps(self.scan.geometry, (0, 0, 0))
        with self.assertRaisesRegex(InputError, "fits"):
            sphere_region(self.scan.image, self.scan.geometry, corner)
        image = self.scan.image.copy()
        image[:, 60:] = np.nan
        with self.assertRaisesRegex(InputError, "no value"):
            sphere_region(image, self.scan.geometry, MUSCLE)

    def test_thick_slices_make_a_disc(self):
        scan = self.scan
        matrix = scan.geometry.ijk_to_lps.copy()
        matrix[:3, 2] *= 5
        thick = Geometry(scan.image[::5].shape, matrix)
        region = sphere_region(scan.image[::5], thick, MUSCLE)
        self.assertEqual(np.count_nonzero(region.mask.any(axis=(1, 2))), 1)


if __name__ == "__main__":
    unittest.main()

"""Where voxels lie: every orientation, checked against signals that tell their own place and against ITK's reader."""

import random
import unittest

import numpy as np
import SimpleITK as sitk
from dicom_folder import GRIDS, DicomFolderTestCase, diffusion_volumes, place_signals

from HCCResponseLib.dicom import read_diffusion
from HCCResponseLib.errors import GeometryError
from HCCResponseLib.geometry import Geometry


class PlaceTest(DicomFolderTestCase):
    def test_every_orientation_classic_and_enhanced(self):
        for name, enhanced in ((n, e) for n in GRIDS for e in (False, True)):
            with self.subTest(name, enhanced=enhanced):
                diffusion = read_diffusion(self.written(geometry=GRIDS[name], enhanced=enhanced))
                self.assertTrue(diffusion.geometry.matches(GRIDS[name], 1e-4))
                np.testing.assert_array_equal(diffusion.signals[..., 0], place_signals(GRIDS[name]))

    def test_itk_reads_the_same_grid_and_values(self):
        for name in GRIDS:
            with self.subTest(name):
                diffusion = read_diffusion(self.written(geometry=GRIDS[name], vendor="philips"))
                for frame in self.series().frames:
                    if frame.b_value:
                        frame.path.unlink()
                reader = sitk.ImageSeriesReader()
                reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(self.folder)))
                image = reader.Execute()
                np.testing.assert_allclose(diffusion.geometry.spacing_mm, image.GetSpacing(), rtol=1e-6)
                np.testing.assert_allclose(diffusion.geometry.origin_lps, image.GetOrigin(), atol=1e-4)
                np.testing.assert_allclose(diffusion.geometry.direction_lps.ravel(), image.GetDirection(), atol=1e-6)
                np.testing.assert_allclose(diffusion.signals[..., 0], sitk.GetArrayFromImage(image), rtol=1e-6)

    def test_slices_acquired_backwards_are_turned_with_their_signals(self):
        forward = GRIDS["oblique"]
        matrix = forward.ijk_to_lps.copy()
        matrix[:3, 3] += 3 * matrix[:3, 2]
        matrix[:3, 2] *= -1
        backward = Geometry(forward.shape, matrix)
        self.write(diffusion_volumes(place_signals(backward)), backward)
        diffusion = read_diffusion(self.series())
        self.assertTrue(diffusion.geometry.matches(forward, 1e-4))
        np.testing.assert_array_equal(diffusion.signals[..., 0], place_signals(forward))

    def test_order_of_files_does_not_matter(self):
        paths = self.write(geometry=GRIDS["oblique"])
        names = [path.name for path in paths]
        random.Random(2).shuffle(names)
        for path in paths:
            path.rename(path.with_name("_" + path.name))
        for path, name in zip(paths, names, strict=True):
            path.with_name("_" + path.name).rename(path.with_name(name))
        np.testing.assert_array_equal(read_diffusion(self.series()).signals[..., 0], place_signals(GRIDS["oblique"]))

    def test_slice_distance_comes_from_positions_and_not_from_thickness(self):
        for path in self.write():
            self.edit(path, lambda d: (setattr(d, "SliceThickness", 3), setattr(d, "SpacingBetweenSlices", 3)))
        diffusion = read_diffusion(self.series())
        self.assertAlmostEqual(diffusion.geometry.spacing_mm[2], 5.0, places=5)
        self.assertRegex(" ".join(diffusion.notes), "5.000 mm apart, the header says 3.000 mm")


class SingleSliceTest(DicomFolderTestCase):
    def setUp(self):
        super().setUp()
        grid = GRIDS["oblique"]
        self.paths = self.write(geometry=Geometry((1, *grid.shape[1:]), grid.ijk_to_lps))

    def test_spacing_between_slices_then_thickness(self):
        for path in self.paths:
            self.edit(path, lambda d: setattr(d, "SliceThickness", 4))
        diffusion = read_diffusion(self.series())
        self.assertAlmostEqual(diffusion.geometry.spacing_mm[2], 5.0)
        self.assertRegex(" ".join(diffusion.notes), "one slice.*5 mm is taken from SpacingBetweenSlices")
        for path in self.paths:
            self.edit(path, lambda d: d.__delattr__("SpacingBetweenSlices"))
        diffusion = read_diffusion(self.series())
        self.assertAlmostEqual(diffusion.geometry.spacing_mm[2], 4.0)
        self.assertRegex(" ".join(diffusion.notes), "4 mm is taken from SliceThickness")

    def test_neither_is_an_error(self):
        for path in self.paths:
            self.edit(path, lambda d: (d.__delattr__("SpacingBetweenSlices"), d.__delattr__("SliceThickness")))
        with self.assertRaisesRegex(GeometryError, "one slice, and neither"):
            read_diffusion(self.series())


class GeometryErrorTest(DicomFolderTestCase):
    def setUp(self):
        super().setUp()
        self.grid = GRIDS["oblique"]
        self.grid = Geometry((8, *self.grid.shape[1:]), self.grid.ijk_to_lps)
        self.paths = self.write(geometry=self.grid, number=5, description="DWI liver")

    def of_slice(self, k: int):
        return self.paths[k :: self.grid.shape[0]]

    def move(self, k: int, vector) -> None:
        for path in self.of_slice(k):
            self.edit(path, lambda d: setattr(d, "ImagePositionPatient", list(np.add(d.ImagePositionPatient, vector))))

    def assert_error(self, pattern: str) -> None:
        with self.assertRaisesRegex(GeometryError, "Series 5 'DWI liver'.*" + pattern):
            read_diffusion(self.series())

    def test_missing_slices_are_named_by_place(self):
        for k in (2, 3, 6):
            for path in self.of_slice(k):
                path.unlink()
        along = float(np.array(self.grid.origin_lps) @ self.grid.direction_lps[:, 2])
        self.assert_error(
            f"slices are missing. 5 slices were found 5.00 mm apart.*2 missing between {along + 5:.1f} and {along + 20:.1f} mm "
            f".after '005_00002.dcm'.; 1 missing between {along + 25:.1f} and {along + 35:.1f} mm",
        )

    def test_slightly_uneven_slices_are_accepted_with_a_note(self):
        self.move(3, 0.15 * self.grid.direction_lps[:, 2])
        diffusion = read_diffusion(self.series())
        self.assertRegex(" ".join(diffusion.notes), "slice distances vary from 4.850 to 5.150 mm; 5.000 mm is used.*0.150 mm")
        self.assertTrue(diffusion.geometry.matches(self.grid, 1e-4))

    def test_rounding_of_positions_is_no_news(self):
        self.move(3, 0.02 * self.grid.direction_lps[:, 2])
        self.assertEqual(read_diffusion(self.series()).notes, ())

    def test_uneven_slices(self):
        self.move(3, 1.0 * self.grid.direction_lps[:, 2])
        self.assert_error("not evenly spaced: distances from 4.00 to 6.00 mm")

    def test_slices_shifted_sideways(self):
        self.move(3, 0.5 * self.grid.direction_lps[:, 0])
        self.assert_error("shifted against each other by up to 0.50 mm")

    def test_mixed_orientations(self):
        for path in self.of_slice(1):
            self.edit(path, lambda d: setattr(d, "ImageOrientationPatient", [0, 1, 0, 0, 0, -1]))
        self.assert_error("different orientations: 49 axial, 7 sagittal")

    def test_two_tilts_of_one_plane(self):
        for path in self.of_slice(1):
            self.edit(path, lambda d: setattr(d, "ImageOrientationPatient", [1, 0, 0, 0, 1, 0]))
        self.assert_error("different orientations: 49 axial with normal .*, 7 axial with normal")

    def test_different_matrix_sizes(self):
        self.edit(self.paths[9], lambda d: (setattr(d, "Rows", 5), setattr(d, "PixelData", d.PixelData[:50])))
        self.assert_error(r"different matrix sizes: 6 x 5 \(55 images\), 5 x 5 \(1 images\)")

    def test_different_pixel_sizes(self):
        self.edit(self.paths[9], lambda d: setattr(d, "PixelSpacing", [2, 2]))
        self.assert_error("different pixel sizes: 1.750 x 1.500 mm .*2.000 x 2.000 mm")

    def test_no_position_orientation_or_spacing(self):
        for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            with self.subTest(name):
                kept = self.paths[4].read_bytes()
                self.edit(self.paths[4], lambda d, name=name: d.__delattr__(name))
                self.assert_error("1 of 56 images have no position, orientation or pixel spacing .first '005_00005.dcm'")
                self.paths[4].write_bytes(kept)

    def test_orientation_that_is_none(self):
        for path in self.paths:
            self.edit(path, lambda d: setattr(d, "ImageOrientationPatient", [1, 0, 0, 1, 0, 0]))
        self.assert_error("no pair of perpendicular unit vectors")


if __name__ == "__main__":
    unittest.main()

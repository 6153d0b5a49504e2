"""Diffusion series read into signals: combination, scaling, and every way in which a series can be unusable."""

import unittest

import numpy as np
from dicom_folder import DIRECTIONS, GRIDS, DicomFolderTestCase, diffusion_volumes, place_signals

from HCCResponseLib.dicom import read_diffusion
from HCCResponseLib.errors import Cancelled, GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.phantom.dicom_series import VENDORS, Volume

GRID = GRIDS["axial"]


def flat(value: float) -> np.ndarray:
    return np.full(GRID.shape, value)


class CombinationTest(DicomFolderTestCase):
    def read(self, volumes, **options):
        reading = {name: options.pop(name) for name in ("b0_limit", "scaling") if name in options}
        self.write(volumes, **options)
        return read_diffusion(self.series(), **reading)

    def assert_notes(self, diffusion, pattern):
        self.assertRegex(" ".join(diffusion.notes), pattern)

    def test_every_vendor_classic_and_enhanced(self):
        signals = place_signals(GRID)
        for vendor, enhanced in ((v, e) for v in VENDORS for e in (False, True)):
            with self.subTest(vendor=vendor, enhanced=enhanced):
                diffusion = read_diffusion(self.written(vendor=vendor, enhanced=enhanced))
                self.assertEqual(diffusion.signals.dtype, np.float32)
                self.assertEqual(diffusion.signals.shape, (*GRID.shape, 3))
                self.assertEqual(diffusion.b_values.tolist(), [0, 50, 800])
                self.assertEqual((diffusion.directions_per_b, diffusion.averages), ((0, 3, 3), (1, 3, 3)))
                self.assertEqual((diffusion.warnings, diffusion.scaling), ((), "rescale"))
                # Philips stores 12 bits of the largest signal, the others integers
                step = signals.max() / 4095 if vendor == "philips" else 1e-3
                expected = np.stack([np.rint(signals / 2**n) for n in range(3)], axis=-1)
                np.testing.assert_allclose(diffusion.signals, expected, atol=0.51 * step)

    def test_directions_are_combined_by_the_geometric_mean(self):
        weighted = [Volume(flat(s), 800.0, d) for s, d in zip((100, 200, 400), DIRECTIONS, strict=True)]
        diffusion = self.read([Volume(flat(1000), 0.0), *weighted])
        np.testing.assert_allclose(diffusion.signals[..., 1], 200, rtol=1e-6)

    def test_repeats_are_combined_by_the_arithmetic_mean_before_the_directions(self):
        volumes = [Volume(flat(s), 0.0) for s in (900, 1000, 1100)]
        volumes += [Volume(flat(s), 800.0, DIRECTIONS[d]) for s, d in ((50, 0), (150, 0), (400, 1), (400, 1))]
        diffusion = self.read(volumes)
        np.testing.assert_allclose(diffusion.signals[..., 0], 1000, rtol=1e-6)
        np.testing.assert_allclose(diffusion.signals[..., 1], 200, rtol=1e-6)
        self.assertEqual((diffusion.directions_per_b, diffusion.averages), ((0, 2), (3, 4)))

    def test_opposite_gradients_have_one_direction(self):
        diffusion = self.read([Volume(flat(1000), 0.0), Volume(flat(100), 800.0, (0, 0, 1)), Volume(flat(300), 800.0, (0, 0, -1))])
        np.testing.assert_allclose(diffusion.signals[..., 1], 200, rtol=1e-6)
        self.assertEqual(diffusion.directions_per_b, (0, 1))

    def test_an_anisotropic_tensor_gives_its_mean_diffusivity(self):
        rng = np.random.default_rng(4)
        axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        tensor = axes @ np.diag([2.0e-3, 1.2e-3, 0.7e-3]) @ axes.T
        volumes = [Volume(flat(60000), 0.0)]
        volumes += [Volume(flat(60000 * np.exp(-500 * axis @ tensor @ axis)), 500.0, tuple(axis)) for axis in np.eye(3)]
        diffusion = self.read(volumes)
        np.testing.assert_allclose(np.log(diffusion.signals[..., 0] / diffusion.signals[..., 1]) / 500, np.trace(tensor) / 3, rtol=1e-4)

    def test_zero_makes_zero_and_its_neighbours_stay(self):
        holed = flat(100)
        holed[1, 2, 3] = 0
        diffusion = self.read([Volume(flat(1000), 0.0), Volume(flat(400), 800.0, DIRECTIONS[0]), Volume(holed, 800.0, DIRECTIONS[1])])
        self.assertEqual(diffusion.signals[1, 2, 3, 1], 0.0)
        others = np.delete(diffusion.signals[..., 1].ravel(), np.ravel_multi_index((1, 2, 3), GRID.shape))
        np.testing.assert_allclose(others, 200, rtol=1e-6)
        self.assertTrue(np.all(others == others[0]))

    def test_a_negative_signal_has_no_geometric_mean(self):
        holed = flat(100)
        holed[1, 2, 3] = -50
        offset = Volume(holed, 800.0, DIRECTIONS[1], rescale=(1.0, -100.0))
        diffusion = self.read([Volume(flat(1000), 0.0), Volume(flat(400), 800.0, DIRECTIONS[0]), offset])
        self.assertTrue(np.isnan(diffusion.signals[1, 2, 3, 1]))
        self.assertEqual(np.isnan(diffusion.signals).sum(), 1)

    def test_labels_below_the_limit_are_b_zero(self):
        labels = ((900, 0.0), (1000, 0.001), (1100, 0.004), (500, 2.0), (200, 800.0))
        diffusion = self.read([Volume(flat(s), b, DIRECTIONS[0] if b else None) for s, b in labels], vendor="philips")
        self.assertEqual(diffusion.b_values.tolist(), [0, 2, 800])
        self.assertEqual(diffusion.averages, (3, 1, 1))
        np.testing.assert_allclose(diffusion.signals[..., 0], 1000, atol=0.2)
        self.assert_notes(diffusion, "b-values 0, 0.001, 0.004 were taken as b = 0")
        self.assertEqual(read_diffusion(self.series(), b0_limit=5).b_values.tolist(), [0, 800])

    def test_imperfect_b_values_are_one_and_keep_their_mean(self):
        volumes = [Volume(flat(1000), 0.0)]
        volumes += [Volume(flat(2e4 * np.exp(-b * 1e-3)), b, d) for b, d in zip((985.0, 1000.0, 1009.0), DIRECTIONS, strict=True)]
        volumes += [Volume(flat(500), b, DIRECTIONS[0]) for b in (10.0, 12.0, 900.0, 1100.0)]
        diffusion = self.read(volumes, vendor="uih")
        self.assertEqual(diffusion.b_values.tolist(), [0, 10, 12, 900, 998, 1100])
        np.testing.assert_allclose(diffusion.signals[0, 0, 0, 4], 2e4 * np.exp(-0.998), rtol=1e-4)
        self.assert_notes(diffusion, "b-values 985, 1000, 1009 were taken as b = 998")

    def test_a_series_without_b_zero(self):
        diffusion = self.read([Volume(flat(800), 50.0), Volume(flat(200), 800.0)])
        self.assertEqual(diffusion.b_values.tolist(), [50, 800])
        np.testing.assert_array_equal(diffusion.signals[0, 0, 0], [800, 200])

    def test_traces_are_source_images(self):
        for vendor in VENDORS:
            with self.subTest(vendor):
                diffusion = read_diffusion(self.written(diffusion_volumes(flat(2000), directions=()), vendor=vendor))
                self.assertEqual((diffusion.directions_per_b, diffusion.averages), ((0, 0, 0), (1, 1, 1)))
                np.testing.assert_allclose(diffusion.signals[0, 0, 0], [2000, 1000, 500], rtol=1e-3)

    def test_a_trace_beside_its_directions_is_left_out(self):
        volumes = diffusion_volumes(flat(2000)) + [Volume(flat(33), 800.0)]
        for vendor, enhanced in (("philips", False), ("philips", True), ("siemens", False), ("ge", False)):
            with self.subTest(vendor=vendor, enhanced=enhanced):
                diffusion = read_diffusion(self.written(volumes, vendor=vendor, enhanced=enhanced))
                np.testing.assert_allclose(diffusion.signals[0, 0, 0, 2], 500, rtol=1e-3)
                self.assert_notes(diffusion, "4 trace-weighted images at b = 800 were left out")

    def test_images_whose_directions_are_not_told(self):
        diffusion = self.read([Volume(flat(1000), 0.0), *[Volume(flat(s), 800.0) for s in (100, 200, 400)]], vendor="ge")
        np.testing.assert_allclose(diffusion.signals[..., 1], 200, rtol=1e-6)
        self.assertEqual((diffusion.directions_per_b, diffusion.averages), ((0, 0), (1, 3)))
        self.assert_notes(diffusion, "3 images at b = 800 have no gradient direction; their geometric mean is taken")

    def test_a_toshiba_image_without_b_value_is_b_zero(self):
        diffusion = self.read(diffusion_volumes(flat(2000)), vendor="canon")
        self.assertEqual(diffusion.b_values.tolist(), [0, 50, 800])
        self.assert_notes(diffusion, "4 images without b-value are taken as b = 0")

    def test_b_values_read_from_text_are_noted(self):
        for path in self.write(diffusion_volumes(flat(2000), directions=())):
            self.edit(path, lambda d: [d.__delitem__(element.tag) for element in d.group_dataset(0x0019)])
        diffusion = read_diffusion(self.series())
        self.assertEqual(diffusion.b_values.tolist(), [0, 50, 800])
        self.assert_notes(diffusion, "read from the sequence name")

    def test_progress_grows_to_one_and_cancels(self):
        for enhanced in (False, True):
            with self.subTest(enhanced=enhanced):
                series = self.written(enhanced=enhanced)
                told = []
                read_diffusion(series, progress=told.append)
                self.assertEqual((told, told[-1]), (sorted(told), 1.0))
                with self.assertRaises(Cancelled):
                    read_diffusion(series, progress=lambda fraction: fraction < 0.5)


class ScalingTest(DicomFolderTestCase):
    def test_rescale_of_each_image_is_its_own(self):
        rescales = ((1.0, 0.0), (0.5, 10.0), (0.02, -1.0))
        volumes = [Volume(flat(s), b, rescale=r) for s, b, r in zip((2000, 700, 200), (0.0, 50.0, 800.0), rescales, strict=True)]
        for enhanced in (False, True):
            with self.subTest(enhanced=enhanced):
                diffusion = read_diffusion(self.written(volumes, enhanced=enhanced))
                np.testing.assert_allclose(diffusion.signals[1, 2, 3], [2000, 700, 200], rtol=1e-6)

    def test_philips_private_scaling(self):
        signals = place_signals(GRID)
        for enhanced in (False, True):
            with self.subTest(enhanced=enhanced):
                series = self.written(vendor="philips", enhanced=enhanced)
                displayed, floating = read_diffusion(series), read_diffusion(series, scaling="philips_private")
                self.assertEqual(floating.scaling, "philips_private")
                np.testing.assert_allclose(floating.signals * 0.04, displayed.signals, rtol=1e-5)
                np.testing.assert_allclose(floating.signals[..., 0], signals / 0.04, atol=signals.max() / 8190 / 0.04)

    def test_images_that_philips_scaled_differently_are_not_compared(self):
        volumes = [Volume(flat(2000), 0.0, rescale=(1.0, 0.0)), Volume(flat(500), 800.0, rescale=(0.25, 0.0))]
        paths = self.write(volumes, vendor="philips")
        np.testing.assert_allclose(read_diffusion(self.series()).signals[1, 2, 3], [2000, 500], rtol=1e-6)
        for path in paths:
            self.edit(path, lambda d: setattr(d[0x2005, 0x100E], "value", 0.02))
        series = self.series()
        with self.assertRaisesRegex(InputError, "scaled its images differently .*0.005 to 0.02.*private scaling"):
            read_diffusion(series)
        # stored 2000 at both, now with one scale slope: the received signals were equal
        np.testing.assert_allclose(read_diffusion(series, scaling="philips_private").signals, 1e5, rtol=1e-6)

    def test_private_scaling_of_another_vendor(self):
        self.write(number=4)
        with self.assertRaisesRegex(InputError, r"Series 4 .*28 of 28 images have no Philips scale slope \(2005,100E\)"):
            read_diffusion(self.series(), scaling="philips_private")

    def test_an_unknown_scaling(self):
        self.write()
        with self.assertRaisesRegex(InputError, "'rescale' or 'philips_private'"):
            read_diffusion(self.series(), scaling="raw")


class UnusableSeriesTest(DicomFolderTestCase):
    def setUp(self):
        super().setUp()
        self.paths = self.write(number=5, description="DWI liver", vendor="siemens")

    def assert_error(self, pattern, error=InputError):
        with self.assertRaisesRegex(error, "Series 5 'DWI liver'.*" + pattern):
            read_diffusion(self.series())

    def without_b_value(self, d):
        del d.SequenceName
        for element in list(d.group_dataset(0x0019)):
            del d[element.tag]

    def test_some_images_without_b_value(self):
        for path in self.paths[8:10]:
            self.edit(path, self.without_b_value)
        self.assert_error("2 of 28 images have no b-value .first '005_00009.dcm'.; the others have b = 0, 50, 800. Export")

    def test_no_b_values_at_all(self):
        for path in self.paths:
            self.edit(path, self.without_b_value)
        self.assert_error("no b-values were found.*anonymised")

    def test_one_b_value_only(self):
        for path in self.paths[:16]:
            path.unlink()
        self.assert_error(r"only one b-value \(b = 800\) was found; an ADC map needs two or more")

    def test_a_slice_missing_at_one_b_value(self):
        self.paths[17].unlink()
        self.assert_error("not have equally many images of b = 800, direction 1: 1 in most of its 4 slices, but 1 missing in slices 2")

    def test_a_slice_repeated(self):
        copy = self.folder / "again.dcm"
        copy.write_bytes(self.paths[2].read_bytes())
        self.edit(copy, lambda d: (setattr(d, "SOPInstanceUID", "1.2.3"), setattr(d.file_meta, "MediaStorageSOPInstanceUID", "1.2.3")))
        self.assert_error("equally many images of b = 0: 1 in most of its 4 slices, but 1 repeated in slices 3 .such as '005_00003.dcm'")

    def test_a_slice_without_any_image_of_a_b_value(self):
        for path in self.paths[16 + 3 :: 4]:
            path.unlink()
        self.assert_error("b = 800, direction 1: .*1 missing in slices 4")

    def test_colour_images(self):
        def colour(d):
            d.SamplesPerPixel, d.PhotometricInterpretation, d.PlanarConfiguration = 3, "RGB", 0
            d.BitsAllocated, d.BitsStored, d.HighBit = 8, 8, 7
            d.PixelData = bytes(6 * 5 * 3)

        self.edit(self.paths[0], colour)
        self.assert_error(r"'005_00001.dcm' is no grey-level signal image \(RGB\)")

    def test_inverted_images(self):
        self.edit(self.paths[0], lambda d: setattr(d, "PhotometricInterpretation", "MONOCHROME1"))
        self.assert_error("MONOCHROME1")

    def test_mosaic_images(self):
        self.edit(self.paths[0], lambda d: setattr(d, "ImageType", [*d.ImageType, "MOSAIC"]))
        self.assert_error("'005_00001.dcm' is a mosaic.*single slices")

    def test_different_echo_times(self):
        for path in self.paths[16:]:
            self.edit(path, lambda d: setattr(d, "EchoTime", 75))
        self.assert_error("different echo times .b = 0: 60 ms, b = 50: 60 ms, b = 800: 75 ms.")

    def test_a_rescale_slope_of_zero(self):
        self.edit(self.paths[0], lambda d: (setattr(d, "RescaleSlope", 0), setattr(d, "RescaleIntercept", 0)))
        self.assert_error("rescale slope in its headers is 0")

    def test_mixed_orientations(self):
        self.edit(self.paths[0], lambda d: setattr(d, "ImageOrientationPatient", [0, 1, 0, 0, 0, -1]))
        self.assert_error("27 axial, 1 sagittal", GeometryError)

    def test_a_file_that_is_gone_or_changed_after_the_scan(self):
        series = self.series()
        self.edit(self.paths[3], lambda d: (setattr(d, "Rows", 3), setattr(d, "PixelData", d.PixelData[:30])))
        with self.assertRaisesRegex(InputError, "'005_00004.dcm': its pixels are not 6 x 5"):
            read_diffusion(series)
        self.paths[3].unlink()
        with self.assertRaisesRegex(InputError, "pixels of '005_00004.dcm' cannot be read"):
            read_diffusion(series)

    def test_a_multi_frame_file_with_fewer_frames_than_it_describes(self):
        path = self.written(number=5, description="DWI liver", enhanced=True).frames[0].path
        self.edit(path, lambda d: (setattr(d, "NumberOfFrames", 20), setattr(d, "PixelData", d.PixelData[: 20 * 60])))
        with self.assertRaisesRegex(InputError, "'005_enhanced.dcm frame 21': its pixels are not 6 x 5"):
            read_diffusion(self.series())

    def test_no_series(self):
        with self.assertRaisesRegex(InputError, "No diffusion series was chosen"):
            read_diffusion([])


class SeveralSeriesTest(DicomFolderTestCase):
    """One series for each b-value, as many scanners and archives export them."""

    def write_one(self, number, b_value, signal, geometry=GRID, **options):
        self.write([Volume(np.full(geometry.shape, signal), b_value)], geometry, number=number, description=f"DWI b{b_value:g}", **options)

    def test_series_of_one_b_value_each_are_fitted_together(self):
        for vendor in ("ge", "philips"):
            with self.subTest(vendor):
                for number, (b, signal) in enumerate(((800.0, 200), (0.0, 2000), (50.0, 1000)), start=1):
                    self.write_one(number, b, signal, vendor=vendor, enhanced=number == 1)
                chosen = [s for s in self.scan().series if s.manufacturer.lower().startswith(vendor)]
                diffusion = read_diffusion(chosen)
                self.assertEqual(diffusion.b_values.tolist(), [0, 50, 800])
                np.testing.assert_allclose(diffusion.signals[1, 2, 3], [2000, 1000, 200], rtol=1e-3)
                self.assertRegex(" ".join(diffusion.warnings), "receiver gains may differ")
                self.assertEqual(diffusion.label, "Series 1 'DWI b800' + Series 2 'DWI b0' + Series 3 'DWI b50'")
                self.assertEqual(diffusion.series, tuple(chosen))

    def test_different_slices(self):
        shifted = Geometry.from_parts(GRID.shape, GRID.spacing_mm, np.array(GRID.origin_lps) + [0, 0, 2])
        fewer = Geometry((3, *GRID.shape[1:]), GRID.ijk_to_lps)
        for number, geometry, pattern in ((2, shifted, r"first voxel at \(-100.0, -80.0, 22.0\)"), (3, fewer, "5 x 6 x 3 voxels")):
            with self.subTest(number):
                self.write_one(1, 0.0, 2000)
                self.write_one(number, 800.0, 200, geometry)
                chosen = [s for s in self.scan().series if s.number in (1, number)]
                with self.assertRaisesRegex(GeometryError, "not lie on the same slices.*Series 1 'DWI b0': 5 x 6 x 4 voxels.*" + pattern):
                    read_diffusion(chosen)

    def test_two_patients(self):
        self.write_one(1, 0.0, 2000, patient_id="A", patient_name="Doe^Jane")
        self.write_one(2, 800.0, 200, patient_id="B", patient_name="Roe^John")
        with self.assertRaisesRegex(InputError, r"different patients: Doe\^Jane \(ID A\), Roe\^John \(ID B\)"):
            read_diffusion(self.scan().series)

    def test_two_examinations(self):
        self.write_one(1, 0.0, 2000)
        self.write([Volume(flat(200), 800.0)], number=2, seed=9)
        with self.assertRaisesRegex(InputError, "different examinations: .*2024-03-01"):
            read_diffusion(self.scan().series)

    def test_another_frame_of_reference_is_a_warning(self):
        self.write_one(1, 0.0, 2000)
        self.write_one(2, 800.0, 200)
        for path in self.folder.glob("002*"):
            self.edit(path, lambda d: setattr(d, "FrameOfReferenceUID", "1.2.3"))
        self.assertRegex(" ".join(read_diffusion(self.scan().series).warnings), "different frames of reference")


if __name__ == "__main__":
    unittest.main()

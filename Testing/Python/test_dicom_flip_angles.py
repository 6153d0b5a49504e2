"""Flip angle sets and single volumes read into arrays; what makes them unusable."""

import unittest
from datetime import datetime, timedelta

import numpy as np
from dicom_folder import GRIDS, DicomFolderTestCase, place_signals
from dicom_protocols import edit_tags

from HCCResponseLib.dicom import FlipAngleSeries, read_flip_angles, read_volume, recognise, recognise_examination, split_series
from HCCResponseLib.errors import Cancelled, GeometryError, InputError
from HCCResponseLib.phantom.dicom_series import PHILIPS_GAIN, VENDORS, Volume
from HCCResponseLib.response.roles import Role

GEOMETRY = GRIDS["oblique"]
SIGNALS = place_signals(GEOMETRY)
ANGLES = (5.0, 10.0, 15.0)
BEGIN = datetime(2024, 3, 1, 9, 30)
GRADIENT_ECHO = {"echo_time_s": 0.0013, "repetition_time_s": 0.0045, "description": "t1_vibe_vfa"}


def truth() -> np.ndarray:
    return np.stack([SIGNALS + 100 * a for a in range(len(ANGLES))], axis=-1)


class FlipAnglesTest(DicomFolderTestCase):
    def several(self, angles=ANGLES, **options) -> None:
        """Write a series for each flip angle, the largest first."""
        for n, angle in reversed(list(enumerate(angles))):
            start = BEGIN + timedelta(seconds=20 * (len(angles) - n))
            header = {**GRADIENT_ECHO, "flip_angle_deg": angle, "number": 9 - n, "start": start, **options}
            self.write([Volume(SIGNALS + 100 * n)], GEOMETRY, **header)

    def one(self, **options) -> None:
        """Write all flip angles as one series."""
        volumes = [Volume(SIGNALS + 100 * n, seconds=20.0 * n, flip_angle_deg=angle) for n, angle in enumerate(ANGLES)]
        self.write(volumes, GEOMETRY, **{**GRADIENT_ECHO, **options})

    def assert_true(self, found: FlipAngleSeries) -> None:
        self.assertEqual(found.flip_angles_deg.tolist(), list(ANGLES))
        np.testing.assert_array_equal(found.signals, truth())
        self.assertEqual(found.signals.dtype, np.float32)
        self.assertAlmostEqual(found.repetition_time_s, 0.0045)
        self.assertAlmostEqual(found.echo_time_s, 0.0013)
        self.assertTrue(found.geometry.matches(GEOMETRY))

    def refused(self, says: str, error=InputError, **options) -> None:
        with self.assertRaisesRegex(error, says):
            read_flip_angles(self.scan().series, **options)

    def test_several_series_of_every_vendor(self):
        for vendor in VENDORS:
            with self.subTest(vendor):
                for path in self.folder.iterdir():
                    path.unlink()
                self.several(vendor=vendor)
                found = recognise_examination(self.scan().series)
                self.assertEqual([one.role for one in found], [Role.VFA])
                read = read_flip_angles(found[0].series)
                if vendor == "philips":
                    np.testing.assert_allclose(read.signals, truth(), rtol=1e-3)
                else:
                    self.assert_true(read)
                self.assertRegex(" ".join(read.warnings), "receiver gain")

    def test_one_series_classic_and_enhanced(self):
        for enhanced in (False, True):
            with self.subTest(enhanced=enhanced):
                for path in self.folder.iterdir():
                    path.unlink()
                self.one(enhanced=enhanced)
                self.assertIs(recognise(self.series()).role, Role.VFA)
                found = read_flip_angles(self.series())
                self.assert_true(found)
                self.assertEqual(found.warnings, ())

    def test_philips_series_need_its_private_scaling(self):
        self.several(vendor="philips")
        for path in self.folder.glob("009*"):
            self.edit(path, lambda d: setattr(d, "RescaleSlope", 2 * d.RescaleSlope))
        self.refused("Philips scaled its images differently.*private scaling")
        found = read_flip_angles(self.scan().series, scaling="philips_private")
        np.testing.assert_allclose(found.signals * PHILIPS_GAIN, truth(), rtol=1e-3)

    def test_rounded_flip_angles_are_one(self):
        self.one()
        for n, path in enumerate(sorted(self.folder.iterdir())):
            edit_tags(self.edit, [path], FlipAngle=f"{ANGLES[n // GEOMETRY.shape[0]] + 0.001 * (n % 3)}")
        found = read_flip_angles(self.series())
        np.testing.assert_allclose(found.flip_angles_deg, ANGLES, atol=0.003)

    def test_one_flip_angle(self):
        self.several(angles=(10.0,))
        self.refused("only one flip angle .10°. was found; T1 needs two or more")
        with self.assertRaisesRegex(InputError, "No flip angle series"):
            read_flip_angles([])

    def test_different_repetition_or_echo_times(self):
        self.several()
        edit_tags(self.edit, list(self.folder.glob("009*")), RepetitionTime=5.5)
        self.refused("different repetition times .4.5 ms, 5.5 ms.; T1 can be told from flip angles only where")
        edit_tags(self.edit, list(self.folder.glob("009*")), RepetitionTime=4.5, EchoTime=2.0)
        self.refused("different echo times .1.3 ms, 2 ms.")

    def test_untold_values(self):
        self.several()
        first = list(self.folder.glob("009*"))
        edit_tags(self.edit, first, FlipAngle=None)
        self.refused("4 images do not tell their flip angle .first '009_")
        edit_tags(self.edit, first, FlipAngle=5)
        edit_tags(self.edit, list(self.folder.iterdir()), RepetitionTime=None)
        self.refused("do not tell the repetition time")

    def test_images_repeated_or_missing(self):
        self.one()
        path = sorted(self.folder.iterdir())[1]
        copy = path.with_name("copy.dcm")
        copy.write_bytes(path.read_bytes())
        self.edit(copy, lambda d: setattr(d, "SOPInstanceUID", "1.2.3.4"))
        self.refused("flip angle 5° has 2 images of slice 2 .such as '001_00002.dcm' and 'copy.dcm'.")
        copy.unlink()
        path.unlink()
        self.refused("flip angle 5° has no image of slices 2")

    def test_other_slices(self):
        self.several()
        other = GRIDS["axial"]
        self.write([Volume(place_signals(other))], other, **{**GRADIENT_ECHO, "flip_angle_deg": 20.0, "number": 20})
        self.refused("do not lie on the same slices", GeometryError)

    def test_warnings(self):
        self.several()
        contrast = {"ContrastBolusAgent": "Gadovist", "ContrastBolusStartTime": "0929"}
        edit_tags(self.edit, list(self.folder.glob("009*")), ScanOptions="PFP", **contrast)
        warnings = " ".join(read_flip_angles(self.scan().series).warnings)
        self.assertRegex(warnings, "not all of these series are fat-suppressed")
        self.assertRegex(warnings, "Series 9 .*after contrast agent")

    def test_cancel(self):
        self.one()
        with self.assertRaises(Cancelled):
            read_flip_angles(self.series(), progress=lambda fraction: fraction < 0.5)


class VolumeTest(DicomFolderTestCase):
    def test_every_grid_classic_and_enhanced(self):
        for name, grid in GRIDS.items():
            for enhanced in (False, True):
                with self.subTest(name, enhanced=enhanced):
                    found = read_volume(self.written([Volume(place_signals(grid))], grid, **GRADIENT_ECHO, enhanced=enhanced))
                    np.testing.assert_array_equal(found.array, place_signals(grid))
                    self.assertEqual((found.array.dtype, found.array.flags.c_contiguous), (np.float32, True))
                    self.assertTrue(found.geometry.matches(grid))
                    self.assertEqual((found.acquired, found.warnings, found.notes), (BEGIN, (), ()))

    def test_rescaled_values(self):
        found = read_volume(self.written([Volume(SIGNALS, rescale=(2.0, -10.0))], GEOMETRY))
        np.testing.assert_array_equal(found.array, np.rint((SIGNALS + 10) / 2) * 2 - 10)

    def test_philips_private_scaling(self):
        series = self.written([Volume(SIGNALS)], GEOMETRY, vendor="philips")
        found = read_volume(series, scaling="philips_private")
        np.testing.assert_allclose(found.array * PHILIPS_GAIN, SIGNALS, rtol=1e-3)
        with self.assertRaisesRegex(InputError, "'rescale' or 'philips_private'"):
            read_volume(series, scaling="raw")
        with self.assertRaisesRegex(InputError, "no Philips scale slope"):
            read_volume(self.written([Volume(SIGNALS)], GEOMETRY), scaling="philips_private")

    def test_several_images_of_a_slice(self):
        series = self.written([Volume(SIGNALS), Volume(SIGNALS, seconds=5.0)], GEOMETRY)
        with self.assertRaisesRegex(InputError, "has 2 images of each slice"):
            read_volume(series)
        sorted(self.folder.iterdir())[-1].unlink()
        with self.assertRaisesRegex(InputError, "has 2 images of slices 1, 2, 3"):
            read_volume(self.series())

    def test_parts_of_a_series(self):
        echoes = [Volume(SIGNALS, echo_time_s=0.0023), Volume(SIGNALS + 7, echo_time_s=0.0046)]
        series = self.written(echoes, GEOMETRY, description="t1_dual_tra")
        with self.assertRaisesRegex(InputError, "several kinds: TE 2.3 ms .4 images., TE 4.6 ms .4 images."):
            read_volume(series)
        parts = split_series(series)
        self.assertEqual([part.label for part in parts], [f"Series 1 't1_dual_tra' (TE {te} ms)" for te in (2.3, 4.6)])
        np.testing.assert_array_equal(read_volume(parts[1]).array, SIGNALS + 7)

    def test_a_missing_slice(self):
        self.write([Volume(SIGNALS)], GEOMETRY)
        sorted(self.folder.iterdir())[1].unlink()
        with self.assertRaisesRegex(GeometryError, "slices are missing"):
            read_volume(self.series())

    def test_colour(self):
        paths = self.write([Volume(SIGNALS)], GEOMETRY)
        edit_tags(self.edit, paths, PhotometricInterpretation="MONOCHROME1")
        with self.assertRaisesRegex(InputError, "no grey-level signal image"):
            read_volume(self.series())


if __name__ == "__main__":
    unittest.main()

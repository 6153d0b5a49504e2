"""The synthetic series are sound DICOM and follow from their arguments."""

import shutil
import subprocess
import unittest

import numpy as np
import pydicom
from dicom_folder import GRIDS, DicomFolderTestCase, diffusion_volumes, place_signals

from HCCResponseLib.errors import InputError
from HCCResponseLib.phantom.dicom_series import VENDORS, Volume, write_series

GRID = GRIDS["oblique"]
VALIDATOR = shutil.which("dciodvfy")


class PhantomSeriesTest(DicomFolderTestCase):
    def test_equal_arguments_give_equal_files(self):
        for enhanced in (False, True):
            with self.subTest(enhanced=enhanced):
                volumes = diffusion_volumes(place_signals(GRID))
                contents = []
                for name in ("one", "two"):
                    paths = write_series(self.folder / name, volumes, GRID, enhanced=enhanced)
                    contents.append([path.read_bytes() for path in paths])
                self.assertEqual(*contents)

    def test_uids_differ_where_images_differ(self):
        paths = [*self.write(number=1), *self.write(number=2), *self.write(number=3, seed=1), *self.write(number=4, patient_id="B")]
        headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
        self.assertEqual(len({h.SOPInstanceUID for h in headers}), len(paths))
        self.assertEqual(len({h.SeriesInstanceUID for h in headers}), 4)
        self.assertEqual(len({h.StudyInstanceUID for h in headers}), 3)

    def test_instances_are_numbered_through(self):
        numbers = [int(pydicom.dcmread(path, stop_before_pixels=True).InstanceNumber) for path in self.write()]
        self.assertEqual(numbers, list(range(1, 29)))

    def test_signals_that_dicom_cannot_hold(self):
        for value in (-1.0, 70000.0, np.nan, np.inf):
            with self.subTest(value=value), self.assertRaisesRegex(InputError, "between 0 and 65535"):
                self.write([Volume(np.full(GRID.shape, value))], GRID)

    def test_a_volume_of_another_shape_and_an_unknown_vendor(self):
        with self.assertRaisesRegex(InputError, "does not fit"):
            self.write([Volume(np.zeros((1, 2, 3)))], GRID)
        with self.assertRaisesRegex(InputError, "Unknown vendor 'acme'; known are siemens"):
            self.write(vendor="acme")

    @unittest.skipUnless(VALIDATOR, "dciodvfy is not installed (Debian package dicom3tools)")
    def test_dciodvfy_finds_no_error(self):
        signals = place_signals(GRID)
        kinds = {
            "directions": diffusion_volumes(signals, (0.0, 800.0)),
            "traces": diffusion_volumes(signals, (0.0, 800.0), ()),
            "map": [Volume(signals, 800.0, derived="ADC")],
            "map among images": [Volume(signals, 0.0), Volume(signals, 800.0, derived="ADC")],
            "dynamic": [Volume(signals, seconds=4.3 * n, flip_angle_deg=12.0, repetition_time_s=0.0045) for n in range(2)],
        }
        for vendor in VENDORS:
            for enhanced in (False, True):
                for number, (kind, volumes) in enumerate(kinds.items()):
                    with self.subTest(kind, vendor=vendor, enhanced=enhanced):
                        paths = self.write(volumes, GRID, vendor=vendor, enhanced=enhanced, number=number)
                        for path in paths[:: GRID.shape[0]]:
                            answer = subprocess.run([VALIDATOR, str(path)], capture_output=True, text=True, check=False)
                            errors = [line for line in answer.stderr.splitlines() if "Error" in line]
                            self.assertEqual(errors, [])


if __name__ == "__main__":
    unittest.main()

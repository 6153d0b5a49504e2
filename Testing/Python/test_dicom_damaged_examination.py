"""A damaged folder gives a readable report, and what is sound is recognised and read."""

import unittest
from datetime import datetime, timedelta

import numpy as np
from dicom_folder import GRIDS, DicomFolderTestCase, diffusion_volumes, other_object, place_signals
from dicom_protocols import edit_tags
from reference_data import reference_path, requires_reference

from HCCResponseLib.dicom import (
    DiffusionSeries,
    DynamicSeries,
    FlipAngleSeries,
    ImageSeries,
    find_examinations,
    folder_report,
    read_examination,
    scan_folder,
)
from HCCResponseLib.errors import Cancelled
from HCCResponseLib.phantom.dicom_series import Volume
from HCCResponseLib.response.roles import Role

GEOMETRY = GRIDS["axial"]
SIGNALS = place_signals(GEOMETRY)
BEGIN = datetime(2024, 3, 1, 9, 30)
PHASES = {10: -60.0, 11: 30.0, 12: 70.0, 13: 180.0}
"""Series number and start after the injection."""


class DamagedExaminationTest(DicomFolderTestCase):
    def setUp(self):
        super().setUp()
        self.write_liver()

    def write_liver(self, **patient) -> None:
        """A T2-weighted, a diffusion, a flip angle, a dynamic series and four phases of one examination."""
        gradient = {"echo_time_s": 0.0013, "repetition_time_s": 0.004, "flip_angle_deg": 12.0, **patient}
        t2 = self.write([Volume(SIGNALS)], number=2, description="t2_tse", echo_time_s=0.085, repetition_time_s=3.0, **patient)
        edit_tags(self.edit, t2, ScanningSequence="SE", MRAcquisitionType="2D")
        self.write(diffusion_volumes(SIGNALS), number=3, description="ep2d_diff", **patient)
        angles = [Volume(SIGNALS, flip_angle_deg=angle, seconds=angle) for angle in (5.0, 10.0, 15.0)]
        self.write(angles, number=4, **{**gradient, "description": "t1_vibe_vfa", "start": BEGIN + timedelta(seconds=100)})
        for number, seconds in PHASES.items():
            start = BEGIN + timedelta(seconds=600 + seconds)
            paths = self.write([Volume(SIGNALS + number)], number=number, description="t1_vibe_fs", start=start, **gradient)
            if seconds > 0:
                edit_tags(self.edit, paths, ContrastBolusAgent="Gadovist", ContrastBolusStartTime="094000")
        times = [Volume(SIGNALS, seconds=4.3 * n) for n in range(11)]
        self.write(times, number=20, description="t1_vibe_dyn", start=BEGIN + timedelta(seconds=1200), **gradient)

    def read(self) -> tuple[dict[str, str], dict[Role, list], str]:
        """Errors by series, images by role, and the report."""
        scan = self.scan()
        examinations = find_examinations(scan)
        readings = [reading for one in examinations for reading in read_examination(one.recognitions)]
        errors, images = {}, {}
        for reading in readings:
            if reading.error:
                self.assertIsNone(reading.images)
                errors[" + ".join(one.label for one in reading.recognition.series)] = reading.error
            else:
                images.setdefault(reading.recognition.role, []).append(reading.images)
        return errors, images, folder_report(scan, examinations, readings)

    def paths(self, number: int):
        return sorted(self.folder.glob(f"{number:03d}_*"))

    def test_a_sound_examination(self):
        errors, images, report = self.read()
        self.assertEqual(errors, {})
        kinds = {
            Role.T2_FAT_SUPPRESSED: ImageSeries, Role.DWI: DiffusionSeries, Role.VFA: FlipAngleSeries, Role.NATIVE: ImageSeries,
            Role.ARTERIAL: ImageSeries, Role.PORTAL_VENOUS: ImageSeries, Role.DELAYED: ImageSeries, Role.DCE: DynamicSeries,
        }
        self.assertEqual({role: type(found[0]) for role, found in images.items()}, kinds)
        np.testing.assert_array_equal(images[Role.PORTAL_VENOUS][0].array, SIGNALS + 12)
        lines = report.splitlines()
        self.assertEqual(lines[0], "Phantom^Liver (ID PHANTOM), 2024-03-01, Synthetic liver MRI")
        physics = "2D spin echo, fat-suppressed (TE 85 ms, TR 3000 ms, flip angle 90°)"
        self.assertIn(f"  Series 2 't2_tse': T2-weighted, fat-suppressed. {physics}.", lines)
        self.assertIn("  ! No in-phase T1-weighted images were found.", lines)
        self.assertNotIn("left out", report)

    def test_a_truncated_file(self):
        path = self.paths(12)[1]
        path.write_bytes(path.read_bytes()[:-9])
        errors, images, report = self.read()
        self.assertEqual(list(errors), ["Series 12 't1_vibe_fs'"])
        self.assertIn("slices are missing", errors["Series 12 't1_vibe_fs'"])
        self.assertEqual(len(images), 7)
        self.assertIn(f"1 files were left out:\n  {path.name}: the file ends before its pixels do (truncated)", report)
        self.assertIn("    ! It could not be read: Series 12 't1_vibe_fs': slices are missing", report)

    def test_a_missing_slice(self):
        for number in (2, 3, 4, 20):
            self.paths(number)[2].unlink()
        errors, images, _ = self.read()
        self.assertEqual(list(errors), ["Series 2 't2_tse'", "Series 3 'ep2d_diff'", "Series 4 't1_vibe_vfa'"])
        self.assertEqual(images[Role.DCE][0].signals.shape[-1], 10, "a time point without one slice is left out")
        self.assertRegex(" ".join(images[Role.DCE][0].warnings), "incomplete and therefore left out: time point 1 .slices 3.")

    def test_two_patients_mixed(self):
        for path in list(self.folder.iterdir()):
            path.rename(path.with_name(f"a_{path.name}"))
        self.write_liver(patient_id="B", patient_name="Roe^John")
        errors, images, report = self.read()
        self.assertEqual(errors, {})
        self.assertEqual({role: len(found) for role, found in images.items()}, dict.fromkeys(images, 2))
        self.assertTrue(report.startswith("The folder holds images of 2 patients, which were kept apart: Roe^John (ID B); Phantom^Liver"))

    def test_two_patients_under_one_series(self):
        for path in self.paths(11)[:2]:
            self.edit(path, lambda d: (setattr(d, "PatientID", "OTHER"), setattr(d, "PatientName", "X^Y")))
        errors, images, report = self.read()
        self.assertEqual(errors, {}, "each part has consecutive slices")
        self.assertEqual(len(find_examinations(self.scan())), 2)
        self.assertIn("stands in images of 2 patients or studies; they were taken apart", report)
        self.assertEqual({found[0].array.shape[0] for found in images.values() if isinstance(found[0], ImageSeries)}, {2, 4})

    def test_no_times(self):
        edit_tags(self.edit, sorted(self.folder.iterdir()), AcquisitionTime=None, ContentTime=None, ContrastBolusStartTime=None)
        errors, images, report = self.read()
        self.assertEqual(list(errors), ["Series 20 't1_vibe_dyn'"])
        self.assertIn("Enter the times", errors["Series 20 't1_vibe_dyn'"])
        self.assertEqual(len(images[Role.T1_FAT_SUPPRESSED]), 4, "without times no phase is told")
        self.assertIn("its phase cannot be told; choose its role", report)
        self.assertEqual(len(images[Role.VFA]), 1)

    def test_a_duplicate_instance(self):
        path = self.paths(11)[1]
        (self.folder / "copy of it").write_bytes(path.read_bytes())
        errors, images, report = self.read()
        self.assertEqual((errors, len(images)), ({}, 8))
        self.assertIn(f"copy of it: the same image as '{path.name}'", report)

    def test_a_duplicate_with_another_uid(self):
        copy = self.folder / "copy of it"
        copy.write_bytes(self.paths(11)[1].read_bytes())
        self.edit(copy, lambda d: setattr(d, "SOPInstanceUID", "1.2.3.4"))
        errors, images, _ = self.read()
        self.assertEqual(list(errors), ["Series 11 't1_vibe_fs'"])
        self.assertRegex(errors["Series 11 't1_vibe_fs'"], "2 images of slices 2: repeated images")
        self.assertEqual(len(images), 7)

    def test_objects_that_are_no_images(self):
        other_object(self.folder / "report", "1.2.840.10008.5.1.4.1.1.88.33", "SR")
        other_object(self.folder / "seg", "1.2.840.10008.5.1.4.1.1.66.4", "SEG", Rows=6, Columns=5, NumberOfFrames=2)
        other_object(self.folder / "state", "1.2.840.10008.5.1.4.1.1.11.1", "PR")
        (self.folder / "notes.txt").write_text("b-values 0, 50, 800")
        errors, images, report = self.read()
        self.assertEqual((errors, len(images)), ({}, 8))
        for sentence in ("4 files were left out", "report: not an image (Comprehensive SR", "seg: a segmentation, not an image series",
                         "state: not an image (Grayscale Softcopy", "notes.txt: not a DICOM file"):
            self.assertIn(sentence, report)

    def test_every_header_lacking_something(self):
        sound = {path: path.read_bytes() for path in self.paths(2) + self.paths(11)}
        for lost in ("EchoTime", "RepetitionTime", "FlipAngle", "ImagePositionPatient", "ImageType", "PixelSpacing", "Manufacturer",
                     "SeriesDescription", "ScanningSequence", "MRAcquisitionType", "StudyDate", "SeriesNumber", "FrameOfReferenceUID"):
            with self.subTest(lost):
                for path, content in sound.items():
                    path.write_bytes(content)
                edit_tags(self.edit, list(sound), **{lost: None})
                errors, images, report = self.read()
                self.assertIn(Role.DCE, images)
                self.assertIn(Role.DWI, images)
                self.assertTrue(all(sentence.endswith(".") for sentence in errors.values()), errors)
                self.assertNotIn("None", report)

    def test_colour_and_unreadable_pixels(self):
        edit_tags(self.edit, self.paths(11), PhotometricInterpretation="RGB")
        edit_tags(self.edit, self.paths(12), BitsAllocated=7)
        errors, images, _ = self.read()
        self.assertEqual(list(errors), ["Series 11 't1_vibe_fs'", "Series 12 't1_vibe_fs'"])
        self.assertEqual(len(images), 6)

    def test_chosen_roles_and_cancel(self):
        recognitions = find_examinations(self.scan())[0].recognitions
        found = list(read_examination(recognitions, roles={Role.ARTERIAL}))
        self.assertEqual([one.recognition.role for one in found], [Role.ARTERIAL])
        told = []
        list(read_examination(recognitions, progress=told.append))
        self.assertEqual((told, told[-1]), (sorted(told), 1.0))
        with self.assertRaises(Cancelled):
            list(read_examination(recognitions, progress=lambda fraction: fraction < 0.5))
        self.assertEqual(list(read_examination([])), [])

    def test_an_empty_folder(self):
        for path in self.folder.iterdir():
            path.unlink()
        self.assertEqual(self.read(), ({}, {}, "The folder holds no DICOM images.\n"))


class PhilipsScalingTest(DicomFolderTestCase):
    def test_phases_get_one_scaling_that_makes_them_comparable(self):
        for number in (1, 2):
            volumes = [Volume(np.where(SIGNALS == SIGNALS.max(), number * 3000, 1000))]
            options = {"description": "THRIVE", "echo_time_s": 0.0013, "repetition_time_s": 0.004, "flip_angle_deg": 10.0}
            paths = self.write(volumes, vendor="philips", number=number, **options)
            for path in paths:
                self.edit(path, lambda d, number=number: setattr(d, "RescaleSlope", number * d.RescaleSlope))
        found = list(read_examination(find_examinations(self.scan())[0].recognitions))
        self.assertEqual([one.error for one in found], ["", ""])
        self.assertEqual([one.images.scaling for one in found], ["philips_private"] * 2)
        first, second = (one.images.array for one in found)
        np.testing.assert_allclose(second[0], first[0], rtol=2e-3)


class ReferenceTest(unittest.TestCase):
    @requires_reference("dwi_philips")
    def test_real_series_keep_their_roles(self):
        for name in ("dwi_philips", "dwi_ge"):
            with self.subTest(name):
                scan = scan_folder(reference_path(name))
                found = find_examinations(scan)
                self.assertEqual([[one.role for one in examination.recognitions] for examination in found], [[Role.DWI]])
                self.assertIn("Diffusion-weighted source images, b = 0, 1000", folder_report(scan, found))


if __name__ == "__main__":
    unittest.main()

"""Folders sorted into series; every file left out has its reason."""

import logging
import random
import unittest
import warnings

import pydicom
from dicom_folder import GRIDS, DicomFolderTestCase, diffusion_volumes, other_object, place_signals
from pydicom.uid import MediaStorageDirectoryStorage

from HCCResponseLib.dicom import Skipped, recognise, scan_folder, skipped_lines
from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.phantom.dicom_series import Volume


class SeriesTest(DicomFolderTestCase):
    def test_a_series_carries_what_its_headers_say(self):
        self.write(description="ep2d_diff_b50_800", number=7, patient_id="A1", patient_name="Doe^Jane", vendor="siemens", averages=3)
        series = self.series()
        self.assertEqual(series.label, "Series 7 'ep2d_diff_b50_800'")
        self.assertEqual((series.patient_id, series.patient_name), ("A1", "Doe^Jane"))
        self.assertEqual((series.manufacturer, series.model, series.modality), ("SIEMENS", "MAGNETOM Aera", "MR"))
        self.assertEqual(series.study_date.isoformat(), "2024-03-01")
        self.assertEqual(len(series.frames), 4 * 7)
        self.assertEqual(series.b_values, (0.0, 50.0, 800.0))
        self.assertEqual(len(series.sop_instance_uids), 28)
        frame = series.frames[0]
        self.assertEqual((frame.rows, frame.columns, frame.index), (6, 5, 0))
        self.assertAlmostEqual(frame.echo_time_s, 0.06)
        self.assertAlmostEqual(frame.repetition_time_s, 4.0)
        self.assertEqual(frame.flip_angle_deg, 90.0)
        self.assertEqual(frame.averages, 3.0)
        self.assertEqual(frame.acquired.isoformat(), "2024-03-01T09:30:00")
        self.assertEqual(frame.pixel_spacing_mm, (1.75, 1.5))

    def test_classic_and_enhanced_files_give_the_same_frames(self):
        names = ("b_value", "position_lps", "row_direction_lps", "pixel_spacing_mm", "echo_time_s", "repetition_time_s", "flip_angle_deg",
                 "acquired", "averages", "philips_slope", "rescale_slope")
        volumes = diffusion_volumes(place_signals(GRIDS["oblique"]))
        for vendor in ("siemens", "philips"):
            with self.subTest(vendor):
                found = []
                for enhanced in (False, True):
                    series = self.written(volumes, GRIDS["oblique"], vendor=vendor, enhanced=enhanced)
                    found.append([tuple(getattr(frame, name) for name in names) for frame in series.frames])
                self.assertEqual(*found)

    def test_times_of_dynamic_phases_and_flip_angles(self):
        signals = place_signals(GRIDS["axial"])
        for enhanced in (False, True):
            with self.subTest(enhanced=enhanced):
                volumes = [Volume(signals, seconds=4.3 * n, flip_angle_deg=5.0 * (n + 1)) for n in range(3)]
                series = self.written(volumes, description="vibe", enhanced=enhanced)
                firsts = [f for f in series.frames if f.position_lps == series.frames[0].position_lps]
                self.assertEqual([(f.acquired - firsts[0].acquired).total_seconds() for f in firsts], [0.0, 4.3, 8.6])
                self.assertEqual([f.flip_angle_deg for f in firsts], [5.0, 10.0, 15.0])

    def test_names_folders_and_order_of_files_do_not_matter(self):
        paths = self.write()
        expected = {f.sop_instance_uid for f in self.series().frames}
        random.Random(3).shuffle(paths)
        for n, path in enumerate(paths):
            target = self.folder / f"sub{n % 3}" / ("deep" if n % 2 else "") / f"{n:x}.{n}"
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        self.assertEqual({f.sop_instance_uid for f in self.series().frames}, expected)

    def test_series_of_one_folder_are_told_apart_and_ordered(self):
        for number in (12, 3, 7):
            self.write(number=number)
        self.assertEqual([s.number for s in self.scan().series], [3, 7, 12])

    def test_odd_values_make_no_noise(self):
        paths = self.write()

        def spoil(d):
            d.add_new(0x00180080, "SH", "x" * 40)
            d.add_new(0x00080032, "TM", "9:3")
            d.add_new(0x00280030, "DS", "1.123456789012345678\\1.5")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.edit(paths[0], spoil)
        with warnings.catch_warnings(), self.assertNoLogs(logging.getLogger("pydicom")):
            warnings.simplefilter("error")
            scan = self.scan()
        odd = next(f for f in scan.series[0].frames if f.path == paths[0])
        self.assertIsNone(odd.repetition_time_s)

    def test_an_empty_folder_holds_nothing_and_a_missing_one_is_an_error(self):
        self.assertEqual(self.scan().series, ())
        with self.assertRaisesRegex(InputError, "not a folder"):
            scan_folder(self.folder / "nowhere")

    def test_progress_grows_to_one_and_cancels(self):
        self.write()
        told = []
        scan_folder(self.folder, progress=told.append)
        self.assertEqual(told, sorted(told))
        self.assertEqual(told[-1], 1.0)
        with self.assertRaises(Cancelled):
            scan_folder(self.folder, progress=lambda fraction: fraction < 0.5)


class SkippedTest(DicomFolderTestCase):
    def reason(self, path, damaged: bool = True) -> str:
        scan = self.scan()
        self.assertEqual([s.path for s in scan.skipped], [path])
        self.assertEqual(len(scan.series), 1, "what is sound is still read")
        self.assertIs(scan.skipped[0].damaged, damaged)
        return scan.skipped[0].reason

    def test_a_file_that_is_not_dicom(self):
        self.write()
        path = self.folder / "notes.txt"
        path.write_text("b-values 0, 50, 800")
        self.assertEqual(self.reason(path, damaged=False), "not a DICOM file")
        path.unlink()
        path = self.folder / "._image.dcm"
        path.write_bytes(b"what macOS leaves")
        self.assertEqual(self.reason(path, damaged=False), "not a DICOM file")
        path.rename(self.folder / "image.dcm")
        self.assertEqual(self.reason(self.folder / "image.dcm"), "not a DICOM file")

    def test_a_line_for_each_reason(self):
        skipped = [Skipped(self.folder / f"{n}.txt", "not a DICOM file" if n % 2 else f"reason {n}") for n in range(12)]
        lines = skipped_lines(skipped, self.folder, most=4)
        self.assertEqual(lines, ["0.txt: reason 0", "1.txt and 5 more: not a DICOM file", "2.txt: reason 2", "and 4 more files"])
        self.assertEqual(skipped_lines([]), [])

    def test_pixels_cut_short(self):
        path = self.write()[3]
        path.write_bytes(path.read_bytes()[:-7])
        self.assertIn("truncated", self.reason(path))

    def test_enhanced_pixels_cut_short(self):
        self.write(number=1)
        path = self.write(number=2, enhanced=True)[0]
        path.write_bytes(path.read_bytes()[:-100])
        self.assertIn("truncated", self.reason(path))

    def test_header_cut_short_anywhere(self):
        path = self.write()[0]
        whole = path.read_bytes()
        pixels_at = len(whole) - 6 * 5 * 2
        for length in [*range(140, pixels_at, 97), pixels_at - 1]:
            with self.subTest(length=length):
                path.write_bytes(whole[:length])
                self.assertRegex(self.reason(path), "damaged|truncated|too early|no series UID")

    def test_a_damaged_header(self):
        path = self.write()[0]
        content = bytearray(path.read_bytes())
        rng = random.Random(5)
        for position in range(400, 700):
            content[position] = rng.randrange(256)
        path.write_bytes(content)
        scan = self.scan()
        self.assertEqual(sum(len(s.frames) for s in scan.series) + len(scan.skipped), 28, "no file is lost without a word")

    def test_the_same_image_twice(self):
        paths = self.write()
        copy = self.folder / "z_copy.dcm"
        copy.write_bytes(paths[2].read_bytes())
        self.assertRegex(self.reason(copy, damaged=False), f"same image as '{paths[2].name}'")

    def test_different_images_with_one_uid_are_kept_and_noted(self):
        paths = self.write()
        uid = pydicom.dcmread(paths[0]).SOPInstanceUID
        self.edit(paths[1], lambda d: setattr(d, "SOPInstanceUID", uid))
        series = self.series()
        self.assertEqual(len(series.frames), 28)
        self.assertRegex(" ".join(series.notes), "one SOP instance UID")

    def test_objects_that_are_no_images(self):
        self.write()
        path = self.folder / "report"
        other_object(path, "1.2.840.10008.5.1.4.1.1.88.33", "SR")
        self.assertRegex(self.reason(path, damaged=False), r"not an image \(Comprehensive SR")

    def test_segmentations(self):
        self.write()
        path = self.folder / "seg"
        other_object(path, "1.2.840.10008.5.1.4.1.1.66.4", "SEG", Rows=6, Columns=5, NumberOfFrames=2)
        self.assertRegex(self.reason(path, damaged=False), "a segmentation")

    def test_frames_without_places(self):
        self.write()
        path = self.folder / "movie"
        other_object(
            path, "1.2.840.10008.5.1.4.1.1.7.2", "OT", Rows=2, Columns=2, NumberOfFrames=3, BitsAllocated=8, SamplesPerPixel=1,
            PixelData=bytes(12),
        )
        self.assertRegex(self.reason(path, damaged=False), "functional groups")

    def test_a_dicomdir_is_passed_over_without_a_word(self):
        self.write()
        (self.folder / "DICOMDIR").write_bytes(b"anything")
        other_object(self.folder / "renamed", MediaStorageDirectoryStorage, "")
        self.assertEqual(self.scan().skipped, ())


class TwoPatientsTest(DicomFolderTestCase):
    def test_patients_of_one_folder(self):
        self.write(patient_id="A", patient_name="Doe^Jane")
        self.write(patient_id="B", patient_name="Roe^John", number=2)
        self.assertEqual(self.scan().patients, ("Doe^Jane (ID A)", "Roe^John (ID B)"))

    def test_one_patient_whose_name_is_spelt_in_two_ways(self):
        for path in self.write(patient_id="A", patient_name="Doe^Jane")[:9]:
            self.edit(path, lambda d: setattr(d, "PatientName", "DOE^JANE^^"))
        self.assertEqual(len(self.series().frames), 28)
        self.assertEqual(len(self.scan().patients), 1)

    def test_one_series_uid_over_two_patients_is_taken_apart(self):
        paths = self.write()
        for path in paths[:12]:
            self.edit(path, lambda d: setattr(d, "PatientID", "OTHER"))
        scan = self.scan()
        self.assertEqual([len(s.frames) for s in scan.series], [12, 16])
        for series in scan.series:
            self.assertRegex(" ".join(series.notes), "2 patients or studies")
            self.assertIsNotNone(recognise(series).role)


if __name__ == "__main__":
    unittest.main()

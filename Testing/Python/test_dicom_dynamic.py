"""Dynamic series in the order of time, in every manufacturer's habits; times that are missing, repeated or contradictory."""

import random
import unittest
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from dicom_folder import GRIDS, DicomFolderTestCase, place_signals
from dicom_protocols import edit_tags, private
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from HCCResponseLib.dicom import DynamicSeries, Series, read_dynamic, recognise
from HCCResponseLib.errors import Cancelled, GeometryError, InputError
from HCCResponseLib.phantom.dicom_series import VENDORS, Volume
from HCCResponseLib.response.roles import Role

GEOMETRY = GRIDS["axial"]
SLICES = GEOMETRY.shape[0]
SIGNALS = place_signals(GEOMETRY)
TIMES = (0.0, 4.3, 8.6, 12.9, 25.0, 60.0)
"""Unevenly spaced."""

GRADIENT_ECHO = {"echo_time_s": 0.0013, "repetition_time_s": 0.004, "flip_angle_deg": 12.0, "description": "t1_vibe_dyn"}


def truth(count: int = len(TIMES)) -> np.ndarray:
    """Signals that tell time point and place, (k, j, i, t)."""
    return np.stack([SIGNALS + 100 * t for t in range(count)], axis=-1)


class DynamicFolderTestCase(DicomFolderTestCase):
    def dynamic(self, times=TIMES, **options) -> list[list[Path]]:
        """Write a dynamic series; returns the files of each time point (one file where enhanced)."""
        volumes = [Volume(SIGNALS + 100 * t, seconds=seconds) for t, seconds in enumerate(times)]
        paths = self.write(volumes, **{**GRADIENT_ECHO, **options})
        return [paths] if len(paths) == 1 else [paths[SLICES * t : SLICES * (t + 1)] for t in range(len(times))]

    def edit_times(self, groups: list[list[Path]], tags_of, *changes_of) -> None:
        """Set elements by time point: ``tags_of`` gives the elements, each of ``changes_of`` a change, for its number."""
        for t, paths in enumerate(groups):
            edit_tags(self.edit, paths, *(change(t) for change in changes_of), **tags_of(t))

    def shuffle(self, groups: list[list[Path]]) -> None:
        """Number and name the files at random, as Philips does."""
        paths = [path for group in groups for path in group]
        numbers = list(range(1, len(paths) + 1))
        random.Random(7).shuffle(numbers)
        for path, number in zip(paths, numbers, strict=True):
            self.edit(path, lambda d, number=number: setattr(d, "InstanceNumber", number))
            path.rename(path.with_name(f"IM_{number:04d}"))

    def assert_true(self, found: DynamicSeries, times=TIMES, **tolerance) -> None:
        np.testing.assert_allclose(found.time_s, np.subtract(times, times[0]), **{"atol": 1e-6, **tolerance})
        np.testing.assert_array_equal(found.signals, truth(len(times)))
        self.assertEqual(found.signals.dtype, np.float32)
        self.assertTrue(found.geometry.matches(GEOMETRY))

    def refused(self, says: str, series=None, **options) -> None:
        with self.assertRaisesRegex(InputError, says):
            read_dynamic(self.series() if series is None else series, **options)


class VendorsTest(DynamicFolderTestCase):
    def test_acquisition_times_of_every_vendor(self):
        for vendor in VENDORS:
            for enhanced in (False, True):
                with self.subTest(vendor=vendor, enhanced=enhanced):
                    for path in self.folder.iterdir():
                        path.unlink()
                    groups = self.dynamic(vendor=vendor, enhanced=enhanced)
                    if not enhanced:
                        self.shuffle(groups)
                    found = read_dynamic(self.series())
                    if vendor == "philips":
                        np.testing.assert_allclose(found.signals, truth(), rtol=1e-3)
                        np.testing.assert_allclose(found.time_s, TIMES, atol=1e-6)
                    else:
                        self.assert_true(found)
                    np.testing.assert_allclose((found.flip_angle_deg, found.repetition_time_s, found.echo_time_s), (12.0, 0.004, 0.0013))
                    self.assertEqual(found.start, datetime(2024, 3, 1, 9, 30))
                    self.assertEqual(found.warnings, ())

    def test_siemens_counts_measurements_by_acquisition_number(self):
        groups = self.dynamic()
        self.edit_times(groups, lambda t: {"AcquisitionNumber": t + 1, "TemporalPositionIdentifier": 1, "NumberOfTemporalPositions": 1})
        # slices of one measurement that do not share a time to the millisecond
        for group in groups:
            for k, path in enumerate(group):
                self.edit(path, lambda d, k=k: setattr(d, "AcquisitionTime", f"{float(d.AcquisitionTime) + 0.002 * k:013.6f}"))
        self.shuffle(groups)
        found = read_dynamic(self.series())
        self.assert_true(found)
        self.assertIn("told apart by acquisition number", found.notes[0])
        self.assertIn("acquisition times", found.notes[1])

    def test_siemens_time_after_start(self):
        groups = self.dynamic()
        after = lambda t: private(0x0019, "SIEMENS MR HEADER", 0x16, "DS", f"{TIMES[t]:.2f}")
        self.edit_times(groups, lambda t: {"AcquisitionTime": "093000.0", "AcquisitionNumber": t + 1}, after)
        self.shuffle(groups)
        self.assert_true(read_dynamic(self.series()))

    def test_ge_gives_the_whole_scan_one_time_and_counts_milliseconds(self):
        groups = self.dynamic(vendor="ge")
        self.edit_times(groups, lambda t: {
            "AcquisitionTime": "093000", "ContentTime": "093000", "TriggerTime": f"{3000 + TIMES[t] * 1e3:g}",
            "TemporalPositionIdentifier": t + 1, "NumberOfTemporalPositions": len(TIMES),
        })
        self.shuffle(groups)
        found = read_dynamic(self.series())
        self.assert_true(found)
        self.assertIn("trigger times", found.notes[1])
        self.assertEqual(found.start, datetime(2024, 3, 1, 9, 30, 3), "the first trigger time counts from the start of the scan")

    def test_ge_milliseconds_are_finer_than_its_whole_seconds(self):
        groups = self.dynamic(vendor="ge")
        self.edit_times(groups, lambda t: {
            "AcquisitionTime": f"0930{TIMES[t] % 60:02.0f}" if TIMES[t] < 60 else "093100", "TriggerTime": f"{TIMES[t] * 1e3:g}",
            "TemporalPositionIdentifier": t + 1,
        })
        found = read_dynamic(self.series())
        self.assert_true(found)
        self.assertEqual(found.warnings, ())

    def test_philips_thrive_has_trigger_times_only(self):
        groups = self.dynamic(vendor="philips")
        self.edit_times(groups, lambda t: {
            "AcquisitionTime": "093000.00", "ContentTime": "093000.00", "TriggerTime": f"{TIMES[t] * 1e3:g}",
            "TemporalPositionIdentifier": t + 1, "NumberOfTemporalPositions": len(TIMES),
        })
        self.shuffle(groups)
        found = read_dynamic(self.series())
        np.testing.assert_allclose(found.time_s, TIMES, atol=1e-6)
        np.testing.assert_allclose(found.signals, truth(), rtol=1e-3)

    def test_philips_dynamic_scan_begin_time(self):
        groups = self.dynamic(vendor="philips")
        begin = lambda t: private(0x2005, "Philips MR Imaging DD 001", 0xA0, "FL", TIMES[t])
        self.edit_times(groups, lambda t: {"AcquisitionTime": "093000.00", "TriggerTime": "0", "TemporalPositionIdentifier": t + 1}, begin)
        found = read_dynamic(self.series())
        np.testing.assert_allclose(found.time_s, TIMES, atol=1e-5)
        self.assertIn("times after the start of the scan", found.notes[1])

    def test_united_imaging_writes_a_date_time(self):
        groups = self.dynamic(vendor="uih")
        self.edit_times(groups, lambda t: {
            "AcquisitionTime": None, "AcquisitionDate": None,
            "AcquisitionDateTime": f"{datetime(2024, 3, 1, 9, 30) + timedelta(seconds=TIMES[t]):%Y%m%d%H%M%S.%f}+0800",
        })
        self.shuffle(groups)
        self.assert_true(read_dynamic(self.series()))

    def test_enhanced_time_offsets(self):
        path = self.dynamic(enhanced=True)[0][0]

        def change(d: Dataset) -> None:
            for frame in d.PerFrameFunctionalGroupsSequence:
                content = frame.FrameContentSequence[0]
                content.FrameAcquisitionDateTime = "20240301093000"
                offset = Dataset()
                offset.TemporalPositionTimeOffset = TIMES[content.TemporalPositionIndex - 1]
                frame.TemporalPositionSequence = Sequence([offset])
            random.Random(1).shuffle(d.PerFrameFunctionalGroupsSequence)

        # frames in another order than their pixels would be wrong: only the times are looked at
        self.edit(path, change)
        found = read_dynamic(self.series())
        np.testing.assert_allclose(found.time_s, TIMES)

    def test_an_enhanced_file_for_each_time_point(self):
        for t, seconds in enumerate(TIMES):
            start = datetime(2024, 3, 1, 9, 30) + timedelta(seconds=seconds)
            paths = self.write([Volume(SIGNALS + 100 * t)], enhanced=True, **{**GRADIENT_ECHO, "number": 20 - t, "start": start})
            edit_tags(self.edit, paths, SeriesInstanceUID="1.2.3")
        self.assert_true(read_dynamic(self.series()))

    def test_a_series_for_each_phase(self):
        for t, seconds in reversed(list(enumerate(TIMES))):
            start = datetime(2024, 3, 1, 9, 30) + timedelta(seconds=seconds)
            self.write([Volume(SIGNALS + 100 * t)], **{**GRADIENT_ECHO, "number": 20 - t, "start": start})
        scan = self.scan()
        self.assertEqual(len(scan.series), len(TIMES))
        found = read_dynamic(scan.series)
        self.assert_true(found)
        self.assertIn("(6 series)", found.label)

    def test_multiphase_series_together_with_the_native_one(self):
        self.write([Volume(SIGNALS)], **{**GRADIENT_ECHO, "number": 3})
        volumes = [Volume(SIGNALS + 100 * t, seconds=10.0 * t) for t in (1, 2, 3)]
        for path in self.write(volumes, vendor="ge", **{**GRADIENT_ECHO, "number": 4, "start": datetime(2024, 3, 1, 9, 32)}):
            self.edit(path, lambda d: setattr(d, "Manufacturer", "SIEMENS"))
        found = read_dynamic(self.scan().series)
        self.assert_true(found, (0.0, 130.0, 140.0, 150.0))

    def test_ge_phases_as_series_with_one_acquisition_time(self):
        for t in range(3):
            paths = self.write([Volume(SIGNALS + 100 * t)], vendor="ge", **{**GRADIENT_ECHO, "number": 4 + t})
            edit_tags(self.edit, paths, TriggerTime=f"{t * 20_000 + 500}")
        found = read_dynamic(self.scan().series)
        self.assert_true(found, (0.0, 20.0, 40.0))

    def test_slices_acquired_one_after_the_other(self):
        groups = self.dynamic(times=(0.0, 10.0, 20.0))
        for t, group in enumerate(groups):
            for k, path in enumerate(group):
                tags = {"AcquisitionTime": f"0930{10 * t + 2.5 * k:05.2f}", "MRAcquisitionType": "2D"}
                edit_tags(self.edit, [path], **tags)
        self.shuffle(groups)
        found = read_dynamic(self.series())
        self.assert_true(found, (0.0, 10.0, 20.0))
        self.assertIn("acquisition times within each slice", found.notes[0])


class TimesTest(DynamicFolderTestCase):
    LATE = datetime(2024, 3, 1, 23, 59, 50)

    def test_over_midnight_with_and_without_the_date(self):
        for stuck in (False, True):
            with self.subTest(stuck=stuck):
                for path in self.folder.iterdir():
                    path.unlink()
                groups = self.dynamic(start=self.LATE)
                if stuck:
                    self.edit_times(groups, lambda t: {"AcquisitionDate": "20240301"})
                found = read_dynamic(self.series())
                self.assert_true(found)
                self.assertEqual(found.start, self.LATE)
                self.assertEqual("past midnight" in " ".join(found.notes), stuck)

    def test_no_dates_at_all(self):
        groups = self.dynamic()
        self.edit_times(groups, lambda t: {f"{name}Date": None for name in ("Acquisition", "Series", "Content", "Study")})
        found = read_dynamic(self.series())
        self.assert_true(found)
        self.assertIsNone(found.start, "a time of day is no moment")

    def test_times_that_are_all_the_same(self):
        groups = self.dynamic()
        self.edit_times(groups, lambda t: {"AcquisitionTime": "093000", "TemporalPositionIdentifier": t + 1})
        self.refused("times of its 6 time points cannot be told: the acquisition times are all the same.*"
                     "trigger times are not in the headers.*Enter the times in seconds")

    def test_no_times_at_all(self):
        groups = self.dynamic()
        tags = {"AcquisitionTime": None, "AcquisitionDate": None, "ContentTime": None}
        self.edit_times(groups, lambda t: tags)
        self.refused("6 images of each slice were found, but neither temporal positions nor times tell them apart. Enter the times")
        self.assert_true(read_dynamic(self.series(), time_s=TIMES))
        self.edit_times(groups, lambda t: {"TemporalPositionIdentifier": t + 1})
        self.refused("cannot be told: the acquisition times are not in the headers")

    def test_times_of_the_user(self):
        groups = self.dynamic()
        self.edit_times(groups, lambda t: {"AcquisitionTime": "093000", "TemporalPositionIdentifier": t + 1})
        self.shuffle(groups)
        found = read_dynamic(self.series(), time_s=np.array(TIMES) + 3.0)
        self.assert_true(found)
        self.assertIsNone(found.injection_s)
        self.assertIn("given by the user", " ".join(found.notes))
        self.refused("has 6 time points, but 2 times were entered", time_s=(0.0, 1.0))
        self.refused("must increase", time_s=(0, 1, 2, 2, 3, 4))
        self.refused("must increase", time_s=(0, 1, 2, np.nan, 3, 4))

    def test_creation_times_are_the_last_resort(self):
        groups = self.dynamic(vendor="canon")
        self.edit_times(groups, lambda t: {
            "AcquisitionTime": None, "TemporalPositionIdentifier": t + 1,
            "ContentTime": f"{datetime(2024, 3, 1, 9, 30) + timedelta(seconds=TIMES[t]):%H%M%S.%f}",
        })
        found = read_dynamic(self.series())
        self.assert_true(found)
        self.assertRegex(" ".join(found.warnings), "creation times of the images.*check them")

    def test_times_against_the_temporal_positions(self):
        groups = self.dynamic()
        self.edit_times(groups, lambda t: {"TemporalPositionIdentifier": len(TIMES) - t})
        self.refused("acquisition times contradict the order by temporal position")

    def test_a_trigger_time_that_counts_something_else(self):
        groups = self.dynamic(vendor="ge")
        self.edit_times(groups, lambda t: {"TriggerTime": f"{20 * t}", "TemporalPositionIdentifier": t + 1})
        self.assert_true(read_dynamic(self.series()))

    def test_clocks_that_disagree_are_told(self):
        groups = self.dynamic(vendor="ge")
        self.edit_times(groups, lambda t: {"TriggerTime": f"{2e3 * TIMES[t]}", "TemporalPositionIdentifier": t + 1})
        found = read_dynamic(self.series())
        self.assertRegex(" ".join(found.warnings), "trigger times and acquisition times differ by up to 60.0 s; the trigger times are used")

    def test_whole_seconds_are_told(self):
        times = (0.0, 4.3, 8.6, 12.9, 17.2)
        groups = self.dynamic(times=times)
        self.edit_times(groups, lambda t: {"AcquisitionTime": f"0930{times[t]:02.0f}"})
        found = read_dynamic(self.series())
        self.assertRegex(" ".join(found.warnings), "whole seconds, so each may be off by up to 1 s")

    def test_a_gap(self):
        times = tuple(4.3 * n for n in range(10) if n not in {5, 6})
        self.dynamic(times=times)
        found = read_dynamic(self.series())
        self.assert_true(found, times)
        self.assertRegex(" ".join(found.warnings), "no images between 17.2 and 30.1 s; elsewhere there are some every 4.3 s")

    def test_injection(self):
        groups = self.dynamic()
        self.edit_times(groups, lambda t: {"ContrastBolusAgent": "Gadobutrol", "ContrastBolusStartTime": "093007.5"})
        self.assertEqual(read_dynamic(self.series()).injection_s, 7.5)

    def test_injection_before_a_midnight_that_the_date_does_not_tell(self):
        groups = self.dynamic(start=self.LATE)
        tags = {"AcquisitionDate": "20240301", "ContrastBolusAgent": "Gadobutrol", "ContrastBolusStartTime": "235955"}
        self.edit_times(groups, lambda t: tags)
        self.assertEqual(read_dynamic(self.series()).injection_s, 5.0)


class DamageTest(DynamicFolderTestCase):
    def numbered(self, **options) -> list[list[Path]]:
        groups = self.dynamic(**options)
        self.edit_times(groups, lambda t: {"TemporalPositionIdentifier": t + 1, "NumberOfTemporalPositions": len(groups)})
        return groups

    def test_a_time_point_without_one_slice_is_left_out(self):
        groups = self.numbered()
        groups[2][1].unlink()
        found = read_dynamic(self.series())
        kept = [0, 1, 3, 4, 5]
        np.testing.assert_array_equal(found.signals, truth()[..., kept])
        np.testing.assert_allclose(found.time_s, np.array(TIMES)[kept])
        self.assertEqual(found.warnings, ("Series 1 't1_vibe_dyn': incomplete and therefore left out: time point 3 (slices 2).",))

    def test_an_incomplete_time_point_is_left_out_of_the_users_times_too(self):
        groups = self.numbered()
        groups[0][0].unlink()
        found = read_dynamic(self.series(), time_s=TIMES)
        np.testing.assert_allclose(found.time_s, np.array(TIMES[1:]) - TIMES[1])

    def test_images_missing_at_many_times(self):
        groups = self.numbered()
        for t in (1, 3):
            groups[t][2].unlink()
        self.refused(r"images are missing at 2 of 6 time points of 4 slices: time point 2 \(slices 3\), time point 4 \(slices 3\)")

    def test_a_slice_that_is_nowhere(self):
        for group in self.numbered():
            group[1].unlink()
        with self.assertRaisesRegex(GeometryError, "slices are missing"):
            read_dynamic(self.series())

    def test_a_repeated_image(self):
        groups = self.numbered()
        copy = self.folder / "copy.dcm"
        copy.write_bytes(groups[2][1].read_bytes())
        self.edit(copy, lambda d: setattr(d, "SOPInstanceUID", "1.2.3.4.5"))
        self.refused(r"1 images are repeated.*time point 3 has slice 2 2 times \('001_00010.dcm' and 'copy.dcm'\)")

    def test_a_repeated_time_point(self):
        groups = self.numbered()
        for k, path in enumerate(groups[2]):
            copy = self.folder / f"copy{k}.dcm"
            copy.write_bytes(path.read_bytes())
            self.edit(copy, lambda d, k=k: setattr(d, "SOPInstanceUID", f"1.2.3.4.5.{k}"))
        self.refused("4 images are repeated.*time point 3")

    def test_unequal_numbers_of_images_that_nothing_tells_apart(self):
        groups = self.dynamic()
        self.edit_times(groups, lambda t: {"AcquisitionTime": None, "ContentTime": None})
        groups[0][0].unlink()
        self.refused("equally many images: 6 in most of its 4 slices, but 5 in slice 1")

    def test_a_missing_temporal_position(self):
        for path in self.numbered()[3]:
            path.unlink()
        found = read_dynamic(self.series())
        self.assertRegex(" ".join(found.warnings), "temporal positions 4 of 6 are missing")
        self.assertEqual(found.signals.shape[-1], 5)

    def test_the_end_of_a_scan_that_was_stopped(self):
        for group in self.numbered()[4:]:
            for path in group:
                path.unlink()
        self.assertRegex(" ".join(read_dynamic(self.series()).warnings), "temporal positions 5, 6 of 6 are missing")

    def test_other_protocols(self):
        for tag, value, says in (
            ("FlipAngle", 20, r"different flip angles \(12°, 20°\)"), ("RepetitionTime", 5, r"different repetition times \(4 ms, 5 ms\)"),
            ("EchoTime", 2.4, "several kinds: TE 1.3 ms .20 images., TE 2.4 ms .4 images."),
        ):
            with self.subTest(tag):
                for path in self.folder.iterdir():
                    path.unlink()
                edit_tags(self.edit, self.numbered()[3], **{tag: value})
                self.refused(says)

    def test_untold_flip_angle(self):
        groups = self.numbered()
        self.edit_times(groups, lambda t: {"FlipAngle": None})
        found = read_dynamic(self.series())
        self.assertIsNone(found.flip_angle_deg)
        self.assertRegex(" ".join(found.warnings), "do not tell the flip angle, without which there are no concentrations")
        edit_tags(self.edit, groups[0], FlipAngle=12)
        self.refused("some images do not tell their flip angles")

    def test_water_and_fat_in_one_series(self):
        groups = self.numbered()
        edit_tags(self.edit, groups[0], ImageType=["DERIVED", "PRIMARY", "DIXON", "FAT"])
        self.refused("several kinds: fat .4 images., signal .20 images.. Choose one")

    def test_philips_scales_that_change(self):
        groups = self.numbered(vendor="philips")
        edit_tags(self.edit, groups[1], RescaleSlope=9.0)
        self.refused("Philips scaled its images differently")
        found = read_dynamic(self.series(), scaling="philips_private")
        self.assertEqual(found.scaling, "philips_private")

    def test_one_time_point(self):
        self.write([Volume(SIGNALS)], **GRADIENT_ECHO)
        self.refused("one time point only")
        with self.assertRaisesRegex(InputError, "No dynamic series"):
            read_dynamic(())

    def test_two_patients(self):
        for number, patient in ((1, "A"), (2, "B")):
            self.write([Volume(SIGNALS)], **GRADIENT_ECHO, number=number, patient_id=patient)
        self.refused("different patients", self.scan().series)

    def test_series_on_different_slices(self):
        self.write([Volume(SIGNALS)], **GRADIENT_ECHO, number=1)
        oblique = GRIDS["oblique"]
        self.write([Volume(place_signals(oblique))], oblique, **GRADIENT_ECHO, number=2)
        with self.assertRaisesRegex(GeometryError, "do not lie on the same slices"):
            read_dynamic(self.scan().series)

    def test_cancel(self):
        self.dynamic()
        told = []
        read_dynamic(self.series(), progress=told.append)
        self.assertEqual(told[-1], 1.0)
        with self.assertRaises(Cancelled):
            read_dynamic(self.series(), progress=lambda fraction: fraction < 0.5)


class RecognisedTest(DynamicFolderTestCase):
    def test_a_written_high_rate_series(self):
        times = tuple(4.3 * n for n in range(11))
        for vendor, enhanced in (("siemens", False), ("philips", True)):
            with self.subTest(vendor):
                for path in self.folder.iterdir():
                    path.unlink()
                self.dynamic(times=times, vendor=vendor, enhanced=enhanced)
                series: Series = self.series()
                found = recognise(series)
                self.assertIs(found.role, Role.DCE)
                self.assertEqual(read_dynamic(found.series).signals.shape[-1], 11)


if __name__ == "__main__":
    unittest.main()

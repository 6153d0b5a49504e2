"""b-values and directions, wherever a manufacturer, an archive or an anonymiser left them."""

import struct
import unittest
from pathlib import Path

from dicom_folder import DicomFolderTestCase
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from HCCResponseLib.dicom.frames import frames_of
from HCCResponseLib.phantom.dicom_series import VENDORS

SIEMENS, GE, PHILIPS, UIH = "SIEMENS MR HEADER", "GEMS_PARM_01", "Philips Imaging DD 001", "Image Private Header"


def frame(change, manufacturer: str = ""):
    dataset = Dataset()
    dataset.Manufacturer = manufacturer
    change(dataset)
    return frames_of(dataset, Path("image"))[0]


def private(group: int, creator: str, offset: int, vr: str, value, block: int = 0x10):
    """Return a change that adds a private element in a given block, with its creator."""

    def change(dataset: Dataset) -> None:
        dataset.add_new((group, block), "LO", creator)
        dataset.add_new((group, (block << 8) + offset), vr, value)

    return change


class BValueTest(unittest.TestCase):
    def assert_b(self, expected, change, manufacturer=""):
        self.assertEqual(frame(change, manufacturer).b_value, expected)

    def test_standard_element_comes_first(self):
        def change(d):
            private(0x0019, SIEMENS, 0x0C, "IS", 801)(d)
            d.DiffusionBValue = 800.0

        self.assert_b(800.0, change)

    def test_siemens(self):
        self.assert_b(50.0, private(0x0019, SIEMENS, 0x0C, "IS", 50))

    def test_ge_first_value_with_and_without_offset(self):
        for stored, b in (([0, 8, 0, 0], 0.0), ([800, 8, 0, 0], 800.0), ([1_000_000_050, 8, 0, 0], 50.0), ([1_000_000_000, 8, 0, 0], 0.0)):
            with self.subTest(stored=stored):
                self.assert_b(b, private(0x0043, GE, 0x39, "IS", stored))

    def test_ge_as_archives_hand_it_on(self):
        for vr, value in (
            ("UN", b"1000000800\\8\\0\\0"),
            ("UN", b"800\\8\\0\\0\0"),
            ("OB", b"800\\8\\0\\0 "),
            ("LO", ["800", "8"]),
            ("LT", "800\\8"),
        ):
            with self.subTest(vr=vr, value=value):
                self.assert_b(800.0, private(0x0043, GE, 0x39, vr, value))

    def test_philips_and_uih_as_bytes(self):
        self.assert_b(400.0, private(0x2001, PHILIPS, 0x03, "FL", 400.0))
        self.assert_b(400.0, private(0x2001, PHILIPS, 0x03, "UN", struct.pack("<f", 400.0)))
        self.assert_b(798.5, private(0x0065, UIH, 0x09, "FD", 798.5))
        self.assert_b(798.5, private(0x0065, UIH, 0x09, "UN", struct.pack("<d", 798.5)))
        self.assert_b(None, private(0x0065, UIH, 0x09, "UN", b"\0\0\0"))

    def test_block_moved_by_another_system(self):
        def change(d):
            private(0x0043, "SOME ARCHIVE", 0x39, "IS", 7)(d)
            private(0x0043, GE, 0x39, "IS", [600, 8, 0, 0], block=0x23)(d)

        self.assert_b(600.0, change)

    def test_element_of_another_creator_is_not_a_b_value(self):
        self.assert_b(None, private(0x0043, "SOME ARCHIVE", 0x39, "IS", 7))
        self.assert_b(None, private(0x0019, "GEMS_ACQU_01", 0x0C, "IS", 7))

    def test_creators_stripped(self):
        self.assert_b(50.0, lambda d: d.add_new((0x0019, 0x100C), "IS", 50))
        self.assert_b(50.0, lambda d: d.add_new((0x0043, 0x1039), "UN", b"50\\8\\0\\0"))

    def test_creator_in_other_letters(self):
        self.assert_b(300.0, private(0x2001, "PHILIPS IMAGING DD 001 ", 0x03, "FL", 300.0))

    def test_siemens_sequence_name_is_the_last_resort_and_says_so(self):
        for name, b in (("*ep_b800t", 800.0), ("ep_b50t", 50.0), ("*ep_b1000#12", 1000.0), ("*ep_b0", 0.0), ("*re_b400", 400.0)):
            found = frame(lambda d, name=name: setattr(d, "SequenceName", name), "SIEMENS")
            self.assertEqual((found.b_value, found.b_value_source), (b, "sequence name"))
        for name in ("*fl3d1", "*tse2d1_b", "ab12t"):
            self.assert_b(None, lambda d, name=name: setattr(d, "SequenceName", name), "SIEMENS")
        self.assert_b(None, lambda d: setattr(d, "SequenceName", "*ep_b800t"), "GE MEDICAL SYSTEMS")

    def test_canon_image_comment(self):
        found = frame(lambda d: setattr(d, "ImageComments", "b=1500(0.600,0.000,0.800)"), "CANON_MEC")
        self.assertEqual((found.b_value, found.b_value_source), (1500.0, "image comments"))
        self.assertAlmostEqual(found.gradient_direction[2], 0.8)
        self.assert_b(None, lambda d: setattr(d, "ImageComments", "b=1500"), "Philips")

    def test_what_is_no_b_value(self):
        for value in (-1.0, 1e6, float("nan")):
            self.assert_b(None, lambda d, value=value: setattr(d, "DiffusionBValue", value))
        self.assert_b(None, private(0x0043, GE, 0x39, "UN", b"none"))
        self.assert_b(None, lambda d: None)

    def test_enhanced_frame_finds_its_own_value_then_the_shared_one(self):
        def item(**attributes):
            d = Dataset()
            for name, value in attributes.items():
                setattr(d, name, value)
            return d

        dataset = item(
            SharedFunctionalGroupsSequence=Sequence([item(MRDiffusionSequence=Sequence([item(DiffusionBValue=7.0)]))]),
            PerFrameFunctionalGroupsSequence=Sequence([item(MRDiffusionSequence=Sequence([item(DiffusionBValue=50.0)])), Dataset()]),
        )
        self.assertEqual([f.b_value for f in frames_of(dataset, Path("x"))], [50.0, 7.0])

    def test_enhanced_philips_frame_with_the_private_element_only(self):
        inner = Dataset()
        private(0x2001, PHILIPS, 0x03, "FL", 400.0)(inner)
        private(0x2005, "Philips MR Imaging DD 001", 0x0E, "FL", 0.5)(inner)
        for block in (0x14, 0x10):
            item = Dataset()
            private(0x2005, "Philips MR Imaging DD 005", 0x0F, "SQ", [inner], block=block)(item)
            dataset = Dataset()
            dataset.PerFrameFunctionalGroupsSequence = Sequence([item])
            found = frames_of(dataset, Path("x"))[0]
            self.assertEqual((found.b_value, found.philips_slope), (400.0, 0.5))


class VendorTest(DicomFolderTestCase):
    def test_every_vendor_classic_and_enhanced(self):
        for vendor, enhanced in ((v, e) for v in VENDORS for e in (False, True)):
            with self.subTest(vendor=vendor, enhanced=enhanced):
                series = self.written(vendor=vendor, enhanced=enhanced)
                weighted = [f for f in series.frames if f.b_value]
                self.assertEqual({f.b_value for f in weighted}, {50.0, 800.0})
                self.assertEqual(len({f.gradient_direction for f in weighted}), 3)
                self.assertNotIn(None, {f.gradient_direction for f in weighted})
                plain = {(f.b_value, f.gradient_direction) for f in series.frames if not f.b_value}
                self.assertEqual(plain, {(None, None)} if vendor == "canon" and not enhanced else {(0.0, None)})
                self.assertEqual(len(plain), 1)

    def test_implicit_little_endian_loses_no_private_value(self):
        for vendor in VENDORS:
            with self.subTest(vendor=vendor):
                for frame in self.written(vendor=vendor).frames:
                    self.edit(frame.path, lambda d: setattr(d.file_meta, "TransferSyntaxUID", ImplicitVRLittleEndian))
                series = self.series()
                self.assertEqual({b for b in series.b_values if b}, {50.0, 800.0})


if __name__ == "__main__":
    unittest.main()

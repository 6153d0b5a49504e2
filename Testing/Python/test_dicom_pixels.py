"""Compressed pixels: read where a decoder is there, an error that says what to do where none is."""

import unittest
from unittest import mock

import numpy as np
import pydicom
import SimpleITK as sitk
from dicom_folder import GRIDS, DicomFolderTestCase, diffusion_volumes, place_signals
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from HCCResponseLib.dicom import read_diffusion
from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry

# JPEG 2000 of ITK needs more than a handful of pixels
GRID = Geometry((2, 40, 48), GRIDS["oblique"].ijk_to_lps)
SIGNALS = place_signals(GRID)
WITHOUT_DECODER = mock.patch("HCCResponseLib.dicom.pixels.pixel_array", side_effect=RuntimeError("all plugins are missing dependencies"))
"""What pydicom answers where pylibjpeg is not installed."""


class CompressedTest(DicomFolderTestCase):
    def write_compressed(self, compressor: str, **options) -> None:
        """Write the ordinary series, then compress its pixels losslessly with ITK."""
        scratch = str(self.folder / "scratch.dcm")
        for path in dict.fromkeys(frame.path for frame in self.written(diffusion_volumes(SIGNALS, directions=()), GRID, **options).frames):
            d = pydicom.dcmread(path)
            planes = []
            for plane in d.pixel_array.reshape(-1, d.Rows, d.Columns):
                writer = sitk.ImageFileWriter()
                writer.SetFileName(scratch)
                writer.UseCompressionOn()
                writer.SetCompressor(compressor)
                writer.Execute(sitk.GetImageFromArray(plane))
                compressed = pydicom.dcmread(scratch)
                planes.append(next(generate_frames(compressed.PixelData, number_of_frames=1)))
            d.file_meta.TransferSyntaxUID = compressed.file_meta.TransferSyntaxUID
            d.PixelData = encapsulate(planes)
            d["PixelData"].is_undefined_length = True
            d["PixelData"].VR = "OB"
            d.save_as(path, enforce_file_format=True)
        (self.folder / "scratch.dcm").unlink()

    def assert_read(self, series):
        diffusion = read_diffusion(series)
        np.testing.assert_allclose(diffusion.signals[..., 0], SIGNALS, atol=0.51 * SIGNALS.max() / 4095)
        np.testing.assert_allclose(diffusion.signals[..., 2], np.rint(SIGNALS / 4), atol=0.51 * SIGNALS.max() / 4095)

    def test_jpeg_and_jpeg_2000_without_pylibjpeg(self):
        for compressor, vendor, enhanced in (
            ("JPEG", "siemens", False), ("JPEG2000", "philips", False), ("JPEG", "philips", True), ("JPEG2000", "ge", True),
        ):
            with self.subTest(compressor, vendor=vendor, enhanced=enhanced), WITHOUT_DECODER:
                self.write_compressed(compressor, vendor=vendor, enhanced=enhanced)
                self.assert_read(self.series())

    def test_rle_needs_no_package(self):
        for enhanced in (False, True):
            with self.subTest(enhanced=enhanced):
                series = self.written(diffusion_volumes(SIGNALS, directions=()), GRID, enhanced=enhanced)
                for path in {frame.path for frame in series.frames}:
                    self.edit(path, lambda d: d.compress(RLELossless, generate_instance_uid=False))
                self.assert_read(self.series())

    def test_compressed_files_cut_short_are_skipped(self):
        self.write_compressed("JPEG", enhanced=True)
        path = next(self.folder.glob("*.dcm"))
        whole = path.read_bytes()
        for cut in (1, 9, 500, 3000):
            with self.subTest(cut=cut):
                path.write_bytes(whole[:-cut])
                self.assertEqual([s.reason for s in self.scan().skipped], ["the file ends before its pixels do (truncated)"])

    def test_deflated_files(self):
        for path in self.write(diffusion_volumes(SIGNALS, directions=()), GRID):
            self.edit(path, lambda d: setattr(d.file_meta, "TransferSyntaxUID", DeflatedExplicitVRLittleEndian))
        self.assert_read(self.series())

    def test_compression_with_loss_is_a_warning(self):
        for path in self.write(diffusion_volumes(SIGNALS, directions=()), GRID):
            self.edit(path, lambda d: setattr(d, "LossyImageCompression", "01"))
        self.assertRegex(" ".join(read_diffusion(self.series()).warnings), "compressed with loss")

    def test_a_jpeg_header_that_claims_more_bits_than_the_file_is_refused(self):
        self.write_compressed("JPEG")
        path = sorted(self.folder.glob("*.dcm"))[0]
        d = pydicom.dcmread(path)
        stream = bytearray(next(generate_frames(d.PixelData, number_of_frames=1)))
        stream[stream.index(b"\xff\xc3") + 4] = 214
        d.PixelData = encapsulate([bytes(stream)])
        d["PixelData"].is_undefined_length = True
        d["PixelData"].VR = "OB"
        d.save_as(path, enforce_file_format=True)
        with WITHOUT_DECODER, self.assertRaisesRegex(InputError, "are compressed .JPEG Lossless.*damaged"):
            read_diffusion(self.series())

    def test_what_no_decoder_understands_is_an_error_that_says_what_to_do(self):
        def spoil(d):
            d.file_meta.TransferSyntaxUID = JPEGLSLossless
            d.PixelData = encapsulate([bytes(range(64))])
            d["PixelData"].is_undefined_length = True
            d["PixelData"].VR = "OB"

        self.edit(self.write()[0], spoil)
        with self.assertRaisesRegex(InputError, "'001_00001.dcm' are compressed .JPEG-LS.*Export the series uncompressed.*pylibjpeg"):
            read_diffusion(self.series())


if __name__ == "__main__":
    unittest.main()

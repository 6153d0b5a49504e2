"""Stored values of frames, decoded once."""

import tempfile
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import pixel_array
from pydicom.uid import UID, MultiFrameGrayscaleWordSecondaryCaptureImageStorage

from ..errors import InputError
from .headers import quiet_pydicom
from .series import Frame

__all__ = ["PixelReader"]

PIXEL_DESCRIPTION = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)


class PixelReader:
    """Reads stored values; the frames of a multi-frame file are decoded once and kept while the reader lives."""

    def __init__(self):
        self._files: dict[Path, np.ndarray] = {}

    def stored(self, frame: Frame) -> np.ndarray:
        """Stored values of a frame, (rows, columns), numbers as in the file.

        :raises InputError: the pixels are compressed in a way that cannot be read here, or damaged.
        """
        pixels = self._files.get(frame.path)
        if pixels is None:
            pixels = _decode(frame.path)
            if pixels.ndim == 3:
                self._files[frame.path] = pixels
        plane = pixels[frame.index] if pixels.ndim == 3 else pixels
        if plane.shape != (frame.rows, frame.columns):
            raise InputError(f"'{frame.name}': its pixels are not {frame.rows} x {frame.columns}; the file is damaged. Export it again.")
        return plane


def _decode(path: Path) -> np.ndarray:
    with quiet_pydicom():
        try:
            return pixel_array(path)
        except (NotImplementedError, RuntimeError) as error:
            # pydicom has no decoder of its own for the JPEG family; ITK (GDCM) has, in Slicer too
            return _decode_with_itk(path, error)
        except (AttributeError, ValueError, OSError) as error:
            raise InputError(f"The pixels of '{path.name}' cannot be read: {error}. The file may be damaged; export it again.") from error


def _decode_with_itk(path: Path, why: Exception) -> np.ndarray:
    """Decode compressed pixels with ITK, from a copy without rescale values, which ITK would apply in its own way."""
    import SimpleITK as sitk

    dataset = pydicom.dcmread(path)
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    bare = Dataset()
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = syntax
    bare.SOPClassUID = bare.file_meta.MediaStorageSOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    bare.SOPInstanceUID = bare.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    for name in PIXEL_DESCRIPTION:
        if name in dataset:
            setattr(bare, name, dataset[name].value)
    bare["PixelData"] = dataset["PixelData"]
    # a folder, not an open file: Windows lets no second program open that
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "pixels.dcm")
        bare.save_as(copy, enforce_file_format=True)
        try:
            pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(copy), imageIO="GDCMImageIO"))
        except RuntimeError:
            raise InputError(
                f"The pixels of '{path.name}' are compressed ({syntax.name}) and cannot be decoded; the file is damaged or no decoder is "
                "installed. Export the series uncompressed (Explicit VR Little Endian), or install the Python packages pylibjpeg, "
                "pylibjpeg-libjpeg and pylibjpeg-openjpeg.",
            ) from why
    return pixels[0] if pixels.shape[0] == 1 else pixels

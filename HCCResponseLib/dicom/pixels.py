"""Stored values of frames, decoded once."""

import tempfile
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_frames
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
        planes = pixels if pixels.ndim == 3 else pixels[np.newaxis]
        if frame.index >= len(planes) or planes.shape[1:] != (frame.rows, frame.columns):
            raise InputError(f"'{frame.name}': its pixels are not {frame.rows} x {frame.columns}; the file is damaged. Export it again.")
        return planes[frame.index]


def _decode(path: Path) -> np.ndarray:
    with quiet_pydicom():
        try:
            # by way of the dataset: from a path, pixel_array cannot read deflated files
            dataset = pydicom.dcmread(path)
            return pixel_array(dataset)
        except (NotImplementedError, RuntimeError) as error:
            # pydicom has no decoder of its own for the JPEG family; ITK (GDCM) has, in Slicer too
            return _decode_with_itk(dataset, path.name, error)
        except Exception as error:
            # pydicom meets damage with whatever its parser stumbles over
            raise InputError(f"The pixels of '{path.name}' cannot be read: {error}. The file may be damaged; export it again.") from error


def _decode_with_itk(dataset: Dataset, name: str, why: Exception) -> np.ndarray:
    """Decode compressed pixels with ITK, from a copy without rescale values, which ITK would apply in its own way."""
    import SimpleITK as sitk

    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    bare = Dataset()
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = syntax
    bare.SOPClassUID = bare.file_meta.MediaStorageSOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    bare.SOPInstanceUID = bare.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    for keyword in PIXEL_DESCRIPTION:
        if keyword in dataset:
            setattr(bare, keyword, dataset[keyword].value)
    bare["PixelData"] = dataset["PixelData"]
    try:
        frames = generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames", 1)))
        if any(_jpeg_bits(frame) > dataset.BitsAllocated for frame in frames):
            raise ValueError("more bits in the JPEG stream than in the file")
        # a folder, not an open file: Windows lets no second program open that
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "pixels.dcm")
            bare.save_as(copy, enforce_file_format=True)
            pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(copy), imageIO="GDCMImageIO"))
    except (RuntimeError, ValueError):
        raise InputError(
            f"The pixels of '{name}' are compressed ({syntax.name}) and cannot be decoded; the file is damaged or no decoder is "
            "installed. Export the series uncompressed (Explicit VR Little Endian), or install the Python packages pylibjpeg, "
            "pylibjpeg-libjpeg and pylibjpeg-openjpeg.",
        ) from why
    return pixels[0] if pixels.shape[0] == 1 else pixels


def _jpeg_bits(stream: bytes) -> int:
    """Bits per sample that the frame header of a JPEG or JPEG-LS stream announces; 0 where there is none (JPEG 2000).

    GDCM trusts this number and takes the whole application down where a damaged header says more than 16.
    """
    place = 2
    while place + 4 < len(stream) and stream[place] == 0xFF:
        marker = stream[place + 1]
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}):
            return stream[place + 4]
        place += 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
    return 0

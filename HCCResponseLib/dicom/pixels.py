"""Pixels of frames: read once, scaled as the header says."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.pixels import pixel_array

from ..errors import InputError
from .headers import quiet_pydicom
from .series import Frame

__all__ = ["PixelReader"]


class PixelReader:
    """Reads stored values; the frames of a multi-frame file are decoded once and kept while the reader lives."""

    def __init__(self):
        self._files: dict[Path, np.ndarray] = {}

    def stored(self, frame: Frame) -> np.ndarray:
        """Stored values of a frame, (rows, columns), integers as in the file.

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
            syntax = pydicom.dcmread(path, specific_tags=["TransferSyntaxUID"]).file_meta.TransferSyntaxUID
            raise InputError(
                f"'{path.name}' is compressed ({syntax.name}) and no decoder for it is installed. Install the Python packages pylibjpeg, "
                "pylibjpeg-libjpeg and pylibjpeg-openjpeg, or export the series uncompressed (Explicit VR Little Endian).",
            ) from error
        except (AttributeError, ValueError, OSError) as error:
            raise InputError(f"The pixels of '{path.name}' cannot be read: {error}. The file may be damaged; export it again.") from error

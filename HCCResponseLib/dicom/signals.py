"""Stored values turned into signals."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ..progress import Progress, report_progress
from .pixels import PixelReader
from .series import Frame

__all__ = ["PHILIPS_SCALE_TOLERANCE", "Scaling", "read_signals", "scaled", "suitable_scaling"]

PHILIPS_SCALE_TOLERANCE = 1e-3
"""Relative difference of RS * SS between images that rounding explains."""

Scaling = Literal["rescale", "philips_private"]
"""'rescale': SV * RS + RI, what the scanner displays. 'philips_private': (SV * RS + RI) / (RS * SS) with Philips' scale slope
(2005,100E), proportional to the received signal also across series (Chenevert et al., Transl Oncol 2014;7:65)."""


def suitable_scaling(frames: Sequence[Frame]) -> Scaling:
    """Return the scaling that makes images comparable: what the scanner displays, unless Philips displays them differently."""
    scales = [frame.rescale_slope * frame.philips_slope for frame in frames if frame.philips_slope]
    alike = not scales or max(scales) - min(scales) <= PHILIPS_SCALE_TOLERANCE * max(scales)
    return "rescale" if alike or len(scales) < len(frames) else "philips_private"


def scaled(stored: np.ndarray, frame: Frame, scaling: Scaling) -> np.ndarray:
    """Signals (rows, columns) of the stored values of a frame, float64."""
    displayed = stored * np.float64(frame.rescale_slope) + frame.rescale_intercept
    return displayed / (frame.rescale_slope * frame.philips_slope) if scaling == "philips_private" else displayed


def read_signals(
    frames: Sequence[Frame],
    place: np.ndarray,
    column: np.ndarray,
    shape: tuple[int, int, int],
    scaling: Scaling = "rescale",
    progress: Progress | None = None,
) -> np.ndarray:
    """Read frames into float32 (k, j, i, n); every slice has exactly one frame for each of the n columns.

    :param place: slice number of each frame, int (frames,).
    :param column: number of the volume that each frame belongs to, int (frames,), from 0.
    :param shape: (k, j, i).
    :raises InputError: pixels cannot be read.
    :raises Cancelled: ``progress`` returned False.
    """
    reader = PixelReader()
    count = int(column.max()) + 1
    signals = np.empty((*shape, count), dtype=np.float32)
    planes = np.empty((count, *shape[1:]), dtype=np.float32)
    done = 0
    # slice by slice: the planes of one slice are turned into columns while they are in the cache
    for k in range(shape[0]):
        for n in np.flatnonzero(place == k):
            planes[column[n]] = scaled(reader.stored(frames[n]), frames[n], scaling)
            done += 1
            report_progress(progress, done / len(frames))
        signals[k] = np.moveaxis(planes, 0, -1)
    return signals

"""A series of one volume: a T1- or T2-weighted series, a dynamic phase, a map."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ..errors import InputError
from ..geometry import Geometry
from ..progress import Progress
from .checks import checked_frames, common_warnings, listing
from .grid import place_on_one_grid
from .headers import dated
from .series import Series, joint_notes
from .signals import Scaling, read_signals

__all__ = ["ImageSeries", "read_volume"]


@dataclass(frozen=True, eq=False)
class ImageSeries:
    """One volume.

    :param array: float32 (k, j, i), rescaled.
    :param geometry: its grid, LPS.
    :param acquired: when its first image was acquired, as far as date and time are told.
    :param notes: what was done, for the record.
    :param warnings: what the user should look at.
    :param series: the series, or part of one, that was read.
    :param scaling: 'rescale' or 'philips_private'.
    """

    array: np.ndarray
    geometry: Geometry
    acquired: datetime | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    series: Series
    scaling: Scaling

    @property
    def label(self) -> str:
        """How a message names the series."""
        return self.series.label


def read_volume(series: Series, *, scaling: Scaling = "rescale", progress: Progress | None = None) -> ImageSeries:
    """Read a series that has one image for each slice.

    :param series: a series, or a part of one as :func:`split_series` and :func:`recognise_examination` give it.
    :param scaling: see :data:`Scaling`; images of several series that are compared need one that makes them comparable.
    :raises InputError: several images of a slice, colour or mosaic images, pixels that cannot be read.
    :raises GeometryError: see :func:`sort_into_slices`.
    :raises Cancelled: ``progress`` returned False.
    """
    label = series.label
    if not series.frames:
        raise InputError(f"{label} has no images.")
    frames, source = checked_frames((series,), scaling, label)
    geometry, place, notes = place_on_one_grid(frames, source, (series,))
    counts = np.bincount(place)
    if counts.max() > 1:
        usual = Counter(counts.tolist()).most_common(1)[0][0]
        where = "each slice" if counts.min() == usual == counts.max() else f"slices {listing(np.flatnonzero(counts > 1) + 1)}"
        raise InputError(
            f"{label} has {counts.max()} images of {where}: repeated images, or several time points or flip angles. "
            "Choose one of them, read it as a dynamic series, or export the series again, once.",
        )
    array = read_signals(frames, place, source, geometry.shape, scaling, progress)[..., 0]
    return ImageSeries(
        array=np.ascontiguousarray(array),
        geometry=geometry,
        acquired=dated(min((frame.acquired for frame in frames if frame.acquired is not None), default=None)),
        notes=(*joint_notes((series,)), *notes),
        warnings=tuple(common_warnings((series,), label)),
        series=series,
        scaling=scaling,
    )

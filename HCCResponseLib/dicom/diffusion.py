"""A diffusion-weighted series as it comes off the scanner, read into one signal per voxel and b-value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..geometry import Geometry
from ..progress import Progress, report_progress
from .checks import check_images, check_one_examination, check_scaling, common_warnings
from .diffusion_checks import check_complete, check_echo_times
from .diffusion_groups import NO_DIRECTION, DiffusionFrames, group_frames
from .grid import place_on_one_grid
from .pixels import PixelReader
from .recognition import B0_LIMIT
from .series import Series, joint_label, joint_notes
from .signals import Scaling, scaled

__all__ = ["DiffusionSeries", "read_diffusion"]


@dataclass(frozen=True, eq=False)
class DiffusionSeries:
    """Signals of a diffusion examination, one volume for each b-value.

    :param signals: float32 (k, j, i, b), rescaled; 0 where an image is 0, NaN where it is negative (no geometric mean).
    :param b_values: s/mm2, ascending, float64 (b,).
    :param geometry: grid of the volumes, LPS.
    :param directions_per_b: gradient directions combined into each b-value; 0 where the images have none (b = 0, trace).
    :param averages: images combined into each voxel of each b-value.
    :param notes: what was done, for the record.
    :param warnings: what the user should look at.
    :param series: the series that were read.
    :param scaling: 'rescale' or 'philips_private'.
    """

    signals: np.ndarray
    b_values: np.ndarray
    geometry: Geometry
    directions_per_b: tuple[int, ...]
    averages: tuple[int, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    series: tuple[Series, ...]
    scaling: str

    @property
    def label(self) -> str:
        """How a message names the series."""
        return joint_label(self.series)


def read_diffusion(
    series: Series | Sequence[Series],
    *,
    b0_limit: float = B0_LIMIT,
    scaling: Scaling = "rescale",
    progress: Progress | None = None,
) -> DiffusionSeries:
    """Read source images into signals, in order of space and b-value.

    Images up to ``b0_limit`` are b = 0. Those of one b-value are combined: repeats of one direction (and all b = 0
    images) by the arithmetic mean, whose expectation is the signal; directions by the geometric mean, because
    exp(-b g'Dg) averages to exp(-b trace(D)/3) only in the logarithm. Where directions are not told, the geometric mean
    is taken: it is right for directions and off by less than 1/(2 SNR^2) for repeats. b-values within 2.5 % of each other
    are one nominal b-value; their mean over the directions is the one that belongs to the geometric mean.
    Maps made by the scanner are left out; so are trace-weighted images where the directions of that b-value are there too.

    :param series: one series, or several that hold one b-value each of the same slices.
    :param b0_limit: s/mm2.
    :param scaling: 'rescale' gives SV * RS + RI, the values that the scanner displays; 'philips_private' gives
        (SV * RS + RI) / (RS * SS) with Philips' scale slope (2005,100E), proportional to the received signal also across
        series (Chenevert et al., Transl Oncol 2014;7:65).
    :param progress: told the finished fraction; may cancel.
    :raises InputError: no source images, a missing b-value, one b-value only, slices not equal for all b-values, colour or
        mosaic images, different echo times, scale factors missing or contradictory, pixels that cannot be read, several
        patients or studies.
    :raises GeometryError: see :func:`sort_into_slices`.
    :raises Cancelled: ``progress`` returned False.
    """
    series = (series,) if isinstance(series, Series) else tuple(series)
    if not series:
        raise InputError("No diffusion series was chosen.")
    label = joint_label(series)
    check_one_examination(series)
    images, notes = group_frames(series, label, b0_limit)
    check_images(images.frames, label)
    check_echo_times(images, label)
    check_scaling(images.frames, scaling, label)
    geometry, place, placing = place_on_one_grid(images.frames, images.source, series)
    check_complete(images, place, label)

    signals = _read_signals(images, place, geometry.shape, scaling, progress)
    numbers = range(len(images.values))
    averages = tuple(len(images.of(g)) // geometry.shape[0] for g in numbers)
    for g, value in enumerate(images.values):
        if value and averages[g] > 1 and not images.directions(g):
            notes.append(f"{label}: {averages[g]} images at b = {value:g} have no gradient direction; their geometric mean is taken.")
    return DiffusionSeries(
        signals=signals,
        b_values=images.values,
        geometry=geometry,
        directions_per_b=tuple(images.directions(g) for g in numbers),
        averages=averages,
        notes=(*joint_notes(series), *notes, *placing),
        warnings=_warnings(series, label),
        series=series,
        scaling=scaling,
    )


def _warnings(series: Sequence[Series], label: str) -> tuple[str, ...]:
    found = []
    if len(series) > 1:
        found.append(f"{label}: if these series were acquired one by one, their receiver gains may differ, which shifts the ADC.")
    return (*found, *common_warnings(series, label))


def _read_signals(
    images: DiffusionFrames, place: np.ndarray, shape: tuple[int, int, int], scaling: str, progress: Progress | None,
) -> np.ndarray:
    """Signals, float32 (k, j, i, b), made slice by slice so that only the result stands in memory as a whole."""
    reader = PixelReader()
    signals = np.empty((*shape, len(images.values)), dtype=np.float32)
    done = 0
    for k in range(shape[0]):
        for g, value in enumerate(images.values):
            chosen = np.flatnonzero((place == k) & (images.group == g))
            planes = np.stack([scaled(reader.stored(images.frames[n]), images.frames[n], scaling) for n in chosen])
            signals[k, :, :, g] = planes.mean(axis=0) if value == 0 else _geometric_mean(planes, images.direction[chosen])
            done += len(chosen)
            report_progress(progress, done / len(images.frames))
    return signals


def _geometric_mean(planes: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Geometric mean over directions of the arithmetic mean over each one's repeats; (n, rows, columns) to (rows, columns).

    0 where one is 0, NaN where one is negative.
    """
    if direction[0] != NO_DIRECTION:
        planes = np.stack([planes[direction == d].mean(axis=0) for d in np.unique(direction)])
    if len(planes) == 1:
        return planes[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.exp(np.log(planes).mean(axis=0))

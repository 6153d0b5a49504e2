"""The acquisitions of an examination on one time line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ..clocks import unwrapped
from ..recognition import Recognition
from ..recognition.time_parts import series_times, time_part
from ..recognition.weighting import Physics, physics_of
from ..series import Series

__all__ = ["Acquisition", "acquisitions", "protocol_of"]


@dataclass(frozen=True, eq=False)
class Acquisition:
    """One volume that was acquired at one time: a series, or a time point of one.

    :param weighting: what it is by itself.
    :param start_s: when it began, in seconds on the time line of the examination; NaN where that is not told.
    :param injected_s: ContrastBolusStartTime of its headers on the same line; NaN where there is none.
    :param warnings: about its times.
    """

    series: Series
    weighting: Recognition
    physics: Physics
    start_s: float
    injected_s: float
    warnings: tuple[str, ...] = ()


def acquisitions(recognitions: Sequence[Recognition], expand: Sequence[bool]) -> list[Acquisition]:
    """Put series (of one kind each) on one time line.

    :param recognitions: what each series is by itself.
    :param expand: whether the time points of each series become acquisitions of their own.
    """
    rows: list[tuple[Series, Recognition, datetime | None, tuple[str, ...]]] = []
    for found, apart in zip(recognitions, expand, strict=True):
        series = found.series[0]
        times = series_times(series) if apart else None
        if times is None or times.count == 1:
            began = min((frame.acquired for frame in series.frames if frame.acquired is not None), default=None)
            rows.append((series, found, began, ()))
        elif times.points is None:
            rows.append((series, found, None, (times.fault,)))
        else:
            for n, seconds in enumerate(times.points.time_s):
                began = None if times.points.start is None else times.points.start + timedelta(seconds=float(seconds))
                rows.append((time_part(series, times, n), found, began, times.points.warnings if n == 0 else ()))
    moments, _ = unwrapped([began for _, _, began, _ in rows] + [series.contrast_start for series, *_ in rows])
    starts, injections = moments[: len(rows)], moments[len(rows) :]
    return [
        Acquisition(series, found, physics_of(series), float(start), float(injected), warnings)
        for (series, found, _, warnings), start, injected in zip(rows, starts, injections, strict=True)
    ]


def protocol_of(series: Series, physics: Physics) -> tuple:
    """Describe what acquisitions of one protocol share, to be compared: grid (to a millimetre), dimension, kind, fat suppression."""
    placed = [frame for frame in series.frames if frame.position_lps and frame.row_direction_lps and frame.pixel_spacing_mm]
    grid = None
    if placed:
        frame = placed[0]
        orientation = np.rint(np.array(frame.row_direction_lps + frame.column_direction_lps) * 100).astype(int)
        positions = {tuple(np.rint(one.position_lps).astype(int).tolist()) for one in placed}
        grid = (frame.rows, frame.columns, *np.round(frame.pixel_spacing_mm, 2).tolist(), *orientation.tolist(), frozenset(positions))
    return (grid, physics.volumetric, physics.kind, physics.fat_suppressed)

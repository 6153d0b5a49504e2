"""The time points inside one series, as far as recognition needs them: without giving up where something is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from ..series import Frame, Series
from ..time_points import TimePoints, find_time_points

__all__ = ["HIGH_RATE_STEP_S", "HIGH_RATE_TIME_POINTS", "SeriesTimes", "is_high_rate", "series_times", "time_part"]

HIGH_RATE_TIME_POINTS = 10
HIGH_RATE_STEP_S = 30.0
"""A dynamic series with at least so many time points, at most so far apart, is measured to be fitted; with fewer it shows phases."""


@dataclass(frozen=True, eq=False)
class SeriesTimes:
    """Time points of a series.

    :param count: how many there are.
    :param points: what is known of them; None where the headers do not tell the times.
    :param fault: why not.
    """

    count: int
    points: TimePoints | None
    fault: str = ""


def series_times(series: Series) -> SeriesTimes:
    """Find the time points of a series whose images are of one kind."""
    place = _places(series.frames)
    count = int(np.bincount(np.bincount(place))[1:].argmax()) + 1
    try:
        points = find_time_points(series.frames, place, np.zeros(len(place), dtype=int), (series,), series.label)
    except InputError as error:
        return SeriesTimes(count, None, str(error))
    return SeriesTimes(len(points.time_s), points)


def is_high_rate(times: SeriesTimes) -> bool:
    """Tell whether a series is a high-rate dynamic series; where its times are not told, their number decides."""
    if times.count < HIGH_RATE_TIME_POINTS:
        return False
    return times.points is None or float(np.median(np.diff(times.points.time_s))) <= HIGH_RATE_STEP_S


def time_part(series: Series, times: SeriesTimes, n: int) -> Series:
    """Return time point number ``n`` of a series as a series of its own; the series itself where there is only one."""
    if times.count == 1 or times.points is None:
        return series
    frames = tuple(frame for frame, t in zip(series.frames, times.points.index, strict=True) if t == n)
    part = f"time point {n + 1} of {times.count}"
    return replace(series, frames=frames, part=", ".join(filter(None, (series.part, part))))


def _places(frames: Sequence[Frame]) -> np.ndarray:
    """Number of the place of each frame, int (frames,): frames within 0.1 mm lie in one place."""
    where = np.array([frame.position_lps or (0.0, 0.0, 0.0) for frame in frames])
    return np.unique(np.rint(where / 0.1).astype(int), axis=0, return_inverse=True)[1].ravel()

"""The clocks that a header may hold for a frame, in seconds on one time line for all frames that are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from .series import Frame, Series

__all__ = ["HALF_A_DAY_S", "Clock", "clocks", "unwrapped"]

HALF_A_DAY_S = 12 * 3600.0
"""No examination takes longer: times further apart are on both sides of a midnight that the date does not tell."""


@dataclass(frozen=True, eq=False)
class Clock:
    """One source of times.

    :param name: in words, plural ("acquisition times").
    :param seconds: float64 (frames,); NaN where a frame has none.
    :param after_start: the same as seconds after the acquisition time of the scan; None for times of day.
    :param over_midnight: some times were taken as the next day's, because the date did not change with them.
    :param doubtful: not made for the purpose.
    """

    name: str
    seconds: np.ndarray
    after_start: np.ndarray | None = None
    over_midnight: bool = False
    doubtful: bool = False


def clocks(frames: Sequence[Frame], source: np.ndarray, series: Sequence[Series]) -> list[Clock]:
    """Return the clocks in the order in which they are to be believed.

    GE and Philips give all dynamics of a scan one acquisition time (GE in whole seconds) and count milliseconds in
    TriggerTime; the others date each acquisition. Times after the start of a scan are added to the acquisition time of their
    series where several series are compared. The creation time of the pixels comes last.

    :param source: number of the series of each frame, int (frames,).
    """
    acquired, passed = unwrapped([frame.acquired for frame in frames])
    made, made_passed = unwrapped([frame.made for frame in frames])
    start = np.zeros(len(frames))
    if len(series) > 1:
        for s in range(len(series)):
            start[source == s] = acquired[source == s].min(initial=np.inf)
        start[~np.isfinite(start)] = np.nan
    triggered = _numbers(frame.trigger_time_s for frame in frames)
    scanned = _numbers(frame.dynamic_time_s for frame in frames)
    trigger = Clock("trigger times", start + triggered, triggered)
    dynamic = Clock("times after the start of the scan", start + scanned, scanned)
    dated = Clock("acquisition times", acquired, over_midnight=passed)
    manufacturers = {one.manufacturer.casefold()[:2] for one in series}
    ordered = [trigger, dynamic, dated] if manufacturers <= {"ge", "ph"} else [dated, dynamic, trigger]
    return [*ordered, Clock("creation times of the images", made, over_midnight=made_passed, doubtful=True)]


def unwrapped(moments: Sequence[datetime | None]) -> tuple[np.ndarray, bool]:
    """Seconds of moments of one examination, float64, NaN where there is none; and whether a midnight had to be put in.

    The seconds count from the first day's beginning.
    """
    known = [moment for moment in moments if moment is not None]
    if not known:
        return np.full(len(moments), np.nan), False
    first_day = datetime.combine(min(known).date(), datetime.min.time())
    seconds = _numbers(None if moment is None else (moment - first_day) / timedelta(seconds=1) for moment in moments)
    early = seconds < np.nanmax(seconds) - HALF_A_DAY_S
    return np.where(early, seconds + 2 * HALF_A_DAY_S, seconds), bool(early.any())


def _numbers(values) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)

"""Which frames of a dynamic series belong to one time point, and when each time point was acquired.

How frames are put together is told in ``time_groups``. Times come from the first clock of :func:`clocks` that runs strictly
forward in every slice, never from a clock that stands still or runs against the temporal positions. A time point's time is
the median of its frames', counted from the first time point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ..errors import InputError
from .checks import listing
from .clocks import Clock, clocks
from .series import Frame, Series
from .time_groups import TimeGroups, check_repeated, put_together, warn_incomplete

__all__ = ["TimePoints", "find_time_points"]

SHORTEST_STEP_S = 0.1
"""A clock that advances less from time point to time point counts something else (heart phases, slices)."""

CLOCKS_AGREE_S = 1.5
CLOCKS_AGREE_FRACTION = 0.05
"""Two clocks may differ by this much, or by this part of the whole time, before the user is told: one may count whole seconds."""

GAP = 1.75
"""A step longer than this many usual steps is a gap, where three quarters of the steps are alike."""


@dataclass(frozen=True, eq=False)
class TimePoints:
    """Time points in the order of time.

    :param index: time point of each frame, int (frames,); -1 for frames of an incomplete time point, which is left out.
    :param time_s: seconds after the first time point, float64 (t,); NaN for a single time point without any time.
    :param start: when the first time point was acquired, as far as that is told.
    :param notes: how frames and times were found.
    :param warnings: what the user should look at.
    """

    index: np.ndarray
    time_s: np.ndarray
    start: datetime | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def find_time_points(
    frames: Sequence[Frame],
    place: np.ndarray,
    source: np.ndarray,
    series: Sequence[Series],
    label: str,
    time_s: Sequence[float] | None = None,
) -> TimePoints:
    """Sort frames of one kind into time points.

    :param place: slice number of each frame, int (frames,).
    :param source: number of the series of each frame, int (frames,).
    :param label: how messages name the series.
    :param time_s: times that the user gives, one for each time point in the order of temporal position, acquisition number,
        series or instance number; None reads them from the headers.
    :raises InputError: images are repeated, or missing at many times; the times cannot be told, repeat themselves, or are not
        as many as there are time points.
    """
    found = clocks(frames, source, series)
    groups = put_together(frames, place, source, found, label, by_number=time_s is not None)
    check_repeated(groups, frames, place, label)
    warnings = warn_incomplete(groups, label)
    keep = groups.complete
    notes = [f"{label}: {len(groups.keys)} time points, told apart by {groups.basis}."] if len(groups.keys) > 1 else []
    clock = None
    if time_s is not None:
        times = _given_times(time_s, len(groups.keys), label)[keep]
        notes.append(f"{label}: the times were given by the user.")
    elif len(groups.keys) == 1:
        clock = next((clock for clock in found if np.isfinite(clock.seconds).all()), None)
        times = np.zeros(1) if clock is not None else np.full(1, np.nan)
    else:
        clock, times, more = _told_times(groups, place, found, label)
        warnings += more
        notes.append(f"{label}: the times are the {clock.name}{' (past midnight)' if clock.over_midnight else ''}.")
    order = np.argsort(times, kind="stable")
    times = times[order]
    warnings += _missing(groups, series, times, label)
    number = np.full(len(groups.keys), -1)
    number[np.flatnonzero(keep)[order]] = np.arange(len(order))
    index = number[groups.index]
    # DICOM counts no less than microseconds
    return TimePoints(index, np.round(times - times[0], 6), _start(frames, index, clock), tuple(notes), tuple(warnings))


def _start(frames: Sequence[Frame], index: np.ndarray, clock: Clock | None) -> datetime | None:
    acquired = {frame.acquired for frame in frames}
    if None in acquired:
        return None
    if len(acquired) == 1 and clock is not None and clock.after_start is not None:
        # one acquisition time for the whole scan, and another clock that runs from there
        return acquired.pop() + timedelta(seconds=float(np.median(clock.after_start[index == 0])))
    return min(frame.acquired for frame, n in zip(frames, index, strict=True) if n == 0)


def _given_times(time_s: Sequence[float], count: int, label: str) -> np.ndarray:
    times = np.asarray(time_s, dtype=float)
    if times.shape != (count,):
        raise InputError(f"{label} has {count} time points, but {times.size} times were entered. Enter one time in seconds for each.")
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise InputError(f"{label}: the entered times must increase from time point to time point.")
    return times


def _told_times(groups: TimeGroups, place: np.ndarray, found: list[Clock], label: str) -> tuple[Clock, np.ndarray, list[str]]:
    """First clock that is fit for use, times of the complete groups, float64, and warnings."""
    fit: list[tuple[Clock, np.ndarray]] = []
    faults = []
    for clock in found:
        times, fault = _times_of(clock, groups, place)
        if fault:
            faults.append(f"the {clock.name} {fault}")
        else:
            fit.append((clock, times))
    if not fit:
        raise InputError(
            f"{label}: the times of its {len(groups.keys)} time points cannot be told: {'; '.join(faults)}. "
            "Enter the times in seconds, one for each time point.",
        )
    clock, times = fit[0]
    warnings = []
    if clock.doubtful:
        warnings.append(f"{label}: the times are the {clock.name}, because nothing better is in its headers; check them.")
    for other, others in fit[1:]:
        difference = np.abs((others - others.min()) - (times - times.min())).max()
        if not other.doubtful and difference > max(CLOCKS_AGREE_S, CLOCKS_AGREE_FRACTION * np.ptp(times)):
            warnings.append(f"{label}: {clock.name} and {other.name} differ by up to {difference:.1f} s; the {clock.name} are used.")
    steps = np.diff(np.sort(times))
    if (times % 1 == 0).all() and 0 < np.ptp(steps) <= 1:
        warnings.append(f"{label}: the {clock.name} are whole seconds, so each may be off by up to 1 s.")
    return clock, times, warnings


def _times_of(clock: Clock, groups: TimeGroups, place: np.ndarray) -> tuple[np.ndarray, str]:
    """Median time of each complete group, float64, and what is wrong with the clock ('' where nothing is)."""
    kept = np.flatnonzero(groups.complete)
    seconds = np.full(groups.counts.shape, np.nan)
    seconds[groups.index, place] = clock.seconds
    seconds = seconds[kept]
    if np.isnan(seconds).all():
        return seconds, "are not in the headers"
    if np.isnan(seconds).any():
        return seconds, "are missing in some images"
    times = np.median(seconds, axis=1)
    order = np.argsort(times, kind="stable")
    steps = np.diff(seconds[order], axis=0)
    if np.ptp(times) == 0:
        return times, "are all the same"
    if (steps <= 0).any():
        return times, "repeat themselves"
    if np.median(np.diff(times[order])) < SHORTEST_STEP_S:
        return times, f"advance by less than {SHORTEST_STEP_S:g} s"
    if groups.ordered and (order != np.arange(len(order))).any():
        return times, f"contradict the order by {groups.basis}"
    return times, ""


def _missing(groups: TimeGroups, series: Sequence[Series], times: np.ndarray, label: str) -> list[str]:
    """Warn of time points that are not there."""
    if groups.basis == "temporal position":
        warnings = []
        for s, one in enumerate(series):
            numbers = {number for of, number in groups.keys if of == s}
            lost = sorted(set(range(1, max(*numbers, one.temporal_positions or 0) + 1)) - numbers)
            # one temporal position of several is what a series of one phase holds
            if lost and len(numbers) > 1:
                warnings.append(f"{label}: temporal positions {listing(lost)} of {max(numbers | set(lost))} are missing in {one.label}.")
        if warnings:
            return warnings
    steps = np.diff(times)
    if len(steps) < 5 or not groups.complete.all():
        return []
    usual = float(np.median(steps))
    gaps = np.flatnonzero(steps > GAP * usual)
    if not len(gaps) or (np.abs(steps - usual) < 0.25 * usual).mean() < 0.75:
        return []
    told = ", ".join(f"between {times[g] - times[0]:.1f} and {times[g + 1] - times[0]:.1f} s" for g in gaps[:5])
    return [f"{label}: no images {told}; elsewhere there are some every {usual:.1f} s."]

"""The examinations of a case in order of time, their weeks, and what to call them."""

from datetime import date
from itertools import pairwise

from ...errors import InputError
from ..case import Case, TimePoint

__all__ = ["examination_label", "timeline", "week_of"]


def timeline(case: Case) -> tuple[TimePoint, ...]:
    """Return the time points in order of their index.

    :raises InputError: weeks or dates run backwards: the nadir would be looked for in the wrong examinations.
    """
    for name, value_of in (("week", lambda one: one.weeks_from_baseline), ("date", lambda one: one.date or None)):
        known = [(one.index, value_of(one)) for one in case.time_points if value_of(one) is not None]
        for (before, first), (after, second) in pairwise(known):
            if second < first:
                shown = [f"{value:g}" if name == "week" else value for value in (first, second)]
                raise InputError(
                    f"Time point {after} ({name} {shown[1]}) lies before time point {before} ({name} {shown[0]}); "
                    f"correct the {name}s or the order of the examinations.",
                )
    return case.time_points


def week_of(case: Case, index: int) -> float | None:
    """Return the weeks from the baseline as entered, else from the dates; None where neither is known."""
    points = {one.index: one for one in case.time_points}
    point, baseline = points[index], points.get(0)
    if point.weeks_from_baseline is not None:
        return float(point.weeks_from_baseline)
    if index == 0:
        return 0.0
    if baseline is None or not (point.date and baseline.date):
        return None
    return (date.fromisoformat(point.date) - date.fromisoformat(baseline.date)).days / 7.0


def examination_label(case: Case, index: int) -> str:
    """Return "baseline", "week 4", or "time point 2" where the week is not known."""
    if index == 0:
        return "baseline"
    week = week_of(case, index)
    return f"time point {index}" if week is None else f"week {week:.1f}".removesuffix(".0")

"""Change of a quantity over time: percent from baseline, nadir, trend."""

import math
from collections.abc import Sequence
from enum import StrEnum

from ..errors import InputError

__all__ = ["Trend", "nadir", "percent_change", "trend"]


class Trend(StrEnum):
    """Direction of a change."""

    INCREASE = "increase"
    DECREASE = "decrease"
    UNCHANGED = "unchanged"


def percent_change(reference: float, value: float) -> float:
    """Return 100 (value - reference)/reference; NaN where one of them is NaN, or the reference is 0 and there is no percentage.

    :raises InputError: the reference is negative; the quantities followed here are not.
    """
    if reference < 0:
        raise InputError(f"A percent change needs a positive reference value, found {reference:g}.")
    return math.nan if reference == 0 else 100.0 * (value - reference) / reference


def nadir(values: Sequence[float], last: int | None = None) -> tuple[int, float]:
    """Return position and value of the smallest of the values before position ``last`` (None: of all), the first of equals.

    NaN (not measured) is passed over. The baseline counts (RECIST 1.1).

    :raises InputError: there is no value.
    """
    found = [(value, index) for index, value in enumerate(values[:last]) if not math.isnan(value)]
    if not found:
        raise InputError("There is no earlier measurement to compare with.")
    value, index = min(found)
    return index, value


def trend(reference: float, value: float, *, repeatability_percent: float = 0.0) -> Trend | None:
    """Return the direction of a change; one inside the repeatability is none.

    :param repeatability_percent: smallest change that is told from noise, in percent of the reference.
    :returns: None where one of the values is NaN.
    """
    if math.isnan(reference) or math.isnan(value):
        return None
    margin = abs(reference) * repeatability_percent / 100.0
    if abs(value - reference) <= margin:
        return Trend.UNCHANGED
    return Trend.INCREASE if value > reference else Trend.DECREASE

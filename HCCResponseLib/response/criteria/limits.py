"""Comparing with a limit, and showing a number so that it never reads as the other side of the limit.

A value within ``TOLERANCE`` of a limit is at the limit: 10.1 mm to 12.12 mm is 19.999999999999996 % in binary arithmetic and
+20 % to everybody else. The tolerance is a millionth of the unit, far below anything that is measured.
"""

__all__ = ["TOLERANCE", "above", "at_least", "show", "show_change"]

TOLERANCE = 1e-6
"""Values closer than this to a limit (in percent, mm, mm2, mL) equal it."""

_MOST_DECIMALS = 7


def at_least(value: float, limit: float) -> bool:
    """Return whether the value reaches the limit; NaN reaches none."""
    return value >= limit - TOLERANCE


def above(value: float, limit: float) -> bool:
    """Return whether the value is more than the limit; False for NaN."""
    return value > limit + TOLERANCE


def show(value: float, unit: str, *limits: float, sign: bool = False) -> str:
    """Write a number with one digit after the point (none where it is whole), more where rounding would cross a limit or come to 0.

    4.96 mm with a limit of 5 mm reads "4.96 mm", not "5 mm"; 0.04 mL reads "0.04 mL", not "0 mL".
    """
    text = _rounded(value, (*limits, 0.0), sign)
    return f"{text.removesuffix('.0')} {unit}"


def show_change(percent: float, *limits: float) -> str:
    """Write a percent change with its sign and at least one digit after the point: "+20.0 %"."""
    return f"{_rounded(percent, limits, True)} %"


def _rounded(value: float, limits: tuple[float, ...], sign: bool) -> str:
    decimals = 1
    while decimals < _MOST_DECIMALS and any(_side(round(value, decimals), limit) != _side(value, limit) for limit in limits):
        decimals += 1
    # Adding 0.0 turns a negative zero into zero.
    return f"{round(value, decimals) + 0.0:{'+' if sign else ''}.{decimals}f}"


def _side(value: float, limit: float) -> int:
    return int(value > limit + TOLERANCE) - int(value < limit - TOLERANCE)

"""Grades and score classes as whole numbers, from rows of the measurement table."""

from ..measurement import Measurement

__all__ = ["grade_of", "score_of"]


def grade_of(row: Measurement | None) -> int | None:
    """Return a signal grade 1 to 5, or None where there is none or the value is not one."""
    return _whole(row, 1, 5)


def score_of(row: Measurement | None) -> int | None:
    """Return a score class of necrosis 0 to 4, or None where there is none or the value is not one."""
    return _whole(row, 0, 4)


def _whole(row: Measurement | None, least: int, most: int) -> int | None:
    # A NaN compares false with everything.
    return int(row.value) if row is not None and least <= row.value <= most and row.value == int(row.value) else None

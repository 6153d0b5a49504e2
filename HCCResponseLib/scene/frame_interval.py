"""The interval between the images of a dynamic series, read and typed."""

import re

import numpy as np

from ..errors import InputError
from .dynamic_series import INDEX_NAME, INDEX_UNIT, frame_times_s

__all__ = ["interval_text", "set_typed_interval"]

_LONGEST_S = 600.0
_UNEVEN = 1.01
_BEYOND = 10**15
_TYPED = re.compile(r"([\d.,]+) *s?", re.IGNORECASE)


def interval_text(sequence_node) -> str:
    """Return the interval in s as it is shown: "4.3", or the range "3.9 to 8.1" of uneven ones; empty where times are not known."""
    try:
        steps = np.diff(frame_times_s(sequence_node, fewest=2))
    except InputError:
        return ""
    if steps.max() < _UNEVEN * steps.min():
        return f"{float(np.median(steps)):.4g}"
    return f"{steps.min():.3g} to {steps.max():.3g}"


def set_typed_interval(sequence_node, text: str) -> None:
    """Let the images of a series follow one another at the interval that a user typed, in seconds; the first is at 0.

    Text that :func:`interval_text` returned changes nothing, so uneven times stay until another interval is typed.

    :raises InputError: not a number of seconds above 0 and up to ten minutes; nothing is changed then.
    """
    text = text.strip()
    if text == interval_text(sequence_node):
        return
    found = _TYPED.fullmatch(text)
    try:
        seconds = float(found[1].replace(",", ".")) if found else 0.0
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_S:
        raise InputError(f"'{text}' is not an interval between images; write the seconds from one image to the next, like 4.3.")
    count = sequence_node.GetNumberOfDataNodes()
    was_modifying = sequence_node.StartModify()
    sequence_node.SetIndexName(INDEX_NAME)
    sequence_node.SetIndexUnit(INDEX_UNIT)
    sequence_node.SetIndexType(sequence_node.NumericIndex)
    # Out of the way first, so that a new time is never that of another image; the order of the images stays.
    for n in reversed(range(count)):
        sequence_node.UpdateIndexValue(sequence_node.GetNthIndexValue(n), f"{_BEYOND + n}")
    for n in range(count):
        sequence_node.UpdateIndexValue(sequence_node.GetNthIndexValue(n), f"{seconds * n:.9g}")
    sequence_node.EndModify(was_modifying)

"""Flip angle and repetition time of a volume: the node attributes ``HCC.FlipAngle`` (degrees) and ``HCC.RepetitionTime`` (s)."""

import math
import re

from ..errors import InputError
from .dicom_source import common_header_value

__all__ = [
    "accept_proposed_flip_angles",
    "flip_angle_deg",
    "propose_flip_angle",
    "propose_repetition_time",
    "repetition_time_s",
    "set_flip_angle_deg",
    "set_repetition_time_s",
    "set_told_by_header",
    "set_typed_flip_angle",
    "set_typed_repetition_time",
]

FLIP_ANGLE_ATTRIBUTE = "HCC.FlipAngle"
REPETITION_TIME_ATTRIBUTE = "HCC.RepetitionTime"

LARGEST_ANGLE_DEG = 180.0
LONGEST_TR_S = 20.0

_ANGLE_IN_NAME = re.compile(
    r"(?<![a-z0-9])(?:fa|flip(?:[-_ ]?angle)?)[-_ =]*(\d{1,3}(?:\.\d+)?)(?!\d)|(?<![\d.])(\d{1,3}) ?(?:deg|°)", re.IGNORECASE,
)
_TYPED_TR = re.compile(r"([\d.,]+) *(ms|s)?", re.IGNORECASE)


def flip_angle_deg(node) -> float | None:
    """Return the flip angle that was set for a volume or sequence, in degrees; None where there is none that can be."""
    try:
        return _angle(node.GetAttribute(FLIP_ANGLE_ATTRIBUTE), node)
    except InputError:
        return None


def repetition_time_s(node) -> float | None:
    """Return the repetition time that was set for a volume or sequence, in s; None where there is none that can be."""
    try:
        return _repetition_time(node.GetAttribute(REPETITION_TIME_ATTRIBUTE), node)
    except InputError:
        return None


def set_flip_angle_deg(node, value: float | None) -> None:
    """Set the flip angle of a volume or sequence in degrees, or take it away with None.

    :raises InputError: not a number above 0 and up to 180.
    """
    node.SetAttribute(FLIP_ANGLE_ATTRIBUTE, None if value is None else repr(_angle(value, node)))


def set_repetition_time_s(node, value: float | None) -> None:
    """Set the repetition time of a volume or sequence in s, or take it away with None.

    :raises InputError: not a number above 0 and up to 20 s.
    """
    node.SetAttribute(REPETITION_TIME_ATTRIBUTE, None if value is None else repr(_repetition_time(value, node)))


def set_told_by_header(node, angle_deg: float | None, repetition_s: float | None) -> None:
    """Set flip angle and repetition time that nobody set yet to what headers tell; what cannot be is passed over."""
    if flip_angle_deg(node) is None and angle_deg is not None and 0 < angle_deg <= LARGEST_ANGLE_DEG:
        set_flip_angle_deg(node, angle_deg)
    if repetition_time_s(node) is None and repetition_s is not None and 0 < repetition_s <= LONGEST_TR_S:
        # headers have milliseconds
        set_repetition_time_s(node, round(repetition_s, 9))


def set_typed_flip_angle(node, text: str) -> None:
    """Set the flip angle to what a user typed: degrees, with a decimal point or comma; nothing typed takes it away.

    :raises InputError: not a number above 0 and up to 180; nothing is changed then.
    """
    text = text.strip().removesuffix("°").strip()
    set_flip_angle_deg(node, text.replace(",", ".") if text else None)


def set_typed_repetition_time(node, text: str) -> None:
    """Set the repetition time to what a user typed: milliseconds as scanners show it, or "4.5 ms", "0.0045 s"; nothing takes it away.

    :raises InputError: no such time, or a number without a unit that may be meant in seconds; nothing is changed then.
    """
    text = text.strip()
    if not text:
        set_repetition_time_s(node, None)
        return
    found = _TYPED_TR.fullmatch(text)
    if found is None:
        raise InputError(f"'{node.GetName()}': '{text}' is not a repetition time; write it in ms, like 4.5.")
    number, unit = found[1].replace(",", "."), (found[2] or "").lower()
    value = _repetition_time(number, node) if unit == "s" else _repetition_time(number, node, milliseconds=True)
    if not unit and value < 1e-3:
        raise InputError(f"'{node.GetName()}': {text} ms is too short for a repetition time; write '{text} s' if seconds are meant.")
    set_repetition_time_s(node, value)


def propose_flip_angle(node) -> tuple[float | None, str]:
    """Return the flip angle [degrees] that a volume most probably has and where that is known from, for the user to confirm.

    :return: (angle, one of "attribute", "DICOM header", "name"), or (None, "") where nothing tells.
    """
    known = flip_angle_deg(node)
    if known is not None:
        return known, "attribute"
    told = common_header_value(node, "flip_angle_deg")
    if told is not None and 0 < told <= LARGEST_ANGLE_DEG:
        return told, "DICOM header"
    found = {float(first or second) for first, second in _ANGLE_IN_NAME.findall(node.GetName() or "")}
    found = {angle for angle in found if 0 < angle <= LARGEST_ANGLE_DEG}
    return (found.pop(), "name") if len(found) == 1 else (None, "")


def propose_repetition_time(node) -> tuple[float | None, str]:
    """Return the repetition time [s] that a volume most probably has and where that is known from; names never tell it.

    :return: (time, one of "attribute", "DICOM header"), or (None, "") where nothing tells.
    """
    known = repetition_time_s(node)
    if known is not None:
        return known, "attribute"
    told = common_header_value(node, "repetition_time_s")
    return (told, "DICOM header") if told is not None and 0 < told <= LONGEST_TR_S else (None, "")


def accept_proposed_flip_angles(nodes) -> list:
    """Give volumes without flip angle or repetition time what is proposed for them; returns those that got something."""
    accepted = []
    for node in nodes:
        for propose, set_value in ((propose_flip_angle, set_flip_angle_deg), (propose_repetition_time, set_repetition_time_s)):
            value, source = propose(node)
            if source and source != "attribute":
                set_value(node, value)
                if node not in accepted:
                    accepted.append(node)
    return accepted


def _angle(value, node) -> float:
    number = _number(value)
    if not 0 < number <= LARGEST_ANGLE_DEG:
        raise InputError(f"'{node.GetName()}': {value!r} is not a flip angle above 0° and up to 180°; enter it.")
    return number


def _repetition_time(value, node, *, milliseconds: bool = False) -> float:
    number = _number(value) / (1000 if milliseconds else 1)
    if not 0 < number <= LONGEST_TR_S:
        raise InputError(f"'{node.GetName()}': {value!r} {'ms' if milliseconds else 's'} is not a repetition time up to 20 s; enter it.")
    return number


def _number(value) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan

"""The b-value of a diffusion-weighted volume, kept as the node attribute ``HCC.BValue`` in s/mm2."""

import functools
import math
import re
from pathlib import Path

import slicer

from ..errors import InputError

__all__ = ["accept_proposed_b_values", "b_value", "propose_b_value", "set_b_value", "set_typed_b_value"]

B_VALUE_ATTRIBUTE = "HCC.BValue"
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:[.,'’\s]\d{3})+")
_IN_NAME = re.compile(r"(?<![a-z0-9])b(?:[-_ ]?val(?:ue)?)?[-_ =]*(\d{1,5})(?![.\d]|[-_,]\d)", re.IGNORECASE)


def b_value(volume_node) -> float | None:
    """Return the b-value that was set for a volume, in s/mm2; None where there is none that is a number of zero or more."""
    try:
        return _checked(volume_node.GetAttribute(B_VALUE_ATTRIBUTE), volume_node)
    except InputError:
        return None


def set_b_value(volume_node, value: float | None) -> None:
    """Set the b-value of a volume in s/mm2, or take it away with None.

    :raises InputError: not a number of zero or more.
    """
    volume_node.SetAttribute(B_VALUE_ATTRIBUTE, None if value is None else repr(_checked(value, volume_node)))


def set_typed_b_value(volume_node, text: str) -> str:
    """Set the b-value of a volume to what a user typed, with a decimal point or comma; nothing typed takes it away.

    Values up to 1 s/mm2 are b = 0, as in the DICOM reader: scanners number repeated images so.

    :return: what the user should know, a sentence, mostly empty.
    :raises InputError: not a number of zero or more, or one that may be meant otherwise ("1,400"); nothing is changed then.
    """
    from ..dicom.recognition import B0_LIMIT

    text = text.strip()
    if not text:
        set_b_value(volume_node, None)
        return ""
    if _THOUSANDS.fullmatch(text):
        plain = re.sub(r"\D", "", text)
        raise InputError(f"'{text}' may mean {plain} or a number with three decimals; write {plain} without a separator.")
    value = _checked(text.replace(",", "."), volume_node)
    set_b_value(volume_node, 0.0 if value <= B0_LIMIT else value)
    return f"b = {value:g} s/mm² counts as b = 0." if 0 < value <= B0_LIMIT else ""


def accept_proposed_b_values(volume_nodes) -> list:
    """Give volumes without a b-value the one that is proposed for them; returns the volumes that got one."""
    accepted = []
    for node in volume_nodes:
        proposed, source = propose_b_value(node)
        if source and source != "attribute":
            set_b_value(node, proposed)
            accepted.append(node)
    return accepted


def propose_b_value(volume_node) -> tuple[float | None, str]:
    """Return the b-value that a volume most probably has and where that is known from, for the user to confirm.

    :return: (b-value, one of "attribute", "DICOM header", "name"), or (None, "") where nothing tells.
    """
    known = b_value(volume_node)
    if known is not None:
        return known, "attribute"
    from_header = _b_value_from_dicom(volume_node)
    if from_header is not None:
        return from_header, "DICOM header"
    found = {float(text) for text in _IN_NAME.findall(volume_node.GetName() or "")}
    return (found.pop(), "name") if len(found) == 1 else (None, "")


def _b_value_from_dicom(volume_node) -> float | None:
    """Return the one b-value in the headers of the files that Slicer's DICOM import loaded the volume from.

    Slicer keeps no b-value itself, only the instance UIDs; the files are found through its DICOM database, where that is open.
    """
    uids = (volume_node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None or not database.isOpen:
        return None
    return _b_value_of_files(tuple(database.fileForInstance(uid) for uid in uids))


@functools.lru_cache(maxsize=256)  # a panel asks at every change of the scene
def _b_value_of_files(paths: tuple[str, ...]) -> float | None:
    """Return the b-value that all files have, or None."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    from ..dicom.frames import frames_of
    from ..dicom.headers import quiet_pydicom
    from ..dicom.recognition import B0_LIMIT

    found = set()
    for path in paths:
        try:
            with quiet_pydicom():
                values = [frame.b_value for frame in frames_of(dcmread(path, stop_before_pixels=True), Path(path))]
        except (OSError, InvalidDicomError):
            return None
        found.update(0.0 if b is not None and b <= B0_LIMIT else b for b in values)
        if len(found) > 1:
            return None
    return found.pop() if found else None


def _checked(value, volume_node) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"Volume '{volume_node.GetName()}': b-value {value!r} is not a number of zero or more (s/mm2); enter it.")
    return number

"""How and when the images of a node were acquired, as their headers told at import: node attributes, read here.

Flip angle and repetition time are in :mod:`.flip_angles`, the b-value in :mod:`.b_values`: those can be set by the user.
"""

import math
from datetime import datetime

__all__ = [
    "acquired",
    "acquisition_facts",
    "contrast_agent",
    "echo_time_s",
    "field_strength_t",
    "injected",
    "injection_s",
    "seconds_after_injection",
    "set_acquisition",
    "slice_thickness_mm",
]

_PREFIX = "HCC."


def set_acquisition(node, **facts) -> None:
    """Write facts about the images at a node; what is None or empty is left out.

    :param facts: by the name of the function that reads them.
    """
    for name, value in facts.items():
        if value is None or value == "":
            continue
        text = value.isoformat() if isinstance(value, datetime) else value if isinstance(value, str) else repr(float(value))
        node.SetAttribute(_attribute(name), text)


def acquisition_facts(series, frames) -> dict:
    """Return what :func:`set_acquisition` takes, as the headers of images tell it.

    :param series: :class:`~HCCResponseLib.dicom.Series` that the images are of.
    :param frames: their :class:`~HCCResponseLib.dicom.Frame`; what is not the same for all of them is left out.
    """
    from ..dicom.headers import dated

    def common(name: str):
        values = {getattr(frame, name) for frame in frames}
        return values.pop() if len(values) == 1 else None

    return {
        "slice_thickness_mm": common("slice_thickness_mm"),
        "echo_time_s": common("echo_time_s"),
        "field_strength_t": series[0].pulse_sequence.field_t,
        "contrast_agent": next((one.contrast_agent for one in series if one.contrast_agent), ""),
        "injected": next((one.contrast_start for one in series if one.contrast_start is not None), None),
        "acquired": dated(min((frame.acquired for frame in frames if frame.acquired is not None), default=None)),
    }


def slice_thickness_mm(node) -> float | None:
    """Thickness of the excited slice in mm, not the distance between slices; None where it is not known."""
    return _number(node, "slice_thickness_mm")


def echo_time_s(node) -> float | None:
    """Echo time in s; None where it is not known."""
    return _number(node, "echo_time_s")


def field_strength_t(node) -> float | None:
    """Field strength in T; None where it is not known."""
    return _number(node, "field_strength_t")


def contrast_agent(node) -> str:
    """Name of the contrast agent as the headers have it; empty where they name none."""
    return node.GetAttribute(_attribute("contrast_agent")) or ""


def acquired(node) -> datetime | None:
    """When the first image was acquired, scanner's local time; None where it is not known."""
    return _moment(node, "acquired")


def injected(node) -> datetime | None:
    """When the injection of contrast agent began, scanner's local time; None where it is not known or there was none."""
    return _moment(node, "injected")


def seconds_after_injection(node) -> float | None:
    """Time of a phase after the injection in s, negative before it; None where it is not known."""
    return _number(node, "seconds_after_injection")


def injection_s(sequence_node) -> float | None:
    """Begin of the injection in s after the first image of a dynamic series; None where it is not known."""
    return _number(sequence_node, "injection_s")


def _attribute(name: str) -> str:
    """slice_thickness_mm -> HCC.SliceThicknessMm."""
    return _PREFIX + name.title().replace("_", "")


def _number(node, name: str) -> float | None:
    try:
        value = float(node.GetAttribute(_attribute(name)))
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _moment(node, name: str) -> datetime | None:
    try:
        return datetime.fromisoformat(node.GetAttribute(_attribute(name)) or "")
    except ValueError:
        return None

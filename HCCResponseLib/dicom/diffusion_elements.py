"""Where each manufacturer writes the diffusion weighting of an image.

The standard element (0018,9087) comes first; then the private ones: Siemens (0019,xx0C), GE (0043,xx39), Philips
(2001,xx03), United Imaging (0065,xx09). Last, and said so: the b-value that Siemens repeats in the sequence name
(``*ep_b800t``) and the one that Canon's software 6.0 writes into the image comments (``b=1500(0.445,0.000,0.895)``).
GE leaves (0018,9087) out of its b = 0 images, so the private element decides there; GE adds 10^9 to the value on
some releases. GE and Philips write 0 into the private element of images that are no diffusion images at all.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .headers import PrivateElements, numbers, sequence_item, text

__all__ = ["READ_FROM_TEXT", "DiffusionElements", "diffusion_elements"]

SIEMENS = "SIEMENS MR HEADER"
GE_PARAMETERS = "GEMS_PARM_01"
GE_ACQUISITION = "GEMS_ACQU_01"
PHILIPS_IMAGING = "Philips Imaging DD 001"
PHILIPS_MR = "Philips MR Imaging DD 001"
UIH = "Image Private Header"

PRIVATE_B_VALUES = (
    (0x0019, SIEMENS, 0x0C, "IS"),
    (0x0043, GE_PARAMETERS, 0x39, "IS"),
    (0x2001, PHILIPS_IMAGING, 0x03, "FL"),
    (0x0065, UIH, 0x09, "FD"),
)
GE_OFFSET = 1e9
LARGEST_B_VALUE = 1e5
"""s/mm2; what is above is no b-value."""

READ_FROM_TEXT = ("sequence name", "image comments")
"""Sources of a b-value that are no elements made for it."""

_SIEMENS_SEQUENCE = re.compile(r"(?:^|[_*])b(\d+)(?:t|#\d+)?$", re.IGNORECASE)
_CANON_COMMENT = re.compile(r"^\s*b=(\d+(?:\.\d+)?)\s*(?:\(\s*([-+.\d]+)\s*,\s*([-+.\d]+)\s*,\s*([-+.\d]+)\s*\))?")


@dataclass(frozen=True, slots=True)
class DiffusionElements:
    """Diffusion weighting of one frame; the fields mean what those of :class:`Frame` mean."""

    b_value: float | None = None
    b_value_source: str = ""
    gradient_direction: tuple[float, float, float] | None = None
    directionality: str = ""


def diffusion_elements(near: Sequence[PrivateElements], sequence_name: str, manufacturer: str, comments: str) -> DiffusionElements:
    """Read b-value and direction of one frame.

    :param near: datasets to look in, nearest to the frame first (functional group items, then the file's dataset).
    :param sequence_name: SequenceName or PulseSequenceName, for Siemens.
    :param manufacturer: Manufacturer.
    :param comments: ImageComments, for Canon.
    """
    manufacturer = manufacturer.casefold()
    b_value, source = _b_value(near)
    direction = _direction(near)
    if b_value is None and "siemens" in manufacturer and (match := _SIEMENS_SEQUENCE.search(sequence_name)):
        b_value, source = float(match[1]), READ_FROM_TEXT[0]
    if b_value is None and manufacturer.startswith(("canon", "toshiba")) and (match := _CANON_COMMENT.match(comments)):
        b_value, source = float(match[1]), READ_FROM_TEXT[1]
        if direction is None and match[2]:
            direction = _unit([float(match[i]) for i in (2, 3, 4)])
    return DiffusionElements(b_value, source, direction if b_value else None, _directionality(near))


def _b_value(near: Sequence[PrivateElements]) -> tuple[float | None, str]:
    for elements in near:
        if (values := numbers(elements.dataset, "DiffusionBValue")) and 0 <= values[0] <= LARGEST_B_VALUE:
            return values[0], "(0018,9087)"
    for elements in near:
        for group, creator, offset, vr in PRIVATE_B_VALUES:
            values = elements.numbers(group, creator, offset, vr)
            if not values:
                continue
            b_value = values[0] - GE_OFFSET if creator == GE_PARAMETERS and values[0] >= GE_OFFSET else values[0]
            if 0 <= b_value <= LARGEST_B_VALUE:
                return b_value, f"private ({group:04X},xx{offset:02X}) of {creator}"
    return None, ""


def _direction(near: Sequence[PrivateElements]) -> tuple[float, float, float] | None:
    for elements in near:
        for holder in (sequence_item(elements.dataset, "DiffusionGradientDirectionSequence"), elements.dataset):
            if values := numbers(holder, "DiffusionGradientOrientation", 3):
                return _unit(values)
    for elements in near:
        for values in (
            elements.numbers(0x0019, SIEMENS, 0x0E, "FD"),
            [v for offset in (0xBB, 0xBC, 0xBD) for v in elements.numbers(0x0019, GE_ACQUISITION, offset, "DS") or ()],
            [v for offset in (0xB0, 0xB1, 0xB2) for v in elements.numbers(0x2005, PHILIPS_MR, offset, "FL") or ()],
            elements.numbers(0x0065, UIH, 0x37, "FD"),
        ):
            if values and len(values) == 3:
                return _unit(values)
    return None


def _unit(values: Sequence[float]) -> tuple[float, float, float] | None:
    """Unit vector, or None for the zero vector that stands for "no direction"."""
    length = math.hypot(*values)
    return None if length < 1e-6 else tuple(v / length for v in values)


def _directionality(near: Sequence[PrivateElements]) -> str:
    for elements in near:
        if found := text(elements.dataset, "DiffusionDirectionality").upper():
            return found
    for elements in near:
        if found := elements.text(0x0019, SIEMENS, 0x0D).upper():
            return found
        if elements.text(0x2001, PHILIPS_IMAGING, 0x04).upper() == "I":
            return "ISOTROPIC"
    return ""

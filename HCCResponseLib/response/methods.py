"""Methods of measurements: which may be compared, and how several are said in one line."""

import re
from collections.abc import Iterable

__all__ = ["join_methods", "outside_image", "same_method"]

_DIFFUSION = ("ADC", "D", "D_STAR", "PERFUSION_FRACTION")
_OUTSIDE = re.compile(r"[;,] (?:(?:\d+|less than 1) % outside the image|outside the image = \d+ %)")
# What a method found, and how well it went, stands among its settings.
_FOUND = re.compile(r", (?:pattern|joint over pieces|alignment|voxels left out) = [^,;]*")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def same_method(quantity: str, first: str, second: str) -> bool:
    """Return whether values by these two methods may be compared.

    Numbers in a method may differ: they are settings that each examination finds anew, such as a threshold or a haematocrit. Not
    so for diffusion, whose numbers are the b-values. How much of a lesion lay outside the image is no method, nor is what was found
    (the pattern of necrosis, viable tumour in several pieces).
    """
    texts = [_settings(text) for text in (first, second)]
    if quantity not in _DIFFUSION:
        texts = [_NUMBER.sub("", text) for text in texts]
    return texts[0] == texts[1]


def join_methods(quantity: str, methods: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the methods that differ, each with those it stands for; where numbers are settings found anew, with their range.

    "threshold = 28" and "threshold = 31.2" become "threshold = 28 to 31.2".
    """
    groups: list[list[str]] = []
    for method in dict.fromkeys(methods):
        group = next((one for one in groups if same_method(quantity, one[0], method)), None)
        if group is None:
            groups.append([method])
        else:
            group.append(method)
    return {_joined([_settings(one) for one in group]): tuple(group) for group in groups}


def outside_image(method: str) -> str:
    """Return what a method says of the part of a lesion that lay outside the image; empty where it says nothing."""
    found = _OUTSIDE.search(method)
    return found.group().strip(";, ") if found else ""


def _settings(method: str) -> str:
    """A method without what it found."""
    return _FOUND.sub("", _OUTSIDE.sub("", method)).strip()


def _joined(texts: list[str]) -> str:
    """One text for several that differ only in their numbers."""
    between = _NUMBER.split(texts[0])
    ranges = []
    for numbers in zip(*(_NUMBER.findall(text) for text in texts), strict=True):
        ordered = sorted(set(numbers), key=float)
        ranges.append(ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}")
    return "".join(text + number for text, number in zip(between, [*ranges, ""], strict=True))

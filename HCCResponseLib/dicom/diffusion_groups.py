"""The frames of diffusion series sorted by b-value and gradient direction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .diffusion_elements import READ_FROM_TEXT
from .recognition import FrameKind, frame_kinds, is_source
from .series import Frame, Series

__all__ = ["NO_DIRECTION", "DiffusionFrames", "group_frames"]

B_VALUE_TOLERANCE = 0.025
"""b-values that differ by no more than this fraction (or 0.5 s/mm2) from the next one are one nominal b-value."""

SAME_DIRECTION = 0.9998
"""Cosine above which two gradients (of either sign) have one direction: 1.1 degrees."""

NO_DIRECTION = -1
"""At b = 0, for trace-weighted images, and where the direction is not told."""


@dataclass(frozen=True, eq=False)
class DiffusionFrames:
    """Frames that an ADC can be fitted to, in no order of space.

    :param frames: the frames.
    :param source: number of the series of each frame, int (frames,).
    :param values: nominal b-values, s/mm2, ascending, float64 (b,).
    :param group: number of the nominal b-value of each frame, int (frames,).
    :param direction: number of the gradient direction of each frame, int (frames,), or NO_DIRECTION.
    """

    frames: tuple[Frame, ...]
    source: np.ndarray
    values: np.ndarray
    group: np.ndarray
    direction: np.ndarray

    def of(self, g: int) -> list[Frame]:
        """Frames of b-value number ``g``."""
        return [self.frames[n] for n in np.flatnonzero(self.group == g)]

    def directions(self, g: int) -> int:
        """Number of gradient directions of b-value number ``g``; 0 where there are none."""
        return len(set(self.direction[self.group == g].tolist()) - {NO_DIRECTION})


def group_frames(series: Sequence[Series], label: str, b0_limit: float) -> tuple[DiffusionFrames, list[str]]:
    """Choose the frames to fit and sort them by b-value and direction.

    Images without direction among images with directions are left out: they are the scanner's mean of these.

    :param label: how messages name the series.
    :param b0_limit: b-values up to this are b = 0, s/mm2.
    :return: the frames, and notes on what was left out or assumed.
    :raises InputError: no source images, b-values missing, or all of one b-value.
    """
    notes: list[str] = []
    frames, traces, source = _source_frames(series, label, notes)
    b = _b_values(frames, [series[s].manufacturer for s in source], label, notes)
    group = _nominal(b, b0_limit)
    direction = _directions(frames, traces | (group == 0))
    keep = np.ones(len(frames), dtype=bool)
    for g in np.unique(group):
        told = (group == g) & (direction != NO_DIRECTION)
        extra = (group == g) & ~told
        if told.any() and extra.any():
            keep &= ~extra
            notes.append(
                f"{label}: {extra.sum()} trace-weighted images at b = {b[extra].mean():g} were left out; "
                "the directions they were made of are used.",
            )
    b, group, direction = b[keep], group[keep], direction[keep]
    numbers, group = np.unique(group, return_inverse=True)
    values = np.array([_mean_b(b[group == g], direction[group == g]) if number else 0.0 for g, number in enumerate(numbers)])
    if len(values) < 2:
        raise InputError(
            f"{label}: only one b-value (b = {values[0]:g}) was found; an ADC map needs two or more. "
            "If every b-value is a series of its own, choose these series together.",
        )
    for g, value in enumerate(values):
        found = np.unique(b[group == g])
        if (found != value).any():
            listing = ", ".join(f"{x:g}" for x in found[:8]) + (" ..." if len(found) > 8 else "")
            notes.append(f"{label}: the b-values {listing} were taken as b = {value:g}.")
    kept = tuple(frame for frame, k in zip(frames, keep, strict=True) if k)
    return DiffusionFrames(kept, source[keep], values, group, direction), notes


def _source_frames(series: Sequence[Series], label: str, notes: list[str]) -> tuple[list[Frame], np.ndarray, np.ndarray]:
    """Frames that may be fitted; which of them are trace-weighted, bool (frames,); number of their series, int (frames,)."""
    found = [(frame, kind, s) for s, one in enumerate(series) for frame, kind in zip(one.frames, frame_kinds(one), strict=True)]
    left = Counter(kind for _, kind, _ in found if not is_source(kind))
    listing = ", ".join(f"{count} x {kind}" for kind, count in left.items())
    found = [row for row in found if is_source(row[1])]
    if not found:
        raise InputError(f"{label} holds no source images, only results of the scanner ({listing}). Choose the diffusion-weighted series.")
    if left:
        notes.append(f"{label}: results of the scanner were left out: {listing}.")
    frames, kinds, source = zip(*found, strict=True)
    return list(frames), np.array([kind is FrameKind.TRACE for kind in kinds]), np.array(source)


def _b_values(frames: Sequence[Frame], manufacturers: Sequence[str], label: str, notes: list[str]) -> np.ndarray:
    """b-value of each frame, float64 (frames,)."""
    missing = [(f, m) for f, m in zip(frames, manufacturers, strict=True) if f.b_value is None]
    known = sorted({f.b_value for f in frames if f.b_value is not None})
    if not known:
        raise InputError(
            f"{label}: no b-values were found in its headers. Export the series again without removing private elements; "
            "if it was anonymised, keep the diffusion b-value (0018,9087).",
        )
    # Toshiba and Canon write the element only where a gradient is switched on
    if not all(manufacturer.casefold().startswith(("canon", "toshiba")) for _, manufacturer in missing):
        raise InputError(
            f"{label}: {len(missing)} of {len(frames)} images have no b-value (first '{missing[0][0].name}'); the others have "
            f"b = {', '.join(f'{b:g}' for b in known)}. Export the series again without removing private elements.",
        )
    if missing:
        notes.append(f"{label}: {len(missing)} images without b-value are taken as b = 0, where this manufacturer leaves it out.")
    for text in dict.fromkeys(f.b_value_source for f in frames if f.b_value_source in READ_FROM_TEXT):
        notes.append(f"{label}: b-values were read from the {text}, because the elements made for them are not in the headers.")
    return np.array([f.b_value or 0.0 for f in frames])


def _nominal(b: np.ndarray, b0_limit: float) -> np.ndarray:
    """Number of the nominal b-value of each frame, int (frames,), ascending; 0 is b = 0 and may be without frames."""
    weighted = b > b0_limit
    distinct = np.unique(b[weighted])
    starts = np.diff(distinct, prepend=-np.inf) > np.maximum(0.5, B_VALUE_TOLERANCE * distinct)
    number = np.zeros(len(b), dtype=int)
    number[weighted] = np.cumsum(starts)[np.searchsorted(distinct, b[weighted])]
    return number


def _mean_b(b: np.ndarray, direction: np.ndarray) -> float:
    """b-value of the geometric mean over directions: the mean over directions, whatever the number of their repeats."""
    return float(np.mean([b[direction == d].mean() for d in np.unique(direction)]))


def _directions(frames: Sequence[Frame], without: np.ndarray) -> np.ndarray:
    """Number of the gradient direction of each frame, int (frames,); NO_DIRECTION for those ``without`` and where untold."""
    numbers: dict[tuple, int] = {}
    direction = np.full(len(frames), NO_DIRECTION)
    for n, frame in enumerate(frames):
        vector = frame.gradient_direction
        if vector is None or without[n]:
            continue
        if vector not in numbers:
            same = (number for known, number in numbers.items() if abs(np.dot(known, vector)) > SAME_DIRECTION)
            numbers[vector] = next(same, len(set(numbers.values())))
        direction[n] = numbers[vector]
    return direction

"""The frames of a dynamic series put together into time points, in no order of time yet.

By temporal position, else by acquisition number (Siemens), else by series, else by equal times, else by the order of times
within each slice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .checks import listing
from .clocks import Clock
from .series import Frame

__all__ = ["TimeGroups", "check_repeated", "put_together", "warn_incomplete"]

INCOMPLETE_FRACTION = 0.1
"""Up to this part of the time points (and always one) may lack slices and be left out."""


@dataclass(frozen=True, eq=False)
class TimeGroups:
    """Frames put together.

    :param basis: what tells them apart, in words.
    :param index: group of each frame, int (frames,), in the order of the keys.
    :param keys: one for each group.
    :param counts: frames of each group in each slice, int (groups, slices).
    :param ordered: the keys tell the order of time.
    """

    basis: str
    index: np.ndarray
    keys: tuple
    counts: np.ndarray
    ordered: bool

    @property
    def complete(self) -> np.ndarray:
        """Groups with one frame in every slice, bool (groups,)."""
        return (self.counts == 1).all(axis=1)


def put_together(
    frames: Sequence[Frame], place: np.ndarray, source: np.ndarray, found: list[Clock], label: str, by_number: bool,
) -> TimeGroups:
    """Find what tells the time points apart.

    :param place: slice number of each frame, int (frames,).
    :param source: number of the series of each frame, int (frames,).
    :param found: clocks of the frames.
    :param by_number: the instance number may decide where nothing else does.
    :raises InputError: nothing tells them apart.
    """
    several = source.max() > 0
    bases = [
        ("temporal position", [frame.temporal_position for frame in frames], not several),
        ("acquisition number", [frame.acquisition_number for frame in frames], False),
        ("series", [0 for _ in frames] if several else [None for _ in frames], False),
        *((clock.name, clock.seconds.tolist(), True) for clock in found if np.isfinite(clock.seconds).all()),
    ]
    repeated = None
    for basis, values, ordered in bases:
        if any(value is None for value in values):
            continue
        groups = _group(basis, list(zip(source.tolist(), values, strict=True)), place, ordered)
        if (groups.counts == 1).mean() < 0.5:
            continue
        if ((groups.counts > 1).mean(axis=1) < 0.5).all():
            return groups
        # a whole time point is repeated, unless something else tells its images apart
        repeated = repeated or groups
    ranks = [(f"{clock.name} within each slice", clock.seconds) for clock in found]
    if by_number:
        ranks.append(("instance number", np.array([np.nan if f.instance_number is None else f.instance_number for f in frames])))
    counts = np.bincount(place)
    for basis, values in ranks:
        rank = _rank(values, place)
        if rank is not None and counts.min() == counts.max():
            return _group(basis, rank.tolist(), place, ordered=True)
    if repeated is not None:
        return repeated
    if counts.min() != counts.max():
        usual = int(np.bincount(counts).argmax())
        odd = np.flatnonzero(counts != usual)
        raise InputError(
            f"{label}: the slices do not have equally many images: {usual} in most of its {len(counts)} slices, but "
            f"{', '.join(f'{counts[k]} in slice {k + 1}' for k in odd[:5])}, and the headers do not tell which of them belong to one time. "
            "Export the whole series again, once, into an empty folder.",
        )
    raise InputError(
        f"{label}: {counts[0]} images of each slice were found, but neither temporal positions nor times tell them apart. "
        "Enter the times of its time points, in seconds.",
    )


def _group(basis: str, keys: list, place: np.ndarray, ordered: bool) -> TimeGroups:
    distinct = sorted(set(keys))
    number = {key: n for n, key in enumerate(distinct)}
    index = np.array([number[key] for key in keys])
    counts = np.zeros((len(distinct), place.max() + 1), dtype=int)
    np.add.at(counts, (index, place), 1)
    return TimeGroups(basis, index, tuple(distinct), counts, ordered)


def _rank(values: np.ndarray, place: np.ndarray) -> np.ndarray | None:
    """Rank of each frame among those of its slice, int (frames,); None where values are missing or repeat in a slice."""
    if not np.isfinite(values).all():
        return None
    rank = np.empty(len(values), dtype=int)
    for k in np.unique(place):
        own = np.flatnonzero(place == k)
        if len(np.unique(values[own])) < len(own):
            return None
        rank[own[np.argsort(values[own])]] = np.arange(len(own))
    return rank


def check_repeated(groups: TimeGroups, frames: Sequence[Frame], place: np.ndarray, label: str) -> None:
    """No time point may have two images of a slice.

    :raises InputError: one has.
    """
    repeated = np.argwhere(groups.counts > 1)
    if len(repeated):
        g, k = repeated[0]
        names = [frames[n].name for n in np.flatnonzero((groups.index == g) & (place == k))]
        raise InputError(
            f"{label}: {len(repeated)} images are repeated (told apart by {groups.basis}): time point {g + 1} has slice {k + 1} "
            f"{len(names)} times ('{names[0]}' and '{names[1]}'). Export the whole series again, once, into an empty folder.",
        )


def warn_incomplete(groups: TimeGroups, label: str) -> list[str]:
    """Tell which time points lack slices and are left out.

    :raises InputError: they are too many.
    """
    lacking = np.flatnonzero(~groups.complete)
    if not len(lacking):
        return []
    slices = groups.counts.shape[1]
    told = ", ".join(f"time point {g + 1} (slices {listing(np.flatnonzero(groups.counts[g] == 0) + 1)})" for g in lacking[:5])
    more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
    if len(lacking) > max(1, INCOMPLETE_FRACTION * len(groups.keys)) or len(lacking) == len(groups.keys):
        raise InputError(
            f"{label}: images are missing at {len(lacking)} of {len(groups.keys)} time points of {slices} slices: {told}{more}. "
            "Export the whole series again.",
        )
    return [f"{label}: incomplete and therefore left out: {told}{more}."]

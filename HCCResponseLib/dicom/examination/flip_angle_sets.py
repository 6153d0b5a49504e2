"""Series that differ in nothing but the flip angle: measured together to map T1."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...response.roles import Role
from ..image_kind import ImageKind
from ..pulse_sequence import Echo
from ..recognition import Confidence, Recognition
from ..recognition.hints import names_flip_angles
from .acquisition import Acquisition, protocol_of

__all__ = ["flip_angle_sets"]

SAME_REPETITION_TIME = 0.01
SAME_ECHO_TIME = 0.03
"""Relative differences that rounding explains."""

LONGEST_S = 900.0
"""A set is measured in one go; a hepatobiliary phase of another flip angle comes later."""

LONGEST_PAIR_S = 300.0
"""Two flip angles, that no name calls a set, must follow each other closely."""


def flip_angle_sets(before: Sequence[Acquisition], after: Sequence[Acquisition]) -> list[tuple[Recognition, list[Acquisition]]]:
    """Find the sets among the acquisitions that are not surely after contrast.

    A flip angle that was acquired more often than the others, or after contrast too, is that of the dynamic phases. They are
    taken into a set only where it would have one flip angle without them, and stay phases.

    :return: each set, its series by ascending flip angle, with the acquisitions that are of no other use.
    """
    groups: dict[tuple, list[Acquisition]] = defaultdict(list)
    for one in (*before, *after):
        physics = one.physics
        if physics.echo is Echo.GRADIENT and physics.flip_angle_deg and physics.repetition_time_s and physics.echo_time_s:
            if physics.kind in {ImageKind.SIGNAL, ImageKind.WATER}:
                groups[protocol_of(one.series, physics)].append(one)
    later = {id(one) for one in after}
    return [found for group in groups.values() for same in _same_times(group) for found in _sets(same, later)]


def _same_times(group: list[Acquisition]) -> list[list[Acquisition]]:
    """Take apart acquisitions of different repetition or echo times."""
    clusters: list[list[Acquisition]] = []
    for one in sorted(group, key=lambda a: (a.physics.repetition_time_s, a.physics.echo_time_s)):
        for cluster in clusters:
            first = cluster[0].physics
            if _close(first.repetition_time_s, one.physics.repetition_time_s, SAME_REPETITION_TIME) and _close(
                first.echo_time_s, one.physics.echo_time_s, SAME_ECHO_TIME,
            ):
                cluster.append(one)
                break
        else:
            clusters.append([one])
    return clusters


def _close(a: float, b: float, tolerance: float) -> bool:
    return abs(a - b) <= tolerance * min(a, b)


def _sets(group: list[Acquisition], later: set[int]) -> list[tuple[Recognition, list[Acquisition]]]:
    by_angle: dict[float, list[Acquisition]] = defaultdict(list)
    for one in sorted(group, key=lambda a: a.start_s):
        by_angle[round(one.physics.flip_angle_deg, 1)].append(one)
    fewest = min(map(len, by_angle.values()))
    own = {angle: ones for angle, ones in by_angle.items() if len(ones) == fewest and not any(id(one) in later for one in ones)}
    shared = {}
    if len(own) == 1:
        # the last native acquisition of each phase angle
        native = {angle: [one for one in ones if id(one) not in later] for angle, ones in by_angle.items() if angle not in own}
        shared = {angle: ones[-1:] for angle, ones in native.items() if ones}
        own = {angle: ones[:1] for angle, ones in own.items()}
    angles = sorted({**own, **shared})
    found = []
    for n in range(min(map(len, own.values()), default=0) if len(angles) > 1 else 0):
        members = [(own.get(angle) or shared[angle])[n] for angle in angles]
        recognition = _recognised(members)
        if recognition is not None:
            found.append((recognition, [one for ones in own.values() for one in ones[n : n + 1]]))
    return found


def _recognised(members: list[Acquisition]) -> Recognition | None:
    starts = np.array([one.start_s for one in members])
    named = sum(names_flip_angles(one.series.description) for one in members) >= len(members) - 1
    lasted = float(np.ptp(starts)) if np.isfinite(starts).all() else None
    if lasted is not None and lasted > (LONGEST_S if named or len(members) > 2 else LONGEST_PAIR_S):
        return None
    if lasted is None and not named and len(members) < 3:
        return None
    listing = ", ".join(f"{one.physics.flip_angle_deg:g}" for one in members)
    when = f", acquired within {lasted:.0f} s" if lasted else ""
    physics = replace(members[0].physics, flip_angle_deg=None)
    reason = f"{physics}; {len(members)} series{when} differ in nothing but the flip angle: {listing}°."
    confidence = Confidence.SURE if len(members) > 2 else Confidence.LIKELY
    return Recognition(Role.VFA, reason, tuple(one.series for one in members), confidence)

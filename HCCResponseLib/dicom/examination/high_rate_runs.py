"""A high-rate dynamic series whose every time point was exported as a series of its own."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ...response.roles import Role
from ..recognition import Recognition
from ..recognition.time_parts import HIGH_RATE_STEP_S, HIGH_RATE_TIME_POINTS
from .acquisition import Acquisition, protocol_of

__all__ = ["high_rate_runs"]


def high_rate_runs(candidates: Sequence[Acquisition]) -> list[tuple[Recognition, list[Acquisition]]]:
    """Find the runs of ten and more acquisitions of one protocol and flip angle that follow each other within 30 s.

    :return: each run, its series in the order of time, with the acquisitions it is made of.
    """
    groups: dict[tuple, list[Acquisition]] = defaultdict(list)
    for one in candidates:
        if np.isfinite(one.start_s) and not one.series.part:
            groups[*protocol_of(one.series, one.physics), one.physics.flip_angle_deg].append(one)
    found = []
    for group in groups.values():
        group.sort(key=lambda one: one.start_s)
        breaks = np.flatnonzero(np.diff([one.start_s for one in group]) > HIGH_RATE_STEP_S) + 1
        for run in np.split(np.arange(len(group)), breaks):
            if len(run) < HIGH_RATE_TIME_POINTS:
                continue
            members = [group[n] for n in run]
            seconds = np.array([one.start_s for one in members])
            step = float(np.median(np.diff(seconds)))
            reason = f"{members[0].physics}; {len(members)} series of one protocol, one every {step:.3g} s for {np.ptp(seconds):.0f} s."
            found.append((Recognition(Role.DCE, reason, tuple(one.series for one in members)), members))
    return found

"""When the contrast agent was injected: told by the headers, or inferred from the series before and after it.

ContrastBolusStartTime is believed unless it merely repeats the acquisition time of some images. Without it, the first
acquisition after contrast is taken for the phase that its name says, else for a late arterial one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...response.roles import Role
from ..contrast_agent import AgentKind, agent_kind
from ..recognition import Confidence
from ..recognition.hints import phase_named
from .acquisition import Acquisition, protocol_of
from .phases import usual_time_s

__all__ = ["Injection", "agent_of", "find_injection", "is_after_contrast", "told_injections"]

COPIED_S = 1.0
"""A bolus time this near to the beginning of a phase was copied from there; only a high-rate series may begin with the bolus."""

SAME_INJECTION_S = 5.0
LONG_BREAK_S = 360.0
"""After such a time without images, the first ones need not be arterial."""

ASSUMED_PHASES = 4
"""So many acquisitions of one protocol are taken for phases although nothing speaks of contrast; one less where all do."""


@dataclass(frozen=True)
class Injection:
    """When the contrast agent was injected.

    :param starts_s: start of each injection on the time line of the examination, ascending.
    :param how: where that is known from, as it ends the sentence "32 s after ...".
    :param confidence: of the phases that follow from it.
    :param told: by the headers.
    :param warnings: what the user should look at.
    """

    starts_s: tuple[float, ...]
    how: str
    confidence: Confidence
    told: bool
    warnings: tuple[str, ...] = ()

    def time_since(self, start_s: float) -> float:
        """Time after the last injection before ``start_s`` [s]; negative before the first."""
        before = [start for start in self.starts_s if start <= start_s]
        return start_s - (before[-1] if before else self.starts_s[0])


def told_injections(found: Sequence[Acquisition]) -> tuple[list[float], tuple[str, ...]]:
    """Starts of the injections that headers tell, ascending, and warnings about those that are not believed."""
    told = [one for one in found if np.isfinite(one.injected_s)]
    began = np.array([one.start_s for one in found if np.isfinite(one.start_s) and one.weighting.role is not Role.DCE])
    copied = [one for one in told if (np.abs(began - one.injected_s) <= COPIED_S).any()]
    starts: list[float] = []
    for seconds in sorted(one.injected_s for one in told if one not in copied):
        if not starts or seconds - starts[-1] > SAME_INJECTION_S:
            starts.append(seconds)
    warnings = ()
    if copied:
        warnings = (
            f"{copied[0].series.label}: its contrast bolus start time is the time at which images were acquired"
            + (f" (so in {len(copied)} acquisitions)" if len(copied) > 1 else "") + " and was not believed.",
        )
    return starts, warnings


def agent_of(found: Sequence[Acquisition]) -> AgentKind:
    """Kind of the contrast agent that the headers name."""
    kinds = [agent_kind(one.series.contrast_agent) for one in found if one.series.contrast_agent]
    return next((kind for kind in kinds if kind is not AgentKind.UNKNOWN), AgentKind.UNKNOWN)


def is_after_contrast(one: Acquisition, found: Sequence[Acquisition], told: Sequence[float]) -> bool:
    """Tell whether an acquisition is surely after contrast: by bolus time, or by the agent that others do not name."""
    if told and np.isfinite(one.start_s):
        return one.start_s >= told[0]
    return bool(one.series.contrast_agent) and any(not other.series.contrast_agent for other in found)


def find_injection(candidates: Sequence[Acquisition], told: Sequence[float]) -> Injection | None:
    """Find the injection that the phases follow.

    :param candidates: T1-weighted acquisitions that may be phases, with known times, in the order of time.
    :param told: see :func:`told_injections`.
    :return: None where nothing speaks of contrast, or not enough to tell before from after.
    """
    if not candidates:
        return None
    if told and (any(one.start_s > told[0] for one in candidates) or not any(one.series.contrast_agent for one in candidates)):
        return Injection(tuple(told), "the injection (ContrastBolusStartTime)", Confidence.SURE, told=True)
    before, confidence = _before_contrast(candidates)
    after = [] if before is None else [one for one in candidates if one not in before]
    return _inferred(before, after, confidence) if after else None


def _before_contrast(candidates: Sequence[Acquisition]) -> tuple[list[Acquisition] | None, Confidence]:
    """Acquisitions before contrast, None where they cannot be told, and how far that can be relied upon."""
    without = [one for one in candidates if not one.series.contrast_agent]
    given = [one for one in candidates if one.series.contrast_agent]
    named = [(one, phase_named(one.series.description)) for one in candidates]
    if given and without:
        return [one for one in without if one.start_s < given[0].start_s], Confidence.LIKELY
    native = [one for one, role in named if role is Role.NATIVE]
    if native:
        return [one for one in candidates if one.start_s <= native[-1].start_s], Confidence.LIKELY
    first = next((one for one, role in named if role is not None), None)
    if first is not None:
        return [one for one in candidates if one.start_s < first.start_s], Confidence.LIKELY
    protocols: dict[tuple, list[Acquisition]] = defaultdict(list)
    for one in candidates:
        protocols[*protocol_of(one.series, one.physics), one.physics.flip_angle_deg].append(one)
    most = max(protocols.values(), key=len)
    if len(most) >= (ASSUMED_PHASES - 1 if given else ASSUMED_PHASES):
        return [one for one in candidates if one.start_s <= most[0].start_s], Confidence.DOUBTFUL
    return None, Confidence.DOUBTFUL


def _inferred(before: Sequence[Acquisition], after: Sequence[Acquisition], confidence: Confidence) -> Injection:
    first = after[0]
    named = phase_named(first.series.description)
    role = named if named not in {None, Role.NATIVE} else Role.ARTERIAL
    start = first.start_s - usual_time_s(role)
    warnings = []
    if before:
        start = max(start, before[-1].start_s)
        if named is None and first.start_s - before[-1].start_s > LONG_BREAK_S:
            confidence = Confidence.DOUBTFUL
            warnings.append(
                f"{first.series.label}: {(first.start_s - before[-1].start_s) / 60:.0f} min lie between it and the last images before "
                "contrast, so it need not be an arterial phase; check the phases.",
            )
    elif named is None:
        confidence = Confidence.DOUBTFUL
    how = (
        f"an injection that the headers do not time ({first.series.label} is taken for the {role.title.lower()}, "
        f"{first.start_s - start:.0f} s after it)"
    )
    if confidence is Confidence.DOUBTFUL and not warnings:
        warnings.append("The headers tell neither the injection time nor which images were acquired before it; check the phases.")
    return Injection((start,), how, confidence, told=False, warnings=tuple(warnings))

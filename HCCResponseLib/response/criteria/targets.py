"""Which lesions are targets, non-targets and new: the user's choice, and the rule's proposal where he made none.

RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228): at most five targets, two in an organ, all lymph nodes being one organ; the
largest that can be measured reliably. What a user chose is never changed; where it departs from the rule a note says so.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..case import Case, Lesion, LesionKind
from ..finding import LesionState
from .limits import at_least, show
from .reading import Reading
from .sightings import first_sighting
from .size_rule import NORMAL_NODE_MM
from .timeline import examination_label

__all__ = ["MOST_TARGETS", "MOST_TARGETS_IN_AN_ORGAN", "LesionChoice", "Selection", "TargetRule", "select_lesions"]

MOST_TARGETS = 5
MOST_TARGETS_IN_AN_ORGAN = 2
SMALLEST_MM = 10.0
SMALLEST_NODE_MM = 15.0
THICK_SLICES_MM = 5.0
"""Slices thicker than this raise the smallest target to twice their thickness."""


@dataclass(frozen=True)
class LesionChoice:
    """What a lesion counts as, and why.

    :param kind: None where it counts as nothing: normal, or a part of another lesion.
    :param reason: one sentence.
    :param by_user: the user chose; otherwise the rule proposes.
    :param undecided_since: examination from which on it keeps the response from being told: it may be new, and only the user can
        say; None where nothing is open.
    """

    lesion: Lesion
    kind: LesionKind | None
    reason: str
    by_user: bool
    undecided_since: int | None = None


@dataclass(frozen=True)
class Selection:
    """Choice for every lesion of a case, and notes where a choice departs from the rule."""

    choices: tuple[LesionChoice, ...]
    notes: tuple[str, ...] = ()

    def of_kind(self, kind: LesionKind) -> tuple[Lesion, ...]:
        """Lesions of a kind, in the order of the case."""
        return tuple(one.lesion for one in self.choices if one.kind is kind)

    @property
    def targets(self) -> tuple[Lesion, ...]:
        """Lesions whose sizes are added up."""
        return self.of_kind(LesionKind.TARGET)

    @property
    def non_targets(self) -> tuple[Lesion, ...]:
        """All other lesions of the baseline."""
        return self.of_kind(LesionKind.NON_TARGET)

    @property
    def new(self) -> tuple[Lesion, ...]:
        """Lesions that appeared under therapy."""
        return self.of_kind(LesionKind.NEW)

    @property
    def undecided(self) -> tuple[LesionChoice, ...]:
        """Lesions that keep the response from being told until the user decides."""
        return tuple(one for one in self.choices if one.undecided_since is not None)

    def restricted(self, keep: Callable[[LesionChoice], LesionChoice | None]) -> "Selection":
        """Return the selection with each choice changed, or left out where ``keep`` returns None."""
        return replace(self, choices=tuple(one for one in map(keep, self.choices) if one is not None))


@dataclass(frozen=True)
class TargetRule:
    """When a lesion may be a target.

    :param quantities_of: the diameter that decides.
    :param obstacle: why a lesion may not be one by what it is, whatever its size; "" where nothing is against it.
    :param smallest_node_mm: short axis from which a lymph node may be one.
    :param normal_node_mm: short axis below which a lymph node is normal.
    """

    quantities_of: Callable[[Lesion], tuple[str, ...]]
    obstacle: Callable[[Lesion], str]
    smallest_node_mm: Callable[[Lesion], float] = lambda _lesion: SMALLEST_NODE_MM
    normal_node_mm: Callable[[Lesion], float] = lambda _lesion: NORMAL_NODE_MM


def select_lesions(case: Case, rule: TargetRule, *, reader: str | None = None) -> Selection:
    """Keep the user's choice for each lesion, and propose one where there is none.

    Lesions that the baseline does not show are never proposed to be new: they may have been overlooked. They stay undecided.

    :raises InputError: several readers and none chosen.
    """
    reading = Reading.of(case, reader, rule.quantities_of)
    decided: dict[str, LesionChoice] = {}
    candidates: list[tuple[float, Lesion]] = []
    notes: list[str] = []
    for lesion in case.lesions:
        if reason := case.exclusion(lesion.uid):
            decided[lesion.uid] = LesionChoice(lesion, None, f"left out by the user: {reason}", True)
            continue
        if lesion.kind is not None:
            decided[lesion.uid] = LesionChoice(lesion, lesion.kind, f"{lesion.kind} by the user's choice", True)
            continue
        if lesion.split_from:
            reason = f"part of {reading.name(lesion.split_from)}"
            decided[lesion.uid] = LesionChoice(lesion, None, reason, False)
            continue
        first = first_sighting(case, reading, lesion)
        if first is None:
            decided[lesion.uid] = LesionChoice(lesion, None, "no examination shows it", False)
        elif (node := _node_not_at_baseline(reading, rule, lesion)) is not None:
            decided[lesion.uid] = node
        elif first > 0:
            reason = f"first seen at {examination_label(case, first)}: new, or overlooked at baseline"
            decided[lesion.uid] = LesionChoice(lesion, None, reason, False, undecided_since=first)
        else:
            size, problem = _suitability(reading, rule, lesion)
            if problem:
                decided[lesion.uid] = LesionChoice(lesion, LesionKind.NON_TARGET, problem, False)
            else:
                candidates.append((size, lesion))
    organs = [_organ(one.lesion) for one in decided.values() if one.kind is LesionKind.TARGET]
    # The largest first; among equals the order of the case.
    for size, lesion in sorted(candidates, key=lambda one: -one[0]):
        organ = _organ(lesion)
        if len(organs) >= MOST_TARGETS:
            kind, reason = LesionKind.NON_TARGET, f"there are {MOST_TARGETS} targets already"
        elif organs.count(organ) >= MOST_TARGETS_IN_AN_ORGAN:
            kind, reason = LesionKind.NON_TARGET, f"there are {MOST_TARGETS_IN_AN_ORGAN} targets in {organ} already"
        else:
            organs.append(organ)
            kind, reason = LesionKind.TARGET, f"{show(size, 'mm')}, among the largest that can be measured"
        decided[lesion.uid] = LesionChoice(lesion, kind, reason, False)
    choices = tuple(decided[lesion.uid] for lesion in case.lesions)
    proposed = [reading.name(one.lesion.uid) for one in choices if one.kind is LesionKind.TARGET and not one.by_user]
    if proposed:
        notes.append(f"Targets proposed by the rule, not chosen by the user: {', '.join(proposed)}.")
    return Selection(choices, (*notes, *_departures(reading, rule, choices, organs)))


def _departures(reading: Reading, rule: TargetRule, choices: tuple[LesionChoice, ...], organs: list[str]) -> list[str]:
    """Sentences on where the user's choice is not what the rule allows."""
    notes = []
    if len(organs) > MOST_TARGETS:
        notes.append(f"{len(organs)} targets were chosen; the rule allows {MOST_TARGETS}.")
    notes += [
        f"{organs.count(organ)} targets were chosen in {organ}; the rule allows {MOST_TARGETS_IN_AN_ORGAN}."
        for organ in dict.fromkeys(organs)
        if organs.count(organ) > MOST_TARGETS_IN_AN_ORGAN
    ]
    for one in choices:
        name = reading.name(one.lesion.uid)
        if one.by_user and one.kind is LesionKind.TARGET:
            problem = _suitability(reading, rule, one.lesion)[1]
            if problem:
                notes.append(f"{name} is a target by the user's choice, although the rule does not take it: {problem}.")
        if one.undecided_since is not None:
            notes.append(f"{name} is not decided on ({one.reason}); say what it is, then the response can be told.")
    return notes


def _suitability(reading: Reading, rule: TargetRule, lesion: Lesion) -> tuple[float, str]:
    """Return the decisive baseline diameter and why the lesion may not be a target ("" where it may)."""
    obstacle = rule.obstacle(lesion)
    if obstacle:
        return math.nan, obstacle
    quantity = rule.quantities_of(lesion)[0]
    row = reading.row(lesion.uid, 0, quantity)
    if row is None or math.isnan(row.value):
        return math.nan, "not measured at baseline"
    smallest = rule.smallest_node_mm(lesion) if lesion.lymph_node else SMALLEST_MM
    thickness = _slice_thickness(reading.case, row.source_series)
    because = ""
    if not lesion.lymph_node and thickness > THICK_SLICES_MM:
        smallest, because = 2.0 * thickness, f", twice the slice thickness of {show(thickness, 'mm')}"
    if not at_least(row.value, smallest):
        return row.value, f"{show(row.value, 'mm', smallest)} at baseline, under {show(smallest, 'mm')}{because}"
    return row.value, ""


def _slice_thickness(case: Case, source_series: str) -> float:
    """Thickest slices among the baseline images that a measurement comes from; 0 where it is not known."""
    known = [
        image.slice_thickness_mm
        for image in case.images
        if image.time_point == 0 and image.slice_thickness_mm and ({image.series_uid, image.name} - {""}) & set(_series(source_series))
    ]
    return max(known, default=0.0)


def _series(source_series: str) -> list[str]:
    return [one.strip() for one in source_series.split(",")]


def _node_not_at_baseline(reading: Reading, rule: TargetRule, lesion: Lesion) -> LesionChoice | None:
    """Return what a lymph node counts as that is normal at baseline or not seen there; None for all other lesions."""
    states = [reading.state(lesion.uid, one.index) for one in reading.case.time_points]
    if not lesion.lymph_node or LesionState.PRESENT in states:
        return None
    limit = rule.normal_node_mm(lesion)
    rows = {one.index: reading.row(lesion.uid, one.index, "SHORT_AXIS") for one in reading.case.time_points}
    sizes = {index: row.value for index, row in rows.items() if row is not None and not math.isnan(row.value)}
    large = [index for index, size in sizes.items() if at_least(size, limit)]
    if not sizes or 0 in large:
        return None
    if not large:
        return LesionChoice(lesion, None, f"lymph node with a short axis under {limit:g} mm, not taken for malignant", False)
    when = examination_label(reading.case, large[0])
    reason = f"lymph node of {show(sizes[large[0]], 'mm')} at {when}, not so at baseline: new disease or not"
    return LesionChoice(lesion, None, reason, False, undecided_since=large[0])


def _organ(lesion: Lesion) -> str:
    return "lymph nodes" if lesion.lymph_node else lesion.organ.strip().casefold()

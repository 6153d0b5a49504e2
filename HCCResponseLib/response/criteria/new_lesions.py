"""New lesions: since when, and whether they count.

An equivocal lesion counts from its first sighting on when a later examination confirms it (RECIST 1.1). What counts as new differs:
RECIST takes every malignant lesion, but lymph nodes only from 10 mm; mRECIST asks a nodule in the liver for size and enhancement.
Where that cannot be told, the lesion is open, and the response cannot be told either.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..case import Lesion
from ..measurement import Measurement
from .limits import at_least, show
from .reading import Reading
from .sightings import sightings
from .size_rule import NORMAL_NODE_MM
from .targets import Selection
from .timeline import examination_label

__all__ = ["ANY_NEW_LESION", "NewLesion", "NewLesionRule", "Verdict", "find_new_lesions"]


class Verdict(NamedTuple):
    """Whether a new lesion counts (None: it cannot be told), and why not."""

    counts: bool | None
    why: str = ""


@dataclass(frozen=True)
class NewLesion:
    """A lesion that was marked as new.

    :param since: first examination that shows it; 0 where that is no follow-up.
    :param counts: None where it cannot be told.
    :param reason: clause for the sentence.
    :param rows: measurements used.
    """

    lesion: Lesion
    since: int
    counts: bool | None
    reason: str
    rows: tuple[Measurement, ...] = ()


@dataclass(frozen=True)
class NewLesionRule:
    """Which new lesions count.

    :param normal_node_mm: short axis below which a lymph node is normal.
    :param verdict: asked for any other lesion and its long axes in the examinations that show it beyond doubt, in order of time.
    """

    normal_node_mm: Callable[[Lesion], float] = lambda _lesion: NORMAL_NODE_MM
    verdict: Callable[[Lesion, list[float]], Verdict] = lambda _lesion, _sizes: Verdict(True)


ANY_NEW_LESION = NewLesionRule()
"""RECIST 1.1: every new lesion counts, a lymph node from 10 mm short axis."""


def find_new_lesions(reading: Reading, selection: Selection, rule: NewLesionRule) -> tuple[NewLesion, ...]:
    """Return what is to be said of every lesion that was marked as new."""
    return tuple(_judge(reading, lesion, rule) for lesion in selection.new)


def _judge(reading: Reading, lesion: Lesion, rule: NewLesionRule) -> NewLesion:
    case, name = reading.case, reading.name(lesion.uid)
    seen = sightings(case, reading, lesion)
    rows = _rows(reading, lesion, seen)
    if not seen:
        return NewLesion(lesion, 0, None, f"{name} is marked as new, but no examination shows it")
    if lesion.lymph_node and rows:
        # A normal node is no lesion yet.
        limit = rule.normal_node_mm(lesion)
        largest = max(row.value for row in rows.values())
        seen = {index: certain for index, certain in seen.items() if index in rows and at_least(rows[index].value, limit)}
        if not seen:
            why = f"a lymph node of {show(largest, 'mm', limit)} is not taken for malignant under {limit:g} mm"
            return _without_effect(reading, lesion, min(rows), Verdict(False, why), rows)
    since = min(seen)
    if since == 0:
        return NewLesion(lesion, 0, None, f"{name} is marked as new, but the baseline shows it")
    label = examination_label(case, since)
    certain = [index for index, beyond_doubt in seen.items() if beyond_doubt]
    if not certain:
        return NewLesion(lesion, since, False, f"new lesion {name} is equivocal since {label} and not confirmed")
    if lesion.lymph_node:
        verdict = Verdict(True) if rows else Verdict(None, "its short axis was not measured")
    else:
        verdict = rule.verdict(lesion, [rows[index].value for index in certain if index in rows])
    if not verdict.counts:
        return _without_effect(reading, lesion, since, verdict, rows)
    size = f" ({show(rows[since].value, 'mm')})" if since in rows else ""
    later = "" if seen[since] else f", confirmed at {examination_label(case, certain[0])}"
    return NewLesion(lesion, since, True, f"new lesion {name}{size} since {label}{later}", tuple(rows.values()))


def _rows(reading: Reading, lesion: Lesion, seen: Iterable[int]) -> dict[int, Measurement]:
    """Return its longest diameter (lymph node: short axis) in the examinations that show it and where it was measured."""
    quantity = "SHORT_AXIS" if lesion.lymph_node else "LONG_AXIS"
    rows = {index: reading.row(lesion.uid, index, quantity) for index in seen}
    return {index: row for index, row in rows.items() if row is not None and row.value > 0.0}


def _without_effect(reading: Reading, lesion: Lesion, since: int, verdict: Verdict, rows: dict[int, Measurement]) -> NewLesion:
    word = "does not count" if verdict.counts is False else "may count"
    reason = f"new lesion {reading.name(lesion.uid)} since {examination_label(reading.case, since)} {word}: {verdict.why}"
    return NewLesion(lesion, since, verdict.counts, reason, tuple(rows.values()))

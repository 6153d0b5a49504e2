"""The course of a case as plots show it: waterfall, spider and swimmer, as plain values.

Matplotlib draws them in the report, MRML plot nodes in the application; both draw the same numbers.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from .case import Case, Lesion
from .criteria.assessment import CaseAssessment
from .criteria.category import Assessment, Category, CriterionResult
from .criteria.timeline import examination_label, timeline, week_of
from .finding import LesionState
from .lesion_grid import GridCell, LesionGrid, lesion_grid
from .quantities import Quantity, find_quantity

__all__ = [
    "SUM",
    "CoursePoint",
    "Event",
    "EventKind",
    "Lane",
    "Spider",
    "SpiderLine",
    "Swimmer",
    "Treatment",
    "Waterfall",
    "WaterfallBar",
    "spider",
    "swimmer",
    "waterfall",
]

SUM = "Sum of targets"
"""Label of the bar and the line that belong to no lesion."""

_RESPONSE_IS_RISE = ("ADC", "D", "T1", "NECROTIC_VOLUME", "NECROTIC_FRACTION", "NECROSIS_SCORE")
"""Quantities that rise when a tumour responds; the best change of all others is the lowest."""


@dataclass(frozen=True)
class WaterfallBar:
    """Best change of a lesion, or of the sum of the targets.

    :param lesion_uid: "" for the sum.
    :param percent: change from the baseline.
    :param time_point: examination in which it was best, the first of equals.
    :param inside_repeatability: to be drawn grey.
    :param category: overall response in that examination, of the sum; None for a lesion.
    """

    label: str
    lesion_uid: str
    percent: float
    time_point: int
    inside_repeatability: bool = False
    category: Category | None = None


@dataclass(frozen=True)
class Waterfall:
    """Best changes.

    :param bars: the sum first, then the lesions from the worst change to the best.
    :param missing: lesions without any change, each with why in a sentence.
    """

    quantity: Quantity
    title: str
    bars: tuple[WaterfallBar, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class CoursePoint:
    """Change of a lesion at one examination; ``x`` is the week, or the number of the examination where weeks are not known."""

    time_point: int
    x: float
    value: float
    percent: float
    inside_repeatability: bool = False


@dataclass(frozen=True)
class SpiderLine:
    """Change of one lesion (``lesion_uid``), or of the sum ("")."""

    label: str
    lesion_uid: str
    points: tuple[CoursePoint, ...]


@dataclass(frozen=True)
class Spider:
    """Changes from the baseline over time.

    :param x_label: "weeks from baseline" or "examination".
    :param lines: the sum first, then the lesions in the order of the case; those with a baseline value only.
    """

    quantity: Quantity
    title: str
    x_label: str
    lines: tuple[SpiderLine, ...]
    missing: tuple[str, ...] = ()


class EventKind(StrEnum):
    """What happened in a lane of a swimmer plot."""

    CATEGORY = "category"
    """The answer of a criterion; the label is the category."""
    FINDING = "finding"
    SIGNAL_RISE = "T1 grade rises"
    NECROSIS = "necrosis new or increasing"


@dataclass(frozen=True)
class Event:
    """Something at one examination."""

    time_point: int
    x: float
    kind: EventKind
    label: str
    category: Category | None = None


@dataclass(frozen=True)
class Lane:
    """A criterion (``lesion_uid`` is "") or a lesion, from the first examination that shows it to the last."""

    label: str
    lesion_uid: str
    start: float
    stop: float
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Treatment:
    """A treatment in words, from the examination before the one that names it: that one was made under it."""

    label: str
    start: float
    stop: float


@dataclass(frozen=True)
class Swimmer:
    """The course of a case: one lane for each criterion, then for each lesion.

    :param ticks: place and label of every examination.
    """

    x_label: str
    lanes: tuple[Lane, ...]
    treatments: tuple[Treatment, ...]
    ticks: tuple[tuple[float, str], ...]


def waterfall(case: Case, quantity: str = "LONG_AXIS", *, reader: str | None = None, result: CriterionResult | None = None) -> Waterfall:
    """Return the best change of every lesion, and of the sum of the targets.

    The best change is the lowest; the highest of quantities that rise when a tumour responds, such as ADC. The long axis of a lymph
    node is its short axis, as in RECIST. Lesions that the user left out have no bar.

    :param result: of the criterion that adds this quantity up; without it there is no bar of the sum.
    :raises InputError: an unknown quantity, several readers and none chosen, or examinations not in order of time.
    """
    rises = quantity in _RESPONSE_IS_RISE
    bars, missing = [], []
    for name, uid, cells in _lesion_cells(case, quantity, reader):
        changes = [one for one in cells if not math.isnan(one.change_percent)]
        if not changes:
            missing.append(f"{name}: {_why_no_change(cells)}.")
            continue
        best = (max if rises else min)(changes, key=lambda one: one.change_percent)
        bars.append(WaterfallBar(name, uid, best.change_percent, best.time_point, best.inside_repeatability))
    bars.sort(key=lambda one: one.percent, reverse=not rises)
    if result is not None:
        sums = [(change, one) for one in result.assessments if not math.isnan(change := _change_of_sum(one))]
        if sums:
            change, one = min(sums, key=lambda pair: pair[0])
            bars.insert(0, WaterfallBar(SUM, "", change, one.time_point, category=one.category))
    return Waterfall(find_quantity(quantity), _title(quantity, result), tuple(bars), tuple(missing))


def spider(case: Case, quantity: str = "LONG_AXIS", *, reader: str | None = None, result: CriterionResult | None = None) -> Spider:
    """Return the change of every lesion over time, and of the sum of the targets; see :func:`waterfall`."""
    places, x_label = _places(case)
    lines, missing = [], []
    for name, uid, cells in _lesion_cells(case, quantity, reader):
        points = [
            CoursePoint(one.time_point, places[one.time_point], one.value, percent, one.inside_repeatability)
            for one in cells
            if not math.isnan(percent := 0.0 if one.time_point == 0 and one.value > 0.0 else one.change_percent)
        ]
        if len(points) > 1:
            lines.append(SpiderLine(name, uid, tuple(points)))
        else:
            missing.append(f"{name}: {_why_no_change(cells)}.")
    if result is not None:
        points = [
            CoursePoint(one.time_point, places[one.time_point], _sum_of(one), percent)
            for one in result.assessments
            if not math.isnan(percent := 0.0 if one.category is Category.BASELINE and _sum_of(one) > 0.0 else _change_of_sum(one))
        ]
        if len(points) > 1:
            lines.insert(0, SpiderLine(SUM, "", tuple(points)))
    return Spider(find_quantity(quantity), _title(quantity, result), x_label, tuple(lines), tuple(missing))


def swimmer(case: Case, assessment: CaseAssessment, *, criteria: Iterable[str] | None = None) -> Swimmer:
    """Return the course of the criteria and of the lesions.

    :param criteria: names of those to show; all that apply if None.
    :raises InputError: examinations not in order of time.
    """
    places, x_label = _places(case)
    names = [name for name in criteria if name in assessment.criteria] if criteria is not None else list(assessment.criteria)
    lanes = []
    for name in names:
        events = [
            Event(one.time_point, places[one.time_point], EventKind.CATEGORY, str(one.category), one.category)
            for one in assessment.criteria[name].assessments
            if one.category is not Category.BASELINE
        ]
        lanes.append(Lane(name, "", min(places.values()), max(places.values()), tuple(events)))
    counting = [one for one in case.lesions if not case.exclusion(one.uid)]
    lanes += [lane for lesion in counting if (lane := _lesion_lane(case, assessment, lesion, places)) is not None]
    ticks = tuple((places[one.index], examination_label(case, one.index)) for one in timeline(case))
    return Swimmer(x_label, tuple(lanes), _treatments(case, places), ticks)


def _places(case: Case) -> tuple[dict[int, float], str]:
    """Where each examination stands on the axis of time."""
    weeks = {one.index: week_of(case, one.index) for one in timeline(case)}
    if None in weeks.values():
        return {index: float(index) for index in weeks}, "examination"
    return weeks, "weeks from baseline"


def _lesion_cells(case: Case, quantity: str, reader: str | None) -> list[tuple[str, str, tuple[GridCell, ...]]]:
    """Name, UID and cells of every lesion that counts and in which anything was measured or found."""
    grid = lesion_grid(case, quantity, reader=reader)
    nodes: LesionGrid = lesion_grid(case, "SHORT_AXIS", reader=reader) if quantity == "LONG_AXIS" else grid
    rows = [(nodes if row.lesion.lymph_node else grid).row(row.lesion.uid) for row in grid.rows]
    return [(row.name, row.lesion.uid, row.cells) for row in rows if not row.is_empty and not row.excluded]


def _why_no_change(cells: tuple[GridCell, ...]) -> str:
    baseline = next((one for one in cells if one.time_point == 0), None)
    if baseline is None or math.isnan(baseline.value):
        return "there is no baseline value"
    if baseline.value == 0.0:
        return "the baseline value is 0"
    if baseline.value < 0.0:
        return "the baseline value is negative, and a percentage says nothing"
    if any(not one.comparable for one in cells):
        return "baseline and follow-up were measured by different methods"
    return "there is no follow-up value"


def _title(quantity: str, result: CriterionResult | None) -> str:
    label = find_quantity(quantity).label
    return f"{label} ({result.criterion})" if result else label


def _change_of_sum(assessment: Assessment) -> float:
    return assessment.numbers.get("change_from_baseline_percent", math.nan)


def _sum_of(assessment: Assessment) -> float:
    return next((value for name, value in assessment.numbers.items() if name.startswith("sum_")), math.nan)


def _lesion_lane(case: Case, assessment: CaseAssessment, lesion: Lesion, places: dict[int, float]) -> Lane | None:
    """The lane of a lesion that was measured, graded or found anywhere; None for all others."""
    readers = (assessment.reader, "")
    measured = {
        one.time_point
        for one in case.measurements
        if one.lesion_uid == lesion.uid and one.reader in readers and not math.isnan(one.value)
    }
    found = {one.time_point: one.state for one in case.findings if one.lesion_uid == lesion.uid and one.reader in readers}
    seen = sorted((measured | set(found)) & set(places))
    if not seen:
        return None
    events = [
        Event(index, places[index], EventKind.FINDING, str(state))
        for index, state in sorted(found.items())
        if state is not LesionState.PRESENT
    ]
    course = next((one for one in assessment.horger if one.lesion.uid == lesion.uid), None)
    if course is not None and course.t1_response is not None:
        events.append(Event(course.t1_response, places[course.t1_response], EventKind.SIGNAL_RISE, "T1 grade above baseline"))
    if course is not None and course.necrosis_increase is not None:
        label = "necrosis new" if course.de_novo else "necrosis increasing"
        events.append(Event(course.necrosis_increase, places[course.necrosis_increase], EventKind.NECROSIS, label))
    return Lane(lesion.identifier or lesion.uid, lesion.uid, places[seen[0]], places[seen[-1]], tuple(events))


def _treatments(case: Case, places: dict[int, float]) -> tuple[Treatment, ...]:
    """One treatment after the other: what an examination names is what was given since the one before."""
    found: list[Treatment] = []
    for before, one in pairwise(timeline(case)):
        label = ", ".join(filter(None, (one.treatment.strip(), one.dose.strip())))
        start, stop = places[before.index], places[one.index]
        if found and found[-1].label == label and found[-1].stop == start:
            found[-1] = replace(found[-1], stop=stop)
        elif label:
            found.append(Treatment(label, start, stop))
    return tuple(found)

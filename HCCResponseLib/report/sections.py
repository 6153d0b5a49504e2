"""What a report says, section by section, as plain values for the template; nothing of it is HTML."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..response.case import Case, Lesion, TimePoint
from ..response.criteria import CaseAssessment, Category, CautionKind, LesionChange, examination_label
from ..response.criteria.limits import show_change
from ..response.lesion_grid import (
    NO_BASELINE,
    GridCell,
    GridRow,
    LesionGrid,
    grid_quantities,
    lesion_grid,
)
from ..response.methods import join_methods, same_method

__all__ = [
    "Answer",
    "Chip",
    "CourseRow",
    "CriterionRow",
    "Flag",
    "LesionTable",
    "MethodRow",
    "QuantityRow",
    "answer_of",
    "caution_sentences",
    "course_rows",
    "criterion_rows",
    "grids_of",
    "key_grids",
    "lesion_table",
    "method_rows",
    "method_warnings",
    "own_notes",
    "program_note",
    "t1_grade_text",
    "treatment_text",
]

_MINOR_QUANTITIES = (
    "COUNTED_VOLUME",
    "VOLUME_UNCERTAINTY",
    "SPHERE_DIAMETER",
    "EDGE_WIDTH",
    "VISIBLE_EDGE",
    "T1_CONTRAST",
    "T2_CONTRAST",
    "T1_HETEROGENEITY",
    "T2_HETEROGENEITY",
)
"""Quantities that check others; they stand in measurements.csv alone."""

# Which of several measurements was used is said once for all examinations.
_LATEST = re.compile(r": (the latest of \d+ measurements.*)$")
_OTHER_WAY = re.compile(r"easured in another way \((.*)\) than at baseline \((.*)\)\.$")
# The number in a note that a reader's word stands above a measurement.
_SIZE = re.compile(r"(?<=; the measured) .*(?= are not used\.$)")

MAIN_CRITERIA = ("RECIST 1.1", "mRECIST", "EASL", "WHO")
"""Criteria of the short answer, those that are compared for disagreement."""
KEY_QUANTITIES = (
    "LONG_AXIS",
    "SHORT_AXIS",
    "VIABLE_DIAMETER",
    "VOLUME",
    "VIABLE_VOLUME",
    "NECROTIC_FRACTION",
    "T1_GRADE",
    "T2_GRADE",
    "ADC",
    "KTRANS",
)
"""Quantities of the table that compares lesions; the page of a lesion has all."""


@dataclass(frozen=True)
class Chip:
    """Answer of a criterion: category, and the change or what else decided ("" where nothing did)."""

    criterion: str
    category: Category
    change: str
    reason: str


@dataclass(frozen=True)
class Flag:
    """A caution in a few words, and the lesions it holds for."""

    title: str
    lesions: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What a tumour board reads in ten seconds.

    :param label: of the last examination.
    :param headline: whether the criteria agree, in one sentence.
    :param disagree: they do not.
    :param explanation: why, with numbers; "" where they agree.
    :param chips: of the main criteria.
    :param others: of all other criteria.
    :param flags: cautions of the last examination.
    :param earlier: label and sentence of disagreements in earlier examinations.
    """

    label: str
    headline: str
    disagree: bool
    explanation: str
    chips: tuple[Chip, ...] = ()
    others: tuple[Chip, ...] = ()
    flags: tuple[Flag, ...] = ()
    earlier: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CriterionRow:
    """A criterion over time: a chip for each examination (None where it says nothing), and the best response."""

    criterion: str
    chips: tuple[Chip | None, ...]
    best: Category
    best_reason: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class QuantityRow:
    """A quantity of a lesion over time."""

    title: str
    repeatability: str
    cells: tuple[GridCell, ...]


@dataclass(frozen=True)
class LesionTable:
    """Everything measured of a lesion.

    :param facts: what it is, in words.
    :param notes: on single numbers, each with the quantity and the examination.
    :param course: of signals and necrosis, in one sentence; "" where neither was graded.
    :param pictures: as the template shows them.
    """

    lesion: Lesion
    name: str
    facts: tuple[str, ...]
    rows: tuple[QuantityRow, ...]
    notes: tuple[str, ...]
    course: str = ""
    pictures: tuple = ()


@dataclass(frozen=True)
class CourseRow:
    """Sentences on a lesion, each with its notes, by the label of the examination."""

    name: str
    sentences: tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...]


@dataclass(frozen=True)
class MethodRow:
    """How quantities were measured: each method with the examinations it was used in ("" for all)."""

    quantities: str
    methods: tuple[tuple[str, str], ...]


def treatment_text(point: TimePoint) -> str:
    """Treatment and dose of an examination in one text."""
    return ", ".join(filter(None, (point.treatment.strip(), point.dose.strip())))


def answer_of(case: Case, assessment: CaseAssessment, grids: dict[str, LesionGrid]) -> Answer:
    """Return the short answer, for the last examination."""
    follow_ups = [one.index for one in case.time_points if one.index > 0]
    if not follow_ups:
        return Answer("baseline", "One examination only: a response needs a follow-up.", False, "")
    last = follow_ups[-1]
    label = examination_label(case, last)
    chips = [chip for name in assessment.criteria if (chip := _chip(assessment, name, last)) is not None]
    main = tuple(one for one in chips if one.criterion in MAIN_CRITERIA)
    told = [one for one in main if one.category is not Category.NE]
    discordance = next((one for one in assessment.discordances if one.time_point == last), None)
    explanation = ""
    if discordance is not None:
        headline = f"The criteria {'contradict each other' if discordance.opposite else 'differ'} at {label}."
        explanation = discordance.reason
    elif not told:
        headline = f"No response can be told at {label}."
        explanation = main[0].reason if main else next((f"{why[:1].upper()}{why[1:]}." for why in assessment.not_applicable.values()), "")
    elif len(told) == 1:
        headline = f"{told[0].criterion} at {label}: {told[0].category.title}."
    else:
        headline = f"{_listed([one.criterion for one in told])} agree at {label}: {told[0].category.title}."
    if told:
        silent = [f"{one.criterion} {one.reason}" for one in main if one.category is Category.NE]
        explanation = " ".join(filter(None, [explanation, *silent]))
    return Answer(
        label,
        headline,
        discordance is not None,
        explanation,
        main,
        tuple(one for one in chips if one.criterion not in MAIN_CRITERIA),
        _flags(assessment, grids, last),
        tuple((examination_label(case, one.time_point), one.reason) for one in assessment.discordances if one.time_point != last),
    )


def criterion_rows(case: Case, assessment: CaseAssessment) -> tuple[CriterionRow, ...]:
    """Return all criteria that apply over all examinations."""
    return tuple(
        CriterionRow(
            name,
            tuple(_chip(assessment, name, one.index) for one in case.time_points),
            assessment.best[name].category,
            assessment.best[name].reason,
            tuple(
                dict.fromkeys(
                    [*own_notes(result.notes, assessment.reader)]
                    + [
                        f"{_initial(examination_label(case, one.time_point))}: {note}"
                        for one in result.assessments
                        for note in own_notes(one.notes, assessment.reader)
                    ],
                ),
            ),
        )
        for name, result in assessment.criteria.items()
    )


def grids_of(case: Case, reader: str) -> dict[str, LesionGrid]:
    """Return a grid of every quantity that was measured, by its key."""
    return {key: lesion_grid(case, key, reader=reader) for key in grid_quantities(case, reader=reader)}


def key_grids(grids: dict[str, LesionGrid]) -> tuple[tuple[LesionGrid, tuple[GridRow, ...]], ...]:
    """Return the grids that compare lesions, each with the rows that were measured.

    A lesion of which there is a finding and no number stands in the first of them.
    """
    shown = [grids[key] for key in KEY_QUANTITIES if key in grids]
    measured = {row.lesion.uid for grid in grids.values() for row in grid.rows if _is_measured(row)}
    found = []
    for grid in shown:
        rows = tuple(
            row for row in grid.rows if _is_measured(row) or (grid is shown[0] and not row.is_empty and row.lesion.uid not in measured)
        )
        if rows:
            found.append((grid, rows))
    return tuple(found)


def lesion_table(
    case: Case,
    assessment: CaseAssessment,
    grids: dict[str, LesionGrid],
    lesion: Lesion,
    pictures: Sequence = (),
) -> LesionTable:
    """Return everything measured of a lesion."""
    rows, notes = [], []
    latest: dict[str, dict[str, None]] = {}
    for key, grid in grids.items():
        row = grid.row(lesion.uid)
        if key in _MINOR_QUANTITIES or not _is_measured(row):
            continue
        for found in filter(None, (_LATEST.search(note) for cell in row.cells for note in cell.notes)):
            latest.setdefault(found.group(1), {})[grid.quantity.label] = None
        known = not math.isnan(grid.repeatability_percent)
        rows.append(QuantityRow(grid.title, f"±{grid.repeatability_percent:g} %" if known else "", row.cells))
        notes += [
            _note(grid, column.label, note)
            for column, cell in zip(grid.columns, row.cells, strict=True)
            for note in cell.notes
            if note != NO_BASELINE and not _LATEST.search(note)
        ]
    notes += [f"{', '.join(labels)}: {text}" for text, labels in latest.items()]
    course = next((one.reason for one in assessment.horger if one.lesion.uid == lesion.uid), "")
    name = lesion.identifier or lesion.uid
    return LesionTable(lesion, name, _facts(case, assessment, lesion), tuple(rows), tuple(dict.fromkeys(notes)), course, tuple(pictures))


def course_rows(case: Case, assessment: CaseAssessment, grids: dict[str, LesionGrid]) -> tuple[CourseRow, ...]:
    """Return what is said of every lesion in every examination: grades, necrosis, ADC and Ktrans.

    Changes between different methods are left out, as in the grids: they are compared with nothing.
    """
    found = []
    for lesion in case.lesions:
        courses = [one for one in assessment.horger if one.lesion.uid == lesion.uid]
        sentences = []
        for point in case.time_points:
            said = [one for course in courses for one in course.assessments if one.time_point == point.index]
            said += [
                one
                for one in assessment.changes
                if one.lesion.uid == lesion.uid and one.time_point == point.index and _is_shown(grids.get(one.quantity), one)
            ]
            texts = tuple((one.reason, own_notes(one.notes, assessment.reader)) for one in said)
            if texts:
                sentences.append((examination_label(case, point.index), texts))
        if sentences:
            found.append(CourseRow(lesion.identifier or lesion.uid, tuple(sentences)))
    return tuple(found)


def caution_sentences(case: Case, assessment: CaseAssessment, grids: dict[str, LesionGrid]) -> tuple[tuple[str, str], ...]:
    """Return kind and sentence of every caution.

    Without the change of an ADC that was measured by another method than at baseline, and with the T1 grades that only the program
    proposes.
    """
    found = []
    known = {(one.lesion.uid, one.time_point) for one in assessment.cautions if one.kind is CautionKind.HAEMORRHAGE}
    risen = [(row, cell) for row, cell in _risen(grids) if (cell.lesion_uid, cell.time_point) not in known]
    for one in assessment.cautions:
        sentence = one.sentence
        cell = _cell_of(grids.get("ADC"), one.lesion.uid, one.time_point)
        if one.kind is CautionKind.HAEMORRHAGE and cell is not None and not cell.comparable:
            where = f"{one.lesion.identifier or one.lesion.uid} at {examination_label(case, one.time_point)}"
            sentence = " ".join([f"{where}:", *cell.notes])
        found.append((one.kind.value, sentence))
    for row, cell in risen:
        note = next(one for one in cell.notes if one.startswith("T1 has risen"))
        found.append((CautionKind.HAEMORRHAGE.value, f"{row.name} at {examination_label(case, cell.time_point)}: {note}"))
    return tuple(found)


def method_warnings(grids: dict[str, LesionGrid]) -> tuple[str, ...]:
    """Return a sentence for every value that is not compared because the method changed."""
    return tuple(
        f"{grid.quantity.label} of {row.name}: measured in different ways; {column.label} is not compared with the baseline."
        for grid in grids.values()
        for row in grid.rows
        for column, cell in zip(grid.columns, row.cells, strict=True)
        if not cell.comparable
    )


def own_notes(notes: Sequence[str], reader: str) -> tuple[str, ...]:
    """Return notes without those that the report says once for all (who measured, which measurement was used), and shorter.

    That a method changed is said where it did; two methods whose settings were found anew are the same, as in the grids.
    """
    general = f"measured by the program, not by reader {reader}."
    found = []
    for one in dict.fromkeys(notes):
        if one.endswith(general) or _LATEST.search(one):
            continue
        ways = _OTHER_WAY.search(one)
        if ways is None:
            found.append(one)
        elif not same_method("", *ways.groups()):
            found.append(f"{one[: ways.start()]}easured in another way than at baseline; see the methods.")
    return tuple(found)


def program_note(grids: dict[str, LesionGrid], reader: str) -> str:
    """Say in one sentence what the program measured and not the reader; "" where there is nothing to say."""
    names = [grid.quantity.label for grid in grids.values() if grid.notes]
    return f"Measured by the program, not by reader {reader}: {', '.join(names)}." if names else ""


def method_rows(grids: dict[str, LesionGrid], of: str = "") -> tuple[MethodRow, ...]:
    """Return how each quantity was measured, in which examinations; quantities of the same methods together.

    Settings that each examination found anew, such as a threshold, are given as a range.

    :param of: what was measured, before the names of the quantities.
    """
    quantities: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for grid in grids.values():
        labels: dict[str, list[str]] = {}
        for row in grid.rows:
            for column, cell in zip(grid.columns, row.cells, strict=True):
                if cell.measurement is not None:
                    labels.setdefault(cell.method or "not said how", []).append(column.label)
        if labels:
            joined = join_methods(grid.quantity.key, labels)
            methods = tuple(
                (text, "" if len(joined) == 1 else ", ".join(dict.fromkeys(label for method in group for label in labels[method])))
                for text, group in joined.items()
            )
            quantities.setdefault(methods, []).append(grid.quantity.label + (f" ({grid.statistic})" if grid.statistic else ""))
    return tuple(MethodRow(of + ", ".join(names), methods) for methods, names in quantities.items())


def t1_grade_text(grids: dict[str, LesionGrid], lesion_uid: str, time_point: int) -> str:
    """Return the T1 grade that stands beside an ADC ("T1 grade 2, proposed"); "" where there is none."""
    for key, more in (("T1_GRADE", ""), ("T1_GRADE_PROPOSAL", ", proposed")):
        cell = _cell_of(grids.get(key), lesion_uid, time_point)
        if cell is not None and cell.value in (1.0, 2.0, 3.0, 4.0, 5.0):
            return f"T1 grade {cell.value:.0f}{more}"
    return ""


def _is_shown(grid: LesionGrid | None, change: LesionChange) -> bool:
    """Return whether a change says the same as the grid; it knows no proposed grade, and compares different methods."""
    cell = _cell_of(grid, change.lesion.uid, change.time_point)
    return cell is None or (cell.comparable and (change.category is not None or not cell.t1_grade_proposed))


def _risen(grids: dict[str, LesionGrid]) -> list[tuple[GridRow, GridCell]]:
    """ADCs beside a T1 grade above that of the baseline, of lesions that count."""
    rows = grids["ADC"].rows if "ADC" in grids else ()
    return [(row, cell) for row in rows if not row.excluded for cell in row.cells if cell.t1_has_risen]


def _cell_of(grid: LesionGrid | None, lesion_uid: str, time_point: int | None) -> GridCell | None:
    row = grid.row(lesion_uid) if grid else None
    return next((one for one in row.cells if one.time_point == time_point), None) if row else None


def _note(grid: LesionGrid, label: str, note: str) -> str:
    """Say what a note belongs to; a reader's word on a lesion belongs to no quantity, so that it is said once."""
    if note.startswith("The reader says "):
        return f"{_initial(label)}: {_SIZE.sub(' numbers', note)}"
    if note.startswith("Reader's comment"):
        return f"{_initial(label)}: {note}"
    return f"{grid.quantity.label} at {label}: {note}"


def _is_measured(row: GridRow) -> bool:
    return any(one.measurement is not None for one in row.cells)


def _chip(assessment: CaseAssessment, name: str, index: int) -> Chip | None:
    one = assessment.criteria[name].at(index)
    if one is None:
        return None
    if one.category is Category.PD and one.target is not Category.PD:
        change = "new lesion" if one.new_lesions else "non-target" if one.non_target is Category.PD else ""
    elif math.isnan(one.change_percent) or one.category in (Category.BASELINE, Category.NE):
        change = ""
    else:
        change = show_change(one.change_percent)
    return Chip(name, one.category, change, one.reason)


def _flags(assessment: CaseAssessment, grids: dict[str, LesionGrid], index: int) -> tuple[Flag, ...]:
    found = []
    for kind in CautionKind:
        here = [one.lesion for one in assessment.cautions if one.kind is kind and one.time_point in (index, None)]
        if kind is CautionKind.HAEMORRHAGE:
            here += [row.lesion for row, cell in _risen(grids) if cell.time_point == index]
        names = tuple(dict.fromkeys(one.identifier or one.uid for one in here))
        if names:
            found.append(Flag(kind.value, names))
    if assessment.selection.undecided:
        names = tuple(one.lesion.identifier or one.lesion.uid for one in assessment.selection.undecided)
        found.append(Flag("new or overlooked, not decided on", names))
    return tuple(found)


def _facts(case: Case, assessment: CaseAssessment, lesion: Lesion) -> tuple[str, ...]:
    choice = next((one for one in assessment.selection.choices if one.lesion.uid == lesion.uid), None)
    role = str(choice.kind) if choice and choice.kind else "not assessed"
    facts = [lesion.organ, f"{role} in RECIST 1.1"]
    facts += [
        word
        for word, holds in (
            ("lymph node", lesion.lymph_node),
            ("proven", lesion.proven),
            ("typical enhancement", lesion.typical_enhancement),
            ("locally treated before", lesion.previously_treated),
            ("ill-defined", lesion.ill_defined),
            ("tumour thrombus", lesion.tumour_thrombus),
            ("inside the radiation field", lesion.in_field),
            ("outside the radiation field", lesion.in_field is False),
        )
        if holds
    ]
    if lesion.dose_gy is not None:
        facts.append(f"{lesion.dose_gy:g} Gy in {lesion.fractions} fractions")
    excluded = case.exclusion(lesion.uid)
    return (*facts, f"left out: {excluded}") if excluded else tuple(facts)


def _initial(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

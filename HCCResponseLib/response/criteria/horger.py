"""Signal grades and necrosis of each lesion over time (Horger et al., BMC Cancer 2009;9:208, with the grades of van den Bos).

Early signal response: a follow-up grade above that of the baseline, on T1 and on T2. Necrosis: score class of NV/TV, and its course
against the previous examination. Beside a pair of grades stands what its age may be, the baseline taken as the start of therapy.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...lesions.necrosis_score import NecrosisScore, necrosis_score
from ...lesions.necrosis_trend import NecrosisTrend, necrosis_trend
from ...lesions.timing_hint import TimingHint, timing_hint
from ..case import Case, Lesion
from ..measurement import Measurement, MeasurementKey
from .category import keys_of
from .grades import grade_of, score_of
from .reading import Reading
from .timeline import examination_label, timeline, week_of

__all__ = ["HorgerAssessment", "HorgerCourse", "first_rise", "horger", "necrosis_increases", "score_rises"]


def first_rise(values: Sequence[int | None]) -> int | None:
    """Return the position of the first follow-up above the baseline (the first value); None where there is none.

    None among the values is not known, and passed over; without a baseline nothing rises.
    """
    if not values or values[0] is None:
        return None
    return next((position for position, value in enumerate(values) if value is not None and value > values[0]), None)


def score_rises(scores: Sequence[NecrosisScore | None]) -> bool | None:
    """Return whether a follow-up score class is above that of the baseline; None where it cannot be told."""
    if first_rise(scores) is not None:
        return True
    return None if not scores or None in scores else False


def necrosis_increases(trends: Iterable[NecrosisTrend | None]) -> bool:
    """Return whether necrosis is new or increases in any examination."""
    return any(one is not None and one.is_new_or_increasing for one in trends)


@dataclass(frozen=True)
class HorgerAssessment:
    """One lesion in one examination.

    :param t1_grade: 1 to 5; None where nobody graded.
    :param t2_grade: likewise.
    :param score: class of necrosis; None where it is not known.
    :param necrotic_fraction: NV/TV, 0 to 1; NaN where only the class is known, or nothing.
    :param trend: course against the previous examination in which necrosis is known; None where it is not.
    :param hint: what the age of the signals may be; None at baseline and where they say nothing.
    :param reason: one sentence.
    :param measurements: keys of the rows used.
    :param notes: sentences for the reader.
    """

    lesion: Lesion
    time_point: int
    t1_grade: int | None
    t2_grade: int | None
    score: NecrosisScore | None
    necrotic_fraction: float
    trend: NecrosisTrend | None
    hint: TimingHint | None
    reason: str
    measurements: tuple[MeasurementKey, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class HorgerCourse:
    """One lesion over all examinations.

    :param t1_response: first examination with a T1 grade above that of the baseline; None for none.
    :param t2_response: likewise.
    :param necrosis_increase: first examination in which necrosis is new or increases; None for none.
    :param de_novo: necrosis increased and the baseline had none.
    :param score_rise: a score class above that of the baseline; None where it cannot be told.
    :param reason: one sentence.
    """

    lesion: Lesion
    assessments: tuple[HorgerAssessment, ...]
    t1_response: int | None
    t2_response: int | None
    necrosis_increase: int | None
    de_novo: bool
    score_rise: bool | None
    reason: str


def horger(case: Case, *, reader: str | None = None) -> tuple[HorgerCourse, ...]:
    """Return the course of every lesion that was graded, or whose necrosis was measured.

    Necrosis is that of the measured NV/TV; of a score class that a reader gave by eye where there is no NV/TV.

    :param reader: whose grades; may be left out where there is one reader.
    :raises InputError: several readers and none chosen, or examinations not in order of time.
    """
    grades = Reading.of(case, reader, lambda _lesion: ("T1_GRADE", "T2_GRADE"))
    necrosis = Reading.of(case, reader, lambda _lesion: ("NECROTIC_FRACTION", "NECROSIS_SCORE"))
    seen = {key[0] for reading in (grades, necrosis) for key in reading.rows}
    return tuple(_course(case, grades, necrosis, lesion) for lesion in case.lesions if lesion.uid in seen)


@dataclass(frozen=True)
class _Necrosis:
    fraction: float
    score: NecrosisScore | None
    rows: tuple[Measurement, ...]


def _necrosis(reading: Reading, lesion: Lesion, index: int) -> _Necrosis:
    row = reading.row(lesion.uid, index, "NECROTIC_FRACTION")
    if row is not None and 0.0 <= row.value <= 1.0:
        return _Necrosis(row.value, necrosis_score(row.value), (row,))
    row = reading.row(lesion.uid, index, "NECROSIS_SCORE")
    score = score_of(row)
    return _Necrosis(math.nan, None if score is None else NecrosisScore(score), () if score is None else (row,))


def _trend(now: _Necrosis, before: _Necrosis | None) -> NecrosisTrend | None:
    """Course of necrosis from the fractions where both are known, else from the classes."""
    if now.score is None:
        return None
    if before is None:
        return NecrosisTrend.PRESENT_AT_BASELINE if now.score else NecrosisTrend.ABSENT_AT_BASELINE
    if not math.isnan(now.fraction) and not math.isnan(before.fraction):
        return necrosis_trend(now.fraction, before.fraction).trend
    if now.score == before.score:
        return NecrosisTrend.UNCHANGED
    if now.score < before.score:
        return NecrosisTrend.DECREASE
    return NecrosisTrend.INCREASE if before.score else NecrosisTrend.DE_NOVO


def _course(case: Case, grades: Reading, necrosis: Reading, lesion: Lesion) -> HorgerCourse:
    indices = [one.index for one in timeline(case)]
    name = grades.name(lesion.uid)
    found: list[HorgerAssessment] = []
    previous: _Necrosis | None = None
    for index in indices:
        grade_rows = [grades.row(lesion.uid, index, quantity) for quantity in ("T1_GRADE", "T2_GRADE")]
        t1, t2 = map(grade_of, grade_rows)
        now = _necrosis(necrosis, lesion, index)
        # Without a baseline the first examination says nothing about the course.
        trend = _trend(now, previous) if previous is not None or index == 0 else None
        previous = previous if now.score is None else now
        week = week_of(case, index)
        day = None if week is None else 7.0 * week
        hint = timing_hint(t1, t2, day) if index > 0 and t1 is not None and t2 is not None else None
        notes = [*grades.notes, *necrosis.notes]
        notes += [grades.note(lesion.uid, index, quantity) for quantity in ("T1_GRADE", "T2_GRADE")]
        notes.append(necrosis.note(lesion.uid, index, "NECROTIC_FRACTION"))
        if now.score is None and (who := necrosis.others(lesion.uid, index, "NECROTIC_FRACTION")):
            notes.append(f"Necrosis of {name} at {examination_label(case, index)} is not known from this source{who}.")
        notes += [
            f"{row.value:g} of {name} at {examination_label(case, index)} is not a signal grade 1 to 5; it is left out."
            for row, grade in zip(grade_rows, (t1, t2), strict=True)
            if row is not None and grade is None and not math.isnan(row.value)
        ]
        baseline = found[0] if found and indices[0] == 0 else None
        reason = f"{name} at {examination_label(case, index)}: {_clauses(baseline, t1, t2, now, trend)}."
        rows = (*(row for row in grade_rows if row is not None), *now.rows)
        found.append(
            HorgerAssessment(
                lesion,
                index,
                t1,
                t2,
                now.score,
                now.fraction,
                trend,
                hint,
                f"{reason} {hint.sentence}" if hint else reason,
                keys_of(rows),
                tuple(filter(None, dict.fromkeys(notes))),
            ),
        )
    # Responses are against the baseline; without that examination there is none.
    based = found if indices and indices[0] == 0 else []
    t1_rise = first_rise([one.t1_grade for one in based])
    t2_rise = first_rise([one.t2_grade for one in based])
    increase = next((one.time_point for one in based if one.trend is not None and one.trend.is_new_or_increasing), None)
    t1_response, t2_response = (None if rise is None else indices[rise] for rise in (t1_rise, t2_rise))
    de_novo = increase is not None and found[0].score == NecrosisScore.NONE
    return HorgerCourse(
        lesion,
        tuple(found),
        t1_response,
        t2_response,
        increase,
        de_novo,
        score_rises([one.score for one in based]),
        _summary(case, name, based, t1_response, t2_response, increase, de_novo),
    )


def _clauses(
    baseline: HorgerAssessment | None,
    t1: int | None,
    t2: int | None,
    now: _Necrosis,
    trend: NecrosisTrend | None,
) -> str:
    clauses = []
    for sequence, grade, before in (("T1", t1, baseline and baseline.t1_grade), ("T2", t2, baseline and baseline.t2_grade)):
        text = f"{sequence} grade {'not known' if grade is None else grade}"
        if grade is not None and before is not None:
            change = "above" if grade > before else "below" if grade < before else "as"
            text += f", {change} baseline" if change == "as" else f", {change} baseline ({before})"
        clauses.append(text)
    if now.score is None:
        clauses.append("necrosis not known")
    else:
        size = now.score.label if now.score is NecrosisScore.NONE else f"{now.score.label} %"
        part = "" if math.isnan(now.fraction) or not now.fraction else f" (NV/TV {100.0 * now.fraction:.1f} %)"
        clauses.append(f"necrosis {size}{part}" + (f", {trend.value}" if trend else ""))
    return "; ".join(clauses)


def _summary(
    case: Case,
    name: str,
    based: list[HorgerAssessment],
    t1_response: int | None,
    t2_response: int | None,
    increase: int | None,
    de_novo: bool,
) -> str:
    clauses = []
    for sequence, response, grades in (
        ("T1", t1_response, [one.t1_grade for one in based]),
        ("T2", t2_response, [one.t2_grade for one in based]),
    ):
        if response is not None:
            clauses.append(f"signal response on {sequence} since {examination_label(case, response)}")
        else:
            clauses.append(f"no signal response on {sequence}" if _can_be_told(grades) else f"{sequence} response not known")
    if increase is not None:
        clauses.append(f"necrosis {'new' if de_novo else 'increasing'} since {examination_label(case, increase)}")
    else:
        told = _can_be_told([one.score for one in based])
        clauses.append("no increase of necrosis" if told else "course of necrosis not known")
    return f"{name}: {'; '.join(clauses)}."


def _can_be_told(values: Sequence[int | None]) -> bool:
    """Return whether the baseline and a follow-up are known."""
    return len(values) > 1 and values[0] is not None and any(one is not None for one in values[1:])

"""Change of any quantity of a lesion from the baseline, beside what the measurement itself varies by.

A change inside the repeatability is no change: the report draws it grey. ADC is never shown without the T1 grade beside it, because
haemorrhage confounds it: without both grades the numbers are withheld.

Repeatability (95 % limits of change of one lesion, in percent): ADC of liver lesions 27 (QIBA profile of diffusion-weighted MRI,
Radiology 2024, PMC11537247). For Ktrans QIBA claims nothing in the liver; its widest claim, 55.7 in the prostate (2.77 times a
within-subject coefficient of variation of 20.1; Shukla-Dave et al., J Magn Reson Imaging 2019;49:e101), stands in, and every sentence
says so. Both can be replaced by what your own scanner repeats to.
"""

import math
from dataclasses import dataclass

from ..case import Case, Lesion
from ..change import Trend, percent_change
from ..measurement import MeasurementKey
from ..methods import same_method
from ..quantities import Quantity, find_quantity
from .category import keys_of
from .grades import grade_of
from .limits import above, show_change
from .reading import Reading
from .timeline import examination_label, timeline

__all__ = ["ADC_CUT_OFF_PERCENT", "REPEATABILITY_PERCENT", "LesionChange", "adc_changes", "ktrans_changes", "lesion_changes"]

REPEATABILITY_PERCENT = {"ADC": 27.0, "KTRANS": 55.7}
"""Change that repeated measurements of an unchanged lesion stay within, by quantity."""

_PUBLISHED_FOR = {"ADC": "liver lesions", "KTRANS": "the prostate"}

ADC_CUT_OFF_PERCENT = 6.79
"""ADC of bone metastases one month after radiotherapy rose by more in those that did not progress (Lee, Yoo et al., Sci Rep
2021;11:10459; n = 10): exploratory, and well inside the repeatability."""


@dataclass(frozen=True)
class LesionChange:
    """Change of one quantity in one lesion from the baseline to one examination.

    :param category: direction; UNCHANGED inside the repeatability; None where it cannot be told.
    :param reason: one sentence.
    :param baseline: value at baseline, in the canonical unit; NaN where it is not known or withheld.
    :param value: value now.
    :param percent: change in percent.
    :param repeatability_percent: changes up to this are noise; NaN where nothing is known.
    :param inside_repeatability: to be drawn grey.
    :param t1_grades: grade at baseline and now, for ADC; None where there is none.
    :param measurements: keys of the rows used.
    :param notes: sentences for the reader.
    """

    lesion: Lesion
    time_point: int
    quantity: str
    statistic: str
    category: Trend | None
    reason: str
    baseline: float = math.nan
    value: float = math.nan
    percent: float = math.nan
    repeatability_percent: float = math.nan
    inside_repeatability: bool = False
    t1_grades: tuple[int | None, int | None] | None = None
    measurements: tuple[MeasurementKey, ...] = ()
    notes: tuple[str, ...] = ()


def lesion_changes(
    case: Case,
    quantity: str,
    *,
    statistic: str = "",
    reader: str | None = None,
    repeatability_percent: float | None = None,
) -> tuple[LesionChange, ...]:
    """Return the change of a quantity from the baseline, for every follow-up of every lesion in which it was ever measured.

    :param quantity: key of :data:`..quantities.QUANTITIES`; ADC always comes with the T1 grades.
    :param statistic: of the voxels; "" for a plain measurement.
    :param reader: whose measurements; may be left out where there is one reader.
    :param repeatability_percent: changes up to this are no change; the published one, where there is one, if None.
    :raises InputError: an unknown quantity, several readers and none chosen, or examinations not in order of time.
    """
    found = find_quantity(quantity)
    published = _PUBLISHED_FOR.get(quantity, "") if repeatability_percent is None else ""
    if repeatability_percent is None:
        repeatability_percent = REPEATABILITY_PERCENT.get(quantity, math.nan)
    reading = Reading.of(case, reader, lambda _lesion: (quantity,))
    grades = Reading.of(case, reader, lambda _lesion: ("T1_GRADE",)) if quantity == "ADC" else None
    measured = {(uid, kind) for uid, _index, _quantity, kind in reading.rows}
    return tuple(
        _change(reading, grades, lesion, one.index, found, statistic, repeatability_percent, published)
        for lesion in case.lesions
        if (lesion.uid, statistic) in measured
        for one in timeline(case)
        if one.index > 0
    )


def adc_changes(case: Case, *, statistic: str = "median", reader: str | None = None) -> tuple[LesionChange, ...]:
    """Change of the ADC with its repeatability and the T1 grades; see :func:`lesion_changes`."""
    return lesion_changes(case, "ADC", statistic=statistic, reader=reader)


def ktrans_changes(case: Case, *, statistic: str = "median", reader: str | None = None) -> tuple[LesionChange, ...]:
    """Change of Ktrans with its repeatability; see :func:`lesion_changes`."""
    return lesion_changes(case, "KTRANS", statistic=statistic, reader=reader)


def _change(
    reading: Reading,
    grades: Reading | None,
    lesion: Lesion,
    index: int,
    quantity: Quantity,
    statistic: str,
    repeatability: float,
    published_for: str,
) -> LesionChange:
    name, when = reading.name(lesion.uid), examination_label(reading.case, index)
    rows = [reading.row(lesion.uid, at, quantity.key, statistic) for at in (0, index)]
    grade_rows = [grades.row(lesion.uid, at, "T1_GRADE") for at in (0, index)] if grades else []
    keys = keys_of(tuple(row for row in (*rows, *grade_rows) if row is not None))
    notes = [
        *reading.notes,
        *(grades.notes if grades else ()),
        *(reading.note(lesion.uid, at, quantity.key, statistic) for at in (0, index)),
    ]
    t1_grades = tuple(grade_of(row) for row in grade_rows) if grades else None

    def unknown(why: str) -> LesionChange:
        return LesionChange(
            lesion,
            index,
            quantity.key,
            statistic,
            None,
            f"NE: {why}.",
            repeatability_percent=repeatability,
            t1_grades=t1_grades,
            measurements=keys,
            notes=tuple(filter(None, notes)),
        )

    for row, at in zip(rows, ("baseline", when), strict=True):
        if row is None or math.isnan(row.value):
            return unknown(f"{quantity.label} of {name} was not measured at {at}")
    if t1_grades and None in t1_grades:
        at = "baseline" if t1_grades[0] is None else when
        return unknown(f"{quantity.label} of {name} is not shown without the T1 grade at {at}; grade T1 first")
    before, after = (row.value for row in rows)
    if before <= 0.0:
        return unknown(f"{quantity.label} of {name} is {quantity.format(before)} at baseline, a percent change says nothing")
    if not same_method(quantity.key, rows[0].method, rows[1].method):
        ways = f"({rows[1].method or 'not said how'}) than at baseline ({rows[0].method or 'not said how'})"
        return unknown(f"{quantity.label} of {name} was measured in another way {ways}, the two are not compared")
    percent = percent_change(before, after)
    inside = not math.isnan(repeatability) and not above(abs(percent), repeatability)
    category = Trend.UNCHANGED if inside or percent == 0.0 else Trend.INCREASE if percent > 0.0 else Trend.DECREASE
    limits = () if math.isnan(repeatability) else (repeatability, -repeatability)
    sentence = (
        f"{category}: {quantity.label} of {name} {quantity.format(after)} at {when}, "
        f"{show_change(percent, *limits)} from {quantity.format(before)} at baseline"
    )
    if limits:
        sentence += f", {'inside' if inside else 'beyond'} the repeatability of {repeatability:g} %"
        if published_for and not (published_for == "liver lesions" and lesion.organ.strip().casefold() == "liver"):
            sentence += f" (published for {published_for})"
    if t1_grades:
        sentence += f"; T1 grade {t1_grades[0]} at baseline, {t1_grades[1]} now"
        if t1_grades[1] > t1_grades[0]:
            sentence += ": T1 has risen, haemorrhage may confound ADC"
    if quantity.key == "ADC" and lesion.organ.strip().casefold() == "bone" and lesion.in_field is not False:
        side = "above" if above(percent, ADC_CUT_OFF_PERCENT) else "not above"
        notes.append(
            f"{show_change(percent, ADC_CUT_OFF_PERCENT)} is {side} +{ADC_CUT_OFF_PERCENT} %, which separated bone metastases without "
            "progression from those with it one month after radiotherapy (Lee, Yoo et al. 2021, n = 10: exploratory).",
        )
    return LesionChange(
        lesion,
        index,
        quantity.key,
        statistic,
        category,
        sentence + ".",
        before,
        after,
        percent,
        repeatability,
        inside,
        t1_grades,
        keys,
        tuple(filter(None, notes)),
    )

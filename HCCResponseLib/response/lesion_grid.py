"""One quantity of all lesions in all examinations: the grid that the panel and the report show.

Which of several rows of the measurement table a cell shows:

- Reader: only the chosen reader's rows; those without a reader (what the program measured) only where the chosen reader measured
  this quantity nowhere in the case. Readers are never mixed; the same rule as in :mod:`.criteria.reading`.
- Statistic: the one asked for. Without a wish the median of the voxels where there are medians, else the mean, else the plain
  value; for enhancement the mean first. One statistic for the whole grid.
- Method and series: the latest measurement counts, as in the criteria, unless one method is asked for.

What a reader found stands above a measured number. ADC is never shown without the T1 grade, because haemorrhage confounds it: the
reader's, or the one that the program proposes, which is then said to be proposed.
"""

import math
from dataclasses import dataclass, replace

from ..lesions.necrosis_score import NecrosisScore
from .case import Case, Lesion
from .change import percent_change
from .criteria.functional_change import REPEATABILITY_PERCENT
from .criteria.grades import grade_of, score_of
from .criteria.limits import above
from .criteria.reading import Reading, choose_reader
from .criteria.timeline import examination_label, timeline, week_of
from .finding import LesionState
from .measurement import Measurement, MeasurementKey
from .methods import outside_image, same_method
from .quantities import QUANTITIES, Quantity, canonical_unit, find_quantity

__all__ = [
    "NOT_MEASURED",
    "NO_BASELINE",
    "GridCell",
    "GridColumn",
    "GridRow",
    "LesionGrid",
    "grid_quantities",
    "lesion_grid",
]

NOT_MEASURED = "–"
NO_BASELINE = "There is no baseline value to compare with."

_GONE = (LesionState.ABSENT, LesionState.NORMAL_SIGNAL)
_WITHOUT_NUMBER = (LesionState.TOO_SMALL, LesionState.NOT_EVALUABLE, LesionState.MERGED, LesionState.SPLIT)
_VIABLE = ("VIABLE_DIAMETER", "VIABLE_SHORT_AXIS", "VIABLE_VOLUME")
_SIZES = (*_VIABLE, "LONG_AXIS", "SHORT_AXIS", "FERET_DIAMETER", "SPHERE_DIAMETER", "VOLUME", "COUNTED_VOLUME")
"""Quantities that are 0 once a lesion is gone; all others then do not exist."""

_GRADES = ("T1_GRADE", "T1_GRADE_PROPOSAL")


@dataclass(frozen=True)
class GridColumn:
    """An examination.

    :param label: "baseline", "week 4".
    :param week: from the baseline; None where it is not known.
    """

    time_point: int
    label: str
    week: float | None


@dataclass(frozen=True)
class GridCell:
    """One lesion in one examination.

    :param value: in the canonical unit; NaN where there is none, or it must not be shown.
    :param number: the value in the shown unit without its unit, or what stands in its place ("absent", a dash).
    :param text: the same with the unit, and for ADC with the T1 grade.
    :param change_percent: from the baseline; NaN at baseline, without a value, and where the methods differ.
    :param change_text: as a radiologist reads it: percent, for a fraction percentage points, for grades and scores their difference.
    :param inside_repeatability: the change is within what repeated measurements vary by: to be drawn grey.
    :param comparable: False where the baseline was measured by another method, and nothing is compared.
    :param finding: what the reader found.
    :param t1_grade: beside an ADC; None for other quantities and where nobody graded.
    :param t1_grade_proposed: the grade is the program's proposal, because the reader gave none.
    :param t1_has_risen: the T1 grade beside an ADC is above that of the baseline: haemorrhage may confound it.
    :param method: how it was measured.
    :param measurement: key of the row; None without one.
    :param notes: sentences for the reader.
    """

    lesion_uid: str
    time_point: int
    value: float = math.nan
    number: str = NOT_MEASURED
    text: str = NOT_MEASURED
    change_percent: float = math.nan
    change_text: str = ""
    inside_repeatability: bool = False
    comparable: bool = True
    finding: LesionState | None = None
    t1_grade: int | None = None
    t1_grade_proposed: bool = False
    t1_has_risen: bool = False
    method: str = ""
    measurement: MeasurementKey | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GridRow:
    """One lesion.

    :param name: its identifier.
    :param excluded: why the user left it out of the assessment; empty where it counts.
    :param cells: one for each column.
    """

    lesion: Lesion
    name: str
    excluded: str
    cells: tuple[GridCell, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured and nothing found."""
        return all(one.measurement is None and one.finding is None for one in self.cells)


@dataclass(frozen=True)
class LesionGrid:
    """One quantity of all lesions.

    :param statistic: of the voxels; "" for a plain measurement.
    :param reader: the chosen reader.
    :param unit: that numbers are shown in; empty where there is none.
    :param repeatability_percent: changes up to this are noise; NaN where nothing is known.
    :param notes: what holds for all cells.
    """

    quantity: Quantity
    statistic: str
    reader: str
    unit: str
    repeatability_percent: float
    columns: tuple[GridColumn, ...]
    rows: tuple[GridRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name with statistic and unit: "ADC (median), 10⁻³ mm²/s"."""
        statistic = f" ({self.statistic.replace('_', ' ')})" if self.statistic else ""
        return f"{self.quantity.label}{statistic}" + (f", {self.unit}" if self.unit else "")

    def row(self, lesion_uid: str) -> GridRow | None:
        """The row of a lesion, or None."""
        return next((one for one in self.rows if one.lesion.uid == lesion_uid), None)


def grid_quantities(case: Case, *, reader: str | None = None) -> tuple[str, ...]:
    """Keys of the quantities that a grid by this reader has a number of, in the order of :data:`.quantities.QUANTITIES`.

    :raises InputError: several readers and none chosen.
    """
    reader = choose_reader(case, reader)
    lesions = {one.uid for one in case.lesions}
    measured = {row.quantity for row in case.measurements if row.reader in (reader, "") and row.lesion_uid in lesions}
    return tuple(key for key in QUANTITIES if key in measured)


def lesion_grid(
    case: Case,
    quantity: str,
    *,
    reader: str | None = None,
    statistic: str | None = None,
    method: str | None = None,
    repeatability_percent: float | None = None,
) -> LesionGrid:
    """Return one quantity of all lesions of a case.

    :param quantity: key of :data:`.quantities.QUANTITIES`.
    :param reader: whose measurements; may be left out where there is one reader.
    :param statistic: of the voxels; see above if None.
    :param method: take only rows of this method; all if None.
    :param repeatability_percent: changes up to this are no change; the published one, where there is one, if None.
    :raises InputError: an unknown quantity, several readers and none chosen, or examinations not in order of time.
    """
    found = find_quantity(quantity)
    chosen = case if method is None else replace(case, measurements=[one for one in case.measurements if one.method == method])
    # Who the readers are is asked of the whole case.
    reader = choose_reader(case, reader)
    measured_by_reader = any(one.reader == reader for one in (*chosen.measurements, *chosen.findings))
    reading = Reading.of(chosen, reader if measured_by_reader else "", lambda _lesion: (quantity,))
    grades = [Reading.of(case, reader, lambda _lesion, key=key: (key,)) for key in _GRADES] if quantity == "ADC" else []
    if statistic is None:
        statistic = _statistic_of(reading, quantity)
    if repeatability_percent is None:
        # Published for the middle of the voxels, not for their spread or number.
        repeatability_percent = REPEATABILITY_PERCENT.get(quantity, math.nan) if statistic in ("", "mean", "median") else math.nan
    columns = tuple(GridColumn(one.index, examination_label(case, one.index), week_of(case, one.index)) for one in timeline(case))
    rows = tuple(
        GridRow(
            lesion,
            reading.name(lesion.uid),
            case.exclusion(lesion.uid),
            _cells(reading, grades, lesion, columns, found, statistic, repeatability_percent),
        )
        for lesion in case.lesions
    )
    unit = "" if statistic in ("n", "rejected") else found.display_unit.meaning
    notes = tuple(dict.fromkeys(reading.notes))
    return LesionGrid(found, statistic, reader, unit, repeatability_percent, columns, rows, notes)


def _statistic_of(reading: Reading, quantity: str) -> str:
    present = {statistic for _uid, _index, _quantity, statistic in reading.rows}
    order = ("mean", "median", "") if quantity == "ENHANCEMENT" else ("median", "mean", "")
    return next((one for one in order if one in present), min(present, default=""))


def _cells(
    reading: Reading,
    grades: list[Reading],
    lesion: Lesion,
    columns: tuple[GridColumn, ...],
    quantity: Quantity,
    statistic: str,
    repeatability: float,
) -> tuple[GridCell, ...]:
    cells = [_cell(reading, grades, lesion, column, quantity, statistic) for column in columns]
    baseline = next((one for one in cells if one.time_point == 0), None)
    return tuple(one if one.time_point == 0 else _compared(one, baseline, quantity, statistic, repeatability) for one in cells)


def _cell(
    reading: Reading,
    grades: list[Reading],
    lesion: Lesion,
    column: GridColumn,
    quantity: Quantity,
    statistic: str,
) -> GridCell:
    row = reading.row(lesion.uid, column.time_point, quantity.key, statistic)
    finding = reading.findings.get((lesion.uid, column.time_point))
    state = finding.state if finding else None
    cell = GridCell(lesion.uid, column.time_point, finding=state)
    notes = [reading.note(lesion.uid, column.time_point, quantity.key, statistic)]
    if finding and finding.comment:
        notes.append(f"Reader's comment: {finding.comment}")
    if row is not None:
        cell = replace(cell, method=row.method, measurement=row.key)
        outside = outside_image(row.method)
        if outside:
            notes.append(f"A part of the lesion lies outside the image ({outside}).")
    gone = state in _GONE or (state is LesionState.NO_ENHANCEMENT and quantity.key in _VIABLE)
    if gone or state in _WITHOUT_NUMBER:
        word = f"merged with {reading.name(finding.merged_with)}" if finding.merged_with else str(state)
        value = 0.0 if gone and quantity.key in _SIZES else math.nan
        if row is not None and not math.isnan(row.value) and row.value != value:
            notes.append(f"The reader says {word}; the measured {_show(row, quantity)[1]} are not used.")
        cell = replace(cell, value=value, number=word, text=word)
    elif row is None:
        notes.append(reading.others(lesion.uid, column.time_point, quantity.key).strip(" ()"))
        cell = replace(cell, number=str(state or NOT_MEASURED), text=str(state or NOT_MEASURED))
    elif math.isnan(row.value):
        cell = replace(cell, number="not measurable", text="not measurable")
    else:
        number, text = _show(row, quantity)
        cell = replace(cell, value=row.value, number=number, text=text)
    if grades and row is not None:
        found = [grade_of(one.row(lesion.uid, column.time_point, key)) for one, key in zip(grades, _GRADES, strict=True)]
        cell = _with_grade(cell, *found)
    return replace(cell, notes=(*cell.notes, *(_sentence(one) for one in notes if one)))


def _with_grade(cell: GridCell, given: int | None, proposed: int | None) -> GridCell:
    """Put the T1 grade beside an ADC, and withhold an ADC that has none."""
    grade = proposed if given is None else given
    cell = replace(cell, t1_grade=grade, t1_grade_proposed=given is None and grade is not None)
    if math.isnan(cell.value):
        return cell
    if grade is None:
        note = "ADC is not shown without the T1 grade; grade T1 first."
        return replace(cell, value=math.nan, number="T1 grade missing", text="T1 grade missing", notes=(*cell.notes, note))
    return replace(cell, text=f"{cell.text}, T1 grade {grade}{' (proposed)' if cell.t1_grade_proposed else ''}")


def _show(row: Measurement, quantity: Quantity) -> tuple[str, str]:
    """Number without and with its unit; a count has none."""
    if canonical_unit(quantity, row.statistic) != quantity.unit:
        return f"{row.value:.0f}", f"{row.value:.0f} voxels"
    if quantity.key == "NECROSIS_SCORE" and (score := score_of(row)) is not None:
        label = NecrosisScore(score).label
        return (label, label) if score == 0 else (f"{label} %",) * 2
    text = quantity.format(row.value)
    return text.removesuffix(quantity.display_unit.meaning).rstrip(), text


def _compared(cell: GridCell, baseline: GridCell | None, quantity: Quantity, statistic: str, repeatability: float) -> GridCell:
    """Add the change from the baseline."""
    if math.isnan(cell.value):
        return cell
    if baseline is None or math.isnan(baseline.value):
        return replace(cell, notes=(*cell.notes, NO_BASELINE))
    if cell.t1_grade is not None and baseline.t1_grade is not None and cell.t1_grade > baseline.t1_grade:
        proposed = " (proposed)" if cell.t1_grade_proposed or baseline.t1_grade_proposed else ""
        note = f"T1 has risen from grade {baseline.t1_grade} to {cell.t1_grade}{proposed}: haemorrhage may confound ADC."
        cell = replace(cell, t1_has_risen=True, notes=(*cell.notes, note))
    # A lesion that a reader found gone was measured by nobody; neither does the method of a 0 matter.
    measured = 0.0 not in (cell.value, baseline.value)
    if measured and not same_method(quantity.key, baseline.method, cell.method):
        ways = [one.method or "a way that nobody named" for one in (cell, baseline)]
        note = f"Not compared: measured by {ways[0]}, at baseline by {ways[1]}."
        return replace(cell, comparable=False, change_text="other method", notes=(*cell.notes, note))
    percent = percent_change(baseline.value, cell.value) if baseline.value >= 0.0 else math.nan
    inside = not math.isnan(repeatability) and not math.isnan(percent) and not above(abs(percent), repeatability)
    text = _change_text(quantity, statistic, cell.value - baseline.value, percent)
    return replace(cell, change_percent=percent, change_text=text, inside_repeatability=inside)


def _change_text(quantity: Quantity, statistic: str, difference: float, percent: float) -> str:
    if canonical_unit(quantity, statistic) == quantity.unit:
        shown = difference * quantity.display_factor
        if quantity.unit.value == "1":
            return _signed(shown, quantity.decimals)
        if quantity.unit.value == "{ratio}":
            return f"{_signed(shown, 1)} points"
    return "" if math.isnan(percent) else f"{_signed(percent, 1)} %"


def _signed(value: float, decimals: int) -> str:
    """With a sign, and ± for what is shown as no change."""
    rounded = round(value, decimals)
    return f"{rounded:+.{decimals}f}" if rounded else f"±{0:.{decimals}f}"


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."

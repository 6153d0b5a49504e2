"""CSV files of a case: the measurements, and what the criteria say. For spreadsheets, which take some text for formulas.

Text that a spreadsheet would run (=, +, -, @ at the start of a cell, or after a separator that some countries' settings split at) gets
an apostrophe before it; :func:`read_measurements` takes it away again. Numbers stay numbers. UTF-8 with a mark, so that units read well.
"""

import csv
import io
import math
import re
from dataclasses import fields
from pathlib import Path

from ..errors import InputError
from ..response.case import Case
from ..response.criteria import CaseAssessment, Category, examination_label, week_of
from ..response.measurement import Measurement
from ..response.quantities import canonical_unit, find_quantity

__all__ = ["ENCODING", "measurements_csv", "read_measurements", "response_csv"]

ENCODING = "utf-8-sig"

_MARKS = "=+\\-@＝＋－＠"
_DANGEROUS = re.compile(rf"((?:^|[;\t])[\s']*)([{_MARKS}])")
_DEFUSED = re.compile(rf"((?:^|[;\t])[\s']*)'([{_MARKS}])")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_COLUMNS = [one.name for one in fields(Measurement)]
_ADDED = ("week", "shown", "shown_unit")


def measurements_csv(case: Case) -> str:
    """Return all measurements, a row each: the fields of :class:`.measurement.Measurement`, the week, and the value as it is shown."""
    weeks = {one.index: week_of(case, one.index) for one in case.time_points}
    rows = []
    for one in case.measurements:
        quantity = find_quantity(one.quantity)
        counts = canonical_unit(quantity, one.statistic) != quantity.unit
        shown = one.value if counts else one.value * quantity.display_factor
        week = weeks.get(one.time_point)
        rows.append(
            [
                *(getattr(one, name) for name in _COLUMNS),
                math.nan if week is None else week,
                round(shown, 0 if counts else quantity.decimals),
                "" if counts else quantity.display_unit.meaning,
            ],
        )
    return _written([*_COLUMNS, *_ADDED], rows)


def read_measurements(path: Path) -> list[Measurement]:
    """Read what :func:`measurements_csv` wrote.

    :raises InputError: the file is none of ours, or a row cannot be.
    """
    try:
        with Path(path).open(encoding=ENCODING, newline="") as file:
            found = list(csv.DictReader(file, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"'{Path(path).name}' is not a CSV file in UTF-8 ({error}).") from None
    rows = []
    for number, cells in enumerate(found, start=2):
        missing = [name for name in _COLUMNS if cells.get(name) is None]
        if missing:
            raise InputError(f"'{Path(path).name}', line {number}: no column {', '.join(missing)}; is it a measurements.csv?")
        content = {name: _DEFUSED.sub(r"\1\2", cells[name]) for name in _COLUMNS}
        try:
            content |= {"time_point": int(cells["time_point"]), "value": float(cells["value"] or "nan")}
        except ValueError:
            raise InputError(f"'{Path(path).name}', line {number}: the time point or the value is not a number.") from None
        rows.append(Measurement(**content))
    return rows


def response_csv(case: Case, assessment: CaseAssessment) -> str:
    """Return what every criterion says of every examination, a row each."""
    header = ["criterion", "time_point", "examination", "week", "category", "change_percent", "target", "non_target", "best_response"]
    header += ["reader", "reason", "notes"]
    rows = []
    for name, result in assessment.criteria.items():
        for one in result.assessments:
            week = week_of(case, one.time_point)
            rows.append(
                [
                    name,
                    one.time_point,
                    examination_label(case, one.time_point),
                    math.nan if week is None else week,
                    str(one.category),
                    math.nan if one.category is Category.BASELINE else round(one.change_percent, 6),
                    str(one.target or ""),
                    str(one.non_target or ""),
                    str(assessment.best[name].category),
                    assessment.reader,
                    one.reason,
                    " ".join((*result.notes, *one.notes)),
                ],
            )
    return _written(header, rows)


def _written(header: list[str], rows: list[list]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(one) for one in row] for row in rows)
    return file.getvalue()


def _cell(value):
    """A number as it is (NaN is an empty cell), text without what a spreadsheet would run."""
    if isinstance(value, float):
        return "" if math.isnan(value) else value
    if isinstance(value, str):
        return _DANGEROUS.sub(r"\1'\2", _CONTROL.sub(" ", value))
    return value

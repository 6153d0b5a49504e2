"""What a finished case leaves beside its maps: case.json, measurements.csv, report.txt."""

import csv
import io
import math
import os
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from ..response.case import Case
from ..response.measurement import Measurement

__all__ = ["lines_of", "measurements_csv", "plain_rows", "read_rows", "write_whole"]

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these is a formula to a spreadsheet."""


def measurements_csv(case: Case) -> str:
    """Return all measurements as CSV: a line each, the columns of :class:`~..response.measurement.Measurement`.

    Text that a spreadsheet would take for a formula gets an apostrophe in front, which spreadsheets show as plain text; numbers
    stay numbers. What was not measurable is empty.
    """
    names = [one.name for one in fields(Measurement)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in case.measurements:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return text.getvalue()


def plain_rows(rows: Iterable[Measurement]) -> list[dict]:
    """Return rows as plain JSON, which has no NaN: null."""
    return [vars(row) | {"value": None if math.isnan(row.value) else row.value} for row in rows]


def read_rows(plain: Iterable[dict]) -> list[Measurement]:
    """Return what was given to :func:`plain_rows`."""
    return [Measurement(**(row | {"value": math.nan if row["value"] is None else row["value"]})) for row in plain]


def write_whole(path: Path, text: str) -> None:
    """Write a text file that is either the old or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.unfinished")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _cell(value) -> str | int:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    if isinstance(value, str) and value.lstrip(" ").startswith(_DANGEROUS):
        return f"'{value}"
    return value


def lines_of(title: str, sentences: Iterable[str]) -> list[str]:
    """Return a titled list for the report; nothing where there are no sentences."""
    listed = [f"  - {sentence}" for sentence in dict.fromkeys(sentences)]
    return [f"{title}:", *listed] if listed else []

"""What a finished case leaves beside its maps: case.json, measurements.csv, report.txt."""

import math
import os
from collections.abc import Iterable
from pathlib import Path

from ..report.tables import ENCODING, measurements_csv
from ..response.case import Case
from ..response.measurement import Measurement

__all__ = ["lines_of", "plain_rows", "read_rows", "write_case"]


def write_case(folder: Path, case: Case, report: str) -> dict[str, Path]:
    """Write case.json, measurements.csv and report.txt into a folder, and return them by name.

    Half of a surrogate pair, from text in a broken character set, is written as JSON writes it.
    """
    paths = {name: Path(folder) / name for name in ("case.json", "measurements.csv", "report.txt")}
    _write_whole(paths["case.json"], case.to_json() + "\n", errors="backslashreplace")
    _write_whole(paths["measurements.csv"], measurements_csv(case), encoding=ENCODING, errors="replace")
    _write_whole(paths["report.txt"], report, errors="replace")
    return paths


def plain_rows(rows: Iterable[Measurement]) -> list[dict]:
    """Return rows as plain JSON, which has no NaN: null."""
    return [vars(row) | {"value": None if math.isnan(row.value) else row.value} for row in rows]


def read_rows(plain: Iterable[dict]) -> list[Measurement]:
    """Return what was given to :func:`plain_rows`."""
    return [Measurement(**(row | {"value": math.nan if row["value"] is None else row["value"]})) for row in plain]


def _write_whole(path: Path, text: str, *, encoding: str = "utf-8", errors: str = "strict") -> None:
    """Write a text file that is either the old or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.unfinished")
    temporary.write_text(text, encoding=encoding, errors=errors, newline="")
    os.replace(temporary, path)


def lines_of(title: str, sentences: Iterable[str]) -> list[str]:
    """Return a titled list for the report; nothing where there are no sentences."""
    listed = [f"  - {sentence}" for sentence in dict.fromkeys(sentences)]
    return [f"{title}:", *listed] if listed else []

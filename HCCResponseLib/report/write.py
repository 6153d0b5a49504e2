"""Writes the report of a case: HTML for people, CSV and JSON for programs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..progress import Progress
from ..response.case import Case
from ..response.criteria import BoneMeasure, assess
from .deidentification import deidentified
from .document import report_html
from .figure import require_packages
from .lesion_picture import LesionPicture, Overlay
from .text import plain_text
from .tables import ENCODING, measurements_csv, response_csv

__all__ = ["ReportFiles", "write_report"]

LONGEST_NAME = 60
"""Characters of a lesion's name in the document; the tables beside it have all."""


@dataclass(frozen=True)
class ReportFiles:
    """What was written.

    :param report: the document, ``report.html``.
    :param measurements: all rows, ``measurements.csv``.
    :param case: the whole case, ``case.json``.
    :param response_table: a row for each criterion and examination, ``response.csv``.
    :param response: everything that the criteria say, ``response.json``.
    """

    report: Path
    measurements: Path
    case: Path
    response_table: Path
    response: Path


def write_report(
    case: Case,
    output_folder: Path,
    *,
    pictures: Iterable[LesionPicture] = (),
    deidentify: bool = False,
    reader: str | None = None,
    bone_measure: BoneMeasure = BoneMeasure.PRODUCT,
    confirmation: bool = False,
    warnings: Iterable[str] = (),
    progress: Progress | None = None,
) -> ReportFiles:
    """Assess a case and write its report. The names of the files never come from the case.

    :param output_folder: made where it does not exist; files of an earlier report are replaced.
    :param pictures: of the lesions, from :func:`.lesion_picture.lesion_picture`.
    :param deidentify: leave out names, identifiers, UIDs and dates, in all files; dates become weeks.
    :param reader: whose measurements; may be left out where there is one reader.
    :param bone_measure: see :func:`..response.criteria.assess`, as ``confirmation``.
    :param warnings: sentences to print in the report, such as what could not be computed.
    :raises InputError: matplotlib or Jinja2 is not installed, several readers and none chosen, or the case cannot be assessed.
    :raises Cancelled: ``progress`` returned False; nothing was written.
    """
    require_packages("matplotlib", "jinja2")
    rules = dict(bone_measure=bone_measure, confirmation=confirmation)
    assessment = assess(case, reader=reader, **rules)
    pictures, warnings = tuple(pictures), tuple(warnings)
    if deidentify:
        plain = deidentified(case)
        pictures = tuple(
            replace(
                one,
                lesion_uid=plain.lesion_uids.get(one.lesion_uid, ""),
                title=plain.text(one.title),
                unit=plain.text(one.unit),
                overlays=tuple(Overlay(plain.text(part.label), part.colour, part.mask, part.filled) for part in one.overlays),
            )
            for one in pictures
        )
        warnings = tuple(map(plain.text, warnings))
        case = plain.case
        assessment = assess(case, reader=plain.readers[assessment.reader], **rules)
    shown = _with_short_names(case)
    page_assessment = assessment if shown is case else assess(shown, reader=assessment.reader, **rules)
    page = report_html(shown, page_assessment, pictures=pictures, deidentified=deidentify, warnings=warnings, progress=progress)
    folder = Path(output_folder)
    found = ReportFiles(
        folder / "report.html",
        folder / "measurements.csv",
        folder / "case.json",
        folder / "response.csv",
        folder / "response.json",
    )
    # Half of a surrogate pair, from a header in a broken character set, is written as JSON writes it.
    texts = {
        found.report: (page, "utf-8", "replace"),
        found.measurements: (measurements_csv(case), ENCODING, "replace"),
        found.case: (case.to_json(), "utf-8", "backslashreplace"),
        found.response_table: (response_csv(case, assessment), ENCODING, "replace"),
        found.response: (assessment.to_json(), "utf-8", "backslashreplace"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for path, (text, encoding, errors) in texts.items():
        path.write_text(text, encoding=encoding, errors=errors, newline="")
    return found


def _with_short_names(case: Case) -> Case:
    """Return the case with names of lesions that leave room for the sentences they stand in; the same case where all do."""
    lesions = tuple(replace(one, identifier=plain_text(one.identifier, LONGEST_NAME)) for one in case.lesions)
    return case if lesions == case.lesions else replace(case, lesions=lesions)

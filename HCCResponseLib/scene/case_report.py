"""The report of a patient of the scene, with pictures of the lesions."""

from pathlib import Path

from ..progress import Progress, subrange
from .case import case_and_notes
from .case_pictures import case_pictures

__all__ = ["write_case_report"]


def write_case_report(
    patient_item: int,
    folder,
    *,
    reader: str | None = None,
    deidentify: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write the report of a patient: one HTML file, with tables and the case beside it.

    :param reader: whose measurements; may be left out where there is one reader.
    :param deidentify: leave out names, identifiers and dates.
    :return: the HTML file.
    :raises InputError: a package for reports is missing, several readers and none chosen, or the case cannot be assessed.
    :raises Cancelled: ``progress`` returned False; nothing was written.
    """
    from ..report.write import write_report

    case, notes = case_and_notes(patient_item)
    pictures, problems = case_pictures(patient_item, progress=subrange(progress, 0.0, 0.5))
    files = write_report(
        case,
        Path(folder),
        pictures=pictures,
        deidentify=deidentify,
        reader=reader,
        warnings=[*notes, *problems],
        progress=subrange(progress, 0.5, 1.0),
    )
    return files.report

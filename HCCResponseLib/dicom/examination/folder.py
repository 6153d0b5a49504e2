"""The examinations in a folder, and a report of what was found, left out and could not be read."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ..recognition import Confidence, Recognition
from ..scan import Scan
from ..series import Series, joint_label
from .missing import missing_images
from .read import Reading
from .recognise import recognise_examination

__all__ = ["Examination", "find_examinations", "folder_report"]

MOST_FILES = 20


@dataclass(frozen=True)
class Examination:
    """One study of one patient.

    :param patient: how a message names the patient.
    :param recognitions: what its series are, in the order of the series.
    :param missing: what is not there of what an examination of the liver should hold, a sentence each.
    """

    patient: str
    patient_id: str
    patient_name: str
    study_uid: str
    study_date: date | None
    description: str
    recognitions: tuple[Recognition, ...]
    missing: tuple[str, ...]

    @property
    def label(self) -> str:
        """How a message names the examination."""
        return f"{self.patient}, {self.study_date or 'no date'}" + (f", {self.description}" if self.description else "")


def find_examinations(scan: Scan) -> tuple[Examination, ...]:
    """Sort the series of a folder into examinations and recognise them, each by itself.

    :return: in the order of patient and date.
    """
    studies: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for one in scan.series:
        studies[one.patient_key, one.study_uid].append(one)
    found = []
    for series in studies.values():
        first = series[0]
        recognitions = recognise_examination(series)
        found.append(
            Examination(
                patient=first.patient,
                patient_id=first.patient_id,
                patient_name=first.patient_name,
                study_uid=first.study_uid,
                study_date=first.study_date,
                description=first.study_description,
                recognitions=recognitions,
                missing=missing_images(recognitions),
            ),
        )
    return tuple(found)


def folder_report(scan: Scan, examinations: Sequence[Examination], readings: Iterable[Reading] = ()) -> str:
    """Write what was found in a folder, for a person to read.

    :param readings: what :func:`read_examination` gave, to tell what could not be read.
    """
    lines = []
    if len(scan.patients) > 1:
        lines.append(f"The folder holds images of {len(scan.patients)} patients, which were kept apart: {'; '.join(scan.patients)}.")
    failed = {id(reading.recognition): reading.error for reading in readings if reading.error}
    for one in examinations:
        lines.append(one.label)
        for recognition in one.recognitions:
            lines += _recognised(recognition, failed.get(id(recognition), ""))
        lines += [f"  ! {sentence}" for sentence in one.missing]
    if not examinations:
        lines.append("The folder holds no DICOM images.")
    if scan.skipped:
        lines.append(f"{len(scan.skipped)} files were left out:")
        lines += [f"  {skipped.path.name}: {skipped.reason}" for skipped in scan.skipped[:MOST_FILES]]
        if len(scan.skipped) > MOST_FILES:
            lines.append(f"  and {len(scan.skipped) - MOST_FILES} more")
    return "\n".join(lines) + "\n"


def _recognised(recognition: Recognition, error: str) -> list[str]:
    role = recognition.role.title if recognition.role is not None else "not used"
    sure = "" if recognition.confidence is Confidence.SURE or recognition.role is None else f" ({recognition.confidence})"
    series = recognition.series
    name = joint_label(series) if len(series) < 6 else f"{series[0].label} to {series[-1].label} ({len(series)} series)"
    lines = [f"  {name}: {role}{sure}. {recognition.reason}"]
    notes = dict.fromkeys(note for one in series for note in one.notes)
    lines += [f"    ! {sentence}" for sentence in (*recognition.warnings, *notes)]
    if error:
        lines.append(f"    ! It could not be read: {error}")
    return lines

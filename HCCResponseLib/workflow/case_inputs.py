"""What a case folder holds: examinations in the order of time, and which outlines belong to which.

Layout, as free as it can be: DICOM images anywhere below the case folder; outlines as files beside or below them (see
:mod:`.outline_files`); ``hccresponse.json`` (:mod:`.case_settings`) at the top, if anything is to be said. An outline file belongs

1. to the examination that the settings name for it;
2. a DICOM segmentation to the examination whose study it is of;
3. to the examination whose images stand in the same folder, or in the nearest folder above that holds images of one alone;
4. to the examination whose date (2024-03-04 or 20240304), or ``baseline``, ``week 4`` or ``tp1``, is in its name or in that of
   a folder above it;
5. to the only examination, where there is one.

The first that applies decides; where it points to several, or nothing applies, that is an error that names the file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from ..dicom import Examination, Recognition, Scan, Skipped, find_examinations, scan_folder, skipped_lines
from ..errors import InputError
from ..progress import Progress
from ..response.roles import Role
from .case_settings import SETTINGS_FILE, CaseSettings, ExaminationSettings, read_settings
from .dicom_segmentation import SEGMENTATION_STORAGE
from .outline import Outline
from .outline_files import OUTLINE_ENDINGS, read_outlines
from .steps import RECORD

__all__ = ["CaseExamination", "CaseInputs", "find_case"]


@dataclass(frozen=True, eq=False)
class CaseExamination:
    """One examination of the case.

    :param index: time point.
    :param weeks: from the baseline; None where dates are not known.
    :param recognitions: what its series are, with the roles that the settings give.
    :param outlines: the regions of all its outline files.
    :param outline_files: those files.
    """

    index: int
    examination: Examination
    recognitions: tuple[Recognition, ...]
    settings: ExaminationSettings
    weeks: float | None
    outlines: tuple[Outline, ...] = ()
    outline_files: tuple[Path, ...] = ()

    @property
    def day(self) -> str:
        """ISO 8601; empty where it is not known."""
        return self.examination.study_date.isoformat() if self.examination.study_date else ""

    @property
    def name(self) -> str:
        """Name of its folder of results."""
        return f"{self.index:02d}_{self.day or self.examination.study_uid.rpartition('.')[2][-12:] or 'no_date'}"


@dataclass(frozen=True, eq=False)
class CaseInputs:
    """What a case folder holds.

    :param problems: what could not be used, a sentence each.
    :param passed_over: files that are neither images nor outlines nor damaged, and images that stand there twice.
    """

    folder: Path
    settings: CaseSettings
    scan: Scan
    examinations: tuple[CaseExamination, ...]
    problems: tuple[str, ...]
    passed_over: tuple[Skipped, ...]


def find_case(folder: Path, *, leave_out: Sequence[Path] = (), progress: Progress | None = None) -> CaseInputs:
    """Look through a case folder; of the images only headers are read.

    :param leave_out: folders that are not looked at: those of results.
    :raises InputError: no folder, no image, images of several patients, or settings that cannot be; the message says what to do.
    :raises Cancelled: ``progress`` returned False.
    """
    folder = Path(folder)
    settings = read_settings(folder / SETTINGS_FILE)
    scan = scan_folder(folder, progress=progress)
    hidden = [path.resolve() for path in leave_out]
    scan = replace(scan, skipped=tuple(one for one in scan.skipped if not _below(one.path, hidden)))
    found = find_examinations(scan)
    if not found:
        raise InputError(f"'{folder}' holds no DICOM image; name the folder that holds the examinations of one patient.")
    patients = {one.patient_id or one.patient_name: one.patient for one in found}
    if len(patients) > 1:
        raise InputError(
            f"'{folder}' holds images of {len(patients)} patients: {'; '.join(patients.values())}. Give each patient a folder.",
        )
    problems: list[str] = []
    examinations = _in_order(found, settings)
    outlines: dict[int, list[Outline]] = {one.index: [] for one in examinations}
    files: dict[int, list[Path]] = {one.index: [] for one in examinations}
    paths = _outline_paths(scan, folder)
    if missing := sorted(set(settings.outlines) - {path.relative_to(folder).as_posix() for path in paths}):
        raise InputError(f"{SETTINGS_FILE} tells of outlines in {', '.join(missing)}; there is no such file of outlines in the folder.")
    for path in paths:
        try:
            regions = read_outlines(path, settings.labels)
            index = _examination_of(path, regions, folder, settings, examinations).index
        except (InputError, OSError) as error:
            problems.append(f"Outlines {path.relative_to(folder)}: {error}")
            continue
        outlines[index] += regions
        files[index].append(path)
    others = [one for one in scan.skipped if one.path not in paths and one.path != folder / SETTINGS_FILE]
    problems += skipped_lines([one for one in others if one.damaged], folder)
    completed = tuple(replace(one, outlines=tuple(outlines[one.index]), outline_files=tuple(files[one.index])) for one in examinations)
    return CaseInputs(folder, settings, scan, completed, tuple(problems), tuple(one for one in others if not one.damaged))


def _in_order(found: Sequence[Examination], settings: CaseSettings) -> list[CaseExamination]:
    """Examinations by date; the settings may number them otherwise."""
    said = {}
    for one in found:
        day = one.study_date.isoformat() if one.study_date else None
        said[one.study_uid] = settings.examinations.get(one.study_uid) or settings.examinations.get(day) or ExaminationSettings()
    known = {name for one in found for name in (one.study_uid, one.study_date.isoformat() if one.study_date else None)}
    if unknown := sorted(set(settings.examinations) - known):
        listed = ", ".join(str(one.study_date or one.study_uid) for one in found)
        raise InputError(f"{SETTINGS_FILE} names examination {', '.join(unknown)}, which is not there; found are {listed}.")
    ordered = sorted(found, key=lambda one: (one.study_date or date.max, one.study_uid))
    if sum(one.study_date is None for one in found) > 1 and any(said[one.study_uid].time_point is None for one in found):
        raise InputError(f"Several examinations have no date; give each its time_point by its study UID in {SETTINGS_FILE}.")
    taken = [said[one.study_uid].time_point for one in ordered]
    free = iter(n for n in range(2 * len(ordered)) if n not in taken)
    indices = [next(free) if index is None else index for index in taken]
    if len(set(indices)) < len(indices):
        raise InputError(f"{SETTINGS_FILE} gives two examinations the same time point.")
    baseline = next((one.study_date for one, index in zip(ordered, indices, strict=True) if index == min(indices)), None)
    result = []
    for one, index in zip(ordered, indices, strict=True):
        weeks = said[one.study_uid].weeks_from_baseline
        if weeks is None and baseline is not None and one.study_date is not None:
            weeks = round((one.study_date - baseline).days / 7.0, 2)
        recognitions = _with_roles(one, said[one.study_uid].roles)
        result.append(CaseExamination(index, one, recognitions, said[one.study_uid], weeks))
    return sorted(result, key=lambda one: one.index)


def _with_roles(examination: Examination, roles) -> tuple[Recognition, ...]:
    numbers = {str(series.number): None for one in examination.recognitions for series in one.series}
    if unknown := [number for number in roles if number not in numbers]:
        raise InputError(
            f"{SETTINGS_FILE} gives a role to series {', '.join(unknown)} of {examination.study_date or examination.study_uid}, which is "
            f"not there; found are {', '.join(numbers)}.",
        )
    result = []
    for one in examination.recognitions:
        number = next((str(series.number) for series in one.series if str(series.number) in roles), None)
        if number is not None:
            role = None if roles[number] is None else Role(roles[number])
            one = replace(one, role=role, reason="The settings of the case say so.")
        result.append(one)
    return tuple(result)


def _outline_paths(scan: Scan, folder: Path) -> list[Path]:
    """Files that no series has and that may hold outlines."""
    found = []
    for one in scan.skipped:
        name = one.path.name.lower()
        if name.startswith(".") or any(part.startswith(".") for part in one.path.relative_to(folder).parts[:-1]):
            continue
        if (one.path.parent / RECORD).exists():
            continue  # a map of an earlier run
        if name.endswith(OUTLINE_ENDINGS) or _is_segmentation(one.path):
            found.append(one.path)
    return sorted(found)


def _is_segmentation(path: Path) -> bool:
    import pydicom

    try:
        with open(path, "rb") as file:
            if file.read(132)[128:] != b"DICM":
                return False
        return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"]).get("SOPClassUID") in SEGMENTATION_STORAGE
    except Exception:  # damaged files have their own sentence in the scan
        return False


def _examination_of(
    path: Path,
    regions: Sequence[Outline],
    folder: Path,
    settings: CaseSettings,
    examinations: Sequence[CaseExamination],
) -> CaseExamination:
    relative = path.relative_to(folder).as_posix()
    if relative in settings.outlines:
        wanted = settings.outlines[relative]
        named = [one for one in examinations if wanted in (one.examination.study_uid, one.day)]
        return _one(named, f"'{wanted}' in {SETTINGS_FILE}", examinations)
    study = next((one.study_uid for one in regions if one.study_uid), "")
    if study:
        return _one([one for one in examinations if one.examination.study_uid == study], f"its study {study}", examinations)
    homes = {
        one.index: {frame.path.parent for of in one.recognitions for series in of.series for frame in series.frames} for one in examinations
    }
    for place in (path.parent, *path.parent.parents):
        held = [one for one in examinations if any(home == place or place in home.parents for home in homes[one.index])]
        if held and len(held) == 1:
            return held[0]
        if held or place == folder:
            break
    text = relative.casefold()
    named = [one for one in examinations if _is_named(one, text)]
    if named:
        return _one(named, "its name", examinations)
    if len(examinations) == 1:
        return examinations[0]
    raise InputError(
        "it is not told which examination they belong to. Put the file into the folder of the examination's images, put its date into the "
        f"name, or say it in {SETTINGS_FILE} (outlines). Examinations: {_listed(examinations)}.",
    )


def _is_named(one: CaseExamination, text: str) -> bool:
    words = [re.escape(one.day), one.day.replace("-", ""), rf"tp[ _-]?0*{one.index}"] if one.day else [rf"tp[ _-]?0*{one.index}"]
    if one.weeks == 0.0 or one.index == 0:
        words.append("baseline")
    if one.weeks is not None and one.weeks > 0.0:
        words.append(rf"w(?:ee)?k?[ _-]?0*{one.weeks:.0f}")
    return any(re.search(rf"(?<![a-z0-9]){word}(?![0-9])", text) for word in words)


def _one(found: Sequence[CaseExamination], why: str, examinations: Sequence[CaseExamination]) -> CaseExamination:
    if len(found) == 1:
        return found[0]
    points = "no examination" if not found else "several examinations"
    raise InputError(f"{why} points to {points}. Examinations: {_listed(examinations)}.")


def _listed(examinations: Sequence[CaseExamination]) -> str:
    return ", ".join(one.day or one.examination.study_uid for one in examinations)


def _below(path: Path, folders: Sequence[Path]) -> bool:
    resolved = path.resolve()
    return any(folder == resolved or folder in resolved.parents for folder in folders)

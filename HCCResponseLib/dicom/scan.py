"""A folder of DICOM files sorted into series, and a reason for every file left out."""

import math
import os
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from ..errors import InputError
from ..progress import Progress, report_progress
from .contrast_agent import contrast_agent
from .frames import frames_of
from .headers import date_of, number, quiet_pydicom, text
from .pulse_sequence import pulse_sequence
from .series import Frame, Series

__all__ = ["Scan", "Skipped", "scan_files", "scan_folder", "skipped_lines"]

MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
DERIVED_OBJECTS = {"SEG": "a segmentation", "RTDOSE": "a radiotherapy dose"}
"""Modalities whose objects have rows and columns but are no series of images."""


@dataclass(frozen=True)
class Skipped:
    """A file that belongs to no series, and why.

    :param damaged: it should have been an image; False for what is none (reports, notes) and for an image that stands there twice.
    """

    path: Path
    reason: str
    damaged: bool = False


@dataclass(frozen=True)
class Scan:
    """What is in a folder: its series, ordered by patient, study date and series number, and the files left out."""

    series: tuple[Series, ...]
    skipped: tuple[Skipped, ...]

    @property
    def patients(self) -> tuple[str, ...]:
        """The different patients, in words."""
        return tuple({one.patient_key: one.patient for one in reversed(self.series)}.values())[::-1]


IMAGE_ENDINGS = (".dcm", ".ima")
"""A file with one of these that is not DICOM was an image once."""


class _Unusable(Exception):
    """Why a file cannot be part of a series."""

    def __init__(self, reason: str, *, damaged: bool = True):
        super().__init__(reason)
        self.damaged = damaged


def scan_folder(folder: str | os.PathLike, *, progress: Progress | None = None) -> Scan:
    """Group the DICOM images below a folder into series; only headers are read.

    Files of any name are looked at, in all subfolders; a DICOMDIR is passed over without a word. The rest is as in :func:`scan_files`.

    :param folder: folder to look through.
    :param progress: told the finished fraction; may cancel.
    :raises InputError: ``folder`` is no folder.
    :raises Cancelled: ``progress`` returned False.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"'{folder}' is not a folder. Choose the folder that holds the DICOM files.")
    return scan_files(_files(folder), folder=folder, progress=progress)


def scan_files(files: Iterable[str | os.PathLike], *, folder: Path | None = None, progress: Progress | None = None) -> Scan:
    """Group DICOM images into series; only headers are read.

    What is no DICOM file, ends too early, is no image, or is the same image a second time ends in ``skipped`` with the reason.
    Images that share a series UID but not the patient or the study become different series.

    :param folder: that messages leave away from the paths below it.
    :param progress: told the finished fraction; may cancel.
    :raises Cancelled: ``progress`` returned False.
    """
    paths = [Path(file) for file in files]
    skipped: list[Skipped] = []
    headers: dict[tuple, Dataset] = {}
    frames: dict[tuple, list[Frame]] = defaultdict(list)
    seen: dict[str, list[tuple[Path, tuple]]] = defaultdict(list)
    notes: dict[tuple, list[str]] = defaultdict(list)
    for done, path in enumerate(paths):
        report_progress(progress, done / len(paths))
        try:
            with quiet_pydicom():
                dataset = _read_header(path)
                if dataset is None:
                    continue
                found = frames_of(dataset, path)
                if not found:
                    # As films and screenshots are, which are no loss.
                    reason = "several frames without functional groups: their places are not known"
                    raise _Unusable(reason, damaged=text(dataset, "Modality") == "MR")
                key = (_patient_key(dataset), text(dataset, "StudyInstanceUID"), text(dataset, "SeriesInstanceUID"))
        except _Unusable as reason:
            skipped.append(Skipped(path, str(reason), reason.damaged))
            continue
        except Exception as error:
            # pydicom meets a broken header with whatever its parser stumbles over, some of it only when a value is looked at
            skipped.append(Skipped(path, f"the DICOM header is damaged ({error})", damaged=True))
            continue
        uid = found[0].sop_instance_uid
        content = (key, len(found), replace(found[0], path=Path()))
        twin = next((other for other, same in seen[uid] if same == content), None)
        if twin is not None:
            skipped.append(Skipped(path, f"the same image as '{twin.relative_to(folder) if folder else twin}' (SOP instance {uid})"))
            continue
        if seen[uid]:
            notes[key].append(f"'{path.name}' and '{seen[uid][0][0].name}' are different images with one SOP instance UID ({uid}).")
        seen[uid].append((path, content))
        headers.setdefault(key, dataset)
        frames[key].extend(found)
    _note_shared_uids(frames, notes)
    with quiet_pydicom():
        series = [_series(headers[key], frames[key], notes[key]) for key in frames]
    series.sort(key=lambda s: (s.patient_key, str(s.study_date), s.study_uid, s.number or 0, s.series_uid))
    report_progress(progress, 1.0)
    return Scan(tuple(series), tuple(skipped))


def skipped_lines(skipped: Iterable[Skipped], folder: Path | None = None, *, most: int = 20) -> list[str]:
    """Return a line for each reason, not for each file ("notes.txt and 2 more: not a DICOM file").

    :param folder: that is left away from the paths; None: names alone.
    :param most: lines; the last one tells how many files are not named.
    """
    by_reason: dict[str, list[Path]] = defaultdict(list)
    for one in skipped:
        by_reason[one.reason].append(one.path)
    groups = list(by_reason.items())
    kept = groups if len(groups) <= most else groups[: most - 1]
    lines = []
    for reason, paths in kept:
        name = paths[0].relative_to(folder) if folder else paths[0].name
        lines.append(f"{name}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}: {reason}")
    if unnamed := sum(len(paths) for _reason, paths in groups[len(kept) :]):
        lines.append(f"and {unnamed} more files")
    return lines


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.upper() != "DICOMDIR":
                yield Path(root, name)


def _read_header(path: Path) -> Dataset | None:
    """Header of an image file; None for a media directory.

    :raises _Unusable: it is no DICOM image or not whole.
    """
    try:
        with path.open("rb") as file:
            if len(start := file.read(132)) < 132 or start[128:] != b"DICM":
                # Beside files that it copies, macOS leaves others, "._name".
                raise _Unusable("not a DICOM file", damaged=path.suffix.lower() in IMAGE_ENDINGS and not path.name.startswith("."))
            file.seek(0)
            dataset = pydicom.dcmread(file, stop_before_pixels=True)
            whole = _pixels_are_whole(dataset, file)
    except OSError as error:
        raise _Unusable(f"cannot be read: {error.strerror or error}") from error
    except (InvalidDicomError, EOFError) as error:
        raise _Unusable("the file is damaged or ends too early") from error
    sop_class = text(dataset.file_meta, "MediaStorageSOPClassUID") or text(dataset, "SOPClassUID")
    if sop_class == MEDIA_DIRECTORY:
        return None
    modality = text(dataset, "Modality")
    if modality in DERIVED_OBJECTS:
        raise _Unusable(f"{DERIVED_OBJECTS[modality]}, not an image series", damaged=False)
    if number(dataset, "Rows") is None or number(dataset, "Columns") is None:
        if not sop_class or UID(sop_class).name.endswith("Image Storage"):
            raise _Unusable("the file ends before its pixels do (truncated)")
        raise _Unusable(f"not an image ({UID(sop_class).name})", damaged=False)
    if not text(dataset, "SeriesInstanceUID") or not text(dataset, "SOPInstanceUID"):
        raise _Unusable("no series UID or no SOP instance UID in the header")
    if not whole:
        raise _Unusable("the file ends before its pixels do (truncated)")
    return dataset


def _pixels_are_whole(dataset: Dataset, file: BinaryIO) -> bool:
    """Tell whether the pixel data, at whose element the file stands, end before the file does."""
    syntax = UID(text(dataset.file_meta, "TransferSyntaxUID"))
    if syntax.is_deflated:
        return True  # zlib has read to the end by now
    start = file.tell()
    rest = file.seek(0, os.SEEK_END) - start
    if not syntax.is_encapsulated:
        factors = [number(dataset, name) or 1 for name in ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "BitsAllocated")]
        return rest >= 8 + math.prod(factors) / 8
    # items of compressed fragments, then the delimiter
    file.seek(start + 12)
    while len(head := file.read(8)) == 8:
        group, element, length = struct.unpack("<HHL", head)
        if (group, element) != (0xFFFE, 0xE000):
            return (group, element) == (0xFFFE, 0xE0DD)
        file.seek(length, os.SEEK_CUR)
    return False


def _patient_key(dataset: Dataset) -> str:
    return text(dataset, "PatientID") or text(dataset, "PatientName")


def _note_shared_uids(frames: dict[tuple, list[Frame]], notes: dict[tuple, list[str]]) -> None:
    by_uid = defaultdict(list)
    for key in frames:
        by_uid[key[2]].append(key)
    for uid, keys in by_uid.items():
        if len(keys) > 1:
            for key in keys:
                notes[key].append(f"The series UID {uid} stands in images of {len(keys)} patients or studies; they were taken apart.")


def _series(dataset: Dataset, frames: list[Frame], notes: list[str]) -> Series:
    series_number = number(dataset, "SeriesNumber")
    positions = number(dataset, "NumberOfTemporalPositions")
    agent, injected = contrast_agent(dataset, min((f.acquired for f in frames if f.acquired is not None), default=None))
    return Series(
        series_uid=text(dataset, "SeriesInstanceUID"),
        study_uid=text(dataset, "StudyInstanceUID"),
        frames=tuple(frames),
        description=text(dataset, "SeriesDescription"),
        number=None if series_number is None else int(series_number),
        modality=text(dataset, "Modality"),
        protocol=text(dataset, "ProtocolName"),
        manufacturer=text(dataset, "Manufacturer"),
        model=text(dataset, "ManufacturerModelName"),
        study_date=date_of(dataset, "StudyDate"),
        study_description=text(dataset, "StudyDescription"),
        patient_id=text(dataset, "PatientID"),
        patient_name=text(dataset, "PatientName"),
        frame_of_reference_uid=text(dataset, "FrameOfReferenceUID"),
        pulse_sequence=pulse_sequence(dataset),
        contrast_agent=agent,
        contrast_start=injected,
        temporal_positions=None if positions is None else int(positions),
        notes=tuple(notes),
    )

"""The DICOM files that Slicer's DICOM import loaded a volume from: its database knows them by instance UID."""

import functools
from pathlib import Path

import slicer

__all__ = ["common_header_value", "database", "instance_uids", "source_files"]


def database():
    """Return Slicer's open DICOM database; None outside the application, or while none is open."""
    found = getattr(slicer, "dicomDatabase", None)
    return found if found is not None and found.isOpen else None


def instance_uids(node) -> tuple[str, ...]:
    """Return the SOP instance UIDs that Slicer's DICOM import wrote at a volume; () where it was not loaded so."""
    return tuple((node.GetAttribute("DICOM.instanceUIDs") or "").split())


def source_files(node) -> tuple[str, ...]:
    """Return the files that a volume was loaded from, as far as Slicer's DICOM database knows them; () without a database."""
    known = database()
    return () if known is None else tuple(filter(None, (known.fileForInstance(uid) for uid in instance_uids(node))))


def common_header_value(node, parameter: str) -> float | None:
    """Return the one value that the headers of all images of a volume have; None where they differ or do not tell.

    :param parameter: field of a :class:`~HCCResponseLib.dicom.Frame` ("flip_angle_deg").
    """
    files = source_files(node)
    return _common_value(files, parameter) if files else None


@functools.lru_cache(maxsize=512)  # a panel asks at every change of the scene
def _common_value(files: tuple[str, ...], parameter: str) -> float | None:
    found = {value for file in files for value in _values(file, parameter)}
    return found.pop() if len(found) == 1 else None


def _values(file: str, parameter: str) -> list:
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    from ..dicom.frames import frames_of
    from ..dicom.headers import quiet_pydicom

    try:
        with quiet_pydicom():
            return [getattr(frame, parameter) for frame in frames_of(dcmread(file, stop_before_pixels=True), Path(file))]
    except (OSError, InvalidDicomError):
        return [None]

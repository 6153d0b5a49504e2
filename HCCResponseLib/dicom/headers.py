"""Values out of DICOM headers, read quietly: what cannot be understood is None, never a wrong number."""

import contextlib
import logging
import math
import struct
import warnings
from datetime import date, datetime, time
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

__all__ = [
    "PrivateElements",
    "acquisition_datetime",
    "content_datetime",
    "date_of",
    "dated",
    "number",
    "numbers",
    "quiet_pydicom",
    "sequence_item",
    "text",
    "texts",
    "time_of",
]


@contextlib.contextmanager
def quiet_pydicom():
    """Keep pydicom from telling the user about every odd value of a vendor's header.

    pydicom checks a value when it is first looked at, so this surrounds the looking as well as the reading.
    """
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _value(dataset: Dataset | None, name: Any) -> Any:
    """Value of an attribute, or None when it is absent, empty or damaged (one bad value must not lose the file)."""
    if dataset is None or name is None or name not in dataset:
        return None
    try:
        value = dataset[name].value
    except Exception:
        return None
    return None if value is None or value == "" else value


def _several(value: Any) -> list:
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, (str, bytes)) else [value]


def texts(dataset: Dataset | None, name: Any) -> tuple[str, ...]:
    """Values of a text attribute, each without padding; () when absent."""
    value = _value(dataset, name)
    if isinstance(value, bytes):
        value = value.decode("latin-1").split("\\")
    # a person's name has an iterator of its own, over letters
    values = [str(value)] if hasattr(value, "family_name") else _several(value)
    return () if value is None else tuple(str(v).replace("\0", "").strip() for v in values)


def text(dataset: Dataset | None, name: Any) -> str:
    """Text of an attribute without padding; several values joined by a backslash; '' when absent."""
    return "\\".join(texts(dataset, name))


def numbers(dataset: Dataset | None, name: Any, count: int | None = None) -> tuple[float, ...] | None:
    """Finite numbers of an attribute, or None when absent, not numbers, or not ``count`` of them."""
    return _finite(_value(dataset, name), count)


def number(dataset: Dataset | None, name: Any) -> float | None:
    """First number of an attribute, or None."""
    values = numbers(dataset, name)
    return values[0] if values else None


def _finite(value: Any, count: int | None) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        result = tuple(float(v) for v in _several(value))
    except (TypeError, ValueError):
        return None
    if not result or not all(math.isfinite(v) for v in result) or (count is not None and len(result) != count):
        return None
    return result


def sequence_item(dataset: Dataset | None, name: Any) -> Dataset | None:
    """First item of a sequence, or None when the sequence is absent, empty or no sequence."""
    value = _value(dataset, name)
    if not isinstance(value, Sequence) or len(value) == 0:
        return None
    return value[0]


class PrivateElements:
    """A vendor's private elements, found through the block that their private creator reserved.

    The block is 0x10 in a scanner's own files but moves when another system adds elements of its own.
    Where the creators were stripped (some de-identification does it), the elements are looked for in block 0x10.
    """

    def __init__(self, dataset: Dataset):
        self.dataset = dataset
        self._blocks: dict[tuple[int, str], int] = {}
        for tag in dataset.keys():
            group, element = tag >> 16, tag & 0xFFFF
            if group % 2 and 0x10 <= element <= 0xFF:
                self._blocks[group, text(dataset, tag).casefold()] = element

    def tag(self, group: int, creator: str, offset: int) -> int | None:
        """Full tag of an element, or None when it is not there."""
        block = self._blocks.get((group, creator.casefold()))
        if block is None and not any(g == group for g, _ in self._blocks):
            block = 0x10
        tag = None if block is None else (group << 16) | (block << 8) | offset
        return tag if tag is not None and tag in self.dataset else None

    def numbers(self, group: int, creator: str, offset: int, vr: str) -> tuple[float, ...] | None:
        """Numbers of an element whose true value representation is ``vr``: IS, DS, FL, FD, SS or US.

        An archive that does not know the element hands it on as bytes (UN) or as one text.
        """
        tag = self.tag(group, creator, offset)
        value = None if tag is None else _value(self.dataset, tag)
        if isinstance(value, bytes):
            code = {"FL": "f", "FD": "d", "SS": "h", "US": "H"}.get(vr)
            if code is None:
                value = value.decode("latin-1").replace("\0", " ")
            elif value and len(value) % struct.calcsize(code) == 0:
                value = struct.unpack(f"<{len(value) // struct.calcsize(code)}{code}", value)
            else:
                return None
        if isinstance(value, str):
            value = value.split("\\")
        return _finite(value, None)

    def text(self, group: int, creator: str, offset: int) -> str:
        """Text of an element; '' when it is not there."""
        tag = self.tag(group, creator, offset)
        return "" if tag is None else text(self.dataset, tag)


def date_of(dataset: Dataset | None, name: Any) -> date | None:
    """Date (DA), or None when absent or not a date."""
    digits = text(dataset, name).replace(".", "").replace("-", "")[:8]
    try:
        return datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        return None


def time_of(digits: str) -> time | None:
    """Time (TM): HH, HHMM, HHMMSS or HHMMSS.FFFFFF, with the colons that old systems wrote; None when it is none."""
    whole, _, fraction = digits.replace(":", "").partition(".")
    if not whole:
        return None
    try:
        moment = datetime.strptime(whole.ljust(6, "0"), "%H%M%S").time()
        return moment.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction else moment
    except ValueError:
        return None


def acquisition_datetime(dataset: Dataset | None, name: str | None = None) -> datetime | None:
    """When a frame was acquired, in the scanner's local time: a date-time (DT), or the acquisition date and time.

    The date may be that of the series, the image or the study where the acquisition has none. Where a file was robbed of
    all its dates, the first day of 1900 stands for them: the times of one examination can still be compared.

    :param name: a date-time attribute; None reads AcquisitionDateTime, else AcquisitionDate and AcquisitionTime.
    """
    digits = text(dataset, name or "AcquisitionDateTime").split("+")[0].split("-")[0]
    if len(digits) >= 14:
        moment = time_of(digits[8:])
        try:
            day = datetime.strptime(digits[:8], "%Y%m%d").date()
        except ValueError:
            return None
        return None if moment is None else datetime.combine(day, moment)
    return _moment(dataset, "AcquisitionTime", ("AcquisitionDate", *_DATES)) if name is None else None


def content_datetime(dataset: Dataset | None) -> datetime | None:
    """When the pixels were made (ContentDate, ContentTime); with luck the order, not always the distance, of acquisitions."""
    return _moment(dataset, "ContentTime", ("ContentDate", *_DATES))


_DATES = ("SeriesDate", "ContentDate", "StudyDate")
_UNKNOWN_DAY = date(1900, 1, 1)


def dated(moment: datetime | None) -> datetime | None:
    """Return a moment whose day is known; None for one that only has a time of day."""
    return None if moment is None or moment.date() == _UNKNOWN_DAY else moment


def _moment(dataset: Dataset | None, name: str, dates: tuple[str, ...]) -> datetime | None:
    moment = time_of(text(dataset, name))
    if moment is None:
        return None
    day = next((found for date_name in dates if (found := date_of(dataset, date_name))), _UNKNOWN_DAY)
    return datetime.combine(day, moment)

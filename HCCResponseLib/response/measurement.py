"""One measured number, with everything that is needed to trust it: what, where, when, how, by whom."""

import dataclasses
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ..errors import InputError
from .quantities import STATISTICS, canonical_unit, find_quantity

__all__ = ["Measurement", "MeasurementKey", "now"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
MeasurementKey = tuple[str, int, str, str, str, str, str, str]


@dataclass(frozen=True)
class Measurement:
    """A row of the measurement table.

    :param patient: patient identifier; may be empty where the images do not tell.
    :param time_point: 0 for baseline, 1, 2, ... for follow-ups.
    :param lesion_uid: tracking UID of the lesion or region.
    :param quantity: key of :data:`.quantities.QUANTITIES`.
    :param value: in ``unit``; NaN says "looked for, not measurable".
    :param unit: UCUM code; always that of :func:`.quantities.canonical_unit`.
    :param datetime: when it was measured, ISO 8601.
    :param statistic: key of :data:`.quantities.STATISTICS`; empty where the value is not a summary of voxels.
    :param method: how it was measured ("WLLS, b = 0, 400, 800 s/mm2").
    :param source_series: DICOM series UIDs (or node names, where there are none) that the value comes from.
    :param reader: who measured; empty where nobody is named.
    :param lesion_name: name of the lesion at that time; only for people, never an identity.
    :raises InputError: a field cannot be.
    """

    patient: str
    time_point: int
    lesion_uid: str
    quantity: str
    value: float
    unit: str
    datetime: str
    statistic: str = ""
    method: str = ""
    source_series: str = ""
    reader: str = ""
    lesion_name: str = ""

    def __post_init__(self):
        """Check every field; numbers become int and float."""
        for field in dataclasses.fields(self):
            content = getattr(self, field.name)
            if field.type is str:
                if not isinstance(content, str):
                    raise InputError(f"Measurement: {field.name} must be text, found {content!r}.")
                if _CONTROL.search(content):
                    raise InputError(f"Measurement: {field.name} {content!r} has a line break, tab or control character; remove it.")
        if isinstance(self.time_point, bool) or not _is_whole(self.time_point) or self.time_point < 0:
            raise InputError(f"Measurement: the time point must be 0 (baseline), 1, 2, ..., found {self.time_point!r}.")
        object.__setattr__(self, "time_point", int(self.time_point))
        if not self.lesion_uid:
            raise InputError(f"Measurement of {self.quantity}: it does not say which lesion it belongs to (tracking UID is empty).")
        quantity = find_quantity(self.quantity)
        if self.statistic and self.statistic not in STATISTICS:
            raise InputError(f"Statistic '{self.statistic}' is not known; known are {', '.join(STATISTICS)}.")
        unit = canonical_unit(quantity, self.statistic).value
        if self.unit != unit:
            what = f"{quantity.label} {self.statistic}".rstrip()
            raise InputError(f"{what} is kept in {unit}, found a value in '{self.unit}'; convert it first.")
        try:
            object.__setattr__(self, "value", float(self.value))
        except (TypeError, ValueError):
            raise InputError(f"{quantity.label}: {self.value!r} is not a number.") from None
        if math.isinf(self.value):
            raise InputError(f"{quantity.label}: an infinite value is not a measurement.")
        try:
            datetime.fromisoformat(self.datetime)
        except ValueError:
            raise InputError(f"Measurement: date and time '{self.datetime}' is not ISO 8601 (like 2026-08-21T10:55:10+02:00).") from None

    @property
    def key(self) -> MeasurementKey:
        """What makes it the same measurement: a second one with this key replaces the first.

        Everything but the value, the date and the lesion's name; so another reader's, another method's and another
        series' measurement stand beside it.
        """
        return (
            self.patient,
            self.time_point,
            self.lesion_uid,
            self.quantity,
            self.statistic,
            self.method,
            self.source_series,
            self.reader,
        )

    @property
    def measured_at(self) -> datetime:
        """``datetime`` as a point in time; one without an offset from UTC is taken as UTC."""
        moment = datetime.fromisoformat(self.datetime)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def now() -> str:
    """Return the current local date and time with its offset from UTC, ISO 8601, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _is_whole(number) -> bool:
    try:
        return int(number) == number
    except (TypeError, ValueError, OverflowError):
        return False

"""What one procedure found of a lesion, and whose it is: together they are rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..measurement import Measurement
from ..quantities import find_quantity

__all__ = ["ProcedureResult", "Subject", "result_rows"]


@dataclass(frozen=True)
class ProcedureResult:
    """What one procedure found.

    :param values: by key of :data:`~..quantities.QUANTITIES`, in canonical units; NaN for "not measurable".
    :param method: from :func:`.method.method_text`.
    """

    values: Mapping[str, float]
    method: str


@dataclass(frozen=True)
class Subject:
    """Which lesion of whom was measured, when, on which images, by whom: the fields of :class:`~..measurement.Measurement`."""

    patient: str
    time_point: int
    lesion_uid: str
    lesion_name: str
    datetime: str
    source_series: str = ""
    reader: str = ""


def result_rows(result: ProcedureResult, subject: Subject) -> tuple[Measurement, ...]:
    """Return the rows of a result.

    :raises InputError: a quantity is not known, or a field cannot be.
    """
    return tuple(
        Measurement(quantity=key, value=value, unit=find_quantity(key).unit.value, method=result.method, **vars(subject))
        for key, value in result.values.items()
    )

"""Small cases for the tests of the response criteria: lesions by name, values by examination."""

from HCCResponseLib.response.case import Case, Image, Lesion, TimePoint
from HCCResponseLib.response.finding import Exclusion, Finding
from HCCResponseLib.response.measurement import Measurement
from HCCResponseLib.response.quantities import canonical_unit, find_quantity

__all__ = ["make_case", "row", "uid_of"]

WEEKS = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0)


def uid_of(name: str) -> str:
    """The UID that a lesion of this name gets."""
    return "2.25." + "".join(f"{ord(letter):03d}" for letter in name)


def row(name: str, quantity: str, time_point: int, value: float, **changed) -> Measurement:
    """A measurement of a lesion, by reader A at noon unless told otherwise."""
    statistic = changed.pop("statistic", "median" if quantity in ("ADC", "KTRANS") else "mean" if quantity == "ENHANCEMENT" else "")
    fields = dict(datetime="2026-03-01T12:00:00", reader="A", method="by hand")
    unit = canonical_unit(find_quantity(quantity), statistic).value
    return Measurement("P", time_point, uid_of(name), quantity, value, unit, statistic=statistic, **(fields | changed))


def make_case(
    lesions: dict[str, dict],
    values: dict[tuple[str, str], list[float | None]],
    *,
    findings: list[tuple] = (),
    weeks=WEEKS,
    rows: list[Measurement] = (),
    examinations: int | None = None,
    images: list[Image] = (),
    excluded: dict[str, str] | None = None,
    **time_points,
) -> Case:
    """A case whose lesions are measured by reader A.

    :param lesions: attributes by name.
    :param values: for (lesion, quantity), one value for each examination; None for not measured.
    :param findings: (lesion, time point, state), or with the lesion that it merged with; by reader A.
    :param rows: further measurements.
    :param excluded: reasons by name of the lesions left out.
    :param time_points: further fields of the time points, a value for each examination.
    """
    count = examinations or max([len(one) for one in values.values()] or [1])
    points = [
        TimePoint(index, weeks_from_baseline=weeks[index], **{name: one[index] for name, one in time_points.items()})
        for index in range(count)
    ]
    measured = [
        row(name, quantity, index, value)
        for (name, quantity), series in values.items()
        for index, value in enumerate(series)
        if value is not None
    ]
    return Case(
        "P",
        time_points=points,
        images=images,
        lesions=[Lesion(uid_of(name), name, **_linked(fields)) for name, fields in lesions.items()],
        measurements=[*measured, *rows],
        findings=[
            Finding(index, uid_of(name), state, uid_of(other[0]) if other else "", reader="A") for name, index, state, *other in findings
        ],
        exclusions=[Exclusion(uid_of(name), reason) for name, reason in (excluded or {}).items()],
    )


def _linked(fields: dict) -> dict:
    return fields | {"split_from": uid_of(fields["split_from"])} if "split_from" in fields else fields

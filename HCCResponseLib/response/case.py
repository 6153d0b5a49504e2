"""A case: one patient, the examinations, the lesions, and everything measured in them; JSON in and out.

The same facts as the scene holds, as plain values, so that criteria, reports and the command line need no application.
"""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from ..errors import InputError
from .finding import Exclusion, Finding
from .measurement import Measurement
from .roles import Role

__all__ = ["SCHEMA_VERSION", "Case", "Image", "Lesion", "LesionKind", "TimePoint"]

SCHEMA_VERSION = 1


class LesionKind(StrEnum):
    """What a lesion counts as in the response criteria."""

    TARGET = "target"
    NON_TARGET = "non-target"
    NEW = "new"


@dataclass(frozen=True)
class TimePoint:
    """One examination.

    :param index: 0 for the baseline, 1, 2, ... for follow-ups.
    :param study_uid: DICOM Study Instance UID; empty where there is none.
    :param date: ISO 8601 ("2026-03-01"); empty where it is not known.
    :param weeks_from_baseline: None where it is not known.
    :param treatment: in words, as the user wrote it ("sorafenib 800 mg").
    :param dose: of radiotherapy, in words ("50.4 Gy in 28").
    :param afp_ng_ml: alpha-fetoprotein in serum, ng/mL (the same number in ug/L); None where it is not known.
    """

    index: int
    study_uid: str = ""
    date: str = ""
    weeks_from_baseline: float | None = None
    treatment: str = ""
    dose: str = ""
    afp_ng_ml: float | None = None

    def __post_init__(self):
        """Check the fields."""
        if isinstance(self.index, bool) or not isinstance(self.index, int) or self.index < 0:
            raise InputError(f"Time point {self.index!r}: it must be 0 (baseline), 1, 2, ...")
        if self.date:
            try:
                object.__setattr__(self, "date", date.fromisoformat(self.date).isoformat())
            except ValueError:
                raise InputError(f"Time point {self.index}: the date '{self.date}' is not ISO 8601 (like 2026-03-01).") from None
        if self.weeks_from_baseline is not None and not math.isfinite(self.weeks_from_baseline):
            raise InputError(f"Time point {self.index}: {self.weeks_from_baseline} weeks from baseline is not a number.")
        if self.afp_ng_ml is not None and not 0.0 <= self.afp_ng_ml < math.inf:
            raise InputError(f"Time point {self.index}: AFP must be 0 ng/mL or more, found {self.afp_ng_ml}.")


@dataclass(frozen=True)
class Image:
    """An image series of an examination.

    :param time_point: index of the examination.
    :param role: what it shows; None where nobody said.
    :param series_uid: DICOM Series Instance UID; empty where there is none.
    :param name: of the volume; only for people.
    :param slice_thickness_mm: None where it is not known. Above 5 mm it raises the size that a target must have.
    """

    time_point: int
    role: Role | None
    series_uid: str = ""
    name: str = ""
    slice_thickness_mm: float | None = None

    def __post_init__(self):
        """Text becomes a role."""
        if self.slice_thickness_mm is not None and not 0.0 < self.slice_thickness_mm < math.inf:
            raise InputError(f"Image '{self.name}': a slice thickness of {self.slice_thickness_mm} mm cannot be.")
        if self.role is not None and not isinstance(self.role, Role):
            try:
                object.__setattr__(self, "role", Role(self.role))
            except ValueError:
                raise InputError(f"Image '{self.name}': the role '{self.role}' is not known.") from None


@dataclass(frozen=True)
class Lesion:
    """One lesion, the same through all examinations.

    :param uid: DICOM tracking UID.
    :param identifier: DICOM tracking identifier: the label that stays.
    :param kind: None where it was not decided.
    :param organ: where it is ("liver", "lung"); at most two targets an organ in RECIST 1.1.
    :param lymph_node: measured by its short axis.
    :param porta_hepatis: a lymph node at the hilum of the liver; mRECIST takes it for malignant only from 20 mm.
    :param previously_treated: locally, before this treatment (RFA, TACE, ...).
    :param ill_defined: infiltrative or without a clear edge: it cannot be measured reliably.
    :param tumour_thrombus: tumour in a vessel (portal vein).
    :param proven: malignant by histology or typical imaging.
    :param typical_enhancement: arterial enhancement with washout, as typical of hepatocellular carcinoma; None where nobody said.
    :param split_from: tracking UID of the lesion that this one is a part of; empty for all others.
    :param in_field: inside the radiation field; None where there is none.
    :param dose_gy: radiotherapy dose given to the lesion in all; None where there is none.
    :param fractions: in how many fractions.
    """

    uid: str
    identifier: str
    kind: LesionKind | None = None
    organ: str = "liver"
    lymph_node: bool = False
    porta_hepatis: bool = False
    previously_treated: bool = False
    ill_defined: bool = False
    tumour_thrombus: bool = False
    proven: bool = False
    typical_enhancement: bool | None = None
    split_from: str = ""
    in_field: bool | None = None
    dose_gy: float | None = None
    fractions: int | None = None

    def __post_init__(self):
        """Check the fields; text becomes a kind."""
        if not self.uid or len(self.uid) > 64 or not self.uid.replace(".", "").isdigit():
            raise InputError(f"Lesion '{self.identifier}': '{self.uid}' is not a DICOM unique identifier.")
        if self.kind is not None and not isinstance(self.kind, LesionKind):
            try:
                object.__setattr__(self, "kind", LesionKind(self.kind))
            except ValueError:
                raise InputError(f"Lesion '{self.identifier}': '{self.kind}' is none of {', '.join(LesionKind)}.") from None
        for name in ("in_field", "typical_enhancement"):
            if getattr(self, name) is not None and not isinstance(getattr(self, name), bool):
                raise InputError(f"Lesion '{self.identifier}': {name} must be true, false or empty, found {getattr(self, name)!r}.")
        for name in ("lymph_node", "porta_hepatis", "previously_treated", "ill_defined", "tumour_thrombus", "proven"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"Lesion '{self.identifier}': {name} must be true or false, found {getattr(self, name)!r}.")
        if self.porta_hepatis and not self.lymph_node:
            raise InputError(f"Lesion '{self.identifier}': only a lymph node can be a node of the porta hepatis.")
        if (self.dose_gy is None) != (self.fractions is None):
            raise InputError(f"Lesion '{self.identifier}': a radiotherapy dose needs both the dose in Gy and the number of fractions.")
        if self.dose_gy is not None:
            whole = isinstance(self.fractions, int) and not isinstance(self.fractions, bool)
            if not 0.0 < self.dose_gy < math.inf or not whole or self.fractions < 1:
                raise InputError(f"Lesion '{self.identifier}': {self.dose_gy} Gy in {self.fractions} fractions cannot be.")
            if self.in_field is False:
                raise InputError(f"Lesion '{self.identifier}' lies outside the radiation field and has a dose; correct one of the two.")


@dataclass(frozen=True)
class Case:
    """One patient with everything that is known.

    :param patient: patient identifier.
    :param name: patient's name; left out of de-identified exports.
    :param time_points: by index.
    :param images: by time point.
    :param lesions: in the user's order.
    :param findings: what readers said of lesions beside the numbers; by time point.
    :param exclusions: lesions that the user left out of the assessment; in the order of the lesions.
    :raises InputError: indices or UIDs stand twice, or an image or a finding belongs to no time point or lesion of the case.
    """

    patient: str
    name: str = ""
    time_points: tuple[TimePoint, ...] = ()
    images: tuple[Image, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    measurements: tuple[Measurement, ...] = field(default=())
    findings: tuple[Finding, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()

    def __post_init__(self):
        """Sort and check."""
        for name in ("time_points", "images", "lesions", "measurements", "findings", "exclusions"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        # One order for the same facts, wherever they come from; lesions and measurements stay in the order of the user.
        object.__setattr__(self, "time_points", tuple(sorted(self.time_points, key=lambda one: one.index)))
        for name in ("images", "findings"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name), key=lambda one: one.time_point)))
        places = {one.uid: place for place, one in enumerate(self.lesions)}
        object.__setattr__(self, "exclusions", tuple(sorted(self.exclusions, key=lambda one: places.get(one.lesion_uid, -1))))
        _unique([one.index for one in self.time_points], "Time point")
        _unique([one.uid for one in self.lesions], "Lesion")
        _unique([one.key for one in self.measurements], "Measurement")
        known = {one.index for one in self.time_points}
        for image in self.images:
            if image.time_point not in known:
                raise InputError(f"Image '{image.name}' belongs to time point {image.time_point}, which the case does not have.")
        _unique([(one.time_point, one.lesion_uid, one.reader) for one in self.findings], "Finding")
        uids = {one.uid for one in self.lesions}
        for finding in self.findings:
            if finding.time_point not in known:
                raise InputError(f"A finding belongs to time point {finding.time_point}, which the case does not have.")
            for uid in filter(None, (finding.lesion_uid, finding.merged_with)):
                if uid not in uids:
                    raise InputError(f"A finding belongs to lesion {uid}, which the case does not have.")
        _unique([one.lesion_uid for one in self.exclusions], "Exclusion of lesion")
        for exclusion in self.exclusions:
            if exclusion.lesion_uid not in uids:
                raise InputError(f"Lesion {exclusion.lesion_uid} is left out of the assessment, but the case does not have it.")
        parents = {one.uid: one.split_from for one in self.lesions}
        for lesion in self.lesions:
            if lesion.split_from and lesion.split_from not in uids:
                raise InputError(f"Lesion '{lesion.identifier}' is a part of {lesion.split_from}, which the case does not have.")
            above, seen = lesion.split_from, {lesion.uid}
            while above:
                if above in seen:
                    raise InputError(f"Lesion '{lesion.identifier}' cannot be a part of itself.")
                seen.add(above)
                above = parents.get(above, "")

    def lesion(self, uid: str) -> Lesion | None:
        """The lesion with a tracking UID, or None."""
        return next((one for one in self.lesions if one.uid == uid), None)

    def exclusion(self, uid: str) -> str:
        """Why the user left a lesion out of the assessment; empty where it counts."""
        return next((one.reason for one in self.exclusions if one.lesion_uid == uid), "")

    def find(self, **wanted) -> tuple[Measurement, ...]:
        """Measurements with these fields, such as ``lesion_uid=uid, quantity="ADC", statistic="median"``, in their order."""
        index = (wanted.get("lesion_uid"), wanted.get("quantity"))
        rows = self.measurements if None in index else self._rows_by_lesion_and_quantity.get(index, ())
        return tuple(one for one in rows if all(getattr(one, name) == value for name, value in wanted.items()))

    @cached_property
    def _rows_by_lesion_and_quantity(self) -> dict[tuple[str, str], list[Measurement]]:
        # Criteria ask for one lesion after the other, thousands of times.
        rows: dict[tuple[str, str], list[Measurement]] = {}
        for one in self.measurements:
            rows.setdefault((one.lesion_uid, one.quantity), []).append(one)
        return rows

    def latest(self, **wanted) -> Measurement | None:
        """The one of :meth:`find` that was measured last, or None.

        Times are compared as points in time; one without an offset from UTC is taken as UTC.
        """
        return max(self.find(**wanted), key=lambda one: one.measured_at, default=None)

    def to_json(self) -> str:
        """Write as JSON text; NaN becomes null."""
        content = {"schema": SCHEMA_VERSION, **dataclasses.asdict(self)}
        for row in content["measurements"]:
            row["value"] = None if math.isnan(row["value"]) else row["value"]
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Case":
        """Read what :meth:`to_json` wrote.

        :raises InputError: it is not JSON, of another schema version, or a field is missing, unknown or wrong; the message says which.
        """
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"The case is not valid JSON: {error.msg} in line {error.lineno}.") from None
        if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA_VERSION:
            raise InputError(f"The file is not a case of schema version {SCHEMA_VERSION}.")
        for row in content.get("measurements") or ():
            if isinstance(row, dict) and row.get("value", 0) is None:
                row["value"] = math.nan
        parts = {
            "time_points": TimePoint,
            "images": Image,
            "lesions": Lesion,
            "measurements": Measurement,
            "findings": Finding,
            "exclusions": Exclusion,
        }
        return _made(cls, {name: _list_of(parts[name], name, part) if name in parts else part for name, part in content.items()}, "Case")


def _list_of(kind: type, name: str, rows) -> tuple:
    if not isinstance(rows, list):
        raise InputError(f"Case: '{name}' must be a list.")
    return tuple(_made(kind, row, f"{name}[{number}]") for number, row in enumerate(rows))


def _made(kind: type, content, where: str):
    """Make a dataclass of a JSON object; strict about names and plain types."""
    if not isinstance(content, dict):
        raise InputError(f"{where}: an object with fields was expected, found {content!r}.")
    known = {one.name: one for one in dataclasses.fields(kind)}
    unknown = sorted(set(content) - set(known))
    missing = sorted(
        name
        for name, one in known.items()
        if name not in content and one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    )
    if unknown or missing:
        raise InputError(
            f"{where}: "
            + "; ".join(f"{what} {', '.join(names)}" for what, names in (("unknown field", unknown), ("missing field", missing)) if names)
            + ".",
        )
    for name, value in content.items():
        if known[name].type is str and not isinstance(value, str):
            raise InputError(f"{where}: {name} must be text, found {value!r}.")
        if known[name].type is bool and not isinstance(value, bool):
            raise InputError(f"{where}: {name} must be true or false, found {value!r}.")
    try:
        return kind(**content)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except TypeError as error:
        raise InputError(f"{where}: a field has the wrong type ({error}).") from None


def _unique(keys: list, what: str) -> None:
    twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
    if twice is not None:
        raise InputError(f"{what} {twice} stands twice in the case.")

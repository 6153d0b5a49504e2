"""A case without what says whose it is: names, identifiers, dates, UIDs, readers.

Dates become weeks from the baseline; UIDs and readers become numbers; free text that is kept loses every mention of what was removed,
and everything that looks like a date or a UID. Comments of readers are left out. Free text can still give somebody away by what it
tells: read the report before it leaves the house.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..response.case import Case
from ..response.criteria.timeline import week_of
from ..response.lesion_parts import lesion_parts, part_uid
from ..response.measurement import Measurement
from ..response.region_types import SITES

__all__ = ["Deidentification", "deidentified"]

REMOVED = "[removed]"
_YEAR = r"(?:19|20)\d\d"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_PATTERNS = re.compile(
    rf"\b{_YEAR}[-/.]?(?:0[1-9]|1[0-2])[-/.]?(?:0[1-9]|[12]\d|3[01])(?:T?\d{{4,6}})?\b"  # 2024-03-04, 20240304
    rf"|\b\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:{_YEAR}|\d\d)\b"  # 4.3.2024, 03/04/24
    rf"|\b\d{{1,2}}[. -]+(?:de )?[^\W\d_]{{3,10}}[. ,-]+(?:de )?{_YEAR}\b"  # 4 March 2024, 4. März 2024, 4 de mayo de 2024
    rf"|\b{_MONTH}\.? \d{{1,2}},? {_YEAR}\b"  # March 4, 2024
    rf"|\b{_MONTH}[. ,-]+{_YEAR}\b"  # March 2024
    rf"|\b(?:(?:0?[1-9]|1[0-2])[-/.]{_YEAR}|{_YEAR}[-/.](?:0[1-9]|1[0-2]))\b"  # 3/2024, 2024-03
    r"|\b[0-2](?:\.\d+){4,}\b",  # a UID
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[\s^=,;]+")


@dataclass(frozen=True)
class Deidentification:
    """The case, and how to treat what belongs to it.

    :param lesion_uids: new UID by old one.
    :param readers: new name by old one.
    """

    case: Case
    lesion_uids: dict[str, str]
    readers: dict[str, str]
    secrets: re.Pattern | None

    def text(self, text: str) -> str:
        """Return free text without names, identifiers, dates and UIDs."""
        return _scrubbed(text, self.secrets)


def deidentified(case: Case) -> Deidentification:
    """Return a case that says all of the disease and nothing of the person.

    Rows keep their order in time: their dates become seconds after the first of January 1970.
    """
    uids = {lesion.uid: f"2.25.{number}" for number, lesion in enumerate(case.lesions, start=1)}
    uids |= {one.uid: part_uid(uids[one.lesion.uid], one.region_type.value) for one in lesion_parts(case)}
    strays = dict.fromkeys(row.lesion_uid for row in case.measurements if row.lesion_uid not in uids)
    uids |= {uid: f"2.25.{number}" for number, uid in enumerate(strays, start=len(uids) + 1)}
    names = sorted({one.reader for one in (*case.measurements, *case.findings)} - {""})
    readers = {"": ""} | {name: f"Reader {number}" for number, name in enumerate(names, start=1)}
    series = dict.fromkeys(
        text.strip() for row in case.measurements for text in (*row.source_series.split(","), row.source_series) if text.strip()
    )
    series |= dict.fromkeys(text for one in case.images for text in (one.series_uid, one.name) if text)
    series_numbers = {name: f"series {number}" for number, name in enumerate(series, start=1)}
    moments = {moment: second for second, moment in enumerate(sorted({row.measured_at for row in case.measurements}))}
    secrets = _secrets([case.patient, case.name, *names, *(row.patient for row in case.measurements)])

    def clean(text: str) -> str:
        return _scrubbed(text, secrets)

    def measurement(row: Measurement) -> Measurement:
        second = moments[row.measured_at]
        return replace(
            row,
            patient="",
            lesion_uid=uids[row.lesion_uid],
            lesion_name=clean(row.lesion_name),
            method=clean(row.method),
            source_series=series_numbers.get(row.source_series.strip(), ""),
            reader=readers[row.reader],
            datetime=f"1970-01-{1 + second // 86400:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}+00:00",
        )

    organs = {site.organ for site in SITES.values()} | set(SITES) | {"bone"}
    plain = Case(
        patient="",
        time_points=[
            replace(
                one,
                study_uid="",
                date="",
                weeks_from_baseline=week_of(case, one.index),
                treatment=clean(one.treatment),
                dose=clean(one.dose),
            )
            for one in case.time_points
        ],
        images=[replace(one, series_uid="", name=series_numbers.get(one.series_uid or one.name, "")) for one in case.images],
        lesions=[
            replace(
                one,
                uid=uids[one.uid],
                identifier=clean(one.identifier) or f"Lesion {number}",
                organ=one.organ if one.organ.casefold() in organs else clean(one.organ),
                split_from=uids.get(one.split_from, ""),
            )
            for number, one in enumerate(case.lesions, start=1)
        ],
        measurements=_distinct(map(measurement, case.measurements)),
        findings=[
            replace(
                one,
                lesion_uid=uids[one.lesion_uid],
                merged_with=uids.get(one.merged_with, ""),
                reader=readers[one.reader],
                comment="",
            )
            for one in case.findings
        ],
        exclusions=[replace(one, lesion_uid=uids[one.lesion_uid], reason=clean(one.reason)) for one in case.exclusions],
    )
    return Deidentification(plain, uids, readers, secrets)


def _distinct(rows: Iterable[Measurement]) -> list[Measurement]:
    """Tell rows apart that only what was removed told apart: the method of the later ones gets a number."""
    found: dict[tuple, Measurement] = {}
    for row in rows:
        number, one = 1, row
        while one.key in found:
            number += 1
            one = replace(row, method=f"{row.method} ({number})".strip())
        found[one.key] = one
    return list(found.values())


def _secrets(texts: Iterable[str]) -> re.Pattern | None:
    """Pattern of names and identifiers, whole and by their parts.

    Parts of two letters ("Li") are taken only as they are written, single letters not at all: they would take half the words with
    them. Scripts without capitals (Chinese, Japanese) have no spaces between words to look for, and names of one letter.
    """
    parts = {part.strip() for text in texts for part in (text, *_SEPARATOR.split(text))}
    patterns = []
    # The longest first, so that no rest of a name stays.
    for part in sorted(parts, key=lambda one: (-len(one), one)):
        escaped = re.escape(part)
        if any(letter.isalpha() and letter.lower() == letter.upper() for letter in part):
            patterns.append(escaped)
        elif len(part) > 2:
            patterns.append(rf"(?i:(?<!\w){escaped}(?!\w))")
        elif len(part) == 2 and not part.isdigit():
            patterns.append(rf"(?<!\w){escaped}(?!\w)")
    return re.compile("|".join(patterns)) if patterns else None


def _scrubbed(text: str, secrets: re.Pattern | None) -> str:
    if secrets is not None:
        text = secrets.sub(REMOVED, text)
    return _PATTERNS.sub(REMOVED, text)

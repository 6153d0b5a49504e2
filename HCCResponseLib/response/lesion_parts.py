"""Parts of lesions that are measured for themselves: viable tumour and necrosis.

Their rows have tracking UIDs of their own, which follow from that of the lesion, so that every program finds them again.
"""

import hashlib
from dataclasses import dataclass, replace

from .case import Case, Lesion
from .region_types import RegionType

__all__ = ["PART_TYPES", "LesionPart", "lesion_parts", "part_uid", "with_parts_as_lesions"]

_ROOT = "1.2.826.0.1.3680043.8.498."

PART_TYPES = (RegionType.VIABLE, RegionType.NECROTIC, RegionType.HAEMORRHAGIC)


@dataclass(frozen=True)
class LesionPart:
    """A part of a lesion in which something was measured."""

    uid: str
    lesion: Lesion
    region_type: RegionType

    @property
    def name(self) -> str:
        """What to call it: "HCC 1: viable tumour"."""
        return f"{self.lesion.identifier or self.lesion.uid}: {self.region_type.title.lower()}"


def part_uid(lesion_uid: str, part: str) -> str:
    """Return the tracking UID of a part of a lesion; always the same.

    :param part: value of its :class:`.region_types.RegionType`.
    """
    # As pydicom makes UIDs from what is given to it (generate_uid), under its root; this floor has no pydicom.
    number = int(hashlib.sha512(f"{lesion_uid}{part}".encode()).hexdigest(), 16)
    return f"{_ROOT}{number}"[:64]


def lesion_parts(case: Case) -> tuple[LesionPart, ...]:
    """Return the parts that the case has measurements of, in the order of its lesions."""
    measured = {row.lesion_uid for row in case.measurements} - {one.uid for one in case.lesions}
    parts = (LesionPart(part_uid(one.uid, kind.value), one, kind) for one in case.lesions for kind in PART_TYPES) if measured else ()
    return tuple(one for one in parts if one.uid in measured)


def with_parts_as_lesions(case: Case) -> Case:
    """Return the case with its parts behind its lesions, as lesions of their own.

    What a reader says of a lesion holds for its parts: signal grades (an ADC is shown beside the T1 grade of its lesion), findings, and
    that it was left out.
    """
    parts = lesion_parts(case)
    return replace(
        case,
        lesions=(*case.lesions, *(Lesion(one.uid, one.name, organ=one.lesion.organ) for one in parts)),
        measurements=(
            *case.measurements,
            *(
                replace(row, lesion_uid=one.uid)
                for one in parts
                for key in ("T1_GRADE", "T1_GRADE_PROPOSAL")
                for row in case.find(lesion_uid=one.lesion.uid, quantity=key)
                if not case.find(lesion_uid=one.uid, quantity=key)
            ),
        ),
        findings=(
            *case.findings,
            *(replace(said, lesion_uid=one.uid) for one in parts for said in case.findings if said.lesion_uid == one.lesion.uid),
        ),
        exclusions=(
            *case.exclusions,
            *(replace(said, lesion_uid=one.uid) for one in parts for said in case.exclusions if said.lesion_uid == one.lesion.uid),
        ),
    )

"""What an outlined region is, and where in the body: the codes that segments and exports carry.

Codes are those of SNOMED CT as DICOM uses them (PS3.16); what has none is in the private scheme 99HCCRESPONSE.
"""

from enum import StrEnum
from typing import NamedTuple

from .quantities import PRIVATE_SCHEME, Code

__all__ = ["SITES", "RegionType", "Site"]

_ALTERED = Code("49755003", "SCT", "Morphologically Altered Structure")
_ANATOMY = Code("123037004", "SCT", "Anatomical Structure")
_TISSUE = Code("85756007", "SCT", "Tissue")

_NEOPLASM = Code("108369006", "SCT", "Neoplasm")
_LIVER = Code("10200004", "SCT", "Liver")
_VIABLE = Code("Viable", PRIVATE_SCHEME, "Viable")
_REFERENCE = Code("ReferenceRegion", PRIVATE_SCHEME, "Reference region")


class RegionType(StrEnum):
    """Kind of an outlined region; the value is a key, never translated."""

    LESION = "LESION"
    HEPATOCELLULAR_CARCINOMA = "HEPATOCELLULAR_CARCINOMA"
    NEOPLASM = "NEOPLASM"
    PRIMARY_NEOPLASM = "PRIMARY_NEOPLASM"
    SECONDARY_NEOPLASM = "SECONDARY_NEOPLASM"
    VIABLE = "VIABLE"
    NECROTIC = "NECROTIC"
    HAEMORRHAGIC = "HAEMORRHAGIC"
    LIVER = "LIVER"
    LIVER_REFERENCE = "LIVER_REFERENCE"
    MUSCLE = "MUSCLE"
    AORTA = "AORTA"
    PORTAL_VEIN = "PORTAL_VEIN"

    @property
    def category(self) -> Code:
        """Segmented property category."""
        return _ENTRIES[self].category

    @property
    def code(self) -> Code:
        """Segmented property type."""
        return _ENTRIES[self].code

    @property
    def modifier(self) -> Code | None:
        """Modifier of the type; None where the type says it all."""
        return _ENTRIES[self].modifier

    @property
    def title(self) -> str:
        """Name to show."""
        return _ENTRIES[self].title

    @property
    def color(self) -> tuple[int, int, int]:
        """Recommended display colour, 0 to 255; Slicer's own where its terminology has the type."""
        return _ENTRIES[self].color

    @property
    def is_lesion(self) -> bool:
        """Whether it is a whole lesion."""
        return self in _LESIONS

    @property
    def is_part(self) -> bool:
        """Whether it is a part of a lesion."""
        return self in _PARTS


class _Entry(NamedTuple):
    title: str
    category: Code
    code: Code
    modifier: Code | None
    color: tuple[int, int, int]


def _altered(title: str, value: str, meaning: str, color: tuple[int, int, int]) -> _Entry:
    return _Entry(title, _ALTERED, Code(value, "SCT", meaning), None, color)


_ENTRIES = {
    RegionType.LESION: _altered("Lesion", "52988006", "Lesion", (255, 170, 0)),
    RegionType.HEPATOCELLULAR_CARCINOMA: _altered("Hepatocellular carcinoma", "109841003", "Liver cell carcinoma", (144, 238, 144)),
    RegionType.NEOPLASM: _Entry("Neoplasm", _ALTERED, _NEOPLASM, None, (200, 200, 80)),
    RegionType.PRIMARY_NEOPLASM: _altered("Primary tumour", "86049000", "Neoplasm, Primary", (80, 200, 120)),
    RegionType.SECONDARY_NEOPLASM: _altered("Metastasis", "14799000", "Neoplasm, Secondary", (80, 160, 220)),
    RegionType.VIABLE: _Entry("Viable tumour", _ALTERED, _NEOPLASM, _VIABLE, (255, 128, 0)),
    RegionType.NECROTIC: _altered("Necrosis", "6574001", "Necrosis", (216, 191, 216)),
    RegionType.HAEMORRHAGIC: _altered("Haemorrhage", "50960005", "Hemorrhage", (188, 65, 28)),
    RegionType.LIVER: _Entry("Liver", _ANATOMY, _LIVER, None, (221, 130, 101)),
    RegionType.LIVER_REFERENCE: _Entry("Liver reference", _ANATOMY, _LIVER, _REFERENCE, (100, 180, 255)),
    RegionType.MUSCLE: _Entry("Muscle", _TISSUE, Code("71616004", "SCT", "Muscle"), None, (192, 104, 88)),
    RegionType.AORTA: _Entry("Aorta", _ANATOMY, Code("15825003", "SCT", "Aorta"), None, (224, 97, 76)),
    RegionType.PORTAL_VEIN: _Entry("Portal vein", _ANATOMY, Code("32764006", "SCT", "Portal vein"), None, (0, 151, 206)),
}
_LESIONS = frozenset(
    {
        RegionType.LESION,
        RegionType.HEPATOCELLULAR_CARCINOMA,
        RegionType.NEOPLASM,
        RegionType.PRIMARY_NEOPLASM,
        RegionType.SECONDARY_NEOPLASM,
    },
)
_PARTS = frozenset({RegionType.VIABLE, RegionType.NECROTIC, RegionType.HAEMORRHAGIC})


class Site(NamedTuple):
    """Where a lesion is: the anatomic region, and the organ it counts to (RECIST 1.1 allows two targets an organ)."""

    code: Code
    organ: str


def _site(value: str, meaning: str, organ: str) -> Site:
    return Site(Code(value, "SCT", meaning), organ)


SITES: dict[str, Site] = {
    "liver": _site("10200004", "Liver", "liver"),
    "lung": _site("39607008", "Lung", "lung"),
    "adrenal gland": _site("23451007", "Adrenal gland", "adrenal gland"),
    "peritoneal cavity": _site("83670000", "Peritoneal cavity", "peritoneum"),
    "lymph node": _site("59441001", "Lymph node", "lymph node"),
    "thoracic spine": _site("122495006", "Thoracic spine", "bone"),
    "lumbar spine": _site("122496007", "Lumbar spine", "bone"),
    "sacrum": _site("54735007", "Sacrum", "bone"),
    "ilium": _site("22356005", "Ilium", "bone"),
}
"""Sites of lesions by name."""

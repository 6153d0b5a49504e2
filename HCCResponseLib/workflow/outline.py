"""One outlined region as a file gives it: on its own grid, with what the file says it is."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..geometry import Geometry
from ..response.region_types import RegionType

__all__ = ["Outline", "fraction_outside", "region_type_of_code", "region_type_of_name"]


@dataclass(frozen=True, eq=False)
class Outline:
    """An outlined region.

    :param mask: bool (k, j, i) on ``geometry``.
    :param region_type: as its codes or its name say; None for a region that is of no use here.
    :param tracking_uid: identity of the lesion; empty where the file tells none.
    :param identifier: its tracking identifier; empty where the file tells none.
    :param study_uid: examination that the file names; empty where it names none.
    """

    name: str
    mask: np.ndarray
    geometry: Geometry
    path: Path
    region_type: RegionType | None
    tracking_uid: str = ""
    identifier: str = ""
    study_uid: str = ""


def fraction_outside(outline: Outline, geometry: Geometry) -> float:
    """Return the part of an outline, 0 to 1, whose voxels lie beyond the voxels of a grid."""
    k, j, i = np.nonzero(outline.mask)
    at = (np.linalg.inv(geometry.ijk_to_lps) @ outline.geometry.ijk_to_lps @ np.stack([i, j, k, np.ones_like(i)]))[:3]
    last = np.array(geometry.shape[::-1])[:, None] - 0.5
    return float(np.mean(np.any((at < -0.5 - _ROUNDING) | (at > last + _ROUNDING), axis=0)))


_ROUNDING = 1e-5
"""Voxels."""

_NAMES = {
    "aorta": RegionType.AORTA,
    "portal vein": RegionType.PORTAL_VEIN,
    "muscle": RegionType.MUSCLE,
    "liver": RegionType.LIVER,
    "liver reference": RegionType.LIVER_REFERENCE,
    "normal liver": RegionType.LIVER_REFERENCE,
    "reference": RegionType.LIVER_REFERENCE,
}
_OTHER_ORGANS = {"spleen", "kidney", "left kidney", "right kidney", "stomach", "gallbladder", "pancreas", "body", "vessels", "background"}


def region_type_of_name(name: str) -> RegionType | None:
    """Tell what a region is by its name: reference regions by theirs, other organs are of no use, all else is a lesion."""
    plain = " ".join(name.replace("_", " ").replace("-", " ").casefold().split())
    if plain in _OTHER_ORGANS:
        return None
    return _NAMES.get(plain, RegionType.LESION)


def region_type_of_code(code: tuple[str, str] | None, modifier: tuple[str, str] | None = None) -> RegionType | None:
    """Tell what a region is by (scheme, value) of its type and of its modifier; None for codes that are none of ours."""
    if code is None:
        return None
    alike = [one for one in RegionType if (one.code.scheme, one.code.value) == code]
    exact = [one for one in alike if modifier and one.modifier and (one.modifier.scheme, one.modifier.value) == modifier]
    # A modifier of others (left, right) does not make it another type.
    return next(iter(exact or [one for one in alike if one.modifier is None]), None)

"""Reasons to leave a lesion out of the assessment; each is a flag with its numbers, and the user decides.

The four of Horger et al., BMC Cancer 2009;9:208: small, stable and unproven; treated locally before; ill-defined; confluent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..geometry import Geometry
from .edge_sharpness import EdgeSharpness
from .inputs import crop_to_mask, require_mask

__all__ = ["ExclusionFlag", "ExclusionReason", "exclusion_flags", "find_confluent_lesions"]

SMALL_MM = 10.0
"""Lesions with a longest diameter below this are small."""

STABLE_MM = 2.0
"""Diameters that differ by no more than this over all examinations are stable: about what readers differ by."""

WIDEST_EDGE_MM = 7.0
"""A wider edge is ill-defined (edge_sharpness.py). Sharp edges measure 3 to 4 mm on images with voxels of 1.2 mm."""

LEAST_VISIBLE = 0.5
"""An edge that can be seen along less of the outline is ill-defined."""


class ExclusionReason(Enum):
    """Why a lesion may be left out."""

    SMALL_AND_STABLE = "small, stable and unproven"
    TREATED_BEFORE = "treated locally before"
    ILL_DEFINED = "ill-defined"
    CONFLUENT = "confluent"


@dataclass(frozen=True)
class ExclusionFlag:
    """One reason, with the numbers in words."""

    reason: ExclusionReason
    sentence: str


def exclusion_flags(
    *,
    diameters_mm: Sequence[float] = (),
    proven: bool = False,
    previous_treatment: str = "",
    sharpness: EdgeSharpness | None = None,
    confluent_with: Sequence[str] = (),
    small_mm: float = SMALL_MM,
    stable_mm: float = STABLE_MM,
    widest_edge_mm: float = WIDEST_EDGE_MM,
    least_visible: float = LEAST_VISIBLE,
) -> tuple[ExclusionFlag, ...]:
    """Return the flags that a lesion raises, in a fixed order; none for an ordinary lesion.

    :param diameters_mm: longest diameters in the examinations so far, in order of time. From one examination alone nothing is
        known about stability, and no flag is raised.
    :param proven: malignancy is proven, by histology or typical imaging.
    :param previous_treatment: local treatment of this lesion before the current therapy ("RFA", "TACE", ...); empty for none.
    :param sharpness: of the lesion's edge, where it was measured.
    :param confluent_with: names of lesions that touch this one, from ``find_confluent_lesions``.
    :param small_mm: see ``SMALL_MM``; likewise the others.
    :raises InputError: a diameter is negative or not a number.
    """
    if not all(diameter >= 0.0 for diameter in diameters_mm):
        raise InputError(f"Diameters must be 0 mm or more, found {tuple(diameters_mm)}.")
    flags = []
    if len(diameters_mm) > 1 and not proven:
        smallest, largest = min(diameters_mm), max(diameters_mm)
        if largest < small_mm and largest - smallest <= stable_mm:
            sizes = f"{smallest:.1f} to {largest:.1f} mm in {len(diameters_mm)} examinations"
            sentence = f"{sizes}: under {small_mm:g} mm, stable and unproven."
            flags.append(ExclusionFlag(ExclusionReason.SMALL_AND_STABLE, sentence))
    if previous_treatment:
        flags.append(ExclusionFlag(ExclusionReason.TREATED_BEFORE, f"Treated before: {previous_treatment}."))
    if sharpness is not None:
        if sharpness.visible_fraction < least_visible:
            sentence = f"The edge is visible along {100 * sharpness.visible_fraction:.0f} % of the outline only."
            flags.append(ExclusionFlag(ExclusionReason.ILL_DEFINED, sentence))
        elif sharpness.width_mm > widest_edge_mm:
            sentence = f"The edge is {sharpness.width_mm:.1f} mm wide, more than {widest_edge_mm:g} mm."
            flags.append(ExclusionFlag(ExclusionReason.ILL_DEFINED, sentence))
    if confluent_with:
        sentence = f"Runs together with {' and '.join(confluent_with)}; measured together they have one joint diameter."
        flags.append(ExclusionFlag(ExclusionReason.CONFLUENT, sentence))
    return tuple(flags)


def find_confluent_lesions(lesion: np.ndarray, others: Mapping[str, np.ndarray], geometry: Geometry) -> tuple[str, ...]:
    """Name the lesions that overlap a lesion or touch it by a face, an edge or a corner of a voxel.

    :param lesion: mask, bool, shape (k, j, i).
    :param others: masks of the other lesions by name, same shape.
    :param geometry: grid of all masks.
    :raises InputError: a mask is empty.
    :raises GeometryError: a mask lies on another grid.
    """
    lesion = require_mask(lesion, geometry)
    crop, first, _touches = crop_to_mask(lesion, 1)
    around = ndimage.binary_dilation(crop, structure=np.ones((3, 3, 3)))
    # Part of the box that lies inside the image.
    start = np.maximum(first, 0)
    stop = np.minimum(first + crop.shape, lesion.shape)
    around = around[tuple(slice(a - o, b - o) for a, b, o in zip(start, stop, first, strict=True))]
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    return tuple(name for name, other in others.items() if np.any(around & require_mask(other, geometry, name)[box]))

"""The necrosis threshold that a lesion sets itself: half of what its viable tissue enhances by.

A voxel on the border of enhancing and dead tissue enhances by the share that is alive: on the subtraction, where signals add, the
border runs where the enhancement is half (the full width at half maximum). Every threshold below counts the border as viable,
every one above as dead, and in a lesion with a thin viable rim that is many percent of its volume.

Whether there is viable tissue at all, a lesion cannot say of itself: it must enhance by more than a part of the liver's enhancement.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import InputError
from ..geometry import Geometry
from ..quantification.enhancement import subtract
from .inputs import Reference, require_image, require_mask
from .necrosis_threshold import SUBTRACTION

__all__ = ["HalfEnhancement", "half_enhancement"]

LEAST_OF_LIVER = 0.25
"""Tissue that enhances by less than this part of the liver's enhancement in the same phase is not viable tumour."""

_FROM_PERCENTILE = 98.0
_MOST_STEPS = 100


@dataclass(frozen=True)
class HalfEnhancement:
    """Threshold on the subtraction; a voxel is viable above it. Serves as a ``NecrosisThreshold``.

    :param enhancement: median enhancement of the lesion's viable tissue, in signal units; NaN where nothing is viable.
    :param reference: the liver's enhancement.
    """

    enhancement: float
    reference: Reference
    quantity: ClassVar[str] = SUBTRACTION

    @property
    def value(self) -> float:
        """Threshold in signal units."""
        least = LEAST_OF_LIVER * self.reference.mean
        return least if np.isnan(self.enhancement) else max(0.5 * self.enhancement, least)

    @property
    def parameters(self) -> dict[str, object]:
        """Settings and numbers, for the row of a measurement."""
        return {
            "threshold": "half of the viable tissue's enhancement",
            "value": self.value,
            "viable_enhancement": "none" if np.isnan(self.enhancement) else self.enhancement,
            "reference": self.reference.name,
            "reference_mean": self.reference.mean,
            "reference_voxels": self.reference.voxels,
        }


def half_enhancement(pre: np.ndarray, post: np.ndarray, lesion: np.ndarray, geometry: Geometry, reference: Reference) -> HalfEnhancement:
    """Find the median enhancement of a lesion's viable tissue: of the voxels that enhance by more than half of it (Ridler and
    Calvard's iteration, IEEE Trans Syst Man Cybern 1978;8:630, with the other class known to be at 0).

    :param pre: signal before contrast, shape (k, j, i).
    :param post: signal after contrast, same shape.
    :param lesion: mask, bool, same shape.
    :param reference: the liver on the subtraction, from ``NecrosisAnalysis.measure_reference``.
    :raises InputError: the mask is empty, no voxel has a usable signal, the reference is of another image, or does not enhance.
    :raises GeometryError: images and mask lie on different grids.
    """
    pre, post = require_image(pre, geometry, "pre-contrast"), require_image(post, geometry, "post-contrast")
    lesion = require_mask(lesion, geometry)
    if reference.quantity != SUBTRACTION:
        raise InputError(f"The {reference.name} reference was measured on the {reference.quantity}, not on the {SUBTRACTION}.")
    if not reference.mean > 0.0:
        raise InputError(f"The {reference.name} reference does not enhance; are the images before and after contrast in order?")
    values = np.asarray(subtract(post[lesion], pre[lesion]), dtype=np.float64)
    values = values[np.isfinite(values)]
    if not values.size:
        raise InputError("No voxel of the lesion has a usable subtraction.")
    level = float(np.percentile(values, _FROM_PERCENTILE))
    for _step in range(_MOST_STEPS):
        above = values[values > 0.5 * level]
        if level <= 0.0 or not above.size:
            level = 0.0
            break
        before, level = level, float(np.median(above))
        if level == before:
            break
    # Noise alone has such a level too.
    return HalfEnhancement(level if level > LEAST_OF_LIVER * reference.mean else float("nan"), reference)

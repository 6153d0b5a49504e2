"""Proposal of the van den Bos signal grade of a lesion on T1 and fat-suppressed T2 (Horger et al., BMC Cancer 2009;9:208).

A reader grades by eye against adjacent normal liver: 1 markedly hypointense, 2 slightly hypointense, 3 isointense, 4 slightly
hyperintense, 5 markedly hyperintense. The proposal divides the difference of the two medians by the liver's own spread
(1.4826 times the median absolute deviation, which vessels in the region do not widen). The paper gives no numbers: that a
difference within one spread is isointense and one beyond three spreads marked is this program's choice, and can be changed.
A proposal never replaces a reader's grade.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ..errors import InputError
from ..geometry import Geometry
from .inputs import FEWEST_REFERENCE_VOXELS, Reference, require_image, require_mask, require_reference

__all__ = ["CUT_POINTS", "SignalGrade", "SignalGradeProposal", "propose_signal_grade"]

CUT_POINTS = (-3.0, -1.0, 1.0, 3.0)
"""Contrast in spreads between grades 1 | 2 | 3 | 4 | 5; each boundary belongs to the grade nearer to 3."""

HETEROGENEOUS_FROM = 2.0
"""A lesion is heterogeneous where its own spread is at least this many times the liver's."""

FEWEST_LESION_VOXELS = 5
"""Fewer usable voxels than this do not give a lesion's signal."""


class SignalGrade(IntEnum):
    """Signal of a lesion against adjacent normal liver."""

    MARKEDLY_HYPOINTENSE = 1
    SLIGHTLY_HYPOINTENSE = 2
    ISOINTENSE = 3
    SLIGHTLY_HYPERINTENSE = 4
    MARKEDLY_HYPERINTENSE = 5

    @property
    def label(self) -> str:
        """In words."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class SignalGradeProposal:
    """Proposed grade with the numbers it rests on.

    :param grade: proposal.
    :param contrast: (lesion median - liver median) / liver spread.
    :param lesion_median: in signal units.
    :param lesion_spread: 1.4826 times the median absolute deviation, in signal units.
    :param heterogeneity: lesion spread over liver spread.
    :param heterogeneous: the lesion varies much more than liver; one grade hardly describes it.
    :param grade_fractions: part of the lesion's voxels that would get grade 1, 2, 3, 4, 5 each by itself.
    :param reference: signal of the liver region.
    :param voxels: usable voxels of the lesion.
    :param rejected_voxels: voxels left out because they are NaN or infinite.
    :param sentence: the numbers in words.
    :param method: how it was found.
    :param parameters: settings used.
    """

    grade: SignalGrade
    contrast: float
    lesion_median: float
    lesion_spread: float
    heterogeneity: float
    heterogeneous: bool
    grade_fractions: tuple[float, float, float, float, float]
    reference: Reference
    voxels: int
    rejected_voxels: int
    sentence: str
    method: str
    parameters: Mapping[str, object]


def propose_signal_grade(
    image: np.ndarray,
    lesion: np.ndarray,
    liver: np.ndarray,
    geometry: Geometry,
    *,
    sequence: str = "T1",
    cut_points: Sequence[float] = CUT_POINTS,
    heterogeneous_from: float = HETEROGENEOUS_FROM,
    fewest_reference_voxels: int = FEWEST_REFERENCE_VOXELS,
) -> SignalGradeProposal:
    """Propose the signal grade of a lesion.

    :param image: T1- or fat-suppressed T2-weighted signal before contrast, shape (k, j, i).
    :param lesion: mask of the lesion, bool, same shape.
    :param liver: mask of normal liver near the lesion, bool, same shape; it may not overlap the lesion.
    :param geometry: grid of all three.
    :param sequence: what to call the image in the sentence.
    :param cut_points: four increasing contrasts between the five grades.
    :param heterogeneous_from: lesion spread over liver spread from which on the lesion is heterogeneous.
    :param fewest_reference_voxels: smallest number of usable voxels of the liver region.
    :raises InputError: a mask is empty, overlaps the other or has too few usable voxels; the liver does not vary; or the cut
        points are not four increasing numbers.
    :raises GeometryError: image and masks lie on different grids.
    """
    image = require_image(image, geometry, sequence)
    lesion = require_mask(lesion, geometry)
    liver = require_mask(liver, geometry, "liver reference region")
    cuts = np.array(cut_points, dtype=float)
    if cuts.shape != (4,) or not np.all(np.isfinite(cuts)) or not np.all(np.diff(cuts) > 0.0):
        raise InputError(f"Five grades need four increasing cut points, found {tuple(cut_points)}.")
    if np.any(lesion & liver):
        raise InputError("The liver reference region overlaps the lesion; draw it in normal liver beside the lesion.")
    reference = require_reference(image, liver, "liver", fewest_reference_voxels)
    if reference.robust_sd == 0.0:
        raise InputError("More than half of the liver reference region has one and the same signal; choose real tissue.")
    values = image[lesion].astype(np.float64)
    usable = values[np.isfinite(values)]
    if len(usable) < FEWEST_LESION_VOXELS:
        raise InputError(f"The lesion has {len(usable)} usable voxels on {sequence}; at least {FEWEST_LESION_VOXELS} are needed.")
    median = float(np.median(usable))
    spread = 1.4826 * float(np.median(np.abs(usable - median)))
    contrast = (median - reference.median) / reference.robust_sd
    grade = SignalGrade(int(_grades(np.array([contrast]), cuts)[0]))
    each = _grades((usable - reference.median) / reference.robust_sd, cuts)
    fractions = np.bincount(each, minlength=6)[1:] / len(usable)
    heterogeneity = spread / reference.robust_sd
    heterogeneous = heterogeneity >= heterogeneous_from
    sentence = (
        f"{sequence}: lesion {median:.4g}, liver {reference.median:.4g} with a spread of {reference.robust_sd:.3g}; "
        f"contrast {contrast:+.1f} spreads: grade {int(grade)}, {grade.label}."
    )
    if heterogeneous:
        sentence += f" Heterogeneous: its own spread is {heterogeneity:.1f} times the liver's."
    return SignalGradeProposal(
        grade=grade,
        contrast=contrast,
        lesion_median=median,
        lesion_spread=spread,
        heterogeneity=heterogeneity,
        heterogeneous=heterogeneous,
        grade_fractions=tuple(map(float, fractions)),
        reference=reference,
        voxels=len(usable),
        rejected_voxels=len(values) - len(usable),
        sentence=sentence,
        method="contrast of medians in units of the liver's spread",
        parameters={
            "sequence": sequence,
            "cut_points": tuple(map(float, cuts)),
            "heterogeneous_from": heterogeneous_from,
            "reference_median": reference.median,
            "reference_spread": reference.robust_sd,
            "reference_voxels": reference.voxels,
        },
    )


def _grades(contrast: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Grade of each contrast: 1 below the first cut point, 2 from it on, 4 above the third, 5 above the fourth."""
    return (
        1
        + (contrast >= cuts[0]).astype(np.intp)
        + (contrast >= cuts[1]).astype(np.intp)
        + (contrast > cuts[2]).astype(np.intp)
        + (contrast > cuts[3]).astype(np.intp)
    )

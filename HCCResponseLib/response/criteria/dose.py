"""Radiotherapy dose: biologically effective dose, EQD2, and the conversion to 1.8 Gy per fraction of Cha et al.

Linear-quadratic model, total dose D in fractions of d: BED = D (1 + d/(alpha/beta)), EQD2 = BED / (1 + 2/(alpha/beta))
(Fowler, Br J Radiol 1989;62:679). Doses in Gy. alpha/beta is 10 Gy for tumour, 3 Gy for late effects in normal tissue.
"""

import math
from dataclasses import dataclass

from ...errors import InputError
from ..case import Case, Lesion

__all__ = ["ConvertedDose", "LesionDose", "bed", "convert_as_cha", "eqd2", "lesion_doses"]

REFERENCE_FRACTION_GY = 1.8


@dataclass(frozen=True)
class ConvertedDose:
    """A dose in whole fractions of 1.8 Gy, and the number of fractions before rounding."""

    dose_gy: float
    fractions: int
    exact_fractions: float


@dataclass(frozen=True)
class LesionDose:
    """Radiotherapy dose of a lesion, in Gy, for one alpha/beta; one sentence."""

    lesion: Lesion
    alpha_beta_gy: float
    bed_gy: float
    eqd2_gy: float
    converted: ConvertedDose
    reason: str


def bed(dose_gy: float, fraction_gy: float, alpha_beta_gy: float = 10.0) -> float:
    """Return the biologically effective dose in Gy.

    :raises InputError: a dose or alpha/beta is not above 0.
    """
    for name, value in (("total dose", dose_gy), ("dose per fraction", fraction_gy), ("alpha/beta", alpha_beta_gy)):
        if not 0.0 < value < math.inf:
            raise InputError(f"The {name} must be above 0 Gy, found {value}.")
    if fraction_gy > dose_gy * (1.0 + 1e-9):
        raise InputError(f"A dose per fraction of {fraction_gy:g} Gy is more than the total dose of {dose_gy:g} Gy.")
    return dose_gy * (1.0 + fraction_gy / alpha_beta_gy)


def eqd2(dose_gy: float, fraction_gy: float, alpha_beta_gy: float = 10.0) -> float:
    """Return the dose in Gy that has the same effect in fractions of 2 Gy.

    :raises InputError: see :func:`bed`.
    """
    return bed(dose_gy, fraction_gy, alpha_beta_gy) / (1.0 + 2.0 / alpha_beta_gy)


def convert_as_cha(dose_gy: float, fraction_gy: float, alpha_beta_gy: float = 10.0) -> ConvertedDose:
    """Return the dose with the same effect at 1.8 Gy per fraction, in whole fractions.

    To the nearest whole fraction, halves up: that gives all the doses which the paper prints. 39 Gy in 3 Gy is 23.87 fractions and
    printed as 43.2 Gy, which is 24.

    :raises InputError: see :func:`bed`.
    """
    exact = bed(dose_gy, fraction_gy, alpha_beta_gy) / bed(REFERENCE_FRACTION_GY, REFERENCE_FRACTION_GY, alpha_beta_gy)
    fractions = math.floor(exact + 0.5)
    return ConvertedDose(round(fractions * REFERENCE_FRACTION_GY, 10), fractions, exact)


def lesion_doses(case: Case, alpha_beta_gy: float = 10.0) -> tuple[LesionDose, ...]:
    """Return the dose of every lesion that has one, as BED, EQD2 and in fractions of 1.8 Gy.

    :raises InputError: alpha/beta is not above 0.
    """
    found = []
    for lesion in case.lesions:
        if lesion.dose_gy is None:
            continue
        dose, fraction = lesion.dose_gy, lesion.dose_gy / lesion.fractions
        effective, equivalent, converted = (function(dose, fraction, alpha_beta_gy) for function in (bed, eqd2, convert_as_cha))
        fractions = "1 fraction" if lesion.fractions == 1 else f"{lesion.fractions} fractions of {fraction:.3g} Gy"
        reason = (
            f"{lesion.identifier}: {dose:g} Gy in {fractions}; with alpha/beta {alpha_beta_gy:g} Gy "
            f"BED {effective:.1f} Gy, EQD2 {equivalent:.1f} Gy, {converted.dose_gy:g} Gy in fractions of {REFERENCE_FRACTION_GY:g} Gy."
        )
        found.append(LesionDose(lesion, alpha_beta_gy, effective, equivalent, converted, reason))
    return tuple(found)

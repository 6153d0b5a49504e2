"""Agreement of readers in words."""

import math
from enum import StrEnum

from ..errors import InputError

__all__ = ["Agreement", "agreement_of_icc"]


class Agreement(StrEnum):
    """Bands of the intraclass correlation coefficient, as Lee, Yoo et al. use them (Sci Rep 2021;11:10459)."""

    ALMOST_PERFECT = "almost perfect"
    SUBSTANTIAL = "substantial"
    MODERATE = "moderate"
    FAIR = "fair"
    SLIGHT = "slight"


def agreement_of_icc(icc: float) -> Agreement:
    """Return the band: above 0.80 almost perfect, above 0.60 substantial, above 0.40 moderate, above 0.20 fair, else slight.

    The paper gives bands of two decimals (0.61 to 0.80); between them, such as at 0.605, a band goes on to the next lower limit.

    :raises InputError: it is not a number up to 1.
    """
    if math.isnan(icc) or icc > 1.0:
        raise InputError(f"An intraclass correlation coefficient is at most 1, found {icc}.")
    limits = ((0.80, Agreement.ALMOST_PERFECT), (0.60, Agreement.SUBSTANTIAL), (0.40, Agreement.MODERATE), (0.20, Agreement.FAIR))
    return next((band for limit, band in limits if icc > limit), Agreement.SLIGHT)

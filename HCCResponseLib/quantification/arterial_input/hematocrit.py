"""The hematocrit, which separates whole blood from plasma."""

import numpy as np

from ...errors import InputError

__all__ = ["checked_hematocrit"]


def checked_hematocrit(hematocrit) -> float:
    """Return the hematocrit as a fraction.

    :raises InputError: percent, or not between 0 (the curve already is plasma) and 0.75.
    """
    if np.ndim(hematocrit) == 0 and 1 < hematocrit < 100:
        raise InputError(f"A hematocrit of {hematocrit:g} looks like percent; give the fraction (42 % is 0.42).")
    if np.ndim(hematocrit) or not 0 <= hematocrit <= 0.75:
        raise InputError(f"The hematocrit must be a fraction between 0 and 0.75; {hematocrit} was found.")
    return float(hematocrit)

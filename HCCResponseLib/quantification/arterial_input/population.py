"""Population arterial inputs at any time [s].

All take times of any shape and give concentrations [mM] of the same shape (float64), 0 before ``bolus_arrival_s``. ``parker``,
``weinmann`` and ``georgiou`` give plasma; ``parker_blood`` and ``georgiou_blood`` give whole blood, as published.

They hold for 0.1 mmol/kg of a gadolinium chelate injected at about 3 mL/s; for another dose (gadoxetate: 0.025 mmol/kg) scale them.
"""

import numpy as np
from scipy.special import gammaln

from ...errors import InputError
from .hematocrit import checked_hematocrit

__all__ = ["georgiou", "georgiou_blood", "parker", "parker_blood", "weinmann"]


def parker(time_s, *, bolus_arrival_s: float = 0.0, hematocrit: float = 0.42) -> np.ndarray:
    """Return the plasma concentration of Parker et al., Magn Reson Med 2006;56:993-1000: ``parker_blood`` / (1 - hematocrit).

    :raises InputError: the hematocrit is not a fraction.
    """
    return parker_blood(time_s, bolus_arrival_s=bolus_arrival_s) / (1 - checked_hematocrit(hematocrit))


def parker_blood(time_s, *, bolus_arrival_s: float = 0.0) -> np.ndarray:
    """Return the whole-blood concentration of Parker et al., Magn Reson Med 2006;56:993-1000, equation 1 with Table 1.

    Two Gaussians (first pass and recirculation) and an exponential modulated by a sigmoid. At arrival it starts with a jump to 0.08 mM.
    """
    minutes, arrived = _minutes(time_s, bolus_arrival_s)
    blood = 1.050 * np.exp(-0.1685 * minutes) / (1 + np.exp(-38.078 * (minutes - 0.483)))
    for area, centre, width in ((0.809, 0.17046, 0.0563), (0.330, 0.365, 0.132)):
        blood += area / (width * np.sqrt(2 * np.pi)) * np.exp(-((minutes - centre) ** 2) / (2 * width**2))
    return np.where(arrived, blood, 0.0)


def weinmann(time_s, *, bolus_arrival_s: float = 0.0, dose_mmol_per_kg: float = 0.1) -> np.ndarray:
    """Return the plasma concentration D (3.99 exp(-0.144 t) + 4.78 exp(-0.0111 t)), t in minutes, D the dose.

    Weinmann et al., Physiol Chem Phys Med NMR 1984;16:167-172, in the form of Tofts and Kermode, Magn Reson Med 1991;17:357-367. It has
    no first pass: use it only where that is not resolved.

    :param dose_mmol_per_kg: dose [mmol per kg of body weight].
    :raises InputError: the dose is not above 0.
    """
    if not 0 < dose_mmol_per_kg < np.inf:
        raise InputError(f"The dose must be above 0 mmol/kg; {dose_mmol_per_kg} was found.")
    minutes, arrived = _minutes(time_s, bolus_arrival_s)
    plasma = dose_mmol_per_kg * (3.99 * np.exp(-0.144 * minutes) + 4.78 * np.exp(-0.0111 * minutes))
    return np.where(arrived, plasma, 0.0)


def georgiou(time_s, *, bolus_arrival_s: float = 0.0, hematocrit: float = 0.35) -> np.ndarray:
    """Return the plasma concentration of Georgiou et al., Magn Reson Med 2019;81:1955-1963: ``georgiou_blood`` / (1 - hematocrit).

    The default hematocrit is that of the patient whose curve represents the published group.

    :raises InputError: the hematocrit is not a fraction.
    """
    return georgiou_blood(time_s, bolus_arrival_s=bolus_arrival_s) / (1 - checked_hematocrit(hematocrit))


def georgiou_blood(time_s, *, bolus_arrival_s: float = 0.0) -> np.ndarray:
    """Return the whole-blood concentration of Georgiou et al., Magn Reson Med 2019;81:1955-1963, equation 1 with Table 3.

    A sum of three exponentials times the passages of the bolus, each a gamma distribution that comes tau after, and is wider than, the
    one before (the form of Horsfield et al., Phys Med Biol 2009, doi:10.1088/0031-9155/54/9/023). The curve tabulated in the paper's
    supporting information differs by up to 0.08 mM, for the coefficients are printed with two to four digits.
    """
    minutes, arrived = _minutes(time_s, bolus_arrival_s)
    alpha, beta, tau = 5.26, 0.032, 0.129
    passages = np.zeros_like(minutes)
    for passage in range(int(minutes.max(initial=0.0) / tau) + 1):
        shape = (passage + 1) * (alpha + 1)
        elapsed = minutes - passage * tau
        running = elapsed > 0
        # In logarithms: powers and gamma functions of late passages overflow on their own.
        exponent = (shape - 1) * np.log(np.where(running, elapsed, 1.0)) - elapsed / beta - shape * np.log(beta) - gammaln(shape)
        passages += np.exp(np.where(running, exponent, -np.inf))
    decay = sum(height * np.exp(-rate * minutes) for height, rate in ((0.37, 0.11), (0.33, 1.17), (10.06, 16.02)))
    return np.where(arrived, decay * passages, 0.0)


def _minutes(time_s, bolus_arrival_s) -> tuple[np.ndarray, np.ndarray]:
    """Return minutes since arrival (0 before it), and whether the bolus has arrived."""
    elapsed = np.asarray(time_s, np.float64) - bolus_arrival_s
    if not np.all(np.isfinite(elapsed)):
        raise InputError("An arterial input was asked for at a time that is not a number.")
    return np.maximum(elapsed, 0.0) / 60, elapsed >= 0

"""Does a voxel enhance at all? Asked before its parameters are believed.

The curve of the best fit must explain more than noise would by chance: an F-test of the model against "concentration is zero", with the
residual as the estimate of the noise,

    F = (explained / p) / (residual / (n - p)).

The search over the non-linear parameters is counted as p free parameters, one for each, which the simulation in the tests confirms as
cautious: no more noise-only voxels pass than the level says.

With fewer than ten images more than parameters the residual is what the model misses rather than noise, and the test would call strong
enhancement none. It is then off: only curves that no positive parameters resemble at all count as not enhancing, all others are fitted,
noise too, and flagged ``ENHANCEMENT_NOT_TESTED``.
"""

import numpy as np
from scipy.stats import f as f_distribution

__all__ = ["enhances", "smallest_share"]

_FEWEST_DEGREES = 10


def smallest_share(samples: int, parameters: int, level: float) -> float:
    """Return explained / residual above which noise alone gets with a probability below ``level``; 0 with too few images to tell."""
    if samples - parameters < _FEWEST_DEGREES:
        return 0.0
    return float(f_distribution.isf(level, parameters, samples - parameters)) * parameters / (samples - parameters)


def enhances(explained: np.ndarray, total: np.ndarray, share: float) -> np.ndarray:
    """Return True where the model explains enough of the sum of squares ``total``; never for a curve of zeros."""
    return (explained > share * (total - explained)) & (explained > 0)

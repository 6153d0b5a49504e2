"""Fit S = S0 exp(-b D) to many voxels at once: by its logarithm, weighted or not, and by non-linear least squares.

All functions take samples as rows, (n, voxels) float64, and combine rows by element-wise operations in a fixed order
only: matrix products and reductions along an axis would make the last digits of a voxel depend on its place in the block.
"""

import functools
from typing import NamedTuple

import numpy as np

from .bracketed_newton import maximum_near

__all__ = ["HIGHEST_RATE", "MonoexponentialFit", "fit_log_linear", "fit_nonlinear"]

HIGHEST_RATE = 1.0
"""mm2/s; upper end of the search of the non-linear fit, far beyond free water (0.003) and pseudo-diffusion (0.2)."""

_RATES = np.concatenate([[0.0], np.geomspace(1e-5, HIGHEST_RATE, 26)])
"""Grid on which the non-linear fit looks for minima; the sum of squares varies slowly between neighbours."""


class MonoexponentialFit(NamedTuple):
    """Arrays of shape (voxels,); NaN where there is no solution, a negative rate where the signal rises.

    ``r_squared`` and ``rate_error`` are NaN where two samples leave no residual to judge by (and no noise is known).
    """

    rate: np.ndarray
    s0: np.ndarray
    r_squared: np.ndarray
    rate_error: np.ndarray


def _freedom(b) -> float:
    """Degrees of freedom of the residual; NaN where two samples leave none."""
    return b.size - 2 if b.size > 2 else np.nan


def fit_log_linear(samples: np.ndarray, b: np.ndarray, *, weighted: bool, noise_sigma: float | None = None) -> MonoexponentialFit:
    """Fit ln S = ln S0 - b D by a line.

    The noise of a magnitude image is the same at every b-value, that of its logarithm is sigma / S. The weighted fit
    therefore weights with the squared signal that the unweighted line predicts, once (Salvador et al., Hum Brain Mapp
    2005;24:144; Veraart et al., NeuroImage 2013;81:335).

    :param samples: (n, voxels) positive signals; overwritten, to spare the cache.
    :param b: (n,) b-values, not all equal.
    :param noise_sigma: standard deviation of the signals' noise; None to estimate it from the residual.
    """
    residual = np.log(samples, out=samples)
    mean_b, lowest = b.mean(), b.min()
    centred = b - mean_b
    spread = float(centred @ centred)
    freedom = _freedom(b)

    mean, rate = np.zeros(samples.shape[1]), np.zeros(samples.shape[1])
    for x, row in zip(centred, residual, strict=True):
        mean += row
        rate -= (x / spread) * row
    mean /= b.size
    for x, row in zip(centred, residual, strict=True):
        row -= mean
        row += rate * x
    log_s0 = mean + rate * mean_b
    if weighted:
        return _reweight(residual, b - lowest, rate, log_s0, lowest, noise_sigma)

    squares, relative, slope_variance = (np.zeros(samples.shape[1]) for _ in range(3))
    for x, row in zip(centred, residual, strict=True):
        squares += row * row
        # The variance of ln S is (sigma / S)^2; relative to that at the lowest b-value.
        variance = np.exp(rate * (2 * (x + mean_b - lowest)))
        relative += (1 - 1 / b.size - x * x / spread) * variance
        slope_variance += (x / spread) ** 2 * variance
    if noise_sigma is not None:
        error = noise_sigma * np.sqrt(slope_variance) * np.exp(rate * lowest - log_s0)
    else:
        # The expected sum of squared residuals is sigma^2 times the sum of (1 - leverage) x variance.
        error = np.where(freedom > 0, np.sqrt(squares / relative * slope_variance), np.nan)
    r_squared = np.where(freedom > 0, 1 - squares / (rate * rate * spread + squares), np.nan)
    return MonoexponentialFit(rate, np.exp(log_s0), r_squared, error)


def _reweight(residual, x, rate, log_s0, lowest, noise_sigma) -> MonoexponentialFit:
    """Improve an unweighted line by a weighted line through its residual; weights exp(-2 x D), x = b - lowest b."""
    w_sum, wx, wxx, wr, wxr, wrr = (np.zeros_like(rate) for _ in range(6))
    for distance, row in zip(x, residual, strict=True):
        weight = np.exp(rate * (-2 * distance))
        w_sum += weight
        weighted = weight * row
        wr += weighted
        wxr += weighted * distance
        weighted *= row
        wrr += weighted
        weight *= distance
        wx += weight
        weight *= distance
        wxx += weight
    mean_x, mean_r = wx / w_sum, wr / w_sum
    wxx -= mean_x * wx
    wxr -= mean_x * wr
    wrr -= mean_r * wr
    slope = wxr / wxx
    squares = np.maximum(wrr - slope * wxr, 0)  # rounding may leave -1e-30
    total = rate * rate * wxx - 2 * rate * wxr + wrr
    rate = rate - slope
    log_s0 = log_s0 + mean_r - slope * (lowest + mean_x)
    freedom = _freedom(x)
    if noise_sigma is not None:
        error = noise_sigma / np.sqrt(wxx) * np.exp(rate * lowest - log_s0)
    else:
        error = np.sqrt(squares / (freedom * wxx))
    r_squared = np.where(freedom > 0, 1 - squares / total, np.nan)
    return MonoexponentialFit(rate, np.exp(log_s0), r_squared, error)


def fit_nonlinear(samples: np.ndarray, b: np.ndarray, *, noise_sigma: float | None = None) -> MonoexponentialFit:
    """Fit S = S0 exp(-b D), 0 <= D <= ``HIGHEST_RATE``, by least squares on the signals: the global minimum, to convergence.

    S0 is eliminated (variable projection; Golub and Pereyra, SIAM J Numer Anal 1973;10:413): D maximises
    (S . e) / |e| with e = exp(-b D). Every maximum on a grid of rates is refined by Newton steps between its neighbours.

    :param samples: (n, voxels) positive signals.
    :param b: (n,) b-values, not all equal.
    :param noise_sigma: as in :func:`fit_log_linear`.
    :return: rate 0 where the signal does not fall, NaN where it falls faster than ``HIGHEST_RATE`` or has vanished (exp(-20)) at the
        second b-value.
    """
    lowest = b.min()
    x = b - lowest
    rate = _projected_maximum(samples, x)
    rate[rate >= min(HIGHEST_RATE, 20 / x[x > 0].min())] = np.nan
    moments = _Moments(samples, x, rate)
    amplitude = moments.se / moments.ee
    squares, total, mean = (np.zeros_like(rate) for _ in range(3))
    for row in samples:
        mean += row
    mean /= b.size
    for distance, row in zip(x, samples, strict=True):
        squares += (row - amplitude * np.exp(rate * -distance)) ** 2
        total += (row - mean) ** 2
    freedom = _freedom(b)
    variance = noise_sigma**2 if noise_sigma is not None else squares / freedom
    error = np.sqrt(variance / (moments.xxee - moments.xee**2 / moments.ee)) / amplitude
    r_squared = np.where(freedom > 0, 1 - squares / total, np.nan)
    return MonoexponentialFit(rate, amplitude * np.exp(rate * lowest), r_squared, error)


class _Moments:
    """Sums over the samples of x^p S e and x^p e e, e = exp(-x rate), for every voxel."""

    def __init__(self, samples, x, rate):
        self.se, self.xse, self.xxse, self.ee, self.xee, self.xxee = (np.zeros_like(rate) for _ in range(6))
        for distance, row in zip(x, samples, strict=True):
            e = np.exp(rate * -distance)
            product = e * row
            self.se += product
            product *= distance
            self.xse += product
            product *= distance
            self.xxse += product
            e *= e
            self.ee += e
            e *= distance
            self.xee += e
            e *= distance
            self.xxee += e

    def slope(self) -> np.ndarray:
        """Derivative by the rate of (S . e) / |e|, but for a positive factor."""
        return self.se * self.xee - self.xse * self.ee

    def curvature(self) -> np.ndarray:
        """Derivative of :meth:`slope` by the rate."""
        return self.xse * self.xee - 2 * self.se * self.xxee + self.xxse * self.ee

    def score(self) -> np.ndarray:
        """(S . e) / |e|."""
        return self.se / np.sqrt(self.ee)


def _slope_and_curvature(x, rate, samples) -> tuple[np.ndarray, np.ndarray]:
    moments = _Moments(samples, x, rate)
    return moments.slope(), moments.curvature()


def _projected_maximum(samples: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The rate of the highest (S . e) / |e|; an end of the grid where that lies beyond."""
    scores = np.zeros((len(_RATES), samples.shape[1]))
    best = np.zeros(samples.shape[1], np.intp)
    highest = np.zeros(samples.shape[1])
    for index, (score, rate) in enumerate(zip(scores, _RATES, strict=True)):
        e = np.exp(-x * rate)
        for weight, row in zip(e / np.sqrt((e * e).sum()), samples, strict=True):
            score += weight * row
        better = score > highest
        np.copyto(best, index, where=better)
        np.copyto(highest, score, where=better)
    slope_and_curvature = functools.partial(_slope_and_curvature, x)
    result = maximum_near(slope_and_curvature, _RATES, best, samples)
    for index in range(len(_RATES)):
        peak = best != index
        if index > 0:
            peak &= scores[index] > scores[index - 1]
        if index < len(_RATES) - 1:
            peak &= scores[index] >= scores[index + 1]
        rivals = np.flatnonzero(peak)
        if rivals.size:
            theirs = np.take(samples, rivals, axis=1)
            rate = maximum_near(slope_and_curvature, _RATES, np.full(rivals.size, index), theirs)
            better = _Moments(theirs, x, rate).score() > _Moments(theirs, x, result[rivals]).score()
            result[rivals[better]] = rate[better]
    return result

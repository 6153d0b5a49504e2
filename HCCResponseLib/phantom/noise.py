"""Seeded noise of the digital reference objects."""

import numpy as np

from ..errors import InputError

__all__ = ["gaussian", "rician"]


def gaussian(clean, sigma, seed: int) -> np.ndarray:
    """Return ``clean`` plus normal noise of standard deviation ``sigma`` (same unit; broadcasts); same seed, same noise."""
    clean = np.asarray(clean, np.float64)
    return clean + _checked(sigma) * np.random.default_rng(seed).standard_normal(clean.shape)


def rician(clean, sigma, seed: int) -> np.ndarray:
    """Return the magnitude of ``clean`` with normal noise of ``sigma`` in the real and in the imaginary channel.

    Gudbjartsson and Patz, Magn Reson Med 1995;34:910-914. Where ``clean`` is 0 the mean is sigma sqrt(pi/2): the floor that makes
    weak signals look too strong.
    """
    clean = np.asarray(clean, np.float64)
    real, imaginary = np.random.default_rng(seed).standard_normal((2, *clean.shape)) * _checked(sigma)
    return np.hypot(clean + real, imaginary)


def _checked(sigma) -> np.ndarray:
    sigma = np.asarray(sigma, np.float64)
    if not np.all(sigma >= 0):
        raise InputError("The standard deviation of the noise must be 0 or more.")
    return sigma

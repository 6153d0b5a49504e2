"""Noise of magnitude images: its level from the air around the patient, and which images reach down to it."""

from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from .voxels import check_b_values, check_signals

__all__ = ["NOISE_FLOOR_FACTOR", "NoiseEstimate", "NoiseFloor", "clear_of_noise", "estimate_noise", "noise_floor"]

NOISE_FLOOR_FACTOR = 3.0
"""Below three standard deviations the mean magnitude exceeds the true signal by more than 5 % (Gudbjartsson and Patz, MRM 1995;34:910)."""

_WARNED_SHARE = 0.05
"""Share of voxels near the noise from which an image is named in the warning."""

_RAYLEIGH_MEAN = float(np.sqrt(np.pi / 2))
_RAYLEIGH_SHAPE = float(np.pi / 4)
"""Squared mean over mean square of Rayleigh magnitudes; averaged or combined magnitudes have more, up to 1."""

_SAME_LEVEL = 0.3
"""Most that the images of air differ in brightness, whatever their b-value: a geometric mean of Rayleigh magnitudes has
sqrt(2) exp(-gamma/2) sigma = 1.06 sigma, an arithmetic one 1.25 sigma."""

_DARKER_SHARE = 0.05
"""Share of voxels with some signal that may be darker than the air: it is the darkest there is."""

_MOST_VOXELS = 200_000
_FEWEST_VOXELS = 500
_TAIL = 0.01


@dataclass(frozen=True)
class NoiseFloor:
    """How many voxels of each diffusion image lie near the noise.

    :param b_values: (m,) distinct b-values in s/mm2, ascending.
    :param share: (m,) share of the voxels below ``NOISE_FLOOR_FACTOR`` x ``sigma``; NaN without voxels.
    :param voxels: number of voxels looked at.
    :param sigma: standard deviation of the noise, in units of the signals.
    :param warning: a sentence for the reader of the map; empty where there is nothing to warn of.
    """

    b_values: np.ndarray
    share: np.ndarray
    voxels: int
    sigma: float
    warning: str


def noise_floor(signals, b_values, sigma: float, mask=None) -> NoiseFloor:
    """Count the voxels whose signal is not clearly above the noise, for each b-value.

    A magnitude cannot fall below its noise floor: where it reaches it, ln S no longer falls with b and the ADC comes out too
    low. Of 0.0022 mm2/s over b = 0, 400, 1400, with a signal-to-noise ratio of 20 at b = 0, ``"lls"`` loses 11 %, ``"wlls"`` 6 %,
    ``"nlls"`` 2.5 %.

    :param signals: (..., n) magnitude signals.
    :param b_values: (n,) b-values in s/mm2.
    :param sigma: standard deviation of the noise in units of the signals, e.g. from :func:`estimate_noise`.
    :param mask: array of the voxel shape, not zero inside: all its finite voxels count. None: the voxels that stand clear of the
        noise at the lowest b-value, so that air does not count.
    :raises InputError: unusable b-values, shapes that do not match, ``sigma`` not positive.
    """
    b = check_b_values(b_values)
    signals, mask = check_signals(signals, b, mask)
    if not 0 < sigma < np.inf:
        raise InputError(f"The noise's standard deviation must be a positive number, found {sigma}.")
    limit = NOISE_FLOOR_FACTOR * float(sigma)
    mask = clear_of_noise(signals, b, sigma) if mask is None else mask.copy()
    for image in range(b.size):
        mask &= np.isfinite(signals[..., image])

    voxels = int(np.count_nonzero(mask))
    below = np.array([np.count_nonzero(mask & (signals[..., image] < limit)) for image in range(b.size)])
    distinct = np.unique(b)
    share = np.array([below[b == value].mean() / voxels if voxels else np.nan for value in distinct])
    return NoiseFloor(distinct, share, voxels, float(sigma), _warning(distinct, share, voxels, float(sigma)))


def clear_of_noise(signals, b_values, sigma: float) -> np.ndarray:
    """Return the voxels that stand clear of the noise at the lowest b-value: the body without the air around it.

    :param signals: (..., n) magnitude signals.
    :param b_values: (n,) b-values in s/mm2.
    :param sigma: standard deviation of the noise in units of the signals.
    :return: boolean, the voxel shape.
    """
    b = np.asarray(b_values)
    clear = np.ones(np.shape(signals)[:-1], bool)
    for image in np.flatnonzero(b == b.min()):
        clear &= signals[..., image] >= NOISE_FLOOR_FACTOR * float(sigma)
    return clear


def _warning(b: np.ndarray, share: np.ndarray, voxels: int, sigma: float) -> str:
    """The sentence for the reader, or nothing."""
    if not voxels:
        return f"No voxel stands clear of the noise (standard deviation {sigma:.3g}); check the noise level and the images."
    affected = share >= _WARNED_SHARE
    if not affected.any():
        return ""
    listed = ", ".join(f"{100 * part:.0f} % at b = {value:g}" for value, part in zip(b[affected], share[affected], strict=True))
    advice = "leave these b-values out or read those regions with care"
    if np.count_nonzero(~affected) < 2:
        advice = "read those regions with care"
    near = f"within {NOISE_FLOOR_FACTOR:g} standard deviations of the noise ({sigma:.3g})"
    return f"Voxels {near}: {listed}. Their ADC comes out too low; {advice}."


@dataclass(frozen=True)
class NoiseEstimate:
    """Level of the noise in magnitude images.

    :param sigma: standard deviation of the noise in units of the signals; NaN where it cannot be told.
    :param plain: whether the air shows the Rayleigh distribution of single magnitude images. If not (averaged, filtered or
        combined images), ``sigma`` is that of a plain image with the same floor: good for :func:`noise_floor`, too large as
        ``noise_sigma`` of a fit.
    :param voxels: number of air voxels it was taken from (of at most 200 000 looked at).
    :param message: a sentence saying how it was found or why not.
    """

    sigma: float
    plain: bool
    voxels: int
    message: str


def estimate_noise(signals, *, background=None) -> NoiseEstimate:
    """Estimate the noise from the air in magnitude images, where the magnitude is Rayleigh distributed.

    Air is found as the largest group of voxels whose mean square over the images is that of pure noise of one level (as in PIESNO:
    Koay, Ozarslan and Pierpaoli, J Magn Reson 2009;199:94) and whose images do not resemble each other. The level is their mean
    magnitude / sqrt(pi / 2). It holds where the noise is alike in air and tissue; parallel imaging raises it in the tissue.

    :param signals: (..., n) magnitude signals of n images (b-values, averages), two or more unless ``background`` is given.
    :param background: array of the voxel shape, not zero in air: only these voxels are used. None to find the air.
    :raises InputError: complex or non-numeric signals, shapes that do not match.
    """
    signals = np.asarray(signals)
    if signals.ndim == 0:
        raise InputError("The noise needs images, found a single number.")
    signals, background = check_signals(signals, np.empty(signals.shape[-1]), background)
    samples, empty_share = _some_voxels(signals, background)
    if len(samples) >= _FEWEST_VOXELS:
        if samples.shape[1] > 1:
            groups = _groups_of_one_level(samples)
        else:
            groups = [] if background is None else [samples]
        estimates = [estimate for group in groups if (estimate := _level_of(group))]
        for estimate in sorted(estimates, key=lambda estimate: not estimate.plain):  # stable: the largest plain group first
            return estimate
    cause = "no air with nothing but noise was found"
    if empty_share > 0.05:
        cause += f"; the scanner set {100 * empty_share:.0f} % of the voxels to zero"
    return NoiseEstimate(
        np.nan,
        False,
        0,
        f"The noise cannot be told from the images ({cause}). Draw a region of air or enter the noise level by hand.",
    )


def _some_voxels(signals, chosen) -> tuple[np.ndarray, float]:
    """Return (voxels, n) samples of evenly spaced, finite, not entirely empty voxels as float64, and the share of empty ones."""
    shape = signals.shape[:-1]
    where = np.arange(int(np.prod(shape))) if chosen is None else np.flatnonzero(chosen)
    if where.size > _MOST_VOXELS:
        where = where[np.linspace(0, where.size - 1, _MOST_VOXELS).astype(np.intp)]
    samples = np.asarray(signals[np.unravel_index(where, shape)] if shape else signals[np.newaxis], dtype=np.float64)
    samples = samples[np.all(np.isfinite(samples) & (samples >= 0), axis=1)]
    filled = np.any(samples > 0, axis=1)
    return samples[filled], float(np.mean(~filled)) if filled.size else 0.0


def _groups_of_one_level(samples):
    """Yield groups of voxels that could be pure noise of one level, the largest first."""
    from scipy.special import gammainc, gammaincinv

    n = samples.shape[1]
    # For noise the sum of n squared magnitudes over 2 sigma^2 has a gamma distribution of shape n.
    power = (samples * samples).sum(axis=1) / (2 * n)
    ordered = np.sort(power)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    low, high = gammaincinv(n, [_TAIL / 2, 1 - _TAIL / 2])
    mean_inside = (gammainc(n + 1, high) - gammainc(n + 1, low)) / (1 - _TAIL)
    groups = set()
    for level in np.geomspace(*np.quantile(ordered, [0.001, 0.95]), 100):
        for _iteration in range(100):
            first, last = np.searchsorted(ordered, [low / n * level, high / n * level])
            if last - first < _FEWEST_VOXELS:
                break
            following = (sums[last] - sums[first]) / (last - first) / mean_inside
            if abs(following / level - 1) < 1e-9:
                groups.add((last - first, ordered[first], ordered[last - 1]))
                break
            level = following
    for _count, lowest, highest in sorted(groups, reverse=True):
        if np.searchsorted(ordered, lowest) > _DARKER_SHARE * len(ordered):
            continue
        yield samples[(power >= lowest) & (power <= highest)]


def _level_of(air: np.ndarray) -> NoiseEstimate | None:
    """Estimate the level from voxels (voxels, n) taken for air; None where their distribution speaks against it."""
    n, squares = air.shape[1], air * air
    if n > 1:
        spread = squares.std(axis=0)
        if not np.all(spread > 0):
            return None
        likeness = np.abs(np.corrcoef(squares.T)[np.triu_indices(n, 1)]).mean()
        if likeness > 0.3:  # structure that all images share: tissue
            return None
    if np.ptp(air.mean(axis=0)) > _SAME_LEVEL * air.mean():  # the images fall with b: tissue
        return None
    level = float(air.mean()) / _RAYLEIGH_MEAN
    shapes = air.mean(axis=0) ** 2 / squares.mean(axis=0)
    if shapes.max() > 0.985 or shapes.min() < 0.9 * _RAYLEIGH_SHAPE:
        return None
    plain = bool(np.ptp(air.mean(axis=0)) < 0.15 * air.mean() and shapes.max() < 1.04 * _RAYLEIGH_SHAPE)
    message = f"Noise standard deviation {level:.3g} from {len(air)} voxels of air."
    if not plain:
        message += " The images are averaged, filtered or combined: this tells the noise floor, not the noise of a single image."
    return NoiseEstimate(level, plain, len(air), message)

"""When the contrast agent arrives: where a curve leaves its baseline on the way to its peak."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .time_axis import checked_time

__all__ = ["Arrival", "detect_arrival"]

_ONSET = 0.02
"""Part of the peak height at which the curve has left the baseline, unless the noise needs more."""

_ONSET_NOISE_UNKNOWN = 0.05
"""The same where fewer than three samples precede the bolus, so that their noise cannot be told."""

_NOISE_MULTIPLE = 3.0


@dataclass(frozen=True)
class Arrival:
    """Where one curve leaves its baseline.

    ``time_s``: arrival [s], between the last baseline sample and the first enhanced one; ``baseline_count``: number of samples before
    arrival; ``baseline`` and ``noise``: mean and standard deviation of those samples but the last, which may hold the foot of the bolus
    (noise NaN for fewer than three); ``peak_index``: the highest sample.
    """

    time_s: float
    baseline_count: int
    baseline: float
    noise: float
    peak_index: int


def detect_arrival(curve, time_s) -> Arrival:
    """Find the arrival of the contrast agent in one curve (signal or concentration).

    From the peak backwards, the first sample that is not above the baseline by more than 2 % of the peak height, or three standard
    deviations of the baseline where that is more, is the last of the baseline (5 % where the noise cannot be told). Arrival is where
    the straight line from there to the next sample crosses that level. It cannot be told more closely than the interval between images,
    and a curve that rises gently arrives later by this definition than by its equation: noise of 3 % of the peak makes Parker's 1 to 2 s
    late.

    Take a curve that rises steeply, the mean of an artery above all: tissue arrives later, and its first images after arrival would
    still count as baseline.

    :param curve: samples, shape (times,).
    :param time_s: increasing times [s], shape (times,).
    :raises InputError: no rise above the noise, no image before arrival, or samples that are not numbers.
    """
    curve = np.asarray(curve, np.float64)
    if curve.ndim != 1 or curve.size < 3:
        raise InputError("The arrival of the contrast agent is found in one curve of three or more images.")
    time_s = checked_time(time_s, curve.size)
    if not np.all(np.isfinite(curve)):
        raise InputError("The curve in which the arrival of the contrast agent is looked for has values that are not numbers.")
    peak = int(np.argmax(curve))
    before = curve[:peak]
    if curve[peak] == curve.min():
        raise InputError("The curve does not rise above its noise; choose a region that enhances.")
    if before.size == 0:
        raise InputError("The curve is highest in its first image: there is no image before the contrast agent arrived.")

    # First guess of the baseline: what precedes the last crossing of a quarter of the height; then its own noise sets the level.
    last = _last_at_most(before, before.min() + (curve[peak] - before.min()) / 4)
    for _round in range(3):
        samples = _before_bolus(curve, last)
        baseline, noise = float(np.median(samples)), _noise(samples)
        height = curve[peak] - baseline
        level = baseline + (max(_ONSET * height, _NOISE_MULTIPLE * noise) if np.isfinite(noise) else _ONSET_NOISE_UNKNOWN * height)
        last = _last_at_most(before, level)
        if last < 0:
            raise InputError("There is no image before the contrast agent arrived; a baseline needs one or more.")
    samples = _before_bolus(curve, last)
    noise = _noise(samples)
    # Second differences see the noise of the whole curve and hardly its course; the few baseline samples may lie close by chance.
    roughness = float(np.median(np.abs(np.diff(curve, 2)))) / (0.6745 * np.sqrt(6))
    if height <= 2 * _NOISE_MULTIPLE * np.fmax(noise, roughness):
        raise InputError("The curve does not rise above its noise; choose a region that enhances.")
    part = (level - curve[last]) / (curve[last + 1] - curve[last])
    arrival = time_s[last] + part * (time_s[last + 1] - time_s[last])
    return Arrival(float(arrival), last + 1, float(samples.mean()), noise, peak)


def _before_bolus(curve, last: int) -> np.ndarray:
    """Return the samples before index ``last``, or the first one."""
    return curve[: max(last, 1)]


def _noise(samples) -> float:
    """Return the standard deviation, NaN for fewer than three samples."""
    return float(np.std(samples, ddof=1)) if samples.size > 2 else np.nan


def _last_at_most(samples, level) -> int:
    """Return the index of the last sample that is not above the level, or -1."""
    below = np.flatnonzero(samples <= level)
    return int(below[-1]) if below.size else -1

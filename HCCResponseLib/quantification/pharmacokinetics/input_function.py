"""The plasma concentration in a feeding vessel: known at any moment, and convolved exactly."""

import warnings
from collections.abc import Callable

import numpy as np
from scipy.interpolate import CubicSpline

from ...errors import InputError
from .convolution import convolve_exponential

__all__ = ["CoarseSamplingWarning", "InputFunction"]

COARSEST_SAMPLING_S = 6.0

_RELATIVE_ERROR = 2e-6
"""Of the peak: largest distance allowed between the curve and the straight lines that replace it."""

_LONGEST_STEP_S = 0.5
_SHORTEST_STEP_S = 1e-3

_SHORT_S = 0.5

_LARGEST_START = 0.1
"""Of the peak: samples that begin higher do not hold the arrival of the bolus."""

_PLAUSIBLE_PEAK = (1e-6, 1e6)
"""Wide enough for any unit that the tissue shares; beyond, squares leave the range of numbers."""


class CoarseSamplingWarning(UserWarning):
    """The input function is sampled too coarsely to catch the bolus; Ktrans may be off by tens of percent."""


class InputFunction:
    """Plasma concentration [mM] against time [s]; 0 before ``start_s``, constant after ``end_s``.

    Inside, the curve is replaced by straight lines on knots that bisection sets as densely as the curve needs, so a coarse measured
    curve, an analytic one and a jump at bolus arrival are convolved with the same small error.
    """

    def __init__(self, curve: Callable[[np.ndarray], np.ndarray], start_s: float, end_s: float, knots=()):
        self._curve = curve
        self.start_s = float(start_s)
        self.end_s = float(end_s)
        self._knots, self._values = self._straight_lines(np.asarray(knots, np.float64))
        if not self.peak > max(0.0, -float(self._values.min())):
            raise InputError(
                "The input function does not rise above zero: there is no contrast agent in the vessel. "
                "Check the vessel region and the baseline, or use a population input function.",
            )
        if not _PLAUSIBLE_PEAK[0] <= self.peak <= _PLAUSIBLE_PEAK[1]:
            raise InputError(f"The peak of the input function is {self.peak:g}; a plasma concentration in mM is some 1 to 20.")

    @classmethod
    def from_argument(cls, curve, sample_time_s, first_s: float, last_s: float, *, interpolation: str, name: str):
        """Make an input function from what a caller gave.

        :param curve: callable of seconds (one made here before is used as it is), or samples of plasma concentration [mM].
        :param sample_time_s: times of the samples [s]; None for a callable.
        :param first_s: first time at which the input is needed [s].
        :param last_s: last time at which it must be known [s].
        :param interpolation: ``"cubic"`` or ``"linear"`` between samples.
        :param name: what the curve is, for messages.
        :raises InputError: not finite, of the wrong shape, unsorted, too short, or nowhere positive.
        """
        if interpolation not in ("cubic", "linear"):
            raise InputError(f"The interpolation of the {name} must be 'cubic' or 'linear', found {interpolation!r}.")
        if isinstance(curve, cls) and curve.start_s <= min(0.0, first_s) and curve.end_s >= last_s:
            return curve
        if callable(curve):
            return cls._from_callable(curve, first_s, last_s, name)
        return cls._from_samples(curve, sample_time_s, first_s, last_s, interpolation, name)

    @classmethod
    def _from_callable(cls, curve, first_s, last_s, name):
        def checked(time_s):
            values = np.asarray(curve(time_s), np.float64)
            if values.shape != np.shape(time_s):
                raise InputError(f"The {name} gave {values.shape} values for {np.shape(time_s)} times; it must give one for each time.")
            if not np.all(np.isfinite(values)):
                raise InputError(f"The {name} is not finite at some time between {first_s:g} and {last_s:g} s.")
            return values

        # An input defined from time zero on (most published ones) must be integrated from there, wherever the images begin.
        return cls(checked, min(0.0, first_s), last_s)

    @classmethod
    def _from_samples(cls, samples, sample_time_s, first_s, last_s, interpolation, name):
        if sample_time_s is None:
            raise InputError(f"The {name} was given as samples without their times (aif_time_s, seconds).")
        try:
            times, values = np.asarray(sample_time_s, np.float64), np.asarray(samples, np.float64)
        except (TypeError, ValueError):
            raise InputError(f"The {name} and its times must be lists of numbers.") from None
        if times.ndim != 1 or times.shape != values.shape or times.size < 2:
            raise InputError(
                f"The {name} has the shape {values.shape} and its times {times.shape}; they must be lists of one length, two or more.",
            )
        if not (np.all(np.isfinite(times)) and np.all(np.isfinite(values))):
            raise InputError(f"The {name} or its times contain values that are not finite; leave those samples out.")
        if np.any(np.diff(times) <= 0):
            raise InputError(f"The times of the {name} are not increasing; sort the samples and leave out repeated times.")
        spacing = float(np.median(np.diff(times)))
        if times[-1] < last_s - 0.01 * spacing:
            raise InputError(
                f"The {name} ends at {times[-1]:g} s but is needed until {last_s:g} s; measure it over the whole series.",
            )
        # Whatever the tissue took up from it before its first sample is unknown, wherever the images begin.
        if values[0] > _LARGEST_START * values.max():
            raise InputError(
                f"The {name} begins at {times[0]:g} s (first image: {first_s:g} s) and is already at {values[0]:g} mM of at most "
                f"{values.max():g}: the arrival of the bolus is missing. Give the series from before contrast on, check the baseline, "
                "or use a population input function.",
            )
        peak = int(values.argmax())
        onset = int(np.argmax(values > 0.1 * values[peak]))
        widest = float(np.diff(times)[max(onset - 1, 0) : peak + 1].max(initial=0.0))
        if widest > COARSEST_SAMPLING_S:
            warnings.warn(
                f"The {name} is sampled every {widest:.3g} s around its peak. Above {COARSEST_SAMPLING_S:g} s the bolus can fall between "
                "two samples and Ktrans be wrong by tens of percent; use a population input function or a faster series.",
                CoarseSamplingWarning,
                stacklevel=2,
            )
        if interpolation == "cubic" and times.size >= 4:
            spline = CubicSpline(times, values)
            return cls(spline, times[0], times[-1], knots=times)
        return cls(lambda time_s: np.interp(time_s, times, values), times[0], times[-1], knots=times)

    def __call__(self, time_s) -> np.ndarray:
        """Return the plasma concentration [mM] at any times [s]."""
        time_s = np.asarray(time_s, np.float64)
        inside = np.clip(time_s, self.start_s, self.end_s)
        return np.where(time_s < self.start_s, 0.0, self._curve(inside))

    @property
    def peak(self) -> float:
        """Highest plasma concentration [mM]."""
        return float(self._values.max())

    @property
    def steepest_change(self) -> float:
        """Largest change within half a second, in parts of the peak."""
        times = np.concatenate([self._knots, self._knots - _SHORT_S])
        before, after = (np.interp(at, self._knots, self._values, left=0.0) for at in (times, times + _SHORT_S))
        return float(np.abs(after - before).max()) / self.peak

    def convolved(self, rates_per_min, time_s) -> np.ndarray:
        """Convolve with exp(-rate t).

        :param rates_per_min: (k,) rate constants [1/min].
        :param time_s: times [s], any shape.
        :return: [mM min], shape of the times + (k,).
        """
        time_s = np.asarray(time_s, np.float64)
        return self._convolved(rates_per_min, time_s.reshape(-1)).reshape(*time_s.shape, -1)

    def convolved_each(self, rates_per_min, time_s) -> np.ndarray:
        """Convolve with exp(-rate t), every rate at its own times.

        :param rates_per_min: (k,) rate constants [1/min].
        :param time_s: (k, n) times [s].
        :return: (k, n) [mM min].
        """
        return self._convolved(rates_per_min, np.asarray(time_s, np.float64).T).T

    def _convolved(self, rates_per_min, time_s):
        knots, values = self._knots, self._values
        if time_s.size and time_s.max() > knots[-1]:
            knots, values = np.append(knots, time_s.max()), np.append(values, values[-1])
        return convolve_exponential(knots / 60, values, rates_per_min, time_s / 60)

    def _straight_lines(self, knots) -> tuple[np.ndarray, np.ndarray]:
        """Bisect the steps until straight lines are as good as the curve."""
        count = max(2, int(np.ceil((self.end_s - self.start_s) / _LONGEST_STEP_S)) + 1)
        times = np.union1d(np.linspace(self.start_s, self.end_s, count), knots)
        values = self._curve(times)
        tolerance = _RELATIVE_ERROR * float(np.abs(values).max(initial=0.0))
        while True:
            middles = (times[1:] + times[:-1]) / 2
            at_middles = self._curve(middles)
            split = (np.abs(at_middles - (values[1:] + values[:-1]) / 2) > tolerance) & (np.diff(times) > 2 * _SHORTEST_STEP_S)
            if not split.any():
                break
            after = np.flatnonzero(split) + 1
            times, values = np.insert(times, after, middles[split]), np.insert(values, after, at_middles[split])
        # Nothing happens before the contrast agent arrives.
        first = max(0, int(np.argmax(values != 0)) - 1)
        return times[first:], values[first:]

"""Blood inputs of the digital reference objects, as functions of time known at every moment."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from ..errors import InputError
from .integration import integrate

__all__ = ["InputFunction", "arterial_input", "portal_input", "sampled_input"]


@dataclass(frozen=True)
class InputFunction:
    """Plasma concentration [mM] at any time [s].

    ``function`` is asked only from ``start_s`` on; before, the concentration is 0. A jump may stand at ``start_s``, nowhere else.
    """

    function: Callable[[np.ndarray], np.ndarray]
    start_s: float = 0.0

    def __call__(self, time_s) -> np.ndarray:
        time_s = np.asarray(time_s, np.float64)
        return np.where(time_s < self.start_s, 0.0, self.function(np.maximum(time_s, self.start_s)))


# Parker et al., Magn Reson Med 2006;56:993-1000, Table 1: [mM min], [min], [min].
_GAUSSIANS = ((0.809, 0.17046, 0.0563), (0.330, 0.365, 0.132))


def arterial_input(bolus_arrival_s: float = 0.0, hematocrit: float = 0.42) -> InputFunction:
    """Return the population arterial input of Parker et al. (Magn Reson Med 2006;56:993-1000, eq. 1), as plasma.

    :param bolus_arrival_s: time at which the contrast agent arrives [s].
    :param hematocrit: volume fraction of red cells, which takes no contrast agent.
    """

    def plasma(time_s):
        minutes = (time_s - bolus_arrival_s) / 60
        blood = 1.050 * np.exp(-0.1685 * minutes) / (1 + np.exp(-38.078 * (minutes - 0.483)))
        for area, centre, width in _GAUSSIANS:
            blood = blood + area / (width * np.sqrt(2 * np.pi)) * np.exp(-(((minutes - centre) / width) ** 2) / 2)
        return blood / (1 - hematocrit)

    return InputFunction(plasma, float(bolus_arrival_s))


def sampled_input(sample_time_s, plasma_concentration) -> InputFunction:
    """Return the straight lines between samples: 0 before the first sample, the last value after the last.

    The kinks are integrated exactly only where a kink, shifted by the delay, falls on an image time; else to the square of the step.
    """
    samples = np.asarray(sample_time_s, np.float64)
    values = np.asarray(plasma_concentration, np.float64)
    if samples.ndim != 1 or samples.shape != values.shape or np.any(np.diff(samples) <= 0):
        raise InputError("The samples of an input function need one increasing time for each concentration.")
    return InputFunction(lambda time_s: np.interp(time_s, samples, values), float(samples[0]))


def portal_input(arterial: InputFunction, *, delay_s: float = 5.0, transit_s: float = 8.0, duration_s: float = 600.0) -> InputFunction:
    """Return a portal-venous input: the arterial one, late and dispersed by the splanchnic bed (one well-mixed compartment).

    :param arterial: the arterial plasma input.
    :param delay_s: time after the arterial input at which the portal vein begins to enhance [s].
    :param transit_s: mean transit time of the splanchnic bed [s].
    :param duration_s: time after arrival up to which the function is known; constant afterwards [s].
    """
    elapsed = np.arange(0.0, duration_s + 0.25, 0.25)
    times = arterial.start_s + elapsed
    state = integrate(
        lambda state, plasma: (plasma - state) / transit_s, 1, times, arterial, np.zeros(1), shape=(1,), fastest_rate=1 / transit_s,
    )[0, 0]
    # The compartment's own equation gives the slopes of the interpolation.
    spline = CubicHermiteSpline(times + delay_s, state, (arterial(times) - state) / transit_s)
    last = times[-1] + delay_s
    return InputFunction(lambda time_s: spline(np.minimum(time_s, last)), arterial.start_s + delay_s)

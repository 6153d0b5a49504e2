"""The arrival delay: fixed, or one more axis of the search.

The tissue sees Cp(t - d), d > 0 when it enhances later than the vessel where the input was measured; d < 0 is allowed, as an input
measured downstream needs it. A shift of the input is a shift of everything convolved from it, so the curves of all delays come from one
convolution, asked at other times.
"""

import numpy as np

from ...errors import InputError
from .axis import Axis, linear_axis

__all__ = ["delay_axis", "delayed_times", "smallest_delay"]

_LARGEST_DELAY_S = 60.0


def delay_axis(delay_s, longest_step_s: float, name: str = "delay_s") -> Axis | float:
    """Return a fixed delay as a number, or an axis for a range.

    :param delay_s: number of seconds, or (low, high).
    :param longest_step_s: largest distance of two nodes; the bolus must be smooth at this scale.
    :raises InputError: not a number, not finite, reversed, or beyond a minute.
    """
    try:
        limits = np.asarray(delay_s, np.float64)
    except (TypeError, ValueError):
        limits = np.empty(0)
    if limits.shape not in ((), (2,)) or not np.all(np.isfinite(limits)):
        raise InputError(f"The delay must be a number of seconds or a range (low, high), found {delay_s!r}.")
    if np.abs(limits).max() > _LARGEST_DELAY_S:
        raise InputError(f"A delay of more than {_LARGEST_DELAY_S:g} s is no bolus delay; found {delay_s!r} (seconds).")
    if limits.ndim == 0:
        return float(limits)
    low, high = float(limits[0]), float(limits[1])
    if low > high:
        raise InputError(f"The range of delays must be (low, high); found ({low:g}, {high:g}).")
    return low if low == high else linear_axis(name, low, high, longest_step_s, reach=3)


def delayed_times(time_s: np.ndarray, delay: Axis | float) -> np.ndarray:
    """Return the times (n,), or (n, delays), at which the input is asked."""
    return time_s[:, None] - delay.nodes if isinstance(delay, Axis) else time_s - delay


def smallest_delay(delay: Axis | float) -> float:
    """Return the lower end of a range, or the fixed delay [s]."""
    return delay.start if isinstance(delay, Axis) else delay

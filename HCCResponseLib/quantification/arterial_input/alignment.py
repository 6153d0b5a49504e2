"""When a published input arrives in a measured artery: the shift at which it fits the artery's curve best."""

from collections.abc import Callable

import numpy as np

from ..arrival import detect_arrival
from ..time_axis import checked_time

__all__ = ["align_to_artery"]

_SEARCH_S = 10.0
_STEP_S = 0.05


def align_to_artery(curve, time_s, population: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return the arrival [s] of a published input that makes it most like an artery's curve: least squares over shift and height.

    The whole first pass is used, so the shift is known to a fraction of the interval between images, where the foot of the curve alone
    (``arrival.detect_arrival``) is one to two seconds early or late. The height is free: the curve may be signal or concentration, of a
    region with partial volume.

    :param curve: mean of the artery, shape (times,), signal or concentration.
    :param time_s: image times [s].
    :param population: concentration at seconds since arrival, such as :func:`parker_blood`; one without a first pass (``weinmann``)
        cannot be aligned better than the foot tells.
    :raises InputError: no bolus in the curve.
    """
    curve = np.asarray(curve, np.float64)
    found = detect_arrival(curve, time_s)
    time_s = checked_time(time_s, curve.size)
    shifts = found.time_s + np.arange(-_SEARCH_S, _SEARCH_S + _STEP_S, _STEP_S)
    shapes = population(time_s - shifts[:, None])
    rise = curve - found.baseline
    squares = np.sum(shapes**2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(squares > 0, np.maximum(shapes @ rise, 0.0) ** 2 / squares, 0.0)
    return float(shifts[np.argmax(explained)])

"""The baseline: the images before the contrast agent arrives."""

import numpy as np

from ..errors import InputError
from .arrival import detect_arrival

__all__ = ["baseline_image_count", "checked_baseline"]


def baseline_image_count(curve, time_s=None) -> int:
    """Return the number of images from the first on that can serve as baseline, found in one curve (see ``arrival.detect_arrival``).

    Where four or more images precede the contrast agent, the last of them is not counted: it may hold the foot of the bolus.

    :param curve: signals or concentrations, shape (times,): the mean over an artery, which enhances first.
    :param time_s: image times [s]; None for equal intervals.
    :raises InputError: no rise, or no image before it.
    """
    curve = np.asarray(curve, np.float64)
    count = detect_arrival(curve, np.arange(curve.size) if time_s is None else time_s).baseline_count
    return count - 1 if count >= 4 else count


def checked_baseline(baseline, voxels: tuple[int, ...], times: int) -> slice | np.ndarray:
    """Return which images are the baseline as a slice, or the baseline signals as a flat array.

    :param baseline: slice, range or pair (first, end) of image indices, counted from 0, end excluded; or an array of signals, shape
        ``voxels``.
    :param times: number of images.
    :raises InputError: no such images, one bare number, or another shape.
    """
    if isinstance(baseline, range):
        baseline = slice(baseline.start, baseline.stop, baseline.step)
    if isinstance(baseline, tuple) and len(baseline) == 2:
        baseline = slice(*baseline)
    if isinstance(baseline, slice):
        limits = (baseline.start, baseline.stop, baseline.step)
        if not all(limit is None or isinstance(limit, (int, np.integer)) for limit in limits) or baseline.step == 0:
            raise InputError(f"The baseline images are counted in whole numbers, as (0, 5); found {limits[0]!r} to {limits[1]!r}.")
        chosen = range(times)[baseline]
        if len(chosen) == 0 or (baseline.stop or 0) > times:
            raise InputError(f"The baseline images {baseline.start or 0} to {baseline.stop} are not all among the {times} images.")
        return baseline
    if isinstance(baseline, int):
        raise InputError(f"Which images are the baseline? Give a range, as (0, {baseline}), or the baseline signals as an array.")
    baseline = np.asarray(baseline, np.float64)
    if baseline.shape != voxels:
        raise InputError(f"The baseline signals have the shape {baseline.shape}, the images have {voxels}; they must be the same.")
    return baseline.reshape(-1)

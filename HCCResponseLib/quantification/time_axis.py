"""The check of image times."""

import numpy as np

from ..errors import InputError

__all__ = ["checked_time", "refuse_other_units"]

_CLOSEST_S = 0.25
_FARTHEST_S = 600.0

_SHORT_SERIES_S = 60.0
_FEW_IMAGES = 5
_CLOSE_S = 1.0
"""More images than a few, many of them this close, in a series this short: a volume of the liver takes longer, minutes look like this."""


def checked_time(time_s, count: int) -> np.ndarray:
    """Return image times [s] as float64, shape (count,); any spacing, any first time.

    :raises InputError: not one increasing time for each image, or times that look like minutes or milliseconds.
    """
    time_s = np.asarray(time_s, np.float64)
    if time_s.shape != (count,):
        raise InputError(f"{count} images need {count} times; an array of shape {time_s.shape} was found.")
    if not np.all(np.isfinite(time_s)):
        raise InputError("An image has no valid time; check the acquisition times of the series.")
    steps = np.diff(time_s)
    if np.any(steps <= 0):
        raise InputError("The image times must increase from image to image; sort the images by time and leave out repetitions.")
    refuse_other_units(time_s)
    return time_s


def refuse_other_units(time_s: np.ndarray) -> None:
    """Raise InputError for increasing times that look like minutes or milliseconds; two images tell nothing.

    A quarter of the intervals decides whether images are close: series in minutes are often denser around the bolus.
    """
    if time_s.size < 3:
        return
    steps, duration = np.diff(time_s), time_s[-1] - time_s[0]
    usual, close = float(np.median(steps)), float(np.percentile(steps, 25))
    found = f"The image times span {duration:.4g} s, one image every {usual:.3g} s"
    if usual < _CLOSEST_S or (duration < _SHORT_SERIES_S and time_s.size > _FEW_IMAGES and close < _CLOSE_S):
        raise InputError(f"{found}, which looks like minutes; give seconds.")
    if usual > _FARTHEST_S:
        raise InputError(f"{found}, which looks like milliseconds; give seconds.")

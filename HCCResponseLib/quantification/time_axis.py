"""The check of image times."""

import numpy as np

from ..errors import InputError

__all__ = ["checked_time"]


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
    if count > 2:
        usual = float(np.median(steps))
        if usual < 0.25:
            raise InputError(f"The images are {usual:.3g} s apart, which looks like minutes; give seconds.")
        if usual > 600:
            raise InputError(f"The images are {usual:.4g} s apart, which looks like milliseconds; give seconds.")
    return time_s

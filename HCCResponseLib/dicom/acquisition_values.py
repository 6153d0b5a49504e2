"""Acquisition parameters that all images of a measurement must share."""

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from .series import Frame

__all__ = ["common_value"]

_PARAMETERS = {
    "echo_time_s": ("echo times", 1e3, " ms", 0.01),
    "repetition_time_s": ("repetition times", 1e3, " ms", 0.01),
    "flip_angle_deg": ("flip angles", 1.0, "°", 0.005),
}
"""Name, factor and unit in messages, and the relative difference that rounding explains."""


def common_value(frames: Sequence[Frame], parameter: str, label: str, why: str) -> float | None:
    """Return the value of a parameter that all images share; None where no image tells it.

    :param parameter: 'echo_time_s', 'repetition_time_s' or 'flip_angle_deg'.
    :param why: end of the message: why it must be one value.
    :raises InputError: the images have different values, or some have none.
    """
    name, factor, unit, tolerance = _PARAMETERS[parameter]
    values = [getattr(frame, parameter) for frame in frames]
    known = np.array([value for value in values if value is not None])
    if not len(known):
        return None
    if len(known) < len(values):
        lost = next(frame for frame, value in zip(frames, values, strict=True) if value is None)
        raise InputError(f"{label}: some images do not tell their {name} (first '{lost.name}'). Export the series again.")
    if np.ptp(known) > tolerance * known.min():
        listing = ", ".join(f"{value * factor:.4g}{unit}" for value in np.unique(known)[:8])
        raise InputError(f"{label}: its images have different {name} ({listing}); {why}")
    return float(np.median(known))

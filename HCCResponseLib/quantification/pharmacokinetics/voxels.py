"""The voxels of a concentration array, checked, and read in pieces whatever the array's layout."""

import numpy as np

from ...errors import InputError
from ..precision import result_type
from ..time_axis import refuse_other_units

__all__ = ["Voxels", "check_times"]

_SHORTEST_SERIES_S = 15.0
_LONGEST_SERIES_S = 6 * 3600.0


def check_times(time_s) -> np.ndarray:
    """Return the image times as float64, or say what is wrong with them.

    :param time_s: (n,) times of the images [s]; any spacing, any zero.
    :raises InputError: not increasing, not finite, or apparently in minutes or milliseconds.
    """
    try:
        times = np.asarray(time_s, np.float64)
    except (TypeError, ValueError):
        raise InputError("The image times must be a list of seconds.") from None
    if times.ndim != 1 or times.size < 2:
        raise InputError(f"The image times must be a list of seconds, one for each image; found the shape {times.shape}.")
    if not np.all(np.isfinite(times)):
        raise InputError("Some image times are not finite; every image needs its time in seconds.")
    if np.any(np.diff(times) <= 0):
        first = int(np.argmax(np.diff(times) <= 0))
        raise InputError(
            f"The image times do not increase: image {first + 2} is at {times[first + 1]:g} s, image {first + 1} at {times[first]:g} s. "
            "Sort the images by time and leave out repeated ones.",
        )
    refuse_other_units(times)
    duration = times[-1] - times[0]
    if duration < _SHORTEST_SERIES_S:
        raise InputError(
            f"The image times span {duration:g} s, too short for contrast agent to enter tissue, which looks like minutes; give seconds.",
        )
    if duration > _LONGEST_SERIES_S:
        raise InputError(f"The image times span {duration / 3600:.0f} hours, which looks like milliseconds; give seconds.")
    return times


class Voxels:
    """Reads samples of voxels from (..., n) and writes maps of shape (...).

    Voxels are taken in the order they lie in memory (C, Fortran, time first or last), so that reading them needs no copy of the array.

    :param concentration: (..., n) real numbers.
    :param samples: n.
    :param mask: (...) or None.
    :raises InputError: shapes or types that do not fit.
    """

    def __init__(self, concentration, samples: int, mask):
        concentration = np.asarray(concentration)
        if concentration.dtype.kind not in "iuf":
            raise InputError(f"The concentrations must be real numbers in mM, found an array of type {concentration.dtype}.")
        found = concentration.shape[-1] if concentration.ndim else 0
        if found != samples:
            raise InputError(
                f"There are {samples} image times but {found} concentrations in each voxel; time must be the last axis of the array.",
            )
        self.shape = concentration.shape[:-1]
        if mask is not None:
            mask = np.asarray(mask)
            if mask.dtype.kind not in "biu":
                raise InputError(f"The mask must be an array of true/false or of whole numbers, found type {mask.dtype}.")
            if mask.shape != self.shape:
                raise InputError(f"The mask has the shape {mask.shape} but the images have {self.shape}; they must match.")
        self.dtype = result_type(concentration)
        self._order = sorted(range(len(self.shape)), key=lambda axis: -abs(concentration.strides[axis]))
        ordered = concentration.transpose(*self._order, len(self.shape))
        self._ordered_shape = ordered.shape[:-1]
        self.count = int(np.prod(self._ordered_shape))
        flat = ordered.reshape(-1, samples) if self.count and _is_flat(ordered) else None
        self._flat, self._ordered = flat, ordered
        self._mask = None if mask is None else mask.transpose(self._order).reshape(-1) != 0

    def inside(self, piece: slice) -> np.ndarray:
        """Return the voxels of a piece that the mask selects, as flat indices."""
        numbers = np.arange(piece.start, piece.stop)
        return numbers if self._mask is None else numbers[self._mask[piece]]

    def read(self, numbers: np.ndarray, rows: np.ndarray) -> None:
        """Copy the samples of voxels into (len(numbers), n)."""
        if self._flat is None:
            rows[...] = self._ordered[np.unravel_index(numbers, self._ordered_shape)]
        elif numbers.size and numbers[-1] - numbers[0] + 1 == numbers.size:
            rows[...] = self._flat[numbers[0] : numbers[-1] + 1]
        else:
            rows[...] = self._flat[numbers]

    def output(self, fill=np.nan, dtype=None) -> np.ndarray:
        """Return a flat map."""
        return np.full(self.count, fill, self.dtype if dtype is None else dtype)

    def shaped(self, flat: np.ndarray) -> np.ndarray:
        """Return a flat map in the shape of the voxels."""
        return flat.reshape(self._ordered_shape).transpose(np.argsort(self._order))


def _is_flat(array: np.ndarray) -> bool:
    """Return whether all axes but the last can be seen as one without a copy."""
    expected = None
    for length, stride in zip(reversed(array.shape[:-1]), reversed(array.strides[:-1]), strict=True):
        if length == 1:
            continue
        if expected is not None and stride != expected:
            return False
        expected = stride * length
    return True

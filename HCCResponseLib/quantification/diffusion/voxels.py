"""The voxels of a signal array, checked, and handed out in blocks that fit into a processor's cache."""

from collections.abc import Iterator

import numpy as np

from ...errors import InputError
from ...progress import Progress, report_progress
from ..precision import result_type
from .status import DiffusionStatus

__all__ = ["VoxelBlocks", "check_b_values", "check_signals"]

SMALLEST_B_RANGE = 10.0
"""s/mm2; b-values that span less (0 and 0.001, as some scanners label b = 0) cannot carry an ADC."""

SAMPLES_PER_BLOCK = 65536
"""512 kB of float64: a block and what is computed from it stay within a second-level cache."""


def check_b_values(b_values) -> np.ndarray:
    """Return the b-values as float64, or say what is wrong with them.

    :param b_values: (n,) b-values in s/mm2.
    :raises InputError: not a list of numbers, negative, not finite, or fewer than two distinct ones.
    """
    try:
        b = np.asarray(b_values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"The b-values must be a list of numbers in s/mm2, found {b_values!r}.") from None
    if b.ndim != 1 or b.size == 0:
        raise InputError("The b-values must be a list of numbers in s/mm2, one for each diffusion image.")
    if not np.all(np.isfinite(b)) or b.min() < 0:
        raise InputError(f"The b-values must be finite and not negative (s/mm2), found {_listed(b)}.")
    if np.ptp(b) == 0:
        raise InputError(f"Only one b-value (b = {b[0]:g}) was found; an ADC map needs two or more.")
    if np.ptp(b) < SMALLEST_B_RANGE:
        raise InputError(
            f"The b-values {_listed(b)} lie within {SMALLEST_B_RANGE:g} s/mm2 and count as one; an ADC map needs two or more. "
            "Check that they are in s/mm2.",
        )
    return b


def check_signals(signals, b_values: np.ndarray, mask) -> tuple[np.ndarray, np.ndarray | None]:
    """Return signals and mask as arrays that fit together, or say why they do not.

    :param signals: (..., n) real magnitude signals, last axis along the b-values.
    :param b_values: (n,) checked b-values.
    :param mask: None, or an array of the voxel shape (...), true (not zero) inside.
    :raises InputError: complex or non-numeric signals, shapes that do not match.
    """
    signals = np.asarray(signals)
    if signals.dtype.kind == "c":
        raise InputError("The diffusion signals are complex; diffusion maps need magnitude images.")
    if signals.dtype.kind not in "iuf":
        raise InputError(f"The diffusion signals must be numbers, found an array of type {signals.dtype}.")
    found = signals.shape[-1] if signals.ndim else 0
    if found != b_values.size:
        raise InputError(
            f"There are {b_values.size} b-values but {found} diffusion images; each image needs its b-value (last axis of the signals).",
        )
    if mask is None:
        return signals, None
    mask = np.asarray(mask)
    if mask.dtype.kind not in "biu":
        raise InputError(f"The mask must be an array of true/false or of whole numbers, found type {mask.dtype}.")
    if mask.shape != signals.shape[:-1]:
        raise InputError(f"The mask has the shape {mask.shape} but the diffusion images have {signals.shape[:-1]}; they must match.")
    return signals, mask.astype(bool, copy=False)


def _listed(b: np.ndarray) -> str:
    """The b-values as text, shortened when there are many."""
    return ", ".join(f"{value:g}" for value in b[:8]) + (", ..." if b.size > 8 else "")


class VoxelBlocks:
    """Iterates over the fittable voxels of a signal array in blocks; memory stays flat whatever the array's layout.

    Each step yields ``(voxels, samples)``: where the voxels stand in a flat output (a slice or an index array) and
    their signals as float64, (n, voxels), all finite and positive. Voxels that are masked out or cannot be fitted are
    left out and coded in ``status``. A voxel's result never depends on its neighbours or on its place in a block as
    long as rows are combined by element-wise operations only.

    :param signals: (..., n) checked signals of any layout and byte order.
    :param mask: (...) boolean or None.
    :param progress: told the finished fraction; its answer False raises Cancelled.
    :param samples_per_block: how many numbers a block holds at most.
    """

    def __init__(
        self,
        signals: np.ndarray,
        mask: np.ndarray | None,
        progress: Progress | None = None,
        samples_per_block: int = SAMPLES_PER_BLOCK,
    ):
        # Voxels are taken in the order they lie in memory (C, Fortran, b-value first or last), so that blocks are views.
        self._order = sorted(range(signals.ndim - 1), key=lambda axis: -abs(signals.strides[axis]))
        self._signals = signals.transpose(*self._order, signals.ndim - 1) if self._order else signals[np.newaxis]
        self._mask = mask if mask is None else mask.transpose(self._order).reshape(self._signals.shape[:-1])
        self._progress = progress
        self._size = max(256, samples_per_block // signals.shape[-1])
        self.dtype = result_type(signals)
        self.status = self.output(DiffusionStatus.MASKED_OUT, np.uint8)

    def output(self, fill=np.nan, dtype=None) -> np.ndarray:
        """Return a flat array for one value per voxel."""
        return np.full(int(np.prod(self._signals.shape[:-1])), fill, self.dtype if dtype is None else dtype)

    def shaped(self, flat: np.ndarray) -> np.ndarray:
        """Return a flat output in the voxel shape of the signals."""
        if not self._order:
            return flat.reshape(())
        return flat.reshape(self._signals.shape[:-1]).transpose(np.argsort(self._order))

    def __iter__(self) -> Iterator[tuple[slice | np.ndarray, np.ndarray]]:
        """Yield the blocks; report progress after each hundredth of the voxels."""
        reported = 0.0
        for voxels, rows, fraction in self._pieces():
            samples = np.empty(rows.shape[::-1])
            samples[...] = rows.T
            codes = _classify(samples)
            self.status[voxels] = codes
            good = codes == DiffusionStatus.OK
            if not good.all():
                voxels = np.arange(voxels.start, voxels.stop)[good] if isinstance(voxels, slice) else voxels[good]
                samples = np.compress(good, samples, axis=1)
            if samples.size:
                yield voxels, samples
            if fraction - reported >= 0.01 and fraction < 1:
                report_progress(self._progress, fraction)
                reported = fraction
        report_progress(self._progress, 1.0)

    def _pieces(self) -> Iterator[tuple[slice | np.ndarray, np.ndarray, float]]:
        """Yield where the voxels stand, their signals (voxels, n) in the array's own type, and the finished fraction after them."""
        lead, inner = self._signals.shape[0], int(np.prod(self._signals.shape[1:-1]))
        inside = lead * inner if self._mask is None else int(np.count_nonzero(self._mask))
        if inside == 0:
            return
        step = max(1, self._size * lead // inside)
        for first in range(0, lead, step):
            slab, start = self._signals[first : first + step], first * inner
            if self._mask is None:
                rows, voxels = slab.reshape(-1, slab.shape[-1]), None  # a copy of the slab where the array was cropped
            else:
                chosen = self._mask[first : first + step]
                rows, voxels = slab[chosen], start + np.flatnonzero(chosen)
            for begin in range(0, len(rows), self._size):
                end = min(begin + self._size, len(rows))
                where = slice(start + begin, start + end) if voxels is None else voxels[begin:end]
                yield where, rows[begin:end], (first + len(slab) * end / len(rows)) / lead


def _classify(samples: np.ndarray) -> np.ndarray:
    """Return the status of each column: OK where every sample is finite and positive.

    A magnitude signal of zero or below is no measurement. Dropping the sample would fit such a voxel with other
    b-values than its neighbours; the voxel is rejected instead.
    """
    low, high = samples.min(axis=0), samples.max(axis=0)  # both propagate NaN
    good = (low > 0) & (high < np.inf)
    codes = np.zeros(good.size, np.uint8)
    if not good.all():
        codes[low <= 0] = DiffusionStatus.NOT_POSITIVE
        codes[high <= 0] = DiffusionStatus.NO_SIGNAL
        codes[~(np.isfinite(low) & np.isfinite(high))] = DiffusionStatus.NOT_FINITE
    return codes

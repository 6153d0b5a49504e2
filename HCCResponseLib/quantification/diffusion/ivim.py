"""Intravoxel incoherent motion: diffusion and perfusion fraction from many b-values."""

import functools
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...progress import Progress
from .biexponential import D_LIMITS, D_STAR_LIMITS, fit_biexponential
from .bracketed_newton import maximum_near
from .monoexponential import fit_log_linear
from .status import DiffusionStatus
from .voxels import SMALLEST_B_RANGE, VoxelBlocks, check_b_values, check_signals

__all__ = ["IVIM_METHODS", "IvimFit", "fit_ivim"]

IVIM_METHODS = {
    "segmented": "D and f from the high b-values by weighted linear least squares, then D*",
    "biexponential": "non-linear least squares of all parameters",
}
"""The estimators by name."""

_D_STAR_GRID = np.geomspace(*D_STAR_LIMITS, 24)
_VOXELS_PER_BLOCK = 32768  # the last steps of the biexponential fit concern few voxels of a block

_COUNTS_AS_ZERO = 1.0  # s/mm2; some scanners label b = 0 as 0.001 and the like

_VALID = (DiffusionStatus.OK, DiffusionStatus.NO_PERFUSION, DiffusionStatus.D_STAR_UNKNOWN, DiffusionStatus.D_STAR_AT_LIMIT)


@dataclass(frozen=True)
class IvimFit:
    """IVIM parameters of every voxel; arrays have the voxel shape of the signals.

    :param d: diffusion coefficient of the tissue in mm2/s; NaN where not ``valid``.
    :param d_star: pseudo-diffusion coefficient in mm2/s; NaN where ``status`` is not OK.
    :param f: perfusion fraction, 0 to 1; NaN where not ``valid``. 0 with the status NO_PERFUSION where the best fraction is not above zero.
    :param s0: signal at b = 0 in units of the signals: measured (segmented) or fitted (biexponential); NaN where not ``valid``.
    :param rmse: root mean square of the residuals in units of the signals; NaN where not ``valid`` and where D* is unknown.
    :param valid: whether the voxel has ``d`` and ``f``.
    :param status: :class:`DiffusionStatus` codes (uint8).
    :param method: the estimator used.
    :param b_values: (n,) the b-values used, in s/mm2.
    :param b_threshold: the b-value from which perfusion counts as vanished, in s/mm2.
    """

    d: np.ndarray
    d_star: np.ndarray
    f: np.ndarray
    s0: np.ndarray
    rmse: np.ndarray
    valid: np.ndarray
    status: np.ndarray
    method: str
    b_values: np.ndarray
    b_threshold: float


def fit_ivim(
    signals,
    b_values,
    *,
    method: str = "segmented",
    b_threshold: float = 200,
    mask=None,
    progress: Progress | None = None,
) -> IvimFit:
    """Fit S / S0 = (1 - f) exp(-b D) + f exp(-b D*) in every voxel (Le Bihan et al., Radiology 1988;168:497).

    ``"segmented"`` (default): weighted linear least squares of ln S over b >= ``b_threshold`` gives D and the intercept A;
    f = 1 - A / S0 with the mean measured signal at b = 0; then least squares of S over D*. With fewer than two b-values
    between 0 and ``b_threshold`` (b = 0, 400, 1400) only D and f can be told: status D_STAR_UNKNOWN.
    ``"biexponential"``: least squares of S over S0, f, D and D* together, the global minimum.

    D* is searched from 0.003 to 0.2 mm2/s, the D of the biexponential fit from 0.00001 to 0.005 mm2/s. A D* at or beyond
    a limit is NaN (status D_STAR_AT_LIMIT); D and f remain, but for the biexponential fit at the lower limit, where the two
    compartments cannot be told apart (NOT_SEPARATED, no values). Single voxels at clinical noise give a usable D, a rough f
    and hardly a D*: average over a region.

    Rejected voxels: as in :func:`fit_adc`.

    :param signals: (..., n) magnitude signals, n images along the last axis; float32 gives float32, integers give float64.
    :param b_values: (n,) b-values in s/mm2 with b = 0 (below 1 counts as 0) and two or more from ``b_threshold`` upwards; the
        biexponential fit also needs two or more between 0 and ``b_threshold``. Repeats are allowed.
    :param method: ``"segmented"`` or ``"biexponential"``.
    :param b_threshold: b-value in s/mm2 from which perfusion counts as vanished.
    :param mask: array of the voxel shape, not zero inside; None for all voxels.
    :param progress: called with the finished fraction; returns False to cancel.
    :raises InputError: unusable b-values, shapes that do not match, complex signals, unknown method, threshold not positive.
    :raises Cancelled: ``progress`` returned False.
    """
    b = check_b_values(b_values)
    signals, mask = check_signals(signals, b, mask)
    if method not in IVIM_METHODS:
        raise InputError(f"Unknown IVIM method {method!r}; choose one of {', '.join(IVIM_METHODS)}.")
    has_low = _check_coverage(b, b_threshold, method)

    blocks = VoxelBlocks(signals, mask, progress, _VOXELS_PER_BLOCK * b.size)
    outputs = [blocks.output() for _ in range(5)]
    with np.errstate(all="ignore"):
        for voxels, samples in blocks:
            if method == "segmented":
                d, d_star, slow, fast, codes = _segmented(samples, b, b_threshold, has_low)
            else:
                d, d_star, slow, fast, codes = _biexponential(samples, b)
            s0 = slow + fast
            squares = np.zeros_like(d)
            for x, row in zip(b, samples, strict=True):
                squares += (row - slow * np.exp(d * -x) - fast * np.exp(d_star * -x)) ** 2
            codes[np.isin(codes, _VALID) & ~(s0 <= np.finfo(blocks.dtype).max)] = DiffusionStatus.NO_SOLUTION
            blocks.status[voxels] = codes
            valid, has_d_star = np.isin(codes, _VALID), codes == DiffusionStatus.OK
            values = (d, np.where(has_d_star, d_star, np.nan), fast / s0, s0, np.sqrt(squares / b.size))
            for output, value in zip(outputs, values, strict=True):
                output[voxels] = np.where(valid, value, np.nan)
    return IvimFit(
        *(blocks.shaped(output) for output in (*outputs, np.isin(blocks.status, _VALID), blocks.status)),
        method=method,
        b_values=b,
        b_threshold=float(b_threshold),
    )


def _check_coverage(b: np.ndarray, threshold: float, method: str) -> bool:
    """Return whether the low b-values suffice for D*; say what is missing for D and f."""
    if not 0 < threshold < np.inf:
        raise InputError(f"The b-value threshold must be a positive number of s/mm2, found {threshold}.")
    if b.min() >= _COUNTS_AS_ZERO:
        raise InputError(f"IVIM needs images at b = 0; the lowest b-value found is {b.min():g}.")
    high, low = np.unique(b[b >= threshold]), np.unique(b[(b >= _COUNTS_AS_ZERO) & (b < threshold)])
    if high.size < 2 or np.ptp(high) < SMALLEST_B_RANGE:
        raise InputError(
            f"IVIM needs two or more b-values from {threshold:g} s/mm2 upwards, found {_listed(high)}; lower the threshold or fit an ADC.",
        )
    if low.size < 2 and method == "biexponential":
        raise InputError(
            f"The biexponential IVIM fit needs two or more b-values between 0 and {threshold:g} s/mm2, found {_listed(low)}; "
            "the segmented fit gives D and f.",
        )
    return low.size >= 2


def _listed(values: np.ndarray) -> str:
    return "b = " + ", ".join(f"{value:g}" for value in values) if values.size else "none"


def _segmented(samples, b, threshold, has_low):
    """Return D, D*, amplitudes of tissue and blood, status codes."""
    high = b >= threshold
    line = fit_log_linear(samples[high], b[high], weighted=True)
    s0 = np.zeros_like(line.rate)
    zero = b < _COUNTS_AS_ZERO
    for row in samples[zero]:
        s0 += row
    s0 /= np.count_nonzero(zero)
    fast = np.maximum(s0 - line.s0, 0)
    d_star = _d_star(samples, b, line.rate, line.s0, fast) if has_low else np.full_like(line.rate, np.nan)

    codes = np.full(fast.size, DiffusionStatus.OK if has_low else DiffusionStatus.D_STAR_UNKNOWN, np.uint8)
    if has_low:
        codes[(d_star <= D_STAR_LIMITS[0]) | (d_star >= D_STAR_LIMITS[1]) | (d_star <= line.rate)] = DiffusionStatus.D_STAR_AT_LIMIT
    codes[~(line.s0 < s0)] = DiffusionStatus.NO_PERFUSION
    codes[line.rate <= 0] = DiffusionStatus.NO_DECAY
    codes[~np.isfinite(line.rate)] = DiffusionStatus.NO_SOLUTION
    if has_low:
        d_star = np.where(fast > 0, d_star, 0)  # without blood D* means nothing; any number serves the residual
    return line.rate, d_star, s0 - fast, fast, codes


def _d_star(samples, b, d, slow, fast):
    """Least squares over D* alone, the other parameters given."""
    blood = samples.copy()
    for x, row in zip(b, blood, strict=True):
        row -= slow * np.exp(d * -x)
    best, lowest = np.zeros(d.size, np.intp), np.full(d.size, np.inf)
    for index, rate in enumerate(_D_STAR_GRID):
        squares = np.zeros_like(d)
        for x, row in zip(b, blood, strict=True):
            squares += (row - fast * np.exp(-x * rate)) ** 2
        better = squares < lowest
        np.copyto(best, index, where=better)
        np.copyto(lowest, squares, where=better)
    return maximum_near(functools.partial(_fall_of_squares, b), _D_STAR_GRID, best, blood, fast)


def _fall_of_squares(b, rate, blood, fast):
    """Derivative by D* of minus the sum of squares, over 2 fast, and its derivative."""
    slope, curvature = np.zeros_like(rate), np.zeros_like(rate)
    for x, row in zip(b, blood, strict=True):
        e = np.exp(rate * -x)
        modelled = fast * e
        slope -= x * e * (row - modelled)
        curvature += x * x * e * (row - 2 * modelled)
    return slope, curvature


def _biexponential(samples, b):
    """Return D, D*, amplitudes of tissue and blood, status codes."""
    d, d_star, slow, fast, _squares = fit_biexponential(samples, b)
    # Where the ranges of both rates overlap, their order is a matter of names.
    swapped = (d > d_star) & (slow > 0) & (fast > 0)
    d, d_star = np.where(swapped, d_star, d), np.where(swapped, d, d_star)
    slow, fast = np.where(swapped, fast, slow), np.where(swapped, slow, fast)

    codes = np.full(d.size, DiffusionStatus.OK, np.uint8)
    codes[d_star >= D_STAR_LIMITS[1]] = DiffusionStatus.D_STAR_AT_LIMIT
    codes[d_star <= D_STAR_LIMITS[0]] = DiffusionStatus.NOT_SEPARATED
    codes[fast == 0] = DiffusionStatus.NO_PERFUSION
    codes[(d <= D_LIMITS[0]) | (d >= D_LIMITS[1])] = DiffusionStatus.D_AT_LIMIT
    codes[slow == 0] = DiffusionStatus.NO_TISSUE
    codes[~np.isfinite(slow + fast)] = DiffusionStatus.NO_SOLUTION
    return d, d_star, slow, fast, codes

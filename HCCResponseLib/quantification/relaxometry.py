"""T1 from spoiled gradient echoes at two or more flip angles (variable flip angle).

All fitting is done in rho = tanh(TR / (2 T1)) and t = tan(angle / 2), in which the signal equation is S = 2 M0 rho t / (rho + t^2);
see ``spoiled_gradient_echo``.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..progress import Progress, report_progress
from .precision import result_type
from .spoiled_gradient_echo import checked_b1, checked_flip_angles, checked_repetition_time
from .voxel_status import VoxelStatus

__all__ = ["T1Fit", "T1Status", "fit_t1_vfa"]


class T1Status(VoxelStatus):
    """Code of one voxel in ``T1Fit.status``; ``explanation`` says it in words."""

    OK = 0, "fitted"
    MASKED_OUT = 1, "outside the mask"
    NOT_FINITE = 2, "a signal is not a number or infinite"
    NOT_POSITIVE = 3, "a signal is zero or negative at some flip angle"
    B1_INVALID = 4, "B1 is not a number above zero, or turns a flip angle to 180 degrees or more"
    NO_SOLUTION = 5, "no T1 between zero and infinity fits the signals best"


@dataclass(frozen=True)
class T1Fit:
    """Result of ``fit_t1_vfa``; every array has the shape of the voxels.

    ``t1`` [s], ``m0`` [unit of the signal] and ``t1_standard_error`` [s] are NaN where ``valid`` is False; the standard error is NaN
    also with two flip angles, where the fit leaves no residual. ``status`` holds ``T1Status`` codes (uint8).
    """

    t1: np.ndarray
    m0: np.ndarray
    t1_standard_error: np.ndarray
    valid: np.ndarray
    status: np.ndarray


# Voxels worked on at once: the work arrays stay in the processor's cache, and memory stays flat.
_CHUNK = 8192

# Spacing of the trial values of rho (natural logarithm); the model's weights change over a factor of e in rho.
_TRIAL_SPACING = 0.5

# Part by which a trial value must explain more than the straight line does to be taken for the start.
_TIE = 1e-4

_MOST_STEPS = 60


def fit_t1_vfa(
    signals,
    flip_angles_deg,
    repetition_time_s: float,
    *,
    b1=None,
    method: str = "nonlinear",
    mask=None,
    progress: Progress | None = None,
) -> T1Fit:
    """Fit T1 and M0 of every voxel to its signals at several flip angles.

    ``"nonlinear"``: least squares of the signals over T1, M0 eliminated (variable projection: Golub and Pereyra, SIAM J Numer Anal
    1973;10:413-432): the best of trial values over all T1, then Newton steps inside a shrinking bracket to ten digits, so that the start
    does not decide the answer. ``"linear"``: S / sin a against S / tan a (Gupta, J Magn Reson 1977;25:231-235; Fram et al., Magn Reson
    Imaging 1987;5:201-208; Deoni et al., Magn Reson Med 2003;49:515-526); faster, equal for noise-free signals, biased by noise.

    T1 is proportional to TR (8.18 ms rounded to 8.0 ms makes it 2.2 % short) and, nearly, to B1 squared.

    The standard error is the linearised one, for noise of one standard deviation at all flip angles, estimated from the voxel's own
    residual.

    :param signals: magnitude signals, shape voxels + (flip angles,); float32 gives float32, everything else float64.
    :param flip_angles_deg: nominal flip angles [degrees], two or more different ones, between 0 and 180.
    :param repetition_time_s: repetition time [s], the same for all flip angles.
    :param b1: reached fraction of the nominal flip angle (1 = nominal; not percent), one number or an array of the shape of the
        voxels; None: nominal.
    :param method: ``"nonlinear"`` or ``"linear"``.
    :param mask: voxels to fit, boolean array of the shape of the voxels; None: all.
    :param progress: told the finished fraction; the answer False cancels.
    :raises InputError: shapes, flip angles, TR, B1 or method cannot be used.
    :raises Cancelled: ``progress`` answered False.
    """
    if method not in ("nonlinear", "linear"):
        raise InputError(f"T1 can be fitted by the method 'nonlinear' or 'linear', not '{method}'.")
    angles = checked_flip_angles(flip_angles_deg)
    repetition_time_s = checked_repetition_time(repetition_time_s)
    signals = _checked_signals(signals, angles)
    voxels = signals.shape[:-1]
    b1 = checked_b1(b1, voxels)
    mask = _checked_mask(mask, voxels)

    flat = signals.reshape(-1, angles.size)
    dtype = result_type(signals)
    t1, m0, error = (np.full(len(flat), np.nan, dtype) for _result in range(3))
    status = np.full(len(flat), T1Status.MASKED_OUT, np.uint8)
    solve = _solve_linear if method == "linear" else _solve_nonlinear
    half_angles = np.radians(angles) / 2
    report_progress(progress, 0.0)
    for start in range(0, len(flat), _CHUNK):
        piece = slice(start, start + _CHUNK)
        samples = np.ascontiguousarray(flat[piece].T, dtype=np.float64)
        fraction = b1[piece] if b1.ndim else b1
        codes = _first_look(samples, half_angles, fraction)
        if mask is not None:
            codes[~mask[piece]] = T1Status.MASKED_OUT
        usable = codes == T1Status.OK
        if not usable.all():
            samples, fraction = samples[:, usable], fraction[usable] if b1.ndim else fraction

        rho, amplitude, rho_error = solve(samples, half_angles, fraction)
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = np.log1p(rho) - np.log1p(-rho)
            times = repetition_time_s / rate
            t1[piece][usable] = times
            m0[piece][usable] = amplitude / (2 * rho)
            error[piece][usable] = rho_error * (2 / repetition_time_s) * times**2 / (1 - rho**2)
        codes[usable] = np.where(np.isnan(rho), T1Status.NO_SOLUTION, T1Status.OK)
        status[piece] = codes
        report_progress(progress, min(1.0, (start + _CHUNK) / len(flat)))
    return T1Fit(*(result.reshape(voxels) for result in (t1, m0, error, status == T1Status.OK, status)))


def _solve_linear(samples, half_angles, b1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rho, amplitude (2 M0 rho) and standard error of rho; NaN where E is not between 0 and 1."""
    tangents = np.tan(half_angles[:, None] * b1)
    with np.errstate(invalid="ignore", divide="ignore"):
        one_minus_e, x, x_mean, spread = _line(samples, tangents)
        e = np.where((one_minus_e > 0) & (one_minus_e < 1), 1 - one_minus_e, np.nan)
        rho = one_minus_e / (1 + e)
        # Intercept of S / sin a: M0 (1 - E) = amplitude (1 - E) / (2 rho) = amplitude (1 + E) / 2
        amplitude = 2 * (_sum(samples * tangents) / len(samples) + one_minus_e * x_mean) / (1 + e)
        # First order: noise n of S moves S / sin a - E S / tan a by n (1 - E cos a) / sin a = n (1 + E) (rho + t^2) / (2 t).
        leverage = (x - x_mean) / spread * (1 + e) * (rho + tangents**2) / (2 * tangents)
        weights = tangents / (rho + tangents**2)
        e_error = np.sqrt(_residual_variance(samples, amplitude, weights) * _sum(leverage**2))
        return rho, amplitude, e_error * 2 / (1 + e) ** 2


def _line(samples, tangents) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return 1 - E from the line S / sin a = E S / tan a + M0 (1 - E); S / tan a, its mean and its sum of squares about the mean."""
    # S / sin a - S / tan a = S t, so the slope of S t against S / tan a is E - 1, without a difference of nearly equal numbers.
    x = samples * ((1 - tangents**2) / (2 * tangents))
    x_mean = _sum(x) / len(x)
    deviations = x - x_mean
    spread = _sum(deviations**2)
    return -_sum(deviations * samples * tangents) / spread, x, x_mean, spread


def _solve_nonlinear(samples, half_angles, b1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rho, amplitude (2 M0 rho) and standard error of rho; NaN where the best rho is not between 0 and 1."""
    tangents = np.tan(half_angles[:, None] * b1)
    squares = tangents**2
    rho = np.full(samples.shape[1], np.nan)
    active = np.arange(samples.shape[1])
    trial = _start(samples, tangents, half_angles, b1)
    low, high = np.full_like(trial, -1.0), np.full_like(trial, 2.0)
    # Steps stay within a trial's spacing, lest a long one leave the best maximum; near 0 the scale is that of the smallest angle.
    near_zero = np.broadcast_to(squares.min(axis=0) / 50, trial.shape)
    working, t, t2 = samples, tangents, squares
    for _step in range(_MOST_STEPS):
        slope, curvature = _score_derivatives(working, t, t2, trial)
        rising = slope > 0
        low, high = np.where(rising, trial, low), np.where(rising, high, trial)
        longest = np.maximum(trial, near_zero) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            step = np.where(curvature < 0, -slope / curvature, np.where(rising, longest, -longest))
        step = np.minimum(np.maximum(step, -longest), longest)
        following = np.minimum(np.maximum(trial + step, 0.0), 1.0)
        crossed = (following < low) | (following > high)
        if crossed.any():
            np.copyto(following, (low + high) / 2, where=crossed)
        # The error left is about the square of the step.
        finished = np.abs(following - trial) <= 1e-5 * following
        # Best at an end of the range, or beyond: no T1 between 0 and infinity.
        outside = np.where(rising, trial >= 1, trial <= 0)
        finished &= ~outside
        rho[active[finished]] = following[finished]
        left = np.flatnonzero(~(finished | outside))
        if left.size == 0:
            break
        trial = following
        if left.size < active.size:
            active, trial, low, high, near_zero = (values.take(left) for values in (active, trial, low, high, near_zero))
            working = working.take(left, axis=1)
            if np.ndim(b1):
                t, t2 = t.take(left, axis=1), t2.take(left, axis=1)

    with np.errstate(invalid="ignore", divide="ignore"):
        reciprocals = 1 / (rho + squares)
        weights = tangents * reciprocals
        norm = _sum(weights**2)
        amplitude = _sum(samples * weights) / norm
        slopes = weights * reciprocals
        information = amplitude**2 * (_sum(slopes**2) - _sum(weights * slopes) ** 2 / norm)
        return rho, amplitude, np.sqrt(_residual_variance(samples, amplitude, weights) / information)


def _start(samples, tangents, half_angles, b1) -> np.ndarray:
    """Return the rho of the straight line, or of the best of a few trial values where one of those explains more of the signals.

    Voxels that obey the model start from the line; noise can have two best T1, and the line may be near the worse.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        one_minus_e = _line(samples, tangents)[0]
        start = one_minus_e / (2 - one_minus_e)
        weights = tangents / (start + tangents**2)
        explained = _sum(samples * weights) / np.sqrt(_sum(weights**2))
    explained[~((start > 0) & (start < 1))] = -np.inf
    # A start that explains as much as every trial is in the best basin: the score hardly changes over half a trial's spacing.
    # A B1 map scales all tangents nearly alike, and the score keeps its form when rho is scaled by B1 squared.
    one_b1 = np.ndim(b1) == 0
    squares = np.tan(half_angles * b1 if one_b1 else half_angles) ** 2
    first = np.log(squares.min()) - 4
    trials = np.concatenate([[0.0], np.exp(np.linspace(first, 0.0, int(-first / _TRIAL_SPACING) + 2))])
    rows = np.sqrt(squares) / (trials[:, None] + squares)
    rows /= np.sqrt(np.sum(rows**2, axis=1, keepdims=True))
    best = np.full(samples.shape[1], -np.inf)
    score, term = np.empty_like(best), np.empty_like(best)
    for row in rows:
        np.multiply(samples[0], row[0], out=score)
        for sample, weight in zip(samples[1:], row[1:], strict=True):
            np.multiply(sample, weight, out=term)
            score += term
        np.maximum(best, score, out=best)
    worse = np.flatnonzero(best > explained * (1 + _TIE))
    if worse.size:
        scores = np.stack([_sum(samples[:, worse] * row[:, None]) for row in rows])
        found = trials[scores.argmax(axis=0)]
        start[worse] = found if one_b1 else np.minimum(found * b1[worse] ** 2, 1.0)
    return start


def _score_derivatives(samples, t, t2, rho) -> tuple[np.ndarray, np.ndarray]:
    """Return p' q - p r and its derivative, p = S.w, q = w.w, r = w.w', w = t / (rho + t^2).

    p^2 / q is the part of the signals' sum of squares that the model explains; p' q - p r is its derivative but for a positive factor.
    """
    p = p1 = p2 = q = r = r1 = 0.0
    for sample, tangent, square in zip(samples, t, t2, strict=True):
        reciprocal = 1 / (rho + square)
        weight = tangent * reciprocal
        slope = weight * reciprocal  # -w'; w'' = 2 slope reciprocal
        product = sample * weight
        p, p1 = p + product, p1 - sample * slope
        p2 = p2 + 2 * sample * slope * reciprocal
        q, r = q + weight * weight, r - weight * slope
        r1 = r1 + 3 * slope * slope  # w'.w' + w.w'' = 3 slope^2
    return p1 * q - p * r, p2 * q + p1 * r - p * r1


def _residual_variance(samples, amplitude, weights) -> np.ndarray | float:
    """Return the variance of the noise from what the fit leaves; NaN for two flip angles."""
    freedom = len(samples) - 2
    return _sum((samples - amplitude * weights) ** 2) / freedom if freedom else np.full(samples.shape[1], np.nan)


# Row by row, not by matrix product: a voxel's result must not depend on where it stands among its neighbours.
def _sum(rows) -> np.ndarray:
    total = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total


def _first_look(samples, half_angles, b1) -> np.ndarray:
    """Return the status of the voxels before the fit; b1 is one number or has one per voxel."""
    codes = np.full(samples.shape[1], T1Status.OK, np.uint8)
    # An infinite or NaN fraction fails every comparison or the one with 180 degrees.
    codes[~np.broadcast_to((b1 > 0) & (half_angles.max() * b1 < np.pi / 2), codes.shape)] = T1Status.B1_INVALID
    total, smallest = samples[0], samples[0]
    with np.errstate(invalid="ignore"):
        for row in samples[1:]:
            total, smallest = total + row, np.minimum(smallest, row)
    codes[~(smallest > 0)] = T1Status.NOT_POSITIVE
    codes[~np.isfinite(total)] = T1Status.NOT_FINITE
    return codes


def _checked_signals(signals, angles) -> np.ndarray:
    signals = np.asarray(signals)
    if angles.ndim != 1 or np.unique(angles).size < 2:
        raise InputError("A T1 map needs two or more different flip angles; add a series with another flip angle.")
    if signals.dtype.kind not in "iuf":
        raise InputError(f"T1 is fitted to magnitude images; these signals are of type {signals.dtype}.")
    if signals.ndim < 1 or signals.shape[-1] != angles.size:
        found = signals.shape[-1] if signals.ndim else 0
        raise InputError(f"{angles.size} flip angles were given but the signals have {found} along their last axis; they must be as many.")
    return signals


def _checked_mask(mask, voxels) -> np.ndarray | None:
    if mask is None:
        return None
    mask = np.asarray(mask, bool)
    if mask.shape != voxels:
        raise InputError(f"The mask has the shape {mask.shape}, the signals have {voxels}; they must be the same.")
    return mask.reshape(-1)

"""Signal of a spoiled gradient echo <-> concentration of contrast agent.

1/T1 grows by relaxivity times concentration. With rho = tanh(TR / (2 T1)) and t = tan(B1 flip angle / 2) the signal is proportional to
y = rho / (rho + t^2) (see ``spoiled_gradient_echo``), so the signal S, the baseline signal S0 and the T1 before contrast give

    y = y0 S / S0,  E = (1 - y (1 + t^2)) / (1 - y (1 - t^2)),  C = (-ln E / TR - 1 / T1) / relaxivity,

the same as X = (S / S0) (1 - E0) / (1 - E0 cos a), E = (1 - X) / (1 - X cos a). There is no solution for S <= 0, nor from the largest
possible signal on, S0 / (y0 (1 + t^2)): near it a small error of the signal is a large one of the concentration. Loss of signal by T2*
is not in the equation; it makes high concentrations (arteries) look lower.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..progress import Progress, report_progress
from .baseline import baseline_image_count, checked_baseline
from .precision import result_type
from .spoiled_gradient_echo import checked_b1, checked_flip_angles, checked_repetition_time
from .voxel_status import VoxelStatus

__all__ = [
    "NEAR_SATURATION",
    "ConcentrationCurves",
    "ConcentrationStatus",
    "baseline_image_count",
    "concentration_to_signal",
    "convert_signals",
    "maximum_enhancement",
    "signal_to_concentration",
]

_LARGEST_RELAXIVITY = 100.0
"""1/(s mM); iron oxides have some tens, a number of hundreds or thousands is in another unit."""
NEAR_SATURATION = 0.9
"""Part of the largest possible signal above which a curve is marked: noise of the concentration is then many times that of baseline."""

# Samples worked on at once: the work arrays stay in the processor's cache, and memory stays flat.
_CHUNK = 65536


class ConcentrationStatus(VoxelStatus):
    """Code of one voxel in ``ConcentrationCurves.status``; ``explanation`` says it in words. The worst one is kept."""

    OK = 0, "converted"
    NEAR_SATURATION = 1, "converted, but a sample is above 90 % of the largest possible signal: its concentration is very uncertain"
    NOT_POSITIVE = 2, "a sample is zero or negative and has no concentration"
    SATURATED = 3, "a sample is above the largest possible signal and has no concentration"
    NOT_FINITE = 4, "a signal is not a number or infinite"
    BASELINE_INVALID = 5, "the baseline signal is not a number above zero"
    T1_INVALID = 6, "the T1 before contrast is not a number above zero"
    B1_INVALID = 7, "B1 is not a number above zero, or turns the flip angle to 180 degrees or more"


@dataclass(frozen=True)
class ConcentrationCurves:
    """Result of ``convert_signals``.

    ``concentration`` [mM], shape voxels + (times,), NaN where there is no solution; ``baseline``: the baseline signal, shape of the
    voxels; ``valid``: every sample of the voxel has a concentration; ``status``: ``ConcentrationStatus`` codes (uint8).
    """

    concentration: np.ndarray
    baseline: np.ndarray
    valid: np.ndarray
    status: np.ndarray


def signal_to_concentration(
    signals,
    *,
    baseline,
    t1_s,
    flip_angle_deg: float,
    repetition_time_s: float,
    relaxivity: float,
    b1=None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return the concentration [mM] of every sample, NaN where there is no solution; arguments as for ``convert_signals``."""
    return convert_signals(
        signals,
        baseline=baseline,
        t1_s=t1_s,
        flip_angle_deg=flip_angle_deg,
        repetition_time_s=repetition_time_s,
        relaxivity=relaxivity,
        b1=b1,
        progress=progress,
    ).concentration


def convert_signals(
    signals,
    *,
    baseline,
    t1_s,
    flip_angle_deg: float,
    repetition_time_s: float,
    relaxivity: float,
    b1=None,
    progress: Progress | None = None,
) -> ConcentrationCurves:
    """Convert the signals of a dynamic spoiled gradient echo to concentration of contrast agent, and say where that was impossible.

    Concentrations below zero (noise, a drift of the signal) are given as they are.

    :param signals: magnitude signals, shape voxels + (times,); float32 gives float32, everything else float64.
    :param baseline: which images are before contrast: ``slice(1, 6)`` or the index range ``(1, 6)``, that is images 1 to 5, counted
        from 0 (leave out the first one or two where the steady state was not reached yet); or the baseline signals, an array of the
        shape of the voxels.
    :param t1_s: T1 before contrast [s], one number or an array of the shape of the voxels.
    :param flip_angle_deg: nominal flip angle [degrees].
    :param repetition_time_s: repetition time [s].
    :param relaxivity: of the contrast agent [1/(s mM)] at the field strength and temperature of the scan.
    :param b1: reached fraction of the nominal flip angle, one number or an array of the shape of the voxels; None: nominal.
    :param progress: told the finished fraction; the answer False cancels.
    :raises InputError: shapes, baseline, T1, flip angle, TR, relaxivity or B1 cannot be used.
    :raises Cancelled: ``progress`` answered False.
    """
    signals = _checked_curves(signals)
    voxels, times = signals.shape[:-1], signals.shape[-1]
    baseline = checked_baseline(baseline, voxels, times)
    sequence = _Sequence(voxels, t1_s, flip_angle_deg, repetition_time_s, relaxivity, b1)

    flat = signals.reshape(-1, times)
    dtype = result_type(signals)
    concentration = np.empty(flat.shape, dtype)
    before = np.empty(len(flat), dtype)
    status = np.empty(len(flat), np.uint8)
    step = max(1, _CHUNK // times)
    report_progress(progress, 0.0)
    for start in range(0, len(flat), step):
        piece = slice(start, start + step)
        samples = np.ascontiguousarray(flat[piece], np.float64)
        with np.errstate(all="ignore"):
            s0 = samples[:, baseline].mean(axis=1) if isinstance(baseline, slice) else baseline[piece]
            result, codes = _convert(samples, s0, sequence, piece)
            concentration[piece] = result
        before[piece], status[piece] = s0, codes
        report_progress(progress, min(1.0, (start + step) / len(flat)))
    return ConcentrationCurves(
        concentration.reshape(signals.shape),
        before.reshape(voxels),
        (status <= ConcentrationStatus.NEAR_SATURATION).reshape(voxels),
        status.reshape(voxels),
    )


def concentration_to_signal(
    concentration,
    *,
    baseline,
    t1_s,
    flip_angle_deg: float,
    repetition_time_s: float,
    relaxivity: float,
    b1=None,
) -> np.ndarray:
    """Return the signal of every concentration, the exact inverse of ``signal_to_concentration``; NaN where 1/T1 would not be above 0.

    :param concentration: contrast agent [mM], shape voxels + (times,); float32 gives float32, everything else float64.
    :param baseline: signals before contrast, one number or an array of the shape of the voxels.
    :raises InputError: as for ``convert_signals``.
    """
    concentration = _checked_curves(concentration)
    voxels, times = concentration.shape[:-1], concentration.shape[-1]
    before = np.asarray(baseline, np.float64)
    if before.shape not in ((), voxels):
        raise InputError(f"The baseline signals have the shape {before.shape}, the concentrations are of {voxels} voxels.")
    before = np.broadcast_to(before, voxels).reshape(-1)
    sequence = _Sequence(voxels, t1_s, flip_angle_deg, repetition_time_s, relaxivity, b1)

    flat = concentration.reshape(-1, times)
    signals = np.empty(flat.shape, result_type(concentration))
    step = max(1, _CHUNK // times)
    for start in range(0, len(flat), step):
        piece = slice(start, start + step)
        t1, squares = sequence.piece(piece)
        with np.errstate(all="ignore"):
            rho0 = np.tanh(sequence.repetition_time_s / 2 / t1)
            scale = before[piece] * (1 + squares / rho0)
            scale = np.where((before[piece] > 0) & (t1 > 0) & (squares > 0), scale, np.nan)
            rate = 1 / t1[:, None] + sequence.relaxivity * np.asarray(flat[piece], np.float64)
            rho = np.tanh(sequence.repetition_time_s / 2 * np.where(rate > 0, rate, np.nan))
            signals[piece] = scale[:, None] * rho / (rho + squares[:, None])
    return signals.reshape(concentration.shape)


def maximum_enhancement(t1_s, flip_angle_deg: float, repetition_time_s: float, b1=None) -> np.ndarray:
    """Return the largest possible S / S0: that of a T1 far below TR, whatever the concentration.

    At TR 4.5 ms and T1 0.8 s it is 3.7 at 10 degrees and 7.0 at 15 degrees: an artery, even a well-enhancing tumour, comes near, and a
    measured ratio above it has no concentration. A larger flip angle leaves more room.

    :param t1_s: T1 before contrast [s], number or array; NaN gives NaN.
    :param b1: fraction of the nominal flip angle, number or array of the shape of ``t1_s``.
    """
    t1_s = np.asarray(t1_s, np.float64)
    sequence = _Sequence(t1_s.shape, t1_s, flip_angle_deg, repetition_time_s, 1.0, b1)
    t1, squares = sequence.piece(slice(None))
    with np.errstate(all="ignore"):
        rho0 = np.tanh(sequence.repetition_time_s / 2 / np.where(t1 > 0, t1, np.nan))
        return ((rho0 + squares) / (rho0 * (1 + squares))).reshape(t1_s.shape)


class _Sequence:
    """Checked settings of the sequence, handed out for pieces of the flat voxels."""

    def __init__(self, voxels, t1_s, flip_angle_deg, repetition_time_s, relaxivity, b1):
        self.repetition_time_s = checked_repetition_time(repetition_time_s)
        angle = checked_flip_angles(flip_angle_deg)
        if angle.ndim:
            raise InputError("A dynamic series has one flip angle; several were given.")
        if np.ndim(relaxivity) or not 0 < relaxivity < np.inf:
            raise InputError(f"The relaxivity must be one number above 0 in 1/(s mM); {relaxivity} was found.")
        if relaxivity > _LARGEST_RELAXIVITY:
            raise InputError(f"A relaxivity of {relaxivity:g} is none in 1/(s mM); 4500 1/(s M) are 4.5 1/(s mM).")
        self.relaxivity = float(relaxivity)
        self._t1 = _checked_t1(t1_s, voxels)
        b1 = checked_b1(b1, voxels)
        with np.errstate(invalid="ignore"):
            half_angle = np.radians(angle) / 2 * b1
            self._squares = np.tan(np.where((half_angle > 0) & (half_angle < np.pi / 2), half_angle, np.nan)) ** 2
        self._count = int(np.prod(voxels))

    def piece(self, piece: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return T1 [s] and the squared half-angle tangents (NaN where B1 is invalid) of some voxels."""
        t1, squares = (np.broadcast_to(values, self._count)[piece] for values in (self._t1, self._squares))
        return t1, squares


def _convert(samples, s0, sequence: _Sequence, piece: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return concentrations and status codes of samples of shape (voxels, times)."""
    t1, squares = sequence.piece(piece)
    time = sequence.repetition_time_s
    rho0 = np.tanh(time / 2 / t1)
    per_signal = rho0 / (rho0 + squares) / s0
    reached = per_signal * (1 + squares)  # one over the largest possible signal

    smallest, largest = samples.min(axis=1), samples.max(axis=1)
    codes = np.zeros(len(samples), np.uint8)
    for code, found in (
        (ConcentrationStatus.NEAR_SATURATION, reached * largest > NEAR_SATURATION),
        (ConcentrationStatus.NOT_POSITIVE, smallest <= 0),
        (ConcentrationStatus.SATURATED, reached * largest >= 1),
        (ConcentrationStatus.NOT_FINITE, ~np.isfinite(smallest + largest)),
        (ConcentrationStatus.BASELINE_INVALID, ~((s0 > 0) & (s0 < np.inf))),
        (ConcentrationStatus.T1_INVALID, ~((t1 > 0) & (t1 < np.inf))),
        (ConcentrationStatus.B1_INVALID, np.isnan(squares)),
    ):
        codes[found] = code

    result = samples * -reached[:, None]
    result += 1
    divisor = samples * (-per_signal * (1 - squares))[:, None]
    divisor += 1
    result /= divisor
    np.log(result, out=result)
    result *= -1 / (time * sequence.relaxivity)
    result -= (1 / (t1 * sequence.relaxivity))[:, None]

    wrong = np.flatnonzero(codes > ConcentrationStatus.NEAR_SATURATION)
    if wrong.size:
        solvable = (samples[wrong] > 0) & (reached[wrong, None] * samples[wrong] < 1)
        solvable &= codes[wrong, None] <= ConcentrationStatus.NOT_FINITE
        result[wrong] = np.where(solvable, result[wrong], np.nan)
    return result, codes


def _checked_curves(curves) -> np.ndarray:
    curves = np.asarray(curves)
    if curves.ndim < 1 or curves.shape[-1] < 1:
        raise InputError("Curves need their images along the last axis; a single number was found.")
    if curves.dtype.kind not in "iuf":
        raise InputError(f"Concentration is computed from magnitude images; these values are of type {curves.dtype}.")
    return curves


def _checked_t1(t1_s, voxels) -> np.ndarray:
    t1_s = np.asarray(t1_s, np.float64)
    if t1_s.ndim and t1_s.shape != voxels:
        raise InputError(f"The T1 map has the shape {t1_s.shape}, the images have {voxels}; resample the T1 map to the images first.")
    usual = t1_s[np.isfinite(t1_s) & (t1_s > 0)]
    if usual.size and np.median(usual) > 20:
        raise InputError(f"T1 is about {np.median(usual):.4g}, which looks like milliseconds; give seconds.")
    return t1_s.reshape(-1) if t1_s.ndim else t1_s

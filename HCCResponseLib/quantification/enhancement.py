"""Model-free measures of enhancement.

Curves have their images along the last axis; what is before is voxels in any shape. Times are seconds and may be spaced unevenly.
``arrival_s`` is when the contrast agent arrives, one number or an array of the shape of the voxels: that of the artery
(``arrival.detect_arrival``) for all voxels, so that late enhancement is not hidden. float32 gives float32, everything else float64. A
voxel whose curve is not finite where it is looked at gives NaN. A voxel that does not enhance gives numbers that describe its noise:
test for enhancement first.

Which curve: ``iauc``, ``time_to_peak``, ``wash_in`` and ``wash_out`` take concentration [mM] or relative enhancement (S/S0 - 1, no
unit) and answer in that unit; the two are not comparable, since the signal of a spoiled gradient echo grows less than in proportion to
concentration. ``subtract``, ``relative_enhancement`` and ``arterial_enhancement_fraction`` take signals.
"""

from collections.abc import Callable

import numpy as np

from ..errors import InputError
from .baseline import checked_baseline
from .precision import result_type
from .time_axis import checked_time

__all__ = ["arterial_enhancement_fraction", "iauc", "relative_enhancement", "subtract", "time_to_peak", "wash_in", "wash_out"]

# Voxels worked on at once: the work arrays stay in the processor's cache, and memory stays flat.
_CHUNK = 4096


def subtract(enhanced, precontrast) -> np.ndarray:
    """Return enhanced minus precontrast signal, in signal units; negative where the signal fell.

    :param enhanced: signals after contrast, any shape; integers are subtracted as numbers, never wrapping around at zero.
    :param precontrast: signals before contrast, same shape, registered to the others.
    :raises InputError: the shapes differ.
    """
    enhanced, precontrast = _images(enhanced, precontrast)
    return enhanced - precontrast


def relative_enhancement(signals, baseline) -> np.ndarray:
    """Return S/S0 - 1 of every sample (no unit: 1 is a doubled signal); NaN where the baseline signal S0 is not above 0.

    :param signals: shape voxels + (times,).
    :param baseline: images before contrast as ``slice`` or index range (first, end), or the baseline signals, shape of the voxels.
    :raises InputError: no such images, or another shape.
    """
    signals = _floating(signals)
    _require_curves(signals)
    baseline = checked_baseline(baseline, signals.shape[:-1], signals.shape[-1])
    if isinstance(baseline, slice):
        before = signals[..., baseline].mean(axis=-1, dtype=np.float64)
    else:
        before = baseline.reshape(signals.shape[:-1])
    with np.errstate(invalid="ignore"):
        before = np.where((before > 0) & (before < np.inf), before, np.nan).astype(signals.dtype)
    return signals / before[..., None] - 1


def iauc(concentration_or_ratio, time_s, arrival_s, duration_s: float = 60.0) -> np.ndarray:
    """Return the initial area under the curve: the integral from arrival to arrival + ``duration_s`` (iAUC60: 60 s).

    Trapezoids between the samples, the curve interpolated at both ends (Evelhoch, J Magn Reson Imaging 1999;10:254-259).

    :param concentration_or_ratio: concentration [mM] (the area is in mM s; divide by 60 for mM min) or relative enhancement S/S0 - 1
        (the area is in s), shape voxels + (times,).
    :param time_s: image times [s].
    :param arrival_s: arrival of the contrast agent [s], number or shape of the voxels.
    :param duration_s: length of the interval [s].
    :return: shape of the voxels. Where arrivals differ by voxel, NaN for those whose interval is not inside the series.
    :raises InputError: the duration is not above 0, or, with one arrival for all, the series does not cover the interval.
    """
    if not 0 < duration_s < np.inf:
        raise InputError(f"The area under the curve needs a duration above 0 s; {duration_s} s was found.")

    def area(samples, times, arrival):
        end = arrival + duration_s
        total = np.zeros(samples.shape[1])
        for index in range(len(times) - 1):
            start, stop = times[index], times[index + 1]
            low, high = np.clip(arrival, start, stop), np.clip(end, start, stop)
            rise = (samples[index + 1] - samples[index]) / (stop - start)
            part = (high - low) * (samples[index] + ((low + high) / 2 - start) * rise)
            total += np.where(high > low, part, 0.0)
        return np.where((arrival >= times[0]) & (end <= times[-1]), total, np.nan)

    def check(times, arrival):
        if arrival < times[0] or arrival + duration_s > times[-1]:
            raise InputError(
                f"The area over {duration_s:g} s from arrival at {arrival:g} s is not inside the series, which lasts from {times[0]:g} to "
                f"{times[-1]:g} s; choose a shorter duration.",
            )

    return _measure(area, concentration_or_ratio, time_s, arrival_s, check)


def time_to_peak(concentration_or_ratio, time_s, arrival_s) -> np.ndarray:
    """Return the time from arrival to the highest image at or after arrival [s]; the same on concentration and on S/S0.

    A curve that rises to the end of the series has its peak in the last image.

    :param concentration_or_ratio: concentration, relative enhancement or signal, shape voxels + (times,).
    :param time_s: image times [s].
    :param arrival_s: arrival of the contrast agent [s], number or shape of the voxels.
    :raises InputError: no image after arrival.
    """

    def time(samples, times, arrival):
        peak = _peak(samples, times, arrival)
        return np.where(peak >= 0, times[peak] - arrival, np.nan)

    return _measure(time, concentration_or_ratio, time_s, arrival_s)


def wash_in(concentration_or_ratio, time_s, arrival_s) -> np.ndarray:
    """Return the steepest slope between neighbouring images from arrival to peak, in mM/s (concentration) or 1/s (S/S0 - 1).

    :param concentration_or_ratio: concentration [mM] or relative enhancement, shape voxels + (times,).
    :param time_s: image times [s].
    :param arrival_s: arrival of the contrast agent [s], number or shape of the voxels.
    :return: shape of the voxels; NaN where the peak is the first image of the series.
    :raises InputError: no image after arrival.
    """

    def steepest(samples, times, arrival):
        peak = _peak(samples, times, arrival)
        best = np.full(samples.shape[1], -np.inf)
        for index in range(len(times) - 1):
            slope = (samples[index + 1] - samples[index]) / (times[index + 1] - times[index])
            best = np.where((times[index + 1] > arrival) & (index < peak), np.maximum(best, slope), best)
        return np.where(best > -np.inf, best, np.nan)

    return _measure(steepest, concentration_or_ratio, time_s, arrival_s)


def wash_out(concentration_or_ratio, time_s, arrival_s) -> np.ndarray:
    """Return the slope of the straight line through the peak and all later images, in mM/s (concentration) or 1/s (S/S0 - 1).

    Negative: the contrast agent leaves. Least squares; comparable only between series of the same length.

    :param concentration_or_ratio: concentration [mM] or relative enhancement, shape voxels + (times,).
    :param time_s: image times [s].
    :param arrival_s: arrival of the contrast agent [s], number or shape of the voxels.
    :return: shape of the voxels; NaN where fewer than two images follow the peak.
    :raises InputError: no image after arrival.
    """

    def slope(samples, times, arrival):
        peak = _peak(samples, times, arrival)
        later = [index >= peak for index in range(len(times))]
        count = len(times) - peak
        time_mean = sum(np.where(used, time, 0.0) for used, time in zip(later, times, strict=True)) / count
        moment, spread = np.zeros(samples.shape[1]), np.zeros(samples.shape[1])
        for used, time, sample in zip(later, times, samples, strict=True):
            distance = np.where(used, time - time_mean, 0.0)
            # Earlier images may be NaN; they carry no weight.
            moment += np.where(used, distance * sample, 0.0)
            spread += distance**2
        return np.where((peak >= 0) & (count >= 3), moment / spread, np.nan)

    return _measure(slope, concentration_or_ratio, time_s, arrival_s)


def arterial_enhancement_fraction(precontrast, arterial, portal_venous) -> np.ndarray:
    """Return (arterial - precontrast) / (portal-venous - precontrast): the arterial part of the enhancement, as a fraction, on signals.

    Kim et al., Radiology 2009;250:425-434 (there for CT, where enhancement is proportional to concentration; on signals of MRI it is
    only roughly so, and the four images must share their scaling). About 0.25 in liver; towards 1 in arterial tumour; above 1 where the
    portal-venous phase already washes out.

    :param precontrast: signals before contrast, any shape.
    :param arterial: signals of the arterial phase, same shape, registered.
    :param portal_venous: signals of the portal-venous phase, same shape, registered.
    :return: NaN where the portal-venous signal is not above the precontrast signal, or a signal is not finite.
    :raises InputError: the shapes differ.
    """
    precontrast, arterial, portal_venous = _images(precontrast, arterial, portal_venous)
    with np.errstate(invalid="ignore", divide="ignore"):
        late = portal_venous - precontrast
        fraction = (arterial - precontrast) / late
        return np.where((late > 0) & np.isfinite(late) & np.isfinite(fraction), fraction, fraction.dtype.type(np.nan))


def _measure(function: Callable, curves, time_s, arrival_s, check: Callable | None = None) -> np.ndarray:
    """Apply function(samples (times, voxels), times, arrival (voxels,)) to blocks of voxels."""
    curves = np.asarray(curves)
    _require_curves(curves)
    times = checked_time(time_s, curves.shape[-1])
    voxels = curves.shape[:-1]
    arrival = np.asarray(arrival_s, np.float64)
    if arrival.shape not in ((), voxels):
        raise InputError(f"The arrival times have the shape {arrival.shape}, the curves are of {voxels} voxels.")
    if arrival.ndim == 0:
        if not arrival <= times[-1]:
            raise InputError(f"The contrast agent arrives at {arrival:g} s but the last image is at {times[-1]:g} s.")
        if check is not None:
            check(times, float(arrival))
    arrival = np.broadcast_to(arrival, voxels).reshape(-1)
    flat = curves.reshape(-1, times.size)
    result = np.empty(len(flat), result_type(curves))
    for start in range(0, len(flat), _CHUNK):
        piece = slice(start, start + _CHUNK)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            values = function(np.ascontiguousarray(flat[piece].T, np.float64), times, arrival[piece])
            result[piece] = np.where(np.isfinite(values), values, np.nan)
    return result.reshape(voxels)


def _peak(samples, times, arrival) -> np.ndarray:
    """Return the index of the highest image at or after arrival; -1 where there is none or one of those images is not finite."""
    index, highest = np.full(samples.shape[1], -1), np.full(samples.shape[1], -np.inf)
    finite = np.ones(samples.shape[1], bool)
    for number, (time, sample) in enumerate(zip(times, samples, strict=True)):
        after = time >= arrival
        finite &= ~after | np.isfinite(sample)
        higher = after & (sample > highest)
        index, highest = np.where(higher, number, index), np.where(higher, sample, highest)
    return np.where(finite, index, -1)


def _floating(values) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype.kind not in "iuf":
        raise InputError(f"Enhancement is computed from magnitude images; these values are of type {values.dtype}.")
    return values.astype(result_type(values), copy=False)


def _images(*images) -> list[np.ndarray]:
    images = [_floating(image) for image in images]
    if len({image.shape for image in images}) > 1:
        shapes = ", ".join(str(image.shape) for image in images)
        raise InputError(f"The images have different shapes ({shapes}); register and resample them to one grid first.")
    return images


def _require_curves(curves) -> None:
    if curves.ndim < 1 or curves.shape[-1] < 2:
        raise InputError("Enhancement over time needs two or more images along the last axis.")
    if curves.dtype.kind not in "iuf":
        raise InputError(f"Enhancement is computed from magnitude images; these values are of type {curves.dtype}.")

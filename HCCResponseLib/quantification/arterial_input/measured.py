"""The input measured in a vessel of the images, and how far it can be trusted."""

import functools
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from ...errors import InputError
from ..arrival import Arrival, detect_arrival
from ..time_axis import checked_time
from .hematocrit import checked_hematocrit

__all__ = ["COARSEST_SAMPLING_S", "InputQuality", "InputWarning", "MeasuredInput", "Vessel", "from_region"]

COARSEST_SAMPLING_S = 6.0
"""Above this interval between images the first pass is missed and Ktrans is off by tens of percent."""

# Whole blood, for 0.1 mmol/kg. Published arterial peaks are 4 to 9 mM (Parker 2006: 6.0; Georgiou 2019: 8.6), slow injections less.
_LOWEST_PEAK_MM = {"artery": 2.0, "portal vein": 0.5}

# Peak over the level 30 s and more after it; about 6 in an artery that is neither saturated nor diluted by its surroundings.
_LOWEST_PEAK_TO_LATE = 2.0


class Vessel(StrEnum):
    """The vessel in which an input was measured."""

    ARTERY = "artery"
    PORTAL_VEIN = "portal vein"


class InputWarning(NamedTuple):
    """One doubt about an input: a fixed ``code`` and a ``sentence`` for the reader."""

    code: str
    sentence: str


@dataclass(frozen=True)
class InputQuality:
    """Quality figures of a measured input (plasma concentrations).

    ``peak_mM``; ``time_to_peak_s`` from arrival; ``baseline_noise_mM``: standard deviation before arrival (NaN for fewer than three
    images); ``snr``: peak over baseline noise; ``first_pass_width_s``: full width at half the peak height (NaN where the curve does not
    fall to half); ``late_mM``: mean from 30 to 90 s after the peak (NaN where the series ends before); ``baseline_count``: images before
    arrival; ``sampling_interval_s``: longest interval between images from the last before arrival to the end of the first pass.
    """

    peak_mM: float
    time_to_peak_s: float
    baseline_noise_mM: float
    snr: float
    first_pass_width_s: float
    late_mM: float
    baseline_count: int
    sampling_interval_s: float


@dataclass(frozen=True)
class MeasuredInput:
    """A vessel's plasma concentration [mM], callable at any time [s] of the series.

    ``time_s``, ``plasma``: the samples; ``arrival_s``; ``vessel``; ``hematocrit`` with which blood became plasma; ``selected``: which
    voxels of the region were averaged (None: a curve was given, or derived); ``quality`` (None when derived); ``low_confidence``:
    derived, not measured; ``warnings``.

    Between the samples it is a cubic spline: with an image every 4.3 s that leaves 0.1 % of error in Ktrans, straight lines leave 0.5 %.
    """

    time_s: np.ndarray
    plasma: np.ndarray
    arrival_s: float
    vessel: Vessel
    hematocrit: float
    selected: np.ndarray | None
    quality: InputQuality | None
    low_confidence: bool
    warnings: tuple[InputWarning, ...]

    def __call__(self, time_s) -> np.ndarray:
        """Return plasma concentration [mM] at times [s]: 0 before the first sample, the last sample shortly after the last.

        :raises InputError: times are beyond the last sample by more than 30 s, where nothing was measured.
        """
        time_s = np.asarray(time_s, np.float64)
        first, last = self.time_s[0], self.time_s[-1]
        if np.max(time_s, initial=first) > last + 30:
            raise InputError(f"The {self.vessel} was measured until {last:g} s but is asked for at {np.max(time_s):g} s.")
        return np.where(time_s < first, 0.0, self._spline(np.clip(time_s, first, last)))

    @functools.cached_property
    def _spline(self) -> CubicSpline:
        """Made once: a fit asks for the curve again and again."""
        return CubicSpline(self.time_s, self.plasma)


def from_region(
    blood_curves,
    time_s,
    *,
    hematocrit: float = 0.42,
    selection: str = "average",
    peak_fraction: float = 0.1,
    vessel: Vessel | str = Vessel.ARTERY,
    dose_mmol_per_kg: float = 0.1,
) -> MeasuredInput:
    """Make an input from the curves of a region drawn in a vessel.

    :param blood_curves: **whole-blood** concentration [mM] of the region's voxels, shape voxels + (times,), or one curve, shape
        (times,). It is divided by 1 - hematocrit; for curves that already are plasma give the hematocrit 0. Voxels with a value that is
        not finite are left out, and said so.
    :param time_s: image times [s], at least four.
    :param hematocrit: of the large vessels, as a fraction.
    :param selection: ``"average"`` of all voxels, or ``"peak_voxels"``: the average of the ``peak_fraction`` of voxels (four or more)
        that are highest in the three images around the peak of the average. The latter avoids voxels at the vessel's wall (partial
        volume); taking three images keeps it from choosing the noisiest voxel.
    :param peak_fraction: part of the voxels that ``"peak_voxels"`` keeps.
    :param vessel: ``Vessel.ARTERY`` or ``Vessel.PORTAL_VEIN``.
    :param dose_mmol_per_kg: injected dose, for the expected peak; gadoxetate: 0.025.
    :raises InputError: shapes, times, hematocrit or selection cannot be used; no voxel has a complete curve; the curve does not rise
        above its noise, or is highest in the first image.
    """
    hematocrit = checked_hematocrit(hematocrit)
    if vessel not in tuple(Vessel):
        raise InputError(f"An input is measured in the 'artery' or the 'portal vein', not in the '{vessel}'.")
    vessel = Vessel(vessel)
    curves = np.asarray(blood_curves)
    if curves.dtype.kind not in "iuf" or curves.ndim < 1 or curves.shape[-1] < 4:
        raise InputError(f"An input function needs the concentration curves of the {vessel}, of four or more images.")
    if not 0 < dose_mmol_per_kg < np.inf:
        raise InputError(f"The dose must be above 0 mmol/kg; {dose_mmol_per_kg} was found.")
    if not 0 < peak_fraction <= 1:
        raise InputError(f"The part of the voxels to keep must be above 0 and at most 1; {peak_fraction} was found.")
    time_s = checked_time(time_s, curves.shape[-1])
    flat = curves.reshape(-1, time_s.size).astype(np.float64)
    complete = np.all(np.isfinite(flat), axis=1)
    if not complete.any():
        raise InputError(f"No voxel of the {vessel} has a complete concentration curve; its signals may be saturated. Move the region.")
    selected = complete if selection == "average" else _peak_voxels(flat, complete, selection, peak_fraction)
    blood = flat[selected].mean(axis=0)
    arrival = detect_arrival(blood, time_s)
    plasma = blood / (1 - hematocrit)
    quality = _quality(plasma, time_s, arrival, 1 - hematocrit)
    warnings = _warnings(plasma, time_s, quality, vessel, 1 - hematocrit, dose_mmol_per_kg, int(np.sum(~complete)))
    chosen = selected.reshape(curves.shape[:-1]) if curves.ndim > 1 else None
    return MeasuredInput(time_s, plasma, arrival.time_s, vessel, hematocrit, chosen, quality, False, warnings)


def _peak_voxels(flat, complete, selection, peak_fraction) -> np.ndarray:
    if selection != "peak_voxels":
        raise InputError(f"The voxels of a vessel can be selected by 'average' or 'peak_voxels', not '{selection}'.")
    peak = int(np.argmax(flat[complete].mean(axis=0)))
    height = flat[:, max(0, peak - 1) : peak + 2].mean(axis=1)
    height[~complete] = -np.inf
    count = min(int(complete.sum()), max(4, round(peak_fraction * complete.sum())))
    selected = np.zeros(len(flat), bool)
    selected[np.argsort(-height, kind="stable")[:count]] = True
    return selected


def _quality(plasma, time_s, arrival: Arrival, plasma_fraction) -> InputQuality:
    peak = arrival.peak_index
    baseline, noise = arrival.baseline / plasma_fraction, arrival.noise / plasma_fraction
    half = baseline + (plasma[peak] - baseline) / 2
    rise = _crossing(time_s[: peak + 1][::-1], plasma[: peak + 1][::-1], half)
    fall = _crossing(time_s[peak:], plasma[peak:], half)
    late = plasma[(time_s >= time_s[peak] + 30) & (time_s <= time_s[peak] + 90)]
    end = fall if np.isfinite(fall) else time_s[-1]
    first_pass = (time_s >= time_s[arrival.baseline_count - 1]) & (time_s <= end + COARSEST_SAMPLING_S)
    return InputQuality(
        peak_mM=float(plasma[peak]),
        time_to_peak_s=float(time_s[peak] - arrival.time_s),
        baseline_noise_mM=float(noise),
        snr=float((plasma[peak] - baseline) / noise) if noise > 0 else np.nan,
        first_pass_width_s=float(fall - rise),
        late_mM=float(late.mean()) if late.size else np.nan,
        baseline_count=arrival.baseline_count,
        sampling_interval_s=float(np.diff(time_s[first_pass]).max()),
    )


def _crossing(time_s, curve, level) -> float:
    """Return the time at which a curve that starts above the level first falls to it; NaN where it does not."""
    below = np.flatnonzero(curve <= level)
    if below.size == 0:
        return np.nan
    after = below[0]
    part = (curve[after - 1] - level) / (curve[after - 1] - curve[after])
    return float(time_s[after - 1] + part * (time_s[after] - time_s[after - 1]))


def _warnings(plasma, time_s, quality: InputQuality, vessel, plasma_fraction, dose, incomplete) -> tuple[InputWarning, ...]:
    found = []

    def warn(code, sentence):
        found.append(InputWarning(code, sentence))

    if incomplete:
        warn("incomplete_voxels", f"{incomplete} voxel(s) of the {vessel} have no complete curve (saturated signal) and are left out.")
    if quality.sampling_interval_s > COARSEST_SAMPLING_S:
        warn(
            "coarse_sampling",
            f"The images are up to {quality.sampling_interval_s:.1f} s apart during the first pass, above {COARSEST_SAMPLING_S:g} s: its "
            "peak is missed and Ktrans can be wrong by tens of percent. Consider a population input.",
        )
    if quality.baseline_count < 3:
        warn(
            "truncated_baseline",
            f"Only {quality.baseline_count} image(s) precede the contrast agent: the baseline, and with it every concentration, is "
            "uncertain.",
        )
    blood_peak, expected = quality.peak_mM * plasma_fraction, _LOWEST_PEAK_MM[vessel] * dose / 0.1
    if blood_peak < expected:
        warn(
            "low_peak",
            f"The blood concentration in the {vessel} peaks at {blood_peak:.2g} mM, less than the {expected:.2g} mM to be expected at "
            f"least from {dose:g} mmol/kg: partial volume with the surroundings, in-flow, or signal lost to saturation and T2*. Place the "
            "region inside the vessel, away from the first slices, or consider a population input.",
        )
    if vessel is Vessel.ARTERY and quality.peak_mM < _LOWEST_PEAK_TO_LATE * quality.late_mM:
        warn(
            "flat_peak",
            f"The peak is only {quality.peak_mM / quality.late_mM:.1f} times the concentration half a minute later: the first pass is cut "
            "off (saturation, T2*, slow sampling) or the region holds tissue or a vein.",
        )
    noise = _late_noise(plasma, time_s, float(time_s[int(np.argmax(plasma))]) + 30)
    judged = quality.baseline_count >= 5 and np.isfinite(noise)
    # A standard deviation of n samples is itself uncertain by one part in sqrt(2 (n - 1)); three times that is not chance.
    if judged and quality.baseline_noise_mM > max((1 + 3 / np.sqrt(2 * (quality.baseline_count - 2))) * noise, 0.01 * quality.peak_mM):
        warn(
            "in_flow",
            "The vessel fluctuates more before the contrast agent than after it, while noise of the concentration does the opposite: "
            "fresh blood flows in unsaturated (or the patient moved), and concentrations are wrong. Place the region away from the "
            "first slices that the blood enters.",
        )
    if np.isnan(quality.first_pass_width_s):
        warn("truncated_first_pass", "The series ends before the first pass does: the input function is incomplete.")
    return tuple(found)


def _late_noise(plasma, time_s, from_s) -> float:
    """Return the standard deviation of the noise after ``from_s``, by second differences, which hardly see the decay; NaN if short."""
    late = plasma[time_s >= from_s]
    return float(np.sqrt(np.mean(np.diff(late, 2) ** 2) / 6)) if late.size >= 8 else np.nan

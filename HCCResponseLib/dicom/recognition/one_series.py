"""What one series is, judged by itself."""

from dataclasses import replace

import numpy as np

from ...response.roles import Role
from ..pulse_sequence import Echo
from ..series import Series
from .diffusion import recognise_diffusion
from .hints import names_bolus_tracking, names_dynamic
from ..image_kind import ImageKind, split_series
from .result import Confidence, Recognition
from .time_parts import SeriesTimes, is_high_rate, series_times
from .weighting import Physics, physics_of, recognise_weighting

__all__ = ["flip_angles", "recognise", "recognise_part"]

SAME_FLIP_ANGLE_DEG = 0.1

LARGEST_FLIP_ANGLE_DEG = 90.0
"""T1 is mapped with smaller ones; pairs such as 60 and 120 degrees are for a map of B1."""


def recognise(series: Series) -> Recognition:
    """Tell the role of a series from its headers, with the reason.

    Dynamic phases cannot be told by one series alone: before and after contrast, a fat-suppressed T1-weighted series is
    T1_FAT_SUPPRESSED here, and :func:`recognise_examination` tells its phase. Of a series that holds several kinds of images
    (both echoes of an in- and opposed-phase pair, the four images of a Dixon method), the first of use is told.
    """
    if series.modality not in {"MR", ""}:
        return Recognition(None, f"The modality is {series.modality}, not MR.", (series,))
    if not series.frames:
        return Recognition(None, "It has no images.", (series,))
    diffusion = recognise_diffusion(series)
    if diffusion is not None:
        return diffusion
    found = [recognise_part(part) for part in split_series(series)]
    return next((one for one in found if one.role is not None), found[0])


def recognise_part(series: Series) -> Recognition:
    """Tell the role of MR images of one kind that are no diffusion images."""
    weighting = recognise_weighting(series)
    physics = physics_of(series)
    if physics.echo is not Echo.GRADIENT or weighting.role in {None, Role.SUBTRACTION, Role.T1_MAP}:
        return weighting
    angles = flip_angles(series)
    if len(angles) > 1:
        listing = ", ".join(f"{angle:g}" for angle in angles)
        reason = f"{replace(physics, flip_angle_deg=None)}, with flip angles {listing}°."
        if angles[-1] > LARGEST_FLIP_ANGLE_DEG:
            return Recognition(None, f"{reason[:-1]}, as for a map of B1.", (series,), weighting.confidence)
        return Recognition(Role.VFA, reason, (series,), weighting.confidence)
    times = series_times(series)
    if times.count > 1 and physics.kind in {ImageKind.IN_PHASE, ImageKind.OPPOSED_PHASE}:
        reason = f"{physics}, the {physics.kind} image of {times.count} time points, of which the water images are used."
        return Recognition(None, reason, (series,))
    if is_high_rate(times):
        why = _why_bolus_tracking(series, times)
        if why:
            return Recognition(None, f"{physics}, with {times.count} time points{why}.", (series,), Confidence.LIKELY)
        return _high_rate(series, times, physics)
    return weighting


def _why_bolus_tracking(series: Series, times: SeriesTimes) -> str:
    """Why a series of many time points only watches for the bolus to arrive; "" for one that is measured to be fitted."""
    if names_dynamic(series.description):
        return ""
    if names_bolus_tracking(series.description):
        return ", named as bolus tracking"
    return " of one slice, as for bolus tracking" if len(series.frames) <= times.count else ""


def flip_angles(series: Series) -> list[float]:
    """Return the different flip angles of a series [degrees], ascending."""
    found = np.unique([frame.flip_angle_deg for frame in series.frames if frame.flip_angle_deg is not None])
    return found[np.diff(found, prepend=-np.inf) > SAME_FLIP_ANGLE_DEG].tolist()


def _high_rate(series: Series, times: SeriesTimes, physics: Physics) -> Recognition:
    if times.points is None:
        reason = f"{physics}, with {times.count} time points whose times are not told."
        return Recognition(Role.DCE, reason, (series,), Confidence.LIKELY, (times.fault,))
    seconds = times.points.time_s
    step = float(np.median(np.diff(seconds)))
    reason = f"{physics}, with {times.count} time points, one every {step:.3g} s for {seconds[-1]:.0f} s."
    return Recognition(Role.DCE, reason, (series,), Confidence.SURE, times.points.warnings)

"""A dynamic series as it comes off the scanner, read into signals in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ..errors import InputError
from ..geometry import Geometry
from ..progress import Progress
from .acquisition_values import common_value
from .checks import checked_frames, common_warnings
from .clocks import HALF_A_DAY_S
from .grid import place_on_one_grid
from .headers import dated
from .series import Series, joint_label, joint_notes
from .signals import Scaling, read_signals
from .time_points import find_time_points

__all__ = ["DynamicSeries", "read_dynamic"]


@dataclass(frozen=True, eq=False)
class DynamicSeries:
    """Signals of a dynamic contrast-enhanced series.

    :param signals: float32 (k, j, i, t), rescaled.
    :param time_s: seconds after the first time point, ascending, float64 (t,).
    :param geometry: grid of the volumes, LPS.
    :param flip_angle_deg: of all images; None where the headers do not tell it; so are ``repetition_time_s``, ``echo_time_s``.
    :param start: when the first time point was acquired, as far as date and time are told.
    :param injection_s: start of the contrast injection after the first time point, as far as the headers tell it.
    :param notes: what was done, for the record.
    :param warnings: what the user should look at.
    :param series: the series that were read.
    :param scaling: 'rescale' or 'philips_private'.
    """

    signals: np.ndarray
    time_s: np.ndarray
    geometry: Geometry
    flip_angle_deg: float | None
    repetition_time_s: float | None
    echo_time_s: float | None
    start: datetime | None
    injection_s: float | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    series: tuple[Series, ...]
    scaling: Scaling

    @property
    def label(self) -> str:
        """How a message names the series."""
        return _label(self.series)


def read_dynamic(
    series: Series | Sequence[Series],
    *,
    time_s: Sequence[float] | None = None,
    scaling: Scaling = "rescale",
    progress: Progress | None = None,
) -> DynamicSeries:
    """Read a dynamic series in the order of time; the time points may be unevenly spaced.

    How frames are put together is told in ``time_groups``, where the times come from in ``time_points``. A time point that lacks slices is
    left out with a warning, several are an error.

    :param series: one series of all time points, or several that hold one or more of them.
    :param time_s: times of the time points [s] as the user gives them, in the order of temporal position, acquisition number,
        the given series or instance number; for series whose headers do not tell the times.
    :param scaling: see :data:`Scaling`.
    :param progress: told the finished fraction; may cancel.
    :raises InputError: fewer than two time points, images repeated or missing, times that cannot be told, different flip angles,
        repetition or echo times, several kinds of images, colour or mosaic images, scale factors missing or contradictory, pixels
        that cannot be read, several patients or studies.
    :raises GeometryError: see :func:`sort_into_slices`; or the series do not lie on one grid.
    :raises Cancelled: ``progress`` returned False.
    """
    series = (series,) if isinstance(series, Series) else tuple(series)
    if not any(one.frames for one in series):
        raise InputError("No dynamic series was chosen.")
    label = _label(series)
    frames, source = checked_frames(series, scaling, label)
    why = "a change of signal would not be one of contrast agent. Choose images of one protocol."
    values = {name: common_value(frames, name, label, why) for name in ("flip_angle_deg", "repetition_time_s", "echo_time_s")}
    geometry, place, placing = place_on_one_grid(frames, source, series)
    points = find_time_points(frames, place, source, series, label, time_s)
    if len(points.time_s) < 2:
        raise InputError(f"{label} has one time point only; a dynamic series needs two or more. If each is a series, choose them together.")
    kept = np.flatnonzero(points.index >= 0)
    signals = read_signals([frames[n] for n in kept], place[kept], points.index[kept], geometry.shape, scaling, progress)
    injections = {one.contrast_start for one in series if one.contrast_start is not None}
    injection = None
    if points.start is not None and len(injections) == 1 and time_s is None:
        # where the date did not change at midnight, injection and start may seem to be a day apart
        injection = ((injections.pop() - points.start) / timedelta(seconds=1) + HALF_A_DAY_S) % (2 * HALF_A_DAY_S) - HALF_A_DAY_S
    return DynamicSeries(
        signals=signals,
        time_s=points.time_s,
        geometry=geometry,
        start=dated(points.start),
        injection_s=injection,
        notes=(*joint_notes(series), *points.notes, *placing),
        warnings=(*points.warnings, *_warnings(series, values, label)),
        series=series,
        scaling=scaling,
        **values,
    )


def _label(series: Sequence[Series]) -> str:
    """Label of a dynamic series; of many series the first and the last are enough."""
    return joint_label(series) if len(series) < 4 else f"{series[0].label} to {series[-1].label} ({len(series)} series)"


def _warnings(series: Sequence[Series], values: dict[str, float | None], label: str) -> list[str]:
    found = []
    untold = [name for key, name in (("flip_angle_deg", "flip angle"), ("repetition_time_s", "repetition time")) if values[key] is None]
    if untold:
        found.append(f"{label}: the headers do not tell the {' and the '.join(untold)}, without which there are no concentrations.")
    return [*found, *common_warnings(series, label)]

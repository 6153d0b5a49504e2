"""Spoiled gradient echoes at several flip angles, read into one signal per voxel and flip angle."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..geometry import Geometry
from ..progress import Progress
from .acquisition_values import common_value
from .checks import checked_frames, common_warnings, listing
from .grid import place_on_one_grid
from .series import Frame, Series, joint_label, joint_notes
from .signals import Scaling, read_signals

__all__ = ["FlipAngleSeries", "read_flip_angles"]

SAME_FLIP_ANGLE = 0.005
"""Relative difference of flip angles that rounding explains."""


@dataclass(frozen=True, eq=False)
class FlipAngleSeries:
    """Signals at several flip angles.

    :param signals: float32 (k, j, i, a), rescaled.
    :param flip_angles_deg: nominal flip angles, ascending, float64 (a,).
    :param repetition_time_s: of all images.
    :param echo_time_s: of all images; None where the headers do not tell it.
    :param geometry: grid of the volumes, LPS.
    :param notes: what was done, for the record.
    :param warnings: what the user should look at.
    :param series: the series that were read.
    :param scaling: 'rescale' or 'philips_private'.
    """

    signals: np.ndarray
    flip_angles_deg: np.ndarray
    repetition_time_s: float
    echo_time_s: float | None
    geometry: Geometry
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    series: tuple[Series, ...]
    scaling: Scaling

    @property
    def label(self) -> str:
        """How a message names the series."""
        return joint_label(self.series)


def read_flip_angles(
    series: Series | Sequence[Series], *, scaling: Scaling = "rescale", progress: Progress | None = None,
) -> FlipAngleSeries:
    """Read a flip angle set by ascending flip angle.

    :param series: one series of all flip angles, or one series for each.
    :param scaling: see :data:`Scaling`; Philips scales each series in its own way, so several of them need 'philips_private'.
    :param progress: told the finished fraction; may cancel.
    :raises InputError: fewer than two flip angles, a flip angle or the repetition time missing, different repetition or echo times,
        images repeated or missing at a flip angle, several kinds of images, colour or mosaic images, scale factors missing or
        contradictory, pixels that cannot be read, several patients or studies.
    :raises GeometryError: see :func:`sort_into_slices`; or the series do not lie on one grid.
    :raises Cancelled: ``progress`` returned False.
    """
    series = (series,) if isinstance(series, Series) else tuple(series)
    if not any(one.frames for one in series):
        raise InputError("No flip angle series was chosen.")
    label = joint_label(series)
    frames, source = checked_frames(series, scaling, label)
    why = "T1 can be told from flip angles only where everything else is the same."
    repetition_time = common_value(frames, "repetition_time_s", label, why)
    if repetition_time is None:
        raise InputError(f"{label}: the headers do not tell the repetition time, without which T1 cannot be told. Export the series again.")
    echo_time = common_value(frames, "echo_time_s", label, why)
    angles, column = _angles(frames, label)
    geometry, place, placing = place_on_one_grid(frames, source, series)
    _check_complete(frames, place, column, angles, label)
    signals = read_signals(frames, place, column, geometry.shape, scaling, progress)
    return FlipAngleSeries(
        signals=signals,
        flip_angles_deg=angles,
        repetition_time_s=repetition_time,
        echo_time_s=echo_time,
        geometry=geometry,
        notes=(*joint_notes(series), *placing),
        warnings=(*_warnings(series, label), *common_warnings(series, label)),
        series=series,
        scaling=scaling,
    )


def _angles(frames: Sequence[Frame], label: str) -> tuple[np.ndarray, np.ndarray]:
    """Flip angles, ascending, float64 (a,), and the number of that of each frame, int (frames,)."""
    lost = [frame for frame in frames if not frame.flip_angle_deg]
    if lost:
        raise InputError(f"{label}: {len(lost)} images do not tell their flip angle (first '{lost[0].name}'). Export the series again.")
    values = np.array([frame.flip_angle_deg for frame in frames])
    distinct = np.unique(values)
    number = np.cumsum(np.diff(distinct, prepend=distinct[0]) > SAME_FLIP_ANGLE * distinct)
    column = number[np.searchsorted(distinct, values)]
    angles = np.array([np.median(values[column == n]) for n in range(number[-1] + 1)])
    if len(angles) < 2:
        raise InputError(
            f"{label}: only one flip angle ({angles[0]:g}°) was found; T1 needs two or more. If each is a series, choose them together.",
        )
    return angles, column


def _check_complete(frames: Sequence[Frame], place: np.ndarray, column: np.ndarray, angles: np.ndarray, label: str) -> None:
    counts = np.zeros((len(angles), place.max() + 1), dtype=int)
    np.add.at(counts, (column, place), 1)
    for angle, found in zip(angles, counts, strict=True):
        if (found > 1).any():
            k = int(found.argmax())
            names = [frame.name for frame, p, c in zip(frames, place, angles[column], strict=True) if p == k and c == angle]
            raise InputError(
                f"{label}: flip angle {angle:g}° has {found.max()} images of slice {k + 1} (such as '{names[0]}' and '{names[1]}'). "
                "Choose one acquisition of each flip angle.",
            )
        if (found < 1).any():
            raise InputError(
                f"{label}: flip angle {angle:g}° has no image of slices {listing(np.flatnonzero(found < 1) + 1)}. "
                "Export the whole series again.",
            )


def _warnings(series: Sequence[Series], label: str) -> list[str]:
    found = []
    if len(series) > 1:
        found.append(f"{label}: if the receiver gain was adjusted between these series, T1 is wrong.")
    if len({one.pulse_sequence.fat_suppressed for one in series}) > 1:
        found.append(f"{label}: not all of these series are fat-suppressed; T1 of fatty tissue is wrong.")
    for one in series:
        acquired = [frame.acquired for frame in one.frames if frame.acquired is not None]
        if one.contrast_start is not None and acquired and one.contrast_start < min(acquired):
            found.append(f"{one.label}: it was acquired after contrast agent, which shortens T1.")
    return found

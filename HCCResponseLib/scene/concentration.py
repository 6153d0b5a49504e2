"""How the signals of a dynamic series become concentrations: flip angle, TR, relaxivity, T1 before contrast, baseline images."""

import hashlib
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .b1_maps import b1_of_t1_map, b1_scale
from .dynamic_series import frame_times_s
from .examination_volumes import array_on_grid_of, value_on_grid_of
from .flip_angles import flip_angle_deg, repetition_time_s
from .parameter_maps import map_factor, map_quantity, map_sources, map_values, validity_node
from .relaxometry import outdated_t1
from .series_protocol import SERIES_FLIP_ANGLE, SERIES_REPETITION_TIME, protocol_change
from .volumes import volume_array, volume_geometry

__all__ = ["Conversion", "baseline_images", "conversion_of", "outdated_conversion", "record_conversion", "tissue_at", "tissue_t1"]

T1_REFERENCE = "HCC.T1Map"

_ALL_OF_A_VOXEL = 1 - 1e-4


@dataclass(frozen=True)
class Conversion:
    """Settings of a series and of the contrast agent; ``baseline`` counts the images from the first on that are before contrast."""

    time_s: np.ndarray
    flip_angle_deg: float
    repetition_time_s: float
    relaxivity: float
    baseline: int

    def concentrations(self, signals, t1_s, b1=None):
        """Return :class:`~HCCResponseLib.quantification.contrast.ConcentrationCurves`.

        :param signals: (n, t).
        :param t1_s: T1 before contrast [s], number or (n,); ``b1``: reached part of the flip angle likewise, None: nominal.
        """
        from ..quantification.contrast import convert_signals

        return convert_signals(signals, baseline=(0, self.baseline), t1_s=t1_s, b1=b1, **self._sequence)

    def signals(self, concentration, baseline_signal, t1_s, b1=None) -> np.ndarray:
        """Return the signals of concentrations [mM] (n, t)."""
        from ..quantification.contrast import concentration_to_signal

        return concentration_to_signal(concentration, baseline=baseline_signal, t1_s=t1_s, b1=b1, **self._sequence)

    def text(self, t1_s: float | None, t1_map=None) -> str:
        """Return the settings as a map's method names them; ``t1_s`` None: T1 from ``t1_map``."""
        t1 = f"T10 {t1_s:g} s" if t1_map is None else "T10 and B1 map" if b1_of_t1_map(t1_map) is not None else "T10 map"
        return f"{t1}, r1 {self.relaxivity:g} /(s mM), {self.flip_angle_deg:g} deg, TR {1e3 * self.repetition_time_s:g} ms"

    @property
    def _sequence(self) -> dict:
        return dict(flip_angle_deg=self.flip_angle_deg, repetition_time_s=self.repetition_time_s, relaxivity=self.relaxivity)


def conversion_of(sequence_node, arrival_s: float, relaxivity: float, *, baseline: int | None = None) -> Conversion:
    """Return the settings of a dynamic series.

    :param arrival_s: when the contrast agent arrives in the artery [s after the first image].
    :param relaxivity: of the contrast agent [1/(s mM)].
    :param baseline: number of images before contrast, from the first on; where None, told by the arrival.
    :raises InputError: flip angle or TR not known, or no image before contrast.
    """
    name = sequence_node.GetName()
    times = frame_times_s(sequence_node, fewest=4)
    angle, time = flip_angle_deg(sequence_node), repetition_time_s(sequence_node)
    if angle is None or time is None:
        unknown = "flip angle" if angle is None else "repetition time"
        raise InputError(f"The {unknown} of '{name}' is not known, so there are no concentrations; enter it.")
    count = baseline_images(times, arrival_s) if baseline is None else int(baseline)
    if not 1 <= count < times.size:
        raise InputError(
            f"'{name}' has {max(count, 0)} of {times.size} images before the contrast agent arrives at {arrival_s:.1f} s; a baseline "
            "needs one or more. Check the arrival of the input, or give the number of images.",
        )
    return Conversion(times, angle, time, float(relaxivity), count)


def baseline_images(time_s, arrival_s: float) -> int:
    """Return how many images from the first on are before arrival; of four or more the last, which may hold the foot, is left out.

    :param time_s: (t,) times of the images [s]; ``arrival_s``: [s after the first image].
    """
    count = int(np.count_nonzero(np.asarray(time_s) < arrival_s))
    return count - 1 if count >= 4 else count


def tissue_t1(grid_node, t1_map, t1_s: float | None) -> np.ndarray | float:
    """Return the T1 before contrast [s] on the grid of a volume: (k, j, i) with NaN where the map has none, or one number.

    A map on another grid is interpolated between valid voxels only.

    :param grid_node: the volume.
    :param t1_map: T1 map node, or None.
    :param t1_s: the one T1, where there is no map.
    :raises InputError: both or none are given, the map is none of T1 or out of date, or the number is not one of seconds.
    """
    if (t1_map is None) == (t1_s is None):
        raise InputError("T1 before contrast is needed: choose a T1 map, or enter one T1 for all tissue (not both).")
    if t1_map is None:
        if not 0.01 <= t1_s <= 10:
            raise InputError(f"A T1 of {t1_s:g} s is none of tissue; enter seconds (0.8 s is 800 ms).")
        return float(t1_s)
    _require_t1(t1_map)
    values, _quantity = map_values(t1_map)
    if volume_geometry(t1_map, world=True).matches(volume_geometry(grid_node, world=True)):
        return values
    valid = _can_be_t1(values)
    resampled = array_on_grid_of(t1_map, grid_node, np.where(valid, values, 0.0))
    part_valid = array_on_grid_of(t1_map, grid_node, valid)
    return np.where(part_valid >= _ALL_OF_A_VOXEL, resampled, np.nan)


def tissue_at(t1_map, grid_node, voxel) -> tuple[float, float | None]:
    """Return T1 [s] and B1 (None: nominal) of a T1 map at one voxel (k, j, i) of a volume: what they are there on the volume's grid.

    :raises InputError: the map is none of T1 or out of date, or its B1 map is gone.
    """
    _require_t1(t1_map)
    mask_node, b1_node = validity_node(t1_map), b1_of_t1_map(t1_map)
    values = volume_array(t1_map)
    # The mask belongs to the map's own voxels, wherever a transform has moved one of them.
    valid = _can_be_t1(values) if mask_node is None else volume_array(mask_node) != 0
    values = np.where(valid, values, 0) if mask_node is None else values
    part_valid = value_on_grid_of(t1_map, grid_node, voxel, valid.view(np.uint8))
    t1 = value_on_grid_of(t1_map, grid_node, voxel, values) * map_factor(t1_map) if part_valid >= _ALL_OF_A_VOXEL else np.nan
    return t1, None if b1_node is None else value_on_grid_of(b1_node, grid_node, voxel) * b1_scale(b1_node)


def _require_t1(t1_map) -> None:
    quantity = map_quantity(t1_map)
    if quantity is None or quantity.key != "T1":
        raise InputError(f"Volume '{t1_map.GetName()}' is no T1 map; choose one, or enter one T1 for all tissue.")
    if reason := outdated_t1(t1_map):
        raise InputError(reason)


def _can_be_t1(values) -> np.ndarray:
    """Tell where a map has a T1; maps from elsewhere have 0 where there is none, which must not be mixed into their neighbours."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(values) & (values > 0)


def record_conversion(map_node, conversion: Conversion, t1_map, t1_s: float | None) -> None:
    """Write at a map with which settings signals became concentrations."""
    for attribute, value in {
        "HCC.Relaxivity": f"{conversion.relaxivity:g}",
        SERIES_FLIP_ANGLE: f"{conversion.flip_angle_deg:g}",
        SERIES_REPETITION_TIME: f"{conversion.repetition_time_s:g}",
        "HCC.BaselineImages": f"{conversion.baseline}",
        "HCC.T10": f"{t1_s:g} s" if t1_map is None else f"map '{t1_map.GetName()}'",
        "HCC.T10Voxels": "" if t1_map is None else _fingerprint(t1_map),
    }.items():
        map_node.SetAttribute(attribute, value)
    map_node.SetNodeReferenceID(T1_REFERENCE, None if t1_map is None else t1_map.GetID())


def outdated_conversion(map_node) -> str:
    """Return why a map from concentrations is out of date: T1, flip angle, TR or times were changed since; empty where it is not."""
    name, t1_map = map_node.GetName(), map_node.GetNodeReference(T1_REFERENCE)
    if t1_map is not None and _fingerprint(t1_map) != map_node.GetAttribute("HCC.T10Voxels"):
        return f"The T1 map '{t1_map.GetName()}' was computed again after '{name}' was; compute '{name}' again."
    if t1_map is not None and (reason := outdated_t1(t1_map)):
        return f"{reason} '{name}' was made with it and follows."
    changes = (protocol_change(map_node, one, "made", "compute it again") for one in map_sources(map_node))
    return next(filter(None, changes), "")


def _fingerprint(map_node) -> str:
    """Return what changes when the voxels of a map do."""
    return hashlib.blake2b(np.ascontiguousarray(volume_array(map_node)), digest_size=8).hexdigest()

"""Frames sorted into the slices of one regular grid."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError
from ..geometry import Geometry
from .series import Frame

__all__ = ["Slices", "sort_into_slices"]

COSINE_TOLERANCE = 1e-3
"""Largest difference of two direction cosines that counts as the same orientation (0.06 degrees)."""

SAME_SLICE_MM = 0.05
"""Frames nearer to each other than this along the slice normal lie in one slice."""

SIDEWAYS_MM = 0.1
"""Largest shift between slices within their planes; a rectangular grid cannot hold more."""

EVEN_FRACTION = 0.01
UNEVEN_FRACTION = 0.05
"""Slices off the even grid by at most 1 % of their distance are rounding; up to 5 % are accepted and noted; more is an error."""


@dataclass(frozen=True)
class Slices:
    """Where each frame lies.

    :param geometry: the grid; slices ascend along (row direction) x (column direction).
    :param index: slice number of each frame, int (frames,).
    :param notes: what was accepted although it is not ideal.
    """

    geometry: Geometry
    index: np.ndarray
    notes: tuple[str, ...]


def sort_into_slices(frames: Sequence[Frame], label: str) -> Slices:
    """Find the grid that the frames lie on; the slice distance comes from their positions, never from SliceThickness.

    A single slice has no distance: SpacingBetweenSlices is taken, else SliceThickness, and a note says so.

    :param frames: frames of one series (or of series that belong together), in any order.
    :param label: how messages name the series.
    :raises GeometryError: no positions; different matrix sizes, pixel sizes or orientations; slices that are missing,
        uneven by more than 5 % of their distance, or shifted sideways.
    """
    _check_same(label, "matrix sizes", Counter(f"{f.rows} x {f.columns}" for f in frames))
    lost = [f for f in frames if f.position_lps is None or f.row_direction_lps is None or f.pixel_spacing_mm is None]
    if lost:
        raise GeometryError(
            f"{label}: {len(lost)} of {len(frames)} images have no position, orientation or pixel spacing (first '{lost[0].name}'). "
            "Export the series again from the scanner or archive, without converting or anonymising these fields away.",
        )
    _check_same(label, "pixel sizes", Counter(f"{f.pixel_spacing_mm[0]:.3f} x {f.pixel_spacing_mm[1]:.3f} mm" for f in frames))
    row, column = _orientation(frames, label)
    normal = np.cross(row, column)

    positions = np.array([f.position_lps for f in frames])
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    index = np.empty(len(frames), dtype=int)
    index[order] = np.concatenate([[0], np.cumsum(np.diff(along[order]) > SAME_SLICE_MM)])
    places = np.bincount(index, weights=along) / np.bincount(index)

    sideways = positions - positions[order[0]]
    sideways = np.abs(sideways @ np.array([row, column]).T).max()
    if sideways > SIDEWAYS_MM:
        raise GeometryError(
            f"{label}: its slices are shifted against each other by up to {sideways:.2f} mm within their planes. "
            "They may come from several acquisitions or a patient who was moved; choose the images of one acquisition.",
        )
    spacing, notes = _spacing(places, frames, order, index, label)
    matrix = np.eye(4)
    matrix[:3, 0] = row * frames[0].pixel_spacing_mm[1]
    matrix[:3, 1] = column * frames[0].pixel_spacing_mm[0]
    matrix[:3, 2] = normal * spacing
    first = positions[order[0]]
    matrix[:3, 3] = first + normal * (places[0] - first @ normal)
    return Slices(Geometry((len(places), frames[0].rows, frames[0].columns), matrix), index, notes)


def _check_same(label: str, what: str, found: Counter) -> None:
    if len(found) > 1:
        listing = ", ".join(f"{value} ({count} images)" for value, count in found.most_common())
        raise GeometryError(f"{label} mixes images of different {what}: {listing}. Choose a series whose images are all of one kind.")


def _orientation(frames: Sequence[Frame], label: str) -> tuple[np.ndarray, np.ndarray]:
    cosines = np.array([f.row_direction_lps + f.column_direction_lps for f in frames])
    if np.abs(cosines - cosines[0]).max() > COSINE_TOLERANCE:
        planes = Counter(_plane_name(c) for c in cosines)
        if len(planes) == 1:
            planes = Counter(f"{_plane_name(c)} with normal ({', '.join(f'{x:.2f}' for x in np.cross(c[:3], c[3:]))})" for c in cosines)
        listing = ", ".join(f"{count} {name}" for name, count in planes.most_common())
        raise GeometryError(
            f"{label} mixes images of different orientations: {listing}. "
            "It may be a localizer, or several acquisitions under one series UID; choose a series of one orientation.",
        )
    row = cosines[0, :3]
    length = np.linalg.norm(row)
    column = cosines[0, 3:]
    if abs(length - 1) > 0.01 or abs(np.linalg.norm(column) - 1) > 0.01 or abs(row @ column) > 0.01:
        raise GeometryError(f"{label}: the orientation in its headers is no pair of perpendicular unit vectors. Export the series again.")
    row = row / length
    column = column - (column @ row) * row
    return row, column / np.linalg.norm(column)


def _plane_name(cosines: np.ndarray) -> str:
    normal = np.abs(np.cross(cosines[:3], cosines[3:]))
    return ("sagittal", "coronal", "axial")[int(normal.argmax())]


def _spacing(
    places: np.ndarray, frames: Sequence[Frame], order: np.ndarray, index: np.ndarray, label: str,
) -> tuple[float, tuple[str, ...]]:
    if len(places) == 1:
        frame = frames[0]
        for value, name in ((frame.slice_spacing_mm, "SpacingBetweenSlices"), (frame.slice_thickness_mm, "SliceThickness")):
            if value and abs(value) > 0:
                return abs(value), (f"{label} has one slice; its extent of {abs(value):g} mm is taken from {name}.",)
        raise GeometryError(f"{label} has one slice, and neither SpacingBetweenSlices nor SliceThickness says how thick it is.")
    steps = np.diff(places)
    usual = float(steps.min())
    multiples = np.rint(steps / usual)
    gaps = np.flatnonzero(multiples > 1)
    if len(gaps) and np.abs(steps / usual - multiples).max() <= 2 * UNEVEN_FRACTION:
        listing = "; ".join(
            f"{multiples[g] - 1:.0f} missing between {places[g]:.1f} and {places[g + 1]:.1f} mm "
            f"(after '{frames[order[np.searchsorted(index[order], g)]].name}')"
            for g in gaps[:5]
        )
        raise GeometryError(
            f"{label}: slices are missing. {len(places)} slices were found {usual:.2f} mm apart along the slice normal, "
            f"with gaps: {listing}. Export the whole series again.",
        )
    spacing = float((places[-1] - places[0]) / (len(places) - 1))
    off = float(np.abs(places - np.linspace(places[0], places[-1], len(places))).max())
    if off > UNEVEN_FRACTION * spacing:
        raise GeometryError(
            f"{label}: its slices are not evenly spaced: distances from {steps.min():.2f} to {steps.max():.2f} mm. "
            "Slices of two stacks may be mixed, or slices missing at regular places; export the series again.",
        )
    notes = []
    if off > EVEN_FRACTION * spacing:
        notes.append(
            f"{label}: slice distances vary from {steps.min():.3f} to {steps.max():.3f} mm; {spacing:.3f} mm is used, "
            f"which moves no slice by more than {off:.3f} mm.",
        )
    said = frames[0].slice_spacing_mm
    if said and abs(abs(said) - spacing) > UNEVEN_FRACTION * spacing:
        notes.append(f"{label}: its slices lie {spacing:.3f} mm apart, the header says {abs(said):.3f} mm; the positions are used.")
    return spacing, tuple(notes)

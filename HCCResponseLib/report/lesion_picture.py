"""Pictures of a lesion: one slice of a volume, cut out around it."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError, InputError
from ..geometry import Geometry
from ..response.quantities import find_quantity
from .colours import PART_COLOURS
from .montage import orientation_letters

__all__ = ["LesionPicture", "Overlay", "field_of_view_mm", "lesion_picture", "reference_window"]

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

MARGIN_MM = 12.0
"""Around the largest extent of the lesion, on each side."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """An outlined region on a picture.

    :param label: in words; stands in the legend.
    :param colour: "#rrggbb".
    :param mask: boolean (row, column), as the pixels.
    :param filled: tinted inside, not only outlined.
    """

    label: str
    colour: str
    mask: np.ndarray
    filled: bool = False

    def __post_init__(self):
        """Check the colour, which goes into style sheets too.

        :raises InputError: it is not like "#e69f00".
        """
        if not _COLOUR.fullmatch(self.colour):
            raise InputError(f"Outline '{self.label[:60]}': the colour must be like #e69f00, found '{self.colour[:60]}'.")


@dataclass(frozen=True, eq=False)
class LesionPicture:
    """A picture of a lesion at one examination, shown as radiologists do: the patient's right on the left, front or head up.

    :param lesion_uid: tracking UID; pictures of a lesion stand together in the report.
    :param time_point: index of the examination.
    :param title: what it shows ("T2", "ADC"); pictures of one title stand in a row.
    :param pixels: (row, column), in the shown unit; NaN is outside of the image or not valid, and black.
    :param pixel_mm: height and width of a pixel.
    :param window: lower and upper shown value.
    :param colour_map: name in matplotlib; any but "gray" gets a colour bar.
    :param unit: of the colour bar.
    :param overlays: outlined regions, drawn in this order.
    :param letters: sides of the patient at the left, right, upper and lower edge.
    :param field_mm: height and width that are shown, around the middle; the whole picture if None.
    :raises InputError: a field cannot be.
    """

    lesion_uid: str
    time_point: int
    title: str
    pixels: np.ndarray
    pixel_mm: tuple[float, float]
    window: tuple[float, float]
    colour_map: str = "gray"
    unit: str = ""
    overlays: tuple[Overlay, ...] = ()
    letters: tuple[str, str, str, str] = ("", "", "", "")
    field_mm: tuple[float, float] | None = None

    def __post_init__(self):
        """Check the fields."""
        pixels = np.asarray(self.pixels, dtype=float)
        where = f"Picture '{self.title[:60]}' of time point {self.time_point}"
        if pixels.ndim != 2 or not pixels.size:
            raise InputError(f"{where}: one slice of pixels (row, column) was expected, found the shape {pixels.shape}.")
        if len(self.pixel_mm) != 2 or not all(0.0 < one < math.inf for one in self.pixel_mm):
            raise InputError(f"{where}: pixels of {self.pixel_mm} mm cannot be.")
        if len(self.window) != 2 or not -math.inf < self.window[0] < self.window[1] < math.inf:
            raise InputError(f"{where}: the window {self.window} must be a lower and a higher number.")
        if self.field_mm is not None and not all(0.0 < one < math.inf for one in self.field_mm):
            raise InputError(f"{where}: a field of view of {self.field_mm} mm cannot be.")
        for overlay in self.overlays:
            if np.shape(overlay.mask) != pixels.shape:
                raise InputError(f"{where}: the outline '{overlay.label[:60]}' has {np.shape(overlay.mask)} pixels, not {pixels.shape}.")
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "overlays", tuple(self.overlays))


def field_of_view_mm(outlines: Iterable[tuple[np.ndarray, Geometry]], *, margin_mm: float = MARGIN_MM) -> float:
    """Return the side of the square that holds a lesion in all its pictures, in mm.

    :param outlines: mask (k, j, i) and its geometry, of every examination of the lesion.
    :param margin_mm: on each side around the largest extent in the slice that is shown.
    :raises InputError: no outline has a voxel, or a mask is not on its grid.
    """
    extents = []
    for mask, geometry in outlines:
        mask = _checked(mask, geometry, "an outline")
        if not mask.any():
            continue
        shown = mask[_largest_slice(mask)]
        for axis, spacing in ((0, geometry.spacing_mm[1]), (1, geometry.spacing_mm[0])):
            places = np.flatnonzero(shown.any(axis=1 - axis))
            extents.append((places[-1] - places[0] + 1) * spacing)
    if not extents:
        raise InputError("None of the outlines of this lesion has a voxel; there is nothing to show.")
    return float(max(extents) + 2.0 * margin_mm)


def lesion_picture(
    volume: np.ndarray,
    geometry: Geometry,
    lesion_mask: np.ndarray,
    *,
    lesion_uid: str,
    time_point: int,
    title: str,
    field_mm: float | None = None,
    parts: Sequence[tuple[str, np.ndarray]] = (),
    quantity: str = "",
    window: tuple[float, float] | None = None,
    colour_map: str | None = None,
    slice_index: int | None = None,
    outline: bool = True,
) -> LesionPicture:
    """Cut a lesion out of a volume, in the slice with its largest area.

    :param volume: (k, j, i); values of a quantity in its canonical unit, signals in any.
    :param lesion_mask: boolean (k, j, i) on the volume's grid.
    :param field_mm: side of the square that is shown; take that of :func:`field_of_view_mm` for all examinations of a lesion, so that
        sizes can be compared. Of this lesion alone if None.
    :param parts: label and mask of parts of the lesion; the labels viable, necrotic and haemorrhagic have colours of their own.
    :param quantity: key of :data:`..response.quantities.QUANTITIES` for a map: it gives unit, window and a colour map.
    :param window: lower and upper shown value, in the shown unit; of the quantity, else from the 1st to the 99th percentile.
    :param colour_map: "viridis" for a map and "gray" for signals if None.
    :param slice_index: another slice.
    :param outline: draw the outline of the lesion.
    :raises InputError: the lesion has no voxel in the volume, or nothing of it can be shown.
    :raises GeometryError: a mask is not on the volume's grid.
    """
    volume = np.asarray(volume)
    where = f"'{title[:60]}' of time point {time_point}"
    if volume.shape != geometry.shape:
        raise GeometryError(f"{where}: the volume has {volume.shape} voxels, its geometry {geometry.shape}.")
    mask = _checked(lesion_mask, geometry, where)
    if not mask.any():
        raise InputError(f"{where}: the lesion has no voxel in this volume; check that the outline lies in it.")
    k = _largest_slice(mask) if slice_index is None else slice_index
    if not 0 <= k < mask.shape[0] or not mask[k].any():
        raise InputError(f"{where}: slice {k} does not show the lesion.")
    side = field_of_view_mm([(mask, geometry)]) if field_mm is None else float(field_mm)
    pixel_mm = (geometry.spacing_mm[1], geometry.spacing_mm[0])
    cut = _Cut.around(mask[k], side, pixel_mm, _flips(geometry))
    shown = find_quantity(quantity) if quantity else None
    pixels = cut(volume[k].astype(float) * (shown.display_factor if shown else 1.0), math.nan)
    overlays = [
        Overlay(label, PART_COLOURS.get(label.casefold(), "#009e73"), cut(_checked(part, geometry, label)[k], False), filled=True)
        for label, part in parts
    ]
    overlays += [Overlay("lesion", PART_COLOURS["lesion"], cut(mask[k], False))] if outline else []
    return LesionPicture(
        lesion_uid,
        time_point,
        title,
        pixels,
        pixel_mm,
        window or (shown.window if shown and shown.window else None) or _percentiles(pixels, where),
        colour_map or ("viridis" if shown else "gray"),
        shown.display_unit.meaning if shown else "",
        tuple(one for one in overlays if one.mask.any()),
        cut.letters(orientation_letters(geometry)),
        (side, side),
    )


def reference_window(volume: np.ndarray, reference_mask: np.ndarray) -> tuple[float, float]:
    """Return a window in which a reference region has the same grey in all examinations, so that signals can be compared by eye.

    :param volume: signals (k, j, i) of T1 or T2; not of a subtraction, whose reference is about 0.
    :param reference_mask: boolean (k, j, i), such as normal liver.
    :raises InputError: the region is empty, or has no signal above 0.
    """
    values = np.asarray(volume, dtype=float)[np.asarray(reference_mask, dtype=bool)]
    values = values[np.isfinite(values)]
    middle = float(np.median(values)) if values.size else 0.0
    if middle <= 0.0:
        raise InputError("The reference region has no signal above 0; it gives no window for the pictures.")
    return 0.0, 2.5 * middle


@dataclass(frozen=True)
class _Cut:
    """Which pixels of a slice are cut out, beyond its edges too, and which axes are turned round."""

    start: tuple[int, int]
    size: tuple[int, int]
    flips: tuple[bool, bool]

    @classmethod
    def around(cls, mask: np.ndarray, side_mm: float, pixel_mm: tuple[float, float], flips: tuple[bool, bool]) -> "_Cut":
        """Centre a square on the extent of the mask; an odd number of pixels, or even, as that extent, so that it is centred exactly."""
        start, size = [], []
        for axis in (0, 1):
            places = np.flatnonzero(mask.any(axis=1 - axis))
            first, last = int(places[0]), int(places[-1])
            count = math.ceil(side_mm / pixel_mm[axis])
            count += (count - (last - first + 1)) % 2
            start.append((first + last + 1 - count) // 2)
            size.append(count)
        return cls(tuple(start), tuple(size), flips)

    def __call__(self, plane: np.ndarray, beyond) -> np.ndarray:
        """Cut a plane; pixels beyond its edge are ``beyond``."""
        result = np.full(self.size, beyond, dtype=plane.dtype)
        inside = [slice(max(s, 0), min(s + n, limit)) for s, n, limit in zip(self.start, self.size, plane.shape, strict=True)]
        there = tuple(slice(one.start - s, one.stop - s) for one, s in zip(inside, self.start, strict=True))
        result[there] = plane[tuple(inside)]
        return result[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]

    def letters(self, letters: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
        left, right, top, bottom = letters
        if self.flips[1]:
            left, right = right, left
        if self.flips[0]:
            top, bottom = bottom, top
        return left, right, top, bottom


def _flips(geometry: Geometry) -> tuple[bool, bool]:
    """Return whether rows and columns run against the habit of radiologists."""
    left, _right, top, _bottom = orientation_letters(geometry)
    return top in ("P", "I", "L"), left in ("L", "P", "I")


def _checked(mask: np.ndarray, geometry: Geometry, where: str) -> np.ndarray:
    mask = np.asarray(mask)
    if mask.shape != geometry.shape:
        raise GeometryError(f"{where}: the outline has {mask.shape} voxels, the image {geometry.shape}; resample one of them first.")
    return mask.astype(bool)


def _largest_slice(mask: np.ndarray) -> int:
    return int(mask.sum(axis=(1, 2)).argmax())


def _percentiles(pixels: np.ndarray, where: str) -> tuple[float, float]:
    valid = pixels[np.isfinite(pixels)]
    if not valid.size:
        raise InputError(f"{where}: no voxel around the lesion has a valid value.")
    low, high = (float(one) for one in np.percentile(valid, (1, 99)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)

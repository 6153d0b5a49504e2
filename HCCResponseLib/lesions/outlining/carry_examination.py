"""Carrying outlines to another examination: each keeps its identity and waits there as a proposal."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...geometry import Geometry
from ...progress import Progress, report_progress
from ..inputs import require_mask
from .grid import box_of, kji_to_lps, lps_to_kji, spacing_kji
from .local_shift import SHIFTED_MM
from .registration import Registration

__all__ = ["CarriedOutline", "carry_outlines"]

_NOTED_CHANGE = 0.1  # of the volume, from resampling or deformation alone


@dataclass(frozen=True)
class CarriedOutline:
    """An outline on another examination.

    :param tracking_uid: identity of the lesion, unchanged.
    :param mask: bool (k, j, i) on the target's grid; empty when the lesion lies outside it.
    :param source_ml: volume of the outline it comes from; ``volume_ml`` is its own.
    :param inside: share of the outline, 0 to 1, that lies within the target image.
    :param status: "proposed": nobody has accepted it yet.
    :param notes: sentences for the user.
    """

    tracking_uid: str
    mask: np.ndarray
    source_ml: float
    volume_ml: float
    inside: float
    status: str = "proposed"
    notes: tuple[str, ...] = ()


def carry_outlines(
    outlines: Mapping[str, np.ndarray],
    source_geometry: Geometry,
    target_geometry: Geometry,
    registration: Registration,
    *,
    method: str = "distance",
    despite_problems: bool = False,
    progress: Progress | None = None,
) -> dict[str, CarriedOutline]:
    """Resample outlines onto another examination's grid.

    :param outlines: masks (k, j, i) on the source's grid by tracking UID of the lesion.
    :param registration: from the source to the target.
    :param method: "distance" samples the signed distance to the outline linearly: smooth between slices, volume kept.
        "nearest" takes the nearest voxel of the source, which may change a small lesion's volume by a quarter. On the same
        grid without motion both return the outline exactly.
    :param despite_problems: carry although the registration failed its checks; its problems become notes.
    :param progress: told the finished fraction; may cancel.
    :raises InputError: an outline is empty, the method is unknown, or the registration failed its checks.
    :raises GeometryError: an outline does not lie on the source's grid, or the grid is sheared.
    :raises Cancelled: the progress callback said so.
    """
    if method not in ("distance", "nearest"):
        raise InputError(f"Outlines are carried by 'distance' or 'nearest', not by {method!r}.")
    if registration.problems and not despite_problems:
        raise InputError("The two examinations were not registered safely. " + " ".join(registration.problems))
    masks = {uid: require_mask(mask, source_geometry, f"lesion {uid}") for uid, mask in outlines.items()}
    carried = {}
    for number, (uid, mask) in enumerate(masks.items()):
        report_progress(progress, number / len(masks))
        carried[uid] = _carry(uid, mask, source_geometry, target_geometry, registration, method)
    report_progress(progress, 1.0)
    return carried


def _carry(uid, mask, source_geometry, target_geometry, registration, method):
    voxels = np.argwhere(mask)
    places = lps_to_kji(target_geometry, registration.to_target(kji_to_lps(source_geometry, voxels)))
    shape = np.array(target_geometry.shape)
    within = np.all((places >= -0.5) & (places <= shape - 0.5), axis=1)
    inside = float(within.mean())
    notes = list(registration.problems)
    shifted = registration.local and registration.local.largest(kji_to_lps(source_geometry, voxels[:: 1 + len(voxels) // 500]))
    if shifted and shifted[0] > SHIFTED_MM:
        notes.append(f"The tissue round the lesion lies about {shifted[0]:.0f} mm from where the registration puts it; move the outline.")
    result = np.zeros(target_geometry.shape, bool)
    if within.any():
        # A voxel of the source may cover several of the target; the box must hold them all.
        margin = np.max(spacing_kji(source_geometry)) / spacing_kji(target_geometry) + 1
        first = np.clip(np.floor(places.min(axis=0) - margin), 0, shape - 1).astype(int)
        last = np.clip(np.ceil(places.max(axis=0) + margin) + 1, first + 1, shape).astype(int)
        box = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        indices = np.stack(np.meshgrid(*(np.arange(part.start, part.stop) for part in box), indexing="ij"), axis=-1)
        sources = lps_to_kji(source_geometry, registration.to_source(kji_to_lps(target_geometry, indices)))
        result[box] = _sampled(mask, source_geometry, np.moveaxis(sources, -1, 0), method)
        if not result.any():
            nearest = places[within].mean(axis=0)
            result[tuple(np.clip(np.rint(nearest), 0, shape - 1).astype(int))] = True
            notes.append("The lesion is smaller than a voxel of the later image; one voxel marks its place.")
    source_ml, volume_ml = len(voxels) * source_geometry.voxel_volume_ml, np.count_nonzero(result) * target_geometry.voxel_volume_ml
    if inside == 0:
        notes.append("The lesion lies outside the later image.")
    elif inside < 1:
        notes.append(f"Only {inside:.0%} of the lesion lies within the later image.")
    elif abs(volume_ml - source_ml) > _NOTED_CHANGE * source_ml:
        notes.append(f"Carrying alone changed the volume from {source_ml:.3g} to {volume_ml:.3g} mL.")
    return CarriedOutline(uid, result, source_ml, volume_ml, inside, notes=tuple(notes))


def _sampled(mask, geometry, coordinates, method):
    """Whether points, given as continuous indices (3, ...), are inside a mask."""
    if method == "nearest":
        return ndimage.map_coordinates(mask.astype(np.uint8), coordinates, order=0, mode="constant", cval=0).astype(bool)
    spacing = spacing_kji(geometry)
    box = box_of(mask, 2)
    # Beyond the border of the image nothing was outlined; a padding of False says so.
    inside = np.pad(mask[box], 2)
    depth = ndimage.distance_transform_edt(~inside, sampling=spacing) - ndimage.distance_transform_edt(inside, sampling=spacing)
    first = np.array([part.start - 2 for part in box]).reshape(3, *(1,) * (coordinates.ndim - 1))
    return ndimage.map_coordinates(depth, coordinates - first, order=1, mode="nearest") <= 0

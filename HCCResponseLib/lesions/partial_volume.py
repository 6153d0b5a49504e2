"""Partial volume: which voxels of a coarse image hold one tissue alone, and what a tissue's signal is where none does.

Outlines are drawn on fine images; maps of diffusion and perfusion have larger voxels. A voxel on the border of two tissues has
the sum of both signals in the parts that each fills of it, and the maps of it are of neither: a T1 between that of viable tumour
and of haemorrhage is a tenth too short, a Ktrans a tenth too high. Two ways out:

- :func:`pure_voxels`: only voxels that lie in the region with their whole extent, and a margin if asked for.
- :func:`part_signal`: the signal that the tissue would have alone, by least squares over the voxels that it mostly fills, with
  the part that each neighbouring tissue has of every voxel known from the outlines (the geometric transfer matrix of Rousset et
  al., J Nucl Med 1998;39:904, applied to signals, which add, and not to maps, which do not). For parts as thin as a voxel.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..geometry import Geometry
from .inputs import crop_to_mask, require_mask
from .subvoxel import LAYERS, edge_field

__all__ = ["FEWEST_VOXELS", "LEAST_SHARE", "PartFractions", "part_fractions", "part_signal", "pure_voxels"]

LEAST_SHARE = 0.8
"""Only voxels that a part fills by this share tell its signal: the less has to be taken off, the less an error of the outline weighs."""

FEWEST_VOXELS = 8
"""Fewer voxels than this do not tell the signals of three tissues."""

_SAMPLES_PER_VOXEL = 2
"""Sample points along each axis in the smallest side of an outline's voxel."""

_MARGIN = LAYERS + 1


def pure_voxels(mask: np.ndarray, outlined: Geometry, image: Geometry, *, erode_mm: float = 0.0) -> np.ndarray:
    """Return the voxels of an image that lie inside a region with their whole extent.

    :param mask: bool, shape (k, j, i) of ``outlined``.
    :param outlined: grid that the region was outlined on.
    :param image: grid of the image.
    :param erode_mm: how much farther inside: the voxel, grown by this on every side, must lie in the region.
    :return: bool, shape of ``image``; all False where the region is thinner than the voxels.
    :raises InputError: the mask is empty, or the margin negative.
    :raises GeometryError: mask and grid do not fit.
    """
    mask = require_mask(mask, outlined, "region")
    if not (np.isfinite(erode_mm) and erode_mm >= 0.0):
        raise InputError(f"The margin inside a region must be 0 mm or more, not {erode_mm} mm.")
    result = np.zeros(image.shape, dtype=bool)
    box = _box(mask, outlined, image)
    if box is None:
        return result
    crop, first, _touches = crop_to_mask(mask, 1)
    half = [0.5 + erode_mm / side for side in image.spacing_mm[::-1]]
    # A hair inside, so that a voxel on the very same grid is itself and not its neighbour.
    offsets = [0.999999 * h * _ends(2 * h * side, outlined) for h, side in zip(half, image.spacing_mm[::-1], strict=True)]
    to_mask = _index_matrix(image, outlined)
    left = np.stack([axis.ravel() for axis in np.mgrid[box]])
    for offset in itertools.product(*offsets):
        at = np.rint(to_mask[:3, :3] @ (left + np.array(offset)[:, None]) + to_mask[:3, 3:]).astype(int) - first[:, None]
        known = np.all((at >= 0) & (at < np.array(crop.shape)[:, None]), axis=0)
        left = left[:, known & crop[tuple(np.where(known, at, 0))]]
        if not left.size:
            break
    result[tuple(left)] = True
    return result


@dataclass(frozen=True, eq=False)
class PartFractions:
    """Share of each voxel of an image that each tissue in and around a lesion fills; they add up to 1.

    :param box: where in the image, a slice for each axis; the arrays have its shape.
    :param viable: share of the viable part; ``dead``: of the necrotic part, haemorrhage included; ``around``: of what is outside.
    """

    box: tuple[slice, slice, slice]
    viable: np.ndarray
    dead: np.ndarray
    around: np.ndarray


def part_fractions(lesion: np.ndarray, dead: np.ndarray, outlined: Geometry, image: Geometry) -> PartFractions:
    """Tell how much of each voxel of an image the parts of a lesion fill, from smooth surfaces through their outlines.

    :param lesion: mask of the whole lesion, bool, shape (k, j, i) of ``outlined``.
    :param dead: mask of its necrotic part, same shape; may be all False.
    :param outlined: grid of the masks.
    :param image: grid of the image.
    :raises InputError: the lesion is empty, or lies beside the image.
    :raises GeometryError: masks and grid do not fit.
    """
    lesion = require_mask(lesion, outlined)
    box = _box(lesion, outlined, image)
    if box is None:
        raise InputError("The lesion lies beside the image.")
    shape = [part.stop - part.start for part in box]
    counts = [len(_ends(side, outlined)) for side in image.spacing_mm[::-1]]
    centres = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    surfaces = [_surface(mask, outlined) for mask in (lesion, lesion & dead) if mask.any()]
    to_mask = _index_matrix(image, outlined)
    shares = np.zeros((2, *shape))
    voxels = np.stack([axis.ravel() for axis in np.mgrid[box]])
    for offset in itertools.product(*centres):
        at = to_mask[:3, :3] @ (voxels + np.array(offset)[:, None]) + to_mask[:3, 3:]
        inside = [_inside(surface, at).reshape(shape) for surface in surfaces]
        shares[0] += inside[0]
        if len(inside) > 1:
            shares[1] += inside[0] & inside[1]
    shares /= np.prod(counts)
    return PartFractions(box, shares[0] - shares[1], shares[1], 1.0 - shares[0])


def part_signal(signals: np.ndarray, fractions: PartFractions, part: str, *, least_share: float = LEAST_SHARE) -> tuple[np.ndarray, int]:
    """Return the signal of one part of a lesion alone, and the number of voxels that tell it.

    :param signals: magnitude signals, shape (k, j, i) of the image + (samples,).
    :param part: "viable" or "dead".
    :param least_share: voxels that the part fills by less are left out.
    :return: signal, shape (samples,), float64.
    :raises InputError: an unknown part, or one so thin that too few voxels tell its signal.
    """
    if part not in ("viable", "dead"):
        raise InputError(f"The parts of a lesion are viable and dead, not '{part}'.")
    own, other = (fractions.viable, fractions.dead)[:: 1 if part == "viable" else -1]
    inside = signals[fractions.box].astype(np.float64)
    used = (own >= least_share) & np.all(np.isfinite(inside), axis=-1)
    count = int(np.count_nonzero(used))
    if count < FEWEST_VOXELS:
        raise InputError(
            f"Only {count} voxels of the image are filled by the {part} part of the lesion by {100 * least_share:.0f} % or more; "
            f"{FEWEST_VOXELS} are needed to tell its signal.",
        )
    shares = np.stack([own[used], other[used], fractions.around[used]], axis=1)
    # A tissue of which the voxels hold less than one voxel in all says nothing of its own signal.
    told = shares.sum(axis=0) >= 1.0
    told[0] = True
    shares[:, 0] += shares[:, ~told].sum(axis=1)
    solution = np.linalg.lstsq(shares[:, told], inside[used], rcond=None)[0]
    return solution[0], count


def _index_matrix(image: Geometry, outlined: Geometry) -> np.ndarray:
    """4 x 4 matrix from (k, j, i, 1) of the image to (k, j, i, 1) of the outline."""
    matrix = np.linalg.inv(outlined.ijk_to_lps) @ image.ijk_to_lps
    order = [2, 1, 0, 3]
    return matrix[np.ix_(order, order)]


def _box(mask: np.ndarray, outlined: Geometry, image: Geometry) -> tuple[slice, slice, slice] | None:
    """Voxels of the image that a mask may reach, or None."""
    used = [np.flatnonzero(mask.any(axis=other)) for other in ((1, 2), (0, 2), (0, 1))]
    ends = [(along[0] - 1, along[-1] + 1) for along in used]
    corners = np.array([[k, j, i, 1.0] for k in ends[0] for j in ends[1] for i in ends[2]]).T
    at = (np.linalg.inv(_index_matrix(image, outlined)) @ corners)[:3]
    low = np.maximum(np.floor(at.min(axis=1)).astype(int), 0)
    high = np.minimum(np.ceil(at.max(axis=1)).astype(int) + 1, image.shape)
    return tuple(map(slice, low.tolist(), high.tolist())) if np.all(high > low) else None


def _ends(length_mm: float, outlined: Geometry) -> np.ndarray:
    """Positions from -1 to 1 along a length, dense enough for the outline's voxels."""
    return np.linspace(-1.0, 1.0, int(np.ceil(_SAMPLES_PER_VOXEL * length_mm / min(outlined.spacing_mm))) + 1)


def _surface(mask: np.ndarray, outlined: Geometry) -> tuple[np.ndarray, np.ndarray]:
    crop, first, _touches = crop_to_mask(mask, _MARGIN)
    return edge_field(crop, outlined.ijk_to_lps[:3, :3].T[::-1]).astype(np.float32), first


def _inside(surface: tuple[np.ndarray, np.ndarray], at: np.ndarray) -> np.ndarray:
    field, first = surface
    return ndimage.map_coordinates(field, at - first[:, None], order=1, cval=-1.0) > 0.0

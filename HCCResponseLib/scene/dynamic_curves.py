"""Curves of single voxels of a dynamic series, without a copy of the whole series."""

import numpy as np

from ..errors import GeometryError, InputError
from .dynamic_series import shown_volume
from .volumes import ijk_to_world, volume_array, volume_geometry

__all__ = ["grid_volume", "read_curves", "voxel_at"]


def grid_volume(sequence_node):
    """Return a volume that lies where the images of a dynamic series do: the one that shows it, or its first image.

    :raises InputError: no sequence, or it holds no images.
    :raises GeometryError: what shows it was moved by itself: outlines drawn there would not fit the images.
    """
    if sequence_node is None or sequence_node.GetNumberOfDataNodes() == 0:
        raise InputError("No dynamic series with images was chosen.")
    first, shown = sequence_node.GetNthDataNode(0), shown_volume(sequence_node)
    if shown is None or shown.GetImageData() is None:
        return first
    if not volume_geometry(shown).matches(volume_geometry(first)):
        raise GeometryError(
            f"'{shown.GetName()}' does not lie where the images of its series do: a transform was hardened on it, or it was resampled. "
            "Show another image of the series and put the transform above it instead.",
        )
    return shown


def read_curves(sequence_node, voxels) -> np.ndarray:
    """Return the signals of some voxels over time, float32 (n, t).

    :param voxels: (n,) indices into the flattened images (k, j, i).
    """
    images = sequence_node.GetNumberOfDataNodes()
    curves = np.empty((len(voxels), images), np.float32)
    for number in range(images):
        curves[:, number] = volume_array(sequence_node.GetNthDataNode(number)).reshape(-1)[voxels]
    return curves


def voxel_at(volume_node, point_ras) -> tuple[int, int, int] | None:
    """Return the voxel (k, j, i) of a volume that a point (world, RAS mm) lies in; None beside the volume.

    :raises GeometryError: a parent transform is not linear.
    """
    position = (np.linalg.inv(ijk_to_world(volume_node)) @ [*point_ras, 1.0])[2::-1]
    voxel = tuple(int(n) for n in np.rint(position))
    return voxel if all(0 <= n < size for n, size in zip(voxel, volume_array(volume_node).shape, strict=True)) else None

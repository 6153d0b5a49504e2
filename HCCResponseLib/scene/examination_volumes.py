"""The voxels of a volume on the grid of another one."""

import numpy as np

from .volumes import ijk_to_world, volume_array, volume_geometry

__all__ = ["array_on_grid_of", "value_on_grid_of"]


def array_on_grid_of(volume_node, reference_node, voxels=None) -> np.ndarray:
    """Return the voxels of a volume on the grid of another one, both where their transforms place them: (k, j, i).

    On one grid these are its own voxels; else float32, interpolated linearly, NaN where the volume does not reach.

    :param voxels: (k, j, i) other values for the voxels of the volume; None: its own.
    :raises InputError: a node is missing or has no voxels.
    :raises GeometryError: a parent transform is not linear.
    """
    voxels = volume_array(volume_node) if voxels is None else voxels
    grid = volume_geometry(reference_node, world=True)
    if volume_geometry(volume_node, world=True).matches(grid):
        return voxels
    from scipy import ndimage

    # Index vectors are (i, j, k) in matrices and (k, j, i) in arrays.
    to_index = np.linalg.inv(ijk_to_world(volume_node)) @ ijk_to_world(reference_node)
    matrix, offset = to_index[2::-1, 2::-1], to_index[2::-1, 3]
    values = voxels.astype(np.float32)
    return ndimage.affine_transform(values, matrix, offset, grid.shape, order=1, mode="constant", cval=np.nan)


def value_on_grid_of(volume_node, reference_node, voxel, voxels=None) -> float:
    """Return one voxel (k, j, i) of what :func:`array_on_grid_of` gives."""
    from scipy import ndimage

    voxels = volume_array(volume_node) if voxels is None else voxels
    position = (np.linalg.inv(ijk_to_world(volume_node)) @ ijk_to_world(reference_node) @ [*voxel[::-1], 1.0])[2::-1, None]
    # A voxel's own centre must not fall into its neighbour by rounding.
    position = np.where(np.abs(position - np.rint(position)) < 1e-6, np.rint(position), position)
    return float(ndimage.map_coordinates(voxels, position, np.float64, order=1, cval=np.nan)[0])

"""Solid shapes with known truth on any grid, for the tests of lesion measurements."""

import numpy as np

from HCCResponseLib.geometry import Geometry

__all__ = ["box_geometry", "ellipsoid", "positions", "rotation"]


def rotation(axis, angle_deg: float) -> np.ndarray:
    """Rotation matrix about an axis (Rodrigues)."""
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.radians(angle_deg)
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def box_geometry(extent_mm: float, spacing_mm, direction=None, centre_lps=(0.0, 0.0, 0.0)) -> Geometry:
    """Grid of a cube of ``extent_mm`` around a point, with the spacing (i, j, k) and the direction columns given."""
    direction = np.eye(3) if direction is None else direction
    size = np.ceil(extent_mm / np.asarray(spacing_mm)).astype(int)
    origin = np.asarray(centre_lps) - direction @ (0.5 * (size - 1) * np.asarray(spacing_mm))
    return Geometry.from_parts(tuple(size[::-1]), spacing_mm, origin, direction)


def positions(geometry: Geometry) -> np.ndarray:
    """LPS position of every voxel centre, shape (k, j, i, 3)."""
    k, j, i = np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij")
    return np.stack([i, j, k], axis=-1) @ geometry.ijk_to_lps[:3, :3].T + geometry.ijk_to_lps[:3, 3]


def ellipsoid(geometry: Geometry, centre_lps, semi_axes_mm, axes=None) -> np.ndarray:
    """Voxels whose centre lies in an ellipsoid; the columns of ``axes`` are the directions of its semi-axes."""
    axes = np.eye(3) if axes is None else axes
    local = (positions(geometry) - np.asarray(centre_lps)) @ axes
    return (((local / np.asarray(semi_axes_mm)) ** 2).sum(axis=-1)) <= 1.0

"""Where the voxels of an array lie in the patient.

An image array is indexed (k, j, i): slices first, columns last, as SimpleITK and Slicer hand arrays to NumPy.
Matrices work on homogeneous (i, j, k, 1) column vectors, millimetres, in DICOM's LPS unless the name says RAS.
"""

from dataclasses import dataclass

import numpy as np

from .errors import GeometryError

__all__ = ["LPS_TO_RAS", "Geometry"]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Flips the first two axes; its own inverse."""


@dataclass(frozen=True)
class Geometry:
    """Grid of an image volume.

    :param shape: number of voxels (k, j, i).
    :param ijk_to_lps: 4 x 4 matrix from voxel indices (i, j, k, 1) of voxel centres to LPS millimetres.
    """

    shape: tuple[int, int, int]
    ijk_to_lps: np.ndarray

    def __post_init__(self):
        """Check and freeze the fields.

        :raises GeometryError: the shape is not three positive numbers or the matrix cannot be inverted.
        """
        matrix = np.array(self.ijk_to_lps, dtype=float)
        shape = tuple(int(n) for n in self.shape)
        if len(shape) != 3 or min(shape) < 1:
            raise GeometryError(f"An image volume needs three positive dimensions, found {self.shape}.")
        if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)) or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            raise GeometryError("The image orientation and spacing do not describe a volume (singular matrix).")
        matrix.setflags(write=False)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "ijk_to_lps", matrix)

    @classmethod
    def from_parts(cls, shape, spacing_mm, origin_lps=(0.0, 0.0, 0.0), direction_lps=None) -> "Geometry":
        """Make a geometry from spacing (i, j, k), LPS origin of the first voxel's centre and 3 x 3 direction columns."""
        matrix = np.eye(4)
        direction = np.eye(3) if direction_lps is None else np.asarray(direction_lps, dtype=float).reshape(3, 3)
        matrix[:3, :3] = direction * np.asarray(spacing_mm, dtype=float)
        matrix[:3, 3] = origin_lps
        return cls(shape, matrix)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along i, j, k."""
        return tuple(float(x) for x in np.linalg.norm(self.ijk_to_lps[:3, :3], axis=0))

    @property
    def origin_lps(self) -> tuple[float, float, float]:
        """Centre of voxel (0, 0, 0)."""
        return tuple(float(x) for x in self.ijk_to_lps[:3, 3])

    @property
    def direction_lps(self) -> np.ndarray:
        """3 x 3 matrix whose columns are the unit vectors of i, j, k."""
        return self.ijk_to_lps[:3, :3] / np.asarray(self.spacing_mm)

    @property
    def ijk_to_ras(self) -> np.ndarray:
        """4 x 4 matrix from voxel indices to Slicer's RAS millimetres."""
        return LPS_TO_RAS @ self.ijk_to_lps

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in mL (right for sheared grids too)."""
        return float(abs(np.linalg.det(self.ijk_to_lps[:3, :3]))) / 1000.0

    def matches(self, other: "Geometry", tolerance_mm: float = 0.01) -> bool:
        """Tell whether the two grids have equal shape and every corner voxel agrees within ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        corners = np.array(
            [[i, j, k, 1.0] for i in (0, self.shape[2] - 1) for j in (0, self.shape[1] - 1) for k in (0, self.shape[0] - 1)],
        ).T
        return bool(np.abs((self.ijk_to_lps - other.ijk_to_lps) @ corners).max() <= tolerance_mm)

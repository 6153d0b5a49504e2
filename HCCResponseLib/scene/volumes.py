"""Volume nodes from arrays with their geometry, and back.

Arrays are (k, j, i), as ``slicer.util.arrayFromVolume`` has them; a :class:`~HCCResponseLib.geometry.Geometry` is in LPS, MRML in RAS.
"""

import numpy as np
import slicer
import vtk

from ..errors import GeometryError, InputError
from ..geometry import LPS_TO_RAS, Geometry
from .escaped_text import safe_node_name

__all__ = ["add_volume", "ijk_to_world", "transform_to_world", "update_volume", "volume_array", "volume_geometry"]


def add_volume(array, geometry: Geometry, name: str, *, node_class: str = "vtkMRMLScalarVolumeNode"):
    """Add a volume node to the scene; float32 stays float32, boolean becomes unsigned 8 bit.

    :param array: (k, j, i) voxel values; copied.
    :param name: see :func:`.escaped_text.safe_node_name`.
    :raises InputError: the array does not have the shape of the geometry.
    """
    array = _checked(array, geometry.shape, name)
    return slicer.util.addVolumeFromArray(array, ijkToRAS=geometry.ijk_to_ras, name=safe_node_name(name), nodeClassName=node_class)


def update_volume(volume_node, array, geometry: Geometry | None = None) -> None:
    """Write new voxel values into a volume node, in place where shape and type allow, and announce the change.

    :param array: (k, j, i); must have the shape of ``geometry``, or of the volume where no geometry is given.
    :raises InputError: the shape does not fit; the volume is then as it was.
    """
    shape = geometry.shape if geometry else volume_array(volume_node).shape
    array = _checked(array, shape, volume_node.GetName())
    with slicer.util.NodeModify(volume_node):
        if geometry:
            volume_node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(geometry.ijk_to_ras))
        current = slicer.util.arrayFromVolume(volume_node) if volume_node.GetImageData() else None
        if current is not None and current.shape == array.shape and current.dtype == array.dtype:
            current[:] = array
            slicer.util.arrayFromVolumeModified(volume_node)
        else:
            slicer.util.updateVolumeFromArray(volume_node, array)


def volume_array(volume_node) -> np.ndarray:
    """Return the voxels (k, j, i) of a scalar volume: a read-only view, not a copy. Write with :func:`update_volume`.

    :raises InputError: the node is missing, has no voxels, or has several values per voxel.
    """
    if volume_node is None:
        raise InputError("No volume was chosen.")
    image = volume_node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        raise InputError(f"Volume '{volume_node.GetName()}' has no voxels; load its image first.")
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError(
            f"Volume '{volume_node.GetName()}' has {image.GetNumberOfScalarComponents()} values per voxel; a volume with one is needed.",
        )
    array = slicer.util.arrayFromVolume(volume_node).view()
    array.flags.writeable = False
    return array


def volume_geometry(volume_node, *, world: bool = False) -> Geometry:
    """Return the grid of a volume, in its own coordinates or, with its parent transforms applied, in the world's.

    :raises GeometryError: ``world`` is asked for and a parent transform is not linear.
    """
    shape = volume_array(volume_node).shape
    return Geometry(shape, LPS_TO_RAS @ (ijk_to_world(volume_node) if world else _ijk_to_ras(volume_node)))


def ijk_to_world(volume_node) -> np.ndarray:
    """Return the 4 x 4 matrix from voxel indices (i, j, k, 1) to RAS world coordinates, all parent transforms applied.

    :raises GeometryError: a parent transform is not linear.
    """
    return transform_to_world(volume_node) @ _ijk_to_ras(volume_node)


def transform_to_world(node) -> np.ndarray:
    """Return the 4 x 4 matrix from a node's own RAS coordinates to the world's: the product of its parent transforms.

    :raises GeometryError: a parent transform is not linear.
    """
    parent = node.GetParentTransformNode()
    matrix = vtk.vtkMatrix4x4()
    if parent is not None:
        if not parent.IsTransformToWorldLinear():
            raise GeometryError(
                f"'{node.GetName()}' is under the non-linear transform '{parent.GetName()}': the grid is bent, so voxels cannot be paired. "
                "Harden the transform (Transforms module), or take the node out of it.",
            )
        parent.GetMatrixTransformToWorld(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def _ijk_to_ras(volume_node) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def _checked(array, shape, name: str) -> np.ndarray:
    array = np.asarray(array)
    if array.shape != tuple(shape):
        raise InputError(f"Volume '{name}': the image has {array.shape} voxels (slices, rows, columns), its geometry {tuple(shape)}.")
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype.kind not in "iuf":
        raise InputError(f"Volume '{name}': values of type {array.dtype} cannot be shown; integer or floating point numbers are needed.")
    return array

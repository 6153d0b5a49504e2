"""Masks into segments, and out of them on the segmentation's own grid.

A segmentation has one grid: that of its labelmaps, or of its reference image while it is empty; the first mask written sets it.
A mask on that grid goes in voxel by voxel. A mask on another one is looked up at the voxel centres of the segmentation's grid,
because writing a second grid would make Slicer resample the other segments of the layer, and all of them when it saves.

Everything goes through Slicer's segmentation logic: overlapping segments stay as they are, other representations follow, and
a state saved before (:mod:`.undo`, or the Segment Editor's own) brings all of it back.
"""

import itertools

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..errors import InputError
from ..geometry import LPS_TO_RAS, Geometry
from .segment_tags import require_segment
from .segments import segment_ids, segment_mask
from .volumes import transform_to_world, volume_array, volume_geometry

__all__ = ["add_segment", "is_empty", "reference_volume", "segment_on_own_grid", "set_mask_on_grid", "set_segment_mask"]

_SAME_GRID_MM = 0.01
_ROUNDING = 1e-5
"""Voxels; as in segments.py."""


def add_segment(segmentation_node, name: str) -> str:
    """Add an empty segment and return its ID.

    :raises InputError: the segmentation is not kept as binary labelmaps.
    """
    _require_labelmaps(segmentation_node)
    return segmentation_node.GetSegmentation().AddEmptySegment("", name)


def reference_volume(segmentation_node):
    """Return the volume that a segmentation was drawn on (Slicer's reference geometry), or None."""
    return segmentation_node.GetNodeReference(segmentation_node.GetReferenceImageGeometryReferenceRole())


def is_empty(segmentation_node, segment_id: str) -> bool:
    """Tell whether nothing is painted in a segment.

    :raises InputError: there is no such segment.
    """
    segment = require_segment(segmentation_node, segment_id)
    source = segment.GetRepresentation(segmentation_node.GetSegmentation().GetSourceRepresentationName())
    if isinstance(source, slicer.vtkOrientedImageData):
        return not _inside(source, segment.GetLabelValue()).any()
    return source is None or source.GetNumberOfPoints() == 0


def set_segment_mask(segmentation_node, segment_id: str, mask, volume_node, *, add: bool = False) -> None:
    """Write a mask into a segment, in place of what it held; other segments stay as they are, also where they overlap.

    :param mask: boolean (k, j, i) on the grid of ``volume_node``; all False empties the segment.
    :param add: add to what the segment holds instead.
    :raises InputError: no such segment, a mask that is not boolean or has another shape, a segmentation that is not kept as
        binary labelmaps, or a mask too small to hold a voxel centre of the segmentation's grid; nothing is changed then.
    :raises GeometryError: a parent transform of one of the nodes is not linear; nothing is changed then.
    """
    segment = require_segment(segmentation_node, segment_id)
    shape = volume_array(volume_node).shape
    if np.shape(mask) != shape:
        name = volume_node.GetName()
        raise InputError(f"The mask for segment '{segment.GetName()}' has {np.shape(mask)} voxels, volume '{name}' {shape}.")
    is_new = _lattice(segmentation_node) is None and np.any(mask)
    set_mask_on_grid(segmentation_node, segment_id, mask, volume_geometry(volume_node, world=True), add=add)
    if is_new:
        segmentation_node.SetNodeReferenceID(segmentation_node.GetReferenceImageGeometryReferenceRole(), volume_node.GetID())


def set_mask_on_grid(segmentation_node, segment_id: str, mask, geometry: Geometry, *, add: bool = False) -> None:
    """Write a mask on any grid in world coordinates into a segment; the rest is as in :func:`set_segment_mask`."""
    segment = require_segment(segmentation_node, segment_id)
    _require_labelmaps(segmentation_node)
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise InputError(f"A mask for segment '{segment.GetName()}' must be true or false for each voxel, found {mask.dtype} values.")
    grid = np.linalg.inv(transform_to_world(segmentation_node)) @ geometry.ijk_to_ras
    if not mask.any():
        if not add:
            slicer.vtkSlicerSegmentationsModuleLogic.ClearSegment(segmentation_node, segment_id)
        return
    lattice = _lattice(segmentation_node)
    voxels, first = _on_lattice(mask, grid, grid if lattice is None else lattice)
    if not voxels.any():
        raise InputError(
            f"The outline for segment '{segment.GetName()}' is smaller than a voxel of segmentation '{segmentation_node.GetName()}'; "
            "use a segmentation made on the finer image.",
        )
    if lattice is None:
        lattice = grid
        _set_reference_grid(segmentation_node, grid, mask.shape)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    mode = logic.MODE_MERGE_MASK if add else logic.MODE_REPLACE
    if not logic.SetBinaryLabelmapToSegment(_oriented_image(voxels, first, lattice), segmentation_node, segment_id, mode):
        raise InputError(f"Slicer could not write segment '{segment.GetName()}'; see its error log.")


def segment_on_own_grid(segmentation_node, segment_id: str, volume_node=None) -> tuple[np.ndarray, Geometry]:
    """Return a segment as it was outlined, not resampled: boolean (k, j, i) and its grid in world coordinates.

    The grid extends over the whole reference image, so that a mask at its border is at the border of what was seen.

    :param volume_node: grid for a segment kept as a surface; the segmentation's reference volume where None.
    :raises InputError: no such segment, it is empty, or it is a surface and there is no volume to put it on.
    :raises GeometryError: a parent transform is not linear.
    """
    segment = require_segment(segmentation_node, segment_id)
    labelmap = _labelmap(segment)
    if labelmap is None or segmentation_node.GetSegmentation().GetSourceRepresentationName() != _labelmap_name():
        volume_node = volume_node or reference_volume(segmentation_node)
        if volume_node is None:
            raise InputError(f"Segment '{segment.GetName()}' is a surface; choose the volume on whose grid it is to be measured.")
        return segment_mask(segmentation_node, segment_id, volume_node), volume_geometry(volume_node, world=True)
    inside = _inside(labelmap, segment.GetLabelValue())
    if not inside.any():
        raise InputError(f"Segment '{segment.GetName()}' of '{segmentation_node.GetName()}' is empty; paint it first.")
    matrix = _image_to_world(labelmap)
    extent = np.array(labelmap.GetExtent()).reshape(3, 2)
    first, last = extent[:, 0], extent[:, 1]
    reference = _reference_grid(segmentation_node)
    offset = None if reference is None else _offset_between(reference[0], matrix, reference[1])
    if offset is not None:
        # Slicer crops labelmaps to what is painted; the reference image tells how far one could see.
        first = np.minimum(first, reference[1][:, 0] + offset)
        last = np.maximum(last, reference[1][:, 1] + offset)
    else:
        # Where that is not known, the edge of the paint must not pass for the border of an image.
        first, last = first - 1, last + 1
    mask = np.zeros((last - first + 1)[::-1], dtype=bool)
    start = extent[:, 0] - first
    mask[tuple(slice(s, s + n) for s, n in zip(start[::-1], inside.shape, strict=True))] = inside
    matrix = matrix.copy()
    matrix[:3, 3] = (matrix @ [*first, 1.0])[:3]
    return mask, Geometry(mask.shape, LPS_TO_RAS @ transform_to_world(segmentation_node) @ matrix)


def _labelmap_name() -> str:
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()


def _require_labelmaps(segmentation_node) -> None:
    source = segmentation_node.GetSegmentation().GetSourceRepresentationName()
    if source != _labelmap_name():
        raise InputError(
            f"Segmentation '{segmentation_node.GetName()}' is kept as '{source}'; make the binary labelmap its source first "
            "(Segmentations module, Representations).",
        )


def _labelmap(segment):
    return segment.GetRepresentation(_labelmap_name())


def _inside(labelmap, label_value: int) -> np.ndarray:
    scalars = labelmap.GetPointData().GetScalars()
    extent = np.array(labelmap.GetExtent()).reshape(3, 2)
    size = np.maximum(extent[:, 1] - extent[:, 0] + 1, 0)
    if scalars is None or not size.all():
        return np.zeros((0, 0, 0), dtype=bool)
    return vtk_to_numpy(scalars).reshape(size[::-1]) == label_value


def _image_to_world(image) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def _lattice(segmentation_node) -> np.ndarray | None:
    """Return the matrix from voxel indices to the segmentation's coordinates; None while nothing sets one."""
    segmentation = segmentation_node.GetSegmentation()
    for segment_id in segment_ids(segmentation_node):
        labelmap = _labelmap(segmentation.GetSegment(segment_id))
        if labelmap is not None and not labelmap.IsEmpty():
            return _image_to_world(labelmap)
    reference = _reference_grid(segmentation_node)
    return None if reference is None else reference[0]


def _reference_grid(segmentation_node) -> tuple[np.ndarray, np.ndarray] | None:
    """Return matrix and extent (3 axes, first and last) of the reference geometry; None where none is set."""
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    text = segmentation_node.GetSegmentation().GetConversionParameter(name)
    image = slicer.vtkOrientedImageData()
    if not text or not slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, image, False):
        return None
    return _image_to_world(image), np.array(image.GetExtent()).reshape(3, 2)


def _set_reference_grid(segmentation_node, matrix: np.ndarray, shape) -> None:
    extent = [index for size in shape[::-1] for index in (0, size - 1)]
    text = slicer.vtkSegmentationConverter.SerializeImageGeometry(slicer.util.vtkMatrixFromArray(matrix), extent)
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    segmentation_node.GetSegmentation().SetConversionParameter(name, text)


def _offset_between(matrix: np.ndarray, lattice: np.ndarray, extent: np.ndarray) -> np.ndarray | None:
    """Return what to add to indices under ``matrix`` to have them under ``lattice``; None where the voxels are not the same."""
    offset = np.rint((np.linalg.inv(lattice) @ matrix)[:3, 3]).astype(int)
    shifted = matrix.copy()
    shifted[:3, 3] = (matrix @ [*-offset, 1.0])[:3]
    corners = np.array([[*corner, 1.0] for corner in itertools.product(*(extent + offset[:, None]))]).T
    return offset if np.abs((shifted - lattice) @ corners).max() <= _SAME_GRID_MM else None


def _on_lattice(mask: np.ndarray, matrix: np.ndarray, lattice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a mask on a lattice, cropped, and the lattice index (i, j, k) of its first voxel."""
    box = [np.flatnonzero(mask.any(axis=other)) for other in ((1, 2), (0, 2), (0, 1))]
    inside = mask[tuple(slice(along[0], along[-1] + 1) for along in box)]
    start = np.array([along[0] for along in box[::-1]])
    extent = np.stack([start, start + inside.shape[::-1] - 1], axis=1)
    offset = _offset_between(matrix, lattice, extent)
    if offset is not None:
        return inside, start + offset
    to_mask = np.linalg.inv(matrix) @ lattice
    low, high = extent[:, 0] - 0.5, extent[:, 1] + 0.5
    corners = np.array([[*corner, 1.0] for corner in itertools.product(*zip(low, high, strict=True))]).T
    on_lattice = (np.linalg.inv(to_mask) @ corners)[:3]
    first = np.ceil(on_lattice.min(axis=1) - _ROUNDING).astype(int)
    size = np.maximum(np.floor(on_lattice.max(axis=1) + _ROUNDING).astype(int) - first + 1, 0)
    k, j, i = np.meshgrid(*(np.arange(n) for n in size[::-1]), indexing="ij", sparse=True)
    index, known = [], True
    for axis in range(3):
        at = to_mask[axis, 0] * (i + first[0]) + to_mask[axis, 1] * (j + first[1]) + to_mask[axis, 2] * (k + first[2]) + to_mask[axis, 3]
        voxel = np.floor(at + (0.5 + _ROUNDING)).astype(int) - start[axis]
        known = known & (voxel >= 0) & (voxel < inside.shape[2 - axis])
        index.append(np.clip(voxel, 0, inside.shape[2 - axis] - 1))
    return inside[index[2], index[1], index[0]] & known, first


def _oriented_image(voxels: np.ndarray, first: np.ndarray, lattice: np.ndarray):
    image = slicer.vtkOrientedImageData()
    size = voxels.shape[::-1]
    image.SetExtent(*(int(index) for start, count in zip(first, size, strict=True) for index in (start, start + count - 1)))
    scalars = numpy_to_vtk(np.ascontiguousarray(voxels, dtype=np.uint8).ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR)
    image.GetPointData().SetScalars(scalars)
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(lattice))
    return image

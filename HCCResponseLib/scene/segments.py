"""Which voxels of a volume lie inside a segment.

A voxel is inside when its centre is. This is decided once, in the volume's own grid, from the representation that the
segment was made in, with the parent transforms of both nodes; nothing in the scene is touched, and what cannot be told is an error.
(``slicer.util.arrayFromSegmentBinaryLabelmap`` finds the same voxels for labelmaps, but adds and removes nodes on the way, answers
an empty segment with an empty mask, and takes a closed surface over a labelmap on a grid of its own unless one is set.)
"""

import itertools
from collections.abc import Iterable

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import GeometryError, InputError
from .volumes import ijk_to_world, transform_to_world, volume_array

__all__ = ["fraction_outside", "segment_ids", "segment_mask", "union_mask"]

_ROUNDING = 1e-5
"""Voxels. A centre on the border of a segment belongs to the segment above it (in i, j, k), whatever the last bits of the
coordinates say; those of a surface are float32."""


def segment_ids(segmentation_node, *, visible_only: bool = False) -> list[str]:
    """Return the IDs of the segments, in the order of the segmentation."""
    segmentation = segmentation_node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    display_node = segmentation_node.GetDisplayNode()
    if not visible_only or display_node is None:
        return ids
    return [segment_id for segment_id in ids if display_node.GetSegmentVisibility(segment_id)]


def segment_mask(segmentation_node, segment_id: str, volume_node) -> np.ndarray:
    """Return which voxels of ``volume_node`` have their centre inside a segment: boolean (k, j, i).

    :raises InputError: there is no such segment, it is empty, it does not reach the volume, or it has neither a binary
        labelmap nor a closed surface.
    :raises GeometryError: a parent transform of one of the nodes is not linear.
    """
    segment, label, kind, representation, ijk_to_segmentation = _located(segmentation_node, segment_id, volume_node)
    shape = volume_array(volume_node).shape
    if kind == "labelmap":
        mask = _mask_from_labelmap(representation, segment.GetLabelValue(), ijk_to_segmentation, shape, label)
    else:
        surface = _surface_in_indices(representation, ijk_to_segmentation, label)
        mask = _rasterised(surface, (0, shape[2] - 1, 0, shape[1] - 1, 0, shape[0] - 1))
    if not mask.any():
        raise InputError(
            f"{label} contains no voxel centre of volume '{volume_node.GetName()}': it lies beside the image, or is smaller than a voxel.",
        )
    return mask


def union_mask(segmentation_node, ids: Iterable[str], volume_node) -> np.ndarray | None:
    """Return which voxels of a volume (k, j, i) lie in any of some segments; None where none of them reaches it, or all are empty.

    :raises GeometryError: a parent transform of one of the nodes is not linear.
    """
    masks = []
    for segment_id in ids:
        try:
            masks.append(segment_mask(segmentation_node, segment_id, volume_node))
        except GeometryError:
            raise
        except InputError:
            continue
    return np.logical_or.reduce(masks) if masks else None


def fraction_outside(segmentation_node, segment_id: str, volume_node) -> float:
    """Return the part of a segment's volume, 0 to 1, that lies beyond the voxels of a volume, where its mask is cut off.

    :raises InputError, GeometryError: as :func:`segment_mask`, but a segment beside the volume is all outside (1).
    """
    segment, label, kind, representation, ijk_to_segmentation = _located(segmentation_node, segment_id, volume_node)
    size = np.array(volume_array(volume_node).shape[::-1])
    if kind == "labelmap":
        return _labelmap_outside(representation, segment.GetLabelValue(), ijk_to_segmentation, size, label)
    surface = _surface_in_indices(representation, ijk_to_segmentation, label)
    low, high = np.array(surface.GetBounds()).reshape(3, 2).T
    if np.all(low >= -0.5 - _ROUNDING) and np.all(high <= size - 0.5 + _ROUNDING):
        return 0.0
    first = np.floor(low).astype(int)
    filled = _rasterised(surface, np.column_stack([first, np.ceil(high).astype(int)]).ravel())
    k, j, i = (np.arange(n) + start for n, start in zip(filled.shape, first[::-1], strict=True))
    inside = filled[np.ix_((k >= 0) & (k < size[2]), (j >= 0) & (j < size[1]), (i >= 0) & (i < size[0]))]
    return 1.0 - np.count_nonzero(inside) / max(np.count_nonzero(filled), 1)


def _located(segmentation_node, segment_id: str, volume_node):
    """Return segment, its name for messages, kind and data of its representation, and the matrix from voxel indices to it."""
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    if segment is None:
        raise InputError(f"Segmentation '{segmentation_node.GetName()}' has no segment '{segment_id}'; it may have been removed.")
    label = f"Segment '{segment.GetName()}' of '{segmentation_node.GetName()}'"
    volume_array(volume_node)  # a volume without voxels has no grid
    ijk_to_segmentation = np.linalg.inv(transform_to_world(segmentation_node)) @ ijk_to_world(volume_node)
    return segment, label, *_representation(segmentation_node, segment, label), ijk_to_segmentation


def _representation(segmentation_node, segment, label: str):
    """Return the representation that the segment was made in, so that no conversion comes between, else another exact one."""
    labelmap_name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    surface_name = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    kinds = {labelmap_name: "labelmap", surface_name: "surface"}
    source = segmentation_node.GetSegmentation().GetSourceRepresentationName()
    for name in (source, labelmap_name, surface_name):
        representation = segment.GetRepresentation(name) if name in kinds else None
        if representation is not None:
            return kinds[name], representation
    if source in kinds:
        raise InputError(f"{label} is empty; paint it first.")
    raise InputError(f"{label} is kept as '{source}'; create its binary labelmap first (Segmentations module, Representations).")


def _filled_labelmap(labelmap, label_value: int, label: str):
    """Return where the segment is in its labelmap (k, j, i), the first index (i, j, k) of that array, the indices that the segment
    fills along i, j and k, and the matrix from labelmap indices to segmentation coordinates.
    """
    extent = labelmap.GetExtent()
    scalars = labelmap.GetPointData().GetScalars()
    if scalars is None or extent[0] > extent[1] or extent[2] > extent[3] or extent[4] > extent[5]:
        raise InputError(f"{label} is empty; paint it first.")
    first = np.array(extent[::2])
    size = np.array(extent[1::2]) - first + 1
    inside = vtk_to_numpy(scalars).reshape(size[::-1]) == label_value
    filled = [np.flatnonzero(inside.any(axis=other)) for other in ((0, 1), (0, 2), (1, 2))]
    if not all(len(along) for along in filled):
        raise InputError(f"{label} is empty; paint it first.")

    to_world = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(to_world)
    return inside, first, filled, slicer.util.arrayFromVTKMatrix(to_world)


def _mask_from_labelmap(labelmap, label_value: int, ijk_to_segmentation, shape, label: str) -> np.ndarray:
    """Look every voxel centre up in the labelmap, inside the box that the segment fills."""
    inside, first, filled, label_to_segmentation = _filled_labelmap(labelmap, label_value, label)
    size = np.array(inside.shape[::-1])
    to_label = np.linalg.inv(label_to_segmentation) @ ijk_to_segmentation
    # The filled box of the labelmap, mapped into the volume, bounds the voxels that need a look.
    low = [first[axis] + filled[axis][0] - 0.5 for axis in range(3)]
    high = [first[axis] + filled[axis][-1] + 0.5 for axis in range(3)]
    corners = np.array([[*corner, 1.0] for corner in itertools.product(*zip(low, high, strict=True))]).T
    box = (np.linalg.inv(to_label) @ corners)[:3]
    start = np.clip(np.ceil(box.min(axis=1) - _ROUNDING), 0, shape[::-1]).astype(int)
    stop = np.clip(np.floor(box.max(axis=1) + _ROUNDING) + 1, 0, shape[::-1]).astype(int)

    mask = np.zeros(shape, dtype=bool)
    i, j = np.arange(start[0], stop[0]), np.arange(start[1], stop[1])[:, None]
    for k in range(start[2], stop[2]):
        index, known = [], True
        for axis in range(3):
            position = to_label[axis, 0] * i + to_label[axis, 1] * j + (to_label[axis, 2] * k + to_label[axis, 3])
            voxel = np.floor(position + (0.5 + _ROUNDING)).astype(int) - first[axis]
            known = known & (voxel >= 0) & (voxel < size[axis])
            index.append(np.clip(voxel, 0, size[axis] - 1))
        mask[k, start[1] : stop[1], start[0] : stop[0]] = inside[index[2], index[1], index[0]] & known
    return mask


def _labelmap_outside(labelmap, label_value: int, ijk_to_segmentation, size, label: str) -> float:
    """Count the voxels of the labelmap whose centre lies beyond the voxels of the volume."""
    inside, first, filled, label_to_segmentation = _filled_labelmap(labelmap, label_value, label)
    to_ijk = np.linalg.inv(ijk_to_segmentation) @ label_to_segmentation
    ends = [(first[axis] + filled[axis][0], first[axis] + filled[axis][-1]) for axis in range(3)]
    corners = np.array([[*corner, 1.0] for corner in itertools.product(*ends)]) @ to_ijk.T[:, :3]
    low, high = -0.5 - _ROUNDING, size - 0.5 + _ROUNDING
    if np.all((corners >= low) & (corners <= high)):
        return 0.0
    beyond = 0
    for k in filled[2]:
        j, i = np.nonzero(inside[k])
        position = np.column_stack([i + first[0], j + first[1], np.full(len(i), k + first[2]), np.ones(len(i))]) @ to_ijk.T[:, :3]
        beyond += np.count_nonzero(np.any((position < low) | (position > high), axis=1))
    return beyond / np.count_nonzero(inside)


def _surface_in_indices(surface, ijk_to_segmentation, label: str):
    """Return the surface in voxel indices, where every grid, oblique or not, has unit spacing."""
    if surface.GetNumberOfPolys() + surface.GetNumberOfStrips() == 0:
        raise InputError(f"{label} is empty; its surface has no polygon.")
    segmentation_to_ijk = np.linalg.inv(ijk_to_segmentation)
    segmentation_to_ijk[:3, 3] -= _ROUNDING
    transform = vtk.vtkTransform()
    transform.SetMatrix(slicer.util.vtkMatrixFromArray(segmentation_to_ijk))
    to_indices = vtk.vtkTransformPolyDataFilter()
    to_indices.SetOutputPointsPrecision(vtk.vtkAlgorithm.DOUBLE_PRECISION)
    to_indices.SetInputData(surface)
    to_indices.SetTransform(transform)
    to_indices.Update()
    return to_indices.GetOutput()


def _rasterised(surface, extent) -> np.ndarray:
    """Return which whole indices inside an extent (i, j, k limits) are inside a surface: boolean (k, j, i)."""
    stencil = vtk.vtkPolyDataToImageStencil()
    stencil.SetInputData(surface)
    stencil.SetTolerance(0.0)
    stencil.SetOutputWholeExtent(*map(int, extent))
    to_image = vtk.vtkImageStencilToImage()
    to_image.SetInputConnection(stencil.GetOutputPort())
    to_image.SetOutputScalarTypeToUnsignedChar()
    to_image.SetInsideValue(1)
    to_image.SetOutsideValue(0)
    to_image.Update()
    image = to_image.GetOutput()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1]).astype(bool)

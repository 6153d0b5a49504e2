"""Cleaning the outline of a segment on the grid that it was outlined on. Each function says in one sentence what it did."""

from .segment_masks import segment_on_own_grid, set_mask_on_grid

__all__ = ["fill_between_slices", "fill_holes", "remove_islands", "smooth_outline"]


def remove_islands(segmentation_node, segment_id: str, *, smallest_ml: float | None = None) -> str:
    """Keep the largest piece only, or every piece of at least ``smallest_ml``.

    :raises InputError: the segment is empty, or no piece is that large; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    return _clean(segmentation_node, segment_id, "remove_islands", smallest_ml=smallest_ml)


def fill_holes(segmentation_node, segment_id: str, *, largest_ml: float | None = None, slice_axis: int | None = None) -> str:
    """Fill holes that the outline encloses, up to ``largest_ml``; slice by slice across array axis ``slice_axis``, or in space.

    :raises InputError: the segment is empty.
    :raises GeometryError: a parent transform is not linear.
    """
    return _clean(segmentation_node, segment_id, "fill_holes", largest_ml=largest_ml, slice_axis=slice_axis)


def smooth_outline(segmentation_node, segment_id: str, *, width_mm: float = 1.5) -> str:
    """Smooth the outline and keep the volume of every piece.

    :raises InputError: the segment is empty, or the width is not a positive number; nothing is changed then.
    :raises GeometryError: a parent transform is not linear, or shears the image.
    """
    return _clean(segmentation_node, segment_id, "smooth_outline", width_mm=width_mm)


def fill_between_slices(segmentation_node, segment_id: str, *, axis: int = 0) -> str:
    """Fill the slices between outlined ones across array ``axis``, by shape.

    :raises InputError: fewer than two slices are outlined; nothing is changed then.
    :raises GeometryError: a parent transform is not linear, or shears the image.
    """
    return _clean(segmentation_node, segment_id, "fill_between_slices", axis=axis)


def _clean(segmentation_node, segment_id: str, step: str, **settings) -> str:
    from ..lesions.outlining import cleaning

    mask, geometry = segment_on_own_grid(segmentation_node, segment_id)
    cleaned = getattr(cleaning, step)(mask, geometry, **settings)
    set_mask_on_grid(segmentation_node, segment_id, cleaned.mask, geometry)
    return cleaned.note

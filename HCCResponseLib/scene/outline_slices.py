"""An outline of some slices carried to the next ones until its edge is lost."""

from ..progress import Progress
from .proposals import mark_proposed
from .segment_masks import set_segment_mask
from .segments import segment_mask
from .undo import all_or_nothing
from .volumes import volume_array, volume_geometry

__all__ = ["carry_to_slices"]


def carry_to_slices(
    segmentation_node,
    segment_id: str,
    volume_node,
    *,
    axis: int = 0,
    most_slices: int | None = None,
    progress: Progress | None = None,
):
    """Carry an outline to the slices of a volume above and below; what was drawn stays as it is, the whole becomes a proposal.

    :param axis: array axis across which slices are counted: 0 for the slices of the acquisition.
    :param most_slices: largest number of slices to add in each direction.
    :return: :class:`~HCCResponseLib.lesions.outlining.CarriedSlices`: where it stopped in each direction, and why.
    :raises InputError: the segment is empty, or follows no visible edge; nothing is changed then.
    :raises GeometryError: a parent transform is not linear, or shears the image.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..lesions.outlining import carry_slices

    drawn = segment_mask(segmentation_node, segment_id, volume_node)
    geometry = volume_geometry(volume_node, world=True)
    found = carry_slices(volume_array(volume_node), geometry, drawn, axis=axis, most_slices=most_slices, progress=progress)
    added = found.mask & ~drawn
    if added.any():
        with all_or_nothing(segmentation_node):
            set_segment_mask(segmentation_node, segment_id, added, volume_node, add=True)
            mark_proposed(segmentation_node, segment_id, f"carried from slice to slice on {volume_node.GetName()}")
    return found

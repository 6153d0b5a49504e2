"""The images of two examinations laid over each other, for outlines that go from one to the other."""

from ..errors import InputError
from ..progress import Progress
from ..response.region_types import RegionType
from .lesion_attributes import lesion_segments
from .segment_types import segments_of_type
from .segments import union_mask
from .volumes import volume_array, volume_geometry

__all__ = ["register_outlined"]


def register_outlined(source_segmentation, source_volume, target_volume, *, deformable: bool = False, progress: Progress | None = None):
    """Register an outlined examination with another one round its liver where that is a segment, else round its lesions.

    :return: :class:`~HCCResponseLib.lesions.outlining.Registration` in world coordinates, with its problems.
    :raises InputError: nothing is outlined on the source volume.
    :raises GeometryError: a parent transform is not linear, or shears an image.
    :raises Cancelled: ``progress`` returned False.
    """
    from ..lesions.outlining import register_examinations

    region = union_mask(source_segmentation, segments_of_type(source_segmentation, RegionType.LIVER), source_volume)
    if region is None:
        region = union_mask(source_segmentation, lesion_segments(source_segmentation), source_volume)
    if region is None:
        raise InputError(f"'{source_segmentation.GetName()}' has no outline on '{source_volume.GetName()}' to register round.")
    return register_examinations(
        volume_array(source_volume),
        volume_geometry(source_volume, world=True),
        volume_array(target_volume),
        volume_geometry(target_volume, world=True),
        region=region,
        deformable=deformable,
        progress=progress,
    )

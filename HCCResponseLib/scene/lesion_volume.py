"""Volume of lesions as rows: from the smooth surface, by voxels, its uncertainty, and the diameters that go with it."""

from ..response.rows import feret_result, volume_result
from .measurement_rows import Reading, write_result
from .segment_masks import reference_volume, segment_on_own_grid

__all__ = ["measure_volume"]


def measure_volume(segmentation_node, segment_id: str, reading: Reading, *, volume_node=None, table_node=None):
    """Measure volume, sphere diameter and 3D diameter of a lesion on the grid that it was outlined on.

    :param volume_node: grid for a lesion kept as a surface.
    :return: :class:`~HCCResponseLib.lesions.volume.LesionVolume`, with warnings for the reader.
    :raises InputError: the lesion is empty, or only a proposal; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    from ..lesions.diameters import measure_feret_diameter
    from ..lesions.volume import measure_volume as measure

    mask, geometry = segment_on_own_grid(segmentation_node, segment_id, volume_node)
    found, feret = measure(mask, geometry), measure_feret_diameter(mask, geometry)
    source = [volume_node or reference_volume(segmentation_node)]
    for result in (volume_result(found), feret_result(feret)):
        write_result(segmentation_node, segment_id, result, reading, source_nodes=source, table_node=table_node)
    return found

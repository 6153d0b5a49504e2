"""Volume of lesions as rows: from the smooth surface, by voxels, its uncertainty, and the diameters that go with it."""

from .measurement_rows import Reading, method_text, write_rows
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
    values = {
        "VOLUME": found.surface_ml,
        "COUNTED_VOLUME": found.counted_ml,
        "VOLUME_UNCERTAINTY": found.standard_uncertainty_ml,
        "SPHERE_DIAMETER": found.sphere_diameter_mm,
    }
    settings = {"slices": found.slices, **({"reaches_the_image_border": True} if found.touches_border else {})}
    method = method_text("Volume", found.method, settings)
    source = [volume_node or reference_volume(segmentation_node)]
    write_rows(segmentation_node, segment_id, values, reading, method, source_nodes=source, table_node=table_node)
    method = method_text("3D diameter", "longest distance between points of the sub-voxel edge")
    feret = {"FERET_DIAMETER": feret.length_mm}
    write_rows(segmentation_node, segment_id, feret, reading, method, source_nodes=source, table_node=table_node)
    return found

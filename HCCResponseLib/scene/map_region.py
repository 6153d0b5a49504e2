"""Where maps are computed: inside segments, in the body, or everywhere."""

import numpy as np

from ..errors import InputError
from .segments import segment_ids, segment_mask
from .subject_hierarchy import require_one_patient
from .volumes import volume_geometry

__all__ = ["core_of", "leave_out_air", "region_mask", "region_text"]


def region_mask(region, volume_node) -> np.ndarray | None:
    """Return the voxels (k, j, i) of a volume that lie in any of the segments; None for everywhere.

    :param region: a segmentation node, the IDs of segments (None: those that are visible), and where wanted a margin [mm] by which all
        of them are made larger; or None.
    :raises InputError: there is no such segment, one is empty or lies beside the volume, or they are of another patient.
    :raises GeometryError: a parent transform is not linear.
    """
    if region is None:
        return None
    segmentation_node, ids, margin_mm = _parts(region)
    require_one_patient(segmentation_node, volume_node)
    mask = np.logical_or.reduce([segment_mask(segmentation_node, segment_id, volume_node) for segment_id in ids])
    return mask if not margin_mm else _enlarged(mask, margin_mm, volume_geometry(volume_node, world=True))


def region_text(region) -> str:
    """Return the names of the segments; empty for everywhere."""
    if region is None:
        return ""
    segmentation_node, ids, margin_mm = _parts(region)
    segments = (segmentation_node.GetSegmentation().GetSegment(segment_id) for segment_id in ids)
    names = ", ".join(segment.GetName() for segment in segments if segment is not None)
    return f"{names} + {margin_mm:g} mm" if margin_mm else names


def core_of(mask: np.ndarray) -> np.ndarray:
    """Return the voxels of a mask (k, j, i) all four of whose neighbours in plane are in it: those without partial volume at the rim."""
    from scipy import ndimage

    return ndimage.binary_erosion(mask, ndimage.generate_binary_structure(2, 1)[None])


def leave_out_air(signals, weighting, mask) -> tuple[np.ndarray | None, bool]:
    """Return a mask without the air around the body, and whether the noise, and with it the air, could be told.

    :param signals: (k, j, i, n) magnitude signals.
    :param weighting: (n,) b-value or flip angle of the images; those with the lowest one are looked at.
    :param mask: (k, j, i) boolean, None for everywhere.
    """
    from ..lesions.body import remove_specks
    from ..quantification.diffusion import clear_of_noise, estimate_noise

    sigma = estimate_noise(signals).sigma
    if np.isnan(sigma):
        return mask, False
    body = remove_specks(clear_of_noise(signals, weighting, sigma))
    return (body if mask is None else body & mask), True


def _parts(region) -> tuple:
    segmentation_node, ids, margin_mm = (*region, 0.0)[:3]
    if segmentation_node is None:
        raise InputError("No segmentation was chosen for the region; choose one, or compute everywhere.")
    ids = segment_ids(segmentation_node, visible_only=True) if ids is None else list(ids)
    if not ids:
        raise InputError(f"No segment of '{segmentation_node.GetName()}' was chosen; choose one, or compute everywhere.")
    return segmentation_node, ids, margin_mm


def _enlarged(mask: np.ndarray, margin_mm: float, geometry) -> np.ndarray:
    """Return a mask with all voxels whose centre is no farther than a margin from that of one of its own."""
    from scipy import ndimage

    return ndimage.distance_transform_edt(~mask, geometry.spacing_mm[::-1]) <= margin_mm

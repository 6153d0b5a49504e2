"""Lesions of one examination carried to another: registered, resampled, the same identity, proposed until accepted."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..progress import Progress, subrange
from ..response.region_types import RegionType
from .lesion_attributes import lesion_of, lesion_segments, set_lesion
from .lesion_identity import ensure_lesion_identity, segment_of_lesion
from .proposals import mark_proposed, proposal
from .segment_masks import add_segment, is_empty, set_segment_mask
from .segment_tags import require_segment
from .segment_types import segment_site, segment_type, segments_of_type, set_segment_type
from .segments import segment_mask
from .undo import all_or_nothing
from .volumes import volume_array, volume_geometry

__all__ = ["CarriedLesion", "CarriedLesions", "carry_lesions"]


@dataclass(frozen=True)
class CarriedLesion:
    """A lesion in the other examination.

    :param segment_id: of the proposed segment; None where there is none, and ``notes`` say why.
    :param name: of the lesion.
    :param notes: sentences for the user.
    """

    segment_id: str | None
    name: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class CarriedLesions:
    """What :func:`carry_lesions` did.

    :param registration: :class:`~HCCResponseLib.lesions.outlining.registration.Registration` of the two images in world coordinates.
    :param lesions: in the order of the segments that they come from.
    """

    registration: object
    lesions: tuple[CarriedLesion, ...]


def carry_lesions(
    source_segmentation,
    source_volume,
    target_segmentation,
    target_volume,
    *,
    chosen_segment_ids=None,
    deformable: bool = False,
    registration=None,
    despite_problems: bool = False,
    progress: Progress | None = None,
) -> CarriedLesions:
    """Carry outlines to another examination's image, as proposals with the same lesion identity.

    A lesion that is outlined there and accepted already stays as it is; a proposal of it is replaced.

    :param source_volume: the image that the lesions were outlined on.
    :param chosen_segment_ids: lesions to carry; None: all.
    :param deformable: follow the rigid registration with a deformable one.
    :param registration: of the two images in world coordinates, when it is known; None: register now, round the liver where it
        is a segment of the source, else round the lesions.
    :param despite_problems: carry although the registration failed its checks.
    :raises InputError: no lesion to carry, or the registration failed; the message says why; nothing is changed then.
    :raises GeometryError: a parent transform is not linear, or shears an image.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..lesions.outlining import carry_outlines, register_examinations

    ids = lesion_segments(source_segmentation) if chosen_segment_ids is None else list(chosen_segment_ids)
    if not ids:
        raise InputError(f"Segmentation '{source_segmentation.GetName()}' has no lesion to carry; say which segments are lesions.")
    masks = {segment_id: segment_mask(source_segmentation, segment_id, source_volume) for segment_id in ids}
    geometries = [volume_geometry(node, world=True) for node in (source_volume, target_volume)]
    if registration is None:
        registration = register_examinations(
            volume_array(source_volume),
            geometries[0],
            volume_array(target_volume),
            geometries[1],
            region=_region(source_segmentation, source_volume, masks),
            deformable=deformable,
            progress=subrange(progress, 0.0, 0.9),
        )
    carried = carry_outlines(
        masks, *geometries, registration, despite_problems=despite_problems, progress=subrange(progress, 0.9, 1.0),
    )
    with all_or_nothing(source_segmentation, target_segmentation):
        lesions = [
            _place(source_segmentation, segment_id, source_volume, outline, target_segmentation, target_volume)
            for segment_id, outline in carried.items()
        ]
    return CarriedLesions(registration, tuple(lesions))


def _region(segmentation_node, volume_node, masks) -> np.ndarray:
    livers = segments_of_type(segmentation_node, RegionType.LIVER)
    regions = [segment_mask(segmentation_node, one, volume_node) for one in livers if not is_empty(segmentation_node, one)]
    return np.logical_or.reduce(regions or list(masks.values()))


def _place(source, source_id, source_volume, outline, target, target_volume) -> CarriedLesion:
    segment = require_segment(source, source_id)
    uid = ensure_lesion_identity(source, source_id).uid
    target_id = segment_of_lesion(target, uid)
    if target_id is not None and not is_empty(target, target_id) and not proposal(target, target_id):
        note = f"'{segment.GetName()}' is outlined and accepted in '{target.GetName()}' already; it was left as it is."
        return CarriedLesion(None, segment.GetName(), (note,))
    if not outline.mask.any():
        return CarriedLesion(None, segment.GetName(), outline.notes)
    if target_id is None:
        target_id = add_segment(target, segment.GetName())
        require_segment(target, target_id).SetColor(segment.GetColor())
    set_segment_mask(target, target_id, outline.mask, target_volume)
    set_segment_type(target, target_id, segment_type(source, source_id) or RegionType.LESION, site=segment_site(source, source_id))
    set_lesion(target, target_id, lesion_of(source, source_id))
    mark_proposed(target, target_id, f"carried from {source.GetName()} on {source_volume.GetName()}")
    return CarriedLesion(target_id, segment.GetName(), outline.notes)

"""What a lesion counts as: target or not, organ, node, treated before, in the radiation field; kept as tags of its segments.

Each field of :class:`~HCCResponseLib.response.case.Lesion` is a tag of its own (``HCC.InField``). They belong to the lesion,
not to one examination: setting them writes them into its segment of every examination.
"""

import dataclasses
import typing

import slicer

from ..errors import InputError
from ..response.case import Lesion
from ..response.region_types import RegionType
from .lesion_identity import LesionIdentity, lesion_identity, segment_of_lesion, set_lesion_identity
from .segment_tags import get_tag, require_segment, set_tag
from .segment_types import segment_type, segments_of_type, set_segment_type
from .subject_hierarchy import patient_of_segmentation

__all__ = ["exclusion", "lesion_of", "lesion_segments", "readable_lesion", "segments_of_lesion", "set_exclusion", "set_lesion"]

_EXCLUDED = "HCC.Excluded"
_YES_NO = {"yes": True, "no": False}
_NOTHING = "\x00"
"""An empty text where that is not the default; an empty tag is no tag."""


def lesion_segments(segmentation_node) -> list[str]:
    """Return the IDs of the segments that are whole lesions, told by their codes."""
    return segments_of_type(segmentation_node, *(one for one in RegionType if one.is_lesion))


def lesion_of(segmentation_node, segment_id: str) -> Lesion | None:
    """Return what a segment's lesion counts as; None where the segment has no lesion identity.

    :raises InputError: there is no such segment, or a tag holds what cannot be; the message names it.
    """
    identity = lesion_identity(segmentation_node, segment_id)
    if identity is None:
        return None
    values, problems = _values(segmentation_node, segment_id)
    if problems:
        raise InputError(problems[0])
    return Lesion(identity.uid, identity.identifier, **values)


def readable_lesion(segmentation_node, segment_id: str) -> tuple[Lesion | None, list[str]]:
    """Return what can be read of a segment's lesion, and a sentence for each tag that was passed over.

    For a view of the whole that must not fail at one damaged tag. None where the segment has no identity, or a damaged one.

    :raises InputError: there is no such segment.
    """
    identity = lesion_identity(segmentation_node, segment_id)
    if identity is None:
        return None, []
    values, problems = _values(segmentation_node, segment_id)
    for fields in (values, {}):
        try:
            return Lesion(identity.uid, identity.identifier, **fields), problems
        except InputError as error:
            problems.append(str(error))
    return None, problems


def set_lesion(segmentation_node, segment_id: str, lesion: Lesion, *, site: str | None = None) -> None:
    """Say what a segment's lesion is and counts as; its segments of other examinations follow.

    A segment that has no lesion type yet becomes a lesion.

    :param site: key of :data:`~HCCResponseLib.response.region_types.SITES`; None leaves the site as it is.
    :raises InputError: there is no such segment.
    """
    identity = LesionIdentity(lesion.uid, lesion.identifier)
    set_lesion_identity(segmentation_node, segment_id, identity)
    for node, other in {(segmentation_node, segment_id), *segments_of_lesion(lesion.uid, segmentation_node)}:
        segment = require_segment(node, other)
        set_lesion_identity(node, other, identity)
        known = segment_type(node, other)
        is_lesion = known is not None and known.is_lesion
        if site is not None or not is_lesion:
            set_segment_type(node, other, known if is_lesion else RegionType.LESION, site=site)
        for field in _attributes():
            value = getattr(lesion, field.name)
            set_tag(segment, _tag_name(field), _NOTHING if value == "" != field.default else _text(value))


def segments_of_lesion(uid: str, beside=None) -> list[tuple]:
    """Return (segmentation node, segment ID) of a lesion in every examination of the scene.

    :param beside: a segmentation; only those of the same patient (a copied case has the same UIDs); None: of all.
    """
    nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    if beside is not None:
        patient = patient_of_segmentation(beside)
        nodes = [node for node in nodes if node is beside or "" in (patient, other := patient_of_segmentation(node)) or other == patient]
    found = [(node, segment_of_lesion(node, uid)) for node in nodes]
    return [(node, segment_id) for node, segment_id in found if segment_id is not None]


def exclusion(segmentation_node, segment_id: str) -> str:
    """Return why the user left the lesion out of the assessment; empty where it counts."""
    return get_tag(require_segment(segmentation_node, segment_id), _EXCLUDED)


def set_exclusion(segmentation_node, segment_id: str, reason: str) -> None:
    """Leave a lesion out of the assessment for a reason, or take it back in with an empty one; other examinations follow."""
    set_tag(require_segment(segmentation_node, segment_id), _EXCLUDED, reason)
    identity = lesion_identity(segmentation_node, segment_id)
    for node, other in segments_of_lesion(identity.uid, segmentation_node) if identity else ():
        set_tag(require_segment(node, other), _EXCLUDED, reason)


def _values(segmentation_node, segment_id: str) -> tuple[dict[str, object], list[str]]:
    segment = require_segment(segmentation_node, segment_id)
    values, problems = {}, []
    for field in _attributes():
        text = get_tag(segment, _tag_name(field))
        try:
            if text:
                values[field.name] = _value(text, field)
        except (KeyError, ValueError):
            problems.append(f"Segment '{segment.GetName()}': its tag {_tag_name(field)} holds '{text}', which cannot be.")
    return values, problems


def _attributes() -> list[dataclasses.Field]:
    return [field for field in dataclasses.fields(Lesion) if field.name not in ("uid", "identifier")]


def _tag_name(field: dataclasses.Field) -> str:
    return "HCC." + field.name.title().replace("_", "")


def _text(value) -> str:
    """Return a value as a tag; None is no tag."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _value(text: str, field: dataclasses.Field):
    if text == _NOTHING:
        return ""
    kinds = typing.get_args(field.type) or (field.type,)
    if bool in kinds:
        return _YES_NO[text]
    return float(text) if float in kinds else int(text) if int in kinds else text

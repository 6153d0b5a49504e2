"""Lesions of two examinations that were outlined apart: which is which, proposed with reasons, decided by the reader.

Decisions are kept with the later segmentation, so that a matching made again after reopening starts from them.
"""

import dataclasses
import json
import re
from collections.abc import Iterable

import numpy as np

from ..errors import InputError
from ..response.case import LesionKind
from ..response.finding import Finding, LesionState
from .findings import set_finding
from .identity_change import change_identity
from .lesion_attributes import lesion_of, lesion_segments, set_lesion
from .lesion_identity import LesionIdentity, ensure_lesion_identity, lesion_identity, new_lesion_identity, segment_of_lesion
from .measurement_rows import Reading
from .segment_masks import is_empty, reference_volume, segment_on_own_grid
from .segment_tags import require_segment
from .segments import segment_mask
from .time_points import study_of
from .undo import all_or_nothing
from .volumes import volume_geometry

__all__ = ["apply_match", "match_lesions", "match_sentences"]

MATCHES_ATTRIBUTE = "HCC.LesionMatches"


def match_lesions(
    before_segmentation,
    after_segmentation,
    *,
    before_volume=None,
    after_volume=None,
    registration=None,
    tolerance_mm: float = 15.0,
):
    """Propose which lesions of two examinations belong together; what was decided before is kept. Lesions get identities.

    :param before_volume: grid of the earlier outlines; the segmentation's reference volume where None; likewise ``after_volume``.
    :param registration: of the two in world coordinates, from the earlier to the later; None: they share coordinates.
    :return: :class:`~HCCResponseLib.lesions.outlining.LesionMatching`; show its matches with :func:`match_sentences`, let the
        reader ``decide``, and write each decision with :func:`apply_match`.
    :raises InputError: an examination has no image to compare on, two outlines with one identity, or the registration failed.
    :raises GeometryError: a parent transform is not linear.
    """
    from ..lesions.outlining import match_lesions as match

    sides = []
    for segmentation_node, volume_node in ((before_segmentation, before_volume), (after_segmentation, after_volume)):
        volume_node = volume_node or reference_volume(segmentation_node)
        if volume_node is None:
            raise InputError(f"Choose the volume that '{segmentation_node.GetName()}' was outlined on.")
        sides += [_masks(segmentation_node, volume_node), volume_geometry(volume_node, world=True)]
    decisions = [one for one in _decisions(after_segmentation) if sides[0].keys() >= set(one.before)]
    return match(*sides, registration=registration, tolerance_mm=tolerance_mm, decisions=decisions)


def match_sentences(match, before_segmentation, after_segmentation) -> list[str]:
    """Return the reasons of a match with the names of the lesions in place of their UIDs."""
    names: dict[str, str] = {}
    for segmentation_node in (before_segmentation, after_segmentation):
        for segment_id in lesion_segments(segmentation_node):
            identity = lesion_identity(segmentation_node, segment_id)
            if identity is not None and identity.uid not in names:
                names[identity.uid] = f"'{require_segment(segmentation_node, segment_id).GetName()}' ({segmentation_node.GetName()})"
    # One UID may begin with another.
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "$^"
    return [re.sub(pattern, lambda found: names[found[0]], sentence) for sentence in match.reasons]


def apply_match(
    match,
    before_segmentation,
    after_segmentation,
    reading: Reading,
    *,
    carrier: str | None = None,
    table_node=None,
) -> tuple[Finding, ...]:
    """Write what a reader decided about lesions of two examinations into the later one.

    Same: the later outline takes the earlier identity and what the lesion counts as. New: it counts as a new lesion. Merged:
    the outline takes the identity of one of them (``carrier``), which carries the joint diameter. Split: each piece is a lesion
    of its own that comes from the earlier one. Measurements, parts and lines of the later examination follow their lesion.

    :param reading: the later examination.
    :param carrier: tracking UID; None: the largest of the earlier lesions that merged.
    :return: what the reader thereby says of lesions that have no outline of their own any more; kept at the later examination.
    :raises InputError: the match is only a proposal or unclear, a lesion is gone, an identity is taken, or there is something to
        say and the later segmentation stands below no study that is this time point; nothing is changed then.
    """
    if not match.decided_by:
        raise InputError("This match is only a proposal; let the reader decide it first.")
    if match.kind == "unclear":
        raise InputError("Several earlier and several later lesions cannot be one match; sort them into pairs first.")
    before = {uid: _segment_of(before_segmentation, uid) for uid in match.before}
    after = {uid: _segment_of(after_segmentation, uid) for uid in match.after}
    finding = _findings_of(reading)
    with all_or_nothing(before_segmentation, after_segmentation):
        findings, new_after = [], match.after
        if match.kind in ("same", "merged"):
            uid = carrier or max(before, key=lambda one: _volume_ml(before_segmentation, before[one]))
            if uid not in before:
                raise InputError("The lesion that carries the joint diameter must be one of those that merged.")
            (later_id,) = after.values()
            _take_over(before_segmentation, before[uid], after_segmentation, later_id, reading.time_point, table_node)
            findings = [finding(one, LesionState.MERGED, merged_with=uid) for one in before if one != uid]
            new_after = (uid,)
        elif match.kind == "vanished":
            findings = [finding(match.before[0], LesionState.ABSENT)]
        elif match.kind == "new":
            (later_id,) = after.values()
            set_lesion(after_segmentation, later_id, dataclasses.replace(lesion_of(after_segmentation, later_id), kind=LesionKind.NEW))
        else:
            ((uid, earlier_id),) = before.items()
            new_after = _split(before_segmentation, earlier_id, after_segmentation, after, reading.time_point, table_node)
            findings = [finding(uid, LesionState.SPLIT)]
        _keep(after_segmentation, dataclasses.replace(match, after=new_after))
        study_item = study_of(after_segmentation)
        for one in findings:
            set_finding(study_item, one)
    return tuple(findings)


def _findings_of(reading: Reading):
    def finding(uid: str, state: LesionState, **more) -> Finding:
        return Finding(reading.time_point, uid, state, reader=reading.reader, **more)

    return finding


def _take_over(before_segmentation, before_id, after_segmentation, after_id, time_point: int, table_node) -> None:
    lesion = lesion_of(before_segmentation, before_id)
    identity = LesionIdentity(lesion.uid, lesion.identifier)
    change_identity(after_segmentation, after_id, identity, time_point, table_node=table_node)
    set_lesion(after_segmentation, after_id, lesion)


def _split(before_segmentation, before_id, after_segmentation, pieces, time_point: int, table_node) -> tuple[str, ...]:
    """Make pieces lesions of their own; one that was carried over with the old identity gets a new one."""
    lesion = lesion_of(before_segmentation, before_id)
    uids = []
    for uid, piece_id in pieces.items():
        identity = lesion_identity(after_segmentation, piece_id)
        if uid == lesion.uid:
            identity = new_lesion_identity(require_segment(after_segmentation, piece_id).GetName())
            change_identity(after_segmentation, piece_id, identity, time_point, table_node=table_node)
        piece = dataclasses.replace(lesion, uid=identity.uid, identifier=identity.identifier, split_from=lesion.uid)
        set_lesion(after_segmentation, piece_id, piece)
        uids.append(identity.uid)
    return tuple(uids)


def _masks(segmentation_node, volume_node) -> dict[str, np.ndarray]:
    masks = {}
    for segment_id in lesion_segments(segmentation_node):
        if is_empty(segmentation_node, segment_id):
            continue
        uid = ensure_lesion_identity(segmentation_node, segment_id).uid
        if uid in masks:
            name = require_segment(segmentation_node, segment_id).GetName()
            raise InputError(f"Another segment of '{segmentation_node.GetName()}' carries the identity of '{name}'; give one its own.")
        masks[uid] = segment_mask(segmentation_node, segment_id, volume_node)
    return masks


def _segment_of(segmentation_node, uid: str) -> str:
    segment_id = segment_of_lesion(segmentation_node, uid)
    if segment_id is None:
        raise InputError(f"A lesion of this match is no longer in '{segmentation_node.GetName()}'; match the lesions again.")
    return segment_id


def _volume_ml(segmentation_node, segment_id: str) -> float:
    mask, geometry = segment_on_own_grid(segmentation_node, segment_id)
    return np.count_nonzero(mask) * geometry.voxel_volume_ml


def _decisions(after_segmentation) -> Iterable:
    from ..lesions.outlining import LesionMatch

    return [LesionMatch(**one) for one in json.loads(after_segmentation.GetAttribute(MATCHES_ATTRIBUTE) or "[]")]


def _keep(after_segmentation, match) -> None:
    """Keep a decision in place of those about any of the same lesions."""
    before, after = set(match.before), set(match.after)
    apart = [one for one in _decisions(after_segmentation) if not (before & set(one.before) or after & set(one.after))]
    content = [dataclasses.asdict(one) for one in (*apart, match)]
    after_segmentation.SetAttribute(MATCHES_ATTRIBUTE, json.dumps(content, ensure_ascii=False))

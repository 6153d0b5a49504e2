"""Adding, naming, deleting, merging and splitting the lesions of an examination."""

import dataclasses

import numpy as np
import slicer

from ..errors import InputError
from ..response.case import Lesion
from ..response.finding import Finding, LesionState
from ..response.region_types import SITES
from .diameter_lines import diameter_lines, remove_line
from .findings import set_finding
from .lesion_attributes import lesion_of, lesion_segments, segments_of_lesion, set_lesion
from .lesion_identity import ensure_lesion_identity, new_lesion_identity
from .linked_segments import linked_segments, remove_lesion
from .measurement_rows import Reading, rows_of
from .measurement_table import remove_measurements
from .segment_masks import add_segment, segment_on_own_grid, set_mask_on_grid
from .segment_tags import require_segment
from .segment_types import segment_site, segment_type
from .study_nodes import lesions_of_patient
from .time_points import study_of
from .undo import all_or_nothing

__all__ = [
    "add_lesion",
    "adopt_lesion",
    "delete_lesion",
    "merge_lesions",
    "next_lesion_name",
    "place_lesion",
    "rename_lesion",
    "split_lesion",
]

SMALLEST_PIECE_ML = 0.05
"""A detached piece below this (a sphere of 4.6 mm) is a speck of the outline, no lesion."""


def next_lesion_name(segmentation_node) -> str:
    """Return "Lesion 1", "Lesion 2", ...: the first that no lesion of the patient has, in any examination."""
    taken = set(_names(segmentation_node).values())
    return next(name for number in range(1, len(taken) + 2) if (name := f"Lesion {number}") not in taken)


def add_lesion(segmentation_node, name: str = "", *, site: str = "liver") -> str:
    """Add an empty lesion with an identity of its own and return its segment ID.

    :param name: the next free one where empty.
    :raises InputError: another lesion of the patient has this name, or the segmentation is not kept as binary labelmaps.
    """
    name = name.strip() or next_lesion_name(segmentation_node)
    _require_free(segmentation_node, name)
    segment_id = add_segment(segmentation_node, name)
    identity = ensure_lesion_identity(segmentation_node, segment_id)
    set_lesion(segmentation_node, segment_id, Lesion(identity.uid, identity.identifier), site=site)
    return segment_id


def adopt_lesion(segmentation_node, segment_id: str, *, site: str = "liver") -> None:
    """Make a segment that was drawn or loaded without our codes a lesion.

    :raises InputError: there is no such segment, or it is something else already; the message says what.
    """
    known = segment_type(segmentation_node, segment_id)
    if known is not None:
        raise InputError(f"'{require_segment(segmentation_node, segment_id).GetName()}' is {known.title.lower()} already.")
    identity = ensure_lesion_identity(segmentation_node, segment_id)
    set_lesion(segmentation_node, segment_id, Lesion(identity.uid, identity.identifier), site=site)


def rename_lesion(segmentation_node, segment_id: str, name: str) -> None:
    """Give a lesion another name, in all examinations: the label of its identity and the names of its segments.

    :raises InputError: there is no such segment, the name is empty, or another lesion of the patient has it.
    """
    name = name.strip()
    if not name:
        raise InputError("A lesion needs a name.")
    uid = ensure_lesion_identity(segmentation_node, segment_id).uid
    _require_free(segmentation_node, name, uid)
    set_lesion(segmentation_node, segment_id, dataclasses.replace(lesion_of(segmentation_node, segment_id), identifier=name))
    for node, other in segments_of_lesion(uid):
        require_segment(node, other).SetName(name)


def place_lesion(segmentation_node, segment_id: str, site: str) -> None:
    """Say where in the body a lesion is, in all examinations: its site, the organ it counts to, and whether it is a lymph node.

    :param site: key of :data:`~HCCResponseLib.response.region_types.SITES`.
    :raises InputError: there is no such segment.
    """
    ensure_lesion_identity(segmentation_node, segment_id)
    lesion = lesion_of(segmentation_node, segment_id)
    node = site == "lymph node"
    lesion = dataclasses.replace(lesion, organ=SITES[site].organ, lymph_node=node, porta_hepatis=lesion.porta_hepatis and node)
    set_lesion(segmentation_node, segment_id, lesion, site=site)


def delete_lesion(segmentation_node, segment_id: str, reading: Reading | None) -> int:
    """Remove a lesion from an examination with what belongs to it, and the reader's measurements that rest on it.

    :param reading: whose measurements of which examination go; None where the examination is no time point yet.
    :return: number of measurements removed.
    :raises InputError: there is no such segment.
    """
    with all_or_nothing(segmentation_node):
        removed = _remove_rows(segmentation_node, segment_id, reading)
        remove_lesion(segmentation_node, segment_id)
    return removed


def merge_lesions(segmentation_node, segment_id: str, other_id: str, reading: Reading | None) -> str:
    """Add the outline of another lesion of the same examination to a lesion; returns one sentence for the user.

    Where the other lesion is outlined in another examination too, the two have grown together: it is found to be merged, and the
    joint diameter is this lesion's. Where it is not, it was drawn apart and is gone.

    :raises InputError: one and the same lesion, one is empty or not there; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    if segment_id == other_id:
        raise InputError("Choose two lesions to merge.")
    name, other_name = (require_segment(segmentation_node, one).GetName() for one in (segment_id, other_id))
    uid, other_uid = (ensure_lesion_identity(segmentation_node, one).uid for one in (segment_id, other_id))
    known = _is_elsewhere(segmentation_node, other_uid)
    _require_time_point(known, reading)
    with all_or_nothing(segmentation_node):
        set_mask_on_grid(segmentation_node, segment_id, *segment_on_own_grid(segmentation_node, other_id), add=True)
        delete_lesion(segmentation_node, other_id, reading)
        if known:
            finding = Finding(reading.time_point, other_uid, LesionState.MERGED, merged_with=uid, reader=reading.reader)
            set_finding(study_of(segmentation_node), finding)
    if known:
        return f"'{other_name}' is recorded as merged with '{name}', which carries the joint diameter; measure it again."
    return f"'{other_name}' became a part of '{name}'; measure it again."


def split_lesion(segmentation_node, segment_id: str, reading: Reading | None) -> list[str]:
    """Make each connected piece of an outline a lesion of its own; returns the segment IDs, the largest first.

    Where the lesion is outlined in another examination too, it has come apart: it is found to be split, and every piece is a new
    lesion that remembers where it comes from (``Lesion.split_from``). Where it is not, several lesions were drawn as one: the
    largest piece stays that lesion, the others are lesions in their own right. Parts and lines of the whole are removed.

    :raises InputError: the outline is empty or in one piece; nothing is changed then.
    :raises GeometryError: a parent transform is not linear.
    """
    name = require_segment(segmentation_node, segment_id).GetName()
    mask, geometry = segment_on_own_grid(segmentation_node, segment_id)
    pieces = _pieces(mask, geometry, name)
    ensure_lesion_identity(segmentation_node, segment_id)
    whole = lesion_of(segmentation_node, segment_id)
    site = segment_site(segmentation_node, segment_id)
    known = _is_elsewhere(segmentation_node, whole.uid)
    _require_time_point(known, reading)
    ids = [segment_id]
    with all_or_nothing(segmentation_node):
        _remove_rows(segmentation_node, segment_id, reading)
        for line_node in diameter_lines(segmentation_node, whole.uid):
            remove_line(line_node)
        for part_id in linked_segments(segmentation_node, whole.uid):
            segmentation_node.GetSegmentation().RemoveSegment(part_id)
        for number, piece in enumerate(pieces):
            piece_name = f"{name} {'abcdefghijklmnopqrstuvwxyz'[number]}" if known or number else name
            if number:
                ids.append(add_segment(segmentation_node, piece_name))
            else:
                require_segment(segmentation_node, segment_id).SetName(piece_name)
            set_mask_on_grid(segmentation_node, ids[-1], piece, geometry)
            if number or known:
                identity = new_lesion_identity(piece_name)
                origin = whole.uid if known else whole.split_from
                lesion = dataclasses.replace(whole, uid=identity.uid, identifier=piece_name, split_from=origin)
                set_lesion(segmentation_node, ids[-1], lesion, site=site)
        if known:
            set_finding(study_of(segmentation_node), Finding(reading.time_point, whole.uid, LesionState.SPLIT, reader=reading.reader))
    return ids


def _pieces(mask: np.ndarray, geometry, name: str) -> list[np.ndarray]:
    """Return the connected pieces, the largest first; specks stay with the largest."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:] * geometry.voxel_volume_ml
    order = np.argsort(-sizes, kind="stable")
    large = [one for one in order if sizes[one] >= SMALLEST_PIECE_ML]
    if len(large) < 2:
        specks = f" and {count - 1} specks; remove the islands instead" if count > 1 else "; erase a gap between the parts first"
        raise InputError(f"'{name}' is in one piece{specks}.")
    if len(large) > 26:
        raise InputError(f"'{name}' is in {len(large)} pieces; clean it first.")
    first = labels == large[0] + 1
    for one in order:
        if one not in large:
            first |= labels == one + 1
    return [first, *(labels == one + 1 for one in large[1:])]


def _names(segmentation_node) -> dict[str, str]:
    """Names of the patient's lesions by tracking UID, those without an identity under their segment ID."""
    study = study_of(segmentation_node)
    patient = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemParent(study) if study else 0
    known = {uid: lesion.identifier for uid, lesion in lesions_of_patient(patient).items()} if patient else {}
    for segment_id in lesion_segments(segmentation_node):
        lesion = lesion_of(segmentation_node, segment_id)
        known[lesion.uid if lesion else segment_id] = require_segment(segmentation_node, segment_id).GetName()
    return known


def _require_free(segmentation_node, name: str, uid: str = "") -> None:
    if any(other == name and key != uid for key, other in _names(segmentation_node).items()):
        raise InputError(f"Another lesion of this patient is called '{name}'; choose another name.")


def _is_elsewhere(segmentation_node, uid: str) -> bool:
    return any(node is not segmentation_node for node, _segment_id in segments_of_lesion(uid))


def _require_time_point(known: bool, reading: Reading | None) -> None:
    if known and reading is None:
        raise InputError("Say first which time point this examination is (module HCC Response): the lesion is known from another one.")


def _remove_rows(segmentation_node, segment_id: str, reading: Reading | None) -> int:
    rows = rows_of(segmentation_node, segment_id, reading) if reading is not None else []
    return remove_measurements(rows) if rows else 0

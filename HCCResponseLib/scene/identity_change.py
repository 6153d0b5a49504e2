"""Giving a lesion that was outlined and measured under one identity another one: everything that refers to it follows."""

import dataclasses

import slicer

from ..errors import InputError
from .diameter_lines import UID_ATTRIBUTE, diameter_lines
from .findings import move_findings
from .lesion_identity import LesionIdentity, lesion_identity, segment_of_lesion, set_lesion_identity
from .linked_segments import link_segment, linked_segments
from .measurement_table import add_measurements, measurement_table, measurements, remove_measurements
from .segment_tags import require_segment
from .segment_types import segment_type
from .time_points import study_of
from .undo import all_or_nothing

__all__ = ["change_identity"]


def change_identity(segmentation_node, segment_id: str, identity: LesionIdentity, time_point: int, *, table_node=None) -> None:
    """Give a lesion of one examination an identity; its parts, references, lines, findings and measurements there follow.

    :param time_point: index of the examination whose rows follow; rows of others stay with the old identity.
    :raises InputError: another segment of the examination has this identity, or it is none; nothing is changed then.
    """
    old = lesion_identity(segmentation_node, segment_id)
    if old is not None and old.uid == identity.uid:
        set_lesion_identity(segmentation_node, segment_id, identity)
        return
    other = segment_of_lesion(segmentation_node, identity.uid)
    if other is not None:
        name = require_segment(segmentation_node, other).GetName()
        raise InputError(f"'{name}' of '{segmentation_node.GetName()}' is that lesion already; delete one of the two outlines first.")
    with all_or_nothing(segmentation_node):
        rows = measurements(table_node, lesion_uid=old.uid, time_point=time_point) if old is not None else []
        parts = linked_segments(segmentation_node, old.uid) if old is not None else []
        lines = diameter_lines(segmentation_node, old.uid) if old is not None else []
        set_lesion_identity(segmentation_node, segment_id, identity)
        for part_id in parts:
            link_segment(segmentation_node, part_id, segment_id, segment_type(segmentation_node, part_id))
        for line_node in lines:
            line_node.SetAttribute(UID_ATTRIBUTE, identity.uid)
        study_item = study_of(segmentation_node)
        if study_item and old is not None:
            move_findings(study_item, old.uid, identity.uid)
        if rows:
            table_node = table_node or measurement_table()
            with slicer.util.NodeModify(table_node):
                remove_measurements(rows, table_node)
                add_measurements([dataclasses.replace(row, lesion_uid=identity.uid) for row in rows], table_node)

"""Diameters of lesions as markups lines, which the reader may move.

A line knows its lesion by the tracking UID, what it measures, who reads, and the segmentation it was measured in; it stands
under the same parent transform as the segmentation and moves with it. It also remembers where and how the software put it:
that is how a line that was moved by hand is told.
"""

import numpy as np
import slicer

from ..errors import InputError
from ..geometry import LPS_TO_RAS
from ..response.quantities import find_quantity
from .escaped_text import safe_node_name
from .lesion_identity import ensure_lesion_identity
from .segment_tags import require_segment
from .subject_hierarchy import place_beside

__all__ = [
    "DIAMETER_QUANTITIES",
    "add_diameter_line",
    "attach_line",
    "diameter_lines",
    "line_ends_ras",
    "line_length_mm",
    "line_lesion_uid",
    "line_method",
    "line_quantity",
    "line_segmentation",
    "line_was_moved",
    "remove_line",
]

UID_ATTRIBUTE = "HCC.TrackingUID"
QUANTITY_ATTRIBUTE = "HCC.Quantity"
READER_ATTRIBUTE = "HCC.Reader"
PLACED_ATTRIBUTE = "HCC.PlacedAt"
METHOD_ATTRIBUTE = "HCC.Method"
SEGMENTATION_REFERENCE = "HCC.Segmentation"
DIAMETER_QUANTITIES = ("LONG_AXIS", "SHORT_AXIS", "VIABLE_DIAMETER", "VIABLE_SHORT_AXIS")

_LABELLED = ("LONG_AXIS", "VIABLE_DIAMETER")
_MOVED_MM = 0.01


def add_diameter_line(segmentation_node, segment_id: str, quantity: str, start_lps, end_lps, *, reader: str = "", method: str = ""):
    """Put a measured diameter of a lesion into the scene and return its line node.

    :param quantity: one of :data:`DIAMETER_QUANTITIES`.
    :param start_lps: world coordinates in LPS mm, as the lesion measurements give them; so is ``end_lps``.
    :param method: how the software found it, for the measurement table.
    :raises InputError: there is no such segment, or the quantity is no diameter.
    """
    segment = require_segment(segmentation_node, segment_id)
    ends = (LPS_TO_RAS[:3, :3] @ np.stack([start_lps, end_lps], axis=1)).T
    line_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", safe_node_name(f"{segment.GetName()}: {_label(quantity)}"))
    line_node.CreateDefaultDisplayNodes()
    line_node.SetAndObserveTransformNodeID(segmentation_node.GetTransformNodeID())
    for point in ends:
        line_node.AddControlPointWorld(*map(float, point))
    _attach(line_node, segmentation_node, segment_id, quantity, reader)
    line_node.SetAttribute(PLACED_ATTRIBUTE, " ".join(repr(float(number)) for number in _own_ends(line_node).ravel()))
    line_node.SetAttribute(METHOD_ATTRIBUTE, method)
    display_node = line_node.GetDisplayNode()
    display_node.SetSelectedColor(segment.GetColor())
    # Crossing lines: one label for both, small enough to leave the lesion visible. Both are planar, so nothing to see in 3D.
    display_node.SetPropertiesLabelVisibility(quantity in _LABELLED)
    display_node.SetGlyphScale(1.8)
    display_node.SetTextScale(2.6)
    display_node.SetVisibility3D(False)
    return line_node


def attach_line(line_node, segmentation_node, segment_id: str, quantity: str, *, reader: str = "") -> None:
    """Make a line that a reader drew a diameter of a lesion, in place of the one that the reader had.

    :raises InputError: there is no such segment, the quantity is no diameter, or the line does not have two ends.
    """
    require_segment(segmentation_node, segment_id)
    _label(quantity)
    line_ends_ras(line_node)
    uid = ensure_lesion_identity(segmentation_node, segment_id).uid
    for other in diameter_lines(segmentation_node, uid, quantity, reader=reader):
        if other is not line_node:
            remove_line(other)
    _attach(line_node, segmentation_node, segment_id, quantity, reader)


def diameter_lines(segmentation_node, lesion_uid: str | None = None, *quantities: str, reader: str | None = None) -> list:
    """Return the lines of lesions in a segmentation, in the order of the scene.

    :param lesion_uid: those of one lesion; None: of all.
    :param quantities: those that measure one of these; none given: all.
    :param reader: those of one reader; None: of all.
    """
    return [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLMarkupsLineNode")
        if line_segmentation(node) is segmentation_node
        and line_lesion_uid(node)
        and lesion_uid in (None, line_lesion_uid(node))
        and (not quantities or line_quantity(node) in quantities)
        and reader in (None, node.GetAttribute(READER_ATTRIBUTE) or "")
    ]


def remove_line(line_node) -> None:
    """Remove a line from the scene together with its display and storage nodes, which Slicer would leave behind."""
    extra = [line_node.GetDisplayNode(), line_node.GetStorageNode()]
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(line_node)
    if item:
        hierarchy.RemoveItem(item)
    for node in (line_node, *extra):
        if node is not None and node.GetScene() is not None:
            slicer.mrmlScene.RemoveNode(node)


def line_lesion_uid(line_node) -> str:
    """Return the tracking UID of the lesion that a line measures; empty for a line of something else."""
    return line_node.GetAttribute(UID_ATTRIBUTE) or ""


def line_quantity(line_node) -> str:
    """Return the key of the quantity that a line measures; empty for a line of something else."""
    return line_node.GetAttribute(QUANTITY_ATTRIBUTE) or ""


def line_method(line_node) -> str:
    """Return how the software found a line; empty for one that the reader drew."""
    return line_node.GetAttribute(METHOD_ATTRIBUTE) or ""


def line_segmentation(line_node):
    """Return the segmentation that a line belongs to, or None."""
    return line_node.GetNodeReference(SEGMENTATION_REFERENCE)


def line_was_moved(line_node) -> bool:
    """Tell whether a line is not where the software put it: an end was moved by hand, or the reader drew it.

    A transform that moves the line together with its segmentation does not count.
    """
    placed = line_node.GetAttribute(PLACED_ATTRIBUTE)
    if not placed or line_node.GetNumberOfControlPoints() != 2:
        return True
    then = np.array([float(number) for number in placed.split()]).reshape(2, 3)
    return bool(np.abs(then - _own_ends(line_node)).max() > _MOVED_MM)


def line_ends_ras(line_node) -> np.ndarray:
    """Return the two ends of a line in world coordinates, RAS mm, shape (2, 3); any parent transform is applied, bent ones too.

    :raises InputError: the line does not have two ends yet.
    """
    if line_node.GetNumberOfDefinedControlPoints() != 2:
        raise InputError(f"Line '{line_node.GetName()}' does not have two ends yet; place both.")
    ends = np.zeros((2, 3))
    for index in range(2):
        line_node.GetNthControlPointPositionWorld(index, ends[index])
    return ends


def line_length_mm(line_node) -> float:
    """Return the distance of the two ends of a line in world coordinates.

    :raises InputError: the line does not have two ends yet.
    """
    start, end = line_ends_ras(line_node)
    return float(np.linalg.norm(end - start))


def _attach(line_node, segmentation_node, segment_id: str, quantity: str, reader: str) -> None:
    line_node.SetAttribute(UID_ATTRIBUTE, ensure_lesion_identity(segmentation_node, segment_id).uid)
    line_node.SetAttribute(QUANTITY_ATTRIBUTE, quantity)
    line_node.SetAttribute(READER_ATTRIBUTE, reader)
    line_node.SetNodeReferenceID(SEGMENTATION_REFERENCE, segmentation_node.GetID())
    place_beside(line_node, segmentation_node)


def _label(quantity: str) -> str:
    if quantity not in DIAMETER_QUANTITIES:
        raise InputError(f"'{quantity}' is not a diameter that a line can show; known are {', '.join(DIAMETER_QUANTITIES)}.")
    return find_quantity(quantity).label.lower()


def _own_ends(line_node) -> np.ndarray:
    ends = np.zeros((2, 3))
    for index in range(2):
        line_node.GetNthControlPointPosition(index, ends[index])
    return ends

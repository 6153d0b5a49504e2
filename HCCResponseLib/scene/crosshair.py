"""Where the user points: the mouse in a slice view."""

import slicer

__all__ = ["crosshair_node", "crosshair_position"]


def crosshair_node():
    """Return the node that is modified (``CursorPositionModifiedEvent``) when the mouse moves in a view; None where there is none."""
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")


def crosshair_position() -> tuple[float, float, float] | None:
    """Return the point below the mouse, RAS mm; None while it is in no view."""
    node, point = crosshair_node(), [0.0, 0.0, 0.0]
    return tuple(point) if node is not None and node.GetCursorPositionRAS(point) else None

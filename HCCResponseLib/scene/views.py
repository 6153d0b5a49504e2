"""What the slice views show. Without a main window there is nothing to show, and nothing fails."""

import slicer

from .lesion_identity import segment_of_lesion
from .segment_masks import is_empty

__all__ = ["jump_to_lesion", "set_map_opacity", "show_chart", "show_volumes"]


def show_volumes(background, foreground=None, *, foreground_opacity: float | None = None, fit: bool = False, turn: bool = False) -> None:
    """Show one volume, or one over another, in all slice views.

    :param fit: turn the views to the planes of the background volume and fit it into them, as for images that are new.
    :param turn: only turn them; their zoom stays.
    """
    # Turning and fitting need the views themselves, the layers only their nodes.
    views = hasattr(slicer, "app") and slicer.app.layoutManager() is not None
    slicer.util.setSliceViewerLayers(
        background=background,
        foreground=foreground,
        foregroundOpacity=foreground_opacity,
        fit=fit and views,
        rotateToVolumePlane=(fit or turn) and views,
    )


def show_chart(chart_node) -> None:
    """Show a chart in the plot view of the layout; nothing happens where it has none."""
    manager = slicer.app.layoutManager() if hasattr(slicer, "app") else None
    if manager is not None and manager.plotViewCount:
        manager.plotWidget(0).mrmlPlotViewNode().SetPlotChartNodeID(chart_node.GetID())


def set_map_opacity(map_node, opacity: float) -> None:
    """Change the opacity where a map lies over another image."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetForegroundVolumeID() == map_node.GetID():
            composite.SetForegroundOpacity(opacity)


def jump_to_lesion(segmentation_node, lesion_uid: str) -> bool:
    """Centre the slice views on a lesion; False where the segmentation has none with this tracking UID, or it is empty.

    A lesion that is hidden is shown: Slicer hides some when it loads a scene for the second time.
    """
    segment_id = segment_of_lesion(segmentation_node, lesion_uid) if segmentation_node is not None else None
    if segment_id is None or is_empty(segmentation_node, segment_id):
        return False
    centre = segmentation_node.GetSegmentCenterRAS(segment_id)
    if centre is None:
        return False
    display = segmentation_node.GetDisplayNode()
    if display is not None and not display.GetSegmentVisibility(segment_id):
        display.SetSegmentVisibility(segment_id, True)
    slicer.modules.markups.logic().JumpSlicesToLocation(*centre, True)
    return True

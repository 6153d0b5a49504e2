"""Showing an examination: its image in the slice views, its outlines and lines, and nobody else's."""

import slicer

from .diameter_lines import line_segmentation
from .study_nodes import ANATOMY, image_of_study, segmentation_of_study
from .time_points import study_of
from .views import show_volumes

__all__ = ["show_examination", "show_outlines_of"]


def show_examination(study_item: int, image=None, *, fit: bool = True):
    """Show an image of an examination with its outlines; returns the image, None where there is none.

    :param image: which; the one that is best suited for outlines where None.
    """
    shown = image or image_of_study(study_item, *ANATOMY)
    if shown is not None:
        show_volumes(shown, fit=fit)
    show_outlines_of(study_item)
    return shown


def show_outlines_of(study_item: int) -> None:
    """Show the outlines and diameter lines of an examination, and hide those of all others: patients move between them."""
    own = segmentation_of_study(study_item)
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        display = node.GetDisplayNode()
        if display is not None and (node is own or study_of(node)):
            display.SetVisibility(node is own)
    for line in slicer.util.getNodesByClass("vtkMRMLMarkupsLineNode"):
        segmentation = line_segmentation(line)
        if segmentation is not None and line.GetDisplayNode() is not None:
            line.GetDisplayNode().SetVisibility(segmentation is own)

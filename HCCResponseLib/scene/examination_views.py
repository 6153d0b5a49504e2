"""An examination in the views: one of its images, its outlines, and the diameter lines of whoever reads.

Outlines and lines of other examinations are hidden with it, because patients move in between. An examination is shown because the
user chose it, so it stays when a panel is left: its image and its outlines belong together. Outlines of no examination are the user's
and stay as they are.
"""

import slicer

from ..response.roles import Role
from .diameter_lines import READER_ATTRIBUTE, diameter_lines, line_ends_ras, line_segmentation
from .lesion_attributes import lesion_segments
from .reader_name import reader_name
from .roles import role
from .study_nodes import ANATOMY, image_of_study, nodes_of_study, segmentation_of_study, volumes_of_study
from .time_points import study_of
from .views import jump_to_lesion, show_volumes

__all__ = ["images_to_outline_on", "is_shown", "jump_to_diameter", "jump_to_outline", "show_examination", "show_outlines_of"]

_NO_ANATOMY = (Role.DCE, Role.VFA)


def show_examination(study_item: int, image=None, *, reader: str | None = None):
    """Show an image of an examination with its outlines; returns the image, None where there is none.

    The views turn to the planes of the image, in which it is read; those that show this patient already keep their zoom.

    :param image: which; the one that is best suited for outlines where None.
    :param reader: see :func:`show_outlines_of`.
    """
    shown = image or image_of_study(study_item, *ANATOMY)
    if shown is not None:
        show_volumes(shown, fit=not _shows_patient_of(study_item), turn=True)
    show_outlines_of(study_item, reader)
    return shown


def show_outlines_of(study_item: int, reader: str | None = None) -> None:
    """Show the lesions of an examination and the lines of a reader there; hide the outlines and lines of all other examinations.

    :param reader: whose lines; None: those of the reader at work.
    """
    own = segmentation_of_study(study_item)
    wanted = reader_name() if reader is None else reader
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        if node is own or study_of(node):
            _set_visible(node, node is own)
    for line in slicer.util.getNodesByClass("vtkMRMLMarkupsLineNode"):
        segmentation = line_segmentation(line)
        if segmentation is not None:
            _set_visible(line, segmentation is own and (line.GetAttribute(READER_ATTRIBUTE) or "") == wanted)
    display = own.GetDisplayNode() if own is not None else None
    for segment_id in lesion_segments(own) if display is not None else ():
        # Hidden by the user, or by Slicer itself, which loads some segments of a second scene hidden.
        if not display.GetSegmentVisibility(segment_id):
            display.SetSegmentVisibility(segment_id, True)


def images_to_outline_on(study_item: int) -> list:
    """Return the volumes of an examination, the best suited for outlines first; series over time are left out."""
    best = [node for node in volumes_of_study(study_item, *ANATOMY) if node.IsA("vtkMRMLScalarVolumeNode")]
    others = nodes_of_study(study_item, "vtkMRMLScalarVolumeNode")
    return best + [node for node in others if node not in best and role(node) not in _NO_ANATOMY]


def is_shown(volume_nodes) -> bool:
    """Whether one of these volumes is the background of a slice view."""
    ids = {node.GetID() for node in volume_nodes}
    return any(one.GetBackgroundVolumeID() in ids for one in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"))


def jump_to_diameter(segmentation_node, lesion_uid: str, reader: str = "") -> bool:
    """Centre the slice views on the longest diameter of a lesion by a reader; False where it has none."""
    for line_node in diameter_lines(segmentation_node, lesion_uid, "LONG_AXIS", reader=reader):
        if line_node.GetNumberOfDefinedControlPoints() == 2:
            slicer.modules.markups.logic().JumpSlicesToLocation(*line_ends_ras(line_node).mean(axis=0), True)
            return True
    return False


def jump_to_outline(study_item: int, lesion_uid: str, reader: str | None = None) -> bool:
    """Centre the slice views on a lesion of an examination: on its longest diameter, and before it is measured on its middle.

    :param reader: whose diameter; None: that of the reader at work.
    :return: whether the examination shows the lesion.
    """
    node = segmentation_of_study(study_item)
    if node is None or not lesion_uid:
        return False
    return jump_to_diameter(node, lesion_uid, reader_name() if reader is None else reader) or jump_to_lesion(node, lesion_uid)


def _shows_patient_of(study_item: int) -> bool:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    ids = {one.GetBackgroundVolumeID() for one in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")} - {None}
    found = [study_of(node) for node in map(slicer.mrmlScene.GetNodeByID, ids) if node is not None]
    return any(item and hierarchy.GetItemParent(item) == hierarchy.GetItemParent(study_item) for item in found)


def _set_visible(node, visible: bool) -> None:
    if node.GetDisplayNode() is not None and bool(node.GetDisplayVisibility()) != visible:
        node.SetDisplayVisibility(visible)

"""What the views show of an examination: the image that outlines are drawn on, and its outlines and lines alone."""

import slicer

from ..response.roles import Role
from .diameter_lines import READER_ATTRIBUTE, diameter_lines, line_ends_ras, line_lesion_uid, line_segmentation
from .lesion_attributes import lesion_segments
from .roles import role
from .study_nodes import ANATOMY, nodes_of_study, volumes_of_study

__all__ = ["OutlineVisibility", "images_to_outline_on", "is_shown", "jump_to_diameter"]

_NO_ANATOMY = (Role.DCE, Role.VFA)


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


class OutlineVisibility:
    """Outlines and diameter lines of one examination shown alone; what was visible before comes back."""

    def __init__(self) -> None:
        self._before: dict = {}
        self._hidden: list[tuple] = []

    def show_only(self, segmentation_node, reader: str = "") -> None:
        """Show the lesions of an examination; hide all other outlines, and the lines of all other examinations and readers.

        :param segmentation_node: whose outlines are shown; None hides all.
        """
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            self._set(node, node is segmentation_node)
        for node in slicer.util.getNodesByClass("vtkMRMLMarkupsLineNode"):
            if line_lesion_uid(node):
                own = line_segmentation(node) is segmentation_node and (node.GetAttribute(READER_ATTRIBUTE) or "") == reader
                self._set(node, own)
        display_node = None if segmentation_node is None else segmentation_node.GetDisplayNode()
        for segment_id in () if display_node is None else lesion_segments(segmentation_node):
            # Hidden by the user, or by Slicer itself, which loads some segments of a second scene hidden.
            if not display_node.GetSegmentVisibility(segment_id):
                display_node.SetSegmentVisibility(segment_id, True)
                self._hidden.append((segmentation_node, segment_id))

    def restore(self) -> None:
        """Bring back what was visible before; nothing happens where the user changed it meanwhile."""
        for node, segment_id in self._hidden:
            display_node = node.GetDisplayNode()
            if node.GetScene() is not None and display_node is not None and node.GetSegmentation().GetSegment(segment_id) is not None:
                display_node.SetSegmentVisibility(segment_id, False)
        for node, (before, ours) in self._before.items():
            if node.GetScene() is not None and bool(node.GetDisplayVisibility()) == ours:
                node.SetDisplayVisibility(before)
        self.forget()

    def forget(self) -> None:
        """Let everything be as it is now: the scene is being closed."""
        self._before.clear()
        self._hidden.clear()

    def _set(self, node, visible: bool) -> None:
        if node.GetDisplayNode() is None or bool(node.GetDisplayVisibility()) == visible:
            return
        before = self._before.get(node, (bool(node.GetDisplayVisibility()), None))[0]
        self._before[node] = (before, visible)
        node.SetDisplayVisibility(visible)

"""What the views show of an examination: the image that outlines are drawn on, and its outlines and lines alone."""

import slicer

from ..response.roles import Role
from .diameter_lines import READER_ATTRIBUTE, line_lesion_uid, line_segmentation
from .roles import role
from .study_nodes import ANATOMY, nodes_of_study, volumes_of_study

__all__ = ["OutlineVisibility", "images_to_outline_on", "is_shown"]

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


class OutlineVisibility:
    """Outlines and diameter lines of one examination shown alone; what was visible before comes back."""

    def __init__(self) -> None:
        self._before: dict = {}

    def show_only(self, segmentation_node, reader: str = "") -> None:
        """Hide the outlines of all other examinations, and the lines of all other examinations and readers.

        :param segmentation_node: whose outlines are shown; None hides all.
        """
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            self._set(node, node is segmentation_node)
        for node in slicer.util.getNodesByClass("vtkMRMLMarkupsLineNode"):
            if line_lesion_uid(node):
                own = line_segmentation(node) is segmentation_node and (node.GetAttribute(READER_ATTRIBUTE) or "") == reader
                self._set(node, own)

    def restore(self) -> None:
        """Bring back what was visible before; nothing happens where the user changed it meanwhile."""
        for node, (before, ours) in self._before.items():
            if node.GetScene() is not None and bool(node.GetDisplayVisibility()) == ours:
                node.SetDisplayVisibility(before)
        self._before.clear()

    def forget(self) -> None:
        """Let everything be as it is now: the scene is being closed."""
        self._before.clear()

    def _set(self, node, visible: bool) -> None:
        if node.GetDisplayNode() is None or bool(node.GetDisplayVisibility()) == visible:
            return
        before = self._before.get(node, (bool(node.GetDisplayVisibility()), None))[0]
        self._before[node] = (before, visible)
        node.SetDisplayVisibility(visible)

"""Viable, necrotic and haemorrhagic tumour over the images while a threshold is chosen; nothing of it stays in the scene.

Shown as the label layer of the slice views, which is quick to change and covers no other layer; the layer that was there before
comes back.
"""

import numpy as np
import slicer

from ..report.colours import PART_COLOURS
from .volumes import add_volume, update_volume, volume_geometry

__all__ = ["NecrosisPreview"]

_ATTRIBUTE = "HCC.Preview"
_LABELS = {1: "viable", 2: "necrotic", 3: "haemorrhagic"}


class NecrosisPreview:
    """An overlay of the parts of lesions.

    :param post_node: the volume whose grid the parts are on.
    :param opacity: of the overlay, 0 to 1.
    """

    def __init__(self, post_node, *, opacity: float = 0.5):
        self._geometry = volume_geometry(post_node)
        self._opacity = opacity
        shape = self._geometry.shape
        self._labels = None
        self._node = add_volume(np.zeros(shape, np.uint8), self._geometry, "Necrosis preview", node_class="vtkMRMLLabelMapVolumeNode")
        self._colors = _color_node()
        for node in (self._node, self._colors):
            node.SetSaveWithScene(False)
            node.SetHideFromEditors(True)
            node.SetAttribute(_ATTRIBUTE, "1")
        self._node.SetAndObserveTransformNodeID(post_node.GetTransformNodeID())
        self._node.CreateDefaultDisplayNodes()
        self._node.GetDisplayNode().SetAndObserveColorNodeID(self._colors.GetID())
        self._before = {}
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            self._before[composite] = (composite.GetLabelVolumeID(), composite.GetLabelOpacity())
            composite.SetLabelVolumeID(self._node.GetID())
            composite.SetLabelOpacity(opacity)

    def show(self, parts) -> None:
        """Show the parts of one or several lesions, in place of what was shown.

        :param parts: :class:`~HCCResponseLib.lesions.tissue_parts.TissueParts` of each lesion, on the grid of the volume.
        """
        if self._node.GetScene() is None:
            return
        labels = np.zeros(self._geometry.shape, np.uint8)
        for one in parts:
            box = tuple(slice(first, first + n) for first, n in zip(one.first_voxel, one.labels.shape, strict=True))
            known = np.isin(one.labels, tuple(_LABELS))
            labels[box][known] = one.labels[known]
        if not np.array_equal(labels, self._labels):  # else the views would be drawn again for nothing
            update_volume(self._node, labels)
            self._labels = labels

    def remove(self) -> None:
        """Take the overlay away; the views get their label layer back. Nothing happens a second time."""
        for composite, (volume_id, opacity) in self._before.items():
            if composite.GetScene() is not None and composite.GetLabelVolumeID() == self._node.GetID():
                composite.SetLabelVolumeID(volume_id)
                composite.SetLabelOpacity(opacity)
        self._before = {}
        for node in (self._node.GetDisplayNode(), self._node, self._colors):
            if node is not None and node.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(node)


def _color_node():
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", "Necrosis preview colors")
    node.SetTypeToUser()
    node.SetNumberOfColors(1 + max(_LABELS))
    node.SetColor(0, "outside", 0.0, 0.0, 0.0, 0.0)
    for label, name in _LABELS.items():
        color = PART_COLOURS[name]
        node.SetColor(label, name, *(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)), 1.0)
    return node

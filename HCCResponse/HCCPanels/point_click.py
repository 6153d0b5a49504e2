"""One click into a view, as a point in the patient; the user's markups are left alone."""

import slicer

__all__ = ["PointClick"]


class PointClick:
    """Wait for a click in any view and hand on where it was.

    :param onEnd: called when waiting ends, with a click or without one.
    """

    def __init__(self, onEnd=None) -> None:
        self._onEnd = onEnd
        self._onPoint = None
        self._node = None
        self._placedBefore = ("", "")
        self._observations = []

    @property
    def isOn(self) -> bool:
        """Whether a click is waited for."""
        return self._node is not None

    def start(self, onPoint) -> None:
        """Wait for a click and call ``onPoint`` with it, (R, A, S) in mm; a right click or another mouse mode ends the waiting."""
        self.stop()
        self._onPoint = onPoint
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLMarkupsFiducialNode")
        node.UnRegister(None)
        node.SetName("Click")
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        self._node = slicer.mrmlScene.AddNode(node)
        self._node.CreateDefaultDisplayNodes()
        self._node.GetDisplayNode().SetSaveWithScene(False)
        self._node.SetControlPointLabelFormat("")
        selection, interaction = self._modeNodes()
        self._placedBefore = (selection.GetActivePlaceNodeClassName() or "", selection.GetActivePlaceNodeID() or "")
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
        selection.SetActivePlaceNodeID(self._node.GetID())
        interaction.SetPlaceModePersistence(0)
        interaction.SetCurrentInteractionMode(interaction.Place)
        self._observe(self._node, slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent, self._onDefined)
        self._observe(interaction, interaction.InteractionModeChangedEvent, self._onModeChanged)

    def stop(self) -> None:
        """Wait no longer; nothing happens where no click is waited for."""
        if self._node is None:
            return
        for caller, tag in self._observations:
            caller.RemoveObserver(tag)
        node, self._node, self._onPoint, self._observations = self._node, None, None, []
        selection, interaction = self._modeNodes()
        if interaction.GetCurrentInteractionMode() == interaction.Place:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        className, nodeId = self._placedBefore
        selection.SetReferenceActivePlaceNodeClassName(className or None)
        selection.SetActivePlaceNodeID(nodeId or None)
        if node.GetScene() is not None:
            display = node.GetDisplayNode()
            slicer.mrmlScene.RemoveNode(node)
            if display is not None and display.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(display)
        if self._onEnd:
            self._onEnd()

    def _onDefined(self, _caller, _event) -> None:
        import qt

        # The view that was clicked still works with the node.
        qt.QTimer.singleShot(0, self._finish)

    def _finish(self) -> None:
        if self._node is None or self._node.GetScene() is None or not self._node.GetNumberOfDefinedControlPoints():
            self.stop()
            return
        point = [0.0, 0.0, 0.0]
        self._node.GetNthControlPointPositionWorld(0, point)
        onPoint = self._onPoint
        self.stop()
        onPoint(tuple(point))

    def _onModeChanged(self, caller, _event) -> None:
        import qt

        if caller.GetCurrentInteractionMode() != caller.Place:
            # A click that was made ends the mode as well, before it is told.
            qt.QTimer.singleShot(0, self._finish)

    def _observe(self, caller, event, slot) -> None:
        self._observations.append((caller, caller.AddObserver(event, slot)))

    @staticmethod
    def _modeNodes():
        logic = slicer.app.applicationLogic()
        return logic.GetSelectionNode(), logic.GetInteractionNode()

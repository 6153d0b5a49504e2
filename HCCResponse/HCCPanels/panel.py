"""The life of a panel in the application: set up, entered, left, scene closed or loaded, one shared selection followed.

A panel says in its class::

    class HCCExampleWidget(Panel):  # its logic is HCCExampleLogic of the same file
        def setUpPanel(self): ...       # once: tables, connections of widgets
        def initializePanel(self): ...  # settings that the scene gives, each time a parameter node is taken
        def updatePanel(self): ...      # show what the scene holds; changes nothing in it
        def shownNodes(self): ...       # nodes whose changes the panel must show
"""

import sys
from contextlib import contextmanager

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic, ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from .layout_loan import LayoutLoan

__all__ = ["Panel", "PanelLogic"]


class PanelLogic(ScriptedLoadableModuleLogic):
    """A module's logic with typed settings: one wrapper a node, so that observers stay attached."""

    parameterNodeClass = None

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._parameterNode = None

    def getParameterNode(self):
        """The module's settings in the scene."""
        node = super().getParameterNode()
        if self._parameterNode is None or self._parameterNode.parameterNode != node:
            self._parameterNode = self.parameterNodeClass(node)
        return self._parameterNode


class Panel(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """A module's widget. Everything that matters is in the scene; without a parameter node the panel shows nothing and does nothing."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)  # needed for parameter node observation
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._observedNodes = []
        self._selectionNode = None
        self._updateTimer = None
        self._toolTips = {}
        self._saidOf = None
        self.layoutLoan = LayoutLoan()

    #
    # What a module writes
    #

    def setUpPanel(self) -> None:
        """Called once, when the widgets are there."""

    def initializePanel(self) -> None:
        """Called each time the panel takes a parameter node: settings that the scene gives."""

    def updatePanel(self) -> None:
        """Show what the scene holds; changes nothing in it. Only called with a parameter node."""

    def shownNodes(self) -> list:
        """Nodes whose changes the panel must show; None among them is passed over."""
        return []

    def leavePanel(self) -> None:
        """Called before the panel loses its parameter node: end previews, give back what was borrowed."""

    #
    # The life of the panel
    #

    def setup(self) -> None:
        """Called when the user opens the module the first time and the widget is initialized."""
        import qt

        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        self._toolTips = {name: widget.toolTip for name, widget in vars(self.ui).items() if hasattr(widget, "toolTip")}
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = getattr(sys.modules[type(self).__module__], f"{self.moduleName}Logic")()

        # Painting and dragging tell every step; the panel follows when the hand rests.
        self._updateTimer = qt.QTimer()
        self._updateTimer.setSingleShot(True)
        self._updateTimer.setInterval(200)
        self._updateTimer.connect("timeout()", self._onSettled)

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self._onSceneEndClose)
        self.addObserver(scene, scene.StartImportEvent, self._onSceneStartClose)
        self.addObserver(scene, scene.EndImportEvent, self._onSceneEndImport)
        self.addObserver(scene, scene.NodeAddedEvent, self._onSomethingChanged)
        self.addObserver(scene, scene.NodeRemovedEvent, self._onSomethingChanged)

        self.setUpPanel()
        if self.parent.isEntered:
            self.initializeParameterNode()

    def cleanup(self) -> None:
        """Called when the application closes and the module widget is destroyed."""
        if self._updateTimer is not None:
            self._updateTimer.stop()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Called each time the user opens a different module."""
        self.say("")
        self.setParameterNode(None)

    def _onSceneStartClose(self, caller, event) -> None:
        self.say("")
        self.setParameterNode(None)

    def _onSceneEndClose(self, caller, event) -> None:
        if self.parent.isEntered:
            self.initializeParameterNode()

    def _onSceneEndImport(self, caller, event) -> None:
        import qt

        # Selectors know the nodes of a loaded scene only after the batch ends, and would write None before.
        qt.QTimer.singleShot(0, lambda: self._onSceneEndClose(caller, event))

    def initializeParameterNode(self) -> None:
        """Ensure parameter node exists and observed."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.measurement_table import merge_measurement_tables

        if slicer.mrmlScene.IsImporting() or slicer.mrmlScene.IsClosing():
            return
        parameterNode = self.logic.getParameterNode()
        # Settings that are nodes were read before those nodes came in with a loaded scene; they are read again when told of a change.
        parameterNode.Modified()
        self.setParameterNode(parameterNode)
        try:
            merge_measurement_tables()
        except InputError as error:
            self.say(str(error))
        self.initializePanel()
        self.refresh()

    def setParameterNode(self, parameterNode) -> None:
        """Set and observe the parameter node; None leaves the panel without one."""
        from HCCResponseLib.scene.selection import selection_node

        if self._parameterNode == parameterNode:
            return
        if self._parameterNode:
            self.leavePanel()
            self.layoutLoan.giveBack()
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onSomethingChanged)
        if self._selectionNode is not None:
            self.removeObserver(self._selectionNode, vtk.vtkCommand.ModifiedEvent, self._onSelectionChanged)
            self._selectionNode = None
        self._updateTimer.stop()
        self._observe([])
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._onSomethingChanged)
            self._selectionNode = selection_node()
            self.addObserver(self._selectionNode, vtk.vtkCommand.ModifiedEvent, self._onSelectionChanged)

    #
    # The panel follows the scene
    #

    def refresh(self) -> None:
        """Show what the scene holds now, and follow the nodes that are shown."""
        from HCCResponseLib.scene.selection import selected_study

        self._updateTimer.stop()
        if self._parameterNode:
            if self._saidOf not in (None, selected_study()):
                self.say("")
            self.updatePanel()
            self._observe([node for node in self.shownNodes() if node is not None])

    def refreshSoon(self) -> None:
        """Show what the scene holds when it rests."""
        if self._parameterNode and not slicer.mrmlScene.IsBatchProcessing():
            self._updateTimer.start()

    def _onSomethingChanged(self, caller=None, event=None) -> None:
        self.refreshSoon()

    def _onSelectionChanged(self, caller=None, event=None) -> None:
        self.refreshSoon()

    def _onSettled(self) -> None:
        self.refresh()

    def _observe(self, nodes) -> None:
        """Follow changes of these nodes, and of no others."""
        events = [
            vtk.vtkCommand.ModifiedEvent,
            slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
            slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent,
            slicer.vtkMRMLMarkupsNode.PointModifiedEvent,
            slicer.vtkSegmentation.SourceRepresentationModified,
            slicer.vtkSegmentation.SegmentModified,
            slicer.vtkSegmentation.SegmentAdded,
            slicer.vtkSegmentation.SegmentRemoved,
        ]
        for node in self._observedNodes:
            if node not in nodes:
                for event in events:
                    self.removeObserver(node, event, self._onSomethingChanged)
        for node in nodes:
            if node not in self._observedNodes:
                for event in events:
                    self.addObserver(node, event, self._onSomethingChanged)
        self._observedNodes = list(nodes)

    #
    # Talking to the user
    #

    def say(self, text: str) -> None:
        """Show a sentence in the status line of the panel, a QLabel named statusLabel, until another examination is selected."""
        from HCCResponseLib.scene.selection import selected_study

        self._saidOf = selected_study() if text else None
        self.ui.statusLabel.text = text

    def allow(self, name: str, problem: str = "") -> None:
        """Enable a widget, or disable it and say in its tool tip why."""
        widget = getattr(self.ui, name)
        widget.enabled = not problem
        widget.toolTip = problem or self._toolTips[name]

    @contextmanager
    def tellingErrors(self, message: str):
        """Begin with an empty status line; an error is shown in a dialog and stays in that line, a cancelled work only there."""
        from HCCResponseLib.errors import Cancelled

        self.say("")
        with slicer.util.tryWithErrorDisplay(message):
            try:
                yield
            except Cancelled:
                self.say(_("Cancelled; nothing was changed."))
            except Exception as error:
                self.say(f"{message} {error}")
                raise

    def goTo(self, moduleName: str) -> None:
        """Open another module, with the same patient, examination and lesion."""
        slicer.util.selectModule(moduleName)

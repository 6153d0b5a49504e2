import enum
import math
import os
import pathlib
import sys
from contextlib import contextmanager
from typing import Annotated

import vtk

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin

# In a source checkout the library stands beside this folder; a build or installation has it in this folder, on the path already.
_checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isdir(os.path.join(_checkout, "HCCResponseLib")) and _checkout not in sys.path:
    sys.path.insert(0, _checkout)


#
# HCCParameterMapping
#


class HCCParameterMapping(ScriptedLoadableModule):
    """Diffusion images become ADC maps, measured inside outlines."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("HCC Parameter Mapping")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = ["Colors", "Segmentations", "Volumes"]
        self.parent.contributors = ["HCCResponse contributors"]
        self.parent.helpText = _("""
<p>Turns diffusion-weighted images into a map of the apparent diffusion coefficient (ADC) and measures it lesion by lesion.</p>
<ol><li>Read the DICOM folder of an examination, or use volumes of the scene and give each its b-value.</li>
<li>Look at the checks, choose the estimator, compute the map.</li>
<li>Choose the segmentation with the lesions and measure.</li></ol>
<p>See <a href="https://github.com/HCCResponse/HCCResponse#hcc-parameter-mapping">the documentation</a>.</p>
""")
        self.parent.acknowledgementText = _("""
Estimators: Salvador et al., Hum Brain Mapp 2005;24:144 and Veraart et al., NeuroImage 2013;81:335 (weighted linear least squares).
Diffusion-weighted MRI of the liver: Taouli and Koh, Radiology 2010;254:47.
""")


#
# HCCParameterMappingParameterNode
#


class Scaling(enum.Enum):
    """What the signals are made of the stored values with; stored by name, so names stay as they are."""

    RESCALE = "rescale"
    PHILIPS_PRIVATE = "philips_private"

    def label(self) -> str:
        """Text in the panel."""
        return {Scaling.RESCALE: _("as displayed (rescale)"), Scaling.PHILIPS_PRIVATE: _("Philips private")}[self]


class Estimator(enum.Enum):
    """Estimators of the ADC; stored by name, so names stay as they are."""

    WLLS = "wlls"
    LLS = "lls"
    NLLS = "nlls"

    def label(self) -> str:
        """Text in the panel."""
        return {
            Estimator.WLLS: _("Weighted linear least squares"),
            Estimator.LLS: _("Linear least squares"),
            Estimator.NLLS: _("Non-linear least squares"),
        }[self]


@parameterNodeWrapper
class HCCParameterMappingParameterNode:
    """
    The settings of the panel.

    dicomFolder - Folder that diffusion images were last read from.
    scaling - What Read folder makes the signals with.
    series - One volume of the diffusion series that is worked on.
    leftOut - Volumes of the series that are not to be fitted.
    showAllVolumes - List the volumes without a b-value as well.
    estimator - How the ADC is fitted.
    leaveOutAir - Leave voxels out that do not stand clear of the noise.
    adcMap - The map that is shown, measured, and written into; None makes a new one.
    mapOpacity - How strongly the map covers the image below it.
    segmentation - The outlines to measure in.
    timePoint - 0 for the examination before treatment, then 1, 2, ...; that of the map's study where it has one.
    reader - Who drew the outlines.
    """

    dicomFolder: pathlib.Path
    scaling: Scaling = Scaling.RESCALE
    series: vtkMRMLScalarVolumeNode | None
    leftOut: list[vtkMRMLScalarVolumeNode]
    showAllVolumes: bool = False
    estimator: Estimator = Estimator.WLLS
    leaveOutAir: bool = True
    adcMap: vtkMRMLScalarVolumeNode | None
    mapOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.7
    segmentation: vtkMRMLSegmentationNode | None
    timePoint: Annotated[int, WithinRange(0, 99)] = 0
    reader: str


def numberText(value: float, decimals: int = 2, sign: str = "", unit: str = "") -> str:
    """A number as the panel shows it; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:{sign}.{decimals}f}{unit}"


def remarks(values) -> list[str]:
    """What is to be said of the values of a lesion."""
    found = [values.problem, values.note]
    if not values.problem and not values.statistics.n:
        found.append(_("No voxel inside has a valid ADC."))
    if values.outdated:
        found.append(_("The outline or the map changed; measure again."))
    return [text for text in found if text]


@contextmanager
def progressDialog(text: str):
    """Show a dialog with a Cancel button; yields a callback for the library: told the fraction, False when cancelled."""
    dialog = slicer.util.createProgressDialog(labelText=text, windowTitle=_("HCC Parameter Mapping"), minimumDuration=400)

    def report(fraction: float) -> bool:
        dialog.value = int(100 * fraction)
        slicer.app.processEvents()
        return not dialog.wasCanceled

    try:
        yield report
    finally:
        dialog.close()
        dialog.deleteLater()


#
# HCCParameterMappingWidget
#


class HCCParameterMappingWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: widgets, parameter node and scene functions, nothing else."""

    USE, NAME, B_VALUE = range(3)
    LESION, MEDIAN, MEAN, VOLUME, VOXELS, CHANGE = range(6)

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)  # needed for parameter node observation
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._observedNodes = []
        self._updateTimer = None
        self._filling = False
        self._values = []
        self._valuesShownOf = None
        self._layoutBefore = None

    def setup(self) -> None:
        """Called when the user opens the module the first time and the widget is initialized."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/HCCParameterMapping.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = HCCParameterMappingLogic()
        # Only maps of the ADC may be written into; without the filter the selector takes any volume when a map is deleted.
        self.ui.outputSelector.addAttribute("vtkMRMLScalarVolumeNode", "HCC.Quantity", "ADC")

        self._setUpTables()
        self._setUpTimer()

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.addObserver(scene, scene.NodeAddedEvent, self.onSceneChanged)
        self.addObserver(scene, scene.NodeRemovedEvent, self.onSceneChanged)

        self.ui.readFolderButton.connect("clicked(bool)", self.onReadFolder)
        self.ui.seriesComboBox.connect("activated(int)", self.onSeriesChosen)
        self.ui.volumesTable.connect("cellChanged(int,int)", self.onVolumeEdited)
        self.ui.useAllButton.connect("clicked(bool)", self.onUseAll)
        self.ui.leaveOutZeroButton.connect("clicked(bool)", self.onLeaveOutZero)
        self.ui.acceptProposedButton.connect("clicked(bool)", self.onAcceptProposed)
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.ui.measureButton.connect("clicked(bool)", self.onMeasure)
        self.ui.valuesTable.connect("cellClicked(int,int)", self.onValueClicked)
        self.ui.copyValuesButton.connect("clicked(bool)", self.onCopyValues)
        self.ui.showTableButton.connect("toggled(bool)", self.onShowTable)
        if slicer.app.layoutManager() is not None:
            slicer.app.layoutManager().connect("layoutChanged(int)", self.onLayoutChanged)
            self.onLayoutChanged(slicer.app.layoutManager().layout)

        self.initializeParameterNode()

    def _setUpTables(self) -> None:
        import qt

        volumes = self.ui.volumesTable
        volumes.setColumnCount(3)
        volumes.setHorizontalHeaderLabels([_("Use"), _("Volume"), _("b (s/mm²)")])
        volumes.verticalHeader().setVisible(False)
        header = volumes.horizontalHeader()
        header.setSectionResizeMode(self.USE, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(self.NAME, qt.QHeaderView.Stretch)
        header.setSectionResizeMode(self.B_VALUE, qt.QHeaderView.ResizeToContents)
        values = self.ui.valuesTable
        headings = [_("Lesion"), _("Median"), _("Mean ± SD"), _("mL"), _("Voxels"), _("Change")]
        values.setColumnCount(len(headings))
        values.setHorizontalHeaderLabels(headings)
        values.verticalHeader().setVisible(False)
        values.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        values.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)

    def _setUpTimer(self) -> None:
        import qt

        # Painting tells every stroke; the panel follows when the hand rests.
        self._updateTimer = qt.QTimer()
        self._updateTimer.setSingleShot(True)
        self._updateTimer.setInterval(200)
        self._updateTimer.connect("timeout()", self.onNodesSettled)

    def cleanup(self) -> None:
        """Called when the application closes and the module widget is destroyed."""
        self._updateTimer.stop()
        if slicer.app.layoutManager() is not None:
            slicer.app.layoutManager().disconnect("layoutChanged(int)", self.onLayoutChanged)
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Called each time the user opens a different module."""
        if self._layoutBefore is not None:
            self.ui.showTableButton.checked = False  # gives the user's layout back
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event) -> None:
        """Called just before the scene is closed."""
        if self._layoutBefore is not None:
            self.ui.showTableButton.checked = False
        self._say("")
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event) -> None:
        """Called just after the scene is closed."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onSceneStartImport(self, caller, event) -> None:
        """Called just before another scene is loaded into this one."""
        self._say("")
        self.setParameterNode(None)

    def onSceneEndImport(self, caller, event) -> None:
        """Called when a scene was loaded: selectors know its nodes only after the batch ends, and would write None before."""
        import qt

        qt.QTimer.singleShot(0, lambda: self.onSceneEndClose(caller, event))

    def onSceneChanged(self, caller, event) -> None:
        """Nodes came or went."""
        if self._parameterNode and not slicer.mrmlScene.IsBatchProcessing():
            self._valuesShownOf = None
            self.updatePanel()

    def onNodeModified(self, caller, event) -> None:
        """A node that the panel shows changed."""
        self._updateTimer.start()

    def onNodesSettled(self) -> None:
        """The nodes that the panel shows changed, and rest now."""
        if self._parameterNode:
            self._valuesShownOf = None
            self.updatePanel()

    def initializeParameterNode(self) -> None:
        """Ensure parameter node exists and observed."""
        self.setParameterNode(self.logic.getParameterNode())
        from HCCResponseLib.errors import InputError

        parameters = self._parameterNode
        try:
            self.logic.mergeMeasurementTables()
        except InputError as error:
            self._say(str(error))
        if parameters.series is None:
            group = self.logic.group(parameters)
            if group:
                self.logic.chooseSeries(parameters, group.volumes[0])
        if parameters.segmentation is None:
            parameters.segmentation = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
        if not parameters.reader:
            parameters.reader = self.logic.userName()

    def setParameterNode(self, inputParameterNode: HCCParameterMappingParameterNode | None) -> None:
        """Set and observe the parameter node; None leaves the panel without one."""
        if self._parameterNode == inputParameterNode:
            return
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterNodeModified)
        self._observe([])
        self._valuesShownOf = None
        self._parameterNode = inputParameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            if self._parameterNode.dicomFolder == pathlib.Path():
                self.ui.dicomFolderLineEdit.currentPath = ""  # no folder yet reads better than "."
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterNodeModified)
            self.updatePanel()

    def onParameterNodeModified(self, caller=None, event=None) -> None:
        """A setting changed, here or elsewhere."""
        if self._parameterNode:
            self.logic.followStudy(self._parameterNode)
            self.updatePanel()

    def _observe(self, nodes) -> None:
        """Follow changes of these nodes, and of no others."""
        events = [
            vtk.vtkCommand.ModifiedEvent,
            slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
            slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent,
            slicer.vtkSegmentation.SourceRepresentationModified,
            slicer.vtkSegmentation.SegmentModified,
            slicer.vtkSegmentation.SegmentAdded,
            slicer.vtkSegmentation.SegmentRemoved,
        ]
        for node in self._observedNodes:
            if node not in nodes:
                for event in events:
                    self.removeObserver(node, event, self.onNodeModified)
        for node in nodes:
            if node not in self._observedNodes:
                for event in events:
                    self.addObserver(node, event, self.onNodeModified)
        self._observedNodes = list(nodes)

    #
    # The panel follows the scene
    #

    def updatePanel(self) -> None:
        """Show what the scene holds; changes nothing in it."""
        self._updateSeries()
        self._updateVolumesTable()
        self._updatePreflight()
        self._updateMap()
        self._updateTimePoint()
        self._updateValues()
        self._observe(self.logic.shownNodes(self._parameterNode))

    def _updateSeries(self) -> None:
        groups = self.logic.diffusionGroups()
        chosen = self._parameterNode.dicomFolder != pathlib.Path()
        self.ui.readFolderButton.enabled = chosen
        self.ui.readFolderButton.toolTip = (
            _("Read the diffusion series of the folder: one volume for each b-value, directions combined.")
            if chosen
            else _("Choose the folder with the DICOM files first.")
        )
        combo = self.ui.seriesComboBox
        combo.clear()
        current = self.logic.group(self._parameterNode)
        for group in groups:
            combo.addItem(group.label, group.volumes[0].GetID())
            if group == current:
                combo.setCurrentIndex(combo.count - 1)
        combo.enabled = len(groups) > 1
        self.ui.useAllButton.enabled = self.ui.leaveOutZeroButton.enabled = bool(groups)
        combo.toolTip = (
            _("Diffusion series of the scene.")
            if groups
            else _("No volume of the scene has a b-value yet: read a folder, or type b-values in.")
        )

    def _updateVolumesTable(self) -> None:
        import qt

        from HCCResponseLib.scene.b_values import b_value, propose_b_value

        self._filling = True
        table = self.ui.volumesTable
        volumes = self.logic.listedVolumes(self._parameterNode)
        table.setRowCount(len(volumes))
        for row, volume in enumerate(volumes):
            b = b_value(volume)
            use = qt.QTableWidgetItem()
            use.setData(qt.Qt.UserRole, volume.GetID())
            use.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled if b is not None else qt.Qt.ItemIsSelectable)
            use.setCheckState(qt.Qt.Checked if b is not None and volume not in list(self._parameterNode.leftOut) else qt.Qt.Unchecked)
            name = qt.QTableWidgetItem(volume.GetName())
            name.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
            name.setToolTip(volume.GetName())
            number = qt.QTableWidgetItem("" if b is None else f"{b:g}")
            number.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            if b is None:
                proposed, source = propose_b_value(volume)
                number.setToolTip(
                    _("Double-click to type the b-value in s/mm².")
                    + (_(" Proposed: {b:g} (from the {source}).").format(b=proposed, source=source) if source else ""),
                )
            for column, item in enumerate((use, name, number)):
                table.setItem(row, column, item)
        self._filling = False
        proposals = [volume for volume in volumes if b_value(volume) is None and propose_b_value(volume)[1]]
        self.ui.acceptProposedButton.enabled = bool(proposals)
        self.ui.acceptProposedButton.toolTip = (
            "\n".join(_("{name}: b = {b:g}").format(name=one.GetName(), b=propose_b_value(one)[0]) for one in proposals)
            if proposals
            else _("No volume in the list lacks a b-value that its header or name tells.")
        )

    def _updatePreflight(self) -> None:
        import qt

        volumes = self.logic.chosenVolumes(self._parameterNode)
        findings = self.logic.findings(volumes)
        adcMap = self._parameterNode.adcMap
        errors = [finding.text for finding in findings if finding.level == "error"]
        style = slicer.app.style()
        icons = {
            "error": qt.QStyle.SP_MessageBoxCritical,
            "warning": qt.QStyle.SP_MessageBoxWarning,
            "information": qt.QStyle.SP_MessageBoxInformation,
            "good": qt.QStyle.SP_DialogApplyButton,
        }
        self.ui.preflightList.clear()
        for finding in findings:
            item = qt.QListWidgetItem(style.standardIcon(icons[str(finding.level)]), finding.text)
            item.setToolTip(finding.text)
            self.ui.preflightList.addItem(item)
        refusal = self.logic.outputProblem(self._parameterNode)
        if refusal:
            errors.append(refusal)
            self.ui.preflightList.addItem(qt.QListWidgetItem(style.standardIcon(icons["error"]), refusal))
        self.ui.applyButton.enabled = not errors
        self.ui.applyButton.toolTip = errors[0] if errors else _("Fit the ADC in every voxel of the chosen volumes.")
        self.ui.applyButton.text = _("Compute ADC map") if adcMap is None else _("Compute ADC map again")

    def _updateMap(self) -> None:
        adcMap = self._parameterNode.adcMap
        self.ui.windowLevelWidget.setMRMLVolumeNode(adcMap)
        for widget in (self.ui.windowLevelWidget, self.ui.opacitySlider):
            widget.enabled = adcMap is not None
        if adcMap is not None:
            from HCCResponseLib.scene.views import set_map_opacity

            set_map_opacity(adcMap, self._parameterNode.mapOpacity)

    def _updateTimePoint(self) -> None:
        known = self.logic.timePointOfStudy(self._parameterNode) is not None
        self.ui.timePointSpinBox.enabled = not known
        self.ui.timePointSpinBox.suffix = _(" (as its study says)") if known else ""
        self.ui.timePointSpinBox.toolTip = (
            _("The study that the map belongs to says its time point; change it there.")
            if known
            else _("0 is the examination before treatment, 1 the first follow-up, and so on.")
        )

    def _updateValues(self) -> None:
        """Show the values of the map; they are looked up again only when they may have changed."""
        from HCCResponseLib.errors import InputError

        parameters = self._parameterNode
        shownOf = [parameters.adcMap, parameters.segmentation, parameters.timePoint, parameters.reader]
        if shownOf == self._valuesShownOf:
            return
        self._valuesShownOf = shownOf
        outdated = self.logic.outdated(parameters)
        missing = (
            _("Compute or choose an ADC map first.")
            if parameters.adcMap is None
            else _("Choose a segmentation with the outlines first.")
            if parameters.segmentation is None
            else outdated
        )
        self.ui.measureButton.enabled = not missing
        self.ui.measureButton.toolTip = missing or _(
            "Measure the map inside every visible segment, and keep the values in the measurement table of the scene.",
        )
        notes = [outdated]
        try:
            notes.append(self.logic.timePointDoubt(parameters))
            self._values = self.logic.valuesOfMap(parameters)
        except InputError as error:
            self._values = []
            notes.append(str(error))
        notes += [note for values in self._values for note in dict.fromkeys((values.problem, values.note)) if note]
        if any(values.outdated for values in self._values):
            notes.append(_("Grey: the outline or the map changed; measure again."))
        self.ui.valuesNoteLabel.text = "\n".join(filter(None, notes))
        self.ui.valuesNoteLabel.visible = any(notes)
        self._fillValuesTable(allOutdated=bool(outdated))
        self.ui.copyValuesButton.enabled = bool(self._values)

    def _fillValuesTable(self, allOutdated: bool) -> None:
        import qt

        table = self.ui.valuesTable
        table.setRowCount(len(self._values))
        table.setColumnHidden(self.CHANGE, all(math.isnan(values.change_percent) for values in self._values))
        for row, values in enumerate(self._values):
            statistics = values.statistics
            spread = f" ± {numberText(statistics.standard_deviation)}" if statistics.n else ""
            texts = [
                values.lesion_name,
                numberText(statistics.median),
                numberText(statistics.mean) + spread,
                numberText(statistics.volume_ml, 1),
                f"{statistics.n}",
                numberText(values.change_percent, 0, "+", " %"),
            ]
            toolTip = "\n".join([self._describe(values), *remarks(values)])
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text)
                item.setData(qt.Qt.UserRole, values.lesion_uid)
                item.setToolTip(toolTip)
                if column:
                    item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
                if values.outdated or allOutdated:
                    item.setForeground(qt.QBrush(qt.QColor("grey")))
                table.setItem(row, column, item)

    def _describe(self, values) -> str:
        statistics = values.statistics
        return _(
            "{name}: 10th to 90th percentile {p10} to {p90}, 25th to 75th {p25} to {p75}, "
            "minimum {minimum}, maximum {maximum} 10⁻³ mm²/s; {rejected} voxels without a valid ADC",
        ).format(
            name=values.lesion_name,
            p10=numberText(statistics.percentile_10),
            p90=numberText(statistics.percentile_90),
            p25=numberText(statistics.percentile_25),
            p75=numberText(statistics.percentile_75),
            minimum=numberText(statistics.minimum),
            maximum=numberText(statistics.maximum),
            rejected=statistics.rejected,
        )

    def _say(self, text: str) -> None:
        self.ui.statusLabel.text = text

    @contextmanager
    def _tellingErrors(self, message: str):
        """Begin with an empty status line; an error is shown in a dialog and stays in that line."""
        self._say("")
        with slicer.util.tryWithErrorDisplay(message):
            try:
                yield
            except Exception as error:
                self._say(f"{message} {error}")
                raise

    #
    # What the user does
    #

    def onReadFolder(self, _checked=False) -> None:
        """Read the diffusion series of the chosen folder into the scene."""
        from HCCResponseLib.errors import Cancelled
        from HCCResponseLib.scene.views import show_volumes

        folder = self.ui.dicomFolderLineEdit.currentPath
        if not folder:
            self._say(_("Choose the folder with the DICOM files first."))
            return
        with self._tellingErrors(_("The diffusion images could not be read.")):
            try:
                with progressDialog(_("Reading diffusion images...")) as progress:
                    volumes, notes = self.logic.readFolder(folder, self._parameterNode.scaling, progress)
            except Cancelled:
                self._say(_("Reading was cancelled; nothing was added."))
                return
            self.logic.chooseSeries(self._parameterNode, volumes[0])
            show_volumes(volumes[0], fit=True)
            self._say(" ".join([_("{count} volumes were read, one for each b-value.").format(count=len(volumes)), *notes]))

    def onSeriesChosen(self, index: int) -> None:
        """Work on another diffusion series."""
        self._say("")
        self.logic.chooseSeries(self._parameterNode, slicer.mrmlScene.GetNodeByID(self.ui.seriesComboBox.itemData(index)))

    def onVolumeEdited(self, row: int, column: int) -> None:
        """A volume was ticked or its b-value typed."""
        import qt

        if self._filling or self._parameterNode is None:
            return
        table = self.ui.volumesTable
        volume = slicer.mrmlScene.GetNodeByID(table.item(row, self.USE).data(qt.Qt.UserRole))
        if volume is None:
            return
        if column == self.USE:
            self.logic.setLeftOut(self._parameterNode, volume, table.item(row, self.USE).checkState() != qt.Qt.Checked)
        elif column == self.B_VALUE:
            from HCCResponseLib.errors import InputError
            from HCCResponseLib.scene.b_values import set_typed_b_value

            try:
                self._say(set_typed_b_value(volume, table.item(row, self.B_VALUE).text()))
            except InputError as error:
                self._say(str(error))
            if self._parameterNode.series is None:
                self.logic.chooseSeries(self._parameterNode, volume)
            self._valuesShownOf = None
            self.updatePanel()

    def onUseAll(self, _checked=False) -> None:
        """Fit every b-value."""
        self._say("")
        self._parameterNode.leftOut = []

    def onLeaveOutZero(self, _checked=False) -> None:
        """Fit without b = 0."""
        from HCCResponseLib.scene.b_values import b_value

        self._say("")
        for volume in self.logic.listedVolumes(self._parameterNode):
            if b_value(volume) == 0:
                self.logic.setLeftOut(self._parameterNode, volume, True)

    def onAcceptProposed(self, _checked=False) -> None:
        """Give the listed volumes the b-values that are proposed for them."""
        from HCCResponseLib.scene.b_values import accept_proposed_b_values

        accepted = accept_proposed_b_values(self.logic.listedVolumes(self._parameterNode))
        if accepted and self._parameterNode.series is None:
            self.logic.chooseSeries(self._parameterNode, accepted[0])
        self._say(_("{count} volumes got their b-value.").format(count=len(accepted)))
        self.updatePanel()

    def onApply(self, _checked=False) -> None:
        """Compute the map and show it."""
        from HCCResponseLib.errors import Cancelled

        parameters = self._parameterNode
        with self._tellingErrors(_("The ADC map could not be computed.")):
            try:
                with progressDialog(_("Computing the ADC map...")) as progress:
                    adcMap, seconds = self.logic.computeAdc(parameters, progress)
            except Cancelled:
                self._say(_("The computation was cancelled; nothing was changed."))
                return
            self._valuesShownOf = None
            parameters.adcMap = adcMap
            self.updatePanel()
            self.logic.showMap(parameters)
            self._say(_("'{name}' was computed in {seconds:.1f} s.").format(name=adcMap.GetName(), seconds=seconds))

    def onMeasure(self, _checked=False) -> None:
        """Measure the map inside the visible segments."""
        from HCCResponseLib.errors import Cancelled

        with self._tellingErrors(_("The map could not be measured.")):
            try:
                with progressDialog(_("Measuring...")) as progress:
                    results = self.logic.measure(self._parameterNode, progress)
            except Cancelled:
                self._say(_("Measuring was cancelled; no value was changed."))
                return
            self._say(" ".join(result.problem or result.note for result in results if result.problem or result.note))
            self._valuesShownOf = None
            self._updateValues()

    def onValueClicked(self, row: int, _column: int) -> None:
        """Show the lesion of a row in the slice views."""
        import qt

        from HCCResponseLib.scene.views import jump_to_lesion

        shown = jump_to_lesion(self._parameterNode.segmentation, self.ui.valuesTable.item(row, self.LESION).data(qt.Qt.UserRole))
        self._say("" if shown else _("The outline of this lesion is empty or gone."))

    def onCopyValues(self, _checked=False) -> None:
        """Put the table on the clipboard, tab-separated."""
        import dataclasses

        rows = []
        for values in self._values:
            numbers = dataclasses.asdict(values.statistics) | {"change_percent": values.change_percent}
            rows = rows or [["lesion_name", *numbers, "remark", "lesion_uid"]]
            texts = ["–" if math.isnan(number) else str(number) for number in numbers.values()]
            rows.append([values.lesion_name, *texts, " ".join(remarks(values)), values.lesion_uid])
        slicer.app.clipboard().setText("\n".join("\t".join(row) for row in rows))
        self._say(_("Copied {count} lesions with all their statistics, ADC in 10⁻³ mm²/s.").format(count=len(self._values)))

    def onShowTable(self, shown: bool) -> None:
        """Show the measurement table below the images, and give the user's layout back."""
        layoutManager = slicer.app.layoutManager()
        if layoutManager is None:
            return
        tableLayout = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView
        if not shown:
            if layoutManager.layout == tableLayout:
                before = self._layoutBefore
                layoutManager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView if before is None else before)
            return
        with self._tellingErrors(_("The measurement table could not be shown.")):
            before = layoutManager.layout
            layoutManager.setLayout(tableLayout)
            self._layoutBefore = before if before != tableLayout else None
            self.logic.showMeasurementTable()  # once the view for it is there
        self.onLayoutChanged(layoutManager.layout)

    def onLayoutChanged(self, layout: int) -> None:
        """The layout changed, here or elsewhere: the button says whether it is that with the table."""
        shown = layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView
        if not shown:
            self._layoutBefore = None
        wasBlocked = self.ui.showTableButton.blockSignals(True)
        self.ui.showTableButton.checked = shown
        self.ui.showTableButton.blockSignals(wasBlocked)


#
# HCCParameterMappingLogic
#


class HCCParameterMappingLogic(ScriptedLoadableModuleLogic):
    """What the panel does, without the panel: settings and nodes in, nodes out."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._parameterNode = None
        self._checked = None
        self._findings = []

    def getParameterNode(self) -> HCCParameterMappingParameterNode:
        """The module's settings in the scene; one wrapper a node, so that observers stay attached."""
        node = super().getParameterNode()
        if self._parameterNode is None or self._parameterNode.parameterNode != node:
            self._parameterNode = HCCParameterMappingParameterNode(node)
        return self._parameterNode

    def userName(self) -> str:
        """Name that the user gave to Slicer; empty if none."""
        information = slicer.app.applicationLogic().GetUserInformation()
        return information.GetName() or "" if information else ""

    def diffusionGroups(self) -> list:
        """Diffusion series of the scene."""
        from HCCResponseLib.scene.diffusion_groups import diffusion_groups

        return diffusion_groups()

    def group(self, parameters):
        """The series that is worked on; None where the scene has none."""
        from HCCResponseLib.scene.diffusion_groups import group_of

        return group_of(parameters.series, self.diffusionGroups())

    def chooseSeries(self, parameters, volume) -> None:
        """Work on the series of a volume and on the ADC map that was made from it; a series without a map gets a new one."""
        from HCCResponseLib.scene.diffusion import adc_map_of

        parameters.series = volume
        parameters.adcMap = adc_map_of(self.group(parameters).volumes) if volume is not None and self.group(parameters) else None
        self.followStudy(parameters)

    def timePointOfStudy(self, parameters) -> int | None:
        """Time point of the study that the map, or before there is one the series, belongs to."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.time_points import time_point_of

        node = parameters.adcMap or parameters.series
        try:
            return None if node is None else time_point_of(node)
        except InputError:  # a damaged attribute: measuring tells what is wrong with it
            return None

    def followStudy(self, parameters) -> None:
        """Take the time point that the study says."""
        known = self.timePointOfStudy(parameters)
        if known is not None and parameters.timePoint != known:
            parameters.timePoint = known

    def timePointDoubt(self, parameters) -> str:
        """Why the time point may be wrong: the dates of the patient's studies tell another one; empty where they do not."""
        from HCCResponseLib.scene.time_points import propose_time_points, studies, study_of

        study = study_of(parameters.adcMap) if parameters.adcMap is not None else 0
        patient = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemParent(study) if study else 0
        if not patient or len(studies(patient)) < 2:
            return ""
        proposed = propose_time_points(patient).get(study)
        if proposed is None or proposed.index == parameters.timePoint:
            return ""
        return _("By the dates of the studies this examination is time point {index}.").format(index=proposed.index)

    def outputProblem(self, parameters) -> str:
        """Why the chosen map must not be written into; empty where it may."""
        from HCCResponseLib.scene.diffusion import check_output

        volumes = self.chosenVolumes(parameters)
        return check_output(parameters.adcMap, volumes) if parameters.adcMap is not None and volumes else ""

    def outdated(self, parameters) -> str:
        """Why the map is out of date; empty where it is not."""
        from HCCResponseLib.scene.diffusion import outdated_adc

        return outdated_adc(parameters.adcMap) if parameters.adcMap is not None else ""

    def shownNodes(self, parameters) -> list:
        """Nodes whose changes the panel must show."""
        from HCCResponseLib.scene.measurement_table import measurement_tables

        nodes = [*self.listedVolumes(parameters), parameters.adcMap, parameters.segmentation, *measurement_tables()]
        return [node for node in nodes if node is not None]

    def mergeMeasurementTables(self) -> None:
        """Make one measurement table of several, as there are after a scene was added to this one."""
        from HCCResponseLib.scene.measurement_table import merge_measurement_tables

        merge_measurement_tables()

    def listedVolumes(self, parameters) -> list:
        """Volumes of the series by b-value, and those without a b-value if they are wanted."""
        from HCCResponseLib.scene.diffusion_groups import volumes_without_b_value

        group = self.group(parameters)
        return (list(group.volumes) if group else []) + (volumes_without_b_value() if parameters.showAllVolumes else [])

    def chosenVolumes(self, parameters) -> list:
        """Volumes to fit: of the series, not left out."""
        group = self.group(parameters)
        leftOut = list(parameters.leftOut)
        return [volume for volume in group.volumes if volume not in leftOut] if group else []

    def setLeftOut(self, parameters, volume, leftOut: bool) -> None:
        """Leave a volume out of the fit, or take it in again."""
        others = [other for other in parameters.leftOut if other is not None and other != volume]
        parameters.leftOut = [*others, volume] if leftOut else others

    def findings(self, volumes) -> list:
        """What a look at the volumes before the fit finds; looked at again only when one of them changed."""
        from HCCResponseLib.scene.diffusion import check_diffusion

        seen = [(volume.GetID(), volume.GetMTime(), volume.GetImageData() and volume.GetImageData().GetMTime()) for volume in volumes]
        if seen != self._checked:
            self._checked, self._findings = seen, check_diffusion(volumes)
        return self._findings

    def readFolder(self, folder, scaling=Scaling.RESCALE, progress=None) -> tuple[list, list[str]]:
        """Read the diffusion series of a DICOM folder; returns a volume per b-value, and what the user should know."""
        from HCCResponseLib.scene.diffusion import read_diffusion_folder

        return read_diffusion_folder(folder, scaling=scaling.value, progress=progress)

    def computeAdc(self, parameters, progress=None) -> tuple:
        """Compute the ADC map of the chosen volumes; returns the map and the seconds it took."""
        import time

        from HCCResponseLib.scene.diffusion import compute_adc

        start = time.perf_counter()
        volumes = self.chosenVolumes(parameters)
        group = self.group(parameters)
        adcMap = compute_adc(
            volumes,
            method=parameters.estimator.value,
            leave_out_air=parameters.leaveOutAir,
            name=f"{group.name} ADC" if group else "ADC",
            map_node=parameters.adcMap,
            progress=progress,
        )
        return adcMap, time.perf_counter() - start

    def showMap(self, parameters) -> None:
        """Show the map over the chosen volume with the lowest b-value."""
        from HCCResponseLib.scene.parameter_maps import show_parameter_map

        volumes = self.chosenVolumes(parameters)
        show_parameter_map(parameters.adcMap, volumes[0] if volumes else None, opacity=parameters.mapOpacity)

    def measure(self, parameters, progress=None) -> list:
        """Measure the map inside the visible segments; the values go into the measurement table."""
        from HCCResponseLib.scene.map_measurement import measure_map
        from HCCResponseLib.scene.subject_hierarchy import patient_of
        from HCCResponseLib.scene.time_points import time_point_of

        known = time_point_of(parameters.adcMap)
        return measure_map(
            parameters.adcMap,
            parameters.segmentation,
            patient=patient_of(parameters.adcMap),
            time_point=parameters.timePoint if known is None else known,
            reader=parameters.reader.strip(),
            progress=progress,
        )

    def valuesOfMap(self, parameters) -> list:
        """What the measurement table says of the outlines on the map for this time point and reader, a lesion each, in shown units.

        :raises InputError: the table is broken, or the map cannot be measured any more.
        """
        from HCCResponseLib.scene.map_measurement import measured_values
        from HCCResponseLib.scene.subject_hierarchy import patient_of

        if parameters.adcMap is None or parameters.segmentation is None:
            return []
        return measured_values(
            parameters.adcMap,
            parameters.segmentation,
            patient=patient_of(parameters.adcMap),
            time_point=parameters.timePoint,
            reader=parameters.reader.strip(),
        )

    def showMeasurementTable(self) -> None:
        """Make the measurement table the one that table views show."""
        from HCCResponseLib.scene.measurement_table import measurement_table

        slicer.app.applicationLogic().GetSelectionNode().SetActiveTableID(measurement_table().GetID())
        slicer.app.applicationLogic().PropagateTableSelection()


#
# HCCParameterMappingTest
#


class HCCParameterMappingTest(ScriptedLoadableModuleTest):
    """From DICOM files of known truth to the numbers in the panel."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        self.folder = pathlib.Path(slicer.util.tempDirectory())
        self.addCleanup(self._removeFolder)

    def _removeFolder(self):
        import shutil

        shutil.rmtree(self.folder, ignore_errors=True)

    def runTest(self):
        """Run every test of the class, as the Reload and Test button does."""
        for name in dir(self):
            if name.startswith("test_"):
                self.setUp()
                getattr(self, name)()
                self.doCleanups()

    def _writeExamination(self):
        """A small diffusion examination on disk; returns its truth."""
        from HCCResponseLib.phantom.abdomen import diffusion_examination
        from HCCResponseLib.phantom.dicom_series import SeriesHeader, write_series

        examination = diffusion_examination(shape=(9, 40, 52), spacing_mm=(7.0, 7.0, 14.0))
        write_series(self.folder, examination.volumes, examination.geometry, SeriesHeader(patient_id="P1", patient_name="Test^Liver"))
        return examination

    def _outline(self, examination, names, volume):
        """A segmentation with the true regions of some tissues."""
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        for name in names:
            segmentId = segmentation.GetSegmentation().AddEmptySegment("", name)
            slicer.util.updateSegmentBinaryLabelmapFromArray(examination.regions[name].astype("uint8"), segmentation, segmentId, volume)
        return segmentation

    def test_folderToValues(self):
        """Read, fit, measure through the logic: the numbers are the true ones."""
        examination = self._writeExamination()
        logic = HCCParameterMappingLogic()
        parameters = logic.getParameterNode()
        volumes, _notes = logic.readFolder(self.folder)
        self.assertEqual(len(volumes), 4)
        parameters.series = volumes[0]
        parameters.adcMap, _seconds = logic.computeAdc(parameters)
        parameters.segmentation = self._outline(examination, ["liver", "spleen", "stomach"], volumes[0])
        parameters.reader = "Test"
        logic.measure(parameters)
        rows = logic.valuesOfMap(parameters)
        self.assertEqual([row.lesion_name for row in rows], ["liver", "spleen", "stomach"])
        for row in rows:
            true = 1e3 * examination.true_adc(row.lesion_name)
            self.assertAlmostEqual(row.statistics.median, true, delta=0.02 * true)
            self.assertEqual(row.statistics.n + row.statistics.rejected, int(examination.regions[row.lesion_name].sum()))

    def test_cancelChangesNothing(self):
        """A cancelled fit leaves the scene as it was."""
        from HCCResponseLib.errors import Cancelled

        self._writeExamination()
        logic = HCCParameterMappingLogic()
        parameters = logic.getParameterNode()
        with self.assertRaises(Cancelled):
            logic.readFolder(self.folder, progress=lambda fraction: False)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), 0)
        parameters.series = logic.readFolder(self.folder)[0][0]
        with self.assertRaises(Cancelled):
            logic.computeAdc(parameters, lambda fraction: False)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), 4)

    def test_leaveOut(self):
        """A volume that is left out is not fitted, and one that was deleted is no trouble."""
        self._writeExamination()
        logic = HCCParameterMappingLogic()
        parameters = logic.getParameterNode()
        volumes, _notes = logic.readFolder(self.folder)
        parameters.series = volumes[0]
        logic.setLeftOut(parameters, volumes[0], True)
        self.assertEqual(logic.chosenVolumes(parameters), volumes[1:])
        slicer.mrmlScene.RemoveNode(volumes[0])
        self.assertEqual(logic.chosenVolumes(parameters), volumes[1:])
        logic.setLeftOut(parameters, volumes[1], True)
        logic.setLeftOut(parameters, volumes[1], False)
        self.assertEqual(logic.chosenVolumes(parameters), volumes[1:])

import enum
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
    series - One volume of the diffusion series that is worked on.
    leftOut - Volumes of the series that are not to be fitted.
    showAllVolumes - List the volumes without a b-value as well.
    estimator - How the ADC is fitted.
    leaveOutAir - Leave voxels out that do not stand clear of the noise.
    adcMap - The map that is shown, measured, and written into; None makes a new one.
    mapOpacity - How strongly the map covers the image below it.
    segmentation - The outlines to measure in.
    timePoint - 0 for the examination before treatment, then 1, 2, ...
    reader - Who drew the outlines.
    """

    dicomFolder: pathlib.Path
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

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)  # needed for parameter node observation
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._filling = False
        self._values = []
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

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.addObserver(scene, scene.NodeAddedEvent, self.onSceneChanged)
        self.addObserver(scene, scene.NodeRemovedEvent, self.onSceneChanged)

        self.ui.readFolderButton.connect("clicked(bool)", self.onReadFolder)
        self.ui.seriesComboBox.connect("activated(int)", self.onSeriesChosen)
        self.ui.volumesTable.connect("cellChanged(int,int)", self.onVolumeEdited)
        self.ui.useAllButton.connect("clicked(bool)", self.onUseAll)
        self.ui.leaveOutZeroButton.connect("clicked(bool)", self.onLeaveOutZero)
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.ui.measureButton.connect("clicked(bool)", self.onMeasure)
        self.ui.valuesTable.connect("cellClicked(int,int)", self.onValueClicked)
        self.ui.copyValuesButton.connect("clicked(bool)", self.onCopyValues)
        self.ui.showTableButton.connect("toggled(bool)", self.onShowTable)

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
        headings = [_("Lesion"), _("Median"), _("Mean ± SD"), _("mL"), _("Voxels")]
        values.setColumnCount(len(headings))
        values.setHorizontalHeaderLabels(headings)
        values.verticalHeader().setVisible(False)
        values.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        values.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)

    def cleanup(self) -> None:
        """Called when the application closes and the module widget is destroyed."""
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Called each time the user opens a different module."""
        self.ui.showTableButton.checked = False  # gives the user's layout back
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event) -> None:
        """Called just before the scene is closed, or another is loaded into it."""
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event) -> None:
        """Called just after the scene is closed."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onSceneEndImport(self, caller, event) -> None:
        """Called when a scene was loaded: selectors know its nodes only after the batch ends, and would write None before."""
        import qt

        qt.QTimer.singleShot(0, lambda: self.onSceneEndClose(caller, event))

    def onSceneChanged(self, caller, event) -> None:
        """Nodes came or went."""
        if self._parameterNode and not slicer.mrmlScene.IsBatchProcessing():
            self.updatePanel()

    def initializeParameterNode(self) -> None:
        """Ensure parameter node exists and observed."""
        self.setParameterNode(self.logic.getParameterNode())
        parameters = self._parameterNode
        if parameters.series is None:
            groups = self.logic.diffusionGroups()
            parameters.series = groups[0].volumes[0] if groups else None
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
            self.updatePanel()

    #
    # The panel follows the scene
    #

    def updatePanel(self) -> None:
        """Show what the scene holds; changes nothing in it."""
        self._updateSeries()
        self._updateVolumesTable()
        self._updatePreflight()
        self._updateMap()
        self._updateValues()

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
        current = self.logic.groupOf(self._parameterNode.series, groups)
        for group in groups:
            combo.addItem(group.name, group.volumes[0].GetID())
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

    def _updatePreflight(self) -> None:
        import qt

        volumes = self.logic.chosenVolumes(self._parameterNode)
        findings = self.logic.findings(volumes)
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
        self.ui.applyButton.enabled = not errors
        self.ui.applyButton.toolTip = errors[0] if errors else _("Fit the ADC in every voxel of the chosen volumes.")
        self.ui.applyButton.text = _("Compute ADC map") if self._parameterNode.adcMap is None else _("Compute ADC map again")

    def _updateMap(self) -> None:
        adcMap = self._parameterNode.adcMap
        self.ui.windowLevelWidget.setMRMLVolumeNode(adcMap)
        for widget in (self.ui.windowLevelWidget, self.ui.opacitySlider):
            widget.enabled = adcMap is not None
        if adcMap is not None:
            self.logic.setMapOpacity(adcMap, self._parameterNode.mapOpacity)

    def _updateValues(self) -> None:
        import qt

        parameters = self._parameterNode
        missing = (
            _("Compute or choose an ADC map first.")
            if parameters.adcMap is None
            else _("Choose a segmentation with the outlines first.")
            if parameters.segmentation is None
            else ""
        )
        self.ui.measureButton.enabled = not missing
        self.ui.measureButton.toolTip = missing or _(
            "Measure the map inside every visible segment, and keep the values in the measurement table of the scene.",
        )
        self._values = self.logic.valuesOfMap(parameters)
        table = self.ui.valuesTable
        table.setRowCount(len(self._values))
        for row, values in enumerate(self._values):
            texts = [
                values.lesion_name,
                f"{values.median:.2f}",
                f"{values.mean:.2f} ± {values.standard_deviation:.2f}",
                f"{values.volume_ml:.1f}",
                f"{values.n}",
            ]
            toolTip = _(
                "{name}: 10th to 90th percentile {p10:.2f} to {p90:.2f}, 25th to 75th {p25:.2f} to {p75:.2f}, "
                "minimum {minimum:.2f}, maximum {maximum:.2f} 10⁻³ mm²/s; {rejected} voxels without a valid ADC",
            ).format(
                name=values.lesion_name,
                p10=values.percentile_10,
                p90=values.percentile_90,
                p25=values.percentile_25,
                p75=values.percentile_75,
                minimum=values.minimum,
                maximum=values.maximum,
                rejected=values.rejected,
            )
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text)
                item.setData(qt.Qt.UserRole, values.lesion_uid)
                item.setToolTip(toolTip)
                if column:
                    item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
                table.setItem(row, column, item)
        self.ui.copyValuesButton.enabled = bool(self._values)

    def _say(self, text: str) -> None:
        self.ui.statusLabel.text = text

    #
    # What the user does
    #

    def onReadFolder(self, _checked=False) -> None:
        """Read the diffusion series of the chosen folder into the scene."""
        from HCCResponseLib.errors import Cancelled

        folder = self.ui.dicomFolderLineEdit.currentPath
        if not folder:
            self._say(_("Choose the folder with the DICOM files first."))
            return
        with slicer.util.tryWithErrorDisplay(_("The diffusion images could not be read.")):
            try:
                with progressDialog(_("Reading diffusion images...")) as progress:
                    volumes, notes = self.logic.readFolder(folder, progress)
            except Cancelled:
                self._say(_("Reading was cancelled; nothing was added."))
                return
            self._parameterNode.series = volumes[0]
            slicer.util.setSliceViewerLayers(background=volumes[0], foreground=None, fit=True, rotateToVolumePlane=True)
            self._say(" ".join([_("{count} volumes were read, one for each b-value.").format(count=len(volumes)), *notes]))

    def onSeriesChosen(self, index: int) -> None:
        """Work on another diffusion series."""
        self._parameterNode.series = slicer.mrmlScene.GetNodeByID(self.ui.seriesComboBox.itemData(index))

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

            try:
                self.logic.setBValue(volume, table.item(row, self.B_VALUE).text())
                self._say("")
            except InputError as error:
                self._say(str(error))
            if self._parameterNode.series is None:
                self._parameterNode.series = volume
            self.updatePanel()

    def onUseAll(self, _checked=False) -> None:
        """Fit every b-value."""
        self._parameterNode.leftOut = []

    def onLeaveOutZero(self, _checked=False) -> None:
        """Fit without b = 0."""
        from HCCResponseLib.scene.b_values import b_value

        for volume in self.logic.listedVolumes(self._parameterNode):
            if b_value(volume) == 0:
                self.logic.setLeftOut(self._parameterNode, volume, True)

    def onApply(self, _checked=False) -> None:
        """Compute the map and show it."""
        from HCCResponseLib.errors import Cancelled

        parameters = self._parameterNode
        with slicer.util.tryWithErrorDisplay(_("The ADC map could not be computed.")):
            try:
                with progressDialog(_("Computing the ADC map...")) as progress:
                    adcMap, seconds = self.logic.computeAdc(parameters, progress)
            except Cancelled:
                self._say(_("The computation was cancelled; nothing was changed."))
                return
            parameters.adcMap = adcMap
            self.logic.showMap(parameters)
            self._say(_("'{name}' was computed in {seconds:.1f} s.").format(name=adcMap.GetName(), seconds=seconds))

    def onMeasure(self, _checked=False) -> None:
        """Measure the map inside the visible segments."""
        from HCCResponseLib.errors import Cancelled

        with slicer.util.tryWithErrorDisplay(_("The map could not be measured."), waitCursor=True):
            try:
                with progressDialog(_("Measuring...")) as progress:
                    results = self.logic.measure(self._parameterNode, progress)
            except Cancelled:
                self._say(_("Measuring was cancelled; no value was changed."))
                return
            self._say(" ".join(result.problem for result in results if result.problem))
            self._updateValues()

    def onValueClicked(self, row: int, _column: int) -> None:
        """Show the lesion of a row in the slice views."""
        import qt

        self.logic.jumpToLesion(self._parameterNode.segmentation, self.ui.valuesTable.item(row, 0).data(qt.Qt.UserRole))

    def onCopyValues(self, _checked=False) -> None:
        """Put the table on the clipboard, tab-separated."""
        import dataclasses

        rows = [[field.name for field in dataclasses.fields(values)] for values in self._values[:1]]
        rows += [[str(value) for value in dataclasses.astuple(values)] for values in self._values]
        slicer.app.clipboard().setText("\n".join("\t".join(row) for row in rows))
        self._say(_("Copied {count} lesions with all their statistics, ADC in 10⁻³ mm²/s.").format(count=len(self._values)))

    def onShowTable(self, shown: bool) -> None:
        """Show the measurement table below the images, and give the user's layout back."""
        layoutManager = slicer.app.layoutManager()
        if layoutManager is None:
            return
        if shown:
            self._layoutBefore = layoutManager.layout
            layoutManager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
            self.logic.showMeasurementTable()
        elif self._layoutBefore is not None:
            layoutManager.setLayout(self._layoutBefore)
            self._layoutBefore = None


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

    def groupOf(self, volume, groups):
        """The series that a volume belongs to, else the first one, else None."""
        return next((group for group in groups if volume in group.volumes), groups[0] if groups else None)

    def listedVolumes(self, parameters) -> list:
        """Volumes of the series by b-value, and those without a b-value if they are wanted."""
        from HCCResponseLib.scene.diffusion_groups import volumes_without_b_value

        group = self.groupOf(parameters.series, self.diffusionGroups())
        return (list(group.volumes) if group else []) + (volumes_without_b_value() if parameters.showAllVolumes else [])

    def chosenVolumes(self, parameters) -> list:
        """Volumes to fit: of the series, not left out."""
        group = self.groupOf(parameters.series, self.diffusionGroups())
        leftOut = list(parameters.leftOut)
        return [volume for volume in group.volumes if volume not in leftOut] if group else []

    def setLeftOut(self, parameters, volume, leftOut: bool) -> None:
        """Leave a volume out of the fit, or take it in again."""
        others = [other for other in parameters.leftOut if other is not None and other != volume]
        parameters.leftOut = [*others, volume] if leftOut else others

    def setBValue(self, volume, text: str) -> None:
        """Give a volume the b-value that was typed; nothing typed takes it away.

        :raises InputError: it is not a number of zero or more.
        """
        from HCCResponseLib.scene.b_values import set_b_value

        set_b_value(volume, text.strip().replace(",", ".") or None)

    def findings(self, volumes) -> list:
        """What a look at the volumes before the fit finds; looked at again only when one of them changed."""
        from HCCResponseLib.scene.diffusion import check_diffusion

        seen = [(volume.GetID(), volume.GetMTime(), volume.GetImageData() and volume.GetImageData().GetMTime()) for volume in volumes]
        if seen != self._checked:
            self._checked, self._findings = seen, check_diffusion(volumes)
        return self._findings

    def readFolder(self, folder, progress=None) -> tuple[list, list[str]]:
        """Read the diffusion series of a DICOM folder; returns a volume per b-value, and what the user should know."""
        from HCCResponseLib.scene.diffusion import read_diffusion_folder

        return read_diffusion_folder(folder, progress=progress)

    def computeAdc(self, parameters, progress=None) -> tuple:
        """Compute the ADC map of the chosen volumes; returns the map and the seconds it took."""
        import time

        from HCCResponseLib.scene.diffusion import compute_adc

        start = time.perf_counter()
        volumes = self.chosenVolumes(parameters)
        group = self.groupOf(parameters.series, self.diffusionGroups())
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

    def setMapOpacity(self, adcMap, opacity: float) -> None:
        """Change the opacity where the map lies over another image."""
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            if composite.GetForegroundVolumeID() == adcMap.GetID():
                composite.SetForegroundOpacity(opacity)

    def measure(self, parameters, progress=None) -> list:
        """Measure the map inside the visible segments; the values go into the measurement table."""
        from HCCResponseLib.scene.map_measurement import measure_map
        from HCCResponseLib.scene.subject_hierarchy import patient_of

        return measure_map(
            parameters.adcMap,
            parameters.segmentation,
            patient=patient_of(parameters.adcMap),
            time_point=parameters.timePoint,
            reader=parameters.reader.strip(),
            progress=progress,
        )

    def valuesOfMap(self, parameters) -> list:
        """What the measurement table says of the map for this time point and reader, a row a lesion, in shown units."""
        from HCCResponseLib.scene.map_measurement import measured_values

        if parameters.adcMap is None:
            return []
        return measured_values(parameters.adcMap, time_point=parameters.timePoint, reader=parameters.reader.strip())

    def jumpToLesion(self, segmentation, lesionUid: str) -> None:
        """Centre the slice views on a lesion."""
        from HCCResponseLib.scene.lesion_identity import segment_of_lesion

        segmentId = segment_of_lesion(segmentation, lesionUid) if segmentation else None
        if segmentId is not None:
            slicer.modules.markups.logic().JumpSlicesToLocation(*segmentation.GetSegmentCenterRAS(segmentId), True)

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
            self.assertAlmostEqual(row.median, true, delta=0.02 * true)
            self.assertEqual(row.n + row.rejected, int(examination.regions[row.lesion_name].sum()))

    def test_cancelChangesNothing(self):
        """A cancelled fit leaves the scene as it was."""
        from HCCResponseLib.errors import Cancelled

        self._writeExamination()
        logic = HCCParameterMappingLogic()
        parameters = logic.getParameterNode()
        with self.assertRaises(Cancelled):
            logic.readFolder(self.folder, lambda fraction: False)
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

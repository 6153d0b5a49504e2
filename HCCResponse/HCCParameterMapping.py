import enum
import math
import os
import pathlib
import sys
from typing import Annotated

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSequenceNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import *

# In a source checkout the library stands beside this folder; a build or installation has it in this folder, on the path already.
_checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isdir(os.path.join(_checkout, "HCCResponseLib")) and _checkout not in sys.path:
    sys.path.insert(0, _checkout)

from HCCPanels.change_color import changeColor
from HCCPanels.crosshair_watch import CrosshairWatch
from HCCPanels.examination_combo import ExaminationCombo
from HCCPanels.panel import Panel, PanelLogic
from HCCPanels.progress_dialog import progressDialog
from HCCPanels.tables import Filling, cell, fitHeight, prepare

#
# HCCParameterMapping
#


class HCCParameterMapping(ScriptedLoadableModule):
    """Diffusion, T1 and perfusion maps, measured lesion by lesion."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("HCC Parameter Mapping")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = ["Colors", "Markups", "Plots", "Segmentations", "Sequences", "Tables", "Volumes"]
        self.parent.contributors = ["HCCResponse contributors"]
        self.parent.helpText = _("""
<p>Makes maps of diffusion (ADC, IVIM), T1 (variable flip angles) and perfusion (dynamic series: Ktrans, ve, vp, kep),
and measures them lesion by lesion.</p>
<ol><li>Choose the examination and what to map; correct what the headers do not tell.</li>
<li>Look at the checks and, with Curve, at the signals and their fits where the mouse is. Compute.</li>
<li>For perfusion, choose the arterial input and compute T1 first.</li>
<li>Measure the lesions: the values stand in the measurement table and follow the course of treatment.</li></ol>
<p>See <a href="https://github.com/HCCResponse/HCCResponse#hcc-parameter-mapping">the documentation</a>.</p>
""")
        self.parent.acknowledgementText = _("""
Estimators of diffusion: Salvador et al., Hum Brain Mapp 2005;24:144; Veraart et al., NeuroImage 2013;81:335.
Diffusion-weighted MRI of the liver: Taouli and Koh, Radiology 2010;254:47.
Tissue models: Tofts et al., J Magn Reson Imaging 1999;10:223; Sourbron and Buckley, Phys Med Biol 2012;57:R1.
Arterial inputs: Parker et al., Magn Reson Med 2006;56:993; Georgiou et al., Magn Reson Med 2019;81:1955;
Weinmann et al., Physiol Chem Phys Med NMR 1984;16:167.
""")


#
# HCCParameterMappingParameterNode
#


class Task(enum.Enum):
    """What is mapped; stored by name, so names stay as they are."""

    DIFFUSION = "diffusion"
    T1 = "t1"
    PERFUSION = "perfusion"


class Scaling(enum.Enum):
    """What the signals are made of the stored values with; stored by name, so names stay as they are."""

    RESCALE = "rescale"
    PHILIPS_PRIVATE = "philips_private"

    def label(self) -> str:
        """Text in the panel."""
        return {Scaling.RESCALE: _("as displayed (rescale)"), Scaling.PHILIPS_PRIVATE: _("Philips private")}[self]


class DiffusionModel(enum.Enum):
    """What is made of diffusion images; stored by name, so names stay as they are."""

    ADC = "adc"
    IVIM = "ivim"

    def label(self) -> str:
        """Text in the panel."""
        return {DiffusionModel.ADC: _("ADC"), DiffusionModel.IVIM: _("IVIM (D, f, D*)")}[self]


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


class IvimMethod(enum.Enum):
    """Estimators of IVIM; stored by name, so names stay as they are."""

    SEGMENTED = "segmented"
    BIEXPONENTIAL = "biexponential"

    def label(self) -> str:
        """Text in the panel."""
        return {IvimMethod.SEGMENTED: _("Segmented, from"), IvimMethod.BIEXPONENTIAL: _("Biexponential")}[self]


class T1Method(enum.Enum):
    """Estimators of T1; stored by name, so names stay as they are."""

    NONLINEAR = "nonlinear"
    LINEAR = "linear"

    def label(self) -> str:
        """Text in the panel."""
        return {T1Method.NONLINEAR: _("Non-linear least squares"), T1Method.LINEAR: _("Straight line")}[self]


class InputKind(enum.Enum):
    """Where the arterial input is from; stored by name, so names stay as they are."""

    PARKER = "parker"
    GEORGIOU = "georgiou"
    WEINMANN = "weinmann"
    MEASURED = "measured"
    IMPORTED = "imported"

    def label(self) -> str:
        """Text in the panel."""
        return {
            InputKind.PARKER: _("Parker 2006"),
            InputKind.GEORGIOU: _("Georgiou 2019"),
            InputKind.WEINMANN: _("Weinmann 1984"),
            InputKind.MEASURED: _("Measured in"),
            InputKind.IMPORTED: _("From a CSV file"),
        }[self]


class PortalKind(enum.Enum):
    """Where the portal-venous input is from; stored by name, so names stay as they are."""

    MEASURED = "measured"
    DERIVED = "derived"

    def label(self) -> str:
        """Text in the panel."""
        return {PortalKind.MEASURED: _("Measured in"), PortalKind.DERIVED: _("Derived from the artery")}[self]


class T1Source(enum.Enum):
    """Where T1 before contrast is from; stored by name, so names stay as they are."""

    MAP = "map"
    FIXED = "fixed"

    def label(self) -> str:
        """Text in the panel."""
        return {T1Source.MAP: _("T1 map"), T1Source.FIXED: _("One value")}[self]


class TissueModel(enum.Enum):
    """Models of perfused tissue; stored by name, so names stay as they are."""

    EXTENDED_TOFTS = "extended_tofts"
    TOFTS = "tofts"
    PATLAK = "patlak"
    EXCHANGE = "two_compartment_exchange"
    DUAL_INPUT = "dual_input"
    DUAL_INPUT_TOFTS = "dual_input_extended_tofts"

    def label(self) -> str:
        """Text in the panel."""
        return {
            TissueModel.EXTENDED_TOFTS: _("Extended Tofts"),
            TissueModel.TOFTS: _("Tofts"),
            TissueModel.PATLAK: _("Patlak"),
            TissueModel.EXCHANGE: _("Two-compartment exchange"),
            TissueModel.DUAL_INPUT: _("Dual input, one compartment"),
            TissueModel.DUAL_INPUT_TOFTS: _("Dual input, extended Tofts"),
        }[self]

    @property
    def needsPortalInput(self) -> bool:
        """Whether the model tells arterial from portal-venous supply."""
        return self in (TissueModel.DUAL_INPUT, TissueModel.DUAL_INPUT_TOFTS)


class FitRegion(enum.Enum):
    """Where the tissue model is fitted; stored by name, so names stay as they are."""

    LESIONS = "lesions"
    IMAGE = "image"
    SEGMENT = "segment"

    def label(self) -> str:
        """Text in the panel."""
        return {
            FitRegion.LESIONS: _("Lesions with a margin of"),
            FitRegion.IMAGE: _("Whole image"),
            FitRegion.SEGMENT: _("Segment"),
        }[self]


@parameterNodeWrapper
class HCCParameterMappingParameterNode:
    """
    The settings of the panel.

    task - What is mapped.
    dicomFolder - Folder that diffusion images were last read from.
    scaling - What Read folder makes the signals with.
    series - One volume of the diffusion series that is worked on.
    leftOut - Volumes of series that are not to be fitted.
    showAllVolumes - List the volumes without a b-value as well.
    showOtherVolumes - List the volumes without a flip angle as well.
    diffusionModel - What is made of diffusion images.
    estimator - How the ADC is fitted.
    ivimMethod - How IVIM is fitted.
    bThreshold - b-value from which perfusion counts as vanished, s/mm2.
    t1Method - How T1 is fitted.
    b1Map - Map of the reached part of the flip angle.
    dynamic - The dynamic series that is worked on.
    inputKind - Where the arterial input is from.
    vessel - Name of the segment in the artery; empty for the one that is an aorta.
    portalKind - Where the portal-venous input is from.
    portalVessel - Name of the segment in the portal vein; empty for the one that is a portal vein.
    t1Source - Where T1 before contrast is from.
    t1Ms - T1 of all tissue, where it is one value.
    model - The tissue model.
    region - Where it is fitted.
    marginMm - Around the lesions.
    regionSegment - Name of the segment to fit in.
    relaxivity - Of the contrast agent, 1/(s mM); 0 for the usual one.
    hematocrit - Of the large vessels.
    dose - Injected, mmol/kg.
    bloodT1Ms - T1 of blood before contrast; 0 for the usual one.
    arrivalS - When the bolus arrives; 0: found in the vessel.
    baseline - Images before contrast; 0: told by the arrival.
    fitDelay - Fit how much later than the input tissue enhances.
    longestDelayS - The longest delay that is tried.
    leaveOutAir - Leave voxels out that do not stand clear of the noise.
    keepEarlier - Make new maps instead of replacing those of the same images.
    map - The map that is shown and measured.
    mapOpacity - How strongly the map covers the image below it.
    segmentation - The outlines, for an examination without any of its own.
    allSegments - Measure all visible segments, not only accepted lesions.
    pureVoxels - Measure only voxels wholly inside.
    erodeMm - And by this much farther inside.
    timePoint - 0 for the examination before treatment, then 1, 2, ...; where the study does not tell it.
    """

    task: Task = Task.DIFFUSION
    dicomFolder: pathlib.Path
    scaling: Scaling = Scaling.RESCALE
    series: vtkMRMLScalarVolumeNode | None
    leftOut: list[vtkMRMLScalarVolumeNode]
    showAllVolumes: bool = False
    showOtherVolumes: bool = False
    diffusionModel: DiffusionModel = DiffusionModel.ADC
    estimator: Estimator = Estimator.WLLS
    ivimMethod: IvimMethod = IvimMethod.SEGMENTED
    bThreshold: Annotated[float, WithinRange(20.0, 1000.0)] = 200.0
    t1Method: T1Method = T1Method.NONLINEAR
    b1Map: vtkMRMLScalarVolumeNode | None
    dynamic: vtkMRMLSequenceNode | None
    inputKind: InputKind = InputKind.PARKER
    vessel: str
    portalKind: PortalKind = PortalKind.MEASURED
    portalVessel: str
    t1Source: T1Source = T1Source.MAP
    t1Ms: Annotated[float, WithinRange(50.0, 5000.0)] = 800.0
    model: TissueModel = TissueModel.EXTENDED_TOFTS
    region: FitRegion = FitRegion.LESIONS
    marginMm: Annotated[float, WithinRange(0.0, 100.0)] = 10.0
    regionSegment: str
    relaxivity: Annotated[float, WithinRange(0.0, 50.0)] = 0.0
    hematocrit: Annotated[float, WithinRange(0.1, 0.7)] = 0.42
    dose: Annotated[float, WithinRange(0.005, 1.0)] = 0.1
    bloodT1Ms: Annotated[float, WithinRange(0.0, 3000.0)] = 0.0
    arrivalS: Annotated[float, WithinRange(0.0, 600.0)] = 0.0
    baseline: Annotated[int, WithinRange(0, 200)] = 0
    fitDelay: bool = False
    longestDelayS: Annotated[float, WithinRange(1.0, 30.0)] = 8.0
    leaveOutAir: bool = True
    keepEarlier: bool = False
    map: vtkMRMLScalarVolumeNode | None
    mapOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.7
    segmentation: vtkMRMLSegmentationNode | None
    allSegments: bool = False
    pureVoxels: bool = False
    erodeMm: Annotated[float, WithinRange(0.0, 20.0)] = 0.0
    timePoint: Annotated[int, WithinRange(0, 99)] = 0


EARLIEST_DELAY_S = -5.0
"""Where a delay is fitted, tissue may also be ahead of an input whose arrival is known to an image interval only."""


def numberText(value: float, decimals: int = 2, sign: str = "", unit: str = "") -> str:
    """A number as the panel shows it; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:{sign}.{decimals}f}{unit}"


def remarks(values) -> list[str]:
    """What is to be said of the values of a lesion."""
    found = [values.problem, values.note]
    if not values.problem and not values.statistics.n:
        found.append(_("No voxel inside has a valid value."))
    if values.outdated:
        found.append(_("The outline or the map changed; measure again."))
    return [text for text in found if text]


#
# HCCParameterMappingWidget
#


class HCCParameterMappingWidget(Panel):
    """The panel: widgets, parameter node and scene functions, nothing else."""

    USE, NAME, FIRST, SECOND = range(4)  # of the tables of images; FIRST is a b-value or flip angle, SECOND a TR
    LESION, MEDIAN, MEAN, VOLUME, VOXELS, CHANGE = range(6)

    def __init__(self, parent=None) -> None:
        Panel.__init__(self, parent)
        self._filling = Filling()
        self._examinations = None
        self._study = 0
        self._values = []
        self._plot = ""  # "curve", "input", or nothing
        self._point = None
        self._chart = None
        self._crosshair = None

    def setUpPanel(self) -> None:
        """Tables and connections."""
        ui = self.ui
        self._examinations = ExaminationCombo(ui.studyComboBox)
        self._crosshair = CrosshairWatch(self.onPoint)
        prepare(ui.volumesTable, [_("Use"), _("Volume"), _("b (s/mm²)")], stretch=self.NAME)
        prepare(ui.anglesTable, [_("Use"), _("Volume"), _("Angle (°)"), _("TR (ms)")], stretch=self.NAME)
        prepare(ui.valuesTable, [_("Lesion"), _("Median"), _("Mean ± SD"), _("mL"), _("Voxels"), _("Change")])

        ui.taskTabs.connect("currentChanged(int)", self.onTaskChosen)
        ui.readFolderButton.connect("clicked(bool)", self.onReadFolder)
        ui.seriesComboBox.connect("activated(int)", self.onSeriesChosen)
        ui.volumesTable.connect("cellChanged(int,int)", self.onVolumeEdited)
        ui.useAllButton.connect("clicked(bool)", self.onUseAll)
        ui.leaveOutZeroButton.connect("clicked(bool)", self.onLeaveOutZero)
        ui.acceptProposedButton.connect("clicked(bool)", self.onAcceptProposed)
        ui.anglesTable.connect("cellChanged(int,int)", self.onAngleEdited)
        ui.acceptAnglesButton.connect("clicked(bool)", self.onAcceptAngles)
        ui.dynamicComboBox.connect("activated(int)", self.onDynamicChosen)
        ui.flipAngleLineEdit.connect("editingFinished()", self.onProtocolEdited)
        ui.repetitionTimeLineEdit.connect("editingFinished()", self.onProtocolEdited)
        ui.intervalLineEdit.connect("editingFinished()", self.onProtocolEdited)
        ui.vesselComboBox.connect("activated(int)", lambda index: self.onSegmentChosen("vessel", ui.vesselComboBox.itemData(index)))
        ui.portalVesselComboBox.connect(
            "activated(int)", lambda index: self.onSegmentChosen("portalVessel", ui.portalVesselComboBox.itemData(index)),
        )
        ui.regionSegmentComboBox.connect(
            "activated(int)", lambda index: self.onSegmentChosen("regionSegment", ui.regionSegmentComboBox.itemData(index)),
        )
        for groupBox in (ui.otherImagesGroupBox, ui.moreGroupBox):
            groupBox.connect("toggled(bool)", lambda _open: self._fitTab())
        ui.plotInputButton.connect("clicked(bool)", lambda shown: self.onPlot("input", shown))
        ui.importInputButton.connect("clicked(bool)", self.onImportInput)
        ui.exportInputButton.connect("clicked(bool)", self.onExportInput)
        ui.applyButton.connect("clicked(bool)", self.onApply)
        ui.curveButton.connect("clicked(bool)", lambda shown: self.onPlot("curve", shown))
        ui.mapComboBox.connect("activated(int)", self.onMapChosen)
        ui.readerLineEdit.connect("editingFinished()", self.onReaderEdited)
        ui.measureButton.connect("clicked(bool)", self.onMeasure)
        ui.measureAllButton.connect("clicked(bool)", self.onMeasureAll)
        ui.valuesTable.connect("cellClicked(int,int)", self.onValueClicked)
        ui.copyValuesButton.connect("clicked(bool)", self.onCopyValues)
        ui.showTableButton.connect("clicked(bool)", self.onShowTable)
        ui.nextButton.connect("clicked(bool)", lambda _checked=False: self.goTo("HCCResponse"))
        if slicer.app.layoutManager() is not None:
            slicer.app.layoutManager().connect("layoutChanged(int)", self.onLayoutChanged)

    def cleanup(self) -> None:
        """Called when the application closes and the module widget is destroyed."""
        if slicer.app.layoutManager() is not None:
            slicer.app.layoutManager().disconnect("layoutChanged(int)", self.onLayoutChanged)
        Panel.cleanup(self)

    def initializePanel(self) -> None:
        """Settings that the scene gives; the legend of a map that is still shown."""
        parameters = self._parameterNode
        if parameters.dicomFolder == pathlib.Path():
            self.ui.dicomFolderLineEdit.currentPath = ""  # no folder yet reads better than "."
        self._study = self.logic.study()
        self.ui.otherImagesGroupBox.collapsed = bool(self._study)  # without an examination, images are read here
        self.logic.proposeSegmentation(parameters)
        self.logic.followInput(parameters)
        self.logic.showOutlines()
        self.logic.showLegendAgain(parameters)

    def leavePanel(self) -> None:
        """Curves and legends are only there while the panel is."""
        self._endPlot()
        self.logic.hideLegends()

    def shownNodes(self) -> list:
        """Images, inputs, maps and outlines that the panel shows, and the measurement table."""
        return self.logic.shownNodes(self._parameterNode)

    def _onSettled(self) -> None:
        """What the user did is done: the input follows its settings, the views follow the examination."""
        if self._parameterNode:
            study, self._study = self._study, self.logic.study()
            if study != self._study:
                self.logic.showExamination(self._parameterNode)
            self.logic.followInput(self._parameterNode)
        self.refresh()

    #
    # The panel follows the scene
    #

    def updatePanel(self) -> None:
        """Show what the scene holds; changes nothing in it."""
        with self._filling:
            self._examinations.update()
            self.ui.taskTabs.setCurrentIndex(list(Task).index(self._parameterNode.task))
            self._updateDiffusion()
            self._updateAngles()
            self._updatePerfusion()
            self._updateApply()
            self._updateMaps()
            self._updateValues()
            self._updateViewButtons()
        self._fitTab()
        if self._plot:
            self._drawPlot()

    def _fitTab(self) -> None:
        """Make the tabs as high as the one that is shown, not as the highest."""
        tabs = self.ui.taskTabs
        heights = [tabs.widget(index).sizeHint.height() for index in range(tabs.count)]
        frame = tabs.sizeHint.height() - max(heights)
        tabs.setFixedHeight(frame + heights[tabs.currentIndex])

    def _updateDiffusion(self) -> None:
        from HCCResponseLib.scene.b_values import b_value, propose_b_value

        parameters, ui = self._parameterNode, self.ui
        unknown = parameters.dicomFolder == pathlib.Path()
        self.allow("readFolderButton", _("Choose the folder with the DICOM files first.") if unknown else "")
        groups, current = self.logic.groups(), self.logic.group(parameters)
        ui.seriesComboBox.clear()
        for group in groups:
            ui.seriesComboBox.addItem(self.logic.groupTitle(group, groups), group.volumes[0].GetID())
            if group == current:
                ui.seriesComboBox.setCurrentIndex(ui.seriesComboBox.count - 1)
        ui.seriesComboBox.enabled = len(groups) > 1
        if not groups:
            ui.seriesComboBox.addItem(_("none with b-values"))
        ui.seriesComboBox.toolTip = (
            _("Diffusion series of the examination.")
            if groups
            else _("No volume of the examination has a b-value yet: import images, or type b-values in below.")
        )
        for button in ("useAllButton", "leaveOutZeroButton"):
            self.allow(button, "" if groups else _("There is no diffusion series."))

        volumes, leftOut = self.logic.listedVolumes(parameters), list(parameters.leftOut)
        ui.volumesTable.setRowCount(len(volumes))
        for row, volume in enumerate(volumes):
            b = b_value(volume)
            toolTip = ""
            if b is None:
                proposed, source = propose_b_value(volume)
                toolTip = _("Double-click to type the b-value in s/mm².") + (
                    _(" Proposed: {b:g} (from the {source}).").format(b=proposed, source=source) if source else ""
                )
            self._volumeRow(ui.volumesTable, row, volume, b is not None, leftOut)
            cell(ui.volumesTable, row, self.FIRST, "" if b is None else f"{b:g}", number=True, editable=True, toolTip=toolTip)
        fitHeight(ui.volumesTable, least=2)
        proposals = [volume for volume in volumes if b_value(volume) is None and propose_b_value(volume)[1]]
        ui.acceptProposedButton.enabled = bool(proposals)
        ui.acceptProposedButton.toolTip = (
            "\n".join(_("{name}: b = {b:g}").format(name=one.GetName(), b=propose_b_value(one)[0]) for one in proposals)
            if proposals
            else _("No volume in the list lacks a b-value that its header or name tells.")
        )
        ivim = parameters.diffusionModel is DiffusionModel.IVIM
        ui.estimatorLabel.visible = ui.estimatorComboBox.visible = not ivim
        ui.ivimLabel.visible = ui.ivimComboBox.visible = ivim
        ui.bThresholdSpinBox.visible = ivim and parameters.ivimMethod is IvimMethod.SEGMENTED

    def _volumeRow(self, table, row: int, volume, usable: bool, leftOut: list) -> None:
        used = usable and volume not in leftOut
        item = cell(table, row, self.USE, "", data=volume.GetID(), checked=used)
        if not usable:
            import qt

            item.setFlags(qt.Qt.ItemIsSelectable)
        cell(table, row, self.NAME, volume.GetName(), toolTip=volume.GetName())

    def _updateAngles(self) -> None:
        from HCCResponseLib.scene.flip_angles import flip_angle_deg, propose_flip_angle, propose_repetition_time, repetition_time_s

        parameters, table = self._parameterNode, self.ui.anglesTable
        volumes, leftOut, proposed = self.logic.listedAngles(parameters), list(parameters.leftOut), []
        table.setRowCount(len(volumes))
        for row, volume in enumerate(volumes):
            angle, time = flip_angle_deg(volume), repetition_time_s(volume)
            self._volumeRow(table, row, volume, angle is not None, leftOut)
            texts = ("" if angle is None else f"{angle:g}", "" if time is None else f"{1e3 * time:g}")
            for column, text, (found, source), unit, factor in (
                (self.FIRST, texts[0], propose_flip_angle(volume), "°", 1),
                (self.SECOND, texts[1], propose_repetition_time(volume), " ms", 1e3),
            ):
                toolTip = _("Double-click to correct it.")
                if not text and source:
                    toolTip = _("Proposed: {value:g}{unit} (from the {source}).").format(value=factor * found, unit=unit, source=source)
                    proposed.append(f"{volume.GetName()}: {factor * found:g}{unit}")
                cell(table, row, column, text, number=True, editable=True, toolTip=toolTip)
        fitHeight(table, least=2)
        self.ui.acceptAnglesButton.enabled = bool(proposed)
        self.ui.acceptAnglesButton.toolTip = (
            "\n".join(proposed) if proposed else _("No volume in the list lacks a flip angle or TR that its header or name tells.")
        )

    def _updatePerfusion(self) -> None:
        parameters, ui = self._parameterNode, self.ui
        sequences, current = self.logic.sequences(), self.logic.sequence(parameters)
        ui.dynamicComboBox.clear()
        for node in sequences:
            ui.dynamicComboBox.addItem(node.GetName(), node.GetID())
            if node == current:
                ui.dynamicComboBox.setCurrentIndex(ui.dynamicComboBox.count - 1)
        ui.dynamicComboBox.enabled = len(sequences) > 1
        if not sequences:
            ui.dynamicComboBox.addItem(_("none in this examination"))
        for edit, text in zip(
            (ui.flipAngleLineEdit, ui.repetitionTimeLineEdit, ui.intervalLineEdit), self.logic.protocolTexts(current), strict=True,
        ):
            edit.enabled = current is not None
            if not edit.hasFocus():
                edit.text = text
        self._fillSegments(ui.vesselComboBox, self.logic.vesselSegment(parameters))
        self._fillSegments(ui.portalVesselComboBox, self.logic.portalSegment(parameters))
        self._fillSegments(ui.regionSegmentComboBox, self.logic.regionSegment(parameters))
        ui.vesselComboBox.visible = parameters.inputKind is not InputKind.IMPORTED
        portal = parameters.model.needsPortalInput
        ui.portalLabel.visible = ui.portalComboBox.visible = portal
        ui.portalVesselComboBox.visible = portal and parameters.portalKind is PortalKind.MEASURED
        ui.t1SpinBox.visible = parameters.t1Source is T1Source.FIXED
        ui.marginSpinBox.visible = parameters.region is FitRegion.LESIONS
        ui.regionSegmentComboBox.visible = parameters.region is FitRegion.SEGMENT
        population = parameters.inputKind not in (InputKind.MEASURED, InputKind.IMPORTED)
        measured = parameters.inputKind is InputKind.MEASURED or portal
        self.allow("delaySpinBox", "" if parameters.fitDelay else _("The delay is 0; tick to fit it."))
        self.allow("arrivalSpinBox", "" if population else _("Only population curves are shifted; this input has its own arrival."))
        self.allow("doseSpinBox", "" if population else _("Only population curves are scaled with the dose."))
        self.allow("bloodT1SpinBox", "" if measured else _("Only a measured input needs the T1 of blood."))
        missing = "" if self.logic.arterial(parameters) is not None else self.logic.inputProblem(parameters) or _("There is no input.")
        self.allow("plotInputButton", missing)
        self.allow("exportInputButton", missing)
        self.allow("importInputButton", "" if current is not None else _("This examination has no dynamic series."))

    def _fillSegments(self, combo, selected: str) -> None:
        combo.clear()
        combo.addItem(_("no segment"), "")
        for segmentId, name in self.logic.segments(self._parameterNode).items():
            combo.addItem(name, name)
            if segmentId == selected:
                combo.setCurrentIndex(combo.count - 1)

    def _updateApply(self) -> None:
        import qt

        parameters, ui = self._parameterNode, self.ui
        findings = self.logic.findings(parameters)
        style = slicer.app.style()
        icons = {
            "error": qt.QStyle.SP_MessageBoxCritical,
            "warning": qt.QStyle.SP_MessageBoxWarning,
            "information": qt.QStyle.SP_MessageBoxInformation,
            "good": qt.QStyle.SP_DialogApplyButton,
        }
        order = list(icons)
        ui.preflightList.clear()
        for finding in sorted(findings, key=lambda one: order.index(str(one.level))):
            item = qt.QListWidgetItem(style.standardIcon(icons[str(finding.level)]), finding.text)
            item.setToolTip(finding.text)
            ui.preflightList.addItem(item)
        # As high as the first few, and no higher than they need.
        heights = [ui.preflightList.sizeHintForRow(row) for row in range(min(5, len(findings)))]
        ui.preflightList.setFixedHeight(sum(heights) + 2 * ui.preflightList.frameWidth + 2)
        errors = [finding.text for finding in findings if finding.level == "error"]
        ui.applyButton.enabled = not errors
        ui.applyButton.text, toolTip = self.logic.applyTexts(parameters)
        ui.applyButton.toolTip = errors[0] if errors else toolTip
        self.allow("curveButton", "" if self.logic.curveSources(parameters) else _("There are no images to plot yet."))

    def _updateMaps(self) -> None:
        parameters, ui = self._parameterNode, self.ui
        maps, current = self.logic.maps(parameters), self.logic.map(parameters)
        ui.mapComboBox.clear()
        for node, title in zip(maps, self.logic.mapTitles(maps), strict=True):
            ui.mapComboBox.addItem(title, node.GetID())
            if node == current:
                ui.mapComboBox.setCurrentIndex(ui.mapComboBox.count - 1)
        ui.mapComboBox.enabled = bool(maps)
        if not maps:
            ui.mapComboBox.addItem(_("no map yet: compute one"))
        ui.windowLevelWidget.setMRMLVolumeNode(current)
        for widget in (ui.windowLevelWidget, ui.opacitySlider):
            widget.enabled = current is not None
        if current is not None:
            from HCCResponseLib.scene.views import set_map_opacity

            set_map_opacity(current, parameters.mapOpacity)

    def _updateValues(self) -> None:
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.reader_name import reader_name

        parameters, ui = self._parameterNode, self.ui
        own = self.logic.hasOwnOutlines()
        ui.segmentationLabel.visible = ui.segmentationSelector.visible = not own
        known = self.logic.timePointOfStudy(parameters) is not None
        ui.timePointLabel.visible = ui.timePointSpinBox.visible = not known
        if not ui.readerLineEdit.hasFocus():
            ui.readerLineEdit.text = reader_name()
        ui.erodeSpinBox.visible = parameters.pureVoxels
        map = self.logic.map(parameters)
        outdated = self.logic.outdated(map)
        missing = (
            _("Compute or choose a map first.")
            if map is None
            else _("Outline the lesions in HCC Lesion Segmentation first, or choose a segmentation.")
            if self.logic.outlines(parameters) is None
            else outdated
        )
        self.allow("measureButton", missing)
        self.allow("measureAllButton", "" if outdated else missing)
        notes = [outdated]
        try:
            notes.append(self.logic.timePointDoubt(parameters))
            self._values = self.logic.values(parameters)
        except InputError as error:
            self._values = []
            notes.append(str(error))
        notes += [note for values in self._values for note in dict.fromkeys((values.problem, values.note)) if note]
        if any(values.outdated for values in self._values):
            notes.append(_("Grey: the outline or the map changed; measure again."))
        ui.valuesNoteLabel.text = "\n".join(filter(None, notes))
        ui.valuesNoteLabel.visible = any(notes)
        self._fillValues(map, allOutdated=bool(outdated))
        self.allow("copyValuesButton", "" if self._values else _("Nothing was measured on this map yet."))

    def _fillValues(self, map, allOutdated: bool) -> None:
        table = self.ui.valuesTable
        table.setRowCount(len(self._values))
        table.setColumnHidden(self.CHANGE, all(math.isnan(values.change_percent) for values in self._values))
        decimals = self.logic.decimals(map)
        for row, values in enumerate(self._values):
            statistics = values.statistics
            spread = f" ± {numberText(statistics.standard_deviation, decimals)}" if statistics.n else ""
            inside = self.logic.insideRepeatability(map, values.change_percent)
            texts = [
                values.lesion_name,
                numberText(statistics.median, decimals),
                numberText(statistics.mean, decimals) + spread,
                numberText(statistics.volume_ml, 1),
                f"{statistics.n}",
                numberText(values.change_percent, 0, "+", " %"),
            ]
            toolTip = "\n".join([self._describe(values, map), *remarks(values)])
            for column, text in enumerate(texts):
                change = column == self.CHANGE
                cell(
                    table,
                    row,
                    column,
                    text,
                    toolTip=toolTip + (_("\nWithin the repeatability: may be noise.") if change and inside else ""),
                    data=values.lesion_uid,
                    number=column > 0,
                    grey=values.outdated or allOutdated,
                    background=changeColor(values.change_percent, inside) if change and not (values.outdated or allOutdated) else "",
                )
        fitHeight(table, least=2)
        self.ui.valuesCollapsibleButton.updateGeometry()

    def _describe(self, values, map) -> str:
        statistics, decimals = values.statistics, self.logic.decimals(map)
        return _(
            "{name}: 10th to 90th percentile {p10} to {p90}, 25th to 75th {p25} to {p75}, "
            "minimum {minimum}, maximum {maximum} {unit}; {rejected} voxels without a valid value",
        ).format(
            name=values.lesion_name,
            p10=numberText(statistics.percentile_10, decimals),
            p90=numberText(statistics.percentile_90, decimals),
            p25=numberText(statistics.percentile_25, decimals),
            p75=numberText(statistics.percentile_75, decimals),
            minimum=numberText(statistics.minimum, decimals),
            maximum=numberText(statistics.maximum, decimals),
            unit=self.logic.unit(map),
            rejected=statistics.rejected,
        )

    #
    # Images
    #

    def onTaskChosen(self, index: int) -> None:
        """Another tab."""
        if self._filling or self._parameterNode is None:
            return
        self.say("")
        self._parameterNode.task = list(Task)[index]
        self.logic.followInput(self._parameterNode)
        if self._plot == "input":
            self.onPlot("input", False)
        self.refresh()

    def onReadFolder(self, _checked=False) -> None:
        """Read the diffusion series of the chosen folder into the scene."""
        from HCCResponseLib.scene.views import show_volumes

        folder = self.ui.dicomFolderLineEdit.currentPath
        if not folder:
            self.say(_("Choose the folder with the DICOM files first."))
            return
        with self.tellingErrors(_("The diffusion images could not be read.")):
            with progressDialog(_("Reading diffusion images...")) as progress:
                volumes, notes = self.logic.readFolder(folder, self._parameterNode.scaling, progress)
            self.logic.chooseSeries(self._parameterNode, volumes[0])
            self._study = self.logic.study()
            show_volumes(volumes[0], fit=True)
            self.say(" ".join([_("{count} volumes were read, one for each b-value.").format(count=len(volumes)), *notes]))
        self.refresh()

    def onSeriesChosen(self, index: int) -> None:
        """Work on another diffusion series."""
        self.say("")
        self.logic.chooseSeries(self._parameterNode, slicer.mrmlScene.GetNodeByID(self.ui.seriesComboBox.itemData(index)))
        self.refresh()

    def _edited(self, table, row: int):
        """The volume of a row of a table of images."""
        import qt

        return slicer.mrmlScene.GetNodeByID(table.item(row, self.USE).data(qt.Qt.UserRole))

    def _ticked(self, table, row: int) -> bool:
        import qt

        return table.item(row, self.USE).checkState() == qt.Qt.Checked

    def onVolumeEdited(self, row: int, column: int) -> None:
        """A diffusion volume was ticked or its b-value typed."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.b_values import set_typed_b_value

        if self._filling or self._parameterNode is None:
            return
        volume = self._edited(self.ui.volumesTable, row)
        if volume is None:
            return
        if column == self.USE:
            self.logic.setLeftOut(self._parameterNode, volume, not self._ticked(self.ui.volumesTable, row))
        elif column == self.FIRST:
            try:
                self.say(set_typed_b_value(volume, self.ui.volumesTable.item(row, column).text()))
            except InputError as error:
                self.say(str(error))
            if self._parameterNode.series is None:
                self.logic.chooseSeries(self._parameterNode, volume)
            self.refresh()

    def onUseAll(self, _checked=False) -> None:
        """Fit every b-value."""
        self.say("")
        self._parameterNode.leftOut = []

    def onLeaveOutZero(self, _checked=False) -> None:
        """Fit without b = 0."""
        from HCCResponseLib.scene.b_values import b_value

        self.say("")
        for volume in self.logic.listedVolumes(self._parameterNode):
            if b_value(volume) == 0:
                self.logic.setLeftOut(self._parameterNode, volume, True)

    def onAcceptProposed(self, _checked=False) -> None:
        """Give the listed volumes the b-values that are proposed for them."""
        from HCCResponseLib.scene.b_values import accept_proposed_b_values

        accepted = accept_proposed_b_values(self.logic.listedVolumes(self._parameterNode))
        if accepted and self._parameterNode.series is None:
            self.logic.chooseSeries(self._parameterNode, accepted[0])
        self.say(_("{count} volumes got their b-value.").format(count=len(accepted)))
        self.refresh()

    def onAngleEdited(self, row: int, column: int) -> None:
        """A volume was ticked, or its flip angle or TR typed."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.flip_angles import set_typed_flip_angle, set_typed_repetition_time

        if self._filling or self._parameterNode is None:
            return
        table = self.ui.anglesTable
        volume = self._edited(table, row)
        if volume is None:
            return
        if column == self.USE:
            self.logic.setLeftOut(self._parameterNode, volume, not self._ticked(table, row))
        elif column in (self.FIRST, self.SECOND):
            set_typed = set_typed_flip_angle if column == self.FIRST else set_typed_repetition_time
            self.say("")
            try:
                set_typed(volume, table.item(row, column).text())
            except InputError as error:
                self.say(str(error))
            self.refresh()

    def onAcceptAngles(self, _checked=False) -> None:
        """Give the listed volumes the flip angles and repetition times that are proposed for them."""
        from HCCResponseLib.scene.flip_angles import accept_proposed_flip_angles

        accepted = accept_proposed_flip_angles(self.logic.listedAngles(self._parameterNode))
        self.say(_("{count} volumes got their flip angle and TR.").format(count=len(accepted)))
        self.refresh()

    def onDynamicChosen(self, index: int) -> None:
        """Work on another dynamic series."""
        self._parameterNode.dynamic = slicer.mrmlScene.GetNodeByID(self.ui.dynamicComboBox.itemData(index))

    def onProtocolEdited(self) -> None:
        """Flip angle, TR or interval of the dynamic series were typed."""
        from HCCResponseLib.errors import InputError

        sequence = self.logic.sequence(self._parameterNode) if self._parameterNode else None
        if sequence is None:
            return
        ui = self.ui
        texts = (ui.flipAngleLineEdit.text, ui.repetitionTimeLineEdit.text, ui.intervalLineEdit.text)
        try:
            if self.logic.setProtocol(sequence, texts):
                self.say("")
        except InputError as error:
            self.say(str(error))
            for edit, text in zip(
                (ui.flipAngleLineEdit, ui.repetitionTimeLineEdit, ui.intervalLineEdit), self.logic.protocolTexts(sequence), strict=True,
            ):
                edit.text = text
        self.refreshSoon()

    #
    # Arterial input
    #

    def onSegmentChosen(self, what: str, name: str) -> None:
        """Another segment for an input or the region to fit."""
        setattr(self._parameterNode, what, name or "")

    def onImportInput(self, _checked=False) -> None:
        """Read the arterial input from a file that the user chooses."""
        import qt

        path = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), _("Import an arterial input"), "", "CSV (*.csv *.txt)")
        if path:
            self.importInput(path)

    def importInput(self, path: str) -> None:
        """Read the arterial input from a file."""
        with self.tellingErrors(_("The input could not be imported.")):
            self.say(self.logic.importInput(self._parameterNode, path))
        self.refresh()

    def onExportInput(self, _checked=False) -> None:
        """Write the arterial input to a file that the user chooses."""
        import qt

        path = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), _("Export the arterial input"), "arterial_input.csv", "CSV (*.csv)")
        if path:
            self.exportInput(path)

    def exportInput(self, path: str) -> None:
        """Write the arterial input to a file."""
        with self.tellingErrors(_("The input could not be exported.")):
            self.say(self.logic.exportInput(self._parameterNode, path))

    #
    # Plots
    #

    def onPlot(self, what: str, shown: bool) -> None:
        """Show the curve at the mouse, or the input, beside the images; or give the layout back."""
        if not shown:
            self._endPlot()
            self.layoutLoan.giveBack()
        else:
            self._plot = what
            self.layoutLoan.borrow(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
            if what == "curve":
                self._crosshair.start()
            else:
                self._crosshair.stop()
            self._drawPlot()
        self._updateViewButtons()

    def onPoint(self, point) -> None:
        """The mouse is at another point of a view."""
        self._point = point
        if self._plot == "curve" and self._parameterNode:
            self._drawPlot()

    def _drawPlot(self) -> None:
        from HCCResponseLib.scene.curve_plot import show_curves

        if self._plot == "curve":
            ready = self._point is not None and self.logic.curveSources(self._parameterNode)
            curves = [self.logic.curve(self._parameterNode, self._point)] if ready else []
            told = [text for one in curves for text in (one.text, one.note, one.problem) if text]
            self.ui.curveLabel.text = "\n".join(told) or _("Move the mouse over a slice view.")
        else:
            curves = self.logic.inputCurves(self._parameterNode)
            self.ui.curveLabel.text = "\n".join(self.logic.inputTexts(self._parameterNode))
        if self._chart is not None and self._chart.GetScene() is None:
            self._chart = None
        self._chart = show_curves(curves, chart_node=self._chart, name=_("Curve"))
        manager = slicer.app.layoutManager()
        if manager is not None and manager.plotViewCount:
            manager.plotWidget(0).mrmlPlotViewNode().SetPlotChartNodeID(self._chart.GetID())

    def _endPlot(self) -> None:
        from HCCResponseLib.scene.curve_plot import remove_chart

        self._plot = ""
        self._crosshair.stop()
        self.ui.curveLabel.text = ""
        if self._chart is not None and self._chart.GetScene() is not None:
            remove_chart(self._chart)
        self._chart = None

    def onLayoutChanged(self, _layout: int) -> None:
        """The layout changed, here or elsewhere: the buttons say what it shows."""
        if self._parameterNode is None:
            return
        if self._plot and not self.layoutLoan.isOut:
            self._endPlot()
        self._updateViewButtons()

    def _updateViewButtons(self) -> None:
        ui, manager = self.ui, slicer.app.layoutManager()
        layout = None if manager is None else manager.layout
        ui.curveButton.checked = self._plot == "curve"
        ui.plotInputButton.checked = self._plot == "input"
        ui.showTableButton.checked = layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView
        ui.curveLabel.visible = bool(self._plot)

    #
    # Maps and values
    #

    def onApply(self, _checked=False) -> None:
        """Compute the maps and show the first of them."""
        import time

        parameters, start = self._parameterNode, time.perf_counter()
        with self.tellingErrors(_("The map could not be computed.")):
            with progressDialog(self.logic.progressText(parameters)) as progress:
                maps = self.logic.compute(parameters, progress)
            parameters.map = maps[0]
            self.refresh()
            self.logic.showMap(parameters)
            self.say(self.logic.computedText(maps, time.perf_counter() - start))
        self.refresh()

    def onMapChosen(self, index: int) -> None:
        """Show and measure another map."""
        node = slicer.mrmlScene.GetNodeByID(self.ui.mapComboBox.itemData(index) or "")
        if node is not None:
            self.say("")
            self._parameterNode.map = node
            self.logic.showMap(self._parameterNode)

    def onReaderEdited(self) -> None:
        """Somebody else reads, in all panels."""
        from HCCResponseLib.scene.reader_name import reader_name, set_reader_name

        if self._parameterNode and self.ui.readerLineEdit.text.strip() != reader_name():
            set_reader_name(self.ui.readerLineEdit.text)

    def onMeasure(self, _checked=False) -> None:
        """Measure the shown map."""
        self._measure(self.logic.measure)

    def onMeasureAll(self, _checked=False) -> None:
        """Measure all maps of the examination."""
        self._measure(self.logic.measureAll)

    def _measure(self, measure) -> None:
        self.onReaderEdited()
        with self.tellingErrors(_("The lesions could not be measured.")), progressDialog(_("Measuring...")) as progress:
            self.say(measure(self._parameterNode, progress))
        self.refresh()

    def onValueClicked(self, row: int, _column: int) -> None:
        """Show the lesion of a row in the slice views, and work with it in all panels."""
        import qt

        shown = self.logic.showLesion(self._parameterNode, self.ui.valuesTable.item(row, self.LESION).data(qt.Qt.UserRole))
        self.say("" if shown else _("The outline of this lesion is empty or gone."))

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
        title = self.logic.mapTitles([self.logic.map(self._parameterNode)])[0]
        self.say(_("Copied {count} lesions with all their statistics: {map}.").format(count=len(self._values), map=title))

    def onShowTable(self, shown: bool) -> None:
        """Show the measurement table below the images, or give the user's layout back."""
        layouts, manager = slicer.vtkMRMLLayoutNode, slicer.app.layoutManager()
        if shown:
            with self.tellingErrors(_("The measurement table could not be shown.")):
                self._endPlot()
                self.layoutLoan.borrow(layouts.SlicerLayoutFourUpTableView)
                self.logic.showMeasurementTable()  # once the view for it is there
        else:
            self.layoutLoan.giveBack()
            if manager is not None and manager.layout == layouts.SlicerLayoutFourUpTableView:
                manager.setLayout(layouts.SlicerLayoutFourUpView)
        self._updateViewButtons()


#
# HCCParameterMappingLogic
#


class HCCParameterMappingLogic(PanelLogic):
    """What the panel does, without the panel: settings and nodes in, nodes out."""

    parameterNodeClass = HCCParameterMappingParameterNode

    def __init__(self) -> None:
        PanelLogic.__init__(self)
        self._checked = (None, [])
        self._expected = (None, "")
        self._madeInput = (None, None, None)  # series, way to make it, settings that its input was made with
        self._inputProblem = ""

    def study(self) -> int:
        """The selected examination; 0 without any."""
        from HCCResponseLib.scene.selection import selected_study

        return selected_study()

    def shownNodes(self, parameters) -> list:
        """Nodes whose changes the panel must show."""
        from HCCResponseLib.scene.measurement_table import measurement_tables

        nodes = [
            *self.listedVolumes(parameters),
            *self.listedAngles(parameters),
            self.sequence(parameters),
            parameters.b1Map,
            self.t1Map(),
            self.arterial(parameters),
            self.portal(parameters),
            self.map(parameters),
            self.outlines(parameters),
            *measurement_tables(),
        ]
        return list(dict.fromkeys(node for node in nodes if node is not None))

    #
    # Diffusion
    #

    def groups(self) -> list:
        """Diffusion series to choose from."""
        from HCCResponseLib.scene.map_sources import diffusion_series

        return diffusion_series(self.study())

    def group(self, parameters):
        """The series that is worked on; None where there is none."""
        from HCCResponseLib.scene.diffusion_groups import group_of

        return group_of(parameters.series, self.groups())

    def groupTitle(self, group, groups) -> str:
        """What to call a series: with patient and date where series of other studies are listed too."""
        from HCCResponseLib.scene.time_points import study_of

        return group.name if len({study_of(one.volumes[0]) for one in groups}) == 1 and self.study() else group.label

    def chooseSeries(self, parameters, volume) -> None:
        """Work on the series of a volume, on its examination, and on the map that was made from it."""
        from HCCResponseLib.scene.diffusion import adc_map_of
        from HCCResponseLib.scene.selection import select_study
        from HCCResponseLib.scene.time_points import study_of

        if volume is not None and study_of(volume) and study_of(volume) != self.study():
            select_study(study_of(volume))
        parameters.series = volume
        group = self.group(parameters)
        parameters.map = adc_map_of(group.volumes) if group else None

    def listedVolumes(self, parameters) -> list:
        """Volumes of the series by b-value, and those without a b-value if they are wanted."""
        from HCCResponseLib.scene.diffusion_groups import volumes_without_b_value

        group = self.group(parameters)
        return (list(group.volumes) if group else []) + (volumes_without_b_value() if parameters.showAllVolumes else [])

    def chosenVolumes(self, parameters) -> list:
        """Volumes to fit: of the series, not left out."""
        group, leftOut = self.group(parameters), list(parameters.leftOut)
        return [volume for volume in group.volumes if volume not in leftOut] if group else []

    def setLeftOut(self, parameters, volume, leftOut: bool) -> None:
        """Leave a volume out of the fit, or take it in again."""
        others = [other for other in parameters.leftOut if other is not None and other != volume]
        parameters.leftOut = [*others, volume] if leftOut else others

    def readFolder(self, folder, scaling=Scaling.RESCALE, progress=None) -> tuple[list, list[str]]:
        """Read the diffusion series of a DICOM folder; returns a volume per b-value, and what the user should know."""
        from HCCResponseLib.scene.diffusion import read_diffusion_folder

        return read_diffusion_folder(folder, scaling=scaling.value, progress=progress)

    #
    # T1
    #

    def listedAngles(self, parameters) -> list:
        """Volumes with different flip angles, and those whose role is not known if they are wanted."""
        from HCCResponseLib.scene.map_sources import flip_angle_volumes, other_volumes

        return flip_angle_volumes(self.study()) + (other_volumes(self.study()) if parameters.showOtherVolumes else [])

    def chosenAngles(self, parameters) -> list:
        """Volumes to fit T1 to: with the role or a flip angle, not left out."""
        from HCCResponseLib.scene.map_sources import flip_angle_volumes

        leftOut = list(parameters.leftOut)
        return [volume for volume in flip_angle_volumes(self.study()) if volume not in leftOut]

    def t1Map(self):
        """The newest T1 map of the examination; None where there is none."""
        from HCCResponseLib.scene.examination_maps import maps_of_examination
        from HCCResponseLib.scene.parameter_maps import map_quantity

        return next((node for node in maps_of_examination(self.study()) if map_quantity(node).key == "T1"), None)

    #
    # Dynamic series and its inputs
    #

    def sequences(self) -> list:
        """Dynamic series of the examination."""
        from HCCResponseLib.scene.map_sources import dynamic_series

        return dynamic_series(self.study())

    def sequence(self, parameters):
        """The dynamic series that is worked on; None where there is none."""
        found = self.sequences()
        return parameters.dynamic if parameters.dynamic in found else next(iter(found), None)

    def protocolTexts(self, sequence) -> tuple[str, str, str]:
        """Flip angle, TR and interval of a series as they are shown; empty where they are not known."""
        from HCCResponseLib.scene.flip_angles import flip_angle_deg, repetition_time_s
        from HCCResponseLib.scene.frame_interval import interval_text

        if sequence is None:
            return "", "", ""
        angle, time, interval = flip_angle_deg(sequence), repetition_time_s(sequence), interval_text(sequence)
        return (
            "" if angle is None else f"{angle:g}°",
            "" if time is None else f"{1e3 * time:g} ms",
            interval and _("every {seconds} s").format(seconds=interval),
        )

    def setProtocol(self, sequence, texts) -> bool:
        """Take over what was typed of the protocol; returns whether that was anything new."""
        from HCCResponseLib.scene.flip_angles import set_typed_flip_angle, set_typed_repetition_time
        from HCCResponseLib.scene.frame_interval import set_typed_interval

        changed = False
        before = self.protocolTexts(sequence)
        for set_typed, text, known in zip(
            (set_typed_flip_angle, set_typed_repetition_time, set_typed_interval), texts, before, strict=True,
        ):
            if text.strip() != known:
                set_typed(sequence, text)
                changed = True
        return changed

    def segments(self, parameters) -> dict[str, str]:
        """Names of the segments of the outlines by their IDs."""
        from HCCResponseLib.scene.segments import segment_ids

        node = self.outlines(parameters)
        ids = segment_ids(node) if node is not None else []
        return {one: node.GetSegmentation().GetSegment(one).GetName() for one in ids}

    def vesselSegment(self, parameters) -> str:
        """Segment in the artery; empty where there is none."""
        from HCCResponseLib.response.region_types import RegionType

        return self._segment(parameters, parameters.vessel, RegionType.AORTA)

    def portalSegment(self, parameters) -> str:
        """Segment in the portal vein; empty where there is none."""
        from HCCResponseLib.response.region_types import RegionType

        return self._segment(parameters, parameters.portalVessel, RegionType.PORTAL_VEIN)

    def regionSegment(self, parameters) -> str:
        """Segment to fit in; empty where none is chosen."""
        return self._segment(parameters, parameters.regionSegment)

    def _segment(self, parameters, name: str, regionType=None) -> str:
        """The segment with a name, else the first of a type; empty where there is none."""
        from HCCResponseLib.scene.segment_types import segments_of_type

        segments = self.segments(parameters)
        named = next((one for one, its in segments.items() if its == name), "") if name else ""
        if named or regionType is None or not segments:
            return named
        return next(iter(segments_of_type(self.outlines(parameters), regionType)), "")

    def arterial(self, parameters):
        """The table of the arterial input; None while there is none."""
        from HCCResponseLib.scene.input_choice import chosen_input

        sequence = self.sequence(parameters)
        return None if sequence is None else chosen_input(sequence, parameters.inputKind.value)

    def portal(self, parameters):
        """The table of the portal-venous input; None where the model needs none, and while there is none."""
        from HCCResponseLib.scene.input_choice import chosen_input

        sequence = self.sequence(parameters)
        if sequence is None or not parameters.model.needsPortalInput:
            return None
        return chosen_input(sequence, parameters.portalKind.value, "portal vein")

    def inputProblem(self, parameters) -> str:
        """Why there is no arterial input; empty where there is."""
        if self.sequence(parameters) is None:
            return _("This examination has no dynamic series.")
        return self._inputProblem

    def relaxivity(self, parameters) -> tuple[float, str]:
        """Relaxivity to use, and a sentence where it is the usual one of the agent."""
        from HCCResponseLib.scene.acquisition import contrast_agent
        from HCCResponseLib.workflow.relaxivity import usual_relaxivity

        if parameters.relaxivity > 0:
            return parameters.relaxivity, ""
        sequence = self.sequence(parameters)
        return usual_relaxivity("" if sequence is None else contrast_agent(sequence))

    def _inputSettings(self, parameters, segment: str):
        from HCCResponseLib.scene.input_choice import InputSettings, blood_t1_of

        return InputSettings(
            kind=parameters.inputKind.value,
            segmentation_node=self.outlines(parameters) if segment else None,
            segment_id=segment,
            arrival_s=parameters.arrivalS or None,
            hematocrit=parameters.hematocrit,
            dose_mmol_per_kg=parameters.dose,
            blood_t1_s=parameters.bloodT1Ms / 1000.0 or blood_t1_of(self.sequence(parameters)),
            relaxivity=self.relaxivity(parameters)[0],
            b1_node=self._b1(parameters),
        )

    def _b1(self, parameters):
        """The B1 map that concentrations take: that of the T1 map."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.b1_maps import b1_of_t1_map

        try:
            return b1_of_t1_map(self.t1Map()) if parameters.t1Source is T1Source.MAP else None
        except InputError:  # it is gone: the checks tell
            return None

    def followInput(self, parameters, *, again: bool = False) -> None:
        """Make the input that the settings say, once it is worked with; an earlier one of another examination keeps its settings.

        :param again: also where no setting changed: outlines may have.
        """
        from HCCResponseLib.errors import HCCResponseError

        sequence = self.sequence(parameters)
        if parameters.task is not Task.PERFUSION or sequence is None:
            return
        way = (parameters.inputKind, parameters.portalKind, parameters.model.needsPortalInput)
        if self._madeInput[:2] != (sequence, way) and not again and self.arterial(parameters) is not None:
            self._adoptSettings(parameters)
            if not parameters.model.needsPortalInput or self.portal(parameters) is not None:
                self._madeInput, self._inputProblem = (sequence, way, self._inputKey(parameters)), ""
                return
        key = self._inputKey(parameters)
        there = self.arterial(parameters) is not None or self._inputProblem
        if self._madeInput == (sequence, way, key) and there and not again:
            return
        self._madeInput, self._inputProblem = (sequence, way, key), ""
        try:
            self._makeInputs(parameters)
        except HCCResponseError as error:
            self._inputProblem = str(error)

    def _inputKey(self, parameters) -> tuple:
        """What an input is made with; where it changes, the input is made again."""
        settings = self._inputSettings(parameters, self.vesselSegment(parameters))
        return settings, self.portalSegment(parameters), self.protocolTexts(self.sequence(parameters))

    def _adoptSettings(self, parameters) -> None:
        """Take the haematocrit and dose that the input of another examination was made with."""
        from HCCResponseLib.scene.input_choice import kept_settings

        kept = kept_settings(self.arterial(parameters))
        parameters.hematocrit = kept.get("hematocrit", parameters.hematocrit)
        parameters.dose = kept.get("dose_mmol_per_kg", parameters.dose)

    def _makeInputs(self, parameters) -> tuple:
        """Make or renew the inputs that the model needs; returns their tables, None for a portal one that it does not need."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.input_choice import make_arterial, make_portal

        sequence = self.sequence(parameters)
        arterial = make_arterial(sequence, self._inputSettings(parameters, self.vesselSegment(parameters)))
        if not parameters.model.needsPortalInput:
            return arterial, None
        segment = self.portalSegment(parameters) if parameters.portalKind is PortalKind.MEASURED else ""
        if parameters.portalKind is PortalKind.MEASURED and not segment:
            raise InputError(_("Choose the segment in the portal vein that its input is measured in, or derive it from the artery."))
        return arterial, make_portal(sequence, arterial, self._inputSettings(parameters, segment))

    def importInput(self, parameters, path) -> str:
        """Read the arterial input from a file; returns what was done."""
        from HCCResponseLib.scene.arterial_input import import_input
        from HCCResponseLib.scene.input_choice import chosen_input

        sequence = self.sequence(parameters)
        table = import_input(path, sequence, hematocrit=parameters.hematocrit, table_node=chosen_input(sequence, InputKind.IMPORTED.value))
        parameters.inputKind = InputKind.IMPORTED
        self.followInput(parameters, again=True)
        return _("'{name}' was imported.").format(name=table.GetName())

    def exportInput(self, parameters, path) -> str:
        """Write the arterial input to a file; returns what was done."""
        from HCCResponseLib.scene.arterial_input import export_input

        return _("'{name}' was written.").format(name=export_input(self.arterial(parameters), path).name)

    def inputCurves(self, parameters) -> list:
        """The inputs as curves."""
        from HCCResponseLib.scene.voxel_curve import input_curve

        return [input_curve(table) for table in (self.arterial(parameters), self.portal(parameters)) if table is not None]

    def inputTexts(self, parameters) -> list[str]:
        """Where the inputs are from, and what is to be said of them."""
        from HCCResponseLib.scene.arterial_input import input_description, input_warnings

        tables = [table for table in (self.arterial(parameters), self.portal(parameters)) if table is not None]
        texts = [text for table in tables for text in (f"{input_description(table)[1]}.", *input_warnings(table))]
        return [*texts, *filter(None, [self._inputProblem])]

    #
    # Checking and computing
    #

    def _perfusionSettings(self, parameters) -> dict:
        """Settings of the tissue model, as the functions of the scene name them."""
        delay = (EARLIEST_DELAY_S, parameters.longestDelayS) if parameters.fitDelay else 0.0
        fixed = parameters.t1Source is T1Source.FIXED
        return dict(
            relaxivity=self.relaxivity(parameters)[0],
            t1_map=None if fixed else self.t1Map(),
            t1_s=parameters.t1Ms / 1000.0 if fixed else None,
            model=parameters.model.value,
            delay_s=delay,
            portal_node=self.portal(parameters),
            portal_delay_s=delay if parameters.model.needsPortalInput else 0.0,
            baseline=parameters.baseline or None,
        )

    def _region(self, parameters):
        """Where to fit; None for everywhere.

        :raises InputError: no lesion lies in the series, or no segment was chosen.
        """
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.dynamic_curves import grid_volume
        from HCCResponseLib.scene.examination_maps import lesion_region

        if parameters.region is FitRegion.IMAGE:
            return None
        if parameters.region is FitRegion.LESIONS:
            return lesion_region(self.outlines(parameters), grid_volume(self.sequence(parameters)), parameters.marginMm)
        segment = self.regionSegment(parameters)
        if not segment:
            raise InputError(_("Choose the segment to fit in, or fit the lesions or the whole image."))
        return self.outlines(parameters), [segment]

    def findings(self, parameters) -> list:
        """What a look at the input before the fit finds; looked at again only when it changed."""
        nodes = {
            Task.DIFFUSION: self.chosenVolumes(parameters),
            Task.T1: [*self.chosenAngles(parameters), parameters.b1Map],
            Task.PERFUSION: [self.sequence(parameters), self.arterial(parameters), self.portal(parameters), self.t1Map()],
        }[parameters.task]
        settings = [parameters.task, parameters.diffusionModel, parameters.ivimMethod, parameters.bThreshold, self.study()]
        if parameters.task is Task.PERFUSION:
            nodes += [self.outlines(parameters), parameters.b1Map]
            segments = self.segments(parameters)
            settings += [parameters.t1Source, parameters.t1Ms, parameters.model, parameters.region, parameters.marginMm]
            settings += [parameters.regionSegment, parameters.relaxivity, parameters.baseline, parameters.fitDelay]
            settings += [parameters.longestDelayS, self._inputProblem, *segments.items(), *self._outlineTimes(parameters)]
        seen = [settings, [_stamp(node) for node in nodes if node is not None]]
        if seen != self._checked[0]:
            self._checked = (seen, self._look(parameters))
        return self._checked[1]

    def _outlineTimes(self, parameters) -> list[int]:
        node = self.outlines(parameters)
        segmentation = node.GetSegmentation() if node is not None else None
        return [segmentation.GetSegment(one).GetMTime() for one in self.segments(parameters)] if segmentation is not None else []

    def _look(self, parameters) -> list:
        from HCCResponseLib.scene.diffusion import check_diffusion
        from HCCResponseLib.scene.ivim import check_ivim
        from HCCResponseLib.scene.relaxometry import check_flip_angles

        if parameters.task is Task.T1:
            return check_flip_angles(self.chosenAngles(parameters), b1_node=parameters.b1Map)
        if parameters.task is Task.PERFUSION:
            return self._lookAtDynamic(parameters)
        volumes = self.chosenVolumes(parameters)
        if parameters.diffusionModel is DiffusionModel.ADC:
            return check_diffusion(volumes)
        return check_ivim(volumes, method=parameters.ivimMethod.value, b_threshold=parameters.bThreshold)

    def _lookAtDynamic(self, parameters) -> list:
        from HCCResponseLib.errors import HCCResponseError
        from HCCResponseLib.scene.input_check import Finding, Level
        from HCCResponseLib.scene.perfusion import check_dynamic

        sequence = self.sequence(parameters)
        if sequence is None:
            return [Finding(Level.ERROR, _("This examination has no dynamic series; import one in HCC Response."))]
        settings, found, region = self._perfusionSettings(parameters), [], None
        if self._inputProblem:
            found.append(Finding(Level.ERROR, self._inputProblem))
        if settings["t1_map"] is None and settings["t1_s"] is None:
            text = _("There is no T1 map of this examination yet: compute it under T1, or take one value for all tissue.")
            found.append(Finding(Level.ERROR, text))
        try:
            region = self._region(parameters)
        except HCCResponseError as error:
            found.append(Finding(Level.ERROR, str(error)))
        arterial = self.arterial(parameters)
        input_node = arterial if not parameters.baseline else None
        found += check_dynamic(sequence, input_node=input_node, t1_map=settings["t1_map"], t1_s=settings["t1_s"], region=region)
        sentence = self.relaxivity(parameters)[1]
        if sentence:
            found.append(Finding(Level.WARNING if "assumed" in sentence else Level.INFORMATION, sentence))
        if arterial is not None and not any(one.level == Level.ERROR for one in found):
            found.append(Finding(Level.INFORMATION, self._expectedText(sequence, arterial, settings, region)))
        return found

    def _expectedText(self, sequence, arterial, settings: dict, region) -> str:
        from HCCResponseLib.errors import HCCResponseError
        from HCCResponseLib.scene.fitting_time import expected_fit

        try:
            expected = expected_fit(sequence, arterial, region=region, **settings)
        except HCCResponseError as error:
            return str(error)
        seconds = expected.seconds
        time = _("about {seconds} s").format(seconds=max(1, round(seconds))) if seconds < 90 else ""
        time = time or _("about {minutes} min").format(minutes=round(seconds / 60))
        return _("{voxels} voxels to fit: {time} on this computer.").format(voxels=expected.voxels, time=time)

    def applyTexts(self, parameters) -> tuple[str, str]:
        """Text and tool tip of the button that computes."""
        if parameters.task is Task.T1:
            return _("Compute T1 map"), _("Fit T1 in every voxel of the chosen volumes.")
        if parameters.task is Task.PERFUSION:
            return _("Compute perfusion maps"), _("Fit the tissue model in every voxel of the region.")
        if parameters.diffusionModel is DiffusionModel.IVIM:
            return _("Compute IVIM maps"), _("Fit D, f and D* in every voxel of the chosen volumes.")
        return _("Compute ADC map"), _("Fit the ADC in every voxel of the chosen volumes.")

    def progressText(self, parameters) -> str:
        """Text of the progress dialog."""
        return {Task.DIFFUSION: _("Fitting diffusion..."), Task.T1: _("Fitting T1..."), Task.PERFUSION: _("Fitting the tissue model...")}[
            parameters.task
        ]

    def compute(self, parameters, progress=None) -> list:
        """Compute the maps of the task; returns them, the most important first."""
        return {Task.DIFFUSION: self._computeDiffusion, Task.T1: self._computeT1, Task.PERFUSION: self._computePerfusion}[
            parameters.task
        ](parameters, progress)

    def _prefix(self) -> str:
        """What names of new maps begin with."""
        from HCCResponseLib.scene.study_nodes import examination_title

        return examination_title(self.study(), date=False) if self.study() else ""

    def _computeDiffusion(self, parameters, progress) -> list:
        from HCCResponseLib.scene.diffusion import adc_map_of, compute_adc
        from HCCResponseLib.scene.ivim import compute_ivim, ivim_maps_of

        volumes, again = self.chosenVolumes(parameters), not parameters.keepEarlier
        if parameters.diffusionModel is DiffusionModel.IVIM:
            maps = compute_ivim(
                volumes,
                method=parameters.ivimMethod.value,
                b_threshold=parameters.bThreshold,
                without_air=parameters.leaveOutAir,
                prefix=self._prefix(),
                map_nodes=ivim_maps_of(volumes) if again else None,
                progress=progress,
            )
            return list(maps.values())
        group = self.group(parameters)
        adcMap = compute_adc(
            volumes,
            method=parameters.estimator.value,
            leave_out_air=parameters.leaveOutAir,
            name=f"{group.name} ADC" if group else "ADC",
            map_node=adc_map_of(volumes) if again else None,
            progress=progress,
        )
        return [adcMap]

    def _computeT1(self, parameters, progress) -> list:
        from HCCResponseLib.scene.relaxometry import compute_t1, t1_map_of

        volumes = self.chosenAngles(parameters)
        t1Map = compute_t1(
            volumes,
            method=parameters.t1Method.value,
            b1_node=parameters.b1Map,
            without_air=parameters.leaveOutAir,
            prefix=self._prefix(),
            map_node=None if parameters.keepEarlier else t1_map_of(volumes),
            progress=progress,
        )
        return [t1Map]

    def _computePerfusion(self, parameters, progress) -> list:
        from HCCResponseLib.scene.perfusion import compute_perfusion, perfusion_maps_of

        sequence = self.sequence(parameters)
        arterial, _portal = self._makeInputs(parameters)  # outlines may have changed since they were made
        maps = compute_perfusion(
            sequence,
            arterial,
            region=self._region(parameters),
            without_air=parameters.leaveOutAir,
            prefix=self._prefix(),
            map_nodes=None if parameters.keepEarlier else perfusion_maps_of(sequence),
            progress=progress,
            **self._perfusionSettings(parameters),
        )
        return list(maps.values())

    def computedText(self, maps, seconds: float) -> str:
        """What was computed, in words."""
        from HCCResponseLib.scene.perfusion import perfusion_summary

        names = ", ".join(f"'{node.GetName()}'" for node in maps)
        told = (
            _("{names} was computed in {seconds:.1f} s.") if len(maps) == 1 else _("{names} were computed in {seconds:.1f} s.")
        ).format(names=names, seconds=seconds)
        return "\n".join([told, *(finding.text for finding in perfusion_summary(maps[0]))])

    def curveSources(self, parameters) -> list:
        """Images that a curve at the mouse comes from."""
        if parameters.task is Task.PERFUSION:
            sequence = self.sequence(parameters)
            return [sequence] if sequence is not None else []
        return self.chosenAngles(parameters) if parameters.task is Task.T1 else self.chosenVolumes(parameters)

    def curve(self, parameters, point):
        """The curve of the task at a point, with its fit."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.b1_maps import b1_at
        from HCCResponseLib.scene.voxel_curve import curve_at, diffusion_curve_at, flip_angle_curve_at

        if parameters.task is Task.DIFFUSION:
            ivim = parameters.diffusionModel is DiffusionModel.IVIM
            return diffusion_curve_at(
                self.chosenVolumes(parameters),
                point,
                model="ivim" if ivim else "adc",
                method=(parameters.ivimMethod if ivim else parameters.estimator).value,
                b_threshold=parameters.bThreshold,
            )
        if parameters.task is Task.T1:
            try:
                b1 = b1_at(parameters.b1Map, point)
            except InputError:  # the checks tell
                b1 = None
            return flip_angle_curve_at(self.chosenAngles(parameters), point, b1=b1, method=parameters.t1Method.value)
        settings = self._perfusionSettings(parameters)
        return curve_at(self.sequence(parameters), point, self.arterial(parameters), **settings)

    #
    # Maps and views
    #

    def maps(self, parameters) -> list:
        """Maps of the examination, and those of a series that belongs to no examination."""
        from HCCResponseLib.scene.examination_maps import maps_of_examination
        from HCCResponseLib.scene.time_points import study_of

        group = self.group(parameters)
        studies = [self.study(), *([study_of(group.volumes[0])] if group else [])]
        return [node for study in dict.fromkeys(studies) for node in maps_of_examination(study)]

    def map(self, parameters):
        """The map to show and measure: the user's choice, or that of the same quantity in another examination."""
        from HCCResponseLib.scene.parameter_maps import map_quantity

        maps, chosen = self.maps(parameters), parameters.map
        if chosen in maps:
            return chosen
        quantity = map_quantity(chosen) if chosen is not None else None
        return next((node for node in maps if map_quantity(node) is quantity), next(iter(maps), None))

    def mapTitles(self, maps) -> list[str]:
        """Quantity and unit of maps."""
        from HCCResponseLib.scene.examination_maps import map_titles

        return [f"{title} ({self.unit(node)})" for node, title in zip(maps, map_titles(maps), strict=True)]

    def unit(self, map) -> str:
        """The unit that a map is shown in."""
        from HCCResponseLib.scene.parameter_maps import map_quantity

        return map_quantity(map).display_unit.meaning

    def decimals(self, map) -> int:
        """Digits after the point of the numbers of a map."""
        from HCCResponseLib.scene.parameter_maps import map_quantity

        return map_quantity(map).decimals if map is not None else 2

    def outdated(self, map) -> str:
        """Why a map is out of date; empty where it is not."""
        from HCCResponseLib.scene.outdated_maps import outdated_map

        return outdated_map(map) if map is not None else ""

    def insideRepeatability(self, map, changePercent: float) -> bool:
        """Whether a change may be noise."""
        from HCCResponseLib.scene.examination_maps import inside_repeatability

        return map is not None and inside_repeatability(map, changePercent)

    def showMap(self, parameters) -> None:
        """Show the map over its images, with its legend and the outlines of the examination."""
        from HCCResponseLib.scene.examination_maps import show_map

        show_map(self.map(parameters), opacity=parameters.mapOpacity)

    def showLegendAgain(self, parameters) -> None:
        """Show the legend of a map that the views still show."""
        from HCCResponseLib.scene.examination_maps import is_shown

        map = self.map(parameters)
        if map is not None and is_shown(map):
            self.showMap(parameters)

    def showExamination(self, parameters) -> None:
        """Show the examination that was chosen: its map where there is one, else its images."""
        from HCCResponseLib.scene.examination_views import show_examination

        if self.map(parameters) is not None:
            self.showMap(parameters)
            self.showOutlines()
        elif self.study():
            self.hideLegends()
            show_examination(self.study())

    def showOutlines(self) -> None:
        """Show the outlines of the examination and not those of the others, between which the patient moved."""
        from HCCResponseLib.scene.examination_views import show_outlines_of

        if self.study():
            show_outlines_of(self.study())

    def hideLegends(self) -> None:
        """Take the colour legends out of the views."""
        from HCCResponseLib.scene.examination_maps import hide_map_legends

        hide_map_legends()

    #
    # Values
    #

    def hasOwnOutlines(self) -> bool:
        """Whether the examination has a segmentation of its own."""
        from HCCResponseLib.scene.study_nodes import segmentation_of_study

        return bool(self.study()) and segmentation_of_study(self.study()) is not None

    def proposeSegmentation(self, parameters) -> None:
        """Choose some segmentation for images without an examination."""
        if parameters.segmentation is None and not self.hasOwnOutlines():
            parameters.segmentation = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")

    def outlines(self, parameters):
        """The segmentation to measure in; None where there is none."""
        from HCCResponseLib.scene.study_nodes import segmentation_of_study

        own = segmentation_of_study(self.study()) if self.study() else None
        return own if own is not None else parameters.segmentation

    def timePointOfStudy(self, parameters) -> int | None:
        """Time point of the study that the map, or before there is one the examination, says."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.time_points import time_point, time_point_of

        map = self.map(parameters)
        try:
            if map is not None:
                return time_point_of(map)
            point = time_point(self.study()) if self.study() else None
        except InputError:  # a damaged attribute: measuring tells what is wrong with it
            return None
        return None if point is None else point.index

    def timePointDoubt(self, parameters) -> str:
        """Why the time point may be wrong: the dates of the patient's studies tell another one; empty where they do not."""
        from HCCResponseLib.scene.time_points import propose_time_points, studies, study_of

        map = self.map(parameters)
        study = study_of(map) if map is not None else 0
        patient = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemParent(study) if study else 0
        if not patient or len(studies(patient)) < 2 or self.timePointOfStudy(parameters) is not None:
            return ""
        proposed = propose_time_points(patient).get(study)
        if proposed is None or proposed.index == parameters.timePoint:
            return ""
        return _("By the dates of the studies this examination is time point {index}.").format(index=proposed.index)

    def _measuredSegments(self, parameters) -> list[str] | None:
        """Accepted lesions; None for all visible segments."""
        from HCCResponseLib.scene.examination_maps import accepted_lesions

        lesions = [] if parameters.allSegments else accepted_lesions(self.outlines(parameters))
        return lesions or None

    def _options(self, parameters, map) -> dict:
        """Whose values they are, and of which voxels."""
        from HCCResponseLib.scene.reader_name import reader_name
        from HCCResponseLib.scene.subject_hierarchy import patient_of
        from HCCResponseLib.scene.time_points import time_point_of

        known = time_point_of(map)
        return dict(
            patient=patient_of(map),
            time_point=parameters.timePoint if known is None else known,
            reader=reader_name().strip(),
            pure=parameters.pureVoxels,
            erode_mm=parameters.erodeMm if parameters.pureVoxels else 0.0,
        )

    def measure(self, parameters, progress=None) -> str:
        """Measure the map; the values go into the measurement table. Returns what is to be said."""
        from HCCResponseLib.scene.map_measurement import measure_map

        map, chosen = self.map(parameters), self._measuredSegments(parameters)
        results = measure_map(map, self.outlines(parameters), chosen, progress=progress, **self._options(parameters, map))
        return " ".join([result.problem or result.note for result in results if result.problem or result.note])

    def measureAll(self, parameters, progress=None) -> str:
        """Measure all maps of the examination; returns what is to be said."""
        from HCCResponseLib.scene.examination_maps import measure_maps

        maps, chosen = self.maps(parameters), self._measuredSegments(parameters)
        notes = measure_maps(maps, self.outlines(parameters), chosen, progress=progress, **self._options(parameters, maps[0]))
        return "\n".join([_("The maps of the examination were measured."), *notes])

    def values(self, parameters) -> list:
        """What the measurement table says of the outlines on the map for this time point and reader, a lesion each, in shown units.

        :raises InputError: the table is broken, or the map cannot be measured any more.
        """
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.lesion_identity import lesion_identity
        from HCCResponseLib.scene.map_measurement import measured_values

        map, outlines = self.map(parameters), self.outlines(parameters)
        if map is None or outlines is None:
            return []
        chosen = self._measuredSegments(parameters)
        identities = [lesion_identity(outlines, one) for one in chosen] if chosen is not None else None
        uids = None if identities is None else [one.uid for one in identities if one is not None]
        try:
            options = self._options(parameters, map)
        except InputError:  # a damaged time point: measuring tells what is wrong with it
            return []
        return measured_values(map, outlines, lesion_uids=uids, **options)

    def showLesion(self, parameters, uid: str) -> bool:
        """Show a lesion in the views, and select it for all panels; False where its outline is gone."""
        from HCCResponseLib.scene.selection import select_lesion
        from HCCResponseLib.scene.views import jump_to_lesion

        select_lesion(uid)
        return jump_to_lesion(self.outlines(parameters), uid)

    def showMeasurementTable(self) -> None:
        """Make the measurement table the one that table views show."""
        from HCCResponseLib.scene.measurement_table import measurement_table

        slicer.app.applicationLogic().GetSelectionNode().SetActiveTableID(measurement_table().GetID())
        slicer.app.applicationLogic().PropagateTableSelection()


def _stamp(node) -> tuple:
    """What changes when a node or its voxels do."""
    image = node.GetImageData() if node.IsA("vtkMRMLVolumeNode") else None
    return node.GetID(), node.GetMTime(), image and image.GetMTime()


#
# HCCParameterMappingTest
#


class HCCParameterMappingTest(ScriptedLoadableModuleTest):
    """From the images of the sample patient to the numbers in the panel: diffusion, T1 and perfusion agree with the truth."""

    def setUp(self):
        from HCCResponseLib.scene.reader_name import set_reader_name
        from HCCResponseLib.scene.sample_patient import load_sample_patient
        from HCCResponseLib.scene.selection import select_patient

        slicer.mrmlScene.Clear()
        select_patient(load_sample_patient(small=True))
        set_reader_name("Test")
        slicer.util.selectModule("HCCParameterMapping")
        self.widget = slicer.util.getModuleWidget("HCCParameterMapping")

    def runTest(self):
        """Run every test of the class, as the Reload and Test button does."""
        for name in dir(self):
            if name.startswith("test_"):
                self.setUp()
                getattr(self, name)()

    def _values(self) -> dict[str, float]:
        """Median by lesion, as the panel shows it."""
        table = self.widget.ui.valuesTable
        return {table.item(row, 0).text(): float(table.item(row, 1).text()) for row in range(table.rowCount)}

    def test_mapsAndMeasures(self):
        """ADC, T1 and Ktrans of the largest lesion at baseline are the true ones, within what coarse voxels allow."""
        from HCCResponseLib.phantom.reference_patient import patient_truth, reference_patient

        lesions = patient_truth(reference_patient(small=True))["examinations"][0]["lesions"]
        largest = max(lesions, key=lambda one: one["volume_ml"])
        part = max(largest["parts"].values(), key=lambda one: one["volume_ml"])
        ui, parameters = self.widget.ui, self.widget._parameterNode
        parameters.pureVoxels = True
        for index, key, unit, tolerance in ((0, "adc_weighted", 1e3, 0.05), (1, "t1_s", 1e3, 0.05), (2, "ktrans", 1.0, 0.1)):
            ui.taskTabs.setCurrentIndex(index)
            self.widget.refresh()
            self.assertTrue(ui.applyButton.enabled, ui.applyButton.toolTip)
            ui.applyButton.click()
            self.assertIn("computed", ui.statusLabel.text)
            ui.measureButton.click()
            self.assertEqual(len(self._values()), len(lesions), ui.statusLabel.text)
            true = unit * part[key]
            self.assertAlmostEqual(self._values()[largest["identifier"]], true, delta=tolerance * true, msg=key)

    def test_cancelChangesNothing(self):
        """A cancelled fit leaves the scene as it was, whichever it is."""
        from HCCResponseLib.errors import Cancelled

        logic, parameters = self.widget.logic, self.widget._parameterNode
        parameters.t1Source = T1Source.FIXED
        for task in Task:
            parameters.task = task
            logic.followInput(parameters)
            before = slicer.mrmlScene.GetNumberOfNodes()
            with self.assertRaises(Cancelled):
                logic.compute(parameters, lambda fraction: False)
            self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)

    def test_leaveOut(self):
        """A volume that is left out is not fitted, and one that was deleted is no trouble."""
        logic, parameters = self.widget.logic, self.widget._parameterNode
        volumes = logic.chosenVolumes(parameters)
        logic.setLeftOut(parameters, volumes[0], True)
        self.assertEqual(logic.chosenVolumes(parameters), volumes[1:])
        slicer.mrmlScene.RemoveNode(volumes[0])
        self.assertEqual(logic.chosenVolumes(parameters), volumes[1:])
        logic.setLeftOut(parameters, volumes[1], True)
        logic.setLeftOut(parameters, volumes[1], False)
        self.assertEqual(logic.chosenVolumes(parameters), volumes[1:])

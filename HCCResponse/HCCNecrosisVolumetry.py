import enum
import os
import sys
from typing import Annotated

import slicer
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import *

# In a source checkout the library stands beside this folder; a build or installation has it in this folder, on the path already.
_checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isdir(os.path.join(_checkout, "HCCResponseLib")) and _checkout not in sys.path:
    sys.path.insert(0, _checkout)

from HCCPanels.choices import fillCombo
from HCCPanels.examination_combo import ExaminationCombo
from HCCPanels.panel import Panel, PanelLogic
from HCCPanels.progress_dialog import progressDialog
from HCCPanels.tables import Filling, cell, fitHeight, prepare

#
# HCCNecrosisVolumetry
#


class HCCNecrosisVolumetry(ScriptedLoadableModule):
    """Viable, necrotic and haemorrhagic tumour, lesion by lesion."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("HCC Necrosis Volumetry")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = ["Segmentations", "Volumes", "Plots"]
        self.parent.contributors = ["HCCResponse contributors"]
        self.parent.helpText = _("""
<p>Splits lesions into viable, necrotic and haemorrhagic tumour by what enhances, and measures each part.</p>
<ol><li>Check the images before and after contrast, and that they lie on each other.</li>
<li>Choose what counts as viable; watch overlay, numbers and histogram while you move the threshold.</li>
<li>Apply: the parts become segments, the numbers rows of the measurement table.</li>
<li>Where the threshold is wrong, paint the parts and measure them as drawn.</li></ol>
<p>See <a href="https://github.com/HCCResponse/HCCResponse#hcc-necrosis-volumetry">the documentation</a>.</p>
""")
        self.parent.acknowledgementText = _("""
Necrosis under sorafenib and its score: Horger et al., BMC Cancer 2009;9:208.
Viable tumour: Lencioni and Llovet, Semin Liver Dis 2010;30:52 (mRECIST).
""")


#
# HCCNecrosisVolumetryParameterNode
#


class Method(enum.Enum):
    """How viable is told from necrotic tumour; stored by name, so names stay as they are."""

    HALF = "half"
    REFERENCE = "reference"
    RELATIVE = "relative"
    PHASE = "phase"

    def label(self) -> str:
        """Text in the panel."""
        return {
            Method.HALF: _("above half of what viable tumour enhances by"),
            Method.REFERENCE: _("above mean + k SD of the reference"),
            Method.RELATIVE: _("above a relative enhancement"),
            Method.PHASE: _("above a signal after contrast"),
        }[self]


class ReferenceRegion(enum.Enum):
    """What the enhancement is compared with; stored by name, so names stay as they are."""

    LIVER_REFERENCE = "LIVER_REFERENCE"
    MUSCLE = "MUSCLE"

    def label(self) -> str:
        """Text in the panel."""
        return {ReferenceRegion.LIVER_REFERENCE: _("normal liver"), ReferenceRegion.MUSCLE: _("muscle")}[self]


@parameterNodeWrapper
class HCCNecrosisVolumetryParameterNode:
    """
    The settings of the panel.

    pre - The image before contrast that the user chose; None: by its role.
    post - The image after contrast that the user chose; None: by its role.
    method - How viable is told from necrotic tumour.
    reference - What the enhancement is compared with.
    k - Standard deviations above the mean of the reference.
    percent - Relative enhancement, in percent.
    signal - Signal after contrast.
    tellHaemorrhage - Tell haemorrhagic necrosis, bright before contrast.
    haemorrhageK - Standard deviations of the reference before contrast.
    rimLayers - Voxel layers at the edge whose own signal is not trusted.
    median - Replace each value by the median over its neighbours in the slice.
    smallestIslandMl - Smaller islands join what is around them.
    overlay - Show the parts over the images.
    """

    pre: vtkMRMLScalarVolumeNode | None
    post: vtkMRMLScalarVolumeNode | None
    method: Method = Method.HALF
    reference: ReferenceRegion = ReferenceRegion.LIVER_REFERENCE
    k: float = 2.0
    percent: float = 20.0
    signal: float = 0.0
    tellHaemorrhage: bool = True
    haemorrhageK: Annotated[float, WithinRange(0.0, 20.0)] = 3.0
    rimLayers: Annotated[int, WithinRange(0, 5)] = 0
    median: bool = True
    smallestIslandMl: Annotated[float, WithinRange(0.0, 10.0)] = 0.02
    overlay: bool = True


SLIDERS = {
    Method.REFERENCE: ("k", -5.0, 15.0, 0.1, 1, " SD"),
    Method.RELATIVE: ("percent", 0.0, 300.0, 1.0, 0, " %"),
    Method.PHASE: ("signal", 0.0, 1000.0, 1.0, 0, ""),
}
"""By method: the setting that the slider moves, its range, step, decimals and unit."""


#
# HCCNecrosisVolumetryWidget
#


class HCCNecrosisVolumetryWidget(Panel):
    """The panel: widgets, parameter node and scene functions, nothing else."""

    LESION, MEASURED, NOW, VIABLE, SCORE = range(5)

    def __init__(self, parent=None) -> None:
        Panel.__init__(self, parent)
        self._filling = Filling()
        self._examinations = None
        self._histogram = False

    def setUpPanel(self) -> None:
        """Tables and connections."""
        ui = self.ui
        self._examinations = ExaminationCombo(ui.studyComboBox)
        headings = [_("Lesion"), _("Measured"), _("Now"), _("Viable mL"), _("Score now")]
        tips = [
            "",
            _("NV/TV as it is kept in the measurement table."),
            _("NV/TV at the threshold that is set."),
            _("Viable volume at the threshold that is set."),
            _("Class of NV/TV at the threshold that is set (Horger)."),
        ]
        prepare(ui.lesionsTable, headings, toolTips=tips)
        for method in Method:
            ui.methodComboBox.addItem(method.label(), method.value)
        for region in ReferenceRegion:
            ui.referenceComboBox.addItem(region.label(), region.value)

        ui.lesionComboBox.connect("activated(int)", self.onLesionChosen)
        ui.preComboBox.connect("activated(int)", lambda index: self.onImageChosen("pre", ui.preComboBox.itemData(index)))
        ui.postComboBox.connect("activated(int)", lambda index: self.onImageChosen("post", ui.postComboBox.itemData(index)))
        ui.methodComboBox.connect("activated(int)", self.onMethodChosen)
        ui.referenceComboBox.connect("activated(int)", self.onReferenceChosen)
        ui.thresholdSlider.connect("valueChanged(double)", self.onThreshold)
        ui.alignButton.connect("clicked(bool)", self.onAlign)
        ui.lesionsTable.connect("cellClicked(int,int)", self.onRowClicked)
        ui.histogramButton.connect("clicked(bool)", self.onHistogram)
        ui.applyButton.connect("clicked(bool)", self.onApply)
        ui.applyAllButton.connect("clicked(bool)", self.onApplyAll)
        ui.undoButton.connect("clicked(bool)", lambda _checked=False: self.onUndo(True))
        ui.redoButton.connect("clicked(bool)", lambda _checked=False: self.onUndo(False))
        ui.editButton.connect("clicked(bool)", self.onEdit)
        ui.measurePartsButton.connect("clicked(bool)", self.onMeasureParts)
        ui.nextButton.connect("clicked(bool)", lambda _checked=False: self.goTo("HCCParameterMapping"))

    def initializePanel(self) -> None:
        """Work with the selected lesion, or with the first; show the image after contrast."""
        self._histogram = False
        self.logic.selectSomeLesion()
        self.logic.showImage(self._parameterNode)

    def leavePanel(self) -> None:
        """The overlay is only there while the panel is."""
        self.logic.endPreview()
        self.logic.undo.clear()  # outlines that are changed elsewhere meanwhile must not go back with a step of this panel
        self._histogram = False

    def shownNodes(self) -> list:
        """Images and outlines that the numbers come from, and the measurement table."""
        return self.logic.usedNodes(self._parameterNode)

    #
    # The panel follows the scene
    #

    def updatePanel(self) -> None:
        """Show what the scene holds and what the threshold gives."""
        with self._filling:
            self._examinations.update()
            self._updateLesions()
            self._updateImages()
            self._updateMethod()
        self._updateResult()

    def _updateLesions(self) -> None:
        choices = [(name, uid) for uid, name in self.logic.lesions().items()]
        fillCombo(self.ui.lesionComboBox, choices, self.logic.lesion(), none=_("no accepted outline in this examination"))
        noLesion = _("Outline lesions, or accept proposed outlines, in HCC Lesion Segmentation first.")
        self.allow("lesionComboBox", "" if choices else noLesion)

    def _updateImages(self) -> None:
        parameters = self._parameterNode
        for name, nodes, used in (
            ("preComboBox", self.logic.nativeImages(), self.logic.pre(parameters)),
            ("postComboBox", self.logic.contrastImages(), self.logic.post(parameters)),
        ):
            none = _("none: say in HCC Response what the images show")
            fillCombo(getattr(self.ui, name), [(title, node.GetID()) for node, title in nodes], used and used.GetID(), none=none)
            self.allow(name, "" if len(nodes) > 1 else _("The examination has no other image to choose here."))
        told, fits = self.logic.alignment(parameters)
        self.ui.alignmentLabel.text = told
        self.allow("alignButton", "" if fits is not None else told or _("There is nothing to align."))

    def _updateMethod(self) -> None:
        parameters, slider = self._parameterNode, self.ui.thresholdSlider
        self.ui.methodComboBox.setCurrentIndex(list(Method).index(parameters.method))
        self.ui.referenceComboBox.setCurrentIndex(list(ReferenceRegion).index(parameters.reference))
        needed = parameters.method in (Method.HALF, Method.REFERENCE) or parameters.tellHaemorrhage
        self.allow("referenceComboBox", "" if needed else _("This method needs no reference region."))
        self.allow("haemorrhageSpinBox", "" if parameters.tellHaemorrhage else _("Haemorrhage is not told; tick the box first."))
        own = _("The lesion sets this threshold itself: half of what its viable tissue enhances by. Choose another method to set it.")
        self.allow("thresholdSlider", "" if parameters.method in SLIDERS else own)
        if parameters.method not in SLIDERS:
            return
        name, low, high, step, decimals, suffix = SLIDERS[parameters.method]
        if parameters.method is Method.PHASE:
            high = self.logic.highestSignal(parameters) or high
        slider.decimals, slider.suffix = decimals, suffix
        slider.minimum, slider.maximum = low, high
        slider.singleStep = step if parameters.method is not Method.PHASE else max(1.0, high / 500.0)
        slider.value = getattr(parameters, name)

    def _updateResult(self) -> None:
        """What the threshold gives, and what is kept of it."""
        ui = self.ui
        results, problem = self._updateNow()
        uid = self.logic.lesion()
        with self._filling:
            for row, text in enumerate(self.logic.measuredTexts()):
                cell(ui.lesionsTable, row, self.MEASURED, text, number=True)
        fitHeight(ui.lesionsTable)
        ui.trendLabel.text = self.logic.trendText(uid)
        ui.trendLabel.visible = bool(ui.trendLabel.text)
        noTime = self.logic.noTimePoint()
        self.allow("applyButton", noTime or problem)
        others = (self.logic.problemOf(one) for one in self.logic.lesions() if one not in results)
        self.allow("applyAllButton", noTime or next(others, "" if results else problem))
        notDrawn = "" if self.logic.partToEdit() else _("Nothing is drawn yet: apply a threshold first, or paint the parts.")
        self.allow("measurePartsButton", noTime or notDrawn)
        self.allow("undoButton", "" if self.logic.undo.can_undo else _("Nothing to undo yet."))
        self.allow("redoButton", "" if self.logic.undo.can_redo else _("Nothing to redo."))
        self.allow("histogramButton", problem)
        ui.histogramButton.checked = self._histogram

    def _updateNow(self) -> tuple:
        """What the threshold gives now: numbers, table, overlay, histogram. As little as a moving slider needs."""
        parameters = self._parameterNode
        results, problem = self.logic.results(parameters)
        uid = self.logic.lesion()
        threshold, result = results.get(uid, (None, None))
        self.ui.numbersLabel.text = problem or (self.logic.numbersText(threshold, result) if result else "")
        with self._filling:
            self._fillLesions(results)
        self.logic.preview(parameters, results if parameters.overlay else {})
        self._histogram = self._histogram and self.layoutLoan.isOut
        if self._histogram and result is not None:
            self.logic.showHistogram(uid, threshold)
        return results, problem

    def _fillLesions(self, results) -> None:
        table, selected = self.ui.lesionsTable, self.logic.lesion()
        lesions = self.logic.lesions()
        table.setRowCount(len(lesions))
        for row, (uid, name) in enumerate(lesions.items()):
            result = results.get(uid, (None, None))[1]
            cell(table, row, self.LESION, name, data=uid, bold=uid == selected)
            cell(table, row, self.NOW, self.logic.fractionText(result), number=True, toolTip=self.logic.problemOf(uid))
            cell(table, row, self.VIABLE, f"{result.viable_ml:.2f}" if result else "–", number=True)
            cell(table, row, self.SCORE, result.score.label if result else "–", number=True)

    #
    # What the user does
    #

    def onLesionChosen(self, index: int) -> None:
        """Work with another lesion, and show it."""
        uid = self.ui.lesionComboBox.itemData(index)
        if uid:
            self.logic.chooseLesion(uid)
            self.refresh()

    def onRowClicked(self, row: int, _column: int) -> None:
        """Show the lesion of a row, and work with it."""
        import qt

        self.logic.chooseLesion(self.ui.lesionsTable.item(row, self.LESION).data(qt.Qt.UserRole))
        self.refresh()

    def onImageChosen(self, which: str, identifier: str) -> None:
        """Another image before or after contrast."""
        setattr(self._parameterNode, which, slicer.mrmlScene.GetNodeByID(identifier) if identifier else None)
        self.logic.showImage(self._parameterNode)
        self.refresh()

    def onMethodChosen(self, index: int) -> None:
        """Another way to tell necrosis; one that needs a signal starts where the present threshold is."""
        method = list(Method)[index]
        if method is Method.PHASE and self._parameterNode.signal <= 0.0:
            self._parameterNode.signal = round(self.logic.middleSignal(self._parameterNode))
        self._parameterNode.method = method
        self.refresh()

    def onReferenceChosen(self, index: int) -> None:
        """Another reference region."""
        self._parameterNode.reference = list(ReferenceRegion)[index]
        self.refresh()

    def onThreshold(self, value: float) -> None:
        """The threshold moves: overlay, numbers and histogram follow at once."""
        if self._filling or self._parameterNode is None or self._parameterNode.method not in SLIDERS:
            return
        name = SLIDERS[self._parameterNode.method][0]
        if getattr(self._parameterNode, name) != value:
            setattr(self._parameterNode, name, value)
            self._updateNow()

    def onAlign(self, _checked=False) -> None:
        """Move the image before contrast onto the one after it."""
        with (
            self.tellingErrors(_("The images could not be aligned.")),
            progressDialog(_("Aligning the image before contrast...")) as progress,
        ):
            self.say(self.logic.align(self._parameterNode, progress))
        self.refresh()

    def onHistogram(self, shown: bool) -> None:
        """Show the histogram beside the images, or give the layout back."""
        self._histogram = shown and self.layoutLoan.borrow(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
        if not shown:
            self.layoutLoan.giveBack()
        self._updateResult()

    def onApply(self, _checked=False) -> None:
        """Keep the parts and numbers of the chosen lesion."""
        with self.tellingErrors(_("The necrosis could not be kept.")):
            self.say(self.logic.apply(self._parameterNode, [self.logic.lesion()]))
        self.refresh()

    def onApplyAll(self, _checked=False) -> None:
        """Keep the parts and numbers of every lesion."""
        with self.tellingErrors(_("The necrosis could not be kept.")), progressDialog(_("Measuring necrosis...")) as progress:
            self.say(self.logic.apply(self._parameterNode, list(self.logic.lesions()), progress))
        self.refresh()

    def onEdit(self, _checked=False) -> None:
        """Correct the parts of the chosen lesion with the Segment Editor."""
        part = self.logic.partToEdit()
        self.goTo("HCCLesionSegmentation")
        slicer.util.getModuleWidget("HCCLesionSegmentation").editSegment(part)

    def onMeasureParts(self, _checked=False) -> None:
        """Measure the parts as they are drawn."""
        with self.tellingErrors(_("The parts could not be measured.")):
            self.say(self.logic.measureParts(self.logic.lesion()))
        self.refresh()

    def onUndo(self, back: bool) -> None:
        """Take the last step back, or do it again."""
        (self.logic.undo.undo if back else self.logic.undo.redo)()
        self.say(_("The last step was taken back.") if back else _("The step was done again."))
        self.refresh()


#
# HCCNecrosisVolumetryLogic
#


class HCCNecrosisVolumetryLogic(PanelLogic):
    """What the panel does, without the panel."""

    parameterNodeClass = HCCNecrosisVolumetryParameterNode

    def __init__(self) -> None:
        PanelLogic.__init__(self)
        self._prepared = {}  # lesion UID -> (what it was prepared from, LesionNecrosis)
        self._alignment = (None, ("", None))
        self._problems = {}
        self._preview = None
        self._previewOf = None
        self._undo = None

    @property
    def undo(self):
        """Steps of this panel that can be taken back."""
        from HCCResponseLib.scene.undo import Undo

        if self._undo is None:
            self._undo = Undo()
        return self._undo

    #
    # Examination, lesions, images
    #

    def _study(self) -> int:
        from HCCResponseLib.scene.selection import selected_study

        return selected_study()

    def _segmentation(self):
        from HCCResponseLib.scene.study_nodes import segmentation_of_study

        return segmentation_of_study(self._study()) if self._study() else None

    def _segments(self) -> dict[str, str]:
        """Accepted lesions of the examination: tracking UID -> segment ID."""
        from HCCResponseLib.scene.proposals import proposals
        from HCCResponseLib.scene.study_nodes import lesions_of_study

        node = self._segmentation()
        if node is None:
            return {}
        proposed = proposals(node)
        return {uid: segment for uid, segment in lesions_of_study(self._study()).items() if segment not in proposed}

    def lesions(self) -> dict[str, str]:
        """Accepted lesions of the examination: tracking UID -> name."""
        from HCCResponseLib.scene.lesion_attributes import lesion_of

        node = self._segmentation()
        return {uid: lesion_of(node, segment).identifier for uid, segment in self._segments().items()}

    def lesion(self) -> str:
        """The selected lesion, where this examination shows it; else empty."""
        from HCCResponseLib.scene.selection import selected_lesion

        uid = selected_lesion()
        return uid if uid in self._segments() else ""

    def selectSomeLesion(self) -> None:
        """Select the first lesion where none of this examination is."""
        from HCCResponseLib.scene.selection import select_lesion

        if not self.lesion():
            first = next(iter(self._segments()), "")
            if first:
                select_lesion(first)

    def chooseLesion(self, uid: str) -> None:
        """Select a lesion and show it in the views."""
        from HCCResponseLib.scene.examination_views import jump_to_outline
        from HCCResponseLib.scene.selection import select_lesion

        select_lesion(uid)
        jump_to_outline(self._study(), uid)

    def nativeImages(self) -> list[tuple]:
        """Images before contrast that fit, with what to call them."""
        from HCCResponseLib.response.roles import Role

        return self._images(Role.NATIVE, Role.T1_FAT_SUPPRESSED, Role.T1)

    def contrastImages(self) -> list[tuple]:
        """Images after contrast, and subtractions, with what to call them."""
        from HCCResponseLib.response.roles import Role

        return self._images(Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED, Role.HEPATOBILIARY, Role.SUBTRACTION)

    def _images(self, *roles) -> list[tuple]:
        from HCCResponseLib.scene.study_nodes import image_title, volumes_of_study

        nodes = volumes_of_study(self._study(), *roles) if self._study() else []
        return [(node, image_title(node)) for node in nodes if node.IsA("vtkMRMLScalarVolumeNode")]

    def pre(self, parameters):
        """The image before contrast: the user's choice where it is of this examination, else by its role."""
        from HCCResponseLib.response.roles import Role

        return self._chosen(parameters.pre, self.nativeImages(), Role.NATIVE, Role.T1_FAT_SUPPRESSED, Role.T1)

    def post(self, parameters):
        """The image after contrast: the user's choice where it is of this examination, else by its role."""
        from HCCResponseLib.response.roles import Role

        roles = (Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED, Role.SUBTRACTION, Role.HEPATOBILIARY)
        return self._chosen(parameters.post, self.contrastImages(), *roles)

    def _chosen(self, choice, images, *roles):
        from HCCResponseLib.scene.study_nodes import image_of_study

        if choice is not None and any(node == choice for node, _title in images):
            return choice
        return image_of_study(self._study(), *roles) if self._study() else None

    def usedNodes(self, parameters) -> list:
        """Nodes whose changes change the numbers."""
        from HCCResponseLib.scene.measurement_table import measurement_tables

        return [self.pre(parameters), self.post(parameters), self._segmentation(), *measurement_tables()]

    def showImage(self, parameters) -> None:
        """Show the image after contrast with the outlines of the examination."""
        from HCCResponseLib.scene.examination_views import jump_to_outline, show_examination

        if self._study():
            show_examination(self._study(), self.post(parameters))
            jump_to_outline(self._study(), self.lesion())

    def highestSignal(self, parameters) -> float:
        """The highest signal after contrast, for the range of the threshold; 0 without an image."""
        node = self.post(parameters)
        return float(node.GetImageData().GetScalarRange()[1]) if node is not None and node.GetImageData() else 0.0

    def middleSignal(self, parameters) -> float:
        """The middle of the lesion's signals after contrast, a threshold to begin with."""
        import numpy as np

        from HCCResponseLib.errors import HCCResponseError
        from HCCResponseLib.lesions.necrosis_threshold import PHASE

        try:
            prepared = self._prepare(parameters, self.lesion())
            return float(np.median(prepared.values(PHASE))) if prepared else 0.0
        except HCCResponseError:
            return 0.0

    #
    # Threshold
    #

    def settings(self, parameters):
        """The choices of the panel as plain values."""
        from HCCResponseLib.response.region_types import RegionType
        from HCCResponseLib.scene.necrosis_settings import NecrosisSettings

        return NecrosisSettings(
            method=parameters.method.value,
            region_type=RegionType(parameters.reference.value),
            k=parameters.k,
            percent=parameters.percent,
            signal=parameters.signal,
            haemorrhage_k=parameters.haemorrhageK if parameters.tellHaemorrhage and self.pre(parameters) is not None else None,
            rim_layers=parameters.rimLayers,
            median=parameters.median,
            smallest_island_ml=parameters.smallestIslandMl,
        )

    def _inputs(self, parameters) -> tuple:
        """What lesions are prepared from: segmentation, accepted lesions, images before and after contrast."""
        return self._segmentation(), self._segments(), self.pre(parameters), self.post(parameters)

    def _prepare(self, parameters, uid: str, inputs: tuple | None = None):
        """The lesion prepared for thresholds; prepared again only when outline, images or rim changed."""
        from HCCResponseLib.scene.lesion_necrosis import LesionNecrosis
        from HCCResponseLib.scene.necrosis_results import prepared_from

        node, segments, pre, post = inputs or self._inputs(parameters)
        segment = segments.get(uid)
        if segment is None or post is None:
            return None
        made = (*prepared_from(node, segment, pre, post), parameters.rimLayers, parameters.median)
        if uid not in self._prepared or self._prepared[uid][0] != made:
            lesion = LesionNecrosis(node, segment, post, pre, rim_layers=parameters.rimLayers, median=parameters.median)
            self._prepared[uid] = (made, lesion)
        return self._prepared[uid][1]

    def results(self, parameters) -> tuple[dict, str]:
        """Threshold and parts of every lesion that can be divided, and why the selected one cannot."""
        from HCCResponseLib.errors import HCCResponseError
        from HCCResponseLib.scene.necrosis_settings import divide_lesion

        found, self._problems = {}, {}
        inputs = self._inputs(parameters)
        _node, segments, _pre, post = inputs
        if not segments:
            return {}, _("Outline lesions, or accept proposed outlines, in HCC Lesion Segmentation first.")
        if post is None:
            return {}, _("This examination has no image after contrast; say in HCC Response what its images show.")
        settings = self.settings(parameters)
        for uid in segments:
            try:
                found[uid] = divide_lesion(self._prepare(parameters, uid, inputs), settings)
            except HCCResponseError as error:
                self._problems[uid] = str(error)
        return found, self._problems.get(self.lesion(), "" if self.lesion() else _("Choose a lesion."))

    def problemOf(self, uid: str) -> str:
        """Why a lesion cannot be divided; empty where it can."""
        return self._problems.get(uid, "")

    def numbersText(self, threshold, result) -> str:
        """The numbers of a lesion in words."""
        from HCCResponseLib.scene.necrosis_results import result_sentences

        return "\n".join(result_sentences(threshold, result))

    def fractionText(self, result) -> str:
        """NV/TV in percent; a dash where there is none."""
        return f"{100 * result.necrotic_fraction:.0f} %" if result else "–"

    def measuredTexts(self) -> list[str]:
        """NV/TV of every lesion as it is kept, by the reader at work; a dash where nothing is."""
        from HCCResponseLib.scene.necrosis_results import kept_fraction

        node, reader = self._segmentation(), self._reader()
        kept = [kept_fraction(node, segment, reader) for segment in self._segments().values()]
        return ["–" if fraction is None else f"{100 * fraction:.0f} %" for fraction in kept]

    def trendText(self, uid: str) -> str:
        """Necrosis against the examination before, as kept; empty where one of the two was not measured."""
        from HCCResponseLib.scene.necrosis_results import trend_sentences

        segment = self._segments().get(uid)
        return "\n".join(trend_sentences(self._segmentation(), segment, self._reader())) if segment else ""

    def alignment(self, parameters) -> tuple[str, bool | None]:
        """How the two images lie on each other, and whether they fit; None where that cannot be told."""
        from HCCResponseLib.errors import HCCResponseError

        try:
            prepared = self._prepare(parameters, self.lesion())
        except HCCResponseError as error:
            return str(error), None
        if prepared is None or self.pre(parameters) is None:
            return "", None
        if self._alignment[0] is not prepared:
            try:
                check = prepared.check_alignment()
                self._alignment = (prepared, (check.sentence, check.aligned))
            except HCCResponseError as error:
                self._alignment = (prepared, (str(error), None))
        return self._alignment[1]

    def align(self, parameters, progress=None) -> str:
        """Move the image before contrast onto the one after it; returns what was done."""
        from HCCResponseLib.scene.phase_alignment import align_volume

        segment = self._segments()[self.lesion()]
        pre = self.pre(parameters)
        transform, _found = align_volume(pre, self.post(parameters), self._segmentation(), segment, progress=progress)
        return _("'{image}' was moved by the transform '{transform}'.").format(image=pre.GetName(), transform=transform.GetName())

    #
    # Overlay and histogram
    #

    def preview(self, parameters, results: dict) -> None:
        """Show the parts over the images; nothing where there are none."""
        from HCCResponseLib.scene.necrosis_preview import NecrosisPreview

        post = self.post(parameters) if results else None
        if post is None:
            self.endPreview()
            return
        made = (post.GetID(), post.GetTransformNodeID())
        if self._previewOf != made:
            self.endPreview()
            self._preview, self._previewOf = NecrosisPreview(post), made
        self._preview.show([result.parts for _threshold, result in results.values()])

    def endPreview(self) -> None:
        """Take the overlay away."""
        if self._preview is not None:
            self._preview.remove()
        self._preview = self._previewOf = None

    def showHistogram(self, uid: str, threshold) -> None:
        """Show the enhancement of a lesion in the plot view."""
        from HCCResponseLib.scene.necrosis_chart import chart_enhancement
        from HCCResponseLib.scene.views import show_chart

        show_chart(chart_enhancement(self._prepared[uid][1].values(threshold.quantity), threshold, title=self.lesions()[uid]))

    #
    # Keeping
    #

    def noTimePoint(self) -> str:
        """Why nothing can be kept of this examination yet; empty where it can."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.measurement_rows import reading_of

        try:
            if self._segmentation() is not None:
                reading_of(self._segmentation(), self._reader())
        except InputError as error:
            return str(error)
        return ""

    def _reader(self) -> str:
        from HCCResponseLib.scene.reader_name import reader_name

        return reader_name()

    def apply(self, parameters, uids: list[str], progress=None) -> str:
        """Keep parts, numbers and viable diameters of lesions; all of them or none. Returns what was done."""
        from HCCResponseLib.progress import report_progress
        from HCCResponseLib.scene.measurement_rows import reading_of
        from HCCResponseLib.scene.necrosis_results import keep_result
        from HCCResponseLib.scene.necrosis_settings import divide_lesion
        from HCCResponseLib.scene.undo import all_or_nothing

        node, segments = self._segmentation(), self._segments()
        reading = reading_of(node, self._reader())
        self.undo.save(node)
        try:
            with all_or_nothing(node):
                notes = []
                for done, uid in enumerate(uids):
                    prepared = self._prepare(parameters, uid)
                    _threshold, result = divide_lesion(prepared, self.settings(parameters))
                    notes += keep_result(prepared, result, node, segments[uid], reading)
                    report_progress(progress, (done + 1) / len(uids))
        except BaseException:
            self.undo.cancel()
            raise
        told = _("The necrosis of {count} lesions is kept.").format(count=len(uids))
        return "\n".join([told, *dict.fromkeys(notes)])

    def measureParts(self, uid: str) -> str:
        """Measure the parts of a lesion as they are drawn; returns what was done."""
        from HCCResponseLib.scene.lesion_diameters import measure_viable_diameters
        from HCCResponseLib.scene.lesion_necrosis import measure_parts
        from HCCResponseLib.scene.measurement_rows import reading_of

        node, segment = self._segmentation(), self._segments()[uid]
        reading = reading_of(node, self._reader())
        self.undo.save(node)
        measure_parts(node, segment, reading)
        measure_viable_diameters(node, segment, reading)
        return _("The parts were measured as they are drawn.")

    def partToEdit(self) -> str:
        """Segment of the necrotic part of the chosen lesion, of the viable one where all of it is; empty where nothing is drawn."""
        from HCCResponseLib.response.region_types import RegionType
        from HCCResponseLib.scene.linked_segments import linked_segment

        node, uid = self._segmentation(), self.lesion()
        if node is None or not uid:
            return ""
        parts = (linked_segment(node, uid, kind) for kind in (RegionType.NECROTIC, RegionType.VIABLE))
        return next(filter(None, parts), "")


#
# HCCNecrosisVolumetryTest
#


class HCCNecrosisVolumetryTest(ScriptedLoadableModuleTest):
    """From the threshold to kept parts, through the panel, on the sample patient."""

    def setUp(self):
        from HCCResponseLib.scene.sample_patient import load_sample_patient
        from HCCResponseLib.scene.selection import select_patient

        slicer.mrmlScene.Clear()
        select_patient(load_sample_patient(small=True))
        slicer.util.selectModule("HCCNecrosisVolumetry")
        self.widget = slicer.util.getModuleWidget("HCCNecrosisVolumetry")

    def runTest(self):
        """Run every test of the class, as the Reload and Test button does."""
        for name in dir(self):
            if name.startswith("test_"):
                self.setUp()
                getattr(self, name)()

    def test_thresholdToParts(self):
        """NV/TV of the lesion with the necrotic core is the true one, live and kept."""
        from HCCResponseLib.phantom.reference_patient import patient_truth, reference_patient
        from HCCResponseLib.scene.measurement_table import measurements
        from HCCResponseLib.scene.selection import select_lesion, select_study
        from HCCResponseLib.scene.study_nodes import examinations_of_patient
        from HCCResponseLib.scene.selection import selected_patient

        truth = patient_truth(reference_patient(small=True))["examinations"][1]["lesions"]
        select_study(examinations_of_patient(selected_patient())[1])
        worst = max(truth, key=lambda one: one["nv_over_tv"] * (1.0 - one["nv_over_tv"]))
        select_lesion(worst["tracking_uid"])
        self.widget.refresh()
        results, problem = self.widget.logic.results(self.widget._parameterNode)
        self.assertEqual(problem, "")
        _threshold, result = results[worst["tracking_uid"]]
        self.assertAlmostEqual(result.necrotic_fraction, worst["nv_over_tv"], delta=0.1)  # coarse images
        self.widget.ui.applyAllButton.click()
        rows = measurements(quantity="NECROTIC_FRACTION", time_point=1)
        self.assertEqual(len(rows), len(truth))
        kept = next(row.value for row in rows if row.lesion_uid == worst["tracking_uid"])
        self.assertEqual(kept, result.necrotic_fraction)
        self.widget.ui.undoButton.click()
        self.assertEqual(measurements(quantity="NECROTIC_FRACTION", time_point=1), [])

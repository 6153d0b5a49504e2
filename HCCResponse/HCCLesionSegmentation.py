import dataclasses
import enum
import math
import os
import sys
from contextlib import contextmanager
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
from HCCPanels.point_click import PointClick
from HCCPanels.progress_dialog import progressDialog
from HCCPanels.tables import Filling, cell, fitHeight, prepare

#
# HCCLesionSegmentation
#


class HCCLesionSegmentation(ScriptedLoadableModule):
    """Lesions outlined, followed from examination to examination, and measured in size."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("HCC Lesion Segmentation")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = ["Segmentations", "SegmentEditor", "Markups"]
        self.parent.contributors = ["HCCResponse contributors"]
        self.parent.helpText = _("""
<p>Outlines lesions, keeps their identity through all examinations, and measures diameters and volume.</p>
<ol><li>Choose the examination and the image.</li>
<li>Grow a lesion from a click, draw it by hand, or bring the outlines of an earlier examination; accept what is proposed.</li>
<li>Measure. Drag the lines of the diameters where you disagree.</li></ol>
<p>See <a href="https://github.com/HCCResponse/HCCResponse#hcc-lesion-segmentation">the documentation</a>.</p>
""")
        self.parent.acknowledgementText = _("""
Diameters: Eisenhauer et al., Eur J Cancer 2009;45:228 (RECIST 1.1); Lencioni and Llovet, Semin Liver Dis 2010;30:52 (mRECIST).
Reasons to leave a lesion out: Horger et al., BMC Cancer 2009;9:208.
Drawing: the Segment Editor of 3D Slicer, Pinter et al., Med Phys 2019;46:4.
""")


#
# HCCLesionSegmentationParameterNode
#


class Plane(enum.Enum):
    """Plane of the diameters; stored by name, so names stay as they are."""

    ACQUISITION = "acquisition"
    AXIAL = "axial"

    def label(self) -> str:
        """Text in the panel."""
        return {Plane.ACQUISITION: _("in the slices"), Plane.AXIAL: _("axial")}[self]


@parameterNodeWrapper
class HCCLesionSegmentationParameterNode:
    """
    The settings of the panel.

    image - What is outlined on.
    strength - Of the outline that grows from a click.
    largestDiameter - Largest diameter that growing looks for, mm.
    growing - Segment ID of the outline that follows the slider; empty while none does.
    plane - Plane of the diameters.
    deformable - Follow the rigid registration with a deformable one.
    despiteProblems - Propose outlines although the registration failed its checks.
    """

    image: vtkMRMLScalarVolumeNode | None
    strength: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    largestDiameter: Annotated[float, WithinRange(10.0, 250.0)] = 60.0
    growing: str
    plane: Plane = Plane.ACQUISITION
    deformable: bool = False
    despiteProblems: bool = False


def sizeText(value: float, decimals: int) -> str:
    """A size as the list shows it; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.{decimals}f}"


#
# HCCLesionSegmentationWidget
#


class HCCLesionSegmentationWidget(Panel):
    """The panel: widgets, parameter node and scene functions, nothing else."""

    LESION, SITE, KIND, DIAMETER, VOLUME, STATE = range(6)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self.undo = None
        self.click = None
        self._filling = Filling()
        self._switching = Filling()
        self._lesions = []
        self._study = None
        self._uid = None
        self._growth = None
        self._dragging = False
        self._lines = []
        self._matching = None
        self._matchCombos = []
        self._clickButtons = []
        self._shortcutsInstalled = False

    #
    # Set up
    #

    def setUpPanel(self) -> None:
        """Called once, when the widgets are there."""
        import qt

        from HCCResponseLib.scene.undo import Undo

        self.undo = Undo()
        self.click = PointClick(self._onClickEnded)
        self._studyCombo = ExaminationCombo(self.ui.studyComboBox)
        self._setUpTables()
        self._setUpChoices()
        # The list of lesions stands in for the table of segments.
        segmentsTable = slicer.util.findChild(self.ui.segmentEditor, "SegmentsTableResizableFrame")
        segmentsTable.hide()

        self.ui.imageComboBox.connect("activated(int)", self.onImageChosen)
        self.ui.lesionTable.connect("itemSelectionChanged()", self.onLesionsChosen)
        self.ui.lesionTable.connect("cellClicked(int,int)", self.onLesionClicked)
        for key, slot in (("Return", self.onAcceptKey), ("Enter", self.onAcceptKey), ("Delete", self.onDeleteKey)):
            shortcut = qt.QShortcut(qt.QKeySequence(key), self.ui.lesionTable)
            shortcut.setContext(qt.Qt.WidgetShortcut)
            shortcut.connect("activated()", slot)
        self.ui.addButton.connect("clicked(bool)", self.onAdd)
        self.ui.removeButton.connect("clicked(bool)", self.onRemove)
        self.ui.mergeButton.connect("clicked(bool)", self.onMerge)
        self.ui.splitButton.connect("clicked(bool)", self.onSplit)
        self.ui.undoButton.connect("clicked(bool)", self.onUndo)
        self.ui.redoButton.connect("clicked(bool)", self.onRedo)
        self.ui.acceptButton.connect("clicked(bool)", self.onAccept)
        self.ui.rejectButton.connect("clicked(bool)", self.onReject)
        self.ui.acceptAllButton.connect("clicked(bool)", self.onAcceptAll)

        self.ui.nameLineEdit.connect("editingFinished()", self.onNameEdited)
        self.ui.siteComboBox.connect("activated(int)", self.onSiteChosen)
        self.ui.kindComboBox.connect("activated(int)", self.onAttributeEdited)
        self.ui.enhancementComboBox.connect("activated(int)", self.onAttributeEdited)
        self.ui.fieldComboBox.connect("activated(int)", self.onAttributeEdited)
        self.ui.treatedCheckBox.connect("clicked(bool)", self.onAttributeEdited)
        self.ui.illDefinedCheckBox.connect("clicked(bool)", self.onAttributeEdited)
        self.ui.thrombusCheckBox.connect("clicked(bool)", self.onAttributeEdited)
        self.ui.provenCheckBox.connect("clicked(bool)", self.onAttributeEdited)
        self.ui.hilarNodeCheckBox.connect("clicked(bool)", self.onAttributeEdited)
        self.ui.doseSpinBox.connect("valueChanged(double)", self.onAttributeEdited)
        self.ui.fractionsSpinBox.connect("valueChanged(int)", self.onAttributeEdited)
        self.ui.excludedLineEdit.connect("editingFinished()", self.onExclusionEdited)

        self.ui.growButton.connect("toggled(bool)", self.onGrowToggled)
        self.ui.strengthSlider.connect("valueChanged(double)", self.onStrengthChanged)
        self.ui.acceptGrowthButton.connect("clicked(bool)", self.onAcceptGrowth)
        self.ui.cancelGrowthButton.connect("clicked(bool)", self.onCancelGrowth)
        self.ui.continueButton.connect("clicked(bool)", self.onContinue)
        self.ui.betweenButton.connect("clicked(bool)", self.onFillBetween)
        self.ui.islandsButton.connect("clicked(bool)", self.onIslands)
        self.ui.holesButton.connect("clicked(bool)", self.onHoles)
        self.ui.smoothButton.connect("clicked(bool)", self.onSmooth)
        self.ui.segmentComboBox.connect("activated(int)", self.onSegmentChosen)
        self.ui.adoptButton.connect("clicked(bool)", self.onAdopt)

        self.ui.fromComboBox.connect("activated(int)", self.onFromChosen)
        self.ui.bringButton.connect("clicked(bool)", self.onBring)
        self.ui.compareButton.connect("clicked(bool)", self.onCompare)
        self.ui.takeMatchesButton.connect("clicked(bool)", self.onTakeMatches)
        self.ui.discardMatchesButton.connect("clicked(bool)", self.onDiscardMatches)

        self.ui.ringButton.connect("clicked(bool)", self.onRing)
        self.ui.aortaButton.connect("toggled(bool)", self.onAortaToggled)
        self.ui.portalVeinButton.connect("toggled(bool)", self.onPortalVeinToggled)
        self.ui.muscleButton.connect("toggled(bool)", self.onMuscleToggled)
        self._clickButtons = [self.ui.growButton, self.ui.aortaButton, self.ui.portalVeinButton, self.ui.muscleButton]

        self.ui.readerLineEdit.connect("editingFinished()", self.onReaderEdited)
        self.ui.measureButton.connect("clicked(bool)", self.onMeasure)
        self.ui.measureAllButton.connect("clicked(bool)", self.onMeasureAll)
        self.ui.resetLinesButton.connect("clicked(bool)", self.onResetLines)
        self.ui.nextButton.connect("clicked(bool)", self.onNext)

    def _setUpTables(self) -> None:
        import qt

        prepare(
            self.ui.lesionTable,
            [_("Lesion"), _("Site"), _("Counts as"), _("mm"), _("mL"), ""],
            toolTips=[
                _("Name of the lesion, the same in all examinations."),
                _("Where in the body."),
                _("What the lesion counts as in the response criteria."),
                _("Longest diameter, in mm; grey where the outline was changed since."),
                _("Volume, in mL; grey where the outline was changed since."),
                _("? proposed: accept or reject; ! remarks; ↻ measure again."),
            ],
        )
        prepare(self.ui.matchTable, [_("Lesion"), _("is")], stretch=1)
        for table in (self.ui.lesionTable, self.ui.matchTable):
            table.verticalHeader().setDefaultSectionSize(24)
            table.setTextElideMode(qt.Qt.ElideRight)

    def _setUpChoices(self) -> None:
        from HCCResponseLib.response.case import LesionKind
        from HCCResponseLib.response.region_types import SITES

        for key, site in SITES.items():
            self.ui.siteComboBox.addItem(site.code.meaning, key)
        kinds = [("", _("as the rule says")), (LesionKind.TARGET.value, _("Target"))]
        kinds += [(LesionKind.NON_TARGET.value, _("Non-target")), (LesionKind.NEW.value, _("New"))]
        for key, text in kinds:
            self.ui.kindComboBox.addItem(text, key)
        for key, text in (("", _("not stated")), ("yes", _("typical of HCC")), ("no", _("not typical"))):
            self.ui.enhancementComboBox.addItem(text, key)
        for key, text in (("", _("no radiotherapy")), ("yes", _("inside")), ("no", _("outside"))):
            self.ui.fieldComboBox.addItem(text, key)

    def initializePanel(self) -> None:
        """Called each time the panel takes a parameter node: the editor, and the examination and lesion selected elsewhere."""
        from HCCResponseLib.scene.selection import select_lesion, selected_lesion, selected_study
        from HCCResponseLib.scene.study_nodes import lesions_of_study

        self._parameterNode.growing = ""
        self._study = self._uid = None
        self.ui.segmentEditor.setMRMLSegmentEditorNode(self.logic.segmentEditorNode())
        if slicer.util.mainWindow() is not None and not self._shortcutsInstalled:
            self.ui.segmentEditor.installKeyboardShortcuts()
            self._shortcutsInstalled = True
        study = selected_study()
        if study and not selected_lesion():
            select_lesion(next(iter(lesions_of_study(study)), ""))
        self._followSelection()

    def leavePanel(self) -> None:
        """Called before the panel loses its parameter node: end what is being tried, give back what was borrowed."""
        self.click.stop()
        self._endGrowth()
        self._discardMatches()
        self._observeLines([])
        self.undo.clear()
        editor = self.ui.segmentEditor
        editor.setActiveEffect(None)
        if self._shortcutsInstalled:
            editor.uninstallKeyboardShortcuts()
            self._shortcutsInstalled = False
        editor.removeViewObservations()
        if slicer.mrmlScene.IsClosing():
            editor.setSegmentationNode(None)
            editor.setMRMLSegmentEditorNode(None)

    def shownNodes(self) -> list:
        """Nodes whose changes the panel must show."""
        from HCCResponseLib.scene.measurement_table import measurement_tables
        from HCCResponseLib.scene.study_nodes import volumes_of_study

        volumes = volumes_of_study(self._study) if self._study else []
        return [self._segmentation(), *measurement_tables(), *volumes, *self._lines]

    #
    # What is worked on
    #

    def _segmentation(self, create: bool = False):
        from HCCResponseLib.scene.study_nodes import segmentation_of_study

        return segmentation_of_study(self._study, create=create) if self._study else None

    def _segmentId(self) -> str | None:
        """Segment of the selected lesion in this examination."""
        return next((lesion.segment_id for lesion in self._lesions if lesion.uid and lesion.uid == self._uid), None)

    def _listed(self):
        """The selected lesion as the list has it; None where none of this examination is selected."""
        return next((lesion for lesion in self._lesions if lesion.uid and lesion.uid == self._uid), None)

    def _chosen(self) -> list:
        """Lesions chosen in the list, the selected one first."""
        rows = {item.row() for item in self.ui.lesionTable.selectedItems()}
        chosen = [self._lesions[row] for row in sorted(rows) if row < len(self._lesions)]
        return sorted(chosen, key=lambda lesion: lesion.uid != self._uid)

    def _reading(self):
        """Who reads which examination.

        :raises InputError: the examination is no time point yet.
        """
        from HCCResponseLib.scene.measurement_rows import reading_of
        from HCCResponseLib.scene.reader_name import reader_name

        return reading_of(self._segmentation(), reader_name())

    def _readingOrNone(self):
        from HCCResponseLib.scene.lesion_list import reading_or_none
        from HCCResponseLib.scene.reader_name import reader_name

        return reading_or_none(self._segmentation(), reader_name())

    def _patientSegmentations(self) -> list:
        from HCCResponseLib.scene.selection import selected_patient
        from HCCResponseLib.scene.study_nodes import segmentation_of_study
        from HCCResponseLib.scene.time_points import studies

        nodes = [segmentation_of_study(study) for study in studies(selected_patient())]
        return [node for node in nodes if node is not None]

    @contextmanager
    def _step(self, message: str, *segmentations):
        """One step of work that can be undone. A refusal of the library is told in the status line, without a dialog."""
        from HCCResponseLib.errors import InputError

        nodes = segmentations or (self._segmentation(),)
        with self.tellingErrors(message):
            self.undo.save(*(node for node in nodes if node is not None))
            try:
                yield
            except InputError as error:
                self.undo.cancel()
                self.say(str(error))
            except BaseException:
                self.undo.cancel()
                raise
        self.refresh()

    #
    # The selection
    #

    def _onSelectionChanged(self, caller=None, event=None) -> None:
        if self._followSelection():
            self.refresh()  # at once: what is listed belongs to the other examination
        else:
            super()._onSelectionChanged(caller, event)

    def _followSelection(self) -> bool:
        """Work with the examination and the lesion that are selected, here or in another panel; whether the examination is another."""
        from HCCResponseLib.scene.selection import selected_lesion, selected_study

        study = selected_study()
        other = study != self._study
        if other:
            self.click.stop()
            if self._growth is not None:
                self._endGrowth()
                self.say(_("The outline that was growing waits as a proposal in the other examination."))
            self._discardMatches()
            self._study = study
            self._chooseImage()
            shown = self._showExamination()
        if selected_lesion() != self._uid:
            self._uid = selected_lesion()
            self._editLesion()
        if other and shown:
            self._jump()
        return other

    def _chooseImage(self) -> None:
        """The image with the role of the one before, else the best suited one."""
        from HCCResponseLib.scene.examination_views import images_to_outline_on
        from HCCResponseLib.scene.roles import role

        before = self._parameterNode.image
        images = images_to_outline_on(self._study) if self._study else []
        if before not in images:
            wanted = role(before) if before is not None else None
            same = (image for image in images if wanted is not None and role(image) == wanted)
            self._parameterNode.image = next(same, next(iter(images), None))

    def _showExamination(self) -> bool:
        """Show the outlines of this examination alone, and its image unless one of its images is shown; returns whether it was not."""
        from HCCResponseLib.scene.examination_views import images_to_outline_on, is_shown, show_examination, show_outlines_of

        image = self._parameterNode.image
        if image is None:
            return False
        if is_shown(images_to_outline_on(self._study)):
            show_outlines_of(self._study)
            return False
        show_examination(self._study, image)
        return True

    def _jump(self) -> None:
        """Show the selected lesion in the views."""
        from HCCResponseLib.scene.examination_views import jump_to_outline

        if self._study:
            jump_to_outline(self._study, self._uid)

    def _editLesion(self) -> None:
        """Let the Segment Editor work on the selected lesion."""
        from HCCResponseLib.scene.lesion_identity import segment_of_lesion

        segmentation = self._segmentation()
        segmentId = segment_of_lesion(segmentation, self._uid) if segmentation is not None and self._uid else None
        editor = self.ui.segmentEditor
        if segmentId is not None and editor.segmentationNode() is segmentation:
            editor.setCurrentSegmentID(segmentId)

    def onImageChosen(self, index) -> None:
        """The user chose the image to outline on."""
        from HCCResponseLib.scene.views import show_volumes

        image = slicer.mrmlScene.GetNodeByID(self.ui.imageComboBox.itemData(index))
        if image is not None:
            self._parameterNode.image = image
            show_volumes(image)
            self.refresh()

    def onLesionsChosen(self) -> None:
        """The user chose rows of the list."""
        from HCCResponseLib.scene.selection import select_lesion

        if self._filling or not self._parameterNode:
            return
        row = self.ui.lesionTable.currentRow()
        if 0 <= row < len(self._lesions) and self.ui.lesionTable.item(row, 0).isSelected():
            lesion = self._lesions[row]
            if not lesion.uid:
                from HCCResponseLib.scene.lesion_identity import ensure_lesion_identity

                select_lesion(ensure_lesion_identity(self._segmentation(), lesion.segment_id).uid)
            else:
                select_lesion(lesion.uid)
        self._updateLesion()

    def onLesionClicked(self, row, _column) -> None:
        """A click shows the lesion in the views."""
        self._jump()

    #
    # The list of lesions
    #

    def onAdd(self, _checked=False) -> None:
        """Add an empty lesion."""
        from HCCResponseLib.scene.lesion_editing import add_lesion
        from HCCResponseLib.scene.lesion_identity import lesion_identity
        from HCCResponseLib.scene.selection import select_lesion

        segmentation = self._segmentation(create=True)
        with self._step(_("The lesion could not be added."), segmentation):
            segmentId = add_lesion(segmentation)
            self._syncEditor()
            select_lesion(lesion_identity(segmentation, segmentId).uid)
            name = segmentation.GetSegmentation().GetSegment(segmentId).GetName()
            self.say(_("'{name}' was added, empty: grow it from a click, or draw it by hand.").format(name=name))

    def onRemove(self, _checked=False) -> None:
        """Remove the chosen lesions from this examination."""
        from HCCResponseLib.scene.lesion_editing import delete_lesion
        from HCCResponseLib.scene.selection import select_lesion

        with self._step(_("The lesion could not be removed.")):
            reading, chosen = self._readingOrNone(), self._chosen()
            left = [lesion.uid for lesion in self._lesions if lesion not in chosen]
            rows = sum(delete_lesion(self._segmentation(), lesion.segment_id, reading) for lesion in chosen)
            select_lesion(next(iter(left), ""))
            names = ", ".join(f"'{lesion.name}'" for lesion in chosen)
            text = _("{names} removed, with {rows} measurements of yours. Undo brings all of it back.") if rows else _("{names} removed.")
            self.say(text.format(names=names, rows=rows))

    def onMerge(self, _checked=False) -> None:
        """Merge the two chosen lesions; the selected one stays."""
        from HCCResponseLib.scene.lesion_editing import merge_lesions

        kept, other = self._chosen()
        with self._step(_("The lesions could not be merged.")):
            self.say(merge_lesions(self._segmentation(), kept.segment_id, other.segment_id, self._readingOrNone()))

    def onSplit(self, _checked=False) -> None:
        """Make each detached piece a lesion."""
        from HCCResponseLib.scene.lesion_editing import split_lesion
        from HCCResponseLib.scene.lesion_identity import lesion_identity
        from HCCResponseLib.scene.selection import select_lesion

        segmentation = self._segmentation()
        with self._step(_("The lesion could not be split.")):
            ids = split_lesion(segmentation, self._segmentId(), self._readingOrNone())
            select_lesion(lesion_identity(segmentation, ids[0]).uid)
            names = ", ".join(f"'{segmentation.GetSegmentation().GetSegment(one).GetName()}'" for one in ids)
            self.say(_("Split into {names}; measure them again.").format(names=names))

    def onUndo(self, _checked=False) -> None:
        """Take the last step of this panel back."""
        self._endGrowth()
        self.undo.undo()
        self.say("")
        self.refresh()

    def onRedo(self, _checked=False) -> None:
        """Do again what was undone."""
        self.undo.redo()
        self.say("")
        self.refresh()

    def onAccept(self, _checked=False) -> None:
        """Accept the chosen proposals."""
        self._accept([lesion.segment_id for lesion in self._chosen() if lesion.proposed])

    def onAcceptAll(self, _checked=False) -> None:
        """Accept all proposals of this examination."""
        self._accept([lesion.segment_id for lesion in self._lesions if lesion.proposed])

    def _accept(self, segmentIds) -> None:
        from HCCResponseLib.scene.proposals import accept_proposal

        with self._step(_("The outline could not be accepted.")):
            for segmentId in segmentIds:
                accept_proposal(self._segmentation(), segmentId)
            self._measure(segmentIds)

    def onReject(self, _checked=False) -> None:
        """Reject the chosen proposals."""
        from HCCResponseLib.scene.proposals import reject_proposal

        with self._step(_("The outline could not be rejected.")):
            chosen = [lesion for lesion in self._chosen() if lesion.proposed]
            for lesion in chosen:
                reject_proposal(self._segmentation(), lesion.segment_id)
            self.say(_("{names} rejected.").format(names=", ".join(f"'{lesion.name}'" for lesion in chosen)))

    def onAcceptKey(self) -> None:
        """Enter in the list."""
        if self.ui.acceptButton.enabled:
            self.onAccept()

    def onDeleteKey(self) -> None:
        """Delete in the list."""
        if any(lesion.proposed for lesion in self._chosen()):
            self.onReject()
        elif self.ui.removeButton.enabled:
            self.onRemove()

    #
    # What a lesion counts as
    #

    def onNameEdited(self) -> None:
        """The user gave the lesion another name."""
        from HCCResponseLib.scene.lesion_editing import rename_lesion

        lesion = self._listed()
        name = self.ui.nameLineEdit.text.strip()
        if not self._filling and lesion is not None and name != lesion.name:
            with self._step(_("The lesion could not be renamed."), *self._patientSegmentations()):
                rename_lesion(self._segmentation(), lesion.segment_id, name)

    def onSiteChosen(self, index) -> None:
        """The user said where the lesion is."""
        from HCCResponseLib.scene.lesion_editing import place_lesion

        with self._step(_("The site could not be set."), *self._patientSegmentations()):
            place_lesion(self._segmentation(), self._segmentId(), self.ui.siteComboBox.itemData(index))

    def onAttributeEdited(self, _value=None) -> None:
        """The user said what the lesion counts as."""
        from HCCResponseLib.scene.lesion_attributes import set_lesion

        listed = self._listed()
        if self._filling or listed is None:
            return
        with self._step(_("The lesion could not be changed."), *self._patientSegmentations()):
            dose = self.ui.doseSpinBox.value
            lesion = dataclasses.replace(
                listed.lesion,
                kind=self.ui.kindComboBox.currentData or None,
                previously_treated=self.ui.treatedCheckBox.checked,
                ill_defined=self.ui.illDefinedCheckBox.checked,
                tumour_thrombus=self.ui.thrombusCheckBox.checked,
                proven=self.ui.provenCheckBox.checked,
                porta_hepatis=self.ui.hilarNodeCheckBox.checked,
                typical_enhancement={"yes": True, "no": False}.get(self.ui.enhancementComboBox.currentData),
                in_field={"yes": True, "no": False}.get(self.ui.fieldComboBox.currentData),
                dose_gy=dose or None,
                fractions=self.ui.fractionsSpinBox.value if dose else None,
            )
            set_lesion(self._segmentation(), listed.segment_id, lesion)

    def onExclusionEdited(self) -> None:
        """The user left the lesion out of the assessment, or took it in again."""
        from HCCResponseLib.scene.lesion_attributes import set_exclusion

        lesion = self._listed()
        reason = self.ui.excludedLineEdit.text.strip()
        if not self._filling and lesion is not None and reason != lesion.excluded:
            with self._step(_("The lesion could not be changed."), *self._patientSegmentations()):
                set_exclusion(self._segmentation(), lesion.segment_id, reason)

    #
    # Outlines with help
    #

    def _waitForClick(self, button, on: bool, onPoint, sentence: str) -> None:
        """One button at a time waits for a click in the views."""
        if self._switching:
            return
        if not on:
            self.click.stop()
            return
        self.ui.segmentEditor.setActiveEffect(None)
        with self._switching:
            self.click.start(onPoint)  # ends the waiting of another button
            button.checked = True
        self.say(sentence)

    def _onClickEnded(self) -> None:
        with self._switching:
            for button in self._clickButtons:
                button.checked = False

    def onGrowToggled(self, on) -> None:
        """Wait for a click into a lesion."""
        self._waitForClick(self.ui.growButton, on, self.growFrom, _("Click into the middle of the lesion, in any slice view."))

    def growFrom(self, point) -> None:
        """Grow an outline from a point, (R, A, S) in mm; it follows the slider until it is accepted."""
        from HCCResponseLib.scene.lesion_editing import next_lesion_name, place_lesion
        from HCCResponseLib.scene.lesion_identity import lesion_identity
        from HCCResponseLib.scene.outline_growth import SegmentGrowth
        from HCCResponseLib.scene.segment_types import segment_site
        from HCCResponseLib.scene.selection import select_lesion

        parameters, listed = self._parameterNode, self._listed()
        self._endGrowth()
        segmentation = self._segmentation(create=True)
        with slicer.util.WaitCursor(), self._step(_("Growing failed."), segmentation):
            growth = SegmentGrowth(parameters.image, point, max_diameter_mm=parameters.largestDiameter)
            into = listed.segment_id if listed is not None and listed.empty else None
            name = "" if into else next_lesion_name(segmentation)
            parameters.strength = 0.5
            segmentId, outline = growth.write(segmentation, into, strength=parameters.strength, name=name)
            if segment_site(segmentation, segmentId) is None:
                place_lesion(segmentation, segmentId, "liver")
            self._growth = growth
            parameters.growing = segmentId
            self._syncEditor()
            select_lesion(lesion_identity(segmentation, segmentId).uid)
            self._jump()
            self.say(" ".join(outline.notes))

    def onStrengthChanged(self, strength) -> None:
        """The outline follows the slider."""
        from HCCResponseLib.errors import InputError

        if self._growth is None or not self._parameterNode or not self._parameterNode.growing:
            return
        try:
            _segmentId, outline = self._growth.write(self._segmentation(), self._parameterNode.growing, strength=strength)
            self.say(" ".join(outline.notes))
        except InputError as error:  # removed in mid-work
            self._endGrowth()
            self.say(str(error))
            self.refreshSoon()

    def onAcceptGrowth(self, _checked=False) -> None:
        """Keep the outline that was grown."""
        segmentId = self._parameterNode.growing
        self._endGrowth()
        self._accept([segmentId])

    def onCancelGrowth(self, _checked=False) -> None:
        """Take the outline away that was growing."""
        self._endGrowth()
        self.undo.cancel()
        self.say(_("Cancelled; nothing was changed."))
        self.refresh()

    def _endGrowth(self) -> None:
        """The outline no longer follows the slider; what was grown stays as a proposal."""
        self._growth = None
        if self._parameterNode and self._parameterNode.growing:
            self._parameterNode.growing = ""

    def onContinue(self, _checked=False) -> None:
        """Carry the outline to the slices above and below."""
        from HCCResponseLib.scene.outline_slices import carry_to_slices

        with self._step(_("Continuing failed.")), progressDialog(_("Following the edge from slice to slice ...")) as progress:
            found = carry_to_slices(self._segmentation(), self._segmentId(), self._parameterNode.image, progress=progress)
            self.say(f"{found.first.sentence} {found.last.sentence}")

    def onIslands(self, _checked=False) -> None:
        """Keep the largest piece."""
        from HCCResponseLib.scene.outline_cleaning import remove_islands

        self._clean(remove_islands)

    def onHoles(self, _checked=False) -> None:
        """Fill enclosed holes."""
        from HCCResponseLib.scene.outline_cleaning import fill_holes

        self._clean(fill_holes)

    def onSmooth(self, _checked=False) -> None:
        """Smooth the outline."""
        from HCCResponseLib.scene.outline_cleaning import smooth_outline

        self._clean(smooth_outline)

    def onFillBetween(self, _checked=False) -> None:
        """Fill the slices between outlined ones."""
        from HCCResponseLib.scene.outline_cleaning import fill_between_slices

        self._clean(fill_between_slices)

    def _clean(self, function) -> None:
        with slicer.util.WaitCursor(), self._step(_("The outline could not be cleaned.")):
            self.say(function(self._segmentation(), self._segmentId()))

    #
    # By hand
    #

    def _syncEditor(self) -> None:
        """Give the Segment Editor the outlines and the image of this examination."""
        editor, segmentation = self.ui.segmentEditor, self._segmentation()
        if editor.segmentationNode() is not segmentation:
            editor.setSegmentationNode(segmentation)
            self._editLesion()
        if segmentation is not None and editor.sourceVolumeNode() is not self._parameterNode.image:
            editor.setSourceVolumeNode(self._parameterNode.image)

    def editSegment(self, segmentId: str) -> None:
        """Show the Segment Editor, on a segment if one is given: another panel sends the user here to correct by hand."""
        self.ui.editorCollapsibleButton.collapsed = False
        if segmentId:
            self.ui.segmentEditor.setCurrentSegmentID(segmentId)
        self.refresh()

    def onSegmentChosen(self, index) -> None:
        """The user chose what the Segment Editor works on."""
        from HCCResponseLib.scene.selection import select_lesion

        segmentId = self.ui.segmentComboBox.itemData(index)
        lesion = next((one for one in self._lesions if one.segment_id == segmentId), None)
        if lesion is not None and lesion.uid:
            select_lesion(lesion.uid)
        self.ui.segmentEditor.setCurrentSegmentID(segmentId)
        self.refresh()

    def onAdopt(self, _checked=False) -> None:
        """Make a segment without a type a lesion."""
        from HCCResponseLib.scene.lesion_editing import adopt_lesion
        from HCCResponseLib.scene.lesion_identity import lesion_identity
        from HCCResponseLib.scene.selection import select_lesion

        segmentation, segmentId = self._segmentation(), self.ui.segmentComboBox.currentData
        with self._step(_("The segment could not be made a lesion.")):
            adopt_lesion(segmentation, segmentId)
            select_lesion(lesion_identity(segmentation, segmentId).uid)

    #
    # From another examination
    #

    def _source(self):
        """Segmentation and image of the examination that lesions are brought from or compared with."""
        from HCCResponseLib.scene.examination_views import images_to_outline_on
        from HCCResponseLib.scene.study_nodes import outlined_on, segmentation_of_study

        study = int(self.ui.fromComboBox.currentData or 0)
        if not study:
            return None, None
        image = outlined_on(study) or next(iter(images_to_outline_on(study)), None)
        return segmentation_of_study(study), image

    def onFromChosen(self, _index) -> None:
        """The user chose the other examination."""
        self._discardMatches()
        self.refresh()

    def onBring(self, _checked=False) -> None:
        """Propose the outlines of the other examination here."""
        from HCCResponseLib.scene.lesion_carrying import carry_lesions
        from HCCResponseLib.scene.lesion_list import list_lesions

        source, sourceImage = self._source()
        target, parameters = self._segmentation(create=True), self._parameterNode
        message, working = _("The lesions could not be brought here."), _("Registering the two examinations ...")
        with self._step(message, source, target), progressDialog(working) as progress:
            carried = carry_lesions(
                source,
                sourceImage,
                target,
                parameters.image,
                chosen_segment_ids=[lesion.segment_id for lesion in list_lesions(source) if not (lesion.empty or lesion.proposed)],
                deformable=parameters.deformable,
                despite_problems=parameters.despiteProblems,
                progress=progress,
            )
            count = sum(lesion.segment_id is not None for lesion in carried.lesions)
            text = _("Outlines that wait for your decision in the list: {count}.").format(count=count)
            notes = [note for lesion in carried.lesions for note in lesion.notes]
            self.say(" ".join([text, *carried.registration.notes, *notes]))

    def onCompare(self, _checked=False) -> None:
        """Propose which lesion is which."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.examination_registration import register_outlined
        from HCCResponseLib.scene.lesion_matching import match_lesions
        from HCCResponseLib.scene.match_decisions import proposed_word

        before, beforeImage = self._source()
        after, afterImage = self._segmentation(), self._parameterNode.image
        self._discardMatches()
        with (
            self.tellingErrors(_("The lesions could not be matched.")),
            progressDialog(_("Registering the two examinations ...")) as progress,
        ):
            try:
                registration = register_outlined(before, beforeImage, afterImage, progress=progress)
                doubts = list(registration.problems)
                matching = match_lesions(
                    before,
                    after,
                    before_volume=beforeImage,
                    after_volume=afterImage,
                    registration=None if doubts else registration,
                )
                self._showMatches(matching, proposed_word(matching), before, after)
                if doubts:
                    doubts.append(_("The proposals take the positions as they are."))
                self.say(" ".join([*doubts, *matching.notes, _("Look at each match, change what is not so, then take them.")]))
            except InputError as error:
                self.say(str(error))
        self.refresh()

    def _showMatches(self, matching, word, before, after) -> None:
        import qt

        from HCCResponseLib.scene.lesion_list import list_lesions
        from HCCResponseLib.scene.lesion_matching import match_sentences

        names = {lesion.uid: lesion.name for lesion in list_lesions(before)}
        later = {lesion.uid: lesion.name for lesion in list_lesions(after)}
        reasons = {}
        for match in matching.matches:
            text = "\n".join(match_sentences(match, before, after))
            reasons |= dict.fromkeys([("after", uid) for uid in match.after] + [("before", uid) for uid in match.before], text)
        rows = [("after", uid, origin, [("", _("a new lesion")), *names.items()]) for uid, origin in word.origin.items()]
        merged = {uid: _("merged into {name}").format(name=name) for uid, name in later.items()}
        unclaimed = [uid for uid in names if uid in word.fate]
        rows += [("before", uid, word.fate[uid], [("", _("gone")), *merged.items()]) for uid in unclaimed]
        table = self.ui.matchTable
        table.setRowCount(len(rows))
        self._matching, self._matchCombos = matching, []
        for row, (side, uid, value, choices) in enumerate(rows):
            name = later.get(uid, uid) if side == "after" else _("{name}, earlier").format(name=names[uid])
            cell(table, row, 0, name, toolTip=reasons.get((side, uid), ""))
            combo = qt.QComboBox()
            combo.addItem(_("not decided"), "-")
            for key, text in choices:
                combo.addItem(text, key)
            combo.setCurrentIndex(0 if value is None else 1 + [key for key, _text in choices].index(value))
            combo.toolTip = reasons.get((side, uid), "")
            table.setCellWidget(row, 1, combo)
            self._matchCombos.append((side, uid, combo))
        fitHeight(table)

    def onTakeMatches(self, _checked=False) -> None:
        """Write the user's word on who is who."""
        from HCCResponseLib.scene.match_decisions import MatchWord, apply_word

        word = MatchWord()
        for side, uid, combo in self._matchCombos:
            (word.origin if side == "after" else word.fate)[uid] = None if combo.currentData == "-" else combo.currentData
        before, _image = self._source()
        after = self._segmentation()
        with self._step(_("The matches could not be written."), before, after):
            kinds = apply_word(self._matching, word, before, after, self._reading())
            self._discardMatches()
            labels = {
                "same": _("the same"),
                "new": _("new"),
                "vanished": _("gone"),
                "merged": _("merged"),
                "split": _("split"),
            }
            counts = ", ".join(f"{kinds.count(kind)} {label}" for kind, label in labels.items() if kind in kinds)
            self.say(_("Matches taken: {counts}.").format(counts=counts or _("none")))

    def onDiscardMatches(self, _checked=False) -> None:
        """Leave all lesions as they are."""
        self._discardMatches()
        self.refresh()

    def _discardMatches(self) -> None:
        self._matching, self._matchCombos = None, []
        self.ui.matchTable.setRowCount(0)

    #
    # Reference regions
    #

    def onRing(self, _checked=False) -> None:
        """Outline normal liver round the lesion."""
        from HCCResponseLib.scene.reference_segments import add_liver_ring

        with slicer.util.WaitCursor(), self._step(_("The liver reference could not be outlined.")):
            _segmentId, found = add_liver_ring(self._segmentation(), self._segmentId(), self._parameterNode.image)
            self._sayReference(_("Liver reference"), found)

    def onAortaToggled(self, on) -> None:
        """Wait for a click into the aorta."""
        self._waitForClick(self.ui.aortaButton, on, self.outlineAorta, _("Click into the middle of the aorta, in any slice view."))

    def outlineAorta(self, point) -> None:
        """Outline the lumen of the aorta round a point, (R, A, S) in mm."""
        self._outlineVessel(point, "AORTA")

    def onPortalVeinToggled(self, on) -> None:
        """Wait for a click into the portal vein."""
        self._waitForClick(
            self.ui.portalVeinButton, on, self.outlinePortalVein, _("Click into the middle of the portal vein, in any slice view."),
        )

    def outlinePortalVein(self, point) -> None:
        """Outline the lumen of the portal vein round a point, (R, A, S) in mm."""
        self._outlineVessel(point, "PORTAL_VEIN")

    def _outlineVessel(self, point, kind: str) -> None:
        from HCCResponseLib.response.region_types import RegionType
        from HCCResponseLib.scene.reference_segments import add_vessel

        segmentation = self._segmentation(create=True)
        with slicer.util.WaitCursor(), self._step(_("The vessel could not be outlined."), segmentation):
            _segmentId, found = add_vessel(segmentation, self._parameterNode.image, point, RegionType[kind])
            self._sayReference(RegionType[kind].title, found)

    def onMuscleToggled(self, on) -> None:
        """Wait for a click into muscle."""
        self._waitForClick(self.ui.muscleButton, on, self.outlineMuscle, _("Click into the muscle beside the spine, in any slice view."))

    def outlineMuscle(self, point) -> None:
        """Outline an even sphere of muscle near a point, (R, A, S) in mm."""
        from HCCResponseLib.scene.reference_segments import add_sphere

        segmentation = self._segmentation(create=True)
        with slicer.util.WaitCursor(), self._step(_("The muscle reference could not be outlined."), segmentation):
            _segmentId, found = add_sphere(segmentation, self._parameterNode.image, point)
            self._sayReference(_("Muscle"), found)

    def _sayReference(self, name: str, found) -> None:
        reference = found.reference
        text = _("{name}: signal {mean:.0f} ± {sd:.0f} in {n} voxels.").format(
            name=name, mean=reference.mean, sd=reference.sd, n=reference.voxels,
        )
        self.say(" ".join([text, *found.notes]))

    #
    # Size
    #

    def onReaderEdited(self) -> None:
        """The user said who reads."""
        from HCCResponseLib.scene.examination_views import show_outlines_of
        from HCCResponseLib.scene.reader_name import reader_name, set_reader_name

        if self._parameterNode and self.ui.readerLineEdit.text.strip() != reader_name():
            set_reader_name(self.ui.readerLineEdit.text)
            if self._study:
                show_outlines_of(self._study)
            self.refresh()

    def onMeasure(self, _checked=False) -> None:
        """Measure the chosen lesions."""
        with self._step(_("The lesion could not be measured.")):
            self._measure([lesion.segment_id for lesion in self._chosen()])

    def onMeasureAll(self, _checked=False) -> None:
        """Measure all accepted lesions."""
        with self._step(_("The lesions could not be measured.")):
            self._measure([lesion.segment_id for lesion in self._lesions if not (lesion.empty or lesion.proposed)])

    def onResetLines(self, _checked=False) -> None:
        """Put the software's lines in place of the user's."""
        with self._step(_("The lesion could not be measured.")):
            self._measure([self._segmentId()], replaceMoved=True)

    def _measure(self, segmentIds, replaceMoved: bool = False) -> None:
        from HCCResponseLib.progress import report_progress
        from HCCResponseLib.scene.lesion_measuring import measure_lesion

        reading, segmentation = self._reading(), self._segmentation()
        plane = self._parameterNode.plane.value
        with progressDialog(_("Measuring ...")) as progress:
            for number, segmentId in enumerate(segmentIds):
                report_progress(progress, number / len(segmentIds))
                measure_lesion(
                    segmentation,
                    segmentId,
                    reading,
                    volume_node=self._parameterNode.image,
                    plane=plane,
                    replace_moved=replaceMoved,
                )
        self.say(_("{count} lesions measured.").format(count=len(segmentIds)) if len(segmentIds) != 1 else _("Measured."))

    def _observeLines(self, lines) -> None:
        """Follow the hand that drags the lines."""
        events = slicer.vtkMRMLMarkupsNode.PointStartInteractionEvent, slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent
        slots = self._onLineGrabbed, self._onLineReleased
        for line in self._lines:
            if line not in lines:
                for event, slot in zip(events, slots, strict=True):
                    self.removeObserver(line, event, slot)
        for line in lines:
            if line not in self._lines:
                for event, slot in zip(events, slots, strict=True):
                    self.addObserver(line, event, slot)
        self._lines = list(lines)

    def _onLineGrabbed(self, caller=None, event=None) -> None:
        self._dragging = True
        self.undo.save(self._segmentation())

    def _onLineReleased(self, caller=None, event=None) -> None:
        self._dragging = False
        self.refreshSoon()

    def _onSettled(self) -> None:
        self._takeMovedLines()
        super()._onSettled()

    def _takeMovedLines(self) -> None:
        """A diameter whose line was moved is the reader's."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.moved_lines import update_moved_lines

        segmentation = self._segmentation() if self._parameterNode and not self._dragging else None
        reading = self._readingOrNone() if segmentation is not None else None
        if reading is None:
            return
        try:
            for row in update_moved_lines(segmentation, reading):
                self.say(_("{name}: {value:.1f} mm, as you drew it.").format(name=row.lesion_name, value=row.value))
        except InputError as error:
            self.say(str(error))

    def onNext(self, _checked=False) -> None:
        """Go on to the signal grades."""
        self.goTo("HCCSignalGrading")

    #
    # Showing
    #

    def updatePanel(self) -> None:
        """Show what the scene holds."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.lesion_list import list_lesions
        from HCCResponseLib.scene.reader_name import reader_name

        with self._filling:
            if self._studyCombo.update() != self._study:
                self._followSelection()
            segmentation = self._segmentation()
            try:
                self._lesions = list_lesions(segmentation, reader_name()) if segmentation is not None else []
            except InputError as error:
                self._lesions = []
                self.say(str(error))
            if self._parameterNode.growing and self._parameterNode.growing not in [lesion.segment_id for lesion in self._lesions]:
                self._endGrowth()
            self._updateImages()
            self._syncEditor()
            self._updateTable()
            self._updateSegments()
            self._updateSources()
            self._updateReferences()
            self._observeLines(self._ownLines(segmentation, reader_name()))
            if not self.ui.readerLineEdit.hasFocus():
                self.ui.readerLineEdit.text = reader_name()
        self._updateLesion()

    def _ownLines(self, segmentation, reader: str) -> list:
        from HCCResponseLib.scene.diameter_lines import diameter_lines

        return diameter_lines(segmentation, reader=reader) if segmentation is not None else []

    def _updateImages(self) -> None:
        from HCCResponseLib.scene.examination_views import images_to_outline_on
        from HCCResponseLib.scene.study_nodes import image_title

        images = images_to_outline_on(self._study) if self._study else []
        combo = self.ui.imageComboBox
        fillCombo(combo, [(image_title(image), image.GetID()) for image in images])
        if self._parameterNode.image not in images:  # deleted, or moved to another examination
            self._chooseImage()
        if self._parameterNode.image in images:
            combo.setCurrentIndex(images.index(self._parameterNode.image))
        self.allow("imageComboBox", "" if images else _("This examination has no image to outline on; import one in HCC Response."))

    def _updateTable(self) -> None:
        import qt

        from HCCResponseLib.response.region_types import SITES

        table = self.ui.lesionTable
        chosen = {lesion.uid for lesion in self._chosenBefore()}
        if self._uid not in chosen:  # another lesion was selected meanwhile
            chosen = {self._uid}
        table.clearSelection()
        kinds = {self.ui.kindComboBox.itemData(n): self.ui.kindComboBox.itemText(n) for n in range(self.ui.kindComboBox.count)}
        table.setRowCount(len(self._lesions))
        for row, lesion in enumerate(self._lesions):
            known = lesion.lesion
            site = SITES[lesion.site].code.meaning if lesion.site else "–"
            kind = kinds[known.kind.value] if known is not None and known.kind else "–"
            if lesion.excluded:
                kind = _("left out")
            treated = known is not None and known.previously_treated
            hint = lesion.proposed or lesion.excluded or (_("Empty: nothing is outlined yet.") if lesion.empty else "")
            name = cell(
                table, row, self.LESION, lesion.name, data=lesion.uid, bold=lesion.uid == self._uid, grey=lesion.empty, toolTip=hint,
            )
            name.setData(qt.Qt.DecorationRole, qt.QColor(lesion.color))
            cell(table, row, self.SITE, f"{site} †" if treated else site, toolTip=_("† treated locally before") if treated else "")
            cell(table, row, self.KIND, kind, grey=bool(lesion.excluded), toolTip=lesion.excluded)
            grey = lesion.outdated or bool(lesion.proposed)
            volume = sizeText(lesion.volume_ml, 2 if lesion.volume_ml < 10 else 1)
            hint = _("The outline was changed since it was measured.") if lesion.outdated else ""
            cell(table, row, self.DIAMETER, sizeText(lesion.long_axis_mm, 1), number=True, grey=grey, toolTip=hint)
            cell(table, row, self.VOLUME, volume, number=True, grey=grey, toolTip=hint)
            sign, hint = self._state(lesion)
            cell(table, row, self.STATE, sign, toolTip=hint, bold=True)
            if lesion.uid and lesion.uid in chosen:
                for column in range(table.columnCount):
                    table.item(row, column).setSelected(True)
            if lesion.uid and lesion.uid == self._uid:
                table.setCurrentCell(row, self.LESION, qt.QItemSelectionModel.NoUpdate)
        fitHeight(table, least=3)

    def _chosenBefore(self) -> list:
        """Lesions whose rows were chosen before the table is filled again, told by what the rows hold."""
        table = self.ui.lesionTable
        uids = {table.item(item.row(), self.LESION).data(0x0100) for item in table.selectedItems()}
        return [lesion for lesion in self._lesions if lesion.uid in uids]

    @staticmethod
    def _state(lesion) -> tuple[str, str]:
        """The sign of a lesion's state, and what it says."""
        if lesion.proposed:
            return "?", _("Proposed, {source}. Accept or reject it.").format(source=lesion.proposed)
        if lesion.outdated:
            return "↻", _("The outline was changed since it was measured; measure again.")
        if lesion.remarks:
            return "!", "\n".join(lesion.remarks)
        return ("✓", _("Measured.")) if not math.isnan(lesion.long_axis_mm) else ("", "")

    def _updateSegments(self) -> None:
        from HCCResponseLib.scene.segments import segment_ids

        segmentation, combo = self._segmentation(), self.ui.segmentComboBox
        ids = segment_ids(segmentation) if segmentation is not None else []
        names = [segmentation.GetSegmentation().GetSegment(one).GetName() for one in ids]
        fillCombo(combo, list(zip(names, ids, strict=True)))
        current = self.ui.segmentEditor.currentSegmentID()
        combo.setCurrentIndex(ids.index(current) if current in ids else -1)
        self.allow("segmentComboBox", "" if ids else _("Nothing is outlined yet; add a lesion."))

    def _updateSources(self) -> None:
        from HCCResponseLib.scene.selection import selected_patient
        from HCCResponseLib.scene.study_nodes import examination_title, examinations_of_patient, lesions_of_study

        known = examinations_of_patient(selected_patient()) if self._study else []
        items = [item for item in known if item != self._study and lesions_of_study(item)]
        combo = self.ui.fromComboBox
        if fillCombo(combo, [(examination_title(item), item) for item in items]):
            earlier = [item for item in items if known.index(item) < known.index(self._study)]
            combo.setCurrentIndex(items.index(earlier[-1]) if earlier else 0)
        self.allow("fromComboBox", "" if items else _("No other examination of this patient has outlined lesions."))

    def _updateReferences(self) -> None:
        from HCCResponseLib.response.region_types import RegionType
        from HCCResponseLib.scene.linked_segments import linked_lesion
        from HCCResponseLib.scene.segment_types import segments_of_type

        segmentation = self._segmentation()
        found = []
        if segmentation is not None:
            names = {lesion.uid: lesion.name for lesion in self._lesions}
            rings = segments_of_type(segmentation, RegionType.LIVER_REFERENCE)
            owners = [names.get(linked_lesion(segmentation, one), _("all lesions")) for one in rings]
            if owners:
                found.append(_("liver for {lesions}").format(lesions=", ".join(owners)))
            for kind in (RegionType.AORTA, RegionType.PORTAL_VEIN, RegionType.MUSCLE):
                if segments_of_type(segmentation, kind):
                    found.append(kind.title.lower())
        self.ui.referencesLabel.text = (
            _("Outlined: {references}.").format(references="; ".join(found)) if found else _("None outlined yet.")
        )

    def _updateLesion(self) -> None:
        """What depends on the lesion that is selected."""
        if not self._parameterNode:
            return
        listed = self._listed()
        with self._filling:
            self._fillLesion(listed)
        proposed = [lesion for lesion in self._lesions if lesion.proposed]
        self.ui.proposalFrame.visible = bool(proposed) and not self._parameterNode.growing
        if listed is not None and listed.proposed:
            self.ui.proposalLabel.text = _("'{name}' is proposed, {source}.").format(name=listed.name, source=listed.proposed)
        else:
            self.ui.proposalLabel.text = _("Outlines that wait for your decision: {count}.").format(count=len(proposed))
        self.ui.acceptAllButton.visible = len(proposed) > 1
        self.ui.growthFrame.visible = bool(self._parameterNode.growing)
        self.ui.matchFrame.visible = self._matching is not None
        remarks = listed.remarks if listed is not None else ()
        self.ui.remarksLabel.text = "\n".join(f"! {remark}" for remark in remarks)
        self.ui.remarksLabel.visible = bool(remarks)
        self.ui.hintLabel.text = self._nextStep()
        self._updateButtons(listed)

    def _nextStep(self) -> str:
        """What is to be done next in this examination."""
        from HCCResponseLib.scene.lesion_list import measured_by
        from HCCResponseLib.scene.reader_name import reader_name

        if not self._study:
            return _("Import examinations in HCC Response first.")
        if self._parameterNode.growing:
            return _("Adjust the strength of the outline, then accept it.")
        if any(lesion.proposed for lesion in self._lesions):
            return _("Accept or reject the proposed outlines (?).")
        if not self._lesions and self.ui.fromComboBox.count:
            return _("Bring the lesions from {examination}, or grow new ones from a click.").format(
                examination=self.ui.fromComboBox.currentText,
            )
        if not any(not lesion.empty for lesion in self._lesions):
            return _("Grow a lesion from a click, or draw it by hand.")
        if not self._isTimePoint():
            return _("Type the date or the weeks of this examination in HCC Response; then measure.")
        others = [name for name in measured_by(self._segmentation()) if name != reader_name()]
        if others and all(math.isnan(lesion.long_axis_mm) for lesion in self._lesions):
            return _("Measured by {readers}. Measure too, or say in the section Size that you are this reader.").format(
                readers=", ".join(name or _("nobody named") for name in others),
            )
        if any(not lesion.empty and (lesion.outdated or math.isnan(lesion.long_axis_mm)) for lesion in self._lesions):
            return _("Measure the lesions; correct their outlines and lines where you disagree.")
        return _("All outlined lesions are measured. Go on to the signal grades.")

    def _fillLesion(self, listed) -> None:
        ui = self.ui
        ui.lesionFrame.visible = listed is not None and listed.lesion is not None
        if not ui.lesionFrame.visible:
            return
        lesion = listed.lesion
        if not ui.nameLineEdit.hasFocus():
            ui.nameLineEdit.text = listed.name
        ui.siteComboBox.setCurrentIndex(ui.siteComboBox.findData(listed.site) if listed.site else -1)
        ui.kindComboBox.setCurrentIndex(ui.kindComboBox.findData(lesion.kind.value if lesion.kind else ""))
        ui.treatedCheckBox.checked = lesion.previously_treated
        ui.illDefinedCheckBox.checked = lesion.ill_defined
        ui.thrombusCheckBox.checked = lesion.tumour_thrombus
        ui.provenCheckBox.checked = lesion.proven
        ui.hilarNodeCheckBox.checked = lesion.porta_hepatis
        self.allow(
            "hilarNodeCheckBox", "" if lesion.lymph_node else _("Only a lymph node can be one of the porta hepatis; choose that site."),
        )
        words = {True: "yes", False: "no", None: ""}
        ui.enhancementComboBox.setCurrentIndex(ui.enhancementComboBox.findData(words[lesion.typical_enhancement]))
        ui.fieldComboBox.setCurrentIndex(ui.fieldComboBox.findData(words[lesion.in_field]))
        ui.doseSpinBox.value = lesion.dose_gy or 0.0
        if lesion.fractions:
            ui.fractionsSpinBox.value = lesion.fractions
        self.allow("fractionsSpinBox", "" if lesion.dose_gy else _("Say the dose first."))
        if not ui.excludedLineEdit.hasFocus():
            ui.excludedLineEdit.text = listed.excluded

    def _updateButtons(self, listed) -> None:
        """Enable what can be done now; what cannot says why in its tool tip."""
        parameters, chosen = self._parameterNode, self._chosen()
        busy = _("Accept or cancel the growing outline first.") if parameters.growing else ""
        noStudy = "" if self._study else _("Import examinations in HCC Response first.")
        noImage = noStudy or ("" if parameters.image is not None else _("This examination has no image to outline on."))
        noLesion = noImage or ("" if listed is not None else _("Choose a lesion in the list first."))
        nothing = noLesion or (_("Nothing is outlined yet in this lesion.") if listed is not None and listed.empty else "")
        unaccepted = nothing or (_("Accept the outline before it is measured.") if listed is not None and listed.proposed else "")
        typeFirst = _("Type the date or the weeks of this examination in HCC Response first.")
        noTime = "" if not self._study or self._isTimePoint() else typeFirst
        self.allow("addButton", busy or noImage)
        self.allow("removeButton", busy or noLesion)
        self.allow(
            "mergeButton",
            busy or ("" if len(chosen) == 2 else _("Choose two lesions in the list (Ctrl and click); the selected one, in bold, stays.")),
        )
        self.allow("splitButton", busy or nothing)
        self.allow("undoButton", busy or ("" if self.undo.can_undo else _("Nothing to undo yet.")))
        self.allow("redoButton", busy or ("" if self.undo.can_redo else _("Nothing to redo.")))
        noProposal = "" if any(lesion.proposed for lesion in chosen) else _("Choose a proposed lesion (?) in the list first.")
        self.allow("acceptButton", noProposal or noTime)
        self.allow("rejectButton", noProposal)
        self.allow("acceptAllButton", noTime)
        self.allow("growButton", busy or noImage)
        self.allow("largestDiameterSpinBox", busy)
        self.allow("acceptGrowthButton", noTime)
        for name in ("continueButton", "betweenButton", "islandsButton", "holesButton", "smoothButton"):
            self.allow(name, busy or nothing)
        self.ui.segmentEditor.enabled = not (busy or noImage)
        self.allow("adoptButton", busy or self._notAdoptable())
        noSource = noImage or ("" if self.ui.fromComboBox.count else _("No other examination of this patient has outlined lesions."))
        self.allow("bringButton", busy or noSource)
        self.allow(
            "compareButton",
            busy or noSource or noTime or ("" if self._lesions else _("Nothing is outlined here yet; bring the lesions instead.")),
        )
        noReader = "" if self.ui.readerLineEdit.text.strip() else _("Say who reads first (section Size): a match is somebody's word.")
        self.allow("takeMatchesButton", noReader)
        self.allow("ringButton", busy or nothing)
        for name in ("aortaButton", "portalVeinButton", "muscleButton"):
            self.allow(name, busy or noImage)
        self.allow("measureButton", busy or unaccepted or noTime)
        measurable = [lesion for lesion in self._lesions if not (lesion.empty or lesion.proposed)]
        self.allow("measureAllButton", busy or noTime or ("" if measurable else _("No accepted outline is there to measure.")))
        outdated = sum(lesion.outdated or math.isnan(lesion.long_axis_mm) for lesion in measurable)
        self.ui.measureAllButton.text = _("Measure all ({count} to do)").format(count=outdated) if outdated else _("Measure all")
        self.allow("resetLinesButton", busy or unaccepted or noTime)
        missing = not hasattr(slicer.modules, "hccsignalgrading")
        self.allow("nextButton", _("The module HCC Signal Grading is not installed.") if missing else "")

    def _isTimePoint(self) -> bool:
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.time_points import time_point

        try:
            return time_point(self._study) is not None
        except InputError:
            return False

    def _notAdoptable(self) -> str:
        """Why the chosen segment cannot be made a lesion; empty where it can."""
        from HCCResponseLib.scene.segment_types import segment_type

        segmentation, segmentId = self._segmentation(), self.ui.segmentComboBox.currentData
        if not segmentId or segmentation is None:
            return _("Choose a segment first.")
        return "" if segment_type(segmentation, segmentId) is None else _("The chosen segment has a type already.")


#
# HCCLesionSegmentationLogic
#


class HCCLesionSegmentationLogic(PanelLogic):
    """The settings in the scene: those of the panel, and those of its Segment Editor."""

    parameterNodeClass = HCCLesionSegmentationParameterNode

    def segmentEditorNode(self):
        """The Segment Editor's settings, of this panel alone. Painting leaves other segments as they are: parts lie in lesions."""
        tag = "HCCLesionSegmentation"
        node = slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag(tag)
            node.SetOverwriteMode(node.OverwriteNone)
            node = slicer.mrmlScene.AddNode(node)
        return node


#
# HCCLesionSegmentationTest
#


class HCCLesionSegmentationTest(ScriptedLoadableModuleTest):
    """A walk through the panel on the small reference patient, whose lesions are known."""

    _sample = ""

    @classmethod
    def setUpClass(cls):
        """Generate the patient once; every test loads it from a file."""
        from HCCResponseLib.phantom.reference_patient import reference_patient
        from HCCResponseLib.phantom.reference_patient.truth import patient_truth
        from HCCResponseLib.scene.sample_patient import load_sample_patient

        slicer.mrmlScene.Clear()
        load_sample_patient(small=True)
        cls.truth = patient_truth(reference_patient(small=True))["examinations"]
        cls._sample = os.path.join(slicer.util.tempDirectory(), "sample.mrb")
        slicer.util.saveScene(cls._sample)

    @classmethod
    def tearDownClass(cls):
        """Remove the file."""
        import shutil

        shutil.rmtree(os.path.dirname(cls._sample), ignore_errors=True)

    def setUp(self):
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(self._sample)
        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule("Data")
            slicer.util.selectModule("HCCLesionSegmentation")
            self.widget = slicer.util.getModuleWidget("HCCLesionSegmentation")
        else:
            self.widget = slicer.util.getModuleWidget("HCCLesionSegmentation")
            self.widget.enter()
            self.addCleanup(self.widget.exit)
        self.ui = self.widget.ui
        self.ui.readerLineEdit.setText("Test")
        self.widget.onReaderEdited()

    def runTest(self):
        """Run every test of the class, as the Reload and Test button does."""
        self.setUpClass()
        for name in dir(self):
            if name.startswith("test_"):
                self.setUp()
                getattr(self, name)()
                self.doCleanups()
        self.tearDownClass()
        slicer.mrmlScene.Clear()

    def _listed(self, name):
        self.widget.refresh()
        return next(lesion for lesion in self.widget._lesions if lesion.name == name)

    def _choose(self, *names):
        self.widget.refresh()
        self.ui.lesionTable.clearSelection()
        for name in names:
            row = [lesion.name for lesion in self.widget._lesions].index(name)
            if name == names[0]:
                self.ui.lesionTable.setCurrentCell(row, 0)
                self.widget.refresh()
            for column in range(self.ui.lesionTable.columnCount):
                self.ui.lesionTable.item(row, column).setSelected(True)

    def _examine(self, index):
        from HCCResponseLib.scene.selection import select_study, selected_patient
        from HCCResponseLib.scene.study_nodes import examinations_of_patient

        select_study(examinations_of_patient(selected_patient())[index])
        self.widget.refresh()

    def _mask(self, name):
        from HCCResponseLib.scene.segments import segment_mask

        return segment_mask(self.widget._segmentation(), self._listed(name).segment_id, self.widget._parameterNode.image)

    def test_sizesAreTrue(self):
        """Measured through the panel, the sizes of all lesions are the true ones within what 10 mm slices allow."""
        for index, truth in enumerate(self.truth):
            self._examine(index)
            self.ui.measureAllButton.click()
            for lesion in truth["lesions"]:
                listed = self._listed(lesion["identifier"])
                self.assertAlmostEqual(listed.long_axis_mm, lesion["longest_diameter_mm"], delta=0.12 * lesion["longest_diameter_mm"])
                self.assertAlmostEqual(listed.volume_ml, lesion["volume_ml"], delta=0.15 * lesion["volume_ml"])
                self.assertFalse(listed.outdated)
        self.assertEqual(self.ui.measureAllButton.text, _("Measure all"))

    def test_growFromClick(self):
        """A lesion grown from a click is that which was outlined; the slider changes it, undo brings all back."""
        from HCCResponseLib.scene.lesion_identity import segment_of_lesion

        before = self._mask("HCC 2")
        point = self.widget._segmentation().GetSegmentCenterRAS(self._listed("HCC 2").segment_id)
        self._choose("HCC 2")
        self.ui.removeButton.click()
        self.assertEqual([lesion.name for lesion in self.widget._lesions], ["HCC 1", "HCC 3"])
        self.widget.growFrom(point)
        name = self.widget._listed().name
        self.assertEqual(self.widget._listed().segment_id, self.widget._parameterNode.growing)
        found = self._mask(name)
        self.assertGreater(2 * (found & before).sum() / (found.sum() + before.sum()), 0.75)
        self.ui.strengthSlider.value = 0.7
        larger = self._mask(name)
        self.assertTrue((larger & found).sum() == found.sum() < larger.sum())
        self.ui.strengthSlider.value = 0.5
        self.ui.acceptGrowthButton.click()
        accepted = self._listed(name)
        self.assertFalse(accepted.proposed)
        self.assertAlmostEqual(accepted.long_axis_mm, 46.0, delta=5.0)
        for _step in range(3):
            self.ui.undoButton.click()
        self.assertEqual([lesion.name for lesion in self.widget._lesions], ["HCC 1", "HCC 2", "HCC 3"])
        self.assertTrue((self._mask("HCC 2") == before).all())
        self.assertIsNotNone(segment_of_lesion(self.widget._segmentation(), self._listed("HCC 2").uid))

    def test_bringFromBaseline(self):
        """Outlines brought from the baseline lie where the lesions are, wait as proposals, and keep their identity."""
        identities = {lesion.name: lesion.uid for lesion in self.widget._lesions}
        self._examine(1)
        truth = {name: self._mask(name) for name in ("HCC 2", "HCC 3")}
        for name in truth:
            self._choose(name)
            self.ui.removeButton.click()
        self.ui.bringButton.click()
        for name, mask in truth.items():
            listed = self._listed(name)
            self.assertTrue(listed.proposed)
            self.assertEqual(listed.uid, identities[name])
            found = self._mask(name)
            self.assertGreater((found & mask).sum() / min(found.sum(), mask.sum()), 0.6, name)
        self.assertFalse(self._listed("HCC 1").proposed)
        self._choose("HCC 2")
        self.ui.acceptButton.click()
        self.assertFalse(self._listed("HCC 2").proposed)
        self.assertGreater(self._listed("HCC 2").long_axis_mm, 30.0)
        self._choose("HCC 3")
        self.ui.rejectButton.click()
        self.assertEqual([lesion.name for lesion in self.widget._lesions], ["HCC 1", "HCC 2"])

    def test_draggedLine(self):
        """The end of a line is dragged: the diameter is the reader's, and undo makes it the software's again."""
        from HCCResponseLib.scene.diameter_lines import diameter_lines
        from HCCResponseLib.scene.measurement_table import measurements

        self._choose("HCC 3")
        self.ui.measureButton.click()
        listed = self._listed("HCC 3")
        line = diameter_lines(self.widget._segmentation(), listed.uid, "LONG_AXIS")[0]
        start, end = ([0.0] * 3, [0.0] * 3)
        line.GetNthControlPointPositionWorld(0, start)
        line.GetNthControlPointPositionWorld(1, end)
        line.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointStartInteractionEvent)
        line.SetNthControlPointPositionWorld(1, *(a + 1.25 * (b - a) for a, b in zip(start, end, strict=True)))
        line.InvokeEvent(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent)
        self.widget._onSettled()
        moved = self._listed("HCC 3")
        self.assertAlmostEqual(moved.long_axis_mm, 1.25 * listed.long_axis_mm, places=3)
        self.assertIn("by hand", measurements(lesion_uid=listed.uid, quantity="LONG_AXIS")[0].method)
        self.ui.measureButton.click()
        self.assertAlmostEqual(self._listed("HCC 3").long_axis_mm, 1.25 * listed.long_axis_mm, places=3)
        self.ui.resetLinesButton.click()
        self.assertAlmostEqual(self._listed("HCC 3").long_axis_mm, listed.long_axis_mm, places=6)
        for _step in range(3):
            self.ui.undoButton.click()
        self.widget._onSettled()
        self.assertAlmostEqual(self._listed("HCC 3").long_axis_mm, listed.long_axis_mm, places=6)

    def test_mergeAndSplit(self):
        """Two lesions merged at a follow-up are one with a finding; split again they are two new ones that remember it."""
        from HCCResponseLib.response.finding import LesionState
        from HCCResponseLib.scene.findings import findings

        self._examine(1)
        kept, other = self._listed("HCC 2"), self._listed("HCC 3")
        masks = self._mask("HCC 2"), self._mask("HCC 3")
        self._choose("HCC 2", "HCC 3")
        self.ui.mergeButton.click()
        self.assertEqual(int(self._mask("HCC 2").sum()), int((masks[0] | masks[1]).sum()))
        finding = findings(self.widget._study)[0]
        self.assertEqual((finding.state, finding.lesion_uid, finding.merged_with), (LesionState.MERGED, other.uid, kept.uid))
        self.ui.splitButton.click()
        pieces = [lesion for lesion in self.widget._lesions if lesion.lesion.split_from == kept.uid]
        self.assertEqual([piece.name for piece in pieces], ["HCC 2 a", "HCC 2 b"])
        self.assertEqual({int(self._mask(piece.name).sum()) for piece in pieces}, {int(mask.sum()) for mask in masks})
        self.ui.undoButton.click()
        self.ui.undoButton.click()
        self.assertEqual([lesion.name for lesion in self.widget._lesions], ["HCC 1", "HCC 2", "HCC 3"])
        self.assertFalse(findings(self.widget._study))

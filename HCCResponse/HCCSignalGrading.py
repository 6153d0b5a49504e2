import enum
import os
import sys
from typing import Annotated

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import *

# In a source checkout the library stands beside this folder; a build or installation has it in this folder, on the path already.
_checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isdir(os.path.join(_checkout, "HCCResponseLib")) and _checkout not in sys.path:
    sys.path.insert(0, _checkout)

from HCCPanels.panel import Panel, PanelLogic

SEQUENCES = ("T1", "T2")


#
# HCCSignalGrading
#


class HCCSignalGrading(ScriptedLoadableModule):
    """Readers grade the signal of lesions on T1 and T2 by eye."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("HCC Signal Grading")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = ["Segmentations", "Volumes"]
        self.parent.contributors = ["HCCResponse contributors"]
        self.parent.helpText = _("""
<p>Grade the signal of each lesion on T1 and T2 against adjacent normal liver, from 1 (markedly hypointense) to 5 (markedly
hyperintense), lesion by lesion, with the keyboard alone.</p>
<ol><li>Enter who reads; choose this examination, all of them, or a blinded reading.</li>
<li>Press 1 to 5 for T1, then 1 to 5 for T2; the next lesion comes by itself.</li></ol>
<p>See <a href="https://github.com/HCCResponse/HCCResponse#hcc-signal-grading">the documentation</a>.</p>
""")
        self.parent.acknowledgementText = _("""
Signal grades and their course under therapy: Horger et al., BMC Cancer 2009;9:208, after van den Bos.
Age of haemorrhage on T1 and T2: Horger et al. 2009; Clin Mol Hepatol 2014;20:218.
""")
        slicer.app.connect("startupCompleted()", prepareScene)


def prepareScene() -> None:
    """Make our layouts known, so that scenes that were saved with them load, and end in them what was on at saving."""
    from HCCResponseLib.scene.comparison_views import register_layouts

    register_layouts()
    slicer.mrmlScene.AddObserver(slicer.mrmlScene.EndImportEvent, endComparison)


def endComparison(_caller=None, _event=None) -> None:
    """Called when a scene was loaded: no panel is comparing in it yet."""
    from HCCResponseLib.scene.comparison_views import COMPARISON_LAYOUT, PAIR_LAYOUT, put_back

    put_back()
    manager = slicer.app.layoutManager()
    if manager is not None and manager.layout in (COMPARISON_LAYOUT, PAIR_LAYOUT):
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)


#
# HCCSignalGradingParameterNode
#


class Scope(enum.Enum):
    """Which lesions are graded; stored by name, so names stay as they are."""

    EXAMINATION = "examination"
    PATIENT = "patient"

    def label(self) -> str:
        """Text in the panel."""
        return {Scope.EXAMINATION: _("of this examination"), Scope.PATIENT: _("of all examinations of the patient")}[self]


class Comparison(enum.Enum):
    """What stands beside the examination that is graded; stored by name, so names stay as they are."""

    BASELINE = "baseline"
    PREVIOUS = "previous"
    NOTHING = "nothing"

    def label(self) -> str:
        """Text in the panel."""
        return {
            Comparison.BASELINE: _("baseline"),
            Comparison.PREVIOUS: _("previous examination"),
            Comparison.NOTHING: _("nothing"),
        }[self]


@parameterNodeWrapper
class HCCSignalGradingParameterNode:
    """
    The settings of the panel; examination, lesion and reader are shared by all panels.

    scope - Which lesions are graded.
    blinded - Lesions of all examinations in mixed order, without dates, names and other grades.
    orderSeed - Mixes the lesions of a blinded reading.
    sequence - Which sequence the keys act on.
    t1Role, t2Role - Role of the image to grade on; empty for the one that is best suited.
    compareWith - What stands beside the examination that is graded.
    showOutline - Show the outline of the lesion.
    showProposals - Show what the software would propose.
    goOn - Show the next lesion when one is graded.
    drafts - Comments on what is not graded yet.
    """

    scope: Scope = Scope.EXAMINATION
    blinded: bool = False
    orderSeed: Annotated[int, WithinRange(1, 9999)] = 1
    sequence: str = "T1"
    t1Role: str
    t2Role: str
    compareWith: Comparison = Comparison.BASELINE
    showOutline: bool = True
    showProposals: bool = True
    goOn: bool = True
    drafts: dict[str, str]


#
# HCCSignalGradingWidget
#


class HCCSignalGradingWidget(Panel):
    """The panel: widgets, parameter node and scene functions, nothing else."""

    LESION, EXAMINATION, T1, T2 = range(4)

    def __init__(self, parent=None) -> None:
        Panel.__init__(self, parent)
        self._views = None
        self._shortcuts = []
        self._worklist = []
        self._item = None
        self._grades = {}
        self._shown = None
        self._userChoseLayout = False
        self._dataProbeHidden = False
        self._proposals = {}
        self._commentsOf = None
        self._reason = ""

    def setUpPanel(self) -> None:
        """Tables, buttons and their connections."""
        import qt
        from HCCPanels.examination_combo import ExaminationCombo
        from HCCPanels.tables import Filling, prepare

        from HCCResponseLib.scene.comparison_views import ComparisonViews

        self._views = ComparisonViews()
        self._filling = Filling()
        self._examinations = ExaminationCombo(self.ui.studyComboBox)
        ui = self.ui
        self._labels = {"T1": ui.t1Label, "T2": ui.t2Label}
        self._frames = {"T1": ui.t1Frame, "T2": ui.t2Frame}
        self._volumeCombos = {"T1": ui.t1VolumeComboBox, "T2": ui.t2VolumeComboBox}
        self._notGradable = {"T1": ui.t1NotGradableButton, "T2": ui.t2NotGradableButton}
        self._clear = {"T1": ui.t1ClearButton, "T2": ui.t2ClearButton}
        self._proposalLabels = {"T1": ui.t1ProposalLabel, "T2": ui.t2ProposalLabel}
        self._comments = {"T1": ui.t1CommentLineEdit, "T2": ui.t2CommentLineEdit}
        self._gradeButtons = {
            "T1": [ui.t1Grade1Button, ui.t1Grade2Button, ui.t1Grade3Button, ui.t1Grade4Button, ui.t1Grade5Button],
            "T2": [ui.t2Grade1Button, ui.t2Grade2Button, ui.t2Grade3Button, ui.t2Grade4Button, ui.t2Grade5Button],
        }
        for sequence in SEQUENCES:
            for n, button in enumerate(self._gradeButtons[sequence]):
                button.setIcon(self._greyIcon(n))
                button.connect("clicked(bool)", lambda _on, sequence=sequence, grade=n + 1: self.onGrade(sequence, grade))
            self._notGradable[sequence].connect("clicked(bool)", lambda _on, sequence=sequence: self.onGrade(sequence, None))
            self._clear[sequence].connect("clicked(bool)", lambda _on, sequence=sequence: self.onClear(sequence))
            self._volumeCombos[sequence].connect("activated(int)", lambda index, sequence=sequence: self.onVolumeChosen(sequence, index))
            self._comments[sequence].connect("editingFinished()", self.keepComments)
            self._comments[sequence].connect("returnPressed()", lambda sequence=sequence: self.onCommentEntered(sequence))
        ui.readerLineEdit.connect("editingFinished()", self.onReaderEntered)
        ui.readerLineEdit.connect("returnPressed()", ui.readerLineEdit.clearFocus)  # keys grade from now on
        ui.blindedCheckBox.connect("clicked(bool)", self.onBlinded)
        ui.previousButton.connect("clicked(bool)", lambda _on: self.onStep(-1))
        ui.nextButton.connect("clicked(bool)", lambda _on: self.onStep(1))
        ui.worklistTable.connect("cellClicked(int,int)", lambda row, _column: self.goToItem(self._worklist[row]))
        ui.courseTable.connect("cellClicked(int,int)", self.onCourseClicked)
        ui.centreButton.connect("clicked(bool)", self.onCentre)
        ui.nextStepButton.connect("clicked(bool)", lambda _on: self.goTo("HCCNecrosisVolumetry"))
        prepare(ui.worklistTable, [_("Lesion"), _("Examination"), _("T1"), _("T2")])
        prepare(ui.courseTable, [_("Examination"), _("Reader"), _("T1"), _("T2"), _("Comment")], stretch=4)
        header = ui.courseTable.horizontalHeader()
        header.setSectionResizeMode(1, qt.QHeaderView.Interactive)  # a long name leaves room for the comment
        header.resizeSection(1, 70)

    def initializePanel(self) -> None:
        """Called each time the panel takes a parameter node."""
        self._userChoseLayout = False
        self._shown = None
        self._proposals = {}
        self._installShortcuts()
        if self._parameterNode.blinded:
            self._beginBlinded()

    def leavePanel(self) -> None:
        """Keep what was typed, and give back views, keys and the data probe."""
        if not slicer.mrmlScene.IsClosing():
            self.keepComments()
        self._removeShortcuts()
        self._endViews()
        self._item = self._commentsOf = None
        self._worklist = []

    def shownNodes(self) -> list:
        """The measurement table and the outlines."""
        from HCCResponseLib.scene.measurement_table import measurement_tables
        from HCCResponseLib.scene.study_nodes import segmentation_of_study

        studies = dict.fromkeys(item.study_item for item in self._worklist)
        return [*measurement_tables(), *(segmentation_of_study(study) for study in studies)]

    #
    # What the panel shows
    #

    def updatePanel(self) -> None:
        """Show the lesion that is graded, its grades, and what is left."""
        parameters = self._parameterNode
        self._worklist = self.logic.worklist(parameters)
        self._grades, problems = self.logic.grades()
        self._item = self.logic.currentItem(self._worklist, self._grades)
        with self._filling:
            self._showCase()
            self._showLesion()
            for sequence in SEQUENCES:
                self._showSequence(sequence)
            self._commentsOf = self._item
            self._showHint()
            self._showWorklist()
            self._showCourse()
        if problems:
            self.say(problems[0])
        self._showViews()

    def _showCase(self) -> None:
        from HCCResponseLib.scene.reader_name import reader_name

        parameters, ui = self._parameterNode, self.ui
        self._examinations.update()
        for widget in (ui.studyLabel, ui.studyComboBox, ui.scopeLabel, ui.scopeComboBox):
            widget.visible = not parameters.blinded
        if not ui.readerLineEdit.hasFocus():
            ui.readerLineEdit.text = reader_name()
        ui.compareComboBox.enabled = not parameters.blinded
        ui.orderSeedSpinBox.enabled = parameters.blinded
        ui.keysLabel.visible = self._item is not None
        available = hasattr(slicer.modules, "hccnecrosisvolumetry")
        ui.nextStepButton.enabled = available
        ui.nextStepButton.toolTip = (
            _("Open HCC Necrosis Volumetry with the same examination and lesion.")
            if available
            else _("The module HCC Necrosis Volumetry is not loaded.")
        )

    def _showLesion(self) -> None:
        ui, item = self.ui, self._item
        done = sum(self.logic.isDone(self._parameterNode, one, self._grades) for one in self._worklist)
        left = len(self._worklist) - done
        ui.gradedProgressBar.maximum = max(len(self._worklist), 1)
        ui.gradedProgressBar.value = done
        ui.leftLabel.text = _("all {count} graded").format(count=done) if done and not left else _("{left} left").format(left=left)
        ui.previousButton.enabled = ui.nextButton.enabled = len(self._worklist) > 1
        ui.lesionLabel.text = self.logic.title(self._parameterNode, item, self._worklist) if item else _("No lesion to grade")
        if item is None:
            ui.leftLabel.text = ""
            self._reason = self.logic.whyNothing()
            self.say(self._reason)
        elif self._reason and ui.statusLabel.text == self._reason:
            self.say("")

    def _showSequence(self, sequence: str) -> None:
        parameters, item = self._parameterNode, self._item
        given = self.logic.given(item, sequence, self._grades)
        volumes = self.logic.volumes(item, sequence)
        volume = self.logic.volume(parameters, item, sequence)
        reason = self.logic.whyNot(item, sequence, volume)
        active = item is not None and parameters.sequence == sequence
        self._labels[sequence].text = _("{sequence}  ⌨ 1–5").format(sequence=sequence) if active else sequence
        self._labels[sequence].toolTip = _("The keys act on this sequence; S changes to the other one.") if active else ""
        self._frames[sequence].styleSheet = self._frameStyle(self._frames[sequence].objectName, active)

        combo = self._volumeCombos[sequence]
        titles = [self.logic.volumeTitle(one) for one in volumes]
        if [combo.itemText(n) for n in range(combo.count)] != titles:
            combo.clear()
            combo.addItems(titles)
        if volume is not None:
            combo.setCurrentIndex(volumes.index(volume))
        combo.enabled = len(volumes) > 1

        for n, button in enumerate(self._gradeButtons[sequence], start=1):
            button.checkable = True
            button.checked = given is not None and given.grade == n
            button.enabled = not reason
            button.toolTip = reason or _("{label} against adjacent normal liver on {sequence} (key {key}).").format(
                label=self.logic.gradeLabel(n),
                sequence=sequence,
                key=n,
            )
        button = self._notGradable[sequence]
        button.checked = given is not None and given.grade is None
        button.enabled = not reason
        button.toolTip = reason or _("{sequence} cannot be graded: artefact, or the lesion is not seen (key 0).").format(sequence=sequence)
        button = self._clear[sequence]
        button.enabled = given is not None
        button.toolTip = (
            _("Take your grade on {sequence} back (Backspace).") if given is not None else _("You have not graded {sequence} yet.")
        ).format(sequence=sequence)

        comment = self._comments[sequence]
        comment.enabled = not reason
        if not comment.hasFocus() or self._commentsOf != item:  # what is being typed stays
            comment.text = self.logic.comment(parameters, item, sequence, self._grades)
        text, toolTip = self._proposalText(sequence, volume)
        self._proposalLabels[sequence].text = text
        self._proposalLabels[sequence].toolTip = toolTip
        self._proposalLabels[sequence].visible = bool(text)

    def _proposalText(self, sequence: str, volume) -> tuple[str, str]:
        item = self._item
        if item is None or volume is None or not self._parameterNode.showProposals:
            return "", ""
        key = (item, sequence, volume.GetID(), self._parameterNode.blinded)
        if key not in self._proposals:
            self._proposals[key] = self.logic.proposalText(self._parameterNode, item, sequence, volume)
        return self._proposals[key]

    def _showHint(self) -> None:
        parameters = self._parameterNode
        self.ui.hintLabel.text = "" if self._item is None or parameters.blinded else self.logic.hint(self._item)
        self.ui.hintLabel.visible = bool(self.ui.hintLabel.text)

    def _showWorklist(self) -> None:
        from HCCPanels.tables import cell

        table, parameters = self.ui.worklistTable, self._parameterNode
        table.setColumnHidden(self.EXAMINATION, parameters.blinded or parameters.scope == Scope.EXAMINATION)
        table.setRowCount(len(self._worklist))
        for row, item in enumerate(self._worklist):
            current = item == self._item
            cell(table, row, self.LESION, self.logic.lesionTitle(parameters, item, self._worklist), bold=current)
            cell(table, row, self.EXAMINATION, "" if parameters.blinded else self.logic.examinationTitle(item.study_item), bold=current)
            for column, sequence in ((self.T1, "T1"), (self.T2, "T2")):
                given = self.logic.given(item, sequence, self._grades)
                text = self.logic.gradeText(given) if not parameters.blinded or given is None else "✓"
                cell(table, row, column, text, number=True, bold=current, grey=given is None)
        if self._item in self._worklist:
            row = self._worklist.index(self._item)
            table.selectRow(row)
            table.scrollToItem(table.item(row, 0))
        else:
            table.clearSelection()

    def _showCourse(self) -> None:
        from HCCPanels.tables import cell

        table = self.ui.courseTable
        self.ui.courseCollapsibleButton.visible = not self._parameterNode.blinded
        rows = self.logic.course(self._item, self._grades) if self._item and not self._parameterNode.blinded else []
        table.setRowCount(len(rows))
        for row, graded in enumerate(rows):
            study = self.logic.studyAt(graded.time_point)
            bold = study == self._item.study_item
            title = self.logic.examinationTitle(study) if study else _("Time point {index}").format(index=graded.time_point)
            cell(table, row, 0, title, data=study, bold=bold)
            cell(table, row, 1, graded.reader or "–", toolTip=graded.reader, bold=bold)
            for column, sequence in ((2, "T1"), (3, "T2")):
                cell(table, row, column, self.logic.gradeText(graded.grades.get(sequence)), number=True, bold=bold)
            comments = [f"{sequence}: {given.comment}" for sequence, given in sorted(graded.grades.items()) if given.comment]
            cell(table, row, 4, "; ".join(comments), toolTip="\n".join(comments))

    @staticmethod
    def _greyIcon(step: int):
        """A swatch of the grey that the grade stands for."""
        import qt

        pixmap = qt.QPixmap(30, 10)
        pixmap.fill(qt.QColor("grey"))
        painter = qt.QPainter(pixmap)
        painter.fillRect(1, 1, 28, 8, qt.QColor.fromHsv(0, 0, (0, 70, 128, 190, 255)[step]))
        painter.end()
        return qt.QIcon(pixmap)

    @staticmethod
    def _frameStyle(name: str, active: bool) -> str:
        """The sequence that the keys act on stands out, and so does the grade that was given; colours are the application's."""
        edge = "2px solid palette(highlight)" if active else "2px solid palette(midlight)"
        return (
            f"QFrame#{name} {{ border: {edge}; border-radius: 5px; }}"
            " QToolButton { border: 1px solid palette(mid); border-radius: 4px; padding: 1px; background: palette(button); }"
            " QToolButton:hover { border-color: palette(highlight); }"
            " QToolButton:focus { border-color: palette(text); }"
            " QToolButton:checked { background: palette(highlight); color: palette(highlighted-text); }"
        )

    #
    # The views
    #

    def _showViews(self) -> None:
        """Show the lesion in the views, when it is another one or to be shown otherwise than before."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.comparison_views import COMPARISON_LAYOUT, PAIR_LAYOUT

        if self._item is None or slicer.app.layoutManager() is None:
            self._endViews()
            self.layoutLoan.giveBack()
            return
        parameters = self._parameterNode
        now, before = self.logic.images(parameters, self._item)
        wanted = (self._item, parameters.blinded, *(self._volumeIds(one) for one in (now, before)))
        if wanted == self._shown:
            self._views.set_outline(parameters.showOutline)
            return
        if self._shown is not None and not self.layoutLoan.isOut:
            self._userChoseLayout = True  # who changed the layout meanwhile keeps it
        self._shown = wanted
        if not self._userChoseLayout:
            self.layoutLoan.borrow(PAIR_LAYOUT if before is None else COMPARISON_LAYOUT)
        self._hideNames(parameters.blinded)
        try:
            self._views.show(now, before, outline=parameters.showOutline)
        except InputError as error:
            self._views.end()
            self.say(_("This case cannot be shown: its outline is empty or gone.") if parameters.blinded else str(error))
            return
        self._frameSoon()

    @staticmethod
    def _volumeIds(images):
        return None if images is None else (images.title, *(volume and volume.GetID() for volume in images.volumes.values()))

    def _frameSoon(self) -> None:
        """Frame the lesion again when the views of a new layout have their size."""
        import qt

        qt.QTimer.singleShot(0, self._views.frame)

    def _endViews(self) -> None:
        self._views.end()
        self._shown = None
        self._hideNames(False)

    def _hideNames(self, hidden: bool) -> None:
        """Hide or show again what tells images apart: texts, positions and menus of our views, and the data probe."""
        from HCCResponseLib.scene.comparison_views import view_name

        manager, window = slicer.app.layoutManager(), slicer.util.mainWindow()
        for name in (view_name(sequence, before=before) for sequence in SEQUENCES for before in (True, False)):
            widget = manager.sliceWidget(name) if manager is not None else None
            if widget is not None:
                widget.sliceView().cornerAnnotation().SetVisibility(not hidden)
                for part in (widget.sliceController().sliceOffsetSlider(), widget.sliceController().pinButton()):
                    part.visible = not hidden
        probe = slicer.util.findChild(window, "DataProbeCollapsibleWidget") if window is not None else None
        if probe is not None and hidden and not self._dataProbeHidden and probe.visible:
            probe.visible = False
            self._dataProbeHidden = True
        elif probe is not None and not hidden and self._dataProbeHidden:
            probe.visible = True
            self._dataProbeHidden = False

    #
    # Keys: they act wherever the focus is in the main window, except where text is typed, and only while the panel is open
    #

    def _installShortcuts(self) -> None:
        import qt

        if self._shortcuts:
            return
        actions = {
            "0": lambda: self.onKey(None),
            "Backspace": lambda: self.onClear(self._parameterNode.sequence),
            "S": self.onOtherSequence,
            "N": lambda: self.onStep(1),
            "P": lambda: self.onStep(-1),
            "C": self.onCommentKey,
            "O": self.ui.outlineCheckBox.click,
        }
        actions |= {str(grade): lambda grade=grade: self.onKey(grade) for grade in range(1, 6)}
        parent = slicer.util.mainWindow() or self.parent
        for key, action in actions.items():
            shortcut = qt.QShortcut(parent)
            shortcut.setKey(qt.QKeySequence(key))
            shortcut.setAutoRepeat(False)
            shortcut.connect("activated()", action)
            self._shortcuts.append(shortcut)

    def _removeShortcuts(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.disconnect("activated()")
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []

    def onKey(self, grade: int | None) -> None:
        """Key 1 to 5 or 0: a grade on the sequence that the keys act on."""
        if self._parameterNode:
            self.onGrade(self._parameterNode.sequence, grade)

    def onOtherSequence(self) -> None:
        """Key S: the keys act on the other sequence."""
        parameters = self._parameterNode
        parameters.sequence = SEQUENCES[1 - SEQUENCES.index(parameters.sequence)]
        self.refresh()

    def onCommentKey(self) -> None:
        """Key C: write a comment on the sequence that the keys act on."""
        comment = self._comments[self._parameterNode.sequence]
        comment.setFocus()
        comment.selectAll()

    def onCommentEntered(self, sequence: str) -> None:
        """Return in a comment: keys grade again."""
        self.keepComments()
        self._comments[sequence].clearFocus()
        self.refresh()

    #
    # What the user does
    #

    def onGrade(self, sequence: str, grade: int | None) -> None:
        """Keep a grade, and go on to what is left."""
        self.onReaderEntered()  # a button does not take the focus from a name that was just typed
        item, parameters = self._item, self._parameterNode
        if not parameters or item is None:
            return
        volume = self.logic.volume(parameters, item, sequence)
        reason = self.logic.whyNot(item, sequence, volume)
        if reason:
            self.refresh()  # a click had checked the button
            self.say(reason)
            return
        self.keepComments()
        with self.tellingErrors(_("The grade could not be kept.")):
            self.logic.grade(parameters, item, sequence, grade, self._comments[sequence].text, volume)
            self._grades = self.logic.grades()[0]
            self._goOn(item, sequence)
        self.refresh()

    def _goOn(self, item, sequence: str) -> None:
        """After a grade: the other sequence if it is not graded, else the next lesion that is not."""
        parameters, logic = self._parameterNode, self.logic
        other = SEQUENCES[1 - SEQUENCES.index(sequence)]
        if logic.isOpen(parameters, item, other, self._grades):
            logic.select(item)
            parameters.sequence = other
            return
        said = logic.summary(parameters, item, self._worklist, self._grades)
        hint = "" if parameters.blinded else logic.hint(item)
        following = logic.nextOpen(parameters, item, self._worklist, self._grades)
        if following is None:
            logic.select(item)
            parameters.sequence = sequence
            said += " " + _("All lesions are graded.")
        elif parameters.goOn:
            logic.select(following)
            parameters.sequence = logic.firstOpen(parameters, following, self._grades)
            said = f"{said} {hint}".strip()  # it is not shown beside the grades any more
        else:
            logic.select(item)
            parameters.sequence = sequence
        self.say(said)

    def onClear(self, sequence: str) -> None:
        """Take a grade back."""
        self.onReaderEntered()
        if not self._parameterNode or self._item is None:
            return
        self.keepComments()
        with self.tellingErrors(_("The grade could not be cleared.")):
            self.logic.select(self._item)
            if self.logic.clear(self._parameterNode, self._item, sequence, self._grades):
                self._parameterNode.sequence = sequence
                self.say(_("The grade on {sequence} was cleared.").format(sequence=sequence))
            else:
                self.say(_("You have not graded {sequence} yet.").format(sequence=sequence))
        self.refresh()

    def onStep(self, step: int) -> None:
        """The lesion after or before this one in the list."""
        if not self._parameterNode or self._item not in self._worklist:
            return
        place = self._worklist.index(self._item) + step
        if 0 <= place < len(self._worklist):
            self.goToItem(self._worklist[place])
        else:
            self.say(_("This is the last lesion of the list.") if step > 0 else _("This is the first lesion of the list."))

    def goToItem(self, item) -> None:
        """Grade another lesion."""
        self.keepComments()
        self.say("")
        self.logic.select(item)
        self._parameterNode.sequence = self.logic.firstOpen(self._parameterNode, item, self._grades)
        self.refresh()

    def onCourseClicked(self, row: int, _column: int) -> None:
        """Show the lesion in the examination of a row."""
        import qt

        from HCCResponseLib.scene.selection import select_study

        study = self.ui.courseTable.item(row, 0).data(qt.Qt.UserRole)
        self.keepComments()
        if study and self._item is not None:
            self.logic.select(self._item)
            select_study(int(study))
            self.refresh()

    def keepComments(self) -> None:
        """Keep what stands in the comments: with the grade, or until there is one."""
        parameters, item = self._parameterNode, self._item
        if not parameters or item is None or item != self._commentsOf or self._filling:
            return
        for sequence in SEQUENCES:
            text = " ".join(self._comments[sequence].text.split())
            if text != self.logic.comment(parameters, item, sequence, self._grades) and self._comments[sequence].enabled:
                with self.tellingErrors(_("The comment could not be kept.")):
                    self.logic.keepComment(parameters, item, sequence, text, self._grades)
                    self._grades = self.logic.grades()[0]

    def onReaderEntered(self) -> None:
        """Another reader has other grades, and another order in a blinded reading."""
        from HCCResponseLib.scene.reader_name import reader_name, set_reader_name

        name = self.ui.readerLineEdit.text.strip()
        if not self._parameterNode or name == reader_name():
            return
        self.keepComments()  # they are the former reader's
        if self._item is not None:
            self.logic.select(self._item)  # the lesion in the views stays
        set_reader_name(name)
        self.say("")
        self.refresh()

    def onBlinded(self, blinded: bool) -> None:
        """Proposals are hidden where the reading begins to be blinded; who wants them may show them again."""
        self.keepComments()
        self._parameterNode.showProposals = not blinded
        self.say("")
        if blinded:
            self._beginBlinded()
        self.refresh()

    def _beginBlinded(self) -> None:
        """Show the first case that is not graded: the lesion that was shown before, here or in another panel, is known."""
        parameters, logic = self._parameterNode, self.logic
        worklist, grades = logic.worklist(parameters), logic.grades()[0]
        unfinished = [item for item in worklist if not logic.isDone(parameters, item, grades)]
        if worklist:
            item = (unfinished or worklist)[0]
            logic.select(item)
            parameters.sequence = logic.firstOpen(parameters, item, grades)

    def onVolumeChosen(self, sequence: str, index: int) -> None:
        """Grade on another image of the sequence, here and in all examinations that have it."""
        self.logic.chooseVolume(self._parameterNode, sequence, self.logic.volumes(self._item, sequence)[index])
        self.refresh()

    def onCentre(self, _clicked: bool = False) -> None:
        """Show the lesion as at first, in our layout."""
        self._userChoseLayout = False
        self._shown = None
        self.refresh()


#
# HCCSignalGradingLogic
#


class HCCSignalGradingLogic(PanelLogic):
    """What the panel asks of the scene."""

    parameterNodeClass = HCCSignalGradingParameterNode

    def worklist(self, parameters) -> list:
        """The lesions to grade."""
        from HCCResponseLib.scene.grading_worklist import grading_worklist
        from HCCResponseLib.scene.reader_name import reader_name
        from HCCResponseLib.scene.selection import selected_patient, selected_study
        from HCCResponseLib.scene.study_nodes import examinations_of_patient

        patient, study = selected_patient(), selected_study()
        if not patient or not study:
            return []
        if parameters.blinded:
            return grading_worklist(examinations_of_patient(patient), seed=parameters.orderSeed, reader=reader_name())
        return grading_worklist([study] if parameters.scope == Scope.EXAMINATION else examinations_of_patient(patient))

    def grades(self) -> tuple[dict, list[str]]:
        """All grades of the patient, and what is wrong in the table."""
        from HCCResponseLib.scene.grading_worklist import given_grades
        from HCCResponseLib.scene.selection import selected_patient

        patient = selected_patient()
        return given_grades(patient) if patient else ({}, [])

    def whyNothing(self) -> str:
        """Why there is no lesion to grade, and what to do."""
        from HCCResponseLib.scene.selection import selected_patient, selected_study
        from HCCResponseLib.scene.time_points import time_point

        if not selected_patient() or not selected_study():
            return _("No examination is in the scene; import examinations in HCC Response first.")
        if time_point(selected_study()) is None:
            return _("This examination is no time point yet; say which one it is in HCC Response.")
        return _("No lesion is outlined in this examination; outline lesions in HCC Lesion Segmentation first.")

    #
    # A lesion of the list
    #

    def currentItem(self, worklist: list, grades: dict):
        """The selected lesion where it is in the list; else the first that is not graded, of the selected examination if possible."""
        from HCCResponseLib.scene.selection import selected_lesion, selected_study

        study, lesion = selected_study(), selected_lesion()
        parameters = self.getParameterNode()
        selected = [item for item in worklist if (item.study_item, item.lesion_uid) == (study, lesion)]
        unfinished = [item for item in worklist if not self.isDone(parameters, item, grades)]
        here = [] if parameters.blinded else [item for item in unfinished if item.study_item == study]
        return next(iter(selected or here or unfinished or worklist), None)

    def select(self, item) -> None:
        """Work with a lesion in its examination, in all panels."""
        from HCCResponseLib.scene.selection import select_lesion, select_study

        select_study(item.study_item)
        select_lesion(item.lesion_uid)

    def lesionTitle(self, parameters, item, worklist: list) -> str:
        """What to call a lesion; its name would tell a blinded reader which it is."""
        from HCCResponseLib.scene.lesion_identity import lesion_identity

        if parameters.blinded:
            return _("Case {number}").format(number=worklist.index(item) + 1)
        node = self.segmentation(item)
        identity = lesion_identity(node, item.segment_id)
        return identity.identifier or node.GetSegmentation().GetSegment(item.segment_id).GetName()

    def title(self, parameters, item, worklist: list) -> str:
        """Lesion and examination."""
        if parameters.blinded:
            return _("Case {number} of {count}").format(number=worklist.index(item) + 1, count=len(worklist))
        return f"{self.lesionTitle(parameters, item, worklist)} · {self.examinationTitle(item.study_item)}"

    def examinationTitle(self, study: int) -> str:
        """An examination without its date, for a table or a view."""
        from HCCResponseLib.scene.study_nodes import examination_title

        return examination_title(study, date=False)

    def segmentation(self, item):
        """The outlines of an examination."""
        from HCCResponseLib.scene.study_nodes import segmentation_of_study

        return segmentation_of_study(item.study_item)

    #
    # Images
    #

    def volumes(self, item, sequence: str) -> list:
        """Images that a sequence can be graded on, one for each role."""
        from HCCResponseLib.scene.grading_worklist import grading_volumes
        from HCCResponseLib.scene.roles import role

        by_role = {}
        for volume in grading_volumes(item.study_item, sequence) if item is not None else ():
            by_role.setdefault(role(volume), volume)
        return list(by_role.values())

    def volume(self, parameters, item, sequence: str):
        """The image to grade on: that of the chosen role where the examination has it, else the best suited; None without any."""
        from HCCResponseLib.scene.roles import role

        volumes = self.volumes(item, sequence)
        chosen = {"T1": parameters.t1Role, "T2": parameters.t2Role}[sequence]
        return next((one for one in volumes if role(one) == chosen), None) or next(iter(volumes), None)

    def volumeTitle(self, volume) -> str:
        """The role of an image: its name may tell the date."""
        from HCCResponseLib.scene.roles import role

        return role(volume).title

    def chooseVolume(self, parameters, sequence: str, volume) -> None:
        """Grade a sequence on images of this volume's role."""
        from HCCResponseLib.scene.roles import role

        setattr(parameters, f"{sequence.lower()}Role", str(role(volume).value))

    def images(self, parameters, item) -> tuple:
        """What the views show: the lesion, and the same one in the examination to compare with (None without)."""
        from HCCResponseLib.scene.comparison_views import LesionImages

        def of(one, title):
            volumes = {sequence: self.volume(parameters, one, sequence) for sequence in SEQUENCES}
            return LesionImages(self.segmentation(one), one.segment_id, volumes, title)

        earlier = self.earlier(parameters, item)
        title = "" if parameters.blinded else self.examinationTitle(item.study_item)
        return of(item, title), None if earlier is None else of(earlier, self.examinationTitle(earlier.study_item))

    def earlier(self, parameters, item):
        """The same lesion in the examination to compare with; None where there is none."""
        from HCCResponseLib.scene.grading_worklist import grading_worklist
        from HCCResponseLib.scene.selection import selected_patient
        from HCCResponseLib.scene.study_nodes import examinations_of_patient

        if parameters.blinded or parameters.compareWith == Comparison.NOTHING:
            return None
        studies = examinations_of_patient(selected_patient())
        before = studies[: studies.index(item.study_item)]
        found = [one for one in grading_worklist(before) if one.lesion_uid == item.lesion_uid]
        if not found:
            return None
        return found[0] if parameters.compareWith == Comparison.BASELINE else found[-1]

    #
    # Grades
    #

    def reading(self, item):
        """Who reads which examination."""
        from HCCResponseLib.scene.measurement_rows import reading_of
        from HCCResponseLib.scene.reader_name import reader_name

        return reading_of(self.segmentation(item), reader_name())

    def given(self, item, sequence: str, grades: dict):
        """What this reader gave; None where nothing was given."""
        from HCCResponseLib.scene.reader_name import reader_name
        from HCCResponseLib.scene.time_points import time_point

        if item is None:
            return None
        return grades.get((time_point(item.study_item).index, item.lesion_uid, sequence, reader_name()))

    def isOpen(self, parameters, item, sequence: str, grades: dict) -> bool:
        """Whether a sequence can be graded and is not."""
        return self.volume(parameters, item, sequence) is not None and self.given(item, sequence, grades) is None

    def isDone(self, parameters, item, grades: dict) -> bool:
        """Whether nothing is left to grade in a lesion."""
        given = [self.given(item, sequence, grades) for sequence in SEQUENCES]
        return any(given) and not any(self.isOpen(parameters, item, sequence, grades) for sequence in SEQUENCES)

    def firstOpen(self, parameters, item, grades: dict) -> str:
        """The sequence to grade first."""
        return next((one for one in SEQUENCES if self.isOpen(parameters, item, one, grades)), SEQUENCES[0])

    def nextOpen(self, parameters, item, worklist: list, grades: dict):
        """The next lesion that is not graded, from the start of the list again after its end; None where none is left."""
        place = worklist.index(item)
        order = worklist[place + 1 :] + worklist[: place + 1]
        return next((one for one in order if not self.isDone(parameters, one, grades)), None)

    def whyNot(self, item, sequence: str, volume) -> str:
        """Why a sequence cannot be graded; empty where it can."""
        from HCCResponseLib.scene.reader_name import reader_name

        if item is None:
            return _("There is no lesion to grade.")
        if volume is None:
            return _("This examination has no image with a {sequence} role; set one in HCC Response.").format(sequence=sequence)
        return "" if reader_name() else _("Enter who reads first.")

    def grade(self, parameters, item, sequence: str, grade: int | None, comment: str, volume) -> None:
        """Keep a grade with its comment."""
        from HCCResponseLib.scene.signal_grades import set_reader_grade

        reading = self.reading(item)
        set_reader_grade(self.segmentation(item), item.segment_id, sequence, grade, reading, comment=comment, volume_node=volume)
        self._setDraft(parameters, item, sequence, "")

    def clear(self, parameters, item, sequence: str, grades: dict) -> bool:
        """Take a grade back; its comment stays as a draft."""
        from HCCResponseLib.scene.grading_worklist import clear_grade
        from HCCResponseLib.scene.selection import selected_patient

        comment = self.comment(parameters, item, sequence, grades)
        cleared = clear_grade(selected_patient(), item.lesion_uid, sequence, self.reading(item))
        if cleared:
            self._setDraft(parameters, item, sequence, comment)
        return cleared

    def comment(self, parameters, item, sequence: str, grades: dict) -> str:
        """The comment of a grade, or the draft of one on what is not graded yet."""
        if item is None:
            return ""
        given = self.given(item, sequence, grades)
        return given.comment if given is not None else parameters.drafts.get(self._draftKey(item, sequence)) or ""

    def keepComment(self, parameters, item, sequence: str, text: str, grades: dict) -> None:
        """Keep a comment with its grade, or as a draft until there is one."""
        from HCCResponseLib.scene.grading_worklist import set_comment
        from HCCResponseLib.scene.selection import selected_patient

        if self.given(item, sequence, grades) is None:
            self._setDraft(parameters, item, sequence, text)
        else:
            set_comment(selected_patient(), item.lesion_uid, sequence, self.reading(item), text)

    def _draftKey(self, item, sequence: str) -> str:
        from HCCResponseLib.scene.reader_name import reader_name
        from HCCResponseLib.scene.selection import item_uid

        return "|".join((item.lesion_uid, item_uid(item.study_item), sequence, reader_name()))

    def _setDraft(self, parameters, item, sequence: str, text: str) -> None:
        drafts, key = dict(parameters.drafts), self._draftKey(item, sequence)
        if drafts.pop(key, "") != text:
            parameters.drafts = {**drafts, key: text} if text else drafts

    #
    # Words
    #

    def gradeLabel(self, grade: int) -> str:
        """A grade in words."""
        return {
            1: _("Markedly hypointense"),
            2: _("Slightly hypointense"),
            3: _("Isointense"),
            4: _("Slightly hyperintense"),
            5: _("Markedly hyperintense"),
        }[grade]

    def gradeText(self, given) -> str:
        """A grade in a table."""
        if given is None:
            return "–"
        return _("n. g.") if given.grade is None else str(given.grade)

    def summary(self, parameters, item, worklist: list, grades: dict) -> str:
        """What was graded, for the status line."""
        parts = [f"{sequence} {self.gradeText(self.given(item, sequence, grades))}" for sequence in SEQUENCES]
        name = self.lesionTitle(parameters, item, worklist) if parameters.blinded else self.title(parameters, item, worklist)
        return f"{name}: {', '.join(parts)}."

    def hint(self, item) -> str:
        """What the grades hint at of the age of haemorrhage, with the sources; empty where they say nothing."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.grading_worklist import therapy_day
        from HCCResponseLib.scene.selection import selected_patient
        from HCCResponseLib.scene.signal_grades import grade_timing_hint

        day = therapy_day(selected_patient(), item.study_item)
        try:
            found = grade_timing_hint(self.segmentation(item), item.segment_id, self.reading(item), day=day)
        except InputError:  # not both are graded
            return ""
        if found is None:
            return ""
        counted = "" if day is None else " " + _("Days are counted from the baseline examination.")
        return _("Hint: {sentence}").format(sentence=found.sentence) + counted

    def proposalText(self, parameters, item, sequence: str, volume) -> tuple[str, str]:
        """What the software proposes in one line, and in full; it becomes rows of the measurement table, beside the reader's."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.measurement_rows import reading_of
        from HCCResponseLib.scene.signal_grades import propose_grade

        node = self.segmentation(item)
        try:
            found = propose_grade(node, item.segment_id, volume, reading_of(node), sequence=sequence)
        except InputError as error:
            # The reason may name the lesion or its examination.
            return _("No proposal.") if parameters.blinded else _("No proposal: {reason}").format(reason=error), ""
        text = _("Proposal {grade} · lesion {lesion:.4g}, liver {liver:.4g} ± {spread:.3g} ({contrast:+.1f} spreads)").format(
            grade=int(found.grade),
            lesion=found.lesion_median,
            liver=found.reference.median,
            spread=found.reference.robust_sd,
            contrast=found.contrast,
        )
        return text + (" · " + _("heterogeneous") if found.heterogeneous else ""), found.sentence

    def course(self, item, grades: dict) -> list:
        """The grades of a lesion by all readers over time."""
        from HCCResponseLib.scene.grading_worklist import grades_over_time

        return grades_over_time(grades, item.lesion_uid)

    def studyAt(self, index: int) -> int:
        """The examination of a time point; 0 where it is not in the scene."""
        from HCCResponseLib.scene.selection import selected_patient
        from HCCResponseLib.scene.time_points import study_at

        return study_at(selected_patient(), index)


#
# HCCSignalGradingTest
#


class HCCSignalGradingTest(ScriptedLoadableModuleTest):
    """A reading of the sample patient through the panel."""

    def setUp(self):
        from HCCResponseLib.scene.reader_name import set_reader_name
        from HCCResponseLib.scene.sample_patient import load_sample_patient

        slicer.mrmlScene.Clear()
        load_sample_patient(small=True)
        set_reader_name("Test")
        slicer.util.selectModule("HCCSignalGrading")
        self.widget = slicer.util.getModuleWidget("HCCSignalGrading")
        self.widget.refresh()

    def runTest(self):
        """Run every test of the class, as the Reload and Test button does."""
        for name in dir(self):
            if name.startswith("test_"):
                self.setUp()
                getattr(self, name)()

    def test_readingOfOneExamination(self):
        """Grade the lesions of week 12 with the keys; the rows of the table are these grades, the proposals stand beside them."""
        from HCCResponseLib.scene.measurement_table import measurements
        from HCCResponseLib.scene.selection import select_study, selected_patient
        from HCCResponseLib.scene.study_nodes import examinations_of_patient, lesions_of_study

        widget, ui = self.widget, self.widget.ui
        study = examinations_of_patient(selected_patient())[2]
        select_study(study)
        widget.refresh()
        self.assertEqual(ui.leftLabel.text, "3 left")
        given = {}
        for number, uid in enumerate(lesions_of_study(study)):
            for sequence, grade in (("T1", 5 - number), ("T2", 1 + number)):
                self.assertEqual(widget._parameterNode.sequence, sequence)
                widget.onKey(grade)
                given[uid, f"{sequence}_GRADE"] = grade
        rows = [row for row in measurements(reader="Test") if row.quantity.endswith("_GRADE")]
        self.assertEqual({(row.lesion_uid, row.quantity): row.value for row in rows}, given)
        self.assertEqual({row.time_point for row in rows}, {2})
        self.assertTrue(all(row.source_series for row in rows))
        self.assertEqual(ui.leftLabel.text, "all 3 graded")
        self.assertIn("All lesions are graded.", ui.statusLabel.text)
        # The haemorrhagic lesion is bright on T1: the software sees the same, and it is no reader's grade.
        proposals = [row for row in measurements(quantity="T1_GRADE_PROPOSAL") if row.time_point == 2]
        self.assertEqual([row.value for row in proposals][-1], 5.0)
        self.assertEqual({row.reader for row in proposals}, {""})

    def test_blindedReading(self):
        """All lesions of all examinations come, each once, without a name or date in the panel."""
        widget, ui = self.widget, self.widget.ui
        ui.blindedCheckBox.click()
        self.assertEqual(ui.leftLabel.text, "9 left")
        seen = []
        for _number in range(9):
            seen.append((widget._item.study_item, widget._item.lesion_uid))
            texts = [ui.lesionLabel.text, ui.statusLabel.text, ui.hintLabel.text, ui.t1ProposalLabel.text]
            self.assertFalse([text for text in texts if "HCC 1" in text or "Week" in text or "Baseline" in text or "2024" in text])
            widget.onKey(3)
            widget.onKey(3)
        self.assertEqual(len(set(seen)), 9)
        self.assertNotEqual(seen, sorted(seen))
        self.assertEqual(ui.leftLabel.text, "all 9 graded")

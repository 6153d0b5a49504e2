import enum
import os
import pathlib
import sys

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import *

# In a source checkout the library stands beside this folder; a build or installation has it in this folder, on the path already.
_checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isdir(os.path.join(_checkout, "HCCResponseLib")) and _checkout not in sys.path:
    sys.path.insert(0, _checkout)

from HCCPanels.choices import fillCombo
from HCCPanels.panel import Panel, PanelLogic
from HCCPanels.progress_dialog import progressDialog
from HCCPanels.tables import Filling, cell, fitHeight, isEdited, prepare

#
# HCCResponse
#


class HCCResponse(ScriptedLoadableModule):
    """The case: examinations, images, lesions over time, response, report."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("HCC Response")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        self.parent.dependencies = ["Segmentations", "Volumes", "Sequences", "Plots", "Tables", "SubjectHierarchy"]
        self.parent.contributors = ["HCCResponse contributors"]
        self.parent.helpText = _("""
<p>The case of a patient with liver cancer under treatment: examinations in order, what every image shows, each lesion over time,
and what the response criteria say of it, with the reasons.</p>
<ol><li>Import examinations, or generate the sample patient.</li>
<li>Check the order of the examinations and what their images show.</li>
<li>Go through the steps: outlines, grades, necrosis, maps.</li>
<li>Read the lesions over time and the response; write the report.</li></ol>
<p>See <a href="https://github.com/HCCResponse/HCCResponse#hcc-response">the documentation</a>.</p>
""")
        self.parent.acknowledgementText = _("""
RECIST 1.1: Eisenhauer et al., Eur J Cancer 2009;45:228. mRECIST: Lencioni and Llovet, Semin Liver Dis 2010;30:52.
EASL: Bruix et al., J Hepatol 2001;35:421. Signal and necrosis under sorafenib: Horger et al., BMC Cancer 2009;9:208.
Choi: Choi et al., J Clin Oncol 2007;25:1753. MD Anderson criteria: Hamaoka et al., J Clin Oncol 2004;22:2942.
""")
        # Additional initialization step after application startup is complete
        slicer.app.connect("startupCompleted()", registerSampleData)


#
# Register sample data sets in Sample Data module
#


def registerSampleData() -> None:
    """Offer the sample patient in the module Sample Data; it is generated, nothing is downloaded."""
    import SampleData

    icons = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Resources", "Icons")

    def generate(_source):
        from HCCResponseLib.scene.sample_patient import load_sample_patient
        from HCCResponseLib.scene.selection import select_patient
        from HCCResponseLib.scene.study_nodes import examinations_of_patient, volumes_of_study

        with progressDialog(_("Generating the sample patient...")) as progress:
            patient = load_sample_patient(progress=progress)
        select_patient(patient)
        return volumes_of_study(examinations_of_patient(patient)[0])

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="HCCResponse",
        sampleName="HCCReferencePatient",
        uris="",
        fileNames="",
        nodeNames="",
        thumbnailFileName=os.path.join(icons, "HCCResponse.svg"),
        customDownloader=generate,
    )


#
# HCCResponseParameterNode
#


class Plot(enum.Enum):
    """Which plot stands beside the images; stored by name, so names stay as they are."""

    NONE = "none"
    QUANTITY = "quantity"
    WATERFALL = "waterfall"
    SPIDER = "spider"
    SWIMMER = "swimmer"


@parameterNodeWrapper
class HCCResponseParameterNode:
    """
    The settings of the panel.

    quantity - What the table of lesions over time shows.
    assessedReader - Whose measurements are shown and assessed; empty for those of nobody named.
    plot - Which plot is shown.
    reportFolder - Where the report is written.
    deidentify - Leave name, identifiers and dates out of the report.
    """

    quantity: str = "LONG_AXIS"
    assessedReader: str
    plot: Plot = Plot.NONE
    reportFolder: str
    deidentify: bool = False


STEP_MODULES = {
    "outlinesStepButton": "HCCLesionSegmentation",
    "gradesStepButton": "HCCSignalGrading",
    "necrosisStepButton": "HCCNecrosisVolumetry",
    "mapsStepButton": "HCCParameterMapping",
}
STEPS = {
    "outlinesStepButton": ("outlines", "size"),
    "gradesStepButton": ("grades",),
    "necrosisStepButton": ("necrosis",),
    "mapsStepButton": ("ADC", "T1", "Ktrans"),
}
"""By button: the steps of HCCResponseLib.scene.steps that it stands for."""


#
# HCCResponseWidget
#


class HCCResponseWidget(Panel):
    """The panel: widgets, parameter node and scene functions, nothing else."""

    EXAMINATION, DATE, WEEKS, TREATMENT, DONE = range(5)

    def __init__(self, parent=None) -> None:
        Panel.__init__(self, parent)
        self._filling = Filling()
        self._case = None
        self._caseNotes = ()
        self._assessment = None
        self._notAssessed = ""
        self._steps = {}
        self._next = None
        self._shown = None
        self._choices = None
        self._reasonOf = None

    def setUpPanel(self) -> None:
        """Tables and connections."""
        import qt

        ui = self.ui
        headings = [_("Examination"), _("Date"), _("Weeks"), _("Treatment"), _("Done")]
        prepare(ui.examinationsTable, headings, stretch=self.TREATMENT)
        prepare(ui.imagesTable, [_("Image"), _("Shows")], stretch=0)
        prepare(ui.targetsTable, [_("Lesion"), _("Counts as"), _("Why")], stretch=2)
        for table in (ui.gridTable, ui.criteriaTable):
            table.verticalHeader().setVisible(False)
            table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
            table.setWordWrap(False)

        ui.patientComboBox.connect("activated(int)", self.onPatientChosen)
        ui.importFolderButton.connect("clicked(bool)", self.onImportFolder)
        ui.adoptButton.connect("clicked(bool)", self.onAdopt)
        ui.loadSampleButton.connect("clicked(bool)", self.onLoadSample)
        ui.examinationsTable.connect("cellClicked(int,int)", self.onExaminationClicked)
        ui.examinationsTable.connect("cellChanged(int,int)", self.onExaminationEdited)
        for name, module in STEP_MODULES.items():
            getattr(ui, name).connect("clicked(bool)", lambda _checked=False, module=module: self.goTo(module))
        ui.examinationsTable.itemDelegate().connect(
            "closeEditor(QWidget*,QAbstractItemDelegate::EndEditHint)", lambda _editor, _hint: self.refreshSoon(),
        )
        ui.doseLineEdit.connect("editingFinished()", self.onDoseOrAfpEdited)
        ui.afpLineEdit.connect("editingFinished()", self.onDoseOrAfpEdited)
        ui.imagesTable.connect("cellClicked(int,int)", self.onImageClicked)
        ui.quantityComboBox.connect("activated(int)", self.onQuantityChosen)
        ui.readerComboBox.connect("activated(int)", self.onReaderChosen)
        ui.gridTable.connect("cellClicked(int,int)", self.onGridClicked)
        ui.copyGridButton.connect("clicked(bool)", self.onCopyGrid)
        ui.measurementsButton.connect("toggled(bool)", self.onShowMeasurements)
        for button, plot in self._plotButtons():
            button.connect("clicked(bool)", lambda checked, plot=plot: self.onPlot(plot if checked else Plot.NONE))
        ui.criteriaTable.connect("cellClicked(int,int)", self.onCriterionClicked)
        ui.reportFolderLineEdit.connect("currentPathChanged(QString)", self.onReportFolder)
        ui.reportButton.connect("clicked(bool)", self.onReport)
        ui.nextButton.connect("clicked(bool)", self.onNext)

    def _plotButtons(self) -> list[tuple]:
        ui = self.ui
        return [
            (ui.plotButton, Plot.QUANTITY),
            (ui.waterfallButton, Plot.WATERFALL),
            (ui.spiderButton, Plot.SPIDER),
            (ui.swimmerButton, Plot.SWIMMER),
        ]

    def initializePanel(self) -> None:
        """Plots are borrowed views: a panel that opens has none."""
        self._parameterNode.plot = Plot.NONE
        self._shown = self._choices = None

    def leavePanel(self) -> None:
        """The tables show nothing without a scene behind them."""
        self._case = self._assessment = self._shown = self._choices = None

    def shownNodes(self) -> list:
        """Everything that the case is read from."""
        return self.logic.caseNodes()

    #
    # The panel follows the scene
    #

    def updatePanel(self) -> None:
        """Show what the scene holds; changes nothing in it."""
        from HCCResponseLib.errors import InputError

        self._updatePatients()
        try:
            self._case, self._caseNotes = self.logic.caseAndNotes()
            problem = ""
        except InputError as error:
            self._case, self._caseNotes, problem = None, (), str(error)
        self._steps = {item: self.logic.steps(item, self._case) for item in self.logic.examinations()}
        with self._filling:
            if not isEdited(self.ui.examinationsTable):
                self._updateExaminations()
            self._updateSteps()
            self._updateImages()
            self._updateReaders()
            self._updateGrid(problem)
            self._updateResponse(problem)
        self._updateReport()
        self._updatePlot()

    def _updatePatients(self) -> None:
        from HCCResponseLib.scene.selection import selected_patient
        from HCCResponseLib.scene.time_points import patients

        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        combo, choices = self.ui.patientComboBox, [(hierarchy.GetItemName(patient), patient) for patient in patients()]
        fillCombo(combo, choices, selected_patient(), none=_("none yet: import examinations, or try the sample patient"))
        self.allow("patientComboBox", "" if len(choices) > 1 else _("There is no other patient in the scene."))
        unplaced = self.logic.unplacedNodes()
        self.allow("adoptButton", "" if unplaced else _("No loaded image waits to be taken in."))
        if unplaced:
            told = _("Take in {count} loaded images: they get proposed roles, their studies become examinations.")
            self.ui.adoptButton.toolTip = told.format(count=len(unplaced))

    def _updateExaminations(self) -> None:
        from HCCResponseLib.scene.selection import selected_study
        from HCCResponseLib.scene.study_nodes import examination_title

        table, selected = self.ui.examinationsTable, selected_study()
        items = self.logic.examinations()
        table.setRowCount(len(items))
        for row, item in enumerate(items):
            point, problem = self.logic.timePoint(item)
            steps = self._steps[item]
            lesionSteps = [state for state in steps.values() if state.of]
            done = sum(state.is_done for state in steps.values())
            current = item == selected
            outside = _("Not part of the course of treatment yet: type its date or weeks to take it in.")
            toolTip = problem or (_("Click to work with this examination.") if point else outside)
            weeks = "" if point is None or point.weeks_from_baseline is None else f"{point.weeks_from_baseline:.1f}".removesuffix(".0")
            title = examination_title(item, date=False)
            cell(table, row, self.EXAMINATION, title, toolTip=toolTip, data=item, bold=current)
            cell(table, row, self.DATE, self.logic.date(item), editable=True, bold=current, toolTip=_("Date, like 2026-03-01."))
            cell(table, row, self.WEEKS, weeks, number=True, editable=True, bold=current, toolTip=_("Weeks from the baseline."))
            treatment = point.treatment if point else ""
            cell(table, row, self.TREATMENT, treatment, editable=True, bold=current, toolTip=treatment or _("Treatment, in words."))
            states = "\n".join(f"{state.step}: {self._stepText(state)}" for state in steps.values())
            text = f"{done} / {len(steps)}" if lesionSteps else "–"
            cell(table, row, self.DONE, text, number=True, toolTip=states, bold=current)
            if current:
                table.selectRow(row)
        fitHeight(table)

    @staticmethod
    def _stepText(state) -> str:
        return _("{done} of {all}").format(done=state.done, all=state.of) if state.of else str(state.done)

    def _updateSteps(self) -> None:
        from HCCResponseLib.scene.selection import selected_study

        study = selected_study()
        noStudy = "" if study else _("Import examinations first.")
        states = self._steps.get(study, {})
        texts = {
            "outlinesStepButton": _("Outlines"),
            "gradesStepButton": _("Grades"),
            "necrosisStepButton": _("Necrosis"),
            "mapsStepButton": _("Maps"),
        }
        for name, text in texts.items():
            button = getattr(self.ui, name)
            known = [states[step] for step in STEPS[name] if step in states]
            finished = bool(known) and all(state.is_done for state in known)
            module = getattr(slicer.modules, STEP_MODULES[name].lower(), None)
            button.text = f"✓ {text}" if finished else text
            self.allow(name, noStudy or ("" if module is not None else _("The module of this step is not installed.")))
            if button.enabled:
                lines = [f"{state.step}: {self._stepText(state)}" for state in known]
                button.toolTip = "\n".join([_("Open the panel of this step for the chosen examination."), *lines])
        self._updateNext(study, texts, noStudy)
        point, _problem = self.logic.timePoint(study) if study else (None, "")
        for edit, text in (
            (self.ui.doseLineEdit, point.dose if point else ""),
            (self.ui.afpLineEdit, "" if point is None or point.afp_ng_ml is None else f"{point.afp_ng_ml:g}"),
        ):
            noPoint = "" if point is not None else _("Type the date or the weeks of this examination first.")
            self.allow(edit.objectName, noStudy or noPoint)
            if not edit.hasFocus():
                edit.text = text

    def _toDo(self, study: int) -> list[str]:
        """Buttons of the steps that an examination still needs, in their order."""
        states = self._steps.get(study, {})
        return [name for name, steps in STEPS.items() if any(step in states and not states[step].is_done for step in steps)]

    def _updateNext(self, study: int, texts: dict, noStudy: str) -> None:
        """The next step: of this examination, else the next examination that needs one."""
        from HCCResponseLib.scene.study_nodes import examination_title

        steps, others = self._toDo(study), [item for item in self._steps if self._toDo(item)]
        self._next = steps[0] if steps else next(iter(others), None)
        text = texts[steps[0]].lower() if steps else examination_title(others[0], date=False) if others else ""
        self.ui.nextButton.text = _("Next: {step}").format(step=text) if text else _("All steps are done")
        allDone = _("All steps of all examinations are done: read the response, write the report.")
        self.allow("nextButton", noStudy or ("" if text else allDone))

    def _updateImages(self) -> None:
        import qt

        from HCCResponseLib.response.roles import Role
        from HCCResponseLib.scene.roles import role
        from HCCResponseLib.scene.selection import selected_study
        from HCCResponseLib.scene.study_nodes import volumes_of_study

        study, table = selected_study(), self.ui.imagesTable
        nodes = volumes_of_study(study) if study else []
        shown = [(node.GetID(), node.GetName(), role(node)) for node in nodes]
        notes = self.logic.imageNotes(study) if study else []
        self.ui.imageNotesLabel.text = "\n".join(notes)
        self.ui.imageNotesLabel.visible = bool(notes)
        title = _("Images of the examination")
        self.ui.imagesCollapsibleButton.text = _("{title} ({count} to check)").format(title=title, count=len(notes)) if notes else title
        if shown == self._shown:
            return
        self._shown = shown
        table.setRowCount(len(nodes))
        for row, node in enumerate(nodes):
            reason = self.logic.roleReason(node)
            cell(table, row, 0, node.GetName(), toolTip="\n".join(filter(None, [node.GetName(), reason])), data=node.GetID())
            combo = qt.QComboBox()
            combo.addItem(_("not said"), "")
            for one in Role:
                combo.addItem(one.title, one.value)
            known = role(node)
            combo.setCurrentIndex(0 if known is None else list(Role).index(known) + 1)
            combo.toolTip = reason or _("What the image shows. Nothing in its header told.")
            combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(18)
            combo.setFocusPolicy(qt.Qt.StrongFocus)
            combo.connect("activated(int)", lambda index, identifier=node.GetID(), combo=combo: self.onRole(identifier, combo, index))
            table.setCellWidget(row, 1, combo)
        fitHeight(table, most=7)

    def _updateReaders(self) -> None:
        readers = self.logic.readers(self._case) or [""]
        combo, chosen = self.ui.readerComboBox, self.logic.reader(self._parameterNode, self._case)
        fillCombo(combo, [(name or _("nobody named"), name) for name in readers], chosen)
        self.allow("readerComboBox", "" if len(readers) > 1 else _("There are no measurements of several readers."))

    def _updateGrid(self, problem: str) -> None:
        from HCCPanels.change_color import changeColor

        from HCCResponseLib.scene.selection import selected_lesion, selected_study

        table, combo = self.ui.gridTable, self.ui.quantityComboBox
        quantities = self.logic.quantities(self._parameterNode, self._case)
        fillCombo(combo, [(label, key) for key, label in quantities], self._parameterNode.quantity)
        self.allow("quantityComboBox", "" if quantities else _("Nothing is measured yet."))
        grid = None if problem else self.logic.grid(self._parameterNode, self._case)
        chosen, point = selected_lesion(), self.logic.timePoint(selected_study())[0] if selected_study() else None
        table.clear()
        table.setRowCount(len(grid.rows) if grid else 0)
        table.setColumnCount(1 + len(grid.columns) if grid else 0)
        if grid:
            table.setHorizontalHeaderLabels([_("Lesion"), *[column.label.capitalize() for column in grid.columns]])
            for row, line in enumerate(grid.rows):
                isChosen = line.lesion.uid == chosen
                cell(table, row, 0, line.name, data=line.lesion.uid, bold=isChosen, toolTip=line.excluded, grey=bool(line.excluded))
                for column, one in enumerate(line.cells, start=1):
                    text = f"{one.number} ({one.change_text})" if one.change_text else one.number
                    if one.t1_grade is not None:
                        grade = _(" · T1 grade {grade}, proposed") if one.t1_grade_proposed else _(" · T1 grade {grade}")
                        text += grade.format(grade=one.t1_grade)
                    toolTip = "\n".join(filter(None, [one.text, one.method, *one.notes]))
                    color = changeColor(one.change_percent, one.inside_repeatability)
                    bold = isChosen and point is not None and grid.columns[column - 1].time_point == point.index
                    cell(table, row, column, text, number=True, toolTip=toolTip, background=color, grey=bool(line.excluded), bold=bold)
        fitHeight(table)
        measured = grid is not None and any(not line.is_empty for line in grid.rows)
        nothing = _("{title}: nothing is measured yet.").format(title=grid.title) if grid else _("Nothing is measured yet.")
        for name in ("plotButton", "copyGridButton"):
            self.allow(name, problem or ("" if measured else nothing))
        legend = problem or (self._legend(grid) if measured else _("{nothing} Go through the steps above.").format(nothing=nothing))
        self.ui.gridLegendLabel.text = "\n".join([legend, *self._caseNotes])

    def _legend(self, grid) -> str:
        sentences = [_("{title}. Blue: less than at baseline, orange: more.").format(title=grid.title)]
        if grid.repeatability_percent == grid.repeatability_percent:
            sentences.append(_("Grey: within the repeatability of {percent:.0f} %.").format(percent=grid.repeatability_percent))
        return " ".join([*sentences, *grid.notes])

    def _updateResponse(self, problem: str) -> None:
        ui = self.ui
        self._assessment, note = (None, problem) if problem else self.logic.assessment(self._parameterNode, self._case)
        self._notAssessed = note
        self._fillCriteria()
        self._fillTargets()
        assessment = self._assessment
        ui.answerLabel.text = note if assessment is None else self.logic.answer(self._parameterNode, self._case, assessment)
        for button, _plot in self._plotButtons()[1:]:
            self.allow(button.objectName, "" if assessment is not None else note)
        if assessment is None:
            ui.reasonLabel.text = ""
        elif self._reasonOf is None or self._reasonText(*self._reasonOf) is None:
            ui.reasonLabel.text = _("Click a cell to read why.")
        else:
            ui.reasonLabel.text = self._reasonText(*self._reasonOf)

    def _fillCriteria(self) -> None:
        from HCCResponseLib.report.colours import category_colour

        table, assessment = self.ui.criteriaTable, self._assessment
        table.clear()
        table.visible = assessment is not None
        if assessment is None:
            return
        columns = self.logic.followUps(self._case)
        table.setRowCount(len(assessment.criteria) + len(assessment.not_applicable))
        table.setColumnCount(len(columns) + 2)
        table.setHorizontalHeaderLabels([_("Criterion"), *[label.capitalize() for _index, label in columns], _("Best")])
        for row, (name, result) in enumerate(assessment.criteria.items()):
            cell(table, row, 0, name, bold=True, data=name, toolTip="\n".join(result.notes))
            for column, (index, _label) in enumerate(columns, start=1):
                one = result.at(index)
                if one is not None:
                    change = f" {one.change_percent:+.0f} %" if one.change_percent == one.change_percent else ""
                    color = category_colour(one.category)
                    cell(table, row, column, f"{one.category}{change}", toolTip=one.reason, background=color, data=name)
            best = assessment.best[name]
            color = category_colour(best.category)
            cell(table, row, len(columns) + 1, str(best.category), toolTip=best.reason, background=color, data=name)
        for row, (name, why) in enumerate(assessment.not_applicable.items(), start=len(assessment.criteria)):
            cell(table, row, 0, name, grey=True, toolTip=why, data=name)
            for column in range(1, len(columns) + 2):
                cell(table, row, column, "–", grey=True, toolTip=why, data=name)
        fitHeight(table, most=10)

    def _fillTargets(self) -> None:
        import qt

        from HCCResponseLib.response.case import LesionKind

        table = self.ui.targetsTable
        choices = self._assessment.selection.choices if self._assessment else ()
        if choices == self._choices:
            return
        self._choices = choices
        table.setRowCount(0)
        table.setRowCount(len(choices))
        for row, choice in enumerate(choices):
            uid = choice.lesion.uid
            cell(table, row, 0, choice.lesion.identifier, data=uid, bold=True)
            combo = qt.QComboBox()
            proposed = f" ({choice.kind})" if choice.kind and not choice.by_user else ""
            combo.addItem(_("as the rule says") + proposed, "")
            for kind in LesionKind:
                combo.addItem(kind.value.capitalize(), kind.value)
            combo.addItem(_("left out"), "left out")
            out = self._case.exclusion(uid)
            index = 4 if out else 0 if choice.lesion.kind is None else list(LesionKind).index(choice.lesion.kind) + 1
            combo.setCurrentIndex(index)
            combo.toolTip = _("What the lesion counts as in all examinations. The rule proposes; your choice stands.")
            combo.setFocusPolicy(qt.Qt.StrongFocus)
            combo.connect("activated(int)", lambda index, uid=uid, combo=combo: self.onKind(uid, combo.itemData(index)))
            table.setCellWidget(row, 1, combo)
            cell(table, row, 2, choice.reason, toolTip=choice.reason)
        fitHeight(table)

    def _reasonText(self, name: str, column: int) -> str | None:
        """What the criteria table says in full; None where the cell is no more."""
        assessment = self._assessment
        if name in assessment.not_applicable:
            return _("{name} does not apply: {why}.").format(name=name, why=assessment.not_applicable[name])
        result, columns = assessment.criteria.get(name), self.logic.followUps(self._case)
        if result is None:
            return None
        if column == 0:
            return "\n".join([name, *result.notes])
        if column > len(columns):
            return _("{name}, best response: {reason}").format(name=name, reason=assessment.best[name].reason)
        one = result.at(columns[column - 1][0])
        if one is None:
            return None
        return "\n".join([f"{name}, {columns[column - 1][1]}: {one.reason}", *one.notes, *self.logic.measuredBy(one)])

    def _updateReport(self) -> None:
        why = (
            self._notAssessed
            if self._assessment is None
            else _("Choose a folder first.")
            if not self._parameterNode.reportFolder
            else ""
        )
        with self._filling:
            if self.ui.reportFolderLineEdit.currentPath != self._parameterNode.reportFolder:
                self.ui.reportFolderLineEdit.currentPath = self._parameterNode.reportFolder
        self.allow("reportButton", why)

    def _updatePlot(self) -> None:
        """Fill the plot that is shown, and let the buttons say which it is."""
        from HCCResponseLib.scene.views import show_chart

        plot = self._parameterNode.plot
        if plot is not Plot.NONE and not self.layoutLoan.isOut:
            plot = self._parameterNode.plot = Plot.NONE  # the user chose another layout
        if plot is not Plot.NONE:
            chart = self.logic.chart(self._parameterNode, self._case, self._assessment)
            if chart is not None:
                show_chart(chart)
        for button, one in self._plotButtons():
            button.checked = plot is one
        blocked = self.ui.measurementsButton.blockSignals(True)
        self.ui.measurementsButton.checked = self.layoutLoan.isOut and plot is Plot.NONE
        self.ui.measurementsButton.blockSignals(blocked)

    #
    # What the user does
    #

    def onPatientChosen(self, index: int) -> None:
        """Work with another patient."""
        from HCCResponseLib.scene.selection import select_patient

        item = int(self.ui.patientComboBox.itemData(index) or 0)
        if item:
            select_patient(item)

    def onImportFolder(self, _checked=False) -> None:
        """Ask for a folder and import its examinations."""
        import qt

        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder with the DICOM files"))
        if folder:
            self.importFolder(folder)

    def importFolder(self, folder: str) -> None:
        """Import the examinations of a DICOM folder."""
        with (
            self.tellingErrors(_("The examinations could not be imported.")),
            progressDialog(_("Importing examinations...")) as progress,
        ):
            self.say(self.logic.importFolder(folder, progress))
            self.showSelected()
        self.refresh()

    def onAdopt(self, _checked=False) -> None:
        """Take in what is loaded already."""
        with self.tellingErrors(_("The loaded images could not be taken in.")), progressDialog(_("Reading headers...")) as progress:
            self.say(self.logic.adopt(progress))
            self.showSelected()
        self.refresh()

    def onLoadSample(self, _checked=False) -> None:
        """Generate the sample patient."""
        with (
            self.tellingErrors(_("The sample patient could not be generated.")),
            progressDialog(_("Generating the sample patient...")) as progress,
        ):
            self.logic.loadSample(progress)
            self.showSelected()
            self.say(_("The sample patient is here: three tumours, three examinations. Begin with the outlines."))
        self.refresh()

    def showSelected(self) -> None:
        """Show the selected examination in the slice views."""
        from HCCResponseLib.scene.selection import selected_study

        if selected_study():
            self.logic.showExamination(selected_study(), self.logic.reader(self._parameterNode, self._case))

    def onExaminationClicked(self, row: int, _column: int) -> None:
        """Work with an examination."""
        import qt

        from HCCResponseLib.scene.selection import selected_study

        item = int(self.ui.examinationsTable.item(row, self.EXAMINATION).data(qt.Qt.UserRole))
        other = item != selected_study()
        self.logic.showExamination(item, self.logic.reader(self._parameterNode, self._case))
        if other:
            self.refresh()

    def onExaminationEdited(self, row: int, column: int) -> None:
        """A date, weeks or a treatment was typed."""
        import qt

        from HCCResponseLib.errors import InputError

        if self._filling or self._parameterNode is None:
            return
        table = self.ui.examinationsTable
        item = int(table.item(row, self.EXAMINATION).data(qt.Qt.UserRole))
        text = table.item(row, column).text().strip()
        try:
            self.say(self.logic.setExamination(item, {self.DATE: "date", self.WEEKS: "weeks", self.TREATMENT: "treatment"}[column], text))
        except InputError as error:
            self.say(str(error))
        self.refresh()

    def onDoseOrAfpEdited(self) -> None:
        """Dose or AFP of the chosen examination were typed."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.selection import selected_study

        study = selected_study()
        if self._parameterNode is None or not study or self.logic.timePoint(study)[0] is None:
            return
        try:
            self.logic.setExamination(study, "dose", self.ui.doseLineEdit.text.strip())
            self.logic.setExamination(study, "afp", self.ui.afpLineEdit.text.strip())
        except InputError as error:
            self.say(str(error))
        self.refreshSoon()

    def onImageClicked(self, row: int, _column: int) -> None:
        """Show an image in the slice views."""
        import qt

        node = slicer.mrmlScene.GetNodeByID(self.ui.imagesTable.item(row, 0).data(qt.Qt.UserRole))
        if node is not None:
            self.logic.showImage(node)

    def onRole(self, identifier: str, combo, index: int) -> None:
        """The user said what an image shows."""
        node = slicer.mrmlScene.GetNodeByID(identifier)
        if node is not None:
            self.logic.setRole(node, combo.itemData(index))
            self.refresh()

    def onQuantityChosen(self, index: int) -> None:
        """Show another quantity of the lesions."""
        self._parameterNode.quantity = self.ui.quantityComboBox.itemData(index)
        self.refresh()

    def onReaderChosen(self, index: int) -> None:
        """Show and assess what another reader measured."""
        self._parameterNode.assessedReader = self.ui.readerComboBox.itemData(index)
        self.refresh()

    def onGridClicked(self, row: int, column: int) -> None:
        """Show a lesion at a time point in the views, and work with it."""
        if self._case is None:
            return
        grid = self.logic.grid(self._parameterNode, self._case)
        line = grid.rows[row]
        point = grid.columns[column - 1].time_point if column else None
        shown = self.logic.showLesion(line.lesion.uid, point, self.logic.reader(self._parameterNode, self._case))
        self.say("" if shown else _("{name} is not outlined there.").format(name=line.name))
        self.refreshSoon()

    def onCopyGrid(self, _checked=False) -> None:
        """Put the table of lesions over time on the clipboard, tab-separated."""
        grid = self.logic.grid(self._parameterNode, self._case)
        slicer.app.clipboard().setText(self.logic.gridText(grid))
        self.say(_("Copied {count} lesions: {title}.").format(count=len(grid.rows), title=grid.title))

    def onShowMeasurements(self, shown: bool) -> None:
        """Show the measurement table below the images, or give the layout back."""
        if self._parameterNode is None:
            return
        self._parameterNode.plot = Plot.NONE
        self.layoutLoan.giveBack()
        if shown and self.layoutLoan.borrow(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView):
            self.logic.showMeasurements()
        self.refresh()

    def onPlot(self, plot: Plot) -> None:
        """Show a plot beside the images, or give the layout back."""
        if plot is Plot.NONE:
            self.layoutLoan.giveBack()
        else:
            self.layoutLoan.borrow(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
        self._parameterNode.plot = plot
        self.refresh()

    def onNext(self, _checked=False) -> None:
        """Go on with the next step of the examination, or with the next examination."""
        if self._next in STEP_MODULES:
            self.goTo(STEP_MODULES[self._next])
        elif self._next:
            self.logic.showExamination(self._next, self.logic.reader(self._parameterNode, self._case))
            self.refresh()

    def onCriterionClicked(self, row: int, column: int) -> None:
        """Say why a criterion answers so."""
        import qt

        self._reasonOf = (self.ui.criteriaTable.item(row, 0).data(qt.Qt.UserRole), column)
        self.ui.reasonLabel.text = self._reasonText(*self._reasonOf) or ""

    def onKind(self, uid: str, kind: str) -> None:
        """The user said what a lesion counts as."""
        with self.tellingErrors(_("The choice could not be kept.")):
            self.logic.setKind(uid, kind)
        self.refresh()

    def onReportFolder(self, path: str) -> None:
        """The report goes elsewhere."""
        if self._parameterNode and not self._filling:
            self._parameterNode.reportFolder = path
            self._updateReport()

    def onReport(self, _checked=False) -> None:
        """Write the report of the patient."""
        with self.tellingErrors(_("The report could not be written.")), progressDialog(_("Writing the report...")) as progress:
            path = self.logic.writeReport(self._parameterNode, self._case, progress)
            url = pathlib.Path(path).as_uri()
            self.say(_('The report is written: <a href="{url}">{name}</a>.').format(url=url, name=pathlib.Path(path).name))


#
# HCCResponseLogic
#


class HCCResponseLogic(PanelLogic):
    """What the panel does, without the panel."""

    parameterNodeClass = HCCResponseParameterNode

    #
    # Examinations and images
    #

    def importFolder(self, folder: str, progress=None) -> str:
        """Import a DICOM folder, select its first patient, and say what came."""
        from HCCResponseLib.scene.examination_import import import_examinations
        from HCCResponseLib.scene.selection import select_patient

        imported = import_examinations(folder, progress=progress)
        if imported.patients:
            select_patient(imported.patients[0])
        count = len(imported.volumes) + len(imported.sequences)
        told = _("{count} images of {studies} examinations were imported.").format(count=count, studies=len(imported.studies))
        present = [_("{count} were here already.").format(count=len(imported.present))] if imported.present else []
        return "\n".join([" ".join([told, *present]), *imported.problems])

    def loadSample(self, progress=None, *, small: bool = False) -> None:
        """Generate the sample patient and select it."""
        from HCCResponseLib.scene.sample_patient import load_sample_patient
        from HCCResponseLib.scene.selection import select_patient

        select_patient(load_sample_patient(small=small, progress=progress))

    def unplacedNodes(self) -> list:
        """Loaded images that nobody said the role of."""
        from HCCResponseLib.scene.adoption import adoptable_nodes

        return adoptable_nodes()

    def adopt(self, progress=None) -> str:
        """Take in what is loaded, and say what came."""
        from HCCResponseLib.scene.adoption import adopt_volumes

        adoption = adopt_volumes(progress=progress)
        known = sum(one.role is not None for one in adoption.nodes)
        told = _("{known} of {count} images were recognised.").format(known=known, count=len(adoption.nodes))
        return "\n".join([told, *adoption.problems])

    def examinations(self) -> list[int]:
        """Examinations of the selected patient, in the order of treatment."""
        from HCCResponseLib.scene.selection import selected_patient
        from HCCResponseLib.scene.study_nodes import examinations_of_patient

        patient = selected_patient()
        return examinations_of_patient(patient) if patient else []

    def timePoint(self, study: int) -> tuple:
        """Time point of an examination, and why it cannot be read; None where there is none."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.time_points import time_point

        try:
            return time_point(study), ""
        except InputError as error:
            return None, str(error)

    def steps(self, study: int, case) -> dict:
        """How far each step of an examination is, by the measurements of the case; nothing where its facts are damaged."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.scene.steps import steps_done

        point, _problem = self.timePoint(study)
        rows = [] if case is None or point is None else [row for row in case.measurements if row.time_point == point.index]
        try:
            return steps_done(study, rows)
        except InputError:
            return {}

    def date(self, study: int) -> str:
        """Date of an examination, ISO 8601; empty where it is not known."""
        from HCCResponseLib.scene.examination_facts import examination_date

        return examination_date(study)

    def setExamination(self, study: int, what: str, text: str) -> str:
        """Keep what was typed of an examination: date, weeks, treatment, dose or afp; returns what else changed, a sentence.

        :raises InputError: it cannot be; nothing is changed.
        """
        from HCCResponseLib.scene.examination_facts import set_examination_fact

        return set_examination_fact(study, what, text)

    def roleReason(self, node) -> str:
        """Why an image has its role."""
        from HCCResponseLib.scene.roles import role_reason

        return role_reason(node)

    def setRole(self, node, value: str) -> None:
        """The user's word on what an image shows."""
        from HCCResponseLib.response.roles import Role
        from HCCResponseLib.scene.roles import set_role

        set_role(node, Role(value) if value else None, _("Set by the user.") if value else "")

    def imageNotes(self, study: int) -> list[str]:
        """What the examination lacks, a sentence each."""
        from HCCResponseLib.scene.image_checks import image_notes

        return image_notes(study)

    def showImage(self, node) -> None:
        """Show an image, or the first of a sequence, in the slice views."""
        from HCCResponseLib.scene.dynamic_series import shown_volume
        from HCCResponseLib.scene.views import show_volumes

        volume = shown_volume(node) if node.IsA("vtkMRMLSequenceNode") else node
        if volume is not None:
            show_volumes(volume, fit=True)

    #
    # The case
    #

    def caseNodes(self) -> list:
        """Nodes that the case is read from: images, outlines and measurements of the selected patient."""
        from HCCResponseLib.scene.measurement_table import measurement_tables
        from HCCResponseLib.scene.study_nodes import segmentation_of_study, volumes_of_study

        nodes = [node for study in self.examinations() for node in (*volumes_of_study(study), segmentation_of_study(study))]
        return [*nodes, *measurement_tables()]

    def caseAndNotes(self) -> tuple:
        """The selected patient as plain values, None without one; and what of it could not be taken as it stands.

        :raises InputError: the scene holds what cannot be; the message names it.
        """
        from HCCResponseLib.scene.case import case_and_notes
        from HCCResponseLib.scene.selection import selected_patient

        patient = selected_patient()
        return case_and_notes(patient) if patient else (None, ())

    def case(self):
        """The selected patient as plain values; None without a patient."""
        return self.caseAndNotes()[0]

    def readers(self, case) -> list[str]:
        """Who measured, graded or found anything in the case."""
        from HCCResponseLib.response.criteria.reading import readers_of

        return list(readers_of(case)) if case is not None else []

    def reader(self, parameters, case) -> str:
        """Whose measurements are shown: the chosen reader, else the one at work, else the first."""
        from HCCResponseLib.scene.reader_name import reader_name

        readers = self.readers(case)
        wanted = (parameters.assessedReader, reader_name())
        return next((name for name in wanted if name in readers), readers[0] if readers else "")

    def quantities(self, parameters, case) -> list[tuple[str, str]]:
        """Quantities that the case has numbers of, with the label to show; the chosen one is always among them."""
        from HCCResponseLib.response.lesion_grid import grid_quantities
        from HCCResponseLib.response.quantities import QUANTITIES

        keys = list(grid_quantities(case, reader=self.reader(parameters, case))) if case is not None else []
        if parameters.quantity in QUANTITIES and parameters.quantity not in keys:
            keys.insert(0, parameters.quantity)
        return [(key, QUANTITIES[key].label) for key in keys]

    def grid(self, parameters, case):
        """The chosen quantity of all lesions over time; None without lesions.

        :raises InputError: examinations are not in order of time.
        """
        from HCCResponseLib.response.lesion_grid import lesion_grid

        if case is None or not case.lesions or not case.time_points:
            return None
        return lesion_grid(case, parameters.quantity, reader=self.reader(parameters, case))

    def gridText(self, grid) -> str:
        """A grid as tab-separated lines, with the change beside each number."""
        headings = ["lesion", *[f"{column.label}{part}" for column in grid.columns for part in (f" [{grid.unit or '1'}]", " change")]]
        lines = [headings]
        lines += [[row.name, *[text for one in row.cells for text in (one.number, one.change_text)]] for row in grid.rows]
        return "\n".join("\t".join(line) for line in lines)

    def assessment(self, parameters, case) -> tuple:
        """What the criteria say of the case, and why they say nothing where that is None."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.response.criteria import assess

        if case is None or not case.lesions:
            return None, _("Outline the lesions, and measure them, to see the response.")
        if len(case.time_points) < 2:
            return None, _("A response needs a follow-up: there is one examination only.")
        try:
            return assess(case, reader=self.reader(parameters, case)), ""
        except InputError as error:
            return None, str(error)

    def answer(self, parameters, case, assessment) -> str:
        """The short answer, as rich text: whether the criteria agree, why not, and the cautions."""
        import html

        from HCCResponseLib.report.sections import answer_of
        from HCCResponseLib.response.lesion_grid import lesion_grid

        answer = answer_of(case, assessment, {"ADC": lesion_grid(case, "ADC", reader=assessment.reader)})
        flags = [f"⚠ {flag.title}: {', '.join(flag.lesions)}" for flag in answer.flags]
        earlier = [_("Before, at {label}: {reason}").format(label=label, reason=reason) for label, reason in answer.earlier]
        lines = [html.escape(line) for line in (answer.explanation, *flags, *earlier) if line]
        return "<br>".join([f"<b>{html.escape(answer.headline)}</b>", *lines])

    def followUps(self, case) -> list[tuple[int, str]]:
        """Examinations after the baseline: time point and what to call it."""
        from HCCResponseLib.response.criteria.timeline import examination_label

        return [(point.index, examination_label(case, point.index)) for point in case.time_points[1:]]

    def measuredBy(self, assessment) -> list[str]:
        """Numbers that an answer rests on, a line."""
        count = len(assessment.measurements)
        return [_("Rests on {count} measurements.").format(count=count)] if count else []

    def showExamination(self, study: int, reader: str) -> None:
        """Select an examination and show it, with the outlines and a reader's lines; an image of it that is shown already stays."""
        from HCCResponseLib.scene.examination_views import is_shown, show_examination, show_outlines_of
        from HCCResponseLib.scene.selection import select_study, selected_study
        from HCCResponseLib.scene.study_nodes import nodes_of_study

        other = study != selected_study()
        select_study(study)
        if other or not is_shown(nodes_of_study(study, "vtkMRMLScalarVolumeNode")):
            show_examination(study, reader=reader)
        else:
            show_outlines_of(study, reader)

    def showLesion(self, uid: str, timePoint: int | None, reader: str) -> bool:
        """Select a lesion, at a time point if one is given, and show it in the views; False where it is not outlined there."""
        from HCCResponseLib.scene.examination_views import jump_to_outline
        from HCCResponseLib.scene.selection import select_lesion, selected_patient, selected_study
        from HCCResponseLib.scene.time_points import study_at

        study = selected_study() if timePoint is None else study_at(selected_patient(), timePoint)
        if not study:
            return False
        self.showExamination(study, reader)
        select_lesion(uid)
        return jump_to_outline(study, uid, reader)

    def setKind(self, uid: str, kind: str) -> None:
        """What a lesion counts as, by the user: a kind, "" as the rule says, or "left out"."""
        from HCCResponseLib.scene.lesion_choice import choose_kind

        choose_kind(uid, kind)

    def chart(self, parameters, case, assessment):
        """Fill the chosen chart and return its node; None where there is nothing to draw."""
        from HCCResponseLib.errors import InputError
        from HCCResponseLib.response.course import spider, swimmer, waterfall
        from HCCResponseLib.scene.response_charts import chart_over_time, chart_spider, chart_swimmer, chart_waterfall

        try:
            if case is None or not case.lesions:
                return None
            if parameters.plot is Plot.QUANTITY:
                grid = self.grid(parameters, case)
                return chart_over_time(grid) if grid else None
            if assessment is None:
                return None
            if parameters.plot is Plot.SWIMMER:
                return chart_swimmer(swimmer(case, assessment))
            reader, result = assessment.reader, assessment.criteria.get("RECIST 1.1")
            if parameters.plot is Plot.WATERFALL:
                return chart_waterfall(waterfall(case, reader=reader, result=result))
            return chart_spider(spider(case, reader=reader, result=result))
        except InputError:  # the tables of the panel say what is wrong
            return None

    def showMeasurements(self) -> None:
        """Make the measurement table the one that table views show."""
        from HCCResponseLib.scene.measurement_table import measurement_table

        slicer.app.applicationLogic().GetSelectionNode().SetActiveTableID(measurement_table().GetID())
        slicer.app.applicationLogic().PropagateTableSelection()

    def writeReport(self, parameters, case, progress=None) -> str:
        """Write the report of the case with pictures; returns the path of the HTML file."""
        from HCCResponseLib.scene.case_report import write_case_report
        from HCCResponseLib.scene.selection import selected_patient

        self.installReportPackages()
        return str(
            write_case_report(
                selected_patient(),
                parameters.reportFolder,
                reader=self.reader(parameters, case),
                deidentify=parameters.deidentify,
                progress=progress,
            ),
        )

    def installReportPackages(self) -> None:
        """Ask for the packages that only reports need, where they are missing."""
        import importlib.util

        if importlib.util.find_spec("matplotlib") and importlib.util.find_spec("jinja2"):
            return
        from slicer.packaging import pip_ensure

        pip_ensure(["matplotlib", "jinja2"], requester="HCCResponse")


#
# HCCResponseTest
#


class HCCResponseTest(ScriptedLoadableModuleTest):
    """The case of the sample patient, from nothing to the criteria, through the panel."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        slicer.util.selectModule("HCCResponse")
        self.widget = slicer.util.getModuleWidget("HCCResponse")

    def runTest(self):
        """Run every test of the class, as the Reload and Test button does."""
        for name in dir(self):
            if name.startswith("test_"):
                self.setUp()
                getattr(self, name)()

    def test_sampleToResponse(self):
        """Load, measure the size of every lesion, read the grid and RECIST 1.1."""
        from HCCResponseLib.response.criteria import assess
        from HCCResponseLib.scene.lesion_diameters import measure_diameters
        from HCCResponseLib.scene.lesion_volume import measure_volume
        from HCCResponseLib.scene.measurement_rows import reading_of
        from HCCResponseLib.scene.study_nodes import lesions_of_study, segmentation_of_study

        widget, ui = self.widget, self.widget.ui
        widget.logic.loadSample(small=True)
        widget.refresh()
        self.assertEqual(ui.examinationsTable.rowCount, 3)
        self.assertEqual([ui.examinationsTable.item(row, widget.WEEKS).text() for row in range(3)], ["0", "4", "12"])
        self.assertEqual(ui.gridTable.rowCount, 3)
        for study in widget.logic.examinations():
            node = segmentation_of_study(study)
            reading = reading_of(node, "Test")
            for segmentId in lesions_of_study(study).values():
                measure_diameters(node, segmentId, reading)
                measure_volume(node, segmentId, reading)
        widget.refresh()
        case = widget.logic.case()
        for row, lesion in enumerate(case.lesions):
            baseline = case.latest(lesion_uid=lesion.uid, quantity="LONG_AXIS", time_point=0).value
            self.assertEqual(ui.gridTable.item(row, 1).text(), f"{baseline:.1f}")
        expected = assess(case, reader="Test").criteria["RECIST 1.1"]
        names = [ui.criteriaTable.item(row, 0).text() for row in range(ui.criteriaTable.rowCount)]
        shown = [ui.criteriaTable.item(names.index("RECIST 1.1"), column).text() for column in (1, 2)]
        self.assertEqual([text.split()[0] for text in shown], [str(one) for one in expected.categories[1:]])
        widget.onCriterionClicked(names.index("RECIST 1.1"), 1)
        self.assertIn(expected.at(1).reason, ui.reasonLabel.text)

    def test_nothingYet(self):
        """Without a patient the panel says what to do, and every button that needs one is off."""
        ui = self.widget.ui
        self.widget.refresh()
        self.assertIn("sample patient", ui.patientComboBox.currentText)
        for button in (ui.outlinesStepButton, ui.nextButton, ui.plotButton, ui.reportButton, ui.adoptButton):
            self.assertFalse(button.enabled)
            self.assertTrue(button.toolTip)

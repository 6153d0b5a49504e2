"""HCC Response, driven with the buttons of its panel."""

import contextlib
import tempfile
from pathlib import Path

import qt
import slicer
from application import ModuleCase, PatientCase, panel, screenshot, settle


def measure_sizes(reader: str = "AB") -> None:
    """Measure the size of every outlined lesion of the selected patient."""
    from HCCResponseLib.scene.lesion_diameters import measure_diameters
    from HCCResponseLib.scene.lesion_volume import measure_volume
    from HCCResponseLib.scene.measurement_rows import reading_of
    from HCCResponseLib.scene.selection import selected_patient
    from HCCResponseLib.scene.study_nodes import examinations_of_patient, lesions_of_study, segmentation_of_study

    for study in examinations_of_patient(selected_patient()):
        node = segmentation_of_study(study)
        reading = reading_of(node, reader)
        for segment_id in lesions_of_study(study).values():
            measure_diameters(node, segment_id, reading)
            measure_volume(node, segment_id, reading)


class ResponsePanelTest(PatientCase):
    def setUp(self):
        super().setUp()
        self.widget = panel("HCCResponse")
        self.ui = self.widget.ui

    def texts(self, table, column: int) -> list[str]:
        return [table.item(row, column).text() for row in range(table.rowCount)]

    def test_screenshots(self):
        measure_sizes()
        self.widget.showSelected()
        self.widget.refresh()
        self.ui.plotButton.click()
        self.widget.onGridClicked(0, 2)
        settle()
        screenshot("HCCResponse")
        self.assertEqual(slicer.app.layoutManager().layout, slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
        for button, chart in ((self.ui.waterfallButton, "waterfall"), (self.ui.spiderButton, "spider"), (self.ui.swimmerButton, "swimmer")):
            button.click()
            settle()
            shown = slicer.app.layoutManager().plotWidget(0).mrmlPlotViewNode().GetPlotChartNode()
            self.assertEqual(shown.GetAttribute("HCC.Chart"), chart)
            self.assertGreater(shown.GetNumberOfPlotSeriesNodes(), 1)
            screenshot(f"HCCResponse-{chart}")

    def test_the_layout_is_given_back(self):
        measure_sizes()
        manager, node = slicer.app.layoutManager(), slicer.vtkMRMLLayoutNode
        manager.setLayout(node.SlicerLayoutConventionalView)
        self.widget.refresh()
        self.ui.plotButton.click()
        self.assertEqual(manager.layout, node.SlicerLayoutFourUpPlotView)
        self.ui.plotButton.click()
        self.assertEqual(manager.layout, node.SlicerLayoutConventionalView)
        self.ui.measurementsButton.click()
        self.assertEqual(manager.layout, node.SlicerLayoutFourUpTableView)
        slicer.util.selectModule("Data")
        settle()
        self.assertEqual(manager.layout, node.SlicerLayoutConventionalView)
        panel("HCCResponse")
        self.ui.spiderButton.click()
        manager.setLayout(node.SlicerLayoutOneUpRedSliceView)
        slicer.util.selectModule("Data")
        settle()
        self.assertEqual(manager.layout, node.SlicerLayoutOneUpRedSliceView)
        manager.setLayout(node.SlicerLayoutFourUpView)

    def test_typed_facts_of_examinations(self):
        table, widget = self.ui.examinationsTable, self.widget
        table.item(2, widget.DATE).setText("2024-06-03")
        settle()
        self.assertEqual(table.item(2, widget.WEEKS).text(), "13")
        self.assertIn("counted anew", self.ui.statusLabel.text)
        table.item(1, widget.WEEKS).setText("four")
        settle()
        self.assertIn("not a number", self.ui.statusLabel.text)
        self.assertEqual(table.item(1, widget.WEEKS).text(), "4")
        table.item(1, widget.TREATMENT).setText("sorafenib 400 mg")
        settle()
        self.assertEqual(widget.logic.timePoint(widget.logic.examinations()[1])[0].treatment, "sorafenib 400 mg")
        self.ui.afpLineEdit.setText("-4")
        widget.onDoseOrAfpEdited()
        self.assertIn("AFP", self.ui.statusLabel.text)
        self.ui.afpLineEdit.setText("400")
        self.ui.doseLineEdit.setText("50.4 Gy in 28")
        widget.onDoseOrAfpEdited()
        point = widget.logic.timePoint(widget.logic.examinations()[0])[0]
        self.assertEqual((point.afp_ng_ml, point.dose), (400.0, "50.4 Gy in 28"))

    def test_roles_are_corrected_and_checked(self):
        from HCCResponseLib.scene.roles import role

        table = self.ui.imagesTable
        row = next(n for n in range(table.rowCount) if "T2" in table.cellWidget(n, 1).currentText)
        node = slicer.mrmlScene.GetNodeByID(table.item(row, 0).data(qt.Qt.UserRole))
        self.assertIn("t2", node.GetName().lower())
        combo = table.cellWidget(row, 1)
        combo.setCurrentIndex(0)
        self.widget.onRole(node.GetID(), combo, 0)
        self.assertIsNone(role(node))
        self.assertIn("T2 cannot be graded", self.ui.imageNotesLabel.text)
        self.assertIn(node.GetName(), self.ui.imageNotesLabel.text)

    def test_an_examination_is_shown_with_its_own_outlines(self):
        from HCCResponseLib.scene.selection import selected_lesion, selected_study
        from HCCResponseLib.scene.study_nodes import segmentation_of_study

        self.widget.onExaminationClicked(2, 0)
        settle()
        studies = self.widget.logic.examinations()
        self.assertEqual(selected_study(), studies[2])
        visible = [segmentation_of_study(study).GetDisplayNode().GetVisibility() for study in studies]
        self.assertEqual(visible, [0, 0, 1])
        self.widget.onGridClicked(1, 2)
        self.assertEqual(selected_study(), studies[1])
        self.assertEqual(selected_lesion(), self.widget._case.lesions[1].uid)

    def test_a_click_shows_the_lesion_whatever_the_views_show(self):
        from HCCResponseLib.scene.study_nodes import nodes_of_study
        from HCCResponseLib.scene.views import show_volumes

        studies = self.widget.logic.examinations()
        self.widget.onGridClicked(1, 3)
        other = nodes_of_study(studies[0], "vtkMRMLScalarVolumeNode")[0]
        show_volumes(other)
        self.widget.onGridClicked(1, 3)
        shown = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode().GetBackgroundVolumeID()
        self.assertIn(shown, [node.GetID() for node in nodes_of_study(studies[2], "vtkMRMLScalarVolumeNode")])
        settle()
        bold = [self.ui.gridTable.item(1, column).font().bold() for column in range(4)]
        self.assertEqual(bold, [True, False, False, True])

    def test_what_is_typed_survives_a_change_elsewhere(self):
        table = self.ui.examinationsTable
        table.setCurrentCell(1, self.widget.TREATMENT)
        table.editItem(table.currentItem())
        editor = table.findChild(qt.QLineEdit)
        editor.setText("lenvatinib")
        self.widget.refresh()
        self.assertEqual(editor.text, "lenvatinib")
        table.setCurrentCell(0, 0)
        settle()
        self.assertEqual(table.item(1, self.widget.TREATMENT).text(), "lenvatinib")

    def test_numbers_of_an_outline_that_was_changed_are_told(self):
        from HCCResponseLib.scene.segment_masks import set_segment_mask
        from HCCResponseLib.scene.segments import segment_mask
        from HCCResponseLib.scene.study_nodes import lesions_of_study, outlined_on, segmentation_of_study

        measure_sizes()
        self.widget.refresh()
        self.assertNotIn("changed since", self.ui.gridLegendLabel.text)
        study = self.widget.logic.examinations()[1]
        node, segment = segmentation_of_study(study), next(iter(lesions_of_study(study).values()))
        mask = segment_mask(node, segment, outlined_on(study))
        mask[0, 0, 0] = True
        set_segment_mask(node, segment, mask, outlined_on(study))
        settle(0.6)
        self.assertIn("Week 4: the outline was changed since", self.ui.gridLegendLabel.text)

    def test_a_study_is_taken_into_the_course_by_its_weeks(self):
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        study = hierarchy.CreateStudyItem(hierarchy.GetItemParent(self.widget.logic.examinations()[0]), "Between")
        self.widget.refresh()
        table = self.ui.examinationsTable
        self.assertIn("type its date or weeks", self.ui.gridLegendLabel.text)
        table.item(3, self.widget.TREATMENT).setText("sorafenib")
        settle()
        self.assertIn("type its date or weeks", self.ui.statusLabel.text)
        table.item(3, self.widget.WEEKS).setText("8")
        settle()
        self.assertEqual(self.texts(table, self.widget.EXAMINATION), ["Baseline", "Week 4", "Week 8", "Week 12"])
        self.assertEqual(self.widget.logic.timePoint(study)[0].index, 2)

    def test_next_is_what_the_examination_needs(self):
        self.assertEqual(self.ui.nextButton.text, "Next: outlines")
        measure_sizes()
        self.widget.refresh()
        self.assertEqual(self.ui.nextButton.text, "Next: grades")
        self.ui.nextButton.click()
        settle()
        self.assertEqual(slicer.util.selectedModule(), "HCCSignalGrading")

    def test_the_choice_of_targets_changes_the_response(self):
        measure_sizes()
        self.widget.refresh()
        uids = [lesion.uid for lesion in self.widget._case.lesions]
        for uid in uids:
            self.widget.logic.setKind(uid, "")
        self.widget.refresh()
        proposed = [choice.kind for choice in self.widget._assessment.selection.choices]
        self.assertEqual(sorted(map(str, proposed)), ["non-target", "target", "target"])
        first = next(uid for uid, kind in zip(uids, proposed, strict=True) if str(kind) == "target")
        self.widget.onKind(first, "left out")
        self.assertNotIn(first, [one.uid for one in self.widget._assessment.selection.targets])
        self.assertIn("left out", self.texts(self.ui.targetsTable, 2)[uids.index(first)])

    def test_a_saved_scene_brings_everything_back(self):
        measure_sizes()
        self.widget.refresh()
        before = self.widget.logic.case().to_json()
        grid = [self.texts(self.ui.gridTable, column) for column in range(4)]
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "case.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            settle()
            self.assertEqual(self.ui.examinationsTable.rowCount, 0)
            self.assertEqual(self.ui.gridTable.rowCount, 0)
            slicer.util.loadScene(path)
            settle(0.6)
        self.assertEqual(self.widget.logic.case().to_json(), before)
        self.assertEqual([self.texts(self.ui.gridTable, column) for column in range(4)], grid)

    def test_nodes_deleted_in_mid_work(self):
        from HCCResponseLib.scene.study_nodes import segmentation_of_study, volumes_of_study

        measure_sizes()
        self.widget.refresh()
        self.ui.plotButton.click()
        study = self.widget.logic.examinations()[0]
        slicer.mrmlScene.RemoveNode(segmentation_of_study(study))
        for node in volumes_of_study(study)[:2]:
            slicer.mrmlScene.RemoveNode(node)
        settle(0.6)
        self.assertEqual(self.ui.gridTable.rowCount, 3)
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        hierarchy.RemoveItem(study)
        settle(0.6)
        self.assertEqual(self.ui.examinationsTable.rowCount, 2)

    def test_the_report_is_written(self):
        measure_sizes()
        with tempfile.TemporaryDirectory() as folder:
            self.ui.reportCollapsibleButton.collapsed = False
            self.ui.reportFolderLineEdit.setCurrentPath(folder)
            settle()
            self.ui.deidentifyCheckBox.checked = True
            settle()
            self.assertTrue(self.ui.reportButton.enabled)
            self.ui.reportButton.click()
            settle()
            reports = list(Path(folder).rglob("*.html"))
            self.assertEqual(len(reports), 1, self.ui.statusLabel.text)
            text = reports[0].read_text(encoding="utf-8")
        self.assertIn("HCC 1", text)
        self.assertIn("data:image/png", text)
        self.assertNotIn("Reference^Patient", text)


class ImportTest(ModuleCase):
    def setUp(self):
        super().setUp()
        self.widget = panel("HCCResponse")

    def test_a_folder_without_images_is_told(self):
        from HCCResponseLib.errors import InputError

        # the application shows an error in a dialog, and raises it while it is tested
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(InputError):
            self.widget.importFolder(folder)
        settle()
        self.assertIn("No DICOM images", self.widget.ui.statusLabel.text)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), 0)

    def test_import_and_cancel(self):
        from HCCResponseLib.errors import Cancelled
        from HCCResponseLib.phantom.abdomen import diffusion_examination
        from HCCResponseLib.phantom.dicom_series import SeriesHeader, write_series

        examination = diffusion_examination(shape=(9, 40, 52), spacing_mm=(7.0, 7.0, 14.0))
        with tempfile.TemporaryDirectory() as folder:
            write_series(folder, examination.volumes, examination.geometry, SeriesHeader(patient_id="P1", patient_name="Test^Liver"))
            with self.assertRaises(Cancelled):
                self.widget.logic.importFolder(folder, lambda fraction: False)
            self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), 0)
            self.widget.importFolder(folder)
        settle()
        self.assertEqual(self.widget.ui.examinationsTable.rowCount, 1)
        b_values = {volume.b_value for volume in examination.volumes}
        self.assertEqual(self.widget.ui.imagesTable.rowCount, len(b_values))

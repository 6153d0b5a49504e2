"""HCC Necrosis Volumetry, driven with the buttons of its panel."""

import contextlib
import itertools
import tempfile
from pathlib import Path

import slicer
from application import PatientCase, panel, screenshot, settle


class NecrosisVolumetryPanelTest(PatientCase):
    def setUp(self):
        super().setUp()
        from HCCResponseLib.scene.selection import select_study, selected_patient
        from HCCResponseLib.scene.study_nodes import examinations_of_patient, lesions_of_study

        self.studies = examinations_of_patient(selected_patient())
        select_study(self.studies[1])
        self.lesions = list(lesions_of_study(self.studies[1]))
        self.widget = panel("HCCNecrosisVolumetry")
        self.ui, self.logic = self.widget.ui, self.widget.logic
        self.parameters = self.widget._parameterNode

    def column(self, number: int) -> list[str]:
        table = self.ui.lesionsTable
        return [table.item(row, number).text() for row in range(table.rowCount)]

    def labels(self) -> set[str]:
        composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        nodes = [slicer.mrmlScene.GetNodeByID(one.GetLabelVolumeID() or "") for one in composites]
        return {node.GetName() if node is not None else "" for node in nodes}

    def rows(self, quantity: str = "NECROTIC_FRACTION"):
        from HCCResponseLib.scene.measurement_table import measurements

        return measurements(quantity=quantity)

    def test_the_slider_moves_numbers_and_overlay_at_once(self):
        self.widget.onMethodChosen(2)  # relative enhancement
        settle()
        self.assertEqual(self.labels(), {"Necrosis preview"})
        dead = []
        for percent in (1.0, 40.0, 120.0, 300.0):
            self.ui.thresholdSlider.value = percent
            self.assertEqual(self.parameters.percent, percent)
            dead.append([float(text.split()[0]) for text in self.column(self.widget.NOW)])
        for lower, higher in itertools.pairwise(dead):
            self.assertTrue(all(a <= b for a, b in zip(lower, higher, strict=True)))
        self.assertNotEqual(dead[0], dead[-1])
        self.assertEqual(self.rows(), [])

    def test_kept_and_taken_back(self):
        self.ui.applyButton.click()
        settle()
        self.assertEqual([row.lesion_uid for row in self.rows()], [self.lesions[0]])
        self.assertIn("kept", self.ui.statusLabel.text)
        self.ui.applyAllButton.click()
        settle()
        self.assertEqual(len(self.rows()), 3)
        self.assertEqual(self.column(self.widget.MEASURED), self.column(self.widget.NOW))
        self.assertTrue(self.rows("VIABLE_DIAMETER"))
        self.ui.undoButton.click()
        settle()
        self.assertEqual(len(self.rows()), 1)
        self.ui.redoButton.click()
        settle()
        self.assertEqual(len(self.rows()), 3)

    def test_a_step_cannot_be_taken_back_after_the_outlines_were_worked_on_elsewhere(self):
        self.ui.applyButton.click()
        settle()
        self.assertTrue(self.ui.undoButton.enabled)
        self.ui.editButton.click()
        settle()
        editor = slicer.util.getModuleWidget("HCCLesionSegmentation").ui
        self.assertFalse(editor.editorCollapsibleButton.collapsed)
        self.assertEqual(editor.segmentComboBox.currentText, "HCC 1: necrosis")
        editor.editorCollapsibleButton.collapsed = True
        panel("HCCNecrosisVolumetry")
        self.assertFalse(self.ui.undoButton.enabled)
        self.assertIn("Nothing to undo", self.ui.undoButton.toolTip)
        self.assertEqual(self.ui.statusLabel.text, "")

    def test_what_was_said_of_an_examination_goes_with_it(self):
        from HCCResponseLib.scene.selection import select_study

        self.ui.applyAllButton.click()
        settle()
        self.assertIn("kept", self.ui.statusLabel.text)
        select_study(self.studies[0])
        settle()
        self.assertEqual(self.ui.statusLabel.text, "")

    def test_parts_corrected_by_hand_are_measured_as_drawn(self):
        from HCCResponseLib.response.region_types import RegionType
        from HCCResponseLib.scene.linked_segments import linked_segment, set_linked_mask
        from HCCResponseLib.scene.segments import segment_mask

        self.assertFalse(self.ui.measurePartsButton.enabled)
        self.ui.applyAllButton.click()
        settle()
        node, uid = self.logic._segmentation(), self.logic.lesion()
        volume = self.logic.post(self.parameters)
        segment = self.logic._segments()[uid]
        whole = segment_mask(node, segment, volume)
        set_linked_mask(node, segment, RegionType.NECROTIC, whole, volume)
        set_linked_mask(node, segment, RegionType.VIABLE, whole & False, volume)
        if linked_segment(node, uid, RegionType.HAEMORRHAGIC):
            set_linked_mask(node, segment, RegionType.HAEMORRHAGIC, whole & False, volume)
        settle()
        self.ui.measurePartsButton.click()
        settle()
        kept = next(row for row in self.rows() if row.lesion_uid == uid)
        self.assertEqual(kept.value, 1.0)
        self.assertIn("as drawn", kept.method)

    def test_another_examination_while_the_overlay_is_on(self):
        from HCCResponseLib.scene.selection import select_study

        before = self.column(self.widget.NOW)
        select_study(self.studies[2])
        settle(0.6)
        self.assertIn("Week 12", self.ui.studyComboBox.currentText)
        self.assertNotEqual(self.column(self.widget.NOW), before)
        self.assertEqual(self.labels(), {"Necrosis preview"})
        shown = [node for node in slicer.util.getNodesByClass("vtkMRMLLabelMapVolumeNode") if node.GetName() == "Necrosis preview"]
        self.assertEqual(len(shown), 1)
        slicer.util.selectModule("Data")
        settle()
        self.assertEqual(self.labels(), {""})
        self.assertEqual(slicer.mrmlScene.GetFirstNodeByName("Necrosis preview"), None)

    def test_inputs_deleted_in_mid_work(self):
        slicer.mrmlScene.RemoveNode(self.logic.pre(self.parameters))
        settle(0.6)
        self.assertFalse(self.ui.applyButton.enabled)
        self.assertTrue(self.ui.numbersLabel.text)
        for node, _title in self.logic.contrastImages():
            slicer.mrmlScene.RemoveNode(node)
        settle(0.6)
        self.assertIn("no image after contrast", self.ui.numbersLabel.text)
        self.assertEqual(self.labels(), {""})
        slicer.mrmlScene.RemoveNode(self.logic._segmentation())
        settle(0.6)
        self.assertIn("Outline lesions", self.ui.numbersLabel.text)

    def test_scene_closed_and_loaded_in_mid_work(self):
        self.widget.onMethodChosen(1)
        self.ui.thresholdSlider.value = -1.5
        self.ui.applyAllButton.click()
        settle()
        kept = self.column(self.widget.MEASURED)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "case.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            settle()
            self.assertEqual(self.ui.lesionsTable.rowCount, 0)
            slicer.util.loadScene(path)
            settle(0.8)
        self.assertEqual(self.column(self.widget.MEASURED), kept)
        self.assertEqual(self.widget._parameterNode.k, -1.5)
        self.assertEqual(self.ui.thresholdSlider.value, -1.5)

    def test_a_cancelled_work_changes_nothing(self):
        from HCCResponseLib.errors import Cancelled

        with contextlib.suppress(Cancelled):
            self.logic.apply(self.parameters, self.lesions, lambda fraction: False)
        self.assertEqual(self.rows(), [])
        self.assertFalse(self.logic.undo.can_undo)

    def test_screenshots(self):
        from HCCResponseLib.scene.selection import select_lesion

        select_lesion(self.lesions[1])
        self.logic.chooseLesion(self.lesions[1])
        settle()
        self.ui.histogramButton.click()
        settle()
        chart = slicer.app.layoutManager().plotWidget(0).mrmlPlotViewNode().GetPlotChartNode()
        self.assertEqual(chart.GetAttribute("HCC.Chart"), "enhancement")
        screenshot("HCCNecrosisVolumetry")
        before = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView
        self.assertEqual(slicer.app.layoutManager().layout, before)
        self.ui.histogramButton.click()
        self.assertNotEqual(slicer.app.layoutManager().layout, before)

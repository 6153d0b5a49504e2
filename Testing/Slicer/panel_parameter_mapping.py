"""HCC Parameter Mapping, driven with the buttons of its panel."""

import contextlib
import dataclasses
import functools
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
import qt
import slicer
import vtk
from application import ModuleCase, panel, screenshot, settle


class ParameterMappingPanelTest(ModuleCase):
    """From a folder to the values, with the buttons of the panel."""

    def setUp(self):
        super().setUp()
        from HCCResponseLib.phantom.abdomen import diffusion_examination
        from HCCResponseLib.phantom.dicom_series import SeriesHeader, write_series

        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.examination = diffusion_examination()
        header = SeriesHeader(description="ep2d_diff_b0_50_400_800", number=5, patient_id="DEMO", patient_name="Demo^Liver")
        write_series(Path(self.folder) / "dicom", self.examination.volumes, self.examination.geometry, header)
        self.write = functools.partial(write_series, volumes=self.examination.volumes, geometry=self.examination.geometry)
        self.header = SeriesHeader
        self.widget = panel("HCCParameterMapping")
        self.ui = self.widget.ui

    def read_folder(self, name="dicom"):
        self.ui.dicomFolderLineEdit.setCurrentPath(str(Path(self.folder) / name))
        self.ui.readFolderButton.click()
        settle()

    def compute(self, name="dicom"):
        self.read_folder(name)
        self.ui.applyButton.click()
        settle()
        self.assertIn("was computed", self.ui.statusLabel.text)
        return self.widget._parameterNode.adcMap

    def outline(self, *names):
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.GetDisplayNode().SetOpacity2DFill(0.0)
        volume = self.widget._parameterNode.series
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        for name in names:
            segment_id = segmentation.GetSegmentation().AddEmptySegment("", name)
            slicer.util.updateSegmentBinaryLabelmapFromArray(
                self.examination.regions[name].astype("uint8"),
                segmentation,
                segment_id,
                volume,
            )
        self.widget._parameterNode.segmentation = segmentation
        settle()
        return segmentation

    def measure(self):
        self.ui.measureButton.click()
        settle()

    def paint(self, segmentation, name, mask):
        segment_id = segmentation.GetSegmentation().GetSegmentIdBySegmentName(name)
        volume = self.widget._parameterNode.series
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype("uint8"), segmentation, segment_id, volume)
        settle(0.6)

    def shown_values(self):
        table = self.ui.valuesTable
        return {table.item(row, 0).text(): float(table.item(row, 1).text()) for row in range(table.rowCount)}

    def grey(self):
        table = self.ui.valuesTable
        return {table.item(row, 0).text() for row in range(table.rowCount) if table.item(row, 0).foreground().color().name() == "#808080"}

    def test_an_empty_panel_says_why_it_cannot_compute(self):
        self.assertFalse(self.ui.applyButton.enabled)
        self.assertTrue(self.ui.applyButton.toolTip)
        self.assertFalse(self.ui.measureButton.enabled)
        self.assertIn("ADC map", self.ui.measureButton.toolTip)
        self.assertGreater(self.ui.preflightList.count, 0)
        screenshot("HCCParameterMapping-empty")

    def test_folder_to_values(self):
        adc_map = self.compute()
        self.assertIsNotNone(adc_map)
        self.assertEqual(self.ui.volumesTable.rowCount, 4)
        self.assertEqual([self.ui.volumesTable.item(row, 2).text() for row in range(4)], ["0", "50", "400", "800"])
        self.assertEqual(adc_map.GetVoxelValueUnits().GetCodeMeaning(), "10⁻³ mm²/s")
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        self.assertEqual(composite.GetForegroundVolumeID(), adc_map.GetID())
        names = ["lesion 1, viable", "lesion 2, viable rim", "lesion 2, necrotic core", "lesion 3, treated", "liver"]
        self.outline(*names)
        self.ui.measureButton.click()
        settle()
        shown = self.shown_values()
        self.assertEqual(list(shown), names)
        for name, median in shown.items():
            self.assertAlmostEqual(median, 1e3 * self.examination.true_adc(name), delta=0.03 * median)
        self.widget.onValueClicked(0, 0)
        slicer.util.resetSliceViews()
        self.ui.dicomFolderLineEdit.setCurrentPath("")
        screenshot("HCCParameterMapping")
        self.ui.copyValuesButton.click()
        self.assertEqual(len(slicer.app.clipboard().text().splitlines()), 6)
        layout = slicer.app.layoutManager().layout
        self.ui.showTableButton.click()
        settle()
        screenshot("HCCParameterMapping-table")
        slicer.util.selectModule("Data")
        settle()
        self.assertEqual(slicer.app.layoutManager().layout, layout)

    def test_ticks_and_typed_b_values(self):
        self.read_folder()
        self.ui.leaveOutZeroButton.click()
        settle()
        self.assertEqual(len(self.widget.logic.chosenVolumes(self.widget._parameterNode)), 3)
        self.ui.applyButton.click()
        settle()
        self.assertEqual(self.widget._parameterNode.adcMap.GetAttribute("HCC.Method"), "WLLS, b = 50, 400, 800 s/mm2, air left out")
        self.ui.useAllButton.click()
        settle()
        self.assertEqual(len(self.widget.logic.chosenVolumes(self.widget._parameterNode)), 4)
        self.ui.volumesTable.item(3, 2).setText("1000")
        settle()
        self.assertEqual(self.ui.volumesTable.item(3, 2).text(), "1000")
        for typed in ("1,400", "1.400"):
            self.ui.volumesTable.item(3, 2).setText(typed)
            settle()
            self.assertIn("write 1400", self.ui.statusLabel.text)
            self.assertEqual(self.ui.volumesTable.item(3, 2).text(), "1000")
        self.ui.volumesTable.item(3, 2).setText("high")
        settle()
        self.assertIn("high", self.ui.statusLabel.text)
        self.assertEqual(self.ui.volumesTable.item(3, 2).text(), "1000")
        for row in range(1, 4):
            self.ui.volumesTable.item(row, 0).setCheckState(qt.Qt.Unchecked)
            settle(0.1)
        self.assertFalse(self.ui.applyButton.enabled)
        self.assertIn("b-value", self.ui.applyButton.toolTip)

    def test_cancelling_the_fit_changes_nothing(self):
        self.read_folder()
        before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")

        @contextlib.contextmanager
        def impatient(_text):
            yield lambda fraction: False

        module = sys.modules["HCCParameterMapping"]
        patient = module.progressDialog
        module.progressDialog = impatient
        try:
            self.ui.applyButton.click()
        finally:
            module.progressDialog = patient
        settle()
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), before)
        self.assertIn("cancelled", self.ui.statusLabel.text)

    def test_deleting_an_input_in_mid_work(self):
        self.compute()
        slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetNodeByID(self.ui.volumesTable.item(0, 0).data(qt.Qt.UserRole)))
        settle()
        self.assertEqual(self.ui.volumesTable.rowCount, 3)
        slicer.mrmlScene.RemoveNode(self.widget._parameterNode.adcMap)
        settle()
        self.assertIsNone(self.widget._parameterNode.adcMap)
        self.assertFalse(self.ui.measureButton.enabled)
        self.ui.applyButton.click()
        settle()
        self.assertIsNotNone(self.widget._parameterNode.adcMap)

    def test_each_series_keeps_its_own_map(self):
        self.write(Path(self.folder) / "other", header=self.header(patient_id="OTHER", start=datetime(2026, 1, 2)))
        first = self.compute()
        self.read_folder("other")
        parameters = self.widget._parameterNode
        self.assertIsNone(parameters.adcMap)
        self.assertEqual(self.ui.applyButton.text, "Compute ADC map")
        self.ui.applyButton.click()
        settle()
        second = parameters.adcMap
        self.assertNotEqual(first, second)
        labels = [self.ui.seriesComboBox.itemText(n) for n in range(2)]
        self.assertIn("DEMO", labels[0])
        self.assertIn("OTHER · 2026-01-02", labels[1])
        self.widget.onSeriesChosen(0)
        settle()
        self.assertEqual(parameters.adcMap, first)
        self.outline("liver")
        self.measure()
        self.assertEqual(list(self.shown_values()), ["liver"])
        # the outlines of one patient on the map of the other
        parameters.adcMap = second
        settle()
        self.assertEqual(self.ui.valuesTable.rowCount, 0)
        self.assertFalse(self.ui.applyButton.enabled)
        self.assertIn("another series", self.ui.applyButton.toolTip)
        self.measure()
        self.assertIn("patient", self.ui.statusLabel.text)
        self.assertEqual(self.ui.valuesTable.rowCount, 0)

    def test_a_folder_read_twice_adds_nothing(self):
        self.read_folder()
        self.read_folder()
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), 4)
        self.assertIn("in the scene already", self.ui.statusLabel.text)

    def test_what_can_no_longer_be_measured_is_a_dash(self):
        self.compute()
        segmentation = self.outline("liver", "spleen")
        self.measure()
        self.paint(segmentation, "liver", self.examination.regions["liver"] & False)
        self.assertEqual(self.grey(), {"liver"})
        self.measure()
        row = [self.ui.valuesTable.item(0, column).text() for column in range(5)]
        self.assertEqual(row, ["liver", "–", "–", "–", "0"])
        self.assertIn("empty", self.ui.valuesTable.item(0, 0).toolTip())
        self.assertIn("empty", self.ui.valuesNoteLabel.text)
        self.ui.copyValuesButton.click()
        copied = [line.split("\t") for line in slicer.app.clipboard().text().splitlines()]
        self.assertEqual(copied[1][copied[0].index("mean")], "–")
        self.assertIn("empty", copied[1][copied[0].index("remark")])

    def test_values_out_of_date_are_grey(self):
        self.compute()
        segmentation = self.outline("liver", "spleen")
        self.measure()
        self.assertEqual(self.grey(), set())
        self.paint(segmentation, "spleen", self.examination.regions["spleen"] | self.examination.regions["stomach"])
        self.assertEqual(self.grey(), {"spleen"})
        self.assertIn("measure again", self.ui.valuesNoteLabel.text)
        self.measure()
        self.assertEqual(self.grey(), set())
        self.ui.volumesTable.item(3, 2).setText("1000")
        settle()
        self.assertEqual(self.grey(), {"liver", "spleen"})
        self.assertFalse(self.ui.measureButton.enabled)
        self.assertIn("compute it again", self.ui.valuesNoteLabel.text)
        self.ui.applyButton.click()
        settle()
        self.assertTrue(self.ui.measureButton.enabled)
        self.assertEqual(self.ui.valuesTable.rowCount, 0)

    def test_a_scene_added_to_this_one_brings_one_table(self):
        self.compute()
        self.outline("liver")
        self.measure()
        path = str(Path(self.folder) / "case.mrb")
        self.assertTrue(slicer.util.saveScene(path))
        before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode")
        slicer.util.loadScene(path)
        settle(0.6)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode"), before)
        self.assertEqual(list(self.shown_values()), ["liver"])

    def test_a_broken_table_is_told(self):
        from HCCResponseLib.scene.measurement_table import measurement_table

        self.compute()
        self.outline("liver")
        self.measure()
        measurement_table().GetTable().SetValueByName(0, "quantity", vtk.vtkVariant("SUV"))
        measurement_table().Modified()
        settle(0.6)
        self.assertEqual(self.ui.valuesTable.rowCount, 0)
        self.assertIn("row 1", self.ui.valuesNoteLabel.text)
        # a long text wraps, and does not widen the panel
        self.assertLessEqual(self.widget.parent.sizeHint.width(), 420)

    def test_the_status_line_tells_of_the_last_step_only(self):
        self.compute()
        self.assertIn("computed", self.ui.statusLabel.text)
        (Path(self.folder) / "empty").mkdir()
        self.read_folder("empty")
        self.assertIn("No diffusion series", self.ui.statusLabel.text)
        slicer.mrmlScene.Clear()
        settle()
        self.assertEqual(self.ui.statusLabel.text, "")

    def test_the_table_button_follows_the_layout(self):
        manager, node = slicer.app.layoutManager(), slicer.vtkMRMLLayoutNode
        self.compute()
        manager.setLayout(node.SlicerLayoutConventionalView)
        self.ui.showTableButton.click()
        self.assertEqual(manager.layout, node.SlicerLayoutFourUpTableView)
        self.assertIsNotNone(manager.tableWidget(0).tableView().mrmlTableNode().GetAttribute("HCC.Measurements"))
        manager.setLayout(node.SlicerLayoutOneUpRedSliceView)
        self.assertFalse(self.ui.showTableButton.checked)
        slicer.util.selectModule("Data")
        settle()
        self.assertEqual(manager.layout, node.SlicerLayoutOneUpRedSliceView)
        panel("HCCParameterMapping")
        manager.setLayout(node.SlicerLayoutFourUpTableView)
        self.assertTrue(self.ui.showTableButton.checked)
        self.ui.showTableButton.click()
        self.assertEqual(manager.layout, node.SlicerLayoutFourUpView)
        self.ui.showTableButton.click()
        slicer.mrmlScene.Clear()
        settle()
        self.assertFalse(self.ui.showTableButton.checked)
        self.assertEqual(manager.layout, node.SlicerLayoutFourUpView)

    def test_the_time_point_is_that_of_the_study(self):
        from HCCResponseLib.response.case import TimePoint
        from HCCResponseLib.scene.time_points import set_time_point, study_of

        self.compute()
        self.assertTrue(self.ui.timePointSpinBox.enabled)
        set_time_point(study_of(self.widget._parameterNode.adcMap), TimePoint(3))
        slicer.util.selectModule("Data")
        panel("HCCParameterMapping")
        self.assertEqual(self.ui.timePointSpinBox.value, 3)
        self.assertFalse(self.ui.timePointSpinBox.enabled)
        study = study_of(self.widget._parameterNode.adcMap)
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemAttribute(study, "HCC.TimePoint", "third")
        self.outline("liver")
        self.measure()
        self.assertIn("third", self.ui.statusLabel.text)
        self.assertEqual(self.ui.valuesTable.rowCount, 0)

    def test_change_from_the_baseline(self):
        from HCCResponseLib.scene.measurement_table import add_measurements, measurements

        self.compute()
        self.outline("liver")
        self.measure()
        self.assertTrue(self.ui.valuesTable.isColumnHidden(5))
        baseline = [dataclasses.replace(row, value=row.value / 1.5, source_series="1.2.3") for row in measurements(statistic="median")]
        slicer.mrmlScene.RemoveNode(slicer.util.getNode("HCC Measurements"))
        add_measurements(baseline)
        self.ui.timePointSpinBox.setValue(1)
        self.measure()
        self.assertFalse(self.ui.valuesTable.isColumnHidden(5))
        self.assertEqual(self.ui.valuesTable.item(0, 5).text(), "+50 %")

    def test_proposed_b_values_are_accepted_at_once(self):
        for b in (0, 800):
            slicer.util.addVolumeFromArray((1000 * np.exp(-1e-3 * b) * np.ones((5, 20, 20))).astype("float32"), name=f"dwi_b{b}")
        settle()
        self.ui.showAllVolumesCheckBox.click()
        settle()
        self.ui.acceptProposedButton.click()
        settle()
        self.assertEqual([self.ui.volumesTable.item(row, 2).text() for row in range(2)], ["0", "800"])
        self.assertTrue(self.ui.applyButton.enabled)
        self.assertFalse(self.ui.acceptProposedButton.enabled)

    def test_philips_scaling_can_be_chosen(self):
        self.write(Path(self.folder) / "philips", header=self.header(patient_id="PH"), vendor="philips")
        self.ui.scalingComboBox.setCurrentIndex(1)
        self.read_folder("philips")
        self.assertEqual(self.widget._parameterNode.series.GetAttribute("HCC.Scaling"), "philips_private")

    def test_saved_scene_brings_everything_back(self):
        self.compute()
        self.outline("liver", "spleen")
        self.ui.readerLineEdit.setText("AB")
        self.ui.timePointSpinBox.setValue(2)
        self.ui.measureButton.click()
        settle()
        before = self.shown_values()
        path = str(Path(self.folder) / "case.mrb")
        self.assertTrue(slicer.util.saveScene(path))
        slicer.mrmlScene.Clear()
        settle()
        self.assertEqual(self.ui.valuesTable.rowCount, 0)
        slicer.util.loadScene(path)
        settle(0.5)
        self.assertEqual(self.ui.readerLineEdit.text, "AB")
        self.assertEqual(self.ui.timePointSpinBox.value, 2)
        self.assertEqual(self.ui.volumesTable.rowCount, 4)
        self.assertEqual(self.shown_values(), before)
        adc_map = self.widget._parameterNode.adcMap
        self.assertEqual(adc_map.GetVoxelValueUnits().GetCodeMeaning(), "10⁻³ mm²/s")
        self.assertEqual(adc_map.GetAttribute("HCC.Role"), "ADC")

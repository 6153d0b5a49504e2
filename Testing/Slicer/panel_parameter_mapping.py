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
from application import ModuleCase, PatientCase, panel, screenshot
from application import settle as _settle


def settle(seconds: float = 0.5) -> None:
    """Let the panel follow as well: it waits until changes rest, on a busy computer longer than usual."""
    _settle(seconds)
    timer = slicer.util.getModuleWidget("HCCParameterMapping")._updateTimer
    for _try in range(60):
        if not timer.active:
            break
        _settle(0.05)


def click_and_cancel(button) -> None:
    """Click a button and cancel the work that it begins."""

    @contextlib.contextmanager
    def impatient(_text):
        yield lambda fraction: False

    module = sys.modules["HCCParameterMapping"]
    patient = module.progressDialog
    module.progressDialog = impatient
    try:
        button.click()
    finally:
        module.progressDialog = patient
    settle()


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
        settle()
        self.ui.readFolderButton.click()
        settle()

    def compute(self, name="dicom"):
        self.read_folder(name)
        self.ui.applyButton.click()
        settle()
        self.assertIn("was computed", self.ui.statusLabel.text)
        return self.map()

    def map(self):
        """The map that is shown and measured."""
        return self.widget.logic.map(self.widget._parameterNode)

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
        self.assertIn("map", self.ui.measureButton.toolTip)
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
        self.assertEqual(self.map().GetAttribute("HCC.Method"), "WLLS, b = 50, 400, 800 s/mm2, air left out")
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
            settle()
        self.assertFalse(self.ui.applyButton.enabled)
        self.assertIn("b-value", self.ui.applyButton.toolTip)

    def test_cancelling_the_fit_changes_nothing(self):
        self.read_folder()
        before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")

        click_and_cancel(self.ui.applyButton)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), before)
        self.assertIn("Cancelled", self.ui.statusLabel.text)

    def test_deleting_an_input_in_mid_work(self):
        self.compute()
        slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetNodeByID(self.ui.volumesTable.item(0, 0).data(qt.Qt.UserRole)))
        settle()
        self.assertEqual(self.ui.volumesTable.rowCount, 3)
        slicer.mrmlScene.RemoveNode(self.map())
        settle()
        self.assertIsNone(self.map())
        self.assertFalse(self.ui.measureButton.enabled)
        self.ui.applyButton.click()
        settle()
        self.assertIsNotNone(self.map())

    def choose_series(self, part: str):
        labels = [self.ui.seriesComboBox.itemText(n) for n in range(self.ui.seriesComboBox.count)]
        index = next(n for n, label in enumerate(labels) if part in label)
        self.ui.seriesComboBox.setCurrentIndex(index)
        self.widget.onSeriesChosen(index)
        settle()

    def test_each_series_keeps_its_own_map(self):
        self.write(Path(self.folder) / "other", header=self.header(patient_id="OTHER", start=datetime(2026, 1, 2)))
        first = self.compute()
        self.read_folder("other")
        self.assertIsNone(self.map())
        self.ui.applyButton.click()
        settle()
        second = self.map()
        self.assertNotEqual(first, second)
        labels = " ".join(self.ui.seriesComboBox.itemText(n) for n in range(2))
        self.assertIn("DEMO", labels)
        self.assertIn("OTHER · 2026-01-02", labels)
        self.choose_series("DEMO")
        self.assertEqual(self.map(), first)
        self.outline("liver")
        self.measure()
        self.assertEqual(list(self.shown_values()), ["liver"])
        # the outlines of one patient on the map of the other
        self.choose_series("OTHER")
        self.assertEqual(self.map(), second)
        self.assertEqual(self.ui.valuesTable.rowCount, 0)
        self.measure()
        self.assertIn("patient", self.ui.statusLabel.text)
        self.assertEqual(self.ui.valuesTable.rowCount, 0)

    def test_an_earlier_map_can_be_kept(self):
        first = self.compute()
        self.ui.applyButton.click()
        settle()
        self.assertEqual(self.map(), first)
        self.ui.keepEarlierCheckBox.click()
        self.ui.applyButton.click()
        settle()
        self.assertNotEqual(self.map(), first)
        titles = [self.ui.mapComboBox.itemText(n) for n in range(self.ui.mapComboBox.count)]
        self.assertEqual(len(titles), 2)
        self.assertIn(first.GetName(), titles[1])

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
        from HCCResponseLib.scene.measurement_table import measurements
        from HCCResponseLib.scene.time_points import set_time_point, study_of

        self.compute()
        self.assertTrue(self.ui.timePointSpinBox.visible)
        study = study_of(self.map())
        set_time_point(study, TimePoint(3))
        slicer.util.selectModule("Data")
        panel("HCCParameterMapping")
        self.assertFalse(self.ui.timePointSpinBox.visible)
        self.outline("liver")
        self.measure()
        self.assertEqual({row.time_point for row in measurements()}, {3})
        slicer.mrmlScene.RemoveNode(slicer.util.getNode("HCC Measurements"))
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemAttribute(study, "HCC.TimePoint", "third")
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
        self.widget.onReaderEdited()
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
        settle()
        self.assertEqual(self.ui.readerLineEdit.text, "AB")
        self.assertEqual(self.ui.timePointSpinBox.value, 2)
        self.assertEqual(self.ui.volumesTable.rowCount, 4)
        self.assertEqual(self.shown_values(), before)
        adc_map = self.map()
        self.assertEqual(adc_map.GetVoxelValueUnits().GetCodeMeaning(), "10⁻³ mm²/s")
        self.assertEqual(adc_map.GetAttribute("HCC.Role"), "ADC")


class SamplePatientTest(PatientCase):
    """The maps of the sample patient: all three tasks, inputs, curves, and several examinations."""

    def setUp(self):
        super().setUp()
        from HCCResponseLib.scene.reader_name import set_reader_name

        set_reader_name("AB")
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self.widget = panel("HCCParameterMapping")
        self.ui, self.logic = self.widget.ui, self.widget.logic
        self.parameters = self.widget._parameterNode

    def study(self, index: int):
        from HCCResponseLib.scene.selection import select_study, selected_patient
        from HCCResponseLib.scene.study_nodes import examinations_of_patient

        select_study(examinations_of_patient(selected_patient())[index])
        settle(0.6)

    def task(self, index: int):
        self.ui.taskTabs.setCurrentIndex(index)
        settle()

    def compute(self, index: int):
        self.task(index)
        self.assertTrue(self.ui.applyButton.enabled, self.ui.applyButton.toolTip)
        self.ui.applyButton.click()
        settle()
        self.assertIn("computed", self.ui.statusLabel.text)
        return self.logic.map(self.parameters)

    def quantities(self) -> list[str]:
        return [node.GetAttribute("HCC.Quantity") for node in self.logic.maps(self.parameters)]

    def told(self) -> str:
        return "\n".join(self.ui.preflightList.item(n).text() for n in range(self.ui.preflightList.count))

    def legend(self, node):
        return slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)

    def lesion_centre(self) -> list[float]:
        from HCCResponseLib.scene.examination_maps import accepted_lesions

        outlines = self.logic.outlines(self.parameters)
        return list(outlines.GetSegmentCenterRAS(accepted_lesions(outlines)[0]))

    def point_at(self, point):
        slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode").SetCursorPositionRAS(point)
        settle()

    def values(self) -> dict[str, float]:
        table = self.ui.valuesTable
        return {table.item(row, 0).text(): float(table.item(row, 1).text()) for row in range(table.rowCount)}

    def test_three_tasks_and_their_screenshots(self):
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        adc = self.compute(0)
        self.ui.measureButton.click()
        settle()
        self.assertEqual(len(self.values()), 3)
        self.widget.onValueClicked(0, 0)
        screenshot("HCCParameterMapping-diffusion")
        t1 = self.compute(1)
        self.assertEqual(t1.GetAttribute("HCC.Quantity"), "T1")
        self.assertEqual([self.legend(node).GetVisibility() for node in (adc, t1)], [0, 1])
        self.ui.measureButton.click()
        screenshot("HCCParameterMapping-t1")
        self.task(2)
        screenshot("HCCParameterMapping-perfusion-before")
        ktrans = self.compute(2)
        self.assertEqual(ktrans.GetAttribute("HCC.Quantity"), "KTRANS")
        for key in ("KTRANS", "KEP", "VE", "VP"):
            self.assertIn(key, self.quantities())
        self.ui.measureButton.click()
        settle()
        self.ui.curveButton.click()
        self.point_at(self.lesion_centre())
        self.assertIn("Ktrans", self.ui.curveLabel.text)
        screenshot("HCCParameterMapping-perfusion")
        self.ui.moreGroupBox.collapsed = False
        self.ui.plotInputButton.click()
        settle()
        screenshot("HCCParameterMapping-input")
        self.ui.moreGroupBox.collapsed = True
        self.ui.measureAllButton.click()
        settle()
        from HCCResponseLib.scene.measurement_table import measurements

        measured = {row.quantity for row in measurements(statistic="median", reader="AB")}
        self.assertEqual(measured, {"ADC", "T1", "KTRANS", "KEP", "VE", "VP"})
        slicer.util.selectModule("Data")
        settle()
        self.assertEqual(slicer.app.layoutManager().layout, slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self.assertEqual(self.legend(ktrans).GetVisibility(), 0)
        self.assertEqual(slicer.util.getNodesByClass("vtkMRMLPlotChartNode"), [])
        panel("HCCParameterMapping")
        self.assertEqual(self.legend(ktrans).GetVisibility(), 1)

    def test_perfusion_says_what_it_needs(self):
        self.task(2)
        self.assertFalse(self.ui.applyButton.enabled)
        self.assertIn("T1 map", self.ui.applyButton.toolTip)
        self.ui.t1SourceComboBox.setCurrentIndex(1)
        settle()
        self.assertTrue(self.ui.applyButton.enabled, self.ui.applyButton.toolTip)
        for text in ("32 images", "before the contrast agent arrives", "Flip angle", "voxels to fit", "Relaxivity"):
            self.assertIn(text, self.told())
        self.ui.vesselComboBox.setCurrentIndex(0)
        self.widget.onSegmentChosen("vessel", "")
        settle()
        self.assertTrue(self.ui.applyButton.enabled)  # the aorta is found by its type

    def test_inputs_follow_their_settings(self):
        from HCCResponseLib.scene.arterial_input import input_function, input_kind

        self.task(2)
        parker = self.logic.arterial(self.parameters)
        before = input_function(parker).plasma.max()
        self.ui.hematocritSpinBox.setValue(0.3)
        settle()
        self.assertLess(input_function(parker).plasma.max(), 0.95 * before)
        self.ui.inputComboBox.setCurrentIndex(3)
        settle()
        measured = self.logic.arterial(self.parameters)
        self.assertEqual(str(input_kind(measured)), "measured")
        self.assertFalse(self.ui.arrivalSpinBox.enabled)
        self.assertFalse(self.ui.portalComboBox.visible)
        self.ui.modelComboBox.setCurrentIndex(4)
        settle()
        self.assertTrue(self.ui.portalComboBox.visible)
        self.assertIsNotNone(self.logic.portal(self.parameters))
        self.ui.plotInputButton.click()
        settle()
        self.assertEqual(len(self.logic.inputCurves(self.parameters)), 2)
        self.assertIn("Measured in", self.ui.curveLabel.text)
        slicer.mrmlScene.RemoveNode(measured)
        settle()
        self.assertTrue(self.ui.applyButton.enabled or self.ui.applyButton.toolTip)

    def test_inputs_of_two_examinations_keep_their_haematocrit(self):
        self.task(2)
        self.ui.hematocritSpinBox.setValue(0.35)
        settle()
        self.study(1)
        self.ui.hematocritSpinBox.setValue(0.48)
        settle()
        self.study(0)
        self.assertAlmostEqual(self.ui.hematocritSpinBox.value, 0.35)
        self.study(1)
        self.assertAlmostEqual(self.ui.hematocritSpinBox.value, 0.48)

    def test_an_input_goes_out_and_comes_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "aif.csv")
            self.task(2)
            self.widget.exportInput(path)
            self.assertIn("aif.csv", self.ui.statusLabel.text)
            self.widget.importInput(path)
            settle()
        self.assertEqual(self.ui.inputComboBox.currentIndex, 4)
        self.assertEqual(self.logic.arterial(self.parameters).GetAttribute("HCC.InputKind"), "imported")
        self.assertFalse(self.ui.vesselComboBox.visible)
        self.study(1)
        self.assertIn("import a CSV", self.told())

    def test_the_curve_follows_the_mouse_and_the_settings(self):
        self.ui.curveButton.click()
        self.point_at(self.lesion_centre())
        self.assertIn("ADC", self.ui.curveLabel.text)
        text = self.ui.curveLabel.text
        self.ui.leaveOutZeroButton.click()
        settle()
        self.assertNotEqual(self.ui.curveLabel.text, text)
        self.task(1)
        self.assertIn("T1", self.ui.curveLabel.text)
        self.point_at([900.0, 0.0, 0.0])
        self.assertIn("beside", self.ui.curveLabel.text)
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        settle()
        self.assertFalse(self.ui.curveButton.checked)
        self.assertFalse(self.widget._crosshair.isOn)
        slicer.util.selectModule("Data")
        self.assertEqual(slicer.app.layoutManager().layout, slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)

    def test_the_protocol_can_be_corrected(self):
        self.task(2)
        sequence = self.logic.sequence(self.parameters)
        known = self.logic.protocolTexts(sequence)
        edits = (self.ui.flipAngleLineEdit, self.ui.repetitionTimeLineEdit, self.ui.intervalLineEdit)
        for edit, typed in zip(edits, ("25", "6.5", "5"), strict=True):
            edit.text = typed
            self.widget.onProtocolEdited()
            settle()
            self.assertEqual(self.ui.statusLabel.text, "")
            self.assertNotEqual(self.logic.protocolTexts(sequence), known)
            known = self.logic.protocolTexts(sequence)
        self.assertEqual(known, ("25°", "6.5 ms", "every 5 s"))
        self.ui.flipAngleLineEdit.text = "much"
        self.widget.onProtocolEdited()
        self.assertIn("much", self.ui.statusLabel.text)
        self.assertEqual(self.ui.flipAngleLineEdit.text, "25°")

    def test_flip_angles_can_be_typed_and_left_out(self):
        self.task(1)
        table = self.ui.anglesTable
        self.assertEqual([table.item(row, 2).text() for row in range(3)], ["5", "10", "15"])
        table.item(1, 2).setText("11,5")
        settle()
        self.assertEqual(table.item(1, 2).text(), "11.5")
        table.item(1, 3).setText("long")
        settle()
        self.assertIn("long", self.ui.statusLabel.text)
        for row in (2, 1):
            table.item(row, 0).setCheckState(qt.Qt.Unchecked)
            settle()
        self.assertFalse(self.ui.applyButton.enabled)
        self.assertIn("flip angle", self.ui.applyButton.toolTip)

    def test_another_examination_shows_its_own_map_and_the_change(self):
        self.compute(0)
        self.ui.measureButton.click()
        settle()
        baseline = self.logic.map(self.parameters)
        self.study(1)
        self.assertIsNone(self.logic.map(self.parameters))
        self.assertEqual(self.ui.valuesTable.rowCount, 0)
        followup = self.compute(0)
        self.assertNotEqual(followup, baseline)
        self.ui.measureButton.click()
        settle()
        self.assertFalse(self.ui.valuesTable.isColumnHidden(5))
        screenshot("HCCParameterMapping-change")
        self.study(0)
        self.assertEqual(self.logic.map(self.parameters), baseline)
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        self.assertEqual(composite.GetForegroundVolumeID(), baseline.GetID())
        self.assertEqual([self.legend(node).GetVisibility() for node in (baseline, followup)], [1, 0])

    def test_only_accepted_lesions_unless_all_are_wanted(self):
        from HCCResponseLib.scene.examination_maps import accepted_lesions
        from HCCResponseLib.scene.proposals import mark_proposed

        self.compute(0)
        outlines = self.logic.outlines(self.parameters)
        mark_proposed(outlines, accepted_lesions(outlines)[0], "grown")
        self.ui.measureButton.click()
        settle()
        self.assertEqual(len(self.values()), 2)
        outlines.GetDisplayNode().SetAllSegmentsVisibility(True)
        self.ui.allSegmentsCheckBox.click()
        self.ui.measureButton.click()
        settle()
        self.assertIn("proposal", self.ui.statusLabel.text)
        self.assertEqual(self.ui.valuesTable.rowCount, 6)

    def test_inputs_deleted_in_mid_work(self):
        self.compute(1)
        self.task(2)
        self.ui.curveButton.click()
        self.point_at(self.lesion_centre())
        slicer.mrmlScene.RemoveNode(self.logic.t1Map())
        settle(0.6)
        self.assertIn("T1 map", self.ui.applyButton.toolTip)
        self.point_at(self.lesion_centre())
        slicer.mrmlScene.RemoveNode(self.logic.outlines(self.parameters))
        settle(0.6)
        slicer.mrmlScene.RemoveNode(self.logic.sequence(self.parameters))
        settle(0.6)
        self.assertIn("no dynamic series", self.ui.applyButton.toolTip)
        self.assertFalse(self.ui.curveButton.enabled)
        slicer.mrmlScene.Clear()
        settle()
        self.assertFalse(self.widget._crosshair.isOn)
        self.assertEqual(slicer.app.layoutManager().layout, slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    def test_cancelling_perfusion_changes_nothing(self):
        self.task(2)
        self.ui.t1SourceComboBox.setCurrentIndex(1)
        settle()
        before = slicer.mrmlScene.GetNumberOfNodes()

        click_and_cancel(self.ui.applyButton)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)
        self.assertIn("Cancelled", self.ui.statusLabel.text)

    def test_ivim_of_these_b_values(self):
        self.ui.diffusionModelComboBox.setCurrentIndex(1)
        settle()
        self.assertTrue(self.ui.ivimComboBox.visible)
        self.assertFalse(self.ui.estimatorComboBox.visible)
        self.assertEqual(self.ui.applyButton.text, "Compute IVIM maps")
        if self.ui.applyButton.enabled:
            self.compute(0)
            self.assertIn("D", self.quantities())
            self.assertIn("PERFUSION_FRACTION", self.quantities())

    def test_saved_and_loaded_again(self):
        self.compute(1)
        self.compute(2)
        self.ui.marginSpinBox.setValue(5)
        self.ui.measureAllButton.click()
        settle()
        before, quantities = self.values(), self.quantities()
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "case.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            settle()
            slicer.util.loadScene(path)
            settle(0.8)
        self.parameters = self.widget._parameterNode
        self.assertEqual(self.ui.taskTabs.currentIndex, 2)
        self.assertEqual(self.ui.marginSpinBox.value, 5)
        self.assertEqual(self.quantities(), quantities)
        self.assertEqual(self.values(), before)
        self.assertEqual(self.logic.outdated(self.logic.map(self.parameters)), "")

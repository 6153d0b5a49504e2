"""HCC Lesion Segmentation, driven with the buttons of its panel where things go wrong or change in mid-work."""

import tempfile
from pathlib import Path
from unittest import mock

import slicer
from application import PatientCase, panel, screenshot, settle


class LesionSegmentationPanelTest(PatientCase):
    """The small reference patient with its outlines."""

    def setUp(self):
        super().setUp()
        self.widget = panel("HCCLesionSegmentation")
        self.ui = self.widget.ui
        self.ui.readerLineEdit.setText("AB")
        self.widget.onReaderEdited()

    def names(self):
        return [lesion.name for lesion in self.widget._lesions]

    def choose(self, name):
        self.ui.lesionTable.setCurrentCell(self.names().index(name), 0)
        settle()

    def listed(self, name):
        return next(lesion for lesion in self.widget._lesions if lesion.name == name)

    def examine(self, index):
        self.ui.studyComboBox.setCurrentIndex(index)
        self.ui.studyComboBox.activated(index)
        settle()

    def grow(self, name="HCC 2"):
        point = self.widget._segmentation().GetSegmentCenterRAS(self.listed(name).segment_id)
        self.ui.growButton.click()
        settle()
        self.widget.click._node.AddControlPoint(*point)
        settle(0.5)
        return self.widget._parameterNode.growing

    def test_the_panel_shows_the_examination(self):
        self.assertEqual(self.names(), ["HCC 1", "HCC 2", "HCC 3"])
        self.assertEqual(self.ui.nameLineEdit.text, "HCC 1")
        composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
        self.assertEqual(composite.GetBackgroundVolumeID(), self.widget._parameterNode.image.GetID())
        shown = [node for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if node.GetDisplayVisibility()]
        self.assertEqual(shown, [self.widget._segmentation()])
        self.ui.measureAllButton.click()
        settle(0.5)
        self.choose("HCC 3")
        self.widget.onLesionClicked(2, 0)
        screenshot("HCCLesionSegmentation")
        for section in ("editor", "earlier", "references"):
            getattr(self.ui, f"{section}CollapsibleButton").collapsed = False
        self.ui.attributesGroupBox.collapsed = False
        settle()
        screenshot("HCCLesionSegmentation-open")
        for section in ("editor", "earlier", "references"):
            getattr(self.ui, f"{section}CollapsibleButton").collapsed = True
        self.ui.attributesGroupBox.collapsed = True
        slicer.util.selectModule("Data")
        settle()
        shown = [node for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if node.GetDisplayVisibility()]
        self.assertEqual(shown, [self.widget._segmentation()])  # as its image, which stays too

    def test_what_another_reader_measured_is_told(self):
        self.ui.readerLineEdit.setText("AB")
        self.widget.onReaderEdited()
        self.ui.measureAllButton.click()
        settle()
        self.ui.readerLineEdit.setText("CD")
        self.widget.onReaderEdited()
        settle()
        self.assertIn("Measured by AB", self.ui.hintLabel.text)

    def test_an_empty_scene_says_what_to_do(self):
        slicer.mrmlScene.Clear()
        settle()
        self.assertEqual(self.ui.lesionTable.rowCount, 0)
        for button in (self.ui.addButton, self.ui.growButton, self.ui.measureAllButton, self.ui.bringButton, self.ui.aortaButton):
            self.assertFalse(button.enabled)
            self.assertTrue(button.toolTip)
        self.assertIn("Import", self.ui.addButton.toolTip)

    def test_a_click_grows_and_cancel_changes_nothing(self):
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        segmentId = self.grow()
        self.assertTrue(segmentId)
        self.assertFalse(self.ui.growButton.checked)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)
        self.assertFalse(self.ui.measureAllButton.enabled)
        self.assertIn("growing", self.ui.measureAllButton.toolTip)
        screenshot("HCCLesionSegmentation-growing")
        self.ui.cancelGrowthButton.click()
        settle()
        self.assertEqual(self.names(), ["HCC 1", "HCC 2", "HCC 3"])
        self.assertFalse(self.ui.redoButton.enabled)

    def test_the_waiting_for_a_click_ends_with_the_mouse_mode(self):
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        self.ui.aortaButton.click()
        settle()
        self.assertEqual(interaction.GetCurrentInteractionMode(), interaction.Place)
        self.ui.growButton.click()
        settle()
        self.assertFalse(self.ui.aortaButton.checked)
        self.assertTrue(self.widget.click.isOn)
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        settle()
        self.assertFalse(self.ui.growButton.checked)
        self.assertFalse(self.widget.click.isOn)
        self.ui.muscleButton.click()
        slicer.util.selectModule("Data")
        settle()
        self.assertEqual(interaction.GetCurrentInteractionMode(), interaction.ViewTransform)

    def test_a_click_beside_the_patient_is_told_in_the_panel(self):
        self.widget.growFrom((5000.0, 0.0, 0.0))
        self.assertIn("outside the image", self.ui.statusLabel.text)
        self.assertEqual(self.names(), ["HCC 1", "HCC 2", "HCC 3"])
        self.assertFalse(self.ui.undoButton.enabled)

    def test_another_examination_while_an_outline_grows(self):
        self.grow()
        self.examine(1)
        self.assertIn("proposal", self.ui.statusLabel.text)
        self.assertFalse(self.widget._parameterNode.growing)
        self.ui.strengthSlider.value = 0.9
        self.assertEqual(self.names(), ["HCC 1", "HCC 2", "HCC 3"])
        self.examine(0)
        self.assertTrue(self.listed("Lesion 1").proposed)
        self.choose("Lesion 1")
        self.ui.rejectButton.click()
        settle()
        self.assertEqual(self.names(), ["HCC 1", "HCC 2", "HCC 3"])

    def test_the_segmentation_is_deleted_while_an_outline_grows(self):
        self.grow()
        slicer.mrmlScene.RemoveNode(self.widget._segmentation())
        settle(0.5)
        self.assertFalse(self.widget._parameterNode.growing)
        self.assertEqual(self.names(), [])
        self.ui.strengthSlider.value = 0.2
        self.ui.addButton.click()
        settle()
        self.assertEqual(len(self.names()), 1)
        self.ui.undoButton.click()
        settle()
        self.assertEqual(self.names(), [])
        self.assertIn("Bring the lesions from Week", self.ui.hintLabel.text)

    def test_the_image_is_deleted_in_mid_work(self):
        before = self.widget._parameterNode.image
        self.grow()
        slicer.mrmlScene.RemoveNode(before)
        settle(0.5)
        self.assertIsNotNone(self.widget._parameterNode.image)
        self.ui.strengthSlider.value = 0.6
        settle()
        self.ui.cancelGrowthButton.click()
        settle()
        self.assertEqual(self.names(), ["HCC 1", "HCC 2", "HCC 3"])

    def test_the_scene_is_closed_while_an_outline_grows(self):
        self.grow()
        slicer.mrmlScene.Clear()
        settle()
        self.assertEqual(self.ui.lesionTable.rowCount, 0)
        self.assertFalse(self.ui.undoButton.enabled)

    def test_a_cancelled_registration_changes_nothing(self):
        self.examine(1)
        self.choose("HCC 2")
        self.ui.removeButton.click()
        settle()
        with mock.patch("HCCPanels.progress_dialog.slicer.util.createProgressDialog", return_value=_Cancelling()):
            self.ui.bringButton.click()
        settle()
        self.assertIn("Cancelled", self.ui.statusLabel.text)
        self.assertEqual(self.names(), ["HCC 1", "HCC 3"])

    def test_lesions_outlined_apart_are_matched(self):
        from HCCResponseLib.scene.findings import findings
        from HCCResponseLib.scene.lesion_identity import new_lesion_identity, set_lesion_identity

        identities = {lesion.name: lesion.uid for lesion in self.widget._lesions}
        self.examine(1)
        for lesion in self.widget._lesions:
            set_lesion_identity(self.widget._segmentation(), lesion.segment_id, new_lesion_identity(f"{lesion.name} apart"))
        settle(0.5)
        self.choose("HCC 3")
        self.ui.removeButton.click()
        settle()
        self.ui.compareButton.click()
        settle()
        self.assertEqual([combo.currentText for _side, _uid, combo in self.widget._matchCombos], ["HCC 1", "HCC 2", "gone"])
        self.ui.earlierCollapsibleButton.collapsed = False
        screenshot("HCCLesionSegmentation-matching")
        self.ui.earlierCollapsibleButton.collapsed = True
        self.ui.takeMatchesButton.click()
        settle()
        self.assertEqual({lesion.name: lesion.uid for lesion in self.widget._lesions}, {n: identities[n] for n in ("HCC 1", "HCC 2")})
        self.assertEqual(findings(self.widget._study)[0].lesion_uid, identities["HCC 3"])
        self.assertEqual(self.ui.matchTable.rowCount, 0)

    def test_what_a_lesion_counts_as(self):
        from HCCResponseLib.scene.lesion_attributes import lesion_of

        self.choose("HCC 1")
        uid = self.listed("HCC 1").uid
        self.ui.kindComboBox.setCurrentIndex(1)
        self.ui.kindComboBox.activated(1)
        self.ui.treatedCheckBox.click()
        self.ui.siteComboBox.setCurrentIndex(self.ui.siteComboBox.findData("lymph node"))
        self.ui.siteComboBox.activated(self.ui.siteComboBox.currentIndex)
        self.ui.doseSpinBox.value = 50.0
        self.ui.nameLineEdit.setText("Hilar node")
        self.ui.nameLineEdit.editingFinished()
        settle()
        self.examine(1)
        listed = next(lesion for lesion in self.widget._lesions if lesion.uid == uid)
        lesion = lesion_of(self.widget._segmentation(), listed.segment_id)
        self.assertEqual((listed.name, listed.site, lesion.kind.value), ("Hilar node", "lymph node", "target"))
        self.assertTrue(lesion.previously_treated and lesion.lymph_node)
        self.assertEqual((lesion.dose_gy, lesion.fractions), (50.0, 1))
        self.ui.nameLineEdit.setText("HCC 2")
        self.ui.nameLineEdit.editingFinished()
        settle()
        self.assertIn("choose another name", self.ui.statusLabel.text)
        self.assertEqual(self.ui.nameLineEdit.text, "Hilar node")

    def test_the_editor_works_on_the_lesion_that_is_chosen(self):
        editor = self.ui.segmentEditor
        self.choose("HCC 2")
        self.assertEqual(editor.currentSegmentID(), self.listed("HCC 2").segment_id)
        self.assertEqual(editor.segmentationNode(), self.widget._segmentation())
        editor.setActiveEffectByName("Paint")
        settle()
        self.assertEqual(editor.activeEffect().name, "Paint")
        self.ui.growButton.click()
        settle()
        self.assertIsNone(editor.activeEffect())
        self.ui.growButton.click()
        aorta = self.ui.segmentComboBox.findText("aorta", 1)  # Qt.MatchContains
        self.ui.segmentComboBox.setCurrentIndex(aorta)
        self.ui.segmentComboBox.activated(aorta)
        settle(0.5)
        self.assertEqual(editor.currentSegmentID(), self.ui.segmentComboBox.itemData(aorta))
        editor.setActiveEffectByName("Erase")
        slicer.util.selectModule("Data")
        settle()
        self.assertIsNone(editor.activeEffect())

    def test_an_outline_that_was_changed_is_to_be_measured_again(self):
        self.choose("HCC 2")
        self.ui.measureButton.click()
        settle()
        self.assertFalse(self.listed("HCC 2").outdated)
        self.ui.smoothButton.click()
        settle()
        from HCCResponseLib.scene.segment_masks import segment_on_own_grid, set_mask_on_grid

        mask, geometry = segment_on_own_grid(self.widget._segmentation(), self.listed("HCC 2").segment_id)
        mask[mask.any(axis=(1, 2)).argmax()] = False
        set_mask_on_grid(self.widget._segmentation(), self.listed("HCC 2").segment_id, mask, geometry)
        settle(0.6)
        self.assertTrue(self.listed("HCC 2").outdated)
        self.assertEqual(self.ui.lesionTable.item(1, 5).text(), "↻")

    def test_references_by_click(self):
        from HCCResponseLib.response.region_types import RegionType
        from HCCResponseLib.scene.segment_types import segments_of_type

        segmentation = self.widget._segmentation()
        centre = {}
        for kind in (RegionType.AORTA, RegionType.MUSCLE):
            (segmentId,) = segments_of_type(segmentation, kind)
            centre[kind] = segmentation.GetSegmentCenterRAS(segmentId)
            segmentation.GetSegmentation().RemoveSegment(segmentId)
        settle()
        self.ui.aortaButton.click()
        settle()
        self.widget.click._node.AddControlPoint(*centre[RegionType.AORTA])
        settle(0.5)
        self.assertEqual(len(segments_of_type(segmentation, RegionType.AORTA)), 1, self.ui.statusLabel.text)
        self.widget.outlineMuscle(centre[RegionType.MUSCLE])
        settle()
        # The small sample's voxels are too coarse for a sphere of 7 mm; what is lacking is told.
        self.assertEqual(len(segments_of_type(segmentation, RegionType.MUSCLE)), 0)
        self.assertIn("usable voxels", self.ui.statusLabel.text)
        self.choose("HCC 1")
        self.ui.ringButton.click()
        settle()
        self.assertIn("HCC 1", self.ui.referencesLabel.text)

    def test_saved_scene_brings_everything_back(self):
        self.ui.measureAllButton.click()
        self.ui.largestDiameterSpinBox.value = 90.0
        self.choose("HCC 2")
        before = [(lesion.name, lesion.long_axis_mm, lesion.volume_ml, lesion.remarks) for lesion in self.widget._lesions]
        path = str(Path(self.enterContext(tempfile.TemporaryDirectory())) / "case.mrb")
        self.assertTrue(slicer.util.saveScene(path))
        slicer.mrmlScene.Clear()
        settle()
        slicer.util.loadScene(path)
        settle(0.5)
        self.assertEqual([(lesion.name, lesion.long_axis_mm, lesion.volume_ml, lesion.remarks) for lesion in self.widget._lesions], before)
        self.assertEqual(self.ui.largestDiameterSpinBox.value, 90.0)
        self.assertEqual(self.ui.nameLineEdit.text, "HCC 2")
        self.assertEqual(self.ui.readerLineEdit.text, "AB")
        self.assertEqual(self.ui.segmentEditor.segmentationNode(), self.widget._segmentation())


class _Cancelling:
    """A progress dialog whose Cancel button was pressed at once."""

    wasCanceled = True
    value = 0
    labelText = ""

    def close(self):
        pass

    def deleteLater(self):
        pass

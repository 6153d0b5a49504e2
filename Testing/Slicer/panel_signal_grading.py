"""HCC Signal Grading, driven with its keys and buttons."""

import tempfile
from pathlib import Path

import qt
import slicer
from application import PatientCase, panel, screenshot, settle


class SignalGradingPanelTest(PatientCase):
    def setUp(self):
        super().setUp()
        from HCCResponseLib.scene.reader_name import set_reader_name

        set_reader_name("AB")
        self.manager = slicer.app.layoutManager()
        self.manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        slicer.util.selectModule("Data")
        settle()
        self.look = self.user_look()
        self.widget = panel("HCCSignalGrading")
        self.ui = self.widget.ui

    def user_look(self) -> list:
        """What the user's own views and nodes look like."""
        found = [self.manager.layout]
        for name in ("Red", "Green", "Yellow"):
            logic = self.manager.sliceWidget(name).sliceLogic()
            node, composite = logic.GetSliceNode(), logic.GetSliceCompositeNode()
            found.append((name, node.GetSliceOffset(), node.GetFieldOfView()[1], composite.GetBackgroundVolumeID()))
        for volume in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
            display = volume.GetDisplayNode()
            found.append((display.GetWindow(), display.GetLevel(), display.GetAutoWindowLevel()))
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            display, segmentation = node.GetDisplayNode(), node.GetSegmentation()
            ids = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
            segments = [display.GetSegmentVisibility(one) for one in ids]
            found.append((display.GetVisibility(), display.GetVisibility2DFill(), display.GetNumberOfViewNodeIDs(), segments))
        return found

    def key(self, name: str) -> None:
        """Press a key: what its shortcut does."""
        next(one for one in self.widget._shortcuts if one.key.toString() == name).activated()
        settle(0.1)

    def study(self, index: int) -> None:
        from HCCResponseLib.scene.selection import select_study, selected_patient
        from HCCResponseLib.scene.study_nodes import examinations_of_patient

        select_study(examinations_of_patient(selected_patient())[index])
        settle(0.5)

    def grades(self) -> dict:
        from HCCResponseLib.scene.measurement_table import measurements

        rows = [row for row in measurements() if row.quantity in ("T1_GRADE", "T2_GRADE")]
        return {(row.lesion_name, row.time_point, row.quantity[:2], row.reader): row.value for row in rows}

    def checked(self, sequence: str) -> list[int]:
        return [n for n, button in enumerate(self.widget._gradeButtons[sequence], start=1) if button.checked]

    def test_screenshots(self):
        self.study(2)
        for _step in range(2):
            self.key("N")
        screenshot("HCCSignalGrading")
        self.ui.viewsCollapsibleButton.collapsed = False
        for key in ("5", "5"):
            self.key(key)
        screenshot("HCCSignalGrading-graded")
        self.ui.viewsCollapsibleButton.collapsed = True
        self.ui.blindedCheckBox.click()
        settle()
        screenshot("HCCSignalGrading-blinded")
        self.ui.blindedCheckBox.click()
        self.study(0)
        screenshot("HCCSignalGrading-baseline")

    def test_keys_grade_and_go_on(self):
        self.study(1)
        for sequence_key in ("1", "2", "3", "4", "5", "0"):
            self.key(sequence_key)
        self.assertEqual(self.ui.leftLabel.text, "all 3 graded")
        grades = self.grades()
        names = list(dict.fromkeys(name for name, *_rest in grades))
        self.assertEqual(len(names), 3)
        values = [grades[name, 1, sequence, "AB"] for name in names for sequence in ("T1", "T2")]
        self.assertEqual(values[:5], [1, 2, 3, 4, 5])
        self.assertNotEqual(values[5], values[5])  # NaN: not gradable
        self.assertTrue(self.ui.t2NotGradableButton.checked)
        self.key("P")
        self.assertEqual((self.checked("T1"), self.checked("T2")), ([3], [4]))
        self.key("Backspace")
        self.assertEqual(self.checked("T1"), [])
        self.assertEqual(self.ui.leftLabel.text, "1 left")
        self.key("S")
        self.assertEqual(self.widget._parameterNode.sequence, "T2")
        self.key("1")
        self.assertEqual(self.widget._parameterNode.sequence, "T1")
        self.assertEqual((self.checked("T1"), self.checked("T2")), ([], [1]))

    def test_buttons_do_what_keys_do(self):
        self.study(2)
        self.ui.t2Grade4Button.click()
        settle()
        self.assertEqual((self.checked("T1"), self.checked("T2")), ([], [4]))
        self.ui.t2Grade4Button.click()
        self.ui.goOnCheckBox.click()
        self.ui.t1Grade2Button.click()
        settle()
        self.assertEqual((self.checked("T1"), self.checked("T2")), ([2], [4]))
        self.ui.t2ClearButton.click()
        settle()
        self.assertEqual(self.checked("T2"), [])
        self.assertFalse(self.ui.t2ClearButton.enabled)
        self.assertEqual(list(self.grades().values()), [2.0])

    def test_nobody_grades_without_a_name(self):
        self.ui.readerLineEdit.text = ""
        self.widget.onReaderEntered()
        if self.ui.readerLineEdit.text:  # the application knows who uses it
            return
        self.assertFalse(self.ui.t1Grade1Button.enabled)
        self.assertIn("who reads", self.ui.t1Grade1Button.toolTip)
        self.key("3")
        self.assertIn("who reads", self.ui.statusLabel.text)
        self.assertEqual(self.grades(), {})

    def test_readers_do_not_see_each_other_as_their_own(self):
        self.key("2")
        self.key("2")
        self.key("P")
        self.ui.readerLineEdit.text = "CD"
        self.widget.onReaderEntered()
        settle()
        self.assertEqual((self.checked("T1"), self.ui.leftLabel.text), ([], "3 left"))
        self.assertEqual(self.ui.courseTable.item(0, 1).text(), "AB")
        self.key("4")
        self.assertEqual(sorted(value for (_n, _t, sequence, _r), value in self.grades().items() if sequence == "T1"), [2.0, 4.0])
        self.ui.blindedCheckBox.click()
        settle()
        self.assertFalse(self.ui.courseTable.isVisible())

    def test_a_name_that_was_just_typed_is_who_grades(self):
        shown = self.ui.lesionLabel.text
        slicer.util.mainWindow().activateWindow()
        self.ui.readerLineEdit.setFocus()
        self.ui.readerLineEdit.text = "CD"
        self.ui.t1Grade4Button.click()  # does not take the focus
        settle()
        self.assertEqual({(reader, value) for (_n, _t, _s, reader), value in self.grades().items()}, {("CD", 4.0)})
        self.assertEqual(self.ui.lesionLabel.text, shown)

    def test_an_unfinished_comment_stays_with_its_examination_when_that_is_renumbered(self):
        from dataclasses import replace

        from HCCResponseLib.scene.selection import selected_study
        from HCCResponseLib.scene.time_points import set_time_point, time_point

        self.study(2)
        study = selected_study()
        self.ui.t1CommentLineEdit.text = "of week 12"
        self.widget.keepComments()
        slicer.util.selectModule("Data")
        set_time_point(study, replace(time_point(study), index=3))
        panel("HCCSignalGrading")
        self.assertEqual(self.ui.t1CommentLineEdit.text, "of week 12")

    def test_a_comment_on_a_grade_keeps_the_image_that_was_graded(self):
        from HCCResponseLib.scene.measurement_table import measurements

        self.key("2")
        before = measurements(quantity="T1_GRADE")[0]
        self.widget.onVolumeChosen("T1", 1)
        self.ui.t1CommentLineEdit.text = "later"
        self.widget.onCommentEntered("T1")
        after = measurements(quantity="T1_GRADE")
        self.assertEqual([(row.source_series, row.value) for row in after], [(before.source_series, 2.0)])
        self.assertTrue(after[0].method.endswith("later"))

    def test_a_blinded_reading_does_not_begin_with_a_lesion_that_another_panel_showed(self):
        from HCCResponseLib.scene.selection import select_lesion, select_study

        self.ui.blindedCheckBox.click()
        settle()
        known = self.widget._worklist[4]
        slicer.util.selectModule("Data")
        select_study(known.study_item)
        select_lesion(known.lesion_uid)
        panel("HCCSignalGrading")
        self.assertEqual(self.ui.lesionLabel.text, "Case 1 of 9")

    def test_a_blinded_reading_names_no_outlines_where_there_is_no_proposal(self):
        from HCCResponseLib.response.region_types import RegionType
        from HCCResponseLib.scene.segment_types import segments_of_type

        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            for segment_id in segments_of_type(node, RegionType.LIVER_REFERENCE):
                node.GetSegmentation().RemoveSegment(segment_id)
        self.ui.blindedCheckBox.click()
        self.ui.proposalsCheckBox.click()
        settle()
        self.assertEqual(self.ui.t1ProposalLabel.text, "No proposal.")

    def test_comments_before_and_after_the_grade(self):
        from HCCResponseLib.scene.measurement_table import measurements

        self.ui.t1CommentLineEdit.text = "rim,  dark"
        self.key("N")
        self.key("P")
        self.assertEqual(self.ui.t1CommentLineEdit.text, "rim, dark")
        self.key("2")
        self.assertEqual([row.method for row in measurements(quantity="T1_GRADE")], ["T1 grade: by eye, rim, dark"])
        self.ui.t1CommentLineEdit.text = "whole lesion"
        self.widget.onCommentEntered("T1")
        self.assertEqual([row.method for row in measurements(quantity="T1_GRADE")], ["T1 grade: by eye, whole lesion"])
        self.assertEqual(self.ui.courseTable.item(0, 4).text(), "T1: whole lesion")
        self.key("S")
        self.key("Backspace")
        self.assertEqual(measurements(quantity="T1_GRADE"), [])
        self.assertEqual(self.ui.t1CommentLineEdit.text, "whole lesion")

    def test_a_comment_that_is_being_typed_stays_with_its_lesion(self):
        comment = self.ui.t1CommentLineEdit
        slicer.util.mainWindow().activateWindow()
        comment.setFocus()
        comment.text = "of the first"
        self.ui.nextButton.click()  # does not take the focus
        settle()
        self.assertEqual(comment.text, "")
        self.ui.previousButton.click()
        settle()
        self.assertEqual(comment.text, "of the first")

    def test_leaving_gives_everything_back(self):
        self.study(2)
        self.assertNotEqual(self.user_look(), self.look)
        self.key("N")
        self.ui.outlineCheckBox.click()
        self.study(0)
        self.ui.blindedCheckBox.click()
        settle()
        slicer.util.selectModule("Data")
        settle()
        self.assertEqual(self.user_look(), self.look)
        self.assertEqual(self.widget._shortcuts, [])

    def test_a_layout_that_the_user_chose_stays(self):
        self.study(2)
        self.manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        self.key("N")
        self.assertEqual(self.manager.layout, slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        self.ui.centreButton.click()
        settle()
        self.assertNotEqual(self.manager.layout, slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        self.manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        slicer.util.selectModule("Data")
        settle()
        self.assertEqual(self.manager.layout, slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)

    def test_views_are_framed_and_linked(self):
        from HCCResponseLib.scene.comparison_views import field_of_view_mm, view_name

        self.study(2)
        settle(0.5)
        size = field_of_view_mm(*self.widget.logic.images(self.widget._parameterNode, self.widget._item))
        self.assertGreaterEqual(size, 60.0)
        nodes = [slicer.mrmlScene.GetSingletonNode(view_name("T1", before=before), "vtkMRMLSliceNode") for before in (False, True)]
        for node in nodes:
            self.assertAlmostEqual(min(node.GetFieldOfView()[:2]), size, delta=0.5)
        offsets = [node.GetSliceOffset() for node in nodes]
        nodes[0].SetSliceOffset(offsets[0] + 5)
        self.assertAlmostEqual(nodes[1].GetSliceOffset() - offsets[1], 5.0, delta=0.01)
        self.ui.centreButton.click()
        settle()
        self.assertAlmostEqual(nodes[1].GetSliceOffset(), offsets[1], delta=0.01)

    def test_blinded_views_tell_no_names(self):
        from HCCResponseLib.scene.comparison_views import view_name

        self.ui.blindedCheckBox.click()
        settle()
        self.assertFalse(self.ui.studyComboBox.isVisible())
        self.assertFalse(self.ui.proposalsCheckBox.checked)
        probe = slicer.util.findChild(slicer.util.mainWindow(), "DataProbeCollapsibleWidget")
        self.assertFalse(probe.isVisible())
        for sequence in ("T1", "T2"):
            widget = self.manager.sliceWidget(view_name(sequence))
            self.assertFalse(widget.sliceView().cornerAnnotation().GetVisibility())
            self.assertEqual(widget.mrmlSliceNode().GetLayoutLabel(), sequence)
        first = self.ui.lesionLabel.text
        self.key("N")
        self.assertNotEqual(self.ui.lesionLabel.text, first)
        self.ui.blindedCheckBox.click()
        settle()
        self.assertTrue(probe.isVisible())
        self.assertTrue(self.ui.proposalsCheckBox.checked)
        self.assertTrue(self.manager.sliceWidget(view_name("T1")).sliceView().cornerAnnotation().GetVisibility())

    def test_the_image_to_grade_on(self):
        from HCCResponseLib.scene.measurement_table import measurements

        self.assertGreater(self.ui.t1VolumeComboBox.count, 1)
        self.widget.onVolumeChosen("T1", 1)
        settle()
        self.key("3")
        volume = self.widget.logic.volumes(self.widget._item, "T1")[1]
        from HCCResponseLib.scene.subject_hierarchy import source_uid

        self.assertEqual(measurements(quantity="T1_GRADE")[0].source_series, source_uid(volume))
        for node in self.widget.logic.volumes(self.widget._item, "T2"):
            slicer.mrmlScene.RemoveNode(node)
        settle(0.6)
        self.assertFalse(self.ui.t2Grade1Button.enabled)
        self.assertIn("T2", self.ui.t2Grade1Button.toolTip)

    def test_a_saved_scene_brings_everything_back(self):
        self.study(2)
        self.ui.t2CommentLineEdit.text = "draft"
        self.key("4")
        self.ui.goOnCheckBox.click()
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "case.mrb")
            self.assertTrue(slicer.util.saveScene(path))
            settle(0.5)
            self.assertNotEqual(self.manager.layout, self.look[0])  # the panel shows its views again
            slicer.mrmlScene.Clear()
            settle()
            self.assertEqual(self.ui.worklistTable.rowCount, 0)
            self.assertFalse(self.ui.t1Grade1Button.enabled)
            slicer.util.selectModule("Data")
            slicer.util.loadScene(path)
            settle(0.5)
            self.assertEqual(self.manager.layout, self.look[0])
            visible = [node.GetDisplayNode().GetVisibility() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")]
            self.assertEqual(visible, [entry[0] for entry in self.look[-len(visible) :]])
        panel("HCCSignalGrading")
        self.assertEqual(self.checked("T1"), [4])
        self.assertEqual(self.ui.t2CommentLineEdit.text, "draft")
        self.assertEqual(self.widget._parameterNode.sequence, "T2")
        self.assertFalse(self.ui.goOnCheckBox.checked)

    def test_closing_and_deleting_in_mid_work(self):
        self.study(2)
        lesion = self.widget._item
        self.widget.logic.segmentation(lesion).GetSegmentation().RemoveSegment(lesion.segment_id)
        settle(0.6)
        self.assertEqual(self.ui.worklistTable.rowCount, 2)
        slicer.mrmlScene.RemoveNode(self.widget.logic.segmentation(lesion))
        settle(0.6)
        self.assertEqual(self.ui.worklistTable.rowCount, 0)
        self.assertIn("No lesion is outlined", self.ui.statusLabel.text)
        self.study(1)
        self.assertEqual(self.ui.worklistTable.rowCount, 3)
        slicer.mrmlScene.Clear()
        settle()
        self.assertIn("No examination", self.ui.statusLabel.text)
        self.key("3")
        self.assertEqual(self.manager.layout, slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    def test_entering_and_leaving_leaks_nothing(self):
        slicer.util.selectModule("Data")
        before = len(list(self.widget.Observations))
        shortcuts = len(slicer.util.findChildren(slicer.util.mainWindow(), className="QShortcut"))
        for _visit in range(10):
            panel("HCCSignalGrading")
            slicer.util.selectModule("Data")
        settle()
        self.assertEqual(len(list(self.widget.Observations)), before)
        self.assertEqual(len(slicer.util.findChildren(slicer.util.mainWindow(), className="QShortcut")), shortcuts)
        self.assertEqual(self.user_look(), self.look)

    def test_keys_are_letters_where_text_is_typed(self):
        comment = self.ui.t1CommentLineEdit
        comment.setFocus()
        for text in ("n", "1"):
            event = qt.QKeyEvent(qt.QEvent.ShortcutOverride, ord(text.upper()), qt.Qt.NoModifier, text)
            event.ignore()
            slicer.app.sendEvent(comment, event)
            self.assertTrue(event.isAccepted(), text)

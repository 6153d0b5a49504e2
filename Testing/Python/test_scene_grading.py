"""Grading lesion by lesion: the list and its blinded order, what was graded, and the views that show a lesion at two times."""

import math
import unittest
from dataclasses import replace

import numpy as np
from slicer_core_scene import IN_APPLICATION, SceneTestCase, reopen, slicer

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import LPS_TO_RAS, Geometry
from HCCResponseLib.response.case import Lesion, TimePoint
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.comparison_views import (
    COMPARISON_LAYOUT,
    PAIR_LAYOUT,
    ComparisonViews,
    LesionImages,
    field_of_view_mm,
    put_back,
    register_layouts,
    view_name,
)
from HCCResponseLib.scene.grading_worklist import (
    GivenGrade,
    clear_grade,
    given_grades,
    grades_over_time,
    grading_volumes,
    grading_worklist,
    set_comment,
    therapy_day,
)
from HCCResponseLib.scene.lesion_attributes import set_lesion
from HCCResponseLib.scene.measurement_rows import reading_of
from HCCResponseLib.scene.measurement_table import add_measurements, measurement_table, measurements, remove_measurements
from HCCResponseLib.scene.proposals import mark_proposed
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.segment_types import set_segment_type
from HCCResponseLib.scene.signal_grades import set_reader_grade
from HCCResponseLib.scene.study_nodes import examinations_of_patient, segmentation_of_study
from HCCResponseLib.scene.subject_hierarchy import study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import patients, set_time_point
from HCCResponseLib.scene.volumes import add_volume

SHAPE = (12, 40, 40)
SPACING_MM = (1.5, 1.5, 3.0)
LIVER = (100.0, 250.0)
"""Signal of liver on T1 at the two times: MR signals have no common unit."""


class GradingTestCase(SceneTestCase):
    """Two examinations with two lesions of 9 mm; the patient lies 20 mm further left and 12 mm higher in the second."""

    def setUp(self):
        super().setUp()
        if slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode") is None:
            slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLayoutNode")
        self.studies = [self.examination(index) for index in range(2)]
        self.patient = patients()[0]

    def examination(self, index: int) -> int:
        item = study_item(patient_id="P", patient_name="P", study_uid=f"1.2.{index}", study_date=f"2026-0{index + 1}-05")
        set_time_point(item, TimePoint(index, weeks_from_baseline=4.0 * index))
        geometry = Geometry.from_parts(SHAPE, SPACING_MM, (20.0 * index, 0.0, 12.0 * index))
        k, j, i = np.indices(SHAPE)
        lesions = [(abs(i - at) < 3) & (abs(j - 10) < 3) & (abs(k - 5) < 2) for at in (10, 25)]
        liver = (abs(i - 20) < 10) & (abs(j - 28) < 6)
        for role in (Role.T1_OPPOSED_PHASE, Role.T1, Role.T2_FAT_SUPPRESSED):
            signal = np.full(SHAPE, LIVER[index], np.float32)
            self.place(item, add_volume(signal, geometry, f"{role.value} {index}"), role)
        image = grading_volumes(item, "T1")[0]
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"Outlines {index}")
        node.CreateDefaultDisplayNodes()
        self.place(item, node, None)
        for n, mask in enumerate([*lesions, liver]):
            segment_id = add_segment(node, f"segment {n}")
            set_segment_mask(node, segment_id, mask, image)
            if n < 2:
                set_lesion(node, segment_id, Lesion(f"2.25.{n + 1}", f"L{n + 1}"))
            else:
                set_segment_type(node, segment_id, RegionType.LIVER_REFERENCE)
        return item

    def place(self, item: int, node, role) -> None:
        if role is not None:
            set_role(node, role)
            node.CreateDefaultDisplayNodes()
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), item)

    def grade(self, item, sequence: str, grade: int | None, reader: str = "A", comment: str = ""):
        node = segmentation_of_study(item.study_item)
        return set_reader_grade(node, item.segment_id, sequence, grade, reading_of(node, reader), comment=comment)


class WorklistTest(GradingTestCase):
    def test_examination_by_examination(self):
        items = grading_worklist(self.studies)
        self.assertEqual([(one.study_item, one.lesion_uid) for one in items], [(s, f"2.25.{n}") for s in self.studies for n in (1, 2)])
        self.assertEqual(grading_worklist(self.studies[1:]), items[2:])
        self.assertEqual(grading_worklist([]), [])

    def test_proposed_outlines_and_examinations_without_a_time_point_are_left_out(self):
        items = grading_worklist(self.studies)
        mark_proposed(segmentation_of_study(self.studies[0]), items[0].segment_id, "carried")
        set_time_point(self.studies[1], None)
        self.assertEqual(grading_worklist(self.studies), [items[1]])

    def test_blinded_order_is_the_same_again_and_another_for_others(self):
        orders = {reader: grading_worklist(self.studies, seed=1, reader=reader) for reader in "ABCDEFGH"}
        self.assertEqual(orders["A"], grading_worklist(self.studies[::-1], seed=1, reader="A"))
        self.assertTrue(all(set(order) == set(grading_worklist(self.studies)) for order in orders.values()))
        self.assertGreater(len({tuple(order) for order in orders.values()}), 3)
        self.assertGreater(len({tuple(grading_worklist(self.studies, seed=seed, reader="A")) for seed in range(8)}), 3)

    def test_blinded_order_survives_saving_and_a_new_lesion(self):
        before = [(one.lesion_uid, one.segment_id) for one in grading_worklist(self.studies, seed=7, reader="A")]
        reopen(self.folder / "case.mrb")
        studies = examinations_of_patient(patients()[0])
        self.assertEqual([(one.lesion_uid, one.segment_id) for one in grading_worklist(studies, seed=7, reader="A")], before)
        node = segmentation_of_study(studies[0])
        new = add_segment(node, "new")
        set_lesion(node, new, Lesion("2.25.3", "L3"))
        after = [(one.lesion_uid, one.segment_id) for one in grading_worklist(studies, seed=7, reader="A")]
        self.assertEqual([one for one in after if one[0] != "2.25.3"], before)

    def test_best_suited_images_first(self):
        self.assertEqual([node.GetName() for node in grading_volumes(self.studies[0], "T1")], ["T1 0", "T1_OPPOSED_PHASE 0"])
        self.assertEqual([node.GetName() for node in grading_volumes(self.studies[1], "T2")], ["T2_FAT_SUPPRESSED 1"])

    def test_days_are_counted_from_baseline(self):
        self.assertEqual([therapy_day(self.patient, item) for item in self.studies], [-1.0, 28.0])
        set_time_point(self.studies[1], TimePoint(1))
        self.assertIsNone(therapy_day(self.patient, self.studies[1]))


class GivenGradesTest(GradingTestCase):
    def test_grades_of_all_readers_with_comments(self):
        first, _second, third, _fourth = grading_worklist(self.studies)
        self.grade(first, "T1", 2, comment="by eye, rim: dark")
        self.grade(first, "T1", 3, reader="B")
        self.grade(third, "T1", 5)
        self.grade(third, "T2", None, comment="motion")
        grades, problems = given_grades(self.patient)
        self.assertEqual(problems, [])
        self.assertEqual(grades[0, "2.25.1", "T1", "A"], GivenGrade(2, "by eye, rim: dark"))
        self.assertEqual(grades[1, "2.25.1", "T2", "A"], GivenGrade(None, "motion"))
        course = grades_over_time(grades, "2.25.1")
        self.assertEqual([(one.time_point, one.reader) for one in course], [(0, "A"), (0, "B"), (1, "A")])
        self.assertEqual(course[2].grades, {"T1": GivenGrade(5, ""), "T2": GivenGrade(None, "motion")})
        self.assertEqual(grades_over_time(grades, "2.25.2"), [])

    def test_clearing_takes_only_this_grade(self):
        first, second, third, _fourth = grading_worklist(self.studies)
        for item in (first, second, third):
            self.grade(item, "T1", 4)
        self.grade(first, "T1", 2, reader="B")
        self.grade(first, "T2", 5)
        reading = reading_of(segmentation_of_study(self.studies[0]), "A")
        self.assertTrue(clear_grade(self.patient, "2.25.1", "T1", reading))
        self.assertFalse(clear_grade(self.patient, "2.25.1", "T1", reading))
        left = {(row.time_point, row.lesion_uid, row.quantity, row.reader) for row in measurements()}
        same_lesion = {(1, "2.25.1", "T1_GRADE", "A"), (0, "2.25.1", "T1_GRADE", "B"), (0, "2.25.1", "T2_GRADE", "A")}
        self.assertEqual(left, {(0, "2.25.2", "T1_GRADE", "A"), *same_lesion})

    def test_a_changed_comment_leaves_grade_image_and_time(self):
        item = grading_worklist(self.studies)[0]
        reading = reading_of(segmentation_of_study(item.study_item), "A")
        self.assertFalse(set_comment(self.patient, item.lesion_uid, "T1", reading, "nothing to comment on"))
        self.grade(item, "T1", 4, comment="rim")
        self.grade(item, "T1", 2, reader="B")
        row = measurements(reader="A")[0]
        early = replace(row, datetime="2026-01-01T12:00:00+00:00", source_series="1.2.3")
        remove_measurements([row])
        add_measurements([early])
        self.assertTrue(set_comment(self.patient, item.lesion_uid, "T1", reading, " whole  lesion "))
        self.assertEqual(measurements(reader="A"), [replace(early, method="T1 grade: by eye, whole lesion")])
        self.assertEqual([row.method for row in measurements(reader="B")], ["T1 grade: by eye"])

    def test_the_latest_of_two_grades_counts_and_what_is_no_grade_is_told(self):
        first, second = grading_worklist(self.studies)[:2]
        self.grade(first, "T1", 4)
        row = measurements()[0]
        add_measurements([
            replace(row, method="read elsewhere", value=1.0, datetime="2020-01-01T00:00:00+00:00"),
            replace(row, lesion_uid=second.lesion_uid, value=2.5),
        ])  # fmt: skip
        grades, problems = given_grades(self.patient)
        self.assertEqual({key: given.grade for key, given in grades.items()}, {(0, first.lesion_uid, "T1", "A"): 4})
        self.assertEqual(len(problems), 1)
        self.assertIn("T1 grade 2.5", problems[0])

    def test_a_damaged_row_is_told_and_the_others_are_read(self):
        first, second, *_rest = grading_worklist(self.studies)
        self.grade(first, "T1", 4)
        self.grade(second, "T1", 2)
        measurement_table().GetTable().SetValueByName(0, "quantity", "SUV")
        grades, problems = given_grades(self.patient)
        self.assertEqual(list(grades), [(0, "2.25.2", "T1", "A")])
        self.assertEqual(len(problems), 1)


@unittest.skipIf(IN_APPLICATION, "the application has views of its own")
class ComparisonViewsTest(GradingTestCase):
    def setUp(self):
        super().setUp()
        for name in (view_name(sequence, before=before) for sequence in ("T1", "T2") for before in (False, True)):
            for class_name in ("vtkMRMLSliceNode", "vtkMRMLSliceCompositeNode"):
                node = slicer.mrmlScene.CreateNodeByClass(class_name)
                node.UnRegister(None)
                node.SetSingletonTag(name)
                node.SetLayoutName(name)
                slicer.mrmlScene.AddNode(node)
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            node.SetDimensions(300, 200, 1)
            node.SetFieldOfView(300, 200, 1)
        self.views = ComparisonViews()
        self.addCleanup(self.views.end)
        items = grading_worklist(self.studies)
        self.before, self.now = (self.images(item) for item in (items[0], items[2]))

    def images(self, item) -> LesionImages:
        volumes = {sequence: next(iter(grading_volumes(item.study_item, sequence)), None) for sequence in ("T1", "T2")}
        return LesionImages(segmentation_of_study(item.study_item), item.segment_id, volumes, f"time {self.studies.index(item.study_item)}")

    def slice(self, sequence: str, before: bool = False):
        return slicer.mrmlScene.GetSingletonNode(view_name(sequence, before=before), "vtkMRMLSliceNode")

    def origin(self, sequence: str, before: bool = False) -> np.ndarray:
        return slicer.util.arrayFromVTKMatrix(self.slice(sequence, before).GetSliceToRAS())[:3, 3]

    def composite(self, sequence: str, before: bool = False):
        return slicer.mrmlScene.GetSingletonNode(view_name(sequence, before=before), "vtkMRMLSliceCompositeNode")

    def looks(self) -> list:
        found = []
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            display = node.GetDisplayNode()
            ids = [node.GetSegmentation().GetNthSegmentID(n) for n in range(node.GetSegmentation().GetNumberOfSegments())]
            found.append((display.GetVisibility(), display.GetVisibility2DFill(), display.GetNumberOfViewNodeIDs()))
            found.append([display.GetSegmentVisibility(one) for one in ids])
            found.append([tuple(display.GetSegmentOverrideColor(one)[n] for n in range(3)) for one in ids])
        volumes = [node.GetDisplayNode() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")]
        return found + [(one.GetWindow(), one.GetLevel(), one.GetAutoWindowLevel()) for one in volumes]

    def test_layouts_are_registered_once(self):
        register_layouts()
        register_layouts()
        layout_node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        self.assertEqual(layout_node.GetLayoutDescription(PAIR_LAYOUT).count("<view"), 2)
        self.assertEqual(layout_node.GetLayoutDescription(COMPARISON_LAYOUT).count("<view"), 4)

    def test_each_view_is_centred_on_its_own_lesion(self):
        self.views.show(self.now, self.before)
        lesion_lps = np.array([10 * 1.5, 10 * 1.5, 5 * 3.0])
        for index, before in ((0, True), (1, False)):
            centre = LPS_TO_RAS[:3, :3] @ (lesion_lps + [20.0 * index, 0.0, 12.0 * index])
            for sequence in ("T1", "T2"):
                np.testing.assert_allclose(self.origin(sequence, before), centre, atol=1e-6)
                volume_id = self.composite(sequence, before).GetBackgroundVolumeID()
                volume = (self.before if before else self.now).volumes[sequence]
                self.assertEqual(volume_id, volume.GetID())
                self.assertEqual(self.slice(sequence, before).GetLayoutLabel(), f"{sequence} · time {index}")

    def test_field_of_view_is_three_lesions_and_at_least_60_mm(self):
        self.assertEqual(field_of_view_mm(self.now, self.before), 60.0)
        node, lesion = self.now.segmentation_node, np.zeros(SHAPE, bool)
        lesion[4:7, 5:15, 2:32] = True
        set_segment_mask(node, self.now.segment_id, lesion, self.now.volumes["T1"])
        self.assertAlmostEqual(field_of_view_mm(self.now, self.before), 3 * 30 * 1.5)
        self.views.show(self.now, self.before)
        for before in (False, True):
            width, height, _depth = self.slice("T1", before).GetFieldOfView()
            self.assertAlmostEqual(height, 135.0)  # the smaller side of a view of 300 x 200
            self.assertAlmostEqual(width, 202.5)

    def test_views_follow_each_other_relative_to_the_lesion(self):
        self.views.show(self.now, self.before)
        start = {key: self.origin(*key) for key in (("T1", False), ("T2", False), ("T1", True), ("T2", True))}
        moved = self.slice("T2")
        matrix = moved.GetSliceToRAS()
        for axis, step in enumerate((4.0, -2.0, 6.0)):
            matrix.SetElement(axis, 3, matrix.GetElement(axis, 3) + step)
        moved.UpdateMatrices()
        for key, origin in start.items():
            np.testing.assert_allclose(self.origin(*key) - origin, [4.0, -2.0, 6.0], atol=1e-6)
        moved.SetFieldOfView(30, 20, 1)
        self.assertAlmostEqual(self.slice("T1", True).GetFieldOfView()[0], 30.0)
        self.views.frame()
        for key, origin in start.items():
            np.testing.assert_allclose(self.origin(*key), origin, atol=1e-6)
        self.assertAlmostEqual(self.slice("T1", True).GetFieldOfView()[1], 60.0)

    def test_liver_has_the_same_grey_at_both_times(self):
        now, before = (lesion.volumes["T1"].GetDisplayNode() for lesion in (self.now, self.before))
        now.SetAutoWindowLevel(False)
        now.SetWindowLevel(400.0, 250.0)
        self.views.show(self.now, self.before)
        ratio = LIVER[0] / LIVER[1]
        self.assertAlmostEqual(before.GetWindow(), 400.0 * ratio)
        self.assertAlmostEqual(before.GetLevel(), 250.0 * ratio)
        now.SetWindowLevel(300.0, 200.0)
        self.assertAlmostEqual(before.GetWindow(), 300.0 * ratio)
        before.SetWindowLevel(200.0, 100.0)  # who changes the window in an earlier image changes both
        self.assertAlmostEqual(now.GetWindow(), 200.0 / ratio)

    def test_without_a_liver_reference_the_window_is_the_same(self):
        segmentation = self.before.segmentation_node.GetSegmentation()
        segmentation.RemoveSegment(segmentation.GetNthSegmentID(2))
        now, before = (lesion.volumes["T1"].GetDisplayNode() for lesion in (self.now, self.before))
        now.SetAutoWindowLevel(False)
        now.SetWindowLevel(400.0, 250.0)
        self.views.show(self.now, self.before)
        self.assertEqual((before.GetWindow(), before.GetLevel()), (400.0, 250.0))

    def test_only_the_lesion_is_outlined_and_only_over_its_own_images(self):
        line = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
        line.CreateDefaultDisplayNodes()
        self.views.show(self.now, self.before)
        self.assertFalse(line.GetDisplayNode().GetVisibility())
        for lesion, before in ((self.now, False), (self.before, True)):
            display = lesion.segmentation_node.GetDisplayNode()
            segmentation = lesion.segmentation_node.GetSegmentation()
            shown = [n for n in range(3) if display.GetSegmentVisibility(segmentation.GetNthSegmentID(n))]
            self.assertEqual(shown, [0])
            self.assertTrue(display.GetVisibility())
            self.assertTrue(display.IsDisplayableInView(self.slice("T1", before).GetID()))
            self.assertFalse(display.IsDisplayableInView(self.slice("T1", not before).GetID()))
        self.views.set_outline(False)
        self.assertFalse(self.now.segmentation_node.GetDisplayNode().GetVisibility())
        self.views.end()
        self.assertTrue(line.GetDisplayNode().GetVisibility())

    def test_everything_is_put_back(self):
        self.before.segmentation_node.GetDisplayNode().SetVisibility(False)
        self.before.segmentation_node.GetDisplayNode().SetSegmentOverrideColor(self.before.segment_id, 1.0, 0.0, 0.5)
        self.now.segmentation_node.GetDisplayNode().SetSegmentVisibility(self.now.segment_id, False)
        before = self.looks()
        for outline in (True, False):
            self.views.show(self.now, self.before, outline=outline)
            self.views.show(self.before, outline=outline)
            self.assertNotEqual(self.looks(), before)
            self.views.end()
            self.assertEqual(self.looks(), before)
            self.assertFalse(self.composite("T1").GetBackgroundVolumeID())
        origin = self.origin("T1", True)
        self.slice("T1").SetSliceOffset(3.0)  # no longer linked
        np.testing.assert_array_equal(self.origin("T1", True), origin)

    def test_a_scene_saved_meanwhile_is_put_back_when_it_is_loaded(self):
        before = self.looks()
        self.views.show(self.now, self.before)
        reopen(self.folder / "case.mrb")
        self.assertNotEqual(self.looks(), before)
        put_back()
        self.assertEqual(self.looks(), before)
        put_back()
        self.assertEqual(self.looks(), before)

    def test_missing_images_and_removed_nodes_are_no_trouble(self):
        alone = LesionImages(self.now.segmentation_node, self.now.segment_id, {"T1": self.now.volumes["T1"], "T2": None})
        self.views.show(alone)
        self.assertFalse(self.composite("T2").GetBackgroundVolumeID())
        self.assertEqual(self.slice("T1").GetLayoutLabel(), "T1")
        self.views.show(self.now, self.before)
        slicer.mrmlScene.RemoveNode(self.before.volumes["T1"])
        slicer.mrmlScene.RemoveNode(self.before.segmentation_node)
        self.now.volumes["T1"].GetDisplayNode().SetWindowLevel(10.0, 5.0)
        self.slice("T1").SetSliceOffset(3.0)
        self.now.segmentation_node.GetSegmentation().RemoveSegment(self.now.segment_id)
        self.views.end()
        self.assertTrue(self.now.segmentation_node.GetDisplayNode().GetVisibility())

    def test_an_empty_outline_is_an_error_and_changes_nothing(self):
        self.views.show(self.now)
        set_segment_mask(self.before.segmentation_node, self.before.segment_id, np.zeros(SHAPE, bool), self.before.volumes["T1"])
        before, origin = self.looks(), self.origin("T1")
        with self.assertRaises(InputError):
            self.views.show(self.now, self.before)
        self.assertEqual(self.looks(), before)
        np.testing.assert_array_equal(self.origin("T1"), origin)
        self.assertFalse(math.isnan(origin[0]))


if __name__ == "__main__":
    unittest.main()

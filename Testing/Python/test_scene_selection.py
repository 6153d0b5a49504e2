"""One selection for all panels, what belongs to an examination, and which steps of it are done."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen, slicer

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import Lesion, TimePoint
from HCCResponseLib.response.measurement import Measurement
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.acquisition import set_acquisition
from HCCResponseLib.scene.examination_views import show_outlines_of
from HCCResponseLib.scene.lesion_attributes import set_lesion
from HCCResponseLib.scene.measurement_table import add_measurements
from HCCResponseLib.scene.proposals import mark_proposed
from HCCResponseLib.scene.reader_name import reader_name, set_reader_name
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.selection import (
    select_lesion,
    select_patient,
    select_study,
    selected_lesion,
    selected_patient,
    selected_study,
    selection_node,
)
from HCCResponseLib.scene.steps import Step, steps_done
from HCCResponseLib.scene.study_nodes import (
    examination_title,
    examinations_of_patient,
    image_of_study,
    lesions_of_patient,
    lesions_of_study,
    outlined_on,
    segmentation_of_study,
    volumes_of_study,
)
from HCCResponseLib.scene.subject_hierarchy import study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import set_time_point
from HCCResponseLib.scene.views import jump_to_lesion
from HCCResponseLib.scene.volumes import add_volume


def study(patient: str, uid: str, index: int | None = None) -> int:
    item = study_item(patient_id=patient, patient_name=patient, study_uid=uid, study_date="2026-01-05")
    if index is not None:
        set_time_point(item, TimePoint(index))
    return item


def image(item: int, role: Role | None, name: str = "image"):
    node = add_volume(np.zeros((4, 4, 4), np.int16), Geometry((4, 4, 4), np.eye(4)), name)
    set_role(node, role)
    slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), item)
    return node


class SelectionTest(SceneTestCase):
    def test_without_a_patient_nothing_is_selected(self):
        self.assertEqual((selected_patient(), selected_study(), selected_lesion()), (0, 0, ""))

    def test_the_baseline_of_the_first_patient_is_the_default(self):
        study("A", "1.2.2", 1)
        baseline = study("A", "1.2.1", 0)
        study("B", "1.3.1", 0)
        self.assertEqual(selected_study(), baseline)
        self.assertEqual(selected_patient(), slicer.mrmlScene.GetSubjectHierarchyNode().GetItemParent(baseline))

    def test_a_study_selects_its_patient_and_another_patient_deselects(self):
        first, second = study("A", "1.2.1", 0), study("B", "1.3.1", 0)
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        select_study(first)
        select_lesion("2.25.1")
        select_study(second)
        self.assertEqual(selected_patient(), hierarchy.GetItemParent(second))
        self.assertEqual(selected_lesion(), "")
        select_lesion("2.25.2")
        select_patient(hierarchy.GetItemParent(second))
        self.assertEqual(selected_lesion(), "2.25.2")
        select_patient(hierarchy.GetItemParent(first))
        self.assertEqual((selected_study(), selected_lesion()), (first, ""))

    def test_a_lesion_stays_when_the_examination_of_one_patient_changes(self):
        first, second = study("A", "1.2.1", 0), study("A", "1.2.2", 1)
        select_study(first)
        select_lesion("2.25.1")
        select_study(second)
        self.assertEqual((selected_study(), selected_lesion()), (second, "2.25.1"))

    def test_a_selected_study_that_is_gone_gives_way(self):
        first, second = study("A", "1.2.1", 0), study("A", "1.2.2", 1)
        select_study(second)
        slicer.mrmlScene.GetSubjectHierarchyNode().RemoveItem(second)
        self.assertEqual(selected_study(), first)

    def test_one_event_for_a_change_and_none_for_the_same(self):
        first = study("A", "1.2.1", 0)
        events = []
        selection_node().AddObserver("ModifiedEvent", lambda *_: events.append(1))
        select_study(first)
        self.assertEqual(len(events), 1)
        select_study(first)
        self.assertEqual(len(events), 1)

    def test_items_without_a_dicom_uid_are_selected_too_and_survive_saving(self):
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "by hand")
        hierarchy.CreateStudyItem(patient, "one")
        chosen = hierarchy.CreateStudyItem(patient, "two")
        select_study(chosen)
        select_lesion("2.25.7")
        hierarchy.SetItemName(chosen, "renamed")
        reopen(self.folder / "scene.mrb")
        self.assertEqual(slicer.mrmlScene.GetSubjectHierarchyNode().GetItemName(selected_study()), "renamed")
        self.assertEqual(selected_lesion(), "2.25.7")


class ReaderNameTest(SceneTestCase):
    def test_one_name_for_all_survives_saving(self):
        set_reader_name("  AB ")
        reopen(self.folder / "scene.mrb")
        self.assertEqual(reader_name(), "AB")

    def test_another_patient_leaves_the_reader(self):
        first, second = study("A", "1.2.1", 0), study("B", "1.3.1", 0)
        select_study(first)
        set_reader_name("AB")
        select_study(second)
        self.assertEqual(reader_name(), "AB")


class ExaminationTitleTest(SceneTestCase):
    def test_weeks_before_numbers_and_the_name_where_it_is_no_time_point(self):
        item = study("A", "1.2.1")
        self.assertIn("No study description", examination_title(item))
        set_time_point(item, TimePoint(0))
        self.assertEqual(examination_title(item), "Baseline · 2026-01-05")
        set_time_point(item, TimePoint(2, weeks_from_baseline=4.142857))
        self.assertEqual(examination_title(item, date=False), "Week 4.1")
        set_time_point(item, TimePoint(2))
        self.assertEqual(examination_title(item, date=False), "Time point 2")

    def test_a_damaged_time_point_stands_last_under_its_name(self):
        damaged, baseline = study("A", "1.2.2", 1), study("A", "1.2.1", 0)
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        hierarchy.SetItemAttribute(damaged, "HCC.TimePoint", "first")
        self.assertEqual(examinations_of_patient(hierarchy.GetItemParent(baseline)), [baseline, damaged])
        self.assertEqual(examination_title(damaged), hierarchy.GetItemName(damaged))


class StudyNodesTest(SceneTestCase):
    def test_volumes_by_role_in_the_order_asked_for(self):
        item = study("A", "1.2.1", 0)
        t2, native = image(item, Role.T2_FAT_SUPPRESSED), image(item, Role.NATIVE)
        image(study("A", "1.2.2", 1), Role.NATIVE)
        self.assertEqual(volumes_of_study(item, Role.NATIVE, Role.T2_FAT_SUPPRESSED), [native, t2])
        self.assertEqual(volumes_of_study(item), [t2, native])

    def test_of_several_phases_the_one_at_the_usual_time_is_taken(self):
        item = study("A", "1.2.1", 0)
        early, late = image(item, Role.ARTERIAL, "early"), image(item, Role.ARTERIAL, "late")
        self.assertIs(image_of_study(item, Role.PORTAL_VENOUS, Role.ARTERIAL), early)
        set_acquisition(early, seconds_after_injection=12.0)
        self.assertIs(image_of_study(item, Role.ARTERIAL), early)
        set_acquisition(late, seconds_after_injection=33.0)
        self.assertIs(image_of_study(item, Role.ARTERIAL), late)
        first, last = image(item, Role.NATIVE, "first"), image(item, Role.NATIVE, "last")
        for node, seconds in ((first, -300.0), (last, -20.0)):
            set_acquisition(node, seconds_after_injection=seconds)
        self.assertIs(image_of_study(item, Role.NATIVE), last)
        self.assertIsNone(image_of_study(item, Role.T2))

    def test_only_the_outlines_of_the_shown_examination_are_seen(self):
        nodes = []
        for n, uid in enumerate(("1.2.1", "1.2.2")):
            item = study("A", uid, n)
            image(item, Role.ARTERIAL)
            nodes.append(segmentation_of_study(item, create=True))
        show_outlines_of(item)
        self.assertEqual([node.GetDisplayNode().GetVisibility() for node in nodes], [0, 1])

    def test_a_lesion_that_is_looked_at_is_shown(self):
        item = study("A", "1.2.1", 0)
        volume = image(item, Role.ARTERIAL)
        node = segmentation_of_study(item, create=True)
        segment_id = add_segment(node, "L")
        set_lesion(node, segment_id, Lesion("2.25.1", "L"))
        self.assertFalse(jump_to_lesion(node, "2.25.1"))
        set_segment_mask(node, segment_id, np.ones((4, 4, 4), bool), volume)
        node.GetDisplayNode().SetSegmentVisibility(segment_id, False)
        self.assertTrue(jump_to_lesion(node, "2.25.1"))
        self.assertTrue(node.GetDisplayNode().GetSegmentVisibility(segment_id))

    def test_outlines_are_made_on_the_best_suited_image_once(self):
        item = study("A", "1.2.1", 0)
        with self.assertRaisesRegex(InputError, "no image"):
            segmentation_of_study(item, create=True)
        self.assertIsNone(segmentation_of_study(item))
        image(item, Role.T2_FAT_SUPPRESSED)
        arterial = image(item, Role.ARTERIAL)
        node = segmentation_of_study(item, create=True)
        self.assertIs(outlined_on(item), arterial)
        self.assertIs(segmentation_of_study(item, create=True), node)

    def test_lesions_of_a_patient_are_those_of_all_examinations(self):
        for uid, index, lesions in (("1.2.1", 0, ("2.25.1", "2.25.2")), ("1.2.2", 1, ("2.25.2", "2.25.3"))):
            item = study("A", uid, index)
            image(item, Role.ARTERIAL)
            node = segmentation_of_study(item, create=True)
            for lesion in lesions:
                set_lesion(node, add_segment(node, lesion), Lesion(lesion, f"Lesion {lesion}"))
        self.assertEqual(list(lesions_of_study(item)), ["2.25.2", "2.25.3"])
        patient = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemParent(item)
        self.assertEqual(list(lesions_of_patient(patient)), ["2.25.1", "2.25.2", "2.25.3"])


class StepsTest(SceneTestCase):
    def measure(self, lesion: str, quantity: str, unit: str, time_point: int = 0) -> None:
        add_measurements([Measurement("A", time_point, lesion, quantity, 1.0, unit, "2026-01-05T10:00:00")])

    def test_a_step_is_done_when_every_lesion_has_its_rows(self):
        item = study("A", "1.2.1", 0)
        image(item, Role.ARTERIAL)
        image(item, Role.DWI)
        image(item, None)
        self.assertFalse(steps_done(item)[Step.OUTLINES].is_done)
        node = segmentation_of_study(item, create=True)
        segments = {}
        for lesion in ("2.25.1", "2.25.2"):
            segments[lesion] = add_segment(node, lesion)
            set_lesion(node, segments[lesion], Lesion(lesion, lesion))
        self.measure("2.25.1", "LONG_AXIS", "mm")
        self.measure("2.25.1", "VOLUME", "ml")
        self.measure("2.25.2", "VOLUME", "ml")
        self.measure("2.25.1", "ADC", "mm2/s", time_point=1)
        states = steps_done(item)
        self.assertEqual((states[Step.IMAGES].done, states[Step.IMAGES].is_done), (2, True))
        self.assertNotIn(Step.KTRANS, states)  # there is no dynamic series
        self.assertEqual((states[Step.OUTLINES].done, states[Step.OUTLINES].of), (2, 2))
        self.assertEqual((states[Step.SIZE].done, states[Step.SIZE].is_done), (1, False))
        self.assertEqual(states[Step.ADC].done, 0)
        self.measure("2.25.2", "LONG_AXIS", "mm")
        self.assertTrue(steps_done(item)[Step.SIZE].is_done)
        mark_proposed(node, segments["2.25.2"], "the examination before")
        self.assertEqual((steps_done(item)[Step.OUTLINES].done, steps_done(item)[Step.OUTLINES].is_done), (1, False))

    def test_a_study_that_is_no_time_point_has_no_measurements(self):
        item = study("A", "1.2.1")
        image(item, Role.ARTERIAL)
        self.assertEqual(steps_done(item)[Step.SIZE].done, 0)


if __name__ == "__main__":
    unittest.main()

"""Studies as time points: attributes at the study, proposals by date, and nothing lost in a saved scene."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import TimePoint
from HCCResponseLib.response.measurement import Measurement
from HCCResponseLib.scene.subject_hierarchy import add_folder, patient_id, study_item
from HCCResponseLib.scene.measurement_table import add_measurements, measurement_table, measurements
from HCCResponseLib.scene.time_points import (
    patients,
    propose_time_points,
    propose_weeks,
    set_study_date,
    set_time_point,
    set_time_points,
    studies,
    study_at,
    study_of,
    time_point,
    time_point_of,
)
from HCCResponseLib.scene.undo import Undo
from HCCResponseLib.scene.volumes import add_volume


def study(number: int, date: str = "", patient: str = "P1") -> int:
    return study_item(patient_id=patient, patient_name="A^B", study_uid=f"1.2.{number}", study_description=f"MR {number}", study_date=date)


def row(time_point: int, value: float, patient: str = "P1") -> Measurement:
    return Measurement(patient, time_point, "2.25.1", "VOLUME", value, "ml", "2026-03-01T12:00:00", method="by hand")


class TimePointsTest(SceneTestCase):
    def test_attributes_there_and_back(self):
        item = study(1, "2026-03-01")
        self.assertIsNone(time_point(item))
        known = dict(treatment="sorafenib | 800 mg", dose="50.4 Gy in 28", weeks_from_baseline=0.0, afp_ng_ml=1.0 / 3.0)
        set_time_point(item, TimePoint(0, **known))
        self.assertEqual(time_point(item), TimePoint(0, "1.2.1", "2026-03-01", **known))
        set_time_point(item, TimePoint(3))
        self.assertEqual(time_point(item), TimePoint(3, "1.2.1", "2026-03-01"))
        set_time_point(item, None)
        self.assertIsNone(time_point(item))

    def test_two_studies_cannot_be_one_time_point_but_two_patients_can(self):
        first, second, other = study(1), study(2), study(3, patient="P2")
        set_time_point(first, TimePoint(0))
        with self.assertRaisesRegex(InputError, "MR 1"):
            set_time_point(second, TimePoint(0))
        self.assertIsNone(time_point(second))
        set_time_point(other, TimePoint(0))
        set_time_point(first, TimePoint(0, treatment="again"))
        self.assertEqual(time_point(first).treatment, "again")

    def test_proposal_goes_by_date_and_counts_weeks(self):
        late, undated, early = study(1, "2026-04-12"), study(2), study(3, "2026-03-01")
        (patient,) = patients()
        proposed = propose_time_points(patient)
        found = {item: (point.index, point.weeks_from_baseline) for item, point in proposed.items()}
        self.assertEqual(found, {early: (0, 0.0), late: (1, 6.0), undated: (2, None)})
        for item, point in proposed.items():
            set_time_point(item, point)
        self.assertEqual(propose_time_points(patient), {})
        newer = study(4, "2026-02-01")
        self.assertEqual(propose_time_points(patient)[newer].index, 3, "numbers once given stay")

    def test_a_date_that_is_none_is_no_date(self):
        item = study(1, "2026-13-99")
        set_time_point(item, TimePoint(0))
        self.assertEqual(time_point(item).date, "")

    def test_damaged_attributes_are_named(self):
        item = study(1)
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemAttribute(item, "HCC.TimePoint", "first")
        with self.assertRaisesRegex(InputError, "MR 1"):
            time_point(item)

    def test_a_volume_knows_its_study_wherever_it_stands_below_it(self):
        item = study(1)
        set_time_point(item, TimePoint(2))
        node = add_volume(np.zeros((2, 3, 4)), Geometry.from_parts((2, 3, 4), (1, 1, 1)), "DWI")
        self.assertEqual(study_of(node), 0)
        self.assertIsNone(time_point_of(node))
        add_folder("series", [node], parent=item)
        self.assertEqual(study_of(node), item)
        self.assertEqual(time_point_of(node), 2)

    def test_a_saved_scene_brings_them_back(self):
        for number, date in ((1, "2026-03-01"), (2, "2026-04-12")):
            item = study(number, date)
            node = add_volume(np.zeros((2, 3, 4)), Geometry.from_parts((2, 3, 4), (1, 1, 1)), f"DWI {number}")
            add_folder("series", [node], parent=item)
        (patient,) = patients()
        set_time_points(propose_time_points(patient))
        set_time_point(studies(patient)[1], TimePoint(1, treatment='TACE | "sorafenib"\n\t800 mg', afp_ng_ml=12.5))
        before = [time_point(item) for item in studies(patient)]
        reopen(self.folder / "case.mrb")
        (patient,) = patients()
        self.assertEqual([time_point(item) for item in studies(patient)], before)
        self.assertEqual(time_point_of(slicer.util.getNode("DWI 2")), 1)

    def test_weeks_are_proposed_when_dates_change(self):
        first, second, undated = study(1, "2026-03-01"), study(2, "2026-03-29"), study(3)
        (patient,) = patients()
        set_time_points(propose_time_points(patient))
        self.assertEqual(propose_weeks(patient), {})
        set_study_date(undated, "2026-05-10")
        set_study_date(second, "2026-04-05")
        self.assertEqual(propose_weeks(patient), {second: 5.0, undated: 10.0})
        set_time_point(second, TimePoint(1, weeks_from_baseline=4.99))
        self.assertEqual(propose_weeks(patient), {undated: 10.0}, "what the user rounded is no other date")
        set_study_date(first, "")
        self.assertEqual(propose_weeks(patient), {})
        with self.assertRaisesRegex(InputError, "ISO 8601"):
            set_study_date(first, "1.3.2026")

    def test_a_patient_without_an_identifier_keeps_the_one_it_got(self):
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        first, second = (hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Unknown") for _ in range(2))
        names = [patient_id(first), patient_id(second)]
        self.assertEqual(names, ["Unknown", "Unknown (2)"])
        hierarchy.SetItemName(first, "Miller")
        reopen(self.folder / "case.mrb")
        self.assertEqual([patient_id(item) for item in patients()], names)
        self.assertEqual(patient_id(slicer.mrmlScene.GetSubjectHierarchyNode().GetSceneItemID()), "")


class RenumberingTest(SceneTestCase):
    """Measurements stay with their examination, whatever its number."""

    def setUp(self):
        super().setUp()
        self.first, self.second = study(1), study(2)
        (self.patient,) = patients()
        set_time_points({self.first: TimePoint(0), self.second: TimePoint(1)})
        add_measurements([row(0, 10.0), row(1, 20.0), row(0, 99.0, "P2")])

    def values(self) -> dict[int, float]:
        return {one.time_point: one.value for one in measurements(patient="P1")}

    def test_rows_follow(self):
        set_time_point(self.second, TimePoint(5, treatment="x"))
        self.assertEqual(self.values(), {0: 10.0, 5: 20.0})
        set_time_points({self.first: TimePoint(5), self.second: TimePoint(0)})
        self.assertEqual(self.values(), {0: 20.0, 5: 10.0})
        self.assertEqual([one.value for one in measurements(patient="P2", time_point=0)], [99.0])
        self.assertEqual((study_at(self.patient, 5), study_at(self.patient, 1)), (self.first, 0))

    def test_what_a_user_noted_beside_a_row_goes_along(self):
        column = measurement_table().AddColumn()
        column.SetName("note")
        column.SetValue(1, "seen on the round")
        set_time_points({self.first: TimePoint(1), self.second: TimePoint(0)})
        reopen(self.folder / "case.mrb")
        table = measurement_table().GetTable()
        self.assertEqual([table.GetValueByName(n, "note").ToString() for n in range(3)], ["", "seen on the round", ""])
        self.assertEqual([one.value for one in measurements(patient="P1", time_point=0)], [20.0])

    def test_a_study_without_its_number_finds_its_rows_again(self):
        set_time_point(self.first, None)
        self.assertEqual(self.values(), {0: 10.0, 1: 20.0})
        for taker in (self.second, study(3)):
            with self.assertRaisesRegex(InputError, "'MR 1.*stand under time point 0"):
                set_time_point(taker, TimePoint(0))
        self.assertEqual(time_point(self.second).index, 1)
        set_time_points({self.second: TimePoint(0), self.first: TimePoint(1)})
        self.assertEqual(self.values(), {0: 20.0, 1: 10.0})

    def test_rows_of_a_study_that_is_gone_do_not_become_anothers(self):
        slicer.mrmlScene.GetSubjectHierarchyNode().RemoveItem(self.first)
        self.assertEqual(self.values(), {0: 10.0, 1: 20.0})
        with self.assertRaisesRegex(InputError, "no longer in the scene stand under time point 0"):
            set_time_point(self.second, TimePoint(0))
        again = study(1)
        set_time_point(again, TimePoint(0))
        set_time_point(again, TimePoint(3))
        self.assertEqual(self.values(), {3: 10.0, 1: 20.0})

    def test_undo_brings_numbers_and_rows_back_together(self):
        undo = Undo()
        undo.save()
        set_time_points({self.first: TimePoint(1), self.second: TimePoint(0)})
        undo.undo()
        self.assertEqual((time_point(self.first).index, self.values()), (0, {0: 10.0, 1: 20.0}))

    def test_studies_of_two_patients_are_not_numbered_together(self):
        with self.assertRaisesRegex(InputError, "several patients"):
            set_time_points({self.first: TimePoint(1), study(9, patient="P2"): TimePoint(0)})


if __name__ == "__main__":
    unittest.main()

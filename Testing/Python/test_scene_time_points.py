"""Studies as time points: attributes at the study, proposals by date, and nothing lost in a saved scene."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import TimePoint
from HCCResponseLib.scene.subject_hierarchy import add_folder, study_item
from HCCResponseLib.scene.time_points import patients, propose_time_points, set_time_point, studies, study_of, time_point, time_point_of
from HCCResponseLib.scene.volumes import add_volume


def study(number: int, date: str = "", patient: str = "P1") -> int:
    return study_item(patient_id=patient, patient_name="A^B", study_uid=f"1.2.{number}", study_description=f"MR {number}", study_date=date)


class TimePointsTest(SceneTestCase):
    def test_attributes_there_and_back(self):
        item = study(1, "2026-03-01")
        self.assertIsNone(time_point(item))
        set_time_point(item, TimePoint(0, treatment="sorafenib 800 mg", dose="50.4 Gy in 28", weeks_from_baseline=0.0))
        self.assertEqual(time_point(item), TimePoint(0, "1.2.1", "2026-03-01", 0.0, "sorafenib 800 mg", "50.4 Gy in 28"))
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
        for item, point in propose_time_points(patient).items():
            set_time_point(item, point)
        before = [time_point(item) for item in studies(patient)]
        reopen(self.folder / "case.mrb")
        (patient,) = patients()
        self.assertEqual([time_point(item) for item in studies(patient)], before)
        self.assertEqual(time_point_of(slicer.util.getNode("DWI 2")), 1)


if __name__ == "__main__":
    unittest.main()

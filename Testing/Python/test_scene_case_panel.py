"""What the panel of the case asks of the scene: typed facts, choices, notes on images, charts."""

import math
import unittest

import numpy as np
from response_case import make_case
from slicer_core_scene import SceneTestCase, slicer

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import Lesion, LesionKind, TimePoint
from HCCResponseLib.response.course import spider, swimmer, waterfall
from HCCResponseLib.response.criteria import assess
from HCCResponseLib.response.lesion_grid import lesion_grid
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.charts import ChartSeries, remove_chart, update_chart
from HCCResponseLib.scene.examination_facts import examination_date, set_examination_fact
from HCCResponseLib.scene.image_checks import image_notes
from HCCResponseLib.scene.lesion_attributes import exclusion, lesion_of, set_lesion
from HCCResponseLib.scene.lesion_choice import LEFT_OUT, choose_kind
from HCCResponseLib.scene.response_charts import chart_over_time, chart_spider, chart_swimmer, chart_waterfall
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.segment_masks import add_segment
from HCCResponseLib.scene.subject_hierarchy import study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import set_time_point, time_point
from HCCResponseLib.scene.view_text import view_text
from HCCResponseLib.scene.volumes import add_volume


def study(uid: str, day: str, point: TimePoint | None = None) -> int:
    item = study_item(patient_id="A", patient_name="A", study_uid=uid, study_date=day)
    set_time_point(item, point)
    return item


class ExaminationFactsTest(SceneTestCase):
    def test_weeks_follow_a_changed_date_and_typed_weeks_stay(self):
        study("1.1", "2026-01-05", TimePoint(0, weeks_from_baseline=0.0))
        counted = study("1.2", "2026-02-02", TimePoint(1, weeks_from_baseline=4.0))
        typed = study("1.3", "2026-03-30", TimePoint(2, weeks_from_baseline=11.0))
        note = set_examination_fact(counted, "date", "2026-02-09")
        self.assertEqual(time_point(counted).weeks_from_baseline, 5.0)
        self.assertEqual(time_point(typed).weeks_from_baseline, 11.0)
        self.assertIn("1 examination", note)
        self.assertEqual(set_examination_fact(counted, "date", "2026-02-09"), "")

    def test_a_new_baseline_date_counts_all_weeks_anew(self):
        first = study("1.1", "2026-01-05", TimePoint(0, weeks_from_baseline=0.0))
        second = study("1.2", "2026-02-02", TimePoint(1, weeks_from_baseline=4.0))
        set_examination_fact(first, "date", "2026-01-12")
        self.assertEqual(time_point(second).weeks_from_baseline, 3.0)

    def test_what_is_no_date_or_number_changes_nothing(self):
        item = study("1.1", "2026-01-05", TimePoint(0, weeks_from_baseline=0.0, afp_ng_ml=12.0))
        wrong = {"date": ("5 January", "2026-02-30"), "weeks": ("four", "4,5"), "afp": ("-3", "inf")}
        for what, text in ((what, text) for what, texts in wrong.items() for text in texts):
            with self.assertRaises(InputError):
                set_examination_fact(item, what, text)
        self.assertEqual(examination_date(item), "2026-01-05")
        self.assertEqual(time_point(item), TimePoint(0, "1.1", "2026-01-05", 0.0, "", "", 12.0))

    def test_text_and_numbers_are_kept_and_taken_back(self):
        item = study("1.1", "2026-01-05", TimePoint(0))
        for what, text in (("treatment", " sorafenib 800 mg "), ("dose", "50.4 Gy in 28"), ("afp", "400.5"), ("weeks", "0")):
            set_examination_fact(item, what, text)
        self.assertEqual(time_point(item), TimePoint(0, "1.1", "2026-01-05", 0.0, "sorafenib 800 mg", "50.4 Gy in 28", 400.5))
        for what in ("treatment", "dose", "afp", "weeks", "date"):
            set_examination_fact(item, what, "")
        self.assertEqual(time_point(item), TimePoint(0, "1.1"))

    def test_a_study_becomes_part_of_the_course_by_its_date_or_weeks(self):
        first, last = study("1.1", "2026-01-05", TimePoint(0, weeks_from_baseline=0.0)), study("1.9", "2026-03-30", TimePoint(1))
        item = study("1.2", "2026-02-02")
        for what, text in (("treatment", "sorafenib"), ("dose", "50 Gy"), ("afp", "4")):
            with self.assertRaisesRegex(InputError, "type its date or weeks"):
                set_examination_fact(item, what, text)
        for what, text in (("date", "2026-01-04"), ("weeks", "-1"), ("weeks", "four"), ("date", "February")):
            with self.assertRaises(InputError):
                set_examination_fact(item, what, text)
        self.assertEqual((time_point(item), examination_date(item)), (None, "2026-02-02"))
        self.assertIn("part of the course", set_examination_fact(item, "date", "2026-02-02"))
        self.assertEqual([time_point(one).index for one in (first, item, last)], [0, 1, 2])
        self.assertEqual(time_point(item).weeks_from_baseline, 4.0)
        undated = study("1.3", "")
        set_examination_fact(undated, "weeks", "2")
        self.assertEqual([time_point(one).index for one in (first, undated, item, last)], [0, 1, 2, 3])


class LesionChoiceTest(SceneTestCase):
    def test_the_choice_holds_in_all_examinations_and_can_be_taken_back(self):
        found = []
        for name in ("one", "two"):
            node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
            segment_id = add_segment(node, "L")
            set_lesion(node, segment_id, Lesion("2.25.1", "L1"))
            found.append((node, segment_id))
        choose_kind("2.25.1", "non-target")
        self.assertEqual([lesion_of(*one).kind for one in found], [LesionKind.NON_TARGET] * 2)
        choose_kind("2.25.1", LEFT_OUT)
        self.assertTrue(all(exclusion(*one) for one in found))
        choose_kind("2.25.1", "")
        self.assertEqual([(lesion_of(*one).kind, exclusion(*one)) for one in found], [(None, "")] * 2)

    def test_a_lesion_that_is_gone_is_told(self):
        with self.assertRaisesRegex(InputError, "not outlined"):
            choose_kind("2.25.9", "target")


class ImageNotesTest(SceneTestCase):
    def add(self, item: int, role: Role | None, name: str, spacing: float = 1.0) -> None:
        node = add_volume(np.zeros((4, 4, 4), np.int16), Geometry((4, 4, 4), np.diag([spacing, spacing, spacing, 1.0])), name)
        set_role(node, role)
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), item)

    def test_a_complete_examination_needs_no_word(self):
        item = study("1.1", "2026-01-05")
        for role in (Role.NATIVE, Role.ARTERIAL, Role.T2_FAT_SUPPRESSED, Role.DWI, Role.DCE, Role.VFA, Role.VFA):
            self.add(item, role, role.value)
        self.assertEqual(image_notes(item), [])

    def test_everything_that_is_wrong_is_said(self):
        item = study("1.1", "2026-01-05")
        for name, role, spacing in (("n", Role.NATIVE, 1.0), ("a1", Role.ARTERIAL, 2.0), ("a2", Role.ARTERIAL, 1.0), ("x", None, 1.0)):
            self.add(item, role, name, spacing)
        notes = "\n".join(image_notes(item))
        sentences = ("T2 cannot", "no ADC", "no Ktrans", "of 2 images 'a1' is used", "what 'x' shows", "'a1' lies on another grid than 'n'")
        for part in sentences:
            self.assertIn(part, notes)
        self.assertNotIn("T1 cannot", notes)


class ChartsTest(SceneTestCase):
    def series(self, count: int) -> list[ChartSeries]:
        return [ChartSeries(f"Lesion {n}", [0.0, 4.0, math.nan], [10.0, 20.0 + n, 5.0]) for n in range(count)]

    def nodes(self) -> tuple[int, int, int]:
        classes = ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode")
        return tuple(slicer.mrmlScene.GetNumberOfNodesByClass(one) for one in classes)

    def test_a_chart_is_filled_again_and_leaves_nothing_behind(self):
        chart = update_chart("test", self.series(3), x_title="weeks", y_title="ADC, 10⁻³ mm²/s")
        self.assertEqual(self.nodes(), (1, 3, 3))
        table = chart.GetNthPlotSeriesNode(1).GetTableNode().GetTable()
        self.assertEqual([table.GetValue(row, 1).ToDouble() for row in range(table.GetNumberOfRows())], [10.0, 21.0])
        self.assertEqual(chart.GetYAxisTitle(), "ADC, 10^-3 mm²/s")
        self.assertIs(update_chart("test", self.series(1)), chart)
        self.assertEqual(self.nodes(), (1, 1, 1))
        remove_chart(chart)
        self.assertEqual(self.nodes(), (0, 0, 0))

    def test_a_series_whose_table_was_deleted_gets_a_new_one(self):
        chart = update_chart("test", self.series(1))
        slicer.mrmlScene.RemoveNode(chart.GetNthPlotSeriesNode(0).GetTableNode())
        update_chart("test", self.series(1))
        self.assertEqual(chart.GetNthPlotSeriesNode(0).GetTableNode().GetTable().GetNumberOfRows(), 2)

    def test_raised_numbers_are_written_as_the_views_can_draw_them(self):
        self.assertEqual(view_text("1.2 10⁻³ mm²/s – µ Größe 肝 ≥ 10⁻¹²"), "1.2 10^-3 mm²/s – µ Größe ? ≥ 10^-12")
        self.assertEqual(view_text("plain"), "plain")

    def test_the_charts_of_a_case_hold_its_numbers(self):
        case = make_case({"1": {}, "2": {}}, {("1", "LONG_AXIS"): [40.0, 20.0, 30.0], ("2", "LONG_AXIS"): [20.0, 20.0, 10.0]})
        assessment = assess(case)
        chart = chart_over_time(lesion_grid(case, "LONG_AXIS"))
        self.assertEqual(chart.GetNumberOfPlotSeriesNodes(), 2)
        table = chart.GetNthPlotSeriesNode(0).GetTableNode().GetTable()
        self.assertEqual([table.GetValue(row, 1).ToDouble() for row in range(3)], [40.0, 20.0, 30.0])
        result = assessment.criteria["RECIST 1.1"]
        chart = chart_waterfall(waterfall(case, result=result))
        tops = [chart.GetNthPlotSeriesNode(n).GetTableNode().GetTable().GetValue(1, 1).ToDouble() for n in range(3)]
        self.assertEqual(sorted(tops), [-50.0, -50.0, 100 * (40 - 60) / 60])
        self.assertEqual(chart_spider(spider(case, result=result)).GetNumberOfPlotSeriesNodes(), 3)
        self.assertGreater(chart_swimmer(swimmer(case, assessment)).GetNumberOfPlotSeriesNodes(), 1)


if __name__ == "__main__":
    unittest.main()

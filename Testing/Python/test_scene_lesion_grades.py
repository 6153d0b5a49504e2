"""Signal grades in the scene: proposals stand beside readers' grades and never replace them; flags of exclusion."""

import math
import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen
from test_scene_segments import add_segmentation, rotation

import slicer
from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.exclusions import ExclusionReason
from HCCResponseLib.response.case import Lesion
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.lesion_attributes import set_lesion
from HCCResponseLib.scene.lesion_exclusions import exclusion_flags, measure_edge
from HCCResponseLib.scene.measurement_rows import Reading, rows_of, write_rows
from HCCResponseLib.scene.measurement_table import measurements
from HCCResponseLib.scene.proposals import mark_proposed
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.segment_types import set_segment_type
from HCCResponseLib.scene.signal_grades import (
    ReaderGrade,
    grade_timing_hint,
    propose_grade,
    reader_grade,
    sequence_of,
    set_reader_grade,
)
from HCCResponseLib.scene.volumes import add_volume

READING = Reading("P1", 1, "A")
SHAPE = (16, 40, 40)


class GradesTestCase(SceneTestCase):
    """Liver of 100 +- 10 with a lesion 25 above it on T1 and 50 above it on T2."""

    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(1)
        self.geometry = Geometry.from_parts(SHAPE, (1.5, 1.5, 2.5), (5, 6, 7), rotation(rng))
        k, j, i = np.indices(SHAPE)
        self.lesion = (2.5 * (k - 8)) ** 2 + (1.5 * (j - 20)) ** 2 + (1.5 * (i - 14)) ** 2 < 12**2
        self.liver = (abs(i - 33) < 5) & (abs(k - 8) < 6)
        self.t1, self.t2 = (
            add_volume((100 + rise * self.lesion + rng.normal(0, 10, SHAPE)).astype(np.float32), self.geometry, name)
            for name, rise in (("T1", 25.0), ("T2", 50.0))
        )
        set_role(self.t1, Role.T1)
        set_role(self.t2, Role.T2_FAT_SUPPRESSED)
        self.node = add_segmentation("Week 4")
        self.segment_id, self.liver_id = (add_segment(self.node, name) for name in ("Lesion 1", "Liver"))
        set_segment_mask(self.node, self.segment_id, self.lesion, self.t1)
        set_segment_mask(self.node, self.liver_id, self.liver, self.t1)
        set_segment_type(self.node, self.liver_id, RegionType.LIVER_REFERENCE)
        set_lesion(self.node, self.segment_id, Lesion("2.25.1", "L1"))

    def rows(self) -> dict[str, float]:
        return {row.quantity: row.value for row in rows_of(self.node, self.segment_id, READING)}


class TestProposals(GradesTestCase):
    def test_rows_hold_proposal_and_numbers(self):
        t1, t2 = (propose_grade(self.node, self.segment_id, volume, READING) for volume in (self.t1, self.t2))
        self.assertEqual((int(t1.grade), int(t2.grade)), (4, 5))
        self.assertEqual(self.rows()["T1_GRADE_PROPOSAL"], 4.0)
        self.assertEqual(self.rows()["T2_GRADE_PROPOSAL"], 5.0)
        self.assertAlmostEqual(self.rows()["T1_CONTRAST"], 2.5, delta=0.3)
        self.assertAlmostEqual(self.rows()["T2_HETEROGENEITY"], 1.0, delta=0.15)
        self.assertIn("cut points = -3 -1 1 3", measurements(quantity="T1_GRADE_PROPOSAL")[0].method)

    def test_other_cut_points_replace_the_proposal(self):
        propose_grade(self.node, self.segment_id, self.t1, READING)
        propose_grade(self.node, self.segment_id, self.t1, READING, cut_points=(-6, -4, 4, 6))
        self.assertEqual(self.rows()["T1_GRADE_PROPOSAL"], 3.0)
        self.assertEqual(len(measurements()), 3)

    def test_a_proposal_never_replaces_a_readers_grade(self):
        set_reader_grade(self.node, self.segment_id, "T1", 2, READING)
        propose_grade(self.node, self.segment_id, self.t1, READING)
        self.assertEqual(self.rows()["T1_GRADE"], 2.0)
        self.assertEqual(reader_grade(self.node, self.segment_id, "T1", READING), ReaderGrade(2, ""))

    def test_the_role_says_the_sequence(self):
        self.assertEqual((sequence_of(self.t1), sequence_of(self.t2)), ("T1", "T2"))
        set_role(self.t1, Role.ARTERIAL)
        with self.assertRaisesRegex(InputError, "before contrast; volume 'T1'"):
            propose_grade(self.node, self.segment_id, self.t1, READING)
        self.assertEqual(propose_grade(self.node, self.segment_id, self.t1, READING, sequence="T1").grade, 4)

    def test_what_is_missing_is_named(self):
        mark_proposed(self.node, self.segment_id, "grown")
        with self.assertRaisesRegex(InputError, "only a proposal"):
            propose_grade(self.node, self.segment_id, self.t1, READING)
        set_segment_type(self.node, self.liver_id, RegionType.MUSCLE)
        with self.assertRaisesRegex(InputError, "'Week 4' has no liver reference"):
            propose_grade(self.node, self.segment_id, self.t1, READING)
        self.assertEqual(measurements(), [])


class TestReaderGrades(GradesTestCase):
    def test_grade_and_comment_come_back_also_from_a_saved_scene(self):
        set_reader_grade(self.node, self.segment_id, "T1", 3, READING, volume_node=self.t1)
        set_reader_grade(self.node, self.segment_id, "T1", 5, READING, comment="rim only,\n motion", volume_node=self.t1)
        set_reader_grade(self.node, self.segment_id, "T2", 1, READING)
        set_reader_grade(self.node, self.segment_id, "T1", 2, Reading("P1", 1, "B"))
        self.assertEqual(len(measurements()), 3)
        for _ in range(2):
            self.assertEqual(reader_grade(self.node, self.segment_id, "T1", READING), ReaderGrade(5, "rim only, motion"))
            self.assertEqual(reader_grade(self.node, self.segment_id, "T2", READING), ReaderGrade(1, ""))
            reopen(self.folder / "case.mrb")
            self.node = slicer.util.getNode("Week 4")

    def test_not_gradable(self):
        self.assertTrue(math.isnan(set_reader_grade(self.node, self.segment_id, "T1", None, READING, comment="motion").value))
        self.assertIsNone(reader_grade(self.node, self.segment_id, "T1", READING))

    def test_bad_grades_change_nothing(self):
        for arguments, words in (
            (("T1", 6, READING), "1, 2, 3, 4 or 5"),
            (("T1", 2.5, READING), "2.5"),
            (("DWI", 2, READING), "DWI"),
            (("T1", 2, Reading("P1", 1)), "needs a reader"),
        ):
            with self.assertRaisesRegex(InputError, words):
                set_reader_grade(self.node, self.segment_id, *arguments)
        self.assertEqual(measurements(), [])

    def test_timing_hint(self):
        with self.assertRaisesRegex(InputError, "'Lesion 1' is not graded on T1 and T2"):
            grade_timing_hint(self.node, self.segment_id, READING)
        set_reader_grade(self.node, self.segment_id, "T1", 5, READING)
        with self.assertRaisesRegex(InputError, "on T2 yet"):
            grade_timing_hint(self.node, self.segment_id, READING)
        set_reader_grade(self.node, self.segment_id, "T2", 1, READING)
        self.assertEqual(grade_timing_hint(self.node, self.segment_id, READING, day=5).substance, "intracellular methaemoglobin")
        set_reader_grade(self.node, self.segment_id, "T2", 3, READING)
        self.assertIsNone(grade_timing_hint(self.node, self.segment_id, READING))


class TestExclusionFlags(GradesTestCase):
    def reasons(self, volume_node=None) -> set[ExclusionReason]:
        return {flag.reason for flag in exclusion_flags(self.node, self.segment_id, volume_node or self.t2, READING)}

    def test_an_ordinary_lesion_raises_none_and_its_edge_is_measured(self):
        self.assertEqual(self.reasons(), set())
        self.assertLess(self.rows()["EDGE_WIDTH"], 5.0)
        self.assertGreater(self.rows()["VISIBLE_EDGE"], 0.9)

    def test_small_and_stable_over_time(self):
        for time_point, diameter in ((0, 8.0), (1, 8.5), (2, 15.0)):
            write_rows(self.node, self.segment_id, {"LONG_AXIS": diameter}, Reading("P1", time_point, "A"), "Diameter: a")
        self.assertEqual(self.reasons(), {ExclusionReason.SMALL_AND_STABLE})
        set_lesion(self.node, self.segment_id, Lesion("2.25.1", "L1", proven=True))
        self.assertEqual(self.reasons(), set())

    def test_treated_confluent_and_ill_defined(self):
        set_lesion(self.node, self.segment_id, Lesion("2.25.1", "L1", previously_treated=True))
        neighbour, far, empty = (add_segment(self.node, name) for name in ("Lesion 2", "Lesion 3", "Lesion 4"))
        for number, segment_id in enumerate((neighbour, far, empty)):
            set_lesion(self.node, segment_id, Lesion(f"2.25.{number + 2}", "L"))
        set_segment_mask(self.node, neighbour, np.roll(self.lesion, 10, axis=1) & ~self.lesion, self.t1)
        set_segment_mask(self.node, far, self.liver, self.t1)
        self.assertEqual(self.reasons(), {ExclusionReason.TREATED_BEFORE, ExclusionReason.CONFLUENT})
        flags = exclusion_flags(self.node, self.segment_id, self.t2, READING)
        self.assertIn("'Lesion 2'", flags[-1].sentence)
        self.assertNotIn("'Lesion 3'", flags[-1].sentence)
        noise = np.random.default_rng(2).normal(100, 10, SHAPE).astype(np.float32)
        self.assertIn(ExclusionReason.ILL_DEFINED, self.reasons(add_volume(noise, self.geometry, "noise")))

    def test_a_proposal_is_not_measured(self):
        mark_proposed(self.node, self.segment_id, "grown")
        with self.assertRaisesRegex(InputError, "only a proposal"):
            measure_edge(self.node, self.segment_id, self.t2, READING)


if __name__ == "__main__":
    unittest.main()

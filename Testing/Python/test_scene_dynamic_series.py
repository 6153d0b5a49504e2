"""Dynamic series in the scene: sequences over seconds, what shows them, what is refused; flip angles and repetition times."""

import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.dynamic_series import (
    add_dynamic_series,
    browser_of,
    dynamic_geometry,
    dynamic_signals,
    frame_times_s,
    sequence_shown_by,
    shown_volume,
)
from HCCResponseLib.scene.flip_angles import (
    accept_proposed_flip_angles,
    flip_angle_deg,
    propose_flip_angle,
    propose_repetition_time,
    repetition_time_s,
    set_flip_angle_deg,
    set_repetition_time_s,
    set_typed_flip_angle,
    set_typed_repetition_time,
)
from HCCResponseLib.scene.roles import role, role_reason, set_role
from HCCResponseLib.scene.study_nodes import volumes_of_study
from HCCResponseLib.scene.subject_hierarchy import study_item
from HCCResponseLib.scene.volumes import add_volume, volume_array

GEOMETRY = Geometry.from_parts((3, 5, 4), (2.5, 2.5, 6.0), (-20, 30, 12), [[0.8, 0, -0.6], [0, 1, 0], [0.6, 0, 0.8]])
TIMES = np.array([0.0, 4.3, 8.6, 13.9, 21.0])
SIGNALS = np.random.default_rng(7).uniform(10, 900, (*GEOMETRY.shape, len(TIMES))).astype(np.float32)


def sequence_of(values, *, unit="s", name="time", grids=None, numeric=True):
    """A sequence as other programs make it: any index, any grids."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "foreign")
    node.SetIndexName(name)
    node.SetIndexUnit(unit)
    node.SetIndexType(node.NumericIndex if numeric else node.TextIndex)
    for n, value in enumerate(values):
        grid = grids[n] if grids else GEOMETRY
        volume = add_volume(np.full(grid.shape, n, np.int16), grid, f"frame {n}")
        node.SetDataNodeAtValue(volume, str(value))
        slicer.mrmlScene.RemoveNode(volume)
    return node


class TestDynamicSeries(SceneTestCase):
    def test_values_times_and_grid(self):
        node = add_dynamic_series(SIGNALS, TIMES + 100, GEOMETRY, "perf")
        self.assertEqual((node.GetIndexName(), node.GetIndexUnit(), node.GetIndexTypeAsString()), ("time", "s", "numeric"))
        self.assertEqual([float(node.GetNthIndexValue(n)) for n in range(5)], TIMES.tolist())
        self.assertEqual(node.GetNthDataNode(3).GetClassName(), "vtkMRMLScalarVolumeNode")
        signals, times = dynamic_signals(node)
        self.assertEqual(signals.dtype, np.float32)
        np.testing.assert_array_equal(signals, SIGNALS)
        np.testing.assert_array_equal(times, TIMES)
        self.assertTrue(dynamic_geometry(node).matches(GEOMETRY, 1e-9))

    def test_role_is_found_in_its_study(self):
        study = study_item(patient_id="P", patient_name="P", study_uid="1.2", study_date="2024-03-04")
        node = add_dynamic_series(SIGNALS, TIMES, GEOMETRY, "perf", study_item=study)
        self.assertIs(role(node), Role.DCE)
        self.assertEqual(volumes_of_study(study, Role.DCE), [node])
        set_role(node, Role.ARTERIAL, "Because.")
        self.assertEqual((role(node), role_reason(node)), (Role.ARTERIAL, "Because."))
        set_role(node, None)
        self.assertEqual((role(node), role_reason(node)), (None, ""))

    def test_the_browser_shows_it_and_is_never_moved(self):
        node = add_dynamic_series(SIGNALS, TIMES, GEOMETRY, "perf")
        browser, shown = browser_of(node), shown_volume(node)
        self.assertIs(sequence_shown_by(shown), node)
        np.testing.assert_array_equal(volume_array(shown), SIGNALS[..., 0])
        self.assertFalse(shown.GetDisplayNode().GetAutoWindowLevel())
        browser.SetSelectedItemNumber(3)
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        np.testing.assert_array_equal(volume_array(shown), SIGNALS[..., 3])
        np.testing.assert_array_equal(dynamic_signals(node)[0], SIGNALS)
        self.assertEqual(browser.GetSelectedItemNumber(), 3)

    def test_saved_and_loaded(self):
        add_dynamic_series(SIGNALS, TIMES, GEOMETRY, "perf")
        reopen(self.folder / "scene.mrb")
        node = slicer.util.getNodesByClass("vtkMRMLSequenceNode")[0]
        signals, times = dynamic_signals(node)
        np.testing.assert_array_equal(signals, SIGNALS)
        np.testing.assert_array_equal(times, TIMES)
        self.assertIs(sequence_shown_by(shown_volume(node)), node)

    def test_what_does_not_fit_leaves_nothing(self):
        slicer.mrmlScene.GetSubjectHierarchyNode()  # made when first asked for
        count = slicer.mrmlScene.GetNumberOfNodes()
        for signals, times, message in (
            (SIGNALS, TIMES[:4], "4 times"),
            (SIGNALS[..., :1], TIMES[:1], "2 or more"),
            (SIGNALS, TIMES[::-1], "not later"),
            (SIGNALS, np.array([0, 1, 1, 2, 3]), "image 3 at 1 s"),
            (SIGNALS, np.array([0, 1, np.nan, 2, 3]), "image 3 is not a number"),
            (SIGNALS[:2], TIMES, "voxels"),
        ):
            with self.assertRaisesRegex(InputError, message):
                add_dynamic_series(signals, times, GEOMETRY, "perf")
            self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)


class TestForeignSequences(SceneTestCase):
    def test_units_become_seconds_from_the_first_image(self):
        for unit, factor in (("s", 1), ("ms", 0.001), ("min", 60), ("MS", 0.001)):
            node = sequence_of((1000, 5300, 9600), unit=unit)
            np.testing.assert_allclose(frame_times_s(node), np.array([0, 4300, 8600]) * factor)
        signals, _ = dynamic_signals(node)
        np.testing.assert_array_equal(signals[0, 0, 0], [0, 1, 2])

    def test_refused_in_words(self):
        for node, message in (
            (None, "No dynamic series"),
            (add_volume(SIGNALS[..., 0], GEOMETRY, "volume"), "No dynamic series"),
            (sequence_of((0, 1, 2), unit="mm"), "unit 'mm'"),
            (sequence_of((0, 1, 2), unit=""), "no unit"),
            (sequence_of(("a", "b"), numeric=False), "'a' is not a time"),
            (sequence_of((5, 3), numeric=False), "not later"),
            (sequence_of((0,)), "1 images; 2 or more"),
            (sequence_of(()), "0 images"),
        ):
            with self.assertRaisesRegex(InputError, message):
                dynamic_signals(node)
        with self.assertRaisesRegex(InputError, "3 images; 5 or more"):
            dynamic_signals(sequence_of((0, 1, 2)), fewest=5)

    def test_other_grids_are_refused(self):
        shifted = Geometry.from_parts(GEOMETRY.shape, GEOMETRY.spacing_mm, (-20, 31, 12), GEOMETRY.direction_lps)
        smaller = Geometry.from_parts((3, 5, 3), GEOMETRY.spacing_mm, (-20, 30, 12), GEOMETRY.direction_lps)
        for other in (shifted, smaller):
            with self.assertRaisesRegex(GeometryError, "image 3 lies on another grid"):
                dynamic_signals(sequence_of((0, 1, 2), grids=[GEOMETRY, GEOMETRY, other]))


class TestFlipAngles(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.node = add_volume(np.zeros(GEOMETRY.shape, np.float32), GEOMETRY, "t1_vibe_fa10")

    def test_set_and_taken_away(self):
        self.assertEqual((flip_angle_deg(self.node), repetition_time_s(self.node)), (None, None))
        set_flip_angle_deg(self.node, 12)
        set_repetition_time_s(self.node, 0.0045)
        self.assertEqual((flip_angle_deg(self.node), repetition_time_s(self.node)), (12.0, 0.0045))
        set_flip_angle_deg(self.node, None)
        set_repetition_time_s(self.node, None)
        self.assertEqual((flip_angle_deg(self.node), repetition_time_s(self.node)), (None, None))

    def test_typed(self):
        for text, degrees in (("12", 12.0), (" 7,5 ", 7.5), ("15°", 15.0), ("", None)):
            set_typed_flip_angle(self.node, text)
            self.assertEqual(flip_angle_deg(self.node), degrees, text)
        for text, seconds in (("4.5", 0.0045), ("4,5 ms", 0.0045), ("0.0045 s", 0.0045), ("4000", 4.0), ("", None)):
            set_typed_repetition_time(self.node, text)
            self.assertEqual(repetition_time_s(self.node), seconds, text)

    def test_what_cannot_be_changes_nothing(self):
        set_flip_angle_deg(self.node, 12)
        set_repetition_time_s(self.node, 0.0045)
        for text in ("0", "-3", "181", "nan", "inf", "many"):
            with self.assertRaisesRegex(InputError, "flip angle"):
                set_typed_flip_angle(self.node, text)
        for text in ("0", "-3", "0.0045", "25 s", "nan", "4.5 min", "1.2.3"):
            with self.assertRaisesRegex(InputError, "repetition time|too short"):
                set_typed_repetition_time(self.node, text)
        self.assertEqual((flip_angle_deg(self.node), repetition_time_s(self.node)), (12.0, 0.0045))
        self.node.SetAttribute("HCC.FlipAngle", "broken")
        self.assertIsNone(flip_angle_deg(self.node))

    def test_proposed_from_names(self):
        for name, angle in (("t1_vibe_fa10", 10), ("VFA flip angle 5", 5), ("spgr 15deg", 15), ("t1 30°", 30), ("fa5 fa10", None),
                            ("fa2009", None), ("sofa12", None), ("t1_vibe", None), ("fa0", None)):
            self.node.SetName(name)
            self.assertEqual(propose_flip_angle(self.node), (angle, "name") if angle else (None, ""), name)
        self.assertEqual(propose_repetition_time(self.node), (None, ""))

    def test_accepting_keeps_what_is_set(self):
        other = add_volume(np.zeros(GEOMETRY.shape, np.float32), GEOMETRY, "fa5")
        set_flip_angle_deg(other, 6)
        self.assertEqual(accept_proposed_flip_angles([self.node, other]), [self.node])
        self.assertEqual((flip_angle_deg(self.node), flip_angle_deg(other)), (10.0, 6.0))


if __name__ == "__main__":
    unittest.main()

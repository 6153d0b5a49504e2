"""What the panel of the maps needs of the scene: its images, inputs, expected time, and all maps of an examination."""

import unittest

import numpy as np
from dynamic_scene import ARRIVAL_S, BLOOD_T1_S, GEOMETRY, HEMATOCRIT, RELAXIVITY, TIMES, TISSUE, DynamicScene
from slicer_core_scene import reopen
import slicer

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import Lesion, TimePoint
from HCCResponseLib.response.quantities import QUANTITIES
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.arterial_input import input_function, input_kind
from HCCResponseLib.scene.b1_maps import b1_at
from HCCResponseLib.scene.b_values import set_b_value
from HCCResponseLib.scene.dynamic_series import frame_times_s
from HCCResponseLib.scene.examination_maps import (
    accepted_lesions,
    hide_map_legends,
    inside_repeatability,
    lesion_region,
    map_titles,
    maps_of_examination,
    measure_maps,
    show_map,
)
from HCCResponseLib.scene.fitting_time import expected_fit
from HCCResponseLib.scene.flip_angles import set_flip_angle_deg
from HCCResponseLib.scene.frame_interval import interval_text, set_typed_interval
from HCCResponseLib.scene.input_choice import IMPORTED, MEASURED, InputSettings, blood_t1_of, chosen_input, kept_settings
from HCCResponseLib.scene.input_choice import make_arterial, make_portal
from HCCResponseLib.scene.lesion_attributes import set_lesion
from HCCResponseLib.scene.map_measurement import measure_map
from HCCResponseLib.scene.map_sources import diffusion_series, dynamic_series, flip_angle_volumes, other_volumes
from HCCResponseLib.scene.measurement_table import measurements
from HCCResponseLib.scene.outdated_maps import outdated_map
from HCCResponseLib.scene.parameter_maps import make_parameter_map
from HCCResponseLib.scene.perfusion import compute_perfusion
from HCCResponseLib.scene.proposals import mark_proposed
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.segment_types import set_segment_type
from HCCResponseLib.scene.subject_hierarchy import new_uid, study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import set_time_point
from HCCResponseLib.scene.volumes import add_volume


class PanelScene(DynamicScene):
    def study(self, number: int, patient: str = "P1") -> int:
        return study_item(patient_id=patient, patient_name=patient, study_uid=f"1.2.{number}", study_date=f"2026010{number}")

    def put(self, node, study: int):
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), study)
        return node

    def add_map(self, key: str, study: int, value: float = 0.5):
        values = np.full(GEOMETRY.shape, value)
        return self.put(make_parameter_map(values, None, GEOMETRY, QUANTITIES[key], key, method="test"), study)


class TestImages(PanelScene):
    def test_of_an_examination_and_of_none(self):
        first, second = self.study(1), self.study(2)
        vfa = [self.put(add_volume(np.ones(GEOMETRY.shape), GEOMETRY, f"fa {angle}"), first) for angle in (15, 5)]
        for node, angle in zip(vfa, (15, 5), strict=True):
            set_flip_angle_deg(node, angle)
        told = self.put(add_volume(np.ones(GEOMETRY.shape), GEOMETRY, "vfa"), first)
        set_role(told, Role.VFA)
        plain = self.put(add_volume(np.ones(GEOMETRY.shape), GEOMETRY, "plain"), first)
        anatomy = self.put(add_volume(np.ones(GEOMETRY.shape), GEOMETRY, "anatomy"), first)
        set_role(anatomy, Role.T2)
        self.add_map("T1", first)
        self.assertEqual(flip_angle_volumes(first), [told, vfa[1], vfa[0]])
        self.assertEqual(other_volumes(first), [plain])
        self.assertEqual((flip_angle_volumes(second), other_volumes(second), flip_angle_volumes(0)), ([], [], []))
        sequence = self.add_series(self.signals()[..., :3], [0, 4, 8])
        self.assertEqual((dynamic_series(first), dynamic_series(0)), ([], [sequence]))
        self.put(sequence, first)
        self.assertEqual((dynamic_series(first), dynamic_series(0)), ([sequence], []))

    def test_diffusion_series_of_other_time_points_are_not_listed(self):
        studies = [self.study(1), self.study(2), self.study(3, "P2")]
        nodes = []
        for number, study in enumerate(studies):
            node = self.put(add_volume(np.ones(GEOMETRY.shape), GEOMETRY, f"b {number}"), study)
            set_b_value(node, 0)
            nodes.append(node)
        shown = [group.volumes[0] for group in diffusion_series(studies[1])]
        self.assertEqual(shown, [nodes[1], nodes[0], nodes[2]])
        set_time_point(studies[0], TimePoint(0))
        self.assertNotIn(nodes[0], [group.volumes[0] for group in diffusion_series(studies[1])])
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemAttribute(studies[0], "HCC.TimePoint", "third")
        self.assertNotIn(nodes[0], [group.volumes[0] for group in diffusion_series(studies[1])])


class TestInputs(PanelScene):
    def setUp(self):
        super().setUp()
        self.sequence = self.add_series()
        self.segmentation, self.aorta, self.tissue = self.add_outlines(self.sequence)

    def settings(self, kind, **options):
        chosen = dict(segment_id=self.aorta, hematocrit=HEMATOCRIT, blood_t1_s=BLOOD_T1_S, relaxivity=RELAXIVITY) | options
        return InputSettings(kind, self.segmentation, **chosen)

    def test_each_way_has_its_own_table_and_renews_it(self):
        parker = make_arterial(self.sequence, self.settings("parker"))
        measured = make_arterial(self.sequence, self.settings(MEASURED))
        self.assertIsNot(parker, measured)
        self.assertAlmostEqual(input_function(parker).arrival_s, ARRIVAL_S, delta=0.5)
        self.assertEqual(str(input_kind(measured)), "measured")
        again = make_arterial(self.sequence, self.settings("parker", hematocrit=0.45, arrival_s=30.0))
        self.assertIs(again, parker)
        self.assertEqual(input_function(parker).arrival_s, 30.0)
        self.assertEqual(kept_settings(parker), {"hematocrit": 0.45, "dose_mmol_per_kg": 0.1})
        self.assertIs(chosen_input(self.sequence, MEASURED), measured)
        self.assertIsNone(chosen_input(self.sequence, "georgiou"))

    def test_what_cannot_be_made_is_told(self):
        for settings, message in (
            (self.settings("parker", segment_id=""), "When does the bolus"),
            (self.settings(MEASURED, segment_id=""), "segment in the artery"),
            (self.settings(IMPORTED), "import a CSV"),
        ):
            with self.assertRaisesRegex(InputError, message):
                make_arterial(self.sequence, settings)
        self.assertEqual(slicer.util.getNodesByClass("vtkMRMLTableNode"), [])

    def test_the_portal_vein_is_measured_or_derived(self):
        arterial = make_arterial(self.sequence, self.settings("parker"))
        derived = make_portal(self.sequence, arterial, self.settings("parker", segment_id=""))
        self.assertEqual(str(input_kind(derived)), "derived")
        self.assertIs(make_portal(self.sequence, arterial, self.settings("parker", segment_id="")), derived)
        measured = make_portal(self.sequence, arterial, self.settings("parker"))
        self.assertEqual(str(input_kind(measured)), "measured")
        self.assertIsNone(chosen_input(self.sequence, MEASURED))

    def test_blood_at_the_field_of_the_series(self):
        self.assertEqual(blood_t1_of(self.sequence), 1.48)
        self.sequence.SetAttribute("HCC.FieldStrengthT", "2.89")
        self.assertEqual(blood_t1_of(self.sequence), 1.65)

    def test_expected_time(self):
        table = make_arterial(self.sequence, self.settings("parker"))
        expected = expected_fit(self.sequence, table, relaxivity=RELAXIVITY, t1_s=0.8, region=(self.segmentation, [self.tissue]))
        self.assertEqual(expected.voxels, int(TISSUE.sum()))
        self.assertGreater(expected.seconds, 0.0)
        self.assertEqual(expected_fit(self.sequence, table, relaxivity=RELAXIVITY, t1_s=0.8).voxels, TISSUE.size)
        with self.assertRaises(InputError):
            expected_fit(self.sequence, table, relaxivity=RELAXIVITY)

    def test_typed_intervals(self):
        self.assertEqual(interval_text(self.sequence), "4.3")
        first = slicer.util.arrayFromVolume(self.sequence.GetNthDataNode(9)).copy()
        set_typed_interval(self.sequence, "3,5 s")
        np.testing.assert_allclose(frame_times_s(self.sequence), 3.5 * np.arange(TIMES.size))
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(self.sequence.GetNthDataNode(9)), first)
        self.sequence.UpdateIndexValue("7", "8.5")
        self.assertEqual(interval_text(self.sequence), "2 to 5")
        set_typed_interval(self.sequence, "2 to 5")
        self.assertEqual(frame_times_s(self.sequence)[2], 8.5)
        for typed in ("", "0", "-3", "often", "4.3.1", "1000"):
            with self.assertRaisesRegex(InputError, "interval"):
                set_typed_interval(self.sequence, typed)
        self.sequence.SetIndexUnit("")
        self.assertEqual(interval_text(self.sequence), "")
        set_typed_interval(self.sequence, "6")
        self.assertEqual(frame_times_s(self.sequence)[-1], 6.0 * (TIMES.size - 1))


class TestTimes(PanelScene):
    def test_maps_of_a_series_with_other_times_are_out_of_date(self):
        sequence = self.add_series()
        segmentation, aorta, tissue = self.add_outlines(sequence)
        table = make_arterial(sequence, InputSettings("parker", segmentation, aorta, hematocrit=HEMATOCRIT))
        maps = compute_perfusion(sequence, table, relaxivity=RELAXIVITY, t1_s=0.8, region=(segmentation, [tissue]))
        self.assertEqual(outdated_map(maps["KTRANS"]), "")
        set_typed_interval(sequence, "5")
        self.assertIn("times of the images", outdated_map(maps["KTRANS"]))
        with self.assertRaisesRegex(InputError, "times of the images"):
            measure_map(maps["KTRANS"], segmentation, [tissue])


class TestMaps(PanelScene):
    def setUp(self):
        super().setUp()
        self.examination = self.study(1)
        set_time_point(self.examination, TimePoint(0))
        self.ktrans, self.adc = self.add_map("KTRANS", self.examination), self.add_map("ADC", self.examination, 1e-3)
        self.add_map("FIT_RESIDUAL", self.examination)
        self.add_map("ADC", self.study(2))
        self.segmentation, self.aorta, self.tissue = self.add_outlines(self.add_series(self.signals()[..., :3], [0, 4, 8]))

    def test_listed_by_quantity(self):
        maps = maps_of_examination(self.examination)
        self.assertEqual(map_titles(maps), ["ADC", "Ktrans", "Residual"])
        newer = self.add_map("ADC", self.examination)
        newer.SetName("newer")
        self.assertEqual(map_titles(maps_of_examination(self.examination))[:2], ["ADC · newer", "ADC · ADC"])
        self.assertEqual(maps_of_examination(0), [])

    def test_all_maps_that_tell_of_tissue_are_measured(self):
        notes = measure_maps(maps_of_examination(self.examination), self.segmentation, [self.tissue], time_point=0, reader="AB")
        self.assertEqual(notes, [])
        self.assertEqual({row.quantity for row in measurements(statistic="median")}, {"ADC", "KTRANS"})
        self.ktrans.RemoveNodeReferenceIDs("HCC.ValidityMask")
        self.adc.SetAttribute("HCC.BValues", "0 800")
        slicer.mrmlScene.RemoveNode(slicer.util.getNode("KTRANS valid"))
        notes = measure_maps(maps_of_examination(self.examination), self.segmentation, [self.tissue], time_point=0, reader="AB")
        self.assertEqual(len(notes), 1)
        self.assertIn("validity mask", notes[0])

    def test_proposed_outlines_are_not_accepted_lesions(self):
        self.assertEqual(accepted_lesions(self.segmentation), [])
        set_segment_type(self.segmentation, self.tissue, RegionType.HEPATOCELLULAR_CARCINOMA)
        set_lesion(self.segmentation, self.tissue, Lesion(new_uid(), "L1"))
        self.assertEqual(accepted_lesions(self.segmentation), [self.tissue])
        self.assertEqual(lesion_region(self.segmentation, self.adc, 5.0), (self.segmentation, [self.tissue], 5.0))
        beside = add_volume(np.ones((2, 2, 2)), Geometry.from_parts((2, 2, 2), (1, 1, 1), (900, 0, 0)), "beside")
        with self.assertRaisesRegex(InputError, "No accepted outline"):
            lesion_region(self.segmentation, beside)
        mark_proposed(self.segmentation, self.tissue, "grown")
        self.assertEqual(accepted_lesions(self.segmentation), [])
        for segmentation in (self.segmentation, None):
            with self.assertRaisesRegex(InputError, "No accepted outline"):
                lesion_region(segmentation, self.adc)

    def test_repeatability(self):
        self.assertTrue(inside_repeatability(self.adc, -26.0))
        self.assertFalse(inside_repeatability(self.adc, 28.0))
        self.assertFalse(inside_repeatability(self.adc, float("nan")))
        self.assertFalse(inside_repeatability(self.add_map("T1", self.examination), 1.0))

    def test_one_legend_at_a_time(self):
        for node in (self.ktrans, self.adc):
            show_map(node)
        legends = [slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node) for node in (self.ktrans, self.adc)]
        self.assertEqual([legend.GetVisibility() for legend in legends], [0, 1])
        self.assertEqual(legends[1].GetTitleText(), "ADC (10^-3 mm²/s)")
        hide_map_legends()
        self.assertEqual(legends[1].GetVisibility(), 0)
        reopen(self.folder / "case.mrb")
        self.assertEqual(len(maps_of_examination(study_item(patient_id="P1", patient_name="P1", study_uid="1.2.1"))), 3)

    def test_b1_at_a_point(self):
        b1 = add_volume(np.full(GEOMETRY.shape, 95.0), GEOMETRY, "B1")
        self.assertIsNone(b1_at(None, (0, 0, 0)))
        self.assertIsNone(b1_at(b1, (1e4, 0, 0)))
        point = (GEOMETRY.ijk_to_ras @ [1, 1, 1, 1])[:3]
        self.assertAlmostEqual(b1_at(b1, point), 0.95)


if __name__ == "__main__":
    unittest.main()

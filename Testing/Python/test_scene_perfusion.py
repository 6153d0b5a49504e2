"""Perfusion maps in the scene: what is said before, numbers against truth, provenance, cancelling, memory of one series only."""

import unittest

import numpy as np
from dynamic_scene import ANGLE, AORTA, ARRIVAL_S, BLOOD_T1_S, GEOMETRY, HEMATOCRIT, RELAXIVITY, TIMES, TISSUE, TR, DynamicScene
from slicer_core_scene import reopen
import slicer

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.geometry import LPS_TO_RAS, Geometry
from HCCResponseLib.response.quantities import QUANTITIES
from HCCResponseLib.scene.arterial_input import input_warnings, measured_input, population_input, portal_input
from HCCResponseLib.scene.concentration import tissue_at, tissue_t1
from HCCResponseLib.scene.dynamic_curves import grid_volume
from HCCResponseLib.scene.enhancement import compute_enhancement
from HCCResponseLib.scene.flip_angles import set_flip_angle_deg, set_repetition_time_s
from HCCResponseLib.scene.frame_interval import set_typed_interval
from HCCResponseLib.scene.parameter_maps import make_parameter_map, map_provenance, map_values, validity_node
from HCCResponseLib.scene.perfusion import (
    check_dynamic,
    compute_perfusion,
    outdated_perfusion,
    perfusion_maps_of,
    perfusion_summary,
    status_node,
)
from HCCResponseLib.scene.dynamic_series import shown_volume
from HCCResponseLib.scene.relaxometry import compute_t1
from HCCResponseLib.scene.subject_hierarchy import study_item, subject_hierarchy_item
from HCCResponseLib.scene.volumes import add_volume, volume_array, volume_geometry
from HCCResponseLib.scene.voxel_curve import curve_at
from HCCResponseLib.quantification.contrast import concentration_to_signal


def entry(*code):
    coded = slicer.vtkCodedEntry()
    coded.SetValueSchemeMeaning(*code)
    return coded


def translation(x_mm: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[0, 3] = x_mm
    return matrix


BLOOD = dict(blood_t1_s=BLOOD_T1_S, relaxivity=RELAXIVITY, hematocrit=HEMATOCRIT)
KEYS = {"KTRANS": "ktrans", "VE": "ve", "VP": "vp"}


class PerfusionScene(DynamicScene):
    def prepare(self, **options):
        """A series with its outlines, a population input and a T1 map."""
        self.sequence = self.add_series(**options)
        self.segmentation, self.aorta, self.tissue = self.add_outlines(self.sequence)
        self.input = population_input(self.sequence, arrival_s=ARRIVAL_S, hematocrit=HEMATOCRIT)
        self.t1_map = self.add_t1_map(GEOMETRY, self.on_grid("t1"))
        self.region = (self.segmentation, [self.tissue])

    def add_t1_map(self, geometry, values):
        return make_parameter_map(values, None, geometry, QUANTITIES["T1"], "T1", method="VFA")

    def compute(self, **options):
        chosen = dict(relaxivity=RELAXIVITY, t1_map=self.t1_map, region=self.region) | options
        return compute_perfusion(self.sequence, chosen.pop("input", self.input), **chosen)

    def told(self, level="error", **options) -> str:
        return " ".join(finding.text for finding in check_dynamic(self.sequence, **options) if finding.level == level)


class TestBeforeComputing(PerfusionScene):
    def test_nothing_wrong(self):
        self.prepare()
        findings = check_dynamic(self.sequence, input_node=self.input, t1_map=self.t1_map, region=self.region)
        self.assertEqual({str(finding.level) for finding in findings}, {"good"}, findings)
        text = " ".join(finding.text for finding in findings)
        for fact in ("60 images, one every 4.3 s", "10 x 12 x 3", "15 degrees", "4.5 ms", "4 image(s) before", "clear of saturation"):
            self.assertIn(fact, text)

    def test_no_series_and_times_that_are_wrong(self):
        self.assertIn("No dynamic series", check_dynamic(None)[0].text)
        self.prepare()
        self.sequence.SetIndexUnit("mm")
        self.assertIn("unit 'mm'", self.told())
        self.sequence.SetIndexUnit("ms")
        self.assertIn("looks like minutes", self.told())

    def test_flip_angle_tr_and_baseline(self):
        self.prepare()
        early = population_input(self.sequence, arrival_s=-3.0)
        self.assertIn("No image before", self.told(input_node=early))
        self.assertIn("No image before", self.told(input_node=self.input, baseline=0))
        self.assertEqual(self.told(input_node=early, baseline=3), "")
        self.assertIn("uncertain", self.told("warning", input_node=population_input(self.sequence, arrival_s=5.0)))
        self.sequence.SetAttribute("HCC.FlipAngle", None)
        self.sequence.SetAttribute("HCC.RepetitionTime", "4.5")
        self.assertIn("flip angle of 'dce' is not known", self.told())
        self.assertIn("milliseconds", self.told())
        count = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaisesRegex(InputError, "flip angle of 'dce' is not known"):
            self.compute()
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_slow_short_uneven_and_few(self):
        signals = self.signals()
        self.sequence = self.add_series(signals[..., ::2], TIMES[::2])
        self.assertIn("population input", self.told("warning"))
        self.sequence = self.add_series(signals[..., :20], TIMES[:20])
        self.assertIn("are short", self.told("warning"))
        self.sequence = self.add_series(signals[..., :8], TIMES[:8] * np.linspace(1, 3, 8))
        self.assertIn("hardly tell", self.told("warning"))
        self.assertIn("uneven", self.told("information"))

    def test_t1(self):
        self.prepare()
        self.assertIn("a T1 map is better", self.told("information", t1_s=0.8))
        self.assertIn("enter seconds", self.told(t1_s=800))
        self.assertIn("not both", self.told(t1_s=0.8, t1_map=self.t1_map))
        self.assertIn("is no T1 map", self.told(t1_map=shown_volume(self.sequence)))
        half = np.where(np.arange(10) < 5, self.on_grid("t1"), np.nan)
        self.assertIn("have no T1", self.told("warning", t1_map=self.add_t1_map(GEOMETRY, half), region=self.region))
        self.assertIn("have no T1", self.told(t1_map=self.add_t1_map(GEOMETRY, half * np.nan), region=self.region))
        with self.assertRaisesRegex(InputError, "choose a T1 map, or enter one"):
            self.compute(t1_map=None)

    def test_what_belongs_to_another_series_or_examination(self):
        self.prepare()
        other, first = self.input, self.sequence
        self.prepare(name="second")
        self.assertIn("'AIF Parker 2006' is the input of 'dce'", self.told(input_node=other))
        with self.assertRaisesRegex(InputError, "is the input of 'dce'"):
            self.compute(input=other, baseline=3)
        with self.assertRaisesRegex(InputError, "is the input of 'dce'"):
            self.compute(model="dual_input", portal_node=portal_input(other, first))
        curve = curve_at(self.sequence, (GEOMETRY.ijk_to_ras @ [3, 8, 1, 1])[:3], other, relaxivity=RELAXIVITY, t1_s=0.8)
        self.assertIn("is the input of 'dce'", curve.problem)
        with self.assertRaisesRegex(InputError, "would be lost"):
            population_input(self.sequence, arrival_s=ARRIVAL_S, table_node=other)
        slicer.mrmlScene.RemoveNode(first)
        self.assertIn("not in the scene any more", self.told("warning", input_node=other))
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        study = study_item(patient_id="P1", patient_name="X", study_uid="1.2.3")
        hierarchy.SetItemParent(subject_hierarchy_item(self.t1_map), study)
        self.assertIn("of another examination", self.told("warning", t1_map=self.t1_map))
        hierarchy.SetItemParent(subject_hierarchy_item(self.segmentation), study)
        own = study_item(patient_id="P1", patient_name="X", study_uid="1.2.4")
        hierarchy.SetItemParent(subject_hierarchy_item(self.sequence), own)
        hierarchy.SetItemParent(subject_hierarchy_item(shown_volume(self.sequence)), own)
        measured = measured_input(self.sequence, self.segmentation, self.aorta, **BLOOD)
        self.assertIn("outlined in another examination", " ".join(input_warnings(measured)))
        other = study_item(patient_id="P2", patient_name="Y", study_uid="1.2.5")
        hierarchy.SetItemParent(subject_hierarchy_item(self.segmentation), other)
        hierarchy.SetItemParent(subject_hierarchy_item(self.t1_map), other)
        with self.assertRaisesRegex(InputError, "of patient P2, 'second' is of patient P1"):
            measured_input(self.sequence, self.segmentation, self.aorta, **BLOOD)
        self.assertIn("another patient", self.told(t1_map=self.t1_map))

    def test_an_input_that_was_measured_with_other_settings(self):
        self.prepare()
        measured = measured_input(self.sequence, self.segmentation, self.aorta, **BLOOD)
        self.assertEqual(self.told(input_node=measured), "")
        set_flip_angle_deg(self.sequence, 10)
        self.assertIn("flip angle of 'dce' is 10 now, 'AIF measured in Aorta' was measured with 15", self.told(input_node=measured))
        self.assertEqual(self.told(input_node=self.input), "")
        with self.assertRaisesRegex(InputError, "measure it again"):
            self.compute(input=measured)
        set_flip_angle_deg(self.sequence, ANGLE)
        set_typed_interval(self.sequence, "5")
        for table in (measured, self.input):
            self.assertIn("times of the images of 'dce' were changed", self.told(input_node=table))

    def test_saturation(self):
        signals = self.signals()
        signals[TISSUE, 20:] *= 30
        self.prepare(signals=signals)
        self.assertIn("come near the largest signal", self.told("warning", input_node=self.input, t1_s=0.8, region=self.region))
        with self.assertRaisesRegex(InputError, "No voxel of 'dce' could be fitted.*above the largest possible"):
            self.compute()


class TestMaps(PerfusionScene):
    def check_truth(self, maps, rtol):
        for key, name in KEYS.items():
            values, quantity = map_values(maps[key])
            self.assertEqual(quantity.key, key)
            np.testing.assert_array_equal(np.isfinite(values), TISSUE)
            np.testing.assert_allclose(values[TISSUE], self.truth[name], rtol=rtol, atol=1e-3, err_msg=key)

    def test_truth_with_the_population_input(self):
        self.prepare()
        fractions = []
        maps = self.compute(progress=fractions.append)
        self.assertEqual(set(maps), {"KTRANS", "KEP", "VE", "VP", "FIT_RESIDUAL"})
        self.check_truth(maps, 2e-3)
        np.testing.assert_allclose(map_values(maps["KEP"])[0][TISSUE], self.truth["ktrans"] / self.truth["ve"], rtol=5e-3)
        self.assertLess(np.nanmax(map_values(maps["FIT_RESIDUAL"])[0]), 1e-3)
        self.assertEqual(fractions[-1], 1.0)
        self.assertEqual(perfusion_maps_of(self.sequence), maps)
        self.assertTrue(volume_geometry(maps["KTRANS"]).matches(GEOMETRY, 1e-9))

    def test_truth_with_the_measured_input(self):
        self.prepare()
        self.check_truth(self.compute(input=measured_input(self.sequence, self.segmentation, self.aorta, **BLOOD)), 0.02)

    def test_provenance(self):
        self.prepare()
        maps = self.compute()
        node = maps["VE"]
        self.assertEqual(
            map_provenance(node).method, "extended Tofts, Parker 2006 AIF, T10 map, r1 5 /(s mM), 15 deg, TR 4.5 ms",
        )
        kept = {name: node.GetAttribute(f"HCC.{name}") for name in (
            "Model", "Relaxivity", "SeriesFlipAngle", "SeriesRepetitionTime", "BaselineImages", "Hematocrit", "ArrivalS", "T10", "Region",
        )}
        self.assertEqual(kept, {
            "Model": "extended_tofts", "Relaxivity": "5", "SeriesFlipAngle": "15", "SeriesRepetitionTime": "0.0045",
            "BaselineImages": "4", "Hematocrit": "0.4", "ArrivalS": "21", "T10": "map 'T1'", "Region": "Lesion 1",
        })
        self.assertIn("HCCResponse", map_provenance(node).software)
        fixed = self.compute(t1_map=None, t1_s=0.8, delay_s=(-2.0, 6.0), model="tofts")
        method = "Tofts, Parker 2006 AIF, delay fitted -2 to 6 s, T10 0.8 s, r1 5 /(s mM), 15 deg, TR 4.5 ms"
        self.assertEqual(map_provenance(fixed["KTRANS"]).method, method)

    def test_fitted_delay(self):
        self.prepare(signals=self.signals(3.0))
        maps = self.compute(delay_s=(-2.0, 8.0))
        np.testing.assert_allclose(map_values(maps["ARTERIAL_DELAY"])[0][TISSUE], 3.0, atol=0.05)
        self.check_truth(maps, 0.01)

    def test_t1_map_on_another_grid_is_resampled_between_valid_voxels(self):
        self.truth["t1"][:] = 0.8
        self.prepare()
        fine = Geometry.from_parts((40, 40, 40), (1.5, 1.5, 1.5), (-30, 25, -10))
        values = np.full(fine.shape, 0.8)
        values[:, ::9] = np.nan  # a hole must not bleed into its neighbours
        t1_map = self.add_t1_map(fine, values)
        maps = self.compute(t1_map=t1_map)
        ktrans = map_values(maps["KTRANS"])[0]
        fitted = np.isfinite(ktrans)
        self.assertTrue(0.3 < fitted[TISSUE].mean() < 1)
        np.testing.assert_allclose(ktrans[fitted], self.on_grid("ktrans")[fitted], rtol=2e-3)
        texts = " ".join(finding.text for finding in perfusion_summary(maps["KTRANS"]))
        self.assertIn("the T1 before contrast is not a number", texts)

    def test_t1_map_from_elsewhere_in_its_own_unit(self):
        self.prepare()
        fine = Geometry.from_parts((40, 40, 40), (1.5, 1.5, 1.5), (-30, 25, -10))
        for code, factor in (("s", 1.0), ("ms", 1e3)):
            values = np.full(fine.shape, 0.8 * factor, np.float32)
            values[:, ::9] = 0  # none there, and no mask says so
            node = add_volume(values, fine, f"T1 in {code}")
            node.SetVoxelValueQuantity(entry("113063", "DCM", "T1"))
            node.SetVoxelValueUnits(entry(code, "UCUM", code))
            here = tissue_t1(grid_volume(self.sequence), node, None)
            known = np.isfinite(here)
            self.assertTrue(0.3 < known[TISSUE].mean() < 1)
            np.testing.assert_allclose(here[known], 0.8, rtol=1e-5)
            for voxel in np.argwhere(TISSUE)[::7]:
                np.testing.assert_allclose(tissue_at(node, grid_volume(self.sequence), voxel)[0], here[tuple(voxel)], rtol=1e-5)

    def test_a_t1_map_that_a_transform_moves_takes_its_mask_along(self):
        self.prepare()
        grid = grid_volume(self.sequence)
        far = Geometry(GEOMETRY.shape, LPS_TO_RAS @ translation(60) @ GEOMETRY.ijk_to_ras)
        t1_map = self.add_t1_map(far, self.on_grid("t1"))
        back = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        back.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(translation(-59.9)))
        t1_map.SetAndObserveTransformNodeID(back.GetID())
        here = tissue_t1(grid, t1_map, None)
        self.assertGreater(np.isfinite(here).sum(), 0.3 * TISSUE.sum())
        voxel = np.argwhere(np.isfinite(here))[0]
        self.assertAlmostEqual(tissue_at(t1_map, grid, voxel)[0], here[tuple(voxel)], places=5)

    def test_the_b1_map_of_the_t1_map_holds_for_the_concentrations_too(self):
        b1 = np.full(GEOMETRY.shape, 0.85, np.float32)
        sequence = dict(flip_angle_deg=ANGLE, repetition_time_s=TR, relaxivity=RELAXIVITY)
        signals = self.signals()
        signals[TISSUE] = concentration_to_signal(self.concentration(), baseline=500.0, t1_s=self.truth["t1"], b1=0.85, **sequence)
        self.prepare(signals=signals)
        coarse = Geometry.from_parts((8, 12, 12), (4, 4, 10), (-40, 20, -30))
        b1_node = add_volume(np.full(coarse.shape, 85, np.int16), coarse, "B1")
        vfa = []
        for angle in (5.0, 10.0, 15.0):
            t1, a = np.nan_to_num(self.on_grid("t1"), nan=0.8), np.radians(angle * b1)
            e = np.exp(-TR / t1)
            vfa.append(add_volume(np.float32(9000 * np.sin(a) * (1 - e) / (1 - e * np.cos(a))), GEOMETRY, f"vfa {angle:g}"))
        t1_map = compute_t1(vfa, [5.0, 10.0, 15.0], TR, b1_node=b1_node)
        maps = self.compute(t1_map=t1_map)
        ktrans = map_values(maps["KTRANS"])[0]
        fitted = np.isfinite(ktrans) & TISSUE
        self.assertGreater(fitted.sum(), 0.5 * TISSUE.sum())
        np.testing.assert_allclose(ktrans[fitted], self.on_grid("ktrans")[fitted], rtol=5e-3)
        self.assertIn("T10 and B1 map", map_provenance(maps["KTRANS"]).method)
        voxel = tuple(np.argwhere(fitted)[3])
        point = (GEOMETRY.ijk_to_ras @ [*voxel[::-1], 1.0])[:3]
        curve = curve_at(self.sequence, point, self.input, relaxivity=RELAXIVITY, t1_map=t1_map)
        self.assertAlmostEqual(curve.parameters["KTRANS"] / ktrans[voxel], 1, delta=1e-4)
        slicer.mrmlScene.RemoveNode(b1_node)
        with self.assertRaisesRegex(InputError, "B1 map 'B1', which is no longer in the scene"):
            self.compute(t1_map=t1_map)

    def test_everywhere_without_air(self):
        rng = np.random.default_rng(5)
        signals = self.signals()
        signals = np.abs(signals + rng.normal(0, 2, signals.shape) + 1j * rng.normal(0, 2, signals.shape)).astype(np.float32)
        self.prepare(signals=signals)
        everything = self.compute(region=None, t1_map=None, t1_s=0.8)
        self.assertGreater(np.isfinite(map_values(everything["KTRANS"])[0]).sum(), TISSUE.sum() + AORTA.sum())
        maps = self.compute(region=None, t1_map=None, t1_s=0.8, without_air=True)
        if "air left out" in map_provenance(maps["KTRANS"]).method:
            self.assertFalse((np.isfinite(map_values(maps["KTRANS"])[0]) & ~TISSUE & ~AORTA).any())

    def test_what_does_not_enhance_is_0_and_counted(self):
        signals = self.signals()
        still = np.argwhere(TISSUE)[:5]
        noise = np.random.default_rng(6).normal(0, 3, (5, TIMES.size))
        signals[tuple(still.T)] = 500 + noise
        broken = tuple(np.argwhere(TISSUE)[7])
        signals[(*broken, 30)] = np.nan
        self.prepare(signals=signals)
        maps = self.compute()
        ktrans = map_values(maps["KTRANS"])[0]
        np.testing.assert_array_equal(ktrans[tuple(still.T)], 0.0)
        self.assertTrue(np.isnan(ktrans[broken]))
        self.assertTrue(np.isnan(map_values(maps["VE"])[0][tuple(still.T)]).all())
        texts = [finding.text for finding in perfusion_summary(maps["KTRANS"])]
        self.assertIn(f"{TISSUE.sum() - 1} of {TISSUE.sum()} voxels have values.", texts)
        self.assertTrue(any(text.startswith("5 voxels: no enhancement") for text in texts), texts)
        self.assertTrue(any(text.startswith("1 voxel: a signal is not a number") for text in texts), texts)
        status = volume_array(status_node(maps["KTRANS"]))
        self.assertTrue((status[tuple(still.T)] & 512).all())
        self.assertEqual(status_node(maps["VE"]), status_node(maps["KTRANS"]))

    def test_dual_input_needs_the_portal_vein(self):
        self.prepare()
        with self.assertRaisesRegex(InputError, "portal vein"):
            self.compute(model="dual_input")
        portal = portal_input(self.input, self.sequence)
        maps = self.compute(model="dual_input", portal_node=portal)
        self.assertEqual(set(maps), {"ARTERIAL_FRACTION", "PLASMA_FLOW", "DISTRIBUTION_VOLUME", "MEAN_TRANSIT_TIME", "FIT_RESIDUAL"})
        self.assertIn("portal input derived", map_provenance(maps["PLASMA_FLOW"]).method)
        with self.assertRaisesRegex(InputError, "one input"):
            self.compute(portal_node=portal)
        with self.assertRaisesRegex(InputError, "no pharmacokinetic model"):
            self.compute(model="other")


class TestAgain(PerfusionScene):
    def test_written_into_the_same_maps(self):
        self.prepare()
        maps = self.compute()
        count = slicer.mrmlScene.GetNumberOfNodes()
        again = self.compute(map_nodes=maps, delay_s=0.5)
        self.assertEqual(again, maps)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)
        patlak = self.compute(map_nodes=perfusion_maps_of(self.sequence), model="patlak")
        self.assertEqual(set(patlak), {"KTRANS", "VP", "FIT_RESIDUAL"})
        self.assertEqual(perfusion_maps_of(self.sequence), patlak)  # kep and ve of the other model are gone

    def test_maps_that_were_kept_beside_new_ones_are_not_written_into(self):
        self.prepare()
        kept = self.compute()
        values = volume_array(kept["VP"]).copy()
        second = self.compute(model="tofts")
        self.assertEqual(perfusion_maps_of(self.sequence), second)
        third = self.compute(model="tofts", map_nodes=perfusion_maps_of(self.sequence))
        self.assertEqual(third, second)
        np.testing.assert_array_equal(volume_array(kept["VP"]), values)
        self.assertIsNotNone(kept["VP"].GetScene())

    def test_cancelled_changes_nothing(self):
        self.prepare()
        maps = self.compute()
        before, count = volume_array(maps["KTRANS"]).copy(), slicer.mrmlScene.GetNumberOfNodes()
        for last in (0.0, 0.9):
            with self.assertRaises(Cancelled):
                self.compute(map_nodes=maps, model="tofts", progress=lambda fraction, last=last: fraction < last)
        np.testing.assert_array_equal(volume_array(maps["KTRANS"]), before)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_maps_of_another_series_are_not_overwritten(self):
        self.prepare()
        maps = self.compute()
        first = self.sequence
        self.prepare(name="second")
        with self.assertRaisesRegex(InputError, "another series"):
            self.compute(map_nodes=maps)
        with self.assertRaisesRegex(InputError, "is a map of kep"):
            self.compute(map_nodes={"KTRANS": self.compute()["KEP"]})
        self.assertEqual(perfusion_maps_of(first), maps)

    def test_out_of_date(self):
        self.prepare()
        maps = self.compute()
        node = maps["KTRANS"]
        self.assertEqual(outdated_perfusion(node), "")
        reopen(self.folder / "case.mrb")
        node, sequence = slicer.util.getNode("Ktrans"), slicer.util.getNode("dce")
        self.assertEqual(outdated_perfusion(node), "")
        self.assertIsNotNone(status_node(node))
        set_flip_angle_deg(sequence, 12)
        self.assertIn("flip angle of 'dce' is 12 now", outdated_perfusion(node))
        set_flip_angle_deg(sequence, 15)
        t1_map = slicer.util.getNode("T1")
        make_parameter_map(np.full(GEOMETRY.shape, 0.9), None, GEOMETRY, QUANTITIES["T1"], "T1", map_node=t1_map)
        self.assertIn("T1 map 'T1' was computed again", outdated_perfusion(node))
        slicer.mrmlScene.RemoveNode(t1_map)
        population_input(sequence, arrival_s=22.0, table_node=node.GetNodeReference("HCC.ArterialInput"))
        self.assertIn("was changed after", outdated_perfusion(node))

    def test_a_transform_hardened_on_what_shows_the_series_is_told(self):
        self.prepare()
        shown = shown_volume(self.sequence)
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(translation(9)))
        shown.SetAndObserveTransformNodeID(transform.GetID())
        self.compute(t1_map=None, t1_s=0.8, region=None)
        shown.HardenTransform()
        with self.assertRaisesRegex(InputError, "a transform was hardened on it"):
            self.compute()

    def test_a_t1_map_out_of_date_makes_what_comes_from_it_so(self):
        self.prepare()
        vfa = []
        for angle in (5.0, 15.0):
            e, a = np.exp(-TR / 0.8), np.radians(angle)
            signal = np.full(GEOMETRY.shape, 9000 * np.sin(a) * (1 - e) / (1 - e * np.cos(a)), np.float32)
            vfa.append(add_volume(signal, GEOMETRY, f"vfa {angle:g}"))
            set_flip_angle_deg(vfa[-1], angle)
            set_repetition_time_s(vfa[-1], TR)
        t1_map = compute_t1(vfa)
        maps = self.compute(t1_map=t1_map)
        self.assertEqual(outdated_perfusion(maps["KTRANS"]), "")
        set_flip_angle_deg(vfa[0], 4)
        self.assertRegex(outdated_perfusion(maps["KTRANS"]), "4, 15 deg now.*'Ktrans' was made with it")
        with self.assertRaisesRegex(InputError, "4, 15 deg now"):
            self.compute(t1_map=t1_map)
        with self.assertRaisesRegex(InputError, "4, 15 deg now"):
            compute_enhancement(self.sequence, arrival_s=ARRIVAL_S, relaxivity=RELAXIVITY, t1_map=t1_map, region=self.region)

    def test_a_moved_series_gives_moved_maps(self):
        self.prepare()
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = np.eye(4)
        matrix[:3, 3] = (50, -7, 11)
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        shown_volume(self.sequence).SetAndObserveTransformNodeID(transform.GetID())
        with self.assertRaisesRegex(InputError, "no voxel centre"):
            self.compute()
        self.segmentation.SetAndObserveTransformNodeID(transform.GetID())
        self.t1_map.SetAndObserveTransformNodeID(transform.GetID())
        node = self.compute()["KTRANS"]
        expected = volume_geometry(shown_volume(self.sequence), world=True)
        for one in (node, validity_node(node), status_node(node)):
            self.assertTrue(volume_geometry(one, world=True).matches(expected, 1e-9))


if __name__ == "__main__":
    unittest.main()

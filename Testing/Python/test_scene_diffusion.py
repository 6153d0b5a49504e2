"""Diffusion in the scene: from a folder or from volumes to an ADC map and its numbers; what is said before computing."""

import types
import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.errors import Cancelled, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.phantom.dicom_series import SeriesHeader, Volume, write_series
from HCCResponseLib.quantification.diffusion import fit_adc
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.b_values import accept_proposed_b_values, b_value, set_b_value, set_typed_b_value
from HCCResponseLib.scene.diffusion import (
    adc_map_of,
    add_diffusion_series,
    check_diffusion,
    compute_adc,
    outdated_adc,
    read_diffusion_folder,
)
from HCCResponseLib.scene.diffusion_groups import diffusion_groups, group_of, volumes_without_b_value
from HCCResponseLib.scene.map_measurement import measure_map
from HCCResponseLib.scene.parameter_maps import map_provenance, map_quantity, map_values, validity_node
from HCCResponseLib.scene.roles import role, set_role
from HCCResponseLib.scene.subject_hierarchy import patient_of, series_uid, study_item, subject_hierarchy_item
from HCCResponseLib.scene.volumes import add_volume, update_volume, volume_array, volume_geometry

B_VALUES = (0.0, 50.0, 400.0, 800.0)
GEOMETRY = Geometry.from_parts((4, 9, 7), (2.5, 2.5, 6.0), (-20, 30, 12), [[0.8, 0, -0.6], [0, 1, 0], [0.6, 0, 0.8]])


def true_adc() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.6e-3, 2.4e-3, GEOMETRY.shape)


def true_signals(b_values=B_VALUES) -> np.ndarray:
    return 900 * np.exp(-np.multiply.outer(true_adc(), np.array(b_values)))


def add_series(signals=None, b_values=B_VALUES, geometry=GEOMETRY, label="ep2d_diff"):
    signals = true_signals(b_values) if signals is None else signals
    series = types.SimpleNamespace(signals=np.float32(signals), b_values=b_values, geometry=geometry, label=label, series=())
    return add_diffusion_series(series)


def errors(nodes, *arguments) -> str:
    return " ".join(finding.text for finding in check_diffusion(nodes, *arguments) if finding.level == "error")


class TestVolumesOfASeries(SceneTestCase):
    def test_one_volume_for_each_b_value_in_one_folder(self):
        signals = true_signals()
        nodes = add_series(signals)
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        self.assertEqual([node.GetName() for node in nodes], ["ep2d_diff b0", "ep2d_diff b50", "ep2d_diff b400", "ep2d_diff b800"])
        self.assertEqual(tuple(map(b_value, nodes)), B_VALUES)
        for index, node in enumerate(nodes):
            self.assertIs(role(node), Role.DWI)
            self.assertTrue(volume_geometry(node).matches(GEOMETRY, 1e-9))
            np.testing.assert_array_equal(volume_array(node), np.float32(signals[..., index]))
        folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in nodes}
        self.assertEqual([hierarchy.GetItemName(folder) for folder in folders], ["ep2d_diff"])

    def test_what_does_not_fit_leaves_no_node(self):
        count = slicer.mrmlScene.GetNumberOfNodes()
        for signals in (true_signals()[..., :3], true_signals()[0], true_signals()[:2]):
            with self.assertRaisesRegex(InputError, "ep2d_diff"):
                add_series(signals)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)


class TestGroups(SceneTestCase):
    def test_series_stand_apart_volumes_by_b_value(self):
        first = add_series(label="before")
        second = add_series(b_values=(800.0, 0.0), label="after")
        groups = diffusion_groups()
        self.assertEqual([group.name for group in groups], ["before", "after"])
        self.assertEqual(list(groups[0].volumes), first)
        self.assertEqual(list(groups[1].volumes), second[::-1])

    def test_volumes_that_got_their_b_values_by_hand(self):
        zeros = np.zeros(GEOMETRY.shape, np.float32)
        nodes = [add_volume(zeros, GEOMETRY, f"dwi_b{b}") for b in (800, 0)]
        other = add_volume(np.zeros((2, 2, 2), np.float32), Geometry.from_parts((2, 2, 2), (1, 1, 1)), "other grid")
        self.assertEqual(diffusion_groups(), [])
        self.assertEqual(volumes_without_b_value(), [*nodes, other])
        for node, b in zip((*nodes, other), (800, 0, 50), strict=True):
            set_b_value(node, b)
        groups = diffusion_groups()
        self.assertEqual([(group.name, group.volumes) for group in groups], [("dwi", (nodes[1], nodes[0])), ("other grid", (other,))])
        self.assertEqual(volumes_without_b_value(), [])

    def test_series_that_repeat_b_values_in_one_place_are_taken_apart(self):
        zeros = np.zeros(GEOMETRY.shape, np.float32)
        for uid in ("1.2.1", "1.2.2"):
            for b in (0, 800):
                node = add_volume(zeros, GEOMETRY, f"dwi {uid} b{b}")
                set_b_value(node, b)
                node.SetAttribute("HCC.SeriesInstanceUID", uid)
        self.assertEqual([group.name for group in diffusion_groups()], ["dwi 1.2.1", "dwi 1.2.2"])

    def test_maps_masks_and_hidden_volumes_are_no_candidates(self):
        nodes = add_series()
        adc_map = compute_adc(nodes)
        hidden = add_volume(np.zeros(GEOMETRY.shape, np.float32), GEOMETRY, "hidden")
        hidden.SetHideFromEditors(True)
        self.assertIsNotNone(validity_node(adc_map))
        self.assertEqual(volumes_without_b_value(), [])
        self.assertEqual(len(diffusion_groups()), 1)


class TestBeforeComputing(SceneTestCase):
    def test_nothing_wrong(self):
        nodes = add_series()
        self.assertEqual([str(finding.level) for finding in check_diffusion(nodes, noise=False)], ["good", "information", "good"])
        self.assertEqual([str(finding.level) for finding in check_diffusion(nodes[1:], noise=False)], ["good", "good"])
        self.assertIsNone(map_quantity(nodes[0]))

    def test_noise_floor(self):
        geometry = Geometry.from_parts((8, 40, 40), (2, 2, 5))
        rng = np.random.default_rng(3)
        tissue = np.zeros(geometry.shape, bool)
        tissue[:, 8:32, 8:32] = True
        signals = np.where(tissue[..., None], 1000 * np.exp(-1e-3 * np.array(B_VALUES)), 0.0)
        for sigma, level in ((10, "good"), (200, "warning")):
            noisy = np.abs(signals + rng.normal(0, sigma, signals.shape) + 1j * rng.normal(0, sigma, signals.shape))
            finding = check_diffusion(add_series(noisy, geometry=geometry))[-1]
            self.assertEqual(str(finding.level), level, finding.text)
        self.assertIn("b = 800", finding.text)
        # without air the noise cannot be told
        finding = check_diffusion(add_series())[-1]
        self.assertEqual(str(finding.level), "information", finding.text)

    def test_nothing_chosen(self):
        self.assertIn("No diffusion volume", errors([]))

    def test_missing_b_value_is_named(self):
        nodes = add_series()
        set_b_value(nodes[2], None)
        self.assertIn("'ep2d_diff b400'", errors(nodes))
        self.assertEqual(errors(nodes, B_VALUES), "")

    def test_one_b_value_only(self):
        nodes = add_series()
        self.assertIn("Only one b-value (b = 800)", errors([nodes[3]]))
        self.assertIn("Only one b-value (b = 800)", errors(nodes[2:], [800.0, 800.0]))

    def test_number_of_b_values(self):
        self.assertIn("4 volumes have 3 b-values", errors(add_series(), B_VALUES[:3]))

    def test_repeated_b_values_are_told(self):
        texts = [finding.text for finding in check_diffusion(add_series(), [0, 400, 400, 800])]
        self.assertTrue(any("b = 400" in text for text in texts), texts)

    def test_another_grid_is_named(self):
        nodes = add_series()
        shifted = GEOMETRY.ijk_to_lps.copy()
        shifted[0, 3] += 1.5
        update_volume(nodes[1], volume_array(nodes[1]).copy(), Geometry(GEOMETRY.shape, shifted))
        self.assertIn("'ep2d_diff b50' does not lie on the grid of 'ep2d_diff b0'", errors(nodes))

    def test_a_map_of_the_scanner_is_named(self):
        nodes = add_series()
        set_role(nodes[3], Role.ADC)
        self.assertIn("'ep2d_diff b800' is a map", errors(nodes))

    def test_a_volume_without_image_is_named(self):
        nodes = [*add_series(), slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "lost")]
        self.assertIn("'lost'", errors(nodes, [*B_VALUES, 1000.0]))

    def test_images_of_another_examination_are_named(self):
        nodes = add_series()
        study = study_item(patient_id="P1", patient_name="X", study_uid="1.2.3")
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(nodes[3]), study)
        self.assertIn("'ep2d_diff b800' is of another examination than 'ep2d_diff b0'", errors(nodes))

    def test_a_bent_volume_is_named(self):
        nodes = add_series()
        warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "B-spline")
        nodes[1].SetAndObserveTransformNodeID(warp.GetID())
        self.assertIn("'ep2d_diff b50' is under the non-linear transform 'B-spline'", errors(nodes))

    def test_errors_stop_the_computation(self):
        nodes = add_series()
        count = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaisesRegex(InputError, "Only one b-value"):
            compute_adc(nodes[:1])
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)


class TestAdc(SceneTestCase):
    def test_truth(self):
        node = compute_adc(add_series())
        values, quantity = map_values(node)
        self.assertEqual(quantity.key, "ADC")
        np.testing.assert_allclose(values, true_adc(), rtol=1e-5)
        np.testing.assert_allclose(volume_array(node), true_adc() * 1e3, rtol=1e-5)
        self.assertTrue(volume_geometry(node).matches(GEOMETRY, 1e-9))
        self.assertIs(role(node), Role.ADC)

    def test_the_map_is_the_fit_of_the_volumes(self):
        rng = np.random.default_rng(2)
        signals = np.float32(true_signals() + rng.normal(0, 30, (*GEOMETRY.shape, 4)))
        signals[0, 0, 0], signals[1, 2, 3, 1] = 0, np.nan
        nodes = add_series(signals)
        for method in ("wlls", "lls", "nlls"):
            fit = fit_adc(signals, B_VALUES, method=method)
            values, _ = map_values(compute_adc(nodes, method=method))
            np.testing.assert_array_equal(np.isfinite(values), fit.valid)
            np.testing.assert_allclose(values[fit.valid], fit.adc[fit.valid], rtol=1e-6)

    def test_order_of_the_volumes_does_not_matter(self):
        nodes = add_series()
        straight, mixed = compute_adc(nodes), compute_adc([nodes[i] for i in (2, 0, 3, 1)])
        np.testing.assert_array_equal(volume_array(straight), volume_array(mixed))
        self.assertEqual(map_provenance(mixed).method, "WLLS, b = 0, 50, 400, 800 s/mm2")

    def test_b_values_given_go_before_those_of_the_volumes(self):
        nodes = add_series()
        values, _ = map_values(compute_adc(nodes, [0, 100, 800, 1600]))
        np.testing.assert_allclose(values, true_adc() / 2, rtol=1e-5)

    def test_leaving_out_b_0_is_recorded(self):
        node = compute_adc(add_series()[1:], method="nlls")
        self.assertEqual(map_provenance(node).method, "NLLS, b = 50, 400, 800 s/mm2")
        self.assertEqual((node.GetAttribute("HCC.Estimator"), node.GetAttribute("HCC.BValues")), ("nlls", "50 400 800"))

    def test_integer_volumes(self):
        signals = np.round(true_signals())
        nodes = [add_volume(signals[..., n].astype(np.int16), GEOMETRY, f"b{b:g}") for n, b in enumerate(B_VALUES)]
        values, _ = map_values(compute_adc(nodes, B_VALUES))
        np.testing.assert_allclose(values, fit_adc(signals, B_VALUES).adc, rtol=1e-6)

    def test_mask(self):
        mask = np.zeros(GEOMETRY.shape, bool)
        mask[1:3, 2:5] = True
        node = compute_adc(add_series(), mask=mask)
        np.testing.assert_array_equal(volume_array(validity_node(node)), mask)

    def test_moved_volumes_give_a_moved_map(self):
        nodes = add_series()
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = np.eye(4)
        matrix[:3, 3] = (5, -7, 11)
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        for node in nodes:
            node.SetAndObserveTransformNodeID(transform.GetID())
        node = compute_adc(nodes)
        self.assertTrue(volume_geometry(node, world=True).matches(volume_geometry(nodes[0], world=True), 1e-9))
        nodes[0].SetAndObserveTransformNodeID(None)
        self.assertIn("does not lie on the grid", errors(nodes))

    def test_computed_again_into_the_same_map(self):
        nodes = add_series()
        node = compute_adc(nodes)
        self.assertIs(compute_adc(nodes[1:], map_node=node), node)
        self.assertEqual(map_provenance(node).method, "WLLS, b = 50, 400, 800 s/mm2")

    def test_no_voxel_with_an_adc_is_an_error_that_says_why(self):
        nodes = add_series(true_signals()[..., ::-1])
        count = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaisesRegex(InputError, "No voxel of 'ep2d_diff b0'.*does not fall"):
            compute_adc(nodes)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_cancelled_changes_nothing(self):
        nodes = add_series()
        node = compute_adc(nodes)
        before, count = volume_array(node).copy(), slicer.mrmlScene.GetNumberOfNodes()
        for map_node in (None, node):
            with self.assertRaises(Cancelled):
                compute_adc(nodes[1:], map_node=map_node, progress=lambda fraction: False)
        np.testing.assert_array_equal(volume_array(node), before)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)


class TestTypedBValues(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.node = add_volume(np.zeros(GEOMETRY.shape, np.float32), GEOMETRY, "dwi")

    def test_numbers(self):
        for text, b in (("800", 800), (" 400,0", 400), ("12.5", 12.5), ("8e2", 800), ("0", 0), ("1000", 1000)):
            self.assertEqual(set_typed_b_value(self.node, text), "")
            self.assertEqual(b_value(self.node), b)
        set_typed_b_value(self.node, " ")
        self.assertIsNone(b_value(self.node))

    def test_separators_of_thousands_are_refused(self):
        set_b_value(self.node, 50)
        for text, plain in (("1,400", "1400"), ("1.000", "1000"), ("1 000", "1000"), ("1'400", "1400")):
            with self.assertRaisesRegex(InputError, f"write {plain}"):
                set_typed_b_value(self.node, text)
        for text in ("high", "-5", "inf", "nan", "1,400.5"):
            with self.assertRaisesRegex(InputError, "dwi"):
                set_typed_b_value(self.node, text)
        self.assertEqual(b_value(self.node), 50)

    def test_up_to_1_is_b_0_as_in_the_reader(self):
        for text in ("1", "0.5", "0.001"):
            self.assertIn("counts as b = 0", set_typed_b_value(self.node, text))
            self.assertEqual(b_value(self.node), 0)

    def test_an_unusually_low_b_value_is_told(self):
        nodes = add_series(b_values=(0.0, 1.4, 800.0))
        (finding,) = [one for one in check_diffusion(nodes, noise=False) if one.level == "warning"]
        self.assertIn("b = 1.4", finding.text)
        self.assertIn("1400", finding.text)

    def test_proposals_are_accepted_at_once(self):
        nodes = [add_volume(np.zeros(GEOMETRY.shape, np.float32), GEOMETRY, name) for name in ("dwi_b0", "dwi_b800", "T1", "b50")]
        set_b_value(nodes[3], 60)
        self.assertEqual(accept_proposed_b_values(nodes), nodes[:2])
        self.assertEqual([b_value(node) for node in nodes], [0, 800, None, 60])


class TestMapsOfSeveralSeries(SceneTestCase):
    def test_the_map_of_another_series_is_not_overwritten(self):
        first, second = add_series(label="before"), add_series(true_signals() * 0.9, label="after")
        map_node = compute_adc(first, name="before ADC")
        before = volume_array(map_node).copy()
        with self.assertRaisesRegex(InputError, "'before ADC' is the map of another series"):
            compute_adc(second, map_node=map_node)
        np.testing.assert_array_equal(volume_array(map_node), before)
        other = compute_adc(second, name="after ADC")
        self.assertIs(adc_map_of(first), map_node)
        self.assertIs(adc_map_of(second[1:3]), other)
        self.assertIs(compute_adc(first[1:], map_node=map_node), map_node)
        slicer.mrmlScene.RemoveNode(other)
        self.assertIsNone(adc_map_of(second))
        for node in first:
            slicer.mrmlScene.RemoveNode(node)
        with self.assertRaisesRegex(InputError, "another series"):
            compute_adc(second, map_node=map_node)

    def test_series_say_patient_and_date(self):
        nodes = add_series()
        self.assertEqual(diffusion_groups()[0].label, "ep2d_diff")
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        study = study_item(patient_id="P7", patient_name="X", study_uid="1.2.3", study_date="2026-08-21")
        hierarchy.SetItemParent(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(nodes[0])), study)
        (group,) = diffusion_groups()
        self.assertEqual(group.label, "ep2d_diff · P7 · 2026-08-21")
        self.assertEqual(group_of(nodes[2], [group]), group)
        self.assertIsNone(group_of(nodes[2], []))

    def test_a_map_is_out_of_date_when_b_values_of_its_images_change(self):
        nodes = add_series()
        map_node = compute_adc(nodes)
        self.assertEqual(outdated_adc(map_node), "")
        set_b_value(nodes[3], 1000)
        self.assertRegex(outdated_adc(map_node), "0, 50, 400, 1000 s/mm2 now.*0, 50, 400, 800")
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Lesions")
        with self.assertRaisesRegex(InputError, "compute it again"):
            measure_map(map_node, segmentation)
        compute_adc(nodes, map_node=map_node)
        self.assertEqual(outdated_adc(map_node), "")

    def test_air_left_out_is_part_of_the_method(self):
        geometry = Geometry.from_parts((8, 40, 40), (2, 2, 5))
        rng = np.random.default_rng(3)
        tissue = np.zeros(geometry.shape, bool)
        tissue[:, 8:32, 8:32] = True
        signals = np.where(tissue[..., None], 1000 * np.exp(-1e-3 * np.array(B_VALUES)), 0.0)
        signals = np.abs(signals + rng.normal(0, 10, signals.shape) + 1j * rng.normal(0, 10, signals.shape))
        nodes = add_series(signals, geometry=geometry)
        without = compute_adc(nodes, leave_out_air=True)
        self.assertEqual(map_provenance(without).method, "WLLS, b = 0, 50, 400, 800 s/mm2, air left out")
        self.assertEqual(without.GetAttribute("HCC.AirLeftOut"), "yes")
        self.assertEqual(map_provenance(compute_adc(nodes)).method, "WLLS, b = 0, 50, 400, 800 s/mm2")
        # where the noise cannot be told, no air was left out
        self.assertEqual(compute_adc(add_series(), leave_out_air=True).GetAttribute("HCC.AirLeftOut"), "no")


class TestFromDicom(SceneTestCase):
    def write(self, folder="dicom", **header) -> list:
        signals = true_signals()
        volumes = [Volume(signals[..., n], b_value=b) for n, b in enumerate(B_VALUES)]
        return write_series(self.folder / folder, volumes, GEOMETRY, SeriesHeader(**(dict(patient_id="P1") | header)))

    def test_from_folder_to_numbers_and_through_a_saved_scene(self):
        self.write()
        volumes, notes = read_diffusion_folder(self.folder / "dicom")
        self.assertEqual(tuple(map(b_value, volumes)), B_VALUES)
        self.assertEqual(notes, [])
        self.assertEqual({patient_of(node) for node in volumes}, {"P1"})
        self.assertTrue(series_uid(volumes[0]))
        (group,) = diffusion_groups()
        self.assertEqual(group.name, "ep2d_diff")
        node = compute_adc(volumes)
        self.assertEqual(patient_of(node), "P1")
        self.assertEqual(map_provenance(node).source_series, series_uid(volumes[0]))
        values, _ = map_values(node)
        # signals are rounded to whole numbers in the files
        np.testing.assert_allclose(values, true_adc(), rtol=0.01)

        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Lesions")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(node)
        segment_id = segmentation.GetSegmentation().AddEmptySegment("", "Lesion 1")
        box = np.zeros(GEOMETRY.shape, np.uint8)
        box[1:3, 2:7, 1:5] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(box, segmentation, segment_id, node)
        (found,) = measure_map(node, segmentation, patient=patient_of(node))
        self.assertEqual(found.statistics.n, 40)
        self.assertAlmostEqual(found.statistics.median / np.median(true_adc()[box == 1]), 1, delta=0.01)

        reopen(self.folder / "case.mrb")
        (group,) = diffusion_groups()
        self.assertEqual(tuple(map(b_value, group.volumes)), B_VALUES)
        node = slicer.util.getNode("ADC")
        self.assertEqual(patient_of(node), "P1")
        np.testing.assert_array_equal(map_values(compute_adc(group.volumes, map_node=node))[0], values)

    def test_a_folder_read_twice_uses_the_volumes_that_are_there(self):
        self.write()
        volumes, _ = read_diffusion_folder(self.folder / "dicom")
        count = slicer.mrmlScene.GetNumberOfNodes()
        again, notes = read_diffusion_folder(self.folder / "dicom")
        self.assertEqual(again, volumes)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)
        self.assertTrue(any("in the scene already" in note for note in notes), notes)
        slicer.mrmlScene.RemoveNode(volumes[1])
        self.assertEqual(len(read_diffusion_folder(self.folder / "dicom")[0]), 4)

    def test_philips_scaling_stands_beside_and_in_the_method(self):
        signals = true_signals()
        volumes = [Volume(signals[..., n], b_value=b) for n, b in enumerate(B_VALUES)]
        write_series(self.folder / "philips", volumes, GEOMETRY, SeriesHeader(patient_id="P1"), vendor="philips")
        displayed, _ = read_diffusion_folder(self.folder / "philips")
        private, notes = read_diffusion_folder(self.folder / "philips", scaling="philips_private")
        self.assertFalse(set(displayed) & set(private))
        self.assertEqual(notes, [])
        self.assertEqual(len(diffusion_groups()), 2)
        self.assertEqual(map_provenance(compute_adc(private)).method, "WLLS, b = 0, 50, 400, 800 s/mm2, Philips scaling")
        self.assertNotIn("Philips", map_provenance(compute_adc(displayed)).method)

    def test_two_series_of_one_study(self):
        self.write("first", description="DWI before", number=5)
        self.write("second", description="DWI after", number=9)
        volumes, _ = read_diffusion_folder(self.folder)
        self.assertEqual(len(volumes), 8)
        self.assertEqual([group.name for group in diffusion_groups()], ["DWI before", "DWI after"])

    def test_no_diffusion_series_says_what_was_found(self):
        write_series(self.folder / "t2", [Volume(true_signals()[..., 0])], GEOMETRY, SeriesHeader(description="t2_haste"))
        count = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaisesRegex(InputError, "No diffusion series.*t2_haste"):
            read_diffusion_folder(self.folder / "t2")
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_a_broken_series_is_told_and_the_other_is_read(self):
        self.write("good", description="DWI good", number=5)
        self.write("bad", description="DWI bad", number=9)[0].unlink()
        volumes, notes = read_diffusion_folder(self.folder)
        self.assertEqual(len(volumes), 4)
        self.assertTrue(any("DWI bad" in note for note in notes), notes)
        with self.assertRaisesRegex(InputError, "DWI bad"):
            read_diffusion_folder(self.folder / "bad")

    def test_cancelled_changes_nothing(self):
        self.write()
        count = slicer.mrmlScene.GetNumberOfNodes()
        for limit in (0.0, 0.5):
            with self.assertRaises(Cancelled):
                read_diffusion_folder(self.folder / "dicom", progress=lambda fraction, limit=limit: fraction < limit)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)


if __name__ == "__main__":
    unittest.main()

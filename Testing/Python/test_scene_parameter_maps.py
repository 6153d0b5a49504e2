"""Parameter maps: shown unit, code, validity, provenance; numbers inside segments; a saved scene brings all of it back."""

import math
import unittest

import numpy as np
from slicer_core_scene import IN_APPLICATION, SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.errors import Cancelled, GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.region_statistics import region_statistics
from HCCResponseLib.response.quantities import QUANTITIES, STATISTICS
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.lesion_identity import (
    LesionIdentity,
    ensure_lesion_identity,
    lesion_identity,
    segment_of_lesion,
    set_lesion_identity,
)
from HCCResponseLib.scene.map_measurement import measure_map, measured_values
from HCCResponseLib.scene.measurement_table import add_measurements, measurement_table, measurements
from HCCResponseLib.scene.parameter_maps import (
    make_parameter_map,
    map_provenance,
    map_quantity,
    map_values,
    show_parameter_map,
    validity_node,
)
from HCCResponseLib.scene.roles import role
from HCCResponseLib.scene.segment_statistics import segment_statistics
from HCCResponseLib.scene.segments import segment_mask
from HCCResponseLib.scene.subject_hierarchy import place_beside, source_uid, study_item, subject_hierarchy_item
from HCCResponseLib.scene.views import jump_to_lesion, show_volumes
from HCCResponseLib.scene.volumes import add_volume, update_volume, volume_array, volume_geometry
from HCCResponseLib.version import __version__

ADC = QUANTITIES["ADC"]
METHOD = "WLLS, b = 0, 800 s/mm2"
GEOMETRY = Geometry.from_parts((6, 8, 10), (1.5, 2.0, 5.0), (3, 4, 5), [[0, -1, 0], [0.8, 0, 0.6], [-0.6, 0, 0.8]])


def adc_array(seed: int = 1) -> np.ndarray:
    """ADC in mm2/s with three voxels that have none."""
    adc = np.random.default_rng(seed).uniform(0.4e-3, 2.5e-3, GEOMETRY.shape)
    adc[2, 3, 4], adc[2, 3, 5], adc[0, 0, 0] = np.nan, np.inf, -np.inf
    return adc


def make_map(**changes):
    arguments = dict(array=adc_array(), valid=None, geometry=GEOMETRY, quantity=ADC, name="ADC", method=METHOD, role=Role.ADC)
    return make_parameter_map(**(arguments | changes))


def add_segmentation(**boxes):
    """Segmentation with box-shaped segments: name=(slices, rows, columns)."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Baseline")
    node.CreateDefaultDisplayNodes()
    painted_on = add_volume(np.zeros(GEOMETRY.shape, np.uint8), GEOMETRY, "grid")
    node.SetReferenceImageGeometryParameterFromVolumeNode(painted_on)
    ids = {}
    for name, box in boxes.items():
        ids[name] = node.GetSegmentation().AddEmptySegment("", name)
        if box is not None:
            array = np.zeros(GEOMETRY.shape, np.uint8)
            array[tuple(slice(*limits) for limits in box)] = 1
            slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, ids[name], painted_on)
    slicer.mrmlScene.RemoveNode(painted_on)
    return node, ids


class TestMap(SceneTestCase):
    def test_shown_in_its_unit_zero_where_invalid(self):
        adc = adc_array()
        node = make_map()
        shown = volume_array(node)
        self.assertEqual(shown.dtype, np.float32)
        valid = np.isfinite(adc)
        np.testing.assert_allclose(shown[valid], adc[valid] * 1e3, rtol=1e-7)
        np.testing.assert_array_equal(shown[~valid], 0)
        np.testing.assert_array_equal(volume_array(validity_node(node)), valid)
        self.assertTrue(volume_geometry(node).matches(GEOMETRY, 1e-9))
        self.assertTrue(volume_geometry(validity_node(node)).matches(GEOMETRY, 1e-9))

    def test_values_come_back_in_the_canonical_unit(self):
        adc = adc_array()
        valid = np.random.default_rng(2).random(adc.shape) < 0.8
        node = make_map(valid=valid)
        np.testing.assert_array_equal(volume_array(node)[~valid], 0)
        values, quantity = map_values(node)
        self.assertIs(quantity, ADC)
        self.assertEqual(values.dtype, np.float64)
        np.testing.assert_allclose(values, np.where(valid & np.isfinite(adc), adc, np.nan), rtol=1e-7)

    def test_coded_quantity_unit_role_and_provenance(self):
        source = add_volume(np.zeros(GEOMETRY.shape, np.float32), GEOMETRY, "DWI b800")
        node = make_map(source_nodes=[source])
        self.assertEqual(node.GetVoxelValueQuantity().GetAsPrintableString(), '(113041, DCM, "Apparent Diffusion Coefficient")')
        self.assertEqual(node.GetVoxelValueUnits().GetAsPrintableString(), '(um2/ms, UCUM, "10⁻³ mm²/s")')
        self.assertIs(role(node), Role.ADC)
        provenance = map_provenance(node)
        self.assertEqual(provenance.method, METHOD)
        self.assertEqual(provenance.source_series, source_uid(source))
        self.assertRegex(source_uid(source), r"^2\.25\.\d+$")
        again = make_map(source_nodes=[source])
        self.assertEqual(map_provenance(again).source_series, provenance.source_series)
        namesake = add_volume(np.zeros(GEOMETRY.shape, np.float32), GEOMETRY, "DWI b800")
        self.assertNotEqual(map_provenance(make_map(source_nodes=[namesake])).source_series, provenance.source_series)
        self.assertEqual(provenance.software, f"HCCResponse {__version__}")
        self.assertEqual(node.GetNodeReference("HCC.SourceVolume"), source)

    def test_display(self):
        display = make_map().GetDisplayNode()
        self.assertEqual(display.GetColorNodeID(), "vtkMRMLColorTableNodeFileViridis.txt")
        self.assertEqual((display.GetWindowLevelMin(), display.GetWindowLevelMax()), (0.0, 3.0))
        self.assertFalse(display.GetAutoWindowLevel())
        self.assertFalse(display.GetInterpolate())
        self.assertTrue(display.GetApplyThreshold())
        self.assertGreater(display.GetLowerThreshold(), 0)

    def test_all_quantities_can_be_maps(self):
        for quantity in QUANTITIES.values():
            with self.subTest(quantity=quantity.key):
                node = make_map(array=np.full(GEOMETRY.shape, 0.25), quantity=quantity, name=quantity.label, role=None)
                values, found = map_values(node)
                self.assertIs(found, quantity)
                np.testing.assert_allclose(values, 0.25, rtol=1e-6)

    def test_computed_again_into_the_same_node(self):
        node = make_map()
        node.SetName("my ADC")
        node.GetDisplayNode().SetWindowLevelMinMax(0.5, 1.5)
        mask, count = validity_node(node), slicer.mrmlScene.GetNumberOfNodes()
        again = make_map(array=np.full(GEOMETRY.shape, 1e-3), map_node=node, method="LLS, b = 0, 800 s/mm2")
        self.assertIs(again, node)
        self.assertIs(validity_node(node), mask)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)
        self.assertEqual(node.GetName(), "my ADC")
        self.assertEqual(node.GetDisplayNode().GetWindowLevelMax(), 1.5)
        self.assertEqual(map_provenance(node).method, "LLS, b = 0, 800 s/mm2")
        np.testing.assert_allclose(map_values(node)[0], 1e-3, rtol=1e-7)

    def test_an_image_is_never_overwritten_by_a_map(self):
        image = add_volume(np.ones(GEOMETRY.shape, np.int16), GEOMETRY, "T2 HASTE")
        with self.assertRaisesRegex(InputError, "T2 HASTE"):
            make_map(map_node=image)
        self.assertEqual(volume_array(image).min(), 1)
        empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "output")
        empty.CreateDefaultDisplayNodes()
        self.assertIs(make_map(map_node=empty), empty)
        self.assertEqual(empty.GetDisplayNode().GetColorNodeID(), "vtkMRMLColorTableNodeFileViridis.txt")

    def test_an_output_without_display_node_gets_one(self):
        empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "output")
        self.assertEqual(make_map(map_node=empty).GetDisplayNode().GetWindowLevelMax(), 3.0)

    def test_the_map_stands_beside_its_source_under_the_same_transform(self):
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        source = add_volume(np.zeros(GEOMETRY.shape, np.float32), GEOMETRY, "DWI")
        folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Study")
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(source) or hierarchy.CreateItem(folder, source), folder)
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        source.SetAndObserveTransformNodeID(transform.GetID())
        node = make_map(source_nodes=[source])
        for one in (node, validity_node(node)):
            self.assertEqual(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(one)), folder)
            self.assertEqual(one.GetTransformNodeID(), transform.GetID())

    def test_shapes_that_do_not_fit_leave_no_node(self):
        count = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaisesRegex(InputError, "ADC"):
            make_map(array=np.zeros((2, 2, 2)))
        with self.assertRaisesRegex(InputError, "validity"):
            make_map(valid=np.ones((2, 2, 2), bool))
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_legend_names_quantity_and_unit(self):
        node = make_map()
        reference = add_volume(np.zeros(GEOMETRY.shape, np.float32), GEOMETRY, "DWI")
        composite = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
        if composite is None:
            composite = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
        show_parameter_map(node, reference, opacity=0.4)
        show_parameter_map(node, reference, opacity=0.4)
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
        self.assertEqual(legend.GetTitleText(), "ADC (10^-3 mm²/s)")
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode"), 1)
        self.assertEqual(composite.GetBackgroundVolumeID(), reference.GetID())
        self.assertEqual(composite.GetForegroundVolumeID(), node.GetID())
        self.assertAlmostEqual(composite.GetForegroundOpacity(), 0.4)


class TestMapsFromElsewhere(SceneTestCase):
    def foreign(self, array, code=None, unit=None):
        node = add_volume(array, Geometry.from_parts(array.shape, (1, 1, 1)), "scanner ADC")
        for setter, value in ((node.SetVoxelValueQuantity, code), (node.SetVoxelValueUnits, unit)):
            if value:
                entry = slicer.vtkCodedEntry()
                entry.SetValueSchemeMeaning(*value)
                setter(entry)
        return node

    def test_a_coded_map_of_another_program_is_read_in_its_unit(self):
        for unit, factor in (("um2/s", 1e-6), ("mm2/s", 1.0), ("10-6.mm2/s", 1e-6)):
            node = self.foreign(np.full((1, 2, 2), 1234, np.int16), ADC.code, (unit, "UCUM", unit))
            values, quantity = map_values(node)
            self.assertIs(quantity, ADC)
            np.testing.assert_allclose(values, 1234 * factor, rtol=1e-12)

    def test_without_quantity_or_unit_it_is_no_map(self):
        plain = self.foreign(np.ones((1, 2, 2), np.int16), ("110852", "DCM", "MR signal intensity"), ("1", "UCUM", "no units"))
        self.assertIsNone(map_quantity(plain))
        with self.assertRaisesRegex(InputError, "scanner ADC.*no coded quantity"):
            map_values(plain)
        for unit in (None, ("1", "UCUM", "no units")):
            with self.assertRaisesRegex(InputError, "scanner ADC.*ADC cannot be in"):
                map_values(self.foreign(np.ones((1, 2, 2), np.int16), ADC.code, unit))

    def test_without_its_validity_mask_a_map_has_no_values(self):
        node = make_map()
        slicer.mrmlScene.RemoveNode(validity_node(node))
        with self.assertRaisesRegex(InputError, "'ADC' was deleted.*compute the map again"):
            map_values(node)
        make_map(map_node=node)
        self.assertEqual(np.isnan(map_values(node)[0]).sum(), 3)

    def test_a_validity_mask_of_another_grid_is_told(self):
        node = make_map()
        other = Geometry.from_parts((2, 2, 2), (1, 1, 1))
        update_volume(validity_node(node), np.ones(other.shape, np.uint8), other)
        with self.assertRaisesRegex(GeometryError, "ADC valid"):
            map_values(node)


class TestMeasuring(SceneTestCase):
    BOX = ((1, 4), (2, 6), (3, 8))

    def test_statistics_are_those_of_the_array(self):
        adc = adc_array()
        node = make_map()
        segmentation, ids = add_segmentation(Lesion=self.BOX)
        (found,) = segment_statistics(node, segmentation)
        mask = np.zeros(GEOMETRY.shape, bool)
        mask[1:4, 2:6, 3:8] = True
        expected = region_statistics(adc, mask, voxel_volume_ml=GEOMETRY.voxel_volume_ml)
        self.assertEqual((found.segment_id, found.segment_name, found.quantity), (ids["Lesion"], "Lesion", ADC))
        self.assertEqual((found.statistics.n, found.statistics.rejected), (58, 2))
        for key in STATISTICS:
            self.assertAlmostEqual(getattr(found.statistics, key) / getattr(expected, key), 1, delta=1e-6, msg=key)
        self.assertAlmostEqual(found.statistics.volume_ml, 60 * 1.5 * 2 * 5 / 1000)

    def test_a_segment_that_cannot_be_measured_says_why_and_the_others_are_measured(self):
        segmentation, _ = add_segmentation(Lesion=self.BOX, Empty=None)
        lesion, empty = segment_statistics(make_map(), segmentation)
        self.assertEqual(lesion.problem, "")
        self.assertIsNone(empty.statistics)
        self.assertIn("Empty", empty.problem)

    def test_visible_or_chosen_segments(self):
        segmentation, ids = add_segmentation(A=self.BOX, B=self.BOX)
        segmentation.GetDisplayNode().SetSegmentVisibility(ids["A"], False)
        node = make_map()
        self.assertEqual([one.segment_name for one in segment_statistics(node, segmentation)], ["B"])
        self.assertEqual([one.segment_name for one in segment_statistics(node, segmentation, [ids["A"]])], ["A"])
        segmentation.GetDisplayNode().SetSegmentVisibility(ids["B"], False)
        with self.assertRaisesRegex(InputError, "Baseline.*visible"):
            segment_statistics(node, segmentation)

    def test_all_rejected(self):
        segmentation, _ = add_segmentation(Lesion=self.BOX)
        (found,) = measure_map(make_map(array=np.full(GEOMETRY.shape, np.nan)), segmentation)
        self.assertEqual((found.statistics.n, found.statistics.rejected), (0, 60))
        self.assertTrue(math.isnan(measurements(statistic="mean")[0].value))
        self.assertEqual(measurements(statistic="rejected")[0].value, 60)

    def test_rows_of_the_table(self):
        node = make_map()
        segmentation, ids = add_segmentation(Lesion=self.BOX)
        (found,) = measure_map(node, segmentation, patient="P1", time_point=2, reader="A")
        rows = measurements()
        self.assertEqual(len(rows), len(STATISTICS) + 1)
        self.assertEqual(len({row.key for row in rows}), len(rows))
        uid = lesion_identity(segmentation, ids["Lesion"]).uid
        for row in rows:
            self.assertEqual((row.patient, row.time_point, row.reader, row.lesion_uid, row.lesion_name), ("P1", 2, "A", uid, "Lesion"))
            self.assertEqual((row.method, row.source_series), (METHOD, source_uid(node)))
        (mean,) = measurements(quantity="ADC", statistic="mean")
        self.assertEqual((mean.value, mean.unit), (found.statistics.mean, "mm2/s"))
        self.assertEqual(measurements(quantity="VOLUME")[0].value, found.statistics.volume_ml)
        self.assertEqual(measurements(statistic="n")[0].value, 58)

    def test_again_replaces_and_another_reader_stands_beside(self):
        node = make_map()
        segmentation, ids = add_segmentation(Lesion=self.BOX)
        measure_map(node, segmentation, reader="A")
        segmentation.GetSegmentation().GetSegment(ids["Lesion"]).SetName("Lesion VIII")
        measure_map(node, segmentation, reader="A")
        self.assertEqual({row.lesion_name for row in measurements()}, {"Lesion VIII"})
        self.assertEqual(len(measurements()), len(STATISTICS) + 1)
        measure_map(node, segmentation, reader="B")
        self.assertEqual(len(measurements()), 2 * (len(STATISTICS) + 1))

    def test_values_for_showing(self):
        node = make_map()
        segmentation, _ = add_segmentation(A=self.BOX, B=((0, 2), (0, 2), (0, 2)))
        results = measure_map(node, segmentation, time_point=1, reader="R")
        shown = measured_values(node, time_point=1, reader="R")
        self.assertEqual([one.lesion_name for one in shown], ["A", "B"])
        for result, one in zip(results, shown, strict=True):
            self.assertEqual(one.lesion_uid, lesion_identity(segmentation, result.segment_id).uid)
            self.assertAlmostEqual(one.statistics.mean, result.statistics.mean * 1e3)
            self.assertAlmostEqual(one.statistics.percentile_90, result.statistics.percentile_90 * 1e3)
            self.assertEqual((one.statistics.n, one.statistics.rejected), (result.statistics.n, result.statistics.rejected))
            self.assertAlmostEqual(one.statistics.volume_ml, result.statistics.volume_ml)
        self.assertEqual(measured_values(node, time_point=0, reader="R"), [])
        make_map(map_node=node, method="NLLS, b = 0, 800 s/mm2")
        self.assertEqual(measured_values(node, time_point=1, reader="R"), [])

    def test_maps_of_one_fit_keep_their_own_counts(self):
        segmentation, _ = add_segmentation(Lesion=self.BOX)
        for key, rejected in (("D", 1), ("D_STAR", 30)):
            array = np.full(GEOMETRY.shape, 1e-3)
            box = np.full(60, 1e-3)
            box[:rejected] = np.nan
            array[1:4, 2:6, 3:8] = box.reshape(3, 4, 5)
            measure_map(make_map(array=array, quantity=QUANTITIES[key], name="IVIM", method="segmented"), segmentation)
        self.assertEqual(measurements(quantity="D", statistic="rejected")[0].value, 1)
        self.assertEqual(measurements(quantity="D_STAR", statistic="rejected")[0].value, 30)

    def test_one_identity_twice_is_told_and_nothing_is_written(self):
        segmentation, ids = add_segmentation(A=self.BOX, B=self.BOX)
        set_lesion_identity(segmentation, ids["B"], ensure_lesion_identity(segmentation, ids["A"]))
        with self.assertRaisesRegex(InputError, "'A' and 'B'.*same lesion identity"):
            measure_map(make_map(), segmentation)
        self.assertIsNone(measurement_table(create=False))

    def test_cancelled_writes_nothing(self):
        segmentation, _ = add_segmentation(A=self.BOX, B=self.BOX)
        with self.assertRaises(Cancelled):
            measure_map(make_map(), segmentation, progress=lambda fraction: fraction < 0.4)
        self.assertIsNone(measurement_table(create=False))

    def test_map_moved_by_a_registration(self):
        node = make_map()
        segmentation, ids = add_segmentation(Lesion=self.BOX)
        shift = np.eye(4)
        shift[:3, 3] = GEOMETRY.ijk_to_ras[:3, 0] * 2
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift))
        node.SetAndObserveTransformNodeID(transform.GetID())
        mask = np.zeros(GEOMETRY.shape, bool)
        mask[1:4, 2:6, 1:6] = True
        np.testing.assert_array_equal(segment_mask(segmentation, ids["Lesion"], node), mask)
        (found,) = segment_statistics(node, segmentation)
        self.assertAlmostEqual(found.statistics.mean, np.mean(map_values(node)[0][mask & np.isfinite(adc_array())]), delta=1e-12)


    def test_the_volume_is_that_in_the_world(self):
        node = make_map()
        segmentation, _ = add_segmentation(Lesion=self.BOX)
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.diag([2.0, 1.5, 1.0, 1.0])))
        for one in (node, segmentation):
            one.SetAndObserveTransformNodeID(transform.GetID())
        (found,) = segment_statistics(node, segmentation)
        self.assertAlmostEqual(found.statistics.volume_ml, 3 * 60 * 1.5 * 2 * 5 / 1000)


class TestValuesThatStillHold(SceneTestCase):
    """Numbers in the table are shown only for the lesions they are of, and say when measuring again would give others."""

    BOX = TestMeasuring.BOX

    def setUp(self):
        super().setUp()
        self.map_node = make_map()
        self.segmentation, self.ids = add_segmentation(A=self.BOX, B=((0, 2), (0, 2), (0, 2)))
        measure_map(self.map_node, self.segmentation)

    def shown(self, **whose):
        return {one.lesion_name: one for one in measured_values(self.map_node, self.segmentation, **whose)}

    def paint(self, name: str, mask) -> None:
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            np.asarray(mask, np.uint8),
            self.segmentation,
            self.ids[name],
            self.map_node,
        )

    def box(self, *limits) -> np.ndarray:
        mask = np.zeros(GEOMETRY.shape, bool)
        mask[tuple(slice(*one) for one in limits)] = True
        return mask

    def test_nothing_changed(self):
        for one in self.shown().values():
            self.assertEqual((one.outdated, one.problem, one.note), (False, "", ""))

    def test_names_repeat_from_patient_to_patient(self):
        series = [[add_volume(np.ones(GEOMETRY.shape, np.float32), GEOMETRY, f"b{b}") for b in (0, 800)] for _patient in range(2)]
        first, second = (make_map(source_nodes=nodes, name="b ADC") for nodes in series)
        measure_map(first, self.segmentation)
        self.assertEqual(len(measured_values(first)), 2)
        self.assertEqual(measured_values(second), [])

    def test_only_the_lesions_of_these_outlines_and_this_patient(self):
        other, _ = add_segmentation(C=self.BOX)
        measure_map(self.map_node, other, patient="P2")
        self.assertEqual(list(self.shown()), ["A", "B"])
        self.assertEqual([one.lesion_name for one in measured_values(self.map_node)], ["A", "B", "C"])
        self.assertEqual([one.lesion_name for one in measured_values(self.map_node, patient="P2")], ["C"])
        uid = lesion_identity(self.segmentation, self.ids["B"]).uid
        self.assertEqual([one.lesion_name for one in measured_values(self.map_node, lesion_uids=[uid])], ["B"])

    def test_an_emptied_segment_is_no_longer_measurable(self):
        self.paint("A", np.zeros(GEOMETRY.shape))
        self.assertTrue(self.shown()["A"].outdated)
        measure_map(self.map_node, self.segmentation)
        one = self.shown()["A"]
        self.assertTrue(math.isnan(one.statistics.mean) and math.isnan(one.statistics.volume_ml))
        self.assertEqual((one.statistics.n, one.outdated), (0, False))
        self.assertIn("empty", one.problem)
        uid = lesion_identity(self.segmentation, self.ids["A"]).uid
        self.assertTrue(all(math.isnan(row.value) for row in measurements(lesion_uid=uid) if row.statistic not in ("n", "rejected")))
        self.assertFalse(self.shown()["B"].problem)

    def test_a_segment_that_was_moved_away_is_no_longer_measurable(self):
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = np.eye(4)
        matrix[:3, 3] = 500
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        self.segmentation.SetAndObserveTransformNodeID(transform.GetID())
        measure_map(self.map_node, self.segmentation)
        self.assertTrue(all(math.isnan(one.statistics.median) and "beside the image" in one.problem for one in self.shown().values()))
        self.segmentation.SetAndObserveTransformNodeID(None)
        self.assertTrue(all(one.outdated and not one.problem for one in self.shown().values()))
        measure_map(self.map_node, self.segmentation)
        self.assertFalse(any(one.outdated for one in self.shown().values()))

    def test_a_segment_without_identity_that_cannot_be_measured_gets_no_rows(self):
        self.segmentation.GetSegmentation().AddEmptySegment("", "never painted")
        count = len(measurements())
        measure_map(self.map_node, self.segmentation)
        self.assertEqual(len(measurements()), count)

    def test_a_redrawn_outline_is_out_of_date(self):
        self.paint("A", self.box((1, 4), (2, 6), (3, 9)))
        self.assertEqual([one.outdated for one in self.shown().values()], [True, False])
        measure_map(self.map_node, self.segmentation)
        self.assertEqual([one.outdated for one in self.shown().values()], [False, False])

    def test_a_map_with_other_values_is_out_of_date(self):
        array = adc_array()
        array[2, 4, 5] *= 1.001
        make_map(array=array, map_node=self.map_node)
        self.assertEqual([one.outdated for one in self.shown().values()], [True, False])
        make_map(map_node=self.map_node)
        self.assertEqual([one.outdated for one in self.shown().values()], [False, False])

    def test_what_is_out_of_date_is_told_after_loading_too(self):
        reopen(self.folder / "fresh.mrb")
        self.map_node, self.segmentation = slicer.util.getNode("ADC"), slicer.util.getNode("Baseline")
        self.assertEqual([one.outdated for one in self.shown().values()], [False, False])
        self.paint("A", self.box((1, 4), (2, 6), (3, 9)))
        reopen(self.folder / "changed.mrb")
        self.map_node, self.segmentation = slicer.util.getNode("ADC"), slicer.util.getNode("Baseline")
        self.assertEqual([one.outdated for one in self.shown().values()], [True, False])

    def test_a_lesion_partly_outside_the_map_says_so_and_has_no_volume(self):
        shift = np.eye(4)
        shift[:3, 3] = GEOMETRY.ijk_to_ras[:3, 0] * 4  # voxels 3 to 7 of 10 become 7 to 11
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift))
        self.segmentation.SetAndObserveTransformNodeID(transform.GetID())
        result = measure_map(self.map_node, self.segmentation, [self.ids["A"]])[0]
        self.assertAlmostEqual(result.outside, 0.4)
        self.assertEqual(result.note, "'A': 40 % of it lies outside the image.")
        uid = lesion_identity(self.segmentation, self.ids["A"]).uid
        rows = measurements(lesion_uid=uid)
        self.assertEqual({row.quantity for row in rows}, {"ADC"})
        self.assertEqual({row.method for row in rows}, {f"{METHOD}; 40 % outside the image"})
        one = self.shown()["A"]
        self.assertEqual((one.note, one.outdated, one.statistics.n), (result.note, False, 36))
        self.assertTrue(math.isnan(one.statistics.volume_ml))
        self.segmentation.SetAndObserveTransformNodeID(None)
        self.assertTrue(self.shown()["A"].outdated)
        measure_map(self.map_node, self.segmentation)
        self.assertEqual({row.method for row in measurements(lesion_uid=uid)}, {METHOD})
        self.assertEqual(len(measurements(lesion_uid=uid)), len(STATISTICS) + 1)

    def test_change_from_time_point_0(self):
        follow_up = make_map(array=adc_array() * 1.25)
        measure_map(follow_up, self.segmentation, time_point=1)
        for one in measured_values(follow_up, self.segmentation, time_point=1):
            self.assertAlmostEqual(one.change_percent, 25, delta=1e-4)
        self.assertTrue(all(math.isnan(one.change_percent) for one in self.shown().values()))
        other = make_map(array=adc_array() * 1.25, method="NLLS, b = 0, 800 s/mm2")
        measure_map(other, self.segmentation, time_point=1)
        self.assertTrue(all(math.isnan(one.change_percent) for one in measured_values(other, self.segmentation, time_point=1)))


class TestPatients(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.volumes = {}
        for patient in ("P1", "P2"):
            node = add_volume(np.ones(GEOMETRY.shape, np.float32), GEOMETRY, f"DWI {patient}")
            study = study_item(patient_id=patient, patient_name=patient, study_uid=f"1.2.{patient[1]}")
            slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(node), study)
            self.volumes[patient] = node
        self.segmentation, self.ids = add_segmentation(A=TestMeasuring.BOX)

    def test_outlines_of_another_patient_are_refused(self):
        map_node = make_map(source_nodes=[self.volumes["P2"]])
        place_beside(self.segmentation, self.volumes["P1"])
        with self.assertRaisesRegex(InputError, "patient P1.*patient P2"):
            measure_map(map_node, self.segmentation, patient="P2")
        self.assertIsNone(measurement_table(create=False))
        place_beside(self.segmentation, self.volumes["P2"])
        measure_map(map_node, self.segmentation, patient="P2")

    def test_the_patient_of_outlines_is_that_of_the_image_they_were_drawn_on(self):
        self.segmentation.SetReferenceImageGeometryParameterFromVolumeNode(self.volumes["P1"])
        with self.assertRaisesRegex(InputError, "patient P1.*patient P2"):
            measure_map(make_map(source_nodes=[self.volumes["P2"]]), self.segmentation)

    def test_a_lesion_of_another_patient_is_refused(self):
        measure_map(make_map(source_nodes=[self.volumes["P1"]]), self.segmentation, patient="P1")
        rows = measurements()
        with self.assertRaisesRegex(InputError, "'A'.*patient P1.*patient P2"):
            measure_map(make_map(source_nodes=[self.volumes["P2"]]), self.segmentation, patient="P2")
        self.assertEqual(measurements(), rows)


class TestViews(SceneTestCase):
    def test_a_lesion_that_is_not_there_is_no_error(self):
        segmentation, ids = add_segmentation(A=None)
        self.assertFalse(jump_to_lesion(None, "2.25.1"))
        self.assertFalse(jump_to_lesion(segmentation, "2.25.1"))
        self.assertFalse(jump_to_lesion(segmentation, ensure_lesion_identity(segmentation, ids["A"]).uid))

    def test_volumes_are_shown_without_a_window(self):
        show_volumes(make_map(), fit=True)


class TestLesionIdentity(SceneTestCase):
    def test_made_once_and_independent_of_the_name(self):
        segmentation, ids = add_segmentation(A=None, B=None)
        self.assertIsNone(lesion_identity(segmentation, ids["A"]))
        identity = ensure_lesion_identity(segmentation, ids["A"])
        self.assertEqual(identity.identifier, "A")
        segmentation.GetSegmentation().GetSegment(ids["A"]).SetName("renamed")
        self.assertEqual(ensure_lesion_identity(segmentation, ids["A"]), identity)
        self.assertNotEqual(ensure_lesion_identity(segmentation, ids["B"]).uid, identity.uid)
        self.assertEqual(segment_of_lesion(segmentation, identity.uid), ids["A"])
        self.assertIsNone(segment_of_lesion(segmentation, "2.25.0"))

    def test_uid_is_a_dicom_uid(self):
        from pydicom.uid import UID

        segmentation, ids = add_segmentation(A=None)
        self.assertTrue(UID(ensure_lesion_identity(segmentation, ids["A"]).uid).is_valid)

    def test_the_same_lesion_at_another_time_point(self):
        before, before_ids = add_segmentation(A=None)
        after, after_ids = add_segmentation(Other=None)
        set_lesion_identity(after, after_ids["Other"], ensure_lesion_identity(before, before_ids["A"]))
        self.assertEqual(lesion_identity(after, after_ids["Other"]), lesion_identity(before, before_ids["A"]))

    def test_bad_uid_and_missing_segment(self):
        segmentation, ids = add_segmentation(A=None)
        for uid in ("", "lesion 1", "1." * 40):
            with self.assertRaisesRegex(InputError, "unique identifier"):
                set_lesion_identity(segmentation, ids["A"], LesionIdentity(uid, "A"))
        with self.assertRaisesRegex(InputError, "Baseline"):
            lesion_identity(segmentation, "gone")


class TestSavedScene(SceneTestCase):
    def test_map_measurements_and_identity_come_back(self):
        source = add_volume(np.ones(GEOMETRY.shape, np.float32), GEOMETRY, "DWI b800")
        node = make_map(source_nodes=[source])
        node.GetDisplayNode().SetWindowLevelMinMax(0.2, 2.2)
        segmentation, ids = add_segmentation(Lesion=((1, 4), (2, 6), (3, 8)))
        set_lesion_identity(segmentation, ids["Lesion"], LesionIdentity("2.25.77", "Segment VIII: dome | ventral"))
        measure_map(node, segmentation, patient="P1", reader='R "X"')
        show_parameter_map(node)
        values, rows = map_values(node)[0], measurements()

        reopen(self.folder / "case.mrb")

        node = slicer.util.getNode("ADC")
        np.testing.assert_array_equal(map_values(node)[0], values)
        self.assertEqual(volume_array(node).dtype, np.float32)
        self.assertEqual(node.GetVoxelValueQuantity().GetAsPrintableString(), '(113041, DCM, "Apparent Diffusion Coefficient")')
        self.assertEqual(node.GetVoxelValueUnits().GetAsPrintableString(), '(um2/ms, UCUM, "10⁻³ mm²/s")')
        self.assertIs(role(node), Role.ADC)
        self.assertEqual(map_provenance(node).method, METHOD)
        self.assertEqual(node.GetNodeReference("HCC.SourceVolume").GetName(), "DWI b800")
        self.assertTrue(volume_geometry(node).matches(GEOMETRY, 1e-3))
        display = node.GetDisplayNode()
        self.assertEqual(display.GetColorNodeID(), "vtkMRMLColorTableNodeFileViridis.txt")
        self.assertAlmostEqual(display.GetWindowLevelMax(), 2.2)
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
        self.assertEqual(legend.GetTitleText(), "ADC (10^-3 mm²/s)")
        segmentation = slicer.util.getNode("Baseline")
        segment_id = segment_of_lesion(segmentation, "2.25.77")
        self.assertEqual(lesion_identity(segmentation, segment_id).identifier, "Segment VIII: dome | ventral")
        self.assertEqual(segment_mask(segmentation, segment_id, node).sum(), 60)
        self.assertEqual(measurements(), rows)
        # and the work goes on where it stopped
        measure_map(node, segmentation, patient="P1", reader='R "X"')
        self.assertEqual(len(measurements()), len(rows))
        add_measurements(rows)
        self.assertEqual(measurements(), rows)

    def test_settings_come_back_as_the_parameter_node_wrapper_writes_them(self):
        # The slicer-core wheel has the node, not the wrapper: these are its ways to write a text, an enum, a list of nodes and a node.
        node = make_map()
        sources = [add_volume(np.ones(GEOMETRY.shape, np.float32), GEOMETRY, f"b{b}") for b in (0, 50)]
        settings = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "HCCParameterMapping")
        settings.SetModuleName("HCCParameterMapping")
        parameters = {
            "estimator": "WLLS",
            "mapOpacity": "0.7",
            "reader": 'Dr. "X" & Ä; <b>',
            "dicomFolder": "C:\\Daten 1\\MRT",
            "leftOut.len": "2",
        }
        for name, value in parameters.items():
            settings.SetParameter(name, value)
        for name, referred in {"adcMap": node, "leftOut.0": sources[0], "leftOut.1": sources[1]}.items():
            settings.SetParameter(name, "")
            settings.SetNodeReferenceID(name, referred.GetID())

        reopen(self.folder / "case.mrb")

        settings = slicer.util.getNode("HCCParameterMapping")
        self.assertEqual(settings.GetModuleName(), "HCCParameterMapping")
        self.assertEqual({name: settings.GetParameter(name) for name in parameters}, parameters)
        self.assertEqual(settings.GetNodeReference("adcMap").GetName(), "ADC")
        self.assertEqual([settings.GetNodeReference(f"leftOut.{n}").GetName() for n in range(2)], ["b0", "b50"])

    @unittest.skipUnless(IN_APPLICATION, "slicer.parameterNodeWrapper needs the Slicer application")
    def test_settings_come_back_through_the_parameter_node_wrapper(self):
        from slicer.parameterNodeWrapper import parameterNodeWrapper

        @parameterNodeWrapper
        class Settings:
            leftOut: list[slicer.vtkMRMLScalarVolumeNode]
            adcMap: slicer.vtkMRMLScalarVolumeNode
            opacity: float = 0.7
            reader: str

        settings = Settings(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "settings"))
        settings.adcMap = make_map()
        settings.leftOut = [add_volume(np.ones(GEOMETRY.shape, np.float32), GEOMETRY, "b0")]
        settings.opacity, settings.reader = 0.25, 'Dr. "X"'
        reopen(self.folder / "case.mrb")
        settings = Settings(slicer.util.getNode("settings"))
        self.assertEqual((settings.opacity, settings.reader, settings.adcMap.GetName()), (0.25, 'Dr. "X"', "ADC"))
        self.assertEqual([node.GetName() for node in settings.leftOut], ["b0"])


if __name__ == "__main__":
    unittest.main()

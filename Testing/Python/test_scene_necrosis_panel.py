"""What the panel of necrosis asks of the scene: the choices, the overlay, the histogram, what is kept."""

import unittest

import numpy as np
from slicer_core_scene import slicer
from test_scene_lesion_necrosis import NecrosisTestCase

from HCCResponseLib.errors import InputError
from HCCResponseLib.lesions.necrosis_threshold import RELATIVE_ENHANCEMENT, SUBTRACTION, RelativeThreshold
from HCCResponseLib.response.case import TimePoint
from HCCResponseLib.scene.measurement_rows import reading_of
from HCCResponseLib.scene.measurement_table import measurements
from HCCResponseLib.scene.necrosis_chart import chart_enhancement
from HCCResponseLib.scene.necrosis_preview import NecrosisPreview
from HCCResponseLib.scene.necrosis_results import keep_result, kept_fraction, prepared_from, result_sentences, trend_sentences
from HCCResponseLib.scene.necrosis_settings import METHODS, NecrosisSettings, divide_lesion, threshold_of
from HCCResponseLib.scene.segment_masks import set_segment_mask
from HCCResponseLib.scene.subject_hierarchy import study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import set_time_point
from HCCResponseLib.scene.volumes import update_volume, volume_array


class NecrosisPanelTest(NecrosisTestCase):
    def test_every_method_finds_the_necrotic_core(self):
        settings = {
            "half": {},
            "reference": {"k": -5.0},
            "relative": {"percent": 20.0},
            "phase": {"signal": 120.0, "haemorrhage_k": None},
        }
        self.assertEqual(set(settings), set(METHODS))
        for method, one in settings.items():
            with self.subTest(method):
                choice = NecrosisSettings(method=method, median=False, **one)
                _threshold, result = divide_lesion(self.analysis(median=False), choice)
                # one phase cannot tell blood that was bright before contrast from what enhances
                expected = self.core.sum() - (self.blood.sum() if method == "phase" else 0)
                self.assertAlmostEqual(result.necrotic_ml, expected * self.geometry.voxel_volume_ml, delta=0.02)
        with self.assertRaisesRegex(InputError, "no way"):
            threshold_of(self.analysis(), NecrosisSettings(method="guess"))

    def test_the_reference_is_looked_up_again_when_it_was_painted(self):
        necrosis = self.analysis()
        first = necrosis.measure_reference()
        self.assertIs(necrosis.measure_reference(), first)
        set_segment_mask(self.node, self.liver_id, self.liver & (np.arange(self.liver.shape[2]) < 20), self.post_node)
        self.assertLess(necrosis.measure_reference().voxels, first.voxels)

    def test_a_prepared_lesion_is_told_from_a_changed_scene(self):
        before = prepared_from(self.node, self.segment_id, self.pre_node, self.post_node)
        self.assertEqual(prepared_from(self.node, self.segment_id, self.pre_node, self.post_node), before)
        self.assertNotEqual(prepared_from(self.node, self.segment_id, None, self.post_node), before)
        update_volume(self.pre_node, self.pre + 1)
        self.assertNotEqual(prepared_from(self.node, self.segment_id, self.pre_node, self.post_node), before)
        before = prepared_from(self.node, self.segment_id, self.pre_node, self.post_node)
        set_segment_mask(self.node, self.segment_id, self.core, self.post_node)
        self.assertNotEqual(prepared_from(self.node, self.segment_id, self.pre_node, self.post_node), before)

    def test_the_overlay_shows_the_parts_and_leaves_nothing(self):
        composite = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode", "Red")
        composite.SetLabelVolumeID(self.pre_node.GetID())
        composite.SetLabelOpacity(0.25)
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        _threshold, result = divide_lesion(self.analysis(median=False), NecrosisSettings(median=False))
        preview = NecrosisPreview(self.post_node)
        preview.show([result.parts])
        shown = slicer.mrmlScene.GetNodeByID(composite.GetLabelVolumeID())
        labels = volume_array(shown)
        self.assertEqual([int((labels == n).sum()) for n in (1, 2, 3)], self.counts())
        self.assertFalse(shown.GetSaveWithScene())
        preview.show([])
        self.assertFalse(volume_array(shown).any())
        preview.remove()
        preview.remove()
        self.assertEqual((composite.GetLabelVolumeID(), composite.GetLabelOpacity()), (self.pre_node.GetID(), 0.25))
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def counts(self) -> list[int]:
        return [int(mask.sum()) for mask in (self.lesion & ~self.core, self.core & ~self.blood, self.blood)]

    def test_the_histogram_counts_every_voxel_once_on_its_side(self):
        necrosis = self.analysis(median=False)
        values = necrosis.values(RELATIVE_ENHANCEMENT)
        self.assertEqual(values.size, self.lesion.sum())
        chart = chart_enhancement(values, RelativeThreshold(20.0))
        names = [chart.GetNthPlotSeriesNode(n).GetName() for n in range(3)]
        self.assertEqual(names, ["necrotic", "viable", "threshold"])
        line = chart.GetNthPlotSeriesNode(2).GetTableNode().GetTable()
        self.assertEqual([line.GetValue(row, 0).ToDouble() for row in range(2)], [20.0, 20.0])
        necrotic = chart.GetNthPlotSeriesNode(0).GetTableNode().GetTable()
        self.assertLessEqual(max(necrotic.GetValue(row, 0).ToDouble() for row in range(necrotic.GetNumberOfRows())), 20.0)
        for nothing in (np.array([]), np.array([np.nan])):
            self.assertEqual(chart_enhancement(nothing, RelativeThreshold(20.0)).GetNumberOfPlotSeriesNodes(), 0)
        for at in (-50.0, 500.0):
            self.assertEqual(chart_enhancement(values, RelativeThreshold(at)).GetNumberOfPlotSeriesNodes(), 3)
        self.assertEqual(necrosis.values(SUBTRACTION).size, values.size)

    def test_numbers_in_words(self):
        threshold, result = divide_lesion(self.analysis(median=False), NecrosisSettings(method="relative", percent=20.0, median=False))
        text = "\n".join(result_sentences(threshold, result))
        for part in ("12.5 %", "class <25", "central", "Viable: more than 20 % enhancement", "Haemorrhagic"):
            self.assertIn(part, text)

    def test_what_is_kept_and_how_it_changed(self):
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        study = study_item(patient_id="P1", patient_name="N", study_uid="1.2.1")
        hierarchy.SetItemParent(subject_hierarchy_item(self.node), study)
        self.assertIsNone(kept_fraction(self.node, self.segment_id, "A"))
        set_time_point(study, TimePoint(0))
        fractions = (0.0, 20.0)
        for index, percent in enumerate(fractions):
            set_time_point(study, None)
            set_time_point(study, TimePoint(index))
            prepared = self.analysis(median=False)
            settings = NecrosisSettings(method="relative", percent=percent, median=False, haemorrhage_k=None)
            _threshold, result = divide_lesion(prepared, settings)
            keep_result(prepared, result, self.node, self.segment_id, reading_of(self.node, "A"))
            self.assertEqual(kept_fraction(self.node, self.segment_id, "A"), result.necrotic_fraction)
        self.assertIsNone(kept_fraction(self.node, self.segment_id, "B"))
        self.assertIsNone(kept_fraction(self.node, None, "A"))
        self.assertTrue(measurements(quantity="VIABLE_DIAMETER"))
        viable = measurements(quantity="VIABLE_VOLUME", time_point=1)[0].value
        self.assertAlmostEqual(viable, (self.lesion & ~self.core).sum() * self.geometry.voxel_volume_ml)
        self.assertEqual(trend_sentences(self.node, self.segment_id, "B"), [])


if __name__ == "__main__":
    unittest.main()

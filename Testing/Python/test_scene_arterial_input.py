"""Arterial inputs as tables of the scene: measured, published, derived, to a file and back; unusable ones are refused."""

import unittest

import numpy as np
from dynamic_scene import AORTA, ARRIVAL_S, BLOOD_T1_S, HEMATOCRIT, RELAXIVITY, TIMES, DynamicScene, aif
from slicer_core_scene import reopen
import slicer

from HCCResponseLib.errors import InputError
from HCCResponseLib.quantification.arterial_input import georgiou, parker, weinmann
from HCCResponseLib.scene.arterial_input import (
    InputKind,
    arrival_in,
    export_input,
    import_input,
    input_description,
    input_function,
    input_kind,
    input_vessel,
    input_warnings,
    inputs_of,
    measured_input,
    population_input,
    portal_input,
)
from HCCResponseLib.scene.flip_angles import set_flip_angle_deg
from HCCResponseLib.scene.segment_masks import set_segment_mask
from HCCResponseLib.scene.subject_hierarchy import patient_of, place_beside, study_item, subject_hierarchy_item

BLOOD = dict(blood_t1_s=BLOOD_T1_S, relaxivity=RELAXIVITY, hematocrit=HEMATOCRIT)


class TestPopulation(DynamicScene):
    def test_published_curves(self):
        sequence = self.add_series()
        at = np.linspace(0, TIMES[-1], 500)
        for model, function, options in (
            ("parker", parker, dict(hematocrit=HEMATOCRIT)),
            ("georgiou", georgiou, dict(hematocrit=HEMATOCRIT)),
            ("weinmann", weinmann, {}),
        ):
            for dose in (0.1, 0.025):
                node = population_input(sequence, model=model, arrival_s=ARRIVAL_S, hematocrit=HEMATOCRIT, dose_mmol_per_kg=dose)
                expected = function(at, bolus_arrival_s=ARRIVAL_S, **options) * dose / 0.1
                found = input_function(node)
                smooth = np.abs(at - ARRIVAL_S) > 1
                np.testing.assert_allclose(found(at)[smooth], expected[smooth], atol=2e-4 * expected.max())
                self.assertEqual((found.arrival_s, found.hematocrit), (ARRIVAL_S, HEMATOCRIT))
        self.assertIs(input_kind(node), InputKind.POPULATION)
        self.assertEqual(input_description(node)[0], "Weinmann 1984 AIF for 0.025 mmol/kg")
        self.assertEqual(len(inputs_of(sequence)), 6)

    def test_arrival_before_and_within_the_series(self):
        sequence = self.add_series()
        function = input_function(population_input(sequence, arrival_s=-10.0))
        self.assertEqual(function.time_s[0], -10.0)
        for arrival in (1e4, -1e4, float("nan")):
            with self.assertRaisesRegex(InputError, "cannot arrive at"):
                population_input(sequence, arrival_s=arrival)

    def test_arrival_found_in_the_aorta(self):
        sequence = self.add_series()
        segmentation, aorta, _tissue = self.add_outlines(sequence)
        self.assertAlmostEqual(arrival_in(sequence, (segmentation, [aorta])), ARRIVAL_S, delta=0.06)
        set_flip_angle_deg(sequence, None)
        self.assertAlmostEqual(arrival_in(sequence, (segmentation, [aorta])), ARRIVAL_S, delta=0.6)
        set_flip_angle_deg(sequence, 15.0)
        node = population_input(sequence, region=(segmentation, [aorta]), hematocrit=HEMATOCRIT)
        self.assertAlmostEqual(input_function(node).arrival_s, ARRIVAL_S, delta=0.06)
        self.assertIn("found in 'Aorta'", input_description(node)[1])
        self.assertLess(abs(arrival_in(sequence, (segmentation, [aorta]), model="weinmann") - ARRIVAL_S), 4.3)
        count = slicer.mrmlScene.GetNumberOfNodes()
        for arguments, message in (
            ({}, "When does the bolus arrive"), (dict(region=(segmentation, ["x"])), "no segment 'x'"),
            (dict(arrival_s=20, model="other"), "no population input 'other'"), (dict(arrival_s=20, hematocrit=42), "percent"),
            (dict(arrival_s=20, dose_mmol_per_kg=0), "dose"),
        ):
            with self.assertRaisesRegex(InputError, message):
                population_input(sequence, **arguments)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)


class TestMeasured(DynamicScene):
    def test_truth_of_the_core(self):
        signals = self.signals()
        rim = AORTA.copy()
        rim[:, 2:5, 2:5] = False
        signals[rim] *= 0.4  # partial volume with something dark that hardly enhances
        signals[rim] += 300
        sequence = self.add_series(signals)
        segmentation, aorta, _tissue = self.add_outlines(sequence)
        node = measured_input(sequence, segmentation, aorta, **BLOOD)
        function = input_function(node)
        np.testing.assert_allclose(function.plasma, aif(TIMES), rtol=1e-3, atol=1e-3)
        self.assertEqual(node.GetAttribute("HCC.Voxels"), "27 voxels")
        self.assertEqual(input_warnings(node), [])
        self.assertEqual((input_vessel(node), input_description(node)[0]), ("artery", "measured AIF"))
        source = input_description(node)[1]
        for fact in ("'Aorta'", "T1 of blood 1.48 s", "relaxivity 5", "15 deg", "TR 4.5 ms", "hematocrit 0.4"):
            self.assertIn(fact, source)
        average = input_function(measured_input(sequence, segmentation, aorta, selection="average", **BLOOD))
        self.assertLess(average.plasma.max(), 0.8 * function.plasma.max())
        again = measured_input(sequence, segmentation, aorta, table_node=node, **(BLOOD | dict(hematocrit=0.3)))
        self.assertIs(again, node)
        np.testing.assert_allclose(input_function(node).plasma, aif(TIMES) * 0.6 / 0.7, rtol=1e-3, atol=1e-3)

    def test_a_thin_vessel_is_told(self):
        sequence = self.add_series()
        segmentation, aorta, _tissue = self.add_outlines(sequence)
        thin = np.zeros_like(AORTA)
        thin[:, 2:4, 2:4] = True
        set_segment_mask(segmentation, aorta, thin, sequence.GetNthDataNode(0))
        node = measured_input(sequence, segmentation, aorta, **BLOOD)
        self.assertIn("too thin", " ".join(input_warnings(node)))

    def test_what_cannot_be_measured_says_why(self):
        sequence = self.add_series()
        segmentation, aorta, _tissue = self.add_outlines(sequence)
        count = slicer.mrmlScene.GetNumberOfNodes()
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "Notes")
        table.AddColumn().SetName("x")
        for changes, message in (
            (dict(hematocrit=42), "percent"), (dict(blood_t1_s=1480), "milliseconds"), (dict(relaxivity=0), "relaxivity"),
            (dict(selection="best"), "'average' or 'peak_voxels'"), (dict(baseline=(0, 99)), "baseline"), (dict(table_node=table), "Notes"),
        ):
            with self.assertRaisesRegex(InputError, message):
                measured_input(sequence, segmentation, aorta, **(BLOOD | changes))
        sequence.SetAttribute("HCC.FlipAngle", None)
        with self.assertRaisesRegex(InputError, "flip angle of 'dce' is not known"):
            measured_input(sequence, segmentation, aorta, **BLOOD)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count + 1)

    def test_portal_input(self):
        sequence = self.add_series()
        segmentation, aorta, _tissue = self.add_outlines(sequence)
        artery = measured_input(sequence, segmentation, aorta, **BLOOD)
        portal = portal_input(artery, sequence)
        self.assertEqual((input_vessel(portal), input_kind(portal)), ("portal vein", InputKind.DERIVED))
        self.assertTrue(input_function(portal).low_confidence)
        self.assertIn("low confidence", input_warnings(portal)[0])
        self.assertEqual(inputs_of(sequence, "portal vein"), [portal])
        self.assertEqual(inputs_of(sequence), [artery])
        measured = measured_input(sequence, segmentation, aorta, vessel="portal vein", **BLOOD)
        self.assertEqual(input_description(measured)[0], "measured portal input")


class TestTables(DynamicScene):
    def test_it_stands_beside_its_series_and_survives_a_saved_scene(self):
        sequence = self.add_series()
        study = study_item(patient_id="P1", patient_name="X", study_uid="1.2.3")
        slicer.mrmlScene.GetSubjectHierarchyNode().SetItemParent(subject_hierarchy_item(sequence), study)
        segmentation, aorta, _tissue = self.add_outlines(sequence)
        place_beside(segmentation, sequence)
        before = input_function(measured_input(sequence, segmentation, aorta, **BLOOD))
        reopen(self.folder / "case.mrb")
        (node,) = inputs_of(slicer.util.getNode("dce"))
        self.assertEqual(patient_of(node), "P1")
        after = input_function(node)
        np.testing.assert_array_equal(after.plasma, before.plasma)
        np.testing.assert_array_equal(after.time_s, before.time_s)
        self.assertEqual((after.arrival_s, after.hematocrit), (before.arrival_s, before.hematocrit))

    def test_tables_that_are_no_input(self):
        with self.assertRaisesRegex(InputError, "No arterial input was chosen"):
            input_function(None)
        with self.assertRaisesRegex(InputError, "'Table' is no arterial input"):
            input_function(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "Table"))
        node = population_input(self.add_series(), arrival_s=20)
        times = node.GetTable().GetColumnByName("time_s")
        times.SetValue(3, times.GetValue(2))
        with self.assertRaisesRegex(InputError, "do not increase"):
            input_function(node)
        times.SetValue(3, float("nan"))
        with self.assertRaisesRegex(InputError, "all numbers"):
            input_function(node)
        node.RemoveColumn(1)
        with self.assertRaisesRegex(InputError, "no column of numbers 'concentration_mM'"):
            input_function(node)


class TestFiles(DynamicScene):
    def read(self, text: str, **options):
        path = self.folder / "aif.csv"
        path.write_text(text, encoding="utf-8")
        return import_input(path, self.sequence, **options)

    def setUp(self):
        super().setUp()
        self.sequence = self.add_series()

    def test_out_and_in_again(self):
        node = population_input(self.sequence, arrival_s=ARRIVAL_S, hematocrit=HEMATOCRIT)
        path = export_input(node, self.folder / "aif.csv")
        again = import_input(path, self.sequence)
        np.testing.assert_allclose(input_function(again).plasma, input_function(node).plasma, rtol=1e-5)
        self.assertEqual(input_kind(again), InputKind.IMPORTED)
        self.assertIn("Parker 2006", path.read_text(encoding="utf-8"))
        with self.assertRaisesRegex(InputError, "cannot be written"):
            export_input(node, self.folder / "nowhere" / "aif.csv")

    def test_units_separators_and_blood(self):
        plasma = aif(TIMES)

        def lines(header, separator, factor=1.0, scale=1.0, comma=False):
            rows = [header, *(f"{t * factor:.9g}{separator}{c * scale:.9g}" for t, c in zip(TIMES, plasma, strict=True))]
            text = "\n".join(rows)
            return text.replace(".", ",") if comma else text

        for text in (
            lines("time_s,concentration_mM", ","), lines("Time (min);Plasma [mM]", ";", 1 / 60), lines("t [ms]\tC (mmol/L)", "\t", 1e3),
            lines("time / min;c / mmol/l", ";", 1 / 60, comma=True), lines("time_s,blood_mM", ",", scale=0.6),
        ):
            with self.subTest(text[:30]):
                node = self.read(text, hematocrit=0.4)
                np.testing.assert_allclose(input_function(node).plasma, plasma, rtol=1e-5, atol=1e-9)
                np.testing.assert_allclose(input_function(node).time_s, TIMES, atol=1e-5)

    def test_files_that_cannot_be_used_say_why(self):
        rows = "\n".join(f"{t},{c}" for t, c in zip(TIMES, aif(TIMES), strict=True))
        count = slicer.mrmlScene.GetNumberOfNodes()
        for text, message in (
            ("", "is empty"), ("time_s\n1\n2", "one column only"), (rows, "first line must name"), (f"time,mM\n{rows}", "unit of time"),
            (f"time_s,value\n{rows}", "first line must name"), ("time_s,mM\n1,2\nx,3", "line 3: two numbers are needed, found 'x,3'"),
            ("time_s,mM\n1,2\n2", "line 3: two numbers"), ("time_s,mM\n1,nan\n", "line 2"), ("time_s,mM\n1,2\n2,3\n", "2 samples"),
            ("time_s,mM\n0,0\n2,5\n1,4\n3,2", "times must increase"),
            ("time_s,mM\n" + rows.replace(".", ","), "line 2 has 4 cells.*separate the columns by semicolons"),
            (f"time_s,mM\n{rows[:200].rsplit(chr(10), 1)[0]}", "the series lasts"),
            ("time_s,mM\n" + "\n".join(f"{t},1" for t in TIMES), "does not rise"),
        ):
            with self.subTest(message), self.assertRaisesRegex(InputError, message):
                self.read(text)
        with self.assertRaisesRegex(InputError, "cannot be read"):
            import_input(self.folder / "missing.csv", self.sequence)
        (self.folder / "binary.csv").write_bytes(bytes(range(128, 256)))
        with self.assertRaisesRegex(InputError, "no text file"):
            import_input(self.folder / "binary.csv", self.sequence)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)


if __name__ == "__main__":
    unittest.main()

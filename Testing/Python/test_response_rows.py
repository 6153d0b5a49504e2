"""Results as rows: methods in words, parts as drawn, statistics of maps; what makes two measurements of necrosis comparable."""

import math
import unittest

import numpy as np

from HCCResponseLib.errors import InputError
from HCCResponseLib.lesions.necrosis_threshold import PhaseThreshold
from HCCResponseLib.lesions.region_statistics import region_statistics
from HCCResponseLib.response.quantities import QUANTITIES, STATISTICS
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.response.rows import (
    ProcedureResult,
    Subject,
    map_rows,
    method_text,
    parts_result,
    procedure_of,
    result_rows,
    settings_difference,
    voxel_choice,
    whole_method,
)

SUBJECT = Subject("P1", 1, "2.25.7", "HCC 1", "2024-03-04T10:00:00+01:00", "1.2.3", "A")
METHOD = "WLLS, b = 0, 800 s/mm2"
VIABLE, NECROTIC, BLOOD = RegionType.VIABLE, RegionType.NECROTIC, RegionType.HAEMORRHAGIC


class TestResults(unittest.TestCase):
    def test_a_method_reads_as_a_sentence(self):
        text = method_text(
            "Diameter", "longest line", {"plane": "axial", "gap_mm": 1.60000001, "joint": True, "none": None, "cuts": (1, 2.5)},
        )
        self.assertEqual(text, "Diameter: longest line, plane = axial, gap mm = 1.6, joint = yes, cuts = 1 2.5")
        self.assertEqual(procedure_of(text), "Diameter")

    def test_rows_carry_the_subject(self):
        rows = result_rows(ProcedureResult({"VOLUME": 2.0, "SPHERE_DIAMETER": math.nan}, "Volume: x"), SUBJECT)
        self.assertEqual(
            [(one.quantity, one.unit, one.method) for one in rows], [("VOLUME", "ml", "Volume: x"), ("SPHERE_DIAMETER", "mm", "Volume: x")],
        )
        self.assertEqual((rows[0].patient, rows[0].reader, rows[0].lesion_name, rows[0].source_series), ("P1", "A", "HCC 1", "1.2.3"))
        with self.assertRaisesRegex(InputError, "'WEIGHT' is not known"):
            result_rows(ProcedureResult({"WEIGHT": 1.0}, "x"), SUBJECT)


class TestParts(unittest.TestCase):
    def fraction(self, **drawn) -> float:
        return parts_result(10.0, {RegionType(name.upper()): value for name, value in drawn.items()}).values["NECROTIC_FRACTION"]

    def test_what_was_not_drawn_is_the_rest(self):
        self.assertAlmostEqual(self.fraction(viable=7.0), 0.3)
        self.assertAlmostEqual(self.fraction(necrotic=3.0), 0.3)
        self.assertAlmostEqual(self.fraction(necrotic=2.0, haemorrhagic=1.0), 0.3)
        self.assertAlmostEqual(self.fraction(viable=6.0, haemorrhagic=1.0), 0.4)
        self.assertAlmostEqual(self.fraction(viable=6.0, necrotic=2.0), 0.25)
        self.assertEqual(self.fraction(viable=0.0), 1.0)

    def test_haemorrhage_beside_a_viable_part_is_a_part_of_the_rest(self):
        values = parts_result(10.0, {VIABLE: 6.0, BLOOD: 1.0}).values
        self.assertEqual((values["NECROTIC_VOLUME"], values["HAEMORRHAGIC_VOLUME"]), (4.0, 1.0))
        self.assertAlmostEqual(values["HAEMORRHAGIC_FRACTION"], 0.1)

    def test_bad_parts(self):
        with self.assertRaisesRegex(InputError, "'HCC 1' has no viable or necrotic part"):
            parts_result(10.0, {BLOOD: 1.0}, name="'HCC 1'")
        with self.assertRaisesRegex(InputError, "inside its outline"):
            parts_result(10.0, {VIABLE: 0.0, NECROTIC: 0.0})


class TestComparable(unittest.TestCase):
    def test_what_the_images_gave_is_no_setting(self):
        first = method_text("Necrosis", "threshold on subtraction", {"k": 2.0, "value": 55.0, "reference_mean": 30.0, "pattern": "central"})
        second = method_text(
            "Necrosis", "threshold on subtraction", {"k": 2.0, "value": 12.0, "reference_mean": 3.0, "alignment": "2 mm apart"},
        )
        self.assertEqual(settings_difference(first, second), "")

    def test_the_signal_that_a_reader_set_as_a_threshold_is_a_setting(self):
        first, second = (method_text("Necrosis", "signal after contrast", PhaseThreshold(x).parameters) for x in (250.0, 300.0))
        self.assertEqual(settings_difference(first, second), "value 250 and 300")
        self.assertEqual(settings_difference(first, first), "")

    def test_settings_and_methods_that_differ_are_named(self):
        first = method_text("Necrosis", "threshold on subtraction", {"k": 2.0, "rim_layers": 1})
        second = method_text("Necrosis", "parts as drawn")
        self.assertEqual(
            settings_difference(first, second),
            "method threshold on subtraction and parts as drawn, k 2 and not used, rim layers 1 and not used",
        )


class TestMapRows(unittest.TestCase):
    def setUp(self):
        values = np.linspace(1e-3, 2e-3, 8).reshape(2, 2, 2)
        self.statistics = region_statistics(values, np.ones(values.shape, bool), voxel_volume_ml=0.5)

    def rows(self, statistics, **options):
        return {row.statistic or row.quantity: row for row in map_rows(statistics, QUANTITIES["ADC"], METHOD, SUBJECT, **options)}

    def test_a_row_for_each_statistic_and_the_volume(self):
        rows = self.rows(self.statistics)
        self.assertEqual(rows.keys(), STATISTICS.keys() | {"VOLUME"})
        self.assertEqual((rows["n"].value, rows["n"].unit, rows["median"].unit), (8.0, "1", "mm2/s"))
        self.assertEqual((rows["VOLUME"].value, rows["VOLUME"].method), (4.0, METHOD))

    def test_outside_the_image_there_is_no_volume(self):
        rows = self.rows(self.statistics, outside=0.124)
        self.assertNotIn("VOLUME", rows)
        self.assertEqual(rows["mean"].method, f"{METHOD}; 12 % outside the image")
        self.assertEqual(whole_method(rows["mean"].method), METHOD)

    def test_not_measurable(self):
        rows = self.rows(None)
        self.assertTrue(math.isnan(rows["median"].value) and math.isnan(rows["VOLUME"].value))
        self.assertEqual(rows["n"].value, 0.0)

    def test_the_choice_of_voxels_is_in_the_method(self):
        self.assertEqual(voxel_choice(METHOD), METHOD)
        self.assertEqual(voxel_choice(METHOD, pure=True), f"{METHOD}; voxels wholly inside")
        self.assertEqual(voxel_choice(METHOD, pure=True, erode_mm=1.5), f"{METHOD}; voxels wholly inside by 1.5 mm")


if __name__ == "__main__":
    unittest.main()

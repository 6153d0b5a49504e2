"""Coded quantities against DICOM's dictionaries, and measurements that cannot be wrong in form."""

import dataclasses
import math
import unittest
from datetime import datetime

from pydicom.sr._concepts_dict import concepts

from HCCResponseLib.errors import InputError
from HCCResponseLib.lesions.region_statistics import PERCENTILES, RegionStatistics
from HCCResponseLib.response.measurement import Measurement, now
from HCCResponseLib.response.quantities import COUNTS, PRIVATE_SCHEME, QUANTITIES, STATISTICS, canonical_factor, find_quantity

UNITS_OUTSIDE_DICOM = {"ml", "umol.s/ml"}
"""Valid UCUM that DICOM has only inside compound units (ml/min), or not (area under a curve of concentration)."""


def standard_meanings(scheme: str) -> dict[str, set[str]]:
    """Code values of a scheme in pydicom's dictionaries, each with its meanings."""
    found = {}
    for entries in concepts[scheme].values():
        for value, (meaning, _) in entries.items():
            found.setdefault(value, set()).add(meaning)
    return found


def measurement(**changes) -> Measurement:
    """Return a good measurement, changed."""
    fields = dict(
        patient="P1",
        time_point=1,
        lesion_uid="2.25.1",
        quantity="ADC",
        value=1.25e-3,
        unit="mm2/s",
        datetime="2026-08-21T10:55:10+02:00",
        statistic="mean",
        method="WLLS, b = 0, 400, 800 s/mm2",
        source_series="1.2.3",
        reader="A",
        lesion_name="Lesion 1",
    )
    return Measurement(**(fields | changes))


class TestQuantities(unittest.TestCase):
    def test_standard_codes_are_those_of_dicom(self):
        codes = [quantity.code for quantity in QUANTITIES.values()] + list(STATISTICS.values())
        for code in codes:
            if code.scheme != PRIVATE_SCHEME:
                with self.subTest(code=code):
                    self.assertIn(code.meaning, standard_meanings(code.scheme)[code.value])

    def test_units_are_those_of_dicom(self):
        known = standard_meanings("UCUM")
        for quantity in QUANTITIES.values():
            for unit in (quantity.unit, quantity.display_unit):
                self.assertEqual(unit.scheme, "UCUM")
                if unit.value not in UNITS_OUTSIDE_DICOM:
                    self.assertIn(unit.value, known, quantity.key)

    def test_private_codes_fit_a_dicom_short_string(self):
        for code in [quantity.code for quantity in QUANTITIES.values()] + list(STATISTICS.values()):
            self.assertLessEqual(len(code.value), 16, code)
            self.assertLessEqual(len(code.meaning), 64, code)

    def test_keys_and_codes_are_unique(self):
        self.assertEqual(len({quantity.code[:2] for quantity in QUANTITIES.values()}), len(QUANTITIES))
        self.assertEqual(len({code[:2] for code in STATISTICS.values()}), len(STATISTICS))
        for key, quantity in QUANTITIES.items():
            self.assertEqual(key, quantity.key)

    def test_display_factor_agrees_with_the_units(self):
        for quantity in QUANTITIES.values():
            self.assertAlmostEqual(canonical_factor(quantity, quantity.display_unit.value) * quantity.display_factor, 1.0, msg=quantity.key)
            self.assertEqual(canonical_factor(quantity, quantity.unit.value), 1.0)

    def test_diffusivity_units(self):
        adc = QUANTITIES["ADC"]
        for unit, factor in (("um2/ms", 1e-3), ("um2/s", 1e-6), ("10-6.mm2/s", 1e-6), ("10*-3.mm2/s", 1e-3)):
            self.assertEqual(canonical_factor(adc, unit), factor)
        for unit in ("", "1", "s", "mm2"):
            with self.assertRaisesRegex(InputError, "ADC"):
                canonical_factor(adc, unit)

    def test_shown_as_a_radiologist_writes_it(self):
        self.assertEqual(QUANTITIES["ADC"].format(1.2345e-3), "1.23 10⁻³ mm²/s")
        self.assertEqual(QUANTITIES["PERFUSION_FRACTION"].format(0.123), "12.3 %")
        self.assertEqual(QUANTITIES["T1"].format(0.8124), "812 ms")
        self.assertEqual(QUANTITIES["ADC"].format(math.nan), "–")
        self.assertEqual(QUANTITIES["T1_GRADE"].format(4), "4")
        self.assertEqual(QUANTITIES["T2_CONTRAST"].format(-2.34), "-2.3 spreads")
        self.assertEqual(QUANTITIES["HAEMORRHAGIC_FRACTION"].format(0.25), "25.0 %")

    def test_lengths_and_volumes_of_lesions(self):
        for key in ("LONG_AXIS", "SHORT_AXIS", "VIABLE_DIAMETER", "VIABLE_SHORT_AXIS", "FERET_DIAMETER", "SPHERE_DIAMETER"):
            self.assertEqual(QUANTITIES[key].unit.value, "mm")
            self.assertEqual(canonical_factor(QUANTITIES[key], "cm"), 10.0)
        for key in ("VOLUME", "COUNTED_VOLUME", "VOLUME_UNCERTAINTY", "NECROTIC_VOLUME", "VIABLE_VOLUME", "HAEMORRHAGIC_VOLUME"):
            self.assertEqual(QUANTITIES[key].unit.value, "ml")
        for key in ("T1_GRADE", "T2_GRADE", "T1_GRADE_PROPOSAL", "T2_GRADE_PROPOSAL", "NECROSIS_SCORE"):
            self.assertEqual(QUANTITIES[key].unit.value, "1")

    def test_an_unknown_quantity_is_named(self):
        self.assertIs(find_quantity("ADC"), QUANTITIES["ADC"])
        with self.assertRaisesRegex(InputError, "SUV"):
            find_quantity("SUV")

    def test_every_statistic_is_one_of_a_region(self):
        fields = {field.name for field in dataclasses.fields(RegionStatistics)}
        self.assertEqual(set(STATISTICS), fields - {"volume_ml"})
        self.assertEqual({f"percentile_{p}" for p in PERCENTILES}, {key for key in STATISTICS if key.startswith("percentile")})


class TestMeasurement(unittest.TestCase):
    def test_counts_have_no_unit_of_the_quantity(self):
        for statistic in COUNTS:
            self.assertEqual(measurement(statistic=statistic, value=12, unit="1").value, 12.0)
            with self.assertRaisesRegex(InputError, "ADC n|ADC rejected"):
                measurement(statistic=statistic, value=12)
        with self.assertRaisesRegex(InputError, "mm2/s"):
            measurement(statistic="mean", unit="1")

    def test_number_types_are_plain(self):
        import numpy as np

        found = measurement(value=np.float32(0.5), time_point=np.int64(2))
        self.assertIs(type(found.value), float)
        self.assertIs(type(found.time_point), int)

    def test_key(self):
        one = measurement()
        for same in (dict(value=2e-3), dict(datetime="2026-08-22T00:00:00"), dict(lesion_name="renamed")):
            self.assertEqual(measurement(**same).key, one.key)
        for other in (
            dict(patient="P2"),
            dict(time_point=0),
            dict(lesion_uid="2.25.2"),
            dict(quantity="D"),
            dict(statistic="median"),
            dict(method="LLS"),
            dict(source_series="1.2.4"),
            dict(reader="B"),
        ):
            self.assertNotEqual(measurement(**other).key, one.key, other)

    def test_not_measurable_is_kept(self):
        self.assertTrue(math.isnan(measurement(value=math.nan).value))

    def test_bad_fields_are_named(self):
        for changes, words in (
            (dict(time_point=-1), "time point"),
            (dict(time_point=0.5), "time point"),
            (dict(time_point="one"), "time point"),
            (dict(time_point=True), "time point"),
            (dict(time_point=math.nan), "time point"),
            (dict(lesion_uid=""), "lesion"),
            (dict(quantity="SUV"), "SUV"),
            (dict(unit="um2/s"), "um2/s"),
            (dict(unit="um2/ms"), "um2/ms"),
            (dict(statistic="average"), "average"),
            (dict(value="high"), "high"),
            (dict(value=None), "None"),
            (dict(value=math.inf), "infinite"),
            (dict(datetime="yesterday"), "yesterday"),
            (dict(reader=None), "reader"),
            (dict(method="line\nbreak"), "method"),
            (dict(lesion_name="tab\tstop"), "lesion_name"),
        ):
            with self.subTest(**changes), self.assertRaisesRegex(InputError, words):
                measurement(**changes)

    def test_names_in_any_script(self):
        for name in ("Läsion 1", "病変　1", 'so-called "cyst"', "a | b, c; d"):
            self.assertEqual(measurement(lesion_name=name).lesion_name, name)

    def test_now_is_iso_8601_with_its_zone(self):
        self.assertIsNotNone(datetime.fromisoformat(now()).tzinfo)
        self.assertEqual(measurement(datetime=now()).patient, "P1")


if __name__ == "__main__":
    unittest.main()

"""The case as plain values: JSON there and back, strict reading, lookup; and change over time."""

import dataclasses
import json
import math
import unittest

from hypothesis import given, settings
from hypothesis import strategies as st

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.case import Case, Image, Lesion, LesionKind, TimePoint
from HCCResponseLib.response.change import Trend, nadir, percent_change, trend
from HCCResponseLib.response.finding import Exclusion, Finding, LesionState
from HCCResponseLib.response.measurement import Measurement
from HCCResponseLib.response.quantities import QUANTITIES, STATISTICS, canonical_unit
from HCCResponseLib.response.roles import Role

UID = "2.25.1234"


def measurement(**changed) -> Measurement:
    fields = dict(
        patient="P", time_point=0, lesion_uid=UID, quantity="ADC", value=1.1e-3, unit="mm2/s", datetime="2026-03-01T10:00:00+01:00",
    )
    return Measurement(**(fields | changed))


def a_case() -> Case:
    return Case(
        patient="P",
        name="Müller^Änne",
        time_points=(
            TimePoint(1, "1.2.3", "2026-04-01", 4.4, "sorafenib 800 mg"),
            TimePoint(0, "1.2.2", "2026-03-01", 0.0, dose="50.4 Gy in 28", afp_ng_ml=420.0),
        ),
        images=(Image(0, Role.DWI, "1.2.2.1", "DWI", slice_thickness_mm=5.0), Image(1, None, name="unknown")),
        lesions=(
            Lesion(UID, "L1", LesionKind.TARGET, in_field=True, dose_gy=50.4, fractions=28, typical_enhancement=True),
            Lesion("2.25.99", "N", organ="lymph node", lymph_node=True, porta_hepatis=True),
            Lesion("2.25.100", "L1b", split_from=UID),
        ),
        measurements=(
            measurement(statistic="median", reader="A"),
            measurement(statistic="median", reader="B", datetime="2026-03-01T09:30:00"),
            measurement(time_point=1, quantity="LONG_AXIS", unit="mm", value=math.nan),
        ),
        findings=(
            Finding(1, "2.25.99", "unequivocal progression", reader="A", comment="much larger"),
            Finding(1, UID, LesionState.MERGED, "2.25.99", "B"),
        ),
        exclusions=(Exclusion("2.25.99", "ill-defined"),),
    )


def equal(a: Case, b: Case) -> bool:
    """Equality in which NaN equals NaN."""
    parts = ("time_points", "images", "lesions", "findings", "exclusions")
    return a.to_json() == b.to_json() and all(getattr(a, part) == getattr(b, part) for part in parts)


class CaseTest(unittest.TestCase):
    def test_json_round_trip_is_identical(self):
        case = a_case()
        again = Case.from_json(case.to_json())
        self.assertTrue(equal(case, again))
        self.assertTrue(math.isnan(again.measurements[2].value))
        self.assertIs(again.images[0].role, Role.DWI)
        self.assertIs(again.lesions[0].kind, LesionKind.TARGET)
        self.assertIs(again.findings[0].state, LesionState.PROGRESSION)
        self.assertEqual((again.exclusion("2.25.99"), again.exclusion(UID)), ("ill-defined", ""))

    def test_a_case_without_the_later_fields_is_read(self):
        content = json.loads(a_case().to_json())
        content.pop("findings")
        content.pop("exclusions")
        content["lesions"] = [{"uid": UID, "identifier": "L1"}]
        content["time_points"] = [{"index": 0}, {"index": 1}]
        content["images"] = []
        self.assertEqual(Case.from_json(json.dumps(content)).lesions, (Lesion(UID, "L1"),))

    def test_time_points_are_in_order(self):
        self.assertEqual([one.index for one in a_case().time_points], [0, 1])

    def test_the_same_facts_have_one_order_wherever_they_come_from(self):
        case = a_case()
        again = Case(
            **{field.name: getattr(case, field.name) for field in dataclasses.fields(case) if field.name not in ("images", "findings")},
            images=case.images[::-1],
            findings=(Finding(0, UID, LesionState.PRESENT), *case.findings),
        )
        self.assertEqual(again.images, case.images)
        self.assertEqual([one.time_point for one in again.findings], [0, 1, 1])
        self.assertEqual(again.findings[1:], case.findings, "those of one time point keep their order")
        both = (Exclusion("2.25.99", "ill-defined"), Exclusion(UID, "treated"))
        self.assertEqual(Case("P", lesions=case.lesions, exclusions=both).exclusions, both[::-1])
        self.assertEqual(TimePoint(0, date="20260301").date, "2026-03-01")

    def test_find_and_latest(self):
        case = a_case()
        self.assertEqual(len(case.find(quantity="ADC")), 2)
        # 10:00 at +01:00 is 9:00 UTC; 9:30 without an offset is taken as UTC and is later.
        self.assertEqual(case.latest(quantity="ADC").reader, "B")
        self.assertIsNone(case.latest(quantity="T1"))
        self.assertEqual(case.lesion(UID).identifier, "L1")
        self.assertIsNone(case.lesion("1.1"))

    def test_damaged_json_is_refused_with_a_reason(self):
        good = json.loads(a_case().to_json())

        def damaged(change):
            content = json.loads(json.dumps(good))
            change(content)
            return json.dumps(content)

        for change, says in (
            (lambda c: c.update(schema=2), "schema"),
            (lambda c: c.pop("patient"), "missing field patient"),
            (lambda c: c.update(colour="red"), "unknown field colour"),
            (lambda c: c.update(lesions={}), "'lesions' must be a list"),
            (lambda c: c["lesions"][0].update(uid="abc"), "lesions[0]"),
            (lambda c: c["lesions"][0].update(kind="big"), "'big'"),
            (lambda c: c["lesions"][0].update(lymph_node="no"), "lymph_node must be true or false"),
            (lambda c: c["measurements"][1].update(unit="m2/s"), "measurements[1]"),
            (lambda c: c["measurements"][0].update(patient=7), "patient must be text"),
            (lambda c: c["time_points"][0].update(date="1.3.2026"), "ISO 8601"),
            (lambda c: c["images"][0].update(role="MAGIC"), "MAGIC"),
            (lambda c: c["images"][0].update(time_point=9), "time point 9"),
            (lambda c: c["measurements"].append(c["measurements"][0]), "stands twice"),
            (lambda c: c["lesions"].append(c["lesions"][0]), "stands twice"),
            (lambda c: c["lesions"][0].update(in_field="yes"), "in_field must be true, false or empty"),
            (lambda c: c["lesions"][0].update(in_field=1), "in_field must be true, false or empty"),
            (lambda c: c["lesions"][0].update(in_field=False), "outside the radiation field"),
            (lambda c: c["lesions"][0].update(fractions=None), "both the dose in Gy and the number"),
            (lambda c: c["lesions"][0].update(fractions=0), "50.4 Gy in 0 fractions"),
            (lambda c: c["lesions"][0].update(porta_hepatis=True), "only a lymph node"),
            (lambda c: c["lesions"][2].update(split_from="2.25.7"), "which the case does not have"),
            (lambda c: c["lesions"][0].update(split_from="2.25.100"), "part of itself"),
            (lambda c: c["images"][0].update(slice_thickness_mm=0), "slice thickness of 0 mm"),
            (lambda c: c["time_points"][0].update(afp_ng_ml=-1), "AFP must be 0 ng/mL or more"),
            (lambda c: c["findings"][0].update(state="bigger"), "'bigger'"),
            (lambda c: c["findings"][0].update(time_point=5), "time point 5"),
            (lambda c: c["findings"][0].update(time_point=-1), "findings[0]"),
            (lambda c: c["findings"][0].update(lesion_uid="2.25.7"), "lesion 2.25.7"),
            (lambda c: c["findings"][0].update(merged_with=UID), "only that, names the lesion"),
            (lambda c: c["findings"][1].update(merged_with=""), "names the lesion"),
            (lambda c: c["findings"][1].update(merged_with=UID), "merged with itself"),
            (lambda c: c["findings"].append(c["findings"][0]), "stands twice"),
            (lambda c: c["exclusions"].append(c["exclusions"][0]), "stands twice"),
            (lambda c: c["exclusions"][0].update(lesion_uid="2.25.7"), "left out of the assessment, but the case does not have it"),
            (lambda c: c["exclusions"][0].update(reason=" "), "left out of the assessment for a reason"),
            (lambda c: c["time_points"][0].update(index=-1), "must be 0 (baseline)"),
            (lambda c: c["time_points"][0].update(weeks_from_baseline=float("inf")), "is not a number"),
        ):
            with self.subTest(says), self.assertRaises(InputError) as raised:
                Case.from_json(damaged(change))
            self.assertIn(says, str(raised.exception))
        for text in ("", "[]", "{", "null", '{"schema": 1, "patient": "P", "lesions": [3]}'):
            with self.subTest(text), self.assertRaises(InputError):
                Case.from_json(text)

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.builds(
                lambda quantity, statistic, value, reader, time_point: measurement(
                    quantity=quantity,
                    unit=canonical_unit(QUANTITIES[quantity], statistic).value,
                    statistic=statistic,
                    value=value,
                    reader=reader,
                    time_point=time_point,
                ),
                st.sampled_from(sorted(QUANTITIES)),
                st.sampled_from(["", *STATISTICS]),
                st.floats(allow_infinity=False),
                st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20),
                st.integers(0, 5),
            ),
            max_size=20,
            unique_by=lambda one: one.key,
        ),
    )
    def test_any_measurement_survives_json(self, rows):
        case = Case("P", measurements=rows)
        again = Case.from_json(case.to_json())
        self.assertEqual([one.key for one in again.measurements], [one.key for one in rows])
        for one, other in zip(rows, again.measurements, strict=True):
            self.assertTrue(one.value == other.value or (math.isnan(one.value) and math.isnan(other.value)))


class ChangeTest(unittest.TestCase):
    def test_percent_change(self):
        self.assertAlmostEqual(percent_change(62.0, 98.0), 58.0645, places=4)  # Horger, patient 21
        self.assertAlmostEqual(percent_change(50.0, 60.0), 20.0)
        self.assertTrue(math.isnan(percent_change(0.0, 5.0)))
        self.assertTrue(math.isnan(percent_change(5.0, math.nan)))
        with self.assertRaises(InputError):
            percent_change(-1.0, 2.0)

    def test_nadir(self):
        values = [50.0, 38.0, math.nan, 38.0, 30.0]
        self.assertEqual(nadir(values, 4), (1, 38.0))
        self.assertEqual(nadir(values), (4, 30.0))
        self.assertEqual(nadir(values, 1), (0, 50.0))
        with self.assertRaises(InputError):
            nadir([math.nan])
        with self.assertRaises(InputError):
            nadir(values, 0)

    def test_trend(self):
        self.assertIs(trend(1.0, 1.2), Trend.INCREASE)
        self.assertIs(trend(1.0, 0.9), Trend.DECREASE)
        self.assertIs(trend(1.0, 1.0), Trend.UNCHANGED)
        self.assertIs(trend(1.0, 1.2, repeatability_percent=27.0), Trend.UNCHANGED)
        self.assertIs(trend(1.0, 1.3, repeatability_percent=27.0), Trend.INCREASE)
        self.assertIsNone(trend(math.nan, 1.0))


if __name__ == "__main__":
    unittest.main()

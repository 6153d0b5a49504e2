"""Change of ADC, Ktrans and any other quantity with its repeatability; ADC never without T1 grades; AFP; dose; response rate."""

import math
import unittest

from response_case import make_case, row

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.change import Trend
from HCCResponseLib.response.criteria import (
    Category,
    adc_changes,
    afp_response,
    afp_responses,
    bed,
    convert_as_cha,
    eqd2,
    ktrans_changes,
    lesion_changes,
    lesion_doses,
    response_rate,
)


def adc(values, grades=(2.0, 2.0), **lesion):
    return make_case({"L1": lesion}, {("L1", "ADC"): list(values), ("L1", "T1_GRADE"): list(grades)})


class AdcTest(unittest.TestCase):
    def test_changes_inside_the_repeatability_are_none(self):
        for now, category, inside in (
            (1.27e-3, Trend.UNCHANGED, True),  # exactly 27 %
            (1.271e-3, Trend.INCREASE, False),
            (0.73e-3, Trend.UNCHANGED, True),
            (0.729e-3, Trend.DECREASE, False),
            (1.0e-3, Trend.UNCHANGED, True),
        ):
            with self.subTest(now):
                (change,) = adc_changes(adc([1.0e-3, now]))
                self.assertEqual((change.category, change.inside_repeatability), (category, inside))
                self.assertAlmostEqual(change.percent, 100.0 * (now / 1.0e-3 - 1.0))
                self.assertEqual(change.repeatability_percent, 27.0)

    def test_reason_has_the_numbers_and_the_t1_grades(self):
        (change,) = adc_changes(adc([1.0e-3, 1.3e-3], (2.0, 2.0)))
        self.assertEqual(
            change.reason,
            "increase: ADC of L1 1.30 10⁻³ mm²/s at week 4, +30.0 % from 1.00 10⁻³ mm²/s at baseline, beyond the repeatability of 27 %; "
            "T1 grade 2 at baseline, 2 now.",
        )
        self.assertEqual(change.t1_grades, (2, 2))
        self.assertEqual(len(change.measurements), 4)
        (change,) = adc_changes(adc([1.0e-3, 1.3e-3], (2.0, 4.0)))
        self.assertIn("T1 grade 2 at baseline, 4 now: T1 has risen, haemorrhage may confound ADC", change.reason)

    def test_adc_is_withheld_without_both_t1_grades(self):
        for grades, where in (((None, 4.0), "baseline"), ((2.0, None), "week 4"), ((2.0, 7.0), "week 4"), ((2.5, 4.0), "baseline")):
            with self.subTest(grades):
                (change,) = adc_changes(adc([1.0e-3, 1.3e-3], grades))
                self.assertIsNone(change.category)
                self.assertTrue(math.isnan(change.value) and math.isnan(change.baseline) and math.isnan(change.percent))
                self.assertEqual(change.reason, f"NE: ADC of L1 is not shown without the T1 grade at {where}; grade T1 first.")

    def test_the_programs_proposed_grade_does_not_do(self):
        case = make_case({"L1": {}}, {("L1", "ADC"): [1e-3, 1.3e-3], ("L1", "T1_GRADE_PROPOSAL"): [2.0, 2.0]})
        self.assertIsNone(adc_changes(case)[0].category)

    def test_the_exploratory_cut_off_is_told_for_bone_only(self):
        for now, says in ((1.068e-3, "+6.8 % is above +6.79 %"), (1.0679e-3, "+6.79 % is not above"), (0.9e-3, "-10.0 % is not above")):
            (change,) = adc_changes(adc([1.0e-3, now], organ="bone"))
            self.assertIn(says, change.notes[0])
            self.assertIn("exploratory", change.notes[0])
        self.assertEqual(adc_changes(adc([1.0e-3, 1.1e-3]))[0].notes, ())
        self.assertEqual(adc_changes(adc([1.0e-3, 1.1e-3], organ="bone", in_field=False))[0].notes, ())

    def test_missing_values_and_a_baseline_of_0(self):
        self.assertEqual(adc_changes(adc([1.0e-3, None, 1.0e-3], (2.0,) * 3))[0].reason, "NE: ADC of L1 was not measured at week 4.")
        self.assertEqual(adc_changes(adc([math.nan, 1e-3]))[0].reason, "NE: ADC of L1 was not measured at baseline.")
        self.assertIn("a percent change says nothing", adc_changes(adc([0.0, 1e-3]))[0].reason)

    def test_another_method_is_told(self):
        rows = [row("L1", "ADC", 0, 1e-3, method="b = 0, 800"), row("L1", "ADC", 1, 1e-3, method="b = 50, 800")]
        case = make_case({"L1": {}}, {("L1", "T1_GRADE"): [2.0, 2.0]}, rows=rows)
        change = adc_changes(case)[0]
        self.assertIsNone(change.category)
        self.assertTrue(math.isnan(change.percent))
        self.assertIn("in another way (b = 50, 800) than at baseline (b = 0, 800), the two are not compared", change.reason)

    def test_only_lesions_that_were_measured_and_only_follow_ups(self):
        case = make_case({"L1": {}, "L2": {}}, {("L1", "ADC"): [1e-3, 1e-3, 1e-3], ("L1", "T1_GRADE"): [2.0, 2.0, 2.0]})
        self.assertEqual([(one.lesion.identifier, one.time_point) for one in adc_changes(case)], [("L1", 1), ("L1", 2)])


class OtherQuantitiesTest(unittest.TestCase):
    def test_ktrans(self):
        case = make_case({"L1": {}}, {("L1", "KTRANS"): [0.2, 0.1, 0.05]})
        first, second = ktrans_changes(case)
        self.assertEqual((first.category, first.percent), (Trend.UNCHANGED, -50.0))
        self.assertEqual((second.category, second.percent), (Trend.DECREASE, -75.0))
        self.assertIsNone(first.t1_grades)
        self.assertIn("0.100 /min at week 4, -50.0 % from 0.200 /min at baseline, inside the repeatability of 55.7 %", first.reason)
        self.assertTrue(first.reason.endswith("55.7 % (published for the prostate)."))

    def test_your_own_repeatability(self):
        case = make_case({"L1": {}}, {("L1", "KTRANS"): [0.2, 0.1]})
        (change,) = lesion_changes(case, "KTRANS", statistic="median", repeatability_percent=20.0)
        self.assertIs(change.category, Trend.DECREASE)
        self.assertTrue(change.reason.endswith("beyond the repeatability of 20 %."))

    def test_a_repeatability_from_elsewhere_is_named(self):
        (change,) = adc_changes(adc([1.0e-3, 1.3e-3], organ="bone"))
        self.assertIn("beyond the repeatability of 27 % (published for liver lesions); T1 grade", change.reason)

    def test_grades_without_a_reader_are_named(self):
        rows = [row("L1", "T1_GRADE", index, 2.0, reader="") for index in (0, 1)]
        (change,) = adc_changes(make_case({"L1": {}}, {("L1", "ADC"): [1e-3, 1.1e-3]}, rows=rows))
        self.assertEqual(change.notes, ("T1 grade: measured by the program, not by reader A.",))

    def test_a_quantity_of_unknown_repeatability(self):
        case = make_case({"L1": {}}, {("L1", "VOLUME"): [10.0, 10.1]})
        (change,) = lesion_changes(case, "VOLUME")
        self.assertEqual((change.category, change.inside_repeatability), (Trend.INCREASE, False))
        self.assertEqual(change.reason, "increase: Volume of L1 10.10 mL at week 4, +1.0 % from 10.00 mL at baseline.")
        (change,) = lesion_changes(make_case({"L1": {}}, {("L1", "VOLUME"): [10.0, 10.0]}), "VOLUME")
        self.assertEqual((change.category, change.inside_repeatability), (Trend.UNCHANGED, False))

    def test_adc_by_the_general_way_needs_t1_too(self):
        case = make_case({"L1": {}}, {("L1", "ADC"): [1e-3, 1.3e-3]})
        self.assertIsNone(lesion_changes(case, "ADC", statistic="median")[0].category)

    def test_an_unknown_quantity_is_refused(self):
        with self.assertRaises(InputError):
            lesion_changes(make_case({}, {}), "SUV")


class AfpTest(unittest.TestCase):
    def test_more_than_80_percent(self):
        self.assertFalse(afp_response(100.0, 20.0))
        self.assertTrue(afp_response(100.0, 19.9))
        self.assertTrue(afp_response(100.0, 0.0))
        self.assertFalse(afp_response(0.3, 0.06))  # 80 % but for binary arithmetic
        for baseline, value in ((0.0, 1.0), (-1.0, 1.0), (10.0, -1.0), (math.nan, 1.0), (10.0, math.nan), (10.0, math.inf)):
            with self.assertRaises(InputError):
                afp_response(baseline, value)

    def test_case(self):
        case = make_case({}, {}, examinations=3, afp_ng_ml=(400.0, 60.0, None))
        first, second = afp_responses(case)
        self.assertEqual(first.reason, "response: AFP 60 ng/mL at week 4, -85.0 % from 400 ng/mL at baseline.")
        self.assertEqual((second.response, second.reason), (None, "NE: AFP at week 8 is not known."))
        self.assertEqual(afp_responses(make_case({}, {}, examinations=2)), ())
        for baseline in (None, 0.0):
            (only,) = afp_responses(make_case({}, {}, examinations=2, afp_ng_ml=(baseline, 60.0)))
            self.assertEqual(only.reason, "NE: AFP at baseline is not known or 0.")
        (only,) = afp_responses(make_case({}, {}, examinations=2, afp_ng_ml=(100.0, 30.0)))
        self.assertTrue(only.reason.startswith("no response: AFP 30 ng/mL"))


class DoseTest(unittest.TestCase):
    def test_bed_and_eqd2(self):
        self.assertAlmostEqual(bed(60.0, 2.0), 72.0)
        self.assertAlmostEqual(eqd2(60.0, 2.0), 60.0)
        self.assertAlmostEqual(eqd2(60.0, 2.0, 3.0), 60.0)
        self.assertAlmostEqual(bed(54.0, 18.0), 151.2)
        self.assertAlmostEqual(eqd2(54.0, 18.0), 126.0)
        self.assertAlmostEqual(bed(30.0, 3.0, 3.0), 60.0)

    def test_conversion_keeps_the_exact_number_of_fractions(self):
        converted = convert_as_cha(39.0, 3.0)
        self.assertEqual((converted.dose_gy, converted.fractions), (43.2, 24))
        self.assertAlmostEqual(converted.exact_fractions, 39.0 * 1.3 / (1.8 * 1.18))

    def test_doses_of_lesions(self):
        case = make_case({"L1": dict(in_field=True, dose_gy=36.0, fractions=12), "L2": {}}, {})
        (found,) = lesion_doses(case)
        self.assertAlmostEqual(found.bed_gy, 46.8)
        self.assertAlmostEqual(found.eqd2_gy, 39.0)
        self.assertEqual(
            found.reason,
            "L1: 36 Gy in 12 fractions of 3 Gy; with alpha/beta 10 Gy BED 46.8 Gy, EQD2 39.0 Gy, 39.6 Gy in fractions of 1.8 Gy.",
        )
        self.assertEqual(lesion_doses(case, 3.0)[0].converted.dose_gy, 45.0)
        (single,) = lesion_doses(make_case({"L1": dict(dose_gy=20.0, fractions=1)}, {}))
        self.assertTrue(single.reason.startswith("L1: 20 Gy in 1 fraction; with alpha/beta 10 Gy BED 60.0 Gy, EQD2 50.0 Gy"))

    def test_doses_that_cannot_be_are_refused(self):
        for dose, fraction, ratio in ((0.0, 1.0, 10.0), (10.0, 0.0, 10.0), (10.0, 2.0, 0.0), (10.0, 2.0, math.nan), (2.0, 10.0, 10.0)):
            for function in (bed, eqd2, convert_as_cha):
                with self.assertRaises(InputError):
                    function(dose, fraction, ratio)
        self.assertAlmostEqual(bed(2.0, 2.0), 2.4)


class ResponseRateTest(unittest.TestCase):
    def test_all_patients_are_counted(self):
        rate = response_rate([Category.CR, Category.PR, Category.SD, Category.NE])
        self.assertEqual((rate.responders, rate.total, rate.rate, rate.counts[Category.PD]), (2, 4, 0.5, 0))
        self.assertAlmostEqual(rate.interval[0], 0.06759, places=5)  # R: binom.test(2, 4)
        self.assertAlmostEqual(rate.interval[1], 0.93241, places=5)

    def test_nobody_and_a_baseline_are_refused(self):
        for categories in ([], [Category.BASELINE, Category.CR]):
            with self.assertRaises(InputError):
                response_rate(categories)


if __name__ == "__main__":
    unittest.main()

"""Criteria that disagree are told so, with necrosis; cautions on growth, haemorrhage and lesions to leave out."""

import math
import unittest

from response_case import make_case

from HCCResponseLib.lesions.necrosis_score import NecrosisScore
from HCCResponseLib.response.criteria import (
    CautionKind,
    adc_changes,
    assess,
    exclusion_cautions,
    find_discordances,
    haemorrhage_cautions,
    mrecist,
    necrotic_growth_cautions,
    recist,
)
from HCCResponseLib.response.criteria.discordance import total_necrotic_fraction

TARGET = dict(kind="target", proven=True)


def growing(**values):
    series = {"LONG_AXIS": [40.0, 58.0], "VIABLE_DIAMETER": [40.0, 15.2], "NECROTIC_FRACTION": [0.1, 0.8]} | values
    return make_case({"L1": TARGET}, {("L1", quantity): one for quantity, one in series.items() if one})


class DiscordanceTest(unittest.TestCase):
    def test_growth_that_is_necrotic(self):
        (found,) = assess(growing()).discordances
        self.assertEqual(
            found.reason,
            "RECIST 1.1 PD (+45.0 %), mRECIST PR (-62.0 %), necrosis <25 -> >75 %: growth is necrotic, possible pseudoprogression.",
        )
        self.assertTrue(found.opposite)
        self.assertEqual(found.necrosis, (NecrosisScore.UNDER_25, NecrosisScore.OVER_75))

    def test_contradiction_without_known_necrosis(self):
        (found,) = assess(growing(NECROTIC_FRACTION=None)).discordances
        self.assertEqual(found.reason, "RECIST 1.1 PD (+45.0 %), mRECIST PR (-62.0 %): the criteria contradict each other.")
        self.assertIsNone(found.necrosis)
        self.assertIsNone(assess(growing(NECROTIC_FRACTION=[0.1, None])).discordances[0].necrosis)

    def test_a_difference_is_told_too(self):
        (found,) = assess(growing(LONG_AXIS=[40.0, 40.0], NECROTIC_FRACTION=[0.5, 0.0])).discordances
        self.assertEqual(
            found.reason,
            "RECIST 1.1 SD (+0.0 %), mRECIST PR (-62.0 %), necrosis <75 -> none: "
            "viable tumour responds better than the whole lesions show.",
        )
        self.assertFalse(found.opposite)

    def test_what_did_not_change_is_not_told_as_a_change(self):
        for fractions, says in (([0.05, 0.2], "necrosis <25 % as at baseline"), ([0.0, 0.0], "no necrosis")):
            (found,) = assess(growing(LONG_AXIS=[40.0, 37.0], NECROTIC_FRACTION=fractions)).discordances
            self.assertIn(f"mRECIST PR (-62.0 %), {says}", found.reason)

    def test_viable_tumour_that_responds_worse(self):
        (found,) = assess(growing(LONG_AXIS=[40.0, 25.0], VIABLE_DIAMETER=[20.0, 18.0], NECROTIC_FRACTION=None)).discordances
        self.assertEqual(
            found.reason, "RECIST 1.1 PR (-37.5 %), mRECIST SD (-10.0 %): viable tumour responds worse than the whole lesions show.",
        )

    def test_diameters_and_products_that_differ(self):
        values = {"LONG_AXIS": [40.0, 32.0], "SHORT_AXIS": [40.0, 20.0], "VIABLE_DIAMETER": None, "NECROTIC_FRACTION": None}
        (found,) = assess(growing(**values)).discordances
        self.assertEqual(found.reason, "RECIST 1.1 SD (-20.0 %), WHO PR (-60.0 %): the criteria differ.")

    def test_progression_over_a_later_nadir_says_so(self):
        case = growing(LONG_AXIS=[40.0, 30.0, 39.0], VIABLE_DIAMETER=[40.0, 30.0, 30.0], NECROTIC_FRACTION=None)
        (found,) = assess(case).discordances
        self.assertTrue(found.reason.startswith("RECIST 1.1 PD (+30.0 % over the nadir), mRECIST SD (-25.0 %)"), found.reason)

    def test_growth_is_not_called_necrotic_where_something_else_progresses(self):
        # a new lesion that mRECIST does not count: RECIST is progression by more than growth
        series = {"LONG_AXIS": [40.0, 58.0], "VIABLE_DIAMETER": [40.0, 15.2], "NECROTIC_FRACTION": [0.1, 0.8]}
        values = {("L1", quantity): one for quantity, one in series.items()} | {("N", "LONG_AXIS"): [None, 8.0]}
        (found,) = assess(make_case({"L1": TARGET, "N": dict(kind="new")}, values)).discordances
        self.assertTrue(found.reason.endswith("the criteria contradict each other."), found.reason)
        # not a target
        lesions = {"L1": TARGET, "L2": dict(kind="non-target"), "N": dict(kind="new")}
        values = {
            ("L1", "LONG_AXIS"): [40.0, 40.0], ("L1", "VIABLE_DIAMETER"): [40.0, 20.0], ("N", "LONG_AXIS"): [None, 8.0],
            ("L2", "LONG_AXIS"): [20.0, 30.0], ("L2", "NECROTIC_FRACTION"): [0.0, 0.5],
        }  # fmt: skip
        (found,) = assess(make_case(lesions, values)).discordances
        self.assertTrue(found.reason.startswith("RECIST 1.1 PD (new lesion), mRECIST PR (-50.0 %): the criteria contradict"), found.reason)
        # viable tumour grows as well, which no viable diameter tells
        series = {"LONG_AXIS": [40.0, 50.0], "SHORT_AXIS": [40.0, 32.0], "VOLUME": [30.0, 80.0], "NECROTIC_FRACTION": [0.1, 0.3]}
        found = assess(make_case({"L1": TARGET}, {("L1", quantity): one for quantity, one in series.items()}))
        self.assertEqual([one.kind for one in found.cautions], [CautionKind.PARTLY_NECROTIC_GROWTH])
        self.assertEqual(
            found.discordances[0].reason,
            "RECIST 1.1 PD (+25.0 %), WHO SD (+0.0 %), necrosis <25 -> <50 %: the criteria differ.",
        )

    def test_agreement_and_what_cannot_be_evaluated_are_silent(self):
        self.assertEqual(assess(growing(LONG_AXIS=[40.0, 20.0])).discordances, ())
        self.assertEqual(assess(growing(LONG_AXIS=[40.0, None])).discordances, ())

    def test_criteria_whose_targets_nobody_measured_are_not_compared(self):
        values = {("L1", "LONG_AXIS"): [40.0, 40.0]}
        case = make_case({"L1": TARGET, "X": dict(kind="new")}, values, findings=[("X", 1, "present")])
        found = assess(case)
        self.assertEqual(found.discordances, ())
        self.assertEqual(set(found.criteria), {"RECIST 1.1", "Choi (exploratory on MRI)"})

    def test_without_targets_nothing_is_told_of_necrosis(self):
        case = growing()
        (found,) = find_discordances(case, [recist(case), mrecist(case)])
        self.assertEqual(found.reason, "RECIST 1.1 PD (+45.0 %), mRECIST PR (-62.0 %): the criteria contradict each other.")

    def test_necrosis_of_several_targets_is_weighted_with_their_volumes(self):
        lesions = {"L1": TARGET, "L2": TARGET}
        values = {
            ("L1", "VOLUME"): [30.0, 30.0], ("L1", "NECROTIC_FRACTION"): [0.1, 0.9],
            ("L2", "VOLUME"): [10.0, 0.0], ("L2", "NECROTIC_FRACTION"): [0.5, None],
        }  # fmt: skip
        case = make_case(lesions, values)
        self.assertAlmostEqual(total_necrotic_fraction(case, case.lesions, 0), 0.2)
        self.assertAlmostEqual(total_necrotic_fraction(case, case.lesions, 1), 0.9)
        self.assertAlmostEqual(total_necrotic_fraction(case, case.lesions[:1], 1), 0.9)
        case = make_case(lesions, {("L1", "NECROTIC_FRACTION"): [0.1], ("L2", "NECROTIC_FRACTION"): [0.1]})
        self.assertTrue(math.isnan(total_necrotic_fraction(case, case.lesions, 0)))


class NecroticGrowthTest(unittest.TestCase):
    def cautions(self, **values):
        return necrotic_growth_cautions(make_case({"L1": TARGET}, {("L1", quantity): series for quantity, series in values.items()}))

    def test_growth_of_exactly_20_percent_is_not_more(self):
        self.assertEqual(self.cautions(LONG_AXIS=[50.0, 60.0], NECROTIC_FRACTION=[0.0, 0.5]), ())
        (found,) = self.cautions(LONG_AXIS=[50.0, 60.5], NECROTIC_FRACTION=[0.0, 0.5])
        self.assertEqual((found.kind, found.time_point, len(found.measurements)), (CautionKind.NECROTIC_GROWTH, 1, 4))
        self.assertEqual(
            found.sentence,
            "L1 at week 4 against baseline: Growth is necrotic: diameter +21.0 % (more than 20 %) with new necrosis; "
            "possible pseudoprogression.",
        )

    def test_volume_does_as_well(self):
        (found,) = self.cautions(VOLUME=[10.0, 13.0], NECROTIC_FRACTION=[0.2, 0.5])
        self.assertEqual(
            found.sentence,
            "L1 at week 4 against baseline: Growth is necrotic: volume +30.0 % (more than 20 %) with increasing necrosis, "
            "viable volume -18.8 %; possible pseudoprogression.",
        )

    def test_growth_after_shrinkage_is_seen_against_the_smallest(self):
        (found,) = self.cautions(LONG_AXIS=[50.0, 30.0, 45.0], NECROTIC_FRACTION=[0.6, 0.2, 0.6])
        self.assertIn("L1 at week 8 against week 4", found.sentence)

    def test_without_increasing_necrosis_or_without_numbers_there_is_none(self):
        self.assertEqual(self.cautions(LONG_AXIS=[50.0, 80.0], NECROTIC_FRACTION=[0.5, 0.5]), ())
        self.assertEqual(self.cautions(LONG_AXIS=[50.0, 80.0]), ())
        self.assertEqual(self.cautions(NECROTIC_FRACTION=[0.1, 0.5]), ())
        self.assertEqual(self.cautions(LONG_AXIS=[0.0, 80.0], NECROTIC_FRACTION=[0.1, 0.5]), ())

    def test_lesions_that_were_left_out_raise_none(self):
        values = {("L1", "LONG_AXIS"): [50.0, 80.0], ("L1", "NECROTIC_FRACTION"): [0.1, 0.5]}
        case = make_case({"L1": dict(ill_defined=True)}, values, excluded={"L1": "ill-defined"})
        self.assertEqual((necrotic_growth_cautions(case), exclusion_cautions(case)), ((), ()))


class OtherCautionsTest(unittest.TestCase):
    def test_haemorrhage(self):
        values = {("L1", "ADC"): [1e-3, 1.1e-3, 1.1e-3, 1.1e-3], ("L1", "T1_GRADE"): [2.0, 3.0, 2.0, None]}
        found = haemorrhage_cautions(adc_changes(make_case({"L1": {}}, values)))
        self.assertEqual([(one.kind, one.time_point) for one in found], [(CautionKind.HAEMORRHAGE, 1)])
        self.assertTrue(found[0].sentence.startswith("ADC of L1 1.10"), found[0].sentence)

    def test_lesions_to_leave_out(self):
        lesions = {
            "A": {},
            "B": dict(proven=True),
            "C": dict(previously_treated=True),
            "D": dict(ill_defined=True),
            "E": {},
            "F": {},
        }
        values = {(name, "LONG_AXIS"): [8.0, 9.0] if name in "AB" else [20.0, 20.0] for name in lesions}
        found = exclusion_cautions(make_case(lesions, values, findings=[("E", 1, "merged", "F")]))
        self.assertEqual(
            [one.sentence for one in found],
            [
                "A: 8.0 to 9.0 mm in 2 examinations: under 10 mm, stable and unproven.",
                "C: Treated before: locally, before this therapy.",
                "D: Ill-defined, as the reader says.",
                "E: Runs together with F; measured together they have one joint diameter.",
                "F: Runs together with E; measured together they have one joint diameter.",
            ],
        )
        self.assertEqual([len(one.measurements) for one in found], [2, 0, 0, 0, 0])


if __name__ == "__main__":
    unittest.main()

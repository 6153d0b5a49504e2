"""All criteria of a case at once: what applies, what does not, and JSON."""

import json
import unittest

from response_case import make_case, row

from HCCResponseLib.response.case import Case
from HCCResponseLib.response.criteria import Category, assess

TARGET = dict(kind="target")


def full_case(**more):
    lesions = {"L1": TARGET | dict(in_field=True, dose_gy=50.4, fractions=28), "B1": dict(kind="non-target", organ="bone", in_field=False)}
    values = {
        ("L1", "LONG_AXIS"): [40.0, 58.0], ("L1", "SHORT_AXIS"): [30.0, 50.0], ("L1", "VOLUME"): [20.0, 60.0],
        ("L1", "VIABLE_DIAMETER"): [40.0, 15.0], ("L1", "VIABLE_SHORT_AXIS"): [30.0, 10.0], ("L1", "VIABLE_VOLUME"): [20.0, 5.0],
        ("L1", "NECROTIC_FRACTION"): [0.0, 0.9], ("L1", "ENHANCEMENT"): [1.0, 0.2],
        ("L1", "ADC"): [1.0e-3, 1.5e-3], ("L1", "KTRANS"): [0.2, 0.05], ("L1", "T1_GRADE"): [2.0, 5.0], ("L1", "T2_GRADE"): [4.0, 5.0],
        ("B1", "LONG_AXIS"): [20.0, 20.0], ("B1", "SHORT_AXIS"): [20.0, 20.0],
    }  # fmt: skip
    return make_case(lesions, values, afp_ng_ml=(400.0, 60.0), **more)


class AssessTest(unittest.TestCase):
    def test_every_criterion(self):
        found = assess(full_case())
        self.assertEqual(
            {name: str(result.at(1).category) for name, result in found.criteria.items()},
            {
                "RECIST 1.1": "PD",
                "mRECIST": "PR",
                "EASL": "PR",
                "WHO": "PD",
                "MD Anderson (bone)": "SD",
                "Choi (exploratory on MRI)": "PR",
                "Volume (exploratory)": "PD",
                "Viable volume (exploratory)": "PR",
            },
        )
        self.assertEqual(found.not_applicable, {})
        self.assertEqual(found.best["mRECIST"].category, Category.PR)
        self.assertEqual([one.quantity for one in found.changes], ["ADC", "KTRANS"])
        self.assertEqual(found.horger[0].t1_response, 1)
        self.assertEqual(found.field["mRECIST"].in_field.at(1).category, Category.PR)
        self.assertTrue(found.afp[0].response)
        self.assertEqual(found.doses[0].converted.fractions, 28)
        self.assertIn("growth is necrotic", found.discordances[0].reason)
        self.assertEqual((found.reader, found.patient, found.notes), ("A", "P", ()))

    def test_every_reason_begins_with_its_category_and_is_one_sentence(self):
        for result in assess(full_case()).criteria.values():
            for one in result.assessments:
                self.assertTrue(one.reason.startswith(f"{one.category}: "), one.reason)
                self.assertTrue(one.reason.endswith("."))
                self.assertNotIn(". ", one.reason)

    def test_every_measurement_named_is_a_row_of_the_case(self):
        case = full_case()
        keys = {one.key for one in case.measurements}
        found = assess(case)
        used = [one for result in found.criteria.values() for one in result.assessments]
        for one in (*used, *found.changes, *found.cautions, *(part for course in found.horger for part in course.assessments)):
            self.assertLessEqual(set(one.measurements), keys)
        self.assertTrue(all(one.measurements for one in used))

    def test_json_holds_everything_and_no_nan(self):
        content = json.loads(assess(full_case()).to_json())
        self.assertEqual(content["criteria"]["RECIST 1.1"]["assessments"][1]["category"], "PD")
        self.assertEqual(content["best"]["mRECIST"]["category"], "PR")
        self.assertIn("field", content)
        case = make_case({"L1": TARGET}, {("L1", "LONG_AXIS"): [20.0, None]}, examinations=2)
        content = json.loads(assess(case).to_json())
        self.assertIsNone(content["criteria"]["RECIST 1.1"]["assessments"][1]["numbers"]["sum_mm"])

    def test_what_was_not_measured_does_not_apply_and_says_why(self):
        found = assess(make_case({"L1": TARGET}, {("L1", "LONG_AXIS"): [20.0, 10.0]}))
        self.assertEqual(set(found.criteria), {"RECIST 1.1", "Choi (exploratory on MRI)"})
        self.assertEqual(found.not_applicable["mRECIST"], "L1 has no viable diameter at baseline")
        self.assertEqual(found.not_applicable["MD Anderson (bone)"], "there are no lesions to assess")
        self.assertEqual((found.field, found.afp, found.changes), ({}, (), ()))
        # nobody chose: without a viable diameter at baseline there is no target to propose
        found = assess(make_case({"L1": {}}, {("L1", "LONG_AXIS"): [20.0, 10.0]}))
        self.assertEqual(found.not_applicable["mRECIST"], "no target was measured for it at baseline; non-target L1 not evaluated")

    def test_volumes_without_targets_are_not_followed(self):
        found = assess(make_case({"L1": {}}, {("L1", "VOLUME"): [40.0, 80.0], ("L1", "VIABLE_VOLUME"): [40.0, 80.0]}))
        self.assertEqual(found.criteria, {})
        self.assertEqual(
            found.not_applicable["Volume (exploratory)"],
            "there are no targets to follow; measure the longest diameters at baseline, or choose the targets",
        )
        self.assertIn("the viable diameters at baseline", found.not_applicable["Viable volume (exploratory)"])
        chosen = assess(make_case({"L1": TARGET}, {("L1", "VOLUME"): [40.0, 80.0]}))
        self.assertIs(chosen.criteria["Volume (exploratory)"].at(1).category, Category.PD)

    def test_a_criterion_without_a_baseline_does_not_apply(self):
        found = assess(make_case({"L1": TARGET}, {("L1", "LONG_AXIS"): [20.0, 10.0], ("L1", "VIABLE_DIAMETER"): [None, 10.0]}))
        self.assertEqual(found.not_applicable["mRECIST"], "L1 has no viable diameter at baseline")

    def test_one_examination_only(self):
        found = assess(make_case({"L1": TARGET}, {("L1", "LONG_AXIS"): [20.0]}))
        self.assertEqual(found.criteria["RECIST 1.1"].categories, (Category.BASELINE,))
        self.assertEqual(found.best["RECIST 1.1"].reason, "NE: there is no follow-up.")
        self.assertEqual(found.not_applicable["mRECIST"], "nothing was measured for it at baseline")
        self.assertEqual(found.notes, ("There is one examination only; a response needs a follow-up.",))

    def test_an_empty_case(self):
        found = assess(Case("P"))
        self.assertEqual((found.criteria, len(found.not_applicable)), ({}, 8))
        json.loads(found.to_json())

    def test_rows_of_examinations_that_are_not_there_are_told(self):
        found = assess(full_case(rows=[row("L1", "LONG_AXIS", 7, 3.0)]))
        self.assertEqual(found.notes, ("Measurements of time points that the case does not have (7) were left out: 1.",))

    def test_patients_without_targets(self):
        case = make_case({"N": dict(kind="non-target")}, {}, findings=[("N", 0, "present"), ("N", 1, "absent")], examinations=2)
        self.assertIs(assess(case).criteria["RECIST 1.1"].at(1).category, Category.CR)

    def test_confirmation_is_handed_on(self):
        case = make_case({"L1": TARGET}, {("L1", "LONG_AXIS"): [20.0, 10.0, 20.0]}, weeks=(0.0, 4.0, 5.0))
        self.assertIs(assess(case).best["RECIST 1.1"].category, Category.PR)
        self.assertIs(assess(case, confirmation=True).best["RECIST 1.1"].category, Category.SD)


if __name__ == "__main__":
    unittest.main()

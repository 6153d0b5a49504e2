"""WHO and MD Anderson: products and sums of two diameters of whole lesions."""

import unittest

from response_case import make_case

from HCCResponseLib.response.criteria import BoneMeasure, Category, mdanderson, who

CR, PR, SD, PD, NE, BASELINE = Category.CR, Category.PR, Category.SD, Category.PD, Category.NE, Category.BASELINE
TARGET = dict(kind="target")
BONE = dict(kind="non-target", organ="bone")


def products(name, *pairs):
    return {(name, "LONG_AXIS"): [long for long, _short in pairs], (name, "SHORT_AXIS"): [short for _long, short in pairs]}


class WhoTest(unittest.TestCase):
    def test_limits(self):
        for now, category in (((20.0, 10.0), PR), ((20.0, 10.1), SD), ((25.0, 20.0), SD), ((25.1, 20.0), PD), ((0.0, 0.0), CR)):
            self.assertIs(who(make_case({"L1": TARGET}, products("L1", (20.0, 20.0), now))).at(1).category, category)

    def test_reason_and_nadir(self):
        case = make_case({"L1": TARGET}, products("L1", (20.0, 20.0), (10.0, 10.0), (13.0, 10.0)))
        result = who(case)
        self.assertEqual(result.categories, (BASELINE, PR, PD))
        self.assertEqual(result.at(1).reason, "PR: sum of products 100 mm², -75.0 % from 400 mm² at baseline.")
        self.assertEqual(result.at(2).reason, "PD: sum of products 130 mm², +30.0 % and +30 mm² over the nadir of 100 mm² at week 4.")

    def test_new_lesion_and_normal_node(self):
        case = make_case({"L1": TARGET, "X": dict(kind="new")}, products("L1", (20.0, 20.0), (0.0, 0.0)), findings=[("X", 1, "present")])
        self.assertIs(who(case).at(1).category, PD)
        case = make_case({"N1": dict(kind="target", lymph_node=True)}, products("N1", (30.0, 20.0), (20.0, 9.9)))
        self.assertIs(who(case).at(1).category, CR)


class MdAndersonTest(unittest.TestCase):
    def test_limits_of_the_product(self):
        for now, category in (((20.0, 10.0), PR), ((20.0, 10.1), SD), ((25.0, 20.0), PD), ((24.9, 20.0), SD)):
            self.assertIs(mdanderson(make_case({"B1": BONE}, products("B1", (20.0, 20.0), now))).at(1).category, category)

    def test_product_by_default_and_every_reason_says_which(self):
        case = make_case({"B1": BONE}, products("B1", (20.0, 20.0), (20.0, 10.0)))
        self.assertEqual(mdanderson(case).at(1).reason, "PR: sum of products 200 mm², -50.0 % from 400 mm² at baseline.")
        result = mdanderson(case, measure=BoneMeasure.SUM)
        self.assertEqual(result.at(1).reason, "SD: sum of both diameters 30 mm, -25.0 % from 40 mm at baseline.")

    def test_limits_of_the_sum(self):
        for now, category in (((10.0, 10.0), PR), ((10.1, 10.0), SD), ((25.0, 25.0), PD), ((25.0, 24.9), SD)):
            case = make_case({"B1": BONE}, products("B1", (20.0, 20.0), now))
            self.assertIs(mdanderson(case, measure=BoneMeasure.SUM).at(1).category, category)
        case = make_case({"B1": BONE}, products("B1", (20.0, 20.0)), findings=[("B1", 1, "too small to measure")], examinations=2)
        self.assertEqual(mdanderson(case, measure=BoneMeasure.SUM).at(1).numbers["sum_mm"], 10.0)
        self.assertEqual(mdanderson(case).at(1).numbers["sum_mm2"], 25.0)

    def test_normal_signal_is_complete_response(self):
        case = make_case({"B1": BONE}, products("B1", (20.0, 20.0), (20.0, 20.0)), findings=[("B1", 1, "normal signal")])
        self.assertEqual(mdanderson(case).at(1).reason, "CR: all targets gone.")
        case = make_case({"B1": BONE}, products("B1", (20.0, 20.0), (0.0, 0.0)))
        self.assertIs(mdanderson(case).at(1).category, CR)

    def test_all_bone_lesions_and_only_those(self):
        lesions = {"L1": TARGET, "B1": BONE, "B2": dict(organ="Bone"), "X": dict(kind="new", organ="liver")}
        values = products("L1", (20.0, 20.0), (90.0, 90.0)) | products("B1", (10.0, 10.0), (10.0, 10.0))
        values |= products("B2", (20.0, 10.0), (5.0, 10.0)) | products("X", (None, None), (10.0, 10.0))
        assessment = mdanderson(make_case(lesions, values)).at(1)
        self.assertEqual((assessment.category, assessment.numbers["baseline_mm2"], assessment.numbers["sum_mm2"]), (PR, 300.0, 150.0))

    def test_a_new_bone_lesion_is_progression(self):
        values = products("B1", (20.0, 20.0), (20.0, 20.0))
        case = make_case({"B1": BONE, "X": dict(kind="new", organ="bone")}, values, findings=[("X", 1, "present")])
        self.assertIs(mdanderson(case).at(1).category, PD)

    def test_without_bone_lesions(self):
        case = make_case({"L1": TARGET}, products("L1", (20.0, 20.0), (20.0, 20.0)))
        self.assertEqual(mdanderson(case).at(1).reason, "NE: there are no lesions to assess.")


if __name__ == "__main__":
    unittest.main()

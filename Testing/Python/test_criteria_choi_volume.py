"""Choi and volume: exploratory criteria on size with density, and on volumes."""

import math
import unittest

from response_case import make_case

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.criteria import Category, choi, volumetric

CR, PR, SD, PD, NE, BASELINE = Category.CR, Category.PR, Category.SD, Category.PD, Category.NE, Category.BASELINE
TARGET = dict(kind="target")


class ChoiTest(unittest.TestCase):
    def result(self, sizes, densities, **more):
        return choi(make_case({"L1": TARGET}, {("L1", "LONG_AXIS"): sizes, ("L1", "ENHANCEMENT"): densities}, **more))

    def test_every_pair_of_size_and_density(self):
        for size, density, category in (
            (90.0, 1.0, PR),  # size -10 %
            (90.1, 1.0, SD),
            (100.0, 0.85, PR),  # density -15 %
            (100.0, 0.86, SD),
            (110.0, 1.0, PD),  # growth +10 %
            (109.9, 1.0, SD),
            (110.0, 0.85, PR),  # growth, but density -15 %
            (110.0, 0.86, PD),
            (0.0, None, CR),
        ):
            with self.subTest(size=size, density=density):
                self.assertIs(self.result([100.0, size], [1.0, density]).at(1).category, category)

    def test_unknown_density(self):
        for size, category in ((90.0, PR), (100.0, NE), (110.0, NE)):
            assessment = self.result([100.0, size], [1.0, None]).at(1)
            self.assertIs(assessment.category, category)
            self.assertIn("Enhancement is not known in all targets at baseline and now", assessment.reason)
        self.assertIs(self.result([100.0, 100.0], [0.0, 1.0]).at(1).category, NE)

    def test_reason_says_both_and_the_name_that_it_is_exploratory(self):
        result = self.result([100.0, 112.0], [1.0, 0.8])
        self.assertEqual(
            result.at(1).reason,
            "PR: sum 112 mm, +12.0 % and +12 mm over the nadir of 100 mm at baseline; Enhancement -20.0 %.",
        )
        self.assertIn("exploratory", result.criterion)
        self.assertAlmostEqual(result.at(1).numbers["change_of_density_percent"], -20.0)
        self.assertEqual(len(result.at(1).measurements), 4)

    def test_density_is_the_mean_of_the_targets_that_are_left(self):
        values = {
            ("L1", "LONG_AXIS"): [50.0, 50.0], ("L1", "ENHANCEMENT"): [1.0, 0.8],
            ("L2", "LONG_AXIS"): [50.0, 50.0], ("L2", "ENHANCEMENT"): [1.0, 1.0],
        }  # fmt: skip
        lesions = {"L1": TARGET, "L2": TARGET}
        self.assertAlmostEqual(choi(make_case(lesions, values)).at(1).numbers["change_of_density_percent"], -10.0)
        values["L2", "LONG_AXIS"], values["L2", "ENHANCEMENT"] = [50.0, 0.0], [1.0, None]
        self.assertAlmostEqual(choi(make_case(lesions, values)).at(1).numbers["change_of_density_percent"], -20.0)

    def test_missing_size_new_lesion_and_return(self):
        self.assertIs(self.result([100.0, None], [1.0, 0.5]).at(1).category, NE)
        self.assertEqual(self.result([100.0, 0.0, 5.0], [1.0, None, 0.5]).categories, (BASELINE, CR, PD))
        values = {("L1", "LONG_AXIS"): [100.0, 80.0]}
        case = make_case({"L1": TARGET, "X": dict(kind="new")}, values, findings=[("X", 1, "present")])
        self.assertIs(choi(case).at(1).category, PD)
        self.assertEqual(choi(make_case({}, {}, examinations=2)).at(1).category, NE)

    def test_another_quantity_may_stand_for_density(self):
        case = make_case({"L1": TARGET}, {("L1", "LONG_AXIS"): [100.0, 100.0], ("L1", "KTRANS"): [0.2, 0.1]})
        self.assertIn("Ktrans -50.0 %", choi(case, density="KTRANS", statistic="median").at(1).reason)
        with self.assertRaises(InputError):
            choi(case, density="HOUNSFIELD")


class VolumetricTest(unittest.TestCase):
    def result(self, *volumes, **more):
        return volumetric(make_case({"L1": TARGET}, {("L1", "VOLUME"): list(volumes)}, **more))

    def test_limits_are_those_of_recist_on_a_sphere(self):
        for factor, category in ((0.7, PR), (0.701, SD), (1.199, SD), (1.2, PD), (0.0, CR)):
            self.assertIs(self.result(10.0, 10.0 * factor**3).at(1).category, category)
        self.assertEqual(self.result(10.0, 3.43).at(1).reason, "PR: volume 3.4 mL, -65.7 % from 10 mL at baseline.")
        self.assertEqual(self.result(10.0, 18.0).at(1).reason, "PD: volume 18 mL, +80.0 % and +8 mL over the nadir of 10 mL at baseline.")

    def test_too_small_is_a_sphere_of_5_mm(self):
        result = self.result(10.0, None, findings=[("L1", 1, "too small to measure")], examinations=2)
        self.assertAlmostEqual(result.at(1).numbers["sum_ml"], math.pi / 6.0 * 0.125)

    def test_viable_volume(self):
        values = {("L1", "VOLUME"): [10.0, 12.0], ("L1", "VIABLE_VOLUME"): [10.0, 0.0]}
        case = make_case({"L1": TARGET}, values)
        self.assertEqual((volumetric(case).at(1).category, volumetric(case, viable=True).at(1).category), (SD, CR))
        self.assertEqual(volumetric(case, viable=True).criterion, "Viable volume (exploratory)")


if __name__ == "__main__":
    unittest.main()

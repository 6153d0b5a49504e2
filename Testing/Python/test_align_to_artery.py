"""The arrival of a published input in an artery's curve: to a fraction of the interval, whatever height and noise."""

import unittest

import numpy as np

from HCCResponseLib.errors import InputError
from HCCResponseLib.quantification.arrival import detect_arrival
from HCCResponseLib.quantification.arterial_input import align_to_artery, georgiou_blood, parker_blood

TIMES = 4.3 * np.arange(70)


class TestAlignToArtery(unittest.TestCase):
    def test_arrival_between_images_at_any_height(self):
        for population in (parker_blood, georgiou_blood):
            for arrival in (18.0, 19.3, 21.7):
                for height, offset in ((1.0, 0.0), (0.3, 0.0), (200.0, 350.0)):
                    curve = offset + height * population(TIMES, bolus_arrival_s=arrival)
                    self.assertAlmostEqual(align_to_artery(curve, TIMES, population), arrival, delta=0.05)

    def test_noise_matters_less_than_for_the_foot(self):
        rng = np.random.default_rng(1)
        aligned, foot = [], []
        for _trial in range(30):
            arrival = rng.uniform(18, 26)
            curve = parker_blood(TIMES, bolus_arrival_s=arrival) + rng.normal(0, 0.15, TIMES.size)
            aligned.append(align_to_artery(curve, TIMES, parker_blood) - arrival)
            foot.append(detect_arrival(curve, TIMES).time_s - arrival)
        self.assertLess(np.sqrt(np.mean(np.square(aligned))), 0.4)
        self.assertLess(np.abs(aligned).max(), 1.2)
        self.assertGreater(np.sqrt(np.mean(np.square(foot))), 1.0)

    def test_no_bolus(self):
        for curve in (np.ones(70), np.random.default_rng(2).normal(0, 1, 70), np.full(70, np.nan)):
            with self.assertRaises(InputError):
                align_to_artery(curve, TIMES, parker_blood)
        with self.assertRaisesRegex(InputError, "times"):
            align_to_artery(parker_blood(TIMES, bolus_arrival_s=20), TIMES[:-1], parker_blood)


if __name__ == "__main__":
    unittest.main()

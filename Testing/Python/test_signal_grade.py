"""Signal grade proposals and timing hints."""

import unittest

import numpy as np
from lesion_shapes import box_geometry, ellipsoid, positions

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.lesions.signal_grade import CUT_POINTS, SignalGrade, propose_signal_grade
from HCCResponseLib.lesions.timing_hint import HORGER, SECOND_REVIEW, timing_hint


class TestSignalGrade(unittest.TestCase):
    def setUp(self):
        self.geometry = box_geometry(60.0, (1.5, 1.5, 4.0))
        self.lesion = ellipsoid(self.geometry, (0.4, 0.2, 0.3), (10.0,) * 3)
        distance = np.linalg.norm(positions(self.geometry), axis=-1)
        self.liver = (distance > 14.0) & (distance < 24.0)
        self.noise = np.random.default_rng(1).normal(size=self.geometry.shape)

    def image(self, contrast):
        image = 200.0 + 10.0 * self.noise
        image[self.lesion] += 10.0 * contrast
        return image

    def propose(self, image, **options):
        return propose_signal_grade(image, self.lesion, self.liver, self.geometry, **options)

    def test_five_grades(self):
        expected = {-6: 1, -3.5: 1, -2.5: 2, -1.5: 2, -0.5: 3, 0: 3, 0.5: 3, 1.5: 4, 2.5: 4, 3.5: 5, 9: 5}
        for contrast, grade in expected.items():
            proposal = self.propose(self.image(contrast))
            self.assertEqual(proposal.grade, grade, contrast)
            self.assertAlmostEqual(proposal.contrast, contrast, delta=0.2)
            self.assertFalse(proposal.heterogeneous)
            self.assertAlmostEqual(proposal.heterogeneity, 1.0, delta=0.15)
            self.assertAlmostEqual(sum(proposal.grade_fractions), 1.0)

    def test_boundaries_belong_to_the_grade_nearer_to_isointense(self):
        image = np.where(self.noise > 0, 210.0, 190.0)  # median deviation 10: spread 14.826
        image[self.liver] = np.where(np.arange(np.count_nonzero(self.liver)) % 2, 210.0, 190.0)
        if np.count_nonzero(self.liver) % 2:
            image[tuple(np.argwhere(self.liver)[0])] = np.nan
        spread = 1.4826 * 10.0
        for cut, grade in zip(CUT_POINTS, (2, 3, 3, 4), strict=True):
            image[self.lesion] = 200.0 + cut * spread
            proposal = self.propose(image)
            self.assertAlmostEqual(proposal.contrast, cut)
            cuts = [value + 1e-9 * np.sign(value) for value in CUT_POINTS]  # rounding aside
            self.assertEqual(self.propose(image, cut_points=cuts).grade, grade)

    def test_scale_and_offset_do_not_matter(self):
        image = self.image(-2.2)
        first, second = self.propose(image), self.propose(image * 7.0 + 300.0)
        self.assertAlmostEqual(first.contrast, second.contrast)
        self.assertEqual(first.grade, second.grade)

    def test_vessels_in_the_reference_do_not_change_the_grade(self):
        image = self.image(-1.6)
        plain = self.propose(image)
        vessels = self.liver & (np.random.default_rng(2).random(image.shape) < 0.08)
        image[vessels] = 900.0
        self.assertAlmostEqual(self.propose(image).contrast, plain.contrast, delta=0.35)
        self.assertEqual(self.propose(image).grade, plain.grade)

    def test_heterogeneous_lesion(self):
        image = self.image(0.0)
        half = self.lesion & (positions(self.geometry)[..., 0] > 0.4)
        image[half] += 60.0
        image[self.lesion & ~half] -= 60.0
        proposal = self.propose(image)
        self.assertTrue(proposal.heterogeneous)
        self.assertIn("Heterogeneous", proposal.sentence)
        self.assertGreater(proposal.grade_fractions[0], 0.4)
        self.assertGreater(proposal.grade_fractions[4], 0.4)

    def test_numbers_are_shown(self):
        proposal = self.propose(self.image(-2.0), sequence="T2")
        self.assertEqual(proposal.grade, SignalGrade.SLIGHTLY_HYPOINTENSE)
        self.assertTrue(proposal.sentence.startswith("T2: lesion 1"))
        self.assertIn("grade 2, slightly hypointense", proposal.sentence)
        self.assertEqual(proposal.parameters["cut_points"], CUT_POINTS)
        self.assertEqual(proposal.parameters["sequence"], "T2")
        self.assertEqual(proposal.reference.voxels, np.count_nonzero(self.liver))

    def test_cut_points_can_be_changed(self):
        image = self.image(-2.0)
        self.assertEqual(self.propose(image, cut_points=(-1.5, -0.5, 0.5, 1.5)).grade, 1)
        for cuts in ((-3, -1, 1), (-3, -1, 3, 1), (-3, -1, 1, float("nan")), (-1, -1, 1, 3)):
            with self.assertRaisesRegex(InputError, "cut points"):
                self.propose(image, cut_points=cuts)

    def test_nan_voxels_are_left_out_and_counted(self):
        image = self.image(-2.0)
        plain = self.propose(image)
        first = np.argwhere(self.lesion)[:7]
        image[tuple(first.T)] = np.nan
        image[tuple(np.argwhere(self.liver)[:5].T)] = np.inf
        proposal = self.propose(image)
        self.assertEqual((proposal.rejected_voxels, proposal.reference.rejected), (7, 5))
        self.assertEqual(proposal.voxels, plain.voxels - 7)
        image[self.lesion] = np.nan
        with self.assertRaisesRegex(InputError, "0 usable voxels"):
            self.propose(image)

    def test_bad_references(self):
        image = self.image(0.0)
        none = np.zeros_like(self.liver)
        with self.assertRaisesRegex(InputError, "empty"):
            propose_signal_grade(image, self.lesion, none, self.geometry)
        few = none.copy()
        few[0, 0, :5] = True
        with self.assertRaisesRegex(InputError, "5 usable voxels"):
            propose_signal_grade(image, self.lesion, few, self.geometry)
        with self.assertRaisesRegex(InputError, "overlaps"):
            propose_signal_grade(image, self.lesion, self.liver | self.lesion, self.geometry)
        image[self.liver] = 200.0
        with self.assertRaisesRegex(InputError, "does not vary"):
            self.propose(image)
        image[tuple(np.argwhere(self.liver)[:9].T)] = 230.0
        with self.assertRaisesRegex(InputError, "one and the same signal"):
            self.propose(image)
        with self.assertRaises(GeometryError):
            propose_signal_grade(image[1:], self.lesion, self.liver, self.geometry)

    def test_integer_image(self):
        image = np.round(self.image(-2.0)).astype(np.int16)
        self.assertEqual(self.propose(image).grade, 2)


class TestTimingHint(unittest.TestCase):
    def test_each_pair(self):
        low = timing_hint(1, 2, day=2)
        self.assertEqual((low.substance, low.from_day, low.until_day, low.agrees), ("deoxyhaemoglobin, acute", 1, 3, True))
        early = timing_hint(4, 2, day=5)
        self.assertIn("intracellular", early.substance)
        self.assertTrue(early.agrees)
        late = timing_hint(5, 5, day=21)
        self.assertIn("extracellular", late.substance)
        self.assertTrue(late.agrees)
        self.assertEqual([source for _text, source in late.sources], [HORGER, SECOND_REVIEW])

    def test_days(self):
        for grades, day, agrees in (
            ((1, 1), 0, False),
            ((1, 1), 3, True),
            ((1, 1), 4, False),
            ((4, 1), 3, False),
            ((4, 1), 3.5, True),
            ((4, 4), 7, False),
            ((4, 4), 8, True),
            ((4, 4), None, None),
        ):
            hint = timing_hint(*grades, day=day)
            self.assertEqual(hint.agrees, agrees, (grades, day))
            self.assertIn(HORGER, hint.sentence)
        self.assertIn("day 4 does not fit", timing_hint(1, 1, day=4).sentence)
        self.assertEqual(
            timing_hint(4, 1, day=28).sentence,
            "T1 high, T2 low: intracellular methaemoglobin, expected later than day 3 after therapy start "
            "(Horger et al., BMC Cancer 2009;9:208); day 28 fits. High signal on T1 with low signal on T2 belongs to the first week "
            "(Clin Mol Hepatol 2014;20:218).",
        )

    def test_no_hint(self):
        for grades in ((3, 1), (5, 3), (3, 3), (1, 5), (2, 4)):
            self.assertIsNone(timing_hint(*grades, day=5))
        self.assertIsNone(timing_hint(5, 5, day=-3))

    def test_bad_input(self):
        for grades in ((0, 3), (6, 1), (2.5, 1)):
            with self.assertRaises(InputError):
                timing_hint(*grades)
        with self.assertRaises(InputError):
            timing_hint(1, 1, day=float("nan"))


if __name__ == "__main__":
    unittest.main()

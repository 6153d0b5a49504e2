"""Necrosis: thresholds, parts, clean-up, pattern, score, trend."""

import csv
import unittest

import numpy as np
from lesion_shapes import box_geometry, ellipsoid, positions
from scipy import ndimage
from reference_data import reference_path, requires_reference

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.necrosis import NecrosisAnalysis, NecrosisPattern
from HCCResponseLib.lesions.necrosis_score import NecrosisScore, necrosis_score
from HCCResponseLib.lesions.necrosis_threshold import PhaseThreshold, ReferenceThreshold, RelativeThreshold
from HCCResponseLib.lesions.necrosis_trend import NecrosisTrend, growth_caution, necrosis_trend
from HCCResponseLib.lesions.tissue_parts import TissuePart, merge_small_islands


class Shell:
    """An enhancing shell round a core that does not enhance, in enhancing liver, with muscle beside it.

    The shell enhances by 50 signal units over the core. Half of the core is bright before contrast.
    """

    def __init__(self, radius=18.0, core=11.0, spacing=(1.2, 1.2, 3.0), noise=0.0, seed=1):
        rng = np.random.default_rng(seed)
        self.geometry = box_geometry(2 * radius + 40, spacing)
        centre = rng.uniform(-1, 1, 3)
        at = positions(self.geometry)
        self.lesion = ellipsoid(self.geometry, centre, (radius,) * 3)
        self.core = ellipsoid(self.geometry, centre, (core,) * 3)
        self.bright = self.core & (at[..., 0] > centre[0])
        self.muscle = at[..., 1] > radius + 8
        self.liver = ~self.muscle & (np.linalg.norm(at - centre, axis=-1) > radius + 4)
        pre = np.full(self.geometry.shape, 80.0)
        pre[self.bright] = 140.0
        post = pre + 40.0
        post[self.lesion] = pre[self.lesion] + 50.0
        post[self.core | self.muscle] = pre[self.core | self.muscle]
        self.pre = pre + rng.normal(size=pre.shape) * noise
        self.post = post + rng.normal(size=pre.shape) * noise
        self.fraction = np.count_nonzero(self.core) / np.count_nonzero(self.lesion)

    def analysis(self, **options):
        return NecrosisAnalysis(self.lesion, self.geometry, pre=self.pre, post=self.post, **options)


class TestBadInput(unittest.TestCase):
    def setUp(self):
        self.geometry = Geometry.from_parts((5, 9, 9), (1.0, 1.0, 2.0))
        self.lesion = np.zeros(self.geometry.shape, dtype=bool)
        self.lesion[1:4, 2:7, 2:7] = True
        rng = np.random.default_rng(2)
        self.pre = rng.normal(100.0, 5.0, self.geometry.shape)
        self.post = self.pre + 30.0 + rng.normal(0.0, 5.0, self.geometry.shape)

    def analysis(self, **options):
        return NecrosisAnalysis(self.lesion, self.geometry, **({"pre": self.pre, "post": self.post} | options))

    def test_empty_mask_and_other_grid(self):
        with self.assertRaisesRegex(InputError, "empty"):
            NecrosisAnalysis(np.zeros_like(self.lesion), self.geometry, post=self.post)
        with self.assertRaisesRegex(GeometryError, "pre-contrast"):
            self.analysis(pre=self.pre[:-1])
        with self.assertRaisesRegex(GeometryError, "post-contrast"):
            self.analysis(post=self.post[:, :-1])

    def test_no_image_before_contrast(self):
        analysis = self.analysis(pre=None)
        with self.assertRaisesRegex(InputError, "before contrast"):
            analysis.classify(RelativeThreshold(10.0))
        with self.assertRaisesRegex(InputError, "before contrast"):
            analysis.measure_reference(self.lesion, "liver")
        self.assertEqual(analysis.classify(PhaseThreshold(0.0)).necrotic_ml, 0.0)

    def test_reference_region(self):
        analysis = self.analysis()
        region = np.zeros_like(self.lesion)
        with self.assertRaisesRegex(InputError, "empty"):
            analysis.measure_reference(region, "muscle")
        region[0, 0, :9] = True
        with self.assertRaisesRegex(InputError, "9 usable voxels"):
            analysis.measure_reference(region, "muscle")
        self.assertEqual(analysis.measure_reference(region, "muscle", fewest_voxels=9).voxels, 9)
        flat = NecrosisAnalysis(self.lesion, self.geometry, pre=self.pre, post=self.pre + 3.0)
        with self.assertRaisesRegex(InputError, "does not vary"):
            flat.measure_reference(np.ones_like(self.lesion), "muscle")
        self.post[0] = np.nan
        reference = self.analysis().measure_reference(np.ones_like(self.lesion), "muscle")
        self.assertEqual((reference.voxels, reference.rejected), (4 * 81, 81))

    def test_reference_of_another_image(self):
        analysis = self.analysis()
        subtraction = analysis.measure_reference(~self.lesion, "liver")
        before = analysis.measure_reference(~self.lesion, "liver", before_contrast=True)
        with self.assertRaisesRegex(InputError, "signal before contrast, not on the subtraction"):
            analysis.classify(ReferenceThreshold(before))
        with self.assertRaisesRegex(InputError, "subtraction, not on the signal before contrast"):
            analysis.classify(ReferenceThreshold(subtraction), haemorrhage=ReferenceThreshold(subtraction))

    def test_nan_threshold_and_negative_settings(self):
        with self.assertRaisesRegex(InputError, "not a number"):
            self.analysis().classify(PhaseThreshold(float("nan")))
        with self.assertRaises(InputError):
            self.analysis().classify(PhaseThreshold(1.0), smallest_island_ml=-1.0)
        with self.assertRaises(InputError):
            self.analysis(rim_layers=-1)

    def test_nothing_left_inside_the_rim(self):
        self.assertEqual(self.analysis(rim_layers=1).classify(PhaseThreshold(0.0)).rim_voxels, 75 - 9)
        with self.assertRaisesRegex(InputError, "rim"):
            self.analysis(rim_layers=2)

    def test_nan_voxels_are_counted_never_guessed(self):
        self.post[2, 4, 4] = np.nan
        self.pre[2, 4, 5] = np.inf
        self.pre[2, 3, 3] = 0.0
        result = self.analysis().classify(ReferenceThreshold(self.analysis().measure_reference(~self.lesion, "liver"), -3.0))
        self.assertEqual(result.rejected_voxels, 2)
        self.assertTrue(result.parts.mask(TissuePart.UNTOLD)[2, 4, 4])
        self.assertTrue(result.parts.mask(TissuePart.UNTOLD)[2, 4, 5])
        self.assertAlmostEqual(result.untold_ml, 0.004)
        self.assertAlmostEqual(result.tumour_ml, result.viable_ml + result.necrotic_ml + result.untold_ml)
        self.assertEqual(result.warnings, ())
        relative = self.analysis().classify(RelativeThreshold(10.0))
        self.assertEqual(relative.rejected_voxels, 3)

    def test_many_rejected_voxels_bring_a_warning_and_all_an_error(self):
        self.post[1, 2:7, 2:7] = np.nan
        result = self.analysis().classify(PhaseThreshold(0.0))
        self.assertEqual(result.necrotic_fraction, 0.0)
        self.assertIn("25 of 75 voxels", result.warnings[0])
        self.post[:] = np.nan
        with self.assertRaisesRegex(InputError, "usable"):
            self.analysis().classify(PhaseThreshold(0.0))


class TestShell(unittest.TestCase):
    def test_every_threshold_finds_the_core_without_noise(self):
        shell = Shell()
        noisy = Shell(noise=1e-6)
        muscle = noisy.analysis().measure_reference(noisy.muscle, "muscle")
        for threshold in (ReferenceThreshold(muscle, 2.0), RelativeThreshold(20.0)):
            result = shell.analysis(median=False).classify(threshold)
            np.testing.assert_array_equal(result.parts.mask(TissuePart.NECROTIC), shell.core)
            np.testing.assert_array_equal(result.parts.mask(TissuePart.VIABLE), shell.lesion & ~shell.core)
            self.assertAlmostEqual(result.necrotic_fraction, shell.fraction)
            self.assertAlmostEqual(result.tumour_ml, np.count_nonzero(shell.lesion) * 0.00432)
            self.assertAlmostEqual(result.viable_ml, result.tumour_ml - result.necrotic_ml)
            self.assertEqual((result.pattern, result.pieces, result.largest_piece_fraction), (NecrosisPattern.CENTRAL, 1, 1.0))
            self.assertGreater(result.central_index, 0.98)
        # On one phase the bright half of the core passes for viable.
        phase = shell.analysis(median=False).classify(PhaseThreshold(100.0))
        np.testing.assert_array_equal(phase.parts.mask(TissuePart.NECROTIC), shell.core & ~shell.bright)

    def test_fraction_within_one_percentage_point_at_contrast_to_noise_five(self):
        # The shell stands out from the core by 50; noise of 10 in the subtraction, then of 10 in each of the two images.
        for noise in (10.0 / np.sqrt(2.0), 10.0):
            for radius, core in ((18.0, 8.0), (18.0, 11.0), (18.0, 15.5)):
                for seed in range(3):
                    shell = Shell(radius, core, noise=noise, seed=seed)
                    analysis = shell.analysis()
                    threshold = ReferenceThreshold(analysis.measure_reference(shell.muscle, "muscle"))
                    result = analysis.classify(threshold)
                    self.assertLess(100 * abs(result.necrotic_fraction - shell.fraction), 1.0, (noise, core, seed))
                    self.assertEqual(result.pattern, NecrosisPattern.CENTRAL)
                    self.assertEqual(result.score, necrosis_score(shell.fraction))

    def test_haemorrhage(self):
        shell = Shell(noise=4.0)
        shell.pre[shell.lesion & ~shell.core & (positions(shell.geometry)[..., 2] > 8.0)] += 60.0
        shell.post[shell.lesion & ~shell.core & (positions(shell.geometry)[..., 2] > 8.0)] += 60.0
        analysis = shell.analysis()
        threshold = ReferenceThreshold(analysis.measure_reference(shell.muscle, "muscle"))
        before = ReferenceThreshold(analysis.measure_reference(shell.liver, "liver", before_contrast=True), 3.0)
        result = analysis.classify(threshold, haemorrhage=before)
        found = result.parts.mask(TissuePart.HAEMORRHAGIC)
        self.assertGreater(2 * np.count_nonzero(found & shell.bright) / (np.count_nonzero(found) + np.count_nonzero(shell.bright)), 0.97)
        self.assertAlmostEqual(result.haemorrhagic_ml, np.count_nonzero(found) * 0.00432)
        dead = result.parts.mask(TissuePart.NECROTIC, TissuePart.HAEMORRHAGIC)
        self.assertAlmostEqual(result.necrotic_ml, np.count_nonzero(dead) * 0.00432)
        self.assertGreater(result.bright_viable_ml, 1.0)
        self.assertEqual(result.parameters["haemorrhage_reference"], "liver")
        self.assertEqual(result.parameters["haemorrhage_k"], 3.0)
        plain = analysis.classify(threshold)
        self.assertIsNone(plain.haemorrhagic_ml)
        self.assertEqual(plain.necrotic_fraction, result.necrotic_fraction)

    def test_the_rim_follows_its_neighbours_and_stays_part_of_the_tumour(self):
        shell = Shell()
        plain = shell.analysis(median=False).classify(RelativeThreshold(20.0))
        # Partial volume: the outermost layer looks dead, and would be taken for necrosis.
        edge = shell.lesion & ~ndimage.binary_erosion(shell.lesion)
        shell.post[edge] = shell.pre[edge]
        fooled = shell.analysis(median=False).classify(RelativeThreshold(20.0), smallest_island_ml=0.0)
        self.assertGreater(fooled.necrotic_fraction, plain.necrotic_fraction + 0.1)
        result = shell.analysis(rim_layers=1, median=False).classify(RelativeThreshold(20.0))
        self.assertEqual(result.parameters["rim_layers"], 1)
        self.assertEqual(result.rim_voxels, np.count_nonzero(edge))
        self.assertEqual(result.rejected_voxels, 0)
        self.assertEqual(result.necrotic_fraction, plain.necrotic_fraction)
        self.assertEqual(result.score, plain.score)
        self.assertAlmostEqual(result.viable_ml, result.tumour_ml - result.necrotic_ml)
        np.testing.assert_array_equal(result.parts.mask(TissuePart.VIABLE), shell.lesion & ~shell.core)

    def test_a_lesion_that_is_all_necrotic_keeps_its_rim(self):
        result = Shell(core=18.0).analysis(rim_layers=1, median=False).classify(RelativeThreshold(20.0))
        self.assertEqual(result.necrotic_fraction, 1.0)
        self.assertAlmostEqual(result.necrotic_ml, result.tumour_ml)

    def test_the_border_of_the_image_is_no_rim(self):
        geometry = Geometry.from_parts((4, 8, 8), (1.0, 1.0, 1.0))
        lesion = np.zeros(geometry.shape, dtype=bool)
        lesion[2:, 4:, 4:] = True
        result = NecrosisAnalysis(lesion, geometry, post=np.ones(geometry.shape), rim_layers=1).classify(PhaseThreshold(0.5))
        self.assertEqual(result.rim_voxels, 2 * 4 * 4 - 1 * 3 * 3)

    def test_threshold_moves_monotonically(self):
        shell = Shell(noise=10.0)
        analysis = shell.analysis()
        reference = analysis.measure_reference(shell.muscle, "muscle")
        fractions = [analysis.classify(ReferenceThreshold(reference, k), smallest_island_ml=0.0).necrotic_fraction for k in range(-3, 9)]
        self.assertEqual(fractions, sorted(fractions))

    def test_integer_images(self):
        shell = Shell(noise=10.0)
        shell.pre, shell.post = (np.round(image).clip(0).astype(np.uint16) for image in (shell.pre, shell.post))
        analysis = shell.analysis()
        result = analysis.classify(ReferenceThreshold(analysis.measure_reference(shell.muscle, "muscle")))
        self.assertLess(100 * abs(result.necrotic_fraction - shell.fraction), 1.0)


class TestSmallAndBorder(unittest.TestCase):
    def test_one_voxel(self):
        geometry = Geometry.from_parts((3, 4, 5), (1.0, 1.0, 3.0))
        lesion = np.zeros(geometry.shape, dtype=bool)
        lesion[2, 0, 4] = True
        for signal, fraction in ((10.0, 1.0), (90.0, 0.0)):
            result = NecrosisAnalysis(lesion, geometry, post=np.full(geometry.shape, signal)).classify(PhaseThreshold(50.0))
            self.assertEqual(result.necrotic_fraction, fraction)
            self.assertAlmostEqual(result.tumour_ml, 0.003)
            np.testing.assert_array_equal(result.parts.mask(TissuePart.NECROTIC, TissuePart.VIABLE), lesion)

    def test_at_the_border_and_in_the_last_slice(self):
        shell = Shell(noise=7.0)
        middle = np.argwhere(shell.lesion).mean(axis=0).astype(int)
        cut = tuple(slice(None, middle[axis] + 1) for axis in range(3))
        geometry = Geometry(shell.lesion[cut].shape, shell.geometry.ijk_to_lps)
        analysis = NecrosisAnalysis(shell.lesion[cut], geometry, pre=shell.pre[cut], post=shell.post[cut])
        result = analysis.classify(RelativeThreshold(25.0))
        truth = np.count_nonzero(shell.core[cut]) / np.count_nonzero(shell.lesion[cut])
        self.assertAlmostEqual(result.necrotic_fraction, truth, delta=0.02)


class TestPattern(unittest.TestCase):
    def setUp(self):
        self.geometry = box_geometry(40.0, (1.0, 1.0, 2.0))
        self.lesion = ellipsoid(self.geometry, (0.2, 0.3, 0.1), (16.0,) * 3)
        self.at = positions(self.geometry)

    def pattern(self, necrotic):
        post = np.where(necrotic, 0.0, 100.0)
        return NecrosisAnalysis(self.lesion, self.geometry, post=post, median=False).classify(PhaseThreshold(50.0))

    def test_none_and_complete(self):
        none = self.pattern(np.zeros_like(self.lesion))
        self.assertEqual((none.pattern, none.score, none.pieces), (NecrosisPattern.NONE, NecrosisScore.NONE, 0))
        self.assertTrue(np.isnan(none.central_index))
        complete = self.pattern(self.lesion)
        self.assertEqual((complete.pattern, complete.score), (NecrosisPattern.COMPLETE, NecrosisScore.OVER_75))
        self.assertEqual(complete.viable_ml, 0.0)
        self.assertEqual((complete.pieces, complete.largest_piece_fraction), (1, 1.0))

    def test_scattered_is_diffuse(self):
        # Balls of 2.5 mm on a lattice of 8 mm: many pieces, no place preferred.
        distance = np.linalg.norm((self.at + 4.0) % 8.0 - 4.0, axis=-1)
        result = self.pattern(distance <= 2.5)
        self.assertEqual(result.pattern, NecrosisPattern.DIFFUSE)
        self.assertGreater(result.pieces, 20)
        self.assertLess(abs(result.central_index), 0.2)

    def test_one_side_is_not_central(self):
        result = self.pattern(self.at[..., 0] > 6.0)
        self.assertEqual(result.pattern, NecrosisPattern.DIFFUSE)
        self.assertEqual(result.pieces, 1)

    def test_dead_mantle_has_negative_index(self):
        result = self.pattern(~ellipsoid(self.geometry, (0.2, 0.3, 0.1), (12.0,) * 3))
        self.assertLess(result.central_index, -0.95)


class TestIslands(unittest.TestCase):
    def test_small_islands_of_either_part_change_sides(self):
        first = np.zeros((5, 9, 9), dtype=bool)
        first[1:4, 1:8, 1:8] = True  # large
        first[2, 4, 4] = False  # a hole of one voxel
        first[0, 8, 8] = True  # an island of one voxel
        second = ~first
        cleaned = merge_small_islands(first, second, 2)
        self.assertTrue(cleaned[2, 4, 4])
        self.assertFalse(cleaned[0, 8, 8])
        np.testing.assert_array_equal(merge_small_islands(first, second, 1), first)

    def test_corner_contact_is_no_contact(self):
        first = np.zeros((3, 3, 3), dtype=bool)
        first[0, 0, 0] = first[1, 1, 0] = True
        self.assertFalse(merge_small_islands(first, ~first, 2).any())

    def test_what_touches_nothing_large_stays(self):
        first, second = np.zeros((2, 3, 4, 12), dtype=bool)
        first[1, 1, 1:3] = True  # two voxels beside three: both small
        second[1, 1, 3:6] = True
        first[1, 1, 9] = True  # a piece of the lesion by itself
        np.testing.assert_array_equal(merge_small_islands(first, second, 5), first)

    def test_size_is_a_volume(self):
        geometry = Geometry.from_parts((6, 12, 12), (2.0, 2.0, 5.0))  # 0.02 mL a voxel
        post = np.full(geometry.shape, 100.0)
        post[3, 6, 5:7] = 0.0
        analysis = NecrosisAnalysis(np.ones(geometry.shape, dtype=bool), geometry, post=post, median=False)
        self.assertAlmostEqual(analysis.classify(PhaseThreshold(50.0), smallest_island_ml=0.04).necrotic_ml, 0.04)
        self.assertEqual(analysis.classify(PhaseThreshold(50.0), smallest_island_ml=0.041).necrotic_ml, 0.0)


class TestScore(unittest.TestCase):
    def test_boundaries(self):
        expected = {
            0.0: "none",
            1e-9: "<25",
            0.2499: "<25",
            0.25: "<50",
            0.4999: "<50",
            0.5: "<75",
            0.7499: "<75",
            0.75: ">75",
            1.0: ">75",
        }
        for fraction, label in expected.items():
            self.assertEqual(necrosis_score(fraction).label, label)

    def test_not_a_fraction(self):
        for value in (-0.01, 1.01, float("nan")):
            with self.assertRaises(InputError):
                necrosis_score(value)

    @requires_reference("horger2009_table2.csv")
    def test_order_of_the_classes_gives_the_counts_of_the_paper(self):
        # Of the 19 patients whose necrosis could be quantified, 12 had a class above baseline (both Fisher tables of the paper).
        order = {score.label: score for score in NecrosisScore} | {"": NecrosisScore.NONE}
        patients = {}
        with reference_path("horger2009_table2.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                patients.setdefault(int(row["patient"]), []).append(row["necrosis_score"])
        higher = [
            patient
            for patient, scores in patients.items()
            if patient not in (10, 15) and any(order[score] > order[scores[0]] for score in scores[1:])
        ]
        self.assertEqual(len(higher), 12)
        over_75 = [patient for patient, scores in patients.items() if NecrosisScore.OVER_75.label in scores]
        self.assertEqual(len(over_75), 7)


class TestTrend(unittest.TestCase):
    def test_baseline(self):
        self.assertEqual(necrosis_trend(0.0).trend, NecrosisTrend.ABSENT_AT_BASELINE)
        present = necrosis_trend(0.12)
        self.assertEqual(present.trend, NecrosisTrend.PRESENT_AT_BASELINE)
        self.assertIn("12.0 %", present.sentence)
        self.assertIsNone(present.change_percentage_points)

    def test_follow_up(self):
        for now, before, trend in (
            (0.01, 0.0, NecrosisTrend.DE_NOVO),
            (0.30, 0.20, NecrosisTrend.INCREASE),
            (0.24, 0.20, NecrosisTrend.UNCHANGED),
            (0.16, 0.20, NecrosisTrend.UNCHANGED),
            (0.10, 0.20, NecrosisTrend.DECREASE),
            (0.00, 0.01, NecrosisTrend.DECREASE),
            (0.00, 0.00, NecrosisTrend.UNCHANGED),
        ):
            change = necrosis_trend(now, before)
            self.assertEqual(change.trend, trend, (now, before))
            self.assertAlmostEqual(change.change_percentage_points, 100 * (now - before))
        self.assertEqual(necrosis_trend(0.24, 0.20, unchanged_percentage_points=3.0).trend, NecrosisTrend.INCREASE)
        for bad in ((1.2, None), (0.5, -0.1), (float("nan"), 0.5)):
            with self.assertRaises(InputError):
                necrosis_trend(*bad)

    def test_other_settings_are_said(self):
        alike = necrosis_trend(0.30, 0.20)
        self.assertTrue(alike.comparable)
        change = necrosis_trend(0.30, 0.20, settings_difference="rim layers 1 and 0")
        self.assertFalse(change.comparable)
        self.assertEqual(change.trend, alike.trend)
        self.assertTrue(change.sentence.startswith(alike.sentence))
        self.assertIn("(rim layers 1 and 0)", change.sentence)
        self.assertTrue(necrosis_trend(0.30, settings_difference="k 2 and 3").comparable)  # nothing to compare with

    def test_caution(self):
        necrotic = growth_caution(NecrosisTrend.DE_NOVO, volume_growth_percent=45.0, diameter_growth_percent=13.0)
        self.assertTrue(necrotic.caution)
        self.assertIn("volume +45.0 %", necrotic.sentence)
        self.assertIn("pseudoprogression", necrotic.sentence)
        self.assertTrue(growth_caution(NecrosisTrend.INCREASE, diameter_growth_percent=20.5).caution)
        self.assertFalse(growth_caution(NecrosisTrend.INCREASE, diameter_growth_percent=20.0).caution)
        self.assertFalse(growth_caution(NecrosisTrend.UNCHANGED, volume_growth_percent=80.0).caution)
        self.assertFalse(growth_caution(NecrosisTrend.DECREASE, volume_growth_percent=-30.0).caution)
        with self.assertRaises(InputError):
            growth_caution(NecrosisTrend.INCREASE)
        # binary arithmetic makes of 0.7 to 0.84 mL a little more than 20 %
        self.assertGreater(100 * (0.84 - 0.7) / 0.7, 20.0)
        self.assertFalse(growth_caution(NecrosisTrend.INCREASE, volume_growth_percent=100 * (0.84 - 0.7) / 0.7).caution)

    def test_caution_tells_how_the_viable_part_grew(self):
        # 10 mL with 10 % necrosis to 15 mL with 60 %: 9 mL viable become 6 mL
        shrunk = growth_caution(NecrosisTrend.INCREASE, volume_growth_percent=50.0, fractions=(0.1, 0.6))
        self.assertAlmostEqual(shrunk.viable_growth_percent, -100 / 3)
        self.assertFalse(shrunk.viable_grows)
        self.assertEqual(
            shrunk.sentence,
            "Growth is necrotic: volume +50.0 % (more than 20 %) with increasing necrosis, viable volume -33.3 %; "
            "possible pseudoprogression.",
        )
        # 30 mL with 10 % to 80 mL with 30 %: 27 mL viable become 56 mL
        grown = growth_caution(NecrosisTrend.INCREASE, volume_growth_percent=100 * 50 / 30, fractions=(0.1, 0.3))
        self.assertTrue(grown.caution and grown.viable_grows)
        self.assertAlmostEqual(grown.viable_growth_percent, 100 * (56 - 27) / 27)
        self.assertEqual(
            grown.sentence,
            "Growth is necrotic only in part: volume +166.7 % (more than 20 %) with increasing necrosis, but viable volume +107.4 % too; "
            "viable tumour progresses.",
        )
        for fractions, volume in ((None, 50.0), ((1.0, 1.0), 50.0), ((0.1, 0.5), None)):
            growth = dict(volume_growth_percent=volume, diameter_growth_percent=30.0)
            self.assertIsNone(growth_caution(NecrosisTrend.INCREASE, fractions=fractions, **growth).viable_growth_percent)


if __name__ == "__main__":
    unittest.main()

"""Sub-voxel edges of masks, their contours, and straight lines across these."""

import unittest

import numpy as np

from HCCResponseLib.lesions.contour import longest_runs, simplify_contour, trace_contour
from HCCResponseLib.lesions.subvoxel import edge_field

SQUARE = np.eye(2)


def area(contour) -> float:
    """Area inside a contour by the shoelace formula, holes subtracted."""
    a, b = contour.points, contour.points[contour.following]
    return float(abs((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / 2.0)


def disc(radius: float, centre, size: int) -> np.ndarray:
    row, column = np.mgrid[:size, :size]
    return (row - centre[0]) ** 2 + (column - centre[1]) ** 2 <= radius**2


class TestContour(unittest.TestCase):
    def test_one_positive_point_is_a_diamond(self):
        field = np.full((3, 3), -1.0)
        field[1, 1] = 1.0
        contour = trace_contour(field, SQUARE)
        self.assertEqual(sorted(map(tuple, contour.points)), [(0.5, 1.0), (1.0, 0.5), (1.0, 1.5), (1.5, 1.0)])
        self.assertAlmostEqual(area(contour), 0.5)

    def test_no_edge(self):
        self.assertEqual(len(trace_contour(np.full((4, 5), -1.0), SQUARE).points), 0)

    def test_contours_close_on_random_fields(self):
        rng = np.random.default_rng(1)
        for _trial in range(20):
            field = np.full((15, 17), -1.0)
            field[1:-1, 1:-1] = rng.normal(size=(13, 15))
            contour = trace_contour(field, SQUARE)
            self.assertEqual(sorted(contour.following), list(range(len(contour.points))))
            self.assertLess(np.linalg.norm(contour.points[contour.following] - contour.points, axis=1).max(), np.sqrt(2.0) + 1e-12)

    def test_saddle_joins_or_parts_by_the_mean_of_the_cell(self):
        field = np.full((4, 4), -1.0)
        field[1, 1] = field[2, 2] = 3.0
        joined = area(trace_contour(field, SQUARE))
        field[1, 1] = field[2, 2] = 0.9
        parted = trace_contour(field, SQUARE)
        # Apart: two diamonds, each of half diagonal 0.9 / 1.9.
        self.assertAlmostEqual(area(parted), 2 * 2 * (0.9 / 1.9) ** 2)
        # Joined: the four outer corners of the two diamonds, and the unit cell without its two outside corners.
        self.assertAlmostEqual(joined, 2 * 3 * 0.5 * 0.75**2 + 1 - 2 * 0.5 * 0.25**2)

    def test_exact_zero_counts_as_outside(self):
        field = np.full((4, 4), -1.0)
        field[1, 1], field[1, 2] = 1.0, 0.0
        contour = trace_contour(field, SQUARE)
        self.assertEqual(len(contour.points), 4)
        self.assertIn((1.0, 2.0), set(map(tuple, contour.points)))

    def test_steps_of_an_oblique_anisotropic_plane(self):
        steps = np.array([[0.3, 2.0], [1.5, 0.0]])
        field = np.full((3, 3), -1.0)
        field[1, 1] = 1.0
        self.assertAlmostEqual(area(trace_contour(field, steps)), 0.5 * 3.0)


class TestSimplify(unittest.TestCase):
    def test_stays_close_and_closed(self):
        row, column = np.mgrid[:80, :90]
        field = np.minimum(30.0 - np.hypot(row - 40.2, column - 44.7), np.hypot(row - 36.1, column - 50.3) - 8.0)
        contour = trace_contour(field, SQUARE)
        simple = simplify_contour(contour, 0.05)
        self.assertLess(len(simple.points), 0.6 * len(contour.points))
        self.assertEqual(sorted(simple.following), list(range(len(simple.points))))
        self.assertAlmostEqual(area(simple), np.pi * (30.0**2 - 8.0**2), delta=0.05 * 2 * np.pi * 38.0)
        # Every corner left out is near the stretch that replaces it.
        a, b = simple.points, simple.points[simple.following]
        along = b - a
        for point in contour.points:
            part = np.clip(((point - a) * along).sum(axis=1) / (along**2).sum(axis=1), 0.0, 1.0)
            self.assertLessEqual(np.linalg.norm(a + part[:, None] * along - point, axis=1).min(), 0.05)

    def test_small_polygons_stay_as_they_are(self):
        field = np.full((5, 9), -1.0)
        field[2, 2] = field[2, 6] = 1.0
        contour = trace_contour(field, SQUARE)
        simple = simplify_contour(contour, 0.5)
        self.assertEqual(len(simple.points), 8)
        self.assertAlmostEqual(area(simple), area(contour))
        self.assertEqual(len(set(simple.following)), 8)

    def test_small_holes_are_left_out_and_pieces_kept(self):
        field = np.full((12, 16), -1.0)
        field[1:11, 1:13] = 1.0
        field[3, 3] = -1.0  # a hole with a diagonal of 1.41
        field[6:9, 5:9] = -1.0  # one of 5
        field[5, 14] = 1.0  # a piece as small as the hole
        for steps in (SQUARE, SQUARE[::-1]):
            contour = trace_contour(field, steps)
            simple = simplify_contour(contour, 0.0, 2.0)
            self.assertEqual(sorted(simple.following), list(range(len(simple.points))))
            self.assertAlmostEqual(area(simple), area(contour) + 0.5)
            self.assertAlmostEqual(area(simplify_contour(contour, 0.0, 6.0)), area(contour) + 0.5 + 11.5)


class TestRuns(unittest.TestCase):
    def setUp(self):
        # A square 10 x 10 with a square hole 2 x 2 in the middle.
        self.outer = [(0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 0.0)]
        hole = [(4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)]
        field = np.full((3, 3), -1.0)
        field[1, 1] = 1.0
        contour = trace_contour(field, SQUARE)
        self.contour = type(contour)(np.array(self.outer + hole), np.array([1, 2, 3, 0, 5, 6, 7, 4]))

    def runs(self, origin, direction, gap):
        direction = np.asarray(direction, dtype=float)
        return longest_runs(self.contour, np.array([origin], dtype=float), (direction / np.linalg.norm(direction))[None], gap)[0]

    def test_line_beside_the_hole(self):
        np.testing.assert_allclose(self.runs((3.0, 5.0), (0.0, 1.0), 0.0), [-5.0, 5.0])

    def test_line_through_the_hole(self):
        self.assertAlmostEqual(np.ptp(self.runs((4.5, 0.0), (0.0, 1.0), 1.9)), 4.0)
        np.testing.assert_allclose(self.runs((4.5, 0.0), (0.0, 1.0), 2.0), [0.0, 10.0])
        np.testing.assert_allclose(self.runs((4.5, 0.0), (0.0, 1.0), np.inf), [0.0, 10.0])

    def test_line_through_corners(self):
        np.testing.assert_allclose(self.runs((0.0, 0.0), (1.0, 1.0), np.inf), [0.0, np.sqrt(200.0)])

    def test_parallel_lines_as_one_by_one(self):
        rng = np.random.default_rng(4)
        field = np.full((25, 27), -1.0)
        field[1:-1, 1:-1] = rng.normal(size=(23, 25))
        contour = trace_contour(field, SQUARE)
        for angle in rng.uniform(0.0, 2.0 * np.pi, 5):
            direction = np.array([np.cos(angle), np.sin(angle)])
            # Through corners too, and off the contour, in any order.
            origins = np.concatenate([rng.uniform(-9.0, 36.0, (80, 2)), contour.points[::7]])
            for gap in (0.0, 1.0, np.inf):
                together = longest_runs(contour, origins, direction, gap)
                singly = longest_runs(contour, origins, np.tile(direction, (len(origins), 1)), gap)
                np.testing.assert_allclose(np.ptp(together[:80], axis=1), np.ptp(singly[:80], axis=1), atol=1e-9)
                # Rounding may put a corner that a line goes through on either side of it; the crossings still come in pairs.
                self.assertFalse(np.any(together[80:, 1] < together[80:, 0]))

    def test_line_that_misses(self):
        self.assertTrue(np.isnan(self.runs((11.0, 0.0), (0.0, 1.0), 0.0)).all())


class TestEdgeField(unittest.TestCase):
    def test_no_voxel_changes_sides(self):
        rng = np.random.default_rng(2)
        for shape in ((18, 21), (10, 12, 11)):
            for share in (0.02, 0.3, 0.9):
                mask = np.zeros(shape, dtype=bool)
                inner = tuple(slice(3, -3) for _axis in shape)
                mask[inner] = rng.random(mask[inner].shape) < share
                field = edge_field(mask, np.eye(len(shape)))
                np.testing.assert_array_equal(field > 0.0, mask)
                self.assertFalse(np.any(field == 0.0))

    def test_one_voxel_and_one_line_end_halfway(self):
        mask = np.zeros((9, 12), dtype=bool)
        mask[4, 4:8] = True
        contour = trace_contour(edge_field(mask, SQUARE), SQUARE)
        self.assertAlmostEqual(np.ptp(contour.points[:, 1]), 4.0)
        self.assertAlmostEqual(np.ptp(contour.points[:, 0]), 1.0)

    def test_discs_at_any_position(self):
        # Halfway between the centres would be 0.45 (radius 2.5) to 0.89 (radius 30) voxels too wide.
        rng = np.random.default_rng(3)
        for radius in (2.5, 5.0, 12.0, 30.0):
            size = int(2 * radius) + 12
            for _trial in range(6):
                mask = disc(radius, size / 2 + rng.uniform(-0.5, 0.5, 2), size)
                contour = trace_contour(edge_field(mask, SQUARE), SQUARE)
                away = np.linalg.norm(contour.points - contour.points.mean(axis=0), axis=1)
                self.assertLess(abs(area(contour) / (np.pi * radius**2) - 1.0), 0.35 / radius)
                self.assertLess(np.abs(away - radius).max(), 0.45)

    def test_two_pieces_close_together_stay_apart(self):
        mask = np.zeros((20, 30), dtype=bool)
        mask[5:15, 5:14] = mask[5:15, 15:24] = True
        field = edge_field(mask, SQUARE)
        self.assertTrue(np.all(field[:, 14] < 0.0))
        contour = trace_contour(field, SQUARE)
        self.assertTrue(np.all((contour.points[:, 1] < 14.0) | (contour.points[:, 1] > 14.0)))


if __name__ == "__main__":
    unittest.main()

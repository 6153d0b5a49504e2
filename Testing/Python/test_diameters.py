"""Longest diameters, perpendiculars, viable diameters, joint and split lesions."""

import unittest

import numpy as np
from lesion_shapes import box_geometry, ellipsoid, positions, rotation
from scipy.spatial.distance import pdist

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.contour import trace_contour
from HCCResponseLib.lesions.diameters import (
    measure_diameters,
    measure_feret_diameter,
    measure_split_diameters,
    measure_viable_diameters,
)
from HCCResponseLib.lesions.subvoxel import edge_field

TILT = rotation((1.0, 0.4, 0.2), 25.0)


def blob(rng, size: int, holes: int = 0) -> np.ndarray:
    """An irregular region in one slice, with round holes, shape (size, size)."""
    row, column = np.mgrid[:size, :size] - size / 2.0
    angle, radius = np.arctan2(row, column), np.hypot(row, column)
    edge = 0.33 * size * (1 + sum(rng.normal() * 0.2 / n * np.cos(n * angle + rng.uniform(0, 6)) for n in range(1, 6)))
    region = radius <= np.minimum(edge, size / 2 - 5)
    for _hole in range(holes):
        at = rng.uniform(-0.25, 0.25, 2) * size
        region &= np.hypot(row - at[0], column - at[1]) > rng.uniform(1.0, 0.12 * size)
    return region


def inside_polygon(contour, points: np.ndarray) -> np.ndarray:
    """Even-odd rule, one ray per point: an independent judge of what is inside."""
    a, b = contour.points, contour.points[contour.following]
    above = (a[:, 0] > points[:, :1]) != (b[:, 0] > points[:, :1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 1] + (points[:, :1] - a[:, 0]) / (b[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    return (np.count_nonzero(above & (at > points[:, 1:]), axis=1) % 2).astype(bool)


def longest_gap(contour, start, end, samples: int = 600) -> float:
    """Longest stretch of a line outside a contour, by dense samples."""
    part = (np.arange(samples) + 0.5) / samples
    outside = ~inside_polygon(contour, start + part[:, None] * (end - start))
    run = longest = 0
    for sample in outside:
        run = run + 1 if sample else 0
        longest = max(longest, run)
    return longest / samples * float(np.linalg.norm(end - start))


class TestBadInput(unittest.TestCase):
    def setUp(self):
        self.geometry = Geometry.from_parts((6, 7, 8), (1.0, 1.0, 2.0))

    def test_empty(self):
        for measure in (measure_diameters, measure_viable_diameters, measure_split_diameters, measure_feret_diameter):
            with self.assertRaisesRegex(InputError, "empty"):
                measure(np.zeros((6, 7, 8), dtype=bool), self.geometry)

    def test_other_grid(self):
        with self.assertRaises(GeometryError):
            measure_diameters(np.ones((6, 7, 7), dtype=bool), self.geometry)

    def test_bad_occupancy(self):
        for value in (np.nan, -0.1, 1.1):
            mask = np.ones((6, 7, 8))
            mask[2, 3, 4] = value
            with self.assertRaises(InputError):
                measure_diameters(mask, self.geometry)
        with self.assertRaisesRegex(InputError, "more than half"):
            measure_diameters(np.full((6, 7, 8), 0.4), self.geometry)

    def test_slices(self):
        mask = np.ones((6, 7, 8), dtype=bool)
        mask[4] = False
        for slices in ((), (4,), (6,), (-1,)):
            with self.assertRaisesRegex(InputError, "slices"):
                measure_diameters(mask, self.geometry, slices=slices)
        with self.assertRaisesRegex(InputError, "acquisition"):
            measure_diameters(mask, self.geometry, plane="axial", slices=(1,))

    def test_unknown_plane_and_negative_gap(self):
        mask = np.ones((6, 7, 8), dtype=bool)
        with self.assertRaisesRegex(InputError, "sagittal"):
            measure_diameters(mask, self.geometry, plane="sagittal")
        for gap in (-1.0, np.nan):
            with self.assertRaisesRegex(InputError, "gap"):
                measure_viable_diameters(mask, self.geometry, gap_mm=gap)

    def test_no_piece_large_enough(self):
        mask = np.zeros((6, 7, 8), dtype=bool)
        mask[1, 1, 1] = True
        with self.assertRaises(InputError):
            measure_split_diameters(mask, self.geometry, smallest_piece_voxels=2)


class TestSmallAndBorder(unittest.TestCase):
    def test_one_voxel(self):
        geometry = Geometry.from_parts((5, 5, 5), (1.5, 1.5, 4.0), (10.0, 20.0, 30.0), TILT)
        mask = np.zeros((5, 5, 5), dtype=bool)
        mask[2, 3, 1] = True
        result = measure_diameters(mask, geometry)
        self.assertAlmostEqual(result.long_axis.length_mm, 1.5)
        self.assertAlmostEqual(result.short_axis.length_mm, 1.5, places=5)
        self.assertAlmostEqual(result.product_mm2, 2.25, places=5)
        self.assertEqual(result.slice_index, 2)
        middle = (np.array(result.long_axis.start_lps) + result.long_axis.end_lps) / 2
        np.testing.assert_allclose(middle, (geometry.ijk_to_lps @ [1, 3, 2, 1])[:3])
        self.assertAlmostEqual(measure_feret_diameter(mask, geometry).length_mm, 4.0)
        self.assertAlmostEqual(measure_viable_diameters(mask, geometry).long_axis.length_mm, 1.5)

    def test_line_of_voxels(self):
        geometry = Geometry.from_parts((1, 9, 12), (2.0, 1.0, 5.0))
        mask = np.zeros((1, 9, 12), dtype=bool)
        mask[0, 4, 3:10] = True
        result = measure_diameters(mask, geometry)
        self.assertAlmostEqual(result.long_axis.length_mm, 14.0, delta=1.0)
        self.assertAlmostEqual(result.short_axis.length_mm, 1.0, delta=0.5)

    def test_border_and_last_slice(self):
        geometry = Geometry.from_parts((4, 10, 10), (1.0, 1.0, 1.0))
        mask = np.zeros((4, 10, 10), dtype=bool)
        mask[3, 0:4, 6:10] = True
        result = measure_diameters(mask, geometry)
        self.assertTrue(result.touches_border)
        self.assertEqual(result.slice_index, 3)
        self.assertTrue(4.0 < result.long_axis.length_mm < np.hypot(4, 4))
        for end in (result.long_axis.start_lps, result.long_axis.end_lps):
            self.assertAlmostEqual(end[2], 3.0)

    def test_on_chosen_slices(self):
        geometry = box_geometry(30.0, (1.0, 1.0, 3.0))
        mask = ellipsoid(geometry, (0.2, 0.1, 0.3), (12.0,) * 3)
        middle = measure_diameters(mask, geometry)
        outer = measure_diameters(mask, geometry, slices=(2, 3))
        self.assertEqual(outer.slice_index, 3)
        self.assertLess(outer.long_axis.length_mm, middle.long_axis.length_mm - 1.0)
        self.assertEqual(outer.parameters["slices"], (2, 3))
        self.assertEqual(measure_diameters(mask, geometry, slices=range(10)).long_axis, middle.long_axis)

    def test_position_in_the_image_makes_no_difference(self):
        geometry = Geometry.from_parts((4, 30, 30), (1.0, 1.0, 1.0))
        region = blob(np.random.default_rng(4), 20)
        mask = np.zeros((4, 30, 30), dtype=bool)
        mask[1, 5:25, 5:25] = region
        rows, columns = np.nonzero(region)
        corner = np.zeros((4, 30, 30), dtype=bool)
        corner[3, rows - rows.min(), columns - columns.min()] = True
        self.assertFalse(measure_diameters(mask, geometry).touches_border)
        self.assertAlmostEqual(
            measure_diameters(mask, geometry).product_mm2,
            measure_diameters(corner, geometry).product_mm2,
            places=4,
        )


class TestKnownShapes(unittest.TestCase):
    def test_spheres_and_ellipsoids_within_half_a_voxel(self):
        rng = np.random.default_rng(5)
        for spacing, direction in (((1.0, 1.0, 1.0), None), ((1.2, 1.2, 3.0), TILT), ((0.8, 1.6, 4.0), TILT)):
            for semi_axes in ((11.0, 11.0, 11.0), (16.0, 10.0, 13.0)):
                geometry = box_geometry(44.0, spacing, direction, (5.0, -3.0, 40.0))
                axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
                centre = np.array([5.0, -3.0, 40.0]) + rng.uniform(-2, 2, 3)
                mask = ellipsoid(geometry, centre, semi_axes, axes)
                # Across the centre, the section of an ellipsoid is an ellipse: its matrix is that of the ellipsoid in the plane.
                plane = geometry.direction_lps[:, :2]
                shape = axes @ np.diag(1.0 / np.square(semi_axes)) @ axes.T
                long, short = 2.0 / np.sqrt(np.linalg.eigvalsh(plane.T @ shape @ plane))
                result = measure_diameters(mask, geometry)
                half = 0.5 * max(spacing[:2])
                self.assertAlmostEqual(result.long_axis.length_mm, long, delta=half)
                self.assertAlmostEqual(result.short_axis.length_mm, short, delta=half)
                self.assertAlmostEqual(measure_feret_diameter(mask, geometry).length_mm, 2 * max(semi_axes), delta=0.5 * max(spacing))
                for line in (result.long_axis, result.short_axis):
                    ends = np.array([line.start_lps, line.end_lps])
                    self.assertAlmostEqual(np.linalg.norm(ends[1] - ends[0]), line.length_mm)
                    index = (np.linalg.inv(geometry.ijk_to_lps) @ np.column_stack([ends, [1, 1]]).T)[2]
                    np.testing.assert_allclose(index, result.slice_index, atol=1e-9)
                long_axis, short_axis = (np.subtract(line.end_lps, line.start_lps) for line in (result.long_axis, result.short_axis))
                self.assertAlmostEqual(long_axis @ short_axis, 0.0, places=6)

    def test_axial_plane_of_an_oblique_acquisition(self):
        # A cigar 40 mm long, 16 mm across, lying in the axial plane; the image is tilted out of it by 25 degrees.
        geometry = box_geometry(56.0, (1.2, 1.2, 3.0), TILT)
        axes = rotation((0.0, 0.0, 1.0), 110.0)
        mask = ellipsoid(geometry, (1.0, 0.3, -0.7), (20.0, 8.0, 8.0), axes)
        axial = measure_diameters(mask, geometry, plane="axial")
        self.assertTrue(axial.parameters["reformatted"])
        self.assertIsNone(axial.slice_index)
        self.assertEqual(axial.normal_lps, (0.0, 0.0, 1.0))
        self.assertAlmostEqual(axial.long_axis.length_mm, 40.0, delta=1.5)
        self.assertAlmostEqual(axial.short_axis.length_mm, 16.0, delta=0.6)
        self.assertAlmostEqual(axial.long_axis.start_lps[2], axial.long_axis.end_lps[2])
        acquired = measure_diameters(mask, geometry)
        plane = geometry.direction_lps[:, :2]
        shape = axes @ np.diag([1 / 400.0, 1 / 64.0, 1 / 64.0]) @ axes.T
        self.assertAlmostEqual(
            acquired.long_axis.length_mm,
            2.0 / np.sqrt(np.linalg.eigvalsh(plane.T @ shape @ plane)[0]),
            delta=0.6,
        )
        self.assertLess(acquired.long_axis.length_mm, 36.0)

    def test_axial_acquisition_is_not_reformatted(self):
        geometry = box_geometry(30.0, (1.0, 1.0, 3.0), rotation((1.0, 0.0, 0.0), 0.3))
        mask = ellipsoid(geometry, (0.2, 0.1, 0.0), (9.0, 9.0, 9.0))
        self.assertEqual(measure_diameters(mask, geometry, plane="axial").long_axis, measure_diameters(mask, geometry).long_axis)
        self.assertEqual(measure_viable_diameters(mask, geometry, plane="axial").parameters["gap_mm"], 2.0)

    def test_viable_part_on_a_plane_cut_through_the_volume(self):
        geometry = box_geometry(46.0, (1.2, 1.2, 2.4), TILT)
        shell = ellipsoid(geometry, (0.3, 0.1, 0.2), (18.0,) * 3) & ~ellipsoid(geometry, (0.3, 0.1, 0.2), (11.0,) * 3)
        result = measure_viable_diameters(shell, geometry, plane="axial", gap_mm=0.0)
        self.assertAlmostEqual(result.long_axis.length_mm, 2 * np.sqrt(18.0**2 - 11.0**2), delta=1.2)
        default = measure_viable_diameters(shell, geometry, plane="axial")
        self.assertAlmostEqual(default.parameters["gap_mm"], 4.8)
        self.assertGreaterEqual(default.long_axis.length_mm, result.long_axis.length_mm)

    def test_coronal_acquisition_on_the_axial_plane(self):
        coronal = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
        geometry = box_geometry(50.0, (1.0, 1.0, 3.0), coronal)
        mask = ellipsoid(geometry, (0.3, 0.2, 0.1), (18.0, 12.0, 6.0))
        self.assertAlmostEqual(measure_diameters(mask, geometry).short_axis.length_mm, 12.0, delta=0.5)
        axial = measure_diameters(mask, geometry, plane="axial")
        self.assertAlmostEqual(axial.long_axis.length_mm, 36.0, delta=0.5)
        self.assertAlmostEqual(axial.short_axis.length_mm, 24.0, delta=1.0)

    def test_anti_aliased_mask(self):
        geometry = box_geometry(30.0, (1.0, 1.0, 1.0))
        rng = np.random.default_rng(6)
        at = positions(geometry)
        for radius in (3.0, 6.3, 11.0):
            centre = rng.uniform(-0.5, 0.5, 3)
            occupancy = np.clip(radius - np.linalg.norm(at - centre, axis=-1) + 0.5, 0.0, 1.0)
            result = measure_diameters(occupancy, geometry)
            self.assertAlmostEqual(result.long_axis.length_mm, 2 * radius, delta=0.25)
            self.assertAlmostEqual(measure_feret_diameter(occupancy, geometry).length_mm, 2 * radius, delta=0.25)


class TestAgainstBruteForce(unittest.TestCase):
    def test_longest_diameter_and_perpendicular(self):
        rng = np.random.default_rng(7)
        steps = np.array([[0.0, 1.1], [0.7, 0.0]])  # row and column steps
        geometry = Geometry.from_parts((3, 46, 46), (0.7, 1.1, 4.0), (0, 0, 0), TILT)
        for _trial in range(6):
            mask = np.zeros(geometry.shape, dtype=bool)
            mask[0], mask[1], mask[2] = (blob(rng, 46, holes=2) for _slice in range(3))
            result = measure_diameters(mask, geometry)
            contours = [trace_contour(edge_field(np.pad(part, 3), steps), steps) for part in mask]
            self.assertAlmostEqual(result.long_axis.length_mm, max(pdist(contour.points).max() for contour in contours))
            # Perpendicular: the outermost crossings of lines every 0.01 mm along the long axis.
            contour = contours[result.slice_index]
            a, b = contour.points, contour.points[contour.following]
            shift = np.array([3, 3]) @ steps
            ends = np.array([result.long_axis.start_lps, result.long_axis.end_lps]) @ geometry.direction_lps
            start, end = ends[:, :2] + shift
            along = (end - start) / np.linalg.norm(end - start)
            u, v, other = (a - start) @ along, (a - start) @ [-along[1], along[0]], slice(None)
            u2, v2 = (b - start) @ along, (b - start) @ [-along[1], along[0]]
            longest = 0.0
            for t in np.arange(u.min(), u.max(), 0.01):
                hit = (u > t) != (u2 > t)
                at = (v + (t - u) / np.where(hit, u2 - u, 1.0) * (v2 - v))[hit]
                longest = max(longest, np.ptp(at[other])) if len(at) else longest
            self.assertAlmostEqual(result.short_axis.length_mm, longest, delta=0.01)
            self.assertGreaterEqual(result.short_axis.length_mm, longest - 1e-6)

    def check_viable_diameter(self, mask: np.ndarray, gap: float, within: float = 0.2):
        steps = np.array([[0.0, 1.0], [1.0, 0.0]])
        geometry = Geometry.from_parts((1, *mask.shape), (1.0, 1.0, 4.0))
        contour = trace_contour(edge_field(np.pad(mask, 3), steps), steps)
        result = measure_viable_diameters(mask[None], geometry, gap_mm=gap)
        start, end = (np.array(p[:2]) + 3 for p in (result.long_axis.start_lps, result.long_axis.end_lps))
        self.assertLessEqual(longest_gap(contour, start, end), gap + 0.3)
        points = contour.points
        first, second = np.triu_indices(len(points), 1)
        length = np.linalg.norm(points[first] - points[second], axis=1)
        # No longer pair of contour points is free of gaps, up to what contours are simplified by.
        for pair in np.flatnonzero(length > result.long_axis.length_mm + within):
            self.assertGreater(longest_gap(contour, points[first[pair]], points[second[pair]], 150), gap - 0.3)

    def test_viable_diameter(self):
        rng = np.random.default_rng(8)
        for gap in (0.0, 2.5):
            for _trial in range(3):
                self.check_viable_diameter(blob(rng, 26, holes=3), gap)

    def test_viable_diameter_of_rings_and_pieces(self):
        rng = np.random.default_rng(10)
        row, column = np.mgrid[:20, :20] - 9.5
        away = np.hypot(row, column)
        ring = (away < 9.5) & (away > 5.5)
        shapes = {
            "ring": ring,
            "speckled ring": ring & (rng.random(ring.shape) > 0.1),
            "ring with a frayed core": (away < 9.5) & (away + rng.normal(size=ring.shape) > 6.0),
            "horseshoe": ring & ~((np.abs(row) < 4.0) & (column > 0.0)),
            "two pieces": (np.abs(row) < 8.0) & (np.abs(column - 2.0) > 1.0) & (np.abs(column) < 7.0),
        }
        for name, mask in shapes.items():
            for gap in (0.0, 2.0):
                with self.subTest(shape=name, gap=gap):
                    self.check_viable_diameter(mask, gap, 0.3)

    def test_farthest_pair_in_space(self):
        rng = np.random.default_rng(9)
        for semi_axes in ((9.0, 9.0, 9.0), (12.0, 7.0, 5.0)):
            geometry = box_geometry(30.0, (1.0, 1.3, 2.0), TILT)
            mask = ellipsoid(geometry, rng.uniform(-1, 1, 3), semi_axes)
            field = edge_field(np.pad(mask, 3), geometry.ijk_to_lps[:3, :3].T[::-1])
            points = []
            for axis in range(3):
                low, high = np.split(field, [field.shape[axis] - 1], axis)[0], np.split(field, [1], axis)[1]
                crossed = np.nonzero((low > 0) != (high > 0))
                point = np.stack(crossed, axis=1).astype(float)
                point[:, axis] += low[crossed] / (low[crossed] - high[crossed])
                points.append(point)
            points = np.concatenate(points)[:, ::-1] @ geometry.ijk_to_lps[:3, :3].T
            self.assertAlmostEqual(measure_feret_diameter(mask, geometry).length_mm, pdist(points).max())


class TestViable(unittest.TestCase):
    def setUp(self):
        self.geometry = box_geometry(46.0, (1.0, 1.0, 2.5))
        self.radius, self.core = 20.0, 12.0
        outer = ellipsoid(self.geometry, (0.3, -0.2, 0.4), (self.radius,) * 3)
        self.shell = outer & ~ellipsoid(self.geometry, (0.3, -0.2, 0.4), (self.core,) * 3)

    def test_shell_is_measured_beside_its_necrotic_core(self):
        result = measure_viable_diameters(self.shell, self.geometry, gap_mm=0.0)
        self.assertAlmostEqual(result.long_axis.length_mm, 2 * np.sqrt(self.radius**2 - self.core**2), delta=0.75)
        self.assertEqual(result.parameters["gap_mm"], 0.0)

    def test_a_small_gap_may_be_crossed(self):
        for gap in (None, 8.0):
            result = measure_viable_diameters(self.shell, self.geometry, gap_mm=gap)
            allowed = 2.0 if gap is None else gap
            truth = 2 * np.sqrt(self.radius**2 - self.core**2 + allowed**2 / 4)
            self.assertAlmostEqual(result.long_axis.length_mm, truth, delta=0.75)
            self.assertEqual(result.parameters["gap_mm"], allowed)

    def test_perpendicular_obeys_the_gap_too(self):
        # A flat ring: every line of it beside the core is a chord of the outer circle at the core's edge or farther out.
        ring = np.zeros(self.geometry.shape, dtype=bool)
        ring[9] = self.shell[9]
        result = measure_viable_diameters(ring, self.geometry, gap_mm=0.0)
        self.assertLess(result.short_axis.length_mm, result.long_axis.length_mm + 1e-9)
        self.assertGreater(result.short_axis.length_mm, self.radius - self.core)

    def test_end_to_end_across_the_core_without_the_rule(self):
        self.assertAlmostEqual(measure_diameters(self.shell, self.geometry).long_axis.length_mm, 40.0, delta=0.5)

    def test_pieces_apart_are_not_bridged(self):
        geometry = Geometry.from_parts((3, 20, 60), (1.0, 1.0, 3.0))
        mask = np.zeros(geometry.shape, dtype=bool)
        mask[1, 5:15, 5:20] = mask[1, 5:15, 30:55] = True
        viable = measure_viable_diameters(mask, geometry)
        # The corners of a box are rounded: between its outermost voxel centres and its corners.
        self.assertTrue(np.hypot(24, 9) < viable.long_axis.length_mm < np.hypot(25, 10))
        self.assertEqual(viable.pieces, 2)
        self.assertTrue(np.hypot(49, 9) < measure_diameters(mask, geometry).long_axis.length_mm < np.hypot(50, 10))


class TestPieces(unittest.TestCase):
    def setUp(self):
        self.geometry = box_geometry(60.0, (1.0, 1.0, 2.0))
        self.left = ellipsoid(self.geometry, (-14.0, 0.0, 0.0), (10.0, 8.0, 8.0))
        self.right = ellipsoid(self.geometry, (13.0, 1.0, 0.0), (7.0, 6.0, 6.0))

    def test_split_lesion_is_the_sum_of_its_parts(self):
        result = measure_split_diameters(self.left | self.right, self.geometry)
        self.assertEqual(len(result.parts), 2)
        self.assertAlmostEqual(result.parts[0].long_axis.length_mm, 20.0, delta=0.5)
        self.assertAlmostEqual(result.parts[1].long_axis.length_mm, 14.0, delta=0.5)
        self.assertAlmostEqual(result.sum_mm, result.parts[0].long_axis.length_mm + result.parts[1].long_axis.length_mm)

    def test_joint_diameter_of_confluent_lesions(self):
        result = measure_diameters(self.left | self.right, self.geometry)
        self.assertEqual(result.pieces, 2)
        self.assertAlmostEqual(result.long_axis.length_mm, 44.0, delta=0.6)
        touching = ellipsoid(self.geometry, (3.0, 0.0, 0.0), (8.0, 6.0, 6.0))
        joint = measure_diameters(self.left | touching, self.geometry)
        self.assertEqual(joint.pieces, 1)
        self.assertAlmostEqual(joint.long_axis.length_mm, 35.0, delta=0.6)

    def test_small_pieces_may_be_left_out(self):
        mask = self.left.copy()
        mask[0, 0, 0] = True
        self.assertEqual(len(measure_split_diameters(mask, self.geometry).parts), 2)
        self.assertEqual(len(measure_split_diameters(mask, self.geometry, smallest_piece_voxels=2).parts), 1)


if __name__ == "__main__":
    unittest.main()

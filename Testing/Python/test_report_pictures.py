"""Pictures of a lesion: the right slice, the right side, the same scale; and in files and back."""

import io
import math
import tempfile
import unittest
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from report_case import full_case, picture

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.report import (
    Overlay,
    field_of_view_mm,
    lesion_picture,
    load_pictures,
    reference_window,
    save_pictures,
)
from HCCResponseLib.report.colours import CATEGORY_COLOURS, LINE_COLOURS
from HCCResponseLib.report.picture_drawing import picture_png

SHAPE = (5, 20, 30)
GEOMETRY = Geometry.from_parts(SHAPE, (2.0, 3.0, 5.0))


def a_lesion():
    """Mask of 4 x 6 voxels in slice 1 and 6 x 8 in slice 3, and a volume that numbers its voxels."""
    mask = np.zeros(SHAPE, bool)
    mask[1, 8:12, 10:16] = True
    mask[3, 7:13, 10:18] = True
    return mask, np.arange(np.prod(SHAPE), dtype=float).reshape(SHAPE)


def cut(geometry=GEOMETRY, **options):
    mask, volume = a_lesion()
    fields = dict(lesion_uid="2.25.1", time_point=0, title="T2")
    return lesion_picture(volume, geometry, mask, **(fields | options))


class BadInputTest(unittest.TestCase):
    def test_what_cannot_be_shown(self):
        mask, volume = a_lesion()
        common = dict(lesion_uid="2.25.1", time_point=0, title="T2")
        with self.assertRaisesRegex(InputError, "no voxel"):
            lesion_picture(volume, GEOMETRY, np.zeros(SHAPE, bool), **common)
        with self.assertRaisesRegex(GeometryError, "resample"):
            lesion_picture(volume, GEOMETRY, mask[1:], **common)
        with self.assertRaisesRegex(GeometryError, "its geometry"):
            lesion_picture(volume[1:], GEOMETRY, mask, **common)
        with self.assertRaisesRegex(GeometryError, "necrotic"):
            lesion_picture(volume, GEOMETRY, mask, parts=[("necrotic", mask[1:])], **common)
        with self.assertRaisesRegex(InputError, "does not show the lesion"):
            lesion_picture(volume, GEOMETRY, mask, slice_index=0, **common)
        with self.assertRaisesRegex(InputError, "valid value"):
            lesion_picture(np.full(SHAPE, np.nan), GEOMETRY, mask, **common)
        with self.assertRaisesRegex(InputError, "not known"):
            lesion_picture(volume, GEOMETRY, mask, quantity="SIZE", **common)
        with self.assertRaisesRegex(InputError, "nothing to show"):
            field_of_view_mm([(np.zeros(SHAPE, bool), GEOMETRY)])

    def test_fields_that_cannot_be(self):
        case = full_case()
        for changed, pattern in (
            (dict(pixels=np.zeros((2, 2, 2))), "one slice"),
            (dict(pixels=np.zeros((0, 2))), "one slice"),
            (dict(pixel_mm=(0.0, 1.0)), "cannot be"),
            (dict(window=(1.0, 1.0)), "window"),
            (dict(window=(math.nan, 1.0)), "window"),
            (dict(field_mm=(-1.0, 1.0)), "field of view"),
            (dict(overlays=(Overlay("x", "#ffffff", np.zeros((2, 2), bool)),)), "pixels"),
        ):
            with self.assertRaisesRegex(InputError, pattern):
                replace(picture(case), **changed)
        for colour in ("red", "#fff", "#ffffff; background: url(x)"):
            with self.assertRaisesRegex(InputError, "colour"):
                Overlay("x", colour, np.zeros((2, 2), bool))

    def test_damaged_files(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with self.assertRaisesRegex(InputError, "no pictures"):
                load_pictures(folder)
            with self.assertRaisesRegex(InputError, "no pictures"):
                load_pictures(folder / "absent")
            path = save_pictures(folder, [picture(full_case())])[0]
            whole = path.read_bytes()
            pickled = io.BytesIO()
            np.savez(pickled, about=np.array([{"a": 1}], dtype=object), pixels=np.zeros((2, 2)), masks=np.zeros((0, 2, 2)))
            for content in (b"", b"nonsense", whole[: len(whole) // 2], pickled.getvalue()):
                path.write_bytes(content)
                with self.assertRaisesRegex(InputError, "damaged"):
                    load_pictures(folder)


class CutTest(unittest.TestCase):
    def test_the_slice_with_the_largest_area(self):
        found = cut(field_mm=24.0)
        # 8 rows of 3 mm and 12 columns of 2 mm around rows 7 to 12, columns 10 to 17 of slice 3.
        np.testing.assert_array_equal(found.pixels, a_lesion()[1][3, 6:14, 8:20])
        self.assertEqual((found.pixel_mm, found.field_mm, found.letters), ((3.0, 2.0), (24.0, 24.0), ("R", "L", "A", "P")))
        self.assertEqual(found.overlays[0].mask.sum(), 48)
        np.testing.assert_array_equal(cut(field_mm=24.0, slice_index=1).pixels[0, :2], a_lesion()[1][1, 6, 7:9])

    def test_beyond_the_edge_there_is_nothing(self):
        found = cut(field_mm=100.0)
        rows, columns = found.pixels.shape
        self.assertGreaterEqual(rows * 3.0, 100.0)
        self.assertGreaterEqual(columns * 2.0, 100.0)
        self.assertEqual(np.isfinite(found.pixels).sum(), SHAPE[1] * SHAPE[2])
        self.assertEqual(found.overlays[0].mask.sum(), 48)

    def test_the_lesion_is_in_the_middle(self):
        for field in (20.0, 25.0, 31.0, 47.0):
            mask = cut(field_mm=field).overlays[0].mask
            for axis in (0, 1):
                places = np.flatnonzero(mask.any(axis=1 - axis))
                self.assertEqual(places[0], mask.shape[axis] - 1 - places[-1])

    def test_one_field_of_view_for_all_examinations(self):
        small, large = np.zeros(SHAPE, bool), a_lesion()[0]
        small[2, 3, 3] = True
        # The largest extent is 6 rows of 3 mm, with 12 mm on each side.
        self.assertEqual(field_of_view_mm([(small, GEOMETRY), (large, GEOMETRY), (small & False, GEOMETRY)]), 18.0 + 24.0)
        self.assertEqual(field_of_view_mm([(large, GEOMETRY)], margin_mm=1.0), 20.0)
        self.assertEqual(cut().field_mm, (42.0, 42.0))

    def test_the_patients_right_is_on_the_left_whichever_way_the_voxels_run(self):
        upright = cut(field_mm=24.0)
        for direction, turn in (
            (np.diag([-1.0, 1.0, 1.0]), np.s_[:, ::-1]),
            (np.diag([1.0, -1.0, 1.0]), np.s_[::-1, :]),
            (np.diag([-1.0, -1.0, 1.0]), np.s_[::-1, ::-1]),
        ):
            found = cut(Geometry.from_parts(SHAPE, (2.0, 3.0, 5.0), direction_lps=direction), field_mm=24.0)
            np.testing.assert_array_equal(found.pixels, upright.pixels[turn])
            self.assertEqual(found.letters, ("R", "L", "A", "P"))

    def test_coronal_and_sagittal(self):
        coronal = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
        sagittal = np.array([[0, 0, 1.0], [1.0, 0, 0], [0, -1.0, 0]])
        for direction, letters in ((coronal, ("R", "L", "S", "I")), (sagittal, ("A", "P", "S", "I"))):
            self.assertEqual(cut(Geometry.from_parts(SHAPE, (1.0, 1.0, 1.0), direction_lps=direction)).letters, letters)

    def test_maps_are_in_the_shown_unit(self):
        mask, _volume = a_lesion()
        found = lesion_picture(
            np.full(SHAPE, 1.5e-3), GEOMETRY, mask, lesion_uid="2.25.1", time_point=0, title="ADC", quantity="ADC",
        )  # fmt: skip
        self.assertAlmostEqual(np.nanmax(found.pixels), 1.5)
        self.assertEqual((found.window, found.unit, found.colour_map), ((0.0, 3.0), "10⁻³ mm²/s", "viridis"))
        self.assertEqual(cut(window=(0.0, 5.0)).window, (0.0, 5.0))
        self.assertEqual(cut().colour_map, "gray")

    def test_parts(self):
        mask, _volume = a_lesion()
        core = np.zeros(SHAPE, bool)
        core[3, 9:11, 12:14] = True
        found = cut(parts=[("viable", mask & ~core), ("Necrotic", core), ("haemorrhagic", core & False)], outline=False)
        self.assertEqual([(one.label, one.colour, int(one.mask.sum())) for one in found.overlays],
                         [("viable", "#e69f00", 44), ("Necrotic", "#56b4e9", 4)])  # fmt: skip

    def test_a_flat_picture_has_a_window(self):
        mask, _volume = a_lesion()
        found = lesion_picture(np.full(SHAPE, 7.0), GEOMETRY, mask, lesion_uid="2.25.1", time_point=0, title="T1")
        self.assertEqual(found.window, (6.5, 7.5))

    def test_the_window_of_a_reference(self):
        mask, _volume = a_lesion()
        self.assertEqual(reference_window(np.full(SHAPE, 100.0), mask), (0.0, 250.0))
        for signal in (0.0, -1.0, np.nan):
            with self.assertRaisesRegex(InputError, "reference"):
                reference_window(np.full(SHAPE, signal), mask)


class FilesTest(unittest.TestCase):
    def test_round_trip(self):
        first = cut(parts=[("viable", a_lesion()[0])])
        second = picture(full_case(), 1, "ADC", colour_map="viridis", unit="10⁻³ mm²/s", overlays=())
        with tempfile.TemporaryDirectory() as folder:
            save_pictures(Path(folder), [second] * 3)
            save_pictures(Path(folder), [first, second])
            found = load_pictures(Path(folder))
        self.assertEqual(len(found), 2)
        for one, original in zip(found, (first, second), strict=True):
            np.testing.assert_array_equal(one.pixels, original.pixels)
            for name in ("lesion_uid", "time_point", "title", "pixel_mm", "window", "colour_map", "unit", "letters", "field_mm"):
                self.assertEqual(getattr(one, name), getattr(original, name))
            for part, whole in zip(one.overlays, original.overlays, strict=True):
                self.assertEqual((part.label, part.colour, part.filled), (whole.label, whole.colour, whole.filled))
                np.testing.assert_array_equal(part.mask, whole.mask)


@unittest.skipUnless(find_spec("matplotlib"), "matplotlib is not installed here")
class DrawingTest(unittest.TestCase):
    def image(self, one, side_pixels=200):
        from matplotlib.image import imread

        return imread(io.BytesIO(picture_png(one, side_pixels=side_pixels)))[..., :3]

    def test_values_are_where_they_belong(self):
        # Left half dark, right half bright; the upper half of the map not valid.
        pixels = np.zeros((10, 10))
        pixels[:, 5:] = 1.0
        plain = replace(picture(full_case()), pixels=pixels, overlays=(), window=(0.0, 1.0), letters=("", "", "", ""))
        image = self.image(plain)
        self.assertEqual(image.shape[:2], (200, 200))
        self.assertLess(image[60, 60].max(), 0.05)
        self.assertGreater(image[60, 140].min(), 0.95)
        pixels[:5] = np.nan
        image = self.image(replace(plain, pixels=pixels, colour_map="viridis"))
        self.assertEqual(image[20, 60].max(), 0.0)
        self.assertGreater(image[120, 120].max(), 0.5)

    def test_the_scale_bar_is_as_long_as_it_says(self):
        plain = replace(picture(full_case()), pixels=np.zeros((50, 50)), pixel_mm=(1.0, 1.0), overlays=(), letters=("", "", "", ""))
        for field, length in ((50.0, 10), (40.0, 10), (31.0, 10), (29.0, 5)):
            row = self.image(replace(plain, field_mm=(field, field)), 400)[int(400 * 0.94)].min(axis=1)
            self.assertAlmostEqual((row > 0.5).sum() / 400 * field, length, delta=0.03 * field)

    def test_the_field_of_view_sets_the_shape(self):
        self.assertEqual(self.image(replace(picture(full_case()), field_mm=(10.0, 20.0)), 200).shape[:2], (100, 200))

    def test_text_with_dollars_is_no_formula(self):
        picture_png(replace(picture(full_case()), unit="$\\frac$", colour_map="viridis", letters=("$", "L", "A", "P")))


class ColoursTest(unittest.TestCase):
    def test_words_can_be_read_on_their_category(self):
        for category, (background, text) in CATEGORY_COLOURS.items():
            self.assertGreater(_contrast(background, text), 4.5, category)

    def test_neighbouring_lesions_differ_also_without_colour_vision(self):
        for first, second in pairwise(LINE_COLOURS):
            self.assertGreater(min(_distance(first, second, seen) for seen in _VISION.values()), 20.0, (first, second))


# Machado et al., IEEE Trans Vis Comput Graph 2009;15:1291: full deuteranomaly and protanomaly, linear RGB.
_VISION = {
    "normal": np.eye(3),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
}


def _linear(colour: str) -> np.ndarray:
    rgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255.0
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _contrast(first: str, second: str) -> float:
    """Contrast of WCAG 2."""
    light = sorted(float(_linear(one) @ (0.2126, 0.7152, 0.0722)) for one in (first, second))
    return (light[1] + 0.05) / (light[0] + 0.05)


def _distance(first: str, second: str, seen: np.ndarray) -> float:
    """Distance in CIE Lab."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    lab = []
    for one in (first, second):
        x, y, z = np.cbrt(np.clip(to_xyz @ (seen @ _linear(one)) / (0.9505, 1.0, 1.089), 0, None))
        lab.append(np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)]))
    return float(np.linalg.norm(lab[0] - lab[1]))


if __name__ == "__main__":
    unittest.main()

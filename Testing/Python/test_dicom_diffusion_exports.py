"""Series that hold one b-value each are put together where they are one acquisition."""

import unittest
from pathlib import Path

from HCCResponseLib.dicom import Frame, Series, diffusion_exports

SLICES = 3


def series(number: int, *b_values: float | None, frames: int = SLICES, **fields) -> Series:
    images = tuple(Frame(Path(f"{n}"), 0, f"1.{number}.{n}", 4, 4, b_value=b) for b in b_values for n in range(frames))
    fields = {"study_uid": "1", "patient_id": "A", "frame_of_reference_uid": "1.9", "modality": "MR", **fields}
    return Series(f"1.{number}", frames=images, number=number, description="ep2d_diff", **fields)


def numbers(*found: Series) -> list[tuple]:
    return [tuple(one.number for one in group) for group in diffusion_exports(found)]


class DiffusionExportsTest(unittest.TestCase):
    def test_whole_series_stand_alone(self):
        self.assertEqual(numbers(series(1, 0.0, 800.0), series(2, 0.0, 800.0)), [(1,), (2,)])

    def test_one_b_value_each_is_one_acquisition(self):
        self.assertEqual(numbers(series(1, 0.0), series(2, 400.0), series(3, 0.0, 50.0), series(4, 800.0)), [(3,), (1, 2, 4)])

    def test_what_belongs_to_something_else_stands_apart(self):
        for fields in ({"study_uid": "2"}, {"patient_id": "B"}, {"frame_of_reference_uid": "1.8"}, {"frames": SLICES + 1}):
            with self.subTest(fields):
                self.assertEqual(numbers(series(1, 0.0), series(2, 400.0), series(3, 800.0, **fields)), [(1, 2), (3,)])

    def test_other_series_are_passed_over(self):
        t1 = Series("1.5", "1", (Frame(Path("5"), 0, "1.5.0", 4, 4),), description="t1_vibe")
        self.assertEqual(numbers(t1, series(1, 0.0, 800.0)), [(1,)])
        self.assertEqual(diffusion_exports([]), [])


if __name__ == "__main__":
    unittest.main()

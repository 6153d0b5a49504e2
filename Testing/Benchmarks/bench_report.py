"""How long the report of a case takes, and how large it is: three lesions, three examinations, 45 pictures."""

import sys
import tempfile
from pathlib import Path

from table import Row, best_seconds, print_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python"))

import numpy as np
from report_case import full_case

from HCCResponseLib.geometry import Geometry
from HCCResponseLib.report import lesion_picture, write_report
from HCCResponseLib.report.picture_drawing import picture_png
from HCCResponseLib.response.criteria import assess

SHAPE, SPACING = (40, 256, 320), (1.4, 1.4, 4.0)
MOST_SECONDS, MOST_MEGABYTES = 10.0, 10.0


def main() -> int:
    """Print the table; return 1 when a target was missed."""
    case = full_case()
    geometry = Geometry.from_parts(SHAPE, SPACING)
    volume = np.random.default_rng(7).normal(300.0, 40.0, SHAPE)
    mask = np.zeros(SHAPE, bool)
    mask[18:24, 100:130, 80:115] = True

    def cut(lesion: str, time_point: int, title: str):
        quantity = title if title in ("ADC", "KTRANS") else ""
        return lesion_picture(
            volume * 4e-6 if quantity else volume, geometry, mask, lesion_uid=lesion, time_point=time_point, title=title, quantity=quantity,
        )  # fmt: skip

    titles = ("T1", "T2", "Subtraction", "ADC", "KTRANS")
    pictures = [cut(lesion.uid, index, title) for lesion in case.lesions for index in range(3) for title in titles]
    with tempfile.TemporaryDirectory() as folder:
        write_report(case, folder, pictures=pictures[:5])  # loads matplotlib and Jinja2
        whole = best_seconds(lambda: write_report(case, folder, pictures=pictures), 3)
        plain = best_seconds(lambda: write_report(case, folder), 3)
        write_report(case, folder, pictures=pictures)
        size = (Path(folder) / "report.html").stat().st_size / 1e6
    rows = [
        Row("assess the case", f"{1e3 * best_seconds(lambda: assess(case)):.1f} ms"),
        Row("cut one picture out of its volume", f"{1e3 * best_seconds(lambda: cut(case.lesions[0].uid, 0, 'T1')):.1f} ms"),
        Row("draw one picture", f"{1e3 * best_seconds(lambda: picture_png(pictures[0])):.0f} ms"),
        Row("report without pictures", f"{plain:.2f} s"),
        Row("report with 45 pictures", f"{whole:.2f} s", f"at most {MOST_SECONDS:g} s", whole <= MOST_SECONDS),
        Row("its size, of noise that cannot be compressed", f"{size:.1f} MB", f"at most {MOST_MEGABYTES:g} MB", size <= MOST_MEGABYTES),
    ]
    return 0 if print_table("Report of a case", rows) else 1


if __name__ == "__main__":
    sys.exit(main())

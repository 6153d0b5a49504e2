"""A case with everything that a report shows, and one whose headers are hostile."""

from dataclasses import replace

import numpy as np
from response_case import make_case, row, uid_of

from HCCResponseLib.report.lesion_picture import LesionPicture, Overlay
from HCCResponseLib.response.case import Case, Image
from HCCResponseLib.response.roles import Role

__all__ = ["HOSTILE", "full_case", "hostile_case", "picture"]

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'; background: url(http://evil.example/x); '",
    "</style><script src=http://evil.example/x.js></script>",
    "{{ 7 * 191 }}{% raise %}",
    "javascript:alert(3)",
)  # fmt: skip


def full_case(**changed) -> Case:
    """Three lesions, three examinations, by reader A; the second lesion grows while it dies, the third bleeds."""
    lesions = {
        "L1": dict(kind="target", in_field=True, dose_gy=50.4, fractions=28),
        "L2": dict(kind="target", in_field=True),
        "L3": dict(in_field=False),
    }
    values = {
        ("L1", "LONG_AXIS"): [40.0, 36.0, 30.0], ("L1", "SHORT_AXIS"): [30.0, 27.0, 22.0], ("L1", "VOLUME"): [20.0, 17.0, 11.0],
        ("L1", "VIABLE_DIAMETER"): [40.0, 30.0, 20.0], ("L1", "VIABLE_SHORT_AXIS"): [30.0, 20.0, 15.0],
        ("L1", "VIABLE_VOLUME"): [20.0, 12.0, 5.0], ("L1", "NECROTIC_FRACTION"): [0.0, 0.3, 0.55],
        ("L1", "ADC"): [1.0e-3, 1.1e-3, 1.5e-3], ("L1", "KTRANS"): [0.4, 0.3, 0.1], ("L1", "ENHANCEMENT"): [1.0, 0.5, 0.2],
        ("L1", "T1_GRADE"): [2.0, 2.0, 2.0], ("L1", "T2_GRADE"): [4.0, 4.0, 4.0],
        ("L2", "LONG_AXIS"): [30.0, 45.0, 70.0], ("L2", "SHORT_AXIS"): [20.0, 30.0, 45.0], ("L2", "VOLUME"): [9.0, 20.0, 60.0],
        ("L2", "VIABLE_DIAMETER"): [30.0, 20.0, 10.0], ("L2", "VIABLE_SHORT_AXIS"): [20.0, 12.0, 8.0],
        ("L2", "VIABLE_VOLUME"): [9.0, 6.0, 2.0], ("L2", "NECROTIC_FRACTION"): [0.0, 0.7, 0.97],
        ("L2", "ADC"): [1.0e-3, 1.6e-3, 2.0e-3], ("L2", "KTRANS"): [0.5, 0.2, 0.05], ("L2", "ENHANCEMENT"): [1.0, 0.4, 0.1],
        ("L2", "T1_GRADE"): [2.0, 5.0, 5.0], ("L2", "T2_GRADE"): [4.0, 1.0, 5.0],
        ("L3", "LONG_AXIS"): [15.0, 15.0, float("nan")],
    }  # fmt: skip
    images = [Image(index, Role.T2, f"1.2.3.77.{index}", "t2_tse", 5.0) for index in range(3)]
    dates = ("2026-03-01", "2026-03-29", "2026-04-26")
    case = make_case(
        lesions,
        values,
        images=images,
        date=dates,
        study_uid=("1.2.3.88.0", "1.2.3.88.1", "1.2.3.88.2"),
        treatment=("", "sorafenib 800 mg", "sorafenib 400 mg"),
        afp_ng_ml=(820.0, 300.0, 90.0),
        findings=[("L3", 2, "not evaluable")],
    )
    return replace(case, patient="PAT-4711", name="Doe^Jane", **changed)


def hostile_case(length: int = 10_000) -> Case:
    """Script, control characters, a name without an end, formulas and paths in every text that a header or a reader can fill."""
    case = full_case()
    bad = "".join(HOSTILE)
    controls = "\x00\x07\x1b[31m\u202e\u2028\udc80"
    return replace(
        case,
        patient=f"../../{HOSTILE[0]}{controls}",
        name=bad + controls + "N" * length,
        time_points=[replace(one, treatment=f"=HYPERLINK(1){bad}", dose=controls + bad) for one in case.time_points],
        images=[replace(one, name=bad) for one in case.images],
        lesions=[
            replace(one, identifier=HOSTILE[index] + controls + "L" * (length if index == 2 else 5), organ=bad)
            for index, one in enumerate(case.lesions)
        ],
        measurements=[replace(one, method=f"=cmd|' /C calc'!A0;@{bad}", reader=HOSTILE[1]) for one in case.measurements],
        findings=[replace(one, reader=HOSTILE[1], comment=bad) for one in case.findings],
    )


def picture(case: Case, time_point: int = 0, title: str = "T2", lesion: str = "L1", **changed) -> LesionPicture:
    """A small picture with an outline."""
    pixels = np.arange(64.0).reshape(8, 8)
    mask = np.zeros((8, 8), bool)
    mask[2:6, 2:6] = True
    fields = dict(
        pixel_mm=(2.0, 2.0), window=(0.0, 63.0), overlays=(Overlay("viable", "#e69f00", mask, filled=True),), letters=("R", "L", "A", "P"),
    )  # fmt: skip
    return LesionPicture(uid_of(lesion), time_point, title, pixels, **(fields | changed))


def late_row(**changed):
    """A second measurement of the long axis of L1 at baseline."""
    return row("L1", "LONG_AXIS", 0, 41.0, datetime="2026-03-02T12:00:00", method="line moved by hand", **changed)

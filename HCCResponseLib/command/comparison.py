"""Measured beside true values of the reference patient, with the tolerances that this program sets itself, and a verdict."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from ..response.case import Case
from ..response.measurement import Measurement
from ..response.region_types import RegionType
from ..workflow.lesion_identities import part_uid
from ..workflow.tissue_steps import CORRECTED

__all__ = ["Compared", "compare_with_truth", "comparison_table"]


@dataclass(frozen=True)
class Compared:
    """One measured value beside its truth, in the units of the table.

    :param measured: NaN where nothing was measured.
    :param error: relative, in percent, or absolute, in ``error_unit``.
    :param tolerance: in ``error_unit``.
    """

    time_point: str
    lesion: str
    what: str
    unit: str
    true: float
    measured: float
    error: float
    error_unit: str
    tolerance: float
    decimals: int

    @property
    def inside(self) -> bool:
        """Whether the error is within the tolerance."""
        return abs(self.error) <= self.tolerance


def compare_with_truth(case: Case, truth_file: Path, voxel_mm: float) -> list[Compared]:
    """Compare a case with the truth of the reference patient.

    ADC, T1 and Ktrans are those of the parts of a lesion, viable and dead: the mean of two tissues is no tissue's value.

    :param truth_file: ``truth.json``, as the phantom wrote it.
    :param voxel_mm: tolerance of diameters: a voxel of the images that the lesions are outlined on.
    """
    truth = json.loads(Path(truth_file).read_text(encoding="utf-8"))
    rows: list[Compared] = []
    for examination in truth["examinations"]:
        index, name = examination["index"], examination["name"]
        for lesion in examination["lesions"]:
            uid = next((one.uid for one in case.lesions if one.identifier == lesion["identifier"]), "")

            def add(what, unit, true, row, factor, kind, tolerance, decimals, *, name=name, lesion=lesion):
                measured = math.nan if row is None else row.value * factor
                true = true * factor
                error = 100.0 * (measured / true - 1.0) if kind == "%" else measured - true
                rows.append(Compared(name, lesion["identifier"], what, unit, true, measured, error, kind, tolerance, decimals))

            def find(quantity, *, uid=uid, index=index, **wanted):
                return case.latest(lesion_uid=uid, time_point=index, quantity=quantity, **wanted)

            add("volume", "mL", lesion["volume_ml"], _of_surface(case, uid, index), 1.0, "%", 3.0, 2)
            add("longest diameter", "mm", lesion["longest_diameter_mm"], find("LONG_AXIS"), 1.0, "mm", voxel_mm, 1)
            add("viable diameter", "mm", lesion["viable_diameter_mm"], find("VIABLE_DIAMETER"), 1.0, "mm", voxel_mm, 1)
            add("NV/TV", "%", lesion["nv_over_tv"], find("NECROTIC_FRACTION"), 100.0, "points", 3.0, 1)
            add("T1 grade", "", lesion["t1_grade"], find("T1_GRADE_PROPOSAL"), 1.0, "grades", 0.0, 0)
            add("T2 grade", "", lesion["t2_grade"], find("T2_GRADE_PROPOSAL"), 1.0, "grades", 0.0, 0)
            for part, known in lesion["parts"].items():
                region_type = RegionType.VIABLE if part == "viable" else RegionType.NECROTIC
                of = part_uid(uid, region_type.value)
                word = "viable" if part == "viable" else "dead"
                add(f"ADC, {word} part", "10⁻³ mm²/s", known["adc"], _corrected(case, of, index, "ADC"), 1e3, "%", 3.0, 3)
                add(f"T1, {word} part", "ms", known["t1_s"], _corrected(case, of, index, "T1"), 1e3, "%", 3.0, 0)
                if part == "viable":
                    for words, title in (("measured in the aorta", "AIF of the aorta"), ("Parker", "population AIF")):
                        row = _corrected(case, of, index, "KTRANS", words)
                        add(f"Ktrans, {title}", "/min", known["ktrans"], row, 1.0, "%", 5.0, 3)
    return rows


def comparison_table(rows: list[Compared]) -> str:
    """Return the comparison as text, and a verdict."""
    lines = [f"{'':10}{'':8}{'':26}{'true':>9}{'measured':>10}  {'':12}{'error':>14}{'allowed':>14}"]
    last = None
    for one in rows:
        if (one.time_point, one.lesion) != last:
            last = (one.time_point, one.lesion)
            lines.append("")
        measured = "  none" if math.isnan(one.measured) else f"{one.measured:.{one.decimals}f}"
        digits = 0 if one.error_unit == "grades" else 1
        unit = "" if one.error_unit == "grades" else f" {one.error_unit}"
        error = "" if math.isnan(one.error) else f"{one.error:+.{digits}f}{unit}"
        verdict = "" if one.inside else "   OUTSIDE"
        lines.append(
            f"{one.time_point:10}{one.lesion:8}{one.what:26}{one.true:>9.{one.decimals}f}{measured:>10}  {one.unit:12}{error:>14}"
            f"{f'{one.tolerance:.{digits}f}{unit}':>14}{verdict}",
        )
    outside = [one for one in rows if not one.inside]
    lines.append("")
    if outside:
        lines.append(f"{len(outside)} of {len(rows)} values are outside their tolerance.")
    else:
        lines.append(f"All {len(rows)} values are within their tolerances.")
    return "\n".join(lines)


def _of_surface(case: Case, uid: str, index: int) -> Measurement | None:
    """The volume of the outline, not that of a map's voxels inside it."""
    found = [one for one in case.find(lesion_uid=uid, time_point=index, quantity="VOLUME") if one.method.startswith("Volume: ")]
    return found[-1] if found else None


def _corrected(case: Case, uid: str, index: int, quantity: str, words: str = "") -> Measurement | None:
    rows = case.find(lesion_uid=uid, time_point=index, quantity=quantity, statistic="")
    found = [one for one in rows if one.method.endswith(CORRECTED) and words in one.method]
    return found[-1] if found else None

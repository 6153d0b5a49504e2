"""The published tables of Horger et al., BMC Cancer 2009;9:208: 21 patients under sorafenib, 80 examinations.

Open access, CC BY. The rows stand as printed, also where the paper's text says otherwise.
"""

import csv
import functools
from dataclasses import dataclass
from importlib.resources import files

from ..errors import InputError
from ..lesions.necrosis_score import NecrosisScore
from ..lesions.necrosis_trend import NecrosisTrend

__all__ = ["Examination", "Patient", "examinations", "patients"]


@dataclass(frozen=True)
class Patient:
    """A row of table 1: who was treated.

    :param differentiation: as printed ("++", "+", "+/-", "-"; empty: no histology).
    :param child_pugh: "A", "B" or "none".
    :param note: footnote in words.
    """

    number: int
    age: int
    gender: str
    histology: str
    differentiation: str
    child_pugh: str
    note: str


@dataclass(frozen=True)
class Examination:
    """A row of table 2: one examination.

    :param week: 0 is the baseline.
    :param dose_mg: sorafenib a day; None at baseline and in a pause.
    :param site: of the representative lesion.
    :param size_mm: longest diameter of the representative lesion; 0 when it is gone.
    :param t1_grade: 1 to 5; None when the lesion is gone.
    :param t2_grade: likewise.
    :param necrosis: course of necrosis; None where the table has no entry. An arrow up does not say whether it is new.
    :param score: NONE where the table has no entry; None where necrosis could not be quantified.
    :param sum_mm: sum of the longest diameters of all lesions.
    """

    patient: int
    week: int
    dose_mg: int | None
    site: str
    lesions: int
    size_mm: float
    t1_grade: int | None
    t2_grade: int | None
    necrosis: NecrosisTrend | None
    score: NecrosisScore | None
    sum_mm: float


_TRENDS = {
    "": None,
    "+": NecrosisTrend.PRESENT_AT_BASELINE,
    "↑": NecrosisTrend.INCREASE,
    "↔": NecrosisTrend.UNCHANGED,
    "↓": NecrosisTrend.DECREASE,
}
_NOT_QUANTIFIABLE = "+*"
_SCORES = {
    "": NecrosisScore.NONE,
    "<25": NecrosisScore.UNDER_25,
    "<50": NecrosisScore.UNDER_50,
    "<75": NecrosisScore.UNDER_75,
    ">75": NecrosisScore.OVER_75,
    _NOT_QUANTIFIABLE: None,
}


def _rows(name: str) -> list[dict[str, str]]:
    resource = files(__package__.rpartition(".")[0]).joinpath("Resources", name)
    try:
        text = resource.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"The published table {name} is missing; the installation is not complete, install HCCResponse again.") from None
    return list(csv.DictReader(text.splitlines()))


def _whole(text: str) -> int | None:
    return int(text) if text else None


@functools.cache
def patients() -> tuple[Patient, ...]:
    """Return the 21 patients of table 1.

    :raises InputError: the file is missing from the installation.
    """
    return tuple(
        Patient(
            int(row["patient"]),
            int(row["age"]),
            row["gender"],
            row["histology"],
            row["differentiation"],
            row["child_pugh"],
            row["note"],
        )
        for row in _rows("horger2009_table1.csv")
    )


@functools.cache
def examinations() -> dict[int, tuple[Examination, ...]]:
    """Return the 80 examinations of table 2 by patient, in order of time; the first of each is the baseline.

    :raises InputError: the file is missing from the installation.
    """
    found: dict[int, list[Examination]] = {}
    for row in _rows("horger2009_table2.csv"):
        one = Examination(
            int(row["patient"]),
            int(row["week"]),
            _whole(row["dose_mg"]),
            row["lesion_site"],
            int(row["n_lesions"]),
            float(row["size_mm"]),
            _whole(row["t1_grade"]),
            _whole(row["t2_grade"]),
            _TRENDS[row["necrosis_trend"]],
            _SCORES[row["necrosis_score"]],
            float(row["sum_mm"]),
        )
        found.setdefault(one.patient, []).append(one)
    return {patient: tuple(rows) for patient, rows in found.items()}

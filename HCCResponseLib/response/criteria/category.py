"""Response categories, and what a criterion answers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..measurement import Measurement, MeasurementKey

__all__ = ["Assessment", "Category", "CriterionResult", "keys_of"]


class Category(StrEnum):
    """Response of a patient, or of a part of the lesions, in one examination."""

    CR = "CR"
    PR = "PR"
    SD = "SD"
    NON_CR_NON_PD = "non-CR/non-PD"
    """Of non-targets, and of patients without targets."""
    PD = "PD"
    NE = "NE"
    BASELINE = "baseline"
    """The first examination: nothing to respond to yet."""

    @property
    def title(self) -> str:
        """In words."""
        return _TITLES[self]

    @property
    def is_response(self) -> bool:
        """Complete or partial response."""
        return self in (Category.CR, Category.PR)


_TITLES = {
    Category.CR: "complete response",
    Category.PR: "partial response",
    Category.SD: "stable disease",
    Category.NON_CR_NON_PD: "neither complete response nor progression",
    Category.PD: "progressive disease",
    Category.NE: "not evaluable",
    Category.BASELINE: "baseline",
}


@dataclass(frozen=True)
class Assessment:
    """Answer of a criterion for one examination.

    :param criterion: its name.
    :param time_point: index of the examination.
    :param category: overall.
    :param reason: one sentence that says why, beginning with the category.
    :param numbers: by name with the unit at its end ("sum_mm", "change_from_nadir_percent"); NaN where one could not be found.
    :param measurements: keys of the rows used: of this examination, of the baseline and of the nadir.
    :param target: category of the targets alone; None where there are none.
    :param non_target: category of the non-targets alone; None where there are none.
    :param new_lesions: tracking UIDs of the new lesions that count.
    :param notes: what the reader should know beside the reason, each a sentence.
    """

    criterion: str
    time_point: int
    category: Category
    reason: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    measurements: tuple[MeasurementKey, ...] = ()
    target: Category | None = None
    non_target: Category | None = None
    new_lesions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def change_percent(self) -> float:
        """The change that decided: over the nadir where it is progression, from the baseline otherwise; NaN without one."""
        name = "change_from_nadir_percent" if self.target is Category.PD else "change_from_baseline_percent"
        return self.numbers.get(name, math.nan)


@dataclass(frozen=True)
class CriterionResult:
    """A criterion over all examinations of a case.

    :param criterion: its name.
    :param reader: whose findings and measurements were used; empty for those without a reader.
    :param assessments: one for each examination, in order of time.
    :param notes: what holds for all of them, such as targets that the program proposed.
    """

    criterion: str
    reader: str
    assessments: tuple[Assessment, ...]
    notes: tuple[str, ...] = ()

    def at(self, time_point: int) -> Assessment | None:
        """The assessment of an examination, or None."""
        return next((one for one in self.assessments if one.time_point == time_point), None)

    @property
    def categories(self) -> tuple[Category, ...]:
        """Category of each examination, in order of time."""
        return tuple(one.category for one in self.assessments)


def keys_of(rows: tuple[Measurement, ...]) -> tuple[MeasurementKey, ...]:
    """Keys of measurements, each once, in order."""
    return tuple(dict.fromkeys(row.key for row in rows))

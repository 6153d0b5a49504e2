"""Choi criteria (Choi et al., J Clin Oncol 2007;25:1753), exploratory on MRI.

They were made for gastrointestinal stromal tumours on CT. PR: at least 10 % under the baseline sum of longest diameters, or density at
least 15 % lower. PD: growth of at least 10 % over the nadir without the density criterion, or a new lesion. CT density has no
counterpart on MRI; enhancement is taken for it here, or any other quantity, and every answer says that it is exploratory.
"""

import math
from dataclasses import dataclass

from ..case import Case
from ..change import percent_change
from ..measurement import Measurement
from ..quantities import find_quantity
from .category import Category, CriterionResult
from .evaluation import History, Outcome, evaluate, outcome_of_sizes
from .limits import at_least, show_change
from .reading import Reading
from .recist import select_recist_lesions
from .size_rule import SizeRule, longest_diameter
from .targets import Selection

__all__ = ["CHOI", "choi"]

CHOI = SizeRule("Choi (exploratory on MRI)", longest_diameter, partial_percent=10.0, progression_percent=10.0)
DENSITY_PERCENT = 15.0


@dataclass(frozen=True)
class _Density:
    """Change of the mean density of the targets that are still there, in percent; NaN and why where it is not known."""

    percent: float
    reason: str
    rows: tuple[Measurement, ...] = ()

    @property
    def fell(self) -> bool:
        return at_least(-self.percent, DENSITY_PERCENT)


def choi(
    case: Case,
    *,
    reader: str | None = None,
    selection: Selection | None = None,
    density: str = "ENHANCEMENT",
    statistic: str = "mean",
) -> CriterionResult:
    """Assess a case by the Choi criteria.

    :param reader: whose measurements; may be left out where there is one reader.
    :param selection: targets, non-targets and new lesions; those of RECIST 1.1 if None.
    :param density: key of the quantity taken for density.
    :param statistic: of that quantity.
    :raises InputError: several readers and none chosen, an unknown quantity, examinations not in order of time, or sizes that
        cannot be.
    """
    label = find_quantity(density).label
    selection = selection or select_recist_lesions(case, reader=reader)
    reading = Reading.of(case, reader, lambda lesion: longest_diameter(case, lesion))
    densities = Reading.of(case, reader, lambda _lesion: (density,))

    def change_of_density(history: History) -> _Density:
        there = [one.lesion.uid for one in history.sizes[-1] if not one.gone]
        pairs = [[densities.row(uid, index, density, statistic) for uid in there] for index in (0, history.indices[-1])]
        rows = tuple(row for pair in pairs for row in pair if row is not None)
        means = [math.fsum(row.value if row else math.nan for row in pair) / max(len(there), 1) for pair in pairs]
        percent = percent_change(*means) if means[0] > 0.0 else math.nan
        if math.isnan(percent):
            return _Density(math.nan, f"{label} is not known in all targets at baseline and now", rows)
        return _Density(percent, f"{label} {show_change(percent, -DENSITY_PERCENT)}", rows)

    def outcome_of(history: History) -> Outcome:
        size = outcome_of_sizes(history)
        back = history.after_complete_response and size.category is Category.PD
        if size.category in (None, Category.NE, Category.CR) or back:
            return size
        change = change_of_density(history)
        numbers = size.numbers | {"change_of_density_percent": change.percent}
        if size.category is Category.PR or change.fell:
            category = Category.PR
        elif math.isnan(change.percent):
            category = Category.NE
        else:
            category = size.category
        return Outcome(category, f"{size.reason}; {change.reason}", numbers, change.rows)

    return evaluate(reading, CHOI, selection, outcome_of=outcome_of)

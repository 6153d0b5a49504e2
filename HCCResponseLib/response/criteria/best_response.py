"""Best overall response over time, with or without confirmation (RECIST 1.1, section 4.6 and table 3).

Only what comes before progression counts. With confirmation a complete response needs another one at least four weeks later, a partial
response another partial or complete one; examinations between may be anything but progression. An unconfirmed response is stable
disease.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...errors import InputError
from ..case import Case
from .category import Category, CriterionResult
from .limits import at_least
from .timeline import examination_label, week_of

__all__ = ["CONFIRMATION_WEEKS", "BestResponse", "best_of_categories", "best_response"]

CONFIRMATION_WEEKS = 4.0

_STABLE = (Category.SD, Category.NON_CR_NON_PD)


@dataclass(frozen=True)
class BestResponse:
    """Best overall response.

    :param category: NE where no follow-up could be evaluated.
    :param position: which follow-up first had it, from 0; None for none.
    :param reason: one sentence.
    :param time_point: index of that examination, where the case is known.
    """

    category: Category
    position: int | None
    reason: str
    time_point: int | None = None


def best_of_categories(
    categories: Sequence[Category],
    weeks: Sequence[float | None],
    *,
    labels: Sequence[str] | None = None,
    confirmation: bool = False,
    confirmation_weeks: float = CONFIRMATION_WEEKS,
    minimum_stable_weeks: float | None = None,
) -> BestResponse:
    """Return the best response of follow-ups in order of time, the baseline not among them.

    :param weeks: of each follow-up from the baseline; None where it is not known (then nothing is confirmed by it).
    :param labels: what to call each follow-up; "follow-up 1", ... if None.
    :param confirmation: whether complete and partial responses must be confirmed.
    :param confirmation_weeks: by an examination at least so much later.
    :param minimum_stable_weeks: stable disease must have lasted so long from the baseline; None asks for nothing.
    :raises InputError: the lists differ in length, or a baseline is among the categories.
    """
    labels = labels or [f"follow-up {position + 1}" for position in range(len(categories))]
    if not len(categories) == len(weeks) == len(labels) or Category.BASELINE in categories:
        raise InputError("The best response needs the category and the week of every follow-up, without the baseline.")
    progression = next((position for position, one in enumerate(categories) if one is Category.PD), None)
    before = range(len(categories) if progression is None else progression)
    unconfirmed = ""
    for wanted, confirms in ((Category.CR, (Category.CR,)), (Category.PR, (Category.CR, Category.PR))):
        for first in (one for one in before if categories[one] in confirms):
            # Without confirmation a complete response was found by the first round.
            if not confirmation:
                return BestResponse(wanted, first, f"{wanted}: at {labels[first]}.")
            later = [
                one
                for one in before
                if one > first and categories[one] in confirms and _apart(weeks[first], weeks[one], confirmation_weeks)
            ]
            if later:
                return BestResponse(wanted, first, f"{wanted}: at {labels[first]}, confirmed at {labels[later[0]]}.")
            unconfirmed = unconfirmed or f"{wanted} at {labels[first]} was not confirmed after {confirmation_weeks:g} weeks"
    stable = [one for one in before if categories[one] in (Category.CR, Category.PR, *_STABLE)]
    if minimum_stable_weeks is None:
        lasting = stable
    else:
        lasting = [one for one in stable if _apart(0.0, weeks[one], minimum_stable_weeks)]
    if lasting:
        category = Category.NON_CR_NON_PD if all(categories[one] is Category.NON_CR_NON_PD for one in stable) else Category.SD
        return BestResponse(category, lasting[0], f"{category}: at {labels[lasting[0]]}{'; ' + unconfirmed if unconfirmed else ''}.")
    short = f"; stable disease lasted less than {minimum_stable_weeks:g} weeks, or its week is not known" if stable else ""
    if progression is not None:
        return BestResponse(Category.PD, progression, f"PD: at {labels[progression]}{short}.")
    return BestResponse(Category.NE, None, f"NE: {'no follow-up could be evaluated' if categories else 'there is no follow-up'}{short}.")


def best_response(
    case: Case,
    result: CriterionResult,
    *,
    confirmation: bool = False,
    confirmation_weeks: float = CONFIRMATION_WEEKS,
    minimum_stable_weeks: float | None = None,
) -> BestResponse:
    """Return the best overall response of a criterion; see :func:`best_of_categories`."""
    follow_ups = [one for one in result.assessments if one.category is not Category.BASELINE]
    best = best_of_categories(
        [one.category for one in follow_ups],
        [week_of(case, one.time_point) for one in follow_ups],
        labels=[examination_label(case, one.time_point) for one in follow_ups],
        confirmation=confirmation,
        confirmation_weeks=confirmation_weeks,
        minimum_stable_weeks=minimum_stable_weeks,
    )
    return replace(best, time_point=None if best.position is None else follow_ups[best.position].time_point)


def _apart(first: float | None, second: float | None, weeks: float) -> bool:
    return first is not None and second is not None and at_least(second - first, weeks)

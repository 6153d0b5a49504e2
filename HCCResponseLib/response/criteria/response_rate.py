"""How many patients respond: counts by category and the objective response rate, (CR + PR)/n."""

from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import InputError
from .category import Category

__all__ = ["ResponseRate", "response_rate"]


@dataclass(frozen=True)
class ResponseRate:
    """Counts over patients.

    :param counts: by category, all six, zeros included.
    :param responders: CR and PR.
    :param total: all patients, those not evaluable included.
    :param rate: responders / total.
    :param interval: exact 95 % interval of the rate (Clopper-Pearson).
    """

    counts: dict[Category, int]
    responders: int
    total: int
    rate: float
    interval: tuple[float, float]


def response_rate(categories: Iterable[Category]) -> ResponseRate:
    """Count categories and return the objective response rate.

    :raises InputError: there is nobody to count, or a baseline is among them.
    """
    from ...statistics.proportion import clopper_pearson

    found = [Category(one) for one in categories]
    if not found or Category.BASELINE in found:
        raise InputError("A response rate needs the response of at least one patient, and no baseline among them.")
    counts = {category: found.count(category) for category in Category if category is not Category.BASELINE}
    responders = sum(one.is_response for one in found)
    return ResponseRate(counts, responders, len(found), responders / len(found), clopper_pearson(responders, len(found)))

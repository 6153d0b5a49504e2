"""What a criterion measures of each lesion, and the limits that it sets on the sum."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..case import Case, Lesion

__all__ = ["NORMAL_NODE_MM", "TOO_SMALL_MM", "SizeRule", "is_viable", "longest_diameter", "product_of_diameters"]

TOO_SMALL_MM = 5.0
"""A lesion that is seen but too small to measure counts as this (RECIST 1.1)."""

NORMAL_NODE_MM = 10.0
"""A lymph node with a shorter short axis is normal (RECIST 1.1)."""


@dataclass(frozen=True)
class SizeRule:
    """A criterion on the sum of the sizes of the targets.

    :param name: of the criterion.
    :param quantities_of: which quantities of a lesion give its size.
    :param combine: the size from their values, in this order.
    :param unit: of the size.
    :param partial_percent: a decrease from the baseline of at least this is a partial response.
    :param progression_percent: growth over the nadir of at least this is progression.
    :param progression_includes_limit: False: only growth of more than that.
    :param progression_absolute: and of at least this, in ``unit``.
    :param too_small: size of a lesion that is too small to measure, in ``unit``.
    :param what: name of the sum in sentences.
    """

    name: str
    quantities_of: Callable[[Case, Lesion], tuple[str, ...]]
    combine: Callable[[Iterable[float]], float] = math.prod
    unit: str = "mm"
    partial_percent: float = 30.0
    progression_percent: float = 20.0
    progression_includes_limit: bool = True
    progression_absolute: float = 0.0
    too_small: float = TOO_SMALL_MM
    what: str = "sum"


def is_viable(quantities: tuple[str, ...]) -> bool:
    """Return whether these quantities measure viable (arterially enhancing) tumour, not the whole lesion."""
    return quantities[0].startswith("VIABLE_")


def longest_diameter(_case: Case, lesion: Lesion) -> tuple[str, ...]:
    """Long axis; of a lymph node the short axis."""
    return ("SHORT_AXIS",) if lesion.lymph_node else ("LONG_AXIS",)


def product_of_diameters(_case: Case, _lesion: Lesion) -> tuple[str, ...]:
    """Long axis and its perpendicular."""
    return ("LONG_AXIS", "SHORT_AXIS")

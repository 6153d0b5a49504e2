"""Comparison of two samples: exact Wilcoxon signed rank for pairs, asymptotic Mann-Whitney for groups.

As Lee, Yoo et al. used them (Sci Rep 2021;11:10459): before against after therapy in n = 10, progressive against other patients.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from ..errors import InputError

__all__ = ["MannWhitney", "SignedRank", "mann_whitney", "wilcoxon_exact"]

MOST_PAIRS = 20
"""Every one of 2^n sign patterns is looked at: a million at most."""


class SignedRank(NamedTuple):
    """Smaller of the two rank sums, number of pairs that differ, two-sided p-value."""

    statistic: float
    pairs: int
    p_value: float


class MannWhitney(NamedTuple):
    """U of the first sample, area under the ROC curve U/(n1 n2), two-sided p-value."""

    u: float
    auc: float
    p_value: float


def wilcoxon_exact(before: Sequence[float], after: Sequence[float]) -> SignedRank:
    """Return the exact Wilcoxon signed rank test; pairs without a difference are left out (Wilcoxon).

    Exact with ties too: the distribution is that of all 2^n sign patterns of the ranks at hand.

    :param before: one value for each patient.
    :param after: likewise, in the same order.
    :raises InputError: numbers of values differ, a value is not a number, no pair differs, or more than 20 do.
    """
    before, after = _checked(before, "first"), _checked(after, "second")
    if len(before) != len(after):
        raise InputError(f"A paired test needs as many values before as after, found {len(before)} and {len(after)}.")
    difference = after - before
    difference = difference[difference != 0.0]
    count = len(difference)
    if not 0 < count <= MOST_PAIRS:
        raise InputError(f"The exact test needs 1 to {MOST_PAIRS} pairs that differ, found {count}.")
    ranks = stats.rankdata(np.abs(difference))
    smaller = float(min(ranks[difference > 0.0].sum(), ranks[difference < 0.0].sum()))
    # Rank sums of all sign patterns. Mid-ranks are halves, which binary numbers hold exactly.
    sums = np.zeros(1)
    for rank in ranks:
        sums = np.concatenate([sums, sums + rank])
    return SignedRank(smaller, count, min(1.0, 2.0 * float(np.mean(sums <= smaller))))


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> MannWhitney:
    """Return the asymptotic Mann-Whitney test, two-sided, corrected for ties, without continuity correction.

    :raises InputError: a sample is empty, a value is not a number, or all values are equal.
    """
    first, second = _checked(first, "first"), _checked(second, "second")
    if len(np.unique(np.concatenate([first, second]))) == 1:
        raise InputError("All values of both groups are equal; there is nothing to compare.")
    found = stats.mannwhitneyu(first, second, alternative="two-sided", use_continuity=False, method="asymptotic")
    return MannWhitney(float(found.statistic), float(found.statistic) / (len(first) * len(second)), float(found.pvalue))


def _checked(values: Sequence[float], which: str) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise InputError(f"The {which} sample must be a list of numbers, with none missing.")
    return array

"""Association of two yes/no features: Fisher's exact test and Pearson's chi-square."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from ..errors import InputError

__all__ = ["ChiSquare", "cross_table", "fisher_exact", "pearson_chi_square"]

Table = Sequence[Sequence[int]]
"""[[both, only the first], [only the second, neither]]"""


class ChiSquare(NamedTuple):
    """Test statistic, degrees of freedom and p-value."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


def cross_table(pairs: Iterable[tuple[bool, bool]]) -> list[list[int]]:
    """Count pairs of two features: [[both, only the first], [only the second, neither]]."""
    table = [[0, 0], [0, 0]]
    for first, second in pairs:
        table[not first][not second] += 1
    return table


def fisher_exact(table: Table) -> float:
    """Return the two-sided p-value of Fisher's exact test.

    :param table: counts, 2 x 2.
    :raises InputError: it is not 2 x 2, or an entry is no count.
    """
    return float(stats.fisher_exact(_checked(table)).pvalue)


def pearson_chi_square(table: Table) -> ChiSquare:
    """Return Pearson's chi-square test without Yates' correction.

    :param table: counts, 2 x 2.
    :raises InputError: it is not 2 x 2, an entry is no count, or a row or column is empty.
    """
    counts = _checked(table)
    if not counts.sum(axis=0).all() or not counts.sum(axis=1).all():
        raise InputError(f"Chi-square needs at least one count in every row and column, found {counts.tolist()}.")
    found = stats.chi2_contingency(counts, correction=False)
    return ChiSquare(float(found.statistic), int(found.dof), float(found.pvalue))


def _checked(table: Table) -> np.ndarray:
    counts = np.asarray(table)
    if counts.shape != (2, 2) or not np.issubdtype(counts.dtype, np.integer) or (counts < 0).any():
        raise InputError(f"A table of 2 x 2 whole counts is needed, found {counts.tolist()}.")
    return counts

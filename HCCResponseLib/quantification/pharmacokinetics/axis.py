"""The non-linear parameters: each an axis of nodes on which the model's curves are tabulated.

A position on an axis is a real number in units of the node spacing, so that all axes look the same to the search. Every axis has a
few extra nodes beyond its two ends, as many as the local polynomial of ``interpolation`` reaches, so that the polynomial is centred
everywhere.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Axis", "keep_within", "linear_axis", "rate_axis"]


@dataclass(frozen=True)
class Axis:
    """Nodes of one non-linear parameter.

    ``name`` of the parameter; ``count`` nodes inside the range; ``reach`` extra nodes beyond each end. Logarithmic axes (``offset``
    above 0) have the values offset (exp(step i) - 1), all others start + step i. Every ``stride``-th node is looked at in the first
    scan; the polynomials use all.
    """

    name: str
    count: int
    reach: int
    step: float
    start: float = 0.0
    offset: float = 0.0
    stride: int = 1

    @property
    def size(self) -> int:
        """Number of all nodes."""
        return self.count + 2 * self.reach

    @property
    def lower(self) -> int:
        """Position of the lower end of the range."""
        return self.reach

    @property
    def upper(self) -> int:
        """Position of the upper end of the range."""
        return self.reach + self.count - 1

    @property
    def scanned(self) -> slice:
        """Nodes of the first scan."""
        return slice(self.lower, self.upper + 1, self.stride)

    @property
    def nodes(self) -> np.ndarray:
        """Values at all nodes."""
        return self.value(np.arange(self.size))

    def value(self, position) -> np.ndarray:
        """Return the parameter at a position."""
        index = np.asarray(position, np.float64) - self.reach
        if self.offset > 0:
            return self.offset * np.expm1(self.step * index)
        return self.start + self.step * index


def rate_axis(name: str, largest: float, duration_min: float, count: int, stride: int = 1) -> Axis:
    """Return an axis of rate constants from 0 to ``largest`` [1/min]; ``stride`` divides ``count`` - 1.

    The nodes are linear below 1 / duration, where exp(-k t) hardly bends, and logarithmic above. So the axis begins at k = 0, which is
    the Patlak model, and the curves are smooth in the position all the way: a purely logarithmic axis never reaches 0.
    """
    offset = 1 / duration_min
    return Axis(name, count, reach=4, step=float(np.log1p(largest / offset)) / (count - 1), offset=offset, stride=stride)


def linear_axis(name: str, low: float, high: float, longest_step: float, reach: int) -> Axis:
    """Return equally spaced nodes from ``low`` to ``high``, at most ``longest_step`` apart."""
    count = max(3, int(np.ceil((high - low) / longest_step)) + 1)
    return Axis(name, count, reach=reach, step=(high - low) / (count - 1), start=low)


def keep_within(axes: list[Axis], position: np.ndarray) -> np.ndarray:
    """Return positions (axes, m) moved into the ranges of the axes."""
    return np.stack([np.clip(position[number], axis.lower, axis.upper) for number, axis in enumerate(axes)])

"""What all tissue models share: two curves with linear coefficients, and a few non-linear parameters.

C(t) = c1 a1(t; theta) + c2 a2(t; theta). A model says which curves, which axes theta has, which bounds hold, and what the coefficients
mean. ``varpro`` finds the best theta, ``uncertainty`` its standard errors.
"""

from abc import ABC, abstractmethod

import numpy as np

from ...errors import InputError
from .axis import Axis, keep_within
from .bounds import Region
from .compression import compression_basis

__all__ = ["CurveTables", "SeparableModel"]


class CurveTables:
    """Inner products of the curves, as tables over the nodes; the tables of a scaled problem carry the scale.

    ``first`` and ``second``: compressed curves (rank, *shape), each shape one length per axis, 1 where a curve does not depend on it;
    ``g11``, ``g22`` their squared lengths; ``g12`` (*all nodes) their inner products; ``region`` the allowed coefficients.
    """

    def __init__(self, first: np.ndarray, second: np.ndarray, region: Region):
        self.first, self.second, self.region = first, second, region
        self.g11, self.g22 = (first * first).sum(axis=0), (second * second).sum(axis=0)
        self.g12 = sum(a * b for a, b in zip(first, second, strict=True))

    def scaled(self, scale1, scale2, region: Region) -> "CurveTables":
        """Return the tables of the curves times ``scale1`` and ``scale2`` (arrays over the nodes)."""
        return CurveTables(self.first * scale1, self.second * scale2, region)


class SeparableModel(ABC):
    """A tissue model on its grid of nodes.

    :ivar name: as given to ``fit``.
    :ivar axes: the non-linear parameters that are fitted; may be empty.
    :ivar outputs: names of the maps, in the order of ``parameters``.
    :ivar linear: number of linear coefficients, 1 or 2.
    :ivar rate_can_vanish: whether ``without_washout`` applies.
    """

    name: str
    outputs: tuple[str, ...]
    linear = 2
    rate_can_vanish = False

    def __init__(self, axes: list[Axis], first: np.ndarray, second: np.ndarray | None):
        """Tabulate the model.

        :param axes: non-linear parameters.
        :param first: (n, *shape) curve of the first coefficient at the nodes; ``second`` likewise, None for a model without.
        :raises InputError: too few images with contrast agent.
        """
        self.axes = axes
        if second is None:
            second = np.zeros((len(first),) + (1,) * len(axes))
        families = [first, second] if self.linear == 2 else [first]
        seen = np.any([np.abs(curves).reshape(len(curves), -1).max(axis=1) > 0 for curves in families], axis=0)
        if seen.sum() <= self.parameter_count:
            raise InputError(
                f"The model '{self.name}' has {self.parameter_count} free parameters and needs more than as many images with contrast "
                f"agent; the series has {len(seen)} images, {seen.sum()} of them after its arrival.",
            )
        self.basis = compression_basis(*families)
        self.curves = CurveTables(self._compressed(first), self._compressed(second), Region())

    def _compressed(self, curves: np.ndarray) -> np.ndarray:
        return np.tensordot(self.basis.T, curves, axes=1)

    @property
    def parameter_count(self) -> int:
        """Number of free parameters of one voxel."""
        return self.linear + len(self.axes)

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of nodes on each axis."""
        return tuple(axis.size for axis in self.axes)

    def values(self, position: np.ndarray) -> dict[str, np.ndarray]:
        """Return the non-linear parameters at positions (axes, m), by name."""
        return {axis.name: axis.value(position[number]) for number, axis in enumerate(self.axes)}

    def node_values(self) -> dict[str, np.ndarray]:
        """Return the non-linear parameters at the nodes, each of the length of its axis and 1 elsewhere."""
        return {axis.name: nodes for axis, nodes in zip(self.axes, np.ix_(*(axis.nodes for axis in self.axes)), strict=True)}

    def limits(self, theta: dict[str, np.ndarray]) -> tuple[np.ndarray | float, np.ndarray | float, bool]:
        """Return the upper bounds of both coefficients at theta, infinite where there is none, and whether their sum shares them."""
        return np.inf, np.inf, False

    def allowed_nodes(self) -> np.ndarray | None:
        """Return which nodes of the grid are models at all; None: all."""
        return None

    def within(self, position: np.ndarray) -> np.ndarray:
        """Return positions (axes, m) moved into the domain."""
        return keep_within(self.axes, position)

    def without_washout(self, theta: dict[str, np.ndarray], c1: np.ndarray, c2: np.ndarray) -> np.ndarray:
        """Return True where c1 is beyond its bound because the rate, the first axis, cannot be told from 0: the rate is then 0."""
        return np.zeros(c1.shape, bool)

    @abstractmethod
    def parameters(self, theta: dict[str, np.ndarray], c1: np.ndarray, c2: np.ndarray) -> dict[str, np.ndarray]:
        """Return the maps' values: smooth functions of theta and the coefficients."""

    @abstractmethod
    def describe(self, theta: dict[str, np.ndarray], c1: np.ndarray, c2: np.ndarray, maps: dict[str, np.ndarray]) -> np.ndarray:
        """Return the status flags, and put NaN into ``maps`` where a flag says that a parameter cannot be told."""

    def at_ends(self, theta_name: str, position: np.ndarray) -> np.ndarray:
        """Return True where the position is at an end of the range of an axis; False everywhere when it is not fitted."""
        for number, axis in enumerate(self.axes):
            if axis.name == theta_name:
                return (position[number] <= axis.lower) | (position[number] >= axis.upper)
        return np.zeros(position.shape[1], bool)



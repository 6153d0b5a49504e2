"""Best fits of many voxels."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Optimum"]


@dataclass
class Optimum:
    """Best fits of m voxels: ``position`` (axes, m) on the model's axes, coefficients ``c1``, ``c2`` and ``explained``, the maximum F."""

    position: np.ndarray
    c1: np.ndarray
    c2: np.ndarray
    explained: np.ndarray

    def part(self, piece) -> "Optimum":
        """Return some of the voxels, as a view for a slice."""
        return Optimum(self.position[:, piece], self.c1[piece], self.c2[piece], self.explained[piece])

    def replace(self, where, other: "Optimum", which=slice(None)) -> None:
        """Take over the voxels ``which`` of another optimum at ``where``."""
        self.position[:, where] = other.position[:, which]
        self.c1[where], self.c2[where] = other.c1[which], other.c2[which]
        self.explained[where] = other.explained[which]

    def take_better(self, where: np.ndarray, other: "Optimum") -> None:
        """Take over what explains more, ``other`` being fits of the voxels ``where``."""
        better = np.flatnonzero(other.explained > self.explained[where])
        self.replace(where[better], other, better)

"""The fit of a tissue model to voxels of a dynamic series of the scene, piece by piece."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .b1_maps import b1_fraction, b1_of_t1_map
from .concentration import Conversion, conversion_of, tissue_t1
from .dynamic_curves import grid_volume, read_curves
from .input_table import input_function
from .prepared_models import prepared_model

__all__ = ["FittedVoxels", "VoxelFit", "voxel_fit"]


@dataclass(frozen=True)
class VoxelFit:
    """A tissue model, and all that makes concentrations of the signals of a series.

    :param t1: T1 before contrast [s], (k, j, i) or one number; ``b1``: reached part of the flip angle likewise, None: nominal.
    :param model: :class:`~HCCResponseLib.quantification.pharmacokinetics.PreparedFit`.
    :param given_delays: names of the delays that were given, not fitted.
    """

    sequence_node: object
    conversion: Conversion
    t1: np.ndarray | float
    b1: np.ndarray | None
    model: object
    given_delays: frozenset[str]

    def fit(self, voxels, progress=None) -> tuple:
        """Fit voxels (n,), indices into the flattened images (k, j, i).

        :return: :class:`~HCCResponseLib.quantification.pharmacokinetics.PharmacokineticFit`, and the
            :class:`~HCCResponseLib.quantification.contrast.ConcentrationStatus` codes (n,).
        :raises Cancelled: ``progress`` returned False.
        """
        t1, b1 = (values.reshape(-1)[voxels] if np.ndim(values) else values for values in (self.t1, self.b1))
        curves = self.conversion.concentrations(read_curves(self.sequence_node, voxels), t1, b1)
        return self.model.fit(curves.concentration, mask=curves.valid, progress=progress), curves.status


def voxel_fit(
    sequence_node,
    input_node,
    *,
    relaxivity: float,
    t1_map=None,
    t1_s: float | None = None,
    model: str = "extended_tofts",
    delay_s: float | tuple[float, float] = 0.0,
    portal_node=None,
    portal_delay_s: float | tuple[float, float] = 0.0,
    baseline: int | None = None,
) -> VoxelFit:
    """Prepare the fit of a series; arguments are those of :func:`.perfusion.compute_perfusion`.

    :raises InputError: an input cannot be used.
    :raises GeometryError: a parent transform is not linear.
    """
    conversion = conversion_of(sequence_node, input_function(input_node).arrival_s, relaxivity, baseline=baseline)
    grid = grid_volume(sequence_node)
    return VoxelFit(
        sequence_node,
        conversion,
        tissue_t1(grid, t1_map, t1_s),
        b1_fraction(b1_of_t1_map(t1_map), grid),
        prepared_model(input_node, portal_node, conversion.time_s, model, delay_s, portal_delay_s),
        frozenset(name for name, delay in (("delay_s", delay_s), ("portal_delay_s", portal_delay_s)) if not np.ndim(delay)),
    )


class FittedVoxels:
    """The maps of a series (k, j, i), filled piece by piece: ``maps`` by the fit's names, ``valid`` and ``status``."""

    def __init__(self, shape, leave_out=frozenset()):
        self._shape, self._leave_out = shape, leave_out
        self.maps: dict[str, np.ndarray] = {}
        self.valid = np.zeros(shape, bool)
        self.status = np.zeros(shape, np.uint16)
        self._fit_counts: dict[int, int] = {}
        self._conversion_counts: dict[int, int] = {}
        self._voxels = 0

    def add(self, voxels, fitted, conversion_status) -> None:
        """Fill in what :meth:`VoxelFit.fit` made of voxels."""
        for name, values in {**fitted.maps, "rmse": fitted.rmse}.items():
            if name not in self._leave_out:
                self.maps.setdefault(name, np.full(self._shape, np.nan, np.float32)).reshape(-1)[voxels] = values
        self.valid.reshape(-1)[voxels] = fitted.valid
        self.status.reshape(-1)[voxels] = fitted.status
        self._voxels += len(voxels)
        _count(self._conversion_counts, conversion_status)
        _count(self._fit_counts, fitted.status[fitted.valid])

    def counts(self) -> dict[str, int]:
        """Return how many voxels were looked at, have values, and what is to be said of them, in words."""
        from ..quantification.contrast import ConcentrationStatus
        from ..quantification.pharmacokinetics import EXPLANATIONS, Status

        counts = {"voxels": self._voxels, "fitted": int(self.valid.sum())}
        for code, number in sorted(self._conversion_counts.items()):
            if code != ConcentrationStatus.OK:
                counts[ConcentrationStatus(code).explanation] = number
        for flag in Status:
            number = sum(count for code, count in self._fit_counts.items() if code & flag)
            if number:
                counts[EXPLANATIONS[flag]] = number
        return counts

    def require_some(self, sequence_node) -> None:
        """Raise InputError where no voxel has values."""
        if self.valid.any():
            return
        from ..quantification.contrast import ConcentrationStatus

        code = max(self._conversion_counts, key=self._conversion_counts.get)
        raise InputError(
            f"No voxel of '{sequence_node.GetName()}' could be fitted; in {self._conversion_counts[code]} of {self._voxels}: "
            f"{ConcentrationStatus(code).explanation}.",
        )


def _count(counts: dict[int, int], codes) -> None:
    for code, number in zip(*np.unique(codes, return_counts=True), strict=True):
        counts[int(code)] = counts.get(int(code), 0) + int(number)

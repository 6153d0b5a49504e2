"""What a fit gives back."""

from dataclasses import dataclass, field

import numpy as np

__all__ = ["PharmacokineticFit"]


@dataclass(frozen=True)
class PharmacokineticFit:
    """Maps of one model; every array has the shape of the voxels. Maps that the model does not have are None.

    NaN where ``valid`` is False, and in single maps where a flag of ``status`` says that the parameter cannot be told (ve without
    exchange, for instance). Where nothing enhances, Ktrans, vp and flows are 0 and the others NaN.

    ``standard_error`` holds one array for each fitted map under its name, NaN where a bound holds the parameter.
    ``rmse`` [mM] is the root of the mean squared residual, ``r_squared`` 1 - residual / variation about the mean.
    """

    model: str
    parameter_count: int
    """Free parameters of one voxel."""
    valid: np.ndarray
    status: np.ndarray
    """``Status`` flags, uint16."""
    rmse: np.ndarray
    r_squared: np.ndarray

    ktrans: np.ndarray | None = None
    """1/min."""
    kep: np.ndarray | None = None
    """1/min."""
    ve: np.ndarray | None = None
    vp: np.ndarray | None = None
    delay_s: np.ndarray | None = None
    """Of the arterial input; as given (read-only) where it was not fitted."""

    plasma_flow: np.ndarray | None = None
    """1/min, mL plasma per mL tissue per minute; of both inputs together in the dual-input model."""
    ps: np.ndarray | None = None
    """1/min, permeability-surface area product."""

    arterial_fraction: np.ndarray | None = None
    portal_delay_s: np.ndarray | None = None
    distribution_volume: np.ndarray | None = None
    mean_transit_time_s: np.ndarray | None = None

    standard_error: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def maps(self) -> dict[str, np.ndarray]:
        """The parameter maps that the model has, by name."""
        names = (
            "ktrans", "kep", "ve", "vp", "delay_s", "plasma_flow", "ps",
            "arterial_fraction", "portal_delay_s", "distribution_volume", "mean_transit_time_s",
        )
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

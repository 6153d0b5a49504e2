"""What a voxel's numbers mean: fitted freely, held by a bound, or none at all."""

from enum import IntFlag

import numpy as np

__all__ = ["EXPLANATIONS", "Status", "flagged", "is_valid"]


class Status(IntFlag):
    """Flags of one voxel in ``PharmacokineticFit.status`` (uint16); 0 is a free fit, several bounds can hold at once."""

    FITTED = 0
    VP_AT_ZERO = 1
    VP_AT_MAXIMUM = 2
    VE_AT_MAXIMUM = 4
    KEP_AT_MAXIMUM = 8
    NO_WASHOUT = 16
    NO_EXCHANGE = 32
    DELAY_AT_LIMIT = 64
    ARTERIAL_FRACTION_AT_LIMIT = 128
    ONE_COMPARTMENT = 256
    NOT_ENHANCING = 512
    NOT_FINITE = 1024
    MASKED_OUT = 2048
    PLASMA_FLOW_TOO_FAST = 4096
    ENHANCEMENT_NOT_TESTED = 8192


EXPLANATIONS = {
    Status.FITTED: "fitted, no bound reached",
    Status.VP_AT_ZERO: "no plasma volume above zero: vp is 0",
    Status.VP_AT_MAXIMUM: "vp would exceed its upper bound (an artery, a wrong input function or a wrong hematocrit)",
    Status.VE_AT_MAXIMUM: "ve, or the distribution volume, is at its upper bound: the washout is too slow for a smaller one",
    Status.KEP_AT_MAXIMUM: "kep is at its cap: the extravascular part follows the plasma and cannot be told from vp",
    Status.NO_WASHOUT: "no washout within the series: ve, or the distribution volume, cannot be told; Ktrans is that of the Patlak model",
    Status.NO_EXCHANGE: "plasma only: Ktrans, or the plasma flow, is 0, and what depends on it cannot be told",
    Status.DELAY_AT_LIMIT: "the delay is at the end of its range",
    Status.ARTERIAL_FRACTION_AT_LIMIT: "the arterial fraction is 0 or 1",
    Status.ONE_COMPARTMENT: "the two compartments cannot be told apart: plasma flow and total volume only",
    Status.NOT_ENHANCING: "no enhancement above the noise: Ktrans and flow are 0, nothing was fitted",
    Status.NOT_FINITE: "a concentration is not a number or infinite",
    Status.MASKED_OUT: "outside the mask",
    Status.PLASMA_FLOW_TOO_FAST: "the plasma passes faster than the images can tell: the plasma flow is unknown",
    Status.ENHANCEMENT_NOT_TESTED: "too few images to tell enhancement from noise: fitted whether or not it enhances",
}
"""Every flag in words, for legends and tooltips."""


def flagged(where: np.ndarray, status: Status) -> np.ndarray:
    """Return the flag where the condition holds, 0 elsewhere, as uint16."""
    return where * np.uint16(status)


def is_valid(status: np.ndarray) -> np.ndarray:
    """Return True where a voxel has numbers."""
    return (status & np.uint16(Status.NOT_FINITE | Status.MASKED_OUT)) == 0

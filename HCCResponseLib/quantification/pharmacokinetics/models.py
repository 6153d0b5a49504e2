"""The models by name, made ready for given images, inputs and delays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from .axis import Axis
from .bounds import Bounds
from .delay import delay_axis, smallest_delay
from .dual_input import DualInput, DualInputExtendedTofts
from .exchange import TwoCompartmentExchange
from .input_function import InputFunction
from .patlak import Patlak
from .separable import SeparableModel
from .tofts import ExtendedTofts, Tofts

__all__ = ["MODELS", "Inputs", "check_model", "check_sample_times", "make_input", "make_model", "prepare_inputs"]

_SINGLE = {model.name: model for model in (Tofts, ExtendedTofts, Patlak, TwoCompartmentExchange)}
_DUAL = {model.name: model for model in (DualInput, DualInputExtendedTofts)}

MODELS = (*_SINGLE, *_DUAL)
"""Names of the models."""

_STEEPEST_TO_DELAY = 0.25
"""Of the peak, within half a second (Parker's has 0.09): the curves of a steeper input are not smooth between two nodes of the delay, and
polynomials through them give a wrong Ktrans and a wrong delay that look like a good fit."""

_LONGEST_DELAY_STEP_S = 0.5
_LONGEST_DELAY_STEP_OF_TWO_S = 1.0


@dataclass(frozen=True)
class Inputs:
    """The vessels' curves and delays, checked; ``portal`` is None for models with one input."""

    arterial: InputFunction
    delay: Axis | float
    portal: InputFunction | None
    portal_delay: Axis | float


def prepare_inputs(
    model: str, time_s: np.ndarray, aif: Callable | np.ndarray, aif_time_s, delay_s, pvf, portal_delay_s, interpolation: str,
) -> Inputs:
    """Check the inputs of a model and make them known wherever the fit asks.

    :raises InputError: unknown model, missing or superfluous portal-vein input, unusable curves or delays, arguments that would not
        be used, or a delay to be fitted with an input that jumps.
    """
    check_model(model, pvf)
    check_sample_times(aif_time_s, aif, pvf)
    if pvf is None and np.any(np.asarray(portal_delay_s) != 0):
        raise InputError(f"The model '{model}' has no portal-vein input that could be delayed; leave portal_delay_s out.")
    both = np.ndim(delay_s) and np.ndim(portal_delay_s)
    step = _LONGEST_DELAY_STEP_OF_TWO_S if both else _LONGEST_DELAY_STEP_S
    delay, portal_delay = delay_axis(delay_s, step), delay_axis(portal_delay_s, step, "portal_delay_s")

    def ready(curve, of, name):
        plasma = make_input(curve, aif_time_s, time_s, smallest_delay(of), interpolation, name)
        if isinstance(of, Axis) and plasma.steepest_change > _STEEPEST_TO_DELAY:
            raise InputError(
                f"The {name} rises at once ({plasma.steepest_change:.0%} of its peak within half a second): a delay cannot be fitted with "
                "it; use a measured or Parker input, or give a fixed delay.",
            )
        return plasma

    arterial = ready(aif, delay, "arterial input function")
    portal = None if pvf is None else ready(pvf, portal_delay, "portal-vein input function")
    return Inputs(arterial, delay, portal, portal_delay)


def check_sample_times(aif_time_s, aif, pvf) -> None:
    """Raise InputError for times of samples where every input is a function: it would not use them."""
    if aif_time_s is not None and callable(aif) and (pvf is None or callable(pvf)):
        raise InputError("Times of samples (aif_time_s) were given, but the input is a function of time; leave the times out.")


def check_model(model: str, pvf) -> None:
    """Raise InputError for an unknown model, or a portal-vein input that is missing or that the model does not have."""
    if model not in MODELS:
        raise InputError(f"There is no pharmacokinetic model '{model}'; choose one of {', '.join(MODELS)}.")
    if model in _DUAL and pvf is None:
        raise InputError(f"The model '{model}' needs the plasma concentration in the portal vein (pvf) beside the arterial one.")
    if model in _SINGLE and pvf is not None:
        raise InputError(f"The model '{model}' has one input; a portal-vein input needs one of {', '.join(_DUAL)}.")


def make_input(curve, sample_time_s, time_s: np.ndarray, smallest_s: float, interpolation: str, name: str) -> InputFunction:
    """Return an input that is known wherever images at ``time_s`` ask for it with delays from ``smallest_s`` on.

    :raises InputError: the curve is unusable or does not cover the images.
    """
    # A measured curve ends with the series: where the tissue is ahead of it, its last value stands for the few seconds after.
    ahead = min(0.0, smallest_s) if callable(curve) else 0.0
    last = time_s[-1] - max(0.0, smallest_s) - ahead
    return InputFunction.from_argument(curve, sample_time_s, time_s[0], last, interpolation=interpolation, name=name)


def make_model(name: str, inputs: Inputs, time_s: np.ndarray, bounds: Bounds) -> SeparableModel:
    """Return the model of that name, tabulated for the images."""
    if name in _DUAL:
        return _DUAL[name](inputs.arterial, inputs.portal, time_s, bounds, inputs.delay, inputs.portal_delay)
    return _SINGLE[name](inputs.arterial, time_s, bounds, inputs.delay)

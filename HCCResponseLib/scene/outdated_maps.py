"""Whether a parameter map still is what its images and settings would give."""

from .diffusion import outdated_adc
from .enhancement import ENHANCEMENT_QUANTITIES, outdated_enhancement
from .ivim import IVIM_QUANTITIES, outdated_ivim
from .parameter_maps import map_quantity
from .perfusion import PERFUSION_QUANTITIES, outdated_perfusion
from .relaxometry import outdated_t1

__all__ = ["outdated_map"]

_TESTS = {
    "ADC": outdated_adc,
    **dict.fromkeys(IVIM_QUANTITIES, outdated_ivim),
    "T1": outdated_t1,
    "M0": outdated_t1,
    **dict.fromkeys(PERFUSION_QUANTITIES, outdated_perfusion),
    **dict.fromkeys(ENHANCEMENT_QUANTITIES, outdated_enhancement),
}


def outdated_map(map_node) -> str:
    """Return why a map made here is out of date and must be computed again before it is measured; empty where it is not."""
    quantity = map_quantity(map_node)
    test = _TESTS.get(quantity.key) if quantity is not None else None
    return test(map_node) if test is not None else ""

"""One piece of tissue of the reference patient."""

from dataclasses import dataclass

from .solids import Solid

__all__ = ["ORGANS", "TRUNK", "Structure"]

TRUNK, ORGANS = "trunk", "organs"
"""Two groups move apart when the patient breathes: the wall with spine and aorta, and what hangs on the diaphragm."""


@dataclass(frozen=True)
class Structure:
    """One piece of tissue.

    :param tissue: name of the tissue it is made of.
    :param solid: where it is.
    :param group: what it moves with, TRUNK or ORGANS.
    :param over: tissues it replaces; None for whatever was there.
    :param fine: too thin to be interpolated between every few lattice points.
    """

    tissue: str
    solid: Solid
    group: str = ORGANS
    over: tuple[str, ...] | None = None
    fine: bool = False

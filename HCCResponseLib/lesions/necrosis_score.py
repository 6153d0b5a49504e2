"""Score classes of necrosis after Horger et al., BMC Cancer 2009;9:208 (Table 2)."""

from enum import IntEnum

from ..errors import InputError

__all__ = ["NecrosisScore", "necrosis_score"]


class NecrosisScore(IntEnum):
    """Part of the tumour volume that is necrotic; the paper leaves the boundaries open, here each belongs to the class above."""

    NONE = 0
    """No necrosis at all."""
    UNDER_25 = 1
    """(0, 25) %."""
    UNDER_50 = 2
    """[25, 50) %."""
    UNDER_75 = 3
    """[50, 75) %."""
    OVER_75 = 4
    """[75, 100] %."""

    @property
    def label(self) -> str:
        """As the paper writes it."""
        return ("none", "<25", "<50", "<75", ">75")[self]


def necrosis_score(necrotic_fraction: float) -> NecrosisScore:
    """Return the class of NV/TV.

    :param necrotic_fraction: necrosis volume over tumour volume, 0 to 1.
    :raises InputError: not a number from 0 to 1.
    """
    if not 0.0 <= necrotic_fraction <= 1.0:
        raise InputError(f"The necrotic part of a tumour must be from 0 to 1, found {necrotic_fraction}.")
    if necrotic_fraction == 0.0:
        return NecrosisScore.NONE
    return NecrosisScore(1 + sum(necrotic_fraction >= boundary for boundary in (0.25, 0.5, 0.75)))

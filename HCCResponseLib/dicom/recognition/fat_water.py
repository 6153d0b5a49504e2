"""Whether water and fat are in phase at an echo time."""

from enum import StrEnum

__all__ = ["FatWater", "fat_water"]

FAT_SHIFT_HZ_PER_T = 3.4e-6 * 42.577e6
"""The main peak of fat lies 3.4 ppm below water: opposed after 2.3 ms, in phase after 4.6 ms at 1.5 T, half of that at 3 T."""

TOLERANCE = 0.13
"""Cycles: wide enough for 2.2 and 4.4 to 4.8 ms at 1.5 T, 1.1 to 1.3 and 2.2 to 2.5 ms at 3 T, as protocols set them."""

MOST_CYCLES = 2.7
"""Later echoes are measured for T2*."""


class FatWater(StrEnum):
    """How the signals of water and fat add up."""

    IN_PHASE = "in phase"
    OPPOSED = "in opposed phase"


def fat_water(echo_time_s: float, field_t: float) -> FatWater | None:
    """Tell the phase of fat against water; None where the echo time is neither (or the echo is a late one)."""
    cycles = echo_time_s * field_t * FAT_SHIFT_HZ_PER_T
    if cycles > MOST_CYCLES:
        return None
    away = abs(cycles - round(cycles))
    if away <= TOLERANCE and cycles > 0.5:
        return FatWater.IN_PHASE
    return FatWater.OPPOSED if away >= 0.5 - TOLERANCE else None

"""Statistics of a parameter map inside a region as rows."""

import dataclasses
import math
import re

from ...lesions.region_statistics import RegionStatistics
from ..measurement import Measurement
from ..quantities import COUNTS, QUANTITIES, STATISTICS, Quantity, canonical_unit
from .result import Subject

__all__ = ["map_rows", "outside_percent", "voxel_choice", "whole_method"]

_OUTSIDE = re.compile(r"; (?:\d+|less than 1) % outside the image$")


def map_rows(
    statistics: RegionStatistics | None,
    quantity: Quantity,
    method: str,
    subject: Subject,
    *,
    outside: float = 0.0,
    with_volume: bool = True,
) -> tuple[Measurement, ...]:
    """Return a row for each statistic, and one of the volume where the whole region lies inside the image.

    :param statistics: in the canonical unit; None for a region that could not be measured: NaN, no voxel.
    :param method: of the map ("WLLS, b = 0, 400, 800 s/mm2"), with which of its voxels were taken.
    :param outside: part of the region that lies beyond the image; the method says so, and no volume is written.
    :param with_volume: False where not all voxels of the region were taken, so that their volume is none of the region.
    """
    if outside:
        method += f"; {outside_percent(outside)} outside the image"
    subject = vars(subject)
    contents = {key: 0 if key in COUNTS else math.nan for key in STATISTICS}
    if statistics is not None:
        contents |= {key: value for key, value in dataclasses.asdict(statistics).items() if key in STATISTICS}
    rows = [
        Measurement(quantity=quantity.key, statistic=key, value=value, unit=canonical_unit(quantity, key).value, method=method, **subject)
        for key, value in contents.items()
    ]
    if with_volume and not (outside and statistics is not None):
        volume_ml = statistics.volume_ml if statistics is not None else math.nan
        rows.append(Measurement(quantity="VOLUME", value=volume_ml, unit=QUANTITIES["VOLUME"].unit.value, method=method, **subject))
    return tuple(rows)


def voxel_choice(method: str, *, pure: bool = False, erode_mm: float = 0.0) -> str:
    """Return the method of a map with which of its voxels were taken; by default those whose centre is inside, and nothing is said.

    :param pure: those that lie inside with their whole extent.
    :param erode_mm: and by this much farther.
    """
    if not pure:
        return method
    return f"{method}; voxels wholly inside" + (f" by {erode_mm:g} mm" if erode_mm else "")


def outside_percent(outside: float) -> str:
    """Return a part, 0 to 1, in words: "12 %"."""
    return f"{100 * outside:.0f} %" if outside >= 0.005 else "less than 1 %"


def whole_method(method: str) -> str:
    """Return a method without its remark on what lies outside the image."""
    return _OUTSIDE.sub("", method)

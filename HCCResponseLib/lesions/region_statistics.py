"""Summary of the values of an image inside a region."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError

__all__ = ["PERCENTILES", "RegionStatistics", "region_statistics"]

PERCENTILES = (10, 25, 75, 90)


@dataclass(frozen=True)
class RegionStatistics:
    """Statistics of the valid voxels of a region, in the unit of the values; NaN where no voxel is valid.

    :param n: number of valid voxels, those that the statistics are made of.
    :param standard_deviation: of the sample (n - 1 in the denominator); NaN for a single voxel.
    :param volume_ml: volume of the whole region in mL, rejected voxels included.
    :param rejected: number of voxels of the region without a valid value.
    """

    n: int
    mean: float
    median: float
    standard_deviation: float
    percentile_10: float
    percentile_25: float
    percentile_75: float
    percentile_90: float
    minimum: float
    maximum: float
    volume_ml: float
    rejected: int


def region_statistics(values, mask, *, voxel_volume_ml: float, valid=None) -> RegionStatistics:
    """Summarise ``values`` where ``mask`` is true.

    Percentiles interpolate linearly between order statistics (Hyndman & Fan 1996, type 7: NumPy's and R's default).
    Sums are made in float64 whatever the type of the values.

    :param values: image, any shape and any number type.
    :param mask: boolean, shape of ``values``.
    :param voxel_volume_ml: volume of one voxel in mL.
    :param valid: boolean, shape of ``values``: False marks values not to be used; NaN and infinite values never are.
    :raises InputError: the shapes differ, the mask is not boolean or empty, or the voxel volume is not positive.
    """
    values, mask = np.asarray(values), np.asarray(mask)
    if mask.dtype != bool:
        raise InputError(f"A region mask must be true or false for each voxel, found {mask.dtype} values.")
    if mask.shape != values.shape:
        raise InputError(f"The region has {mask.shape} voxels and the image {values.shape}; resample one to the grid of the other.")
    if not (np.isfinite(voxel_volume_ml) and voxel_volume_ml > 0):
        raise InputError(f"The volume of a voxel must be positive, found {voxel_volume_ml} mL.")
    inside = values[mask].astype(np.float64)
    if inside.size == 0:
        raise InputError("The region is empty: it has no voxel of the image inside.")
    usable = np.isfinite(inside)
    if valid is not None:
        valid = np.asarray(valid)
        if valid.shape != values.shape:
            raise InputError(f"The validity mask has {valid.shape} voxels and the image {values.shape}.")
        usable &= valid[mask].astype(bool)
    sample = inside[usable]
    n = sample.size
    nan = float("nan")
    percentiles = np.percentile(sample, (50, *PERCENTILES)) if n else np.full(1 + len(PERCENTILES), nan)
    return RegionStatistics(
        n=n,
        mean=float(sample.mean()) if n else nan,
        median=float(percentiles[0]),
        standard_deviation=float(sample.std(ddof=1)) if n > 1 else nan,
        **{f"percentile_{p}": float(value) for p, value in zip(PERCENTILES, percentiles[1:], strict=True)},
        minimum=float(sample.min()) if n else nan,
        maximum=float(sample.max()) if n else nan,
        volume_ml=inside.size * float(voxel_volume_ml),
        rejected=inside.size - n,
    )

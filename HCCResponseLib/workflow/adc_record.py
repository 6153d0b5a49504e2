"""What ``adc.json`` says: everything that is needed to understand an ADC map, and to make it again."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import numpy as np

from ..dicom import DiffusionSeries
from ..dicom.recognition import B0_LIMIT
from ..lesions.region_statistics import RegionStatistics
from ..quantification.diffusion import AdcFit, DiffusionStatus
from ..response.quantities import QUANTITIES
from ..version import __version__

__all__ = ["adc_record"]


def adc_record(
    diffusion: DiffusionSeries,
    fit: AdcFit,
    foreground,
    regions,
    *,
    mask: Path | None,
    noise_sigma: float,
    air_left_out: bool,
    warnings: list[str],
) -> dict:
    """Return the record, of plain JSON types; ADC in mm2/s.

    :param foreground: a ``MeasuredRegion`` of the whole body; ``regions`` those of the outlines.
    """
    adc = QUANTITIES["ADC"]
    codes, counts = np.unique(fit.status, return_counts=True)
    return {
        "quantity": {"name": "ADC", "code": adc.code.value, "scheme": adc.code.scheme},
        "statistics_unit": adc.unit.value,
        "map_unit": "10^-3 mm2/s",
        "estimator": fit.method,
        "b_values": [float(b) for b in fit.b_values],
        "b_values_up_to_this_are_0": B0_LIMIT,
        "directions_per_b_value": {f"{b:g}": n for b, n in zip(diffusion.b_values.tolist(), diffusion.directions_per_b, strict=True)},
        "images_averaged_per_b_value": {f"{b:g}": n for b, n in zip(diffusion.b_values.tolist(), diffusion.averages, strict=True)},
        "scaling": diffusion.scaling,
        "air_left_out": air_left_out,
        "noise_standard_deviation": None if np.isnan(noise_sigma) else float(noise_sigma),
        "software": f"HCCResponse {__version__}",
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "source": [
            {
                "series_uid": series.series_uid,
                "study_uid": series.study_uid,
                "study_date": str(series.study_date or ""),
                "patient_id": series.patient_id,
                "series_number": series.number,
                "series_description": series.description,
                "manufacturer": series.manufacturer,
                "model": series.model,
            }
            for series in diffusion.series
        ],
        "grid": {
            "voxels_ijk": list(diffusion.geometry.shape[::-1]),
            "spacing_mm": list(diffusion.geometry.spacing_mm),
            "ijk_to_lps": diffusion.geometry.ijk_to_lps.tolist(),
        },
        "voxels_by_status": {DiffusionStatus(code).name.lower(): int(count) for code, count in zip(codes, counts, strict=True)},
        "whole_body": _numbers(foreground.statistics),
        "mask": None if mask is None else Path(mask).name,
        "regions": [
            {
                "name": one.region.name,
                "label": one.region.label,
                "segment_id": one.region.segment_id,
                "outside_image_ml": one.region.outside_ml,
                "statistics": _numbers(one.statistics),
            }
            for one in regions
        ],
        "notes": list(diffusion.notes),
        "warnings": [*diffusion.warnings, *warnings],
    }


def _numbers(statistics: RegionStatistics | None) -> dict | None:
    """NaN, which JSON does not know, becomes null."""
    if statistics is None:
        return None
    return {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in asdict(statistics).items()}

"""From a folder of DICOM files to an ADC map, its numbers inside outlines, and a picture."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from ..dicom import DiffusionSeries, read_diffusion, scan_folder
from ..errors import InputError
from ..lesions.region_statistics import RegionStatistics, region_statistics
from ..progress import Progress, subrange
from ..quantification.diffusion import AdcFit, DiffusionStatus, NoiseEstimate, clear_of_noise, estimate_noise, fit_adc, noise_floor
from ..report.montage import write_montage
from ..response.quantities import QUANTITIES
from ..version import __version__
from .choose_diffusion import choose_diffusion
from .foreground import foreground_mask
from .image_files import write_volume
from .label_maps import Region, read_regions

__all__ = ["AdcJob", "map_adc"]

ADC = QUANTITIES["ADC"]


@dataclass(frozen=True)
class MeasuredRegion:
    """ADC inside one region.

    :param name: of the outline; not unique.
    :param mask: boolean (k, j, i) on the grid of the map.
    :param statistics: ADC in mm2/s; None where no voxel of the image is inside.
    """

    name: str
    mask: np.ndarray
    statistics: RegionStatistics | None


@dataclass(frozen=True)
class AdcJob:
    """What came out of :func:`map_adc`.

    :param diffusion: the signals that were fitted, with geometry and b-values.
    :param fit: the fit, voxel by voxel; ADC in mm2/s.
    :param foreground: the whole body.
    :param regions: the outlined regions, in the order of their file.
    :param files: what was written, by kind.
    """

    diffusion: DiffusionSeries
    fit: AdcFit
    foreground: MeasuredRegion
    regions: tuple[MeasuredRegion, ...]
    files: dict[str, Path]


def map_adc(
    folder: Path,
    output: Path,
    *,
    mask: Path | None = None,
    series_number: int | None = None,
    b_values: tuple[float, ...] | None = None,
    method: str = "wlls",
    scaling: str = "rescale",
    keep_air: bool = False,
    say: Callable[[str], None] = lambda line: None,
    progress: Progress | None = None,
) -> AdcJob:
    """Read a diffusion series, fit the ADC, measure it inside outlines, and write everything into ``output``.

    Nothing is written before all is computed, so a failed run leaves no half result.

    :param folder: DICOM files, in any order and depth.
    :param output: folder for the results; made if needed; files of an earlier run are replaced.
    :param mask: label map or .seg.nrrd on any grid.
    :param series_number: which series, where the folder holds several diffusion series.
    :param b_values: those to fit [s/mm2]; None: all.
    :param method: see :func:`HCCResponseLib.quantification.diffusion.fit_adc`.
    :param scaling: "rescale" or "philips_private", see :func:`HCCResponseLib.dicom.read_diffusion`.
    :param keep_air: fit the air around the body as well; by default it is left out where its noise can be told.
    :param say: told in one line each what was read, found and written.
    :raises InputError, GeometryError: an input cannot be used; the message names it and says what to do.
    :raises Cancelled: ``progress`` returned False.
    """
    scan = scan_folder(folder, progress=subrange(progress, 0.0, 0.3))
    for skipped in _summary_of_skipped(scan.skipped):
        say(f"passed over  {skipped}")
    diffusion = read_diffusion(choose_diffusion(scan, series_number), scaling=scaling, progress=subrange(progress, 0.3, 0.8))
    say(_read_line(diffusion))
    for warning in diffusion.warnings:
        say(f"warning      {warning}")
    signals, used = _chosen_b_values(diffusion, b_values)
    noise = estimate_noise(signals)
    noise_is_known = not np.isnan(noise.sigma)
    body = clear_of_noise(signals, used, noise.sigma) if noise_is_known else foreground_mask(signals[..., int(np.argmin(used))])
    fitted_voxels = body if noise_is_known and not keep_air else None
    fit = fit_adc(signals, used, method=method, mask=fitted_voxels, progress=subrange(progress, 0.8, 1.0))

    foreground = _measure(fit, Region("whole body", body), diffusion.geometry)
    outlines = read_regions(mask, diffusion.geometry) if mask is not None else []
    regions = tuple(_measure(fit, outline, diffusion.geometry) for outline in outlines)
    fitted = f"{method.upper()}, b = {', '.join(f'{b:g}' for b in used)} s/mm2"
    of_body = (fit.valid & body).sum() / max(body.sum(), 1)
    say(f"fitted       {fitted}; {fit.valid.mean():.1%} of the voxels are valid, {of_body:.1%} of the body")
    doubts = _doubts(signals, used, fit, body, noise)
    for warning in doubts:
        say(f"warning      {warning}")
    for region in (foreground, *regions):
        say(_measured_line(region.name, region.statistics))

    record = _record(diffusion, fit, used, method, foreground, regions, doubts)
    files = _write(Path(output), diffusion, fit, fitted, foreground, regions, record)
    for kind, path in files.items():
        say(f"wrote        {path}  ({kind})")
    return AdcJob(diffusion, fit, foreground, regions, files)


def _summary_of_skipped(skipped) -> list[str]:
    """One line a reason, not one a file."""
    by_reason: dict[str, list[str]] = {}
    for one in skipped:
        by_reason.setdefault(one.reason, []).append(one.path.name)
    return [f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {reason}" for reason, names in by_reason.items()]


def _read_line(diffusion: DiffusionSeries) -> str:
    k, j, i = diffusion.geometry.shape
    spacing = " x ".join(f"{mm:.3g}" for mm in diffusion.geometry.spacing_mm)
    images = sum(len(series.frames) for series in diffusion.series)
    weightings = ", ".join(
        f"{b:g}" + (f" ({directions} directions)" if directions > 1 else f" ({averages} averages)" if averages > 1 else "")
        for b, directions, averages in zip(diffusion.b_values, diffusion.directions_per_b, diffusion.averages, strict=True)
    )
    maker = f" ({diffusion.series[0].manufacturer})" if diffusion.series[0].manufacturer else ""
    size = f"{images} images, {i} x {j} x {k} voxels of {spacing} mm"
    return f"read         {diffusion.label}{maker}: {size}, b = {weightings} s/mm2"


def _measured_line(name: str, found: RegionStatistics | None) -> str:
    if found is None:
        return f"measured     {name}: no voxel inside the image"
    if found.n == 0:
        return f"measured     {name}: none of its {found.rejected} voxels has an ADC"
    rejected = f", {found.rejected} voxels rejected" if found.rejected else ""
    spread = f"25th to 75th percentile {ADC.display_factor * found.percentile_25:.2f} to {ADC.display_factor * found.percentile_75:.2f}"
    return f"measured     {name}: median ADC {ADC.format(found.median)}, {spread}, {found.n} voxels, {found.volume_ml:.1f} mL{rejected}"


def _chosen_b_values(diffusion: DiffusionSeries, wanted: tuple[float, ...] | None) -> tuple[np.ndarray, np.ndarray]:
    """Signals and b-values to fit.

    :raises InputError: a wanted b-value was not acquired.
    """
    if wanted is None:
        return diffusion.signals, diffusion.b_values
    indices = []
    for b in wanted:
        match = np.flatnonzero(np.isclose(diffusion.b_values, b, rtol=0.03, atol=0.5))
        if match.size == 0:
            found = ", ".join(f"{value:g}" for value in diffusion.b_values)
            raise InputError(f"{diffusion.label}: b = {b:g} was asked for, but only b = {found} were acquired.")
        indices.append(int(match[np.abs(diffusion.b_values[match] - b).argmin()]))
    indices = sorted(set(indices))
    return np.ascontiguousarray(diffusion.signals[..., indices]), diffusion.b_values[indices]


def _doubts(signals: np.ndarray, b_values: np.ndarray, fit: AdcFit, foreground: np.ndarray, noise: NoiseEstimate) -> list[str]:
    """What makes the map doubtful as a whole, in sentences."""
    body = int(foreground.sum())
    falling = int((foreground & fit.valid).sum())
    if falling == 0:
        same = all(np.array_equal(signals[..., 0], signals[..., index]) for index in range(1, b_values.size))
        why = "the images are the same at every b-value" if same else "the signal falls with the b-value nowhere in the body"
        return [f"no voxel has an ADC: {why}. Were the right images chosen, and are their b-values right?"]
    doubts = []
    if falling < 0.8 * body:
        doubts.append(
            f"only {falling / body:.0%} of the voxels in the body have an ADC; the others are noise, or do not fall with the b-value.",
        )
    floor = "" if np.isnan(noise.sigma) else noise_floor(signals, b_values, noise.sigma, foreground).warning
    return [*doubts, floor] if floor else doubts


def _measure(fit: AdcFit, region: Region, geometry) -> MeasuredRegion:
    inside = region.mask.any()
    found = region_statistics(fit.adc, region.mask, voxel_volume_ml=geometry.voxel_volume_ml, valid=fit.valid) if inside else None
    return MeasuredRegion(region.name, region.mask, found)


def _write(output, diffusion, fit, fitted, foreground, regions, record) -> dict[str, Path]:
    output.mkdir(parents=True, exist_ok=True)
    geometry = diffusion.geometry
    shown = np.where(fit.valid, fit.adc * ADC.display_factor, 0).astype(np.float32)
    description = {"quantity": "ADC", "unit": "10^-3 mm2/s", "method": fitted, "software": f"HCCResponse {__version__}"}
    files = {
        "ADC map, 10^-3 mm2/s": output / "adc.nrrd",
        "ADC map as NIfTI": output / "adc.nii.gz",
        "validity: 1 where the fit is valid": output / "adc_valid.nrrd",
        "numbers and how they were made": output / "adc.json",
        "picture": output / "adc.png",
    }
    write_volume(output / "adc.nrrd", shown, geometry, description)
    write_volume(output / "adc.nii.gz", shown, geometry, description)
    write_volume(output / "adc_valid.nrrd", fit.valid, geometry)
    (output / "adc.json").write_text(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    try:
        write_montage(
            output / "adc.png",
            np.where(fit.valid, fit.adc * ADC.display_factor, np.nan),
            geometry,
            title=f"ADC   {diffusion.label}",
            subtitle=f"{fitted.replace('mm2', 'mm²')}   HCCResponse {__version__}",
            unit=ADC.display_unit.meaning,
            window=ADC.window,
            shown=foreground.mask,
            outlines=[(region.name, region.mask) for region in regions],
        )
    except InputError as error:
        (output / "adc.png").unlink(missing_ok=True)
        del files["picture"]
        files[f"no picture: {error}"] = output
    return files


def _record(diffusion, fit, used, method, foreground, regions, doubts) -> dict:
    """Everything needed to understand and repeat the map; ADC in mm2/s."""
    codes, counts = np.unique(fit.status, return_counts=True)
    return {
        "quantity": {"name": "ADC", "code": ADC.code.value, "scheme": ADC.code.scheme, "unit": ADC.unit.value},
        "map_unit": "10^-3 mm2/s",
        "estimator": method,
        "b_values": [float(b) for b in used],
        "directions_per_b_value": {f"{b:g}": n for b, n in zip(diffusion.b_values.tolist(), diffusion.directions_per_b, strict=True)},
        "images_averaged_per_b_value": {f"{b:g}": n for b, n in zip(diffusion.b_values.tolist(), diffusion.averages, strict=True)},
        "scaling": diffusion.scaling,
        "software": f"HCCResponse {__version__}",
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "source": [
            {
                "series_uid": series.series_uid,
                "study_uid": series.study_uid,
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
        "whole_body": _json_numbers(foreground.statistics),
        "regions": [{"name": region.name, "statistics": _json_numbers(region.statistics)} for region in regions],
        "notes": list(diffusion.notes),
        "warnings": [*diffusion.warnings, *doubts],
    }


def _json_numbers(statistics: RegionStatistics | None) -> dict | None:
    """NaN, which JSON does not know, becomes null."""
    if statistics is None:
        return None
    return {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in asdict(statistics).items()}

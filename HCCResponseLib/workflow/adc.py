"""From a folder of DICOM files to an ADC map, its numbers inside outlines, and a picture."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..dicom import DiffusionSeries, read_diffusion, scan_folder, skipped_lines
from ..errors import InputError
from ..lesions.body import remove_specks
from ..lesions.region_statistics import RegionStatistics, region_statistics
from ..progress import Progress, subrange
from ..quantification.diffusion import AdcFit, NoiseEstimate, clear_of_noise, estimate_noise, fit_adc, noise_floor
from ..report.montage import write_montage
from ..response.quantities import QUANTITIES
from ..version import __version__
from .adc_record import adc_record
from .choose_diffusion import choose_diffusion
from .diffusion_steps import why_no_adc
from .foreground import foreground_mask
from .image_files import write_volume
from .label_maps import Region, read_regions

__all__ = ["AdcJob", "MeasuredRegion", "map_adc"]

ADC = QUANTITIES["ADC"]


@dataclass(frozen=True)
class MeasuredRegion:
    """ADC inside one region.

    :param region: name and mask on the grid of the map.
    :param statistics: ADC in mm2/s; None where no voxel of the image is inside.
    """

    region: Region
    statistics: RegionStatistics | None


@dataclass(frozen=True)
class AdcJob:
    """What came out of :func:`map_adc`.

    :param diffusion: the signals that were read, with geometry and b-values.
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

    The files appear in ``output`` together at the end, so a failed run leaves no half result.

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
    folder, output = Path(folder), Path(output)
    _check_paths(output, mask)
    scan = scan_folder(folder, progress=subrange(progress, 0.0, 0.3))
    for skipped in skipped_lines(scan.skipped):
        say(f"passed over  {skipped}")
    diffusion = read_diffusion(choose_diffusion(scan, series_number), scaling=scaling, progress=subrange(progress, 0.3, 0.8))
    say(_read_line(diffusion))
    for warning in diffusion.warnings:
        say(f"warning      {warning}")
    signals, used = _chosen_b_values(diffusion, b_values)
    outlines = read_regions(mask, diffusion.geometry) if mask is not None else []

    noise = estimate_noise(signals)
    if np.isnan(noise.sigma):
        body, air_left_out = foreground_mask(signals[..., int(np.argmin(used))]), False
    else:
        body, air_left_out = remove_specks(clear_of_noise(signals, used, noise.sigma)), not keep_air
    fit = fit_adc(signals, used, method=method, mask=body if air_left_out else None, progress=subrange(progress, 0.8, 1.0))

    foreground = _measure(fit, Region("whole body", body), diffusion.geometry)
    regions = tuple(_measure(fit, outline, diffusion.geometry) for outline in outlines)
    fitted = f"{method.upper()}, b = {', '.join(f'{b:g}' for b in used)} s/mm2"
    of_body = (fit.valid & body).sum() / max(body.sum(), 1)
    air = "; the air around the body was left out" if air_left_out else ""
    say(f"fitted       {fitted}; {of_body:.1%} of the voxels of the body have an ADC{air}")
    doubts = [*_doubts(signals, used, fit, body, noise), *_cut_off(outlines, diffusion.geometry)]
    for warning in doubts:
        say(f"warning      {warning}")
    for one in (foreground, *regions):
        say(_measured_line(one))

    record = adc_record(
        diffusion,
        fit,
        foreground,
        regions,
        mask=mask,
        noise_sigma=noise.sigma,
        air_left_out=air_left_out,
        warnings=doubts,
    )
    files = _write(output, diffusion, fit, fitted, foreground, regions, record)
    for kind, path in files.items():
        say(f"wrote        {path}  ({kind})")
    return AdcJob(diffusion, fit, foreground, regions, files)


def _check_paths(output: Path, mask: Path | None) -> None:
    """Say at once what would fail after minutes of reading."""
    if output.exists() and not output.is_dir():
        raise InputError(f"'{output}' is a file; name a folder for the results.")
    if mask is not None and not Path(mask).is_file():
        raise InputError(f"The mask '{mask}' {'is a folder; name the file' if Path(mask).is_dir() else 'does not exist'}.")


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


def _measured_line(one: MeasuredRegion) -> str:
    name, found = one.region.name, one.statistics
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
    if len(indices) < 2:
        asked = ", ".join(f"{b:g}" for b in wanted)
        raise InputError(f"{diffusion.label}: b = {asked} was asked for; an ADC map needs two different b-values or more.")
    return np.ascontiguousarray(diffusion.signals[..., indices]), diffusion.b_values[indices]


def _doubts(signals: np.ndarray, b_values: np.ndarray, fit: AdcFit, body: np.ndarray, noise: NoiseEstimate) -> list[str]:
    """What makes the map doubtful as a whole, in sentences."""
    if not fit.valid.any():
        return [f"No voxel has an ADC: {why_no_adc(signals)}. Were the right images chosen, and are their b-values right?"]
    doubts = []
    share = (body & fit.valid).sum() / max(body.sum(), 1)
    if share < 0.8:
        doubts.append(f"Only {share:.0%} of the voxels in the body have an ADC; the others are noise, or do not fall with the b-value.")
    floor = "" if np.isnan(noise.sigma) else noise_floor(signals, b_values, noise.sigma, body).warning
    return [*doubts, floor] if floor else doubts


def _cut_off(outlines: list[Region], geometry) -> list[str]:
    """Outlines that reach beyond the image; their volume is not the lesion's."""
    found = []
    for outline in outlines:
        inside_ml = np.count_nonzero(outline.mask) * geometry.voxel_volume_ml
        # A voxel of the map that is cut by its border is no loss worth a word.
        if outline.outside_ml > 0.01 * (inside_ml + outline.outside_ml):
            found.append(
                f"{outline.name}: {outline.outside_ml:.1f} mL of it lie outside the image and were not measured; the volume is too small.",
            )
    return found


def _measure(fit: AdcFit, region: Region, geometry) -> MeasuredRegion:
    inside = region.mask.any()
    found = region_statistics(fit.adc, region.mask, voxel_volume_ml=geometry.voxel_volume_ml, valid=fit.valid) if inside else None
    return MeasuredRegion(region, found)


def _write(output: Path, diffusion, fit, fitted: str, foreground, regions, record: dict) -> dict[str, Path]:
    """Make every file beside the output folder, and move them in when all are there."""
    geometry = diffusion.geometry
    values = np.where(fit.valid, fit.adc * ADC.display_factor, np.nan).astype(np.float32)
    shown = np.nan_to_num(values, nan=0.0)
    description = {"quantity": "ADC", "unit": "10^-3 mm2/s", "method": fitted, "software": f"HCCResponse {__version__}"}
    kinds = {
        "adc.nrrd": "ADC map, 10^-3 mm2/s",
        "adc.nii.gz": "ADC map as NIfTI",
        "adc_valid.nrrd": "validity: 1 where the fit is valid",
        "adc.json": "numbers and how they were made",
        "adc.png": "picture",
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".hccresponse-") as folder:
        made = Path(folder)
        write_volume(made / "adc.nrrd", shown, geometry, description)
        write_volume(made / "adc.nii.gz", shown, geometry, description)
        write_volume(made / "adc_valid.nrrd", fit.valid, geometry)
        (made / "adc.json").write_text(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        no_picture = ""
        try:
            write_montage(
                made / "adc.png",
                values,
                geometry,
                title=f"ADC   {diffusion.label}",
                subtitle=f"{fitted.replace('mm2', 'mm²')}   HCCResponse {__version__}",
                unit=ADC.display_unit.meaning,
                window=ADC.window,
                shown=foreground.region.mask,
                outlines=[(one.region.name, one.region.mask) for one in regions],
            )
        except InputError as error:
            no_picture = str(error)
        output.mkdir(exist_ok=True)
        for name in kinds:
            (output / name).unlink(missing_ok=True)
            if (made / name).exists():
                (made / name).replace(output / name)
    files = {kind: output / name for name, kind in kinds.items() if (output / name).exists()}
    return files | ({f"no picture: {no_picture}": output} if no_picture else {})

"""Parameter maps as files: NRRD and NIfTI in the shown unit, 0 where there is no value, and a label map that is 1 where there is one."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..dicom import Series
from ..errors import InputError
from ..geometry import Geometry
from ..report.montage import write_montage
from ..response.quantities import find_quantity
from ..version import __version__
from .image_files import geometry_of_image, read_image, write_volume

__all__ = ["read_map", "series_uids", "write_map", "write_map_picture"]


def write_map(folder: Path, name: str, quantity_key: str, values, valid, geometry: Geometry, method: str, series: Iterable[Series]) -> dict:
    """Write one map and return its entry in the record of its step.

    :param name: of the files, without ending.
    :param values: (k, j, i) in the canonical unit.
    :param valid: (k, j, i) boolean.
    :raises GeometryError: the slices are sheared, which image files cannot say.
    """
    quantity = find_quantity(quantity_key)
    usable = np.asarray(valid, bool) & np.isfinite(values)
    shown = np.zeros(np.shape(values), np.float32)
    np.multiply(values, quantity.display_factor, out=shown, where=usable, casting="same_kind")
    source = series_uids(series)
    description = {
        "quantity": quantity.key,
        "unit": quantity.display_unit.value,
        "method": method,
        "source_series": source,
        "software": f"HCCResponse {__version__}",
    }
    write_volume(folder / f"{name}.nrrd", shown, geometry, description)
    write_volume(folder / f"{name}.nii.gz", shown, geometry, description)
    write_volume(folder / f"{name}_valid.nrrd", usable, geometry)
    return {"name": name, "quantity": quantity.key, "method": method, "source_series": source, "valid_voxels": int(usable.sum())}


def read_map(folder: Path, entry: dict) -> tuple[np.ndarray, Geometry]:
    """Return a written map in its canonical unit, float64, NaN where it has no value: the numbers that a scene's map would give."""
    image = read_image(folder / f"{entry['name']}.nrrd")
    values = sitk.GetArrayFromImage(image) / np.float64(find_quantity(entry["quantity"]).display_factor)
    values[sitk.GetArrayFromImage(read_image(folder / f"{entry['name']}_valid.nrrd")) == 0] = np.nan
    return values, geometry_of_image(image)


def write_map_picture(folder: Path, entry: dict, values, geometry: Geometry, outlines, title: str) -> str:
    """Write a picture of a map with outlines; return why there is none, or an empty text.

    :param values: (k, j, i) in the canonical unit, NaN where there is none.
    :param outlines: (name, mask (k, j, i)).
    """
    quantity = find_quantity(entry["quantity"])
    shown = np.asarray(values) * quantity.display_factor
    window = quantity.window or tuple(np.nanpercentile(shown, (2, 98)))
    try:
        write_montage(
            folder / f"{entry['name']}.png",
            shown,
            geometry,
            title=f"{quantity.label}   {title}",
            subtitle=f"{entry['method']}   HCCResponse {__version__}",
            unit=quantity.display_unit.meaning,
            window=window,
            outlines=outlines,
        )
    except InputError as error:
        return str(error)
    return ""


def series_uids(series: Iterable[Series]) -> str:
    """Return series UIDs as a row of a measurement keeps them."""
    return ", ".join(dict.fromkeys(one.series_uid for one in series))

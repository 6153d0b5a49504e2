"""Pictures of every lesion of an examination, for the report: T1, T2, subtraction with the parts, ADC, Ktrans."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..dicom import ImageSeries
from ..errors import InputError
from ..geometry import Geometry
from ..report.lesion_picture import LesionPicture, lesion_picture, reference_window
from ..report.picture_files import save_pictures
from .label_maps import resample_mask
from .map_files import read_map
from .outline import Outline
from .tissue_steps import LesionParts, MapSource

__all__ = ["PictureImages", "lesion_picture_step"]

_MAPS = ("ADC", "KTRANS")


@dataclass(frozen=True)
class PictureImages:
    """Images to show; None where the examination has none. The subtraction is ``after`` minus ``native``."""

    t1: ImageSeries | None
    t2: ImageSeries | None
    native: ImageSeries | None
    after: ImageSeries | None


def lesion_picture_step(
    folder: Path,
    time_point: int,
    lesions: Mapping[str, LesionParts],
    fields_mm: Mapping[str, float],
    liver: Outline | None,
    images: PictureImages,
    maps: list[MapSource],
) -> dict:
    """Write the pictures; what cannot be shown is left out, and said. Return the record of the step.

    :param lesions: by tracking UID.
    :param fields_mm: side of the pictures of a lesion, the same in all examinations, by tracking UID.
    :param liver: normal liver, which gets the same grey in all examinations.
    :param maps: those to show, one of each quantity.
    """
    volumes: list[tuple[str, np.ndarray, Geometry, dict]] = []
    for title, image in (("T1", images.t1), ("T2", images.t2)):
        if image is not None:
            volumes.append((title, image.array, image.geometry, {"window": _window(image, liver)}))
    native, after = images.native, images.after
    if native is not None and after is not None and native.geometry.matches(after.geometry):
        volumes.append(("Subtraction", after.array - native.array, native.geometry, {"with_parts": True}))
    for one in maps:
        values, geometry = read_map(one.folder, one.entry)
        title = "Ktrans" if one.entry["quantity"] == "KTRANS" else one.entry["quantity"]
        volumes.append((title, values, geometry, {"quantity": one.entry["quantity"]}))

    pictures: list[LesionPicture] = []
    warnings: list[str] = []
    for uid, lesion in lesions.items():
        for title, array, geometry, options in volumes:
            options = dict(options)
            mask = resample_mask(lesion.outline.mask, lesion.outline.geometry, geometry)
            parts = lesion.shown(geometry) if options.pop("with_parts", False) else ()
            try:
                picture = lesion_picture(
                    array,
                    geometry,
                    mask,
                    lesion_uid=uid,
                    time_point=time_point,
                    title=title,
                    field_mm=fields_mm[uid],
                    parts=parts,
                    **options,
                )
            except InputError as error:
                warnings.append(f"No picture of {lesion.outline.name}: {error}")
            else:
                pictures.append(picture)
    save_pictures(folder, pictures)
    return {"pictures": len(pictures), "warnings": warnings, "notes": []}


def _window(image: ImageSeries, liver: Outline | None) -> tuple[float, float] | None:
    if liver is None:
        return None
    try:
        return reference_window(image.array, resample_mask(liver.mask, liver.geometry, image.geometry))
    except InputError:
        return None

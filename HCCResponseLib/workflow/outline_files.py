"""Outlines from files: label maps (.nrrd, .nii, .nii.gz, .mha), Slicer's .seg.nrrd, DICOM segmentations."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from ..response.region_types import RegionType
from .dicom_segmentation import read_dicom_segmentation
from .image_files import geometry_of_image, metadata_text, read_image
from .label_maps import read_regions
from .outline import Outline, region_type_of_code, region_type_of_name

__all__ = ["OUTLINE_ENDINGS", "read_outlines"]

OUTLINE_ENDINGS = (".nrrd", ".nii", ".nii.gz", ".mha")


def read_outlines(path: Path, labels: Mapping[str, str]) -> list[Outline]:
    """Read every region of a file on the file's own grid; empty ones are left out.

    What a region is, is told by its codes where the file has any (Slicer's terminology, DICOM), else by its name.

    :param labels: names of the numbers of label maps.
    :raises InputError: the file cannot be read, is no map of labels, or holds no label.
    """
    path = Path(path)
    try:
        found = _of_image(path, labels) if path.name.lower().endswith(OUTLINE_ENDINGS) else read_dicom_segmentation(path)
    except (InputError, OSError):
        raise
    except Exception as error:  # a damaged header breaks whatever looks at it
        raise InputError(f"'{path.name}' is damaged ({type(error).__name__}: {error}); export it again.") from error
    return [replace(one, region_type=one.region_type or region_type_of_name(one.name)) for one in found if one.mask.any()]


def _of_image(path: Path, labels: Mapping[str, str]) -> list[Outline]:
    image = read_image(path)
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    geometry = geometry_of_image(image)
    keys = set(image.GetMetaDataKeys())
    outlines = []
    for n, region in enumerate(read_regions(path, geometry)):
        tags = _tags(metadata_text(image, f"Segment{n}_Tags")) if f"Segment{n}_Tags" in keys else {}
        name = region.name
        if not any(key.startswith("Segment0_") for key in keys):
            name = labels.get(str(region.label), name)
        outlines.append(
            Outline(
                name=name,
                mask=region.mask,
                geometry=geometry,
                path=path,
                region_type=_region_type(tags.get("TerminologyEntry", "")),
                tracking_uid=tags.get("HCC.TrackingUID", ""),
                identifier=tags.get("HCC.TrackingIdentifier", ""),
            ),
        )
    return outlines


def _tags(text: str) -> dict[str, str]:
    """Slicer's tags of a segment: "key:value|key:value|"."""
    return dict(part.split(":", 1) for part in text.split("|") if ":" in part)


def _region_type(entry: str) -> RegionType | None:
    """Type of Slicer's terminology entry: context~category~type~modifier~..., each scheme^value^meaning."""
    parts = [tuple(part.split("^")[:2]) for part in entry.split("~")]
    if len(parts) < 4 or len(parts[2]) < 2:
        return None
    return region_type_of_code(parts[2], parts[3] if len(parts[3]) == 2 and any(parts[3]) else None)

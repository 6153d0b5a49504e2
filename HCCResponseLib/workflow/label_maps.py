"""Outlines from files: label maps and Slicer's .seg.nrrd, resampled to the grid of a map."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import GeometryError, InputError
from ..geometry import Geometry
from .image_files import geometry_of_image, read_image, write_volume

__all__ = ["Region", "read_regions", "resample_mask", "write_segmentation"]

# Okabe and Ito's colours, which colour-blind readers tell apart (jfly.uni-koeln.de/color).
_COLOURS = ((0.902, 0.624, 0.0), (0.337, 0.706, 0.914), (0.0, 0.62, 0.451), (0.941, 0.894, 0.259), (0.835, 0.369, 0.0), (0.8, 0.475, 0.655))


@dataclass(frozen=True)
class Region:
    """One outlined region.

    :param name: segment name, or "label 2" where the file gives none.
    :param mask: boolean array (k, j, i) on the grid it was asked for.
    """

    name: str
    mask: np.ndarray


def resample_mask(mask: np.ndarray, source: Geometry, target: Geometry) -> np.ndarray:
    """Ask, for the centre of every voxel of ``target``, whether the voxel of ``source`` that holds it is set.

    Exact for oblique, anisotropic and sheared grids; outside ``source`` it is False.

    :param mask: boolean (k, j, i) on ``source``.
    :returns: boolean (k, j, i) on ``target``.
    """
    if source.matches(target):
        return np.asarray(mask, bool)
    target_to_source = np.linalg.inv(source.ijk_to_lps) @ target.ijk_to_lps
    transform = sitk.AffineTransform(target_to_source[:3, :3].ravel().tolist(), target_to_source[:3, 3].tolist())
    # Both grids become index grids; the transform carries the whole geometry.
    image = sitk.GetImageFromArray(np.ascontiguousarray(mask, dtype=np.uint8))
    resampled = sitk.Resample(
        image,
        target.shape[::-1],
        transform,
        sitk.sitkNearestNeighbor,
        (0.0,) * 3,
        (1.0,) * 3,
        np.eye(3).ravel().tolist(),
        0,
    )
    return sitk.GetArrayFromImage(resampled).astype(bool)


def read_regions(path: Path, target: Geometry) -> list[Region]:
    """Read every label of a label map, or every segment of a .seg.nrrd, onto the grid ``target``.

    :raises InputError: the file cannot be read, is not 3D integer labels, or holds no label at all.
    :raises GeometryError: no region has a voxel inside the target volume.
    """
    path = Path(path)
    image = read_image(path)
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    if image.GetDimension() != 3 or "float" in image.GetPixelIDTypeAsString():
        raise InputError(f"'{path.name}' is not a label map: three dimensions of whole numbers are needed.")
    source = geometry_of_image(image)
    layers = sitk.GetArrayFromImage(image).reshape(*source.shape, -1)
    regions = [Region(name, resample_mask(layers[..., layer] == value, source, target)) for name, layer, value in _labels(image, layers)]
    if not regions:
        raise InputError(f"'{path.name}' holds no label: every voxel is 0.")
    if not any(region.mask.any() for region in regions):
        raise GeometryError(f"'{path.name}' lies outside the image it was given for: no voxel is common to both.")
    return regions


def _labels(image: sitk.Image, layers: np.ndarray) -> list[tuple[str, int, int]]:
    """(name, layer, value) of every label; segment names from the header of a .seg.nrrd."""
    keys = set(image.GetMetaDataKeys())
    named = {}
    index = 0
    while f"Segment{index}_LabelValue" in keys:
        text = {k: image.GetMetaData(f"Segment{index}_{k}") for k in ("Name", "LabelValue", "Layer") if f"Segment{index}_{k}" in keys}
        named[int(text.get("Layer", 0)), int(text["LabelValue"])] = text.get("Name") or f"segment {index + 1}"
        index += 1
    found = [(layer, int(value)) for layer in range(layers.shape[-1]) for value in np.unique(layers[..., layer]) if value]
    # A named segment without voxels is reported by whoever measures it.
    ordered = [*named, *(key for key in found if key not in named)]
    return [(named.get(key, f"label {key[1]}"), *key) for key in ordered]


def write_segmentation(path: Path, regions: list[Region], geometry: Geometry) -> None:
    """Write regions that do not overlap as a .seg.nrrd, which Slicer opens as a segmentation with their names.

    :raises InputError: two regions share a voxel.
    """
    labels = np.zeros(geometry.shape, np.uint8)
    header = {"Segmentation_MasterRepresentation": "Binary labelmap", "Segmentation_ContainedRepresentationNames": "Binary labelmap|"}
    for index, region in enumerate(regions):
        if (labels[region.mask] > 0).any():
            raise InputError(f"'{region.name}' overlaps another region; overlapping outlines cannot stand in one label map.")
        labels[region.mask] = index + 1
        fields = {
            "ID": f"Segment_{index + 1}",
            "Name": region.name,
            "LabelValue": str(index + 1),
            "Layer": "0",
            "Color": " ".join(f"{c:.3f}" for c in _COLOURS[index % len(_COLOURS)]),
            "Extent": " ".join(f"0 {n - 1}" for n in geometry.shape[::-1]),
        }
        header |= {f"Segment{index}_{key}": value for key, value in fields.items()}
    write_volume(path, labels, geometry, header)

"""Outlines from files: label maps and Slicer's .seg.nrrd, resampled to the grid of a map."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import GeometryError, InputError
from ..geometry import Geometry
from .image_files import geometry_of_image, metadata_text, read_image, write_volume

__all__ = ["Region", "read_regions", "resample_mask", "write_segmentation"]

# Okabe and Ito's colours, which colour-blind readers tell apart (jfly.uni-koeln.de/color).
_COLOURS = ((0.902, 0.624, 0.0), (0.337, 0.706, 0.914), (0.0, 0.62, 0.451), (0.941, 0.894, 0.259), (0.835, 0.369, 0.0), (0.8, 0.475, 0.655))


MOST_LABELS = 150
"""More regions than any outlining of a whole body has; fewer numbers than any image has."""


@dataclass(frozen=True)
class Region:
    """One outlined region.

    :param name: segment name, or "label 2" where the file gives none; not unique.
    :param mask: boolean array (k, j, i) on the grid it was asked for.
    :param label: its number in the file.
    :param segment_id: of a .seg.nrrd; empty for a label map.
    :param outside_ml: volume of what lies outside the grid it was asked for.
    """

    name: str
    mask: np.ndarray
    label: int = 1
    segment_id: str = ""
    outside_ml: float = 0.0


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

    :raises InputError: the file cannot be read, is no map of labels, or holds no label at all.
    :raises GeometryError: no region has a voxel inside the target volume.
    """
    path = Path(path)
    image = read_image(path)
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    segments = _segments(image)
    if image.GetDimension() != 3 or (image.GetNumberOfComponentsPerPixel() > 1 and not segments):
        raise InputError(f"'{path.name}' is not a label map: an image of three dimensions with one number a voxel is needed.")
    source = geometry_of_image(image)
    layers = sitk.GetArrayFromImage(image).reshape(*source.shape, -1)
    # Many programs store labels as floating point numbers.
    if not np.all(np.isfinite(layers)) or (layers < 0).any() or (layers != np.rint(layers)).any():
        raise InputError(f"'{path.name}' is not a label map: its voxels must be whole numbers of 0 or more.")
    segments = segments or _labels(layers)
    if len(segments) > MOST_LABELS:
        raise InputError(f"'{path.name}' looks like an image, not like a label map: it holds {len(segments)} different numbers.")
    regions = [_region(segment, layers, source, target) for segment in segments]
    if not (layers > 0).any():
        raise InputError(f"'{path.name}' holds no label: every voxel is 0.")
    if not any(region.mask.any() for region in regions):
        raise GeometryError(f"'{path.name}' lies outside the image it was given for: no voxel is common to both.")
    return regions


def _segments(image: sitk.Image) -> list[tuple[str, str, int, int]]:
    """(name, ID, layer, label) of every segment in the header of a .seg.nrrd, those without voxels included."""
    keys = set(image.GetMetaDataKeys())
    segments = []
    while (prefix := f"Segment{len(segments)}_") + "LabelValue" in keys:
        text = {key: metadata_text(image, prefix + key) for key in ("Name", "ID", "LabelValue", "Layer") if prefix + key in keys}
        name = text.get("Name") or f"segment {len(segments) + 1}"
        segments.append((name, text.get("ID", ""), int(text.get("Layer", 0)), int(text["LabelValue"])))
    return segments


def _labels(layers: np.ndarray) -> list[tuple[str, str, int, int]]:
    return [(f"label {int(value)}", "", 0, int(value)) for value in np.unique(layers) if value]


def _region(segment: tuple[str, str, int, int], layers: np.ndarray, source: Geometry, target: Geometry) -> Region:
    name, segment_id, layer, label = segment
    mask = layers[..., layer] == label
    # Where the centres of the source's voxels lie in the target tells what is cut off.
    k, j, i = np.nonzero(mask)
    place = (np.linalg.inv(target.ijk_to_lps) @ source.ijk_to_lps @ np.stack([i, j, k, np.ones_like(i)]))[:3]
    inside = np.all((place >= -0.5) & (place <= np.array(target.shape[::-1])[:, None] - 0.5), axis=0)
    outside_ml = float(np.count_nonzero(~inside)) * source.voxel_volume_ml
    return Region(name, resample_mask(mask, source, target), label, segment_id, outside_ml)


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

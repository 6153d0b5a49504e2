"""Diffusion series from DICOM into the scene: one scalar volume per b-value."""

from pathlib import Path

import numpy as np
import slicer

from ..errors import InputError
from ..progress import Progress, subrange
from ..response.roles import Role
from .b_values import b_value, set_b_value
from .roles import set_role
from .subject_hierarchy import add_folder, study_item
from .volumes import add_volume

__all__ = ["PHILIPS_PRIVATE", "SCALING_ATTRIBUTE", "add_diffusion_series", "read_diffusion_folder"]

SCALING_ATTRIBUTE = "HCC.Scaling"
PHILIPS_PRIVATE = "philips_private"


def read_diffusion_folder(folder, *, scaling: str = "rescale", progress: Progress | None = None) -> tuple[list, list[str]]:
    """Read every diffusion series below a folder into the scene.

    A series that cannot be read is passed over with a note, unless it is the only one. One that is in the scene already is
    not added again.

    :param scaling: "rescale" or "philips_private", see :func:`HCCResponseLib.dicom.read_diffusion`.
    :return: volume nodes, series after series, each by ascending b-value; and what the user should know, a sentence each.
    :raises InputError: no folder, no diffusion series in it, or none that can be read; the scene is as it was.
    :raises GeometryError: the only diffusion series has slices that do not fit together.
    :raises Cancelled: ``progress`` returned False; the scene is as it was.
    """
    from ..dicom import diffusion_exports, read_diffusion, recognise, scan_folder

    scan = scan_folder(folder, progress=subrange(progress, 0.0, 0.3))
    exports = diffusion_exports(scan.series)
    if not exports:
        found = "; ".join(f"{series.label}: {recognise(series).reason}" for series in scan.series[:5]) or "no DICOM image"
        raise InputError(f"No diffusion series was found in '{Path(folder).name}' ({found}).")
    read, errors = [], []
    for number, export in enumerate(exports):
        part = subrange(progress, 0.3 + 0.7 * number / len(exports), 0.3 + 0.7 * (number + 1) / len(exports))
        try:
            read.append(read_diffusion(export, scaling=scaling, progress=part))
        except InputError as error:
            errors.append(error)
    if not read:
        raise errors[0]
    nodes, notes = [], []
    for series in read:
        present = _volumes_of(series)
        if present:
            notes.append(f"{series.label} is in the scene already; its volumes there are used.")
        nodes += present or add_diffusion_series(series)
        notes += series.warnings
    return nodes, notes + [str(error) for error in errors]


def add_diffusion_series(series, name: str = "") -> list:
    """Put a diffusion series into the scene: a volume per b-value with role and b-value, in a folder below its study.

    :param series: a :class:`~HCCResponseLib.dicom.DiffusionSeries`: ``signals`` (k, j, i, b), ``b_values`` in s/mm2,
        ``geometry``, ``label``, and the DICOM ``series`` it was read from, which may be none.
    :param name: of folder and volumes; that of the series where empty.
    :return: volume nodes in the order of the b-values.
    :raises InputError: the number of images is not that of the b-values, or their shape not that of the geometry.
    """
    signals = np.asarray(series.signals)
    b_values = [float(b) for b in series.b_values]
    if signals.ndim != 4 or signals.shape[-1] != len(b_values) or signals.shape[:-1] != series.geometry.shape:
        raise InputError(f"{series.label}: images of shape {signals.shape} do not fit {len(b_values)} b-values on {series.geometry.shape}.")
    source = series.series[0] if series.series else None
    name = name or (source and (source.description or source.protocol)) or series.label
    if getattr(series, "scaling", "") == PHILIPS_PRIVATE:
        name += " (Philips scaling)"
    nodes = []
    for index, b in enumerate(b_values):
        node = add_volume(np.ascontiguousarray(signals[..., index]), series.geometry, f"{name} b{b:g}")
        set_role(node, Role.DWI)
        set_b_value(node, b)
        if source:
            node.SetAttribute("HCC.SeriesInstanceUID", _uids(series))
            node.SetAttribute(SCALING_ATTRIBUTE, series.scaling)
        nodes.append(node)
    study = source and study_item(
        patient_id=source.patient_id,
        patient_name=source.patient_name,
        study_uid=source.study_uid,
        study_description=source.study_description,
        study_date=str(source.study_date or ""),
    )
    add_folder(name, nodes, parent=study)
    return nodes


def _uids(series) -> str:
    return ", ".join(one.series_uid for one in series.series)


def _volumes_of(series) -> list:
    """Return the volumes that were read from a series before with the same scaling, by b-value; none unless all are there."""
    found = [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if node.GetAttribute("HCC.SeriesInstanceUID") == _uids(series) and node.GetAttribute(SCALING_ATTRIBUTE) == series.scaling
    ]
    return sorted(found, key=lambda node: b_value(node) or 0.0) if len(found) == len(series.b_values) else []

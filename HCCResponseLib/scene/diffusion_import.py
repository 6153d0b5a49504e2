"""Diffusion series from DICOM into the scene: one scalar volume per b-value."""

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..progress import Progress, subrange
from ..response.roles import Role
from .b_values import set_b_value
from .roles import set_role
from .subject_hierarchy import add_folder, study_item
from .volumes import add_volume

__all__ = ["add_diffusion_series", "read_diffusion_folder"]


def read_diffusion_folder(folder, *, progress: Progress | None = None) -> tuple[list, list[str]]:
    """Read every diffusion series below a folder into the scene.

    A series that cannot be read is passed over with a note, unless it is the only one.

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
            read.append(read_diffusion(export, progress=part))
        except InputError as error:
            errors.append(error)
    if not read:
        raise errors[0]
    nodes = [node for series in read for node in add_diffusion_series(series)]
    return nodes, [warning for series in read for warning in series.warnings] + [str(error) for error in errors]


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
    nodes = []
    for index, b in enumerate(b_values):
        node = add_volume(np.ascontiguousarray(signals[..., index]), series.geometry, f"{name} b{b:g}")
        set_role(node, Role.DWI)
        set_b_value(node, b)
        if source:
            node.SetAttribute("HCC.SeriesInstanceUID", ", ".join(one.series_uid for one in series.series))
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

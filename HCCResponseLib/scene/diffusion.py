"""Diffusion-weighted series in the scene: one scalar volume per b-value; and the ADC map made from them."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ..errors import GeometryError, InputError
from ..progress import Progress
from ..response.quantities import QUANTITIES
from ..response.roles import Role
from .b_values import b_value, set_b_value
from .parameter_maps import make_parameter_map
from .roles import role, set_role
from .subject_hierarchy import add_folder
from .volumes import add_volume, volume_array, volume_geometry

__all__ = ["Finding", "Level", "add_diffusion_series", "check_diffusion", "compute_adc"]


class Level(StrEnum):
    """How much a finding matters: an error stops the computation, a warning makes the result doubtful."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True)
class Finding:
    """What a look at the input before the computation found, in a sentence for the user."""

    level: Level
    text: str


def add_diffusion_series(series) -> list:
    """Put a diffusion series into the scene: a volume per b-value with role and b-value, in one subject hierarchy folder.

    :param series: has ``signals`` (k, j, i, b), ``b_values`` (b,) in s/mm2, ``geometry``, ``name``, and may have ``series_uid``.
    :return: volume nodes in the order of the b-values.
    :raises InputError: the number of images is not that of the b-values, or their shape not that of the geometry.
    """
    signals = np.asarray(series.signals)
    b_values = [float(b) for b in series.b_values]
    if signals.ndim != 4 or signals.shape[-1] != len(b_values):
        raise InputError(f"Series '{series.name}': images of shape {signals.shape} do not fit {len(b_values)} b-values.")
    nodes = []
    for index, b in enumerate(b_values):
        node = add_volume(np.ascontiguousarray(signals[..., index]), series.geometry, f"{series.name} b{b:g}")
        set_role(node, Role.DWI)
        set_b_value(node, b)
        node.SetAttribute("HCC.SeriesInstanceUID", getattr(series, "series_uid", "") or None)
        nodes.append(node)
    add_folder(series.name, nodes)
    return nodes


def check_diffusion(volume_nodes, b_values=None) -> list[Finding]:
    """Look at the input of an ADC map: b-values, roles, grids. No finding is good news.

    :param volume_nodes: one volume per image.
    :param b_values: in the order of the volumes, None for one that is not known; where None, those of the volumes' attributes.
    """
    findings = []
    if not volume_nodes:
        return [Finding(Level.ERROR, "No diffusion volume was chosen.")]
    b_values = _stored_b_values(volume_nodes) if b_values is None else list(b_values)
    findings += _check_b_values(volume_nodes, b_values)
    for node in volume_nodes:
        if role(node) in {Role.ADC, Role.DIFFUSION_MAP}:
            findings.append(Finding(Level.ERROR, f"'{node.GetName()}' is a map made from diffusion images, not one of them; leave it out."))
    findings += _check_grids(volume_nodes)
    return findings


def compute_adc(
    volume_nodes,
    b_values=None,
    *,
    method: str = "wlls",
    mask=None,
    name: str = "ADC",
    map_node=None,
    progress: Progress | None = None,
):
    """Compute the ADC map of diffusion volumes.

    :param volume_nodes: one volume per image, on one grid.
    :param b_values: s/mm2, in the order of the volumes; where None, those of the volumes' attributes.
    :param method: "wlls", "lls" or "nlls", see :func:`HCCResponseLib.quantification.diffusion.fit_adc`.
    :param mask: (k, j, i) boolean, where to compute; None: everywhere.
    :param map_node: map to write into; None makes a new one.
    :return: the map node.
    :raises InputError: what :func:`check_diffusion` calls an error; nothing is changed then.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..quantification.diffusion import fit_adc

    b_values = _stored_b_values(volume_nodes) if b_values is None else list(b_values)
    errors = [finding.text for finding in check_diffusion(volume_nodes, b_values) if finding.level == Level.ERROR]
    if errors:
        raise InputError(" ".join(errors))
    order = sorted(range(len(b_values)), key=lambda index: b_values[index])
    nodes, b_values = [volume_nodes[index] for index in order], [float(b_values[index]) for index in order]
    signals = np.moveaxis(np.stack([volume_array(node) for node in nodes]), 0, -1)
    fit = fit_adc(signals, b_values, method=method, mask=mask, progress=progress)
    return make_parameter_map(
        fit.adc,
        fit.valid,
        volume_geometry(nodes[0]),
        QUANTITIES["ADC"],
        name,
        method=f"{method.upper()}, b = {', '.join(f'{b:g}' for b in b_values)} s/mm2",
        source_nodes=nodes,
        role=Role.ADC,
        map_node=map_node,
    )


def _stored_b_values(volume_nodes) -> list[float | None]:
    return [b_value(node) for node in volume_nodes]


def _check_b_values(volume_nodes, b_values) -> list[Finding]:
    if len(b_values) != len(volume_nodes):
        return [Finding(Level.ERROR, f"{len(volume_nodes)} volumes have {len(b_values)} b-values; each needs one.")]
    findings = [
        Finding(Level.ERROR, f"The b-value of '{node.GetName()}' is not known; enter it.")
        for node, b in zip(volume_nodes, b_values, strict=True)
        if b is None
    ]
    distinct = sorted({float(b) for b in b_values if b is not None})
    if not findings and len(distinct) < 2:
        findings.append(Finding(Level.ERROR, f"Only one b-value (b = {distinct[0]:g}) was found; an ADC map needs two or more."))
    repeated = [b for b in distinct if b_values.count(b) > 1]
    if repeated:
        found = ", ".join(f"{b:g}" for b in repeated)
        findings.append(Finding(Level.INFORMATION, f"Several volumes have b = {found}; all of them are used."))
    if len(distinct) > 2 and distinct[0] == 0:
        findings.append(
            Finding(Level.INFORMATION, "b = 0 also carries blood flow, which raises the ADC of perfused tissue; it can be left out."),
        )
    return findings


def _check_grids(volume_nodes) -> list[Finding]:
    findings, reference = [], None
    for node in volume_nodes:
        try:
            geometry = volume_geometry(node, world=True)
        except (GeometryError, InputError) as error:
            findings.append(Finding(Level.ERROR, str(error)))
            continue
        if reference is None:
            reference = (node, geometry)
        elif not geometry.matches(reference[1]):
            findings.append(
                Finding(
                    Level.ERROR,
                    f"'{node.GetName()}' does not lie on the grid of '{reference[0].GetName()}' (position, spacing or size differ); "
                    "choose volumes of one series, or resample it.",
                ),
            )
    return findings

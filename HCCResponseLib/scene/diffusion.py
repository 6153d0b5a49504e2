"""ADC maps from the diffusion volumes of the scene."""

from collections import Counter

import numpy as np
import slicer

from ..errors import InputError
from ..progress import Progress
from ..response.quantities import QUANTITIES
from ..response.roles import Role
from .b_values import b_value
from .diffusion_check import Finding, Level, check_diffusion
from .diffusion_import import PHILIPS_PRIVATE, SCALING_ATTRIBUTE, add_diffusion_series, read_diffusion_folder
from .input_check import require_no_error
from .map_region import leave_out_air as without_air
from .parameter_maps import check_output, make_parameter_map, map_quantity, map_sources
from .volumes import volume_array, volume_geometry

__all__ = [
    "Finding",
    "Level",
    "adc_map_of",
    "add_diffusion_series",
    "check_diffusion",
    "compute_adc",
    "outdated_adc",
    "read_diffusion_folder",
]


def compute_adc(
    volume_nodes,
    b_values=None,
    *,
    method: str = "wlls",
    mask=None,
    leave_out_air: bool = False,
    name: str = "ADC",
    map_node=None,
    progress: Progress | None = None,
):
    """Compute the ADC map of diffusion volumes.

    :param volume_nodes: one volume per image, on one grid.
    :param b_values: s/mm2, in the order of the volumes; where None, those of the volumes' attributes.
    :param method: "wlls", "lls" or "nlls", see :func:`HCCResponseLib.quantification.diffusion.fit_adc`.
    :param mask: (k, j, i) boolean, where to compute; None: everywhere.
    :param leave_out_air: leave out voxels that do not stand clear of the noise at the lowest b-value, where the noise can be told.
    :param map_node: map of these images to write into; None makes a new one.
    :return: the map node.
    :raises InputError: what :func:`check_diffusion` calls an error, ``map_node`` is a map of other images, or no voxel could
        be fitted; nothing is changed then.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..quantification.diffusion import DiffusionStatus, fit_adc

    b_values = [b_value(node) for node in volume_nodes] if b_values is None else list(b_values)
    refusal = "" if map_node is None else check_output(map_node, volume_nodes)
    findings = [Finding(Level.ERROR, refusal)] if refusal else []
    require_no_error(check_diffusion(volume_nodes, b_values, noise=False) + findings)
    order = sorted(range(len(b_values)), key=lambda index: b_values[index])
    nodes, b_values = [volume_nodes[index] for index in order], [float(b_values[index]) for index in order]
    signals = np.moveaxis(np.stack([volume_array(node) for node in nodes]), 0, -1)
    air_left_out = False
    if leave_out_air:
        mask, air_left_out = without_air(signals, b_values, None if mask is None else np.asarray(mask, bool))
    fit = fit_adc(signals, b_values, method=method, mask=mask, progress=progress)
    if not fit.valid.any():
        status, count = Counter(fit.status.ravel().tolist()).most_common(1)[0]
        names = ", ".join(f"'{node.GetName()}'" for node in nodes)
        raise InputError(f"No voxel of {names} has an ADC; in {count} of {fit.status.size}: {DiffusionStatus(status).explanation}.")
    settings = [f"b = {', '.join(f'{b:g}' for b in b_values)} s/mm2"]
    if any(node.GetAttribute(SCALING_ATTRIBUTE) == PHILIPS_PRIVATE for node in nodes):
        settings.append("Philips scaling")
    if air_left_out:
        settings.append("air left out")
    return make_parameter_map(
        fit.adc,
        fit.valid,
        volume_geometry(nodes[0]),
        QUANTITIES["ADC"],
        name,
        method=", ".join([method.upper(), *settings]),
        source_nodes=nodes,
        role=Role.ADC,
        attributes={
            "HCC.Estimator": method,
            "HCC.BValues": " ".join(f"{b:g}" for b in b_values),
            "HCC.AirLeftOut": "yes" if air_left_out else "no",
        },
        map_node=map_node,
    )


def adc_map_of(volume_nodes):
    """Return the ADC map that was last made from these volumes or some of them; None where there is none."""
    maps = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if map_quantity(node) is QUANTITIES["ADC"]]
    return next((node for node in reversed(maps) if set(map_sources(node)) & set(volume_nodes)), None)


def outdated_adc(map_node) -> str:
    """Return why an ADC map is out of date: b-values of its images were changed since; empty where it is not."""
    kept = (map_node.GetAttribute("HCC.BValues") or "").split()
    now = [b_value(node) for node in map_sources(map_node)]
    # Images that were removed, or were fitted with b-values given elsewhere, tell nothing.
    if len(kept) != len(now) or None in now or sorted(kept, key=float) == [f"{b:g}" for b in sorted(now)]:
        return ""
    changed = ", ".join(f"{b:g}" for b in sorted(now))
    return f"The images of '{map_node.GetName()}' have b = {changed} s/mm2 now, it was made with {', '.join(kept)}; compute it again."

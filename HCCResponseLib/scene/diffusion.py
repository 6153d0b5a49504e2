"""ADC maps from the diffusion volumes of the scene."""

from collections import Counter

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..response.quantities import QUANTITIES
from ..response.roles import Role
from .b_values import b_value
from .diffusion_check import Finding, Level, check_diffusion
from .diffusion_import import add_diffusion_series, read_diffusion_folder
from .parameter_maps import make_parameter_map
from .volumes import volume_array, volume_geometry

__all__ = ["Finding", "Level", "add_diffusion_series", "check_diffusion", "compute_adc", "read_diffusion_folder"]


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
    :param map_node: map to write into; None makes a new one.
    :return: the map node.
    :raises InputError: what :func:`check_diffusion` calls an error, or no voxel could be fitted; nothing is changed then.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..quantification.diffusion import DiffusionStatus, clear_of_noise, estimate_noise, fit_adc

    b_values = [b_value(node) for node in volume_nodes] if b_values is None else list(b_values)
    findings = check_diffusion(volume_nodes, b_values, noise=False)
    errors = [finding.text for finding in findings if finding.level == Level.ERROR]
    if errors:
        raise InputError(" ".join(errors))
    order = sorted(range(len(b_values)), key=lambda index: b_values[index])
    nodes, b_values = [volume_nodes[index] for index in order], [float(b_values[index]) for index in order]
    signals = np.moveaxis(np.stack([volume_array(node) for node in nodes]), 0, -1)
    if leave_out_air and not np.isnan(sigma := estimate_noise(signals).sigma):
        clear = clear_of_noise(signals, b_values, sigma)
        mask = clear if mask is None else clear & np.asarray(mask, bool)
    fit = fit_adc(signals, b_values, method=method, mask=mask, progress=progress)
    if not fit.valid.any():
        status, count = Counter(fit.status.ravel().tolist()).most_common(1)[0]
        names = ", ".join(f"'{node.GetName()}'" for node in nodes)
        raise InputError(f"No voxel of {names} has an ADC; in {count} of {fit.status.size}: {DiffusionStatus(status).explanation}.")
    return make_parameter_map(
        fit.adc,
        fit.valid,
        volume_geometry(nodes[0]),
        QUANTITIES["ADC"],
        name,
        method=f"{method.upper()}, b = {', '.join(f'{b:g}' for b in b_values)} s/mm2",
        source_nodes=nodes,
        role=Role.ADC,
        attributes={"HCC.Estimator": method, "HCC.BValues": " ".join(f"{b:g}" for b in b_values)},
        map_node=map_node,
    )

"""IVIM maps from the diffusion volumes of the scene: D, D* and the perfusion fraction f."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from ..progress import Progress
from .b_values import b_value
from .diffusion import outdated_adc
from .diffusion_check import check_diffusion
from .diffusion_import import PHILIPS_PRIVATE, SCALING_ATTRIBUTE
from .input_check import Finding, Level, require_no_error
from .map_region import leave_out_air, region_mask, region_text
from .map_set import check_outputs, make_maps, maps_of
from .volumes import volume_array, volume_geometry

__all__ = ["IVIM_QUANTITIES", "check_ivim", "compute_ivim", "ivim_maps_of", "outdated_ivim"]

IVIM_QUANTITIES = ("D", "D_STAR", "PERFUSION_FRACTION")

outdated_ivim = outdated_adc
"""An IVIM map keeps its b-values as an ADC map does."""


def check_ivim(
    volume_nodes, b_values=None, *, method: str = "segmented", b_threshold: float = 200.0, noise: bool = True,
) -> list[Finding]:
    """Look at the input of IVIM maps: what :func:`check_diffusion` says, and whether the b-values suffice.

    :param volume_nodes: one volume per image.
    :param b_values: s/mm2, in the order of the volumes; where None, those of the volumes' attributes.
    :param method: one of ``HCCResponseLib.quantification.diffusion.IVIM_METHODS``: "segmented" or "biexponential".
    :param b_threshold: b-value [s/mm2] from which perfusion counts as vanished.
    :param noise: look at the noise floor as well, the one part that reads voxels.
    """
    from ..quantification.diffusion import fit_ivim

    findings = check_diffusion(volume_nodes, b_values, noise=noise, perfusion=True)
    if any(finding.level == Level.ERROR for finding in findings):
        return findings
    b_values = [b_value(node) for node in volume_nodes] if b_values is None else list(b_values)
    try:
        fit_ivim(np.empty((0, len(b_values))), b_values, method=method, b_threshold=b_threshold)
    except InputError as error:
        return [*findings, Finding(Level.ERROR, str(error))]
    low = {b for b in b_values if 1 <= b < b_threshold}
    if len(low) < 2:
        found = ", ".join(f"{b:g}" for b in sorted(low)) or "none"
        text = f"Between 0 and {b_threshold:g} s/mm2 there should be two or more b-values ({found}): D and f can be told, D* cannot."
        findings.append(Finding(Level.WARNING, text))
    return findings


def compute_ivim(
    volume_nodes,
    b_values=None,
    *,
    method: str = "segmented",
    b_threshold: float = 200.0,
    region=None,
    without_air: bool = False,
    prefix: str = "",
    map_nodes: Mapping | None = None,
    progress: Progress | None = None,
) -> dict:
    """Compute the IVIM maps of diffusion volumes.

    :param volume_nodes: one volume per image, on one grid, b = 0 among them.
    :param b_values: s/mm2, in the order of the volumes; where None, those of the volumes' attributes.
    :param method: "segmented" or "biexponential", see :func:`HCCResponseLib.quantification.diffusion.fit_ivim`.
    :param b_threshold: b-value [s/mm2] from which perfusion counts as vanished.
    :param region: (segmentation node, segment IDs or None for the visible ones) where to compute; None: everywhere.
    :param without_air: leave out voxels that do not stand clear of the noise at b = 0, where the noise can be told.
    :param prefix: put before the names of new maps.
    :param map_nodes: maps of these images by quantity to write into, as this function or :func:`ivim_maps_of` returned them.
    :return: map nodes by quantity: "D", "PERFUSION_FRACTION", and "D_STAR" where it can be told.
    :raises InputError: what :func:`check_ivim` calls an error, an output that is another map, a region without voxels, or no voxel
        could be fitted; nothing is changed then.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..quantification.diffusion import DiffusionStatus, fit_ivim

    findings = check_ivim(volume_nodes, b_values, method=method, b_threshold=b_threshold, noise=False)
    require_no_error(findings + check_outputs(map_nodes, volume_nodes))
    b_values = [b_value(node) for node in volume_nodes] if b_values is None else list(b_values)
    order = sorted(range(len(b_values)), key=lambda index: b_values[index])
    nodes, b_values = [volume_nodes[index] for index in order], [float(b_values[index]) for index in order]
    mask = region_mask(region, nodes[0])
    signals = np.moveaxis(np.stack([volume_array(node) for node in nodes]), 0, -1)
    air_left_out = False
    if without_air:
        mask, air_left_out = leave_out_air(signals, b_values, mask)
    fit = fit_ivim(signals, b_values, method=method, b_threshold=b_threshold, mask=mask, progress=progress)
    if not fit.valid.any():
        status, count = Counter(fit.status.ravel().tolist()).most_common(1)[0]
        names = ", ".join(f"'{node.GetName()}'" for node in nodes)
        raise InputError(f"No voxel of {names} has IVIM values; in {count} of {fit.status.size}: {DiffusionStatus(status).explanation}.")
    words = [f"IVIM {method}", f"b = {', '.join(f'{b:g}' for b in b_values)} s/mm2"]
    words += [f"threshold {b_threshold:g} s/mm2"] if method == "segmented" else []
    words += ["Philips scaling"] if any(node.GetAttribute(SCALING_ATTRIBUTE) == PHILIPS_PRIVATE for node in nodes) else []
    words += ["air left out"] if air_left_out else []
    values = {"D": fit.d, "D_STAR": fit.d_star, "PERFUSION_FRACTION": fit.f}
    return make_maps(
        {key: array for key, array in values.items() if np.isfinite(array).any()},
        fit.valid,
        volume_geometry(nodes[0]),
        source_nodes=nodes,
        method=", ".join(words),
        prefix=prefix,
        attributes={
            "HCC.Estimator": f"ivim {method}",
            "HCC.BValues": " ".join(f"{b:g}" for b in b_values),
            "HCC.BThreshold": f"{b_threshold:g}",
            "HCC.AirLeftOut": "yes" if air_left_out else "no",
            "HCC.Region": region_text(region),
        },
        map_nodes=map_nodes,
    )


def ivim_maps_of(volume_nodes) -> dict:
    """Return the IVIM maps that were last made from these volumes or some of them, by quantity."""
    return maps_of(volume_nodes, IVIM_QUANTITIES)

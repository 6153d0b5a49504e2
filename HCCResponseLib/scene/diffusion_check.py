"""What is to be said of diffusion volumes before an ADC map is made from them."""

import numpy as np

from ..response.roles import Role
from .b_values import b_value
from .input_check import Finding, Level, check_grids, check_one_examination
from .roles import role
from .volumes import volume_array

__all__ = ["Finding", "Level", "check_diffusion"]


_LOWEST_USUAL_B = 10.0
"""s/mm2; the smallest b-value above 0 that liver protocols use."""


def check_diffusion(volume_nodes, b_values=None, *, noise: bool = True, perfusion: bool = False) -> list[Finding]:
    """Look at the input of a diffusion map: b-values, roles, examination, grids, noise floor.

    :param volume_nodes: one volume per image.
    :param b_values: in the order of the volumes, None for one that is not known; where None, those of the volumes' attributes.
    :param noise: look at the noise floor as well, the one part that reads voxels (a few tenths of a second).
    :param perfusion: the map tells perfusion as well (IVIM), so it is not said that b = 0 carries it.
    """
    findings = []
    if not volume_nodes:
        return [Finding(Level.ERROR, "No diffusion volume was chosen: read a DICOM folder, or give volumes of the scene their b-values.")]
    b_values = [b_value(node) for node in volume_nodes] if b_values is None else list(b_values)
    findings += _check_b_values(volume_nodes, b_values, perfusion)
    for node in volume_nodes:
        if role(node) in {Role.ADC, Role.DIFFUSION_MAP}:
            findings.append(Finding(Level.ERROR, f"'{node.GetName()}' is a map made from diffusion images, not one of them; leave it out."))
    findings += [*check_one_examination(volume_nodes), *check_grids(volume_nodes)]
    if noise and not any(finding.level == Level.ERROR for finding in findings):
        findings.append(_check_noise(volume_nodes, b_values))
    return findings


def _check_b_values(volume_nodes, b_values, perfusion: bool) -> list[Finding]:
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
    if not findings:
        findings.append(Finding(Level.GOOD, f"b = {', '.join(f'{b:g}' for b in distinct)} s/mm2."))
    findings += [
        Finding(Level.WARNING, f"b = {b:g} s/mm2 is unusually low; check that it was not meant as {1000 * b:g} or as 0.")
        for b in distinct
        if 0 < b < _LOWEST_USUAL_B
    ]
    repeated = [b for b in distinct if b_values.count(b) > 1]
    if repeated:
        found = ", ".join(f"{b:g}" for b in repeated)
        findings.append(Finding(Level.INFORMATION, f"Several volumes have b = {found}; all of them are used."))
    if len(distinct) > 2 and distinct[0] == 0 and not perfusion:
        findings.append(
            Finding(Level.INFORMATION, "b = 0 also carries blood flow, which raises the ADC of perfused tissue; it can be left out."),
        )
    return findings


def _check_noise(volume_nodes, b_values) -> Finding:
    from ..quantification.diffusion import estimate_noise, noise_floor

    signals = np.moveaxis(np.stack([volume_array(node) for node in volume_nodes]), 0, -1)
    noise = estimate_noise(signals)
    if np.isnan(noise.sigma):
        return Finding(Level.INFORMATION, noise.message)
    warning = noise_floor(signals, b_values, noise.sigma).warning
    if warning:
        return Finding(Level.WARNING, warning)
    return Finding(Level.GOOD, f"The signals stand clear of the noise (standard deviation {noise.sigma:.3g}).")

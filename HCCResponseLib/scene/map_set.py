"""The maps of one computation, by quantity: made together, found together, replaced together."""

from collections.abc import Mapping
from types import MappingProxyType

import slicer

from ..geometry import Geometry
from ..response.quantities import QUANTITIES
from ..response.roles import Role
from .added_nodes import remove_with_helpers
from .input_check import Finding, Level
from .parameter_maps import check_output, make_parameter_map, map_quantity, map_sources, validity_node
from .subject_hierarchy import new_uid

__all__ = ["COMPUTATION", "check_outputs", "make_maps", "maps_of"]

COMPUTATION = "HCC.Computation"
"""Attribute that is the same for the maps of one computation, and for no others."""


def check_outputs(map_nodes: Mapping | None, source_nodes) -> list[Finding]:
    """Tell which nodes must not be written into: images, maps of other images, or of another quantity.

    :param map_nodes: nodes by the key of the quantity that is to be written into them.
    :param source_nodes: the images that the new maps are computed from.
    """
    findings = []
    for key, node in (map_nodes or {}).items():
        quantity = map_quantity(node)
        if quantity is not None and quantity.key != key:
            text = f"'{node.GetName()}' is a map of {quantity.label} and would be lost; choose another output for {QUANTITIES[key].label}."
            findings.append(Finding(Level.ERROR, text))
        elif refusal := check_output(node, source_nodes):
            findings.append(Finding(Level.ERROR, refusal))
    return findings


def make_maps(
    values: Mapping,
    valid,
    geometry: Geometry,
    *,
    source_nodes,
    method: str,
    prefix: str = "",
    roles: Mapping[str, Role] = MappingProxyType({}),
    attributes: Mapping[str, str] = MappingProxyType({}),
    map_nodes: Mapping | None = None,
    transform_node=None,
) -> dict:
    """Put the maps of one computation into the scene.

    :param values: (k, j, i) arrays in canonical units by key of their quantity.
    :param valid: (k, j, i) boolean for all of them; None: what is finite is valid.
    :param source_nodes: images that they were computed from; ``method``: how, in words; ``attributes``: further facts.
    :param roles: of the maps, by key.
    :param prefix: put before the quantity's label in the names of new maps.
    :param map_nodes: earlier maps of these images by quantity: written into; those whose quantity was not computed this time are
        removed, as they would belong to another computation.
    :param transform_node: transform that the maps stand under, where the first source cannot tell it (a sequence); None for none.
    :return: the map nodes by quantity.
    """
    outputs = dict(map_nodes or {})
    attributes = {COMPUTATION: new_uid()} | dict(attributes)
    made = {}
    for key, array in values.items():
        made[key] = make_parameter_map(
            array,
            valid,
            geometry,
            QUANTITIES[key],
            f"{prefix} {QUANTITIES[key].label}".strip(),
            method=method,
            source_nodes=source_nodes,
            role=roles.get(key),
            attributes=attributes,
            map_node=outputs.pop(key, None),
        )
        if not source_nodes[0].IsA("vtkMRMLTransformableNode"):
            for node in (made[key], validity_node(made[key])):
                node.SetAndObserveTransformNodeID(None if transform_node is None else transform_node.GetID())
    for superfluous in outputs.values():
        for node in filter(None, (validity_node(superfluous), superfluous)):
            remove_with_helpers(node)
    return made


def maps_of(source_nodes, keys) -> dict:
    """Return the maps of these quantities that the last computation made from these nodes or some of them, by quantity."""
    found = []
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        quantity = map_quantity(node)
        if quantity is not None and quantity.key in keys and set(map_sources(node)) & set(source_nodes):
            found.append((quantity.key, node))
    last = {key: node for key, node in found if node.GetAttribute(COMPUTATION) == found[-1][1].GetAttribute(COMPUTATION)}
    return {key: last[key] for key in keys if key in last}

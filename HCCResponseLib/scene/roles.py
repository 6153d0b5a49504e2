"""The role of an image volume, kept as the node attribute ``HCC.Role``."""

import slicer

from ..response.roles import Role

__all__ = ["ROLE_ATTRIBUTE", "role", "set_role", "volumes_with_role"]

ROLE_ATTRIBUTE = "HCC.Role"


def role(volume_node) -> Role | None:
    """Return the role of a volume; None where it has none or one that this version does not know."""
    value = volume_node.GetAttribute(ROLE_ATTRIBUTE)
    return Role(value) if value in Role.__members__.values() else None


def set_role(volume_node, new_role: Role | None) -> None:
    """Give a volume a role, or take it away with None."""
    volume_node.SetAttribute(ROLE_ATTRIBUTE, None if new_role is None else Role(new_role).value)


def volumes_with_role(wanted: Role) -> list:
    """Return the volumes of the scene that have this role, in the order of the scene."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if role(node) == wanted]

"""The role of an image volume or image sequence, kept as the node attribute ``HCC.Role``, and why it has it."""

from ..response.roles import Role

__all__ = ["ROLE_ATTRIBUTE", "ROLE_REASON_ATTRIBUTE", "role", "role_reason", "set_role"]

ROLE_ATTRIBUTE = "HCC.Role"
ROLE_REASON_ATTRIBUTE = "HCC.RoleReason"


def role(volume_node) -> Role | None:
    """Return the role of a volume or sequence; None where it has none or one that this version does not know."""
    value = volume_node.GetAttribute(ROLE_ATTRIBUTE)
    return Role(value) if value in Role.__members__.values() else None


def role_reason(volume_node) -> str:
    """Return why a node has its role, a sentence for a tool tip; empty where nobody said, as after the user set it."""
    return volume_node.GetAttribute(ROLE_REASON_ATTRIBUTE) or ""


def set_role(volume_node, new_role: Role | None, reason: str = "") -> None:
    """Give a volume or sequence a role, or take it away with None.

    :param reason: why, a sentence for the user.
    """
    volume_node.SetAttribute(ROLE_ATTRIBUTE, None if new_role is None else Role(new_role).value)
    volume_node.SetAttribute(ROLE_REASON_ATTRIBUTE, reason or None)

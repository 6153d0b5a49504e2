"""The user's choice of what a lesion counts as in the response criteria, in all examinations."""

import dataclasses

from ..errors import InputError
from ..response.case import LesionKind
from .lesion_attributes import lesion_of, segments_of_lesion, set_exclusion, set_lesion

__all__ = ["LEFT_OUT", "choose_kind"]

LEFT_OUT = "left out"


def choose_kind(lesion_uid: str, kind: str) -> None:
    """Let a lesion count as something.

    :param kind: a :class:`~HCCResponseLib.response.case.LesionKind`, empty for what the rule proposes, or :data:`LEFT_OUT`.
    :raises InputError: no examination shows the lesion, or it cannot count as that.
    """
    found = segments_of_lesion(lesion_uid)
    if not found:
        raise InputError("The lesion is not outlined in any examination any more.")
    node, segment_id = found[0]
    if kind == LEFT_OUT:
        set_exclusion(node, segment_id, "by the user's choice")
        return
    set_exclusion(node, segment_id, "")
    set_lesion(node, segment_id, dataclasses.replace(lesion_of(node, segment_id), kind=LesionKind(kind) if kind else None))

"""Who reads: one name for all panels, kept beside the shared selection."""

import slicer

from .selection import selection_node

__all__ = ["reader_name", "set_reader_name"]

_READER = "Reader"


def reader_name() -> str:
    """Return the name of the reader; that which the user gave to Slicer where nobody said another; empty where neither is known."""
    stated = selection_node().GetParameter(_READER)
    if stated or not hasattr(slicer, "app"):
        return stated or ""
    information = slicer.app.applicationLogic().GetUserInformation()
    return (information.GetName() or "") if information else ""


def set_reader_name(name: str) -> None:
    """Say who reads from now on; spaces around the name are left out, an empty name is that of the application again."""
    selection_node().SetParameter(_READER, name.strip())

"""Free text that a saved scene would cut or change, in a form that it keeps.

Item attributes of the subject hierarchy and segment tags are joined with '|' in files, and line breaks, tabs and other control
characters do not come back (or break the file). These characters are kept as numeric references (``&#124;``).
"""

import re

__all__ = ["escape", "safe_node_name", "unescape"]

_UNSAFE = re.compile(r"[|\x00-\x1f\x7f]|&(?=#\d+;)")
_UNSAFE_IN_NAME = re.compile(r"[\x00-\x1f\x7f]+")
_REFERENCE = re.compile(r"&#(\d{1,3});")


def escape(text: str) -> str:
    """Return ``text`` as it may be kept; most text stays as it is."""
    return _UNSAFE.sub(lambda found: f"&#{ord(found[0])};", text)


def unescape(text: str) -> str:
    """Return what was given to :func:`escape`."""
    return _REFERENCE.sub(lambda found: chr(int(found[1])), text)


def safe_node_name(text: str) -> str:
    """Return a name with which a node can be saved by Slicer itself and loaded again.

    Slicer names data files as their nodes and writes '&' in such a name into the scene as it is; the scene is not XML then and
    cannot be opened any more ("T1 & T2"). Names of nodes that come from headers go through here.
    """
    return _UNSAFE_IN_NAME.sub(" ", text).replace("&", "+")

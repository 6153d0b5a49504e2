"""Text as the font of Slicer's views can draw it."""

import re

__all__ = ["view_text"]

_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_RAISED = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_NOT_DRAWN = re.compile("[^\x00-\u024f–—…‘’“”≤≥Δμ]")


def view_text(text: str) -> str:
    """Return text as views can draw it: "10^-3 mm²/s" for "10⁻³ mm²/s", a question mark for letters that the font does not have.

    The font has ¹, ² and ³, but no raised minus: without this, 10⁻³ would be shown as 10³.
    """
    raised = _RAISED.sub(lambda found: found[0] if set(found[0]) <= set("¹²³") else "^" + found[0].translate(_SUPERSCRIPTS), text)
    return _NOT_DRAWN.sub("?", raised)

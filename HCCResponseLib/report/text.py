"""Text from headers and readers, made fit to be shown."""

import re
import unicodedata

__all__ = ["MOST_CHARACTERS", "plain_text", "safe_file_name"]

MOST_CHARACTERS = 1000
"""Longest text that is shown whole; no reason of a criterion comes near it."""

# Control characters, half surrogate pairs, and the marks that turn the direction of what follows ("exe.fdp" read as "pdf.exe").
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ufeff]")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def plain_text(text: object, most: int = MOST_CHARACTERS) -> str:
    """Return text on one line without characters that cannot be seen, cut to ``most`` characters with an ellipsis."""
    text = _UNSHOWABLE.sub(" ", str(text))
    return text if len(text) <= most else text[: most - 1] + "…"


def safe_file_name(text: str, fallback: str = "case") -> str:
    """Return a name for a file or folder made of ASCII letters, digits, dashes and underscores, that every system takes.

    No path separators, no leading dots, none of the names that Windows keeps for devices, at most 60 characters.

    :param fallback: where nothing is left of the text.
    """
    ascii_text = unicodedata.normalize("NFKD", text[:10_000]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_]+", "-", ascii_text).strip("-_")[:60].strip("-_") or fallback
    return f"{name}-{fallback}" if _RESERVED.fullmatch(name) else name

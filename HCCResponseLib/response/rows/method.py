"""The method of a row in words: "procedure: how, setting = value, ..."."""

from collections.abc import Mapping

__all__ = ["method_text", "procedure_of"]


def method_text(procedure: str, how: str, parameters: Mapping[str, object] | None = None) -> str:
    """Return a method in words ("Diameter: longest line, plane = axial"); settings that are None are left out."""
    settings = [f"{name.replace('_', ' ')} = {_setting(value)}" for name, value in (parameters or {}).items() if value is not None]
    return f"{procedure}: {', '.join([how, *settings])}"


def procedure_of(method: str) -> str:
    """Return which procedure a method belongs to: the text before its colon."""
    return method.partition(":")[0]


def _setting(value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.6g}"
    if isinstance(value, tuple | list):
        return " ".join(_setting(one) for one in value)
    return str(value)

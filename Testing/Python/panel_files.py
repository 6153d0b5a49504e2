"""Reading .ui files and the names their modules use, for the tests that check panels without Slicer."""

import ast
import functools
import gzip
import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from reference_data import REPOSITORY
from source_tree import MODULES, module_files

__all__ = ["Panel", "attributes_of", "panels", "signal_names", "widget_api"]


@functools.cache
def widget_api() -> dict:
    """What the widgets of a running Slicer show to Python: class -> {extends, names, properties, signals}."""
    with gzip.open(REPOSITORY / "Testing" / "Python" / "Data" / "slicer-widget-api.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


@functools.cache
def attributes_of(class_name: str) -> frozenset[str]:
    """Every attribute name of a widget class, inherited ones included.

    :raises AssertionError: Slicer does not know the class.
    """
    if class_name not in widget_api():
        raise AssertionError(f"Slicer has no widget class {class_name}")
    entry = widget_api()[class_name]
    inherited = attributes_of(entry["extends"]) if entry.get("extends") in widget_api() else frozenset()
    # What every QObject of PythonQt answers besides its own members.
    return (
        inherited
        | frozenset(entry["names"])
        | frozenset(entry.get("properties", ()))
        | {"connect", "disconnect", "property", "setProperty"}
    )


def signal_names(class_name: str) -> dict[str, list[str]]:
    """The documented signals of a widget class with their argument types."""
    entry = widget_api()[class_name]
    inherited = signal_names(entry["extends"]) if entry.get("extends") in widget_api() else {}
    return inherited | entry.get("signals", {})


@dataclass(frozen=True)
class Panel:
    """One module with its .ui file."""

    module: Path
    ui: Path

    @functools.cached_property
    def root(self) -> ET.Element:
        return ET.parse(self.ui).getroot()

    @functools.cached_property
    def widgets(self) -> dict[str, ET.Element]:
        """Widgets by object name."""
        return {element.get("name"): element for element in self.root.iter("widget")}

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.module.read_text(encoding="utf-8"))

    @functools.cached_property
    def parameters(self) -> dict[str, str]:
        """Names and annotations of the module's parameter node."""
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and any(getattr(item, "id", "") == "parameterNodeWrapper" for item in node.decorator_list):
                return {item.target.id: ast.unparse(item.annotation) for item in node.body if isinstance(item, ast.AnnAssign)}
        return {}

    def uses(self) -> list[tuple[str, str | None, str | None]]:
        """Every ``self.ui.<widget>[.<attribute>]`` of the module, with the signal text where it is ``.connect("...")``."""
        found = {}
        calls = {id(node.func): node for node in ast.walk(self.tree) if isinstance(node, ast.Call)}
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Attribute):
                continue
            value = node.value
            if _is_ui(value):
                found.setdefault((node.lineno, node.attr), (node.attr, None, None))
            elif isinstance(value, ast.Attribute) and _is_ui(value.value):
                call = calls.get(id(node))
                signal = (
                    call.args[0].value
                    if node.attr in ("connect", "disconnect") and call and isinstance(call.args[0], ast.Constant)
                    else None
                )
                found[(node.lineno, value.attr, node.attr, signal)] = (value.attr, node.attr, signal)
        return list(found.values())


def _is_ui(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "ui" and isinstance(node.value, ast.Name) and node.value.id == "self"


def panels() -> list[Panel]:
    """All modules with their .ui files."""
    return [Panel(path, MODULES / "Resources" / "UI" / f"{path.stem}.ui") for path in module_files()]

"""Reading the project's own sources, for the tests that check structure instead of behaviour."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reference_data import REPOSITORY

__all__ = ["LIBRARY", "MODULES", "absolute_imports", "cmake_list", "module_files", "python_files"]

LIBRARY = REPOSITORY / "HCCResponseLib"
MODULES = REPOSITORY / "HCCResponse"


def python_files(folder: Path) -> list[Path]:
    """All Python files below a folder, sorted."""
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def module_files() -> list[Path]:
    """The scripted modules: every .py at the top of HCCResponse."""
    return sorted(MODULES.glob("*.py"))


def absolute_imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield (dotted name, whether at file scope) of everything a file imports, relative imports made absolute."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    package = list(path.relative_to(REPOSITORY).parent.parts)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inside = {id(node) for function in ast.walk(tree) if isinstance(function, functions) for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, id(node) not in inside
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, node.module] if node.module else base)
            for name in node.names:
                yield f"{stem}.{name.name}", id(node) not in inside


def cmake_list(path: Path, variable: str) -> list[str]:
    """The entries of ``set(variable ...)`` in a CMakeLists.txt, comments removed."""
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    match = re.search(rf"set\(\s*{variable}\s+(.*?)\)", text, flags=re.DOTALL)
    if match is None:
        raise AssertionError(f"{path.relative_to(REPOSITORY)} has no set({variable} ...)")
    return match.group(1).split()

"""Imports run downwards only, nothing heavy is imported when Slicer starts, and no file leaves its floor."""

import subprocess
import sys
import unittest

from reference_data import REPOSITORY
from source_tree import LIBRARY, MODULES, absolute_imports, module_files, python_files

# Top to bottom; those in one tuple stand side by side and do not know each other.
FLOORS = [
    ("command",),
    ("scene", "workflow"),
    ("report",),
    ("phantom",),
    ("dicom",),
    ("response",),
    ("statistics",),
    ("lesions",),
    ("quantification",),
    ("errors", "progress", "geometry", "version"),
]
LEVEL = {name: len(FLOORS) - index for index, names in enumerate(FLOORS) for name in names}
# errors and version are plain facts that progress and geometry stand on.
FACTS = set(FLOORS[-1])

ALLOWED_LIBRARIES = {
    "quantification": {"numpy", "scipy", "threadpoolctl"},
    "lesions": {"numpy", "scipy", "SimpleITK"},
    "statistics": {"numpy", "scipy"},
    "response": {"numpy"},
    "dicom": {"numpy", "pydicom", "SimpleITK"},
    "phantom": {"numpy", "scipy", "pydicom"},
    "report": {"numpy", "matplotlib", "jinja2"},
    "workflow": {"numpy", "scipy", "SimpleITK", "pydicom"},
    "scene": {"numpy", "scipy", "SimpleITK", "pydicom", "slicer", "vtk"},
    "command": {"numpy"},
}
HEAVY = {"numpy", "scipy", "SimpleITK", "pydicom", "matplotlib", "HCCResponseLib"}


def floor_of(dotted: str) -> str:
    """The floor of a name inside HCCResponseLib ('' for the package itself)."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


class FloorsTest(unittest.TestCase):
    def test_every_folder_of_the_library_is_a_floor(self):
        folders = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name not in ("Resources", "__pycache__")}
        files = {path.stem for path in LIBRARY.glob("*.py")} - {"__init__"}
        self.assertLessEqual(folders | files, set(LEVEL))

    def test_no_import_runs_upwards_or_sideways(self):
        wrong = []
        for path in python_files(LIBRARY):
            here = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
            if here == "__init__":
                continue
            for name, _at_file_scope in absolute_imports(path):
                if not name.startswith("HCCResponseLib."):
                    continue
                there = floor_of(name)
                if there in {here, "__version__"} or {here, there} <= FACTS:
                    continue
                if there not in LEVEL or LEVEL[there] >= LEVEL[here]:
                    wrong.append(f"{path.relative_to(REPOSITORY)} imports {name}")
        self.assertEqual(wrong, [])

    def test_every_floor_uses_only_its_libraries(self):
        wrong = []
        for path in python_files(LIBRARY):
            here = path.relative_to(LIBRARY).parts[0]
            allowed = ALLOWED_LIBRARIES.get(here, {"numpy"}) | set(sys.stdlib_module_names) | {"HCCResponseLib"}
            wrong += [
                f"{path.relative_to(REPOSITORY)} imports {name}" for name, _ in absolute_imports(path) if name.split(".")[0] not in allowed
            ]
        self.assertEqual(wrong, [])

    def test_no_file_of_the_library_knows_qt(self):
        wrong = [
            f"{path.relative_to(REPOSITORY)} imports {name}"
            for path in python_files(LIBRARY)
            for name, _ in absolute_imports(path)
            if name.split(".")[0] in ("qt", "ctk", "PythonQt")
        ]
        self.assertEqual(wrong, [])

    def test_modules_import_nothing_heavy_when_slicer_starts(self):
        wrong = [
            f"{path.name} imports {name} at file scope"
            for path in [*module_files(), *python_files(MODULES / "HCCPanels")]
            for name, at_file_scope in absolute_imports(path)
            if at_file_scope and name.split(".")[0] in HEAVY
        ]
        self.assertEqual(wrong, [])

    def test_the_scene_floor_leaves_scipy_and_pydicom_for_later(self):
        wrong = [
            f"{path.relative_to(REPOSITORY)} imports {name} at file scope"
            for path in python_files(LIBRARY / "scene")
            for name, at_file_scope in absolute_imports(path)
            if at_file_scope and name.split(".")[0] in ("scipy", "pydicom", "SimpleITK")
        ]
        self.assertEqual(wrong, [])

    def test_the_command_answers_help_without_loading_the_numerics(self):
        code = (
            "import sys; from HCCResponseLib.command import parser; parser().format_help(); "
            "print(*sorted({m.split('.')[0] for m in sys.modules}))"
        )
        loaded = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(set(loaded) & {"scipy", "SimpleITK", "pydicom", "matplotlib"}, set())


if __name__ == "__main__":
    unittest.main()

"""Every file that is to be installed is named in a CMakeLists.txt: an unlisted one is silently not packaged."""

import re
import unittest
import xml.etree.ElementTree as ET

from reference_data import REPOSITORY
from source_tree import LIBRARY, MODULES, cmake_list, module_files, python_files


class CMakeListsTest(unittest.TestCase):
    maxDiff = None

    def test_library_scripts_are_the_tree(self):
        tree = [path.relative_to(LIBRARY).with_suffix("").as_posix() for path in python_files(LIBRARY)]
        self.assertEqual(cmake_list(LIBRARY / "CMakeLists.txt", "MODULE_PYTHON_SCRIPTS"), sorted(tree))

    def test_library_resources_are_the_tree(self):
        tree = [path.relative_to(LIBRARY).as_posix() for path in (LIBRARY / "Resources").rglob("*") if path.is_file()]
        self.assertEqual(cmake_list(LIBRARY / "CMakeLists.txt", "MODULE_PYTHON_RESOURCES"), sorted(tree))

    def test_panels_share_the_files_of_the_tree(self):
        tree = [path.stem for path in (MODULES / "HCCPanels").glob("*.py")]
        self.assertEqual(cmake_list(MODULES / "HCCPanels" / "CMakeLists.txt", "MODULE_PYTHON_SCRIPTS"), sorted(tree))

    def test_packages_are_installed_as_packages(self):
        for folder in (LIBRARY, MODULES / "HCCPanels"):
            text = (folder / "CMakeLists.txt").read_text(encoding="utf-8")
            self.assertRegex(text, r"NAME\s+\$\{MODULE_NAME\}")
            self.assertIn("WITH_SUBDIR", text)

    def test_every_module_is_listed_with_its_panel_and_icon(self):
        modules = [path.stem for path in module_files()]
        self.assertEqual(cmake_list(MODULES / "CMakeLists.txt", "MODULES"), modules)
        resources = {path.relative_to(MODULES).as_posix() for path in (MODULES / "Resources").rglob("*") if path.is_file()}
        expected = {f"Resources/{kind}" for name in modules for kind in (f"UI/{name}.ui", f"Icons/{name}.svg")}
        self.assertEqual(resources, expected)

    def test_tests_are_listed(self):
        tests = sorted(path.name for path in (REPOSITORY / "Testing" / "Python").glob("test_*.py"))
        self.assertEqual(cmake_list(REPOSITORY / "Testing" / "Python" / "CMakeLists.txt", "TESTS"), tests)

    def test_extension_metadata_are_complete(self):
        text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
        for name in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
            self.assertRegex(text, rf'set\(EXTENSION_{name} "[^"]+"\)')
        for name in ("ICONURL", "SCREENSHOTURLS"):
            for file in re.findall(rf'set\(EXTENSION_{name} "[^"]*?/main/([^" ]+)', text):
                self.assertTrue((REPOSITORY / file).is_file(), f"{file} is named as {name} but is not in the repository")

    def test_icons_are_drawings(self):
        for path in [*(MODULES / "Resources" / "Icons").glob("*.svg"), *(REPOSITORY / "Resources" / "Icons").glob("*.svg")]:
            root = ET.parse(path).getroot()
            self.assertTrue(root.tag.endswith("svg") and root.get("viewBox"), path.name)


if __name__ == "__main__":
    unittest.main()

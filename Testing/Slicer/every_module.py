"""What every module passes: its own tests, help and icon, no leaked observers, closed scenes, the width of its panel."""

import sys
import unittest

import slicer
from application import MODULES, ModuleCase, observers, panel, settle


class EveryModuleTest(ModuleCase):
    def test_own_tests_pass(self):
        for name in MODULES:
            module = sys.modules[name]
            suite = unittest.defaultTestLoader.loadTestsFromTestCase(getattr(module, f"{name}Test"))
            result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
            self.assertTrue(result.wasSuccessful() and result.testsRun, name)

    def test_help_icon_and_category_are_there(self):
        for name in MODULES:
            module = getattr(slicer.modules, name.lower())
            self.assertFalse(module.icon.isNull(), name)
            self.assertIn("Quantification", module.categories)
            self.assertIn("href", module.helpText)

    def test_entering_and_leaving_leaks_no_observer(self):
        for name in MODULES:
            panel(name)
            slicer.util.selectModule("Data")
            before = observers()
            for _visit in range(10):
                panel(name)
                slicer.util.selectModule("Data")
            self.assertEqual(observers(), before)

    def test_closing_the_scene_while_a_panel_is_open(self):
        for name in MODULES:
            widget = panel(name)
            slicer.mrmlScene.Clear()
            settle()
            self.assertIsNotNone(widget._parameterNode)
            self.assertIsNotNone(slicer.mrmlScene.GetNodeByID(widget._parameterNode.parameterNode.GetID()))

    def test_panels_fit_420_pixels(self):
        for name in MODULES:
            widget = panel(name)
            self.assertLessEqual(widget.parent.minimumSizeHint.width(), 420, name)

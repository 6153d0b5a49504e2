"""What can be checked of a panel without Slicer: its .ui file, and every widget, attribute and signal its module names."""

import ast
import re
import unittest

from panel_files import attributes_of, panels, signal_names, widget_api

PASSIVE = {
    "QLabel",
    "QWidget",
    "QFrame",
    "QGroupBox",
    "qMRMLWidget",
    "ctkCollapsibleButton",
    "ctkCollapsibleGroupBox",
    "QTabWidget",
    "QStackedWidget",
    "Line",
}
SCENE_SLOT = "setMRMLScene(vtkMRMLScene*)"


class PanelsTest(unittest.TestCase):
    def test_every_widget_class_exists_in_slicer(self):
        for panel in panels():
            for name, widget in panel.widgets.items():
                if widget.get("class") != "Line":
                    self.assertIn(widget.get("class"), widget_api(), f"{panel.ui.name}: {name}")

    def test_the_top_widget_hands_the_scene_to_every_mrml_widget(self):
        for panel in panels():
            top = panel.root.find("widget")
            self.assertEqual(top.get("class"), "qMRMLWidget", panel.ui.name)
            connected = {
                c.findtext("receiver")
                for c in panel.root.iter("connection")
                if c.findtext("sender") == top.get("name")
                and c.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
                and c.findtext("slot") == SCENE_SLOT
            }
            mrml = {
                name
                for name, widget in panel.widgets.items()
                if widget is not top and widget.get("class") != "Line" and "setMRMLScene" in attributes_of(widget.get("class"))
            }
            self.assertEqual(connected, mrml, f"{panel.ui.name}: connected to the scene, and able to be")

    def test_every_parameter_name_exists_in_the_parameter_node(self):
        for panel in panels():
            named = [
                p.findtext("string")
                for widget in panel.widgets.values()
                for p in widget.findall("property")
                if p.get("name") == "SlicerParameterName"
            ]
            self.assertTrue(named, f"{panel.ui.name} binds no parameter")
            self.assertEqual(set(named) - set(panel.parameters), set(), panel.ui.name)
            self.assertEqual(len(named), len(set(named)), f"{panel.ui.name} binds a parameter twice")

    def test_every_interactive_widget_has_a_tool_tip(self):
        for panel in panels():
            for name, widget in panel.widgets.items():
                if widget.get("class") in PASSIVE:
                    continue
                tips = [p.findtext("string") for p in widget.findall("property") if p.get("name") == "toolTip"]
                self.assertTrue(tips and tips[0], f"{panel.ui.name}: {name} has no tool tip")

    def test_every_property_of_the_ui_file_exists(self):
        for panel in panels():
            for name, widget in panel.widgets.items():
                if widget.get("class") == "Line":
                    continue
                known = attributes_of(widget.get("class"))
                for p in widget.findall("property"):
                    if p.get("stdset") != "0":
                        self.assertIn(p.get("name"), known, f"{panel.ui.name}: {name} ({widget.get('class')})")

    def test_the_module_uses_only_what_its_widgets_have(self):
        for panel in panels():
            uses = panel.uses()
            self.assertTrue(uses, f"{panel.module.name} uses no widget")
            for widget, attribute, signal in uses:
                where = f"{panel.module.name}: self.ui.{widget}"
                self.assertIn(widget, panel.widgets, where)
                class_name = panel.widgets[widget].get("class")
                if attribute is not None:
                    self.assertIn(attribute, attributes_of(class_name), f"{where}.{attribute} ({class_name})")
                if signal is not None:
                    signal_name, arguments = re.fullmatch(r"(\w+)\((.*)\)", signal).groups()
                    self.assertIn(signal_name, attributes_of(class_name), f"{where}: signal {signal}")
                    documented = signal_names(class_name).get(signal_name)
                    if documented is not None and arguments:
                        self.assertEqual(len(arguments.split(",")), len(documented), f"{where}: signal {signal}, Slicer has {documented}")

    def test_module_classes_are_named_as_slicer_expects(self):
        for panel in panels():
            classes = {node.name for node in panel.tree.body if isinstance(node, ast.ClassDef)}
            stem = panel.module.stem
            self.assertLessEqual({stem, f"{stem}Widget", f"{stem}Logic", f"{stem}Test"}, classes)
            self.assertIn(f"class {stem}(ScriptedLoadableModule):", panel.module.read_text(encoding="utf-8"))

    def test_the_panel_fits_a_width_of_420_pixels(self):
        for panel in panels():
            for name, widget in panel.widgets.items():
                for p in widget.findall("property"):
                    if p.get("name") in ("minimumSize", "minimumWidth"):
                        width = int(p.findtext(".//width") or p.findtext("number"))
                        self.assertLessEqual(width, 400, f"{panel.ui.name}: {name}")


if __name__ == "__main__":
    unittest.main()

"""The application as a test drives it: settling, screenshots, panels, an empty scene, the sample patient."""

import sys
import tempfile
import time
import unittest
from pathlib import Path

import slicer

__all__ = ["MODULES", "REPOSITORY", "SCREENSHOTS", "ModuleCase", "PatientCase", "observers", "panel", "screenshot", "settle"]

REPOSITORY = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(sys.argv[1] if len(sys.argv) > 1 else slicer.app.temporaryPath) / "HCCResponse-screenshots"
MODULES = tuple(sorted(path.stem for path in (REPOSITORY / "HCCResponse").glob("*.py")))

_sample = {}


def settle(seconds: float = 0.3) -> None:
    """Let the application catch up with what was done to it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.01)


def screenshot(name: str) -> Path:
    """Save what the main window shows."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    settle(0.6)
    slicer.util.forceRenderAllViews()
    path = SCREENSHOTS / f"{name}.png"
    slicer.util.mainWindow().grab().save(str(path))
    return path


def panel(name: str):
    """Open a module; returns its widget."""
    slicer.util.selectModule(name)
    settle()
    return slicer.util.getModuleWidget(name)


def observers() -> int:
    """Number of observations that the modules hold on the scene and its nodes."""
    return sum(len(list(slicer.util.getModuleWidget(name).Observations)) for name in MODULES)


class ModuleCase(unittest.TestCase):
    """An empty scene before and after."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        settle(0.1)

    def tearDown(self):
        slicer.mrmlScene.Clear()
        settle(0.1)


class PatientCase(ModuleCase):
    """The small sample patient in the scene: generated once, loaded from a file for every test."""

    def setUp(self):
        super().setUp()
        if not _sample:
            from HCCResponseLib.scene.sample_patient import load_sample_patient

            load_sample_patient(small=True)
            _sample["folder"] = tempfile.TemporaryDirectory()
            _sample["path"] = str(Path(_sample["folder"].name) / "sample.mrb")
            if not slicer.util.saveScene(_sample["path"]):
                raise RuntimeError("The sample patient could not be saved.")
            slicer.mrmlScene.Clear()
        slicer.util.loadScene(_sample["path"])
        settle(0.3)

"""An empty scene for tests: that of the Slicer application where they run in one, else one made of slicer-core."""

import shutil
import tempfile
import unittest
from pathlib import Path

try:
    import slicer
except ImportError as error:
    raise unittest.SkipTest(f"needs the slicer-core wheel or Slicer itself: {error}") from error

from HCCResponseLib.scene.scene_file import load_scene, save_scene
from HCCResponseLib.scene.standalone import ensure_scene

__all__ = ["IN_APPLICATION", "SceneTestCase", "reopen"]

IN_APPLICATION = hasattr(slicer, "app")


class SceneTestCase(unittest.TestCase):
    """A test that starts with an empty ``slicer.mrmlScene`` and leaves one behind."""

    def setUp(self):
        ensure_scene()
        slicer.mrmlScene.Clear(0)
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(slicer.mrmlScene.Clear, 0)


def reopen(path: Path) -> None:
    """Save the scene as .mrb, close it, and load the file again."""
    save_scene(path)
    slicer.mrmlScene.Clear(0)
    load_scene(path)

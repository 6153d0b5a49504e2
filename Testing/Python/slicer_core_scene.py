"""An empty scene for tests: that of the Slicer application where they run in one, else one made of slicer-core.

The slicer-core wheel has MRML, the module logics and slicer.util, but no application that ties them together: the scene, the
logics (``slicer.modules.<name>.logic()``), the colour nodes that Slicer reads from files and the folder in which bundles are
packed are set up here, once per process.
"""

import atexit
import shutil
import tempfile
import types
import unittest
from pathlib import Path

try:
    import slicer
except ImportError as error:
    raise unittest.SkipTest(f"needs the slicer-core wheel or Slicer itself: {error}") from error

__all__ = ["IN_APPLICATION", "SceneTestCase", "reopen"]

IN_APPLICATION = hasattr(slicer, "app")

_LOGICS = {
    "markups": "vtkSlicerMarkupsLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "sequences": "vtkSlicerSequencesLogic",
    "subjecthierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "tables": "vtkSlicerTablesLogic",
    "transforms": "vtkSlicerTransformLogic",
    "volumes": "vtkSlicerVolumesLogic",
}
_COLOR_FILES = ("Viridis", "Inferno", "Plasma", "Magma", "Cividis", "GenericColors")
_application = {}


class SceneTestCase(unittest.TestCase):
    """A test that starts with an empty ``slicer.mrmlScene`` and leaves one behind."""

    def setUp(self):
        if not IN_APPLICATION and not _application:
            _set_up_application()
        slicer.mrmlScene.Clear(0)
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(slicer.mrmlScene.Clear, 0)


def reopen(path: Path) -> None:
    """Save the scene as .mrb, close it, and load the file again."""
    if not slicer.mrmlScene.WriteToMRB(str(path)):
        raise RuntimeError("The scene could not be saved.")
    slicer.mrmlScene.Clear(0)
    if not slicer.mrmlScene.ReadFromMRB(str(path), True):
        raise RuntimeError("The scene could not be loaded.")


def _set_up_application() -> None:
    scene = slicer.vtkMRMLScene()
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _write_color_files(Path(folder, "share", "ColorFiles"))

    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetTemporaryPath(folder)
    logic.SetHomeDirectory(folder)
    logic.SetShareDirectory("share")
    # A scene packs and unpacks .mrb files in the folder of the cache manager.
    remote_io = slicer.vtkMRMLRemoteIOLogic()
    remote_io.GetCacheManager().SetRemoteCacheDirectory(str(Path(folder, "cache")))
    data_io = slicer.vtkDataIOManagerLogic()
    data_io.SetMRMLApplicationLogic(logic)
    data_io.SetAndObserveDataIOManager(remote_io.GetDataIOManager())
    logic.SetMRMLSceneDataIO(scene, remote_io, data_io)
    logic.SetMRMLScene(scene)

    colors = slicer.vtkSlicerColorLogic()
    colors.SetMRMLApplicationLogic(logic)
    colors.SetMRMLScene(scene)
    logic.SetColorLogic(colors)
    logic.SetModuleLogic("Colors", colors)

    modules = types.SimpleNamespace()
    for module, class_name in _LOGICS.items():
        module_logic = getattr(slicer, class_name)()
        module_logic.SetMRMLApplicationLogic(logic)
        module_logic.SetMRMLScene(scene)
        setattr(modules, module, types.SimpleNamespace(logic=lambda module_logic=module_logic: module_logic))

    slicer.mrmlScene = scene
    slicer.modules = modules
    _application.update(scene=scene, logic=logic, remote_io=remote_io, data_io=data_io, colors=colors)
    atexit.register(_tear_down_application)


def _tear_down_application() -> None:
    # Logics observe the scene and refer to each other: let go of them before the interpreter does, in any order.
    slicer.mrmlScene.Clear(1)
    _application.clear()



def _write_color_files(folder: Path) -> None:
    """Stand in for the colour tables that Slicer brings along: same file names, so same node IDs; colours only roughly."""
    folder.mkdir(parents=True)
    ramp = "".join(f"{n} {n} {n} {n // 2} {255 - n} 255\n" for n in range(256))
    for name in _COLOR_FILES:
        (folder / f"{name}.txt").write_text(ramp)

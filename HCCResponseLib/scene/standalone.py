"""A scene without the Slicer application: for the command line, batch work and tests, made of the slicer-core wheel.

The wheel has MRML, the module logics and slicer.util, but no application that ties them together: the scene, the logics
(``slicer.modules.<name>.logic()``), the colour nodes that Slicer reads from files and the folder in which bundles are packed are
set up here, once per process.
"""

import atexit
import shutil
import tempfile
import types
from pathlib import Path

import slicer

__all__ = ["ensure_scene"]

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
_kept = {}
"""What the scene does not keep alive itself."""


def ensure_scene() -> None:
    """Make ``slicer.mrmlScene`` and what belongs to it; in the application, and the second time, nothing is done."""
    if getattr(slicer, "mrmlScene", None) is not None:
        return
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
    _kept.update(scene=scene, logic=logic, remote_io=remote_io, data_io=data_io, colors=colors)
    atexit.register(_tear_down)


def _tear_down() -> None:
    # Logics observe the scene and refer to each other: let go of them before the interpreter does, in any order.
    slicer.mrmlScene.Clear(1)
    _kept.clear()


def _write_color_files(folder: Path) -> None:
    """Stand in for the colour tables that Slicer brings along: same file names, so same node IDs; colours only roughly.

    A saved scene names the tables by their ID, and shows Slicer's own colours where it is opened.
    """
    folder.mkdir(parents=True)
    ramp = "".join(f"{n} {n} {n} {n // 2} {255 - n} 255\n" for n in range(256))
    for name in _COLOR_FILES:
        (folder / f"{name}.txt").write_text(ramp)

"""Saving and loading a scene with all its data as one file (.mrb), in the application and without it."""

import os
import re
import tempfile
import xml.parsers.expat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import slicer

from ..errors import HCCResponseError, InputError
from ..progress import Progress, report_progress
from .standalone import ensure_scene

__all__ = ["load_scene", "save_scene"]

_SUFFIX = ".mrb"
_UNSAFE_IN_FILE_NAME = re.compile(r"[&\x00-\x1f\x7f]+")
"""Slicer names the data files as the nodes and writes these names into the scene as they are; with one of these the scene
could not be read again."""


def save_scene(path, progress: Progress | None = None) -> Path:
    """Save the scene and all its data as one file, in place of what was there.

    An earlier file stays as it was until the new one is complete.

    :param path: ends with ``.mrb``; its folder is made if missing.
    :return: the file.
    :raises InputError: the name ends otherwise.
    :raises HCCResponseError: the scene could not be written; the message tells which node or why.
    :raises Cancelled: before anything was written.
    """
    path = Path(path).absolute()
    if path.suffix.lower() != _SUFFIX:
        raise InputError(f"A scene is saved with all its data as '{path.stem}{_SUFFIX}', not as '{path.name}'.")
    ensure_scene()
    report_progress(progress, 0.0)
    messages = slicer.vtkMRMLMessageCollection()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # In a folder of its own: the scene inside has the name of the file.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".saving-") as folder, _safe_file_names():
            packed = Path(folder, path.name)
            written = slicer.mrmlScene.WriteToMRB(str(packed), None, messages)
            problem = messages.GetAllMessagesAsString() if not written else _broken(packed)
            if not written or problem:
                raise HCCResponseError(f"The scene could not be saved as '{path.name}': {problem}")
            os.replace(packed, path)
    except OSError as error:
        raise HCCResponseError(f"The scene could not be saved as '{path}': {error.strerror}.") from None
    report_progress(progress, 1.0)
    return path


def load_scene(path, progress: Progress | None = None) -> None:
    """Close the scene and load a saved one. A file that is damaged is refused before the scene is closed.

    :raises InputError: there is no such file, or it is no whole scene file; the scene is as it was.
    :raises HCCResponseError: something in the file could not be loaded; what could is in the scene.
    :raises Cancelled: before the scene was closed.
    """
    path = Path(path).absolute()
    problem = "there is no such file." if not path.is_file() else _broken(path)
    if problem:
        raise InputError(f"'{path.name}' cannot be loaded as a scene: {problem}")
    ensure_scene()
    report_progress(progress, 0.0)
    messages = slicer.vtkMRMLMessageCollection()
    if not slicer.mrmlScene.ReadFromMRB(str(path), True, messages):
        raise HCCResponseError(f"Not everything of '{path.name}' could be loaded. {messages.GetAllMessagesAsString()}".strip())
    report_progress(progress, 1.0)


@contextmanager
def _safe_file_names() -> Iterator[None]:
    """Give data files of nodes with such a name another one while the scene is saved."""
    changed = []
    for node in slicer.util.getNodesByClass("vtkMRMLStorableNode"):
        storage = node.GetStorageNode()
        known = storage.GetFileName() if storage is not None else None
        name = Path(known).name if known else node.GetName() or ""
        if not _UNSAFE_IN_FILE_NAME.search(name) or not (storage or node.AddDefaultStorageNode()):
            continue
        storage = node.GetStorageNode()
        changed.append((storage, known))
        storage.SetFileName(_UNSAFE_IN_FILE_NAME.sub("_", name))
    try:
        yield
    finally:
        for storage, known in changed:
            storage.SetFileName(known or "")


def _broken(path: Path) -> str:
    """Return what is wrong with a scene file; empty where it is whole."""
    try:
        with zipfile.ZipFile(path) as bundle:
            damaged = bundle.testzip()
            if damaged is not None:
                return f"the file '{PurePosixPath(damaged).name}' in it is damaged."
            scenes = [name for name in bundle.namelist() if name.endswith(".mrml")]
            if not scenes:
                return "there is no scene in it."
            text = bundle.read(min(scenes, key=lambda name: name.count("/")))
    except (OSError, zipfile.BadZipFile):
        return "it is no scene file, or only a part of one."
    try:
        xml.parsers.expat.ParserCreate().Parse(text, True)
    except xml.parsers.expat.ExpatError as error:
        line = text.split(b"\n")[error.lineno - 1].decode("utf-8", "replace")
        name = re.search(r'name="([^"]*)"', line)
        where = f" of '{name[1]}'" if name else ""
        return f"a name or text{where} has a character that no scene file can hold; correct it."
    return ""

"""Nodes that belong together come into the scene all or not at all."""

import contextlib
from collections.abc import Iterator

import slicer
import vtk

__all__ = ["all_or_none", "remove_with_helpers"]


@contextlib.contextmanager
def all_or_none() -> Iterator[list]:
    """Take the nodes put into the yielded list out of the scene again when the block fails, with the folders made meanwhile.

    Folders, studies and patients that became empty stay only where they were there before.
    """
    before = set(_items())
    nodes: list = []
    try:
        yield nodes
    except BaseException:
        for node in reversed(nodes):
            remove_with_helpers(node)
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        for item in reversed(_items()):
            if item not in before and hierarchy.GetItemDataNode(item) is None and not hierarchy.GetNumberOfItemChildren(item):
                hierarchy.RemoveItem(item)
        raise


def remove_with_helpers(node) -> None:
    """Remove a node with its display and storage nodes and its subject hierarchy item."""
    scene, hierarchy = slicer.mrmlScene, slicer.mrmlScene.GetSubjectHierarchyNode()
    if not scene.IsNodePresent(node):
        return
    helpers = []
    if node.IsA("vtkMRMLDisplayableNode"):
        helpers += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        helpers += [node.GetNthStorageNode(n) for n in range(node.GetNumberOfStorageNodes())]
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.RemoveItem(item, False, False)
    scene.RemoveNode(node)
    for helper in helpers:
        if helper is not None and scene.IsNodePresent(helper):
            scene.RemoveNode(helper)


def _items() -> list[int]:
    """Return all items of the subject hierarchy, each before what is below it."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    children = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), children, True)
    return [children.GetId(n) for n in range(children.GetNumberOfIds())]

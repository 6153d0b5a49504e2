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
        while (empty := [item for item in _items() if item not in before and _is_empty(item)]):
            for item in empty:
                slicer.mrmlScene.GetSubjectHierarchyNode().RemoveItem(item, False, False)
        raise


def remove_with_helpers(node) -> None:
    """Remove a node with its display and storage nodes and its subject hierarchy item; a sequence with what shows it."""
    scene, hierarchy = slicer.mrmlScene, slicer.mrmlScene.GetSubjectHierarchyNode()
    if not scene.IsNodePresent(node):
        return
    if node.IsA("vtkMRMLSequenceNode"):
        for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"):
            if browser.GetMasterSequenceNode() is node:
                shown = browser.GetProxyNode(node)
                scene.RemoveNode(browser)
                if shown is not None:
                    remove_with_helpers(shown)
    helpers = []
    if node.IsA("vtkMRMLDisplayableNode"):
        helpers += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        helpers += [node.GetNthStorageNode(n) for n in range(node.GetNumberOfStorageNodes())]
    item = hierarchy.GetItemByDataNode(node)
    if item:
        # with what stands below it: the application has an item for every segment
        hierarchy.RemoveItem(item, True, True)
    for one in (node, *helpers):
        if one is not None and scene.IsNodePresent(one):
            scene.RemoveNode(one)
    if item in _items():
        # outside the application the item stays behind
        hierarchy.RemoveItem(item, False, True)


def _is_empty(item: int) -> bool:
    """Tell whether an item is a folder, study or patient with nothing in it."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    return hierarchy.GetItemDataNode(item) is None and not hierarchy.GetNumberOfItemChildren(item)


def _items() -> list[int]:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    children = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), children, True)
    return [children.GetId(n) for n in range(children.GetNumberOfIds())]

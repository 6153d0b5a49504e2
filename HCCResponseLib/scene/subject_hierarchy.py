"""Where a node stands in the subject hierarchy.

The application gives every node an item by itself; outside it (slicer-core) nobody does, so items are made when missing.
"""

import slicer

__all__ = ["add_folder", "place_beside", "series_uid", "subject_hierarchy_item"]


def subject_hierarchy_item(node) -> int:
    """Return the item of a node, made at the top level if it has none yet."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    return hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def add_folder(name: str, nodes=(), *, beside=None) -> int:
    """Make a folder, move ``nodes`` into it, and return its item; it stands where the node ``beside`` stands, else at the top."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    parent = hierarchy.GetSceneItemID() if beside is None else hierarchy.GetItemParent(subject_hierarchy_item(beside))
    folder = hierarchy.CreateFolderItem(parent, name)
    for node in nodes:
        hierarchy.SetItemParent(subject_hierarchy_item(node), folder)
    return folder


def place_beside(node, reference_node) -> None:
    """Move a node to where ``reference_node`` stands: same patient, same study, same folder."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    hierarchy.SetItemParent(subject_hierarchy_item(node), hierarchy.GetItemParent(subject_hierarchy_item(reference_node)))


def series_uid(volume_node) -> str:
    """Return the DICOM series instance UID that a volume was loaded from, or an empty text."""
    stated = volume_node.GetAttribute("HCC.SeriesInstanceUID")
    if stated:
        return stated
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(volume_node)
    return hierarchy.GetItemUID(item, "DICOM") if item else ""

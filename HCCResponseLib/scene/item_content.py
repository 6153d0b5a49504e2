"""What is kept at an item of the subject hierarchy as JSON: facts of a case that no node shows."""

import json

import slicer

from .escaped_text import escape, unescape

__all__ = ["item_content", "set_item_content"]


def item_content(item: int, name: str, notes: list[str]) -> list:
    """Return the list that is kept at an item under an attribute; what is damaged is passed over, and ``notes`` get a sentence."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    text = unescape(hierarchy.GetItemAttribute(item, name))
    try:
        content = json.loads(text or "[]")
        if isinstance(content, list):
            return content
    except ValueError:
        pass
    notes.append(f"What is kept at '{hierarchy.GetItemName(item)}' as {name} is damaged and left out; load an earlier saved scene.")
    return []


def set_item_content(item: int, name: str, content: list) -> None:
    """Keep a list at an item; an empty one takes the attribute away."""
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    if content:
        hierarchy.SetItemAttribute(item, name, escape(json.dumps(content, ensure_ascii=False)))
    else:
        hierarchy.RemoveItemAttribute(item, name)

"""Undo of what the lesion functions do: segments, what is noted of them, lines, findings and the measurement table together.

Segments are kept by Slicer's own ``vtkSegmentationHistory``, as the Segment Editor does it. Save a state before each change::

    undo.save(segmentation_node)
    grow_segment(segmentation_node, ...)
    undo.undo()

The numbers of the examinations come back with the measurements, which name them; without segmentations only these and the
findings are kept.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import slicer
import vtk

from .diameter_lines import diameter_lines, remove_line
from .findings import FINDINGS_ATTRIBUTE
from .measurement_table import measurement_table
from .subject_hierarchy import place_beside
from .time_points import TIME_POINT_ATTRIBUTES, patients, studies

__all__ = ["Undo", "all_or_nothing"]

_OF_STUDIES = (FINDINGS_ATTRIBUTE, *TIME_POINT_ATTRIBUTES)


@contextmanager
def all_or_nothing(*segmentation_nodes) -> Iterator[None]:
    """Do several changes or none: an error on the way brings segmentations, lines and measurements back as they were."""
    state = _State(segmentation_nodes)
    try:
        yield
    except BaseException:
        state.restore()
        raise


class Undo:
    """Steps back and forth through saved states.

    :param depth: number of states kept; an older one is forgotten.
    """

    def __init__(self, depth: int = 10):
        self._depth = depth
        self._back: list[_State] = []
        self._forth: list[_State] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a state to go back to."""
        return bool(self._back)

    @property
    def can_redo(self) -> bool:
        """Whether a state was gone back from and nothing was saved since."""
        return bool(self._forth)

    def save(self, *segmentation_nodes) -> None:
        """Keep the state of segmentations (none, for findings alone), their lines, the findings and the table, before a change."""
        self._back = [*self._back, _State(segmentation_nodes)][-self._depth :]
        self._forth = []

    def undo(self) -> None:
        """Go back to the state saved last; without one nothing happens."""
        self._step(self._back, self._forth)

    def redo(self) -> None:
        """Take back the last :meth:`undo`; without one nothing happens."""
        self._step(self._forth, self._back)

    def cancel(self) -> None:
        """Go back to the state saved last and forget it: the change was not wanted, or did not come about. Nothing is redone then."""
        if self._back:
            self._back.pop().restore()

    def clear(self) -> None:
        """Forget all states; when the scene is closed."""
        self._back, self._forth = [], []

    def _step(self, source: list["_State"], target: list["_State"]) -> None:
        if source:
            state = source.pop()
            target.append(_State(state.nodes))
            state.restore()


@dataclass(frozen=True)
class _Line:
    """A line as it was; the node itself may be gone by now."""

    node: object
    display_node: object
    name: str
    transform_id: str | None
    ends: tuple[tuple[float, float, float], ...]
    attributes: dict[str, str]


class _State:
    """Segmentations, their lines, findings, numbers of examinations and the measurement table at one moment."""

    def __init__(self, segmentation_nodes: Iterable):
        self.nodes = tuple(segmentation_nodes)
        self._histories = []
        self._lines = []
        self._attributes = []
        for node in self.nodes:
            history = slicer.vtkSegmentationHistory()
            history.SetSegmentation(node.GetSegmentation())
            history.SaveState()
            self._histories.append(history)
            self._lines.append([_kept_line(line) for line in diameter_lines(node)])
            self._attributes.append(_own_attributes(node))
        self._hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        self._studies = _study_attributes()
        table_node = measurement_table(create=False)
        self._table = None
        if table_node is not None:
            self._table = vtk.vtkTable()
            self._table.DeepCopy(table_node.GetTable())

    def restore(self) -> None:
        """Bring it all back; a segmentation that is gone is passed over, and when all are, so is the table: it is of another scene."""
        if self._hierarchy is not slicer.mrmlScene.GetSubjectHierarchyNode():
            return
        if self.nodes and all(node.GetScene() is None for node in self.nodes):
            return
        for node, history, lines, attributes in zip(self.nodes, self._histories, self._lines, self._attributes, strict=True):
            if node.GetScene() is None:
                continue
            # Not available: nothing changed since the state was saved.
            if history.IsRestorePreviousStateAvailable():
                history.RestorePreviousState()
            _restore_lines(node, lines)
            for name in _own_attributes(node).keys() | attributes.keys():
                node.SetAttribute(name, attributes.get(name))
        present = _study_attributes()
        for item in self._studies.keys() & present.keys():
            for name, value in self._studies[item].items():
                _set_item_attribute(item, name, value)
        table_node = measurement_table(create=False)
        if self._table is not None:
            (table_node or measurement_table()).SetAndObserveTable(self._table)
        elif table_node is not None:
            slicer.mrmlScene.RemoveNode(table_node)


def _study_attributes() -> dict[int, dict[str, str]]:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    items = [item for patient in patients() for item in studies(patient)]
    return {item: {name: hierarchy.GetItemAttribute(item, name) for name in _OF_STUDIES} for item in items}


def _set_item_attribute(item: int, name: str, value: str) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    if hierarchy.GetItemAttribute(item, name) == value:
        return
    if value:
        hierarchy.SetItemAttribute(item, name, value)
    else:
        hierarchy.RemoveItemAttribute(item, name)


def _own_attributes(node) -> dict[str, str]:
    return {name: node.GetAttribute(name) for name in node.GetAttributeNames() if name.startswith("HCC.")}


def _kept_line(line_node) -> _Line:
    return _Line(
        line_node,
        line_node.GetDisplayNode(),
        line_node.GetName(),
        line_node.GetTransformNodeID(),
        tuple(tuple(line_node.GetNthControlPointPosition(index)) for index in range(line_node.GetNumberOfControlPoints())),
        {name: line_node.GetAttribute(name) for name in line_node.GetAttributeNames()},
    )


def _restore_lines(segmentation_node, lines: list[_Line]) -> None:
    kept = [line.node for line in lines]
    for node in diameter_lines(segmentation_node):
        if node not in kept:
            remove_line(node)
    for line in lines:
        node = line.node
        if node.GetScene() is None:
            if line.display_node is not None:
                # First, as Slicer looks for the display of a line that comes.
                if line.display_node.GetScene() is None:
                    slicer.mrmlScene.AddNode(line.display_node)
                node.SetAndObserveDisplayNodeID(line.display_node.GetID())
            slicer.mrmlScene.AddNode(node)
            place_beside(node, segmentation_node)
            if line.display_node is not None and node.GetDisplayNode() is not line.display_node:
                if node.GetDisplayNode() is not None:
                    slicer.mrmlScene.RemoveNode(node.GetDisplayNode())
                node.SetAndObserveDisplayNodeID(line.display_node.GetID())
        with slicer.util.NodeModify(node):
            node.SetName(line.name)
            node.SetAndObserveTransformNodeID(line.transform_id)
            for name, value in line.attributes.items():
                node.SetAttribute(name, value)
            for index, point in enumerate(line.ends):
                if tuple(node.GetNthControlPointPosition(index)) != point:
                    node.SetNthControlPointPosition(index, *point)

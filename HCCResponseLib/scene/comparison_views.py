"""T1 and T2 of a lesion beside those of an earlier examination, in slice views of their own.

The views are linked by their place relative to the lesion, not by coordinates: the patient moved between the examinations. The
user's own views are not touched, so there is nothing to restore in them. What all views share (windows of volumes, visibility of
outlines and lines) is remembered at the display nodes, so that :func:`put_back` finds it also in a scene that was saved meanwhile.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import slicer
import vtk

from ..errors import HCCResponseError
from ..response.region_types import RegionType
from .lesion_identity import lesion_identity
from .linked_segments import reference_segment
from .segment_masks import segment_on_own_grid
from .segments import segment_ids, segment_mask
from .volumes import ijk_to_world, volume_array

__all__ = [
    "COMPARISON_LAYOUT",
    "PAIR_LAYOUT",
    "ComparisonViews",
    "LesionImages",
    "field_of_view_mm",
    "put_back",
    "register_layouts",
    "view_name",
]

PAIR_LAYOUT, COMPARISON_LAYOUT = 9208, 9209
"""Numbers of the layouts: T1 beside T2 of one examination; and two by two, the earlier examination left, T1 above."""

SMALLEST_FIELD_MM = 60.0
FIELD_PER_LESION = 3.0
_REMEMBERED = "HCC.BeforeComparison"
_OUTLINE_COLOUR = (0.94, 0.89, 0.26)
_COLOURS = {"T1": "#21918C", "T2": "#C77B30"}


@dataclass(frozen=True)
class LesionImages:
    """A lesion in one examination: its outline, its images by sequence, and what the views are called."""

    segmentation_node: object
    segment_id: str
    volumes: dict[str, object]
    title: str = ""


@dataclass
class _View:
    """What a slice view shows: where its lesion is, and on which volume."""

    name: str
    node: object
    composite: object
    volume: object
    sequence: str
    axes: np.ndarray
    centre: np.ndarray


@dataclass
class _Shown:
    """What the views show now; ``gains``: by display node, the signal of liver that windows are scaled with."""

    size_mm: float = SMALLEST_FIELD_MM
    views: list[_View] = field(default_factory=list)
    outlines: list[str] = field(default_factory=list)
    observed: list[tuple] = field(default_factory=list)
    gains: dict[str, float] = field(default_factory=dict)


def view_name(sequence: str, *, before: bool = False) -> str:
    """Return the name of a slice view."""
    return f"HCCGrading{sequence}{'Before' if before else ''}"


def register_layouts() -> None:
    """Make the layouts known to the application; a second time changes nothing."""
    for layout_node in slicer.util.getNodesByClass("vtkMRMLLayoutNode"):
        pair = _row([("T1", False), ("T2", False)])
        four = f'<layout type="vertical">{_items(_row([(one, True), (one, False)]) for one in _COLOURS)}</layout>'
        for number, description in ((PAIR_LAYOUT, pair), (COMPARISON_LAYOUT, four)):
            if not layout_node.IsLayoutDescription(number):
                layout_node.AddLayoutDescription(number, description)


def put_back() -> None:
    """Show windows, outlines and lines of the scene as they were before views compared them; nothing happens where none did."""
    for display in slicer.util.getNodesByClass("vtkMRMLDisplayNode"):
        text = display.GetAttribute(_REMEMBERED)
        if text:
            display.RemoveAttribute(_REMEMBERED)
            with slicer.util.NodeModify(display):
                _restore(display, json.loads(text))


def field_of_view_mm(*lesions: LesionImages) -> float:
    """Return how much a view shows: three times the extent of the lesion in its slices, in any of the examinations, at least 60 mm.

    :raises InputError: an outline is empty or gone.
    """
    return max(SMALLEST_FIELD_MM, *(FIELD_PER_LESION * _place(one)[1] for one in lesions))


class ComparisonViews:
    """The views while a panel uses them: :meth:`show` a lesion, :meth:`end` when it leaves."""

    def __init__(self) -> None:
        self._shown = _Shown()
        self._linking = False

    def show(self, now: LesionImages, before: LesionImages | None = None, *, outline: bool = True) -> None:
        """Show a lesion, centred and zoomed, and the same lesion in an earlier examination with the same magnification.

        An earlier examination gets the window of the later one, scaled so that liver has the same grey in both: signals of MR
        images have no common unit. Without a liver reference in both it is the same window.

        :param before: the lesion in another examination; None: nothing is compared.
        :raises InputError: an outline is empty or gone; nothing is shown then.
        """
        lesions = [now] if before is None else [now, before]
        places = [_place(one)[0] for one in lesions]
        size_mm = field_of_view_mm(*lesions)
        self.end()
        self._shown.size_mm = size_mm
        for n, (lesion, centre) in enumerate(zip(lesions, places, strict=True)):
            for sequence in _COLOURS:
                self._aim(lesion, sequence, centre, before=n > 0)
        for sequence in _COLOURS:
            self._share_window(sequence, lesions)
        self._hide_marks()
        self._outline(lesions, visible=outline)
        # Images come last: every change of a view that has one computes its slice anew.
        for view in self._shown.views:
            view.composite.SetBackgroundVolumeID(view.volume.GetID())
        self._observe()

    def frame(self) -> None:
        """Centre and zoom again as when the lesion was shown, after the views changed their size."""
        self._linking = True
        try:
            for view in self._shown.views:
                _frame(view.node, view.axes, view.centre, self._shown.size_mm)
        finally:
            self._linking = False

    def set_outline(self, visible: bool) -> None:
        """Show or hide the outline of the lesion in the views."""
        for node_id in self._shown.outlines:
            node = slicer.mrmlScene.GetNodeByID(node_id)
            if node is not None:
                node.SetVisibility(visible)

    def end(self) -> None:
        """Put back what the views changed, and show nothing; in a scene that is being closed only stop to follow it."""
        shown, self._shown = self._shown, _Shown()
        for node, tag in shown.observed:
            node.RemoveObserver(tag)
        if slicer.mrmlScene.IsClosing():
            return
        for view in shown.views:
            view.composite.SetBackgroundVolumeID(None)
        put_back()

    def _aim(self, lesion: LesionImages, sequence: str, centre: np.ndarray, *, before: bool) -> None:
        name = view_name(sequence, before=before)
        node = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")
        composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(node) if node is not None else None
        volume = lesion.volumes.get(sequence)
        if composite is None:
            return
        for one in (node, composite):
            one.SetSaveWithScene(False)  # the layout makes them anew
        with slicer.util.NodeModify(composite):
            # Slicer's own link moves views to the same coordinates.
            composite.SetLinkedControl(False)
            composite.SetHotLinkedControl(False)
            for set_layer in (composite.SetBackgroundVolumeID, composite.SetForegroundVolumeID, composite.SetLabelVolumeID):
                set_layer(None)
        node.SetLayoutLabel(" · ".join(filter(None, (sequence, lesion.title))))
        if volume is not None:
            view = _View(name, node, composite, volume, sequence, _plane(node, volume), _on_slice(volume, centre))
            _frame(node, view.axes, view.centre, self._shown.size_mm)
            self._shown.views.append(view)

    def _share_window(self, sequence: str, lesions: list[LesionImages]) -> None:
        """Give the volume of the earlier examination the window of the later one."""
        volumes = [lesion.volumes.get(sequence) for lesion in lesions]
        displays = [volume.GetDisplayNode() if volume is not None else None for volume in volumes]
        if len(lesions) < 2 or None in displays or displays[0] is displays[1]:
            return
        signals = [_liver_signal(lesion, volume) for lesion, volume in zip(lesions, volumes, strict=True)]
        gains = signals if None not in signals else [1.0, 1.0]
        self._shown.gains.update({display.GetID(): gain for display, gain in zip(displays, gains, strict=True)})
        earlier = displays[1]
        window = {"window": earlier.GetWindow(), "level": earlier.GetLevel(), "automatic": bool(earlier.GetAutoWindowLevel())}
        _remember(earlier, window)
        self._copy_window(*displays)

    def _copy_window(self, source, target) -> None:
        ratio = self._shown.gains[target.GetID()] / self._shown.gains[source.GetID()]
        target.SetAutoWindowLevel(False)
        target.SetWindowLevel(source.GetWindow() * ratio, source.GetLevel() * ratio)

    def _hide_marks(self) -> None:
        """Hide outlines and lines: those of every examination would lie over the images of every other."""
        for class_name in ("vtkMRMLSegmentationNode", "vtkMRMLMarkupsNode"):
            for node in slicer.util.getNodesByClass(class_name):
                for n in range(node.GetNumberOfDisplayNodes()):
                    display = node.GetNthDisplayNode(n)
                    if display is not None and display.GetVisibility():
                        _remember(display, {"visible": True})
                        display.SetVisibility(False)

    def _outline(self, lesions: list[LesionImages], *, visible: bool) -> None:
        """Of the outlines show the lesion's contour alone, over the images of its own examination.

        All lesions get one colour: their own would tell a blinded reader which is which.
        """
        for n, lesion in enumerate(lesions):
            display = lesion.segmentation_node.GetDisplayNode()
            if display is None:
                continue
            segments = {one: bool(display.GetSegmentVisibility(one)) for one in segment_ids(lesion.segmentation_node)}
            views = [display.GetNthViewNodeID(place) for place in range(display.GetNumberOfViewNodeIDs())]
            drawn = {"fill": bool(display.GetVisibility2DFill()), "line": bool(display.GetVisibility2DOutline())}
            color = display.GetSegmentOverrideColor(lesion.segment_id)
            drawn["color"] = [lesion.segment_id, *(color[n] for n in range(3))]
            _remember(display, {"visible": False, **drawn, "views": views, "segments": segments})
            self._shown.outlines.append(display.GetID())
            names = {view_name(sequence, before=n > 0) for sequence in _COLOURS}
            with slicer.util.NodeModify(display):
                display.SetVisibility2DFill(False)
                display.SetVisibility2DOutline(True)
                display.RemoveAllViewNodeIDs()
                for view in self._shown.views:
                    if view.name in names:
                        display.AddViewNodeID(view.node.GetID())
                for segment_id in segments:
                    display.SetSegmentVisibility(segment_id, segment_id == lesion.segment_id)
                display.SetSegmentOverrideColor(lesion.segment_id, *_OUTLINE_COLOUR)
                display.SetVisibility(visible)

    def _observe(self) -> None:
        for view in self._shown.views:
            tag = view.node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda _node, _event, view=view: self._on_moved(view))
            self._shown.observed.append((view.node, tag))
        for node_id in self._shown.gains:
            node = slicer.mrmlScene.GetNodeByID(node_id)
            tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda node, _event: self._on_window_changed(node))
            self._shown.observed.append((node, tag))

    def _on_moved(self, moved: _View) -> None:
        """Let the other views follow, each relative to its own lesion and in its own plane."""
        if self._linking:
            return
        self._linking = True
        try:
            matrix = slicer.util.arrayFromVTKMatrix(moved.node.GetSliceToRAS())
            shift = np.linalg.inv(matrix[:3, :3]) @ (matrix[:3, 3] - moved.centre)
            scale = moved.node.GetFieldOfView()[1] / moved.node.GetDimensions()[1]
            for view in self._shown.views:
                if view is not moved:
                    axes = slicer.util.arrayFromVTKMatrix(view.node.GetSliceToRAS())[:3, :3]
                    _move(view.node, axes, view.centre + axes @ shift, scale)
        finally:
            self._linking = False

    def _on_window_changed(self, changed) -> None:
        """Let the other examination's volume of the same sequence follow."""
        if self._linking:
            return
        self._linking = True
        try:
            displays = {view.volume.GetDisplayNode(): view.sequence for view in self._shown.views}
            for display, sequence in displays.items():
                if display is not None and display is not changed and sequence == displays.get(changed):
                    self._copy_window(changed, display)
        finally:
            self._linking = False


def _remember(display, look: dict) -> None:
    """Remember how something was drawn; what is remembered already was before."""
    text = display.GetAttribute(_REMEMBERED)
    display.SetAttribute(_REMEMBERED, json.dumps(look | (json.loads(text) if text else {})))


def _restore(display, look: dict) -> None:
    if "window" in look:
        display.SetWindowLevel(look["window"], look["level"])
        display.SetAutoWindowLevel(look["automatic"])
    if "segments" in look:
        display.SetVisibility2DFill(look["fill"])
        display.SetVisibility2DOutline(look["line"])
        display.RemoveAllViewNodeIDs()
        for view_id in look["views"]:
            display.AddViewNodeID(view_id)
        owner = display.GetDisplayableNode()
        present = set(segment_ids(owner)) if owner is not None else set()
        for segment_id in present & set(look["segments"]):
            display.SetSegmentVisibility(segment_id, look["segments"][segment_id])
        if look["color"][0] in present:
            display.SetSegmentOverrideColor(*look["color"])
    if "visible" in look:
        display.SetVisibility(look["visible"])


def _place(lesion: LesionImages) -> tuple[np.ndarray, float]:
    """Return the centre of a lesion (RAS) and its largest extent in the plane of the slices, along their rows and columns [mm]."""
    mask, grid = segment_on_own_grid(lesion.segmentation_node, lesion.segment_id)
    indices = np.argwhere(mask)[:, ::-1]
    extent = (indices.max(axis=0) - indices.min(axis=0) + 1) * np.linalg.norm(grid.ijk_to_ras[:3, :3], axis=0)
    centre = grid.ijk_to_ras[:3, :3] @ indices.mean(axis=0) + grid.ijk_to_ras[:3, 3]
    return centre, float(extent[:2].max())


def _on_slice(volume, centre: np.ndarray) -> np.ndarray:
    """Return the point moved onto the nearest slice, so that no two slices are mixed."""
    to_world = ijk_to_world(volume)
    index = np.linalg.solve(to_world, [*centre, 1.0])
    index[2] = np.clip(np.round(index[2]), 0, volume_array(volume).shape[0] - 1)
    return (to_world @ index)[:3]


def _plane(slice_node, volume) -> np.ndarray:
    """Turn a view to the slices of a volume; returns its axes (RAS) as columns."""
    through = np.abs(ijk_to_world(volume)[:3, 2])
    with slicer.util.NodeModify(slice_node):
        slice_node.SetOrientation(("Sagittal", "Coronal", "Axial")[int(np.argmax(through))])
        slice_node.RotateToVolumePlane(volume)
    return slicer.util.arrayFromVTKMatrix(slice_node.GetSliceToRAS())[:3, :3].copy()


def _frame(slice_node, axes: np.ndarray, centre: np.ndarray, size_mm: float) -> None:
    """Show a square of this size around a point."""
    _move(slice_node, axes, centre, size_mm / max(min(slice_node.GetDimensions()[:2]), 1))


def _move(slice_node, axes: np.ndarray, origin: np.ndarray, mm_per_pixel: float) -> None:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, origin
    width, height = (mm_per_pixel * max(count, 1) for count in slice_node.GetDimensions()[:2])
    present = [*slicer.util.arrayFromVTKMatrix(slice_node.GetSliceToRAS()).ravel(), *slice_node.GetFieldOfView()[:2]]
    if not np.allclose(present, [*matrix.ravel(), width, height], rtol=0, atol=1e-6):
        with slicer.util.NodeModify(slice_node):
            slice_node.GetSliceToRAS().DeepCopy(slicer.util.vtkMatrixFromArray(matrix))
            slice_node.UpdateMatrices()
            slice_node.SetFieldOfView(width, height, slice_node.GetFieldOfView()[2])


def _liver_signal(lesion: LesionImages, volume) -> float | None:
    """Return the median of the liver reference in a volume; None where there is none, or it is not above zero."""
    node = lesion.segmentation_node
    with suppress(HCCResponseError):
        identity = lesion_identity(node, lesion.segment_id)
        liver = reference_segment(node, identity.uid if identity else "", RegionType.LIVER_REFERENCE)
        if liver is not None:
            signal = float(np.nanmedian(volume_array(volume)[segment_mask(node, liver, volume)]))
            return signal if signal > 0 else None
    return None


def _items(layouts) -> str:
    return "".join(f"<item>{layout}</item>" for layout in layouts)


def _row(views) -> str:
    return f'<layout type="horizontal">{_items(_view_xml(sequence, before) for sequence, before in views)}</layout>'


def _view_xml(sequence: str, before: bool) -> str:
    properties = {"orientation": "Axial", "viewlabel": sequence, "viewcolor": _COLOURS[sequence]}
    inside = "".join(f'<property name="{name}" action="default">{value}</property>' for name, value in properties.items())
    return f'<view class="vtkMRMLSliceNode" singletontag="{view_name(sequence, before=before)}">{inside}</view>'

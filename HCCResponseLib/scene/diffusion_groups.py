"""Which volumes of the scene make up one diffusion series."""

from dataclasses import dataclass

import slicer

from ..errors import HCCResponseError
from ..geometry import Geometry
from .b_values import b_value
from .parameter_maps import map_quantity
from .subject_hierarchy import patient_of, series_uid, study_date
from .volumes import volume_geometry

__all__ = ["DiffusionGroup", "diffusion_groups", "group_of", "volumes_without_b_value"]


@dataclass(frozen=True)
class DiffusionGroup:
    """A diffusion series of the scene.

    :param name: of their folder, or what the names of the volumes have in common.
    :param volumes: volume nodes by ascending b-value.
    """

    name: str
    volumes: tuple

    @property
    def label(self) -> str:
        """Name with patient and date of the study, which tell series of the same protocol apart."""
        return " · ".join(filter(None, (self.name, patient_of(self.volumes[0]), study_date(self.volumes[0]))))


def diffusion_groups() -> list[DiffusionGroup]:
    """Return the diffusion series of the scene: volumes with a b-value that stand together and lie on one grid.

    Volumes that repeat a b-value and come from different DICOM series are different groups.
    """
    groups: list[tuple[int, Geometry, list]] = []
    for node in _scalar_volumes():
        if b_value(node) is None:
            continue
        geometry = _geometry(node)
        if geometry is None:
            continue
        place = _place(node)
        for other_place, other_geometry, members in groups:
            if place == other_place and geometry.matches(other_geometry):
                members.append(node)
                break
        else:
            groups.append((place, geometry, [node]))
    return [_group(place, members) for place, _, together in groups for members in _taken_apart(together)]


def group_of(volume_node, groups: list[DiffusionGroup]) -> DiffusionGroup | None:
    """Return the series that a volume belongs to, else the first one, else None."""
    return next((group for group in groups if volume_node in group.volumes), groups[0] if groups else None)


def volumes_without_b_value() -> list:
    """Return the volumes that could belong to a diffusion series but have no b-value yet: no label maps, no parameter maps."""
    return [node for node in _scalar_volumes() if b_value(node) is None and map_quantity(node) is None]


def _scalar_volumes() -> list:
    return [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if node.GetClassName() == "vtkMRMLScalarVolumeNode" and not node.GetHideFromEditors()
    ]


def _geometry(node) -> Geometry | None:
    """Return the grid of a volume; None for one that cannot be fitted (no image, bent space)."""
    try:
        return volume_geometry(node, world=True)
    except HCCResponseError:
        return None


def _place(node) -> int:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(node)
    return hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID()


def _taken_apart(nodes: list) -> list[list]:
    if len({b_value(node) for node in nodes}) == len(nodes):
        return [nodes]
    by_series: dict[str, list] = {}
    for node in nodes:
        by_series.setdefault(series_uid(node), []).append(node)
    return list(by_series.values())


def _group(place: int, nodes: list) -> DiffusionGroup:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    names = [node.GetName() for node in nodes]
    if hierarchy.IsItemLevel(place, "Folder"):
        name = hierarchy.GetItemName(place)
    else:
        name = _common_start(names).rstrip(" -_=:(bB") or names[0]
    return DiffusionGroup(name, tuple(sorted(nodes, key=b_value)))


def _common_start(names: list[str]) -> str:
    first, last = min(names), max(names)
    return next((first[:n] for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), first)

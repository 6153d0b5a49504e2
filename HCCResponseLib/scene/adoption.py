"""Images that Slicer's DICOM browser or the user loaded become part of the case: role, b-value, flip angle, times, time points.

What Slicer's importers leave is told here (5.12):

- A scalar volume has the attribute ``DICOM.instanceUIDs``; its item below patient and study has the series UID as ``DICOM``.
- A volume sequence of the MultiVolumeImporter has frame numbers for its index, without name and unit; the times stand in its
  attributes ``MultiVolume.FrameLabels`` and ``MultiVolume.FrameIdentifyingDICOMTagUnits``. Its proxy volume, not the sequence, stands
  below patient and study, with the instance UIDs as ``DICOMInstanceUID``.
- Without the MultiVolumeImporter a dynamic series becomes a volume for each acquisition number, in any order.
- A sequence of DICOMImageSequencePlugin is a film of single slices; its data nodes have ``DICOM.instanceUIDs``.

With Slicer's DICOM database the headers of the whole study are read, and judged together as in an import; without it names are,
with care. Nothing that a user set is changed, and no sequence or volume of his: where the index is not
seconds, a copy is made.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import slicer

from ..errors import InputError
from ..progress import Progress, report_progress, subrange
from ..response.roles import Role
from .acquisition import acquisition_facts, injected, injection_s, set_acquisition
from .b_values import b_value, propose_b_value, set_b_value
from .dicom_source import database, instance_uids
from .dynamic_series import sequence_shown_by, shown_volume
from .examination_import import number_studies
from .flip_angles import accept_proposed_flip_angles, flip_angle_deg, repetition_time_s, set_told_by_header
from .parameter_maps import map_quantity
from .role_by_name import dynamic_named, role_named
from .roles import role, role_reason, set_role
from .sequence_times import assembled, copied_from, image_times, in_seconds, originals_of, study_of_series
from .series_nodes import CONFIDENCE_ATTRIBUTE, PART_ATTRIBUTE, SERIES_ATTRIBUTE, series_key

__all__ = ["Adopted", "Adoption", "adopt_volumes", "adoptable_nodes"]

_FEWEST_FRAMES = 10


@dataclass(frozen=True)
class Adopted:
    """What became of one node.

    :param node: the volume or sequence; where a sequence had to be copied, the copy.
    :param role: the role it has now; None where it was left as it is.
    :param reason: why, or why it was left, a sentence.
    :param source: "DICOM header" or "name"; empty where it was left.
    :param facts: what else is known of it now ("b = 50 s/mm² (DICOM header)").
    :param originals: the sequence or the volumes that were copied.
    """

    node: object
    role: Role | None
    reason: str
    source: str = ""
    facts: tuple[str, ...] = ()
    originals: tuple = ()


@dataclass
class Adoption:
    """What an adoption did.

    :param nodes: every node that was looked at; volumes that were put together to a sequence stand as that.
    :param studies: subject hierarchy items that became time points.
    :param problems: what the user should look at, a sentence each.
    """

    nodes: list[Adopted] = field(default_factory=list)
    studies: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def adoptable_nodes() -> list:
    """Return the scalar volumes and sequences of the scene that nobody gave a role yet, nor a reason to have none.

    Maps, hidden volumes, volumes that show a sequence, and what was copied into one are none of them.
    """
    copied = [node for sequence in slicer.util.getNodesByClass("vtkMRMLSequenceNode") for node in originals_of(sequence)]
    volumes = [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if node.GetClassName() == "vtkMRMLScalarVolumeNode"
        and not node.GetHideFromEditors()
        and node.GetImageData() is not None
        and map_quantity(node) is None
        and node not in copied
        and sequence_shown_by(node) is None
    ]
    sequences = [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLSequenceNode")
        if node.GetDataNodeClassName() == "vtkMRMLScalarVolumeNode" and node not in copied
    ]
    return [node for node in (*volumes, *sequences) if role(node) is None and not role_reason(node)]


def adopt_volumes(nodes: Iterable | None = None, *, progress: Progress | None = None) -> Adoption:
    """Propose and set roles, b-values, flip angles and times of loaded images; their studies become time points.

    :param nodes: volumes and sequences; None: :func:`adoptable_nodes`. Those that have a role are left as they are.
    :raises Cancelled: ``progress`` returned False; nodes adopted before stay so.
    """
    chosen = adoptable_nodes() if nodes is None else [node for node in nodes if role(node) is None]
    result, headers = Adoption(), _Headers(subrange(progress, 0.0, 0.6))
    for done, node in enumerate(chosen):
        report_progress(progress, 0.6 + 0.4 * done / len(chosen))
        try:
            result.nodes.append(_adopt(node, headers))
        except InputError as error:
            result.nodes.append(Adopted(node, None, str(error)))
            result.problems.append(str(error))
    _assemble(result, headers)
    adopted = {one.node: study_of_series(one.node) for one in result.nodes if one.role is not None}
    loose = [f"'{node.GetName()}'" for node, study in adopted.items() if not study]
    if loose:
        result.problems.append(f"Below no patient and study: {', '.join(loose)}. Drag them below one in the Data module to use them.")
    result.studies, hindrances = number_studies(list(dict.fromkeys(filter(None, adopted.values()))))
    result.problems += hindrances
    report_progress(progress, 1.0)
    return result


class _Headers:
    """Headers of whole studies, read once each from the files that Slicer's DICOM database knows."""

    def __init__(self, progress: Progress | None):
        self._progress = progress
        self._studies: dict[str, tuple] = {}
        self._dynamic: dict[int, tuple] = {}

    def add_dynamic_image(self, recognition, volume) -> None:
        """Remember a volume that is one image of a dynamic series."""
        self._dynamic.setdefault(id(recognition), (recognition, []))[1].append(volume)

    @property
    def dynamic_images(self) -> list[tuple]:
        """Dynamic series and their volumes."""
        return list(self._dynamic.values())

    def recognitions(self, study_uid: str) -> tuple:
        """Return what the series of a study are; () without a database."""
        known = database()
        if known is None or not study_uid:
            return ()
        if study_uid not in self._studies:
            from ..dicom import find_examinations, scan_files

            files = [file for series in known.seriesForStudy(study_uid) for file in known.filesForSeries(series)]
            examinations = find_examinations(scan_files(files, progress=self._progress))
            self._studies[study_uid] = tuple(one for examination in examinations for one in examination.recognitions)
        return self._studies[study_uid]


def _adopt(node, headers: _Headers) -> Adopted:
    uids = _instance_uids(node)
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    study = study_of_series(node)
    recognitions = headers.recognitions(hierarchy.GetItemUID(study, "DICOM") if study else "") if uids else ()
    holding = [one for one in recognitions if uids <= _uids_of(one)]
    if holding:
        return _adopt_by_header(node, uids, holding, recognitions, headers)
    parts = [one for one in recognitions if uids & _uids_of(one)]
    if parts:
        return Adopted(node, None, f"'{node.GetName()}' mixes images of several kinds ({_kinds(parts)}); import the DICOM folder instead.")
    return _adopt_by_name(node)


def _adopt_by_header(node, uids: set[str], holding: list, recognitions: tuple, headers: _Headers) -> Adopted:
    from ..dicom.examination import comparable_scaling

    fewest = min(len(_uids_of(one)) for one in holding)
    holding = [one for one in holding if len(_uids_of(one)) == fewest]
    found = holding[0]
    if len({one.role for one in holding}) > 1:
        reason = f"'{node.GetName()}': its file holds images of several kinds ({_kinds(holding)}); import the DICOM folder instead."
        return Adopted(node, None, reason)
    if found.role is None:
        return Adopted(node, None, f"'{node.GetName()}': {found.reason}")
    if comparable_scaling(found, recognitions) != "rescale":
        reason = (
            f"'{node.GetName()}': Philips displays images that are to be compared with each other in different scales, and Slicer loaded "
            "them so; import the DICOM folder instead."
        )
        return Adopted(node, None, reason)
    frames = [frame for one in found.series for frame in one.frames if frame.sop_instance_uid in uids]
    is_sequence = node.IsA("vtkMRMLSequenceNode")
    if is_sequence != (found.role is Role.DCE):
        if not is_sequence:
            headers.add_dynamic_image(found, node)
        return Adopted(node, None, _wrong_kind(node, found))
    differing = {Role.VFA: "flip_angle_deg", Role.DWI: "b_value"}.get(found.role)
    if differing and len({getattr(frame, differing) for frame in frames}) > 1:
        what = "flip angles" if found.role is Role.VFA else "b-values"
        return Adopted(node, None, f"'{node.GetName()}' holds images of several {what} in one volume; import the DICOM folder instead.")
    original, facts = None, []
    if is_sequence:
        original, (node, times) = node, in_seconds(node, found)
        original = None if node is original else original
        facts.append(times)
    facts += _set_from_header(node, found, frames, copied_from(original) if original else "")
    return Adopted(node, found.role, role_reason(node), "DICOM header", tuple(facts), (original,) if original else ())


def _set_from_header(node, found, frames, more: str) -> list[str]:
    set_role(node, found.role, found.reason + more)
    node.SetAttribute(CONFIDENCE_ATTRIBUTE, str(found.confidence))
    key, part = series_key(found.series)
    node.SetAttribute(SERIES_ATTRIBUTE, key)
    node.SetAttribute(PART_ATTRIBUTE, part or None)
    set_acquisition(node, **acquisition_facts(found.series, frames), seconds_after_injection=found.time_s)
    if node.IsA("vtkMRMLSequenceNode"):
        _set_injection(node, found)
    return _set_numbers(node, found.role, frames)


def _assemble(result: Adoption, headers: "_Headers") -> None:
    """Make sequences of the volumes that are the images of a dynamic series; Slicer loads one so where it finds no other way."""
    for found, volumes in headers.dynamic_images:
        label = found.series[0].label
        try:
            times = image_times(found)
            by_time: dict[float, object] = {}
            for volume in volumes:
                own = set().union(*(times.get(uid, set()) for uid in _instance_uids(volume)))
                if len(own) == 1:
                    by_time.setdefault(own.pop(), volume)
            missing = set().union(*times.values()) - set(by_time)
            if missing:
                raise InputError(
                    f"{label}: {len(missing)} of the {len(missing) + len(by_time)} images of the dynamic series are not there as a volume "
                    "each; import the DICOM folder.",
                )
            name = found.series[0].description or volumes[0].GetName()
            sequence = assembled(by_time, name, study_of_series(volumes[0]) or None)
        except InputError as error:
            result.problems.append(str(error))
            continue
        frames = [frame for one in found.series for frame in one.frames]
        facts = _set_from_header(sequence, found, frames, f" Put together from {len(by_time)} volumes, which are unchanged.")
        facts.insert(0, f"{len(by_time)} images in {max(by_time):.0f} s (DICOM header)")
        originals = tuple(by_time[seconds] for seconds in sorted(by_time))
        result.nodes = [one for one in result.nodes if one.node not in originals]
        result.nodes.append(Adopted(sequence, Role.DCE, role_reason(sequence), "DICOM header", tuple(facts), originals))


def _adopt_by_name(node) -> Adopted:
    name = node.GetName()
    why = "its DICOM headers are not in Slicer's database" if _instance_uids(node) else "it has no DICOM headers"
    if node.IsA("vtkMRMLSequenceNode"):
        if not dynamic_named(name) or node.GetNumberOfDataNodes() < _FEWEST_FRAMES:
            return Adopted(node, None, f"'{name}': {why}, and its name does not say that it is a dynamic series; choose its role.")
        original, (node, times) = node, in_seconds(node, None)
        original = None if node is original else original
        set_role(node, Role.DCE, f"Named '{name}'; {why}. Check it.{copied_from(original) if original else ''}")
        facts = [times]
    else:
        found = role_named(name)
        if found is None:
            return Adopted(node, None, f"'{name}': {why}, and its name does not tell what it is; choose its role.")
        original, facts = None, []
        set_role(node, found, f"Named '{name}'; {why}. Check it.")
    node.SetAttribute(CONFIDENCE_ATTRIBUTE, "doubtful")
    facts += _set_numbers(node, role(node), [])
    return Adopted(node, role(node), role_reason(node), "name", tuple(facts), (original,) if original else ())


def _set_numbers(node, its_role: Role, frames) -> list[str]:
    """Set b-value, flip angle and repetition time where nobody did; returns them in words."""
    facts = []
    if its_role is Role.DWI and b_value(node) is None:
        value, source = propose_b_value(node)
        if source:
            set_b_value(node, value)
            facts.append(f"b = {value:g} s/mm² ({source})")
    told = [{getattr(frame, name) for frame in frames} for name in ("flip_angle_deg", "repetition_time_s")]
    set_told_by_header(node, *(values.pop() if len(values) == 1 else None for values in told))
    if its_role in (Role.VFA, Role.DCE):
        accept_proposed_flip_angles([node])
        if flip_angle_deg(node) is not None:
            facts.append(f"flip angle {flip_angle_deg(node):g}°")
        if repetition_time_s(node) is not None:
            facts.append(f"TR {1000 * repetition_time_s(node):g} ms")
    return facts


def _set_injection(sequence, recognition) -> None:
    """Count the injection from the first image, where both moments are told."""
    started = min((frame.acquired for one in recognition.series for frame in one.frames if frame.acquired is not None), default=None)
    if started is not None and injected(sequence) is not None and injection_s(sequence) is None:
        seconds = (injected(sequence) - started).total_seconds()
        if abs(seconds) < 43200:
            set_acquisition(sequence, injection_s=seconds)


def _wrong_kind(node, found) -> str:
    if found.role is Role.DCE:
        return f"'{node.GetName()}' is an image of the dynamic series {found.series[0].label}; that is used as a whole."
    return f"'{node.GetName()}' is a sequence, but its images are no dynamic series ({found.role.title}); import the DICOM folder instead."


def _instance_uids(node) -> set[str]:
    """Return the instance UIDs of all images of a volume or sequence, wherever Slicer's importers left them."""
    found = set(instance_uids(node))
    places = [node]
    if node.IsA("vtkMRMLSequenceNode"):
        for t in range(node.GetNumberOfDataNodes()):
            found.update(instance_uids(node.GetNthDataNode(t)))
        places.append(shown_volume(node))
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    for place in places if not found else ():
        item = hierarchy.GetItemByDataNode(place) if place is not None else 0
        if item:
            found.update(hierarchy.GetItemUID(item, "DICOMInstanceUID").split())
    return found - {"Unknown"}


def _kinds(recognitions) -> str:
    return ", ".join(dict.fromkeys(one.role.title if one.role else "no role" for one in recognitions))


def _uids_of(recognition) -> set[str]:
    return {uid for one in recognition.series for uid in one.sop_instance_uids}

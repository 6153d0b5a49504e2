"""Whole examinations from a DICOM folder into the scene: every recognised series below its patient and study, with its role."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import slicer

from ..errors import InputError
from ..progress import Progress, report_progress, subrange
from ..response.roles import Role
from .added_nodes import all_or_none
from .series_nodes import add_reading, nodes_of_series, series_key, volumes_expected
from .subject_hierarchy import study_item
from .time_points import propose_time_points, set_time_point

__all__ = ["ImportedExaminations", "UnreadSeries", "import_dynamic_series", "import_examinations", "number_studies"]


@dataclass(frozen=True)
class UnreadSeries:
    """Images that were recognised but could not be read.

    :param study: item of their examination.
    :param role: what they are.
    :param name: how a message names them.
    :param series_uid: tells them when they are imported again, see :func:`import_dynamic_series`.
    :param reason: why not, a sentence.
    """

    study: int
    role: Role
    name: str
    series_uid: str
    reason: str


@dataclass
class ImportedExaminations:
    """What an import brought into the scene.

    :param patients: subject hierarchy items of the patients in the folder, in their order.
    :param studies: likewise of their examinations.
    :param volumes: scalar volume nodes that were added; not those that show a sequence.
    :param sequences: sequence nodes that were added.
    :param present: nodes of the folder's series that were in the scene before; nothing was done with them.
    :param unread: what was recognised but could not be read; ``problems`` say so too.
    :param report: what was found, recognised, left out and could not be read, for a person to read.
    :param problems: what could not be imported, a sentence each.
    :param warnings: what the user should look at, a sentence each.
    """

    patients: list[int] = field(default_factory=list)
    studies: list[int] = field(default_factory=list)
    volumes: list = field(default_factory=list)
    sequences: list = field(default_factory=list)
    present: list = field(default_factory=list)
    unread: list[UnreadSeries] = field(default_factory=list)
    report: str = ""
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def import_examinations(folder, *, roles: Collection[Role] | None = None, progress: Progress | None = None) -> ImportedExaminations:
    """Read every examination below a folder into the scene.

    Patients and studies become items of the subject hierarchy, found again by their DICOM UIDs; new studies become time points
    by date. Volumes carry role, its reason, b-value, flip angle, repetition time and :mod:`.acquisition`; flip angle sets and
    diffusion series stand in a folder of their own, dynamic series are sequences (:mod:`.dynamic_series`). A series that is in
    the scene already is left as it is. What cannot be read does not lose the rest.

    :param roles: which to import; None: all, but not the diffusion maps other than ADC.
    :raises InputError: no folder, or no DICOM image in it; the scene is as it was.
    :raises Cancelled: ``progress`` returned False; the scene is as it was.
    """
    from ..dicom import find_examinations, folder_report, read_examination, scan_folder

    scan = scan_folder(folder, progress=subrange(progress, 0.0, 0.4))
    examinations = find_examinations(scan)
    result = ImportedExaminations()
    if not examinations:
        raise InputError(f"No DICOM images were found below '{folder}'.\n{folder_report(scan, ())}".strip())
    wanted = set(Role) - {Role.DIFFUSION_MAP} if roles is None else set(roles)
    failed = []
    with all_or_none() as added:
        for n, examination in enumerate(examinations):
            part = subrange(progress, 0.4 + 0.6 * n / len(examinations), 0.4 + 0.6 * (n + 1) / len(examinations))
            study = _study(examination)
            chosen = [one for one in examination.recognitions if one.role in wanted]
            present = {id(one): nodes_of_series(one) for one in chosen}
            whole = {id(one) for one in chosen if len(present[id(one)]) >= volumes_expected(one)}
            if len(whole) < len(chosen):
                # all are read together, even if some are there: their scaling depends on each other
                for reading in read_examination(examination.recognitions, roles=wanted, progress=part):
                    if id(reading.recognition) in whole:
                        continue
                    if reading.images is None:
                        failed.append(reading)
                        series = reading.recognition.series
                        unread = (reading.recognition.role, series[0].label, series_key(series)[0], reading.error)
                        result.unread.append(UnreadSeries(study, *unread))
                        result.problems.append(_sentence(examination, reading.error))
                        continue
                    nodes = add_reading(reading, study, added)
                    result.sequences += [node for node in nodes if node.IsA("vtkMRMLSequenceNode")]
                    result.volumes += [node for node in nodes if not node.IsA("vtkMRMLSequenceNode")]
                    result.warnings += [_sentence(examination, warning) for warning in reading.images.warnings]
            result.present += [node for nodes in present.values() for node in nodes]
            result.warnings += [_sentence(examination, text) for one in examination.recognitions for text in one.warnings]
            result.warnings += [_sentence(examination, text) for text in examination.missing]
            result.studies.append(study)
            report_progress(part, 1.0)
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        result.patients = list(dict.fromkeys(hierarchy.GetItemParent(study) for study in result.studies))
        result.warnings += number_studies(result.studies)[1]
        result.problems += _left_out(scan.skipped)
        result.report = folder_report(scan, examinations, failed)
        report_progress(progress, 1.0)
    return result


def import_dynamic_series(folder, series_uid: str, time_s: Sequence[float], *, progress: Progress | None = None):
    """Read a dynamic series whose headers do not tell the times of its images.

    :param folder: as for :func:`import_examinations`.
    :param series_uid: of an :class:`UnreadSeries`.
    :param time_s: seconds, ascending, one for each image, as the user entered them.
    :return: the sequence node.
    :raises InputError: no such series, another number of times, or as :func:`HCCResponseLib.dicom.read_dynamic`; the scene is as it was.
    :raises Cancelled: ``progress`` returned False; the scene is as it was.
    """
    from ..dicom import find_examinations, read_dynamic, scan_folder
    from ..dicom.examination import Reading
    from ..dicom.signals import suitable_scaling

    for examination in find_examinations(scan_folder(folder, progress=subrange(progress, 0.0, 0.4))):
        for found in examination.recognitions:
            if found.role is Role.DCE and series_key(found.series)[0] == series_uid:
                scaling = suitable_scaling([frame for one in found.series for frame in one.frames])
                images = read_dynamic(found.series, time_s=time_s, scaling=scaling, progress=subrange(progress, 0.4, 1.0))
                with all_or_none() as added:
                    study = _study(examination)
                    node = add_reading(Reading(found, images), study, added)[0]
                number_studies([study])
                return node
    raise InputError(f"No dynamic series with the UID {series_uid} was found below '{folder}'.")


def number_studies(study_items) -> tuple[list[int], list[str]]:
    """Make time points of studies that are none yet, by date.

    :return: the studies that became one; and what hindered others, a sentence each.
    """
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    done, hindrances = [], []
    for patient in dict.fromkeys(hierarchy.GetItemParent(study) for study in study_items):
        for study, point in propose_time_points(patient).items():
            if study in study_items:
                try:
                    set_time_point(study, point)
                    done.append(study)
                except InputError as error:
                    hindrances.append(str(error))
    return done, hindrances


def _study(examination) -> int:
    return study_item(
        patient_id=_patient_id(examination),
        patient_name=examination.patient_name,
        study_uid=examination.study_uid,
        study_description=examination.description,
        study_date=str(examination.study_date or ""),
    )


def _patient_id(of) -> str:
    """Return what tells a patient; where there is no ID the name, so that all examinations come together."""
    return of.patient_id or of.patient_name


def _sentence(examination, text: str) -> str:
    return f"{examination.study_date or 'No date'}: {text}"


def _left_out(skipped) -> list[str]:
    """Return a sentence for each reason that images were left out for; other files in the folder are no problem."""
    reasons: dict[str, list[str]] = {}
    for one in skipped:
        if one.damaged:
            reasons.setdefault(one.reason, []).append(one.path.name)
    found = []
    for reason, names in reasons.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        files = "The file was" if len(names) == 1 else f"{len(names)} files were"
        found.append(f"{files} left out ({', '.join(names[:3])}{more}): {reason}.")
    return found

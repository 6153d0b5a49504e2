"""The reference patient as DICOM files, with the truth beside them."""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pydicom

from ...progress import Progress, report_progress, subrange
from ..dicom_series import ContrastBolus, PulseSequence, SeriesHeader, Volume, write_series
from .examination import Examination, Images
from .patient import ReferencePatient
from .protocol import SeriesPlan, SpinEcho
from .truth import patient_truth

__all__ = ["WrittenPatient", "write_patient"]


@dataclass(frozen=True)
class WrittenPatient:
    """Where the files are.

    :param examinations: one folder each, in the order of time; a folder in it for every series.
    :param truth: JSON file.
    """

    folder: Path
    examinations: tuple[Path, ...]
    truth: Path


def write_patient(
    patient: ReferencePatient,
    folder: str | os.PathLike,
    *,
    vendor: str = "siemens",
    enhanced: bool = False,
    progress: Progress | None = None,
) -> WrittenPatient:
    """Write all examinations as DICOM, and ``truth.json``.

    Equal patients give equal files. An examination's folder appears when it is complete, and takes the place of an older one.

    :param folder: made where it does not exist.
    :param vendor: whose habits the headers follow, a key of ``dicom_series.VENDORS``.
    :param enhanced: multi-frame files instead of one file for each slice.
    :raises InputError: unknown vendor.
    :raises Cancelled: ``progress`` returned False; examinations written before stay.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    truth = patient_truth(patient)
    folders = []
    for examination, known in zip(patient.examinations, truth["examinations"], strict=True):
        share = subrange(progress, examination.index / len(patient.examinations), (examination.index + 1) / len(patient.examinations))
        name = f"{examination.start:%Y-%m-%d}_{examination.name.replace(' ', '_')}"
        known["folder"] = name
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished_") as unfinished:
            whole = Path(unfinished) / name
            for images in examination.images(progress=share):
                written = _write(patient, examination, images, whole, vendor, enhanced)
                known["series"][images.plan.key] |= {"folder": written.parent.name, "series_uid": _header(written).SeriesInstanceUID}
            known["study_uid"] = _header(written).StudyInstanceUID
            if (folder / name).exists():
                shutil.rmtree(folder / name)
            os.rename(whole, folder / name)
        folders.append(folder / name)
    path = folder / "truth.json"
    path.write_text(json.dumps(truth, indent=1), encoding="utf-8")
    report_progress(progress, 1.0)
    return WrittenPatient(folder, tuple(folders), path)


def _header(path: Path) -> pydicom.Dataset:
    return pydicom.dcmread(path, stop_before_pixels=True)


def _write(patient: ReferencePatient, examination: Examination, images: Images, folder: Path, vendor: str, enhanced: bool) -> Path:
    """Write one series and return its first file."""
    plan = images.plan
    header = SeriesHeader(
        description=plan.description,
        number=plan.number,
        patient_id=patient.patient_id,
        patient_name=patient.name,
        birth_date="19580612",
        sex="M",
        weight_kg=76.0,
        start=examination.acquired(plan),
        study_start=examination.start,
        study_description="MRI liver dynamic, diffusion, perfusion",
        echo_time_s=plan.sequence.echo_time_s,
        repetition_time_s=plan.sequence.repetition_time_s,
        flip_angle_deg=plan.sequence.flip_angle_deg,
        sequence=_pulse_sequence(plan, vendor),
        contrast=None if plan.injection_minutes is None else ContrastBolus(examination.injected(plan)),
        temporal=plan.volumes > 1 and plan.after_injection_s is not None,
        window=(plan.liver_signal * _WINDOW[plan.grid] / 2, plan.liver_signal * _WINDOW[plan.grid]),
    )
    if plan.b_values is not None:
        volumes = [Volume(image, b, seconds=40.0 * n) for n, (b, image) in enumerate(zip(plan.b_values, images.volumes, strict=True))]
    else:
        times = plan.after_injection_s or (0.0,)
        volumes = [Volume(image, seconds=time - times[0]) for time, image in zip(times, images.volumes, strict=True)]
    series_folder = folder / f"{plan.number:03d}_{plan.key}"
    return write_series(series_folder, volumes, images.geometry, header, vendor=vendor, enhanced=enhanced, seed=patient.seed)[0]


# Width of the display window over the signal of liver before contrast.
_WINDOW = {"anatomy": 2.4, "diffusion": 2.6, "perfusion": 3.2, "dynamic": 2.9}


def _pulse_sequence(plan: SeriesPlan, vendor: str) -> PulseSequence | None:
    """How the headers describe a sequence; None where its b-values do."""
    sequence = plan.sequence
    if plan.b_values is not None:
        return None
    if isinstance(sequence, SpinEcho):
        length = sequence.echo_train_length
        described = PulseSequence(("SE",), ("SK", "SP"), ("FS", "RG"), "2D", f"*tse2d1_{length}", length, "T2")
    elif plan.grid == "anatomy":
        described = PulseSequence(("GR",), ("SP",), (), "2D", "*fl2d1")
    else:
        described = PulseSequence(("GR",), ("SP", "OSP"), ("FS",), "3D", "*fl3d1")
    # the names are Siemens'; others keep theirs elsewhere
    return described if vendor == "siemens" else replace(described, name="")

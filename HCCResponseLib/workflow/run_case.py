"""The whole job on a case without an application: from DICOM folders and outlines to maps, measurements and the case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..dicom import Reading, Recognition, choose, read_examination, skipped_lines
from ..errors import Cancelled, HCCResponseError, InputError
from ..progress import Progress, report_progress, subrange
from ..response.case import Case, Image, Lesion, TimePoint
from ..response.finding import Exclusion, Finding
from ..response.measurement import now
from ..response.region_types import RegionType
from ..report.lesion_picture import field_of_view_mm
from ..report.picture_files import load_pictures, save_pictures
from ..response.roles import Role
from ..response.rows import Subject
from ..version import __version__
from .case_files import lines_of, read_rows, write_case
from .case_inputs import CaseExamination, CaseInputs, find_case
from .case_settings import SETTINGS_FILE
from .diffusion_steps import adc_step, ivim_step
from .image_files import geometry_of_image, read_image
from .label_maps import read_regions, resample_mask
from .lesion_identities import lesion_named, lesion_outlines
from .lesion_steps import PARTS_FILE, LesionImages, lesion_step
from .map_files import read_map, write_map_picture
from .outline import Outline
from .picture_steps import PictureImages, lesion_picture_step
from .perfusion_steps import USUAL_HEMATOCRIT, input_functions, perfusion_step, t1_step
from .relaxivity import usual_relaxivity
from .steps import FileDigests, StepResult, StepStore
from .tissue_steps import LesionParts, MapSource, TissueSignals, tissue_step

__all__ = ["CaseRun", "ExaminationRun", "run_case"]

T1_ROLES = (Role.T1_IN_PHASE, Role.T1, Role.T1_FAT_SUPPRESSED, Role.NATIVE)
T2_ROLES = (Role.T2_FAT_SUPPRESSED, Role.T2, Role.HASTE)
AFTER_CONTRAST = (Role.ARTERIAL, Role.PORTAL_VENOUS)

Say = Callable[[str], None]

_SHARES = {
    "adc": 0.10,
    "ivim": 0.08,
    "t1": 0.08,
    "perfusion": 0.34,
    "lesions": 0.22,
    "tissue": 0.10,
    "map_pictures": 0.05,
    "lesion_pictures": 0.03,
}
"""About how long the steps of an examination take, of its whole."""


@dataclass
class ExaminationRun:
    """What was done of one examination.

    :param steps: by name, those that are whole.
    :param skipped: what could not be done because the examination does not hold it: no failure.
    :param problems: what failed.
    :param warnings: what the reader should look at.
    :param outlines: of its lesions, by tracking UID.
    :param references: of the aorta and normal liver, as far as they are outlined.
    """

    index: int
    label: str
    folder: Path
    steps: dict[str, StepResult] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    outlines: dict[str, Outline] = field(default_factory=dict)
    references: dict[RegionType, Outline] = field(default_factory=dict)

    @property
    def reused(self) -> list[str]:
        """Names of the steps that were not done again."""
        return [name for name, step in self.steps.items() if step.reused]


@dataclass(frozen=True)
class CaseRun:
    """What came out of :func:`run_case`.

    :param problems: of the case as a whole: files and outlines that could not be used.
    :param files: case.json, measurements.csv and report.txt by name.
    """

    case: Case
    output: Path
    examinations: tuple[ExaminationRun, ...]
    problems: tuple[str, ...]
    files: dict[str, Path]

    @property
    def complete(self) -> bool:
        """Whether nothing failed."""
        return not self.problems and not any(one.problems for one in self.examinations)


def run_case(case_folder: Path, output: Path, *, say: Say = lambda line: None, progress: Progress | None = None) -> CaseRun:
    """Process every examination of a case folder and write everything into ``output``.

    Layout of the folder: :mod:`.case_inputs`. A step whose images, outlines, settings and program are the same as in an
    earlier run is not done again; a step that fails loses no other. Stopping at any time (``progress`` returns False, Ctrl-C) leaves
    what is finished for the next run.

    Results: ``case.json``, ``measurements.csv``, ``report.txt``, ``pictures`` for the report, and a folder for each examination with
    one for each step.

    :param output: made if needed; it may lie inside the case folder.
    :param say: told in a line what is done.
    :raises InputError: there is no image, images of several patients, or settings that cannot be.
    :raises Cancelled: ``progress`` returned False.
    """
    case_folder, output = Path(case_folder), Path(output)
    if output.exists() and not output.is_dir():
        raise InputError(f"'{output}' is a file; name a folder for the results.")
    inputs = find_case(case_folder, leave_out=[output], progress=subrange(progress, 0.0, 0.12))
    patient = _plain(inputs.settings.patient or inputs.examinations[0].examination.patient_id) or "unknown"
    lesions, outlines, doubts = lesion_outlines(patient, inputs.examinations, inputs.settings)
    names = ", ".join(one.identifier for one in lesions)
    say(f"{len(inputs.examinations)} examinations; {f'{len(lesions)} lesions: {names}' if lesions else 'no lesion is outlined'}")
    _case(inputs, patient, lesions, [])  # what the settings say wrong is said now, not after an hour
    output.mkdir(parents=True, exist_ok=True)
    digests = FileDigests()
    fields = {
        one.uid: field_of_view_mm((found[one.uid].mask, found[one.uid].geometry) for found in outlines.values() if one.uid in found)
        for one in lesions
    }
    runs = []
    count = len(inputs.examinations)
    for n, examination in enumerate(inputs.examinations):
        share = subrange(progress, 0.12 + 0.87 * n / count, 0.12 + 0.87 * (n + 1) / count)
        job = _ExaminationJob(examination, inputs, patient, outlines[examination.index], fields, output, digests, say, share)
        job.run()
        runs.append(job.done)
    problems = [*inputs.problems, *doubts]
    _gather_pictures(StepStore(output), runs)
    case, sentences = _case(inputs, patient, lesions, runs)
    problems += sentences
    files = write_case(output, case, _report(case, problems, runs, inputs))
    report_progress(progress, 1.0)
    return CaseRun(case, output, tuple(runs), tuple(problems), files)


class _ExaminationJob:
    """The steps of one examination. Images are read when the first step that is not done yet needs them, and let go at the end."""

    def __init__(
        self,
        examination: CaseExamination,
        inputs: CaseInputs,
        patient: str,
        outlines: dict[str, Outline],
        fields_mm: dict[str, float],
        output: Path,
        digests: FileDigests,
        say: Say,
        progress: Progress | None,
    ):
        self.examination, self.inputs, self.patient, self.outlines = examination, inputs, patient, outlines
        self.fields_mm = fields_mm
        self.digests, self.say, self.progress = digests, say, progress
        self.store = StepStore(output / examination.name)
        self.done = ExaminationRun(examination.index, examination.examination.label, self.store.folder)
        self.read: dict[int, Reading] = {}
        self.position = 0.0
        self.liver = self._reference(RegionType.LIVER_REFERENCE, RegionType.LIVER)
        self.aorta = self._reference(RegionType.AORTA)
        self.done.outlines = outlines
        found = {RegionType.LIVER_REFERENCE: self.liver, RegionType.AORTA: self.aorta}
        self.done.references = {region_type: one for region_type, one in found.items() if one is not None}

    def run(self) -> None:
        """Do every step; what fails is noted."""
        one = self.examination
        for recognition in one.recognitions:
            name = " + ".join(series.label for series in recognition.series[:4])
            title = recognition.role.title if recognition.role else "not used"
            self.done.roles.append(f"{name}: {title}. {recognition.reason}")
            self.done.warnings += recognition.warnings
        self.done.warnings += one.examination.missing
        diffusion, angles, dynamic = (choose(one.recognitions, role) for role in (Role.DWI, Role.VFA, Role.DCE))
        self._step("adc", {"images": diffusion}, {}, lambda folder, progress: adc_step(folder, self._images(diffusion), progress))
        self._step("ivim", {"images": diffusion}, {}, lambda folder, progress: ivim_step(folder, self._images(diffusion), progress))
        self._step("t1", {"images": angles}, {}, lambda folder, progress: t1_step(folder, self._images(angles), progress))
        self._perfusion(angles, dynamic)
        if self.outlines:
            self._lesions()
            self._tissue(diffusion, angles, dynamic)
            self._lesion_pictures()
        else:
            self.done.skipped.append("No lesion is outlined: maps were made, nothing was measured in lesions.")
            for name in ("lesions", "tissue", "lesion_pictures"):
                self.store.remove(name)
                self._advance(name)
        self._map_pictures()
        self.read.clear()

    def _perfusion(self, angles: Recognition | None, dynamic: Recognition | None) -> None:
        needed = self.done.steps.get("t1")
        if dynamic is not None and needed is None:
            self.done.skipped.append("No perfusion maps: they need T1 before contrast, and there is no T1 map.")
            self.store.remove("perfusion")
            self._advance("perfusion")
            return
        settings = self._perfusion_settings(dynamic) | {"t1": needed.key if needed else "", "aorta": _outline_key(self.aorta)}

        def make(folder: Path, progress):
            t1 = read_map(needed.folder, needed.record["maps"][0])
            return perfusion_step(
                folder,
                self._images(dynamic),
                t1,
                self._images(angles),
                self.aorta,
                hematocrit=settings["hematocrit"],
                relaxivity=settings["relaxivity"],
                progress=progress,
            )

        self._step("perfusion", {"dynamic": dynamic, "angles": angles}, settings, make)
        if "perfusion" in self.done.steps:
            self.done.notes += settings["notes"]
            if self.aorta is None:
                self.done.skipped.append("No Ktrans with a measured arterial input: the aorta is not outlined.")

    def _perfusion_settings(self, dynamic: Recognition | None) -> dict:
        notes = []
        hematocrit = self.examination.settings.hematocrit
        if hematocrit is None:
            hematocrit = USUAL_HEMATOCRIT
            notes.append(f"The hematocrit is not known; {hematocrit:g} was assumed (say it in {SETTINGS_FILE}).")
        relaxivity = self.inputs.settings.relaxivity
        if relaxivity is None:
            agent = next((one.contrast_agent for one in dynamic.series if one.contrast_agent), "") if dynamic else ""
            relaxivity, sentence = usual_relaxivity(agent)
            notes.append(sentence)
        return {"hematocrit": float(hematocrit), "relaxivity": float(relaxivity), "notes": notes}

    def _lesions(self) -> None:
        recognitions = self.examination.recognitions
        native = choose(recognitions, Role.NATIVE)
        after = [choose(recognitions, role) for role in AFTER_CONTRAST]
        t1, t2 = self._first(T1_ROLES), self._first(T2_ROLES)

        def make(folder: Path, progress):
            images = LesionImages(
                self._images(native, optional=True),
                tuple(filter(None, (self._images(one, optional=True) for one in after))),
                self._images(t1, optional=True),
                self._images(t2, optional=True),
            )
            return lesion_step(folder, self.outlines, self.liver, images, self._subject, progress=progress)

        images = {"native": native, "t1": t1, "t2": t2} | {f"after {n}": one for n, one in enumerate(after)}
        self._step("lesions", images, self._outline_settings(), make, optional=True)

    def _tissue(self, diffusion, angles, dynamic) -> None:
        made = [self.done.steps[name] for name in ("adc", "ivim", "t1", "perfusion", "lesions") if name in self.done.steps]
        maps = [MapSource(step.folder, entry) for step in made for entry in step.record.get("maps", ())]

        def make(folder: Path, progress):
            signals = TissueSignals(
                diffusion=self._images(diffusion) if "adc" in self.done.steps else None,
                angles=self._images(angles) if "t1" in self.done.steps else None,
            )
            if "perfusion" in self.done.steps:
                settings = self._perfusion_settings(dynamic)
                images = self._images(dynamic)
                conversion, inputs, _record = input_functions(
                    images,
                    signals.angles,
                    self.aorta,
                    hematocrit=settings["hematocrit"],
                    relaxivity=settings["relaxivity"],
                )
                signals = TissueSignals(signals.diffusion, signals.angles, images, conversion, tuple(inputs))
            return tissue_step(self._lesion_parts(), maps, signals, self._subject, progress=progress)

        self._step("tissue", {}, self._outline_settings() | {"steps": [step.key for step in made]}, make, optional=True)

    def _lesion_parts(self) -> dict[str, LesionParts]:
        step = self.done.steps.get("lesions")
        masks, geometry = {}, None
        if step is not None and (step.folder / PARTS_FILE).exists():
            geometry = geometry_of_image(read_image(step.folder / PARTS_FILE))
            masks = {region.name: region.mask for region in read_regions(step.folder / PARTS_FILE, geometry)}
        names = ("viable", "necrotic", "haemorrhagic")
        return {
            uid: LesionParts(outline, *(masks[f"{uid} {name}"] for name in names), geometry)
            if f"{uid} viable" in masks
            else LesionParts(outline)
            for uid, outline in self.outlines.items()
        }

    def _lesion_pictures(self) -> None:
        recognitions = self.examination.recognitions
        native, after = (choose(recognitions, role) for role in (Role.NATIVE, Role.ARTERIAL))
        t1, t2 = self._first(T1_ROLES), self._first(T2_ROLES)
        shown = [(step, entry) for step, entry in self._shown_maps() if entry["quantity"] in ("ADC", "KTRANS")]
        fields = {uid: self.fields_mm[uid] for uid in self.outlines}

        def make(folder: Path, _progress):
            images = PictureImages(*(self._images(one, optional=True) for one in (t1, t2, native, after)))
            maps = [MapSource(step.folder, entry) for step, entry in shown]
            return lesion_picture_step(folder, self.done.index, self._lesion_parts(), fields, self.liver, images, maps)

        images = {"t1": t1, "t2": t2, "native": native, "after": after}
        parts = self.done.steps["lesions"].key if "lesions" in self.done.steps else ""
        settings = self._outline_settings() | {"fields": fields, "parts": parts, "maps": [step.key for step, _entry in shown]}
        self._step("lesion_pictures", images, settings, make, optional=True)

    def _first(self, roles: Sequence[Role]) -> Recognition | None:
        """The series of the first of some roles that the examination has."""
        return next(filter(None, (choose(self.examination.recognitions, role) for role in roles)), None)

    def _shown_maps(self) -> list[tuple[StepResult, dict]]:
        """One map of each quantity worth a picture; of Ktrans that with the measured input, where there is one."""
        found: dict[str, tuple[StepResult, dict]] = {}
        for step in self.done.steps.values():
            for entry in step.record.get("maps", ()):
                if entry["quantity"] in _SHOWN:
                    found[entry["quantity"]] = (step, entry)
        return list(found.values())

    def _map_pictures(self) -> None:
        chosen = self._shown_maps()

        def make(folder: Path, progress):
            failed = ""
            for n, (step, entry) in enumerate(chosen):
                report_progress(progress, n / len(chosen))
                values, geometry = read_map(step.folder, entry)
                outlines = [(one.name, resample_mask(one.mask, one.geometry, geometry)) for one in self.outlines.values()]
                failed = write_map_picture(folder, entry, values, geometry, outlines, f"time point {self.done.index}")
            return {"warnings": [failed] if failed else [], "notes": []}

        if not chosen:
            self.store.remove("map_pictures")
            self._advance("map_pictures")
            return
        keys = [step.key for step, _entry in chosen]
        self._step("map_pictures", {}, self._outline_settings() | {"maps": keys}, make, optional=True)

    def _step(self, name: str, images: dict[str, Recognition | None], settings: dict, make, *, optional: bool = False) -> None:
        """Do a step, or take what is there; ``optional``: it can be done without any of the images."""
        share = subrange(self.progress, self.position, self.position + _SHARES[name])
        missing = [key for key, one in images.items() if one is None]
        if missing and not optional:
            self.store.remove(name)
            self.done.skipped.append(f"No {_WORDS[name]}: there are no {_WORDS_OF_IMAGES[name]}.")
            self._advance(name)
            return
        try:
            inputs = {"settings": settings} | {key: self._key(one) for key, one in images.items()}
            result = self.store.run(name, inputs, lambda folder: make(folder, share))
        except Cancelled:
            raise
        except Exception as error:  # whatever it is, the other steps and examinations are not to be lost
            self.store.remove(name)
            self._failed(name, error)
        else:
            self.done.steps[name] = result
            self.done.warnings += result.record.get("warnings", ())
            self.done.notes += result.record.get("notes", ())
            self.done.skipped += result.record.get("skipped", ())
            self.done.problems += result.record.get("problems", ())
            self.say(f"  {self.examination.name}  {_WORDS[name]}{'  (done before)' if result.reused else ''}")
        self._advance(name)

    def _failed(self, name: str, error: Exception) -> None:
        if name == "ivim" and isinstance(error, InputError):
            self.done.skipped.append(f"No {_WORDS[name]}: {error}")
            return
        text = str(error) if isinstance(error, HCCResponseError | OSError) else f"unexpected {type(error).__name__}: {error}"
        self.done.problems.append(f"{_WORDS[name]}: {text}")
        self.say(f"  {self.examination.name}  {_WORDS[name]}  FAILED: {text}")

    def _advance(self, name: str) -> None:
        self.position += _SHARES[name]
        report_progress(self.progress, self.position)

    def _images(self, recognition: Recognition | None, *, optional: bool = False):
        """Images of a recognition, read once.

        :raises InputError: they cannot be read; where they are optional that is noted, and None is returned.
        """
        if recognition is None:
            return None
        if id(recognition) not in self.read:
            for one in read_examination(self.examination.recognitions, roles={recognition.role}):
                self.read[id(one.recognition)] = one
        found = self.read[id(recognition)]
        if found.images is None:
            if not optional:
                raise InputError(found.error)
            if found.error not in self.done.problems:
                self.done.problems.append(found.error)
        return found.images

    def _key(self, recognition: Recognition | None) -> list | None:
        if recognition is None:
            return None
        paths = [frame.path for series in recognition.series for frame in series.frames]
        parts = [(series.series_uid, series.part, len(series.frames)) for series in recognition.series]
        return [recognition.role, parts, self.digests.of(*paths)]

    def _reference(self, *types: RegionType) -> Outline | None:
        """The outline of the first of some types that there is; several of one type are one region."""
        for region_type in types:
            found = [one for one in self.examination.outlines if one.region_type is region_type]
            if found:
                mask = np.logical_or.reduce([resample_mask(one.mask, one.geometry, found[0].geometry) for one in found])
                return Outline(found[0].name, mask, found[0].geometry, found[0].path, region_type)
        return None

    def _outline_settings(self) -> dict:
        return {
            "patient": self.patient,
            "time point": self.done.index,
            "lesions": {uid: [one.name, _outline_key(one)] for uid, one in self.outlines.items()},
            "liver": _outline_key(self.liver),
            "aorta": _outline_key(self.aorta),
        }

    def _subject(self, uid: str, name: str, series: str) -> Subject:
        return Subject(self.patient, self.done.index, uid, _plain(name) or "lesion", now(), series)


_WORDS = {
    "adc": "ADC map",
    "ivim": "IVIM maps",
    "t1": "T1 map",
    "perfusion": "perfusion maps",
    "lesions": "lesions measured",
    "tissue": "maps measured in lesions",
    "map_pictures": "pictures of the maps",
    "lesion_pictures": "pictures of the lesions",
}
_WORDS_OF_IMAGES = {
    "adc": "diffusion-weighted images",
    "ivim": "diffusion-weighted images",
    "t1": "images at several flip angles",
    "perfusion": "dynamic images of high rate",
}


_SHOWN = ("ADC", "T1", "PERFUSION_FRACTION", "KTRANS")


def _outline_key(outline: Outline | None) -> str:
    """Digest of an outline: its voxels and where they are, whatever file it came in."""
    import hashlib

    if outline is None:
        return ""
    digest = hashlib.blake2b(np.packbits(outline.mask).tobytes(), digest_size=16)
    digest.update(np.round(outline.geometry.ijk_to_lps, 6).tobytes() + repr(outline.geometry.shape).encode())
    return digest.hexdigest()


def _plain(name: str) -> str:
    """Text without control characters, which a row may not hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def _gather_pictures(store: StepStore, runs: Sequence[ExaminationRun]) -> None:
    """One folder of the pictures of all examinations, as the report takes it."""
    steps = [run.steps["lesion_pictures"] for run in runs if "lesion_pictures" in run.steps]
    steps = [step for step in steps if step.record["pictures"]]

    def make(folder: Path) -> dict:
        save_pictures(folder, [picture for step in steps for picture in load_pictures(step.folder)])
        return {}

    if steps:
        store.run("pictures", {"of": [step.key for step in steps]}, make)
    else:
        store.remove("pictures")


def _case(inputs: CaseInputs, patient: str, lesions: Sequence[Lesion], runs: Sequence[ExaminationRun]) -> tuple[Case, list[str]]:
    """Gather the case; a finding of the settings that cannot be is a sentence."""
    sentences = []
    points = []
    images = []
    for one in inputs.examinations:
        said = one.settings
        points.append(
            TimePoint(one.index, one.examination.study_uid, one.day, one.weeks, said.treatment, said.dose, said.afp_ng_ml),
        )
        for recognition in one.recognitions:
            if recognition.role is None:
                continue
            for series in recognition.series:
                thickness = next((frame.slice_thickness_mm for frame in series.frames if frame.slice_thickness_mm), None)
                images.append(Image(one.index, recognition.role, series.series_uid, series.description, thickness))
    rows = [row for run in runs for name in ("lesions", "tissue") if name in run.steps for row in read_rows(run.steps[name].record["rows"])]
    findings = []
    for said in inputs.settings.findings:
        try:
            content = dict(said)
            uid = lesion_named(content.pop("lesion", ""), lesions).uid
            if "merged_with" in content:
                content["merged_with"] = lesion_named(content["merged_with"], lesions).uid
            finding = Finding(lesion_uid=uid, **content)
            if finding.time_point not in {one.index for one in points}:
                raise InputError(f"there is no time point {finding.time_point}.")
            findings.append(finding)
        except (TypeError, InputError) as error:
            sentences.append(f"{SETTINGS_FILE}: the finding {dict(said)} cannot be used: {error}")
    exclusions = []
    for name, reason in inputs.settings.exclusions.items():
        try:
            exclusions.append(Exclusion(lesion_named(name, lesions).uid, reason))
        except InputError as error:
            sentences.append(f"{SETTINGS_FILE}: the exclusion of '{name}' cannot be used: {error}")
    name = inputs.examinations[0].examination.patient_name
    return Case(patient, name, tuple(points), tuple(images), tuple(lesions), tuple(rows), tuple(findings), tuple(exclusions)), sentences


def _report(case: Case, problems: Sequence[str], runs: Sequence[ExaminationRun], inputs: CaseInputs) -> str:
    lines = [f"HCCResponse {__version__}: case {case.patient}", f"Made {now()}", ""]
    lines += lines_of("Not used, or failed", problems)
    for one in runs:
        lines += ["", f"Time point {one.index}: {one.label}", f"  results in {one.folder.name}"]
        lines += [f"  {line}" for line in lines_of("Series", one.roles)]
        for name, step in one.steps.items():
            lines.append(f"  done: {_WORDS[name]}{' (in an earlier run, nothing changed)' if step.reused else ''}")
        for title, sentences in (("Left out", one.skipped), ("FAILED", one.problems), ("Look at", one.warnings), ("How", one.notes)):
            lines += [f"  {line}" for line in lines_of(title, sentences)]
    lines += ["", *lines_of("Passed over", skipped_lines(inputs.passed_over, inputs.folder))]
    return "\n".join(lines) + "\n"

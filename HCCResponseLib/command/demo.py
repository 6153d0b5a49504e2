"""The job ``hccresponse demo``: the reference patient as DICOM, the whole job on it, and the truth beside what was measured."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from ..errors import Cancelled, HCCResponseError, InputError
from .progress_bar import ProgressBar

__all__ = ["add_parser", "run"]

_OUTLINED_ON = "dynamic"
_REFERENCES = {"liver": "liver reference", "aorta": "aorta"}


def add_parser(subparsers) -> None:
    """Add the job to the command line."""
    parser = subparsers.add_parser(
        "demo",
        help="generate a patient whose truth is known, run the whole job on it, and show measured beside true values",
        description="Generate three examinations of a liver with three lesions as DICOM files with outlines, run the whole job on them, "
        "write a scene for 3D Slicer and a report, and print the measured beside the true values.",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("demo-output"),
        help="folder for the results (default: demo-output)",
    )
    parser.add_argument("--small", action="store_true", help="coarse images: quick, but too coarse for the tolerances")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Generate, run, compare; return the exit status: 3 where a step failed or a value is outside its tolerance.

    :raises InputError: the output folder holds something that is not an earlier demo.
    """
    from .comparison import compare_with_truth, comparison_table
    from .run_case import process

    started = time.monotonic()
    output = arguments.output
    case_folder, results = output / "case", output / "results"
    if output.exists() and any(output.iterdir()) and not case_folder.is_dir():
        raise InputError(f"The folder '{output}' is not empty and not of an earlier demo; name another with --output.")
    truth, voxel_mm = _generate(case_folder, output / "truth.json", small=arguments.small)
    print(f"\n$ hccresponse run {case_folder} --output {results}", flush=True)
    job = process(case_folder, results)
    for problem in [*job.problems, *(problem for one in job.examinations for problem in one.problems)]:
        print(f"hccresponse: {problem}", file=sys.stderr)
    made = {"case": results / "case.json", "measurements": results / "measurements.csv", "what was done": results / "report.txt"}
    made |= {f"maps and pictures, {one.folder.name[3:]}": one.folder for one in job.examinations}
    failed = []
    for what, make in (
        ("report", lambda: _report(job.case, results, output / "report")),
        ("scene", lambda: _scene(job, case_folder, output / "scene.mrb")),
    ):
        try:
            made |= make()
        except Cancelled:
            raise
        except Exception as error:  # the numbers are not to be lost with it
            failed.append(what)
            print(f"hccresponse: no {what}: {type(error).__name__}: {error}", file=sys.stderr)
    rows = compare_with_truth(job.case, truth, voxel_mm)
    print(f"\n{comparison_table(rows)}\n")
    if arguments.small:
        print("The tolerances are those of the demo without --small; coarse images do not keep them all.\n")
    for what, path in made.items():
        print(f"{what:32}{path}")
    print(f"\nDone in {time.monotonic() - started:.0f} s.")
    inside = arguments.small or all(one.inside for one in rows)
    return 0 if inside and job.complete and not failed else 3


def _generate(folder: Path, truth: Path, *, small: bool) -> tuple[Path, float]:
    """Write the patient's DICOM files, the outlines and the settings; the truth stands outside the case, where the job does not look.

    :return: the file of the truth, and the side of a voxel of the images that the lesions are outlined on.
    """
    from ..phantom.reference_patient import reference_patient, write_patient
    from ..workflow.label_maps import Region, write_segmentation

    shutil.rmtree(folder, ignore_errors=True)
    print("Generating a patient with three lesions, examined three times ...", flush=True)
    bar = ProgressBar("generating")
    patient = reference_patient(small=small)
    try:
        written = write_patient(patient, folder, progress=bar)
    finally:
        bar.close()
    shutil.move(written.truth, truth)
    known = json.loads(truth.read_text(encoding="utf-8"))
    lesions = {lesion["identifier"] for lesion in known["examinations"][0]["lesions"]}
    settings = {}
    for examination, place, facts in zip(patient.examinations, written.examinations, known["examinations"], strict=True):
        geometry = examination.geometry(_OUTLINED_ON)
        regions = [
            Region(_REFERENCES.get(one.name, one.name), one.mask)
            for one in examination.outlines(_OUTLINED_ON)
            if one.name in lesions or one.name in _REFERENCES
        ]
        write_segmentation(place / "outlines.seg.nrrd", regions, geometry)
        settings[facts["date"]] = {"treatment": facts["treatment"], "hematocrit": facts["hematocrit"]}
    text = json.dumps({"examinations": settings}, indent=1)
    (folder / "hccresponse.json").write_text(text + "\n", encoding="utf-8")
    files = sum(1 for path in folder.rglob("*.dcm"))
    print(f"{files} DICOM files, outlines and a blood sample's hematocrit in {folder}")
    return truth, max(patient.examinations[0].geometry(_OUTLINED_ON).spacing_mm[:2])


def _report(case, results: Path, folder: Path) -> dict[str, Path]:
    from ..report.figure import require_packages
    from ..report.picture_files import load_pictures
    from ..report.write import write_report

    try:
        require_packages("matplotlib", "jinja2")
    except HCCResponseError as error:
        print(f"No report: {error}")
        return {}
    return {"report": write_report(case, folder, pictures=load_pictures(results / "pictures")).report}


def _scene(job, case_folder: Path, path: Path) -> dict[str, Path]:
    from .case_scene import can_make_scenes, save_case_scene

    if not can_make_scenes():
        print("No scene for 3D Slicer: that needs the package slicer-core (pip install 'hccresponse[slicer]').")
        return {}
    print("Writing a scene for 3D Slicer ...", flush=True)
    if not save_case_scene(job, case_folder, path):
        raise HCCResponseError(f"The scene '{path}', opened again, does not give the case that it was made of.")
    return {"scene for 3D Slicer": path}

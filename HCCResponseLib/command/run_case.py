"""The job ``hccresponse run``: a case folder becomes maps, measurements and a case."""

import argparse
import sys
from pathlib import Path

from .progress_bar import ProgressBar

__all__ = ["add_parser", "process", "run"]

_LAYOUT = """\
case folder:
  DICOM images anywhere below; outlines (.seg.nrrd, label maps as .nrrd or .nii.gz, DICOM SEG) beside the images of their
  examination, or with its date in the name; lesions have the same name, or the same tracking UID, in all examinations. Outline the
  aorta for a measured arterial input, and "liver reference" for necrosis and signal grades. What the images do not tell stands in
  hccresponse.json: treatment, dose, hematocrit, AFP, findings, roles of series.

  Stopped or failed, it goes on where it was when it is called again; what is done and unchanged is not done again.

example:
  hccresponse run exports/patient7 --output patient7-results
"""


def add_parser(subparsers) -> None:
    """Add the job to the command line."""
    parser = subparsers.add_parser(
        "run",
        help="a whole case: all examinations to maps, measurements and a case file",
        description="Process every examination of a case: recognise its series, map ADC, IVIM, T1 and Ktrans, and measure volumes, "
        "diameters, necrosis, signal grades and all maps in the outlined lesions.",
        epilog=_LAYOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="CASE_FOLDER", type=Path, help="folder with the DICOM files and outlines of one patient")
    parser.add_argument("--output", metavar="DIR", type=Path, help="folder for the results (default: results in the case folder)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the job, saying each step in a line; return the exit status: 3 where something failed."""
    output = arguments.output or arguments.folder / "results"
    job = process(arguments.folder, output)
    print(f"\n{len(job.case.measurements)} measurements of {len(job.case.lesions)} lesions in {job.output}")
    for path in job.files.values():
        print(f"  {path}")
    failed = [*job.problems, *(f"{one.label}: {problem}" for one in job.examinations for problem in one.problems)]
    for sentence in failed:
        print(f"hccresponse: {sentence}", file=sys.stderr)
    return 0 if job.complete else 3


def process(folder: Path, output: Path):
    """Run the job with a progress bar; return its :class:`~..workflow.run_case.CaseRun`."""
    from ..workflow.run_case import run_case

    bar = ProgressBar("working")

    def say(line: str) -> None:
        bar.close()
        print(line, flush=True)

    try:
        return run_case(folder, output, say=say, progress=bar)
    finally:
        bar.close()
        sys.stdout.flush()

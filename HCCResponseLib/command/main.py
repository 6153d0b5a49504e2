"""Reads the command line, runs the job, and turns errors into one line and an exit status."""

import argparse
import sys
from pathlib import Path

from ..errors import Cancelled, HCCResponseError
from ..version import __version__

__all__ = ["main", "parser"]

_EPILOG = """\
exit status:
  0  done
  1  the input cannot be used; the message says what was found and what to do
  2  the command was misspelt
  3  done, but not one voxel has an ADC; the warning says why
  130  stopped with Ctrl-C

Measurements are for research; they are not a medical device's.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``hccresponse``; cheap: no job is imported before it runs."""
    top = argparse.ArgumentParser(
        prog="hccresponse",
        description="Treatment-response MRI of liver cancer: from the scanner's DICOM files to maps and numbers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"hccresponse {__version__}")
    jobs = top.add_subparsers(dest="job", metavar="JOB", required=True)
    _add_adc(jobs)
    _add_demo(jobs)
    return top


def _add_adc(jobs) -> None:
    adc = jobs.add_parser(
        "adc",
        help="a diffusion series becomes an ADC map, measured inside outlines",
        description="Read the diffusion series of a DICOM folder, fit the apparent diffusion coefficient in every voxel, "
        "measure it inside the outlines of a mask, and write maps, numbers and a picture.",
        epilog="example:\n  hccresponse adc exports/patient7 --mask lesions.seg.nrrd --b-values 50,400,800 --output patient7-adc",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    adc.add_argument(
        "folder",
        metavar="FOLDER",
        type=Path,
        help="folder with DICOM files; sub-folders are searched, other files are passed over",
    )
    adc.add_argument("--mask", metavar="FILE", type=Path, help="outlines: a label map (NRRD, NIfTI) or Slicer's .seg.nrrd, on any grid")
    adc.add_argument("--output", metavar="DIR", type=Path, default=Path("adc"), help="folder for the results (default: adc)")
    adc.add_argument("--series", metavar="NUMBER", type=int, help="series number, where the folder holds more than one diffusion series")
    adc.add_argument(
        "--b-values",
        metavar="LIST",
        type=_numbers,
        help="b-values to fit in s/mm2, like 50,400,800 (default: all; leaving out b = 0 leaves out most of the perfusion)",
    )
    adc.add_argument(
        "--method",
        choices=("wlls", "lls", "nlls"),
        default="wlls",
        help="estimator: weighted linear (default), linear, or non-linear least squares",
    )
    adc.add_argument(
        "--scaling",
        choices=("rescale", "philips-private"),
        default="rescale",
        help="how stored pixels become signals: the standard rescale slope (default) or Philips' private scale",
    )
    adc.add_argument(
        "--keep-air",
        action="store_true",
        help="fit the air around the body as well (default: left out where its noise can be told)",
    )
    adc.set_defaults(run=_run_adc)


def _add_demo(jobs) -> None:
    demo = jobs.add_parser(
        "demo",
        help="generate a diffusion examination as DICOM, run the adc job on it, and show measured beside true values",
        description="Generate a diffusion examination of a liver with three lesions as DICOM files, run the adc job on it, "
        "and print the measured beside the true ADC of every tissue.",
    )
    demo.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("demo-output"),
        help="folder for the results (default: demo-output)",
    )
    demo.set_defaults(run=_run_demo)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = ()
    if not numbers:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers like 0,400,800")
    return numbers


def _run_adc(arguments: argparse.Namespace) -> int:
    from .adc import run

    return 0 if run(arguments).fit.valid.any() else 3


def _run_demo(arguments: argparse.Namespace) -> int:
    from .demo import run

    run(arguments, parser().parse_args)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run ``hccresponse`` with the given arguments (default: those of the process); return the exit status."""
    chosen = parser().parse_args(arguments)
    try:
        return chosen.run(chosen)
    except (KeyboardInterrupt, Cancelled):
        print("hccresponse: stopped", file=sys.stderr)
        return 130
    except HCCResponseError as error:
        print(f"hccresponse: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"hccresponse: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
        return 1

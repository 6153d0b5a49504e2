"""The job ``hccresponse adc``: a diffusion series becomes an ADC map."""

import argparse
import sys
from pathlib import Path

from .progress_bar import ProgressBar

__all__ = ["add_parser", "run"]


def add_parser(subparsers) -> None:
    """Add the job to the command line."""
    adc = subparsers.add_parser(
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
    adc.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the job with what the command line asked for, saying each step in a line; return the exit status."""
    from ..workflow.adc import map_adc

    bar = ProgressBar("working")

    def say(line: str) -> None:
        bar.close()
        print(line, flush=True)

    try:
        job = map_adc(
            arguments.folder,
            arguments.output,
            mask=arguments.mask,
            series_number=arguments.series,
            b_values=arguments.b_values,
            method=arguments.method,
            keep_air=arguments.keep_air,
            scaling=arguments.scaling.replace("-", "_"),
            say=say,
            progress=bar,
        )
    finally:
        bar.close()
        sys.stdout.flush()
    return 0 if job.fit.valid.any() else 3


def _numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = ()
    if not numbers:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers like 0,400,800")
    return numbers

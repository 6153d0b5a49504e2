"""Reads the command line, runs the job, and turns errors into one line and an exit status."""

import argparse
import sys

from ..errors import Cancelled, HCCResponseError
from ..version import __version__
from . import adc, assess, demo, report, run_case

__all__ = ["main", "parser"]

_EPILOG = """\
exit status:
  0  done
  1  the input cannot be used; the message says what was found and what to do
  2  the command was misspelt
  3  done in part: adc: not one voxel has an ADC; run: a step failed; demo: a value is outside its tolerance
  130  stopped with Ctrl-C

Measurements are for research; they are not a medical device's.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``hccresponse``; cheap: no job is imported before it runs."""
    top = argparse.ArgumentParser(
        prog="hccresponse",
        description="Treatment-response MRI of liver cancer: from the scanner's DICOM files to maps, numbers and a report.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"hccresponse {__version__}")
    jobs = top.add_subparsers(dest="job", metavar="JOB", required=True)
    for job in (run_case, assess, report, adc, demo):
        job.add_parser(jobs)
    return top


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

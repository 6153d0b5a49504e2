"""The job ``hccresponse report``: the report of a case as HTML, with its tables beside it."""

import argparse
from pathlib import Path

from .case_file import add_case_argument, read_case
from .progress_bar import ProgressBar

__all__ = ["add_parser", "run"]


def add_parser(subparsers) -> None:
    """Add the job to the command line."""
    parser = subparsers.add_parser(
        "report",
        help="a case becomes one HTML page to read or print, with CSV and JSON beside it",
        description="Write the report of a case: criteria side by side with their reasons, lesions over time, plots and methods in one "
        "HTML page that loads nothing from the network, and measurements.csv, response.csv, response.json and case.json beside it.",
        epilog="example:\n  hccresponse report case.json --pictures pictures --output report --deidentify",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_case_argument(parser)
    parser.add_argument("--pictures", metavar="FOLDER", type=Path, help="folder of lesion pictures, as hccresponse run writes it")
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        help="folder for the report (default: report-<patient>, or report with --deidentify, beside the case file)",
    )
    parser.add_argument(
        "--deidentify",
        action="store_true",
        help="leave out names, identifiers, readers, UIDs and dates in all files; dates become weeks",
    )
    parser.add_argument("--confirmation", action="store_true", help="best response needs confirmation after four weeks")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the report; return the exit status."""
    from ..report.picture_files import load_pictures
    from ..report.text import safe_file_name
    from ..report.write import write_report

    case = read_case(arguments.case)
    pictures = load_pictures(arguments.pictures) if arguments.pictures else ()
    name = "report" if arguments.deidentify or not case.patient else f"report-{safe_file_name(case.patient)}"
    bar = ProgressBar("writing")
    try:
        files = write_report(
            case,
            arguments.output or arguments.case.parent / name,
            pictures=pictures,
            reader=arguments.reader,
            deidentify=arguments.deidentify,
            confirmation=arguments.confirmation,
            progress=bar,
        )
    finally:
        bar.close()
    print(f"The report is {files.report}; open it in a browser, print it from there.")
    print(f"Beside it: {', '.join(path.name for path in (files.measurements, files.case, files.response_table, files.response))}")
    return 0

"""The case file that jobs on a case read."""

import argparse
from pathlib import Path

from ..errors import InputError

__all__ = ["add_case_argument", "read_case"]


def add_case_argument(parser: argparse.ArgumentParser) -> None:
    """Add the arguments CASE.json and --reader."""
    parser.add_argument("case", metavar="CASE.json", type=Path, help="case file, as the jobs and the 3D Slicer extension write it")
    parser.add_argument("--reader", metavar="NAME", help="whose measurements, where several readers measured; readers are never mixed")


def read_case(path: Path):
    """Return the case of a file.

    :raises InputError: it is no case; the message names the file.
    """
    from ..response.case import Case

    try:
        # A mark at the start, as editors on Windows write it, is no part of JSON.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"'{path.name}' is not a case file: it is not text in UTF-8.") from None
    try:
        return Case.from_json(text)
    except InputError as error:
        raise InputError(f"'{path.name}': {error}") from None

"""Steps of a job that are done once: their results stay on disk until what they were made of changes.

The result of a step is a folder with its files and ``step.json``. It is made beside its place and moved there when it is whole, so
that a folder with a name of a step is never half a result, whatever stopped the program.
"""

import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..version import __version__

__all__ = ["RECORD", "FileDigests", "StepResult", "StepStore", "program_digest"]

RECORD = "step.json"
"""File in the folder of every step."""

_UNFINISHED = ".unfinished-"


_COMPUTES = ("dicom", "lesions", "quantification", "report", "response", "workflow")
"""Floors of the library that a result depends on."""


@functools.cache
def program_digest() -> str:
    """Return what tells one state of the program from another: the version, and the source of all that computes, where it is there."""
    digest = hashlib.blake2b(__version__.encode(), digest_size=16)
    library = Path(__file__).parents[1]
    for path in sorted(path for floor in _COMPUTES for path in (library / floor).rglob("*.py")):
        digest.update(path.relative_to(library).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class StepResult:
    """What a step left.

    :param folder: where its files are.
    :param record: what it said, plain JSON.
    :param key: digest of all it was made of; the next step, which uses it, takes this into its own.
    :param reused: it was done before, and nothing changed since.
    """

    folder: Path
    record: dict
    key: str
    reused: bool


class FileDigests:
    """Digests of files by content, each read once in a run."""

    def __init__(self):
        """Know nothing yet."""
        self._known: dict[Path, str] = {}

    def of(self, *paths: Path) -> list[str]:
        """Return the digest of each of several files, sorted: their names and places do not count."""
        return sorted(self._digest(path) for path in set(paths))

    def _digest(self, path: Path) -> str:
        if path not in self._known:
            with open(path, "rb") as file:
                self._known[path] = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        return self._known[path]


class StepStore:
    """Steps below one folder."""

    def __init__(self, folder: Path):
        """:param folder: made if missing; what an interrupted run left unfinished in it is removed."""
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)

    def run(self, name: str, inputs: Mapping, make: Callable[[Path], dict]) -> StepResult:
        """Return the result of a step; make it only where it was not made of the same inputs by the same program.

        :param inputs: all that the result depends on, plain JSON.
        :param make: writes the step's files into the folder it is given, and returns its record, plain JSON.
        """
        text = json.dumps({"step": name, "program": program_digest(), "inputs": inputs}, sort_keys=True, default=str)
        key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        place = self.folder / name
        known = self._known(place)
        if known is not None and known["key"] == key:
            return StepResult(place, known["record"], key, True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=_UNFINISHED, ignore_cleanup_errors=True) as temporary:
            made = Path(temporary, name)
            made.mkdir()
            record = make(made)
            content = json.dumps({"key": key, "record": record}, indent=1, ensure_ascii=False, allow_nan=False)
            (made / RECORD).write_text(content + "\n", encoding="utf-8")
            if place.exists():
                os.replace(place, Path(temporary, "earlier"))
            os.replace(made, place)
        return StepResult(place, json.loads(content)["record"], key, False)

    def remove(self, name: str) -> None:
        """Remove the result of a step that is no longer asked for, or whose new inputs failed: it must not pass for theirs."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    @staticmethod
    def _known(place: Path) -> dict | None:
        try:
            found = json.loads((place / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and {"key", "record"} <= found.keys() else None

"""Where the public reference data lie that some tests use; they are not part of the repository."""

import functools
import os
import unittest
from pathlib import Path

__all__ = ["REPOSITORY", "reference_path", "requires_reference"]

REPOSITORY = Path(__file__).resolve().parents[2]


def reference_path(*parts: str) -> Path:
    """Path of a reference file: below HCCRESPONSE_REFERENCE_DATA, else ``shared/data`` beside the clone."""
    root = os.environ.get("HCCRESPONSE_REFERENCE_DATA") or REPOSITORY.parent / "shared" / "data"
    return Path(root).joinpath(*parts)


def requires_reference(*parts: str):
    """Skip a test, visibly, where a reference file or folder is absent."""
    path = reference_path(*parts)

    def decorate(test):
        @functools.wraps(test)
        def run(*arguments, **keywords):
            if not path.exists():
                raise unittest.SkipTest(f"reference data {'/'.join(parts)} not found (set HCCRESPONSE_REFERENCE_DATA)")
            return test(*arguments, **keywords)

        return run

    return decorate

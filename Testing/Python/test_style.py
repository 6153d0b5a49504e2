"""Ruff, configured in pyproject.toml as Slicer's own repository does it, finds nothing."""

import subprocess
import sys
import unittest
from importlib.util import find_spec

from reference_data import REPOSITORY


class StyleTest(unittest.TestCase):
    @unittest.skipUnless(find_spec("ruff"), "ruff is not installed here")
    def test_ruff_finds_nothing(self):
        answer = subprocess.run(
            [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", str(REPOSITORY)],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)


if __name__ == "__main__":
    unittest.main()

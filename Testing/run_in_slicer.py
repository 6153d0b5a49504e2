"""Drives every module in the real application, as a user does, and looks at what scene and panel then hold.

Slicer --testing --no-splash --additional-module-paths HCCResponse --python-script Testing/run_in_slicer.py [FOLDER [NAME ...]]

FOLDER gets a screenshot of each panel and of the views; without it they go to the application's temporary folder.
NAMEs choose files of Testing/Slicer (panel_NAME.py), or "every" for the checks that all modules pass.
The last line is "N passed, N failed"; the exit status is 1 when anything failed.
"""

import importlib
import sys
import traceback
import unittest
from pathlib import Path

import slicer

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "Testing" / "Slicer"), str(REPOSITORY / "Testing" / "Python")]

from application import SCREENSHOTS

# Wide enough for a panel beside four views, whatever the screen proposes; the panel gets the room of the data probe.
slicer.util.mainWindow().resize(1560, 1360)
slicer.util.findChild(slicer.util.mainWindow(), "DataProbeCollapsibleWidget").collapsed = True


def main() -> int:
    """Run everything; returns the exit status."""
    chosen = sys.argv[2:]
    files = ["every_module", *sorted(path.stem for path in (REPOSITORY / "Testing" / "Slicer").glob("panel_*.py"))]
    names = {name.removeprefix("panel_").removesuffix("_module"): name for name in files}
    modules = [importlib.import_module(file) for name, file in names.items() if not chosen or name in chosen]
    suite = unittest.TestSuite(map(unittest.defaultTestLoader.loadTestsFromModule, modules))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"screenshots are in {SCREENSHOTS}")
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed", flush=True)
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    try:
        status = main()
    except Exception:
        traceback.print_exc()
        status = 1
    slicer.util.exit(status)

"""Run every benchmark, each in a process of its own, and say which targets were missed."""

import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the benchmarks named on the command line (``diffusion``), or all of them; return 1 when one missed a target."""
    folder = Path(__file__).parent
    names = sys.argv[1:] or sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))
    # Figures are per core: the libraries below NumPy get one thread each.
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    missed = [
        name for name in names if subprocess.run([sys.executable, folder / f"bench_{name}.py"], env=environment, check=False).returncode
    ]
    print(
        f"\n{len(names) - len(missed)} of {len(names)} benchmarks met every target" + (f"; look at: {', '.join(missed)}" if missed else ""),
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

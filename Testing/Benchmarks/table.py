"""How the benchmarks measure and print: ratios within one run, best of several, with the target beside each."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

# Ratios are per core: BLAS must be held to one thread before NumPy is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

__all__ = ["Row", "best_seconds", "print_table"]


@dataclass(frozen=True)
class Row:
    """One line of a benchmark: what, the measured figure as text, the target as text, and whether it was met."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None


def best_seconds(function: Callable[[], object], repeats: int = 5) -> float:
    """Shortest wall time of ``repeats`` calls: on a shared machine the least disturbed run."""
    times = []
    for _repeat in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def print_table(title: str, rows: list[Row]) -> bool:
    """Print the rows as a table; return True when no row missed its target."""
    headings = Row("what", "measured", "target")
    widths = [max(len(getattr(row, name)) for row in [headings, *rows]) for name in ("what", "measured", "target")]
    print(f"\n{title}\n{'-' * len(title)}")
    for row in [headings, *rows]:
        mark = {True: "met", False: "NOT MET", None: ""}[row.met]
        print(f"{row.what:<{widths[0]}}  {row.measured:>{widths[1]}}  {row.target:<{widths[2]}}  {mark}".rstrip())
    return all(row.met is not False for row in rows)

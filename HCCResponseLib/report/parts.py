"""What was measured in parts of lesions, and what a report does not show at all."""

from dataclasses import replace

from ..response.case import Case
from ..response.criteria import readers_of
from ..response.lesion_grid import LesionGrid, grid_quantities, lesion_grid
from ..response.lesion_parts import lesion_parts, with_parts_as_lesions
from ..response.quantities import find_quantity

__all__ = ["hidden_sentences", "part_grids"]

_SHOWN = ("ADC", "T1", "KTRANS")
"""Quantities that are told of parts; all others stand in measurements.csv."""


def part_grids(case: Case, reader: str) -> dict[str, LesionGrid]:
    """Return grids whose rows are the parts of lesions, viable tumour and necrosis, by quantity; only those with a measurement.

    An ADC stands beside the T1 grade of the lesion.
    """
    uids = {one.uid for one in lesion_parts(case)}
    if not uids:
        return {}
    whole = with_parts_as_lesions(case)
    measured = grid_quantities(whole, reader=reader)
    grids = {}
    for key in _SHOWN:
        if key not in measured:
            continue
        grid = lesion_grid(whole, key, reader=reader)
        rows = tuple(row for row in grid.rows if row.lesion.uid in uids and any(one.measurement is not None for one in row.cells))
        if rows:
            grids[key] = replace(grid, rows=rows)
    return grids


def hidden_sentences(case: Case, reader: str) -> tuple[str, ...]:
    """Say what was measured and is not shown: in regions that are no lesion, and by other readers."""
    known = {one.uid for one in (*case.lesions, *lesion_parts(case))}
    regions: dict[str, dict[str, None]] = {}
    for row in case.measurements:
        if row.lesion_uid not in known:
            regions.setdefault(row.lesion_name or row.lesion_uid, {})[find_quantity(row.quantity).label] = None
    found = []
    if regions:
        names = "; ".join(f"{name} ({', '.join(labels)})" for name, labels in regions.items())
        found.append(f"Measured in regions that are no lesions of this case, and not shown: {names}.")
    others = [one for one in readers_of(case) if reader and one != reader]
    if others:
        found.append(f"Not shown: what {', '.join(others)} measured or found.")
    return tuple(found)

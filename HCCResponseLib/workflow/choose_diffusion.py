"""Finds the one diffusion series of a folder that an ADC map is to be made from."""

from ..dicom import Scan, Series, diffusion_exports, recognise
from ..errors import InputError

__all__ = ["choose_diffusion"]


def choose_diffusion(scan: Scan, number: int | None = None) -> tuple[Series, ...]:
    """Return the diffusion series of a scan: one, or several that hold one b-value each.

    :param number: series number the user asked for; None where there is only one to choose.
    :raises InputError: there is none, or there are several and none was asked for, or they are of several patients; the message
        lists what was found.
    """
    candidates = diffusion_exports(scan.series)
    patients = {series.patient_key: series.patient for export in candidates for series in export}
    if len(patients) > 1:
        # not even with a series number: numbers repeat, and the one asked for may be meant of the other patient
        raise InputError(
            f"The folder holds diffusion series of {len(patients)} patients: {'; '.join(patients.values())}. "
            "Choose a folder that holds the images of one patient.",
        )
    if number is not None:
        chosen = [export for export in candidates if any(series.number == number for series in export)]
        if not chosen:
            raise InputError(f"No diffusion series has the number {number}. {_found(scan)}")
        candidates = chosen
    if not candidates:
        raise InputError(f"No diffusion series was found. {_found(scan)}")
    if len(candidates) > 1:
        listed = "; ".join(_describe(export) for export in candidates)
        raise InputError(f"{len(candidates)} diffusion series were found: {listed}. Choose one by its series number (--series NUMBER).")
    return candidates[0]


def _describe(export: tuple[Series, ...]) -> str:
    b_values = sorted({b for series in export for b in series.b_values})
    return " + ".join(series.label for series in export) + f" (b = {', '.join(f'{b:.4g}' for b in b_values) or 'not told'})"


def _found(scan: Scan) -> str:
    if not scan.series:
        why = (
            f" ({len(scan.skipped)} other files, for example '{scan.skipped[0].path.name}': {scan.skipped[0].reason})"
            if scan.skipped
            else ""
        )
        return f"The folder holds no DICOM image{why}."
    listed = "; ".join(f"{series.label}: {recognise(series).reason}" for series in scan.series[:8])
    more = f"; and {len(scan.series) - 8} more" if len(scan.series) > 8 else ""
    return f"The folder holds {listed}{more}"

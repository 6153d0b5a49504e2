"""Arterial inputs as CSV files: two columns, time and concentration, their units in the first line."""

import csv
import io
import math
import re
from pathlib import Path

import numpy as np

from ..errors import InputError
from .dynamic_series import SECONDS, frame_times_s
from .input_table import CONCENTRATION, TIME, InputKind, input_description, input_function, write_input

__all__ = ["export_input", "import_input"]

_MILLIMOLAR = {"mm", "mmol", "mmoll"}
_FINEST_S = 0.5
_HEADER_HELP = f"the first line must name the columns with their units, for example '{TIME},{CONCENTRATION}' (plasma; or blood_mM)"


def export_input(table_node, path) -> Path:
    """Write an input as CSV: remarks where it is from, then ``time_s,concentration_mM`` (plasma).

    :raises InputError: the table is no usable input, or the file cannot be written.
    """
    function = input_function(table_node)
    text = io.StringIO()
    text.write("# Plasma concentration of contrast agent; time 0 is the first image of the series.\n")
    text.write(f"# {input_description(table_node)[1]}\n# vessel: {function.vessel}, hematocrit: {function.hematocrit:g}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([TIME, CONCENTRATION])
    writer.writerows([f"{time:.9g}", f"{value:.9g}"] for time, value in zip(function.time_s, function.plasma, strict=True))
    path = Path(path)
    try:
        path.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"The file '{path.name}' cannot be written ({error.strerror}); choose another folder.") from None
    return path


def import_input(path, sequence_node, *, vessel: str = "artery", hematocrit: float = 0.42, name: str = "", table_node=None):
    """Read an input for a dynamic series from a CSV file; its time 0 must be the first image of the series.

    Columns may be separated by commas, semicolons (then with decimal commas too) or tabs. The unit of time (s, ms, min) and of
    concentration (mM) stand in the first line; a column named blood is divided by 1 - hematocrit, any other is plasma.

    :param vessel: "artery" or "portal vein".
    :param hematocrit: of the large vessels, as a fraction.
    :param table_node: input table to write into; None makes a new one.
    :return: the table node.
    :raises InputError: the file cannot be read or understood, holds no bolus, or does not cover the series; nothing is changed then.
    """
    from ..quantification.arrival import detect_arrival
    from ..quantification.arterial_input import MeasuredInput, Vessel
    from ..quantification.arterial_input.hematocrit import checked_hematocrit

    path = Path(path)
    hematocrit = checked_hematocrit(hematocrit)
    time_s, concentration, blood = _read(path)
    plasma = concentration / (1 - hematocrit) if blood else concentration
    if np.any(np.diff(time_s) <= 0):
        raise InputError(f"'{path.name}': the times must increase from line to line; sort the lines and leave out repetitions.")
    last = frame_times_s(sequence_node)[-1]
    if time_s[-1] < last - 0.01 * float(np.median(np.diff(time_s))):
        raise InputError(f"'{path.name}' ends at {time_s[-1]:g} s, but the series lasts {last:g} s; an input of all of it is needed.")
    try:
        # Published curves come in fine steps, and the arrival is looked for in intervals of images.
        steps = np.arange(time_s[0], time_s[-1], max(_FINEST_S, float(np.median(np.diff(time_s)))))
        arrival = detect_arrival(np.interp(steps, time_s, plasma), steps).time_s
    except InputError as error:
        raise InputError(f"'{path.name}' cannot be an input function: {error}") from None
    function = MeasuredInput(time_s, plasma, arrival, Vessel(vessel), hematocrit, None, None, False, ())
    return write_input(
        InputKind.IMPORTED,
        function,
        sequence_node,
        name=name or f"AIF {path.stem}",
        short="imported AIF" if vessel == "artery" else "imported portal input",
        source=f"Imported from '{path.name}'" + (f" (blood, hematocrit {hematocrit:g})" if blood else ""),
        settings={"HCC.File": path.name},
        table_node=table_node,
    )


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return times [s], concentrations [mM], and whether those are of whole blood."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"The file '{path.name}' cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise InputError(f"'{path.name}' is no text file; save the curve as CSV (UTF-8).") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise InputError(f"'{path.name}' is empty; {_HEADER_HELP}.")
    separator = next((mark for mark in "\t;," if mark in lines[0][1]), None)
    if separator is None:
        raise InputError(f"'{path.name}' has one column only; {_HEADER_HELP}.")
    rows = csv.reader([line for _number, line in lines], delimiter=separator)
    header = next(rows)
    first_column, second_column, factor, blood = _columns(header, path)
    samples = []
    for (number, _line), row in zip(lines[1:], rows, strict=True):
        if any(cell.strip() for cell in row[len(header) :]):
            raise InputError(
                f"'{path.name}', line {number} has {len(row)} cells, but the first line names {len(header)} columns; with decimal commas, "
                "separate the columns by semicolons.",
            )
        try:
            samples.append([_number(row[first_column], separator), _number(row[second_column], separator)])
        except (IndexError, ValueError):
            raise InputError(f"'{path.name}', line {number}: two numbers are needed, found '{separator.join(row)}'.") from None
    if len(samples) < 4:
        raise InputError(f"'{path.name}' has {len(samples)} samples; an input function needs four or more.")
    time, concentration = np.array(samples).T
    return time * factor, concentration, blood


def _columns(header: list[str], path: Path) -> tuple[int, int, float, bool]:
    words = [re.findall(r"[a-z]+", cell.lower().replace("/l", "l")) for cell in header]
    time = [n for n, found in enumerate(words) if found and found[0] in {"time", "t"}]
    others = [n for n, found in enumerate(words) if found and n not in time and set(found) & _MILLIMOLAR]
    if len(time) != 1 or len(others) != 1:
        raise InputError(f"'{path.name}' starts with '{', '.join(header)}'; {_HEADER_HELP}.")
    units = [word for word in words[time[0]][1:] if word in SECONDS]
    if len(units) != 1:
        raise InputError(f"'{path.name}' does not say the unit of time; {_HEADER_HELP}.")
    return time[0], others[0], SECONDS[units[0]], "blood" in words[others[0]]


def _number(text: str, separator: str) -> float:
    value = float(text.strip().replace(",", ".") if separator != "," else text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value

"""The measurement table: one table node of the scene, in long form, one row for each number.

The node is found by its attribute, columns by their name; so the user may rename the node, move and add columns.
Every change builds a new table and then puts it into the node at once: an error leaves all rows as they were.

Slicer's table files lose what we must not lose: floating point numbers beyond six digits, and text after a double quote.
So the exact number stands as text in a column of its own beside the typed one, and a double quote is kept as ``&quot;``.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping

import slicer
import vtk

from ..errors import InputError
from ..response.measurement import Measurement, MeasurementKey

__all__ = [
    "COLUMNS",
    "add_measurements",
    "measurement_table",
    "measurement_tables",
    "measurements",
    "merge_measurement_tables",
    "readable_measurements",
    "remove_measurements",
    "replace_measurements",
]

TABLE_ATTRIBUTE = "HCC.Measurements"
_COLUMN_TYPES = {"time_point": vtk.vtkIntArray, "value": vtk.vtkDoubleArray}
_EXACT = "exact_value"
# A table file loses the first cell of a row where it is empty, so the first column is one that never is.
_FOR_PEOPLE = ("time_point", "patient", "lesion_name", "quantity", "statistic", "value", "unit", "reader", "datetime", "method")
_FIELDS = tuple(field.name for field in dataclasses.fields(Measurement))
_FOR_PROGRAMS = tuple(name for name in _FIELDS if name not in _FOR_PEOPLE)
COLUMNS = (*_FOR_PEOPLE, *_FOR_PROGRAMS, _EXACT)
"""Order of the columns in a new table; they are read by name, whatever their order."""
_READ = (*_FIELDS, _EXACT)


def measurement_table(*, create: bool = True):
    """Return the scene's measurement table node; where there is none, a new one, or None unless ``create``.

    :raises InputError: the scene has several (a scene was added to this one).
    """
    nodes = measurement_tables()
    if len(nodes) > 1:
        names = ", ".join(f"'{node.GetName()}'" for node in nodes)
        raise InputError(f"The scene has {len(nodes)} measurement tables ({names}); delete all but one.")
    if nodes or not create:
        return nodes[0] if nodes else None
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "HCC Measurements")
    node.SetAttribute(TABLE_ATTRIBUTE, "1")
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetAndObserveTable(_with_columns(vtk.vtkTable()))
    return node


def add_measurements(new: list[Measurement], table_node=None) -> None:
    """Write measurements into the table: each replaces the row of the same measurement (equal key), or is added at the end.

    Columns that the user added stay, and what stands there in a replaced row.

    :param table_node: the scene's measurement table where None.
    """
    table_node = table_node or measurement_table()
    table = _with_columns(_copy(table_node))
    rows = {}
    for row, cells in enumerate(_cells(table)):
        measurement = _read(cells, strict=False)
        if measurement is not None:
            rows[measurement.key] = row
    for measurement in new:
        if measurement.key not in rows:
            rows[measurement.key] = _append_row(table)
        _write(table, rows[measurement.key], measurement)
    table_node.SetAndObserveTable(table)


def measurements(table_node=None, **wanted) -> list[Measurement]:
    """Read measurements back, in the order of the table.

    :param table_node: the scene's measurement table where None; a scene without one has no measurements.
    :param wanted: only those with these fields, such as ``reader="A"`` or ``quantity="ADC", statistic="mean"``.
    :raises InputError: a column is missing, or a row holds what cannot be a measurement; the message names the row (from 1).
    """
    table_node = table_node or measurement_table(create=False)
    if table_node is None:
        return []
    table = table_node.GetTable()
    missing = _missing_columns(table)
    if missing:
        raise InputError(f"Table '{table_node.GetName()}': column {', '.join(missing)} is missing; undo its removal or renaming.")
    found = []
    for row, cells in enumerate(_cells(table)):
        try:
            measurement = _read(cells)
        except InputError as error:
            raise InputError(f"Table '{table_node.GetName()}', row {row + 1}: {error} Correct or delete the row.") from None
        if all(getattr(measurement, name) == value for name, value in wanted.items()):
            found.append(measurement)
    return found


def readable_measurements() -> tuple[list[Measurement], list[str]]:
    """Read what can be read of all measurement tables of the scene, each measurement once: of equal keys what was measured last.

    For a view of the whole that must not fail at one damaged row; nothing is changed.

    :return: measurements in the order of the tables, and a sentence for each row or table that was passed over.
    """
    found: dict[MeasurementKey, Measurement] = {}
    problems = []
    nodes = measurement_tables()
    if len(nodes) > 1:
        problems.append(f"The scene has {len(nodes)} measurement tables; they are read together until they are merged into one.")
    for node in nodes:
        table, name = node.GetTable(), node.GetName()
        missing = list(COLUMNS) if table is None else _missing_columns(table)
        if missing:
            problems.append(f"Table '{name}' is passed over: column {', '.join(missing)} is missing; undo its removal or renaming.")
            continue
        for row, cells in enumerate(_cells(table)):
            try:
                measurement = _read(cells)
            except InputError as error:
                problems.append(f"Table '{name}', row {row + 1} is passed over: {error} Correct or delete the row.")
                continue
            present = found.get(measurement.key)
            if present is not None:
                problems.append(f"Table '{name}', row {row + 1}: the same measurement stands there twice; the later one counts.")
            if present is None or measurement.measured_at >= present.measured_at:
                found[measurement.key] = measurement
    return list(found.values()), problems


def replace_measurements(changed: Mapping[MeasurementKey, Measurement]) -> None:
    """Put other measurements into the rows of some, in all measurement tables; what else stands in these rows stays.

    :param changed: by the key of the present row.
    """
    for node in measurement_tables():
        if node.GetTable() is None or _missing_columns(node.GetTable()):
            continue
        table = _with_columns(_copy(node))
        for row, cells in enumerate(_cells(table)):
            measurement = _read(cells, strict=False)
            if measurement is not None and measurement.key in changed:
                _write(table, row, changed[measurement.key])
        node.SetAndObserveTable(table)


def remove_measurements(unwanted: list[Measurement], table_node=None) -> int:
    """Remove the rows of these measurements (equal keys), and return how many there were."""
    table_node = table_node or measurement_table(create=False)
    if table_node is None:
        return 0
    table = _copy(table_node)
    keys = {measurement.key for measurement in unwanted}
    removed = 0
    for row, cells in reversed(list(enumerate(_cells(table)))):
        measurement = _read(cells, strict=False)
        if measurement is not None and measurement.key in keys:
            table.RemoveRow(row)
            removed += 1
    table_node.SetAndObserveTable(table)
    return removed


def merge_measurement_tables() -> int:
    """Make one measurement table of several, as there are after a scene was added to another one.

    The first node gets the rows and columns of the others, which are removed. Of one measurement (equal key) the row that was
    measured last stays.

    :return: how many tables were taken into the first.
    :raises InputError: a row of the others is no measurement; the message names it, and all tables are as they were.
    """
    nodes = measurement_tables()
    if len(nodes) < 2:
        return 0
    table = _with_columns(_copy(nodes[0]))
    rows = {}
    for row, cells in enumerate(_cells(table)):
        if (measurement := _read(cells, strict=False)) is not None:
            rows[measurement.key] = (row, measurement)
    for node in nodes[1:]:
        other = _with_columns(_copy(node))
        _add_columns_of(other, table)
        for row, measurement in enumerate(measurements(node)):
            place, present = rows.get(measurement.key, (None, None))
            if present is not None and measurement.measured_at <= present.measured_at:
                continue
            if place is None:
                place = _append_row(table)
            for index in range(other.GetNumberOfColumns()):
                table.SetValueByName(place, other.GetColumnName(index), other.GetValue(row, index))
            rows[measurement.key] = (place, measurement)
    nodes[0].SetAndObserveTable(table)
    for node in nodes[1:]:
        slicer.mrmlScene.RemoveNode(node)
    return len(nodes) - 1


def measurement_tables() -> list:
    """Return the measurement table nodes of the scene: one, none, or several until they are merged."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLTableNode") if node.GetAttribute(TABLE_ATTRIBUTE)]


def _missing_columns(table) -> list[str]:
    return [name for name in COLUMNS if name != _EXACT and table.GetColumnByName(name) is None]


def _add_columns_of(other, table) -> None:
    """Add the columns that only the other table has, empty."""
    for index in range(other.GetNumberOfColumns()):
        if table.GetColumnByName(other.GetColumnName(index)) is None:
            table.AddColumn(_empty_column(other.GetColumn(index), table.GetNumberOfRows()))


def _empty_column(like, rows: int):
    column = like.NewInstance()
    column.SetName(like.GetName())
    column.SetNumberOfComponents(like.GetNumberOfComponents())
    column.SetNumberOfTuples(rows)
    for row in range(rows):
        _empty(column, row)
    return column


def _empty(column, row: int) -> None:
    # What VTK makes room for holds whatever was in memory.
    if isinstance(column, vtk.vtkDataArray):
        for component in range(column.GetNumberOfComponents()):
            column.SetComponent(row, component, 0)
    else:
        column.SetVariantValue(row, vtk.vtkVariant(""))


def _copy(table_node):
    table = vtk.vtkTable()
    table.DeepCopy(table_node.GetTable())
    return table


def _with_columns(table):
    """Add the columns that are missing, at the end, empty."""
    for name in COLUMNS:
        if table.GetColumnByName(name) is None:
            column = _COLUMN_TYPES.get(name, vtk.vtkStringArray)()
            column.SetName(name)
            table.AddColumn(_empty_column(column, table.GetNumberOfRows()))
    return table


def _append_row(table) -> int:
    row = table.InsertNextBlankRow()
    for index in range(table.GetNumberOfColumns()):
        _empty(table.GetColumn(index), row)
    return row


def _write(table, row: int, measurement: Measurement) -> None:
    for field in dataclasses.fields(measurement):
        content = getattr(measurement, field.name)
        if isinstance(content, str):
            content = content.replace('"', "&quot;")
        table.SetValueByName(row, field.name, vtk.vtkVariant(content))
    table.SetValueByName(row, _EXACT, vtk.vtkVariant(repr(measurement.value)))


def _cells(table) -> list[tuple[str | float, ...]]:
    """Return what stands in the columns that make a measurement, row by row."""
    return list(zip(*(_column(table.GetColumnByName(name), table.GetNumberOfRows()) for name in _READ), strict=True))


def _column(column, rows: int) -> list[str | float]:
    """Return what stands in a column: the numbers of a column of numbers that has them, else text; empty text without the column."""
    if isinstance(column, vtk.vtkStringArray):
        return [column.GetValue(row) for row in range(rows)]
    if column is None:
        return [""] * rows
    cells = [column.GetVariantValue(row) for row in range(rows)]
    if column.GetName() not in _COLUMN_TYPES:
        return [cell.ToString() for cell in cells]
    # No number is equal to itself where it is NaN: as text it is found among the rows that were read before.
    return [cell.ToString() if cell.IsString() or math.isnan(cell.ToDouble()) else cell.ToDouble() for cell in cells]


def _read(cells: tuple[str | float, ...], *, strict: bool = True) -> Measurement | None:
    """Read a row; what is no measurement is an InputError, or None unless ``strict``."""
    try:
        return _measurement(cells)
    except InputError:
        if strict:
            raise
        return None


@functools.lru_cache(maxsize=1 << 16)
def _measurement(cells: tuple[str | float, ...]) -> Measurement:
    """Return what the cells of a row say. Panels read whole tables again and again; a row of equal cells is checked once."""
    *contents, exact = cells
    content = {
        field.name: value.replace("&quot;", '"') if field.type is str else _number(value)
        for field, value in zip(dataclasses.fields(Measurement), contents, strict=True)
    }
    content["value"] = _exact_value(content["value"], exact)
    return Measurement(**content)


def _number(cell: str | float) -> str | float:
    """Return the number in a cell; text that is none as it is (VTK would make it 0)."""
    try:
        return float(cell)
    except ValueError:
        return cell


def _exact_value(value, exact_text: str):
    """Return the exact number where it is the visible one before rounding to six digits; else the visible one, which was edited."""
    try:
        exact = float(exact_text)
    except ValueError:
        return value
    return exact if isinstance(value, float) and f"{exact:.6g}" == f"{value:.6g}" else value

"""Filling Qt tables in the way all panels do it: aligned numbers, tool tips, what cannot be edited greyed."""

__all__ = ["Filling", "cell", "fitHeight", "isEdited", "prepare"]


class Filling:
    """Whether a table is being filled, so that the slots of its changes wait for the user's: ``with filling: ...``."""

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_error) -> None:
        self._depth -= 1

    def __bool__(self) -> bool:
        return self._depth > 0


def prepare(table, headings: list[str], *, stretch: int = 0, toolTips: list[str] | None = None) -> None:
    """Give a QTableWidget its columns; the one to stretch takes the room that the others leave."""
    import qt

    table.setColumnCount(len(headings))
    table.setHorizontalHeaderLabels(headings)
    table.verticalHeader().setVisible(False)
    header = table.horizontalHeader()
    for column in range(len(headings)):
        mode = qt.QHeaderView.Stretch if column == stretch else qt.QHeaderView.ResizeToContents
        header.setSectionResizeMode(column, mode)
    for column, text in enumerate(toolTips or ()):
        table.horizontalHeaderItem(column).setToolTip(text)


def cell(
    table,
    row: int,
    column: int,
    text: str,
    *,
    toolTip: str = "",
    data=None,
    number: bool = False,
    editable: bool = False,
    grey: bool = False,
    bold: bool = False,
    checked: bool | None = None,
    background: str = "",
):
    """Set a cell of a QTableWidget and return its item.

    :param data: kept with the item (Qt.UserRole).
    :param number: aligned to the right.
    :param checked: makes a tick box of it.
    :param background: a colour such as "#4477aa"; the text becomes black or white, whichever reads better on it.
    """
    import qt

    item = qt.QTableWidgetItem(text)
    if toolTip:
        item.setToolTip(toolTip)
    if data is not None:
        item.setData(qt.Qt.UserRole, data)
    if number:
        item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    flags = qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable
    if editable:
        flags |= qt.Qt.ItemIsEditable
    if checked is not None:
        flags |= qt.Qt.ItemIsUserCheckable
        item.setCheckState(qt.Qt.Checked if checked else qt.Qt.Unchecked)
    item.setFlags(flags)
    if bold:
        font = item.font()
        font.setBold(True)
        item.setFont(font)
    if background:
        color = qt.QColor(background)
        item.setBackground(qt.QBrush(color))
        luminance = 0.299 * color.red() + 0.587 * color.green() + 0.114 * color.blue()
        item.setForeground(qt.QBrush(qt.QColor("black" if luminance > 140 else "white")))
    if grey:
        item.setForeground(qt.QBrush(qt.QColor("grey")))
    table.setItem(row, column, item)
    return item


def isEdited(table) -> bool:
    """Whether the user is typing in a cell: a table that is filled now would take back what was typed."""
    return table.currentItem() is not None and table.isPersistentEditorOpen(table.currentItem())


def fitHeight(table, *, least: int = 1, most: int = 8) -> None:
    """Make a table as high as its rows, so that it neither wastes room nor scrolls without need."""
    import qt

    # Else the section that it stands in would claim what room the panel has left.
    table.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    rows = min(max(table.rowCount, least), most)
    row = table.verticalHeader().defaultSectionSize
    shown = sum(table.rowHeight(n) for n in range(min(table.rowCount, most))) + row * max(0, rows - table.rowCount)
    table.setFixedHeight(table.horizontalHeader().sizeHint.height() + shown + 2 * table.frameWidth + 2)

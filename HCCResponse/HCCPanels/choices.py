"""Filling the choices of a combo box: only when they change, so that a list that the user has open stays open."""

__all__ = ["fillCombo"]


def fillCombo(comboBox, choices: list[tuple], current=None, *, none: str = "") -> bool:
    """Show choices of a QComboBox, each a text and its data, and which one is chosen; returns whether they are others than before.

    :param current: data of the chosen one; where no choice has it, the first of new choices is, and of known ones that which was.
    :param none: shown where there is nothing to choose, with empty data.
    """
    shown = choices or ([(none, "")] if none else [])
    changed = [(comboBox.itemText(n), comboBox.itemData(n)) for n in range(comboBox.count)] != shown
    if changed:
        comboBox.clear()
        for text, data in shown:
            comboBox.addItem(text, data)
    known = [data for _text, data in shown]
    if current in known:
        comboBox.setCurrentIndex(known.index(current))
    return changed

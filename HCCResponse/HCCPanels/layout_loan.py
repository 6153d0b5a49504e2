"""The views are the user's: a panel borrows the layout and gives it back as it was."""

import slicer

__all__ = ["LayoutLoan"]


class LayoutLoan:
    """A layout shown for as long as a panel needs it; what the user chose meanwhile stays."""

    def __init__(self) -> None:
        self._before = None
        self._borrowed = None

    @property
    def isOut(self) -> bool:
        """Whether a layout is borrowed and still shown."""
        manager = slicer.app.layoutManager()
        return self._borrowed is not None and manager is not None and manager.layout == self._borrowed

    def borrow(self, layout: int) -> bool:
        """Show a layout; False without views (no main window)."""
        manager = slicer.app.layoutManager()
        if manager is None:
            return False
        if not self.isOut:
            self._before = manager.layout
        self._borrowed = layout
        if manager.layout != layout:
            manager.setLayout(layout)
        return True

    def giveBack(self) -> None:
        """Show the layout that was there before; nothing happens where the user has chosen another one since."""
        if self.isOut and self._before != self._borrowed:
            slicer.app.layoutManager().setLayout(self._before)
        self._before = self._borrowed = None

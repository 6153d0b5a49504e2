"""Following the mouse in the slice views: told as often as can be drawn, not as often as it moves."""

__all__ = ["CrosshairWatch"]

_INTERVAL_MS = 60


class CrosshairWatch:
    """Call ``onPoint`` with the point below the mouse, (R, A, S) in mm, while it moves in a view."""

    def __init__(self, onPoint) -> None:
        import qt

        self._onPoint = onPoint
        self._observed = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.connect("timeout()", self._onTimeout)

    @property
    def isOn(self) -> bool:
        """Whether the mouse is followed."""
        return self._observed is not None

    def start(self) -> None:
        """Follow the mouse."""
        from HCCResponseLib.scene.crosshair import crosshair_node

        node = crosshair_node()
        if self._observed is None and node is not None:
            self._observed = (node, node.AddObserver(node.CursorPositionModifiedEvent, self._onMoved))

    def stop(self) -> None:
        """Follow it no longer."""
        self._timer.stop()
        if self._observed is not None:
            node, tag = self._observed
            node.RemoveObserver(tag)
            self._observed = None

    def _onMoved(self, _caller, _event) -> None:
        if not self._timer.active:
            self._timer.start()

    def _onTimeout(self) -> None:
        from HCCResponseLib.scene.crosshair import crosshair_position

        point = crosshair_position() if self._observed is not None else None
        if point is not None:
            self._onPoint(point)

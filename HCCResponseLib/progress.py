"""How long work reports how far it is, and how it is stopped."""

from collections.abc import Callable

from .errors import Cancelled

__all__ = ["Progress", "report_progress", "subrange"]

Progress = Callable[[float], bool | None]
"""Called with the finished fraction, 0 to 1; the answer False (and only False) cancels the work."""


def report_progress(progress: Progress | None, fraction: float) -> None:
    """Tell ``progress`` the finished ``fraction``.

    :param progress: callback, or None for nobody to tell.
    :param fraction: finished part of the work, 0 to 1.
    :raises Cancelled: the callback returned False.
    """
    if progress is not None and progress(min(1.0, max(0.0, float(fraction)))) is False:
        raise Cancelled("Stopped before the end; nothing was changed.")


def subrange(progress: Progress | None, start: float, stop: float) -> Progress | None:
    """Return a callback that maps its 0 to 1 onto ``start`` to ``stop`` of ``progress`` (None stays None)."""
    if progress is None:
        return None
    return lambda fraction: progress(start + (stop - start) * fraction)

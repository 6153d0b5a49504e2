"""A progress bar for people at a terminal; silent where nobody looks, and for work that is soon done."""

import sys
import time

__all__ = ["ProgressBar"]


class ProgressBar:
    """Callback that draws on standard error, from one second after its start."""

    def __init__(self, label: str, stream=None):
        """Begin to count the time; ``label`` stands before the bar."""
        self._label = label
        self._stream = sys.stderr if stream is None else stream
        self._start = time.monotonic()
        self._last = 0.0
        self._drawn = False

    def __call__(self, fraction: float) -> bool:
        """Show that ``fraction`` (0 to 1) is done."""
        now = time.monotonic()
        elapsed = now - self._start
        if self._stream.isatty() and elapsed > 1.0 and (now - self._last > 0.1 or fraction >= 1):
            self._last, self._drawn = now, True
            filled = round(30 * fraction)
            left = f"{elapsed / fraction * (1 - fraction):.0f} s left" if 0.02 < fraction < 1 else ""
            self._stream.write(f"\r{self._label}  [{'█' * filled}{'·' * (30 - filled)}] {fraction:4.0%}  {left:<12}")
            self._stream.flush()
        return True

    def close(self) -> None:
        """Wipe the bar off the line."""
        if self._drawn:
            self._stream.write("\r" + " " * (len(self._label) + 60) + "\r")
            self._stream.flush()
            self._drawn = False

"""Progress of long work, with the remaining time and a Cancel button."""

import time
from contextlib import contextmanager

import slicer
from slicer.i18n import tr as _

__all__ = ["progressDialog", "remainingText"]

_TELL_AFTER_S = 3.0


@contextmanager
def progressDialog(text: str, windowTitle: str = "HCCResponse"):
    """Show a dialog when work takes longer than a moment; yields a callback for the library: told the fraction, False when cancelled."""
    dialog = slicer.util.createProgressDialog(labelText=text, windowTitle=windowTitle, minimumDuration=400, maximum=1000)
    start = time.monotonic()

    def report(fraction: float) -> bool:
        dialog.value = int(1000 * min(max(fraction, 0.0), 1.0))
        remaining = remainingText(fraction, time.monotonic() - start)
        dialog.labelText = f"{text}\n{remaining}" if remaining else text
        slicer.app.processEvents()
        return not dialog.wasCanceled

    try:
        yield report
    finally:
        dialog.close()
        dialog.deleteLater()


def remainingText(fraction: float, elapsed_s: float) -> str:
    """How long the rest takes at the same speed; empty while that cannot be told."""
    if elapsed_s < _TELL_AFTER_S or not 0.02 <= fraction < 1.0:
        return ""
    seconds = elapsed_s * (1.0 - fraction) / fraction
    if seconds < 90:
        return _("about {seconds} s left").format(seconds=max(1, round(seconds)))
    return _("about {minutes} min left").format(minutes=round(seconds / 60))

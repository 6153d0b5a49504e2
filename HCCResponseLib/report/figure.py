"""Figures of matplotlib as bytes; loaded only when something is drawn."""

import io
import re
from importlib.util import find_spec

from ..errors import InputError
from .text import plain_text

__all__ = ["figure_bytes", "figure_text", "new_figure", "require_packages"]

_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_FONT = {"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "svg.fonttype": "path", "svg.hashsalt": "HCCResponse"}


def require_packages(*names: str) -> None:
    """Ask for the packages that a report needs.

    :raises InputError: one is not installed.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise InputError(
            f"Pictures and reports need the package{'s' if len(missing) > 1 else ''} {' and '.join(missing)}: install with  "
            "pip install 'hccresponse[report]'.",
        )


def new_figure(width: float, height: float, *, dpi: float = 100, background: str = "white"):
    """Return an empty figure of so many inches that belongs to no window.

    :raises InputError: matplotlib is not installed.
    """
    require_packages("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, facecolor=background)
    FigureCanvasAgg(figure)
    return figure


def figure_bytes(figure, kind: str) -> bytes:
    """Return a figure as "png" or "svg"; equal figures are equal bytes."""
    from matplotlib import rc_context

    stream = io.BytesIO()
    nothing = ("Date", "Creator", "Format", "Type") if kind == "svg" else ("Software",)
    with rc_context(_FONT):
        figure.savefig(stream, format=kind, facecolor=figure.get_facecolor(), metadata=dict.fromkeys(nothing))
    content = stream.getvalue()
    # Letters are drawn as paths; matplotlib writes their words into comments, and names a document type on the network.
    return _COMMENT.sub(b"", content[content.index(b"<svg") :]) if kind == "svg" else content


def figure_text(text: str, most: int = 110) -> str:
    """Return text that matplotlib shows as it is: without control characters, and dollar signs are no formulas."""
    return plain_text(text, most).replace("$", r"\$")

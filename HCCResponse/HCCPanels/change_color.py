"""The colour of a change: blue for less, orange for more, grey where it may be noise; readable by colour-blind readers."""

import math

__all__ = ["changeColor"]

_LESS, _MORE, _NOISE = (0x6B, 0xAE, 0xD6), (0xFD, 0xAE, 0x6B), "#dddddd"
_FULL_PERCENT = 60.0
_NONE_PERCENT = 0.5


def changeColor(percent: float, insideRepeatability: bool = False) -> str:
    """A background colour like "#6baed6", stronger for larger changes; empty where there is no change to show."""
    if math.isnan(percent) or abs(percent) < _NONE_PERCENT:
        return ""
    if insideRepeatability:
        return _NOISE
    strength = min(1.0, 0.25 + 0.75 * abs(percent) / _FULL_PERCENT)
    full = _LESS if percent < 0 else _MORE
    return "#" + "".join(f"{round(255 + strength * (part - 255)):02x}" for part in full)

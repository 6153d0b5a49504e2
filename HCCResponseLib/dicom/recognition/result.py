"""What was recognised, and why."""

from dataclasses import dataclass
from enum import StrEnum

from ...response.roles import Role
from ..series import Series

__all__ = ["Confidence", "Recognition"]


class Confidence(StrEnum):
    """How far a recognition can be relied upon."""

    SURE = "sure"
    """The headers say it."""

    LIKELY = "likely"
    """The headers fit, but one of them is missing, or an ordinary protocol was assumed."""

    DOUBTFUL = "doubtful"
    """It rests on a name or a guess; a person should look."""


@dataclass(frozen=True)
class Recognition:
    """Role of a series, or of series that belong together, or of a part of a series.

    :param role: the role, or None when it is not known or of no use here.
    :param reason: one sentence for the user.
    :param series: what has this role, as the readers take it: one series or part, or several that are read together.
    :param confidence: how far it can be relied upon.
    :param warnings: what the user should look at, a sentence each.
    :param time_s: time after the injection of the contrast agent, for phases, as far as it is known.
    """

    role: Role | None
    reason: str
    series: tuple[Series, ...] = ()
    confidence: Confidence = Confidence.SURE
    warnings: tuple[str, ...] = ()
    time_s: float | None = None

"""Which contrast agent was given, and when its injection began."""

from datetime import datetime, timedelta
from enum import StrEnum

from pydicom.dataset import Dataset

from .headers import sequence_item, text, time_of

__all__ = ["AgentKind", "agent_kind", "contrast_agent"]

HALF_A_DAY = timedelta(hours=12)


class AgentKind(StrEnum):
    """What a contrast agent does in the liver, which decides what its late phases are."""

    GADOXETATE = "gadoxetate"
    GADOBENATE = "gadobenate"
    EXTRACELLULAR = "extracellular"
    UNKNOWN = "unknown"


_NAMES = {
    AgentKind.GADOXETATE: ("gadoxet", "primovist", "eovist", "eob"),
    AgentKind.GADOBENATE: ("gadobenat", "multihance", "bopta"),
    AgentKind.EXTRACELLULAR: (
        "gadobutrol", "gadavist", "gadovist", "gadoter", "dotarem", "clariscan", "artirem", "gadopiclenol", "elucirem", "vueway",
        "gadopentet", "magnevist", "gadodiamid", "omniscan", "gadoversetamid", "optimark", "gadoteridol", "prohance", "dtpa",
    ),
}
_NONE = {"", "no", "none", "n", "0", "-", "without"}
"""What some protocols write where no contrast agent was given."""


def agent_kind(agent: str) -> AgentKind:
    """Tell the kind of an agent by its generic or trade name."""
    agent = agent.casefold()
    return next((kind for kind, names in _NAMES.items() if any(name in agent for name in names)), AgentKind.UNKNOWN)


def contrast_agent(dataset: Dataset, acquired: datetime | None) -> tuple[str, datetime | None]:
    """Read the agent's name ('' where none is named) and the start of its injection.

    ContrastBolusStartTime has no date: it is the one nearest to the acquisition.

    :param dataset: header, classic or enhanced.
    :param acquired: when the first image of the series was acquired.
    """
    item = sequence_item(dataset, "ContrastBolusAgentSequence")
    name = text(dataset, "ContrastBolusAgent") or text(item, "CodeMeaning")
    profile = sequence_item(item, "ContrastAdministrationProfileSequence")
    moment = time_of(text(dataset, "ContrastBolusStartTime") or text(profile, "ContrastBolusStartTime"))
    start = None if moment is None or acquired is None else datetime.combine(acquired.date(), moment)
    # a bolus given before midnight, of images acquired after it, and the other way round
    if start is not None and start - acquired > HALF_A_DAY:
        start -= timedelta(days=1)
    elif start is not None and acquired - start > HALF_A_DAY:
        start += timedelta(days=1)
    return "" if name.casefold() in _NONE else name, start
